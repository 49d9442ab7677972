/* reception_answer.h: what a request is answered while there is no heap.
 *
 * Served are those commands that Redis allows while it loads, which need neither keys nor other clients, and whose replies are short:
 * reception_answer.c lists them. All others are answered -LOADING; between MULTI and EXEC that spoils the transaction, as in Redis.
 * A transaction that is open when the server begins to serve goes on there.
 */
#ifndef CAIRN_APP_RECEPTION_ANSWER_H
#define CAIRN_APP_RECEPTION_ANSWER_H

#include "command/host.h"
#include "command/session.h"
#include "command/worker.h"
#include "resp/parse.h"

/* More of a request, and of a transaction, is not kept. */
#define RECEPTION_REQUEST_BYTES (128 * 1024)

struct app;

struct reception_desk {
    struct app *app;
    struct host host; /* what handlers may ask for */
    struct worker worker;
    struct resp_out out; /* replies are appended here */
};

/* Stays where it is while it is used. */
void reception_desk_open(struct reception_desk *desk, struct app *app);
void reception_answer(struct reception_desk *desk, struct session *session,
                      const struct resp_request *request);
/* One that is too long to be kept: what is known of it are the arguments that the parser has, at `bytes`. */
void reception_answer_unread(struct reception_desk *desk, struct session *session,
                             const struct resp_parser *parser, const char *bytes);
/* Ends the process. The recovery can be stopped anywhere and begins anew (DESIGN §2, J9). */
_Noreturn void reception_leave(struct app *app, const char *why);

#endif
