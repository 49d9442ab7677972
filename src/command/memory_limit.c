/* memory_limit.c: what may go by which policy, for how long, and how often that happened. */
#include "command/memory_limit.h"

#include "command/access.h"
#include "command/block.h"
#include "command/changes.h"
#include "command/server_state.h"

#define STAY_KEYS     16  /* evicted in one stay in the gate */
#define STAY_BLOCKS   256 /* reclaimed in one */
#define NS_PER_US     INT64_C(1000)
#define NS_PER_MS     INT64_C(1000000)
#define TENACITY_STEP (50 * NS_PER_US) /* of time, for each step up to ... */
#define TENACITY_EVEN 10               /* ... this one; then 15 % more for each */
#define TENACITY_MAX  100              /* no end */
#define FREQUENCY_MAX 255

struct ranking {
    struct server_state *server;
    const struct keyspace *keyspace;
    const struct settings *settings;
    int64_t now_ms;
};

/* ---- policies ---- */

static uint64_t rank_idle(const void *arg, const struct entry *entry)
{
    const struct ranking *ranking = arg;
    return (uint64_t)access_idle_s(entry_access(entry), ranking->now_ms);
}

static uint64_t rank_rare(const void *arg, const struct entry *entry)
{
    const struct ranking *ranking = arg;
    return FREQUENCY_MAX - access_frequency(ranking->settings, entry_access(entry), ranking->now_ms);
}

static uint64_t rank_short_lived(const void *arg, const struct entry *entry)
{
    (void)arg;
    return UINT64_MAX - (uint64_t)entry_expire_ms(entry);
}

static void note_evicted(void *arg, unsigned db, struct slice name)
{
    struct ranking *ranking = arg;
    watch_touch_name(&ranking->server->watches, ranking->keyspace, db, name, false);
    changes_tell_name(ranking->server, ranking->keyspace, "evicted", db, name);
    block_touch_removed(ranking->server, ranking->keyspace, db, name);
}

/* False when nothing may be evicted. */
static bool policy_of(struct ranking *ranking, struct evict_policy *policy_out)
{
    const struct settings *settings = ranking->settings;
    int policy = atomic_load_explicit(&settings->maxmemory_policy, memory_order_relaxed);
    unsigned samples = atomic_load_explicit(&settings->maxmemory_samples, memory_order_relaxed);
    *policy_out = (struct evict_policy){
        .volatile_only = policy >= POLICY_VOLATILE_LRU,
        .samples = samples,
        .arg = ranking,
        .evicted = note_evicted,
        .evicted_arg = ranking,
    };
    switch ((enum maxmemory_policy)policy) {
    case POLICY_NOEVICTION: return false;
    case POLICY_ALLKEYS_LRU:
    case POLICY_VOLATILE_LRU: policy_out->rank = rank_idle; break;
    case POLICY_ALLKEYS_LFU:
    case POLICY_VOLATILE_LFU: policy_out->rank = rank_rare; break;
    case POLICY_VOLATILE_TTL: policy_out->rank = rank_short_lived; break;
    case POLICY_ALLKEYS_RANDOM:
    case POLICY_VOLATILE_RANDOM: break;
    }
    return true;
}

/* How long one call may free; INT64_MAX: until it is done. */
static int64_t budget_ns(const struct settings *settings)
{
    int tenacity = atomic_load_explicit(&settings->maxmemory_tenacity, memory_order_relaxed);
    if (tenacity >= TENACITY_MAX) return INT64_MAX;
    if (tenacity <= TENACITY_EVEN) return tenacity * TENACITY_STEP;
    int64_t budget = TENACITY_EVEN * TENACITY_STEP;
    for (int step = TENACITY_EVEN; step < tenacity; step++)
        budget += budget * 15 / 100;
    return budget;
}

/* ---- freeing ---- */

static bool is_above(const struct server_state *server, const struct keyspace *keyspace)
{
    uint64_t limit = atomic_load_explicit(&server->settings->maxmemory_bytes, memory_order_relaxed);
    return limit > 0 && heap_used_bytes(keyspace_heap(keyspace)) > limit;
}

static enum memory_state evict_some(struct server_state *server, struct evictor *evictor,
                                    const struct evict_policy *policy)
{
    struct keyspace *keyspace = evict_keyspace(evictor);
    unsigned count = 0;
    bool found = true;
    while (found && count < STAY_KEYS && is_above(server, keyspace)) {
        found = evict_step(evictor, policy);
        if (found) count++;
    }
    atomic_fetch_add_explicit(&server->memory_limit.evicted, count, memory_order_relaxed);
    if (!found) return MEMORY_STUCK;
    return is_above(server, keyspace) ? MEMORY_ABOVE : MEMORY_BELOW;
}

/* One stay in the gate. `policy` NULL: nothing may be evicted. */
static enum memory_state free_some(struct server_state *server, unsigned slot, struct evictor *evictor,
                                   const struct evict_policy *policy)
{
    struct keyspace *keyspace = evict_keyspace(evictor);
    enum memory_state state;
    gate_enter_shared(&server->gate, slot);
    if (keyspace_reclaim_pending(keyspace) > 0 &&
        keyspace_reclaim_step(keyspace, evict_thread(evictor), STAY_BLOCKS))
        state = MEMORY_ABOVE; /* M2 */
    else if (!is_above(server, keyspace)) state = MEMORY_BELOW;
    else state = policy == NULL ? MEMORY_STUCK : evict_some(server, evictor, policy);
    gate_leave_shared(&server->gate, slot);
    return state;
}

/* ---- accounting ---- */

static void note_above(struct memory_limit *limit, int64_t now_ns)
{
    int64_t below = 0;
    atomic_compare_exchange_strong_explicit(&limit->exceeded_since_ns, &below, now_ns, memory_order_relaxed,
                                            memory_order_relaxed);
}

static void note_below(struct memory_limit *limit)
{
    if (atomic_load_explicit(&limit->exceeded_since_ns, memory_order_relaxed) == 0) return;
    int64_t since_ns = atomic_exchange_explicit(&limit->exceeded_since_ns, 0, memory_order_relaxed);
    if (since_ns == 0) return; /* another thread was faster */
    atomic_fetch_add_explicit(&limit->exceeded_ns, (uint64_t)(clock_monotonic_ns() - since_ns),
                              memory_order_relaxed);
}

/* For LATENCY. */
static void note_duration(struct server_state *server, int64_t duration_ns)
{
    int64_t threshold_ms =
        atomic_load_explicit(&server->settings->latency_threshold_ms, memory_order_relaxed);
    if (threshold_ms > 0 && duration_ns / NS_PER_MS >= threshold_ms)
        latency_add(&server->latency, "eviction-cycle", duration_ns / NS_PER_MS);
}

enum memory_state memory_limit_enforce(struct server_state *server, unsigned slot, struct evictor *evictor,
                                       int64_t now_ms)
{
    struct memory_limit *limit = &server->memory_limit;
    if (!is_above(server, evict_keyspace(evictor))) {
        note_below(limit);
        return MEMORY_BELOW;
    }
    if (server_state_paused(server, now_ms) != PAUSE_NONE) return MEMORY_HELD; /* M3 */
    struct ranking ranking = {server, evict_keyspace(evictor), server->settings, now_ms};
    struct evict_policy policy;
    bool may_evict = policy_of(&ranking, &policy);
    int64_t begun_ns = clock_monotonic_ns(), budget = budget_ns(server->settings);
    enum memory_state state;
    do {
        state = free_some(server, slot, evictor, may_evict ? &policy : NULL);
    } while (state == MEMORY_ABOVE && clock_monotonic_ns() - begun_ns < budget);
    note_duration(server, clock_monotonic_ns() - begun_ns);
    if (state == MEMORY_BELOW) note_below(limit);
    else note_above(limit, begun_ns);
    return state;
}

struct memory_limit_stats memory_limit_stats(const struct memory_limit *limit)
{
    int64_t since_ns = atomic_load_explicit(&limit->exceeded_since_ns, memory_order_relaxed);
    uint64_t current_ns = since_ns == 0 ? 0 : (uint64_t)(clock_monotonic_ns() - since_ns);
    uint64_t total_ns = atomic_load_explicit(&limit->exceeded_ns, memory_order_relaxed) + current_ns;
    return (struct memory_limit_stats){
        .evicted = atomic_load_explicit(&limit->evicted, memory_order_relaxed),
        .total_exceeded_ms = total_ns / NS_PER_MS,
        .current_exceeded_ms = current_ns / NS_PER_MS,
    };
}

void memory_limit_reset_stats(struct memory_limit *limit)
{
    atomic_store_explicit(&limit->evicted, 0, memory_order_relaxed);
    atomic_store_explicit(&limit->exceeded_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&limit->exceeded_since_ns, 0, memory_order_relaxed);
}
