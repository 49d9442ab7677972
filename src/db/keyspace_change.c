/* keyspace_change.c: changes of single keys: put, edit, remove, expiry, move, copy.
 *
 * Crash table (one transaction each; a crash before its commit takes back every logged store and new block):
 *   put, key absent    [value block], entry block, slot (hashtable.c)
 *   put, in place      [value block], entry bytes (logged), slot's volatile bit, [old value block's free]
 *   put, new block     the same with a new entry block, slot, free of the old entry
 *   edit, in place     header, length, the edited bytes and the zeros before them (all logged)
 *   edit, new block    as put
 *   remove             frees, slot, counts, [merge: hashtable_grow.c]
 *   move               [remove of the target], new entry, its slot, slot of the source, free of the source's
 *                      block; the value's own block changes its owner with the two slots
 */
#include "db/keyspace_internal.h"
#include "util/number.h"

#include <string.h>

#define SLACK_MAX (UINT64_C(1) << 20) /* growing strings double up to here, then gain this much */

static size_t with_slack(size_t len)
{
    return len + (len < SLACK_MAX ? len : SLACK_MAX);
}

/* What stands at `off` now has its own expiry time, or something inside it has. */
static int64_t due_at(const struct hashtable *table, uint64_t off)
{
    return entry_due_ms(table->heap, (const void *)(table->base + off));
}

/* Tells table and stripe when the entry at `off`, whose slot is at `place`, is due. */
static enum error update_slot(struct tx *tx, struct keyspace *keyspace, const struct hashtable *table,
                              const struct key *key, const struct hashtable_place *place, uint64_t off)
{
    int64_t due_ms = due_at(table, off);
    enum error error = hashtable_update(tx, table, place, off, due_ms);
    if (error == ERROR_OK) keyspace__note_expiry(keyspace, key->stripe, due_ms);
    return error;
}

static enum error insert_entry(struct tx *tx, struct keyspace *keyspace, const struct hashtable *table,
                               const struct key *key, struct entry_image *image, size_t min_bytes)
{
    uint64_t off;
    image->expiry_slot = image->expire_at_ms >= 0;
    enum error error = entry_create(tx, image, min_bytes, &off);
    if (error != ERROR_OK) return error;
    int64_t due_ms = due_at(table, off);
    error = hashtable_insert(tx, table, key->hash, off, due_ms);
    if (error != ERROR_OK) return error;
    keyspace__note_expiry(keyspace, key->stripe, due_ms);
    keyspace__note_mapped(keyspace, off);
    return ERROR_OK;
}

/* Gives the entry at `place` the contents of `image`, in its block where they fit. The caller takes care of
 * value blocks. */
static enum error replace_entry(struct tx *tx, struct keyspace *keyspace, const struct hashtable *table,
                                const struct key *key, const struct hashtable_place *place,
                                struct entry_image *image, size_t min_bytes)
{
    uint64_t off = hashtable_slot_off(*place->slot), old_off = off;
    struct entry *entry = (void *)(table->base + off);
    image->expiry_slot = image->expire_at_ms >= 0 || (entry->head.flags & ENTRY_FLAG_EXPIRY) != 0;
    enum error error;
    if (min_bytes == 0 && entry_fits(keyspace->heap, entry, image)) {
        error = entry_overwrite(tx, entry, image);
    } else {
        image->expiry_slot = image->expire_at_ms >= 0;
        error = entry_create(tx, image, min_bytes, &off);
        if (error == ERROR_OK) error = heap_free(tx, old_off);
    }
    return error == ERROR_OK ? update_slot(tx, keyspace, table, key, place, off) : error;
}

#define ACCESS_BITS        0xffffffU
#define ACCESS_OVERWRITTEN (1U << 31)

void keyspace_set_access(struct keyspace *keyspace, uint32_t bits, bool overwritten)
{
    uint32_t access = (bits & ACCESS_BITS) | (overwritten ? ACCESS_OVERWRITTEN : 0);
    if (atomic_load_explicit(&keyspace->access, memory_order_relaxed) != access)
        atomic_store_explicit(&keyspace->access, access, memory_order_relaxed);
}

enum error keyspace__put_at(struct tx *tx, struct keyspace *keyspace, const struct hashtable *table,
                            const struct key *key, const struct entry *entry, const struct hashtable_place *place,
                            struct entry_image *image, int64_t expire_at_ms)
{
    uint32_t access = atomic_load_explicit(&keyspace->access, memory_order_relaxed);
    image->key = key->name;
    image->access = access & ACCESS_BITS;
    image->expire_at_ms = expire_at_ms >= 0 ? expire_at_ms : EXPIRY_NONE;
    if (entry == NULL) return insert_entry(tx, keyspace, table, key, image, 0);
    if (expire_at_ms == EXPIRY_KEEP) image->expire_at_ms = entry_expire_ms(entry);
    if ((access & ACCESS_OVERWRITTEN) == 0) image->access = entry_access(entry);
    enum error error = keyspace__drop_value(tx, keyspace, key->stripe, entry);
    return error == ERROR_OK ? replace_entry(tx, keyspace, table, key, place, image, 0) : error;
}

/* The same at the place of `key`, whatever is there. */
static enum error put(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                      struct entry_image *image, int64_t expire_at_ms)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, key->hash, key->name, &place);
    return keyspace__put_at(tx, keyspace, &table, key, entry, &place, image, expire_at_ms);
}

bool keyspace__embeds(const struct key *key, size_t value_len)
{
    size_t prefix = entry_prefix_bytes(ENTRY_FLAG_LONG | ENTRY_FLAG_EXPIRY, ENTRY_EMBEDDED);
    return key->name.len <= ENTRY_EMBEDDED_TOTAL_MAX && value_len <= ENTRY_EMBEDDED_TOTAL_MAX &&
           prefix + key->name.len + value_len <= ENTRY_EMBEDDED_TOTAL_MAX;
}

enum error keyspace_put_string(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                               struct slice value, int64_t expire_at_ms)
{
    int64_t number;
    if (value.len < NUMBER_INT_TEXT_MAX && number_parse_int(value, &number))
        return keyspace_put_int(tx, keyspace, db, key, number, expire_at_ms);
    struct entry_image image = {.type = ENTRY_STRING, .encoding = ENTRY_EMBEDDED, .value = value};
    if (!keyspace__embeds(key, value.len)) {
        image.encoding = ENTRY_EXTERNAL;
        enum error error = entry_external_create(tx, value, 0, &image.external);
        if (error != ERROR_OK) return error;
    }
    return put(tx, keyspace, db, key, &image, expire_at_ms);
}

enum error keyspace_put_int(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                            int64_t value, int64_t expire_at_ms)
{
    struct entry_image image = {.type = ENTRY_STRING, .encoding = ENTRY_WORD, .number = value};
    return put(tx, keyspace, db, key, &image, expire_at_ms);
}

/* ---- editing strings ---- */

/* What keyspace_edit_string was asked for, and the string's length after it. */
struct edit {
    size_t off;
    size_t len;
    size_t final_len;
};

/* Logs the bytes of `value` that the caller writes and, when it grows from old_len, everything beyond; fills
 * the gap. */
static enum error open_range(struct tx *tx, char *value, size_t old_len, const struct edit *edit)
{
    size_t from = edit->off, end = edit->off + edit->len;
    if (edit->final_len > old_len) {
        if (old_len < from || edit->len == 0) from = old_len;
        end = edit->final_len;
    }
    if (from == end) return ERROR_OK;
    enum error error = tx_snapshot(tx, value + from, end - from);
    if (error == ERROR_OK && edit->final_len > old_len)
        tx_fill(tx, value + old_len, 0, edit->final_len - old_len);
    return error;
}

/* Edits in the block where the string stands; *value_out NULL: no room, nothing changed. */
static enum error edit_in_place(struct tx *tx, struct keyspace *keyspace, struct entry *entry,
                                const struct edit *edit, char **value_out)
{
    const struct heap *heap = keyspace->heap;
    enum entry_encoding encoding = entry_encoding(entry);
    struct entry_external_layout *external = NULL;
    char *value;
    size_t old_len, capacity;
    *value_out = NULL;
    if (encoding == ENTRY_WORD) return ERROR_OK;
    if (encoding == ENTRY_EXTERNAL) {
        external = entry_aux(entry);
        value = heap_ptr(heap, external->off);
        old_len = (size_t)external->len;
        capacity = heap_usable_size(heap, external->off);
    } else {
        struct slice key = entry_key(entry);
        value = (char *)entry + (size_t)(key.ptr + key.len - (const char *)entry);
        old_len = entry->head.value_len;
        capacity = heap_usable_size(heap, entry_off(heap, entry)) - (size_t)(value - (char *)entry);
    }
    if (edit->final_len > capacity) return ERROR_OK;

    struct entry_layout head = entry->head;
    head.flags = (uint8_t)(head.flags | ENTRY_FLAG_EDITED);
    if (external == NULL) head.value_len = (uint16_t)edit->final_len;
    enum error error = ERROR_OK;
    if (head.flags != entry->head.flags || head.value_len != entry->head.value_len) {
        error = tx_snapshot(tx, entry, sizeof(head));
        if (error == ERROR_OK) tx_write(tx, entry, &head, sizeof(head));
    }
    if (error == ERROR_OK && external != NULL && edit->final_len != old_len)
        error = tx_store64(tx, &external->len, edit->final_len);
    if (error == ERROR_OK) error = open_range(tx, value, old_len, edit);
    if (error == ERROR_OK) *value_out = value;
    return error;
}

/* Puts the string into new blocks, zeros up to its final length. `entry` NULL: the key is absent. */
static enum error edit_anew(struct tx *tx, struct keyspace *keyspace, const struct hashtable *table,
                            const struct key *key, struct entry *entry, const struct hashtable_place *place,
                            const struct edit *edit)
{
    char text[ENTRY_INT_TEXT_MAX], bytes[ENTRY_EMBEDDED_TOTAL_MAX];
    struct slice old = entry == NULL ? (struct slice){NULL, 0} : entry_string(keyspace->heap, entry, text);
    struct entry_image image = {
        .type = ENTRY_STRING, .edited = true, .key = key->name, .expire_at_ms = EXPIRY_NONE};
    size_t min_bytes = 0;
    enum error error = ERROR_OK;
    if (keyspace__embeds(key, edit->final_len)) {
        if (old.len > 0) memcpy(bytes, old.ptr, old.len);
        memset(bytes + old.len, 0, edit->final_len - old.len);
        image.value = (struct slice){bytes, edit->final_len};
        if (entry != NULL && keyspace__embeds(key, with_slack(edit->final_len)))
            min_bytes = entry_bytes(entry) + with_slack(edit->final_len) - old.len;
    } else {
        image.encoding = ENTRY_EXTERNAL;
        size_t capacity = entry == NULL ? edit->final_len : with_slack(edit->final_len);
        error = entry_external_create(tx, old, capacity, &image.external);
        if (error != ERROR_OK) return error;
        char *value = heap_ptr(keyspace->heap, image.external.off);
        tx_fill(tx, value + old.len, 0, edit->final_len - old.len);
        image.external.len = edit->final_len;
    }
    if (entry == NULL) {
        image.access = atomic_load_explicit(&keyspace->access, memory_order_relaxed) & ACCESS_BITS;
        return insert_entry(tx, keyspace, table, key, &image, 0);
    }
    image.expire_at_ms = entry_expire_ms(entry);
    image.access = entry_access(entry);
    error = keyspace__drop_value(tx, keyspace, key->stripe, entry);
    return error == ERROR_OK ? replace_entry(tx, keyspace, table, key, place, &image, min_bytes) : error;
}

enum error keyspace_edit_string(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                                size_t off, size_t len, size_t new_len, char **bytes_out)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, key->hash, key->name, &place);
    size_t old_len = entry == NULL ? 0 : entry_string_len(keyspace->heap, entry);
    struct edit edit = {off, len, new_len > old_len ? new_len : old_len};
    ASSERT(off <= edit.final_len && len <= edit.final_len - off);
    if (edit.final_len > ENTRY_VALUE_MAX) return ERROR_TOO_LARGE;
    if (entry != NULL) {
        enum error error = edit_in_place(tx, keyspace, entry, &edit, bytes_out);
        if (error != ERROR_OK || *bytes_out != NULL) return error;
    }
    enum error error = edit_anew(tx, keyspace, &table, key, entry, &place, &edit);
    if (error != ERROR_OK) return error;
    entry = hashtable_find(&table, key->hash, key->name, &place);
    *bytes_out = (char *)(uintptr_t)entry_string(keyspace->heap, entry, NULL).ptr;
    return ERROR_OK;
}

/* ---- the rest ---- */

enum error keyspace_remove(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                           bool *removed_out)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, key->hash, key->name, &place);
    *removed_out = entry != NULL;
    if (entry == NULL) return ERROR_OK;
    enum error error = keyspace__drop_entry(tx, keyspace, key->stripe, entry);
    if (error == ERROR_OK) error = hashtable_remove(tx, &table, &place);
    if (error == ERROR_OK) hashtable_shrink(tx, &table, key->hash);
    return error;
}

enum error keyspace_set_expiry(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                               int64_t expire_at_ms)
{
    ASSERT(expire_at_ms >= 0 || expire_at_ms == EXPIRY_NONE);
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, key->hash, key->name, &place);
    if (entry == NULL) return ERROR_NOT_FOUND;
    uint64_t off = hashtable_slot_off(*place.slot);
    bool done;
    enum error error = entry_set_expiry(tx, entry, expire_at_ms, &done);
    if (error == ERROR_OK && !done) {
        struct entry_image image = entry_image_of(entry);
        image.expiry_slot = true;
        image.expire_at_ms = expire_at_ms;
        error = entry_create(tx, &image, 0, &off);
        if (error == ERROR_OK) error = heap_free(tx, entry_off(keyspace->heap, entry));
    }
    return error == ERROR_OK ? update_slot(tx, keyspace, &table, key, &place, off) : error;
}

enum error keyspace_note_due(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key)
{
    struct hashtable table = keyspace__table(keyspace, db, key->stripe);
    struct hashtable_place place;
    if (hashtable_find(&table, key->hash, key->name, &place) == NULL) return ERROR_NOT_FOUND;
    return update_slot(tx, keyspace, &table, key, &place, hashtable_slot_off(*place.slot));
}

static bool same_key(unsigned db_a, const struct key *a, unsigned db_b, const struct key *b)
{
    return db_a == db_b && a->hash == b->hash && slice_equal(a->name, b->name);
}

/* Inserts the image under the name `to`, replacing what is there. */
static enum error insert_over(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *to,
                              struct entry_image *image)
{
    struct hashtable table = keyspace__table(keyspace, db, to->stripe);
    struct hashtable_place place;
    struct entry *old = hashtable_find(&table, to->hash, to->name, &place);
    image->key = to->name;
    if (old == NULL) return insert_entry(tx, keyspace, &table, to, image, 0);
    enum error error = keyspace__drop_value(tx, keyspace, to->stripe, old);
    return error == ERROR_OK ? replace_entry(tx, keyspace, &table, to, &place, image, 0) : error;
}

enum error keyspace_move(struct tx *tx, struct keyspace *keyspace, unsigned from_db, const struct key *from,
                         unsigned to_db, const struct key *to)
{
    struct entry *entry = keyspace_find(keyspace, from_db, from);
    if (entry == NULL) return ERROR_NOT_FOUND;
    if (same_key(from_db, from, to_db, to)) return ERROR_OK;
    struct entry_image image = entry_image_of(entry);
    enum error error = insert_over(tx, keyspace, to_db, to, &image);
    if (error != ERROR_OK) return error;
    struct hashtable table = keyspace__table(keyspace, from_db, from->stripe);
    struct hashtable_place place; /* after the insertion, which may have rebuilt the segment */
    ASSERT(hashtable_find(&table, from->hash, from->name, &place) == entry);
    error = heap_free(tx, entry_off(keyspace->heap, entry));
    if (error == ERROR_OK) error = hashtable_remove(tx, &table, &place);
    if (error == ERROR_OK) hashtable_shrink(tx, &table, from->hash);
    return error;
}

/* Gives the image a value block or a root of its own where `entry` has one. */
static enum error copy_value(struct tx *tx, struct keyspace *keyspace, const struct entry *entry,
                             struct entry_image *image)
{
    enum collection_kind kind;
    uint64_t root = entry_root(entry, &kind), copy;
    if (image->encoding == ENTRY_EXTERNAL)
        return entry_external_create(tx, entry_string(keyspace->heap, entry, NULL), 0, &image->external);
    if (root == 0) return ERROR_OK;
    enum error error = collection_ops(kind)->copy(tx, keyspace->heap, root, &copy);
    if (error == ERROR_OK) image->root = heap_off_make(copy, (uint16_t)kind).raw;
    return error;
}

enum error keyspace_copy(struct tx *tx, struct keyspace *keyspace, unsigned from_db, const struct key *from,
                         unsigned to_db, const struct key *to)
{
    struct entry *entry = keyspace_find(keyspace, from_db, from);
    if (entry == NULL) return ERROR_NOT_FOUND;
    if (same_key(from_db, from, to_db, to)) return ERROR_OK;
    struct entry_image image = entry_image_of(entry);
    enum error error = copy_value(tx, keyspace, entry, &image);
    if (error != ERROR_OK) return error;
    return insert_over(tx, keyspace, to_db, to, &image);
}

enum error keyspace_flush(struct tx *tx, struct keyspace *keyspace, unsigned db)
{
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++) {
        struct hashtable table = keyspace__table(keyspace, db, i);
        struct keyspace_reclaim_layout *reclaim = &keyspace->layout->reclaim[i];
        uint64_t count = hashtable_count(table.root);
        enum error error = ERROR_OK;
        if (count > 0) error = tx_store64(tx, &reclaim->pending, reclaim->pending + count);
        if (error == ERROR_OK) error = hashtable_detach(tx, &table, &reclaim->head);
        if (error != ERROR_OK) return error;
    }
    return ERROR_OK;
}

enum error keyspace_swap(struct tx *tx, struct keyspace *keyspace, unsigned db_a, unsigned db_b)
{
    ASSERT(db_a < keyspace->databases && db_b < keyspace->databases);
    uint64_t *words = keyspace->layout->database, a = words[db_a], b = words[db_b];
    if (db_a == db_b) return ERROR_OK;
    enum error error = tx_store64(tx, &words[db_a], b);
    if (error == ERROR_OK) error = tx_store64(tx, &words[db_b], a);
    if (error == ERROR_OK) keyspace__restart_expiry(keyspace);
    return error;
}
