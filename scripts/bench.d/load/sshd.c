/*
 * A stand-in for sshd's listener: sshd -D LIVE REUSE DIRECTORY. Reads "NUMBER UID PLAN" a line, and for each forks, becomes
 * UID and executes DIRECTORY/alpha: a login, as the kernel half sees it. At most LIVE at a time. With REUSE not 0, the
 * pid counter is set back every REUSE logins, so that numbers are given out again while their last owner is
 * hardly gone. Prints how many logins ended well.
 */
#include "bench.h"
#include <sys/stat.h>

static void begin(int number, int uid, const char *plan, const char *directory)
{
	char path[4096], digits[16];
	char *home[] = { "PATH=/usr/bin:/bin", NULL };

	if (setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) || setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid))
		err(1, "setresuid");
	snprintf(path, sizeof(path), "%s/alpha", directory);
	snprintf(digits, sizeof(digits), "%d", number);
	char *args[] = { path, digits, "s", (char *)plan, NULL };
	execve(path, args, home);
	err(1, "%s", path);
}

static void set_back(const char *pid)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, pid, strlen(pid)) < 0)
		err(1, "ns_last_pid");
	close(fd);
}

int main(int argc, char **argv)
{
	char line[256], plan[128], first[16];
	int number, uid, live = 0, started = 0, good = 0, status;

	if (argc != 5 || strcmp(argv[1], "-D"))
		errx(2, "usage: sshd -D LIVE REUSE DIRECTORY");
	int most = atoi(argv[2]), reuse = atoi(argv[3]);
	snprintf(first, sizeof(first), "%d", getpid());
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%d %d %127s", &number, &uid, plan) != 3)
			errx(2, "not a login: %s", line);
		while (live >= most && wait(&status) > 0) {
			live--;
			good += status == 0;
		}
		if (reuse && started % reuse == 0)
			set_back(first);
		pid_t pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			begin(number, uid, plan, argv[4]);
		live++;
		started++;
	}
	while (wait(&status) > 0)
		good += status == 0;
	printf("%d %d\n", started, good);
}
