/*
 * stream ROUNDS BYTES DIRECT INSPECTED up|down: BYTES through one connection, to the one address and the other in turn.
 * One line a round: nanoseconds of the first and of the second.
 */
#include "bench.h"

#define SINK 7100
#define SOURCE 7101

static char buffer[1 << 20];

static uint64_t up(const char *host, uint64_t bytes)
{
	int fd = dial(host, SINK);
	uint64_t left = bytes, got = 0, start = now_ns();

	while (left > 0) {
		ssize_t size = write(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));
		if (size <= 0)
			err(1, "write");
		left -= (uint64_t)size;
	}
	shutdown(fd, SHUT_WR);
	if (read(fd, &got, sizeof(got)) != sizeof(got) || got != bytes)
		errx(1, "sent %lu bytes, %lu arrived", (unsigned long)bytes, (unsigned long)got);
	uint64_t took = now_ns() - start;
	close(fd);
	return took;
}

static uint64_t down(const char *host, uint64_t bytes)
{
	int fd = dial(host, SOURCE);
	uint64_t got = 0, start = now_ns();
	ssize_t size;

	if (write(fd, &bytes, sizeof(bytes)) != sizeof(bytes))
		err(1, "write");
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		got += (uint64_t)size;
	if (got != bytes)
		errx(1, "asked for %lu bytes, %lu arrived", (unsigned long)bytes, (unsigned long)got);
	uint64_t took = now_ns() - start;
	close(fd);
	return took;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		errx(2, "usage: stream ROUNDS BYTES DIRECT INSPECTED up|down");
	uint64_t bytes = strtoull(argv[2], NULL, 10);
	uint64_t (*way)(const char *, uint64_t) = strcmp(argv[5], "up") ? down : up;

	way(argv[3], bytes / 8);
	way(argv[4], bytes / 8);
	for (int i = atoi(argv[1]); i > 0; i--) {
		uint64_t a = way(argv[3], bytes), b = way(argv[4], bytes);
		printf("%lu %lu\n", (unsigned long)a, (unsigned long)b);
	}
}
