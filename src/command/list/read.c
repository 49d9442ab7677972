/* read.c: commands that only look at a list. */
#include "command/arguments.h"
#include "command/list/list_commands.h"
#include "command/list/list_keys.h"

static void llen(struct call *call);
const struct command list_llen = {
    .name = "llen",
    .handler = llen,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "1.0.0",
    .summary = "Answers the length of a list.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void llen(struct call *call)
{
    struct list list;
    enum list_keys_found found = list_keys_read(call, 0, &list);

    if (found != LIST_KEYS_OTHER)
        resp_int(call->out, found == LIST_KEYS_NONE ? 0 : (int64_t)list_count(&list));
}

static void lindex(struct call *call);
const struct command list_lindex = {
    .name = "lindex",
    .handler = lindex,
    .arity = 3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "1.0.0",
    .summary = "Answers the element at an index of a list; negative indexes count from its tail.",
    .complexity = "O(N) where N is the number of chunks between the element and the nearer end.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("index", ARG_INTEGER)),
};

static void lindex(struct call *call)
{
    struct list list;
    struct list_item item;
    int64_t index;
    enum list_keys_found found = list_keys_read(call, 0, &list);

    if (found == LIST_KEYS_NONE) resp_null(call->out);
    if (found != LIST_KEYS_LIST || !call_int(call, 2, &index)) return;
    int64_t count = (int64_t)list_count(&list);
    if (index < 0) index += count;
    if (index < 0 || index >= count) {
        resp_null(call->out);
        return;
    }
    struct list_iter iter = list_seek(&list, (uint64_t)index, false);
    if (list_next(&iter, &item)) resp_bulk_slice(call->out, item.text);
}

static void lrange(struct call *call);
const struct command list_lrange = {
    .name = "lrange",
    .handler = lrange,
    .arity = 4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "1.0.0",
    .summary = "Answers the elements in a range of indexes of a list.",
    .complexity = "O(S+N) where S is the number of chunks before the range and N the number of elements.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("start", ARG_INTEGER), ARGUMENT("stop", ARG_INTEGER)),
};

static void lrange(struct call *call)
{
    struct list list;
    struct list_item item;
    int64_t first, last;

    if (!call_int(call, 2, &first) || !call_int(call, 3, &last)) return;
    enum list_keys_found found = list_keys_read(call, 0, &list);
    if (found == LIST_KEYS_OTHER) return;
    if (found == LIST_KEYS_NONE || !list_keys_range(&list, &first, &last)) {
        resp_array(call->out, 0);
        return;
    }
    uint64_t left = (uint64_t)(last - first) + 1;
    struct list_iter iter = list_seek(&list, (uint64_t)first, false);
    resp_array(call->out, left);
    for (; left > 0 && list_next(&iter, &item); left--)
        resp_bulk_slice(call->out, item.text);
}

/* ---- LPOS ---- */

#define RANK_ERROR                                                                                           \
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to " \
    "start from the end of the list"

static void lpos(struct call *call);
const struct command list_lpos = {
    .name = "lpos",
    .handler = lpos,
    .arity = -3,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_LIST,
    .group = GROUP_LIST,
    .since = "6.0.6",
    .summary = "Answers where an element stands in a list: its first index, or several.",
    .complexity = "O(N) where N is the number of elements that are compared.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("element", ARG_STRING),
                  {.name = "rank", .type = ARG_INTEGER, .token = "RANK", .flags = ARG_OPTIONAL},
                  {.name = "num-matches", .type = ARG_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL},
                  {.name = "len", .type = ARG_INTEGER, .token = "MAXLEN", .flags = ARG_OPTIONAL}),
};

struct lpos_options {
    int64_t rank;
    int64_t count; /* -1: not given */
    int64_t most;  /* elements to look at; 0: all */
};

static bool lpos_parse(struct call *call, struct lpos_options *options)
{
    *options = (struct lpos_options){.rank = 1, .count = -1};
    for (size_t arg = 3; arg < call->argc; arg += 2) {
        bool has_value = arg + 1 < call->argc;
        if (has_value && call_arg_is(call, arg, "rank")) {
            if (!call_int_range(call, arg + 1, -INT64_MAX, INT64_MAX, NULL, &options->rank)) return false;
            if (options->rank == 0) {
                resp_error(call->out, RANK_ERROR);
                return false;
            }
        } else if (has_value && call_arg_is(call, arg, "count")) {
            if (!call_int_range(call, arg + 1, 0, INT64_MAX, "ERR COUNT can't be negative", &options->count))
                return false;
        } else if (has_value && call_arg_is(call, arg, "maxlen")) {
            if (!call_int_range(call, arg + 1, 0, INT64_MAX, "ERR MAXLEN can't be negative", &options->most))
                return false;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

/* Replies the indexes that are asked for (without a count: the first), and returns how many. */
static size_t lpos_matches(struct call *call, const struct list *list, const struct lpos_options *options)
{
    bool backwards = options->rank < 0;
    int64_t skip = (backwards ? -options->rank : options->rank) - 1, count = (int64_t)list_count(list);
    int64_t most = options->most > 0 && options->most < count ? options->most : count;
    uint64_t wanted = options->count == 0 ? UINT64_MAX : options->count < 0 ? 1 : (uint64_t)options->count;
    struct list_iter iter = list_seek(list, backwards ? (uint64_t)count - 1 : 0, backwards);
    struct list_item item;
    size_t matches = 0;

    for (int64_t i = 0; i < most && matches < wanted && list_next(&iter, &item); i++) {
        if (!slice_equal(item.text, call->argv[2])) continue;
        if (skip-- > 0) continue;
        resp_int(call->out, backwards ? count - 1 - i : i);
        matches++;
    }
    return matches;
}

static void lpos(struct call *call)
{
    struct lpos_options options;
    struct list list;

    if (!lpos_parse(call, &options)) return;
    enum list_keys_found found = list_keys_read(call, 0, &list);
    if (found == LIST_KEYS_OTHER) return;
    bool several = options.count >= 0;
    struct resp_later later = {0};
    if (several) later = resp_later_begin(call->out);
    size_t matches = found == LIST_KEYS_NONE ? 0 : lpos_matches(call, &list, &options);
    if (several) resp_later_array(call->out, later, matches);
    else if (matches == 0) resp_null(call->out);
}
