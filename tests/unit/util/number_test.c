/* number_test.c: which texts are numbers, and how numbers are written. */
#include "util/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_int(const char *text, int64_t expected)
{
    int64_t value;
    char back[NUMBER_INT_TEXT_MAX];

    assert_true(number_parse_int(slice_of(text), &value));
    assert_int_equal(value, expected);
    size_t len = number_int_text(back, value);
    assert_true(slice_equal((struct slice){back, len}, slice_of(text)));
}

static void integers_parse_and_print(void **state)
{
    (void)state;
    expect_int("0", 0);
    expect_int("-1", -1);
    expect_int("10", 10);
    expect_int("99", 99);
    expect_int("100", 100);
    expect_int("-12345", -12345);
    expect_int("9223372036854775807", INT64_MAX);
    expect_int("-9223372036854775808", INT64_MIN);
    for (int64_t value = 1; value < INT64_MAX / 10; value *= 10) {
        char text[NUMBER_INT_TEXT_MAX + 1];
        text[number_int_text(text, value - 1)] = '\0';
        expect_int(text, value - 1);
    }
}

static void only_canonical_integers_parse(void **state)
{
    static const char *const wrong[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "01",
        "-0",
        "-01",
        "1.0",
        "0x1",
        "a",
        "1a",
        "--1",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "99999999999999999999",
        "000000000000000000000000",
    };
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(number_parse_int(slice_of(wrong[i]), &value));
    }
    assert_false(number_parse_int((struct slice){"1\0", 2}, &value));
}

static void cursors_parse(void **state)
{
    uint64_t value;

    (void)state;
    assert_true(number_parse_unsigned(SLICE("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    assert_true(number_parse_unsigned(SLICE("007"), &value));
    assert_true(value == 7);
    assert_false(number_parse_unsigned(SLICE("18446744073709551616"), &value));
    assert_false(number_parse_unsigned(SLICE("-1"), &value));
    assert_false(number_parse_unsigned(SLICE(""), &value));
}

static void floats_parse(void **state)
{
    static const char *const wrong[] = {"", " 1", "1 ", "1x", "nan", "-nan", "1e400", "abc", "1,5"};
    double value;
    long double long_value;

    (void)state;
    assert_true(number_parse_double(SLICE("-2.5e3"), &value));
    assert_true(value == -2500.0);
    assert_true(number_parse_double(SLICE("inf"), &value) && isinf(value));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(number_parse_double(slice_of(wrong[i]), &value));
    }
    assert_true(number_parse_long_double(SLICE("3.0e3"), &long_value));
    assert_true(long_value == 3000.0L);
    assert_true(number_parse_long_double(SLICE("1e400"), &long_value));
    assert_false(number_parse_long_double(SLICE("1e9999"), &long_value));
    assert_false(number_parse_long_double((struct slice){"1\0", 2}, &long_value));
    char long_text[5120];
    memset(long_text, '0', sizeof(long_text));
    assert_false(number_parse_long_double((struct slice){long_text, sizeof(long_text)}, &long_value));
    assert_true(number_parse_long_double((struct slice){long_text, sizeof(long_text) - 1}, &long_value));
}

static void expect_double(double value, const char *expected)
{
    char text[NUMBER_DOUBLE_TEXT_MAX];
    size_t len = number_double_text(text, value);

    assert_true(len < sizeof(text));
    text[len] = '\0';
    assert_string_equal(text, expected);
    if (!isnan(value)) assert_true(strtod(text, NULL) == value);
}

static void doubles_print_shortest(void **state)
{
    (void)state;
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(1, "1");
    expect_double(-1.5, "-1.5");
    expect_double(0.1, "0.1");
    expect_double(3.141, "3.141");
    expect_double(120, "120");
    expect_double(0.0001, "0.0001");
    expect_double(1234567.25, "1234567.25");
    expect_double(1e20, "1e+20");
    expect_double(1e-10, "1e-10");
    expect_double(1.5e300, "1.5e+300");
    expect_double(5e-324, "5e-324");
    expect_double(-1.7976931348623157e308, "-1.7976931348623157e+308");
    expect_double(0.30000000000000004, "0.30000000000000004");
    expect_double(INFINITY, "inf");
    expect_double(-INFINITY, "-inf");
    expect_double(NAN, "nan");
}

static void expect_long_double(long double value, const char *expected)
{
    static char text[NUMBER_LONG_DOUBLE_TEXT_MAX];
    size_t len = number_long_double_text(text, value);

    assert_true(slice_equal((struct slice){text, len}, slice_of(expected)));
}

static void long_doubles_print_without_exponent(void **state)
{
    static char text[NUMBER_LONG_DOUBLE_TEXT_MAX];

    (void)state;
    expect_long_double(10.6L, "10.6");
    expect_long_double(3.0L, "3");
    expect_long_double(100.0L, "100");
    expect_long_double(0.0L, "0");
    expect_long_double(-0.0L, "0");
    expect_long_double(-5.5L, "-5.5");
    expect_long_double(1e-20L, "0");
    expect_long_double(-1e-20L, "0");
    expect_long_double(1e20L, "100000000000000000000");
    assert_int_equal(number_long_double_text(text, __LDBL_MAX__), 4933);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_parse_and_print),
        cmocka_unit_test(only_canonical_integers_parse),
        cmocka_unit_test(cursors_parse),
        cmocka_unit_test(floats_parse),
        cmocka_unit_test(doubles_print_shortest),
        cmocka_unit_test(long_doubles_print_without_exponent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
