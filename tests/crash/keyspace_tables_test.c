/* Changes of whole tables, stopped at each persistent store: segments that grow, split, merge and shrink,
 * directories that double and halve, FLUSHALL, SWAPDB, the reclaim list, and DEL on a full heap. */
#include "keyspace_rig.h"

#include "db/keyspace_internal.h"
#include "ds/hashtable_segment.h"

#define KEYS_MAX 100000

/* All names share a hash tag, so they stand in one table. */
static const char *name_of(uint64_t number)
{
    static char name[32];
    snprintf(name, sizeof(name), "{t}%llu", (unsigned long long)number);
    return name;
}

static struct hashtable table_of(struct rig *rig)
{
    return keyspace__table(rig->keyspace, 0, rig_key(rig, name_of(0)).stripe);
}

/* What a change can do to the table. */
struct shape {
    uint64_t segments;
    unsigned depth;
    uint64_t bytes;
};

static struct shape shape_of(struct rig *rig)
{
    struct hashtable table = table_of(rig);
    uint64_t top = table.root->directory, slots;
    struct shape shape = {.segments = table.root->segments,
                          .depth = word_is_directory(top) ? directory_depth(top) : 0};
    hashtable_memory(&table, &shape.bytes, &slots);
    return shape;
}

static uint64_t count_of(struct rig *rig)
{
    return hashtable_count(table_of(rig).root);
}

static void put_next(struct rig *rig)
{
    uint64_t number = count_of(rig);
    rig_put(rig, name_of(number), SLICE("some value"), number % 9 == 0 ? 90000 : EXPIRY_NONE);
}

static void remove_last(struct rig *rig)
{
    rig_remove(rig, name_of(count_of(rig) - 1));
}

typedef bool wanted_change(struct shape before, struct shape after);

/* Repeats the operation until its next run would be the nth that makes the wanted change. */
static void repeat_until(struct rig *rig, void (*operate)(struct rig *rig), wanted_change *wanted,
                         unsigned nth)
{
    for (unsigned i = 0, met = 0; i < KEYS_MAX; i++) {
        struct shape before = shape_of(rig);
        tx_begin(rig->tx);
        operate(rig);
        if (wanted(before, shape_of(rig)) && ++met == nth) {
            tx_abort(rig->tx);
            return;
        }
        tx_commit(rig->tx);
    }
    ASSERT(!"the change never came");
}

static bool grows(struct shape before, struct shape after)
{
    return before.segments == after.segments && after.bytes > before.bytes;
}

static bool splits(struct shape before, struct shape after)
{
    return before.segments > 1 && after.segments == before.segments + 1 && after.depth == before.depth;
}

static bool doubles(struct shape before, struct shape after)
{
    return after.segments == before.segments + 1 && after.depth == before.depth + 1;
}

static bool merges(struct shape before, struct shape after)
{
    return after.segments + 1 == before.segments && after.depth == before.depth;
}

static bool halves(struct shape before, struct shape after)
{
    return after.depth + 1 == before.depth;
}

static bool shrinks(struct shape before, struct shape after)
{
    return before.segments == 1 && after.segments == 1 && after.bytes < before.bytes;
}

static void fill(struct rig *rig, uint64_t count)
{
    tx_begin(rig->tx);
    while (count_of(rig) < count)
        put_next(rig);
    tx_commit(rig->tx);
}

static void prepare_nothing(struct rig *rig)
{
    (void)rig;
}

static void prepare_tiny_growth(struct rig *rig)
{
    repeat_until(rig, put_next, grows, 2); /* the first one creates the table */
}

static void prepare_growth(struct rig *rig)
{
    repeat_until(rig, put_next, grows, 6);
}

static void prepare_last_growth(struct rig *rig)
{
    repeat_until(rig, put_next, grows, 8);
}

static void prepare_first_split(struct rig *rig)
{
    repeat_until(rig, put_next, doubles, 1);
}

static void prepare_doubling(struct rig *rig)
{
    repeat_until(rig, put_next, doubles, 2);
}

static void prepare_split(struct rig *rig)
{
    repeat_until(rig, put_next, splits, 1);
}

static void prepare_merge(struct rig *rig)
{
    fill(rig, 4000);
    repeat_until(rig, remove_last, merges, 1);
}

static void prepare_halving(struct rig *rig)
{
    fill(rig, 4000);
    repeat_until(rig, remove_last, halves, 1);
}

static void prepare_last_halving(struct rig *rig)
{
    fill(rig, 1500);
    repeat_until(rig, remove_last, halves, 1);
}

static void prepare_shrink(struct rig *rig)
{
    fill(rig, 300);
    repeat_until(rig, remove_last, shrinks, 1);
}

/* Several tables in several databases, some values outside their entries. */
static void prepare_databases(struct rig *rig)
{
    char name[32];
    static char big[3000];
    memset(big, 'b', sizeof(big));
    fill(rig, 1200);
    tx_begin(rig->tx);
    for (unsigned i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "spread %u", i);
        struct key key = rig_key(rig, name);
        struct slice value = i % 3 ? SLICE("value") : (struct slice){big, sizeof(big)};
        must(keyspace_put_string(rig->tx, rig->keyspace, i % 2, &key, value, i % 5 ? EXPIRY_NONE : 5000));
    }
    tx_commit(rig->tx);
}

static void flush_all(struct rig *rig)
{
    for (unsigned db = 0; db < RIG_NOTES; db++)
        must(keyspace_flush(rig->tx, rig->keyspace, db));
}

static void swap(struct rig *rig)
{
    must(keyspace_swap(rig->tx, rig->keyspace, 0, 2));
}

static void prepare_flushed(struct rig *rig)
{
    prepare_databases(rig);
    tx_begin(rig->tx);
    flush_all(rig);
    tx_commit(rig->tx);
    tx_begin(rig->tx);
    rig_put(rig, name_of(7), SLICE("after the flush"), EXPIRY_NONE);
    tx_commit(rig->tx);
}

static void reclaim_one_step(struct rig *rig)
{
    keyspace_reclaim_step(rig->keyspace, rig->thread, 64);
}

static void reclaim_all(struct rig *rig)
{
    while (keyspace_reclaim_step(rig->keyspace, rig->thread, 400))
        continue;
    ASSERT(keyspace_reclaim_pending(rig->keyspace) == 0);
}

static void prepare_due(struct rig *rig)
{
    tx_begin(rig->tx);
    for (unsigned i = 0; i < 40; i++)
        rig_put(rig, name_of(i), SLICE("short-lived"), i % 2 ? 90000 : 1000);
    tx_commit(rig->tx);
}

static void prepare_full(struct rig *rig)
{
    rig_limit(rig);
    enum error error = ERROR_OK;
    while (error == ERROR_OK) {
        struct key key = rig_key(rig, name_of(count_of(rig)));
        tx_begin(rig->tx);
        error = keyspace_put_string(rig->tx, rig->keyspace, 0, &key,
                                    SLICE("a value of some length, so that it fills"), EXPIRY_NONE);
        if (error == ERROR_OK) tx_commit(rig->tx);
        else tx_abort(rig->tx);
    }
    ASSERT(error == ERROR_HEAP_FULL);
}

static void remove_some(struct rig *rig)
{
    for (unsigned i = 0; i < 5; i++)
        remove_last(rig);
}

static const struct rig_case cases[] = {
    {.name = "first entry of a table", .prepare = prepare_nothing, .operate = put_next},
    {.name = "tiny segment grows", .prepare = prepare_tiny_growth, .operate = put_next},
    {.name = "segment grows", .prepare = prepare_growth, .operate = put_next},
    {.name = "segment grows to its last level", .prepare = prepare_last_growth, .operate = put_next},
    {.name = "first split, first directory", .prepare = prepare_first_split, .operate = put_next},
    {.name = "split, directory doubles", .prepare = prepare_doubling, .operate = put_next},
    {.name = "split", .prepare = prepare_split, .operate = put_next},
    {.name = "merge", .prepare = prepare_merge, .operate = remove_last},
    {.name = "merge, directory halves", .prepare = prepare_halving, .operate = remove_last},
    {.name = "merge, directory goes", .prepare = prepare_last_halving, .operate = remove_last},
    {.name = "segment shrinks", .prepare = prepare_shrink, .operate = remove_last},
    {.name = "FLUSHALL", .prepare = prepare_databases, .operate = flush_all},
    {.name = "SWAPDB", .prepare = prepare_databases, .operate = swap},
    {.name = "a step of reclaiming",
     .prepare = prepare_flushed,
     .operate = reclaim_one_step,
     .own_transactions = true},
    {.name = "DEL on a full heap", .prepare = prepare_full, .operate = remove_some, .full = true},
};
#define CASES (sizeof(cases) / sizeof(*cases))

static void each_stop_leaves_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("each store", cases, CASES, 1, false);
}

/* Where unflushed cache lines may be lost. */
static void lost_cache_lines_leave_all_or_nothing(void **state)
{
    (void)state;
    rig_explore_cases("persistent memory", &cases[1], CASES - 1, 8, true);
}

/* The whole list, stopped here and there: the next run must find its way from any of these places. */
static void reclaiming_resumes_anywhere(void **state)
{
    (void)state;
    static const struct rig_case whole = {.name = "reclaiming",
                                          .prepare = prepare_flushed,
                                          .operate = reclaim_all,
                                          .own_transactions = true,
                                          .stride = 211};
    rig_explore_cases("reclaim list", &whole, 1, 1, false);
}

/* An expiry step removes several keys in several transactions: each is there or gone, whole. */
static bool expire_verify(void *arg, void *opened, bool returned)
{
    (void)arg;
    struct rig *rig = opened;
    unsigned present = 0;
    for (unsigned i = 0; i < 40; i++) {
        struct key key = rig_key(rig, name_of(i));
        bool is_there = keyspace_find(rig->keyspace, 0, &key) != NULL;
        if (i % 2 && !is_there) return false;
        present += is_there;
    }
    if (returned && present != 20) return false;
    return rig_is_valid(rig);
}

static void expire_operate(void *arg, void *opened)
{
    (void)arg;
    struct rig *rig = opened;
    unsigned stripe = rig_key(rig, name_of(0)).stripe;
    ASSERT(keyspace_expire_step(rig->keyspace, rig->thread, stripe, 1000, 100, NULL, NULL) == 20);
}

static void an_expiry_step_removes_whole_keys(void **state)
{
    (void)state;
    static const struct rig_case own = {
        .name = "a step of expiry", .prepare = prepare_due, .own_transactions = true};
    struct crash_counts counts = {0};
    rig_current = rig_crash_case(&own, false);
    rig_current.operate = expire_operate;
    rig_current.verify = expire_verify;
    assert_true(crash_explore(&rig_current, &counts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stop_leaves_all_or_nothing),
        cmocka_unit_test(lost_cache_lines_leave_all_or_nothing),
        cmocka_unit_test(reclaiming_resumes_anywhere),
        cmocka_unit_test(an_expiry_step_removes_whole_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
