/* value.h: reading a payload into a value in memory.
 *
 * Terms: a *body* is a type and a value, without the footer. *Words* are texts, in the body or in the value's own memory.
 *
 * What is read is complete: every length was there, members and fields are distinct, scores are numbers, streams ascend, and what
 * refers to something finds it. No collection but a stream is empty.
 */
#ifndef CAIRN_RDB_VALUE_H
#define CAIRN_RDB_VALUE_H

#include "rdb/in.h"
#include "util/error.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum rdb_kind { RDB_KIND_STRING, RDB_KIND_LIST, RDB_KIND_SET, RDB_KIND_ZSET, RDB_KIND_HASH, RDB_KIND_STREAM };

/* What is being gathered. */
struct rdb_words {
    struct slice *at;
    size_t count;
    size_t cap;
};

struct rdb_stream; /* rdb/stream.h */

struct rdb_value {
    enum rdb_kind kind;
    /* STRING: one; LIST: items; SET, ZSET: members; HASH: field, value, field, value ...; STREAM: of all entries */
    struct rdb_words words;
    double *scores;            /* ZSET: one for each word */
    int64_t *times;            /* HASH: one for each field, milliseconds, 0: none; NULL: no field expires */
    struct rdb_stream *stream; /* STREAM */
    struct rdb_arena arena;
};

/* Whether the footer is right: a version that is read, and the checksum unless `skip_checksum`. *body_out: what stands before it. */
bool rdb_footer_is_valid(struct slice payload, bool skip_checksum, struct slice *body_out);
/* ERROR_CORRUPT, ERROR_MEMORY. The value borrows from the body; rdb_value_free is due in any case. */
MUST_CHECK enum error rdb_value_read(struct slice body, struct rdb_value *value_out);
void rdb_value_free(struct rdb_value *value);

/* ---- for the files that read ---- */

/* Appends a word; errors go to `in`. */
void rdb_words_add(struct rdb_words *words, struct rdb_in *in, struct slice word);
/* Fails `in` unless the words at `first`, first + stride ... are distinct. */
void rdb_words_distinct(struct rdb_in *in, const struct slice *words, size_t count, size_t stride);

#endif
