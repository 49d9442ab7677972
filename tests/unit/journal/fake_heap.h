/* fake_heap.h: a flat stand-in for the heap, for tests of the journal alone.
 *
 * The file: a page, the lanes, a page with the allocation bitmap, blocks of 64 bytes, free space for extents.
 * Extents are cut from the end upwards and never reused; `extents_left` limits them. Uses ASSERT, so that it
 * serves in the children of crash tests as well.
 */
#ifndef CAIRN_TESTS_FAKE_HEAP_H
#define CAIRN_TESTS_FAKE_HEAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../support/scratch.h"
#include "journal/journal.h"
#include "journal/journal_layout.h"
#include "journal/tx.h"
#include "util/assert.h"

#define FAKE_LANES_OFF   4096
#define FAKE_BITMAP_OFF  (FAKE_LANES_OFF + JOURNAL_LANES * JOURNAL_LANE_BYTES)
#define FAKE_BLOCKS_OFF  (FAKE_BITMAP_OFF + 4096)
#define FAKE_BLOCK_BYTES 64
#define FAKE_BLOCKS      2048
#define FAKE_EXTENTS_OFF (FAKE_BLOCKS_OFF + FAKE_BLOCKS * FAKE_BLOCK_BYTES)
#define FAKE_BYTES       (UINT64_C(16) << 20)
#define FAKE_EVENTS      64

struct fake {
    char dir[64];
    char path[96];
    char detail[512];
    struct pmem_map map;
    struct journal *journal;
    struct journal_ops ops;
    struct journal_recovery recovery;
    struct tx *system;
    struct tx *tx; /* lane 1 */
    uint64_t extents_next;
    unsigned extents_left;
    unsigned extents_alive;
    unsigned orphans;
    char events[FAKE_EVENTS][32]; /* what the callbacks and hooks were told, in order */
    unsigned event_count;
};

static inline void fake_note(struct fake *fake, const char *what, uint64_t number)
{
    ASSERT(fake->event_count < FAKE_EVENTS);
    snprintf(fake->events[fake->event_count++], sizeof fake->events[0], "%s %llu", what,
             (unsigned long long)number);
}

static inline uint64_t fake_block_off(unsigned block)
{
    return FAKE_BLOCKS_OFF + (uint64_t)block * FAKE_BLOCK_BYTES;
}

static inline char *fake_block(struct fake *fake, unsigned block)
{
    return fake->map.base + fake_block_off(block);
}

static inline uint64_t *fake_word(struct fake *fake, unsigned block)
{
    return (uint64_t *)(void *)(fake->map.base + FAKE_BITMAP_OFF) + block / 64;
}

static inline bool fake_is_set(struct fake *fake, unsigned block)
{
    return (*fake_word(fake, block) >> block % 64 & 1) != 0;
}

static inline struct lane_layout *fake_lane(struct fake *fake, unsigned index)
{
    return (struct lane_layout *)(void *)(fake->map.base + FAKE_LANES_OFF +
                                          (size_t)index * JOURNAL_LANE_BYTES);
}

static inline unsigned fake_block_of(uint64_t off)
{
    return (unsigned)((off - FAKE_BLOCKS_OFF) / FAKE_BLOCK_BYTES);
}

/* X3: lane 1 would not clear the bit again under the block's next owner. */
static inline void fake_freed(void *thread, uint64_t off)
{
    struct fake *fake = thread;
    ASSERT((fake_lane(fake, 1)->state & LANE_PHASE_MASK) == LANE_PHASE_IDLE);
    ASSERT(!fake_is_set(fake, fake_block_of(off)));
    fake_note(fake, "freed", fake_block_of(off));
}

static inline void fake_unreserved(void *thread, uint64_t off)
{
    struct fake *fake = thread;
    uint64_t covered = fake_lane(fake, 1)->state & LANE_TAIL_MASK;
    ASSERT(covered == 0 || covered == (uint64_t)(fake->tx->tail - fake->map.base));
    ASSERT(!fake_is_set(fake, fake_block_of(off)));
    fake_note(fake, "unreserved", fake_block_of(off));
}

static inline enum error fake_extent_alloc(void *thread, uint64_t *link, size_t min_bytes, size_t *size_out)
{
    struct fake *fake = thread;
    size_t bytes = (min_bytes + 63) / 64 * 64;
    if (fake->extents_left == 0 || fake->extents_next + bytes > FAKE_BYTES) return ERROR_HEAP_FULL;
    tx_begin(fake->system);
    ASSERT(tx_store64(fake->system, link, fake->extents_next) == ERROR_OK);
    tx_commit(fake->system);
    fake->extents_next += bytes;
    fake->extents_left--;
    fake->extents_alive++;
    *size_out = bytes;
    return ERROR_OK;
}

static inline void fake_extent_free(void *thread, uint64_t *link, uint64_t next)
{
    struct fake *fake = thread;
    ASSERT(*link != 0 && link[1] == 0); /* X5: the extent is not in use */
    tx_begin(fake->system);
    ASSERT(tx_store64(fake->system, link, next) == ERROR_OK);
    tx_commit(fake->system);
    fake->extents_alive--;
}

static inline void fake_describe(void *heap, uint64_t off, char *buf, size_t cap)
{
    (void)heap;
    snprintf(buf, cap, "fake block %u", fake_block_of(off));
}

static inline void fake_orphan(void *heap, uint64_t *link)
{
    struct fake *fake = heap;
    fake->orphans++;
    *link = 0;
}

/* Maps the file and opens the journal; recovery and lanes are up to the caller. */
static inline void fake_map(struct fake *fake, bool create)
{
    struct pmem_map_options options = {
        .path = fake->path, .reserve_bytes = UINT64_C(1) << 30, .create = create, .force_shared = true};
    ASSERT(pmem_map_open(&fake->map, &options, fake->detail, sizeof fake->detail) == ERROR_OK);
    if (create) ASSERT(pmem_map_grow(&fake->map, FAKE_BYTES) == ERROR_OK);
    if (fake->ops.freed == NULL)
        fake->ops = (struct journal_ops){fake_freed, fake_unreserved, fake_extent_alloc, fake_extent_free,
                                         fake_describe};
    ASSERT(journal_open(&fake->map, fake->map.base + FAKE_LANES_OFF, &fake->ops, fake, &fake->journal) ==
           ERROR_OK);
    fake->extents_next = FAKE_EXTENTS_OFF;
    fake->extents_left = 1000;
}

static inline enum error fake_recover(struct fake *fake)
{
    return journal_recover(fake->journal, fake_orphan, &fake->recovery, fake->detail, sizeof fake->detail);
}

static inline void fake_open_lanes(struct fake *fake)
{
    ASSERT(journal_tx_open(fake->journal, JOURNAL_SYSTEM_LANE, fake, &fake->system) == ERROR_OK);
    ASSERT(journal_tx_open(fake->journal, 1, fake, &fake->tx) == ERROR_OK);
}

static inline void fake_unmap(struct fake *fake)
{
    journal_close(fake->journal);
    pmem_map_close(&fake->map);
}

static inline void fake_close(struct fake *fake)
{
    journal_tx_close(fake->tx);
    journal_tx_close(fake->system);
    fake_unmap(fake);
}

static inline void fake_reopen(struct fake *fake)
{
    fake_map(fake, false);
    ASSERT(fake_recover(fake) == ERROR_OK);
    fake_open_lanes(fake);
}

/* A process does `work` and ends without more ado; then the file is opened again. */
static inline void fake_crash_after(struct fake *fake, void (*work)(struct fake *fake))
{
    journal_shadow_compare(
        fake->journal); /* nothing of what the child changes is dirty in the parent's shadow */
    fflush(NULL);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        work(fake);
        _exit(0);
    }
    int status = -1;
    ASSERT(waitpid(child, &status, 0) == child && status == 0);
    fake_close(fake);
    fake_reopen(fake);
}

static inline void fake_create(struct fake *fake)
{
    fake_map(fake, true);
    ASSERT(fake_recover(fake) == ERROR_OK);
    fake_open_lanes(fake);
}

static inline int fake_setup(void **state)
{
    struct fake *fake = calloc(1, sizeof *fake);
    ASSERT(fake != NULL);
    strcpy(fake->dir, "/dev/shm/cairn-journal-XXXXXX");
    ASSERT(scratch_make(fake->dir) != NULL);
    snprintf(fake->path, sizeof fake->path, "%s/heap", fake->dir);
    fake_create(fake);
    *state = fake;
    return 0;
}

static inline int fake_teardown(void **state)
{
    struct fake *fake = *state;
    fake_close(fake);
    unlink(fake->path);
    rmdir(fake->dir);
    free(fake);
    return 0;
}

static inline void fake_alloc(struct fake *fake, unsigned block)
{
    enum error error = tx_new_object(fake->tx, fake_block_off(block), FAKE_BLOCK_BYTES, FAKE_BLOCK_BYTES,
                                     fake_word(fake, block), block % 64);
    ASSERT(error == ERROR_OK);
}

static inline void fake_free(struct fake *fake, unsigned block)
{
    enum error error =
        tx_defer_free(fake->tx, fake_block_off(block), FAKE_BLOCK_BYTES, fake_word(fake, block), block % 64);
    ASSERT(error == ERROR_OK);
}

/* Snapshot and overwrite of a part of a block. */
static inline void fake_overwrite(struct fake *fake, unsigned block, size_t at, const char *text)
{
    char *dst = fake_block(fake, block) + at;
    ASSERT(tx_snapshot(fake->tx, dst, strlen(text)) == ERROR_OK);
    tx_write(fake->tx, dst, text, strlen(text));
}

#endif
