/* loading.c: a small server for as long as there is no heap (loading.h). */
#include "app/loading.h"

#include "app/app.h"
#include "resp/parse.h"
#include "resp/write.h"
#include "util/clock.h"
#include "util/thread.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS   500 /* a start that is faster than this has nothing to tell */
#define POLL_MS       20
#define NS_PER_MS     INT64_C(1000000)
#define LISTENERS_MAX 16
#define CLIENTS_MAX   64
#define REQUEST_BYTES 4096 /* longer ones are not answered: the connection is closed */
#define PERCENT       100.0

struct visitor {
    int fd; /* -1: a free place */
    size_t len;
    char bytes[REQUEST_BYTES];
};

struct reception {
    struct loading *loading;
    int listeners[LISTENERS_MAX];
    unsigned listener_count;
    struct visitor visitors[CLIENTS_MAX];
};

static void listen_on(struct reception *reception, const struct addrinfo *address)
{
    int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, CLIENTS_MAX) == 0)
        reception->listeners[reception->listener_count++] = fd;
    else close(fd); /* the real listener says why */
}

/* One word of `bind`. */
static void listen_at(struct reception *reception, const char *word, size_t len, const char *port)
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
    if (reception->listener_count < LISTENERS_MAX) listen_on(reception, found);
    freeaddrinfo(found);
}

static void open_listeners(struct reception *reception)
{
    const struct config *config = reception->loading->app->config;
    const char *port = config_text(config, "port");
    const char *word = config_text(config, "bind");
    if (config_int(config, "port") == 0) return;
    while (*word) {
        size_t len = strcspn(word, " ");
        listen_at(reception, word, len, port);
        word += len + (word[len] == ' ');
    }
}

static void write_info(const struct loading *loading, struct resp_out *out)
{
    uint64_t loaded = atomic_load(&loading->loaded_bytes);
    uint64_t total = atomic_load(&loading->total_bytes);
    uint64_t rate = atomic_load(&loading->bytes_per_s);
    resp_bulkf(out,
               "# "
               "Persistence\r\nloading:1\r\nasync_loading:0\r\nloading_start_time:%lld\r\nloading_total_"
               "bytes:%llu\r\n"
               "loading_rdb_used_mem:0\r\nloading_loaded_bytes:%llu\r\nloading_loaded_perc:%.2f\r\nloading_"
               "eta_seconds:%llu\r\n",
               (long long)loading->begun_s, (unsigned long long)total, (unsigned long long)loaded,
               total ? (double)loaded * PERCENT / (double)total : 0,
               (unsigned long long)(rate ? (total - loaded) / rate : 1));
}

static void answer(const struct loading *loading, const struct resp_request *request, struct resp_out *out)
{
    if (request->argc == 0) return;
    if (slice_is_word(request->argv[0], "info")) write_info(loading, out);
    else resp_error(out, "LOADING Redis is loading the dataset in memory");
}

/* False when the connection is to be closed. */
static bool answer_all(const struct loading *loading, struct visitor *visitor)
{
    static const struct resp_limits limits = {.max_bulk_bytes = REQUEST_BYTES,
                                              .max_inline_bytes = REQUEST_BYTES,
                                              .max_args = INT_MAX,
                                              .authenticated = true};
    struct resp_arena arena = {0};
    struct resp_out out;
    size_t at = 0, wanted;
    const char *error;
    enum resp_status status = RESP_REQUEST;
    resp_out_init(&out);
    while (status == RESP_REQUEST && at < visitor->len) {
        struct resp_parser parser = {0}; /* requests are short: an incomplete one is read again */
        struct resp_request request;
        status = resp_parse(&parser, &limits, &arena, visitor->bytes + at, visitor->len - at, &request,
                            &wanted, &error);
        if (status == RESP_REQUEST) {
            answer(loading, &request, &out);
            at += request.bytes;
        }
        resp_parser_reset(&parser);
    }
    bool sent =
        out.len == 0 || send(visitor->fd, out.buf, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out.len;
    visitor->len -= at;
    memmove(visitor->bytes, visitor->bytes + at, visitor->len);
    resp_out_free(&out);
    resp_arena_free(&arena);
    return sent && status != RESP_ERROR && visitor->len < REQUEST_BYTES;
}

static void serve(const struct loading *loading, struct visitor *visitor)
{
    ssize_t got =
        recv(visitor->fd, visitor->bytes + visitor->len, REQUEST_BYTES - visitor->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) visitor->len += (size_t)got;
    if (got > 0 && answer_all(loading, visitor)) return;
    close(visitor->fd);
    visitor->fd = -1;
}

static void welcome(struct reception *reception, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        if (reception->visitors[i].fd >= 0) continue;
        reception->visitors[i].fd = fd;
        reception->visitors[i].len = 0;
        return;
    }
    close(fd);
}

static void one_round(struct reception *reception)
{
    struct pollfd polled[LISTENERS_MAX + CLIENTS_MAX];
    unsigned count = reception->listener_count;
    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = reception->listeners[i], .events = POLLIN};
    for (unsigned i = 0; i < CLIENTS_MAX; i++) /* poll skips negative ones */
        polled[count + i] = (struct pollfd){.fd = reception->visitors[i].fd, .events = POLLIN};
    if (poll(polled, count + CLIENTS_MAX, POLL_MS) <= 0) return;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (reception->visitors[i].fd >= 0 && polled[count + i].revents)
            serve(reception->loading, &reception->visitors[i]);
    for (unsigned i = 0; i < count; i++)
        if (polled[i].revents) welcome(reception, polled[i].fd);
}

static void receive(struct loading *loading)
{
    static struct reception reception; /* one process, one recovery */
    reception.loading = loading;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        reception.visitors[i].fd = -1;
    log_line(&loading->app->log, LOG_NOTICE,
             "The recovery takes long: clients are told that the server is loading");
    open_listeners(&reception);
    while (!atomic_load(&loading->done))
        one_round(&reception);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (reception.visitors[i].fd >= 0) close(reception.visitors[i].fd);
    for (unsigned i = 0; i < reception.listener_count; i++)
        close(reception.listeners[i]);
}

static void *run(void *arg)
{
    struct loading *loading = arg;
    int64_t until_ns = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;
    struct timespec until = {until_ns / (1000 * NS_PER_MS), until_ns % (1000 * NS_PER_MS)};
    int status = 0;
    pthread_mutex_lock(&loading->lock);
    while (status == 0 && !atomic_load(&loading->done))
        status = pthread_cond_timedwait(&loading->ended, &loading->lock, &until);
    pthread_mutex_unlock(&loading->lock);
    if (!atomic_load(&loading->done)) receive(loading);
    return NULL;
}

void loading_begin(struct loading *loading, struct app *app)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&loading->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&loading->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    loading->app = app;
    loading->begun_s = clock_wall_ms() / 1000;
    loading->started = thread_start(&loading->thread, "loading", run, loading) == 0;
}

void loading_progress(struct loading *loading, const struct wal_progress *progress)
{
    atomic_store(&loading->loaded_bytes, progress->done_bytes);
    atomic_store(&loading->total_bytes, progress->tail_bytes);
    atomic_store(&loading->bytes_per_s, progress->bytes_per_s);
}

void loading_end(struct loading *loading)
{
    pthread_mutex_lock(&loading->lock);
    atomic_store(&loading->done, true);
    pthread_cond_signal(&loading->ended);
    pthread_mutex_unlock(&loading->lock);
    if (loading->started) pthread_join(loading->thread, NULL);
    pthread_cond_destroy(&loading->ended);
    pthread_mutex_destroy(&loading->lock);
}
