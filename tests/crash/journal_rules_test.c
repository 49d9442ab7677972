/* The rules of the journal (DESIGN §2), each alone: what it forbids is tried, and does not happen. All of them together, at
 * random: journal_power_test.c.
 */
#include "support/power_rig.h"
#include "support/scratch.h"
#include "util/assert.h"
#include "util/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 60
#define SAMPLES    64 /* random cuts of a moment */

/* ---- cuts ---- */

struct dice {
    uint64_t seed;
    unsigned newest; /* 1: always the newest, 2: always the oldest, 0: random */
};

static unsigned choose(void *arg, unsigned n)
{
    struct dice *dice = arg;
    if (dice->newest == 1) return n - 1;
    return dice->newest == 2 ? 0 : (unsigned)(rig_random(&dice->seed) % n);
}

static struct lying_disk *cut_newest(const struct rig *rig)
{
    struct dice dice = {.newest = 1};
    return lying_disk_cut(rig->disk, choose, &dice);
}

static void try_cut(const struct rig *of, struct dice *dice)
{
    static struct rig rig;
    rig_recover(&rig, of, lying_disk_cut(of->disk, choose, dice), of->boot + 1);
    rig_end(&rig);
}

static void try_cuts(const struct rig *of)
{
    struct dice newest = {.newest = 1};
    struct dice oldest = {.newest = 2};
    try_cut(of, &newest);
    try_cut(of, &oldest);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        struct dice dice = {.seed = i};
        try_cut(of, &dice);
    }
}

static void cut_at_moment(void *arg, const char *what, const char *path)
{
    (void)what, (void)path;
    try_cuts(arg);
}

/* Writes over the stream of a disk, live and durable alike, as if those sectors had (not) come there. */
static void overwrite(struct lying_disk *disk, uint64_t from_lsn, uint64_t to_lsn, int byte)
{
    for (uint64_t lsn = from_lsn; lsn < to_lsn; lsn++) {
        char name[LYING_NAME_BYTES];
        snprintf(name, sizeof name, RIG_FOLDER "/%016llx", (unsigned long long)(lsn / RIG_SEGMENT_BYTES));
        for (unsigned i = 0; i < LYING_FILES; i++) {
            struct lying_file *file = &disk->files[i];
            if (!file->exists || strcmp(file->names[file->name_count - 1], name) != 0) continue;
            uint64_t off = WAL_HEAD_BYTES + lsn % RIG_SEGMENT_BYTES;
            file->live[off] = file->durable[off] = file->seen[off] = (char)byte;
        }
    }
}

static bool image_is(struct rig *rig, unsigned k)
{
    uint64_t size;
    const char *live = lying_disk_live(rig->disk, RIG_IMAGE, &size);
    const struct rig_entry *entry = &rig->history.entries[k];
    return memcmp(live + RIG_DATA_OFF, entry->state + RIG_DATA_OFF, RIG_IMAGE_START - RIG_DATA_OFF) == 0;
}

static unsigned newest(const struct rig *rig)
{
    return rig->history.count - 1;
}

static uint64_t lsn_of(const struct rig *rig, unsigned k)
{
    return rig->history.entries[k].lsn;
}

static struct rig rig; /* of the test that runs; too large for a stack */
static struct rig again;

/* ---- the rules ---- */

static void test_J1_only_durable_records_reach_the_image(void **state)
{
    (void)state;
    for (int policy = WAL_ALWAYS; policy <= WAL_NO; policy++) {
        rig_start(&rig, (enum wal_policy)policy, 11);
        rig_append(&rig, 64);
        assert_false(wal_step_apply(rig.wal));
        assert_true(image_is(&rig, 0));
        rig_sync(&rig);
        rig_append(&rig, 64); /* behind what is durable */
        assert_true(wal_step_apply(rig.wal));
        assert_true(image_is(&rig, 1));
        assert_false(wal_step_apply(rig.wal));
        try_cuts(&rig);
        rig_end(&rig);
    }
}

/* While the image is being synced, more is made durable and applied. */
static void work_at_moment(void *arg, const char *what, const char *path)
{
    struct rig *working = arg;
    if (strcmp(what, "sync") == 0 && strcmp(path, RIG_IMAGE) == 0) {
        rig_append(working, 5000); /* into another segment */
        wal_step_sync(working->wal);
        wal_step_apply(working->wal);
    }
    try_cuts(working);
}

static void test_J2_segments_stay_until_the_note_is_durable(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 12);
    for (unsigned i = 0; i < 8; i++)
        rig_append(&rig, 1200);
    rig_sync(&rig);
    while (wal_step_apply(rig.wal)) {
    }
    assert_int_equal(wal_request_checkpoint(rig.wal), lsn_of(&rig, 8));
    rig.disk->moment = work_at_moment;
    rig.disk->moment_arg = &rig;
    assert_true(wal_step_checkpoint(rig.wal));
    struct wal_stats stats;
    wal_stats(rig.wal, &stats);
    assert_int_equal(stats.noted_lsn, lsn_of(&rig, 8)); /* not what was applied meanwhile */
    assert_int_equal(stats.applied_lsn, lsn_of(&rig, 10));
    /* Those behind the note are used again, and cut at every call of it. */
    uint64_t bytes = stats.segment_files_bytes;
    rig.disk->moment = cut_at_moment;
    for (unsigned i = 0; i < 6; i++)
        rig_append(&rig, 1200);
    rig_sync(&rig);
    rig.disk->moment = NULL;
    wal_stats(rig.wal, &stats);
    assert_int_equal(stats.segment_files_bytes, bytes);
    assert_int_equal(rig.floor, rig.history.count);
    try_cuts(&rig);
    rig_end(&rig);
}

struct slow_disk {
    struct pmem_storage storage;
    _Atomic bool blocks;
    _Atomic unsigned blocked; /* syncs that were */
    _Atomic unsigned advanced;
};

static enum error slow_sync(struct pmem_storage_file *file)
{
    struct slow_disk *disk = file->storage->disk;
    if (atomic_load(&disk->blocks)) disk->blocked++;
    while (atomic_load(&disk->blocks))
        usleep(1000);
    return pmem_storage_files()->sync(file);
}

/* A millisecond later, but not for ever. */
static void wait_on(int64_t deadline_ns)
{
    assert_true(clock_monotonic_ns() < deadline_ns);
    usleep(1000);
}

static void count_advance(void *arg)
{
    ((struct slow_disk *)arg)->advanced++;
}

/* On real files, with the journal's threads: a sync that hangs holds up no append, and no reply but those of `always`. */
static void test_J3_replies_wait_for_records_and_no_append_waits_for_a_sync(void **state)
{
    (void)state;
    char dir[] = "/tmp/cairn-rules-XXXXXX";
    char image[64];
    char folder[64];
    char detail[512];
    struct slow_disk disk = {.storage = *pmem_storage_files()};
    assert_non_null(scratch_make(dir));
    snprintf(image, sizeof image, "%s/heap", dir);
    snprintf(folder, sizeof folder, "%s/heap.journal", dir);
    disk.storage.disk = &disk;
    disk.storage.sync = slow_sync;
    int fd = open(image, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && ftruncate(fd, RIG_IMAGE_START) == 0);
    close(fd);
    struct wal_options options = {.storage = &disk.storage,
                                  .image_path = image,
                                  .folder_path = folder,
                                  .note_off = RIG_NOTE_OFF,
                                  .boot_mark = 1,
                                  .reserve_bytes = 1 << 20,
                                  .segment_bytes = 1 << 20,
                                  .policy = WAL_EVERYSEC,
                                  .callbacks = {.arg = &disk, .advanced = count_advance}};
    struct wal *wal;
    assert_int_equal(wal_create(&options, 0, &wal, detail, sizeof detail), ERROR_OK);
    assert_int_equal(wal_base_durable(wal), ERROR_OK);

    int64_t deadline_ns = clock_monotonic_ns() + DEADLINE_S * INT64_C(1000000000);
    atomic_store(&disk.blocks, true);
    const char record[4] = {2, 0, 0, 0}; /* nothing but a byte more in use */
    uint64_t lsn = 0;
    for (unsigned i = 0; i < 1000; i++) {
        lsn = wal_append(wal, record, sizeof record);
        assert_true(wal_await(wal, lsn)); /* everysec: appended is enough */
        while (i == 10 && atomic_load(&disk.blocked) == 0)
            wait_on(deadline_ns); /* the background sync has begun, and hangs */
    }
    wal_set_policy(wal, WAL_ALWAYS);
    assert_false(wal_await(wal, lsn));
    assert_true(wal_acknowledged(wal) < lsn);
    lsn = wal_append(wal, record, sizeof record); /* always appends on, too */
    assert_false(wal_await(wal, lsn));
    unsigned before = atomic_load(&disk.advanced);
    atomic_store(&disk.blocks, false);
    while (!wal_await(wal, lsn))
        wait_on(deadline_ns);
    assert_true(wal_durable(wal) >= lsn);
    while (atomic_load(&disk.advanced) == before)
        wait_on(deadline_ns); /* who waited is told */
    assert_int_equal(wal_close(wal), ERROR_OK);
    assert_int_equal(wal_remove(&options), ERROR_OK);
    unlink(image);
    rmdir(dir);
}

static void test_J3_a_policy_that_is_loosened_keeps_its_promises(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 22);
    rig_append(&rig, 64);
    uint64_t strict = wal_end(rig.wal);
    wal_set_policy(rig.wal, WAL_EVERYSEC);
    rig_append(&rig, 64);
    uint64_t loose = wal_end(rig.wal);
    assert_true(wal_acknowledged(rig.wal) < strict);
    assert_false(wal_await(rig.wal, strict));
    assert_false(wal_await(rig.wal, loose));
    unsigned advanced = rig.advanced;
    assert_true(wal_step_sync(rig.wal));
    assert_true(rig.advanced > advanced);
    assert_true(wal_await(rig.wal, loose));
    rig_append(&rig, 64);
    assert_true(wal_await(rig.wal, wal_end(rig.wal))); /* not durable, and promised to nobody */
    assert_true(wal_durable(rig.wal) < wal_end(rig.wal));
    rig_end(&rig);
}

struct waiter {
    struct wal *wal;
    uint64_t lsn;
    bool is_durable;
    bool done;
};

static void *wait_once(void *arg)
{
    struct waiter *waiter = arg;
    waiter->done = wal_await(waiter->wal, waiter->lsn);
    if (waiter->is_durable) wal_step_sync(waiter->wal);
    return NULL;
}

/* Somebody waits for a record of which only the place is given yet: who appends it has been stopped while it copies. It is told, or does
 * not have to wait. */
static void test_J3_a_record_that_is_being_copied_is_waited_for(void **state)
{
    (void)state;
    for (int policy = WAL_ALWAYS; policy <= WAL_EVERYSEC; policy++) {
        rig_start(&rig, (enum wal_policy)policy, 24);
        rig_append(&rig, 64);
        rig_sync(&rig);
        struct waiter waiter = {rig.wal, wal_end(rig.wal) + 64, policy == WAL_ALWAYS, false};
        pthread_t thread;
        unsigned advanced = rig.advanced;
        spinlock_lock(&rig.wal->append_lock);
        atomic_store(&rig.wal->reserved, waiter.lsn);
        assert_int_equal(pthread_create(&thread, NULL, wait_once, &waiter), 0);
        usleep(50 * 1000);
        atomic_store(&rig.wal->published, waiter.lsn);
        spinlock_unlock(&rig.wal->append_lock);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(waiter.done || rig.advanced > advanced);
        rig_end(&rig);
    }
}

static void test_J4_nothing_counts_behind_a_gap(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 14);
    rig_append(&rig, 64);
    /* A record that another thread is still copying stands between: */
    rig.wal->copy_start[rig.wal->copies++] = wal_end(rig.wal);
    rig_append(&rig, 600);
    rig_append(&rig, 600);
    assert_int_equal(wal_acknowledged(rig.wal), lsn_of(&rig, 1));
    assert_false(wal_await(rig.wal, lsn_of(&rig, 3)));
    rig_sync(&rig);
    assert_int_equal(wal_durable(rig.wal), lsn_of(&rig, 1));
    rig.wal->copies = 0;
    rig_append(&rig, 600);
    assert_true(wal_await(rig.wal, lsn_of(&rig, 4)));
    /* Replay: the second is damaged, the third and fourth are whole and do not count. */
    rig.floor = 2;
    struct lying_disk *cut = cut_newest(&rig);
    overwrite(cut, lsn_of(&rig, 2) - 100, lsn_of(&rig, 2) - 90, 0x55);
    rig_recover(&again, &rig, cut, 2);
    assert_int_equal(newest(&again), 1);
    rig_end(&again);
    rig_end(&rig);
}

static void test_J5_growth_comes_before_what_lies_there(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 15);
    rig_append_growth(&rig);
    rig_append_growth(&rig);
    rig_append(&rig, 6000);
    rig_sync(&rig);
    rig.disk->moment = cut_at_moment;
    rig.disk->moment_arg = &rig;
    assert_true(wal_step_apply(rig.wal));
    rig.disk->moment = NULL;
    try_cuts(&rig);
    struct dice oldest = {.newest = 2};
    struct lying_disk *cut = lying_disk_cut(rig.disk, choose, &oldest);
    uint64_t size;
    lying_disk_live(cut, RIG_IMAGE, &size);
    assert_int_equal(size, RIG_IMAGE_START);
    /* No space: an error, and all is there once there is. */
    struct wal *wal;
    struct wal_recovery recovery;
    char detail[512];
    struct wal_options options = rig.options;
    options.storage = &cut->storage;
    options.boot_mark = 2;
    cut->faults.bytes_left = 4096;
    assert_int_equal(wal_open(&options, &wal, &recovery, detail, sizeof detail), ERROR_DISK_FULL);
    cut->faults.bytes_left = UINT64_MAX;
    rig_recover(&again, &rig, cut, 2);
    assert_int_equal(newest(&again), 3);
    rig_end(&again);
    rig_end(&rig);
}

struct watch {
    struct lying_disk *disk;
    char before[RIG_IMAGE_MAX];
    unsigned journal_syncs; /* before the image changed */
    unsigned later_syncs;
    bool image_changed;
};

static void watch_moment(void *arg, const char *what, const char *path)
{
    struct watch *watch = arg;
    uint64_t size;
    const char *live = lying_disk_live(watch->disk, RIG_IMAGE, &size);
    if (memcmp(live + RIG_DATA_OFF, watch->before + RIG_DATA_OFF, RIG_IMAGE_START - RIG_DATA_OFF) != 0)
        watch->image_changed = true;
    if (strcmp(what, "sync") == 0 && strncmp(path, RIG_FOLDER, strlen(RIG_FOLDER)) == 0)
        ++*(watch->image_changed ? &watch->later_syncs : &watch->journal_syncs);
}

/* A process dies with records in the page cache only. Its successor makes them durable, then applies them: a power cut
 * may then keep pages of the image, but never without the records. */
static void test_J6_recovery_syncs_before_it_applies(void **state)
{
    (void)state;
    static struct watch watch;
    rig_start(&rig, WAL_NO, 16);
    rig_append(&rig, 64);
    rig_sync(&rig);
    assert_true(wal_step_apply(rig.wal));
    rig_append(&rig, 704);
    struct lying_disk *same = lying_disk_clone(rig.disk);
    uint64_t size;
    memcpy(watch.before, lying_disk_live(same, RIG_IMAGE, &size), RIG_IMAGE_START);
    watch.disk = same;
    watch.journal_syncs = 0;
    watch.later_syncs = 0;
    watch.image_changed = false;
    same->moment = watch_moment;
    same->moment_arg = &watch;
    rig_recover(&again, &rig, same, rig.boot);
    assert_int_equal(newest(&again), 2);
    same->moment = NULL;
    assert_int_equal(watch.journal_syncs,
                     1); /* of the tail, and of the frame that opens the epoch behind it (J7) */
    assert_int_equal(watch.later_syncs, 0);
    assert_true(image_is(&again, 2));
    try_cuts(&again); /* none may lose what the image may show */
    rig_end(&again);
    rig_end(&rig);
}

/* B is torn, C behind it reached the disk. After the recovery the client repeats B, byte by byte: C must stay dead. */
static void test_J7_dead_timelines_stay_dead(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 17);
    rig_append(&rig, 64);
    rig_sync(&rig);
    uint64_t seed = rig.seed;
    rig_append(&rig, 1000);
    rig_append(&rig, 1000);
    struct lying_disk *cut = cut_newest(&rig);
    overwrite(cut, lsn_of(&rig, 1), lsn_of(&rig, 1) + 12, 0); /* the head of B, alone in its sector */
    rig_recover(&again, &rig, cut, 2);
    assert_int_equal(newest(&again), 1);
    assert_int_equal(again.wal->epoch, rig.wal->epoch + 1);
    again.seed = seed;
    rig_append(&again, 1000);
    rig_sync(&again);
    static struct rig third;
    rig_recover(&third, &again, cut_newest(&again), 3);
    assert_int_equal(newest(&third), 2);
    assert_int_equal(third.wal->epoch, rig.wal->epoch + 2);
    rig_end(&third);
    try_cuts(&again);
    rig_end(&again);
    rig_end(&rig);
}

/* A journal is removed and begun again, and the files of the first come back, by a power cut before their names were gone.
 * Same places, same epoch: only the chain tells whose records stand behind the new ones. */
static void test_J7_an_older_journal_stays_dead(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 27);
    uint64_t seed = rig.seed;
    for (unsigned i = 0; i < 3; i++)
        rig_append(&rig, 400);
    rig_sync(&rig);
    wal_abandon(rig.wal);
    rig.wal = NULL;
    struct lying_disk *old = cut_newest(&rig);
    struct wal_options options = rig.options;
    options.storage = &old->storage;
    options.boot_mark = 2;
    assert_int_equal(wal_remove(&options), ERROR_OK);
    uint64_t size;
    assert_null(lying_disk_live(old, RIG_FOLDER "/0000000000000001", &size));
    /* The names come back: */
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const struct lying_file *from = &rig.disk->files[i];
        if (!from->exists || from->is_folder) continue;
        if (strcmp(from->names[from->name_count - 1], RIG_IMAGE) == 0) continue;
        char *bytes =
            lying_disk_add(old, from->names[from->name_count - 1], from->sizes[from->size_count - 1]);
        memcpy(bytes, from->live, from->sizes[from->size_count - 1]);
    }
    lying_disk_look(old);
    /* The image as the first journal found it, so that the same record says the same. */
    memset(lying_disk_live(old, RIG_IMAGE, &size) + RIG_DATA_OFF, 0, RIG_IMAGE_START - RIG_DATA_OFF);
    char detail[512];
    memcpy(&again, &rig,
           offsetof(struct rig, history) + offsetof(struct rig_history, entries) + sizeof(struct rig_entry));
    again.disk = old;
    again.history.count = again.history.borrowed = 1;
    again.floor = 1;
    again.boot = 2;
    again.seed = seed;
    again.options = options;
    assert_int_equal(wal_create(&again.options, 0, &again.wal, detail, sizeof detail), ERROR_OK);
    assert_int_equal(wal_base_durable(again.wal), ERROR_OK);
    assert_int_equal(wal_end(again.wal), lsn_of(&rig, 0));
    rig_append(&again, 400);
    assert_int_equal(lsn_of(&again, 1), lsn_of(&rig, 1));
    rig_sync(&again);
    try_cuts(&again);
    rig_end(&again);
    rig_end(&rig);
}

static void test_J8_records_span_segments_and_exceed_the_limit(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 18);
    rig_append(&rig, 64);
    rig_sync(&rig);
    wal_set_tail_limit(rig.wal, 2 * RIG_SEGMENT_BYTES);
    assert_int_equal(wal_reserve(rig.wal, 11 * 1024), ERROR_OK);
    rig_append(&rig, 11 * 1024); /* three segments; the limit is two */
    wal_release(rig.wal, 11 * 1024);
    assert_false(wal_has_room(rig.wal));
    assert_int_equal(wal_wait_room(rig.wal, 0), ERROR_IN_USE);
    try_cuts(&rig);
    /* All but its last bytes: nothing of it. */
    struct lying_disk *cut = cut_newest(&rig);
    overwrite(cut, lsn_of(&rig, 2) - 60, lsn_of(&rig, 2), 0);
    rig_recover(&again, &rig, cut, 2);
    assert_int_equal(newest(&again), 1);
    assert_true(image_is(&again, 1));
    rig_end(&again);
    rig_sync(&rig);
    try_cuts(&rig);
    assert_int_equal(wal_checkpoint(rig.wal), ERROR_OK);
    assert_true(wal_has_room(rig.wal));
    /* A tail beyond the limit that fills its last segment: recovery makes room for its frame. */
    assert_int_equal(wal_reserve(rig.wal, 11 * 1024), ERROR_OK);
    rig_append(&rig, 11 * 1024);
    wal_release(rig.wal, 11 * 1024);
    rig_append_padding(&rig, atomic_load(&rig.wal->prepared_end) - wal_end(rig.wal) - 4);
    assert_int_equal(wal_end(rig.wal), atomic_load(&rig.wal->prepared_end) - 4);
    rig_sync(&rig);
    try_cuts(&rig);
    assert_int_equal(wal_checkpoint(rig.wal), ERROR_OK);
    /* One that would not wait: the segments come behind its back, and are kept for it. */
    assert_int_equal(wal_try_reserve(rig.wal, 11 * 1024), ERROR_IN_USE);
    while (wal_step_room(rig.wal)) {
    }
    assert_int_equal(wal_try_reserve(rig.wal, 11 * 1024), ERROR_OK);
    assert_int_equal(wal_try_reserve(rig.wal, 11 * 1024), ERROR_IN_USE);
    wal_release(rig.wal, 11 * 1024);
    assert_int_equal(wal_try_reserve(rig.wal, 11 * 1024), ERROR_OK);
    wal_release(rig.wal, 11 * 1024);
    assert_int_equal(wal_try_reserve(rig.wal, UINT64_C(16) << 30), ERROR_TOO_LARGE);
    /* Without space the transaction is told before it changes anything. */
    rig.disk->faults.bytes_left = 0;
    assert_int_equal(wal_reserve(rig.wal, 60 * 1024), ERROR_DISK_FULL);
    assert_int_equal(wal_reserve(rig.wal, UINT64_C(16) << 30), ERROR_TOO_LARGE);
    assert_int_equal(wal_error(rig.wal), ERROR_OK);
    rig.disk->faults.bytes_left = UINT64_MAX;
    rig_append(&rig, 64);
    rig_sync(&rig);
    assert_int_equal(rig.floor, rig.history.count);
    rig_end(&rig);
}

static void recover_tail(const char *expected_log, unsigned k, uint64_t from_lsn, uint64_t to_lsn, int byte)
{
    struct lying_disk *cut = cut_newest(&rig);
    overwrite(cut, from_lsn, to_lsn, byte);
    rig_recover(&again, &rig, cut, 2);
    assert_int_equal(newest(&again), k);
    if (strstr(again.log, expected_log) == NULL) print_error("log: %s", again.log);
    assert_non_null(strstr(again.log, expected_log));
    rig_end(&again);
}

static void test_J9_bad_tails_end_the_replay_and_are_told(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 19);
    for (unsigned i = 0; i < 3; i++)
        rig_append(&rig, 200);
    uint64_t end = lsn_of(&rig, 3);
    recover_tail("nothing but zeros follows", 3, end, end, 0);
    recover_tail("nothing but zeros follows", 2, lsn_of(&rig, 2), end, 0); /* zeros */
    recover_tail("incomplete or damaged; everything from there on was cut, 216 bytes", 2, end - 8, end,
                 0x0f); /* torn */
    recover_tail("cut, 432 bytes up to the last that is not zero", 1, lsn_of(&rig, 2) - 8, lsn_of(&rig, 2),
                 0x0f);                                               /* and a good one behind it */
    recover_tail("cut, 208 bytes", 2, end - 8, end, 0);               /* its end is missing */
    recover_tail("of an earlier use", 2, lsn_of(&rig, 2), end, 0x7e); /* garbage */
    /* Torn pages of the image, and the same replay once more over what it gave. */
    rig_sync(&rig);
    assert_true(wal_step_apply(rig.wal));
    struct lying_disk *cut = cut_newest(&rig);
    uint64_t size;
    char *image = lying_disk_live(cut, RIG_IMAGE, &size);
    for (unsigned sector = RIG_DATA_OFF / LYING_SECTOR; sector < RIG_IMAGE_START / LYING_SECTOR; sector += 2)
        memcpy(image + sector * LYING_SECTOR, rig.history.entries[0].state + sector * LYING_SECTOR,
               LYING_SECTOR);
    rig_recover(&again, &rig, cut, 2);
    assert_int_equal(newest(&again), 3);
    struct lying_disk *once_more = cut_newest(&again);
    static struct rig third;
    rig_recover(&third, &again, once_more, 3);
    assert_int_equal(newest(&third), 3);
    rig_end(&third);
    rig_end(&again);
    rig_end(&rig);
}

/* Records of one size, in segments that are used again: behind the last one stands a frame of the same epoch. */
static void test_J9_what_an_earlier_use_left_is_no_damage(void **state)
{
    enum { FRAME = 256, COUNT = 200 };
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 23);
    for (unsigned i = 0; i < COUNT; i++) {
        rig_append_padding(&rig, FRAME);
        if (i % 8 != 7) continue;
        rig_sync(&rig);
        if (i + 8 < COUNT) assert_int_equal(wal_checkpoint(rig.wal), ERROR_OK);
    }
    for (unsigned i = 0; i < 3; i++)
        rig_append_padding(&rig, FRAME);
    unsigned newest_of_all = rig.history.count - 1;
    uint64_t end = wal_end(rig.wal);
    struct wal_frame_layout left;
    wal_stream_get(rig.wal, end, &left, sizeof left);
    assert_int_equal(left.epoch, rig.wal->epoch);
    recover_tail("of an earlier use", newest_of_all, end, end, 0);
    recover_tail("incomplete or damaged", newest_of_all - 1, end - 8, end, 0x0f);
    rig_end(&rig);
}

static void test_J10_a_failed_sync_of_the_journal_is_final(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 20);
    rig_append(&rig, 64);
    rig_sync(&rig);
    rig_append(&rig, 64);
    assert_false(wal_await(rig.wal, lsn_of(&rig, 2)));
    strcpy(rig.disk->faults.fail_sync, RIG_FOLDER);
    assert_false(wal_step_sync(rig.wal));
    assert_int_equal(wal_error(rig.wal), ERROR_IO);
    assert_true(rig.advanced > 0); /* who waits learns of it */
    assert_non_null(strstr(rig.log, "Cannot write the journal to the disk"));
    /* The disk recovers; the journal does not believe it. */
    rig.disk->faults.fail_sync[0] = '\0';
    assert_false(wal_step_sync(rig.wal));
    wal_step_apply(rig.wal);
    assert_false(wal_await(rig.wal, lsn_of(&rig, 2)));
    assert_int_equal(wal_acknowledged(rig.wal), lsn_of(&rig, 1));
    assert_true(image_is(&rig, 0) || image_is(&rig, 1));
    assert_false(wal_has_room(rig.wal));
    assert_int_equal(wal_wait_room(rig.wal, 0), ERROR_IO);
    assert_int_equal(wal_checkpoint(rig.wal), ERROR_IO);
    try_cuts(&rig);
    assert_int_equal(wal_close(rig.wal), ERROR_IO);
    rig.wal = NULL;
    rig_end(&rig);
}

static void test_J10_a_failed_sync_of_the_image_ends_recycling(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 21);
    for (unsigned i = 0; i < 6; i++)
        rig_append(&rig, 1000);
    rig_sync(&rig);
    while (wal_step_apply(rig.wal)) {
    }
    wal_request_checkpoint(rig.wal);
    strcpy(rig.disk->faults.fail_sync, RIG_IMAGE);
    assert_false(wal_step_checkpoint(rig.wal));
    assert_int_equal(wal_error(rig.wal), ERROR_IO);
    rig.disk->faults.fail_sync[0] = '\0';
    assert_false(wal_step_checkpoint(rig.wal));
    struct wal_stats stats;
    wal_stats(rig.wal, &stats);
    assert_int_equal(stats.noted_lsn, lsn_of(&rig, 0));
    assert_int_equal(stats.checkpoints, 0);
    /* A successor in the same boot does not trust the cached pages either, and repeats everything. */
    struct lying_disk *same = lying_disk_clone(rig.disk);
    uint64_t size;
    memset(lying_disk_live(same, RIG_IMAGE, &size) + RIG_DATA_OFF, 0, RIG_IMAGE_START - RIG_DATA_OFF);
    rig_recover(&again, &rig, same, rig.boot);
    assert_int_equal(newest(&again), 6);
    rig_end(&again);
    try_cuts(&rig);
    rig_end(&rig);
}

/* ---- pages that a failed sync left clean ---- */

/* Another process of the same boot, on the disk as it is now, well again. */
static void succeed(const struct rig *of)
{
    rig_recover(&again, of, lying_disk_clone(of->disk), of->boot);
}

/* It has it all; what it recovered, and what it adds, is on the disk. */
static void assert_is_kept(struct rig *rig_of)
{
    try_cuts(rig_of);
    for (unsigned i = 0; i < 9; i++)
        rig_append(rig_of, 1000);
    rig_sync(rig_of);
    assert_int_equal(rig_of->floor, rig_of->history.count);
    try_cuts(rig_of);
    assert_int_equal(wal_checkpoint(rig_of->wal), ERROR_OK);
    try_cuts(rig_of);
}

/* The image was there before its journal, and its bytes are on no disk yet. */
static void test_J10_an_image_without_a_base_is_written_again(void **state)
{
    (void)state;
    char detail[512];
    rig_prepare(&rig, WAL_EVERYSEC, 26);
    assert_int_equal(wal_create(&rig.options, 0, &rig.wal, detail, sizeof detail), ERROR_OK);
    rig_note_start(&rig);
    rig_append(&rig, 64);
    strcpy(rig.disk->faults.fail_sync, RIG_IMAGE);
    assert_int_equal(wal_base_durable(rig.wal), ERROR_IO);
    succeed(&rig);
    assert_int_equal(newest(&again), 1);
    assert_is_kept(&again);
    rig_end(&again);
    rig_end(&rig);
}

static void test_J10_lost_pages_of_the_journal_are_written_again(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 24);
    rig_append(&rig, 64);
    rig_sync(&rig);
    for (unsigned i = 0; i < 4; i++)
        rig_append(&rig, 1000);
    strcpy(rig.disk->faults.fail_sync, RIG_FOLDER);
    assert_false(wal_step_sync(rig.wal));
    succeed(&rig);
    assert_int_equal(newest(&again), 5);
    assert_is_kept(&again);
    rig_end(&again);
    rig_end(&rig);
}

static void fail_checkpoint(void *arg, const char *what, const char *path)
{
    struct rig *working = arg;
    if (strcmp(what, "sync") != 0 || strncmp(path, RIG_FOLDER, strlen(RIG_FOLDER)) != 0) return;
    assert_false(wal_step_checkpoint(working->wal));
}

/* The disk is gone for a while: a sync of the journal and one of the image are under way. */
static void fail_together(void)
{
    for (unsigned i = 0; i < 3; i++)
        rig_append(&rig, 1000);
    rig_sync(&rig);
    while (wal_step_apply(rig.wal)) {
    }
    wal_request_checkpoint(rig.wal);
    for (unsigned i = 0; i < 3; i++)
        rig_append(&rig, 1000);
    rig.disk->faults.good_syncs = 0;
    rig.disk->moment = fail_checkpoint;
    rig.disk->moment_arg = &rig;
    assert_false(wal_step_sync(rig.wal));
    rig.disk->moment = NULL;
    assert_int_equal(wal_error(rig.wal), ERROR_IO);
    succeed(&rig);
    assert_int_equal(newest(&again), newest(&rig));
    assert_is_kept(&again);
    rig_end(&again);
}

static void test_J10_journal_and_image_fail_together(void **state)
{
    (void)state;
    static struct rig first;
    rig_start(&first, WAL_EVERYSEC, 24);
    rig_append(&first, 1000);
    rig_sync(&first);
    rig_recover(&rig, &first, cut_newest(&first), 2); /* the checkpoint is of another boot */
    fail_together();
    rig_end(&rig);
    rig_end(&first);
    rig_start(&rig, WAL_EVERYSEC, 24);
    fail_together();
    rig_end(&rig);
}

static void test_J10_lost_heads_of_segments_are_written_again(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 24);
    rig_append(&rig, 1000);
    rig_sync(&rig);
    strcpy(rig.disk->faults.fail_sync, RIG_FOLDER);
    while (wal_step_room(rig.wal) || wal_error(rig.wal) == ERROR_OK)
        rig_append(&rig, 1000);
    assert_int_equal(wal_error(rig.wal), ERROR_IO);
    succeed(&rig);
    assert_is_kept(&again);
    rig_end(&again);
    rig_end(&rig);
}

/* The first start after a power cut fails, whichever of its syncs does; the frame of its epoch ends its page. */
static void test_J10_a_recovery_that_failed_is_repeated(void **state)
{
    (void)state;
    unsigned failures = 0;
    rig_start(&rig, WAL_EVERYSEC, 24);
    rig_append(&rig, 1000);
    rig_append_padding(&rig, RIG_SEGMENT_BYTES - wal_end(rig.wal) % RIG_SEGMENT_BYTES - 12);
    rig_sync(&rig);
    for (bool opens = false; !opens; failures += !opens) {
        struct wal *wal;
        struct wal_recovery recovery;
        char detail[512];
        struct lying_disk *cut = cut_newest(&rig);
        struct wal_options options = rig.options;
        options.storage = &cut->storage;
        options.boot_mark = rig.boot + 1;
        cut->faults.good_syncs = failures;
        opens = wal_open(&options, &wal, &recovery, detail, sizeof detail) == ERROR_OK;
        if (opens) wal_abandon(wal);
        lying_disk_look(cut);
        rig_recover(&again, &rig, lying_disk_clone(cut), rig.boot + 1);
        lying_disk_free(cut);
        assert_int_equal(newest(&again), newest(&rig));
        assert_is_kept(&again);
        rig_end(&again);
    }
    assert_true(failures > 1);
    rig_end(&rig);
}

/* The kernel could not write the image and told nobody before the process ended. Its successor is told when it opens the heap, and ends;
 * who comes after it is not told, and must not count on those pages. */
static void test_J10_an_error_that_a_recovery_is_told_is_not_forgotten(void **state)
{
    (void)state;
    static struct rig failing;
    rig_start(&rig, WAL_EVERYSEC, 24);
    for (unsigned i = 0; i < 3; i++)
        rig_append(&rig, 1000);
    rig_sync(&rig);
    assert_true(wal_step_apply(rig.wal));
    lying_disk_fail_write(rig.disk, RIG_IMAGE);
    struct wal *wal;
    struct wal_recovery recovery;
    char detail[512];
    memcpy(&failing, &rig, sizeof rig);
    failing.disk = lying_disk_clone(rig.disk);
    failing.options.storage = &failing.disk->storage;
    assert_int_equal(wal_open(&failing.options, &wal, &recovery, detail, sizeof detail), ERROR_IO);
    lying_disk_look(failing.disk);
    succeed(&failing);
    lying_disk_free(failing.disk);
    assert_int_equal(newest(&again), 3);
    assert_int_equal(wal_checkpoint(again.wal), ERROR_OK);
    assert_is_kept(&again);
    rig_end(&again);
    rig_end(&rig);
}

/* Who asks next is not told again: the error of a flush is that of the sync behind it. */
static void test_J10_a_failed_flush_of_the_image_is_a_failed_sync(void **state)
{
    (void)state;
    for (uint64_t seed = 24; seed <= 25; seed++) { /* patching; and copying */
        rig_start(&rig, WAL_EVERYSEC, seed);
        wal_copy_always(rig.wal, seed == 25);
        for (unsigned i = 0; i < 6; i++)
            rig_append(&rig, 1000);
        rig_sync(&rig);
        strcpy(rig.disk->faults.fail_flush, RIG_IMAGE);
        assert_int_equal(wal_checkpoint(rig.wal), ERROR_IO);
        assert_int_equal(atomic_load(&rig.wal->noted), lsn_of(&rig, 0));
        try_cuts(&rig);
        succeed(&rig);
        assert_is_kept(&again);
        rig_end(&again);
        rig_end(&rig);
    }
}

/* ---- copies ---- */

/* The image comes from a backup, in the boot in which it is opened: its checkpoint is older than its bytes on the disk. */
static void test_a_copy_of_the_image_is_made_durable(void **state)
{
    (void)state;
    rig_start(&rig, WAL_ALWAYS, 24);
    for (unsigned i = 0; i < 3; i++)
        rig_append(&rig, 1000);
    rig_sync(&rig);
    assert_int_equal(wal_checkpoint(rig.wal), ERROR_OK);
    struct lying_disk *disk = lying_disk_clone(rig.disk);
    lying_disk_copy(disk, RIG_IMAGE);
    rig_recover(&again, &rig, disk, rig.boot + 1);
    assert_is_kept(&again);
    rig_end(&again);
    rig_end(&rig);
}

/* A disk that is full is no failure: room ends, and comes back. */
static void test_a_full_disk_ends_room_for_a_while(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 22);
    rig.disk->faults.bytes_left = 0;
    while (wal_has_room(rig.wal))
        rig_append(&rig, 504);
    assert_false(wal_step_room(rig.wal));
    assert_int_equal(wal_checkpoint(rig.wal), ERROR_OK); /* which frees no segment: there is one */
    assert_false(wal_step_room(rig.wal));
    assert_int_equal(wal_wait_room(rig.wal, 0), ERROR_DISK_FULL);
    assert_non_null(strstr(rig.log, "writes are refused until there is space"));
    assert_int_equal(wal_error(rig.wal), ERROR_OK);
    rig.disk->faults.bytes_left = UINT64_MAX;
    assert_true(wal_step_room(rig.wal));
    assert_true(wal_has_room(rig.wal));
    rig_append(&rig, 504);
    rig_sync(&rig);
    assert_int_equal(rig.floor, rig.history.count);
    try_cuts(&rig);
    rig_end(&rig);
}

/* The segments that are there are enough to go on with, each checkpoint frees them: also far below the tail's limit. */
static void test_a_full_disk_goes_on_with_its_segments(void **state)
{
    (void)state;
    for (uint64_t seed = 22; seed <= 23; seed++) { /* patching; and copying */
        rig_start(&rig, WAL_EVERYSEC, seed);
        wal_copy_always(rig.wal, seed == 23);
        while (atomic_load(&rig.wal->prepared_end) - atomic_load(&rig.wal->noted) < 3 * RIG_SEGMENT_BYTES) {
            if (!wal_step_room(rig.wal)) rig_append(&rig, 504);
        }
        assert_true(wal_end(rig.wal) - atomic_load(&rig.wal->noted) < RIG_TAIL_LIMIT / 2);
        rig.disk->faults.bytes_left = 0;
        for (unsigned i = 0; i < 100; i++) {
            if (!wal_has_room(rig.wal) && !wal_step_room(rig.wal)) {
                assert_int_equal(wal_wait_room(rig.wal, 0), ERROR_IN_USE); /* not refused: it will be there */
                rig_sync(&rig);
                while (wal_step_apply(rig.wal) || wal_step_checkpoint(rig.wal)) {
                }
                assert_true(wal_step_room(rig.wal));
            }
            assert_true(wal_has_room(rig.wal));
            rig_append(&rig, 504);
        }
        rig_sync(&rig);
        try_cuts(&rig);
        rig_end(&rig);
    }
}

/* Who outruns the disk is slowed down, and does not wait for the whole checkpoint. */
struct room_watch {
    struct rig *rig;
    uint64_t noted;
    unsigned rooms; /* moments of the checkpoint with room, before its note */
};

static void watch_room(void *arg, const char *what, const char *path)
{
    struct room_watch *watch = arg;
    if (strcmp(what, "sync") != 0 || strcmp(path, RIG_IMAGE) != 0) return;
    assert_int_equal(atomic_load(&watch->rig->wal->noted), watch->noted);
    watch->rooms += wal_has_room(watch->rig->wal);
}

static void test_room_comes_back_while_a_checkpoint_runs(void **state)
{
    (void)state;
    rig_start(&rig, WAL_EVERYSEC, 20);
    unsigned appended = 0;
    for (; wal_has_room(rig.wal) || wal_step_room(rig.wal); appended++)
        if (wal_has_room(rig.wal)) rig_append(&rig, 512);
    uint64_t noted = atomic_load(&rig.wal->noted);
    uint64_t tail = wal_end(rig.wal) - noted;
    assert_in_range(tail, RIG_TAIL_LIMIT / 2, RIG_TAIL_LIMIT); /* the rest is kept for the checkpoint */
    rig_sync(&rig);
    while (wal_step_apply(rig.wal)) {
    }
    assert_false(wal_has_room(rig.wal));
    struct room_watch watch = {&rig, noted, 0};
    rig.disk->moment = watch_room;
    rig.disk->moment_arg = &watch;
    assert_true(wal_step_checkpoint(rig.wal));
    rig.disk->moment = NULL;
    assert_true(watch.rooms > 0);
    assert_true(atomic_load(&rig.wal->noted) > noted);
    assert_true(wal_has_room(rig.wal));
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_J1_only_durable_records_reach_the_image),
        cmocka_unit_test(test_J2_segments_stay_until_the_note_is_durable),
        cmocka_unit_test(test_J3_replies_wait_for_records_and_no_append_waits_for_a_sync),
        cmocka_unit_test(test_J3_a_policy_that_is_loosened_keeps_its_promises),
        cmocka_unit_test(test_J3_a_record_that_is_being_copied_is_waited_for),
        cmocka_unit_test(test_J4_nothing_counts_behind_a_gap),
        cmocka_unit_test(test_J5_growth_comes_before_what_lies_there),
        cmocka_unit_test(test_J6_recovery_syncs_before_it_applies),
        cmocka_unit_test(test_J7_dead_timelines_stay_dead),
        cmocka_unit_test(test_J7_an_older_journal_stays_dead),
        cmocka_unit_test(test_J8_records_span_segments_and_exceed_the_limit),
        cmocka_unit_test(test_J9_bad_tails_end_the_replay_and_are_told),
        cmocka_unit_test(test_J9_what_an_earlier_use_left_is_no_damage),
        cmocka_unit_test(test_J10_a_failed_sync_of_the_journal_is_final),
        cmocka_unit_test(test_J10_a_failed_sync_of_the_image_ends_recycling),
        cmocka_unit_test(test_J10_an_image_without_a_base_is_written_again),
        cmocka_unit_test(test_J10_lost_pages_of_the_journal_are_written_again),
        cmocka_unit_test(test_J10_journal_and_image_fail_together),
        cmocka_unit_test(test_J10_lost_heads_of_segments_are_written_again),
        cmocka_unit_test(test_J10_a_recovery_that_failed_is_repeated),
        cmocka_unit_test(test_J10_an_error_that_a_recovery_is_told_is_not_forgotten),
        cmocka_unit_test(test_J10_a_failed_flush_of_the_image_is_a_failed_sync),
        cmocka_unit_test(test_a_copy_of_the_image_is_made_durable),
        cmocka_unit_test(test_a_full_disk_ends_room_for_a_while),
        cmocka_unit_test(test_a_full_disk_goes_on_with_its_segments),
        cmocka_unit_test(test_room_comes_back_while_a_checkpoint_runs),
    };
    return cmocka_run_group_tests_name("journal_rules", tests, NULL, NULL);
}
