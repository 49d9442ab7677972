/* table_test.c: every row of the table is sane; names are found in any case, quickly and only when they are
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/index.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_table(void **state)
{
    *state = command_table_open(command_index);
    return *state ? 0 : -1;
}

static int close_table(void **state)
{
    command_table_close(*state);
    return 0;
}

#define check(entry, condition)                                                                              \
    do {                                                                                                     \
        if (!(condition)) fail_msg("%s: %s", (entry)->full_name, #condition);                                \
    } while (0)

static void test_rows(void **state)
{
    const struct command_table *table = *state;
    assert_true(command_table_count(table) > 100);
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        const struct command *row = entry->command;
        int major, minor, patch;
        check(entry, entry->id == id);
        check(entry, command_table_entry(table, row) == entry);
        check(entry, strlen(row->name) <= COMMAND_NAME_MAX);
        for (const char *c = row->name; *c; c++)
            check(entry, islower(*c) || *c == '-' || *c == '_');
        check(entry, row->handler || row->subcommands);
        check(entry, row->arity != 0);
        check(entry, row->since && sscanf(row->since, "%d.%d.%d", &major, &minor, &patch) == 3);
        check(entry, row->summary && row->summary[strlen(row->summary) - 1] == '.');
        check(entry, isupper(row->summary[0]));
        check(entry, (row->flags & (COMMAND_WRITE | COMMAND_READONLY)) != (COMMAND_WRITE | COMMAND_READONLY));
        check(entry, !(row->flags & COMMAND_DENYOOM) || row->flags & COMMAND_WRITE);
        check(entry,
              (row->flags & (COMMAND_SHARED | COMMAND_EXCLUSIVE)) != (COMMAND_SHARED | COMMAND_EXCLUSIVE));
        check(entry, !(entry->categories & CATEGORY_FAST) != !(entry->categories & CATEGORY_SLOW));
        check(entry, !row->replaced_by || row->deprecated_since);
    }
}

static bool has_movable_spec(const struct command *row)
{
    for (size_t i = 0; i < COMMAND_SPECS_MAX && row->specs[i].begin != KEY_BEGIN_NONE; i++)
        if (row->specs[i].begin != KEY_BEGIN_INDEX || row->specs[i].find != KEY_FIND_RANGE) return true;
    return false;
}

/* A write enters the gate: by its keys, or alone. */
static void test_specs(void **state)
{
    const struct command_table *table = *state;
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        const struct command *row = entry->command;
        size_t i = 0;
        for (; i < COMMAND_SPECS_MAX && row->specs[i].begin != KEY_BEGIN_NONE; i++) {
            const struct key_spec *spec = &row->specs[i];
            uint32_t kind = spec->flags & (KEY_RO | KEY_RW | KEY_OW | KEY_RM);
            check(entry, __builtin_popcount(kind) == 1 || spec->flags & KEY_NOT_KEY);
            check(entry, spec->begin != KEY_BEGIN_INDEX || spec->index >= (entry->container ? 2 : 1));
            check(entry, spec->begin != KEY_BEGIN_KEYWORD || spec->keyword);
            check(entry, spec->find == KEY_FIND_UNKNOWN || spec->step >= 1);
            check(entry, kind != KEY_RO || !(spec->flags & (KEY_UPDATE | KEY_INSERT | KEY_DELETE)));
            /* PFCOUNT reads, and notes its estimate in the value: such readers say that they may replicate. */
            bool may_write = row->flags & (COMMAND_WRITE | COMMAND_MAY_REPLICATE);
            check(entry, spec->flags & KEY_NOT_KEY || kind == KEY_RO || may_write);
        }
        bool keyed = i > 0 || row->get_keys;
        check(entry, !(row->flags & COMMAND_MOVABLEKEYS) == !(row->get_keys || has_movable_spec(row)));
        check(entry, !(row->flags & COMMAND_WRITE) || keyed || row->flags & COMMAND_EXCLUSIVE);
        check(entry, entry->key_kind != COMMAND_KEYS_ONE || abs(row->arity) > (int)entry->one_key);
    }
}

/* How many words an argument takes at least, and whether it may take more. */
static int words_of(const struct command_entry *entry, const struct argument *argument, bool *open)
{
    int words = argument->type == ARG_ONEOF ? INT32_MAX : argument->type == ARG_BLOCK ? 0 : 1;
    if (argument->flags & (ARG_OPTIONAL | ARG_MULTIPLE)) *open = true;
    check(entry, (argument->type == ARG_ONEOF || argument->type == ARG_BLOCK) == (argument->sub != NULL));
    for (const struct argument *sub = argument->sub; sub && sub->name; sub++) {
        int part = words_of(entry, sub, open);
        if (argument->type == ARG_BLOCK) words += part;
        if (argument->type == ARG_ONEOF && part < words) words = part;
    }
    if (argument->type == ARG_KEY) {
        check(entry, argument->key_spec < COMMAND_SPECS_MAX);
        check(entry, entry->command->specs[argument->key_spec].begin != KEY_BEGIN_NONE);
    }
    if (argument->type == ARG_PURE_TOKEN) check(entry, argument->token);
    if (argument->token && argument->type != ARG_PURE_TOKEN) words++;
    return argument->flags & ARG_OPTIONAL ? 0 : words;
}

static void test_arity_fits_arguments(void **state)
{
    const struct command_table *table = *state;
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        const struct command *row = entry->command;
        bool open = row->subcommands != NULL;
        int words = entry->container ? 2 : 1;
        for (const struct argument *argument = row->arguments; argument && argument->name; argument++)
            words += words_of(entry, argument, &open);
        if (row->arity > 0) check(entry, words == row->arity);
        else if (row->arguments) check(entry, words <= -row->arity && open);
    }
}

static void test_found_in_any_case(void **state)
{
    const struct command_table *table = *state;
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        char upper[sizeof entry->full_name];
        for (size_t i = 0; i < sizeof upper; i++)
            upper[i] = (char)toupper(entry->full_name[i]);
        assert_ptr_equal(command_table_named(table, slice_of(entry->full_name)), entry);
        assert_ptr_equal(command_table_named(table, slice_of(upper)), entry);
    }
}

static void test_not_found(void **state)
{
    const struct command_table *table = *state;
    const struct slice names[] = {
        SLICE(""),
        SLICE("g"),
        SLICE("gett"),
        SLICE("ge"),
        SLICE("get\0"),
        SLICE("\x07"
              "et"),
        SLICE("client|"),
        SLICE("|"),
        SLICE("get|x"),
        SLICE("client|nope"),
        SLICE("setr\0nge"),
        SLICE("bitfield\x7fro"),
        SLICE("a name that is longer than any command's"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(command_table_named(table, names[i]));
    assert_non_null(command_table_named(table, SLICE("bitfield_ro")));
}

static void test_errors(void **state)
{
    const struct command_table *table = *state;
    const struct command_entry *entry;
    char text[COMMAND_ERROR_BYTES], name[300];
    memset(name, 'x', sizeof name);
    struct slice argv[] = {{name, sizeof name}, {name, sizeof name}, SLICE("more")};
    enum command_found found = command_table_find(table, argv, 3, &entry);
    assert_int_equal(found, COMMAND_UNKNOWN);
    command_table_error(found, entry, argv, 3, text);
    assert_int_equal(strlen(text),
                     strlen("ERR unknown command '', with args beginning with: '' ") + 128 + 128);
    struct slice sub[] = {SLICE("Config"), {name, sizeof name}};
    found = command_table_find(table, sub, 2, &entry);
    assert_int_equal(found, COMMAND_UNKNOWN_SUBCOMMAND);
    command_table_error(found, entry, sub, 2, text);
    assert_int_equal(strlen(text), strlen("ERR unknown subcommand ''. Try CONFIG HELP.") + 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_arity_fits_arguments),
        cmocka_unit_test(test_found_in_any_case),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, open_table, close_table);
}
