/* glob.c: patterns, matched without recursion.
 *
 * Only the last star matters: when the rest of the pattern fails, an earlier star could not do better, since
 * whatever it would swallow instead the last one can swallow too. So one point to return to is enough, and
 * time is bounded by the product of the lengths. Beyond STARS_MAX stars nothing matches, as in Redis.
 */
#include "util/glob.h"

#include <ctype.h>
#include <stdint.h>

#define STARS_MAX 1000 /* runs of stars with something behind them */

static unsigned char fold(char c, bool nocase)
{
    unsigned char byte = (unsigned char)c;
    return nocase ? (unsigned char)tolower(byte) : byte;
}

/* Matches one byte against the class whose '[' stands at `at`; *next_out is where the pattern goes on. A
 * class that is never closed ends with the pattern. */
static bool match_class(struct slice pattern, size_t at, char byte, bool nocase, size_t *next_out)
{
    unsigned char wanted = fold(byte, nocase);
    bool found = false;

    at++;
    bool negated = at < pattern.len && pattern.ptr[at] == '^';
    if (negated) at++;
    for (; at < pattern.len && pattern.ptr[at] != ']'; at++) {
        if (pattern.ptr[at] == '\\' && at + 1 < pattern.len) {
            at++;
            found |= pattern.ptr[at] == byte;
        } else if (at + 2 < pattern.len && pattern.ptr[at + 1] == '-') {
            unsigned char low = fold(pattern.ptr[at], nocase);
            unsigned char high = fold(pattern.ptr[at + 2], nocase);
            found |= low <= high ? low <= wanted && wanted <= high : high <= wanted && wanted <= low;
            at += 2;
        } else {
            found |= fold(pattern.ptr[at], nocase) == wanted;
        }
    }
    *next_out = at < pattern.len ? at + 1 : at;
    return found != negated;
}

/* Matches one byte against the element at `at`, which is no star. */
static bool match_byte(struct slice pattern, size_t at, char byte, bool nocase, size_t *next_out)
{
    switch (pattern.ptr[at]) {
    case '?': *next_out = at + 1; return true;
    case '[': return match_class(pattern, at, byte, nocase, next_out);
    case '\\':
        if (at + 1 < pattern.len) at++;
        break;
    default: break;
    }
    *next_out = at + 1;
    return fold(pattern.ptr[at], nocase) == fold(byte, nocase);
}

static bool match(struct slice pattern, struct slice text, bool nocase)
{
    size_t p = 0;
    size_t t = 0;
    size_t retry_p = SIZE_MAX; /* behind the last star; SIZE_MAX: none yet */
    size_t retry_t = 0;        /* what that star has swallowed so far ends here */
    unsigned stars = 0;

    while (t < text.len) {
        size_t next;
        if (p < pattern.len && pattern.ptr[p] == '*') {
            retry_p = ++p;
            retry_t = t;
            bool ends_run = p < pattern.len && pattern.ptr[p] != '*';
            if (ends_run && ++stars > STARS_MAX) return false;
        } else if (p < pattern.len && match_byte(pattern, p, text.ptr[t], nocase, &next)) {
            p = next;
            t++;
        } else if (retry_p != SIZE_MAX) {
            p = retry_p;
            t = ++retry_t;
        } else {
            return false;
        }
        if (p == pattern.len && p == retry_p) return true; /* a star ends the pattern */
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool glob_match(struct slice pattern, struct slice text)
{
    return match(pattern, text, false);
}

bool glob_match_nocase(struct slice pattern, struct slice text)
{
    return match(pattern, text, true);
}
