/* hyperloglog.h: the codec of HyperLogLogs, byte for byte the strings that Redis keeps: they may come from
 * SET, so nothing in them is trusted.
 *
 *     "HYLL" | encoding:8 | 0:24 | cardinality:64 | registers
 *
 * The cardinality is the last estimate, little endian; with its highest bit set it is out of date. There
 * are 2^14 registers of values 0 .. 63, of which the hash of an element picks one. *Dense*: 6 bits each,
 * from the low bits of each byte on. *Sparse*: a run of opcodes that cover all registers:
 *
 *     00nnnnnn             n + 1 registers are 0
 *     01nnnnnn nnnnnnnn    n + 1 registers are 0, high bits first
 *     1vvvvvnn             n + 1 registers are v + 1
 */
#ifndef CAIRN_DS_HYPERLOGLOG_H
#define CAIRN_DS_HYPERLOGLOG_H

#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define HYPERLOGLOG_REGISTERS    16384
#define HYPERLOGLOG_HEADER_BYTES 16
#define HYPERLOGLOG_DENSE_BYTES  (HYPERLOGLOG_HEADER_BYTES + HYPERLOGLOG_REGISTERS * 6 / 8)
/* No sparse one that makes sense is longer: two bytes say at least one register. */
#define HYPERLOGLOG_SPARSE_BYTES_MAX (HYPERLOGLOG_HEADER_BYTES + 2 * HYPERLOGLOG_REGISTERS)
#define HYPERLOGLOG_EMPTY_BYTES      (HYPERLOGLOG_HEADER_BYTES + 2)
#define HYPERLOGLOG_VALUE_MAX        63
#define HYPERLOGLOG_SPARSE_MAX       32 /* larger values need the dense form */

/* Where the cardinality stands. */
#define HYPERLOGLOG_CARDINALITY_AT    8
#define HYPERLOGLOG_CARDINALITY_BYTES 8

enum hyperloglog_form { HYPERLOGLOG_NONE, HYPERLOGLOG_DENSE, HYPERLOGLOG_SPARSE };
/* By the header and the length; NONE: no HyperLogLog. */
enum hyperloglog_form hyperloglog_form(struct slice bytes);

/* An element's register and the value that it asks for there. */
struct hyperloglog_place {
    uint32_t index;
    uint8_t value; /* 1 .. 51 */
};
struct hyperloglog_place hyperloglog_place(struct slice element);

/* ---- whole strings ---- */

/* An empty sparse one; returns its length, HYPERLOGLOG_EMPTY_BYTES. */
size_t hyperloglog_init(char *bytes);
/* Raises each of the registers to what the string has there; false: damaged. */
bool hyperloglog_merge(struct slice bytes, uint8_t registers[HYPERLOGLOG_REGISTERS]);
/* Writes the dense form of the registers, its cardinality out of date. */
void hyperloglog_write_dense(const uint8_t registers[HYPERLOGLOG_REGISTERS],
                             char bytes[HYPERLOGLOG_DENSE_BYTES]);
/* The same for the sparse form, unless that has more than `cap` bytes or is impossible: then 0. */
size_t hyperloglog_write_sparse(const uint8_t registers[HYPERLOGLOG_REGISTERS], char *bytes, size_t cap);

/* The cardinality in the header; false: out of date. */
bool hyperloglog_cached(struct slice bytes, uint64_t *cardinality_out);
/* Writes it into HYPERLOGLOG_CARDINALITY_BYTES; `valid` false: marks it as out of date. */
void hyperloglog_set_cached(char cardinality[HYPERLOGLOG_CARDINALITY_BYTES], uint64_t value, bool valid);
/* The estimate for registers: Ertl's, with an error of 0.81 %. */
uint64_t hyperloglog_estimate(const uint8_t registers[HYPERLOGLOG_REGISTERS]);

/* ---- single registers ---- */

uint8_t hyperloglog_dense_get(const char *bytes, uint32_t index);
/* The bytes that hold the register: returns the first one's offset, and their new contents. */
#define HYPERLOGLOG_REGISTER_BYTES 2
size_t hyperloglog_dense_put(struct slice bytes, struct hyperloglog_place place,
                             char contents[HYPERLOGLOG_REGISTER_BYTES], size_t *len_out);

/* Raises a register of a sparse string of *len bytes, which grows up to `most` at most. */
enum hyperloglog_raised {
    HYPERLOGLOG_RAISED,
    HYPERLOGLOG_KEPT,    /* the register is that high already */
    HYPERLOGLOG_FULL,    /* only the dense form can hold that */
    HYPERLOGLOG_DAMAGED, /* the opcodes make no sense */
};
enum hyperloglog_raised hyperloglog_sparse_raise(char *bytes, size_t *len, size_t most,
                                                 struct hyperloglog_place place);

/* One opcode of a sparse string, for those who look inside. */
struct hyperloglog_run {
    uint8_t value;
    uint8_t bytes; /* of the opcode */
    uint32_t registers;
};
/* False at the end; `registers` is 0 where the bytes are cut off. */
bool hyperloglog_run(struct slice bytes, size_t at, struct hyperloglog_run *run_out);

#endif
