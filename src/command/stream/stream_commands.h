/* stream_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_STREAM_STREAM_COMMANDS_H
#define CAIRN_COMMAND_STREAM_STREAM_COMMANDS_H

#include "command/table.h"

/* entries.c */
extern const struct command stream_xadd, stream_xdel, stream_xlen, stream_xsetid;
/* trim.c */
extern const struct command stream_xtrim;
/* range.c */
extern const struct command stream_xrange, stream_xrevrange;
/* read.c */
extern const struct command stream_xread, stream_xreadgroup;
/* group.c */
extern const struct command stream_xgroup;
/* pending.c */
extern const struct command stream_xack, stream_xpending;
/* claim.c */
extern const struct command stream_xautoclaim, stream_xclaim;
/* info.c */
extern const struct command stream_xinfo;

#endif
