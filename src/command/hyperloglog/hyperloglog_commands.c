/* hyperloglog_commands.c: the commands of the hyperloglog group. */
#include "command/hyperloglog/hyperloglog_commands.h"

#include "command/index.h"

const struct command *const hyperloglog_commands[] = {
    &hyperloglog_pfadd,   &hyperloglog_pfcount,    &hyperloglog_pfdebug,
    &hyperloglog_pfmerge, &hyperloglog_pfselftest, NULL,
};
