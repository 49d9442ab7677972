/* assert.c: the end of a process that found a bug of its own. */
#include "util/assert.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static void (*_Atomic reporter)(const char *file, int line, const char *condition);

void assert_set_reporter(void (*report)(const char *file, int line, const char *condition))
{
    atomic_store(&reporter, report);
}

void assert_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "=== ASSERTION FAILED ===\n==> %s:%d '%s' is not true\n", file, line, condition);
    fflush(stderr);
    void (*report)(const char *, int, const char *) = atomic_load(&reporter);
    if (report) report(file, line, condition);
    abort();
}
