/* The codec of HyperLogLogs: both forms hold the same registers, damaged strings are noticed, estimates
 * are near. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ds/hyperloglog.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state = 20;

static uint64_t next_random(uint64_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % limit;
}

static void the_empty_one_is_as_redis_has_it(void **state)
{
    char bytes[HYPERLOGLOG_EMPTY_BYTES];
    uint64_t cardinality;
    (void)state;
    assert_int_equal(hyperloglog_init(bytes), sizeof(bytes));
    assert_memory_equal(bytes, "HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", sizeof(bytes));
    assert_true(hyperloglog_cached((struct slice){bytes, sizeof(bytes)}, &cardinality));
    assert_int_equal(cardinality, 0);
}

/* Places that a redis-server chose (PFDEBUG DECODE). */
static void elements_go_where_redis_puts_them(void **state)
{
    (void)state;
    struct hyperloglog_place place = hyperloglog_place(SLICE("a"));
    assert_int_equal(place.index, 12711);
    assert_int_equal(place.value, 2);
}

/* Raises random registers of a sparse string; both writers then say the same. */
static void both_forms_hold_the_same_registers(void **state)
{
    static uint8_t expected[HYPERLOGLOG_REGISTERS], found[HYPERLOGLOG_REGISTERS];
    static char sparse[HYPERLOGLOG_SPARSE_BYTES_MAX], written[HYPERLOGLOG_SPARSE_BYTES_MAX],
        dense[HYPERLOGLOG_DENSE_BYTES];
    size_t len = hyperloglog_init(sparse);
    (void)state;
    memset(expected, 0, sizeof(expected));
    for (unsigned i = 1; i <= 30000; i++) {
        struct hyperloglog_place place = {(uint32_t)next_random(i < 2000 ? 200 : HYPERLOGLOG_REGISTERS),
                                          (uint8_t)(1 + next_random(i % 5 ? 3 : HYPERLOGLOG_SPARSE_MAX))};
        enum hyperloglog_raised raised = hyperloglog_sparse_raise(sparse, &len, sizeof(sparse), place);
        assert_int_equal(raised, place.value > expected[place.index] ? HYPERLOGLOG_RAISED : HYPERLOGLOG_KEPT);
        if (place.value > expected[place.index]) expected[place.index] = place.value;
        if (i % 1000) continue;
        memset(found, 0, sizeof(found));
        assert_true(hyperloglog_merge((struct slice){sparse, len}, found));
        assert_memory_equal(found, expected, sizeof(found));
        size_t shortest = hyperloglog_write_sparse(expected, written, sizeof(written));
        assert_true(shortest > 0 && shortest <= len);
        assert_int_equal(hyperloglog_write_sparse(expected, written, shortest), shortest);
        assert_int_equal(hyperloglog_write_sparse(expected, written, shortest - 1), 0);
        memset(found, 0, sizeof(found));
        assert_true(hyperloglog_merge((struct slice){written, shortest}, found));
        assert_memory_equal(found, expected, sizeof(found));
        hyperloglog_write_dense(expected, dense);
        memset(found, 0, sizeof(found));
        assert_true(hyperloglog_merge((struct slice){dense, sizeof(dense)}, found));
        assert_memory_equal(found, expected, sizeof(found));
    }
    assert_int_equal(
        hyperloglog_sparse_raise(sparse, &len, sizeof(sparse), (struct hyperloglog_place){5, 33}),
        HYPERLOGLOG_FULL);
}

static void dense_registers_keep_to_themselves(void **state)
{
    static uint8_t registers[HYPERLOGLOG_REGISTERS];
    static char dense[HYPERLOGLOG_DENSE_BYTES];
    (void)state;
    hyperloglog_write_dense(registers, dense);
    for (unsigned i = 0; i < 100000; i++) {
        char contents[HYPERLOGLOG_REGISTER_BYTES];
        size_t len;
        struct hyperloglog_place place = {(uint32_t)next_random(HYPERLOGLOG_REGISTERS),
                                          (uint8_t)next_random(HYPERLOGLOG_VALUE_MAX + 1)};
        size_t at = hyperloglog_dense_put((struct slice){dense, sizeof(dense)}, place, contents, &len);
        assert_true(at + len <= sizeof(dense));
        memcpy(dense + at, contents, len);
        registers[place.index] = place.value;
    }
    for (uint32_t i = 0; i < HYPERLOGLOG_REGISTERS; i++)
        assert_int_equal(hyperloglog_dense_get(dense, i), registers[i]);
}

/* Random bytes behind a good header, in a block of exactly their length (the sanitizers look on). */
static void damaged_strings_are_noticed(void **state)
{
    static uint8_t registers[HYPERLOGLOG_REGISTERS];
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = HYPERLOGLOG_HEADER_BYTES + next_random(200), most = len + 8;
        char *bytes = malloc(most);
        assert_non_null(bytes);
        memset(bytes, 0, HYPERLOGLOG_HEADER_BYTES);
        memcpy(bytes, "HYLL\1", 5);
        for (size_t j = HYPERLOGLOG_HEADER_BYTES; j < len; j++)
            bytes[j] = (char)next_random(256);
        char *exact = malloc(len);
        memcpy(exact, bytes, len);
        (void)hyperloglog_merge((struct slice){exact, len}, registers);
        free(exact);
        struct hyperloglog_place place = {(uint32_t)next_random(HYPERLOGLOG_REGISTERS),
                                          (uint8_t)(1 + next_random(32))};
        enum hyperloglog_raised raised = hyperloglog_sparse_raise(bytes, &len, most, place);
        assert_true(len <= most);
        if (raised == HYPERLOGLOG_RAISED)
            assert_int_equal(hyperloglog_sparse_raise(bytes, &len, most, place), HYPERLOGLOG_KEPT);
        free(bytes);
    }
    assert_int_equal(hyperloglog_form(SLICE("HYLL")), HYPERLOGLOG_NONE);
    assert_int_equal(hyperloglog_form(SLICE("HYLL\0\0\0\0\0\0\0\0\0\0\0\0")), HYPERLOGLOG_NONE);
    assert_int_equal(hyperloglog_form(SLICE("HYLL\2\0\0\0\0\0\0\0\0\0\0\0\x7f\xff")), HYPERLOGLOG_NONE);
}

static void estimates_are_near(void **state)
{
    static uint8_t registers[HYPERLOGLOG_REGISTERS];
    uint64_t checkpoint = 1;
    (void)state;
    memset(registers, 0, sizeof(registers));
    assert_int_equal(hyperloglog_estimate(registers), 0);
    for (uint64_t i = 1; i <= 1000000; i++) {
        struct hyperloglog_place place = hyperloglog_place((struct slice){(const char *)&i, sizeof(i)});
        if (place.value > registers[place.index]) registers[place.index] = place.value;
        if (i != checkpoint) continue;
        checkpoint *= 10;
        double off = ((double)hyperloglog_estimate(registers) - (double)i) / (double)i;
        print_message("%llu elements: %+.2f %%\n", (unsigned long long)i, off * 100);
        assert_true(off > -0.03 && off < 0.03);
    }
    memset(registers, 51, sizeof(registers)); /* as high as they go: still a number */
    assert_true(hyperloglog_estimate(registers) > UINT64_C(1) << 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_one_is_as_redis_has_it),
        cmocka_unit_test(elements_go_where_redis_puts_them),
        cmocka_unit_test(both_forms_hold_the_same_registers),
        cmocka_unit_test(dense_registers_keep_to_themselves),
        cmocka_unit_test(damaged_strings_are_noticed),
        cmocka_unit_test(estimates_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
