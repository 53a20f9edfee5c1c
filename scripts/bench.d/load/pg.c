/*
 * The least that speaks PostgreSQL's protocol: what it measures is the server and what lies between. As user `bench` of
 * the database `bench`, without password and TLS; each WAY is HOST:PORT, and the ways are taken in turn.
 *
 * pg rows ROUNDS SQL WAY…   the whole answer, read and let go. One line a round: nanoseconds for each way.
 * pg ask COUNT SQL WAY…     one query after the other over one connection to each. One line: nanoseconds for each way.
 * pg hold COUNT SQL WAY     COUNT connections that have asked once; says so, and holds them until stdin ends.
 */
#include "bench.h"

static unsigned char buffer[1 << 18];
/* Bytes of rows in the last answer. */
static uint64_t rows;

static void put32(unsigned char *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, 4);
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;
	memcpy(&value, at, 4);
	return ntohl(value);
}

static void send_all(int fd, const void *bytes, size_t size)
{
	if (write(fd, bytes, size) != (ssize_t)size)
		err(1, "write");
}

/* Reads up to a ReadyForQuery that is the last thing the server said. */
static void until_ready(int fd)
{
	unsigned char header[5];
	size_t have = 0;
	uint64_t skip = 0;

	rows = 0;
	for (;;) {
		ssize_t size = read(fd, buffer, sizeof(buffer));
		if (size <= 0)
			err(1, "the server is gone");
		for (unsigned char *at = buffer, *end = buffer + size; at < end;) {
			if (skip > 0) {
				uint64_t some = skip < (uint64_t)(end - at) ? skip : (uint64_t)(end - at);
				skip -= some;
				at += some;
			} else {
				header[have++] = *at++;
				if (have < 5)
					continue;
				have = 0;
				skip = get32(header + 1) - 4;
				if (header[0] == 'E')
					errx(1, "the server refuses: %.*s", (int)(end - at), at);
				if (header[0] == 'D')
					rows += skip;
			}
			if (skip == 0 && have == 0 && header[0] == 'Z')
				return;
		}
	}
}

static void ask(int fd, const char *sql)
{
	unsigned char message[4096] = { 'Q' };
	size_t length = strlen(sql) + 1;

	if (length + 5 > sizeof(message))
		errx(2, "too long a statement");
	put32(message + 1, (uint32_t)length + 4);
	memcpy(message + 5, sql, length);
	send_all(fd, message, length + 5);
	until_ready(fd);
}

static int session(const char *way)
{
	static const char parameters[] = "user\0bench\0database\0bench\0application_name\0bench\0";
	unsigned char startup[8 + sizeof(parameters)];
	char host[64] = { 0 };
	const char *colon = strchr(way, ':');

	if (colon == NULL || (size_t)(colon - way) >= sizeof(host))
		errx(2, "%s: HOST:PORT expected", way);
	memcpy(host, way, (size_t)(colon - way));
	put32(startup, sizeof(startup));
	put32(startup + 4, 3 << 16);
	memcpy(startup + 8, parameters, sizeof(parameters));
	int fd = dial(host, atoi(colon + 1));
	struct timeval limit = { .tv_sec = 120 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	send_all(fd, startup, sizeof(startup));
	until_ready(fd);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: pg rows|ask|hold COUNT SQL HOST:PORT…");
	const char *sql = argv[3], *verb = argv[1];
	int count = atoi(argv[2]), ways = argc - 4;
	char byte;

	all_files();
	if (strcmp(verb, "hold") == 0) {
		for (int i = 0; i < count; i++)
			ask(session(argv[4]), sql);
		printf("held %d\n", count);
		fflush(stdout);
		while (read(0, &byte, 1) > 0)
			;
		return 0;
	}
	int *fds = calloc((size_t)ways, sizeof(*fds));
	for (int way = 0; way < ways; way++)
		fds[way] = session(argv[4 + way]);
	uint64_t expected = 0;
	for (int i = 0; i < count; i++) {
		for (int way = 0; way < ways; way++) {
			uint64_t start = now_ns();
			ask(fds[way], sql);
			printf("%lu%c", (unsigned long)(now_ns() - start), way + 1 < ways ? ' ' : '\n');
			if (expected == 0)
				expected = rows;
			if (rows == 0 || (strcmp(verb, "ask") == 0 && rows != expected))
				errx(1, "an answer of %lu bytes, %lu the first time", (unsigned long)rows, (unsigned long)expected);
		}
	}
	fprintf(stderr, "%lu\n", (unsigned long)rows);
}
