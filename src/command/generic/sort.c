/* sort.c: SORT and SORT_RO.
 *
 * Patterns of BY and GET name keys that nobody knows before the elements are read: such a call is alone in the server.
 */
#include "command/acl/session.h"
#include "command/arguments.h"
#include "command/generic/generic_commands.h"
#include "command/generic/sort_source.h"
#include "command/server_state.h"
#include "ds/list.h"
#include "util/number.h"

#include <stdlib.h>

struct sort {
    struct call *call;
    struct slice by;    /* ptr NULL: the elements themselves are compared */
    const size_t *gets; /* arguments: patterns; none: the elements themselves are the output */
    size_t get_count;
    int64_t offset;
    int64_t limit; /* negative: no limit */
    size_t store;  /* the argument that names the destination; 0: reply */
    bool descending;
    bool alpha;
    bool keep_order; /* BY a pattern that names no keys */
    struct sort_vector vector;
    size_t first, end; /* elements that are the output */
};

/* ---- rows ---- */

/* The destination of STORE, the last one given; 0: none. An option's value is not taken for an option. */
static size_t store_argument(const struct slice *argv, size_t argc)
{
    size_t store = 0;

    for (size_t i = 2; i < argc; i++) {
        if (slice_is_word(argv[i], "limit")) i += 2;
        else if (slice_is_word(argv[i], "get") || slice_is_word(argv[i], "by")) i++;
        else if (slice_is_word(argv[i], "store") && i + 1 < argc) store = ++i;
    }
    return store;
}

static size_t sort_keys(const struct slice *argv, size_t argc, size_t *indexes, size_t cap)
{
    size_t store = store_argument(argv, argc), count = 0;

    if (cap > count && argc > 1) indexes[count++] = 1;
    if (cap > count && store > 0) indexes[count++] = store;
    return count;
}

static size_t sort_ro_keys(const struct slice *argv, size_t argc, size_t *indexes, size_t cap)
{
    (void)argv;
    if (cap == 0 || argc < 2) return 0;
    indexes[0] = 1;
    return 1;
}

static bool names_known_keys(const struct slice *argv, size_t argc)
{
    for (size_t i = 2; i + 1 < argc; i++)
        if ((slice_is_word(argv[i], "by") || slice_is_word(argv[i], "get")) &&
            sort_pattern_names_keys(argv[i + 1]))
            return false;
    return true;
}

#define SORT_ARGUMENTS                                                                                       \
    ARGUMENT_KEY("key", 0),                                                                                  \
        {.name = "by-pattern", .type = ARG_PATTERN, .token = "BY", .flags = ARG_OPTIONAL},                   \
        {.name = "limit",                                                                                    \
         .type = ARG_BLOCK,                                                                                  \
         .token = "LIMIT",                                                                                   \
         .flags = ARG_OPTIONAL,                                                                              \
         .sub = ARGUMENTS(ARGUMENT("offset", ARG_INTEGER), ARGUMENT("count", ARG_INTEGER))},                 \
        {.name = "get-pattern",                                                                              \
         .type = ARG_PATTERN,                                                                                \
         .token = "GET",                                                                                     \
         .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN},                                         \
        {.name = "order",                                                                                    \
         .type = ARG_ONEOF,                                                                                  \
         .flags = ARG_OPTIONAL,                                                                              \
         .sub = ARGUMENTS(ARGUMENT_WORD("asc", "ASC"), ARGUMENT_WORD("desc", "DESC"))},                      \
    {                                                                                                        \
        .name = "sorting", .type = ARG_PURE_TOKEN, .token = "ALPHA", .flags = ARG_OPTIONAL                   \
    }
#define SORT_CATEGORIES (CATEGORY_SET | CATEGORY_SORTEDSET | CATEGORY_LIST | CATEGORY_DANGEROUS)
#define SORT_COMPLEXITY                                                                                      \
    "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of "       \
    "returned elements. When the elements are not sorted, complexity is O(N)."
#define SORT_PATTERN_NOTES                                                                                   \
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content " \
    "of the key we sort"
#define SORT_STORE_NOTES                                                                                     \
    "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the " \
    "argument array"

static void sort(struct call *call);
const struct command generic_sort = {
    .name = "sort",
    .handler = sort,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS | COMMAND_EXCLUSIVE,
    .categories = SORT_CATEGORIES,
    .group = GROUP_GENERIC,
    .since = "1.0.0",
    .summary = "Sorts a list, a set or a sorted set; answers or stores the elements or what they refer to.",
    .complexity = SORT_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS),
              {KEY_BEGIN_UNKNOWN, 0, NULL, KEY_FIND_UNKNOWN, 0, 0, 0, KEY_RO | KEY_ACCESS,
               SORT_PATTERN_NOTES},
              {KEY_BEGIN_UNKNOWN, 0, NULL, KEY_FIND_UNKNOWN, 0, 0, 0, KEY_OW | KEY_UPDATE, SORT_STORE_NOTES}},
    .get_keys = sort_keys,
    .may_share = names_known_keys,
    .arguments = ARGUMENTS(
        SORT_ARGUMENTS,
        {.name = "destination", .type = ARG_KEY, .token = "STORE", .flags = ARG_OPTIONAL, .key_spec = 2}),
};

static void sort_ro(struct call *call);
const struct command generic_sort_ro = {
    .name = "sort_ro",
    .handler = sort_ro,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_MOVABLEKEYS | COMMAND_EXCLUSIVE,
    .categories = SORT_CATEGORIES,
    .group = GROUP_GENERIC,
    .since = "7.0.0",
    .summary = "Sorts a list, a set or a sorted set; answers the elements or what they refer to.",
    .complexity = SORT_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS),
              {KEY_BEGIN_UNKNOWN, 0, NULL, KEY_FIND_UNKNOWN, 0, 0, 0, KEY_RO | KEY_ACCESS,
               SORT_PATTERN_NOTES}},
    .get_keys = sort_ro_keys,
    .may_share = names_known_keys,
    .arguments = ARGUMENTS(SORT_ARGUMENTS),
};

/* ---- options ---- */

/* The names of keys that patterns make out of elements are known to nobody beforehand: so the user has to be allowed all. */
static bool may_read_all(struct call *call, const char *option)
{
    if (acl_session_reads_all(call->worker, call->session, call->command, call->argv, call->argc)) return true;
    resp_errorf(call->out, "ERR %s option of SORT denied due to insufficient ACL permissions.", option);
    return false;
}

/* Reads the option at argument *arg, and moves *arg to its last one; false after having replied. */
static bool parse_option(struct sort *options, size_t *arg, bool may_store, size_t *gets)
{
    struct call *call = options->call;
    size_t at = *arg, left = call->argc - at - 1;

    if (call_arg_is(call, at, "ASC")) {
        options->descending = false;
    } else if (call_arg_is(call, at, "DESC")) {
        options->descending = true;
    } else if (call_arg_is(call, at, "ALPHA")) {
        options->alpha = true;
    } else if (call_arg_is(call, at, "LIMIT") && left >= 2) {
        if (!call_int(call, at + 1, &options->offset) || !call_int(call, at + 2, &options->limit))
            return false;
        *arg = at + 2;
    } else if (may_store && call_arg_is(call, at, "STORE") && left >= 1) {
        options->store = *arg = at + 1;
    } else if (call_arg_is(call, at, "BY") && left >= 1) {
        options->by = call->argv[ *arg = at + 1];
        options->keep_order = !sort_pattern_names_keys(options->by);
        return options->keep_order || may_read_all(call, "BY");
    } else if (call_arg_is(call, at, "GET") && left >= 1) {
        if (!may_read_all(call, "GET")) return false;
        gets[options->get_count++] = *arg = at + 1;
    } else {
        call_syntax_error(call);
        return false;
    }
    return true;
}

static bool parse_options(struct sort *options, bool may_store, size_t *gets)
{
    options->limit = -1;
    options->gets = gets;
    for (size_t arg = 2; arg < options->call->argc; arg++)
        if (!parse_option(options, &arg, may_store, gets)) return false;
    return true;
}

/* ---- sorting ---- */

static int compare_slices(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_weights(const struct sort *sort, const struct sort_element *a,
                           const struct sort_element *b)
{
    const struct sort_vector *vector = &sort->vector;

    if (!sort->alpha && a->weight != b->weight) return a->weight > b->weight ? 1 : -1;
    if (!sort->alpha || !sort->by.ptr)
        return compare_slices(sort_slice(vector, &a->text), sort_slice(vector, &b->text));
    if (a->weight_text.is_absent || b->weight_text.is_absent)
        return (int)b->weight_text.is_absent - (int)a->weight_text.is_absent;
    return compare_slices(sort_slice(vector, &a->weight_text), sort_slice(vector, &b->weight_text));
}

static int compare_elements(const void *a, const void *b, void *arg)
{
    const struct sort *sort = arg;
    int order = compare_weights(sort, a, b);

    return sort->descending ? -order : order;
}

/* Finds what is compared; false after having replied. */
static bool weigh(struct sort *sort)
{
    struct sort_vector *vector = &sort->vector;

    for (size_t i = 0; i < vector->count; i++) {
        struct sort_element *element = &vector->at[i];
        struct sort_text text = element->text;
        if (sort->by.ptr) text = sort_pattern_text(sort->call, vector, sort->by, &element->text);
        if (sort->alpha) {
            element->weight_text = text;
        } else if (!text.is_absent && text.len > 0 &&
                   !number_parse_double(sort_slice(vector, &text), &element->weight)) {
            resp_error(sort->call->out, "ERR One or more scores can't be converted into double");
            return false;
        }
    }
    return true;
}

static void reverse(struct sort_vector *vector)
{
    for (size_t i = 0; i < vector->count / 2; i++) {
        struct sort_element other = vector->at[vector->count - 1 - i];
        vector->at[vector->count - 1 - i] = vector->at[i];
        vector->at[i] = other;
    }
}

static bool arrange(struct sort *sort, enum entry_type type)
{
    struct sort_vector *vector = &sort->vector;
    size_t count = vector->count;

    if (sort->keep_order && type == ENTRY_SET && sort->store) { /* what is stored must not depend on chance */
        sort->keep_order = false;
        sort->alpha = true;
        sort->by = (struct slice){NULL, 0};
    }
    if (!sort->keep_order) {
        if (!weigh(sort)) return false;
        if (count > 1) qsort_r(vector->at, count, sizeof *vector->at, compare_elements, sort);
    } else if (type == ENTRY_ZSET && sort->descending) {
        reverse(vector);
    }
    sort->first = sort->offset < 0 ? 0 : (uint64_t)sort->offset > count ? count : (size_t)sort->offset;
    size_t left = count - sort->first;
    sort->end = sort->first + (sort->limit < 0 || (uint64_t)sort->limit > left ? left : (size_t)sort->limit);
    return true;
}

/* ---- output ---- */

/* Output number `index`: an element, or what a GET pattern names for it. */
static struct sort_text output(struct sort *sort, size_t index)
{
    if (sort->get_count == 0) return sort->vector.at[sort->first + index].text;
    struct sort_text element = sort->vector.at[sort->first + index / sort->get_count].text;
    struct slice pattern = sort->call->argv[sort->gets[index % sort->get_count]];
    return sort_pattern_text(sort->call, &sort->vector, pattern, &element);
}

static size_t output_count(const struct sort *sort)
{
    return (sort->end - sort->first) * (sort->get_count ? sort->get_count : 1);
}

static void reply_output(struct sort *sort)
{
    struct resp_out *out = sort->call->out;
    size_t count = output_count(sort);

    resp_array(out, count);
    for (size_t i = 0; i < count; i++) {
        struct sort_text text = output(sort, i);
        if (text.is_absent) resp_null(out);
        else resp_bulk_slice(out, sort_slice(&sort->vector, &text));
    }
}

/* A list of the output; what is absent becomes an empty item. */
static enum error store_list(struct sort *sort, const struct key *destination)
{
    struct call *call = sort->call;
    struct heap *heap = keyspace_heap(call->keyspace);
    int64_t size =
        atomic_load_explicit(&call->worker->server->settings->packed.list_max_size, memory_order_relaxed);
    struct list_limits limits = list_limits(size);
    uint64_t root;
    enum error error = list_create(call->tx, heap, &root);

    if (error) return error;
    struct list list = list_at(heap, root);
    for (size_t i = 0; i < output_count(sort) && !error; i++) {
        struct sort_text text = output(sort, i);
        struct slice item = sort_slice(&sort->vector, &text);
        error = sort->vector.texts.failed ? ERROR_MEMORY
                                          : list_push(call->tx, &list, &limits, LIST_TAIL, &item, 1);
    }
    if (error) return error;
    return keyspace_put_root(call->tx, call->keyspace, call->db, destination, ENTRY_LIST, COLLECTION_LIST,
                             root, EXPIRY_NONE);
}

static void store_output(struct sort *sort)
{
    struct call *call = sort->call;
    const struct key *destination = &call->keys[1];
    size_t count = output_count(sort);
    bool removed = false;
    enum error error = ERROR_OK;

    if (count > 0) error = store_list(sort, destination);
    else if (call_peek(call, 1))
        error = keyspace_remove(call->tx, call->keyspace, call->db, destination, &removed);
    if (error) {
        call_fail(call, error);
        return;
    }
    if (count > 0) call_notify(call, "sortstore", destination);
    else if (removed) call_notify(call, "del", destination);
    resp_int(call->out, (int64_t)count);
}

static void run(struct sort *sort)
{
    struct call *call = sort->call;
    const struct entry *entry = call_read(call, 0);
    enum entry_type type = entry ? entry_type(entry) : ENTRY_LIST;

    if (type != ENTRY_LIST && type != ENTRY_SET && type != ENTRY_ZSET) {
        call_wrong_type(call, entry, ENTRY_LIST);
        return;
    }
    if (entry && !sort_load(call, entry, &sort->vector)) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    if (!arrange(sort, type)) return;
    if (sort->store) store_output(sort);
    else reply_output(sort);
    if (sort->vector.texts.failed) call_fail(call, ERROR_MEMORY);
}

static void sort_key(struct call *call, bool may_store)
{
    struct sort sort = {.call = call};
    size_t few[16];
    size_t *gets = call->argc <= sizeof few / sizeof *few ? few : malloc(call->argc * sizeof *gets);

    if (!gets) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    if (parse_options(&sort, may_store, gets)) run(&sort);
    sort_free(&sort.vector);
    if (gets != few) free(gets);
}

static void sort(struct call *call)
{
    sort_key(call, true);
}

static void sort_ro(struct call *call)
{
    sort_key(call, false);
}
