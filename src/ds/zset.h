/* zset.h: large sorted sets: a hash table of members beside a counted B+ tree.
 *
 * The set has one owner, whose lock is held until commit. Errors of what writes leave partial changes: roll back.
 */
#ifndef CAIRN_DS_ZSET_H
#define CAIRN_DS_ZSET_H

#include "ds/btree.h"
#include "ds/collection.h"
#include "ds/hashtable.h"
#include "ds/zset_layout.h"

#include <string.h>

struct zset_item {
    struct slice member;
    double score; /* never NaN */
};

/* A place among the items: before all items of `score` (member.ptr NULL; with `after`: behind them), or where
 * `member` stands or would stand among them (with `after`: behind it). */
struct zset_bound {
    double score;
    struct slice member;
    bool after;
};
#define ZSET_START ((struct zset_bound){.score = -__builtin_inf()})
#define ZSET_END   ((struct zset_bound){.score = __builtin_inf(), .after = true})

/* Negative, 0 or positive as `a` stands before, at or behind `b`. */
int zset_compare_members(struct slice a, struct slice b);
int zset_compare(const struct zset_item *a, const struct zset_item *b);
bool zset_is_before(const struct zset_item *item, const struct zset_bound *bound);

/* A handle, by value; nothing of it persists. */
struct zset {
    struct heap *heap;
    struct hashtable table;
    struct btree tree;
};

/* A member that was looked for. Good until the set is written. */
struct zset_place {
    uint64_t hash;
    struct entry *entry; /* NULL: there is none */
    struct hashtable_place slot;
};

struct zset zset_at(const struct heap *heap, uint64_t root);
static inline uint64_t zset_count(const struct zset *zset)
{
    return btree_count(&zset->tree);
}

/* ---- finding ---- */

/* False when absent; score_out is set when found. */
bool zset_find(const struct zset *zset, struct slice member, struct zset_place *place_out, double *score_out);
/* The item at the cursor. */
struct zset_item zset_item(const struct zset *zset, const struct btree_cursor *cursor);
/* The bound as the tree's key; its member must stay where it is. */
struct btree_key zset_key(const struct zset_bound *bound);

/* ---- changing ---- */

/* Gives the member, looked for with zset_find, this score; adds it when it is absent. */
MUST_CHECK enum error zset_put(struct tx *tx, const struct zset *zset, const struct zset_place *place,
                               struct slice member, double score);
/* Removes a member that zset_find has found. */
MUST_CHECK enum error zset_remove(struct tx *tx, const struct zset *zset, const struct zset_place *place);
/* A new set of items that ascend. */
MUST_CHECK enum error zset_build(struct tx *tx, struct heap *heap, const struct zset_item *items,
                                 size_t count, uint64_t *root_out);

extern const struct collection_ops zset_ops;

#endif
