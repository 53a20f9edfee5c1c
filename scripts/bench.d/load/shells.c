/*
 * shells COUNT COMMAND…: COUNT shells by COMMAND, each up to its first prompt; says so, and holds them until stdin ends.
 * Then each is told to exit.
 */
#include "bench.h"
#include <spawn.h>

extern char **environ;

/* Of those that are not at their prompt yet: a login costs both ends more than it does Hopline. */
#define AT_ONCE 4

struct shell {
	pid_t pid;
	int in, out;
};

static struct shell begin(char **command)
{
	struct shell shell;
	posix_spawn_file_actions_t files;
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		err(1, "pipe");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	if (posix_spawnp(&shell.pid, command[0], &files, NULL, command, environ))
		errx(1, "%s: can't be started", command[0]);
	posix_spawn_file_actions_destroy(&files);
	close(in[0]);
	close(out[1]);
	shell.in = in[1];
	shell.out = out[0];
	return shell;
}

static void prompted(struct shell shell)
{
	char text[4096];
	ssize_t size;

	do {
		size = read(shell.out, text, sizeof(text));
		if (size <= 0)
			errx(1, "a shell ended before its prompt");
	} while (!memchr(text, '$', (size_t)size));
}

int main(int argc, char **argv)
{
	char text[4096];
	int failed = 0, status;

	if (argc < 3)
		errx(2, "usage: shells COUNT COMMAND...");
	all_files();
	signal(SIGPIPE, SIG_IGN);
	int count = atoi(argv[1]);
	struct shell *shells = calloc((size_t)count, sizeof(*shells));
	for (int i = 0; i < count; i++) {
		shells[i] = begin(argv + 2);
		if (i >= AT_ONCE)
			prompted(shells[i - AT_ONCE]);
	}
	for (int i = count > AT_ONCE ? count - AT_ONCE : 0; i < count; i++)
		prompted(shells[i]);
	printf("held %d\n", count);
	fflush(stdout);
	while (read(0, text, 1) > 0)
		;
	for (int i = 0; i < count; i++)
		failed += write(shells[i].in, "exit\n", 5) != 5;
	for (int i = 0; i < count; i++) {
		while (read(shells[i].out, text, sizeof(text)) > 0)
			;
		waitpid(shells[i].pid, &status, 0);
		failed += status != 0;
	}
	if (failed)
		errx(1, "%d shells did not end as they were told", failed);
}
