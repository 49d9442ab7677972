/* allow.c: commands that the configuration has to allow: DEBUG, MODULE LOAD. */
#include "command/server/server_commands.h"
#include "command/settings.h"

bool server_allow(struct call *call, const _Atomic int *setting, const char *command, const char *option)
{
    enum debug_access access = (enum debug_access)atomic_load_explicit(setting, memory_order_relaxed);
    if (access == DEBUG_ANYBODY || (access == DEBUG_LOCAL && call->session->local)) return true;
    resp_errorf(
        call->out,
        "ERR %s command not allowed. If the %s option is set to \"local\", you can run it from a local "
        "connection, otherwise you need to set this option in the configuration file, and then restart the "
        "server.",
        command, option);
    return false;
}
