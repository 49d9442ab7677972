/* stream_id.h: IDs of stream entries: milliseconds and a sequence number, in this order. */
#ifndef CAIRN_DS_STREAM_ID_H
#define CAIRN_DS_STREAM_ID_H

#include <stdbool.h>
#include <stdint.h>

struct stream_id {
    uint64_t ms;
    uint64_t seq;
};

#define STREAM_ID_MIN ((struct stream_id){0, 0})
#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})

static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

static inline bool stream_id_equal(struct stream_id a, struct stream_id b)
{
    return a.ms == b.ms && a.seq == b.seq;
}

static inline bool stream_id_is_zero(struct stream_id id)
{
    return (id.ms | id.seq) == 0;
}

/* The ID after (before) *id; false, and nothing changed, when there is none. */
static inline bool stream_id_increment(struct stream_id *id)
{
    if (stream_id_equal(*id, STREAM_ID_MAX)) return false;
    id->ms += ++id->seq == 0;
    return true;
}

static inline bool stream_id_decrement(struct stream_id *id)
{
    if (stream_id_is_zero(*id)) return false;
    id->ms -= id->seq-- == 0;
    return true;
}

/* A number for each ID that never falls as IDs rise, and that differs for IDs of the next 500 years with sequence
 * numbers below a million: what B+ trees of IDs are ordered by. */
#define STREAM_ID_ORDER_SEQ_BITS 20
static inline uint64_t stream_id_order(struct stream_id id)
{
    const uint64_t seq_max = (UINT64_C(1) << STREAM_ID_ORDER_SEQ_BITS) - 1;
    const uint64_t ms_max = UINT64_MAX >> STREAM_ID_ORDER_SEQ_BITS;
    if (id.ms >= ms_max) return UINT64_MAX - 1; /* keys are compared with order + 1 */
    return id.ms << STREAM_ID_ORDER_SEQ_BITS | (id.seq < seq_max ? id.seq : seq_max);
}

#endif
