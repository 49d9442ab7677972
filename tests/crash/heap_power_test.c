/* Power cuts and deaths of processes, at every moment of a heap's life: its creation, its transactions with a journal and
 * without, the changes between both, its end. Whatever the disk kept, a heap that promises to survive is there with all that was
 * durable, and one that does not is not trusted (DESIGN §2; heap/journaled.c, heap/superblock.h). The journal alone:
 * journal_power_test.c.
 *
 * CAIRN_TEST_LONG=1: more disks at each moment.
 */
#include "support/chooser.h"
#include "support/heap_life.h"
#include "support/long.h"

#include "pmem/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define DEPTH_MAX  2  /* lives that are cut: the first, and those that follow a cut of it */
#define RANDOM_OPS 40 /* of a history */

static struct {
    unsigned long cuts;
    unsigned long deaths;
    unsigned long refused;
} counts;

struct explorer {
    struct life *life; /* whose disk is looked at */
    struct chooser chooser;
    unsigned depth;
    unsigned all_max;     /* cuts of a moment: up to so many are all tried */
    unsigned cuts_max;    /* of more, so many */
    unsigned skip;        /* of so many moments one is explored */
    uint64_t explored_at; /* changes of the disk */
};

static struct explorer *current; /* NULL: nobody looks at the stores */

static void explore_moment(void *arg, const char *what, const char *path);

static uint64_t roll(struct explorer *explorer)
{
    return chooser_random(&explorer->chooser.seed);
}

/* ---- lives after a cut ---- */

static enum life_op either_mode(struct explorer *explorer)
{
    return roll(explorer) % 2 ? LIFE_OPEN_JOURNALED : LIFE_OPEN_SHARED;
}

static void cut_once(struct explorer *explorer, struct chooser *chooser);

static void cut_to(struct explorer *explorer, enum chooser_bias bias)
{
    explorer->chooser.bias = bias;
    explorer->chooser.mixed = bias != CHOOSER_OLD;
    cut_once(explorer, &explorer->chooser);
}

/* It goes on, and is cut in turn: nothing that it counts on may be less durable than it thinks. */
static void live_on(struct explorer *inside, unsigned steps)
{
    struct life *life = inside->life;
    for (unsigned i = 0; i < steps; i++) {
        life_do(life, life_choose(life, roll(inside)));
        if (roll(inside) % 4 == 0) cut_to(inside, (enum chooser_bias)(roll(inside) % CHOOSER_BIASES));
    }
    life_do(life, LIFE_TX);
    life_do(life, LIFE_SYNC);
    cut_to(inside, CHOOSER_OLD);
}

/* Closed, and opened in another boot or the same: everything is there. */
static void reopen(struct explorer *explorer, struct life *life)
{
    life_do(life, LIFE_CLOSE);
    if (roll(explorer) % 2) life_do(life, LIFE_BOOT);
    life_do(life, either_mode(explorer));
}

static void look_inside(struct explorer *parent, struct life *life, bool same_boot, bool deep)
{
    struct explorer inside = {.life = life,
                              .chooser = {.random = true, .mixed = true, .seed = roll(parent)},
                              .depth = parent->depth + 1,
                              .all_max = 1,
                              .cuts_max = 1,
                              .skip = test_is_long() ? 2 : 5};
    if (deep) {
        life->disk->moment = explore_moment;
        life->disk->moment_arg = &inside;
        current = &inside;
    }
    bool opened = life_open(life, either_mode(parent));
    life->disk->moment = NULL;
    current = NULL;
    if (!opened) {
        counts.refused++;
        if (roll(parent) % 8 == 0) life_move_aside(life);
        return;
    }
    lying_disk_look(life->disk);
    if (inside.depth < DEPTH_MAX && (same_boot || deep)) {
        cut_to(&inside, CHOOSER_OLD);
        live_on(&inside, (unsigned)(roll(parent) % 4));
    }
    if (roll(parent) % 16 == 0) reopen(parent, life);
}

static void try_disk(struct explorer *parent, struct lying_disk *disk, bool same_boot)
{
    struct explorer *outer = current;
    struct life life;
    bool deep = parent->depth + 1 < DEPTH_MAX && roll(parent) % 6 == 0;
    current = NULL;
    life_inherit(&life, parent->life, disk, same_boot);
    look_inside(parent, &life, same_boot, deep);
    life_end(&life);
    current = outer;
}

static void cut_once(struct explorer *explorer, struct chooser *chooser)
{
    counts.cuts++;
    try_disk(explorer, lying_disk_cut(explorer->life->disk, chooser_choose, chooser), false);
}

static void die_once(struct explorer *explorer)
{
    counts.deaths++;
    try_disk(explorer, lying_disk_clone(explorer->life->disk), true);
}

/* ---- moments ---- */

static void explore(struct explorer *explorer)
{
    uint64_t cuts = lying_disk_cuts(explorer->life->disk, explorer->all_max + 1);
    explorer->explored_at = explorer->life->disk->changes;
    if (explorer->depth == 0) die_once(explorer);
    if (cuts <= explorer->all_max) {
        struct chooser all = {.seed = roll(explorer)};
        do
            cut_once(explorer, &all);
        while (chooser_next(&all));
        return;
    }
    for (unsigned i = 0; i < explorer->cuts_max; i++) {
        explorer->chooser.bias =
            i < CHOOSER_BIASES ? (enum chooser_bias)(CHOOSER_BIASES - 1 - i) : CHOOSER_EVEN;
        explorer->chooser.mixed = i > 1;
        cut_once(explorer, &explorer->chooser);
    }
}

static void explore_moment(void *arg, const char *what, const char *path)
{
    struct explorer *explorer = arg;
    (void)path;
    explorer->life->last = what;
    if (explorer->explored_at == explorer->life->disk->changes) return;
    if (explorer->skip > 1 && roll(explorer) % explorer->skip != 0) return;
    explore(explorer);
}

#ifdef CAIRN_CRASHPOINTS

/* A store through the heap's mapping comes next. Those of transactions are many, and alike. */
static void look_at_store(void *arg)
{
    (void)arg;
    struct explorer *explorer = current;
    if (explorer == NULL || explorer->life->disk->in_moment) return;
    bool often = explorer->life->op == LIFE_TX || explorer->life->op == LIFE_GROW;
    if (often && roll(explorer) % (test_is_long() ? 4 : 16) != 0) return;
    lying_disk_look(explorer->life->disk);
    explorer->life->disk->in_moment = true;
    explore_moment(explorer, "store", LIFE_PATH);
    explorer->life->disk->in_moment = false;
}

static void watch_stores(bool on)
{
    pmem_fault_watch(on ? look_at_store : NULL, NULL);
}

#else

static void watch_stores(bool on)
{
    (void)on;
}

#endif

/* ---- histories ---- */

static void tell_counts(const char *name)
{
    print_message("%s: %lu disks after power cuts, %lu after deaths of the process, %lu not trusted\n", name,
                  counts.cuts, counts.deaths, counts.refused);
}

static void begin_life(struct explorer *explorer, struct life *life, uint64_t seed)
{
    *explorer = (struct explorer){.life = life, .chooser = {.random = true, .mixed = true, .seed = seed}};
    life_start(life);
    life->disk->moment = explore_moment;
    life->disk->moment_arg = explorer;
    watch_stores(true);
}

static void end_life(struct life *life)
{
    watch_stores(false);
    current = NULL;
    life->disk->moment = NULL;
    life_end(life);
}

static void live_through(const char *name, const enum life_op *ops, unsigned count, uint64_t seed)
{
    struct life life;
    struct explorer explorer;
    counts.cuts = counts.deaths = counts.refused = 0;
    for (uint64_t round = 0; round < (test_is_long() ? 16 : 1); round++) {
        begin_life(&explorer, &life, seed + 100 * round);
        explorer.all_max = test_is_long() ? 64 : 8;
        explorer.cuts_max = test_is_long() ? 16 : 4;
        explorer.skip = 1;
        for (unsigned i = 0; i < count; i++) {
            current = &explorer;
            life_do(&life, ops[i]);
            explore(&explorer); /* what was promised by then holds now */
        }
        end_life(&life);
    }
    tell_counts(name);
}

#define LIVE_THROUGH(name, ops, seed) live_through(name, ops, sizeof(ops) / sizeof *(ops), seed)

static void test_a_heap_with_a_journal(void **state)
{
    static const enum life_op ops[] = {
        LIFE_OPEN_JOURNALED,
        LIFE_TX,
        LIFE_TX,
        LIFE_SYNC,
        LIFE_TX,
        LIFE_APPLY,
        LIFE_GROW,
        LIFE_TX,
        LIFE_SYNC,
        LIFE_ROOM,
        LIFE_TX,
        LIFE_TX,
        LIFE_TX,
        LIFE_TX,
        LIFE_APPLY,
        LIFE_ROOM,
        LIFE_SYNC,
        LIFE_CHECKPOINT,
        LIFE_TX,
        LIFE_CLOSE,
        LIFE_BOOT,
        LIFE_OPEN_JOURNALED,
        LIFE_TX,
        LIFE_CLOSE,
        LIFE_OPEN_JOURNALED,
        LIFE_TX,
        LIFE_SYNC,
    };
    (void)state;
    LIVE_THROUGH("journaled", ops, 1);
}

static void test_a_heap_that_changes_its_mode(void **state)
{
    static const enum life_op ops[] = {
        LIFE_OPEN_JOURNALED, LIFE_TX,    LIFE_END,  LIFE_TX, LIFE_GROW,  LIFE_SYNC, LIFE_BEGIN, LIFE_TX,
        LIFE_SYNC,           LIFE_TX,    LIFE_BASE, LIFE_TX, LIFE_SYNC,  LIFE_TX,   LIFE_END,   LIFE_BEGIN,
        LIFE_BASE,           LIFE_APPLY, LIFE_TX,   LIFE_TX, LIFE_CLOSE,
    };
    (void)state;
    LIVE_THROUGH("changing its mode", ops, 2);
}

static void test_a_heap_opened_in_another_mode(void **state)
{
    static const enum life_op ops[] = {
        LIFE_OPEN_SHARED,
        LIFE_TX,
        LIFE_CLOSE,
        LIFE_BOOT,
        LIFE_OPEN_JOURNALED,
        LIFE_TX,
        LIFE_SYNC,
        LIFE_CLOSE,
        LIFE_BOOT,
        LIFE_OPEN_SHARED,
        LIFE_TX,
        LIFE_CLOSE,
        LIFE_OPEN_SHARED,
        LIFE_TX,
        LIFE_BEGIN,
        LIFE_BASE,
        LIFE_TX,
        LIFE_CLOSE,
        LIFE_OPEN_SHARED,
        LIFE_CLOSE,
        LIFE_OPEN_JOURNALED,
        LIFE_TX,
    };
    (void)state;
    LIVE_THROUGH("opened in the other mode", ops, 3);
}

/* The next step of a random history. */
static void step(struct explorer *explorer)
{
    struct life *life = explorer->life;
    uint64_t dice = roll(explorer) % 16;
    if (life->state == LIFE_CLOSED) {
        if (dice % 3 == 0) life_do(life, LIFE_BOOT);
        life_do(life, either_mode(explorer));
    } else {
        life_do(life, dice == 0 ? LIFE_CLOSE : life_choose(life, roll(explorer)));
    }
}

static void test_random_histories(void **state)
{
    (void)state;
    counts.cuts = counts.deaths = counts.refused = 0;
    for (uint64_t seed = 1; seed <= (test_is_long() ? 200 : 8); seed++) {
        struct life life;
        struct explorer explorer;
        begin_life(&explorer, &life, seed * 7919);
        explorer.cuts_max = 2;
        explorer.skip = 6;
        for (unsigned i = 0; i < RANDOM_OPS; i++) {
            current = &explorer;
            step(&explorer);
            if (roll(&explorer) % 4 == 0) explore(&explorer);
        }
        end_life(&life);
    }
    tell_counts("random histories");
}

/* ---- moving aside ---- */

struct mover {
    struct life *life;
    uint8_t seed[HEAP_SEED_BYTES]; /* of the heap that nobody trusts */
    uint64_t dice;
};

/* What was moved is there by one name or the other, and the next start begins where this one was cut. */
static void move_again(struct mover *mover, struct lying_disk *disk, bool same_boot)
{
    struct life life = {.disk = disk, .state = LIFE_UNKNOWN, .boot = mover->life->boot + !same_boot};
    assert_int_equal(life_count_files(&life, mover->seed), 1);
    life_move_aside(&life);
    assert_int_equal(life_count_files(&life, mover->seed), 1);
    life_do(&life, LIFE_TX);
    life_end(&life);
}

static void cut_the_move(void *arg, const char *what, const char *path)
{
    struct mover *mover = arg;
    (void)what, (void)path;
    for (unsigned i = 0; i < 3 * CHOOSER_BIASES; i++) {
        struct chooser chooser = {
            .random = true, .seed = mover->dice++, .bias = (enum chooser_bias)(i % CHOOSER_BIASES)};
        counts.cuts++;
        move_again(mover, lying_disk_cut(mover->life->disk, chooser_choose, &chooser), false);
    }
    counts.deaths++;
    move_again(mover, lying_disk_clone(mover->life->disk), true);
}

static void test_an_untrusted_heap_is_moved_aside(void **state)
{
    struct life before;
    struct life life;
    struct mover mover = {.life = &life};
    struct chooser newest = {.random = true, .bias = CHOOSER_NEW};
    (void)state;
    counts.cuts = counts.deaths = counts.refused = 0;
    life_start(&before);
    life_do(&before, LIFE_OPEN_SHARED);
    life_do(&before, LIFE_TX);
    life_do(&before, LIFE_SYNC);
    memcpy(mover.seed, heap_seed(before.model.heap), sizeof mover.seed);
    life_inherit(&life, &before, lying_disk_cut(before.disk, chooser_choose, &newest), false);
    assert_false(life_open(&life, LIFE_OPEN_JOURNALED));
    life.disk->moment = cut_the_move;
    life.disk->moment_arg = &mover;
    life_move_aside(&life);
    assert_int_equal(life_count_files(&life, mover.seed), 1);
    cut_the_move(&mover, "the end", LIFE_PATH);
    life.disk->moment = NULL;
    life_end(&life);
    life_end(&before);
    tell_counts("moving aside");
}

/* ---- syncs that fail ---- */

/* Whichever sync fails on the way, what follows is as safe as what the heap says that it is. */
static void fail_each_sync(const char *name, const enum life_op *before, unsigned count, enum life_op op)
{
    uint64_t syncs = 0;
    counts.cuts = counts.deaths = counts.refused = 0;
    for (bool succeeds = false; !succeeds; syncs++) {
        struct life life;
        life_start(&life);
        struct explorer explorer = {.life = &life,
                                    .chooser = {.random = true, .mixed = true, .seed = syncs},
                                    .all_max = 8,
                                    .cuts_max = 8};
        for (unsigned i = 0; i < count; i++)
            life_do(&life, before[i]);
        succeeds = life_try(&life, op, &(struct lying_faults){.good_syncs = syncs, .bytes_left = UINT64_MAX});
        life_do(&life, LIFE_TX);
        explore(&explorer);
        life_do(&life, LIFE_TX);
        explore(&explorer);
        life_end(&life);
    }
    assert_true(syncs > 2);
    tell_counts(name);
}

static void test_syncs_that_fail_while_the_mode_changes(void **state)
{
    static const enum life_op journaled[] = {LIFE_OPEN_JOURNALED, LIFE_TX, LIFE_SYNC, LIFE_TX, LIFE_APPLY};
    static const enum life_op shared[] = {LIFE_OPEN_SHARED, LIFE_TX, LIFE_TX};
    static const enum life_op unbased[] = {LIFE_OPEN_SHARED, LIFE_TX, LIFE_BEGIN, LIFE_TX};
    (void)state;
    fail_each_sync("syncs that fail at an end", journaled, 5, LIFE_END);
    fail_each_sync("syncs that fail at a begin", shared, 3, LIFE_BEGIN);
    fail_each_sync("syncs that fail at a base", unbased, 4, LIFE_BASE);
}

/* A save of a shared heap fails; what it was about is on no disk, whatever the next sync says. */
static void test_a_save_that_fails_is_not_forgotten(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct life life;
        struct explorer explorer = {
            .life = &life, .chooser = {.random = true, .mixed = true, .seed = how}, .all_max = 8, .cuts_max = 8};
        life_start(&life);
        life_do(&life, LIFE_OPEN_SHARED);
        life_do(&life, LIFE_TX);
        life_do(&life, LIFE_TX);
        strcpy(life.disk->faults.fail_sync, LIFE_PATH);
        assert_int_equal(heap_sync(life.model.heap), ERROR_IO);
        life.disk->faults.fail_sync[0] = '\0';
        assert_int_equal(heap_sync(life.model.heap), ERROR_IO);
        if (how > 0) life_do(&life, LIFE_BEGIN);
        if (how > 0) life_do(&life, LIFE_BASE);
        if (how == 2) life_do(&life, LIFE_END);
        if (how == 2) life_do(&life, LIFE_SYNC);
        if (how == 0) life_do(&life, LIFE_CLOSE);
        explore(&explorer);
        life_end(&life);
    }
}

#define BYTES_STEP (UINT64_C(384) << 10)

/* A disk without room for a new heap, or for all of it: an error, and once there is room the next start makes it whole. */
static void test_a_full_disk_at_the_start(void **state)
{
    bool opens = false;
    unsigned failures = 0;
    (void)state;
    counts.cuts = counts.deaths = counts.refused = 0;
    for (uint64_t bytes = 0; !opens; bytes += BYTES_STEP) {
        struct life life;
        struct heap_report report;
        life_start(&life);
        struct explorer explorer = {
            .life = &life, .chooser = {.random = true, .seed = bytes}, .all_max = 4, .cuts_max = 4};
        struct heap_options options = life_options(&life, LIFE_OPEN_JOURNALED);
        life.disk->faults.bytes_left = bytes;
        life.op = LIFE_OPEN_JOURNALED;
        enum error error = heap_open(&options, &life.model.heap, &report);
        opens = error == ERROR_OK;
        if (opens) {
            assert_int_equal(heap_close(life.model.heap), ERROR_OK);
        } else {
            assert_int_equal(error, ERROR_DISK_FULL);
            assert_true(report.detail[0] != '\0');
            failures++;
        }
        life.disk->faults.bytes_left = UINT64_MAX;
        explore(&explorer);
        life_do(&life, LIFE_OPEN_JOURNALED);
        life_end(&life);
    }
    assert_true(failures > 10);
    tell_counts("a full disk at the start");
}

static void test_a_full_disk_when_a_journal_begins(void **state)
{
    bool begins = false;
    unsigned failures = 0;
    (void)state;
    counts.cuts = counts.deaths = counts.refused = 0;
    for (uint64_t bytes = 0; !begins; bytes += 4096, failures += !begins) {
        struct life life;
        life_start(&life);
        struct explorer explorer = {
            .life = &life, .chooser = {.random = true, .seed = bytes}, .all_max = 4, .cuts_max = 4};
        life_do(&life, LIFE_OPEN_SHARED);
        life_do(&life, LIFE_TX);
        begins = life_try(&life, LIFE_BEGIN,
                          &(struct lying_faults){.good_syncs = UINT64_MAX, .bytes_left = bytes});
        life_do(&life, LIFE_TX);
        explore(&explorer);
        if (!begins) life_do(&life, LIFE_BEGIN);
        life_do(&life, LIFE_BASE);
        life_do(&life, LIFE_TX);
        life_end(&life);
    }
    assert_true(failures > 1);
    tell_counts("a full disk when a journal begins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_heap_with_a_journal),
        cmocka_unit_test(test_a_heap_that_changes_its_mode),
        cmocka_unit_test(test_a_heap_opened_in_another_mode),
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_an_untrusted_heap_is_moved_aside),
        cmocka_unit_test(test_syncs_that_fail_while_the_mode_changes),
        cmocka_unit_test(test_a_save_that_fails_is_not_forgotten),
        cmocka_unit_test(test_a_full_disk_at_the_start),
        cmocka_unit_test(test_a_full_disk_when_a_journal_begins),
    };
    return cmocka_run_group_tests_name("heap_power", tests, NULL, NULL);
}
