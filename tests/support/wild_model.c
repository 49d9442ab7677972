/* wild_model.c: random commands, and the effect of those on strings. */
#include "support/wild_model.h"

#include "util/assert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER_TEXT_MAX 20 /* "-9223372036854775808" */

uint64_t wild_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t limit)
{
    return wild_random(state) % limit;
}

/* ---- commands ---- */

/* Mostly small, sometimes many pages: each way that a value can be stored. */
static size_t random_len(uint64_t *state)
{
    uint64_t dice = below(state, 100);
    if (dice < 60) return 1 + below(state, 64);
    if (dice < 85) return 1 + below(state, 1000);
    if (dice < 97) return 1 + below(state, 20000);
    return 1 + below(state, 300000);
}

static void random_value(uint64_t *state, struct wild_command *command, unsigned i)
{
    if (below(state, 4) == 0) { /* a number: stored as an integer, and INCRBY works on it */
        command->values[i] = malloc(INTEGER_TEXT_MAX + 1);
        ASSERT(command->values[i]);
        command->lens[i] = (size_t)snprintf(command->values[i], INTEGER_TEXT_MAX + 1, "%" PRId64,
                                            (int64_t)below(state, 2000000) - 1000000);
        return;
    }
    size_t len = random_len(state);
    char *bytes = malloc(len + sizeof(uint64_t));
    ASSERT(bytes);
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t word = wild_random(state);
        memcpy(bytes + at, &word, sizeof(word));
    }
    command->values[i] = bytes;
    command->lens[i] = len;
}

struct weighted_op {
    enum wild_op op;
    unsigned weight; /* of 100 */
};

static enum wild_op pick(uint64_t *state, const struct weighted_op *mix)
{
    uint64_t dice = below(state, 100);
    size_t i = 0;
    while (dice >= mix[i].weight)
        dice -= mix[i++].weight;
    return mix[i].op;
}

static enum wild_op random_op(uint64_t *state, bool may_flush)
{
    static const struct weighted_op strings[] = {
        {WILD_SET, 20},   {WILD_SET_KEEPTTL, 4}, {WILD_SETEX, 6}, {WILD_PSETEX, 6}, {WILD_GET, 8},
        {WILD_APPEND, 8}, {WILD_INCRBY, 8},      {WILD_DEL, 8},   {WILD_EXPIRE, 6}, {WILD_PERSIST, 4},
        {WILD_RENAME, 6}, {WILD_COPY, 4},        {WILD_MSET, 6},  {WILD_GETDEL, 3}, {WILD_SETRANGE, 3},
    };
    static const struct weighted_op elements[] = {
        {WILD_HSET, 9},
        {WILD_HDEL, 7},
        {WILD_HINCRBY, 4},
        {WILD_LPUSH, 6},
        {WILD_RPUSH, 8},
        {WILD_LPOP, 6},
        {WILD_RPOP, 6},
        {WILD_LMOVE, 5},
        {WILD_LINSERT, 3},
        {WILD_LTRIM, 1},
        {WILD_SADD, 7},
        {WILD_SREM, 6},
        {WILD_SMOVE, 3},
        {WILD_ZADD, 8},
        {WILD_ZREM, 6},
        {WILD_ZINCRBY, 3},
        {WILD_XADD, 6},
        {WILD_XDEL, 2},
        {WILD_XTRIM, 1},
        {WILD_DEL_COLLECTION, 1},
        {WILD_RENAME_COLLECTION, 1},
        {WILD_COPY_COLLECTION, 1},
    };
    if (may_flush && below(state, 200) == 0) return WILD_FLUSHDB;
    return pick(state, below(state, 5) < 2 ? elements : strings);
}

/* The type that the operation works on. */
static enum wild_type type_of(enum wild_op op, uint64_t *state)
{
    if (op <= WILD_HINCRBY) return WILD_HASH;
    if (op <= WILD_LTRIM) return WILD_LIST;
    if (op <= WILD_SMOVE) return WILD_PLAIN_SET;
    if (op <= WILD_ZINCRBY) return WILD_SORTED_SET;
    if (op <= WILD_XTRIM) return WILD_STREAM;
    return (enum wild_type)below(state, WILD_TYPES);
}

static void choose_elements(struct wild_model *model, uint64_t *state, struct wild_command *command)
{
    unsigned first = WILD_KEYS + 2 * (unsigned)type_of(command->op, state), which = (unsigned)below(state, 2);
    command->keys[0] = first + which;
    command->keys[1] = first + 1 - which;
    for (size_t i = 0; i < WILD_ELEMENTS_USED; i++)
        command->elements[i] = below(state, WILD_ELEMENTS);
    command->number = (int64_t)below(state, 2000) - 1000;
    if (command->op == WILD_XADD) command->number = (int64_t)++model->ids;
    if (command->op == WILD_XDEL) command->number = (int64_t)(model->ids - below(state, 1 + model->ids % 64));
    if (command->op == WILD_XTRIM || command->op == WILD_LTRIM)
        command->number = (int64_t)(1 + below(state, 150));
}

struct wild_command wild_command_random(struct wild_model *model, uint64_t *state, bool may_flush)
{
    struct wild_command command = {.op = random_op(state, may_flush)};
    if (command.op >= WILD_HSET) {
        choose_elements(model, state, &command);
        return command;
    }
    unsigned first = (unsigned)below(state, WILD_STABLE_KEYS);
    command.keys[0] = first;
    command.keys[1] = (unsigned)((first + 1 + below(state, WILD_STABLE_KEYS - 1)) % WILD_STABLE_KEYS);
    switch (command.op) {
    case WILD_SETEX: command.number = (int64_t)(100000 + below(state, 100000)); break;
    case WILD_EXPIRE: command.number = (int64_t)(100000 + below(state, 100000)); return command;
    case WILD_PSETEX:
        command.keys[0] = (unsigned)(WILD_STABLE_KEYS + below(state, WILD_KEYS - WILD_STABLE_KEYS));
        command.number = (int64_t)(1 + below(state, 6000));
        break;
    case WILD_INCRBY: command.number = (int64_t)below(state, 2000) - 1000; return command;
    case WILD_SETRANGE: command.number = (int64_t)below(state, random_len(state)); break;
    case WILD_SET:
    case WILD_SET_KEEPTTL:
    case WILD_APPEND: break;
    case WILD_MSET: random_value(state, &command, 1); break;
    default: return command; /* no value */
    }
    random_value(state, &command, 0);
    return command;
}

void wild_command_free(struct wild_command *command)
{
    free(command->values[0]);
    free(command->values[1]);
    command->values[0] = command->values[1] = NULL;
}

size_t wild_key_name(const struct wild_model *model, unsigned key, char name[32])
{
    return (size_t)snprintf(name, 32, "%s:%u", model->prefix, key);
}

size_t wild_command_args(const struct wild_model *model, const struct wild_command *command,
                         char scratch[WILD_SCRATCH_BYTES], struct slice args_out[WILD_ARGS_MAX])
{
    /* A letter an argument: k, K the keys, v, V the values, n the number, a, b, c the elements; other words as they are. */
    static const char *const forms[] = {
        [WILD_SET] = "SET k v",
        [WILD_SET_KEEPTTL] = "SET k v KEEPTTL",
        [WILD_SETEX] = "SETEX k n v",
        [WILD_PSETEX] = "PSETEX k n v",
        [WILD_GET] = "GET k",
        [WILD_APPEND] = "APPEND k v",
        [WILD_INCRBY] = "INCRBY k n",
        [WILD_DEL] = "DEL k K",
        [WILD_EXPIRE] = "EXPIRE k n",
        [WILD_PERSIST] = "PERSIST k",
        [WILD_RENAME] = "RENAME k K",
        [WILD_COPY] = "COPY k K REPLACE",
        [WILD_MSET] = "MSET k v K V",
        [WILD_SETRANGE] = "SETRANGE k n v",
        [WILD_GETDEL] = "GETDEL k",
        [WILD_FLUSHDB] = "FLUSHDB",
        [WILD_HSET] = "HSET k a n b n c n",
        [WILD_HDEL] = "HDEL k a b c",
        [WILD_HINCRBY] = "HINCRBY k a n",
        [WILD_LPUSH] = "LPUSH k a b c",
        [WILD_RPUSH] = "RPUSH k a b c",
        [WILD_LPOP] = "LPOP k",
        [WILD_RPOP] = "RPOP k",
        [WILD_LMOVE] = "LMOVE k K LEFT RIGHT",
        [WILD_LINSERT] = "LINSERT k BEFORE a b",
        [WILD_LTRIM] = "LTRIM k 0 n",
        [WILD_SADD] = "SADD k a b c",
        [WILD_SREM] = "SREM k a b c",
        [WILD_SMOVE] = "SMOVE k K a",
        [WILD_ZADD] = "ZADD k n a n b n c",
        [WILD_ZREM] = "ZREM k a b c",
        [WILD_ZINCRBY] = "ZINCRBY k n a",
        [WILD_XADD] = "XADD k n field a",
        [WILD_XDEL] = "XDEL k n",
        [WILD_XTRIM] = "XTRIM k MAXLEN n",
        [WILD_DEL_COLLECTION] = "DEL k",
        [WILD_RENAME_COLLECTION] = "RENAME k K",
        [WILD_COPY_COLLECTION] = "COPY k K REPLACE",
    };
    char *names[2] = {scratch, scratch + 64}, *number = scratch + 128, *elements = scratch + 192;
    size_t name_lens[2] = {wild_key_name(model, command->keys[0], names[0]),
                           wild_key_name(model, command->keys[1], names[1])};
    size_t number_len = (size_t)snprintf(number, 64, "%" PRId64, command->number);
    size_t count = 0;
    for (const char *word = forms[command->op]; *word != '\0';) {
        size_t len = strcspn(word, " ");
        struct slice arg = {word, len};
        unsigned second = *word == 'K' || *word == 'V';
        if (len == 1 && (*word == 'k' || *word == 'K'))
            arg = (struct slice){names[second], name_lens[second]};
        if (len == 1 && (*word == 'v' || *word == 'V'))
            arg = (struct slice){command->values[second], command->lens[second]};
        if (len == 1 && *word == 'n') arg = (struct slice){number, number_len};
        if (len == 1 && *word >= 'a' && *word < 'a' + WILD_ELEMENTS_USED) {
            size_t i = (size_t)(*word - 'a');
            char *text = elements + i * WILD_ELEMENT_TEXT;
            arg = (struct slice){text, wild_element_text(command->elements[i], text)};
        }
        ASSERT(count < WILD_ARGS_MAX);
        args_out[count++] = arg;
        word += len;
        word += *word == ' ';
    }
    return count;
}

/* ---- effect ---- */

static void drop(struct wild_value *value)
{
    free(value->bytes);
    *value = (struct wild_value){0};
}

/* Overwrites the range [at, at+len), as SETRANGE does; the value exists from now on. */
static void write_range(struct wild_value *value, size_t at, const char *bytes, size_t len)
{
    size_t new_len = at + len > value->len ? at + len : value->len;
    value->bytes = realloc(value->bytes, new_len);
    ASSERT(value->bytes);
    if (at > value->len) memset(value->bytes + value->len, 0, at - value->len);
    memcpy(value->bytes + at, bytes, len);
    value->len = new_len;
    value->exists = true;
}

static void set(struct wild_value *value, const char *bytes, size_t len)
{
    value->len = 0;
    write_range(value, 0, bytes, len);
}

static void persist(struct wild_value *value)
{
    value->expiry_min_ms = value->expiry_max_ms = 0;
}

static void expire(struct wild_value *value, int64_t ttl_ms, const struct wild_command *command,
                   int64_t done_ms)
{
    value->expiry_min_ms = command->sent_ms + ttl_ms;
    value->expiry_max_ms = done_ms + ttl_ms;
}

static void copy(struct wild_value *to, const struct wild_value *from)
{
    drop(to);
    set(to, from->bytes, from->len);
    to->expiry_min_ms = from->expiry_min_ms;
    to->expiry_max_ms = from->expiry_max_ms;
}

static struct wild_reply reply_integer(int64_t integer)
{
    return (struct wild_reply){.type = WILD_REPLY_INTEGER, .integer = integer};
}

static struct wild_reply reply_value(const struct wild_value *value)
{
    if (!value->exists) return (struct wild_reply){.type = WILD_REPLY_NULL};
    struct wild_reply reply = {.type = WILD_REPLY_BYTES, .bytes = malloc(value->len + 1), .len = value->len};
    ASSERT(reply.bytes);
    memcpy(reply.bytes, value->bytes, value->len);
    return reply;
}

/* True when the value is an integer as INCRBY takes it: the one way to write it. */
static bool value_integer(const struct wild_value *value, int64_t *integer_out)
{
    char text[INTEGER_TEXT_MAX + 1] = "", canonical[INTEGER_TEXT_MAX + 2];
    if (value->len == 0 || value->len > INTEGER_TEXT_MAX) return false;
    memcpy(text, value->bytes, value->len);
    errno = 0;
    *integer_out = strtoll(text, NULL, 10);
    int len = snprintf(canonical, sizeof(canonical), "%" PRId64, *integer_out);
    return errno == 0 && (size_t)len == value->len && memcmp(canonical, value->bytes, value->len) == 0;
}

static struct wild_reply increment(struct wild_value *value, int64_t by)
{
    int64_t integer = 0;
    if ((value->exists && !value_integer(value, &integer)) || __builtin_add_overflow(integer, by, &integer))
        return (struct wild_reply){.type = WILD_REPLY_ERROR};
    char text[INTEGER_TEXT_MAX + 1];
    set(value, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, integer));
    return reply_integer(integer);
}

static struct wild_reply apply_keys(struct wild_value *key, struct wild_value *other,
                                    const struct wild_command *command, int64_t done_ms)
{
    struct wild_reply reply = reply_integer(key->exists);
    switch (command->op) {
    case WILD_DEL:
        reply.integer = key->exists + other->exists;
        drop(key);
        drop(other);
        break;
    case WILD_EXPIRE:
        if (key->exists) expire(key, command->number * 1000, command, done_ms);
        break;
    case WILD_PERSIST:
        reply.integer = key->expiry_max_ms != 0;
        persist(key);
        break;
    case WILD_COPY:
        if (key->exists) copy(other, key);
        break;
    case WILD_RENAME:
        reply.type = key->exists ? WILD_REPLY_OK : WILD_REPLY_ERROR;
        if (key->exists) copy(other, key);
        drop(key);
        break;
    case WILD_GETDEL:
        reply = reply_value(key);
        drop(key);
        break;
    default: ASSERT(command->op == WILD_GET); reply = reply_value(key);
    }
    return reply;
}

struct wild_reply wild_model_apply(struct wild_model *model, const struct wild_command *command,
                                   int64_t done_ms)
{
    if (command->op >= WILD_HSET)
        return wild_collection_apply(&model->collections[command->keys[0] - WILD_KEYS],
                                     &model->collections[command->keys[1] - WILD_KEYS], command);
    struct wild_value *key = &model->values[command->keys[0]], *other = &model->values[command->keys[1]];
    struct wild_reply ok = {.type = WILD_REPLY_OK};
    switch (command->op) {
    case WILD_MSET:
        set(other, command->values[1], command->lens[1]);
        persist(other);
        __attribute__((fallthrough));
    case WILD_SET: persist(key); __attribute__((fallthrough));
    case WILD_SET_KEEPTTL: set(key, command->values[0], command->lens[0]); return ok;
    case WILD_SETEX:
    case WILD_PSETEX:
        set(key, command->values[0], command->lens[0]);
        expire(key, command->number * (command->op == WILD_SETEX ? 1000 : 1), command, done_ms);
        return ok;
    case WILD_APPEND:
        write_range(key, key->len, command->values[0], command->lens[0]);
        return reply_integer((int64_t)key->len);
    case WILD_SETRANGE:
        write_range(key, (size_t)command->number, command->values[0], command->lens[0]);
        return reply_integer((int64_t)key->len);
    case WILD_INCRBY: return increment(key, command->number);
    case WILD_FLUSHDB: wild_model_free(model); return ok;
    default: return apply_keys(key, other, command, done_ms);
    }
}

void wild_reply_free(struct wild_reply *reply)
{
    free(reply->bytes);
    reply->bytes = NULL;
}

void wild_model_free(struct wild_model *model)
{
    for (unsigned i = 0; i < WILD_KEYS; i++)
        drop(&model->values[i]);
    for (unsigned i = 0; i < WILD_COLLECTIONS; i++)
        wild_collection_drop(&model->collections[i]);
}

/* ---- comparison ---- */

bool wild_model_allows(const struct wild_model *model, unsigned key, const struct wild_value *found,
                       int64_t from_ms, int64_t to_ms)
{
    const struct wild_value *value = &model->values[key];
    if (!found->exists) /* gone in time, or never there */
        return !value->exists ||
               (value->expiry_max_ms != 0 && value->expiry_min_ms <= to_ms + WILD_EXPIRY_SLACK_MS);
    if (!value->exists || found->len != value->len || memcmp(found->bytes, value->bytes, value->len) != 0)
        return false;
    if (value->expiry_max_ms == 0) return found->expiry_max_ms == 0;
    return found->expiry_max_ms >= value->expiry_min_ms - WILD_EXPIRY_SLACK_MS &&
           found->expiry_max_ms <= value->expiry_max_ms + WILD_EXPIRY_SLACK_MS &&
           value->expiry_max_ms + WILD_EXPIRY_SLACK_MS >= from_ms;
}
