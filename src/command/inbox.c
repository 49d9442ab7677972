/* inbox.c: a stack per worker that many push to and one takes whole (inbox.h). */
#include "command/inbox.h"

#include "command/server_state.h"
#include "command/tracking.h"
#include "command/worker.h"
#include "util/assert.h"

#include <stdlib.h>

/* ---- sending ---- */

static void wake_up(struct worker_mail *mail, struct worker *worker)
{
    (void)mail;
    /* Before looking: what comes later wakes again. */
    atomic_store_explicit(&worker->inbox.woken, false, memory_order_seq_cst);
    inbox_settle(worker);
}

void inbox_init(struct inbox *inbox)
{
    *inbox = (struct inbox){.wake.run = wake_up};
}

struct inbox_message *inbox_message_new(const struct server_state *server, struct inbox_sender *sender,
                                        inbox_deliver *deliver, size_t bytes)
{
    size_t head = sizeof(struct inbox_message) + server->worker_count * sizeof(struct inbox_node);
    struct inbox_message *message = malloc(head + bytes);
    if (!message) return NULL;
    message->deliver = deliver;
    message->drop = NULL;
    message->kept = false;
    message->data = (char *)message + head;
    message->bytes = head + bytes;
    message->sender = sender;
    if (sender) atomic_fetch_add_explicit(&sender->flight, message->bytes, memory_order_relaxed);
    return message;
}

void inbox_message_free(struct inbox_message *message)
{
    bool kept = message->kept;
    if (message->drop) message->drop(message);
    if (kept) return; /* it may be under way again */
    if (message->sender)
        atomic_fetch_sub_explicit(&message->sender->flight, message->bytes, memory_order_seq_cst);
    free(message);
}

static bool has_much(struct inbox_sender *sender, uint64_t bytes)
{
    return atomic_load_explicit(&sender->flight, memory_order_seq_cst) > bytes;
}

bool inbox_hold(struct inbox_sender *sender)
{
    if (__builtin_expect(atomic_load_explicit(&sender->flight, memory_order_relaxed) <= INBOX_FLIGHT_BYTES,
                         1))
        return false;
    atomic_store_explicit(&sender->held, true, memory_order_seq_cst);
    return has_much(sender, INBOX_FLIGHT_BYTES / 2); /* else nobody is left who would tell */
}

/* Requests that a sender holds back go on. */
static void release(struct inbox_sender *sender, const struct host *host)
{
    if (!atomic_load_explicit(&sender->held, memory_order_seq_cst) ||
        has_much(sender, INBOX_FLIGHT_BYTES / 2))
        return;
    if (atomic_exchange_explicit(&sender->held, false, memory_order_seq_cst))
        host->client_pause(host->app, PAUSE_NONE, 0);
}

static void push(struct inbox *inbox, struct inbox_node *node)
{
    node->next = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &node->next, node, memory_order_release,
                                                  memory_order_relaxed))
        ;
}

void inbox_send(struct server_state *server, struct inbox_message *message, uint64_t targets)
{
    ASSERT(targets != 0);
    atomic_init(&message->readers, (unsigned)__builtin_popcountll(targets));
    while (targets != 0) { /* after the last push the message may be gone */
        unsigned id = (unsigned)__builtin_ctzll(targets);
        targets &= targets - 1;
        push(&server->workers[id]->inbox, &message->nodes[id]);
    }
}

void inbox_wake(struct server_state *server, uint64_t targets)
{
    for (; targets != 0; targets &= targets - 1) {
        struct worker *worker = server->workers[__builtin_ctzll(targets)];
        if (atomic_exchange_explicit(&worker->inbox.woken, true, memory_order_acq_rel)) continue;
        worker->host->post(worker->host->app, worker->id, &worker->inbox.wake);
    }
}

void inbox_wake_sent(struct worker *worker)
{
    uint64_t targets = worker->sent;
    worker->sent = 0;
    if (targets != 0) inbox_wake(worker->server, targets);
}

/* ---- delivery ---- */

static struct inbox_message *message_of(struct inbox_node *node, unsigned worker_id)
{
    return (struct inbox_message *)(void *)((char *)(node - worker_id) -
                                            offsetof(struct inbox_message, nodes));
}

static void let_go(struct inbox_message *message, const struct host *host)
{
    struct inbox_sender *sender = message->sender;
    if (atomic_fetch_sub_explicit(&message->readers, 1, memory_order_acq_rel) != 1) return;
    inbox_message_free(message);
    if (sender) release(sender, host);
}

/* All that is there, oldest first. */
static struct inbox_node *take(struct inbox *inbox)
{
    struct inbox_node *newest = atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acquire);
    struct inbox_node *oldest = NULL;
    while (newest) {
        struct inbox_node *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void deliver_all(struct worker *worker)
{
    for (struct inbox_node *node = take(&worker->inbox); node;) {
        struct inbox_message *message = message_of(node, worker->id);
        node = node->next; /* the message may go */
        message->deliver(message, worker);
        let_go(message, worker->host);
    }
}

void inbox_drain(struct worker *worker)
{
    while (inbox_has_mail(&worker->inbox)) { /* to deliver may send */
        deliver_all(worker);
        tracking_tell_news(worker);
    }
    worker->sent &= ~(UINT64_C(1) << worker->id);
}

void inbox_settle(struct worker *worker)
{
    inbox_drain(worker);
    inbox_wake_sent(worker);
}

void inbox_close(struct inbox *inbox, unsigned worker_id)
{
    for (struct inbox_node *node = take(inbox); node;) {
        struct inbox_message *message = message_of(node, worker_id);
        node = node->next;
        if (message->kept || atomic_fetch_sub_explicit(&message->readers, 1, memory_order_acq_rel) != 1)
            continue;
        if (message->drop) message->drop(message);
        free(message);
    }
}
