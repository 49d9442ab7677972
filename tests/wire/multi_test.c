/* multi_test.c: MULTI, EXEC, DISCARD, WATCH, UNWATCH as a client sees them. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PREVIOUS_ERRORS "-EXECABORT Transaction discarded because of previous errors."

static void queue_and_run(void **state)
{
    static const struct step steps[] = {
        {"EXEC", "-ERR EXEC without MULTI"},
        {"DISCARD", "-ERR DISCARD without MULTI"},
        {"MULTI", "+OK"},
        {"EXEC", "[]"},
        {"MULTI", "+OK"},
        {"SET a 1", "+QUEUED"},
        {"INCR a", "+QUEUED"},
        {"MGET a b", "+QUEUED"},
        {"PING", "+QUEUED"},
        {"EXEC", "[+OK, :2, ['2', nil], +PONG]"},
        {"MULTI", "+OK"},
        {"SET a 9", "+QUEUED"},
        {"DISCARD", "+OK"},
        {"GET a", "'2'"},
        {"MULTI", "+OK"},
        {"MULTI", "-ERR MULTI calls can not be nested"},
        {"WATCH a", "-ERR WATCH inside MULTI is not allowed"},
        {"UNWATCH", "+QUEUED"},
        {"SET \"\" empty", "+QUEUED"},
        {"GET \"\"", "+QUEUED"},
        {"EXEC", "[+OK, +OK, 'empty']"},
        {"EXEC", "-ERR EXEC without MULTI"},
        {"MULTI", "+OK"},
        {"RESET", "+RESET", "+RESET"},
    };
    SCRIPT(*state, steps);
}

static void errors(void **state)
{
    static const struct step steps[] = {
        {"MULTI", "+OK"},
        {"SET a 1", "+QUEUED"},
        {"NOSUCH x", "-ERR unknown command 'NOSUCH', with args beginning with: 'x' "},
        {"SET a 2", "+QUEUED"},
        {"EXEC", PREVIOUS_ERRORS},
        {"EXEC", "-ERR EXEC without MULTI"},
        {"MULTI", "+OK"},
        {"GET", "-ERR wrong number of arguments for 'get' command"},
        {"EXEC", PREVIOUS_ERRORS},
        {"MULTI", "+OK"},
        {"SAVE", "-ERR Command not allowed inside a transaction"},
        {"EXEC", PREVIOUS_ERRORS},
        {"MULTI", "+OK"},
        {"EXEC x",
         "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"},
        {"EXEC", "-ERR EXEC without MULTI"},
        {"EXISTS a", ":0"},
        {"MULTI", "+OK"},
        {"SET a text", "+QUEUED"},
        {"INCR a", "+QUEUED"},
        {"LPUSH a x", "+QUEUED"},
        {"APPEND a s", "+QUEUED"},
        {"EXEC", "[+OK, -ERR value is not an integer or out of range, -WRONGTYPE Operation against a key "
                 "holding the wrong kind of value, :5]"},
        {"GET a", "'texts'"},
        {"MULTI", "+OK"},
        {"WATCH", "-ERR wrong number of arguments for 'watch' command"},
        {"DISCARD", "+OK"},
        {"MULTI", "+OK"},
        {"ZUNION x a", "+QUEUED"},
        {"EXEC", "[-ERR value is not an integer or out of range]"},
    };
    SCRIPT(*state, steps);
}

/* Commands that run outside the transaction reply at their places. */
static void all_kinds(void **state)
{
    static const struct step steps[] = {
        {"MULTI", "+OK"},
        {"SELECT 1", "+QUEUED"},
        {"FLUSHDB", "+QUEUED"},
        {"SET k v", "+QUEUED"},
        {"CONFIG GET maxmemory-samples", "+QUEUED"},
        {"DBSIZE", "+QUEUED"},
        {"SCAN 0", "+QUEUED"},
        {"KEYS *", "+QUEUED"},
        {"CLIENT KILL ID 999999", "+QUEUED"},
        {"ECHO end", "+QUEUED"},
        {"SELECT 0", "+QUEUED"},
        {"EXISTS k", "+QUEUED"},
        {"EXEC", "[+OK, +OK, +OK, ['maxmemory-samples', '5'], :1, ['0', ['k']], ['k'], :0, 'end', +OK, :0]",
         "[+OK, +OK, +OK, {'maxmemory-samples': '5'}, :1, ['0', ['k']], ['k'], :0, 'end', +OK, :0]"},
        {"MULTI", "+OK"},
        {"SORT nosuch BY x*", "+QUEUED"},
        {"CLIENT LIST", "+QUEUED"},
        {"TIME", "+QUEUED"},
        {"EXEC", "[[], 'id=<*>', ['<*>', '<*>']]", "[[], =txt:'id=<*>', ['<*>', '<*>']]"},
        {"MULTI", "+OK"},
        {"CLIENT INFO", "+QUEUED"},
        {"EXEC", "['<*>flags=x<*>multi=1 <*>cmd=<*>']", "[=txt:'<*>flags=x<*>multi=1 <*>cmd=<*>']"},
    };
    SCRIPT(*state, steps);
}

/* Each of these by another client between WATCH and EXEC: whether EXEC then does nothing. */
struct change {
    const char *before;
    const char *change;
    bool breaks;
};

static const struct change changes[] = {
    {"SET k 1", "SET k 1", true},       {"SET k 1", "GET k", false},      {"SET k 1", "SET other 1", false},
    {"SET k 1", "DEL k", true},         {"DEL k", "DEL k", false},        {"DEL k", "SET k 1", true},
    {"SET k 1", "EXPIRE k 1000", true}, {"SET k 1", "RENAME k l", true},  {"SET l 1", "RENAME l k", true},
    {"SET k 1", "MOVE k 3", true},      {"RPUSH k a", "LPOP k", true},    {"RPUSH k a", "RPUSH k b", true},
    {"SADD k a", "SADD k a", false},    {"HSET k f v", "HDEL k f", true}, {"ZADD k 1 a", "ZADD k 2 a", true},
    {"SET k 1", "FLUSHALL", true},      {"SET k 1", "FLUSHDB", true},     {"DEL k", "FLUSHALL", false},
    {"SET k 1", "SWAPDB 0 1", true},    {"DEL k", "SWAPDB 0 1", false},   {"SET k 1", "SWAPDB 1 2", false},
    {"SET k 1", "PEXPIRE k 1", true},
};

static void watch(void **state)
{
    struct client *own = client_open(*state, 2), *other = client_open(*state, 3);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct change *change = &changes[i];
        bool short_lived = strstr(change->change, "PEXPIRE") != NULL;
        EXPECT(other, "FLUSHALL", "+OK");
        client_ask(other, change->before);
        EXPECT(own, "WATCH k", "+OK");
        client_ask(other, change->change);
        if (short_lived) usleep(40000);
        EXPECT(own, "MULTI", "+OK");
        EXPECT(own, "PING", "+QUEUED");
        client_expect(own, "EXEC", change->breaks ? "nil" : "[+PONG]", change->change, (int)i);
    }
    client_close(own);
    client_close(other);
}

/* A key that was alive when it was watched and whose time then runs out. On a slow machine it may be gone before the WATCH: then
 * it gets longer. */
static void watch_expiry(void **state)
{
    struct client *own = client_open(*state, 2), *other = client_open(*state, 3);
    bool alive = false;
    for (unsigned life = 20; !alive && life < 100000; life *= 4) {
        char set[64];
        snprintf(set, sizeof set, "SET k 1 PX %u", life);
        EXPECT(own, "UNWATCH", "+OK");
        EXPECT(other, set, "+OK");
        EXPECT(own, "WATCH k", "+OK");
        alive = strcmp(client_ask(own, "EXISTS k"), ":1") == 0;
        usleep((life + 5) * 1000);
    }
    assert_true(alive);
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "PING", "+QUEUED");
    EXPECT(own, "EXEC", "nil");
    client_close(own);
    client_close(other);
}

static void watch_rules(void **state)
{
    struct client *own = client_open(*state, 3), *other = client_open(*state, 2);
    EXPECT(other, "FLUSHALL", "+OK");
    /* one's own change counts, until it is forgotten */
    EXPECT(own, "WATCH a b a", "+OK");
    EXPECT(own, "SET a 1", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "nil");
    EXPECT(own, "WATCH a", "+OK");
    EXPECT(other, "SET a 2", "+OK");
    EXPECT(own, "UNWATCH", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "[]");
    /* EXEC, whatever came of it, and DISCARD forget as well */
    EXPECT(own, "WATCH a", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "SET a 3", "+QUEUED");
    EXPECT(own, "EXEC", "[+OK]");
    EXPECT(other, "SET a 4", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "[]");
    EXPECT(own, "WATCH a", "+OK");
    EXPECT(other, "SET a 5", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "DISCARD", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "[]");
    /* a key of another database is another key */
    EXPECT(own, "WATCH a", "+OK");
    EXPECT(other, "SELECT 1", "+OK");
    EXPECT(other, "SET a 5", "+OK");
    EXPECT(own, "SELECT 1", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "[]");
    /* with errors and a change: the errors are told */
    EXPECT(own, "WATCH a", "+OK");
    EXPECT(other, "SET a 6", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "NOSUCH", "-ERR unknown command<*>");
    EXPECT(own, "EXEC", PREVIOUS_ERRORS);
    /* what another queues is not there before its EXEC */
    EXPECT(other, "MULTI", "+OK");
    EXPECT(other, "SET a 7", "+QUEUED");
    EXPECT(own, "WATCH a", "+OK");
    EXPECT(own, "GET a", "'6'");
    EXPECT(other, "EXEC", "[+OK]");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "nil");
    client_close(own);
    client_close(other);
}

/* A key that was past its time when WATCH came is not there for it, removed or not. */
static void watch_stale(void **state)
{
    struct client *own = client_open(*state, 2), *other = client_open(*state, 2);
    static const char *const after[] = {"PING", "GET k", "FLUSHALL", "DEL k", "SET k 2"};
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        EXPECT(other, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
        EXPECT(other, "FLUSHALL", "+OK");
        EXPECT(other, "SET k 1 PX 1", "+OK");
        usleep(10000);
        EXPECT(own, "WATCH k", "+OK");
        client_ask(other, after[i]);
        EXPECT(own, "MULTI", "+OK");
        EXPECT(own, "EXEC", strcmp(after[i], "SET k 2") == 0 ? "nil" : "[]");
    }
    EXPECT(other, "SET k 1 PX 1", "+OK");
    usleep(10000);
    EXPECT(own, "WATCH k", "+OK");
    EXPECT(other, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
    AWAIT(other, "DBSIZE", ":0");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "EXEC", "[]");
    client_close(own);
    client_close(other);
}

static void memory_and_ends(void **state)
{
    struct client *own = client_open(*state, 2), *other = client_open(*state, 2);
    EXPECT(own, "SET k v", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "SET k w", "+QUEUED");
    EXPECT(other, "CONFIG SET maxmemory 1", "+OK");
    EXPECT(own, "EXEC",
           "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory "
           "> 'maxmemory'.");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "SET k w", "-OOM command not allowed when used memory > 'maxmemory'.");
    EXPECT(own, "EXEC", PREVIOUS_ERRORS);
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "GET k", "-OOM command not allowed when used memory > 'maxmemory'.");
    EXPECT(own, "DISCARD", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(other, "CONFIG SET maxmemory 0", "+OK");
    EXPECT(own, "GET k", "+QUEUED");
    EXPECT(other, "CONFIG SET maxmemory 1", "+OK");
    EXPECT(own, "EXEC", "['v']");
    EXPECT(other, "CONFIG SET maxmemory 0", "+OK");
    if (!server_is_other()) {
        EXPECT(own, "WATCH k l", "+OK");
        EXPECT(other, "INFO clients", "'<*>watching_clients:1\\r\\ntotal_watched_keys:2\\r\\n<*>'");
    }
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "QUIT", "+OK");
    EXPECT(own, "PING", "closed");
    if (!server_is_other())
        AWAIT(other, "INFO clients", "'<*>watching_clients:0\\r\\ntotal_watched_keys:0\\r\\n<*>'");
    EXPECT(other, "GET k", "'v'");
    /* a write that is queued makes EXEC wait for the end of a pause */
    struct client *third = client_open(*state, 2);
    EXPECT(other, "MULTI", "+OK");
    EXPECT(other, "SET k 1", "+QUEUED");
    EXPECT(third, "CLIENT PAUSE 1000000 WRITE", "+OK");
    client_send(other, "EXEC");
    usleep(50000);
    EXPECT(third, "GET k", "'v'");
    EXPECT(third, "CLIENT UNPAUSE", "+OK");
    assert_string_equal(client_read(other), "[+OK]");
    client_close(third);
    client_close(own);
    client_close(other);
}

static void accounts(void **state)
{
    struct client *own = client_open(*state, 2);
    EXPECT(own, "CONFIG RESETSTAT", "+OK");
    EXPECT(own, "CONFIG SET slowlog-log-slower-than 0", "+OK");
    EXPECT(own, "MULTI", "+OK");
    EXPECT(own, "SET k v", "+QUEUED");
    EXPECT(own, "INCR k", "+QUEUED");
    EXPECT(own, "SLOWLOG RESET", "+QUEUED");
    EXPECT(own, "EXEC", "[+OK, -ERR value is not an integer or out of range, +OK]");
    EXPECT(own, "INFO commandstats", "'<*>cmdstat_set:calls=1,<*>'");
    EXPECT(own, "INFO commandstats", "'<*>cmdstat_incr:calls=1,<*>rejected_calls=0,failed_calls=1<*>'");
    EXPECT(own, "INFO commandstats", "'<*>cmdstat_exec:calls=1,<*>'");
    client_close(own);
}

/* Two workers' transactions on the same keys: every transfer is seen whole. */
static void transfers(void **state)
{
    struct client *clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = client_open(*state, 2);
    EXPECT(clients[0], "MSET x 1000 y 1000", "+OK");
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 2; i++) {
            client_send(clients[i], "MULTI");
            client_send(clients[i], i ? "INCR x" : "DECR x");
            client_send(clients[i], i ? "DECR y" : "INCR y");
            client_send(clients[i], "EXEC");
        }
        int x = 0, y = 0;
        const char *both = client_ask(clients[2], "MGET x y");
        assert_int_equal(sscanf(both, "['%d', '%d']", &x, &y), 2);
        assert_int_equal(x + y, 2000);
        for (int i = 0; i < 8; i++)
            client_read(clients[i / 4]);
    }
    EXPECT(clients[0], "MGET x y", "['1000', '1000']");
    for (int i = 0; i < 3; i++)
        client_close(clients[i]);
}

static int start(void **state)
{
    static const char *const options[] = {"--io-threads", "2", "--enable-debug-command", "yes", NULL};
    *state = server_open(options);
    return *state == NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_and_run), cmocka_unit_test(errors),      cmocka_unit_test(all_kinds),
        cmocka_unit_test(watch),         cmocka_unit_test(watch_rules), cmocka_unit_test(watch_stale),
        cmocka_unit_test(watch_expiry),  cmocka_unit_test(transfers),   cmocka_unit_test(memory_and_ends),
        cmocka_unit_test(accounts),
    };
    return cmocka_run_group_tests(tests, start, script_close_server);
}
