/* group.c: XGROUP: consumer groups and their consumers. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/stream/stream_commands.h"
#include "command/stream/value.h"

#define GROUP_ID_ARGUMENT                                                                                    \
    {                                                                                                        \
        .name = "id", .type = ARG_ONEOF,                                                                     \
        .sub = ARGUMENTS(ARGUMENT("id", ARG_STRING), ARGUMENT_WORD("new_id", "$"))                           \
    }
#define GROUP_ENTRIES_READ_ARGUMENT                                                                          \
    {                                                                                                        \
        .name = "entries_read", .type = ARG_INTEGER, .token = "ENTRIESREAD", .flags = ARG_OPTIONAL           \
    }
#define GROUP_ROW(word, function)                                                                            \
    .name = (word), .handler = (function), .categories = CATEGORY_STREAM, .group = GROUP_STREAM

/* ---- what the subcommands share ---- */

struct group_call {
    struct stream stream; /* root NULL: no such key */
    struct stream_group_layout *group;
    bool mkstream;
    int64_t entries_read;
};

static bool parse_options(struct call *call, bool may_create, struct group_call *group_call_out)
{
    *group_call_out = (struct group_call){.entries_read = STREAM_COUNT_UNKNOWN};
    for (size_t arg = 5; arg < call->argc; arg++) {
        if (may_create && call_arg_is(call, arg, "mkstream")) {
            group_call_out->mkstream = true;
        } else if (call_arg_is(call, arg, "entriesread") && arg + 1 < call->argc) {
            if (!call_int(call, ++arg, &group_call_out->entries_read)) return false;
            if (group_call_out->entries_read < 0 && group_call_out->entries_read != STREAM_COUNT_UNKNOWN) {
                resp_error(call->out, "ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            resp_errorf(call->out,
                        "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try XGROUP HELP.",
                        (int)(call->argv[1].len < 128 ? call->argv[1].len : 128), call->argv[1].ptr);
            return false;
        }
    }
    return true;
}

/* Looks up key and group, as far as the subcommand needs them. */
static bool find_group(struct call *call, bool needs_group, struct group_call *group_call)
{
    if (!stream_value_edit(call, 0, &group_call->stream)) return false;
    if (!group_call->stream.root && !group_call->mkstream) {
        resp_error(
            call->out,
            "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
            "use the MKSTREAM option to create an empty stream automatically.");
        return false;
    }
    group_call->group = stream_value_group(call, group_call->stream, 3);
    if (group_call->group || !needs_group) return true;
    resp_errorf(call->out, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                (int)call->argv[3].len, call->argv[3].ptr, (int)call->argv[2].len, call->argv[2].ptr);
    return false;
}

/* "$" or an ID; with `ends` "-" and "+" as well, which Redis knows in SETID only. */
static bool parse_group_id(struct call *call, const struct group_call *group_call, bool ends,
                           struct stream_id *id_out)
{
    if (!slice_equal(call->argv[4], SLICE("$")))
        return ends ? stream_arg_any(call, 4, id_out) : stream_arg_id(call, 4, 0, id_out);
    *id_out = group_call->stream.root ? group_call->stream.root->counts.last : STREAM_ID_MIN;
    return true;
}

/* Ends a change: false after call_fail. */
static bool changed(struct call *call, enum error error, bool notify, const char *event)
{
    if (error) call_fail(call, error);
    else if (notify) call_notify(call, event, &call->keys[0]);
    return error == ERROR_OK;
}

/* ---- subcommands ---- */

static void create(struct call *call);
static const struct command group_create = {
    GROUP_ROW("create", create),
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .since = "5.0.0",
    .summary = "Makes a consumer group.",
    .complexity = "O(1)",
    .specs = {KEY_AT(2, KEY_RW | KEY_INSERT)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("groupname", ARG_STRING), GROUP_ID_ARGUMENT,
                  {.name = "mkstream", .type = ARG_PURE_TOKEN, .token = "MKSTREAM", .flags = ARG_OPTIONAL},
                  GROUP_ENTRIES_READ_ARGUMENT),
    .history = HISTORY("7.0.0", "Added the `entries_read` named argument."),
};

static void create(struct call *call)
{
    struct group_call group_call;
    struct stream_id id;
    bool created;

    if (!parse_options(call, true, &group_call) || !find_group(call, false, &group_call)) return;
    if (!parse_group_id(call, &group_call, false, &id)) return;
    if (!group_call.stream.root && !stream_value_create(call, 0, &group_call.stream)) return;
    enum error error = stream_group_create(call->tx, group_call.stream, call->argv[3], id,
                                           group_call.entries_read, &created);
    if (!changed(call, error, error == ERROR_OK && created, "xgroup-create")) return;
    if (created) resp_ok(call->out);
    else resp_error(call->out, "BUSYGROUP Consumer Group name already exists");
}

static void setid(struct call *call);
static const struct command group_setid = {
    GROUP_ROW("setid", setid),
    .arity = -5,
    .flags = COMMAND_WRITE,
    .since = "5.0.0",
    .summary = "Sets the last ID that a consumer group was given.",
    .complexity = "O(1)",
    .specs = {KEY_AT(2, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("groupname", ARG_STRING), GROUP_ID_ARGUMENT,
                           GROUP_ENTRIES_READ_ARGUMENT),
    .history = HISTORY("7.0.0", "Added the optional `entries_read` argument."),
};

static void setid(struct call *call)
{
    struct group_call group_call;
    struct stream_id id;

    if (!parse_options(call, false, &group_call) || !find_group(call, true, &group_call)) return;
    if (!parse_group_id(call, &group_call, true, &id)) return;
    enum error error = stream_group_set(call->tx, group_call.group, id, group_call.entries_read);
    if (changed(call, error, true, "xgroup-setid")) resp_ok(call->out);
}

static void destroy(struct call *call);
static const struct command group_destroy = {
    GROUP_ROW("destroy", destroy),
    .arity = 4,
    .flags = COMMAND_WRITE,
    .since = "5.0.0",
    .summary = "Removes a consumer group with all that it has pending.",
    .complexity = "O(N) where N is the number of entries that the group has pending.",
    .specs = {KEY_AT(2, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("groupname", ARG_STRING)),
};

static void destroy(struct call *call)
{
    struct group_call group_call = {0};
    bool destroyed = false;

    if (!find_group(call, false, &group_call)) return;
    enum error error = stream_group_destroy(call->tx, group_call.stream, call->argv[3], &destroyed);
    if (changed(call, error, destroyed, "xgroup-destroy")) resp_int(call->out, destroyed);
}

static void createconsumer(struct call *call);
static const struct command group_createconsumer = {
    GROUP_ROW("createconsumer", createconsumer),
    .arity = 5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .since = "6.2.0",
    .summary = "Makes a consumer in a consumer group.",
    .complexity = "O(log(N)) where N is the number of consumers.",
    .specs = {KEY_AT(2, KEY_RW | KEY_INSERT)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("groupname", ARG_STRING),
                           ARGUMENT("consumername", ARG_STRING)),
};

static void createconsumer(struct call *call)
{
    struct group_call group_call = {0};
    struct stream_consumer_layout *consumer;

    if (!find_group(call, true, &group_call)) return;
    if (stream_consumer_find(group_call.stream, group_call.group, call->argv[4])) {
        resp_int(call->out, 0);
        return;
    }
    enum error error = stream_consumer_create(call->tx, group_call.stream, group_call.group, call->argv[4],
                                              call->now_ms, &consumer);
    if (changed(call, error, true, "xgroup-createconsumer")) resp_int(call->out, 1);
}

static void delconsumer(struct call *call);
static const struct command group_delconsumer = {
    GROUP_ROW("delconsumer", delconsumer),
    .arity = 5,
    .flags = COMMAND_WRITE,
    .since = "5.0.0",
    .summary = "Removes a consumer from a consumer group with all that it has pending.",
    .complexity = "O(N) where N is the number of entries that the consumer has pending.",
    .specs = {KEY_AT(2, KEY_RW | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("groupname", ARG_STRING),
                           ARGUMENT("consumername", ARG_STRING)),
};

static void delconsumer(struct call *call)
{
    struct group_call group_call = {0};
    struct stream_consumer_layout *consumer;
    uint64_t pending = 0;

    if (!find_group(call, true, &group_call)) return;
    consumer = stream_consumer_find(group_call.stream, group_call.group, call->argv[4]);
    if (consumer) {
        pending = consumer->pending.count;
        enum error error =
            stream_consumer_delete(call->tx, group_call.stream, group_call.group, call->argv[4]);
        if (!changed(call, error, true, "xgroup-delconsumer")) return;
    }
    resp_int(call->out, (int64_t)pending);
}

static void help(struct call *call);
static const struct command group_help = {HELP_ROW(help, GROUP_STREAM, CATEGORY_STREAM, "5.0.0")};

static void help(struct call *call)
{
    help_reply(call, "XGROUP",
               (const char *const[]){
                   "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD entries_read]",
                   "    Make a consumer group that was given all up to an ID.",
                   "    MKSTREAM makes an empty stream when there is none; ENTRIESREAD says how many entries "
                   "that was.",
                   "CREATECONSUMER <key> <groupname> <consumer>",
                   "    Make a consumer in the group.",
                   "DELCONSUMER <key> <groupname> <consumer>",
                   "    Remove the consumer.",
                   "DESTROY <key> <groupname>",
                   "    Remove the group.",
                   "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
                   "    Set the last ID that the group was given.",
                   NULL,
               });
}

const struct command stream_xgroup = {
    .name = "xgroup",
    .arity = -2,
    .group = GROUP_STREAM,
    .since = "5.0.0",
    .summary = "A container of commands about consumer groups.",
    .complexity = "Depends on subcommand.",
    .subcommands = (const struct command *const[]){&group_create, &group_createconsumer, &group_delconsumer,
                                                   &group_destroy, &group_help, &group_setid, NULL},
};
