/* list_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_LIST_LIST_COMMANDS_H
#define CAIRN_COMMAND_LIST_LIST_COMMANDS_H

#include "command/table.h"

/* push.c */
extern const struct command list_lpush, list_lpushx, list_rpush, list_rpushx;
/* pop.c */
extern const struct command list_blmpop, list_blpop, list_brpop, list_lmpop, list_lpop, list_rpop;
/* read.c */
extern const struct command list_lindex, list_llen, list_lpos, list_lrange;
/* change.c */
extern const struct command list_linsert, list_lrem, list_lset, list_ltrim;
/* move.c */
extern const struct command list_blmove, list_brpoplpush, list_lmove, list_rpoplpush;

#endif
