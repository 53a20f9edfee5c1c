/*
 * The far end, on web1. Ports ECHO .. ECHO+63 give back what they get; SINK counts what it gets and answers with
 * the count; SOURCE reads a count and sends that many bytes.
 */
#include "bench.h"
#include <sys/epoll.h>
#include <sys/prctl.h>

#define ECHO 7000
#define PORTS 64
#define SINK 7100
#define SOURCE 7101

static char buffer[1 << 20];

static int listen_on(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096))
		err(1, "listen on port %d", port);
	return fd;
}

static void echo_forever(void)
{
	struct epoll_event events[256];
	int poll = epoll_create1(0), one = 1;
	int first = 0;

	for (int i = 0; i < PORTS; i++) {
		int fd = listen_on(ECHO + i);
		if (i == 0)
			first = fd;
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
		epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
	}
	for (;;) {
		int count = epoll_wait(poll, events, 256, -1);
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			if (fd >= first && fd < first + PORTS) {
				int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
				if (got < 0)
					continue;
				setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				struct epoll_event event = { .events = EPOLLIN, .data.fd = got };
				epoll_ctl(poll, EPOLL_CTL_ADD, got, &event);
				continue;
			}
			ssize_t size = recv(fd, buffer, 4096, 0);
			if (size <= 0 || send(fd, buffer, (size_t)size, MSG_NOSIGNAL) != size)
				close(fd);
		}
	}
}

static void sink(int fd)
{
	uint64_t total = 0;
	ssize_t size;
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		total += (uint64_t)size;
	if (write(fd, &total, sizeof(total)) != sizeof(total))
		warn("sink");
}

static void source(int fd)
{
	uint64_t left = 0;
	if (read(fd, &left, sizeof(left)) != sizeof(left))
		return;
	while (left > 0) {
		ssize_t size = write(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));
		if (size <= 0)
			return;
		left -= (uint64_t)size;
	}
}

static void serve_forever(int port, void (*serve)(int))
{
	int fd = listen_on(port);
	for (;;) {
		int got = accept(fd, NULL, NULL);
		if (got < 0)
			continue;
		if (fork() == 0) {
			serve(got);
			_exit(0);
		}
		close(got);
	}
}

/* In a process that ends with this one. */
static void beside(int port, void (*serve)(int))
{
	pid_t parent = getpid();
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		serve_forever(port, serve);
	_exit(0);
}

int main(void)
{
	all_files();
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	beside(SINK, sink);
	beside(SOURCE, source);
	echo_forever();
}
