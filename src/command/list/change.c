/* change.c: changes in the middle of lists, and cutting them to a range. */
#include "command/arguments.h"
#include "command/list/list_commands.h"
#include "command/list/list_keys.h"

static void lset(struct call *call);
const struct command list_lset = {
    .name = "lset",
    .handler = lset,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "1.0.0",
    .summary = "Replaces the element at an index of a list.",
    .complexity = "O(N) where N is the number of chunks between the element and the nearer end.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("index", ARG_INTEGER), ARGUMENT("element", ARG_STRING)),
};

static void lset(struct call *call)
{
    struct list_limits limits = list_keys_limits(call);
    struct list list;
    struct list_item item;
    int64_t index;
    enum list_keys_found found = list_keys_edit(call, 0, &list);

    if (found == LIST_KEYS_NONE) resp_error(call->out, "ERR no such key");
    if (found != LIST_KEYS_LIST || !call_int(call, 2, &index)) return;
    int64_t count = (int64_t)list_count(&list);
    if (index < 0) index += count;
    if (index < 0 || index >= count) {
        resp_error(call->out, "ERR index out of range");
        return;
    }
    struct list_iter iter = list_seek(&list, (uint64_t)index, false);
    if (!list_next(&iter, &item)) return;
    enum error error = list_replace(call->tx, &list, &limits, &item, call->argv[3]);
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "lset", &call->keys[0]);
    resp_ok(call->out);
}

static void linsert(struct call *call);
const struct command list_linsert = {
    .name = "linsert",
    .handler = linsert,
    .arity = 5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "2.2.0",
    .summary = "Inserts an element before or after another one, and answers the length of the list.",
    .complexity = "O(N) where N is the number of elements before the pivot.",
    .specs = {KEY_AT(1, KEY_RW | KEY_INSERT)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0),
                  {.name = "where",
                   .type = ARG_ONEOF,
                   .sub = ARGUMENTS(ARGUMENT_WORD("before", "BEFORE"), ARGUMENT_WORD("after", "AFTER"))},
                  ARGUMENT("pivot", ARG_STRING), ARGUMENT("element", ARG_STRING)),
};

static void linsert(struct call *call)
{
    struct list_limits limits = list_keys_limits(call);
    bool after = call_arg_is(call, 2, "after"), is_there = false;
    struct list list;
    struct list_item item;

    if (!after && !call_arg_is(call, 2, "before")) {
        call_syntax_error(call);
        return;
    }
    enum list_keys_found found = list_keys_edit(call, 0, &list);
    if (found == LIST_KEYS_NONE) resp_int(call->out, 0);
    if (found != LIST_KEYS_LIST) return;
    struct list_iter iter = list_seek(&list, 0, false);
    while (!is_there && list_next(&iter, &item))
        is_there = slice_equal(item.text, call->argv[3]);
    if (!is_there) {
        resp_int(call->out, -1);
        return;
    }
    enum error error = list_insert(call->tx, &list, &limits, &item, after, call->argv[4]);
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "linsert", &call->keys[0]);
    resp_int(call->out, (int64_t)list_count(&list));
}

static void lrem(struct call *call);
const struct command list_lrem = {
    .name = "lrem",
    .handler = lrem,
    .arity = 4,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "1.0.0",
    .summary = "Removes the first, last or all elements that equal one, and answers how many.",
    .complexity = "O(N+M) where N is the length of the list and M the number of elements removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("count", ARG_INTEGER), ARGUMENT("element", ARG_STRING)),
};

static void lrem(struct call *call)
{
    struct list_limits limits = list_keys_limits(call);
    struct list list;
    int64_t count;
    uint64_t removed;

    if (!call_int_range(call, 2, -INT64_MAX, INT64_MAX, NULL, &count)) return;
    enum list_keys_found found = list_keys_edit(call, 0, &list);
    if (found == LIST_KEYS_NONE) resp_int(call->out, 0);
    if (found != LIST_KEYS_LIST) return;
    uint64_t most = count == 0 ? UINT64_MAX : (uint64_t)(count < 0 ? -count : count);
    enum error error = list_remove(call->tx, &list, &limits, call->argv[3], most, count < 0, &removed);
    if (!error && removed > 0) {
        call_notify(call, "lrem", &call->keys[0]);
        error = list_keys_settle(call, 0, &list);
    }
    resp_int(call->out, (int64_t)removed);
    if (error) call_fail(call, error);
}

static void ltrim(struct call *call);
const struct command list_ltrim = {
    .name = "ltrim",
    .handler = ltrim,
    .arity = 4,
    .flags = COMMAND_WRITE,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "1.0.0",
    .summary = "Cuts a list to a range of its indexes; what is left empty is removed.",
    .complexity = "O(N) where N is the number of chunks that are removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_INTEGER), ARGUMENT("stop", ARG_INTEGER)),
};

/* Drops what is outside of [first, last]. */
static enum error trim(struct call *call, const struct list *list, int64_t first, int64_t last)
{
    struct list_limits limits = list_keys_limits(call);
    uint64_t count = list_count(list), tail;
    enum error error;

    if (!list_keys_range(list, &first,
                         &last)) /* nothing stays: the key goes, and with it the whole list at once (H7) */
        return list_keys_remove(call, 0);
    tail = count - 1 - (uint64_t)last;
    error = first > 0 ? list_drop(call->tx, list, &limits, LIST_HEAD, (uint64_t)first) : ERROR_OK;
    if (!error && tail > 0) error = list_drop(call->tx, list, &limits, LIST_TAIL, tail);
    return error;
}

static void ltrim(struct call *call)
{
    struct list list;
    int64_t first, last;

    if (!call_int(call, 2, &first) || !call_int(call, 3, &last)) return;
    enum list_keys_found found = list_keys_edit(call, 0, &list);
    if (found == LIST_KEYS_OTHER) return;
    resp_ok(call->out);
    if (found == LIST_KEYS_NONE) return;
    call_notify(call, "ltrim", &call->keys[0]);
    enum error error = trim(call, &list, first, last);
    if (error) call_fail(call, error);
}
