/* slice.c: comparisons of borrowed bytes. */
#include "util/slice.h"

#include <strings.h>

bool slice_is_word(struct slice a, const char *word)
{
    return strlen(word) == a.len && strncasecmp(a.ptr, word, a.len) == 0;
}
