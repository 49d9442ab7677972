/* Random operations on lists beside plain arrays of texts; limits change, transactions are taken back, and
 * the heap is reopened in between.
 *
 *     test_model_list_model [SEED [OPERATIONS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ds/list.h"
#include "support/model_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTS        4
#define ITEMS_MAX    4000
#define CHECK_EVERY  400 /* operations */
#define REOPEN_EVERY 3000

/* Texts are numbers of this program's own: the text follows from the number. */
struct model_list {
    uint32_t items[ITEMS_MAX];
    size_t count;
};

struct rig {
    struct model_store store;
    struct model_list lists[LISTS];
    struct model_list before; /* of the operation's list */
    struct list_limits limits;
};

static uint64_t seed = 0, operations = 60000;

#define TEXT_MAX 20000

/* Short texts mostly; numbers below 20 come often, so that there are equal items. */
static struct slice text_of(uint32_t number, char text[TEXT_MAX])
{
    int len = snprintf(text, TEXT_MAX, "%u", number);
    size_t more = number % 101 == 100 ? 17000 : number % 13 == 12 ? number % 400 : number % 7;
    memset(text + len, 't', more);
    return (struct slice){text, (size_t)len + more};
}

static uint32_t random_number(struct rig *rig)
{
    return (uint32_t)model_random(&rig->store, model_random(&rig->store, 2) ? 20 : 5000);
}

static struct key key_of(struct rig *rig, size_t index)
{
    static const char *const names[LISTS] = {"first", "second", "third", "fourth"};
    return keyspace_key(rig->store.keyspace, slice_of(names[index]));
}

static bool find_list(struct rig *rig, size_t index, struct list *list_out)
{
    struct key key = key_of(rig, index);
    struct entry *entry = keyspace_find(rig->store.keyspace, 0, &key);
    if (entry == NULL) return false;
    *list_out = list_at(rig->store.heap, entry_root(entry, NULL));
    return true;
}

static void compare(struct rig *rig, size_t index, bool backwards)
{
    const struct model_list *expected = &rig->lists[index];
    struct list list;
    struct list_item item;
    char text[TEXT_MAX];
    bool is_there = find_list(rig, index, &list);
    assert_int_equal(is_there, expected->count > 0);
    if (!is_there) return;
    assert_int_equal(list_count(&list), expected->count);
    struct list_iter iter = list_seek(&list, backwards ? expected->count - 1 : 0, backwards);
    for (size_t i = 0; i < expected->count; i++) {
        assert_true(list_next(&iter, &item));
        size_t at = backwards ? expected->count - 1 - i : i;
        if (!slice_equal(item.text, text_of(expected->items[at], text)))
            fail_msg("list %zu, item %zu of %zu", index, at, expected->count);
    }
    assert_false(list_next(&iter, &item));
    uint64_t anywhere = model_random(&rig->store, expected->count);
    iter = list_seek(&list, anywhere, backwards);
    assert_true(list_next(&iter, &item));
    assert_true(slice_equal(item.text, text_of(expected->items[anywhere], text)));
}

static void compare_all(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    for (size_t i = 0; i < LISTS; i++)
        compare(rig, i, model_random(&rig->store, 2));
    while (keyspace_reclaim_step(rig->store.keyspace, rig->store.thread, 50))
        continue;
    if (!keyspace_is_valid(rig->store.keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->store.heap, keyspace_walk, rig->store.keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
}

/* ---- operations: each changes list and model alike, in the open transaction ---- */

static void model_insert(struct model_list *model, size_t at, uint32_t number)
{
    memmove(model->items + at + 1, model->items + at, (model->count - at) * sizeof(*model->items));
    model->items[at] = number;
    model->count++;
}

static void model_cut(struct model_list *model, size_t at, size_t count)
{
    memmove(model->items + at, model->items + at + count,
            (model->count - at - count) * sizeof(*model->items));
    model->count -= count;
}

static void push(struct rig *rig, size_t index)
{
    static char texts[16][TEXT_MAX];
    struct model_list *model = &rig->lists[index];
    struct key key = key_of(rig, index);
    struct slice items[16];
    struct list list;
    enum list_end end = model_random(&rig->store, 2) ? LIST_HEAD : LIST_TAIL;
    size_t count = model_random(&rig->store, 3) ? 1 : 1 + model_random(&rig->store, 16);
    if (model->count + count > ITEMS_MAX) return;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = random_number(rig);
        items[i] = text_of(number, texts[i]);
        model_insert(model, end == LIST_HEAD ? 0 : model->count, number);
    }
    if (!find_list(rig, index, &list)) {
        uint64_t root;
        assert_int_equal(list_create(rig->store.tx, rig->store.heap, &root), ERROR_OK);
        assert_int_equal(keyspace_put_root(rig->store.tx, rig->store.keyspace, 0, &key, ENTRY_LIST,
                                           COLLECTION_LIST, root, EXPIRY_NONE),
                         ERROR_OK);
        list = list_at(rig->store.heap, root);
    }
    assert_int_equal(list_push(rig->store.tx, &list, &rig->limits, end, items, count), ERROR_OK);
}

static void settle(struct rig *rig, size_t index, const struct list *list)
{
    struct key key = key_of(rig, index);
    bool removed;
    if (list_count(list) > 0) return;
    assert_int_equal(keyspace_remove(rig->store.tx, rig->store.keyspace, 0, &key, &removed), ERROR_OK);
    assert_true(removed);
}

static void pop(struct rig *rig, size_t index, const struct list *list)
{
    struct model_list *model = &rig->lists[index];
    size_t most = model_random(&rig->store, 300) ? 1 + model->count / 50 : model->count;
    size_t count = 1 + model_random(&rig->store, most);
    enum list_end end = model_random(&rig->store, 2) ? LIST_HEAD : LIST_TAIL;
    model_cut(model, end == LIST_HEAD ? 0 : model->count - count, count);
    assert_int_equal(list_drop(rig->store.tx, list, &rig->limits, end, count), ERROR_OK);
    settle(rig, index, list);
}

static struct list_item item_at(const struct list *list, uint64_t index, bool backwards)
{
    struct list_iter iter = list_seek(list, index, backwards);
    struct list_item item;
    assert_true(list_next(&iter, &item));
    return item;
}

static void insert(struct rig *rig, size_t index, const struct list *list)
{
    struct model_list *model = &rig->lists[index];
    char text[TEXT_MAX];
    uint32_t number = random_number(rig);
    size_t at = model_random(&rig->store, model->count);
    bool after = model_random(&rig->store, 2);
    if (model->count == ITEMS_MAX) return;
    struct list_item pivot = item_at(list, at, model_random(&rig->store, 2));
    assert_int_equal(list_insert(rig->store.tx, list, &rig->limits, &pivot, after, text_of(number, text)),
                     ERROR_OK);
    model_insert(model, at + after, number);
}

static void replace(struct rig *rig, size_t index, const struct list *list)
{
    struct model_list *model = &rig->lists[index];
    char text[TEXT_MAX];
    uint32_t number = random_number(rig);
    size_t at = model_random(&rig->store, model->count);
    struct list_item item = item_at(list, at, model_random(&rig->store, 2));
    assert_int_equal(list_replace(rig->store.tx, list, &rig->limits, &item, text_of(number, text)), ERROR_OK);
    model->items[at] = number;
}

static void remove_equal(struct rig *rig, size_t index, const struct list *list)
{
    struct model_list *model = &rig->lists[index];
    char text[TEXT_MAX];
    uint32_t number = (uint32_t)model_random(&rig->store, 20);
    bool backwards = model_random(&rig->store, 2);
    uint64_t most = model_random(&rig->store, 3) ? 1 + model_random(&rig->store, 5) : UINT64_MAX, removed,
             expected = 0;
    assert_int_equal(
        list_remove(rig->store.tx, list, &rig->limits, text_of(number, text), most, backwards, &removed),
        ERROR_OK);
    for (size_t i = backwards ? model->count : 0; backwards ? i > 0 : i < model->count;) {
        size_t at = backwards ? i - 1 : i;
        if (model->items[at] != number || expected == most) {
            i = backwards ? i - 1 : i + 1;
            continue;
        }
        model_cut(model, at, 1);
        if (backwards) i--;
        expected++;
    }
    assert_int_equal(removed, expected);
    settle(rig, index, list);
}

/* RPOPLPUSH on the list itself. */
static void rotate(struct rig *rig, size_t index, const struct list *list)
{
    struct model_list *model = &rig->lists[index];
    struct slice item = item_at(list, model->count - 1, false).text;
    uint32_t number = model->items[model->count - 1];
    assert_int_equal(list_push(rig->store.tx, list, &rig->limits, LIST_HEAD, &item, 1), ERROR_OK);
    assert_int_equal(list_drop(rig->store.tx, list, &rig->limits, LIST_TAIL, 1), ERROR_OK);
    model_cut(model, model->count - 1, 1);
    model_insert(model, 0, number);
}

static void copy_over(struct rig *rig, size_t index)
{
    size_t to = model_random(&rig->store, LISTS);
    struct key from = key_of(rig, index), target = key_of(rig, to);
    if (to == index) return;
    assert_int_equal(keyspace_copy(rig->store.tx, rig->store.keyspace, 0, &from, 0, &target), ERROR_OK);
    rig->lists[to] = rig->lists[index];
}

static void operate_on(struct rig *rig, size_t index)
{
    uint64_t kind = model_random(&rig->store, 100);
    struct list list;
    if (kind < 35 || !find_list(rig, index, &list)) push(rig, index);
    else if (kind < 50) pop(rig, index, &list);
    else if (kind < 70) insert(rig, index, &list);
    else if (kind < 82) replace(rig, index, &list);
    else if (kind < 90) remove_equal(rig, index, &list);
    else if (kind < 98) rotate(rig, index, &list);
}

static void operate(struct rig *rig)
{
    size_t index = model_random(&rig->store, LISTS);
    uint64_t kind = model_random(&rig->store, 200);
    rig->before = rig->lists[index];
    tx_begin(rig->store.tx);
    if (kind == 0 && rig->lists[index].count > 0) {
        copy_over(rig, index);
        tx_commit(rig->store.tx);
        return;
    }
    struct tx_mark mark = tx_savepoint(rig->store.tx);
    for (uint64_t count = 1 + model_random(&rig->store, 4); count > 0; count--)
        operate_on(rig, index);
    if (kind < 10) {
        if (kind % 2) tx_rollback_to(rig->store.tx, mark);
        rig->lists[index] = rig->before;
    }
    if (kind < 10 && kind % 2 == 0) tx_abort(rig->store.tx);
    else tx_commit(rig->store.tx);
}

static void random_operations_agree_with_the_model(void **state)
{
    struct rig *rig = *state;
    model_store_open(&rig->store, 1);
    for (uint64_t i = 1; i <= operations; i++) {
        static const int64_t sizes[] = {-2, -1, 128, 20, 3, 1, -5};
        if (i % 300 == 1)
            rig->limits = list_limits(sizes[model_random(&rig->store, sizeof(sizes) / sizeof(*sizes))]);
        operate(rig);
        if (i % CHECK_EVERY == 0) compare_all(rig);
        if (i % REOPEN_EVERY == 0) {
            model_store_close(&rig->store);
            model_store_open(&rig->store, 1);
            compare_all(rig);
        }
    }
    compare_all(rig);
    print_message("at the end: %zu, %zu, %zu, %zu items\n", rig->lists[0].count, rig->lists[1].count,
                  rig->lists[2].count, rig->lists[3].count);
    model_store_close(&rig->store);
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    model_store_make(&rig->store, seed);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    model_store_remove(&rig->store);
    free(rig);
    return 0;
}

int main(int argc, char **argv)
{
    model_arguments(argc, argv, 20, &seed, &operations);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_operations_agree_with_the_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
