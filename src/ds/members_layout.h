/* members_layout.h: bytes of a root whose elements are entries in a hash table: large hashes and sets. Sorted sets begin like it. */
#ifndef CAIRN_DS_MEMBERS_LAYOUT_H
#define CAIRN_DS_MEMBERS_LAYOUT_H

#include "ds/collection_layout.h"
#include "ds/hashtable_layout.h"

struct members_layout {
    struct collection_node_layout node;
    struct hashtable_layout table;
};
static_assert(sizeof(struct members_layout) == 48, "root");
static_assert(offsetof(struct members_layout, table) == 16, "root");

#endif
