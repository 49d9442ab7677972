/* combine.c: unions, intersections and differences.
 *
 * A union is all items in one array, sorted by member, equal ones folded. An intersection walks its smallest source, a
 * difference its first, and looks each member up in the others.
 */
#include "command/sorted_set/combine.h"

#include "ds/set.h"
#include "ds/zset_view.h"

#include <math.h>
#include <stdlib.h>

#define SHORT_MEMBER (PACKED_INT_TEXT_MAX - 1) /* may be the text of a number, which stands nowhere */

/* An item of a source, with its place among the sources: scores are folded in that order. */
struct gathered {
    struct zset_item item;
    size_t source;
};

enum error combine_init(struct combination *combination, const struct heap *heap, size_t count)
{
    *combination = (struct combination){.heap = heap, .source_count = count};
    combination->sources = calloc(count, sizeof(*combination->sources));
    for (size_t i = 0; combination->sources != NULL && i < count; i++)
        combination->sources[i].weight = 1;
    return combination->sources == NULL ? ERROR_MEMORY : ERROR_OK;
}

void combine_set_source(struct combination *combination, size_t index, const struct entry *entry)
{
    struct combine_source *source = &combination->sources[index];
    struct zset_view view;
    source->entry = entry;
    source->is_set = entry != NULL && entry_type(entry) == ENTRY_SET;
    if (source->is_set) {
        source->count = set_count(combination->heap, entry);
    } else {
        zset_view_peek(&view, combination->heap, entry);
        source->count = zset_view_count(&view);
    }
}

void combine_free(struct combination *combination)
{
    for (size_t i = 0; combination->sources != NULL && i < combination->source_count; i++)
        free(combination->sources[i].texts);
    free(combination->sources);
    free(combination->items);
}

/* ---- scores ---- */

static double weighted(const struct combine_source *source, double score)
{
    double value = source->weight * score;
    return isnan(value) ? 0 : value;
}

static double fold(enum combine_aggregate aggregate, double a, double b)
{
    switch (aggregate) {
    case AGGREGATE_MIN: return b < a ? b : a;
    case AGGREGATE_MAX: return b > a ? b : a;
    case AGGREGATE_SUM: break;
    }
    double sum = a + b;
    return isnan(sum) ? 0 : sum;
}

/* ---- the items of one source ---- */

struct gathering {
    struct combine_source *source;
    size_t source_index;
    struct gathered *to;
    size_t count;
    size_t text_len;
};

static void gather(struct gathering *gathering, struct slice member, double score)
{
    if (gathering->count == gathering->source->count) return;
    gathering->to[gathering->count++] =
        (struct gathered){{member, weighted(gathering->source, score)}, gathering->source_index};
}

static bool gather_member(void *ctx, const struct slice *parts, size_t count)
{
    struct gathering *gathering = ctx;
    struct slice member = parts[0];
    (void)count;
    if (member.len <= SHORT_MEMBER && gathering->count < gathering->source->count) {
        char *text = gathering->source->texts + gathering->text_len;
        memcpy(text, member.ptr, member.len);
        gathering->text_len += member.len;
        member.ptr = text;
    }
    gather(gathering, member, 1);
    return true;
}

/* All items of a source; `to` has room for them. */
static enum error gather_source(struct combination *combination, size_t index, struct gathered *to)
{
    struct combine_source *source = &combination->sources[index];
    struct gathering gathering = {.source = source, .source_index = index, .to = to};
    struct zset_position position;
    struct zset_view view;
    if (source->count == 0) return ERROR_OK;
    if (source->is_set) {
        source->texts = malloc(source->count * SHORT_MEMBER);
        if (source->texts == NULL) return ERROR_MEMORY;
        entry_visit(combination->heap, source->entry, gather_member, &gathering);
        source->count = gathering.count;
        return ERROR_OK;
    }
    enum error error = zset_view_open(&view, combination->heap, source->entry);
    bool more = error == ERROR_OK && zset_view_at(&view, 0, &position);
    for (; more; more = zset_view_step(&view, false, &position)) {
        struct zset_item item = zset_view_item(&view, &position);
        gather(&gathering, item.member, item.score);
    }
    zset_view_close(&view);
    return error;
}

/* The weighted score of a member; false when the source has none such. */
static bool find(const struct combination *combination, size_t index, struct slice member, double *score_out)
{
    const struct combine_source *source = &combination->sources[index];
    double score = 1;
    bool found;
    if (source->entry == NULL) return false;
    if (source->is_set) {
        found = set_contains(combination->heap, source->entry, member);
    } else {
        struct zset_view view;
        zset_view_peek(&view, combination->heap, source->entry);
        found = zset_view_score(&view, member, &score);
    }
    if (found) *score_out = weighted(source, score);
    return found;
}

/* ---- sorting ---- */

static int compare_gathered(const void *a, const void *b)
{
    const struct gathered *left = a, *right = b;
    int side = zset_compare_members(left->item.member, right->item.member);
    return side != 0 ? side : (left->source > right->source) - (left->source < right->source);
}

static int compare_items(const void *a, const void *b)
{
    return zset_compare(a, b);
}

static int compare_sources(const void *a, const void *b)
{
    const struct combine_source *left = a, *right = b;
    return (left->count > right->count) - (left->count < right->count);
}

/* ---- combining ---- */

static void fold_union(struct combination *combination, struct gathered *gathered, size_t count)
{
    qsort(gathered, count, sizeof(*gathered), compare_gathered);
    struct zset_item *last = NULL;
    for (size_t i = 0; i < count; i++) {
        if (last != NULL && zset_compare_members(last->member, gathered[i].item.member) == 0) {
            last->score = fold(combination->aggregate, last->score, gathered[i].item.score);
        } else {
            last = &combination->items[combination->count++];
            *last = gathered[i].item;
        }
    }
}

/* Keeps the items of source 0 that all others have (an intersection) or none (a difference). */
static void select_items(struct combination *combination, const struct gathered *gathered, size_t count)
{
    bool wanted = combination->op == COMBINE_INTER;
    for (size_t i = 0; i < count; i++) {
        struct zset_item item = gathered[i].item;
        bool keep = true;
        double score;
        for (size_t j = 1; j < combination->source_count && keep; j++) {
            bool found = find(combination, j, item.member, &score);
            keep = found == wanted;
            if (keep && found) item.score = fold(combination->aggregate, item.score, score);
        }
        if (!keep) continue;
        combination->items[combination->count++] = item;
        if (combination->count == combination->limit) return;
    }
}

enum error combine_run(struct combination *combination)
{
    size_t total = 0, at = 0;
    if (combination->op != COMBINE_DIFF)
        qsort(combination->sources, combination->source_count, sizeof(combination->sources[0]),
              compare_sources);
    size_t walked = combination->op == COMBINE_UNION ? combination->source_count : 1;
    for (size_t i = 0; i < walked; i++)
        total += combination->sources[i].count;
    struct gathered *gathered = malloc((total + 1) * sizeof(*gathered));
    combination->items = malloc((total + 1) * sizeof(*combination->items));
    enum error error = gathered == NULL || combination->items == NULL ? ERROR_MEMORY : ERROR_OK;
    for (size_t i = 0; i < walked && error == ERROR_OK; i++) {
        error = gather_source(combination, i, gathered + at);
        at += combination->sources[i].count;
    }
    if (error == ERROR_OK && combination->op == COMBINE_UNION) fold_union(combination, gathered, at);
    else if (error == ERROR_OK) select_items(combination, gathered, at);
    if (error == ERROR_OK)
        qsort(combination->items, combination->count, sizeof(combination->items[0]), compare_items);
    free(gathered);
    return error;
}
