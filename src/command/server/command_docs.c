/* command_docs.c: COMMAND DOCS: a row as documentation. */
#include "command/arguments.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

static void docs(struct call *call);
const struct command server_command_docs = {
    .name = "docs",
    .handler = docs,
    .arity = -2,
    .flags = COMMAND_LOADING | COMMAND_STALE,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "7.0.0",
    .summary = "Documents the named commands, or all.",
    .complexity = "O(N) where N is the number of commands to look up",
    .arguments =
        ARGUMENTS({.name = "command-name", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
    .tips = TIPS("nondeterministic_output_order"),
};

/* A map whose fields are there or not: `text` NULL is left out. */
static size_t reply_text(struct resp_out *out, const char *name, const char *text)
{
    if (!text) return 0;
    resp_bulk_text(out, name);
    resp_bulk_text(out, text);
    return 1;
}

static void reply_argument_flags(struct resp_out *out, uint32_t flags)
{
    static const char *const words[] = {"optional", "multiple", "multiple_token"};
    resp_bulk_text(out, "flags");
    resp_set(out, (size_t)__builtin_popcount(flags));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (flags >> i & 1) resp_simple(out, words[i]);
}

static void reply_arguments(struct resp_out *out, const struct argument *arguments);

static void reply_argument(struct resp_out *out, const struct argument *argument)
{
    static const char *const types[] = {"string",    "integer",    "double", "key",  "pattern",
                                        "unix-time", "pure-token", "oneof",  "block"};
    struct resp_later later = resp_later_begin(out);
    bool nested = argument->type == ARG_ONEOF || argument->type == ARG_BLOCK;
    size_t fields = reply_text(out, "name", argument->name);
    fields += reply_text(out, "type", types[argument->type]);
    if (!nested) fields += reply_text(out, "display_text", argument->name);
    if (argument->type == ARG_KEY) {
        resp_bulk_text(out, "key_spec_index");
        resp_int(out, argument->key_spec);
        fields++;
    }
    fields += reply_text(out, "token", argument->token);
    fields += reply_text(out, "since", argument->since);
    fields += reply_text(out, "deprecated_since", argument->deprecated_since);
    if (argument->flags) {
        reply_argument_flags(out, argument->flags);
        fields++;
    }
    if (nested) {
        resp_bulk_text(out, "arguments");
        reply_arguments(out, argument->sub);
        fields++;
    }
    resp_later_map(out, later, fields);
}

/* As deep as the rows are nested: a few levels. */
static void reply_arguments(struct resp_out *out, const struct argument *arguments)
{
    size_t count = 0;
    while (arguments[count].name)
        count++;
    resp_array(out, count);
    for (size_t i = 0; i < count; i++)
        reply_argument(out, &arguments[i]);
}

static void reply_history(struct resp_out *out, const char *const *history)
{
    size_t count = 0;
    while (history[count * 2])
        count++;
    resp_bulk_text(out, "history");
    resp_set(out, count);
    for (size_t i = 0; i < count; i++) {
        resp_array(out, 2);
        resp_bulk_text(out, history[i * 2]);
        resp_bulk_text(out, history[i * 2 + 1]);
    }
}

static size_t reply_fields(struct resp_out *out, const struct command *command)
{
    size_t fields = reply_text(out, "summary", command->summary);
    fields += reply_text(out, "since", command->since);
    fields += reply_text(out, "group", command_group_name(command->group));
    fields += reply_text(out, "complexity", command->complexity);
    if (command->deprecated_since) {
        resp_bulk_text(out, "doc_flags");
        resp_set(out, 1);
        resp_simple(out, "deprecated");
        fields++;
    }
    fields += reply_text(out, "deprecated_since", command->deprecated_since);
    fields += reply_text(out, "replaced_by", command->replaced_by);
    if (command->history) {
        reply_history(out, command->history);
        fields++;
    }
    if (command->arguments) {
        resp_bulk_text(out, "arguments");
        reply_arguments(out, command->arguments);
        fields++;
    }
    return fields;
}

static void reply_subcommands(struct resp_out *out, const struct command_table *table,
                              const struct command_entry *entry)
{
    size_t count = 0;
    while (entry->command->subcommands[count])
        count++;
    resp_bulk_text(out, "subcommands");
    resp_map(out, count);
    for (size_t i = 1; i <= count; i++) { /* a container's rows follow it in the table */
        const struct command_entry *sub = command_table_at(table, entry->id + (unsigned)i);
        resp_bulk_text(out, sub->full_name);
        struct resp_later later = resp_later_begin(out);
        resp_later_map(out, later, reply_fields(out, sub->command));
    }
}

static void reply_docs(struct resp_out *out, const struct command_table *table,
                       const struct command_entry *entry)
{
    resp_bulk_text(out, entry->full_name);
    struct resp_later later = resp_later_begin(out);
    size_t fields = reply_fields(out, entry->command);
    if (entry->command->subcommands) {
        reply_subcommands(out, table, entry);
        fields++;
    }
    resp_later_map(out, later, fields);
}

static void docs(struct call *call)
{
    const struct command_table *table = call->worker->server->table;
    struct resp_later later = resp_later_begin(call->out);
    size_t count = 0;
    if (call->argc == 2) {
        for (unsigned id = 0; id < command_table_count(table); id++) {
            const struct command_entry *entry = command_table_at(table, id);
            if (entry->container || command_entry_is_removed(entry)) continue;
            reply_docs(call->out, table, entry);
            count++;
        }
    }
    for (size_t i = 2; i < call->argc; i++) {
        const struct command_entry *entry = command_table_named(table, call->argv[i]);
        if (!entry) continue;
        reply_docs(call->out, table, entry);
        count++;
    }
    resp_later_map(call->out, later, count);
}
