/* wild_model.h: random commands, and what a database must hold after them. Collections: wild_collection.h.
 *
 * Terms: a *model* is what one client, alone with its keys, knows of them. *Stable* keys have no expiry or a distant one: their replies are
 * known to the byte. *Fleeting* keys are only ever written with an expiry of milliseconds to seconds: they are compared with
 * tolerance, and never read by a command whose reply depends on whether they are still there.
 */
#ifndef CAIRN_SUPPORT_WILD_MODEL_H
#define CAIRN_SUPPORT_WILD_MODEL_H

#include "support/wild_collection.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WILD_STABLE_KEYS     28
#define WILD_KEYS            32 /* the last ones are fleeting; from here on keys are collections */
#define WILD_ARGS_MAX        8
#define WILD_SCRATCH_BYTES   1024
#define WILD_EXPIRY_SLACK_MS 1000 /* between the clocks of client and server */

enum wild_op {
    WILD_SET,
    WILD_SET_KEEPTTL,
    WILD_SETEX,
    WILD_PSETEX,
    WILD_GET,
    WILD_APPEND,
    WILD_INCRBY,
    WILD_DEL,
    WILD_EXPIRE,
    WILD_PERSIST,
    WILD_RENAME,
    WILD_COPY,
    WILD_MSET,
    WILD_SETRANGE,
    WILD_GETDEL,
    WILD_FLUSHDB,
    WILD_HSET, /* collections from here on */
    WILD_HDEL,
    WILD_HINCRBY,
    WILD_LPUSH,
    WILD_RPUSH,
    WILD_LPOP,
    WILD_RPOP,
    WILD_LMOVE,
    WILD_LINSERT,
    WILD_LTRIM,
    WILD_SADD,
    WILD_SREM,
    WILD_SMOVE,
    WILD_ZADD,
    WILD_ZREM,
    WILD_ZINCRBY,
    WILD_XADD,
    WILD_XDEL,
    WILD_XTRIM,
    WILD_DEL_COLLECTION,
    WILD_RENAME_COLLECTION,
    WILD_COPY_COLLECTION,
};

/* One command: `keys` in the order of its arguments; MSET writes keys[0] and keys[1]. */
struct wild_command {
    enum wild_op op;
    unsigned keys[2];
    char *values[2]; /* owned */
    size_t lens[2];
    int64_t number; /* increment, offset, seconds or milliseconds, value, ID, length */
    uint64_t elements[WILD_ELEMENTS_USED];
    int64_t sent_ms; /* filled in by the sender */
};

/* An expiry is known up to the time between sending and acknowledgement; 0, 0: none. */
struct wild_value {
    bool exists;
    char *bytes;
    size_t len;
    int64_t expiry_min_ms, expiry_max_ms;
};

struct wild_model {
    const char *prefix; /* of the names of the keys */
    struct wild_value values[WILD_KEYS];
    struct wild_collection collections[WILD_COLLECTIONS];
    uint64_t ids; /* given to entries of streams so far */
};

enum wild_reply_type {
    WILD_REPLY_OK,
    WILD_REPLY_INTEGER,
    WILD_REPLY_BYTES,
    WILD_REPLY_NULL,
    WILD_REPLY_ERROR
};

/* The reply that must come. `bytes` is malloc'd: wild_reply_free. */
struct wild_reply {
    enum wild_reply_type type;
    int64_t integer;
    char *bytes;
    size_t len;
};

uint64_t wild_random(uint64_t *state);

/* A random command; FLUSHDB only when `may_flush`. */
struct wild_command wild_command_random(struct wild_model *model, uint64_t *state, bool may_flush);
void wild_command_free(struct wild_command *command);
/* Its arguments, for a client to send. Numbers, elements and key names live in `scratch`. Returns how many. */
size_t wild_command_args(const struct wild_model *model, const struct wild_command *command,
                         char scratch[WILD_SCRATCH_BYTES], struct slice args_out[WILD_ARGS_MAX]);

/* Executes the command on the model; `done_ms`: the server executed it no later. */
struct wild_reply wild_model_apply(struct wild_model *model, const struct wild_command *command,
                                   int64_t done_ms);
void wild_reply_free(struct wild_reply *reply);
void wild_model_free(struct wild_model *model);
size_t wild_key_name(const struct wild_model *model, unsigned key, char name[32]);

/* True when `found`, read between from_ms and to_ms, is what the model allows for key `key`. */
bool wild_model_allows(const struct wild_model *model, unsigned key, const struct wild_value *found,
                       int64_t from_ms, int64_t to_ms);

#endif
