/* transaction_commands.h: the rows of the transactions group. */
#ifndef CAIRN_COMMAND_TRANSACTION_TRANSACTION_COMMANDS_H
#define CAIRN_COMMAND_TRANSACTION_TRANSACTION_COMMANDS_H

#include "command/call.h"

extern const struct command transaction_discard;
extern const struct command transaction_exec;
extern const struct command transaction_multi;
extern const struct command transaction_unwatch;
extern const struct command transaction_watch;

#endif
