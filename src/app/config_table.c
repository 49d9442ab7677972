/* config_table.c: the rows (config_table.h). Options without an effect here are remembered: tools set and
 * read them. */
#include "app/config_table.h"

#define BOOL(option, value, ...)                                                                             \
    {                                                                                                        \
        .name = option, .type = CONFIG_BOOL, .initial = value, __VA_ARGS__                                   \
    }
#define NUMBER(option, value, lo, hi, ...)                                                                   \
    {                                                                                                        \
        .name = option, .type = CONFIG_NUMBER, .initial = value, .min = lo, .max = hi, __VA_ARGS__           \
    }
#define SIZE(option, value, lo, hi, ...)                                                                     \
    {                                                                                                        \
        .name = option, .type = CONFIG_SIZE, .initial = value, .min = lo, .max = hi, __VA_ARGS__             \
    }
#define TEXT(option, value, ...)                                                                             \
    {                                                                                                        \
        .name = option, .type = CONFIG_TEXT, .initial = value, __VA_ARGS__                                   \
    }
#define NAME(option, value, when, what)                                                                      \
    {                                                                                                        \
        .name = option, .type = CONFIG_NAME, .flags = when, .initial = value,                                \
        .reason = option " can't be a path, just a " what                                                    \
    }
#define WORDS(option, value, ...)                                                                            \
    {                                                                                                        \
        .name = option, .type = CONFIG_WORDS, .initial = value, __VA_ARGS__                                  \
    }
#define CHOICE(option, value, from, ...)                                                                     \
    {                                                                                                        \
        .name = option, .type = CONFIG_CHOICE, .initial = value, .words = from, __VA_ARGS__                  \
    }
#define WORD_SET(option, value, from)                                                                        \
    {                                                                                                        \
        .name = option, .type = CONFIG_WORD_SET, .initial = value, .words = from                             \
    }
/* Words of a line, its name counted. */
#define LINES(option, least, most)                                                                           \
    {                                                                                                        \
        .name = option, .type = CONFIG_LINES, .flags = CONFIG_FIXED | CONFIG_UNLISTED, .initial = "",        \
        .min = least, .max = most                                                                            \
    }
#define ALIAS(other) .alias = other
/* Of a feature that is not there: refused unless it has its initial value. */
#define REFUSED(why)       .flags = CONFIG_INITIAL, .reason = why
#define REFUSED_FIXED(why) .flags = CONFIG_FIXED | CONFIG_INITIAL, .reason = why
#define REFUSED_LINE(why)  .flags = CONFIG_FIXED | CONFIG_INITIAL | CONFIG_UNLISTED, .reason = why

static const char *const shutdown_words[] = {"default", "save", "nosave", "now", "force", NULL};
static const char *const supervised_words[] = {"no", "upstart", "systemd", "auto", NULL};
static const char *const loglevel_words[] = {"debug", "verbose", "notice", "warning", "nothing", NULL};
static const char *const syslog_facility_words[] = {"user",   "local0", "local1", "local2", "local3",
                                                    "local4", "local5", "local6", "local7", NULL};
static const char *const oom_score_adj_words[] = {"no", "yes", "relative", "absolute", NULL}; /* enum oom_mode */
static const char *const enable_protected_configs_words[] = {"no", "yes", "local", NULL};
static const char *const enable_debug_command_words[] = {"no", "yes", "local", NULL}; /* enum debug_access */
static const char *const enable_module_command_words[] = {"no", "yes", "local", NULL};
static const char *const on_unclean_heap_words[] = {"move", "refuse", NULL};
static const char *const appendfsync_words[] = {"everysec", "always", "no", NULL};
static const char *const sanitize_dump_payload_words[] = {"no", "yes", "clients", NULL};
static const char *const maxmemory_policy_words[] = {"noeviction",      "allkeys-lru",  "allkeys-lfu",
                                                     "allkeys-random",  "volatile-lru", "volatile-lfu",
                                                     "volatile-random", "volatile-ttl", NULL};
static const char *const acl_pubsub_default_words[] = {"allchannels", "resetchannels", NULL};
static const char *const repl_diskless_load_words[] = {"disabled", "on-empty-db", "swapdb", NULL};
static const char *const propagation_error_behavior_words[] = {"ignore", "panic", "panic-on-replicas", NULL};
static const char *const cluster_preferred_endpoint_type_words[] = {"ip", "hostname", "unknown-endpoint",
                                                                    NULL};
static const char *const tls_auth_clients_words[] = {"no", "yes", "optional", NULL}; /* enum client_tls_auth */

const struct config_row config_table[] = {
    /* ---- network and clients ---- */
    WORDS("bind", "* -::*"),
    WORDS("bind-source-addr", ""),
    NUMBER("port", "6379", 0, 65535),
    NUMBER("tcp-backlog", "511", 0, INT32_MAX, .flags = CONFIG_FIXED),
    TEXT("unixsocket", "", .flags = CONFIG_FIXED),
    {.name = "unixsocketperm",
     .type = CONFIG_MODE,
     .flags = CONFIG_FIXED,
     .initial = "0",
     .min = 0,
     .max = 0777},
    BOOL("protected-mode", "yes"),
    NUMBER("timeout", "0", 0, INT32_MAX),
    NUMBER("tcp-keepalive", "300", 0, INT32_MAX),
    NUMBER("maxclients", "10000", 1, UINT32_MAX),
    TEXT("requirepass", "", .flags = CONFIG_SECRET),
    SIZE("client-query-buffer-limit", "1073741824", 1024 * 1024, INT64_MAX),
    {.name = "client-output-buffer-limit",
     .type = CONFIG_OUTPUT_LIMITS,
     .initial = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {.name = "maxmemory-clients", .type = CONFIG_SIZE_PERCENT, .initial = "0", .min = -100, .max = INT64_MAX},
    SIZE("proto-max-bulk-len", "536870912", 1024 * 1024, INT64_MAX),
    NUMBER("socket-mark-id", "0", 0, UINT32_MAX, .flags = CONFIG_FIXED),
    NUMBER("io-threads", "0", 0, 60, .flags = CONFIG_FIXED),
    BOOL("io-threads-do-reads", "no", .flags = CONFIG_FIXED),
    NUMBER("busy-reply-threshold", "5000", 0, INT64_MAX, ALIAS("lua-time-limit")),
    NUMBER("tracking-table-max-keys", "1000000", 0, INT64_MAX),

    /* ---- process and log ---- */
    BOOL("daemonize", "no", .flags = CONFIG_FIXED),
    CHOICE("supervised", "no", supervised_words, .flags = CONFIG_FIXED),
    TEXT("pidfile", "", .flags = CONFIG_FIXED),
    CHOICE("loglevel", "notice", loglevel_words),
    TEXT("logfile", "", .flags = CONFIG_FIXED),
    BOOL("syslog-enabled", "no", .flags = CONFIG_FIXED),
    TEXT("syslog-ident", "redis", .flags = CONFIG_FIXED),
    CHOICE("syslog-facility", "local0", syslog_facility_words, .flags = CONFIG_FIXED),
    BOOL("crash-log-enabled", "yes"),
    BOOL("crash-memcheck-enabled", "yes"),
    BOOL("use-exit-on-panic", "no", .flags = CONFIG_HIDDEN),
    BOOL("always-show-logo", "no", .flags = CONFIG_FIXED),
    BOOL("set-proc-title", "yes", .flags = CONFIG_FIXED),
    {.name = "proc-title-template", .type = CONFIG_TITLE, .initial = "{title} {listen-addr} {server-mode}"},
    TEXT("locale-collate", ""),
    NUMBER("databases", "16", 1, INT32_MAX, .flags = CONFIG_FIXED),
    NUMBER("hz", "10", 0, INT32_MAX), /* cron_period_ms takes what it can */
    BOOL("dynamic-hz", "yes"),
    NUMBER("watchdog-period", "0", 0, INT32_MAX),
    NUMBER("shutdown-timeout", "10", 0, INT32_MAX),
    WORD_SET("shutdown-on-sigint", "default", shutdown_words),
    WORD_SET("shutdown-on-sigterm", "default", shutdown_words),
    CHOICE("oom-score-adj", "no", oom_score_adj_words),
    {.name = "oom-score-adj-values", .type = CONFIG_OOM_SCORES, .initial = "0 200 800"},
    BOOL("disable-thp", "yes", .flags = CONFIG_FIXED),
    TEXT("server-cpulist", "", .flags = CONFIG_FIXED, ALIAS("server_cpulist")),
    TEXT("bio-cpulist", "", .flags = CONFIG_FIXED, ALIAS("bio_cpulist")),
    TEXT("aof-rewrite-cpulist", "", .flags = CONFIG_FIXED, ALIAS("aof_rewrite_cpulist")),
    TEXT("bgsave-cpulist", "", .flags = CONFIG_FIXED, ALIAS("bgsave_cpulist")),
    TEXT("ignore-warnings", ""),
    CHOICE("enable-protected-configs", "no", enable_protected_configs_words, .flags = CONFIG_FIXED),
    CHOICE("enable-debug-command", "no", enable_debug_command_words, .flags = CONFIG_FIXED),
    CHOICE("enable-module-command", "no", enable_module_command_words, .flags = CONFIG_FIXED),

    /* ---- heap and persistence ---- */
    TEXT("dir", ".", .flags = CONFIG_FIXED | CONFIG_PROTECTED),
    TEXT("heap-filename", "cairn.heap", .flags = CONFIG_FIXED),
    SIZE("heap-size-limit", "0", 0, INT64_MAX),
    CHOICE("on-unclean-heap", "move", on_unclean_heap_words), /* of the next start */
    {.name = "save", .type = CONFIG_SAVE_POINTS, .initial = "3600 1 300 100 60 10000"},
    BOOL("appendonly", "no"),
    CHOICE("appendfsync", "everysec", appendfsync_words),
    SIZE("journal-max-size", "268435456", 64 * 1024 * 1024, INT64_MAX),
    NAME("appendfilename", "appendonly.aof", CONFIG_FIXED, "filename"),
    NAME("appenddirname", "appendonlydir", CONFIG_FIXED, "dirname"),
    NAME("dbfilename", "dump.rdb", CONFIG_PROTECTED, "filename"),
    BOOL("no-appendfsync-on-rewrite", "no"),
    NUMBER("auto-aof-rewrite-percentage", "100", 0, INT32_MAX),
    SIZE("auto-aof-rewrite-min-size", "67108864", 0, INT64_MAX),
    BOOL("aof-load-truncated", "yes"),
    BOOL("aof-use-rdb-preamble", "yes"),
    BOOL("aof-timestamp-enabled", "no"),
    BOOL("aof-rewrite-incremental-fsync", "yes"),
    BOOL("aof-disable-auto-gc", "no"),
    BOOL("rdb-save-incremental-fsync", "yes"),
    BOOL("rdbcompression", "yes"),
    BOOL("rdbchecksum", "yes", .flags = CONFIG_FIXED),
    BOOL("rdb-del-sync-files", "no"),
    BOOL("stop-writes-on-bgsave-error", "yes"),
    CHOICE("sanitize-dump-payload", "no", sanitize_dump_payload_words),
    NUMBER("rdb-key-save-delay", "0", INT32_MIN, INT32_MAX),
    NUMBER("key-load-delay", "0", INT32_MIN, INT32_MAX, .flags = CONFIG_HIDDEN),
    SIZE("loading-process-events-interval-bytes", "2097152", 1024, INT32_MAX),

    /* ---- memory and keys ---- */
    SIZE("maxmemory", "0", 0, INT64_MAX),
    CHOICE("maxmemory-policy", "noeviction", maxmemory_policy_words),
    NUMBER("maxmemory-samples", "5", 1, 64),
    NUMBER("maxmemory-eviction-tenacity", "10", 0, 100),
    NUMBER("lfu-log-factor", "10", 0, INT32_MAX),
    NUMBER("lfu-decay-time", "1", 0, INT32_MAX),
    NUMBER("active-expire-effort", "1", 1, 10),
    BOOL("lazyfree-lazy-eviction", "no"),
    BOOL("lazyfree-lazy-expire", "no"),
    BOOL("lazyfree-lazy-server-del", "no"),
    BOOL("lazyfree-lazy-user-del", "no"),
    BOOL("lazyfree-lazy-user-flush", "no"),
    {.name = "notify-keyspace-events", .type = CONFIG_EVENTS, .initial = ""},
    BOOL("activerehashing", "yes"),
    BOOL("activedefrag", "no"),
    BOOL("jemalloc-bg-thread", "yes"),
    NUMBER("active-defrag-cycle-min", "1", 1, 99),
    NUMBER("active-defrag-cycle-max", "25", 1, 99),
    NUMBER("active-defrag-threshold-lower", "10", 0, 1000),
    NUMBER("active-defrag-threshold-upper", "100", 0, 1000),
    NUMBER("active-defrag-max-scan-fields", "1000", 1, INT64_MAX),
    SIZE("active-defrag-ignore-bytes", "104857600", 1, INT64_MAX),
    NUMBER("hash-max-listpack-entries", "512", 0, INT64_MAX, ALIAS("hash-max-ziplist-entries")),
    NUMBER("zset-max-listpack-entries", "128", 0, INT64_MAX, ALIAS("zset-max-ziplist-entries")),
    SIZE("hash-max-listpack-value", "64", 0, INT64_MAX, ALIAS("hash-max-ziplist-value")),
    SIZE("zset-max-listpack-value", "64", 0, INT64_MAX, ALIAS("zset-max-ziplist-value")),
    NUMBER("set-max-intset-entries", "512", 0, INT64_MAX),
    NUMBER("set-max-listpack-entries", "128", 0, INT64_MAX),
    SIZE("set-max-listpack-value", "64", 0, INT64_MAX),
    NUMBER("list-max-listpack-size", "-2", INT32_MIN, INT32_MAX, ALIAS("list-max-ziplist-size")),
    NUMBER("list-compress-depth", "0", 0, INT32_MAX),
    SIZE("hll-sparse-max-bytes", "3000", 0, INT64_MAX),
    SIZE("stream-node-max-bytes", "4096", 0, INT64_MAX),
    NUMBER("stream-node-max-entries", "100", 0, INT64_MAX),

    /* ---- observation ---- */
    NUMBER("slowlog-log-slower-than", "10000", -1, INT64_MAX),
    NUMBER("slowlog-max-len", "128", 0, INT64_MAX),
    NUMBER("latency-monitor-threshold", "0", 0, INT64_MAX),
    BOOL("latency-tracking", "yes"),
    {.name = "latency-tracking-info-percentiles", .type = CONFIG_PERCENTILES, .initial = "50 99 99.9"},
    NUMBER("acllog-max-len", "128", 0, INT64_MAX),

    /* ---- access control, modules ---- */
    TEXT("aclfile", "", .flags = CONFIG_FIXED),
    LINES("user", 2, INT32_MAX),
    CHOICE("acl-pubsub-default", "resetchannels", acl_pubsub_default_words),
    LINES("rename-command", 3, 3),
    WORDS("loadmodule", "", REFUSED_LINE("modules are not supported")),

    /* ---- replication ---- */
    WORDS("replicaof", "", REFUSED_FIXED("replication is not supported yet"), ALIAS("slaveof")),
    TEXT("masterauth", "", .flags = CONFIG_SECRET),
    TEXT("masteruser", "", .flags = CONFIG_SECRET),
    BOOL("replica-serve-stale-data", "yes", ALIAS("slave-serve-stale-data")),
    BOOL("replica-read-only", "yes", ALIAS("slave-read-only")),
    BOOL("replica-lazy-flush", "no", ALIAS("slave-lazy-flush")),
    BOOL("replica-ignore-maxmemory", "yes", ALIAS("slave-ignore-maxmemory")),
    BOOL("replica-announced", "yes"),
    BOOL("replica-ignore-disk-write-errors", "no"),
    BOOL("repl-diskless-sync", "yes"),
    BOOL("repl-disable-tcp-nodelay", "no"),
    NUMBER("repl-diskless-sync-delay", "5", 0, INT32_MAX),
    NUMBER("repl-diskless-sync-max-replicas", "0", 0, INT32_MAX),
    CHOICE("repl-diskless-load", "disabled", repl_diskless_load_words),
    NUMBER("repl-timeout", "60", 1, INT32_MAX),
    NUMBER("repl-ping-replica-period", "10", 1, INT32_MAX, ALIAS("repl-ping-slave-period")),
    SIZE("repl-backlog-size", "1048576", 1, INT64_MAX),
    NUMBER("repl-backlog-ttl", "3600", 0, INT64_MAX),
    NUMBER("replica-priority", "100", 0, INT32_MAX, ALIAS("slave-priority")),
    TEXT("replica-announce-ip", "", ALIAS("slave-announce-ip")),
    NUMBER("replica-announce-port", "0", 0, 65535, ALIAS("slave-announce-port")),
    NUMBER("min-replicas-to-write", "0", 0, INT32_MAX,
           REFUSED("replication is not supported yet, and writes must not seem safer than they are"),
           ALIAS("min-slaves-to-write")),
    NUMBER("min-replicas-max-lag", "10", 0, INT32_MAX, ALIAS("min-slaves-max-lag")),
    CHOICE("propagation-error-behavior", "ignore", propagation_error_behavior_words),

    /* ---- cluster ---- */
    BOOL("cluster-enabled", "no", REFUSED_FIXED("cluster mode is not supported yet")),
    TEXT("cluster-config-file", "nodes.conf", .flags = CONFIG_FIXED),
    NUMBER("cluster-node-timeout", "15000", 0, INT64_MAX),
    NUMBER("cluster-ping-interval", "1000", 0, INT64_MAX),
    NUMBER("cluster-migration-barrier", "1", 0, INT32_MAX),
    NUMBER("cluster-port", "0", 0, 65535),
    NUMBER("cluster-announce-port", "0", 0, 65535),
    NUMBER("cluster-announce-tls-port", "0", 0, 65535),
    NUMBER("cluster-announce-bus-port", "0", 0, 65535),
    NUMBER("cluster-replica-validity-factor", "10", 0, INT32_MAX, ALIAS("cluster-slave-validity-factor")),
    BOOL("cluster-replica-no-failover", "no", ALIAS("cluster-slave-no-failover")),
    BOOL("cluster-require-full-coverage", "yes"),
    BOOL("cluster-allow-replica-migration", "yes"),
    BOOL("cluster-allow-reads-when-down", "no"),
    BOOL("cluster-allow-pubsubshard-when-down", "yes"),
    TEXT("cluster-announce-ip", ""),
    TEXT("cluster-announce-hostname", ""),
    TEXT("cluster-announce-human-nodename", ""),
    CHOICE("cluster-preferred-endpoint-type", "ip", cluster_preferred_endpoint_type_words),
    SIZE("cluster-link-sendbuf-limit", "0", 0, INT64_MAX),

    /* ---- TLS ---- */
    NUMBER("tls-port", "0", 0, 65535),
    BOOL("tls-cluster", "no", REFUSED("cluster mode is not supported yet")),
    BOOL("tls-replication", "no", REFUSED("replication is not supported yet")),
    BOOL("tls-prefer-server-ciphers", "no"),
    BOOL("tls-session-caching", "yes"),
    CHOICE("tls-auth-clients", "yes", tls_auth_clients_words),
    NUMBER("tls-session-cache-size", "20480", 0, INT32_MAX),
    NUMBER("tls-session-cache-timeout", "300", 0, INT32_MAX),
    TEXT("tls-cert-file", ""),
    TEXT("tls-key-file", ""),
    TEXT("tls-key-file-pass", "", .flags = CONFIG_SECRET),
    TEXT("tls-client-cert-file", ""),
    TEXT("tls-client-key-file", ""),
    TEXT("tls-client-key-file-pass", "", .flags = CONFIG_SECRET),
    TEXT("tls-dh-params-file", ""),
    TEXT("tls-ca-cert-file", ""),
    TEXT("tls-ca-cert-dir", ""),
    WORDS("tls-protocols", ""),
    TEXT("tls-ciphers", ""),
    TEXT("tls-ciphersuites", ""),
};

const size_t config_table_count = sizeof config_table / sizeof *config_table;

const struct config_row *config_table_find(struct slice name)
{
    for (size_t i = 0; i < config_table_count; i++) {
        const struct config_row *row = &config_table[i];
        if (slice_is_word(name, row->name) || (row->alias && slice_is_word(name, row->alias))) return row;
    }
    return NULL;
}
