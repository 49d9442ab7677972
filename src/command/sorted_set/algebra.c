/* algebra.c: ZUNION, ZINTER, ZDIFF, their STORE forms, and ZINTERCARD. */
#include "command/arguments.h"
#include "command/sorted_set/combine.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"
#include "util/number.h"

/* What a command of this family does. */
struct form {
    enum combine_op op;
    bool stores;     /* key 0 is the destination, and the count of the keys comes after it */
    bool only_count; /* ZINTERCARD */
};

static bool parse_aggregate(const struct call *call, size_t arg, enum combine_aggregate *aggregate_out)
{
    static const char *const words[] = {"SUM", "MIN", "MAX"};
    for (unsigned i = 0; i < 3; i++) {
        if (!call_arg_is(call, arg, words[i])) continue;
        *aggregate_out = (enum combine_aggregate)i;
        return true;
    }
    return false;
}

static bool parse_weights(struct call *call, size_t arg, struct combination *combination)
{
    for (size_t i = 0; i < combination->source_count; i++) {
        if (number_parse_double(call->argv[arg + i], &combination->sources[i].weight)) continue;
        resp_error(call->out, "ERR weight value is not a float");
        return false;
    }
    return true;
}

/* The options behind the keys. False after the error was replied. */
static bool parse_options(struct call *call, struct form form, size_t arg, struct combination *combination,
                          bool *with_scores)
{
    bool takes_weights = form.op != COMBINE_DIFF && !form.only_count;
    for (; arg < call->argc; arg++) {
        size_t behind = call->argc - arg - 1;
        int64_t limit;
        if (takes_weights && behind >= combination->source_count && call_arg_is(call, arg, "WEIGHTS")) {
            if (!parse_weights(call, arg + 1, combination)) return false;
            arg += combination->source_count;
        } else if (takes_weights && behind >= 1 && call_arg_is(call, arg, "AGGREGATE")) {
            if (!parse_aggregate(call, ++arg, &combination->aggregate)) break;
        } else if (!form.stores && !form.only_count && call_arg_is(call, arg, "WITHSCORES")) {
            *with_scores = true;
        } else if (form.only_count && behind >= 1 && call_arg_is(call, arg, "LIMIT")) {
            if (!call_int_range(call, ++arg, 0, INT64_MAX, "ERR LIMIT can't be negative", &limit))
                return false;
            combination->limit = (uint64_t)limit;
        } else {
            break;
        }
    }
    if (arg < call->argc) call_syntax_error(call);
    return arg >= call->argc;
}

/* The number of source keys, from argument `arg`. */
static bool parse_count(struct call *call, size_t arg, size_t *count_out)
{
    int64_t count;
    if (!call_int(call, arg, &count)) return false;
    if (count < 1) {
        resp_errorf(call->out, "ERR at least 1 input key is needed for '%s' command", call->command->name);
        return false;
    }
    *count_out = (size_t)count;
    if ((size_t)count <= call->argc - arg - 1) return true;
    call_syntax_error(call);
    return false;
}

/* Looks the source keys up. Twice: an expired one is removed by the first look, and what was looked up before may have
 * moved by then. */
static bool find_sources(struct call *call, size_t first_key, struct combination *combination)
{
    for (size_t i = 0; i < combination->source_count; i++) {
        const struct entry *entry = call_read(call, first_key + i);
        if (entry != NULL && entry_type(entry) != ENTRY_SET && call_wrong_type(call, entry, ENTRY_ZSET))
            return false;
    }
    for (size_t i = 0; i < combination->source_count; i++)
        combine_set_source(combination, i, call_peek(call, first_key + i));
    return true;
}

static void reply_items(struct resp_out *out, const struct combination *combination, bool with_scores)
{
    bool flat = with_scores && out->proto == 2;
    resp_array(out, flat ? 2 * combination->count : combination->count);
    for (size_t i = 0; i < combination->count; i++) {
        if (with_scores && !flat) resp_array(out, 2);
        resp_bulk_slice(out, combination->items[i].member);
        if (with_scores) resp_double(out, combination->items[i].score);
    }
}

static void combine(struct call *call, struct form form)
{
    size_t count_arg = form.stores ? 2 : 1, count;
    struct combination combination;
    bool with_scores = false;
    if (!parse_count(call, count_arg, &count)) return;
    enum error error = combine_init(&combination, keyspace_heap(call->keyspace), count);
    if (error == ERROR_OK) {
        combination.op = form.op;
        if (!find_sources(call, form.stores, &combination) ||
            !parse_options(call, form, count_arg + 1 + count, &combination, &with_scores)) {
            combine_free(&combination);
            return;
        }
        error = combine_run(&combination);
    }
    if (error != ERROR_OK) {
        call_fail(call, error);
    } else if (form.only_count) {
        resp_int(call->out, (int64_t)combination.count);
    } else if (!form.stores) {
        reply_items(call->out, &combination, with_scores);
    } else if (sorted_set_store(call, 0, combination.items, combination.count, call->command->name)) {
        resp_int(call->out, (int64_t)combination.count);
    }
    combine_free(&combination);
}

/* ---- the commands ---- */

#define SOURCE_KEYS(at)                                                                                      \
    {                                                                                                        \
        KEY_BEGIN_INDEX, (at), NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RO | KEY_ACCESS, NULL                     \
    }
#define WEIGHTS_ARGUMENT                                                                                     \
    {                                                                                                        \
        .name = "weight", .type = ARG_INTEGER, .token = "WEIGHTS", .flags = ARG_OPTIONAL | ARG_MULTIPLE      \
    }
#define AGGREGATE_ARGUMENT                                                                                   \
    {                                                                                                        \
        .name = "aggregate", .type = ARG_ONEOF, .token = "AGGREGATE", .flags = ARG_OPTIONAL,                 \
        .sub =                                                                                               \
            ARGUMENTS(ARGUMENT_WORD("sum", "SUM"), ARGUMENT_WORD("min", "MIN"), ARGUMENT_WORD("max", "MAX")) \
    }
#define WITHSCORES_ARGUMENT                                                                                  \
    {                                                                                                        \
        .name = "withscores", .type = ARG_PURE_TOKEN, .token = "WITHSCORES", .flags = ARG_OPTIONAL           \
    }
#define UNION_COMPLEXITY                                                                                     \
    "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number "   \
    "of elements in "                                                                                        \
    "the resulting sorted set."
#define INTER_COMPLEXITY                                                                                     \
    "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input " \
    "sorted sets and M "                                                                                     \
    "being the number of elements in the resulting sorted set."
#define DIFF_COMPLEXITY                                                                                      \
    "O(N*K)+O(M*log(M)) with N being the size of the first sorted set, K being the number of input sorted "  \
    "sets and M being the "                                                                                  \
    "number of elements in the resulting sorted set."

static void zunion(struct call *call);
const struct command sorted_set_zunion = {
    .name = "zunion",
    .handler = zunion,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Answers the members that any of some sorted sets has.",
    .complexity = UNION_COMPLEXITY,
    .specs = {SOURCE_KEYS(1)},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0), WEIGHTS_ARGUMENT,
                           AGGREGATE_ARGUMENT, WITHSCORES_ARGUMENT),
};

static void zunion(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_UNION});
}

static void zinter(struct call *call);
const struct command sorted_set_zinter = {
    .name = "zinter",
    .handler = zinter,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Answers the members that all of some sorted sets have.",
    .complexity = INTER_COMPLEXITY,
    .specs = {SOURCE_KEYS(1)},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0), WEIGHTS_ARGUMENT,
                           AGGREGATE_ARGUMENT, WITHSCORES_ARGUMENT),
};

static void zinter(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_INTER});
}

static void zdiff(struct call *call);
const struct command sorted_set_zdiff = {
    .name = "zdiff",
    .handler = zdiff,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Answers the members of a sorted set that none of some others has.",
    .complexity = DIFF_COMPLEXITY,
    .specs = {SOURCE_KEYS(1)},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0), WITHSCORES_ARGUMENT),
};

static void zdiff(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_DIFF});
}

static void zintercard(struct call *call);
const struct command sorted_set_zintercard = {
    .name = "zintercard",
    .handler = zintercard,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "7.0.0",
    .summary = "Answers how many members all of some sorted sets have.",
    .complexity = "O(N*K) worst case with N being the smallest input sorted set, K being the number of input "
                  "sorted sets.",
    .specs = {SOURCE_KEYS(1)},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0),
                           {.name = "limit", .type = ARG_INTEGER, .token = "LIMIT", .flags = ARG_OPTIONAL}),
};

static void zintercard(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_INTER, .only_count = true});
}

static void zunionstore(struct call *call);
const struct command sorted_set_zunionstore = {
    .name = "zunionstore",
    .handler = zunionstore,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.0.0",
    .summary = "Stores the members that any of some sorted sets has.",
    .complexity = UNION_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE), SOURCE_KEYS(2)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("destination", 0), ARGUMENT("numkeys", ARG_INTEGER),
                           ARGUMENT_KEYS("key", 1), WEIGHTS_ARGUMENT, AGGREGATE_ARGUMENT),
};

static void zunionstore(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_UNION, .stores = true});
}

static void zinterstore(struct call *call);
const struct command sorted_set_zinterstore = {
    .name = "zinterstore",
    .handler = zinterstore,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.0.0",
    .summary = "Stores the members that all of some sorted sets have.",
    .complexity = INTER_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE), SOURCE_KEYS(2)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("destination", 0), ARGUMENT("numkeys", ARG_INTEGER),
                           ARGUMENT_KEYS("key", 1), WEIGHTS_ARGUMENT, AGGREGATE_ARGUMENT),
};

static void zinterstore(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_INTER, .stores = true});
}

static void zdiffstore(struct call *call);
const struct command sorted_set_zdiffstore = {
    .name = "zdiffstore",
    .handler = zdiffstore,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Stores the members of a sorted set that none of some others has.",
    .complexity = DIFF_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE), SOURCE_KEYS(2)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("destination", 0), ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 1)),
};

static void zdiffstore(struct call *call)
{
    combine(call, (struct form){.op = COMBINE_DIFF, .stores = true});
}
