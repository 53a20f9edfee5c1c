/*
 * connects COUNT DIRECT INSPECTED PORT: connect, send a byte, read it back, close; to the one address and the other
 * in turn. One line a pair: nanoseconds of the first and of the second.
 */
#include "bench.h"

static uint64_t once(const char *host, int port)
{
	uint64_t start = now_ns();
	int fd = dial(host, port);
	echo_byte(fd);
	uint64_t took = now_ns() - start;
	drop(fd);
	return took;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		errx(2, "usage: connects COUNT DIRECT INSPECTED PORT");
	int port = atoi(argv[4]);
	for (int i = atoi(argv[1]); i > 0; i--) {
		uint64_t a = once(argv[2], port), b = once(argv[3], port);
		printf("%lu %lu\n", (unsigned long)a, (unsigned long)b);
	}
}
