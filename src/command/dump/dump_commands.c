/* dump_commands.c: the commands that turn values into payloads and back. */
#include "command/dump/dump_commands.h"

#include "command/index.h"

const struct command *const dump_commands[] = {
    &dump_dump, &dump_migrate, &dump_restore, &dump_restore_asking, NULL,
};
