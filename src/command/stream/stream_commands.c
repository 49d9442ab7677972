/* stream_commands.c: the commands of the stream group. */
#include "command/stream/stream_commands.h"

#include "command/index.h"

const struct command *const stream_commands[] = {
    &stream_xack,      &stream_xadd,   &stream_xautoclaim, &stream_xclaim, &stream_xdel,  &stream_xgroup,
    &stream_xinfo,     &stream_xlen,   &stream_xpending,   &stream_xrange, &stream_xread, &stream_xreadgroup,
    &stream_xrevrange, &stream_xsetid, &stream_xtrim,      NULL,
};
