/* table.c: rows by name.
 *
 * Terms: a *folded* name is three words that stand for its bytes without regard to case; two names of letters
 * are equal when their words and lengths are. A *names* table maps folded names to entries: open addressing,
 * at most half full, read-only once built, so threads share it freely.
 *
 * Invariants:
 * N1. Folding maps both cases of a letter to one value, but may also join bytes that are not letters ('_' and
 *     DEL): a match is confirmed byte by byte.
 */
#include "command/table.h"

#include "util/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLD UINT64_C(0x2020202020202020)

struct folded {
    uint64_t words[3];
    size_t len;
};

struct name_slot {
    struct folded name;
    const char *text;                  /* what was folded */
    const struct command_entry *entry; /* NULL: free */
};

struct command_names {
    size_t mask;
    struct name_slot slots[];
};

struct command_table {
    struct command_names *names;
    struct command_entry *entries;
    unsigned count;
    unsigned top_level;
    bool has_odd_names; /* by rename-command: too long to fold, or not of letters (N1): found by walking */
};

static uint64_t load64(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t load32(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Loads overlap instead of looping over bytes: this runs for every command. False for names longer than any
 * row's. */
static bool fold(struct slice name, struct folded *folded_out)
{
    const char *p = name.ptr;
    size_t len = name.len;
    uint64_t first, middle = 0, last = 0;
    if (len >= 8) {
        if (len > COMMAND_NAME_MAX) return false;
        first = load64(p);
        last = load64(p + len - 8);
        if (len > 16) middle = load64(p + 8);
    } else if (len >= 4) {
        first = load32(p) | load32(p + len - 4) << 32;
    } else if (len > 0) {
        first = (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[len / 2] << 8 |
                (uint64_t)(unsigned char)p[len - 1] << 16;
    } else {
        return false;
    }
    *folded_out = (struct folded){{first | FOLD, middle | FOLD, last | FOLD}, len};
    return true;
}

static size_t folded_hash(const struct folded *name)
{
    uint64_t mixed = name->words[0] * UINT64_C(0x9E3779B97F4A7C15) ^
                     name->words[1] * UINT64_C(0xC2B2AE3D27D4EB4F) ^
                     name->words[2] * UINT64_C(0x165667B19E3779F9) ^ name->len;
    mixed *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 40);
}

static bool folded_equal(const struct folded *a, const struct folded *b)
{
    return ((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) | (a->words[2] ^ b->words[2]) |
            (a->len ^ b->len)) == 0;
}

static struct command_names *names_open(size_t count)
{
    size_t slots = 8;
    while (slots < count * 4)
        slots *= 2;
    struct command_names *names = calloc(1, sizeof *names + slots * sizeof *names->slots);
    if (names) names->mask = slots - 1;
    return names;
}

static void names_add(struct command_names *names, const char *text, const struct command_entry *entry)
{
    struct folded name;
    ASSERT(fold(slice_of(text), &name));
    size_t at = folded_hash(&name) & names->mask;
    while (names->slots[at].entry) {
        ASSERT(!folded_equal(&names->slots[at].name, &name)); /* two rows of one name */
        at = (at + 1) & names->mask;
    }
    names->slots[at] = (struct name_slot){name, text, entry};
}

static const struct command_entry *names_find(const struct command_names *names, struct slice text)
{
    struct folded name;
    if (!fold(text, &name)) return NULL;
    for (size_t at = folded_hash(&name) & names->mask; names->slots[at].entry; at = (at + 1) & names->mask) {
        const struct name_slot *slot = &names->slots[at];
        if (folded_equal(&slot->name, &name))
            return slice_is_word(text, slot->text) ? slot->entry : NULL; /* N1 */
    }
    return NULL;
}

/* ---- building ---- */

static uint32_t implied_categories(const struct command *command)
{
    static const struct {
        uint32_t flag;
        uint32_t categories;
    } rules[] = {
        {COMMAND_WRITE, CATEGORY_WRITE},
        {COMMAND_READONLY, CATEGORY_READ},
        {COMMAND_ADMIN, CATEGORY_ADMIN | CATEGORY_DANGEROUS},
        {COMMAND_PUBSUB, CATEGORY_PUBSUB},
        {COMMAND_BLOCKING, CATEGORY_BLOCKING},
        {COMMAND_FAST, CATEGORY_FAST},
    };
    uint32_t categories = command->categories;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (command->flags & rules[i].flag) categories |= rules[i].categories;
    return categories & CATEGORY_FAST ? categories : categories | CATEGORY_SLOW;
}

static enum command_key_kind key_kind_of(const struct command *command, unsigned *one_key_out)
{
    const struct key_spec *spec = &command->specs[0];
    if (!command->get_keys && spec->begin == KEY_BEGIN_NONE) return COMMAND_KEYS_NONE;
    bool one = !command->get_keys && spec->begin == KEY_BEGIN_INDEX && spec->find == KEY_FIND_RANGE &&
               spec->last == 0 && !(spec->flags & KEY_NOT_KEY) && command->specs[1].begin == KEY_BEGIN_NONE;
    if (!one) return COMMAND_KEYS_MANY;
    *one_key_out = (unsigned)spec->index;
    return COMMAND_KEYS_ONE;
}

static size_t list_length(const struct command *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static struct command_entry *table_append(struct command_table *table, const struct command *command,
                                          const struct command *container)
{
    struct command_entry *entry = &table->entries[table->count];
    *entry = (struct command_entry){.command = command,
                                    .container = container,
                                    .id = table->count,
                                    .categories = implied_categories(command)};
    entry->key_kind = key_kind_of(command, &entry->one_key);
    if (container)
        snprintf(entry->full_name, sizeof entry->full_name, "%s|%s", container->name, command->name);
    else snprintf(entry->full_name, sizeof entry->full_name, "%s", command->name);
    table->count++;
    return entry;
}

static bool table_add(struct command_table *table, const struct command *command)
{
    struct command_entry *entry = table_append(table, command, NULL);
    names_add(table->names, command->name, entry);
    table->top_level++;
    if (!command->subcommands) return true;
    entry->subcommands = names_open(list_length(command->subcommands));
    if (!entry->subcommands) return false;
    for (const struct command *const *sub = command->subcommands; *sub; sub++)
        names_add(entry->subcommands, (*sub)->name, table_append(table, *sub, command));
    return true;
}

struct command_table *command_table_open(const struct command *const *const *index)
{
    size_t rows = 0, all = 0;
    for (const struct command *const *const *list = index; *list; list++) {
        for (const struct command *const *row = *list; *row; row++) {
            rows++;
            all += 1 + list_length((*row)->subcommands);
        }
    }
    struct command_table *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    table->names = names_open(rows);
    table->entries = calloc(all, sizeof *table->entries);
    bool ok = table->names && table->entries;
    for (const struct command *const *const *list = index; ok && *list; list++)
        for (const struct command *const *row = *list; ok && *row; row++)
            ok = table_add(table, *row);
    if (ok) return table;
    command_table_close(table);
    return NULL;
}

void command_table_close(struct command_table *table)
{
    if (!table) return;
    for (unsigned i = 0; i < table->count; i++) {
        free(table->entries[i].subcommands);
        free(table->entries[i].renamed);
    }
    free(table->entries);
    free(table->names);
    free(table);
}

/* ---- finding ---- */

static const struct command_entry *find_odd(const struct command_table *table, struct slice name)
{
    for (unsigned id = 0; id < table->count; id++) {
        const struct command_entry *entry = &table->entries[id];
        if (entry->renamed && slice_is_word(name, entry->renamed)) return entry;
    }
    return NULL;
}

static const struct command_entry *find_top(const struct command_table *table, struct slice name)
{
    const struct command_entry *entry = names_find(table->names, name);
    return entry || !table->has_odd_names ? entry : find_odd(table, name);
}

static bool arity_fits(const struct command *command, size_t argc)
{
    return command->arity >= 0 ? argc == (size_t)command->arity : argc >= (size_t)-command->arity;
}

enum command_found command_table_find(const struct command_table *table, const struct slice *argv,
                                      size_t argc, const struct command_entry **entry_out)
{
    const struct command_entry *entry = find_top(table, argv[0]);
    *entry_out = entry;
    if (!entry) return COMMAND_UNKNOWN;
    if (entry->subcommands && argc > 1) {
        const struct command_entry *sub = names_find(entry->subcommands, argv[1]);
        if (!sub) return COMMAND_UNKNOWN_SUBCOMMAND;
        *entry_out = entry = sub;
    }
    return arity_fits(entry->command, argc) ? COMMAND_FOUND : COMMAND_WRONG_ARITY;
}

const struct command_entry *command_table_named(const struct command_table *table, struct slice full_name)
{
    const char *bar = memchr(full_name.ptr, '|', full_name.len);
    if (!bar) return find_top(table, full_name);
    size_t head = (size_t)(bar - full_name.ptr);
    const struct command_entry *container = find_top(table, (struct slice){full_name.ptr, head});
    if (!container || !container->subcommands) return NULL;
    return names_find(container->subcommands, (struct slice){bar + 1, full_name.len - head - 1});
}

const struct command_entry *command_table_entry(const struct command_table *table,
                                                const struct command *command)
{
    for (unsigned id = 0; id < table->count; id++)
        if (table->entries[id].command == command) return &table->entries[id];
    return NULL;
}

unsigned command_table_count(const struct command_table *table)
{
    return table->count;
}

const struct command_entry *command_table_at(const struct command_table *table, unsigned id)
{
    ASSERT(id < table->count);
    return &table->entries[id];
}

unsigned command_table_top_level(const struct command_table *table)
{
    return table->top_level;
}

/* ---- rename-command ---- */

const struct command_entry *command_table_original(const struct command_table *table, struct slice full_name)
{
    for (unsigned id = 0; id < table->count; id++)
        if (slice_is_word(full_name, table->entries[id].full_name)) return &table->entries[id];
    return NULL;
}

bool command_entry_is_removed(const struct command_entry *entry)
{
    const struct command_entry *top = entry;
    while (top->container)
        top--; /* subcommands follow their container */
    return top->renamed && !*top->renamed;
}

static bool is_odd(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    return name[len] != '\0' || len > COMMAND_NAME_MAX;
}

/* The names table anew; it has room for every row. */
static void index_names(struct command_table *table)
{
    memset(table->names->slots, 0, (table->names->mask + 1) * sizeof *table->names->slots);
    table->top_level = 0;
    table->has_odd_names = false;
    for (unsigned id = 0; id < table->count; id++) {
        const struct command_entry *entry = &table->entries[id];
        if (entry->container || command_entry_is_removed(entry)) continue;
        const char *name = entry->renamed ? entry->renamed : entry->command->name;
        table->top_level++;
        if (entry->renamed && is_odd(name)) table->has_odd_names = true;
        else names_add(table->names, name, entry);
    }
}

const char *command_table_rename(struct command_table *table, struct slice from, struct slice to)
{
    const struct command_entry *entry = find_top(table, from);
    if (!entry) return "No such command in rename-command";
    const struct command_entry *taken = to.len > 0 ? find_top(table, to) : NULL;
    if (taken && taken != entry) return "Target command name already exists";
    char *name = strndup(to.ptr, to.len);
    if (!name) return "out of memory";
    free(table->entries[entry->id].renamed);
    table->entries[entry->id].renamed = name;
    index_names(table);
    return NULL;
}

/* ---- errors ---- */

#define QUOTED_MAX 128 /* bytes of a client's text that an error repeats */

static int quoted_len(struct slice text)
{
    size_t len = strnlen(text.ptr, text.len); /* as printf would stop */
    return (int)(len < QUOTED_MAX ? len : QUOTED_MAX);
}

static void unknown_command_text(const struct slice *argv, size_t argc, char text[COMMAND_ERROR_BYTES])
{
    char args[QUOTED_MAX * 2 + 8];
    size_t used = 0;
    args[0] = '\0';
    for (size_t i = 1; i < argc && used < QUOTED_MAX; i++) {
        int len = quoted_len(argv[i]);
        int room = (int)(QUOTED_MAX - used);
        int wrote =
            snprintf(args + used, sizeof args - used, "'%.*s' ", len < room ? len : room, argv[i].ptr);
        used += (size_t)wrote;
    }
    snprintf(text, COMMAND_ERROR_BYTES, "ERR unknown command '%.*s', with args beginning with: %s",
             quoted_len(argv[0]), argv[0].ptr, args);
}

static void unknown_subcommand_text(const struct command_entry *container, struct slice sub,
                                    char text[COMMAND_ERROR_BYTES])
{
    char upper[COMMAND_NAME_MAX + 1];
    size_t i = 0;
    for (; container->full_name[i] && i < COMMAND_NAME_MAX; i++) {
        char c = container->full_name[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    upper[i] = '\0';
    snprintf(text, COMMAND_ERROR_BYTES, "ERR unknown subcommand '%.*s'. Try %s HELP.", quoted_len(sub),
             sub.ptr, upper);
}

void command_table_error(enum command_found found, const struct command_entry *entry,
                         const struct slice *argv, size_t argc, char text[COMMAND_ERROR_BYTES])
{
    switch (found) {
    case COMMAND_UNKNOWN: unknown_command_text(argv, argc, text); break;
    case COMMAND_UNKNOWN_SUBCOMMAND: unknown_subcommand_text(entry, argv[1], text); break;
    case COMMAND_WRONG_ARITY:
        snprintf(text, COMMAND_ERROR_BYTES, "ERR wrong number of arguments for '%s' command",
                 entry->full_name);
        break;
    case COMMAND_FOUND: ASSERT(found != COMMAND_FOUND);
    }
}
