/* dispatch.h: from parsed requests to executed commands: the one entry of client/ into the commands. */
#ifndef CAIRN_COMMAND_DISPATCH_H
#define CAIRN_COMMAND_DISPATCH_H

#include "command/session.h"
#include "command/worker.h"
#include "resp/parse.h"
#include "resp/write.h"

#define DISPATCH_BATCH_MAX 64 /* requests executed in one stay in the gate */

enum dispatch_stop {
    DISPATCH_DONE,   /* all were executed, or so many that their replies are large: send them, go on */
    DISPATCH_CLOSE,  /* the session ends once its replies are out; the rest is dropped */
    DISPATCH_PAUSED, /* CLIENT PAUSE holds the next request: try again later */
    DISPATCH_BLOCKED, /* the last request waits (BLPOP): nothing more is executed before host->unblock. It counts as done */
};

/* Executes requests[0..count) of one session in order, appending replies to `out`. Keys of the whole batch are prefetched first, the
 * gate is entered once for each run of keyed commands (DESIGN §5). *done_out: how many were consumed. */
enum dispatch_stop dispatch_batch(struct worker *worker, struct session *session,
                                  const struct resp_request *requests, size_t count, struct resp_out *out,
                                  size_t *done_out);

#endif
