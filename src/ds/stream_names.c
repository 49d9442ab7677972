/* stream_names.c: sorted lists of names.
 *
 * Crash table (logged words of the owner's transaction or new objects; a crash undoes what stands)
 *   insert   offsets from the index on, count; without room: a larger block (new object), the owner's word, free of the old one
 *   remove   offsets from the index on, count; the last one: the owner's word, free of the block
 */
#include "ds/stream_names.h"

#define NAMES_FIRST 3 /* offsets in the first block: 32 bytes */

static int compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int side = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    if (side != 0) return side;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

void *stream_names_find(char *base, uint64_t list, struct slice name, unsigned *index_out)
{
    unsigned low = 0, high = stream_names_count(base, list);
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        void *named = stream_names_get(base, list, middle);
        int side = compare(stream_named(named), name);
        if (side == 0) {
            *index_out = middle;
            return named;
        }
        if (side < 0) low = middle + 1;
        else high = middle;
    }
    *index_out = low;
    return NULL;
}

enum error stream_names_create(struct tx *tx, struct stream_named_layout *image, size_t bytes,
                               struct slice name, uint64_t *off_out)
{
    if (name.len > UINT32_MAX) return ERROR_TOO_LARGE;
    enum error error = heap_alloc(tx, bytes + name.len, off_out);
    if (error != ERROR_OK) return error;
    char *named = heap_ptr(heap_of(tx), *off_out);
    image->name_at = (uint32_t)bytes;
    image->name_len = (uint32_t)name.len;
    tx_write(tx, named, image, bytes);
    if (name.len > 0) tx_write(tx, named + bytes, name.ptr, name.len);
    return ERROR_OK;
}

/* Moves the list to a block with twice the room. */
static enum error grow(struct tx *tx, uint64_t *list)
{
    struct heap *heap = heap_of(tx);
    const struct stream_names_layout *old = *list == 0 ? NULL : heap_ptr(heap, *list);
    struct stream_names_layout head = {old ? old->count : 0, old ? old->capacity * 2 + 1 : NAMES_FIRST};
    uint64_t off, old_off = *list;
    enum error error = heap_alloc(tx, sizeof(head) + head.capacity * sizeof(uint64_t), &off);
    if (error != ERROR_OK) return error;
    struct stream_names_layout *names = heap_ptr(heap, off);
    tx_write(tx, names, &head, sizeof(head));
    if (old) tx_write(tx, names->offs, old->offs, head.count * sizeof(uint64_t));
    error = tx_store64(tx, list, off);
    return error == ERROR_OK && old ? heap_free(tx, old_off) : error;
}

static enum error set_count(struct tx *tx, struct stream_names_layout *names, uint32_t count)
{
    enum error error = tx_snapshot(tx, &names->count, sizeof(count));
    if (error == ERROR_OK) tx_write(tx, &names->count, &count, sizeof(count));
    return error;
}

enum error stream_names_insert(struct tx *tx, uint64_t *list, unsigned index, uint64_t off)
{
    struct stream_names_layout *names = *list == 0 ? NULL : heap_ptr(heap_of(tx), *list);
    enum error error = ERROR_OK;
    if (names == NULL || names->count == names->capacity) error = grow(tx, list);
    if (error != ERROR_OK) return error;
    names = heap_ptr(heap_of(tx), *list);
    uint64_t *at = names->offs + index;
    size_t behind = names->count - index;
    error = tx_snapshot(tx, at, (behind + 1) * sizeof(*at));
    if (error != ERROR_OK) return error;
    if (behind > 0) tx_move(tx, at + 1, at, behind * sizeof(*at));
    tx_write(tx, at, &off, sizeof(off));
    return set_count(tx, names, names->count + 1);
}

enum error stream_names_remove(struct tx *tx, uint64_t *list, unsigned index)
{
    struct stream_names_layout *names = heap_ptr(heap_of(tx), *list);
    if (names->count == 1) {
        enum error error = heap_free(tx, *list);
        return error == ERROR_OK ? tx_store64(tx, list, 0) : error;
    }
    uint64_t *at = names->offs + index;
    size_t behind = names->count - index - 1;
    if (behind > 0) {
        enum error error = tx_snapshot(tx, at, behind * sizeof(*at));
        if (error != ERROR_OK) return error;
        tx_move(tx, at, at + 1, behind * sizeof(*at));
    }
    return set_count(tx, names, names->count - 1);
}
