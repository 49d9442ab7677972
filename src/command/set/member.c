/* member.c: commands on single members. */
#include "command/arguments.h"
#include "command/set/set_commands.h"
#include "command/set/value.h"

/* Adds or removes arguments 2 and on, and replies how many were new or there. */
static void change_members(struct call *call, bool add)
{
    struct set_value value;
    int64_t count = 0;

    if (!set_value_open(call, 0, &value)) return;
    for (size_t i = 2; i < call->argc; i++) {
        bool done;
        enum error error = (add ? set_value_add : set_value_remove)(&value, call->argv[i], &done);
        if (error) {
            call_fail(call, error);
            return;
        }
        count += done;
    }
    if (set_value_close(&value, 0, add ? "sadd" : "srem")) resp_int(call->out, count);
}

static void sadd(struct call *call);
const struct command set_sadd = {
    .name = "sadd",
    .handler = sadd,
    .element = 2,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary = "Adds members to a set and answers how many are new. A set that is not there is made.",
    .complexity = "O(1) for each member added.",
    .specs = {KEY_AT(1, KEY_RW | KEY_INSERT)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("member", ARG_STRING)),
    .history = HISTORY("2.4.0", "Accepts multiple `member` arguments."),
};

static void sadd(struct call *call)
{
    change_members(call, true);
}

static void srem(struct call *call);
const struct command set_srem = {
    .name = "srem",
    .handler = srem,
    .element = 2,
    .arity = -3,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary =
        "Removes members from a set and answers how many were there. The last one takes the key with it.",
    .complexity = "O(1) for each member removed.",
    .specs = {KEY_AT(1, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("member", ARG_STRING)),
    .history = HISTORY("2.4.0", "Accepts multiple `member` arguments."),
};

static void srem(struct call *call)
{
    change_members(call, false);
}

static void scard(struct call *call);
const struct command set_scard = {
    .name = "scard",
    .handler = scard,
    .arity = 2,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary = "Answers how many members a set has.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),
};

static void scard(struct call *call)
{
    const struct entry *entry;

    if (!set_read(call, 0, &entry)) return;
    resp_int(call->out, entry ? (int64_t)set_count(keyspace_heap(call->keyspace), entry) : 0);
}

static int64_t is_member(const struct call *call, const struct entry *entry, size_t arg)
{
    return entry && set_contains(keyspace_heap(call->keyspace), entry, call->argv[arg]);
}

static void sismember(struct call *call);
const struct command set_sismember = {
    .name = "sismember",
    .handler = sismember,
    .element = 2,
    .arity = 3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary = "Answers whether something is a member of a set.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("member", ARG_STRING)),
};

static void sismember(struct call *call)
{
    const struct entry *entry;

    if (set_read(call, 0, &entry)) resp_int(call->out, is_member(call, entry, 2));
}

static void smismember(struct call *call);
const struct command set_smismember = {
    .name = "smismember",
    .handler = smismember,
    .element = 2,
    .arity = -3,
    .flags = COMMAND_READONLY | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "6.2.0",
    .summary = "Answers for each of several things whether it is a member of a set.",
    .complexity = "O(N) where N is the number of elements being checked for membership",
    .specs = {KEY_AT(1, KEY_RO)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT_MANY("member", ARG_STRING)),
};

static void smismember(struct call *call)
{
    const struct entry *entry;

    if (!set_read(call, 0, &entry)) return;
    resp_array(call->out, call->argc - 2);
    for (size_t i = 2; i < call->argc; i++)
        resp_int(call->out, is_member(call, entry, i));
}

static void smove(struct call *call);
const struct command set_smove = {
    .name = "smove",
    .handler = smove,
    .element = 3,
    .arity = 4,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_SET,
    .group = GROUP_SET,
    .since = "1.0.0",
    .summary = "Moves a member from one set to another.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("source", 0), ARGUMENT_KEY("destination", 1), ARGUMENT("member", ARG_STRING)),
};

/* Adds or removes the member at key `key`; false after a failure. */
static bool move_part(struct call *call, size_t key, bool add, bool *done_out)
{
    struct set_value value;

    if (!set_value_open(call, key, &value)) return false;
    enum error error = (add ? set_value_add : set_value_remove)(&value, call->argv[3], done_out);
    if (error) {
        call_fail(call, error);
        return false;
    }
    return set_value_close(&value, key, add ? "sadd" : "srem");
}

static void smove(struct call *call)
{
    const struct entry *source = call_peek(call, 0), *destination;
    bool removed, added;

    if (!source) {
        resp_int(call->out, 0);
        return;
    }
    if (call_wrong_type(call, source, ENTRY_SET)) return;
    destination = call_peek(call, 1);
    if (call_wrong_type(call, destination, ENTRY_SET)) return;
    if (slice_equal(call->keys[0].name, call->keys[1].name)) {
        resp_int(call->out, is_member(call, destination, 3));
        return;
    }
    if (!move_part(call, 0, false, &removed)) return;
    if (removed && !move_part(call, 1, true, &added)) return;
    resp_int(call->out, removed);
}
