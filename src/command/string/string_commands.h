/* string_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_STRING_STRING_COMMANDS_H
#define CAIRN_COMMAND_STRING_STRING_COMMANDS_H

#include "command/table.h"

/* set.c */
extern const struct command string_getset, string_mset, string_msetnx, string_psetex, string_set,
    string_setex, string_setnx;
/* get.c */
extern const struct command string_get, string_getdel, string_getex, string_mget, string_strlen;
/* range.c */
extern const struct command string_append, string_getrange, string_setrange, string_substr;
/* counter.c */
extern const struct command string_decr, string_decrby, string_incr, string_incrby, string_incrbyfloat;
/* lcs.c */
extern const struct command string_lcs;

#endif
