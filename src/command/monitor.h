/* monitor.h: MONITOR: sessions that are shown every command as it is executed.
 *
 * While nobody monitors, a batch costs one relaxed load (server->monitors).
 */
#ifndef CAIRN_COMMAND_MONITOR_H
#define CAIRN_COMMAND_MONITOR_H

#include "command/session.h"
#include "util/error.h"

#include <stdatomic.h>
#include <stddef.h>

struct call;
struct worker;

/* A worker's. Zeroed memory is empty. */
struct monitors {
    struct session **sessions; /* its thread's alone */
    size_t cap;
    _Atomic size_t count; /* others look whether there are any */
};

/* The session is shown commands from now on. On its worker's thread, as are the others. */
MUST_CHECK enum error monitor_begin(struct worker *worker, struct session *session);
void monitor_end(struct worker *worker, struct session *session);
/* Shows a command that was executed. */
void monitor_show(const struct call *call);
void monitor_close(struct monitors *monitors);

#endif
