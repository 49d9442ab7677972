/* stream.c: entries of a stream: reading, appending, deleting, trimming.
 *
 * Crash table (all stores are logged words of the owner's transaction or new objects; a crash undoes what stands)
 *   append, room    entry's bytes (behind `used`: X2), the chunk's used and entries in one store, the root's counts
 *   append, growth  larger chunk with the entry (new object), tree without the old and with the new, tail, free of the old, counts
 *   append, new     chunk with the entry (new object), tree, tail, counts
 *   delete          the entry's flag, the chunk's `deleted`, counts, tombstone; at the last live entry instead: tree, tail, free
 *   trim            the same for several, counts once
 */
#include "ds/stream.h"

#include <stddef.h>

#define CHUNK_FIRST_BYTES 128                   /* of a stream's first chunk, which doubles */
#define CHUNK_BYTES_MAX   (UINT32_C(1) << 20)   /* where the setting names no limit */
#define ENTRY_BYTES_MAX   (HEAP_OBJECT_MAX / 2) /* chunk and entry fit one object */

enum error stream_create(struct tx *tx, uint64_t *root_out)
{
    enum error error = heap_alloc(tx, sizeof(struct stream_layout), root_out);
    if (error == ERROR_OK) tx_fill(tx, heap_ptr(heap_of(tx), *root_out), 0, sizeof(struct stream_layout));
    return error;
}

/* ---- the tree of chunks ---- */

static int chunk_tie(const char *base, uint64_t ref, const void *tie)
{
    return stream_id_compare(stream__chunk_at(base, ref)->first, *(const struct stream_id *)tie);
}

struct btree stream__chunks(struct stream stream)
{
    return (struct btree){stream.base, &stream.root->chunks, chunk_tie};
}

static struct stream_chunk_layout *tail_of(struct stream stream)
{
    return stream.root->tail == 0 ? NULL : stream__chunk_at(stream.base, stream.root->tail);
}

/* The chunk that may hold `id`: the last one that begins at or before it, else the first. The stream has chunks. */
static struct stream_chunk_layout *chunk_of(struct stream stream, struct stream_id id,
                                            struct btree_cursor *cursor_out)
{
    struct btree tree = stream__chunks(stream);
    struct btree_key key = {stream_id_order(id), &id, true};
    if (!btree_seek_before(&tree, &key, cursor_out) && !btree_at(&tree, 0, cursor_out)) return NULL;
    return stream__chunk_at(stream.base, btree_item(cursor_out).ref);
}

/* ---- reading ---- */

void stream_range_begin(struct stream stream, struct stream_id first, struct stream_id last, bool reverse,
                        struct stream_range *range_out)
{
    const struct stream_chunk_layout *chunk = tail_of(stream);
    struct stream_id from = reverse ? last : first;
    range_out->stream = stream;
    range_out->first = first;
    range_out->last = last;
    range_out->reverse = reverse;
    if (chunk != NULL && stream_id_compare(first, last) > 0) chunk = NULL;
    range_out->in_tail = chunk != NULL && stream_id_compare(from, chunk->first) >= 0;
    if (chunk != NULL && !range_out->in_tail) chunk = chunk_of(stream, from, &range_out->cursor);
    range_out->chunk = chunk;
    if (chunk != NULL) range_out->at = reverse ? chunk->used : chunk->fields_bytes;
}

/* Goes to the next chunk in the range's direction; false when there is none. */
static bool range_turn(struct stream_range *range)
{
    struct btree tree = stream__chunks(range->stream);
    bool found;
    if (!range->reverse) {
        found = !range->in_tail && btree_next(&tree, &range->cursor);
    } else {
        found = !range->in_tail || btree_at(&tree, btree_count(&tree) - 1, &range->cursor);
        found = found && btree_prev(&tree, &range->cursor);
        range->in_tail = false;
    }
    range->chunk = NULL;
    if (!found) return false;
    range->chunk = stream__chunk_at(range->stream.base, btree_item(&range->cursor).ref);
    range->at = range->reverse ? range->chunk->used : range->chunk->fields_bytes;
    return true;
}

bool stream_range_next(struct stream_range *range, struct stream_item *item_out)
{
    while (range->chunk != NULL) {
        bool found = range->reverse ? stream_chunk_read_before(range->chunk, range->at, item_out)
                                    : stream_chunk_read(range->chunk, range->at, item_out);
        if (!found) {
            range_turn(range);
            continue;
        }
        range->at = range->reverse ? item_out->at : item_out->end;
        bool below = stream_id_compare(item_out->id, range->first) < 0;
        bool above = stream_id_compare(item_out->id, range->last) > 0;
        if (range->reverse ? below : above) range->chunk = NULL;
        else if (!below && !above && !item_out->deleted) return true;
    }
    return false;
}

bool stream_find(struct stream stream, struct stream_id id, struct stream_item *item_out)
{
    struct stream_range range;
    stream_range_begin(stream, id, id, false, &range);
    return stream_range_next(&range, item_out);
}

static struct stream_id edge_id(struct stream stream, bool reverse)
{
    struct stream_range range;
    struct stream_item item;
    stream_range_begin(stream, STREAM_ID_MIN, STREAM_ID_MAX, reverse, &range);
    return stream_range_next(&range, &item) ? item.id : STREAM_ID_MIN;
}

struct stream_id stream_first_id(struct stream stream)
{
    return edge_id(stream, false);
}

struct stream_id stream_last_entry_id(struct stream stream)
{
    return edge_id(stream, true);
}

/* ---- appending ---- */

static enum error insert_chunk(struct tx *tx, struct stream stream, uint64_t off)
{
    struct btree tree = stream__chunks(stream);
    struct stream_id first = stream__chunk_at(stream.base, off)->first;
    struct btree_key key = {stream_id_order(first), &first, false};
    enum error error = btree_insert(tx, &tree, &key, off);
    return error == ERROR_OK ? tx_store64(tx, &stream.root->tail, off) : error;
}

/* Takes the cursor's chunk off the tree and frees it. */
static enum error drop_chunk(struct tx *tx, struct stream stream, struct btree_cursor *cursor)
{
    struct btree tree = stream__chunks(stream);
    uint64_t off = btree_item(cursor).ref;
    enum error error = btree_remove(tx, &tree, cursor);
    if (error == ERROR_OK) error = heap_free(tx, off);
    if (error != ERROR_OK || off != stream.root->tail) return error;
    uint64_t tail = btree_at(&tree, btree_count(&tree) - 1, cursor) ? btree_item(cursor).ref : 0;
    return tx_store64(tx, &stream.root->tail, tail);
}

/* A new tail of about `bytes` bytes that begins with what `image` says and the bytes behind it. */
static enum error append_chunk(struct tx *tx, struct stream stream, const struct stream_chunk_layout *image,
                               const char *old_bytes, size_t old_len, const struct stream_scratch *scratch,
                               size_t bytes)
{
    uint64_t off;
    enum error error = heap_alloc(tx, bytes, &off);
    if (error != ERROR_OK) return error;
    struct stream_chunk_layout *chunk = stream__chunk_at(stream.base, off);
    tx_write(tx, chunk, image, sizeof(*image));
    if (old_len > 0) tx_write(tx, chunk->bytes, old_bytes, old_len);
    tx_write(tx, chunk->bytes + old_len, scratch->bytes, scratch->len);
    return insert_chunk(tx, stream, off);
}

/* Begins a chunk with the entry built in `scratch`. It gets the room that the tail turned out to need. */
static enum error begin_chunk(struct tx *tx, struct stream stream, struct stream_id id, size_t fields_bytes,
                              const struct stream_scratch *scratch, size_t chunk_bytes)
{
    const struct stream_chunk_layout *tail = tail_of(stream);
    struct stream_chunk_layout image = {
        .first = id, .used = (uint32_t)scratch->len, .entries = 1, .fields_bytes = (uint32_t)fields_bytes};
    size_t needed = sizeof(image) + scratch->len, wanted = CHUNK_FIRST_BYTES;
    if (tail != NULL) wanted = sizeof(image) + tail->used + tail->used / 32;
    if (wanted > chunk_bytes) wanted = chunk_bytes;
    return append_chunk(tx, stream, &image, NULL, 0, scratch, wanted > needed ? wanted : needed);
}

/* Puts the entry built in `scratch` behind those of the tail, in a larger block. */
static enum error grow_chunk(struct tx *tx, struct stream stream, const struct stream_scratch *scratch,
                             size_t chunk_bytes)
{
    const struct stream_chunk_layout *tail = tail_of(stream);
    struct stream_chunk_layout image = *tail;
    struct btree_cursor cursor;
    image.used += (uint32_t)scratch->len;
    image.entries++;
    size_t needed = sizeof(image) + image.used;
    size_t wanted = stream.root->chunks.count == 1 ? 2 * needed : needed + needed / 8;
    if (wanted > chunk_bytes) wanted = chunk_bytes;
    if (chunk_of(stream, image.first, &cursor) != tail) return ERROR_CORRUPT;
    enum error error = drop_chunk(tx, stream, &cursor); /* its bytes stay readable until commit */
    if (error != ERROR_OK) return error;
    return append_chunk(tx, stream, &image, tail->bytes, tail->used, scratch,
                        wanted > needed ? wanted : needed);
}

static enum error append_in_place(struct tx *tx, struct stream_chunk_layout *tail,
                                  const struct stream_scratch *scratch)
{
    char *to = tail->bytes + tail->used;
    enum error error = tx_snapshot(tx, to, scratch->len);
    if (error != ERROR_OK) return error;
    tx_write(tx, to, scratch->bytes, scratch->len);
    uint64_t state = (uint64_t)(tail->entries + 1) << 32 | (tail->used + (uint32_t)scratch->len);
    return tx_store64(tx, (uint64_t *)(void *)&tail->used, state);
}

static enum error count_append(struct tx *tx, struct stream stream, struct stream_id id)
{
    struct stream_counts_layout *counts = &stream.root->counts;
    struct stream_counts_layout image = {counts->length + 1, counts->entries_added + 1, id};
    enum error error = tx_snapshot(tx, counts, sizeof(*counts));
    if (error == ERROR_OK) tx_write(tx, counts, &image, sizeof(image));
    return error;
}

static bool tail_has_room(const struct stream_chunk_layout *tail, const struct slice *words, size_t pairs,
                          const struct stream_limits *limits, size_t chunk_bytes)
{
    size_t total = 0;
    if (tail == NULL || (limits->chunk_entries > 0 && tail->entries >= limits->chunk_entries)) return false;
    for (size_t i = 0; i < 2 * pairs; i++)
        total += words[i].len;
    return tail->used + total < chunk_bytes;
}

enum error stream_append(struct tx *tx, struct stream stream, struct stream_id id, const struct slice *words,
                         size_t pairs, const struct stream_limits *limits, struct stream_scratch *scratch)
{
    struct stream_chunk_layout *tail = tail_of(stream);
    bool limited = limits->chunk_bytes > 0 && limits->chunk_bytes < CHUNK_BYTES_MAX;
    size_t chunk_bytes = limited ? limits->chunk_bytes : CHUNK_BYTES_MAX, fields_bytes = 0;
    bool begin = !tail_has_room(tail, words, pairs, limits, chunk_bytes);
    scratch->len = 0;
    scratch->failed = false;
    if (begin) {
        stream_chunk_build_fields(scratch, words, pairs);
        fields_bytes = scratch->len;
    }
    bool same = begin || stream_chunk_same_fields(tail, words, pairs);
    stream_chunk_build_entry(scratch, begin ? id : tail->first, id, same, words, pairs);
    if (scratch->failed) return ERROR_MEMORY;
    if (scratch->len > ENTRY_BYTES_MAX) return ERROR_TOO_LARGE;
    enum error error;
    if (begin) error = begin_chunk(tx, stream, id, fields_bytes, scratch, chunk_bytes);
    else if (sizeof(*tail) + tail->used + scratch->len > heap_usable_size(stream.heap, stream.root->tail))
        error = grow_chunk(tx, stream, scratch, chunk_bytes);
    else error = append_in_place(tx, tail, scratch);
    return error == ERROR_OK ? count_append(tx, stream, id) : error;
}

/* ---- deleting ---- */

static enum error mark_deleted(struct tx *tx, struct stream_chunk_layout *chunk, uint32_t at)
{
    char flags = (char)(chunk->bytes[at] | STREAM_ENTRY_DELETED);
    uint32_t deleted = chunk->deleted + 1;
    enum error error = tx_snapshot(tx, chunk->bytes + at, sizeof(flags));
    if (error == ERROR_OK) error = tx_snapshot(tx, &chunk->deleted, sizeof(deleted));
    if (error != ERROR_OK) return error;
    tx_write(tx, chunk->bytes + at, &flags, sizeof(flags));
    tx_write(tx, &chunk->deleted, &deleted, sizeof(deleted));
    return ERROR_OK;
}

static enum error note_tombstone(struct tx *tx, struct stream stream, struct stream_id id)
{
    if (stream_id_compare(id, stream.root->max_deleted) <= 0) return ERROR_OK;
    enum error error = tx_snapshot(tx, &stream.root->max_deleted, sizeof(id));
    if (error == ERROR_OK) tx_write(tx, &stream.root->max_deleted, &id, sizeof(id));
    return error;
}

enum error stream_delete(struct tx *tx, struct stream stream, struct stream_id id, bool *deleted_out)
{
    struct btree_cursor cursor;
    struct stream_item item;
    *deleted_out = stream_find(stream, id, &item);
    if (!*deleted_out) return ERROR_OK;
    struct stream_chunk_layout *chunk = chunk_of(stream, id, &cursor);
    if (chunk == NULL) return ERROR_CORRUPT;
    enum error error = stream_chunk_live(chunk) == 1 ? drop_chunk(tx, stream, &cursor)
                                                     : mark_deleted(tx, chunk, item.at); /* X3 */
    if (error == ERROR_OK) error = note_tombstone(tx, stream, id);
    return error == ERROR_OK ? tx_store64(tx, &stream.root->counts.length, stream.root->counts.length - 1)
                             : error;
}

/* Whether all that lives in a chunk must go; `length` counts what is left of the stream. */
static bool must_go(const struct stream_chunk_layout *chunk, const struct stream_trim *trim, uint64_t length)
{
    struct stream_item item;
    if (!trim->by_id) return length - stream_chunk_live(chunk) >= trim->max_len;
    return stream_chunk_read_before(chunk, chunk->used, &item) &&
           stream_id_compare(item.id, trim->min_id) < 0;
}

/* Deletes the oldest entries of a chunk that keeps some. */
static enum error trim_chunk(struct tx *tx, struct stream_chunk_layout *chunk, const struct stream_trim *trim,
                             uint64_t length, uint64_t *deleted)
{
    struct stream_item item;
    enum error error = ERROR_OK;
    for (uint32_t at = chunk->fields_bytes; error == ERROR_OK && stream_chunk_read(chunk, at, &item);
         at = item.end) {
        if (trim->by_id ? stream_id_compare(item.id, trim->min_id) >= 0 : length <= trim->max_len) break;
        if (item.deleted) continue;
        error = mark_deleted(tx, chunk, at);
        length--;
        ++*deleted;
    }
    return error;
}

enum error stream_trim(struct tx *tx, struct stream stream, const struct stream_trim *trim,
                       uint64_t *deleted_out)
{
    struct btree tree = stream__chunks(stream);
    struct btree_cursor cursor;
    uint64_t length = stream.root->counts.length, deleted = 0;
    enum error error = ERROR_OK;
    while (error == ERROR_OK && btree_at(&tree, 0, &cursor) &&
           (trim->by_id || length - deleted > trim->max_len)) {
        struct stream_chunk_layout *chunk = stream__chunk_at(stream.base, btree_item(&cursor).ref);
        uint64_t live = stream_chunk_live(chunk);
        if (trim->limit > 0 && deleted + live > trim->limit) break;
        bool whole = must_go(chunk, trim, length - deleted);
        if (!whole && !trim->whole_chunks) {
            uint64_t before = deleted;
            error = trim_chunk(tx, chunk, trim, length - deleted, &deleted);
            if (error == ERROR_OK && deleted - before == live)
                error = drop_chunk(tx, stream, &cursor); /* X3 */
        }
        if (!whole) break;
        error = drop_chunk(tx, stream, &cursor);
        deleted += live;
    }
    if (error == ERROR_OK && deleted > 0)
        error = tx_store64(tx, &stream.root->counts.length, length - deleted);
    *deleted_out = deleted;
    return error;
}

enum error stream_set_last(struct tx *tx, struct stream stream, struct stream_id last,
                           const uint64_t *entries_added, const struct stream_id *max_deleted)
{
    enum error error = tx_snapshot(tx, &stream.root->counts.last, sizeof(last));
    if (error != ERROR_OK) return error;
    tx_write(tx, &stream.root->counts.last, &last, sizeof(last));
    if (entries_added != NULL) error = tx_store64(tx, &stream.root->counts.entries_added, *entries_added);
    if (error != ERROR_OK || max_deleted == NULL) return error;
    error = tx_snapshot(tx, &stream.root->max_deleted, sizeof(*max_deleted));
    if (error == ERROR_OK) tx_write(tx, &stream.root->max_deleted, max_deleted, sizeof(*max_deleted));
    return error;
}

/* ---- counting ---- */

bool stream_has_tombstones_behind(struct stream stream, struct stream_id id)
{
    struct stream_id max_deleted = stream.root->max_deleted;
    return stream.root->counts.length > 0 && !stream_id_is_zero(max_deleted) &&
           stream_id_compare(id, max_deleted) <= 0;
}

int64_t stream_count_up_to(struct stream stream, struct stream_id id)
{
    const struct stream_layout *root = stream.root;
    int64_t added = (int64_t)root->counts.entries_added, length = (int64_t)root->counts.length;
    int side = stream_id_compare(id, root->counts.last);
    if (added == 0) return 0;
    if (length == 0 && side <= 0) return added;
    if (!stream_id_is_zero(id) && stream_id_compare(id, root->max_deleted) < 0) return STREAM_COUNT_UNKNOWN;
    if (side == 0) return added;
    if (side > 0) return STREAM_COUNT_UNKNOWN;
    struct stream_id first = stream_first_id(stream);
    if (!stream_id_is_zero(root->max_deleted) && stream_id_compare(root->max_deleted, first) >= 0)
        return STREAM_COUNT_UNKNOWN;
    int to_first = stream_id_compare(id, first);
    if (to_first < 0) return added - length;
    return to_first == 0 ? added - length + 1 : STREAM_COUNT_UNKNOWN;
}
