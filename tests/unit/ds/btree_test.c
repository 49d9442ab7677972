/* The counted B+ tree beside a sorted array: every shape it takes on the way up and down. */
#include "open_heap.h"

#include "ds/btree.h"

#define TREE_ROOT  1 /* heap root that names the tree's root */
#define DETAIL_CAP 256
#define MODEL_MAX  40000

struct rig {
    struct fixture *fixture;
    struct btree tree;
};

/* Items of one order are told apart by their refs alone. */
static int compare_refs(const char *base, uint64_t ref, const void *tie)
{
    uint64_t other = *(const uint64_t *)tie;
    (void)base;
    return (ref > other) - (ref < other);
}

static struct rig rig_make(struct fixture *fixture)
{
    uint64_t off;
    tx_begin(fixture->tx);
    assert_int_equal(heap_alloc(fixture->tx, sizeof(struct btree_layout), &off), ERROR_OK);
    tx_fill(fixture->tx, heap_ptr(fixture->heap, off), 0, sizeof(struct btree_layout));
    assert_int_equal(heap_root_set(fixture->tx, TREE_ROOT, heap_off_make(off, 0)), ERROR_OK);
    tx_commit(fixture->tx);
    return (struct rig){fixture, {heap_base(fixture->heap), heap_ptr(fixture->heap, off), compare_refs}};
}

static void rig_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    struct rig *rig = app;
    own(ctx, heap_off_get(heap_root(rig->fixture->heap, TREE_ROOT)));
    btree_walk(&rig->tree, own, ctx);
}

static void rig_check_heap(struct rig *rig)
{
    struct heap_check_result result;
    if (heap_check(rig->fixture->heap, rig_walk, rig, &result) != ERROR_OK) fail_msg("%s", result.detail);
}

/* ---- the model: an array in order ---- */

struct model {
    struct btree_item items[MODEL_MAX];
    size_t count;
};

static int compare_items(struct btree_item a, struct btree_item b)
{
    if (a.order != b.order) return a.order < b.order ? -1 : 1;
    return (a.ref > b.ref) - (a.ref < b.ref);
}

static size_t model_before(const struct model *model, struct btree_item item)
{
    size_t low = 0, high = model->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_items(model->items[middle], item) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool model_insert(struct model *model, struct btree_item item)
{
    size_t at = model_before(model, item);
    if (at < model->count && compare_items(model->items[at], item) == 0) return false;
    memmove(&model->items[at + 1], &model->items[at], (model->count++ - at) * sizeof(item));
    model->items[at] = item;
    return true;
}

static void model_remove(struct model *model, size_t at)
{
    memmove(&model->items[at], &model->items[at + 1], (--model->count - at) * sizeof(model->items[0]));
}

struct comparison {
    const struct model *model;
    size_t at;
};

static bool equals_next(void *ctx, struct btree_item item)
{
    struct comparison *comparison = ctx;
    return compare_items(comparison->model->items[comparison->at++], item) == 0;
}

static void assert_same(struct rig *rig, const struct model *model)
{
    char detail[DETAIL_CAP];
    struct comparison comparison = {model, 0};
    if (!btree_is_valid(rig->fixture->heap, rig->tree.root, model->count, equals_next, &comparison, detail,
                        sizeof(detail)))
        fail_msg("%s", detail);
    assert_int_equal(comparison.at, model->count);
    rig_check_heap(rig);
}

/* ---- single operations ---- */

static struct btree_key key_of(const struct btree_item *item)
{
    return (struct btree_key){.order = item->order, .tie = &item->ref};
}

static void insert(struct rig *rig, struct btree_item item)
{
    struct btree_key key = key_of(&item);
    tx_begin(rig->fixture->tx);
    assert_int_equal(btree_insert(rig->fixture->tx, &rig->tree, &key, item.ref), ERROR_OK);
    tx_commit(rig->fixture->tx);
}

static void erase(struct rig *rig, struct btree_item item)
{
    struct btree_key key = key_of(&item);
    struct btree_cursor cursor;
    assert_true(btree_seek(&rig->tree, &key, &cursor));
    assert_int_equal(compare_items(btree_item(&cursor), item), 0);
    tx_begin(rig->fixture->tx);
    assert_int_equal(btree_remove(rig->fixture->tx, &rig->tree, &cursor), ERROR_OK);
    tx_commit(rig->fixture->tx);
}

static struct btree_item random_item(uint32_t *random, uint32_t orders)
{
    uint64_t order = fixture_random(random) % orders;
    return (struct btree_item){order, 8 + fixture_random(random) % 100000};
}

/* Seeks for a place that may or may not be an item's, by key and by rank, and looks around. */
static void assert_seeks(const struct rig *rig, const struct model *model, struct btree_item item)
{
    struct btree_key key = key_of(&item);
    size_t before = model_before(model, item);
    bool there = before < model->count && compare_items(model->items[before], item) == 0;
    struct btree_cursor cursor;
    assert_int_equal(btree_rank_of(&rig->tree, &key), before);
    assert_int_equal(btree_seek(&rig->tree, &key, &cursor), before < model->count);
    if (before < model->count) {
        assert_int_equal(compare_items(btree_item(&cursor), model->items[before]), 0);
        assert_int_equal(btree_rank(&cursor), before);
        assert_int_equal(btree_next(&rig->tree, &cursor), before + 1 < model->count);
    }
    assert_int_equal(btree_seek_before(&rig->tree, &key, &cursor), before > 0);
    if (before > 0) assert_int_equal(compare_items(btree_item(&cursor), model->items[before - 1]), 0);
    key.after = true;
    assert_int_equal(btree_rank_of(&rig->tree, &key), before + there);
    key.tie = NULL;
    assert_int_equal(btree_rank_of(&rig->tree, &key),
                     model_before(model, (struct btree_item){item.order, 0}));
    assert_int_equal(btree_at(&rig->tree, before, &cursor), before < model->count);
    if (before < model->count) assert_int_equal(compare_items(btree_item(&cursor), model->items[before]), 0);
}

static void churn(struct rig *rig, struct model *model, uint32_t orders, size_t peak, uint32_t seed)
{
    uint32_t random = seed;
    while (model->count < peak) {
        struct btree_item item = random_item(&random, orders);
        if (model_insert(model, item)) insert(rig, item);
        if (fixture_random(&random) % 4 == 0) {
            size_t at = fixture_random(&random) % model->count;
            erase(rig, model->items[at]);
            model_remove(model, at);
        }
        assert_seeks(rig, model, random_item(&random, orders));
        if (model->count % 500 == 0) assert_same(rig, model);
    }
    while (model->count > 0) {
        size_t at = fixture_random(&random) % model->count;
        erase(rig, model->items[at]);
        model_remove(model, at);
        assert_seeks(rig, model, random_item(&random, orders));
        if (model->count % 500 == 0) assert_same(rig, model);
    }
    assert_int_equal(rig->tree.root->top, 0);
}

static void follows_a_model(void **state)
{
    struct rig rig = rig_make(*state);
    struct model *model = calloc(1, sizeof(*model));
    static const uint32_t orders[] = {1000000, 50, 1};
    for (uint32_t i = 0; i < 3; i++)
        churn(&rig, model, orders[i], 6000, 17 + i);
    free(model);
}

static double fill_of(const struct rig *rig)
{
    return (double)btree_count(&rig->tree) * 16 / (double)btree_bytes(&rig->tree);
}

static void fill(struct rig *rig, size_t count, uint64_t (*order_of)(uint64_t index))
{
    for (uint64_t i = 0; i < count; i++)
        insert(rig, (struct btree_item){order_of(i), 8 + i});
}

static uint64_t ascending(uint64_t index)
{
    return index;
}

static uint64_t descending(uint64_t index)
{
    return UINT64_MAX - index;
}

static uint64_t shuffled(uint64_t index)
{
    return index * UINT64_C(0x9e3779b97f4a7c15);
}

/* Bytes of items over bytes of nodes, inner ones included. */
static void nodes_are_well_filled(void **state)
{
    static const struct {
        const char *name;
        uint64_t (*order_of)(uint64_t index);
        double least;
    } shapes[] = {
        {"ascending", ascending, 0.90}, {"descending", descending, 0.90}, {"random", shuffled, 0.78}};
    for (unsigned i = 0; i < 3; i++) {
        struct rig rig = rig_make(*state);
        fill(&rig, 100000, shapes[i].order_of);
        print_message("%s: %.3f of the nodes' bytes are items\n", shapes[i].name, fill_of(&rig));
        assert_true(fill_of(&rig) >= shapes[i].least);
    }
}

/* What is removed in order, from either end, leaves nothing behind. */
static void empties_from_the_ends(void **state)
{
    struct rig rig = rig_make(*state);
    struct btree_cursor cursor;
    for (unsigned end = 0; end < 2; end++) {
        fill(&rig, 20000, shuffled);
        while (btree_count(&rig.tree) > 0) {
            assert_true(btree_at(&rig.tree, end == 0 ? 0 : btree_count(&rig.tree) - 1, &cursor));
            erase(&rig, btree_item(&cursor));
        }
        assert_int_equal(rig.tree.root->top, 0);
        rig_check_heap(&rig);
    }
}

static void builds_from_sorted_items(void **state)
{
    struct rig rig = rig_make(*state);
    struct model *model = calloc(1, sizeof(*model));
    static const size_t counts[] = {0, 1, 31, 32, 1116, 1117, 40000};
    for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        for (model->count = 0; model->count < counts[i]; model->count++)
            model->items[model->count] = (struct btree_item){model->count / 7, 8 + model->count};
        struct tx *tx = rig.fixture->tx;
        tx_begin(tx);
        assert_int_equal(btree_build(tx, &rig.tree, model->items, model->count), ERROR_OK);
        tx_commit(tx);
        assert_same(&rig, model);
        for (unsigned steps = 0; rig.tree.root->top != 0; steps++) {
            unsigned budget = 50;
            tx_begin(tx);
            assert_int_equal(btree_reclaim(tx, &rig.tree, &budget), ERROR_OK);
            tx_commit(tx);
            rig_check_heap(&rig);
            assert_in_range(steps, 0, 100);
        }
        tx_begin(tx); /* the owner's root goes with it elsewhere */
        assert_int_equal(tx_store64(tx, &rig.tree.root->count, 0), ERROR_OK);
        tx_commit(tx);
    }
    free(model);
}

static void reorders_within_a_leaf(void **state)
{
    struct rig rig = rig_make(*state);
    struct model *model = calloc(1, sizeof(*model));
    uint32_t random = 5, moved = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        struct btree_item item = {i * 100, 8 + i};
        assert_true(model_insert(model, item));
        insert(&rig, item);
    }
    for (unsigned i = 0; i < 5000; i++) {
        size_t at = fixture_random(&random) % model->count;
        uint64_t order = model->items[at].order + fixture_random(&random) % 120 - 60;
        struct btree_key key = key_of(&model->items[at]);
        struct btree_cursor cursor;
        bool done;
        assert_true(btree_seek(&rig.tree, &key, &cursor));
        tx_begin(rig.fixture->tx);
        assert_int_equal(btree_reorder(rig.fixture->tx, &cursor, order, &done), ERROR_OK);
        tx_commit(rig.fixture->tx);
        if (done) model->items[at].order = order;
        moved += done;
    }
    assert_in_range(moved, 1000, 5000);
    assert_same(&rig, model);
    free(model);
}

static void an_abort_takes_everything_back(void **state)
{
    struct rig rig = rig_make(*state);
    struct model *model = calloc(1, sizeof(*model));
    uint32_t random = 11;
    while (model->count < 3000) {
        struct btree_item item = random_item(&random, 1000);
        if (model_insert(model, item)) insert(&rig, item);
    }
    tx_begin(rig.fixture->tx);
    for (unsigned i = 0; i < 2000; i++) {
        struct btree_item item = {2000 + i % 7, 8 + i};
        struct btree_key key = key_of(&item);
        struct btree_cursor cursor;
        assert_int_equal(btree_insert(rig.fixture->tx, &rig.tree, &key, item.ref), ERROR_OK);
        assert_true(btree_at(&rig.tree, fixture_random(&random) % btree_count(&rig.tree), &cursor));
        if (i % 2) assert_int_equal(btree_remove(rig.fixture->tx, &rig.tree, &cursor), ERROR_OK);
    }
    tx_abort(rig.fixture->tx);
    assert_same(&rig, model);
    free(model);
}

static bool accept(void *ctx, struct btree_item item)
{
    (void)ctx;
    (void)item;
    return true;
}

/* Every bit of root and topmost node: valid or not, the check comes to an end. */
static void damage_is_survived(void **state)
{
    struct rig rig = rig_make(*state);
    char detail[DETAIL_CAP];
    fill(&rig, 3000, shuffled);
    struct heap *heap = rig.fixture->heap;
    uint64_t *words[2] = {&rig.tree.root->top,
                          heap_ptr(heap, heap_off_get((struct heap_off){rig.tree.root->top}))};
    unsigned noticed = 0;
    tx_begin(rig.fixture->tx);
    for (unsigned part = 0; part < 2; part++)
        for (unsigned bit = 0; bit < (part == 0 ? 128 : 8U * 1016); bit++) {
            uint64_t *word = words[part] + bit / 64, old = *word;
            assert_int_equal(tx_store64(rig.fixture->tx, word, old ^ UINT64_C(1) << bit % 64), ERROR_OK);
            noticed += !btree_is_valid(heap, rig.tree.root, 3000, accept, NULL, detail, sizeof(detail));
            tx_write64(rig.fixture->tx, word, old);
        }
    tx_abort(rig.fixture->tx);
    assert_in_range(noticed, 128, 8192);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(follows_a_model),        HEAP_TEST(nodes_are_well_filled),
        HEAP_TEST(empties_from_the_ends),  HEAP_TEST(builds_from_sorted_items),
        HEAP_TEST(reorders_within_a_leaf), HEAP_TEST(an_abort_takes_everything_back),
        HEAP_TEST(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
