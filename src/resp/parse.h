/* parse.h: requests, multibulk and inline, from a byte stream. Pure codec: no I/O, no copy of arguments.
 *
 * Terms: a *request* is an array of slices into the caller's bytes; an *arena* holds the slices of one batch.
 * A request that is not complete yet keeps its progress in the parser (offsets from its first byte), so bytes
 * are never looked at twice however slowly a million arguments arrive.
 */
#ifndef CAIRN_RESP_PARSE_H
#define CAIRN_RESP_PARSE_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resp_limits {
    size_t max_bulk_bytes;   /* proto-max-bulk-len */
    size_t max_inline_bytes; /* 64 KiB, as Redis; also for the count and length lines */
    size_t max_args;         /* 1024*1024 in a multibulk; INT_MAX there */
    bool authenticated;      /* else at most 10 arguments of 16384 bytes, as Redis */
};

struct resp_request {
    struct slice *argv; /* in the arena: good until it is reset */
    size_t argc;
    size_t bytes; /* its length on the wire */
};

/* Slices never move while the arena is in use: a full array is retired, not reallocated. All zero: empty. */
struct resp_arena {
    struct slice *slices;
    size_t used;
    size_t cap;
    struct resp_block *retired; /* outgrown arrays and unquoted inline words, until the reset */
    char error[64];             /* error texts that name a byte of the input */
};
void resp_arena_reset(
    struct resp_arena *arena); /* forgets every request; gives back what was unusually large */
void resp_arena_free(struct resp_arena *arena);

struct resp_span {
    size_t off; /* from the request's first byte */
    size_t len;
};

/* Progress within an incomplete request; all zero: at the start of one. */
struct resp_parser {
    size_t argc_wanted;      /* 0: the count line is not read yet */
    size_t argc;             /* complete arguments */
    size_t at;               /* bytes consumed since the request's first */
    struct resp_span *spans; /* complete arguments (allocated only while incomplete) */
    size_t spans_cap;
    size_t bulk_len; /* of the argument being read; SIZE_MAX: its length line is not read yet */
    size_t scanned;  /* bytes of a line already searched for its end */
};
void resp_parser_reset(struct resp_parser *parser); /* frees what an incomplete request held */

enum resp_status {
    RESP_REQUEST, /* one request; argc 0 (empty line, *0) is skipped by the caller */
    RESP_MORE,    /* incomplete: call again with the same first byte and more of them */
    RESP_ERROR,   /* the stream is unusable: answer `error_out`, close */
};

/* Reads one request from the `len` bytes at `bytes`, which start where the request starts. On RESP_MORE
 * `wanted_out` is a lower bound of the bytes still missing (a 512 MiB bulk: allocate once). On RESP_ERROR
 * `error_out` is Redis's text, "ERR Protocol error: ...". */
enum resp_status resp_parse(struct resp_parser *parser, const struct resp_limits *limits,
                            struct resp_arena *arena, const char *bytes, size_t len,
                            struct resp_request *request_out, size_t *wanted_out, const char **error_out);

/* The rest of a request that nobody wants to keep: after RESP_MORE, when its count line has been read (argc_wanted is not 0), the caller
 * may forget its first `at` bytes and have what follows stepped over, piece by piece. RESP_REQUEST: its end was reached, the parser is
 * all zero. RESP_MORE: all but `skipped_out` bytes, of an incomplete line, are to be shown again with more. */
void resp_skip_begin(struct resp_parser *parser);
enum resp_status resp_skip(struct resp_parser *parser, const struct resp_limits *limits,
                           struct resp_arena *arena, const char *bytes, size_t len, size_t *skipped_out,
                           const char **error_out);

#endif
