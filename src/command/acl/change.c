/* change.c: ACL SETUSER, DELUSER, LOAD, SAVE. */
#include "command/acl/acl_commands.h"
#include "command/acl/session.h"
#include "command/arguments.h"
#include "command/host.h"
#include "command/pubsub.h"
#include "command/server_state.h"

static struct acl *acl_of(const struct call *call)
{
    return &call->worker->server->acl;
}

static bool has_subscribers(const struct call *call)
{
    struct server_state *server = call->worker->server;
    return pubsub_has_subscribers(server) || pubsub_topics(server, PUBSUB_SHARD) > 0;
}

static void setuser(struct call *call);
const struct command acl_command_setuser = {
    .name = "setuser",
    .handler = setuser,
    .arity = -3,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Makes a user or changes what it may do.",
    .complexity = "O(N). Where N is the number of rules provided.",
    .arguments = ARGUMENTS(ARGUMENT("username", ARG_STRING),
                           {.name = "rule", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .history = HISTORY("6.2.0", "Knows patterns of Pub/Sub channels.", "7.0.0",
                       "Knows selectors, and permissions to read and to write."),
};

static void setuser(struct call *call)
{
    struct acl_failure failure;
    struct acl_user *before;
    struct slice name = call->argv[2];
    for (size_t arg = 2; arg < call->argc; arg++)
        call_redact(call, arg);
    if (acl_has_blanks(name)) {
        resp_error(call->out, "ERR Usernames can't contain spaces or null characters");
        return;
    }
    if (acl_set_user(acl_of(call), name, call->argv + 3, call->argc - 3, &before, &failure)) {
        if (before && has_subscribers(call))
            acl_session_close_revoked(call->worker, call->session, before->identity);
        acl_user_release(before);
        resp_ok(call->out);
    } else if (failure.mistake) {
        resp_errorf(call->out, "ERR Error in ACL SETUSER modifier '%s': %s", failure.word, failure.mistake);
    } else {
        resp_errorf(call->out, "ERR Unmatched parenthesis in acl selector starting at '%s'.", failure.word);
    }
}

static void deluser(struct call *call);
const struct command acl_command_deluser = {
    .name = "deluser",
    .handler = deluser,
    .arity = -3,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Deletes users and closes their connections.",
    .complexity = "O(1) amortized time considering the typical user.",
    .arguments = ARGUMENTS(ARGUMENT_MANY("username", ARG_STRING)),
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void deluser(struct call *call)
{
    int64_t deleted = 0;
    for (size_t arg = 2; arg < call->argc; arg++) {
        if (slice_equal(call->argv[arg], SLICE("default"))) {
            resp_error(call->out, "ERR The 'default' user cannot be removed");
            break;
        }
        struct acl_user *user = acl_delete_user(acl_of(call), call->argv[arg]);
        deleted += user != NULL;
        acl_user_release(user);
    }
    if (deleted > 0) acl_session_close_revoked(call->worker, call->session, ACL_NOBODY);
    if (call->out->len == call->reply_at) resp_int(call->out, deleted);
}

/* ---- the file ---- */

/* The error that the host has written, as a reply. */
static void reply_error(struct call *call, const struct resp_out *error)
{
    resp_errorf(call->out, "ERR %.*s", (int)error->len, error->buf ? error->buf : "");
}

static void load(struct call *call);
const struct command acl_command_load = {
    .name = "load",
    .handler = load,
    .arity = 2,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Reads the users from the ACL file again.",
    .complexity = "O(N). Where N is the number of configured users.",
};

static void load(struct call *call)
{
    const struct host *host = call->worker->host;
    struct resp_out error;
    resp_out_init(&error);
    if (host->acl_load(host->app, &error)) {
        acl_session_close_revoked(call->worker, call->session, ACL_NOBODY);
        resp_ok(call->out);
    } else {
        reply_error(call, &error);
    }
    resp_out_free(&error);
}

static void save(struct call *call);
const struct command acl_command_save = {
    .name = "save",
    .handler = save,
    .arity = 2,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Writes the users into the ACL file.",
    .complexity = "O(N). Where N is the number of configured users.",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

static void save(struct call *call)
{
    const struct host *host = call->worker->host;
    struct resp_out error;
    resp_out_init(&error);
    if (host->acl_save(host->app, &error)) resp_ok(call->out);
    else reply_error(call, &error);
    resp_out_free(&error);
}
