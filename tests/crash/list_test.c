/* Every write operation on lists, stopped at each persistent store: pushes that fit, grow a chunk and
 * begin one, pops, changes in the middle that move, rebuild and split chunks, removals that filter, unlink
 * and join them, copies, drops and their reclaim steps. */
#include "keyspace_rig.h"

#include "ds/list.h"

#define LIST_NAME "a list"

static struct list_limits limits_now = {.room_bytes = 480, .items = UINT32_MAX};

static char filler[4096];

static struct slice text_of(size_t len)
{
    memset(filler, 'f', sizeof(filler));
    return (struct slice){filler, len};
}

static struct list open_list(struct rig *rig)
{
    struct key key = rig_key(rig, LIST_NAME);
    struct entry *entry = keyspace_find(rig->keyspace, 0, &key);
    ASSERT(entry != NULL);
    return list_at(rig->heap, entry_root(entry, NULL));
}

static struct list create_list(struct rig *rig)
{
    struct key key = rig_key(rig, LIST_NAME);
    uint64_t root;
    must(list_create(rig->tx, rig->heap, &root));
    must(keyspace_put_root(rig->tx, rig->keyspace, 0, &key, ENTRY_LIST, COLLECTION_LIST, root, EXPIRY_NONE));
    return list_at(rig->heap, root);
}

static void push_numbers(struct rig *rig, const struct list *list, enum list_end end, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char text[24];
        snprintf(text, sizeof(text), "item %010u", i % 50);
        struct slice item = slice_of(text);
        must(list_push(rig->tx, list, &limits_now, end, &item, 1));
    }
}

/* A list of `count` items of 17 bytes. */
static void prepare_items(struct rig *rig, unsigned count)
{
    tx_begin(rig->tx);
    rig_put(rig, "other", SLICE("other value"), EXPIRY_NONE);
    if (count > 0) {
        struct list list = create_list(rig);
        push_numbers(rig, &list, LIST_TAIL, count);
    }
    tx_commit(rig->tx);
}

static void prepare_none(struct rig *rig)
{
    prepare_items(rig, 0);
}

static void prepare_1(struct rig *rig)
{
    prepare_items(rig, 1);
}

static void prepare_12(struct rig *rig)
{
    prepare_items(rig, 12);
}

static void prepare_200(struct rig *rig)
{
    prepare_items(rig, 200);
}

/* The first chunk is full to the last item. */
static void prepare_full(struct rig *rig)
{
    prepare_items(rig, 2);
    tx_begin(rig->tx);
    struct list list = open_list(rig);
    while (list.root->head == list.root->tail)
        push_numbers(rig, &list, LIST_TAIL, 1);
    must(list_drop(rig->tx, &list, &limits_now, LIST_TAIL, 1));
    tx_commit(rig->tx);
}

/* Chunks with few items each, the middle ones equal. */
static void prepare_sparse(struct rig *rig)
{
    prepare_items(rig, 100);
    struct list_limits few = {.room_bytes = 480, .items = 3};
    tx_begin(rig->tx);
    struct list list = open_list(rig);
    must(list_drop(rig->tx, &list, &limits_now, LIST_HEAD, 90));
    struct slice same[] = {SLICE("same"),    SLICE("same"), SLICE("same"), SLICE("other"), SLICE("same"),
                           SLICE("another"), SLICE("same"), SLICE("same"), SLICE("last")};
    must(list_push(rig->tx, &list, &few, LIST_TAIL, same, sizeof(same) / sizeof(*same)));
    tx_commit(rig->tx);
}

static void prepare_dropped(struct rig *rig)
{
    prepare_items(rig, 300);
    tx_begin(rig->tx);
    rig_remove(rig, LIST_NAME);
    tx_commit(rig->tx);
}

/* ---- operations ---- */

static void push_first(struct rig *rig)
{
    struct list list = create_list(rig);
    push_numbers(rig, &list, LIST_HEAD, 1);
}

static void push_one(struct rig *rig, enum list_end end)
{
    struct list list = open_list(rig);
    struct slice item = text_of(100);
    must(list_push(rig->tx, &list, &limits_now, end, &item, 1));
}

static void push_head(struct rig *rig)
{
    push_one(rig, LIST_HEAD);
}

static void push_tail(struct rig *rig)
{
    push_one(rig, LIST_TAIL);
}

static void push_short(struct rig *rig)
{
    struct list list = open_list(rig);
    struct slice item = SLICE("x");
    must(list_push(rig->tx, &list, &limits_now, LIST_TAIL, &item, 1));
    must(list_push(rig->tx, &list, &limits_now, LIST_HEAD, &item, 1));
}

static void push_many(struct rig *rig)
{
    struct list list = open_list(rig);
    struct slice items[40];
    for (size_t i = 0; i < 40; i++)
        items[i] = text_of(i * 3);
    must(list_push(rig->tx, &list, &limits_now, LIST_HEAD, items, 40));
}

static void push_large(struct rig *rig)
{
    struct list list = open_list(rig);
    struct slice item = text_of(3000);
    must(list_push(rig->tx, &list, &limits_now, LIST_TAIL, &item, 1));
}

static void drop(struct rig *rig, enum list_end end, uint64_t count)
{
    struct list list = open_list(rig);
    must(list_drop(rig->tx, &list, &limits_now, end, count));
    if (list_count(&list) == 0) rig_remove(rig, LIST_NAME);
}

static void pop_head(struct rig *rig)
{
    drop(rig, LIST_HEAD, 1);
}

static void pop_tail(struct rig *rig)
{
    drop(rig, LIST_TAIL, 1);
}

static void trim_both(struct rig *rig)
{
    drop(rig, LIST_HEAD, 70);
    drop(rig, LIST_TAIL, 120);
}

static struct list_item item_at(const struct list *list, uint64_t index)
{
    struct list_iter iter = list_seek(list, index, false);
    struct list_item item;
    ASSERT(list_next(&iter, &item));
    return item;
}

static void insert_at(struct rig *rig, uint64_t index, bool after, size_t len)
{
    struct list list = open_list(rig);
    struct list_item pivot = item_at(&list, index);
    must(list_insert(rig->tx, &list, &limits_now, &pivot, after, text_of(len)));
}

static void insert_near_head(struct rig *rig)
{
    insert_at(rig, 1, false, 5);
}

static void insert_near_tail(struct rig *rig)
{
    struct list list = open_list(rig);
    insert_at(rig, list_count(&list) - 1, false, 5);
}

static void insert_middle(struct rig *rig)
{
    insert_at(rig, 100, true, 60);
}

static void insert_large(struct rig *rig)
{
    insert_at(rig, 5, true, 2000);
}

static void replace_at(struct rig *rig, uint64_t index, size_t len)
{
    struct list list = open_list(rig);
    struct list_item item = item_at(&list, index);
    must(list_replace(rig->tx, &list, &limits_now, &item, text_of(len)));
}

static void replace_equal(struct rig *rig)
{
    replace_at(rig, 5, 15);
}

static void replace_shorter(struct rig *rig)
{
    replace_at(rig, 5, 2);
}

static void replace_longer(struct rig *rig)
{
    replace_at(rig, 2, 60);
}

static void replace_large(struct rig *rig)
{
    replace_at(rig, 100, 1500);
}

static void remove_equal(struct rig *rig, struct slice text, uint64_t most, bool backwards)
{
    struct list list = open_list(rig);
    uint64_t removed;
    must(list_remove(rig->tx, &list, &limits_now, text, most, backwards, &removed));
    ASSERT(removed > 0);
}

static void remove_one(struct rig *rig)
{
    remove_equal(rig, SLICE("item 0000000007"), 1, false);
}

static void remove_last_two(struct rig *rig)
{
    remove_equal(rig, SLICE("item 0000000007"), 2, true);
}

static void remove_same(struct rig *rig)
{
    remove_equal(rig, SLICE("same"), UINT64_MAX, false);
}

static void remove_same_backwards(struct rig *rig)
{
    remove_equal(rig, SLICE("same"), 5, true);
}

static void rotate(struct rig *rig)
{
    struct list list = open_list(rig);
    struct slice item = item_at(&list, list_count(&list) - 1).text;
    must(list_push(rig->tx, &list, &limits_now, LIST_HEAD, &item, 1));
    must(list_drop(rig->tx, &list, &limits_now, LIST_TAIL, 1));
}

static void copy(struct rig *rig)
{
    struct key from = rig_key(rig, LIST_NAME), to = rig_key(rig, "the copy");
    must(keyspace_copy(rig->tx, rig->keyspace, 0, &from, 1, &to));
}

static void rename_over(struct rig *rig)
{
    struct key from = rig_key(rig, "other"), to = rig_key(rig, LIST_NAME);
    must(keyspace_move(rig->tx, rig->keyspace, 0, &from, 0, &to));
}

static void del(struct rig *rig)
{
    rig_remove(rig, LIST_NAME);
}

static void reclaim(struct rig *rig)
{
    while (keyspace_reclaim_step(rig->keyspace, rig->thread, 7))
        continue;
    ASSERT(keyspace_reclaim_pending(rig->keyspace) == 0);
}

static const struct rig_case cases[] = {
    {.name = "push, no list yet", .prepare = prepare_none, .operate = push_first},
    {.name = "push at the head, chunk grows", .prepare = prepare_12, .operate = push_head},
    {.name = "push at the tail, chunk grows", .prepare = prepare_12, .operate = push_tail},
    {.name = "push where there is room", .prepare = prepare_200, .operate = push_short},
    {.name = "push, chunk grows", .prepare = prepare_1, .operate = push_tail},
    {.name = "push at the head of a full chunk", .prepare = prepare_full, .operate = push_head},
    {.name = "push at the tail of a full chunk", .prepare = prepare_full, .operate = push_tail},
    {.name = "push many", .prepare = prepare_12, .operate = push_many},
    {.name = "push a large one", .prepare = prepare_12, .operate = push_large},
    {.name = "pop at the head", .prepare = prepare_200, .operate = pop_head},
    {.name = "pop at the tail", .prepare = prepare_200, .operate = pop_tail},
    {.name = "pop the last one", .prepare = prepare_1, .operate = pop_tail},
    {.name = "trim", .prepare = prepare_200, .operate = trim_both},
    {.name = "insert near the head", .prepare = prepare_12, .operate = insert_near_head},
    {.name = "insert near the tail", .prepare = prepare_12, .operate = insert_near_tail},
    {.name = "insert into a full chunk", .prepare = prepare_200, .operate = insert_middle},
    {.name = "insert a large one", .prepare = prepare_12, .operate = insert_large},
    {.name = "replace, equal length", .prepare = prepare_12, .operate = replace_equal},
    {.name = "replace, shorter", .prepare = prepare_12, .operate = replace_shorter},
    {.name = "replace, longer", .prepare = prepare_12, .operate = replace_longer},
    {.name = "replace by a large one", .prepare = prepare_200, .operate = replace_large},
    {.name = "remove one", .prepare = prepare_200, .operate = remove_one},
    {.name = "remove two from the tail on", .prepare = prepare_200, .operate = remove_last_two},
    {.name = "remove all, chunks go and join", .prepare = prepare_sparse, .operate = remove_same},
    {.name = "remove some, from the tail on", .prepare = prepare_sparse, .operate = remove_same_backwards},
    {.name = "rotate", .prepare = prepare_200, .operate = rotate},
    {.name = "rotate one item", .prepare = prepare_1, .operate = rotate},
    {.name = "copy", .prepare = prepare_200, .operate = copy},
    {.name = "rename over a list", .prepare = prepare_200, .operate = rename_over},
    {.name = "del", .prepare = prepare_200, .operate = del},
    {.name = "reclaim", .prepare = prepare_dropped, .operate = reclaim, .own_transactions = true},
};
#define CASES (sizeof(cases) / sizeof(*cases))

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("each store", cases, CASES, 1, false);
}

/* Where unflushed cache lines may be lost: every fifth case, the others differ little. */
static void lost_cache_lines_leave_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("persistent memory", cases, CASES, 5, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stop_leaves_all_or_nothing),
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
