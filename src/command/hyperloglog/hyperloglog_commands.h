/* hyperloglog_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_HYPERLOGLOG_HYPERLOGLOG_COMMANDS_H
#define CAIRN_COMMAND_HYPERLOGLOG_HYPERLOGLOG_COMMANDS_H

#include "command/table.h"

/* count.c */
extern const struct command hyperloglog_pfadd, hyperloglog_pfcount, hyperloglog_pfmerge;
/* inspect.c */
extern const struct command hyperloglog_pfdebug, hyperloglog_pfselftest;

#endif
