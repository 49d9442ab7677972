/* move.c: moving an item from an end of one list to an end of another one, or of the same. */
#include "command/arguments.h"
#include "command/list/list_commands.h"
#include "command/list/list_keys.h"

/* Pushes first: then source and target may be one list, even of one item. */
static void move(struct call *call, enum list_end from, enum list_end to)
{
    struct list_limits limits = list_keys_limits(call);
    struct list source, target;
    struct list_item item;

    enum list_keys_found found = list_keys_edit(call, 0, &source);
    if (found == LIST_KEYS_NONE) resp_null(call->out);
    if (found != LIST_KEYS_LIST) return;
    found = list_keys_edit(call, 1, &target);
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

#define END_WORDS ARGUMENTS(ARGUMENT_WORD("left", "LEFT"), ARGUMENT_WORD("right", "RIGHT"))

/* The fields that both share. */
#define MOVE_ROW(word, function)                                                                             \
    .name = (word), .handler = (function), .flags = COMMAND_WRITE | COMMAND_DENYOOM,                         \
    .categories = CATEGORY_LIST, .group = GROUP_LIST, .complexity = "O(1)",                                  \
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)}

static void lmove(struct call *call);
const struct command list_lmove = {
    MOVE_ROW("lmove", lmove),
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
    MOVE_ROW("rpoplpush", rpoplpush),
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
