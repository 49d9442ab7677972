/* load.h: from a value in memory (rdb/value.h) to a key. */
#ifndef CAIRN_COMMAND_DUMP_LOAD_H
#define CAIRN_COMMAND_DUMP_LOAD_H

#include "command/call.h"
#include "rdb/value.h"

/* Makes `value` the value of key 0, where nothing is, and tells of `event`. What has expired inside the value is left out; when that is
 * all of it, nothing is put there and *stored_out is false. Returns false after call_fail. */
bool dump_load(struct call *call, const struct rdb_value *value, const char *event, bool *stored_out);

/* ---- for the files that load ---- */
MUST_CHECK enum error dump_load_stream(struct call *call, const struct rdb_value *value);

#endif
