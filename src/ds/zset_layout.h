/* zset_layout.h: bytes of a large sorted set's root on media.
 *
 * Invariants
 *   Z1. Each member is an entry (ENTRY_STRING, ENTRY_WORD) that stands once in the table and once in the tree; its word holds
 *       the bits of its score, a double that is not NaN.
 *   Z2. The tree's items are {zset_order of the score, offset of the entry}, equal orders by the bytes of the members.
 */
#ifndef CAIRN_DS_ZSET_LAYOUT_H
#define CAIRN_DS_ZSET_LAYOUT_H

#include "ds/btree_layout.h"
#include "ds/collection_layout.h"
#include "ds/hashtable_layout.h"

struct zset_layout {
    struct collection_node_layout node;
    struct hashtable_layout table;
    struct btree_layout tree;
};
static_assert(sizeof(struct zset_layout) == 64, "root");
static_assert(offsetof(struct zset_layout, table) == 16, "root");
static_assert(offsetof(struct zset_layout, tree) == 48, "root");

#endif
