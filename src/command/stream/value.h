/* value.h: the stream at a command's key, its groups, and how entries are replied. For the files of this group. */
#ifndef CAIRN_COMMAND_STREAM_VALUE_H
#define CAIRN_COMMAND_STREAM_VALUE_H

#include "command/stream/ids.h"
#include "ds/stream_group.h"

/* Looks up key `index`, counting a hit or miss: false after having replied -WRONGTYPE. stream_out->root is NULL when there is no such
 * key. */
bool stream_value_read(struct call *call, size_t index, struct stream *stream_out);
/* The same for writing. */
bool stream_value_edit(struct call *call, size_t index, struct stream *stream_out);
/* Puts an empty stream at key `index`; false after call_fail. */
bool stream_value_create(struct call *call, size_t index, struct stream *stream_out);
/* The group that argument `arg` names, NULL when there is none (or no stream). */
struct stream_group_layout *stream_value_group(const struct call *call, struct stream stream, size_t arg);
/* "-NOGROUP No such key '<key>' or consumer group '<group>'", and what follows. */
void stream_reply_no_group(struct call *call, struct slice key, struct slice group, const char *rest);
/* The consumer that argument `arg` names, made when it is not there; it was heard of now. NULL after call_fail. */
struct stream_consumer_layout *stream_value_consumer(struct call *call, size_t index, struct stream stream,
                                                     struct stream_group_layout *group, size_t arg);

/* [ID, [field, value ...]] */
void stream_reply_item(struct resp_out *out, struct stream_item *item);
/* The entries of a range, at most `limit` of them (0: all), as an array; returns how many. */
size_t stream_reply_range(struct resp_out *out, struct stream_range *range, uint64_t limit);

#endif
