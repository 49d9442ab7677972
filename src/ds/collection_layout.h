/* collection_layout.h: what every root block begins with on media. */
#ifndef CAIRN_DS_COLLECTION_LAYOUT_H
#define CAIRN_DS_COLLECTION_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* The place on a reclaim list (ds/reclaim.h). Directories and segments of hash tables begin with it as well. */
struct collection_node_layout {
    uint64_t link;     /* the next node of the list; 0 at its end, and in what has an owner */
    uint64_t progress; /* the kind's own; 0 in what has an owner */
};
static_assert(sizeof(struct collection_node_layout) == 16, "node");
static_assert(offsetof(struct collection_node_layout, progress) == 8, "node");

#endif
