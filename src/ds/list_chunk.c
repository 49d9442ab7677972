/* list_chunk.c: items and chunks of lists.
 *
 * Crash table (the undo log covers each line)
 *   splice   the moved bytes, the written ones, the extent: each logged first; a crash between them is undone
 */
#include "ds/list_chunk.h"

#include "util/assert.h"

#define COMPOSED_MAX 256 /* items up to this are put together on the stack: one store */

/* The tag of `len`; returns its bytes. */
static size_t compose_tag(char tag[LIST_TAG_MAX], size_t len)
{
    if (len <= LIST_SHORT_MAX) {
        tag[0] = (char)len;
        return 1;
    }
    if (len <= LIST_LONG_MAX) {
        tag[0] = (char)(0x80 | len >> 8);
        tag[1] = (char)(len & 0xff);
        return 2;
    }
    uint32_t word = (uint32_t)len;
    tag[0] = (char)0xc0;
    memcpy(tag + 1, &word, sizeof(word));
    return 5;
}

void list_item_write(struct tx *tx, char *at, struct slice item)
{
    char bytes[COMPOSED_MAX + 2 * LIST_TAG_MAX], back[LIST_TAG_MAX];
    size_t tag = compose_tag(bytes, item.len);
    for (size_t i = 0; i < tag; i++)
        back[i] = bytes[tag - 1 - i];
    if (item.len <= COMPOSED_MAX) {
        memcpy(bytes + tag, item.ptr, item.len);
        memcpy(bytes + tag + item.len, back, tag);
        tx_write(tx, at, bytes, item.len + 2 * tag);
        return;
    }
    tx_write(tx, at, bytes, tag);
    tx_write(tx, at + tag, item.ptr, item.len);
    tx_write(tx, at + tag + item.len, back, tag);
}

enum error list_chunk_create(struct tx *tx, size_t room, uint32_t begin, uint64_t *off_out)
{
    struct heap *heap = heap_of(tx);
    size_t size = heap_good_size(sizeof(struct list_chunk_layout) + room);
    enum error error = heap_alloc(tx, size, off_out);
    if (error != ERROR_OK) return error;
    struct list_chunk_layout chunk = {
        .extent = {
            .begin = begin, .end = begin, .capacity = (uint32_t)(size - sizeof(struct list_chunk_layout))}};
    tx_write(tx, heap_ptr(heap, *off_out), &chunk, sizeof(chunk));
    return ERROR_OK;
}

enum error list_chunk_set_extent(struct tx *tx, struct list_chunk_layout *chunk, uint32_t begin, uint32_t end,
                                 uint32_t items)
{
    struct list_extent_layout extent = {begin, end, items, chunk->extent.capacity};
    enum error error = tx_snapshot(tx, &chunk->extent, sizeof(extent));
    if (error == ERROR_OK) tx_write(tx, &chunk->extent, &extent, sizeof(extent));
    return error;
}

void list_chunk_append(struct tx *tx, struct list_chunk_layout *chunk, const char *bytes, size_t len,
                       uint32_t items)
{
    struct list_extent_layout extent = chunk->extent;
    ASSERT(len <= extent.capacity - extent.end);
    if (len > 0) tx_write(tx, list_room(chunk) + extent.end, bytes, len);
    extent.end += (uint32_t)len;
    extent.items += items;
    tx_write(tx, &chunk->extent, &extent, sizeof(extent));
}

enum error list_chunk_splice(struct tx *tx, struct list_chunk_layout *chunk, uint32_t at, uint32_t size,
                             struct slice item, bool *done_out)
{
    struct list_extent_layout old = chunk->extent, new = old;
    char *room = list_room(chunk);
    uint32_t bytes = item.ptr == NULL ? 0 : (uint32_t)list_item_bytes(item.len);
    uint32_t before = at - old.begin, after = old.end - at - size;
    bool front = before < after; /* which side moves */
    *done_out = true;
    if (bytes > size) {
        uint32_t more = bytes - size;
        bool front_fits = old.begin >= more, back_fits = old.capacity - old.end >= more;
        if (!front_fits && !back_fits) {
            *done_out = false;
            return ERROR_OK;
        }
        if (!(front ? front_fits : back_fits)) front = !front;
    }
    if (front) new.begin = old.begin + size - bytes;
    else new.end = old.end + bytes - size;
    new.items = old.items + (item.ptr != NULL) - (size > 0);
    uint32_t target = front ? at + size - bytes : at; /* where the item goes */

    enum error error = ERROR_OK;
    uint32_t first = front ? new.begin : target, last = front ? target + bytes : new.end;
    if (bytes == size) last = target + bytes, first = target;
    if (first < last) error = tx_snapshot(tx, room + first, last - first);
    if (error != ERROR_OK) return error;
    if (bytes != size && front && before > 0) tx_move(tx, room + new.begin, room + old.begin, before);
    if (bytes != size && !front && after > 0) tx_move(tx, room + at + bytes, room + at + size, after);
    if (item.ptr != NULL) list_item_write(tx, room + target, item);
    if (bytes == size) return ERROR_OK;
    return list_chunk_set_extent(tx, chunk, new.begin, new.end, new.items);
}

/* Bytes of the item at `at`, when it lies whole in the `left` bytes there; else 0. */
static size_t checked_item_bytes(const char *at, size_t left)
{
    unsigned tag = (unsigned char)at[0];
    if ((tag >= 0x80 && left < 2) || (tag >= 0xc0 && (left < 5 || tag != 0xc0))) return 0;
    struct slice item = list_item_after(at);
    size_t head = (size_t)(item.ptr - at);
    if (left < 2 * head || item.len > left - 2 * head) return 0;
    for (size_t i = 0; i < head; i++)
        if (at[i] != item.ptr[item.len + head - 1 - i]) return 0;
    return item.len + 2 * head;
}

bool list_chunk_is_valid(const struct heap *heap, uint64_t off)
{
    if (off % 8 != 0 || !heap_holds(heap, off, sizeof(struct list_chunk_layout))) return false;
    struct list_chunk_layout *chunk = heap_ptr(heap, off);
    struct list_extent_layout extent = chunk->extent;
    if (!heap_holds(heap, off, sizeof(*chunk) + extent.capacity)) return false;
    if (extent.begin >= extent.end || extent.end > extent.capacity) return false;
    uint64_t items = 0;
    for (uint32_t at = extent.begin; at < extent.end; items++) {
        size_t bytes = checked_item_bytes(list_room(chunk) + at, extent.end - at);
        if (bytes == 0) return false;
        at += (uint32_t)bytes;
    }
    return items == extent.items;
}
