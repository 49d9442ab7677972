/* session.h: what a session may do: who it is, and whether its user allows a command.
 *
 * Terms: a session is *plain* when it is logged in as a user who may do everything: two loads tell. A *stranger* has to log in before
 * it may do anything. A session without a user is the default user's, which it takes when it is first asked for.
 */
#ifndef CAIRN_COMMAND_ACL_SESSION_H
#define CAIRN_COMMAND_ACL_SESSION_H

#include "command/acl.h"
#include "command/acl/check.h"
#include "command/session.h"

#define ACL_TEXT_BYTES 512

struct worker;

/* ---- by the session's own worker ---- */

/* The default user, logged in if that takes no password. */
void acl_session_begin(struct acl *acl, struct session *session);
void acl_session_end(struct session *session);
static inline bool acl_session_is_plain(const struct session *session)
{
    return session->authenticated && session->user &&
           atomic_load_explicit(&session->user->plain, memory_order_acquire);
}
static inline bool acl_session_is_stranger(struct acl *acl, const struct session *session)
{
    return !session->authenticated && atomic_load_explicit(&acl->needs_login, memory_order_relaxed);
}
/* False, and logged as the mistake of `command`, when the password does not fit or the user is off. */
bool acl_session_login(struct worker *worker, struct session *session, struct slice command,
                       struct slice username, struct slice password);

/* Whether a session that is not plain may run the command. NULL: yes; else the error to reply, which has been logged. */
const char *acl_session_refuse(struct worker *worker, struct session *session,
                               const struct command_entry *entry, const struct slice *argv, size_t argc,
                               char text[ACL_TEXT_BYTES]);
/* The same for a command that was queued by MULTI, when EXEC comes to it. */
const char *acl_session_refuse_queued(struct worker *worker, struct session *session,
                                      const struct command_entry *entry, const struct slice *argv,
                                      size_t argc, char text[ACL_TEXT_BYTES]);
/* The same for a command that waited (BLPOP) and is executed now, by any worker: `session` stands still, its user as it is now counts. */
const char *acl_session_refuse_waiter(struct worker *worker, const struct session *session,
                                      const struct command_entry *entry, const struct slice *argv,
                                      size_t argc, char text[ACL_TEXT_BYTES]);
/* Whether the session's user may run the command and besides read any key (SORT BY and GET). */
bool acl_session_reads_all(struct worker *worker, struct session *session, const struct command *command,
                           const struct slice *argv, size_t argc);

/* ---- by anybody who may look at the session ---- */

const char *acl_session_username(const struct session *session);
/* Closes the sessions whose user is gone, and those of user `identity` (or ACL_NOBODY) that are subscribed to what it may not read any
 * more. Not from inside the gate; `self`, whose command it is, is closed behind its reply. */
#define ACL_NOBODY 0
void acl_session_close_revoked(struct worker *worker, struct session *self, uint64_t identity);

/* What is wrong about a verdict: "User x has no permissions to ...". `detailed` names key and channel. */
void acl_verdict_text(const struct acl_verdict *verdict, const char *username,
                      const struct command_entry *entry, const struct slice *argv, bool detailed, char *text,
                      size_t text_cap);

#endif
