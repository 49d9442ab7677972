/* range.c: ZRANGE in all its forms, and storing what it finds. */
#include "command/arguments.h"
#include "command/sorted_set/bounds.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"

#include <stdlib.h>

/* What a range command was asked for. */
struct query {
    struct sorted_set_range range;
    bool reverse;
    bool with_scores;
    int64_t offset; /* negative: nothing is left */
    int64_t limit;  /* negative: none */
};

/* What a command's name already says of a query; *auto*: its options say it. */
struct form {
    size_t key_arg;
    bool auto_kind, auto_direction, stores;
    enum sorted_set_range_kind kind;
    bool reverse;
};

static bool parse_options(struct call *call, struct form form, size_t arg, struct query *query,
                          enum sorted_set_range_kind *kind)
{
    for (; arg < call->argc; arg++) {
        if (!form.stores && call_arg_is(call, arg, "WITHSCORES")) {
            query->with_scores = true;
        } else if (call_arg_is(call, arg, "LIMIT") && arg + 2 < call->argc) {
            if (!call_int(call, arg + 1, &query->offset) || !call_int(call, arg + 2, &query->limit))
                return false;
            arg += 2;
        } else if (form.auto_direction && !query->reverse && call_arg_is(call, arg, "REV")) {
            query->reverse = true;
        } else if (form.auto_kind && *kind == RANGE_RANK && call_arg_is(call, arg, "BYLEX")) {
            *kind = RANGE_LEX;
        } else if (form.auto_kind && *kind == RANGE_RANK && call_arg_is(call, arg, "BYSCORE")) {
            *kind = RANGE_SCORE;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

static bool parse(struct call *call, struct form form, struct query *query)
{
    enum sorted_set_range_kind kind = form.kind;
    size_t low = form.key_arg + 1, high = low + 1;
    *query = (struct query){.reverse = form.reverse, .limit = -1};
    if (!parse_options(call, form, high + 1, query, &kind)) return false;
    if (query->limit != -1 && kind == RANGE_RANK) {
        resp_error(call->out,
                   "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
        return false;
    }
    if (query->with_scores && kind == RANGE_LEX) {
        resp_error(call->out, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    bool swapped = query->reverse && kind != RANGE_RANK;
    return sorted_set_range_parse(call, kind, swapped ? high : low, swapped ? low : high, &query->range);
}

/* ---- running a query ---- */

/* Called for each item; false ends the run. */
typedef bool take_item(void *ctx, const struct zset_item *item);

static void run_ranks(const struct query *query, const struct zset_view *view, take_item *take, void *ctx)
{
    struct sorted_set_range range = query->range;
    struct zset_position position;
    uint64_t first, end;
    sorted_set_range_ranks(&range, view, &first, &end);
    uint64_t left = end - first;
    if (left == 0 ||
        !zset_view_at(view, query->reverse ? zset_view_count(view) - 1 - first : first, &position))
        return;
    for (bool more = true; more && left > 0; left--) {
        struct zset_item item = zset_view_item(view, &position);
        if (!take(ctx, &item)) return;
        more = left > 1 && zset_view_step(view, query->reverse, &position);
    }
}

/* Goes `offset` items on, by rank where that is shorter. */
static bool skip(const struct zset_view *view, bool reverse, const struct zset_bound *from, uint64_t offset,
                 struct zset_position *position)
{
    if (offset == 0) return zset_view_seek(view, from, reverse, position);
    uint64_t rank = zset_view_rank_of(view, from);
    if (reverse) return offset < rank && zset_view_at(view, rank - 1 - offset, position);
    return offset < zset_view_count(view) && zset_view_at(view, rank + offset, position);
}

static void run_bounds(const struct query *query, const struct zset_view *view, take_item *take, void *ctx)
{
    struct sorted_set_range range = query->range;
    sorted_set_range_settle(&range, view);
    const struct zset_bound *from = query->reverse ? &range.last : &range.first;
    const struct zset_bound *to = query->reverse ? &range.first : &range.last;
    struct zset_position position;
    if (query->offset < 0 || !skip(view, query->reverse, from, (uint64_t)query->offset, &position)) return;
    int64_t left = query->limit;
    for (bool more = true; more && left != 0; left -= left > 0) {
        struct zset_item item = zset_view_item(view, &position);
        if (zset_is_before(&item, to) == query->reverse || !take(ctx, &item)) return;
        more = left != 1 && zset_view_step(view, query->reverse, &position);
    }
}

static void run(const struct query *query, const struct zset_view *view, take_item *take, void *ctx)
{
    if (query->range.kind == RANGE_RANK) run_ranks(query, view, take, ctx);
    else run_bounds(query, view, take, ctx);
}

/* ---- replying ---- */

struct reply {
    struct resp_out *out;
    bool with_scores;
    size_t count;
};

static bool reply_item(void *ctx, const struct zset_item *item)
{
    struct reply *reply = ctx;
    bool pair = reply->with_scores && reply->out->proto > 2;
    if (pair) resp_array(reply->out, 2);
    resp_bulk_slice(reply->out, item->member);
    if (reply->with_scores) resp_double(reply->out, item->score);
    reply->count += reply->with_scores && !pair ? 2 : 1;
    return true;
}

static void answer(struct call *call, struct form form)
{
    struct query query;
    struct zset_view view;
    form.key_arg = 1;
    if (!parse(call, form, &query) || !sorted_set_read(call, 0, &view)) return;
    struct resp_later later = resp_later_begin(call->out);
    struct reply reply = {call->out, query.with_scores, 0};
    run(&query, &view, reply_item, &reply);
    resp_later_array(call->out, later, reply.count);
    zset_view_close(&view);
}

#define RANGE_LIMIT                                                                                          \
    {                                                                                                        \
        .name = "limit", .type = ARG_BLOCK, .token = "LIMIT", .flags = ARG_OPTIONAL,                         \
        .sub = ARGUMENTS(ARGUMENT("offset", ARG_INTEGER), ARGUMENT("count", ARG_INTEGER))                    \
    }
#define RANGE_WITHSCORES                                                                                     \
    {                                                                                                        \
        .name = "withscores", .type = ARG_PURE_TOKEN, .token = "WITHSCORES", .flags = ARG_OPTIONAL           \
    }
#define RANGE_SORTBY                                                                                         \
    {                                                                                                        \
        .name = "sortby", .type = ARG_ONEOF, .flags = ARG_OPTIONAL, .since = "6.2.0",                        \
        .sub = ARGUMENTS(ARGUMENT_WORD("byscore", "BYSCORE"), ARGUMENT_WORD("bylex", "BYLEX"))               \
    }
#define RANGE_REV                                                                                            \
    {                                                                                                        \
        .name = "rev", .type = ARG_PURE_TOKEN, .token = "REV", .flags = ARG_OPTIONAL, .since = "6.2.0"       \
    }
#define RANGE_COMPLEXITY                                                                                     \
    "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "        \
    "returned."

static void zrange(struct call *call);
const struct command sorted_set_zrange = {
    .name = "zrange",
    .handler = zrange,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Answers the members in a range of ranks, of scores or of bytes.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_STRING), ARGUMENT("stop", ARG_STRING),
                  RANGE_SORTBY, RANGE_REV, RANGE_LIMIT, RANGE_WITHSCORES),
    .history = HISTORY("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."),
};

static void zrange(struct call *call)
{
    answer(call, (struct form){.auto_kind = true, .auto_direction = true});
}

static void zrevrange(struct call *call);
const struct command sorted_set_zrevrange = {
    .name = "zrevrange",
    .handler = zrevrange,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Answers the members in a range of ranks, highest score first.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_INTEGER),
                           ARGUMENT("stop", ARG_INTEGER), RANGE_WITHSCORES),
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `REV` argument",
};

static void zrevrange(struct call *call)
{
    answer(call, (struct form){.kind = RANGE_RANK, .reverse = true});
}

static void zrangebyscore(struct call *call);
const struct command sorted_set_zrangebyscore = {
    .name = "zrangebyscore",
    .handler = zrangebyscore,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.0.5",
    .summary = "Answers the members with scores in a range.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("min", ARG_DOUBLE), ARGUMENT("max", ARG_DOUBLE),
                           {.name = "withscores",
                            .type = ARG_PURE_TOKEN,
                            .token = "WITHSCORES",
                            .flags = ARG_OPTIONAL,
                            .since = "2.0.0"},
                           RANGE_LIMIT),
    .history = HISTORY("2.0.0", "Added the `WITHSCORES` modifier."),
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `BYSCORE` argument",
};

static void zrangebyscore(struct call *call)
{
    answer(call, (struct form){.kind = RANGE_SCORE});
}

static void zrevrangebyscore(struct call *call);
const struct command sorted_set_zrevrangebyscore = {
    .name = "zrevrangebyscore",
    .handler = zrevrangebyscore,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.2.0",
    .summary = "Answers the members with scores in a range, highest score first.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("max", ARG_DOUBLE), ARGUMENT("min", ARG_DOUBLE),
                           RANGE_WITHSCORES, RANGE_LIMIT),
    .history = HISTORY("2.1.6", "`min` and `max` can be exclusive."),
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments",
};

static void zrevrangebyscore(struct call *call)
{
    answer(call, (struct form){.kind = RANGE_SCORE, .reverse = true});
}

static void zrangebylex(struct call *call);
const struct command sorted_set_zrangebylex = {
    .name = "zrangebylex",
    .handler = zrangebylex,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.8.9",
    .summary = "Answers the members in a range by their bytes.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("min", ARG_STRING), ARGUMENT("max", ARG_STRING),
                           RANGE_LIMIT),
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `BYLEX` argument",
};

static void zrangebylex(struct call *call)
{
    answer(call, (struct form){.kind = RANGE_LEX});
}

static void zrevrangebylex(struct call *call);
const struct command sorted_set_zrevrangebylex = {
    .name = "zrevrangebylex",
    .handler = zrevrangebylex,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.8.9",
    .summary = "Answers the members in a range by their bytes, last first.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("max", ARG_STRING), ARGUMENT("min", ARG_STRING),
                           RANGE_LIMIT),
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments",
};

static void zrevrangebylex(struct call *call)
{
    answer(call, (struct form){.kind = RANGE_LEX, .reverse = true});
}

/* ---- storing ---- */

struct collected {
    struct zset_item *items;
    size_t count;
    size_t cap;
    bool failed; /* no memory */
};

static bool collect(void *ctx, const struct zset_item *item)
{
    struct collected *collected = ctx;
    if (collected->count == collected->cap) {
        size_t cap = collected->cap == 0 ? 64 : 2 * collected->cap;
        struct zset_item *items = realloc(collected->items, cap * sizeof(*items));
        collected->failed = items == NULL;
        if (collected->failed) return false;
        collected->items = items;
        collected->cap = cap;
    }
    collected->items[collected->count++] = *item;
    return true;
}

static void reverse_items(struct collected *collected)
{
    for (size_t i = 0, j = collected->count; i + 1 < j; i++) {
        struct zset_item item = collected->items[i];
        collected->items[i] = collected->items[--j];
        collected->items[j] = item;
    }
}

static void zrangestore(struct call *call);
const struct command sorted_set_zrangestore = {
    .name = "zrangestore",
    .handler = zrangestore,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Stores the members in a range of ranks, of scores or of bytes as another sorted set.",
    .complexity = RANGE_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("dst", 0), ARGUMENT_KEY("src", 1), ARGUMENT("min", ARG_STRING),
                           ARGUMENT("max", ARG_STRING), RANGE_SORTBY, RANGE_REV, RANGE_LIMIT),
};

static void zrangestore(struct call *call)
{
    struct query query;
    struct zset_view view;
    struct form form = {.key_arg = 2, .auto_kind = true, .auto_direction = true, .stores = true};
    if (!parse(call, form, &query) || !sorted_set_read(call, 1, &view)) return;
    struct collected collected = {0};
    run(&query, &view, collect, &collected);
    if (query.reverse) reverse_items(&collected);
    if (collected.failed) call_fail(call, ERROR_MEMORY);
    else if (sorted_set_store(call, 0, collected.items, collected.count, "zrangestore"))
        resp_int(call->out, (int64_t)collected.count);
    free(collected.items);
    zset_view_close(&view);
}
