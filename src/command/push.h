/* push.h: bytes to a session that are no reply to its current command: messages, invalidations, MONITOR lines.
 *
 * Invariants:
 * P1. A push stands between two replies, never inside one, also when the session whose command causes it is the one that gets it: then it
 *     follows that command's reply (EXEC's: all of it).
 * P2. CLIENT REPLY OFF and SKIP hold back replies, not pushes.
 */
#ifndef CAIRN_COMMAND_PUSH_H
#define CAIRN_COMMAND_PUSH_H

#include "command/session.h"
#include "command/worker.h"

/* To a session of this worker, on its thread. Bytes are copied. */
void push_send(struct worker *worker, struct session *session, const char *bytes, size_t len);
/* The dispatcher's: between begin and end, pushes to `session` gather; end appends them to `out`. */
void push_begin(struct worker *worker, struct session *session);
void push_end(struct worker *worker, struct resp_out *out);

#endif
