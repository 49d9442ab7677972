/* fuzz_blobs.c: runs of bytes that hold a collection are refused or read and changed, but never crash who reads them.
 *
 * Input: one byte (which kind of run), one byte that picks what is looked for, then the run, which is read from a buffer of its exact
 * size. A run that its validator accepts is read by all that commands use, and changed; what comes out must be valid again.
 */
#include "ds/hash.h"
#include "ds/hyperloglog.h"
#include "ds/intset.h"
#include "ds/set.h"
#include "ds/stream_chunk.h"
#include "ds/zset_small.h"
#include "util/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS      INT64_C(1000000)
#define SPARSE_MOST 3000

static volatile size_t seen; /* what was read, so that it is read */

/* What is looked for: an item of the run, or something that stands in few. */
static struct slice pick(struct slice blob, uint8_t choice, char text[PACKED_INT_TEXT_MAX])
{
    struct packed_iter iter = packed_begin(blob);
    struct packed_item item;
    if (choice < 128 && packed_skip(&iter, choice) && packed_next(&iter, &item))
        return packed_text(&item, text);
    return choice & 1 ? SLICE("77") : SLICE("x");
}

static bool count_parts(void *ctx, const struct slice *parts, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < parts[i].len; at++)
            seen += (size_t)parts[i].ptr[at];
    return true;
}

/* ---- hashes ---- */

static void use_hash(struct slice blob, uint8_t choice)
{
    char text[PACKED_INT_TEXT_MAX];
    struct hash_packed packed = hash_packed_open(blob);
    struct slice field = pick(blob, choice, text);
    struct hash_packed_place place;
    struct hash_packed_iter iter = hash_packed_begin(&packed);
    struct packed_item name, value;
    int64_t time_ms;
    while (hash_packed_next(&iter, &name, &value, &time_ms))
        seen += packed_text_len(&name) + packed_text_len(&value) + (size_t)time_ms;
    seen += hash_packed_live(&packed, NOW_MS) + (size_t)hash_packed_due_ms(blob);
    hash_ops.packed_visit(blob, count_parts, NULL);
    struct packed_out live = {0};
    hash_packed_expire(blob, NOW_MS, &live);
    ASSERT(live.failed || hash_packed_is_valid(packed_out_blob(&live)));
    packed_out_free(&live);

    struct hash_draft draft = {0};
    hash_draft_begin(&draft, &packed, NOW_MS);
    if (!hash_packed_find(&draft.now, field, &place)) hash_draft_add(&draft, field, blob, NOW_MS * 2);
    else if (choice & 1) hash_draft_replace(&draft, &place, SLICE("another value"));
    else hash_draft_remove(&draft, &place);
    if (!draft.failed && draft.now.fields > 0) hash_draft_set_time(&draft, draft.now.fields - 1, NOW_MS * 3);
    struct slice built = hash_draft_finish(&draft);
    ASSERT(draft.failed || built.len == 0 || hash_packed_is_valid(built));
    hash_draft_free(&draft);
}

/* ---- sets ---- */

static void use_set(struct slice blob, uint8_t choice)
{
    static const struct set_limits limits = {512, 128, 64};
    char text[PACKED_INT_TEXT_MAX], member_text[PACKED_INT_TEXT_MAX];
    size_t count = set_blob_count(blob);
    struct slice member = set_blob_at(blob, count > 0 ? choice % count : 0, text);
    if (member.len == 0) member = pick(blob, choice, member_text);
    struct packed_probe probe = packed_probe(member);
    seen += set_blob_contains(blob, &probe);
    set_ops.packed_visit(blob, count_parts, NULL);
    seen += (size_t)set_ops.packed_encoding(blob)[0];
    struct packed_out out = {0};
    packed_load(&out, blob);
    if (!set_blob_remove(&out, member)) seen += set_blob_add(&out, member, &limits);
    seen += set_blob_add(&out, SLICE("-9000000000000000000"), &limits);
    seen += set_blob_add(&out, SLICE("member"), &limits);
    struct slice built = packed_out_blob(&out);
    ASSERT(out.failed || built.len == 0 || set_ops.packed_is_valid(built));
    packed_out_free(&out);
}

/* ---- sorted sets ---- */

static void use_zset(struct slice blob, uint8_t choice)
{
    char text[PACKED_INT_TEXT_MAX];
    struct slice member = pick(blob, choice, text);
    struct zset_small small;
    double score;
    size_t index;
    seen += zset_packed_count(blob) + zset_packed_find(blob, member, &score);
    zset_packed_visit(blob, count_parts, NULL);
    zset_small_init(&small);
    if (zset_small_unpack(&small, blob) == ERROR_OK) {
        struct zset_bound bound = {.score = choice, .member = member};
        seen += zset_small_rank_of(&small, &bound);
        if (zset_small_find(&small, member, &index)) zset_small_cut(&small, index, 1);
        else if (zset_small_insert(&small, &(struct zset_item){member, choice}) != ERROR_OK) seen++;
        struct packed_out out = {0};
        zset_small_pack(&small, &out);
        struct slice built = packed_out_blob(&out);
        ASSERT(out.failed || built.len == 0 || zset_packed_is_valid(built));
        packed_out_free(&out);
    }
    zset_small_free(&small);
}

/* ---- stream chunks ---- */

static void use_stream_item(struct stream_item item)
{
    struct packed_item field, value;
    while (stream_item_next(&item, &field, &value))
        seen += packed_text_len(&field) + packed_text_len(&value);
}

static void use_stream_chunk(struct slice run)
{
    const struct stream_chunk_layout *chunk = (const void *)run.ptr;
    struct stream_id last = {0, 0};
    struct stream_item item;
    if (run.len < sizeof(*chunk) || !stream_chunk_is_valid(chunk, run.len, &last)) return;
    uint32_t entries = 0, at = chunk->fields_bytes;
    for (; stream_chunk_read(chunk, at, &item); at = item.end, entries++)
        use_stream_item(item);
    ASSERT(at == chunk->used && entries == chunk->entries);
    for (; stream_chunk_read_before(chunk, at, &item); at = item.at, entries--)
        use_stream_item(item);
    ASSERT(at == chunk->fields_bytes && entries == 0);
    seen += stream_chunk_same_fields(chunk, (const struct slice[]){SLICE("f"), SLICE("v")}, 1);
}

/* ---- HyperLogLogs ---- */

static void use_hyperloglog(struct slice run, uint8_t choice)
{
    static uint8_t registers[HYPERLOGLOG_REGISTERS];
    struct hyperloglog_run opcode;
    enum hyperloglog_form form = hyperloglog_form(run);
    uint64_t cardinality;
    if (form == HYPERLOGLOG_NONE) return;
    seen += hyperloglog_cached(run, &cardinality);
    memset(registers, 0, sizeof(registers));
    if (hyperloglog_merge(run, registers)) seen += hyperloglog_estimate(registers);
    struct hyperloglog_place place = hyperloglog_place((struct slice){(const char *)&choice, 1});
    if (form == HYPERLOGLOG_DENSE) {
        char contents[HYPERLOGLOG_REGISTER_BYTES];
        size_t len;
        seen += hyperloglog_dense_get(run.ptr, place.index);
        seen += hyperloglog_dense_put(run, place, contents, &len);
        return;
    }
    for (size_t at = HYPERLOGLOG_HEADER_BYTES; hyperloglog_run(run, at, &opcode); at += opcode.bytes)
        seen += opcode.registers;
    size_t len = run.len, most = run.len > SPARSE_MOST ? run.len : SPARSE_MOST;
    char *bytes = malloc(most);
    ASSERT(bytes);
    memcpy(bytes, run.ptr, run.len);
    bool sound = hyperloglog_merge(run, registers);
    enum hyperloglog_raised raised = hyperloglog_sparse_raise(bytes, &len, most, place);
    ASSERT(len <= most);
    if (sound && raised == HYPERLOGLOG_RAISED)
        ASSERT(hyperloglog_merge((struct slice){bytes, len}, registers));
    free(bytes);
}

/* ---- any ---- */

static void use_packed(struct slice blob, uint8_t choice)
{
    char text[PACKED_INT_TEXT_MAX];
    struct packed_probe probe = packed_probe(pick(blob, choice, text));
    struct packed_iter iter = packed_begin(blob), end = iter;
    struct packed_item item;
    struct packed_out out = {0}, again = {0};
    size_t count = 0;
    for (; packed_next(&end, &item); count++)
        packed_add_item(&out, &item);
    ASSERT(count == packed_count(blob) && packed_is_valid(packed_out_blob(&out)));
    if (packed_find(&iter, &probe, 1)) {
        packed_load(&again, blob);
        packed_cut(&again, iter, 1);
        ASSERT(again.failed || packed_is_valid(packed_out_blob(&again)));
    }
    packed_out_free(&out);
    packed_out_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    char *copy = malloc(size - 2 ? size - 2 : 1);
    ASSERT(copy);
    memcpy(copy, data + 2, size - 2);
    struct slice run = {copy, size - 2};
    switch (data[0] % 6) {
    case 0:
        if (packed_is_valid(run)) use_packed(run, data[1]);
        break;
    case 1:
        if (hash_ops.packed_is_valid(run)) use_hash(run, data[1]);
        break;
    case 2:
        if (set_ops.packed_is_valid(run)) use_set(run, data[1]);
        break;
    case 3:
        if (zset_ops.packed_is_valid(run)) use_zset(run, data[1]);
        break;
    case 4: use_stream_chunk(run); break;
    default: use_hyperloglog(run, data[1]);
    }
    free(copy);
    return 0;
}
