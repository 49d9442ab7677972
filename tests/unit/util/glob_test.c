/* glob_test.c: the pattern language, and that no pattern takes exponential time. */
#include "util/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *pattern;
    const char *text;
    bool matches;
};

static void patterns_match(void **state)
{
    static const struct row rows[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"**", "abc", true},
        {"a*", "a", true},
        {"a*c", "abbbc", true},
        {"a*c", "abbb", false},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b", "ab", true},
        {"*ab", "aab", true},
        {"*aab", "aaab", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"?", "", false},
        {"???", "abc", true},
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[^abc]", "d", true},
        {"[^abc]", "a", false},
        {"[a-c]x", "bx", true},
        {"[c-a]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[", "a", false},
        {"[abc", "c", true},
        {"[^", "a", true},
        {"[a-", "-", true},
        {"[\\]]", "]", true},
        {"[\\-a]", "-", true},
        {"a\\*c", "a*c", true},
        {"a\\*c", "abc", false},
        {"a\\", "a\\", true},
        {"\\a", "a", true},
        {"h[ae]llo*", "hallo, world", true},
        {"[]", "a", false},
        {"A", "a", false},
        {"[A-Z]", "a", false},
        {"*[0-9]", "key7", true},
        {"*[0-9]", "key", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (glob_match(slice_of(rows[i].pattern), slice_of(rows[i].text)) != rows[i].matches) {
            fail_msg("pattern %s, text %s: expected %d", rows[i].pattern, rows[i].text, rows[i].matches);
        }
    }
}

static void case_can_be_ignored(void **state)
{
    (void)state;
    assert_true(glob_match_nocase(SLICE("MAX*"), SLICE("maxmemory")));
    assert_true(glob_match_nocase(SLICE("[A-C]x"), SLICE("bX")));
    assert_true(glob_match_nocase(SLICE("\\A"), SLICE("a")));
    assert_false(glob_match_nocase(SLICE("[^A]"), SLICE("a")));
}

static void bytes_may_be_anything(void **state)
{
    (void)state;
    assert_true(glob_match((struct slice){"a\0*", 3}, (struct slice){"a\0\xff", 3}));
    assert_false(glob_match((struct slice){"a\0b", 3}, (struct slice){"a\0c", 3}));
    assert_true(glob_match(SLICE("[\x80-\xff]"), SLICE("\xc3")));
}

/* Would take longer than the universe has when each star were tried against each rest. */
static void many_stars_stay_cheap(void **state)
{
    char pattern[2000];
    char text[20000];

    (void)state;
    for (size_t i = 0; i < sizeof(pattern); i += 2) {
        pattern[i] = 'a';
        pattern[i + 1] = '*';
    }
    pattern[sizeof(pattern) - 1] = 'b';
    memset(text, 'a', sizeof(text));
    assert_false(glob_match((struct slice){pattern, sizeof(pattern)}, (struct slice){text, sizeof(text)}));
}

static void too_many_stars_match_nothing(void **state)
{
    char pattern[2002], text[1001];

    (void)state;
    for (size_t i = 0; i < sizeof(pattern); i += 2)
        memcpy(pattern + i, "*?", 2);
    memset(text, 'a', sizeof(text));
    assert_true(glob_match((struct slice){pattern, 2000}, (struct slice){text, sizeof(text)}));
    assert_false(glob_match((struct slice){pattern, 2002}, (struct slice){text, sizeof(text)}));
    memset(pattern, '*', sizeof(pattern)); /* one run */
    assert_true(glob_match((struct slice){pattern, sizeof(pattern)}, (struct slice){text, sizeof(text)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(case_can_be_ignored),
        cmocka_unit_test(bytes_may_be_anything),
        cmocka_unit_test(many_stars_stay_cheap),
        cmocka_unit_test(too_many_stars_match_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
