/* members.c: roots of one hash table: made, copied, validated, measured, freed.
 *
 * Crash table
 *   create   a new object: nobody reaches it until the caller stores its offset in an entry
 *   copy     new objects as well: root, segments, members
 *   reclaim  steps of the table (hashtable_reclaim.c); the table's word with its last step; then the root's free
 */
#include "ds/members.h"

#include "ds/entry_edit.h"

#include <stdio.h>

static struct members_layout *root_at(const struct heap *heap, uint64_t root)
{
    return heap_ptr(heap, root);
}

struct hashtable members_table(const struct heap *heap, uint64_t root)
{
    return hashtable_at(heap, &root_at(heap, root)->table);
}

enum error members_create(struct tx *tx, struct heap *heap, uint64_t *root_out)
{
    enum error error = heap_alloc(tx, sizeof(struct members_layout), root_out);
    if (error == ERROR_OK) tx_fill(tx, root_at(heap, *root_out), 0, sizeof(struct members_layout));
    return error;
}

/* ---- freeing ---- */

enum error members_table_reclaim(struct tx *tx, struct hashtable_layout *table, unsigned *budget,
                                 bool *done_out)
{
    uint64_t freed = 0;
    *done_out = true;
    if (table->directory == 0) return ERROR_OK;
    enum error error = hashtable_reclaim(tx, table->directory, NULL, budget, &freed, done_out);
    if (error == ERROR_OK && *done_out) error = tx_store64(tx, &table->directory, 0);
    return error;
}

enum error members_reclaim(struct tx *tx, struct heap *heap, uint64_t root, unsigned *budget, bool *done_out)
{
    enum error error = members_table_reclaim(tx, &root_at(heap, root)->table, budget, done_out);
    return error == ERROR_OK && *done_out ? heap_free(tx, root) : error;
}

/* ---- copying ---- */

struct copy {
    struct tx *tx;
    const struct hashtable *to;
    enum error error;
};

static bool copy_member(void *arg, struct entry *entry)
{
    struct copy *copy = arg;
    struct entry_image image = entry_image_of(entry);
    uint64_t off;
    if (image.encoding == ENTRY_EXTERNAL)
        copy->error =
            entry_external_create(copy->tx, entry_string(copy->to->heap, entry, NULL), 0, &image.external);
    if (copy->error == ERROR_OK) copy->error = entry_create(copy->tx, &image, 0, &off);
    if (copy->error == ERROR_OK)
        copy->error = hashtable_insert(copy->tx, copy->to, copy->to->hash(image.key, copy->to->seed), off,
                                       image.expire_at_ms);
    return copy->error == ERROR_OK;
}

enum error members_table_copy(struct tx *tx, const struct hashtable *from, const struct hashtable *to)
{
    struct copy copy = {tx, to, ERROR_OK};
    uint64_t position = 0;
    while (hashtable_scan(from, &position, copy_member, &copy))
        continue;
    return copy.error;
}

enum error members_copy(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out)
{
    enum error error = members_create(tx, heap, copy_out);
    if (error != ERROR_OK) return error;
    struct hashtable from = members_table(heap, root), to = members_table(heap, *copy_out);
    return members_table_copy(tx, &from, &to);
}

/* ---- checking and measuring ---- */

void members_walk(const struct heap *heap, uint64_t root, collection_own *own, void *ctx)
{
    struct hashtable table = members_table(heap, root);
    hashtable_walk(&table, own, ctx);
    own(ctx, root);
}

static bool is_element(void *arg, struct entry *entry)
{
    bool *all = arg;
    *all = entry_type(entry) == ENTRY_STRING;
    return *all;
}

bool members_table_is_valid(const struct hashtable *table, bool dropped, char *detail, size_t detail_cap)
{
    uint64_t position = 0;
    bool elements = true;
    if (dropped)
        return table->root->directory == 0 ||
               hashtable_unowned_is_valid(table->heap, table->root->directory, detail, detail_cap);
    if (!hashtable_is_valid(table, detail, detail_cap)) return false;
    while (hashtable_scan(table, &position, is_element, &elements))
        continue;
    if (!elements) snprintf(detail, detail_cap, "an element is no string");
    return elements;
}

bool members_is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap)
{
    if (!heap_holds(heap, root, sizeof(struct members_layout))) {
        snprintf(detail, detail_cap, "root at %#llx", (unsigned long long)root);
        return false;
    }
    struct hashtable table = members_table(heap, root);
    return members_table_is_valid(&table, dropped, detail, detail_cap);
}

struct sample {
    const struct heap *heap;
    size_t left;
    size_t seen;
    size_t bytes;
};

static bool measure_member(void *arg, struct entry *entry)
{
    struct sample *sample = arg;
    sample->bytes += entry_heap_bytes(sample->heap, entry, 0);
    sample->seen++;
    return --sample->left > 0;
}

size_t members_table_bytes(const struct hashtable *table, size_t samples)
{
    uint64_t bytes, slots, position = 0;
    struct sample sample = {table->heap, samples == 0 ? SIZE_MAX : samples, 0, 0};
    hashtable_memory(table, &bytes, &slots);
    while (hashtable_scan(table, &position, measure_member, &sample))
        continue;
    if (sample.seen == 0) return bytes;
    return bytes +
           (size_t)((double)sample.bytes / (double)sample.seen * (double)hashtable_count(table->root));
}

size_t members_bytes(const struct heap *heap, uint64_t root, size_t samples)
{
    struct hashtable table = members_table(heap, root);
    return heap_usable_size(heap, root) + members_table_bytes(&table, samples);
}

uint64_t members_count(const struct heap *heap, uint64_t root)
{
    return hashtable_count(&root_at(heap, root)->table);
}
