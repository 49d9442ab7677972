/* slice.h: borrowed bytes with a length; never owned, not terminated. */
#ifndef CAIRN_UTIL_SLICE_H
#define CAIRN_UTIL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* True when `a` is `word` without regard to ASCII case; `word` is NUL-terminated. */
bool slice_is_word(struct slice a, const char *word);

#endif
