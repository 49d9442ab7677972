/* sort_test.c: SORT and SORT_RO: what they sort, by what, and what they answer or store. */
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
#define NO_NUMBER  "-ERR One or more scores can't be converted into double"

static void sources(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l 10 2 33 1", ":4"},
        {"SORT l", "['1', '2', '10', '33']"},
        {"SORT l DESC", "['33', '10', '2', '1']"},
        {"SORT l ALPHA", "['1', '10', '2', '33']"},
        {"SORT l ALPHA DESC", "['33', '2', '10', '1']"},
        {"SORT l DESC ASC", "['1', '2', '10', '33']"},
        {"SADD s 5 30 4", ":3"},
        {"SORT s", "['4', '5', '30']"},
        {"SORT_RO s DESC", "['30', '5', '4']"},
        {"ZADD z 3 7 1 9 2 8", ":3"},
        {"SORT z", "['7', '8', '9']"},
        {"SORT z BY nosort", "['9', '8', '7']"},
        {"SORT z BY nosort DESC", "['7', '8', '9']"},
        {"SORT z BY nosort LIMIT 1 1", "['8']"},
        {"SORT l BY nosort", "['10', '2', '33', '1']"},
        {"SORT nosuch", "[]"},
        {"RPUSH f 1.5 -2 1e1 0x10 \"\"", ":5"},
        {"SORT f", "['-2', '', '1.5', '1e1', '0x10']"},
        {"RPUSH w b a c", ":3"},
        {"SORT w", NO_NUMBER},
        {"SORT w ALPHA", "['a', 'b', 'c']"},
        {"SET k v", "+OK"},
        {"SORT k", WRONG_TYPE},
        {"HSET h f v", ":1"},
        {"SORT h", WRONG_TYPE},
    };

    SCRIPT(*state, steps);
}

static void limits(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l 5 4 3 2 1", ":5"},
        {"SORT l LIMIT 0 2", "['1', '2']"},
        {"SORT l LIMIT 3 10", "['4', '5']"},
        {"SORT l LIMIT 5 10", "[]"},
        {"SORT l LIMIT 2 0", "[]"},
        {"SORT l LIMIT 2 -1", "['3', '4', '5']"},
        {"SORT l LIMIT -3 2", "['1', '2']"},
        {"SORT l LIMIT 9223372036854775807 9223372036854775807", "[]"},
        {"SORT l BY x LIMIT 1 2", "['4', '3']"},
        {"SORT l LIMIT 1", "-ERR syntax error"},
        {"SORT l LIMIT x 1", "-ERR value is not an integer or out of range"},
        {"SORT l LIMIT 1 x", "-ERR value is not an integer or out of range"},
        {"SORT l FOO", "-ERR syntax error"},
        {"SORT l BY", "-ERR syntax error"},
        {"SORT l GET", "-ERR syntax error"},
        {"SORT l STORE", "-ERR syntax error"},
        {"SORT_RO l STORE d", "-ERR syntax error"},
        {"SORT", "-ERR wrong number of arguments for 'sort' command"},
        {"SORT_RO", "-ERR wrong number of arguments for 'sort_ro' command"},
    };

    SCRIPT(*state, steps);
}

static void patterns(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l 1 2 3", ":3"},
        {"MSET w1 30 w2 20 w3 10 o1 one o2 two", "+OK"},
        {"HSET h1 w 1 n eins", ":2"},
        {"HSET h2 w 3 n zwei", ":2"},
        {"HSET h3 w 2", ":1"},
        {"SORT l BY w*", "['3', '2', '1']"},
        {"SORT l BY w* DESC", "['1', '2', '3']"},
        {"SORT l BY h*->w", "['1', '3', '2']"},
        {"SORT l BY o* ALPHA", "['3', '1', '2']"},
        {"SORT l BY o* ALPHA DESC", "['2', '1', '3']"},
        {"SORT l BY o*", NO_NUMBER},
        {"SORT l BY nosuch*", "['1', '2', '3']"},
        {"SORT l GET o*", "['one', 'two', nil]"},
        {"SORT l GET # GET o*", "['1', 'one', '2', 'two', '3', nil]"},
        {"SORT l BY w* GET h*->n", "[nil, 'zwei', 'eins']"},
        {"SORT l GET h*", "[nil, nil, nil]"},
        {"SORT l GET o*->x", "[nil, nil, nil]"},
        {"SORT l GET none", "[nil, nil, nil]"},
        {"SORT l GET w*-> LIMIT 0 1", "[nil]"},
        {"SORT_RO l BY w* GET # LIMIT 0 2", "['3', '2']"},
        {"EXPIRE o1 0", ":1"},
        {"SORT l GET o*", "[nil, 'two', nil]"},
    };

    SCRIPT(*state, steps);
}

static void storing(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l 3 1 2", ":3"},
        {"SORT l STORE d", ":3"},
        {"LRANGE d 0 -1", "['1', '2', '3']"},
        {"TYPE d", "+list"},
        {"MSET w1 x w3 y", "+OK"},
        {"SORT l GET w* STORE d", ":3"},
        {"LRANGE d 0 -1", "['x', '', 'y']"},
        {"SORT l STORE l", ":3"},
        {"LRANGE l 0 -1", "['1', '2', '3']"},
        {"SET v x EX 100", "+OK"},
        {"SORT l DESC STORE v LIMIT 0 2", ":2"},
        {"LRANGE v 0 -1", "['3', '2']"},
        {"TTL v", ":-1"},
        {"SORT nosuch STORE v", ":0"},
        {"EXISTS v", ":0"},
        {"SORT nosuch STORE v", ":0"},
        {"SADD s b a", ":2"},
        {"SORT s BY nosort STORE d", ":2"},
        {"LRANGE d 0 -1", "['a', 'b']"},
        {"SORT s STORE d", NO_NUMBER},
        {"LRANGE d 0 -1", "['a', 'b']"},
        {"SORT l STORE a STORE b", ":3"},
        {"EXISTS a b", ":1"},
        {"COMMAND GETKEYS SORT l BY w* STORE d", "['l', 'd']"},
        {"COMMAND GETKEYS SORT l GET store LIMIT 0 1", "['l']"},
        {"COMMAND GETKEYS SORT_RO l", "['l']"},
    };

    SCRIPT(*state, steps);
}

/* More than a chunk of a list and a blob of a set hold. */
static void large_sort(void **state)
{
    enum { NUMBERS = 2000 };
    struct client *client = client_open(*state, 2);
    char line[64];

    EXPECT(client, "FLUSHALL", "+OK");
    for (int i = 0; i < NUMBERS; i++) {
        snprintf(line, sizeof(line), "SADD s %d", (i * 7919) % NUMBERS);
        EXPECT(client, line, ":1");
    }
    EXPECT(client, "SORT s DESC STORE d", ":2000");
    EXPECT(client, "LLEN d", ":2000");
    EXPECT(client, "LRANGE d 0 2", "['1999', '1998', '1997']");
    EXPECT(client, "SORT d LIMIT 1000 2", "['1000', '1001']");
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources), cmocka_unit_test(limits),     cmocka_unit_test(patterns),
        cmocka_unit_test(storing), cmocka_unit_test(large_sort),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
