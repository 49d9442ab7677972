/* list_commands.c: the commands of the list group. */
#include "command/list/list_commands.h"

#include "command/index.h"

const struct command *const list_commands[] = {
    &list_blmove, &list_blmpop, &list_blpop, &list_brpop, &list_brpoplpush, &list_lindex,    &list_linsert,
    &list_llen,   &list_lmove,  &list_lmpop, &list_lpop,  &list_lpos,       &list_lpush,     &list_lpushx,
    &list_lrange, &list_lrem,   &list_lset,  &list_ltrim, &list_rpop,       &list_rpoplpush, &list_rpush,
    &list_rpushx, NULL,
};
