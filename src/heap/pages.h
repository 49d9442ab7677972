/* pages.h: the span allocator: page runs, carved out of free runs and coalesced with their neighbours.
 *
 * Terms: see heap_layout.h. The *reserve* (H10) is one free run of PAGES_RESERVE that only system requests
 * (lane overflow) may cut into.
 *
 * Invariants:
 * P1. Every change is one transaction of the system lane, committed before the lock is released (H9).
 * P2. A free run is in the index as soon as its pages have been seen in this run of the program.
 * P3. The cursor of the rebuild (rebuild.h) stands on the first page of a run, or at a chunk's grown end.
 * P4. A request of a user leaves a free run of PAGES_RESERVE pages behind.
 *
 * Lock order: the lock of a size class (central.h), grow_lock, lock.
 */
#ifndef CAIRN_HEAP_PAGES_H
#define CAIRN_HEAP_PAGES_H

#include "heap/free_index.h"
#include "heap/page_map.h"
#include "pmem/map.h"
#include "util/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGES_RESERVE 128

struct pages {
    char *base;
    struct pmem_map *map;
    struct journal *journal;
    struct superblock_layout *super;
    struct tx *system; /* of the system lane; used under lock */
    union page_note *notes;
    pthread_mutex_t lock;
    struct free_index index;
    uint32_t cursor;     /* of the rebuild */
    uint64_t grow_chunk; /* no chunk before it is known to have room left to grow */

    pthread_mutex_t grow_lock;
    uint64_t limit_bytes; /* of the file; 0: none. Atomic */
};

/* Takes a map whose superblock is valid and whose lanes are at rest. Reads one chunk's head, no more. */
MUST_CHECK enum error pages_open(struct pages *pages, struct pmem_map *map, struct journal *journal);
void pages_close(struct pages *pages);

struct pages_request {
    uint32_t pages;
    uint8_t kind;  /* PAGE_SPAN or PAGE_RUN_HEAD */
    uint8_t class; /* of a span */
    bool system;   /* may use the reserve */
    union page_note note;
    uint64_t *link; /* if not NULL: set to the run's offset in the same transaction */
};

enum pages_shortage {
    PAGES_ENOUGH,
    PAGES_NO_RUN,     /* no free run is known that is long enough */
    PAGES_NO_RESERVE, /* the reserve would go */
};

/* Cuts a run from the front of a free one. Its bitmap bytes are zero. */
MUST_CHECK enum pages_shortage pages_carve(struct pages *pages, const struct pages_request *request,
                                           uint32_t *page_out);
/* Words that change in the same transaction as the page map. */
struct pages_stores {
    struct {
        uint64_t *word;
        uint64_t value;
    } store[5];
    unsigned count;
};
/* Gives a run back, whose bitmap bytes are zero; it merges with its free neighbours. `stores` may be NULL. */
void pages_release(struct pages *pages, uint32_t page, uint32_t count, const struct pages_stores *stores);
/* The same under `lock`. */
void pages_release_locked(struct pages *pages, uint32_t page, uint32_t count,
                          const struct pages_stores *stores);

#endif
