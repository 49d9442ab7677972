/* dump_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_DUMP_DUMP_COMMANDS_H
#define CAIRN_COMMAND_DUMP_DUMP_COMMANDS_H

#include "command/table.h"

/* dump.c */
extern const struct command dump_dump, dump_restore, dump_restore_asking;
/* migrate.c */
extern const struct command dump_migrate;

#endif
