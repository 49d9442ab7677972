/* tool.h: what the binary does besides serving: cairn check|inspect FILE, --version, --help. */
#ifndef CAIRN_APP_TOOL_H
#define CAIRN_APP_TOOL_H

#include <stdbool.h>

/* True when the command line asks for a tool, which has then run: *status_out is the exit status. */
bool tool_run(int argc, char **argv, int *status_out);

#endif
