/* acl_commands.c: ACL: the container of its subcommands. */
#include "command/acl/acl_commands.h"

#include "command/help.h"
#include "command/index.h"

static const struct command *const subcommands[] = {
    &acl_command_cat,     &acl_command_deluser,
    &acl_command_dryrun,  &acl_command_genpass,
    &acl_command_getuser, &acl_command_help,
    &acl_command_list,    &acl_command_load,
    &acl_command_log,     &acl_command_save,
    &acl_command_setuser, &acl_command_users,
    &acl_command_whoami,  NULL,
};

static const struct command acl = {
    .name = "acl",
    .arity = -2,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Holds the commands about users and what they may do.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

const struct command *const acl_commands[] = {&acl, NULL};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "CAT [<category>]",
        "    The categories of commands, or the commands of one.",
        "DELUSER <username> [<username> ...]",
        "    Delete users and close their connections.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Whether the user may run the command; nothing is run.",
        "GETUSER <username>",
        "    What a user may do.",
        "GENPASS [<bits>]",
        "    A random password of 256 or so many bits.",
        "LIST",
        "    All users, as in an ACL file.",
        "LOAD",
        "    Read the users from the ACL file again.",
        "LOG [<count> | RESET]",
        "    What users were refused.",
        "SAVE",
        "    Write the users into the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]",
        "    Make a user or change one.",
        "USERS",
        "    The names of all users.",
        "WHOAMI",
        "    The name of this connection's user.",
        NULL,
    };
    help_reply(call, "ACL", lines);
}
const struct command acl_command_help = {HELP_ROW(help, GROUP_SERVER, 0, "6.0.0")};
