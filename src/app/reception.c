/* reception.c: a small server for as long as there is no heap (reception.h).
 *
 * Invariants:
 * R1. A visitor's bytes are at most one incomplete request when nothing of it is being served. One that is longer than what is kept for
 *     a visitor is answered as soon as that is known, and skipped: Redis would refuse it, too, unless it were an ECHO.
 * R2. Handlers are called without keyspace, transaction and dispatcher: those listed use none of them.
 */
#include "app/reception.h"

#include "app/app.h"
#include "app/info.h"
#include "app/process.h"
#include "command/acl/session.h"
#include "command/connection/connection_commands.h"
#include "command/server/server_commands.h"
#include "resp/parse.h"
#include "util/clock.h"
#include "util/number.h"

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

#define POLL_MS       20
#define REST_NS       100000000 /* before it is tried again to let somebody in */
#define DOORS_MAX     17
#define VISITORS_MAX  1024 /* more are turned away */
#define BACKLOG       511
#define READ_BYTES    (16 * 1024)
#define REQUEST_BYTES (128 * 1024) /* a longer one is not kept */
#define INLINE_BYTES  (64 * 1024)
#define NAMES_MAX     2 /* arguments that name a command */
#define NO_AUTH       "NOAUTH Authentication required."
#define LOADING       "LOADING Redis is loading the dataset in memory"

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
    struct host host; /* what handlers may ask for */
    struct worker worker;
    struct resp_arena arena;
    struct resp_out out;
};

/* ---- what handlers may ask for ---- */

static void client_info(void *arg, struct worker *worker, const struct session *session,
                        struct resp_out *line_out)
{
    (void)arg;
    (void)worker;
    static const char text[] = "name=";
    resp_raw(line_out, text, strlen(text));
    if (session->name) resp_raw(line_out, session->name, strlen(session->name));
}

static void info(void *arg, struct worker *worker, const struct slice *sections, size_t count,
                 struct resp_out *text_out)
{
    (void)worker;
    info_write(arg, NULL, sections, count, text_out);
}

/* The recovery can be stopped anywhere and begins anew (DESIGN §2, J9). */
static _Noreturn void leave(struct app *app, const char *why)
{
    const char *socket_path = config_text(app->config, "unixsocket");
    log_line(&app->log, LOG_NOTICE, "%s", why);
    process_notify(app, "STOPPING=1\n");
    process_remove_pidfile(app);
    if (*socket_path) unlink(socket_path);
    _exit(0);
}

static bool shut_down(void *arg, bool save, bool nosave, bool now, bool force, char *error, size_t error_cap)
{
    (void)save, (void)nosave, (void)now, (void)force, (void)error, (void)error_cap;
    leave(arg, "User requested shutdown while the server is loading, exiting now...");
}

static bool abort_shutdown(void *arg)
{
    (void)arg;
    return false;
}

/* ---- requests ---- */

static bool select_db(const struct reception *reception, const struct resp_request *request,
                      struct session *session, struct resp_out *out)
{
    int64_t index;
    bool is_number = number_parse_int(request->argv[1], &index);
    if (!is_number) resp_error(out, "ERR value is not an integer or out of range");
    else if (index < 0 || index >= config_int(reception->app->config, "databases"))
        resp_error(out, "ERR DB index is out of range");
    else {
        session->db = (unsigned)index;
        resp_ok(out);
    }
    return true;
}

/* R2 */
static bool is_served(const struct command_entry *entry)
{
    static const struct command *const served[] = {
        &connection_auth,      &connection_hello,          &connection_echo,
        &connection_quit,      &connection_reset,          &connection_client_getname,
        &connection_client_id, &connection_client_setinfo, &connection_client_setname,
        &server_info,          &server_shutdown,           &server_time,
    };
    for (size_t i = 0; i < sizeof served / sizeof *served; i++)
        if (entry->command == served[i]) return true;
    return strcmp(entry->full_name, "config|get") == 0;
}

/* The error to reply; NULL: the visitor may ask for that. In the order of the dispatcher. */
static const char *refuse(struct reception *reception, const struct session *session,
                          const struct resp_request *request, const struct command_entry **entry_out,
                          char text[ACL_TEXT_BYTES])
{
    struct server_state *server = &reception->app->server;
    enum command_found found = command_table_find(server->table, request->argv, request->argc, entry_out);
    const struct command_entry *entry = *entry_out;
    if (found != COMMAND_FOUND) {
        command_table_error(found, entry, request->argv, request->argc, text);
        return text;
    }
    bool is_free = entry->command->flags & COMMAND_NO_AUTH;
    if (acl_session_is_stranger(&server->acl, session) && !is_free) return NO_AUTH;
    if (acl_user_may_all(session->user)) return NULL;
    struct acl_verdict verdict = acl_check(session->user, entry, request->argv, request->argc);
    if (verdict.allowed) return NULL;
    int len = snprintf(text, ACL_TEXT_BYTES, "NOPERM ");
    acl_verdict_text(&verdict, session->user->name, entry, request->argv, false, text + len,
                     ACL_TEXT_BYTES - (size_t)len);
    return text;
}

static void answer(struct reception *reception, struct session *session, const struct resp_request *request)
{
    struct resp_out *out = &reception->out;
    const struct command_entry *entry;
    char text[ACL_TEXT_BYTES];
    static_assert(ACL_TEXT_BYTES >= COMMAND_ERROR_BYTES, "both kinds of error fit");
    const char *refusal = refuse(reception, session, request, &entry, text);
    out->proto = session->proto;
    if (refusal) resp_error(out, refusal);
    else if (entry->command == &connection_select) select_db(reception, request, session, out);
    else if (!is_served(entry)) resp_error(out, LOADING);
    else {
        struct call call = {.command = entry->command,
                            .argv = request->argv,
                            .argc = request->argc,
                            .session = session,
                            .worker = &reception->worker,
                            .out = out,
                            .now_ms = clock_wall_ms(),
                            .reply_at = out->len};
        entry->command->handler(&call);
    }
}

/* One that is too long to be read as a whole: what is known of it are its first arguments, at `bytes`. */
static void answer_unread(struct reception *reception, const struct session *session,
                          const struct resp_parser *parser, const char *bytes)
{
    struct server_state *server = &reception->app->server;
    const struct command_entry *entry;
    struct slice names[NAMES_MAX] = {SLICE(""), SLICE("")};
    char text[COMMAND_ERROR_BYTES];
    size_t known = parser->argc < NAMES_MAX ? parser->argc : NAMES_MAX;
    for (size_t i = 0; i < known; i++)
        names[i] = (struct slice){bytes + parser->spans[i].off, parser->spans[i].len};
    enum command_found found = command_table_find(server->table, names, parser->argc_wanted, &entry);
    if (found != COMMAND_FOUND) command_table_error(found, entry, names, known, text);
    bool is_stranger = acl_session_is_stranger(&server->acl, session);
    reception->out.proto = session->proto;
    if (found != COMMAND_FOUND) resp_error(&reception->out, text);
    else if (is_stranger && !(entry->command->flags & COMMAND_NO_AUTH)) resp_error(&reception->out, NO_AUTH);
    else resp_error(&reception->out, LOADING);
}

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
        if (request.argc > 0) answer(reception, session, &request);
        reading->at += request.bytes;
    } else if (reading->status == RESP_MORE && parser.argc_wanted > 0 && len + wanted > REQUEST_BYTES) {
        answer_unread(reception, session, &parser, bytes);
        reading->at += parser.at;
        reading->status = RESP_REQUEST; /* goes on with what follows */
        resp_skip_begin(&parser);
        visitor->parser = parser;
        visitor->skips = true;
        return;
    }
    resp_parser_reset(&parser);
}

/* Answers into reception->out. False when the connection is to be closed. */
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
    if (reading.status == RESP_ERROR) resp_error(&reception->out, reading.error);
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
    if (visitor->len > REQUEST_BYTES) return false;
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
    reception->out.len = 0;
    bool stays = got > 0 && answer_all(reception, visitor);
    const struct resp_out *out = &reception->out;
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
        leave(reception->app, "Received shutdown signal during loading, exiting now.");
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
    reception->host = app->host;
    reception->host.client_info = client_info;
    reception->host.info = info;
    reception->host.shutdown = shut_down;
    reception->host.shutdown_abort = abort_shutdown;
    reception->worker.server = &app->server;
    reception->worker.host = &reception->host;
    resp_out_init(&reception->out);
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
    resp_out_free(&reception->out);
    free(reception);
}
