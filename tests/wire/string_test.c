/* string_test.c: the string commands, their options, errors and replies. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void set_and_get(void **state)
{
    static const struct step steps[] = {
        {"GET k", "nil"},
        {"SET k v", "+OK"},
        {"GET k", "'v'"},
        {"set K other", "+OK"},
        {"GET k", "'v'"},
        {"SET k ''", "+OK"},
        {"GET k", "''"},
        {"SET k 'a\\r\\n\\x00b'", "+OK"},
        {"GET k", "'a\\r\\n\\x00b'"},
        {"SET k 12345", "+OK"},
        {"GET k", "'12345'"},
        {"SET k -9223372036854775808", "+OK"},
        {"GET k", "'-9223372036854775808'"},
        {"SET k 0012", "+OK"},
        {"GET k", "'0012'"},
        {"SET '' empty", "+OK"},
        {"GET ''", "'empty'"},
        {"SET k", "-ERR wrong number of arguments for 'set' command"},
        {"GET", "-ERR wrong number of arguments for 'get' command"},
        {"GET a b", "-ERR wrong number of arguments for 'get' command"},
    };

    SCRIPT(*state, steps);
}

static void set_conditions(void **state)
{
    static const struct step steps[] = {
        {"SET k 1 XX", "nil"},
        {"EXISTS k", ":0"},
        {"SET k 1 NX", "+OK"},
        {"SET k 2 NX", "nil"},
        {"SET k 2 xx", "+OK"},
        {"SET k 3 GET", "'2'"},
        {"SET k 4 XX GET", "'3'"},
        {"SET k 5 NX GET", "'4'"},
        {"GET k", "'4'"},
        {"SET n 1 NX GET", "nil"},
        {"GET n", "'1'"},
        {"SET m 1 XX GET", "nil"},
        {"EXISTS m", ":0"},
        {"SET k v NX NX", "nil"},
        {"SET k v NX XX", "-ERR syntax error"},
        {"SET k v XX NX", "-ERR syntax error"},
        {"SET k v PERSIST", "-ERR syntax error"},
        {"SET k v FOO", "-ERR syntax error"},
        {"SET k v GET GET", "'4'"},
    };

    SCRIPT(*state, steps);
}

static void set_expiry(void **state)
{
    static const struct step steps[] = {
        {"SET k v EX 100", "+OK"},
        {"TTL k", ":<40..100>"},
        {"SET k v PX 100500", "+OK"},
        {"TTL k", ":<40..101>"},
        {"SET k v KEEPTTL", "+OK"},
        {"TTL k", ":<40..101>"},
        {"SET k v", "+OK"},
        {"TTL k", ":-1"},
        {"SET k v EXAT 33177117420", "+OK"},
        {"EXPIRETIME k", ":33177117420"},
        {"SET k v pxat 33177117420123", "+OK"},
        {"PEXPIRETIME k", ":33177117420123"},
        {"SET k v EX 10 EX 20", "+OK"},
        {"TTL k", ":<10..20>"},
        {"SET k v EXAT 1", "+OK"},
        {"GET k", "nil"},
        {"SET k v PX 20", "+OK"},
        {"sleep 40"},
        {"GET k", "nil"},
        {"SET k v KEEPTTL", "+OK"},
        {"TTL k", ":-1"},
        {"SET k v EX", "-ERR syntax error"},
        {"SET k v EX 10 PX 10", "-ERR syntax error"},
        {"SET k v EX 10 KEEPTTL", "-ERR syntax error"},
        {"SET k v KEEPTTL EX 10", "-ERR syntax error"},
        {"SET k v EXAT 10 PXAT 10", "-ERR syntax error"},
        {"SET k v EX ten", "-ERR value is not an integer or out of range"},
        {"SET k v EX 1.5", "-ERR value is not an integer or out of range"},
        {"SET k v EX 0", "-ERR invalid expire time in 'set' command"},
        {"SET k v EX -1", "-ERR invalid expire time in 'set' command"},
        {"SET k v PX 0", "-ERR invalid expire time in 'set' command"},
        {"SET k v EXAT 0", "-ERR invalid expire time in 'set' command"},
        {"SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command"},
        {"SET k v EX 9223372036854775", "-ERR invalid expire time in 'set' command"},
        {"SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command"},
        {"SET k v PXAT 9223372036854775807", "+OK"},
        {"PEXPIRETIME k", ":9223372036854775807"},
        {"SET k v EX 99999999999999999999", "-ERR value is not an integer or out of range"},
        {"SET k x GET EX 0", "-ERR invalid expire time in 'set' command"},
        {"GET k", "'v'"},
    };

    SCRIPT(*state, steps);
}

static void setnx_setex(void **state)
{
    static const struct step steps[] = {
        {"SETNX k v", ":1"},
        {"SETNX k w", ":0"},
        {"GET k", "'v'"},
        {"SETEX k 50 v2", "+OK"},
        {"TTL k", ":<25..50>"},
        {"SETNX k w", ":0"},
        {"PSETEX k 50500 v3", "+OK"},
        {"PTTL k", ":<25000..50500>"},
        {"SETEX k 0 v", "-ERR invalid expire time in 'setex' command"},
        {"SETEX k -5 v", "-ERR invalid expire time in 'setex' command"},
        {"SETEX k x v", "-ERR value is not an integer or out of range"},
        {"PSETEX k 0 v", "-ERR invalid expire time in 'psetex' command"},
        {"SETEX k 9223372036854775807 v", "-ERR invalid expire time in 'setex' command"},
        {"GET k", "'v3'"},
        {"SETEX k 10", "-ERR wrong number of arguments for 'setex' command"},
        {"SETNX k", "-ERR wrong number of arguments for 'setnx' command"},
    };

    SCRIPT(*state, steps);
}

static void getset_getdel(void **state)
{
    static const struct step steps[] = {
        {"GETSET k a", "nil"},
        {"GETSET k b", "'a'"},
        {"EXPIRE k 100", ":1"},
        {"GETSET k c", "'b'"},
        {"TTL k", ":-1"},
        {"GETDEL k", "'c'"},
        {"GETDEL k", "nil"},
        {"EXISTS k", ":0"},
        {"GETDEL", "-ERR wrong number of arguments for 'getdel' command"},
        {"GETDEL a b", "-ERR wrong number of arguments for 'getdel' command"},
    };

    SCRIPT(*state, steps);
}

static void getex(void **state)
{
    static const struct step steps[] = {
        {"GETEX k", "nil"},
        {"GETEX k EX 0", "nil"},
        {"SET k v", "+OK"},
        {"GETEX k", "'v'"},
        {"TTL k", ":-1"},
        {"GETEX k EX 100", "'v'"},
        {"TTL k", ":<40..100>"},
        {"GETEX k", "'v'"},
        {"TTL k", ":<40..100>"},
        {"GETEX k PERSIST", "'v'"},
        {"TTL k", ":-1"},
        {"GETEX k PERSIST", "'v'"},
        {"GETEX k PX 100500", "'v'"},
        {"TTL k", ":<40..101>"},
        {"GETEX k EXAT 33177117420", "'v'"},
        {"EXPIRETIME k", ":33177117420"},
        {"GETEX k PXAT 33177117420123", "'v'"},
        {"PEXPIRETIME k", ":33177117420123"},
        {"GETEX k EX 0", "-ERR invalid expire time in 'getex' command"},
        {"GETEX k EX x", "-ERR value is not an integer or out of range"},
        {"GETEX k EX", "-ERR syntax error"},
        {"GETEX k PERSIST EX 10", "-ERR syntax error"},
        {"GETEX k EX 10 PERSIST", "-ERR syntax error"},
        {"GETEX k EX 10 PX 10", "-ERR syntax error"},
        {"GETEX k NX", "-ERR syntax error"},
        {"GETEX k KEEPTTL", "-ERR syntax error"},
        {"GETEX k GET", "-ERR syntax error"},
        {"GETEX missing FOO", "-ERR syntax error"},
        {"GETEX k EXAT 1", "'v'"},
        {"EXISTS k", ":0"},
    };

    SCRIPT(*state, steps);
}

static void many_keys(void **state)
{
    static const struct step steps[] = {
        {"MSET a 1 b two c ''", "+OK"},
        {"MGET a b c d a", "['1', 'two', '', nil, '1']"},
        {"MSET a", "-ERR wrong number of arguments for 'mset' command"},
        {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"},
        {"MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command"},
        {"MSET x 1 x 2", "+OK"},
        {"GET x", "'2'"},
        {"MSETNX d 1 a 2", ":0"},
        {"EXISTS d", ":0"},
        {"MSETNX d 1 e 2 d 3", ":1"},
        {"MGET d e", "['3', '2']"},
        {"EXPIRE a 100", ":1"},
        {"MSET a 2", "+OK"},
        {"TTL a", ":-1"},
        {"MGET", "-ERR wrong number of arguments for 'mget' command"},
    };

    SCRIPT(*state, steps);
}

static void append_and_strlen(void **state)
{
    static const struct step steps[] = {
        {"STRLEN k", ":0"},
        {"APPEND k 12", ":2"},
        {"OBJECT ENCODING k", "'int'"},
        {"APPEND k 34", ":4"},
        {"OBJECT ENCODING k", "'raw'"},
        {"GET k", "'1234'"},
        {"STRLEN k", ":4"},
        {"INCR k", ":1235"},
        {"STRLEN k", ":4"},
        {"APPEND k ''", ":4"},
        {"EXPIRE k 100", ":1"},
        {"APPEND k x", ":5"},
        {"TTL k", ":<40..100>"},
        {"GET k", "'1235x'"},
        {"APPEND e ''", ":0"},
        {"EXISTS e", ":1"},
        {"SET n -5", "+OK"},
        {"STRLEN n", ":2"},
        {"APPEND k", "-ERR wrong number of arguments for 'append' command"},
        {"STRLEN", "-ERR wrong number of arguments for 'strlen' command"},
    };

    SCRIPT(*state, steps);
}

static void setrange(void **state)
{
    static const struct step steps[] = {
        {"SETRANGE k 0 ''", ":0"},
        {"EXISTS k", ":0"},
        {"SETRANGE k 3 abc", ":6"},
        {"GET k", "'\\x00\\x00\\x00abc'"},
        {"SET k 'Hello World'", "+OK"},
        {"SETRANGE k 6 Redis", ":11"},
        {"GET k", "'Hello Redis'"},
        {"SETRANGE k 6 ''", ":11"},
        {"SETRANGE k 12 !", ":13"},
        {"GET k", "'Hello Redis\\x00!'"},
        {"SET n 1234", "+OK"},
        {"SETRANGE n 1 X", ":4"},
        {"GET n", "'1X34'"},
        {"SETRANGE k -1 x", "-ERR offset is out of range"},
        {"SETRANGE missing -1 ''", "-ERR offset is out of range"},
        {"SETRANGE k x y", "-ERR value is not an integer or out of range"},
        {"SETRANGE k 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"SETRANGE k 9223372036854775807 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"SETRANGE missing 536870911 xx", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"EXISTS missing", ":0"},
    };

    SCRIPT(*state, steps);
}

static void getrange(void **state)
{
    static const struct step steps[] = {
        {"GETRANGE k 0 -1", "''"},
        {"SET k 'This is a string'", "+OK"},
        {"GETRANGE k 0 3", "'This'"},
        {"GETRANGE k -3 -1", "'ing'"},
        {"GETRANGE k 0 -1", "'This is a string'"},
        {"GETRANGE k 10 100", "'string'"},
        {"GETRANGE k 100 200", "''"},
        {"GETRANGE k 5 3", "''"},
        {"GETRANGE k -1 -5", "''"},
        {"GETRANGE k -100 2", "'Thi'"},
        {"GETRANGE k -100 -200", "''"},
        {"GETRANGE k -200 -100", "'T'"},
        {"GETRANGE k 0 9223372036854775807", "'This is a string'"},
        {"GETRANGE k -9223372036854775808 0", "'T'"},
        {"SUBSTR k 0 3", "'This'"},
        {"SET n 12345", "+OK"},
        {"GETRANGE n 1 2", "'23'"},
        {"SET e ''", "+OK"},
        {"GETRANGE e 0 -1", "''"},
        {"GETRANGE k a 1", "-ERR value is not an integer or out of range"},
        {"GETRANGE k 1", "-ERR wrong number of arguments for 'getrange' command"},
        {"SUBSTR k 1", "-ERR wrong number of arguments for 'substr' command"},
    };

    SCRIPT(*state, steps);
}

static void counters(void **state)
{
    static const struct step steps[] = {
        {"INCR n", ":1"},
        {"INCRBY n 41", ":42"},
        {"DECR n", ":41"},
        {"DECRBY n 50", ":-9"},
        {"DECRBY n -9", ":0"},
        {"OBJECT ENCODING n", "'int'"},
        {"DECR m", ":-1"},
        {"EXPIRE n 100", ":1"},
        {"INCR n", ":1"},
        {"TTL n", ":<40..100>"},
        {"SET n 9223372036854775806", "+OK"},
        {"INCR n", ":9223372036854775807"},
        {"INCR n", "-ERR increment or decrement would overflow"},
        {"DECRBY n -1", "-ERR increment or decrement would overflow"},
        {"SET n -9223372036854775807", "+OK"},
        {"DECR n", ":-9223372036854775808"},
        {"DECR n", "-ERR increment or decrement would overflow"},
        {"DECRBY n -9223372036854775808", "-ERR decrement would overflow"},
        {"INCRBY n 9223372036854775808", "-ERR value is not an integer or out of range"},
        {"INCRBY n 1.5", "-ERR value is not an integer or out of range"},
        {"INCRBY n ' 1'", "-ERR value is not an integer or out of range"},
        {"SET s abc", "+OK"},
        {"INCR s", "-ERR value is not an integer or out of range"},
        {"SET s '1 '", "+OK"},
        {"INCR s", "-ERR value is not an integer or out of range"},
        {"SET s 01", "+OK"},
        {"INCR s", "-ERR value is not an integer or out of range"},
        {"SET s ''", "+OK"},
        {"INCR s", "-ERR value is not an integer or out of range"},
        {"INCR", "-ERR wrong number of arguments for 'incr' command"},
        {"INCRBY n", "-ERR wrong number of arguments for 'incrby' command"},
    };

    SCRIPT(*state, steps);
}

static void float_counters(void **state)
{
    static const struct step steps[] = {
        {"INCRBYFLOAT f 10.50", "'10.5'"},
        {"INCRBYFLOAT f 0.1", "'10.6'"},
        {"INCRBYFLOAT f -5", "'5.6'"},
        {"GET f", "'5.6'"},
        {"SET f 5.0e3", "+OK"},
        {"INCRBYFLOAT f 2.0e2", "'5200'"},
        {"EXPIRE f 100", ":1"},
        {"INCRBYFLOAT f 1", "'5201'"},
        {"TTL f", ":<40..100>"},
        {"SET i 3", "+OK"},
        {"INCRBYFLOAT i 1.1", "'4.1'"},
        {"SET i 17179869184", "+OK"},
        {"INCRBYFLOAT i 1.5", "'17179869185.5'"},
        {"INCRBYFLOAT tiny 1e-20", "'0'"},
        {"INCRBYFLOAT big 1e20", "'100000000000000000000'"},
        {"INCRBYFLOAT third 0.33333333333333333333", "'0.33333333333333333'"},
        {"INCRBYFLOAT f abc", "-ERR value is not a valid float"},
        {"INCRBYFLOAT f ' 1'", "-ERR value is not a valid float"},
        {"INCRBYFLOAT f '1 '", "-ERR value is not a valid float"},
        {"INCRBYFLOAT f nan", "-ERR value is not a valid float"},
        {"INCRBYFLOAT f inf", "-ERR increment would produce NaN or Infinity"},
        {"INCRBYFLOAT f -inf", "-ERR increment would produce NaN or Infinity"},
        {"SET s abc", "+OK"},
        {"INCRBYFLOAT s 1", "-ERR value is not a valid float"},
        {"INCRBYFLOAT f", "-ERR wrong number of arguments for 'incrbyfloat' command"},
    };

    SCRIPT(*state, steps);
}

static void lcs(void **state)
{
    static const struct step steps[] = {
        {"MSET a ohmytext b mynewtext", "+OK"},
        {"LCS a b", "'mytext'"},
        {"LCS a b LEN", ":6"},
        {"LCS a b IDX", "['matches', [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], 'len', :6]",
         "{'matches': [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], 'len': :6}"},
        {"LCS a b IDX MINMATCHLEN 4", "['matches', [[[:4, :7], [:5, :8]]], 'len', :6]",
         "{'matches': [[[:4, :7], [:5, :8]]], 'len': :6}"},
        {"LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "['matches', [[[:4, :7], [:5, :8], :4]], 'len', :6]",
         "{'matches': [[[:4, :7], [:5, :8], :4]], 'len': :6}"},
        {"LCS a b IDX MINMATCHLEN -1", "['matches', [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], 'len', :6]",
         "{'matches': [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], 'len': :6}"},
        {"LCS a missing", "''"},
        {"LCS a missing LEN", ":0"},
        {"LCS missing b IDX", "['matches', [], 'len', :0]", "{'matches': [], 'len': :0}"},
        {"LCS a a IDX WITHMATCHLEN", "['matches', [[[:0, :7], [:0, :7], :8]], 'len', :8]",
         "{'matches': [[[:0, :7], [:0, :7], :8]], 'len': :8}"},
        {"MSET n 12345 m 345", "+OK"},
        {"LCS n m", "'345'"},
        {"MSET x acbdaebfcgd y abcdabcdefgab", "+OK"},
        {"LCS x y", "'<*>'"},
        {"LCS x y LEN", ":7"},
        {"LCS x y IDX",
         "['matches', [[[:10, :10], [:7, :7]], [[:8, :8], [:6, :6]], [[:6, :6], [:5, :5]], [[:3, :4], "
         "[:3, :4]], "
         "[[:2, :2], [:1, :1]], [[:0, :0], [:0, :0]]], 'len', :7]",
         "{'matches': [[[:10, :10], [:7, :7]], [[:8, :8], [:6, :6]], [[:6, :6], [:5, :5]], [[:3, :4], "
         "[:3, :4]], "
         "[[:2, :2], [:1, :1]], [[:0, :0], [:0, :0]]], 'len': :7}"},
        {"LCS a b IDX LEN", "-ERR If you want both the length and indexes, please just use IDX."},
        {"LCS a b FOO", "-ERR syntax error"},
        {"LCS a b MINMATCHLEN", "-ERR syntax error"},
        {"LCS a b IDX MINMATCHLEN x", "-ERR value is not an integer or out of range"},
        {"SETRANGE l1 20000 x", ":20001"},
        {"SETRANGE l2 20000 x", ":20001"},
        {"LCS l1 l2", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"},
        {"LCS a", "-ERR wrong number of arguments for 'lcs' command"},
    };

    SCRIPT(*state, steps);
}

static void encodings(void **state)
{
    static const struct step steps[] = {
        {"SET k 123", "+OK"},
        {"OBJECT ENCODING k", "'int'"},
        {"SET k hello", "+OK"},
        {"OBJECT ENCODING k", "'embstr'"},
        {"SET k 12345678901234567890123456789012345678901234", "+OK"},
        {"OBJECT ENCODING k", "'embstr'"},
        {"SET k 123456789012345678901234567890123456789012345", "+OK"},
        {"OBJECT ENCODING k", "'raw'"},
        {"SET k 9223372036854775807", "+OK"},
        {"OBJECT ENCODING k", "'int'"},
        {"SET k 9223372036854775808", "+OK"},
        {"OBJECT ENCODING k", "'embstr'"},
        {"SET k -0", "+OK"},
        {"OBJECT ENCODING k", "'embstr'"},
        {"SET k abc", "+OK"},
        {"SETRANGE k 0 x", ":3"},
        {"OBJECT ENCODING k", "'raw'"},
    };

    SCRIPT(*state, steps);
}

/* Every size around the steps from one block to the next, overwritten by every other size. */
static void values_of_many_sizes(void **state)
{
    static const size_t sizes[] = {0,   1,   19,  20,  21,   44,   45,    63,    64,
                                   100, 127, 128, 129, 1000, 4096, 16384, 70000, 300000};
    static char value[300001];
    static char expected[300100];
    const size_t count = sizeof(sizes) / sizeof(sizes[0]);
    struct client *client = client_open(*state, 2);

    client_expect(client, "FLUSHALL", "+OK", __FILE__, __LINE__);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const size_t lens[] = {3, 1, sizes[(i + j) % count]};
            memset(value, (int)('a' + (i + j) % 26), lens[2]);
            const char *argv[] = {"SET", "k", value};
            client_send_argv(client, 3, argv, lens);
            assert_string_equal(client_read(client), "+OK");
            snprintf(expected, sizeof(expected), "'%.*s'", (int)lens[2], value);
            assert_string_equal(client_ask(client, "GET k"), expected);
        }
    }
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_get),
        cmocka_unit_test(set_conditions),
        cmocka_unit_test(set_expiry),
        cmocka_unit_test(setnx_setex),
        cmocka_unit_test(getset_getdel),
        cmocka_unit_test(getex),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(append_and_strlen),
        cmocka_unit_test(setrange),
        cmocka_unit_test(getrange),
        cmocka_unit_test(counters),
        cmocka_unit_test(float_counters),
        cmocka_unit_test(lcs),
        cmocka_unit_test(encodings),
        cmocka_unit_test(values_of_many_sizes),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
