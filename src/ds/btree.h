/* btree.h: a persistent counted B+ tree: items in order, found by key or by rank in O(log n).
 *
 * An item is {order, ref}, 64 bits each. The order is compared as an unsigned number; what is equal there the owner
 * tells apart (btree_tie), so a tree can stand in the order of (score, name) or of longer ids without a copy of the names.
 *
 * The tree has one owner, whose lock is held until commit; changes run in the caller's transaction, and an error means
 * that it must be rolled back. The tree neither frees nor allocates what refs refer to.
 */
#ifndef CAIRN_DS_BTREE_H
#define CAIRN_DS_BTREE_H

#include "ds/btree_layout.h"
#include "heap/heap.h"
#include "util/error.h"

#include <stdbool.h>

struct btree_item {
    uint64_t order;
    uint64_t ref;
};

/* A place among the items: before all items of `order` (tie NULL), or where the owner's `tie` stands among them; with
 * `after` behind the item that equals it. */
struct btree_key {
    uint64_t order;
    const void *tie;
    bool after;
};

/* Negative, 0 or positive as the item `ref` stands before, at or behind `tie`. */
typedef int btree_tie(const char *base, uint64_t ref, const void *tie);

/* A handle, by value; nothing of it persists. */
struct btree {
    char *base; /* heap_base */
    struct btree_layout *root;
    btree_tie *tie;
};

/* A position in the tree, the way to it from the leaf (at[0]) up. Good until the tree is written. */
struct btree_cursor {
    unsigned height; /* of the topmost node */
    struct {
        struct btree_node_layout *node;
        unsigned index;
    } at[BTREE_LEVELS_MAX];
};

static inline uint64_t btree_count(const struct btree *tree)
{
    return tree->root->count;
}

/* ---- finding: false when there is no such item (the cursor is then good for nothing) ---- */

/* The first item at or behind `key`. */
bool btree_seek(const struct btree *tree, const struct btree_key *key, struct btree_cursor *cursor_out);
/* The last item before `key`. */
bool btree_seek_before(const struct btree *tree, const struct btree_key *key,
                       struct btree_cursor *cursor_out);
/* The item with `rank` items before it. */
bool btree_at(const struct btree *tree, uint64_t rank, struct btree_cursor *cursor_out);
bool btree_next(const struct btree *tree, struct btree_cursor *cursor);
bool btree_prev(const struct btree *tree, struct btree_cursor *cursor);

struct btree_item btree_item(const struct btree_cursor *cursor);
/* How many items stand before the cursor's. */
uint64_t btree_rank(const struct btree_cursor *cursor);
/* How many items stand before `key`. */
uint64_t btree_rank_of(const struct btree *tree, const struct btree_key *key);
/* Asks the cache for what the cursor's item and those after it (before it) in its leaf refer to, a few of them; and for what the
 * item those few steps on refers to. */
void btree_prefetch(const struct btree *tree, const struct btree_cursor *cursor, bool backward);
void btree_prefetch_ahead(const struct btree *tree, const struct btree_cursor *cursor, bool backward);

/* ---- changing ---- */

/* Adds an item; none that equals `key` may be there. */
MUST_CHECK enum error btree_insert(struct tx *tx, const struct btree *tree, const struct btree_key *key,
                                   uint64_t ref);
MUST_CHECK enum error btree_remove(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor);
/* Gives the cursor's item another order that leaves it where it is; false in *done_out, and nothing changed, when it would
 * not (or the leaf alone cannot tell). */
MUST_CHECK enum error btree_reorder(struct tx *tx, struct btree_cursor *cursor, uint64_t order,
                                    bool *done_out);
/* Fills an empty tree with items that ascend, nodes as full as they get. */
MUST_CHECK enum error btree_build(struct tx *tx, const struct btree *tree, const struct btree_item *items,
                                  size_t count);
/* Frees about *budget nodes of a tree that nobody uses any more, from its end; each costs one of the budget. The tree is empty
 * when root->top is 0; in between btree_walk names what is left, and nothing else may be asked. Allocates nothing. */
MUST_CHECK enum error btree_reclaim(struct tx *tx, const struct btree *tree, unsigned *budget);

/* ---- checking ---- */
/* Called for every item in order; false: the item is wrong. */
typedef bool btree_check(void *ctx, struct btree_item item);
/* Trusts no byte. `count`: how many items there must be; bounds the work. */
bool btree_is_valid(const struct heap *heap, const struct btree_layout *root, uint64_t count,
                    btree_check *check, void *ctx, char *detail, size_t detail_cap);
/* The same for what btree_reclaim has left. */
bool btree_unowned_is_valid(const struct heap *heap, const struct btree_layout *root, char *detail,
                            size_t detail_cap);
/* Names every node. */
void btree_walk(const struct btree *tree, void (*own)(void *ctx, uint64_t off), void *ctx);
/* Bytes that nodes take in the heap. */
size_t btree_bytes(const struct btree *tree);

#endif
