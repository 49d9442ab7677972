/* reclaim.c: hanging values onto a reclaim list, and freeing what hangs there.
 *
 * Crash table (each step is one transaction: it is there whole or not at all)
 *   push   the root's link, the list's head
 *   step   frees and progress of the first nodes (hashtable_reclaim.c and the kinds' own); a node that is done: its
 *          free together with the list's head, so that no word names a freed block
 * A table's entries that have roots hang them behind the table itself: the head changes only when a node is done.
 */
#include "ds/reclaim.h"

#include "ds/hashtable.h"
#include "ds/hashtable_segment.h"

#include <stdio.h>

static enum collection_kind kind_of(uint64_t word)
{
    if (word_is_directory(word)) return 0;
    return heap_off_tag((struct heap_off){word}) >> RECLAIM_KIND_SHIFT & RECLAIM_KIND_MASK;
}

static struct collection_node_layout *node_at(const struct heap *heap, uint64_t word)
{
    return heap_ptr(heap, heap_off_get((struct heap_off){word}));
}

enum error reclaim_push(struct tx *tx, uint64_t root, enum collection_kind kind, uint64_t *list)
{
    struct collection_node_layout *node = heap_ptr(heap_of(tx), root);
    enum error error = tx_store64(tx, &node->link, *list);
    uint64_t word = heap_off_make(root, (uint16_t)(kind << RECLAIM_KIND_SHIFT)).raw;
    return error == ERROR_OK ? tx_store64(tx, list, word) : error;
}

enum error reclaim_step(struct tx *tx, uint64_t *list, unsigned max_blocks, uint64_t *values_out)
{
    struct heap *heap = heap_of(tx);
    unsigned budget = max_blocks > HASHTABLE_RECLAIM_MIN ? max_blocks : HASHTABLE_RECLAIM_MIN;
    bool done = true;
    *values_out = 0;
    while (*list != 0 && budget > 0 && done) {
        struct collection_node_layout *node = node_at(heap, *list);
        enum collection_kind kind = kind_of(*list);
        enum error error;
        if (kind == 0) {
            error = hashtable_reclaim(tx, *list, &node->link, &budget, values_out, &done);
        } else {
            uint64_t root = heap_off_get((struct heap_off){*list});
            error = collection_ops(kind)->reclaim(tx, heap, root, &budget, &done);
            *values_out += done;
        }
        if (error == ERROR_OK && done) error = tx_store64(tx, list, node->link);
        if (error != ERROR_OK) return error;
        if (budget > 0) budget--;
    }
    return ERROR_OK;
}

static bool root_is_valid(const struct heap *heap, uint64_t word, char *detail, size_t detail_cap)
{
    uint64_t root = heap_off_get((struct heap_off){word});
    const struct collection_ops *ops = collection_ops(kind_of(word));
    if (ops != NULL && root % 8 == 0 && heap_holds(heap, root, sizeof(struct collection_node_layout)))
        return ops->is_valid(heap, root, true, detail, detail_cap);
    snprintf(detail, detail_cap, "a reclaim list names %#llx", (unsigned long long)word);
    return false;
}

bool reclaim_is_valid(const struct heap *heap, uint64_t list, char *detail, size_t detail_cap)
{
    uint64_t left = heap_used_bytes(heap) / sizeof(struct collection_node_layout);
    detail[0] = '\0';
    for (; list != 0; list = node_at(heap, list)->link) {
        if (left-- == 0) {
            snprintf(detail, detail_cap, "a reclaim list has no end");
            return false;
        }
        if (kind_of(list) == 0 ? !hashtable_unowned_is_valid(heap, list, detail, detail_cap)
                               : !root_is_valid(heap, list, detail, detail_cap))
            return false;
    }
    return true;
}

void reclaim_walk(const struct heap *heap, uint64_t list, collection_own *own, void *ctx)
{
    for (; list != 0; list = node_at(heap, list)->link) {
        enum collection_kind kind = kind_of(list);
        if (kind == 0) hashtable_unowned_walk(heap, list, own, ctx);
        else collection_ops(kind)->walk(heap, heap_off_get((struct heap_off){list}), own, ctx);
    }
}
