/* mailbox.h: messages from any thread to the thread of one event loop.
 *
 * Terms: a *mail* (struct worker_mail) is embedded in whatever it carries; posting hands it over, taking hands it to the loop's
 * thread.
 *
 * Invariants:
 * M1. Mails are taken in the order in which they were posted, each exactly once, on the loop's thread.
 * M2. Posting takes no lock and allocates nothing: it may be done in a signal handler.
 */
#ifndef CAIRN_CLIENT_MAILBOX_H
#define CAIRN_CLIENT_MAILBOX_H

#include "command/host.h"
#include "util/error.h"

#include <stdatomic.h>
#include <uv.h>

struct client_mailbox {
    uv_async_t wake;
    _Atomic(struct worker_mail *) newest;
    void (*on_mail)(void *owner);
    void *owner;
};

/* `on_mail(owner)` is called on the loop's thread when something was posted: it takes the mails. */
MUST_CHECK enum error client_mailbox_open(struct client_mailbox *mailbox, uv_loop_t *loop,
                                          void (*on_mail)(void *owner), void *owner);
/* What is there, oldest first; NULL: nothing. On the loop's thread, or when the loop has ended: mails may own something. */
struct worker_mail *client_mailbox_take(struct client_mailbox *mailbox);
/* on_mail is not called after this. The memory may go when the loop has ended. */
void client_mailbox_close(struct client_mailbox *mailbox);
/* Any thread. The mail belongs to the mailbox until it is taken. */
void client_mailbox_post(struct client_mailbox *mailbox, struct worker_mail *mail);

#endif
