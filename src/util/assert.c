/* assert.c: the end of a process that found a bug of its own. */
#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "=== ASSERTION FAILED ===\n==> %s:%d '%s' is not true\n", file, line, condition);
    fflush(stderr);
    abort();
}
