/* random.c: SPOP and SRANDMEMBER. Every member has the same chance. */
#include "command/arguments.h"
#include "command/set/distinct.h"
#include "command/set/set_commands.h"
#include "command/set/value.h"
#include "ds/members.h"

#define SPARSE_FACTOR 8  /* under a member in so many, drawing one by one beats visiting them all */
#define DRAWS_FACTOR  32 /* draws for each member wanted, at most */

/* ---- picking ---- */

/* One member at random of a set that is not empty; integers are written to `text`. */
static struct slice draw(struct call *call, const struct entry *entry, char text[PACKED_INT_TEXT_MAX])
{
    const struct heap *heap = keyspace_heap(call->keyspace);
    uint64_t random = worker_random(call->worker);
    struct slice blob;

    if (entry_packed(heap, entry, &blob)) return set_blob_at(blob, random % set_blob_count(blob), text);
    struct hashtable table = members_table(heap, entry_root(entry, NULL));
    return entry_key(hashtable_random(&table, random));
}

/* A walk over all members that picks `wanted` of the `left` still to come. */
struct selection {
    struct worker *worker;
    uint64_t wanted;
    uint64_t left;
    struct distinct *picks;
    bool failed;
};

static bool select_member(void *ctx, const struct slice *parts, size_t count)
{
    struct selection *selection = ctx;

    (void)count;
    if (worker_random(selection->worker) % selection->left-- < selection->wanted) {
        selection->wanted--;
        selection->failed = !distinct_add(selection->picks, parts[0]);
    }
    return selection->wanted > 0 && !selection->failed;
}

/* Picks `count` different members; all of them when there are no more. False: no memory. */
static bool pick(struct call *call, const struct entry *entry, uint64_t count, struct distinct *picks)
{
    const struct heap *heap = keyspace_heap(call->keyspace);
    uint64_t size = set_count(heap, entry);
    char text[PACKED_INT_TEXT_MAX];

    if (count > size) count = size;
    if (entry_root(entry, NULL) && count < size / SPARSE_FACTOR) {
        for (uint64_t i = 0; i < count * DRAWS_FACTOR && picks->count < count; i++)
            if (!distinct_add(picks, draw(call, entry, text))) return false;
        if (picks->count == count) return true;
        distinct_free(picks); /* as good as never: visit them all */
    }
    struct selection selection = {.worker = call->worker, .wanted = count, .left = size, .picks = picks};
    if (count > 0) entry_visit(heap, entry, select_member, &selection);
    return !selection.failed;
}

/* ---- SRANDMEMBER ---- */

static void srandmember(struct call *call);
const struct command set_srandmember = {
    .name = "srandmember",
    .handler = srandmember,
    .arity = -2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary =
        "Answers members of a set chosen at random: different ones, or (count < 0) any number of them.",
    .complexity =
        "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .since = "2.6.0"}),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("2.6.0", "Added the optional `count` argument."),
};

static void reply_picks(struct call *call, const struct distinct *picks)
{
    for (size_t i = 0; i < picks->count; i++)
        resp_bulk_slice(call->out, picks->items[i]);
}

static void reply_different(struct call *call, const struct entry *entry, uint64_t count)
{
    struct distinct picks = {0};

    if (pick(call, entry, count, &picks)) {
        resp_array(call->out, picks.count);
        reply_picks(call, &picks);
    } else {
        call_fail(call, ERROR_MEMORY);
    }
    distinct_free(&picks);
}

static void reply_repeating(struct call *call, const struct entry *entry, uint64_t count)
{
    char text[PACKED_INT_TEXT_MAX];

    resp_array(call->out, count);
    for (uint64_t i = 0; i < count && !call->out->failed && !call->out->discard; i++)
        resp_bulk_slice(call->out, draw(call, entry, text));
}

static void srandmember(struct call *call)
{
    const struct entry *entry;
    int64_t count = 0;
    char text[PACKED_INT_TEXT_MAX];

    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 3 && !call_int_range(call, 2, -INT64_MAX, INT64_MAX, NULL, &count)) return;
    if (!set_read(call, 0, &entry)) return;
    if (call->argc == 2) {
        if (entry) resp_bulk_slice(call->out, draw(call, entry, text));
        else resp_null(call->out);
    } else if (!entry || count == 0) {
        resp_array(call->out, 0);
    } else if (count < 0) {
        reply_repeating(call, entry, (uint64_t)-count);
    } else {
        reply_different(call, entry, (uint64_t)count);
    }
}

/* ---- SPOP ---- */

static void spop(struct call *call);
const struct command set_spop = {
    .name = "spop",
    .handler = spop,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary = "Removes members of a set chosen at random and answers them.",
    .complexity = "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .since = "3.2.0"}),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("3.2.0", "Added the `count` argument."),
};

/* Removes the members from key 0; false after a failure. */
static bool remove_members(struct call *call, const struct slice *members, size_t count)
{
    struct set_value value;

    if (!set_value_open(call, 0, &value)) return false;
    for (size_t i = 0; i < count; i++) {
        bool removed;
        enum error error = set_value_remove(&value, members[i], &removed);
        if (error) {
            call_fail(call, error);
            return false;
        }
    }
    return set_value_close(&value, 0, "spop");
}

static void pop_one(struct call *call, const struct entry *entry)
{
    char text[PACKED_INT_TEXT_MAX];
    struct slice member = draw(call, entry, text);

    resp_bulk_slice(call->out, member);
    (void)remove_members(call, &member, 1); /* a failure has replaced the reply */
}

/* All members go with the key, in O(1). */
static void pop_all(struct call *call)
{
    bool removed;
    enum error error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[0], &removed);

    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "spop", &call->keys[0]);
    call_notify(call, "del", &call->keys[0]);
}

static void pop_many(struct call *call, const struct entry *entry, uint64_t count)
{
    struct distinct picks = {0};
    bool all = count >= set_count(keyspace_heap(call->keyspace), entry);

    if (pick(call, entry, count, &picks)) {
        resp_set(call->out, picks.count);
        reply_picks(call, &picks);
        if (all) pop_all(call);
        else (void)remove_members(call, picks.items, picks.count);
    } else {
        call_fail(call, ERROR_MEMORY);
    }
    distinct_free(&picks);
}

static void spop(struct call *call)
{
    const struct entry *entry;
    int64_t count = 0;

    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 3 &&
        !call_int_range(call, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &count))
        return;
    entry = call_edit(call, 0);
    if (call_wrong_type(call, entry, ENTRY_SET)) return;
    if (call->argc == 2) {
        if (entry) pop_one(call, entry);
        else resp_null(call->out);
    } else if (!entry || count == 0) {
        resp_set(call->out, 0);
    } else {
        pop_many(call, entry, (uint64_t)count);
    }
}
