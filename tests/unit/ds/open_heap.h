/* open_heap.h: setup and teardown for tests that need an open heap. */
#ifndef CAIRN_TESTS_UNIT_DS_OPEN_HEAP_H
#define CAIRN_TESTS_UNIT_DS_OPEN_HEAP_H

#include "../heap/fixture.h"

static inline int open_heap_setup(void **state)
{
    int status = fixture_setup(state);
    fixture_open(*state);
    return status;
}

static inline int open_heap_teardown(void **state)
{
    struct fixture *fixture = *state;
    if (tx_is_open(fixture->tx)) tx_abort(fixture->tx); /* a test failed half-way */
    fixture_close(fixture);
    return fixture_teardown(state);
}

#define HEAP_TEST(name) cmocka_unit_test_setup_teardown(name, open_heap_setup, open_heap_teardown)

#endif
