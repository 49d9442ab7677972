/* keyspace.c: what the keyspace alone costs per key, without a server around it; for comparing cairn with
 * itself.
 *
 *     bench_keyspace KEYS FILE
 *
 * 16-byte keys in random order, 64-byte values, batches of 16 whose cache misses overlap as in a pipeline.
 */
#include "db/keyspace.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH       16
#define VALUE_BYTES 64
#define KEY_BYTES   (4 + TARGET_KEY_DIGITS)

struct bench {
    struct heap *heap;
    struct heap_thread *thread;
    struct tx *tx;
    struct keyspace *keyspace;
    uint64_t keys;
    uint64_t missing;
};

static void check(enum error error)
{
    if (error != ERROR_OK) target_fail("%s", error_text(error));
}

static void open_keyspace(struct bench *bench, const char *path)
{
    struct heap_report report;
    if (heap_open(&(struct heap_options){.path = path, .mode = HEAP_MODE_SHARED}, &bench->heap, &report) !=
        ERROR_OK)
        target_fail("%s", report.detail);
    check(heap_thread_open(bench->heap, &bench->thread));
    bench->tx = heap_thread_tx(bench->thread);
    check(keyspace_open(bench->heap, bench->thread, 1, &bench->keyspace));
}

static void close_keyspace(struct bench *bench)
{
    keyspace_close(bench->keyspace);
    heap_thread_close(bench->thread);
    check(heap_close(bench->heap));
}

static void put(struct bench *bench, const struct key *key)
{
    char value[VALUE_BYTES];
    target_value(value, key->hash % 1000, 0, sizeof(value));
    tx_begin(bench->tx);
    keyspace_lock(bench->keyspace, key->stripe);
    check(keyspace_put_string(bench->tx, bench->keyspace, 0, key, (struct slice){value, sizeof(value)},
                              EXPIRY_NONE));
    tx_commit(bench->tx);
    keyspace_unlock(bench->keyspace, key->stripe);
}

static void get(struct bench *bench, const struct key *key)
{
    keyspace_lock(bench->keyspace, key->stripe);
    const struct entry *entry = keyspace_find(bench->keyspace, 0, key);
    char text[ENTRY_INT_TEXT_MAX];
    if (!entry || entry_string(bench->heap, entry, text).len != VALUE_BYTES) bench->missing++;
    keyspace_unlock(bench->keyspace, key->stripe);
}

/* The i-th key of a walk that meets every key once. */
static uint64_t permuted(const struct bench *bench, uint64_t i)
{
    return i * UINT64_C(0x9e3779b1) % bench->keys;
}

/* Runs `operation` on every key; nanoseconds for each. */
static double run(struct bench *bench, void (*operation)(struct bench *, const struct key *))
{
    uint64_t start_ns = target_now_ns();
    for (uint64_t first = 0; first < bench->keys; first += BATCH) {
        char names[BATCH][KEY_BYTES];
        struct key keys[BATCH];
        unsigned count = 0;
        while (count < BATCH && first + count < bench->keys) {
            char *name = names[count];
            memcpy(name, "key:", 4);
            target_put_digits(name + 4, permuted(bench, first + count));
            keys[count++] = keyspace_key(bench->keyspace, (struct slice){name, KEY_BYTES});
        }
        for (unsigned i = 0; i < count; i++)
            keyspace_prefetch_directory(bench->keyspace, 0, &keys[i]);
        for (unsigned i = 0; i < count; i++)
            keyspace_prefetch_bucket(bench->keyspace, 0, &keys[i]);
        for (unsigned i = 0; i < count; i++)
            keyspace_prefetch_entry(bench->keyspace, 0, &keys[i]);
        for (unsigned i = 0; i < count; i++)
            operation(bench, &keys[i]);
    }
    return (double)(target_now_ns() - start_ns) / (double)bench->keys;
}

int main(int argc, char **argv)
{
    if (argc != 3) target_fail("usage: bench_keyspace KEYS FILE");
    struct bench bench = {.keys = strtoull(argv[1], NULL, 10)};
    if (bench.keys == 0) target_fail("no keys");
    open_keyspace(&bench, argv[2]);
    double insert_ns = run(&bench, put);
    double overwrite_ns = run(&bench, put);
    double get_ns = run(&bench, get);
    if (bench.missing) target_fail("%llu keys are missing", (unsigned long long)bench.missing);
    double bytes = (double)heap_used_bytes(bench.heap) / (double)bench.keys;
    close_keyspace(&bench);
    unlink(argv[2]);
    printf("insert_ns=%.1f overwrite_ns=%.1f get_ns=%.1f bytes_per_key=%.1f\n", insert_ns, overwrite_ns,
           get_ns, bytes);
    return 0;
}
