/* journal.c: opening the lanes of a heap and handing them to threads. See journal.h. */
#include "journal/context.h"
#include "journal/lane.h"
#include "journal/redo.h"
#include "journal/shadow.h"
#include "journal/wal.h"
#include "pmem/persist.h"
#include "util/assert.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS_START 64 /* volatile arrays start with this room, grow by doubling and are kept */
#define FREES_START   64
#define HOOKS_START   16
#define RECORD_START  (2 * JOURNAL_LANE_BYTES) /* what a lane's own area can describe */

enum error journal_open(struct pmem_map *map, char *lanes, const struct journal_ops *ops, void *heap,
                        struct journal **journal_out)
{
    ASSERT((uintptr_t)lanes % 64 == 0); /* state and used bytes of a lane share a cache line */
    struct journal *journal = aligned_alloc(_Alignof(struct journal), sizeof *journal);
    *journal_out = journal;
    if (journal == NULL) return ERROR_MEMORY;
    memset(journal, 0, sizeof *journal);
    journal->map = map;
    journal->lanes = lanes;
    journal->ops = *ops;
    journal->heap = heap;
    return ERROR_OK;
}

void journal_close(struct journal *journal)
{
    for (unsigned i = 0; i < JOURNAL_LANES; i++)
        ASSERT(!journal->lane[i].tx);
    shadow_stop(journal);
    free(journal);
}

uint64_t journal_used_bytes(const struct journal *journal)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < JOURNAL_LANES; i++)
        sum += atomic_load_explicit(&journal->lane[i].used_bytes, memory_order_relaxed);
    return sum > 0 ? (uint64_t)sum
                   : 0; /* lanes are summed one by one: a free may be seen before its allocation */
}

static bool allocate_arrays(struct tx *tx)
{
    tx->objects = malloc(OBJECTS_START * sizeof *tx->objects);
    tx->frees = malloc(FREES_START * sizeof *tx->frees);
    tx->hooks = malloc(HOOKS_START * sizeof *tx->hooks);
    tx->object_cap = OBJECTS_START;
    tx->free_cap = FREES_START;
    tx->hook_cap = HOOKS_START;
    tx->record = calloc(1, sizeof *tx->record);
    return tx->objects != NULL && tx->frees != NULL && tx->hooks != NULL && tx->record != NULL &&
           redo_reserve(tx->record, RECORD_START) == ERROR_OK;
}

static void free_tx(struct tx *tx)
{
    free(tx->objects);
    free(tx->frees);
    free(tx->hooks);
    if (tx->record != NULL) redo_free(tx->record);
    free(tx->record);
    free(tx);
}

enum error journal_tx_open(struct journal *journal, unsigned lane, void *thread, struct tx **tx_out)
{
    *tx_out = NULL;
    if (lane >= JOURNAL_LANES) return ERROR_NO_LANE;
    struct tx *tx = aligned_alloc(64, (sizeof *tx + 63) / 64 * 64);
    if (tx == NULL) return ERROR_MEMORY;
    *tx = (struct tx){.map = journal->map, .journal = journal, .thread = thread, .lane_index = lane};
    if (!allocate_arrays(tx)) {
        free_tx(tx);
        return ERROR_MEMORY;
    }
    struct lane_layout *layout = journal_lane_at(journal, lane);
    ASSERT(!atomic_load(&journal->lane[lane].tx));
    ASSERT((layout->state & ~LANE_SELECTOR) == LANE_PHASE_IDLE); /* recovered */
    for (unsigned i = 0; i < LANE_EXTENTS; i++)
        ASSERT(layout->extents[i].off == 0); /* orphans were freed first */

    tx->lane = layout;
    tx->base = journal->map->base;
    tx->reserved_bytes = journal->map->reserved_bytes;
    tx->selector = layout->state & LANE_SELECTOR;
    tx->first = (char *)layout + sizeof *layout;
    tx->tail = tx->first;
    tx->segment_end = (char *)layout + JOURNAL_LANE_BYTES;
    bool inlines = journal->map->mode != PMEM_MODE_DAX && !SHADOW_CHECKS;
    tx->first_fast_end = inlines ? tx->segment_end : NULL;
    atomic_store(&journal->lane[lane].tx, tx);
    *tx_out = tx;
    return ERROR_OK;
}

void journal_tx_close(struct tx *tx)
{
    ASSERT(!tx->is_open);
    atomic_store(&tx->journal->lane[tx->lane_index].tx, NULL);
    free_tx(tx);
}

void *tx_thread(const struct tx *tx)
{
    return tx->thread;
}

void journal_shadow_compare(struct journal *journal)
{
    shadow_compare(journal);
}

void journal_shadow_remapped(struct journal *journal)
{
    shadow_remapped(journal);
}

void journal_shadow_take(struct journal *journal, uint64_t off, uint64_t len)
{
    if (journal->shadow != NULL) shadow_resync(journal, off, len);
}

/* ---- the redo journal ---- */

struct wal *journal_wal(const struct journal *journal)
{
    return journal->wal;
}

/* Lanes in the file are as they were when the mapping became private; their owners have gone on since, and what they
 * commit next builds on their own selector (X4). */
static void align_lane(const struct journal *journal, unsigned index, int64_t used_bytes)
{
    struct lane_layout *lane = journal_lane_at(journal, index);
    const struct tx *tx = atomic_load(&journal->lane[index].tx);
    uint64_t selector = tx != NULL ? tx->selector : lane->state & LANE_SELECTOR;
    uint64_t *word = (uint64_t *)(void *)&lane->used_bytes[selector != 0];
    if (*word != (uint64_t)used_bytes) pmem_persist_store64(journal->map, word, (uint64_t)used_bytes);
    if (lane->state != (LANE_PHASE_IDLE | selector))
        lane_store_state(journal->map, lane, LANE_PHASE_IDLE | selector);
}

/* The sum stands in the system lane, whose owner has no objects of its own. */
void journal_set_wal(struct journal *journal, struct wal *wal, uint64_t used_bytes)
{
    for (unsigned i = 0; i < JOURNAL_LANES; i++) {
        int64_t used = i == JOURNAL_SYSTEM_LANE ? (int64_t)used_bytes : 0;
        align_lane(journal, i, used);
        atomic_store(&journal->lane[i].used_bytes, used);
    }
    journal->wal = wal;
}

enum error journal_grew(struct journal *journal, const struct redo_extent *extents, unsigned count)
{
    struct redo_record record = {0};
    if (journal->wal == NULL) return ERROR_OK;
    enum error error = redo_growth(&record, extents, count);
    if (error == ERROR_OK) wal_append(journal->wal, record.bytes, record.len);
    redo_free(&record);
    return error;
}
