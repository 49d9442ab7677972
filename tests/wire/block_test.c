/* block_test.c: commands that wait, as clients of two workers see them. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CLIENTS 8

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

/* ---- what the cases share ---- */

struct rig {
    struct client *boss;
    struct client *waiting[CLIENTS];
};

static struct rig rig_open(struct server *server, int proto)
{
    struct rig rig = {.boss = client_open(server, proto)};
    for (size_t i = 0; i < CLIENTS; i++)
        rig.waiting[i] = client_open(server, proto);
    EXPECT(rig.boss, "FLUSHALL", "+OK");
    return rig;
}

static void rig_close(struct rig *rig)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(rig->waiting[i]);
    client_close(rig->boss);
}

/* The number behind `field` in INFO. */
static long info_number(struct client *client, const char *section, const char *field)
{
    char line[64];
    snprintf(line, sizeof line, "INFO %s", section);
    const char *at = strstr(client_ask(client, line), field);
    assert_non_null(at);
    return strtol(at + strlen(field), NULL, 10);
}

static void await_number(struct client *client, const char *field, long wanted)
{
    if (WAIT_FOR(info_number(client, "clients", field) == wanted)) return;
    assert_int_equal(info_number(client, "clients", field), wanted);
}

static void await_blocked(struct client *client, long wanted)
{
    await_number(client, "\\nblocked_clients:", wanted);
}

/* The client waits with the command, behind `before` others. */
static void block(struct rig *rig, size_t client, const char *line, long before)
{
    client_send(rig->waiting[client], line);
    await_blocked(rig->boss, before + 1);
}

#define READ(rig, client, expected) client_expect_next((rig)->waiting[client], (expected), __LINE__)

static void client_expect_next(struct client *client, const char *expected, int at_line)
{
    const char *reply = client_read(client);
    if (!client_reply_is(expected, reply)) fail_msg("line %d: expected %s, got %s", at_line, expected, reply);
}

/* ---- errors, and what needs no wait ---- */

static void arguments(void **state)
{
    static const struct step steps[] = {
        {"BLPOP k", "-ERR wrong number of arguments for 'blpop' command"},
        {"BLPOP k x", "-ERR timeout is not a float or out of range"},
        {"BLPOP k nan", "-ERR timeout is not a float or out of range"},
        {"BLPOP k -1", "-ERR timeout is negative"},
        {"BRPOP k -0.5", "-ERR timeout is negative"},
        {"BLPOP k 0x7FFFFFFFFFFFFFFF", "-ERR timeout is out of range", CAIRN_ONLY},
        {"BLPOP k 9223372036854775", "-ERR timeout is out of range", CAIRN_ONLY},
        {"BZPOPMIN k -1", "-ERR timeout is negative"},
        {"BZPOPMAX k z", "-ERR timeout is not a float or out of range"},
        {"BLMOVE a b LEFT x 1", "-ERR syntax error"},
        {"BLMOVE a b LEFT RIGHT x", "-ERR timeout is not a float or out of range"},
        {"BRPOPLPUSH a b -1", "-ERR timeout is negative"},
        {"BLMPOP 1 0 a LEFT", "-ERR numkeys should be greater than 0"},
        {"BLMPOP 1 2 a LEFT", "-ERR syntax error"},
        {"BLMPOP 1 1 a LEFT COUNT 0", "-ERR count should be greater than 0"},
        {"BLMPOP x 1 a UP", "-ERR syntax error"},
        {"BLMPOP x 1 a LEFT", "-ERR timeout is not a float or out of range"},
        {"BZMPOP 1 x a MIN", "-ERR numkeys should be greater than 0"},
        {"BZMPOP 1 1 a MID", "-ERR syntax error"},
        {"BZMPOP -1 1 a MIN", "-ERR timeout is negative"},
        {"XREAD BLOCK x STREAMS s $", "-ERR timeout is not an integer or out of range"},
        {"XREAD BLOCK -1 STREAMS s $", "-ERR timeout is negative"},
        {"WAIT x 1", "-ERR value is not an integer or out of range"},
        {"WAIT 1 x", "-ERR timeout is not an integer or out of range"},
        {"WAIT 1 -1", "-ERR timeout is negative"},
        {"WAIT 0 0", ":0"},
        {"WAIT 1 20", ":0"},
        {"WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1", CAIRN_ONLY},
        {"WAITAOF 0 -1 0", "-ERR value is out of range, must be positive", CAIRN_ONLY},
        {"CONFIG SET appendonly no", "+OK"}, /* the servers of some runs have it */
        {"WAITAOF 1 0 0", "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
         CAIRN_ONLY},
        {"WAITAOF 0 0 0", "[:0, :0]", CAIRN_ONLY},
        {"WAITAOF 0 1 20", "[:0, :0]", CAIRN_ONLY},
        {"CLIENT UNBLOCK x", "-ERR value is not an integer or out of range"},
        {"CLIENT UNBLOCK 1 SOON", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"},
        {"CLIENT UNBLOCK 1234567", ":0"},
    };
    SCRIPT(*state, steps);
}

static void no_wait(void **state)
{
    static const struct step steps[] = {
        {"RPUSH l a b c d e", ":5"},
        {"BLPOP nosuch l 1", "['l', 'a']"},
        {"BRPOP l 0", "['l', 'e']"},
        {"BLMPOP 0 2 nosuch l RIGHT COUNT 2", "['l', ['d', 'c']]"},
        {"BLMOVE l m LEFT LEFT 0", "'b'"},
        {"BRPOPLPUSH m l 0", "'b'"},
        {"EXISTS m", ":0"},
        {"BLPOP l 1", "['l', 'b']"},
        {"EXISTS l", ":0"},
        {"ZADD z 1 a 2 b 3 c 4 d", ":4"},
        {"BZPOPMIN nosuch z 0", "['z', 'a', '1']", "['z', 'a', ,1]"},
        {"BZPOPMAX z 0", "['z', 'd', '4']", "['z', 'd', ,4]"},
        {"BZMPOP 0 1 z MAX COUNT 5", "['z', [['c', '3'], ['b', '2']]]", "['z', [['c', ,3], ['b', ,2]]]"},
        {"SET s text", "+OK"},
        {"BLPOP s 0", WRONG_TYPE},
        {"BLPOP nosuch s 0", WRONG_TYPE},
        {"BLMOVE s l LEFT LEFT 0", WRONG_TYPE},
        {"BZPOPMIN s 0", WRONG_TYPE},
        {"BZMPOP 0 1 s MIN", WRONG_TYPE},
        {"XREAD BLOCK 0 STREAMS s 0", WRONG_TYPE},
        {"RPUSH l x", ":1"},
        {"BLMOVE l s LEFT LEFT 0", WRONG_TYPE},
        {"BLPOP l 0", "['l', 'x']"},
        {"XADD x 1-1 f v", "'1-1'"},
        {"XREAD BLOCK 0 STREAMS nosuch x 0 0", "[['x', [['1-1', ['f', 'v']]]]]",
         "{'x': [['1-1', ['f', 'v']]]}"},
        {"XREADGROUP GROUP g c BLOCK 0 STREAMS x >",
         "-NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option"},
        {"BLPOP nosuch 0.01", "nil"},
        {"BLMOVE nosuch l LEFT LEFT 0.01", "nil"},
        {"BLMPOP 0.01 2 a b LEFT", "nil"},
        {"BZMPOP 0.01 1 a MIN", "nil"},
        {"XREAD BLOCK 1 STREAMS x $", "nil"},
    };
    SCRIPT(*state, steps);
}

/* Between MULTI and EXEC nobody waits. */
static void in_transactions(void **state)
{
    static const struct step steps[] = {
        {"MULTI", "+OK"},
        {"BLPOP nosuch 0", "+QUEUED"},
        {"BLMOVE nosuch l LEFT LEFT 0", "+QUEUED"},
        {"BLMPOP 0 1 nosuch LEFT", "+QUEUED"},
        {"BZPOPMIN nosuch 0", "+QUEUED"},
        {"BZMPOP 0 1 nosuch MIN", "+QUEUED"},
        {"XREAD BLOCK 0 STREAMS nosuch $", "+QUEUED"},
        {"WAIT 1 0", "+QUEUED"},
        {"RPUSH l a", "+QUEUED"},
        {"BLPOP l 0", "+QUEUED"},
        {"EXEC", "[nil, nil, nil, nil, nil, nil, :0, :1, ['l', 'a']]"},
    };
    SCRIPT(*state, steps);
}

/* ---- who is served, and in which order ---- */

static void order(void **state)
{
    struct rig rig = rig_open(*state, 2);
    for (size_t i = 0; i < CLIENTS; i++)
        block(&rig, i, i % 2 ? "BLPOP l nosuch l 0" : "BLPOP other l 0", (long)i);
    if (!server_is_other()) {
        EXPECT(rig.boss, "INFO clients", "'<*>total_blocking_keys:3\\r\\ntotal_blocking_keys_on_nokey:0<*>'");
        EXPECT(rig.boss, "CLIENT LIST", "'<*>flags=b<*>'");
    }
    EXPECT(rig.boss, "RPUSH l a b c", ":3");
    EXPECT(rig.boss, "EXISTS l", ":0");
    READ(&rig, 0, "['l', 'a']");
    READ(&rig, 1, "['l', 'b']");
    READ(&rig, 2, "['l', 'c']");
    EXPECT(rig.boss, "LPUSH l d e", ":2");
    READ(&rig, 3, "['l', 'e']");
    READ(&rig, 4, "['l', 'd']");
    EXPECT(rig.boss, "RPUSH other f g", ":2");
    READ(&rig, 6, "['other', 'f']");
    EXPECT(rig.boss, "RPUSH l h", ":1");
    READ(&rig, 5, "['l', 'h']");
    EXPECT(rig.boss, "RPUSH l i j", ":2");
    READ(&rig, 7, "['l', 'i']");
    EXPECT(rig.boss, "LRANGE l 0 -1", "['j']");
    EXPECT(rig.boss, "LRANGE other 0 -1", "['g']");
    await_blocked(rig.boss, 0);
    if (!server_is_other()) assert_int_equal(info_number(rig.boss, "clients", "\\ntotal_blocking_keys:"), 0);
    rig_close(&rig);
}

/* Every command that waits for a key, and the commands that end its wait. */
struct wake {
    const char *before;
    const char *wait;
    const char *change; /* several, between bars */
    const char *reply;
    bool cairn_only; /* 7.0 answers otherwise */
};

static const struct wake wakes[] = {
    {"", "BLPOP k 0", "RPUSH k a b", "['k', 'a']"},
    {"", "BRPOP k 0", "RPUSH k a b", "['k', 'b']"},
    {"", "BLMPOP 0 1 k LEFT COUNT 2", "RPUSH k a b c", "['k', ['a', 'b']]"},
    {"RPUSH t x", "BLMOVE k t LEFT RIGHT 0", "RPUSH k a b", "'a'"},
    {"", "BRPOPLPUSH k t 0", "RPUSH k a b", "'b'"},
    {"", "BRPOPLPUSH k k 0", "RPUSH k a b", "'b'"},
    {"SET t x", "BLMOVE k t LEFT LEFT 0", "RPUSH k a", WRONG_TYPE},
    {"", "BZPOPMIN k 0", "ZADD k 2 b 1 a", "['k', 'a', '1']"},
    {"", "BZPOPMAX k 0", "ZADD k 2 b 1 a", "['k', 'b', '2']"},
    {"", "BZMPOP 0 1 k MIN COUNT 2", "ZADD k 2 b 1 a", "['k', [['a', '1'], ['b', '2']]]"},
    {"", "XREAD BLOCK 0 STREAMS k $", "XADD k 1-1 f v", "[['k', [['1-1', ['f', 'v']]]]]"},
    {"XADD k 5-1 f v", "XREAD COUNT 1 BLOCK 0 STREAMS k $", "XADD k 5-2 f w|XADD k 5-3 f x",
     "[['k', [['5-2', ['f', 'w']]]]]"},
    {"XADD k 5-1 f v", "XREAD BLOCK 0 STREAMS k 6-0", "XADD k 6-0 f w|XADD k 6-1 f x",
     "[['k', [['6-1', ['f', 'x']]]]]"},
    {"XGROUP CREATE k g $ MKSTREAM", "XREADGROUP GROUP g c BLOCK 0 STREAMS k >", "XADD k 1-1 f v",
     "[['k', [['1-1', ['f', 'v']]]]]"},
    /* other ways of making a key */
    {"RPUSH l a b", "BLPOP k 0", "RENAME l k", "['k', 'a']"},
    {"RPUSH l a b", "BLPOP k 0", "COPY l k", "['k', 'a']"},
    {"RPUSH l b a", "BLPOP k 0", "SORT l ALPHA STORE k", "['k', 'a']"},
    {"RPUSH l a b", "BLPOP k 0", "LMOVE l k RIGHT LEFT", "['k', 'b']"},
    {"RPUSH l a b", "BLPOP k 0", "RPOPLPUSH l k", "['k', 'b']"},
    {"SELECT 1|RPUSH k a|SELECT 0", "BLPOP k 0", "SWAPDB 0 1", "['k', 'a']"},
    {"SELECT 1|RPUSH k a", "BLPOP k 0", "MOVE k 0|SELECT 0", "['k', 'a']"},
    {"SELECT 1|RPUSH k a", "BLPOP k 0", "COPY k k DB 0|SELECT 0", "['k', 'a']"},
    {"SADD m x", "BZPOPMIN k 0", "ZUNIONSTORE k 1 m", "['k', 'x', '1']"},
    {"ZADD m 1 x", "BZPOPMIN k 0", "ZRANGESTORE k m 0 -1", "['k', 'x', '1']"},
    {"", "BZPOPMIN k 0", "ZINCRBY k 3 x", "['k', 'x', '3']"},
    {"GEOADD m 0 0 x", "BZPOPMIN k 0", "GEOSEARCHSTORE k m FROMLONLAT 0 0 BYRADIUS 1 KM",
     "['k', 'x', '<*>']"},
    {"GEOADD m 0 0 x", "BZPOPMIN k 0", "GEORADIUS m 0 0 1 KM STORE k", "['k', 'x', '<*>']"},
    {"", "BLPOP k 0", "MULTI|RPUSH k a|RPUSH k b|LPUSH k c|EXEC", "['k', 'c']"},
    {"", "BLPOP k 0", "MULTI|RPUSH k a|DEL k|EXEC|RPUSH k b", "['k', 'b']"},
    {"", "BLPOP k 0", "MULTI|RPUSH k a|DEL k|SET k x|EXEC|DEL k|RPUSH k b", "['k', 'b']"},
    /* another type does not end the wait */
    {"", "BLPOP k 0", "ZADD k 1 a|DEL k|RPUSH k b", "['k', 'b']"},
    {"", "BZPOPMIN k 0", "RPUSH k a|DEL k|ZADD k 1 a", "['k', 'a', '1']"},
    {"", "XREAD BLOCK 0 STREAMS k 0", "RPUSH k a|DEL k|XADD k 1-1 f v", "[['k', [['1-1', ['f', 'v']]]]]"},
    {"XADD k 5-5 f v", "XREAD BLOCK 0 STREAMS k $", "DEL k|XADD k 1-1 f v|XADD k 6-0 f w",
     "[['k', [['6-0', ['f', 'w']]]]]"},
    {"", "BLPOP j k 0", "SET j x|RPUSH k a", WRONG_TYPE, CAIRN_ONLY},
/* the group, or its stream, goes */
#define NO_GROUP "-NOGROUP No such key 'k' or consumer group 'g' in XREADGROUP with GROUP option"
#define GROUP    "XGROUP CREATE k g $ MKSTREAM", "XREADGROUP GROUP g c BLOCK 0 STREAMS k >"
    {GROUP, "DEL k", NO_GROUP, CAIRN_ONLY},
    {GROUP, "UNLINK k", NO_GROUP, CAIRN_ONLY},
    {GROUP, "RENAME k j", NO_GROUP, CAIRN_ONLY},
    {GROUP, "XGROUP DESTROY k g", NO_GROUP, CAIRN_ONLY},
    {GROUP, "FLUSHDB", NO_GROUP, CAIRN_ONLY},
    {GROUP, "FLUSHALL ASYNC", NO_GROUP, CAIRN_ONLY},
    {GROUP, "SWAPDB 0 1", NO_GROUP, CAIRN_ONLY},
    {GROUP, "MULTI|DEL k|EXEC", NO_GROUP, CAIRN_ONLY},
    {GROUP, "PEXPIRE k 1", NO_GROUP, CAIRN_ONLY},
    {GROUP, "SET k x", WRONG_TYPE, CAIRN_ONLY},
    {GROUP, "MULTI|DEL k|SADD k x|EXEC", WRONG_TYPE, CAIRN_ONLY},
    {GROUP, "DEL k|XADD k 1-1 f v|XGROUP CREATE k g 0", NO_GROUP, CAIRN_ONLY},
};

static void run_all(struct client *client, const char *lines)
{
    char line[256];
    while (*lines) {
        size_t len = strcspn(lines, "|");
        assert_true(len < sizeof line);
        snprintf(line, sizeof line, "%.*s", (int)len, lines);
        client_ask(client, line);
        lines += len + (lines[len] == '|');
    }
}

static void all_wakes(void **state)
{
    struct rig rig = rig_open(*state, 2);
    for (size_t i = 0; i < sizeof wakes / sizeof *wakes; i++) {
        const struct wake *wake = &wakes[i];
        if (wake->cairn_only && server_is_other()) continue;
        EXPECT(rig.boss, "SELECT 0", "+OK");
        EXPECT(rig.boss, "FLUSHALL", "+OK");
        run_all(rig.boss, wake->before);
        block(&rig, i % CLIENTS, wake->wait, 0);
        run_all(rig.boss, wake->change);
        const char *reply = client_read(rig.waiting[i % CLIENTS]);
        if (!client_reply_is(wake->reply, reply))
            fail_msg("%s, then %s: expected %s, got %s", wake->wait, wake->change, wake->reply, reply);
        await_blocked(rig.boss, 0);
    }
    rig_close(&rig);
}

/* Streams give to all who read, groups to one. */
static void streams(void **state)
{
    struct rig rig = rig_open(*state, 3);
    EXPECT(rig.boss, "XGROUP CREATE s g $ MKSTREAM", "+OK");
    block(&rig, 0, "XREAD BLOCK 0 STREAMS s $", 0);
    block(&rig, 1, "XREADGROUP GROUP g one BLOCK 0 STREAMS s >", 1);
    block(&rig, 2, "XREAD BLOCK 0 STREAMS t s $ $", 2);
    block(&rig, 3, "XREADGROUP GROUP g two BLOCK 0 STREAMS s >", 3);
    block(&rig, 4, "XREADGROUP GROUP g three BLOCK 0 NOACK STREAMS s >", 4);
    if (!server_is_other())
        EXPECT(rig.boss, "INFO clients",
               "=txt:'<*>total_blocking_keys:2\\r\\ntotal_blocking_keys_on_nokey:1<*>'");
    EXPECT(rig.boss, "XADD s 1-1 f v", "'1-1'");
    READ(&rig, 0, "{'s': [['1-1', ['f', 'v']]]}");
    READ(&rig, 1, "{'s': [['1-1', ['f', 'v']]]}");
    READ(&rig, 2, "{'s': [['1-1', ['f', 'v']]]}");
    await_blocked(rig.boss, 2);
    EXPECT(rig.boss, "XADD s 1-2 f w", "'1-2'");
    READ(&rig, 3, "{'s': [['1-2', ['f', 'w']]]}");
    EXPECT(rig.boss, "XADD s 1-3 f x", "'1-3'");
    READ(&rig, 4, "{'s': [['1-3', ['f', 'x']]]}");
    EXPECT(rig.boss, "XPENDING s g", "[:2, '1-1', '1-2', [['one', '1'], ['two', '1']]]");
    rig_close(&rig);
}

/* What is moved may end the wait of others, in a chain and in a circle. */
static void chains(void **state)
{
    struct rig rig = rig_open(*state, 2);
    block(&rig, 0, "BLPOP c 0", 0);
    block(&rig, 1, "BLMOVE b c LEFT RIGHT 0", 1);
    block(&rig, 2, "BLMOVE a b LEFT RIGHT 0", 2);
    EXPECT(rig.boss, "RPUSH a x", ":1");
    READ(&rig, 2, "'x'");
    READ(&rig, 1, "'x'");
    READ(&rig, 0, "['c', 'x']");
    EXPECT(rig.boss, "EXISTS a b c", ":0");
    block(&rig, 0, "BRPOPLPUSH a b 0", 0);
    block(&rig, 1, "BRPOPLPUSH b a 0", 1);
    EXPECT(rig.boss, "RPUSH a y", ":1");
    READ(&rig, 0, "'y'");
    READ(&rig, 1, "'y'");
    EXPECT(rig.boss, "LRANGE a 0 -1", "['y']");
    EXPECT(rig.boss, "EXISTS b", ":0");
    EXPECT(rig.boss, "DEL a", ":1");
    /* within a transaction nobody takes anything before its end */
    block(&rig, 0, "BLMOVE a b LEFT LEFT 0", 0);
    EXPECT(rig.boss, "MULTI", "+OK");
    EXPECT(rig.boss, "RPUSH a 1 2", "+QUEUED");
    EXPECT(rig.boss, "LRANGE b 0 -1", "+QUEUED");
    EXPECT(rig.boss, "LPOP a", "+QUEUED");
    EXPECT(rig.boss, "EXEC", "[:2, [], '1']");
    READ(&rig, 0, "'2'");
    rig_close(&rig);
}

/* ---- other ends of a wait ---- */

static void unblock(void **state)
{
    struct rig rig = rig_open(*state, 2);
    char line[96];
    static const char *const waits[] = {"BLPOP k 0", "BZPOPMIN k 0", "XREAD BLOCK 0 STREAMS k $", "WAIT 1 0"};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        long id = strtol(client_ask(rig.waiting[i], "CLIENT ID") + 1, NULL, 10);
        snprintf(line, sizeof line, "CLIENT UNBLOCK %ld", id);
        EXPECT(rig.boss, line, ":0");
        block(&rig, i, waits[i], 0);
        EXPECT(rig.boss, line, ":1");
        EXPECT(rig.boss, line, ":0");
        READ(&rig, i, waits[i][0] == 'W' ? ":0" : "nil");
        block(&rig, i, waits[i], 0);
        snprintf(line, sizeof line, "CLIENT UNBLOCK %ld ERROR", id);
        EXPECT(rig.boss, line, ":1");
        READ(&rig, i, "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
        EXPECT(rig.boss, "RPUSH k x", ":1");
        EXPECT(rig.boss, "DEL k", ":1");
        EXPECT(rig.waiting[i], "PING", "+PONG");
    }
    await_blocked(rig.boss, 0);
    rig_close(&rig);
}

/* Nothing is given to a client that has gone. */
static void gone(void **state)
{
    struct rig rig = rig_open(*state, 2);
    block(&rig, 0, "BLPOP k 0", 0);
    block(&rig, 1, "BLPOP k 0", 1);
    block(&rig, 2, "BLPOP k 0", 2);
    client_close(rig.waiting[0]);
    await_blocked(rig.boss, 2);
    rig.waiting[0] = client_open(*state, 2);
    /* killed, and in the same breath its element comes */
    client_send(rig.boss, "CLIENT KILL TYPE normal SKIPME yes");
    client_send(rig.boss, "RPUSH k a");
    client_send(rig.boss, "LLEN k");
    assert_true(client_reply_is(":<*>", client_read(rig.boss)));
    assert_string_equal(client_read(rig.boss), ":1");
    assert_string_equal(client_read(rig.boss), ":1");
    READ(&rig, 1, "closed");
    READ(&rig, 2, "closed");
    await_blocked(rig.boss, 0);
    rig_close(&rig);
}

/* What the client sends meanwhile waits, and is executed then. */
static void pipelines(void **state)
{
    struct rig rig = rig_open(*state, 2);
    client_send(rig.waiting[0], "PING");
    client_send(rig.waiting[0], "BLPOP k 0");
    client_send(rig.waiting[0], "RPUSH done 1");
    client_send(rig.waiting[0], "BLPOP k 0");
    client_send(rig.waiting[0], "PING");
    READ(&rig, 0, "+PONG");
    await_blocked(rig.boss, 1);
    EXPECT(rig.boss, "EXISTS done", ":0");
    EXPECT(rig.boss, "RPUSH k a b", ":2");
    READ(&rig, 0, "['k', 'a']");
    READ(&rig, 0, ":1");
    READ(&rig, 0, "['k', 'b']");
    READ(&rig, 0, "+PONG");
    /* without replies */
    client_send(rig.waiting[1], "CLIENT REPLY OFF");
    block(&rig, 1, "BLPOP k 0", 0);
    EXPECT(rig.boss, "RPUSH k c", ":1");
    await_blocked(rig.boss, 0);
    EXPECT(rig.waiting[1], "CLIENT REPLY ON", "+OK");
    client_send(rig.waiting[1], "CLIENT REPLY SKIP");
    block(&rig, 1, "BLPOP k 0", 0);
    EXPECT(rig.boss, "RPUSH k d", ":1");
    EXPECT(rig.waiting[1], "PING", "+PONG");
    EXPECT(rig.boss, "EXISTS k", ":0");
    rig_close(&rig);
}

static void accounts(void **state)
{
    struct rig rig = rig_open(*state, 2);
    EXPECT(rig.boss, "CONFIG RESETSTAT", "+OK");
    EXPECT(rig.boss, "CONFIG SET slowlog-log-slower-than 0", "+OK");
    EXPECT(rig.boss, "SLOWLOG RESET", "+OK");
    block(&rig, 0, "BLPOP k 0", 0);
    if (!server_is_other())
        assert_null(strstr(client_ask(rig.boss, "INFO commandstats"), "cmdstat_blpop:calls=1"));
    EXPECT(rig.boss, "RPUSH k a", ":1");
    READ(&rig, 0, "['k', 'a']");
    EXPECT(rig.boss, "INFO commandstats", "'<*>cmdstat_blpop:calls=1,<*>failed_calls=0<*>'");
    EXPECT(rig.boss, "SLOWLOG GET 100", "<*>'BLPOP', 'k', '0'<*>");
    EXPECT(rig.waiting[0], "BLPOP k 0.01", "nil");
    EXPECT(rig.boss, "INFO commandstats", "'<*>cmdstat_blpop:calls=2,<*>failed_calls=0<*>'");
    EXPECT(rig.boss, "CONFIG SET slowlog-log-slower-than 10000", "+OK");
    rig_close(&rig);
}

/* What may not be executed when its time has come is refused, and takes nothing. */
static void refused(void **state)
{
    struct rig rig = rig_open(*state, 2);
    if (server_is_other()) skip();
    EXPECT(rig.boss, "ACL SETUSER worker on nopass ~* +@all", "+OK");
    EXPECT(rig.boss, "CONFIG RESETSTAT", "+OK");
    EXPECT(rig.waiting[0], "AUTH worker x", "+OK");
    block(&rig, 0, "BLPOP k 0", 0);
    EXPECT(rig.boss, "ACL SETUSER worker resetkeys", "+OK");
    EXPECT(rig.boss, "RPUSH k a", ":1");
    READ(&rig, 0, "-NOPERM No permissions to access a key");
    EXPECT(rig.boss, "INFO commandstats",
           "'<*>cmdstat_blpop:calls=0,usec=0,<*>rejected_calls=1,failed_calls=0<*>'");
    EXPECT(rig.boss, "LRANGE k 0 -1", "['a']");
    EXPECT(rig.boss, "DEL k", ":1");
    block(&rig, 1, "BLPOP k 0", 0);
    client_send(rig.waiting[0], "CLIENT ID"); /* of a user who goes: the connection too */
    assert_int_equal(client_read(rig.waiting[0])[0], ':');
    EXPECT(rig.boss, "ACL DELUSER worker", ":1");
    READ(&rig, 0, "closed");
    EXPECT(rig.boss, "RPUSH k b", ":1");
    READ(&rig, 1, "['k', 'b']");
    /* memory is short */
    EXPECT(rig.boss, "RPUSH l c", ":1");
    block(&rig, 1, "BLMOVE k t LEFT LEFT 0", 0);
    EXPECT(rig.boss, "CONFIG SET maxmemory 1", "+OK");
    EXPECT(rig.boss, "RENAME l k", "+OK");
    READ(&rig, 1, "-OOM command not allowed when used memory > 'maxmemory'.");
    EXPECT(rig.boss, "CONFIG SET maxmemory 0", "+OK");
    EXPECT(rig.boss, "LRANGE k 0 -1", "['c']");
    rig_close(&rig);
}

/* A pause holds those who would end a wait; time runs on. */
static void paused(void **state)
{
    struct rig rig = rig_open(*state, 2);
    block(&rig, 0, "BLPOP k 0", 0);
    EXPECT(rig.boss, "CLIENT PAUSE 100000 WRITE", "+OK");
    client_send(rig.waiting[1], "XREAD BLOCK 50 STREAMS s $");
    client_send(rig.waiting[2], "RPUSH k a");
    client_send(rig.waiting[3], "BLPOP third 0");
    READ(&rig, 1, "nil");
    await_blocked(rig.boss, 3);
    EXPECT(rig.boss, "EXISTS k", ":0");
    EXPECT(rig.boss, "CLIENT UNPAUSE", "+OK");
    READ(&rig, 0, "['k', 'a']");
    READ(&rig, 2, ":1");
    await_blocked(rig.boss, 1);
    EXPECT(rig.boss, "RPUSH third b", ":1");
    READ(&rig, 3, "['third', 'b']");
    rig_close(&rig);
}

/* A list whose time is over is not there for who waits, and what waits for others is served. */
static void expired(void **state)
{
    struct rig rig = rig_open(*state, 2);
    EXPECT(rig.boss, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
    EXPECT(rig.boss, "SELECT 1", "+OK");
    EXPECT(rig.boss, "RPUSH k old", ":1");
    EXPECT(rig.boss, "PEXPIRE k 1", ":1");
    EXPECT(rig.boss, "RPUSH l new", ":1");
    EXPECT(rig.boss, "SELECT 0", "+OK");
    usleep(10000);
    block(&rig, 0, "BLPOP k 0", 0);
    block(&rig, 1, "BLPOP l 0", 1);
    EXPECT(rig.boss, "SWAPDB 0 1", "+OK");
    READ(&rig, 1, "['l', 'new']");
    await_blocked(rig.boss, 1);
    EXPECT(rig.boss, "RPUSH k fresh", ":1");
    READ(&rig, 0, "['k', 'fresh']");
    if (server_is_other()) skip();
    /* a stream is removed by somebody's look at it */
    EXPECT(rig.boss, "XGROUP CREATE s g $ MKSTREAM", "+OK");
    block(&rig, 0, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", 0);
    EXPECT(rig.boss, "PEXPIRE s 1", ":1");
    usleep(10000);
    EXPECT(rig.boss, "EXISTS s", ":0");
    READ(&rig, 0, "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option");
    EXPECT(rig.boss, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
    rig_close(&rig);
}

/* WATCH sees what a waiter takes, as it sees what was put. */
static void watched(void **state)
{
    struct rig rig = rig_open(*state, 2);
    block(&rig, 0, "BLMOVE k t LEFT LEFT 0", 0);
    EXPECT(rig.waiting[1], "WATCH t", "+OK");
    EXPECT(rig.boss, "RPUSH k a", ":1");
    READ(&rig, 0, "'a'");
    EXPECT(rig.waiting[1], "MULTI", "+OK");
    EXPECT(rig.waiting[1], "PING", "+QUEUED");
    EXPECT(rig.waiting[1], "EXEC", "nil");
    rig_close(&rig);
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
        cmocka_unit_test_setup(arguments, script_await_alone),
        cmocka_unit_test_setup(no_wait, script_await_alone),
        cmocka_unit_test_setup(in_transactions, script_await_alone),
        cmocka_unit_test_setup(order, script_await_alone),
        cmocka_unit_test_setup(all_wakes, script_await_alone),
        cmocka_unit_test_setup(streams, script_await_alone),
        cmocka_unit_test_setup(chains, script_await_alone),
        cmocka_unit_test_setup(unblock, script_await_alone),
        cmocka_unit_test_setup(gone, script_await_alone),
        cmocka_unit_test_setup(pipelines, script_await_alone),
        cmocka_unit_test_setup(refused, script_await_alone),
        cmocka_unit_test_setup(paused, script_await_alone),
        cmocka_unit_test_setup(expired, script_await_alone),
        cmocka_unit_test_setup(accounts, script_await_alone),
        cmocka_unit_test_setup(watched, script_await_alone),
    };
    return cmocka_run_group_tests(tests, start, script_close_server);
}
