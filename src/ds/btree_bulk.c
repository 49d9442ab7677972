/* btree_bulk.c: whole trees: built from items in order, taken apart in steps, walked and checked.
 *
 * Crash table
 *   build     new objects, then the root's two words (logged)
 *   reclaim   frees, the last node's header and [its parents' headers] or the root's word: no header counts a freed child
 */
#include "ds/btree_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- building ---- */

/* Writes `count` slots into one new node. */
static enum error build_node(struct tx *tx, const struct btree *tree, unsigned height,
                             const struct btree_slot *slots, unsigned count, struct btree_slot *above_out)
{
    union {
        struct btree_node_layout node;
        struct btree_leaf_layout leaf;
        struct btree_inner_layout inner;
    } image = {.node = {.count = (uint16_t)count, .height = (uint16_t)height}};
    uint64_t off, items = 0;
    for (unsigned i = 0; i < count; i++) {
        if (height == 0) {
            image.leaf.order[i] = slots[i].item.order;
            image.leaf.ref[i] = slots[i].item.ref;
        } else {
            image.inner.order[i] = slots[i].item.order;
            image.inner.ref[i] = slots[i].item.ref;
            image.inner.child[i] = slots[i].child;
            image.inner.items[i] = slots[i].items;
        }
        items += slots[i].items;
    }
    enum error error = heap_alloc(tx, btree_shape_of(height)->bytes, &off);
    if (error != ERROR_OK) return error;
    tx_write(tx, btree_node_at(tree, off), &image, btree_shape_of(height)->bytes);
    *above_out = (struct btree_slot){slots[0].item, off, (uint32_t)items};
    return ERROR_OK;
}

/* Replaces the slots by those of the nodes made of them; returns how many these are. */
static enum error build_level(struct tx *tx, const struct btree *tree, unsigned height,
                              struct btree_slot *slots, size_t *count)
{
    size_t cap = btree_shape_of(height)->slots, nodes = (*count + cap - 1) / cap, from = 0;
    for (size_t i = 0; i < nodes; i++) {
        size_t to = *count * (i + 1) / nodes;
        struct btree_slot above;
        enum error error = build_node(tx, tree, height, slots + from, (unsigned)(to - from), &above);
        if (error != ERROR_OK) return error;
        slots[i] = above; /* i <= from: these slots are done with */
        from = to;
    }
    *count = nodes;
    return ERROR_OK;
}

enum error btree_build(struct tx *tx, const struct btree *tree, const struct btree_item *items, size_t count)
{
    ASSERT(tree->root->top == 0);
    if (count == 0) return ERROR_OK;
    if (count > UINT32_MAX) return ERROR_TOO_LARGE;
    struct btree_slot *slots = malloc(count * sizeof(*slots));
    if (slots == NULL) return ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        slots[i] = (struct btree_slot){.item = items[i], .items = 1};
    size_t nodes = count;
    unsigned height = 0;
    enum error error = build_level(tx, tree, height, slots, &nodes);
    while (error == ERROR_OK && nodes > 1)
        error = build_level(tx, tree, ++height, slots, &nodes);
    uint64_t top = heap_off_make(slots[0].child, (uint16_t)height).raw;
    free(slots);
    if (error == ERROR_OK) error = tx_store64(tx, &tree->root->top, top);
    return error == ERROR_OK ? tx_store64(tx, &tree->root->count, count) : error;
}

/* ---- taking apart ---- */

static enum error drop_last(struct tx *tx, struct btree_node_layout *node, unsigned left)
{
    struct btree_node_layout header = *node;
    header.count = (uint16_t)left;
    enum error error = tx_snapshot(tx, node, sizeof(*node));
    if (error == ERROR_OK) tx_write(tx, node, &header, sizeof(header));
    return error;
}

/* Frees children of an inner node whose children are leaves. */
static enum error drop_leaves(struct tx *tx, struct btree_node_layout *node, unsigned *budget)
{
    unsigned left = node->count;
    for (; left > 0 && *budget > 0; --*budget) {
        enum error error = heap_free(tx, btree_inner_of(node)->child[--left]);
        if (error != ERROR_OK) return error;
    }
    return drop_last(tx, node, left);
}

/* Frees the last node of the tree that has no children left, or the leaves of the last one above leaves. */
static enum error reclaim_last(struct tx *tx, const struct btree *tree, unsigned *budget)
{
    struct btree_node_layout *node = btree_top(tree), *parent = NULL;
    while (node->height > 1 && node->count > 0) {
        parent = node;
        node = btree_child(tree, node, node->count - 1U);
    }
    if (node->height > 0 && node->count > 0) return drop_leaves(tx, node, budget);
    enum error error = heap_free(tx, btree_off_of(tree, node));
    --*budget;
    if (error != ERROR_OK) return error;
    return parent != NULL ? drop_last(tx, parent, parent->count - 1U) : tx_store64(tx, &tree->root->top, 0);
}

enum error btree_reclaim(struct tx *tx, const struct btree *tree, unsigned *budget)
{
    enum error error = ERROR_OK;
    while (error == ERROR_OK && tree->root->top != 0 && *budget > 0)
        error = reclaim_last(tx, tree, budget);
    return error;
}

/* ---- walking ---- */

typedef void node_visit(void *ctx, uint64_t off);

static void visit_below(const struct btree *tree, struct btree_node_layout *node, node_visit *visit,
                        void *ctx)
{
    for (unsigned i = 0; node->height > 0 && i < node->count; i++)
        visit_below(tree, btree_child(tree, node, i), visit, ctx);
    visit(ctx, btree_off_of(tree, node));
}

void btree_walk(const struct btree *tree, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    if (tree->root->top != 0) visit_below(tree, btree_top(tree), own, ctx);
}

static uint64_t leaves_below(const struct btree *tree, struct btree_node_layout *node, uint64_t *inner)
{
    if (node->height == 0) return 1;
    ++*inner;
    if (node->height == 1) return node->count;
    uint64_t leaves = 0;
    for (unsigned i = 0; i < node->count; i++)
        leaves += leaves_below(tree, btree_child(tree, node, i), inner);
    return leaves;
}

size_t btree_bytes(const struct btree *tree)
{
    uint64_t inner = 0;
    if (tree->root->top == 0) return 0;
    uint64_t leaves = leaves_below(tree, btree_top(tree), &inner);
    return leaves * heap_good_size(btree__leaf.bytes) + inner * heap_good_size(btree__inner.bytes);
}

/* ---- checking ---- */

struct check {
    const struct heap *heap;
    btree_check *item;
    void *ctx;
    char *detail;
    size_t detail_cap;
};

static bool fault(const struct check *check, const char *what, uint64_t off)
{
    snprintf(check->detail, check->detail_cap, "B+ tree node at %" PRIu64 ": %s", off, what);
    return false;
}

static bool check_items(const struct check *check, const struct btree_leaf_layout *leaf, uint64_t off)
{
    for (unsigned i = 0; i < leaf->node.count; i++) {
        if (i > 0 && leaf->order[i - 1] > leaf->order[i]) return fault(check, "items out of order", off);
        if (!check->item(check->ctx, (struct btree_item){leaf->order[i], leaf->ref[i]}))
            return fault(check, "an item that is wrong", off);
    }
    return true;
}

/* The node's header and, for inner nodes, what it says of its children; `items` must stand below it. */
static bool check_node(const struct check *check, uint64_t off, unsigned height, uint64_t items)
{
    if (height >= BTREE_LEVELS_MAX || off % 8 != 0 ||
        !heap_holds(check->heap, off, btree_shape_of(height)->bytes))
        return fault(check, "no block of a node", off);
    const struct btree_node_layout *node = heap_ptr(check->heap, off);
    if (node->height != height) return fault(check, "wrong height", off);
    if (node->count == 0 || node->count > btree_shape_of(height)->slots)
        return fault(check, "wrong count", off);
    for (unsigned i = 0; height > 0 && i < node->count; i++)
        if (((const struct btree_inner_layout *)(const void *)node)->items[i] == 0)
            return fault(check, "a child without items", off);
    return btree_items(node, 0, node->count) == items || fault(check, "wrong number of items", off);
}

static bool check_below(const struct check *check, uint64_t off, unsigned height, uint64_t items)
{
    if (!check_node(check, off, height, items)) return false;
    if (height == 0) return check_items(check, heap_ptr(check->heap, off), off);
    const struct btree_inner_layout *inner = heap_ptr(check->heap, off);
    for (unsigned i = 0; i < inner->node.count; i++) {
        if (!check_below(check, inner->child[i], height - 1, inner->items[i])) return false;
        struct btree_item first = btree_first(heap_ptr(check->heap, inner->child[i]));
        if (first.order != inner->order[i] || first.ref != inner->ref[i])
            return fault(check, "wrong first item", off);
    }
    return true;
}

/* Blocks and heights alone; `nodes` bounds how many may be looked at. */
static bool check_unowned(const struct check *check, uint64_t off, unsigned height, uint64_t *nodes)
{
    if (*nodes == 0) return fault(check, "more nodes than the heap has room for", off);
    --*nodes;
    if (height >= BTREE_LEVELS_MAX || off % 8 != 0 ||
        !heap_holds(check->heap, off, btree_shape_of(height)->bytes))
        return fault(check, "no block of a node", off);
    const struct btree_inner_layout *inner = heap_ptr(check->heap, off);
    if (inner->node.height != height || inner->node.count > btree_shape_of(height)->slots)
        return fault(check, "wrong height or count", off);
    for (unsigned i = 0; height > 0 && i < inner->node.count; i++)
        if (!check_unowned(check, inner->child[i], height - 1, nodes)) return false;
    return true;
}

bool btree_unowned_is_valid(const struct heap *heap, const struct btree_layout *root, char *detail,
                            size_t detail_cap)
{
    const struct check state = {.heap = heap, .detail = detail, .detail_cap = detail_cap};
    struct heap_off top = {root->top};
    uint64_t nodes = heap_used_bytes(heap) / sizeof(struct btree_leaf_layout);
    return root->top == 0 || check_unowned(&state, heap_off_get(top), heap_off_tag(top), &nodes);
}

bool btree_is_valid(const struct heap *heap, const struct btree_layout *root, uint64_t count,
                    btree_check *check, void *ctx, char *detail, size_t detail_cap)
{
    const struct check state = {heap, check, ctx, detail, detail_cap};
    unsigned height = heap_off_tag((struct heap_off){root->top});
    uint64_t off = heap_off_get((struct heap_off){root->top});
    if (root->count != count) return fault(&state, "the root's count is wrong", off);
    if (root->top == 0) return count == 0 || fault(&state, "an empty tree with items", off);
    if (!check_below(&state, off, height, count)) return false;
    const struct btree_node_layout *top = heap_ptr(heap, off);
    return height == 0 || top->count > 1 || fault(&state, "a root with one child", off);
}
