/* Counting and checking: every member gets every message once and in its publisher's order.
 *
 * A message's content says who sent it, which it is, and when:
 *     #PPPPPPPPSSSSSSSS#TTTTTTTTTTTTTTTT#xxx…
 * publisher and sequence number in 8 hexadecimal digits each, the sending time in nanoseconds in 16. The frame around
 * it is not parsed: the three marks are looked for where they were in the frame before, else by a search. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

enum { MARK_SEQUENCE = 17, MARK_TIME = 34, MARKED_SIZE = 35 };
enum { SUB_BUCKETS = 64, BUCKETS = SUB_BUCKETS * 32 };

struct flight {
    uint32_t sequence; /* which message holds this place */
    uint32_t missing;  /* members that have not got it yet; 0: the place is free */
};

static struct seen *seen_by_members;
static struct flight *flights; /* closed loop: a ring for each publisher */
static uint32_t ring_mask;
static int publishers_a_room;
static size_t last_mark;

static uint64_t window_from = UINT64_MAX, window_to = UINT64_MAX;
static uint64_t read_at, last_delivery;
static uint64_t deliveries, duplicates, out_of_order, other_frames;
static uint64_t latencies, latency_max, histogram[BUCKETS]; /* microseconds */
static char refusal[256];

void tally_open(void) {
    publishers_a_room = options.publishers / options.rooms;
    seen_by_members = calloc((size_t)options.members * (size_t)publishers_a_room + 1, sizeof *seen_by_members);
    uint32_t ring = 1;
    while (ring < 4 * (uint32_t)options.in_flight) ring *= 2;
    ring_mask = ring - 1;
    if (options.in_flight) flights = calloc((size_t)ring * (size_t)options.publishers, sizeof *flights);
    if (!seen_by_members || (options.in_flight && !flights)) fatal("no memory");
}

struct seen *tally_seen(int member) { return seen_by_members + (size_t)member * (size_t)publishers_a_room; }

void tally_read_begins(void) { read_at = now_ns(); }

/* Latency is taken of the messages that were sent (open loop: due) between these times. */
void tally_latency_window(uint64_t from, uint64_t to) {
    window_from = from;
    window_to = to;
}

uint64_t tally_deliveries(void) { return deliveries; }

uint64_t tally_last_delivery(void) { return last_delivery; }

void tally_published(int publisher, uint32_t sequence) {
    if (!flights) return;
    struct flight *f = flights + (size_t)publisher * (ring_mask + 1) + (sequence & ring_mask);
    f->sequence = sequence;
    f->missing = (uint32_t)(options.members / options.rooms);
}

void content_write(char content[CONTENT_SIZE], int publisher, uint32_t sequence, uint64_t sent_at) {
    char text[MARKED_SIZE + 1];
    snprintf(text, sizeof text, "#%08x%08x#%016llx#", (unsigned)publisher, (unsigned)sequence,
             (unsigned long long)sent_at);
    memset(content, 'x', CONTENT_SIZE);
    memcpy(content, text, MARKED_SIZE);
}

/* Eight hexadecimal digits at once: each digit to its nibble, then neighbours joined three times. */
static uint32_t hex8(const char *digits) {
    uint64_t v;
    memcpy(&v, digits, 8);
    v = (v & 0x0f0f0f0f0f0f0f0fu) + 9 * ((v >> 6) & 0x0101010101010101u);
    v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ffu;
    v = (v << 8 | v >> 16) & 0x0000ffff0000ffffu;
    return (uint32_t)(v << 16 | v >> 32);
}

static bool marked(const char *at) { return at[0] == '#' && at[MARK_SEQUENCE] == '#' && at[MARK_TIME] == '#'; }

static const char *find_mark(const char *frame, size_t size) {
    if (size < MARKED_SIZE) return NULL;
    if (last_mark <= size - MARKED_SIZE && marked(frame + last_mark)) return frame + last_mark;
    const char *end = frame + size - MARKED_SIZE + 1;
    for (const char *at = frame; at < end && (at = memchr(at, '#', (size_t)(end - at))); at++) {
        if (marked(at)) {
            last_mark = (size_t)(at - frame);
            return at;
        }
    }
    return NULL;
}

static void record_latency(const char *mark) {
    uint64_t sent_at = (uint64_t)hex8(mark + MARK_SEQUENCE + 1) << 32 | hex8(mark + MARK_SEQUENCE + 9);
    if (sent_at < window_from || sent_at >= window_to) return;
    uint64_t us = read_at > sent_at ? (read_at - sent_at) / 1000 : 0;
    if (us > latency_max) latency_max = us;
    unsigned shift = us < 2 * SUB_BUCKETS ? 0 : 63u - (unsigned)__builtin_clzll(us) - 6;
    uint64_t bucket = shift * SUB_BUCKETS + (us >> shift);
    histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    latencies++;
}

/* The first time this message reached this member? Counts what came twice or late. */
static bool is_new(struct seen *s, uint32_t sequence) {
    if (sequence >= s->next) {
        uint32_t step = sequence - s->next + 1; /* 1: in order; more: a gap, filled later or lost */
        s->window = step < 64 ? s->window << step | 1 : 1;
        s->next = sequence + 1;
        return true;
    }
    uint32_t back = s->next - 1 - sequence;
    uint64_t bit = back < 64 ? (uint64_t)1 << back : 0;
    if (!bit || s->window & bit) { /* beyond the window nobody can tell; a late one then counts as lost too */
        duplicates++;
        return false;
    }
    s->window |= bit;
    out_of_order++;
    return true;
}

/* False: the frame carries no message of the bench. */
bool tally_frame(struct conn *c, const char *frame, size_t size) {
    const char *mark = find_mark(frame, size);
    if (!mark) {
        other_frames++;
        return false;
    }
    int publisher = (int)hex8(mark + 1);
    uint32_t sequence = hex8(mark + 9);
    if (publisher >= options.publishers || publisher < 0) fatal("a message of publisher %d, whom there is not", publisher);
    if (publisher % options.rooms != c->room) fatal("a message of room %d came to room %d", publisher % options.rooms, c->room);
    if (!c->is_member) return true;
    if (!is_new(c->seen + publisher / options.rooms, sequence)) return true;
    deliveries++;
    last_delivery = read_at;
    if (c->index % options.sample == 0) record_latency(mark);
    if (flights) {
        struct flight *f = flights + (size_t)publisher * (ring_mask + 1) + (sequence & ring_mask);
        if (f->sequence == sequence && f->missing && --f->missing == 0) message_done(publisher);
    }
    return true;
}

/* Keeps the first error a server sent, for the report. */
void tally_refusal(const char *text, size_t size) {
    if (refusal[0] || !size) return;
    if (size >= sizeof refusal) size = sizeof refusal - 1;
    for (size_t i = 0; i < size; i++) {
        char ch = text[i];
        refusal[i] = ch == '"' ? '\'' : ch < ' ' || ch > '~' || ch == '\\' ? ' ' : ch;
    }
}

/* Milliseconds below which the given share of the sampled deliveries stayed; the bucket's upper edge, 1.6 % wide. */
static double percentile(double share) {
    uint64_t below = 0, wanted = (uint64_t)((double)latencies * share);
    for (unsigned i = 0; i < BUCKETS; i++) {
        below += histogram[i];
        if (!latencies || below <= wanted) continue;
        unsigned shift = i < 2 * SUB_BUCKETS ? 0 : i / SUB_BUCKETS - 1;
        uint64_t edge = ((uint64_t)(i - shift * SUB_BUCKETS) + 1) << shift;
        return (double)(edge < latency_max ? edge : latency_max) / 1000.0;
    }
    return (double)latency_max / 1000.0;
}

void tally_report(FILE *out, uint64_t expected) {
    fprintf(out, "\"lost\":%llu,\"duplicates\":%llu,\"out_of_order\":%llu,\"other_frames\":%llu,",
            (unsigned long long)(expected - deliveries), (unsigned long long)duplicates,
            (unsigned long long)out_of_order, (unsigned long long)other_frames);
    fprintf(out, "\"latency_ms\":{\"samples\":%llu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"refusal\":\"%s\"",
            (unsigned long long)latencies, percentile(0.5), percentile(0.99), (double)latency_max / 1000.0, refusal);
}
