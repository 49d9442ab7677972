/* in.h: reading a payload: lengths, integers, strings. Errors stick: after the first one nothing is read any more, and all answers are
 * zeros, so callers look once, at the end of a run. */
#ifndef CAIRN_RDB_IN_H
#define CAIRN_RDB_IN_H

#include "util/error.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Memory for texts that do not stand in the payload as they are; freed all at once. Zero-initialised. */
struct rdb_arena {
    struct rdb_arena_block *blocks;
    size_t used; /* of the newest block */
};
/* NULL: no memory. */
char *rdb_arena_take(struct rdb_arena *arena, size_t len);
void rdb_arena_free(struct rdb_arena *arena);

struct rdb_in {
    const char *at;
    const char *end;
    struct rdb_arena *arena;
    enum error error; /* ERROR_CORRUPT or ERROR_MEMORY: the first one */
};

static inline bool rdb_in_ok(const struct rdb_in *in)
{
    return in->error == ERROR_OK;
}
static inline size_t rdb_in_left(const struct rdb_in *in)
{
    return (size_t)(in->end - in->at);
}
void rdb_in_fail(struct rdb_in *in, enum error error);

/* `len` bytes as they are. */
struct slice rdb_in_bytes(struct rdb_in *in, size_t len);
uint8_t rdb_in_u8(struct rdb_in *in);
uint64_t rdb_in_le64(struct rdb_in *in);
/* A length or another number in the form of one. */
uint64_t rdb_in_length(struct rdb_in *in);
double rdb_in_double(struct rdb_in *in);
/* A double as text with a byte of length. */
double rdb_in_text_double(struct rdb_in *in);
/* A string as text, whatever its form: in the payload, or in the arena. */
struct slice rdb_in_string(struct rdb_in *in);
/* The text of an integer, in the arena. */
struct slice rdb_in_int_text(struct rdb_in *in, int64_t number);

#endif
