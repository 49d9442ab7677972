/* config_test.c: redis.conf syntax, the command line, CONFIG GET, SET and REWRITE. */
#include "../../support/scratch.h"
#include "app/config.h"

#include "command/server_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    char path[128];
    struct config *config;
    char error[2048];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/cairn-config-XXXXXX");
    if (!scratch_make(f->dir)) return -1;
    snprintf(f->path, sizeof f->path, "%s/redis.conf", f->dir);
    f->config = config_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[256];
    snprintf(command, sizeof command, "rm -r %s", f->dir);
    int status = system(command);
    config_free(f->config);
    free(f);
    return status;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static bool load(struct fixture *f, const char *const *args)
{
    char *argv[16] = {(char *)"cairn"};
    int argc = 1;
    while (args[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
        argc++;
    }
    return config_load(f->config, argc, argv, f->error, sizeof f->error);
}
#define LOAD(f, ...) load(f, (const char *const[]){__VA_ARGS__, NULL})

static bool change(struct fixture *f, const char *name, const char *value)
{
    struct slice pair[] = {slice_of(name), slice_of(value)};
    bool done = config_change(f->config, pair, 1, false, f->error, sizeof f->error);
    if (done) config_keep(f->config);
    return done;
}

static void files_are_read(void **state)
{
    struct fixture *f = *state;
    char text[512], other[160];
    snprintf(other, sizeof other, "%s/other-1.conf", f->dir);
    write_file(other, "maxclients 77\n");
    snprintf(text, sizeof text,
             "# comment\n\n  port 7001  \r\nREQUIREPASS \"a b\\x41\"\nmaxmemory 2gb\nbind 127.0.0.1 "
             "-::1\nsave 900 1\nsave 60 "
             "100\nclient-output-buffer-limit normal 1mb 512kb 10\nslave-priority 7\ninclude "
             "%s/other-*.conf\ninclude "
             "%s/none-*.conf\nunixsocketperm 700\n",
             f->dir, f->dir);
    write_file(f->path, text);
    assert_true(LOAD(f, f->path));
    assert_int_equal(config_int(f->config, "port"), 7001);
    assert_string_equal(config_text(f->config, "requirepass"), "a bA");
    assert_int_equal(config_int(f->config, "maxmemory"), INT64_C(2) << 30);
    assert_string_equal(config_text(f->config, "bind"), "127.0.0.1 -::1");
    assert_string_equal(config_text(f->config, "save"), "900 1 60 100");
    assert_int_equal(config_output_limit(f->config, 0).hard_bytes, 1 << 20);
    assert_int_equal(config_output_limit(f->config, 0).soft_s, 10);
    assert_int_equal(config_int(f->config, "replica-priority"), 7);
    assert_int_equal(config_int(f->config, "maxclients"), 77);
    assert_int_equal(config_int(f->config, "unixsocketperm"), 0700);
    assert_string_equal(config_text(f->config, "unixsocketperm"), "700");
    assert_string_equal(config_file(f->config), f->path);
}

static void the_command_line_wins(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, "port 7001\nappendonly yes\n");
    assert_true(
        LOAD(f, f->path, "--port", "7002", "--save", "", "--bind", "127.0.0.1", "::1", "--appendonly", "no"));
    assert_int_equal(config_int(f->config, "port"), 7002);
    assert_string_equal(config_text(f->config, "save"), "");
    assert_string_equal(config_text(f->config, "bind"), "127.0.0.1 ::1");
    assert_false(config_bool(f->config, "appendonly"));
    assert_true(LOAD(f, "--save", "900 1", "--save", "60", "2"));
    assert_string_equal(config_text(f->config, "save"), "900 1 60 2");
}

static void names_are_no_paths(void **state)
{
    struct fixture *f = *state;
    assert_true(LOAD(f, "--appendfilename", "a.aof", "--appenddirname", "folder"));
    assert_false(LOAD(f, "--appendfilename", "a/b"));
    assert_non_null(strstr(f->error, "appendfilename can't be a path, just a filename"));
    assert_false(LOAD(f, "--appenddirname", "/a"));
    assert_non_null(strstr(f->error, "appenddirname can't be a path, just a dirname"));
    assert_false(LOAD(f, "--dbfilename", "../dump.rdb"));
    assert_non_null(strstr(f->error, "dbfilename can't be a path, just a filename"));
}

static void values_may_look_like_options(void **state)
{
    struct fixture *f = *state;
    assert_true(LOAD(f, "--proc-title-template", "--my--title", "--loglevel", "verbose"));
    assert_string_equal(config_text(f->config, "proc-title-template"), "--my--title");
    assert_string_equal(config_text(f->config, "loglevel"), "verbose");
    assert_true(LOAD(f, "--proc-title-template --other", "--hz 20"));
    assert_string_equal(config_text(f->config, "proc-title-template"), "--other");
    assert_int_equal(config_int(f->config, "hz"), 20);
    assert_true(LOAD(f, "--save", "--hz", "30", "--save"));
    assert_string_equal(config_text(f->config, "save"), "");
    assert_int_equal(config_int(f->config, "hz"), 30);
    assert_false(LOAD(f, "--port", "--loglevel", "verbose"));
    assert_non_null(strstr(f->error, ">>> 'port \"--loglevel\" \"verbose\"'\nwrong number of arguments"));
    assert_false(LOAD(f, "--loglevel"));
    assert_non_null(strstr(f->error, ">>> 'loglevel'\nwrong number of arguments"));
}

static void assert_load_fails(struct fixture *f, const char *text, const char *line, const char *why)
{
    char expected[512];
    write_file(f->path, text);
    assert_false(LOAD(f, f->path));
    snprintf(expected, sizeof expected,
             "\n*** FATAL CONFIG FILE ERROR (cairn " CAIRN_VERSION
             ") ***\nReading the configuration file, at line 2\n>>> '%s'\n%s\n",
             line, why);
    assert_string_equal(f->error, expected);
}

static void mistakes_name_their_line(void **state)
{
    struct fixture *f = *state;
    assert_load_fails(f, "\nfoo bar\n", "foo bar", "Bad directive or wrong number of arguments");
    assert_load_fails(f, "\nport\n", "port", "wrong number of arguments");
    assert_load_fails(f, "\nport 1 2\n", "port 1 2", "wrong number of arguments");
    assert_load_fails(f, "\nport 70000\n", "port 70000", "argument must be between 0 and 65535 inclusive");
    assert_load_fails(f, "\nappendonly maybe\n", "appendonly maybe", "argument must be 'yes' or 'no'");
    assert_load_fails(f, "\nmaxmemory 1x\n", "maxmemory 1x", "argument must be a memory value");
    assert_load_fails(f, "\nappendfsync x\n", "appendfsync x",
                      "argument(s) must be one of the following: everysec, always, no");
    assert_load_fails(f, "\nrequirepass \"a\n", "requirepass \"a", "Unbalanced quotes in configuration line");
    assert_load_fails(f, "\nsave 1\n", "save 1", "Invalid save parameters");
}

static void features_that_are_not_there_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_load_fails(f, "\nreplicaof h 1\n", "replicaof h 1", "replication is not supported yet");
    assert_load_fails(f, "\ncluster-enabled yes\n", "cluster-enabled yes",
                      "cluster mode is not supported yet");
    assert_load_fails(f, "\nloadmodule x.so\n", "loadmodule x.so", "modules are not supported");
    write_file(f->path, "replicaof no one\ncluster-enabled no\ntls-port 0\n");
    assert_true(LOAD(f, f->path));
}

static void a_file_that_is_missing_is_named(void **state)
{
    struct fixture *f = *state;
    assert_false(LOAD(f, "/nowhere/redis.conf"));
    assert_string_equal(
        f->error, "Fatal error, can't open config file '/nowhere/redis.conf': No such file or directory\n");
    write_file(f->path, "include redis.conf\n");
    assert_int_equal(chdir(f->dir), 0);
    assert_false(LOAD(f, f->path)); /* itself */
    assert_int_equal(chdir("/"), 0);
}

static void changes_have_the_texts_of_redis(void **state)
{
    struct fixture *f = *state;
    assert_true(change(f, "MaxMemory", "10mb"));
    assert_int_equal(config_int(f->config, "maxmemory"), 10 << 20);
    assert_false(change(f, "nothing", "1"));
    assert_string_equal(f->error, "ERR Unknown option or number of arguments for CONFIG SET - 'nothing'");
    assert_false(change(f, "maxmemory", "x"));
    assert_string_equal(
        f->error, "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a "
                  "memory value");
    assert_false(change(f, "databases", "1"));
    assert_string_equal(
        f->error,
        "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config");
    assert_true(change(f, "save", "10 1 20 2"));
    assert_string_equal(config_text(f->config, "save"), "10 1 20 2");
    assert_true(change(f, "save", ""));
    assert_string_equal(config_text(f->config, "save"), "");
    assert_true(change(f, "notify-keyspace-events", "KEA"));
    assert_string_equal(config_text(f->config, "notify-keyspace-events"), "AKE");
    assert_true(change(f, "notify-keyspace-events", "Ktexzhsl$"));
    assert_string_equal(config_text(f->config, "notify-keyspace-events"), "$lshzxetK");
    assert_true(change(f, "shutdown-on-sigint", "nosave FORCE now"));
    assert_string_equal(config_text(f->config, "shutdown-on-sigint"), "nosave now force");
    assert_false(change(f, "shutdown-on-sigint", "nosave soon"));
    assert_non_null(strstr(f->error, " must be one of the following: default, save, nosave, now, force"));
    assert_false(change(f, "shutdown-on-sigint", "save nosave"));
    assert_non_null(strstr(f->error, "shutdown options SAVE and NOSAVE can't be used simultaneously"));
    assert_false(change(f, "oom-score-adj-values", "1 2"));
    assert_false(change(f, "oom-score-adj-values", "1 2 2001"));
    assert_non_null(strstr(f->error, " elements must be between -2000 and 2000."));
    assert_true(change(f, "maxmemory-clients", "5%"));
    assert_int_equal(config_int(f->config, "maxmemory-clients"), -5);
    assert_string_equal(config_text(f->config, "maxmemory-clients"), "5%");
}

static void percentages_and_percentiles(void **state)
{
    struct fixture *f = *state;
    assert_false(change(f, "maxmemory-clients", "101%"));
    assert_non_null(strstr(f->error, " - percentage argument must be less or equal to 100"));
    assert_true(change(f, "latency-tracking-info-percentiles", "50.0 100.0 0.0 99.99"));
    assert_string_equal(config_text(f->config, "latency-tracking-info-percentiles"), "50 100 0 99.99");
    double percentiles[CONFIG_PERCENTILES_MAX];
    assert_int_equal(config_percentiles(f->config, percentiles), 4);
    assert_true(percentiles[3] == 99.99);
    assert_false(change(f, "latency-tracking-info-percentiles", "50 x"));
    assert_non_null(strstr(f->error, " - Invalid latency-tracking-info-percentiles parameters"));
    assert_false(change(f, "latency-tracking-info-percentiles", "50 100.1"));
    assert_non_null(strstr(f->error, " parameters should sit between [0.0,100.0]"));
    assert_false(change(f, "latency-tracking-info-percentiles", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"));
    assert_int_equal(config_percentiles(f->config, percentiles), 4);
    assert_true(change(f, "latency-tracking-info-percentiles", ""));
    assert_int_equal(config_percentiles(f->config, percentiles), 0);
}

/* A password that is cut at a NUL would be easy to guess. */
static void secrets_keep_their_nul_bytes(void **state)
{
    struct fixture *f = *state;
    struct slice pair[] = {SLICE("requirepass"), SLICE("abc\0def")};
    write_file(f->path, "hz 20\n");
    assert_true(LOAD(f, f->path));
    assert_true(config_change(f->config, pair, 1, false, f->error, sizeof f->error));
    config_keep(f->config);
    assert_true(slice_equal(config_slice(f->config, "requirepass"), pair[1]));
    assert_true(config_rewrite(f->config, false, SLICE(""), f->error, sizeof f->error));
    assert_true(LOAD(f, f->path));
    assert_true(slice_equal(config_slice(f->config, "requirepass"), pair[1]));
    pair[0] = SLICE("dbfilename");
    assert_false(config_change(f->config, pair, 1, false, f->error, sizeof f->error));
    assert_non_null(strstr(f->error, " - can't set protected config"));
    assert_false(config_change(f->config, pair, 1, true, f->error, sizeof f->error));
    assert_non_null(strstr(f->error, " - argument has a NUL byte in it"));
    assert_string_equal(config_text(f->config, "dbfilename"), "dump.rdb");
}

static void a_change_is_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct slice pairs[] = {SLICE("hz"), SLICE("20"), SLICE("timeout"), SLICE("x")};
    assert_false(config_change(f->config, pairs, 2, false, f->error, sizeof f->error));
    assert_int_equal(config_int(f->config, "hz"), 10);
    pairs[2] = SLICE("hz");
    assert_false(config_change(f->config, pairs, 2, false, f->error, sizeof f->error));
    assert_non_null(strstr(f->error, "duplicate parameter"));
    assert_int_equal(config_int(f->config, "hz"), 10);
    assert_true(config_change(f->config, pairs, 1, false, f->error, sizeof f->error));
    assert_true(config_differs(f->config, "hz"));
    assert_false(config_differs(f->config, "port"));
    config_take_back(f->config);
    assert_false(config_differs(f->config, "hz"));
    assert_int_equal(config_int(f->config, "hz"), 10);
}

static void get_answers_patterns(void **state)
{
    struct fixture *f = *state;
    struct resp_out out;
    resp_out_init(&out);
    struct slice patterns[] = {SLICE("MAXMEMORY-pol*"), SLICE("hz")};
    config_reply(f->config, patterns, 2, &out);
    const char expected2[] = "*4\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n$2\r\nhz\r\n$2\r\n10\r\n";
    const char expected3[] = "*4\r\n$2\r\nhz\r\n$2\r\n10\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n";
    assert_true(slice_equal((struct slice){out.buf, out.len}, SLICE(expected2)) ||
                slice_equal((struct slice){out.buf, out.len}, SLICE(expected3)));
    resp_out_free(&out);
}

static void options_for_tests_are_hidden(void **state)
{
    struct fixture *f = *state;
    struct resp_out out;
    resp_out_init(&out);
    struct slice pattern = SLICE("key-load*");
    config_reply(f->config, &pattern, 1, &out);
    assert_true(slice_equal((struct slice){out.buf, out.len}, SLICE("*0\r\n")));
    out.len = 0;
    pattern = SLICE("key-load-delay");
    config_reply(f->config, &pattern, 1, &out);
    assert_true(
        slice_equal((struct slice){out.buf, out.len}, SLICE("*2\r\n$14\r\nkey-load-delay\r\n$1\r\n0\r\n")));
    resp_out_free(&out);
}

static void rewrite_keeps_comments_and_order(void **state)
{
    struct fixture *f = *state;
    char text[1024] = "";
    assert_false(config_rewrite(f->config, false, SLICE(""), f->error, sizeof f->error));
    assert_string_equal(f->error, "ERR The server is running without a config file");
    write_file(f->path, "# head\nhz 20\n\n# passwords\nrequirepass old\nsave 900 1\nsave 300 10\n");
    assert_true(LOAD(f, f->path));
    assert_true(change(f, "requirepass", "a \"b\""));
    assert_true(change(f, "timeout", "5"));
    assert_true(config_rewrite(f->config, false, SLICE(""), f->error, sizeof f->error));
    FILE *file = fopen(f->path, "r");
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_true(len > 0);
    assert_string_equal(text,
                        "# head\nhz 20\n\n# passwords\nrequirepass \"a \\\"b\\\"\"\nsave 900 1\nsave 300 10\n"
                        "# Generated by CONFIG REWRITE\ntimeout 5\n");
    assert_true(LOAD(f, f->path));
    assert_string_equal(config_text(f->config, "requirepass"), "a \"b\"");
}

/* The whole map of CONFIG GET. */
static struct resp_out all_options(const struct config *config)
{
    struct resp_out out;
    struct slice pattern = SLICE("*");
    resp_out_init(&out);
    config_reply(config, &pattern, 1, &out);
    return out;
}

static void every_option_can_be_written_and_read(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, "hz 20\n");
    assert_true(LOAD(f, f->path, "--requirepass", "a 'b' \"c\" #", "--unixsocketperm", "750",
                     "--oom-score-adj-values", "1", "2", "3", "--maxmemory-clients", "7%"));
    struct resp_out before = all_options(f->config);
    assert_true(config_rewrite(f->config, true, SLICE(""), f->error, sizeof f->error));
    config_free(f->config);
    f->config = config_new();
    assert_true(LOAD(f, f->path));
    struct resp_out after = all_options(f->config);
    assert_true(slice_equal((struct slice){before.buf, before.len}, (struct slice){after.buf, after.len}));
    assert_true(before.len > 5000);
    resp_out_free(&before);
    resp_out_free(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_command_line_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_no_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_no_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_may_look_like_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_name_their_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(features_that_are_not_there_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_missing_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_have_the_texts_of_redis, set_up, tear_down),
        cmocka_unit_test_setup_teardown(percentages_and_percentiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_keep_their_nul_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_is_whole_or_not_at_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(get_answers_patterns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_for_tests_are_hidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rewrite_keeps_comments_and_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_option_can_be_written_and_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
