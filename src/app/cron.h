/* cron.h: the background thread: expired keys, the reclaim list, the heap's own work, saves (persist.h).
 *
 * It enters the gate shared, for one bounded step at a time, so an exclusive command never waits long for it.
 * Work that is left when a quarter of a period is used up waits for the next period.
 */
#ifndef CAIRN_APP_CRON_H
#define CAIRN_APP_CRON_H

#include "db/keyspace.h"
#include "heap/heap.h"
#include "util/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CRON_THREADS 1 /* that enter the gate beside the workers */

struct evictor;
struct persist;
struct server_state;

/* How fast a counter grows. */
struct cron_rate {
    uint64_t counted;
    _Atomic uint64_t per_second; /* over about a second */
};

struct cron {
    struct persist *persist;
    struct server_state *server;
    struct keyspace *keyspace;
    struct heap_thread *thread;
    struct evictor *evictor;
    pthread_t id;
    bool started;
    unsigned next_stripe;
    int64_t trimmed_ms;        /* monotonic */
    _Atomic int64_t period_ms; /* 1000 / hz */
    int64_t measured_ns;       /* when the rates were */
    struct cron_rate commands;
    struct cron_rate bytes_in;
    struct cron_rate bytes_out;
    _Atomic uint64_t expire_ns; /* spent on expired keys */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    bool stop;
    bool woken;
};

/* Periods of `hz` times a second, within what makes sense. */
int64_t cron_period_ms(int64_t hz);
/* Starts the thread, which uses gate slot server->worker_count. */
MUST_CHECK enum error cron_start(struct cron *cron, struct persist *persist, struct server_state *server,
                                 struct keyspace *keyspace, int64_t hz);
/* persist_work has something to do. */
void cron_wake(struct cron *cron);
/* A save that was asked for is finished first. */
void cron_stop(struct cron *cron);

#endif
