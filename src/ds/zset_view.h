/* zset_view.h: reading a sorted set, small or large, by member, rank and place. */
#ifndef CAIRN_DS_ZSET_VIEW_H
#define CAIRN_DS_ZSET_VIEW_H

#include "ds/entry.h"
#include "ds/zset_small.h"

/* Good until the entry is written. An absent key is an empty small set. */
struct zset_view {
    bool is_large;
    struct zset large;
    struct slice blob; /* of a small one */
    struct zset_small small;
};

/* A position at an item. */
struct zset_position {
    size_t index;               /* small */
    struct btree_cursor cursor; /* large */
};

/* Opens for counts and lookups by member alone. `entry`: a sorted set, or NULL. Nothing to close. */
void zset_view_peek(struct zset_view *view, const struct heap *heap, const struct entry *entry);
/* Opens for everything; zset_view_close is due, also after an error. */
MUST_CHECK enum error zset_view_open(struct zset_view *view, const struct heap *heap,
                                     const struct entry *entry);
void zset_view_close(struct zset_view *view);

uint64_t zset_view_count(const struct zset_view *view);
/* False when absent. */
bool zset_view_score(const struct zset_view *view, struct slice member, double *score_out);

/* How many items stand before `bound`. */
uint64_t zset_view_rank_of(const struct zset_view *view, const struct zset_bound *bound);
/* The first item at or behind `bound`; backward: the last one before it. False when there is none. */
bool zset_view_seek(const struct zset_view *view, const struct zset_bound *bound, bool backward,
                    struct zset_position *position_out);
/* The item with `rank` items before it. */
bool zset_view_at(const struct zset_view *view, uint64_t rank, struct zset_position *position_out);
/* False at the end. */
bool zset_view_step(const struct zset_view *view, bool backward, struct zset_position *position);
struct zset_item zset_view_item(const struct zset_view *view, const struct zset_position *position);

#endif
