/* hash_packed.h: small hashes: fields and values as a packed blob, expiry times behind them.
 *
 *     field | value | field | value | ... [ | times ]
 *
 * Terms: *times* is a last item that is there only while some field expires: a string of HASH_TIME_BYTES per field,
 * little endian milliseconds, 0 for a field that stays. So its blob has an odd count, and times are found from the end.
 * A field is *live* until its time has come; the dead stay in the blob until it is written again.
 *
 * Reading trusts no byte. Writing goes through a draft, which all changes of one command share.
 */
#ifndef CAIRN_DS_HASH_PACKED_H
#define CAIRN_DS_HASH_PACKED_H

#include "ds/packed.h"

#define HASH_TIME_BYTES 6                        /* on media */
#define HASH_TIME_MAX   ((INT64_C(1) << 46) - 1) /* as Redis bounds times of fields */
#define HASH_TIME_NONE  INT64_C(-1)
#define HASH_PACKED_MAX ((PACKED_COUNT_MAX - 1) / 2) /* fields of a blob */

/* A blob taken apart, by value; good while its bytes stand. */
struct hash_packed {
    struct slice blob;
    size_t fields;
    const char *times; /* NULL: no field expires */
};

struct hash_packed hash_packed_open(struct slice blob);
/* The time of field `index`, or HASH_TIME_NONE. */
int64_t hash_packed_time(const struct hash_packed *packed, size_t index);
/* The earliest time, or HASH_TIME_NONE. */
int64_t hash_packed_due_ms(struct slice blob);
/* Fields that are live at now_ms. */
size_t hash_packed_live(const struct hash_packed *packed, int64_t now_ms);
/* Builds in `out` what is live of the blob. */
void hash_packed_expire(struct slice blob, int64_t now_ms, struct packed_out *out);
bool hash_packed_is_valid(struct slice blob);

/* Where a field stands. */
struct hash_packed_place {
    size_t index;
    size_t from;             /* the field's first byte */
    size_t value;            /* the value's */
    size_t to;               /* the first byte behind it */
    struct packed_item item; /* the value */
};
/* False when there is no such field; the dead are found as well. */
bool hash_packed_find(const struct hash_packed *packed, struct slice field,
                      struct hash_packed_place *place_out);

/* All fields in order, from {hash_packed_open(blob)} with hash_packed_begin on. */
struct hash_packed_iter {
    const struct hash_packed *packed;
    struct packed_iter at;
    size_t index; /* fields passed */
};
struct hash_packed_iter hash_packed_begin(const struct hash_packed *packed);
/* time_out: NULL: not wanted. False at the end. */
bool hash_packed_next(struct hash_packed_iter *iter, struct packed_item *field_out,
                      struct packed_item *value_out, int64_t *time_out);

/* A blob on its way from one state to the next, in memory that is reused. Zero-initialised. */
struct hash_draft {
    struct packed_out out[2]; /* one holds `now`, the next change is written to the other */
    unsigned active;
    bool own;               /* `now` stands in out[active]; else where it was begun from */
    struct hash_packed now; /* what the draft says, its times included */
    char *times;            /* HASH_TIME_BYTES per field; written while timed */
    size_t times_cap;       /* fields */
    size_t pairs_end;       /* of now.blob: the first byte behind the last value */
    bool changed;
    bool failed; /* no memory, or too many fields */
};

/* Begins with what lives of `packed`, which must stand unchanged until the draft is finished or begun again. */
void hash_draft_begin(struct hash_draft *draft, const struct hash_packed *packed, int64_t now_ms);
/* Appends a field, which must not be there. */
void hash_draft_add(struct hash_draft *draft, struct slice field, struct slice value, int64_t time_ms);
/* Gives the field at `place`, which was found in draft->now, another value; its time stays. */
void hash_draft_replace(struct hash_draft *draft, const struct hash_packed_place *place, struct slice value);
void hash_draft_set_time(struct hash_draft *draft, size_t index, int64_t time_ms);
void hash_draft_remove(struct hash_draft *draft, const struct hash_packed_place *place);
/* The blob to be stored; empty: no field is left. The draft must be begun again before its next change. */
struct slice hash_draft_finish(struct hash_draft *draft);
void hash_draft_free(struct hash_draft *draft);

#endif
