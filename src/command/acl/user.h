/* user.h: a user: a name, passwords, and selectors. What commands see of users is in command/acl.h.
 *
 * Terms: a *version* of a user is one struct acl_user. Versions of the same user have the same identity; a user that was deleted and
 * made again is another one.
 *
 * Invariants:
 * U1. A version is changed only before it is published (a *draft*); afterwards but for `refs`, `replaced` and `plain`.
 */
#ifndef CAIRN_COMMAND_ACL_USER_H
#define CAIRN_COMMAND_ACL_USER_H

#include "command/acl/selector.h"

#include <stdatomic.h>

#define ACL_DIGEST_BYTES 32
#define ACL_DIGEST_TEXT  64

struct acl_digest { /* SHA-256 of a password */
    unsigned char bytes[ACL_DIGEST_BYTES];
};

struct acl_user {
    _Atomic uint64_t refs;
    _Atomic bool plain;    /* current, and may do everything: nothing needs to be looked at */
    _Atomic bool replaced; /* by another version, or the user is gone */
    uint64_t identity;
    bool on;
    bool nopass;
    bool skip_sanitize;
    struct acl_digest *passwords;
    size_t password_count;
    struct acl_selector **selectors; /* the root selector first */
    size_t selector_count;
    char *name; /* owned */
};

/* A draft that is off and may do nothing; its one reference is the caller's. NULL: no memory. */
struct acl_user *acl_user_new(const struct command_table *table, struct slice name, bool all_channels);
struct acl_user *acl_user_copy(const struct acl_user *from);
void acl_user_hold(struct acl_user *user);
void acl_user_release(struct acl_user *user); /* NULL is fine */

/* `all_channels`: acl-pubsub-default, for "reset" and new selectors. */
acl_mistake acl_user_apply(struct acl_user *draft, const struct command_table *table, bool all_channels,
                           struct slice rule);
/* In a time that does not depend on the password given. */
bool acl_user_password_fits(const struct acl_user *user, struct slice password);
bool acl_user_may_all(const struct acl_user *user);
/* "user <name> <rules>", raw text: a line of ACL LIST, of an ACL file and of redis.conf. */
void acl_user_write(const struct acl_user *user, struct resp_out *out);
void acl_digest_text(const struct acl_digest *digest, char text[ACL_DIGEST_TEXT]);

/* Joins the words of rules that belong together because a parenthesis opens in one and closes in another. `joined_out` is the caller's
 * to free with acl_rules_free. False, with *mistaken_out the word whose parenthesis does not close (len 0: no memory). */
struct acl_rules {
    struct slice *words;
    size_t count;
    char *text; /* of joined words */
};
bool acl_rules_join(const struct slice *words, size_t count, struct acl_rules *joined_out,
                    struct slice *mistaken_out);
void acl_rules_free(struct acl_rules *rules);

#endif
