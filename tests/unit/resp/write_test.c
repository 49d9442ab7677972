/* write_test.c: every reply in RESP2 and RESP3. */
#include "resp/write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct resp_out make(int proto)
{
    struct resp_out out;
    resp_out_init(&out);
    out.proto = proto;
    return out;
}

static void assert_text(struct resp_out *out, const char *text)
{
    assert_int_equal(out->len, strlen(text));
    assert_memory_equal(out->buf, text, out->len);
    resp_out_free(out);
}

/* Runs `statement` with `out` of each protocol. */
#define ASSERT_WRITES(text2, text3, statement)                                                               \
    do {                                                                                                     \
        struct resp_out out = make(2);                                                                       \
        statement;                                                                                           \
        assert_text(&out, text2);                                                                            \
        out = make(3);                                                                                       \
        statement;                                                                                           \
        assert_text(&out, text3);                                                                            \
    } while (0)
#define ASSERT_SAME(text, statement) ASSERT_WRITES(text, text, statement)

static void lines(void **state)
{
    (void)state;
    ASSERT_SAME("+PONG\r\n", resp_simple(&out, "PONG"));
    ASSERT_SAME("+OK\r\n", resp_ok(&out));
    ASSERT_SAME("-ERR a  b\r\n", resp_error(&out, "ERR a\r\nb"));
    ASSERT_SAME("-ERR 7 things\r\n", resp_errorf(&out, "ERR %d things", 7));
}

static void numbers(void **state)
{
    (void)state;
    ASSERT_SAME(":0\r\n", resp_int(&out, 0));
    ASSERT_SAME(":-1\r\n", resp_int(&out, -1));
    ASSERT_SAME(":1234567\r\n", resp_int(&out, 1234567));
    ASSERT_SAME(":9223372036854775807\r\n", resp_int(&out, INT64_MAX));
    ASSERT_SAME(":-9223372036854775808\r\n", resp_int(&out, INT64_MIN));
    ASSERT_WRITES(":1\r\n", "#t\r\n", resp_bool(&out, true));
    ASSERT_WRITES("$3\r\n123\r\n", "(123\r\n", resp_big_number(&out, SLICE("123")));
}

static void every_length_of_integer(void **state)
{
    (void)state;
    int64_t value = 1;
    for (int digits = 1; digits <= 18; digits++, value = value * 10 + digits % 10) {
        char expected[32];
        snprintf(expected, sizeof expected, ":%lld\r\n", (long long)value);
        ASSERT_SAME(expected, resp_int(&out, value));
    }
}

static void bulks(void **state)
{
    (void)state;
    ASSERT_SAME("$5\r\nhello\r\n", resp_bulk_text(&out, "hello"));
    ASSERT_SAME("$0\r\n\r\n", resp_bulk(&out, NULL, 0));
    ASSERT_SAME("$3\r\n-42\r\n", resp_bulk_int(&out, -42));
    ASSERT_SAME("$4\r\na-17\r\n", resp_bulkf(&out, "a-%d", 17));
    ASSERT_WRITES("$-1\r\n", "_\r\n", resp_null(&out));
    ASSERT_WRITES("*-1\r\n", "_\r\n", resp_null_array(&out));
    ASSERT_WRITES("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", resp_verbatim(&out, "txt", SLICE("hi")));
}

static void aggregates(void **state)
{
    (void)state;
    ASSERT_SAME("*3\r\n", resp_array(&out, 3));
    ASSERT_WRITES("*4\r\n", "%2\r\n", resp_map(&out, 2));
    ASSERT_WRITES("*2\r\n", "~2\r\n", resp_set(&out, 2));
    ASSERT_WRITES("*2\r\n", ">2\r\n", resp_push(&out, 2));
}

static void headers_written_later(void **state)
{
    (void)state;
    ASSERT_WRITES("+a\r\n*2\r\n:1\r\n:2\r\n", "+a\r\n%1\r\n:1\r\n:2\r\n", {
        resp_simple(&out, "a");
        struct resp_later later = resp_later_begin(&out);
        resp_int(&out, 1);
        resp_int(&out, 2);
        resp_later_map(&out, later, 1);
    });
}

static void doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-17, "-17"},
        {3.5, "3.5"},
        {0.1, "0.1"},
        {-0.001, "-0.001"},
        {100000000, "100000000"},
        {1e20, "1e+20"},
        {1.5e300, "1.5e+300"},
        {1e-10, "1e-10"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {123456789012345680000.0, "123456789012345680000"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected2[64], expected3[64];
        snprintf(expected2, sizeof expected2, "$%zu\r\n%s\r\n", strlen(rows[i].text), rows[i].text);
        snprintf(expected3, sizeof expected3, ",%s\r\n", rows[i].text);
        ASSERT_WRITES(expected2, expected3, resp_double(&out, rows[i].value));
    }
}

static void random_doubles_read_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        struct resp_out out = make(3);
        resp_double(&out, value);
        resp_raw(&out, "", 1);
        assert_true(strtod(out.buf + 1, NULL) == value);
        resp_out_free(&out);
    }
}

static void long_texts_and_growth(void **state)
{
    (void)state;
    size_t len = 100000;
    char *text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    struct resp_out out = make(2);
    resp_errorf(&out, "ERR %s", text);
    assert_int_equal(out.len, len + 7);
    resp_bulkf(&out, "%s", text);
    assert_int_equal(out.len, len + 7 + len + 11);
    resp_out_free(&out);
    free(text);
}

static void discarded_replies_leave_nothing(void **state)
{
    (void)state;
    struct resp_out out = make(2);
    out.discard = true;
    struct resp_later later = resp_later_begin(&out);
    resp_bulk_text(&out, "x");
    resp_later_array(&out, later, 1);
    resp_double(&out, 1.5);
    assert_int_equal(out.len, 0);
    resp_out_free(&out);
}

static void a_limited_buffer_fails(void **state)
{
    (void)state;
    static const char bytes[40000];
    struct resp_out out;
    resp_out_init(&out);
    out.limit = 50000;
    resp_raw(&out, bytes, sizeof(bytes));
    assert_false(out.failed);
    resp_raw(&out, bytes, sizeof(bytes));
    resp_ok(&out);
    assert_true(out.failed && out.too_long);
    assert_int_equal(out.len, sizeof(bytes));
    resp_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(numbers),
        cmocka_unit_test(every_length_of_integer),
        cmocka_unit_test(bulks),
        cmocka_unit_test(aggregates),
        cmocka_unit_test(headers_written_later),
        cmocka_unit_test(doubles),
        cmocka_unit_test(random_doubles_read_back),
        cmocka_unit_test(long_texts_and_growth),
        cmocka_unit_test(discarded_replies_leave_nothing),
        cmocka_unit_test(a_limited_buffer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
