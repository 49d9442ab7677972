/* heap_life.h: the life of a heap on a disk that lies, beside what must be left of it after a power cut, and after the death of
 * its process.
 *
 * A *life* runs transactions of a fixed script (crash/heap_model.h), whose counter in the heap says how far it came, and
 * changes the heap's mode between them. At any moment life_expect says what another life may find.
 */
#ifndef CAIRN_TESTS_HEAP_LIFE_H
#define CAIRN_TESTS_HEAP_LIFE_H

#include "crash/heap_model.h"
#include "support/lying_disk.h"

#include <stdbool.h>
#include <stdint.h>

#define LIFE_PATH "heap"

enum life_op {
    LIFE_NONE,
    LIFE_OPEN_JOURNALED,
    LIFE_OPEN_SHARED,
    LIFE_TX,
    LIFE_SYNC,  /* the journal, or (heap_sync) a shared heap */
    LIFE_ROOM,  /* a segment more, if the journal wants one */
    LIFE_APPLY, /* the applier's step */
    LIFE_CHECKPOINT,
    LIFE_GROW,
    LIFE_END,
    LIFE_BEGIN,
    LIFE_BASE,
    LIFE_CLOSE,
    LIFE_BOOT, /* of a closed heap: the machine starts anew, with nothing lost */
};

enum life_state {
    LIFE_CLOSED, /* or never opened: a power cut takes nothing */
    LIFE_JOURNALED,
    LIFE_UNBASED, /* journaled, the base is not durable */
    LIFE_SHARED,
    LIFE_FAILED,  /* a sync of its image failed: nothing is promised any more (DESIGN J10) */
    LIFE_UNKNOWN, /* found by a life that has not opened it yet */
};

/* What a life in another boot finds. */
struct life_expectation {
    bool may_refuse; /* to trust the file (ERROR_UNCLEAN) */
    bool must_refuse;
    uint32_t floor;   /* transactions that are there, if it trusts it */
    uint32_t ceiling; /* no more are */
};

struct life {
    struct lying_disk *disk; /* its own */
    struct model model;      /* heap NULL: closed */
    enum life_state state;
    enum life_op op;                /* under way; LIFE_NONE */
    struct life_expectation found;  /* when it opens the heap */
    struct life_expectation at_cut; /* what was expected of the disk before it opened the heap */
    const struct life *of;          /* whom it follows; NULL: nobody */
    const char *last;               /* the disk's last call */
    unsigned boot;
    uint32_t committed;
    uint32_t begun; /* the same, or one more */
    uint32_t floor; /* that a power cut does not take, as long as the file is trusted */
};

/* On a new disk. */
void life_start(struct life *life);
/* One that finds `disk` (its own from now on) as a power cut of `of` left it, or, in the same boot, its death. */
void life_inherit(struct life *life, const struct life *of, struct lying_disk *disk, bool same_boot);
/* Closes what is open. */
void life_end(struct life *life);

/* What a life does in the state it is in; asserts success. A transaction behind the script's end is none. */
void life_do(struct life *life, enum life_op op);
/* Opens the heap, LIFE_OPEN_JOURNALED or _SHARED, and looks at everything in it. False: it was refused, as it may be. */
bool life_open(struct life *life, enum life_op op);
/* LIFE_END, LIFE_BEGIN or LIFE_BASE on a disk with those faults; it is well again afterwards.
 * False: it failed, and the life is in the state that is due then. */
bool life_try(struct life *life, enum life_op op, const struct lying_faults *faults);
/* Something that makes sense in its state; never LIFE_OPEN_*, LIFE_CLOSE or LIFE_BOOT. */
enum life_op life_choose(const struct life *life, uint64_t dice);

struct life_expectation life_expect(const struct life *life);
/* Moves an untrusted file aside, on a disk where life_open was refused (or was so, before a cut of this): a new heap works. */
void life_move_aside(struct life *life);
/* Files on the disk, whatever their names, that are the heap with that seed (heap_seed). */
unsigned life_count_files(const struct life *life, const uint8_t *seed);
/* The options it opens its heap with, for those who look themselves; valid until the next call. */
struct heap_options life_options(const struct life *life, enum life_op op);

#endif
