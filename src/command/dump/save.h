/* save.h: from the heap to a payload (rdb/write.h). */
#ifndef CAIRN_COMMAND_DUMP_SAVE_H
#define CAIRN_COMMAND_DUMP_SAVE_H

#include "ds/entry.h"
#include "rdb/write.h"

/* Appends the value of `entry` with its footer: what DUMP answers. False when nothing of the value lives at now_ms (a hash of expired
 * fields), and when out->failed. The caller holds the entry's stripe. */
bool dump_save(struct rdb_out *out, struct heap *heap, const struct entry *entry, int64_t now_ms);

/* ---- for the files that save ---- */
void dump_save_stream(struct rdb_out *out, struct heap *heap, const struct entry *entry);

#endif
