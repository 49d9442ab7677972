/* wild_test.c: kill -9 at a random moment, restart, compare with what the clients know; again and again.
 *
 * Terms: a *client* is a connection and its model (support/wild_model.h); its *batch* is what it has sent and
 * not yet read the replies of. Clients 0 and 1 share a database, the others have one each and may flush it.
 *
 * The heap lies on tmpfs or on a disk, there without a journal or with one, under each value of appendfsync, or moves between the two;
 * the server's threads may be made to come late to everything (preload/stall.c), as on a machine with too much to do.
 *
 * After every kill:
 * W1. every acknowledged command of a client is there;
 * W2. of its batch, the server has executed the first j commands, for some j, each whole, and nothing of the
 * others; and while the server runs: W3. every reply is the one that the model expects.
 *
 * WILD_KILLS, WILD_SEED, WILD_CLIENTS and WILD_LIFE_MS (a server's longest life) override; TEST_SERVER_BINARY names another build's
 * cairn, which wants longer lives when it is a slow one; WILD_ONLY names the tests to run (cmocka's pattern: test_journal_*);
 * CAIRN_TEST_LONG=1 kills thousands of times.
 */
#include "support/long.h"
#include "support/server.h"
#include "support/wait.h"
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
#include <unistd.h>

#include <cmocka.h>

#define CLIENTS_MAX 12
#define BATCH_MAX   48
#define RUN_MAX_MS  120 /* of a server's life */
#define SWITCHED_RUN_MAX_MS 1500 /* a change of mode waits for a checkpoint */
#define CHECK_EVERY 8   /* kills per `cairn check` */
#define HEAP_FILE   "cairn.heap"
#define STALL_EVERY         "500" /* us */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PRELOADS false /* sanitizers want to be first */
#else
#define PRELOADS true
#endif

struct wild;

struct client {
    struct wild *wild;
    unsigned index;
    unsigned db;
    char prefix[16];
    uint64_t random;
    struct wild_model model;
    struct wild_command batch[BATCH_MAX];
    unsigned batch_count; /* sent */
    unsigned acked;       /* of them */
    redisContext *connection;
    pthread_t thread;
    uint64_t commands, acknowledged;
};

struct persistence {
    bool append_only;
    const char *fsync;
    bool switches;  /* CONFIG SET appendonly, again and again */
    bool copies;    /* the image is written in whole pages, one checkpoint after the other */
    bool stalls;    /* threads come late */
    unsigned share; /* of all kills, one in so many */
};

struct wild {
    char folder[64]; /* the server's data; its log is in a folder of its own */
    struct server *server;
    atomic_bool killing; /* from now on connections may break */
    unsigned clients_count;
    struct client clients[CLIENTS_MAX];
    uint64_t random;
    unsigned kills, checks;
    bool switches; /* between the modes of the heap */
    bool copies;   /* whole pages */
    bool stalls;   /* late threads */
    redisContext *disturber; /* who does that */
    unsigned switched, rewrites;
    uint64_t switch_random;
    uint64_t verified; /* keys compared after kills */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000},
              NULL);
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- the server ---- */

/* The test's own thread: an assertion elsewhere ends the program without its text. And before there may be a kill. */
static redisContext *connect_client(const struct wild *wild, unsigned index)
{
    redisContext *connection = index % 2 ? redisConnect("127.0.0.1", (int)server_port(wild->server))
                                         : redisConnectUnix(server_socket(wild->server));
    assert_non_null(connection);
    assert_int_equal(connection->err, 0);
    assert_int_equal(redisSetTimeout(connection, (struct timeval){.tv_sec = WAIT_SECONDS}), REDIS_OK);
    return connection;
}

static void kill_server(struct wild *wild)
{
    wild->killing = true;
    (void)server_stop(wild->server, SIGKILL); /* which fails when it ended by a fault of its own before */
}

static void begin_stalls(const struct wild *wild)
{
    if (!wild->stalls) return;
    setenv("STALL_EVERY_US", STALL_EVERY, 0);
    setenv("LD_PRELOAD", STALL_PRELOAD, 1);
}

static void end_stalls(void)
{
    unsetenv("LD_PRELOAD"); /* of the server alone */
}

static void start_server(struct wild *wild)
{
    begin_stalls(wild);
    server_start(wild->server);
    end_stalls();
    wild->killing = false;
}

static void heap_check(struct wild *wild)
{
    const char *binary = server_is_other() ? getenv("TEST_SERVER_BINARY") : CAIRN_BINARY;
    char command[512];
    snprintf(command, sizeof(command), "'%s' check '%s/" HEAP_FILE "' >'%s/check.log' 2>&1", binary,
             wild->folder, wild->folder);
    if (system(command) != 0) fail_msg("after kill %u: %s", wild->kills, command);
    wild->checks++;
}

/* ---- a client at work ---- */

static void send_command(struct client *client, const struct wild_command *command)
{
    char scratch[WILD_SCRATCH_BYTES];
    struct slice args[WILD_ARGS_MAX];
    const char *argv[WILD_ARGS_MAX];
    size_t lens[WILD_ARGS_MAX];
    size_t count = wild_command_args(&client->model, command, scratch, args);
    for (size_t i = 0; i < count; i++) {
        argv[i] = args[i].ptr;
        lens[i] = args[i].len;
    }
    ASSERT(redisAppendCommandArgv(client->connection, (int)count, argv, lens) == REDIS_OK);
}

/* W3 */
static void compare_reply(const struct client *client, const struct wild_command *command,
                          const redisReply *got, const struct wild_reply *expected)
{
    bool same = false;
    switch (expected->type) {
    case WILD_REPLY_OK: same = got->type == REDIS_REPLY_STATUS; break;
    case WILD_REPLY_NULL: same = got->type == REDIS_REPLY_NIL; break;
    case WILD_REPLY_ERROR: same = got->type == REDIS_REPLY_ERROR; break;
    case WILD_REPLY_INTEGER:
        same = got->type == REDIS_REPLY_INTEGER && got->integer == expected->integer;
        break;
    case WILD_REPLY_BYTES:
        same = got->type == REDIS_REPLY_STRING && got->len == expected->len &&
               memcmp(got->str, expected->bytes, got->len) == 0;
        break;
    }
    if (same) return;
    fprintf(stderr,
            "wild: client %u, operation %d on keys %u, %u: reply type %d, integer %lld, %.100s; expected "
            "type %d, integer %" PRId64 "\n",
            client->index, (int)command->op, command->keys[0], command->keys[1], got->type, got->integer,
            got->str ? got->str : "", (int)expected->type, expected->integer);
    abort();
}

static void acknowledge(struct client *client, const redisReply *got)
{
    const struct wild_command *command = &client->batch[client->acked];
    struct wild_reply expected = wild_model_apply(&client->model, command, now_ms());
    compare_reply(client, command, got, &expected);
    wild_reply_free(&expected);
    client->acked++;
    client->acknowledged++;
}

static void forget_batch(struct client *client)
{
    for (unsigned i = 0; i < client->batch_count; i++)
        wild_command_free(&client->batch[i]);
    client->batch_count = client->acked = 0;
}

static bool run_batch(struct client *client)
{
    unsigned count = 1 + (unsigned)(wild_random(&client->random) % BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        client->batch[i] = wild_command_random(&client->model, &client->random, client->db != 0);
        client->batch[i].sent_ms = now_ms();
        send_command(client, &client->batch[i]);
    }
    client->batch_count = count;
    client->commands += count;
    while (client->acked < count) {
        redisReply *reply;
        if (redisGetReply(client->connection, (void **)&reply) != REDIS_OK) return false;
        acknowledge(client, reply);
        freeReplyObject(reply);
    }
    forget_batch(client);
    return true;
}

/* A connection broke, or nothing came for a minute: only a kill may do that. */
static void expect_kill(const struct wild *wild)
{
    if (wild->killing) return;
    fprintf(stderr, "wild: the server is gone, or silent, after kill %u; its log is in %s, its heap in %s\n",
            wild->kills, server_folder(wild->server), wild->folder);
    abort();
}

/* Until the server is gone. The batch then holds what was in flight. */
static void *client_main(void *arg)
{
    struct client *client = arg;
    while (run_batch(client))
        ;
    expect_kill(client->wild);
    return NULL;
}

static void client_connect(struct client *client)
{
    client->connection = connect_client(client->wild, client->index);
    redisReply *reply = redisCommand(client->connection, "SELECT %u", client->db);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

/* ---- comparison after a restart ---- */

/* What the server holds. `owners` own the bytes of values. */
struct found {
    struct wild_value values[WILD_KEYS];
    redisReply *owners[WILD_KEYS];
    struct wild_collection collections[WILD_COLLECTIONS];
};

/* What the server holds under key `key`; the reply that owns the bytes is returned. */
static redisReply *read_key(struct client *client, struct wild_value *found_out)
{
    redisReply *expiry, *value;
    assert_int_equal(redisGetReply(client->connection, (void **)&expiry), REDIS_OK);
    assert_int_equal(redisGetReply(client->connection, (void **)&value), REDIS_OK);
    assert_int_equal(expiry->type, REDIS_REPLY_INTEGER);
    *found_out = (struct wild_value){0};
    if (value->type != REDIS_REPLY_NIL) {
        assert_int_equal(value->type, REDIS_REPLY_STRING);
        found_out->exists = true;
        found_out->bytes = value->str;
        found_out->len = value->len;
        found_out->expiry_max_ms = expiry->integer > 0 ? expiry->integer : 0;
    }
    freeReplyObject(expiry);
    return value;
}

/* One element of a reply; returns how many of its parts it takes. */
static size_t read_item(enum wild_type type, redisReply *const *parts, struct wild_item *item_out)
{
    *item_out = (struct wild_item){0};
    if (type == WILD_STREAM) { /* [id, [field, value]] */
        item_out->element = wild_element_parse(parts[0]->element[0]->str);
        item_out->value = (int64_t)wild_element_parse(parts[0]->element[1]->element[1]->str);
        return 1;
    }
    item_out->element = wild_element_parse(parts[0]->str);
    if (type == WILD_LIST || type == WILD_PLAIN_SET) return 1;
    item_out->value = strtoll(parts[1]->str, NULL, 10);
    return 2;
}

static void read_collection(struct client *client, enum wild_type type, struct wild_collection *found_out)
{
    redisReply *reply;
    assert_int_equal(redisGetReply(client->connection, (void **)&reply), REDIS_OK);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    *found_out = (struct wild_collection){0};
    for (size_t i = 0; i < reply->elements;) {
        struct wild_item item;
        i += read_item(type, reply->element + i, &item);
        wild_collection_append(found_out, item);
    }
    if (!wild_is_sequence(type)) wild_collection_sort(found_out);
    freeReplyObject(reply);
}

static void read_all(struct client *client, struct found *found_out)
{
    static const char *const readers[WILD_TYPES] = {
        [WILD_HASH] = "HGETALL %s",
        [WILD_LIST] = "LRANGE %s 0 -1",
        [WILD_SORTED_SET] = "ZRANGE %s 0 -1 WITHSCORES",
        [WILD_STREAM] = "XRANGE %s - +",
        [WILD_PLAIN_SET] = "SMEMBERS %s",
    };
    char name[32];
    for (unsigned key = 0; key < WILD_KEYS; key++) {
        wild_key_name(&client->model, key, name);
        redisAppendCommand(client->connection, "PEXPIRETIME %s", name);
        redisAppendCommand(client->connection, "GET %s", name);
    }
    for (unsigned i = 0; i < WILD_COLLECTIONS; i++) {
        wild_key_name(&client->model, WILD_KEYS + i, name);
        redisAppendCommand(client->connection, readers[wild_type(i)], name);
    }
    for (unsigned key = 0; key < WILD_KEYS; key++)
        found_out->owners[key] = read_key(client, &found_out->values[key]);
    for (unsigned i = 0; i < WILD_COLLECTIONS; i++)
        read_collection(client, wild_type(i), &found_out->collections[i]);
}

static void found_free(struct found *found)
{
    for (unsigned key = 0; key < WILD_KEYS; key++)
        freeReplyObject(found->owners[key]);
    for (unsigned i = 0; i < WILD_COLLECTIONS; i++)
        wild_collection_drop(&found->collections[i]);
}

static bool allows_all(const struct client *client, const struct found *found, int64_t from_ms, int64_t to_ms,
                       unsigned *wrong_out)
{
    const struct wild_model *model = &client->model;
    for (*wrong_out = 0; *wrong_out < WILD_KEYS; ++*wrong_out)
        if (!wild_model_allows(model, *wrong_out, &found->values[*wrong_out], from_ms, to_ms)) return false;
    for (unsigned i = 0; i < WILD_COLLECTIONS; i++, ++*wrong_out)
        if (!wild_collection_equals(&model->collections[i], &found->collections[i])) return false;
    return true;
}

static void explain_value(const struct wild_value *value, const struct wild_value *found)
{
    fprintf(stderr, "  model: exists %d, %zu bytes, expiry %" PRId64 "..%" PRId64 "\n", value->exists,
            value->len, value->expiry_min_ms, value->expiry_max_ms);
    fprintf(stderr, "  server: exists %d, %zu bytes, expiry %" PRId64 "\n", found->exists, found->len,
            found->expiry_max_ms);
}

static void explain_collection(const char *whose, const struct wild_collection *collection)
{
    fprintf(stderr, "  %s: %zu items", whose, collection->count);
    for (size_t i = 0; i < collection->count; i++)
        fprintf(stderr, " %" PRIu64 "=%" PRId64, collection->items[i].element, collection->items[i].value);
    fprintf(stderr, "\n");
}

static void explain(const struct client *client, const struct found *found, unsigned key)
{
    const struct wild_model *model = &client->model;
    fprintf(stderr,
            "wild: client %u, db %u, key %s:%u differs after kill %u, %u of %u in flight unacknowledged\n",
            client->index, client->db, client->prefix, key, client->wild->kills,
            client->batch_count - client->acked, client->batch_count);
    if (key < WILD_KEYS) {
        explain_value(&model->values[key], &found->values[key]);
    } else {
        explain_collection("model", &model->collections[key - WILD_KEYS]);
        explain_collection("server", &found->collections[key - WILD_KEYS]);
    }
    for (unsigned i = 0; i < client->batch_count; i++)
        fprintf(stderr, "  %s operation %d on keys %u, %u\n",
                i < client->acked ? "acknowledged" : "in flight", (int)client->batch[i].op,
                client->batch[i].keys[0], client->batch[i].keys[1]);
}

/* W1, W2: lets the model execute the batch until it is what the server holds. */
static void verify(struct client *client, int64_t killed_ms)
{
    struct found found;
    int64_t from_ms = now_ms();
    read_all(client, &found);
    int64_t to_ms = now_ms();

    unsigned executed = client->acked, wrong = 0;
    while (!allows_all(client, &found, from_ms, to_ms, &wrong) && executed < client->batch_count) {
        struct wild_reply reply = wild_model_apply(&client->model, &client->batch[executed++], killed_ms);
        wild_reply_free(&reply);
    }
    if (!allows_all(client, &found, from_ms, to_ms, &wrong)) {
        explain(client, &found, wrong);
        fail_msg("the server lost or invented something; its folder is %s", client->wild->folder);
    }
    found_free(&found);
    client->wild->verified += WILD_KEYS + WILD_COLLECTIONS;
    forget_batch(client);
}

/* ---- the loop ---- */

/* False: the server is gone. */
static bool ask(redisContext *connection, bool may_fail, const char *command)
{
    redisReply *reply = redisCommand(connection, command);
    if (!reply) return false;
    ASSERT(reply->type == REDIS_REPLY_STATUS || (may_fail && reply->type == REDIS_REPLY_ERROR));
    freeReplyObject(reply);
    return true;
}

static bool disturb_once(struct wild *wild, redisContext *connection, bool on)
{
    if (wild->copies && (!ask(connection, false, "DEBUG JOURNAL-COPY-PAGES 1") ||
                         !ask(connection, true, "BGREWRITEAOF"))) /* one may be under way */
        return false;
    wild->rewrites += wild->copies;
    if (wild->switches && !ask(connection, false, on ? "CONFIG SET appendonly yes" : "CONFIG SET appendonly no"))
        return false;
    wild->switched += wild->switches;
    return true;
}

/* Until the server is gone. Turning `appendonly` on and off moves the heap between its modes under load. */
static void *disturb(void *arg)
{
    struct wild *wild = arg;
    for (bool on = false; disturb_once(wild, wild->disturber, on); on = !on)
        sleep_us(1000 + wild_random(&wild->switch_random) % 10000);
    expect_kill(wild);
    return NULL;
}

static void one_life(struct wild *wild)
{
    pthread_t disturber;
    bool disturbs = wild->switches || wild->copies;
    if (disturbs) {
        wild->disturber = connect_client(wild, 0);
        assert_int_equal(pthread_create(&disturber, NULL, disturb, wild), 0);
    }
    for (unsigned i = 0; i < wild->clients_count; i++)
        assert_int_equal(pthread_create(&wild->clients[i].thread, NULL, client_main, &wild->clients[i]), 0);
    uint64_t most_ms = env_number("WILD_LIFE_MS", wild->switches ? SWITCHED_RUN_MAX_MS : RUN_MAX_MS);
    sleep_us(500 + wild_random(&wild->random) % (most_ms * 1000));
    kill_server(wild);
    int64_t killed_ms = now_ms();
    if (disturbs) {
        pthread_join(disturber, NULL);
        redisFree(wild->disturber);
    }
    for (unsigned i = 0; i < wild->clients_count; i++) {
        pthread_join(wild->clients[i].thread, NULL);
        redisFree(wild->clients[i].connection);
    }
    wild->kills++;
    if (wild->kills % CHECK_EVERY == 0) heap_check(wild);
    start_server(wild);
    for (unsigned i = 0; i < wild->clients_count; i++) {
        client_connect(&wild->clients[i]);
        verify(&wild->clients[i], killed_ms);
    }
}

static void wild_init(struct wild *wild, const char *parent, uint64_t seed)
{
    snprintf(wild->folder, sizeof(wild->folder), "%s/cairn-wild.XXXXXX", parent);
    assert_non_null(mkdtemp(wild->folder));
    wild->random = seed;
    wild->switch_random = ~seed;
    wild->clients_count = (unsigned)env_number("WILD_CLIENTS", 4);
    assert_in_range(wild->clients_count, 1, CLIENTS_MAX);
    for (unsigned i = 0; i < wild->clients_count; i++) {
        struct client *client = &wild->clients[i];
        client->wild = wild;
        client->index = i;
        client->db = i < 2 ? 0 : i;
        client->random = wild_random(&wild->random);
        snprintf(client->prefix, sizeof(client->prefix), "c%u", i);
        client->model.prefix = client->prefix;
    }
}

static void wild_end(struct wild *wild)
{
    uint64_t commands = 0, acknowledged = 0;
    for (unsigned i = 0; i < wild->clients_count; i++) {
        struct client *client = &wild->clients[i];
        commands += client->commands;
        acknowledged += client->acknowledged;
        redisFree(client->connection);
        wild_model_free(&client->model);
    }
    server_close(wild->server);
    print_message("wild: %u kills, %u checks, %u switches, %u rewrites, %" PRIu64 " commands, %" PRIu64
                  " acknowledged, %" PRIu64 " keys verified in %s\n",
                  wild->kills, wild->checks, wild->switched, wild->rewrites, commands, acknowledged, wild->verified,
                  wild->folder);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", wild->folder);
    assert_int_equal(system(command), 0);
}

static void run_wild(const char *parent, uint64_t salt, const struct persistence *persistence)
{
    uint64_t kills = env_number("WILD_KILLS", test_is_long() ? 3000 : 200) / persistence->share;
    uint64_t seed = env_number("WILD_SEED", (uint64_t)now_ms());
    print_message("wild: seed %" PRIu64 "\n", seed);
    struct wild *wild = calloc(1, sizeof(*wild));
    assert_non_null(wild);
    wild->switches = persistence->switches;
    wild->copies = persistence->copies;
    wild->stalls = persistence->stalls;
    wild_init(wild, parent, seed + salt);
    const char *const options[] = {"--dir",
                                   wild->folder,
                                   "--appendonly",
                                   persistence->append_only ? "yes" : "no",
                                   "--appendfsync",
                                   persistence->fsync,
                                   "--enable-debug-command",
                                   "yes",
                                   "--io-threads",
                                   "2",
                                   "--hash-max-listpack-entries",
                                   "64",
                                   "--set-max-listpack-entries",
                                   "64",
                                   "--zset-max-listpack-entries",
                                   "64",
                                   "--list-max-listpack-size",
                                   "32",
                                   "--stream-node-max-entries",
                                   "16",
                                   NULL};
    begin_stalls(wild);
    wild->server = server_open(options);
    end_stalls();
    for (unsigned i = 0; i < wild->clients_count; i++)
        client_connect(&wild->clients[i]);
    while (wild->kills < kills)
        one_life(wild);
    wild_end(wild);
    free(wild);
}

static void test_tmpfs(void **state)
{
    (void)state;
    run_wild("/dev/shm", 0, &(struct persistence){.fsync = "everysec", .share = 2});
}

static void test_disk(void **state)
{
    (void)state;
    run_wild("/var/tmp", 1, &(struct persistence){.fsync = "everysec", .share = 4});
}

static void test_journal_always(void **state)
{
    (void)state;
    run_wild("/var/tmp", 2, &(struct persistence){.append_only = true, .fsync = "always", .share = 4});
}

static void test_journal_everysec(void **state)
{
    (void)state;
    run_wild("/var/tmp", 3, &(struct persistence){.append_only = true, .fsync = "everysec", .share = 4});
}

static void test_journal_no(void **state)
{
    (void)state;
    run_wild("/var/tmp", 4, &(struct persistence){.append_only = true, .fsync = "no", .share = 4});
}

static void test_switched_modes(void **state)
{
    (void)state;
    run_wild("/var/tmp", 5,
             &(struct persistence){.append_only = true, .fsync = "everysec", .switches = true, .share = 10});
}

static void test_whole_pages(void **state)
{
    (void)state;
    run_wild("/var/tmp", 6,
             &(struct persistence){.append_only = true, .fsync = "everysec", .copies = true, .share = 4});
}

static void test_whole_pages_and_switched_modes(void **state)
{
    (void)state;
    run_wild("/var/tmp", 7,
             &(struct persistence){
                 .append_only = true, .fsync = "always", .switches = true, .copies = true, .share = 10});
}

static void run_late(uint64_t salt, const char *fsync, bool switches)
{
    if (!PRELOADS || server_is_other()) skip();
    run_wild("/var/tmp", salt,
             &(struct persistence){
                 .append_only = true, .fsync = fsync, .switches = switches, .stalls = true, .share = 20});
}

static void test_late_threads_always(void **state)
{
    (void)state;
    run_late(8, "always", false);
}

static void test_late_threads_everysec(void **state)
{
    (void)state;
    run_late(9, "everysec", false);
}

static void test_late_threads_no(void **state)
{
    (void)state;
    run_late(10, "no", false);
}

static void test_late_threads_and_switched_modes(void **state)
{
    (void)state;
    run_late(11, "always", true);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (getenv("WILD_ONLY") != NULL) cmocka_set_test_filter(getenv("WILD_ONLY"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tmpfs),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_journal_always),
        cmocka_unit_test(test_journal_everysec),
        cmocka_unit_test(test_journal_no),
        cmocka_unit_test(test_switched_modes),
        cmocka_unit_test(test_whole_pages),
        cmocka_unit_test(test_whole_pages_and_switched_modes),
        cmocka_unit_test(test_late_threads_always),
        cmocka_unit_test(test_late_threads_everysec),
        cmocka_unit_test(test_late_threads_no),
        cmocka_unit_test(test_late_threads_and_switched_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
