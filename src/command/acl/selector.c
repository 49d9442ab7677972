/* selector.c: rules about commands, keys and channels (selector.h). */
#include "command/acl/selector.h"

#include "util/assert.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool acl_has_blanks(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (isspace((unsigned char)text.ptr[i]) || text.ptr[i] == '\0') return true;
    return false;
}

static char *lower_copy(struct slice text)
{
    char *copy = malloc(text.len + 1);
    if (!copy) return NULL;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)text.ptr[i]);
    copy[text.len] = '\0';
    return copy;
}

static struct slice slice_from(struct slice text, size_t at)
{
    return (struct slice){text.ptr + at, text.len - at};
}

/* ---- life ---- */

struct acl_selector *acl_selector_new(const struct command_table *table)
{
    struct acl_selector *selector = calloc(1, sizeof *selector);
    if (!selector) return NULL;
    selector->words = (command_table_count(table) + 63) / 64;
    selector->commands = calloc(selector->words + 1, sizeof *selector->commands);
    if (selector->commands) return selector;
    free(selector);
    return NULL;
}

static void forget_rules(struct acl_selector *selector)
{
    for (size_t i = 0; i < selector->rule_count; i++)
        free(selector->rules[i]);
    free(selector->rules);
    selector->rules = NULL;
    selector->rule_count = 0;
}

static void forget_first_args(struct acl_selector *selector)
{
    for (size_t i = 0; i < selector->first_arg_count; i++)
        free(selector->first_args[i].text);
    free(selector->first_args);
    selector->first_args = NULL;
    selector->first_arg_count = 0;
}

void acl_selector_free(struct acl_selector *selector)
{
    if (!selector) return;
    forget_rules(selector);
    forget_first_args(selector);
    acl_patterns_clear(&selector->keys);
    acl_patterns_clear(&selector->channels);
    free(selector->commands);
    free(selector);
}

static bool append_rule(struct acl_selector *selector, char *rule)
{
    char **rules = rule ? realloc(selector->rules, (selector->rule_count + 1) * sizeof *rules) : NULL;
    if (!rules) {
        free(rule);
        return false;
    }
    selector->rules = rules;
    rules[selector->rule_count++] = rule;
    return true;
}

static bool append_first_arg(struct acl_selector *selector, unsigned id, char *text)
{
    struct acl_first_arg *args =
        text ? realloc(selector->first_args, (selector->first_arg_count + 1) * sizeof *args) : NULL;
    if (!args) {
        free(text);
        return false;
    }
    selector->first_args = args;
    args[selector->first_arg_count++] = (struct acl_first_arg){id, text};
    return true;
}

struct acl_selector *acl_selector_copy(const struct acl_selector *from)
{
    struct acl_selector *selector = calloc(1, sizeof *selector);
    if (!selector) return NULL;
    selector->all_commands = from->all_commands;
    selector->all_keys = from->all_keys;
    selector->all_channels = from->all_channels;
    selector->base_is_all = from->base_is_all;
    selector->words = from->words;
    selector->commands = malloc((from->words + 1) * sizeof *selector->commands);
    bool done = selector->commands != NULL;
    if (done) memcpy(selector->commands, from->commands, from->words * sizeof *selector->commands);
    for (size_t i = 0; done && i < from->rule_count; i++)
        done = append_rule(selector, strdup(from->rules[i]));
    for (size_t i = 0; done && i < from->first_arg_count; i++)
        done = append_first_arg(selector, from->first_args[i].command_id, strdup(from->first_args[i].text));
    done = done && acl_patterns_copy(&selector->keys, &from->keys) == ERROR_OK &&
           acl_patterns_copy(&selector->channels, &from->channels) == ERROR_OK;
    if (done) return selector;
    acl_selector_free(selector);
    return NULL;
}

/* ---- commands ---- */

/* True when `rule` ("+config|get") is about `name` ("config|get") or a part of it ("config"). */
static bool is_about(const char *rule, const char *name)
{
    size_t len = strlen(name);
    return strncmp(rule + 1, name, len) == 0 && (rule[1 + len] == '\0' || rule[1 + len] == '|');
}

/* The newest rule about something stands at the end, and makes earlier ones about the same superfluous. */
static acl_mistake note_rule(struct acl_selector *selector, struct slice rule)
{
    char *text = lower_copy(rule);
    if (!text) return ACL_MISTAKE_MEMORY;
    size_t kept = 0;
    for (size_t i = 0; i < selector->rule_count; i++) {
        if (is_about(selector->rules[i], text + 1)) free(selector->rules[i]);
        else selector->rules[kept++] = selector->rules[i];
    }
    selector->rule_count = kept;
    return append_rule(selector, text) ? NULL : ACL_MISTAKE_MEMORY;
}

static void drop_first_args(struct acl_selector *selector, unsigned id)
{
    size_t kept = 0;
    for (size_t i = 0; i < selector->first_arg_count; i++) {
        if (selector->first_args[i].command_id == id) free(selector->first_args[i].text);
        else selector->first_args[kept++] = selector->first_args[i];
    }
    selector->first_arg_count = kept;
}

static void set_one(struct acl_selector *selector, unsigned id, bool allow)
{
    uint64_t bit = UINT64_C(1) << (id % 64);
    if (allow) selector->commands[id / 64] |= bit;
    else selector->commands[id / 64] &= ~bit;
    if (!allow) selector->all_commands = false;
    drop_first_args(selector, id);
}

/* A command with all its subcommands, which follow it in the table. */
static void set_command(struct acl_selector *selector, const struct command_table *table,
                        const struct command_entry *entry, bool allow)
{
    set_one(selector, entry->id, allow);
    for (unsigned id = entry->id + 1; entry->subcommands && id < command_table_count(table); id++) {
        if (command_table_at(table, id)->container != entry->command) return;
        set_one(selector, id, allow);
    }
}

static void set_base(struct acl_selector *selector, bool all)
{
    selector->all_commands = selector->base_is_all = all;
    memset(selector->commands, all ? 0xff : 0, selector->words * sizeof *selector->commands);
    forget_rules(selector);
    forget_first_args(selector);
}

static acl_mistake apply_category(struct acl_selector *selector, const struct command_table *table,
                                  struct slice rule, bool allow)
{
    uint32_t category = command_category_named(slice_from(rule, 2));
    if (!category) return ACL_MISTAKE_UNKNOWN;
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        if (entry->categories & category) set_command(selector, table, entry, allow);
    }
    return note_rule(selector, rule);
}

/* "+select|0", of a command without subcommands. */
static acl_mistake allow_first_arg(struct acl_selector *selector, unsigned id, struct slice arg)
{
    for (size_t i = 0; i < selector->first_arg_count; i++)
        if (selector->first_args[i].command_id == id && slice_is_word(arg, selector->first_args[i].text))
            return NULL;
    return append_first_arg(selector, id, lower_copy(arg)) ? NULL : ACL_MISTAKE_MEMORY;
}

/* "+config|get": the last bar separates what is allowed of the command. */
static acl_mistake allow_part(struct acl_selector *selector, const struct command_table *table,
                              struct slice name, size_t bar)
{
    const struct command_entry *entry = command_table_original(table, (struct slice){name.ptr, bar});
    if (!entry) return ACL_MISTAKE_UNKNOWN;
    if (entry->container) return "Allowing first-arg of a subcommand is not supported";
    struct slice part = slice_from(name, bar + 1);
    if (part.len == 0) return ACL_MISTAKE_SYNTAX;
    if (!entry->subcommands) return allow_first_arg(selector, entry->id, part);
    const struct command_entry *sub = command_table_original(table, name);
    if (!sub) return ACL_MISTAKE_UNKNOWN;
    set_command(selector, table, sub, true);
    return NULL;
}

static acl_mistake apply_command(struct acl_selector *selector, const struct command_table *table,
                                 struct slice rule, bool allow)
{
    struct slice name = slice_from(rule, 1);
    const char *bar = allow && name.len > 0 ? memrchr(name.ptr, '|', name.len) : NULL;
    acl_mistake mistake = NULL;
    if (bar) {
        mistake = allow_part(selector, table, name, (size_t)(bar - name.ptr));
    } else {
        const struct command_entry *entry = command_table_original(table, name);
        if (entry) set_command(selector, table, entry, allow);
        else mistake = ACL_MISTAKE_UNKNOWN;
    }
    return mistake ? mistake : note_rule(selector, rule);
}

/* ---- keys and channels ---- */

static acl_mistake apply_key(struct acl_selector *selector, struct slice rule)
{
    unsigned permits = rule.ptr[0] == '~' ? ACL_BOTH : 0;
    size_t at = 1;
    if (selector->all_keys)
        return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
               "any effect. "
               "Try 'resetkeys' to start with an empty list of patterns";
    for (bool named = rule.ptr[0] == '~'; !named && at < rule.len; at++) {
        char c = (char)toupper((unsigned char)rule.ptr[at]);
        unsigned permit = c == 'R' ? ACL_READ : c == 'W' ? ACL_WRITE : 0;
        named = c == '~';
        if (!named && (!permit || permits & permit)) return ACL_MISTAKE_SYNTAX;
        permits |= permit;
    }
    struct slice pattern = slice_from(rule, at);
    if (!permits || acl_has_blanks(pattern)) return ACL_MISTAKE_SYNTAX;
    return acl_patterns_add(&selector->keys, pattern, permits) == ERROR_OK ? NULL : ACL_MISTAKE_MEMORY;
}

static acl_mistake apply_channel(struct acl_selector *selector, struct slice rule)
{
    if (selector->all_channels)
        return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
               "have any effect. "
               "Try 'resetchannels' to start with an empty list of channels";
    struct slice pattern = slice_from(rule, 1);
    if (acl_has_blanks(pattern)) return ACL_MISTAKE_SYNTAX;
    return acl_patterns_add(&selector->channels, pattern, ACL_BOTH) == ERROR_OK ? NULL : ACL_MISTAKE_MEMORY;
}

static void set_all_keys(struct acl_selector *selector, bool all)
{
    selector->all_keys = all;
    acl_patterns_clear(&selector->keys);
}

static void set_all_channels(struct acl_selector *selector, bool all)
{
    selector->all_channels = all;
    acl_patterns_clear(&selector->channels);
}

/* ---- rules ---- */

/* Rules that are words. False when it is none of them. */
static bool apply_word(struct acl_selector *selector, struct slice rule)
{
    if (slice_is_word(rule, "allkeys") || slice_equal(rule, SLICE("~*"))) set_all_keys(selector, true);
    else if (slice_is_word(rule, "resetkeys")) set_all_keys(selector, false);
    else if (slice_is_word(rule, "allchannels") || slice_equal(rule, SLICE("&*")))
        set_all_channels(selector, true);
    else if (slice_is_word(rule, "resetchannels")) set_all_channels(selector, false);
    else if (slice_is_word(rule, "allcommands") || slice_is_word(rule, "+@all")) set_base(selector, true);
    else if (slice_is_word(rule, "nocommands") || slice_is_word(rule, "-@all")) set_base(selector, false);
    else return false;
    return true;
}

acl_mistake acl_selector_apply(struct acl_selector *selector, const struct command_table *table,
                               struct slice rule)
{
    if (rule.len == 0) return ACL_MISTAKE_SYNTAX;
    if (apply_word(selector, rule)) return NULL;
    bool allow = rule.ptr[0] == '+';
    bool category = rule.len > 1 && rule.ptr[1] == '@';
    switch (rule.ptr[0]) {
    case '~':
    case '%': return apply_key(selector, rule);
    case '&': return apply_channel(selector, rule);
    case '+':
    case '-':
        return category ? apply_category(selector, table, rule, allow)
                        : apply_command(selector, table, rule, allow);
    default: return ACL_MISTAKE_SYNTAX;
    }
}

/* ---- as text ---- */

static void put(struct resp_out *out, const char *text)
{
    resp_raw(out, text, strlen(text));
}

void acl_selector_write_keys(const struct acl_selector *selector, struct resp_out *out)
{
    static const char *const marks[] = {"", "%R~", "%W~", "~"}; /* by what is permitted */
    if (selector->all_keys) put(out, "~*");
    for (size_t i = 0; i < selector->keys.count; i++) {
        const struct acl_pattern *pattern = &selector->keys.items[i];
        if (i > 0) put(out, " ");
        put(out, marks[pattern->permits & ACL_BOTH]);
        resp_raw(out, pattern->text, pattern->len);
    }
}

void acl_selector_write_channels(const struct acl_selector *selector, struct resp_out *out)
{
    if (selector->all_channels) put(out, "&*");
    for (size_t i = 0; i < selector->channels.count; i++) {
        put(out, i > 0 ? " &" : "&");
        resp_raw(out, selector->channels.items[i].text, selector->channels.items[i].len);
    }
}

void acl_selector_write_commands(const struct acl_selector *selector, struct resp_out *out)
{
    put(out, selector->base_is_all ? "+@all" : "-@all");
    for (size_t i = 0; i < selector->rule_count; i++) {
        put(out, " ");
        put(out, selector->rules[i]);
    }
}

void acl_selector_write(const struct acl_selector *selector, struct resp_out *out)
{
    acl_selector_write_keys(selector, out);
    if (selector->all_keys || selector->keys.count > 0) put(out, " ");
    if (!selector->all_channels) put(out, "resetchannels ");
    acl_selector_write_channels(selector, out);
    if (selector->all_channels || selector->channels.count > 0) put(out, " ");
    acl_selector_write_commands(selector, out);
}
