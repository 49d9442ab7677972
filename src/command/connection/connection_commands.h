/* connection_commands.h: the rows of the connection group, and what its files share. */
#ifndef CAIRN_COMMAND_CONNECTION_CONNECTION_COMMANDS_H
#define CAIRN_COMMAND_CONNECTION_CONNECTION_COMMANDS_H

#include "command/call.h"

extern const struct command connection_auth;
extern const struct command connection_client;
extern const struct command connection_echo;
extern const struct command connection_hello;
extern const struct command connection_ping;
extern const struct command connection_quit;
extern const struct command connection_reset;
extern const struct command connection_select;

extern const struct command connection_client_caching;
extern const struct command connection_client_getname;
extern const struct command connection_client_getredir;
extern const struct command connection_client_help;
extern const struct command connection_client_id;
extern const struct command connection_client_info;
extern const struct command connection_client_kill;
extern const struct command connection_client_list;
extern const struct command connection_client_no_evict;
extern const struct command connection_client_no_touch;
extern const struct command connection_client_pause;
extern const struct command connection_client_reply;
extern const struct command connection_client_setinfo;
extern const struct command connection_client_setname;
extern const struct command connection_client_tracking;
extern const struct command connection_client_trackinginfo;
extern const struct command connection_client_unblock;
extern const struct command connection_client_unpause;

/* True when `text` has nothing but printable ASCII without spaces: CLIENT LIST prints it unquoted. */
bool connection_text_is_plain(struct slice text);
/* Gives the connection a name ("" takes it away). False after having replied what is wrong with it. */
bool connection_set_name(struct call *call, struct slice name);
/* Replaces a malloc'd text of the session by a copy of `text`, or by NULL when it is empty; false: no memory. */
bool connection_set_text(char **text_of_session, struct slice text);

#endif
