/* The protocols: how a connection is set up, how a message is published, where a received frame ends. */
#define _GNU_SOURCE
#include "driver.h"

#include <string.h>

#define QUEUE_TEXT(c, ...)                                      \
    do {                                                        \
        char text_[512];                                        \
        int size_ = snprintf(text_, sizeof text_, __VA_ARGS__); \
        queue(c, text_, (size_t)size_);                         \
    } while (0)

static bool has(const char *bytes, size_t size, const char *word) {
    return memmem(bytes, size, word, strlen(word)) != NULL;
}

/* ---- WebSocket (RFC 6455), without compression: Hubbub's JSON dialect, and the chat servers beside it ---- */

enum { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

static void ws_queue(struct conn *c, int opcode, const char *body, size_t size) {
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d}; /* a server unmasks any key alike */
    unsigned char frame[8 + 512];
    size_t head = 2;
    if (size > 512) fatal("a client frame of %zu bytes", size);
    frame[0] = (unsigned char)(0x80 | opcode);
    if (size < 126) {
        frame[1] = (unsigned char)(0x80 | size);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(size >> 8);
        frame[3] = (unsigned char)size;
        head = 4;
    }
    memcpy(frame + head, key, 4);
    for (size_t i = 0; i < size; i++) frame[head + 4 + i] = (unsigned char)(body[i] ^ key[i & 3]);
    queue(c, frame, head + 4 + size);
}

#define WS_QUEUE_TEXT(c, ...)                                   \
    do {                                                        \
        char text_[512];                                        \
        int size_ = snprintf(text_, sizeof text_, __VA_ARGS__); \
        ws_queue(c, OP_TEXT, text_, (size_t)size_);             \
    } while (0)

static void ws_upgrade(struct conn *c) {
    QUEUE_TEXT(c,
               "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
               options.port);
}

/* One text frame that carries no message of the bench: an answer, an error, a notice. */
static void ws_other(struct conn *c, const char *body, size_t size) {
    bool refused = has(body, size, "\"type\":\"error\"");
    if (refused) tally_refusal(body, size);
    if (c->ready) return;
    if (refused) fatal("set-up refused: %.*s", (int)size, body);
    if (has(body, size, "\"type\":\"response\"") || has(body, size, "\"event\":\"joined\",\"room\"")) answered(c);
}

static void ws_frame(struct conn *c, int first, const char *body, size_t size) {
    switch (first & 0x7f) {
    case OP_TEXT:
    case OP_BINARY:
        if (!(first & 0x80)) fatal("a fragmented message");
        if (!tally_frame(c, body, size)) ws_other(c, body, size);
        return;
    case OP_PING: ws_queue(c, OP_PONG, body, size); return;
    case OP_PONG:
    case OP_CLOSE: return; /* after a close the end of the stream follows */
    default: fatal("a WebSocket frame that begins with %#x", first);
    }
}

static size_t ws_parse(struct conn *c, char *bytes, size_t size) {
    size_t at = 0;
    if (c->step == 0) {
        char *end = memmem(bytes, size, "\r\n\r\n", 4);
        if (!end) return 0;
        if (memcmp(bytes, "HTTP/1.1 101", 12) != 0) fatal("no upgrade: %.*s", (int)(end - bytes), bytes);
        at = (size_t)(end + 4 - bytes);
        answered(c);
    }
    while (size - at >= 2) {
        const unsigned char *h = (const unsigned char *)bytes + at;
        size_t body = h[1], head = 2;
        if (body == 126) {
            if (size - at < 4) break;
            body = (size_t)h[2] << 8 | h[3];
            head = 4;
        } else if (body == 127) {
            if (size - at < 10) break;
            body = 0;
            for (int i = 2; i < 10; i++) body = body << 8 | h[i];
            head = 10;
        } else if (body > 127) {
            fatal("a masked frame from the server");
        }
        if (size - at - head < body) break;
        ws_frame(c, h[0], bytes + at + head, body);
        at += head + body;
    }
    return at;
}

static bool hubbub_request(struct conn *c, int step) {
    char room[ROOM_NAME_SIZE];
    room_name(room, c->room);
    switch (step) {
    case 0: ws_upgrade(c); return true;
    case 1:
        WS_QUEUE_TEXT(c, "{\"id\":\"login\",\"type\":\"request\",\"action\":\"login\",\"payload\":{\"username\":\"m%d\"}}",
                      c->index);
        return true;
    case 2:
        if (options.login_only) return false;
        WS_QUEUE_TEXT(c, "{\"id\":\"join\",\"type\":\"request\",\"action\":\"join\",\"payload\":{\"room\":\"%s\"}}", room);
        return true;
    default: return false;
    }
}

static void hubbub_publish(struct conn *c, const char *content, uint32_t sequence) {
    char room[ROOM_NAME_SIZE];
    room_name(room, c->room);
    WS_QUEUE_TEXT(c,
                  "{\"id\":\"%d-%u\",\"type\":\"request\",\"action\":\"publish\","
                  "\"payload\":{\"room\":\"%s\",\"content\":\"%.*s\"}}",
                  c->index, (unsigned)sequence, room, CONTENT_SIZE, content);
}

static bool chat_request(struct conn *c, int step) {
    char room[ROOM_NAME_SIZE];
    room_name(room, c->room);
    if (step == 0) {
        ws_upgrade(c);
        return true;
    }
    if (step > 1 || !c->is_member) return false;
    WS_QUEUE_TEXT(c, "{\"action\":\"join\",\"room\":\"%s\"}", room);
    return true;
}

static void chat_publish(struct conn *c, const char *content, uint32_t sequence) {
    char room[ROOM_NAME_SIZE];
    (void)sequence;
    room_name(room, c->room);
    WS_QUEUE_TEXT(c, "{\"action\":\"publish\",\"room\":\"%s\",\"content\":\"%.*s\"}", room, CONTENT_SIZE, content);
}

/* ---- lines with lengths: what RESP and NATS share ---- */

/* The byte after the line's \r\n, or NULL where the line is not whole yet. */
static const char *line_end(const char *from, const char *end) {
    const char *newline = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
    return newline ? newline + 1 : NULL;
}

static size_t number(const char *digits) {
    size_t value = 0;
    while (*digits >= '0' && *digits <= '9') value = value * 10 + (size_t)(*digits++ - '0');
    return value;
}

/* ---- RESP2: Redis pub/sub ---- */

static bool resp_request(struct conn *c, int step) {
    char room[ROOM_NAME_SIZE];
    room_name(room, c->room);
    if (step > 0) return false;
    if (c->is_member) QUEUE_TEXT(c, "SUBSCRIBE %s\r\n", room);
    else QUEUE_TEXT(c, "PING\r\n");
    return true;
}

static void resp_publish(struct conn *c, const char *content, uint32_t sequence) {
    char room[ROOM_NAME_SIZE];
    (void)sequence;
    room_name(room, c->room);
    QUEUE_TEXT(c, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%d\r\n%.*s\r\n", strlen(room), room, CONTENT_SIZE, CONTENT_SIZE,
               content);
}

/* The end of one array of bulk strings and integers, or NULL; where its last bulk string begins. */
static const char *resp_array(const char *at, const char *end, const char **last) {
    size_t items = number(at + 1);
    at = line_end(at, end);
    while (at && items--) {
        const char *body = line_end(at, end);
        if (!body) return NULL;
        if (*at == '$') {
            size_t size = number(at + 1) + 2;
            if ((size_t)(end - body) < size) return NULL;
            *last = body;
            body += size;
        }
        at = body;
    }
    return at;
}

static size_t resp_parse(struct conn *c, char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    while (at < end) {
        const char *last = at;
        const char *next = *at == '*' ? resp_array(at, end, &last) : line_end(at, end);
        if (!next) break;
        if (*at == '-') tally_refusal(at, (size_t)(next - at));
        if (!c->ready) answered(c);
        else if (*at == '*') tally_frame(c, last, (size_t)(next - last));
        at = next;
    }
    return (size_t)(at - bytes);
}

/* ---- NATS ---- */

static bool nats_request(struct conn *c, int step) {
    char room[ROOM_NAME_SIZE];
    room_name(room, c->room);
    if (step > 0) return false;
    QUEUE_TEXT(c, "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"lang\":\"c\",\"version\":\"1\"}\r\n");
    if (c->is_member) QUEUE_TEXT(c, "SUB %s 1\r\n", room);
    QUEUE_TEXT(c, "PING\r\n");
    return true;
}

static void nats_publish(struct conn *c, const char *content, uint32_t sequence) {
    char room[ROOM_NAME_SIZE];
    (void)sequence;
    room_name(room, c->room);
    QUEUE_TEXT(c, "PUB %s %d\r\n%.*s\r\n", room, CONTENT_SIZE, CONTENT_SIZE, content);
}

static size_t nats_parse(struct conn *c, char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    while (at < end) {
        const char *next = line_end(at, end);
        if (!next) break;
        if (*at == 'M') { /* MSG subject sid size */
            const char *length = next - 2;
            while (length[-1] != ' ') length--;
            size_t body = number(length) + 2;
            if ((size_t)(end - next) < body) break;
            tally_frame(c, next, body);
            next += body;
        } else if (next - at >= 6 && memcmp(at, "PING\r\n", 6) == 0) {
            queue(c, "PONG\r\n", 6);
        } else if (next - at >= 6 && memcmp(at, "PONG\r\n", 6) == 0) {
            if (!c->ready) answered(c);
        } else if (*at == '-') {
            tally_refusal(at, (size_t)(next - at));
        }
        at = next;
    }
    return (size_t)(at - bytes);
}

static const struct wire hubbub = {"hubbub", hubbub_request, ws_parse, hubbub_publish};
static const struct wire chat = {"chat", chat_request, ws_parse, chat_publish};
static const struct wire resp = {"resp", resp_request, resp_parse, resp_publish};
static const struct wire nats = {"nats", nats_request, nats_parse, nats_publish};

const struct wire *const wires[] = {&hubbub, &chat, &resp, &nats, NULL};
