/* zset_small.h: small sorted sets: packed blobs, and items in memory in order.
 *
 *     blob: member, score, member, score ...        (ds/packed.h)
 *
 * A score is a string of the double's 8 bytes; -0 is 0, as in Redis's small sets.
 * A small set is unpacked, looked at or changed in memory, and packed again. Members are borrowed: from the blob, or from whoever
 * puts them.
 */
#ifndef CAIRN_DS_ZSET_SMALL_H
#define CAIRN_DS_ZSET_SMALL_H

#include "ds/packed.h"
#include "ds/zset.h"

#define ZSET_SMALL_INLINE 132 /* the usual limit and a few more: without malloc */

struct zset_small {
    struct zset_item *items;
    size_t count;
    size_t cap;
    struct zset_item inline_items[ZSET_SMALL_INLINE];
};

bool zset_packed_is_valid(struct slice blob);
size_t zset_packed_count(struct slice blob);
/* One member of a blob, without unpacking all. */
bool zset_packed_find(struct slice blob, struct slice member, double *score_out);
void zset_packed_visit(struct slice blob, collection_visit *visit, void *ctx);

void zset_small_init(struct zset_small *small);
void zset_small_free(struct zset_small *small);
/* ERROR_MEMORY; what makes no sense in the blob ends it. */
MUST_CHECK enum error zset_small_unpack(struct zset_small *small, struct slice blob);
/* Appends the blob to `out`. */
void zset_small_pack(const struct zset_small *small, struct packed_out *out);

/* How many items stand before `bound`. */
size_t zset_small_rank_of(const struct zset_small *small, const struct zset_bound *bound);
/* False when absent. */
bool zset_small_find(const struct zset_small *small, struct slice member, size_t *index_out);
MUST_CHECK enum error zset_small_insert(struct zset_small *small, const struct zset_item *item);
/* Takes `count` items away from `index` on. */
void zset_small_cut(struct zset_small *small, size_t index, size_t count);

#endif
