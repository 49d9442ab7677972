/* Lists by themselves: items of every length from both sides, what they cost, patterns of pushes and pops,
 * damaged bytes. */
#include "open_heap.h"

#include "ds/list.h"

#define LIST_ROOT  1 /* heap root that names the list's root */
#define DETAIL_CAP 256

static struct list make_list(struct fixture *fixture)
{
    uint64_t root;
    tx_begin(fixture->tx);
    assert_int_equal(list_create(fixture->tx, fixture->heap, &root), ERROR_OK);
    assert_int_equal(heap_root_set(fixture->tx, LIST_ROOT, heap_off_make(root, 0)), ERROR_OK);
    tx_commit(fixture->tx);
    return list_at(fixture->heap, root);
}

static uint64_t root_of(const struct list *list)
{
    return (uint64_t)((char *)list->root - list->base);
}

static void walk_list(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    struct fixture *fixture = app;
    list_ops.walk(fixture->heap, heap_off_get(heap_root(fixture->heap, LIST_ROOT)), own, ctx);
}

static void check(struct fixture *fixture, const struct list *list)
{
    char detail[DETAIL_CAP];
    struct heap_check_result result;
    if (!list_ops.is_valid(fixture->heap, root_of(list), false, detail, sizeof(detail)))
        fail_msg("%s", detail);
    if (heap_check(fixture->heap, walk_list, fixture, &result) != ERROR_OK) fail_msg("%s", result.detail);
}

static void push(struct fixture *fixture, const struct list *list, int64_t max_size, enum list_end end,
                 struct slice item)
{
    struct list_limits limits = list_limits(max_size);
    tx_begin(fixture->tx);
    assert_int_equal(list_push(fixture->tx, list, &limits, end, &item, 1), ERROR_OK);
    tx_commit(fixture->tx);
}

static void drop(struct fixture *fixture, const struct list *list, enum list_end end, uint64_t count)
{
    struct list_limits limits = list_limits(-2);
    tx_begin(fixture->tx);
    assert_int_equal(list_drop(fixture->tx, list, &limits, end, count), ERROR_OK);
    tx_commit(fixture->tx);
}

static void items_of_every_length_read_from_both_sides(void **state)
{
    static const size_t lens[] = {0, 1, 126, 127, 128, 129, 255, 256, 257, 8000, 16383, 16384, 16385, 300000};
    enum { LENS = sizeof(lens) / sizeof(*lens) };
    static char bytes[300000];
    struct fixture *fixture = *state;
    struct list list = make_list(fixture);
    struct list_item item;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31);
    for (size_t i = 0; i < LENS; i++)
        push(fixture, &list, -2, LIST_TAIL, (struct slice){bytes, lens[i]});
    struct list_iter forwards = list_seek(&list, 0, false), backwards = list_seek(&list, LENS - 1, true);
    for (size_t i = 0; i < LENS; i++) {
        assert_true(list_next(&forwards, &item));
        assert_true(slice_equal(item.text, (struct slice){bytes, lens[i]}));
        assert_true(list_next(&backwards, &item));
        assert_true(slice_equal(item.text, (struct slice){bytes, lens[LENS - 1 - i]}));
    }
    assert_false(list_next(&forwards, &item));
    assert_false(list_next(&backwards, &item));
    check(fixture, &list);
}

static void sixteen_bytes_cost_little_more(void **state)
{
    enum { ITEMS = 100000 };
    struct fixture *fixture = *state;
    for (int end = LIST_HEAD; end <= LIST_TAIL; end++) {
        uint64_t before = heap_used_bytes(fixture->heap);
        struct list list = make_list(fixture);
        for (size_t i = 0; i < ITEMS; i++)
            push(fixture, &list, -2, (enum list_end)end, SLICE("sixteen bytes ok"));
        double each = (double)(heap_used_bytes(fixture->heap) - before) / ITEMS;
        print_message("pushed at the %s: %.2f bytes for an item of 16\n", end == LIST_HEAD ? "head" : "tail",
                      each);
        assert_true(each < 18.4);
        assert_true(list_ops.bytes(fixture->heap, root_of(&list), 0) <= (size_t)(each * ITEMS) + 1);
        check(fixture, &list);
        drop(fixture, &list, LIST_TAIL, ITEMS);
        tx_begin(fixture->tx);
        assert_int_equal(heap_free(fixture->tx, root_of(&list)), ERROR_OK);
        tx_commit(fixture->tx);
    }
}

/* A queue goes through its chunks without growing; a stack comes and goes at one end. */
static void queues_and_stacks_stay_small(void **state)
{
    struct fixture *fixture = *state;
    struct list list = make_list(fixture);
    for (int i = 0; i < 30; i++)
        push(fixture, &list, -2, LIST_TAIL, SLICE("an item of a queue"));
    uint64_t used = heap_used_bytes(fixture->heap);
    for (int i = 0; i < 20000; i++) {
        enum list_end in = i < 10000 ? LIST_TAIL : LIST_HEAD;
        push(fixture, &list, -2, in, SLICE("an item of a queue"));
        drop(fixture, &list, in == LIST_TAIL ? LIST_HEAD : LIST_TAIL, 1);
        assert_true(heap_used_bytes(fixture->heap) <= used + 8192);
    }
    for (int i = 0; i < 2000; i++) { /* by turns: neither end starves the other */
        push(fixture, &list, -2, i % 2 ? LIST_HEAD : LIST_TAIL, SLICE("an item of a queue"));
        assert_true(heap_used_bytes(fixture->heap) <= used + (uint64_t)(i + 60) * 40 + 2 * 8192);
    }
    assert_int_equal(list_count(&list), 2030);
    check(fixture, &list);
}

static void reclaim_stops_at_its_budget(void **state)
{
    struct fixture *fixture = *state;
    struct list list = make_list(fixture);
    char detail[DETAIL_CAP];
    bool done = false;
    for (int i = 0; i < 1000; i++)
        push(fixture, &list, 20, LIST_TAIL, SLICE("an item"));
    uint64_t root = root_of(&list);
    for (unsigned steps = 0; !done; steps++) {
        unsigned budget = 10;
        assert_true(steps < 20);
        tx_begin(fixture->tx);
        assert_int_equal(list_ops.reclaim(fixture->tx, fixture->heap, root, &budget, &done), ERROR_OK);
        tx_commit(fixture->tx);
        if (!done) assert_true(list_ops.is_valid(fixture->heap, root, true, detail, sizeof(detail)));
    }
}

static bool touch(void *ctx, const struct slice *parts, size_t count)
{
    uint64_t *sum = ctx;
    for (size_t i = 0; count > 0 && i < parts[0].len; i++)
        *sum += (unsigned char)parts[0].ptr[i];
    return true;
}

/* Whatever a byte becomes: the list is found damaged, or can be read to its end. */
static void try_damage(struct fixture *fixture, const struct list *list, unsigned char *at)
{
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xff};
    char detail[DETAIL_CAP];
    unsigned char was = *at;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(values); i++) {
        *at = values[i];
        if (list_ops.is_valid(fixture->heap, root_of(list), false, detail, sizeof(detail)))
            list_ops.visit(fixture->heap, root_of(list), touch, &sum);
    }
    *at = was;
}

static void damaged_bytes_are_found(void **state)
{
    static char large[400];
    struct fixture *fixture = *state;
    struct list list = make_list(fixture);
    memset(large, 'd', sizeof(large));
    for (size_t i = 0; i < 60; i++)
        push(fixture, &list, 7, i % 3 ? LIST_TAIL : LIST_HEAD,
             (struct slice){large, i % 7 ? i % 20 : sizeof(large)});
    unsigned char *root = (unsigned char *)list.root;
    for (size_t i = offsetof(struct list_layout, count); i < sizeof(struct list_layout); i++)
        try_damage(fixture, &list, root + i);
    for (uint64_t off = list.root->head; off != 0;) {
        struct list_chunk_layout *chunk = heap_at(list.base, off);
        size_t bytes = sizeof(*chunk) + chunk->extent.end;
        for (size_t i = 0; i < bytes; i++)
            try_damage(fixture, &list, (unsigned char *)chunk + i);
        off = chunk->next;
    }
    check(fixture, &list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(items_of_every_length_read_from_both_sides),
        HEAP_TEST(sixteen_bytes_cost_little_more),
        HEAP_TEST(queues_and_stacks_stay_small),
        HEAP_TEST(reclaim_stops_at_its_budget),
        HEAP_TEST(damaged_bytes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
