/* parse.c: requests from a byte stream (parse.h).
 *
 * Invariants:
 * P1. A request that is complete at first sight goes straight into the arena and leaves the parser zero.
 * P2. An incomplete one keeps its arguments as spans; they become slices once, when the last has come.
 * P3. Nothing is allocated for a count or length the peer claims, only for bytes that have arrived.
 */
#include "resp/parse.h"

#include "resp/inline.h"
#include "util/number.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_FIRST_SLICES         256
#define ARENA_KEEP_SLICES          (64 * 1024) /* larger arrays are given back at the reset */
#define UNAUTHENTICATED_ARGS       10
#define UNAUTHENTICATED_BULK_BYTES 16384
#define LENGTH_UNREAD              SIZE_MAX
#define ERROR_NO_MEMORY            "ERR Protocol error: out of memory"

struct resp_block {
    struct resp_block *next;
    struct slice data[];
};

/* What the functions below pass on to each other: one call of resp_parse. */
struct input {
    struct resp_parser *parser;
    const struct resp_limits *limits;
    struct resp_arena *arena;
    const char *bytes;
    size_t len;
    size_t wanted;
    const char *error;
};

/* ---- arena ---- */

static struct resp_block *block_new(size_t bytes)
{
    return malloc(sizeof(struct resp_block) + bytes);
}

static struct resp_block *block_of(struct slice *slices)
{
    return (struct resp_block *)((char *)slices - offsetof(struct resp_block, data));
}

static void arena_retire(struct resp_arena *arena, struct resp_block *block)
{
    block->next = arena->retired;
    arena->retired = block;
}

static void arena_free_retired(struct resp_arena *arena)
{
    while (arena->retired) {
        struct resp_block *next = arena->retired->next;
        free(arena->retired);
        arena->retired = next;
    }
}

/* Makes room for `count` more slices; the `open` last ones, of the request being read, move along. */
static __attribute__((noinline)) bool arena_grow(struct resp_arena *arena, size_t open, size_t count)
{
    size_t cap = arena->cap ? arena->cap * 2 : ARENA_FIRST_SLICES;
    while (cap < open + count)
        cap *= 2;
    struct resp_block *block = block_new(cap * sizeof(struct slice));
    if (!block) return false;
    if (arena->slices) {
        memcpy(block->data, arena->slices + arena->used - open, open * sizeof(struct slice));
        arena_retire(arena, block_of(arena->slices));
    }
    arena->slices = block->data;
    arena->used = open;
    arena->cap = cap;
    return true;
}

static inline bool arena_push(struct resp_arena *arena, size_t open, const char *ptr, size_t len)
{
    if (__builtin_expect(arena->used == arena->cap, 0) && !arena_grow(arena, open, 1)) return false;
    arena->slices[arena->used++] = (struct slice){ptr, len};
    return true;
}

void resp_arena_reset(struct resp_arena *arena)
{
    arena_free_retired(arena);
    arena->used = 0;
    if (arena->cap > ARENA_KEEP_SLICES) resp_arena_free(arena);
}

void resp_arena_free(struct resp_arena *arena)
{
    arena_free_retired(arena);
    if (arena->slices) free(block_of(arena->slices));
    *arena = (struct resp_arena){0};
}

void resp_parser_reset(struct resp_parser *parser)
{
    free(parser->spans);
    *parser = (struct resp_parser){0};
}

/* ---- outcomes ---- */

static enum resp_status fail(struct input *in, const char *error)
{
    in->error = error;
    return RESP_ERROR;
}

static enum resp_status more(struct input *in, size_t wanted)
{
    in->wanted = wanted;
    return RESP_MORE;
}

/* ---- number lines: "*3\r\n", "$16\r\n" ---- */

/* A line that is incomplete, negative, very long or wrong. */
static __attribute__((noinline)) enum resp_status
number_line_slow(struct input *in, size_t *pos, int64_t *value_out, const char *too_big, const char *invalid)
{
    struct resp_parser *parser = in->parser;
    const char *line = in->bytes + *pos + 1;
    size_t avail = in->len - *pos - 1;
    size_t skip = parser->scanned < avail ? parser->scanned : avail;
    const char *cr = memchr(line + skip, '\r', avail - skip);
    size_t line_len = cr ? (size_t)(cr - line) : avail;
    if (line_len > in->limits->max_inline_bytes) return fail(in, too_big);
    if (!cr || line_len + 2 > avail) {
        parser->scanned = line_len;
        return more(in, 1);
    }
    parser->scanned = 0;
    if (!number_parse_int((struct slice){line, line_len}, value_out)) return fail(in, invalid);
    *pos += line_len + 3;
    return RESP_REQUEST;
}

/* Reads the number line whose type byte is at *pos, and steps over it. */
static inline enum resp_status number_line(struct input *in, size_t *pos, int64_t *value_out,
                                           const char *too_big, const char *invalid)
{
    const char *p = in->bytes + *pos + 1;
    const char *end = in->bytes + in->len;
    if (end - p >= 12) { /* ten digits and the line's end: no check per byte */
        const char *digits = p;
        int64_t value = 0;
        while ((unsigned)(*p - '0') < 10 && p - digits < 10)
            value = value * 10 + (*p++ - '0');
        if (*p == '\r' && p != digits && (*digits != '0' || p == digits + 1)) {
            *pos = (size_t)(p + 2 - in->bytes);
            *value_out = value;
            in->parser->scanned = 0;
            return RESP_REQUEST;
        }
    }
    return number_line_slow(in, pos, value_out, too_big, invalid);
}

/* ---- multibulk ---- */

static enum resp_status count_line(struct input *in, size_t *pos, size_t *count_out)
{
    int64_t count;
    enum resp_status status = number_line(in, pos, &count, "ERR Protocol error: too big mbulk count string",
                                          "ERR Protocol error: invalid multibulk length");
    if (status != RESP_REQUEST) return status;
    if (count > 0 && (uint64_t)count > in->limits->max_args)
        return fail(in, "ERR Protocol error: invalid multibulk length");
    if (count > UNAUTHENTICATED_ARGS && !in->limits->authenticated)
        return fail(in, "ERR Protocol error: unauthenticated multibulk length");
    *count_out = count > 0 ? (size_t)count : 0;
    return RESP_REQUEST;
}

static enum resp_status unexpected_byte(struct input *in, char byte)
{
    /* A byte that would end the error line stands as a blank. */
    char shown = byte == '\r' || byte == '\n' || byte == '\0' ? ' ' : byte;
    snprintf(in->arena->error, sizeof in->arena->error, "ERR Protocol error: expected '$', got '%c'", shown);
    return fail(in, in->arena->error);
}

static inline enum resp_status length_line(struct input *in, size_t *pos, size_t *length_out)
{
    if (*pos == in->len) return more(in, 1);
    if (__builtin_expect(in->bytes[*pos] != '$', 0)) return unexpected_byte(in, in->bytes[*pos]);
    int64_t length;
    enum resp_status status = number_line(in, pos, &length, "ERR Protocol error: too big bulk count string",
                                          "ERR Protocol error: invalid bulk length");
    if (status != RESP_REQUEST) return status;
    if (length < 0 || (uint64_t)length > in->limits->max_bulk_bytes)
        return fail(in, "ERR Protocol error: invalid bulk length");
    if (length > UNAUTHENTICATED_BULK_BYTES && !in->limits->authenticated)
        return fail(in, "ERR Protocol error: unauthenticated bulk length");
    *length_out = (size_t)length;
    return RESP_REQUEST;
}

/* P2: the array doubles, so each span is copied a bounded number of times. */
static bool spans_reserve(struct resp_parser *parser, size_t count)
{
    if (count <= parser->spans_cap) return true;
    size_t cap = parser->spans_cap ? parser->spans_cap * 2 : 8;
    while (cap < count)
        cap *= 2;
    struct resp_span *grown = realloc(parser->spans, cap * sizeof *grown);
    if (!grown) return false;
    parser->spans = grown;
    parser->spans_cap = cap;
    return true;
}

/* The request turned out incomplete at first sight: its arguments leave the arena for the parser. */
static bool arguments_to_spans(struct input *in, size_t argc)
{
    struct resp_parser *parser = in->parser;
    if (!spans_reserve(parser, argc + 1)) return false;
    const struct slice *slices = in->arena->slices + in->arena->used - argc;
    for (size_t i = 0; i < argc; i++)
        parser->spans[i] = (struct resp_span){(size_t)(slices[i].ptr - in->bytes), slices[i].len};
    in->arena->used -= argc;
    return true;
}

static bool spans_to_arguments(struct input *in, size_t argc)
{
    struct resp_arena *arena = in->arena;
    const struct resp_span *spans = in->parser->spans;
    if (arena->cap - arena->used < argc && !arena_grow(arena, 0, argc)) return false;
    for (size_t i = 0; i < argc; i++)
        arena->slices[arena->used++] = (struct slice){in->bytes + spans[i].off, spans[i].len};
    return true;
}

static inline bool add_argument(struct input *in, size_t argc, size_t pos, size_t len)
{
    struct resp_parser *parser = in->parser;
    if (__builtin_expect(!parser->spans, 1)) return arena_push(in->arena, argc, in->bytes + pos, len);
    if (!spans_reserve(parser, argc + 1)) return false;
    parser->spans[argc] = (struct resp_span){pos, len};
    return true;
}

static enum resp_status parse_multibulk(struct input *in, struct resp_request *request_out)
{
    struct resp_parser *parser = in->parser;
    size_t pos = parser->at;
    size_t argc = parser->argc;
    size_t wanted = parser->argc_wanted;
    size_t bulk_len = wanted ? parser->bulk_len : LENGTH_UNREAD;
    enum resp_status status = RESP_REQUEST;
    if (wanted == 0) status = count_line(in, &pos, &wanted);
    while (status == RESP_REQUEST && argc < wanted) {
        if (bulk_len == LENGTH_UNREAD) {
            status = length_line(in, &pos, &bulk_len);
            if (status != RESP_REQUEST) break;
        }
        size_t have = in->len - pos;
        if (have < bulk_len + 2) {
            status = more(in, bulk_len + 2 - have);
            break;
        }
        if (!add_argument(in, argc, pos, bulk_len)) return fail(in, ERROR_NO_MEMORY);
        argc++;
        pos += bulk_len + 2;
        bulk_len = LENGTH_UNREAD;
    }
    if (status == RESP_ERROR) return status;
    if (status == RESP_MORE) {
        if (!parser->spans && !arguments_to_spans(in, argc)) return fail(in, ERROR_NO_MEMORY);
        parser->at = pos;
        parser->argc = argc;
        parser->argc_wanted = wanted;
        parser->bulk_len = bulk_len;
        return status;
    }
    if (__builtin_expect(parser->spans != NULL, 0)) {
        if (!spans_to_arguments(in, argc)) return fail(in, ERROR_NO_MEMORY);
        resp_parser_reset(parser);
    }
    *request_out = (struct resp_request){in->arena->slices + in->arena->used - argc, argc, pos};
    return RESP_REQUEST;
}

/* ---- what is not kept ---- */

void resp_skip_begin(struct resp_parser *parser)
{
    free(parser->spans);
    parser->spans = NULL;
    parser->spans_cap = 0;
    if (parser->bulk_len != LENGTH_UNREAD)
        parser->bulk_len += 2; /* from here on what is left of it, its line's end included */
}

enum resp_status resp_skip(struct resp_parser *parser, const struct resp_limits *limits,
                           struct resp_arena *arena, const char *bytes, size_t len, size_t *skipped_out,
                           const char **error_out)
{
    struct input in = {parser, limits, arena, bytes, len, 0, NULL};
    enum resp_status status = RESP_REQUEST;
    size_t pos = 0;
    while (status == RESP_REQUEST && parser->argc < parser->argc_wanted) {
        if (parser->bulk_len == LENGTH_UNREAD) {
            size_t bulk_len;
            status = length_line(&in, &pos, &bulk_len);
            if (status == RESP_REQUEST) parser->bulk_len = bulk_len + 2;
            continue;
        }
        size_t have = len - pos;
        size_t step = have < parser->bulk_len ? have : parser->bulk_len;
        pos += step;
        parser->bulk_len -= step;
        if (parser->bulk_len > 0) status = RESP_MORE;
        else {
            parser->argc++;
            parser->bulk_len = LENGTH_UNREAD;
        }
    }
    *skipped_out = pos;
    if (status == RESP_ERROR) *error_out = in.error;
    if (status != RESP_MORE) resp_parser_reset(parser);
    return status;
}

/* ---- inline ---- */

static enum resp_status split_line(struct input *in, struct slice line, struct resp_request *request_out)
{
    size_t argc = 0;
    char *decoded = NULL;
    if (memchr(line.ptr, '"', line.len) || memchr(line.ptr, '\'', line.len)) {
        struct resp_block *block = block_new(line.len);
        if (!block) return fail(in, ERROR_NO_MEMORY);
        arena_retire(in->arena, block);
        decoded = (char *)block->data;
    }
    for (;;) {
        struct slice word;
        enum inline_status status = resp_inline_word(&line, decoded, &word);
        if (status == INLINE_END) break;
        if (status == INLINE_UNBALANCED) return fail(in, "ERR Protocol error: unbalanced quotes in request");
        if (decoded && word.ptr == decoded) decoded += word.len;
        if (!arena_push(in->arena, argc, word.ptr, word.len)) return fail(in, ERROR_NO_MEMORY);
        argc++;
    }
    request_out->argc = argc;
    request_out->argv = argc ? in->arena->slices + in->arena->used - argc : NULL;
    return RESP_REQUEST;
}

static enum resp_status parse_inline(struct input *in, struct resp_request *request_out)
{
    struct resp_parser *parser = in->parser;
    const char *newline = memchr(in->bytes + parser->scanned, '\n', in->len - parser->scanned);
    size_t line_len = newline ? (size_t)(newline - in->bytes) : in->len;
    if (line_len > in->limits->max_inline_bytes)
        return fail(in, "ERR Protocol error: too big inline request");
    if (!newline) {
        parser->scanned = in->len;
        return more(in, 1);
    }
    parser->scanned = 0;
    request_out->bytes = line_len + 1;
    return split_line(in, (struct slice){in->bytes, line_len}, request_out);
}

enum resp_status resp_parse(struct resp_parser *parser, const struct resp_limits *limits,
                            struct resp_arena *arena, const char *bytes, size_t len,
                            struct resp_request *request_out, size_t *wanted_out, const char **error_out)
{
    struct input in = {parser, limits, arena, bytes, len, 0, NULL};
    enum resp_status status;
    if (len == 0) status = more(&in, 1);
    else if (bytes[0] == '*') status = parse_multibulk(&in, request_out);
    else status = parse_inline(&in, request_out);
    if (status == RESP_MORE) *wanted_out = in.wanted;
    if (status == RESP_ERROR) {
        *error_out = in.error;
        resp_parser_reset(parser);
    }
    return status;
}
