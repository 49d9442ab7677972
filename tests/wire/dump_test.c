/* dump_test.c: DUMP, RESTORE and MIGRATE: within one server, between two, and between cairn and redis-server where that is installed. */
#include "support/script.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE_BYTES 65536
#define WAIT_MS    (WAIT_SECONDS * 1000)

/* "bar" as a string, as Redis 7.0 writes it. */
#define BAR "'\\x00\\x03bar\\x0a\\x00\\xbe\\xeb\\xb2\\xb4\\x34\\x95\\x31\\x99'"

static void dump(void **state)
{
    static const struct step steps[] = {
        {"DUMP nokey", "nil"},
        {"DUMP", "-ERR wrong number of arguments for 'dump' command"},
        {"SET foo 10", "+OK"},
        /* the example of Redis's documentation, with its version and checksum of 7.0 */
        {"DUMP foo", "'\\x00\\xc0\\n\\n\\x00n\\x9fWE\\x0e\\xaec\\xbb'"},
        {"RESTORE foo 0 '\\x00\\xc0\\n\\n\\x00n\\x9fWE\\x0e\\xaec\\xbb'",
         "-BUSYKEY Target key name already exists."},
        {"RESTORE foo 0 '\\x00\\xc0\\n\\n\\x00n\\x9fWE\\x0e\\xaec\\xbb' REPLACE", "+OK"},
        {"RESTORE bar 5000000 '\\x00\\xc0\\n\\n\\x00n\\x9fWE\\x0e\\xaec\\xbb'", "+OK"},
        {"MGET foo bar", "['10', '10']"},
        {"TTL foo", ":-1"},
        {"RESTORE bar 100 '\\x00\\xc0\\n\\n\\x00n\\x9fWE\\x0e\\xaec\\xbc' REPLACE",
         "-ERR DUMP payload version or checksum are wrong"},
    };
    SCRIPT(*state, steps);
}

static void restore_arguments(void **state)
{
    static const struct step steps[] = {
        {"SET foo bar", "+OK"},
        {"RESTORE foo 0 ...", "-BUSYKEY Target key name already exists."},
        {"RESTORE foo x ...", "-BUSYKEY Target key name already exists."},
        {"RESTORE k x ...", "-ERR value is not an integer or out of range"},
        {"RESTORE k -1 ...", "-ERR Invalid TTL value, must be >= 0"},
        {"RESTORE k 0 ...", "-ERR DUMP payload version or checksum are wrong"},
        {"RESTORE k 0 '1234567890'", "-ERR DUMP payload version or checksum are wrong"},
        {"RESTORE k 0 ... invalid", "-ERR syntax error"},
        {"RESTORE k 0 ... IDLETIME", "-ERR syntax error"},
        {"RESTORE k 0 ... IDLETIME x", "-ERR value is not an integer or out of range"},
        {"RESTORE k 0 ... IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0"},
        {"RESTORE k 0 ... FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255"},
        {"RESTORE k 0 ... FREQ -1", "-ERR Invalid FREQ value, must be >= 0 and <= 255"},
        {"RESTORE k 0 ... FREQ 1 IDLETIME 1", "-ERR syntax error"},
        {"RESTORE foo 0 ... REPLACE ABSTTL IDLETIME 5", "-ERR DUMP payload version or checksum are wrong"},
        {"GET foo", "'bar'"},
        {"RESTORE k", "-ERR wrong number of arguments for 'restore' command"},
    };
    SCRIPT(*state, steps);
}

/* Appends to `line`, which has room. */
static __attribute__((format(printf, 2, 3))) void add(char *line, const char *format, ...)
{
    size_t len = strlen(line);
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + len, LINE_BYTES - len, format, args);
    va_end(args);
    assert_true(wanted >= 0 && len + (size_t)wanted < LINE_BYTES);
}

/* Asks `from` for the payload of `key`, and `to` to restore it with `options` behind. */
static const char *pass(struct client *from, const char *key, struct client *to, const char *to_key,
                        const char *ttl, const char *options)
{
    static char line[LINE_BYTES];
    char ask[64];
    snprintf(ask, sizeof ask, "DUMP %s", key);
    snprintf(line, sizeof line, "RESTORE %s %s ", to_key, ttl);
    add(line, "%s %s", client_ask(from, ask), options);
    return client_ask(to, line);
}

static void restore_times(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "SET foo bar", "+OK");
    assert_string_equal(pass(client, "foo", client, "k", "5000000", ""), "+OK");
    int64_t ttl = atoll(client_ask(client, "PTTL k") + 1);
    assert_true(ttl > 4000000 && ttl <= 5000000);
    assert_string_equal(pass(client, "foo", client, "k", "2569591501", "REPLACE"), "+OK");
    assert_true(atoll(client_ask(client, "PTTL k") + 1) > 2569591501 - 1000000);
    assert_string_equal(pass(client, "foo", client, "k", "99999999999999", "ABSTTL REPLACE"), "+OK");
    EXPECT(client, "PEXPIRETIME k", ":99999999999999");
    /* a time that is past: what was there goes, nothing comes */
    assert_string_equal(pass(client, "foo", client, "k", "1000", "ABSTTL REPLACE"), "+OK");
    EXPECT(client, "EXISTS k", ":0");
    assert_string_equal(pass(client, "foo", client, "k", "1000", "ABSTTL"), "+OK");
    EXPECT(client, "EXISTS k", ":0");
    assert_string_equal(pass(client, "foo", client, "k", "9223372036854775807", ""),
                        "-ERR Invalid TTL value, must be >= 0");
    client_close(client);
}

static void restore_use(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "SET foo bar", "+OK");
    EXPECT(client, "CONFIG SET maxmemory-policy allkeys-lru", "+OK");
    assert_string_equal(pass(client, "foo", client, "k", "0", "IDLETIME 1000"), "+OK");
    assert_true(atoll(client_ask(client, "OBJECT IDLETIME k") + 1) >= 1000);
    assert_string_equal(pass(client, "foo", client, "k", "0", "FREQ 100 REPLACE"), "+OK");
    assert_true(atoll(client_ask(client, "OBJECT IDLETIME k") + 1) < 1000);
    EXPECT(client, "CONFIG SET maxmemory-policy allkeys-lfu", "+OK");
    EXPECT(client, "CONFIG SET lfu-decay-time 0", "+OK");
    assert_string_equal(pass(client, "foo", client, "k", "0", "FREQ 100 REPLACE"), "+OK");
    EXPECT(client, "OBJECT FREQ k", ":100");
    EXPECT(client, "CONFIG SET maxmemory-policy noeviction", "+OK");
    EXPECT(client, "CONFIG SET lfu-decay-time 1", "+OK");
    client_close(client);
}

/* ---- values of all types ---- */

static const char *const all_keys[] = {
    "int",    "short", "long",    "binary", "packed",  "list",   "longlist", "intset", "set",
    "bigset", "zset",  "bigzset", "hash",   "bighash", "stream", "mixed",    "empty",  "hll",
};

static void fill(struct client *client)
{
    static char line[LINE_BYTES];
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "MSET int 12345 short text binary '\\x00\\x01\\r\\n\\xff'", "+OK");
    EXPECT(client, "SETRANGE long 3000 end", ":3003");
    EXPECT(client, "SET packed 'abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc'", "+OK");
    EXPECT(client, "RPUSH list a 1 -5 4096 70000 -9000000 123456789012 ''", ":8");
    EXPECT(client, "SADD intset 1 -2 70000 99999999999", ":4");
    EXPECT(client, "SADD set a b 7", ":3");
    EXPECT(client, "ZADD zset 1 a -inf b inf c 0.5 d 3 77", ":5");
    EXPECT(client, "HSET hash a 1 b two 3 ''", ":3");
    for (int round = 0; round < 40; round++) {
        static const char *const words[] = {"RPUSH longlist", "SADD bigset", "ZADD bigzset", "HSET bighash"};
        for (size_t i = 0; i < 4; i++) {
            snprintf(line, sizeof line, "%s", words[i]);
            for (int k = 0; k < 20; k++) {
                if (i > 1) add(line, i == 2 ? " %d.5" : " f%d", round * 20 + k);
                add(line, " member%d", round * 20 + k);
            }
            assert_int_equal(*client_ask(client, line), ':');
        }
    }
    for (int i = 1; i <= 150; i++) {
        snprintf(line, sizeof line, "XADD stream %d-%d f1 %d f2 value%d", i / 3 + 1, i, i, i);
        assert_int_equal(*client_ask(client, line), '\'');
    }
    EXPECT(client, "XDEL stream 5-13 5-12 1-1", ":3");
    EXPECT(client, "XGROUP CREATE stream one 0", "+OK");
    EXPECT(client, "XGROUP CREATE stream two $", "+OK");
    client_ask(client, "XREADGROUP GROUP one alice COUNT 20 STREAMS stream >");
    client_ask(client, "XREADGROUP GROUP one bob COUNT 3 STREAMS stream >");
    EXPECT(client, "XACK stream one 2-5", ":1");
    EXPECT(client, "XADD mixed 1-1 a 1", "'1-1'");
    EXPECT(client, "XADD mixed 1-2 b 1", "'1-2'");
    EXPECT(client, "XADD mixed 9-2 a 2 a 3", "'9-2'");
    EXPECT(client, "XADD empty 5-5 a 1", "'5-5'");
    EXPECT(client, "XDEL empty 5-5", ":1");
    EXPECT(client, "PFADD hll a b c", ":1");
}

static int compare_parts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "['b', '1', 'a', '2']" -> "|'a', '2'|'b', '1'": pairs of fields and values, which have no order. */
static void sort_pairs(char *text)
{
    char *pairs[4096], *copy = strdup(text);
    size_t count = 0;
    assert_non_null(copy);
    copy[strlen(copy) - 1] = '\0';
    for (char *at = copy + 1; at != NULL && *at;) {
        char *value = strstr(at, ", ");
        assert_non_null(value);
        char *end = strstr(value + 2, ", ");
        pairs[count++] = at;
        at = end ? end + 2 : NULL;
        if (end) *end = '\0';
    }
    qsort(pairs, count, sizeof *pairs, compare_parts);
    *text = '\0';
    for (size_t i = 0; i < count; i++)
        add(text, "|%s", pairs[i]);
    free(copy);
}

/* All that can be asked about a value, as text. */
static void describe(struct client *client, const char *key, char text[LINE_BYTES])
{
    static const struct {
        const char *type, *question;
    } questions[] = {
        {"+string", "GET %s"},     {"+list", "LRANGE %s 0 -1"},
        {"+set", "SORT %s ALPHA"}, {"+zset", "ZRANGE %s 0 -1 WITHSCORES"},
        {"+hash", "HGETALL %s"},   {"+stream", "XRANGE %s - +"},
    };
    char line[128];
    snprintf(line, sizeof line, "TYPE %s", key);
    snprintf(text, LINE_BYTES, "%s", client_ask(client, line));
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (strcmp(text, questions[i].type) != 0) continue;
        snprintf(line, sizeof line, "%.*s%s%s", (int)strcspn(questions[i].question, "%"),
                 questions[i].question, key, strstr(questions[i].question, "%s") + 2);
        snprintf(text, LINE_BYTES, "%s", client_ask(client, line));
        if (i == 4) sort_pairs(text);
        if (i == 5) {
            snprintf(line, sizeof line, "XPENDING %s one - + 1000", key);
            add(text, "%.100s", client_ask(client, line));
            snprintf(line, sizeof line, "XINFO GROUPS %s", key);
            add(text, "%s", client_ask(client, line));
        }
        return;
    }
    fail_msg("%s is a %s", key, text);
}

/* What `from` has arrives whole at `to`. */
static void pass_all(struct client *from, struct client *to, const char *options)
{
    static char before[LINE_BYTES], after[LINE_BYTES];
    for (size_t i = 0; i < sizeof all_keys / sizeof *all_keys; i++) {
        const char *key = all_keys[i];
        print_message("%s\n", key);
        describe(from, key, before);
        assert_string_equal(pass(from, key, to, key, "0", options), "+OK");
        describe(to, key, after);
        char *idle = strstr(before, "alice', :"), *idle_after = strstr(after, "alice', :");
        if (idle && idle_after) *idle = *idle_after = '\0'; /* milliseconds that pass */
        assert_string_equal(after, before);
    }
}

static void every_type(void **state)
{
    struct client *client = client_open(*state, 2);
    fill(client);
    pass_all(client, client, "REPLACE");
    EXPECT(client, "CONFIG SET rdbcompression no", "+OK");
    pass_all(client, client, "REPLACE");
    EXPECT(client, "CONFIG SET rdbcompression yes", "+OK");
    EXPECT(client, "OBJECT ENCODING intset", "'intset'");
    EXPECT(client, "OBJECT ENCODING bigzset", "'skiplist'");
    EXPECT(client, "OBJECT ENCODING hash", "'listpack'");
    EXPECT(client, "DEBUG RELOAD", "+OK"); /* checks the whole keyspace */
    client_close(client);
}

static void with_redis(void **state)
{
    struct server *redis = server_open_redis(NULL);
    if (redis == NULL) skip();
    struct client *own = client_open(*state, 2), *other = client_open(redis, 2);
    fill(other);
    EXPECT(own, "FLUSHALL", "+OK");
    pass_all(other, own, "");
    fill(own);
    EXPECT(other, "FLUSHALL", "+OK");
    pass_all(own, other, "");
    client_close(own);
    client_close(other);
    server_close(redis);
}

/* Fields that expire: those of the future come back with their times. */
static void timed_fields(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "DEL h", ":0");
    EXPECT(client, "HSET h a 1 b 2 c 3", ":3");
    EXPECT(client, "HPEXPIREAT h 99999999999 FIELDS 1 b", "[:2]"); /* past: it goes */
    EXPECT(client, "HPEXPIREAT h 9999999999999 FIELDS 1 c", "[:1]");
    assert_string_equal(pass(client, "h", client, "copy", "0", ""), "+OK");
    EXPECT(client, "HPEXPIRETIME copy FIELDS 3 a b c", "[:-1, :-2, :9999999999999]");
    EXPECT(client, "HMGET copy a c", "['1', '3']");
    client_close(client);
}

/* A value whose bytes are well formed and make no sense, behind a right checksum. */
static void bad_values(void **state)
{
    static const struct step steps[] = {
        {"SET k v", "+OK"},
        {"RESTORE k 0 '\\x06\\x01a\\x0a\\x00\\x1c\\x9c\\x64\\x40\\x8e\\x1c\\x99\\x8f' REPLACE", "-<*>"},
        {"GET k", "'v'"},
    };
    SCRIPT(*state, steps);
}

/* ---- MIGRATE ---- */

static const char *migrate(struct client *client, const struct server *to, const char *rest)
{
    static char line[1024];
    snprintf(line, sizeof line, "MIGRATE 127.0.0.1 %u %s", server_port(to), rest);
    return client_ask(client, line);
}

static void migrate_between(struct server *from, struct server *to)
{
    struct client *own = client_open(from, 2), *other = client_open(to, 2);
    EXPECT(own, "FLUSHALL", "+OK");
    EXPECT(other, "FLUSHALL", "+OK");
    EXPECT(own, "SET k v EX 1000", "+OK");
    EXPECT(own, "RPUSH l a b c", ":3");
    assert_string_equal(migrate(own, to, "k 0 60000"), "+OK");
    EXPECT(own, "EXISTS k", ":0");
    EXPECT(other, "GET k", "'v'");
    assert_true(atoi(client_ask(other, "TTL k") + 1) > 0);
    assert_string_equal(migrate(own, to, "k 0 60000"), "+NOKEY");
    assert_string_equal(migrate(own, to, "l 3 60000 COPY"), "+OK");
    assert_string_equal(migrate(own, to, "l 3 60000"),
                        "-ERR Target instance replied with error: BUSYKEY Target key name already exists.");
    EXPECT(own, "LLEN l", ":3");
    assert_string_equal(migrate(own, to, "l 3 60000 REPLACE"), "+OK");
    EXPECT(own, "LLEN l", ":0");
    EXPECT(other, "SELECT 3", "+OK");
    EXPECT(other, "LRANGE l 0 -1", "['a', 'b', 'c']");
    EXPECT(other, "SELECT 0", "+OK");
    EXPECT(own, "MSET a 1 b 2 c 3 d 4", "+OK");
    EXPECT(other, "SET b other", "+OK");
    assert_string_equal(migrate(own, to, "'' 0 60000 KEYS a nokey b c"),
                        "-ERR Target instance replied with error: BUSYKEY Target key name already exists.");
    EXPECT(own, "MGET a b c d", "[nil, '2', nil, '4']"); /* only what was acknowledged goes */
    EXPECT(other, "MGET a b c d", "['1', 'other', '3', nil]");
    assert_string_equal(migrate(own, to, "d 99 60000"),
                        "-ERR Target instance replied with error: ERR DB index is out of range");
    EXPECT(own, "GET d", "'4'");
    assert_string_equal(
        migrate(own, to, "d 0 60000 AUTH secret"),
        "-ERR Target instance replied with error: ERR AUTH <password> called without any password "
        "configured for the default user. Are you sure your configuration is correct?");
    assert_string_equal(migrate(own, to, "d 0 60000 REPLACE"), "+OK");
    EXPECT(own, "DBSIZE", ":1");
    client_close(own);
    client_close(other);
}

static void migrate_servers(void **state)
{
    struct server *second = server_open(NULL), *redis = server_open_redis(NULL);
    migrate_between(*state, second);
    if (redis != NULL) {
        migrate_between(*state, redis);
        migrate_between(redis, *state);
        server_close(redis);
    }
    server_close(second);
}

static void migrate_mistakes(void **state)
{
    static const struct step steps[] = {
        {"SET k v", "+OK"},
        {"MIGRATE 127.0.0.1 1 k 0", "-ERR wrong number of arguments for 'migrate' command"},
        {"MIGRATE 127.0.0.1 1 k 0 x", "-ERR value is not an integer or out of range"},
        {"MIGRATE 127.0.0.1 1 k x 1000", "-ERR value is not an integer or out of range"},
        {"MIGRATE 127.0.0.1 1 k 0 1000 COPY FOO", "-ERR syntax error"},
        {"MIGRATE 127.0.0.1 1 k 0 1000 AUTH", "-ERR syntax error"},
        {"MIGRATE 127.0.0.1 1 k 0 1000 AUTH2 user", "-ERR syntax error"},
        {"MIGRATE 127.0.0.1 1 k 0 1000 KEYS k",
         "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"},
        {"MIGRATE 127.0.0.1 1 '' 0 1000 KEYS", "+NOKEY"},
        {"MIGRATE 127.0.0.1 1 k 0 1000", "-IOERR error or timeout <*> target instance"},
        {"COMMAND GETKEYS MIGRATE h 1 '' 0 9 AUTH keys KEYS a b", "['a', 'b']"},
        {"COMMAND GETKEYS MIGRATE h 1 b 0 9 COPY", "['b']"},
        {"MULTI", "+OK"},
        {"SET m 1", "+QUEUED"},
        {"MIGRATE 127.0.0.1 1 m 0 1000", "+QUEUED"},
        {"EXEC", "[+OK, -IOERR error or timeout <*> target instance]"},
        {"GET m", "'1'"},
    };
    SCRIPT(*state, steps);
}

static void password(void **state)
{
    static const char *const options[] = {"--requirepass", "secret", NULL};
    struct server *second = server_open(options);
    struct client *own = client_open(*state, 2);
    EXPECT(own, "SET k v", "+OK");
    assert_string_equal(migrate(own, second, "k 0 60000"),
                        "-ERR Target instance replied with error: NOAUTH Authentication required.");
    assert_string_equal(
        migrate(own, second, "k 0 60000 AUTH wrong"),
        "-ERR Target instance replied with error: WRONGPASS invalid username-password pair or user is "
        "disabled.");
    EXPECT(own, "GET k", "'v'");
    assert_string_equal(migrate(own, second, "k 0 60000 AUTH secret"), "+OK");
    EXPECT(own, "SET k v", "+OK");
    assert_string_equal(migrate(own, second, "k 0 60000 REPLACE AUTH2 default secret"), "+OK");
    client_close(own);
    server_close(second);
}

/* ---- a target that answers when it is told to ---- */

struct target {
    int listener;
    unsigned port;
    int fd; /* the connection */
};

static void target_open(struct target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    target->fd = -1;
    target->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(target->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(target->listener, 4), 0);
    assert_int_equal(getsockname(target->listener, (struct sockaddr *)&address, &len), 0);
    target->port = ntohs(address.sin_port);
}

/* Waits until a RESTORE has come whole: it ends with `end`. */
static void target_await(struct target *target, const char *end)
{
    char bytes[4096];
    size_t len = 0, end_len = strlen(end);
    struct pollfd poll_fd = {.fd = target->listener, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
    target->fd = accept(target->listener, NULL, NULL);
    while (len < end_len || memcmp(bytes + len - end_len, end, end_len) != 0) {
        poll_fd.fd = target->fd;
        assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
        ssize_t got = recv(target->fd, bytes + len, sizeof bytes - len, 0);
        assert_true(got > 0);
        len += (size_t)got;
    }
}

static void target_close(struct target *target)
{
    if (target->fd >= 0) close(target->fd);
    close(target->listener);
}

#define CLIENTS 6 /* of two workers: the loop with the fewest connections takes the next one */

/* One that is answered although the worker of others waits for the target. */
static struct client *answered(struct client *clients[CLIENTS])
{
    for (size_t i = 0; i < CLIENTS; i++) {
        client_set_timeout(clients[i], 5000);
        if (strcmp(client_ask(clients[i], "PING"), "+PONG") != 0) continue;
        client_set_timeout(clients[i], WAIT_MS);
        return clients[i];
    }
    fail_msg("no worker answers while another one waits");
    return NULL;
}

/* While a key is on its way others go on; what they change stays here. */
static void changed_meanwhile(void **state)
{
    struct client *own = client_open(*state, 2), *clients[CLIENTS];
    struct target target;
    char line[128];
    target_open(&target);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = client_open(*state, 2);
    client_set_timeout(own, WAIT_MS);
    EXPECT(own, "MSET k v same s gone g", "+OK");
    snprintf(line, sizeof line, "MIGRATE 127.0.0.1 %u '' 0 60000 REPLACE KEYS k same gone", target.port);
    client_send(own, line);
    target_await(&target, "REPLACE\r\n");
    struct client *other = answered(clients);
    EXPECT(other, "GET k", "'v'");
    EXPECT(other, "APPEND k w", ":2");
    EXPECT(other, "DEL gone", ":1");
    assert_int_equal(send(target.fd, "+OK\r\n+OK\r\n+OK\r\n", 15, MSG_NOSIGNAL), 15);
    assert_string_equal(client_read(own),
                        "-ERR 1 keys were changed while they were sent: they stay here, and the "
                        "target has what they were");
    EXPECT(other, "MGET k same gone", "['vw', nil, nil]");
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(clients[i]);
    client_close(own);
    target_close(&target);
}

/* No answer in time, and a connection that ends half-way: what was acknowledged is gone here, the rest stays. */
static void no_answer(void **state)
{
    struct client *own = client_open(*state, 2);
    struct target target;
    char line[128];
    target_open(&target);
    client_set_timeout(own, WAIT_MS);
    EXPECT(own, "MSET a 1 b 2", "+OK");
    snprintf(line, sizeof line, "MIGRATE 127.0.0.1 %u '' 0 200 REPLACE KEYS a b", target.port);
    EXPECT(own, line, "-IOERR error or timeout reading from target instance");
    EXPECT(own, "MGET a b", "['1', '2']");
    target_close(&target);
    target_open(&target);
    snprintf(line, sizeof line, "MIGRATE 127.0.0.1 %u '' 0 60000 REPLACE KEYS a b", target.port);
    client_send(own, line);
    target_await(&target, "REPLACE\r\n");
    assert_int_equal(send(target.fd, "+OK\r\n", 5, MSG_NOSIGNAL), 5);
    target_close(&target);
    assert_string_equal(client_read(own), "-IOERR error or timeout reading from target instance");
    EXPECT(own, "MGET a b", "[nil, '2']");
    client_close(own);
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
        cmocka_unit_test(dump),
        cmocka_unit_test(restore_arguments),
        cmocka_unit_test(restore_times),
        cmocka_unit_test(restore_use),
        cmocka_unit_test(every_type),
        cmocka_unit_test(with_redis),
        cmocka_unit_test(timed_fields),
        cmocka_unit_test(bad_values),
        cmocka_unit_test(migrate_servers),
        cmocka_unit_test(migrate_mistakes),
        cmocka_unit_test(password),
        cmocka_unit_test(changed_meanwhile),
        cmocka_unit_test(no_answer),
    };
    return cmocka_run_group_tests(tests, start, script_close_server);
}
