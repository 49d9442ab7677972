/* Values overwritten where they stand, longer and shorter: taken back they are what they were. */
#include "../unit/heap/fixture.h"
#include "db/keyspace.h"

#define LENGTH_MAX 300
#define STEP       7

static void put(struct fixture *fixture, struct keyspace *keyspace, const struct key *key, size_t len,
                char byte)
{
    char text[LENGTH_MAX];
    memset(text, byte, len);
    struct slice value = {text, len};
    assert_int_equal(keyspace_put_string(fixture->tx, keyspace, 0, key, value, EXPIRY_KEEP), ERROR_OK);
}

static void assert_value(struct fixture *fixture, struct keyspace *keyspace, const struct key *key,
                         size_t len, char byte)
{
    char expected[LENGTH_MAX], text[ENTRY_INT_TEXT_MAX];
    memset(expected, byte, len);
    const struct entry *entry = keyspace_find(keyspace, 0, key);
    assert_non_null(entry);
    struct slice value = entry_string(fixture->heap, entry, text);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.ptr, expected, len);
}

static void test_an_abort_restores_every_length(void **state)
{
    struct fixture *fixture = *state;
    struct keyspace *keyspace;
    fixture_open(fixture);
    assert_int_equal(keyspace_open(fixture->heap, fixture->thread, 1, &keyspace), ERROR_OK);
    struct key key = keyspace_key(keyspace, SLICE("a name"));
    for (size_t old = 1; old < LENGTH_MAX; old += STEP)
        for (size_t len = 1; len < LENGTH_MAX; len += STEP) {
            tx_begin(fixture->tx);
            put(fixture, keyspace, &key, old, 'a');
            tx_commit(fixture->tx);
            tx_begin(fixture->tx);
            put(fixture, keyspace, &key, len, 'b');
            assert_value(fixture, keyspace, &key, len, 'b');
            tx_abort(fixture->tx);
            assert_value(fixture, keyspace, &key, old, 'a');
        }
    keyspace_close(keyspace);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_abort_restores_every_length, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
