/* reception.h: who connects while there is no heap yet: the sockets, and what can be answered without one.
 *
 * What is served and what is answered -LOADING says reception_answer.h. A visitor's session is what it is made of by AUTH, HELLO, SELECT,
 * MULTI and the like, and goes over to the server with its connection. There is no TLS before the server runs.
 *
 *     reception_open, reception_serve ...   on the thread that loading.c has for it
 *     reception_close_doors                 the ports are free; visitors stay, and are not answered
 *     reception_hand_over                   they go on as clients of the pool
 */
#ifndef CAIRN_APP_RECEPTION_H
#define CAIRN_APP_RECEPTION_H

#include <stdbool.h>

struct app;
struct reception;

/* NULL without memory. Sockets that cannot be had are left out: the server says why when it opens its own. */
struct reception *reception_open(struct app *app);
/* Waits for a moment and answers what has come. SHUTDOWN, SIGTERM and SIGINT end the process here. */
void reception_serve(struct reception *reception);
/* Takes in who waits at a door. */
void reception_close_doors(struct reception *reception);
/* Before the pool runs. */
void reception_hand_over(struct reception *reception);
/* Visitors that are still there are disconnected. NULL is fine. */
void reception_free(struct reception *reception);

#endif
