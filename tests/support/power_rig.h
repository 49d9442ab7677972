/* power_rig.h: a journal on a disk that lies, beside a model that knows what every prefix of its history looks like.
 *
 * Every record adds 1 to the sum of used bytes: after a recovery that sum says how many records are there, and the
 * image must equal the model's state after so many. A cut must keep at least what was acknowledged.
 */
#ifndef CAIRN_TESTS_POWER_RIG_H
#define CAIRN_TESTS_POWER_RIG_H

#include "journal/wal_internal.h"
#include "support/lying_disk.h"

#define RIG_IMAGE         "heap"
#define RIG_FOLDER        "heap.journal"
#define RIG_NOTE_OFF      2560
#define RIG_DATA_OFF      4096 /* of what records may change, and the part before the notes */
#define RIG_IMAGE_START   (16 * 1024)
#define RIG_IMAGE_MAX     (40 * 1024)
#define RIG_SEGMENT_BYTES 4096
#define RIG_TAIL_LIMIT    (24 * 1024)
#define RIG_HISTORY_MAX   400
#define RIG_RECORD_MAX    (20 * 1024)

struct rig_entry {
    uint64_t lsn; /* the record's; entry 0 is the start */
    uint64_t size;
    char *state; /* RIG_IMAGE_MAX bytes; shared by histories that branched off later */
};

struct rig_history {
    struct rig_entry entries[RIG_HISTORY_MAX];
    unsigned count;
    unsigned borrowed; /* states of that many entries belong to another history */
};

struct rig {
    struct lying_disk *disk;
    struct wal *wal;
    struct wal_options options;
    struct rig_history history;
    unsigned floor; /* records that may not be lost any more, entry 0 included */
    uint64_t boot;
    uint64_t seed;
    unsigned advanced; /* calls of the callback */
    bool copies;       /* pages of the image come from the live heap, the newest state; in every other boot always */
    uint64_t rests;    /* times that it was looked at */
    char log[4096];    /* lines of the journal */
};

uint64_t rig_random(uint64_t *seed);
/* A new disk with a new journal whose base is durable. Odd seeds have a live heap that pages may be copied from. */
void rig_start(struct rig *rig, enum wal_policy policy, uint64_t seed);
/* In steps, for who creates the journal himself: a disk with an image whose bytes are random and not durable; */
void rig_prepare(struct rig *rig, enum wal_policy policy, uint64_t seed);
/* and the model's start, as the image is now. */
void rig_note_start(struct rig *rig);
void rig_end(struct rig *rig);

/* Appends a record: a few random changes; `bytes` > 0: one range of so many. */
void rig_append(struct rig *rig, size_t bytes);
/* One that changes nothing, and takes so many bytes of the stream. */
void rig_append_padding(struct rig *rig, size_t frame_bytes);
/* Appends one that says RIG_GROW to the next page. */
void rig_append_growth(struct rig *rig);
/* A step at random, or none; afterwards `floor` counts what is acknowledged. */
void rig_step(struct rig *rig);
void rig_sync(struct rig *rig);
/* Closes the journal and opens it again: nothing may be missing. */
void rig_restart(struct rig *rig);
/* Sets `floor` to what the journal acknowledges (always) or made durable. */
void rig_note_floor(struct rig *rig);

/* Opens the journal of `disk` (which the rig owns from now on) and compares with the history of `of`, whose records
 * [0, k] become the rig's own. Asserts floor <= k < count. `boot` as at the cut, or another. */
void rig_recover(struct rig *rig, const struct rig *of, struct lying_disk *disk, uint64_t boot);
/* The image's bytes equal those after entry k. */
void rig_compare(const struct rig *rig, unsigned k);

#endif
