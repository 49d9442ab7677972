/* persist.h: what the options of persistence ask of the heap, and what is told about it: the journal, saves, INFO persistence.
 *
 * Terms: a heap is *journaled* when its file lies on a disk and `appendonly yes` or save points ask for more than a process's life
 * (DESIGN §2). A *save* makes everything durable (SAVE, BGSAVE, save points); a *rewrite* is the same, asked for by BGREWRITEAOF.
 *
 * Changes between the modes and background saves run on the cron thread, one at a time. Lock order: `media` > gate.
 */
#ifndef CAIRN_APP_PERSIST_H
#define CAIRN_APP_PERSIST_H

#include "heap/heap.h"
#include "resp/write.h"
#include "util/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct app;
struct client_pool;

enum persist_work { PERSIST_SAVE = 1, PERSIST_REWRITE = 2 };

#define PERSIST_POINTS_MAX 64

/* How one kind of work went, for INFO and LASTSAVE. */
struct persist_record {
    _Atomic int64_t ended_s;     /* wall clock; the start counts as one */
    _Atomic int64_t duration_ms; /* -1000: never */
    _Atomic int64_t begun_ms;    /* monotonic; 0: none is under way */
    _Atomic uint64_t count;
    _Atomic bool failed;
};

struct persist {
    struct app *app;
    pthread_mutex_t media; /* one at a time syncs the heap or changes its mode */
    pthread_mutex_t lock;  /* of what follows; nothing is waited for under it */
    pthread_cond_t changed;
    struct client_pool *pool; /* whose loops wait for the journal; NULL: none yet, or none any more */
    bool append_only;
    enum wal_policy fsync;     /* appendfsync */
    uint64_t tail_limit_bytes; /* journal-max-size */
    struct {
        int64_t seconds;
        uint64_t changes;
    } points[PERSIST_POINTS_MAX];
    unsigned point_count;
    unsigned wanted; /* kinds of work */
    bool change_wanted;
    bool change_failed;
    char error[256]; /* of the change that failed */
    /* the cron thread's own */
    unsigned running; /* kinds of work that the checkpoint under way serves */
    uint64_t running_lsn;
    uint64_t running_changes; /* sum of the workers' changes when it was asked for */
    pthread_t base;           /* makes the base of a new journal durable */
    bool base_started;
    atomic_bool base_runs;
    _Atomic int64_t tried_save_ms; /* monotonic: of the last save point that failed */
    struct persist_record save;
    struct persist_record rewrite;
    _Atomic uint64_t changes_at_save; /* sum of the workers' changes then */
    atomic_bool failure_told;
};

void persist_init(struct persist *persist, struct app *app);
/* The options as they are now: at the start, and under config_lock. */
void persist_note_config(struct persist *persist);
/* What boot asks of heap_open. */
void persist_options(struct persist *persist, struct heap_journal_options *options_out);
/* The loops of the pool wait for the journal from now on; NULL: nobody does. */
void persist_set_pool(struct persist *persist, struct client_pool *pool);
/* After the cron thread has ended. */
void persist_end(struct persist *persist);
/* After the heap is closed. */
void persist_free(struct persist *persist);

/* SAVE, on the caller's thread, outside of the gate. ERROR_IN_USE while one is under way. */
MUST_CHECK enum error persist_save(struct persist *persist);
/* BGSAVE, BGREWRITEAOF: ERROR_IN_USE while one of the kind is under way. */
MUST_CHECK enum error persist_begin(struct persist *persist, enum persist_work work);

/* FLUSHALL, inside the gate, which makes so many changes more: where there are save points their counting begins anew, as Redis then saves the
 * empty data set. What was flushed is as durable as any other write. */
void persist_note_flush(struct persist *persist, uint64_t changes);

/* Puts `appendonly`, `appendfsync` and `save` into effect, on the cron thread, and waits for it: outside of the gate. False with Redis's
 * error text. */
bool persist_apply(struct persist *persist, char *error, size_t error_cap);

/* The cron thread's part, once per period and when it is woken. True when it should come again soon. */
bool persist_work(struct persist *persist, struct heap_thread *thread);
/* Somebody wants something of persist_work. */
bool persist_is_wanted(struct persist *persist);

void persist_write_info(struct persist *persist, struct heap_thread *thread, struct resp_out *out);
/* "shared", "dax", "journaled". */
const char *persist_mode_name(enum heap_mode mode);

#endif
