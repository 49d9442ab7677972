/* redo_code.h: the bytes of a redo record, read and written. Private to the journal.
 *
 * A record is a row of varints (seven bits a byte, low ones first, the high bit says that more follow) and
 * payloads. It starts with the change of the sum of used bytes, in zigzag; operations follow:
 *
 *     kind          arg (head = arg << 2 | kind)   offset, in words, zigzag       payload
 *     0 RANGE       words, more than 0             from the end of the one before the words
 *     1 SETBIT      bit of the word                the same                       -
 *     2 CLEARBIT    bit of the word                the same                       -
 *     3 GROW        pages of 4 KiB                 the same                       -
 *
 * "The end" is the word behind a range, the word of a bit, the first word of a growth; 0 at the start. A
 * head of 0 is padding and has nothing behind it: records end on 4 bytes.
 */
#ifndef CAIRN_JOURNAL_REDO_CODE_H
#define CAIRN_JOURNAL_REDO_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REDO_WORD_BYTES UINT64_C(8)
#define REDO_PAGE_BYTES UINT64_C(4096)
#define REDO_ALIGN      4
#define REDO_VARINT_MAX 10
#define REDO_OFF_LIMIT  (UINT64_C(1) << 48) /* of offsets and lengths; beyond is damage */

enum redo_kind { REDO_RANGE, REDO_SETBIT, REDO_CLEARBIT, REDO_GROW };

struct redo_operation {
    enum redo_kind kind;
    unsigned bit;        /* SETBIT, CLEARBIT */
    uint64_t off;        /* 8-aligned */
    uint64_t len;        /* of the target: RANGE, GROW; 8 for bits */
    const char *payload; /* RANGE: len bytes */
};

static inline char *redo_code_put(char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

static inline uint64_t redo_code_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t redo_code_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

struct redo_reader {
    const char *at;
    const char *end;
    uint64_t word; /* the end of the operation before */
};

enum redo_read { REDO_READ_OPERATION, REDO_READ_END, REDO_READ_BAD };

static inline bool redo_code_get(struct redo_reader *reader, uint64_t *value_out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint64_t byte = (unsigned char)*reader->at++;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

/* Begins to read the record [bytes, bytes+len). False: damaged. */
static inline bool redo_code_open(struct redo_reader *reader, const char *bytes, size_t len,
                                  int64_t *used_delta_out)
{
    uint64_t delta;
    *reader = (struct redo_reader){bytes, bytes + len, 0};
    if (!redo_code_get(reader, &delta)) return false;
    *used_delta_out = redo_code_unzigzag(delta);
    return true;
}

static inline enum redo_read redo_code_next(struct redo_reader *reader, struct redo_operation *operation_out)
{
    uint64_t head = 0;
    uint64_t distance;
    while (head == 0) {
        if (reader->at == reader->end) return REDO_READ_END;
        if (!redo_code_get(reader, &head)) return REDO_READ_BAD;
    }
    if (!redo_code_get(reader, &distance)) return REDO_READ_BAD;
    uint64_t word = reader->word + (uint64_t)redo_code_unzigzag(distance);
    uint64_t arg = head >> 2;
    struct redo_operation *op = operation_out;
    *op = (struct redo_operation){.kind = (enum redo_kind)(head & 3), .off = word * REDO_WORD_BYTES};
    if (word >= REDO_OFF_LIMIT / REDO_WORD_BYTES) return REDO_READ_BAD;
    reader->word = word;
    switch (op->kind) {
    case REDO_RANGE:
        if (arg > (uint64_t)(reader->end - reader->at) / REDO_WORD_BYTES) return REDO_READ_BAD;
        op->len = arg * REDO_WORD_BYTES;
        op->payload = reader->at;
        reader->at += op->len;
        reader->word = word + arg;
        break;
    case REDO_GROW:
        if (arg == 0 || arg > REDO_OFF_LIMIT / REDO_PAGE_BYTES) return REDO_READ_BAD;
        op->len = arg * REDO_PAGE_BYTES;
        break;
    case REDO_SETBIT:
    case REDO_CLEARBIT:
        if (arg >= 64) return REDO_READ_BAD;
        op->bit = (unsigned)arg;
        op->len = REDO_WORD_BYTES;
        break;
    }
    return REDO_READ_OPERATION;
}

static inline bool redo_code_fits(const struct redo_operation *operation, uint64_t size_bytes)
{
    return operation->off <= size_bytes && operation->len <= size_bytes - operation->off;
}

/* Repeats an operation that fits; GROW is the caller's. Bits change atomically: words of theirs are shared. */
static inline void redo_code_apply(char *base, const struct redo_operation *operation)
{
    uint64_t *word = (uint64_t *)(void *)(base + operation->off);
    if (operation->kind == REDO_RANGE) memcpy(word, operation->payload, operation->len);
    else if (operation->kind == REDO_SETBIT)
        __atomic_fetch_or(word, UINT64_C(1) << operation->bit, __ATOMIC_RELAXED);
    else if (operation->kind == REDO_CLEARBIT)
        __atomic_fetch_and(word, ~(UINT64_C(1) << operation->bit), __ATOMIC_RELAXED);
}

#endif
