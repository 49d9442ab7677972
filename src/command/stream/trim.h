/* trim.h: the trimming options that XADD and XTRIM share. */
#ifndef CAIRN_COMMAND_STREAM_TRIM_H
#define CAIRN_COMMAND_STREAM_TRIM_H

#include "command/stream/value.h"

struct trim_options {
    bool given; /* MAXLEN or MINID */
    bool no_mkstream;
    struct stream_trim trim;
};

/* Parses options from argument 2 on. For XADD up to its ID, which *id_arg_out then names; for XTRIM all. False after having replied
 * the error. */
bool trim_options_parse(struct call *call, bool xadd, struct trim_options *options_out, size_t *id_arg_out);

#endif
