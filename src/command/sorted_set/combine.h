/* combine.h: unions, intersections and differences of sorted sets and sets, in memory. */
#ifndef CAIRN_COMMAND_SORTED_SET_COMBINE_H
#define CAIRN_COMMAND_SORTED_SET_COMBINE_H

#include "command/call.h"
#include "ds/zset.h"

enum combine_op { COMBINE_UNION, COMBINE_INTER, COMBINE_DIFF };
enum combine_aggregate { AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX };

/* One of the values that are combined. */
struct combine_source {
    const struct entry *entry; /* NULL: a missing key */
    bool is_set;               /* its members have a score of 1 */
    uint64_t count;
    double weight;
    char *texts; /* of short members of a set, while they are in use */
};

struct combination {
    const struct heap *heap;
    enum combine_op op;
    enum combine_aggregate aggregate;
    uint64_t limit; /* of an intersection's items; 0: none */
    struct combine_source *sources;
    size_t source_count;
    /* The result, from combine_run: in order of scores and members. Borrowed from the sources. */
    struct zset_item *items;
    size_t count;
};

/* Room for `count` sources; combine_free is due. */
MUST_CHECK enum error combine_init(struct combination *combination, const struct heap *heap, size_t count);
void combine_set_source(struct combination *combination, size_t index, const struct entry *entry);
MUST_CHECK enum error combine_run(struct combination *combination);
void combine_free(struct combination *combination);

#endif
