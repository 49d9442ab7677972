/* combine.c: intersections, unions and differences of sets.
 *
 * Terms: a *source* is one of the sets combined, in the order of the command (an absent key is an empty one); the *sink* is where
 * members of the result go: the reply, a set that is stored, or a mere count.
 */
#include "command/arguments.h"
#include "command/set/distinct.h"
#include "command/set/set_commands.h"
#include "command/set/value.h"

#include <stdlib.h>

#define SOURCES_INLINE 16

struct source {
    const struct entry *entry; /* NULL: absent */
    uint64_t count;
};

struct sources {
    struct source *at;
    size_t count;
    struct source few[SOURCES_INLINE];
};

struct sink {
    struct call *call;
    struct set_value *store; /* NULL: the reply */
    bool count_only;
    uint64_t count;
    uint64_t limit; /* no more members than this; 0: any number */
    enum error error;
};

/* ---- sources ---- */

static void close_sources(struct sources *sources)
{
    if (sources->at != sources->few) free(sources->at);
}

/* The keys from `first` on; false after having replied. */
static bool open_sources(struct call *call, size_t first, struct sources *sources)
{
    sources->count = call->key_count - first;
    sources->at = sources->few;
    if (sources->count > SOURCES_INLINE) sources->at = malloc(sources->count * sizeof *sources->at);
    if (!sources->at) {
        call_fail(call, ERROR_MEMORY);
        return false;
    }
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->at[i];
        if (!set_read(call, first + i, &source->entry)) {
            close_sources(sources);
            return false;
        }
        source->count = source->entry ? set_count(keyspace_heap(call->keyspace), source->entry) : 0;
    }
    return true;
}

static bool contains(const struct call *call, const struct source *source, struct slice member)
{
    return source->entry && set_contains(keyspace_heap(call->keyspace), source->entry, member);
}

static void visit_source(const struct call *call, const struct source *source, collection_visit *visit,
                         void *ctx)
{
    if (source->entry) entry_visit(keyspace_heap(call->keyspace), source->entry, visit, ctx);
}

static int smaller_first(const void *a, const void *b)
{
    uint64_t count_a = ((const struct source *)a)->count, count_b = ((const struct source *)b)->count;

    return (count_a > count_b) - (count_a < count_b);
}

/* ---- sinks ---- */

/* False: no more members are wanted. */
static bool emit(struct sink *sink, struct slice member)
{
    bool added;

    if (sink->store) sink->error = set_value_add(sink->store, member, &added);
    else if (!sink->count_only) resp_bulk_slice(sink->call->out, member);
    sink->count++;
    return sink->error == ERROR_OK && sink->count != sink->limit;
}

/* ---- the three ways to combine ---- */

struct combination {
    struct sink *sink;
    const struct sources *sources;
    struct distinct seen; /* union: what the sink has; difference: what it must not get */
};

static bool emit_common(void *ctx, const struct slice *parts, size_t count)
{
    struct combination *combination = ctx;
    const struct sources *sources = combination->sources;

    (void)count;
    for (size_t i = 1; i < sources->count; i++)
        if (!contains(combination->sink->call, &sources->at[i], parts[0])) return true;
    return emit(combination->sink, parts[0]);
}

static void intersect(struct sources *sources, struct combination *combination)
{
    qsort(sources->at, sources->count, sizeof *sources->at, smaller_first);
    visit_source(combination->sink->call, &sources->at[0], emit_common, combination);
}

static bool note_seen(struct combination *combination, struct slice member)
{
    if (!distinct_add(&combination->seen, member)) combination->sink->error = ERROR_MEMORY;
    return combination->sink->error == ERROR_OK;
}

static bool emit_new(void *ctx, const struct slice *parts, size_t count)
{
    struct combination *combination = ctx;
    struct sink *sink = combination->sink;
    size_t seen = combination->seen.count;

    (void)count;
    if (sink->store || combination->sources->count == 1)
        return emit(sink, parts[0]); /* a set knows what it has */
    if (!note_seen(combination, parts[0])) return false;
    return combination->seen.count == seen || emit(sink, parts[0]);
}

static void unite(struct sources *sources, struct combination *combination)
{
    struct sink *sink = combination->sink;

    for (size_t i = 0; i < sources->count && sink->error == ERROR_OK; i++)
        visit_source(sink->call, &sources->at[i], emit_new, combination);
}

static bool exclude(void *ctx, const struct slice *parts, size_t count)
{
    (void)count;
    return note_seen(ctx, parts[0]);
}

static bool emit_unless_seen(void *ctx, const struct slice *parts, size_t count)
{
    struct combination *combination = ctx;

    (void)count;
    return distinct_has(&combination->seen, parts[0]) || emit(combination->sink, parts[0]);
}

static bool emit_unless_elsewhere(void *ctx, const struct slice *parts, size_t count)
{
    struct combination *combination = ctx;

    (void)count;
    for (size_t i = 1; i < combination->sources->count; i++)
        if (contains(combination->sink->call, &combination->sources->at[i], parts[0])) return true;
    return emit(combination->sink, parts[0]);
}

/* Looks the first set's members up in all others, or collects the others first: what takes fewer steps. */
static void subtract(struct sources *sources, struct combination *combination)
{
    struct sink *sink = combination->sink;
    uint64_t others = 0, lookups;

    for (size_t i = 1; i < sources->count; i++)
        others += sources->at[i].count;
    bool too_many = __builtin_mul_overflow(sources->at[0].count, sources->count - 1, &lookups);
    if (!too_many && lookups / 2 <= others) {
        visit_source(sink->call, &sources->at[0], emit_unless_elsewhere, combination);
        return;
    }
    for (size_t i = 1; i < sources->count && sink->error == ERROR_OK; i++)
        visit_source(sink->call, &sources->at[i], exclude, combination);
    if (sink->error == ERROR_OK) visit_source(sink->call, &sources->at[0], emit_unless_seen, combination);
}

typedef void combining(struct sources *sources, struct combination *combination);

/* Combines the keys from `first` on into the sink; false after having replied an error. */
static bool combine_into(struct sink *sink, size_t first, combining *combine)
{
    struct sources sources;
    struct combination combination = {.sink = sink, .sources = &sources};

    if (!open_sources(sink->call, first, &sources)) return false;
    combine(&sources, &combination);
    distinct_free(&combination.seen);
    close_sources(&sources);
    if (sink->error == ERROR_OK) return true;
    call_fail(sink->call, sink->error);
    return false;
}

static void reply_combined(struct call *call, combining *combine)
{
    struct resp_later later = resp_later_begin(call->out);
    struct sink sink = {.call = call};

    if (combine_into(&sink, 0, combine)) resp_later_set(call->out, later, sink.count);
}

static void store_combined(struct call *call, combining *combine, const char *event)
{
    struct set_value value = set_value_new(call);
    struct sink sink = {.call = call, .store = &value};

    if (!combine_into(&sink, 1, combine)) return;
    if (set_value_store(&value, 0, event)) resp_int(call->out, (int64_t)set_value_count(&value));
}

/* ---- rows ---- */

/* The fields that the commands which reply a set share, and those which store one. */
#define COMBINE_ROW(word, function)                                                                          \
    .name = (word), .handler = (function), .arity = -2, .flags = COMMAND_READONLY,                           \
    .categories = CATEGORY_SET, .group = GROUP_SET, .since = "1.0.0",                                        \
    .specs = {KEY_RANGE(1, -1, 1, KEY_RO | KEY_ACCESS)}, .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),    \
    .tips = TIPS("nondeterministic_output_order")
#define STORE_ROW(word, function)                                                                            \
    .name = (word), .handler = (function), .arity = -3, .flags = COMMAND_WRITE | COMMAND_DENYOOM,            \
    .categories = CATEGORY_SET, .group = GROUP_SET, .since = "1.0.0",                                        \
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},                     \
    .arguments = ARGUMENTS(ARGUMENT_KEY("destination", 0), ARGUMENT_KEYS("key", 1))

static void sinter(struct call *call);
const struct command set_sinter = {
    COMBINE_ROW("sinter", sinter),
    .summary = "Answers the members that all of the sets have.",
    .complexity =
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
};

static void sinter(struct call *call)
{
    reply_combined(call, intersect);
}

static void sinterstore(struct call *call);
const struct command set_sinterstore = {
    STORE_ROW("sinterstore", sinterstore),
    .summary = "Stores the members that all of the sets have, and answers how many.",
    .complexity =
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
};

static void sinterstore(struct call *call)
{
    store_combined(call, intersect, "sinterstore");
}

static void sunion(struct call *call);
const struct command set_sunion = {
    COMBINE_ROW("sunion", sunion),
    .summary = "Answers the members that any of the sets has.",
    .complexity = "O(N) where N is the total number of elements in all given sets.",
};

static void sunion(struct call *call)
{
    reply_combined(call, unite);
}

static void sunionstore(struct call *call);
const struct command set_sunionstore = {
    STORE_ROW("sunionstore", sunionstore),
    .summary = "Stores the members that any of the sets has, and answers how many.",
    .complexity = "O(N) where N is the total number of elements in all given sets.",
};

static void sunionstore(struct call *call)
{
    store_combined(call, unite, "sunionstore");
}

static void sdiff(struct call *call);
const struct command set_sdiff = {
    COMBINE_ROW("sdiff", sdiff),
    .summary = "Answers the members of the first set that no other has.",
    .complexity = "O(N) where N is the total number of elements in all given sets.",
};

static void sdiff(struct call *call)
{
    reply_combined(call, subtract);
}

static void sdiffstore(struct call *call);
const struct command set_sdiffstore = {
    STORE_ROW("sdiffstore", sdiffstore),
    .summary = "Stores the members of the first set that no other has, and answers how many.",
    .complexity = "O(N) where N is the total number of elements in all given sets.",
};

static void sdiffstore(struct call *call)
{
    store_combined(call, subtract, "sdiffstore");
}

static void sintercard(struct call *call);
const struct command set_sintercard = {
    .name = "sintercard",
    .handler = sintercard,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "7.0.0",
    .summary = "Answers how many members all of the sets have.",
    .complexity =
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_KEYNUM, 0, 1, 1, KEY_RO | KEY_ACCESS, NULL}},
    .arguments = ARGUMENTS(ARGUMENT("numkeys", ARG_INTEGER), ARGUMENT_KEYS("key", 0),
                           {.name = "limit", .type = ARG_INTEGER, .token = "LIMIT", .flags = ARG_OPTIONAL}),
};

static void sintercard(struct call *call)
{
    struct sink sink = {.call = call, .count_only = true};
    int64_t keys, limit = 0;

    if (!call_int_range(call, 1, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys)) return;
    if (keys > (int64_t)call->argc - 2) {
        resp_error(call->out, "ERR Number of keys can't be greater than number of args");
        return;
    }
    for (size_t i = 2 + (size_t)keys; i < call->argc; i += 2) {
        if (!call_arg_is(call, i, "LIMIT") || i + 1 == call->argc) {
            call_syntax_error(call);
            return;
        }
        if (!call_int_range(call, i + 1, 0, INT64_MAX, "ERR LIMIT can't be negative", &limit)) return;
    }
    sink.limit = (uint64_t)limit;
    if (combine_into(&sink, 0, intersect)) resp_int(call->out, (int64_t)sink.count);
}
