/* info.c: the sections of INFO with Redis's field names, so that tools find what they look for (info.h). */
#include "app/info.h"
#include "app/listen.h"

#include "command/stats.h"
#include "rdb/crc64.h"
#include "util/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LINE_BYTES 1024
#define put        info_put
#define LLU(value) ((unsigned long long)(value))

void info_put(struct resp_out *out, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0) resp_raw(out, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

static void put_listener(struct resp_out *out, int number, const char *name, const char *binds, int64_t port)
{
    put(out, "listener%d:name=%s", number, name);
    for (const char *at = binds; *at;) {
        size_t len = strcspn(at, " ");
        put(out, ",bind=%.*s", (int)len, at);
        at += len + (at[len] == ' ');
    }
    if (port > 0) put(out, ",port=%lld", (long long)port);
    put(out, "\r\n");
}

/* Each kind of listener has its number, as in Redis. */
static void write_listeners(struct app *app, struct resp_out *out)
{
    const char *bind = config_text(app->config, "bind");
    const char *path = config_text(app->config, "unixsocket");
    int64_t port = config_int(app->config, "port");
    int64_t tls_port = config_int(app->config, "tls-port");
    if (port > 0) put_listener(out, 0, "tcp", bind, port);
    if (*path) put_listener(out, 1, "unix", path, 0);
    if (tls_port > 0) put_listener(out, 2, "tls", bind, tls_port);
}

static const char *supervisor_name(enum supervisor supervisor)
{
    static const char *const names[] = {"no", "upstart", "systemd"};
    return names[supervisor];
}

static void write_server(struct app *app, struct resp_out *out)
{
    struct utsname system;
    int64_t uptime_s = (clock_monotonic_ns() - app->started_ns) / 1000000000;
    const char *file = config_file(app->config);
    uname(&system);
    put(out,
        "cairn_version:%s\r\nredis_version:%s\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\n"
        "redis_build_id:%016llx\r\n",
        CAIRN_VERSION, SERVER_REDIS_VERSION,
        LLU(rdb_crc64(0, SLICE(CAIRN_VERSION " " SERVER_REDIS_VERSION))));
    put(out,
        "redis_mode:standalone\r\nos:%s %s %s\r\narch_bits:64\r\nmonotonic_clock:POSIX clock_gettime\r\n",
        system.sysname, system.release, system.machine);
    put(out,
        "multiplexing_api:epoll\r\natomicvar_api:c11-builtin\r\ngcc_version:%d.%d.%d\r\nprocess_id:%d\r\n",
        __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__, (int)getpid());
    put(out, "process_supervised:%s\r\nrun_id:%s\r\ntcp_port:%d\r\nserver_time_usec:%lld\r\n",
        supervisor_name(app->supervisor), app->run_id, listen_port(app), (long long)clock_wall_us());
    put(out,
        "uptime_in_seconds:%lld\r\nuptime_in_days:%lld\r\nhz:%s\r\nconfigured_hz:%s\r\nlru_clock:%lld\r\n",
        (long long)uptime_s, (long long)(uptime_s / 86400), config_text(app->config, "hz"),
        config_text(app->config, "hz"), (long long)(clock_wall_ms() / 1000 & 0xffffff));
    put(out, "executable:%s\r\nconfig_file:%s\r\nio_threads_active:%d\r\nworker_threads:%u\r\n",
        app->executable, file ? file : "", app->worker_count > 1, app->worker_count);
    write_listeners(app, out);
}

static void write_clients(struct app *app, struct resp_out *out)
{
    struct client_pool_stats stats;
    const struct block_table *blocks = &app->server.blocks;
    client_pool_stats(app->pool, &stats);
    put(out,
        "connected_clients:%llu\r\ncluster_connections:0\r\nmaxclients:%llu\r\nclient_recent_max_input_"
        "buffer:%llu\r\n"
        "client_recent_max_output_buffer:%llu\r\nblocked_clients:%llu\r\ntracking_clients:%llu\r\nclients_in_"
        "timeout_"
        "table:%llu\r\n"
        "total_blocking_keys:%llu\r\ntotal_blocking_keys_on_nokey:%llu\r\nwatching_clients:%llu\r\ntotal_"
        "watched_keys:%llu\r\n",
        LLU(stats.connected), LLU(atomic_load(&app->client_settings.maxclients)),
        LLU(stats.longest_query_bytes), LLU(stats.longest_output_bytes),
        LLU(atomic_load(&blocks->waiting) + stats.held), LLU(atomic_load(&app->server.tracking.clients)),
        LLU(atomic_load(&blocks->with_deadline)), LLU(atomic_load(&blocks->keys)),
        LLU(atomic_load(&blocks->keys_if_gone)), LLU(atomic_load(&app->server.watches.watchers)),
        LLU(atomic_load(&app->server.watches.keys)));
}

static void put_pubsub(struct server_state *server, struct resp_out *out)
{
    put(out, "pubsub_channels:%llu\r\npubsub_patterns:%llu\r\npubsubshard_channels:%llu\r\n",
        LLU(pubsub_topics(server, PUBSUB_CHANNEL)), LLU(pubsub_topics(server, PUBSUB_PATTERN)),
        LLU(pubsub_topics(server, PUBSUB_SHARD)));
    put(out, "latest_fork_usec:0\r\ntotal_forks:0\r\nmigrate_cached_sockets:%u\r\n",
        link_cache_count(&server->links));
    put(out, "tracking_total_keys:%llu\r\ntracking_total_items:%llu\r\ntracking_total_prefixes:%llu\r\n",
        LLU(atomic_load(&server->tracking.keys)), LLU(atomic_load(&server->tracking.items)),
        LLU(tracking_prefixes(server)));
}

/* What has another meaning here, or none: every worker reads and writes its own sockets; nothing is moved to defragment; replies have
 * no buffers of their own that could grow. */
static void put_unlike_redis(struct app *app, const struct worker_counters *sum, struct resp_out *out)
{
    bool threads = app->worker_count > 1;
    put(out, "io_threaded_reads_processed:%llu\r\nio_threaded_writes_processed:%llu\r\n",
        LLU(threads ? sum->reads : 0), LLU(threads ? sum->writes : 0));
    put(out, "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\nslave_expires_tracked_keys:0\r\n"
             "active_defrag_hits:0\r\nactive_defrag_misses:0\r\nactive_defrag_key_hits:0\r\n"
             "active_defrag_key_misses:0\r\ntotal_active_defrag_time:0\r\ncurrent_active_defrag_time:0\r\n");
    put(out, "dump_payload_sanitizations:%llu\r\n", LLU(sum->payloads_checked));
}

static void write_stats(struct app *app, struct resp_out *out)
{
    struct worker_counters sum;
    struct client_pool_stats clients;
    const struct cron *cron = &app->cron;
    struct memory_limit_stats memory = memory_limit_stats(&app->server.memory_limit);
    stats_counters(&app->server, &sum);
    client_pool_stats(app->pool, &clients);
    put(out,
        "total_connections_received:%llu\r\ntotal_commands_processed:%llu\r\ninstantaneous_ops_per_sec:%"
        "llu\r\n",
        LLU(clients.received), LLU(sum.commands), LLU(atomic_load(&cron->commands.per_second)));
    put(out, "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\n",
        (double)atomic_load(&cron->bytes_in.per_second) / 1024,
        (double)atomic_load(&cron->bytes_out.per_second) / 1024);
    put(out, "total_net_input_bytes:%llu\r\ntotal_net_output_bytes:%llu\r\nrejected_connections:%llu\r\n",
        LLU(sum.bytes_in), LLU(sum.bytes_out), LLU(clients.rejected));
    put(out, "total_net_repl_input_bytes:0\r\ntotal_net_repl_output_bytes:0\r\ninstantaneous_input_repl_kbps:"
             "0.00\r\n"
             "instantaneous_output_repl_kbps:0.00\r\n");
    put(out,
        "sync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\nexpired_keys:%llu\r\n"
        "expired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\nexpire_cycle_cpu_milliseconds:%"
        "llu\r\nevicted_keys:%llu\r\nevicted_clients:"
        "%llu\r\n"
        "total_eviction_exceeded_time:%llu\r\ncurrent_eviction_exceeded_time:%llu\r\nkeyspace_hits:%"
        "llu\r\nkeyspace_misses:%llu\r\n",
        LLU(keyspace_expired_count(app->keyspace) + sum.expired_keys),
        LLU(atomic_load(&cron->expire_ns) / 1000000), LLU(memory.evicted), LLU(clients.evicted),
        LLU(memory.total_exceeded_ms), LLU(memory.current_exceeded_ms), LLU(sum.keyspace_hits),
        LLU(sum.keyspace_misses));
    put_pubsub(&app->server, out);
    put(out,
        "unexpected_error_replies:0\r\ntotal_error_replies:%llu\r\ntotal_reads_processed:%llu\r\n"
        "total_writes_processed:%llu\r\nclient_query_buffer_limit_disconnections:%llu\r\n"
        "client_output_buffer_limit_disconnections:%llu\r\n",
        LLU(sum.error_replies), LLU(sum.reads), LLU(sum.writes), LLU(clients.query_limit_disconnections),
        LLU(clients.output_limit_disconnections));
    put_unlike_redis(app, &sum, out);
    const struct acl *acl = &app->server.acl;
    put(out,
        "acl_access_denied_auth:%llu\r\nacl_access_denied_cmd:%llu\r\nacl_access_denied_key:%llu\r\n"
        "acl_access_denied_channel:%llu\r\n",
        LLU(atomic_load(&acl->denied[ACL_REASON_AUTH])), LLU(atomic_load(&acl->denied[ACL_REASON_COMMAND])),
        LLU(atomic_load(&acl->denied[ACL_REASON_KEY])), LLU(atomic_load(&acl->denied[ACL_REASON_CHANNEL])));
}

static void write_replication(struct app *app, struct resp_out *out)
{
    put(out, "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:%s\r\n",
        app->run_id);
    put(out,
        "master_replid2:%040d\r\nmaster_repl_offset:0\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:0\r\n"
        "repl_backlog_size:%s\r\nrepl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n",
        0, config_text(app->config, "repl-backlog-size"));
}

static void put_cpu(struct resp_out *out, const char *suffix, int who)
{
    struct rusage used = {0};
    getrusage(who, &used);
    put(out, "used_cpu_sys%s:%lld.%06ld\r\nused_cpu_user%s:%lld.%06ld\r\n", suffix,
        (long long)used.ru_stime.tv_sec, (long)used.ru_stime.tv_usec, suffix, (long long)used.ru_utime.tv_sec,
        (long)used.ru_utime.tv_usec);
}

/* The main thread is the first worker. */
static void put_main_cpu(struct resp_out *out)
{
    unsigned long long user = 0, system = 0, per_second = (unsigned long long)sysconf(_SC_CLK_TCK);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    FILE *file = fopen(path, "re");
    if (!file) return;
    /* the fields behind the name, which stands in parentheses */
    if (fscanf(file, "%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) == 2)
        put(out, "used_cpu_sys_main_thread:%.6f\r\nused_cpu_user_main_thread:%.6f\r\n",
            (double)system / (double)per_second, (double)user / (double)per_second);
    fclose(file);
}

static void write_cpu(struct app *app, struct resp_out *out)
{
    (void)app;
    put_cpu(out, "", RUSAGE_SELF);
    put_cpu(out, "_children", RUSAGE_CHILDREN);
    put_main_cpu(out);
}

static void write_modules(struct app *app, struct resp_out *out)
{
    (void)app;
    (void)out;
}

static void write_commandstats(struct app *app, struct resp_out *out)
{
    stats_write_commandstats(&app->server, out);
}

static void write_errorstats(struct app *app, struct resp_out *out)
{
    stats_write_errorstats(&app->server, out);
}

static void write_latencystats(struct app *app, struct resp_out *out)
{
    stats_write_latencystats(&app->server, out);
}

static void write_cluster(struct app *app, struct resp_out *out)
{
    (void)app;
    put(out, "cluster_enabled:0\r\n");
}

static void write_keyspace(struct app *app, struct resp_out *out)
{
    for (unsigned db = 0; db < keyspace_databases(app->keyspace); db++) {
        uint64_t keys = keyspace_size(app->keyspace, db);
        if (keys == 0) continue;
        put(out, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld\r\n", db, LLU(keys),
            LLU(keyspace_volatile_size(app->keyspace, db)),
            (long long)keyspace_average_ttl_ms(app->keyspace, db));
    }
}

static const struct section {
    const char *name;
    const char *title;
    bool by_default;
    bool early; /* while the server is loading */
    void (*write)(struct app *app, struct resp_out *out);
} sections_table[] = {
    {"server", "Server", true, true, write_server},
    {"clients", "Clients", true, false, write_clients},
    {"memory", "Memory", true, false, info_write_memory},
    {"persistence", "Persistence", true, true, NULL}, /* persist_write_info, loading_write_info */
    {"stats", "Stats", true, false, write_stats},
    {"replication", "Replication", true, false, write_replication},
    {"cpu", "CPU", true, true, write_cpu},
    {"modules", "Modules", true, true, write_modules},
    {"commandstats", "Commandstats", false, false, write_commandstats},
    {"errorstats", "Errorstats", true, false, write_errorstats},
    {"latencystats", "Latencystats", false, false, write_latencystats},
    {"cluster", "Cluster", true, true, write_cluster},
    {"keyspace", "Keyspace", true, false, write_keyspace},
};

static bool is_wanted(const struct section *section, const struct slice *sections, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is_word(sections[i], section->name)) return true;
        if (slice_is_word(sections[i], "all") || slice_is_word(sections[i], "everything")) return true;
        if (slice_is_word(sections[i], "default") && section->by_default) return true;
    }
    return count == 0 && section->by_default;
}

void info_write(struct app *app, struct heap_thread *thread, const struct slice *sections, size_t count,
                struct resp_out *text_out)
{
    bool first = true;
    pthread_mutex_lock(&app->config_lock);
    for (size_t i = 0; i < sizeof sections_table / sizeof *sections_table; i++) {
        const struct section *section = &sections_table[i];
        if (!is_wanted(section, sections, count) || (!thread && !section->early)) continue;
        put(text_out, "%s# %s\r\n", first ? "" : "\r\n", section->title);
        if (section->write) section->write(app, text_out);
        else if (thread) persist_write_info(&app->persist, thread, text_out);
        else loading_write_info(&app->loading, text_out);
        first = false;
    }
    pthread_mutex_unlock(&app->config_lock);
}
