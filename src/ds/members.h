/* members.h: roots whose elements are entries in one hash table, and nothing else: what large hashes and sets share.
 *
 * A member is an entry (ds/entry.h) of type ENTRY_STRING, named by the element.
 */
#ifndef CAIRN_DS_MEMBERS_H
#define CAIRN_DS_MEMBERS_H

#include "ds/collection.h"
#include "ds/hashtable.h"
#include "ds/members_layout.h"

/* A new root without members. */
MUST_CHECK enum error members_create(struct tx *tx, struct heap *heap, uint64_t *root_out);
struct hashtable members_table(const struct heap *heap, uint64_t root);

/* ---- for struct collection_ops ---- */
enum error members_reclaim(struct tx *tx, struct heap *heap, uint64_t root, unsigned *budget, bool *done_out);
enum error members_copy(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out);
void members_walk(const struct heap *heap, uint64_t root, collection_own *own, void *ctx);
bool members_is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap);
size_t members_bytes(const struct heap *heap, uint64_t root, size_t samples);
uint64_t members_count(const struct heap *heap, uint64_t root);

/* The same for a table inside a root of another shape (its other parts are the caller's). */
MUST_CHECK enum error members_table_reclaim(struct tx *tx, struct hashtable_layout *table, unsigned *budget,
                                            bool *done_out); /* done: the table's root word is 0 */
MUST_CHECK enum error members_table_copy(struct tx *tx, const struct hashtable *from,
                                         const struct hashtable *to);
bool members_table_is_valid(const struct hashtable *table, bool dropped, char *detail, size_t detail_cap);
size_t members_table_bytes(const struct hashtable *table, size_t samples);

#endif
