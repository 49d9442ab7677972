/* acl_test.c: the parts of users alone: patterns, rules, the log of refusals, files, names of commands. */
#include "command/acl.h"
#include "command/acl/check.h"
#include "command/acl/file.h"
#include "command/index.h"
#include "util/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct command_table *table;
    struct acl acl;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->table = command_table_open(command_index);
    assert_non_null(fixture->table);
    assert_int_equal(acl_open(&fixture->acl, fixture->table), ERROR_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    acl_close(&fixture->acl);
    command_table_close(fixture->table);
    free(fixture);
    return 0;
}

/* Splits at blanks. */
static size_t split(const char *text, struct slice *words)
{
    size_t count = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        words[count++] = (struct slice){text, len};
        text += len + strspn(text + len, " ");
    }
    return count;
}

static bool set(struct fixture *fixture, const char *name, const char *rules, struct acl_failure *failure)
{
    struct slice words[32];
    struct acl_user *before;
    bool done = acl_set_user(&fixture->acl, slice_of(name), words, split(rules, words), &before, failure);
    acl_user_release(before);
    return done;
}

static struct acl_verdict check(struct fixture *fixture, const struct acl_user *user, const char *line)
{
    struct slice argv[32];
    size_t argc = split(line, argv);
    const struct command_entry *entry;
    assert_int_equal(command_table_find(fixture->table, argv, argc, &entry), COMMAND_FOUND);
    return acl_check(user, entry, argv, argc);
}

/* What is compared without the matcher matches what the matcher would. */
static void patterns_match_as_globs(void **state)
{
    static const char *const patterns[] = {"",   "*",    "a",     "a*",  "ab*",  "*a", "a*b",
                                           "a?", "[ab]", "[ab]*", "\\*", "a\\*", "a**"};
    static const char *const texts[] = {"", "a", "b", "ab", "abc", "*", "a*", "a**", "[ab]", "\\*", "ba"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct acl_patterns list = {0};
        assert_int_equal(acl_patterns_add(&list, slice_of(patterns[i]), ACL_READ), ERROR_OK);
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
            bool expected = glob_match(slice_of(patterns[i]), slice_of(texts[j]));
            if (acl_patterns_match(&list, slice_of(texts[j]), ACL_READ) != expected)
                fail_msg("%s on %s", patterns[i], texts[j]);
            assert_false(acl_patterns_match(&list, slice_of(texts[j]), ACL_WRITE));
        }
        acl_patterns_clear(&list);
    }
}

/* U1: who holds a version sees none of the changes. */
static void versions_do_not_change(void **state)
{
    struct fixture *fixture = *state;
    struct acl_failure failure;
    assert_true(set(fixture, "a", "on nopass +get ~k", &failure));
    struct acl_user *before = acl_find(&fixture->acl, SLICE("a"));
    assert_false(atomic_load(&before->plain));
    assert_true(set(fixture, "a", "+@all ~* &*", &failure));
    struct acl_user *after = acl_find(&fixture->acl, SLICE("a"));
    assert_true(atomic_load(&before->replaced));
    assert_false(atomic_load(&after->replaced));
    assert_true(atomic_load(&after->plain));
    assert_int_equal(before->identity, after->identity);
    assert_true(check(fixture, before, "get k").allowed);
    assert_int_equal(check(fixture, before, "set k v").reason, ACL_REASON_COMMAND);
    assert_true(check(fixture, after, "set k v").allowed);
    /* Whoever is refused leaves no trace. */
    assert_false(set(fixture, "a", "-@all off nonsense", &failure));
    assert_string_equal(failure.word, "nonsense");
    assert_false(atomic_load(&after->replaced));
    struct acl_user *gone = acl_delete_user(&fixture->acl, SLICE("a"));
    assert_ptr_equal(gone, after);
    assert_true(atomic_load(&gone->replaced));
    assert_true(set(fixture, "a", "on", &failure));
    struct acl_user *another = acl_find(&fixture->acl, SLICE("a"));
    assert_int_not_equal(another->identity, gone->identity);
    acl_user_release(before);
    acl_user_release(after);
    acl_user_release(gone);
    acl_user_release(another);
}

/* The selector that comes furthest tells which argument is refused. */
static void verdicts_name_an_argument(void **state)
{
    struct fixture *fixture = *state;
    struct acl_failure failure;
    assert_true(set(fixture, "a", "on +mget ~one ( +mget ~one ~two )", &failure));
    struct acl_user *user = acl_find(&fixture->acl, SLICE("a"));
    struct acl_verdict verdict = check(fixture, user, "mget one two three");
    assert_false(verdict.allowed);
    assert_int_equal(verdict.reason, ACL_REASON_KEY);
    assert_int_equal(verdict.at, 3);
    assert_int_equal(check(fixture, user, "mget two four").at, 2);
    acl_user_release(user);
}

static void parentheses(void **state)
{
    static const struct {
        const char *rules;
        const char *mistaken; /* NULL: none */
        size_t count;
    } cases[] = {
        {"on ( +get ) off", NULL, 3}, {"(+get)", NULL, 1}, {"( ~a", "(", 0},
        {"(+get ~a) ( x", "(", 0},    {"on", NULL, 1},     {"(a b c) d)", NULL, 2},
        {"((a b)", NULL, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice words[32], mistaken;
        struct acl_rules rules;
        bool joined = acl_rules_join(words, split(cases[i].rules, words), &rules, &mistaken);
        assert_int_equal(joined, cases[i].mistaken == NULL);
        if (!joined) assert_true(slice_equal(mistaken, slice_of(cases[i].mistaken)));
        if (!joined) continue;
        assert_int_equal(rules.count, cases[i].count);
        acl_rules_free(&rules);
    }
}

static const char *log_reply(struct acl_log *log, int64_t now_ms, struct resp_out *out)
{
    out->len = 0;
    acl_log_reply(log, 100, now_ms, out);
    resp_raw(out, "", 1);
    return out->buf;
}

/* Alike within a minute and the last ten are one entry. */
static void refusals_are_counted(void **state)
{
    struct acl_log log;
    struct resp_out out;
    struct acl_refusal refusal = {ACL_REASON_KEY, ACL_CONTEXT_TOPLEVEL, SLICE("k"), SLICE("a"),
                                  SLICE("id=1")};
    (void)state;
    acl_log_init(&log);
    resp_out_init(&out);
    acl_log_add(&log, 100, &refusal, 1000);
    acl_log_add(&log, 100, &refusal, 61000);
    assert_int_equal(log.length, 1);
    assert_non_null(strstr(log_reply(&log, 62500, &out), "$5\r\ncount\r\n:2\r\n"));
    assert_non_null(strstr(out.buf, "$11\r\nage-seconds\r\n$3\r\n1.5\r\n"));
    acl_log_add(&log, 100, &refusal, 61001); /* of an entry's making, not of its last time */
    assert_int_equal(log.length, 2);
    refusal.context = ACL_CONTEXT_MULTI;
    acl_log_add(&log, 100, &refusal, 61002);
    assert_int_equal(log.length, 3);
    for (size_t i = 0; i < 10; i++) {
        refusal.object = (struct slice){"0123456789" + i, 1};
        acl_log_add(&log, 100, &refusal, 61003);
    }
    refusal.object = SLICE("k");
    acl_log_add(&log, 100, &refusal, 61004); /* too far back */
    assert_int_equal(log.length, 14);
    acl_log_add(&log, 5, &refusal, 61005);
    assert_int_equal(log.length, 5);
    acl_log_clear(&log);
    assert_int_equal(log.length, 0);
    resp_out_free(&out);
}

/* What is written is read back, whatever the users are; and nothing changes when it cannot be read. */
static void files_are_read_back(void **state)
{
    struct fixture *fixture = *state;
    struct acl_failure failure;
    struct resp_out text, again, errors;
    resp_out_init(&text);
    resp_out_init(&again);
    resp_out_init(&errors);
    assert_true(set(fixture, "a",
                    "on >p >q +@all -@dangerous +config|get %R~r* %W~w* ~[x] &c* ( +get ~y ) ()", &failure));
    assert_true(set(fixture, "b", "off nopass skip-sanitize-payload +select|0 allkeys", &failure));
    acl_file_write(&fixture->acl, &text);
    assert_true(acl_file_load(&fixture->acl, "users.acl", (struct slice){text.buf, text.len}, &errors));
    acl_file_write(&fixture->acl, &again);
    assert_int_equal(text.len, again.len);
    assert_memory_equal(text.buf, again.buf, text.len);
    for (size_t cut = 1; cut < text.len; cut++) { /* half a file */
        again.len = errors.len = 0;
        bool loaded = acl_file_load(&fixture->acl, "users.acl", (struct slice){text.buf, cut}, &errors);
        if (!loaded) assert_true(errors.len > 0);
        errors.len = 0;
        assert_true(acl_file_load(&fixture->acl, "users.acl", (struct slice){text.buf, text.len}, &errors));
    }
    errors.len = again.len = 0;
    assert_true(acl_file_load(&fixture->acl, "users.acl", (struct slice){text.buf, text.len}, &errors));
    assert_false(acl_file_load(&fixture->acl, "users.acl", SLICE("user c on\nuser d nonsense\n"), &errors));
    acl_file_write(&fixture->acl, &again);
    assert_int_equal(text.len, again.len);
    assert_memory_equal(text.buf, again.buf, text.len);
    resp_out_free(&text);
    resp_out_free(&again);
    resp_out_free(&errors);
}

static const struct command_entry *found(const struct fixture *fixture, const char *name)
{
    return command_table_named(fixture->table, slice_of(name));
}

static void commands_are_renamed(void **state)
{
    struct fixture *fixture = *state;
    struct command_table *table = fixture->table;
    unsigned count = command_table_top_level(table);
    const struct command_entry *get = found(fixture, "get"), *config = found(fixture, "config|get");
    assert_non_null(command_table_rename(table, SLICE("nosuch"), SLICE("x")));
    assert_non_null(command_table_rename(table, SLICE("get"), SLICE("SET")));
    assert_null(command_table_rename(table, SLICE("GET"), SLICE("Fetch_it")));
    assert_null(found(fixture, "get"));
    assert_ptr_equal(found(fixture, "fetch_IT"), get);
    assert_ptr_equal(command_table_original(table, SLICE("Get")), get);
    assert_null(
        command_table_rename(table, SLICE("fetch_it"), SLICE("a-name-that-is-longer-than-any-other")));
    assert_ptr_equal(found(fixture, "A-NAME-that-is-longer-than-any-other"), get);
    assert_null(command_table_rename(table, SLICE("set"), SLICE("get"))); /* the name is free now */
    assert_int_equal(command_table_top_level(table), count);
    assert_null(command_table_rename(table, SLICE("config"), SLICE("")));
    assert_null(found(fixture, "config|get"));
    assert_true(command_entry_is_removed(config));
    assert_false(command_entry_is_removed(get));
    assert_int_equal(command_table_top_level(table), count - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_globs),
        cmocka_unit_test_setup_teardown(versions_do_not_change, setup, teardown),
        cmocka_unit_test_setup_teardown(verdicts_name_an_argument, setup, teardown),
        cmocka_unit_test(parentheses),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test_setup_teardown(files_are_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_are_renamed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
