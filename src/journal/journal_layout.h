/* journal_layout.h: the bytes of a lane (H5), little endian, in aligned words.
 *
 * A lane starts with struct lane_layout; undo entries follow up to JOURNAL_LANE_BYTES and go on in extents.
 * An entry is a payload (whole words, maybe none) and then one word that describes it, so a lane is read
 * backwards from its tail and nothing needs to be remembered to undo it:
 *
 *     | header | payload | word | word | payload | word |
 *                                             ^ tail
 *     word = kind:3 | offset:45 (8-aligned) | arg:16
 *
 *     kind      offset                  arg             payload           undo            roll forward
 *     SNAPSHOT  first word of a range   words           the old bytes     copy back       -
 *     SETBIT    word                    bit             -                 clear the bit   -
 *     CLEARBIT  word                    bit             -                 set the bit     -
 *     FREE      word                    bit             -                 -               clear the bit
 *     BACK      end of entries before   0               -                 go on there     go on there
 *
 * BACK is the first word of each extent.
 */
#ifndef CAIRN_JOURNAL_JOURNAL_LAYOUT_H
#define CAIRN_JOURNAL_JOURNAL_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define LANE_EXTENTS 16 /* they double in size, so that the last ones hold gigabytes */

/* The state word: phase | selector | tail. The tail is an offset in the heap (8-aligned), 0 when idle. */
#define LANE_PHASE_MASK      UINT64_C(3)
#define LANE_PHASE_IDLE      UINT64_C(0) /* no transaction, or one that logged nothing */
#define LANE_PHASE_ACTIVE    UINT64_C(1) /* undo it */
#define LANE_PHASE_COMMITTED UINT64_C(2) /* finish its frees */
#define LANE_SELECTOR        UINT64_C(4) /* set: used_bytes[1] counts, else used_bytes[0] */
#define LANE_TAIL_MASK       (~UINT64_C(7))

enum lane_kind { LANE_SNAPSHOT = 1, LANE_SETBIT, LANE_CLEARBIT, LANE_FREE, LANE_BACK };

#define LANE_KIND_MASK          UINT64_C(7)
#define LANE_OFF_MASK           (((UINT64_C(1) << 48) - 1) & ~LANE_KIND_MASK)
#define LANE_ARG_SHIFT          48
#define LANE_SNAPSHOT_WORDS_MAX UINT64_C(0xffff)

struct lane_extent_layout {
    uint64_t off;   /* written by the heap, in a system transaction; 0: none */
    uint64_t bytes; /* written by the lane's owner before its tail moves there; 0: not in use */
};

struct lane_layout {
    uint64_t state;
    /* Bytes allocated minus freed by this lane's committed transactions. The selector flips with the commit.
     */
    int64_t used_bytes[2];
    uint64_t reserved[5];
    struct lane_extent_layout extents[LANE_EXTENTS];
};
static_assert(offsetof(struct lane_layout, state) == 0, "state and used bytes share a cache line");
static_assert(offsetof(struct lane_layout, used_bytes) == 8, "state and used bytes share a cache line");
static_assert(offsetof(struct lane_layout, extents) == 64, "extents start on the second line");
static_assert(sizeof(struct lane_extent_layout) == 16, "two words");
static_assert(sizeof(struct lane_layout) == 320, "entries follow");

#endif
