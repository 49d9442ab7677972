/* hash.c: large hashes: their fields, and how these expire.
 *
 * Crash table (all in the caller's transaction: what stands at a crash before its commit is undone)
 *   create     a new object
 *   put, new   [value block] field's block, slot (hashtable.c), due
 *   put, over  [value block] [free of the old one] field's bytes (logged) or a new block, slot, due
 *   set_time   field's expiry slot or a new block, slot, due
 *   remove     frees, slot, counts, due, [merge: hashtable_grow.c]
 *   expire     removes; the segment's earliest_ms with the last of them; due at the end of the table. A bound that is
 *              too low costs a visit, no more
 */
#include "ds/hash.h"

#include "ds/entry_edit.h"
#include "ds/hash_layout.h"
#include "ds/members.h"
#include "util/assert.h"
#include "util/hash.h"
#include "util/number.h"

#include <stdio.h>

static struct hash_layout *root_at(const struct heap *heap, uint64_t root)
{
    return heap_ptr(heap, root);
}

struct hashtable hash_table(const struct heap *heap, uint64_t root)
{
    return members_table(heap, root);
}

int64_t hash_due_ms(const struct heap *heap, uint64_t root)
{
    return root_at(heap, root)->due_ms;
}

static enum error store_due(struct tx *tx, struct heap *heap, uint64_t root, int64_t due_ms)
{
    int64_t *word = &root_at(heap, root)->due_ms;
    return *word == due_ms ? ERROR_OK : tx_store64(tx, (uint64_t *)(void *)word, (uint64_t)due_ms);
}

/* After a field got `time_ms`, or one was removed. */
static enum error note_time(struct tx *tx, struct heap *heap, uint64_t root, int64_t time_ms)
{
    int64_t due_ms = hash_due_ms(heap, root);
    if (hashtable_volatile_count(&root_at(heap, root)->members.table) == 0) due_ms = HASH_TIME_NONE;
    else if (time_ms >= 0 && (due_ms == HASH_TIME_NONE || time_ms < due_ms)) due_ms = time_ms;
    return store_due(tx, heap, root, due_ms);
}

enum error hash_create(struct tx *tx, struct heap *heap, uint64_t *root_out)
{
    static const struct hash_layout empty = {.due_ms = HASH_TIME_NONE};
    enum error error = heap_alloc(tx, sizeof(empty), root_out);
    if (error == ERROR_OK) tx_write(tx, root_at(heap, *root_out), &empty, sizeof(empty));
    return error;
}

/* ---- fields ---- */

struct entry *hash_find(const struct heap *heap, uint64_t root, struct slice field)
{
    struct hashtable table = hash_table(heap, root);
    struct hashtable_place place;
    return hashtable_find(&table, hash_bytes(field, table.seed), field, &place);
}

/* The image of a field; a value that does not fit beside it gets a block of its own. */
static enum error field_image(struct tx *tx, struct slice field, struct slice value,
                              struct entry_image *image_out)
{
    *image_out = (struct entry_image){
        .type = ENTRY_STRING, .expire_at_ms = HASH_TIME_NONE, .key = field, .value = value};
    if (value.len < NUMBER_INT_TEXT_MAX && number_parse_int(value, &image_out->number)) {
        image_out->encoding = ENTRY_WORD;
        return ERROR_OK;
    }
    if (field.len + value.len <= ENTRY_EMBEDDED_TOTAL_MAX) return ERROR_OK;
    image_out->encoding = ENTRY_EXTERNAL;
    return entry_external_create(tx, value, 0, &image_out->external);
}

static enum error insert_field(struct tx *tx, const struct hashtable *table, uint64_t hash,
                               struct entry_image *image)
{
    uint64_t off;
    image->expiry_slot = image->expire_at_ms >= 0;
    enum error error = entry_create(tx, image, 0, &off);
    return error == ERROR_OK ? hashtable_insert(tx, table, hash, off, image->expire_at_ms) : error;
}

static enum error replace_field(struct tx *tx, const struct hashtable *table,
                                const struct hashtable_place *place, struct entry *entry,
                                struct entry_image *image)
{
    uint64_t off = entry_off(table->heap, entry);
    image->expiry_slot = image->expire_at_ms >= 0 || (entry->head.flags & ENTRY_FLAG_EXPIRY) != 0;
    enum error error = entry_free_value(tx, entry, NULL);
    if (error != ERROR_OK) return error;
    if (entry_fits(table->heap, entry, image)) {
        error = entry_overwrite(tx, entry, image);
    } else {
        image->expiry_slot = image->expire_at_ms >= 0;
        error = entry_create(tx, image, 0, &off);
        if (error == ERROR_OK) error = heap_free(tx, entry_off(table->heap, entry));
    }
    return error == ERROR_OK ? hashtable_update(tx, table, place, off, image->expire_at_ms) : error;
}

enum error hash_put(struct tx *tx, struct heap *heap, uint64_t root, struct slice field, struct slice value,
                    int64_t time_ms, int64_t now_ms, bool *added_out)
{
    struct hashtable table = hash_table(heap, root);
    struct hashtable_place place;
    uint64_t hash = hash_bytes(field, table.seed);
    struct entry *entry = hashtable_find(&table, hash, field, &place);
    struct entry_image image;
    enum error error = field_image(tx, field, value, &image);
    if (error != ERROR_OK) return error;
    *added_out = entry == NULL || entry_is_expired(entry, now_ms);
    image.expire_at_ms = time_ms;
    if (time_ms == HASH_TIME_KEEP) image.expire_at_ms = *added_out ? HASH_TIME_NONE : entry_expire_ms(entry);
    error = entry == NULL ? insert_field(tx, &table, hash, &image)
                          : replace_field(tx, &table, &place, entry, &image);
    return error == ERROR_OK ? note_time(tx, heap, root, image.expire_at_ms) : error;
}

enum error hash_set_time(struct tx *tx, struct heap *heap, uint64_t root, struct slice field, int64_t time_ms)
{
    struct hashtable table = hash_table(heap, root);
    struct hashtable_place place;
    struct entry *entry = hashtable_find(&table, hash_bytes(field, table.seed), field, &place);
    ASSERT(entry != NULL);
    uint64_t off = entry_off(heap, entry);
    bool done;
    enum error error = entry_set_expiry(tx, entry, time_ms, &done);
    if (error == ERROR_OK && !done) {
        struct entry_image image = entry_image_of(entry);
        image.expiry_slot = true;
        image.expire_at_ms = time_ms;
        error = entry_create(tx, &image, 0, &off);
        if (error == ERROR_OK) error = heap_free(tx, entry_off(heap, entry));
    }
    if (error == ERROR_OK) error = hashtable_update(tx, &table, &place, off, time_ms);
    return error == ERROR_OK ? note_time(tx, heap, root, time_ms) : error;
}

static enum error drop_field(struct tx *tx, const struct hashtable *table,
                             const struct hashtable_place *place)
{
    struct entry *entry = (void *)(table->base + hashtable_slot_off(*place->slot));
    enum error error = entry_free(tx, entry, NULL);
    return error == ERROR_OK ? hashtable_remove(tx, table, place) : error;
}

enum error hash_remove(struct tx *tx, struct heap *heap, uint64_t root, struct slice field)
{
    struct hashtable table = hash_table(heap, root);
    struct hashtable_place place;
    uint64_t hash = hash_bytes(field, table.seed);
    if (hashtable_find(&table, hash, field, &place) == NULL) return ERROR_OK;
    enum error error = drop_field(tx, &table, &place);
    if (error == ERROR_OK) error = note_time(tx, heap, root, HASH_TIME_NONE);
    if (error == ERROR_OK) hashtable_shrink(tx, &table, hash);
    return error;
}

/* ---- expiry ---- */

/* The dead of one segment that are still there. */
static uint64_t count_dead(const struct hashtable *table, struct hashtable_segment_layout *segment,
                           int64_t now_ms)
{
    struct hashtable_slots slots = {segment, 0};
    uint64_t dead = 0;
    for (uint64_t *slot; (slot = hashtable_slots_next(table->base, &slots)) != NULL;)
        dead += (*slot & HASHTABLE_SLOT_VOLATILE) != 0 &&
                entry_is_expired((const void *)(table->base + hashtable_slot_off(*slot)), now_ms);
    return dead;
}

uint64_t hash_live(const struct heap *heap, uint64_t root, int64_t now_ms)
{
    struct hashtable table = hash_table(heap, root);
    int64_t due_ms = hash_due_ms(heap, root);
    uint64_t live = hashtable_count(table.root), position = 0;
    if (live == 0 || due_ms == HASH_TIME_NONE || due_ms > now_ms) return live;
    do {
        struct hashtable_segment_layout *segment = hashtable_segment_at(&table, &position);
        if (segment->earliest_ms <= now_ms) live -= count_dead(&table, segment, now_ms);
    } while (position != 0);
    return live;
}

/* Removes the dead of a segment and corrects its earliest_ms, unless *budget ends before. */
static enum error expire_segment(struct tx *tx, const struct hashtable *table,
                                 struct hashtable_segment_layout *segment, int64_t now_ms, unsigned *budget)
{
    struct hashtable_slots slots = {segment, 0};
    int64_t earliest_ms = INT64_MAX;
    for (uint64_t *slot; (slot = hashtable_slots_next(table->base, &slots)) != NULL;) {
        if (!(*slot & HASHTABLE_SLOT_VOLATILE)) continue;
        int64_t time_ms = entry_expire_ms((const void *)(table->base + hashtable_slot_off(*slot)));
        if (time_ms > now_ms) {
            if (time_ms < earliest_ms) earliest_ms = time_ms;
            continue;
        }
        if (*budget == 0) return ERROR_OK;
        enum error error = drop_field(tx, table, &(struct hashtable_place){slot, segment});
        if (error != ERROR_OK) return error;
        --*budget;
    }
    if (segment->earliest_ms == earliest_ms) return ERROR_OK;
    return tx_store64(tx, (uint64_t *)(void *)&segment->earliest_ms, (uint64_t)earliest_ms);
}

static enum error expire(struct tx *tx, struct heap *heap, uint64_t root, int64_t now_ms, unsigned *budget)
{
    struct hashtable table = hash_table(heap, root);
    int64_t due_ms = INT64_MAX;
    uint64_t position = 0;
    if (hashtable_count(table.root) == 0) return ERROR_OK;
    do {
        struct hashtable_segment_layout *segment = hashtable_segment_at(&table, &position);
        enum error error = ERROR_OK;
        if (segment->earliest_ms <= now_ms) error = expire_segment(tx, &table, segment, now_ms, budget);
        if (error != ERROR_OK) return error;
        if (segment->earliest_ms < due_ms) due_ms = segment->earliest_ms;
    } while (position != 0 && *budget > 0);
    if (*budget == 0) return ERROR_OK; /* more may be due: come again */
    bool none = due_ms == INT64_MAX || hashtable_volatile_count(table.root) == 0;
    return store_due(tx, heap, root, none ? HASH_TIME_NONE : due_ms);
}

/* ---- for struct collection_ops ---- */

static enum error copy(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out)
{
    enum error error = hash_create(tx, heap, copy_out);
    if (error != ERROR_OK) return error;
    struct hashtable from = hash_table(heap, root), to = hash_table(heap, *copy_out);
    error = members_table_copy(tx, &from, &to);
    return error == ERROR_OK ? store_due(tx, heap, *copy_out, hash_due_ms(heap, root)) : error;
}

static bool is_due_in_time(void *arg, struct entry *field)
{
    int64_t *due_ms = arg, time_ms = entry_expire_ms(field);
    if (time_ms < 0 || (*due_ms >= 0 && *due_ms <= time_ms)) return true;
    *due_ms = INT64_MIN;
    return false;
}

static bool is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap)
{
    if (!heap_holds(heap, root, sizeof(struct hash_layout))) {
        snprintf(detail, detail_cap, "root at %#llx", (unsigned long long)root);
        return false;
    }
    if (!members_is_valid(heap, root, dropped, detail, detail_cap)) return false;
    if (dropped) return true;
    struct hashtable table = hash_table(heap, root);
    int64_t due_ms = hash_due_ms(heap, root);
    uint64_t position = 0;
    while (hashtable_scan(&table, &position, is_due_in_time, &due_ms))
        continue;
    if (due_ms >= HASH_TIME_NONE) return true;
    snprintf(detail, detail_cap, "a field of the hash at %#llx expires before it is due",
             (unsigned long long)root);
    return false;
}

struct visiting {
    const struct heap *heap;
    collection_visit *visit;
    void *ctx;
};

static bool visit_field(void *arg, struct entry *entry)
{
    struct visiting *visiting = arg;
    char text[ENTRY_INT_TEXT_MAX];
    struct slice parts[2] = {entry_key(entry), entry_string(visiting->heap, entry, text)};
    return visiting->visit(visiting->ctx, parts, 2);
}

static void visit(const struct heap *heap, uint64_t root, collection_visit *visit_element, void *ctx)
{
    struct hashtable table = hash_table(heap, root);
    struct visiting visiting = {heap, visit_element, ctx};
    uint64_t position = 0;
    while (hashtable_scan(&table, &position, visit_field, &visiting))
        continue;
}

static void packed_visit(struct slice blob, collection_visit *visit_element, void *ctx)
{
    struct hash_packed packed = hash_packed_open(blob);
    struct hash_packed_iter iter = hash_packed_begin(&packed);
    struct packed_item field, value;
    char texts[2][PACKED_INT_TEXT_MAX];
    bool more = true;
    while (more && hash_packed_next(&iter, &field, &value, NULL)) {
        struct slice parts[2] = {packed_text(&field, texts[0]), packed_text(&value, texts[1])};
        more = visit_element(ctx, parts, 2);
    }
}

static const char *packed_encoding(struct slice blob)
{
    return hash_packed_open(blob).times == NULL ? "listpack" : "listpackex";
}

const struct collection_ops hash_ops = {
    .reclaim = members_reclaim,
    .copy = copy,
    .walk = members_walk,
    .is_valid = is_valid,
    .bytes = members_bytes,
    .count = members_count,
    .visit = visit,
    .due_ms = hash_due_ms,
    .expire = expire,
    .encoding = "hashtable",
    .packed_is_valid = hash_packed_is_valid,
    .packed_visit = packed_visit,
    .packed_encoding = packed_encoding,
    .packed_due_ms = hash_packed_due_ms,
    .packed_expire = hash_packed_expire,
};
