/* push.c: adding items to the ends of lists. */
#include "command/arguments.h"
#include "command/list/list_commands.h"
#include "command/list/list_keys.h"

static void push(struct call *call, enum list_end end, bool creates)
{
    struct list_limits limits = list_keys_limits(call);
    struct list list;
    enum list_keys_found found = list_keys_edit(call, 0, &list);
    enum error error = ERROR_OK;

    if (found == LIST_KEYS_OTHER) return;
    if (found == LIST_KEYS_NONE && !creates) {
        resp_int(call->out, 0);
        return;
    }
    if (found == LIST_KEYS_NONE) error = list_keys_create(call, 0, &list);
    if (!error) error = list_push(call->tx, &list, &limits, end, call->argv + 2, call->argc - 2);
    if (error) {
        call_fail(call, error);
        return;
    }
    resp_int(call->out, (int64_t)list_count(&list));
    call_notify(call, list_keys_push_event(end), &call->keys[0]);
}

/* The fields that all four share. */
#define PUSH_ROW(word, function)                                                                             \
    .name = (word), .handler = (function), .arity = -3,                                                      \
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, .categories = CATEGORY_LIST,                    \
    .group = GROUP_LIST, .complexity = "O(N) where N is the number of elements.",                            \
    .specs = {KEY_AT(1, KEY_RW | KEY_INSERT)},                                                               \
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("element", ARG_STRING))

static void lpush(struct call *call);
const struct command list_lpush = {
    PUSH_ROW("lpush", lpush),
    .since = "1.0.0",
    .summary = "Adds elements at the head of a list, or creates it, and answers its length.",
    .history = HISTORY("2.4.0", "Takes several elements."),
};

static void lpush(struct call *call)
{
    push(call, LIST_HEAD, true);
}

static void rpush(struct call *call);
const struct command list_rpush = {
    PUSH_ROW("rpush", rpush),
    .since = "1.0.0",
    .summary = "Adds elements at the tail of a list, or creates it, and answers its length.",
    .history = HISTORY("2.4.0", "Takes several elements."),
};

static void rpush(struct call *call)
{
    push(call, LIST_TAIL, true);
}

static void lpushx(struct call *call);
const struct command list_lpushx = {
    PUSH_ROW("lpushx", lpushx),
    .since = "2.2.0",
    .summary = "Adds elements at the head of a list that exists, and answers its length.",
    .history = HISTORY("4.0.0", "Takes several elements."),
};

static void lpushx(struct call *call)
{
    push(call, LIST_HEAD, false);
}

static void rpushx(struct call *call);
const struct command list_rpushx = {
    PUSH_ROW("rpushx", rpushx),
    .since = "2.2.0",
    .summary = "Adds elements at the tail of a list that exists, and answers its length.",
    .history = HISTORY("4.0.0", "Takes several elements."),
};

static void rpushx(struct call *call)
{
    push(call, LIST_TAIL, false);
}
