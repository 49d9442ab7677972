/* config.c: CONFIG, through the host that owns the configuration. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#define CONFIG_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE)
#define ERROR_BYTES  512

static const struct command config_get, config_help, config_resetstat, config_rewrite, config_set;
static const struct command *const subcommands[] = {
    &config_get, &config_help, &config_resetstat, &config_rewrite, &config_set, NULL,
};

const struct command server_config = {
    .name = "config",
    .arity = -2,
    .group = GROUP_SERVER,
    .since = "2.0.0",
    .summary = "Holds the commands about the configuration.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

static void get(struct call *call)
{
    const struct host *host = call->worker->host;
    host->config_get(host->app, call->argv + 2, call->argc - 2, call->out);
}

static const struct command config_get = {
    .name = "get",
    .handler = get,
    .arity = -3,
    .flags = CONFIG_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.0.0",
    .summary = "Answers the settings whose names match.",
    .complexity = "O(N) when N is the number of configuration parameters provided",
    .arguments = ARGUMENTS({.name = "parameter", .type = ARG_STRING, .flags = ARG_MULTIPLE}),
    .history = HISTORY("7.0.0", "Takes several patterns."),
};

static void set(struct call *call)
{
    const struct host *host = call->worker->host;
    char error[ERROR_BYTES];
    for (size_t arg = 2; arg + 1 < call->argc; arg += 2)
        if (host->config_is_secret(call->argv[arg])) call_redact(call, arg + 1);
    if (call->argc % 2 != 0) resp_error(call->out, "ERR wrong number of arguments for 'config|set' command");
    else if (host->config_set(host->app, call->worker, call->argv + 2, call->argc - 2, error, sizeof error))
        resp_ok(call->out);
    else resp_error(call->out, error);
}

/* Alone in the server: others read what it changes (the password) inside the gate. */
static const struct command config_set = {
    .name = "set",
    .handler = set,
    .arity = -4,
    .flags = CONFIG_FLAGS | COMMAND_EXCLUSIVE,
    .group = GROUP_SERVER,
    .since = "2.0.0",
    .summary = "Changes settings of the running server, all or none.",
    .complexity = "O(N) when N is the number of configuration parameters provided",
    .arguments =
        ARGUMENTS({.name = "data",
                   .type = ARG_BLOCK,
                   .flags = ARG_MULTIPLE,
                   .sub = ARGUMENTS(ARGUMENT("parameter", ARG_STRING), ARGUMENT("value", ARG_STRING))}),
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .history = HISTORY("7.0.0", "Takes several settings."),
};

static void resetstat(struct call *call)
{
    const struct host *host = call->worker->host;
    stats_reset(call->worker->server);
    acl_reset_stats(&call->worker->server->acl);
    host->reset_stats(host->app);
    resp_ok(call->out);
}

static const struct command config_resetstat = {
    .name = "resetstat",
    .handler = resetstat,
    .arity = 2,
    .flags = CONFIG_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.0.0",
    .summary = "Sets the counters of INFO to zero.",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void rewrite(struct call *call)
{
    const struct host *host = call->worker->host;
    char error[ERROR_BYTES];
    if (host->config_rewrite(host->app, false, error, sizeof error)) resp_ok(call->out);
    else resp_error(call->out, error);
}

static const struct command config_rewrite = {
    .name = "rewrite",
    .handler = rewrite,
    .arity = 2,
    .flags = CONFIG_FLAGS,
    .group = GROUP_SERVER,
    .since = "2.8.0",
    .summary = "Writes the settings in force into the configuration file.",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    Settings whose names match a pattern, with their values.",
        "RESETSTAT",
        "    Set the counters of INFO to zero.",
        "REWRITE",
        "    Write the settings in force into the configuration file.",
        "SET <setting> <value> [<setting> <value> ...]",
        "    Change settings, all or none.",
        NULL,
    };
    help_reply(call, "CONFIG", lines);
}

static const struct command config_help = {HELP_ROW(help, GROUP_SERVER, 0, "5.0.0")};
