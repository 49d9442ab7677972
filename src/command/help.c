/* help.c: the frame of HELP replies. */
#include "command/help.h"

#include <stdio.h>

void help_reply(struct call *call, const char *container, const char *const *lines)
{
    char first[128];
    size_t count = 0;
    while (lines[count])
        count++;
    snprintf(first, sizeof first, "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container);
    resp_array(call->out, count + 3);
    resp_simple(call->out, first);
    for (size_t i = 0; i < count; i++)
        resp_simple(call->out, lines[i]);
    resp_simple(call->out, "HELP");
    resp_simple(call->out, "    Prints this help.");
}
