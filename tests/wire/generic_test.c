/* generic_test.c: commands on keys of any type: their options, errors and replies. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void existence(void **state)
{
    static const struct step steps[] = {
        {"EXISTS k", ":0"},
        {"MSET a 1 b 2 c 3 d 4", "+OK"},
        {"EXISTS a", ":1"},
        {"EXISTS a b x a", ":3"},
        {"TYPE a", "+string"},
        {"TYPE x", "+none"},
        {"TOUCH a b x a", ":3"},
        {"DBSIZE", ":4"},
        {"DEL a x a", ":1"},
        {"UNLINK b c x", ":2"},
        {"DBSIZE", ":1"},
        {"EXISTS a b c d", ":1"},
        {"SET d v PX 10", "+OK"},
        {"sleep 30"},
        {"EXISTS d", ":0"},
        {"DEL d", ":0"},
        {"TYPE d", "+none"},
        {"DEL", "-ERR wrong number of arguments for 'del' command"},
        {"UNLINK", "-ERR wrong number of arguments for 'unlink' command"},
        {"EXISTS", "-ERR wrong number of arguments for 'exists' command"},
        {"TOUCH", "-ERR wrong number of arguments for 'touch' command"},
        {"TYPE", "-ERR wrong number of arguments for 'type' command"},
        {"TYPE a b", "-ERR wrong number of arguments for 'type' command"},
    };

    SCRIPT(*state, steps);
}

static void expiry(void **state)
{
    static const struct step steps[] = {
        {"EXPIRE k 10", ":0"},
        {"TTL k", ":-2"},
        {"PTTL k", ":-2"},
        {"EXPIRETIME k", ":-2"},
        {"PEXPIRETIME k", ":-2"},
        {"PERSIST k", ":0"},
        {"SET k v", "+OK"},
        {"TTL k", ":-1"},
        {"PTTL k", ":-1"},
        {"EXPIRETIME k", ":-1"},
        {"PEXPIRETIME k", ":-1"},
        {"PERSIST k", ":0"},
        {"EXPIRE k 100", ":1"},
        {"TTL k", ":<40..100>"},
        {"PEXPIRE k 200500", ":1"},
        {"PTTL k", ":<140000..200500>"},
        {"PERSIST k", ":1"},
        {"TTL k", ":-1"},
        {"EXPIREAT k 33177117420", ":1"},
        {"EXPIRETIME k", ":33177117420"},
        {"PEXPIRETIME k", ":33177117420000"},
        {"PEXPIREAT k 33177117420499", ":1"},
        {"EXPIRETIME k", ":33177117420"},
        {"PEXPIREAT k 33177117420500", ":1"},
        {"EXPIRETIME k", ":33177117421"},
        {"PEXPIRETIME k", ":33177117420500"},
        {"EXPIRE k 0", ":1"},
        {"EXISTS k", ":0"},
        {"SET k v", "+OK"},
        {"EXPIRE k -1", ":1"},
        {"EXISTS k", ":0"},
        {"SET k v", "+OK"},
        {"EXPIREAT k 1", ":1"},
        {"EXISTS k", ":0"},
        {"SET k v", "+OK"},
        {"PEXPIRE k -9223372036854775808", ":1"},
        {"EXISTS k", ":0"},
        {"SET k v", "+OK"},
        {"PEXPIRE k 20", ":1"},
        {"sleep 40"},
        {"TTL k", ":-2"},
        {"SET k v", "+OK"},
        {"PEXPIREAT k 9223372036854775807", ":1"},
        {"PEXPIRETIME k", ":9223372036854775807"},
    };

    SCRIPT(*state, steps);
}

static void expiry_conditions(void **state)
{
    static const struct step steps[] = {
        {"SET k v", "+OK"},
        {"EXPIRE k 100 XX", ":0"},
        {"EXPIRE k 100 GT", ":0"},
        {"TTL k", ":-1"},
        {"EXPIRE k 100 LT", ":1"},
        {"TTL k", ":<40..100>"},
        {"EXPIRE k 200 NX", ":0"},
        {"EXPIRE k 200 LT", ":0"},
        {"EXPIRE k 200 gt", ":1"},
        {"TTL k", ":<140..200>"},
        {"EXPIRE k 100 GT", ":0"},
        {"EXPIRE k 300 XX", ":1"},
        {"EXPIRE k 400 XX GT", ":1"},
        {"EXPIRE k 300 XX LT", ":1"},
        {"TTL k", ":<240..300>"},
        {"PERSIST k", ":1"},
        {"EXPIRE k 300 XX LT", ":0"},
        {"PEXPIRE k 100000 NX", ":1"},
        {"EXPIREAT k 33177117420 GT", ":1"},
        {"PEXPIREAT k 33177117420000 GT", ":0"},
        {"PEXPIREAT k 33177117420000 LT", ":0"},
        {"EXPIRE k -1 GT", ":0"},
        {"EXPIRE k -1 LT", ":1"},
        {"EXISTS k", ":0"},
        {"EXPIRE k 10 NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
        {"EXPIRE k 10 NX GT", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
        {"EXPIRE k 10 LT NX", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
        {"EXPIRE k 10 GT LT", "-ERR GT and LT options at the same time are not compatible"},
        {"EXPIRE k 10 FOO", "-ERR Unsupported option FOO"},
        {"EXPIRE k x FOO", "-ERR Unsupported option FOO"},
        {"EXPIRE k x", "-ERR value is not an integer or out of range"},
        {"EXPIRE k 1.5", "-ERR value is not an integer or out of range"},
        {"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
        {"EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command"},
        {"EXPIRE k 9223372036854775", "-ERR invalid expire time in 'expire' command"},
        {"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
        {"EXPIREAT k 9223372036854775807", "-ERR invalid expire time in 'expireat' command"},
        {"EXPIRE k", "-ERR wrong number of arguments for 'expire' command"},
        {"TTL", "-ERR wrong number of arguments for 'ttl' command"},
        {"PERSIST", "-ERR wrong number of arguments for 'persist' command"},
    };

    SCRIPT(*state, steps);
}

static void renaming(void **state)
{
    static const struct step steps[] = {
        {"RENAME a b", "-ERR no such key"},
        {"RENAMENX a b", "-ERR no such key"},
        {"RENAME a a", "-ERR no such key"},
        {"SET a 1", "+OK"},
        {"RENAME a b", "+OK"},
        {"EXISTS a", ":0"},
        {"GET b", "'1'"},
        {"RENAME b b", "+OK"},
        {"RENAMENX b b", ":0"},
        {"SET c 2 EX 100", "+OK"},
        {"RENAMENX b c", ":0"},
        {"GET c", "'2'"},
        {"RENAME c b", "+OK"},
        {"TTL b", ":<40..100>"},
        {"GET b", "'2'"},
        {"DBSIZE", ":1"},
        {"RENAMENX b d", ":1"},
        {"TTL d", ":<40..100>"},
        {"SET e v PX 10", "+OK"},
        {"sleep 30"},
        {"RENAMENX d e", ":1"},
        {"RENAME d x", "-ERR no such key"},
        {"SET plain v", "+OK"},
        {"RENAME plain e", "+OK"},
        {"TTL e", ":-1"},
        {"SET short 1", "+OK"},
        {"RENAME short a-name-that-is-quite-a-lot-longer-than-the-one-it-had-before-so-the-entry-has-to-grow",
         "+OK"},
        {"GET a-name-that-is-quite-a-lot-longer-than-the-one-it-had-before-so-the-entry-has-to-grow", "'1'"},
        {"RENAME a", "-ERR wrong number of arguments for 'rename' command"},
        {"RENAMENX a", "-ERR wrong number of arguments for 'renamenx' command"},
    };

    SCRIPT(*state, steps);
}

static void moving(void **state)
{
    static const struct step steps[] = {
        {"MOVE k 1", ":0"},
        {"SET k v EX 100", "+OK"},
        {"MOVE k 1", ":1"},
        {"EXISTS k", ":0"},
        {"SELECT 1", "+OK"},
        {"GET k", "'v'"},
        {"TTL k", ":<40..100>"},
        {"SELECT 0", "+OK"},
        {"SET k other", "+OK"},
        {"MOVE k 1", ":0"},
        {"GET k", "'other'"},
        {"SELECT 1", "+OK"},
        {"SET k v PX 10", "+OK"},
        {"SELECT 0", "+OK"},
        {"sleep 30"},
        {"MOVE k 1", ":1"},
        {"SELECT 1", "+OK"},
        {"GET k", "'other'"},
        {"TTL k", ":-1"},
        {"MOVE k 1", "-ERR source and destination objects are the same"},
        {"MOVE missing 1", "-ERR source and destination objects are the same"},
        {"MOVE k 16", "-ERR DB index is out of range"},
        {"MOVE k -1", "-ERR DB index is out of range"},
        {"MOVE k x", "-ERR value is not an integer or out of range"},
        {"MOVE k 99999999999", "-ERR value is out of range, value must between -2147483648 and 2147483647"},
        {"MOVE k", "-ERR wrong number of arguments for 'move' command"},
    };

    SCRIPT(*state, steps);
}

static void copying(void **state)
{
    static const struct step steps[] = {
        {"COPY a b", ":0"},
        {"SET a 1 EX 100", "+OK"},
        {"COPY a b", ":1"},
        {"MGET a b", "['1', '1']"},
        {"TTL b", ":<40..100>"},
        {"APPEND b x", ":2"},
        {"MGET a b", "['1', '1x']"},
        {"COPY a b", ":0"},
        {"COPY a b REPLACE", ":1"},
        {"GET b", "'1'"},
        {"COPY a a", "-ERR source and destination objects are the same"},
        {"COPY a a REPLACE", "-ERR source and destination objects are the same"},
        {"COPY a a DB 0", "-ERR source and destination objects are the same"},
        {"COPY a a DB 1", ":1"},
        {"COPY a a DB 1", ":0"},
        {"COPY a c DB 1 REPLACE", ":1"},
        {"SELECT 1", "+OK"},
        {"MGET a c", "['1', '1']"},
        {"TTL c", ":<40..100>"},
        {"SET long 0123456789012345678901234567890123456789012345678901234567890123456789", "+OK"},
        {"SELECT 0", "+OK"},
        {"SETRANGE big 100000 x", ":100001"},
        {"COPY big copy", ":1"},
        {"STRLEN copy", ":100001"},
        {"DEL big", ":1"},
        {"GETRANGE copy 99998 -1", "'\\x00\\x00x'"},
        {"COPY a b DB 16", "-ERR DB index is out of range"},
        {"COPY a b DB -1", "-ERR DB index is out of range"},
        {"COPY a b DB x", "-ERR value is not an integer or out of range"},
        {"COPY a b DB", "-ERR syntax error"},
        {"COPY a b FOO", "-ERR syntax error"},
        {"COPY a", "-ERR wrong number of arguments for 'copy' command"},
    };

    SCRIPT(*state, steps);
}

static void listing(void **state)
{
    static const struct step steps[] = {
        {"KEYS *", "[]"},
        {"SCAN 0", "['0', []]"},
        {"RANDOMKEY", "nil"},
        {"SET only v", "+OK"},
        {"KEYS *", "['only']"},
        {"KEYS o[m-o]??", "['only']"},
        {"KEYS O*", "[]"},
        {"RANDOMKEY", "'only'"},
        {"SCAN 0 COUNT 100", "['0', ['only']]"},
        {"SCAN 0 MATCH o* COUNT 100", "['0', ['only']]"},
        {"SCAN 0 MATCH x* COUNT 100", "['0', []]"},
        {"SCAN 0 TYPE string COUNT 100", "['0', ['only']]"},
        {"SCAN 0 TYPE STRING COUNT 100", "['0', ['only']]"},
        {"SCAN 0 TYPE list COUNT 100", "['0', []]"},
        {"SCAN 0 TYPE nosuch COUNT 100", "['0', []]"},
        {"SET only v PX 10", "+OK"},
        {"sleep 30"},
        {"KEYS *", "[]"},
        {"SCAN 0", "['0', []]"},
        {"RANDOMKEY", "nil"},
        {"SCAN x", "-ERR invalid cursor"},
        {"SCAN 1x", "-ERR invalid cursor"},
        {"SCAN 99999999999999999999", "-ERR invalid cursor"},
        {"SCAN 0 COUNT", "-ERR syntax error"},
        {"SCAN 0 COUNT 0", "-ERR syntax error"},
        {"SCAN 0 COUNT -1", "-ERR syntax error"},
        {"SCAN 0 COUNT x", "-ERR value is not an integer or out of range"},
        {"SCAN 0 MATCH", "-ERR syntax error"},
        {"SCAN 0 FOO x", "-ERR syntax error"},
        {"SCAN", "-ERR wrong number of arguments for 'scan' command"},
        {"KEYS", "-ERR wrong number of arguments for 'keys' command"},
        {"RANDOMKEY x", "-ERR wrong number of arguments for 'randomkey' command"},
    };

    SCRIPT(*state, steps);
}

static void object(void **state)
{
    static const struct step steps[] = {
        {"OBJECT ENCODING k", "nil"},
        {"OBJECT IDLETIME k", "nil"},
        {"OBJECT REFCOUNT k", "nil"},
        {"OBJECT FREQ k", "nil"},
        {"SET k value", "+OK"},
        {"OBJECT ENCODING k", "'embstr'"},
        {"OBJECT REFCOUNT k", ":1"},
        {"MSET small 9999 large 10000 negative -1", "+OK"},
        {"OBJECT REFCOUNT small", ":2147483647"},
        {"OBJECT REFCOUNT large", ":1"},
        {"OBJECT REFCOUNT negative", ":1"},
        {"OBJECT IDLETIME k", ":<0..60>"},
        {"OBJECT FREQ k",
         "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
         "when switching between policies at runtime LRU and LFU data will take some time to adjust."},
        {"CONFIG SET maxmemory-policy allkeys-lfu", "+OK"},
        {"SET k value", "+OK"},
        {"OBJECT FREQ k", ":<*>"},
        {"OBJECT IDLETIME k",
         "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
         "switching between policies at runtime LRU and LFU data will take some time to adjust."},
        {"CONFIG SET maxmemory-policy noeviction", "+OK"},
        {"OBJECT HELP", "[+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:, +ENCODING <key>, "
                        "<*>, +HELP, <*>]"},
        {"OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"},
        {"OBJECT FOO k", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."},
        {"OBJECT", "-ERR wrong number of arguments for 'object' command"},
    };

    SCRIPT(*state, steps);
}

/* SCAN finds every key at least once, whatever comes and goes meanwhile. */
static void scan_while_keys_change(void **state)
{
    enum { KEYS = 3000 };
    struct client *client = client_open(*state, 2);
    static bool seen[KEYS];
    char line[64];
    char *cursor = strdup("0");
    unsigned rounds = 0;

    EXPECT(client, "FLUSHALL", "+OK");
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < KEYS; i++) {
        snprintf(line, sizeof(line), "SET key:%d %d", i, i);
        EXPECT(client, line, "+OK");
    }
    do {
        snprintf(line, sizeof(line), "SCAN %s COUNT 50", cursor);
        const char *reply = client_ask(client, line);
        assert_int_equal(strncmp(reply, "['", 2), 0);
        free(cursor);
        cursor = strndup(reply + 2, strcspn(reply + 2, "'"));
        for (const char *at = strstr(reply, "'key:"); at; at = strstr(at + 1, "'key:")) {
            int i = atoi(at + 5);
            assert_true(i >= 0 && i < KEYS);
            seen[i] = true;
        }
        for (int i = 0; i < 50; i++) {
            snprintf(line, sizeof(line), "SET other:%u:%d x", rounds, i);
            EXPECT(client, line, "+OK");
            if (rounds == 0) continue;
            snprintf(line, sizeof(line), "DEL other:%u:%d", rounds - 1, i);
            EXPECT(client, line, ":1");
        }
        assert_true(rounds++ < KEYS);
    } while (strcmp(cursor, "0") != 0);
    for (int i = 0; i < KEYS; i++)
        assert_true(seen[i]);
    free(cursor);
    client_close(client);
}

/* Every key of a large database is listed once by KEYS, and RANDOMKEY answers more than one of them. */
static void large_listing(void **state)
{
    enum { KEYS = 2000 };
    struct client *client = client_open(*state, 3);
    static bool seen[KEYS];
    char line[64];
    int count = 0;

    EXPECT(client, "FLUSHALL", "+OK");
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < KEYS; i++) {
        snprintf(line, sizeof(line), "SET key:%d %d", i, i);
        EXPECT(client, line, "+OK");
    }
    const char *reply = client_ask(client, "KEYS key:*");
    for (const char *at = strstr(reply, "'key:"); at; at = strstr(at + 1, "'key:")) {
        int i = atoi(at + 5);
        assert_false(seen[i]);
        seen[i] = true;
        count++;
    }
    assert_int_equal(count, KEYS);
    char *first = strdup(client_ask(client, "RANDOMKEY"));
    int tries = 0;
    while (strcmp(first, client_ask(client, "RANDOMKEY")) == 0)
        assert_true(tries++ < 100);
    free(first);
    EXPECT(client, "FLUSHDB", "+OK");
    EXPECT(client, "KEYS *", "[]");
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(existence),     cmocka_unit_test(expiry), cmocka_unit_test(expiry_conditions),
        cmocka_unit_test(renaming),      cmocka_unit_test(moving), cmocka_unit_test(copying),
        cmocka_unit_test(listing),       cmocka_unit_test(object), cmocka_unit_test(scan_while_keys_change),
        cmocka_unit_test(large_listing),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
