/* journal_stress_test.c: everything that changes a heap's persistence, at random and at once, under clients who know what is theirs.
 *
 * Terms: an *owner* has keys that nobody else writes, some of them *fleeting* (with an expiry far away, so that eviction may take
 * them). A *disturber* changes modes, policies and limits, saves, flushes and kills connections.
 *
 * While all of them run:
 * S1. a key holds what its owner wrote last; it may be gone once a FLUSHALL began that had not ended before the write, and, when
 *     fleeting, at any time; what is gone stays gone;
 * S2. what one EXEC counts up is never seen apart;
 * S3. who pops, blocked or not, gets each element once and in order, but for those that a FLUSHALL took;
 * S4. of a connection that is killed, the command in flight was executed whole or not at all;
 * S5. every reply comes within a minute, and is no error but -OOM.
 * At the end the heap passes `cairn check` and a restarted server has the same keys.
 *
 * STRESS_SECONDS and STRESS_SEED override; CAIRN_TEST_LONG=1 takes a minute.
 */
#include "support/long.h"
#include "support/scratch.h"
#include "support/server.h"
#include "support/wait.h"
#include "support/wild_model.h"

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

#include <cmocka.h>

#define OWNERS    3
#define KEYS      48 /* of an owner; the second half is fleeting */
#define BATCH_MAX 16
#define VALUE_MAX 60000
#define VICTIMS   2
#define PAUSE_MAX 8000 /* us */

struct stress {
    struct server *server;
    char folder[64];
    atomic_bool stops;
    atomic_uint flushes_begun, flushes_ended;
    atomic_llong victims[VICTIMS]; /* ids of their connections */
    atomic_ullong commands, changes, kills;
};

/* What an owner knows of a key. */
struct known {
    bool exists;
    uint64_t number;  /* of its last write */
    unsigned flushes; /* that had ended before it */
};

struct worker {
    struct stress *stress;
    unsigned index;
    uint64_t random;
    uint64_t number;
    redisContext *connection;
    struct known keys[KEYS];
    pthread_t thread;
};

static __attribute__((noreturn)) void end_with(const struct worker *worker, const char *what,
                                               const redisReply *reply)
{
    fprintf(stderr, "stress: worker %u: %s: %.200s (its log is in %s, its heap in %s)\n", worker->index, what,
            !reply       ? worker->connection->errstr
            : reply->str ? reply->str
                         : "",
            server_folder(worker->stress->server), worker->stress->folder);
    abort();
}

static void connect_worker(struct worker *worker)
{
    const struct stress *stress = worker->stress;
    worker->connection = worker->index % 2 ? redisConnect("127.0.0.1", (int)server_port(stress->server))
                                           : redisConnectUnix(server_socket(stress->server));
    if (!worker->connection || worker->connection->err) abort();
    if (redisSetTimeout(worker->connection, (struct timeval){.tv_sec = WAIT_SECONDS}) != REDIS_OK) abort();
}

static redisReply *read_reply(struct worker *worker)
{
    redisReply *reply = NULL;
    if (redisGetReply(worker->connection, (void **)&reply) != REDIS_OK) end_with(worker, "no reply", NULL);
    worker->stress->commands++;
    return reply;
}

static __attribute__((format(printf, 2, 3))) redisReply *ask(struct worker *worker, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (redisvAppendCommand(worker->connection, format, arguments) != REDIS_OK) abort();
    va_end(arguments);
    return read_reply(worker);
}

static bool is_oom(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           (strncmp(reply->str, "OOM", 3) == 0 || strncmp(reply->str, "EXECABORT", 9) == 0);
}

/* S5. True: executed. */
static bool was_done(const struct worker *worker, const char *what, redisReply *reply)
{
    bool done = reply->type != REDIS_REPLY_ERROR;
    if (!done && !is_oom(reply)) end_with(worker, what, reply);
    freeReplyObject(reply);
    return done;
}

static uint64_t pick(struct worker *worker, uint64_t count)
{
    return wild_random(&worker->random) % count;
}

static void pause_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

/* ---- owners: S1 ---- */

static size_t make_value(const struct worker *worker, unsigned key, uint64_t number,
                         char value[VALUE_MAX + 64])
{
    uint64_t spread = number;
    uint64_t filling = wild_random(&spread) % (spread % 16 == 0 ? VALUE_MAX : spread % 4 == 0 ? 3000 : 60);
    size_t len = (size_t)sprintf(value, "%u:%u:%" PRIu64 ":", worker->index, key, number);
    memset(value + len, 'a' + (int)(number % 26), filling);
    return len + filling;
}

static bool is_fleeting(unsigned key)
{
    return key >= KEYS / 2;
}

static void check_value(struct worker *worker, unsigned key, redisReply *reply)
{
    static _Thread_local char value[VALUE_MAX + 64];
    struct known *known = &worker->keys[key];
    if (reply->type == REDIS_REPLY_NIL) {
        bool may_be_gone = is_fleeting(key) || worker->stress->flushes_begun != known->flushes;
        if (known->exists && !may_be_gone) end_with(worker, "a key is gone", reply);
        known->exists = false;
    } else {
        size_t len = known->exists ? make_value(worker, key, known->number, value) : 0;
        bool same =
            reply->type == REDIS_REPLY_STRING && reply->len == len && memcmp(reply->str, value, len) == 0;
        if (!known->exists || !same) end_with(worker, "a key holds something else", reply);
    }
    freeReplyObject(reply);
}

enum owner_op { OWNER_SET, OWNER_DELETE, OWNER_GET };

struct owner_command {
    enum owner_op op;
    unsigned key;
    uint64_t number;
};

static struct owner_command send_one(struct worker *worker)
{
    static _Thread_local char value[VALUE_MAX + 64];
    uint64_t kind = pick(worker, 8);
    struct owner_command command = {kind < 3   ? OWNER_SET
                                    : kind < 4 ? OWNER_DELETE
                                               : OWNER_GET,
                                    (unsigned)pick(worker, KEYS), 0};
    if (command.op == OWNER_SET) {
        command.number = ++worker->number;
        size_t len = make_value(worker, command.key, command.number, value);
        redisAppendCommand(worker->connection,
                           is_fleeting(command.key) ? "SET o%u:%u %b EX 9999" : "SET o%u:%u %b",
                           worker->index, command.key, value, len);
    } else {
        redisAppendCommand(worker->connection, command.op == OWNER_GET ? "GET o%u:%u" : "DEL o%u:%u",
                           worker->index, command.key);
    }
    return command;
}

static void *own(void *arg)
{
    struct worker *worker = arg;
    while (!worker->stress->stops) {
        struct owner_command batch[BATCH_MAX];
        unsigned count = 1 + (unsigned)pick(worker, BATCH_MAX), flushes = worker->stress->flushes_ended;
        for (unsigned i = 0; i < count; i++)
            batch[i] = send_one(worker);
        for (unsigned i = 0; i < count; i++) {
            struct known *known = &worker->keys[batch[i].key];
            redisReply *reply = read_reply(worker);
            if (batch[i].op == OWNER_GET) check_value(worker, batch[i].key, reply);
            else if (was_done(worker, "a write", reply))
                *known = (struct known){batch[i].op == OWNER_SET, batch[i].number, flushes};
        }
    }
    return NULL;
}

static void check_all(struct worker *worker)
{
    for (unsigned key = 0; key < KEYS; key++)
        check_value(worker, key, ask(worker, "GET o%u:%u", worker->index, key));
}

/* ---- transactions: S2 ---- */

static void *transact(void *arg)
{
    struct worker *worker = arg;
    while (!worker->stress->stops) {
        redisAppendCommand(worker->connection, "MULTI");
        redisAppendCommand(worker->connection, "INCR left");
        redisAppendCommand(worker->connection, "LPUSH counted x");
        redisAppendCommand(worker->connection, "LTRIM counted 0 20");
        redisAppendCommand(worker->connection, "INCR right");
        redisAppendCommand(worker->connection, "EXEC");
        for (unsigned i = 0; i < 5; i++)
            (void)was_done(worker, "queueing", read_reply(worker));
        redisReply *reply = read_reply(worker);
        if (reply->type == REDIS_REPLY_ARRAY && reply->element[0]->integer != reply->element[3]->integer)
            end_with(worker, "an EXEC was not whole", reply);
        (void)was_done(worker, "EXEC", reply);
    }
    return NULL;
}

static void *compare_counters(void *arg)
{
    struct worker *worker = arg;
    while (!worker->stress->stops) {
        redisReply *reply = ask(worker, "MGET left right");
        if (reply->type != REDIS_REPLY_ARRAY) end_with(worker, "MGET", reply);
        const redisReply *left = reply->element[0], *right = reply->element[1];
        if (left->type != right->type || (left->str && strcmp(left->str, right->str) != 0))
            end_with(worker, "counters apart", reply);
        freeReplyObject(reply);
    }
    return NULL;
}

/* ---- a queue: S3 ---- */

static void *push(void *arg)
{
    struct worker *worker = arg;
    while (!worker->stress->stops)
        if (was_done(worker, "LPUSH", ask(worker, "LPUSH queue %" PRIu64, worker->number + 1)))
            worker->number++;
    return NULL;
}

static bool pop(struct worker *worker, uint64_t *number_out)
{
    bool moves = pick(worker, 2);
    redisReply *reply = ask(worker, moves ? "BLMOVE queue taken RIGHT LEFT 1" : "BRPOP queue 1");
    bool got = reply->type != REDIS_REPLY_NIL && reply->type != REDIS_REPLY_ERROR;
    if (got) *number_out = strtoull(moves ? reply->str : reply->element[1]->str, NULL, 10);
    (void)was_done(worker, "a pop", reply);
    if (got && moves) (void)was_done(worker, "DEL", ask(worker, "DEL taken"));
    return got;
}

static void *take(void *arg)
{
    struct worker *worker = arg;
    unsigned flushes = 0; /* that had ended before the pop before */
    while (!worker->stress->stops) {
        unsigned ended = worker->stress->flushes_ended;
        uint64_t number;
        if (!pop(worker, &number)) continue;
        bool may_skip = worker->stress->flushes_begun != flushes;
        if (number <= worker->number || (number != worker->number + 1 && !may_skip)) {
            fprintf(stderr, "stress: popped %" PRIu64 " after %" PRIu64 "\n", number, worker->number);
            abort();
        }
        worker->number = number;
        flushes = ended;
    }
    return NULL;
}

/* ---- victims: S4 ---- */

static void enlist(struct worker *worker, unsigned victim)
{
    redisFree(worker->connection);
    connect_worker(worker);
    redisReply *reply = redisCommand(worker->connection, "CLIENT ID");
    if (reply) worker->stress->victims[victim] = reply->integer;
    freeReplyObject(reply); /* none: killed again, by an old order; the next command tells */
}

/* What the key holds when the connection broke before `number` was acknowledged. */
static void check_victim(struct worker *worker, struct known *known, struct known tried)
{
    redisReply *reply;
    do {
        enlist(worker, 0);
    } while (!(reply = redisCommand(worker->connection, "GET victim")));
    uint64_t found = reply->type == REDIS_REPLY_STRING ? strtoull(reply->str, NULL, 10) : 0;
    bool is_gone = reply->type == REDIS_REPLY_NIL;
    bool may_be_gone = !known->exists || worker->stress->flushes_begun != known->flushes;
    if (found == tried.number) *known = tried;
    else if (is_gone && may_be_gone) known->exists = false;
    else if (!known->exists || found != known->number) end_with(worker, "a killed connection's key", reply);
    freeReplyObject(reply);
}

static void *write_until_killed(void *arg)
{
    struct worker *worker = arg;
    struct known known = {0};
    enlist(worker, 0);
    while (!worker->stress->stops) {
        struct known tried = {true, ++worker->number, worker->stress->flushes_ended};
        redisReply *reply = redisCommand(worker->connection, "SET victim %" PRIu64, tried.number);
        if (!reply) check_victim(worker, &known, tried);
        else if (was_done(worker, "SET", reply)) known = tried;
    }
    return NULL;
}

static void *block_until_killed(void *arg)
{
    struct worker *worker = arg;
    enlist(worker, 1);
    while (!worker->stress->stops) {
        redisReply *reply = redisCommand(worker->connection, "BLPOP nothing 1");
        if (!reply) enlist(worker, 1);
        freeReplyObject(reply);
    }
    return NULL;
}

/* ---- others ---- */

/* What eviction may take: all types, in a database of their own. */
static void *fill(void *arg)
{
    static const char *const forms[] = {
        "SADD s%u %u a b c",  "HSET h%u %u 1",    "ZADD z%u %u m%u",      "RPUSH l%u %u %u",
        "XADD x%u * f %u",    "SETEX k%u 999 %u", "APPEND k%u %020u%u",   "EXPIRE h%u 9%u99",
        "UNLINK s%u l%u",     "DEL z%u h%u x%u",  "EXPIRE s%u 1%u",       "GETSET k%u %u",
        "SETRANGE b%u %u zz", "PEXPIRE b%u %u",   "COPY h%u c%u REPLACE",
    };
    struct worker *worker = arg;
    (void)was_done(worker, "SELECT", ask(worker, "SELECT 3"));
    while (!worker->stress->stops) {
        unsigned count = 1 + (unsigned)pick(worker, BATCH_MAX);
        for (unsigned i = 0; i < count; i++) {
            char line[128];
            snprintf(line, sizeof line, forms[pick(worker, sizeof forms / sizeof *forms)],
                     (unsigned)pick(worker, 300), (unsigned)pick(worker, 300), (unsigned)pick(worker, 300));
            if (redisAppendCommand(worker->connection, line) != REDIS_OK) abort();
        }
        for (unsigned i = 0; i < count; i++)
            (void)was_done(worker, "a write", read_reply(worker));
    }
    return NULL;
}

static void *switch_modes(void *arg)
{
    struct worker *worker = arg;
    while (!worker->stress->stops) {
        const char *on = pick(worker, 2) ? "yes" : "no",
                   *points = pick(worker, 4) ? "" : "1 1000"; /* which want a journal, too */
        redisReply *reply = pick(worker, 4) ? ask(worker, "CONFIG SET appendonly %s", on)
                                            : ask(worker, "CONFIG SET appendonly %s save %s", on, points);
        (void)was_done(worker, "a change of mode", reply);
        worker->stress->changes++;
        pause_us(pick(worker, 4 * PAUSE_MAX));
    }
    return NULL;
}

static void flush(struct worker *worker)
{
    worker->stress->flushes_begun++;
    (void)was_done(worker, "FLUSHALL", ask(worker, pick(worker, 2) ? "FLUSHALL ASYNC" : "FLUSHALL"));
    worker->stress->flushes_ended++;
}

static void kill_one(struct worker *worker)
{
    long long id = worker->stress->victims[pick(worker, VICTIMS)];
    redisReply *reply = ask(worker, "CLIENT KILL ID %lld", id);
    worker->stress->kills += reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
    freeReplyObject(reply);
}

/* May be under way already, or make no sense in the present mode. */
static void ask_for_anything(struct worker *worker, const char *line)
{
    redisReply *reply = ask(worker, line, 1 + (unsigned)pick(worker, 6));
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR", 3) != 0) end_with(worker, line, reply);
    freeReplyObject(reply);
}

static void *disturb(void *arg)
{
    static const char *const lines[] = {
        "CONFIG SET appendfsync always",
        "CONFIG SET appendfsync everysec",
        "CONFIG SET appendfsync no",
        "BGREWRITEAOF",
        "BGSAVE",
        "SAVE",
        "DEBUG JOURNAL-COPY-PAGES 1",
        "DEBUG JOURNAL-COPY-PAGES 0",
        "CONFIG SET maxmemory 0",
        "CONFIG SET maxmemory %umb maxmemory-policy volatile-random",
        "CONFIG SET maxmemory %umb maxmemory-policy volatile-lru",
        "CONFIG SET journal-max-size 67108864",
        "WAITAOF 1 0 1%u",
        "INFO",
        "CLIENT LIST",
        "SWAPDB 5 %u",
        "EVAL return(redis.call('incr','scripted')) 0",
        "DBSIZE",
    };
    struct worker *worker = arg;
    while (!worker->stress->stops) {
        uint64_t kind = pick(worker, 12);
        if (kind == 0) flush(worker);
        else if (kind < 4) kill_one(worker);
        else ask_for_anything(worker, lines[pick(worker, sizeof lines / sizeof *lines)]);
        pause_us(pick(worker, PAUSE_MAX));
    }
    return NULL;
}

/* ---- the test ---- */

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void check_heap(const struct stress *stress)
{
    char command[512];
    snprintf(command, sizeof(command), "'%s' check '%s/cairn.heap' >&2", CAIRN_BINARY, stress->folder);
    assert_int_equal(system(command), 0);
}

static void open_stress(struct stress *stress)
{
    snprintf(stress->folder, sizeof(stress->folder), "/var/tmp/cairn-stress.XXXXXX");
    assert_non_null(mkdtemp(stress->folder));
    stress->server = server_open((const char *const[]){"--dir", stress->folder, "--appendonly", "yes",
                                                       "--io-threads", "4", "--enable-debug-command", "yes",
                                                       "--maxmemory-policy", "volatile-random", NULL});
}

typedef void *role(void *worker);

static void run_all(struct worker *workers, size_t count, role *const roles[], uint64_t seconds)
{
    struct stress *stress = workers[0].stress;
    for (size_t i = 0; i < count; i++) {
        connect_worker(&workers[i]);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, roles[i], &workers[i]), 0);
    }
    int64_t begun_ms = wait_now_ms();
    while (wait_now_ms() - begun_ms < (int64_t)seconds * 1000)
        pause_us(10000);
    stress->stops = true;
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
}

static void test_all_at_once(void **state)
{
    static role *const roles[] = {
        own,          own,     own,    transact,           compare_counters,   push,
        take,         fill,    fill,   write_until_killed, block_until_killed, switch_modes,
        switch_modes, disturb, disturb};
    const size_t count = sizeof roles / sizeof *roles;
    uint64_t seed = env_number("STRESS_SEED", (uint64_t)wait_now_ms());
    (void)state;
    if (server_is_other()) skip();
    struct stress *stress = calloc(1, sizeof *stress);
    struct worker *workers = calloc(count, sizeof *workers);
    assert_true(stress && workers);
    print_message("stress: seed %" PRIu64 "\n", seed);
    open_stress(stress);
    for (unsigned i = 0; i < count; i++)
        workers[i] = (struct worker){.stress = stress, .index = i, .random = seed + i};
    run_all(workers, count, roles, env_number("STRESS_SECONDS", test_is_long() ? 60 : 3));
    for (unsigned i = 0; i < OWNERS; i++)
        check_all(&workers[i]);
    for (size_t i = 0; i < count; i++)
        redisFree(workers[i].connection);
    assert_int_equal(server_stop(stress->server, SIGTERM), 0);
    check_heap(stress);
    server_start(stress->server);
    for (unsigned i = 0; i < OWNERS; i++) {
        connect_worker(&workers[i]);
        check_all(&workers[i]);
        redisFree(workers[i].connection);
    }
    print_message("stress: %llu commands, %llu changes of mode, %u flushes, %llu kills\n", stress->commands,
                  stress->changes, stress->flushes_ended, stress->kills);
    server_close(stress->server);
    scratch_remove(stress->folder);
    free(workers);
    free(stress);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
