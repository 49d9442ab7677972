/* set_test.c: commands on sets: their options, errors and replies, and what keeps a set. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static void members(void **state)
{
    static const struct step steps[] = {
        {"SADD s 3 1 2 1", ":3"},
        {"SADD s 3 4", ":1"},
        {"TYPE s", "+set"},
        {"SCARD s", ":4"},
        {"SMEMBERS s", "['1', '2', '3', '4']", "~['1', '2', '3', '4']"},
        {"SISMEMBER s 3", ":1"},
        {"SISMEMBER s 03", ":0"},
        {"SISMEMBER s x", ":0"},
        {"SMISMEMBER s 1 x 4 5", "[:1, :0, :1, :0]"},
        {"SREM s 1 9 2", ":2"},
        {"SMEMBERS s", "['3', '4']", "~['3', '4']"},
        {"SREM s 3 4 5", ":2"},
        {"EXISTS s", ":0"},
        {"SCARD s", ":0"},
        {"SREM s a", ":0"},
        {"SMEMBERS s", "[]", "~[]"},
        {"SISMEMBER s a", ":0"},
        {"SMISMEMBER s a b", "[:0, :0]"},
        {"SADD s \"\" \"\"", ":1"},
        {"SMEMBERS s", "['']", "~['']"},
        {"SISMEMBER s \"\"", ":1"},
        {"SET k v", "+OK"},
        {"SADD k a", WRONG_TYPE},
        {"SREM k a", WRONG_TYPE},
        {"SCARD k", WRONG_TYPE},
        {"SMEMBERS k", WRONG_TYPE},
        {"SISMEMBER k a", WRONG_TYPE},
        {"SMISMEMBER k a", WRONG_TYPE},
        {"GET s", WRONG_TYPE},
        {"INCR s", WRONG_TYPE},
        {"APPEND s x", WRONG_TYPE},
        {"SADD s", "-ERR wrong number of arguments for 'sadd' command"},
        {"SREM s", "-ERR wrong number of arguments for 'srem' command"},
        {"SCARD", "-ERR wrong number of arguments for 'scard' command"},
        {"SMEMBERS s x", "-ERR wrong number of arguments for 'smembers' command"},
        {"SISMEMBER s", "-ERR wrong number of arguments for 'sismember' command"},
        {"SMISMEMBER s", "-ERR wrong number of arguments for 'smismember' command"},
    };

    SCRIPT(*state, steps);
}

static void any_value(void **state)
{
    static const struct step steps[] = {
        {"SADD s a", ":1"},
        {"SET s v GET", WRONG_TYPE},
        {"GETSET s v", WRONG_TYPE},
        {"SET s v", "+OK"},
        {"GET s", "'v'"},
        {"SADD t 1 2", ":2"},
        {"EXPIRE t 100", ":1"},
        {"SADD t 3", ":1"},
        {"TTL t", ":<40..100>"},
        {"RENAME t u", "+OK"},
        {"SMEMBERS u", "['1', '2', '3']", "~['1', '2', '3']"},
        {"TTL u", ":<40..100>"},
        {"COPY u v", ":1"},
        {"SREM u 2", ":1"},
        {"SMEMBERS v", "['1', '2', '3']", "~['1', '2', '3']"},
        {"SCAN 0 TYPE set COUNT 1000", "['0', ['<*>', '<*>']]"},
        {"MOVE v 3", ":1"},
        {"SELECT 3", "+OK"},
        {"SCARD v", ":3"},
        {"DEL v", ":1"},
        {"SELECT 0", "+OK"},
        {"PERSIST u", ":1"},
        {"MEMORY USAGE u", ":<*>"},
        {"MSET u x", "+OK"},
        {"TYPE u", "+string"},
    };

    SCRIPT(*state, steps);
}

/* From intset to packed blob to hash table, as the settings say. */
static void encodings(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET set-max-intset-entries 4 set-max-listpack-entries 3 set-max-listpack-value 5", "+OK"},
        {"SADD i 1 2 3 4", ":4"},
        {"OBJECT ENCODING i", "'intset'"},
        {"SADD i 4", ":0"},
        {"OBJECT ENCODING i", "'intset'"},
        {"COPY i j", ":1"},
        {"SADD i 5", ":1"},
        {"OBJECT ENCODING i", "'hashtable'"},
        {"SADD j x", ":1"},
        {"OBJECT ENCODING j", "'hashtable'"},
        {"SREM i 1 2 3 4", ":4"},
        {"OBJECT ENCODING i", "'hashtable'"},
        {"SMEMBERS i", "['5']", "~['5']"},
        {"SADD p a b", ":2"},
        {"OBJECT ENCODING p", "'listpack'"},
        {"SADD p 12345", ":1"},
        {"OBJECT ENCODING p", "'listpack'"},
        {"SADD p b", ":0"},
        {"OBJECT ENCODING p", "'listpack'"},
        {"SADD p c", ":1"},
        {"OBJECT ENCODING p", "'hashtable'"},
        {"SADD q 1 2", ":2"},
        {"SADD q a", ":1"},
        {"OBJECT ENCODING q", "'listpack'"},
        {"SREM q a", ":1"},
        {"OBJECT ENCODING q", "'listpack'"},
        {"SADD r abcdef", ":1"},
        {"OBJECT ENCODING r", "'hashtable'"},
        {"COPY r t", ":1"},
        {"SREM r abcdef", ":1"},
        {"EXISTS r", ":0"},
        {"SISMEMBER t abcdef", ":1"},
        {"RENAME t u", "+OK"},
        {"SISMEMBER u abcdef", ":1"},
        {"DEBUG OBJECT u", "+<*>encoding:hashtable <*>"},
        {"MEMORY USAGE u SAMPLES 0", ":<*>"},
        {"CONFIG SET set-max-intset-entries 512 set-max-listpack-entries 128 set-max-listpack-value 64",
         "+OK"},
        {"SADD w 32767 -32768", ":2"},
        {"SADD w 32768", ":1"},
        {"SADD w -9223372036854775808 9223372036854775807", ":2"},
        {"SADD w 9223372036854775808", ":1"},
        {"OBJECT ENCODING w", "'listpack'"},
        {"SMISMEMBER w 32767 -32768 32768 -9223372036854775808 9223372036854775807 9223372036854775808 0",
         "[:1, :1, :1, :1, :1, :1, :0]"},
    };

    if (server_is_other()) skip(); /* 7.0 has no packed sets */
    SCRIPT(*state, steps);
}

static void moving(void **state)
{
    static const struct step steps[] = {
        {"SADD a 1 2", ":2"},
        {"SMOVE a b 1", ":1"},
        {"SMOVE a b 9", ":0"},
        {"SMEMBERS b", "['1']", "~['1']"},
        {"SMOVE a b 2", ":1"},
        {"EXISTS a", ":0"},
        {"SMOVE a b 2", ":0"},
        {"SMOVE b b 2", ":1"},
        {"SMOVE b b 3", ":0"},
        {"SADD a 2", ":1"},
        {"SMOVE a b 2", ":1"},
        {"SCARD b", ":2"},
        {"SET k v", "+OK"},
        {"SMOVE nosuch k 1", ":0"},
        {"SMOVE k b 1", WRONG_TYPE},
        {"SMOVE b k 1", WRONG_TYPE},
        {"SMOVE a b", "-ERR wrong number of arguments for 'smove' command"},
    };

    SCRIPT(*state, steps);
}

static void combining(void **state)
{
    static const struct step steps[] = {
        {"SADD a 1 2 3 4 5", ":5"},
        {"SADD b 3 4 5 6", ":4"},
        {"SADD c 5 x", ":2"},
        {"SINTER a", "['1', '2', '3', '4', '5']", "~['1', '2', '3', '4', '5']"},
        {"SINTER a b", "['3', '4', '5']", "~['3', '4', '5']"},
        {"SINTER a b c", "['5']", "~['5']"},
        {"SINTER a nosuch", "[]", "~[]"},
        {"SINTERSTORE d a b", ":3"},
        {"SMEMBERS d", "['3', '4', '5']", "~['3', '4', '5']"},
        {"OBJECT ENCODING d", "'intset'"},
        {"SINTERSTORE d a b nosuch", ":0"},
        {"EXISTS d", ":0"},
        {"SINTERSTORE d nosuch", ":0"},
        {"SUNIONSTORE d a b", ":6"},
        {"SMEMBERS d", "['1', '2', '3', '4', '5', '6']", "~['1', '2', '3', '4', '5', '6']"},
        {"SUNIONSTORE d d c", ":7"},
        {"SISMEMBER d x", ":1"},
        {"SUNIONSTORE d nosuch", ":0"},
        {"EXISTS d", ":0"},
        {"SUNION nosuch", "[]", "~[]"},
        {"SUNION nosuch b", "['3', '4', '5', '6']", "~['3', '4', '5', '6']"},
        {"SDIFF a b", "['1', '2']", "~['1', '2']"},
        {"SDIFF a b nosuch", "['1', '2']", "~['1', '2']"},
        {"SDIFF a a", "[]", "~[]"},
        {"SDIFF nosuch a", "[]", "~[]"},
        {"SDIFF c a", "['x']", "~['x']"},
        {"SDIFFSTORE a a b", ":2"},
        {"SMEMBERS a", "['1', '2']", "~['1', '2']"},
        {"SDIFFSTORE a a a", ":0"},
        {"EXISTS a", ":0"},
        {"SET k v", "+OK"},
        {"SINTER b k", WRONG_TYPE},
        {"SINTER nosuch k", WRONG_TYPE},
        {"SUNION b k", WRONG_TYPE},
        {"SDIFF k b", WRONG_TYPE},
        {"SINTERSTORE b b k", WRONG_TYPE},
        {"SCARD b", ":4"},
        {"EXPIRE k 100", ":1"},
        {"SUNIONSTORE k b", ":4"},
        {"TYPE k", "+set"},
        {"TTL k", ":-1"},
        {"SINTER", "-ERR wrong number of arguments for 'sinter' command"},
        {"SINTERSTORE d", "-ERR wrong number of arguments for 'sinterstore' command"},
        {"SUNIONSTORE d", "-ERR wrong number of arguments for 'sunionstore' command"},
        {"SDIFFSTORE d", "-ERR wrong number of arguments for 'sdiffstore' command"},
    };

    SCRIPT(*state, steps);
}

static void counting(void **state)
{
    static const struct step steps[] = {
        {"SADD a 1 2 3 4 5", ":5"},
        {"SADD b 3 4 5 6", ":4"},
        {"SINTERCARD 2 a b", ":3"},
        {"SINTERCARD 2 a b LIMIT 2", ":2"},
        {"SINTERCARD 2 a b LIMIT 0", ":3"},
        {"SINTERCARD 2 a b limit 9", ":3"},
        {"SINTERCARD 1 a", ":5"},
        {"SINTERCARD 2 a nosuch", ":0"},
        {"SINTERCARD 0 a", "-ERR numkeys should be greater than 0"},
        {"SINTERCARD x a", "-ERR numkeys should be greater than 0"},
        {"SINTERCARD -1 a", "-ERR numkeys should be greater than 0"},
        {"SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args"},
        {"SINTERCARD 1 a b", "-ERR syntax error"},
        {"SINTERCARD 1 a LIMIT", "-ERR syntax error"},
        {"SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"},
        {"SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative"},
        {"SINTERCARD 1 a LIMIT 1 2", "-ERR syntax error"},
        {"SET k v", "+OK"},
        {"SINTERCARD 2 a k", WRONG_TYPE},
        {"SINTERCARD 1", "-ERR wrong number of arguments for 'sintercard' command"},
        {"COMMAND GETKEYS SINTERCARD 2 a b LIMIT 1", "['a', 'b']"},
        {"COMMAND GETKEYS SUNIONSTORE d a b", "['d', 'a', 'b']"},
    };

    SCRIPT(*state, steps);
}

static void random_members(void **state)
{
    static const struct step steps[] = {
        {"SADD s 7", ":1"},
        {"SRANDMEMBER s", "'7'"},
        {"SRANDMEMBER s 3", "['7']"},
        {"SRANDMEMBER s -3", "['7', '7', '7']"},
        {"SRANDMEMBER s 0", "[]"},
        {"SRANDMEMBER nosuch", "nil"},
        {"SRANDMEMBER nosuch 3", "[]"},
        {"SRANDMEMBER s x", "-ERR value is not an integer or out of range"},
        {"SRANDMEMBER s -9223372036854775808",
         "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"},
        {"SRANDMEMBER s 1 2", "-ERR syntax error"},
        {"SADD s 8 9", ":2"},
        {"SRANDMEMBER s 2", "['<*>', '<*>']"},
        {"SCARD s", ":3"},
        {"SPOP s 0", "[]", "~[]"},
        {"SPOP s 2", "['<*>', '<*>']", "~['<*>', '<*>']"},
        {"SCARD s", ":1"},
        {"SPOP s", "'<*>'"},
        {"EXISTS s", ":0"},
        {"SPOP s", "nil"},
        {"SPOP s 3", "[]", "~[]"},
        {"SADD s 1 2", ":2"},
        {"SPOP s 5", "['1', '2']", "~['1', '2']"},
        {"EXISTS s", ":0"},
        {"SPOP s -1", "-ERR value is out of range, must be positive"},
        {"SPOP s x", "-ERR value is out of range, must be positive"},
        {"SPOP s 1 2", "-ERR syntax error"},
        {"SET k v", "+OK"},
        {"SPOP k", WRONG_TYPE},
        {"SPOP k 2", WRONG_TYPE},
        {"SRANDMEMBER k", WRONG_TYPE},
        {"SRANDMEMBER k 2", WRONG_TYPE},
    };

    SCRIPT(*state, steps);
}

static void scanning(void **state)
{
    static const struct step steps[] = {
        {"SSCAN s 0", "['0', []]"},
        {"SADD s 1 2 13", ":3"},
        {"SSCAN s 0", "['0', ['1', '2', '13']]"},
        {"SSCAN s 0 COUNT 1", "['0', ['1', '2', '13']]"},
        {"SSCAN s 0 MATCH 1*", "['0', ['1', '13']]"},
        {"SSCAN s 0 MATCH 1* COUNT 100", "['0', ['1', '13']]"},
        {"SSCAN s x", "-ERR invalid cursor"},
        {"SSCAN s 0 COUNT 0", "-ERR syntax error"},
        {"SSCAN s 0 COUNT x", "-ERR value is not an integer or out of range"},
        {"SSCAN s 0 FOO 1", "-ERR syntax error"},
        {"SSCAN s 0 TYPE set", "-ERR syntax error"},
        {"SSCAN nosuch 0 FOO 1", "['0', []]"},
        {"SSCAN nosuch x", "-ERR invalid cursor"},
        {"SET k v", "+OK"},
        {"SSCAN k 0", WRONG_TYPE},
        {"SSCAN s", "-ERR wrong number of arguments for 'sscan' command"},
    };

    SCRIPT(*state, steps);
}

/* ---- large sets ---- */

enum { LARGE = 3000 };

static void ask_for(struct client *client, const char *expected, const char *format, int number)
{
    char line[64];
    snprintf(line, sizeof(line), format, number);
    EXPECT(client, line, expected);
}

static struct client *open_large(struct server *server, int proto)
{
    struct client *client = client_open(server, proto);
    EXPECT(client, "FLUSHALL", "+OK");
    for (int i = 0; i < LARGE; i++)
        ask_for(client, ":1", "SADD s member:%d", i);
    EXPECT(client, "OBJECT ENCODING s", "'hashtable'");
    return client;
}

/* Marks the members that a reply names, and returns how many it names. */
static int mark(const char *reply, int *seen)
{
    int count = 0;
    for (const char *at = strstr(reply, "'member:"); at; at = strstr(at + 1, "'member:")) {
        int i = atoi(at + strlen("'member:"));
        assert_true(i >= 0 && i < LARGE);
        seen[i]++;
        count++;
    }
    return count;
}

static void large_scan(void **state)
{
    struct client *client = open_large(*state, 2);
    static int seen[LARGE];
    char *cursor = strdup("0"), line[64];
    int rounds = 0;

    memset(seen, 0, sizeof(seen));
    do { /* others come and go meanwhile */
        snprintf(line, sizeof(line), "SSCAN s %s COUNT 20", cursor);
        const char *reply = client_ask(client, line);
        assert_int_equal(strncmp(reply, "['", 2), 0);
        free(cursor);
        cursor = strndup(reply + 2, strcspn(reply + 2, "'"));
        mark(reply, seen);
        for (int i = 0; i < 40; i++)
            ask_for(client, ":1", "SADD s other:%d", 40 * rounds + i);
        for (int i = 0; i < 20; i++)
            ask_for(client, ":1", "SREM s other:%d", 40 * rounds + i);
        assert_true(rounds++ < LARGE);
    } while (strcmp(cursor, "0") != 0);
    for (int i = 0; i < LARGE; i++)
        assert_true(seen[i] > 0);
    free(cursor);
    client_close(client);
}

static void large_pops(void **state)
{
    struct client *client = open_large(*state, 3);
    static int seen[LARGE];
    int left = LARGE;

    memset(seen, 0, sizeof(seen));
    assert_int_equal(mark(client_ask(client, "SRANDMEMBER s 50"), seen), 50);
    assert_int_equal(mark(client_ask(client, "SRANDMEMBER s 2500"), seen), 2500);
    for (int i = 0; i < LARGE; i++)
        assert_true(seen[i] <= 2);
    assert_int_equal(mark(client_ask(client, "SRANDMEMBER s -500"), seen), 500);
    memset(seen, 0, sizeof(seen));
    EXPECT(client, "COPY s t", ":1");
    while (left > 500) {
        left -= mark(client_ask(client, "SPOP s 100"), seen);
        left -= mark(client_ask(client, "SPOP s"), seen);
    }
    left -= mark(client_ask(client, "SPOP s 10000"), seen);
    assert_int_equal(left, 0);
    for (int i = 0; i < LARGE; i++)
        assert_int_equal(seen[i], 1);
    EXPECT(client, "EXISTS s", ":0");
    EXPECT(client, "SCARD t", ":3000");
    EXPECT(client, "SUNIONSTORE u t t", ":3000");
    EXPECT(client, "SINTERSTORE v t u", ":3000");
    EXPECT(client, "SDIFF v t", "~[]");
    EXPECT(client, "SINTERCARD 3 t u v LIMIT 1234", ":1234");
    EXPECT(client, "DEL t u v", ":3");
    client_close(client);
}

/* Each of 300 members turns up about as often as the others. */
static void fair_picks(void **state)
{
    enum { MEMBERS = 300, PICKS = 60 * MEMBERS };
    struct client *client = client_open(*state, 2);
    static int seen[LARGE];

    EXPECT(client, "FLUSHALL", "+OK");
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < MEMBERS; i++)
        ask_for(client, ":1", "SADD s member:%d", i);
    assert_int_equal(mark(client_ask(client, "SRANDMEMBER s -18000"), seen), PICKS);
    for (int i = 0; i < MEMBERS; i++) /* mean 60, deviation 7.7 */
        assert_in_range(seen[i], 15, 110);
    client_close(client);
}

static int open_server(void **state)
{
    *state = server_open((const char *const[]){"--enable-debug-command", "yes", NULL});
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),    cmocka_unit_test(any_value),      cmocka_unit_test(encodings),
        cmocka_unit_test(moving),     cmocka_unit_test(combining),      cmocka_unit_test(counting),
        cmocka_unit_test(scanning),   cmocka_unit_test(random_members), cmocka_unit_test(large_scan),
        cmocka_unit_test(large_pops), cmocka_unit_test(fair_picks),
    };
    return cmocka_run_group_tests(tests, open_server, script_close_server);
}
