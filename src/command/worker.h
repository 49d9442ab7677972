/* worker.h: a worker thread as the commands see it: its heap thread, its counters and the services given from above.
 *
 * A worker belongs to one thread. Counters are written by their worker alone and read by others with relaxed loads.
 */
#ifndef CAIRN_COMMAND_WORKER_H
#define CAIRN_COMMAND_WORKER_H

#include "command/block_timer.h"
#include "command/changes.h"
#include "command/inbox.h"
#include "command/monitor.h"
#include "command/pubsub.h"
#include "command/table.h"
#include "command/tracking.h"
#include "db/evict.h"
#include "db/keyspace.h"
#include "ds/hash_packed.h"
#include "ds/packed.h"
#include "ds/stream_chunk.h"
#include "heap/heap.h"
#include "resp/write.h"

#include <stdatomic.h>
#include <stdint.h>

struct session;
struct host;
struct server_state;

struct worker_counters {
    _Atomic uint64_t commands;
    _Atomic uint64_t keyspace_hits;
    _Atomic uint64_t keyspace_misses;
    _Atomic uint64_t expired_keys; /* lazily, by commands */
    _Atomic uint64_t error_replies;
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t bytes_out;
    _Atomic uint64_t reads;
    _Atomic uint64_t writes;
    _Atomic uint64_t payloads_checked; /* of RESTORE */
    _Atomic uint64_t changes;          /* keys changed: rdb_changes_since_last_save */
};

#define UNSETTLED_LIMITS      (1u << 0) /* some setting changed */
#define UNSETTLED_PERSISTENCE (1u << 1) /* one of those that decide where the heap lives */

struct worker {
    unsigned id;
    struct heap_thread *thread;
    struct keyspace *keyspace;
    struct server_state *server; /* command/server_state.h: shared by all workers */
    const struct host *host;     /* command/host.h */
    struct worker_counters counters;
    struct command_stats *stats;          /* command/stats.h: one per command id */
    struct packed_out scratch;            /* the packed value that a handler builds; reset before use */
    struct hash_draft hash_draft;         /* the same for small hashes */
    struct stream_scratch stream_scratch; /* the stream entry that a handler builds */
    struct batch *batch;                  /* dispatch's own arrays, reused */
    struct evictor *evictor;
    struct block_timers waits; /* of its sessions (block.h) */
    struct session
        *running; /* whose command is being executed; push.h's, with what was pushed to it meanwhile */
    struct resp_out pushed;
    bool
        looked; /* what was replied and pushed to it since dispatch_batch began may follow from what is in the heap */
    struct inbox inbox;            /* from other workers, and from this one */
    struct inbox_sender sender;    /* to them */
    struct pubsub_registry pubsub; /* of its sessions */
    struct tracking_local tracking;
    struct monitors monitors;
    struct resp_out message; /* being delivered: scratch */
    struct changes changes;  /* of the open transaction */
    uint64_t sent;      /* workers that have something in their inbox and are not woken yet, bit by bit */
    void *loop;         /* client/'s own */
    unsigned unsettled; /* UNSETTLED_*: host->config_settle is due once the gate is left */
    _Atomic uint64_t stats_epoch; /* stats.h */
    uint64_t random;              /* worker_random */
};

/* The next random number. */
uint64_t worker_random(struct worker *worker);

/* Makes the worker known to the server as worker `id` (below server->worker_count). All workers are opened before their threads
 * start and closed after they have ended: others read their counters without a lock. */
MUST_CHECK enum error worker_open(struct worker *worker, unsigned id, struct heap_thread *thread,
                                  struct keyspace *keyspace, struct server_state *server,
                                  const struct host *host);
void worker_close(struct worker *worker);

#endif
