/* connection.c: the turn of one client (connection.h).
 *
 * Terms: a *turn* is one read and everything that follows from it. *Leftover* bytes were read and not
 * executed: an incomplete request, or requests behind a pause or a full output queue.
 *
 * A turn costs one read and one write: replies gather in the loop's buffer and are sent from there; what the
 * socket does not take waits in the connection's queue. Small replies are sent after all ready sockets have
 * been read: the peers wake up once for many replies, a good part of what a lone request costs.
 *
 * Invariants:
 * C1. Arguments point into the read or the query buffer, which stay until the batch has been executed.
 * C2. A blocked connection is read on, so that its end is seen: what comes waits in the query buffer.
 * C3. The query buffer exists only while there are leftover bytes.
 * C4. The parser's progress belongs to the bytes at query.bytes, or is none. A request that is skipped was answered before: its bytes
 *     are not kept, and nothing is executed until its end has come.
 */
#include "client/connection.h"

#include "client/memory.h"
#include "client/replies.h"
#include "client/tls.h"
#include "command/acl/session.h"
#include "command/multi.h"
#include "util/assert.h"
#include "util/clock.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG_BULK_BYTES (32 * 1024)

int client_connection_fd(const struct client_connection *connection)
{
    uv_os_fd_t fd;
    return uv_fileno(&connection->uv.handle, &fd) == 0 ? fd : -1;
}

/* ---- end ---- */

static void free_connection(struct client_connection *c)
{
    client_output_free(c->output);
    client_tls_free(c->tls);
    resp_parser_reset(&c->parser);
    session_free(&c->session);
    free(c->pushed);
    free(c->query.bytes);
    free(c->address);
    free(c);
}

static void on_closed(uv_handle_t *handle)
{
    struct client_connection *c = handle->data;
    c->closed = true;
    if (c->holds == 0) free_connection(c);
}

void client_connection_let_go(struct client_connection *c)
{
    c->holds--;
    if (c->holds > 0) return;
    if (c->closed) free_connection(c);
    else if (c->ending && !c->output) client_connection_close(c);
}

static void list_remove(struct client_loop *loop, struct client_connection *c)
{
    *(c->prev ? &c->prev->next : &loop->first) = c->next;
    *(c->next ? &c->next->prev : &loop->last) = c->prev;
    atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&loop->pool->connected, 1, memory_order_relaxed);
}

/* Whether a pause holds it, for INFO. */
static void count_held(struct client_connection *c, bool held)
{
    if (held && !c->counted_held) atomic_fetch_add_explicit(&c->loop->pool->held, 1, memory_order_relaxed);
    if (!held && c->counted_held) atomic_fetch_sub_explicit(&c->loop->pool->held, 1, memory_order_relaxed);
    c->counted_held = held;
}

/* As far as the socket takes it: nobody waits for that. */
static void say_farewell(struct client_connection *c)
{
    struct resp_out *records = &c->loop->records;
    size_t at = records->len;
    client_tls_shut(c->tls);
    if (records->len > at)
        (void)uv_try_write(&c->uv.stream, &(uv_buf_t){records->buf + at, records->len - at}, 1);
    records->len = at;
}

void client_connection_close(struct client_connection *c)
{
    if (c->closing) return;
    if (c->tls && !c->output) say_farewell(c);
    c->closing = true;
    client_memory_forget(c);
    session_end(&c->session, c->loop->worker);
    count_held(c, false);
    list_remove(c->loop, c);
    if (c->listed) client_directory_remove(&c->loop->directory, c);
    uv_close(&c->uv.handle, on_closed);
}

void client_connection_end_later(struct client_connection *c)
{
    if (c->closing || c->ending) return;
    uv_read_stop(&c->uv.stream);
    c->reading = false;
    c->to_end = true;
    client_replies_due(c);
}

void client_connection_unblock(struct client_connection *c)
{
    c->blocked = false;
    c->unblocked = true;
    client_replies_due(c);
}

void client_connection_end(struct client_connection *c)
{
    client_replies_send(c->loop);
    if (c->closing) return;
    c->ending = true;
    uv_read_stop(&c->uv.stream);
    c->reading = false;
    if (!c->output && c->holds == 0) client_connection_close(c);
}

/* ---- execution ---- */

/* Requests of one call of the dispatcher, in loop->requests. */
struct requests {
    size_t count;
    size_t bytes; /* complete ones, empty ones included */
    enum resp_status stopped_by;
    const char *error;
    size_t wanted;
};

static struct resp_limits request_limits(const struct client_connection *c)
{
    return (struct resp_limits){
        .max_bulk_bytes =
            atomic_load_explicit(&c->loop->pool->server->settings->max_bulk_bytes, memory_order_relaxed),
        .max_inline_bytes = CLIENT_READ_BYTES,
        .max_args = INT_MAX,
        .authenticated = client_replies_authenticated(c),
    };
}

static struct requests read_requests(struct client_connection *c, const char *bytes, size_t len)
{
    struct client_loop *loop = c->loop;
    struct requests found = {.stopped_by = RESP_REQUEST};
    const struct resp_limits limits = request_limits(c);
    /* An AUTH may widen the limits: nothing is read past it. */
    size_t cap = limits.authenticated ? DISPATCH_BATCH_MAX : 1;
    resp_arena_reset(&loop->arena);
    while (found.count < cap) {
        struct resp_request *request = &loop->requests[found.count];
        found.stopped_by = resp_parse(&c->parser, &limits, &loop->arena, bytes + found.bytes,
                                      len - found.bytes, request, &found.wanted, &found.error);
        if (found.stopped_by != RESP_REQUEST) break;
        found.bytes += request->bytes;
        if (request->argc > 0) loop->ends[found.count++] = found.bytes;
    }
    return found;
}

static void end_with_error(struct client_connection *c, const char *error)
{
    struct resp_out *out = &c->loop->out;
    out->discard = false;
    out->proto = c->session.proto;
    if (!client_replies_begin(c)) return;
    resp_error(out, error);
    client_loop_log(c->loop, CLIENT_LOG_VERBOSE, "%s from client: id=%llu addr=%s", error + strlen("ERR "),
                    (unsigned long long)c->session.id, c->address);
    if (client_replies_end(c)) client_connection_end(c);
}

static void hold_back(struct client_connection *c)
{
    c->paused = true;
    c->loop->paused = true;
    count_held(c, true);
}

/* How many of the bytes belong to the request that is skipped. */
static size_t skip_request(struct client_connection *c, const char *bytes, size_t len,
                           enum resp_status *status_out)
{
    const struct resp_limits limits = request_limits(c);
    const char *error;
    size_t skipped;
    *status_out = resp_skip(&c->parser, &limits, &c->loop->arena, bytes, len, &skipped, &error);
    c->skips = *status_out == RESP_MORE;
    if (*status_out == RESP_ERROR) end_with_error(c, error);
    return skipped;
}

/* Executes the complete requests among the bytes; returns how many bytes are done with. The connection may be
 * closed then. */
static size_t execute(struct client_connection *c, const char *bytes, size_t len)
{
    struct client_loop *loop = c->loop;
    size_t at = 0;
    bool more = true;
    if (__builtin_expect(c->skips, 0)) {
        enum resp_status status;
        at = skip_request(c, bytes, len, &status);
        if (status == RESP_ERROR) return len;
        more = status == RESP_REQUEST;
    }
    while (more && at < len && !client_replies_hold(c) && !c->to_end) {
        if (__builtin_expect(client_held_is_full(loop), 0)) {
            hold_back(c);
            break;
        }
        struct requests found = read_requests(c, bytes + at, len - at);
        size_t done = 0;
        enum dispatch_stop stop = DISPATCH_DONE;
        if (!client_replies_begin(c)) return len;
        if (found.count > 0)
            stop = dispatch_batch(loop->worker, &c->session, loop->requests, found.count, &loop->out, &done);
        if (!client_replies_end(c)) return len;
        if (stop == DISPATCH_CLOSE) {
            client_connection_end(c);
            return len;
        }
        if (stop == DISPATCH_PAUSED) hold_back(c);
        if (stop == DISPATCH_BLOCKED) c->blocked = true;
        if (done < found.count || c->blocked) { /* held back, or the replies grew large */
            resp_parser_reset(&c->parser);      /* C4 */
            c->query.wanted = 0;
            at += done ? loop->ends[done - 1] : 0;
            more = stop == DISPATCH_DONE && done > 0;
            continue;
        }
        at += found.bytes;
        if (found.stopped_by == RESP_ERROR) {
            end_with_error(c, found.error);
            return len;
        }
        c->query.wanted = found.stopped_by == RESP_MORE ? found.wanted : 0;
        more = found.stopped_by == RESP_REQUEST;
    }
    return at;
}

/* ---- input ---- */

/* Room for what completes the request, or for a read. */
static bool query_reserve(struct client_connection *c, size_t room)
{
    if (c->query.cap - c->query.len >= room) return true;
    char *grown = realloc(c->query.bytes, c->query.len + room);
    if (!grown) return false;
    c->query.bytes = grown;
    c->query.cap = c->query.len + room;
    return true;
}

static void query_free(struct client_connection *c)
{
    free(c->query.bytes);
    c->query.bytes = NULL;
    c->query.len = c->query.cap = c->query.wanted = 0;
}

static void close_for_query(struct client_connection *c, const char *reason)
{
    atomic_fetch_add_explicit(&c->loop->pool->query_limit_disconnections, 1, memory_order_relaxed);
    client_loop_log(c->loop, CLIENT_LOG_WARNING, "Closing client id=%llu addr=%s: %s (qbuf=%zu)",
                    (unsigned long long)c->session.id, c->address, reason, c->query.len);
    client_connection_close(c);
}

/* Keeps bytes of the read buffer for later. */
static bool keep_leftover(struct client_connection *c, const char *bytes, size_t len)
{
    size_t limit = atomic_load_explicit(&c->loop->pool->settings->query_limit_bytes, memory_order_relaxed);
    if (!query_reserve(c, len)) {
        close_for_query(c, "no memory for its query buffer");
        return false;
    }
    memcpy(c->query.bytes, bytes, len);
    c->query.len = len;
    if (c->query.len <= limit) return true;
    close_for_query(c, "its request is larger than client-query-buffer-limit");
    return false;
}

/* Executes from the query buffer, unless the connection is blocked, and keeps the rest of it. */
static void execute_query(struct client_connection *c)
{
    size_t done = c->blocked ? 0 : execute(c, c->query.bytes, c->query.len);
    if (c->closing || c->ending) return;
    size_t limit = atomic_load_explicit(&c->loop->pool->settings->query_limit_bytes, memory_order_relaxed);
    c->query.len -= done;
    if (c->query.len == 0) query_free(c); /* C3 */
    else if (done > 0) memmove(c->query.bytes, c->query.bytes + done, c->query.len);
    if (c->query.len > limit) close_for_query(c, "its request is larger than client-query-buffer-limit");
}

static void read_start(struct client_connection *c);

void client_connection_go_on(struct client_connection *c)
{
    c->unblocked = false;
    if (c->to_end) return;
    if (c->query.len > 0 && !client_replies_hold(c) && !c->paused) execute_query(c);
    if (c->closing || c->ending) return;
    bool may_read = !client_replies_hold(c) && !c->paused;
    if (may_read && !c->reading) read_start(c);
    if (!may_read && c->reading) {
        uv_read_stop(&c->uv.stream);
        c->reading = false;
    }
}

/* Where the next bytes of requests go; without memory to nowhere. */
static uv_buf_t request_room(struct client_connection *c)
{
    if (c->query.len == 0) return (uv_buf_t){c->loop->read_buf, CLIENT_READ_BYTES};
    /* A long bulk is read to its end and no further: it can be executed where it lies, in a buffer of its size. */
    bool is_long =
        c->query.wanted > CLIENT_READ_BYTES ||
        (c->query.wanted > 0 && c->parser.bulk_len != SIZE_MAX && c->parser.bulk_len >= LONG_BULK_BYTES);
    size_t room = is_long ? c->query.wanted : CLIENT_READ_BYTES;
    if (!query_reserve(c, room)) return (uv_buf_t){NULL, 0};
    return (uv_buf_t){c->query.bytes + c->query.len, room};
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct client_connection *c = handle->data;
    if (c->tls) {
        *buf = (uv_buf_t){c->loop->cipher_buf, CLIENT_READ_BYTES};
        return;
    }
    pthread_mutex_lock(&c->loop->lock);
    *buf = request_room(c); /* NULL: on_read gets UV_ENOBUFS */
    pthread_mutex_unlock(&c->loop->lock);
}

/* What MULTI has queued counts as if it had not been executed. */
static void check_queued(struct client_connection *c)
{
    size_t limit = atomic_load_explicit(&c->loop->pool->settings->query_limit_bytes, memory_order_relaxed);
    if (multi_bytes(&c->session) + c->query.len > limit)
        close_for_query(c, "its transaction is larger than client-query-buffer-limit");
}

static void take_bytes(struct client_connection *c, const char *bytes, size_t len)
{
    struct client_loop *loop = c->loop;
    stats_add(&loop->worker->counters.reads, 1);
    stats_add(&loop->worker->counters.bytes_in, len);
    c->last_io_ms = (int64_t)uv_now(&loop->uv);
    if (c->query.len > 0) {
        c->query.len += len;
        execute_query(c);
    } else {
        c->turn_bytes = len;
        size_t done = c->blocked ? 0 : execute(c, bytes, len);
        c->turn_bytes = 0;
        if (!c->closing && !c->ending && done < len) keep_leftover(c, bytes + done, len - done);
    }
    if (!c->closing && !c->ending && multi_is_open(&c->session)) check_queued(c);
    if (!c->closing && !c->ending && (c->paused || client_replies_hold(c))) client_connection_go_on(c);
}

/* The peer sends nothing more; it may still read. */
static void take_end(struct client_connection *c)
{
    client_replies_settle(c->loop);
    if (c->holds > 0) client_connection_end(c); /* what it is owed comes later */
    else client_connection_close(c);
}

/* ---- TLS ---- */

/* What OpenSSL has to say: parts of the handshake, alerts. */
static void send_records(struct client_connection *c)
{
    struct resp_out *records = &c->loop->records;
    if (records->len > 0) client_replies_write(c, records, 0, records->len);
    records->len = 0;
}

static void refuse(struct client_connection *c)
{
    if (!client_replies_begin(c)) return;
    resp_raw(&c->loop->out, c->refusal, strlen(c->refusal));
    if (client_replies_end(c)) client_connection_end(c);
}

static void take_tls_end(struct client_connection *c, enum client_tls_status status)
{
    if (status == CLIENT_TLS_WAITS) return;
    if (status == CLIENT_TLS_FAILED) {
        const char *doing =
            client_tls_is_ready(c->tls) ? "Reading from client" : "Error accepting a client connection";
        client_loop_log(c->loop, CLIENT_LOG_WARNING, "%s: %s (addr=%s)", doing, client_tls_error(c->tls),
                        c->address);
    }
    take_end(c);
}

/* Deciphers what came; each filling of the room for requests is executed. */
static void take_records(struct client_connection *c, const char *bytes, size_t len)
{
    enum client_tls_status status = CLIENT_TLS_FULL;
    client_tls_feed(c->tls, bytes, len);
    while (status == CLIENT_TLS_FULL) {
        uv_buf_t room = request_room(c);
        size_t got;
        if (!room.base) {
            close_for_query(c, "no memory for its query buffer");
            return;
        }
        status = client_tls_read(c->tls, room.base, room.len, &got);
        send_records(c);
        if (c->refusal && client_tls_is_ready(c->tls)) refuse(c);
        else if (got > 0 && !c->closing) take_bytes(c, room.base, got);
        if (c->closing || c->ending || c->to_end) return;
    }
    take_tls_end(c, status);
}

/* ---- the socket ---- */

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct client_connection *c = stream->data;
    struct client_loop *loop = c->loop;
    if (count == 0) return;
    pthread_mutex_lock(&loop->lock);
    if (count < 0 && count != UV_EOF)
        client_loop_log(loop, CLIENT_LOG_VERBOSE, "Reading from client: %s", uv_strerror((int)count));
    if (c->killed) client_connection_close(c); /* whoever asked for it has been answered */
    else if (count < 0) take_end(c);
    else if (c->tls) take_records(c, buf->base, (size_t)count);
    else take_bytes(c, buf->base, (size_t)count);
    client_memory_count(c);
    pthread_mutex_unlock(&loop->lock);
}

static void read_start(struct client_connection *c)
{
    c->reading = uv_read_start(&c->uv.stream, on_alloc, on_read) == 0;
    if (!c->reading) client_connection_close(c);
}

/* ---- beginning ---- */

static void list_append(struct client_loop *loop, struct client_connection *c)
{
    c->prev = loop->last;
    *(loop->last ? &loop->last->next : &loop->first) = c;
    loop->last = c;
}

static bool init_stream(struct client_connection *c, int fd)
{
    uv_loop_t *uv = &c->loop->uv;
    int status = c->local_socket ? uv_pipe_init(uv, &c->uv.pipe, 0) : uv_tcp_init(uv, &c->uv.tcp);
    ASSERT(status == 0); /* neither allocates */
    c->uv.handle.data = c;
    status = c->local_socket ? uv_pipe_open(&c->uv.pipe, fd) : uv_tcp_open(&c->uv.tcp, fd);
    if (status != 0) close(fd);
    return status == 0;
}

/* True for a plain connection. */
static bool init_tls(struct client_connection *c, const struct client_arrival *arrival)
{
    struct client_loop *loop = c->loop;
    if (!arrival->tls) return true;
    if (!loop->cipher_buf) loop->cipher_buf = malloc(CLIENT_READ_BYTES);
    pthread_mutex_lock(&loop->pool->tls_lock);
    c->tls = client_tls_new(loop->pool->tls, &loop->records);
    pthread_mutex_unlock(&loop->pool->tls_lock);
    return c->tls && loop->cipher_buf;
}

/* It was another one's before (client_pool_adopt). */
static void go_on_as(struct session *session, struct session *before)
{
    acl_session_end(session);
    session->id = before->id;
    session->proto = before->proto;
    session->db = before->db;
    session->authenticated = before->authenticated;
    session->user = before->user;
    session->name = before->name;
    session->lib_name = before->lib_name;
    session->lib_ver = before->lib_ver;
    before->user = NULL;
    before->name = before->lib_name = before->lib_ver = NULL;
    session->multi = before->multi;
    session->no_evict = before->no_evict;
    session->no_touch = before->no_touch;
    before->multi = NULL;
}

void client_connection_open(struct client_loop *loop, const struct client_arrival *arrival)
{
    struct client_connection *c = calloc(1, sizeof *c);
    if (!c) {
        close(arrival->fd);
        free(arrival->address);
        atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&loop->pool->connected, 1, memory_order_relaxed);
        return;
    }
    c->loop = loop;
    c->local_socket = arrival->local_socket;
    c->address = arrival->address;
    c->refusal = arrival->refusal;
    c->last_io_ms = (int64_t)uv_now(&loop->uv);
    c->session = (struct session){
        .id = atomic_fetch_add_explicit(&loop->pool->next_id, 1, memory_order_relaxed),
        .proto = 2,
        .local = arrival->local,
        .created_ms = clock_wall_ms(),
        .address = arrival->address,
        .connection = c,
    };
    c->session.last_command_ms = c->session.created_ms;
    acl_session_begin(&loop->pool->server->acl, &c->session);
    if (arrival->session) go_on_as(&c->session, arrival->session);
    c->skips = arrival->skips;
    c->parser = arrival->parser;
    list_append(loop, c);
    c->listed = client_directory_add(&loop->directory, c) == ERROR_OK;
    client_memory_count(c);
    if (init_stream(c, arrival->fd) && c->listed && init_tls(c, arrival)) read_start(c);
    else client_connection_close(c);
    if (arrival->len > 0 && !c->closing) (void)keep_leftover(c, arrival->bytes, arrival->len);
}

void client_connection_resume(struct client_connection *c)
{
    c->paused = false;
    client_connection_go_on(c);
    if (!c->closing) count_held(c, c->paused);
}

void client_connection_check(struct client_connection *c)
{
    int64_t timeout_ms =
        atomic_load_explicit(&c->loop->pool->settings->timeout_s, memory_order_relaxed) * 1000;
    int64_t idle_ms = (int64_t)uv_now(&c->loop->uv) - c->last_io_ms;
    if (!client_replies_within_limits(c)) return;
    if (timeout_ms == 0 || idle_ms <= timeout_ms) return;
    if (c->paused || c->blocked || session_is_subscribed(&c->session)) return;
    client_loop_log(c->loop, CLIENT_LOG_VERBOSE, "Closing idle client");
    client_connection_close(c);
}
