/* count.c: how many members, of a set or of a range of it. */
#include "command/arguments.h"
#include "command/sorted_set/bounds.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"

static void zcard(struct call *call);
const struct command sorted_set_zcard = {
    .name = "zcard",
    .handler = zcard,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Answers how many members a sorted set has.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void zcard(struct call *call)
{
    struct zset_view view;
    if (sorted_set_peek(call, 0, &view)) resp_int(call->out, (int64_t)zset_view_count(&view));
}

static void count_range(struct call *call, enum sorted_set_range_kind kind)
{
    struct sorted_set_range range;
    struct zset_view view;
    uint64_t first, end;
    if (!sorted_set_range_parse(call, kind, 2, 3, &range) || !sorted_set_read(call, 0, &view)) return;
    sorted_set_range_ranks(&range, &view, &first, &end);
    resp_int(call->out, (int64_t)(end - first));
    zset_view_close(&view);
}

static void zcount(struct call *call);
const struct command sorted_set_zcount = {
    .name = "zcount",
    .handler = zcount,
    .arity = 4,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.0.0",
    .summary = "Answers how many members of a sorted set have scores in a range.",
    .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("min", ARG_DOUBLE), ARGUMENT("max", ARG_DOUBLE)),
};

static void zcount(struct call *call)
{
    count_range(call, RANGE_SCORE);
}

static void zlexcount(struct call *call);
const struct command sorted_set_zlexcount = {
    .name = "zlexcount",
    .handler = zlexcount,
    .arity = 4,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.8.9",
    .summary = "Answers how many members of a sorted set are in a range by their bytes.",
    .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("min", ARG_STRING), ARGUMENT("max", ARG_STRING)),
};

static void zlexcount(struct call *call)
{
    count_range(call, RANGE_LEX);
}
