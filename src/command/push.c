/* push.c: bytes to a session that are no reply (push.h). */
#include "command/push.h"

#include "command/host.h"

void push_begin(struct worker *worker, struct session *session)
{
    worker->running = session;
}

void push_end(struct worker *worker, struct resp_out *out)
{
    worker->running = NULL;
    if (__builtin_expect(worker->pushed.failed,
                         0)) { /* the connection ends rather than to go on without it */
        worker->pushed.failed = false;
        worker->pushed.len = 0;
        out->failed = true;
    }
    if (__builtin_expect(worker->pushed.len == 0, 1)) return;
    worker->looked = true;
    bool discard = out->discard;
    out->discard = false; /* P2 */
    resp_raw(out, worker->pushed.buf, worker->pushed.len);
    out->discard = discard;
    worker->pushed.len = 0;
}

void push_send(struct worker *worker, struct session *session, const char *bytes, size_t len)
{
    if (session == worker->running) resp_raw(&worker->pushed, bytes, len); /* P1 */
    else worker->host->push(worker->host->app, session, bytes, len);
}
