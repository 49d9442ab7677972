/* replies.c: from the loop's buffer to the sockets (replies.h). */
#include "client/replies.h"

#include "client/memory.h"
#include "client/tls.h"
#include "command/acl/session.h"
#include "util/assert.h"

#include <stdlib.h>

#define HOLD_BYTES (64u << 20) /* R3: the replies of a client that writes a million requests, then reads */
#define STRANGER_BYTES                                                                                       \
    1024 /* queued output of a client that has not authenticated: it must not use our memory */
#define UNCOUNTED_BYTES  (8 * 1024) /* of a reply: limits begin to count behind them (in Redis 1 to 16 KiB) */
#define SEND_BYTES       (16 * 1024) /* replies are sent when so many wait: they are still in the cache */
#define PUSHED_BYTES_MIN 256
#define BURST_BYTES      (1u << 20) /* of pushes in one turn: the client could not have read them yet */

/* ---- limits ---- */

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

bool client_replies_authenticated(const struct client_connection *c)
{
    return !acl_session_is_stranger(&c->loop->pool->server->acl, &c->session);
}

static const struct client_output_limit *limit_of_class(const struct client_connection *c)
{
    enum output_class class = session_is_subscribed(&c->session) ? OUTPUT_PUBSUB : OUTPUT_NORMAL;
    return &c->loop->pool->settings->output[class];
}

/* How much may wait for the client; 0: any. */
static size_t output_limit(const struct client_connection *c)
{
    size_t hard = atomic_load_explicit(&limit_of_class(c)->hard_bytes, memory_order_relaxed);
    bool narrow = !client_replies_authenticated(c) && (hard == 0 || hard > STRANGER_BYTES);
    return narrow ? STRANGER_BYTES : hard;
}

bool client_replies_within_limits(struct client_connection *c)
{
    if (!c->output) return true;
    const struct client_output_limit *limit = limit_of_class(c);
    size_t hard = output_limit(c);
    uint64_t soft = atomic_load_explicit(&limit->soft_bytes, memory_order_relaxed);
    int64_t soft_ms = atomic_load_explicit(&limit->soft_s, memory_order_relaxed) * 1000;
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

bool client_replies_hold(const struct client_connection *c)
{
    return c->output && c->output->queued_bytes > HOLD_BYTES;
}

/* ---- sending ---- */

static void on_drained(void *owner, int status)
{
    struct client_connection *c = owner;
    struct client_loop *loop = c->loop;
    if (c->closing) return; /* its queue goes with it */
    pthread_mutex_lock(&loop->lock);
    client_output_free(c->output);
    c->output = NULL;
    c->last_io_ms = (int64_t)uv_now(&loop->uv);
    if (status != 0 || (c->ending && c->holds == 0)) client_connection_close(c);
    else if (!c->ending) client_connection_go_on(c);
    client_memory_count(c);
    client_replies_settle(loop); /* L3: libuv may call this when its sockets have been looked at */
    pthread_mutex_unlock(&loop->lock);
}

void client_replies_write(struct client_connection *c, struct resp_out *out, size_t at, size_t end)
{
    struct client_loop *loop = c->loop;
    int sent = 0;
    if (!c->output) {
        sent = uv_try_write(&c->uv.stream, &(uv_buf_t){out->buf + at, end - at}, 1);
        stats_add(&loop->worker->counters.writes, 1);
        if (sent == UV_EAGAIN) sent = 0;
    }
    if (sent < 0) {
        client_connection_close(c);
        return;
    }
    if (sent > 0) c->last_io_ms = (int64_t)uv_now(&loop->uv);
    if ((size_t)sent == end - at) return;
    bool added = client_output_add(&c->output, &c->uv.stream, out, at + (size_t)sent, end, on_drained, c);
    client_memory_count(c);
    if (added) client_replies_within_limits(c);
    else client_connection_close(c);
}

static void send_enciphered(struct client_connection *c, const char *bytes, size_t len)
{
    struct resp_out *records = &c->loop->records;
    if (client_tls_write(c->tls, bytes, len)) client_replies_write(c, records, 0, records->len);
    else client_connection_close(c);
    records->len = 0;
    records->failed = false;
}

void client_replies_release(struct client_connection *c, struct resp_out *out, size_t at, size_t end)
{
    stats_add(&c->loop->worker->counters.bytes_out, end - at);
    if (c->tls) send_enciphered(c, out->buf + at, end - at);
    else client_replies_write(c, out, at, end);
}

void client_replies_send(struct client_loop *loop)
{
    struct client_connection *next;
    if (__builtin_expect(client_held_must_wait(loop), 0)) client_held_add(loop);
    for (struct client_connection *c = loop->first_reply; c; c = next) {
        next = c->reply.next;
        c->reply.pending = false;
        if (!c->closing) client_replies_release(c, &loop->out, c->reply.at, c->reply.end);
    }
    loop->first_reply = loop->last_reply = NULL;
    loop->out.len = 0;
    loop->out.failed = loop->out.too_long = false;
}

/* Pushes of the connection join the loop's buffer. */
static void take_pushed(struct client_connection *c)
{
    struct client_pushed *pushed = c->pushed;
    bool discard = c->loop->out.discard;
    c->loop->out.discard = false;
    resp_raw(&c->loop->out, pushed->bytes, pushed->len);
    c->loop->out.discard = discard;
    free(pushed);
    c->pushed = NULL;
    c->reply.aloof = false;
}

bool client_replies_begin(struct client_connection *c)
{
    struct client_loop *loop = c->loop;
    if (c->reply.pending && loop->last_reply != c) client_replies_send(loop);
    if (c->closing) return false;
    if (!c->reply.pending) { /* else its bytes end the buffer: they grow */
        c->reply.at = c->reply.end = loop->out.len;
        c->reply.next = NULL;
        c->reply.aloof = true;
    }
    loop->worker->looked = true; /* unless the dispatcher says otherwise */
    size_t limit = output_limit(c);
    size_t uncounted = UNCOUNTED_BYTES + (c->pushed ? c->pushed->len : 0);
    loop->out.limit = limit > 0 ? c->reply.at + uncounted + limit : 0;
    if (c->pushed) take_pushed(c);
    return true;
}

bool client_replies_end(struct client_connection *c)
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
        client_replies_send(loop);
        return false;
    }
    c->reply.end = loop->out.len;
    if (loop->worker->looked) c->reply.aloof = false;
    if (!c->reply.pending && c->reply.end > c->reply.at) {
        c->reply.pending = true;
        *(loop->last_reply ? &loop->last_reply->reply.next : &loop->first_reply) = c;
        loop->last_reply = c;
    }
    if (loop->out.len >= SEND_BYTES) client_replies_send(loop);
    return !c->closing;
}

/* ---- pushes and the end of a turn ---- */

void client_replies_due(struct client_connection *c)
{
    struct client_loop *loop = c->loop;
    if (c->due.pending) return;
    c->due.pending = true;
    c->due.next = NULL;
    *(loop->last_due ? &loop->last_due->due.next : &loop->first_due) = c;
    loop->last_due = c;
}

static bool reserve_pushed(struct client_connection *c, size_t len)
{
    struct client_pushed *pushed = c->pushed;
    if (pushed && pushed->cap - pushed->len >= len) return true;
    size_t used = pushed ? pushed->len : 0;
    size_t cap = pushed ? pushed->cap * 2 : PUSHED_BYTES_MIN;
    if (cap < used + len) cap = used + len;
    struct client_pushed *grown = realloc(pushed, sizeof *grown + cap);
    if (!grown) return false;
    grown->len = used;
    grown->cap = cap;
    c->pushed = grown;
    return true;
}

void client_replies_push(struct client_connection *c, const char *bytes, size_t len)
{
    if (c->closing || c->ending || c->too_slow) return;
    size_t limit = output_limit(c);
    size_t waits = (c->output ? c->output->queued_bytes : 0) + (c->pushed ? c->pushed->len : 0) + len;
    client_replies_due(c);
    if ((limit > 0 && waits > limit + BURST_BYTES) || !reserve_pushed(c, len)) {
        c->too_slow = true; /* R4 */
        free(c->pushed);
        c->pushed = NULL;
        return;
    }
    memcpy(c->pushed->bytes + c->pushed->len, bytes, len);
    c->pushed->len += len;
}

static void settle(struct client_connection *c)
{
    if (c->too_slow) {
        close_for_output(c);
        return;
    }
    if (c->pushed && (!client_replies_begin(c) || !client_replies_end(c))) return;
    if (c->to_end) client_connection_end(c);
    else if (c->unblocked) client_connection_go_on(c);
    client_memory_count(c);
}

void client_replies_settle(struct client_loop *loop)
{
    while (loop->first_due) {
        struct client_connection *c = loop->first_due;
        loop->first_due = c->due.next;
        if (!loop->first_due) loop->last_due = NULL;
        c->due.pending = false;
        if (!c->closing && !c->ending) settle(c);
    }
    client_replies_send(loop);
    if (client_memory_is_over(loop->pool)) client_memory_enforce(loop);
}
