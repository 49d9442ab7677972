/* add.h: adding to sorted sets: what ZADD, ZINCRBY and GEOADD share. */
#ifndef CAIRN_COMMAND_SORTED_SET_ADD_H
#define CAIRN_COMMAND_SORTED_SET_ADD_H

#include "command/call.h"
#include "ds/zset.h"

#define SORTED_SET_NX   (1u << 0)
#define SORTED_SET_XX   (1u << 1)
#define SORTED_SET_GT   (1u << 2)
#define SORTED_SET_LT   (1u << 3)
#define SORTED_SET_CH   (1u << 4)
#define SORTED_SET_INCR (1u << 5)

/* True when argument `arg` is one of these options, which is then set. */
bool sorted_set_add_option(const struct call *call, size_t arg, unsigned allowed, unsigned *options);
/* False after the error was replied. */
bool sorted_set_options_fit(struct call *call, unsigned options, size_t pairs);
/* Puts the items into the set at key 0 as the options say, and replies. Items are taken one by one from next(ctx, i). */
void sorted_set_add(struct call *call, unsigned options, size_t count,
                    struct zset_item (*next)(void *ctx, size_t index), void *ctx);

#endif
