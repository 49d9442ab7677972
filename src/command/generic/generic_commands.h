/* generic_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_GENERIC_GENERIC_COMMANDS_H
#define CAIRN_COMMAND_GENERIC_GENERIC_COMMANDS_H

#include "command/table.h"

/* keys.c */
extern const struct command generic_del, generic_exists, generic_touch, generic_type, generic_unlink;
/* expire.c */
extern const struct command generic_expire, generic_expireat, generic_pexpire, generic_pexpireat,
    generic_persist;
/* ttl.c */
extern const struct command generic_expiretime, generic_pexpiretime, generic_pttl, generic_ttl;
/* move.c */
extern const struct command generic_copy, generic_move, generic_rename, generic_renamenx;
/* scan.c */
extern const struct command generic_keys, generic_randomkey, generic_scan;
/* sort.c */
extern const struct command generic_sort, generic_sort_ro;
/* object.c */
extern const struct command generic_object;

#endif
