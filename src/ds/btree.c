/* btree.c: finding items by key and by rank, and going from one to the next. */
#include "ds/btree.h"
#include "ds/btree_node.h"
#include "util/prefetch.h"

#define LINE_BYTES     64
#define PREFETCH_ITEMS 8 /* misses that overlap */

const struct btree_shape btree__leaf = {
    .slots = BTREE_LEAF_SLOTS,
    .bytes = sizeof(struct btree_leaf_layout),
    .columns = 2,
    .column = {{offsetof(struct btree_leaf_layout, order), sizeof(uint64_t)},
               {offsetof(struct btree_leaf_layout, ref), sizeof(uint64_t)}},
};
const struct btree_shape btree__inner = {
    .slots = BTREE_INNER_SLOTS,
    .bytes = sizeof(struct btree_inner_layout),
    .columns = 4,
    .column = {{offsetof(struct btree_inner_layout, order), sizeof(uint64_t)},
               {offsetof(struct btree_inner_layout, ref), sizeof(uint64_t)},
               {offsetof(struct btree_inner_layout, child), sizeof(uint64_t)},
               {offsetof(struct btree_inner_layout, items), sizeof(uint32_t)}},
};

/* How many of `count` ascending words are below `limit`. Without branches on what was read. */
static inline unsigned words_below(const uint64_t *words, unsigned count, uint64_t limit)
{
    const uint64_t *at = words;
    while (count > 1) {
        unsigned half = count / 2;
        at += at[half - 1] < limit ? half : 0;
        count -= half;
    }
    return (unsigned)(at - words) + (count == 1 && *at < limit);
}

unsigned btree__before(const struct btree *tree, const struct btree_node_layout *node,
                       const struct btree_key *key, bool equal)
{
    const uint64_t *orders = btree_orders(node);
    unsigned low = words_below(orders, node->count, key->order);
    if (key->tie == NULL || low == node->count || orders[low] != key->order) return low;
    unsigned high = node->count;
    if (key->order != UINT64_MAX) high = low + words_below(orders + low, node->count - low, key->order + 1);
    const uint64_t *refs = btree_refs(node);
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int side = tree->tie(tree->base, refs[middle], key->tie);
        if (side < 0 || (side == 0 && (equal || key->after))) low = middle + 1;
        else high = middle;
    }
    return low;
}

static inline void prefetch_node(const struct btree_node_layout *node, unsigned height)
{
    size_t orders =
        height == 0 ? offsetof(struct btree_leaf_layout, ref) : offsetof(struct btree_inner_layout, ref);
    for (size_t at = 0; at < orders; at += LINE_BYTES)
        prefetch_read((const char *)node + at);
}

static void start_at_top(const struct btree *tree, struct btree_cursor *cursor)
{
    cursor->height = heap_off_tag((struct heap_off){tree->root->top});
    cursor->at[cursor->height].node = btree_top(tree);
}

static void enter_child(const struct btree *tree, struct btree_cursor *cursor, unsigned level)
{
    struct btree_node_layout *child = btree_child(tree, cursor->at[level].node, cursor->at[level].index);
    prefetch_node(child, level - 1);
    cursor->at[level - 1].node = child;
}

void btree__descend(const struct btree *tree, const struct btree_key *key, struct btree_cursor *cursor_out)
{
    start_at_top(tree, cursor_out);
    for (unsigned level = cursor_out->height; level > 0; level--) {
        unsigned before = btree__before(tree, cursor_out->at[level].node, key, true);
        cursor_out->at[level].index = before > 0 ? before - 1 : 0;
        enter_child(tree, cursor_out, level);
    }
    cursor_out->at[0].index = btree__before(tree, cursor_out->at[0].node, key, false);
}

bool btree_next(const struct btree *tree, struct btree_cursor *cursor)
{
    unsigned level = 0;
    while (cursor->at[level].index + 1 >= cursor->at[level].node->count)
        if (level++ == cursor->height) return false;
    cursor->at[level].index++;
    for (; level > 0; level--) {
        enter_child(tree, cursor, level);
        cursor->at[level - 1].index = 0;
    }
    return true;
}

bool btree_prev(const struct btree *tree, struct btree_cursor *cursor)
{
    unsigned level = 0;
    while (cursor->at[level].index == 0)
        if (level++ == cursor->height) return false;
    cursor->at[level].index--;
    for (; level > 0; level--) {
        enter_child(tree, cursor, level);
        cursor->at[level - 1].index = cursor->at[level - 1].node->count - 1U;
    }
    return true;
}

bool btree_seek(const struct btree *tree, const struct btree_key *key, struct btree_cursor *cursor_out)
{
    if (tree->root->top == 0) return false;
    btree__descend(tree, key, cursor_out);
    return cursor_out->at[0].index < cursor_out->at[0].node->count || btree_next(tree, cursor_out);
}

bool btree_seek_before(const struct btree *tree, const struct btree_key *key, struct btree_cursor *cursor_out)
{
    if (tree->root->top == 0) return false;
    btree__descend(tree, key, cursor_out);
    return btree_prev(tree, cursor_out);
}

bool btree_at(const struct btree *tree, uint64_t rank, struct btree_cursor *cursor_out)
{
    if (rank >= tree->root->count) return false;
    start_at_top(tree, cursor_out);
    for (unsigned level = cursor_out->height; level > 0; level--) {
        const uint32_t *items = btree_inner_of(cursor_out->at[level].node)->items;
        unsigned index = 0;
        for (; rank >= items[index]; index++)
            rank -= items[index];
        cursor_out->at[level].index = index;
        enter_child(tree, cursor_out, level);
    }
    cursor_out->at[0].index = (unsigned)rank;
    return true;
}

struct btree_item btree_item(const struct btree_cursor *cursor)
{
    const struct btree_leaf_layout *leaf = (const void *)cursor->at[0].node;
    unsigned index = cursor->at[0].index;
    return (struct btree_item){leaf->order[index], leaf->ref[index]};
}

uint64_t btree_rank(const struct btree_cursor *cursor)
{
    uint64_t rank = 0;
    for (unsigned level = 0; level <= cursor->height; level++)
        rank += btree_items(cursor->at[level].node, 0, cursor->at[level].index);
    return rank;
}

uint64_t btree_rank_of(const struct btree *tree, const struct btree_key *key)
{
    struct btree_cursor cursor;
    if (tree->root->top == 0) return 0;
    btree__descend(tree, key, &cursor);
    return btree_rank(&cursor);
}

static void prefetch_ref(const struct btree *tree, const struct btree_leaf_layout *leaf, unsigned index)
{
    if (index < leaf->node.count) prefetch_read(tree->base + leaf->ref[index]);
}

void btree_prefetch(const struct btree *tree, const struct btree_cursor *cursor, bool backward)
{
    unsigned index = cursor->at[0].index;
    for (unsigned i = 0; i < PREFETCH_ITEMS; i++)
        prefetch_ref(tree, (const void *)cursor->at[0].node, backward ? index - i : index + i);
}

void btree_prefetch_ahead(const struct btree *tree, const struct btree_cursor *cursor, bool backward)
{
    unsigned index = cursor->at[0].index;
    if (index == 0 || index + 1U == cursor->at[0].node->count)
        btree_prefetch(tree, cursor, backward); /* a new leaf, maybe */
    else
        prefetch_ref(tree, (const void *)cursor->at[0].node,
                     backward ? index - PREFETCH_ITEMS + 1 : index + PREFETCH_ITEMS - 1);
}
