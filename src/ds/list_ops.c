/* list_ops.c: what every collection can do, for lists (ds/collection.h): reclaim, copy, check.
 *
 * Crash table (one transaction each)
 *   reclaim   frees of the first chunks, the root's head; at last the free of the root
 *   copy      new objects only
 */
#include "ds/list_chain.h"

#include <stdio.h>

static struct list list_of(const struct heap *heap, uint64_t root)
{
    return list_at((struct heap *)(uintptr_t)heap, root);
}

static enum error reclaim(struct tx *tx, struct heap *heap, uint64_t root, unsigned *budget, bool *done_out)
{
    struct list list = list_at(heap, root);
    uint64_t first = list.root->head, off = first;
    enum error error = ERROR_OK;
    *done_out = false;
    for (; off != 0 && *budget > 0 && error == ERROR_OK; --*budget) {
        error = heap_free(tx, off);
        off = list_chunk_at(&list, off)->next;
    }
    if (error == ERROR_OK && off != first) error = tx_store64(tx, &list.root->head, off);
    if (error != ERROR_OK || off != 0 || *budget == 0) return error;
    --*budget;
    *done_out = true;
    return heap_free(tx, root);
}

/* Chunks of the copy hold exactly what the originals do. */
static enum error copy(struct tx *tx, struct heap *heap, uint64_t root, uint64_t *copy_out)
{
    struct list list = list_at(heap, root);
    struct list_layout image = {.count = list.root->count, .flags = list.root->flags};
    enum error error = heap_alloc(tx, sizeof(image), copy_out);
    for (uint64_t off = list.root->head; off != 0 && error == ERROR_OK;
         off = list_chunk_at(&list, off)->next) {
        struct list_chunk_layout *from = list_chunk_at(&list, off);
        uint64_t to_off;
        error = list_chunk_create(tx, list_used(from), 0, &to_off);
        if (error != ERROR_OK) break;
        struct list_chunk_layout *to = list_chunk_at(&list, to_off);
        list_chunk_append(tx, to, list_room(from) + from->extent.begin, list_used(from), from->extent.items);
        tx_write64(tx, &to->prev, image.tail);
        if (image.tail == 0) image.head = to_off;
        else tx_write64(tx, &list_chunk_at(&list, image.tail)->next, to_off);
        image.tail = to_off;
    }
    if (error == ERROR_OK) tx_write(tx, heap_ptr(heap, *copy_out), &image, sizeof(image));
    return error;
}

static void walk(const struct heap *heap, uint64_t root, collection_own *own, void *ctx)
{
    struct list list = list_of(heap, root);
    own(ctx, root);
    for (uint64_t off = list.root->head; off != 0; off = list_chunk_at(&list, off)->next)
        own(ctx, off);
}

static bool is_valid(const struct heap *heap, uint64_t root, bool dropped, char *detail, size_t detail_cap)
{
    uint64_t items = 0, prev = 0, most = heap_used_bytes(heap) / sizeof(struct list_chunk_layout);
    const char *fault = NULL;
    if (!heap_holds(heap, root, sizeof(struct list_layout))) {
        snprintf(detail, detail_cap, "list root at %#llx: no block of its size", (unsigned long long)root);
        return false;
    }
    struct list list = list_of(heap, root);
    uint64_t off = list.root->head;
    if (list.root->flags & ~(uint64_t)LIST_FLAGS) fault = "unknown flags";
    for (; off != 0 && fault == NULL; most--) {
        if (most == 0 || !list_chunk_is_valid(heap, off)) {
            fault = most == 0 ? "the chain has no end" : "a chunk is damaged"; /* L2 */
            break;
        }
        const struct list_chunk_layout *chunk = list_chunk_at(&list, off);
        if (chunk->prev != prev && !(dropped && prev == 0)) fault = "a chunk's link back is wrong"; /* L1 */
        items += chunk->extent.items;
        prev = off;
        off = chunk->next;
    }
    if (fault == NULL && !dropped && (list.root->tail != prev || list.root->count != items || items == 0))
        fault = "tail or count is wrong"; /* L1, L3 */
    if (fault != NULL)
        snprintf(detail, detail_cap, "list root at %#llx: %s", (unsigned long long)root, fault);
    return fault == NULL;
}

/* At most `samples` items (0: all) are looked at: whole chunks, and the rest at their average. */
static size_t bytes(const struct heap *heap, uint64_t root, size_t samples)
{
    struct list list = list_of(heap, root);
    size_t sum = 0;
    uint64_t seen = 0, count = list.root->count;
    for (uint64_t off = list.root->head; off != 0 && (samples == 0 || seen < samples);
         off = list_chunk_at(&list, off)->next) {
        sum += heap_usable_size(heap, off);
        seen += list_chunk_at(&list, off)->extent.items;
    }
    if (seen > 0 && seen < count) sum = (size_t)((double)sum / (double)seen * (double)count);
    return heap_usable_size(heap, root) + sum;
}

static uint64_t count_of(const struct heap *heap, uint64_t root)
{
    return list_of(heap, root).root->count;
}

static void visit_items(const struct heap *heap, uint64_t root, collection_visit *visit, void *ctx)
{
    struct list list = list_of(heap, root);
    struct list_iter iter = list_seek(&list, 0, false);
    struct list_item item;
    while (list_next(&iter, &item) && visit(ctx, &item.text, 1))
        continue;
}

static const char *encoding(const struct heap *heap, uint64_t root)
{
    return list_of(heap, root).root->flags & LIST_FLAG_SPREAD ? "quicklist" : "listpack";
}

static bool no_blob_is_valid(struct slice blob)
{
    (void)blob;
    return false;
}

static void visit_nothing(struct slice blob, collection_visit *visit, void *ctx)
{
    (void)blob, (void)visit, (void)ctx;
}

const struct collection_ops list_ops = {
    .reclaim = reclaim,
    .copy = copy,
    .walk = walk,
    .is_valid = is_valid,
    .bytes = bytes,
    .count = count_of,
    .visit = visit_items,
    .rooted_encoding = encoding,
    .is_sequence = true,
    .packed_is_valid = no_blob_is_valid,
    .packed_visit = visit_nothing,
};
