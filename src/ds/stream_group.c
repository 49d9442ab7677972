/* stream_group.c: groups, consumers and pending records.
 *
 * Crash table (all stores are logged words of the owner's transaction or new objects; a crash undoes what stands)
 *   create            group or consumer (new object), its place in the list (stream_names.c)
 *   add               record (new object), the group's tree, the consumer's tree
 *   assign            [the old consumer's tree, the new one's] three words of the record
 *   remove            both trees, free of the record
 *   consumer_delete   for each record: the group's tree, free; the consumer's nodes, its place in the list, free
 *   reclaim           one step: frees of records, then `progress`; or nodes of a tree (btree_bulk.c); or the last
 *                     consumer: its place in the list, free; or the group itself
 */
#include "ds/stream_group.h"

#include "util/assert.h"

#define ALL_BLOCKS UINT32_MAX /* a budget */

static int pending_tie(const char *base, uint64_t ref, const void *tie)
{
    const struct stream_pending_layout *pending = (const void *)(base + ref);
    return stream_id_compare(pending->id, *(const struct stream_id *)tie);
}

struct btree stream__pending_tree(char *base, struct btree_layout *root)
{
    return (struct btree){base, root, pending_tie};
}

static inline struct stream_pending_layout *pending_at(const char *base, uint64_t off)
{
    return (void *)(uintptr_t)(base + off);
}

static inline uint64_t off_of(struct stream stream, const void *block)
{
    return (uint64_t)((const char *)block - stream.base);
}

/* ---- groups ---- */

unsigned stream_group_count(struct stream stream)
{
    return stream_names_count(stream.base, stream.root->groups);
}

struct stream_group_layout *stream_group_at(struct stream stream, unsigned index)
{
    return stream_names_get(stream.base, stream.root->groups, index);
}

struct stream_group_layout *stream_group_find(struct stream stream, struct slice name)
{
    unsigned index;
    return stream_names_find(stream.base, stream.root->groups, name, &index);
}

enum error stream_group_create(struct tx *tx, struct stream stream, struct slice name, struct stream_id last,
                               int64_t entries_read, bool *created_out)
{
    unsigned index;
    uint64_t off;
    struct stream_group_layout image = {.last = last, .entries_read = entries_read};
    *created_out = stream_names_find(stream.base, stream.root->groups, name, &index) == NULL;
    if (!*created_out) return ERROR_OK;
    enum error error = stream_names_create(tx, &image.named, sizeof(image), name, &off);
    return error == ERROR_OK ? stream_names_insert(tx, &stream.root->groups, index, off) : error;
}

enum error stream_group_set(struct tx *tx, struct stream_group_layout *group, struct stream_id last,
                            int64_t entries_read)
{
    enum error error = tx_snapshot(tx, &group->last, sizeof(last) + sizeof(entries_read));
    if (error != ERROR_OK) return error;
    tx_write(tx, &group->last, &last, sizeof(last));
    tx_write(tx, &group->entries_read, &entries_read, sizeof(entries_read));
    return ERROR_OK;
}

/* Frees some records of a group, then some nodes of their tree. */
static enum error reclaim_pending(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                  uint64_t *progress, unsigned *budget)
{
    struct btree tree = stream__pending_tree(stream.base, &group->pending);
    struct btree_cursor cursor;
    uint64_t done = *progress;
    bool more = done < tree.root->count && btree_at(&tree, done, &cursor);
    for (; more && *budget > 0; more = btree_next(&tree, &cursor)) {
        enum error error = heap_free(tx, btree_item(&cursor).ref);
        if (error != ERROR_OK) return error;
        done++;
        --*budget;
    }
    if (done != *progress) return tx_store64(tx, progress, done);
    return tree.root->top != 0 && *budget > 0 ? btree_reclaim(tx, &tree, budget) : ERROR_OK;
}

/* The last consumer of a group whose records are gone. */
static enum error reclaim_consumer(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                   unsigned *budget)
{
    unsigned last = stream_consumer_count(stream, group) - 1;
    struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, last);
    struct btree tree = stream__pending_tree(stream.base, &consumer->pending);
    enum error error = ERROR_OK;
    if (tree.root->top != 0) error = btree_reclaim(tx, &tree, budget);
    if (error != ERROR_OK || tree.root->top != 0) return error;
    error = stream_names_remove(tx, &group->consumers, last);
    if (*budget > 0) --*budget;
    return error == ERROR_OK ? heap_free(tx, off_of(stream, consumer)) : error;
}

enum error stream_group__reclaim(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                 uint64_t *progress, unsigned *budget, bool *done_out)
{
    enum error error = ERROR_OK;
    *done_out = false;
    while (error == ERROR_OK && *budget > 0 && group->pending.top != 0)
        error = reclaim_pending(tx, stream, group, progress, budget);
    while (error == ERROR_OK && *budget > 0 && group->pending.top == 0 && group->consumers != 0)
        error = reclaim_consumer(tx, stream, group, budget);
    if (error != ERROR_OK || *budget == 0 || group->consumers != 0 || group->pending.top != 0) return error;
    --*budget;
    *done_out = true;
    if (*progress != 0) error = tx_store64(tx, progress, 0);
    return error == ERROR_OK ? heap_free(tx, off_of(stream, group)) : error;
}

enum error stream_group_destroy(struct tx *tx, struct stream stream, struct slice name, bool *destroyed_out)
{
    unsigned index, budget = ALL_BLOCKS;
    bool done;
    struct stream_group_layout *group = stream_names_find(stream.base, stream.root->groups, name, &index);
    *destroyed_out = group != NULL;
    if (group == NULL) return ERROR_OK;
    enum error error = stream_names_remove(tx, &stream.root->groups, index);
    return error == ERROR_OK
               ? stream_group__reclaim(tx, stream, group, &stream.root->node.progress, &budget, &done)
               : error;
}

int64_t stream_group_count_read(struct stream stream, struct stream_id first, struct stream_id last,
                                int64_t entries_read, struct stream_id id)
{
    if (entries_read != STREAM_COUNT_UNKNOWN && stream_id_compare(last, first) >= 0 &&
        !stream_has_tombstones_behind(stream, last))
        return entries_read + 1;
    return stream.root->counts.entries_added > 0 ? stream_count_up_to(stream, id) : entries_read;
}

bool stream_group_lag(struct stream stream, const struct stream_group_layout *group, int64_t *lag_out)
{
    int64_t added = (int64_t)stream.root->counts.entries_added, length = (int64_t)stream.root->counts.length;
    *lag_out = 0;
    if (added == 0 || length == 0) return true;
    struct stream_id first = stream_first_id(stream);
    *lag_out = length;
    if (stream_id_compare(group->last, first) < 0 && stream_id_compare(stream.root->max_deleted, first) < 0)
        return true;
    int64_t read = group->entries_read;
    if (read == STREAM_COUNT_UNKNOWN || stream_has_tombstones_behind(stream, group->last))
        read = stream_count_up_to(stream, group->last);
    *lag_out = added - read;
    return read != STREAM_COUNT_UNKNOWN;
}

/* ---- consumers ---- */

unsigned stream_consumer_count(struct stream stream, const struct stream_group_layout *group)
{
    return stream_names_count(stream.base, group->consumers);
}

struct stream_consumer_layout *stream_consumer_at(struct stream stream,
                                                  const struct stream_group_layout *group, unsigned index)
{
    return stream_names_get(stream.base, group->consumers, index);
}

struct stream_consumer_layout *
stream_consumer_find(struct stream stream, const struct stream_group_layout *group, struct slice name)
{
    unsigned index;
    return stream_names_find(stream.base, group->consumers, name, &index);
}

enum error stream_consumer_create(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                  struct slice name, int64_t now_ms,
                                  struct stream_consumer_layout **consumer_out)
{
    unsigned index;
    uint64_t off;
    struct stream_consumer_layout image = {.seen_ms = now_ms, .active_ms = -1};
    ASSERT(stream_names_find(stream.base, group->consumers, name, &index) == NULL);
    enum error error = stream_names_create(tx, &image.named, sizeof(image), name, &off);
    if (error == ERROR_OK) error = stream_names_insert(tx, &group->consumers, index, off);
    if (error == ERROR_OK) *consumer_out = (void *)(stream.base + off);
    return error;
}

enum error stream_consumer_delete(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                  struct slice name)
{
    unsigned index, budget = ALL_BLOCKS;
    struct stream_consumer_layout *consumer = stream_names_find(stream.base, group->consumers, name, &index);
    ASSERT(consumer != NULL);
    struct btree tree = stream__pending_tree(stream.base, &group->pending);
    struct stream_pending_range range = stream_pending_from(stream, &consumer->pending, STREAM_ID_MIN);
    enum error error = ERROR_OK;
    for (struct stream_pending_layout *pending;
         error == ERROR_OK && (pending = stream_pending_next(&range)) != NULL;) {
        struct btree_key key = {stream_id_order(pending->id), &pending->id, false};
        struct btree_cursor cursor;
        if (!btree_seek(&tree, &key, &cursor) || btree_item(&cursor).ref != off_of(stream, pending))
            return ERROR_CORRUPT;
        error = btree_remove(tx, &tree, &cursor);
        if (error == ERROR_OK) error = heap_free(tx, off_of(stream, pending));
    }
    struct btree own = stream__pending_tree(stream.base, &consumer->pending);
    while (error == ERROR_OK && own.root->top != 0)
        error = btree_reclaim(tx, &own, &budget);
    if (error == ERROR_OK) error = stream_names_remove(tx, &group->consumers, index);
    return error == ERROR_OK ? heap_free(tx, off_of(stream, consumer)) : error;
}

enum error stream_consumer_touch(struct tx *tx, struct stream_consumer_layout *consumer, int64_t now_ms,
                                 bool active)
{
    int64_t times[2] = {now_ms, active ? now_ms : consumer->active_ms};
    if (consumer->seen_ms == times[0] && consumer->active_ms == times[1]) return ERROR_OK;
    enum error error = tx_snapshot(tx, &consumer->seen_ms, sizeof(times));
    if (error != ERROR_OK) return error;
    tx_write(tx, &consumer->seen_ms, &times[0], sizeof(times[0]));
    tx_write(tx, &consumer->active_ms, &times[1], sizeof(times[1]));
    return ERROR_OK;
}

/* ---- pending records ---- */

/* Where the record of `id` stands in a tree; false: nowhere. */
static bool find(const struct btree *tree, struct stream_id id, struct btree_cursor *cursor_out)
{
    struct btree_key key = {stream_id_order(id), &id, false};
    return btree_seek(tree, &key, cursor_out) &&
           stream_id_equal(pending_at(tree->base, btree_item(cursor_out).ref)->id, id);
}

static enum error insert(struct tx *tx, struct stream stream, struct btree_layout *root, struct stream_id id,
                         uint64_t off)
{
    struct btree tree = stream__pending_tree(stream.base, root);
    struct btree_key key = {stream_id_order(id), &id, false};
    return btree_insert(tx, &tree, &key, off);
}

static enum error take(struct tx *tx, struct stream stream, struct btree_layout *root, struct stream_id id)
{
    struct btree tree = stream__pending_tree(stream.base, root);
    struct btree_cursor cursor;
    return find(&tree, id, &cursor) ? btree_remove(tx, &tree, &cursor) : ERROR_CORRUPT;
}

struct stream_pending_layout *stream_pending_find(struct stream stream, struct stream_group_layout *group,
                                                  struct stream_id id)
{
    struct btree tree = stream__pending_tree(stream.base, &group->pending);
    struct btree_cursor cursor;
    return find(&tree, id, &cursor) ? pending_at(stream.base, btree_item(&cursor).ref) : NULL;
}

enum error stream_pending_add(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                              struct stream_consumer_layout *consumer, struct stream_id id,
                              int64_t delivered_ms, int64_t deliveries,
                              struct stream_pending_layout **pending_out)
{
    struct stream_pending_layout image = {id, off_of(stream, consumer), delivered_ms, deliveries};
    uint64_t off;
    enum error error = heap_alloc(tx, sizeof(image), &off);
    if (error != ERROR_OK) return error;
    tx_write(tx, stream.base + off, &image, sizeof(image));
    *pending_out = pending_at(stream.base, off);
    error = insert(tx, stream, &group->pending, id, off);
    return error == ERROR_OK ? insert(tx, stream, &consumer->pending, id, off) : error;
}

enum error stream_pending_assign(struct tx *tx, struct stream stream, struct stream_pending_layout *pending,
                                 struct stream_consumer_layout *consumer, int64_t delivered_ms,
                                 int64_t deliveries)
{
    struct stream_consumer_layout *old = stream_pending_consumer(stream, pending);
    struct stream_pending_layout image = {pending->id, off_of(stream, consumer), delivered_ms, deliveries};
    enum error error = ERROR_OK;
    if (old != consumer) {
        error = take(tx, stream, &old->pending, pending->id);
        if (error == ERROR_OK)
            error = insert(tx, stream, &consumer->pending, pending->id, off_of(stream, pending));
    }
    if (error == ERROR_OK) error = tx_snapshot(tx, pending, sizeof(image));
    if (error == ERROR_OK) tx_write(tx, pending, &image, sizeof(image));
    return error;
}

enum error stream_pending_remove(struct tx *tx, struct stream stream, struct stream_group_layout *group,
                                 struct stream_pending_layout *pending)
{
    struct stream_consumer_layout *consumer = stream_pending_consumer(stream, pending);
    enum error error = take(tx, stream, &group->pending, pending->id);
    if (error == ERROR_OK) error = take(tx, stream, &consumer->pending, pending->id);
    return error == ERROR_OK ? heap_free(tx, off_of(stream, pending)) : error;
}

struct stream_pending_range stream_pending_from(struct stream stream, struct btree_layout *pending,
                                                struct stream_id first)
{
    struct stream_pending_range range = {.tree = stream__pending_tree(stream.base, pending)};
    struct btree_key key = {stream_id_order(first), &first, false};
    range.ended = !btree_seek(&range.tree, &key, &range.cursor);
    return range;
}

struct stream_pending_layout *stream_pending_next(struct stream_pending_range *range)
{
    if (range->started && !range->ended) range->ended = !btree_next(&range->tree, &range->cursor);
    range->started = true;
    return range->ended ? NULL : pending_at(range->tree.base, btree_item(&range->cursor).ref);
}

struct stream_pending_layout *stream_pending_last(struct stream stream, struct btree_layout *pending)
{
    struct btree tree = stream__pending_tree(stream.base, pending);
    struct btree_cursor cursor;
    if (btree_count(&tree) == 0 || !btree_at(&tree, btree_count(&tree) - 1, &cursor)) return NULL;
    return pending_at(stream.base, btree_item(&cursor).ref);
}
