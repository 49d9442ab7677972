/* cron.h: the background thread: expired keys, the reclaim list, the heap's own work, BGSAVE.
 *
 * It enters the gate shared, for one bounded step at a time, so an exclusive command never waits long for it.
 * Work that is left when a quarter of a period is used up waits for the next period.
 */
#ifndef CAIRN_APP_CRON_H
#define CAIRN_APP_CRON_H

#include "app/log.h"
#include "db/keyspace.h"
#include "heap/heap.h"
#include "util/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CRON_THREADS 1 /* that enter the gate beside the workers */

struct evictor;
struct server_state;

/* How fast a counter grows. */
struct cron_rate {
    uint64_t counted;
    _Atomic uint64_t per_second; /* over about a second */
};

struct cron {
    struct log *log;
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
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    bool stop;
    bool save_wanted;
    bool saving;
    /* results of saves, for INFO and LASTSAVE */
    _Atomic int64_t last_save_s; /* wall clock; the start counts as one */
    _Atomic bool last_save_failed;
    _Atomic int64_t last_save_duration_ms;
    _Atomic uint64_t changes_at_save; /* sum of the workers' changes then */
};

/* Periods of `hz` times a second, within what makes sense. */
int64_t cron_period_ms(int64_t hz);
/* Starts the thread, which uses gate slot server->worker_count. */
MUST_CHECK enum error cron_start(struct cron *cron, struct log *log, struct server_state *server,
                                 struct keyspace *keyspace, int64_t hz);
/* A save that was asked for is finished first. */
void cron_stop(struct cron *cron);

/* BGSAVE: ERROR_IN_USE while one is under way. */
MUST_CHECK enum error cron_save_background(struct cron *cron);
/* SAVE, on the caller's thread. */
MUST_CHECK enum error cron_save(struct cron *cron);
bool cron_is_saving(struct cron *cron);

#endif
