/* The redo journal with its threads, on real files: order, acknowledging, room, large records, restarts. */
#include "../../support/addresses.h"
#include "../../support/scratch.h"
#include "journal/redo_code.h"
#include "journal/wal_inspect.h"
#include "journal/wal_internal.h"
#include "util/assert.h"
#include "util/clock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGE_BYTES   (UINT64_C(4) << 20)
#define NOTE_OFF      2560
#define THREADS       4
#define SLOTS         4096 /* words of each thread in the image */
#define SEGMENT_BYTES (UINT64_C(256) << 10)
#define DEADLINE_S    60

struct bench {
    char dir[64];
    char image[96];
    char folder[96];
    struct wal_options options;
    struct wal *wal;
    struct wal_recovery recovery;
    char detail[512];
    pthread_mutex_t lock;
    pthread_cond_t advanced;
    _Atomic unsigned warnings;
};

static void on_advanced(void *arg)
{
    struct bench *bench = arg;
    pthread_mutex_lock(&bench->lock);
    pthread_cond_broadcast(&bench->advanced);
    pthread_mutex_unlock(&bench->lock);
}

static void on_log(void *arg, enum wal_level level, const char *line)
{
    struct bench *bench = arg;
    (void)line;
    if (level == WAL_WARNING) bench->warnings++;
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    strcpy(bench->dir, "/tmp/cairn-wal-XXXXXX");
    assert_non_null(scratch_make(bench->dir));
    snprintf(bench->image, sizeof bench->image, "%s/heap", bench->dir);
    snprintf(bench->folder, sizeof bench->folder, "%s/heap.journal", bench->dir);
    int fd = open(bench->image, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)IMAGE_BYTES) == 0);
    close(fd);
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->advanced, NULL);
    bench->options = (struct wal_options){.image_path = bench->image,
                                          .folder_path = bench->folder,
                                          .heap_id = "a heap of tests",
                                          .note_off = NOTE_OFF,
                                          .boot_mark = 7,
                                          .reserve_bytes = UINT64_C(1) << 30,
                                          .segment_bytes = SEGMENT_BYTES,
                                          .policy = WAL_EVERYSEC,
                                          .callbacks = {bench, on_advanced, on_log, NULL}};
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    if (bench->wal != NULL) wal_abandon(bench->wal);
    assert_int_equal(wal_remove(&bench->options), ERROR_OK);
    assert_int_equal(access(bench->folder, F_OK), -1);
    unlink(bench->image);
    rmdir(bench->dir);
    free(bench);
    return 0;
}

static void create(struct bench *bench)
{
    assert_int_equal(wal_create(&bench->options, 0, &bench->wal, bench->detail, sizeof bench->detail),
                     ERROR_OK);
    assert_int_equal(wal_base_durable(bench->wal), ERROR_OK);
}

static void reopen(struct bench *bench)
{
    bench->wal = NULL;
    enum error error =
        wal_open(&bench->options, &bench->wal, &bench->recovery, bench->detail, sizeof bench->detail);
    if (error != ERROR_OK) print_error("%s: %s\n", error_text(error), bench->detail);
    assert_int_equal(error, ERROR_OK);
}

/* A record that stores `value` in a slot of a thread, and adds 1 to the used bytes. */
static uint64_t append(struct wal *wal, unsigned thread, unsigned slot, uint64_t value, size_t words)
{
    size_t cap = 64 + words * REDO_WORD_BYTES;
    char *bytes = calloc(1, cap);
    ASSERT(bytes != NULL);
    char *at = redo_code_put(bytes, redo_code_zigzag(1));
    uint64_t off = 4096 + ((uint64_t)thread * SLOTS + slot) * REDO_WORD_BYTES;
    at = redo_code_put(at, words << 2 | REDO_RANGE);
    at = redo_code_put(at, redo_code_zigzag((int64_t)(off / REDO_WORD_BYTES)));
    for (size_t i = 0; i < words; i++, at += sizeof value)
        memcpy(at, &value, sizeof value);
    while ((at - bytes) % REDO_ALIGN != 0)
        at++;
    uint64_t lsn = wal_append(wal, bytes, (size_t)(at - bytes));
    free(bytes);
    return lsn;
}

static void wait_for(struct bench *bench, uint64_t lsn)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&bench->lock);
    while (!wal_await(bench->wal, lsn))
        ASSERT(pthread_cond_timedwait(&bench->advanced, &bench->lock, &until) == 0);
    pthread_mutex_unlock(&bench->lock);
}

static uint64_t image_word(const struct bench *bench, unsigned thread, unsigned slot)
{
    uint64_t value = 0;
    int fd = open(bench->image, O_RDONLY);
    assert_true(fd >= 0);
    off_t off = 4096 + ((off_t)thread * SLOTS + (off_t)slot) * (off_t)sizeof value;
    assert_int_equal(pread(fd, &value, sizeof value, off), sizeof value);
    close(fd);
    return value;
}

/* ---- many threads ---- */

struct worker {
    struct bench *bench;
    unsigned thread;
    unsigned count;
    unsigned await_every;
    bool asks_for_room;
    pthread_t id;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct wal *wal = worker->bench->wal;
    for (unsigned i = 1; i <= worker->count; i++) {
        while (worker->asks_for_room && !wal_has_room(wal)) {
            enum error error = wal_wait_room(wal, 1000);
            ASSERT(error == ERROR_OK || error == ERROR_IN_USE);
        }
        uint64_t lsn = append(wal, worker->thread, i % SLOTS, i, 1 + i % 30);
        if (worker->await_every != 0 && i % worker->await_every == 0) wait_for(worker->bench, lsn);
    }
    return NULL;
}

static void run_workers(struct bench *bench, unsigned count, unsigned await_every, bool asks_for_room)
{
    struct worker workers[THREADS];
    for (unsigned t = 0; t < THREADS; t++) {
        workers[t] = (struct worker){bench, t, count, await_every, asks_for_room, 0};
        assert_int_equal(pthread_create(&workers[t].id, NULL, work, &workers[t]), 0);
    }
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(workers[t].id, NULL);
}

static void assert_counts(const struct bench *bench, unsigned count)
{
    assert_int_equal(bench->recovery.used_bytes, (int64_t)count * THREADS);
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(image_word(bench, t, count % SLOTS), count);
}

static void test_clean_close_leaves_no_tail(void **state)
{
    struct bench *bench = *state;
    bench->options.policy = WAL_ALWAYS;
    create(bench);
    run_workers(bench, 1000, 50, false);
    assert_int_equal(wal_close(bench->wal), ERROR_OK);
    reopen(bench);
    assert_int_equal(bench->recovery.records, 0);
    assert_counts(bench, 1000);
}

static void test_segments_of_the_usual_size(void **state)
{
    struct bench *bench = *state;
    bench->options.segment_bytes = 0;
    create(bench);
    assert_true(wal_has_room(bench->wal));
    wait_for(bench, append(bench->wal, 0, 0, 1, 1));
    assert_true(wal_has_room(bench->wal));
    assert_int_equal(wal_close(bench->wal), ERROR_OK);
    reopen(bench);
    assert_int_equal(bench->recovery.used_bytes, 1);
    assert_true(wal_has_room(bench->wal));
}

static void test_process_death_loses_nothing(void **state)
{
    struct bench *bench = *state;
    bench->options.policy = WAL_NO;
    create(bench);
    run_workers(bench, 3000, 0, true);
    wal_abandon(bench->wal);
    reopen(bench);
    assert_true(bench->recovery.this_boot);
    assert_counts(bench, 3000);
    /* And again, with what came after it. */
    uint64_t lsn = append(bench->wal, 0, 1, 77, 1);
    assert_true(lsn > bench->recovery.lsn);
    wal_abandon(bench->wal);
    reopen(bench);
    assert_int_equal(bench->recovery.used_bytes, 3000 * THREADS + 1);
    assert_int_equal(image_word(bench, 0, 1), 77);
}

static void test_tail_stays_below_its_limit(void **state)
{
    struct bench *bench = *state;
    bench->options.tail_limit_bytes = 4 * SEGMENT_BYTES;
    create(bench);
    run_workers(bench, 8000, 0, true); /* some ten times the limit */
    struct wal_stats stats;
    wal_stats(bench->wal, &stats);
    assert_int_equal(stats.records, 8000 * THREADS);
    assert_true(stats.checkpoints > 0);
    assert_true(stats.reserved_lsn - stats.noted_lsn <= bench->options.tail_limit_bytes + SEGMENT_BYTES);
    /* Files are used again: as many as the limit asks for, and some ahead. */
    assert_true(stats.segment_files_bytes <= 10 * (SEGMENT_BYTES + WAL_HEAD_BYTES));
    wal_abandon(bench->wal);
    reopen(bench);
    assert_counts(bench, 8000);
}

/* Where writers have to stop a checkpoint is due, also when the limit is beyond what there are slots for. */
static void test_a_checkpoint_is_due_where_room_ends(void **state)
{
    (void)state;
    static const uint64_t limits[] = {16 * SEGMENT_BYTES, UINT64_C(1) << 40, INT64_MAX};
    struct wal *wal = aligned_alloc(64, sizeof *wal);
    assert_non_null(wal);
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        memset(wal, 0, sizeof *wal);
        wal_set_geometry(wal, SEGMENT_BYTES);
        wal->tail_limit_bytes = limits[i];
        wal->base_is_durable = true;
        wal->noted = wal->applied = wal->reserved = SEGMENT_BYTES;
        wal->prepared_end = UINT64_MAX / 2;
        wal_update_room(wal);
        assert_true(wal_has_room(wal));
        assert_false(wal_checkpoint_is_due(wal));
        wal->applied = wal->reserved = wal->room_end;
        assert_false(wal_has_room(wal));
        assert_true(wal_checkpoint_is_due(wal));
    }
    free(wal);
}

/* J8: beyond segments and beyond the limit. */
static void test_large_records_among_small_ones(void **state)
{
    struct bench *bench = *state;
    bench->options.tail_limit_bytes = 2 * SEGMENT_BYTES;
    create(bench);
    struct worker small = {bench, 1, 2000, 64, false, 0};
    assert_int_equal(pthread_create(&small.id, NULL, work, &small), 0);
    for (unsigned i = 1; i <= 8; i++) {
        size_t words = 2 * SEGMENT_BYTES / REDO_WORD_BYTES;
        assert_int_equal(wal_reserve(bench->wal, words * REDO_WORD_BYTES), ERROR_OK);
        uint64_t lsn = append(bench->wal, THREADS, 0, i, words);
        wal_release(bench->wal, words * REDO_WORD_BYTES);
        if (i % 2 == 0) wait_for(bench, lsn);
    }
    pthread_join(small.id, NULL);
    wal_abandon(bench->wal);
    reopen(bench);
    assert_int_equal(bench->recovery.used_bytes, 2008);
    assert_int_equal(image_word(bench, THREADS, SLOTS - 1), 8);
    assert_int_equal(image_word(bench, 1, 2000), 2000);
}

static void test_checkpoint_on_request(void **state)
{
    struct bench *bench = *state;
    create(bench);
    run_workers(bench, 200, 0, false);
    uint64_t end = wal_end(bench->wal);
    assert_int_equal(wal_checkpoint(bench->wal), ERROR_OK);
    struct wal_stats stats;
    wal_stats(bench->wal, &stats);
    assert_true(stats.noted_lsn >= end);
    assert_true(wal_durable(bench->wal) >= end);
    bench->options.boot_mark++; /* as after a power cut: the note alone counts */
    wal_abandon(bench->wal);
    reopen(bench);
    assert_false(bench->recovery.this_boot);
    assert_int_equal(bench->recovery.records, 0);
    assert_counts(bench, 200);
}

static void test_policies_change_at_run_time(void **state)
{
    struct bench *bench = *state;
    bench->options.policy = WAL_NO;
    create(bench);
    uint64_t lsn = append(bench->wal, 0, 0, 1, 1);
    assert_true(wal_await(bench->wal, lsn));
    wal_set_policy(bench->wal, WAL_ALWAYS);
    wait_for(bench, lsn);
    assert_true(wal_durable(bench->wal) >= lsn);
    wal_set_policy(bench->wal, WAL_EVERYSEC);
    lsn = append(bench->wal, 0, 0, 2, 1);
    assert_true(wal_await(bench->wal, lsn));
    int64_t deadline_ns = clock_monotonic_ns() + DEADLINE_S * INT64_C(1000000000);
    while (!wal_await_durable(bench->wal, lsn)) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        usleep(1000);
    }
}

/* ---- kill -9 ---- */

struct shared_count {
    _Atomic uint64_t acknowledged;
};

static void append_for_ever(struct bench *bench, struct shared_count *shared)
{
    for (unsigned i = 1;; i++) {
        while (!wal_has_room(bench->wal))
            ASSERT(wal_wait_room(bench->wal, 1000) != ERROR_IO);
        wait_for(bench, append(bench->wal, 0, 0, i, 1 + i % 9));
        atomic_store(&shared->acknowledged, i);
    }
}

static void test_killed_processes(void **state)
{
    struct bench *bench = *state;
    struct shared_count *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    bench->options.tail_limit_bytes = 8 * SEGMENT_BYTES;
    create(bench);
    assert_int_equal(wal_close(bench->wal), ERROR_OK);
    int64_t before = 0;
    for (unsigned round = 0; round < 6; round++) {
        bench->wal = NULL;
        bench->options.policy = (enum wal_policy)(round % 3);
        uint64_t enough = round % 3 == 0 ? 100 : 20000;
        atomic_store(&shared->acknowledged, 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            reopen(bench);
            append_for_ever(bench, shared);
        }
        int64_t deadline_ns = clock_monotonic_ns() + DEADLINE_S * INT64_C(1000000000);
        while (atomic_load(&shared->acknowledged) < enough && clock_monotonic_ns() < deadline_ns)
            usleep(500);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        uint64_t acknowledged = atomic_load(&shared->acknowledged);
        assert_true(acknowledged >= enough);
        reopen(bench);
        int64_t added = bench->recovery.used_bytes - before;
        assert_true(added == (int64_t)acknowledged || added == (int64_t)acknowledged + 1);
        assert_int_equal(image_word(bench, 0, 0), (uint64_t)added);
        before = bench->recovery.used_bytes;
        assert_int_equal(wal_close(bench->wal), ERROR_OK);
        bench->wal = NULL;
    }
    munmap(shared, sizeof *shared);
}

/* ---- beginnings that are refused ---- */

static void test_refusals(void **state)
{
    struct bench *bench = *state;
    struct wal *wal = NULL;
    struct wal_recovery recovery;
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_NOT_FOUND);
    assert_int_equal(wal_create(&bench->options, 5, &bench->wal, bench->detail, sizeof bench->detail),
                     ERROR_OK);
    append(bench->wal, 0, 0, 1, 1);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    /* The base never became durable: this boot has everything, the next one trusts nothing. */
    bench->options.boot_mark++;
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_UNCLEAN);
    bench->options.boot_mark--;
    reopen(bench);
    assert_int_equal(bench->recovery.used_bytes, 6);
    assert_int_equal(wal_base_durable(bench->wal), ERROR_OK);
    assert_int_equal(wal_close(bench->wal), ERROR_OK);
    bench->wal = NULL;
    assert_int_equal(wal_create(&bench->options, 5, &wal, bench->detail, sizeof bench->detail), ERROR_IN_USE);
    bench->options.heap_id[0] ^= 1;
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_CORRUPT);
    bench->options.heap_id[0] ^= 1;
    assert_int_equal(wal_remove(&bench->options), ERROR_OK);
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_NOT_FOUND);
    /* And a new one begins where an old one was. */
    create(bench);
    append(bench->wal, 0, 0, 9, 1);
    wal_abandon(bench->wal);
    bench->options.boot_mark++;
    reopen(bench);
    assert_int_equal(bench->recovery.used_bytes, 1);
    assert_int_equal(image_word(bench, 0, 0), 9);
}

static void await_applied(const struct bench *bench)
{
    struct wal_stats stats;
    int64_t deadline_ns = clock_monotonic_ns() + DEADLINE_S * INT64_C(1000000000);
    do {
        assert_true(clock_monotonic_ns() < deadline_ns);
        usleep(1000);
        wal_stats(bench->wal, &stats);
    } while (stats.applied_lsn != stats.reserved_lsn);
}

/* A copy's pages are not those that the applier's note speaks of. */
static void test_a_copy_begins_at_its_checkpoint(void **state)
{
    struct bench *bench = *state;
    create(bench);
    run_workers(bench, 100, 0, false);
    await_applied(bench);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    char copy[160];
    snprintf(copy, sizeof copy, "%s/copy", bench->dir);
    int from = open(bench->image, O_RDONLY);
    int to = open(copy, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(from >= 0 && to >= 0 &&
                copy_file_range(from, NULL, to, NULL, IMAGE_BYTES, 0) == (ssize_t)IMAGE_BYTES);
    close(from);
    close(to);
    assert_int_equal(rename(copy, bench->image), 0);
    reopen(bench);
    assert_false(bench->recovery.this_boot);
    assert_int_equal(bench->recovery.records, 100 * THREADS);
    assert_counts(bench, 100);
}

static void flip_in_first_segment(const struct bench *bench, off_t off)
{
    char path[160];
    char byte = 0;
    snprintf(path, sizeof path, "%s/0000000000000001", bench->folder);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, off) == 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, off), 1);
    close(fd);
}

/* What the image has of the records that the journal has no more is not to be trusted. */
static void test_an_image_beyond_its_journal_is_refused(void **state)
{
    struct bench *bench = *state;
    struct wal *wal;
    struct wal_recovery recovery;
    create(bench);
    run_workers(bench, 100, 0, false);
    await_applied(bench);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    bench->options.boot_mark++;
    flip_in_first_segment(bench, WAL_HEAD_BYTES + 5000);
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_CORRUPT);
    assert_non_null(strstr(bench->detail, "restore both"));
    char *base =
        mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, open(bench->image, O_RDONLY), 0);
    assert_true(base != MAP_FAILED);
    assert_int_equal(wal_view(&bench->options, base, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_CORRUPT);
    munmap(base, IMAGE_BYTES);
    flip_in_first_segment(bench, WAL_HEAD_BYTES + 5000);
    reopen(bench);
    assert_counts(bench, 100);
}

/* The process dies before wal_base_durable: recovery makes the base, and the journal goes on as any other. */
static void test_a_base_is_made_up_for(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(wal_create(&bench->options, 0, &bench->wal, bench->detail, sizeof bench->detail),
                     ERROR_OK);
    run_workers(bench, 100, 0, false);
    wal_abandon(bench->wal);
    reopen(bench);
    assert_int_equal(bench->recovery.records, 100 * THREADS);
    assert_counts(bench, 100);
    struct wal_stats stats;
    wal_stats(bench->wal, &stats);
    assert_true(stats.base_durable); /* else the checkpoint below would never come */
    uint64_t lsn = append(bench->wal, 0, 0, 5, 1);
    assert_int_equal(wal_checkpoint(bench->wal), ERROR_OK);
    wal_stats(bench->wal, &stats);
    assert_true(stats.noted_lsn >= lsn);
    assert_int_equal(image_word(bench, 0, 0), 5);
    wal_abandon(bench->wal);
    bench->options.boot_mark++;
    reopen(bench);
    assert_int_equal(bench->recovery.used_bytes, 100 * THREADS + 1);
}

static void remove_segments(const struct bench *bench)
{
    char command[160];
    snprintf(command, sizeof command, "rm -r %s", bench->folder);
    assert_int_equal(system(command), 0);
}

/* Tools say of a closed image what a server finds. */
static void assert_view_is_whole(struct bench *bench)
{
    int fd = open(bench->image, O_RDONLY);
    char *base = mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_true(base != MAP_FAILED);
    close(fd);
    struct wal_recovery recovery;
    enum error error = wal_view(&bench->options, base, &recovery, bench->detail, sizeof bench->detail);
    if (error) fail_msg("wal_view: %s: %s", error_text(error), bench->detail);
    assert_int_equal(recovery.records, 0);
    assert_int_equal(recovery.cut_bytes, 0);
    assert_int_equal(recovery.image_bytes, IMAGE_BYTES);
    assert_int_equal(recovery.used_bytes, 100 * THREADS);
    munmap(base, IMAGE_BYTES);
}

/* What a backup of the heap file alone is. */
static void test_a_closed_image_needs_no_journal(void **state)
{
    struct bench *bench = *state;
    create(bench);
    run_workers(bench, 100, 0, false);
    assert_int_equal(wal_close(bench->wal), ERROR_OK);
    bench->wal = NULL;
    remove_segments(bench);
    bench->options.boot_mark++;
    assert_view_is_whole(bench);
    reopen(bench);
    assert_counts(bench, 100);
    append(bench->wal, 0, 0, 5, 1);
    wal_abandon(bench->wal);
    reopen(bench);
    assert_int_equal(bench->recovery.records, 1);
    assert_int_equal(bench->recovery.used_bytes, 100 * THREADS + 1);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    /* It was not closed: now the journal is needed. */
    remove_segments(bench);
    struct wal *wal;
    struct wal_recovery recovery;
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_CORRUPT);
    assert_non_null(strstr(bench->detail, "put the folder back"));
}

/* Nor does it count as closed once it was opened again, before anything else was noted. */
static void test_an_opened_image_needs_its_journal(void **state)
{
    struct bench *bench = *state;
    create(bench);
    assert_int_equal(wal_close(bench->wal), ERROR_OK);
    reopen(bench);
    append(bench->wal, 0, 0, 5, 1);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    bench->options.boot_mark++;
    remove_segments(bench);
    struct wal *wal;
    struct wal_recovery recovery;
    assert_int_equal(wal_open(&bench->options, &wal, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_CORRUPT);
}

static void test_view_changes_no_file(void **state)
{
    struct bench *bench = *state;
    create(bench);
    assert_int_equal(wal_checkpoint(bench->wal), ERROR_OK);
    append(bench->wal, 0, 3, 33, 1);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    bench->options.boot_mark++;
    char *base =
        mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, open(bench->image, O_RDONLY), 0);
    assert_true(base != MAP_FAILED);
    struct wal_recovery recovery;
    assert_int_equal(wal_view(&bench->options, base, &recovery, bench->detail, sizeof bench->detail),
                     ERROR_OK);
    assert_int_equal(recovery.records, 1);
    assert_int_equal(*(uint64_t *)(void *)(base + 4096 + 24), 33);
    assert_int_equal(image_word(bench, 0, 3), 0);
    munmap(base, IMAGE_BYTES);
}

/* The heap that is looked at has reserved its own, and there may be no second time as many. */
static void test_a_view_and_a_removal_reserve_no_addresses(void **state)
{
    struct bench *bench = *state;
    struct wal_recovery recovery;
    if (!LIMITS_ADDRESSES) skip();
    create(bench);
    append(bench->wal, 0, 3, 33, 1);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    char *base = malloc(IMAGE_BYTES);
    int fd = open(bench->image, O_RDONLY);
    assert_true(base && fd >= 0 && read(fd, base, IMAGE_BYTES) == (ssize_t)IMAGE_BYTES);
    close(fd);
    struct rlimit before = addresses_limit(bench->options.reserve_bytes / 2);
    enum error viewed = wal_view(&bench->options, base, &recovery, bench->detail, sizeof bench->detail);
    enum error removed = wal_remove(&bench->options);
    addresses_unlimit(&before);
    assert_int_equal(viewed, ERROR_OK);
    assert_int_equal(*(uint64_t *)(void *)(base + 4096 + 24), 33);
    assert_int_equal(removed, ERROR_OK);
    assert_int_equal(access(bench->folder, F_OK), -1);
    free(base);
}

/* ---- looking at a journal ---- */

struct tally {
    unsigned epochs;
    unsigned records;
    uint64_t next_lsn;
    uint64_t range_bytes;
};

static void count_frame(void *arg, const struct wal_inspect_frame *frame)
{
    struct tally *tally = arg;
    assert_true(frame->makes_sense);
    if (tally->next_lsn != 0) assert_int_equal(frame->lsn, tally->next_lsn);
    tally->next_lsn = frame->lsn + sizeof(struct wal_frame_layout) + frame->record_bytes;
    tally->epochs += frame->record_bytes == 0;
    tally->records += frame->record_bytes != 0;
    tally->range_bytes += frame->range_bytes;
}

static void test_inspection_lists_frames_and_finds_the_end(void **state)
{
    struct bench *bench = *state;
    struct wal_inspect_result result;
    struct tally tally = {0};
    create(bench);
    for (unsigned i = 0; i < 5; i++)
        append(bench->wal, 0, i, i, 2);
    wal_abandon(bench->wal);
    reopen(bench);
    for (unsigned i = 0; i < 3; i++)
        append(bench->wal, 0, i, i, 2);
    uint64_t end = wal_end(bench->wal);
    wal_abandon(bench->wal);
    bench->wal = NULL;
    assert_int_equal(
        wal_inspect(&bench->options, count_frame, &tally, &result, bench->detail, sizeof bench->detail),
        ERROR_OK);
    assert_int_equal(tally.epochs, 1);
    assert_int_equal(tally.records, 8);
    assert_int_equal(tally.range_bytes, 8 * 16);
    assert_int_equal(result.frames, 9);
    assert_int_equal(result.good_end, end);
    assert_false(result.is_torn);
    /* A byte of the last record changes: it is torn, and the seven before it are good. */
    char path[160];
    snprintf(path, sizeof path, "%s/%016llx", bench->folder, (unsigned long long)result.good_end_segment);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "!", 1, (off_t)result.good_end_off - 10), 1);
    close(fd);
    tally = (struct tally){0};
    assert_int_equal(
        wal_inspect(&bench->options, count_frame, &tally, &result, bench->detail, sizeof bench->detail),
        ERROR_OK);
    assert_int_equal(tally.records, 7);
    assert_true(result.is_torn);
    assert_int_equal(result.good_end, tally.next_lsn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_clean_close_leaves_no_tail),
        TEST(test_segments_of_the_usual_size),
        TEST(test_process_death_loses_nothing),
        TEST(test_tail_stays_below_its_limit),
        TEST(test_a_checkpoint_is_due_where_room_ends),
        TEST(test_large_records_among_small_ones),
        TEST(test_checkpoint_on_request),
        TEST(test_policies_change_at_run_time),
        TEST(test_killed_processes),
        TEST(test_refusals),
        TEST(test_a_copy_begins_at_its_checkpoint),
        TEST(test_an_image_beyond_its_journal_is_refused),
        TEST(test_a_closed_image_needs_no_journal),
        TEST(test_an_opened_image_needs_its_journal),
        TEST(test_a_base_is_made_up_for),
        TEST(test_view_changes_no_file),
        TEST(test_a_view_and_a_removal_reserve_no_addresses),
        TEST(test_inspection_lists_frames_and_finds_the_end),
    };
    return cmocka_run_group_tests_name("wal", tests, NULL, NULL);
}
