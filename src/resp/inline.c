/* inline.c: splits a line into words (inline.h). */
#include "resp/inline.h"

#include <stdbool.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static char escaped_char(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
    }
}

/* Decodes the escape whose backslash is at `at` (another byte follows it); returns how many bytes it takes.
 */
static size_t decode_escape(const char *at, const char *end, char *byte_out)
{
    if (end - at >= 4 && at[1] == 'x' && hex_value(at[2]) >= 0 && hex_value(at[3]) >= 0) {
        *byte_out = (char)(hex_value(at[2]) * 16 + hex_value(at[3]));
        return 4;
    }
    *byte_out = escaped_char(at[1]);
    return 2;
}

/* Decodes a quoted part; `*at` stands behind its opening quote, and behind the closing one on success. */
static bool decode_quoted(const char **at, const char *end, char quote, char **to)
{
    const char *p = *at;
    while (p < end && *p != quote) {
        bool escape = *p == '\\' && end - p >= 2;
        if (escape && quote == '"') {
            p += decode_escape(p, end, (*to)++);
        } else if (escape && p[1] == '\'') {
            *(*to)++ = '\'';
            p += 2;
        } else {
            *(*to)++ = *p++;
        }
    }
    if (p == end) return false;
    p++;
    *at = p;
    return p == end || is_blank(*p);
}

enum inline_status resp_inline_word(struct slice *line, char *decoded, struct slice *word_out)
{
    const char *end = line->ptr + line->len;
    const char *p = line->ptr;
    while (p < end && is_blank(*p))
        p++;
    const char *start = p;
    while (p < end && !is_blank(*p) && *p != '"' && *p != '\'')
        p++;
    *word_out = (struct slice){start, (size_t)(p - start)};
    if (p == end || is_blank(*p)) {
        *line = (struct slice){p, (size_t)(end - p)};
        return p == start ? INLINE_END : INLINE_WORD;
    }
    char *to = decoded + (p - start);
    memcpy(decoded, start, (size_t)(p - start));
    while (p < end && !is_blank(*p)) {
        if (*p != '"' && *p != '\'') {
            *to++ = *p++;
            continue;
        }
        char quote = *p++;
        if (!decode_quoted(&p, end, quote, &to)) return INLINE_UNBALANCED;
    }
    *line = (struct slice){p, (size_t)(end - p)};
    *word_out = (struct slice){decoded, (size_t)(to - decoded)};
    return INLINE_WORD;
}
