/* reception.c: a small server for as long as there is no heap (reception.h).
 *
 * Invariants:
 * R1. A visitor's bytes are at most one incomplete request when nothing of it is being served. One that is longer than what is kept for
 *     a visitor is answered as soon as that is known, and skipped: Redis would refuse it, too, unless it were an ECHO or PUBLISH.
 */
#include "app/reception.h"

#include "app/app.h"
#include "app/process.h"
#include "app/reception_answer.h"
#include "command/acl/session.h"
#include "util/clock.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS      20
#define REST_NS      100000000 /* before it is tried again to let somebody in */
#define DOORS_MAX    17
#define VISITORS_MAX 1024 /* more are turned away */
#define BACKLOG      511
#define READ_BYTES   (16 * 1024)
#define INLINE_BYTES (64 * 1024)

struct door {
    int fd;
    bool is_local; /* the unix socket */
};

struct visitor {
    int fd;
    bool is_local;
    struct sockaddr_storage peer;
    char *bytes;
    size_t len;
    size_t cap;
    bool skips;                /* its bytes belong to a request that was answered */
    struct resp_parser parser; /* when it does: resp_skip */
    struct session session;
};

struct reception {
    struct app *app;
    struct door doors[DOORS_MAX];
    unsigned door_count;
    int64_t rest_until_ns; /* nobody is let in before; 0: the last one could be */
    struct visitor *visitors[VISITORS_MAX];
    unsigned visitor_count;
    uint64_t next_id;
    struct reception_desk desk;
    struct resp_arena arena;
};

/* ---- requests ---- */

/* A request at a visitor's bytes, or the rest of one that is skipped. */
struct reading {
    struct resp_limits limits;
    size_t at; /* bytes that are done with */
    enum resp_status status;
    const char *error;
};

static void read_on(struct reception *reception, struct visitor *visitor, struct reading *reading)
{
    struct session *session = &visitor->session;
    struct resp_parser parser = {0}; /* an incomplete request is read again from its beginning */
    struct resp_request request;
    const char *bytes = visitor->bytes + reading->at;
    size_t len = visitor->len - reading->at, done = 0, wanted;
    if (visitor->skips) {
        reading->status = resp_skip(&visitor->parser, &reading->limits, &reception->arena, bytes, len, &done,
                                    &reading->error);
        visitor->skips = reading->status == RESP_MORE;
        reading->at += done;
        return;
    }
    reading->status = resp_parse(&parser, &reading->limits, &reception->arena, bytes, len, &request, &wanted,
                                 &reading->error);
    if (reading->status == RESP_REQUEST) {
        if (request.argc > 0) reception_answer(&reception->desk, session, &request);
        reading->at += request.bytes;
    } else if (reading->status == RESP_MORE && parser.argc_wanted > 0 &&
               len + wanted > RECEPTION_REQUEST_BYTES) {
        reception_answer_unread(&reception->desk, session, &parser, bytes);
        reading->at += parser.at;
        reading->status = RESP_REQUEST; /* goes on with what follows */
        resp_skip_begin(&parser);
        visitor->parser = parser;
        visitor->skips = true;
        return;
    }
    resp_parser_reset(&parser);
}

/* Answers into reception->desk.out. False when the connection is to be closed. */
static bool answer_all(struct reception *reception, struct visitor *visitor)
{
    const struct session *session = &visitor->session;
    struct server_state *server = &reception->app->server;
    struct reading reading = {.limits = {.max_bulk_bytes = atomic_load(&server->settings->max_bulk_bytes),
                                         .max_inline_bytes = INLINE_BYTES,
                                         .max_args = INT_MAX},
                              .status = RESP_REQUEST};
    resp_arena_reset(&reception->arena);
    while (reading.status == RESP_REQUEST && reading.at < visitor->len && !session->close_after_reply) {
        reading.limits.authenticated = !acl_session_is_stranger(&server->acl, session);
        read_on(reception, visitor, &reading);
    }
    if (reading.status == RESP_ERROR) resp_error(&reception->desk.out, reading.error);
    visitor->len -= reading.at;
    memmove(visitor->bytes, visitor->bytes + reading.at, visitor->len); /* R1 */
    return reading.status != RESP_ERROR && !session->close_after_reply;
}

/* ---- visitors ---- */

static void visitor_free(struct visitor *visitor)
{
    if (visitor->fd >= 0) close(visitor->fd);
    session_free(&visitor->session);
    free(visitor->bytes);
    free(visitor);
}

static bool reserve(struct visitor *visitor)
{
    size_t cap = visitor->len + READ_BYTES;
    if (visitor->len > RECEPTION_REQUEST_BYTES) return false;
    if (visitor->cap >= cap) return true;
    char *grown = realloc(visitor->bytes, cap);
    if (!grown) return false;
    visitor->bytes = grown;
    visitor->cap = cap;
    return true;
}

/* False when the visitor goes. */
static bool serve(struct reception *reception, struct visitor *visitor)
{
    if (!reserve(visitor)) return false;
    ssize_t got = recv(visitor->fd, visitor->bytes + visitor->len, READ_BYTES, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    visitor->len += (size_t)got;
    reception->desk.out.len = 0;
    bool stays = got > 0 && answer_all(reception, visitor);
    const struct resp_out *out = &reception->desk.out;
    /* Replies are short: who does not take one at once has stopped to read. */
    bool sent = out->len == 0 ||
                send(visitor->fd, out->buf, out->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out->len;
    return stays && sent && !out->failed;
}

static struct visitor *visitor_new(struct reception *reception, const struct door *door, int fd,
                                   const struct sockaddr_storage *peer)
{
    struct visitor *visitor = calloc(1, sizeof *visitor);
    if (!visitor) return NULL;
    visitor->fd = fd;
    visitor->is_local = door->is_local;
    visitor->peer = *peer;
    visitor->session = (struct session){.id = reception->next_id++, .proto = 2};
    acl_session_begin(&reception->app->server.acl, &visitor->session);
    return visitor;
}

/* The error to send to a connection that is turned away; NULL: it is welcome. */
static const char *refuse_visitor(const struct reception *reception, const struct door *door,
                                  const struct sockaddr_storage *peer)
{
    const struct app *app = reception->app;
    uint64_t places = atomic_load(&app->client_settings.maxclients);
    if (places > VISITORS_MAX) places = VISITORS_MAX;
    if (reception->visitor_count >= places) return "-ERR max number of clients reached\r\n";
    if (door->is_local) return NULL;
    return client_protection(&app->client_settings, &reception->app->server, (const struct sockaddr *)peer);
}

/* Who waits stays at the door, which would be ready at once again: without a rest the thread would do nothing but look. */
static void rest(struct reception *reception, int why)
{
    if (reception->rest_until_ns == 0)
        log_line(&reception->app->log, LOG_WARNING, "Accepting client connection: %s", strerror(why));
    reception->rest_until_ns = clock_monotonic_ns() + REST_NS;
}

static bool is_retried(int why)
{
    return why == EINTR || why == ECONNABORTED;
}

/* False when nobody who waits at the door can be had. */
static bool welcome(struct reception *reception, const struct door *door)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    int fd = accept4(door->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno != EAGAIN && !is_retried(errno)) rest(reception, errno);
        return is_retried(errno);
    }
    reception->rest_until_ns = 0;
    const char *refusal = refuse_visitor(reception, door, &peer);
    if (refusal) (void)!send(fd, refusal, strlen(refusal), MSG_NOSIGNAL | MSG_DONTWAIT);
    struct visitor *visitor = refusal ? NULL : visitor_new(reception, door, fd, &peer);
    if (visitor) reception->visitors[reception->visitor_count++] = visitor;
    else close(fd);
    return true;
}

void reception_serve(struct reception *reception)
{
    struct pollfd polled[DOORS_MAX + VISITORS_MAX];
    unsigned doors = reception->door_count;
    unsigned visitors = reception->visitor_count, stay = 0;
    bool rests = clock_monotonic_ns() < reception->rest_until_ns;
    for (unsigned i = 0; i < doors; i++) /* poll skips what is negative */
        polled[i] = (struct pollfd){.fd = rests ? -1 : reception->doors[i].fd, .events = POLLIN};
    for (unsigned i = 0; i < visitors; i++)
        polled[doors + i] = (struct pollfd){.fd = reception->visitors[i]->fd, .events = POLLIN};
    int ready = poll(polled, doors + visitors, POLL_MS);
    if (process_signal_received())
        reception_leave(reception->app, "Received shutdown signal during loading, exiting now.");
    if (ready < 0 && errno != EINTR) nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL); /* no memory */
    if (ready <= 0) return;
    for (unsigned i = 0; i < visitors; i++) {
        struct visitor *visitor = reception->visitors[i];
        if (!polled[doors + i].revents || serve(reception, visitor)) reception->visitors[stay++] = visitor;
        else visitor_free(visitor);
    }
    reception->visitor_count = stay;
    for (unsigned i = 0; i < doors; i++)
        if (polled[i].revents) (void)welcome(reception, &reception->doors[i]);
}

/* ---- doors ---- */

/* Takes the socket over; the address is bound. */
static void open_door(struct reception *reception, int fd, bool is_local)
{
    if (reception->door_count < DOORS_MAX && listen(fd, BACKLOG) == 0)
        reception->doors[reception->door_count++] = (struct door){fd, is_local};
    else close(fd);
}

static void open_tcp(struct reception *reception, const struct addrinfo *address)
{
    int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0) open_door(reception, fd, false);
    else close(fd);
}

/* One word of `bind`. */
static void open_at(struct reception *reception, const char *word, size_t len, const char *port)
{
    char name[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (len > 0 && *word == '-') word++, len--;
    if (len == 0 || len >= sizeof name) return;
    memcpy(name, word, len);
    name[len] = '\0';
    bool any4 = strcmp(name, "*") == 0;
    bool any6 = strcmp(name, "::*") == 0;
    if (any4 || any6) hints.ai_family = any4 ? AF_INET : AF_INET6;
    if (getaddrinfo(any4 || any6 ? NULL : name, port, &hints, &found) != 0) return;
    open_tcp(reception, found);
    freeaddrinfo(found);
}

static void open_local(struct reception *reception, const char *path, unsigned mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof address.sun_path) return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    strcpy(address.sun_path, path);
    unlink(path);
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (bound && (mode == 0 || chmod(path, mode) == 0)) open_door(reception, fd, true);
    else close(fd);
}

static void open_doors(struct reception *reception)
{
    const struct config *config = reception->app->config;
    const char *word = config_text(config, "bind");
    open_local(reception, config_text(config, "unixsocket"), (unsigned)config_int(config, "unixsocketperm"));
    while (*word && config_int(config, "port") != 0) {
        size_t len = strcspn(word, " ");
        open_at(reception, word, len, config_text(config, "port"));
        word += len + (word[len] == ' ');
    }
}

/* ---- life ---- */

struct reception *reception_open(struct app *app)
{
    struct reception *reception = calloc(1, sizeof *reception);
    if (!reception) return NULL;
    reception->app = app;
    reception->next_id = 1;
    reception_desk_open(&reception->desk, app);
    open_doors(reception);
    process_watch_signals(NULL);
    return reception;
}

void reception_close_doors(struct reception *reception)
{
    for (unsigned i = 0; i < reception->door_count; i++) {
        const struct door *door = &reception->doors[i];
        while (welcome(reception, door))
            continue;
        close(door->fd);
    }
    reception->door_count = 0;
}

void reception_hand_over(struct reception *reception)
{
    const char *path = config_text(reception->app->config, "unixsocket");
    for (unsigned i = 0; i < reception->visitor_count; i++) {
        struct visitor *visitor = reception->visitors[i];
        const struct client_visitor client = {.fd = visitor->fd,
                                              .peer = (struct sockaddr *)&visitor->peer,
                                              .unix_path = visitor->is_local ? path : NULL,
                                              .session = &visitor->session,
                                              .bytes = visitor->bytes,
                                              .len = visitor->len,
                                              .skipped = visitor->skips ? &visitor->parser : NULL};
        client_pool_adopt(reception->app->pool, &client);
        visitor->fd = -1;
        visitor_free(visitor);
    }
    reception->visitor_count = 0;
}

void reception_free(struct reception *reception)
{
    if (!reception) return;
    reception_close_doors(reception);
    for (unsigned i = 0; i < reception->visitor_count; i++)
        visitor_free(reception->visitors[i]);
    resp_arena_free(&reception->arena);
    resp_out_free(&reception->desk.out);
    free(reception);
}
