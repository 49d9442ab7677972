/* check.c: selectors against commands (check.h). */
#include "command/acl/check.h"

#include "command/key_specs.h"

#define ALLOWED ((struct acl_verdict){.allowed = true})

static struct acl_verdict refused(enum acl_reason reason, size_t at)
{
    return (struct acl_verdict){.reason = reason, .at = at};
}

/* ---- commands ---- */

static bool allows_first_arg(const struct acl_selector *selector, unsigned id, const struct slice *argv,
                             size_t argc)
{
    for (size_t i = 0; argc > 1 && i < selector->first_arg_count; i++) {
        const struct acl_first_arg *first = &selector->first_args[i];
        if (first->command_id == id && slice_is_word(argv[1], first->text)) return true;
    }
    return false;
}

static bool allows_command(const struct acl_selector *selector, const struct command_entry *entry,
                           const struct slice *argv, size_t argc)
{
    return selector->all_commands || entry->command->flags & COMMAND_NO_AUTH ||
           acl_selector_has_command(selector, entry->id) || allows_first_arg(selector, entry->id, argv, argc);
}

/* ---- keys ---- */

static unsigned wanted_of_key(uint32_t key_flags)
{
    unsigned wanted = key_flags & KEY_ACCESS ? ACL_READ : 0;
    return key_flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE) ? wanted | ACL_WRITE : wanted;
}

struct key_search {
    const struct acl_selector *selector;
    const struct slice *argv;
    size_t refused_at; /* 0: none */
};

static bool look_at_key(void *arg, size_t argv_index, uint32_t key_flags)
{
    struct key_search *search = arg;
    if (acl_patterns_match(&search->selector->keys, search->argv[argv_index], wanted_of_key(key_flags)))
        return true;
    search->refused_at = argv_index;
    return false;
}

static size_t refused_key(const struct acl_selector *selector, const struct command_entry *entry,
                          const struct slice *argv, size_t argc)
{
    struct key_search search = {selector, argv, 0};
    if (selector->all_keys || entry->key_kind == COMMAND_KEYS_NONE) return 0;
    /* Where the count of keys makes no sense, the command says so itself. */
    (void)key_specs_visit(entry->command, argv, argc, look_at_key, &search);
    return search.refused_at;
}

/* ---- channels ---- */

static bool allows_channel(const struct acl_selector *selector, struct slice channel, bool is_pattern)
{
    if (selector->all_channels) return true;
    return is_pattern ? acl_patterns_contain(&selector->channels, channel)
                      : acl_patterns_match(&selector->channels, channel, ACL_BOTH);
}

static size_t refused_channel(const struct acl_selector *selector, const struct command *command,
                              const struct slice *argv, size_t argc)
{
    if (command->channels == CHANNELS_NONE) return 0;
    size_t end = command->channels == CHANNELS_FIRST ? 2 : argc;
    for (size_t i = 1; i < end && i < argc; i++)
        if (!allows_channel(selector, argv[i], command->channels == CHANNELS_PATTERNS)) return i;
    return 0;
}

/* ---- all ---- */

static struct acl_verdict check_selector(const struct acl_selector *selector,
                                         const struct command_entry *entry, const struct slice *argv,
                                         size_t argc)
{
    if (!allows_command(selector, entry, argv, argc)) return refused(ACL_REASON_COMMAND, 0);
    size_t at = refused_key(selector, entry, argv, argc);
    if (at > 0) return refused(ACL_REASON_KEY, at);
    at = refused_channel(selector, entry->command, argv, argc);
    return at > 0 ? refused(ACL_REASON_CHANNEL, at) : ALLOWED;
}

/* The selector that comes furthest tells why. */
static bool comes_further(const struct acl_verdict *verdict, const struct acl_verdict *than)
{
    if (verdict->reason != than->reason) return verdict->reason > than->reason;
    return verdict->at > than->at;
}

struct acl_verdict acl_check(const struct acl_user *user, const struct command_entry *entry,
                             const struct slice *argv, size_t argc)
{
    struct acl_verdict worst = refused(ACL_REASON_COMMAND, 0);
    for (size_t i = 0; i < user->selector_count; i++) {
        struct acl_verdict verdict = check_selector(user->selectors[i], entry, argv, argc);
        if (verdict.allowed) return verdict;
        if (comes_further(&verdict, &worst)) worst = verdict;
    }
    return worst;
}

bool acl_check_reads_all(const struct acl_user *user, const struct command_entry *entry,
                         const struct slice *argv, size_t argc)
{
    for (size_t i = 0; i < user->selector_count; i++) {
        const struct acl_selector *selector = user->selectors[i];
        bool reads_all = selector->all_keys;
        for (size_t k = 0; k < selector->keys.count && !reads_all; k++) {
            const struct acl_pattern *pattern = &selector->keys.items[k];
            reads_all = pattern->permits & ACL_READ && pattern->len == 1 && pattern->text[0] == '*';
        }
        if (reads_all && check_selector(selector, entry, argv, argc).allowed) return true;
    }
    return false;
}

bool acl_check_channel(const struct acl_user *user, struct slice channel, bool is_pattern)
{
    for (size_t i = 0; i < user->selector_count; i++)
        if (allows_channel(user->selectors[i], channel, is_pattern)) return true;
    return false;
}
