/* shadow.c: the shadow heap of the checking build. See shadow.h.
 *
 * Terms: a *granule* is the unit of write protection; it is *seen* once the shadow holds its bytes, *dirty*
 * while it is writable. The *gate* is held shared by whoever may change heap and shadow, and exclusively to
 * compare them.
 *
 * Invariants:
 * S1. A granule that is not dirty is write protected: the first store into it faults, and the fault handler
 *     makes it seen (the bytes are still the old ones), then dirty.
 * S2. While the gate is held exclusively, every dirty granule equals its shadow, the lanes' area aside.
 * S3. What a record says is true of the heap when the record is appended: a page that its private mapping has not copied yet shows
 *     the image, which soon has the record (X6).
 * S4. Nobody waits for the gate exclusively while holding a lock that an open transaction may want: commits
 *     only try.
 */
#include "journal/shadow.h"

#ifdef CAIRN_TXCHECK

#include "journal/lane.h"
#include "journal/redo.h"
#include "journal/redo_code.h"
#include "util/assert.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GRANULE_BYTES    UINT64_C(16384)
#define COMPARE_INTERVAL 64 /* transactions */
#define SHADOWS_MAX      16 /* heaps open at once in a checking process */
#define REPORT_BYTES     64

enum granule_flags { GRANULE_SEEN = 1, GRANULE_DIRTY = 2 };

struct shadow {
    struct journal *journal;
    char *image;
    uint8_t *granules; /* flags of each */
    uint32_t *dirty;   /* list of dirty granules */
    uint32_t dirty_count;
    uint64_t granule_count;
    atomic_flag marking; /* guards flags, list and protection; taken in the fault handler */
    pthread_rwlock_t gate;
    atomic_uint transactions;
};

static struct shadow *_Atomic shadows[SHADOWS_MAX]; /* for the fault handler */
static struct sigaction previous_action;

static void lock_marking(struct shadow *shadow)
{
    while (atomic_flag_test_and_set_explicit(&shadow->marking, memory_order_acquire)) {
    }
}

static void unlock_marking(struct shadow *shadow)
{
    atomic_flag_clear_explicit(&shadow->marking, memory_order_release);
}

static uint64_t heap_bytes(const struct shadow *shadow)
{
    return __atomic_load_n(&shadow->journal->map->size_bytes, __ATOMIC_ACQUIRE);
}

static void protect(const struct shadow *shadow, uint64_t granule, int protection)
{
    char *start = shadow->journal->map->base + granule * GRANULE_BYTES;
    if (mprotect(start, GRANULE_BYTES, protection) == 0) return;
    static const char text[] = "txcheck: cannot change the protection of the heap (vm.max_map_count?)\n";
    fwrite(text, 1, sizeof text - 1, stderr);
    abort();
}

/* ---- write faults ---- */

static void mark_dirty(struct shadow *shadow, uint64_t granule)
{
    lock_marking(shadow);
    uint8_t *flags = &shadow->granules[granule];
    if ((*flags & GRANULE_DIRTY) == 0) { /* else another thread was here first */
        uint64_t off = granule * GRANULE_BYTES;
        uint64_t left = heap_bytes(shadow) - off;
        if ((*flags & GRANULE_SEEN) == 0)
            memcpy(shadow->image + off, shadow->journal->map->base + off,
                   left < GRANULE_BYTES ? left : GRANULE_BYTES);
        *flags = GRANULE_SEEN | GRANULE_DIRTY;
        shadow->dirty[shadow->dirty_count++] = (uint32_t)granule;
        protect(shadow, granule, PROT_READ | PROT_WRITE);
    }
    unlock_marking(shadow);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    if ((previous_action.sa_flags & SA_SIGINFO) != 0) previous_action.sa_sigaction(signal, info, context);
    else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN)
        sigaction(SIGSEGV, &previous_action, NULL); /* the instruction runs again, and ends the process */
    else previous_action.sa_handler(signal);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    for (unsigned i = 0; i < SHADOWS_MAX; i++) {
        struct shadow *shadow = shadows[i];
        if (shadow == NULL || !pmem_map_holds(shadow->journal->map, info->si_addr)) continue;
        mark_dirty(shadow, journal_offset(shadow->journal, info->si_addr) / GRANULE_BYTES);
        return;
    }
    pass_on(signal, info, context);
}

/* Others (a crash log, a test runner) may take the signal at any time: looks again whenever it matters. */
static void keep_handler(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct sigaction current;
    pthread_mutex_lock(&mutex);
    ASSERT(sigaction(SIGSEGV, NULL, &current) == 0);
    if ((current.sa_flags & SA_SIGINFO) == 0 || current.sa_sigaction != on_fault) {
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
        sigemptyset(&action.sa_mask);
        previous_action = current;
        ASSERT(sigaction(SIGSEGV, &action, NULL) == 0);
    }
    pthread_mutex_unlock(&mutex);
}

/* ---- start and stop ---- */

static void *reserve(uint64_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool register_shadow(struct shadow *shadow)
{
    for (unsigned i = 0; i < SHADOWS_MAX; i++) {
        struct shadow *none = NULL;
        if (atomic_compare_exchange_strong(&shadows[i], &none, shadow)) return true;
    }
    return false;
}

static void release(struct shadow *shadow)
{
    uint64_t count = shadow->granule_count;
    if (shadow->image != NULL) munmap(shadow->image, count * GRANULE_BYTES);
    if (shadow->granules != NULL) munmap(shadow->granules, count);
    if (shadow->dirty != NULL) munmap(shadow->dirty, count * sizeof *shadow->dirty);
    free(shadow);
}

enum error shadow_start(struct journal *journal)
{
    const struct pmem_map *map = journal->map;
    struct shadow *shadow = calloc(1, sizeof *shadow);
    if (shadow == NULL) return ERROR_MEMORY;
    shadow->journal = journal;
    shadow->granule_count = (map->reserved_bytes + GRANULE_BYTES - 1) / GRANULE_BYTES;
    shadow->image = reserve(shadow->granule_count * GRANULE_BYTES);
    shadow->granules = reserve(shadow->granule_count);
    shadow->dirty = reserve(shadow->granule_count * sizeof *shadow->dirty);
    pthread_rwlock_init(&shadow->gate, NULL);
    keep_handler();
    if (shadow->image == NULL || shadow->granules == NULL || shadow->dirty == NULL ||
        mprotect(map->base, map->reserved_bytes, PROT_READ) != 0 || !register_shadow(shadow)) {
        release(shadow);
        return ERROR_MEMORY;
    }
    journal->shadow = shadow;
    return ERROR_OK;
}

void shadow_stop(struct journal *journal)
{
    struct shadow *shadow = journal->shadow;
    if (shadow == NULL) return;
    shadow_compare(journal);
    ASSERT(mprotect(journal->map->base, journal->map->reserved_bytes, PROT_READ | PROT_WRITE) == 0);
    for (unsigned i = 0; i < SHADOWS_MAX; i++)
        if (shadows[i] == shadow) shadows[i] = NULL;
    pthread_rwlock_destroy(&shadow->gate);
    release(shadow);
    journal->shadow = NULL;
}

/* ---- comparing ---- */

__attribute__((noreturn)) static void report(const struct shadow *shadow, const char *what, uint64_t off)
{
    const struct journal *journal = shadow->journal;
    char name[256] = "";
    journal->ops.describe(journal->heap, off, name, sizeof name);
    fprintf(stderr, "txcheck: %s, at offset %llu (%s)\n", what, (unsigned long long)off, name);
    uint64_t left = heap_bytes(shadow) - off;
    const char *images[] = {shadow->image, journal->map->base};
    for (unsigned i = 0; i < 2; i++) {
        fprintf(stderr, "  %s:", i == 0 ? "declared" : "found   ");
        for (uint64_t at = off; at < off + (left < REPORT_BYTES ? left : REPORT_BYTES); at++)
            fprintf(stderr, " %02x", (unsigned char)images[i][at]);
        fprintf(stderr, "\n");
    }
    abort();
}

static void compare_range(const struct shadow *shadow, const char *what, uint64_t from, uint64_t to)
{
    const char *heap = shadow->journal->map->base;
    if (from >= to || memcmp(heap + from, shadow->image + from, to - from) == 0) return;
    while (heap[from] == shadow->image[from])
        from++;
    report(shadow, what, from);
}

/* The gate is held exclusively. */
static void compare_dirty(struct shadow *shadow)
{
    static const char what[] = "a byte changed outside of any transaction";
    uint64_t lanes = journal_offset(shadow->journal, shadow->journal->lanes);
    uint64_t lanes_end = lanes + (uint64_t)JOURNAL_LANES * JOURNAL_LANE_BYTES;
    lock_marking(shadow);
    for (uint32_t i = 0; i < shadow->dirty_count; i++) {
        uint64_t granule = shadow->dirty[i];
        uint64_t from = granule * GRANULE_BYTES;
        uint64_t to = from + GRANULE_BYTES < heap_bytes(shadow) ? from + GRANULE_BYTES : heap_bytes(shadow);
        protect(shadow, granule, PROT_READ);
        shadow->granules[granule] = GRANULE_SEEN;
        compare_range(shadow, what, from, to < lanes ? to : lanes); /* S2 */
        compare_range(shadow, what, from > lanes_end ? from : lanes_end, to);
    }
    shadow->dirty_count = 0;
    unlock_marking(shadow);
}

void shadow_compare(struct journal *journal)
{
    struct shadow *shadow = journal->shadow;
    if (shadow == NULL) return;
    keep_handler();
    ASSERT(pthread_rwlock_wrlock(&shadow->gate) == 0);
    compare_dirty(shadow);
    pthread_rwlock_unlock(&shadow->gate);
}

void shadow_remapped(struct journal *journal)
{
    struct shadow *shadow = journal->shadow;
    if (shadow == NULL) return;
    lock_marking(shadow);
    ASSERT(shadow->dirty_count == 0); /* compared before the mapping went */
    ASSERT(madvise(shadow->granules, shadow->granule_count, MADV_DONTNEED) == 0); /* none is seen */
    ASSERT(mprotect(journal->map->base, journal->map->reserved_bytes, PROT_READ) == 0);
    unlock_marking(shadow);
}

/* ---- what transactions tell ---- */

void shadow_enter(struct tx *tx)
{
    if (tx->holds_gate) return;
    keep_handler();
    ASSERT(pthread_rwlock_rdlock(&tx->journal->shadow->gate) == 0);
    tx->holds_gate = true;
}

void shadow_leave(struct tx *tx)
{
    struct shadow *shadow = tx->journal->shadow;
    if (!tx->holds_gate) return;
    tx->holds_gate = false;
    pthread_rwlock_unlock(&shadow->gate);
    if ((atomic_fetch_add(&shadow->transactions, 1) + 1) % COMPARE_INTERVAL != 0) return;
    if (pthread_rwlock_trywrlock(&shadow->gate) != 0) return; /* S4 */
    compare_dirty(shadow);
    pthread_rwlock_unlock(&shadow->gate);
}

/* S3. The shadow has the record; other bits of its words are other transactions'. */
static void compare_record(const struct shadow *shadow, const struct redo_record *record)
{
    static const char what[] = "a transaction was to be appended before all of it was stored";
    struct redo_reader reader;
    struct redo_operation op;
    int64_t used_delta;
    ASSERT(redo_code_open(&reader, record->bytes, record->len, &used_delta));
    while (redo_code_next(&reader, &op) == REDO_READ_OPERATION) {
        if (op.kind == REDO_RANGE) compare_range(shadow, what, op.off, op.off + op.len);
        if (op.kind != REDO_SETBIT && op.kind != REDO_CLEARBIT) continue;
        uint64_t live =
            __atomic_load_n((uint64_t *)(void *)(shadow->journal->map->base + op.off), __ATOMIC_RELAXED);
        uint64_t told = __atomic_load_n((uint64_t *)(void *)(shadow->image + op.off), __ATOMIC_RELAXED);
        if (((live ^ told) >> op.bit & 1) != 0) report(shadow, what, op.off);
    }
}

void shadow_commit(struct tx *tx, const struct redo_record *appended)
{
    struct shadow *shadow = tx->journal->shadow;
    struct redo_record built = {0};
    const struct redo_record *record = appended != NULL ? appended : &built;
    if (appended == NULL) ASSERT(redo_build(tx, &built) == ERROR_OK);
    ASSERT(redo_apply(shadow->image, heap_bytes(shadow), record) == ERROR_OK);
    if (appended != NULL) compare_record(shadow, record);
    redo_free(&built);
}

void shadow_resync(struct journal *journal, uint64_t off, uint64_t len)
{
    memcpy(journal->shadow->image + off, journal->map->base + off, len);
}

void shadow_scratch(struct tx *tx, void *dst, const void *src, size_t len)
{
    struct shadow *shadow = tx->journal->shadow;
    bool was_inside = tx->holds_gate;
    shadow_enter(tx);
    memcpy(dst, src, len); /* first: the fault of a granule not seen copies its old bytes */
    memcpy(shadow->image + journal_offset(tx->journal, dst), src, len);
    if (!was_inside) shadow_leave(tx);
}

#endif
