/* push_test.c: what reaches a connection from outside of its own commands (host.h): mails, pushes, the end. */
#include "client/loop.h"
#include "pool_fixture.h"

struct errand { /* from the test's thread to a worker's; waited for */
    struct worker_mail mail;
    struct fixture *f;
    uint64_t session_id;
    const char *text;
    size_t len;
    unsigned times;
    bool end;
    bool found;
    _Atomic bool done;
};

static void run_errand(struct worker_mail *mail, struct worker *worker)
{
    struct errand *errand = (struct errand *)mail;
    struct session *session = client_pool_session(worker, errand->session_id);
    errand->found = session != NULL;
    for (unsigned i = 0; session && i < errand->times; i++)
        client_pool_push(session, errand->text, errand->len);
    if (session && errand->end) client_pool_end(session);
    errand->done = true;
}

static void send_errand(struct errand *errand, unsigned worker_id)
{
    errand->mail.run = run_errand;
    errand->done = false;
    client_pool_post(errand->f->pool, worker_id, &errand->mail);
    for (int i = 0; i < 20000 && !errand->done; i++)
        usleep(1000);
    assert_true(errand->done);
}

static uint64_t session_id(int fd)
{
    char got[32] = "";
    say(fd, "CLIENT ID\r\n");
    for (size_t len = 0; len < sizeof got - 1 && !strchr(got, '\n'); len++)
        assert_int_equal(recv(fd, got + len, 1, 0), 1);
    return strtoull(got + 1, NULL, 10);
}

/* Of a client of that worker: the loops share them evenly. */
static int dial_worker(struct fixture *f, unsigned worker_id, uint64_t *id_out)
{
    struct errand errand = {.f = f};
    for (int tries = 0; tries < 10; tries++) {
        int fd = dial(f);
        errand.session_id = *id_out = session_id(fd);
        send_errand(&errand, worker_id);
        if (errand.found) return fd;
    }
    fail_msg("no connection of worker %u", worker_id);
    return -1;
}

static uint64_t writes_of(struct fixture *f, unsigned worker_id)
{
    return atomic_load_explicit(&f->workers[worker_id].counters.writes, memory_order_relaxed);
}

static void a_session_is_found_by_its_own_worker_alone(void **state)
{
    struct fixture *f = *state;
    for (unsigned worker_id = 0; worker_id < WORKERS; worker_id++) {
        struct errand errand = {.f = f};
        int fd = dial_worker(f, worker_id, &errand.session_id);
        send_errand(&errand, !worker_id);
        assert_false(errand.found);
        close(fd);
        for (int i = 0; i < 20000; i++) { /* until its end has been seen */
            send_errand(&errand, worker_id);
            if (!errand.found) break;
        }
        assert_false(errand.found);
    }
}

static void many_are_found(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 90 };
    int fds[COUNT];
    uint64_t ids[COUNT];
    f->client_settings.maxclients = 1000;
    for (unsigned i = 0; i < COUNT; i++) {
        fds[i] = dial(f);
        ids[i] = session_id(fds[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        struct errand errand = {.f = f, .session_id = ids[i], .text = "+hi\r\n", .len = 5, .times = 1};
        send_errand(&errand, 0);
        if (!errand.found) send_errand(&errand, 1);
        assert_true(errand.found);
        hear(fds[i], "+hi\r\n");
        close(fds[i]);
    }
}

/* R1 */
static void pushes_leave_in_their_order_with_one_write(void **state)
{
    struct fixture *f = *state;
    struct errand errand = {.f = f, .text = "+push\r\n", .len = 7, .times = 100};
    int fd = dial_worker(f, 1, &errand.session_id);
    uint64_t before = writes_of(f, 1);
    send_errand(&errand, 1);
    for (unsigned i = 0; i < 100; i++)
        hear(fd, "+push\r\n");
    errand.times = 0;
    send_errand(&errand, 1); /* the turn has ended */
    assert_int_equal(writes_of(f, 1) - before, 1);
    say(fd, "PING\r\n");
    hear(fd, "+PONG\r\n");
    close(fd);
}

static void a_session_ends_after_what_it_was_told(void **state)
{
    struct fixture *f = *state;
    struct errand errand = {.f = f, .text = "+bye\r\n", .len = 6, .times = 2, .end = true};
    int fd = dial_worker(f, 0, &errand.session_id);
    send_errand(&errand, 0);
    assert_true(errand.found);
    hear(fd, "+bye\r\n+bye\r\n");
    hear_end(fd);
}

/* Below the limit it waits for the reader, above it the connection is closed; the memory is given back at once. */
static void a_slow_reader_of_pushes_is_cut_off(void **state)
{
    struct fixture *f = *state;
    enum { BYTES = 100000 };
    char *text = malloc(BYTES);
    memset(text, 'p', BYTES);
    f->client_settings.output[OUTPUT_NORMAL].hard_bytes = 4 << 20;
    struct errand errand = {.f = f, .text = text, .len = BYTES, .times = 1};
    int fd = dial_worker(f, 0, &errand.session_id);
    unsigned taken = 0;
    while (taken < 1000) {
        send_errand(&errand, 0);
        if (!errand.found) break;
        taken++;
    }
    assert_in_range(taken, (4 << 20) / BYTES, 100);
    struct client_pool_stats stats;
    client_pool_stats(f->pool, &stats);
    assert_int_equal(stats.output_limit_disconnections, 1);
    close(fd);
    fd = dial_worker(f, 0, &errand.session_id);
    errand.times = 100; /* all at once */
    send_errand(&errand, 0);
    hear_end(fd);
    client_pool_stats(f->pool, &stats);
    assert_int_equal(stats.output_limit_disconnections, 2);
    free(text);
}

/* What a reader has not taken is not lost, and stands in its order. */
static void a_late_reader_gets_everything(void **state)
{
    struct fixture *f = *state;
    enum { ROUNDS = 40, BYTES = 20000 };
    char *text = malloc(BYTES);
    struct errand errand = {.f = f, .text = text, .len = BYTES, .times = 3};
    int fd = dial_worker(f, 1, &errand.session_id);
    for (int round = 0; round < ROUNDS; round++) {
        memset(text, 'a' + round % 26, BYTES);
        send_errand(&errand, 1);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 3; i++) {
            assert_int_equal(recv(fd, text, BYTES, MSG_WAITALL), BYTES);
            assert_int_equal(text[0], 'a' + round % 26);
            assert_memory_equal(text, text + 1, BYTES - 1);
        }
    }
    say(fd, "PING\r\n");
    hear(fd, "+PONG\r\n");
    free(text);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_found_by_its_own_worker_alone), TEST(many_are_found),
        TEST(pushes_leave_in_their_order_with_one_write), TEST(a_session_ends_after_what_it_was_told),
        TEST(a_slow_reader_of_pushes_is_cut_off),         TEST(a_late_reader_gets_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
