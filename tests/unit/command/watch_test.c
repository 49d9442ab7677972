/* watch_test.c: the table of watched keys, without sessions. */
#include "server_fixture.h"

#define MANY 5000

static struct key key_of(struct server_fixture *fixture, const char *name)
{
    return keyspace_key(fixture->keyspace, slice_of(name));
}

static void add(struct server_fixture *fixture, struct watcher **watcher, const char *name, bool stale)
{
    struct key key = key_of(fixture, name);
    assert_int_equal(watch_add(watcher, &fixture->server.watches, 0, &key, stale), ERROR_OK);
}

static void touch(struct server_fixture *fixture, unsigned db, const char *name, bool expired)
{
    watch_touch_name(&fixture->server.watches, fixture->keyspace, db, slice_of(name), expired);
}

static void test_touch(void **state)
{
    struct server_fixture *fixture = *state;
    struct watcher *a = NULL, *b = NULL;
    add(fixture, &a, "x", false);
    add(fixture, &a, "x", false);
    add(fixture, &b, "x", false);
    add(fixture, &b, "y", false);
    assert_int_equal(watch_key_count(a), 1);
    assert_int_equal(watch_key_count(b), 2);
    touch(fixture, 0, "z", false);
    touch(fixture, 1, "x", false);
    assert_false(watch_is_dirty(a) || watch_is_dirty(b));
    touch(fixture, 0, "y", false);
    assert_true(!watch_is_dirty(a) && watch_is_dirty(b));
    watch_end(&b);
    assert_null(b);
    touch(fixture, 0, "x", false);
    assert_true(watch_is_dirty(a));
    watch_forgive(a);
    assert_false(watch_is_dirty(a));
    watch_end(&a);
    assert_int_equal(atomic_load(&fixture->server.watches.keys), 0);
    assert_int_equal(atomic_load(&fixture->server.watches.watchers), 0);
}

static void test_stale(void **state)
{
    struct server_fixture *fixture = *state;
    struct watcher *was_stale = NULL, *was_there = NULL;
    add(fixture, &was_stale, "x", true);
    add(fixture, &was_there, "x", false);
    touch(fixture, 0, "x", true);
    assert_false(watch_is_dirty(was_stale));
    assert_true(watch_is_dirty(was_there));
    touch(fixture, 0, "x", true); /* it had come again */
    assert_true(watch_is_dirty(was_stale));
    watch_end(&was_stale);
    watch_end(&was_there);
}

static void test_databases(void **state)
{
    struct server_fixture *fixture = *state;
    struct watcher *there = NULL, *absent = NULL;
    struct watch_table *table = &fixture->server.watches;
    assert_reply(fixture, "set x 1", "+OK\r\n");
    add(fixture, &there, "x", false);
    add(fixture, &absent, "y", false);
    watch_flush(table, fixture->keyspace, 1);
    watch_swap(table, fixture->keyspace, 1, 2, 0);
    watch_swap(table, fixture->keyspace, 0, 0, 0);
    assert_false(watch_is_dirty(there) || watch_is_dirty(absent));
    watch_flush(table, fixture->keyspace, 0);
    assert_true(watch_is_dirty(there) && !watch_is_dirty(absent));
    watch_forgive(there);
    watch_swap(table, fixture->keyspace, 3, 0, 0);
    assert_true(watch_is_dirty(there) && !watch_is_dirty(absent));
    watch_end(&there);
    watch_end(&absent);
}

static void test_many(void **state)
{
    struct server_fixture *fixture = *state;
    struct watcher *watcher = NULL;
    char name[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "key:%d", i);
        add(fixture, &watcher, name, false);
    }
    assert_int_equal(watch_key_count(watcher), MANY);
    assert_int_equal(watch_stripes(watcher), UINT64_MAX);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "key:%d", i);
        touch(fixture, 0, name, false);
        assert_true(watch_is_dirty(watcher));
        watch_forgive(watcher);
    }
    watch_end(&watcher);
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        assert_false(watch_has_keys(&fixture->server.watches, i));
}

static void test_queue(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "multi", "+OK\r\n");
    assert_reply(fixture, "set a 1", "+QUEUED\r\n");
    assert_reply(fixture, "client info", "+QUEUED\r\n"); /* runs after, replies in its place */
    assert_reply(fixture, "get a", "+QUEUED\r\n");
    assert_reply(fixture, "exec", "*3\r\n+OK\r\n$5\r\nid=1\n\r\n$1\r\n1\r\n");
    assert_reply(fixture, "watch a", "+OK\r\n");
    assert_reply(fixture, "multi", "+OK\r\n");
    assert_reply(fixture, "get a", "+QUEUED\r\n");
    assert_reply(fixture, "reset", "+RESET\r\n");
    assert_null(fixture->session.multi);
    assert_null(fixture->session.watcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_touch), SERVER_TEST(test_stale), SERVER_TEST(test_databases),
        SERVER_TEST(test_many),  SERVER_TEST(test_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
