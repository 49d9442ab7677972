/* loop.c: the life of an event loop and its slow clock (loop.h). */
#include "client/loop.h"

#include "client/connection.h"
#include "client/listener.h"
#include "client/memory.h"
#include "client/replies.h"
#include "command/block.h"
#include "util/assert.h"
#include "util/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS          100
#define NS_PER_MS        1000000
#define TICKS_PER_SECOND 10
#define KEEP_OUT_BYTES   (1u << 20) /* a larger reply buffer is given back */
#define LOG_LINE_BYTES   512

void client_loop_log(const struct client_loop *loop, int level, const char *format, ...)
{
    char line[LOG_LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const struct host *host = loop->worker->host;
    host->log(host->app, level, "%s", line);
}

/* ---- mail ---- */

static void close_connections(struct client_loop *loop)
{
    while (loop->first)
        client_connection_close(loop->first);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* uv_run returns when no handle is left. */
static void run_stop(struct worker_mail *mail, struct worker *worker)
{
    (void)mail;
    struct client_loop *loop = client_loop_of(worker);
    client_replies_settle(loop); /* what was executed is answered */
    client_held_settle(loop);
    close_connections(loop);
    uv_walk(&loop->uv, close_handle, NULL);
}

void client_loop_look_after(struct client_loop *loop)
{
    struct client_connection *next;
    loop->paused = false;
    for (struct client_connection *c = loop->first; c; c = next) {
        next = c->next;
        if (c->killed) client_connection_close(c);
        else if (c->paused) client_connection_resume(c);
    }
}

static void run_resume(struct worker_mail *mail, struct worker *worker)
{
    (void)mail;
    struct client_loop *loop = client_loop_of(worker);
    atomic_store(&loop->resume_posted, false); /* before looking: what comes later posts again */
    client_loop_look_after(loop);
}

/* L4 */
static void run_mails(void *arg)
{
    struct client_loop *loop = arg;
    struct worker_mail *next;
    pthread_mutex_lock(&loop->lock);
    for (struct worker_mail *mail = client_mailbox_take(&loop->mailbox); mail; mail = next) {
        next = mail->next; /* run() may free the mail */
        mail->run(mail, loop->worker);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* ---- clock ---- */

static void check_connections(struct client_loop *loop)
{
    struct client_connection *next;
    uint64_t longest_query = 0, longest_output = 0;
    for (struct client_connection *c = loop->first; c; c = next) {
        uint64_t output = c->output ? c->output->memory_bytes : 0;
        if (c->query.cap > longest_query) longest_query = c->query.cap;
        if (output > longest_output) longest_output = output;
        next = c->next;
        client_connection_check(c);
    }
    atomic_store_explicit(&loop->buffers.longest_query, longest_query, memory_order_relaxed);
    atomic_store_explicit(&loop->buffers.longest_output, longest_output, memory_order_relaxed);
}

static void on_tick(uv_timer_t *timer)
{
    struct client_loop *loop = timer->data;
    pthread_mutex_lock(&loop->lock);
    if (loop->paused) client_loop_look_after(loop);
    if (loop == loop->pool->loops) {
        atomic_store_explicit(&loop->pool->memory_stuck, false, memory_order_relaxed);
        if (loop->pool->listeners_rest && !atomic_load(&loop->pool->stopping))
            client_listener_wake(loop->pool);
    }
    if (++loop->ticks % TICKS_PER_SECOND == 0) {
        check_connections(loop);
        heap_thread_trim(loop->worker->thread);
    }
    client_replies_settle(loop); /* of resumed connections; the buffer is theirs until then */
    if (loop->out.cap > KEEP_OUT_BYTES) resp_out_free(&loop->out);
    if (loop->records.cap > KEEP_OUT_BYTES) resp_out_free(&loop->records);
    pthread_mutex_unlock(&loop->lock);
}

static void on_after_poll(uv_check_t *check)
{
    struct client_loop *loop = check->data;
    if (!loop->first_reply && !loop->first_due && !client_memory_is_over(loop->pool)) return;
    pthread_mutex_lock(&loop->lock);
    client_replies_settle(loop);
    pthread_mutex_unlock(&loop->lock);
}

static void on_alarm(uv_timer_t *timer)
{
    struct client_loop *loop = timer->data;
    pthread_mutex_lock(&loop->lock);
    block_expire(loop->worker);
    client_replies_settle(loop);
    pthread_mutex_unlock(&loop->lock);
}

void client_loop_alarm(struct client_loop *loop, int64_t at_ms)
{
    int64_t now_ms = clock_monotonic_ns() / NS_PER_MS;
    uint64_t delay_ms = at_ms > now_ms ? (uint64_t)(at_ms - now_ms) : 0;
    uv_update_time(&loop->uv); /* the delay counts from the loop's idea of now */
    uv_timer_start(&loop->alarm, on_alarm, delay_ms, 0);
}

/* ---- life ---- */

enum error client_loop_open(struct client_loop *loop, struct client_pool *pool, struct worker *worker)
{
    *loop = (struct client_loop){.pool = pool, .worker = worker};
    worker->loop = loop;
    pthread_mutex_init(&loop->lock, NULL);
    resp_out_init(&loop->out);
    resp_out_init(&loop->records);
    loop->stop.run = run_stop;
    loop->resume.run = run_resume;
    client_held_open(loop);
    loop->read_buf = malloc(CLIENT_READ_BYTES);
    if (!loop->read_buf || uv_loop_init(&loop->uv) != 0) {
        free(loop->read_buf);
        loop->read_buf = NULL;
        return ERROR_MEMORY;
    }
    loop->tick.data = loop;
    int status = uv_timer_init(&loop->uv, &loop->tick);
    if (status == 0) status = uv_timer_start(&loop->tick, on_tick, TICK_MS, TICK_MS);
    loop->alarm.data = loop;
    if (status == 0) status = uv_timer_init(&loop->uv, &loop->alarm);
    loop->after_poll.data = loop;
    if (status == 0) status = uv_check_init(&loop->uv, &loop->after_poll);
    if (status == 0) status = uv_check_start(&loop->after_poll, on_after_poll);
    ASSERT(status == 0); /* none can fail on a fresh loop */
    return client_mailbox_open(&loop->mailbox, &loop->uv, run_mails, loop);
}

void client_loop_run(struct client_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void client_loop_close(struct client_loop *loop)
{
    if (!loop->read_buf) return; /* was not opened */
    pthread_mutex_lock(&loop->lock);
    close_connections(loop);
    client_held_close(loop);
    pthread_mutex_unlock(&loop->lock);
    run_mails(loop); /* clients that arrived beside the stop; what others had for ours */
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int status = uv_loop_close(&loop->uv);
    ASSERT(status == 0);
    free(loop->read_buf);
    free(loop->cipher_buf);
    resp_out_free(&loop->records);
    resp_arena_free(&loop->arena);
    resp_out_free(&loop->out);
    client_directory_free(&loop->directory);
    pthread_mutex_destroy(&loop->lock);
}

struct client_loop *client_loop_of(const struct worker *worker)
{
    return worker->loop;
}

static void visit_all(struct client_loop *loop, client_visit *visit, void *arg)
{
    for (struct client_connection *c = loop->first; c; c = c->next)
        visit(arg, c);
}

void client_loop_visit(struct client_pool *pool, struct client_loop *own, client_visit *visit, void *arg)
{
    visit_all(own, visit, arg);
    pthread_mutex_unlock(&own->lock); /* L2 */
    for (unsigned i = 0; i < pool->loop_count; i++) {
        struct client_loop *loop = &pool->loops[i];
        if (loop == own) continue;
        pthread_mutex_lock(&loop->lock);
        visit_all(loop, visit, arg);
        pthread_mutex_unlock(&loop->lock);
    }
    pthread_mutex_lock(&own->lock);
}
