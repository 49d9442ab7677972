/* hash_packed.c: reading small hashes, and drafting what becomes of them. */
#include "ds/hash_packed.h"

#include <stdlib.h>

#define FIRST_TIMES 16

/* ---- times ---- */

static int64_t time_load(const char *at)
{
    uint64_t time = 0;
    memcpy(&time, at, HASH_TIME_BYTES);
    return time == 0 ? HASH_TIME_NONE : (int64_t)time;
}

static void time_store(char *at, int64_t time_ms)
{
    uint64_t time = time_ms == HASH_TIME_NONE ? 0 : (uint64_t)time_ms;
    memcpy(at, &time, HASH_TIME_BYTES);
}

static bool is_live(int64_t time_ms, int64_t now_ms)
{
    return time_ms == HASH_TIME_NONE || time_ms > now_ms;
}

/* ---- reading ---- */

struct hash_packed hash_packed_open(struct slice blob)
{
    size_t count = packed_count(blob);
    struct hash_packed packed = {blob, count / 2, NULL};
    size_t times_bytes = packed.fields * HASH_TIME_BYTES;
    if (count % 2 == 1 && times_bytes <= blob.len) packed.times = blob.ptr + blob.len - times_bytes;
    return packed;
}

int64_t hash_packed_time(const struct hash_packed *packed, size_t index)
{
    return packed->times == NULL ? HASH_TIME_NONE : time_load(packed->times + index * HASH_TIME_BYTES);
}

static int64_t earliest(const struct hash_packed *packed)
{
    int64_t due_ms = HASH_TIME_NONE;
    if (packed->times == NULL) return due_ms;
    for (size_t i = 0; i < packed->fields; i++) {
        int64_t time_ms = hash_packed_time(packed, i);
        if (time_ms != HASH_TIME_NONE && (due_ms == HASH_TIME_NONE || time_ms < due_ms)) due_ms = time_ms;
    }
    return due_ms;
}

int64_t hash_packed_due_ms(struct slice blob)
{
    struct hash_packed packed = hash_packed_open(blob);
    return earliest(&packed);
}

size_t hash_packed_live(const struct hash_packed *packed, int64_t now_ms)
{
    if (packed->times == NULL) return packed->fields;
    size_t live = 0;
    for (size_t i = 0; i < packed->fields; i++)
        live += is_live(hash_packed_time(packed, i), now_ms);
    return live;
}

bool hash_packed_is_valid(struct slice blob)
{
    if (!packed_is_valid(blob)) return false;
    struct hash_packed packed = hash_packed_open(blob);
    struct packed_iter iter = packed_begin(blob);
    struct packed_item times;
    if (packed_count(blob) % 2 == 0) return true;
    if (packed.fields == 0 || !packed_skip(&iter, 2 * packed.fields) || !packed_next(&iter, &times))
        return false;
    return !times.is_int && times.bytes.len == packed.fields * HASH_TIME_BYTES &&
           earliest(&packed) != HASH_TIME_NONE;
}

bool hash_packed_find(const struct hash_packed *packed, struct slice field,
                      struct hash_packed_place *place_out)
{
    struct packed_iter iter = packed_begin(packed->blob);
    struct packed_probe probe = packed_probe(field);
    if (!packed_find(&iter, &probe, 2) || iter.index >= 2 * packed->fields) return false;
    place_out->index = iter.index / 2;
    place_out->from = iter.at;
    if (!packed_skip(&iter, 1)) return false;
    place_out->value = iter.at;
    if (!packed_next(&iter, &place_out->item)) return false;
    place_out->to = iter.at;
    return true;
}

struct hash_packed_iter hash_packed_begin(const struct hash_packed *packed)
{
    return (struct hash_packed_iter){packed, packed_begin(packed->blob), 0};
}

bool hash_packed_next(struct hash_packed_iter *iter, struct packed_item *field_out,
                      struct packed_item *value_out, int64_t *time_out)
{
    if (iter->index == iter->packed->fields) return false;
    if (!packed_next(&iter->at, field_out) || !packed_next(&iter->at, value_out)) return false;
    if (time_out != NULL) *time_out = hash_packed_time(iter->packed, iter->index);
    iter->index++;
    return true;
}

/* ---- drafting ---- */

/* Room for the times of `fields` fields; those that were there stay. */
static bool reserve_times(struct hash_draft *draft, size_t fields)
{
    if (fields <= draft->times_cap) return true;
    size_t cap = draft->times_cap == 0 ? FIRST_TIMES : 2 * draft->times_cap;
    if (cap < fields) cap = fields;
    char *times = realloc(draft->times, cap * HASH_TIME_BYTES);
    draft->failed |= times == NULL;
    if (times == NULL) return false;
    if (draft->now.times == draft->times && draft->now.times != NULL) draft->now.times = times;
    draft->times = times;
    draft->times_cap = cap;
    return true;
}

/* Lets `now` have times, none of them set, if it has none yet. */
static bool make_timed(struct hash_draft *draft)
{
    if (draft->now.times != NULL) return true;
    if (!reserve_times(draft, draft->now.fields + 1)) return false;
    memset(draft->times, 0, draft->now.fields * HASH_TIME_BYTES);
    draft->now.times = draft->times;
    return true;
}

/* The buffer that the next state is written to. */
static struct packed_out *next_out(struct hash_draft *draft)
{
    struct packed_out *out = &draft->out[draft->active ^ 1];
    packed_out_reset(out);
    return out;
}

/* Makes `out` (one of the two buffers) what the draft says now. */
static void take_out(struct hash_draft *draft, const struct packed_out *out)
{
    draft->active = (unsigned)(out - draft->out);
    draft->own = true;
    draft->now.blob = packed_out_blob(out);
    draft->pairs_end = draft->now.blob.len;
    draft->changed = true;
    draft->failed |= out->failed;
}

/* Copies the live fields of a blob with times. */
static void begin_timed(struct hash_draft *draft, const struct hash_packed *packed, int64_t now_ms)
{
    struct packed_out *out = next_out(draft);
    struct hash_packed_iter iter = hash_packed_begin(packed);
    struct packed_item field, value;
    int64_t time_ms;
    draft->now = (struct hash_packed){.fields = 0};
    if (!reserve_times(draft, packed->fields)) return;
    while (true) {
        size_t from = iter.at.at;
        if (!hash_packed_next(&iter, &field, &value, &time_ms)) break;
        if (!is_live(time_ms, now_ms)) continue;
        packed_keep(out, packed->blob, from, iter.at.at, 2);
        time_store(draft->times + draft->now.fields++ * HASH_TIME_BYTES, time_ms);
    }
    take_out(draft, out);
    draft->now.times = draft->times;
    draft->changed = draft->now.fields != packed->fields;
}

void hash_draft_begin(struct hash_draft *draft, const struct hash_packed *packed, int64_t now_ms)
{
    draft->failed = draft->changed = draft->own = false;
    if (packed->times != NULL) {
        begin_timed(draft, packed, now_ms);
        return;
    }
    draft->now = *packed;
    draft->pairs_end = packed->blob.len;
}

void hash_draft_add(struct hash_draft *draft, struct slice field, struct slice value, int64_t time_ms)
{
    if (draft->failed || (time_ms != HASH_TIME_NONE && !make_timed(draft))) return;
    if (draft->now.times != NULL) {
        if (!reserve_times(draft, draft->now.fields + 1)) return;
        time_store(draft->times + draft->now.fields * HASH_TIME_BYTES, time_ms);
    }
    struct packed_out *out = &draft->out[draft->active];
    if (!draft->own) {
        out = next_out(draft);
        packed_keep(out, draft->now.blob, packed_begin(draft->now.blob).at, draft->pairs_end,
                    2 * draft->now.fields);
    }
    packed_add(out, field);
    packed_add(out, value);
    draft->now.fields++;
    take_out(draft, out);
}

/* Starts the next state with what stands before byte `to`, which is `items` items. */
static struct packed_out *keep_before(struct hash_draft *draft, size_t to, size_t items)
{
    struct packed_out *out = next_out(draft);
    packed_keep(out, draft->now.blob, packed_begin(draft->now.blob).at, to, items);
    return out;
}

void hash_draft_replace(struct hash_draft *draft, const struct hash_packed_place *place, struct slice value)
{
    if (draft->failed) return;
    struct packed_out *out = keep_before(draft, place->value, 2 * place->index + 1);
    packed_add(out, value);
    packed_keep(out, draft->now.blob, place->to, draft->pairs_end,
                2 * (draft->now.fields - place->index - 1));
    take_out(draft, out);
}

void hash_draft_set_time(struct hash_draft *draft, size_t index, int64_t time_ms)
{
    if (draft->failed || time_ms == hash_packed_time(&draft->now, index) || !make_timed(draft)) return;
    time_store(draft->times + index * HASH_TIME_BYTES, time_ms);
    draft->changed = true;
}

void hash_draft_remove(struct hash_draft *draft, const struct hash_packed_place *place)
{
    if (draft->failed) return;
    size_t behind = draft->now.fields - place->index - 1;
    struct packed_out *out = keep_before(draft, place->from, 2 * place->index);
    packed_keep(out, draft->now.blob, place->to, draft->pairs_end, 2 * behind);
    if (draft->now.times != NULL) {
        char *time = draft->times + place->index * HASH_TIME_BYTES;
        memmove(time, time + HASH_TIME_BYTES, behind * HASH_TIME_BYTES);
    }
    draft->now.fields--;
    take_out(draft, out);
}

struct slice hash_draft_finish(struct hash_draft *draft)
{
    struct packed_out *out = &draft->out[draft->active];
    if (!draft->own) {
        out = keep_before(draft, draft->pairs_end, 2 * draft->now.fields);
        take_out(draft, out);
    }
    if (earliest(&draft->now) != HASH_TIME_NONE)
        packed_add_raw(out, draft->times, draft->now.fields * HASH_TIME_BYTES);
    draft->failed |= out->failed;
    return packed_out_blob(out);
}

void hash_packed_expire(struct slice blob, int64_t now_ms, struct packed_out *out)
{
    struct hash_packed packed = hash_packed_open(blob);
    struct hash_draft draft = {0};
    hash_draft_begin(&draft, &packed, now_ms);
    hash_draft_finish(&draft);
    packed_out_free(out);
    *out = draft.out[draft.active];
    out->failed |= draft.failed;
    draft.out[draft.active] = (struct packed_out){0};
    hash_draft_free(&draft);
}

void hash_draft_free(struct hash_draft *draft)
{
    packed_out_free(&draft->out[0]);
    packed_out_free(&draft->out[1]);
    free(draft->times);
    *draft = (struct hash_draft){0};
}
