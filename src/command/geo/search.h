/* search.h: finding points inside a shape, sorting, answering and storing them: what GEOSEARCH and GEORADIUS share. */
#ifndef CAIRN_COMMAND_GEO_SEARCH_H
#define CAIRN_COMMAND_GEO_SEARCH_H

#include "command/geo/arguments.h"

enum geo_order { GEO_ANY_ORDER, GEO_ASCENDING, GEO_DESCENDING };

struct geo_search {
    struct geo_shape shape;
    double unit_m; /* of the distances answered */
    enum geo_order order;
    uint64_t count; /* 0: all */
    bool any;       /* the first ones found will do */
    bool with_distance, with_hash, with_point;
    size_t source_key;
    bool stores;
    size_t target_key; /* stores */
    bool stores_distance;
    const char *event; /* stores */
};

/* True when argument `arg` is one of the options that all forms have; `*arg` then stands at its last word. An error is
 * replied, and *failed_out set. */
bool geo_search_option(struct call *call, size_t *arg, struct geo_search *search, bool *failed_out);
/* The place of the member that argument `arg` names, in a set that exists. False after an error was replied. */
bool geo_search_member(struct call *call, const struct entry *entry, size_t arg, struct geo_point *point_out);
/* Runs the search and replies. `entry`: the set, or NULL. */
void geo_search_run(struct call *call, const struct geo_search *search, const struct entry *entry);

#endif
