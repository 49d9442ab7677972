/* memory.h: what connections use, and closing those that use most when it is too much (maxmemory-clients). Private to client/.
 *
 * Terms: a connection's *counted* bytes are its part of pool->client_bytes: what it used when its last turn ended.
 *
 * Invariants:
 * E1. pool->client_bytes is the sum of the counted bytes of all connections that are open and not killed.
 * E2. Connections are closed in the order of their size to the nearest power of two, the largest first, over all loops together, and not
 *     more of them than needed.
 */
#ifndef CAIRN_CLIENT_MEMORY_H
#define CAIRN_CLIENT_MEMORY_H

#include "client/connection.h"

/* Now, as CLIENT LIST tells it. Under the lock of its loop. */
size_t client_memory_of(const struct client_connection *connection);
/* Counts it anew; on its loop's thread. */
void client_memory_count(struct client_connection *connection);
/* The connection is closed or killed: it counts no more. */
void client_memory_forget(struct client_connection *connection);
/* What all may use together; 0: any. */
uint64_t client_memory_limit(const struct client_pool *pool);
/* Whether that is more than it may be, and something can be done about it. */
bool client_memory_is_over(const struct client_pool *pool);
/* Kills the largest until it is no more. The caller's loop lock is let go and taken again. */
void client_memory_enforce(struct client_loop *own);

#endif
