/* pairs.c: pairs of allocation and free per second, the block published, beside other allocators.
 *
 *     bench_pairs malloc|cairn|cairn-dax|pmemobj THREADS PAIRS FILE
 *
 * Every allocator gets the same sequence of slots and sizes: 16 bytes to 32 KiB, each power of two as likely
 * as any other. All slots are filled before the clock starts.
 */
#include "pairs.h"

#include "target.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX     16
#define SIZE_LOG2_MIN   4
#define SIZE_LOG2_STEPS 11 /* 16 B .. 32 KiB */

struct runner {
    const struct pairs_allocator *allocator;
    pthread_barrier_t *filled;
    unsigned index;
    uint64_t pairs;
    uint64_t start_ns, end_ns;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13; /* xorshift64 */
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t random_size(uint64_t random)
{
    size_t power = (size_t)1 << (SIZE_LOG2_MIN + random % SIZE_LOG2_STEPS);
    return power + ((random >> 32) & (power - 1));
}

static void *runner_main(void *arg)
{
    struct runner *runner = arg;
    const struct pairs_allocator *allocator = runner->allocator;
    void *thread = allocator->thread_open(runner->index);
    uint64_t state = 88172645463325252u + runner->index;
    for (unsigned slot = 0; slot < PAIRS_SLOTS; slot++)
        allocator->pair(thread, slot, random_size(next_random(&state)));
    pthread_barrier_wait(runner->filled);
    runner->start_ns = target_now_ns();
    for (uint64_t i = 0; i < runner->pairs; i++) {
        uint64_t random = next_random(&state);
        allocator->pair(thread, (unsigned)(random >> 20) % PAIRS_SLOTS, random_size(random));
    }
    runner->end_ns = target_now_ns();
    allocator->thread_close(thread);
    return NULL;
}

static const struct pairs_allocator *find_allocator(const char *name)
{
    static const struct pairs_allocator *const all[] = {
        &pairs_malloc,
        &pairs_cairn_shared,
        &pairs_cairn_dax,
#ifdef BENCH_PMEMOBJ
        &pairs_pmemobj,
#endif
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    target_fail("allocator %s is not in this build", name);
}

int main(int argc, char **argv)
{
    if (argc != 5) target_fail("usage: bench_pairs ALLOCATOR THREADS PAIRS FILE");
    const struct pairs_allocator *allocator = find_allocator(argv[1]);
    unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
    uint64_t pairs = strtoull(argv[3], NULL, 10);
    if (threads == 0 || threads > THREADS_MAX || pairs == 0) target_fail("an argument is out of range");

    struct runner runners[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    pthread_barrier_t filled;
    pthread_barrier_init(&filled, NULL, threads);
    allocator->open(argv[4]);
    for (unsigned i = 0; i < threads; i++) {
        runners[i] = (struct runner){.allocator = allocator, .filled = &filled, .index = i, .pairs = pairs};
        if (pthread_create(&ids[i], NULL, runner_main, &runners[i]) != 0) target_fail("no thread");
    }
    uint64_t first_ns = UINT64_MAX, last_ns = 0;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        if (runners[i].start_ns < first_ns) first_ns = runners[i].start_ns;
        if (runners[i].end_ns > last_ns) last_ns = runners[i].end_ns;
    }
    allocator->close();
    unlink(argv[4]);
    printf("pairs_per_s=%.0f\n", (double)pairs * threads * 1e9 / (double)(last_ns - first_ns));
    return 0;
}
