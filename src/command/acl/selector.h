/* selector.h: a set of permissions: commands, keys and channels. A user has one, and may have more, in parentheses.
 *
 * Terms: a *rule* is a word of ACL SETUSER: "+get", "~key:*". The *base* of a selector's commands is everything or nothing; what was
 * allowed and forbidden since is kept as text too, for ACL LIST.
 *
 * A selector is changed while nobody else knows of it, and read by many threads afterwards.
 */
#ifndef CAIRN_COMMAND_ACL_SELECTOR_H
#define CAIRN_COMMAND_ACL_SELECTOR_H

#include "command/acl/pattern.h"
#include "command/table.h"
#include "resp/write.h"

/* Why a rule is refused: NULL when it is not. Redis's texts; static storage. */
typedef const char *acl_mistake;
#define ACL_MISTAKE_SYNTAX  "Syntax error"
#define ACL_MISTAKE_UNKNOWN "Unknown command or category name in ACL"
#define ACL_MISTAKE_MEMORY  "out of memory"

struct acl_first_arg { /* "+select|0": a command that is allowed with this first argument only */
    unsigned command_id;
    char *text; /* owned, lower case */
};

struct acl_selector {
    bool all_commands; /* nothing was ever taken away from the base of everything */
    bool all_keys;
    bool all_channels;
    bool base_is_all;
    uint64_t *commands; /* by command id */
    size_t words;
    struct acl_patterns keys;
    struct acl_patterns channels;
    struct acl_first_arg *first_args;
    size_t first_arg_count;
    char **rules; /* since the base, in their order: "+get", "-@dangerous", lower case; owned */
    size_t rule_count;
};

/* May do nothing. NULL: no memory. */
struct acl_selector *acl_selector_new(const struct command_table *table);
struct acl_selector *acl_selector_copy(const struct acl_selector *selector);
void acl_selector_free(struct acl_selector *selector);

acl_mistake acl_selector_apply(struct acl_selector *selector, const struct command_table *table,
                               struct slice rule);

static inline bool acl_selector_has_command(const struct acl_selector *selector, unsigned id)
{
    return selector->commands[id / 64] >> (id % 64) & 1;
}
static inline bool acl_selector_allows_all(const struct acl_selector *selector)
{
    return selector->all_commands && selector->all_keys && selector->all_channels;
}

/* As rules: "~key:* %R~x", "&news" and "+@all -get", raw text. */
void acl_selector_write_keys(const struct acl_selector *selector, struct resp_out *out);
void acl_selector_write_channels(const struct acl_selector *selector, struct resp_out *out);
void acl_selector_write_commands(const struct acl_selector *selector, struct resp_out *out);
/* All of it, as ACL LIST shows it. */
void acl_selector_write(const struct acl_selector *selector, struct resp_out *out);

/* True for bytes that no name and no pattern may have. */
bool acl_has_blanks(struct slice text);

#endif
