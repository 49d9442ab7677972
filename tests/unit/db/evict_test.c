/* evict_test.c: which keys go: the least worthy of all stripes and databases, and only those that may. */
#include "../ds/open_heap.h"

#include "db/evict.h"

#include <stdio.h>

#define DATABASES  3
#define SAMPLES    5
#define DETAIL_CAP 256

struct rig {
    struct fixture *fixture;
    struct keyspace *keyspace;
    struct evictor *evictor;
    unsigned evicted;
    uint64_t evicted_ranks; /* sum */
};

static struct rig rig_make(struct fixture *fixture)
{
    struct rig rig = {.fixture = fixture};
    assert_int_equal(keyspace_open(fixture->heap, fixture->thread, DATABASES, &rig.keyspace), ERROR_OK);
    assert_int_equal(evict_open(rig.keyspace, fixture->thread, &rig.evictor), ERROR_OK);
    return rig;
}

static void rig_end(struct rig *rig)
{
    char detail[DETAIL_CAP];
    struct heap_check_result result;
    evict_close(rig->evictor);
    if (!keyspace_is_valid(rig->keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->fixture->heap, keyspace_walk, rig->keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
    keyspace_close(rig->keyspace);
}

static struct key key_of(const struct rig *rig, unsigned number, char name[16])
{
    int len = snprintf(name, 16, "key:%u", number);
    return keyspace_key(rig->keyspace, (struct slice){name, (size_t)len});
}

/* Key `number` holds its own number, which is its rank below. */
static void put(struct rig *rig, unsigned db, unsigned number, int64_t expire_at_ms)
{
    char name[16];
    struct tx *tx = rig->fixture->tx;
    struct key key = key_of(rig, number, name);
    tx_begin(tx);
    assert_int_equal(keyspace_put_int(tx, rig->keyspace, db, &key, number, expire_at_ms), ERROR_OK);
    tx_commit(tx);
}

static void take_away(struct rig *rig, unsigned db, unsigned number)
{
    char name[16];
    bool removed;
    struct tx *tx = rig->fixture->tx;
    struct key key = key_of(rig, number, name);
    tx_begin(tx);
    assert_int_equal(keyspace_remove(tx, rig->keyspace, db, &key, &removed), ERROR_OK);
    tx_commit(tx);
}

static bool is_there(const struct rig *rig, unsigned db, unsigned number)
{
    char name[16];
    struct key key = key_of(rig, number, name);
    return keyspace_find(rig->keyspace, db, &key) != NULL;
}

static uint64_t rank_by_value(const void *arg, const struct entry *entry)
{
    int64_t value = 0;
    (void)arg;
    assert_true(entry_int(entry, &value));
    return (uint64_t)value;
}

static uint64_t rank_by_expiry(const void *arg, const struct entry *entry)
{
    (void)arg;
    return UINT64_MAX - (uint64_t)entry_expire_ms(entry);
}

static void note_evicted(void *arg, unsigned db, struct slice name)
{
    struct rig *rig = arg;
    unsigned number = 0;
    (void)db;
    assert_false(tx_is_open(rig->fixture->tx));
    for (size_t i = 4; i < name.len; i++)
        number = number * 10 + (unsigned)(name.ptr[i] - '0');
    rig->evicted++;
    rig->evicted_ranks += number;
}

static struct evict_policy policy_of(struct rig *rig, uint64_t (*rank)(const void *, const struct entry *),
                                     bool volatile_only)
{
    return (struct evict_policy){.volatile_only = volatile_only,
                                 .samples = SAMPLES,
                                 .rank = rank,
                                 .evicted = note_evicted,
                                 .evicted_arg = rig};
}

static void test_highest_ranks_go(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, rank_by_value, false);
    for (unsigned i = 0; i < 10000; i++)
        put(&rig, 0, i, EXPIRY_NONE);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(evict_step(rig.evictor, &policy));
    assert_int_equal(keyspace_size(rig.keyspace, 0), 9000);
    assert_int_equal(rig.evicted, 1000);
    /* A sample of five alone would reach a mean of 8300. */
    assert_in_range(rig.evicted_ranks / rig.evicted, 8500, 9500); /* 8740, give or take 50 */
    rig_end(&rig);
}

static void test_all_go(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, NULL, false);
    assert_false(evict_step(rig.evictor, &policy));
    for (unsigned i = 0; i < 300; i++)
        put(&rig, i % DATABASES, i, EXPIRY_NONE);
    for (unsigned i = 0; i < 300; i++)
        assert_true(evict_step(rig.evictor, &policy));
    assert_false(evict_step(rig.evictor, &policy));
    for (unsigned db = 0; db < DATABASES; db++)
        assert_int_equal(keyspace_size(rig.keyspace, db), 0);
    assert_int_equal(rig.evicted_ranks, 299 * 300 / 2);
    rig_end(&rig);
}

/* Nothing but the volatile hundredth goes, and all of it is found. */
static void test_volatile_only(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, NULL, true);
    for (unsigned i = 0; i < 20000; i++)
        put(&rig, 0, i, i % 100 == 7 ? 1 + (int64_t)i : EXPIRY_NONE);
    while (evict_step(rig.evictor, &policy))
        continue;
    assert_int_equal(rig.evicted, 200);
    assert_int_equal(keyspace_volatile_size(rig.keyspace, 0), 0);
    assert_int_equal(keyspace_size(rig.keyspace, 0), 19800);
    rig_end(&rig);
}

static void test_soonest_to_expire_go(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, rank_by_expiry, true);
    for (unsigned i = 0; i < 20000; i++)
        put(&rig, 1, i, 1000000 + (int64_t)i);
    for (unsigned i = 0; i < 2000; i++)
        assert_true(evict_step(rig.evictor, &policy));
    assert_true(rig.evicted_ranks / rig.evicted <
                3000); /* 2600, give or take 60; a sample of five alone: 3300 */
    rig_end(&rig);
}

/* V2: candidates that are gone, were overwritten, or are no longer volatile. */
static void test_stale_candidates(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, rank_by_value, true);
    for (unsigned i = 0; i < 500; i++)
        put(&rig, 0, i, 1000);
    assert_true(evict_step(rig.evictor, &policy));
    for (unsigned i = 100; i < 500; i++)
        take_away(&rig, 0, i);
    for (unsigned i = 0; i < 90; i++)
        put(&rig, 0, i, EXPIRY_NONE);
    unsigned before = rig.evicted;
    while (evict_step(rig.evictor, &policy))
        continue;
    assert_true(rig.evicted - before <= 10);
    for (unsigned i = 90; i < 100; i++)
        assert_false(is_there(&rig, 0, i));
    for (unsigned i = 0; i < 90; i++)
        assert_true(is_there(&rig, 0, i));
    rig_end(&rig);
}

/* Databases give as many keys as they have; a flush and a swap between steps are noticed. */
static void test_databases(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, NULL, false);
    for (unsigned i = 0; i < 4000; i++)
        put(&rig, i % 4 == 0 ? 1 : 0, i, EXPIRY_NONE);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(evict_step(rig.evictor, &policy));
    assert_in_range(keyspace_size(rig.keyspace, 0), 2150, 2350);
    struct tx *tx = rig.fixture->tx;
    tx_begin(tx);
    assert_int_equal(keyspace_flush(tx, rig.keyspace, 0), ERROR_OK);
    assert_int_equal(keyspace_swap(tx, rig.keyspace, 0, 1), ERROR_OK);
    tx_commit(tx);
    uint64_t left = keyspace_size(rig.keyspace, 0);
    while (evict_step(rig.evictor, &policy))
        left--;
    assert_int_equal(left, 0);
    rig_end(&rig);
}

/* What is evicted takes its share of the tables with it. */
static void test_tables_shrink(void **state)
{
    struct rig rig = rig_make(*state);
    struct evict_policy policy = policy_of(&rig, NULL, false);
    struct keyspace_memory before, after;
    for (unsigned i = 0; i < 50000; i++)
        put(&rig, 0, i, EXPIRY_NONE);
    keyspace_memory(rig.keyspace, 0, &before);
    for (unsigned i = 0; i < 30000; i++)
        assert_true(evict_step(rig.evictor, &policy));
    keyspace_memory(rig.keyspace, 0, &after);
    assert_in_range(after.table_bytes, 0, before.table_bytes * 2 / 3);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_highest_ranks_go),     HEAP_TEST(test_all_go),           HEAP_TEST(test_volatile_only),
        HEAP_TEST(test_soonest_to_expire_go), HEAP_TEST(test_stale_candidates), HEAP_TEST(test_databases),
        HEAP_TEST(test_tables_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
