/* listener.h: listening sockets. Loop 0 accepts, the least busy loop serves. Private to client/.
 *
 * One thread accepts because connections are rare beside requests, and because this balances exactly: with a
 * listening socket in every loop the kernel wakes whoever is idle, and long-lived connections stay where they
 * fell.
 */
#ifndef CAIRN_CLIENT_LISTENER_H
#define CAIRN_CLIENT_LISTENER_H

#include "client/loop.h"

/* On loop 0's thread, or before it runs. */
bool client_listener_open(struct client_pool *pool, const struct client_listen *listen, char *error,
                          size_t error_cap);
/* See client_pool_relisten. */
bool client_listener_replace(struct client_pool *pool, const struct client_listen *listen, char *error,
                             size_t error_cap);
/* Those that rest are looked at again. On loop 0's thread, when it ticks and pool->listeners_rest. */
void client_listener_wake(struct client_pool *pool);
/* Of pool->listeners_changed. */
void client_listener_run(struct worker_mail *mail, struct worker *worker);
void client_listener_close(struct client_pool *pool); /* after loop 0 is closed */

#endif
