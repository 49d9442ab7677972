/* help.h: the HELP subcommand of every container. */
#ifndef CAIRN_COMMAND_HELP_H
#define CAIRN_COMMAND_HELP_H

#include "command/call.h"

/* Replies Redis's frame around `lines` (ends with NULL): "<container> <subcommand> …", the lines, HELP
 * itself. */
void help_reply(struct call *call, const char *container, const char *const *lines);

/* The fields that every HELP row shares. */
#define HELP_ROW(handler_function, row_group, row_categories, row_since)                                     \
    .name = "help", .handler = (handler_function), .arity = 2, .flags = COMMAND_LOADING | COMMAND_STALE,     \
    .categories = (row_categories), .group = (row_group), .since = (row_since),                              \
    .summary = "Answers what the subcommands do.", .complexity = "O(1)"

#endif
