/*
 * One program of a nested login, under one of several names: NAME NUMBER DONE PLAN.
 *
 * PLAN is carried out letter by letter. d, i: connect to this login's own direct or inspected address, on the port that
 * says how deep this program is. k: fork, and connect in the child, which executes nothing. f: fork, and go on in a
 * program of the next name below, then connect once more. x: become the program of the next name. DONE is how this
 * program came to be, so argv, address and port say what the record has to say.
 */
#include "bench.h"

#define ECHO 7000
#define FORKED 32

static const char *const names[] = { "alpha", "beta", "gamma", "delta" };
static int number, depth;
static const char *self;

static void hop(int network, int port)
{
	char host[32];
	snprintf(host, sizeof(host), "10.%d.%d.%d", network, number >> 8 & 255, number & 255);
	int fd = dial(host, port);
	echo_byte(fd);
	drop(fd);
}

static void next(const char *done, char step, const char *rest)
{
	char path[4096], digits[16], now[64];
	const char *slash = strrchr(self, '/');
	int length = slash ? (int)(slash - self) : 0;

	snprintf(path, sizeof(path), "%.*s/%s", length, self, names[(depth + 1) % 4]);
	snprintf(digits, sizeof(digits), "%d", number);
	snprintf(now, sizeof(now), "%s%c", done, step);
	execl(path, path, digits, now, rest, NULL);
	err(1, "%s", path);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: %s NUMBER DONE PLAN", argv[0]);
	self = argv[0];
	number = atoi(argv[1]);
	depth = (int)strlen(argv[2]) - 1;
	for (const char *step = argv[3]; *step; step++) {
		if (*step == 'x')
			next(argv[2], 'x', step + 1);
		if (*step == 'd' || *step == 'i')
			hop(*step == 'd' ? 98 : 99, ECHO + depth);
		if (*step != 'k' && *step != 'f')
			continue;
		pid_t pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			if (*step == 'f')
				next(argv[2], 'f', step + 1);
			hop(98 + number % 2, ECHO + FORKED + depth);
			_exit(0);
		}
		int status;
		waitpid(pid, &status, 0);
		if (status)
			errx(1, "a child of %s failed: %d", argv[0], status);
		if (*step == 'f') {
			hop(98, ECHO + depth);
			break;
		}
	}
}
