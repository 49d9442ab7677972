/* write.c: replies appended to a growable buffer (write.h).
 *
 * Invariants:
 * W1. Every append goes through `room`: with discard or after a failure nothing is written.
 * W2. The buffer at least doubles when it grows, so appending stays linear.
 */
#include "resp/write.h"

#include "util/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES      (16 * 1024)
#define NUMBER_MAX_BYTES 24 /* type byte, sign, 19 digits, CR LF */
#define FORMAT_BYTES     512

void resp_out_init(struct resp_out *out)
{
    *out = (struct resp_out){.proto = 2};
}

void resp_out_free(struct resp_out *out)
{
    free(out->buf);
    out->buf = NULL;
    out->len = out->cap = 0;
}

static __attribute__((noinline)) bool grow(struct resp_out *out, size_t len)
{
    size_t cap = out->cap ? out->cap * 2 : FIRST_BYTES;
    if (cap < out->len + len) cap = out->len + len;
    if (out->limit > 0 && out->len + len > out->limit) out->failed = out->too_long = true;
    char *grown = out->failed ? NULL : realloc(out->buf, cap);
    if (!grown) {
        out->failed = true;
        return false;
    }
    out->buf = grown;
    out->cap = cap;
    return true;
}

static inline bool reserve(struct resp_out *out, size_t len)
{
    return __builtin_expect(out->cap - out->len >= len, 1) || grow(out, len);
}

bool resp_reserve(struct resp_out *out, size_t len)
{
    return reserve(out, len);
}

/* W1: where `len` bytes may be written, NULL when nothing may. The caller advances out->len. */
static inline char *room(struct resp_out *out, size_t len)
{
    if (__builtin_expect(out->discard || out->failed, 0)) return NULL;
    return reserve(out, len) ? out->buf + out->len : NULL;
}

static const char digit_pairs[200] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051"
    "525354"
    "5556575859606162636465666768697071727374757677787980818283848586878889909192939495969798"
    "99";

/* Decimal digits of `value` at `to`; returns their end. */
static inline char *put_unsigned(char *to, uint64_t value)
{
    if (value < 10) {
        *to = (char)('0' + value);
        return to + 1;
    }
    if (value < 100) {
        memcpy(to, digit_pairs + value * 2, 2);
        return to + 2;
    }
    char text[20];
    char *at = text + sizeof text;
    while (value >= 100) {
        at -= 2;
        memcpy(at, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, digit_pairs + value * 2, 2);
    } else {
        *--at = (char)('0' + value);
    }
    size_t len = (size_t)(text + sizeof text - at);
    memcpy(to, at, len);
    return to + len;
}

static inline char *put_signed(char *to, int64_t value)
{
    if (value >= 0) return put_unsigned(to, (uint64_t)value);
    *to = '-';
    return put_unsigned(to + 1, 0 - (uint64_t)value);
}

static inline char *put_crlf(char *to)
{
    memcpy(to, "\r\n", 2);
    return to + 2;
}

/* <type><value>\r\n */
static inline void number_line(struct resp_out *out, char type, int64_t value)
{
    char *to = room(out, NUMBER_MAX_BYTES);
    if (!to) return;
    *to = type;
    out->len = (size_t)(put_crlf(put_signed(to + 1, value)) - out->buf);
}

void resp_raw(struct resp_out *out, const void *bytes, size_t len)
{
    char *to = room(out, len);
    if (!to || len == 0) return;
    memcpy(to, bytes, len);
    out->len += len;
}

static void raw_text(struct resp_out *out, const char *text)
{
    resp_raw(out, text, strlen(text));
}

/* <type><text>\r\n with CR and LF of the text as blanks. */
static void text_line(struct resp_out *out, char type, const char *text, size_t len)
{
    char *to = room(out, len + 3);
    if (!to) return;
    *to++ = type;
    for (size_t i = 0; i < len; i++)
        *to++ = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    put_crlf(to);
    out->len += len + 3;
}

void resp_simple(struct resp_out *out, const char *text)
{
    text_line(out, '+', text, strlen(text));
}

void resp_ok(struct resp_out *out)
{
    resp_raw(out, "+OK\r\n", 5);
}

void resp_error(struct resp_out *out, const char *text)
{
    text_line(out, '-', text, strlen(text));
}

/* A bulk string or an error, from a text of any length. */
__attribute__((format(printf, 3, 0))) static void put_formatted(struct resp_out *out, bool bulk,
                                                                const char *format, va_list args)
{
    char buf[FORMAT_BYTES];
    char *text = buf;
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(buf, sizeof buf, format, args);
    if (len >= FORMAT_BYTES && (text = malloc((size_t)len + 1)) != NULL)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    if (len < 0 || !text) out->failed = true;
    else if (bulk) resp_bulk(out, text, (size_t)len);
    else text_line(out, '-', text, (size_t)len);
    if (text != buf) free(text);
}

void resp_errorf(struct resp_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_formatted(out, false, format, args);
    va_end(args);
}

void resp_int(struct resp_out *out, int64_t value)
{
    number_line(out, ':', value);
}

void resp_bulk(struct resp_out *out, const void *bytes, size_t len)
{
    char *to = room(out, len + NUMBER_MAX_BYTES + 2);
    if (!to) return;
    *to = '$';
    to = put_crlf(put_unsigned(to + 1, len));
    if (len) memcpy(to, bytes, len);
    out->len = (size_t)(put_crlf(to + len) - out->buf);
}

void resp_bulk_slice(struct resp_out *out, struct slice bytes)
{
    resp_bulk(out, bytes.ptr, bytes.len);
}

void resp_bulk_text(struct resp_out *out, const char *text)
{
    resp_bulk(out, text, strlen(text));
}

void resp_bulkf(struct resp_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_formatted(out, true, format, args);
    va_end(args);
}

void resp_bulk_int(struct resp_out *out, int64_t value)
{
    char text[NUMBER_MAX_BYTES];
    resp_bulk(out, text, (size_t)(put_signed(text, value) - text));
}

void resp_null(struct resp_out *out)
{
    raw_text(out, out->proto == 3 ? "_\r\n" : "$-1\r\n");
}

void resp_null_array(struct resp_out *out)
{
    raw_text(out, out->proto == 3 ? "_\r\n" : "*-1\r\n");
}

void resp_bool(struct resp_out *out, bool value)
{
    if (out->proto == 3) raw_text(out, value ? "#t\r\n" : "#f\r\n");
    else resp_int(out, value);
}

/* ---- aggregates ---- */

/* The header of `count` elements, or of `count` pairs where the protocol knows the type. */
struct header {
    char type;
    size_t count;
};

static struct header array_header(size_t count)
{
    return (struct header){'*', count};
}

static struct header map_header(const struct resp_out *out, size_t pairs)
{
    return out->proto == 3 ? (struct header){'%', pairs} : array_header(pairs * 2);
}

static struct header set_header(const struct resp_out *out, size_t count)
{
    return (struct header){out->proto == 3 ? '~' : '*', count};
}

static void put_header(struct resp_out *out, struct header header)
{
    number_line(out, header.type, (int64_t)header.count);
}

void resp_array(struct resp_out *out, size_t count)
{
    put_header(out, array_header(count));
}

void resp_map(struct resp_out *out, size_t pairs)
{
    put_header(out, map_header(out, pairs));
}

void resp_set(struct resp_out *out, size_t count)
{
    put_header(out, set_header(out, count));
}

void resp_push(struct resp_out *out, size_t count)
{
    number_line(out, out->proto == 3 ? '>' : '*', (int64_t)count);
}

void resp_attribute(struct resp_out *out, size_t pairs)
{
    number_line(out, '|', (int64_t)pairs);
}

struct resp_later resp_later_begin(struct resp_out *out)
{
    return (struct resp_later){out->len};
}

/* Puts the header before the elements that stand behind `at`. */
static void insert_header(struct resp_out *out, size_t at, struct header header)
{
    char text[NUMBER_MAX_BYTES];
    text[0] = header.type;
    size_t len = (size_t)(put_crlf(put_unsigned(text + 1, header.count)) - text);
    if (!room(out, len)) return;
    memmove(out->buf + at + len, out->buf + at, out->len - at);
    memcpy(out->buf + at, text, len);
    out->len += len;
}

void resp_later_array(struct resp_out *out, struct resp_later later, size_t count)
{
    insert_header(out, later.at, array_header(count));
}

void resp_later_map(struct resp_out *out, struct resp_later later, size_t pairs)
{
    insert_header(out, later.at, map_header(out, pairs));
}

void resp_later_set(struct resp_out *out, struct resp_later later, size_t count)
{
    insert_header(out, later.at, set_header(out, count));
}

#define EXACT_INTEGER                                                                                        \
    4503599627370496.0 /* 2^52: whole numbers below are written as integers, as Redis does */

static size_t double_text(char text[NUMBER_DOUBLE_TEXT_MAX], double value)
{
    bool whole = fabs(value) < EXACT_INTEGER && value == trunc(value);
    if (whole && (value > 0 || value < 0)) /* zero has a sign */
        return (size_t)(put_signed(text, (int64_t)value) - text);
    return number_double_text(text, value);
}

void resp_double(struct resp_out *out, double value)
{
    char text[NUMBER_DOUBLE_TEXT_MAX];
    size_t len = double_text(text, value);
    if (out->proto == 3) text_line(out, ',', text, len);
    else resp_bulk(out, text, len);
}

void resp_big_number(struct resp_out *out, struct slice digits)
{
    if (out->proto == 3) text_line(out, '(', digits.ptr, digits.len);
    else resp_bulk_slice(out, digits);
}

void resp_verbatim(struct resp_out *out, const char *format3, struct slice text)
{
    if (out->proto != 3) {
        resp_bulk_slice(out, text);
        return;
    }
    char *to = room(out, text.len + NUMBER_MAX_BYTES + 6);
    if (!to) return;
    *to = '=';
    to = put_crlf(put_unsigned(to + 1, text.len + 4));
    memcpy(to, format3, 3);
    to[3] = ':';
    if (text.len) memcpy(to + 4, text.ptr, text.len);
    out->len = (size_t)(put_crlf(to + 4 + text.len) - out->buf);
}
