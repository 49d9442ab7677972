/* hash_commands.c: the commands of the hash group. */
#include "command/hash/hash_commands.h"

#include "command/index.h"

const struct command *const hash_commands[] = {
    &hash_hdel,
    &hash_hexists,
    &hash_hexpire,
    &hash_hexpireat,
    &hash_hexpiretime,
    &hash_hget,
    &hash_hgetall,
    &hash_hgetdel,
    &hash_hgetex,
    &hash_hincrby,
    &hash_hincrbyfloat,
    &hash_hkeys,
    &hash_hlen,
    &hash_hmget,
    &hash_hmset,
    &hash_hpersist,
    &hash_hpexpire,
    &hash_hpexpireat,
    &hash_hpexpiretime,
    &hash_hpttl,
    &hash_hrandfield,
    &hash_hscan,
    &hash_hset,
    &hash_hsetex,
    &hash_hsetnx,
    &hash_hstrlen,
    &hash_httl,
    &hash_hvals,
    NULL,
};
