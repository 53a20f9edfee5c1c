/*
 * spawn RATE COUNT PROGRAM [ARGUMENT…]: executes PROGRAM COUNT times, RATE times a second (0: as fast as it goes), from
 * two processes. Prints how many were executed and the nanoseconds that it took.
 */
#include "bench.h"
#include <spawn.h>
#include <sys/mman.h>

#define JOBS 2
#define LIVE 64

static void job(uint64_t rate, uint64_t count, char **command, uint64_t *done)
{
	char *none[] = { NULL };
	uint64_t start = now_ns(), live = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (rate) {
			uint64_t due = start + i * 1000000000ull / rate, now = now_ns();
			if (due > now)
				sleep_ns(due - now);
		}
		pid_t pid;
		int error = posix_spawn(&pid, command[0], NULL, NULL, command, none);
		if (error) {
			errno = error;
			err(1, "%s", command[0]);
		}
		live++;
		*done += 1;
		while (live > 0 && waitpid(-1, NULL, live < LIVE ? WNOHANG : 0) > 0)
			live--;
	}
	while (live > 0 && waitpid(-1, NULL, 0) > 0)
		live--;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "usage: spawn RATE COUNT PROGRAM [ARGUMENT...]");
	uint64_t rate = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10), total = 0;
	uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t start = now_ns();

	for (int i = 0; i < JOBS; i++) {
		if (fork() == 0) {
			job(rate ? rate / JOBS : 0, count / JOBS, argv + 3, done + i * 8);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < JOBS; i++)
		total += done[i * 8];
	printf("%lu %lu\n", (unsigned long)total, (unsigned long)(now_ns() - start));
}
