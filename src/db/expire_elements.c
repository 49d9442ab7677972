/* expire_elements.c: takes out of a collection what has expired inside it: fields of hashes.
 *
 * Crash table (the caller's transaction: there whole or not at all)
 *   packed   as keyspace_put_packed (keyspace_collection.c)
 *   rooted   the kind's own (hash.c), slot's volatile bit
 *   emptied  as remove (keyspace_change.c)
 */
#include "db/keyspace_internal.h"
#include "ds/packed.h"

#include <stdlib.h>

#define STEP_ELEMENTS 64 /* of a rooted collection, in one transaction */

/* The name is copied: the entry that it stands in is written. */
static enum error expire_packed(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                                enum entry_type type, struct slice blob)
{
    struct key copy = *key;
    char *name = malloc(key->name.len + 1);
    if (name == NULL) return ERROR_MEMORY;
    memcpy(name, key->name.ptr, key->name.len);
    copy.name.ptr = name;
    enum error error = keyspace_put_packed(tx, keyspace, db, &copy, type, blob, EXPIRY_KEEP);
    free(name);
    return error;
}

enum error keyspace__expire_elements(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                     const struct hashtable *table, const struct key *key,
                                     const struct hashtable_place *place, int64_t now_ms, bool *emptied_out)
{
    struct entry *entry = (void *)(table->base + hashtable_slot_off(*place->slot));
    const struct collection_ops *ops = entry_collection(entry);
    struct packed_out out = {0};
    struct slice blob;
    enum error error;
    if (entry_packed(keyspace->heap, entry, &blob)) {
        ops->packed_expire(blob, now_ms, &out);
        blob = packed_out_blob(&out);
        error = out.failed ? ERROR_MEMORY : ERROR_OK;
        *emptied_out = blob.len == 0;
        if (error == ERROR_OK && blob.len > 0)
            error = expire_packed(tx, keyspace, db, key, entry_type(entry), blob);
        packed_out_free(&out);
    } else {
        uint64_t root = entry_root(entry, NULL);
        unsigned budget = STEP_ELEMENTS;
        error = ops->expire(tx, keyspace->heap, root, now_ms, &budget);
        *emptied_out = error == ERROR_OK && ops->count(keyspace->heap, root) == 0;
        if (error == ERROR_OK && !*emptied_out) error = keyspace_note_due(tx, keyspace, db, key);
    }
    if (error != ERROR_OK || !*emptied_out) return error;
    error = keyspace__drop_entry(tx, keyspace, key->stripe, entry);
    return error == ERROR_OK ? hashtable_remove(tx, table, place) : error;
}
