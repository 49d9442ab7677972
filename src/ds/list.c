/* list.c: pushing, dropping and finding items of lists.
 *
 * Crash table (one transaction each; the undo log covers every store into what was reachable before)
 *   push, room there     the bytes of the items, the chunk's extent, the root's count
 *   push, chunk grows    a new chunk with the old one's items; the links to it; free of the old one; as above
 *   push, next chunk     a new chunk; the links to it, [the root's flags]; then as above
 *   drop                 frees of chunks that are empty now, the links over them; the last one's extent; the count
 */
#include "ds/list.h"

#include "ds/list_chain.h"
#include "util/assert.h"
#include "util/prefetch.h"

#define LIMIT_BYTES_FIRST UINT32_C(4096) /* -1; each further step doubles */
#define LIMIT_STEPS       5
#define LIMIT_SAFE_BYTES  8192 /* with a limit on items */

struct list_limits list_limits(int64_t max_size)
{
    struct list_limits limits = {LIMIT_SAFE_BYTES, UINT32_MAX};
    if (max_size < -LIMIT_STEPS) max_size = -LIMIT_STEPS;
    if (max_size < 0) limits.room_bytes = LIMIT_BYTES_FIRST << (-max_size - 1);
    else limits.items = max_size == 0 ? 1 : max_size > UINT16_MAX ? UINT16_MAX : (uint32_t)max_size;
    limits.room_bytes -= (uint32_t)sizeof(struct list_chunk_layout);
    return limits;
}

struct list list_at(struct heap *heap, uint64_t root)
{
    return (struct list){heap, heap_base(heap), heap_ptr(heap, root)};
}

enum error list_create(struct tx *tx, struct heap *heap, uint64_t *root_out)
{
    struct list_layout root = {.count = 0};
    enum error error = heap_alloc(tx, sizeof(root), root_out);
    if (error == ERROR_OK) tx_write(tx, heap_ptr(heap, *root_out), &root, sizeof(root));
    return error;
}

/* ---- the chain ---- */

enum error list_relink(struct tx *tx, const struct list *list, uint64_t prev, uint64_t next, uint64_t first,
                       uint64_t last)
{
    uint64_t *forward = prev == 0 ? &list->root->head : &list_chunk_at(list, prev)->next;
    uint64_t *back = next == 0 ? &list->root->tail : &list_chunk_at(list, next)->prev;
    enum error error = tx_store64(tx, forward, first);
    return error == ERROR_OK ? tx_store64(tx, back, last) : error;
}

enum error list_supplant(struct tx *tx, const struct list *list, uint64_t first, uint64_t last, uint64_t off)
{
    struct list_chunk_layout *chunk = list_chunk_at(list, off);
    uint64_t prev = list_chunk_at(list, first)->prev, next = list_chunk_at(list, last)->next;
    tx_write64(tx, &chunk->prev, prev);
    tx_write64(tx, &chunk->next, next);
    enum error error = list_relink(tx, list, prev, next, off, off);
    if (error == ERROR_OK) error = heap_free(tx, first);
    if (error == ERROR_OK && last != first) error = heap_free(tx, last);
    return error;
}

size_t list_roomy(const struct list_limits *limits, size_t bytes)
{
    size_t roomy = bytes + bytes / 2;
    if (roomy <= limits->room_bytes) return roomy;
    return bytes > limits->room_bytes ? bytes : limits->room_bytes;
}

enum error list_note_spread(struct tx *tx, const struct list *list)
{
    if (list->root->flags & LIST_FLAG_SPREAD) return ERROR_OK;
    return tx_store64(tx, &list->root->flags, list->root->flags | LIST_FLAG_SPREAD);
}

enum error list_note_shrunk(struct tx *tx, const struct list *list, const struct list_limits *limits)
{
    struct list_layout *root = list->root;
    if (!(root->flags & LIST_FLAG_SPREAD) || root->head != root->tail || root->head == 0) return ERROR_OK;
    const struct list_chunk_layout *chunk = list_chunk_at(list, root->head);
    if (list_used(chunk) > limits->room_bytes / 2 || chunk->extent.items > limits->items / 2) return ERROR_OK;
    return tx_store64(tx, &root->flags, root->flags & ~(uint64_t)LIST_FLAG_SPREAD);
}

/* ---- pushing ---- */

/* A run of items that go to one end together. */
struct run {
    const struct slice *items;
    size_t count;
    enum list_end end;
};

static uint64_t end_of(const struct list *list, enum list_end end)
{
    return end == LIST_HEAD ? list->root->head : list->root->tail;
}

/* How many of the run's items the chunk can take at that end, and their bytes. */
static size_t fitting(const struct list_chunk_layout *chunk, const struct list_limits *limits,
                      const struct run *run, size_t *bytes_out)
{
    const struct list_extent_layout *extent = &chunk->extent;
    size_t room = run->end == LIST_HEAD ? extent->begin : extent->capacity - extent->end, bytes = 0, n = 0;
    while (n < run->count && extent->items + n < limits->items) {
        size_t more = list_item_bytes(run->items[n].len);
        if (bytes + more > room) break;
        bytes += more;
        n++;
    }
    *bytes_out = bytes;
    return n;
}

/* Writes the run's first `n` items, which fit. */
static enum error push_fitting(struct tx *tx, struct list_chunk_layout *chunk, const struct run *run,
                               size_t n, size_t bytes)
{
    struct list_extent_layout extent = chunk->extent;
    char *room = list_room(chunk);
    uint32_t from = run->end == LIST_HEAD ? extent.begin - (uint32_t)bytes : extent.end;
    enum error error = tx_snapshot(tx, room + from, bytes);
    if (error != ERROR_OK) return error;
    for (size_t i = 0; i < n; i++) {
        uint32_t item = (uint32_t)list_item_bytes(run->items[i].len);
        if (run->end == LIST_HEAD) extent.begin -= item;
        list_item_write(tx, room + (run->end == LIST_HEAD ? extent.begin : extent.end), run->items[i]);
        if (run->end == LIST_TAIL) extent.end += item;
    }
    return list_chunk_set_extent(tx, chunk, extent.begin, extent.end, extent.items + (uint32_t)n);
}

/* A new chunk at the end, all of its room for what is pushed there. */
static enum error add_chunk(struct tx *tx, const struct list *list, enum list_end end, size_t room)
{
    uint64_t off, neighbour = end_of(list, end);
    enum error error = list_chunk_create(tx, room, 0, &off);
    if (error != ERROR_OK) return error;
    struct list_chunk_layout *chunk = list_chunk_at(list, off);
    if (end == LIST_HEAD) {
        struct list_extent_layout extent = chunk->extent;
        extent.begin = extent.end = extent.capacity;
        tx_write(tx, &chunk->extent, &extent, sizeof(extent));
        tx_write64(tx, &chunk->next, neighbour);
        return list_relink(tx, list, 0, neighbour, off, off);
    }
    tx_write64(tx, &chunk->prev, neighbour);
    return list_relink(tx, list, neighbour, 0, off, off);
}

/* The end's chunk in a larger block, most of the free room at that end and at least `need`. */
static enum error grow_chunk(struct tx *tx, const struct list *list, enum list_end end, size_t room,
                             size_t need)
{
    uint64_t old_off = end_of(list, end), off;
    struct list_chunk_layout *old = list_chunk_at(list, old_off);
    uint32_t used = list_used(old);
    size_t size = heap_good_size(sizeof(*old) + room) - sizeof(*old);
    size_t free_bytes = size - used, other = free_bytes / 4;
    if (other > free_bytes - need) other = free_bytes - need;
    enum error error =
        list_chunk_create(tx, room, (uint32_t)(end == LIST_HEAD ? free_bytes - other : other), &off);
    if (error != ERROR_OK) return error;
    list_chunk_append(tx, list_chunk_at(list, off), list_room(old) + old->extent.begin, used,
                      old->extent.items);
    return list_supplant(tx, list, old_off, old_off, off);
}

/* Makes room at the end for an item of `need` bytes, and for `wanted` bytes if that's possible. */
static enum error make_room(struct tx *tx, const struct list *list, const struct list_limits *limits,
                            enum list_end end, size_t need, size_t wanted)
{
    uint64_t off = end_of(list, end);
    size_t most = limits->room_bytes, room = wanted < most ? wanted : most;
    if (off != 0) {
        const struct list_chunk_layout *chunk = list_chunk_at(list, off);
        size_t used = list_used(chunk), capacity = chunk->extent.capacity;
        bool grows = used + need <= most && chunk->extent.items < limits->items;
        if (grows && (capacity < most || used <= most / 2)) {
            room = list_roomy(limits, used + wanted);
            return grow_chunk(tx, list, end, room < most ? room : most, need);
        }
        if (room < capacity) room = capacity < most ? capacity : most;
    }
    enum error error = off != 0 || need > most ? list_note_spread(tx, list) : ERROR_OK;
    return error == ERROR_OK ? add_chunk(tx, list, end, room > need ? room : need) : error;
}

enum error list_push(struct tx *tx, const struct list *list, const struct list_limits *limits,
                     enum list_end end, const struct slice *items, size_t count)
{
    struct run run = {items, count, end};
    size_t wanted = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].len > LIST_ITEM_MAX) return ERROR_TOO_LARGE;
        wanted += list_item_bytes(items[i].len);
    }
    while (run.count > 0) {
        uint64_t off = end_of(list, end);
        size_t n = off == 0 ? 0 : fitting(list_chunk_at(list, off), limits, &run, &bytes);
        enum error error;
        if (n == 0) error = make_room(tx, list, limits, end, list_item_bytes(run.items[0].len), wanted);
        else error = push_fitting(tx, list_chunk_at(list, off), &run, n, bytes);
        if (error != ERROR_OK) return error;
        run.items += n;
        run.count -= n;
        if (n > 0) wanted -= bytes;
    }
    return tx_store64(tx, &list->root->count, list->root->count + count);
}

/* ---- dropping ---- */

/* Takes `count` items, fewer than all, off an end of the chunk. */
static enum error drop_from_chunk(struct tx *tx, struct list_chunk_layout *chunk, enum list_end end,
                                  uint64_t count)
{
    struct list_extent_layout extent = chunk->extent;
    const char *room = list_room(chunk);
    for (uint64_t i = 0; i < count; i++) {
        struct slice text =
            end == LIST_HEAD ? list_item_after(room + extent.begin) : list_item_before(room + extent.end);
        uint32_t bytes = (uint32_t)list_item_bytes(text.len);
        if (end == LIST_HEAD) extent.begin += bytes;
        else extent.end -= bytes;
    }
    return list_chunk_set_extent(tx, chunk, extent.begin, extent.end, extent.items - (uint32_t)count);
}

enum error list_drop(struct tx *tx, const struct list *list, const struct list_limits *limits,
                     enum list_end end, uint64_t count)
{
    uint64_t first = end_of(list, end), off = first, left = count;
    enum error error = ERROR_OK;
    ASSERT(count <= list->root->count);
    while (off != 0 && left >= list_chunk_at(list, off)->extent.items && error == ERROR_OK) {
        const struct list_chunk_layout *chunk = list_chunk_at(list, off);
        left -= chunk->extent.items;
        error = heap_free(tx, off);
        off = end == LIST_HEAD ? chunk->next : chunk->prev;
    }
    if (error == ERROR_OK && off != first)
        error =
            end == LIST_HEAD ? list_relink(tx, list, 0, off, off, 0) : list_relink(tx, list, off, 0, 0, off);
    if (error == ERROR_OK && left > 0) error = drop_from_chunk(tx, list_chunk_at(list, off), end, left);
    if (error == ERROR_OK) error = tx_store64(tx, &list->root->count, list->root->count - count);
    return error == ERROR_OK ? list_note_shrunk(tx, list, limits) : error;
}

/* ---- finding ---- */

/* Stands at the beginning of the chunk, in the iterator's direction. */
static void enter_chunk(struct list_iter *iter, struct list_chunk_layout *chunk)
{
    const char *begin = list_room(chunk) + chunk->extent.begin, *end = list_room(chunk) + chunk->extent.end;
    iter->chunk = chunk;
    iter->at = iter->backwards ? end : begin;
    iter->edge = iter->backwards ? begin : end;
}

bool list_next_chunk(struct list_iter *iter)
{
    if (iter->chunk == NULL) return false;
    uint64_t off = iter->backwards ? iter->chunk->prev : iter->chunk->next;
    if (off == 0) {
        iter->chunk = NULL;
        return false;
    }
    struct list_chunk_layout *chunk = heap_at(iter->base, off);
    uint64_t following = iter->backwards ? chunk->prev : chunk->next;
    if (following != 0) prefetch_read(heap_at(iter->base, following));
    enter_chunk(iter, chunk);
    return true;
}

/* The place before item `index` of the chunk, walking from its nearer side. */
static const char *place_of(struct list_chunk_layout *chunk, uint64_t index)
{
    const char *room = list_room(chunk), *at = room + chunk->extent.begin;
    if (index <= chunk->extent.items / 2) {
        for (uint64_t i = 0; i < index; i++)
            at += list_item_bytes(list_item_after(at).len);
        return at;
    }
    at = room + chunk->extent.end;
    for (uint64_t i = chunk->extent.items; i > index; i--)
        at -= list_item_bytes(list_item_before(at).len);
    return at;
}

struct list_iter list_seek(const struct list *list, uint64_t index, bool backwards)
{
    struct list_iter iter = {.base = list->base, .backwards = backwards};
    uint64_t count = list->root->count;
    ASSERT(index < count);
    struct list_chunk_layout *chunk;
    if (index < count / 2) {
        chunk = list_chunk_at(list, list->root->head);
        while (index >= chunk->extent.items) {
            index -= chunk->extent.items;
            chunk = list_chunk_at(list, chunk->next);
        }
    } else {
        uint64_t after = count - index; /* items from index to the tail */
        chunk = list_chunk_at(list, list->root->tail);
        while (after > chunk->extent.items) {
            after -= chunk->extent.items;
            chunk = list_chunk_at(list, chunk->prev);
        }
        index = chunk->extent.items - after;
    }
    enter_chunk(&iter, chunk);
    iter.at = place_of(chunk, index + backwards);
    return iter;
}
