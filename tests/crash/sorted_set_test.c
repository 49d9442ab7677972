/* Changes of sorted sets, stopped at each persistent store: small and large ones, from one to the other, spreads, splits and
 * merges of the tree's nodes, scores that move, copies, drops and what the reclaim list does with them. */
#include "keyspace_rig.h"

#include "../model/zset_change.h"

#define SMALL_MAX 8
#define LEAF_FULL 31         /* items */
#define TREE_FULL (31L * 36) /* items below an inner node */

static const char name[] = "the set";

static struct zset_target target_of(struct rig *rig)
{
    return (struct zset_target){rig->tx, rig->keyspace, rig_key(rig, name), SMALL_MAX};
}

static struct slice member_name(long number, char text[32])
{
    return (struct slice){text, (size_t)snprintf(text, 32, "member:%ld", number)};
}

static void put(struct rig *rig, long number, double score)
{
    struct zset_target target = target_of(rig);
    char text[32];
    zset_change(&target, member_name(number, text), &score);
}

static void take(struct rig *rig, long from, long to)
{
    struct zset_target target = target_of(rig);
    char text[32];
    for (long i = from; i < to; i++)
        zset_change(&target, member_name(i, text), NULL);
}

/* Items with the scores 0, 10, 20 ..., in nodes that are as full as they get. */
static void prepare_items(struct rig *rig, long count)
{
    struct zset_target target = target_of(rig);
    struct zset_small items;
    static char texts[2 * TREE_FULL][32];
    zset_small_init(&items);
    for (long i = 0; i < count; i++) {
        struct zset_item item = {member_name(i, texts[i]), (double)(10 * i)};
        must(zset_small_insert(&items, &item));
    }
    tx_begin(rig->tx);
    rig_put(rig, "other", SLICE("other value"), EXPIRY_NONE);
    zset_store_small(&target, &items);
    tx_commit(rig->tx);
    zset_small_free(&items);
}

static void prepare_none(struct rig *rig)
{
    tx_begin(rig->tx);
    rig_put(rig, "other", SLICE("other value"), EXPIRY_NONE);
    tx_commit(rig->tx);
}

static void prepare_one(struct rig *rig)
{
    prepare_items(rig, 1);
}

static void prepare_small(struct rig *rig)
{
    prepare_items(rig, SMALL_MAX);
}

static void prepare_leaf(struct rig *rig)
{
    prepare_items(rig, LEAF_FULL - 5);
}

static void prepare_full_leaf(struct rig *rig)
{
    prepare_items(rig, LEAF_FULL);
}

/* Three leaves; the last one has room. */
static void prepare_roomy(struct rig *rig)
{
    prepare_items(rig, 3 * LEAF_FULL);
    tx_begin(rig->tx);
    take(rig, 70, 80);
    tx_commit(rig->tx);
}

static void prepare_leaves(struct rig *rig)
{
    prepare_items(rig, 3 * LEAF_FULL);
}

/* The leaf in the middle, and the last one, are about to be merged. */
static void prepare_sparse(struct rig *rig)
{
    prepare_items(rig, 3 * LEAF_FULL);
    tx_begin(rig->tx);
    take(rig, 31, 46);
    take(rig, 62, 79);
    tx_commit(rig->tx);
}

/* Two leaves, the second with one item. */
static void prepare_last_item(struct rig *rig)
{
    prepare_items(rig, LEAF_FULL);
    tx_begin(rig->tx);
    put(rig, LEAF_FULL, 10.0 * LEAF_FULL);
    tx_commit(rig->tx);
}

static void prepare_full_tree(struct rig *rig)
{
    prepare_items(rig, TREE_FULL);
}

/* Dropped while it has three levels. */
static void prepare_dropped(struct rig *rig)
{
    prepare_items(rig, 2 * TREE_FULL);
    tx_begin(rig->tx);
    rig_remove(rig, name);
    tx_commit(rig->tx);
}

static void add_new(struct rig *rig)
{
    put(rig, -1, 15.5);
}

static void add_behind(struct rig *rig)
{
    put(rig, -1, 1e9);
}

static void add_before(struct rig *rig)
{
    put(rig, -1, -1e9);
}

/* In the middle of the second leaf. */
static void add_second_leaf(struct rig *rig)
{
    put(rig, -1, 455);
}

static void move_a_little(struct rig *rig)
{
    put(rig, 5, 52.5);
}

static void move_far(struct rig *rig)
{
    put(rig, 3, 1e6);
}

static void move_first(struct rig *rig)
{
    put(rig, 0, 145);
}

static void same_order_other_zero(struct rig *rig)
{
    put(rig, 0, -0.0);
}

static void remove_one(struct rig *rig)
{
    take(rig, 4, 5);
}

static void remove_first(struct rig *rig)
{
    take(rig, 0, 1);
}

/* The first item of the second leaf. */
static void remove_separator(struct rig *rig)
{
    take(rig, 31, 32);
}

static void remove_middle(struct rig *rig)
{
    take(rig, 46, 50);
}

static void remove_behind(struct rig *rig)
{
    take(rig, LEAF_FULL, LEAF_FULL + 1);
}

static void remove_all(struct rig *rig)
{
    take(rig, 0, LEAF_FULL);
}

static void remove_key(struct rig *rig)
{
    rig_remove(rig, name);
}

static void rename_key(struct rig *rig)
{
    struct key from = rig_key(rig, name), to = rig_key(rig, "other");
    must(keyspace_move(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void copy_key(struct rig *rig)
{
    struct key from = rig_key(rig, name), to = rig_key(rig, "other");
    must(keyspace_copy(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void set_over(struct rig *rig)
{
    rig_put(rig, name, SLICE("a string"), EXPIRY_NONE);
}

static void roll_back_and_go_on(struct rig *rig)
{
    struct tx_mark mark = tx_savepoint(rig->tx);
    add_second_leaf(rig);
    take(rig, 0, 20);
    tx_rollback_to(rig->tx, mark);
    add_second_leaf(rig);
}

static void reclaim(struct rig *rig)
{
    while (keyspace_reclaim_step(rig->keyspace, rig->thread, 200))
        continue;
    ASSERT(keyspace_reclaim_pending(rig->keyspace) == 0);
}

static const struct rig_case cases[] = {
    {.name = "ZADD new", .prepare = prepare_none, .operate = add_new},
    {.name = "ZADD small", .prepare = prepare_one, .operate = add_new},
    {.name = "ZADD small, score", .prepare = prepare_small, .operate = move_a_little},
    {.name = "ZADD large", .prepare = prepare_leaf, .operate = add_new},
    {.name = "ZADD large, lowest", .prepare = prepare_leaf, .operate = add_before},
    {.name = "ZADD large, first split", .prepare = prepare_full_leaf, .operate = add_new},
    {.name = "ZADD large, new last leaf", .prepare = prepare_leaves, .operate = add_behind},
    {.name = "ZADD large, new first leaf", .prepare = prepare_leaves, .operate = add_before},
    {.name = "ZADD large, spread", .prepare = prepare_roomy, .operate = add_second_leaf},
    {.name = "ZADD large, split in three", .prepare = prepare_leaves, .operate = add_second_leaf},
    {.name = "ZADD large, score in the leaf", .prepare = prepare_leaf, .operate = move_a_little},
    {.name = "ZADD large, score elsewhere", .prepare = prepare_leaves, .operate = move_far},
    {.name = "ZADD large, the first's score", .prepare = prepare_leaves, .operate = move_first},
    {.name = "ZADD large, other zero", .prepare = prepare_leaf, .operate = same_order_other_zero},
    {.name = "ZREM small", .prepare = prepare_small, .operate = remove_one},
    {.name = "ZREM small, the last", .prepare = prepare_one, .operate = remove_first},
    {.name = "ZREM large", .prepare = prepare_leaf, .operate = remove_one},
    {.name = "ZREM large, first of all", .prepare = prepare_leaves, .operate = remove_first},
    {.name = "ZREM large, first of a leaf", .prepare = prepare_leaves, .operate = remove_separator},
    {.name = "ZREM large, empty leaf", .prepare = prepare_last_item, .operate = remove_behind},
    {.name = "DEL small", .prepare = prepare_small, .operate = remove_key},
    {.name = "DEL large", .prepare = prepare_leaves, .operate = remove_key},
    {.name = "SET over large", .prepare = prepare_leaves, .operate = set_over},
    {.name = "RENAME small", .prepare = prepare_small, .operate = rename_key},
    {.name = "RENAME large", .prepare = prepare_leaves, .operate = rename_key},
    {.name = "COPY small", .prepare = prepare_small, .operate = copy_key},
};
#define CASES (sizeof(cases) / sizeof(*cases))

/* Many stores, or larger sets: not at each store, unless there is time. */
static const struct rig_case long_cases[] = {
    {.name = "ZADD small to large", .prepare = prepare_small, .operate = add_new, .stride = 61},
    {.name = "ZREM large, merge", .prepare = prepare_sparse, .operate = remove_middle, .stride = 61},
    {.name = "rollback to a savepoint",
     .prepare = prepare_leaves,
     .operate = roll_back_and_go_on,
     .stride = 61},
    {.name = "COPY large", .prepare = prepare_full_leaf, .operate = copy_key, .stride = 61},
    {.name = "ZREM large, all", .prepare = prepare_full_leaf, .operate = remove_all, .stride = 61},
    {.name = "ZADD large, inner node splits",
     .prepare = prepare_full_tree,
     .operate = add_second_leaf,
     .stride = 61},
    {.name = "ZADD large, new level at the end",
     .prepare = prepare_full_tree,
     .operate = add_behind,
     .stride = 61},
    {.name = "reclaim after DEL",
     .prepare = prepare_dropped,
     .operate = reclaim,
     .own_transactions = true,
     .stride = 397},
};
#define LONG_CASES (sizeof(long_cases) / sizeof(*long_cases))

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("each store", cases, CASES, 1, false);
}

static void large_trees_and_reclaim(void **state)
{
    (void)state;
    rig_explore_cases("long operations", long_cases, LONG_CASES, 1, false);
}

/* Where unflushed cache lines may be lost: a few cases, the others differ little. */
static void lost_cache_lines_leave_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("persistent memory", cases, CASES, 12, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stop_leaves_all_or_nothing),
        cmocka_unit_test(large_trees_and_reclaim),
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
