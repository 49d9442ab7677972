/* lane.c: undoing, finishing and flushing what a lane describes.
 *
 * Undo is idempotent: old bytes and bits are written in the same order whenever it starts again, and the
 * state word changes only after all of them. So a crash inside it is as good as one before it.
 */
#include "journal/lane.h"

#include "pmem/persist.h"

#include <string.h>

void lane_store_state(const struct pmem_map *map, struct lane_layout *lane, uint64_t state)
{
    pmem_persist_barrier();
    pmem_fault_point();
    __atomic_store_n(&lane->state, state, __ATOMIC_RELEASE);
    pmem_persist_flush(map, &lane->state, sizeof lane->state);
    pmem_persist_drain(map);
}

uint64_t lane_setbit(const struct pmem_map *map, uint64_t *word, unsigned bit)
{
    pmem_fault_point();
    uint64_t before = __atomic_fetch_or(word, UINT64_C(1) << bit, __ATOMIC_ACQ_REL);
    pmem_persist_flush(map, word, sizeof *word);
    return before;
}

uint64_t lane_clearbit(const struct pmem_map *map, uint64_t *word, unsigned bit)
{
    pmem_fault_point();
    uint64_t before = __atomic_fetch_and(word, ~(UINT64_C(1) << bit), __ATOMIC_ACQ_REL);
    pmem_persist_flush(map, word, sizeof *word);
    return before;
}

static void restore(const struct pmem_map *map, const struct lane_entry *entry)
{
    char *dst = map->base + entry->off;
    const char *src = map->base + entry->start;
    pmem_fault_point();
    if (entry->words == 1) {
        /* A single word may be read without a lock: never show half of it. */
        uint64_t value;
        memcpy(&value, src, sizeof value);
        __atomic_store_n((uint64_t *)(void *)dst, value, __ATOMIC_RELEASE);
    } else {
        memcpy(dst, src, entry->words * LANE_WORD);
    }
    pmem_persist_flush(map, dst, entry->words * LANE_WORD);
}

void lane_undo(const struct pmem_map *map, uint64_t tail, uint64_t stop)
{
    while (tail != stop) {
        struct lane_entry entry = lane_entry_before(map->base, tail);
        uint64_t *word = (uint64_t *)(void *)(map->base + entry.off);
        if (entry.kind == LANE_SNAPSHOT) restore(map, &entry);
        if (entry.kind == LANE_SETBIT) lane_clearbit(map, word, entry.bit);
        if (entry.kind == LANE_CLEARBIT) lane_setbit(map, word, entry.bit);
        tail = lane_entry_previous(&entry);
    }
    pmem_persist_drain(map);
}

void lane_roll_forward(const struct pmem_map *map, uint64_t tail, uint64_t stop)
{
    while (tail != stop) {
        struct lane_entry entry = lane_entry_before(map->base, tail);
        if (entry.kind == LANE_FREE)
            lane_clearbit(map, (uint64_t *)(void *)(map->base + entry.off), entry.bit);
        tail = lane_entry_previous(&entry);
    }
    pmem_persist_drain(map);
}

void lane_flush_changes(const struct pmem_map *map, uint64_t tail, uint64_t stop)
{
    while (tail != stop) {
        struct lane_entry entry = lane_entry_before(map->base, tail);
        uint64_t words = entry.kind == LANE_SNAPSHOT ? entry.words : 1;
        if (entry.kind != LANE_FREE && entry.kind != LANE_BACK)
            pmem_persist_flush(map, map->base + entry.off, words * LANE_WORD);
        tail = lane_entry_previous(&entry);
    }
}
