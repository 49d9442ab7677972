/* tracking_internal.h: what the files of tracking share (tracking.h). */
#ifndef CAIRN_COMMAND_TRACKING_INTERNAL_H
#define CAIRN_COMMAND_TRACKING_INTERNAL_H

#include "command/tracking.h"

struct tracker {
    _Atomic uint64_t refs; /* K3 */
    uint64_t session_id;
    unsigned worker_id;
    struct spinlock lock; /* of the rest, which its session's thread changes; that thread reads it without */
    uint32_t flags;
    uint64_t redirect; /* 0: none */
    unsigned redirect_worker;
    struct slice *prefixes; /* names are malloc'd */
    size_t prefix_count;
    size_t prefix_bytes;  /* of memory */
    struct tracker *prev; /* of its worker's */
    struct tracker *next;
};

/* Where an invalidation goes: as the tracker wished when it was made. */
struct told {
    struct tracker *tracker;
    uint64_t redirect;
    unsigned worker_id; /* the destination */
};

struct tracker *tracking__ref(struct tracker *tracker);
void tracking__unref(struct tracker *tracker);
/* Tells each of `told` that `key` is not what it was, or that no key is (ptr NULL). Takes over their references. Returns the workers to wake. */
uint64_t tracking__tell(struct server_state *server, struct inbox_sender *sender, struct slice key,
                        const struct told *told, size_t count);
/* Tells all trackers of the server to forget what they know (K5). Returns the workers to wake. */
uint64_t tracking__raise_alarm(struct server_state *server);
/* Delivery on the destination. `keys`: an encoded array; ptr NULL: all keys. */
void tracking__push(struct worker *worker, const struct told *told, struct slice keys);

/* Prefixes, on the destination. */
struct inbox_message *tracking__join(const struct server_state *server, struct tracker *tracker,
                                     struct slice prefix);
struct inbox_message *tracking__leave(const struct server_state *server, struct tracker *tracker);
void tracking__free_prefixes(struct tracking_local *local);
/* `key` changed: to the workers that serve broadcasting trackers. */
uint64_t tracking__broadcast(struct server_state *server, struct inbox_sender *sender, struct slice key,
                             uint64_t by);

/* How many trackers have a prefix, of all workers: for INFO. False without memory. */
bool tracking__name_prefix(struct server_state *server, struct slice prefix);
void tracking__unname_prefix(struct server_state *server, struct slice prefix);
void tracking__forget_prefixes(struct tracking *tracking);
/* Empties the table of keys. */
void tracking__forget_keys(struct tracking *tracking);

#endif
