/* exec_test.c: EXEC stopped at each of its persistent stores is there whole or not at all, whatever its commands are. */
#include "command_rig.h"

#define REQUESTS_MAX 16

/* Lines of words; the last one of `transaction` is EXEC. */
struct exec_case {
    struct rig_case rig; /* first: the rig's own callbacks are handed it; only its name is used */
    const char *before[REQUESTS_MAX];
    const char *transaction[REQUESTS_MAX];
    bool persistent_memory;
};

/* Executes the lines on a server of their own. */
static void run_lines(struct rig *rig, const char *const *lines)
{
    struct rig_desk *desk = rig_desk_open(rig);
    for (; *lines != NULL; lines++)
        (void)rig_ask(desk, *lines);
    rig_desk_close(desk);
}

/* The transaction is run once to learn what it leaves, and forgotten. */
static void setup(void *arg, const char *path)
{
    static const char *const forget[] = {"FLUSHDB", "SELECT 1", "FLUSHDB", NULL};
    const struct exec_case *own = arg;
    struct rig *rig = rig_open(&rig_current, path);
    run_lines(rig, own->before);
    run_lines(rig, own->transaction);
    int64_t after = rig_sum_of(rig);
    run_lines(rig, forget);
    run_lines(rig, own->before);
    int64_t before = rig_sum_of(rig);
    ASSERT(before != after);
    rig_note(rig, "before", before);
    rig_note(rig, "after", after);
    rig_close(rig);
}

static void operate(void *arg, void *opened)
{
    const struct exec_case *own = arg;
    run_lines(opened, own->transaction);
}

static void explore(const struct exec_case *own)
{
    struct crash_counts counts = {0};
    rig_current = rig_crash_case(&own->rig, own->persistent_memory);
    rig_current.setup = setup;
    rig_current.operate = operate;
    if (!crash_is_built()) skip();
    if (!crash_explore(&rig_current, &counts)) fail_msg("%s", own->rig.name);
    assert_true(counts.points > 0);
}

#define LONG_TEXT "a-value-that-is-far-too-long-to-stand-in-its-entry-and-has-a-block-of-its-own-in-the-heap"

static void test_strings(void **state)
{
    (void)state;
    static const struct exec_case own = {
        .rig.name = "exec: strings",
        .before = {"MSET a 1 b two c " LONG_TEXT},
        .transaction = {"MULTI", "INCR a", "SET b " LONG_TEXT, "DEL c", "SET d new", "APPEND d er",
                        "RENAME a e", "EXEC"},
    };
    explore(&own);
}

static void test_collections(void **state)
{
    (void)state;
    static const struct exec_case own = {
        .rig.name = "exec: collections",
        .before = {"RPUSH list a b c", "HSET hash f v", "ZADD zset 1 a"},
        .transaction = {"MULTI", "LMOVE list other LEFT RIGHT", "HSET hash f w g x", "ZADD zset 2 b",
                        "SADD set m n", "HDEL hash f", "EXEC"},
    };
    explore(&own);
}

/* What was taken back to a savepoint in the midst stays away; its neighbours stand. */
static void test_failures(void **state)
{
    (void)state;
    static const struct exec_case own = {
        .rig.name = "exec: failing commands between others",
        .before = {"SET a text"},
        .transaction = {"MULTI", "SET b 1", "INCR a", "LPUSH a x", "SET c 2", "EXEC"},
    };
    explore(&own);
}

static void test_databases(void **state)
{
    (void)state;
    static const struct exec_case own = {
        .rig.name = "exec: databases",
        .before = {"MSET a 1 b 2", "SELECT 1", "SET c 3"},
        .transaction = {"MULTI", "SET d 4", "MOVE a 1", "SELECT 1", "INCR c", "FLUSHDB", "SET e 5",
                        "SWAPDB 0 1", "EXEC"},
    };
    explore(&own);
}

static void test_persistent_memory(void **state)
{
    (void)state;
    static const struct exec_case own = {
        .rig.name = "exec: lost cache lines",
        .before = {"MSET a 1 b 2"},
        .transaction = {"MULTI", "INCR a", "DEL b", "SET c 3", "EXEC"},
        .persistent_memory = true,
    };
    explore(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),           cmocka_unit_test(test_collections),
        cmocka_unit_test(test_failures),          cmocka_unit_test(test_databases),
        cmocka_unit_test(test_persistent_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
