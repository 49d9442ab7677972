/* write.h: replies in RESP2 or RESP3, appended to a growable buffer. Pure codec, no I/O.
 *
 * Handlers speak RESP3; under protocol 2 the writer falls back as Redis does: map -> flat array, set and push
 * -> array, double -> bulk string, null -> $-1 (null array *-1), bool -> :1/:0, verbatim -> bulk, big number
 * -> bulk.
 */
#ifndef CAIRN_RESP_WRITE_H
#define CAIRN_RESP_WRITE_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resp_out {
    char *buf;
    size_t len;
    size_t cap;
    int proto;    /* 2 or 3: of the client whose reply is being written */
    bool discard; /* CLIENT REPLY OFF/SKIP: everything is dropped */
    size_t limit; /* the buffer does not grow for more bytes than that; 0: none */
    bool failed;  /* no memory for the buffer, or too_long: the connection must be closed */
    bool too_long;
};

void resp_out_init(struct resp_out *out);
void resp_out_free(struct resp_out *out);
/* Room for `len` more bytes; false (and out->failed) when there is no memory, or they are too
 * many. */
bool resp_reserve(struct resp_out *out, size_t len);
void resp_raw(struct resp_out *out, const void *bytes, size_t len);

void resp_simple(struct resp_out *out, const char *text); /* +text */
void resp_ok(struct resp_out *out);
/* -text; CR and LF in the text become spaces. `text` starts with its code: "ERR ...". */
void resp_error(struct resp_out *out, const char *text);
__attribute__((format(printf, 2, 3))) void resp_errorf(struct resp_out *out, const char *format, ...);
void resp_int(struct resp_out *out, int64_t value);
void resp_bulk(struct resp_out *out, const void *bytes, size_t len);
void resp_bulk_slice(struct resp_out *out, struct slice bytes);
void resp_bulk_text(struct resp_out *out, const char *text);
__attribute__((format(printf, 2, 3))) void resp_bulkf(struct resp_out *out, const char *format, ...);
void resp_bulk_int(struct resp_out *out, int64_t value);
void resp_null(struct resp_out *out);
void resp_null_array(struct resp_out *out);
void resp_array(struct resp_out *out, size_t count);
void resp_map(struct resp_out *out, size_t pairs);
void resp_set(struct resp_out *out, size_t count);
void resp_push(struct resp_out *out, size_t count);
void resp_attribute(struct resp_out *out, size_t pairs); /* RESP3 only: callers check out->proto */
void resp_bool(struct resp_out *out, bool value);
void resp_double(struct resp_out *out,
                 double value); /* shortest form that reads back, "inf", "-inf", "nan" as Redis */
void resp_big_number(struct resp_out *out, struct slice digits);
void resp_verbatim(struct resp_out *out, const char *format3, struct slice text); /* "txt", "mkd" */

/* An aggregate whose count is known only at its end:
 *     struct resp_later later = resp_later_begin(out);
 *     ... elements ...
 *     resp_later_array(out, later, n);                     // or _map (n pairs), _set
 */
struct resp_later {
    size_t at;
};
struct resp_later resp_later_begin(struct resp_out *out);
void resp_later_array(struct resp_out *out, struct resp_later later, size_t count);
void resp_later_map(struct resp_out *out, struct resp_later later, size_t pairs);
void resp_later_set(struct resp_out *out, struct resp_later later, size_t count);

#endif
