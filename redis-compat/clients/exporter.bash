#!/usr/bin/env bash
# prometheus-redis-exporter: what it tells Prometheus of the server.
set -uo pipefail
. "$(dirname "$0")/lib.bash"
port=$((CAIRN_PORT + 1000))
metrics=$CAIRN_FOLDER/metrics

cli MSET a 1 b 2 c 3 >/dev/null
cli SET short v EX 1000 >/dev/null
cli RPUSH queue 1 2 3 4 >/dev/null
cli XADD stream 1-1 f v >/dev/null
cli XGROUP CREATE stream group 0 >/dev/null
cli -n 3 SET elsewhere v >/dev/null
cli GET nosuch >/dev/null
cli NOSUCH >/dev/null 2>&1
cli CONFIG SET slowlog-log-slower-than 0 maxmemory 1gb latency-monitor-threshold 100 >/dev/null
prometheus-redis-exporter -redis.addr "redis://127.0.0.1:$CAIRN_PORT" -web.listen-address "127.0.0.1:$port" -check-keys 'db0=*' \
    -check-single-streams db0=stream -include-system-metrics -export-client-list -is-tile38=false >"$CAIRN_FOLDER/exporter.log" 2>&1 &
exporter=$!
for _ in $(seq 600); do
    curl -sf "http://127.0.0.1:$port/metrics" >"$metrics" && break
    kill -0 $exporter 2>/dev/null || break
    sleep 0.1
done

# metric NAME PATTERN: a line of the metrics.
metric() { has "$1" "$2" grep -E "${2%%[^a-z_^]*}" "$metrics"; }

metric up '^redis_up 1$'
metric 'no scrape error' '^redis_exporter_last_scrape_error\{err=""\} 0$'
metric version '^redis_instance_info\{.*redis_mode="standalone".*redis_version="7\.'
metric uptime '^redis_uptime_in_seconds [0-9]'
metric clients '^redis_connected_clients [1-9]'
metric 'blocked clients' '^redis_blocked_clients 0$'
metric 'memory used' '^redis_memory_used_bytes [1-9]'
metric 'resident memory' '^redis_memory_used_rss_bytes [1-9]'
metric 'memory limit' '^redis_memory_max_bytes 1\.073741824e\+09$'
metric fragmentation '^redis_mem_fragmentation_ratio [0-9]'
metric keys '^redis_db_keys\{db="db0"\} 6$'
metric 'keys of another database' '^redis_db_keys\{db="db3"\} 1$'
metric 'keys that expire' '^redis_db_keys_expiring\{db="db0"\} 1$'
metric 'average TTL' '^redis_db_avg_ttl_seconds\{db="db0"\} [0-9]'
metric hits '^redis_keyspace_hits_total [0-9]'
metric misses '^redis_keyspace_misses_total [1-9]'
metric evicted '^redis_evicted_keys_total 0$'
metric expired '^redis_expired_keys_total 0$'
metric commands '^redis_commands_processed_total [1-9]'
metric 'commands by name' '^redis_commands_total\{cmd="mset"\} 1$'
metric 'their time' '^redis_commands_duration_seconds_total\{cmd="mset"\} [0-9]'
metric connections '^redis_connections_received_total [1-9]'
metric 'bytes in' '^redis_net_input_bytes_total [1-9]'
metric 'bytes out' '^redis_net_output_bytes_total [1-9]'
metric CPU '^redis_cpu_user_seconds_total [0-9]'
metric 'slow log' '^redis_slowlog_length [1-9]'
metric 'last save' '^redis_rdb_last_save_timestamp_seconds [1-9]'
metric 'changes since' '^redis_rdb_changes_since_last_save [0-9]'
metric 'append only' '^redis_aof_enabled [01]$'
metric role '^redis_connected_slaves 0$'
metric 'replication offset' '^redis_master_repl_offset [0-9]'
metric 'a key: type string' '^redis_key_value\{db="db0",key="b"\} 2$'
metric 'a key: length' '^redis_key_size\{db="db0",key="queue"\} 4$'
metric 'a stream' '^redis_stream_length\{db="db0",stream="stream"\} 1$'
metric 'its group' '^redis_stream_group_messages_pending\{db="db0",group="group",stream="stream"\} 0$'
metric 'client list' '^redis_connected_client(_created_at_timestamp|s_details)'
metric 'config: maxclients' '^redis_config_maxclients [1-9]'
metric 'config: maxmemory' '^redis_config_maxmemory 1\.073741824e\+09$'
kill $exporter
wait $exporter 2>/dev/null
exit 0
