/* stream_layout.h: bytes of a stream on media.
 *
 *     root ──> B+ tree ──> chunk: header | fields | entry | entry | ... | free room
 *     root ──> names ──> group ──> B+ tree ──> pending
 *                        group ──> names ──> consumer ──> B+ tree ──> (the group's) pending
 *
 *     fields: pairs | item ...                              the field names of the chunk's first entry
 *     entry:  flags:1 | bytes | ms | seq | [pairs] | item ... | back
 *
 * Terms: numbers without a width are *varints*, seven bits a byte, low bits first, the highest bit set where more follows.
 * `bytes` counts from behind itself to before `back`, `back` from flags to before itself, its bytes in reverse order, so that
 * entries can be read from either end. `ms` is relative to the chunk's first ID, and so is `seq` where ms is 0. Items are those of
 * ds/packed.h: values alone where the fields are the chunk's (STREAM_ENTRY_SAME), else pairs, field, value, field, value ...
 *
 * Invariants
 *   X1. IDs ascend through the chunks; the tree names each chunk by its first ID, and `tail` the last one.
 *   X2. Bytes of a chunk up to `used` never change but for the DELETED flag of an entry; those behind mean nothing.
 *   X3. `length` counts entries that are not deleted. A chunk has one at least: else it is freed.
 *   X4. Each pending record stands in the tree of its group, which owns it, and in the tree of its consumer.
 *   X5. Names are sorted, and differ.
 */
#ifndef CAIRN_DS_STREAM_LAYOUT_H
#define CAIRN_DS_STREAM_LAYOUT_H

#include "ds/btree_layout.h"
#include "ds/collection_layout.h"
#include "ds/stream_id.h"

static_assert(sizeof(struct stream_id) == 16, "an ID is two words");

/* What every append changes. */
struct stream_counts_layout {
    uint64_t length;
    uint64_t entries_added; /* ever */
    struct stream_id last;
};
static_assert(sizeof(struct stream_counts_layout) == 32, "counts");

struct stream_layout {
    struct collection_node_layout node; /* progress, while dropped: items freed of the tree in work */
    struct stream_counts_layout counts;
    struct stream_id max_deleted;
    uint64_t tail;
    struct btree_layout chunks;
    uint64_t groups; /* offset of names; 0: none */
};
static_assert(offsetof(struct stream_layout, counts) == 16, "root");
static_assert(offsetof(struct stream_layout, tail) == 64, "root");
static_assert(sizeof(struct stream_layout) == 96, "root");

struct stream_chunk_layout {
    struct stream_id first; /* of the first entry ever, deleted or not */
    uint32_t used;          /* bytes of fields and entries */
    uint32_t entries;       /* deleted ones included */
    uint32_t deleted;
    uint32_t fields_bytes;
    char bytes[];
};
static_assert(offsetof(struct stream_chunk_layout, used) == 16, "used and entries are one word");
static_assert(offsetof(struct stream_chunk_layout, deleted) == 24, "chunk");
static_assert(sizeof(struct stream_chunk_layout) == 32, "chunk");

enum {
    STREAM_ENTRY_DELETED = 1,
    STREAM_ENTRY_SAME = 2,
    STREAM_ENTRY_FLAGS = 3,
};

/* What groups and consumers begin with. */
struct stream_named_layout {
    uint32_t name_at; /* from the block's start */
    uint32_t name_len;
};
static_assert(sizeof(struct stream_named_layout) == 8, "named");

struct stream_names_layout {
    uint32_t count;
    uint32_t capacity;
    uint64_t offs[]; /* X5 */
};
static_assert(offsetof(struct stream_names_layout, offs) == 8, "names");

struct stream_group_layout {
    struct stream_named_layout named;
    struct stream_id last;
    int64_t entries_read; /* -1: unknown */
    struct btree_layout pending;
    uint64_t consumers; /* offset of names; 0: none */
};
static_assert(offsetof(struct stream_group_layout, entries_read) == 24, "group");
static_assert(sizeof(struct stream_group_layout) == 56, "group");

struct stream_consumer_layout {
    struct stream_named_layout named;
    int64_t seen_ms;
    int64_t active_ms; /* -1: never */
    struct btree_layout pending;
};
static_assert(sizeof(struct stream_consumer_layout) == 40, "consumer");

struct stream_pending_layout {
    struct stream_id id;
    uint64_t consumer;
    int64_t delivered_ms;
    int64_t deliveries;
};
static_assert(sizeof(struct stream_pending_layout) == 40, "pending");

#endif
