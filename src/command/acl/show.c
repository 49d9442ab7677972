/* show.c: ACL GETUSER, LIST, USERS, WHOAMI, CAT. */
#include "command/acl/acl_commands.h"
#include "command/acl/session.h"
#include "command/arguments.h"
#include "command/server_state.h"

static struct acl *acl_of(const struct call *call)
{
    return &call->worker->server->acl;
}

/* ---- GETUSER ---- */

static void getuser(struct call *call);
const struct command acl_command_getuser = {
    .name = "getuser",
    .handler = getuser,
    .arity = 3,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Answers what a user may do.",
    .complexity = "O(N). Where N is the number of password, command and pattern rules that the user has.",
    .arguments = ARGUMENTS(ARGUMENT("username", ARG_STRING)),
    .history = HISTORY("6.2.0", "Shows patterns of Pub/Sub channels.", "7.0.0",
                       "Shows selectors; keys and channels are rules as in SETUSER."),
};

typedef void selector_writer(const struct acl_selector *selector, struct resp_out *out);

static void reply_text(struct call *call, const struct acl_selector *selector, selector_writer *write)
{
    struct resp_out text;
    resp_out_init(&text);
    write(selector, &text);
    resp_bulk(call->out, text.buf ? text.buf : "", text.len);
    resp_out_free(&text);
}

/* Three pairs of a map. */
static void reply_selector(struct call *call, const struct acl_selector *selector)
{
    resp_bulk_text(call->out, "commands");
    reply_text(call, selector, acl_selector_write_commands);
    resp_bulk_text(call->out, "keys");
    reply_text(call, selector, acl_selector_write_keys);
    resp_bulk_text(call->out, "channels");
    reply_text(call, selector, acl_selector_write_channels);
}

static void reply_flags(struct call *call, const struct acl_user *user)
{
    resp_bulk_text(call->out, "flags");
    resp_set(call->out, 2 + user->nopass);
    resp_bulk_text(call->out, user->on ? "on" : "off");
    if (user->nopass) resp_bulk_text(call->out, "nopass");
    resp_bulk_text(call->out, user->skip_sanitize ? "skip-sanitize-payload" : "sanitize-payload");
}

static void reply_passwords(struct call *call, const struct acl_user *user)
{
    resp_bulk_text(call->out, "passwords");
    resp_array(call->out, user->password_count);
    for (size_t i = 0; i < user->password_count; i++) {
        char text[ACL_DIGEST_TEXT];
        acl_digest_text(&user->passwords[i], text);
        resp_bulk(call->out, text, sizeof text);
    }
}

static void getuser(struct call *call)
{
    struct acl_user *user = acl_find(acl_of(call), call->argv[2]);
    if (!user) {
        resp_null(call->out);
        return;
    }
    resp_map(call->out, 6);
    reply_flags(call, user);
    reply_passwords(call, user);
    reply_selector(call, user->selectors[0]);
    resp_bulk_text(call->out, "selectors");
    resp_array(call->out, user->selector_count - 1);
    for (size_t i = 1; i < user->selector_count; i++) {
        resp_map(call->out, 3);
        reply_selector(call, user->selectors[i]);
    }
    acl_user_release(user);
}

/* ---- LIST, USERS, WHOAMI ---- */

static void reply_users(struct call *call, acl_visit *reply)
{
    struct resp_later later = resp_later_begin(call->out);
    resp_later_array(call->out, later, acl_visit_users(acl_of(call), reply, call->out));
}

static void reply_line(void *arg, const struct acl_user *user)
{
    struct resp_out line;
    resp_out_init(&line);
    acl_user_write(user, &line);
    resp_bulk(arg, line.buf, line.len);
    resp_out_free(&line);
}

static void list(struct call *call)
{
    reply_users(call, reply_line);
}

const struct command acl_command_list = {
    .name = "list",
    .handler = list,
    .arity = 2,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Answers the rules of all users, as in an ACL file.",
    .complexity = "O(N). Where N is the number of configured users.",
};

static void reply_name(void *arg, const struct acl_user *user)
{
    resp_bulk_text(arg, user->name);
}

static void users(struct call *call)
{
    reply_users(call, reply_name);
}

const struct command acl_command_users = {
    .name = "users",
    .handler = users,
    .arity = 2,
    .flags = ACL_ADMIN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Names the users.",
    .complexity = "O(N). Where N is the number of configured users.",
};

static void whoami(struct call *call)
{
    resp_bulk_text(call->out, acl_session_username(call->session));
}

const struct command acl_command_whoami = {
    .name = "whoami",
    .handler = whoami,
    .arity = 2,
    .flags = ACL_OPEN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Names the connection's user.",
    .complexity = "O(1)",
};

/* ---- CAT ---- */

static void cat(struct call *call);
const struct command acl_command_cat = {
    .name = "cat",
    .handler = cat,
    .arity = -2,
    .flags = ACL_OPEN_FLAGS,
    .group = GROUP_SERVER,
    .since = "6.0.0",
    .summary = "Names the categories of commands, or the commands of one.",
    .complexity = "O(1) since the categories and commands are a fixed set.",
    .arguments = ARGUMENTS({.name = "category", .type = ARG_STRING, .flags = ARG_OPTIONAL}),
};

static void reply_commands(struct call *call, uint32_t category)
{
    const struct command_table *table = call->worker->server->table;
    struct resp_later later = resp_later_begin(call->out);
    size_t count = 0;
    for (unsigned id = 0; id < command_table_count(table); id++) {
        const struct command_entry *entry = command_table_at(table, id);
        if (!(entry->categories & category) || command_entry_is_removed(entry)) continue;
        resp_bulk_text(call->out, entry->full_name);
        count++;
    }
    resp_later_array(call->out, later, count);
}

static void cat(struct call *call)
{
    if (call->argc > 3) {
        resp_error(call->out, "ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.");
        return;
    }
    if (call->argc == 3) {
        uint32_t category = command_category_named(call->argv[2]);
        if (category) reply_commands(call, category);
        else resp_errorf(call->out, "ERR Unknown category '%.*s'", (int)call->argv[2].len, call->argv[2].ptr);
        return;
    }
    struct resp_later later = resp_later_begin(call->out);
    size_t count = 0;
    for (; command_category_name((unsigned)count); count++)
        resp_bulk_text(call->out, command_category_name((unsigned)count));
    resp_later_array(call->out, later, count);
}
