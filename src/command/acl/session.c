/* session.c: sessions and their users (session.h). */
#include "command/acl/session.h"

#include "command/host.h"
#include "command/multi.h"
#include "command/pubsub.h"
#include "command/server_state.h"
#include "command/worker.h"
#include "util/clock.h"

#include <stdio.h>

#define NOAUTH "NOAUTH Authentication required."

static struct acl *acl_of(const struct worker *worker)
{
    return &worker->server->acl;
}

static void become(struct session *session, struct acl_user *user)
{
    struct acl_user *before = session->user;
    session->user = user;
    acl_user_release(before);
}

void acl_session_begin(struct acl *acl, struct session *session)
{
    become(session, acl_find(acl, SLICE("default")));
    session->authenticated = !atomic_load_explicit(&acl->needs_login, memory_order_relaxed);
}

void acl_session_end(struct session *session)
{
    become(session, NULL);
}

const char *acl_session_username(const struct session *session)
{
    return session->user ? session->user->name : "default";
}

/* Takes the current version of the session's user. False when the user is gone: the session is closed then. */
static bool follow(struct acl *acl, struct session *session)
{
    struct acl_user *user = session->user;
    if (user && !atomic_load_explicit(&user->replaced, memory_order_acquire)) return true;
    struct acl_user *current = acl_find(acl, user ? slice_of(user->name) : SLICE("default"));
    if (current && (!user || current->identity == user->identity)) {
        become(session, current);
        return true;
    }
    acl_user_release(current);
    become(session, acl_find(acl, SLICE("default")));
    session->authenticated = false;
    session->close_after_reply = true; /* A3 */
    return false;
}

/* ---- refusals ---- */

static void log_refusal(struct worker *worker, const struct acl_refusal *refusal)
{
    struct acl *acl = acl_of(worker);
    acl_log_add(&acl->log, atomic_load_explicit(&acl->log_max_len, memory_order_relaxed), refusal,
                clock_wall_ms());
    atomic_fetch_add_explicit(&acl->denied[refusal->reason], 1, memory_order_relaxed);
}

static void log_refusal_of(struct worker *worker, const struct session *session, struct acl_refusal refusal)
{
    struct resp_out info;
    resp_out_init(&info);
    worker->host->client_info(worker->host->app, worker, session, &info);
    refusal.client_info = (struct slice){info.buf, info.len};
    log_refusal(worker, &refusal);
    resp_out_free(&info);
}

static enum acl_context context_of(const struct session *session)
{
    return multi_is_open(session) ? ACL_CONTEXT_MULTI : ACL_CONTEXT_TOPLEVEL;
}

static struct slice object_of(const struct acl_verdict *verdict, const struct command_entry *entry,
                              const struct slice *argv)
{
    return verdict->reason == ACL_REASON_COMMAND ? slice_of(entry->full_name) : argv[verdict->at];
}

void acl_verdict_text(const struct acl_verdict *verdict, const char *username,
                      const struct command_entry *entry, const struct slice *argv, bool detailed, char *text,
                      size_t text_cap)
{
    bool key = verdict->reason == ACL_REASON_KEY;
    struct slice object = object_of(verdict, entry, argv);
    if (verdict->reason == ACL_REASON_COMMAND)
        snprintf(text, text_cap, "User %s has no permissions to run the '%s' command", username,
                 entry->full_name);
    else if (detailed)
        snprintf(text, text_cap, "User %s has no permissions to access the '%.*s' %s", username,
                 (int)object.len, object.ptr, key ? "key" : "channel");
    else snprintf(text, text_cap, "No permissions to access a %s", key ? "key" : "channel");
}

static struct acl_refusal refusal_of(const struct acl_verdict *verdict, const struct acl_user *user,
                                     const struct command_entry *entry, const struct slice *argv)
{
    return (struct acl_refusal){.reason = verdict->reason,
                                .object = object_of(verdict, entry, argv),
                                .username = slice_of(user->name)};
}

/* Logs what is refused. */
static struct acl_verdict check(struct worker *worker, const struct session *session,
                                const struct command_entry *entry, const struct slice *argv, size_t argc)
{
    struct acl_verdict verdict = acl_check(session->user, entry, argv, argc);
    if (verdict.allowed) return verdict;
    struct acl_refusal refusal = refusal_of(&verdict, session->user, entry, argv);
    refusal.context = context_of(session);
    log_refusal_of(worker, session, refusal);
    return verdict;
}

static const char *refusal_text(const struct acl_verdict *verdict, const struct acl_user *user,
                                const struct command_entry *entry, const struct slice *argv,
                                char text[ACL_TEXT_BYTES])
{
    int len = snprintf(text, ACL_TEXT_BYTES, "NOPERM ");
    acl_verdict_text(verdict, user->name, entry, argv, false, text + len, ACL_TEXT_BYTES - (size_t)len);
    return text;
}

const char *acl_session_refuse(struct worker *worker, struct session *session,
                               const struct command_entry *entry, const struct slice *argv, size_t argc,
                               char text[ACL_TEXT_BYTES])
{
    struct acl *acl = acl_of(worker);
    bool here = follow(acl, session);
    bool stranger = acl_session_is_stranger(acl, session) && !(entry->command->flags & COMMAND_NO_AUTH);
    if (!here || stranger) return NOAUTH;
    if (acl_user_may_all(session->user)) return NULL;
    struct acl_verdict verdict = check(worker, session, entry, argv, argc);
    return verdict.allowed ? NULL : refusal_text(&verdict, session->user, entry, argv, text);
}

const char *acl_session_refuse_waiter(struct worker *worker, const struct session *session,
                                      const struct command_entry *entry, const struct slice *argv,
                                      size_t argc, char text[ACL_TEXT_BYTES])
{
    if (acl_session_is_plain(session)) return NULL;
    struct acl_user *user = acl_find(acl_of(worker), slice_of(acl_session_username(session)));
    const char *refusal = NOAUTH;
    if (user && (!session->user || user->identity == session->user->identity)) {
        struct acl_verdict verdict = acl_check(user, entry, argv, argc);
        struct acl_refusal logged = refusal_of(&verdict, user, entry, argv);
        refusal = verdict.allowed ? NULL : refusal_text(&verdict, user, entry, argv, text);
        if (refusal) log_refusal(worker, &logged);
    }
    acl_user_release(user);
    return refusal;
}

const char *acl_session_refuse_queued(struct worker *worker, struct session *session,
                                      const struct command_entry *entry, const struct slice *argv,
                                      size_t argc, char text[ACL_TEXT_BYTES])
{
    static const char *const reasons[ACL_REASONS] = {
        "no permission to execute the command or subcommand", "no permission to touch the specified keys",
        "no permission to access one of the channels used as arguments to the command", "no permission"};
    if (!follow(acl_of(worker), session)) return NOAUTH;
    if (acl_user_may_all(session->user)) return NULL;
    struct acl_verdict verdict = check(worker, session, entry, argv, argc);
    if (verdict.allowed) return NULL;
    snprintf(
        text, ACL_TEXT_BYTES,
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
        "This command is no longer allowed for the following reason: %s",
        reasons[verdict.reason]);
    return text;
}

bool acl_session_reads_all(struct worker *worker, struct session *session, const struct command *command,
                           const struct slice *argv, size_t argc)
{
    if (acl_session_is_plain(session)) return true;
    if (!follow(acl_of(worker), session)) return false;
    const struct command_entry *entry = command_table_entry(worker->server->table, command);
    return acl_check_reads_all(session->user, entry, argv, argc);
}

/* ---- AUTH ---- */

bool acl_session_login(struct worker *worker, struct session *session, struct slice command,
                       struct slice username, struct slice password)
{
    struct acl_user *user = acl_find(acl_of(worker), username);
    if (user && user->on && acl_user_password_fits(user, password)) {
        become(session, user);
        session->authenticated = true;
        return true;
    }
    acl_user_release(user);
    log_refusal_of(worker, session,
                   (struct acl_refusal){.reason = ACL_REASON_AUTH,
                                        .context = context_of(session),
                                        .object = command,
                                        .username = username});
    return false;
}

/* ---- sessions that lost something ---- */

struct revocation {
    struct acl *acl;
    uint64_t identity;
};

static bool may_read(void *user, enum pubsub_kind kind, struct slice name)
{
    return acl_check_channel(user, name, kind == PUBSUB_PATTERN);
}

static bool is_revoked(void *arg, const struct session *session)
{
    const struct revocation *revocation = arg;
    const struct acl_user *user = session->user;
    if (!user) return false;
    struct acl_user *current = acl_find(revocation->acl, slice_of(user->name));
    bool gone = !current || current->identity != user->identity;
    bool concerned = revocation->identity == user->identity;
    bool revoked = gone || (concerned && !pubsub_all(session, may_read, current));
    acl_user_release(current);
    return revoked;
}

void acl_session_close_revoked(struct worker *worker, struct session *self, uint64_t identity)
{
    struct revocation revocation = {acl_of(worker), identity};
    const struct client_filter filter = {.max_age_s = -1, .chosen = is_revoked, .chosen_arg = &revocation};
    (void)worker->host->client_kill(worker->host->app, worker, self, &filter);
}
