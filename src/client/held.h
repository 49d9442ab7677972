/* held.h: replies that wait until what they depend on is acknowledged (J3): durable with appendfsync always, else appended. Private to client/.
 *
 * Terms: a *batch* is what a loop had gathered when it wanted to send: the buffer, and which part of it goes to which connection. It
 * waits for the newest LSN that anybody had been given by then: its replies can depend on nothing newer.
 *
 * Invariants:
 * E1. Batches are released in their order. Past one that waits only that is sent which follows from nothing in the heap (COMMAND_ALOOF),
 *     to a connection that no batch names, so that its own replies keep their order (R1).
 * E2. A connection's memory stays while a batch names it (holds > 0).
 */
#ifndef CAIRN_CLIENT_HELD_H
#define CAIRN_CLIENT_HELD_H

#include "client/mailbox.h"
#include "util/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_connection;
struct client_held_batch;
struct client_loop;
struct heap_thread;

struct client_held {
    struct heap_thread *thread;
    struct client_held_batch *first; /* oldest */
    struct client_held_batch *last;
    size_t bytes;                /* in all batches */
    uint64_t lsn;                /* that what the loop has gathered waits for */
    atomic_bool waits;           /* there are batches */
    atomic_bool posted;          /* the mail is under way */
    struct worker_mail released; /* something was acknowledged */
};

void client_held_open(struct client_loop *loop);
/* On the loop's thread, which has ended or is about to: drops what waits. */
void client_held_close(struct client_loop *loop);

/* Releases what need not wait any longer. True when what the loop has gathered must wait: client_held_add then. */
bool client_held_must_wait(struct client_loop *loop);
/* Sends what need not wait (E1) and takes the rest of what the loop has gathered; its connections' replies leave the loop's list. Without memory they are closed. */
void client_held_add(struct client_loop *loop);
/* Nothing more should be executed before something was released: so much waits. */
bool client_held_is_full(const struct client_loop *loop);
/* Waits for the journal and releases everything: the loop is about to end. */
void client_held_settle(struct client_loop *loop);

#endif
