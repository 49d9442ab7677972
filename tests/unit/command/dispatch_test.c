/* dispatch_test.c: what happens to a request on its way to a handler and back. */
#include "server_fixture.h"

#include "command/worker.h"


static void test_found_or_not(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "PING", "+PONG\r\n");
    assert_reply(fixture, "ping hello", "$5\r\nhello\r\n");
    assert_reply(fixture, "foo a b", "-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n");
    assert_reply(fixture, "get", "-ERR wrong number of arguments for 'get' command\r\n");
    assert_reply(fixture, "client getname x",
                 "-ERR wrong number of arguments for 'client|getname' command\r\n");
    assert_reply(fixture, "client nosuch", "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n");
    assert_reply(fixture, "client", "-ERR wrong number of arguments for 'client' command\r\n");
    assert_int_equal(atomic_load(&fixture->worker.counters.error_replies), 5);
}

static void test_keyed(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "set a 1", "+OK\r\n");
    assert_reply(fixture, "get a", "$1\r\n1\r\n");
    assert_reply(fixture, "mset x 1 y 2 z 3", "+OK\r\n");
    assert_reply(fixture, "mget x y nosuch z", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n$1\r\n3\r\n");
    assert_reply(fixture, "dbsize", ":4\r\n");
    assert_reply(fixture, "select 1", "+OK\r\n");
    assert_reply(fixture, "dbsize", ":0\r\n");
    assert_reply(fixture, "swapdb 0 1", "+OK\r\n");
    assert_reply(fixture, "dbsize", ":4\r\n");
    assert_reply(fixture, "flushdb", "+OK\r\n");
    assert_reply(fixture, "dbsize", ":0\r\n");
    assert_int_equal(atomic_load(&fixture->worker.counters.changes), 1 + 3 + 1 + 4);
}

static void test_authentication(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(
        fixture, "auth x",
        "-ERR AUTH <password> called without any password configured for the default user. Are you sure "
        "your configuration is correct?\r\n");
    assert_int_equal(acl_set_default_password(&fixture->server.acl, SLICE("secret")), ERROR_OK);
    fixture->session.authenticated = false;
    assert_reply(fixture, "get a", "-NOAUTH Authentication required.\r\n");
    assert_reply(fixture, "auth wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    assert_reply(fixture, "auth other secret",
                 "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    assert_true(strncmp(server_reply(fixture, "hello 3"), "-NOAUTH HELLO must be called", 28) == 0);
    assert_reply(fixture, "auth default secret", "+OK\r\n");
    assert_reply(fixture, "get a", "$-1\r\n");
    assert_reply(fixture, "reset", "+RESET\r\n");
    assert_reply(fixture, "get a", "-NOAUTH Authentication required.\r\n");
    assert_true(strncmp(server_reply(fixture, "hello 3 auth default secret setname me"), "%7\r\n", 4) == 0);
    assert_reply(fixture, "client getname", "$2\r\nme\r\n");
}

static void test_reply_modes(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "client reply skip", "");
    assert_reply(fixture, "ping", "");
    assert_reply(fixture, "ping", "+PONG\r\n");
    assert_reply(fixture, "client reply off", "");
    assert_reply(fixture, "client reply skip", "");
    assert_reply(fixture, "ping", "");
    assert_reply(fixture, "ping", "");
    assert_reply(fixture, "client reply on", "+OK\r\n");
    assert_reply(fixture, "ping", "+PONG\r\n");
}

static void test_pause(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "client pause 100000 write", "+OK\r\n");
    assert_reply(fixture, "get a", "$-1\r\n");
    assert_reply(fixture, "set a 1", "");
    assert_int_equal(fixture->stop, DISPATCH_PAUSED);
    assert_reply(fixture, "client unpause", "+OK\r\n");
    assert_reply(fixture, "set a 1", "+OK\r\n");
    assert_reply(fixture, "client pause 1 sometimes", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
    assert_reply(fixture, "client pause -1", "-ERR timeout is negative\r\n");
}

static void test_memory_limit(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "set a 1", "+OK\r\n");
    atomic_store(&fixture->settings.maxmemory_bytes, 1);
    assert_reply(fixture, "set b 1", "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    assert_reply(fixture, "del a", ":1\r\n");
    atomic_store(&fixture->settings.maxmemory_bytes, 0);
    assert_reply(fixture, "set b 1", "+OK\r\n");
}

static void test_lazy_expiry(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "set a 1 px 1", "+OK\r\n");
    usleep(5000);
    assert_int_equal(keyspace_size(fixture->keyspace, 0), 1);
    assert_reply(fixture, "get a", "$-1\r\n");
    assert_int_equal(keyspace_size(fixture->keyspace, 0), 0);
    assert_int_equal(atomic_load(&fixture->worker.counters.expired_keys), 1);
    assert_int_equal(atomic_load(&fixture->worker.counters.keyspace_misses), 1);
}

static void test_statistics(void **state)
{
    struct server_fixture *fixture = *state;
    const struct command_table *table = fixture->server.table;
    unsigned get = command_table_named(table, SLICE("get"))->id;
    server_reply(fixture, "set a b");
    server_reply(fixture, "get a");
    server_reply(fixture, "get");
    server_reply(fixture, "incr a");
    struct stats_sum sum = stats_of_command(&fixture->server, get);
    assert_int_equal(sum.calls, 1);
    assert_int_equal(sum.rejected, 1);
    assert_int_equal(stats_of_command(&fixture->server, command_table_named(table, SLICE("incr"))->id).failed,
                     1);
    assert_non_null(strstr(server_reply(fixture, "latency histogram get"), "histogram_usec"));
    assert_reply(fixture, "config resetstat", "+OK\r\n");
    assert_reply(fixture, "latency histogram get", "*0\r\n");
    assert_non_null(strstr(server_reply(fixture, "latency histogram"), "config|resetstat"));
    assert_int_equal(stats_of_command(&fixture->server, get).calls, 0);
}

static void test_slowlog(void **state)
{
    struct server_fixture *fixture = *state;
    atomic_store(&fixture->settings.slowlog_slower_than_us, 0);
    server_reply(fixture, "set a b");
    server_reply(fixture, "auth password");
    atomic_store(&fixture->settings.slowlog_slower_than_us, -1);
    assert_reply(fixture, "slowlog len", ":2\r\n");
    const char *log = server_reply(fixture, "slowlog get");
    assert_non_null(strstr(log, "*2\r\n$4\r\nauth\r\n$10\r\n(redacted)\r\n"));
    assert_non_null(strstr(log, "*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n"));
    assert_reply(fixture, "slowlog reset", "+OK\r\n");
    assert_reply(fixture, "slowlog get", "*0\r\n");
}

/* One batch holds many requests of every class; replies come in order. */
static void test_pipeline(void **state)
{
    struct server_fixture *fixture = *state;
    enum { COUNT = 300 };
    static struct slice argv[COUNT][3];
    static struct resp_request requests[COUNT];
    size_t done;
    struct slice words[] = {SLICE("SET"), SLICE("Get"), SLICE("ping"), SLICE("swapdb"), SLICE("nosuch")};
    for (size_t i = 0; i < COUNT; i++) {
        size_t kind = i % 5;
        size_t argc[] = {3, 2, 1, 3, 1};
        argv[i][0] = words[kind];
        argv[i][1] = kind == 3 ? SLICE("0") : SLICE("key");
        argv[i][2] = kind == 3 ? SLICE("0") : SLICE("value");
        requests[i] = (struct resp_request){argv[i], argc[kind], 32};
    }
    fixture->out.len = 0;
    assert_int_equal(
        dispatch_batch(&fixture->worker, &fixture->session, requests, COUNT, &fixture->out, &done),
        DISPATCH_DONE);
    assert_int_equal(done, COUNT);
    const char *round = "+OK\r\n$5\r\nvalue\r\n+PONG\r\n+OK\r\n"
                        "-ERR unknown command 'nosuch', with args beginning with: \r\n";
    size_t len = strlen(round);
    assert_int_equal(fixture->out.len, len * (COUNT / 5));
    for (size_t i = 0; i < COUNT / 5; i++)
        assert_memory_equal(fixture->out.buf + i * len, round, len);
}

/* A batch ends early when its replies are large, but never before its first request. */
static void test_large_replies(void **state)
{
    struct server_fixture *fixture = *state;
    struct slice get[] = {SLICE("get"), SLICE("k")};
    struct resp_request requests[10];
    size_t done;
    server_reply(fixture, "setrange k 2000000 end");
    for (size_t i = 0; i < 10; i++)
        requests[i] = (struct resp_request){get, 2, 20};
    for (size_t i = 0; i < 10; i += done) {
        fixture->out.len = 0;
        assert_int_equal(
            dispatch_batch(&fixture->worker, &fixture->session, requests + i, 10 - i, &fixture->out, &done),
            DISPATCH_DONE);
        assert_int_equal(done, 1);
        assert_int_equal(fixture->out.len, strlen("$2000003\r\n") + 2000003 + 2);
    }
}

static void test_quit_drops_the_rest(void **state)
{
    struct server_fixture *fixture = *state;
    struct slice quit = SLICE("quit"), ping = SLICE("ping");
    struct resp_request requests[] = {{&ping, 1, 4}, {&quit, 1, 4}, {&ping, 1, 4}};
    size_t done;
    fixture->out.len = 0;
    assert_int_equal(dispatch_batch(&fixture->worker, &fixture->session, requests, 3, &fixture->out, &done),
                     DISPATCH_CLOSE);
    assert_int_equal(done, 2);
    assert_memory_equal(fixture->out.buf, "+PONG\r\n+OK\r\n", fixture->out.len);
}

static void test_debug(void **state)
{
    struct server_fixture *fixture = *state;
    assert_reply(fixture, "debug populate 1000 p 10", "+OK\r\n");
    assert_reply(fixture, "dbsize", ":1000\r\n");
    assert_reply(fixture, "strlen p:999", ":10\r\n");
    char before[64];
    snprintf(before, sizeof before, "%s", server_reply(fixture, "debug digest"));
    assert_reply(fixture, "debug reload", "+OK\r\n");
    assert_reply(fixture, "debug digest", before);
    server_reply(fixture, "append p:0 x");
    assert_string_not_equal(server_reply(fixture, "debug digest"), before);
    assert_reply(fixture, "debug nosuch",
                 "-ERR unknown subcommand or wrong number of arguments for 'nosuch'. Try DEBUG HELP.\r\n");
    assert_reply(fixture, "debug error oops", "-oops\r\n");
    atomic_store(&fixture->settings.enable_debug_command, DEBUG_LOCAL);
    assert_true(strncmp(server_reply(fixture, "debug sleep 0"), "-ERR DEBUG command not allowed.", 31) == 0);
    fixture->session.local = true;
    assert_reply(fixture, "debug sleep 0", "+OK\r\n");
    atomic_store(&fixture->settings.enable_debug_command, DEBUG_NOBODY);
    assert_true(strncmp(server_reply(fixture, "debug sleep 0"), "-ERR DEBUG command not allowed.", 31) == 0);
}

/* The room that the redo journal has ends within a batch: what is left of the batch waits, or many workers together would outrun the
 * margin behind it. */
static void test_journal_room_ends_within_a_batch(void **state)
{
    enum { COUNT = 64, VALUE_BYTES = 48 << 10, LIMIT_BYTES = 1 << 20 };
    static char value[VALUE_BYTES];
    struct server_fixture *fixture = *state;
    const struct heap_journal_options options = {
        .wanted = true, .policy = WAL_NO, .tail_limit_bytes = LIMIT_BYTES, .no_threads = true};
    struct heap *heap = fixture->heap->heap;
    char detail[256] = "";
    assert_int_equal(heap_journal_begin(heap, &options, detail, sizeof detail), ERROR_OK);
    assert_int_equal(heap_journal_base(heap), ERROR_OK);
    memset(value, 'v', sizeof value);
    struct slice argv[COUNT][3];
    struct resp_request requests[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        argv[i][0] = (struct slice){"set", 3};
        argv[i][1] = (struct slice){"key", 3};
        argv[i][2] = (struct slice){value, sizeof value};
        requests[i] = (struct resp_request){.argv = argv[i], .argc = 3, .bytes = sizeof value + 6};
    }
    struct wal_stats stats;
    size_t done = 0;
    fixture->out.len = 0;
    assert_int_equal(
        dispatch_batch(&fixture->worker, &fixture->session, requests, COUNT, &fixture->out, &done),
        DISPATCH_PAUSED);
    assert_true(done > 1 && done < COUNT);
    assert_true(heap_journal_stats(fixture->heap->thread, &stats));
    assert_in_range(stats.reserved_lsn - stats.noted_lsn, LIMIT_BYTES / 2, LIMIT_BYTES);
    /* The rest once there is room. */
    while (done < COUNT) {
        size_t more = 0;
        assert_int_equal(heap_sync(heap), ERROR_OK);
        dispatch_batch(&fixture->worker, &fixture->session, requests + done, COUNT - done, &fixture->out, &more);
        assert_true(more > 0);
        done += more;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_found_or_not),   SERVER_TEST(test_keyed),
        SERVER_TEST(test_authentication), SERVER_TEST(test_reply_modes),
        SERVER_TEST(test_pause),          SERVER_TEST(test_memory_limit),
        SERVER_TEST(test_lazy_expiry),    SERVER_TEST(test_statistics),
        SERVER_TEST(test_slowlog),        SERVER_TEST(test_pipeline),
        SERVER_TEST(test_large_replies),  SERVER_TEST(test_quit_drops_the_rest),
        SERVER_TEST(test_debug),          SERVER_TEST(test_journal_room_ends_within_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
