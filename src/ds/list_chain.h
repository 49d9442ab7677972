/* list_chain.h: linking chunks of lists. For the files of lists only. */
#ifndef CAIRN_DS_LIST_CHAIN_H
#define CAIRN_DS_LIST_CHAIN_H

#include "ds/list.h"

static inline struct list_chunk_layout *list_chunk_at(const struct list *list, uint64_t off)
{
    return heap_at(list->base, off);
}

static inline uint64_t list_chunk_off(const struct list *list, const struct list_chunk_layout *chunk)
{
    return (uint64_t)((const char *)chunk - list->base);
}

/* Makes the chunks (or ends) `prev` and `next` point at what stands between them, from `first` to `last`,
 * whose own links are the caller's. With nothing between: first is next, and last is prev. */
MUST_CHECK enum error list_relink(struct tx *tx, const struct list *list, uint64_t prev, uint64_t next,
                                  uint64_t first, uint64_t last);
/* Puts the new chunk `off` into the place of the chunks from `first` to `last`, and frees those (one or
 * two). */
MUST_CHECK enum error list_supplant(struct tx *tx, const struct list *list, uint64_t first, uint64_t last,
                                    uint64_t off);
/* Room for a chunk that shall hold `bytes` now: half as much again for what comes, within the limits. */
size_t list_roomy(const struct list_limits *limits, size_t bytes);
/* To be called when items were taken away: forgets LIST_FLAG_SPREAD. */
MUST_CHECK enum error list_note_shrunk(struct tx *tx, const struct list *list,
                                       const struct list_limits *limits);
MUST_CHECK enum error list_note_spread(struct tx *tx, const struct list *list);

#endif
