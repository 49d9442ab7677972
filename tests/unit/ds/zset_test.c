/* Small sorted sets as blobs, and what readers make of bytes that make no sense. Large ones: tests/model and tests/crash. */
#include "open_heap.h"

#include "ds/zset_view.h"

#include <math.h>

#define ITEMS 20

static struct slice pack_some(struct packed_out *out, char (*names)[32])
{
    struct zset_small small;
    zset_small_init(&small);
    for (int i = 0; i < ITEMS; i++) {
        struct zset_item item = {{names[i], (size_t)snprintf(names[i], 32, "member %d", i)},
                                 (i * 7 % ITEMS) / 2.0};
        assert_int_equal(zset_small_insert(&small, &item), ERROR_OK);
    }
    packed_out_reset(out);
    zset_small_pack(&small, out);
    zset_small_free(&small);
    assert_false(out->failed);
    return packed_out_blob(out);
}

static void blobs_keep_order_and_scores(void **state)
{
    (void)state;
    char names[ITEMS][32];
    struct packed_out out = {0};
    struct slice blob = pack_some(&out, names);
    struct zset_small small;
    double score;
    size_t index;
    assert_true(zset_packed_is_valid(blob));
    assert_int_equal(zset_packed_count(blob), ITEMS);
    zset_small_init(&small);
    assert_int_equal(zset_small_unpack(&small, blob), ERROR_OK);
    assert_int_equal(small.count, ITEMS);
    for (size_t i = 1; i < small.count; i++)
        assert_true(zset_compare(&small.items[i - 1], &small.items[i]) < 0);
    assert_true(zset_packed_find(blob, slice_of("member 3"), &score));
    assert_true(score > 0.4 && score < 0.6);
    assert_false(zset_packed_find(blob, slice_of("member"), &score));
    assert_true(zset_small_find(&small, slice_of("member 3"), &index));
    struct zset_bound bound = {.score = 0.5, .member = slice_of("member 3")};
    assert_int_equal(zset_small_rank_of(&small, &bound), index);
    bound.after = true;
    assert_int_equal(zset_small_rank_of(&small, &bound), index + 1);
    zset_small_cut(&small, 0, ITEMS);
    assert_int_equal(small.count, 0);
    zset_small_free(&small);
    packed_out_free(&out);
}

static void many_items_leave_the_inline_array(void **state)
{
    (void)state;
    struct zset_small small;
    static char names[1000][32];
    zset_small_init(&small);
    for (int i = 0; i < 1000; i++) {
        struct zset_item item = {{names[i], (size_t)snprintf(names[i], 32, "%d", i)}, -i};
        assert_int_equal(zset_small_insert(&small, &item), ERROR_OK);
    }
    assert_int_equal(small.count, 1000);
    assert_true(small.items[0].score < -998 && small.items[999].score > -1);
    zset_small_free(&small);
}

static bool take_parts(void *ctx, const struct slice *parts, size_t count)
{
    size_t *bytes = ctx;
    assert_int_equal(count, 2);
    *bytes += parts[0].len + parts[1].len;
    return true;
}

/* Whatever the bytes are, readers stay inside of them and come to an end. */
static void readers_survive_nonsense(void **state)
{
    (void)state;
    char names[ITEMS][32];
    struct packed_out out = {0};
    struct slice blob = pack_some(&out, names);
    uint32_t random = 7;
    unsigned valid = 0;
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = fixture_random(&random) % 3 ? blob.len : fixture_random(&random) % blob.len;
        char *bytes = malloc(len + 1); /* of its own: a sanitizer sees reads beyond */
        memcpy(bytes, blob.ptr, len);
        for (unsigned flips = 1 + fixture_random(&random) % 4; flips > 0 && len > 0; flips--)
            bytes[fixture_random(&random) % len] ^= (char)(1 << fixture_random(&random) % 8);
        struct slice damaged = {bytes, len};
        struct zset_small small;
        double score;
        size_t visited = 0;
        valid += zset_packed_is_valid(damaged);
        zset_packed_visit(damaged, take_parts, &visited);
        (void)zset_packed_find(damaged, slice_of("none"), &score);
        zset_small_init(&small);
        assert_int_equal(zset_small_unpack(&small, damaged), ERROR_OK);
        assert_true(small.count <= len);
        zset_small_free(&small);
        free(bytes);
    }
    assert_in_range(valid, 0, 15000);
    packed_out_free(&out);
}

static void build(struct fixture *fixture, uint64_t *root_out)
{
    struct zset_small small;
    static char names[100][32];
    zset_small_init(&small);
    for (int i = 0; i < 100; i++) {
        struct zset_item item = {{names[i], (size_t)snprintf(names[i], 32, "member %d", i)}, i};
        assert_int_equal(zset_small_insert(&small, &item), ERROR_OK);
    }
    tx_begin(fixture->tx);
    assert_int_equal(zset_build(fixture->tx, fixture->heap, small.items, small.count, root_out), ERROR_OK);
    tx_commit(fixture->tx);
    zset_small_free(&small);
}

/* A bit of root, entry or topmost node changes: the check notices what matters and comes to an end. */
static void damage_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    char detail[256];
    uint64_t root;
    build(fixture, &root);
    struct zset zset = zset_at(fixture->heap, root);
    struct btree_cursor cursor;
    assert_true(zset_ops.is_valid(fixture->heap, root, false, detail, sizeof(detail)));
    assert_int_equal(zset_ops.count(fixture->heap, root), 100);
    assert_true(btree_at(&zset.tree, 50, &cursor));
    uint64_t entry = btree_item(&cursor).ref;
    struct {
        uint64_t off;
        unsigned bits, most_unnoticed;
    } parts[] = {
        {root + offsetof(struct zset_layout, tree), 128, 0},
        {entry + 8, 64, 0}, /* the score */
        {heap_off_get((struct heap_off){zset.tree.root->top}), 8 * 800, 8 * 800},
    };
    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        unsigned unnoticed = 0;
        for (unsigned bit = 0; bit < parts[i].bits; bit++) {
            uint64_t *word = (uint64_t *)heap_ptr(fixture->heap, parts[i].off) + bit / 64;
            tx_begin(fixture->tx);
            assert_int_equal(tx_store64(fixture->tx, word, *word ^ UINT64_C(1) << bit % 64), ERROR_OK);
            unnoticed += zset_ops.is_valid(fixture->heap, root, false, detail, sizeof(detail));
            tx_abort(fixture->tx);
        }
        assert_in_range(unnoticed, 0, parts[i].most_unnoticed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_keep_order_and_scores),
        cmocka_unit_test(many_items_leave_the_inline_array),
        cmocka_unit_test(readers_survive_nonsense),
        HEAP_TEST(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
