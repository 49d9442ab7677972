/* btree_change.c: adding, removing, moving and building items.
 *
 * Terms: a *run* is some neighbouring children of one node; to *spread* a run is to deal its slots out again, evenly, to
 * as many nodes or to one more or fewer.
 *
 * How a full node makes room: at the tree's outer edges a new node is begun beside it (so ascending and descending insertion
 * leaves full nodes behind); else it spreads with a neighbour that has SPARE_MIN free slots; else with both neighbours into
 * one more node, three quarters full each.
 *
 * Crash table (all stores are logged words of the owner's transaction or new objects; a crash undoes what stands)
 *   insert    items of the inner nodes on the way, [new node] [nodes of the run] [their slots in the parent] [the new node's
 *             slot, likewise one level up] | the slot's columns from its place on, the node's header; first items above, count
 *   remove    items on the way, columns from the slot on, header, first items above, [merge: nodes of the run, slots in the
 *             parent, free of the node] [root's word, free of the old root] count
 *   reorder   one word
 */
#include "ds/btree_node.h"

#define SPARE_MIN     2 /* free slots that make a neighbour worth spreading with */
#define MERGE_NUM     7 /* neighbours are merged when they fit into 7/8 of a node (B4) */
#define MERGE_DEN     8
#define RUN_NODES_MAX 4
#define RUN_SLOTS_MAX (3 * BTREE_INNER_SLOTS + 1)

/* ---- slots of one node ---- */

static enum error set_count(struct tx *tx, struct btree_node_layout *node, unsigned count)
{
    struct btree_node_layout header = *node;
    header.count = (uint16_t)count;
    enum error error = tx_snapshot(tx, node, sizeof(*node));
    if (error == ERROR_OK) tx_write(tx, node, &header, sizeof(header));
    return error;
}

/* The slot's value in a column, as it stands there. */
static const void *slot_value(const struct btree_slot *slot, unsigned column)
{
    const void *values[BTREE_COLUMNS_MAX] = {&slot->item.order, &slot->item.ref, &slot->child, &slot->items};
    return values[column];
}

/* The node has room. */
static enum error put_slot(struct tx *tx, struct btree_node_layout *node, unsigned index,
                           const struct btree_slot *slot)
{
    const struct btree_shape *shape = btree_shape_of(node->height);
    unsigned behind = node->count - index;
    for (unsigned i = 0; i < shape->columns; i++) {
        size_t width = shape->column[i].width;
        char *at = btree_column(shape, node, i, index);
        enum error error = tx_snapshot(tx, at, (behind + 1) * width);
        if (error != ERROR_OK) return error;
        if (behind > 0) tx_move(tx, at + width, at, behind * width);
        tx_write(tx, at, slot_value(slot, i), width);
    }
    return set_count(tx, node, node->count + 1U);
}

static enum error cut_slot(struct tx *tx, struct btree_node_layout *node, unsigned index)
{
    const struct btree_shape *shape = btree_shape_of(node->height);
    unsigned behind = node->count - index - 1U;
    for (unsigned i = 0; i < shape->columns && behind > 0; i++) {
        size_t width = shape->column[i].width;
        char *at = btree_column(shape, node, i, index);
        enum error error = tx_snapshot(tx, at, behind * width);
        if (error != ERROR_OK) return error;
        tx_move(tx, at, at + width, behind * width);
    }
    return set_count(tx, node, node->count - 1U);
}

/* Stores the columns of slot `index` that differ from `slot`. */
static enum error set_slot(struct tx *tx, struct btree_node_layout *node, unsigned index,
                           const struct btree_slot *slot)
{
    const struct btree_shape *shape = btree_shape_of(node->height);
    for (unsigned i = 0; i < shape->columns; i++) {
        size_t width = shape->column[i].width;
        char *at = btree_column(shape, node, i, index);
        if (memcmp(at, slot_value(slot, i), width) == 0) continue;
        enum error error = tx_snapshot(tx, at, width);
        if (error != ERROR_OK) return error;
        tx_write(tx, at, slot_value(slot, i), width);
    }
    return ERROR_OK;
}

/* What the parent of `node` says of it (B2). */
static struct btree_slot slot_of(const struct btree *tree, const struct btree_node_layout *node)
{
    return (struct btree_slot){btree_first(node), btree_off_of(tree, node),
                               (uint32_t)btree_items(node, 0, node->count)};
}

static enum error refresh_slot(struct tx *tx, const struct btree *tree, struct btree_node_layout *parent,
                               unsigned index)
{
    struct btree_slot slot = slot_of(tree, btree_child(tree, parent, index));
    return set_slot(tx, parent, index, &slot);
}

/* The first item of the node at `level` has changed: so says every slot above that has it as its first (B2). */
static enum error refresh_first(struct tx *tx, struct btree_cursor *cursor, unsigned level)
{
    struct btree_item first = btree_first(cursor->at[level].node);
    for (unsigned i = level + 1; i <= cursor->height; i++) {
        struct btree_inner_layout *inner = btree_inner_of(cursor->at[i].node);
        unsigned index = cursor->at[i].index;
        struct btree_slot slot = {first, inner->child[index], inner->items[index]};
        enum error error = set_slot(tx, cursor->at[i].node, index, &slot);
        if (error != ERROR_OK || index > 0) return error;
    }
    return ERROR_OK;
}

static enum error count_above(struct tx *tx, struct btree_cursor *cursor, uint32_t difference)
{
    for (unsigned level = 1; level <= cursor->height; level++) {
        uint32_t *items = &btree_inner_of(cursor->at[level].node)->items[cursor->at[level].index];
        uint32_t sum = *items + difference;
        enum error error = tx_snapshot(tx, items, sizeof(*items));
        if (error != ERROR_OK) return error;
        tx_write(tx, items, &sum, sizeof(sum));
    }
    return ERROR_OK;
}

/* ---- runs ---- */

/* Slots in memory, column by column as in a node. */
struct run {
    const struct btree_shape *shape;
    unsigned count;
    char column[BTREE_COLUMNS_MAX][RUN_SLOTS_MAX * sizeof(uint64_t)];
};

static void run_append(struct run *run, struct btree_node_layout *node, unsigned from, unsigned to)
{
    for (unsigned i = 0; i < run->shape->columns; i++) {
        size_t width = run->shape->column[i].width;
        memcpy(run->column[i] + run->count * width, btree_column(run->shape, node, i, from),
               (to - from) * width);
    }
    run->count += to - from;
}

static void run_append_slot(struct run *run, const struct btree_slot *slot)
{
    for (unsigned i = 0; i < run->shape->columns; i++) {
        size_t width = run->shape->column[i].width;
        memcpy(run->column[i] + run->count * width, slot_value(slot, i), width);
    }
    run->count++;
}

/* Makes [from, to) of the run the contents of a node, which is new or under snapshot. */
static void run_write(struct tx *tx, const struct run *run, struct btree_node_layout *node, unsigned height,
                      unsigned from, unsigned to)
{
    struct btree_node_layout header = {.count = (uint16_t)(to - from), .height = (uint16_t)height};
    tx_write(tx, node, &header, sizeof(header));
    for (unsigned i = 0; i < run->shape->columns; i++) {
        size_t width = run->shape->column[i].width;
        tx_write(tx, btree_column(run->shape, node, i, 0), run->column[i] + from * width,
                 (to - from) * width);
    }
}

/* Deals the run out evenly to `count` nodes. */
static enum error run_deal(struct tx *tx, const struct run *run, struct btree_node_layout *const *nodes,
                           unsigned count, const struct btree_node_layout *fresh, unsigned height)
{
    for (unsigned i = 0; i < count; i++) {
        enum error error = nodes[i] == fresh ? ERROR_OK : tx_snapshot(tx, nodes[i], run->shape->bytes);
        if (error != ERROR_OK) return error;
        run_write(tx, run, nodes[i], height, run->count * i / count, run->count * (i + 1) / count);
    }
    return ERROR_OK;
}

static enum error new_node(struct tx *tx, const struct btree *tree, unsigned height,
                           struct btree_node_layout **node_out)
{
    uint64_t off;
    enum error error = heap_alloc(tx, btree_shape_of(height)->bytes, &off);
    if (error == ERROR_OK) *node_out = btree_node_at(tree, off);
    return error;
}

/* ---- insertion ---- */

/* Begins a new topmost node above the old one. */
static enum error grow(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor)
{
    unsigned height = cursor->height + 1;
    struct btree_node_layout *top;
    if (height == BTREE_LEVELS_MAX) return ERROR_TOO_LARGE;
    enum error error = new_node(tx, tree, height, &top);
    if (error != ERROR_OK) return error;
    struct btree_slot slot = slot_of(tree, cursor->at[cursor->height].node);
    struct run run = {.shape = &btree__inner};
    run_append_slot(&run, &slot);
    run_write(tx, &run, top, height, 0, 1);
    cursor->height = height;
    cursor->at[height].node = top;
    cursor->at[height].index = 0;
    return tx_store64(tx, &tree->root->top, heap_off_make(btree_off_of(tree, top), (uint16_t)height).raw);
}

static enum error insert_slot(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor,
                              unsigned level, const struct btree_slot *slot);

static bool is_at_edge(const struct btree_cursor *cursor, unsigned level)
{
    unsigned index = cursor->at[level].index, last = cursor->at[level].node->count;
    if (index != 0 && index != last) return false;
    for (unsigned i = level + 1; i <= cursor->height; i++)
        if (cursor->at[i].index != (index == 0 ? 0 : cursor->at[i].node->count - 1U)) return false;
    return true;
}

/* A node of its own for `slot`, beside the full one. */
static enum error begin_node(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor,
                             unsigned level, const struct btree_slot *slot)
{
    struct btree_node_layout *node = cursor->at[level].node, *parent = cursor->at[level + 1].node, *fresh;
    unsigned height = node->height, index = cursor->at[level + 1].index;
    bool before = cursor->at[level].index == 0;
    enum error error = new_node(tx, tree, height, &fresh);
    if (error != ERROR_OK) return error;
    struct run run = {.shape = btree_shape_of(height)};
    run_append_slot(&run, slot);
    run_write(tx, &run, fresh, height, 0, 1);
    error = refresh_slot(tx, tree, parent, index);
    if (error != ERROR_OK) return error;
    struct btree_slot above = slot_of(tree, fresh);
    cursor->at[level + 1].index = before ? index : index + 1;
    return insert_slot(tx, tree, cursor, level + 1, &above);
}

/* Makes room by spreading the node at `level`, the new slot included, with a neighbour. */
static enum error spread(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor, unsigned level,
                         const struct btree_slot *slot)
{
    struct btree_node_layout *node = cursor->at[level].node, *parent = cursor->at[level + 1].node;
    struct btree_node_layout *nodes[RUN_NODES_MAX], *fresh = NULL;
    struct run run = {.shape = btree_shape_of(node->height)};
    unsigned index = cursor->at[level + 1].index;
    unsigned roomy = run.shape->slots - SPARE_MIN;
    bool has_left = index > 0, has_right = index + 1U < parent->count;
    bool left_roomy = has_left && btree_child(tree, parent, index - 1)->count <= roomy;
    bool right_roomy = has_right && btree_child(tree, parent, index + 1)->count <= roomy;

    bool is_split = !left_roomy && !right_roomy;
    unsigned first = left_roomy || (is_split && has_left) ? index - 1 : index;
    unsigned last = !left_roomy && has_right ? index + 1 : index;
    unsigned old_count = last + 1 - first, count = old_count;
    for (unsigned i = 0; i < old_count; i++) {
        nodes[i] = btree_child(tree, parent, first + i);
        unsigned cut = nodes[i] == node ? cursor->at[level].index : 0;
        run_append(&run, nodes[i], 0, cut);
        if (nodes[i] == node) run_append_slot(&run, slot);
        run_append(&run, nodes[i], cut, nodes[i]->count);
    }
    enum error error = ERROR_OK;
    if (is_split) {
        error = new_node(tx, tree, node->height, &fresh);
        if (error != ERROR_OK) return error;
        nodes[count++] = fresh;
    }
    error = run_deal(tx, &run, nodes, count, fresh, node->height);
    for (unsigned i = 0; i < old_count && error == ERROR_OK; i++)
        error = refresh_slot(tx, tree, parent, first + i);
    if (error != ERROR_OK || fresh == NULL) return error;
    struct btree_slot above = slot_of(tree, fresh);
    cursor->at[level + 1].index = first + old_count;
    return insert_slot(tx, tree, cursor, level + 1, &above);
}

/* Puts the slot where the cursor stands at `level`; makes room where there is none. The items counted above already have
 * it. */
static enum error insert_slot(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor,
                              unsigned level, const struct btree_slot *slot)
{
    struct btree_node_layout *node = cursor->at[level].node;
    unsigned index = cursor->at[level].index;
    if (node->count < btree_shape_of(node->height)->slots) {
        enum error error = put_slot(tx, node, index, slot);
        return error == ERROR_OK && index == 0 ? refresh_first(tx, cursor, level) : error;
    }
    enum error error = level == cursor->height ? grow(tx, tree, cursor) : ERROR_OK;
    if (error == ERROR_OK && is_at_edge(cursor, level)) error = begin_node(tx, tree, cursor, level, slot);
    else if (error == ERROR_OK) error = spread(tx, tree, cursor, level, slot);
    return error;
}

static enum error insert_first(struct tx *tx, const struct btree *tree, const struct btree_slot *slot)
{
    struct btree_node_layout *leaf;
    enum error error = new_node(tx, tree, 0, &leaf);
    if (error != ERROR_OK) return error;
    struct run run = {.shape = &btree__leaf};
    run_append_slot(&run, slot);
    run_write(tx, &run, leaf, 0, 0, 1);
    return tx_store64(tx, &tree->root->top, heap_off_make(btree_off_of(tree, leaf), 0).raw);
}

enum error btree_insert(struct tx *tx, const struct btree *tree, const struct btree_key *key, uint64_t ref)
{
    struct btree_slot slot = {.item = {key->order, ref}, .items = 1};
    enum error error;
    if (tree->root->count == UINT32_MAX) return ERROR_TOO_LARGE;
    if (tree->root->top == 0) {
        error = insert_first(tx, tree, &slot);
    } else {
        struct btree_cursor cursor;
        btree__descend(tree, key, &cursor);
        error = count_above(tx, &cursor, 1);
        if (error == ERROR_OK) error = insert_slot(tx, tree, &cursor, 0, &slot);
    }
    return error == ERROR_OK ? tx_store64(tx, &tree->root->count, tree->root->count + 1) : error;
}

/* ---- removal ---- */

static enum error cut_child(struct tx *tx, struct btree_node_layout *parent, unsigned index)
{
    enum error error = heap_free(tx, btree_inner_of(parent)->child[index]);
    return error == ERROR_OK ? cut_slot(tx, parent, index) : error;
}

/* Moves what stands in child index + 1 behind what stands in child index, when that fits well. */
static enum error merge(struct tx *tx, const struct btree *tree, struct btree_node_layout *parent,
                        unsigned index, bool *done_out)
{
    struct btree_node_layout *left = btree_child(tree, parent, index),
                             *right = btree_child(tree, parent, index + 1);
    const struct btree_shape *shape = btree_shape_of(left->height);
    unsigned count = left->count, sum = count + right->count;
    *done_out = sum <= shape->slots * MERGE_NUM / MERGE_DEN;
    if (!*done_out) return ERROR_OK;
    for (unsigned i = 0; i < shape->columns; i++) {
        char *at = btree_column(shape, left, i, count);
        size_t bytes = right->count * shape->column[i].width;
        enum error error = tx_snapshot(tx, at, bytes);
        if (error != ERROR_OK) return error;
        tx_write(tx, at, btree_column(shape, right, i, 0), bytes);
    }
    enum error error = set_count(tx, left, sum);
    if (error == ERROR_OK) error = refresh_slot(tx, tree, parent, index);
    return error == ERROR_OK ? cut_child(tx, parent, index + 1) : error;
}

/* The node at `level`, not the topmost, has lost a slot: takes it away when it is empty, merges it when it is sparse.
 * *lost_out: its parent has lost a slot in turn. */
static enum error tend(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor, unsigned level,
                       bool *lost_out)
{
    struct btree_node_layout *node = cursor->at[level].node, *parent = cursor->at[level + 1].node;
    unsigned index = cursor->at[level + 1].index;
    enum error error = ERROR_OK;
    *lost_out = node->count == 0;
    if (node->count == 0) {
        error = cut_child(tx, parent, index);
        if (error == ERROR_OK && index == 0 && parent->count > 0)
            error = refresh_first(tx, cursor, level + 1);
        return error;
    }
    if (node->count >= btree_shape_of(node->height)->slots / 2) return ERROR_OK;
    if (index + 1U < parent->count) error = merge(tx, tree, parent, index, lost_out);
    if (error == ERROR_OK && !*lost_out && index > 0) error = merge(tx, tree, parent, index - 1, lost_out);
    return error;
}

/* Takes away topmost nodes that are empty or have one child (B3). */
static enum error shrink(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor)
{
    struct btree_node_layout *top = cursor->at[cursor->height].node;
    uint64_t word = tree->root->top;
    enum error error = ERROR_OK;
    while (error == ERROR_OK && word != 0 && (top->count == 0 || (top->height > 0 && top->count == 1))) {
        error = heap_free(tx, btree_off_of(tree, top));
        word = 0;
        if (top->count == 0) continue;
        top = btree_child(tree, top, 0);
        word = heap_off_make(btree_off_of(tree, top), top->height).raw;
    }
    if (error != ERROR_OK || word == tree->root->top) return error;
    return tx_store64(tx, &tree->root->top, word);
}

enum error btree_remove(struct tx *tx, const struct btree *tree, struct btree_cursor *cursor)
{
    struct btree_node_layout *leaf = cursor->at[0].node;
    unsigned index = cursor->at[0].index;
    enum error error = count_above(tx, cursor, UINT32_MAX); /* one less */
    if (error == ERROR_OK) error = cut_slot(tx, leaf, index);
    if (error == ERROR_OK && index == 0 && leaf->count > 0) error = refresh_first(tx, cursor, 0);
    bool lost = true;
    for (unsigned level = 0; level < cursor->height && lost && error == ERROR_OK; level++)
        error = tend(tx, tree, cursor, level, &lost);
    if (error == ERROR_OK) error = shrink(tx, tree, cursor);
    return error == ERROR_OK ? tx_store64(tx, &tree->root->count, tree->root->count - 1) : error;
}

enum error btree_reorder(struct tx *tx, struct btree_cursor *cursor, uint64_t order, bool *done_out)
{
    struct btree_leaf_layout *leaf = btree_leaf_of(cursor->at[0].node);
    unsigned index = cursor->at[0].index;
    *done_out = index > 0 && index + 1U < leaf->node.count && leaf->order[index - 1] < order &&
                order < leaf->order[index + 1];
    return *done_out ? tx_store64(tx, &leaf->order[index], order) : ERROR_OK;
}
