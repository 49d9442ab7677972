/* lane.h: reading the undo entries of a lane (journal_layout.h) backwards. Private to the journal. */
#ifndef CAIRN_JOURNAL_LANE_H
#define CAIRN_JOURNAL_LANE_H

#include "journal/journal_layout.h"
#include "pmem/map.h"

#include <stdbool.h>
#include <stdint.h>

#define LANE_WORD sizeof(uint64_t)

struct lane_entry {
    enum lane_kind kind;
    uint64_t off;   /* what the entry is about */
    uint64_t words; /* SNAPSHOT */
    unsigned bit;   /* SETBIT, CLEARBIT, FREE */
    uint64_t start; /* of the entry itself: payload first */
};

static inline uint64_t lane_word(enum lane_kind kind, uint64_t off, uint64_t arg)
{
    return (uint64_t)kind | off | arg << LANE_ARG_SHIFT;
}

/* The entry that ends at `tail`. Trusts the lane: recovery validated it, or this process wrote it. */
static inline struct lane_entry lane_entry_before(const char *base, uint64_t tail)
{
    uint64_t word = *(const uint64_t *)(const void *)(base + tail - LANE_WORD);
    struct lane_entry entry = {.kind = (enum lane_kind)(word & LANE_KIND_MASK), .off = word & LANE_OFF_MASK};
    uint64_t arg = word >> LANE_ARG_SHIFT;
    entry.words = entry.kind == LANE_SNAPSHOT ? arg : 0;
    entry.bit = (unsigned)arg;
    entry.start = tail - LANE_WORD - entry.words * LANE_WORD;
    return entry;
}

/* Where the entries before this one end. */
static inline uint64_t lane_entry_previous(const struct lane_entry *entry)
{
    return entry->kind == LANE_BACK ? entry->off : entry->start;
}

/* The offset of a lane's first entry. */
static inline uint64_t lane_first(const struct pmem_map *map, const struct lane_layout *lane)
{
    return (uint64_t)((const char *)lane - map->base) + sizeof *lane;
}

/* Atomic release store of the state word; durable on return. */
void lane_store_state(const struct pmem_map *map, struct lane_layout *lane, uint64_t state);
/* Atomic bit operations on shared words (H3); the line is flushed, not drained. Return the word before. */
uint64_t lane_setbit(const struct pmem_map *map, uint64_t *word, unsigned bit);
uint64_t lane_clearbit(const struct pmem_map *map, uint64_t *word, unsigned bit);
/* Takes back the entries between `tail` and `stop`, newest first; durable on return, state word untouched. */
void lane_undo(const struct pmem_map *map, uint64_t tail, uint64_t stop);
/* Clears the bits of all FREE entries before `tail`; durable on return. For recovery. */
void lane_roll_forward(const struct pmem_map *map, uint64_t tail, uint64_t stop);
/* Starts the write-back of everything that the entries before `tail` describe (DAX). */
void lane_flush_changes(const struct pmem_map *map, uint64_t tail, uint64_t stop);

#endif
