/* btree_node.h: nodes and their columns, for the files of the B+ tree only. */
#ifndef CAIRN_DS_BTREE_NODE_H
#define CAIRN_DS_BTREE_NODE_H

#include "ds/btree.h"
#include "util/assert.h"

#include <string.h>

#define BTREE_COLUMNS_MAX 4

/* What leaves and inner nodes differ in. */
struct btree_shape {
    unsigned slots;
    unsigned bytes;
    unsigned columns;
    struct {
        uint16_t at; /* offset in the node */
        uint16_t width;
    } column[BTREE_COLUMNS_MAX];
};
extern const struct btree_shape btree__leaf, btree__inner;

/* A slot outside of a node. Leaves have no child, and one item. */
struct btree_slot {
    struct btree_item item;
    uint64_t child;
    uint32_t items;
};

static inline const struct btree_shape *btree_shape_of(unsigned height)
{
    return height == 0 ? &btree__leaf : &btree__inner;
}

static inline struct btree_node_layout *btree_node_at(const struct btree *tree, uint64_t off)
{
    return (void *)(tree->base + off);
}

static inline uint64_t btree_off_of(const struct btree *tree, const struct btree_node_layout *node)
{
    return (uint64_t)((const char *)node - tree->base);
}

static inline struct btree_inner_layout *btree_inner_of(struct btree_node_layout *node)
{
    return (void *)node;
}

static inline struct btree_leaf_layout *btree_leaf_of(struct btree_node_layout *node)
{
    return (void *)node;
}

/* Leaves and inner nodes begin alike. */
static inline const uint64_t *btree_orders(const struct btree_node_layout *node)
{
    return (const void *)(node + 1);
}

static inline const uint64_t *btree_refs(const struct btree_node_layout *node)
{
    return (const void *)((const char *)node + btree_shape_of(node->height)->column[1].at);
}

static inline struct btree_node_layout *btree_child(const struct btree *tree, struct btree_node_layout *node,
                                                    unsigned index)
{
    return btree_node_at(tree, btree_inner_of(node)->child[index]);
}

static inline struct btree_item btree_first(const struct btree_node_layout *node)
{
    return (struct btree_item){btree_orders(node)[0], btree_refs(node)[0]};
}

static inline char *btree_column(const struct btree_shape *shape, struct btree_node_layout *node,
                                 unsigned column, unsigned index)
{
    return (char *)node + shape->column[column].at + index * shape->column[column].width;
}

static inline struct btree_node_layout *btree_top(const struct btree *tree)
{
    return btree_node_at(tree, heap_off_get((struct heap_off){tree->root->top}));
}

/* Items below the slots [from, to). */
static inline uint64_t btree_items(const struct btree_node_layout *node, unsigned from, unsigned to)
{
    if (node->height == 0) return to - from;
    const struct btree_inner_layout *inner = (const void *)node;
    uint64_t sum = 0;
    for (unsigned i = from; i < to; i++)
        sum += inner->items[i];
    return sum;
}

/* Slots of `node` that stand before `key`; with `equal` also one that equals it. */
unsigned btree__before(const struct btree *tree, const struct btree_node_layout *node,
                       const struct btree_key *key, bool equal);
/* The way to where `key` stands or would stand in its leaf, which may be behind the leaf's last item. The tree is not
 * empty. */
void btree__descend(const struct btree *tree, const struct btree_key *key, struct btree_cursor *cursor_out);

#endif
