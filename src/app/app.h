/* app.h: the process: everything that main() opens, in the order of opening.
 *
 * Lock order: loop lock (client/) > gate > config_lock. Whoever holds config_lock waits for nothing.
 */
#ifndef CAIRN_APP_APP_H
#define CAIRN_APP_APP_H

#include "app/config.h"
#include "app/cron.h"
#include "app/loading.h"
#include "app/log.h"
#include "app/persist.h"
#include "client/pool.h"
#include "command/host.h"
#include "command/server_state.h"
#include "command/settings.h"
#include "db/keyspace.h"
#include "heap/heap.h"

#include <limits.h>
#include <pthread.h>

#define APP_RUN_ID_LEN 40
#define APP_NAME       "cairn"

/* Who waits to be told that the server is ready; in the order of the words of `supervised`. */
enum supervisor { SUPERVISOR_NONE, SUPERVISOR_UPSTART, SUPERVISOR_SYSTEMD, SUPERVISOR_ANY };

struct app {
    struct log log;
    struct config *config;
    pthread_mutex_t config_lock; /* of config, once the workers run */
    char *executable;            /* as it was called; malloc'd */
    unsigned warned;             /* apply_warn: which warnings have been logged */
    int64_t started_ms;          /* wall clock */
    int64_t started_ns;          /* monotonic */
    char run_id[APP_RUN_ID_LEN + 1];
    char dir[PATH_MAX];
    char heap_path[PATH_MAX + 256];
    enum supervisor supervisor;
    char *pidfile; /* written by us; NULL: none */
    int oom_base;  /* the oom_score_adj that we found */
    bool oom_set;  /* ours stands there */
    /* what commands and connections look at, filled from config by apply_config */
    struct settings settings;
    struct client_settings client_settings;
    struct heap *heap;
    struct heap_report report;
    struct keyspace *keyspace;
    struct server_state server;
    bool server_open;
    struct host host;
    unsigned worker_count;
    unsigned open_workers;
    struct worker *workers;
    struct client_pool *pool;
    struct loading loading;
    struct persist persist;
    struct cron cron;
    _Atomic uint64_t peak_bytes; /* of heap use, as cron saw it */
};

#endif
