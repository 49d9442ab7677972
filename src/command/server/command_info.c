/* command_info.c: COMMAND INFO: a row as ten elements. */
#include "command/arguments.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#include <stdio.h>

static void info(struct call *call);
const struct command server_command_info = {
    .name = "info",
    .handler = info,
    .arity = -2,
    .flags = COMMAND_LOADING | COMMAND_STALE,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_SERVER,
    .since = "2.8.13",
    .summary = "Describes the named commands, or all.",
    .complexity = "O(N) where N is the number of commands to look up",
    .arguments =
        ARGUMENTS({.name = "command-name", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
    .tips = TIPS("nondeterministic_output_order"),
    .history = HISTORY("7.0.0", "Without a name it describes all commands."),
};

/* The set of words whose bits are set. */
static void reply_words(struct resp_out *out, uint32_t bits, const char *(*word)(unsigned bit),
                        const char *prefix)
{
    struct resp_later later = resp_later_begin(out);
    size_t count = 0;
    for (unsigned bit = 0; word(bit); bit++) {
        char text[64];
        if (!(bits >> bit & 1)) continue;
        snprintf(text, sizeof text, "%s%s", prefix, word(bit));
        resp_simple(out, text);
        count++;
    }
    resp_later_set(out, later, count);
}

struct legacy_range {
    int first;
    int last;
    int step;
};

/* First key, last key and step as commands described their keys before key specs: one range that covers all
 * specs of plain positions, where that is possible. */
static struct legacy_range legacy_range(const struct command *command)
{
    struct legacy_range range = {0, 0, 0};
    int previous_last = 0;
    bool single = command->specs[0].begin != KEY_BEGIN_NONE && command->specs[1].begin == KEY_BEGIN_NONE;
    for (size_t i = 0; i < COMMAND_SPECS_MAX && command->specs[i].begin != KEY_BEGIN_NONE; i++) {
        const struct key_spec *spec = &command->specs[i];
        if (spec->begin != KEY_BEGIN_INDEX || spec->find != KEY_FIND_RANGE) continue;
        if (!single && (spec->step != 1 || (previous_last && previous_last != spec->index - 1))) continue;
        int last = spec->last >= 0 ? spec->index + spec->last : spec->last;
        if (!range.first || spec->index < range.first) range.first = spec->index;
        if ((unsigned)last > (unsigned)range.last)
            range.last = last; /* negative: from the end, beyond all others */
        range.step = spec->step;
        previous_last = last;
    }
    return range;
}

static void reply_field(struct resp_out *out, const char *name, int value)
{
    resp_bulk_text(out, name);
    resp_int(out, value);
}

static void reply_begin_search(struct resp_out *out, const struct key_spec *spec)
{
    static const char *const types[] = {"none", "index", "keyword", "unknown"};
    resp_bulk_text(out, "begin_search");
    resp_map(out, 2);
    resp_bulk_text(out, "type");
    resp_bulk_text(out, types[spec->begin]);
    resp_bulk_text(out, "spec");
    if (spec->begin == KEY_BEGIN_INDEX) {
        resp_map(out, 1);
        reply_field(out, "index", spec->index);
    } else if (spec->begin == KEY_BEGIN_KEYWORD) {
        resp_map(out, 2);
        resp_bulk_text(out, "keyword");
        resp_bulk_text(out, spec->keyword);
        reply_field(out, "startfrom", spec->index);
    } else {
        resp_map(out, 0);
    }
}

static void reply_find_keys(struct resp_out *out, const struct key_spec *spec)
{
    static const char *const types[] = {"range", "keynum", "unknown"};
    resp_bulk_text(out, "find_keys");
    resp_map(out, 2);
    resp_bulk_text(out, "type");
    resp_bulk_text(out, types[spec->find]);
    resp_bulk_text(out, "spec");
    if (spec->find == KEY_FIND_RANGE) {
        resp_map(out, 3);
        reply_field(out, "lastkey", spec->last);
        reply_field(out, "keystep", spec->step);
        reply_field(out, "limit", spec->limit);
    } else if (spec->find == KEY_FIND_KEYNUM) {
        resp_map(out, 3);
        reply_field(out, "keynumidx", spec->last);
        reply_field(out, "firstkey", spec->limit);
        reply_field(out, "keystep", spec->step);
    } else {
        resp_map(out, 0);
    }
}

static void reply_key_specs(struct resp_out *out, const struct command *command)
{
    size_t count = 0;
    while (count < COMMAND_SPECS_MAX && command->specs[count].begin != KEY_BEGIN_NONE)
        count++;
    resp_set(out, count);
    for (size_t i = 0; i < count; i++) {
        const struct key_spec *spec = &command->specs[i];
        resp_map(out, spec->notes ? 4 : 3);
        if (spec->notes) {
            resp_bulk_text(out, "notes");
            resp_bulk_text(out, spec->notes);
        }
        resp_bulk_text(out, "flags");
        reply_words(out, spec->flags, command_key_flag_name, "");
        reply_begin_search(out, spec);
        reply_find_keys(out, spec);
    }
}

static size_t list_length(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static void reply_entry(struct resp_out *out, const struct command_entry *entry)
{
    const struct command *command = entry->command;
    struct legacy_range range = legacy_range(command);
    resp_array(out, 10);
    resp_bulk_text(out, entry->full_name);
    resp_int(out, command->arity);
    reply_words(out, command->flags, command_flag_name, "");
    resp_int(out, range.first);
    resp_int(out, range.last);
    resp_int(out, range.step);
    reply_words(out, entry->categories, command_category_name, "@");
    size_t tips = list_length(command->tips);
    resp_set(out, tips);
    for (size_t i = 0; i < tips; i++)
        resp_bulk_text(out, command->tips[i]);
    reply_key_specs(out, command);
}

void server_reply_command_info(struct resp_out *out, const struct command_table *table,
                               const struct command_entry *entry)
{
    reply_entry(out, entry);
    if (!entry->command->subcommands) {
        resp_set(out, 0);
        return;
    }
    size_t count = 0;
    while (entry->command->subcommands[count])
        count++;
    resp_array(out, count);
    for (size_t i = 1; i <= count; i++) { /* a container's rows follow it in the table */
        reply_entry(out, command_table_at(table, entry->id + (unsigned)i));
        resp_set(out, 0);
    }
}

static void info(struct call *call)
{
    const struct command_table *table = call->worker->server->table;
    if (call->argc == 2) {
        server_command.handler(call);
        return;
    }
    resp_array(call->out, call->argc - 2);
    for (size_t i = 2; i < call->argc; i++) {
        const struct command_entry *entry = command_table_named(table, call->argv[i]);
        if (entry) server_reply_command_info(call->out, table, entry);
        else resp_null_array(call->out);
    }
}
