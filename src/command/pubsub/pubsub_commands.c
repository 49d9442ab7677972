/* pubsub_commands.c: the commands of the pubsub group. */
#include "command/pubsub/pubsub_commands.h"

#include "command/connection/connection_commands.h"
#include "command/index.h"

const struct command *const pubsub_commands[] = {
    &pubsub_psubscribe, &pubsub_publish,   &pubsub_pubsub,       &pubsub_punsubscribe, &pubsub_spublish,
    &pubsub_ssubscribe, &pubsub_subscribe, &pubsub_sunsubscribe, &pubsub_unsubscribe,  NULL,
};

bool pubsub_allows(const struct session *session, const struct command *command)
{
    static const struct command *const allowed[] = {
        &pubsub_subscribe,    &pubsub_unsubscribe, &pubsub_psubscribe,
        &pubsub_punsubscribe, &pubsub_ssubscribe,  &pubsub_sunsubscribe,
        &connection_ping,     &connection_quit,    &connection_reset,
    };
    if (session->proto != 2) return true;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (command == allowed[i]) return true;
    return false;
}
