/* loading.h: answers on the TCP port while a long recovery runs: -LOADING, and INFO persistence that says how far it is.
 *
 * There is no load in milliseconds-long starts; only a journal's long tail on a slow disk makes clients wait for longer. Who is connected
 * when the recovery ends is disconnected, and finds the server at its next try.
 */
#ifndef CAIRN_APP_LOADING_H
#define CAIRN_APP_LOADING_H

#include "journal/wal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct app;

struct loading {
    struct app *app;
    pthread_t thread;
    bool started;
    int64_t begun_s;      /* wall clock */
    pthread_mutex_t lock; /* of the wait for `done` */
    pthread_cond_t ended;
    atomic_bool done;
    _Atomic uint64_t loaded_bytes;
    _Atomic uint64_t total_bytes;
    _Atomic uint64_t bytes_per_s;
};

/* Waits for half a second for loading_end, then answers. Before any other thread uses the configuration. */
void loading_begin(struct loading *loading, struct app *app);
/* Any thread. */
void loading_progress(struct loading *loading, const struct wal_progress *progress);
/* The port is free on return. */
void loading_end(struct loading *loading);

#endif
