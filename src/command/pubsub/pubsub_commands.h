/* pubsub_commands.h: the rows of the pubsub group, and what its files share. */
#ifndef CAIRN_COMMAND_PUBSUB_PUBSUB_COMMANDS_H
#define CAIRN_COMMAND_PUBSUB_PUBSUB_COMMANDS_H

#include "command/call.h"
#include "command/pubsub.h"

extern const struct command pubsub_psubscribe;
extern const struct command pubsub_publish;
extern const struct command pubsub_pubsub;
extern const struct command pubsub_punsubscribe;
extern const struct command pubsub_spublish;
extern const struct command pubsub_ssubscribe;
extern const struct command pubsub_subscribe;
extern const struct command pubsub_sunsubscribe;
extern const struct command pubsub_unsubscribe;

/* Whether a session that is subscribed may run the command: under RESP2 a reply could not be told from a message, so few may. */
bool pubsub_allows(const struct session *session, const struct command *command);

#endif
