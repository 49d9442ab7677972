/* session.c: a session back at its beginning, and its end. */
#include "command/session.h"

#include "command/acl/session.h"
#include "command/block.h"
#include "command/monitor.h"
#include "command/multi.h"
#include "command/pubsub.h"
#include "command/tracking.h"
#include "command/watch.h"

#include <stdlib.h>

static void forget(char **text)
{
    free(*text);
    *text = NULL;
}

/* As in Redis, RESET keeps what the client library said of itself. */
void session_reset(struct session *session)
{
    multi_end(session);
    forget(&session->name);
    session->db = 0;
    session->proto = 2;
    session->no_evict = false;
    session->no_touch = false;
    session->reply = SESSION_REPLY_ON;
}

void session_be_quiet(struct session *session, struct worker *worker)
{
    pubsub_end(worker, session);
    tracking_end(worker, session);
    monitor_end(worker, session);
}

void session_end(struct session *session, struct worker *worker)
{
    block_end(session, worker);
    multi_end(session);
    session_be_quiet(session, worker);
}

size_t session_memory(const struct session *session)
{
    return multi_bytes(session) + watch_bytes(session->watcher) + pubsub_bytes(session) + tracking_bytes(session);
}

void session_free(struct session *session)
{
    multi_end(session);
    forget(&session->name);
    forget(&session->lib_name);
    forget(&session->lib_ver);
    acl_session_end(session);
}
