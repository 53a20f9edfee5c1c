/*
 * keys COUNT DIRECT INSPECTED: a shell on a terminal of each, in which every key comes back from a program of the far
 * host's; COUNT keys, to the one and the other in turn. One line a key: nanoseconds there and back of each.
 */
#include "bench.h"

/* As somebody types fast: nothing of the key before is under way. */
#define PAUSE_NS 4000000

struct shell {
	pid_t pid;
	int in, out;
};

static struct shell begin(const char *host, const char *count)
{
	struct shell shell;
	char line[128], text[65536];
	int in[2], out[2];
	size_t have = 0;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		err(1, "pipe");
	shell.pid = fork();
	if (shell.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("ssh", "ssh", "-tt", "-e", "none", host, NULL);
		err(1, "ssh");
	}
	close(in[0]);
	close(out[1]);
	shell.in = in[1];
	shell.out = out[0];
	/* What the terminal echoes of this is not the word. */
	int size = snprintf(line, sizeof(line), "stty raw -echo; echo re''ady; exec dd bs=1 count=%s status=none\n", count);
	if (write(shell.in, line, (size_t)size) != size)
		err(1, "%s", host);
	do {
		ssize_t more = read(shell.out, text + have, sizeof(text) - 1 - have);
		if (more <= 0)
			errx(1, "%s: ended before the program began", host);
		have += (size_t)more;
		text[have] = 0;
	} while (!strstr(text, "ready\n"));
	return shell;
}

static uint64_t key(struct shell shell, char one)
{
	char back;

	sleep_ns(PAUSE_NS);
	uint64_t start = now_ns();
	if (write(shell.in, &one, 1) != 1 || read(shell.out, &back, 1) != 1 || back != one)
		errx(1, "another key came back");
	return now_ns() - start;
}

static void end(struct shell shell)
{
	int status;

	waitpid(shell.pid, &status, 0);
	if (status)
		errx(1, "ssh: status %d", status);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: keys COUNT DIRECT INSPECTED");
	alarm(600);
	struct shell a = begin(argv[2], argv[1]), b = begin(argv[3], argv[1]);
	for (int i = 0, count = atoi(argv[1]); i < count; i++) {
		uint64_t first = key(a, (char)('a' + i % 26)), second = key(b, (char)('a' + i % 26));
		printf("%lu %lu\n", (unsigned long)first, (unsigned long)second);
	}
	end(a);
	end(b);
}
