/* add.c: ZADD and ZINCRBY. */
#include "command/sorted_set/add.h"

#include "command/arguments.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"

#include <math.h>
#include <stdlib.h>

bool sorted_set_add_option(const struct call *call, size_t arg, unsigned allowed, unsigned *options)
{
    static const char *const words[] = {"NX", "XX", "GT", "LT", "CH", "INCR"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (!(allowed & 1u << i) || !call_arg_is(call, arg, words[i])) continue;
        *options |= 1u << i;
        return true;
    }
    return false;
}

bool sorted_set_options_fit(struct call *call, unsigned options, size_t pairs)
{
    bool nx = options & SORTED_SET_NX, gt = options & SORTED_SET_GT, lt = options & SORTED_SET_LT;
    const char *error = NULL;
    if (nx && (options & SORTED_SET_XX)) error = "ERR XX and NX options at the same time are not compatible";
    else if ((gt && nx) || (lt && nx) || (gt && lt))
        error = "ERR GT, LT, and/or NX options at the same time are not compatible";
    else if ((options & SORTED_SET_INCR) && pairs > 1)
        error = "ERR INCR option supports a single increment-element pair";
    if (error != NULL) resp_error(call->out, error);
    return error == NULL;
}

/* What has become of the items. */
struct outcome {
    int64_t added;
    int64_t updated;
    bool processed; /* the last one met the conditions */
    bool is_nan;
    double score;
};

static void add_one(struct sorted_set_edit *edit, unsigned options, const struct zset_item *item,
                    struct outcome *outcome)
{
    struct sorted_set_member member = sorted_set_find(edit, item->member);
    double score = item->score;
    outcome->processed = false;
    if (options & (member.found ? SORTED_SET_NX : SORTED_SET_XX)) return;
    if (member.found && (options & SORTED_SET_INCR)) {
        score += member.score;
        outcome->is_nan = isnan(score) != 0;
        if (outcome->is_nan) return;
    }
    if (member.found && (options & SORTED_SET_GT) && score <= member.score) return;
    if (member.found && (options & SORTED_SET_LT) && score >= member.score) return;
    outcome->processed = true;
    outcome->score = score;
    if (member.found && score >= member.score && score <= member.score) return;
    sorted_set_put(edit, &member, score);
    if (member.found) outcome->updated++;
    else outcome->added++;
}

void sorted_set_add(struct call *call, unsigned options, size_t count,
                    struct zset_item (*next)(void *ctx, size_t index), void *ctx)
{
    struct sorted_set_edit edit;
    struct outcome outcome = {0};
    if (!sorted_set_open(call, 0, &edit)) return;
    for (size_t i = 0; i < count && !outcome.is_nan && edit.error == ERROR_OK; i++) {
        struct zset_item item = next(ctx, i);
        add_one(&edit, options, &item, &outcome);
    }
    bool incr = options & SORTED_SET_INCR, changed = outcome.added + outcome.updated > 0;
    if (!sorted_set_close(&edit, !changed ? NULL : incr ? "zincr" : "zadd")) return;
    if (outcome.is_nan) resp_error(call->out, "ERR resulting score is not a number (NaN)");
    else if (!incr) resp_int(call->out, outcome.added + (options & SORTED_SET_CH ? outcome.updated : 0));
    else if (outcome.processed) resp_double(call->out, outcome.score);
    else resp_null(call->out);
}

/* Pairs of score and member in a command's arguments, the scores parsed once. */
struct pairs {
    const struct slice *argv;
    double *scores;
};

static struct zset_item next_pair(void *ctx, size_t index)
{
    const struct pairs *pairs = ctx;
    return (struct zset_item){pairs->argv[2 * index + 1], pairs->scores[index]};
}

#define PAIRS_INLINE 16

static void zadd(struct call *call);
const struct command sorted_set_zadd = {
    .name = "zadd",
    .handler = zadd,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Adds members to a sorted set, or gives them other scores.",
    .complexity = "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .element = 3,
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "condition",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .since = "3.0.2",
         .sub = ARGUMENTS(ARGUMENT_WORD("nx", "NX"), ARGUMENT_WORD("xx", "XX"))},
        {.name = "comparison",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .since = "6.2.0",
         .sub = ARGUMENTS(ARGUMENT_WORD("gt", "GT"), ARGUMENT_WORD("lt", "LT"))},
        {.name = "change", .type = ARG_PURE_TOKEN, .token = "CH", .flags = ARG_OPTIONAL, .since = "3.0.2"},
        {.name = "increment",
         .type = ARG_PURE_TOKEN,
         .token = "INCR",
         .flags = ARG_OPTIONAL,
         .since = "3.0.2"},
        {.name = "data",
         .type = ARG_BLOCK,
         .flags = ARG_MULTIPLE,
         .sub = ARGUMENTS(ARGUMENT("score", ARG_DOUBLE), ARGUMENT("member", ARG_STRING))}),
    .history = HISTORY("2.4.0", "Accepts multiple elements.", "3.0.2",
                       "Added the `XX`, `NX`, `CH` and `INCR` options.", "6.2.0",
                       "Added the `GT` and `LT` options."),
};

static void zadd(struct call *call)
{
    unsigned options = 0;
    size_t arg = 2;
    while (sorted_set_add_option(call, arg, ~0u, &options))
        arg++;
    size_t words = call->argc - arg, count = words / 2;
    if (words == 0 || words % 2 != 0) {
        call_syntax_error(call);
        return;
    }
    if (!sorted_set_options_fit(call, options, count)) return;
    double inline_scores[PAIRS_INLINE];
    struct pairs pairs = {call->argv + arg,
                          count <= PAIRS_INLINE ? inline_scores : malloc(count * sizeof(double))};
    if (pairs.scores == NULL) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    bool parsed = true;
    for (size_t i = 0; i < count && parsed; i++)
        parsed = call_double(call, arg + 2 * i, &pairs.scores[i]);
    if (parsed) sorted_set_add(call, options, count, next_pair, &pairs);
    if (pairs.scores != inline_scores) free(pairs.scores);
}

static void zincrby(struct call *call);
const struct command sorted_set_zincrby = {
    .name = "zincrby",
    .handler = zincrby,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Adds to the score of a member, which begins at 0.",
    .complexity = "O(log(N)) where N is the number of elements in the sorted set.",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
    .element = 3,
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("increment", ARG_INTEGER), ARGUMENT("member", ARG_STRING)),
};

static void zincrby(struct call *call)
{
    double increment;
    if (!call_double(call, 2, &increment)) return;
    struct pairs pairs = {call->argv + 2, &increment};
    sorted_set_add(call, SORTED_SET_INCR, 1, next_pair, &pairs);
}
