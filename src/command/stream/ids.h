/* ids.h: stream IDs in arguments and replies. */
#ifndef CAIRN_COMMAND_STREAM_IDS_H
#define CAIRN_COMMAND_STREAM_IDS_H

#include "command/call.h"
#include "ds/stream_id.h"

#define STREAM_ID_TEXT_MAX 42 /* two numbers of 20 digits and a dash */

/* "5-1"; "5", whose sequence number is then missing_seq. False, without a reply, when the text is none. */
bool stream_id_parse(struct slice text, uint64_t missing_seq, struct stream_id *id_out);

/* ---- arguments: false after having replied the error ---- */
bool stream_arg_id(struct call *call, size_t arg, uint64_t missing_seq, struct stream_id *id_out);
/* "5-*" as well: *seq_given_out says whether it was not. */
bool stream_arg_new_id(struct call *call, size_t arg, struct stream_id *id_out, bool *seq_given_out);
/* "-" and "+" as well: the least and the greatest ID. */
bool stream_arg_any(struct call *call, size_t arg, struct stream_id *id_out);
/* An end of an interval: "-" and "+", and with "(" before it the ID behind (the first end) or before (the last end). */
bool stream_arg_first(struct call *call, size_t arg, struct stream_id *id_out);
bool stream_arg_last(struct call *call, size_t arg, struct stream_id *id_out);
/* IDs from argument `first` to the last one. */
bool stream_args_are_ids(struct call *call, size_t first);

/* ---- replies ---- */
void stream_reply_id(struct resp_out *out, struct stream_id id);

#endif
