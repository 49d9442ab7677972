/* memory.c: one sum over all loops, and two walks when it is too large (memory.h).
 *
 * The walks look at every connection; each of them ends at least one, or lets go for a tick of loop 0's clock.
 */
#include "client/memory.h"

#include <string.h>

#define LIMIT_BYTES_MIN (128 * 1024) /* as in Redis: a limit below this would leave nobody who could change it */
#define SIZES           64

size_t client_memory_of(const struct client_connection *c)
{
    size_t bytes = sizeof *c + c->query.cap + c->parser.spans_cap * sizeof *c->parser.spans;
    if (c->address) bytes += strlen(c->address) + 1;
    if (c->output) bytes += c->output->memory_bytes;
    if (c->pushed) bytes += sizeof *c->pushed + c->pushed->cap;
    return bytes + session_memory(&c->session);
}

static void set_counted(struct client_connection *c, size_t bytes)
{
    if (bytes == c->counted_bytes) return;
    /* Wraps around when it is less. */
    atomic_fetch_add_explicit(&c->loop->pool->client_bytes, bytes - c->counted_bytes, memory_order_relaxed);
    c->counted_bytes = bytes;
}

void client_memory_count(struct client_connection *c)
{
    if (!c->closing && !c->killed) set_counted(c, client_memory_of(c));
}

void client_memory_forget(struct client_connection *c)
{
    set_counted(c, 0);
}

uint64_t client_memory_limit(const struct client_pool *pool)
{
    int64_t wanted = atomic_load_explicit(&pool->settings->max_memory, memory_order_relaxed);
    if (wanted == 0) return 0;
    uint64_t limit = (uint64_t)wanted;
    if (wanted < 0) {
        uint64_t all = atomic_load_explicit(&pool->server->settings->maxmemory_bytes, memory_order_relaxed);
        if (all == 0) return 0;
        limit = (uint64_t)((double)all * (double)-wanted / 100);
    }
    return limit < LIMIT_BYTES_MIN ? LIMIT_BYTES_MIN : limit;
}

bool client_memory_is_over(const struct client_pool *pool)
{
    uint64_t limit = client_memory_limit(pool);
    return limit > 0 && atomic_load_explicit(&pool->client_bytes, memory_order_relaxed) > limit &&
           !atomic_load_explicit(&pool->memory_stuck, memory_order_relaxed);
}

/* ---- choosing ---- */

struct choice {
    size_t needed;         /* bytes; of the last size, once it is known */
    size_t by_size[SIZES]; /* bytes of those that may be closed */
    unsigned least;        /* the last size that has to go, as far as needed */
    size_t freed;          /* of that size */
    uint64_t count;
};

static unsigned size_of(const struct client_connection *c)
{
    return 63 - (unsigned)__builtin_clzll(c->counted_bytes | 1);
}

static bool may_be_closed(const struct client_connection *c)
{
    return !c->session.no_evict && !c->killed && !c->ending;
}

static void weigh_one(void *arg, struct client_connection *c)
{
    struct choice *choice = arg;
    if (may_be_closed(c)) choice->by_size[size_of(c)] += c->counted_bytes;
}

static void kill_one(void *arg, struct client_connection *c)
{
    struct choice *choice = arg;
    unsigned size = size_of(c);
    bool last = size == choice->least;
    if (size < choice->least || (last && choice->freed >= choice->needed) || !may_be_closed(c)) return;
    if (last) choice->freed += c->counted_bytes;
    choice->count++;
    client_loop_log(c->loop, CLIENT_LOG_NOTICE, "Evicting client id=%llu addr=%s: clients use more than maxmemory-clients (tot-mem=%zu)",
                    (unsigned long long)c->session.id, c->address, c->counted_bytes);
    c->killed = true;
    client_memory_forget(c);
}

/* E2: what the larger ones free is not needed of the smaller ones. */
static void choose(struct choice *choice)
{
    size_t larger = 0;
    choice->least = SIZES - 1;
    while (choice->least > 0 && larger + choice->by_size[choice->least] < choice->needed)
        larger += choice->by_size[choice->least--];
    choice->needed -= larger < choice->needed ? larger : choice->needed;
}

void client_memory_enforce(struct client_loop *own)
{
    struct client_pool *pool = own->pool;
    struct choice choice = {0};
    uint64_t limit = client_memory_limit(pool);
    uint64_t used = atomic_load_explicit(&pool->client_bytes, memory_order_relaxed);
    if (limit == 0 || used <= limit) return;
    choice.needed = used - limit;
    client_loop_visit(pool, own, weigh_one, &choice);
    choose(&choice);
    client_loop_visit(pool, own, kill_one, &choice);
    atomic_fetch_add_explicit(&pool->evicted, choice.count, memory_order_relaxed);
    if (choice.count > 0) client_pool_resume(pool); /* each loop closes its own */
    else atomic_store_explicit(&pool->memory_stuck, true, memory_order_relaxed);
}
