/* The two ends of a transfer: sends or receives so many bytes on sockets that are connected already.
 *
 *     ends send BLOCK SIZE 0 FD...
 *     ends receive BLOCK SIZE RATE FD...
 *
 * BLOCK is a file; the byte at position p is its byte p modulo its length, and the receiver looks at both edges of
 * whatever a read brings. RATE is in bytes a second for each socket, 0: as fast as they come. It waits for a byte on
 * standard input to begin, stops early when that ends, and prints one line of JSON. Times are of CLOCK_MONOTONIC, so
 * that those of two processes can be compared. Linux, one thread, poll. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, EDGE = 16, TICK_MS = 100 };

struct stream {
    int fd;
    uint64_t bytes;
    uint64_t allowed; /* how far it may be by now, where there is a rate */
    double begin, end;
    bool done;
};

static char *block, *piece;
static size_t block_size;
static uint64_t size, wrong;

static void fatal(const char *what) {
    fprintf(stderr, "ends: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void read_block(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) < 0) fatal(path);
    block_size = (size_t)about.st_size;
    block = malloc(block_size);
    piece = malloc(PIECE);
    if (!block || !piece || read(fd, block, block_size) != (ssize_t)block_size) fatal(path);
    close(fd);
}

static size_t at_most(uint64_t left, size_t limit) { return left < limit ? (size_t)left : limit; }

static void check_edge(uint64_t position, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) wrong += bytes[i] != block[(position + i) % block_size];
}

static ssize_t send_some(struct stream *s) {
    size_t from = (size_t)(s->bytes % block_size);
    return send(s->fd, block + from, at_most(size - s->bytes, block_size - from), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t receive_some(struct stream *s, uint64_t limit) {
    ssize_t got = recv(s->fd, piece, at_most(limit - s->bytes, PIECE), MSG_DONTWAIT);
    if (got > 0) {
        size_t edge = at_most((uint64_t)got, EDGE);
        check_edge(s->bytes, piece, edge);
        check_edge(s->bytes + (uint64_t)got - edge, piece + got - edge, edge);
    }
    return got;
}

/* One step of one stream: it is done with its last byte, or where the other side has closed. */
static void step(struct stream *s, bool sends, uint64_t rate) {
    uint64_t limit = rate && s->allowed < size ? s->allowed : size;
    ssize_t moved = sends ? send_some(s) : receive_some(s, limit);
    if (moved < 0 && (errno == EAGAIN || errno == EINTR)) return;
    s->end = now();
    if (moved > 0) s->bytes += (uint64_t)moved;
    s->done = moved <= 0 || s->bytes == size;
}

static void print_report(const struct stream *streams, int count) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"cpu\":%.6f,\"wrong\":%" PRIu64 ",\"streams\":[", cpu, wrong);
    for (int i = 0; i < count; i++)
        printf("%s{\"bytes\":%" PRIu64 ",\"begin\":%.6f,\"end\":%.6f}", i ? "," : "", streams[i].bytes,
               streams[i].begin, streams[i].end);
    printf("]}\n");
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: ends send|receive BLOCK SIZE RATE FD...\n");
        return 2;
    }
    bool sends = !strcmp(argv[1], "send");
    read_block(argv[2]);
    size = strtoull(argv[3], NULL, 10);
    uint64_t rate = strtoull(argv[4], NULL, 10);
    int count = argc - 5, open_streams = count;
    struct stream *streams = calloc((size_t)count, sizeof *streams);
    struct pollfd *polls = calloc((size_t)count + 1, sizeof *polls);
    if (!streams || !polls) fatal("memory");
    char go;
    if (read(0, &go, 1) != 1) return 0;
    double began = now();
    for (int i = 0; i < count; i++)
        streams[i] = (struct stream){.fd = atoi(argv[5 + i]), .begin = began, .end = began, .done = !size};
    for (; open_streams;) {
        open_streams = 0;
        uint64_t ticks = (uint64_t)((now() - began) * 1000) / TICK_MS;
        uint64_t allowed = ticks * rate * TICK_MS / 1000;
        for (int i = 0; i < count; i++) {
            struct stream *s = streams + i;
            s->allowed = allowed;
            bool wants = !s->done && (!rate || s->bytes < allowed);
            polls[i] = (struct pollfd){.fd = wants ? s->fd : -1, .events = sends ? POLLOUT : POLLIN};
            open_streams += !s->done;
        }
        polls[count] = (struct pollfd){.fd = 0, .events = POLLIN};
        if (!open_streams) break;
        if (poll(polls, (nfds_t)count + 1, rate ? TICK_MS : -1) < 0 && errno != EINTR) fatal("poll");
        if (polls[count].revents) break;
        for (int i = 0; i < count; i++)
            if (polls[i].revents) step(streams + i, sends, rate);
    }
    print_report(streams, count);
    return 0;
}
