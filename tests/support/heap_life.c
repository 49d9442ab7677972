/* heap_life.c: see heap_life.h. */
#include "support/heap_life.h"

#include "heap/grow.h"
#include "heap/heap_layout.h"
#include "heap/heap_state.h"
#include "heap/superblock.h"
#include "journal/wal_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define SEGMENT_BYTES (UINT64_C(8) << 10)
#define TAIL_LIMIT    (UINT64_C(64) << 10)
#define SCRIPT_TXS    64
#define SCRIPT_ROOTS  11

/* ---- the script ---- */

/* Each transaction replaces two roots' blocks, of which some become none. */
static const struct model_script *the_script(void)
{
    static struct model_step steps[2 * SCRIPT_TXS];
    static const struct model_script script = {steps, 2 * SCRIPT_TXS};
    static const uint32_t sizes[] = {24, 0, 200, 3000, 64, 1000, 0, 5000};
    for (uint32_t i = 0; steps[0].tx == 0 || i < 2 * SCRIPT_TXS; i++) {
        if (i == 2 * SCRIPT_TXS) break;
        steps[i] = (struct model_step){.tx = i / 2 + 1,
                                       .root = (i * 5 + i / 16) % SCRIPT_ROOTS,
                                       .bytes = sizes[(i * 3 + i / 8) % (sizeof sizes / sizeof *sizes)]};
    }
    return &script;
}

/* ---- opening ---- */

static void say_nothing(void *arg, enum wal_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

/* A step of the applier is taken while no transaction is open: there is nobody to stop. */
static void stop_nobody(void *arg)
{
    (void)arg;
}

static const struct heap_journal_options journal = {.wanted = true,
                                                    .policy = WAL_EVERYSEC,
                                                    .tail_limit_bytes = TAIL_LIMIT,
                                                    .segment_bytes = SEGMENT_BYTES,
                                                    .callbacks = {.log = say_nothing},
                                                    .rest = {.stop = stop_nobody, .resume = stop_nobody},
                                                    .no_threads = true};

struct heap_options life_options(const struct life *life, enum life_op op)
{
    static char boot_id[32];
    snprintf(boot_id, sizeof boot_id, "boot %u", life->boot);
    return (struct heap_options){.path = LIFE_PATH,
                                 .storage = &life->disk->storage,
                                 .mode = op == LIFE_OPEN_JOURNALED ? HEAP_MODE_JOURNALED : HEAP_MODE_SHARED,
                                 .on_unclean = HEAP_UNCLEAN_REFUSE,
                                 .reserve_bytes = LYING_HEAP_BYTES,
                                 .boot_id = boot_id,
                                 .journal = journal};
}

static void open_thread(struct life *life)
{
    life->model.threads[1] = NULL;
    ASSERT(heap_thread_open(life->model.heap, &life->model.threads[0]) == ERROR_OK);
}

void life_start(struct life *life)
{
    *life = (struct life){.disk = lying_disk_new(), .boot = 1};
}

void life_inherit(struct life *life, const struct life *of, struct lying_disk *disk, bool same_boot)
{
    struct life_expectation expected = life_expect(of);
    bool is_steady = of->op == LIFE_NONE || of->op == LIFE_TX || of->op == LIFE_SYNC || of->op == LIFE_GROW;
    *life = (struct life){.disk = disk,
                          .state = LIFE_UNKNOWN,
                          .at_cut = expected,
                          .found = expected,
                          .of = of,
                          .boot = of->boot + !same_boot,
                          .committed = same_boot ? of->committed : expected.floor,
                          .begun = of->begun,
                          .floor = expected.floor};
    if (!same_boot) return;
    life->found = (struct life_expectation){.floor = of->committed};
    if (of->state == LIFE_SHARED && is_steady) life->state = LIFE_SHARED;
}

static void close_heap(struct life *life)
{
    heap_thread_close(life->model.threads[0]);
    enum error error = heap_close(life->model.heap);
    ASSERT((error == ERROR_OK) == (life->state != LIFE_FAILED));
    life->model.heap = NULL;
}

void life_end(struct life *life)
{
    if (life->model.heap != NULL) close_heap(life);
    lying_disk_free(life->disk);
    life->disk = NULL;
}

static void tell_history(const struct life *life)
{
    static const char *const ops[] = {"nothing",        "opening journaled",
                                      "opening shared", "a transaction",
                                      "a sync",         "making room",
                                      "applying",       "a checkpoint",
                                      "growing",        "end",
                                      "begin",          "base",
                                      "closing",        "booting"};
    static const char *const states[] = {"closed", "journaled", "without a base",
                                         "shared", "failed",    "unknown"};
    for (; life != NULL; life = life->of)
        fprintf(stderr, "  boot %u: %s, in %s (%s); %u transactions begun, %u committed, %u durable\n",
                life->boot, states[life->state], ops[life->op], life->last != NULL ? life->last : "",
                life->begun, life->committed, life->floor);
}

/* Says what is wrong before it ends the process. */
static void demand(const struct life *life, bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    tell_history(life);
    abort();
}

static void look_at_everything(struct life *life, const struct heap_report *report)
{
    uint32_t done = (uint32_t)heap_root(life->model.heap, MODEL_COUNTER).raw;
    char what[128];
    snprintf(what, sizeof what, "%u transactions are there; %u must be, and %u may%s%s", done,
             life->found.floor, life->begun, report->created ? "; created" : "",
             report->journaled ? "; journaled" : "");
    demand(life, done >= life->found.floor && done <= life->begun, what);
    demand(life, model_follows(&life->model, the_script()) && model_is_valid(&life->model),
           "the heap is damaged");
    life->committed = life->begun = life->floor = done;
}

bool life_open(struct life *life, enum life_op op)
{
    struct heap_report report;
    struct heap_options options = life_options(life, op);
    life->op = op;
    enum error error = heap_open(&options, &life->model.heap, &report);
    life->op = LIFE_NONE;
    if (error == ERROR_UNCLEAN) {
        ASSERT(strstr(report.detail, "was in use when the machine went down") != NULL ||
               strstr(report.detail, "never whole on the disk") != NULL);
        demand(life, life->found.may_refuse, report.detail);
        return false;
    }
    demand(life, error == ERROR_OK, report.detail);
    demand(life, !life->found.must_refuse, "a heap that was in use is trusted");
    look_at_everything(life, &report);
    open_thread(life);
    life->state = op == LIFE_OPEN_JOURNALED ? LIFE_JOURNALED : LIFE_SHARED;
    heap_journal_allow_rest(life->model.heap, true);
    return true;
}

/* ---- operations ---- */

static void run_tx(struct life *life)
{
    if (life->committed == SCRIPT_TXS) return;
    life->begun = life->committed + 1;
    model_run(&life->model, the_script(), life->begun, life->begun);
    if (life->state != LIFE_FAILED) life->committed = life->begun;
}

static void sync_life(struct life *life)
{
    if (life->state == LIFE_SHARED) {
        ASSERT(heap_sync(life->model.heap) == ERROR_OK);
        return;
    }
    wal_step_sync(life->model.heap->wal);
    life->floor = life->committed;
}

static void grow(struct life *life)
{
    struct pages *pages = &life->model.heap->pages;
    ASSERT(grow_pages(pages, 1, grow_total(pages)) == ERROR_OK);
}

static void end_journal(struct life *life)
{
    char detail[256];
    heap_journal_allow_rest(life->model.heap, false);
    ASSERT(heap_journal_end(life->model.heap, detail, sizeof detail) == ERROR_OK);
    life->state = LIFE_SHARED;
    life->floor = life->committed;
}

static void begin_journal(struct life *life)
{
    char detail[256];
    ASSERT(heap_journal_begin(life->model.heap, &journal, detail, sizeof detail) == ERROR_OK);
    heap_journal_allow_rest(life->model.heap, true);
    life->state = LIFE_UNBASED;
    life->floor = life->committed;
}

static void close_life(struct life *life)
{
    close_heap(life);
    life->state = LIFE_CLOSED;
    life->floor = life->committed;
    life->found = life->at_cut =
        (struct life_expectation){.floor = life->committed, .ceiling = life->committed};
}

void life_do(struct life *life, enum life_op op)
{
    life->op = op;
    switch (op) {
    case LIFE_NONE: break;
    case LIFE_OPEN_JOURNALED:
    case LIFE_OPEN_SHARED: ASSERT(life_open(life, op)); break;
    case LIFE_TX: run_tx(life); break;
    case LIFE_SYNC: sync_life(life); break;
    case LIFE_ROOM: wal_step_room(life->model.heap->wal); break;
    case LIFE_APPLY: wal_step_apply(life->model.heap->wal); break;
    case LIFE_CHECKPOINT:
        ASSERT(heap_sync(life->model.heap) == ERROR_OK);
        life->floor = life->committed;
        break;
    case LIFE_GROW: grow(life); break;
    case LIFE_END: end_journal(life); break;
    case LIFE_BEGIN: begin_journal(life); break;
    case LIFE_BASE:
        ASSERT(heap_journal_base(life->model.heap) == ERROR_OK);
        life->state = LIFE_JOURNALED;
        break;
    case LIFE_CLOSE: close_life(life); break;
    case LIFE_BOOT:
        ASSERT(life->state == LIFE_CLOSED);
        life->boot++;
        break;
    }
    life->op = LIFE_NONE;
    lying_disk_look(life->disk);
}

static enum error try_op(struct life *life, enum life_op op)
{
    char detail[256];
    heap_journal_allow_rest(life->model.heap, false);
    switch (op) {
    case LIFE_END: return heap_journal_end(life->model.heap, detail, sizeof detail);
    case LIFE_BEGIN: return heap_journal_begin(life->model.heap, &journal, detail, sizeof detail);
    default: return heap_journal_base(life->model.heap);
    }
}

bool life_try(struct life *life, enum life_op op, const struct lying_faults *faults)
{
    static const struct lying_faults none = {.good_syncs = UINT64_MAX, .bytes_left = UINT64_MAX};
    struct heap_thread *thread = life->model.threads[0];
    life->op = op;
    life->disk->faults = *faults;
    enum error error = try_op(life, op);
    life->disk->faults = none;
    life->op = LIFE_NONE;
    lying_disk_look(life->disk);
    if (error == ERROR_OK) {
        life->state = op == LIFE_END ? LIFE_SHARED : LIFE_JOURNALED;
        if (op == LIFE_BEGIN) life->state = LIFE_UNBASED;
        return true;
    }
    bool is_journaled = op != LIFE_BEGIN;
    demand(life, heap_mode(life->model.heap) == (is_journaled ? HEAP_MODE_JOURNALED : HEAP_MODE_SHARED),
           "the mode changed in spite of an error");
    demand(life, heap_journal_error(thread) == (is_journaled ? ERROR_IO : ERROR_OK),
           "a journal that failed goes on, or there is one");
    if (is_journaled) life->state = LIFE_FAILED;
    return false;
}

enum life_op life_choose(const struct life *life, uint64_t dice)
{
    static const enum life_op journaled[] = {LIFE_TX,   LIFE_TX,    LIFE_GROW,       LIFE_SYNC,
                                             LIFE_ROOM, LIFE_APPLY, LIFE_CHECKPOINT, LIFE_END};
    static const enum life_op shared[] = {LIFE_TX,    LIFE_SYNC,  LIFE_TX,   LIFE_BEGIN,
                                          LIFE_BEGIN, LIFE_BEGIN, LIFE_GROW, LIFE_TX};
    static const enum life_op unbased[] = {LIFE_TX,   LIFE_SYNC, LIFE_ROOM, LIFE_BASE,
                                           LIFE_BASE, LIFE_BASE, LIFE_BASE, LIFE_TX};
    unsigned at = (unsigned)(dice % 8);
    if (life->state == LIFE_JOURNALED) return journaled[at];
    return life->state == LIFE_SHARED ? shared[at] : unbased[at];
}

/* ---- what is expected ---- */

/* The page cache has notes that name a journal. */
static bool is_noted(const struct life *life)
{
    uint64_t size;
    struct heap_options options = life_options(life, LIFE_NONE);
    const char *live = lying_disk_live(life->disk, LIFE_PATH, &size);
    return live != NULL && size >= HEAP_PAGE_BYTES &&
           wal_presence(live + HEAP_NOTES_OFF, superblock_boot_mark(options.boot_id)) == WAL_PRESENT;
}

static struct life_expectation expect_while_opening(const struct life *life)
{
    struct life_expectation expected = life->at_cut;
    bool was_refused = expected.may_refuse || expected.must_refuse;
    expected.ceiling = life->begun;
    if (life->op == LIFE_OPEN_SHARED && life->state == LIFE_SHARED)
        return expected; /* in use, and still is */
    expected.must_refuse = false;
    expected.may_refuse = was_refused || (life->op == LIFE_OPEN_SHARED && !is_noted(life));
    return expected;
}

struct life_expectation life_expect(const struct life *life)
{
    struct life_expectation expected = {.floor = life->floor, .ceiling = life->begun};
    switch (life->op) {
    case LIFE_OPEN_JOURNALED:
    case LIFE_OPEN_SHARED: return expect_while_opening(life);
    case LIFE_BASE: expected.may_refuse = true; return expected;
    case LIFE_END: expected.may_refuse = !is_noted(life); return expected;
    case LIFE_CLOSE: expected.may_refuse = life->state != LIFE_JOURNALED; return expected;
    default: break;
    }
    expected.must_refuse = life->state == LIFE_SHARED || life->state == LIFE_UNBASED;
    expected.may_refuse = expected.must_refuse || life->state == LIFE_FAILED;
    if (life->state == LIFE_UNKNOWN) expected = life->at_cut;
    return expected;
}

void life_move_aside(struct life *life)
{
    struct heap_report report;
    uint64_t size;
    struct heap_options options = life_options(life, LIFE_OPEN_JOURNALED);
    options.on_unclean = HEAP_UNCLEAN_MOVE;
    enum error error = heap_open(&options, &life->model.heap, &report);
    demand(life, error == ERROR_OK, report.detail);
    demand(life, report.moved_to[0] == '\0' || lying_disk_live(life->disk, report.moved_to, &size) != NULL,
           "the heap that was moved aside is gone");
    life->state = LIFE_JOURNALED;
    life->begun = life->floor = 0;
    life->found = (struct life_expectation){0};
    look_at_everything(life, &report);
    open_thread(life);
}

unsigned life_count_files(const struct life *life, const uint8_t *seed)
{
    unsigned count = 0;
    for (unsigned i = 0; i < LYING_FILES; i++) {
        const struct lying_file *file = &life->disk->files[i];
        const struct superblock_layout *super = (const void *)file->live;
        if (!file->exists || !file->is_heap || file->names[file->name_count - 1][0] == '\0') continue;
        count += super->magic == HEAP_MAGIC && memcmp(super->seed, seed, sizeof super->seed) == 0;
    }
    return count;
}
