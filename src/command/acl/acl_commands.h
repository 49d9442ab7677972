/* acl_commands.h: the rows of ACL's subcommands. */
#ifndef CAIRN_COMMAND_ACL_ACL_COMMANDS_H
#define CAIRN_COMMAND_ACL_ACL_COMMANDS_H

#include "command/call.h"

extern const struct command acl_command_cat;
extern const struct command acl_command_deluser;
extern const struct command acl_command_dryrun;
extern const struct command acl_command_genpass;
extern const struct command acl_command_getuser;
extern const struct command acl_command_help;
extern const struct command acl_command_list;
extern const struct command acl_command_load;
extern const struct command acl_command_log;
extern const struct command acl_command_save;
extern const struct command acl_command_setuser;
extern const struct command acl_command_users;
extern const struct command acl_command_whoami;

#define ACL_OPEN_FLAGS  (COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)
#define ACL_ADMIN_FLAGS (ACL_OPEN_FLAGS | COMMAND_ADMIN)

#endif
