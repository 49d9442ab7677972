/* list_chunk.h: items and chunks of lists. For the files of lists only.
 *
 * Terms: a *span* is a run of whole items inside a chunk: its bytes and how many items. *used* bytes of a
 * chunk are those of its items.
 */
#ifndef CAIRN_DS_LIST_CHUNK_H
#define CAIRN_DS_LIST_CHUNK_H

#include "ds/list_layout.h"
#include "heap/heap.h"
#include "util/error.h"
#include "util/slice.h"

#include <stdbool.h>

#define LIST_TAG_MAX   5
#define LIST_ITEM_MAX  (HEAP_OBJECT_MAX - sizeof(struct list_chunk_layout) - 2 * LIST_TAG_MAX)
#define LIST_SHORT_MAX 0x7f   /* tags of one byte */
#define LIST_LONG_MAX  0x3fff /* of two */

static inline char *list_room(struct list_chunk_layout *chunk)
{
    return (char *)(chunk + 1);
}

static inline uint32_t list_used(const struct list_chunk_layout *chunk)
{
    return chunk->extent.end - chunk->extent.begin;
}

static inline size_t list_tag_bytes(size_t len)
{
    return len <= LIST_SHORT_MAX ? 1 : len <= LIST_LONG_MAX ? 2 : 5;
}

/* Bytes of an item with `len` bytes of text. */
static inline size_t list_item_bytes(size_t len)
{
    return len + 2 * list_tag_bytes(len);
}

/* The item that begins at `at`; at + its list_item_bytes is the next. */
static inline struct slice list_item_after(const char *at)
{
    unsigned tag = (unsigned char)at[0];
    if (__builtin_expect(tag <= LIST_SHORT_MAX, 1)) return (struct slice){at + 1, tag};
    if (tag < 0xc0) return (struct slice){at + 2, (size_t)(tag & 0x3f) << 8 | (unsigned char)at[1]};
    uint32_t len;
    memcpy(&len, at + 1, sizeof(len));
    return (struct slice){at + 5, len};
}

/* The item that ends before `at`. */
static inline struct slice list_item_before(const char *at)
{
    unsigned tag = (unsigned char)at[-1];
    if (__builtin_expect(tag <= LIST_SHORT_MAX, 1)) return (struct slice){at - 1 - tag, tag};
    if (tag < 0xc0) {
        size_t len = (size_t)(tag & 0x3f) << 8 | (unsigned char)at[-2];
        return (struct slice){at - 2 - len, len};
    }
    uint32_t len = 0;
    for (int i = 2; i <= 5; i++)
        len |= (uint32_t)(unsigned char)at[-i] << 8 * (i - 2);
    return (struct slice){at - 5 - len, len};
}

/* Writes one item at `at`, a new object or a range under snapshot. */
void list_item_write(struct tx *tx, char *at, struct slice item);

/* A new chunk without links and items; its room is at least `room` bytes, and all of the block. */
MUST_CHECK enum error list_chunk_create(struct tx *tx, size_t room, uint32_t begin, uint64_t *off_out);
/* Sets begin, end and items. The chunk is reachable. */
MUST_CHECK enum error list_chunk_set_extent(struct tx *tx, struct list_chunk_layout *chunk, uint32_t begin,
                                            uint32_t end, uint32_t items);
/* Appends a span to a chunk that is a new object; room must be there. */
void list_chunk_append(struct tx *tx, struct list_chunk_layout *chunk, const char *bytes, size_t len,
                       uint32_t items);
/* Replaces the `size` bytes at `at` (items of them, 0 or 1) by an item (ptr NULL: by nothing), moving the
 * shorter side. *done_out false: there is no room, nothing was changed. The item must not lie in this
 * chunk. */
MUST_CHECK enum error list_chunk_splice(struct tx *tx, struct list_chunk_layout *chunk, uint32_t at,
                                        uint32_t size, struct slice item, bool *done_out);
/* Every byte of the chunk at `off` is what it should be (L2); only its links are not looked at. */
bool list_chunk_is_valid(const struct heap *heap, uint64_t off);

#endif
