/* random.c: ZRANDMEMBER. Members are drawn by rank, each with the same chance. */
#include "command/arguments.h"
#include "command/sorted_set/edit.h"
#include "command/sorted_set/sorted_set_commands.h"
#include "util/assert.h"
#include "util/clock.h"
#include "util/hash.h"

#include <stdlib.h>

struct draw {
    struct call *call;
    const struct zset_view *view;
    bool with_scores;
    uint64_t random; /* grows with each number drawn */
};

/* A number below `limit`, which is not 0. */
static uint64_t below(struct draw *draw, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)hash_mix(draw->random++) * limit >> 64);
}

static void reply_position(const struct draw *draw, const struct zset_position *position)
{
    struct resp_out *out = draw->call->out;
    struct zset_item item = zset_view_item(draw->view, position);
    if (draw->with_scores && out->proto > 2) resp_array(out, 2);
    resp_bulk_slice(out, item.member);
    if (draw->with_scores) resp_double(out, item.score);
}

static void reply_rank(const struct draw *draw, uint64_t rank)
{
    struct zset_position position;
    bool found = zset_view_at(draw->view, rank, &position);
    ASSERT(found);
    reply_position(draw, &position);
}

static void begin_reply(const struct draw *draw, uint64_t count)
{
    bool flat = draw->with_scores && draw->call->out->proto == 2;
    resp_array(draw->call->out, flat ? 2 * count : count);
}

static void reply_with_repeats(struct draw *draw, uint64_t count)
{
    uint64_t size = zset_view_count(draw->view);
    begin_reply(draw, count);
    for (uint64_t i = 0; i < count && !draw->call->out->failed && !draw->call->out->discard; i++)
        reply_rank(draw, below(draw, size));
}

/* Puts the rank into a table of open addressing; ranks stand there plus 1. False when it is there. */
static bool note_rank(uint64_t *table, uint64_t mask, uint64_t rank)
{
    uint64_t at = hash_mix(rank) & mask;
    for (; table[at] != 0; at = (at + 1) & mask)
        if (table[at] == rank + 1) return false;
    table[at] = rank + 1;
    return true;
}

/* Floyd's way: of the ranks up to `limit`, one drawn, or `limit` itself when that one was drawn before. */
static void reply_distinct(struct draw *draw, uint64_t count)
{
    uint64_t size = zset_view_count(draw->view), room = 8;
    while (room < 2 * count)
        room *= 2;
    uint64_t *table = calloc(room, sizeof(*table));
    if (table == NULL) {
        call_fail(draw->call, ERROR_MEMORY);
        return;
    }
    begin_reply(draw, count);
    for (uint64_t limit = size - count; limit < size; limit++) {
        uint64_t rank = below(draw, limit + 1);
        if (!note_rank(table, room - 1, rank)) {
            rank = limit;
            (void)note_rank(table, room - 1, rank);
        }
        reply_rank(draw, rank);
    }
    free(table);
}

static void reply_all(struct draw *draw)
{
    struct zset_position position;
    begin_reply(draw, zset_view_count(draw->view));
    for (bool more = zset_view_at(draw->view, 0, &position); more;
         more = zset_view_step(draw->view, false, &position))
        reply_position(draw, &position);
}

static void zrandmember(struct call *call);
const struct command sorted_set_zrandmember = {
    .name = "zrandmember",
    .handler = zrandmember,
    .arity = -2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SORTEDSET,
    .group = GROUP_SORTED_SET,
    .since = "6.2.0",
    .summary = "Answers members chosen at random.",
    .complexity = "O(N) where N is the number of members returned",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "options",
         .type = ARG_BLOCK,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(
             ARGUMENT("count", ARG_INTEGER),
             {.name = "withscores", .type = ARG_PURE_TOKEN, .token = "WITHSCORES", .flags = ARG_OPTIONAL})}),
    .tips = TIPS("nondeterministic_output"),
};

/* False after the error was replied. */
static bool parse_count(struct call *call, int64_t *count_out, bool *with_scores_out)
{
    *with_scores_out = call->argc == 4;
    if (!call_int_range(call, 2, -INT64_MAX, INT64_MAX, NULL, count_out)) return false;
    if (call->argc > 4 || (call->argc == 4 && !call_arg_is(call, 3, "WITHSCORES"))) {
        call_syntax_error(call);
        return false;
    }
    if (*with_scores_out && (*count_out < -INT64_MAX / 2 || *count_out > INT64_MAX / 2)) {
        resp_error(call->out, "ERR value is out of range");
        return false;
    }
    return true;
}

static void zrandmember(struct call *call)
{
    struct zset_view view;
    struct draw draw = {.call = call, .view = &view, .random = clock_ticks()};
    int64_t count = 1;
    if (call->argc > 2 && !parse_count(call, &count, &draw.with_scores)) return;
    if (!sorted_set_read(call, 0, &view)) return;
    uint64_t size = zset_view_count(&view);
    if (call->argc == 2 && size == 0) resp_null(call->out);
    else if (call->argc == 2) reply_rank(&draw, below(&draw, size));
    else if (size == 0 || count == 0) resp_array(call->out, 0);
    else if (count < 0) reply_with_repeats(&draw, (uint64_t)-count);
    else if ((uint64_t)count >= size) reply_all(&draw);
    else reply_distinct(&draw, (uint64_t)count);
    zset_view_close(&view);
}
