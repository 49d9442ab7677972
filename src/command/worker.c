/* worker.c: a worker's part of the shared state. */
#include "command/worker.h"

#include "command/batch.h"
#include "command/server_state.h"
#include "util/assert.h"
#include "util/hash.h"

#include <stdlib.h>
#include <string.h>

enum error worker_open(struct worker *worker, unsigned id, struct heap_thread *thread,
                       struct keyspace *keyspace, struct server_state *server, const struct host *host)
{
    ASSERT(id < server->worker_count);
    memset(worker, 0, sizeof *worker);
    worker->id = id;
    worker->thread = thread;
    worker->keyspace = keyspace;
    worker->server = server;
    worker->host = host;
    resp_out_init(&worker->pushed);
    resp_out_init(&worker->message);
    inbox_init(&worker->inbox);
    worker->random = hash_mix(clock_ticks() + id);
    worker->stats = calloc(command_table_count(server->table), sizeof *worker->stats);
    worker->batch = batch_new();
    enum error error = evict_open(keyspace, thread, &worker->evictor);
    if (!error) error = tracking_local_open(worker);
    if (error || !worker->stats || !worker->batch) {
        worker_close(worker);
        return ERROR_MEMORY;
    }
    server->workers[id] = worker;
    return ERROR_OK;
}

uint64_t worker_random(struct worker *worker)
{
    return hash_mix(worker->random++);
}

void worker_close(struct worker *worker)
{
    if (worker->server->workers[worker->id] == worker) worker->server->workers[worker->id] = NULL;
    for (unsigned id = 0; worker->stats && id < command_table_count(worker->server->table); id++)
        free(atomic_load_explicit(&worker->stats[id].histogram, memory_order_relaxed));
    free(worker->stats);
    batch_free(worker->batch);
    block_timer_free(&worker->waits);
    packed_out_free(&worker->scratch);
    stream_scratch_free(&worker->stream_scratch);
    hash_draft_free(&worker->hash_draft);
    resp_out_free(&worker->pushed);
    resp_out_free(&worker->message);
    inbox_close(&worker->inbox, worker->id);
    pubsub_close(&worker->pubsub);
    tracking_local_close(&worker->tracking);
    monitor_close(&worker->monitors);
    changes_close(&worker->changes);
    evict_close(worker->evictor);
    worker->stats = NULL;
    worker->batch = NULL;
    worker->evictor = NULL;
}
