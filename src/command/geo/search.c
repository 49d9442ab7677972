/* search.c: searching a sorted set for points. */
#include "command/geo/search.h"

#include "command/sorted_set/edit.h"

#include <stdlib.h>

/* A point inside the shape. */
struct found {
    struct zset_item item;
    struct geo_point point;
    double distance_m;
};

struct results {
    struct found *found;
    size_t count;
    size_t cap;
    bool failed; /* no memory */
};

bool geo_search_option(struct call *call, size_t *arg, struct geo_search *search, bool *failed_out)
{
    int64_t count;
    *failed_out = false;
    if (call_arg_is(call, *arg, "WITHDIST")) search->with_distance = true;
    else if (call_arg_is(call, *arg, "WITHHASH")) search->with_hash = true;
    else if (call_arg_is(call, *arg, "WITHCOORD")) search->with_point = true;
    else if (call_arg_is(call, *arg, "ANY")) search->any = true;
    else if (call_arg_is(call, *arg, "ASC")) search->order = GEO_ASCENDING;
    else if (call_arg_is(call, *arg, "DESC")) search->order = GEO_DESCENDING;
    else if (call_arg_is(call, *arg, "COUNT") && *arg + 1 < call->argc) {
        *failed_out = !call_int(call, ++*arg, &count);
        if (!*failed_out && count <= 0) {
            resp_error(call->out, "ERR COUNT must be > 0");
            *failed_out = true;
        }
        if (!*failed_out) search->count = (uint64_t)count;
    } else {
        return false;
    }
    return true;
}

bool geo_search_member(struct call *call, const struct entry *entry, size_t arg, struct geo_point *point_out)
{
    struct zset_view view;
    double score;
    zset_view_peek(&view, keyspace_heap(call->keyspace), entry);
    if (zset_view_score(&view, call->argv[arg], &score) && geohash_point(score, point_out)) return true;
    resp_error(call->out, "ERR could not decode requested zset member");
    return false;
}

/* ---- finding ---- */

static void keep(struct results *results, const struct found *found)
{
    if (results->count == results->cap) {
        size_t cap = results->cap == 0 ? 16 : 2 * results->cap;
        struct found *larger = realloc(results->found, cap * sizeof(*larger));
        results->failed = larger == NULL;
        if (results->failed) return;
        results->found = larger;
        results->cap = cap;
    }
    results->found[results->count++] = *found;
}

static bool is_full(const struct geo_search *search, const struct results *results)
{
    return results->failed || (search->any && results->count >= search->count);
}

static void search_cell(const struct geo_search *search, const struct zset_view *view, struct geo_cell cell,
                        struct results *results)
{
    uint64_t first, end;
    geohash_scores(cell, &first, &end);
    struct zset_bound from = {.score = (double)first}, to = {.score = (double)end};
    struct zset_position position;
    bool more = zset_view_seek(view, &from, false, &position);
    for (; more && !is_full(search, results); more = zset_view_step(view, false, &position)) {
        struct found found = {.item = zset_view_item(view, &position)};
        if (!zset_is_before(&found.item, &to)) return;
        if (!geohash_point(found.item.score, &found.point)) continue;
        if (geo_shape_holds(&search->shape, found.point, &found.distance_m)) keep(results, &found);
    }
}

static int nearer_first(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    return (left->distance_m > right->distance_m) - (left->distance_m < right->distance_m);
}

static int farther_first(const void *a, const void *b)
{
    return nearer_first(b, a);
}

static void find_all(const struct geo_search *search, const struct zset_view *view, struct results *results)
{
    struct geo_cell cells[GEO_COVER_CELLS];
    size_t count = geo_shape_cover(&search->shape, cells);
    for (size_t i = 0; i < count && !is_full(search, results); i++)
        search_cell(search, view, cells[i], results);
    enum geo_order order = search->order;
    if (order == GEO_ANY_ORDER && search->count > 0 && !search->any)
        order = GEO_ASCENDING; /* the nearest are meant */
    if (order != GEO_ANY_ORDER && results->count > 0)
        qsort(results->found, results->count, sizeof(results->found[0]),
              order == GEO_ASCENDING ? nearer_first : farther_first);
    if (search->count > 0 && results->count > search->count) results->count = search->count;
}

/* ---- answering ---- */

static void reply_results(struct call *call, const struct geo_search *search, const struct results *results)
{
    size_t extras = (size_t)search->with_distance + search->with_hash + search->with_point;
    resp_array(call->out, results->count);
    for (size_t i = 0; i < results->count; i++) {
        const struct found *found = &results->found[i];
        if (extras > 0) resp_array(call->out, extras + 1);
        resp_bulk_slice(call->out, found->item.member);
        if (search->with_distance) geo_reply_distance(call->out, found->distance_m / search->unit_m);
        if (search->with_hash) resp_int(call->out, (int64_t)found->item.score);
        if (search->with_point) geo_reply_point(call->out, found->point);
    }
}

static int compare_items(const void *a, const void *b)
{
    return zset_compare(a, b);
}

static void store_results(struct call *call, const struct geo_search *search, const struct results *results)
{
    struct zset_item *items = malloc((results->count + 1) * sizeof(*items));
    if (items == NULL) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    for (size_t i = 0; i < results->count; i++) {
        items[i] = results->found[i].item;
        if (search->stores_distance) items[i].score = results->found[i].distance_m / search->unit_m;
    }
    qsort(items, results->count, sizeof(*items), compare_items);
    if (sorted_set_store(call, search->target_key, items, results->count, search->event))
        resp_int(call->out, (int64_t)results->count);
    free(items);
}

void geo_search_run(struct call *call, const struct geo_search *search, const struct entry *entry)
{
    struct results results = {0};
    struct zset_view view;
    enum error error = zset_view_open(&view, keyspace_heap(call->keyspace), entry);
    if (error == ERROR_OK && entry != NULL) find_all(search, &view, &results);
    if (error == ERROR_OK && results.failed) error = ERROR_MEMORY;
    if (error != ERROR_OK) call_fail(call, error);
    else if (search->stores) store_results(call, search, &results);
    else reply_results(call, search, &results);
    free(results.found);
    zset_view_close(&view);
}
