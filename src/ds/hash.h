/* hash.h: hashes: a packed blob while small (ds/hash_packed.h), fields in a hash table when large.
 *
 * Terms: a *field* of a large hash is an entry with its value and, maybe, an expiry time. A field is *live* until that
 * time has come; the dead are there until they are overwritten, removed or expired (hash_ops.expire). *Due* is a lower
 * bound of all times: nothing needs to be done before.
 */
#ifndef CAIRN_DS_HASH_H
#define CAIRN_DS_HASH_H

#include "ds/hash_packed.h"
#include "ds/hashtable.h"

#define HASH_TIME_KEEP INT64_C(-2) /* the time that the field has, if it lives */

extern const struct collection_ops hash_ops;

/* ---- rooted ---- */
/* A new root without fields. */
MUST_CHECK enum error hash_create(struct tx *tx, struct heap *heap, uint64_t *root_out);
/* NULL when there is no such field; the dead are found as well. */
struct entry *hash_find(const struct heap *heap, uint64_t root, struct slice field);
/* Sets the field's value and time: milliseconds, HASH_TIME_NONE or HASH_TIME_KEEP. added_out: it was not there, or dead. */
MUST_CHECK enum error hash_put(struct tx *tx, struct heap *heap, uint64_t root, struct slice field,
                               struct slice value, int64_t time_ms, int64_t now_ms, bool *added_out);
/* Of a field that is there. */
MUST_CHECK enum error hash_set_time(struct tx *tx, struct heap *heap, uint64_t root, struct slice field,
                                    int64_t time_ms);
MUST_CHECK enum error hash_remove(struct tx *tx, struct heap *heap, uint64_t root, struct slice field);
struct hashtable hash_table(const struct heap *heap, uint64_t root);
int64_t hash_due_ms(const struct heap *heap, uint64_t root);
/* Fields that are live at now_ms; looks only into segments where some are dead. */
uint64_t hash_live(const struct heap *heap, uint64_t root, int64_t now_ms);

#endif
