/* list_edit.c: changes in the middle of lists: insert, replace, remove.
 *
 * Crash table (one transaction each)
 *   insert, replace: in place   the moved and the written bytes, the extent (list_chunk.c); the root's count
 *                    no room    new chunks with the old one's items and the new one; the links to them; free of
 *                               the old one; [the root's flags]; the count
 *   remove, per chunk           as in place; or a new chunk with the items that stay, or the links over an empty
 *                               one, and its free; [a new chunk for two small neighbours]; then the count, [flags]
 */
#include "ds/list_chain.h"
#include "util/assert.h"

/* A place in a chunk: `size` bytes (one item, or none) shall give way to an item. */
struct edit {
    struct list_chunk_layout *chunk;
    uint32_t at;
    uint32_t size;
    struct slice text;
    uint32_t items_before; /* of `at` in the chunk */
};

static uint32_t place_in_chunk(const struct list_item *item)
{
    return (uint32_t)(item->text.ptr - list_tag_bytes(item->text.len) - list_room(item->chunk));
}

static uint32_t items_before(struct list_chunk_layout *chunk, uint32_t at)
{
    const char *item = list_room(chunk) + chunk->extent.begin, *end = list_room(chunk) + at;
    uint32_t items = 0;
    for (; item < end; items++)
        item += list_item_bytes(list_item_after(item).len);
    return items;
}

/* Chunks being made to take the place of one. */
struct chain {
    const struct list *list;
    const struct list_limits *limits;
    uint64_t first;
    uint64_t last;
};

/* One more chunk, with room for `bytes` and some. */
static enum error extend(struct tx *tx, struct chain *chain, size_t bytes)
{
    uint64_t off;
    size_t room = list_roomy(chain->limits, bytes);
    enum error error = list_chunk_create(tx, room, (uint32_t)((room - bytes) / 2), &off);
    if (error != ERROR_OK) return error;
    if (chain->last == 0) {
        chain->first = off;
    } else {
        tx_write64(tx, &list_chunk_at(chain->list, chain->last)->next, off);
        tx_write64(tx, &list_chunk_at(chain->list, off)->prev, chain->last);
    }
    chain->last = off;
    return ERROR_OK;
}

static void append_item(struct tx *tx, struct chain *chain, struct slice text)
{
    struct list_chunk_layout *chunk = list_chunk_at(chain->list, chain->last);
    struct list_extent_layout extent = chunk->extent;
    list_item_write(tx, list_room(chunk) + extent.end, text);
    extent.end += (uint32_t)list_item_bytes(text.len);
    extent.items++;
    tx_write(tx, &chunk->extent, &extent, sizeof(extent));
}

static bool holds(const struct list_limits *limits, size_t bytes, uint32_t items)
{
    return bytes <= limits->room_bytes && items <= limits->items;
}

/* The new chunks for what stands before the place, the new item, and what stands after it: as few as the
 * limits allow. */
static enum error rebuild(struct tx *tx, struct chain *chain, const struct edit *edit)
{
    struct list_extent_layout extent = edit->chunk->extent;
    const char *room = list_room(edit->chunk);
    size_t bytes = list_item_bytes(edit->text.len), before = edit->at - extent.begin;
    size_t after = extent.end - edit->at - edit->size;
    uint32_t left = edit->items_before, right = extent.items - left - (edit->size > 0);
    bool joins_left = left > 0 && holds(chain->limits, before + bytes, left + 1);
    bool one = holds(chain->limits, before + bytes + after, left + 1 + right);
    bool joins_right = right > 0 && (one || (!joins_left && holds(chain->limits, bytes + after, right + 1)));
    enum error error = ERROR_OK;

    if (left > 0) {
        size_t more = (joins_left || one ? bytes : 0) + (one ? after : 0);
        error = extend(tx, chain, before + more);
        if (error == ERROR_OK)
            list_chunk_append(tx, list_chunk_at(chain->list, chain->last), room + extent.begin, before, left);
    }
    if (error == ERROR_OK && (left == 0 || (!joins_left && !one)))
        error = extend(tx, chain, bytes + (joins_right ? after : 0));
    if (error != ERROR_OK) return error;
    append_item(tx, chain, edit->text);
    if (right > 0 && !joins_right) error = extend(tx, chain, after);
    if (error == ERROR_OK && right > 0)
        list_chunk_append(tx, list_chunk_at(chain->list, chain->last), room + edit->at + edit->size, after,
                          right);
    return error;
}

static enum error apply(struct tx *tx, const struct list *list, const struct list_limits *limits,
                        struct edit *edit)
{
    bool done = false;
    enum error error = ERROR_OK;
    if (edit->text.len > LIST_ITEM_MAX) return ERROR_TOO_LARGE;
    if (edit->size > 0 || edit->chunk->extent.items < limits->items)
        error = list_chunk_splice(tx, edit->chunk, edit->at, edit->size, edit->text, &done);
    if (error != ERROR_OK || done) return error;

    struct chain chain = {.list = list, .limits = limits};
    uint64_t off = list_chunk_off(list, edit->chunk), prev = edit->chunk->prev, next = edit->chunk->next;
    edit->items_before = items_before(edit->chunk, edit->at);
    error = rebuild(tx, &chain, edit);
    if (error != ERROR_OK) return error;
    tx_write64(tx, &list_chunk_at(list, chain.first)->prev, prev);
    tx_write64(tx, &list_chunk_at(list, chain.last)->next, next);
    error = list_relink(tx, list, prev, next, chain.first, chain.last);
    if (error == ERROR_OK) error = heap_free(tx, off);
    bool spread = chain.first != chain.last || list_item_bytes(edit->text.len) > limits->room_bytes;
    return error == ERROR_OK && spread ? list_note_spread(tx, list) : error;
}

enum error list_insert(struct tx *tx, const struct list *list, const struct list_limits *limits,
                       const struct list_item *pivot, bool after, struct slice text)
{
    struct edit edit = {.chunk = pivot->chunk, .at = place_in_chunk(pivot), .text = text};
    if (after) edit.at += (uint32_t)list_item_bytes(pivot->text.len);
    enum error error = apply(tx, list, limits, &edit);
    return error == ERROR_OK ? tx_store64(tx, &list->root->count, list->root->count + 1) : error;
}

enum error list_replace(struct tx *tx, const struct list *list, const struct list_limits *limits,
                        const struct list_item *item, struct slice text)
{
    struct edit edit = {.chunk = item->chunk,
                        .at = place_in_chunk(item),
                        .size = (uint32_t)list_item_bytes(item->text.len),
                        .text = text};
    enum error error = apply(tx, list, limits, &edit);
    return error == ERROR_OK ? list_note_shrunk(tx, list, limits) : error;
}

/* ---- removing ---- */

/* What is removed: of the chunk's items that equal `text`, those from the `skip`-th on, `take` of them. */
struct removal {
    struct slice text;
    uint64_t skip;
    uint64_t take;
};

/* Counts the chunk's items that equal `text`; *at_out is the last of them. */
static uint64_t count_matches(struct list_chunk_layout *chunk, struct slice text, uint32_t *at_out)
{
    const char *room = list_room(chunk), *at = room + chunk->extent.begin, *end = room + chunk->extent.end;
    uint64_t matches = 0;
    while (at < end) {
        struct slice item = list_item_after(at);
        if (slice_equal(item, text)) {
            matches++;
            *at_out = (uint32_t)(at - room);
        }
        at += list_item_bytes(item.len);
    }
    return matches;
}

/* Puts a new chunk with the items that stay into the chunk's place. */
static enum error filter(struct tx *tx, const struct list *list, struct list_chunk_layout **chunk,
                         const struct removal *removal)
{
    struct list_chunk_layout *old = *chunk;
    const char *room = list_room(old), *end = room + old->extent.end, *kept = room + old->extent.begin,
               *at = kept;
    uint64_t off, match = 0;
    uint32_t items = 0;
    enum error error = list_chunk_create(tx, list_used(old), 0, &off);
    if (error != ERROR_OK) return error;
    *chunk = list_chunk_at(list, off);
    while (at < end) {
        struct slice item = list_item_after(at);
        size_t bytes = list_item_bytes(item.len);
        bool goes = slice_equal(item, removal->text) && match++ >= removal->skip &&
                    match <= removal->skip + removal->take;
        if (goes) {
            list_chunk_append(tx, *chunk, kept, (size_t)(at - kept), items);
            kept = at + bytes;
            items = 0;
        } else {
            items++;
        }
        at += bytes;
    }
    list_chunk_append(tx, *chunk, kept, (size_t)(at - kept), items);
    return list_supplant(tx, list, list_chunk_off(list, old), list_chunk_off(list, old), off);
}

/* Removes them from the chunk, which has `matches`, the last one at `at`; *chunk is what stands in its
 * place, NULL: nothing. */
static enum error remove_from_chunk(struct tx *tx, const struct list *list, struct list_chunk_layout **chunk,
                                    const struct removal *removal, uint64_t matches, uint32_t at)
{
    if (removal->take == (*chunk)->extent.items) {
        uint64_t off = list_chunk_off(list, *chunk), prev = (*chunk)->prev, next = (*chunk)->next;
        enum error error = list_relink(tx, list, prev, next, next, prev);
        *chunk = NULL;
        return error == ERROR_OK ? heap_free(tx, off) : error;
    }
    if (matches == 1) {
        bool done;
        return list_chunk_splice(tx, *chunk, at, (uint32_t)list_item_bytes(removal->text.len),
                                 (struct slice){NULL, 0}, &done);
    }
    return filter(tx, list, chunk, removal);
}

/* Joins two neighbours that fill no more than half a chunk together. */
static enum error join_small(struct tx *tx, const struct list *list, const struct list_limits *limits,
                             uint64_t first, uint64_t second)
{
    if (first == 0 || second == 0) return ERROR_OK;
    struct list_chunk_layout *a = list_chunk_at(list, first), *b = list_chunk_at(list, second), *joined;
    size_t bytes = (size_t)list_used(a) + list_used(b);
    uint64_t off;
    if (bytes > limits->room_bytes / 2 || (uint64_t)a->extent.items + b->extent.items > limits->items)
        return ERROR_OK;
    enum error error = list_chunk_create(tx, list_roomy(limits, bytes), 0, &off);
    if (error != ERROR_OK) return error;
    joined = list_chunk_at(list, off);
    list_chunk_append(tx, joined, list_room(a) + a->extent.begin, list_used(a), a->extent.items);
    list_chunk_append(tx, joined, list_room(b) + b->extent.begin, list_used(b), b->extent.items);
    return list_supplant(tx, list, first, second, off);
}

enum error list_remove(struct tx *tx, const struct list *list, const struct list_limits *limits,
                       struct slice text, uint64_t most, bool backwards, uint64_t *removed_out)
{
    uint64_t off = backwards ? list->root->tail : list->root->head, removed = 0;
    enum error error = ERROR_OK;
    while (off != 0 && removed < most && error == ERROR_OK) {
        struct list_chunk_layout *chunk = list_chunk_at(list, off);
        uint64_t following = backwards ? chunk->prev : chunk->next;
        uint32_t at = 0;
        uint64_t matches = count_matches(chunk, text, &at);
        struct removal removal = {text, 0, matches < most - removed ? matches : most - removed};
        if (backwards) removal.skip = matches - removal.take;
        removed += removal.take;
        if (matches > 0) error = remove_from_chunk(tx, list, &chunk, &removal, matches, at);
        if (error == ERROR_OK && matches > 0 && chunk != NULL) {
            uint64_t self = list_chunk_off(list, chunk);
            error = backwards ? join_small(tx, list, limits, self, chunk->next)
                              : join_small(tx, list, limits, chunk->prev, self);
        }
        off = following;
    }
    *removed_out = removed;
    if (removed == 0 || error != ERROR_OK) return error;
    error = tx_store64(tx, &list->root->count, list->root->count - removed);
    return error == ERROR_OK ? list_note_shrunk(tx, list, limits) : error;
}
