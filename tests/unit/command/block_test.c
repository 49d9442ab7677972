/* block_test.c: the heap of deadlines and the queues of those who wait, against the obvious. */
#include "server_fixture.h"

#include "command/block.h"
#include "command/block_table.h"
#include "command/block_timer.h"

#define MANY   400
#define ROUNDS 4000
#define KEYS   6

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* ---- deadlines ---- */

static int64_t earliest(struct waiter *const *waiters)
{
    int64_t first_ms = INT64_MAX;
    for (size_t i = 0; i < MANY; i++)
        if (waiters[i]->timed && waiters[i]->deadline_ms < first_ms) first_ms = waiters[i]->deadline_ms;
    return first_ms;
}

static void test_deadlines(void **state)
{
    (void)state;
    struct block_timers timers = {0};
    struct waiter *waiters[MANY];
    uint64_t random = 7;
    for (size_t i = 0; i < MANY; i++)
        waiters[i] = block_table_waiter_new(NULL, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct waiter *waiter = waiters[next_random(&random) % MANY];
        if (waiter->timed) {
            block_timer_remove(&timers, waiter);
        } else {
            int64_t before_ms = earliest(waiters);
            waiter->deadline_ms = (int64_t)(next_random(&random) % 1000);
            assert_true(block_timer_reserve(&timers));
            bool first = block_timer_add(&timers, waiter);
            if (waiter->deadline_ms < before_ms) assert_true(first);
            if (waiter->deadline_ms > before_ms) assert_false(first);
        }
        waiter->timed = !waiter->timed;
        const struct waiter *first = block_timer_first(&timers);
        assert_true(first ? first->deadline_ms == earliest(waiters) : earliest(waiters) == INT64_MAX);
    }
    block_timer_free(&timers);
    for (size_t i = 0; i < MANY; i++)
        block_table_waiter_free(waiters[i]);
}

/* ---- queues ---- */

struct keys {
    struct key keys[KEYS];
    struct slice argv[KEYS + 2];
};

static const struct command_entry *blpop_entry(struct server_fixture *fixture)
{
    return command_table_named(fixture->server.table, SLICE("blpop"));
}

/* A waiter for the keys whose bit is set, the first of them twice. */
static struct waiter *add(struct server_fixture *fixture, uint64_t id, unsigned db, unsigned bits)
{
    static const char *const names[KEYS] = {"a", "b", "c", "d", "e", "f"};
    struct keys own;
    size_t count = 0, bytes;
    own.argv[0] = SLICE("BLPOP");
    for (unsigned i = 0; i < KEYS; i++)
        if (bits >> i & 1) own.keys[count++] = keyspace_key(fixture->keyspace, slice_of(names[i]));
    if (count < KEYS) own.keys[count] = own.keys[0];
    count += count < KEYS;
    for (size_t i = 0; i < count; i++)
        own.argv[i + 1] = own.keys[i].name;
    own.argv[count + 1] = SLICE("0");
    struct waiter *waiter = block_table_waiter_new(
        kept_copy(blpop_entry(fixture), own.argv, count + 2, own.keys, count, &bytes), count);
    assert_non_null(waiter);
    waiter->as_of.id = id;
    waiter->as_of.db = db;
    waiter->if_gone = id % 3 == 0;
    assert_true(block_table_add(&fixture->server.blocks, waiter, count));
    return waiter;
}

static struct wanted_key *find(struct server_fixture *fixture, unsigned db, const char *name)
{
    struct key key = keyspace_key(fixture->keyspace, slice_of(name));
    return block_table_find(&fixture->server.blocks, db, &key);
}

static void assert_queue(struct server_fixture *fixture, unsigned db, const char *name, const char *ids)
{
    char found[64] = "";
    const struct wanted_key *wanted = find(fixture, db, name);
    for (const struct block_link *at = wanted ? wanted->first : NULL; at; at = at->next)
        sprintf(found + strlen(found), "%llu ", (unsigned long long)at->waiter->as_of.id);
    assert_string_equal(found, ids);
}

static void test_queues(void **state)
{
    struct server_fixture *fixture = *state;
    struct block_table *table = &fixture->server.blocks;
    struct waiter *one = add(fixture, 1, 0, 3), *two = add(fixture, 2, 0, 2), *three = add(fixture, 3, 0, 3);
    struct waiter *four = add(fixture, 4, 1, 2);
    assert_queue(fixture, 0, "a", "1 3 ");
    assert_queue(fixture, 0, "b", "1 2 3 ");
    assert_queue(fixture, 1, "b", "4 ");
    assert_int_equal(atomic_load(&table->keys), 3);
    assert_int_equal(atomic_load(&table->keys_if_gone), 2);
    assert_int_equal(atomic_load(&table->waiting), 4);
    assert_ptr_equal(block_table_of_session(table, 2), two);
    block_table_claim(table, one);
    assert_null(block_table_of_session(table, 1));
    assert_queue(fixture, 0, "a", "3 ");
    assert_queue(fixture, 0, "b", "2 3 ");
    block_table_claim(table, three);
    assert_null(find(fixture, 0, "a"));
    assert_queue(fixture, 0, "b", "2 ");
    assert_int_equal(atomic_load(&table->keys_if_gone), 0);
    struct key b = keyspace_key(fixture->keyspace, SLICE("b")),
               a = keyspace_key(fixture->keyspace, SLICE("a"));
    assert_true(block_table_wants(table, &b));
    assert_false(block_table_wants(table, &a));
    block_table_claim(table, two);
    block_table_claim(table, four);
    assert_false(block_table_wants(table, &b));
    assert_int_equal(atomic_load(&table->keys), 0);
    assert_int_equal(atomic_load(&table->waiting), 0);
    block_table_drop(table, one);
    assert_int_equal(table->waiters, 3); /* the others are freed with the table */
}

static void test_ready(void **state)
{
    struct server_fixture *fixture = *state;
    struct block_table *table = &fixture->server.blocks;
    struct waiter *waiter = add(fixture, 1, 0, 7);
    block_table_mark_ready(table, find(fixture, 0, "c"));
    block_table_mark_ready(table, find(fixture, 0, "a"));
    block_table_mark_ready(table, find(fixture, 0, "c"));
    block_table_mark_ready(table, find(fixture, 0, "b"));
    struct wanted_key *first = block_table_take_ready(table);
    assert_ptr_equal(first, find(fixture, 0, "c"));
    block_table_mark_ready(table, first); /* made ready again while it is served */
    assert_ptr_equal(block_table_take_ready(table), find(fixture, 0, "a"));
    block_table_let_go(table, find(fixture, 0, "a"));
    block_table_claim(table, waiter);
    assert_null(find(fixture, 0, "b")); /* K3: ready or not */
    assert_ptr_equal(find(fixture, 0, "c"), first);
    block_table_let_go(table, first);
    assert_null(find(fixture, 0, "c"));
    assert_null(block_table_take_ready(table));
}

/* Many waiters on few keys come and go; queues stay in order and nothing is left behind. */
static void test_many(void **state)
{
    struct server_fixture *fixture = *state;
    struct block_table *table = &fixture->server.blocks;
    struct waiter *waiters[MANY] = {NULL};
    uint64_t random = 3, id = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct waiter **at = &waiters[next_random(&random) % MANY];
        if (*at) {
            block_table_claim(table, *at);
            block_table_drop(table, *at);
            *at = NULL;
        } else {
            *at = add(fixture, ++id, (unsigned)(next_random(&random) % 2),
                      1 + (unsigned)(next_random(&random) % 63));
        }
        const struct wanted_key *wanted = find(fixture, 0, "b");
        uint64_t last = 0, if_gone = 0;
        for (const struct block_link *link = wanted ? wanted->first : NULL; link; link = link->next) {
            assert_true(link->waiter->as_of.id > last);
            last = link->waiter->as_of.id;
            if_gone += link->waiter->if_gone;
        }
        if (wanted) assert_int_equal(wanted->if_gone, if_gone);
    }
    for (size_t i = 0; i < MANY; i++) {
        if (!waiters[i]) continue;
        block_table_claim(table, waiters[i]);
        block_table_drop(table, waiters[i]);
    }
    assert_int_equal(table->waiters, 0);
    assert_int_equal(atomic_load(&table->keys), 0);
    assert_int_equal(atomic_load(&table->keys_if_gone), 0);
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        assert_int_equal(atomic_load(&table->stripes[i].key_count), 0);
}

/* Which commands have to be alone. */
static void test_wakes(void **state)
{
    struct server_fixture *fixture = *state;
    struct block_table *table = &fixture->server.blocks;
    static const struct {
        const char *command;
        bool first, second; /* whether it wakes who waits for its first, its second key */
    } cases[] = {{"rpush", true, false},       {"lmove", true, true},   {"blmove", false, true},
                 {"brpoplpush", false, true},  {"blpop", false, false}, {"bzpopmin", false, false},
                 {"xreadgroup", false, false}, {"get", false, false},   {"rename", true, true}};
    struct key keys[2] = {keyspace_key(fixture->keyspace, SLICE("a")),
                          keyspace_key(fixture->keyspace, SLICE("x"))};
    struct key reversed[2] = {keys[1], keys[0]};
    (void)add(fixture, 1, 0, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct command *command =
            command_table_named(fixture->server.table, slice_of(cases[i].command))->command;
        size_t count = strcmp(cases[i].command, "rpush") == 0 ? 1 : 2;
        assert_int_equal(block_wakes(table, command, keys, count), cases[i].first);
        assert_int_equal(block_wakes(table, command, reversed, count), cases[i].second);
        assert_false(block_wakes(table, command, &keys[1], 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines), SERVER_TEST(test_queues), SERVER_TEST(test_ready),
        SERVER_TEST(test_many),           SERVER_TEST(test_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
