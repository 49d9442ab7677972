/* zset_small.c: small sorted sets, packed and in memory. */
#include "ds/zset_small.h"

#include "util/assert.h"
#include "util/number.h"

#include <math.h>
#include <stdlib.h>

static double one_zero(double score)
{
    return fpclassify(score) == FP_ZERO ? 0 : score;
}

/* False at the end, and where the bytes make no sense. */
static bool next_item(struct packed_iter *iter, struct zset_item *item_out)
{
    struct packed_item member, score;
    if (!packed_next(iter, &member) || member.is_int || !packed_next(iter, &score)) return false;
    if (score.is_int || score.bytes.len != sizeof(double)) return false;
    item_out->member = member.bytes;
    memcpy(&item_out->score, score.bytes.ptr, sizeof(double));
    return true;
}

size_t zset_packed_count(struct slice blob)
{
    return packed_count(blob) / 2;
}

bool zset_packed_is_valid(struct slice blob)
{
    struct packed_iter iter = packed_begin(blob);
    struct zset_item item, last;
    size_t count = 0;
    if (!packed_is_valid(blob)) return false;
    for (; next_item(&iter, &item); count++) {
        if (isnan(item.score) || (count > 0 && zset_compare(&last, &item) >= 0)) return false;
        last = item;
    }
    return count > 0 && 2 * count == packed_count(blob);
}

bool zset_packed_find(struct slice blob, struct slice member, double *score_out)
{
    struct packed_iter iter = packed_begin(blob);
    struct zset_item item;
    while (next_item(&iter, &item)) {
        if (!slice_equal(item.member, member)) continue;
        *score_out = item.score;
        return true;
    }
    return false;
}

void zset_packed_visit(struct slice blob, collection_visit *visit, void *ctx)
{
    struct packed_iter iter = packed_begin(blob);
    struct zset_item item;
    char text[NUMBER_DOUBLE_TEXT_MAX];
    while (next_item(&iter, &item)) {
        struct slice parts[2] = {item.member, {text, number_double_text(text, item.score)}};
        if (!visit(ctx, parts, 2)) return;
    }
}

void zset_small_init(struct zset_small *small)
{
    small->items = small->inline_items;
    small->count = 0;
    small->cap = ZSET_SMALL_INLINE;
}

void zset_small_free(struct zset_small *small)
{
    if (small->items != small->inline_items) free(small->items);
    zset_small_init(small);
}

static enum error reserve(struct zset_small *small, size_t count)
{
    if (count <= small->cap) return ERROR_OK;
    size_t cap = 2 * small->cap > count ? 2 * small->cap : count;
    bool was_inline = small->items == small->inline_items;
    struct zset_item *items = realloc(was_inline ? NULL : small->items, cap * sizeof(*items));
    if (items == NULL) return ERROR_MEMORY;
    if (was_inline) memcpy(items, small->items, small->count * sizeof(*items));
    small->items = items;
    small->cap = cap;
    return ERROR_OK;
}

enum error zset_small_unpack(struct zset_small *small, struct slice blob)
{
    struct packed_iter iter = packed_begin(blob);
    enum error error = reserve(small, zset_packed_count(blob));
    if (error != ERROR_OK) return error;
    small->count = 0;
    while (small->count < small->cap && next_item(&iter, &small->items[small->count]))
        small->count++;
    return ERROR_OK;
}

void zset_small_pack(const struct zset_small *small, struct packed_out *out)
{
    for (size_t i = 0; i < small->count; i++) {
        double score = one_zero(small->items[i].score);
        packed_add_raw(out, small->items[i].member.ptr, small->items[i].member.len);
        packed_add_raw(out, &score, sizeof(score));
    }
}

size_t zset_small_rank_of(const struct zset_small *small, const struct zset_bound *bound)
{
    size_t low = 0, high = small->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zset_is_before(&small->items[middle], bound)) low = middle + 1;
        else high = middle;
    }
    return low;
}

bool zset_small_find(const struct zset_small *small, struct slice member, size_t *index_out)
{
    for (size_t i = 0; i < small->count; i++) {
        if (!slice_equal(small->items[i].member, member)) continue;
        *index_out = i;
        return true;
    }
    return false;
}

enum error zset_small_insert(struct zset_small *small, const struct zset_item *item)
{
    enum error error = reserve(small, small->count + 1);
    if (error != ERROR_OK) return error;
    struct zset_bound bound = {.score = item->score, .member = item->member};
    size_t at = zset_small_rank_of(small, &bound);
    memmove(&small->items[at + 1], &small->items[at], (small->count++ - at) * sizeof(*item));
    small->items[at] = (struct zset_item){item->member, one_zero(item->score)};
    return ERROR_OK;
}

void zset_small_cut(struct zset_small *small, size_t index, size_t count)
{
    ASSERT(index <= small->count && count <= small->count - index);
    small->count -= count;
    memmove(&small->items[index], &small->items[index + count],
            (small->count - index) * sizeof(small->items[0]));
}
