/* table_words.c: the words in which COMMAND INFO and DOCS print flags, categories and groups. */
#include "command/table.h"

#define WORD_AT(words, bit) ((bit) < sizeof(words) / sizeof *(words) ? (words)[bit] : NULL)

const char *command_flag_name(unsigned bit)
{
    static const char *const words[] = {
        "write",       "readonly",     "denyoom",          "admin",
        "pubsub",      "noscript",     "blocking",         "loading",
        "stale",       "skip_monitor", "skip_slowlog",     "asking",
        "fast",        "no_auth",      "may_replicate",    "no_multi",
        "movablekeys", "allow_busy",   "no_async_loading",
    };
    return WORD_AT(words, bit);
}

const char *command_category_name(unsigned bit)
{
    static const char *const words[] = {
        "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
        "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
        "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
    };
    return WORD_AT(words, bit);
}

uint32_t command_category_named(struct slice name)
{
    for (unsigned bit = 0; command_category_name(bit); bit++)
        if (slice_is_word(name, command_category_name(bit))) return UINT32_C(1) << bit;
    return 0;
}

const char *command_key_flag_name(unsigned bit)
{
    static const char *const words[] = {
        "RO",     "RW",     "OW",      "RM",         "access",         "update",
        "insert", "delete", "not_key", "incomplete", "variable_flags",
    };
    return WORD_AT(words, bit);
}

const char *command_group_name(enum command_group group)
{
    static const char *const words[] = {
        "generic",    "string", "bitmap",      "connection", "server", "hash",      "list",         "set",
        "sorted-set", "stream", "hyperloglog", "geo",        "pubsub", "scripting", "transactions",
    };
    return WORD_AT(words, (unsigned)group);
}
