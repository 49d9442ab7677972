/* hashtable_reclaim.c: tables without an owner, freed in small transactions (H7).
 *
 * `progress` of a node says how far it is done: words of a directory, slots of a segment. Chains go first.
 *
 * Crash table (each step is one transaction: it is there whole or not at all):
 *   detach    node's link, head, root's words
 *   segment   frees of entries, then the segment's progress; at its end the frees of the block itself
 *             together with the progress of the directory or what names the table: no word names a freed block
 *   chain     frees of a link's entries, the segment's chain word, free of the link
 */
#include "ds/entry_edit.h"
#include "ds/hashtable_segment.h"

enum error hashtable_detach(struct tx *tx, const struct hashtable *table, uint64_t *list)
{
    uint64_t top = table->root->directory;
    if (top == 0) return ERROR_OK;
    struct collection_node_layout *node = (void *)(table->base + heap_off_get((struct heap_off){top}));
    enum error error = tx_store64(tx, &node->link, *list);
    if (error == ERROR_OK) error = tx_store64(tx, list, top);
    if (error == ERROR_OK) error = tx_snapshot(tx, table->root, sizeof(*table->root));
    if (error == ERROR_OK) tx_fill(tx, table->root, 0, sizeof(*table->root));
    return error;
}

struct reclaim {
    struct tx *tx;
    char *base;
    uint64_t *list;   /* for roots; may be NULL */
    unsigned blocks;  /* that may still be freed */
    uint64_t entries; /* freed */
};

/* Frees entries of the segment from slot *index on, within the budget. */
static enum error free_entries(struct reclaim *reclaim, struct hashtable_segment_layout *segment, uint64_t *index)
{
    unsigned count = segment_slots(segment->level);
    for (; *index < count && reclaim->blocks > 0; ++*index) {
        uint64_t off = hashtable_slot_off(segment->buckets[0].slots[*index]);
        if (off == 0) continue;
        struct entry *entry = (void *)(reclaim->base + off);
        bool leaves_root = entry_root(entry, NULL) != 0;
        enum error error = entry_free(reclaim->tx, entry, reclaim->list);
        if (error != ERROR_OK) return error;
        reclaim->blocks--;
        reclaim->entries += !leaves_root;
    }
    return ERROR_OK;
}

/* Works on one segment; *done_out when it was freed as well. */
static enum error reclaim_segment(struct reclaim *reclaim, uint64_t off, bool *done_out)
{
    struct tx *tx = reclaim->tx;
    char *base = reclaim->base;
    struct hashtable_segment_layout *segment = segment_at(base, off);
    enum error error = ERROR_OK;
    *done_out = false;
    while (segment->chain != 0) {
        uint64_t link = segment->chain, index = 0;
        if (reclaim->blocks < segment_slots(HASHTABLE_LEVEL_OVERFLOW)) reclaim->blocks = 0;
        if (reclaim->blocks == 0) return ERROR_OK;
        error = free_entries(reclaim, segment_at(base, link), &index);
        if (error == ERROR_OK) error = tx_store64(tx, &segment->chain, segment_at(base, link)->chain);
        if (error == ERROR_OK) error = heap_free(tx, link);
        if (error != ERROR_OK) return error;
    }
    uint64_t index = segment->node.progress;
    error = free_entries(reclaim, segment, &index);
    if (error != ERROR_OK) return error;
    *done_out = index == segment_slots(segment->level);
    return *done_out ? heap_free(tx, off) : tx_store64(tx, &segment->node.progress, index);
}

static enum error reclaim_directory(struct reclaim *reclaim, uint64_t top, bool *done_out)
{
    char *base = reclaim->base;
    struct hashtable_directory_layout *directory = directory_at(base, top);
    unsigned depth = directory_depth(top);
    uint64_t progress = directory->node.progress;
    bool segment_done = true;
    while (progress < UINT64_C(1) << depth && reclaim->blocks > 0 && segment_done) {
        struct segment_ref ref = segment_ref_of(directory->words[progress]);
        enum error error = reclaim_segment(reclaim, ref.off, &segment_done);
        if (error != ERROR_OK) return error;
        if (segment_done) progress += UINT64_C(1) << (depth - ref.depth);
        if (segment_done && reclaim->blocks > 0) reclaim->blocks--;
    }
    *done_out = progress >= UINT64_C(1) << depth;
    if (*done_out) return heap_free(reclaim->tx, heap_off_get((struct heap_off){top}));
    return progress == directory->node.progress ? ERROR_OK
                                                : tx_store64(reclaim->tx, &directory->node.progress, progress);
}

enum error hashtable_reclaim(struct tx *tx, uint64_t top, uint64_t *list, unsigned *budget, uint64_t *freed,
                             bool *done_out)
{
    struct reclaim reclaim = {tx, heap_base(heap_of(tx)), list, *budget, 0};
    enum error error = word_is_directory(top)
                           ? reclaim_directory(&reclaim, top, done_out)
                           : reclaim_segment(&reclaim, heap_off_get((struct heap_off){top}), done_out);
    *budget = reclaim.blocks;
    *freed += reclaim.entries;
    return error;
}
