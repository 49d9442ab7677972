/* reception_answer.c: what a request is answered while there is no heap (reception_answer.h).
 *
 * Invariants:
 * R2. Handlers are called without keyspace, transaction and dispatcher: those listed use none of them.
 * R3. Nobody changes the configuration or the users meanwhile: the thread that boots reads them without a lock.
 */
#include "app/reception_answer.h"

#include "app/app.h"
#include "app/info.h"
#include "app/process.h"
#include "command/acl/session.h"
#include "command/connection/connection_commands.h"
#include "command/multi.h"
#include "command/pubsub/pubsub_commands.h"
#include "command/transaction/transaction_commands.h"
#include "util/clock.h"
#include "util/number.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 2 /* arguments that name a command */
#define LOADING   "LOADING Redis is loading the dataset in memory"
#define NO_AUTH   "NOAUTH Authentication required."

/* ---- what handlers may ask for ---- */

static void client_info(void *arg, struct worker *worker, const struct session *session,
                        struct resp_out *line_out)
{
    (void)arg;
    (void)worker;
    static const char text[] = "name=";
    resp_raw(line_out, text, strlen(text));
    if (session->name) resp_raw(line_out, session->name, strlen(session->name));
}

static void info(void *arg, struct worker *worker, const struct slice *sections, size_t count,
                 struct resp_out *text_out)
{
    (void)worker;
    info_write(arg, NULL, sections, count, text_out);
}

_Noreturn void reception_leave(struct app *app, const char *why)
{
    const char *socket_path = config_text(app->config, "unixsocket");
    log_line(&app->log, LOG_NOTICE, "%s", why);
    process_notify(app, "STOPPING=1\n");
    process_remove_pidfile(app);
    if (*socket_path) unlink(socket_path);
    _exit(0);
}

static bool shut_down(void *arg, bool save, bool nosave, bool now, bool force, char *error, size_t error_cap)
{
    (void)save, (void)nosave, (void)now, (void)force, (void)error, (void)error_cap;
    reception_leave(arg, "User requested shutdown while the server is loading, exiting now...");
}

static bool abort_shutdown(void *arg)
{
    (void)arg;
    return false;
}

void reception_desk_open(struct reception_desk *desk, struct app *app)
{
    desk->app = app;
    desk->host = app->host;
    desk->host.client_info = client_info;
    desk->host.info = info;
    desk->host.shutdown = shut_down;
    desk->host.shutdown_abort = abort_shutdown;
    desk->worker.server = &app->server;
    desk->worker.host = &desk->host;
    resp_out_init(&desk->out);
}

/* ---- who may ask for what ---- */

/* R2, R3 */
static bool is_served(const struct command_entry *entry)
{
    static const char *const served[] = {
        "acl|cat",
        "acl|dryrun",
        "acl|genpass",
        "acl|getuser",
        "acl|whoami",
        "auth",
        "client|getname",
        "client|getredir",
        "client|id",
        "client|setinfo",
        "client|setname",
        "client|trackinginfo",
        "client|no-evict",
        "client|no-touch",
        "command|count",
        "config|get",
        "discard",
        "echo",
        "exec",
        "hello",
        "info",
        "latency|history",
        "latency|latest",
        "latency|reset",
        "multi",
        "publish",
        "quit",
        "reset",
        "role",
        "select",
        "shutdown",
        "slowlog|get",
        "slowlog|len",
        "slowlog|reset",
        "spublish",
        "time",
        "unwatch",
    };
    for (size_t i = 0; i < sizeof served / sizeof *served; i++)
        if (strcmp(entry->full_name, served[i]) == 0) return true;
    return strcmp(entry->command->name, "help") == 0;
}

/* The error to reply; NULL: the visitor may ask for that. In the order of the dispatcher. */
static const char *refuse(struct reception_desk *desk, const struct session *session,
                          const struct resp_request *request, const struct command_entry **entry_out,
                          char text[ACL_TEXT_BYTES])
{
    struct server_state *server = &desk->app->server;
    enum command_found found = command_table_find(server->table, request->argv, request->argc, entry_out);
    const struct command_entry *entry = *entry_out;
    if (found != COMMAND_FOUND) {
        command_table_error(found, entry, request->argv, request->argc, text);
        return text;
    }
    bool is_free = entry->command->flags & COMMAND_NO_AUTH;
    if (acl_session_is_stranger(&server->acl, session) && !is_free) return NO_AUTH;
    if (acl_user_may_all(session->user)) return NULL;
    struct acl_verdict verdict = acl_check(session->user, entry, request->argv, request->argc);
    if (verdict.allowed) return NULL;
    int len = snprintf(text, ACL_TEXT_BYTES, "NOPERM ");
    acl_verdict_text(&verdict, session->user->name, entry, request->argv, false, text + len,
                     ACL_TEXT_BYTES - (size_t)len);
    return text;
}

/* ---- requests ---- */

static void reject(struct reception_desk *desk, const struct session *session, const char *error)
{
    if (multi_is_open(session)) session->multi->aborted = true;
    resp_error(&desk->out, error);
}

static void select_db(const struct reception_desk *desk, const struct resp_request *request,
                      struct session *session, struct resp_out *out)
{
    int64_t index;
    bool is_number = number_parse_int(request->argv[1], &index);
    if (!is_number) resp_error(out, "ERR value is not an integer or out of range");
    else if (index < 0 || index >= config_int(desk->app->config, "databases"))
        resp_error(out, "ERR DB index is out of range");
    else {
        session->db = (unsigned)index;
        resp_ok(out);
    }
}

static void run(struct reception_desk *desk, struct session *session, const struct command *command,
                const struct resp_request *request)
{
    struct resp_out *out = &desk->out;
    struct call call = {.command = command,
                        .argv = request->argv,
                        .argc = request->argc,
                        .session = session,
                        .worker = &desk->worker,
                        .out = out,
                        .now_ms = clock_wall_ms(),
                        .reply_at = out->len};
    out->proto = session->proto;
    if (command == &connection_select) select_db(desk, request, session, out);
    else if (command == &pubsub_publish || command == &pubsub_spublish)
        resp_int(out, 0); /* nobody can subscribe */
    else command->handler(&call);
}

/* ---- transactions ---- */

static bool is_queued(const struct session *session, const struct command *command)
{
    return multi_is_open(session) && !(command->flags & COMMAND_UNQUEUED);
}

static const char *refuse_in_transaction(const struct session *session, const struct command *command,
                                         const struct resp_request *request)
{
    if (!multi_is_open(session)) return NULL;
    if (command->flags & COMMAND_NO_MULTI) return "ERR Command not allowed inside a transaction";
    bool fits = multi_bytes(session) + request->bytes <= RECEPTION_REQUEST_BYTES;
    return is_queued(session, command) && !fits ? LOADING : NULL;
}

static void queue(struct reception_desk *desk, struct session *session, const struct command_entry *entry,
                  const struct resp_request *request)
{
    struct multi *multi = session->multi;
    bool alone = entry->command->flags & COMMAND_EXCLUSIVE;
    if (!multi->aborted && multi_add(multi, entry, request, NULL, 0, alone) != ERROR_OK)
        reject(desk, session, "OOM out of process memory.");
    else resp_simple(&desk->out, "QUEUED");
}

static void exec(struct reception_desk *desk, struct session *session)
{
    const struct multi *multi = session->multi;
    if (!multi) {
        resp_error(&desk->out, "ERR EXEC without MULTI");
        return;
    }
    if (multi->aborted) resp_error(&desk->out, "EXECABORT Transaction discarded because of previous errors.");
    else resp_array(&desk->out, multi->count);
    for (size_t i = 0; !multi->aborted && i < multi->count; i++) {
        const struct resp_request *request = &multi->commands[i]->request;
        const struct command_entry *entry;
        char text[ACL_TEXT_BYTES];
        const char *refusal = refuse(desk, session, request, &entry, text); /* after an AUTH among them */
        if (refusal) resp_error(&desk->out, refusal);
        else run(desk, session, entry->command, request);
    }
    multi_end(session);
}

/* ---- all of it ---- */

void reception_answer(struct reception_desk *desk, struct session *session,
                      const struct resp_request *request)
{
    const struct command_entry *entry;
    char text[ACL_TEXT_BYTES];
    static_assert(ACL_TEXT_BYTES >= COMMAND_ERROR_BYTES, "both kinds of error fit");
    desk->out.proto = session->proto;
    const char *refusal = refuse(desk, session, request, &entry, text);
    if (!refusal && !is_served(entry)) refusal = LOADING;
    if (!refusal) refusal = refuse_in_transaction(session, entry->command, request);
    if (refusal) reject(desk, session, refusal);
    else if (entry->command == &transaction_exec) exec(desk, session);
    else if (is_queued(session, entry->command)) queue(desk, session, entry, request);
    else run(desk, session, entry->command, request);
}

void reception_answer_unread(struct reception_desk *desk, struct session *session,
                             const struct resp_parser *parser, const char *bytes)
{
    struct server_state *server = &desk->app->server;
    const struct command_entry *entry;
    struct slice names[NAMES_MAX] = {SLICE(""), SLICE("")};
    char text[COMMAND_ERROR_BYTES];
    const char *refusal = LOADING;
    size_t known = parser->argc < NAMES_MAX ? parser->argc : NAMES_MAX;
    for (size_t i = 0; i < known; i++)
        names[i] = (struct slice){bytes + parser->spans[i].off, parser->spans[i].len};
    enum command_found found = command_table_find(server->table, names, parser->argc_wanted, &entry);
    desk->out.proto = session->proto;
    if (found != COMMAND_FOUND) {
        command_table_error(found, entry, names, known, text);
        refusal = text;
    } else if (acl_session_is_stranger(&server->acl, session) && !(entry->command->flags & COMMAND_NO_AUTH)) {
        refusal = NO_AUTH;
    }
    reject(desk, session, refusal);
}
