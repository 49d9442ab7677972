/* bounds.h: ranges of scores and of members as clients give them. */
#ifndef CAIRN_COMMAND_SORTED_SET_BOUNDS_H
#define CAIRN_COMMAND_SORTED_SET_BOUNDS_H

#include "command/call.h"
#include "ds/zset_view.h"

enum sorted_set_range_kind { RANGE_RANK, RANGE_SCORE, RANGE_LEX };

struct sorted_set_range {
    enum sorted_set_range_kind kind;
    int64_t first_rank, last_rank; /* RANGE_RANK: both included, negative ones from the end */
    struct zset_bound first, last; /* else: the items from the first bound to before the last one */
};

/* Reads the arguments `low` and `high`. False after the error was replied. */
bool sorted_set_range_parse(struct call *call, enum sorted_set_range_kind kind, size_t low, size_t high,
                            struct sorted_set_range *range_out);
/* Bounds of members get the score that all items have. Where scores differ, members alone are compared, as if they
 * ascended. */
void sorted_set_range_settle(struct sorted_set_range *range, const struct zset_view *view);
/* The range as ranks [first, end). */
void sorted_set_range_ranks(struct sorted_set_range *range, const struct zset_view *view, uint64_t *first_out,
                            uint64_t *end_out);

#endif
