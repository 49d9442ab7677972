/* zset.c: large sorted sets: finding, changing, building, and the operations of their kind.
 *
 * Crash table (logged words of the owner's transaction, or new objects; a crash undoes what stands)
 *   put, new      entry (new object), slot of the table, item of the tree (btree_change.c)
 *   put, moved    [item out of the tree, item into it] or [its order in the leaf]; the entry's word
 *   remove        item, slot, free of the entry, [merge of the table's segment]
 *   reclaim       steps of the table (members.c), steps of the tree (btree_bulk.c), free of the root
 */
#include "ds/zset.h"

#include "ds/entry_edit.h"
#include "ds/members.h"
#include "ds/zset_small.h"
#include "util/assert.h"
#include "util/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGN_BIT (UINT64_C(1) << 63)

static_assert(offsetof(struct zset_layout, table) == offsetof(struct members_layout, table),
              "hints find the table");

/* ---- order ---- */

/* A number that compares as the score does; both zeros are one. */
static uint64_t order_of(double score)
{
    uint64_t bits;
    if (fpclassify(score) == FP_ZERO) score = 0;
    memcpy(&bits, &score, sizeof(bits));
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

int zset_compare_members(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int side = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return side != 0 ? side : (a.len > b.len) - (a.len < b.len);
}

int zset_compare(const struct zset_item *a, const struct zset_item *b)
{
    if (a->score < b->score) return -1;
    if (a->score > b->score) return 1;
    return zset_compare_members(a->member, b->member);
}

bool zset_is_before(const struct zset_item *item, const struct zset_bound *bound)
{
    if (item->score < bound->score) return true;
    if (item->score > bound->score) return false;
    if (bound->member.ptr == NULL) return bound->after;
    int side = zset_compare_members(item->member, bound->member);
    return side < 0 || (side == 0 && bound->after);
}

static const struct entry *entry_at(const char *base, uint64_t off)
{
    return (const void *)(base + off);
}

/* As btree_tie: `tie` is a struct slice. */
static int compare_member(const char *base, uint64_t ref, const void *tie)
{
    return zset_compare_members(entry_key_inline(entry_at(base, ref)), *(const struct slice *)tie);
}

struct btree_key zset_key(const struct zset_bound *bound)
{
    uint64_t order = order_of(bound->score);
    if (bound->member.ptr == NULL) return (struct btree_key){.order = order + bound->after};
    return (struct btree_key){.order = order, .tie = &bound->member, .after = bound->after};
}

/* ---- finding ---- */

static struct zset_layout *root_at(const struct heap *heap, uint64_t root)
{
    return heap_ptr(heap, root);
}

struct zset zset_at(const struct heap *heap, uint64_t root)
{
    struct zset_layout *layout = root_at(heap, root);
    struct hashtable table = hashtable_at(heap, &layout->table);
    return (struct zset){table.heap, table, {table.base, &layout->tree, compare_member}};
}

static double score_of(const struct entry *entry)
{
    double score;
    memcpy(&score, entry_aux((struct entry *)(uintptr_t)entry), sizeof(score));
    return score;
}

bool zset_find(const struct zset *zset, struct slice member, struct zset_place *place_out, double *score_out)
{
    place_out->hash = zset->table.hash(member, zset->table.seed);
    place_out->entry = hashtable_find(&zset->table, place_out->hash, member, &place_out->slot);
    if (place_out->entry == NULL) return false;
    *score_out = score_of(place_out->entry);
    return true;
}

struct zset_item zset_item(const struct zset *zset, const struct btree_cursor *cursor)
{
    const struct entry *entry = entry_at(zset->tree.base, btree_item(cursor).ref);
    return (struct zset_item){entry_key_inline(entry), score_of(entry)};
}

/* The member's item in the tree; it must be there (Z1). */
static void seek_entry(const struct zset *zset, const struct entry *entry, struct btree_cursor *cursor_out)
{
    struct slice member = entry_key_inline(entry);
    struct btree_key key = {.order = order_of(score_of(entry)), .tie = &member};
    bool found = btree_seek(&zset->tree, &key, cursor_out);
    ASSERT(found && entry_at(zset->tree.base, btree_item(cursor_out).ref) == entry);
}

/* ---- changing ---- */

static enum error add_member(struct tx *tx, const struct hashtable *table, uint64_t hash,
                             const struct zset_item *item, uint64_t *off_out)
{
    struct entry_image image = {
        .type = ENTRY_STRING, .encoding = ENTRY_WORD, .expire_at_ms = -1, .key = item->member};
    memcpy(&image.number, &item->score, sizeof(image.number));
    enum error error = entry_create(tx, &image, 0, off_out);
    return error == ERROR_OK ? hashtable_insert(tx, table, hash, *off_out, -1) : error;
}

static enum error move_member(struct tx *tx, const struct zset *zset, struct entry *entry, double score)
{
    struct btree_cursor cursor;
    uint64_t off = entry_off(zset->heap, entry), bits;
    struct slice member = entry_key_inline(entry);
    struct btree_key key = {.order = order_of(score), .tie = &member};
    enum error error = ERROR_OK;
    bool done = key.order == order_of(score_of(entry));
    if (!done) {
        seek_entry(zset, entry, &cursor);
        error = btree_reorder(tx, &cursor, key.order, &done);
    }
    if (error == ERROR_OK && !done) {
        error = btree_remove(tx, &zset->tree, &cursor);
        if (error == ERROR_OK) error = btree_insert(tx, &zset->tree, &key, off);
    }
    memcpy(&bits, &score, sizeof(bits));
    return error == ERROR_OK ? tx_store64(tx, entry_aux(entry), bits) : error;
}

enum error zset_put(struct tx *tx, const struct zset *zset, const struct zset_place *place,
                    struct slice member, double score)
{
    ASSERT(!isnan(score));
    if (place->entry != NULL) return move_member(tx, zset, place->entry, score);
    struct zset_item item = {member, score};
    struct btree_key key = {.order = order_of(score), .tie = &member};
    uint64_t off;
    enum error error = add_member(tx, &zset->table, place->hash, &item, &off);
    return error == ERROR_OK ? btree_insert(tx, &zset->tree, &key, off) : error;
}

enum error zset_remove(struct tx *tx, const struct zset *zset, const struct zset_place *place)
{
    struct btree_cursor cursor;
    seek_entry(zset, place->entry, &cursor);
    enum error error = btree_remove(tx, &zset->tree, &cursor);
    if (error == ERROR_OK) error = hashtable_remove(tx, &zset->table, &place->slot);
    if (error == ERROR_OK) error = entry_free(tx, place->entry, NULL);
    if (error == ERROR_OK) hashtable_shrink(tx, &zset->table, place->hash);
    return error;
}

/* ---- building ---- */

enum error zset_build(struct tx *tx, struct heap *heap, const struct zset_item *items, size_t count,
                      uint64_t *root_out)
{
    struct btree_item *tree_items = malloc((count + 1) * sizeof(*tree_items));
    if (tree_items == NULL) return ERROR_MEMORY;
    enum error error = heap_alloc(tx, sizeof(struct zset_layout), root_out);
    if (error == ERROR_OK) {
        tx_fill(tx, root_at(heap, *root_out), 0, sizeof(struct zset_layout));
        struct zset zset = zset_at(heap, *root_out);
        for (size_t i = 0; i < count && error == ERROR_OK; i++) {
            tree_items[i].order = order_of(items[i].score);
            error = add_member(tx, &zset.table, zset.table.hash(items[i].member, zset.table.seed), &items[i],
                               &tree_items[i].ref);
        }
        if (error == ERROR_OK) error = btree_build(tx, &zset.tree, tree_items, count);
    }
    free(tree_items);
    return error;
}

/* ---- operations of the kind ---- */

static enum error reclaim(struct tx *tx, struct heap *heap, uint64_t root, unsigned *budget, bool *done_out)
{
    struct zset zset = zset_at(heap, root);
    enum error error = members_table_reclaim(tx, zset.table.root, budget, done_out);
    if (error != ERROR_OK || !*done_out) return error;
    error = btree_reclaim(tx, &zset.tree, budget);
    *done_out = zset.tree.root->top == 0;
    return error == ERROR_OK && *done_out ? heap_free(tx, root) : error;
}

static enum error copy(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out)
{
    struct zset zset = zset_at(heap, root);
    struct zset_item *items = malloc((zset_count(&zset) + 1) * sizeof(*items));
    struct btree_cursor cursor;
    size_t count = 0;
    if (items == NULL) return ERROR_MEMORY;
    for (bool more = btree_at(&zset.tree, 0, &cursor); more; more = btree_next(&zset.tree, &cursor))
        items[count++] = zset_item(&zset, &cursor);
    enum error error = zset_build(tx, heap, items, count, copy_out);
    free(items);
    return error;
}

static void walk(const struct heap *heap, uint64_t root, collection_own *own, void *ctx)
{
    struct zset zset = zset_at(heap, root);
    hashtable_walk(&zset.table, own, ctx);
    btree_walk(&zset.tree, own, ctx);
    own(ctx, root);
}

struct validation {
    const struct zset *zset;
    struct zset_item last;
    bool has_last;
};

/* Z1, Z2. The table has been validated: an entry is one of its members when it finds it. */
static bool is_valid_item(void *ctx, struct btree_item item)
{
    struct validation *validation = ctx;
    const struct zset *zset = validation->zset;
    if (!entry_is_valid(zset->heap, item.ref)) return false;
    const struct entry *entry = entry_at(zset->tree.base, item.ref);
    if (entry_encoding(entry) != ENTRY_WORD || entry_type(entry) != ENTRY_STRING) return false;
    struct zset_item own = {entry_key(entry), score_of(entry)};
    struct zset_place place;
    double score;
    if (!zset_find(zset, own.member, &place, &score) || place.entry != entry) return false;
    if (isnan(own.score) || order_of(own.score) != item.order) return false;
    if (validation->has_last && zset_compare(&validation->last, &own) >= 0) return false;
    validation->last = own;
    validation->has_last = true;
    return true;
}

static bool is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap)
{
    if (root % 8 != 0 || !heap_holds(heap, root, sizeof(struct zset_layout))) {
        snprintf(detail, detail_cap, "sorted set: no block at %#llx", (unsigned long long)root);
        return false;
    }
    struct zset zset = zset_at(heap, root);
    if (!members_table_is_valid(&zset.table, dropped, detail, detail_cap)) return false;
    struct btree_layout *tree = zset.tree.root;
    if (dropped) return btree_unowned_is_valid(heap, tree, detail, detail_cap);
    struct validation validation = {.zset = &zset};
    return btree_is_valid(heap, tree, hashtable_count(zset.table.root), is_valid_item, &validation, detail,
                          detail_cap);
}

static size_t bytes(const struct heap *heap, uint64_t root, size_t samples)
{
    struct zset zset = zset_at(heap, root);
    return heap_usable_size(heap, root) + members_table_bytes(&zset.table, samples) + btree_bytes(&zset.tree);
}

static uint64_t count(const struct heap *heap, uint64_t root)
{
    return root_at(heap, root)->tree.count;
}

static void visit(const struct heap *heap, uint64_t root, collection_visit *visit_item, void *ctx)
{
    struct zset zset = zset_at(heap, root);
    struct btree_cursor cursor;
    char text[NUMBER_DOUBLE_TEXT_MAX];
    for (bool more = btree_at(&zset.tree, 0, &cursor); more; more = btree_next(&zset.tree, &cursor)) {
        struct zset_item item = zset_item(&zset, &cursor);
        struct slice parts[2] = {item.member, {text, number_double_text(text, item.score)}};
        if (!visit_item(ctx, parts, 2)) return;
    }
}

const struct collection_ops zset_ops = {
    .reclaim = reclaim,
    .copy = copy,
    .walk = walk,
    .is_valid = is_valid,
    .bytes = bytes,
    .count = count,
    .visit = visit,
    .encoding = "skiplist",
    .is_sequence = false,
    .packed_is_valid = zset_packed_is_valid,
    .packed_visit = zset_packed_visit,
};
