/* mailbox_test.c: mails of several threads arrive once each, in each poster's order. */
#include "client/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { POSTERS = 3, MAILS = 2000 };

struct letter {
    struct worker_mail mail;
    unsigned poster;
    unsigned number;
};

struct reader {
    struct client_mailbox mailbox;
    unsigned next[POSTERS];
    unsigned left;
};

static struct letter letters[POSTERS][MAILS];
static struct reader reader;

static void take(void *owner)
{
    struct reader *to = owner;
    struct worker_mail *next;
    for (struct worker_mail *mail = client_mailbox_take(&to->mailbox); mail; mail = next) {
        struct letter *letter = (struct letter *)mail;
        next = mail->next;
        assert_int_equal(letter->number, to->next[letter->poster]); /* M1 */
        to->next[letter->poster]++;
        if (--to->left == 0) client_mailbox_close(&to->mailbox);
    }
}

static void *post(void *arg)
{
    struct letter *mine = arg;
    for (unsigned i = 0; i < MAILS; i++)
        client_mailbox_post(&reader.mailbox, &mine[i].mail);
    return NULL;
}

static void mails_arrive_in_order(void **state)
{
    (void)state;
    uv_loop_t loop;
    pthread_t threads[POSTERS];
    assert_int_equal(uv_loop_init(&loop), 0);
    reader.left = POSTERS * MAILS;
    assert_int_equal(client_mailbox_open(&reader.mailbox, &loop, take, &reader), ERROR_OK);
    for (unsigned p = 0; p < POSTERS; p++)
        for (unsigned i = 0; i < MAILS; i++)
            letters[p][i] = (struct letter){.poster = p, .number = i};
    for (unsigned p = 0; p < POSTERS; p++)
        assert_int_equal(pthread_create(&threads[p], NULL, post, letters[p]), 0);
    uv_run(&loop, UV_RUN_DEFAULT); /* ends when the last mail has closed the mailbox */
    for (unsigned p = 0; p < POSTERS; p++) {
        pthread_join(threads[p], NULL);
        assert_int_equal(reader.next[p], MAILS);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mails_arrive_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
