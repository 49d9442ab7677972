/* connection_commands.c: the commands of the connection group. */
#include "command/connection/connection_commands.h"

#include "command/index.h"

const struct command *const connection_commands[] = {
    &connection_auth,  &connection_client, &connection_echo,
    &connection_hello, &connection_ping,   &connection_quit,
    &connection_reset, &connection_select, NULL,
};
