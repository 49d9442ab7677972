/* parse_test.c: requests whole, cut anywhere, byte by byte, and every protocol error. */
#include "resp/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct resp_limits limits = {
    .max_bulk_bytes = 512u << 20, .max_inline_bytes = 64 << 10, .max_args = 1 << 20, .authenticated = true};
static const struct resp_limits stranger = {
    .max_bulk_bytes = 512u << 20, .max_inline_bytes = 64 << 10, .max_args = 1 << 20, .authenticated = false};

struct outcome {
    enum resp_status status;
    struct resp_request request;
    size_t wanted;
    const char *error;
};

static struct outcome parse(struct resp_parser *parser, struct resp_arena *arena,
                            const struct resp_limits *with, const char *bytes, size_t len)
{
    struct outcome outcome = {.status = RESP_MORE};
    outcome.status =
        resp_parse(parser, with, arena, bytes, len, &outcome.request, &outcome.wanted, &outcome.error);
    return outcome;
}

static void assert_args(const struct resp_request *request, const char *const *args)
{
    size_t count = 0;
    while (args[count])
        count++;
    assert_int_equal(request->argc, count);
    for (size_t i = 0; i < count; i++)
        assert_true(slice_equal(request->argv[i], slice_of(args[i])));
}

/* Whole, and growing by `step` bytes: the same arguments. */
static void assert_reads(const char *text, const char *const *args)
{
    size_t len = strlen(text);
    for (size_t step = 1; step <= len; step++) {
        struct resp_parser parser = {0};
        struct resp_arena arena = {0};
        struct outcome outcome = {.status = RESP_MORE};
        for (size_t have = step; outcome.status == RESP_MORE; have += step) {
            size_t now = have < len ? have : len;
            char *copy = malloc(now); /* exact size: sanitizers see reads beyond it */
            memcpy(copy, text, now);
            outcome = parse(&parser, &arena, &limits, copy, now);
            if (outcome.status == RESP_MORE) {
                assert_true(now < len);
                assert_true(outcome.wanted >= 1 && outcome.wanted <= len - now);
            } else {
                assert_int_equal(outcome.status, RESP_REQUEST);
                assert_int_equal(outcome.request.bytes, len);
                assert_args(&outcome.request, args);
            }
            free(copy);
        }
        assert_null(parser.spans);
        resp_arena_free(&arena);
    }
}

static void multibulk_reads(void **state)
{
    (void)state;
    assert_reads("*3\r\n$3\r\nSET\r\n$4\r\nsome\r\n$0\r\n\r\n", (const char *[]){"SET", "some", "", NULL});
    assert_reads("*1\r\n$12\r\nab\r\ncd\r\n*1\r\n\r\n", (const char *[]){"ab\r\ncd\r\n*1\r\n", NULL});
    assert_reads("*0\r\n", (const char *[]){NULL});
    assert_reads("*-1\r\n", (const char *[]){NULL});
}

static void inline_reads(void **state)
{
    (void)state;
    assert_reads("PING\r\n", (const char *[]){"PING", NULL});
    assert_reads("  set  a\tb \n", (const char *[]){"set", "a", "b", NULL});
    assert_reads("\r\n", (const char *[]){NULL});
    assert_reads("set \"a b\\x41\\n\\\"\" 'it\\'s \\n'\r\n",
                 (const char *[]){"set", "a bA\n\"", "it's \\n", NULL});
    assert_reads("x pre\"fix\" \"\"\r\n", (const char *[]){"x", "prefix", "", NULL});
}

static void assert_error(const struct resp_limits *with, const char *bytes, size_t len, const char *error)
{
    struct resp_parser parser = {0};
    struct resp_arena arena = {0};
    struct outcome outcome = parse(&parser, &arena, with, bytes, len);
    assert_int_equal(outcome.status, RESP_ERROR);
    assert_string_equal(outcome.error, error);
    resp_arena_free(&arena);
}

static void errors_have_the_texts_of_redis(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *error;
    } rows[] = {
        {"*abc\r\n", "ERR Protocol error: invalid multibulk length"},
        {"*01\r\n", "ERR Protocol error: invalid multibulk length"},
        {"*\r\n", "ERR Protocol error: invalid multibulk length"},
        {"*99999999999\r\n", "ERR Protocol error: invalid multibulk length"},
        {"*1048577\r\n", "ERR Protocol error: invalid multibulk length"},
        {"*1\r\nxyz", "ERR Protocol error: expected '$', got 'x'"},
        {"*1\r\n\r\n", "ERR Protocol error: expected '$', got ' '"},
        {"*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"},
        {"*1\r\n$zz\r\n", "ERR Protocol error: invalid bulk length"},
        {"*1\r\n$536870913\r\n", "ERR Protocol error: invalid bulk length"},
        {"set \"a\r\n", "ERR Protocol error: unbalanced quotes in request"},
        {"set \"a\"b\r\n", "ERR Protocol error: unbalanced quotes in request"},
        {"set 'a\r\n", "ERR Protocol error: unbalanced quotes in request"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_error(&limits, rows[i].bytes, strlen(rows[i].bytes), rows[i].error);
    assert_error(&stranger, "*11\r\n", 5, "ERR Protocol error: unauthenticated multibulk length");
    assert_error(&stranger, "*1\r\n$16385\r\n", 12, "ERR Protocol error: unauthenticated bulk length");
}

static void endless_lines_end(void **state)
{
    (void)state;
    size_t len = (64 << 10) + 16;
    char *bytes = malloc(len);
    memset(bytes, '1', len);
    assert_error(&limits, bytes, len, "ERR Protocol error: too big inline request");
    bytes[0] = '*';
    assert_error(&limits, bytes, len, "ERR Protocol error: too big mbulk count string");
    memcpy(bytes, "*1\r\n$", 5);
    assert_error(&limits, bytes, len, "ERR Protocol error: too big bulk count string");
    free(bytes);
}

static void wanted_tells_the_size_of_a_bulk(void **state)
{
    (void)state;
    struct resp_parser parser = {0};
    struct resp_arena arena = {0};
    const char text[] = "*2\r\n$3\r\nGET\r\n$1000000\r\nabc";
    struct outcome outcome = parse(&parser, &arena, &limits, text, sizeof text - 1);
    assert_int_equal(outcome.status, RESP_MORE);
    assert_int_equal(outcome.wanted, 1000000 + 2 - 3);
    assert_int_equal(arena.used, 0);
    resp_parser_reset(&parser);
    resp_arena_free(&arena);
}

/* Requests of a batch stay where they are while the arena outgrows its arrays. */
static void a_batch_keeps_its_arguments(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct resp_parser parser = {0};
    struct resp_arena arena = {0};
    static struct resp_request requests[COUNT];
    char *text = malloc(COUNT * 64);
    size_t len = 0;
    for (int i = 0; i < COUNT; i++)
        len += (size_t)sprintf(text + len, "*3\r\n$3\r\nSET\r\n$7\r\nkey%04d\r\n$1\r\nv\r\n", i);
    size_t at = 0;
    for (int i = 0; i < COUNT; i++) {
        struct outcome outcome = parse(&parser, &arena, &limits, text + at, len - at);
        assert_int_equal(outcome.status, RESP_REQUEST);
        requests[i] = outcome.request;
        at += outcome.request.bytes;
    }
    assert_int_equal(at, len);
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%04d", i);
        assert_args(&requests[i], (const char *[]){"SET", key, "v", NULL});
    }
    resp_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    resp_arena_free(&arena);
    free(text);
}

/* A quarter of a million arguments in small pieces: linear, or this test would not end. */
static void slow_arguments_cost_linear_time(void **state)
{
    (void)state;
    enum { COUNT = 250000, ARG = 7 };
    struct resp_parser parser = {0};
    struct resp_arena arena = {0};
    char *text = malloc(16 + COUNT * ARG);
    size_t len = (size_t)sprintf(text, "*%d\r\n", COUNT);
    for (int i = 0; i < COUNT; i++, len += ARG)
        memcpy(text + len, "$1\r\nx\r\n", ARG);
    struct outcome outcome = {.status = RESP_MORE};
    for (size_t have = 1; have <= len; have++)
        outcome = parse(&parser, &arena, &limits, text, have);
    assert_int_equal(outcome.status, RESP_REQUEST);
    assert_int_equal(outcome.request.argc, COUNT);
    assert_true(outcome.request.argv[COUNT - 1].ptr == text + len - 3);
    resp_arena_free(&arena);
    free(text);
}

/* ---- skipping ---- */

/* Reads the first `known` bytes, has the others skipped as they come, `step` at a time; returns the status and how many belonged to it. */
static enum resp_status skip_after(const char *text, size_t known, size_t step, size_t *end_out)
{
    struct resp_parser parser = {0};
    struct resp_arena arena = {0};
    const char *error = NULL;
    size_t len = strlen(text), skipped = 0;
    assert_int_equal(parse(&parser, &arena, &limits, text, known).status, RESP_MORE);
    size_t at = parser.at;
    enum resp_status status = RESP_MORE;
    resp_skip_begin(&parser);
    for (size_t have = known; status == RESP_MORE; have += step) {
        size_t now = have < len ? have : len;
        char *copy = malloc(now - at + 1); /* what was skipped is forgotten */
        memcpy(copy, text + at, now - at);
        status = resp_skip(&parser, &limits, &arena, copy, now - at, &skipped, &error);
        at += skipped;
        free(copy);
        if (status == RESP_MORE && now == len) break;
    }
    if (status == RESP_ERROR) assert_non_null(error);
    if (status == RESP_REQUEST)
        assert_int_equal(parser.argc_wanted + parser.argc + parser.bulk_len + parser.at, 0);
    resp_parser_reset(&parser);
    resp_arena_free(&arena);
    *end_out = at;
    return status;
}

static void skipped_requests_end_where_they_end(void **state)
{
    static const char request[] = "*4\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\n*1\r\n$1\r\nabc\r\r\n$2\r\nxy\r\n";
    static const char wrong[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$x\r\n";
    char text[sizeof request + 16];
    size_t len = strlen(request), end;
    (void)state;
    snprintf(text, sizeof text, "%sPING\r\n", request);
    for (size_t known = strlen("*4\r\n"); known < len; known++)
        for (size_t step = 1; step <= len; step++) {
            assert_int_equal(skip_after(text, known, step, &end), RESP_REQUEST);
            assert_int_equal(end, len);
            text[len] = '\0'; /* nothing after it; and one byte of it missing */
            assert_int_equal(skip_after(text, known, step, &end), RESP_REQUEST);
            text[len] = 'P';
        }
    text[len - 1] = '\0';
    assert_int_equal(skip_after(text, len - 2, 1, &end), RESP_MORE);
    assert_int_equal(skip_after(wrong, strlen("*3\r\n$3\r\n"), 3, &end), RESP_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipped_requests_end_where_they_end),
        cmocka_unit_test(multibulk_reads),
        cmocka_unit_test(inline_reads),
        cmocka_unit_test(errors_have_the_texts_of_redis),
        cmocka_unit_test(endless_lines_end),
        cmocka_unit_test(wanted_tells_the_size_of_a_bulk),
        cmocka_unit_test(a_batch_keeps_its_arguments),
        cmocka_unit_test(slow_arguments_cost_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
