/* evict_wild_test.c: kill -9 while several workers evict, again and again.
 *
 * After every kill the heap passes `cairn check`; at the end each key that is there holds a whole value written to
 * that key. Which keys are there is eviction's choice.
 * EVICT_KILLS and EVICT_SEED override.
 */
#include "support/long.h"
#include "support/server.h"
#include "support/wild_model.h"
#include "util/assert.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define CLIENTS    3
#define KEYS       20000
#define BATCH      32
#define VALUE_MAX  1500
#define RUN_MAX_MS 150
#define HEAP_FILE  "cairn.heap"

struct client {
    const struct server *server;
    const atomic_bool *killing;
    uint64_t random;
    uint64_t batches;
    pthread_t thread;
};

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* A value says whose it is and how long, and ends with what it begins with. */
static size_t make_value(char *value, unsigned key, size_t filling)
{
    size_t len = (size_t)sprintf(value, "%u:%zu:", key, filling);
    memset(value + len, 'a' + (int)(filling % 26), filling);
    len += filling;
    return len + (size_t)sprintf(value + len, ":%u", key);
}

static void assert_value(unsigned key, const redisReply *reply)
{
    char value[VALUE_MAX + 64];
    unsigned owner;
    size_t filling;
    if (reply->type == REDIS_REPLY_NIL) return;
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_int_equal(sscanf(reply->str, "%u:%zu:", &owner, &filling), 2);
    assert_true(filling <= VALUE_MAX);
    assert_int_equal(reply->len, make_value(value, key, filling));
    assert_memory_equal(reply->str, value, reply->len);
}

static void append_write(redisContext *connection, uint64_t *random)
{
    char value[VALUE_MAX + 64];
    unsigned key = (unsigned)(wild_random(random) % KEYS);
    size_t len = make_value(value, key, wild_random(random) % VALUE_MAX);
    bool fleeting = wild_random(random) % 4 == 0;
    int status = fleeting ? redisAppendCommand(connection, "SET k:%u %b EX 1000", key, value, len)
                          : redisAppendCommand(connection, "SET k:%u %b", key, value, len);
    ASSERT(status == REDIS_OK);
}

static bool run_batch(struct client *client, redisContext *connection)
{
    for (unsigned i = 0; i < BATCH; i++)
        append_write(connection, &client->random);
    for (unsigned i = 0; i < BATCH; i++) {
        redisReply *reply;
        if (redisGetReply(connection, (void **)&reply) != REDIS_OK) return false;
        ASSERT(reply->type == REDIS_REPLY_STATUS);
        freeReplyObject(reply);
    }
    client->batches++;
    return true;
}

static void *client_main(void *arg)
{
    struct client *client = arg;
    redisContext *connection = redisConnectUnix(server_socket(client->server));
    bool goes_on = connection && !connection->err; /* on a slow machine the kill may come first */
    while (goes_on)
        goes_on = run_batch(client, connection);
    ASSERT(*client->killing);
    redisFree(connection);
    return NULL;
}

static void check_heap(const char *folder)
{
    char command[256];
    snprintf(command, sizeof(command), "'%s' check '%s/" HEAP_FILE "' >'%s/check.log' 2>&1", CAIRN_BINARY,
             folder, folder);
    if (system(command) != 0) fail_msg("%s", command);
}

static unsigned verify(const struct server *server)
{
    unsigned found = 0;
    redisContext *connection = redisConnectUnix(server_socket(server));
    assert_true(connection && !connection->err);
    for (unsigned key = 0; key < KEYS; key++)
        assert_int_equal(redisAppendCommand(connection, "GET k:%u", key), REDIS_OK);
    for (unsigned key = 0; key < KEYS; key++) {
        redisReply *reply;
        assert_int_equal(redisGetReply(connection, (void **)&reply), REDIS_OK);
        assert_value(key, reply);
        found += reply->type == REDIS_REPLY_STRING;
        freeReplyObject(reply);
    }
    redisFree(connection);
    return found;
}

/* Lets the clients write for a while, kills the server, checks, and starts it again. */
static void one_life(struct server *server, struct client *clients, atomic_bool *killing, uint64_t *random)
{
    *killing = false;
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
    int64_t run_ns = (int64_t)(1 + wild_random(random) % RUN_MAX_MS) * 1000000;
    nanosleep(&(struct timespec){.tv_nsec = run_ns}, NULL);
    *killing = true;
    (void)server_stop(server, SIGKILL);
    for (unsigned i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    check_heap(server_folder(server));
    server_start(server);
}

static void run_policy(const char *policy)
{
    uint64_t seed = env_number("EVICT_SEED", (uint64_t)time(NULL)), random = seed, batches = 0;
    uint64_t kills = env_number("EVICT_KILLS", test_is_long() ? 500 : 12);
    atomic_bool killing;
    struct client clients[CLIENTS];
    struct server *server = server_open(
        (const char *const[]){"--io-threads", "2", "--maxmemory", "2mb", "--maxmemory-policy", policy, NULL});
    for (unsigned i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.server = server, .killing = &killing, .random = wild_random(&random)};
    for (uint64_t i = 0; i < kills || batches == 0;
         i++) { /* a slow machine may need more lives to write anything */
        one_life(server, clients, &killing, &random);
        batches = 0;
        for (unsigned c = 0; c < CLIENTS; c++)
            batches += clients[c].batches;
    }
    unsigned found = verify(server);
    print_message("%s: seed %" PRIu64 ", %" PRIu64 " kills, %" PRIu64 " writes, %u keys are left\n", policy,
                  seed, kills, batches * BATCH, found);
    assert_in_range(found, 1, KEYS / 2);
    server_close(server);
}

static void test_lru(void **state)
{
    (void)state;
    run_policy("allkeys-lru");
}

static void test_lfu(void **state)
{
    (void)state;
    run_policy("allkeys-lfu");
}

static void test_random(void **state)
{
    (void)state;
    run_policy("allkeys-random");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (server_is_other()) return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lru), cmocka_unit_test(test_lfu),
                                       cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
