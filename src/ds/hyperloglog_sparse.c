/* hyperloglog_sparse.c: the opcodes of sparse HyperLogLogs (hyperloglog.h). */
#include "ds/hyperloglog.h"

#include "util/assert.h"

#define ZEROS_SHORT_MAX 64
#define VALUES_MAX      4 /* registers of one opcode with a value */
#define OPCODE_MAX      2
#define JOIN_SPAN       5 /* so many opcodes around a change are looked at for joining */

bool hyperloglog_run(struct slice bytes, size_t at, struct hyperloglog_run *run_out)
{
    if (at >= bytes.len) return false;
    unsigned first = (unsigned char)bytes.ptr[at];
    if (first & 0x80) {
        *run_out = (struct hyperloglog_run){(uint8_t)((first >> 2 & 31) + 1), 1, (first & 3) + 1};
    } else if (!(first & 0x40)) {
        *run_out = (struct hyperloglog_run){0, 1, (first & 63) + 1};
    } else if (at + 1 < bytes.len) {
        *run_out = (struct hyperloglog_run){0, 2, ((first & 63) << 8 | (unsigned char)bytes.ptr[at + 1]) + 1};
    } else {
        *run_out = (struct hyperloglog_run){0, 1, 0};
    }
    return true;
}

/* Appends the opcode of a run (registers within what one can say); returns the bytes behind it. */
static char *put_run(char *to, uint8_t value, uint32_t registers)
{
    ASSERT(registers > 0 && value <= HYPERLOGLOG_SPARSE_MAX);
    uint32_t n = registers - 1;
    if (value > 0) {
        *to++ = (char)(0x80 | (unsigned)(value - 1) << 2 | n);
    } else if (registers <= ZEROS_SHORT_MAX) {
        *to++ = (char)n;
    } else {
        *to++ = (char)(0x40 | n >> 8);
        *to++ = (char)(n & 0xff);
    }
    return to;
}

size_t hyperloglog_write_sparse(const uint8_t registers[HYPERLOGLOG_REGISTERS], char *bytes, size_t cap)
{
    if (cap < HYPERLOGLOG_EMPTY_BYTES) return 0;
    hyperloglog_init(bytes);
    hyperloglog_set_cached(bytes + HYPERLOGLOG_CARDINALITY_AT, 0, false);
    char *to = bytes + HYPERLOGLOG_HEADER_BYTES;
    for (uint32_t i = 0, run; i < HYPERLOGLOG_REGISTERS; i += run) {
        uint32_t most = registers[i] == 0 ? HYPERLOGLOG_REGISTERS : VALUES_MAX;
        for (run = 1; run < most && i + run < HYPERLOGLOG_REGISTERS && registers[i + run] == registers[i];)
            run++;
        size_t opcode = registers[i] == 0 && run > ZEROS_SHORT_MAX ? 2 : 1;
        if (registers[i] > HYPERLOGLOG_SPARSE_MAX || (size_t)(to - bytes) + opcode > cap) return 0;
        to = put_run(to, registers[i], run);
    }
    return (size_t)(to - bytes);
}

/* Joins neighbouring opcodes of one value, among those from `at` on. */
static void join(char *bytes, size_t *len, size_t at)
{
    struct hyperloglog_run run, next;
    for (int i = 0; i < JOIN_SPAN && hyperloglog_run((struct slice){bytes, *len}, at, &run); i++) {
        size_t second = at + run.bytes;
        bool joins = run.value > 0 && hyperloglog_run((struct slice){bytes, *len}, second, &next) &&
                     next.value == run.value && run.registers + next.registers <= VALUES_MAX;
        if (!joins) {
            at = second;
            continue;
        }
        put_run(bytes + at, run.value, run.registers + next.registers);
        memmove(bytes + second, bytes + second + next.bytes, *len - second - next.bytes);
        *len -= next.bytes;
    }
}

enum hyperloglog_raised hyperloglog_sparse_raise(char *bytes, size_t *len, size_t most,
                                                 struct hyperloglog_place place)
{
    struct hyperloglog_run run;
    size_t at = HYPERLOGLOG_HEADER_BYTES, before = at;
    uint32_t first = 0; /* register of the run */
    if (place.value > HYPERLOGLOG_SPARSE_MAX) return HYPERLOGLOG_FULL;
    for (;; before = at, at += run.bytes, first += run.registers) {
        if (!hyperloglog_run((struct slice){bytes, *len}, at, &run) || run.registers == 0)
            return HYPERLOGLOG_DAMAGED;
        if (place.index < first + run.registers) break;
    }
    if (run.value >= place.value) return HYPERLOGLOG_KEPT;

    char contents[2 * OPCODE_MAX + 1], *to = contents;
    uint32_t left = place.index - first, right = run.registers - left - 1;
    if (left > 0) to = put_run(to, run.value, left);
    to = put_run(to, place.value, 1);
    if (right > 0) to = put_run(to, run.value, right);
    size_t new_bytes = (size_t)(to - contents), old_end = at + run.bytes;
    if (new_bytes > run.bytes && *len + new_bytes - run.bytes > most) return HYPERLOGLOG_FULL;
    memmove(bytes + at + new_bytes, bytes + old_end, *len - old_end);
    memcpy(bytes + at, contents, new_bytes);
    *len = *len + new_bytes - run.bytes;
    join(bytes, len, before);
    return HYPERLOGLOG_RAISED;
}
