/* redo.c: deriving and applying redo records. See redo.h; the bytes are those of redo_code.h. */
#include "journal/redo.h"

#include "journal/lane.h"
#include "journal/redo_code.h"
#include "util/assert.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_CAP_START 4096
/* Unchanged words between two changed ones that cost less than a head of their own. */
#define GAP_WORDS_MAX 1

/* ---- building ---- */

struct builder {
    struct redo_record *record;
    uint64_t word; /* the end of the operation before */
};

/* Room for `len` more bytes at the end. */
static bool make_room(struct redo_record *record, size_t len)
{
    if (len <= record->cap - record->len) return true;
    size_t cap = record->cap > 0 ? 2 * record->cap : RECORD_CAP_START;
    if (cap < record->len + len) cap = record->len + len;
    char *grown = realloc(record->bytes, cap);
    if (grown == NULL) return false;
    record->bytes = grown;
    record->cap = cap;
    return true;
}

static enum error begin(struct builder *builder, struct redo_record *record, int64_t used_delta)
{
    record->len = 0;
    *builder = (struct builder){.record = record};
    if (!make_room(record, REDO_VARINT_MAX)) return ERROR_MEMORY;
    char *end = redo_code_put(record->bytes, redo_code_zigzag(used_delta));
    record->len = (size_t)(end - record->bytes);
    return ERROR_OK;
}

static enum error end(struct builder *builder)
{
    struct redo_record *record = builder->record;
    if (!make_room(record, REDO_ALIGN)) return ERROR_MEMORY;
    while (record->len % REDO_ALIGN != 0)
        record->bytes[record->len++] = 0;
    return ERROR_OK;
}

static enum error add_operation(struct builder *builder, enum redo_kind kind, uint64_t off, uint64_t arg,
                                const char *payload, size_t payload_bytes)
{
    struct redo_record *record = builder->record;
    if (!make_room(record, 2 * REDO_VARINT_MAX + payload_bytes)) return ERROR_MEMORY;
    uint64_t word = off / LANE_WORD;
    char *at = record->bytes + record->len;
    at = redo_code_put(at, arg << 2 | (uint64_t)kind);
    at = redo_code_put(at, redo_code_zigzag((int64_t)(word - builder->word)));
    if (payload_bytes > 0) memcpy(at, payload, payload_bytes);
    record->len = (size_t)(at - record->bytes) + payload_bytes;
    builder->word = word + payload_bytes / LANE_WORD;
    return ERROR_OK;
}

static enum error add_range(const struct tx *tx, struct builder *builder, uint64_t off, uint64_t words)
{
    if (words == 0) return ERROR_OK;
    return add_operation(builder, REDO_RANGE, off, words, tx->base + off, words * LANE_WORD);
}

/* Of a range that was logged, what differs from its old bytes: a word that the transaction changed differs in
 * the oldest entry that holds it. */
static enum error add_changes(const struct tx *tx, struct builder *builder, const struct lane_entry *entry)
{
    const uint64_t *old = (const uint64_t *)(const void *)(tx->base + entry->start);
    const uint64_t *now = (const uint64_t *)(const void *)(tx->base + entry->off);
    enum error error = ERROR_OK;
    uint64_t words = entry->words;
    for (uint64_t at = 0; at < words && error == ERROR_OK;) {
        while (at < words && old[at] == now[at])
            at++;
        uint64_t first = at;
        uint64_t last = at; /* behind the last changed word */
        for (; at < words && at - last <= GAP_WORDS_MAX; at++)
            if (old[at] != now[at]) last = at + 1;
        error = add_range(tx, builder, entry->off + first * LANE_WORD, last - first);
    }
    return error;
}

/* The lane is read backwards, so a bit changed twice is met in the wrong order: its present value is what
 * counts. */
static enum error add_bit(const struct tx *tx, struct builder *builder, uint64_t off, unsigned bit)
{
    uint64_t word = __atomic_load_n((const uint64_t *)(const void *)(tx->base + off), __ATOMIC_RELAXED);
    bool is_set = (word >> bit & 1) != 0;
    return add_operation(builder, is_set ? REDO_SETBIT : REDO_CLEARBIT, off, bit, NULL, 0);
}

static enum error add_lane(const struct tx *tx, struct builder *builder)
{
    enum error error = ERROR_OK;
    uint64_t tail = (uint64_t)(tx->tail - tx->base);
    while (tail != (uint64_t)(tx->first - tx->base) && error == ERROR_OK) {
        struct lane_entry entry = lane_entry_before(tx->base, tail);
        if (entry.kind == LANE_SNAPSHOT) error = add_changes(tx, builder, &entry);
        if (entry.kind == LANE_SETBIT || entry.kind == LANE_CLEARBIT)
            error = add_bit(tx, builder, entry.off, entry.bit);
        tail = lane_entry_previous(&entry);
    }
    return error;
}

enum error redo_build(const struct tx *tx, struct redo_record *record_out)
{
    struct builder builder;
    enum error error = begin(&builder, record_out, tx->used_delta);
    if (error == ERROR_OK) error = add_lane(tx, &builder);
    for (uint32_t i = 0; i < tx->object_count && error == ERROR_OK; i++) {
        const struct tx_object *object = &tx->objects[i];
        error = add_range(tx, &builder, object->off, (object->len + LANE_WORD - 1) / LANE_WORD);
    }
    /* Last: an object of this very transaction may have been freed again. */
    for (uint32_t i = 0; i < tx->free_count && error == ERROR_OK; i++) {
        uint64_t off = (uint64_t)((const char *)tx->frees[i].word - tx->base);
        error = add_operation(&builder, REDO_CLEARBIT, off, tx->frees[i].bit, NULL, 0);
    }
    return error == ERROR_OK ? end(&builder) : error;
}

enum error redo_growth(struct redo_record *record, const struct redo_extent *extents, unsigned count)
{
    struct builder builder;
    enum error error = begin(&builder, record, 0);
    for (unsigned i = 0; i < count && error == ERROR_OK; i++) {
        uint64_t start = extents[i].off & ~(REDO_PAGE_BYTES - 1);
        uint64_t bytes = extents[i].off + extents[i].len - start;
        uint64_t pages = (bytes + REDO_PAGE_BYTES - 1) / REDO_PAGE_BYTES;
        ASSERT(pages > 0);
        error = add_operation(&builder, REDO_GROW, start, pages, NULL, 0);
    }
    return error == ERROR_OK ? end(&builder) : error;
}

/* ---- applying ---- */

static bool is_valid(const struct redo_record *record, uint64_t size_bytes)
{
    struct redo_reader reader;
    struct redo_operation operation;
    int64_t used_delta;
    if (!redo_code_open(&reader, record->bytes, record->len, &used_delta)) return false;
    enum redo_read read;
    while ((read = redo_code_next(&reader, &operation)) == REDO_READ_OPERATION)
        if (!redo_code_fits(&operation, size_bytes)) return false;
    return read == REDO_READ_END;
}

enum error redo_apply(char *base, uint64_t size_bytes, const struct redo_record *record)
{
    struct redo_reader reader;
    struct redo_operation operation;
    int64_t used_delta;
    if (!is_valid(record, size_bytes)) return ERROR_CORRUPT;
    redo_code_open(&reader, record->bytes, record->len, &used_delta);
    while (redo_code_next(&reader, &operation) == REDO_READ_OPERATION)
        redo_code_apply(base, &operation);
    return ERROR_OK;
}

enum error redo_reserve(struct redo_record *record, size_t bytes)
{
    if (bytes <= record->cap) return ERROR_OK;
    char *grown = realloc(record->bytes, bytes);
    if (grown == NULL) return ERROR_MEMORY;
    record->bytes = grown;
    record->cap = bytes;
    return ERROR_OK;
}

void redo_shrink(struct redo_record *record, size_t bytes)
{
    record->len = 0;
    char *shrunk = bytes < record->cap ? realloc(record->bytes, bytes) : NULL;
    if (shrunk == NULL) return;
    record->bytes = shrunk;
    record->cap = bytes;
}

void redo_free(struct redo_record *record)
{
    free(record->bytes);
    *record = (struct redo_record){0};
}
