/* keyspace_collection.c: putting packed collections and roots at keys.
 *
 * Crash table (one transaction each; a crash before its commit takes back every logged store and new block)
 *   packed, in place   [header or length], the bytes that differ (all logged), [slot's volatile bit]
 *   packed, else       as put (keyspace_change.c)
 *   root               as put; the root is a new object, or one that another entry gives up in this transaction
 */
#include "db/keyspace_internal.h"

#include <string.h>

#define HEAD_BYTES  2  /* of a blob: its count, which changes with every item */
#define APART_BYTES 64 /* from so long a blob on, the head is logged apart from what changes behind it */

static size_t common_prefix(const char *a, const char *b, size_t len)
{
    size_t same = 0;
    while (same + sizeof(uint64_t) <= len && memcmp(a + same, b + same, sizeof(uint64_t)) == 0)
        same += sizeof(uint64_t);
    while (same < len && a[same] == b[same])
        same++;
    return same;
}

static enum error log_and_write(struct tx *tx, char *dst, const char *src, size_t from, size_t to)
{
    if (from == to) return ERROR_OK;
    enum error error = tx_snapshot(tx, dst + from, to - from);
    if (error == ERROR_OK) tx_write(tx, dst + from, src + from, to - from);
    return error;
}

/* Turns the old_len bytes at `dst`, where there is room, into those of `blob`. */
static enum error store_changes(struct tx *tx, char *dst, size_t old_len, struct slice blob)
{
    size_t shorter = old_len < blob.len ? old_len : blob.len;
    size_t head = shorter >= APART_BYTES ? HEAD_BYTES : 0, end = blob.len;
    size_t from = head + common_prefix(dst + head, blob.ptr + head, shorter - head);
    while (old_len == blob.len && end > from && dst[end - 1] == blob.ptr[end - 1])
        end--;
    enum error error = ERROR_OK;
    if (head > 0 && memcmp(dst, blob.ptr, head) != 0) error = log_and_write(tx, dst, blob.ptr, 0, head);
    return error == ERROR_OK ? log_and_write(tx, dst, blob.ptr, from, end) : error;
}

/* Embedded: the entry's own block takes the longer or shorter value. */
static enum error overwrite_embedded(struct tx *tx, struct keyspace *keyspace, struct entry *entry,
                                     struct slice blob, bool *done_out)
{
    struct entry_image image = entry_image_of(entry);
    size_t old_len = image.value.len;
    image.value = blob;
    *done_out = entry_fits(keyspace->heap, entry, &image);
    if (!*done_out) return ERROR_OK;
    enum error error = ERROR_OK;
    if (old_len != blob.len) {
        struct entry_layout head = entry->head;
        head.value_len = (uint16_t)blob.len;
        error = tx_snapshot(tx, entry, sizeof(head));
        if (error == ERROR_OK) tx_write(tx, entry, &head, sizeof(head));
    }
    char *value = (char *)entry + (image.key.ptr + image.key.len - (const char *)entry);
    return error == ERROR_OK ? store_changes(tx, value, old_len, blob) : error;
}

static enum error overwrite_external(struct tx *tx, struct keyspace *keyspace, struct entry *entry,
                                     struct slice blob, bool *done_out)
{
    struct entry_external_layout *external = entry_aux(entry);
    size_t old_len = (size_t)external->len, usable = heap_usable_size(keyspace->heap, external->off);
    *done_out = blob.len <= usable && blob.len >= usable / 2;
    if (!*done_out) return ERROR_OK;
    enum error error = old_len == blob.len ? ERROR_OK : tx_store64(tx, &external->len, blob.len);
    return error == ERROR_OK ? store_changes(tx, heap_ptr(keyspace->heap, external->off), old_len, blob)
                             : error;
}

/* Where the same kind of value stands already and stays as it is otherwise; *done_out false: nothing was changed. */
static enum error put_in_place(struct tx *tx, struct keyspace *keyspace, const struct key *key,
                               struct entry *entry, enum entry_type type, struct slice blob,
                               int64_t expire_at_ms, bool *done_out)
{
    *done_out = false;
    if (entry_type(entry) != type || entry_encoding(entry) == ENTRY_WORD) return ERROR_OK;
    if (expire_at_ms != EXPIRY_KEEP && expire_at_ms != entry_expire_ms(entry)) return ERROR_OK;
    bool embedded = entry_encoding(entry) == ENTRY_EMBEDDED;
    if (embedded != keyspace__embeds(key, blob.len)) return ERROR_OK;
    return (embedded ? overwrite_embedded : overwrite_external)(tx, keyspace, entry, blob, done_out);
}

enum error keyspace_put_packed(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                               enum entry_type type, struct slice blob, int64_t expire_at_ms)
{
    ASSERT(type != ENTRY_STRING);
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, key->hash, key->name, &place);
    if (entry != NULL) {
        bool done;
        int64_t due_ms = entry_due_ms(keyspace->heap, entry);
        enum error error = put_in_place(tx, keyspace, key, entry, type, blob, expire_at_ms, &done);
        if (error == ERROR_OK && done && entry_due_ms(keyspace->heap, entry) != due_ms)
            error = keyspace_note_due(tx, keyspace, db, key);
        if (error != ERROR_OK || done) return error;
    }
    struct entry_image image = {.type = type, .encoding = ENTRY_EMBEDDED, .value = blob};
    if (!keyspace__embeds(key, blob.len)) {
        image.encoding = ENTRY_EXTERNAL;
        enum error error = entry_external_create(tx, blob, 0, &image.external);
        if (error != ERROR_OK) return error;
    }
    return keyspace__put_at(tx, keyspace, &table, key, entry, &place, &image, expire_at_ms);
}

enum error keyspace_put_root(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                             enum entry_type type, enum collection_kind kind, uint64_t root,
                             int64_t expire_at_ms)
{
    ASSERT(type != ENTRY_STRING && collection_ops(kind) != NULL);
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, key->hash, key->name, &place);
    struct entry_image image = {
        .type = type, .encoding = ENTRY_WORD, .root = heap_off_make(root, (uint16_t)kind).raw};
    return keyspace__put_at(tx, keyspace, &table, key, entry, &place, &image, expire_at_ms);
}
