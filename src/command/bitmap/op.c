/* op.c: BITOP: bit operations between whole strings. */
#include "command/arguments.h"
#include "command/bitmap/bitmap_commands.h"
#include "command/bitmap/bits.h"

#include <stdlib.h>

enum operation { OPERATION_AND, OPERATION_OR, OPERATION_XOR, OPERATION_NOT };

static const struct {
    const char *word;
    enum operation operation;
} operations[] = {
    {"AND", OPERATION_AND},
    {"OR", OPERATION_OR},
    {"XOR", OPERATION_XOR},
    {"NOT", OPERATION_NOT},
};

static bool parse_operation(struct call *call, enum operation *operation_out)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (!call_arg_is(call, 1, operations[i].word)) continue;
        *operation_out = operations[i].operation;
        if (*operation_out != OPERATION_NOT || call->key_count == 2) return true;
        resp_error(call->out, "ERR BITOP NOT must be called with a single source key.");
        return false;
    }
    call_syntax_error(call);
    return false;
}

/* into[i] = expression of the words or bytes `a` (of into) and `b` (of with), 64 bits at a time. */
#define COMBINE(expression)                                                                                  \
    for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {                                             \
        uint64_t a;                                                                                          \
        uint64_t b;                                                                                          \
        memcpy(&a, into + i, sizeof(a));                                                                     \
        memcpy(&b, with + i, sizeof(b));                                                                     \
        a = (expression);                                                                                    \
        memcpy(into + i, &a, sizeof(a));                                                                     \
    }                                                                                                        \
    for (; i < len; i++) {                                                                                   \
        unsigned a = into[i];                                                                                \
        unsigned b = with[i];                                                                                \
        a = (expression);                                                                                    \
        into[i] = (unsigned char)a;                                                                          \
    }

static void combine(enum operation operation, unsigned char *into, const unsigned char *with, size_t len)
{
    size_t i = 0;

    switch (operation) {
    case OPERATION_AND: COMBINE(a & b) break;
    case OPERATION_OR: COMBINE(a | b) break;
    case OPERATION_XOR: COMBINE(a ^ b) break;
    case OPERATION_NOT: COMBINE(a ^ ~b) break; /* into is zero */
    }
}

/* Checks the sources, keys 1.., and finds the length of the longest; false after a reply. */
static bool measure_sources(struct call *call, size_t *len_out)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice source;

    *len_out = 0;
    for (size_t i = 1; i < call->key_count; i++) {
        if (!bits_string(call, i, false, text, &source, NULL)) return false;
        if (source.len > *len_out) *len_out = source.len;
    }
    return true;
}

/* Sources are zero beyond their end. result[0..len) is zero before. */
static void compute(struct call *call, enum operation operation, unsigned char *result, size_t len)
{
    for (size_t i = 1; i < call->key_count; i++) {
        const struct entry *entry = keyspace_find(call->keyspace, call->db, &call->keys[i]);
        char text[ENTRY_INT_TEXT_MAX];
        struct slice source = SLICE("");
        /* An expired source that could not be removed is still there. */
        if (entry && !entry_is_expired(entry, call->now_ms))
            source = entry_string(keyspace_heap(call->keyspace), entry, text);
        if (i == 1 && operation != OPERATION_NOT) memcpy(result, source.ptr, source.len);
        else combine(operation, result, (const unsigned char *)source.ptr, source.len);
        if (operation == OPERATION_AND) memset(result + source.len, 0, len - source.len);
    }
}

static void bitop(struct call *call);
const struct command bitmap_bitop = {
    .name = "bitop",
    .handler = bitop,
    .arity = -4,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_BITMAP,
    .group = GROUP_BITMAP,
    .since = "2.6.0",
    .summary = "Combines the bits of strings and stores the result at a key.",
    .complexity = "O(N)",
    .specs = {KEY_AT(2, KEY_OW | KEY_UPDATE), KEY_RANGE(3, -1, 1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS({.name = "operation",
                            .type = ARG_ONEOF,
                            .sub = ARGUMENTS(ARGUMENT_WORD("and", "AND"), ARGUMENT_WORD("or", "OR"),
                                             ARGUMENT_WORD("xor", "XOR"), ARGUMENT_WORD("not", "NOT"))},
                           ARGUMENT_KEY("destkey", 0), ARGUMENT_KEYS("key", 1)),
};

/* Puts the bytes at key 0 in raw encoding: what they are is not looked at. */
static enum error store(struct call *call, const unsigned char *bytes, size_t len)
{
    const struct key *key = &call->keys[0];
    char *value;
    bool removed;

    enum error error = keyspace_remove(call->tx, call->keyspace, call->db, key, &removed);
    if (error) return error;
    error = keyspace_edit_string(call->tx, call->keyspace, call->db, key, 0, len, len, &value);
    if (error) return error;
    tx_write(call->tx, value, bytes, len);
    return ERROR_OK;
}

static void bitop(struct call *call)
{
    enum operation operation;
    enum error error;
    size_t len;
    bool changed = true;

    if (!parse_operation(call, &operation) || !measure_sources(call, &len)) return;
    if (len > 0) {
        unsigned char *result = calloc(1, len);
        if (!result) {
            call_fail(call, ERROR_MEMORY);
            return;
        }
        compute(call, operation, result, len);
        error = store(call, result, len);
        free(result);
    } else {
        (void)call_peek(call, 0); /* an expired key does not count as removed */
        error = keyspace_remove(call->tx, call->keyspace, call->db, &call->keys[0], &changed);
    }
    if (error) {
        call_fail(call, error);
        return;
    }
    if (changed) call_notify(call, len > 0 ? "set" : "del", &call->keys[0]);
    resp_int(call->out, (int64_t)len);
}
