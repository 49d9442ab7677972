/* key_specs_test.c: every form of key spec against arguments that fit and that don't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/key_specs.h"

#include <stdio.h>

#define ARGS_MAX 16

struct found {
    char indexes[64]; /* "1,3," */
    enum key_specs_result result;
};

static bool note(void *arg, size_t argv_index, uint32_t key_flags)
{
    (void)key_flags;
    struct found *found = arg;
    size_t used = strlen(found->indexes);
    snprintf(found->indexes + used, sizeof found->indexes - used, "%zu,", argv_index);
    return true;
}

static struct found keys_in(const struct command *command, const char *words)
{
    struct slice argv[ARGS_MAX];
    struct found found = {.indexes = ""};
    size_t argc = 0;
    while (*words) {
        size_t len = strcspn(words, " ");
        argv[argc++] = (struct slice){words, len};
        words += len + strspn(words + len, " ");
    }
    found.result = key_specs_visit(command, argv, argc, note, &found);
    return found;
}

static void expect(const struct command *command, const char *words, const char *indexes)
{
    struct found found = keys_in(command, words);
    assert_int_equal(found.result, KEY_SPECS_OK);
    assert_string_equal(found.indexes, indexes);
}

static void expect_invalid(const struct command *command, const char *words)
{
    assert_int_equal(keys_in(command, words).result, KEY_SPECS_INVALID);
}

static void test_ranges(void **state)
{
    (void)state;
    const struct command one = {.specs = {KEY_AT(1, KEY_RO)}};
    const struct command all = {.specs = {KEY_RANGE(1, -1, 1, KEY_RO)}};
    const struct command pairs = {.specs = {KEY_RANGE(1, -1, 2, KEY_OW)}};
    const struct command but_last = {.specs = {KEY_RANGE(1, -2, 1, KEY_RO)}};
    const struct command two = {.specs = {KEY_AT(1, KEY_RW), KEY_AT(2, KEY_OW)}};
    expect(&one, "get a", "1,");
    expect(&one, "set a b c", "1,");
    expect(&one, "get", "");
    expect(&all, "mget a b c", "1,2,3,");
    expect(&pairs, "mset a 1 b 2", "1,3,");
    expect(&pairs, "mset a 1 b", "1,3,");
    expect(&but_last, "blpop a b 0", "1,2,");
    expect_invalid(&but_last, "blpop a");
    expect(&two, "rename a b", "1,2,");
}

static void test_limit(void **state)
{
    (void)state;
    const struct command half = {
        .specs = {{KEY_BEGIN_KEYWORD, 1, "streams", KEY_FIND_RANGE, -1, 1, 2, KEY_RO, NULL}}};
    expect(&half, "xread count 2 STREAMS a b 0 0", "4,5,");
    expect(&half, "xread count 2", "");
    expect(&half, "xread streams", "");
}

static void test_counts(void **state)
{
    (void)state;
    const struct command count = {
        .specs = {KEY_AT(1, KEY_OW), {KEY_BEGIN_INDEX, 2, NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RO, NULL}}};
    expect(&count, "zunionstore d 2 a b weights 1 2", "1,3,4,");
    expect_invalid(&count, "zunionstore d 3 a b");
    expect_invalid(&count, "zunionstore d 0 a b");
    expect_invalid(&count, "zunionstore d x a b");
    expect_invalid(&count, "zunionstore d 99999999999999999999 a b");
    expect_invalid(&count, "zunionstore d 2");
}

static void test_keyword_from_the_end(void **state)
{
    (void)state;
    const struct command keyword = {
        .specs = {{KEY_BEGIN_KEYWORD, -2, "keys", KEY_FIND_RANGE, -1, 1, 0, KEY_RO, NULL}}};
    expect(&keyword, "migrate h p x 0 1 KEYS a", "7,");
    expect(&keyword, "migrate h p x 0 1 KEYS a b", "7,8,");
    expect(&keyword, "migrate h p x", "");
}

static size_t last_argument(const struct slice *argv, size_t argc, size_t *indexes, size_t cap)
{
    (void)argv;
    assert_true(cap >= argc);
    indexes[0] = argc - 1;
    return 1;
}

static void test_computed_and_not_keys(void **state)
{
    (void)state;
    const struct command computed = {.get_keys = last_argument};
    const struct command channel = {.specs = {KEY_AT(1, KEY_RO | KEY_NOT_KEY)}};
    const struct command none = {.name = "ping"};
    expect(&computed, "x a b", "2,");
    expect(&channel, "spublish c m", "");
    assert_true(key_specs_any(&computed));
    assert_false(key_specs_any(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_keyword_from_the_end),
        cmocka_unit_test(test_computed_and_not_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
