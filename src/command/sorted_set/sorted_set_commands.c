/* sorted_set_commands.c: the commands of the sorted set group. */
#include "command/sorted_set/sorted_set_commands.h"

#include "command/index.h"

const struct command *const sorted_set_commands[] = {
    &sorted_set_bzmpop, &sorted_set_bzpopmax, &sorted_set_bzpopmin,
    &sorted_set_zadd,           &sorted_set_zcard,           &sorted_set_zcount,
    &sorted_set_zdiff,          &sorted_set_zdiffstore,      &sorted_set_zincrby,
    &sorted_set_zinter,         &sorted_set_zintercard,      &sorted_set_zinterstore,
    &sorted_set_zlexcount,      &sorted_set_zmpop,           &sorted_set_zmscore,
    &sorted_set_zpopmax,        &sorted_set_zpopmin,         &sorted_set_zrandmember,
    &sorted_set_zrange,         &sorted_set_zrangebylex,     &sorted_set_zrangebyscore,
    &sorted_set_zrangestore,    &sorted_set_zrank,           &sorted_set_zrem,
    &sorted_set_zremrangebylex, &sorted_set_zremrangebyrank, &sorted_set_zremrangebyscore,
    &sorted_set_zrevrange,      &sorted_set_zrevrangebylex,  &sorted_set_zrevrangebyscore,
    &sorted_set_zrevrank,       &sorted_set_zscan,           &sorted_set_zscore,
    &sorted_set_zunion,         &sorted_set_zunionstore,     NULL,
};
