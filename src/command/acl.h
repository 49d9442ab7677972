/* acl.h: the users of the server. What a session may do by its user is in acl/session.h.
 *
 * Terms: a *version* of a user is one struct acl_user (acl/user.h): a change makes a new one.
 *
 * How workers share users: versions do not change; the table that names the current ones is guarded by a mutex, a leaf in the lock order.
 * A session holds a reference to the version it runs under. A version that is replaced says so itself, so a session notices at its next
 * command, on its own thread, and takes the current one. Nothing is allocated for a check.
 *
 * Invariants:
 * A1. A command that begins after the reply to ACL SETUSER was sent is checked by the new rules.
 * A2. There is always a user "default".
 * A3. A session whose user is gone does nothing more: its connection is closed.
 */
#ifndef CAIRN_COMMAND_ACL_H
#define CAIRN_COMMAND_ACL_H

#include "command/acl/log.h"
#include "command/acl/user.h"

struct acl {
    pthread_mutex_t lock;
    const struct command_table *commands;
    struct acl_user **users; /* current versions, by name; guarded by lock */
    size_t count;
    size_t cap;
    struct acl_user *by_default; /* one of them */
    uint64_t last_identity;
    _Atomic bool nopass_default;  /* the default user has no password */
    _Atomic bool needs_login;     /* a new session is nobody yet: the default user is off or has a password */
    _Atomic bool all_channels;    /* acl-pubsub-default */
    _Atomic uint64_t log_max_len; /* acllog-max-len */
    _Atomic uint64_t denied[ACL_REASONS]; /* INFO acl_access_denied_* */
    struct acl_log log;
};

/* With the default user, who may do everything without a password. `commands` stays the caller's. */
MUST_CHECK enum error acl_open(struct acl *acl, const struct command_table *commands);
void acl_close(struct acl *acl); /* sessions are gone */

/* ---- users: any thread ---- */

/* Why rules are refused. */
struct acl_failure {
    acl_mistake mistake; /* NULL: a parenthesis of `word` does not close */
    char word[128];      /* the rule */
};

/* The current version, held for the caller; NULL: no such user. */
struct acl_user *acl_find(struct acl *acl, struct slice name);
/* Makes the user or changes it: all rules or none. *before_out: the version that was replaced, held for the caller; NULL: none. */
bool acl_set_user(struct acl *acl, struct slice name, const struct slice *rules, size_t count,
                  struct acl_user **before_out, struct acl_failure *failure_out);
/* Deletes the user; its last version, held for the caller, or NULL: no such user. Not for "default". */
struct acl_user *acl_delete_user(struct acl *acl, struct slice name);
/* requirepass; empty: none. */
MUST_CHECK enum error acl_set_default_password(struct acl *acl, struct slice password);
/* Calls `visit` for each user in the order of their names, with the lock held; returns how many. */
typedef void acl_visit(void *arg, const struct acl_user *user);
size_t acl_visit_users(struct acl *acl, acl_visit *visit, void *arg);

/* Replaces all users by the drafts, whose references go over; one of them is the default user. All but the
 * default user are other ones than before, as in Redis: sessions of theirs lose their user. False without memory: nothing has changed then, and the drafts stay the caller's. */
bool acl_replace_users(struct acl *acl, struct acl_user *const *drafts, size_t count);
/* The default user as it is without any configuration, a draft. NULL: no memory. */
struct acl_user *acl_new_default(const struct acl *acl);
void acl_reset_stats(struct acl *acl);

#endif
