/* Random changes of sorted sets beside a plain model in memory: small and large ones, many members of one score, ranks and
 * ranges in both directions, aborts and restarts in between.
 *
 *     test_model_zset_model [SEED [OPERATIONS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/model_store.h"
#include "zset_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS         6
#define MEMBERS      3000 /* of the largest set */
#define SMALL_MAX    40
#define CHECK_EVERY  1000
#define REOPEN_EVERY 6000
#define LONG_FACTOR  20
#define NAME_MAX_LEN 400

struct model_member {
    bool there;
    double score;
};

struct rig {
    struct model_store store;
    struct model_member members[SETS][MEMBERS];
    struct model_member saved[MEMBERS]; /* of the set being changed: what an abort returns to */
    uint64_t done;
};

static uint64_t seed, operations = 30000;

static struct zset_target target_of(struct rig *rig, unsigned set)
{
    static const char *const names[SETS] = {"a", "b", "c", "{b}d", "a longer name of a sorted set", "f"};
    return (struct zset_target){rig->store.tx, rig->store.keyspace,
                                keyspace_key(rig->store.keyspace, slice_of(names[set])), SMALL_MAX};
}

/* Members of very different lengths, some of them beginnings of others. */
static struct slice name_of(unsigned member, char text[NAME_MAX_LEN])
{
    size_t len = (size_t)snprintf(text, NAME_MAX_LEN, member % 3 ? "m%u" : "%u", member);
    if (member % 37 == 0) {
        memset(text + len, 'x', 300);
        len += 300;
    }
    return (struct slice){text, len};
}

static double random_score(struct rig *rig, unsigned set)
{
    static const double few[] = {-1.0 / 0.0, -2.5, 0, 1, 1.0 / 0.0};
    if (set % 3 == 0) return few[model_random(&rig->store, 5)];
    if (set % 3 == 1) return (double)(int64_t)model_random(&rig->store, 2000) / 8 - 100;
    return (double)model_random(&rig->store, UINT32_MAX);
}

/* ---- comparing ---- */

static int compare_items(const void *a, const void *b)
{
    return zset_compare(a, b);
}

/* The model's items in order; the names are kept in `texts`. */
static size_t sorted_model(const struct rig *rig, unsigned set, struct zset_item *items,
                           char (*texts)[NAME_MAX_LEN])
{
    size_t count = 0;
    for (unsigned i = 0; i < MEMBERS; i++)
        if (rig->members[set][i].there)
            items[count++] = (struct zset_item){name_of(i, texts[i]), rig->members[set][i].score};
    qsort(items, count, sizeof(*items), compare_items);
    return count;
}

static bool same_item(struct zset_item a, struct zset_item b)
{
    return zset_compare(&a, &b) == 0;
}

static void compare_walk(const struct zset_view *view, const struct zset_item *items, size_t count,
                         bool backward)
{
    struct zset_position position;
    size_t seen = 0;
    bool more = count > 0 && zset_view_at(view, backward ? count - 1 : 0, &position);
    for (; more; more = zset_view_step(view, backward, &position), seen++)
        assert_true(seen < count &&
                    same_item(zset_view_item(view, &position), items[backward ? count - 1 - seen : seen]));
    assert_int_equal(seen, count);
}

static void compare_bound(const struct zset_view *view, const struct zset_item *items, size_t count,
                          const struct zset_bound *bound)
{
    struct zset_position position;
    size_t rank = 0;
    while (rank < count && zset_is_before(&items[rank], bound))
        rank++;
    assert_int_equal(zset_view_rank_of(view, bound), rank);
    assert_int_equal(zset_view_seek(view, bound, false, &position), rank < count);
    if (rank < count) assert_true(same_item(zset_view_item(view, &position), items[rank]));
    assert_int_equal(zset_view_seek(view, bound, true, &position), rank > 0);
    if (rank > 0) assert_true(same_item(zset_view_item(view, &position), items[rank - 1]));
}

static void compare_set(struct rig *rig, unsigned set)
{
    static struct zset_item items[MEMBERS];
    static char texts[MEMBERS][NAME_MAX_LEN];
    struct zset_target target = target_of(rig, set);
    struct zset_view view;
    size_t count = sorted_model(rig, set, items, texts);
    assert_int_equal(
        zset_view_open(&view, rig->store.heap, keyspace_find(rig->store.keyspace, 0, &target.key)), ERROR_OK);
    assert_int_equal(zset_view_count(&view), count);
    compare_walk(&view, items, count, false);
    compare_walk(&view, items, count, true);
    for (unsigned i = 0; i < 30; i++) {
        char text[NAME_MAX_LEN];
        unsigned member = (unsigned)model_random(&rig->store, MEMBERS);
        struct zset_bound bound = {.score = random_score(rig, set),
                                   .after = model_random(&rig->store, 2) == 0};
        double score;
        if (model_random(&rig->store, 2) == 0) bound.member = name_of(member, text);
        compare_bound(&view, items, count, &bound);
        bool there = rig->members[set][member].there;
        assert_int_equal(zset_view_score(&view, name_of(member, text), &score), there);
        if (there)
            assert_true(score >= rig->members[set][member].score && score <= rig->members[set][member].score);
    }
    zset_view_close(&view);
}

static void compare_all(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    if (!keyspace_is_valid(rig->store.keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->store.heap, keyspace_walk, rig->store.keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
    for (unsigned set = 0; set < SETS; set++)
        compare_set(rig, set);
}

/* ---- changing ---- */

static void change(struct rig *rig, unsigned set, unsigned member, bool removes)
{
    struct zset_target target = target_of(rig, set);
    char text[NAME_MAX_LEN];
    double score = random_score(rig, set);
    zset_change(&target, name_of(member, text), removes ? NULL : &score);
    rig->members[set][member] = (struct model_member){!removes, score};
}

static void drop(struct rig *rig, unsigned set)
{
    struct zset_target target = target_of(rig, set);
    bool removed;
    assert_int_equal(keyspace_remove(rig->store.tx, rig->store.keyspace, 0, &target.key, &removed), ERROR_OK);
    memset(rig->members[set], 0, sizeof(rig->members[set]));
}

static void copy(struct rig *rig, unsigned from, unsigned to)
{
    struct zset_target source = target_of(rig, from), copied = target_of(rig, to);
    if (keyspace_find(rig->store.keyspace, 0, &source.key) == NULL) return;
    assert_int_equal(keyspace_copy(rig->store.tx, rig->store.keyspace, 0, &source.key, 0, &copied.key),
                     ERROR_OK);
    memcpy(rig->members[to], rig->members[from], sizeof(rig->members[to]));
}

static void operate(struct rig *rig)
{
    bool aborts = model_random(&rig->store, 10) == 0;
    unsigned set = (unsigned)model_random(&rig->store, SETS),
             changes = 1 + (unsigned)model_random(&rig->store, 12);
    /* Some sets stay small, others swing between empty and large. */
    unsigned members = set < 2 ? 30 : set < 4 ? 500 : MEMBERS;
    bool shrinking = (rig->done / 9000 + set) % 3 == 2;
    memcpy(rig->saved, rig->members[set], sizeof(rig->saved));
    tx_begin(rig->store.tx);
    for (unsigned i = 0; i < changes; i++)
        change(rig, set, (unsigned)model_random(&rig->store, members),
               model_random(&rig->store, 8) < (shrinking ? 7 : 2));
    if (model_random(&rig->store, 3000) == 0) drop(rig, set);
    else if (model_random(&rig->store, 3000) == 0) copy(rig, (unsigned)model_random(&rig->store, SETS), set);
    if (aborts) {
        tx_abort(rig->store.tx);
        memcpy(rig->members[set], rig->saved, sizeof(rig->saved));
    } else {
        tx_commit(rig->store.tx);
    }
}

static void sorted_sets_behave_as_the_model(void **state)
{
    (void)state;
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    model_store_make(&rig->store, seed);
    model_store_open(&rig->store, 1);
    for (rig->done = 1; rig->done <= operations; rig->done++) {
        operate(rig);
        if (model_random(&rig->store, 100) == 0)
            keyspace_reclaim_step(rig->store.keyspace, rig->store.thread, 200);
        if (rig->done % CHECK_EVERY == 0) compare_all(rig);
        if (rig->done % REOPEN_EVERY == 0) {
            model_store_close(&rig->store);
            model_store_open(&rig->store, 1);
            compare_all(rig);
        }
    }
    model_store_close(&rig->store);
    model_store_remove(&rig->store);
    free(rig);
}

int main(int argc, char **argv)
{
    model_arguments(argc, argv, LONG_FACTOR, &seed, &operations);
    const struct CMUnitTest tests[] = {cmocka_unit_test(sorted_sets_behave_as_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
