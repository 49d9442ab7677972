/* monitor.c: MONITOR: the connection is shown every command from now on. */
#include "command/monitor.h"

#include "command/multi.h"
#include "command/server/server_commands.h"

static void monitor(struct call *call);
const struct command server_monitor = {
    .name = "monitor",
    .handler = monitor,
    .arity = 1,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Shows the connection every command that the server executes.",
};

/* As in Redis: who monitors already gets no reply, and a transaction expects one for each command. */
static void monitor(struct call *call)
{
    if (multi_is_open(call->session)) {
        resp_error(call->out, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if (call->session->monitors) return;
    enum error error = monitor_begin(call->worker, call->session);
    if (error) call_fail(call, error);
    else resp_ok(call->out);
}
