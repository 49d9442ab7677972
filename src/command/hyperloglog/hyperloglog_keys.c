/* hyperloglog_keys.c: the HyperLogLogs at a command's keys (hyperloglog_keys.h). */
#include "command/hyperloglog/hyperloglog_keys.h"

bool hyperloglog_keys_open(struct call *call, const struct entry *entry, char text[ENTRY_INT_TEXT_MAX],
                           struct slice *bytes_out, enum hyperloglog_form *form_out)
{
    *bytes_out = SLICE("");
    *form_out = HYPERLOGLOG_NONE;
    if (!entry) return true;
    if (call_wrong_type(call, entry, ENTRY_STRING)) return false;
    *bytes_out = entry_string(keyspace_heap(call->keyspace), entry, text);
    *form_out = hyperloglog_form(*bytes_out);
    if (*form_out != HYPERLOGLOG_NONE) return true;
    resp_error(call->out, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    return false;
}

void hyperloglog_keys_damaged(struct call *call)
{
    resp_error(call->out, "INVALIDOBJ Corrupted HLL object detected");
}

enum error hyperloglog_keys_put(struct call *call, size_t index, struct slice bytes)
{
    return keyspace_put_string(call->tx, call->keyspace, call->db, &call->keys[index], bytes, EXPIRY_KEEP);
}

enum error hyperloglog_keys_put_dense(struct call *call, size_t index,
                                      const uint8_t registers[HYPERLOGLOG_REGISTERS], struct slice like)
{
    char bytes[HYPERLOGLOG_DENSE_BYTES];

    hyperloglog_write_dense(registers, bytes);
    if (like.len > 0)
        memcpy(bytes + HYPERLOGLOG_CARDINALITY_AT, like.ptr + HYPERLOGLOG_CARDINALITY_AT,
               HYPERLOGLOG_CARDINALITY_BYTES);
    return hyperloglog_keys_put(call, index, (struct slice){bytes, sizeof bytes});
}
