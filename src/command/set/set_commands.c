/* set_commands.c: the commands of the set group. */
#include "command/set/set_commands.h"

#include "command/index.h"

const struct command *const set_commands[] = {
    &set_sadd,        &set_scard,     &set_sdiff,    &set_sdiffstore, &set_sinter,      &set_sintercard,
    &set_sinterstore, &set_sismember, &set_smembers, &set_smismember, &set_smove,       &set_spop,
    &set_srandmember, &set_srem,      &set_sscan,    &set_sunion,     &set_sunionstore, NULL,
};
