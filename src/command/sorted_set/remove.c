/* remove.c: removing members, one by one and by ranges. */
#include "command/arguments.h"
#include "command/sorted_set/bounds.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"

static void zrem(struct call *call);
const struct command sorted_set_zrem = {
    .name = "zrem",
    .handler = zrem,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Removes members, and the key with the last of them.",
    .complexity = "O(M*log(N)) with N being the number of elements in the sorted set and M the number of "
                  "elements to be "
                  "removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("member", ARG_STRING)),
    .history = HISTORY("2.4.0", "Accepts multiple elements."),
};

static void zrem(struct call *call)
{
    struct sorted_set_edit edit;
    int64_t removed = 0;
    if (!sorted_set_open(call, 0, &edit)) return;
    for (size_t arg = 2; arg < call->argc; arg++) {
        struct sorted_set_member member = sorted_set_find(&edit, call->argv[arg]);
        if (!member.found) continue;
        sorted_set_remove(&edit, &member);
        removed++;
    }
    if (sorted_set_close(&edit, removed > 0 ? "zrem" : NULL)) resp_int(call->out, removed);
}

static void remove_range(struct call *call, enum sorted_set_range_kind kind)
{
    struct sorted_set_range range;
    struct sorted_set_edit edit;
    uint64_t first, end;
    if (!sorted_set_range_parse(call, kind, 2, 3, &range) || !sorted_set_open(call, 0, &edit)) return;
    sorted_set_range_ranks(&range, &edit.view, &first, &end);
    sorted_set_remove_range(&edit, first, end - first);
    if (sorted_set_close(&edit, end > first ? call->command->name : NULL))
        resp_int(call->out, (int64_t)(end - first));
}

static void zremrangebyrank(struct call *call);
const struct command sorted_set_zremrangebyrank = {
    .name = "zremrangebyrank",
    .handler = zremrangebyrank,
    .arity = 4,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.0.0",
    .summary = "Removes the members in a range of ranks.",
    .complexity = "O(M*log(N)) with N being the number of elements in the sorted set and M the number of "
                  "elements removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_INTEGER), ARGUMENT("stop", ARG_INTEGER)),
};

static void zremrangebyrank(struct call *call)
{
    remove_range(call, RANGE_RANK);
}

static void zremrangebyscore(struct call *call);
const struct command sorted_set_zremrangebyscore = {
    .name = "zremrangebyscore",
    .handler = zremrangebyscore,
    .arity = 4,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Removes the members with scores in a range.",
    .complexity = "O(M*log(N)) with N being the number of elements in the sorted set and M the number of "
                  "elements removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("min", ARG_DOUBLE), ARGUMENT("max", ARG_DOUBLE)),
};

static void zremrangebyscore(struct call *call)
{
    remove_range(call, RANGE_SCORE);
}

static void zremrangebylex(struct call *call);
const struct command sorted_set_zremrangebylex = {
    .name = "zremrangebylex",
    .handler = zremrangebylex,
    .arity = 4,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.8.9",
    .summary = "Removes the members in a range by their bytes.",
    .complexity = "O(M*log(N)) with N being the number of elements in the sorted set and M the number of "
                  "elements removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("min", ARG_STRING), ARGUMENT("max", ARG_STRING)),
};

static void zremrangebylex(struct call *call)
{
    remove_range(call, RANGE_LEX);
}
