/* list.h: lists: a root and linked chunks with free room at both ends.
 *
 * Push and pop log a chunk's extent and the new bytes. A list never becomes a packed blob: its small form
 * is one chunk, which grows with it. Functions that write take the limits of now; chunks made under others
 * stay as they are.
 *
 * Items handed out point into the heap, and are good until the list is written; those of popped items
 * until the transaction ends.
 */
#ifndef CAIRN_DS_LIST_H
#define CAIRN_DS_LIST_H

#include "ds/collection.h"
#include "ds/list_chunk.h"
#include "ds/list_layout.h"

extern const struct collection_ops list_ops;

/* How large a chunk may grow; an item larger than that has one for itself. */
struct list_limits {
    uint32_t room_bytes;
    uint32_t items;
};
/* As list-max-listpack-size: how many items, or -1 .. -5 for 4 .. 64 KiB. */
struct list_limits list_limits(int64_t max_size);

struct list {
    struct heap *heap;
    char *base;
    struct list_layout *root;
};

enum list_end { LIST_HEAD, LIST_TAIL };

struct list list_at(struct heap *heap, uint64_t root);
static inline uint64_t list_count(const struct list *list)
{
    return list->root->count;
}

/* An empty list, which must not stay empty. */
MUST_CHECK enum error list_create(struct tx *tx, struct heap *heap, uint64_t *root_out);
/* Pushes the items one after the other, so that the last one is outermost. They may be items of this list. */
MUST_CHECK enum error list_push(struct tx *tx, const struct list *list, const struct list_limits *limits,
                                enum list_end end, const struct slice *items, size_t count);
/* Takes `count` items, at most all, off an end. An empty list is the caller's to remove. */
MUST_CHECK enum error list_drop(struct tx *tx, const struct list *list, const struct list_limits *limits,
                                enum list_end end, uint64_t count);

/* ---- visiting ---- */

struct list_iter {
    char *base;
    struct list_chunk_layout *chunk; /* NULL: an empty list */
    const char *at;
    const char *edge; /* of the chunk's items, in the direction */
    bool backwards;
};

struct list_item {
    struct slice text;
    struct list_chunk_layout *chunk;
};

/* Stands before item `index` (< count), from which it goes on towards the tail or `backwards`. O(chunks)
 * from the nearer end. */
struct list_iter list_seek(const struct list *list, uint64_t index, bool backwards);
/* Into the next chunk; false at the end of the list. */
bool list_next_chunk(struct list_iter *iter);

static inline bool list_next(struct list_iter *iter, struct list_item *item_out)
{
    if (__builtin_expect(iter->at == iter->edge, 0) && !list_next_chunk(iter)) return false;
    struct slice text = iter->backwards ? list_item_before(iter->at) : list_item_after(iter->at);
    size_t tag = list_tag_bytes(text.len);
    iter->at = iter->backwards ? text.ptr - tag : text.ptr + text.len + tag;
    *item_out = (struct list_item){text, iter->chunk};
    return true;
}

/* ---- changes in the middle; `text` lies outside the heap ---- */

MUST_CHECK enum error list_insert(struct tx *tx, const struct list *list, const struct list_limits *limits,
                                  const struct list_item *pivot, bool after, struct slice text);
MUST_CHECK enum error list_replace(struct tx *tx, const struct list *list, const struct list_limits *limits,
                                   const struct list_item *item, struct slice text);
/* Removes the first `most` items (UINT64_MAX: all) that equal `text`, from the tail on when `backwards`. */
MUST_CHECK enum error list_remove(struct tx *tx, const struct list *list, const struct list_limits *limits,
                                  struct slice text, uint64_t most, bool backwards, uint64_t *removed_out);

#endif
