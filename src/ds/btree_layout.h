/* btree_layout.h: bytes of a counted B+ tree on media.
 *
 *     root ──> inner ──> inner ──> leaf        height of a node: levels below it, 0 for a leaf
 *
 *     leaf:   header | order[31] | ref[31]
 *     inner:  header | order[36] | ref[36] | child[36] | items[36]
 *
 * Terms: an *item* is a word that orders and a word that refers to what the owner keeps; items of one order are told apart
 * by the owner. A *slot* of a leaf is an item; a slot of an inner node is a child, with the child's first item
 * and the number of items below it. The *columns* of a node are its arrays.
 *
 * Invariants
 *   B1. Items ascend strictly through the leaves. Only the first `count` slots of a node mean anything.
 *   B2. A slot of an inner node holds the first item below its child, exactly, and the exact number of items.
 *   B3. No node is empty; an empty tree has no node, and a root that is an inner node has two children or more.
 *   B4. Two neighbours of one parent that would fit into MERGE_MAX slots are merged when one loses a slot; nothing else bounds
 *       how sparse a node may be.
 *   B5. Words of a tree belong to the object that owns the tree (H3).
 */
#ifndef CAIRN_DS_BTREE_LAYOUT_H
#define CAIRN_DS_BTREE_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define BTREE_LEAF_SLOTS  31
#define BTREE_INNER_SLOTS 36
#define BTREE_LEVELS_MAX  12 /* leaf included: far more than 2^32 items need */

/* The tree's root, inside a block of its owner. All zero: an empty tree. */
struct btree_layout {
    uint64_t top; /* struct heap_off: of the topmost node, tagged with its height */
    uint64_t count;
};
static_assert(sizeof(struct btree_layout) == 16, "root");

struct btree_node_layout {
    uint16_t count;
    uint16_t height;
    uint32_t reserved;
};
static_assert(sizeof(struct btree_node_layout) == 8, "node header is a word");

struct btree_leaf_layout {
    struct btree_node_layout node;
    uint64_t order[BTREE_LEAF_SLOTS];
    uint64_t ref[BTREE_LEAF_SLOTS];
};
static_assert(offsetof(struct btree_leaf_layout, order) == 8, "leaf");
static_assert(offsetof(struct btree_leaf_layout, ref) == 256, "leaf");
static_assert(sizeof(struct btree_leaf_layout) == 504, "leaf");

struct btree_inner_layout {
    struct btree_node_layout node;
    uint64_t order[BTREE_INNER_SLOTS];
    uint64_t ref[BTREE_INNER_SLOTS];
    uint64_t child[BTREE_INNER_SLOTS]; /* offsets */
    uint32_t items[BTREE_INNER_SLOTS];
};
static_assert(offsetof(struct btree_inner_layout, order) == 8, "inner node");
static_assert(offsetof(struct btree_inner_layout, ref) == 296, "inner node");
static_assert(offsetof(struct btree_inner_layout, child) == 584, "inner node");
static_assert(offsetof(struct btree_inner_layout, items) == 872, "inner node");
static_assert(sizeof(struct btree_inner_layout) == 1016, "inner node");

#endif
