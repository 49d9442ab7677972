/* server_commands.h: the rows of the server group, and what its files share. */
#ifndef CAIRN_COMMAND_SERVER_SERVER_COMMANDS_H
#define CAIRN_COMMAND_SERVER_SERVER_COMMANDS_H

#include "command/call.h"

extern const struct command server_bgrewriteaof;
extern const struct command server_bgsave;
extern const struct command server_command;
extern const struct command server_config;
extern const struct command server_dbsize;
extern const struct command server_debug;
extern const struct command server_failover;
extern const struct command server_flushall;
extern const struct command server_flushdb;
extern const struct command server_info;
extern const struct command server_lastsave;
extern const struct command server_latency;
extern const struct command server_lolwut;
extern const struct command server_memory;
extern const struct command server_module;
extern const struct command server_monitor;
extern const struct command server_replicaof;
extern const struct command server_role;
extern const struct command server_save;
extern const struct command server_shutdown;
extern const struct command server_slaveof;
extern const struct command server_slowlog;
extern const struct command server_swapdb;
extern const struct command server_time;
extern const struct command server_wait;
extern const struct command server_waitaof;

/* Subcommands of COMMAND that have files of their own. */
extern const struct command server_command_docs;
extern const struct command server_command_info;
extern const struct command server_command_list;
extern const struct command server_command_getkeys;
extern const struct command server_command_getkeysandflags;

/* Subcommands of LATENCY that write reports. */
extern const struct command server_latency_doctor;
extern const struct command server_latency_graph;

/* One command as COMMAND and COMMAND INFO answer it. */
void server_reply_command_info(struct resp_out *out, const struct command_table *table,
                               const struct command_entry *entry);

/* Whether the option (enum debug_access) allows the command to this session. False after having replied. */
bool server_allow(struct call *call, const _Atomic int *setting, const char *command, const char *option);

/* DEBUG's subcommands that walk or fill the keyspace (debug_data.c). */
void server_debug_populate(struct call *call);
void server_debug_digest(struct call *call);
void server_debug_digest_value(struct call *call);
void server_debug_reload(struct call *call);
/* Those that look at how values are kept (debug_structure.c). */
void server_debug_object(struct call *call);
void server_debug_listpack(struct call *call);
void server_debug_sdslen(struct call *call);
void server_debug_htstats(struct call *call);
void server_debug_htstats_key(struct call *call);

#endif
