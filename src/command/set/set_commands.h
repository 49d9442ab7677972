/* set_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_SET_SET_COMMANDS_H
#define CAIRN_COMMAND_SET_SET_COMMANDS_H

#include "command/table.h"

/* member.c */
extern const struct command set_sadd, set_scard, set_sismember, set_smismember, set_smove, set_srem;
/* list.c */
extern const struct command set_smembers, set_sscan;
/* random.c */
extern const struct command set_spop, set_srandmember;
/* combine.c */
extern const struct command set_sdiff, set_sdiffstore, set_sinter, set_sintercard, set_sinterstore,
    set_sunion, set_sunionstore;

#endif
