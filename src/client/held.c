/* held.c: replies that wait for the journal (held.h). */
#include "client/held.h"

#include "client/connection.h"
#include "client/replies.h"
#include "util/assert.h"

#include <stdlib.h>
#include <unistd.h>

#define SETTLE_MS      10000       /* a disk that hangs must not keep the server from ending */
#define HELD_BYTES_MAX (64u << 20) /* of one loop: a disk that hangs must not fill the memory with replies */

struct held_reply {
    struct client_connection *connection;
    size_t at; /* in the batch's buffer */
    size_t end;
};

struct client_held_batch {
    struct client_held_batch *next;
    uint64_t lsn;
    struct resp_out out;
    size_t count;
    struct held_reply replies[];
};

static void free_batch(struct client_held_batch *batch)
{
    resp_out_free(&batch->out);
    free(batch);
}

static void release_first(struct client_loop *loop)
{
    struct client_held *held = &loop->held;
    struct client_held_batch *batch = held->first;
    held->first = batch->next;
    if (!held->first) held->last = NULL;
    held->bytes -= batch->out.len;
    for (size_t i = 0; i < batch->count; i++) {
        const struct held_reply *reply = &batch->replies[i];
        struct client_connection *c = reply->connection;
        if (!c->closing) client_replies_release(c, &batch->out, reply->at, reply->end);
        client_connection_let_go(c);
    }
    if (!loop->out.buf) { /* the next turn writes where this one did */
        loop->out.buf = batch->out.buf;
        loop->out.cap = batch->out.cap;
        batch->out.buf = NULL;
    }
    free_batch(batch);
}

/* E1 */
static void release(struct client_loop *loop)
{
    struct client_held *held = &loop->held;
    if (!held->first) return;
    while (held->first && heap_await(held->thread, held->first->lsn))
        release_first(loop);
    if (!held->first) atomic_store_explicit(&held->waits, false, memory_order_relaxed);
}

bool client_held_must_wait(struct client_loop *loop)
{
    struct client_held *held = &loop->held;
    uint64_t lsn = heap_lsn(held->thread);
    if (__builtin_expect(held->first != NULL, 0)) release(loop);
    if (lsn == 0 && !held->first) return false;
    held->lsn = lsn;
    return held->first || !heap_await(held->thread, lsn);
}

/* E1 */
static void send_aloof(struct client_loop *loop)
{
    struct client_connection **link = &loop->first_reply;
    loop->last_reply = NULL;
    while (*link) {
        struct client_connection *c = *link;
        if (!c->reply.aloof || c->holds > 0 || c->closing) {
            loop->last_reply = c;
            link = &c->reply.next;
            continue;
        }
        *link = c->reply.next;
        c->reply.pending = false;
        client_replies_release(c, &loop->out, c->reply.at, c->reply.end);
    }
}

static void gather(struct client_loop *loop, struct client_held_batch *batch)
{
    struct client_connection *next;
    for (struct client_connection *c = loop->first_reply; c; c = next) {
        next = c->reply.next;
        c->reply.pending = false;
        if (c->closing) continue;
        if (!batch) {
            client_connection_close(c);
            continue;
        }
        c->holds++; /* E2 */
        batch->replies[batch->count++] = (struct held_reply){c, c->reply.at, c->reply.end};
    }
    loop->first_reply = loop->last_reply = NULL;
}

static size_t count_replies(const struct client_loop *loop)
{
    size_t count = 0;
    for (const struct client_connection *c = loop->first_reply; c; c = c->reply.next)
        count++;
    return count;
}

void client_held_add(struct client_loop *loop)
{
    struct client_held *held = &loop->held;
    send_aloof(loop);
    if (!loop->first_reply) return;
    struct client_held_batch *batch = malloc(sizeof *batch + count_replies(loop) * sizeof batch->replies[0]);
    if (batch) *batch = (struct client_held_batch){.lsn = held->lsn, .out = loop->out};
    gather(loop, batch);
    loop->out.len = 0;
    if (!batch) return;
    loop->out.buf = NULL; /* went over to the batch */
    loop->out.cap = 0;
    *(held->last ? &held->last->next : &held->first) = batch;
    held->last = batch;
    held->bytes += batch->out.len;
    atomic_store(&held->waits, true);
    release(loop); /* it may have been acknowledged before the journal's thread could see that we wait */
}

bool client_held_is_full(const struct client_loop *loop)
{
    return loop->held.bytes > HELD_BYTES_MAX;
}

void client_held_settle(struct client_loop *loop)
{
    struct client_held *held = &loop->held;
    for (unsigned waited_ms = 0; held->first && waited_ms < SETTLE_MS; waited_ms++) {
        release(loop);
        if (held->first) usleep(1000);
    }
}

/* ---- mail ---- */

static void run_released(struct worker_mail *mail, struct worker *worker)
{
    (void)mail;
    struct client_loop *loop = client_loop_of(worker);
    atomic_store(&loop->held.posted, false); /* before looking: what comes later posts again */
    release(loop);
    if (loop->paused && !client_held_is_full(loop)) client_loop_look_after(loop);
}

void client_pool_acknowledged(struct client_pool *pool)
{
    atomic_thread_fence(
        memory_order_seq_cst); /* what was acknowledged is visible before the loops are asked */
    for (unsigned i = 0; i < pool->loop_count; i++) {
        struct client_held *held = &pool->loops[i].held;
        if (!atomic_load(&held->waits)) continue;
        if (!atomic_exchange(&held->posted, true))
            client_mailbox_post(&pool->loops[i].mailbox, &held->released);
    }
}

void client_held_open(struct client_loop *loop)
{
    loop->held.thread = loop->worker->thread;
    loop->held.released.run = run_released;
}

void client_held_close(struct client_loop *loop)
{
    struct client_held *held = &loop->held;
    struct client_held_batch *next;
    for (struct client_held_batch *batch = held->first; batch; batch = next) {
        next = batch->next;
        for (size_t i = 0; i < batch->count; i++)
            client_connection_let_go(batch->replies[i].connection);
        free_batch(batch);
    }
    held->first = held->last = NULL;
    held->bytes = 0;
    atomic_store(&held->waits, false);
}
