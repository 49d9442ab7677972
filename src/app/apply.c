/* apply.c: options into effect (apply.h). */
#include "app/apply.h"

#include "app/crash.h"
#include "command/notify.h"

#include <string.h>

#define SET(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static void apply_users(struct app *app)
{
    struct acl *acl = &app->server.acl;
    SET(acl->all_channels, config_choice(app->config, "acl-pubsub-default") == 0);
    SET(acl->log_max_len, (uint64_t)config_int(app->config, "acllog-max-len"));
}

static void apply_commands(struct app *app)
{
    struct settings *settings = &app->settings;
    const struct config *config = app->config;
    SET(settings->maxmemory_bytes, (uint64_t)config_int(config, "maxmemory"));
    SET(settings->maxmemory_policy, config_choice(config, "maxmemory-policy"));
    SET(settings->maxmemory_samples, (unsigned)config_int(config, "maxmemory-samples"));
    SET(settings->maxmemory_tenacity, (int)config_int(config, "maxmemory-eviction-tenacity"));
    SET(settings->slowlog_slower_than_us, config_int(config, "slowlog-log-slower-than"));
    SET(settings->slowlog_max_len, (uint64_t)config_int(config, "slowlog-max-len"));
    SET(settings->latency_threshold_ms, config_int(config, "latency-monitor-threshold"));
    SET(settings->lfu_log_factor, (int)config_int(config, "lfu-log-factor"));
    SET(settings->lfu_decay_time, (int)config_int(config, "lfu-decay-time"));
    SET(settings->max_bulk_bytes, (uint64_t)config_int(config, "proto-max-bulk-len"));
    SET(settings->latency_tracking, config_bool(config, "latency-tracking"));
    SET(settings->appendonly, config_bool(config, "appendonly"));
    SET(settings->lazyfree_user_flush, config_bool(config, "lazyfree-lazy-user-flush"));
    SET(settings->compress_payloads, config_bool(config, "rdbcompression"));
    SET(settings->tracking_max_keys, (uint64_t)config_int(config, "tracking-table-max-keys"));
    SET(settings->notify_events, notify_classes(config_slice(config, "notify-keyspace-events")));
    server_state_notify(&app->server, atomic_load(&settings->notify_events));
    SET(settings->enable_debug_command, config_choice(config, "enable-debug-command"));
    SET(settings->enable_module_command, config_choice(config, "enable-module-command"));
}

static void apply_percentiles(struct app *app)
{
    double percentiles[CONFIG_PERCENTILES_MAX];
    struct latency_percentiles *to = &app->settings.latency_percentiles;
    _Static_assert(CONFIG_PERCENTILES_MAX == LATENCY_PERCENTILES_MAX, "as many in both");
    size_t count = config_percentiles(app->config, percentiles);
    for (size_t i = 0; i < count; i++)
        SET(to->at[i], percentiles[i]);
    SET(to->count, count);
}

static void apply_packed(struct app *app)
{
    struct packed_settings *packed = &app->settings.packed;
    const struct config *config = app->config;
    SET(packed->hash_max_entries, (uint64_t)config_int(config, "hash-max-listpack-entries"));
    SET(packed->hash_max_value, (uint64_t)config_int(config, "hash-max-listpack-value"));
    SET(packed->set_max_intset_entries, (uint64_t)config_int(config, "set-max-intset-entries"));
    SET(packed->set_max_entries, (uint64_t)config_int(config, "set-max-listpack-entries"));
    SET(packed->set_max_value, (uint64_t)config_int(config, "set-max-listpack-value"));
    SET(packed->zset_max_entries, (uint64_t)config_int(config, "zset-max-listpack-entries"));
    SET(packed->zset_max_value, (uint64_t)config_int(config, "zset-max-listpack-value"));
    SET(packed->list_max_size, config_int(config, "list-max-listpack-size"));
    SET(packed->stream_node_max_bytes, (uint64_t)config_int(config, "stream-node-max-bytes"));
    SET(packed->stream_node_max_entries, (uint64_t)config_int(config, "stream-node-max-entries"));
    SET(packed->hll_sparse_max_bytes, (uint64_t)config_int(config, "hll-sparse-max-bytes"));
}

static void apply_clients(struct app *app)
{
    struct client_settings *settings = &app->client_settings;
    const struct config *config = app->config;
    SET(settings->maxclients, (uint64_t)config_int(config, "maxclients"));
    SET(settings->timeout_s, config_int(config, "timeout"));
    SET(settings->tcp_keepalive_s, (int)config_int(config, "tcp-keepalive"));
    SET(settings->query_limit_bytes, (uint64_t)config_int(config, "client-query-buffer-limit"));
    for (int class = 0; class < OUTPUT_CLASSES; class ++) {
        struct config_output_limit limit = config_output_limit(config, class);
        SET(settings->output[class].hard_bytes, limit.hard_bytes);
        SET(settings->output[class].soft_bytes, limit.soft_bytes);
        SET(settings->output[class].soft_s, limit.soft_s);
    }
    SET(settings->max_memory, config_int(config, "maxmemory-clients"));
    SET(settings->protected_mode, config_bool(config, "protected-mode"));
}

void apply_config(struct app *app)
{
    apply_users(app);
    apply_commands(app);
    apply_percentiles(app);
    apply_packed(app);
    apply_clients(app);
    SET(app->settings.stop_on_save_error,
        config_bool(app->config, "stop-writes-on-bgsave-error") && *config_text(app->config, "save") != '\0');
    persist_note_config(&app->persist);
    SET(app->log.level, config_choice(app->config, "loglevel"));
    crash_set_log(config_bool(app->config, "crash-log-enabled"));
    SET(app->cron.period_ms, cron_period_ms(config_int(app->config, "hz")));
    if (app->heap) heap_set_limit(app->heap, (uint64_t)config_int(app->config, "heap-size-limit"));
}

/* ---- what is asked for and can't be had ---- */

static bool lies_in_memory(const struct app *app)
{
    bool asked = config_bool(app->config, "appendonly") || *config_text(app->config, "save");
    return asked && heap_mode(app->heap) == HEAP_MODE_SHARED && !heap_wants_journal(app->heap);
}

static const struct warning {
    bool (*applies)(const struct app *app);
    const char *text;
} warnings[] = {
    {lies_in_memory, "The heap lies in memory (tmpfs): every acknowledged write survives kill -9 and crashes "
                     "of the server, but no power loss "
                     "and no reboot, whatever 'appendonly' and 'save' ask for."},
};

void apply_warn(struct app *app)
{
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        unsigned bit = 1u << i;
        bool applies = warnings[i].applies(app);
        if (applies && !(app->warned & bit)) log_line(&app->log, LOG_WARNING, "%s", warnings[i].text);
        app->warned = applies ? app->warned | bit : app->warned & ~bit;
    }
}
