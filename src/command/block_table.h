/* block_table.h: who waits for what, in the order in which they came. The data alone; what happens to it is in block.h.
 *
 * Terms: a *waiter* is one blocked command of one session. A *wanted* key is a key of a database, with the queue of those who wait for it. It
 * is *ready* once it has changed and its queue has not been served since.
 *
 * Invariants:
 * K1. Everything but the counts is read and changed under the table's lock (block.h).
 * K2. A waiter that waits stands in the queue of each of its keys, once; one that was claimed in none.
 * K3. A wanted key is in the table as long as its queue is not empty, or is being served.
 */
#ifndef CAIRN_COMMAND_BLOCK_TABLE_H
#define CAIRN_COMMAND_BLOCK_TABLE_H

#include "command/host.h"
#include "command/inbox.h"
#include "command/kept.h"
#include "util/spinlock.h"

#include <stdatomic.h>

enum block_kind {
    BLOCK_LIST, /* for keys of that type */
    BLOCK_SORTED_SET,
    BLOCK_STREAM,
    BLOCK_REPLICAS,         /* WAIT: until the time is over, as there are none */
    BLOCK_DURABLE_REPLICAS, /* WAITAOF for replicas: likewise */
    BLOCK_DURABLE,          /* WAITAOF: until waiter->after is durable */
};

struct waiter;

struct block_link { /* a waiter's place in a queue */
    struct block_link *prev;
    struct block_link *next;
    struct wanted_key *wanted;
    struct waiter *waiter;
};

struct wanted_key {
    struct wanted_key *next_in_bucket;
    struct wanted_key *prev_ready;
    struct wanted_key *next_ready;
    struct block_link *first;
    struct block_link *last;
    size_t if_gone; /* of those, who want to know when the key goes */
    bool ready;
    bool kept; /* although its queue is empty (K3) */
    unsigned db;
    struct key key; /* its name stands behind the struct */
};

struct waiter {
    struct inbox_message *home; /* brings it there once it is claimed */
    struct waiter *next_of_id;
    bool waits; /* not claimed yet */
    enum block_kind kind;
    bool if_gone; /* executed too when a key goes, or becomes of another type */
    unsigned worker_id;
    struct session *session; /* its worker's thread alone; NULL: has ended */
    struct session as_of;    /* what the session was when it blocked, and is as long as it waits */
    struct kept_command *command;
    uint64_t ticks;      /* that the command took before it blocked */
    uint64_t after;      /* WAITAOF: a mark (durability.h) */
    int64_t deadline_ms; /* monotonic; 0: none */
    size_t heap_index;   /* block_timer.h */
    bool timed;          /* in the heap; its worker's thread alone */
    bool discard;        /* the reply: CLIENT REPLY OFF */
    bool refused;        /* it could not be executed */
    bool posted;         /* on its way home */
    struct resp_out reply;
    size_t link_count;
    struct block_link links[]; /* room for the keys it asked for */
};

struct block_stripe {
    _Atomic uint32_t key_count;
};

/* Zeroed memory is an empty table. */
struct block_table {
    _Atomic uint64_t keys; /* wanted: one hot word while nobody waits */
    _Atomic uint64_t keys_if_gone;
    _Atomic uint64_t waiting;
    _Atomic uint64_t with_deadline;
    struct block_stripe stripes[KEYSPACE_STRIPES];
    struct spinlock lock;
    uint32_t bucket_count;    /* a power of two, or 0 */
    uint32_t id_bucket_count; /* likewise */
    struct wanted_key **buckets;
    struct waiter **id_buckets;
    uint64_t waiters; /* claimed ones too, until they are home */
    struct wanted_key *first_ready;
    struct wanted_key *last_ready;
    struct wanted_key durable; /* a queue without a key: of BLOCK_DURABLE */
    struct worker_mail
        serve; /* the ready keys are to be served by a worker that has nothing else to do there (block_serve.c) */
    bool serve_posted;
};

/* Frees waiters whose mail was never delivered. No session is left. */
void block_table_close(struct block_table *table);

/* Room for `keys` keys; `command` becomes its own. NULL: no memory. */
struct waiter *block_table_waiter_new(struct kept_command *command, size_t keys);
void block_table_waiter_free(struct waiter *waiter);

/* Puts the waiter at the end of the queues of the first `count` keys of its command, of BLOCK_DURABLE, or of none. False: no
 * memory, nothing was changed. */
bool block_table_add(struct block_table *table, struct waiter *waiter, size_t count);
/* It waits no more: off all queues. */
void block_table_claim(struct block_table *table, struct waiter *waiter);
/* It is home: forgotten, and freed. */
void block_table_drop(struct block_table *table, struct waiter *waiter);
/* The session's; NULL: none. */
struct waiter *block_table_of_session(const struct block_table *table, uint64_t session_id);

struct wanted_key *block_table_find(const struct block_table *table, unsigned db, const struct key *key);
/* Whether the key is wanted in any database. */
bool block_table_wants(const struct block_table *table, const struct key *key);
/* Ready keys are served in the order in which they became it. */
void block_table_mark_ready(struct block_table *table, struct wanted_key *wanted);
/* Calls visit(arg, wanted) for each wanted key; it must not take any away. */
void block_table_visit(struct block_table *table, void (*visit)(void *arg, struct wanted_key *wanted),
                       void *arg);
/* The first ready key, which is no more; it stays until block_table_let_go. NULL: none is left. */
struct wanted_key *block_table_take_ready(struct block_table *table);
void block_table_let_go(struct block_table *table, struct wanted_key *wanted);

#endif
