/*
 * Connects through io_uring, without a library: uring plain|sqpoll ADDRESS PORT MARK
 * Writes `peer ADDRESS PORT` and `page STATUS`, or `errno NUMBER`; `forbidden` where io_uring is not to be had.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what, int number)
{
	printf("errno %d %s\n", number, what);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	struct io_uring_params params = {};
	if (!strcmp(argv[1], "sqpoll")) {
		params.flags = IORING_SETUP_SQPOLL;
		params.sq_thread_idle = 1000;
	}
	int ring = syscall(__NR_io_uring_setup, 4, &params);
	if (ring < 0) {
		printf("forbidden\n");
		return 3;
	}
	char *sq = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	char *cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *entries = mmap(NULL, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || entries == MAP_FAILED)
		return fail("mmap", errno);

	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr any;
	} to = {}, peer = {};
	socklen_t len, got = sizeof(peer);
	if (strchr(argv[2], ':')) {
		to.v6.sin6_family = AF_INET6;
		to.v6.sin6_port = htons(atoi(argv[3]));
		inet_pton(AF_INET6, argv[2], &to.v6.sin6_addr);
		len = sizeof(to.v6);
	} else {
		to.v4.sin_family = AF_INET;
		to.v4.sin_port = htons(atoi(argv[3]));
		inet_pton(AF_INET, argv[2], &to.v4.sin_addr);
		len = sizeof(to.v4);
	}
	int fd = socket(to.any.sa_family, SOCK_STREAM, 0);

	memset(&entries[0], 0, sizeof(entries[0]));
	entries[0].opcode = IORING_OP_CONNECT;
	entries[0].fd = fd;
	entries[0].addr = (unsigned long)&to;
	entries[0].off = len;
	unsigned *tail = (unsigned *)(sq + params.sq_off.tail);
	((unsigned *)(sq + params.sq_off.array))[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	unsigned flags = IORING_ENTER_GETEVENTS;
	if (params.flags & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(__NR_io_uring_enter, ring, 1, 1, flags, NULL, 0) < 0)
		return fail("io_uring_enter", errno);
	unsigned *head = (unsigned *)(cq + params.cq_off.head), *end = (unsigned *)(cq + params.cq_off.tail);
	while (*head == __atomic_load_n(end, __ATOMIC_ACQUIRE))
		usleep(1000);
	struct io_uring_cqe *done = (void *)(cq + params.cq_off.cqes);
	if (done->res < 0)
		return fail("connect", -done->res);

	char text[INET6_ADDRSTRLEN] = "", answer[64] = "";
	if (getpeername(fd, &peer.any, &got))
		return fail("getpeername", errno);
	inet_ntop(peer.any.sa_family, peer.any.sa_family == AF_INET6 ? (void *)&peer.v6.sin6_addr : (void *)&peer.v4.sin_addr,
		  text, sizeof(text));
	printf("peer %s %d\n", text, ntohs(peer.v4.sin_port));
	const char *request = "GET /uring HTTP/1.0\r\n\r\n";
	if (write(fd, request, strlen(request)) < 0)
		return fail("write", errno);
	ssize_t count = read(fd, answer, sizeof(answer) - 1);
	if (count < 0)
		return fail("read", errno);
	printf("page %.3s\n", count > 12 ? answer + 9 : "none");
	return 0;
}
