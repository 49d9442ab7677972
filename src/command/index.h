/* index.h: every command there is: one list per group folder, each in the group's own <group>_commands.c. */
#ifndef CAIRN_COMMAND_INDEX_H
#define CAIRN_COMMAND_INDEX_H

#include "command/table.h"

/* Lists of top-level rows; they end with NULL. */
extern const struct command *const acl_commands[];
extern const struct command *const bitmap_commands[];
extern const struct command *const connection_commands[];
extern const struct command *const dump_commands[];
extern const struct command *const generic_commands[];
extern const struct command *const geo_commands[];
extern const struct command *const hash_commands[];
extern const struct command *const hyperloglog_commands[];
extern const struct command *const list_commands[];
extern const struct command *const pubsub_commands[];
extern const struct command *const server_commands[];
extern const struct command *const set_commands[];
extern const struct command *const sorted_set_commands[];
extern const struct command *const stream_commands[];
extern const struct command *const string_commands[];
extern const struct command *const transaction_commands[];

/* The lists above; ends with NULL. */
extern const struct command *const *const command_index[];

#endif
