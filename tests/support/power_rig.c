/* power_rig.c: a journal on a disk that lies, beside a model. See power_rig.h. */
#include "support/power_rig.h"

#include "journal/redo_code.h"
#include "support/chooser.h"
#include "util/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t rig_random(uint64_t *seed)
{
    return chooser_random(seed);
}

static void on_advanced(void *arg)
{
    ((struct rig *)arg)->advanced++;
}

static void on_log(void *arg, enum wal_level level, const char *line)
{
    struct rig *rig = arg;
    (void)level;
    size_t len = strlen(rig->log);
    snprintf(rig->log + len, sizeof rig->log - len, "%s\n", line);
}

/* No record is under way when steps are taken. */
static bool at_rest(void *arg, void (*look)(void *context, const char *live), void *context)
{
    struct rig *rig = arg;
    if (rig->history.count == 0) return false; /* of a recovery: not known yet */
    rig->rests++;
    look(context, rig->history.entries[rig->history.count - 1].state);
    return true;
}

static void allow_copies(struct rig *rig)
{
    wal_allow_rest(rig->wal, true);
    wal_copy_always(rig->wal, rig->copies && rig->boot % 2 == 1);
}

static void make_options(struct rig *rig, enum wal_policy policy)
{
    rig->options = (struct wal_options){.storage = &rig->disk->storage,
                                        .image_path = RIG_IMAGE,
                                        .folder_path = RIG_FOLDER,
                                        .heap_id = "a heap of tests",
                                        .note_off = RIG_NOTE_OFF,
                                        .boot_mark = rig->boot,
                                        .reserve_bytes = RIG_IMAGE_MAX,
                                        .segment_bytes = RIG_SEGMENT_BYTES,
                                        .tail_limit_bytes = RIG_TAIL_LIMIT,
                                        .policy = policy,
                                        .no_threads = true,
                                        .callbacks = {rig, on_advanced, on_log, NULL},
                                        .live = {rig, rig->copies ? at_rest : NULL}};
}

static char *make_rig(struct rig *rig, enum wal_policy policy, uint64_t seed)
{
    *rig = (struct rig){.disk = lying_disk_new(), .boot = 1, .seed = seed, .floor = 1, .copies = seed & 1};
    char *image = lying_disk_add(rig->disk, RIG_IMAGE, RIG_IMAGE_START);
    make_options(rig, policy);
    return image;
}

void rig_prepare(struct rig *rig, enum wal_policy policy, uint64_t seed)
{
    char *image = make_rig(rig, policy, seed);
    for (uint64_t at = 0; at < RIG_IMAGE_START; at += sizeof(uint64_t)) {
        uint64_t value = rig_random(&rig->seed);
        memcpy(image + at, &value, sizeof value);
    }
    lying_disk_look(rig->disk);
}

void rig_note_start(struct rig *rig)
{
    uint64_t size;
    struct rig_entry *start = &rig->history.entries[rig->history.count++];
    *start = (struct rig_entry){wal_end(rig->wal), RIG_IMAGE_START, calloc(1, RIG_IMAGE_MAX)};
    ASSERT(start->state != NULL);
    memcpy(start->state, lying_disk_live(rig->disk, RIG_IMAGE, &size), RIG_IMAGE_START);
    allow_copies(rig);
}

void rig_start(struct rig *rig, enum wal_policy policy, uint64_t seed)
{
    char detail[512] = "";
    make_rig(rig, policy, seed);
    ASSERT(wal_create(&rig->options, 0, &rig->wal, detail, sizeof detail) == ERROR_OK);
    ASSERT(wal_base_durable(rig->wal) == ERROR_OK);
    rig_note_start(rig);
}

void rig_end(struct rig *rig)
{
    if (rig->wal != NULL) wal_abandon(rig->wal);
    lying_disk_free(rig->disk);
    for (unsigned i = rig->history.borrowed; i < rig->history.count; i++)
        free(rig->history.entries[i].state);
}

/* ---- records ---- */

struct writing {
    char bytes[RIG_RECORD_MAX];
    char *at;
    uint64_t word;
    struct rig_entry *entry;
};

static void put_head(struct writing *writing, enum redo_kind kind, uint64_t arg, uint64_t off)
{
    writing->at = redo_code_put(writing->at, arg << 2 | (uint64_t)kind);
    writing->at =
        redo_code_put(writing->at, redo_code_zigzag((int64_t)(off / REDO_WORD_BYTES - writing->word)));
    writing->word = off / REDO_WORD_BYTES;
}

static void put_range(struct writing *writing, uint64_t off, size_t len, uint64_t *seed)
{
    put_head(writing, REDO_RANGE, len / REDO_WORD_BYTES, off);
    for (size_t at = 0; at < len; at += REDO_WORD_BYTES) {
        uint64_t value = rig_random(seed);
        memcpy(writing->entry->state + off + at, &value, sizeof value);
    }
    memcpy(writing->at, writing->entry->state + off, len);
    writing->at += len;
    writing->word += len / REDO_WORD_BYTES;
}

static void put_bit(struct writing *writing, uint64_t off, unsigned bit, bool value)
{
    uint64_t word;
    put_head(writing, value ? REDO_SETBIT : REDO_CLEARBIT, bit, off);
    memcpy(&word, writing->entry->state + off, sizeof word);
    word = value ? word | UINT64_C(1) << bit : word & ~(UINT64_C(1) << bit);
    memcpy(writing->entry->state + off, &word, sizeof word);
}

static void begin(struct rig *rig, struct writing *writing)
{
    struct rig_history *history = &rig->history;
    ASSERT(history->count < RIG_HISTORY_MAX);
    const struct rig_entry *before = &history->entries[history->count - 1];
    writing->entry = &history->entries[history->count++];
    *writing->entry = (struct rig_entry){0, before->size, malloc(RIG_IMAGE_MAX)};
    ASSERT(writing->entry->state != NULL);
    memcpy(writing->entry->state, before->state, RIG_IMAGE_MAX);
    writing->at = redo_code_put(writing->bytes, redo_code_zigzag(1)); /* used bytes */
    writing->word = 0;
}

static void end(struct rig *rig, struct writing *writing)
{
    while ((writing->at - writing->bytes) % REDO_ALIGN != 0)
        *writing->at++ = 0;
    writing->entry->lsn = wal_append(rig->wal, writing->bytes, (size_t)(writing->at - writing->bytes));
    lying_disk_look(rig->disk);
}

static uint64_t random_off(struct rig *rig, const struct writing *writing, size_t len)
{
    uint64_t words = (writing->entry->size - RIG_DATA_OFF - len) / REDO_WORD_BYTES + 1;
    return RIG_DATA_OFF + rig_random(&rig->seed) % words * REDO_WORD_BYTES;
}

void rig_append(struct rig *rig, size_t bytes)
{
    struct writing writing;
    begin(rig, &writing);
    ASSERT(bytes % REDO_WORD_BYTES == 0);
    if (bytes > 0) put_range(&writing, random_off(rig, &writing, bytes), bytes, &rig->seed);
    unsigned operations = bytes > 0 ? 0 : 1 + (unsigned)(rig_random(&rig->seed) % 5);
    for (unsigned i = 0; i < operations; i++) {
        uint64_t dice = rig_random(&rig->seed);
        if (dice % 11 == 0) {
            put_range(&writing, (dice >> 8) % (RIG_NOTE_OFF / 8) * 8, 8, &rig->seed); /* beside the notes */
        } else if (dice % 3 == 0) {
            put_bit(&writing, random_off(rig, &writing, 8), (unsigned)(dice >> 8) % 64, dice >> 16 & 1);
        } else {
            size_t len = 8 + (dice >> 8) % (dice % 16 == 1 ? 200 : 12) * 8;
            put_range(&writing, random_off(rig, &writing, len), len, &rig->seed);
        }
    }
    end(rig, &writing);
}

void rig_append_padding(struct rig *rig, size_t frame_bytes)
{
    struct writing writing;
    begin(rig, &writing);
    size_t len = frame_bytes - sizeof(struct wal_frame_layout);
    memset(writing.at, 0, len);
    writing.at = writing.bytes + len;
    end(rig, &writing);
}

void rig_append_growth(struct rig *rig)
{
    struct writing writing;
    begin(rig, &writing);
    uint64_t size = writing.entry->size;
    if (size < RIG_IMAGE_MAX) {
        put_head(&writing, REDO_GROW, 1, size);
        writing.entry->size = size + REDO_PAGE_BYTES;
        put_range(&writing, size + 8, 64, &rig->seed); /* what counts on it */
    } else {
        put_bit(&writing, RIG_DATA_OFF, 1, true);
    }
    end(rig, &writing);
}

/* ---- steps ---- */

void rig_note_floor(struct rig *rig)
{
    uint64_t lsn = rig->options.policy == WAL_ALWAYS ? wal_acknowledged(rig->wal) : wal_durable(rig->wal);
    while (rig->floor < rig->history.count && rig->history.entries[rig->floor].lsn <= lsn)
        rig->floor++;
}

void rig_sync(struct rig *rig)
{
    wal_step_sync(rig->wal);
    rig_note_floor(rig);
}

void rig_restart(struct rig *rig)
{
    char detail[512] = "";
    struct wal_recovery recovery;
    ASSERT(wal_close(rig->wal) == ERROR_OK);
    rig->wal = NULL;
    rig->floor = rig->history.count;
    ASSERT(wal_open(&rig->options, &rig->wal, &recovery, detail, sizeof detail) == ERROR_OK);
    ASSERT(recovery.records == 0 && (unsigned)recovery.used_bytes == rig->history.count - 1);
    allow_copies(rig);
    rig_compare(rig, rig->history.count - 1);
}

void rig_step(struct rig *rig)
{
    uint64_t dice = rig_random(&rig->seed) % 100;
    if (dice < 45) rig_append(rig, 0);
    else if (dice < 50) rig_append(rig, (size_t)(1 + rig_random(&rig->seed) % 1400) * 8);
    else if (dice < 53) rig_append_growth(rig);
    else if (dice < 70) rig_sync(rig);
    else if (dice < 84) wal_step_apply(rig->wal);
    else if (dice < 89) wal_request_checkpoint(rig->wal);
    else if (dice < 92) wal_step_room(rig->wal);
    else if (dice < 93) rig_restart(rig);
    else if (dice < 96) wal_step_checkpoint(rig->wal);
    if (dice >= 96 || !wal_has_room(rig->wal)) ASSERT(wal_checkpoint(rig->wal) == ERROR_OK);
    rig_note_floor(rig);
}

/* ---- recovery ---- */

void rig_compare(const struct rig *rig, unsigned k)
{
    uint64_t size = 0;
    const char *live = lying_disk_live(rig->disk, RIG_IMAGE, &size);
    const struct rig_entry *entry = &rig->history.entries[k];
    ASSERT(live != NULL && size >= entry->size);
    ASSERT(memcmp(live, entry->state, RIG_NOTE_OFF) == 0);
    ASSERT(memcmp(live + RIG_DATA_OFF, entry->state + RIG_DATA_OFF, entry->size - RIG_DATA_OFF) == 0);
}

void rig_recover(struct rig *rig, const struct rig *of, struct lying_disk *disk, uint64_t boot)
{
    char detail[512] = "";
    struct wal_recovery recovery;
    rig->disk = disk;
    rig->boot = boot;
    rig->seed = of->seed;
    rig->copies = of->copies;
    rig->rests = 0;
    rig->floor = of->floor;
    rig->advanced = 0;
    rig->log[0] = '\0';
    rig->wal = NULL;
    make_options(rig, of->options.policy);
    enum error error = wal_open(&rig->options, &rig->wal, &recovery, detail, sizeof detail);
    if (error != ERROR_OK) fprintf(stderr, "recovery: %s: %s\n", error_text(error), detail);
    ASSERT(error == ERROR_OK);
    unsigned k = (unsigned)recovery.used_bytes;
    if (k + 1 < of->floor || k >= of->history.count)
        fprintf(stderr, "recovered %u records; %u were acknowledged, %u appended\n%s", k, of->floor - 1,
                of->history.count - 1, rig->log);
    ASSERT(k + 1 >= of->floor && k < of->history.count);
    memcpy(&rig->history, &of->history,
           offsetof(struct rig_history, entries) + (k + 1) * sizeof(struct rig_entry));
    rig->history.count = k + 1;
    rig->history.borrowed = k + 1;
    rig->floor = k + 1; /* what a recovery has shown stays */
    rig_compare(rig, k);
    allow_copies(rig);
    lying_disk_look(disk);
}
