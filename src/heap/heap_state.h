/* heap_state.h: what the files of this folder know about an open heap and its threads. Private to heap/. */
#ifndef CAIRN_HEAP_HEAP_STATE_H
#define CAIRN_HEAP_HEAP_STATE_H

#include "heap/central.h"
#include "heap/heap.h"
#include "heap/pages.h"
#include "journal/journal.h"
#include "journal/journal_layout.h"
#include "pmem/map.h"

#include <pthread.h>
#include <stdatomic.h>

#define HEAP_ORPHANS_MAX (JOURNAL_LANES * LANE_EXTENTS)

struct heap {
    char *base; /* first: heap_base */
    struct pmem_map map;
    struct wal *_Atomic
        wal; /* J3; NULL: not journaled. Used between heap__wal_look and heap__wal_leave, or by who may change it */
    _Atomic int policy; /* enum wal_policy, of heap->wal */
    struct heap_rest rest;
    uint64_t boot_mark;
    struct journal *journal;
    struct pages pages;
    struct central centrals[SIZECLASS_COUNT];
    uint32_t rebuild_end; /* pages from here on were grown in this run */
    bool rebuilt;         /* every page has been seen: all spans have twins. Atomic */
    pthread_mutex_t threads_lock;
    struct heap_thread *threads[JOURNAL_LANES]; /* by lane */
    uint64_t *orphans[HEAP_ORPHANS_MAX]; /* words of lanes that name extents to release; during heap_open */
    unsigned orphan_count;
};

/* Reserved blocks of one class, a stack. */
struct cache {
    uint32_t count; /* written by the owner, read by heap_stats. Atomic */
    uint32_t low;   /* least count since the last trim: blocks that nobody needed */
    uint32_t limit; /* a free beyond it sends half to the centre; grows from CACHE_LIMIT_MIN to max */
    uint32_t batch; /* to fetch at the next miss; doubles from 1 to max / 2 */
    uint32_t max;
    struct span *held; /* to draw from (C5); written under the lock of the class */
    uint64_t *offs;
};

struct heap_thread {
    struct heap *heap;
    atomic_bool looks; /* at heap->wal, which stays until it has done so */
    struct tx *tx;
    unsigned lane;
    uint64_t *slots; /* the memory of all caches */
    struct cache caches[SIZECLASS_COUNT];
};

/* A sync of it failed in this boot, here or in a process before: no sync proves anything until its cached pages were written again (J10). */
bool heap_is_doubted(const struct heap *heap);

/* ---- thread_cache.c ---- */

MUST_CHECK enum error thread_cache_open(struct heap_thread *thread);
void thread_cache_close(struct heap_thread *thread);
/* Takes a block; on error nothing is taken. */
MUST_CHECK enum error thread_cache_pop(struct heap_thread *thread, unsigned class, uint64_t *off_out);
/* Takes a block for which no page is needed; false when there is none. */
bool thread_cache_pop_free(struct heap_thread *thread, unsigned class, uint64_t *off_out);
/* Never fails. */
void thread_cache_push(struct heap_thread *thread, unsigned class, uint64_t off);
/* All blocks go back to the centre: they may be what keeps pages from being free. */
void thread_cache_give_back(struct heap_thread *thread);
uint64_t thread_cache_bytes(const struct heap_thread *thread);

/* ---- supply.c: where pages come from when there is a choice ---- */

/* Carves a run: from known free runs, else from a grown heap, else from what a complete rebuild and the spare
 * spans give. Waits for posix_fallocate at worst. Callers hold no lock. */
MUST_CHECK enum error supply_run(struct heap *heap, const struct pages_request *request, uint32_t *page_out);
/* Grows ahead of need by one step; false when enough is free. */
bool supply_ahead(struct heap *heap);

/* ---- rebuild.c: spans and free runs from before this run become known ---- */

void rebuild_open(struct heap *heap);
/* Visits the next run of pages; false when there is none left (or no memory for a twin). Callers hold no
 * lock. */
bool rebuild_step(struct heap *heap);

static inline bool rebuild_is_complete(const struct heap *heap)
{
    return __atomic_load_n(&heap->rebuilt, __ATOMIC_ACQUIRE);
}

/* ---- journaled.c: a heap whose commits go to a journal ---- */

/* A file whose notes name a journal: brings the image to the journal's end. The map is SHARED; its size follows the file's. */
MUST_CHECK enum error journaled_recover(struct heap *heap, const struct heap_options *options,
                                        struct heap_report *report);
/* The same in memory (tools); the map is PRIVATE. */
MUST_CHECK enum error journaled_view(struct heap *heap, const struct heap_options *options,
                                     struct heap_report *report);
/* Lanes are at rest: the heap becomes, or stays, what the options ask for. Before the first transaction. */
MUST_CHECK enum error journaled_settle(struct heap *heap, const struct heap_options *options,
                                       struct heap_report *report);
/* The heap is being closed, nobody uses it. */
enum error journaled_close(struct heap *heap);

/* ---- alloc.c ---- */

extern const struct journal_ops alloc_journal_ops;

#endif
