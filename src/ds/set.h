/* set.h: sets: intset or packed blob while small, members in a hash table when large.
 *
 * A blob of a set is an intset (ds/intset.h) or a packed blob of its members (ds/packed.h); the functions on blobs take both.
 */
#ifndef CAIRN_DS_SET_H
#define CAIRN_DS_SET_H

#include "ds/collection.h"
#include "ds/entry.h"
#include "ds/packed.h"
#include "util/error.h"

extern const struct collection_ops set_ops;

/* How large a blob may grow. */
struct set_limits {
    uint64_t intset_entries;   /* set-max-intset-entries */
    uint64_t packed_entries;   /* set-max-listpack-entries */
    uint64_t packed_value_len; /* set-max-listpack-value */
};

/* ---- any set ---- */
uint64_t set_count(const struct heap *heap, const struct entry *entry);
bool set_contains(const struct heap *heap, const struct entry *entry, struct slice member);

/* ---- blobs ---- */
size_t set_blob_count(struct slice blob);
bool set_blob_contains(struct slice blob, const struct packed_probe *probe);
/* Member `index` as text. O(n) in packed blobs. */
struct slice set_blob_at(struct slice blob, size_t index, char text[PACKED_INT_TEXT_MAX]);

/* Adds to the blob being built in `out`. SET_TOO_LARGE: the set must become a rooted one first; nothing was changed. */
enum set_added { SET_ADDED, SET_PRESENT, SET_TOO_LARGE };
enum set_added set_blob_add(struct packed_out *out, struct slice member, const struct set_limits *limits);
/* False when the member is not there. */
bool set_blob_remove(struct packed_out *out, struct slice member);

/* ---- rooted ---- */
/* A new root with the members of the blob, which lies outside the heap or stays as it is. */
MUST_CHECK enum error set_root_create(struct tx *tx, struct heap *heap, struct slice blob,
                                      uint64_t *root_out);
MUST_CHECK enum error set_root_add(struct tx *tx, struct heap *heap, uint64_t root, struct slice member,
                                   bool *added_out);
MUST_CHECK enum error set_root_remove(struct tx *tx, struct heap *heap, uint64_t root, struct slice member,
                                      bool *removed_out);

#endif
