/* concurrency_test.c: several clients on several workers: each command is whole and alone on its keys. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CLIENTS 4
#define ROUNDS  1500
#define KEYS    8

/* What one client does in a process of its own; false when a reply is wrong. */
typedef bool client_work(struct client *client, int number);

static void run_together(struct server *server, client_work *const works[CLIENTS])
{
    pid_t pids[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            alarm(WAIT_CHILD_SECS);
            struct client *client = client_open(server, 2 + i % 2);
            _exit(works[i](client, i) ? 0 : 1);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        if (status != 0) print_error("client %d ended with status %d\n", i, status);
        assert_int_equal(status, 0);
    }
}

static bool count_up(struct client *client, int number)
{
    char line[32];

    for (int round = 0; round < ROUNDS; round++) {
        snprintf(line, sizeof(line), "INCR n:%d", (round + number) % KEYS);
        if (client_ask(client, line)[0] != ':') return false;
    }
    return true;
}

static void no_count_is_lost(void **state)
{
    client_work *const works[CLIENTS] = {count_up, count_up, count_up, count_up};
    struct client *client = client_open(*state, 2);
    long sum = 0;
    char line[32];

    EXPECT(client, "FLUSHALL", "+OK");
    run_together(*state, works);
    for (int i = 0; i < KEYS; i++) {
        snprintf(line, sizeof(line), "INCRBY n:%d 0", i);
        sum += atol(client_ask(client, line) + 1);
    }
    assert_int_equal(sum, CLIENTS * ROUNDS);
    client_close(client);
}

/* Two keys, set together, are never seen apart. */
static bool write_pairs(struct client *client, int number)
{
    char line[64];

    for (int round = 0; round < ROUNDS; round++) {
        snprintf(line, sizeof(line), "MSET left %d.%d right %d.%d", number, round, number, round);
        if (strcmp(client_ask(client, line), "+OK") != 0) return false;
    }
    return true;
}

static bool read_pairs(struct client *client, int number)
{
    (void)number;
    for (int round = 0; round < ROUNDS; round++) {
        const char *reply = client_ask(client, round % 2 ? "MGET left right" : "MGET right left");
        size_t half = strcspn(reply, ",");
        if (reply[half] != ',' || strncmp(reply + 1, reply + half + 2, half - 1) != 0) return false;
    }
    return true;
}

static bool disturb(struct client *client, int number)
{
    (void)number;
    for (int round = 0; round < ROUNDS / 10; round++) {
        if (client_ask(client, "KEYS *")[0] != '[') return false;
        if (strcmp(client_ask(client, "SWAPDB 3 4"), "+OK") != 0) return false;
        if (client_ask(client, "DBSIZE")[0] != ':') return false;
        if (client_ask(client, "SCAN 0 COUNT 100")[0] != '[') return false;
        if (client_ask(client, "RANDOMKEY")[0] != '\'') return false;
    }
    return true;
}

static void pairs_stay_together(void **state)
{
    client_work *const works[CLIENTS] = {write_pairs, read_pairs, write_pairs, disturb};
    struct client *client = client_open(*state, 2);

    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "MSET left 0 right 0", "+OK");
    run_together(*state, works);
    EXPECT(client, "DBSIZE", ":2");
    client_close(client);
}

/* One value wanders through names; nobody sees it twice or not at all. */
static bool wander(struct client *client, int number)
{
    char line[64];

    for (int round = 0; round < ROUNDS; round++) {
        int from = (round * 7 + number) % KEYS;
        snprintf(line, sizeof(line), "RENAMENX w:%d w:%d", from, (from + 3) % KEYS);
        const char *reply = client_ask(client, line);
        if (reply[0] != ':' && strcmp(reply, "-ERR no such key") != 0) return false;
    }
    return true;
}

static bool look_for_it(struct client *client, int number)
{
    (void)number;
    for (int round = 0; round < ROUNDS; round++) {
        if (strcmp(client_ask(client, "EXISTS w:0 w:1 w:2 w:3 w:4 w:5 w:6 w:7"), ":1") != 0) return false;
    }
    return true;
}

static void a_wanderer_is_in_one_place(void **state)
{
    client_work *const works[CLIENTS] = {wander, look_for_it, wander, look_for_it};
    struct client *client = client_open(*state, 2);

    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "SET w:0 here", "+OK");
    run_together(*state, works);
    EXPECT(client, "DBSIZE", ":1");
    client_close(client);
}

/* Of all who try at once, one wins. */
static bool race(struct client *client, int number)
{
    char line[96];

    for (int round = 0; round < ROUNDS / 5; round++) {
        snprintf(line, sizeof(line), "MSETNX race:%d %d other:%d %d", round, number, round, number);
        const char *reply = client_ask(client, line);
        if (strcmp(reply, ":1") == 0) (void)client_ask(client, "INCR wins");
        else if (strcmp(reply, ":0") != 0) return false;
    }
    return true;
}

static void one_wins(void **state)
{
    client_work *const works[CLIENTS] = {race, race, race, race};
    struct client *client = client_open(*state, 2);
    char expected[32];

    EXPECT(client, "FLUSHALL", "+OK");
    run_together(*state, works);
    snprintf(expected, sizeof(expected), "'%d'", ROUNDS / 5);
    EXPECT(client, "GET wins", expected);
    client_close(client);
}

/* ---- all types ---- */

#define MEMBERS        200
#define EVICTION_LIMIT "700kb" /* less than the mix comes to */
#define FILL_LINES     12      /* of MEMBERS / 2 elements */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Large collections of each type, which others are copied from. */
static bool fill(struct client *client, int lines)
{
    static const struct {
        const char *command;
        const char *element; /* of a number, which may come twice */
    } types[] = {
        {"HSET fill:h", " %1$d %1$d"}, {"RPUSH fill:l", " %d"},       {"SADD fill:s", " m%d"},
        {"ZADD fill:z", " %1$d %1$d"}, {"XADD fill:x *", " f%1$d v"}, {"PFADD fill:p", " %d"},
    };
    static char text[4096];

    for (int line = 0; line < lines; line++) {
        for (size_t type = 0; type < sizeof(types) / sizeof(types[0]); type++) {
            int len = snprintf(text, sizeof(text), "%s", types[type].command);
            for (int i = 0; i < MEMBERS / 2; i++)
                len += snprintf(text + len, sizeof(text) - (size_t)len, types[type].element,
                                line * MEMBERS / 2 + i);
            if (client_ask(client, text)[0] == '-') return false;
        }
    }
    return true;
}

/* A letter an argument: h, l, s, z, x, p a key of that type, k of any, m a member, n a number; other words stand as they are. */
static const char *const mixed[] = {
    "HSET h m n m n",
    "HDEL h m m",
    "HINCRBY h m 1",
    "HGETALL h",
    "HRANDFIELD h 3 WITHVALUES",
    "HSCAN h 0 COUNT 50",
    "HPEXPIRE h n FIELDS 2 m m",
    "HTTL h FIELDS 1 m",
    "HSETEX h PX 5 FIELDS 1 m n",
    "HLEN h",
    "RPUSH l m m m",
    "LPUSH l m",
    "LPOP l 2",
    "LINSERT l BEFORE m m",
    "LREM l 1 m",
    "LMOVE l l LEFT RIGHT",
    "LMPOP 2 l l RIGHT COUNT 2",
    "LTRIM l 0 n",
    "LRANGE l 0 20",
    "LPOS l m",
    "SORT l STORE l",
    "SORT s LIMIT 0 5 BY nosort GET #",
    "SADD s m m n",
    "SREM s m m",
    "SPOP s 2",
    "SMOVE s s m",
    "SINTERSTORE s s s",
    "SUNIONSTORE s s s",
    "SDIFF s s",
    "SRANDMEMBER s 5",
    "SSCAN s 0 COUNT 50",
    "ZADD z n m n m",
    "ZINCRBY z n m",
    "ZREM z m m",
    "ZPOPMIN z 2",
    "ZUNIONSTORE z 2 z s",
    "ZINTERSTORE z 2 z z",
    "ZRANGESTORE z z 0 n",
    "ZRANGE z 0 20 WITHSCORES",
    "ZRANK z m",
    "ZREMRANGEBYRANK z 0 3",
    "ZMPOP 2 z z MAX",
    "GEOADD z 13.36 38.11 m",
    "GEOSEARCHSTORE z z FROMLONLAT 13 38 BYRADIUS 200 km",
    "XADD x MAXLEN ~ 100 * m n",
    "XADD x NOMKSTREAM * m n m n",
    "XTRIM x MAXLEN 20",
    "XRANGE x - + COUNT 10",
    "XREAD COUNT 2 STREAMS x x 0 0",
    "XGROUP CREATE x g 0 MKSTREAM",
    "XREADGROUP GROUP g m COUNT 3 STREAMS x >",
    "XAUTOCLAIM x g m 0 0",
    "XGROUP DESTROY x g",
    "PFADD p m n",
    "PFMERGE p p p",
    "PFCOUNT p p",
    "COPY fill:h h REPLACE",
    "COPY fill:l l REPLACE",
    "COPY fill:s s REPLACE",
    "COPY fill:z z REPLACE",
    "COPY fill:x x REPLACE",
    "COPY k k",
    "COPY k k DB 3 REPLACE",
    "RENAME h h",
    "RENAME z z",
    "RENAMENX l l",
    "MOVE k 3",
    "DEL k k",
    "UNLINK k",
    "PEXPIRE k n",
    "PERSIST k",
    "TYPE k",
    "OBJECT ENCODING k",
    "MEMORY USAGE k",
    "SCAN 0 COUNT 20",
    "CONFIG SET list-max-listpack-size -2",
    "CONFIG SET list-max-listpack-size 8",
    "CONFIG SET hash-max-listpack-entries 100",
    "CONFIG SET hash-max-listpack-entries 16",
};

static void make_line(const char *form, uint64_t *random, char line[256])
{
    static const char types[] = "hlszxp";
    size_t len = 0;

    while (*form != '\0') {
        size_t word = strcspn(form, " ");
        char letter = *form == 'k' ? types[next_random(random) % (sizeof(types) - 1)] : *form;
        unsigned number = (unsigned)next_random(random);
        if (word == 1 && letter == 'm') len += (size_t)snprintf(line + len, 16, "m%u", number % MEMBERS);
        else if (word == 1 && letter == 'n') len += (size_t)snprintf(line + len, 16, "%u", number % MEMBERS);
        else if (word == 1 && strchr(types, letter))
            len += (size_t)snprintf(line + len, 16, "%c:%u", letter, number % 3);
        else len += (size_t)snprintf(line + len, 256 - len, "%.*s", (int)word, form);
        form += word + (form[word] == ' ');
        line[len++] = ' ';
    }
    line[len] = '\0';
}

/* What the others do to the same keys at that time decides about these. */
static bool is_fair_error(const char *reply)
{
    static const char *const fair[] = {"-ERR no such key",
                                       "-WRONGTYPE",
                                       "-OOM",
                                       "-NOGROUP",
                                       "-ERR The XGROUP subcommand requires the key",
                                       "-BUSYGROUP",
                                       "-ERR source and destination",
                                       "-ERR One or more scores can't be converted",
                                       "-ERR could not decode requested zset member"};
    for (size_t i = 0; i < sizeof(fair) / sizeof(fair[0]); i++)
        if (strncmp(reply, fair[i], strlen(fair[i])) == 0) return true;
    return false;
}

static bool mix(struct client *client, int number)
{
    uint64_t random = (uint64_t)number + 1;
    char line[256];

    if (number == 3 && strcmp(client_ask(client, "SELECT 3"), "+OK") != 0) return false;
    for (int round = 0; round < ROUNDS * 2; round++) {
        make_line(mixed[next_random(&random) % (sizeof(mixed) / sizeof(mixed[0]))], &random, line);
        if (number == 3 && round % 50 == 0) snprintf(line, sizeof(line), "FLUSHDB ASYNC");
        if (number == 2 && round % 1000 == 999) snprintf(line, sizeof(line), "FLUSHALL");
        const char *reply = client_ask(client, line);
        bool is_word = reply[0] >= 'a' && reply[0] <= 'z' && strcmp(reply, "nil") != 0; /* closed, timeout */
        if (is_word || (reply[0] == '-' && !is_fair_error(reply))) {
            fprintf(stderr, "client %d: %s: %.200s\n", number, line, reply);
            return false;
        }
        if (strcmp(line, "FLUSHALL") == 0 && !fill(client, FILL_LINES)) return false;
    }
    return true;
}

/* Mixes under these settings, then checks the heap. */
static void mix_under(struct server *server, const char *settings)
{
    client_work *const works[CLIENTS] = {mix, mix, mix, mix};
    struct client *client = client_open(server, 2);
    char command[512];

    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client,
           "CONFIG SET set-max-listpack-entries 16 set-max-intset-entries 16 zset-max-listpack-entries 16 "
           "stream-node-max-entries 8",
           "+OK");
    assert_true(fill(client, FILL_LINES));
    EXPECT(client, settings, "+OK");
    run_together(server, works);
    EXPECT(client, "CONFIG SET maxmemory 0", "+OK");
    client_close(client);
    if (server_is_other()) return;
    assert_int_equal(server_stop(server, SIGTERM), 0);
    snprintf(command, sizeof(command), "'%s' check '%s/cairn.heap' >&2", CAIRN_BINARY, server_folder(server));
    assert_int_equal(system(command), 0);
    server_start(server);
}

static void all_types_mix(void **state)
{
    mix_under(*state, "CONFIG SET maxmemory 0");
}

static void all_types_mix_while_some_are_evicted(void **state)
{
    mix_under(*state, "CONFIG SET maxmemory " EVICTION_LIMIT " maxmemory-policy allkeys-random");
}

/* Elements that are moved between two collections are always in one of them. */
static bool move_elements(struct client *client, int number)
{
    uint64_t random = (uint64_t)number + 1;
    char line[96];

    for (int round = 0; round < ROUNDS; round++) {
        unsigned member = (unsigned)next_random(&random) % MEMBERS, way = (unsigned)next_random(&random) & 1;
        snprintf(line, sizeof(line), "SMOVE two:%u two:%u %u", way, 1 - way, member);
        if (client_ask(client, line)[0] != ':') return false;
        snprintf(line, sizeof(line), "LMOVE row:%u row:%u LEFT RIGHT", way, 1 - way);
        (void)client_ask(client, line);
    }
    return true;
}

static bool count_elements(struct client *client, int number)
{
    char union_line[64], zunion_line[64], count[16];

    snprintf(union_line, sizeof(union_line), "SUNIONSTORE both:%d two:0 two:1", number);
    snprintf(zunion_line, sizeof(zunion_line), "ZUNIONSTORE zboth:%d 2 two:1 two:0", number);
    snprintf(count, sizeof(count), ":%d", MEMBERS);
    for (int round = 0; round < ROUNDS / 4; round++) {
        if (strcmp(client_ask(client, union_line), count) != 0) return false;
        if (strcmp(client_ask(client, zunion_line), count) != 0) return false;
        if (strcmp(client_ask(client, "SINTERCARD 2 two:0 two:1"), ":0") != 0) return false;
    }
    return true;
}

static void a_moving_element_is_in_one_place(void **state)
{
    client_work *const works[CLIENTS] = {move_elements, count_elements, move_elements, count_elements};
    struct client *client = client_open(*state, 2);
    char line[64];

    EXPECT(client, "FLUSHALL", "+OK");
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(line, sizeof(line), "SADD two:0 %d", i);
        EXPECT(client, line, ":1");
        snprintf(line, sizeof(line), "RPUSH row:0 %d", i);
        (void)client_ask(client, line);
    }
    run_together(*state, works);
    long items = atol(client_ask(client, "LLEN row:0") + 1);
    items += atol(client_ask(client, "LLEN row:1") + 1);
    assert_int_equal(items, MEMBERS);
    client_close(client);
}

static int open_server_of_many_workers(void **state)
{
    *state = server_open((const char *const[]){"--io-threads", "4", NULL});
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_count_is_lost),
        cmocka_unit_test(pairs_stay_together),
        cmocka_unit_test(a_wanderer_is_in_one_place),
        cmocka_unit_test(one_wins),
        cmocka_unit_test(all_types_mix),
        cmocka_unit_test(all_types_mix_while_some_are_evicted),
        cmocka_unit_test(a_moving_element_is_in_one_place),
    };
    return cmocka_run_group_tests(tests, open_server_of_many_workers, script_close_server);
}
