/* move.c: moving an item from an end of one list to an end of another one, or of the same, at once or when there is one. */
#include "command/arguments.h"
#include "command/block.h"
#include "command/list/list_commands.h"
#include "command/list/list_keys.h"

/* Pushes first: then source and target may be one list, even of one item. */
static void move_item(struct call *call, const struct list *from_list, enum list_end from, enum list_end to)
{
    struct list_limits limits = list_keys_limits(call);
    struct list source = *from_list, target;
    struct list_item item;

    enum list_keys_found found = list_keys_edit(call, 1, &target);
    if (found == LIST_KEYS_OTHER) return;
    struct list_iter iter =
        list_seek(&source, from == LIST_HEAD ? 0 : list_count(&source) - 1, from == LIST_TAIL);
    if (!list_next(&iter, &item)) return;
    resp_bulk_slice(call->out, item.text);

    bool stays = found == LIST_KEYS_LIST && source.root == target.root && from == to;
    enum error error = found == LIST_KEYS_NONE ? list_keys_create(call, 1, &target) : ERROR_OK;
    if (!error && !stays) error = list_push(call->tx, &target, &limits, to, &item.text, 1);
    if (!error && !stays) error = list_drop(call->tx, &source, &limits, from, 1);
    if (!error) {
        call_notify(call, list_keys_push_event(to), &call->keys[1]);
        call_notify(call, list_keys_pop_event(from), &call->keys[0]);
        error = list_keys_settle(call, 0, &source);
    }
    if (error) call_fail(call, error);
}

static void move(struct call *call, enum list_end from, enum list_end to)
{
    struct list source;

    enum list_keys_found found = list_keys_edit(call, 0, &source);
    if (found == LIST_KEYS_NONE) resp_null(call->out);
    if (found == LIST_KEYS_LIST) move_item(call, &source, from, to);
}

/* Waits for an item of the source; of the target only what it holds then counts. */
static void move_or_wait(struct call *call, enum list_end from, enum list_end to, int64_t timeout_ms)
{
    struct list source;

    enum list_keys_found found = list_keys_edit(call, 0, &source);
    if (found == LIST_KEYS_LIST) move_item(call, &source, from, to);
    if (found != LIST_KEYS_NONE) return;
    if (block_is_allowed(call))
        block_wait(call, &(struct block_wish){.kind = BLOCK_LIST, .key_count = 1, .timeout_ms = timeout_ms});
    else resp_null(call->out);
}

#define END_WORDS ARGUMENTS(ARGUMENT_WORD("left", "LEFT"), ARGUMENT_WORD("right", "RIGHT"))

/* The fields that all share. */
#define MOVE_ROW(word, function, more_flags)                                                                 \
    .name = (word), .handler = (function), .flags = COMMAND_WRITE | COMMAND_DENYOOM | (more_flags),          \
    .categories = CATEGORY_LIST, .group = GROUP_LIST, .complexity = "O(1)",                                  \
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)}

static void lmove(struct call *call);
const struct command list_lmove = {
    MOVE_ROW("lmove", lmove, 0),
    .arity = 5,
    .since = "6.2.0",
    .summary = "Moves an element from an end of a list to an end of another one, and answers it.",
    .arguments = ARGUMENTS(ARGUMENT_KEY("source", 0), ARGUMENT_KEY("destination", 1),
                           {.name = "wherefrom", .type = ARG_ONEOF, .sub = END_WORDS},
                           {.name = "whereto", .type = ARG_ONEOF, .sub = END_WORDS}),
};

static void lmove(struct call *call)
{
    enum list_end from, to;

    if (list_keys_end(call, 3, &from) && list_keys_end(call, 4, &to)) move(call, from, to);
}

static void rpoplpush(struct call *call);
const struct command list_rpoplpush = {
    MOVE_ROW("rpoplpush", rpoplpush, 0),
    .arity = 3,
    .since = "1.2.0",
    .summary = "Moves the last element of a list to the head of another one, and answers it.",
    .arguments = ARGUMENTS(ARGUMENT_KEY("source", 0), ARGUMENT_KEY("destination", 1)),
    .deprecated_since = "6.2.0",
    .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
};

static void rpoplpush(struct call *call)
{
    move(call, LIST_TAIL, LIST_HEAD);
}

/* ---- those that wait ---- */

#define TIMEOUT_ARGUMENT ARGUMENT("timeout", ARG_DOUBLE)

static void blmove(struct call *call);
const struct command list_blmove = {
    MOVE_ROW("blmove", blmove, COMMAND_BLOCKING),
    .arity = 6,
    .since = "6.2.0",
    .summary =
        "Moves an element from an end of a list to an end of another one, and answers it; waits for one.",
    .arguments = ARGUMENTS(ARGUMENT_KEY("source", 0), ARGUMENT_KEY("destination", 1),
                           {.name = "wherefrom", .type = ARG_ONEOF, .sub = END_WORDS},
                           {.name = "whereto", .type = ARG_ONEOF, .sub = END_WORDS}, TIMEOUT_ARGUMENT),
};

static void blmove(struct call *call)
{
    enum list_end from, to;
    int64_t timeout_ms;

    if (list_keys_end(call, 3, &from) && list_keys_end(call, 4, &to) &&
        block_timeout_seconds(call, 5, &timeout_ms))
        move_or_wait(call, from, to, timeout_ms);
}

static void brpoplpush(struct call *call);
const struct command list_brpoplpush = {
    MOVE_ROW("brpoplpush", brpoplpush, COMMAND_BLOCKING),
    .arity = 4,
    .since = "2.2.0",
    .summary = "Moves the last element of a list to the head of another one, and answers it; waits for one.",
    .arguments = ARGUMENTS(ARGUMENT_KEY("source", 0), ARGUMENT_KEY("destination", 1), TIMEOUT_ARGUMENT),
    .history = HISTORY("6.0.0", "`timeout` may have a fraction."),
    .deprecated_since = "6.2.0",
    .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
};

static void brpoplpush(struct call *call)
{
    int64_t timeout_ms;

    if (block_timeout_seconds(call, 3, &timeout_ms)) move_or_wait(call, LIST_TAIL, LIST_HEAD, timeout_ms);
}
