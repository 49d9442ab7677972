/* loading.h: answers at the server's sockets while a long recovery runs: -LOADING, INFO that says how far it is, and what a client
 * asks for when it connects (reception.h). Who is connected stays so, and goes on when the server serves.
 *
 * There is no load in milliseconds-long starts; only a journal's long tail on a slow disk makes clients wait for longer.
 */
#ifndef CAIRN_APP_LOADING_H
#define CAIRN_APP_LOADING_H

#include "app/reception.h"
#include "journal/wal.h"
#include "resp/write.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct loading {
    struct app *app; /* NULL: it does not run */
    pthread_t thread;
    bool started;
    int64_t begun_s;      /* wall clock */
    pthread_mutex_t lock; /* of the wait for `done` */
    pthread_cond_t ended;
    struct reception *reception; /* the thread's while it runs; NULL: nobody had to wait */
    atomic_bool done;
    _Atomic uint64_t loaded_bytes;
    _Atomic uint64_t total_bytes;
    _Atomic uint64_t bytes_per_s;
};

/* Waits for half a second for loading_end, then answers. Until then nobody changes the configuration or the users. */
void loading_begin(struct loading *loading, struct app *app);
/* Any thread. */
void loading_progress(struct loading *loading, const struct wal_progress *progress);
/* The ports are free on return. Harmless when it does not run. */
void loading_end(struct loading *loading);
/* After loading_end: who is connected goes over to the pool, which does not run yet; or is disconnected. */
void loading_hand_over(struct loading *loading);
void loading_forget(struct loading *loading);
/* The fields of INFO persistence. */
void loading_write_info(const struct loading *loading, struct resp_out *out);

#endif
