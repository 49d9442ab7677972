/* evict_test.c: maxmemory with each policy, as a client sees it. */
#include "support/client.h"
#include "support/server.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define KEYS        2000
#define VALUE_BYTES 512

static uint64_t info(struct client *client, const char *section, const char *field)
{
    char line[64];
    snprintf(line, sizeof(line), "INFO %s", section);
    const char *found = strstr(client_ask(client, line), field);
    assert_non_null(found);
    return strtoull(found + strlen(field), NULL, 10);
}

/* Sets key:N; a TTL of 0: none. */
static void set_key(struct client *client, unsigned number, unsigned ttl_s)
{
    static char line[VALUE_BYTES + 128];
    int len = snprintf(line, sizeof(line), "SET key:%u ", number);
    memset(line + len, 'v', VALUE_BYTES);
    len += VALUE_BYTES;
    line[len] = '\0';
    if (ttl_s > 0) snprintf(line + len, sizeof(line) - (size_t)len, " EX %u", ttl_s);
    EXPECT(client, line, "+OK");
}

static bool has_key(struct client *client, unsigned number)
{
    char line[64];
    snprintf(line, sizeof(line), "OBJECT ENCODING key:%u", number); /* looking is not using */
    return strcmp(client_ask(client, line), "nil") != 0;
}

static unsigned count_keys(struct client *client, unsigned from, unsigned to, unsigned step)
{
    unsigned count = 0;
    for (unsigned i = from; i < to; i += step)
        count += has_key(client, i);
    return count;
}

/* Lowers maxmemory so that `percent` of what the keys take remains, and waits until that is reached. */
static void limit_to(struct client *client, const char *policy, unsigned percent)
{
    char line[128];
    uint64_t limit = info(client, "memory", "used_memory:") * percent / 100;
    snprintf(line, sizeof(line), "CONFIG SET maxmemory-policy %s maxmemory %llu", policy,
             (unsigned long long)limit);
    EXPECT(client, line, "+OK");
    assert_true(WAIT_FOR(info(client, "memory", "used_memory:") <= limit));
}

struct scene {
    struct server *server;
    struct client *client;
};

/* Every `volatile_step`th key has a TTL, of its number and some more; 0: none has. */
static struct scene scene_open(unsigned volatile_step)
{
    if (server_is_other()) skip(); /* the figures are cairn's */
    struct scene scene = {.server = server_open(NULL)};
    scene.client = client_open(scene.server, 2);
    for (unsigned i = 0; i < KEYS; i++)
        set_key(scene.client, i, volatile_step > 0 && i % volatile_step == 0 ? 1000 + i : 0);
    return scene;
}

static void scene_close(struct scene *scene)
{
    client_close(scene->client);
    server_close(scene->server);
}

static void noeviction(void **state)
{
    struct scene scene = scene_open(2);
    (void)state;
    EXPECT(scene.client, "CONFIG SET maxmemory 100kb", "+OK");
    EXPECT(scene.client, "SET x 1", "-OOM command not allowed when used memory > 'maxmemory'.");
    EXPECT(scene.client, "GET x", "nil");
    EXPECT(scene.client, "DEL key:0", ":1");
    assert_int_equal(count_keys(scene.client, 1, KEYS, 1), KEYS - 1);
    assert_int_equal(info(scene.client, "stats", "evicted_keys:"), 0);
    EXPECT(scene.client, "FLUSHALL ASYNC", "+OK");
    EXPECT(scene.client, "SET x 1", "+OK"); /* M2 */
    scene_close(&scene);
}

static void allkeys_random(void **state)
{
    struct scene scene = scene_open(0);
    (void)state;
    limit_to(scene.client, "allkeys-random", 50);
    assert_in_range(count_keys(scene.client, 0, KEYS, 1), KEYS * 2 / 5, KEYS * 3 / 5);
    assert_in_range(info(scene.client, "stats", "evicted_keys:"), KEYS * 2 / 5, KEYS * 3 / 5);
    EXPECT(scene.client, "SET x 1", "+OK");
    EXPECT(scene.client, "CONFIG RESETSTAT", "+OK");
    assert_int_equal(info(scene.client, "stats", "evicted_keys:"), 0);
    scene_close(&scene);
}

static void wait_for_clock(void)
{
    nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100000000}, NULL); /* it counts seconds */
}

static void use_first_half(struct client *client, unsigned times)
{
    char line[64];
    for (unsigned i = 0; i < KEYS / 2 * times; i++) {
        snprintf(line, sizeof(line), "GETRANGE key:%u 0 0", i % (KEYS / 2));
        EXPECT(client, line, "'v'");
    }
}

static void allkeys_lru(void **state)
{
    struct scene scene = scene_open(0);
    (void)state;
    wait_for_clock();
    use_first_half(scene.client, 1);
    EXPECT(scene.client, "CONFIG SET maxmemory-samples 10", "+OK");
    limit_to(scene.client, "allkeys-lru", 70);
    assert_in_range(count_keys(scene.client, 0, KEYS / 2, 1), KEYS / 2 * 99 / 100, KEYS / 2);
    scene_close(&scene);
}

static void allkeys_lfu(void **state)
{
    struct scene scene = scene_open(0);
    (void)state;
    EXPECT(scene.client, "CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0 lfu-decay-time 0", "+OK");
    EXPECT(scene.client, "FLUSHALL", "+OK");
    for (unsigned i = 0; i < KEYS; i++)
        set_key(scene.client, i, 0);
    use_first_half(scene.client, 3);
    EXPECT(scene.client, "OBJECT FREQ key:1", ":8");
    EXPECT(scene.client, "OBJECT FREQ key:1999", ":5");
    EXPECT(scene.client, "CONFIG SET maxmemory-samples 10", "+OK");
    limit_to(scene.client, "allkeys-lfu", 70);
    assert_in_range(count_keys(scene.client, 0, KEYS / 2, 1), KEYS / 2 * 99 / 100, KEYS / 2);
    scene_close(&scene);
}

/* Only keys with a TTL go; when none is left, writes are refused. */
static void volatile_goes_first(const char *policy)
{
    struct scene scene = scene_open(4);
    limit_to(scene.client, policy, 85);
    assert_int_equal(count_keys(scene.client, 0, KEYS, 1) - count_keys(scene.client, 0, KEYS, 4),
                     KEYS * 3 / 4);
    assert_in_range(count_keys(scene.client, 0, KEYS, 4), 1, KEYS / 4 - 1);
    EXPECT(scene.client, "CONFIG SET maxmemory 100kb", "+OK");
    assert_true(WAIT_FOR(count_keys(scene.client, 0, KEYS, 4) == 0));
    EXPECT(scene.client, "SET x 1", "-OOM command not allowed when used memory > 'maxmemory'.");
    assert_int_equal(count_keys(scene.client, 0, KEYS, 1), KEYS * 3 / 4);
    scene_close(&scene);
}

static void volatile_lru(void **state)
{
    (void)state;
    volatile_goes_first("volatile-lru");
}

static void volatile_lfu(void **state)
{
    (void)state;
    volatile_goes_first("volatile-lfu");
}

static void volatile_random(void **state)
{
    (void)state;
    volatile_goes_first("volatile-random");
}

static void volatile_ttl(void **state)
{
    struct scene scene = scene_open(1);
    (void)state;
    EXPECT(scene.client, "CONFIG SET maxmemory-samples 10", "+OK");
    limit_to(scene.client, "volatile-ttl", 50);
    assert_in_range(count_keys(scene.client, 0, KEYS / 4, 1), 0, KEYS / 4 / 20);
    assert_in_range(count_keys(scene.client, KEYS * 3 / 4, KEYS, 1), KEYS / 4 * 19 / 20, KEYS / 4);
    scene_close(&scene);
}

/* Writes go on for ever below the limit, whatever the size of a batch. */
static void writes_stay_below(void **state)
{
    struct scene scene = scene_open(0);
    (void)state;
    limit_to(scene.client, "allkeys-lru", 50);
    uint64_t limit = info(scene.client, "memory", "maxmemory:");
    for (unsigned i = 0; i < 5 * KEYS; i++) {
        set_key(scene.client, 10000 + i, 0);
        if (i % 500 == 0)
            assert_in_range(info(scene.client, "memory", "used_memory:"), limit / 2, limit * 102 / 100);
    }
    assert_int_equal(info(scene.client, "stats", "current_eviction_exceeded_time:"), 0);
    scene_close(&scene);
}

/* Nobody asks for anything, and memory comes down all the same. A pause holds everything still. */
static void idle_server(void **state)
{
    struct scene scene = scene_open(0);
    (void)state;
    EXPECT(scene.client, "CLIENT PAUSE 1000000 WRITE", "+OK");
    EXPECT(scene.client, "CONFIG SET maxmemory-policy allkeys-random maxmemory 500kb", "+OK");
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    assert_int_equal(count_keys(scene.client, 0, KEYS, 1), KEYS);
    EXPECT(scene.client, "CLIENT UNPAUSE", "+OK");
    assert_true(WAIT_FOR(info(scene.client, "memory", "used_memory:") <= 500 * 1024));
    EXPECT(scene.client, "CONFIG SET maxmemory 0", "+OK");
    assert_in_range(count_keys(scene.client, 0, KEYS, 1), 1, KEYS / 2);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noeviction),        cmocka_unit_test(allkeys_random),
        cmocka_unit_test(allkeys_lru),       cmocka_unit_test(allkeys_lfu),
        cmocka_unit_test(volatile_lru),      cmocka_unit_test(volatile_lfu),
        cmocka_unit_test(volatile_random),   cmocka_unit_test(volatile_ttl),
        cmocka_unit_test(writes_stay_below), cmocka_unit_test(idle_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
