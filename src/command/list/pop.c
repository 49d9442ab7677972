/* pop.c: taking items off the ends of lists. */
#include "command/arguments.h"
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

static void lmpop(struct call *call)
{
    int64_t keys, count = -1;
    enum list_end end;
    struct list list;

    if (!call_int_range(call, 1, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys)) return;
    if ((uint64_t)keys >= call->argc - 2) {
        call_syntax_error(call);
        return;
    }
    size_t arg = 2 + (size_t)keys;
    if (!list_keys_end(call, arg, &end)) return;
    for (arg++; arg < call->argc; arg += 2) {
        if (count != -1 || !call_arg_is(call, arg, "count") || arg + 1 == call->argc) {
            call_syntax_error(call);
            return;
        }
        if (!call_int_range(call, arg + 1, 1, INT64_MAX, "ERR count should be greater than 0", &count))
            return;
    }
    for (size_t i = 0; i < (size_t)keys; i++) {
        enum list_keys_found found = list_keys_edit(call, i, &list);
        if (found == LIST_KEYS_OTHER) return;
        if (found == LIST_KEYS_NONE) continue;
        resp_array(call->out, 2);
        resp_bulk_slice(call->out, call->keys[i].name);
        list_keys_pop(call, i, &list, end, count == -1 ? 1 : (uint64_t)count, false);
        return;
    }
    resp_null_array(call->out);
}
