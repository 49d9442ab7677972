/* stream_ops.c: streams as collections: dropped, copied, walked, measured, visited.
 *
 * Reclaiming goes through the root in this order: chunks, nodes of their tree, then from the last group to the first its records, their
 * nodes, its consumers, itself; the list of groups, the root. The root's `progress` counts what was freed of the tree in work:
 * chunks while the tree of chunks has nodes, else records of the last group.
 *
 * Crash table (each call is part of one transaction: it is there whole or not at all)
 *   reclaim   frees of chunks, then progress; or nodes (btree_bulk.c), at their end progress; or a step of the last group
 *             (stream_group.c), at its end its place in the list; or the frees of the root
 *   copy      new objects, until the caller names the root
 */
#include "ds/stream_group.h"

#include "util/number.h"

/* ---- dropping ---- */

static enum error reclaim_chunks(struct tx *tx, struct stream stream, unsigned *budget)
{
    struct btree tree = stream__chunks(stream);
    struct btree_cursor cursor;
    uint64_t done = stream.root->node.progress;
    enum error error = ERROR_OK;
    bool more = done < tree.root->count && btree_at(&tree, done, &cursor);
    for (; more && *budget > 0; more = btree_next(&tree, &cursor)) {
        error = heap_free(tx, btree_item(&cursor).ref);
        if (error != ERROR_OK) return error;
        done++;
        --*budget;
    }
    if (done != stream.root->node.progress) return tx_store64(tx, &stream.root->node.progress, done);
    error = btree_reclaim(tx, &tree, budget);
    return error == ERROR_OK && tree.root->top == 0 ? tx_store64(tx, &stream.root->node.progress, 0) : error;
}

static enum error reclaim_group(struct tx *tx, struct stream stream, unsigned *budget)
{
    unsigned last = stream_group_count(stream) - 1;
    bool done;
    enum error error = stream_group__reclaim(tx, stream, stream_group_at(stream, last),
                                             &stream.root->node.progress, budget, &done);
    return error == ERROR_OK && done ? stream_names_remove(tx, &stream.root->groups, last) : error;
}

static enum error reclaim(struct tx *tx, struct heap *heap, uint64_t root, unsigned *budget, bool *done_out)
{
    struct stream stream = stream_at(heap, root);
    enum error error = ERROR_OK;
    *done_out = false;
    while (error == ERROR_OK && *budget > 0 && stream.root->chunks.top != 0)
        error = reclaim_chunks(tx, stream, budget);
    while (error == ERROR_OK && *budget > 0 && stream.root->groups != 0)
        error = reclaim_group(tx, stream, budget);
    if (error != ERROR_OK || *budget == 0) return error;
    --*budget;
    *done_out = true;
    return heap_free(tx, root);
}

/* ---- copying ---- */

static enum error copy_chunks(struct tx *tx, struct stream from, struct stream to)
{
    struct btree source = stream__chunks(from), target = stream__chunks(to);
    struct btree_cursor cursor;
    enum error error = ERROR_OK;
    bool more = btree_count(&source) > 0 && btree_at(&source, 0, &cursor);
    for (; more && error == ERROR_OK; more = btree_next(&source, &cursor)) {
        const struct stream_chunk_layout *chunk = stream__chunk_at(from.base, btree_item(&cursor).ref);
        struct btree_key key = {stream_id_order(chunk->first), &chunk->first, false};
        uint64_t off;
        error = heap_alloc(tx, sizeof(*chunk) + chunk->used, &off);
        if (error != ERROR_OK) return error;
        tx_write(tx, to.base + off, chunk, sizeof(*chunk) + chunk->used);
        error = btree_insert(tx, &target, &key, off);
        if (error == ERROR_OK) error = tx_store64(tx, &to.root->tail, off);
    }
    return error;
}

static enum error copy_group(struct tx *tx, struct stream from, struct stream to,
                             struct stream_group_layout *group)
{
    bool created;
    enum error error =
        stream_group_create(tx, to, stream_named(group), group->last, group->entries_read, &created);
    struct stream_group_layout *copy = error == ERROR_OK ? stream_group_find(to, stream_named(group)) : NULL;
    for (unsigned i = 0; error == ERROR_OK && i < stream_consumer_count(from, group); i++) {
        const struct stream_consumer_layout *consumer = stream_consumer_at(from, group, i);
        struct stream_consumer_layout *twin;
        error = stream_consumer_create(tx, to, copy, stream_named(consumer), consumer->seen_ms, &twin);
        if (error == ERROR_OK)
            error = tx_store64(tx, (uint64_t *)&twin->active_ms, (uint64_t)consumer->active_ms);
    }
    struct stream_pending_range range = stream_pending_from(from, &group->pending, STREAM_ID_MIN);
    struct stream_pending_layout *pending, *added;
    while (error == ERROR_OK && (pending = stream_pending_next(&range)) != NULL) {
        struct slice name = stream_named(stream_pending_consumer(from, pending));
        struct stream_consumer_layout *twin = stream_consumer_find(to, copy, name);
        if (twin == NULL) return ERROR_CORRUPT;
        error = stream_pending_add(tx, to, copy, twin, pending->id, pending->delivered_ms,
                                   pending->deliveries, &added);
    }
    return error;
}

static enum error copy(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out)
{
    enum error error = stream_create(tx, copy_out);
    if (error != ERROR_OK) return error;
    struct stream from = stream_at(heap, root), to = stream_at(heap, *copy_out);
    struct stream_layout image = {.counts = from.root->counts, .max_deleted = from.root->max_deleted};
    tx_write(tx, to.root, &image, sizeof(image));
    error = copy_chunks(tx, from, to);
    for (unsigned i = 0; error == ERROR_OK && i < stream_group_count(from); i++)
        error = copy_group(tx, from, to, stream_group_at(from, i));
    return error;
}

/* ---- looking ---- */

/* The blocks that a tree refers to, from the item `done` on, and its nodes. */
static void walk_tree(const struct btree *tree, uint64_t done, collection_own *own, void *ctx)
{
    struct btree_cursor cursor;
    if (tree->root->top == 0) return;
    for (bool more = btree_at(tree, done, &cursor); more; more = btree_next(tree, &cursor))
        own(ctx, btree_item(&cursor).ref);
    btree_walk(tree, own, ctx);
}

static void walk_group(struct stream stream, struct stream_group_layout *group, uint64_t done,
                       collection_own *own, void *ctx)
{
    struct btree tree = stream__pending_tree(stream.base, &group->pending);
    walk_tree(&tree, done, own, ctx);
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        struct btree own_tree = stream__pending_tree(stream.base, &consumer->pending);
        btree_walk(&own_tree, own, ctx);
        own(ctx, (uint64_t)((char *)consumer - stream.base));
    }
    if (group->consumers != 0) own(ctx, group->consumers);
    own(ctx, (uint64_t)((char *)group - stream.base));
}

static void walk(const struct heap *heap, uint64_t root, collection_own *own, void *ctx)
{
    struct stream stream = stream_at((struct heap *)(uintptr_t)heap, root);
    struct btree chunks = stream__chunks(stream);
    uint64_t progress = stream.root->node.progress;
    bool chunks_left = stream.root->chunks.top != 0;
    walk_tree(&chunks, chunks_left ? progress : 0, own, ctx);
    for (unsigned i = 0, count = stream_group_count(stream); i < count; i++)
        walk_group(stream, stream_group_at(stream, i), !chunks_left && i + 1 == count ? progress : 0, own,
                   ctx);
    if (stream.root->groups != 0) own(ctx, stream.root->groups);
    own(ctx, root);
}

/* Bytes of the chunks, as far as `samples` entries tell. */
static size_t chunk_bytes(struct stream stream, size_t samples)
{
    struct btree tree = stream__chunks(stream);
    struct btree_cursor cursor;
    size_t bytes = 0, entries = 0;
    uint64_t chunks = 0;
    bool more = btree_count(&tree) > 0 && btree_at(&tree, 0, &cursor);
    for (; more && (samples == 0 || entries < samples); more = btree_next(&tree, &cursor)) {
        uint64_t off = btree_item(&cursor).ref;
        bytes += heap_usable_size(stream.heap, off);
        entries += stream__chunk_at(stream.base, off)->entries;
        chunks++;
    }
    if (chunks > 0) bytes = (size_t)((double)bytes / (double)chunks * (double)btree_count(&tree));
    return bytes + btree_bytes(&tree);
}

static size_t group_bytes(struct stream stream, struct stream_group_layout *group)
{
    struct btree tree = stream__pending_tree(stream.base, &group->pending);
    size_t bytes = sizeof(*group) + group->named.name_len + btree_bytes(&tree) +
                   btree_count(&tree) * heap_good_size(sizeof(struct stream_pending_layout));
    for (unsigned i = 0; i < stream_consumer_count(stream, group); i++) {
        struct stream_consumer_layout *consumer = stream_consumer_at(stream, group, i);
        struct btree own_tree = stream__pending_tree(stream.base, &consumer->pending);
        bytes += sizeof(*consumer) + consumer->named.name_len + btree_bytes(&own_tree);
    }
    return bytes + (group->consumers ? heap_usable_size(stream.heap, group->consumers) : 0);
}

static size_t bytes_of(const struct heap *heap, uint64_t root, size_t samples)
{
    struct stream stream = stream_at((struct heap *)(uintptr_t)heap, root);
    size_t bytes = heap_usable_size(heap, root) + chunk_bytes(stream, samples);
    if (stream.root->groups != 0) bytes += heap_usable_size(heap, stream.root->groups);
    for (unsigned i = 0; i < stream_group_count(stream); i++)
        bytes += group_bytes(stream, stream_group_at(stream, i));
    return bytes;
}

static uint64_t count(const struct heap *heap, uint64_t root)
{
    return ((const struct stream_layout *)heap_ptr(heap, root))->counts.length;
}

/* A visit for each pair of an entry: ID, field, value. */
static void visit_entries(const struct heap *heap, uint64_t root, collection_visit *visit, void *ctx)
{
    struct stream_range range;
    struct stream_item item;
    stream_range_begin(stream_at((struct heap *)(uintptr_t)heap, root), STREAM_ID_MIN, STREAM_ID_MAX, false,
                       &range);
    while (stream_range_next(&range, &item)) {
        struct packed_item field, value;
        char field_text[PACKED_INT_TEXT_MAX], value_text[PACKED_INT_TEXT_MAX];
        struct slice id = {(const char *)&item.id, sizeof(item.id)};
        while (stream_item_next(&item, &field, &value)) {
            struct slice parts[] = {id, packed_text(&field, field_text), packed_text(&value, value_text)};
            if (!visit(ctx, parts, 3)) return;
        }
    }
}

/* ---- there are no packed streams ---- */

static bool packed_is_no_stream(struct slice blob)
{
    (void)blob;
    return false;
}

static void visit_nothing(struct slice blob, collection_visit *visit, void *ctx)
{
    (void)blob;
    (void)visit;
    (void)ctx;
}

const struct collection_ops stream_ops = {
    .reclaim = reclaim,
    .copy = copy,
    .walk = walk,
    .is_valid = stream__is_valid,
    .bytes = bytes_of,
    .count = count,
    .visit = visit_entries,
    .encoding = "stream",
    .is_sequence = true,
    .packed_is_valid = packed_is_no_stream,
    .packed_visit = visit_nothing,
};
