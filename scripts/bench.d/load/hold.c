/* hold COUNT HOST PORT: opens COUNT connections, one byte there and back on each, says so, and holds them until stdin ends. */
#include "bench.h"

int main(int argc, char **argv)
{
	char byte;

	if (argc != 4)
		errx(2, "usage: hold COUNT HOST PORT");
	all_files();
	int count = atoi(argv[1]);
	int *fds = calloc((size_t)count, sizeof(*fds));
	for (int i = 0; i < count; i++) {
		fds[i] = dial(argv[2], atoi(argv[3]));
		echo_byte(fds[i]);
	}
	printf("held %d\n", count);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	for (int i = 0; i < count; i++)
		drop(fds[i]);
}
