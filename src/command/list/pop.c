/* pop.c: taking items off the ends of lists. */
#include "command/arguments.h"
#include "command/block.h"
#include "command/list/list_commands.h"
#include "command/list/list_keys.h"

static void pop(struct call *call, enum list_end end)
{
    bool counted = call->argc == 3;
    struct list list;
    int64_t count = 1;

    if (call->argc > 3) {
        resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", call->command->name);
        return;
    }
    if (counted &&
        !call_int_range(call, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &count))
        return;
    enum list_keys_found found = list_keys_edit(call, 0, &list);
    if (found == LIST_KEYS_OTHER) return;
    if (found == LIST_KEYS_NONE) {
        if (counted) resp_null_array(call->out);
        else resp_null(call->out);
    } else if (count == 0) {
        resp_array(call->out, 0);
    } else {
        list_keys_pop(call, 0, &list, end, (uint64_t)count, !counted);
    }
}

/* The fields that both share. */
#define POP_ROW(word, function)                                                                              \
    .name = (word), .handler = (function), .arity = -2, .flags = COMMAND_WRITE | COMMAND_FAST,               \
    .categories = CATEGORY_LIST, .group = GROUP_LIST, .since = "1.0.0",                                      \
    .complexity = "O(N) where N is the number of elements that are taken.",                                  \
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},                                                  \
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),                                                           \
                           {.name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .since = "6.2.0"}), \
    .history = HISTORY("6.2.0", "Takes a count.")

static void lpop(struct call *call);
const struct command list_lpop = {
    POP_ROW("lpop", lpop),
    .summary = "Takes the first elements off a list and answers them; an empty list is removed.",
};

static void lpop(struct call *call)
{
    pop(call, LIST_HEAD);
}

static void rpop(struct call *call);
const struct command list_rpop = {
    POP_ROW("rpop", rpop),
    .summary = "Takes the last elements off a list and answers them; an empty list is removed.",
};

static void rpop(struct call *call)
{
    pop(call, LIST_TAIL);
}

static void lmpop(struct call *call);
const struct command list_lmpop = {
    .name = "lmpop",
    .handler = lmpop,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "7.0.0",
    .summary = "Takes elements off the first of several lists that has any.",
    .complexity = "O(N+M) where N is the number of keys and M the number of elements that are taken.",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE, NULL}},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0),
                           {.name = "where",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_WORD("left", "LEFT"), ARGUMENT_WORD("right", "RIGHT"))},
                           {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL}),
};

/* What LMPOP and BLMPOP are told behind their keys. */
struct pop_options {
    size_t keys;
    enum list_end end;
    int64_t count; /* -1: not given */
};

/* `arg`: the count of keys. */
static bool parse_lmpop(struct call *call, size_t arg, struct pop_options *options)
{
    int64_t keys;

    options->count = -1;
    if (!call_int_range(call, arg, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys)) return false;
    options->keys = (size_t)keys;
    if (options->keys >= call->argc - arg - 1) {
        call_syntax_error(call);
        return false;
    }
    arg += 1 + options->keys;
    if (!list_keys_end(call, arg, &options->end)) return false;
    for (arg++; arg < call->argc; arg += 2) {
        if (options->count != -1 || !call_arg_is(call, arg, "count") || arg + 1 == call->argc) {
            call_syntax_error(call);
            return false;
        }
        if (!call_int_range(call, arg + 1, 1, INT64_MAX, "ERR count should be greater than 0",
                            &options->count))
            return false;
    }
    return true;
}

/* Pops from the first list that there is, and answers its name as well; false when there is none. */
static bool pop_first(struct call *call, const struct pop_options *options, bool single)
{
    struct list list;

    for (size_t i = 0; i < options->keys; i++) {
        enum list_keys_found found = list_keys_edit(call, i, &list);
        if (found == LIST_KEYS_OTHER) return true;
        if (found == LIST_KEYS_NONE) continue;
        resp_array(call->out, 2);
        resp_bulk_slice(call->out, call->keys[i].name);
        list_keys_pop(call, i, &list, options->end, options->count == -1 ? 1 : (uint64_t)options->count,
                      single);
        return true;
    }
    return false;
}

static void lmpop(struct call *call)
{
    struct pop_options options;

    if (parse_lmpop(call, 1, &options) && !pop_first(call, &options, false)) resp_null_array(call->out);
}

/* ---- those that wait ---- */

static void pop_or_wait(struct call *call, const struct pop_options *options, bool single, int64_t timeout_ms)
{
    if (pop_first(call, options, single)) return;
    if (block_is_allowed(call))
        block_wait(call, &(struct block_wish){
                             .kind = BLOCK_LIST, .key_count = options->keys, .timeout_ms = timeout_ms});
    else resp_null_array(call->out);
}

static void blpop_from(struct call *call, enum list_end end)
{
    struct pop_options options = {.keys = call->key_count, .end = end, .count = -1};
    int64_t timeout_ms;

    if (block_timeout_seconds(call, call->argc - 1, &timeout_ms))
        pop_or_wait(call, &options, true, timeout_ms);
}

/* The fields that both share. */
#define BLOCKING_POP_ROW(word, function)                                                                     \
    .name = (word), .handler = (function), .arity = -3, .flags = COMMAND_WRITE | COMMAND_BLOCKING,           \
    .categories = CATEGORY_LIST, .group = GROUP_LIST, .since = "2.0.0",                                      \
    .complexity = "O(N) where N is the number of keys.",                                                     \
    .specs = {KEY_RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)},                                        \
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0), ARGUMENT("timeout", ARG_DOUBLE)),                        \
    .history = HISTORY("6.0.0", "`timeout` may have a fraction.")

static void blpop(struct call *call);
const struct command list_blpop = {
    BLOCKING_POP_ROW("blpop", blpop),
    .summary = "Takes the first element off the first of several lists that has any; waits for one.",
};

static void blpop(struct call *call)
{
    blpop_from(call, LIST_HEAD);
}

static void brpop(struct call *call);
const struct command list_brpop = {
    BLOCKING_POP_ROW("brpop", brpop),
    .summary = "Takes the last element off the first of several lists that has any; waits for one.",
};

static void brpop(struct call *call)
{
    blpop_from(call, LIST_TAIL);
}

static void blmpop(struct call *call);
const struct command list_blmpop = {
    .name = "blmpop",
    .handler = blmpop,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "7.0.0",
    .summary = "Takes elements off the first of several lists that has any; waits for some.",
    .complexity = "O(N+M) where N is the number of keys and M the number of elements that are taken.",
    .specs = {{KEY_BEGIN_INDEX, 2, NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE, NULL}},
    .arguments =
        ARGUMENTS(ARGUMENT("timeout", ARG_DOUBLE), ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0),
                  {.name = "where",
                   .type = ARG_ONEOF,
                   .sub = ARGUMENTS(ARGUMENT_WORD("left", "LEFT"), ARGUMENT_WORD("right", "RIGHT"))},
                  {.name = "count", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL}),
};

static void blmpop(struct call *call)
{
    struct pop_options options;
    int64_t timeout_ms;

    if (parse_lmpop(call, 2, &options) && block_timeout_seconds(call, 1, &timeout_ms))
        pop_or_wait(call, &options, false, timeout_ms);
}
