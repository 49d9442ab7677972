/* block_order_test.c: many clients that wait, over all workers: who came first is served first, and no element is lost or given twice. */
#include "support/script.h"
#include "support/wait.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAITERS   64
#define PUSHERS   4
#define ROUNDS    4
#define PER_PUSH  (WAITERS / PUSHERS)
#define PRODUCERS 3
#define CONSUMERS 6
#define ELEMENTS  1500 /* of each producer */

static bool are_blocked(struct client *client, unsigned wanted)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "'<*>\\nblocked_clients:%u\\r<*>'", wanted);
    return client_reply_is(pattern, client_ask(client, "INFO clients"));
}

/* ---- the queue of those who wait ---- */

static const char *const waits[] = {"BLPOP q 0", "BRPOP nosuch q 0", "BLMPOP 0 2 q other LEFT",
                                    "BLMOVE q moved RIGHT LEFT 0", "BRPOPLPUSH q moved 0"};

/* The pusher of an element, and its number there. */
static unsigned parse(const char *reply, unsigned *number_out)
{
    unsigned pusher = PUSHERS;
    const char *at = strrchr(reply, ':');
    assert_non_null(at);
    assert_int_equal(sscanf(at - 1, "%u:%u", &pusher, number_out), 2);
    assert_true(pusher < PUSHERS);
    return pusher;
}

/* Elements come one by one from several workers at once: the waiters get them in the order in which they began to wait, so each pusher's are
 * handed out in its own order. */
static void first_come_first_served(void **state)
{
    struct client *waiting[WAITERS], *pushers[PUSHERS], *boss = client_open(*state, 2);
    for (size_t i = 0; i < WAITERS; i++)
        waiting[i] = client_open(*state, 2);
    for (size_t i = 0; i < PUSHERS; i++)
        pushers[i] = client_open(*state, 2);
    EXPECT(boss, "FLUSHALL", "+OK");
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned next[PUSHERS] = {0};
        for (unsigned i = 0; i < WAITERS; i++) {
            client_send(waiting[i], waits[(i + round) % 5]);
            assert_true(WAIT_FOR(are_blocked(boss, i + 1)));
        }
        for (unsigned i = 0; i < PER_PUSH; i++) {
            for (unsigned p = 0; p < PUSHERS; p++) {
                char line[32];
                snprintf(line, sizeof line, "%s q %u:%u", i % 2 ? "RPUSH" : "LPUSH", p, i);
                client_send(pushers[p], line);
            }
        }
        for (unsigned i = 0; i < WAITERS; i++) {
            unsigned number;
            unsigned pusher = parse(client_read(waiting[i]), &number);
            if (number != next[pusher]++) fail_msg("waiter %u got %u:%u", i, pusher, number);
        }
        for (unsigned i = 0; i < PER_PUSH * PUSHERS; i++)
            assert_string_equal(client_read(pushers[i % PUSHERS]), ":1");
        EXPECT(boss, "EXISTS q", ":0");
    }
    for (size_t i = 0; i < WAITERS; i++)
        client_close(waiting[i]);
    for (size_t i = 0; i < PUSHERS; i++)
        client_close(pushers[i]);
    client_close(boss);
}

/* ---- conservation ---- */

struct shared {
    atomic_uint seen[PRODUCERS][ELEMENTS];
    atomic_uint total;
};

static void produce(struct client *client, unsigned producer)
{
    char line[96];
    for (unsigned i = 0; i < ELEMENTS; i++) {
        switch (i % 4) {
        case 0:
            client_send(client, "MULTI");
            snprintf(line, sizeof line, "RPUSH work %u:%u", producer, i);
            client_send(client, line);
            client_send(client, "EXEC");
            for (int replies = 0; replies < 3; replies++)
                client_read(client);
            continue;
        case 1:
            snprintf(line, sizeof line, "RPUSH own%u %u:%u", producer, producer, i);
            client_ask(client, line);
            snprintf(line, sizeof line, "LMOVE own%u work LEFT RIGHT", producer);
            break;
        default: snprintf(line, sizeof line, "RPUSH work %u:%u", producer, i);
        }
        client_ask(client, line);
    }
}

/* Takes until it is told to end; what it takes of one producer must come in order. */
static bool consume(struct client *client, unsigned consumer, struct shared *shared)
{
    static const char *const takes[] = {"BLPOP stop work 0", "BLPOP stop work 0.002",
                                        "BLMPOP 0 2 stop work LEFT"};
    long last[PRODUCERS] = {-1, -1, -1};
    for (unsigned i = consumer;; i++) {
        const char *reply = client_ask(client, takes[i % 3]);
        unsigned producer, number;
        if (strcmp(reply, "nil") == 0 || strncmp(reply, "-UNBLOCKED", 10) == 0) continue;
        if (strncmp(reply, "['stop'", 7) == 0) return true;
        const char *at = strrchr(reply, ':');
        if (!at || sscanf(at - 1, "%u:%u", &producer, &number) != 2) return false;
        if (producer >= PRODUCERS || number >= ELEMENTS || (long)number <= last[producer]) return false;
        last[producer] = number;
        atomic_fetch_add(&shared->seen[producer][number], 1);
        atomic_fetch_add(&shared->total, 1);
    }
}

/* Ends waits of others until it is told to end. */
static void meddle(struct client *client)
{
    char line[64];
    unsigned long last = strtoul(client_ask(client, "CLIENT ID") + 1, NULL, 10) + PRODUCERS + CONSUMERS;
    for (unsigned long i = 0; client_ask(client, "EXISTS end")[1] == '0'; i++) {
        snprintf(line, sizeof line, "CLIENT UNBLOCK %lu %s", last - i % 24, i % 2 ? "ERROR" : "TIMEOUT");
        client_ask(client, line);
    }
}

static void nothing_is_lost_or_given_twice(void **state)
{
    pid_t pids[PRODUCERS + CONSUMERS + 1];
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct client *boss = client_open(*state, 2);
    assert_true(shared != MAP_FAILED);
    EXPECT(boss, "FLUSHALL", "+OK");
    for (unsigned i = 0; i <= PRODUCERS + CONSUMERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] > 0) continue;
        alarm(WAIT_CHILD_SECS);
        struct client *client = client_open(*state, 2);
        if (i < PRODUCERS) produce(client, i);
        else if (i == PRODUCERS + CONSUMERS) meddle(client);
        else if (!consume(client, i, shared)) _exit(1);
        _exit(0);
    }
    for (unsigned taken = 0; taken < PRODUCERS * ELEMENTS; taken = atomic_load(&shared->total))
        assert_true(WAIT_FOR(atomic_load(&shared->total) > taken)); /* however slowly, it goes on */
    for (unsigned i = 0; i < CONSUMERS; i++)
        client_ask(boss, "RPUSH stop x");
    EXPECT(boss, "SET end 1", "+OK");
    for (unsigned i = 0; i <= PRODUCERS + CONSUMERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    for (unsigned p = 0; p < PRODUCERS; p++)
        for (unsigned i = 0; i < ELEMENTS; i++)
            assert_int_equal(atomic_load(&shared->seen[p][i]), 1);
    EXPECT(boss, "DBSIZE", ":1");
    assert_true(WAIT_FOR(are_blocked(boss, 0)));
    client_close(boss);
    munmap(shared, sizeof *shared);
}

static int start(void **state)
{
    static const char *const options[] = {"--io-threads", "3", NULL};
    *state = server_open(options);
    return *state == NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(first_come_first_served, script_await_alone),
        cmocka_unit_test_setup(nothing_is_lost_or_given_twice, script_await_alone),
    };
    return cmocka_run_group_tests(tests, start, script_close_server);
}
