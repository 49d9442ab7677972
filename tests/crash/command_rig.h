/* command_rig.h: commands on the rig's keyspace, by a server of their own (keyspace_rig.h). */
#ifndef CAIRN_TESTS_CRASH_COMMAND_RIG_H
#define CAIRN_TESTS_CRASH_COMMAND_RIG_H

#include "keyspace_rig.h"

#include "command/dispatch.h"
#include "command/server_state.h"

#define RIG_ARGS_MAX 12

struct rig_desk {
    struct settings settings;
    struct server_state server;
    struct worker worker;
    struct host host;
    struct session session;
    struct resp_out out;
};

static inline struct rig_desk *rig_desk_open(struct rig *rig)
{
    struct rig_desk *desk = calloc(1, sizeof *desk);
    ASSERT(desk != NULL);
    desk->session = (struct session){.proto = 2, .authenticated = true};
    atomic_store(&desk->settings.slowlog_slower_than_us, -1);
    must(server_state_open(&desk->server, &desk->settings, 1, 1));
    must(worker_open(&desk->worker, 0, rig->thread, rig->keyspace, &desk->server, &desk->host));
    resp_out_init(&desk->out);
    return desk;
}

static inline void rig_desk_close(struct rig_desk *desk)
{
    resp_out_free(&desk->out);
    session_free(&desk->session);
    worker_close(&desk->worker);
    server_state_close(&desk->server);
    free(desk);
}

/* The reply, good until the next request. */
static inline struct slice rig_request(struct rig_desk *desk, struct slice *argv, size_t argc)
{
    struct resp_request request = {.argv = argv, .argc = argc};
    size_t done;
    for (size_t i = 0; i < argc; i++)
        request.bytes += argv[i].len;
    desk->out.len = 0;
    ASSERT(dispatch_batch(&desk->worker, &desk->session, &request, 1, &desk->out, &done) == DISPATCH_DONE &&
           done == 1);
    return (struct slice){desk->out.buf, desk->out.len};
}

/* Words between single blanks. */
static inline struct slice rig_ask(struct rig_desk *desk, const char *line)
{
    struct slice argv[RIG_ARGS_MAX];
    size_t argc = 0;
    while (*line) {
        size_t len = strcspn(line, " ");
        ASSERT(argc < RIG_ARGS_MAX);
        argv[argc++] = (struct slice){line, len};
        line += len + strspn(line + len, " ");
    }
    return rig_request(desk, argv, argc);
}

#endif
