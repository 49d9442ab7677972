/* recover.c: bringing the lanes to rest after a crash.
 *
 * Invariants:
 * R1. Every lane is validated before any byte changes; a lane that makes no sense leaves the heap as it was.
 * R2. The walk over a lane moves backwards in its segment or into an earlier segment, so it ends.
 * R3. A lane's state word becomes IDLE after all its work is done: recovery can be cut short and repeated
 *     (lane.c).
 *
 * Crash table:
 *   changes undone or finished   the state word is as it was: the lane is recovered again from its tail
 *   state = IDLE                 the lane is skipped
 *   extents[i].bytes = 0         an orphan to report again
 */
#include "journal/context.h"
#include "journal/lane.h"
#include "journal/shadow.h"
#include "pmem/persist.h"

#include <stdio.h>

struct validation {
    const struct journal *journal;
    const struct lane_layout *lane;
    unsigned index;
    char *detail;
    size_t detail_cap;
};

struct segment {
    uint64_t start;
    uint64_t end;
};

static enum error corrupt(const struct validation *v, const char *what, uint64_t off)
{
    snprintf(v->detail, v->detail_cap, "lane %u of the undo log is damaged: %s at offset %llu", v->index,
             what, (unsigned long long)off);
    return ERROR_CORRUPT;
}

static bool in_file(const struct journal *journal, uint64_t off, uint64_t len)
{
    return off <= journal->map->size_bytes && len <= journal->map->size_bytes - off;
}

static bool meets_lanes(const struct journal *journal, uint64_t off, uint64_t len)
{
    uint64_t lanes = journal_offset(journal, journal->lanes);
    return off < lanes + (uint64_t)JOURNAL_LANES * JOURNAL_LANE_BYTES && off + len > lanes;
}

/* The only words among the lanes that a transaction changes: links to extents, by the system lane. */
static bool is_extent_link(const struct validation *v, uint64_t off, uint64_t len)
{
    uint64_t in_area = off - journal_offset(v->journal, v->journal->lanes);
    uint64_t in_lane = in_area % JOURNAL_LANE_BYTES;
    uint64_t links = offsetof(struct lane_layout, extents);
    return v->index == JOURNAL_SYSTEM_LANE && len == LANE_WORD && in_lane >= links &&
           in_lane < sizeof(struct lane_layout) && (in_lane - links) % sizeof(struct lane_extent_layout) == 0;
}

static bool is_target(const struct validation *v, uint64_t off, uint64_t len)
{
    if (off == 0 || !in_file(v->journal, off, len)) return false;
    return !meets_lanes(v->journal, off, len) || is_extent_link(v, off, len);
}

/* Segment 0 is the lane's own area, n its extent n - 1. False when there is no such segment in use. */
static bool segment_at(const struct validation *v, unsigned number, struct segment *segment_out)
{
    uint64_t lane = journal_offset(v->journal, v->lane);
    *segment_out = (struct segment){lane + sizeof *v->lane, lane + JOURNAL_LANE_BYTES};
    if (number == 0) return true;
    const struct lane_extent_layout *extent = &v->lane->extents[number - 1];
    *segment_out = (struct segment){extent->off, extent->off + extent->bytes};
    return extent->off != 0 && extent->bytes != 0 && extent->off % LANE_WORD == 0 &&
           extent->bytes % LANE_WORD == 0 && in_file(v->journal, extent->off, extent->bytes) &&
           !meets_lanes(v->journal, extent->off, extent->bytes);
}

/* The segment below `limit` in which entries can end at `tail`; `limit` when there is none. */
static unsigned find_segment(const struct validation *v, uint64_t tail, unsigned limit,
                             struct segment *segment_out)
{
    unsigned number = 0;
    while (number < limit) {
        bool is_used = segment_at(v, number, segment_out);
        /* An extent starts with BACK, so no tail stands at its very start (but a neighbour's end may). */
        uint64_t least = segment_out->start + (number > 0 ? LANE_WORD : 0);
        if (is_used && tail >= least && tail <= segment_out->end) break;
        number++;
    }
    return number;
}

static enum error validate_entries(const struct validation *v, uint64_t tail)
{
    struct segment segment;
    unsigned number = find_segment(v, tail, LANE_EXTENTS + 1, &segment);
    if (number > LANE_EXTENTS) return corrupt(v, "a tail outside of the lane", tail);
    uint64_t first = lane_first(v->journal->map, v->lane);
    while (tail != first) {
        uint64_t room = tail - segment.start; /* R2: shrinks, or `number` does */
        if (room < LANE_WORD) return corrupt(v, "entries that run out of their area", tail);
        struct lane_entry entry = lane_entry_before(v->journal->map->base, tail);
        switch (entry.kind) {
        case LANE_SNAPSHOT:
            if (entry.words * LANE_WORD > room - LANE_WORD)
                return corrupt(v, "an entry that is too long", tail);
            if (!is_target(v, entry.off, entry.words * LANE_WORD)) return corrupt(v, "a wrong range", tail);
            break;
        case LANE_SETBIT:
        case LANE_CLEARBIT:
        case LANE_FREE:
            if (entry.bit >= 64 || !is_target(v, entry.off, LANE_WORD))
                return corrupt(v, "a wrong bit", tail);
            break;
        case LANE_BACK:
            if (number == 0 || entry.start != segment.start) return corrupt(v, "a misplaced link", tail);
            unsigned limit = number;
            number = find_segment(v, entry.off, limit, &segment);
            if (number == limit) return corrupt(v, "a wrong link", tail);
            break;
        default: return corrupt(v, "an entry of unknown kind", tail);
        }
        tail = lane_entry_previous(&entry);
    }
    return ERROR_OK;
}

static enum error validate_lane(const struct validation *v)
{
    uint64_t phase = v->lane->state & LANE_PHASE_MASK;
    uint64_t tail = v->lane->state & LANE_TAIL_MASK;
    if (phase == LANE_PHASE_IDLE) return tail == 0 ? ERROR_OK : corrupt(v, "an idle lane with entries", tail);
    if (phase != LANE_PHASE_ACTIVE && phase != LANE_PHASE_COMMITTED)
        return corrupt(v, "an unknown state", tail);
    return validate_entries(v, tail);
}

static void bring_to_rest(const struct journal *journal, struct lane_layout *lane,
                          struct journal_recovery *recovery)
{
    uint64_t phase = lane->state & LANE_PHASE_MASK;
    uint64_t tail = lane->state & LANE_TAIL_MASK;
    uint64_t first = lane_first(journal->map, lane);
    if (phase == LANE_PHASE_ACTIVE) {
        lane_undo(journal->map, tail, first);
        recovery->undone++;
    }
    if (phase == LANE_PHASE_COMMITTED) {
        lane_roll_forward(journal->map, tail, first);
        recovery->completed++;
    }
    if (phase != LANE_PHASE_IDLE)
        lane_store_state(journal->map, lane, LANE_PHASE_IDLE | (lane->state & LANE_SELECTOR)); /* R3 */
    for (unsigned i = 0; i < LANE_EXTENTS; i++)
        if (lane->extents[i].bytes != 0) pmem_persist_store64(journal->map, &lane->extents[i].bytes, 0);
}

enum error journal_recover(struct journal *journal, void (*orphan)(void *heap, uint64_t *link),
                           struct journal_recovery *recovery_out, char *detail, size_t detail_cap)
{
    *recovery_out = (struct journal_recovery){0};
    for (unsigned i = 0; i < JOURNAL_LANES; i++) { /* R1 */
        struct validation validation = {journal, journal_lane_at(journal, i), i, detail, detail_cap};
        enum error error = validate_lane(&validation);
        if (error != ERROR_OK) return error;
    }
    /* Index 0, the system lane, comes first: what it takes back, no other lane builds on (H9). */
    for (unsigned i = 0; i < JOURNAL_LANES; i++) {
        struct lane_layout *lane = journal_lane_at(journal, i);
        bring_to_rest(journal, lane, recovery_out);
        unsigned selected = (lane->state & LANE_SELECTOR) != 0;
        atomic_store(&journal->lane[i].used_bytes, lane->used_bytes[selected]);
    }
    for (unsigned i = 0; i < JOURNAL_LANES; i++)
        for (unsigned slot = 0; slot < LANE_EXTENTS; slot++) {
            uint64_t *link = &journal_lane_at(journal, i)->extents[slot].off;
            if (*link != 0) orphan(journal->heap, link);
        }
    return shadow_start(journal);
}
