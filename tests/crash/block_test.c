/* block_test.c: kill -9 while clients that wait are served: nothing that was acknowledged is lost, and nothing is there twice.
 *
 * Producers push numbered elements onto `q`. Movers wait with BLMOVE q done, and further ones with BLMOVE done kept, so that serving
 * one feeds the other. Some give up after a moment, some hang up in the midst of a wait. Whatever they do, an element is in exactly one of
 * the lists:
 * L1. each acknowledged push is in q, done or kept, once;
 * L2. what a mover was given is in its destination, or further on;
 * L3. nothing is there twice, acknowledged or not.
 *
 * BLOCK_KILLS overrides how often the server is killed; CAIRN_TEST_LONG=1 kills a hundred times.
 */
#include "support/long.h"
#include "support/server.h"
#include "support/wait.h"
#include "util/assert.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PRODUCERS    2
#define MOVERS       8 /* half of them from q to done, the others from done to kept */
#define ELEMENTS_MAX 2000000
#define RUN_ELEMENTS 2000 /* acknowledged, before the server is killed */

enum place { NOWHERE, IN_Q, IN_DONE, IN_KEPT };

struct load {
    struct server *server;
    atomic_bool killing;
    atomic_uint next_element;
    atomic_uint moved;
    _Atomic unsigned char *acknowledged; /* by element: the place that it has reached at least */
};

struct actor {
    struct load *load;
    unsigned index;
    pthread_t thread;
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static redisContext *connect_to(const struct load *load, unsigned index)
{
    redisContext *connection = index % 2 ? redisConnect("127.0.0.1", (int)server_port(load->server))
                                         : redisConnectUnix(server_socket(load->server));
    if (connection && !connection->err) return connection;
    ASSERT(load->killing);
    if (connection) redisFree(connection);
    return NULL;
}

static void note(struct load *load, unsigned long element, enum place place)
{
    unsigned char before = atomic_load(&load->acknowledged[element]);
    while (before < place && !atomic_compare_exchange_weak(&load->acknowledged[element], &before, place))
        continue;
}

/* ---- producers ---- */

/* One element by itself, or two in a transaction. False when the server is gone. */
static bool produce(struct load *load, redisContext *connection, bool transaction)
{
    unsigned first = atomic_fetch_add(&load->next_element, 2);
    unsigned count = transaction ? 2 : 1;
    bool alive = true;
    ASSERT(first + 2 < ELEMENTS_MAX);
    if (transaction) redisAppendCommand(connection, "MULTI");
    for (unsigned i = 0; i < count; i++)
        redisAppendCommand(connection, i % 2 ? "RPUSH q %u" : "LPUSH q %u", first + i);
    if (transaction) redisAppendCommand(connection, "EXEC");
    for (unsigned i = 0; alive && i < (transaction ? count + 2 : 1); i++) {
        redisReply *reply = NULL;
        alive = redisGetReply(connection, (void **)&reply) == REDIS_OK;
        ASSERT(!alive || reply->type != REDIS_REPLY_ERROR);
        freeReplyObject(reply);
    }
    for (unsigned i = 0; alive && i < count; i++)
        note(load, first + i, IN_Q);
    return alive;
}

static void *produce_until_killed(void *arg)
{
    struct actor *actor = arg;
    uint64_t random = actor->index;
    redisContext *connection = connect_to(actor->load, actor->index);
    while (connection && produce(actor->load, connection, next_random(&random) % 4 == 0))
        continue;
    if (connection) redisFree(connection);
    ASSERT(actor->load->killing);
    return NULL;
}

/* ---- movers ---- */

static const char *const moves[] = {"BLMOVE q done LEFT RIGHT %s", "BRPOPLPUSH q done %s",
                                    "BLMOVE done kept LEFT RIGHT %s", "BRPOPLPUSH done kept %s"};

/* One wait; hangs up instead of reading the reply now and then. NULL when the server is gone. */
static redisContext *move(struct actor *actor, redisContext *connection, uint64_t *random)
{
    struct load *load = actor->load;
    unsigned kind = actor->index % 4;
    redisReply *reply = NULL;
    redisAppendCommand(connection, moves[kind], next_random(random) % 8 == 0 ? "0.001" : "0");
    if (next_random(random) % 64 == 0) {
        int done = 0;
        while (!done && redisBufferWrite(connection, &done) == REDIS_OK)
            continue;
        redisFree(connection);
        return connect_to(load, actor->index);
    }
    if (redisGetReply(connection, (void **)&reply) != REDIS_OK) {
        redisFree(connection);
        return NULL;
    }
    ASSERT(reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL);
    if (reply->type == REDIS_REPLY_STRING) {
        note(load, strtoul(reply->str, NULL, 10), kind < 2 ? IN_DONE : IN_KEPT);
        atomic_fetch_add(&load->moved, 1);
    }
    freeReplyObject(reply);
    return connection;
}

static void *move_until_killed(void *arg)
{
    struct actor *actor = arg;
    uint64_t random = actor->index + 100;
    redisContext *connection = connect_to(actor->load, actor->index);
    while (connection)
        connection = move(actor, connection, &random);
    ASSERT(actor->load->killing);
    return NULL;
}

/* ---- what is there after a restart ---- */

static size_t read_list(redisContext *connection, const char *name, enum place place, unsigned char *found)
{
    redisReply *reply = redisCommand(connection, "LRANGE %s 0 -1", name);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    for (size_t i = 0; i < reply->elements; i++) {
        unsigned long element = strtoul(reply->element[i]->str, NULL, 10);
        assert_true(element < ELEMENTS_MAX);
        if (found[element] != NOWHERE) fail_msg("element %lu is there twice", element); /* L3 */
        found[element] = (unsigned char)place;
    }
    size_t count = reply->elements;
    freeReplyObject(reply);
    return count;
}

static void compare(const struct load *load)
{
    unsigned char *found = calloc(ELEMENTS_MAX, 1);
    redisContext *connection = connect_to(load, 0);
    assert_non_null(found);
    assert_non_null(connection);
    read_list(connection, "q", IN_Q, found);
    read_list(connection, "done", IN_DONE, found);
    read_list(connection, "kept", IN_KEPT, found);
    unsigned end = atomic_load(&load->next_element);
    for (unsigned element = 0; element < end; element++) {
        unsigned char known = atomic_load(&load->acknowledged[element]);
        if (found[element] < known) /* L1, L2 */
            fail_msg("element %u had reached list %u, and is in %u", element, known, found[element]);
        atomic_store(&load->acknowledged[element], found[element]);
    }
    redisFree(connection);
    free(found);
}

static void run_and_kill(struct load *load)
{
    struct actor actors[PRODUCERS + MOVERS];
    atomic_store(&load->moved, 0);
    for (unsigned i = 0; i < PRODUCERS + MOVERS; i++) {
        actors[i] = (struct actor){.load = load, .index = i};
        void *(*run)(void *) = i < MOVERS ? move_until_killed : produce_until_killed;
        assert_int_equal(pthread_create(&actors[i].thread, NULL, run, &actors[i]), 0);
    }
    bool ran = WAIT_FOR(atomic_load(&load->moved) >= RUN_ELEMENTS);
    load->killing = true;
    int status = server_stop(load->server, SIGKILL);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (unsigned i = 0; i < PRODUCERS + MOVERS; i++)
        pthread_join(actors[i].thread, NULL);
    assert_true(ran);
    server_start(load->server);
    load->killing = false;
}

static void run_with(const char *const *options)
{
    const char *wanted = getenv("BLOCK_KILLS");
    unsigned long kills = wanted ? strtoul(wanted, NULL, 10) : test_is_long() ? 100 : 6;
    struct load load = {.server = server_open(options), .acknowledged = calloc(ELEMENTS_MAX, 1)};
    assert_non_null(load.acknowledged);
    for (unsigned long i = 0; i < kills; i++) {
        run_and_kill(&load);
        compare(&load);
    }
    server_close(load.server);
    free(load.acknowledged);
}

static void killed_while_serving(void **state)
{
    (void)state;
    run_with((const char *const[]){"--io-threads", "2", NULL});
}

static void killed_with_a_journal(void **state)
{
    (void)state;
    run_with((const char *const[]){"--io-threads", "2", "--appendonly", "yes", NULL});
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_while_serving),
                                       cmocka_unit_test(killed_with_a_journal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
