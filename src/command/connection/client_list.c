/* client_list.c: CLIENT LIST and CLIENT KILL: choosing connections by filters. */
#include "command/arguments.h"
#include "command/connection/connection_commands.h"
#include "command/host.h"
#include "command/server_state.h"

#include <stdlib.h>

#define CLIENT_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)

static bool is_client_type(struct slice type)
{
    static const char *const types[] = {"normal", "master", "slave", "replica", "pubsub"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is_word(type, types[i])) return true;
    return false;
}

/* False after having replied the error. */
static bool set_type(struct call *call, struct client_filter *filter, struct slice type)
{
    if (!is_client_type(type)) {
        resp_errorf(call->out, "ERR Unknown client type '%.*s'", (int)type.len, type.ptr);
        return false;
    }
    filter->type = type;
    return true;
}

/* False after having replied the error. */
static bool set_user(struct call *call, struct client_filter *filter, struct slice name)
{
    struct acl_user *user = acl_find(&call->worker->server->acl, name);
    if (!user) resp_errorf(call->out, "ERR No such user '%.*s'", (int)name.len, name.ptr);
    acl_user_release(user);
    filter->user = name;
    return user != NULL;
}

/* ---- LIST ---- */

static void list(struct call *call);
const struct command connection_client_list = {
    .name = "list",
    .handler = list,
    .arity = -2,
    .flags = CLIENT_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "2.4.0",
    .summary = "Describes the connections, one line each.",
    .complexity = "O(N) where N is the number of client connections",
    .arguments =
        ARGUMENTS({.name = "client-type",
                   .type = ARG_ONEOF,
                   .token = "TYPE",
                   .flags = ARG_OPTIONAL,
                   .since = "5.0.0",
                   .sub = ARGUMENTS(ARGUMENT_WORD("normal", "NORMAL"), ARGUMENT_WORD("master", "MASTER"),
                                    ARGUMENT_WORD("replica", "REPLICA"), ARGUMENT_WORD("pubsub", "PUBSUB"))},
                  {.name = "client-id",
                   .type = ARG_INTEGER,
                   .token = "ID",
                   .flags = ARG_OPTIONAL | ARG_MULTIPLE,
                   .since = "6.2.0"}),
    .tips = TIPS("nondeterministic_output"),
    .history = HISTORY("2.8.12", "Shows the unique client `id`.", "5.0.0", "Filters by `TYPE`.", "6.0.0",
                       "Shows the `user`.", "6.2.0",
                       "Shows `argv-mem`, `tot-mem`, `laddr` and `redir`, and filters by `ID`.", "7.0.0",
                       "Shows `resp`, `multi-mem`, `rbs` and `rbp`.", "7.0.3", "Shows `ssub`.", "7.2.0",
                       "Shows `lib-name` and `lib-ver`."),
};

static bool parse_ids(struct call *call, size_t first, struct client_filter *filter)
{
    filter->has_id = true;
    filter->ids = malloc((call->argc - first) * sizeof *filter->ids);
    if (!filter->ids) {
        call_fail(call, ERROR_MEMORY);
        return false;
    }
    for (size_t i = first; i < call->argc; i++) {
        int64_t number;
        if (!call_int_range(call, i, 1, INT64_MAX, "ERR Invalid client ID", &number)) return false;
        filter->ids[filter->id_count++] = (uint64_t)number;
    }
    return true;
}

/* False after having replied the error; filter->ids is the caller's to free either way. */
static bool parse_list(struct call *call, struct client_filter *filter)
{
    if (call->argc == 2) return true;
    if (call->argc == 4 && call_arg_is(call, 2, "type")) return set_type(call, filter, call->argv[3]);
    if (call->argc > 3 && call_arg_is(call, 2, "id")) return parse_ids(call, 3, filter);
    call_syntax_error(call);
    return false;
}

static void list(struct call *call)
{
    const struct host *host = call->worker->host;
    struct client_filter filter = {.max_age_s = -1};
    if (parse_list(call, &filter)) {
        struct resp_out lines;
        resp_out_init(&lines);
        host->client_list(host->app, call->worker, &filter, &lines);
        resp_verbatim(call->out, "txt", (struct slice){lines.buf, lines.len});
        resp_out_free(&lines);
    }
    free(filter.ids);
}

/* ---- KILL ---- */

static void kill_clients(struct call *call);
const struct command connection_client_kill = {
    .name = "kill",
    .handler = kill_clients,
    .arity = -3,
    .flags = CLIENT_FLAGS,
    .categories = CATEGORY_CONNECTION,
    .group = GROUP_CONNECTION,
    .since = "2.4.0",
    .summary = "Ends connections.",
    .complexity = "O(N) where N is the number of client connections",
    .arguments = ARGUMENTS(
        {.name = "filter",
         .type = ARG_ONEOF,
         .sub = ARGUMENTS(
             {.name = "old-format", .type = ARG_STRING, .deprecated_since = "2.8.12"},
             {.name = "new-format",
              .type = ARG_ONEOF,
              .flags = ARG_MULTIPLE,
              .sub = ARGUMENTS(
                  {.name = "client-id",
                   .type = ARG_INTEGER,
                   .token = "ID",
                   .flags = ARG_OPTIONAL,
                   .since = "2.8.12"},
                  {.name = "client-type",
                   .type = ARG_ONEOF,
                   .token = "TYPE",
                   .flags = ARG_OPTIONAL,
                   .since = "2.8.12",
                   .sub = ARGUMENTS(
                       ARGUMENT_WORD("normal", "NORMAL"),
                       {.name = "master", .type = ARG_PURE_TOKEN, .token = "MASTER", .since = "3.2.0"},
                       ARGUMENT_WORD("slave", "SLAVE"),
                       {.name = "replica", .type = ARG_PURE_TOKEN, .token = "REPLICA", .since = "5.0.0"},
                       ARGUMENT_WORD("pubsub", "PUBSUB"))},
                  {.name = "username", .type = ARG_STRING, .token = "USER", .flags = ARG_OPTIONAL},
                  {.name = "addr", .type = ARG_STRING, .token = "ADDR", .flags = ARG_OPTIONAL},
                  {.name = "laddr",
                   .type = ARG_STRING,
                   .token = "LADDR",
                   .flags = ARG_OPTIONAL,
                   .since = "6.2.0"},
                  {.name = "skipme",
                   .type = ARG_ONEOF,
                   .token = "SKIPME",
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(ARGUMENT_WORD("yes", "YES"), ARGUMENT_WORD("no", "NO"))})})}),
    .history = HISTORY("2.8.12", "Takes filters.", "2.8.12", "The `ID` filter.", "3.2.0",
                       "`master` as a `TYPE`.", "5.0.0",
                       "`replica` as a `TYPE`; `slave` is still understood.", "6.2.0", "The `LADDR` filter."),
};

/* One filter and its value at `arg`; false after having replied the error. */
static bool parse_filter(struct call *call, size_t arg, struct client_filter *filter, uint64_t *id)
{
    struct slice value = call->argv[arg + 1];
    if (call_arg_is(call, arg, "id")) {
        int64_t number;
        if (!call_int_range(call, arg + 1, 1, INT64_MAX, "ERR client-id should be greater than 0", &number))
            return false;
        *id = (uint64_t)number;
        filter->has_id = true;
        filter->ids = id;
        filter->id_count = 1;
    } else if (call_arg_is(call, arg, "type")) {
        return set_type(call, filter, value);
    } else if (call_arg_is(call, arg, "addr")) {
        filter->addr = value;
    } else if (call_arg_is(call, arg, "laddr")) {
        filter->laddr = value;
    } else if (call_arg_is(call, arg, "user")) {
        return set_user(call, filter, value);
    } else if (call_arg_is(call, arg, "skipme") && slice_is_word(value, "yes")) {
        filter->skip_me = true;
    } else if (call_arg_is(call, arg, "skipme") && slice_is_word(value, "no")) {
        filter->skip_me = false;
    } else {
        call_syntax_error(call);
        return false;
    }
    return true;
}

static void kill_clients(struct call *call)
{
    const struct host *host = call->worker->host;
    bool by_address = call->argc == 3; /* the old form: never spares oneself */
    struct client_filter filter = {.skip_me = !by_address, .max_age_s = -1};
    uint64_t id;
    if (by_address) filter.addr = call->argv[2];
    for (size_t arg = 2; !by_address && arg < call->argc; arg += 2) {
        if (arg + 1 == call->argc) {
            call_syntax_error(call);
            return;
        }
        if (!parse_filter(call, arg, &filter, &id)) return;
    }
    uint64_t killed = host->client_kill(host->app, call->worker, call->session, &filter);
    if (!by_address) resp_int(call->out, (int64_t)killed);
    else if (killed == 0) resp_error(call->out, "ERR No such client");
    else resp_ok(call->out);
}
