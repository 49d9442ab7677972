/* server_state.h: what all workers share: table, gate, settings, the logs of slow commands and errors.
 *
 * Filled at boot before the workers start. Each member says in its own header how threads share it.
 */
#ifndef CAIRN_COMMAND_SERVER_STATE_H
#define CAIRN_COMMAND_SERVER_STATE_H

#include "command/acl.h"
#include "command/block_table.h"
#include "command/dump/link.h"
#include "command/gate.h"
#include "command/host.h"
#include "command/latency.h"
#include "command/memory_limit.h"
#include "command/settings.h"
#include "command/slowlog.h"
#include "command/stats.h"
#include "command/table.h"
#include "command/tracking.h"
#include "command/watch.h"
#include "util/clock.h"

#define SERVER_REDIS_VERSION "7.2.4" /* whose behaviour this is, as HELLO and INFO say */

struct server_state {
    struct command_table *table;
    struct acl acl;
    struct settings *settings; /* app's */
    struct gate gate;          /* slots 0 .. worker_count-1: the workers; then the background threads */
    struct clock_scale clock;
    struct slowlog slowlog;
    struct latency_monitor latency;
    struct error_stats errors;
    struct memory_limit memory_limit;
    struct watch_table watches;
    struct block_table blocks;
    struct link_cache links; /* of MIGRATE */
    _Atomic uint32_t wants;    /* what is to be told of changes: classes of events (notify.h), and ... */
#define SERVER_WANTS_TRACKING (1u << 31)
    struct tracking tracking;
    _Atomic uint64_t monitors; /* sessions */
    struct worker **workers; /* set by worker_open */
    unsigned worker_count;
    uint64_t seed; /* of hashes that live in memory alone */
    _Atomic bool save_failed;     /* the last one */
    _Atomic uint64_t stats_epoch; /* grows with each reset (stats.h) */
    _Atomic int pause_mode;       /* enum pause_mode, until pause_until_ms */
    _Atomic int64_t pause_until_ms;
    _Atomic uint64_t peak_bytes; /* most memory in use so far, as the cron saw it */
};

/* `background_threads`: how many other threads enter the gate (cron …): they use the slots from worker_count
 * on. */
MUST_CHECK enum error server_state_open(struct server_state *server, struct settings *settings,
                                        unsigned worker_count, unsigned background_threads);
void server_state_close(struct server_state *server);

/* The classes of events that are notified from now on (notify.h); any thread. */
void server_state_notify(struct server_state *server, uint32_t classes);

/* Pauses until then. Pauses add up: the later end and the stricter mode stay. */
void server_state_pause(struct server_state *server, enum pause_mode mode, int64_t now_ms, int64_t until_ms);
void server_state_unpause(struct server_state *server);
/* The pause in force at now_ms. While anything is paused, nothing expires either. */
enum pause_mode server_state_paused(const struct server_state *server, int64_t now_ms);

#endif
