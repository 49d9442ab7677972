/* pop.c: taking members from an end, at once or when there are some. */
#include "command/arguments.h"
#include "command/block.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"

#define MUST_BE_POSITIVE "ERR value is out of range, must be positive"

/* How many items a pop takes, from where, and how it answers them. */
struct pop {
    int64_t count;
    bool highest;
    bool nested;  /* an array for each item */
    bool in_line; /* one item, in the array that its key begins */
};

/* Answers and removes items of the set at key `index`, which is there; it and its name are all of the reply, or the items
 * alone. */
static void pop_items(struct call *call, size_t index, const struct pop *pop)
{
    struct sorted_set_edit edit;
    struct zset_position position;
    if (!sorted_set_open(call, index, &edit)) return;
    uint64_t size = zset_view_count(&edit.view);
    uint64_t count = (uint64_t)pop->count < size ? (uint64_t)pop->count : size;
    if (!pop->in_line) resp_array(call->out, pop->nested ? count : 2 * count);
    bool more = count > 0 && zset_view_at(&edit.view, pop->highest ? size - 1 : 0, &position);
    for (uint64_t i = 0; more && i < count; i++) {
        struct zset_item item = zset_view_item(&edit.view, &position);
        if (pop->nested) resp_array(call->out, 2);
        resp_bulk_slice(call->out, item.member);
        resp_double(call->out, item.score);
        more = i + 1 < count && zset_view_step(&edit.view, pop->highest, &position);
    }
    sorted_set_remove_range(&edit, pop->highest ? size - count : 0, count);
    (void)sorted_set_close(&edit, count == 0 ? NULL : pop->highest ? "zpopmax" : "zpopmin");
}

/* Pops from the first set that there is, and answers its name as well; false when there is none. */
static bool pop_first(struct call *call, const struct pop *pop)
{
    for (size_t i = 0; i < call->key_count; i++) {
        const struct entry *entry = call_peek(call, i);
        if (entry == NULL) continue;
        if (call_wrong_type(call, entry, ENTRY_ZSET)) return true;
        resp_array(call->out, pop->in_line ? 3 : 2);
        resp_bulk_slice(call->out, call->keys[i].name);
        pop_items(call, i, pop);
        return true;
    }
    return false;
}

static void pop_one_key(struct call *call, bool highest)
{
    struct pop pop = {.count = 1, .highest = highest};
    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 3) {
        if (!call_int_range(call, 2, 0, INT64_MAX, MUST_BE_POSITIVE, &pop.count)) return;
        pop.nested = call->out->proto > 2;
    }
    const struct entry *entry = call_peek(call, 0);
    if (call_wrong_type(call, entry, ENTRY_ZSET)) return;
    if (entry == NULL || pop.count == 0) resp_array(call->out, 0);
    else pop_items(call, 0, &pop);
}

static void zpopmin(struct call *call);
const struct command sorted_set_zpopmin = {
    .name = "zpopmin",
    .handler = zpopmin,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "5.0.0",
    .summary = "Answers and removes the members with the lowest scores.",
    .complexity = "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number "
                  "of elements "
                  "popped.",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), {.name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL}),
};

static void zpopmin(struct call *call)
{
    pop_one_key(call, false);
}

static void zpopmax(struct call *call);
const struct command sorted_set_zpopmax = {
    .name = "zpopmax",
    .handler = zpopmax,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "5.0.0",
    .summary = "Answers and removes the members with the highest scores.",
    .complexity = "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number "
                  "of elements "
                  "popped.",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), {.name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL}),
};

static void zpopmax(struct call *call)
{
    pop_one_key(call, true);
}

static void zmpop(struct call *call);
const struct command sorted_set_zmpop = {
    .name = "zmpop",
    .handler = zmpop,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "7.0.0",
    .summary = "Answers and removes the lowest or highest members of the first set that has any.",
    .complexity = "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements "
                  "in the sorted "
                  "set, and M being the number of elements popped.",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE, NULL}},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0),
                           {.name = "where",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_WORD("min", "MIN"), ARGUMENT_WORD("max", "MAX"))},
                           {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL}),
};

/* `arg`: the count of keys. */
static bool parse_zmpop(struct call *call, size_t arg, struct pop *pop)
{
    int64_t keys;
    if (!call_int_range(call, arg, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys)) return false;
    arg = (uint64_t)keys < call->argc ? arg + 1 + (size_t)keys : call->argc;
    bool lowest = call_arg_is(call, arg, "MIN");
    *pop = (struct pop){.count = 1, .highest = !lowest, .nested = true};
    bool fits = lowest || call_arg_is(call, arg, "MAX");
    if (fits && arg + 1 < call->argc) fits = arg + 3 == call->argc && call_arg_is(call, arg + 1, "COUNT");
    if (fits && arg + 1 < call->argc)
        return call_int_range(call, arg + 2, 1, INT64_MAX, "ERR count should be greater than 0", &pop->count);
    if (!fits) call_syntax_error(call);
    return fits;
}

static void zmpop(struct call *call)
{
    struct pop pop;
    if (parse_zmpop(call, 1, &pop) && !pop_first(call, &pop)) resp_null_array(call->out);
}

/* ---- those that wait ---- */

static void pop_or_wait(struct call *call, const struct pop *pop, int64_t timeout_ms)
{
    if (pop_first(call, pop)) return;
    if (block_is_allowed(call))
        block_wait(call, &(struct block_wish){.kind = BLOCK_SORTED_SET,
                                              .key_count = call->key_count,
                                              .timeout_ms = timeout_ms});
    else resp_null_array(call->out);
}

static void bzpop(struct call *call, bool highest)
{
    struct pop pop = {.count = 1, .highest = highest, .in_line = true};
    int64_t timeout_ms;
    if (block_timeout_seconds(call, call->argc - 1, &timeout_ms)) pop_or_wait(call, &pop, timeout_ms);
}

/* The fields that both share. */
#define BLOCKING_POP_ROW(word, function)                                                                     \
    .name = (word), .handler = (function), .arity = -3,                                                      \
    .flags = COMMAND_WRITE | COMMAND_FAST | COMMAND_BLOCKING, .categories = CATEGORY_SORTEDSET,              \
    .group = GROUP_SORTED_SET, .since = "5.0.0",                                                             \
    .complexity = "O(log(N)) with N being the number of elements in the sorted set.",                        \
    .specs = {KEY_RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)},                                        \
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0), ARGUMENT("timeout", ARG_DOUBLE)),                        \
    .history = HISTORY("6.0.0", "`timeout` may have a fraction.")

static void bzpopmin(struct call *call);
const struct command sorted_set_bzpopmin = {
    BLOCKING_POP_ROW("bzpopmin", bzpopmin),
    .summary =
        "Answers and removes the member with the lowest score of the first set that has any; waits for one.",
};

static void bzpopmin(struct call *call)
{
    bzpop(call, false);
}

static void bzpopmax(struct call *call);
const struct command sorted_set_bzpopmax = {
    BLOCKING_POP_ROW("bzpopmax", bzpopmax),
    .summary =
        "Answers and removes the member with the highest score of the first set that has any; waits for one.",
};

static void bzpopmax(struct call *call)
{
    bzpop(call, true);
}

static void bzmpop(struct call *call);
const struct command sorted_set_bzmpop = {
    .name = "bzmpop",
    .handler = bzmpop,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "7.0.0",
    .summary =
        "Answers and removes the lowest or highest members of the first set that has any; waits for some.",
    .complexity = "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements "
                  "in the sorted "
                  "set, and M being the number of elements popped.",
    .specs = {{KEY_BEGIN_INDEX, 2, NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE, NULL}},
    .arguments =
        ARGUMENTS(ARGUMENT("timeout", ARG_DOUBLE), ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0),
                  {.name = "where",
                   .type = ARG_ONEOF,
                   .sub = ARGUMENTS(ARGUMENT_WORD("min", "MIN"), ARGUMENT_WORD("max", "MAX"))},
                  {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL}),
};

static void bzmpop(struct call *call)
{
    struct pop pop;
    int64_t timeout_ms;
    if (parse_zmpop(call, 2, &pop) && block_timeout_seconds(call, 1, &timeout_ms))
        pop_or_wait(call, &pop, timeout_ms);
}
