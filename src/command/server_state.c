/* server_state.c: opening and closing what workers share. */
#include "command/server_state.h"

#include "command/index.h"
#include "util/hash.h"

#include <stdlib.h>
#include <string.h>

enum error server_state_open(struct server_state *server, struct settings *settings, unsigned worker_count,
                             unsigned background_threads)
{
    memset(server, 0, sizeof *server);
    server->settings = settings;
    server->worker_count = worker_count;
    server_state_notify(server, atomic_load(&settings->notify_events));
    server->clock = clock_calibrate();
    server->seed = hash_mix(clock_ticks() ^ (uint64_t)clock_wall_us());
    slowlog_init(&server->slowlog);
    latency_init(&server->latency);
    link_cache_open(&server->links);
    pthread_mutex_init(&server->errors.lock, NULL);
    server->workers = calloc(worker_count, sizeof(struct worker *));
    server->table = command_table_open(command_index);
    enum error error = server->workers && server->table ? ERROR_OK : ERROR_MEMORY;
    if (!error) error = acl_open(&server->acl, server->table);
    if (!error) error = gate_open(&server->gate, worker_count + background_threads);
    if (error) server_state_close(server);
    return error;
}

void server_state_close(struct server_state *server)
{
    gate_close(&server->gate);
    acl_close(&server->acl);
    command_table_close(server->table);
    free(server->workers);
    watch_table_close(&server->watches);
    block_table_close(&server->blocks);
    link_cache_close(&server->links);
    tracking_close(&server->tracking);
    slowlog_clear(&server->slowlog);
    server->table = NULL;
    server->workers = NULL;
}

void server_state_notify(struct server_state *server, uint32_t classes)
{
    uint32_t old = atomic_load(&server->wants);
    while (!atomic_compare_exchange_weak(&server->wants, &old, (old & SERVER_WANTS_TRACKING) | classes))
        ;
}

void server_state_pause(struct server_state *server, enum pause_mode mode, int64_t now_ms, int64_t until_ms)
{
    enum pause_mode old = server_state_paused(server, now_ms);
    int64_t old_until_ms = atomic_load_explicit(&server->pause_until_ms, memory_order_relaxed);
    if (old != PAUSE_NONE && old_until_ms > until_ms) until_ms = old_until_ms;
    atomic_store_explicit(&server->pause_until_ms, until_ms, memory_order_relaxed);
    atomic_store_explicit(&server->pause_mode, (int)(old > mode ? old : mode), memory_order_relaxed);
}

void server_state_unpause(struct server_state *server)
{
    atomic_store_explicit(&server->pause_mode, PAUSE_NONE, memory_order_relaxed);
}

enum pause_mode server_state_paused(const struct server_state *server, int64_t now_ms)
{
    enum pause_mode mode = (enum pause_mode)atomic_load_explicit(&server->pause_mode, memory_order_relaxed);
    if (mode == PAUSE_NONE || atomic_load_explicit(&server->pause_until_ms, memory_order_relaxed) <= now_ms)
        return PAUSE_NONE;
    return mode;
}
