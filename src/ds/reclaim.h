/* reclaim.h: values and tables without an owner, freed in small transactions (H7).
 *
 * A *reclaim list* is a word naming its first node, each node naming the next; a word is a struct heap_off whose tag
 * says what the node is: a table as its root would name it (ds/hashtable_layout.h), or the root of a collection,
 * with its kind from bit RECLAIM_KIND_SHIFT of the tag on.
 */
#ifndef CAIRN_DS_RECLAIM_H
#define CAIRN_DS_RECLAIM_H

#include "ds/collection.h"

#define RECLAIM_KIND_SHIFT 9 /* above what tables use; directories have bit 15 and no kind */
#define RECLAIM_KIND_MASK  15u

/* Hangs a root onto the list. Allocates nothing. */
MUST_CHECK enum error reclaim_push(struct tx *tx, uint64_t root, enum collection_kind kind, uint64_t *list);
/* Frees about max_blocks blocks of what hangs on the list; it is empty when *list is 0. values_out: entries of tables
 * and roots that are gone. Commit after each call; an error means roll back. */
MUST_CHECK enum error reclaim_step(struct tx *tx, uint64_t *list, unsigned max_blocks, uint64_t *values_out);

bool reclaim_is_valid(const struct heap *heap, uint64_t list, char *detail, size_t detail_cap);
/* Names every block that the list holds. */
void reclaim_walk(const struct heap *heap, uint64_t list, collection_own *own, void *ctx);

#endif
