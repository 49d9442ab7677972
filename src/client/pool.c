/* pool.c: the loops of all workers together (pool.h). */
#include "client/pool.h"

#include "client/connection.h"
#include "client/listener.h"
#include "client/memory.h"
#include "client/replies.h"
#include "client/tls_context.h"
#include "util/thread.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

enum error client_pool_open(struct server_state *server, struct worker *workers,
                            const struct client_settings *settings, struct client_pool **pool_out)
{
    struct client_pool *pool = calloc(1, sizeof *pool);
    *pool_out = NULL;
    if (!pool) return ERROR_MEMORY;
    pool->server = server;
    pool->settings = settings;
    atomic_init(&pool->next_id, 1);
    pthread_mutex_init(&pool->listeners_lock, NULL);
    pthread_mutex_init(&pool->tls_lock, NULL);
    pool->listeners_changed.run = client_listener_run;
    pool->loops = calloc(server->worker_count, sizeof *pool->loops);
    enum error error = pool->loops ? ERROR_OK : ERROR_MEMORY;
    for (; !error && pool->loop_count < server->worker_count; pool->loop_count++)
        error = client_loop_open(&pool->loops[pool->loop_count], pool, &workers[pool->loop_count]);
    if (error) client_pool_close(pool);
    else *pool_out = pool;
    return error;
}

bool client_pool_use_tls(struct client_pool *pool, const struct client_tls_options *options, char *error,
                         size_t error_cap)
{
    SSL_CTX *tls = client_tls_context_new(options, error, error_cap);
    if (!tls) return false;
    pthread_mutex_lock(&pool->tls_lock);
    SSL_CTX *old = pool->tls;
    pool->tls = tls;
    pthread_mutex_unlock(&pool->tls_lock);
    SSL_CTX_free(old); /* connections that began with it hold it */
    return true;
}

bool client_pool_listen(struct client_pool *pool, const struct client_listen *listen, char *error,
                        size_t error_cap)
{
    return client_listener_open(pool, listen, error, error_cap);
}

bool client_pool_relisten(struct client_pool *pool, const struct client_listen *listen, char *error,
                          size_t error_cap)
{
    return client_listener_replace(pool, listen, error, error_cap);
}

static void *run_loop(void *arg)
{
    client_loop_run(arg);
    return NULL;
}

static int start_thread(struct client_loop *loop)
{
    char name[16];
    snprintf(name, sizeof name, "worker %u", loop->worker->id);
    return thread_start(&loop->thread, name, run_loop, loop);
}

enum error client_pool_run(struct client_pool *pool)
{
    unsigned started = 1;
    int status = 0;
    while (status == 0 && started < pool->loop_count) {
        status = start_thread(&pool->loops[started]);
        if (status == 0) started++;
    }
    if (status == 0) client_loop_run(&pool->loops[0]);
    else client_pool_stop(pool);
    for (unsigned i = 1; i < started; i++)
        pthread_join(pool->loops[i].thread, NULL);
    return status == 0 ? ERROR_OK : ERROR_MEMORY;
}

void client_pool_stop(struct client_pool *pool)
{
    if (atomic_exchange(&pool->stopping, true)) return; /* the mails are under way */
    for (unsigned i = 0; i < pool->loop_count; i++)
        client_mailbox_post(&pool->loops[i].mailbox, &pool->loops[i].stop);
}

void client_pool_close(struct client_pool *pool)
{
    if (!pool) return;
    for (unsigned i = 0; pool->loops && i < pool->server->worker_count; i++)
        client_loop_close(&pool->loops[i]);
    client_listener_close(pool);
    pthread_mutex_destroy(&pool->listeners_lock);
    pthread_mutex_destroy(&pool->tls_lock);
    SSL_CTX_free(pool->tls);
    free(pool->loops);
    free(pool);
}

void client_pool_resume(struct client_pool *pool)
{
    for (unsigned i = 0; i < pool->loop_count; i++) {
        struct client_loop *loop = &pool->loops[i];
        if (!atomic_exchange(&loop->resume_posted, true)) client_mailbox_post(&loop->mailbox, &loop->resume);
    }
}

void client_pool_limit_memory(const struct worker *worker)
{
    struct client_loop *own = client_loop_of(worker);
    atomic_store_explicit(&own->pool->memory_stuck, false, memory_order_relaxed);
    client_memory_enforce(own);
}

void client_pool_post(struct client_pool *pool, unsigned worker_id, struct worker_mail *mail)
{
    client_mailbox_post(&pool->loops[worker_id].mailbox, mail);
}

struct session *client_pool_session(const struct worker *worker, uint64_t session_id)
{
    struct client_connection *c = client_directory_find(&client_loop_of(worker)->directory, session_id);
    return c && !c->ending && !c->to_end && !c->too_slow ? &c->session : NULL;
}

bool client_pool_session_worker(struct client_pool *pool, const struct worker *worker, uint64_t session_id,
                                unsigned *worker_id_out)
{
    struct client_loop *own = client_loop_of(worker);
    bool found = client_directory_find(&own->directory, session_id) != NULL;
    *worker_id_out = worker->id;
    if (found) return true;
    pthread_mutex_unlock(&own->lock); /* L2 */
    for (unsigned i = 0; !found && i < pool->loop_count; i++) {
        struct client_loop *loop = &pool->loops[i];
        if (loop == own) continue;
        pthread_mutex_lock(&loop->lock);
        found = client_directory_find(&loop->directory, session_id) != NULL;
        pthread_mutex_unlock(&loop->lock);
        if (found) *worker_id_out = i;
    }
    pthread_mutex_lock(&own->lock);
    return found;
}

void client_pool_push(struct session *session, const char *bytes, size_t len)
{
    client_replies_push(session->connection, bytes, len);
}

void client_pool_unblock(struct session *session)
{
    client_connection_unblock(session->connection);
}

void client_pool_alarm(struct worker *worker, int64_t at_ms)
{
    client_loop_alarm(client_loop_of(worker), at_ms);
}

void client_pool_end(struct session *session)
{
    client_connection_end_later(session->connection);
}

void client_pool_stats(const struct client_pool *pool, struct client_pool_stats *stats_out)
{
    *stats_out = (struct client_pool_stats){
        .connected = atomic_load_explicit(&pool->connected, memory_order_relaxed),
        .held = atomic_load_explicit(&pool->held, memory_order_relaxed),
        .received = atomic_load_explicit(&pool->received, memory_order_relaxed),
        .rejected = atomic_load_explicit(&pool->rejected, memory_order_relaxed),
        .memory_bytes = atomic_load_explicit(&pool->client_bytes, memory_order_relaxed),
        .evicted = atomic_load_explicit(&pool->evicted, memory_order_relaxed),
        .output_limit_disconnections =
            atomic_load_explicit(&pool->output_limit_disconnections, memory_order_relaxed),
        .query_limit_disconnections =
            atomic_load_explicit(&pool->query_limit_disconnections, memory_order_relaxed),
    };
    for (unsigned i = 0; i < pool->server->worker_count; i++) {
        const struct client_loop *loop = &pool->loops[i];
        uint64_t query = atomic_load_explicit(&loop->buffers.longest_query, memory_order_relaxed);
        uint64_t output = atomic_load_explicit(&loop->buffers.longest_output, memory_order_relaxed);
        if (query > stats_out->longest_query_bytes) stats_out->longest_query_bytes = query;
        if (output > stats_out->longest_output_bytes) stats_out->longest_output_bytes = output;
    }
}

void client_pool_reset_stats(struct client_pool *pool)
{
    atomic_store_explicit(&pool->received, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->rejected, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->evicted, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->output_limit_disconnections, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->query_limit_disconnections, 0, memory_order_relaxed);
}
