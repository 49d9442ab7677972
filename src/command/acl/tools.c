/* tools.c: ACL GENPASS, DRYRUN, LOG. */
#include "command/acl/acl_commands.h"
#include "command/acl/session.h"
#include "command/arguments.h"
#include "command/server_state.h"

#include <openssl/rand.h>

/* ---- GENPASS ---- */

#define BITS_BY_DEFAULT 256
#define BITS_MAX        4096
#define BITS_PER_DIGIT  4

static void genpass(struct call *call);
const struct command acl_command_genpass = {
    .name = "genpass",
    .handler = genpass,
    .arity = -2,
    .flags = ACL_OPEN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Makes a random password.",
    .complexity = "O(1)",
    .arguments = ARGUMENTS({.name = "bits", .type = ARG_INTEGER, .flags = ARG_OPTIONAL}),
};

static void genpass(struct call *call)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[BITS_MAX / BITS_PER_DIGIT];
    char text[BITS_MAX / BITS_PER_DIGIT];
    int64_t bits = BITS_BY_DEFAULT;
    if (call->argc > 3) {
        resp_error(call->out,
                   "ERR unknown subcommand or wrong number of arguments for 'GENPASS'. Try ACL HELP.");
        return;
    }
    if (call->argc == 3 && !call_int(call, 2, &bits)) return;
    if (bits < 1 || bits > BITS_MAX) {
        resp_error(call->out,
                   "ERR ACL GENPASS argument must be the number of bits for the output password, a "
                   "positive number up to 4096");
        return;
    }
    size_t len = (size_t)(bits + BITS_PER_DIGIT - 1) / BITS_PER_DIGIT;
    if (RAND_bytes(random, (int)len) != 1) {
        resp_error(call->out, "ERR the system has no random numbers");
        return;
    }
    for (size_t i = 0; i < len; i++)
        text[i] = digits[random[i] & 15];
    resp_bulk(call->out, text, len);
}

/* ---- DRYRUN ---- */

static void dryrun(struct call *call);
const struct command acl_command_dryrun = {
    .name = "dryrun",
    .handler = dryrun,
    .arity = -4,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "7.0.0",
    .summary = "Tells whether a user may run a command, without running it.",
    .complexity = "O(1).",
    .arguments = ARGUMENTS(ARGUMENT("username", ARG_STRING), ARGUMENT("command", ARG_STRING),
                           {.name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void check_as(struct call *call, const struct acl_user *user)
{
    const struct command_entry *entry;
    const struct slice *argv = call->argv + 3;
    size_t argc = call->argc - 3;
    char text[ACL_TEXT_BYTES];
    switch (command_table_find(call->worker->server->table, argv, argc, &entry)) {
    case COMMAND_UNKNOWN:
    case COMMAND_UNKNOWN_SUBCOMMAND:
        resp_errorf(call->out, "ERR Command '%.*s' not found", (int)argv[0].len, argv[0].ptr);
        return;
    case COMMAND_WRONG_ARITY:
        resp_errorf(call->out, "ERR wrong number of arguments for '%s' command", entry->full_name);
        return;
    case COMMAND_FOUND: break;
    }
    struct acl_verdict verdict = acl_check(user, entry, argv, argc);
    if (verdict.allowed) {
        resp_ok(call->out);
        return;
    }
    acl_verdict_text(&verdict, user->name, entry, argv, true, text, sizeof text);
    resp_bulk_text(call->out, text);
}

static void dryrun(struct call *call)
{
    struct slice name = call->argv[2];
    struct acl_user *user = acl_find(&call->worker->server->acl, name);
    if (user) check_as(call, user);
    else resp_errorf(call->out, "ERR User '%.*s' not found", (int)name.len, name.ptr);
    acl_user_release(user);
}

/* ---- LOG ---- */

#define LOG_ENTRIES_BY_DEFAULT 10

static void show_log(struct call *call);
const struct command acl_command_log = {
    .name = "log",
    .handler = show_log,
    .arity = -2,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Answers what users were refused of late.",
    .complexity = "O(N) with N being the number of entries shown.",
    .arguments =
        ARGUMENTS({.name = "operation",
                   .type = ARG_ONEOF,
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(ARGUMENT("count", ARG_INTEGER), ARGUMENT_WORD("reset", "RESET"))}),
    .history = HISTORY("7.2.0", "Entries have an id and say when they were made and last counted."),
};

static void show_log(struct call *call)
{
    struct acl_log *log = &call->worker->server->acl.log;
    int64_t count = LOG_ENTRIES_BY_DEFAULT;
    if (call->argc > 3) {
        resp_error(call->out, "ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.");
    } else if (call_arg_is(call, 2, "reset")) {
        acl_log_clear(log);
        resp_ok(call->out);
    } else if (call->argc == 2 || call_int(call, 2, &count)) {
        acl_log_reply(log, count > 0 ? (uint64_t)count : 0, call->now_ms, call->out);
    }
}
