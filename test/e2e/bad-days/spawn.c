/*
 * Many short processes: spawn FORKS EXECS [BYTES].
 * FORKS children that end at once, and EXECS that run /bin/true with an argument of BYTES bytes; one at a time, so
 * that pids go round. Prints how many of each ended as they should.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int ended(pid_t pid)
{
	int status = -1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
	long forks = argc > 1 ? atol(argv[1]) : 0, execs = argc > 2 ? atol(argv[2]) : 0;
	long bytes = argc > 3 ? atol(argv[3]) : 8, forked = 0, executed = 0;
	char *argument = malloc(bytes + 1);

	memset(argument, 'x', bytes);
	argument[bytes] = 0;
	for (long i = 0; i < forks; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		forked += ended(pid);
	}
	for (long i = 0; i < execs; i++) {
		pid_t pid = vfork();
		if (pid == 0) {
			execl("/bin/true", "spawned", argument, (char *)NULL);
			_exit(127);
		}
		executed += ended(pid);
	}
	printf("%ld %ld\n", forked, executed);
	return 0;
}
