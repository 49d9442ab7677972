/* command.c: COMMAND: the container, COUNT, LIST, GETKEYS and GETKEYSANDFLAGS. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/key_specs.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"
#include "util/glob.h"

#define COMMAND_FLAGS (COMMAND_LOADING | COMMAND_STALE)

static void command_bare(struct call *call);
static const struct command command_count, command_help;
static const struct command *const subcommands[] = {
    &command_count, &server_command_docs, &server_command_getkeys, &server_command_getkeysandflags,
    &command_help,  &server_command_info, &server_command_list,    NULL,
};

const struct command server_command = {
    .name = "command",
    .handler = command_bare,
    .arity = -1,
    .flags = COMMAND_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Describes all commands.",
    .complexity = "O(N) where N is the total number of Redis commands",
    .subcommands = subcommands,
    .tips = TIPS("nondeterministic_output_order"),
};

static const struct command_table *table_of(const struct call *call)
{
    return call->worker->server->table;
}

static void command_bare(struct call *call)
{
    const struct command_table *table = table_of(call);
    resp_array(call->out, command_table_top_level(table));
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        if (!entry->container && !command_entry_is_removed(entry)) server_reply_command_info(call->out, table, entry);
    }
}

static void count(struct call *call)
{
    resp_int(call->out, command_table_top_level(table_of(call)));
}

static const struct command command_count = {
    .name = "count",
    .handler = count,
    .arity = 2,
    .flags = COMMAND_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Counts the commands.",
    .complexity = "O(1)",
};

/* ---- LIST ---- */

static void list(struct call *call);
const struct command server_command_list = {
    .name = "list",
    .handler = list,
    .arity = -2,
    .flags = COMMAND_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "7.0.0",
    .summary = "Names the commands.",
    .complexity = "O(N) where N is the total number of Redis commands",
    .arguments = ARGUMENTS({.name = "filterby",
                            .type = ARG_ONEOF,
                            .token = "FILTERBY",
                            .flags = ARG_OPTIONAL,
                            .sub = ARGUMENTS(ARGUMENT_AFTER("module-name", ARG_STRING, "MODULE"),
                                             ARGUMENT_AFTER("category", ARG_STRING, "ACLCAT"),
                                             ARGUMENT_AFTER("pattern", ARG_PATTERN, "PATTERN"))}),
    .tips = TIPS("nondeterministic_output_order"),
};

static void list(struct call *call)
{
    enum { ALL, MODULE, CATEGORY, PATTERN } filter = ALL;
    if (call->argc == 5 && call_arg_is(call, 2, "filterby")) {
        if (call_arg_is(call, 3, "module")) filter = MODULE;
        if (call_arg_is(call, 3, "aclcat")) filter = CATEGORY;
        if (call_arg_is(call, 3, "pattern")) filter = PATTERN;
    }
    if (filter == ALL && call->argc != 2) {
        call_syntax_error(call);
        return;
    }
    uint32_t category = filter == CATEGORY ? command_category_named(call->argv[4]) : 0;
    const struct command_table *table = table_of(call);
    struct resp_later later = resp_later_begin(call->out);
    size_t listed = 0;
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        if (command_entry_is_removed(entry)) continue;
        bool wanted = filter == ALL ? true
                      : filter == CATEGORY
                          ? (entry->categories & category) != 0
                          : filter == PATTERN && glob_match_nocase(call->argv[4], slice_of(entry->full_name));
        if (!wanted) continue;
        resp_bulk_text(call->out, entry->full_name);
        listed++;
    }
    resp_later_array(call->out, later, listed);
}

/* ---- GETKEYS ---- */

struct keys_reply {
    struct call *call;
    const struct slice *argv;
    bool with_flags;
    size_t count;
};

static bool reply_key(void *arg, size_t argv_index, uint32_t key_flags)
{
    struct keys_reply *reply = arg;
    struct resp_out *out = reply->call->out;
    reply->count++;
    if (reply->with_flags) resp_array(out, 2);
    resp_bulk_slice(out, reply->argv[argv_index]);
    if (!reply->with_flags) return true;
    resp_set(out, (size_t)__builtin_popcount(key_flags));
    for (unsigned bit = 0; command_key_flag_name(bit); bit++)
        if (key_flags >> bit & 1) resp_simple(out, command_key_flag_name(bit));
    return true;
}

static void reply_keys(struct call *call, bool with_flags)
{
    const struct command_entry *entry;
    struct keys_reply reply = {.call = call, .argv = call->argv + 2, .with_flags = with_flags};
    size_t argc = call->argc - 2;
    enum command_found found = command_table_find(table_of(call), reply.argv, argc, &entry);
    if (found == COMMAND_UNKNOWN || found == COMMAND_UNKNOWN_SUBCOMMAND) {
        resp_error(call->out, "ERR Invalid command specified");
    } else if (!key_specs_any(entry->command)) {
        resp_error(call->out, "ERR The command has no key arguments");
    } else if (found == COMMAND_WRONG_ARITY) {
        resp_error(call->out, "ERR Invalid number of arguments specified for command");
    } else {
        struct resp_later later = resp_later_begin(call->out);
        enum key_specs_result result = key_specs_visit(entry->command, reply.argv, argc, reply_key, &reply);
        resp_later_array(call->out, later, reply.count);
        if (result == KEY_SPECS_OK && reply.count > 0) return;
        call->out->len = call->reply_at;
        resp_error(call->out, "ERR Invalid arguments specified for command");
    }
}

static void getkeys(struct call *call)
{
    reply_keys(call, false);
}

#define FULL_COMMAND                                                                                         \
    ARGUMENTS(ARGUMENT("command", ARG_STRING),                                                               \
              {.name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE})

const struct command server_command_getkeys = {
    .name = "getkeys",
    .handler = getkeys,
    .arity = -3,
    .flags = COMMAND_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Names the keys in a full command.",
    .complexity = "O(N) where N is the number of arguments to the command",
    .arguments = FULL_COMMAND,
};

static void getkeysandflags(struct call *call)
{
    reply_keys(call, true);
}

const struct command server_command_getkeysandflags = {
    .name = "getkeysandflags",
    .handler = getkeysandflags,
    .arity = -3,
    .flags = COMMAND_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "7.0.0",
    .summary = "Names the keys in a full command and says what it does with each.",
    .complexity = "O(N) where N is the number of arguments to the command",
    .arguments = FULL_COMMAND,
};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe all commands.",
        "COUNT",
        "    How many commands there are.",
        "DOCS [<command-name> ...]",
        "    Documentation of the named commands, or of all.",
        "GETKEYS <full-command>",
        "    The keys in a full command.",
        "GETKEYSANDFLAGS <full-command>",
        "    The keys in a full command, and what it does with each.",
        "INFO [<command-name> ...]",
        "    Describe the named commands, or all.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    Names of commands.",
        NULL,
    };
    help_reply(call, "COMMAND", lines);
}

static const struct command command_help = {HELP_ROW(help, GROUP_SERVER, CATEGORY_CONNECTION, "5.0.0")};
