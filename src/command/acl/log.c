/* log.c: a bounded list of refusals (log.h). */
#include "command/acl/log.h"

#include <stdlib.h>

#define SAME_WITHIN_MS 60000
#define LOOK_BACK      10 /* entries */

struct acl_log_entry {
    struct acl_log_entry *older;
    uint64_t count;
    enum acl_reason reason;
    enum acl_context context;
    int64_t id;
    int64_t created_ms;
    int64_t updated_ms;
    char *client_info; /* of the last time */
    size_t client_info_len;
    size_t object_len;
    size_t username_len;
    char bytes[]; /* object, username */
};

void acl_log_init(struct acl_log *log)
{
    memset(log, 0, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
}

static struct slice object_of(const struct acl_log_entry *entry)
{
    return (struct slice){entry->bytes, entry->object_len};
}

static struct slice username_of(const struct acl_log_entry *entry)
{
    return (struct slice){entry->bytes + entry->object_len, entry->username_len};
}

static bool is_same(const struct acl_log_entry *entry, const struct acl_refusal *refusal, int64_t now_ms)
{
    int64_t distance_ms = now_ms - entry->created_ms;
    return entry->reason == refusal->reason && entry->context == refusal->context &&
           (distance_ms < 0 ? -distance_ms : distance_ms) <= SAME_WITHIN_MS &&
           slice_equal(object_of(entry), refusal->object) &&
           slice_equal(username_of(entry), refusal->username);
}

static void free_entry(struct acl_log_entry *entry)
{
    if (entry) free(entry->client_info);
    free(entry);
}

static struct acl_log_entry *entry_new(const struct acl_refusal *refusal, int64_t now_ms)
{
    struct acl_log_entry *entry = malloc(sizeof *entry + refusal->object.len + refusal->username.len);
    if (!entry) return NULL;
    *entry = (struct acl_log_entry){.reason = refusal->reason,
                                    .context = refusal->context,
                                    .created_ms = now_ms,
                                    .object_len = refusal->object.len,
                                    .username_len = refusal->username.len};
    if (refusal->object.len > 0) memcpy(entry->bytes, refusal->object.ptr, refusal->object.len);
    if (refusal->username.len > 0)
        memcpy(entry->bytes + refusal->object.len, refusal->username.ptr, refusal->username.len);
    return entry;
}

/* Where an entry like the refusal hangs; NULL: there is none. The lock is held. */
static struct acl_log_entry **find_same(struct acl_log *log, const struct acl_refusal *refusal,
                                        int64_t now_ms)
{
    struct acl_log_entry **at = &log->newest;
    for (unsigned i = 0; *at && i < LOOK_BACK; i++, at = &(*at)->older)
        if (is_same(*at, refusal, now_ms)) return at;
    return NULL;
}

/* The lock is held. */
static void cut(struct acl_log *log, uint64_t max_len)
{
    struct acl_log_entry **at = &log->newest;
    for (uint64_t i = 0; *at && i < max_len; i++)
        at = &(*at)->older;
    while (*at) {
        struct acl_log_entry *entry = *at;
        *at = entry->older;
        free_entry(entry);
        log->length--;
    }
}

/* The lock is held. A log may have gaps when memory is out. */
static void add(struct acl_log *log, const struct acl_refusal *refusal, int64_t now_ms)
{
    struct acl_log_entry **same = find_same(log, refusal, now_ms);
    struct acl_log_entry *entry = same ? *same : entry_new(refusal, now_ms);
    if (!entry) return;
    if (same) {
        *same = entry->older;
    } else {
        entry->id = log->next_id++;
        log->length++;
    }
    free(entry->client_info);
    entry->client_info_len = refusal->client_info.len;
    entry->client_info =
        strndup(refusal->client_info.ptr ? refusal->client_info.ptr : "", refusal->client_info.len);
    entry->updated_ms = now_ms;
    entry->count++;
    entry->older = log->newest;
    log->newest = entry;
}

void acl_log_add(struct acl_log *log, uint64_t max_len, const struct acl_refusal *refusal, int64_t now_ms)
{
    pthread_mutex_lock(&log->lock);
    add(log, refusal, now_ms);
    cut(log, max_len);
    pthread_mutex_unlock(&log->lock);
}

void acl_log_clear(struct acl_log *log)
{
    pthread_mutex_lock(&log->lock);
    cut(log, 0);
    pthread_mutex_unlock(&log->lock);
}

static void reply_entry(const struct acl_log_entry *entry, int64_t now_ms, struct resp_out *out)
{
    static const char *const reasons[ACL_REASONS] = {"command", "key", "channel", "auth"};
    static const char *const contexts[] = {"toplevel", "multi"};
    resp_map(out, 10);
    resp_bulk_text(out, "count");
    resp_int(out, (int64_t)entry->count);
    resp_bulk_text(out, "reason");
    resp_bulk_text(out, reasons[entry->reason]);
    resp_bulk_text(out, "context");
    resp_bulk_text(out, contexts[entry->context]);
    resp_bulk_text(out, "object");
    resp_bulk_slice(out, object_of(entry));
    resp_bulk_text(out, "username");
    resp_bulk_slice(out, username_of(entry));
    resp_bulk_text(out, "age-seconds");
    resp_double(out, (double)(now_ms - entry->updated_ms) / 1000);
    resp_bulk_text(out, "client-info");
    resp_bulk(out, entry->client_info ? entry->client_info : "",
              entry->client_info ? entry->client_info_len : 0);
    resp_bulk_text(out, "entry-id");
    resp_int(out, entry->id);
    resp_bulk_text(out, "timestamp-created");
    resp_int(out, entry->created_ms);
    resp_bulk_text(out, "timestamp-last-updated");
    resp_int(out, entry->updated_ms);
}

void acl_log_reply(struct acl_log *log, uint64_t count, int64_t now_ms, struct resp_out *out)
{
    pthread_mutex_lock(&log->lock);
    uint64_t left = count < log->length ? count : log->length;
    resp_array(out, left);
    for (const struct acl_log_entry *entry = log->newest; left > 0; entry = entry->older, left--)
        reply_entry(entry, now_ms, out);
    pthread_mutex_unlock(&log->lock);
}
