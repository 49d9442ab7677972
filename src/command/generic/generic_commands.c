/* generic_commands.c: the commands of the generic group. */
#include "command/generic/generic_commands.h"

#include "command/index.h"

const struct command *const generic_commands[] = {
    &generic_copy,
    &generic_del,
    &generic_exists,
    &generic_expire,
    &generic_expireat,
    &generic_expiretime,
    &generic_keys,
    &generic_move,
    &generic_object,
    &generic_persist,
    &generic_pexpire,
    &generic_pexpireat,
    &generic_pexpiretime,
    &generic_pttl,
    &generic_randomkey,
    &generic_rename,
    &generic_renamenx,
    &generic_scan,
    &generic_sort,
    &generic_sort_ro,
    &generic_touch,
    &generic_ttl,
    &generic_type,
    &generic_unlink,
    NULL,
};
