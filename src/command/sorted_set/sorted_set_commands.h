/* sorted_set_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_SORTED_SET_SORTED_SET_COMMANDS_H
#define CAIRN_COMMAND_SORTED_SET_SORTED_SET_COMMANDS_H

#include "command/table.h"

/* add.c */
extern const struct command sorted_set_zadd, sorted_set_zincrby;
/* algebra.c */
extern const struct command sorted_set_zdiff, sorted_set_zdiffstore, sorted_set_zinter, sorted_set_zintercard,
    sorted_set_zinterstore, sorted_set_zunion, sorted_set_zunionstore;
/* count.c */
extern const struct command sorted_set_zcard, sorted_set_zcount, sorted_set_zlexcount;
/* get.c */
extern const struct command sorted_set_zmscore, sorted_set_zrank, sorted_set_zrevrank, sorted_set_zscore;
/* pop.c */
extern const struct command sorted_set_bzmpop, sorted_set_bzpopmax, sorted_set_bzpopmin, sorted_set_zmpop,
    sorted_set_zpopmax, sorted_set_zpopmin;
/* random.c */
extern const struct command sorted_set_zrandmember;
/* range.c */
extern const struct command sorted_set_zrange, sorted_set_zrangebylex, sorted_set_zrangebyscore,
    sorted_set_zrangestore, sorted_set_zrevrange, sorted_set_zrevrangebylex, sorted_set_zrevrangebyscore;
/* remove.c */
extern const struct command sorted_set_zrem, sorted_set_zremrangebylex, sorted_set_zremrangebyrank,
    sorted_set_zremrangebyscore;
/* scan.c */
extern const struct command sorted_set_zscan;

#endif
