/* The load generator's shared types. options.c reads the command line, driver.c runs the loop, wires.c speaks
 * the protocols, tally.c checks and counts. One thread, one process, Linux (epoll). */
#ifndef HUBBUB_BENCH_DRIVER_H
#define HUBBUB_BENCH_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CONTENT_SIZE = 128, ROOM_NAME_SIZE = 24 };

struct wire;

struct options {
    int port;
    int members;           /* receivers; member i is in room i % rooms */
    int publishers;        /* publisher j speaks in room j % rooms */
    int rooms;
    bool members_publish;  /* the first members are the publishers, instead of connections of their own */
    bool login_only;       /* set-up ends with the login; no room is joined by name */
    bool hold;             /* connect, say so, and stay idle until standard input ends */
    int setup_window;      /* connections that may be in their set-up at once */
    int in_flight;         /* closed loop: messages under way in all; 0: open loop at `rate` */
    double rate;           /* messages a second in all, open loop */
    double warmup;         /* seconds before the start mark */
    double seconds;        /* seconds between the start mark and the stop mark */
    long messages;         /* instead of seconds: this many, and no warm-up */
    double drain;          /* seconds without a delivery after which what is missing is called lost */
    double patience;       /* seconds the set-up may take */
    int sample;            /* latency is taken at every n-th member */
    const struct wire *wire;
};

/* What one member has seen of one publisher: the next sequence number, and which of the 64 before it came. */
struct seen {
    uint64_t window;
    uint32_t next;
};

struct conn {
    int fd; /* -1: closed by the server */
    int index;
    int room;
    int step; /* set-up requests answered so far */
    bool is_member, ready, want_write, dirty;
    char *carry; /* an incomplete frame */
    size_t carry_size, carry_room;
    char *out; /* bytes to send */
    size_t out_size, out_sent, out_room;
    struct seen *seen; /* one for each publisher of the room; members only */
};

/* One protocol. */
struct wire {
    const char *name;
    /* Queues set-up request number `step`; false: there is none, the connection is ready. */
    bool (*request)(struct conn *c, int step);
    /* Takes whole frames from the front of the bytes and returns how many bytes they were. */
    size_t (*parse)(struct conn *c, char *bytes, size_t size);
    void (*publish)(struct conn *c, const char *content, uint32_t sequence);
};

extern struct options options;
extern const struct wire *const wires[];

/* options.c */
void read_options(int argc, char **argv);

/* driver.c */
uint64_t now_ns(void);
void fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void queue(struct conn *c, const void *bytes, size_t size);
void answered(struct conn *c);
void message_done(int publisher);
void room_name(char name[ROOM_NAME_SIZE], int room);

/* tally.c */
void tally_open(void);
struct seen *tally_seen(int member);
void tally_read_begins(void);
void tally_latency_window(uint64_t from, uint64_t to);
void tally_published(int publisher, uint32_t sequence);
void content_write(char content[CONTENT_SIZE], int publisher, uint32_t sequence, uint64_t sent_at);
bool tally_frame(struct conn *c, const char *frame, size_t size);
void tally_refusal(const char *text, size_t size);
uint64_t tally_deliveries(void);
uint64_t tally_last_delivery(void);
void tally_report(FILE *out, uint64_t expected);

#endif
