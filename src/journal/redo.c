/* redo.c: deriving and applying redo records. See redo.h. */
#include "journal/redo.h"

#include "journal/lane.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_CAP_START 4096
#define RANGE_WORDS_MAX  UINT64_C(0xffff)

/* ---- building ---- */

/* Room for `len` more bytes at the end; NULL without memory. */
static char *record_extend(struct redo_record *record, size_t len)
{
    if (len > record->cap - record->len) {
        size_t cap = record->cap > 0 ? 2 * record->cap : RECORD_CAP_START;
        if (cap < record->len + len) cap = record->len + len;
        char *grown = realloc(record->bytes, cap);
        if (grown == NULL) return NULL;
        record->bytes = grown;
        record->cap = cap;
    }
    char *start = record->bytes + record->len;
    record->len += len;
    return start;
}

static enum error add_operation(struct redo_record *record, enum redo_kind kind, uint64_t off, uint64_t arg,
                                const char *payload, size_t payload_bytes)
{
    uint64_t word = (uint64_t)kind | off | arg << LANE_ARG_SHIFT;
    char *start = record_extend(record, sizeof word + payload_bytes);
    if (start == NULL) return ERROR_MEMORY;
    memcpy(start, &word, sizeof word);
    if (payload_bytes > 0) memcpy(start + sizeof word, payload, payload_bytes);
    return ERROR_OK;
}

static enum error add_range(const struct tx *tx, struct redo_record *record, uint64_t off, uint64_t words)
{
    enum error error = ERROR_OK;
    while (words > 0 && error == ERROR_OK) {
        uint64_t piece = words < RANGE_WORDS_MAX ? words : RANGE_WORDS_MAX;
        error = add_operation(record, REDO_RANGE, off, piece, tx->base + off, piece * LANE_WORD);
        off += piece * LANE_WORD;
        words -= piece;
    }
    return error;
}

/* The lane is read backwards, so a bit changed twice is met in the wrong order: its present value is what
 * counts. */
static enum error add_bit(const struct tx *tx, struct redo_record *record, uint64_t off, unsigned bit)
{
    uint64_t word = __atomic_load_n((const uint64_t *)(const void *)(tx->base + off), __ATOMIC_RELAXED);
    bool is_set = (word >> bit & 1) != 0;
    return add_operation(record, is_set ? REDO_SETBIT : REDO_CLEARBIT, off, bit, NULL, 0);
}

static enum error add_lane(const struct tx *tx, struct redo_record *record)
{
    enum error error = ERROR_OK;
    uint64_t tail = (uint64_t)(tx->tail - tx->base);
    while (tail != (uint64_t)(tx->first - tx->base) && error == ERROR_OK) {
        struct lane_entry entry = lane_entry_before(tx->base, tail);
        if (entry.kind == LANE_SNAPSHOT) error = add_range(tx, record, entry.off, entry.words);
        if (entry.kind == LANE_SETBIT || entry.kind == LANE_CLEARBIT)
            error = add_bit(tx, record, entry.off, entry.bit);
        tail = lane_entry_previous(&entry);
    }
    return error;
}

enum error redo_build(const struct tx *tx, struct redo_record *record_out)
{
    struct redo_record *record = record_out;
    record->len = 0;
    if (record_extend(record, sizeof(struct redo_record_layout)) == NULL) return ERROR_MEMORY;

    enum error error = add_lane(tx, record);
    for (uint32_t i = 0; i < tx->object_count && error == ERROR_OK; i++) {
        const struct tx_object *object = &tx->objects[i];
        error = add_range(tx, record, object->off, (object->len + LANE_WORD - 1) / LANE_WORD);
    }
    /* Last: an object of this very transaction may have been freed again. */
    for (uint32_t i = 0; i < tx->free_count && error == ERROR_OK; i++) {
        uint64_t off = (uint64_t)((const char *)tx->frees[i].word - tx->base);
        error = add_operation(record, REDO_CLEARBIT, off, tx->frees[i].bit, NULL, 0);
    }
    struct redo_record_layout header = {.record_bytes = record->len, .used_bytes_delta = tx->used_delta};
    memcpy(record->bytes, &header, sizeof header);
    return error;
}

/* ---- applying ---- */

struct redo_operation {
    uint64_t kind;
    uint64_t off;
    uint64_t arg;
    const char *payload;
    size_t payload_bytes;
};

/* Reads the operation at `at` and moves on. False when it makes no sense for an image of size_bytes. */
static bool read_operation(const struct redo_record *record, uint64_t size_bytes, size_t *at,
                           struct redo_operation *operation_out)
{
    uint64_t word;
    if (record->len - *at < sizeof word) return false;
    memcpy(&word, record->bytes + *at, sizeof word);
    *at += sizeof word;
    struct redo_operation *op = operation_out;
    *op = (struct redo_operation){word & LANE_KIND_MASK, word & LANE_OFF_MASK, word >> LANE_ARG_SHIFT,
                                  record->bytes + *at, 0};
    size_t target_bytes = LANE_WORD;
    if (op->kind == REDO_RANGE) target_bytes = op->payload_bytes = op->arg * LANE_WORD;
    else if ((op->kind != REDO_SETBIT && op->kind != REDO_CLEARBIT) || op->arg >= 64) return false;
    if (op->payload_bytes > record->len - *at) return false;
    *at += op->payload_bytes;
    return op->off <= size_bytes && target_bytes <= size_bytes - op->off;
}

static bool is_valid(const struct redo_record *record, uint64_t size_bytes)
{
    struct redo_record_layout header;
    if (record->len < sizeof header) return false;
    memcpy(&header, record->bytes, sizeof header);
    size_t at = sizeof header;
    struct redo_operation operation;
    while (at < record->len)
        if (!read_operation(record, size_bytes, &at, &operation)) return false;
    return header.record_bytes == record->len;
}

static void apply_operation(char *base, const struct redo_operation *op)
{
    uint64_t *word = (uint64_t *)(void *)(base + op->off);
    if (op->kind == REDO_RANGE) memcpy(word, op->payload, op->payload_bytes);
    if (op->kind == REDO_SETBIT) __atomic_fetch_or(word, UINT64_C(1) << op->arg, __ATOMIC_RELAXED);
    if (op->kind == REDO_CLEARBIT) __atomic_fetch_and(word, ~(UINT64_C(1) << op->arg), __ATOMIC_RELAXED);
}

enum error redo_apply(char *base, uint64_t size_bytes, const struct redo_record *record)
{
    if (!is_valid(record, size_bytes)) return ERROR_CORRUPT;
    size_t at = sizeof(struct redo_record_layout);
    struct redo_operation operation;
    while (at < record->len && read_operation(record, size_bytes, &at, &operation))
        apply_operation(base, &operation);
    return ERROR_OK;
}

void redo_free(struct redo_record *record)
{
    free(record->bytes);
    *record = (struct redo_record){0};
}
