/* roster.c: CLIENT INFO, LIST and KILL: the connections of all workers as one list (pool.h). */
#include "client/address.h"
#include "client/connection.h"
#include "client/memory.h"
#include "command/acl/session.h"
#include "command/block.h"
#include "command/multi.h"
#include "command/pubsub.h"
#include "command/tracking.h"
#include "command/watch.h"
#include "util/clock.h"

#include <stdio.h>

#define FLAGS_BYTES 16

/* The address at which the client reached us. */
static void local_address(const struct client_connection *c, char text[CLIENT_ADDRESS_BYTES])
{
    union client_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    if (getsockname(client_connection_fd(c), &address.any, &len) != 0) address.any.sa_family = AF_UNSPEC;
    client_address_text(&address, text);
}

static void put_text(struct resp_out *out, const char *text)
{
    resp_raw(out, text, strlen(text));
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static void flags_text(const struct client_connection *c, char text[FLAGS_BYTES])
{
    size_t len = 0;
    uint32_t tracking = tracking_flags(&c->session);
    if (c->session.monitors) text[len++] = 'O';
    if (session_is_subscribed(&c->session)) text[len++] = 'P';
    if (multi_is_open(&c->session)) text[len++] = 'x';
    if (c->paused || c->blocked) text[len++] = 'b';
    if (tracking & TRACKING_ON) text[len++] = 't';
    if (tracking & TRACKING_BROKEN) text[len++] = 'R';
    if (tracking & TRACKING_BCAST) text[len++] = 'B';
    if (watch_is_dirty(c->session.watcher)) text[len++] = 'd';
    if (c->ending || c->to_end || c->session.close_after_reply) text[len++] = 'c';
    if (c->local_socket) text[len++] = 'U';
    if (c->session.no_evict) text[len++] = 'e';
    if (c->session.no_touch) text[len++] = 'T';
    if (len == 0) text[len++] = 'N';
    text[len] = '\0';
}

static long long queued_commands(const struct session *session)
{
    return session->multi ? (long long)session->multi->count : -1;
}

/* Bytes of the arguments of a request that is not complete yet. */
static size_t argument_bytes(const struct resp_parser *parser)
{
    size_t bytes = 0;
    for (size_t i = 0; parser->spans && i < parser->argc; i++)
        bytes += parser->spans[i].len;
    return bytes;
}

/* -1: not redirected. */
static long long redirection(const struct session *session)
{
    if (!(tracking_flags(session) & TRACKING_ON)) return -1;
    return (long long)tracking_redirect(session);
}

static void put_memory(const struct client_connection *c, struct resp_out *out)
{
    const struct client_output *output = c->output;
    size_t taken =
        c->parser.at < c->query.len ? c->parser.at : c->query.len; /* arguments, and not query any more */
    size_t query_free = c->turn_bytes ? CLIENT_READ_BYTES - c->turn_bytes : c->query.cap - c->query.len;
    size_t waiting = (c->reply.pending ? c->reply.end - c->reply.at : 0) + (c->pushed ? c->pushed->len : 0);
    char text[512];
    snprintf(
        text, sizeof text,
        " qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=%zu rbs=0 rbp=0 obl=%zu oll=%zu omem=%zu tot-mem=%zu",
        c->turn_bytes + c->query.len - taken, query_free, argument_bytes(&c->parser),
        multi_bytes(&c->session), waiting, output ? output->block_count : 0,
        output ? output->memory_bytes : 0, client_memory_of(c));
    put_text(out, text);
}

void client_pool_info(struct client_pool *pool, const struct session *session, struct resp_out *line_out)
{
    const struct client_connection *c = session->connection;
    const struct command_entry *last =
        session->last_command ? command_table_entry(pool->server->table, session->last_command) : NULL;
    int64_t now_ms = clock_monotonic_ns() / 1000000;
    char local[CLIENT_ADDRESS_BYTES];
    char flags[FLAGS_BYTES];
    char line[1024];
    local_address(c, local);
    flags_text(c, flags);
    snprintf(line, sizeof line, "id=%llu addr=%s laddr=%s fd=%d name=", (unsigned long long)session->id,
             c->address, local, client_connection_fd(c));
    put_text(line_out, line);
    put_text(line_out, text_or_empty(session->name));
    snprintf(line, sizeof line, " age=%lld idle=%lld flags=%s db=%u sub=%u psub=%u ssub=%u multi=%lld",
             (long long)((clock_wall_ms() - session->created_ms) / 1000),
             (long long)((now_ms - c->last_io_ms) / 1000), flags, session->db, session->subscribed.channels,
             session->subscribed.patterns, session->subscribed.shard_channels, queued_commands(session));
    put_text(line_out, line);
    put_memory(c, line_out);
    snprintf(line, sizeof line,
             " events=%s%s cmd=%s user=%.256s redir=%lld resp=%d lib-name=", c->reading ? "r" : "",
             c->output ? "w" : "", last ? last->full_name : "NULL", acl_session_username(session),
             redirection(session), session->proto);
    put_text(line_out, line);
    put_text(line_out, text_or_empty(session->lib_name));
    put_text(line_out, " lib-ver=");
    put_text(line_out, text_or_empty(session->lib_ver));
}

static bool id_matches(const struct client_filter *filter, uint64_t id)
{
    for (size_t i = 0; i < filter->id_count; i++)
        if (filter->ids[i] == id) return true;
    return !filter->has_id;
}

static bool matches(const struct client_filter *filter, const struct client_connection *c,
                    const struct session *self)
{
    if (!id_matches(filter, c->session.id)) return false;
    if (filter->skip_me && &c->session == self) return false;
    if (filter->addr.ptr && !slice_equal(filter->addr, slice_of(c->address))) return false;
    if (filter->user.ptr && !slice_equal(filter->user, slice_of(acl_session_username(&c->session))))
        return false;
    if (filter->chosen && !filter->chosen(filter->chosen_arg, &c->session)) return false;
    const char *type = session_is_subscribed(&c->session) ? "pubsub" : "normal";
    if (filter->type.ptr && !slice_is_word(filter->type, type)) return false;
    if (filter->max_age_s >= 0 && (clock_wall_ms() - c->session.created_ms) / 1000 < filter->max_age_s)
        return false;
    if (!filter->laddr.ptr) return true;
    char local[CLIENT_ADDRESS_BYTES];
    local_address(c, local);
    return slice_equal(filter->laddr, slice_of(local));
}

struct list_arg {
    struct client_pool *pool;
    const struct client_filter *filter;
    struct resp_out *lines;
};

static void list_one(void *arg, struct client_connection *c)
{
    struct list_arg *list = arg;
    if (c->killed || !matches(list->filter, c, NULL)) return;
    client_pool_info(list->pool, &c->session, list->lines);
    resp_raw(list->lines, "\n", 1);
}

void client_pool_list(struct client_pool *pool, const struct worker *worker,
                      const struct client_filter *filter, struct resp_out *lines_out)
{
    struct list_arg list = {pool, filter, lines_out};
    client_loop_visit(pool, &pool->loops[worker->id], list_one, &list);
}

struct kill_arg {
    const struct client_filter *filter;
    struct session *self;
    uint64_t killed;
};

static void kill_one(void *arg, struct client_connection *c)
{
    struct kill_arg *kill = arg;
    if (c->killed || !matches(kill->filter, c, kill->self)) return;
    kill->killed++;
    block_forget(c->loop->pool->server, c->session.id); /* nothing is given to it any more */
    if (&c->session == kill->self) {
        c->session.close_after_reply = true;
        return;
    }
    c->killed = true;
    pubsub_end(c->loop->worker, &c->session); /* nobody counts it any more. U1: its loop stands still */
}

uint64_t client_pool_kill(struct client_pool *pool, const struct worker *worker, struct session *self,
                          const struct client_filter *filter)
{
    struct kill_arg kill = {filter, self, 0};
    client_loop_visit(pool, &pool->loops[worker->id], kill_one, &kill);
    if (kill.killed > 0) client_pool_resume(pool); /* each loop closes its own */
    return kill.killed;
}
