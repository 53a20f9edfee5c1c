/*
 * alternate COUNT COMMAND… -- COMMAND…: runs the two in turn, COUNT times each, their output thrown away.
 * One line a pair: microseconds of the first and of the second.
 */
#include "bench.h"
#include <spawn.h>

extern char **environ;

static uint64_t run(char **command, posix_spawn_file_actions_t *quiet)
{
	pid_t pid;
	int status;
	uint64_t start = now_ns();

	if (posix_spawnp(&pid, command[0], quiet, NULL, command, environ))
		errx(1, "%s: can't be started", command[0]);
	waitpid(pid, &status, 0);
	if (status)
		errx(1, "%s: status %d", command[0], status);
	return (now_ns() - start) / 1000;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t quiet;
	char **first = argv + 2, **second = NULL;

	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			argv[i] = NULL;
			second = argv + i + 1;
			break;
		}
	}
	if (argc < 5 || !second || !*second)
		errx(2, "usage: alternate COUNT COMMAND... -- COMMAND...");
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	run(first, &quiet);
	run(second, &quiet);
	for (int i = atoi(argv[1]); i > 0; i--) {
		uint64_t a = run(first, &quiet), b = run(second, &quiet);
		printf("%lu %lu\n", (unsigned long)a, (unsigned long)b);
		fflush(stdout);
	}
}
