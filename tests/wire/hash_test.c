/* hash_test.c: the hash commands, their options, errors and replies; fields that expire. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WRONGTYPE    "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define NOT_FIELDS   "-ERR Mandatory argument FIELDS is missing or not at the right position"
#define NO_MATCH     "-ERR The `numfields` parameter must match the number of arguments"
#define NOT_POSITIVE "-ERR Number of fields must be a positive integer"

static void set_and_get(void **state)
{
    static const struct step steps[] = {
        {"HSET h a 1", ":1"},
        {"HSET h a 2 b two c 3.5", ":2"},
        {"HGET h a", "'2'"},
        {"HGET h b", "'two'"},
        {"HGET h x", "nil"},
        {"HGET none a", "nil"},
        {"HMGET h a x c", "['2', nil, '3.5']"},
        {"HMGET none a b", "[nil, nil]"},
        {"HGETALL h", "['a', '2', 'b', 'two', 'c', '3.5']", "{'a': '2', 'b': 'two', 'c': '3.5'}"},
        {"HGETALL none", "[]", "{}"},
        {"HKEYS h", "['a', 'b', 'c']"},
        {"HVALS h", "['2', 'two', '3.5']"},
        {"HKEYS none", "[]"},
        {"HVALS none", "[]"},
        {"HLEN h", ":3"},
        {"HLEN none", ":0"},
        {"HEXISTS h a", ":1"},
        {"HEXISTS h x", ":0"},
        {"HEXISTS none x", ":0"},
        {"HSTRLEN h b", ":3"},
        {"HSTRLEN h a", ":1"},
        {"HSTRLEN h x", ":0"},
        {"HSTRLEN none x", ":0"},
        {"HSETNX h a 9", ":0"},
        {"HSETNX h d 9", ":1"},
        {"HSETNX new d 9", ":1"},
        {"HMSET h a 1 e 5", "+OK"},
        {"HDEL h a b x", ":2"},
        {"HDEL none a", ":0"},
        {"HGETALL h", "['c', '3.5', 'd', '9', 'e', '5']", "{'c': '3.5', 'd': '9', 'e': '5'}"},
        {"HSET h '' empty c ''", ":1"},
        {"HGET h ''", "'empty'"},
        {"HGET h c", "''"},
        {"HSET h a 'x\\r\\n\\x00y'", ":1"},
        {"HGET h a", "'x\\r\\n\\x00y'"},
        {"HSET h same 1 same 2", ":1"},
        {"HGET h same", "'2'"},
        {"HDEL h same a '' c d e", ":6"},
        {"EXISTS h", ":0"},
        {"TYPE new", "+hash"},
    };

    SCRIPT(*state, steps);
}

static void errors(void **state)
{
    static const struct step steps[] = {
        {"SET s v", "+OK"},
        {"HSET h", "-ERR wrong number of arguments for 'hset' command"},
        {"HSET h f", "-ERR wrong number of arguments for 'hset' command"},
        {"HSET h f v g", "-ERR wrong number of arguments for 'hset' command"},
        {"HMSET h f v g", "-ERR wrong number of arguments for 'hmset' command"},
        {"HSET s f v", WRONGTYPE},
        {"HMSET s f v", WRONGTYPE},
        {"HSETNX s f v", WRONGTYPE},
        {"HGET s f", WRONGTYPE},
        {"HMGET s f", WRONGTYPE},
        {"HGETALL s", WRONGTYPE},
        {"HKEYS s", WRONGTYPE},
        {"HVALS s", WRONGTYPE},
        {"HLEN s", WRONGTYPE},
        {"HEXISTS s f", WRONGTYPE},
        {"HSTRLEN s f", WRONGTYPE},
        {"HDEL s f", WRONGTYPE},
        {"HINCRBY s f 1", WRONGTYPE},
        {"HINCRBYFLOAT s f 1", WRONGTYPE},
        {"HRANDFIELD s", WRONGTYPE},
        {"HSCAN s 0", WRONGTYPE},
        {"HSET h f v", ":1"},
        {"GET h", WRONGTYPE},
        {"APPEND h v", WRONGTYPE},
        {"INCR h", WRONGTYPE},
    };

    SCRIPT(*state, steps);
}

static void counters(void **state)
{
    static const struct step steps[] = {
        {"HINCRBY h n 5", ":5"},
        {"HINCRBY h n -7", ":-2"},
        {"HGET h n", "'-2'"},
        {"HINCRBY h n x", "-ERR value is not an integer or out of range"},
        {"HSET h max 9223372036854775807 text abc", ":2"},
        {"HINCRBY h max 1", "-ERR increment or decrement would overflow"},
        {"HINCRBY h text 1", "-ERR hash value is not an integer"},
        {"HINCRBYFLOAT h f 10.5", "'10.5'"},
        {"HINCRBYFLOAT h f 0.1", "'10.6'"},
        {"HINCRBYFLOAT h f -5", "'5.6'"},
        {"HINCRBYFLOAT h n 1", "'-1'"},
        {"HINCRBYFLOAT h f 5.0e3", "'5005.60000000000000009'"},
        {"HINCRBYFLOAT h text 1", "-ERR hash value is not a float"},
        {"HINCRBYFLOAT h f x", "-ERR value is not a valid float"},
        {"HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity", CAIRN_ONLY},
        {"HSET h blank ' 1'", ":1"},
        {"HINCRBYFLOAT h blank 1", "-ERR hash value is not a float"},
        {"HINCRBY h blank 1", "-ERR hash value is not an integer"},
    };

    SCRIPT(*state, steps);
}

static void encodings(void **state)
{
    static const struct step steps[] = {
        {"CONFIG SET hash-max-listpack-entries 4", "+OK"},
        {"HSET h a 1 b 2 c 3 d 4", ":4"},
        {"OBJECT ENCODING h", "'listpack'"},
        {"HSET h e 5", ":1"},
        {"OBJECT ENCODING h", "'hashtable'"},
        {"HMGET h a b c d e f", "['1', '2', '3', '4', '5', nil]"},
        {"HLEN h", ":5"},
        {"HDEL h a b c d", ":4"},
        {"OBJECT ENCODING h", "'hashtable'"},
        {"HGETALL h", "['e', '5']", "{'e': '5'}"},
        {"HINCRBY h e 2", ":7"},
        {"HSETNX h e 1", ":0"},
        {"COPY h copy", ":1"},
        {"HSET copy e other", ":0"},
        {"HGET h e", "'7'"},
        {"HGET copy e", "'other'"},
        {"RENAME copy moved", "+OK"},
        {"HGET moved e", "'other'"},
        {"HDEL h e", ":1"},
        {"EXISTS h", ":0"},
        {"CONFIG SET hash-max-ziplist-entries 512", "+OK"},
        {"CONFIG GET hash-max-listpack-entries", "['hash-max-listpack-entries', '512']",
         "{'hash-max-listpack-entries': '512'}"},
        {"CONFIG SET hash-max-listpack-value 8", "+OK"},
        {"HSET v f 12345678", ":1"},
        {"OBJECT ENCODING v", "'listpack'"},
        {"HSET v f 123456789", ":0"},
        {"OBJECT ENCODING v", "'hashtable'"},
        {"HSET w longfield 1", ":1"},
        {"OBJECT ENCODING w", "'hashtable'"},
        {"CONFIG SET hash-max-listpack-value 64", "+OK"},
        {"HSET v f 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", ":0"},
        {"HGET v f", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"},
        {"DEL v w", ":2"},
    };

    SCRIPT(*state, steps);
}

static void random_fields(void **state)
{
    static const struct step steps[] = {
        {"HRANDFIELD none", "nil"},
        {"HRANDFIELD none 3", "[]"},
        {"HRANDFIELD none -3 WITHVALUES", "[]"},
        {"HSET one f v", ":1"},
        {"HRANDFIELD one", "'f'"},
        {"HRANDFIELD one 0", "[]"},
        {"HRANDFIELD one 5", "['f']"},
        {"HRANDFIELD one -3", "['f', 'f', 'f']"},
        {"HRANDFIELD one 1 withvalues", "['f', 'v']", "[['f', 'v']]"},
        {"HRANDFIELD one -2 withvalues", "['f', 'v', 'f', 'v']", "[['f', 'v'], ['f', 'v']]"},
        {"HRANDFIELD one x", "-ERR value is not an integer or out of range"},
        {"HRANDFIELD one 1 foo", "-ERR syntax error"},
        {"HRANDFIELD one 1 withvalues foo", "-ERR syntax error"},
        {"HRANDFIELD one -9223372036854775807 withvalues", "-ERR value is out of range"},
        {"HRANDFIELD one 9223372036854775807 withvalues", "-ERR value is out of range"},
        {"HSET three a 1 b 2 c 3", ":3"},
        {"HRANDFIELD three 3", "['a', 'b', 'c']"},
        {"HRANDFIELD three 9 withvalues", "['a', '1', 'b', '2', 'c', '3']",
         "[['a', '1'], ['b', '2'], ['c', '3']]"},
    };

    SCRIPT(*state, steps);
}

static void scans(void **state)
{
    static const struct step steps[] = {
        {"HSCAN none 0", "['0', []]"},
        {"HSET h a 1 b 2 ab 3", ":3"},
        {"HSCAN h 0", "['0', ['a', '1', 'b', '2', 'ab', '3']]"},
        {"HSCAN h 0 MATCH a*", "['0', ['a', '1', 'ab', '3']]"},
        {"HSCAN h 0 MATCH a* COUNT 100 NOVALUES", "['0', ['a', 'ab']]", CAIRN_ONLY},
        {"HSCAN h x", "-ERR invalid cursor"},
        {"HSCAN h 0 COUNT 0", "-ERR syntax error"},
        {"HSCAN h 0 COUNT x", "-ERR value is not an integer or out of range"},
        {"HSCAN h 0 FOO", "-ERR syntax error"},
        {"HSCAN h 0 TYPE hash", "-ERR syntax error"},
    };

    SCRIPT(*state, steps);
}

/* ---- fields that expire ---- */

static void expiry_of_fields(void **state)
{
    static const struct step steps[] = {
        {"HSET h a 1 b 2 c 3", ":3", CAIRN_ONLY},
        {"OBJECT ENCODING h", "'listpack'", CAIRN_ONLY},
        {"HEXPIRE h 100 FIELDS 3 a b x", "[:1, :1, :-2]", CAIRN_ONLY},
        {"OBJECT ENCODING h", "'listpackex'", CAIRN_ONLY},
        {"HTTL h FIELDS 3 a c x", "[:<60..100>, :-1, :-2]", CAIRN_ONLY},
        {"HPTTL h FIELDS 2 a c", "[:<60000..100000>, :-1]", CAIRN_ONLY},
        {"HEXPIRE h 200 NX FIELDS 2 a c", "[:0, :1]", CAIRN_ONLY},
        {"HEXPIRE h 300 XX FIELDS 2 a b", "[:1, :1]", CAIRN_ONLY},
        {"HEXPIRE h 250 GT FIELDS 2 a c", "[:0, :1]", CAIRN_ONLY},
        {"HEXPIRE h 50 LT FIELDS 2 a b", "[:1, :1]", CAIRN_ONLY},
        {"HTTL h FIELDS 3 a b c", "[:<25..50>, :<25..50>, :<210..250>]", CAIRN_ONLY},
        {"HPERSIST h FIELDS 4 a b c x", "[:1, :1, :1, :-2]", CAIRN_ONLY},
        {"HPERSIST h FIELDS 1 a", "[:-1]", CAIRN_ONLY},
        {"OBJECT ENCODING h", "'listpack'", CAIRN_ONLY},
        {"HEXPIRE h 100 GT FIELDS 1 a", "[:0]", CAIRN_ONLY},
        {"HEXPIRE h 100 LT FIELDS 1 a", "[:1]", CAIRN_ONLY},
        {"HPEXPIREAT h 33177117420123 FIELDS 1 a", "[:1]", CAIRN_ONLY},
        {"HPEXPIRETIME h FIELDS 2 a b", "[:33177117420123, :-1]", CAIRN_ONLY},
        {"HEXPIRETIME h FIELDS 1 a", "[:33177117421]", CAIRN_ONLY},
        {"HEXPIREAT h 33177117420 FIELDS 1 a", "[:1]", CAIRN_ONLY},
        {"HPEXPIRETIME h FIELDS 1 a", "[:33177117420000]", CAIRN_ONLY},
        {"HSET h a other", ":0", CAIRN_ONLY},
        {"HTTL h FIELDS 1 a", "[:-1]", CAIRN_ONLY},
        {"HEXPIRE h 100 FIELDS 1 a", "[:1]", CAIRN_ONLY},
        {"HSET h a 5", ":0", CAIRN_ONLY},
        {"HEXPIRE h 100 FIELDS 1 a", "[:1]", CAIRN_ONLY},
        {"HINCRBY h a 1", ":6", CAIRN_ONLY},
        {"HTTL h FIELDS 1 a", "[:<60..100>]", CAIRN_ONLY},
        {"HINCRBYFLOAT h a 0.5", "'6.5'", CAIRN_ONLY},
        {"HTTL h FIELDS 1 a", "[:<60..100>]", CAIRN_ONLY},
        {"COPY h copy", ":1", CAIRN_ONLY},
        {"HTTL copy FIELDS 2 a b", "[:<60..100>, :-1]", CAIRN_ONLY},
        {"HEXPIRE h 0 FIELDS 2 a x", "[:2, :-2]", CAIRN_ONLY},
        {"HGET h a", "nil", CAIRN_ONLY},
        {"HEXPIREAT h 1 FIELDS 2 b c", "[:2, :2]", CAIRN_ONLY},
        {"EXISTS h", ":0", CAIRN_ONLY},
        {"HEXPIRE none 100 FIELDS 2 a b", "[:-2, :-2]", CAIRN_ONLY},
        {"HTTL none FIELDS 2 a b", "[:-2, :-2]", CAIRN_ONLY},
        {"HPERSIST none FIELDS 1 a", "[:-2]", CAIRN_ONLY},
    };

    SCRIPT(*state, steps);
}

static void errors_of_expiry(void **state)
{
    static const struct step steps[] = {
        {"HSET h a 1", ":1", CAIRN_ONLY},
        {"SET s v", "+OK", CAIRN_ONLY},
        {"HEXPIRE s 1 FIELDS 1 a", WRONGTYPE, CAIRN_ONLY},
        {"HTTL s FIELDS 1 a", WRONGTYPE, CAIRN_ONLY},
        {"HPERSIST s FIELDS 1 a", WRONGTYPE, CAIRN_ONLY},
        {"HGETEX s FIELDS 1 a", WRONGTYPE, CAIRN_ONLY},
        {"HGETDEL s FIELDS 1 a", WRONGTYPE, CAIRN_ONLY},
        {"HSETEX s FIELDS 1 a 1", WRONGTYPE, CAIRN_ONLY},
        {"HEXPIRE h 1 FIELDS 1", "-ERR wrong number of arguments for 'hexpire' command", CAIRN_ONLY},
        {"HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range", CAIRN_ONLY},
        {"HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0", CAIRN_ONLY},
        {"HEXPIRE h 70368744178 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command", CAIRN_ONLY},
        {"HPEXPIREAT h 70368744177664 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command",
         CAIRN_ONLY},
        {"HEXPIRE h 1 FOO FIELDS 1 a", NOT_FIELDS, CAIRN_ONLY},
        {"HEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0", CAIRN_ONLY},
        {"HEXPIRE h 1 FIELDS 2 a", NO_MATCH, CAIRN_ONLY},
        {"HEXPIRE h 1 NX FIELDS 1 a b", NO_MATCH, CAIRN_ONLY},
        {"HTTL h FOO 1 a", NOT_FIELDS, CAIRN_ONLY},
        {"HTTL h FIELDS 0 a", NOT_POSITIVE, CAIRN_ONLY},
        {"HTTL h FIELDS 2 a", NO_MATCH, CAIRN_ONLY},
        {"HPERSIST h FIELDS x a", NOT_POSITIVE, CAIRN_ONLY},
        {"HGETDEL h FOO 1 a", NOT_FIELDS, CAIRN_ONLY},
        {"HGETDEL h FIELDS 0 a", NOT_POSITIVE, CAIRN_ONLY},
        {"HGETDEL h FIELDS 3 a", NO_MATCH, CAIRN_ONLY},
        {"HGETEX h EX 10 a 1 b", NOT_FIELDS, CAIRN_ONLY},
        {"HGETEX h EX 0x FIELDS 1 a", "-ERR value is not an integer or out of range", CAIRN_ONLY},
        {"HGETEX h FIELDS 2 a", NO_MATCH, CAIRN_ONLY},
        {"HSETEX h FOO FIELDS 1 a 1", "-ERR unknown argument: FOO", CAIRN_ONLY},
        {"HSETEX h FNX FXX FIELDS 1 a 1", "-ERR Only one of FXX or FNX arguments can be specified",
         CAIRN_ONLY},
        {"HSETEX h EX 1 PX 1 FIELDS 1 a 1",
         "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified", CAIRN_ONLY},
        {"HSETEX h EX 1 KEEPTTL FIELDS 1 a 1",
         "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified", CAIRN_ONLY},
        {"HSETEX h FNX KEEPTTL a EX", "-ERR unknown argument: a", CAIRN_ONLY},
        {"HSETEX h FNX FIELDS 0 a 1", "-ERR invalid number of fields", CAIRN_ONLY},
        {"HSETEX h FIELDS 2 a 1 b", "-ERR wrong number of arguments for 'hsetex' command", CAIRN_ONLY},
    };

    SCRIPT(*state, steps);
}

static void get_and_set_with_times(void **state)
{
    static const struct step steps[] = {
        {"HSETEX h EX 100 FIELDS 2 a 1 b 2", ":1", CAIRN_ONLY},
        {"HTTL h FIELDS 2 a b", "[:<60..100>, :<60..100>]", CAIRN_ONLY},
        {"HSETEX h FNX FIELDS 2 b 3 c 3", ":0", CAIRN_ONLY},
        {"HSETEX h FXX FIELDS 2 b 3 c 3", ":0", CAIRN_ONLY},
        {"HSETEX h FNX PX 200000 FIELDS 1 c 3", ":1", CAIRN_ONLY},
        {"HSETEX h FXX KEEPTTL FIELDS 2 a 9 b 9", ":1", CAIRN_ONLY},
        {"HTTL h FIELDS 3 a b c", "[:<60..100>, :<60..100>, :<160..200>]", CAIRN_ONLY},
        {"HSETEX h FIELDS 1 a 8", ":1", CAIRN_ONLY},
        {"HTTL h FIELDS 1 a", "[:-1]", CAIRN_ONLY},
        {"HSETEX none FXX FIELDS 1 a 1", ":0", CAIRN_ONLY},
        {"EXISTS none", ":0", CAIRN_ONLY},
        {"HSETEX h EXAT 1 FIELDS 2 b 1 new 1", ":1", CAIRN_ONLY},
        {"HGETALL h", "['a', '8', 'c', '3']", "{'a': '8', 'c': '3'}", CAIRN_ONLY},
        {"HGETEX h FIELDS 3 a x c", "['8', nil, '3']", CAIRN_ONLY},
        {"HTTL h FIELDS 2 a c", "[:-1, :<160..200>]", CAIRN_ONLY},
        {"HGETEX h EX 50 FIELDS 2 a x", "['8', nil]", CAIRN_ONLY},
        {"HTTL h FIELDS 1 a", "[:<25..50>]", CAIRN_ONLY},
        {"HGETEX h PERSIST FIELDS 2 a c", "['8', '3']", CAIRN_ONLY},
        {"HTTL h FIELDS 2 a c", "[:-1, :-1]", CAIRN_ONLY},
        {"HGETEX h PXAT 33177117420123 FIELDS 1 c", "['3']", CAIRN_ONLY},
        {"HPEXPIRETIME h FIELDS 1 c", "[:33177117420123]", CAIRN_ONLY},
        {"HGETEX h EXAT 1 FIELDS 1 c", "['3']", CAIRN_ONLY},
        {"HGETEX none FIELDS 2 a b", "[nil, nil]", CAIRN_ONLY},
        {"HGETDEL h FIELDS 3 a x a", "['8', nil, nil]", CAIRN_ONLY},
        {"EXISTS h", ":0", CAIRN_ONLY},
        {"HGETDEL none FIELDS 1 a", "[nil]", CAIRN_ONLY},
    };

    SCRIPT(*state, steps);
}

/* The same in small and in large hashes: what has expired is gone at once, and its memory soon. */
static void expired_fields(void **state)
{
    static const struct step steps[] = {
        {"HSET h a 1 b 2 c 3 d 4", ":4", CAIRN_ONLY},
        {"HPEXPIRE h 20 FIELDS 2 a b", "[:1, :1]", CAIRN_ONLY},
        {"sleep 40", "", CAIRN_ONLY},
        {"HLEN h", ":2", CAIRN_ONLY},
        {"HGET h a", "nil", CAIRN_ONLY},
        {"HEXISTS h b", ":0", CAIRN_ONLY},
        {"HSTRLEN h b", ":0", CAIRN_ONLY},
        {"HMGET h a b c d", "[nil, nil, '3', '4']", CAIRN_ONLY},
        {"HGETALL h", "<*>", CAIRN_ONLY},
        {"HTTL h FIELDS 2 a c", "[:-2, :-1]", CAIRN_ONLY},
        {"HSCAN h 0 MATCH a", "['0', []]", CAIRN_ONLY},
        {"HDEL h a", ":0", CAIRN_ONLY},
        {"HSETNX h a 5", ":1", CAIRN_ONLY},
        {"HTTL h FIELDS 1 a", "[:-1]", CAIRN_ONLY},
        {"HINCRBY h b 5", ":5", CAIRN_ONLY},
        {"HLEN h", ":4", CAIRN_ONLY},
        {"HPEXPIRE h 20 FIELDS 3 a b c", "[:1, :1, :1]", CAIRN_ONLY},
        {"sleep 40", "", CAIRN_ONLY},
        {"HRANDFIELD h", "'d'", CAIRN_ONLY},
        {"HRANDFIELD h 5", "['d']", CAIRN_ONLY},
        {"HRANDFIELD h -2", "['d', 'd']", CAIRN_ONLY},
        {"HKEYS h", "['d']", CAIRN_ONLY},
        {"HPEXPIRE h 20 FIELDS 1 d", "[:1]", CAIRN_ONLY},
        {"await DBSIZE", ":0", CAIRN_ONLY},
        {"EXISTS h", ":0", CAIRN_ONLY},
    };
    struct client *client = client_open(*state, 2);

    SCRIPT(*state, steps);
    EXPECT(client, "CONFIG SET hash-max-listpack-entries 0", "+OK");
    SCRIPT(*state, steps);
    EXPECT(client, "CONFIG SET hash-max-listpack-entries 512", "+OK");
    client_close(client);
}

#define MANY 5000

/* A large hash: every field is scanned, whatever is done to others meanwhile; all expire by themselves. */
static void many_fields(void **state)
{
    struct client *client = client_open(*state, 2);
    static bool seen[MANY];
    char line[128], cursor[32] = "0";

    EXPECT(client, "FLUSHALL", "+OK");
    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof(line), "HSET big field:%d value:%d", i, i);
        EXPECT(client, line, ":1");
    }
    EXPECT(client, "HLEN big", ":5000");
    do {
        snprintf(line, sizeof(line), "HSCAN big %s COUNT 50", cursor);
        const char *reply = client_ask(client, line);
        assert_int_equal(sscanf(reply, "['%31[0-9]'", cursor), 1);
        for (const char *at = reply; (at = strstr(at, "'field:")) != NULL; at++) {
            int number = -1;
            assert_int_equal(sscanf(at, "'field:%d'", &number), 1);
            assert_in_range(number, 0, MANY - 1);
            seen[number] = true;
        }
    } while (strcmp(cursor, "0") != 0);
    for (int i = 0; i < MANY; i++)
        assert_true(seen[i]);
    EXPECT(client, "HRANDFIELD big 3", "['field:<*>', 'field:<*>', 'field:<*>']");
    EXPECT(client, "HRANDFIELD big -2", "['field:<*>', 'field:<*>']");
    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof(line), "HPEXPIRE big %d FIELDS 1 field:%d", 1 + i % 100, i);
        client_ask(client, line);
    }
    if (server_is_other()) { /* knows no times of fields */
        client_close(client);
        return;
    }
    AWAIT(client, "DBSIZE", ":0");
    EXPECT(client, "INFO keyspace", "'# Keyspace\\r\\n'");
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_get),
        cmocka_unit_test(errors),
        cmocka_unit_test(counters),
        cmocka_unit_test(encodings),
        cmocka_unit_test(random_fields),
        cmocka_unit_test(scans),
        cmocka_unit_test(expiry_of_fields),
        cmocka_unit_test(errors_of_expiry),
        cmocka_unit_test(get_and_set_with_times),
        cmocka_unit_test(expired_fields),
        cmocka_unit_test(many_fields),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
