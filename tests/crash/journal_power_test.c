/* Power cuts: at every moment of a journal's life, on every disk that they could leave, recovery finds a prefix of the
 * history that holds all that was acknowledged (DESIGN §2, J1 to J10; each rule alone: journal_rules_test.c).
 *
 * CAIRN_TEST_LONG=1: at least 100,000 disk states instead of 5,000.
 */
#include "support/chooser.h"
#include "support/power_rig.h"
#include "util/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEPTH_MAX 3    /* cuts of recoveries of cuts */
#define CUTS_MAX  4096 /* of one moment, all of them up to here */

static unsigned long states; /* disks recovered */
static uint64_t rests;       /* looks at live heaps, for whole pages */

static bool is_long(void)
{
    const char *value = getenv("CAIRN_TEST_LONG");
    return value != NULL && strcmp(value, "1") == 0;
}

/* ---- exploring ---- */

struct explorer {
    struct rig *rig;      /* whose disk is cut at its moments */
    const struct rig *of; /* whose history counts: the rig's own, or that of the one it recovers */
    struct chooser chooser;
    unsigned depth;
    unsigned cuts_max; /* at a moment: more are sampled, fewer are all tried */
    unsigned skip;     /* of so many moments one is explored */
};

static void explore_moment(void *arg, const char *what, const char *path);

static void live_on(struct rig *rig, struct explorer *parent);

/* Recovers the cut, whose recovery may be cut in turn; goes on for a while, and may be cut again. */
static void try_disk(struct explorer *parent, struct lying_disk *disk, uint64_t boot)
{
    static struct rig rigs[DEPTH_MAX + 1];
    struct rig *rig = &rigs[parent->depth];
    struct explorer inside = {.rig = rig,
                              .of = parent->of,
                              .chooser = {.random = true, .seed = rig_random(&parent->chooser.seed)},
                              .depth = parent->depth + 1,
                              .cuts_max = 2,
                              .skip = 4};
    states++;
    rig->disk = disk;
    if (inside.depth < DEPTH_MAX && rig_random(&parent->chooser.seed) % 4 == 0) {
        disk->moment = explore_moment;
        disk->moment_arg = &inside;
    }
    rig_recover(rig, parent->of, disk, boot);
    disk->moment = NULL;
    /* Whatever the policy: the page cache has it all. */
    if (boot == parent->rig->boot) ASSERT(rig->history.count == parent->of->history.count);
    if (inside.depth < DEPTH_MAX && rig_random(&parent->chooser.seed) % 3 == 0) live_on(rig, &inside);
    rests += rig->rests;
    rig_end(rig);
}

static void cut_once(struct explorer *explorer, struct chooser *chooser)
{
    struct lying_disk *cut = lying_disk_cut(explorer->rig->disk, chooser_choose, chooser);
    try_disk(explorer, cut, explorer->rig->boot + 1);
}

static void explore(struct explorer *explorer)
{
    uint64_t cuts = lying_disk_cuts(explorer->rig->disk, explorer->cuts_max + 1);
    if (cuts <= explorer->cuts_max) {
        struct chooser all = {.seed = rig_random(&explorer->chooser.seed)};
        do
            cut_once(explorer, &all);
        while (chooser_next(&all));
        return;
    }
    for (unsigned i = 0; i < explorer->cuts_max; i++) {
        explorer->chooser.bias = (enum chooser_bias)(rig_random(&explorer->chooser.seed) % CHOOSER_BIASES);
        cut_once(explorer, &explorer->chooser);
    }
}

static void explore_moment(void *arg, const char *what, const char *path)
{
    struct explorer *explorer = arg;
    (void)what, (void)path;
    if (explorer->skip > 1 && rig_random(&explorer->chooser.seed) % explorer->skip != 0) return;
    explore(explorer);
}

/* The process dies and starts again in the same boot: everything is there, whatever the policy. */
static void die_once(struct explorer *explorer)
{
    try_disk(explorer, lying_disk_clone(explorer->rig->disk), explorer->rig->boot);
}

/* A recovered journal goes on: a new timeline, cut again. */
static void live_on(struct rig *rig, struct explorer *parent)
{
    struct explorer explorer = *parent;
    explorer.rig = rig;
    explorer.of = rig;
    for (unsigned i = 0; i < 6; i++)
        rig_step(rig);
    cut_once(&explorer, &explorer.chooser);
}

/* ---- syncs that fail ---- */

/* On a disk whose syncs fail from some time on. */
static void append_if_possible(struct rig *rig)
{
    struct rig_history *history = &rig->history;
    if (wal_error(rig->wal) != ERROR_OK || !wal_has_room(rig->wal)) return;
    rig_append(rig, 0);
    if (history->entries[history->count - 1].lsn != WAL_LSN_NEVER) return;
    free(history->entries[--history->count].state); /* it found no room */
}

static void step_until_it_fails(struct rig *rig)
{
    unsigned steps = 4 + (unsigned)(rig_random(&rig->seed) % 16);
    rig->disk->faults.good_syncs = rig_random(&rig->seed) % 8;
    for (unsigned i = 0; i < steps; i++) {
        append_if_possible(rig);
        switch (rig_random(&rig->seed) % 7) {
        case 0: wal_step_room(rig->wal); break;
        case 1: wal_step_apply(rig->wal); break;
        case 2: wal_request_checkpoint(rig->wal); break;
        case 3: wal_step_checkpoint(rig->wal); break;
        case 4:
            if (rig_random(&rig->seed) % 4 == 0) lying_disk_fail_write(rig->disk, RIG_IMAGE);
            break;
        default: wal_step_sync(rig->wal); break;
        }
        rig_note_floor(rig);
    }
    rig->disk->faults.good_syncs = UINT64_MAX;
    lying_disk_look(rig->disk);
}

/* A process that starts now would be told of a write that failed. */
static bool waits_to_tell(const struct lying_disk *disk)
{
    bool waits = false;
    for (unsigned i = 0; i < LYING_FILES; i++)
        waits |= disk->files[i].exists && disk->files[i].failed_writes > 0 && !disk->files[i].is_told;
    return waits;
}

/* A start on it whose syncs may fail, and a checkpoint. */
static void open_in_vain(const struct rig *rig, struct lying_disk *disk, uint64_t boot, uint64_t good_syncs)
{
    char detail[512];
    struct wal *wal;
    struct wal_recovery recovery;
    struct wal_options options = rig->options;
    options.storage = &disk->storage;
    options.boot_mark = boot;
    options.live.at_rest = NULL;
    options.callbacks.log = NULL;
    disk->faults.good_syncs = good_syncs;
    if (wal_open(&options, &wal, &recovery, detail, sizeof detail) == ERROR_OK) {
        (void)!wal_checkpoint(wal);
        wal_abandon(wal);
    }
    disk->faults.good_syncs = UINT64_MAX;
    lying_disk_look(disk);
}

/* What a failed sync left in the page cache is no more durable than it was, whoever goes on with it: the next process of the boot, or
 * one behind a power cut whose own start failed. */
static void fail_once(struct explorer *explorer)
{
    static struct rig failing;
    static struct rig next;
    uint64_t *seed = &explorer->chooser.seed;
    rig_recover(&failing, explorer->rig, lying_disk_clone(explorer->rig->disk), explorer->rig->boot);
    failing.seed = rig_random(seed);
    step_until_it_fails(&failing);
    bool is_cut = rig_random(seed) % 4 == 0;
    struct lying_disk *disk = is_cut ? lying_disk_cut(failing.disk, chooser_choose, &explorer->chooser)
                                     : lying_disk_clone(failing.disk);
    uint64_t boot = failing.boot + is_cut;
    for (uint64_t tries = rig_random(seed) % 3; tries > 0 || waits_to_tell(disk); tries -= tries > 0) {
        open_in_vain(&failing, disk, boot, tries > 0 ? rig_random(seed) % 5 : UINT64_MAX);
        struct lying_disk *later = lying_disk_clone(disk);
        lying_disk_free(disk);
        disk = later;
    }
    rig_recover(&next, &failing, disk, boot);
    ASSERT(is_cut || next.history.count == failing.history.count);
    struct explorer inside = {.rig = &next,
                              .of = &next,
                              .chooser = {.random = true, .seed = rig_random(seed)},
                              .depth = 1,
                              .cuts_max = 2,
                              .skip = 1};
    inside.chooser.bias = CHOOSER_OLD;
    cut_once(&inside, &inside.chooser);
    for (unsigned i = 0; i < 8; i++)
        rig_step(&next);
    rig_sync(&next);
    cut_once(&inside, &inside.chooser);
    inside.chooser.bias = CHOOSER_EVEN;
    cut_once(&inside, &inside.chooser);
    rig_end(&next);
    rig_end(&failing);
}

/* ---- tests ---- */

/* Few records: every cut of every moment. */
static void test_every_disk_of_small_histories(void **state)
{
    (void)state;
    unsigned long before = states;
    for (uint64_t seed = 1; seed <= (is_long() ? 60 : 6); seed++) {
        static struct rig rig;
        rig_start(&rig, seed % 3 == 0 ? WAL_EVERYSEC : WAL_ALWAYS, seed);
        struct explorer explorer = {
            .rig = &rig, .of = &rig, .chooser = {.random = true, .seed = seed}, .cuts_max = 128};
        rig.disk->moment = explore_moment;
        rig.disk->moment_arg = &explorer;
        rig_append(&rig, 16);
        explore(&explorer);
        rig_append(&rig, 600);
        explore(&explorer);
        rig_sync(&rig);
        rig_append(&rig, 24);
        wal_step_apply(rig.wal);
        explore(&explorer);
        rig_sync(&rig);
        assert_int_equal(rig.floor, rig.history.count);
        assert_int_equal(wal_checkpoint(rig.wal), ERROR_OK);
        rig_append(&rig, 8);
        explore(&explorer);
        rig_end(&rig);
    }
    printf("small histories: %lu disk states\n", states - before);
}

static void test_random_disks_of_long_histories(void **state)
{
    (void)state;
    unsigned long before = states;
    unsigned long wanted = before + (is_long() ? 110000 : 5500);
    for (uint64_t seed = 1; states < wanted; seed++) {
        static struct rig rig;
        rig_start(&rig, (enum wal_policy)(seed % 3), seed * 7919);
        struct explorer explorer = {
            .rig = &rig, .of = &rig, .chooser = {.random = true, .seed = seed}, .cuts_max = 3, .skip = 3};
        rig.disk->moment = explore_moment;
        rig.disk->moment_arg = &explorer;
        for (unsigned i = 0; i < 120 && states < wanted; i++) {
            rig_step(&rig);
            if (rig_random(&explorer.chooser.seed) % 4 == 0) explore(&explorer);
            if (rig_random(&explorer.chooser.seed) % 16 == 0) die_once(&explorer);
            if (rig_random(&explorer.chooser.seed) % 16 == 0) fail_once(&explorer);
        }
        rests += rig.rests;
        rig_end(&rig);
    }
    printf("long histories: %lu disk states, %" PRIu64 " looks at live heaps\n", states - before, rests);
    assert_true(rests > 100); /* pages were copied */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_disk_of_small_histories),
        cmocka_unit_test(test_random_disks_of_long_histories),
    };
    return cmocka_run_group_tests_name("journal_power", tests, NULL, NULL);
}
