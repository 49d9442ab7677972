/* hash_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_HASH_HASH_COMMANDS_H
#define CAIRN_COMMAND_HASH_HASH_COMMANDS_H

#include "command/table.h"

/* set.c */
extern const struct command hash_hdel, hash_hmset, hash_hset, hash_hsetnx;
/* get.c */
extern const struct command hash_hexists, hash_hget, hash_hgetall, hash_hkeys, hash_hlen, hash_hmget,
    hash_hstrlen, hash_hvals;
/* counter.c */
extern const struct command hash_hincrby, hash_hincrbyfloat;
/* expire.c */
extern const struct command hash_hexpire, hash_hexpireat, hash_hpersist, hash_hpexpire, hash_hpexpireat;
/* ttl.c */
extern const struct command hash_hexpiretime, hash_hpexpiretime, hash_hpttl, hash_httl;
/* getex.c */
extern const struct command hash_hgetdel, hash_hgetex;
/* setex.c */
extern const struct command hash_hsetex;
/* random.c */
extern const struct command hash_hrandfield;
/* scan.c */
extern const struct command hash_hscan;

#endif
