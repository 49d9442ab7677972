/* context.h: what the journal of one open heap keeps in memory. Private to the journal. */
#ifndef CAIRN_JOURNAL_CONTEXT_H
#define CAIRN_JOURNAL_CONTEXT_H

#include "journal/journal.h"
#include "journal/journal_layout.h"

#include <stdatomic.h>

struct shadow;
struct tx;
struct wal;

/* A lane's volatile side, on a cache line of its own. */
struct journal_lane {
    _Alignas(64) _Atomic int64_t used_bytes; /* as in the lane; written by its owner only */
    struct tx *_Atomic tx;                   /* its owner's; NULL: nobody has the lane */
};

struct journal {
    struct journal_lane lane[JOURNAL_LANES];
    struct pmem_map *map;
    char *lanes; /* in the mapping */
    struct journal_ops ops;
    void *heap;
    struct shadow *shadow; /* T3; NULL in other builds */
    struct wal *wal; /* keeps what commits; NULL: the mapping does. Changes while no transaction is open */
};

static inline struct lane_layout *journal_lane_at(const struct journal *journal, unsigned index)
{
    return (struct lane_layout *)(void *)(journal->lanes + (size_t)index * JOURNAL_LANE_BYTES);
}

static inline uint64_t journal_offset(const struct journal *journal, const void *addr)
{
    return (uint64_t)((const char *)addr - journal->map->base);
}

#endif
