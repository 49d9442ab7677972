/* keyspace_rig.h: operations of the keyspace, stopped at each persistent store. One case is: prepare, then
 * one operation in one transaction. What all databases hold is summed up in a number before and after it;
 * after every stop the sum must be one of the two (after a return the second), heap and keyspace valid, and
 * the keyspace must go on working.
 */
#ifndef CAIRN_TESTS_CRASH_KEYSPACE_RIG_H
#define CAIRN_TESTS_CRASH_KEYSPACE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/keyspace.h"
#include "support/crash.h"
#include "support/long.h"
#include "util/assert.h"
#include "util/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIG_DATABASES 4
#define RIG_NOTES     3 /* the database where setup notes the sums */
#define RIG_BOOT      "the boot of this test"

struct rig {
    struct heap *heap;
    struct heap_thread *thread;
    struct tx *tx;
    struct keyspace *keyspace;
};

struct rig_case {
    const char *name;
    void (*prepare)(struct rig *rig);
    void (*operate)(struct rig *rig); /* in an open transaction, unless own_transactions */
    bool own_transactions;            /* operate opens its own; they don't change what the databases hold */
    bool full;                        /* the heap may not grow after prepare */
    unsigned stride; /* with many stores: every how many are tried; 0, and in long runs: each */
};

static inline void must(enum error error)
{
    if (error != ERROR_OK) fprintf(stderr, "unexpected: %s\n", error_text(error));
    ASSERT(error == ERROR_OK);
}

static inline struct key rig_key(struct rig *rig, const char *name)
{
    return keyspace_key(rig->keyspace, slice_of(name));
}

static inline void rig_put(struct rig *rig, const char *name, struct slice value, int64_t expire_at_ms)
{
    struct key key = rig_key(rig, name);
    must(keyspace_put_string(rig->tx, rig->keyspace, 0, &key, value, expire_at_ms));
}

static inline void rig_remove(struct rig *rig, const char *name)
{
    struct key key = rig_key(rig, name);
    bool removed;
    must(keyspace_remove(rig->tx, rig->keyspace, 0, &key, &removed));
    ASSERT(removed);
}

static inline void rig_expire(struct rig *rig, const char *name, int64_t expire_at_ms)
{
    struct key key = rig_key(rig, name);
    must(keyspace_set_expiry(rig->tx, rig->keyspace, 0, &key, expire_at_ms));
}

static inline void rig_edit(struct rig *rig, const char *name, size_t off, struct slice text)
{
    struct key key = rig_key(rig, name);
    char *bytes;
    must(keyspace_edit_string(rig->tx, rig->keyspace, 0, &key, off, text.len, off + text.len, &bytes));
    tx_write(rig->tx, bytes + off, text.ptr, text.len);
}

struct rig_sum {
    struct rig *rig;
    uint64_t sum;
    uint64_t db;
    uint64_t entries;
};

struct rig_elements {
    uint64_t sum;
    bool is_sequence;
};

static bool rig_element(void *ctx, const struct slice *parts, size_t count)
{
    struct rig_elements *elements = ctx;
    uint64_t hash = elements->is_sequence ? elements->sum : 4;
    for (size_t i = 0; i < count; i++)
        hash = hash_bytes(parts[i], hash);
    elements->sum = elements->is_sequence ? hash : elements->sum + hash;
    return true;
}

/* Equal for equal values, however they are kept. */
static inline uint64_t rig_value(struct rig *rig, const struct entry *entry)
{
    const struct collection_ops *ops = entry_collection(entry);
    char text[ENTRY_INT_TEXT_MAX];
    if (ops == NULL) return hash_bytes(entry_string(rig->heap, entry, text), 2);
    struct rig_elements elements = {(uint64_t)entry_type(entry), ops->is_sequence};
    entry_visit(rig->heap, entry, rig_element, &elements);
    return elements.sum;
}

/* Elements count in any order, but their parts in theirs. */
static bool rig_add_element(void *ctx, const struct slice *parts, size_t count)
{
    uint64_t *sum = ctx, element = 0;
    for (size_t i = 0; i < count; i++)
        element = hash_bytes(parts[i], element + i);
    *sum += element;
    return true;
}

static bool rig_add(void *arg, struct entry *entry)
{
    struct rig_sum *sum = arg;
    char text[ENTRY_INT_TEXT_MAX];
    int64_t expire_at_ms = entry_expire_ms(entry), due_ms = entry_due_ms(sum->rig->heap, entry);
    uint64_t parts[5] = {hash_bytes(entry_key(entry), 1), 0, sum->db, 0, 0};
    if (entry_collection(entry) == NULL) parts[1] = hash_bytes(entry_string(sum->rig->heap, entry, text), 2);
    else entry_visit(sum->rig->heap, entry, rig_add_element, &parts[1]);
    memcpy(&parts[3], &expire_at_ms, sizeof(expire_at_ms));
    memcpy(&parts[4], &due_ms, sizeof(due_ms));
    sum->sum += hash_bytes((struct slice){(const char *)parts, sizeof(parts)}, 3);
    sum->entries++;
    return true;
}

/* Equal for equal contents, whatever the seed and the order. */
static inline int64_t rig_sum_of(struct rig *rig)
{
    struct rig_sum sum = {.rig = rig};
    for (unsigned db = 0; db < RIG_DATABASES; db++) {
        if (db == RIG_NOTES) continue;
        sum.db = db;
        sum.entries = 0;
        ASSERT(keyspace_scan(rig->keyspace, db, 0, UINT64_MAX, true, rig_add, &sum) == 0);
        ASSERT(sum.entries == keyspace_size(rig->keyspace, db));
    }
    return (int64_t)(sum.sum >> 1);
}

static inline void rig_note(struct rig *rig, const char *name, int64_t number)
{
    struct key key = rig_key(rig, name);
    tx_begin(rig->tx);
    must(keyspace_put_int(rig->tx, rig->keyspace, RIG_NOTES, &key, number, EXPIRY_NONE));
    tx_commit(rig->tx);
}

static inline int64_t rig_noted(struct rig *rig, const char *name)
{
    struct key key = rig_key(rig, name);
    int64_t number = -1;
    struct entry *entry = keyspace_find(rig->keyspace, RIG_NOTES, &key);
    ASSERT(entry != NULL && entry_int(entry, &number));
    return number;
}

static inline void rig_limit(struct rig *rig)
{
    struct heap_stats stats;
    heap_stats(rig->heap, &stats);
    heap_set_limit(rig->heap, stats.file_bytes);
}

static inline struct rig *rig_open(const struct crash_case *test, const char *path)
{
    const struct rig_case *own = test->arg;
    struct rig *rig = calloc(1, sizeof(*rig));
    struct heap_report report;
    struct heap_options options = {.path = path,
                                   .mode = test->persistent_memory ? HEAP_MODE_DAX : HEAP_MODE_SHARED,
                                   .on_unclean = HEAP_UNCLEAN_REFUSE,
                                   .reserve_bytes = UINT64_C(8) << 30,
                                   .boot_id = RIG_BOOT};
    ASSERT(rig != NULL);
    enum error error = heap_open(&options, &rig->heap, &report);
    if (error != ERROR_OK) fprintf(stderr, "heap_open: %s: %s\n", error_text(error), report.detail);
    must(error);
    must(heap_thread_open(rig->heap, &rig->thread));
    rig->tx = heap_thread_tx(rig->thread);
    must(keyspace_open(rig->heap, rig->thread, RIG_DATABASES, &rig->keyspace));
    if (own->full) rig_limit(rig);
    return rig;
}

static inline void rig_close(struct rig *rig)
{
    keyspace_close(rig->keyspace);
    heap_thread_close(rig->thread);
    must(heap_close(rig->heap));
    free(rig);
}

static inline void rig_setup(const struct crash_case *test, const char *path)
{
    const struct rig_case *own = test->arg;
    struct rig *rig = rig_open(test, path);
    rig_note(rig, "before", 0);
    rig_note(rig, "after", 0);
    own->prepare(rig);
    int64_t after = rig_sum_of(rig);
    if (!own->own_transactions) {
        tx_begin(rig->tx);
        own->operate(rig);
        after = rig_sum_of(rig);
        tx_abort(rig->tx);
    }
    rig_note(rig, "before", rig_sum_of(rig));
    rig_note(rig, "after", after);
    rig_close(rig);
}

static inline void rig_operate(const struct rig_case *own, struct rig *rig)
{
    if (!own->own_transactions) tx_begin(rig->tx);
    own->operate(rig);
    if (!own->own_transactions) tx_commit(rig->tx);
}

static inline bool rig_is_valid(struct rig *rig)
{
    char detail[256];
    struct heap_check_result result;
    if (!keyspace_is_valid(rig->keyspace, detail, sizeof(detail))) {
        fprintf(stderr, "keyspace: %s\n", detail);
        return false;
    }
    if (heap_check(rig->heap, keyspace_walk, rig->keyspace, &result) != ERROR_OK) {
        fprintf(stderr, "heap: %s\n", result.detail);
        return false;
    }
    return true;
}

static inline bool rig_verify(struct rig *rig, bool returned)
{
    if (!rig_is_valid(rig)) return false;
    int64_t sum = rig_sum_of(rig);
    bool is_before = sum == rig_noted(rig, "before"), is_after = sum == rig_noted(rig, "after");
    if (!(is_after || (is_before && !returned))) {
        fprintf(stderr, "neither whole nor absent\n");
        return false;
    }
    tx_begin(rig->tx); /* and life goes on */
    struct key key = rig_key(rig, "before");
    must(keyspace_put_int(rig->tx, rig->keyspace, RIG_NOTES, &key, 1, EXPIRY_NONE));
    tx_commit(rig->tx);
    return true;
}

/* ---- the callbacks of crash.h; the crash case itself is their argument's owner ---- */

static struct crash_case rig_current;

static void rig_setup_callback(void *arg, const char *path)
{
    (void)arg;
    rig_setup(&rig_current, path);
}

static void *rig_open_callback(void *arg, const char *path)
{
    (void)arg;
    return rig_open(&rig_current, path);
}

static void rig_operate_callback(void *arg, void *opened)
{
    rig_operate(arg, opened);
}

static bool rig_verify_callback(void *arg, void *opened, bool returned)
{
    (void)arg;
    return rig_verify(opened, returned);
}

static void rig_close_callback(void *arg, void *opened)
{
    (void)arg;
    rig_close(opened);
}

static inline struct crash_case rig_crash_case(const struct rig_case *own, bool persistent_memory)
{
    return (struct crash_case){.name = own->name,
                               .arg = (void *)(uintptr_t)own,
                               .setup = rig_setup_callback,
                               .open = rig_open_callback,
                               .operate = rig_operate_callback,
                               .verify = rig_verify_callback,
                               .close = rig_close_callback,
                               .persistent_memory = persistent_memory,
                               .image_bytes = (size_t)32 << 20,
                               .recovery_stride = persistent_memory ? 0 : 11,
                               .samples = 2,
                               .seed = 20};
}

static inline void rig_explore(const struct rig_case *own, bool persistent_memory,
                               struct crash_counts *counts)
{
    rig_current = rig_crash_case(own, persistent_memory);
    rig_current.point_stride = test_is_long() ? 1 : own->stride;
    if (!crash_explore(&rig_current, counts)) fail_msg("%s", own->name);
}

/* Explores every `case_stride`th of the cases, in long runs all of them, and says what came together. */
static inline void rig_explore_cases(const char *what, const struct rig_case *cases, size_t count,
                                     size_t case_stride, bool persistent_memory)
{
    struct crash_counts counts = {0};
    for (size_t i = 0; i < count; i += test_is_long() ? 1 : case_stride)
        rig_explore(&cases[i], persistent_memory, &counts);
    print_message("%s: %llu points, %llu states, %llu more of recovery\n", what,
                  (unsigned long long)counts.points, (unsigned long long)counts.states,
                  (unsigned long long)counts.recovery_states);
}

#endif
