/* zset_change.h: changes of one sorted set in the keyspace, as commands make them, for tests below the commands. */
#ifndef CAIRN_TESTS_MODEL_ZSET_CHANGE_H
#define CAIRN_TESTS_MODEL_ZSET_CHANGE_H

#include "db/keyspace.h"
#include "ds/zset_view.h"
#include "util/assert.h"

struct zset_target {
    struct tx *tx;
    struct keyspace *keyspace;
    struct key key;
    size_t small_max; /* items; above, the set becomes large */
};

static inline void zset_must(enum error error)
{
    ASSERT(error == ERROR_OK);
}

/* Stores what a small set has become. */
static inline void zset_store_small(const struct zset_target *target, const struct zset_small *small)
{
    struct packed_out out = {0};
    uint64_t root;
    bool removed;
    if (small->count == 0) {
        zset_must(keyspace_remove(target->tx, target->keyspace, 0, &target->key, &removed));
    } else if (small->count > target->small_max) {
        zset_must(zset_build(target->tx, keyspace_heap(target->keyspace), small->items, small->count, &root));
        zset_must(keyspace_put_root(target->tx, target->keyspace, 0, &target->key, ENTRY_ZSET,
                                    COLLECTION_ZSET, root, EXPIRY_KEEP));
    } else {
        zset_small_pack(small, &out);
        ASSERT(!out.failed && zset_packed_is_valid(packed_out_blob(&out)));
        zset_must(keyspace_put_packed(target->tx, target->keyspace, 0, &target->key, ENTRY_ZSET,
                                      packed_out_blob(&out), EXPIRY_KEEP));
    }
    packed_out_free(&out);
}

/* Adds the member or changes its score; NULL removes it, if it is there. */
static inline void zset_change(const struct zset_target *target, struct slice member, const double *score)
{
    struct entry *entry = keyspace_find(target->keyspace, 0, &target->key);
    struct zset_view view;
    struct zset_place place;
    size_t index;
    double old;
    bool removed;
    zset_must(zset_view_open(&view, keyspace_heap(target->keyspace), entry));
    if (view.is_large) {
        bool found = zset_find(&view.large, member, &place, &old);
        if (score != NULL) zset_must(zset_put(target->tx, &view.large, &place, member, *score));
        else if (found) zset_must(zset_remove(target->tx, &view.large, &place));
        if (zset_count(&view.large) == 0)
            zset_must(keyspace_remove(target->tx, target->keyspace, 0, &target->key, &removed));
    } else {
        bool found = zset_small_find(&view.small, member, &index);
        if (found) zset_small_cut(&view.small, index, 1);
        struct zset_item item = {member, score == NULL ? 0 : *score};
        if (score != NULL) zset_must(zset_small_insert(&view.small, &item));
        if (found || score != NULL) zset_store_small(target, &view.small);
    }
    zset_view_close(&view);
}

#endif
