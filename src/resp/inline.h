/* inline.h: words of a text line with Redis's quoting rules: inline requests and redis.conf lines.
 *
 * Words are separated by blanks. "..." knows \n \r \t \b \a \xHH and \<any>, '...' knows \' only; a closing
 * quote must be followed by a blank or the end. Quotes may open inside a word.
 */
#ifndef CAIRN_RESP_INLINE_H
#define CAIRN_RESP_INLINE_H

#include "util/slice.h"

enum inline_status {
    INLINE_WORD,
    INLINE_END,        /* no more words */
    INLINE_UNBALANCED, /* a quote that is not closed, or closed in the middle of a word */
};

/* Takes the next word off the front of `line`. The word points into the line when it has no quotes, else it
 * is decoded to `decoded` (room for line->len bytes). */
enum inline_status resp_inline_word(struct slice *line, char *decoded, struct slice *word_out);

#endif
