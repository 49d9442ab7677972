/* inbox.h: messages between workers, for the sessions that they serve: published messages, invalidations, MONITOR lines.
 *
 * Terms: a *message* is one block of memory, shared by all workers that get it. An *inbox* is a worker's queue of them. It is *drained* by
 * its worker: before a batch, after a command that sent something to it, and when it is woken.
 *
 * Invariants:
 * I1. Messages are delivered in the order in which they were sent: what was sent before a request came is delivered before its reply.
 * I2. Delivery runs on the thread of its worker, outside of the gate, holding no stripe.
 * I3. A worker that has sent more than INBOX_FLIGHT_BYTES that others have not delivered yet executes nothing more until they have: no
 *     publisher fills the memory.
 */
#ifndef CAIRN_COMMAND_INBOX_H
#define CAIRN_COMMAND_INBOX_H

#include "command/host.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INBOX_FLIGHT_BYTES (1u << 20)

struct server_state;
struct inbox_message;
struct worker;

typedef void inbox_deliver(const struct inbox_message *message, struct worker *worker);

struct inbox_node {
    struct inbox_node *next;
};

/* What a worker has sent. */
struct inbox_sender {
    _Atomic uint64_t flight; /* bytes, I3 */
    atomic_bool held;        /* requests wait for less of it */
};

struct inbox_message {
    inbox_deliver *deliver;
    void (*drop)(const struct inbox_message *message); /* gives back what the data refers to; may be NULL */
    bool kept;  /* its owner frees it, and may send it again once it was dropped; it has one reader */
    void *data; /* the sender's bytes */
    size_t bytes;
    struct inbox_sender *sender; /* may be NULL */
    _Atomic unsigned readers;    /* that have not delivered it yet */
    struct inbox_node nodes[];   /* one per worker, then the data */
};

struct inbox {
    struct worker_mail wake; /* first: its worker is found by it */
    atomic_bool woken;       /* the mail is under way; it alone says when no more */
    _Atomic(struct inbox_node *) newest;
};

/* I3: true when the sender's worker must wait; its sessions are resumed by themselves. */
bool inbox_hold(struct inbox_sender *sender);

void inbox_init(struct inbox *inbox);
/* What is left is dropped: no session is left that could get it. */
void inbox_close(struct inbox *inbox, unsigned worker_id);

/* Room for `bytes` at message->data, which the caller fills; NULL: no memory. `sender` may be NULL: not bounded by I3. */
struct inbox_message *inbox_message_new(const struct server_state *server, struct inbox_sender *sender,
                                        inbox_deliver *deliver, size_t bytes);
void inbox_message_free(struct inbox_message *message);
/* To the workers in `targets` (bit i is worker i), at least one. Any thread, any lock; the message is given away. The workers have to be woken. */
void inbox_send(struct server_state *server, struct inbox_message *message, uint64_t targets);
/* Wakes workers. Any thread, any lock. */
void inbox_wake(struct server_state *server, uint64_t targets);

/* Whether something waits; one relaxed load. */
static inline bool inbox_has_mail(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->newest, memory_order_relaxed) != NULL;
}
/* Delivers what is there (I2). */
void inbox_drain(struct worker *worker);
/* Wakes those whom the worker has sent something; when its batch is over. */
void inbox_wake_sent(struct worker *worker);
/* Both, for what was executed outside of a batch (I2). */
void inbox_settle(struct worker *worker);

#endif
