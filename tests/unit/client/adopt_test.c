/* adopt_test.c: connections that were accepted before the pool runs: what they bring along is served, or given back. */
#include "../../support/starve.h"
#include "pool_fixture.h"

#include "command/acl/session.h"

#define TEXTS 3

static struct {
    void *at[TEXTS];
    bool freed[TEXTS];
} texts;

#if STARVES
void __libc_free(void *at);

void free(void *at)
{
    for (unsigned i = 0; at && i < TEXTS; i++)
        if (texts.at[i] == at) texts.freed[i] = true;
    __libc_free(at);
}
#endif

static char *text(unsigned number, const char *words)
{
    char *copy = strdup(words);
    texts.freed[number] = false;
    texts.at[number] = copy;
    return copy;
}

/* Whether an allocation failed. */
static bool adopt(unsigned long from, unsigned long many)
{
    struct fixture *f = open_pool();
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct session session = {.id = 7, .proto = 2};
    int ends[2];
    char got[16];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    acl_session_begin(&f->server.acl, &session);
    session.name = text(0, "me");
    session.lib_name = text(1, "lib");
    session.lib_ver = text(2, "1.0");
    const struct client_visitor visitor = {.fd = ends[0],
                                           .peer = (struct sockaddr *)&name,
                                           .unix_path = f->socket_path,
                                           .session = &session,
                                           .bytes = "PI",
                                           .len = 2};
    starve_begin(from, many);
    client_pool_adopt(f->pool, &visitor);
    bool starved = starve_end();
    session_free(&session);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
    if (send(ends[1], "NG\r\n", 4, MSG_NOSIGNAL) == 4) {
        ssize_t len;
        assert_true(WAIT_FOR((len = recv(ends[1], got, sizeof got, 0)) >= 0 || errno == ECONNRESET));
        if (!starved) assert_int_equal(len, strlen("+PONG\r\n"));
    } else {
        assert_true(starved);
    }
    client_pool_stop(f->pool);
    pthread_join(f->thread, NULL);
    close_pool(f);
    close(ends[1]);
    for (unsigned i = 0; i < TEXTS; i++) {
        assert_true(texts.freed[i]);
        texts.at[i] = NULL;
    }
    return starved;
}

static void what_visitors_bring_is_given_back(void **state)
{
    (void)state;
    if (!STARVES) skip();
    for (unsigned long from = 1; adopt(from, 1); from++)
        continue;
    for (unsigned long from = 1; adopt(from, 100); from++)
        continue;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_visitors_bring_is_given_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
