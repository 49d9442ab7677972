/* collection.h: values that are not strings: hash, list, set, sorted set, stream.
 *
 * Terms. A value is *packed* while small: a run of bytes in the entry or in a block of its own, like a string
 * (ENTRY_EMBEDDED, ENTRY_EXTERNAL). It is *rooted* when large: the entry's word (ENTRY_WORD) names a root block, which begins with
 * struct collection_node_layout and belongs to one entry. The tag of that word is the kind of the root.
 *
 * Each kind implements struct collection_ops in its own file; everything that must work on any value (DEL, COPY, RENAME, the
 * reclaim list, checking, MEMORY USAGE) goes through them.
 *
 * Dropping (H7): the root is hung on a reclaim list in O(1) without an allocation, and `reclaim` frees it piecemeal.
 */
#ifndef CAIRN_DS_COLLECTION_H
#define CAIRN_DS_COLLECTION_H

#include "ds/collection_layout.h"
#include "heap/heap.h"
#include "util/error.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct packed_out; /* ds/packed.h */

/* Kinds of roots; they stand in tags on media. */
enum collection_kind {
    COLLECTION_HASH = 1,   /* fields in a hash table */
    COLLECTION_SET = 2,    /* members in a hash table */
    COLLECTION_ZSET = 3,   /* counted B+ tree and hash table */
    COLLECTION_LIST = 4,   /* linked chunks */
    COLLECTION_STREAM = 5, /* B+ tree over append-only chunks */
    COLLECTION_KINDS = 6,
};

typedef void collection_own(void *ctx, uint64_t off);
/* One element, as texts: a member; field and value; member and score; an item; id, field, value ... False ends the visit. */
typedef bool collection_visit(void *ctx, const struct slice *parts, size_t count);

struct collection_ops {
    /* ---- rooted ---- */
    /* Frees parts of a root that nobody names any more, about *budget blocks, in the caller's transaction (small: one step each),
     * and takes them off *budget; with a budget of 0 it stops. *done_out: the root itself was freed too. */
    enum error (*reclaim)(struct tx *tx, struct heap *heap, uint64_t root, unsigned *budget, bool *done_out);
    /* A deep copy: new objects of the transaction. */
    enum error (*copy)(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out);
    /* Names every block of the value, the root's included; of a root on a reclaim list those that are left. */
    void (*walk)(const struct heap *heap, uint64_t root, collection_own *own, void *ctx);
    /* Validates without trusting a byte. `dropped`: the root is on a reclaim list, and some of it is freed. */
    bool (*is_valid)(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap);
    /* Bytes in the heap, sampled over at most `samples` elements (0: all). */
    size_t (*bytes)(const struct heap *heap, uint64_t root, size_t samples);
    uint64_t (*count)(const struct heap *heap, uint64_t root);
    /* In order (lists, streams, sorted sets by score), else in any. */
    void (*visit)(const struct heap *heap, uint64_t root, collection_visit *visit, void *ctx);
    /* A lower bound of when something inside the value expires, or -1; NULL: nothing ever does. */
    int64_t (*due_ms)(const struct heap *heap, uint64_t root);
    /* Removes what has expired, at most *budget elements, taken off *budget; when that falls to 0 there may be more. */
    enum error (*expire)(struct tx *tx, struct heap *heap, uint64_t root, int64_t now_ms, unsigned *budget);
    const char *encoding; /* OBJECT ENCODING: hashtable, skiplist, stream */
    const char *(*rooted_encoding)(const struct heap *heap, uint64_t root); /* NULL: always `encoding` */
    bool is_sequence; /* the order of elements is part of the value: lists and streams */

    /* ---- packed ---- */
    bool (*packed_is_valid)(struct slice blob);
    void (*packed_visit)(struct slice blob, collection_visit *visit, void *ctx);
    const char *(*packed_encoding)(struct slice blob); /* NULL: always listpack */
    int64_t (*packed_due_ms)(struct slice blob);       /* NULL: nothing ever expires */
    /* Builds in `out` what has not expired. */
    void (*packed_expire)(struct slice blob, int64_t now_ms, struct packed_out *out);
};

/* NULL for kinds that do not exist (damaged media). */
const struct collection_ops *collection_ops(enum collection_kind kind);

#endif
