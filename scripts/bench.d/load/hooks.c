/*
 * hooks ROUNDS BLOCK INSIDE OUTSIDE HOST PORT: connects from a cgroup with programs and from one without, in blocks by turns.
 * INSIDE and OUTSIDE are cgroup.procs files; a socket belongs to the cgroup in which it was made. One line a connect:
 * how (tcp, whole, udp), nanoseconds inside, nanoseconds outside. tcp is the connect call alone, whole is socket, connect and
 * close, udp is the connect call of a new UDP socket.
 */
#include "bench.h"

#define BLOCK_MAX 4096

struct times {
	uint64_t tcp[BLOCK_MAX], whole[BLOCK_MAX], udp[BLOCK_MAX];
};

static struct times inside, outside;

static void move_to(const char *procs)
{
	char pid[16];
	int length = snprintf(pid, sizeof(pid), "%d", getpid());
	int fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, pid, (size_t)length) != length)
		err(1, "%s", procs);
	close(fd);
}

static void block(struct times *times, const char *procs, int count, const struct sockaddr_in *to)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	const struct sockaddr *where = (const struct sockaddr *)to;

	move_to(procs);
	for (int i = 0; i < count; i++) {
		uint64_t t0 = now_ns();
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		uint64_t t1 = now_ns();
		if (connect(fd, where, sizeof(*to)))
			err(1, "connect");
		uint64_t t2 = now_ns();
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
		times->whole[i] = now_ns() - t0;
		times->tcp[i] = t2 - t1;
	}
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		uint64_t t1 = now_ns();
		if (connect(fd, where, sizeof(*to)))
			err(1, "connect");
		times->udp[i] = now_ns() - t1;
		close(fd);
	}
}

int main(int argc, char **argv)
{
	if (argc != 7)
		errx(2, "usage: hooks ROUNDS BLOCK INSIDE OUTSIDE HOST PORT");
	int count = atoi(argv[2]);
	struct sockaddr_in to = address(argv[5], atoi(argv[6]));

	if (count < 1 || count > BLOCK_MAX)
		errx(2, "BLOCK: 1 to %d expected", BLOCK_MAX);
	block(&outside, argv[4], count, &to);
	block(&inside, argv[3], count, &to);
	for (int round = atoi(argv[1]); round > 0; round--) {
		block(&inside, argv[3], count, &to);
		block(&outside, argv[4], count, &to);
		for (int i = 0; i < count; i++) {
			printf("tcp %lu %lu\n", (unsigned long)inside.tcp[i], (unsigned long)outside.tcp[i]);
			printf("whole %lu %lu\n", (unsigned long)inside.whole[i], (unsigned long)outside.whole[i]);
			printf("udp %lu %lu\n", (unsigned long)inside.udp[i], (unsigned long)outside.udp[i]);
		}
	}
	move_to(argv[3]);
}
