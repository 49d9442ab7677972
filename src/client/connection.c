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
 * C2. Above HOLD_BYTES of queued output nothing is executed or read; both go on when the queue is empty.
 * C3. The query buffer exists only while there are leftover bytes.
 * C4. The parser's progress belongs to the bytes at query.bytes, or is none.
 */
#include "client/connection.h"

#include "command/multi.h"
#include "util/assert.h"
#include "util/clock.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define HOLD_BYTES (64u << 20) /* C2: the replies of a client that writes a million requests, then reads */
#define STRANGER_BYTES                                                                                       \
    1024 /* queued output of a client that has not authenticated: it must not use our memory */
#define UNCOUNTED_BYTES (16 * 1024) /* of a reply: limits begin to count behind them, as in Redis */
#define SEND_BYTES      (16 * 1024) /* replies are sent when so many wait: they are still in the cache */

int client_connection_fd(const struct client_connection *connection)
{
    uv_os_fd_t fd;
    return uv_fileno(&connection->uv.handle, &fd) == 0 ? fd : -1;
}

/* ---- end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct client_connection *c = handle->data;
    client_output_free(c->output);
    resp_parser_reset(&c->parser);
    session_free(&c->session);
    free(c->query.bytes);
    free(c->address);
    free(c);
}

static void list_remove(struct client_loop *loop, struct client_connection *c)
{
    *(c->prev ? &c->prev->next : &loop->first) = c->next;
    *(c->next ? &c->next->prev : &loop->last) = c->prev;
    atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&loop->pool->connected, 1, memory_order_relaxed);
}

void client_connection_close(struct client_connection *c)
{
    if (c->closing) return;
    c->closing = true;
    session_end(&c->session, c->loop->worker);
    list_remove(c->loop, c);
    uv_close(&c->uv.handle, on_closed);
}

/* Closes once its replies have been sent. */
static void end(struct client_connection *c)
{
    client_connection_send_replies(c->loop);
    if (c->closing) return;
    c->ending = true;
    uv_read_stop(&c->uv.stream);
    c->reading = false;
    if (!c->output) client_connection_close(c);
}

/* ---- output ---- */

static void go_on(struct client_connection *c);

static void on_drained(void *owner, int status)
{
    struct client_connection *c = owner;
    struct client_loop *loop = c->loop;
    if (c->closing) return; /* on_closed frees the queue */
    pthread_mutex_lock(&loop->lock);
    client_output_free(c->output);
    c->output = NULL;
    c->last_io_ms = (int64_t)uv_now(&loop->uv);
    if (status != 0 || c->ending) client_connection_close(c);
    else go_on(c);
    pthread_mutex_unlock(&loop->lock);
}

static void close_for_output(struct client_connection *c)
{
    atomic_fetch_add_explicit(&c->loop->pool->output_limit_disconnections, 1, memory_order_relaxed);
    client_loop_log(
        c->loop, CLIENT_LOG_WARNING,
        "Closing client id=%llu addr=%s: more replies wait for it than client-output-buffer-limit "
        "allows",
        (unsigned long long)c->session.id, c->address);
    client_connection_close(c);
}

static bool is_authenticated(const struct client_connection *c)
{
    return c->session.authenticated ||
           !atomic_load_explicit(&c->loop->pool->server->settings->password_set, memory_order_relaxed);
}

/* How much may wait for the client; 0: any. */
static size_t output_limit(const struct client_connection *c)
{
    size_t hard = atomic_load_explicit(&c->loop->pool->settings->output_hard_bytes, memory_order_relaxed);
    bool narrow = !is_authenticated(c) && (hard == 0 || hard > STRANGER_BYTES);
    return narrow ? STRANGER_BYTES : hard;
}

/* False when the connection was closed for what waits in its queue. */
static bool output_within_limits(struct client_connection *c)
{
    const struct client_settings *settings = c->loop->pool->settings;
    size_t hard = output_limit(c);
    uint64_t soft = atomic_load_explicit(&settings->output_soft_bytes, memory_order_relaxed);
    int64_t soft_ms = atomic_load_explicit(&settings->output_soft_s, memory_order_relaxed) * 1000;
    int64_t now_ms = (int64_t)uv_now(&c->loop->uv);
    size_t queued = c->output->queued_bytes;
    bool over_soft = soft > 0 && queued > soft;
    if (!over_soft) c->output->over_soft_since_ms = 0;
    else if (c->output->over_soft_since_ms == 0) c->output->over_soft_since_ms = now_ms;
    if ((hard == 0 || queued <= hard) && (!over_soft || now_ms - c->output->over_soft_since_ms <= soft_ms))
        return true;
    close_for_output(c);
    return false;
}

/* Sends the connection's part of the loop's buffer, or queues what the socket does not take. */
static void send_reply(struct client_connection *c)
{
    struct client_loop *loop = c->loop;
    struct resp_out *out = &loop->out;
    size_t len = c->reply.end - c->reply.at;
    int sent = 0;
    if (!c->output) {
        sent = uv_try_write(&c->uv.stream, &(uv_buf_t){out->buf + c->reply.at, len}, 1);
        stats_add(&loop->worker->counters.writes, 1);
        if (sent == UV_EAGAIN) sent = 0;
    }
    if (sent < 0) {
        client_connection_close(c);
        return;
    }
    stats_add(&loop->worker->counters.bytes_out, len);
    if ((size_t)sent == len) return;
    if (client_output_add(&c->output, &c->uv.stream, out, c->reply.at + (size_t)sent, c->reply.end,
                          on_drained, c))
        output_within_limits(c);
    else client_connection_close(c);
}

void client_connection_send_replies(struct client_loop *loop)
{
    struct client_connection *next;
    for (struct client_connection *c = loop->first_reply; c; c = next) {
        next = c->reply.next;
        c->reply.pending = false;
        if (!c->closing) send_reply(c);
    }
    loop->first_reply = loop->last_reply = NULL;
    loop->out.len = 0;
    loop->out.failed = loop->out.too_long = false;
}

/* From here on the loop's buffer takes replies to `c`. */
static void begin_replies(struct client_connection *c)
{
    struct client_loop *loop = c->loop;
    if (c->reply.pending && loop->last_reply != c) client_connection_send_replies(loop);
    if (!c->reply.pending) { /* else its bytes end the buffer: they grow */
        c->reply.at = c->reply.end = loop->out.len;
        c->reply.next = NULL;
    }
    size_t limit = output_limit(c);
    loop->out.limit = limit > 0 ? c->reply.at + UNCOUNTED_BYTES + limit : 0;
}

/* What was replied to `c` joins what the loop will send: at once when there is much of it. False when the connection is closed. */
static bool end_replies(struct client_connection *c)
{
    struct client_loop *loop = c->loop;
    struct resp_out *out = &loop->out;
    bool too_long = out->too_long || (out->limit > 0 && out->len > out->limit);
    if (too_long) {
        close_for_output(c);
    } else if (out->failed) {
        client_loop_log(loop, CLIENT_LOG_WARNING, "Closing client id=%llu: no memory for its reply",
                        (unsigned long long)c->session.id);
        client_connection_close(c);
    }
    if (c->closing) { /* what others wait for is sent */
        client_connection_send_replies(loop);
        return false;
    }
    c->reply.end = loop->out.len;
    if (!c->reply.pending && c->reply.end > c->reply.at) {
        c->reply.pending = true;
        *(loop->last_reply ? &loop->last_reply->reply.next : &loop->first_reply) = c;
        loop->last_reply = c;
    }
    if (loop->out.len >= SEND_BYTES) client_connection_send_replies(loop);
    return !c->closing;
}

static bool is_held(const struct client_connection *c)
{
    return c->output && c->output->queued_bytes > HOLD_BYTES; /* C2 */
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

static struct requests read_requests(struct client_connection *c, const char *bytes, size_t len)
{
    struct client_loop *loop = c->loop;
    struct requests found = {.stopped_by = RESP_REQUEST};
    const struct resp_limits limits = {
        .max_bulk_bytes =
            atomic_load_explicit(&loop->pool->server->settings->max_bulk_bytes, memory_order_relaxed),
        .max_inline_bytes = CLIENT_READ_BYTES,
        .max_args = INT_MAX,
        .authenticated = is_authenticated(c),
    };
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
    begin_replies(c);
    resp_error(out, error);
    client_loop_log(c->loop, CLIENT_LOG_VERBOSE, "%s from client: id=%llu addr=%s", error + strlen("ERR "),
                    (unsigned long long)c->session.id, c->address);
    if (end_replies(c)) end(c);
}

static void hold_back(struct client_connection *c)
{
    c->paused = true;
    c->loop->paused = true;
    c->query.wanted = 0;
}

/* Executes the complete requests among the bytes; returns how many bytes are done with. The connection may be
 * closed then. */
static size_t execute(struct client_connection *c, const char *bytes, size_t len)
{
    struct client_loop *loop = c->loop;
    size_t at = 0;
    bool more = true;
    while (more && at < len && !is_held(c)) {
        struct requests found = read_requests(c, bytes + at, len - at);
        size_t done = 0;
        enum dispatch_stop stop = DISPATCH_DONE;
        begin_replies(c);
        if (found.count > 0)
            stop = dispatch_batch(loop->worker, &c->session, loop->requests, found.count, &loop->out, &done);
        if (!end_replies(c)) return len;
        if (stop == DISPATCH_CLOSE) {
            end(c);
            return len;
        }
        if (stop == DISPATCH_PAUSED) hold_back(c);
        if (done < found.count) {          /* held back, or the replies grew large */
            resp_parser_reset(&c->parser); /* C4 */
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

/* Executes from the query buffer and keeps the rest of it. */
static void execute_query(struct client_connection *c)
{
    size_t done = execute(c, c->query.bytes, c->query.len);
    if (c->closing || c->ending) return;
    size_t limit = atomic_load_explicit(&c->loop->pool->settings->query_limit_bytes, memory_order_relaxed);
    c->query.len -= done;
    if (c->query.len == 0) query_free(c); /* C3 */
    else if (done > 0) memmove(c->query.bytes, c->query.bytes + done, c->query.len);
    if (c->query.len > limit) close_for_query(c, "its request is larger than client-query-buffer-limit");
}

static void read_start(struct client_connection *c);

/* Reads while nothing holds the connection back. */
static void go_on(struct client_connection *c)
{
    if (c->query.len > 0 && !is_held(c) && !c->paused) execute_query(c);
    if (c->closing || c->ending) return;
    bool may_read = !is_held(c) && !c->paused;
    if (may_read && !c->reading) read_start(c);
    if (!may_read && c->reading) {
        uv_read_stop(&c->uv.stream);
        c->reading = false;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct client_connection *c = handle->data;
    if (c->query.len == 0) {
        *buf = (uv_buf_t){c->loop->read_buf, CLIENT_READ_BYTES};
        return;
    }
    /* A long bulk is read to its end and no further, so that it can be executed where it lies. */
    size_t room = c->query.wanted > CLIENT_READ_BYTES ? c->query.wanted : CLIENT_READ_BYTES;
    pthread_mutex_lock(&c->loop->lock);
    if (query_reserve(c, room)) *buf = (uv_buf_t){c->query.bytes + c->query.len, room};
    else *buf = (uv_buf_t){NULL, 0}; /* on_read gets UV_ENOBUFS */
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
        size_t done = execute(c, bytes, len);
        c->turn_bytes = 0;
        if (!c->closing && !c->ending && done < len) keep_leftover(c, bytes + done, len - done);
    }
    if (!c->closing && !c->ending && multi_is_open(&c->session)) check_queued(c);
    if (!c->closing && !c->ending && (c->paused || is_held(c))) go_on(c);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct client_connection *c = stream->data;
    struct client_loop *loop = c->loop;
    if (count == 0) return;
    pthread_mutex_lock(&loop->lock);
    if (count > 0) {
        take_bytes(c, buf->base, (size_t)count);
    } else {
        if (c->reply.pending) client_connection_send_replies(loop); /* a peer that only stopped sending */
        if (count != UV_EOF)
            client_loop_log(loop, CLIENT_LOG_VERBOSE, "Reading from client: %s", uv_strerror((int)count));
        client_connection_close(c);
    }
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

void client_connection_open(struct client_loop *loop, int fd, bool local_socket, bool local, char *address)
{
    struct client_connection *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        free(address);
        atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&loop->pool->connected, 1, memory_order_relaxed);
        return;
    }
    c->loop = loop;
    c->local_socket = local_socket;
    c->address = address;
    c->last_io_ms = (int64_t)uv_now(&loop->uv);
    c->session = (struct session){
        .id = atomic_fetch_add_explicit(&loop->pool->next_id, 1, memory_order_relaxed),
        .proto = 2,
        .authenticated =
            !atomic_load_explicit(&loop->pool->server->settings->password_set, memory_order_relaxed),
        .local = local,
        .created_ms = clock_wall_ms(),
        .address = address,
        .connection = c,
    };
    c->session.last_command_ms = c->session.created_ms;
    list_append(loop, c);
    if (init_stream(c, fd)) read_start(c);
    else client_connection_close(c);
}

void client_connection_resume(struct client_connection *c)
{
    c->paused = false;
    go_on(c);
}

void client_connection_check(struct client_connection *c)
{
    int64_t timeout_ms =
        atomic_load_explicit(&c->loop->pool->settings->timeout_s, memory_order_relaxed) * 1000;
    int64_t idle_ms = (int64_t)uv_now(&c->loop->uv) - c->last_io_ms;
    if (c->output && !output_within_limits(c)) return;
    if (timeout_ms == 0 || idle_ms <= timeout_ms || c->paused) return;
    client_loop_log(c->loop, CLIENT_LOG_VERBOSE, "Closing idle client");
    client_connection_close(c);
}
