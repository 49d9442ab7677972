/* save.c: durability and the end: SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, SHUTDOWN. */
#include "command/arguments.h"
#include "command/host.h"
#include "command/server/server_commands.h"

static void save(struct call *call);
const struct command server_save = {
    .name = "save",
    .handler = save,
    .arity = 1,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING | COMMAND_NO_MULTI,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Makes all data durable on its medium, and answers then.",
    .complexity = "O(N) where N is the total number of keys in all databases",
};

static void save(struct call *call)
{
    const struct host *host = call->worker->host;
    enum error error = host->save(host->app, HOST_SAVE_NOW);
    if (error == ERROR_IN_USE) resp_error(call->out, "ERR Background save already in progress");
    else if (error) call_fail(call, error);
    else resp_ok(call->out);
}

static void bgsave(struct call *call);
const struct command server_bgsave = {
    .name = "bgsave",
    .handler = bgsave,
    .arity = -1,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Makes all data durable on its medium in the background.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "schedule",
                            .type = ARG_PURE_TOKEN,
                            .token = "SCHEDULE",
                            .flags = ARG_OPTIONAL,
                            .since = "3.2.2"}),
    .history = HISTORY("3.2.2", "The `SCHEDULE` option."),
};

static void save_in_background(struct call *call, enum host_save kind, const char *started, const char *busy)
{
    const struct host *host = call->worker->host;
    enum error error = host->save(host->app, kind);
    if (error == ERROR_IN_USE) resp_error(call->out, busy);
    else if (error) call_fail(call, error);
    else resp_simple(call->out, started);
}

static void bgsave(struct call *call)
{
    if (call->argc > 2 || (call->argc == 2 && !call_arg_is(call, 1, "schedule"))) {
        call_syntax_error(call);
        return;
    }
    save_in_background(call, HOST_SAVE_BACKGROUND, "Background saving started",
                       "ERR Background save already in progress");
}

static void lastsave(struct call *call);
const struct command server_lastsave = {
    .name = "lastsave",
    .handler = lastsave,
    .arity = 1,
    .flags = COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
    .categories = CATEGORY_ADMIN | CATEGORY_DANGEROUS,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Answers when the data was last made durable by a save, in Unix seconds.",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};

static void lastsave(struct call *call)
{
    const struct host *host = call->worker->host;
    resp_int(call->out, host->last_save_s(host->app));
}

static void bgrewriteaof(struct call *call);
const struct command server_bgrewriteaof = {
    .name = "bgrewriteaof",
    .handler = bgrewriteaof,
    .arity = 1,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Makes a checkpoint in the background: the heap file takes over what the journal holds.",
    .complexity = "O(1)",
};

static void bgrewriteaof(struct call *call)
{
    save_in_background(call, HOST_SAVE_REWRITE, "Background append only file rewriting started",
                       "ERR Background append only file rewriting already in progress");
}

/* ---- SHUTDOWN ---- */

static void shutdown_server(struct call *call);
const struct command server_shutdown = {
    .name = "shutdown",
    .handler = shutdown_server,
    .arity = -1,
    .flags = COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_NO_MULTI |
             COMMAND_ALLOW_BUSY,
    .group = GROUP_SERVER,
    .since = "1.0.0",
    .summary = "Ends the server.",
    .complexity = "O(N) when saving, where N is the total number of keys in all databases when saving data, "
                  "otherwise O(1)",
    .arguments = ARGUMENTS(
        {.name = "save-selector",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(ARGUMENT_WORD("nosave", "NOSAVE"), ARGUMENT_WORD("save", "SAVE"))},
        {.name = "now", .type = ARG_PURE_TOKEN, .token = "NOW", .flags = ARG_OPTIONAL, .since = "7.0.0"},
        {.name = "force", .type = ARG_PURE_TOKEN, .token = "FORCE", .flags = ARG_OPTIONAL, .since = "7.0.0"},
        {.name = "abort", .type = ARG_PURE_TOKEN, .token = "ABORT", .flags = ARG_OPTIONAL, .since = "7.0.0"}),
    .history = HISTORY("7.0.0", "The `NOW`, `FORCE` and `ABORT` options."),
};

struct shutdown_options {
    bool save, nosave, now, force, abort;
};

static bool parse_shutdown(const struct call *call, struct shutdown_options *options)
{
    for (size_t i = 1; i < call->argc; i++) {
        if (call_arg_is(call, i, "nosave")) options->nosave = true;
        else if (call_arg_is(call, i, "save")) options->save = true;
        else if (call_arg_is(call, i, "now")) options->now = true;
        else if (call_arg_is(call, i, "force")) options->force = true;
        else if (call_arg_is(call, i, "abort")) options->abort = true;
        else return false;
    }
    bool alone = !options->save && !options->nosave && !options->now && !options->force;
    return options->abort ? alone : !(options->save && options->nosave);
}

static void shutdown_server(struct call *call)
{
    const struct host *host = call->worker->host;
    struct shutdown_options options = {0};
    char error[256];
    if (!parse_shutdown(call, &options)) {
        call_syntax_error(call);
    } else if (options.abort) {
        if (host->shutdown_abort(host->app)) resp_ok(call->out);
        else resp_error(call->out, "ERR No shutdown in progress.");
    } else if (!host->shutdown(host->app, options.save, options.nosave, options.now, options.force, error,
                               sizeof error)) {
        resp_error(call->out, error);
    }
}
