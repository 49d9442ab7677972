/* glob.h: the pattern language of KEYS, SCAN MATCH and CONFIG GET.
 *
 *     *        any bytes, none included          [abc] [a-z]  one byte of the class
 *     ?        one byte                          [^a]         one byte outside of it
 *     \x       x itself, also inside a class
 */
#ifndef CAIRN_UTIL_GLOB_H
#define CAIRN_UTIL_GLOB_H

#include "util/slice.h"

#include <stdbool.h>

/* True when all of `text` matches. Takes at most pattern.len * text.len steps, whatever the pattern is. */
bool glob_match(struct slice pattern, struct slice text);
/* The same without regard to ASCII case (escaped bytes of a class excepted, as in Redis). */
bool glob_match_nocase(struct slice pattern, struct slice text);

#endif
