/* value.c: values of all types but streams (value.h). */
#include "rdb/value.h"

#include "rdb/crc64.h"
#include "rdb/format.h"
#include "rdb/pack.h"
#include "rdb/stream.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/number.h"

#include <math.h>
#include <stdlib.h>

#define WORDS_FIRST   16
#define HASH_TIME_MAX ((UINT64_C(1) << 46) - 1)

bool rdb_footer_is_valid(struct slice payload, bool skip_checksum, struct slice *body_out)
{
    if (payload.len < RDB_FOOTER_BYTES) return false;
    struct rdb_in footer = {.at = payload.ptr + payload.len - RDB_FOOTER_BYTES,
                            .end = payload.ptr + payload.len};
    unsigned version = rdb_in_u8(&footer);
    version |= (unsigned)rdb_in_u8(&footer) << 8;
    *body_out = (struct slice){payload.ptr, payload.len - RDB_FOOTER_BYTES};
    struct slice summed = {payload.ptr, payload.len - sizeof(uint64_t)};
    return version <= RDB_VERSION_READ && (skip_checksum || rdb_in_le64(&footer) == rdb_crc64(0, summed));
}

/* ---- words ---- */

void rdb_words_add(struct rdb_words *words, struct rdb_in *in, struct slice word)
{
    if (!rdb_in_ok(in)) return;
    if (words->count == words->cap) {
        size_t cap = words->cap == 0 ? WORDS_FIRST : 2 * words->cap;
        struct slice *at = realloc(words->at, cap * sizeof *at);
        if (at == NULL) {
            rdb_in_fail(in, ERROR_MEMORY);
            return;
        }
        words->at = at;
        words->cap = cap;
    }
    words->at[words->count++] = word;
}

void rdb_words_distinct(struct rdb_in *in, const struct slice *words, size_t count, size_t stride)
{
    if (!rdb_in_ok(in) || count < 2) return;
    size_t slots = 4;
    while (slots < 2 * count)
        slots *= 2;
    const struct slice **table = calloc(slots, sizeof *table);
    if (table == NULL) {
        rdb_in_fail(in, ERROR_MEMORY);
        return;
    }
    uint64_t seed = hash_mix(clock_ticks()); /* nobody can prepare words that collide */
    for (size_t i = 0; i < count && rdb_in_ok(in); i++) {
        const struct slice *word = &words[i * stride];
        size_t slot = hash_bytes(*word, seed) & (slots - 1);
        for (; table[slot] != NULL; slot = (slot + 1) & (slots - 1))
            if (slice_equal(*table[slot], *word)) rdb_in_fail(in, ERROR_CORRUPT);
        table[slot] = word;
    }
    free(table);
}

/* ---- collections ---- */

/* All items of a run. */
static void read_pack(struct rdb_in *in, enum rdb_pack_form form, struct slice run, struct rdb_value *value)
{
    struct rdb_pack pack = rdb_pack_open(in, form, run);
    struct rdb_pack_item item;
    while (rdb_pack_next(&pack, &item))
        rdb_words_add(&value->words, in, rdb_pack_text(&pack, &item));
}

static void read_strings(struct rdb_in *in, uint64_t count, struct rdb_value *value)
{
    for (uint64_t i = 0; i < count && rdb_in_ok(in); i++)
        rdb_words_add(&value->words, in, rdb_in_string(in));
}

static void read_quicklist(struct rdb_in *in, bool of_ziplists, struct rdb_value *value)
{
    uint64_t nodes = rdb_in_length(in);
    for (uint64_t i = 0; i < nodes && rdb_in_ok(in); i++) {
        uint64_t container = of_ziplists ? RDB_NODE_PACKED : rdb_in_length(in);
        struct slice node = rdb_in_string(in);
        if (container == RDB_NODE_PLAIN) rdb_words_add(&value->words, in, node);
        else if (container != RDB_NODE_PACKED) rdb_in_fail(in, ERROR_CORRUPT);
        else read_pack(in, of_ziplists ? RDB_PACK_ZIPLIST : RDB_PACK_LISTPACK, node, value);
    }
}

/* ---- scores and times ---- */

static void *make_array(struct rdb_in *in, size_t count, size_t size)
{
    void *array = rdb_in_ok(in) ? calloc(count, size) : NULL;
    if (rdb_in_ok(in) && array == NULL && count > 0) rdb_in_fail(in, ERROR_MEMORY);
    return array;
}

/* Members and scores in turn become members, and scores apart. */
static void split_scores(struct rdb_in *in, struct rdb_value *value)
{
    struct rdb_words *words = &value->words;
    if (words->count % 2 != 0) rdb_in_fail(in, ERROR_CORRUPT);
    value->scores = make_array(in, words->count / 2, sizeof *value->scores);
    for (size_t i = 0; rdb_in_ok(in) && i < words->count / 2; i++) {
        struct slice score = words->at[2 * i + 1];
        words->at[i] = words->at[2 * i];
        if (!number_parse_double(score, &value->scores[i])) rdb_in_fail(in, ERROR_CORRUPT);
    }
    words->count /= 2;
}

static void read_scored(struct rdb_in *in, bool as_text, struct rdb_value *value)
{
    uint64_t count = rdb_in_length(in);
    size_t cap = 0;
    for (uint64_t i = 0; i < count && rdb_in_ok(in); i++) {
        rdb_words_add(&value->words, in, rdb_in_string(in));
        double score = as_text ? rdb_in_text_double(in) : rdb_in_double(in);
        if (isnan(score)) rdb_in_fail(in, ERROR_CORRUPT);
        if (rdb_in_ok(in) && cap < value->words.cap) {
            cap = value->words.cap;
            double *scores = realloc(value->scores, cap * sizeof *scores);
            if (scores == NULL) rdb_in_fail(in, ERROR_MEMORY);
            else value->scores = scores;
        }
        if (rdb_in_ok(in)) value->scores[i] = score;
    }
}

static void note_time(struct rdb_in *in, struct rdb_value *value, size_t field, uint64_t time_ms)
{
    if (time_ms > HASH_TIME_MAX) rdb_in_fail(in, ERROR_CORRUPT);
    else value->times[field] = (int64_t)time_ms;
}

/* Fields, values and times in turn become fields and values, and times apart. */
static void read_timed_pack(struct rdb_in *in, struct rdb_value *value)
{
    (void)rdb_in_le64(in); /* the earliest time */
    read_pack(in, RDB_PACK_LISTPACK, rdb_in_string(in), value);
    struct rdb_words *words = &value->words;
    size_t fields = words->count / 3;
    if (words->count % 3 != 0) rdb_in_fail(in, ERROR_CORRUPT);
    value->times = make_array(in, fields, sizeof *value->times);
    for (size_t i = 0; rdb_in_ok(in) && i < fields; i++) {
        uint64_t time_ms;
        if (!number_parse_unsigned(words->at[3 * i + 2], &time_ms)) time_ms = UINT64_MAX;
        words->at[2 * i] = words->at[3 * i];
        words->at[2 * i + 1] = words->at[3 * i + 1];
        note_time(in, value, i, time_ms);
    }
    words->count = 2 * fields;
}

/* Times are counted from the earliest one, which is 1. */
static void read_timed(struct rdb_in *in, struct rdb_value *value)
{
    uint64_t earliest_ms = rdb_in_le64(in), count = rdb_in_length(in);
    if (count > rdb_in_left(in) / 3) rdb_in_fail(in, ERROR_CORRUPT); /* three bytes a field at least */
    value->times = make_array(in, (size_t)count, sizeof *value->times);
    for (uint64_t i = 0; rdb_in_ok(in) && i < count; i++) {
        uint64_t after_ms = rdb_in_length(in);
        bool sane = after_ms <= HASH_TIME_MAX && earliest_ms <= HASH_TIME_MAX;
        if (after_ms > 0) note_time(in, value, (size_t)i, sane ? earliest_ms + after_ms - 1 : UINT64_MAX);
        read_strings(in, 2, value);
    }
}

/* ---- types ---- */

static void read_list(struct rdb_in *in, unsigned type, struct rdb_value *value)
{
    value->kind = RDB_KIND_LIST;
    if (type == RDB_LIST) read_strings(in, rdb_in_length(in), value);
    else if (type == RDB_LIST_ZIPLIST) read_pack(in, RDB_PACK_ZIPLIST, rdb_in_string(in), value);
    else read_quicklist(in, type == RDB_LIST_QUICKLIST, value);
}

static void read_set(struct rdb_in *in, unsigned type, struct rdb_value *value)
{
    value->kind = RDB_KIND_SET;
    if (type == RDB_SET) read_strings(in, rdb_in_length(in), value);
    else if (type == RDB_SET_INTSET) read_pack(in, RDB_PACK_INTSET, rdb_in_string(in), value);
    else read_pack(in, RDB_PACK_LISTPACK, rdb_in_string(in), value);
    rdb_words_distinct(in, value->words.at, value->words.count, 1);
}

static void read_zset(struct rdb_in *in, unsigned type, struct rdb_value *value)
{
    value->kind = RDB_KIND_ZSET;
    if (type == RDB_ZSET || type == RDB_ZSET_2) {
        read_scored(in, type == RDB_ZSET, value);
    } else {
        read_pack(in, type == RDB_ZSET_ZIPLIST ? RDB_PACK_ZIPLIST : RDB_PACK_LISTPACK, rdb_in_string(in),
                  value);
        split_scores(in, value);
    }
    rdb_words_distinct(in, value->words.at, value->words.count, 1);
}

static void read_hash(struct rdb_in *in, unsigned type, struct rdb_value *value)
{
    value->kind = RDB_KIND_HASH;
    switch (type) {
    case RDB_HASH:
        for (uint64_t left = rdb_in_length(in); left > 0 && rdb_in_ok(in); left--)
            read_strings(in, 2, value);
        break;
    case RDB_HASH_ZIPMAP: read_pack(in, RDB_PACK_ZIPMAP, rdb_in_string(in), value); break;
    case RDB_HASH_ZIPLIST: read_pack(in, RDB_PACK_ZIPLIST, rdb_in_string(in), value); break;
    case RDB_HASH_TIMES: read_timed(in, value); break;
    case RDB_HASH_TIMES_PACK: read_timed_pack(in, value); break;
    default: read_pack(in, RDB_PACK_LISTPACK, rdb_in_string(in), value); break;
    }
    if (value->words.count % 2 != 0) rdb_in_fail(in, ERROR_CORRUPT);
    rdb_words_distinct(in, value->words.at, value->words.count / 2, 2);
}

static void read_typed(struct rdb_in *in, unsigned type, struct rdb_value *value)
{
    switch (type) {
    case RDB_STRING:
        value->kind = RDB_KIND_STRING;
        read_strings(in, 1, value);
        break;
    case RDB_LIST:
    case RDB_LIST_ZIPLIST:
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: read_list(in, type, value); break;
    case RDB_SET:
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK: read_set(in, type, value); break;
    case RDB_ZSET:
    case RDB_ZSET_2:
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK: read_zset(in, type, value); break;
    case RDB_HASH:
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_TIMES:
    case RDB_HASH_TIMES_PACK: read_hash(in, type, value); break;
    case RDB_STREAM:
    case RDB_STREAM_2:
    case RDB_STREAM_3:
        value->kind = RDB_KIND_STREAM;
        rdb_stream_read(in, type, value);
        break;
    default: rdb_in_fail(in, ERROR_CORRUPT); break;
    }
}

enum error rdb_value_read(struct slice body, struct rdb_value *value_out)
{
    *value_out = (struct rdb_value){0};
    struct rdb_in in = {.at = body.ptr, .end = body.ptr + body.len, .arena = &value_out->arena};
    read_typed(&in, rdb_in_u8(&in), value_out);
    bool is_empty = value_out->words.count == 0 && value_out->kind != RDB_KIND_STREAM;
    if (is_empty) rdb_in_fail(&in, ERROR_CORRUPT);
    return in.error;
}

void rdb_value_free(struct rdb_value *value)
{
    if (value->stream != NULL) rdb_stream_free(value->stream);
    free(value->words.at);
    free(value->scores);
    free(value->times);
    rdb_arena_free(&value->arena);
}
