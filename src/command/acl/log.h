/* log.h: ACL LOG: what users were refused and who failed to log in, newest first.
 *
 * A refusal like one of the last ten within a minute makes no entry but counts there.
 */
#ifndef CAIRN_COMMAND_ACL_LOG_H
#define CAIRN_COMMAND_ACL_LOG_H

#include "resp/write.h"
#include "util/slice.h"

#include <pthread.h>
#include <stdint.h>

enum acl_reason { ACL_REASON_COMMAND, ACL_REASON_KEY, ACL_REASON_CHANNEL, ACL_REASON_AUTH };
#define ACL_REASONS 4
enum acl_context { ACL_CONTEXT_TOPLEVEL, ACL_CONTEXT_MULTI };

struct acl_log_entry;

struct acl_log { /* the lock is a leaf */
    pthread_mutex_t lock;
    struct acl_log_entry *newest;
    uint64_t length;
    int64_t next_id;
};

struct acl_refusal {
    enum acl_reason reason;
    enum acl_context context;
    struct slice object; /* the command, key or channel */
    struct slice username;
    struct slice client_info;
};

void acl_log_init(struct acl_log *log);
void acl_log_add(struct acl_log *log, uint64_t max_len, const struct acl_refusal *refusal, int64_t now_ms);
void acl_log_clear(struct acl_log *log);
/* Replies the `count` newest entries as ACL LOG does. */
void acl_log_reply(struct acl_log *log, uint64_t count, int64_t now_ms, struct resp_out *out);

#endif
