/* index.c: the groups of commands. A new group is its folder and a line here. */
#include "command/index.h"

const struct command *const *const command_index[] = {
    acl_commands,
    bitmap_commands,
    connection_commands,
    dump_commands,
    generic_commands,
    geo_commands,
    hash_commands,
    hyperloglog_commands,
    list_commands,
    pubsub_commands,
    server_commands,
    set_commands,
    sorted_set_commands,
    stream_commands,
    string_commands,
    transaction_commands,
    NULL,
};
