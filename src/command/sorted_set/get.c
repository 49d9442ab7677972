/* get.c: the score and the rank of members. */
#include "command/arguments.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"

static void reply_score(struct call *call, const struct zset_view *view, struct slice member)
{
    double score;
    if (zset_view_score(view, member, &score)) resp_double(call->out, score);
    else resp_null(call->out);
}

static void zscore(struct call *call);
const struct command sorted_set_zscore = {
    .name = "zscore",
    .handler = zscore,
    .arity = 3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "1.2.0",
    .summary = "Answers the score of a member.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("member", ARG_STRING)),
};

static void zscore(struct call *call)
{
    struct zset_view view;
    if (sorted_set_peek(call, 0, &view)) reply_score(call, &view, call->argv[2]);
}

static void zmscore(struct call *call);
const struct command sorted_set_zmscore = {
    .name = "zmscore",
    .handler = zmscore,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Answers the scores of members.",
    .complexity = "O(N) where N is the number of members being requested.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .element = 2,
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("member", ARG_STRING)),
};

static void zmscore(struct call *call)
{
    struct zset_view view;
    if (!sorted_set_peek(call, 0, &view)) return;
    resp_array(call->out, call->argc - 2);
    for (size_t arg = 2; arg < call->argc; arg++)
        reply_score(call, &view, call->argv[arg]);
}

/* ---- ranks ---- */

static void reply_rank(struct call *call, bool reverse)
{
    struct zset_view view;
    bool with_score = call->argc > 3;
    double score;
    if (call->argc > 4) {
        resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", call->command->name);
        return;
    }
    if (with_score && !call_arg_is(call, 3, "WITHSCORE")) {
        call_syntax_error(call);
        return;
    }
    if (!sorted_set_read(call, 0, &view)) return;
    if (zset_view_score(&view, call->argv[2], &score)) {
        struct zset_bound bound = {.score = score, .member = call->argv[2]};
        uint64_t rank = zset_view_rank_of(&view, &bound);
        if (reverse) rank = zset_view_count(&view) - 1 - rank;
        if (with_score) resp_array(call->out, 2);
        resp_int(call->out, (int64_t)rank);
        if (with_score) resp_double(call->out, score);
    } else if (with_score) {
        resp_null_array(call->out);
    } else {
        resp_null(call->out);
    }
    zset_view_close(&view);
}

static void zrank(struct call *call);
const struct command sorted_set_zrank = {
    .name = "zrank",
    .handler = zrank,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.0.0",
    .summary = "Answers how many members stand before a member, lowest score first.",
    .complexity = "O(log(N))",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .element = 2,
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("member", ARG_STRING),
                  {.name = "withscore", .type = ARG_PURE_TOKEN, .token = "WITHSCORE", .flags = ARG_OPTIONAL}),
    .history = HISTORY("7.2.0", "Added the optional `WITHSCORE` argument."),
};

static void zrank(struct call *call)
{
    reply_rank(call, false);
}

static void zrevrank(struct call *call);
const struct command sorted_set_zrevrank = {
    .name = "zrevrank",
    .handler = zrevrank,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "2.0.0",
    .summary = "Answers how many members stand before a member, highest score first.",
    .complexity = "O(log(N))",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .element = 2,
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("member", ARG_STRING),
                  {.name = "withscore", .type = ARG_PURE_TOKEN, .token = "WITHSCORE", .flags = ARG_OPTIONAL}),
    .history = HISTORY("7.2.0", "Added the optional `WITHSCORE` argument."),
};

static void zrevrank(struct call *call)
{
    reply_rank(call, true);
}
