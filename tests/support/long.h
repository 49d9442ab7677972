/* long.h: how much a test does. With CAIRN_TEST_LONG=1 it tries every state and many seeds; else a part that a landing can wait for,
 * spread over all of them. */
#ifndef CAIRN_TESTS_SUPPORT_LONG_H
#define CAIRN_TESTS_SUPPORT_LONG_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool test_is_long(void)
{
    const char *wanted = getenv("CAIRN_TEST_LONG");
    return wanted != NULL && *wanted != '\0' && strcmp(wanted, "0") != 0;
}

#endif
