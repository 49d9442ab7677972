/* stream_group.h: consumer groups of a stream, their consumers, and the entries that these have been given and not acknowledged.
 *
 * Terms: a *pending record* says who was given an entry, when, and how often; the entry itself may be gone.
 *
 * Pointers to groups, consumers and records are good until they are removed; all change in the caller's transaction, and an error means
 * that it must be rolled back.
 */
#ifndef CAIRN_DS_STREAM_GROUP_H
#define CAIRN_DS_STREAM_GROUP_H

#include "ds/stream.h"
#include "ds/stream_names.h"

/* ---- groups, in the order of their names ---- */

unsigned stream_group_count(struct stream stream);
struct stream_group_layout *stream_group_at(struct stream stream, unsigned index);
struct stream_group_layout *stream_group_find(struct stream stream, struct slice name); /* NULL: none */
/* entries_read may be STREAM_COUNT_UNKNOWN. *created_out false: the group was there, nothing changed. */
MUST_CHECK enum error stream_group_create(struct tx *tx, struct stream stream, struct slice name,
                                          struct stream_id last, int64_t entries_read, bool *created_out);
MUST_CHECK enum error stream_group_set(struct tx *tx, struct stream_group_layout *group,
                                       struct stream_id last, int64_t entries_read);
MUST_CHECK enum error stream_group_destroy(struct tx *tx, struct stream stream, struct slice name,
                                           bool *destroyed_out);

/* Where a group stands after it was given `id`, an entry behind `last`: what stream_group_set then notes. `first` is the stream's
 * first ID. */
int64_t stream_group_count_read(struct stream stream, struct stream_id first, struct stream_id last,
                                int64_t entries_read, struct stream_id id);
/* Entries that wait to be given to the group; false when that cannot be told. */
bool stream_group_lag(struct stream stream, const struct stream_group_layout *group, int64_t *lag_out);

/* ---- consumers, in the order of their names ---- */

unsigned stream_consumer_count(struct stream stream, const struct stream_group_layout *group);
struct stream_consumer_layout *stream_consumer_at(struct stream stream,
                                                  const struct stream_group_layout *group, unsigned index);
struct stream_consumer_layout *stream_consumer_find(struct stream stream,
                                                    const struct stream_group_layout *group,
                                                    struct slice name); /* NULL: none */
/* Of a name that is not there. */
MUST_CHECK enum error stream_consumer_create(struct tx *tx, struct stream stream,
                                             struct stream_group_layout *group, struct slice name,
                                             int64_t now_ms, struct stream_consumer_layout **consumer_out);
/* With all that it has pending. */
MUST_CHECK enum error stream_consumer_delete(struct tx *tx, struct stream stream,
                                             struct stream_group_layout *group, struct slice name);
/* The consumer was heard of, and with `active` it was given something. */
MUST_CHECK enum error stream_consumer_touch(struct tx *tx, struct stream_consumer_layout *consumer,
                                            int64_t now_ms, bool active);

/* ---- pending records ---- */

struct stream_pending_layout *stream_pending_find(struct stream stream, struct stream_group_layout *group,
                                                  struct stream_id id); /* NULL: none */
/* A record of an ID that has none. */
MUST_CHECK enum error stream_pending_add(struct tx *tx, struct stream stream,
                                         struct stream_group_layout *group,
                                         struct stream_consumer_layout *consumer, struct stream_id id,
                                         int64_t delivered_ms, int64_t deliveries,
                                         struct stream_pending_layout **pending_out);
/* Says whose it is now, and the rest. */
MUST_CHECK enum error stream_pending_assign(struct tx *tx, struct stream stream,
                                            struct stream_pending_layout *pending,
                                            struct stream_consumer_layout *consumer, int64_t delivered_ms,
                                            int64_t deliveries);
MUST_CHECK enum error stream_pending_remove(struct tx *tx, struct stream stream,
                                            struct stream_group_layout *group,
                                            struct stream_pending_layout *pending);

/* Records of a group (&group->pending) or of a consumer (&consumer->pending) from an ID on; good until either is written, but for
 * stream_pending_assign to the consumer that has the record. */
struct stream_pending_range {
    struct btree tree;
    struct btree_cursor cursor;
    bool started, ended;
};
struct stream_pending_range stream_pending_from(struct stream stream, struct btree_layout *pending,
                                                struct stream_id first);
struct stream_pending_layout *stream_pending_next(struct stream_pending_range *range); /* NULL at the end */
/* The last record; NULL: none. */
struct stream_pending_layout *stream_pending_last(struct stream stream, struct btree_layout *pending);
static inline struct stream_consumer_layout *
stream_pending_consumer(struct stream stream, const struct stream_pending_layout *pending)
{
    return (void *)(stream.base + pending->consumer);
}

/* ---- for the files of the stream ---- */

/* Frees a group that no list names, about *budget blocks; *progress (logged, in the root) counts records freed. */
MUST_CHECK enum error stream_group__reclaim(struct tx *tx, struct stream stream,
                                            struct stream_group_layout *group, uint64_t *progress,
                                            unsigned *budget, bool *done_out);

#endif
