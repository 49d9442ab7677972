/* listener.c: sockets for `bind`, `port` and `unixsocket`, and what a connection must pass (listener.h). */
#include "client/listener.h"

#include "client/address.h"
#include "client/connection.h"
#include "util/assert.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 1000

struct client_listener {
    uv_poll_t poll;
    struct client_pool *pool;
    struct client_listener *next;
    char *unix_path; /* removed at the end; NULL: TCP */
    bool tls;
    int fd;
    bool polled;  /* loop 0 looks after it */
    bool retired; /* others took its place: loop 0 closes it */
    bool fails; /* nobody could be let in: it rests until loop 0 ticks; to be tried again does not end that */
};

/* Sockets that are being opened, all or none. */
struct opening {
    struct client_pool *pool;
    struct client_listener *first;
    int backlog;
    char *error;
    size_t error_cap;
};

/* An accepted socket on its way to its loop. */
struct arrival {
    struct worker_mail mail;
    struct client_arrival to_open;
};

/* ---- accepting ---- */

static void set_tcp_options(int fd, int keepalive_s)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (keepalive_s <= 0) return;
    int probe_s = keepalive_s >= 3 ? keepalive_s / 3 : 1;
    int probes = 3;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s, sizeof keepalive_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_s, sizeof probe_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static const char protected_text[] = "-DENIED Redis is running in protected mode because protected mode is "
                                     "enabled and no password is set for the default "
                                     "user. In this mode connections are only accepted from the loopback "
                                     "interface. To accept others, set a password with "
                                     "'requirepass', or turn the protection off: 'CONFIG SET protected-mode "
                                     "no' from this host (and CONFIG REWRITE to "
                                     "keep it), or 'protected-mode no' in the configuration file or on the "
                                     "command line. Make sure then that nobody "
                                     "can reach the server who should not.\r\n";

static bool is_full(const struct client_pool *pool)
{
    return atomic_load_explicit(&pool->connected, memory_order_relaxed) >=
           atomic_load_explicit(&pool->settings->maxclients, memory_order_relaxed);
}

const char *client_protection(const struct client_settings *settings, struct server_state *server,
                              const struct sockaddr *peer)
{
    bool guarded = atomic_load_explicit(&settings->protected_mode, memory_order_relaxed) &&
                   atomic_load_explicit(&server->acl.nopass_default, memory_order_relaxed);
    return guarded && !client_address_is_loopback((const union client_address *)(const void *)peer)
               ? protected_text
               : NULL;
}

/* The error to send to a connection that is not to be served; NULL when it is. */
static const char *refusal(const struct client_pool *pool, const union client_address *peer)
{
    if (is_full(pool)) return "-ERR max number of clients reached\r\n";
    return client_protection(pool->settings, pool->server, &peer->any);
}

static void arrival_free(struct arrival *arrival)
{
    if (arrival->to_open.session) session_free(arrival->to_open.session);
    free(arrival->to_open.session);
    free(arrival->to_open.bytes);
    free(arrival);
}

static void run_arrival(struct worker_mail *mail, struct worker *worker)
{
    struct arrival *arrival = (struct arrival *)mail;
    struct client_loop *loop = client_loop_of(worker);
    /* After its stop a loop must not get new handles, or it would run for as long as this client stays. */
    if (atomic_load_explicit(&loop->pool->stopping, memory_order_acquire)) {
        close(arrival->to_open.fd);
        free(arrival->to_open.address);
        arrival_free(arrival);
        return;
    }
    client_connection_open(loop, &arrival->to_open);
    arrival_free(arrival);
}

static struct client_loop *least_loaded(struct client_pool *pool)
{
    struct client_loop *best = &pool->loops[0];
    for (unsigned i = 1; i < pool->loop_count; i++) {
        struct client_loop *loop = &pool->loops[i];
        if (atomic_load_explicit(&loop->connection_count, memory_order_relaxed) <
            atomic_load_explicit(&best->connection_count, memory_order_relaxed))
            best = loop;
    }
    return best;
}

/* Hands the connection over to the loop with the fewest. */
static void deliver(struct client_pool *pool, struct arrival *arrival)
{
    struct client_loop *loop = least_loaded(pool);
    atomic_fetch_add_explicit(&pool->received, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->connected, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&loop->connection_count, 1, memory_order_relaxed);
    if (loop != &pool->loops[0]) {
        client_mailbox_post(&loop->mailbox, &arrival->mail);
        return;
    }
    pthread_mutex_lock(&loop->lock);
    run_arrival(&arrival->mail, loop->worker);
    pthread_mutex_unlock(&loop->lock);
}

static void admit(struct client_listener *listener, int fd, const union client_address *peer)
{
    struct client_pool *pool = listener->pool;
    const char *refused = refusal(pool, peer);
    bool said_later = listener->tls && !is_full(pool); /* a TLS client hears nothing before the handshake */
    if (refused) atomic_fetch_add_explicit(&pool->rejected, 1, memory_order_relaxed);
    if (refused && !said_later) {
        if (!listener->tls)
            (void)!send(fd, refused, strlen(refused), MSG_NOSIGNAL | MSG_DONTWAIT); /* best effort */
        close(fd);
        return;
    }
    struct arrival *arrival = malloc(sizeof *arrival);
    char text[CLIENT_ADDRESS_BYTES];
    if (listener->unix_path)
        snprintf(text, sizeof text, "%s:0", listener->unix_path); /* unix peers have no name of their own */
    else client_address_text(peer, text);
    char *address = strdup(text);
    if (!arrival || !address) {
        free(arrival);
        free(address);
        close(fd);
        return;
    }
    if (!listener->unix_path)
        set_tcp_options(fd, atomic_load_explicit(&pool->settings->tcp_keepalive_s, memory_order_relaxed));
    *arrival = (struct arrival){.mail.run = run_arrival,
                                .to_open = {.fd = fd,
                                            .local_socket = listener->unix_path != NULL,
                                            .local = client_address_is_loopback(peer),
                                            .tls = listener->tls,
                                            .refusal = refused,
                                            .address = address}};
    deliver(pool, arrival);
}

/* What the session holds is moved. */
static struct session *session_moved(struct session *session)
{
    struct session *moved = malloc(sizeof *moved);
    if (!moved) return NULL;
    *moved = *session;
    session->user = NULL;
    session->name = session->lib_name = session->lib_ver = NULL;
    session->multi = NULL;
    return moved;
}

void client_pool_adopt(struct client_pool *pool, const struct client_visitor *visitor)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    const union client_address *peer = (const union client_address *)(const void *)visitor->peer;
    char text[CLIENT_ADDRESS_BYTES];
    if (visitor->unix_path) snprintf(text, sizeof text, "%s:0", visitor->unix_path);
    else client_address_text(peer, text);
    char *address = strdup(text);
    struct session *session = session_moved(visitor->session);
    char *bytes = malloc(visitor->len + 1);
    if (!arrival || !address || !session || !bytes) {
        if (session) session_free(session);
        free(session);
        free(bytes);
        free(address);
        free(arrival);
        close(visitor->fd);
        return;
    }
    if (atomic_load(&pool->next_id) <= session->id) atomic_store(&pool->next_id, session->id + 1);
    if (visitor->len > 0) memcpy(bytes, visitor->bytes, visitor->len);
    if (!visitor->unix_path)
        set_tcp_options(visitor->fd,
                        atomic_load_explicit(&pool->settings->tcp_keepalive_s, memory_order_relaxed));
    *arrival = (struct arrival){.mail.run = run_arrival,
                                .to_open = {.fd = visitor->fd,
                                            .local_socket = visitor->unix_path != NULL,
                                            .local = client_address_is_loopback(peer),
                                            .address = address,
                                            .session = session,
                                            .bytes = bytes,
                                            .len = visitor->len,
                                            .skips = visitor->skipped != NULL}};
    if (visitor->skipped) arrival->to_open.parser = *visitor->skipped; /* it owns nothing */
    deliver(pool, arrival);
}

/* Who waits stays there, and the socket would be ready at once again: without a rest the loop would do nothing but look. */
static void rest(struct client_listener *listener, int why)
{
    struct client_pool *pool = listener->pool;
    if (!listener->fails)
        client_loop_log(&pool->loops[0], CLIENT_LOG_WARNING, "Accepting client connection: %s",
                        strerror(why));
    listener->fails = true;
    pool->listeners_rest = uv_poll_stop(&listener->poll) == 0;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct client_listener *listener = poll->data;
    if (status < 0) return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        union client_address peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(listener->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->fails = false;
            admit(listener, fd, &peer);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN && errno != EINVAL) rest(listener, errno); /* EINVAL: it is being replaced */
        return;
    }
}

/* ---- opening ---- */

static void listener_free(struct client_listener *listener)
{
    close(listener->fd);
    free(listener->unix_path);
    free(listener);
}

/* Takes `fd` and `unix_path` over. The listener; NULL with the reason in `error`. */
static struct client_listener *add_listener(struct opening *opening, int fd, char *unix_path,
                                            const char *name)
{
    struct client_listener *listener = calloc(1, sizeof *listener);
    if (!listener || listen(fd, opening->backlog) != 0) {
        snprintf(opening->error, opening->error_cap, "Could not listen on %s: %s", name,
                 strerror(listener ? errno : ENOMEM));
        free(listener);
        free(unix_path);
        close(fd);
        return NULL;
    }
    listener->pool = opening->pool;
    listener->fd = fd;
    listener->unix_path = unix_path;
    listener->next = opening->first;
    opening->first = listener;
    return listener;
}

/* A bound socket, or -1 with errno. */
static int bound_socket(const struct addrinfo *info)
{
    int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool listen_tcp(struct opening *opening, struct slice word, int port, bool tls)
{
    bool optional = word.len > 0 && *word.ptr == '-';
    char host[NI_MAXHOST];
    char service[16];
    snprintf(host, sizeof host, "%.*s", (int)(word.len - optional), word.ptr + optional);
    snprintf(service, sizeof service, "%d", port);
    bool any4 = strcmp(host, "*") == 0;
    bool any6 = strcmp(host, "::*") == 0;
    const struct addrinfo hints = {.ai_family = any4   ? AF_INET
                                                : any6 ? AF_INET6
                                                       : AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE};
    struct addrinfo *info = NULL;
    int status = getaddrinfo(any4 || any6 ? NULL : host, service, &hints, &info);
    if (status != 0) {
        snprintf(opening->error, opening->error_cap, "Could not create server TCP listening socket %s:%d: %s",
                 host, port, gai_strerror(status));
        return optional;
    }
    int fd = bound_socket(info);
    int bind_errno = errno;
    freeaddrinfo(info);
    char name[NI_MAXHOST + 16];
    snprintf(name, sizeof name, "%s:%d", host, port);
    if (fd >= 0) {
        struct client_listener *listener = add_listener(opening, fd, NULL, name);
        if (listener) listener->tls = tls;
        return listener != NULL;
    }
    snprintf(opening->error, opening->error_cap, "Could not create server TCP listening socket %s: bind: %s",
             name, strerror(bind_errno));
    bool missing = bind_errno == EADDRNOTAVAIL || bind_errno == EAFNOSUPPORT || bind_errno == ENOPROTOOPT ||
                   bind_errno == EPROTONOSUPPORT;
    return optional && missing;
}

static bool listen_unix(struct opening *opening, const char *path, unsigned mode)
{
    union client_address address = {.local.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.local.sun_path) {
        snprintf(opening->error, opening->error_cap,
                 "Failed opening Unix socket: the path is longer than %zu bytes",
                 sizeof address.local.sun_path - 1);
        return false;
    }
    strcpy(address.local.sun_path, path);
    unlink(path);
    char *copy = strdup(path);
    int fd = copy ? socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0 || bind(fd, &address.any, sizeof address.local) != 0 || (mode && chmod(path, mode) != 0)) {
        snprintf(opening->error, opening->error_cap, "Failed opening Unix socket: bind: %s", strerror(errno));
        if (fd >= 0) close(fd);
        free(copy);
        return false;
    }
    return add_listener(opening, fd, copy, path) != NULL;
}

static bool open_port(struct opening *opening, const struct client_listen *listen, int port, bool tls)
{
    const struct client_listener *before = opening->first;
    if (port == 0 || listen->address_count == 0) return true;
    for (size_t i = 0; i < listen->address_count; i++)
        if (!listen_tcp(opening, listen->addresses[i], port, tls)) return false;
    return opening->first != before; /* else every address was optional; `error` names the last */
}

static bool open_tcp(struct opening *opening, const struct client_listen *listen)
{
    return open_port(opening, listen, listen->port, false) &&
           open_port(opening, listen, listen->tls_port, true);
}

static void opening_undo(struct opening *opening)
{
    while (opening->first) {
        struct client_listener *listener = opening->first;
        opening->first = listener->next;
        listener_free(listener);
    }
}

/* ---- the pool's listeners ---- */

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Loop 0's thread. */
static void drop(struct client_listener *listener)
{
    if (!listener->polled) {
        listener_free(listener);
        return;
    }
    uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
    close(listener->fd);
}

static int poll_listener(struct client_listener *listener)
{
    int status = uv_poll_init(&listener->pool->loops[0].uv, &listener->poll, listener->fd);
    if (status != 0) return status;
    listener->poll.data = listener;
    listener->polled = true;
    return uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

/* Loop 0's thread: begins to accept from new sockets and closes retired ones. The last error of libuv's, 0: none. */
static int attend(struct client_pool *pool)
{
    int status = 0;
    pthread_mutex_lock(&pool->listeners_lock);
    struct client_listener **link = &pool->listeners;
    while (*link) {
        struct client_listener *listener = *link;
        if (listener->retired) {
            *link = listener->next;
            drop(listener);
            continue;
        }
        int result = listener->polled ? 0 : poll_listener(listener);
        if (result != 0) status = result;
        link = &listener->next;
    }
    pthread_mutex_unlock(&pool->listeners_lock);
    return status;
}

/* Adds what was opened to the pool's listeners. */
static void take_over(struct client_pool *pool, struct opening *opening)
{
    struct client_listener **end = &pool->listeners;
    while (*end)
        end = &(*end)->next;
    *end = opening->first;
    opening->first = NULL;
}

void client_listener_wake(struct client_pool *pool)
{
    pool->listeners_rest = false;
    pthread_mutex_lock(&pool->listeners_lock);
    for (struct client_listener *listener = pool->listeners; listener; listener = listener->next)
        if (listener->polled && listener->fails)
            (void)uv_poll_start(&listener->poll, UV_READABLE, on_acceptable); /* it did before */
    pthread_mutex_unlock(&pool->listeners_lock);
}

bool client_listener_open(struct client_pool *pool, const struct client_listen *listen, char *error,
                          size_t error_cap)
{
    struct opening opening = {pool, NULL, listen->backlog, error, error_cap};
    bool done = open_tcp(&opening, listen) &&
                (!listen->unix_path || listen_unix(&opening, listen->unix_path, listen->unix_mode));
    if (!done) {
        opening_undo(&opening);
        return false;
    }
    take_over(pool, &opening);
    int status = attend(pool);
    if (status != 0) snprintf(error, error_cap, "Could not listen: %s", uv_strerror(status));
    return status == 0;
}

void client_listener_run(struct worker_mail *mail, struct worker *worker)
{
    (void)mail;
    struct client_loop *loop = client_loop_of(worker);
    atomic_store(&loop->pool->listeners_posted, false); /* before looking: what comes later posts again */
    if (atomic_load(&loop->pool->stopping)) return;     /* a loop that ends must not get new handles */
    int status = attend(loop->pool);
    if (status != 0)
        client_loop_log(loop, CLIENT_LOG_WARNING, "Accepting from new sockets: %s", uv_strerror(status));
}

static bool is_current(const struct client_listener *listener)
{
    return !listener->retired && !listener->unix_path;
}

/* The old sockets stop to listen first, as the new ones may be at the same port; a socket that was shut down can
 * listen again. */
static bool replace(struct client_pool *pool, struct opening *opening, const struct client_listen *wanted)
{
    for (struct client_listener *old = pool->listeners; old; old = old->next)
        if (is_current(old)) shutdown(old->fd, SHUT_RD);
    bool done = open_tcp(opening, wanted);
    for (struct client_listener *old = pool->listeners; old; old = old->next) {
        if (!is_current(old)) continue;
        if (done) old->retired = true;
        else listen(old->fd, opening->backlog);
    }
    if (done) take_over(pool, opening);
    else opening_undo(opening);
    return done;
}

bool client_listener_replace(struct client_pool *pool, const struct client_listen *listen, char *error,
                             size_t error_cap)
{
    struct opening opening = {pool, NULL, listen->backlog, error, error_cap};
    pthread_mutex_lock(&pool->listeners_lock);
    bool done = replace(pool, &opening, listen);
    pthread_mutex_unlock(&pool->listeners_lock);
    if (done && !atomic_exchange(&pool->listeners_posted, true))
        client_mailbox_post(&pool->loops[0].mailbox, &pool->listeners_changed);
    return done;
}

void client_listener_close(struct client_pool *pool)
{
    while (pool->listeners) {
        struct client_listener *listener = pool->listeners;
        pool->listeners = listener->next;
        if (listener->unix_path) unlink(listener->unix_path);
        listener_free(listener);
    }
}
