/* replies.h: bytes out: replies and pushes of all connections gather in the loop's buffer and are sent together. Private to client/.
 *
 * Terms: a *push* is what a client did not ask for (command/push.h). Pushes gather beside their connection, and join the loop's
 * buffer when the turn ends, or before the connection's next reply. A connection is *due* when something waits for the end of the turn:
 * its pushes, its end, or requests behind a command that has stopped to block.
 *
 * Invariants:
 * R1. Replies and pushes of a connection leave in the order in which they came.
 * R2. Every byte leaves through the loop's buffer: client_replies_send is the one place that may hold them back, which it does until they are
 *     acknowledged (held.h).
 * R3. Above the hold (client_replies_hold) nothing is executed or read; both go on when the queue is empty.
 * R4. Nothing is closed, executed or sent inside client_replies_push: it is called with locks of the commands held.
 */
#ifndef CAIRN_CLIENT_REPLIES_H
#define CAIRN_CLIENT_REPLIES_H

#include "client/connection.h"

/* From here on the loop's buffer takes replies to the connection: its pushes come first (R1). False when the connection is closed. */
bool client_replies_begin(struct client_connection *connection);
/* What was written joins what the loop will send: at once when there is much of it. False when the connection is closed. */
bool client_replies_end(struct client_connection *connection);
/* Sends what has gathered in the loop's buffer. */
void client_replies_send(struct client_loop *loop);
/* Sends bytes of `out` as they are, or queues what the socket does not take. */
void client_replies_write(struct client_connection *connection, struct resp_out *out, size_t at, size_t end);
/* For held.c: replies, bytes [at, end) of `out`, leave. The connection may be closed then. */
void client_replies_release(struct client_connection *connection, struct resp_out *out, size_t at, size_t end);
/* The end of a turn: sends replies and pushes, closes who is to be closed, goes on with who was unblocked. Before the loop waits, and
 * before it closes handles (L3). */
void client_replies_settle(struct client_loop *loop);

/* Gathers a push. A connection that reads too slowly is closed when the turn ends. */
void client_replies_push(struct client_connection *connection, const char *bytes, size_t len);
/* The connection is looked at when the turn ends. */
void client_replies_due(struct client_connection *connection);

/* So much waits for the client that it has to read first (R3). */
bool client_replies_hold(const struct client_connection *connection);
/* False when the connection was closed for what waits in its queue. */
bool client_replies_within_limits(struct client_connection *connection);
bool client_replies_authenticated(const struct client_connection *connection);

#endif
