/* A neutral load generator: members that receive, publishers that send, one thread, one epoll.
 *
 * Closed loop: a message occupies one of the --in-flight places until ALL members of its room have it; then its
 * publisher sends the next. Open loop (--rate): messages fall due at fixed times, whatever the server does, and latency
 * counts from the time at which they were due. What a publisher has to send is written once an epoll turn (of at most
 * TURN events), for every server alike.
 *
 * Standard output is a JSON object a line: marks (ready, start, stop) as they happen, so that whoever watches can read
 * the server's CPU time at that moment, and at last the result. Status 1 and a line on standard error: no result. */
#define _GNU_SOURCE
#include "driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TURN = 64, READ_SIZE = 256 * 1024, CARRY_MAX = 1024 * 1024 };
enum phase { SETTING_UP, HOLDING, WARMING_UP, MEASURING, DRAINING, DONE };

static int poller, timer = -1;
static struct conn *conns;
static int conn_count, opened, in_setup, ready_count, closed_count;
static uint32_t *sent_by; /* messages sent by each publisher */
static struct conn **dirty;
static int dirty_count;
static enum phase phase;
static uint64_t setup_began, run_began, start_at, stop_at, drained_at;
static uint64_t sent, completed, deliveries_at_start, deliveries_at_stop;
static double cpu_at_start, cpu_at_stop;
static long budget = LONG_MAX;
static char buffer[CARRY_MAX + READ_SIZE];

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double seconds_between(uint64_t from, uint64_t to) { return (double)(to - from) / 1e9; }

static double own_cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void fatal(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("driver: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void room_name(char name[ROOM_NAME_SIZE], int room) {
    if (options.rooms == 1) snprintf(name, ROOM_NAME_SIZE, "bench");
    else snprintf(name, ROOM_NAME_SIZE, "bench-%d", room);
}

/* ---- connections ---- */

static void watch(struct conn *c, int operation, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &e) < 0) fatal("epoll_ctl: %s", strerror(errno));
}

static void open_next(void) {
    struct conn *c = &conns[opened++];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fatal("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) fatal("connect: %s", strerror(errno));
    in_setup++;
    c->want_write = true;
    watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    options.wire->request(c, 0);
}

static void closed(struct conn *c, const char *why) {
    if (!c->ready) fatal("connection %d ended during its set-up: %s", c->index, why);
    if (!closed_count) fprintf(stderr, "driver: connection %d was closed by the server: %s\n", c->index, why);
    closed_count++;
    close(c->fd);
    c->fd = -1;
}

void queue(struct conn *c, const void *bytes, size_t size) {
    if (c->fd < 0) return;
    if (c->out_size + size > c->out_room) {
        c->out_room = 2 * (c->out_size + size);
        c->out = realloc(c->out, c->out_room);
        if (!c->out) fatal("no memory");
    }
    memcpy(c->out + c->out_size, bytes, size);
    c->out_size += size;
    if (!c->dirty) {
        c->dirty = true;
        dirty[dirty_count++] = c;
    }
}

static void flush(struct conn *c) {
    while (c->fd >= 0 && c->out_sent < c->out_size) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_size - c->out_sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != ENOTCONN) closed(c, strerror(errno));
            break;
        }
        c->out_sent += (size_t)n;
    }
    if (c->fd < 0) return;
    bool left = c->out_sent < c->out_size;
    if (!left) c->out_sent = c->out_size = 0;
    if (left != c->want_write) {
        c->want_write = left;
        watch(c, EPOLL_CTL_MOD, left ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

static void flush_dirty(void) {
    for (int i = 0; i < dirty_count; i++) {
        dirty[i]->dirty = false;
        if (!dirty[i]->want_write) flush(dirty[i]);
    }
    dirty_count = 0;
}

/* A set-up request was answered: the next one, or the connection is ready. */
void answered(struct conn *c) {
    c->step++;
    if (options.wire->request(c, c->step)) return;
    c->ready = true;
    ready_count++;
    in_setup--;
}

static void receive(struct conn *c) {
    if (c->carry_size) memcpy(buffer, c->carry, c->carry_size);
    ssize_t n = recv(c->fd, buffer + c->carry_size, READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        closed(c, n ? strerror(errno) : "end of stream");
        return;
    }
    tally_read_begins();
    size_t have = c->carry_size + (size_t)n;
    size_t used = options.wire->parse(c, buffer, have);
    c->carry_size = have - used;
    if (c->carry_size > c->carry_room) {
        if (c->carry_size > CARRY_MAX) fatal("a frame of more than %d bytes", CARRY_MAX);
        c->carry_room = c->carry_size;
        c->carry = realloc(c->carry, c->carry_room);
        if (!c->carry) fatal("no memory");
    }
    if (c->carry_size) memcpy(c->carry, buffer + used, c->carry_size);
}

/* ---- publishing ---- */

static void publish(int publisher, uint64_t due) {
    char content[CONTENT_SIZE];
    struct conn *c = &conns[options.members_publish ? publisher : options.members + publisher];
    if (budget <= 0 || c->fd < 0) return;
    budget--;
    content_write(content, publisher, sent_by[publisher], due);
    tally_published(publisher, sent_by[publisher]);
    options.wire->publish(c, content, sent_by[publisher]);
    sent_by[publisher]++;
    sent++;
}

/* The last member of the room has the message: its place is free. */
void message_done(int publisher) {
    completed++;
    if (phase == WARMING_UP || phase == MEASURING) publish(publisher, now_ns());
}

/* Sends what is due by now, and sets the timer for what is due next. */
static void pace(uint64_t now) {
    static uint64_t paced;
    uint64_t due;
    while ((due = run_began + (uint64_t)((double)paced / options.rate * 1e9)) <= now && budget > 0)
        publish((int)(paced++ % (uint64_t)options.publishers), due);
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(due / 1000000000u), .tv_nsec = (long)(due % 1000000000u)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* ---- phases ---- */

static void mark(const char *name) {
    printf("{\"mark\":\"%s\",\"setup_seconds\":%.6f}\n", name, seconds_between(setup_began, run_began));
    fflush(stdout);
}

static void begin_run(uint64_t now) {
    run_began = now;
    mark("ready");
    if (options.hold) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0) fatal("standard input: %s", strerror(errno));
        phase = HOLDING;
        return;
    }
    phase = WARMING_UP;
    if (options.messages) budget = options.messages;
    for (int i = 0; i < options.in_flight; i++) publish(i % options.publishers, now);
    if (!options.in_flight) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &timer};
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &e) < 0) fatal("timerfd: %s", strerror(errno));
    }
}

static void begin_measuring(uint64_t now) {
    phase = MEASURING;
    start_at = now;
    deliveries_at_start = tally_deliveries();
    cpu_at_start = own_cpu();
    tally_latency_window(start_at, UINT64_MAX);
    mark("start");
}

static void begin_draining(uint64_t now) {
    phase = DRAINING;
    stop_at = now;
    deliveries_at_stop = tally_deliveries();
    cpu_at_stop = own_cpu();
    tally_latency_window(start_at, stop_at);
    mark("stop");
}

static uint64_t expected(void) { return sent * (uint64_t)(options.members / options.rooms); }

static bool stalled(uint64_t now) {
    uint64_t since = tally_last_delivery() > run_began ? tally_last_delivery() : run_began;
    return now > since && seconds_between(since, now) > options.drain;
}

static void advance(uint64_t now) {
    if (phase == SETTING_UP) {
        while (opened < conn_count && in_setup < options.setup_window) open_next();
        if (ready_count == conn_count) begin_run(now);
        else if (seconds_between(setup_began, now) > options.patience)
            fatal("set-up: %d of %d connections ready after %.0f s", ready_count, conn_count, options.patience);
    }
    if (phase == WARMING_UP && (options.messages || seconds_between(run_began, now) >= options.warmup)) begin_measuring(now);
    if (!options.in_flight && (phase == WARMING_UP || phase == MEASURING)) pace(now);
    if (phase == MEASURING) {
        bool over = options.messages ? budget == 0 && tally_deliveries() == expected()
                                     : seconds_between(start_at, now) >= options.seconds;
        if (over || stalled(now)) begin_draining(now);
    }
    if (phase == DRAINING) {
        /* A tenth of a second more, for what may come twice. */
        if (tally_deliveries() < expected()) drained_at = 0;
        else if (!drained_at) drained_at = now;
        if (stalled(now) || (drained_at && seconds_between(drained_at, now) > 0.1)) phase = DONE;
    }
}

static int wait_ms(uint64_t now) {
    double left = 0.1;
    if (phase == WARMING_UP) left = options.warmup - seconds_between(run_began, now);
    if (phase == MEASURING && !options.messages) left = options.seconds - seconds_between(start_at, now);
    if (phase == DRAINING) left = 0.02;
    return left <= 0 ? 0 : left > 0.1 ? 100 : (int)(left * 1e3) + 1;
}

static void turn(void) {
    struct epoll_event events[TURN];
    int n = epoll_wait(poller, events, TURN, wait_ms(now_ns()));
    if (n < 0 && errno != EINTR) fatal("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        if (!c) {
            char ignored[64];
            if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) phase = DONE;
        } else if ((void *)c == (void *)&timer) {
            uint64_t ticks;
            if (read(timer, &ticks, sizeof ticks) < 0) continue;
        } else if (c->fd >= 0) {
            if (events[i].events & EPOLLOUT) flush(c);
            if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
        }
    }
    advance(now_ns());
    flush_dirty();
}

/* ---- report ---- */

static void make_conns(void) {
    struct rlimit files;
    conn_count = options.members + (options.members_publish || options.hold ? 0 : options.publishers);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)conn_count + 16)
        fatal("%d connections need more open files than the hard limit of %lu", conn_count, (unsigned long)files.rlim_max);
    conns = calloc((size_t)conn_count, sizeof *conns);
    dirty = calloc((size_t)conn_count, sizeof *dirty);
    sent_by = calloc((size_t)options.publishers, sizeof *sent_by);
    if (!conns || !dirty || !sent_by) fatal("no memory");
    for (int i = 0; i < conn_count; i++) {
        struct conn *c = &conns[i];
        c->index = i;
        c->is_member = i < options.members;
        c->room = (c->is_member ? i : i - options.members) % options.rooms;
        if (c->is_member) c->seen = tally_seen(i);
    }
}

static void report(void) {
    double seconds = seconds_between(start_at, stop_at);
    uint64_t delivered = deliveries_at_stop - deliveries_at_start;
    printf("{\"result\":{\"deliveries\":%llu,\"seconds\":%.6f,\"per_second\":%.1f,\"driver_cpu_seconds\":%.6f,"
           "\"sent\":%llu,\"delivered_in_all\":%llu,\"closed\":%d,\"setup_seconds\":%.6f,",
           (unsigned long long)delivered, seconds, (double)delivered / seconds, cpu_at_stop - cpu_at_start,
           (unsigned long long)sent, (unsigned long long)tally_deliveries(), closed_count,
           seconds_between(setup_began, run_began));
    tally_report(stdout, expected());
    printf("}}\n");
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    tally_open();
    make_conns();
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fatal("epoll_create1: %s", strerror(errno));
    setup_began = now_ns();
    advance(setup_began);
    flush_dirty();
    while (phase != DONE) turn();
    if (!options.hold) report();
    return 0;
}
