/* slowlog.c: a bounded list of slow commands, each entry one allocation. */
#include "command/slowlog.h"

#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX      32 /* as many as `redacted` has bits */
#define ARG_BYTES_MAX 128
#define NOTE_BYTES    64 /* room for "... (N more bytes)" */

struct slowlog_entry {
    struct slowlog_entry *older;
    struct slowlog_entry *newer;
    int64_t id;
    int64_t time_s;
    int64_t duration_us;
    size_t argc;
    size_t arg_lens[ARGS_MAX];
    size_t address_len;
    size_t name_len;
    char bytes[]; /* arguments, address, name */
};

void slowlog_init(struct slowlog *log)
{
    memset(log, 0, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
}

/* What is kept of one argument: all of it, or its start and how much is missing; the last may stand for many.
 */
static size_t write_arg(char *to, const struct slowlog_source *source, size_t i)
{
    if (source->argc > ARGS_MAX && i == ARGS_MAX - 1)
        return (size_t)snprintf(to, ARG_BYTES_MAX + NOTE_BYTES, "... (%zu more arguments)",
                                source->argc - ARGS_MAX + 1);
    struct slice arg = source->redacted >> i & 1 ? SLICE("(redacted)") : source->argv[i];
    size_t len = arg.len < ARG_BYTES_MAX ? arg.len : ARG_BYTES_MAX;
    if (len) memcpy(to, arg.ptr, len);
    if (len < arg.len) len += (size_t)snprintf(to + len, NOTE_BYTES, "... (%zu more bytes)", arg.len - len);
    return len;
}

static struct slowlog_entry *entry_new(const struct slowlog_source *source)
{
    char args[ARGS_MAX * (ARG_BYTES_MAX + NOTE_BYTES)];
    size_t lens[ARGS_MAX], used = 0;
    size_t kept = source->argc < ARGS_MAX ? source->argc : ARGS_MAX;
    for (size_t i = 0; i < kept; i++) {
        lens[i] = write_arg(args + used, source, i);
        used += lens[i];
    }
    const char *address = source->address ? source->address : "";
    const char *client_name = source->client_name ? source->client_name : "";
    size_t address_len = strlen(address), name_len = strlen(client_name);
    struct slowlog_entry *entry = malloc(sizeof *entry + used + address_len + name_len);
    if (!entry) return NULL;
    entry->argc = kept;
    memcpy(entry->arg_lens, lens, kept * sizeof *lens);
    entry->address_len = address_len;
    entry->name_len = name_len;
    memcpy(entry->bytes, args, used);
    memcpy(entry->bytes + used, address, address_len);
    memcpy(entry->bytes + used + address_len, client_name, name_len);
    return entry;
}

/* The lock is held. */
static void drop_oldest(struct slowlog *log)
{
    struct slowlog_entry *entry = log->oldest;
    log->oldest = entry->newer;
    if (log->oldest) log->oldest->older = NULL;
    else log->newest = NULL;
    log->length--;
    free(entry);
}

void slowlog_add(struct slowlog *log, uint64_t max_len, const struct slowlog_source *source,
                 int64_t duration_us)
{
    struct slowlog_entry *entry = entry_new(source);
    if (!entry) return; /* a log may have gaps when memory is out */
    entry->time_s = clock_wall_ms() / 1000;
    entry->duration_us = duration_us;
    pthread_mutex_lock(&log->lock);
    entry->id = log->next_id++;
    entry->older = log->newest;
    entry->newer = NULL;
    if (log->newest) log->newest->newer = entry;
    else log->oldest = entry;
    log->newest = entry;
    log->length++;
    while (log->length > max_len)
        drop_oldest(log);
    pthread_mutex_unlock(&log->lock);
}

void slowlog_clear(struct slowlog *log)
{
    pthread_mutex_lock(&log->lock);
    while (log->oldest)
        drop_oldest(log);
    pthread_mutex_unlock(&log->lock);
}

uint64_t slowlog_length(struct slowlog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t length = log->length;
    pthread_mutex_unlock(&log->lock);
    return length;
}

static void reply_entry(const struct slowlog_entry *entry, struct resp_out *out)
{
    const char *bytes = entry->bytes;
    resp_array(out, 6);
    resp_int(out, entry->id);
    resp_int(out, entry->time_s);
    resp_int(out, entry->duration_us);
    resp_array(out, entry->argc);
    for (size_t i = 0; i < entry->argc; bytes += entry->arg_lens[i], i++)
        resp_bulk(out, bytes, entry->arg_lens[i]);
    resp_bulk(out, bytes, entry->address_len);
    resp_bulk(out, bytes + entry->address_len, entry->name_len);
}

void slowlog_reply(struct slowlog *log, int64_t count, struct resp_out *out)
{
    pthread_mutex_lock(&log->lock);
    uint64_t left = count < 0 || (uint64_t)count > log->length ? log->length : (uint64_t)count;
    resp_array(out, left);
    for (const struct slowlog_entry *entry = log->newest; left > 0; entry = entry->older, left--)
        reply_entry(entry, out);
    pthread_mutex_unlock(&log->lock);
}
