/* block.h: clients that wait until they can be answered: BLPOP and the like, XREAD BLOCK, WAIT.
 *
 * Terms: *waiter*, *wanted* and *ready* keys: block_table.h. To *serve* a waiter is to execute its command on its behalf.
 *
 * States of a waiter: waiting, claimed, home. It is claimed once, by whoever decides how its wait ends: block_serve (its command was executed),
 * block_expire (its time is over), block_unblock (CLIENT UNBLOCK), block_forget (CLIENT KILL) or block_end (its connection is closing). With
 * its reply it goes home, to the inbox of its session's worker, before what its command has changed is told: to the thread of its session, which sends the reply and goes on.
 *
 * Invariants:
 * B1. A client begins to wait while it holds the stripes of its keys (or is alone), and has found nothing there: nobody can put anything
 *     there in between.
 * B2. A command that may put something at a wanted key runs alone in the server, and before anybody else comes in serves who waits for its
 *     keys, in the order of their queues: over all workers, nobody is overtaken, and no other command sees what a waiter is to have.
 * B3. A waiter is claimed under the table's lock. It is served within one hold of it: nothing is popped for a client that is known to have
 *     gone, or that was told something else.
 * B4. Lock order: stripes, the table's lock, then leaves (mailboxes, slow log). Nobody enters the gate while holding it.
 * B5. waiter->session and the timers belong to the thread of the waiter's worker.
 *
 * Crash table: a wait leaves no store. What is served is a transaction of its own, behind that of the command that made the key ready: a crash
 * between the two leaves the element where it was put; a crash behind both leaves the element taken although its client may not have been told,
 * as with Redis. BLMOVE's element is in its destination by then.
 */
#ifndef CAIRN_COMMAND_BLOCK_H
#define CAIRN_COMMAND_BLOCK_H

#include "command/block_table.h"
#include "command/call.h"

struct run;
struct server_state;

/* ---- for handlers ---- */

struct block_wish {
    enum block_kind kind;
    size_t key_count; /* waits for call->keys[0 .. key_count) */
    bool if_gone;     /* is to be executed too when a key has gone or is of another type */
    const struct slice
        *argv; /* what to execute then, call->argc arguments with the same keys; NULL: the call's own */
    int64_t timeout_ms; /* 0: any time */
    uint64_t after;     /* WAITAOF: a mark (durability.h) */
};

/* False where nobody can wait (between MULTI and EXEC): what finds nothing is then answered as when its time is over. */
bool block_is_allowed(const struct call *call);
/* The timeout in argument `arg`, in seconds ("0.5") or milliseconds; 0: none. False after having replied. */
bool block_timeout_seconds(struct call *call, size_t arg, int64_t *timeout_ms_out);
bool block_timeout_ms(struct call *call, size_t arg, int64_t *timeout_ms_out);
/* The client waits from now on (B1), or goes on waiting when the call is executed on its behalf. The last thing that a handler does: it
 * replies nothing. */
void block_wait(struct call *call, const struct block_wish *wish);

/* ---- for the dispatcher ---- */

static inline bool block_has_keys(const struct block_table *table)
{
    return __builtin_expect(atomic_load_explicit(&table->keys, memory_order_relaxed) != 0, 0);
}

/* True when the command may put something at one of its keys for which somebody waits (B2). Their stripes are held. */
bool block_wakes(struct block_table *table, const struct command *command, const struct key *keys,
                 size_t key_count);
/* A key changed: it may be ready. Inside the gate, its stripe is held (or the caller is alone). */
void block_touch(struct call *call, const char *event, const struct key *key);
/* The same for a key that the server itself removed. */
void block_touch_removed(struct server_state *server, const struct keyspace *keyspace, unsigned db,
                         struct slice name);
/* All keys of database `db` have gone; what databases `a` and `b` hold was exchanged. The caller is alone. */
void block_flush(struct block_table *table, unsigned db);
void block_swap(struct block_table *table, unsigned a, unsigned b);
/* Serves who waits for ready keys, and who then waits for what that made ready. The caller is alone, and no transaction is open. */
void block_serve(struct run *run);

/* ---- other ends of a wait ---- */

/* More is durable than before. Any thread. */
void block_durable_moved(struct server_state *server);
/* Host's alarm: ends the waits of the worker's clients whose time is over. On its thread, between two turns. */
void block_expire(struct worker *worker);
/* CLIENT UNBLOCK; false when that session does not wait. Any worker's thread. */
bool block_unblock(struct worker *worker, uint64_t session_id, bool with_error);
/* The session is to be closed by its own thread, and nothing is served to it from now on. Any thread. */
void block_forget(struct server_state *server, uint64_t session_id);
/* The session is closing. On its worker's thread. */
void block_end(struct session *session, struct worker *worker);

/* ---- between block.c and block_serve.c ---- */

/* Claims a waiter whose reply is in waiter->reply, counts its command and sends it home. The lock is held. */
void block_finish(struct worker *worker, struct waiter *waiter);
/* The same with the reply of who waited without success. */
void block_end_unserved(struct worker *worker, struct waiter *waiter);
/* Serves who can be served, whoever made the keys ready. On a worker's thread, between two turns. */
void block_serve_mail(struct worker_mail *mail, struct worker *worker);

#endif
