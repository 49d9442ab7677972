/* bitmap_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_BITMAP_BITMAP_COMMANDS_H
#define CAIRN_COMMAND_BITMAP_BITMAP_COMMANDS_H

#include "command/table.h"

/* bit.c */
extern const struct command bitmap_getbit, bitmap_setbit;
/* count.c */
extern const struct command bitmap_bitcount, bitmap_bitpos;
/* op.c */
extern const struct command bitmap_bitop;
/* field.c */
extern const struct command bitmap_bitfield, bitmap_bitfield_ro;

#endif
