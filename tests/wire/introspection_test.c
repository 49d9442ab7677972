/* introspection_test.c: what the server says of itself and of its values: DEBUG, INFO, CONFIG; and what must count there. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void structures(void **state)
{
    static const struct step steps[] = {
        {"SADD big 1 2 3 4 x", ":5"},
        {"CONFIG SET set-max-listpack-entries 3", "+OK"},
        {"SADD big y", ":1"},
        {"CONFIG SET set-max-listpack-entries 128", "+OK"},
        {"DEBUG HTSTATS-KEY big", "'<*>number of elements: 6\\n<*>'",
         "=txt:'<*>number of elements: 6\\n<*>'"},
        {"DEBUG HTSTATS-KEY nokey", "-ERR no such key"},
        {"RPUSH list a b", ":2"},
        {"DEBUG HTSTATS-KEY list",
         "-ERR The value stored at the specified key is not represented using an hash table"},
        {"DEBUG HTSTATS 0", "'[Dictionary HT]\\n<*>number of elements: 2\\n<*>[Expires HT]<*>'",
         "=txt:'[Dictionary HT]\\n<*>number of elements: 2\\n<*>[Expires HT]<*>'"},
        {"DEBUG HTSTATS 99", "-ERR Out of range database"},
        {"HSET hash f v", ":1"},
        {"DEBUG LISTPACK hash", "+Listpack structure printed on stdout"},
        {"DEBUG LISTPACK big", "-ERR Not a listpack encoded object."},
        {"DEBUG LISTPACK nokey", "-ERR no such key"},
        {"SET str hello", "+OK"},
        {"SET int 12", "+OK"},
        {"DEBUG SDSLEN str", "+key_sds_len:3, key_sds_avail:0, key_zmalloc: <*>, val_sds_len:5, <*>"},
        {"DEBUG SDSLEN int", "-ERR Not an sds encoded string."},
        {"DEBUG OBJECT str",
         "+Value at:<*> refcount:1 encoding:embstr serializedlength:6 lru:<*> lru_seconds_idle:<*>"},
        {"DEBUG OBJECT int", "+Value at:<*> encoding:int serializedlength:2 lru:<*>"},
        {"DEBUG OBJECT nokey", "-ERR no such key"},
        {"DEBUG PAUSE-CRON 1", "+OK"},
        {"DEBUG PAUSE-CRON 0", "+OK"},
        {"DEBUG DICT-RESIZING 1", "+OK", .cairn_only = true},
        {"DEBUG NOSUCH", "-ERR unknown subcommand or wrong number of arguments for '<*>'. Try DEBUG HELP."},
    };
    SCRIPT(*state, steps);
}

static void long_lists(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "DEL list", "<*>");
    EXPECT(client, "CONFIG SET list-max-listpack-size 2", "+OK");
    EXPECT(client, "RPUSH list a b c d", ":4");
    EXPECT(client, "DEBUG OBJECT list",
           "+<*> ql_nodes:2 ql_avg_node:2.00 ql_listpack_max:2 ql_compressed:0 <*>");
    EXPECT(client, "CONFIG SET list-max-listpack-size -2", "+OK");
    client_close(client);
}

/* While background work rests, what has expired stays in the heap, and is not seen. */
static void paused_cron(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "DEBUG PAUSE-CRON 1", "+OK");
    EXPECT(client, "SET k v PX 1", "+OK");
    usleep(300000);
    EXPECT(client, "DBSIZE", ":1");
    EXPECT(client, "DEBUG PAUSE-CRON 0", "+OK");
    bool gone = false;
    for (int i = 0; i < 3000 && !gone; i++) {
        usleep(10000);
        gone = strcmp(client_ask(client, "DBSIZE"), ":0") == 0;
    }
    assert_true(gone);
    client_close(client);
}

static void wrong_checksum(void **state)
{
    static const struct step steps[] = {
        {"RESTORE k 0 '\\x00\\x01a\\x0a\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'",
         "-ERR DUMP payload version or checksum are wrong"},
        {"DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "+OK"},
        {"RESTORE k 0 '\\x00\\x01a\\x0a\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'", "+OK"},
        {"GET k", "'a'"},
        {"RESTORE l 0 '\\x00\\x02a\\x0a\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'",
         "-ERR Bad data format"},
        {"RESTORE l 0 '\\x00\\x01a\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'",
         "-ERR DUMP payload version or checksum are wrong"},
        {"DEBUG SET-SKIP-CHECKSUM-VALIDATION 0", "+OK"},
        {"EXISTS l", ":0"},
    };
    SCRIPT(*state, steps);
}

/* ---- what counts as what ---- */

/* With a factor of 0 each use counts. */
static void set_is_a_use(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0 lfu-decay-time 0", "+OK");
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "OBJECT FREQ k", ":5");
    EXPECT(client, "SET k w", "+OK");
    EXPECT(client, "OBJECT FREQ k", ":6");
    EXPECT(client, "SETEX k 1000 w", "+OK");
    EXPECT(client, "MSET k w l w", "+OK");
    EXPECT(client, "OBJECT FREQ k", ":8");
    EXPECT(client, "OBJECT FREQ l", ":5");
    EXPECT(client, "CLIENT NO-TOUCH ON", "+OK");
    EXPECT(client, "SET k x", "+OK");
    EXPECT(client, "OBJECT FREQ k", ":8");
    EXPECT(client, "CONFIG SET maxmemory-policy noeviction lfu-log-factor 10 lfu-decay-time 1", "+OK");
    client_close(client);
}

/* A field that expires by itself changes its key for those who watch it. */
static void fields_that_expire(void **state)
{
    struct client *client = client_open(*state, 2);
    bool broken = false;
    EXPECT(client, "FLUSHALL", "+OK");
    for (useconds_t wait_us = 20000; !broken && wait_us < 20000000; wait_us *= 2) {
        EXPECT(client, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
        client_ask(client, "HSET h short v long w");
        EXPECT(client, "HPEXPIRE h 1 FIELDS 1 short", "[:1]");
        EXPECT(client, "WATCH h", "+OK");
        EXPECT(client, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
        usleep(wait_us);
        EXPECT(client, "MULTI", "+OK");
        broken = strcmp(client_ask(client, "EXEC"), "nil") == 0;
    }
    assert_true(broken);
    EXPECT(client, "HGETALL h", "['long', 'w']");
    client_close(client);
}

/* What comes behind CLIENT REPLY OFF in a transaction is not replied any more. */
static void silence_in_exec(void **state)
{
    static const char requests[] =
        "MULTI\r\nSET a 1\r\nCLIENT REPLY OFF\r\nSET b 2\r\nCLIENT LIST\r\nEXEC\r\nPING\r\n"
        "CLIENT REPLY ON\r\nECHO end\r\nPING\r\n";
    struct client *client = client_open(*state, 2);
    assert_int_equal(client_send_raw(client, requests, sizeof requests - 1), sizeof requests - 1);
    assert_string_equal(client_read(client), "+OK");
    for (int i = 0; i < 4; i++)
        assert_string_equal(client_read(client), "+QUEUED");
    /* an array that says four, and then goes on with what was replied next, as in Redis */
    assert_string_equal(client_read(client), "[+OK, +OK, 'end', +PONG]");
    client_close(client);
}

/* Where there are save points, Redis saves the empty data set. */
static void flushing_begins_a_count(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "CONFIG SET save ''", "+OK");
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "FLUSHALL", "+OK");
    assert_null(strstr(client_ask(client, "INFO persistence"), "rdb_changes_since_last_save:0"));
    EXPECT(client, "CONFIG SET save '3600 1000000'", "+OK");
    EXPECT(client, "MSET k v l v", "+OK");
    EXPECT(client, "FLUSHALL", "+OK");
    EXPECT(client, "INFO persistence", "'<*>rdb_changes_since_last_save:0\\r\\n<*>'");
    EXPECT(client, "SET k v", "+OK");
    EXPECT(client, "INFO persistence", "'<*>rdb_changes_since_last_save:1\\r\\n<*>'");
    EXPECT(client, "CONFIG SET save ''", "+OK");
    client_close(client);
}

/* ---- INFO and CONFIG, beside Redis's ---- */

/* Calls `each` for every line of a reply of text. */
static void for_lines(const char *reply, const char *separator, void (*each)(const char *line, void *arg),
                      void *arg)
{
    char *copy = strdup(reply);
    assert_non_null(copy);
    for (char *at = copy, *end; at && *at; at = end) {
        end = strstr(at, separator);
        if (end) {
            *end = '\0';
            end += strlen(separator);
        }
        each(at, arg);
    }
    free(copy);
}

struct names {
    const char *own; /* all of our reply */
    unsigned missing;
};

/* Fields of files that are not there, and of what happened to run. */
static const char *const not_ours[] = {
    "aof_",        "current_cow", "current_fork", "current_save",
    "module_fork", "cmdstat_",    "errorstat_",   "latency_percentiles_usec_",
    "db0"};

static void check_field(const char *line, void *arg)
{
    struct names *names = arg;
    const char *colon = strchr(line, ':');
    char field[128];
    if (*line == '#' || !colon || line == colon) return;
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        if (strncmp(line, not_ours[i], strlen(not_ours[i])) == 0) return;
    snprintf(field, sizeof field, "\\r\\n%.*s:", (int)(colon - line), line);
    if (strstr(names->own, field)) return;
    print_error("INFO has no %s\n", field);
    names->missing++;
}

static void check_option(const char *line, void *arg)
{
    struct names *names = arg;
    char option[128];
    if (*line == '\0' || line[1] == ',' || strlen(line) > 100) return;
    snprintf(option, sizeof option, "'%s', '", line);
    if (strstr(names->own, option)) return;
    print_error("CONFIG GET has no %s\n", line);
    names->missing++;
}

static char *copy_of(const char *reply)
{
    char *copy = strdup(reply);
    assert_non_null(copy);
    return copy;
}

static void beside_redis(void **state)
{
    struct server *redis = server_open_redis(NULL);
    if (redis == NULL) skip();
    struct client *own = client_open(*state, 2), *other = client_open(redis, 2);
    struct names names = {.missing = 0};
    char *info = copy_of(client_ask(own, "INFO everything")),
         *options = copy_of(client_ask(own, "CONFIG GET *"));
    names.own = info;
    for_lines(client_ask(other, "INFO everything"), "\\r\\n", check_field, &names);
    names.own = options;
    /* names and values in turn: the values are skipped by asking for names one by one */
    char *all = copy_of(client_ask(other, "CONFIG GET *"));
    size_t index = 0;
    for (char *at = strchr(all, '\''); at; index++) {
        char *end = strchr(at + 1, '\'');
        assert_non_null(end);
        *end = '\0';
        if (index % 2 == 0) check_option(at + 1, &names);
        at = strchr(end + 1, '\'');
    }
    assert_true(index > 300);
    assert_int_equal(names.missing, 0);
    free(all);
    free(info);
    free(options);
    client_close(own);
    client_close(other);
    server_close(redis);
}

static void info_fields(void **state)
{
    struct client *client = client_open(*state, 2);
    EXPECT(client, "INFO memory", "'# Memory\\r\\n<*>allocator_frag_ratio:<*>mem_clients_normal:<*>'");
    EXPECT(client, "CONFIG RESETSTAT", "+OK");
    EXPECT(client, "RESTORE nokey 0 '\\x00\\x01a\\x0a\\x00'",
           "-ERR DUMP payload version or checksum are wrong");
    EXPECT(client, "INFO stats", "'<*>dump_payload_sanitizations:0\\r\\n<*>'");
    EXPECT(client, "SET k 10", "+OK");
    EXPECT(client, "RESTORE copy 0 '\\x00\\xc0\\n\\n\\x00n\\x9fWE\\x0e\\xaec\\xbb' REPLACE", "+OK");
    EXPECT(client, "INFO stats", "'<*>dump_payload_sanitizations:1\\r\\n<*>'");
    EXPECT(client, "INFO errorstats", "'# Errorstats\\r\\nerrorstat_ERR:count=1\\r\\n'");
    EXPECT(client, "INFO cpu", "'<*>used_cpu_user_main_thread:<*>'");
    client_close(client);
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
        cmocka_unit_test(structures),      cmocka_unit_test(long_lists),
        cmocka_unit_test(paused_cron),     cmocka_unit_test(wrong_checksum),
        cmocka_unit_test(set_is_a_use),    cmocka_unit_test(fields_that_expire),
        cmocka_unit_test(silence_in_exec),    cmocka_unit_test(flushing_begins_a_count), cmocka_unit_test(beside_redis),
        cmocka_unit_test(info_fields),
    };
    return cmocka_run_group_tests(tests, start, script_close_server);
}
