/* fuzz_rdb.c: payloads of any bytes are read or refused; what was compressed comes back.
 *
 * Input: one byte that says which (0: a body, 1: bytes to be compressed, else: compressed bytes), then the bytes.
 */
#include "rdb/lzf.h"
#include "rdb/stream.h"
#include "rdb/value.h"

#include "util/assert.h"

#include <math.h>
#include <stdlib.h>

static volatile unsigned seen; /* what is added up here is not left out by the compiler */

/* Adds up all that a value refers to, so that each byte is read. */
static unsigned sum_of(struct slice word)
{
    unsigned sum = 0;
    for (size_t i = 0; i < word.len; i++)
        sum += (unsigned char)word.ptr[i];
    return sum;
}

static unsigned check_stream(const struct rdb_value *value)
{
    const struct rdb_stream *stream = value->stream;
    unsigned sum = 0;
    for (size_t i = 0; i < stream->entry_count; i++) {
        const struct rdb_entry *entry = &stream->entries[i];
        ASSERT(entry->pairs > 0 && entry->first_word + 2 * entry->pairs <= value->words.count);
        ASSERT(i == 0 || rdb_id_compare(stream->entries[i - 1].id, entry->id) < 0);
        ASSERT(rdb_id_compare(entry->id, stream->last) <= 0);
    }
    for (size_t i = 0; i < stream->group_count; i++) {
        const struct rdb_group *group = &stream->groups[i];
        sum += sum_of(group->name);
        for (size_t k = 0; k < group->consumer_count; k++)
            sum += sum_of(group->consumers[k].name);
        for (size_t k = 0; k < group->pending_count; k++)
            ASSERT(group->pending[k].consumer < group->consumer_count);
    }
    return sum;
}

static void read_body(struct slice body)
{
    struct rdb_value value;
    unsigned sum = 0;
    if (rdb_value_read(body, &value) == ERROR_OK) {
        for (size_t i = 0; i < value.words.count; i++)
            sum += sum_of(value.words.at[i]);
        for (size_t i = 0; value.scores && i < value.words.count; i++)
            ASSERT(!isnan(value.scores[i]));
        ASSERT(value.kind != RDB_KIND_HASH || value.words.count % 2 == 0);
        if (value.kind == RDB_KIND_STREAM) sum += check_stream(&value);
        else ASSERT(value.words.count > 0);
    }
    seen = sum;
    rdb_value_free(&value);
}

static void compress(struct slice text)
{
    size_t cap = text.len + text.len / 16 + 16;
    char *packed = malloc(cap), *again = malloc(text.len + 1);
    ASSERT(packed && again);
    size_t len = rdb_lzf_compress(text, packed, cap);
    ASSERT(len > 0 || text.len == 0);
    ASSERT(rdb_lzf_expand((struct slice){packed, len}, again, text.len));
    ASSERT(text.len == 0 || memcmp(again, text.ptr, text.len) == 0);
    free(packed);
    free(again);
}

static void expand(struct slice packed)
{
    for (size_t len = 0; len < 600; len += 1 + len / 2) {
        char *text = malloc(len + 1);
        ASSERT(text);
        (void)rdb_lzf_expand(packed, text, len);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    struct slice bytes = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 0: read_body(bytes); break;
    case 1: compress(bytes); break;
    default: expand(bytes); break;
    }
    return 0;
}
