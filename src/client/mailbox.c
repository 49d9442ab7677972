/* mailbox.c: a stack that many push to and one takes whole (mailbox.h). */
#include "client/mailbox.h"

void client_mailbox_deliver(struct client_mailbox *mailbox)
{
    struct client_mail *newest = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    struct client_mail *oldest = NULL;
    while (newest) { /* M1: turn the stack around */
        struct client_mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct client_mail *next = oldest->next; /* deliver() may free the mail */
        oldest->deliver(oldest, mailbox->owner);
        oldest = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    client_mailbox_deliver(wake->data);
}

enum error client_mailbox_open(struct client_mailbox *mailbox, uv_loop_t *loop, void *owner)
{
    atomic_init(&mailbox->newest, NULL);
    mailbox->owner = owner;
    mailbox->wake.data = mailbox;
    return uv_async_init(loop, &mailbox->wake, on_wake) == 0 ? ERROR_OK : ERROR_MEMORY;
}

void client_mailbox_close(struct client_mailbox *mailbox)
{
    uv_close((uv_handle_t *)&mailbox->wake, NULL);
}

void client_mailbox_post(struct client_mailbox *mailbox, struct client_mail *mail)
{
    mail->next = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &mail->next, mail, memory_order_release,
                                                  memory_order_relaxed))
        ;
    uv_async_send(&mailbox->wake);
}
