/* check.h: whether a user may run a command with its arguments. */
#ifndef CAIRN_COMMAND_ACL_CHECK_H
#define CAIRN_COMMAND_ACL_CHECK_H

#include "command/acl/log.h"
#include "command/acl/user.h"

struct acl_verdict {
    bool allowed;
    enum acl_reason reason; /* when not */
    size_t at;              /* the argument that is refused; of ACL_REASON_COMMAND: 0 */
};

/* By one selector as a whole: two do not add up. Allocates nothing. */
struct acl_verdict acl_check(const struct acl_user *user, const struct command_entry *entry,
                             const struct slice *argv, size_t argc);
/* Whether a selector that allows the command with its keys may read all keys (SORT BY and GET). */
bool acl_check_reads_all(const struct acl_user *user, const struct command_entry *entry,
                         const struct slice *argv, size_t argc);
/* Whether it may publish to the channel, or subscribe to it; `is_pattern`: then only the very same pattern allows it. */
bool acl_check_channel(const struct acl_user *user, struct slice channel, bool is_pattern);

#endif
