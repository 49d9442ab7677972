/* mailbox.c: a stack that many push to and one takes whole (mailbox.h). */
#include "client/mailbox.h"

struct worker_mail *client_mailbox_take(struct client_mailbox *mailbox)
{
    struct worker_mail *newest = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    struct worker_mail *oldest = NULL;
    while (newest) { /* M1: turn the stack around */
        struct worker_mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void on_wake(uv_async_t *wake)
{
    struct client_mailbox *mailbox = wake->data;
    mailbox->on_mail(mailbox->owner);
}

enum error client_mailbox_open(struct client_mailbox *mailbox, uv_loop_t *loop, void (*on_mail)(void *owner),
                               void *owner)
{
    atomic_init(&mailbox->newest, NULL);
    mailbox->on_mail = on_mail;
    mailbox->owner = owner;
    mailbox->wake.data = mailbox;
    return uv_async_init(loop, &mailbox->wake, on_wake) == 0 ? ERROR_OK : ERROR_MEMORY;
}

void client_mailbox_close(struct client_mailbox *mailbox)
{
    uv_close((uv_handle_t *)&mailbox->wake, NULL);
}

void client_mailbox_post(struct client_mailbox *mailbox, struct worker_mail *mail)
{
    mail->next = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &mail->next, mail, memory_order_release,
                                                  memory_order_relaxed))
        ;
    uv_async_send(&mailbox->wake);
}
