/* table.h: what the server knows of each command, one row above its handler.
 *
 * COMMAND INFO/DOCS/GETKEYS, arity checks, the gate, ACL categories and INFO commandstats are all derived from the rows.
 * A new command is its handler with its row, and one line in the index of its group (command/index.h).
 */
#ifndef CAIRN_COMMAND_TABLE_H
#define CAIRN_COMMAND_TABLE_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;

/* Flags: names as COMMAND INFO prints them are in table_words.c. */
#define COMMAND_WRITE            (1u << 0)
#define COMMAND_READONLY         (1u << 1)
#define COMMAND_DENYOOM          (1u << 2)
#define COMMAND_ADMIN            (1u << 3)
#define COMMAND_PUBSUB           (1u << 4)
#define COMMAND_NOSCRIPT         (1u << 5)
#define COMMAND_BLOCKING         (1u << 6)
#define COMMAND_LOADING          (1u << 7)
#define COMMAND_STALE            (1u << 8)
#define COMMAND_SKIP_MONITOR     (1u << 9)
#define COMMAND_SKIP_SLOWLOG     (1u << 10)
#define COMMAND_ASKING           (1u << 11)
#define COMMAND_FAST             (1u << 12)
#define COMMAND_NO_AUTH          (1u << 13)
#define COMMAND_MAY_REPLICATE    (1u << 14)
#define COMMAND_NO_MULTI         (1u << 15)
#define COMMAND_MOVABLEKEYS      (1u << 16)
#define COMMAND_ALLOW_BUSY       (1u << 17)
#define COMMAND_NO_ASYNC_LOADING (1u << 18)
/* Ours, not printed. The gate (DESIGN §5): a command with keys enters shared with their stripes locked; one without keys and
 * without these flags stays outside, without a transaction. */
#define COMMAND_ALOOF                                                                                        \
    (1u                                                                                                      \
     << 25) /* its reply follows from its arguments, the options and its own session: from nothing in the heap (J3) */
#define COMMAND_OUTSIDE                                                                                      \
    (1u << 26) /* has keys, and enters by itself, as it waits for others in between (MIGRATE) */
#define COMMAND_UNQUEUED (1u << 27) /* runs at once between MULTI and EXEC */
#define COMMAND_SESSION                                                                                      \
    (1u << 28) /* concerns its own session alone, never blocks: may run inside EXEC's transaction */
#define COMMAND_SHARED                                                                                       \
    (1u << 29) /* has no keys but looks at the keyspace: enters shared, holds no stripe (SCAN) */
#define COMMAND_EXCLUSIVE (1u << 30) /* enters the gate alone */

/* ACL categories (printed as @name in COMMAND INFO). @write, @read, @admin, @fast, @slow, @dangerous for admin, @pubsub, @blocking
 * are derived from the flags, as in Redis. */
#define CATEGORY_KEYSPACE    (1u << 0)
#define CATEGORY_READ        (1u << 1)
#define CATEGORY_WRITE       (1u << 2)
#define CATEGORY_SET         (1u << 3)
#define CATEGORY_SORTEDSET   (1u << 4)
#define CATEGORY_LIST        (1u << 5)
#define CATEGORY_HASH        (1u << 6)
#define CATEGORY_STRING      (1u << 7)
#define CATEGORY_BITMAP      (1u << 8)
#define CATEGORY_HYPERLOGLOG (1u << 9)
#define CATEGORY_GEO         (1u << 10)
#define CATEGORY_STREAM      (1u << 11)
#define CATEGORY_PUBSUB      (1u << 12)
#define CATEGORY_ADMIN       (1u << 13)
#define CATEGORY_FAST        (1u << 14)
#define CATEGORY_SLOW        (1u << 15)
#define CATEGORY_BLOCKING    (1u << 16)
#define CATEGORY_DANGEROUS   (1u << 17)
#define CATEGORY_CONNECTION  (1u << 18)
#define CATEGORY_TRANSACTION (1u << 19)
#define CATEGORY_SCRIPTING   (1u << 20)

/* Key specs as COMMAND INFO shows them (Redis 7). */
#define KEY_RO             (1u << 0)
#define KEY_RW             (1u << 1)
#define KEY_OW             (1u << 2)
#define KEY_RM             (1u << 3)
#define KEY_ACCESS         (1u << 4)
#define KEY_UPDATE         (1u << 5)
#define KEY_INSERT         (1u << 6)
#define KEY_DELETE         (1u << 7)
#define KEY_NOT_KEY        (1u << 8)
#define KEY_INCOMPLETE     (1u << 9)
#define KEY_VARIABLE_FLAGS (1u << 10)

enum key_begin { KEY_BEGIN_NONE, KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD, KEY_BEGIN_UNKNOWN };
enum key_find { KEY_FIND_RANGE, KEY_FIND_KEYNUM, KEY_FIND_UNKNOWN };

struct key_spec {
    enum key_begin begin;
    int index; /* KEY_BEGIN_INDEX: position; KEYWORD: where the search starts (negative: from the end) */
    const char *keyword; /* KEY_BEGIN_KEYWORD */
    enum key_find find;
    int last; /* RANGE: last key relative to the first; -1 the last argument, -2 the one before ...  KEYNUM: index of the count */
    int step; /* RANGE: between keys. KEYNUM: likewise */
    int limit; /* RANGE with last -1: 0/1 all, n: only the first 1/n. KEYNUM: offset of the first key */
    uint32_t flags;
    const char *notes; /* may be NULL */
};

/* One key at `i`; keys i..last step s. */
#define KEY_AT(i, key_flags)                                                                                 \
    {                                                                                                        \
        KEY_BEGIN_INDEX, (i), NULL, KEY_FIND_RANGE, 0, 1, 0, (key_flags), NULL                               \
    }
#define KEY_RANGE(i, to, by, key_flags)                                                                      \
    {                                                                                                        \
        KEY_BEGIN_INDEX, (i), NULL, KEY_FIND_RANGE, (to), (by), 0, (key_flags), NULL                         \
    }

enum argument_type {
    ARG_STRING,
    ARG_INTEGER,
    ARG_DOUBLE,
    ARG_KEY,
    ARG_PATTERN,
    ARG_UNIX_TIME,
    ARG_PURE_TOKEN,
    ARG_ONEOF,
    ARG_BLOCK,
};
#define ARG_OPTIONAL       (1u << 0)
#define ARG_MULTIPLE       (1u << 1)
#define ARG_MULTIPLE_TOKEN (1u << 2)

/* Arguments for COMMAND DOCS; a list ends with a row whose name is NULL. */
struct argument {
    const char *name;
    enum argument_type type;
    const char *token; /* may be NULL */
    uint32_t flags;
    int key_spec; /* ARG_KEY: index into specs */
    const char *since;
    const struct argument *sub;   /* ONEOF, BLOCK */
    const char *deprecated_since; /* may be NULL */
};

enum command_group {
    GROUP_GENERIC,
    GROUP_STRING,
    GROUP_BITMAP,
    GROUP_CONNECTION,
    GROUP_SERVER,
    GROUP_HASH,
    GROUP_LIST,
    GROUP_SET,
    GROUP_SORTED_SET,
    GROUP_STREAM,
    GROUP_HYPERLOGLOG,
    GROUP_GEO,
    GROUP_PUBSUB,
    GROUP_SCRIPTING,
    GROUP_TRANSACTIONS,
};

/* Channels that a command publishes or subscribes to; to unsubscribe anybody may. */
enum command_channels {
    CHANNELS_NONE,
    CHANNELS_FIRST,    /* argument 1 (PUBLISH) */
    CHANNELS_ALL,      /* all arguments (SUBSCRIBE) */
    CHANNELS_PATTERNS, /* all arguments, patterns each (PSUBSCRIBE) */
};

#define COMMAND_SPECS_MAX 4

struct command {
    const char *name; /* lower case; a subcommand's own name ("getname") */
    void (*handler)(struct call *call);
    int arity; /* as Redis: counts the command's name; negative: at least */
    uint32_t flags;
    uint32_t categories;
    enum command_group group;
    const char *since;   /* first Redis version that has it */
    const char *summary; /* ours, one line */
    const char *complexity;
    struct key_spec specs[COMMAND_SPECS_MAX]; /* ends at KEY_BEGIN_NONE */
    /* Keys that specs can't express (SORT, MIGRATE …): writes argv indexes, returns how many. The first key has
     * the first spec's flags, further ones the last spec's. May be NULL. */
    size_t (*get_keys)(const struct slice *argv, size_t argc, size_t *indexes, size_t cap);
    /* COMMAND_EXCLUSIVE only: this call's keys are all known, it may enter shared. May be NULL. */
    bool (*may_share)(const struct slice *argv, size_t argc);
    /* Which arguments are channels: checked against the user's before the handler runs (acl.h). */
    enum command_channels channels;
    /* The argument that names an element of a collection at the first key; 0: none. Its cache lines are brought in ahead. */
    unsigned element;
    /* What this call does with the keys of specs that say KEY_VARIABLE_FLAGS. May be NULL. */
    uint32_t (*key_flags)(const struct slice *argv, size_t argc);
    const struct argument *arguments;         /* may be NULL */
    const struct command *const *subcommands; /* ends with NULL; NULL: none */
    const char *const *tips;                  /* ends with NULL; may be NULL */
    const char *const *history;               /* pairs version, change; ends with NULL; may be NULL */
    const char *deprecated_since;             /* may be NULL, as may be what replaces it */
    const char *replaced_by;
};

/* ---- the table: rows by name ---- */

#define COMMAND_NAME_MAX 24 /* of one row; "container|sub" is at most twice that and a bar */

enum command_key_kind {
    COMMAND_KEYS_NONE,
    COMMAND_KEYS_ONE,  /* exactly argv[one_key] */
    COMMAND_KEYS_MANY, /* ask key_specs_visit */
};

/* A row in the table, with what is derived from it. Ids count from 0 over all rows; subcommands
 * follow their container. */
struct command_entry {
    const struct command *command;
    const struct command *container;   /* NULL for a top-level row */
    struct command_names *subcommands; /* NULL: none */
    unsigned id;
    uint32_t categories; /* the row's and those that its flags imply */
    enum command_key_kind key_kind;
    unsigned one_key;
    char *
        renamed; /* rename-command: what a top-level row answers to instead of its name, "" nothing; NULL: its name */
    char full_name[2 * COMMAND_NAME_MAX + 2]; /* "get", "client|getname" */
};

/* True when rename-command has taken the command, or its container, away. */
bool command_entry_is_removed(const struct command_entry *entry);

struct command_table;

enum command_found {
    COMMAND_FOUND,
    COMMAND_UNKNOWN,
    COMMAND_UNKNOWN_SUBCOMMAND, /* the entry is the container's */
    COMMAND_WRONG_ARITY,        /* the entry is the command's */
};

/* Builds the table of everything in `index` (index.h), a NULL-ended list of NULL-ended lists. NULL: no memory. */
struct command_table *command_table_open(const struct command *const *const *index);
void command_table_close(struct command_table *table);
/* By name, any case, and subcommand where there are any. argc >= 1. Threads may share it. */
enum command_found command_table_find(const struct command_table *table, const struct slice *argv,
                                      size_t argc, const struct command_entry **entry_out);
/* By full name ("get", "client|list"), any case; NULL when there is none. */
const struct command_entry *command_table_named(const struct command_table *table, struct slice full_name);
/* The entry of a row; for CLIENT LIST's last command. */
const struct command_entry *command_table_entry(const struct command_table *table,
                                                const struct command *command);
unsigned command_table_count(const struct command_table *table); /* ids */
const struct command_entry *command_table_at(const struct command_table *table, unsigned id);
unsigned
command_table_top_level(const struct command_table *table); /* COMMAND COUNT: removed ones are left out */
/* The row's own name, whatever it answers to now: for rules about commands, any case; NULL when there is none. */
const struct command_entry *command_table_original(const struct command_table *table, struct slice full_name);
/* rename-command, before threads share the table: the command answers to `to` alone, to nothing when that is empty. NULL, or Redis's text
 * of what is wrong. */
const char *command_table_rename(struct command_table *table, struct slice from, struct slice to);
/* Room enough for every error of command_table_find: "ERR unknown command …", as Redis words it. */
#define COMMAND_ERROR_BYTES 512
void command_table_error(enum command_found found, const struct command_entry *entry,
                         const struct slice *argv, size_t argc, char text[COMMAND_ERROR_BYTES]);

/* ---- words of the metadata ---- */
/* The name of flag / category / key flag bit `bit`, NULL beyond the last. */
const char *command_flag_name(unsigned bit);
const char *command_category_name(unsigned bit);
uint32_t command_category_named(struct slice name); /* its bit, any case; 0: there is none */
const char *command_key_flag_name(unsigned bit);
const char *command_group_name(enum command_group group);

#endif
