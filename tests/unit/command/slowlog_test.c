/* slowlog_test.c: what the slow log keeps, and the rings of the latency monitor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/latency.h"
#include "command/slowlog.h"

#include <stdio.h>

#define ARGS 40

static void test_cuts_what_is_long(void **state)
{
    (void)state;
    struct slowlog log;
    struct resp_out out;
    char bytes[200];
    struct slice argv[ARGS];
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < ARGS; i++)
        argv[i] = (struct slice){bytes, i == 1 ? sizeof bytes : 1};
    struct slowlog_source source = {.argv = argv, .argc = ARGS, .redacted = 1 << 2, .address = "1.2.3.4:5"};
    slowlog_init(&log);
    resp_out_init(&out);
    out.proto = 2;
    slowlog_add(&log, 10, &source, 1234);
    slowlog_reply(&log, -1, &out);
    resp_raw(&out, "", 1);
    assert_non_null(strstr(out.buf, ":1234\r\n*32\r\n$1\r\nx\r\n"));
    assert_non_null(strstr(out.buf, "x... (72 more bytes)\r\n$10\r\n(redacted)\r\n$1\r\nx\r\n"));
    assert_non_null(strstr(out.buf, "$22\r\n... (9 more arguments)\r\n$9\r\n1.2.3.4:5\r\n$0\r\n\r\n"));
    resp_out_free(&out);
    slowlog_clear(&log);
}

static void test_keeps_the_newest(void **state)
{
    (void)state;
    struct slowlog log;
    struct resp_out out;
    struct slice name = SLICE("x");
    struct slowlog_source source = {.argv = &name, .argc = 1};
    slowlog_init(&log);
    resp_out_init(&out);
    for (int i = 0; i < 20; i++)
        slowlog_add(&log, 5, &source, i);
    assert_int_equal(slowlog_length(&log), 5);
    slowlog_reply(&log, 2, &out);
    assert_memory_equal(out.buf, "*2\r\n*6\r\n:19\r\n", 13);
    slowlog_add(&log, 0, &source, 1);
    assert_int_equal(slowlog_length(&log), 0);
    resp_out_free(&out);
    slowlog_clear(&log);
}

static void test_latency_events(void **state)
{
    (void)state;
    static struct latency_monitor monitor;
    struct latency_event event;
    latency_init(&monitor);
    latency_add(&monitor, "command", 10);
    latency_add(&monitor, "command", 30);
    latency_add(&monitor, "command", 20);
    latency_add(&monitor, "expire-cycle", 5);
    assert_true(latency_event_named(&monitor, SLICE("command"), &event));
    assert_int_equal(event.max_ms, 30);
    assert_in_range(event.count, 1, 2); /* spikes of one second are one; the second may have changed */
    assert_true(latency_event_at(&monitor, 1, &event));
    assert_string_equal(event.name, "expire-cycle");
    assert_false(latency_event_at(&monitor, 2, &event));
    assert_int_equal(latency_reset(&monitor, SLICE("nosuch")), 0);
    assert_int_equal(latency_reset(&monitor, SLICE("command")), 1);
    assert_int_equal(latency_reset(&monitor, (struct slice){NULL, 0}), 1);
    assert_false(latency_event_at(&monitor, 0, &event));
}

static void test_latency_is_bounded(void **state)
{
    (void)state;
    static struct latency_monitor monitor;
    latency_init(&monitor);
    for (int i = 0; i < LATENCY_EVENTS + 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "event-%d", i);
        latency_add(&monitor, name, 1);
    }
    assert_int_equal(latency_reset(&monitor, (struct slice){NULL, 0}), LATENCY_EVENTS);
}

/* Oldest first, also when the ring has gone round. */
static void test_spikes_in_order(void **state)
{
    (void)state;
    struct latency_event event = {.next = 3, .count = LATENCY_SPIKES};
    for (unsigned i = 0; i < LATENCY_SPIKES; i++)
        event.spikes[i].time_s = i < 3 ? LATENCY_SPIKES + i : i;
    for (unsigned i = 0; i < LATENCY_SPIKES; i++)
        assert_int_equal(latency_spike(&event, i)->time_s, i + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_what_is_long), cmocka_unit_test(test_keeps_the_newest),
        cmocka_unit_test(test_latency_events),    cmocka_unit_test(test_latency_is_bounded),
        cmocka_unit_test(test_spikes_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
