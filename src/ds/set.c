/* set.c: sets in blobs and in roots.
 *
 * Crash table
 *   root_create   new objects: root, members, segments
 *   root_add      a new object, then its slot (hashtable.c)
 *   root_remove   free of the member, slot, counts, [merge: hashtable_grow.c]
 */
#include "ds/set.h"

#include "ds/entry_edit.h"
#include "ds/intset.h"
#include "ds/members.h"
#include "util/hash.h"

/* ---- blobs ---- */

size_t set_blob_count(struct slice blob)
{
    return intset_is(blob) ? intset_count(blob) : packed_count(blob);
}

bool set_blob_contains(struct slice blob, const struct packed_probe *probe)
{
    size_t index;
    struct packed_iter iter = packed_begin(blob);
    if (intset_is(blob)) return probe->is_int && intset_find(blob, probe->number, &index);
    return packed_find(&iter, probe, 1);
}

struct slice set_blob_at(struct slice blob, size_t index, char text[PACKED_INT_TEXT_MAX])
{
    struct packed_item item = {.is_int = true};
    struct packed_iter iter = packed_begin(blob);
    if (intset_is(blob)) item.number = intset_at(blob, index);
    else if (!packed_skip(&iter, index) || !packed_next(&iter, &item)) return (struct slice){"", 0};
    return packed_text(&item, text);
}

/* A packed blob instead of the intset in `out`. */
static void pack(struct packed_out *out)
{
    struct packed_out packed = {0};
    struct slice blob = packed_out_blob(out);
    for (size_t i = 0; i < intset_count(blob); i++)
        packed_add_int(&packed, intset_at(blob, i));
    packed_out_free(out);
    *out = packed;
}

enum set_added set_blob_add(struct packed_out *out, struct slice member, const struct set_limits *limits)
{
    struct slice blob = packed_out_blob(out);
    struct packed_probe probe = packed_probe(member);
    size_t index = 0, count = set_blob_count(blob);
    bool ints = intset_is(blob) || blob.len == 0;
    if (ints && probe.is_int) {
        if (intset_find(blob, probe.number, &index)) return SET_PRESENT;
        if (count < limits->intset_entries) {
            intset_insert(out, index, probe.number);
            return SET_ADDED;
        }
        if (count > 0) return SET_TOO_LARGE; /* as Redis: never from an intset to a packed set of integers */
    } else if (!ints && set_blob_contains(blob, &probe)) {
        return SET_PRESENT;
    }
    uint64_t most = limits->packed_entries < PACKED_COUNT_MAX ? limits->packed_entries : PACKED_COUNT_MAX;
    if (count >= most || member.len > limits->packed_value_len) return SET_TOO_LARGE;
    if (ints && count > 0) pack(out);
    packed_add_probe(out, &probe);
    return SET_ADDED;
}

bool set_blob_remove(struct packed_out *out, struct slice member)
{
    struct slice blob = packed_out_blob(out);
    struct packed_probe probe = packed_probe(member);
    size_t index;
    if (intset_is(blob)) {
        if (!probe.is_int || !intset_find(blob, probe.number, &index)) return false;
        intset_remove(out, index);
        return true;
    }
    struct packed_iter iter = packed_begin(blob);
    if (!packed_find(&iter, &probe, 1)) return false;
    packed_cut(out, iter, 1);
    return true;
}

static bool blob_is_valid(struct slice blob)
{
    return intset_is(blob) ? intset_is_valid(blob) : packed_is_valid(blob);
}

static const char *blob_encoding(struct slice blob)
{
    return intset_is(blob) ? "intset" : "listpack";
}

static void blob_visit(struct slice blob, collection_visit *visit, void *ctx)
{
    char text[PACKED_INT_TEXT_MAX];
    struct packed_item item = {.is_int = true};
    struct packed_iter iter = packed_begin(blob);
    bool more = true;
    if (intset_is(blob)) {
        for (size_t i = 0; more && i < intset_count(blob); i++) {
            item.number = intset_at(blob, i);
            struct slice member = packed_text(&item, text);
            more = visit(ctx, &member, 1);
        }
        return;
    }
    while (more && packed_next(&iter, &item)) {
        struct slice member = packed_text(&item, text);
        more = visit(ctx, &member, 1);
    }
}

/* ---- rooted ---- */

static enum error insert_member(struct tx *tx, const struct hashtable *table, uint64_t hash,
                                struct slice member)
{
    struct entry_image image = {.encoding = ENTRY_EMBEDDED, .expire_at_ms = -1, .key = member};
    uint64_t off;
    enum error error = entry_create(tx, &image, 0, &off);
    return error == ERROR_OK ? hashtable_insert(tx, table, hash, off, -1) : error;
}

struct addition {
    struct tx *tx;
    struct hashtable table;
    enum error error;
};

static bool add_member(void *ctx, const struct slice *parts, size_t count)
{
    struct addition *addition = ctx;
    (void)count;
    addition->error =
        insert_member(addition->tx, &addition->table, hash_bytes(parts[0], addition->table.seed), parts[0]);
    return addition->error == ERROR_OK;
}

enum error set_root_create(struct tx *tx, struct heap *heap, struct slice blob, uint64_t *root_out)
{
    enum error error = members_create(tx, heap, root_out);
    if (error != ERROR_OK) return error;
    struct addition addition = {tx, members_table(heap, *root_out), ERROR_OK};
    blob_visit(blob, add_member, &addition);
    return addition.error;
}

enum error set_root_add(struct tx *tx, struct heap *heap, uint64_t root, struct slice member, bool *added_out)
{
    struct hashtable table = members_table(heap, root);
    struct hashtable_place place;
    uint64_t hash = hash_bytes(member, table.seed);
    *added_out = hashtable_find(&table, hash, member, &place) == NULL;
    return *added_out ? insert_member(tx, &table, hash, member) : ERROR_OK;
}

enum error set_root_remove(struct tx *tx, struct heap *heap, uint64_t root, struct slice member,
                           bool *removed_out)
{
    struct hashtable table = members_table(heap, root);
    struct hashtable_place place;
    uint64_t hash = hash_bytes(member, table.seed);
    struct entry *entry = hashtable_find(&table, hash, member, &place);
    *removed_out = entry != NULL;
    if (entry == NULL) return ERROR_OK;
    enum error error = entry_free(tx, entry, NULL);
    if (error == ERROR_OK) error = hashtable_remove(tx, &table, &place);
    if (error == ERROR_OK) hashtable_shrink(tx, &table, hash);
    return error;
}

struct visiting {
    collection_visit *visit;
    void *ctx;
};

static bool visit_member(void *arg, struct entry *entry)
{
    struct visiting *visiting = arg;
    struct slice member = entry_key(entry);
    return visiting->visit(visiting->ctx, &member, 1);
}

static void root_visit(const struct heap *heap, uint64_t root, collection_visit *visit, void *ctx)
{
    struct hashtable table = members_table(heap, root);
    struct visiting visiting = {visit, ctx};
    uint64_t position = 0;
    while (hashtable_scan(&table, &position, visit_member, &visiting))
        continue;
}

/* ---- any ---- */

uint64_t set_count(const struct heap *heap, const struct entry *entry)
{
    struct slice blob;
    if (entry_packed(heap, entry, &blob)) return set_blob_count(blob);
    return members_count(heap, entry_root(entry, NULL));
}

bool set_contains(const struct heap *heap, const struct entry *entry, struct slice member)
{
    struct slice blob;
    if (entry_packed(heap, entry, &blob)) {
        struct packed_probe probe = packed_probe(member);
        return set_blob_contains(blob, &probe);
    }
    struct hashtable table = members_table(heap, entry_root(entry, NULL));
    struct hashtable_place place;
    return hashtable_find(&table, hash_bytes(member, table.seed), member, &place) != NULL;
}

const struct collection_ops set_ops = {
    .reclaim = members_reclaim,
    .copy = members_copy,
    .walk = members_walk,
    .is_valid = members_is_valid,
    .bytes = members_bytes,
    .count = members_count,
    .visit = root_visit,
    .encoding = "hashtable",
    .packed_is_valid = blob_is_valid,
    .packed_visit = blob_visit,
    .packed_encoding = blob_encoding,
};
