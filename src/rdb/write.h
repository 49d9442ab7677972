/* write.h: writing payloads: the pieces, and listpacks, which streams are made of. */
#ifndef CAIRN_RDB_WRITE_H
#define CAIRN_RDB_WRITE_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes being written. Zero-initialised; freed by rdb_out_free. */
struct rdb_out {
    char *buf;
    size_t len;
    size_t cap;
    bool compress; /* long strings */
    bool failed;   /* no memory: what was written is of no use */
};

void rdb_out_free(struct rdb_out *out);
void rdb_out_bytes(struct rdb_out *out, const void *bytes, size_t len);
void rdb_out_u8(struct rdb_out *out, uint8_t byte);
void rdb_out_le64(struct rdb_out *out, uint64_t value);
void rdb_out_double(struct rdb_out *out, double value);
void rdb_out_length(struct rdb_out *out, uint64_t length);
/* A text: as an integer where it is a short one, compressed where that helps, else as it is. */
void rdb_out_string(struct rdb_out *out, struct slice text);
void rdb_out_int(struct rdb_out *out, int64_t number); /* the string of its digits */
/* 16 bytes, high ones first. */
void rdb_out_raw_id(struct rdb_out *out, uint64_t ms, uint64_t seq);
/* Version and checksum, over all from `begin` on. */
void rdb_out_footer(struct rdb_out *out, size_t begin, unsigned version);

/* ---- listpacks ---- */

/* Begins an empty one in an empty `out`. */
void rdb_listpack_begin(struct rdb_out *out);
void rdb_listpack_int(struct rdb_out *out, int64_t number);
void rdb_listpack_string(struct rdb_out *out, struct slice text); /* integers are recognised */
/* Ends it, with this many items. */
void rdb_listpack_end(struct rdb_out *out, size_t items);

#endif
