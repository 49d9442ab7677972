/* detail.c: see detail.h. */
#include "heap/detail.h"

#include <stdarg.h>
#include <stdio.h>

void detail_say(char detail[DETAIL_BYTES], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(detail, DETAIL_BYTES, format, args);
    va_end(args);
}
