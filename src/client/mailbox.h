/* mailbox.h: messages from any thread to the thread of one event loop.
 *
 * Terms: a *mail* is embedded in whatever it carries; posting hands it over, delivery hands it to the loop's
 * thread.
 *
 * Invariants:
 * M1. Mails are delivered in the order in which they were posted, each exactly once, on the loop's thread.
 * M2. Posting takes no lock and allocates nothing: it may be done in a signal handler.
 */
#ifndef CAIRN_CLIENT_MAILBOX_H
#define CAIRN_CLIENT_MAILBOX_H

#include "util/error.h"

#include <stdatomic.h>
#include <uv.h>

struct client_mail {
    struct client_mail *next;
    void (*deliver)(struct client_mail *mail, void *owner);
};

struct client_mailbox {
    uv_async_t wake;
    _Atomic(struct client_mail *) newest;
    void *owner;
};

/* `owner` is handed to each mail's deliver(). */
MUST_CHECK enum error client_mailbox_open(struct client_mailbox *mailbox, uv_loop_t *loop, void *owner);
/* What is there, at once. On the loop's thread, or when the loop has ended: mails may own something. */
void client_mailbox_deliver(struct client_mailbox *mailbox);
/* Nothing is delivered after this. The memory may go when the loop has ended. */
void client_mailbox_close(struct client_mailbox *mailbox);
/* Any thread. The mail belongs to the mailbox until it is delivered. */
void client_mailbox_post(struct client_mailbox *mailbox, struct client_mail *mail);

#endif
