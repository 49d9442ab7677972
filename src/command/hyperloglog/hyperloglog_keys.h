/* hyperloglog_keys.h: the HyperLogLogs at a command's keys. */
#ifndef CAIRN_COMMAND_HYPERLOGLOG_HYPERLOGLOG_KEYS_H
#define CAIRN_COMMAND_HYPERLOGLOG_HYPERLOGLOG_KEYS_H

#include "command/call.h"
#include "ds/hyperloglog.h"

/* The bytes and form of the string that an entry holds; false after having replied that it is no
 * HyperLogLog. No entry: no bytes, HYPERLOGLOG_NONE. The bytes may be in `text`. */
bool hyperloglog_keys_open(struct call *call, const struct entry *entry, char text[ENTRY_INT_TEXT_MAX],
                           struct slice *bytes_out, enum hyperloglog_form *form_out);
/* Replies that the opcodes of a string make no sense. */
void hyperloglog_keys_damaged(struct call *call);
/* Stores `bytes` at key `index`, whose expiry stays. */
MUST_CHECK enum error hyperloglog_keys_put(struct call *call, size_t index, struct slice bytes);
/* Stores the dense form of the registers, with the cardinality of the string `like` (no bytes: out of
 * date). */
MUST_CHECK enum error hyperloglog_keys_put_dense(struct call *call, size_t index,
                                                 const uint8_t registers[HYPERLOGLOG_REGISTERS],
                                                 struct slice like);

#endif
