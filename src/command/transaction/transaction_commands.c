/* transaction_commands.c: the commands of the transactions group. */
#include "command/transaction/transaction_commands.h"

#include "command/index.h"

const struct command *const transaction_commands[] = {
    &transaction_discard, &transaction_exec,  &transaction_multi,
    &transaction_unwatch, &transaction_watch, NULL,
};
