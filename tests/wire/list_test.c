/* list_test.c: commands on lists: their options, errors and replies, and what keeps a list. */
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
#define NOT_INT    "-ERR value is not an integer or out of range"

static void push_and_pop(void **state)
{
    static const struct step steps[] = {
        {"LPUSH l a", ":1"},
        {"LPUSH l b c", ":3"},
        {"RPUSH l 1 2", ":5"},
        {"TYPE l", "+list"},
        {"LLEN l", ":5"},
        {"LRANGE l 0 -1", "['c', 'b', 'a', '1', '2']"},
        {"LPUSHX l d", ":6"},
        {"RPUSHX l 3 4", ":8"},
        {"LPUSHX none d", ":0"},
        {"RPUSHX none d", ":0"},
        {"EXISTS none", ":0"},
        {"LPOP l", "'d'"},
        {"RPOP l", "'4'"},
        {"LPOP l 2", "['c', 'b']"},
        {"RPOP l 2", "['3', '2']"},
        {"LPOP l 0", "[]"},
        {"RPOP l 0", "[]"},
        {"LPOP l 100", "['a', '1']"},
        {"EXISTS l", ":0"},
        {"LPOP l", "nil"},
        {"RPOP l", "nil"},
        {"LPOP l 0", "nil"},
        {"RPOP l 2", "nil"},
        {"LLEN l", ":0"},
        {"RPUSH l '' '\\x00\\r\\n' ''", ":3"},
        {"LRANGE l 0 -1", "['', '\\x00\\r\\n', '']"},
        {"RPOP l", "''"},
        {"LPOP l 1", "['']"},
        {"LPOP l x", "-ERR value is out of range, must be positive"},
        {"LPOP none x", "-ERR value is out of range, must be positive"},
        {"RPOP l -1", "-ERR value is out of range, must be positive"},
        {"LPOP l 9223372036854775808", "-ERR value is out of range, must be positive"},
        {"LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"},
        {"RPOP l 1 2", "-ERR wrong number of arguments for 'rpop' command"},
        {"LPOP", "-ERR wrong number of arguments for 'lpop' command"},
        {"LPUSH l", "-ERR wrong number of arguments for 'lpush' command"},
        {"RPUSH l", "-ERR wrong number of arguments for 'rpush' command"},
        {"LPUSHX l", "-ERR wrong number of arguments for 'lpushx' command"},
        {"RPUSHX l", "-ERR wrong number of arguments for 'rpushx' command"},
        {"LLEN", "-ERR wrong number of arguments for 'llen' command"},
        {"SET k v", "+OK"},
        {"LPUSH k a", WRONG_TYPE},
        {"RPUSH k a", WRONG_TYPE},
        {"LPUSHX k a", WRONG_TYPE},
        {"LPOP k", WRONG_TYPE},
        {"RPOP k 0", WRONG_TYPE},
        {"LLEN k", WRONG_TYPE},
        {"GET l", WRONG_TYPE},
        {"APPEND l x", WRONG_TYPE},
    };

    SCRIPT(*state, steps);
}

static void looking(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l a b c d e", ":5"},
        {"LRANGE l 1 3", "['b', 'c', 'd']"},
        {"LRANGE l -3 -2", "['c', 'd']"},
        {"LRANGE l -100 100", "['a', 'b', 'c', 'd', 'e']"},
        {"LRANGE l 3 1", "[]"},
        {"LRANGE l 5 9", "[]"},
        {"LRANGE l 0 -6", "[]"},
        {"LRANGE l 0 0", "['a']"},
        {"LRANGE none 0 -1", "[]"},
        {"LRANGE l 0 x", NOT_INT},
        {"LRANGE none x 0", NOT_INT},
        {"LRANGE l 0", "-ERR wrong number of arguments for 'lrange' command"},
        {"LINDEX l 0", "'a'"},
        {"LINDEX l 4", "'e'"},
        {"LINDEX l 5", "nil"},
        {"LINDEX l -1", "'e'"},
        {"LINDEX l -5", "'a'"},
        {"LINDEX l -6", "nil"},
        {"LINDEX l x", NOT_INT},
        {"LINDEX none x", "nil"},
        {"LINDEX none 0", "nil"},
        {"LINDEX l", "-ERR wrong number of arguments for 'lindex' command"},
        {"SET k v", "+OK"},
        {"LRANGE k 0 -1", WRONG_TYPE},
        {"LINDEX k 0", WRONG_TYPE},
    };

    SCRIPT(*state, steps);
}

#define RANK_ERROR                                                                                           \
    "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative "   \
    "to start from the end of the list"

static void lpos(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l a b c 1 2 3 c c", ":8"},
        {"LPOS l a", ":0"},
        {"LPOS l c", ":2"},
        {"LPOS l x", "nil"},
        {"LPOS l c RANK 1", ":2"},
        {"LPOS l c RANK 2", ":6"},
        {"LPOS l c RANK 4", "nil"},
        {"LPOS l c RANK -1", ":7"},
        {"LPOS l c RANK -2", ":6"},
        {"LPOS l c COUNT 0", "[:2, :6, :7]"},
        {"LPOS l c COUNT 1", "[:2]"},
        {"LPOS l c COUNT 2", "[:2, :6]"},
        {"LPOS l c COUNT 100", "[:2, :6, :7]"},
        {"LPOS l c COUNT 0 RANK 2", "[:6, :7]"},
        {"LPOS l c COUNT 2 RANK -1", "[:7, :6]"},
        {"LPOS l x COUNT 2", "[]"},
        {"LPOS none x COUNT 2", "[]"},
        {"LPOS none x", "nil"},
        {"LPOS l a COUNT 0 MAXLEN 1", "[:0]"},
        {"LPOS l c COUNT 0 MAXLEN 1", "[]"},
        {"LPOS l c COUNT 0 MAXLEN 7", "[:2, :6]"},
        {"LPOS l c count 0 maxlen 2 rank -1", "[:7, :6]"},
        {"LPOS l c RANK -1 MAXLEN 1", ":7"},
        {"LPOS l c MAXLEN 0 RANK 3", ":7"},
        {"LPOS l c RANK 0", RANK_ERROR},
        {"LPOS l c RANK -9223372036854775808",
         "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807", NULL,
         CAIRN_ONLY},
        {"LPOS l c RANK x", NOT_INT},
        {"LPOS l c COUNT -1", "-ERR COUNT can't be negative"},
        {"LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"},
        {"LPOS l c COUNT", "-ERR syntax error"},
        {"LPOS l c WHAT 1", "-ERR syntax error"},
        {"LPOS l", "-ERR wrong number of arguments for 'lpos' command"},
        {"SET k v", "+OK"},
        {"LPOS k a", WRONG_TYPE},
    };

    SCRIPT(*state, steps);
}

static void changing(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l a b c", ":3"},
        {"LSET l 1 x", "+OK"},
        {"LSET l -1 'a longer one'", "+OK"},
        {"LSET l 0 ''", "+OK"},
        {"LRANGE l 0 -1", "['', 'x', 'a longer one']"},
        {"LSET l 3 x", "-ERR index out of range"},
        {"LSET l -4 x", "-ERR index out of range"},
        {"LSET l x x", NOT_INT},
        {"LSET none x x", "-ERR no such key"},
        {"LSET l 0", "-ERR wrong number of arguments for 'lset' command"},
        {"LINSERT l BEFORE x w", ":4"},
        {"LINSERT l after x y", ":5"},
        {"LINSERT l AFTER 'a longer one' z", ":6"},
        {"LINSERT l BEFORE '' first", ":7"},
        {"LRANGE l 0 -1", "['first', '', 'w', 'x', 'y', 'a longer one', 'z']"},
        {"LINSERT l BEFORE none q", ":-1"},
        {"LINSERT none BEFORE x q", ":0"},
        {"EXISTS none", ":0"},
        {"LINSERT l BESIDE x q", "-ERR syntax error"},
        {"LINSERT l BEFORE x", "-ERR wrong number of arguments for 'linsert' command"},
        {"SET k v", "+OK"},
        {"LSET k 0 x", WRONG_TYPE},
        {"LINSERT k BEFORE x y", WRONG_TYPE},
        {"LREM k 0 x", WRONG_TYPE},
        {"LTRIM k 0 1", WRONG_TYPE},
    };

    SCRIPT(*state, steps);
}

static void removing(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l a b a c a b a", ":7"},
        {"LREM l 1 a", ":1"},
        {"LRANGE l 0 -1", "['b', 'a', 'c', 'a', 'b', 'a']"},
        {"LREM l -2 a", ":2"},
        {"LRANGE l 0 -1", "['b', 'a', 'c', 'b']"},
        {"LREM l 0 b", ":2"},
        {"LREM l 0 x", ":0"},
        {"LREM l 10 a", ":1"},
        {"LREM l -10 c", ":1"},
        {"EXISTS l", ":0"},
        {"LREM l 0 c", ":0"},
        {"LREM l x c", NOT_INT},
        {"LREM l -9223372036854775808 c",
         "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807", NULL,
         CAIRN_ONLY},
        {"LREM l 0", "-ERR wrong number of arguments for 'lrem' command"},
        {"RPUSH l a b c d e", ":5"},
        {"LTRIM l 1 -2", "+OK"},
        {"LRANGE l 0 -1", "['b', 'c', 'd']"},
        {"LTRIM l -100 100", "+OK"},
        {"LTRIM l 2 100", "+OK"},
        {"LRANGE l 0 -1", "['d']"},
        {"LTRIM l 1 0", "+OK"},
        {"EXISTS l", ":0"},
        {"LTRIM l 0 1", "+OK"},
        {"LTRIM l x 1", NOT_INT},
        {"LTRIM l 1 x", NOT_INT},
        {"LTRIM l 1", "-ERR wrong number of arguments for 'ltrim' command"},
        {"RPUSH l a b c", ":3"},
        {"LTRIM l 5 9", "+OK"},
        {"EXISTS l", ":0"},
    };

    SCRIPT(*state, steps);
}

static void moving(void **state)
{
    static const struct step steps[] = {
        {"RPUSH {x}a 1 2 3", ":3"},
        {"RPOPLPUSH {x}a {x}b", "'3'"},
        {"RPOPLPUSH {x}a {x}b", "'2'"},
        {"LRANGE {x}b 0 -1", "['2', '3']"},
        {"LMOVE {x}b {x}a LEFT RIGHT", "'2'"},
        {"LMOVE {x}b {x}a right left", "'3'"},
        {"EXISTS {x}b", ":0"},
        {"LRANGE {x}a 0 -1", "['3', '1', '2']"},
        {"LMOVE {x}a {x}a LEFT RIGHT", "'3'"},
        {"LMOVE {x}a {x}a LEFT LEFT", "'1'"},
        {"LMOVE {x}a {x}a RIGHT RIGHT", "'3'"},
        {"RPOPLPUSH {x}a {x}a", "'3'"},
        {"LRANGE {x}a 0 -1", "['3', '1', '2']"},
        {"RPUSH one 1", ":1"},
        {"RPOPLPUSH one one", "'1'"},
        {"LMOVE one one RIGHT RIGHT", "'1'"},
        {"LRANGE one 0 -1", "['1']"},
        {"LMOVE none {x}a LEFT LEFT", "nil"},
        {"RPOPLPUSH none {x}a", "nil"},
        {"SET k v", "+OK"},
        {"RPOPLPUSH k {x}a", WRONG_TYPE},
        {"RPOPLPUSH {x}a k", WRONG_TYPE},
        {"RPOPLPUSH none k", "nil"},
        {"LLEN {x}a", ":3"},
        {"LMOVE {x}a {x}b LEFT UP", "-ERR syntax error"},
        {"LMOVE {x}a {x}b UP LEFT", "-ERR syntax error"},
        {"LMOVE {x}a {x}b LEFT", "-ERR wrong number of arguments for 'lmove' command"},
        {"RPOPLPUSH {x}a", "-ERR wrong number of arguments for 'rpoplpush' command"},
    };

    SCRIPT(*state, steps);
}

static void lmpop(void **state)
{
    static const struct step steps[] = {
        {"RPUSH b 1 2 3 4 5", ":5"},
        {"LMPOP 1 b LEFT", "['b', ['1']]"},
        {"LMPOP 2 a b RIGHT COUNT 2", "['b', ['5', '4']]"},
        {"LMPOP 3 a none b left count 10", "['b', ['2', '3']]"},
        {"EXISTS b", ":0"},
        {"LMPOP 2 a b LEFT", "nil"},
        {"SET k v", "+OK"},
        {"LMPOP 2 a k LEFT", WRONG_TYPE},
        {"LMPOP 0 a LEFT", "-ERR numkeys should be greater than 0"},
        {"LMPOP -1 a LEFT", "-ERR numkeys should be greater than 0"},
        {"LMPOP x a LEFT", "-ERR numkeys should be greater than 0"},
        {"LMPOP 9223372036854775807 a LEFT", "-ERR syntax error", NULL, CAIRN_ONLY},
        {"LMPOP 5 a LEFT", "-ERR syntax error"},
        {"LMPOP 1 a b LEFT", "-ERR syntax error"},
        {"LMPOP 1 a UP", "-ERR syntax error"},
        {"LMPOP 1 a LEFT COUNT", "-ERR syntax error"},
        {"LMPOP 1 a LEFT COUNT 0", "-ERR count should be greater than 0"},
        {"LMPOP 1 a LEFT COUNT x", "-ERR count should be greater than 0"},
        {"LMPOP 1 a LEFT COUNT 1 COUNT 1", "-ERR syntax error"},
        {"LMPOP 1 a", "-ERR wrong number of arguments for 'lmpop' command"},
    };

    SCRIPT(*state, steps);
}

/* What other commands see of lists. */
static void generic(void **state)
{
    static const struct step steps[] = {
        {"RPUSH {x}l a b c", ":3"},
        {"COPY {x}l {x}m", ":1"},
        {"RPUSH {x}m d", ":4"},
        {"LRANGE {x}l 0 -1", "['a', 'b', 'c']"},
        {"RENAME {x}m {x}l", "+OK"},
        {"LRANGE {x}l 0 -1", "['a', 'b', 'c', 'd']"},
        {"EXPIRE {x}l 100", ":1"},
        {"RPUSH {x}l e", ":5"},
        {"LPOP {x}l 3", "['a', 'b', 'c']"},
        {"TTL {x}l", ":<40..100>"},
        {"SET {x}l over", "+OK"},
        {"GET {x}l", "'over'"},
        {"DEL {x}l", ":1"},
        {"RPUSH {x}l 1", ":1"},
        {"PEXPIRE {x}l 10", ":1"},
        {"sleep 30", ""},
        {"LLEN {x}l", ":0"},
        {"RPUSH {x}l fresh", ":1"},
        {"LRANGE {x}l 0 -1", "['fresh']"},
        {"UNLINK {x}l", ":1"},
        {"OBJECT ENCODING {x}l", "nil"},
    };

    SCRIPT(*state, steps);
}

/* The words of OBJECT ENCODING: one chunk is a listpack, until it has shrunk to half of one again. */
static void encodings(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET list-max-listpack-size 4", "+OK"},
        {"CONFIG GET list-max-ziplist-size", "['list-max-ziplist-size', '4']",
         "{'list-max-ziplist-size': '4'}"},
        {"RPUSH l 1 2 3 4", ":4"},
        {"OBJECT ENCODING l", "'listpack'", NULL, CAIRN_ONLY},
        {"RPUSH l 5", ":5"},
        {"OBJECT ENCODING l", "'quicklist'"},
        {"RPOP l 2", "['5', '4']"},
        {"OBJECT ENCODING l", "'quicklist'"},
        {"RPOP l", "'3'"},
        {"OBJECT ENCODING l", "'listpack'", NULL, CAIRN_ONLY},
        {"LINSERT l BEFORE 1 0", ":3"},
        {"LINSERT l AFTER 0 0.1", ":4"},
        {"LINSERT l AFTER 0 0.2", ":5"},
        {"LINSERT l AFTER 0 0.3", ":6"},
        {"LRANGE l 0 -1", "['0', '0.3', '0.2', '0.1', '1', '2']"},
        {"LREM l 0 0.2", ":1"},
        {"LTRIM l 1 -2", "+OK"},
        {"LRANGE l 0 -1", "['0.3', '0.1', '1']"},
        {"CONFIG SET list-max-ziplist-size -2", "+OK"},
        {"RPUSH l 5 6 7 8 9 10 11", ":10"},
        {"LRANGE l 0 -1", "['0.3', '0.1', '1', '5', '6', '7', '8', '9', '10', '11']"},
        {"CONFIG SET list-max-listpack-size 0", "+OK"},
        {"RPUSH m 1 2", ":2"},
        {"OBJECT ENCODING m", "'quicklist'"},
        {"LRANGE m 0 -1", "['1', '2']"},
        {"CONFIG SET list-max-listpack-size -2", "+OK"},
    };

    SCRIPT(*state, steps);
}

static void many_items(void **state)
{
    struct client *client = client_open(*state, 2);
    char line[32 * 1024], expected[64];
    EXPECT(client, "FLUSHALL", "+OK");
    for (int round = 0; round < 50; round++) {
        char *at = line + sprintf(line, "RPUSH l");
        for (int i = 0; i < 100; i++)
            at += sprintf(at, " item:%07d", round * 100 + i);
        sprintf(expected, ":%d", (round + 1) * 100);
        EXPECT(client, line, expected);
    }
    EXPECT(client, "LINDEX l 3456", "'item:0003456'");
    EXPECT(client, "LINDEX l -1", "'item:0004999'");
    EXPECT(client, "LRANGE l 2499 2501", "['item:0002499', 'item:0002500', 'item:0002501']");
    EXPECT(client, "LPOS l item:0004000", ":4000");
    EXPECT(client, "LPOS l item:0004000 RANK -1 MAXLEN 1000", ":4000");
    EXPECT(client, "LPOS l item:0003999 RANK -1 MAXLEN 1000", "nil");
    EXPECT(client, "LINSERT l BEFORE item:0002500 here", ":5001");
    EXPECT(client, "LRANGE l 2499 2501", "['item:0002499', 'here', 'item:0002500']");
    EXPECT(client, "LREM l -1 here", ":1");
    EXPECT(client, "LTRIM l 1000 3999", "+OK");
    EXPECT(client, "LLEN l", ":3000");
    EXPECT(client, "LINDEX l 0", "'item:0001000'");
    EXPECT(client, "LINDEX l -1", "'item:0003999'");
    memset(line, 'v', sizeof(line) - 1);
    memcpy(line, "LSET l 5 ", 9);
    line[sizeof(line) - 1] = '\0';
    EXPECT(client, line, "+OK");
    EXPECT(client, "LINDEX l 6", "'item:0001006'");
    EXPECT(client, "LSET l 5 short", "+OK");
    EXPECT(client, "LRANGE l 4 6", "['item:0001004', 'short', 'item:0001006']");
    EXPECT(client, "OBJECT ENCODING l", "'quicklist'");
    EXPECT(client, "DEL l", ":1");
    EXPECT(client, "LLEN l", ":0");
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_and_pop), cmocka_unit_test(looking),  cmocka_unit_test(lpos),
        cmocka_unit_test(changing),     cmocka_unit_test(removing), cmocka_unit_test(moving),
        cmocka_unit_test(lmpop),        cmocka_unit_test(generic),  cmocka_unit_test(encodings),
        cmocka_unit_test(many_items),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
