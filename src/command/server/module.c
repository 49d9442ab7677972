/* module.c: MODULE: there are none. Clients ask for the list, and are told so. */
#include "command/arguments.h"
#include "command/help.h"
#include "command/host.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#define MODULE_FLAGS (COMMAND_ADMIN | COMMAND_NOSCRIPT)
#define LOAD_FLAGS   (MODULE_FLAGS | COMMAND_NO_ASYNC_LOADING)

static const struct command module_help, module_list, module_load, module_loadex, module_unload;
static const struct command *const subcommands[] = {
    &module_help, &module_list, &module_load, &module_loadex, &module_unload, NULL,
};

const struct command server_module = {
    .name = "module",
    .arity = -2,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Holds the commands about modules.",
    .complexity = "Depends on subcommand.",
    .subcommands = subcommands,
};

static void list(struct call *call)
{
    resp_array(call->out, 0);
}

static const struct command module_list = {
    .name = "list",
    .handler = list,
    .arity = 2,
    .flags = MODULE_FLAGS,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Names the loaded modules.",
    .complexity = "O(N) where N is the number of loaded modules.",
    .tips = TIPS("nondeterministic_output_order"),
};

static void load(struct call *call)
{
    const struct host *host = call->worker->host;
    if (!server_allow(call, &call->worker->server->settings->enable_module_command, "MODULE",
                      "enable-module-command"))
        return;
    host->log(host->app, HOST_LOG_WARNING, "Module %.*s failed to load: modules are not supported",
              (int)call->argv[2].len, call->argv[2].ptr);
    resp_error(call->out, "ERR Error loading the extension. Please check the server logs.");
}

static const struct command module_load = {
    .name = "load",
    .handler = load,
    .arity = -3,
    .flags = LOAD_FLAGS,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Loads a module.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("path", ARG_STRING),
                           {.name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static const struct command module_loadex = {
    .name = "loadex",
    .handler = load,
    .arity = -3,
    .flags = LOAD_FLAGS,
    .group = GROUP_SERVER,
    .since = "7.0.0",
    .summary = "Loads a module with options of its own.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(
        ARGUMENT("path", ARG_STRING),
        {.name = "configs",
         .type = ARG_BLOCK,
         .token = "CONFIG",
         .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
         .sub = ARGUMENTS(ARGUMENT("name", ARG_STRING), ARGUMENT("value", ARG_STRING))},
        {.name = "args", .type = ARG_STRING, .token = "ARGS", .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void unload(struct call *call)
{
    if (!server_allow(call, &call->worker->server->settings->enable_module_command, "MODULE",
                      "enable-module-command"))
        return;
    resp_error(call->out, "ERR Error unloading module: no such module with that name");
}

static const struct command module_unload = {
    .name = "unload",
    .handler = unload,
    .arity = 3,
    .flags = LOAD_FLAGS,
    .group = GROUP_SERVER,
    .since = "4.0.0",
    .summary = "Unloads a module.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ARGUMENT("name", ARG_STRING)),
};

static void help(struct call *call)
{
    static const char *const lines[] = {
        "LIST",
        "    The loaded modules.",
        "LOAD <path> [<arg> ...]",
        "    Load a module.",
        "LOADEX <path> [[CONFIG NAME VALUE]...] [ARGS ...]",
        "    Load a module with options of its own.",
        "UNLOAD <name>",
        "    Unload a module.",
        NULL,
    };
    help_reply(call, "MODULE", lines);
}

static const struct command module_help = {HELP_ROW(help, GROUP_SERVER, 0, "5.0.0")};
