/* server_commands.c: the commands of the server group. */
#include "command/server/server_commands.h"

#include "command/index.h"

const struct command *const server_commands[] = {
    &server_bgrewriteaof, &server_bgsave,    &server_command,
    &server_config,       &server_dbsize,    &server_debug,
    &server_failover,     &server_flushall,  &server_flushdb,
    &server_info,         &server_lastsave,  &server_latency,
    &server_lolwut,       &server_memory,    &server_module,
    &server_monitor,      &server_replicaof, &server_role,
    &server_save,         &server_shutdown,  &server_slaveof,
    &server_slowlog,      &server_swapdb,    &server_time,
    &server_wait,         &server_waitaof,   NULL,
};
