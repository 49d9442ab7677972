/* list_layout.h: bytes of a list on media: a root and a chain of chunks.
 *
 *     root    node | count | head | tail | flags
 *
 *     chunk   prev | next | begin end items capacity | room:  free ... item item item ... free
 *                                                             ^0       ^begin          ^end    ^capacity
 *
 *     item    tag bytes tag'       tag' is the tag with its bytes reversed, so that items are read from both sides
 *     tag     0nnnnnnn             n bytes
 *             10nnnnnn n:8         n bytes, n < 2^14, high bits first
 *             11000000 n:32        n bytes, little endian
 *
 * Invariants
 *   L1. The chunks from head to tail are doubly linked; prev of the head and next of the tail are 0.
 *   L2. A chunk has at least one item; its items fill [begin, end) of its room without a gap.
 *   L3. The root's count is the sum of the chunks' items.
 *   L4. A chunk belongs to one list. Bytes of the room outside [begin, end) have no meaning.
 * On a reclaim list, head names what is left of the chain; L1 holds but for the head's prev, and count and tail are stale.
 */
#ifndef CAIRN_DS_LIST_LAYOUT_H
#define CAIRN_DS_LIST_LAYOUT_H

#include "ds/collection_layout.h"

enum {
    /* Has outgrown one chunk, and has not shrunk to half of one since: OBJECT ENCODING says quicklist. */
    LIST_FLAG_SPREAD = 1,
    LIST_FLAGS = 1,
};

struct list_layout {
    struct collection_node_layout node;
    uint64_t count;
    uint64_t head;
    uint64_t tail;
    uint64_t flags;
};
static_assert(sizeof(struct list_layout) == 48, "list root");
static_assert(offsetof(struct list_layout, count) == 16, "list root");
static_assert(offsetof(struct list_layout, flags) == 40, "list root");

/* What changes with each push and pop; logged as a whole. */
struct list_extent_layout {
    uint32_t begin; /* offsets in the room */
    uint32_t end;
    uint32_t items;
    uint32_t capacity; /* of the room; never changes */
};
static_assert(sizeof(struct list_extent_layout) == 16, "extent of a chunk");

struct list_chunk_layout {
    uint64_t prev;
    uint64_t next;
    struct list_extent_layout extent;
};
static_assert(sizeof(struct list_chunk_layout) == 32, "list chunk");
static_assert(offsetof(struct list_chunk_layout, extent) == 16, "list chunk");

#endif
