/* object.c: OBJECT: how a key is kept and how it is used. */
#include "command/access.h"
#include "command/arguments.h"
#include "command/call.h"
#include "command/generic/generic_commands.h"
#include "command/help.h"
#include "command/server_state.h"

#define SHARED_INTEGERS 10000 /* 0 .. 9999 */
#define POLICY_ADVICE                                                                                        \
    " Please note that when switching between policies at runtime LRU and LFU data will take some time to "  \
    "adjust."

/* Entry of the key; NULL after having replied null. */
static const struct entry *look(struct call *call)
{
    const struct entry *entry = call_glance(call, 0);

    if (!entry) resp_null(call->out);
    return entry;
}

/* The fields that the subcommands on a key share. */
#define OBJECT_OF_KEY(word, function)                                                                        \
    .name = (word), .handler = (function), .arity = 3, .flags = COMMAND_READONLY,                            \
    .categories = CATEGORY_KEYSPACE, .group = GROUP_GENERIC, .complexity = "O(1)",                           \
    .specs = {KEY_AT(2, KEY_RO)}, .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0)),                            \
    .tips = TIPS("nondeterministic_output")

static void encoding(struct call *call);
static const struct command object_encoding = {
    OBJECT_OF_KEY("encoding", encoding),
    .since = "2.2.3",
    .summary = "Answers how the value at a key is kept.",
};

static void encoding(struct call *call)
{
    const struct entry *entry = look(call);

    if (entry) resp_bulk_text(call->out, entry_encoding_name(keyspace_heap(call->keyspace), entry));
}

static void refcount(struct call *call);
static const struct command object_refcount = {
    OBJECT_OF_KEY("refcount", refcount),
    .since = "2.2.3",
    .summary = "Answers how many own the value at a key, as Redis would count.",
};

/* Integers that Redis shares between keys, and then counts without end. Where eviction looks at access clocks
 * it shares none: each key needs a clock of its own. */
static bool counts_as_shared(const struct settings *settings, const struct entry *entry)
{
    int64_t value;

    if (entry_type(entry) != ENTRY_STRING || !entry_int(entry, &value)) return false;
    if (value < 0 || value >= SHARED_INTEGERS) return false;
    if (atomic_load_explicit(&settings->maxmemory_bytes, memory_order_relaxed) == 0) return true;
    switch (atomic_load_explicit(&settings->maxmemory_policy, memory_order_relaxed)) {
    case POLICY_ALLKEYS_LRU:
    case POLICY_ALLKEYS_LFU:
    case POLICY_VOLATILE_LRU:
    case POLICY_VOLATILE_LFU: return false;
    default: return true;
    }
}

static void refcount(struct call *call)
{
    const struct entry *entry = look(call);

    if (!entry) return;
    resp_int(call->out, counts_as_shared(call->worker->server->settings, entry) ? INT32_MAX : 1);
}

static void idletime(struct call *call);
static const struct command object_idletime = {
    OBJECT_OF_KEY("idletime", idletime),
    .since = "2.2.3",
    .summary = "Answers how many seconds ago a key was last used.",
};

static void idletime(struct call *call)
{
    const struct entry *entry = look(call);

    if (!entry) return;
    if (access_is_lfu(call->worker->server->settings))
        resp_error(call->out,
                   "ERR An LFU maxmemory policy is selected, idle time not tracked." POLICY_ADVICE);
    else resp_int(call->out, access_idle_s(entry_access(entry), call->now_ms));
}

static void freq(struct call *call);
static const struct command object_freq = {
    OBJECT_OF_KEY("freq", freq),
    .since = "4.0.0",
    .summary = "Answers how often a key is used, on a logarithmic scale.",
};

static void freq(struct call *call)
{
    const struct settings *settings = call->worker->server->settings;
    const struct entry *entry = look(call);

    if (!entry) return;
    if (!access_is_lfu(settings))
        resp_error(
            call->out,
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked." POLICY_ADVICE);
    else resp_int(call->out, access_frequency(settings, entry_access(entry), call->now_ms));
}

static void help(struct call *call);
static const struct command object_help = {
    HELP_ROW(help, GROUP_GENERIC, CATEGORY_KEYSPACE, "6.2.0"),
};

static void help(struct call *call)
{
    help_reply(call, "OBJECT",
               (const char *const[]){
                   "ENCODING <key>",
                   "    How the value is kept.",
                   "FREQ <key>",
                   "    How often the key is used, on a logarithmic scale. Needs an LFU maxmemory policy.",
                   "IDLETIME <key>",
                   "    Seconds since the key was last used. Needs another maxmemory policy than LFU.",
                   "REFCOUNT <key>",
                   "    How many own the value: 1, or without end for small integers, as in Redis.",
                   NULL,
               });
}

const struct command generic_object = {
    .name = "object",
    .arity = -2,
    .group = GROUP_GENERIC,
    .since = "2.2.3",
    .summary = "A container of commands about how keys are kept and used.",
    .complexity = "Depends on subcommand.",
    .subcommands = (const struct command *const[]){&object_encoding, &object_freq, &object_help,
                                                   &object_idletime, &object_refcount, NULL},
};
