/* settings.h: the settings that commands read while they run. app/config fills them; CONFIG SET changes them at run time, so
 * each is a relaxed atomic read by every worker. */
#ifndef CAIRN_COMMAND_SETTINGS_H
#define CAIRN_COMMAND_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum maxmemory_policy {
    POLICY_NOEVICTION, POLICY_ALLKEYS_LRU, POLICY_ALLKEYS_LFU, POLICY_ALLKEYS_RANDOM,
    POLICY_VOLATILE_LRU, POLICY_VOLATILE_LFU, POLICY_VOLATILE_RANDOM, POLICY_VOLATILE_TTL,
};

enum debug_access { DEBUG_NOBODY, DEBUG_ANYBODY, DEBUG_LOCAL /* connections from this machine */ };
/* How large collections stay packed (ds/collection.h); named after Redis's options. */
struct packed_settings {
    _Atomic uint64_t hash_max_entries; /* hash-max-listpack-entries … */
    _Atomic uint64_t hash_max_value;
    _Atomic uint64_t set_max_intset_entries;
    _Atomic uint64_t set_max_entries;
    _Atomic uint64_t set_max_value;
    _Atomic uint64_t zset_max_entries;
    _Atomic uint64_t zset_max_value;
    _Atomic int64_t list_max_size; /* list-max-listpack-size: items, or -1 .. -5 for 4 .. 64 KiB */
    _Atomic uint64_t stream_node_max_bytes;
    _Atomic uint64_t stream_node_max_entries;
    _Atomic uint64_t hll_sparse_max_bytes;
};

#define LATENCY_PERCENTILES_MAX 16
struct latency_percentiles { /* of INFO latencystats */
    _Atomic size_t count;
    _Atomic double at[LATENCY_PERCENTILES_MAX];
};

struct settings {
    _Atomic uint64_t maxmemory_bytes; /* 0: none */
    _Atomic int maxmemory_policy;
    _Atomic unsigned maxmemory_samples;
    _Atomic int maxmemory_tenacity; /* maxmemory-eviction-tenacity, 0 .. 100 */
    _Atomic int64_t slowlog_slower_than_us; /* negative: off */
    _Atomic uint64_t slowlog_max_len;
    _Atomic int64_t latency_threshold_ms; /* latency-monitor-threshold; 0: off */
    _Atomic int lfu_log_factor;
    _Atomic int lfu_decay_time;
    _Atomic uint64_t max_bulk_bytes; /* proto-max-bulk-len */
    _Atomic bool active_expire;      /* DEBUG SET-ACTIVE-EXPIRE */
    _Atomic bool cron_paused;        /* DEBUG PAUSE-CRON */
    _Atomic bool skip_checksum;      /* DEBUG SET-SKIP-CHECKSUM-VALIDATION */
    _Atomic bool latency_tracking;
    struct latency_percentiles latency_percentiles;
    _Atomic bool lazyfree_user_flush;
    _Atomic bool appendonly;
    _Atomic bool compress_payloads; /* rdbcompression: of DUMP and MIGRATE */
    _Atomic uint32_t notify_events;        /* classes (notify.h) */
    _Atomic uint64_t tracking_max_keys;    /* tracking-table-max-keys; 0: any */
    _Atomic bool stop_on_save_error; /* stop-writes-on-bgsave-error, and there are save points */
    _Atomic int enable_debug_command; /* enum debug_access */
    _Atomic int enable_module_command;
    struct packed_settings packed;
};

#endif
