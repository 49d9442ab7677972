/* string_commands.c: the commands of the string group. */
#include "command/string/string_commands.h"

#include "command/index.h"

const struct command *const string_commands[] = {
    &string_append,      &string_decr,     &string_decrby, &string_get,   &string_getdel,
    &string_getex,       &string_getrange, &string_getset, &string_incr,  &string_incrby,
    &string_incrbyfloat, &string_lcs,      &string_mget,   &string_mset,  &string_msetnx,
    &string_psetex,      &string_set,      &string_setex,  &string_setnx, &string_setrange,
    &string_strlen,      &string_substr,   NULL,
};
