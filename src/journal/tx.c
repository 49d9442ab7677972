/* tx.c: transactions. See tx.h for the contract and journal_layout.h for the bytes.
 *
 * Invariants:
 * X1. An entry is complete (DAX: durable) before the state word's tail covers it, and the tail covers it
 *     before the caller changes what it describes.
 * X2. All changes are complete (DAX: durable) before the state word says IDLE or COMMITTED.
 * X3. ops->freed and ops->unreserved run after the state word says IDLE (DAX: durably), so nothing that a
 *     crash would replay can touch a block's next owner (H2).
 * X4. The state word, and with it the selector of used_bytes, changes by one aligned store.
 * X5. Extents are released after the lane is idle, and their `bytes` word is 0 before the heap may free them.
 * X6. With a redo journal: a transaction's record is appended once all its changes are made, freed bits too (a page that its private
 *     mapping has not copied yet shows the image, which the applier changes as soon as the record is durable), before its locks are let go
 *     (tx_commit returns after it), before ops->freed tells of its blocks (H2), and for a system transaction before
 *     another builds on it (H9). An aborted one appends nothing.
 *
 * Crash table: what a stop after each store leaves.
 *     entry payload, entry word    the tail does not cover them: as before the call
 *     state = ACTIVE | tail        the entry is undone: it restores what is still unchanged
 *     extents[i].off (by the heap) a link to an extent not in use: recovery reports it as an orphan
 *     extents[i].bytes, BACK       the same; the tail does not point there yet
 *     caller's stores, bits        undone
 *     used_bytes[other]            not selected: ignored
 *     state = IDLE | selector      committed (no frees)
 *     state = COMMITTED | tail     committed; recovery clears the bits of all FREE entries, again if need be
 *     bits cleared                 the same
 *     state = IDLE | selector      done
 *     abort: old bytes, old bits   undone from the start once more
 *     abort: state = IDLE          done
 *     rollback: state = mark       entries after the mark are undone already; the others will be
 *     extents[i].bytes = 0, .off   an orphan, or nothing
 */
#include "journal/context.h"
#include "journal/lane.h"
#include "journal/redo.h"
#include "journal/shadow.h"
#include "journal/wal.h"
#include "pmem/persist.h"
#include "util/assert.h"

#include <stdlib.h>

#define EXTENT_BYTES_START (UINT64_C(128) << 10) /* they double in size from slot to slot */
#define REDO_OBJECT_BYTES  32                    /* that an object takes in a record beside its own */
#define REDO_STEP_BYTES    (UINT64_C(64) << 10)  /* by which room for a growing record is made, at least */
#define RECORD_KEEP_BYTES  (UINT64_C(1) << 20)   /* a larger record's memory is given back */
#define EXTENT_BYTES_WISH  (UINT64_C(256) << 20) /* but not beyond this, unless one snapshot needs it */

static uint64_t offset_in(const struct tx *tx, const void *addr)
{
    return (uint64_t)((const char *)addr - tx->base);
}

/* ---- room ---- */

/* Room for the record of a large transaction, before it is too late to fail: in memory and in the redo journal. */
static enum error reserve_redo(struct tx *tx, uint64_t more)
{
    if (tx->journal->wal == NULL) return ERROR_OK;
    uint64_t wanted = tx->redo_bytes + more;
    if (wanted > tx->redo_reserved) {
        uint64_t step = wanted < REDO_STEP_BYTES ? REDO_STEP_BYTES : wanted;
        enum error error = redo_reserve(tx->record, 2 * (JOURNAL_LANE_BYTES + wanted + step));
        if (error != ERROR_OK) return error;
        tx->redo_reserved += step;
    }
    if (wanted > tx->wal_reserved + WAL_RECORD_ROOM_BYTES / 2) {
        enum error error = wal_reserve(tx->journal->wal, wanted);
        if (error != ERROR_OK) return error;
        tx->wal_reserved += wanted;
    }
    tx->redo_bytes = wanted;
    return ERROR_OK;
}

enum error tx_promise(struct tx *tx, uint64_t record_bytes)
{
    ASSERT(!tx->is_open);
    if (tx->journal->wal == NULL || record_bytes <= tx->wal_reserved) return ERROR_OK;
    uint64_t more = record_bytes - tx->wal_reserved;
    enum error error = wal_try_reserve(tx->journal->wal, more);
    if (error == ERROR_OK) tx->wal_reserved += more;
    return error;
}

void tx_forgo(struct tx *tx)
{
    if (tx->wal_reserved > 0) wal_release(tx->journal->wal, tx->wal_reserved);
    tx->wal_reserved = 0;
}

static void use_segment(struct tx *tx, char *tail, char *end)
{
    tx->tail = tail;
    tx->segment_end = end;
    tx->fast_end = tx->first_fast_end != NULL ? end : NULL;
}

static enum error allocate_extent(struct tx *tx, unsigned slot, size_t need)
{
    struct lane_extent_layout *extent = &tx->lane->extents[slot];
    uint64_t wish = EXTENT_BYTES_START << slot;
    if (wish > EXTENT_BYTES_WISH) wish = EXTENT_BYTES_WISH;
    if (wish < need) wish = need;
    size_t size_bytes = 0;
    enum error error = tx->journal->ops.extent_alloc(tx->thread, &extent->off, wish, &size_bytes);
    /* A full heap may still have what this transaction needs now. */
    if (error != ERROR_OK && need < wish)
        error = tx->journal->ops.extent_alloc(tx->thread, &extent->off, need, &size_bytes);
    if (error != ERROR_OK) return error;
    ASSERT(extent->off != 0 && extent->off % LANE_WORD == 0 && size_bytes >= need);
    tx->extent_count = slot + 1;
    pmem_persist_store64(tx->map, &extent->bytes, size_bytes / LANE_WORD * LANE_WORD);
    return ERROR_OK;
}

/* The segment that holds `tail`: 0 is the lane's own area, n its extent n - 1. */
static unsigned segment_of(const struct tx *tx, const char *tail)
{
    uint64_t off = offset_in(tx, tail);
    for (unsigned i = 0; i < tx->extent_count; i++) {
        const struct lane_extent_layout *extent = &tx->lane->extents[i];
        if (off > extent->off && off <= extent->off + extent->bytes) return i + 1;
    }
    return 0;
}

/* Goes on in a later segment with room for `need` bytes. */
static enum error extend(struct tx *tx, size_t need)
{
    if (tx->lane_index == JOURNAL_SYSTEM_LANE) return ERROR_HEAP_FULL;
    size_t with_back = need + LANE_WORD;
    unsigned slot = segment_of(tx, tx->tail);
    /* After a rollback there may be extents that we already own. */
    while (slot < tx->extent_count && tx->lane->extents[slot].bytes < with_back)
        slot++;
    if (slot == LANE_EXTENTS) return ERROR_HEAP_FULL;
    if (slot == tx->extent_count) {
        enum error error = allocate_extent(tx, slot, with_back);
        if (error != ERROR_OK) return error;
    }
    const struct lane_extent_layout *extent = &tx->lane->extents[slot];
    enum error error = reserve_redo(tx, extent->bytes);
    if (error != ERROR_OK) return error;
    char *start = tx->base + extent->off;
    pmem_persist_store64(tx->map, (uint64_t *)(void *)start,
                         lane_word(LANE_BACK, offset_in(tx, tx->tail), 0));
    use_segment(tx, start + LANE_WORD, start + extent->bytes);
    return ERROR_OK;
}

enum error tx__append_slow(struct tx *tx, uint64_t word, const void *payload, size_t payload_bytes)
{
    ASSERT(tx->is_open);
    shadow_enter(tx);
    size_t need = payload_bytes + sizeof word;
    if (need > (size_t)(tx->segment_end - tx->tail)) {
        enum error error = extend(tx, need);
        if (error != ERROR_OK) return error;
    }
    char *start = tx->tail;
    tx__append_at_tail(tx, word, payload, payload_bytes);
    pmem_persist_flush(tx->map, start, need);
    /* X1: not merged with the tail's drain, or the tail could be durable first */
    pmem_persist_drain(tx->map);
    lane_store_state(tx->map, tx->lane, tx__active_state(tx));
    return ERROR_OK;
}

enum error tx__snapshot_long(struct tx *tx, uint64_t off, uint64_t bytes)
{
    ASSERT(tx->is_open);
    const uint64_t piece_max = LANE_SNAPSHOT_WORDS_MAX * LANE_WORD;
    shadow_enter(tx);
    /* One extent for all of it, rather than one after the other. */
    uint64_t need = bytes + (bytes / piece_max + 1) * LANE_WORD;
    if (need > (size_t)(tx->segment_end - tx->tail)) {
        enum error error = extend(tx, need);
        if (error != ERROR_OK) return error;
    }
    while (bytes > 0) {
        uint64_t piece = bytes < piece_max ? bytes : piece_max;
        uint64_t word = lane_word(LANE_SNAPSHOT, off, piece / LANE_WORD);
        enum error error = tx__append(tx, word, tx->base + off, piece);
        if (error != ERROR_OK) return error;
        off += piece;
        bytes -= piece;
    }
    return ERROR_OK;
}

static void release_extents(struct tx *tx)
{
    while (tx->extent_count > 0) {
        struct lane_extent_layout *extent = &tx->lane->extents[--tx->extent_count];
        shadow_resync(tx->journal, extent->off, extent->bytes);
        pmem_persist_store64(tx->map, &extent->bytes, 0); /* X5 */
        tx->journal->ops.extent_free(tx->thread, &extent->off, 0);
    }
}

/* ---- bits, objects and frees ---- */

static enum error change_bit(struct tx *tx, enum lane_kind kind, uint64_t *word, unsigned bit)
{
    ASSERT(bit < 64);
    uint64_t off = offset_in(tx, word);
    ASSERT(off < tx->reserved_bytes && off % LANE_WORD == 0);
    enum error error = tx__append(tx, lane_word(kind, off, bit), NULL, 0);
    if (error != ERROR_OK) return error;
    /* Flushed when the transaction commits or is undone (DAX). */
    pmem_fault_point();
    if (kind == LANE_SETBIT) __atomic_fetch_or(word, UINT64_C(1) << bit, __ATOMIC_ACQ_REL);
    if (kind == LANE_CLEARBIT) __atomic_fetch_and(word, ~(UINT64_C(1) << bit), __ATOMIC_ACQ_REL);
    return ERROR_OK;
}

static bool is_set(const uint64_t *word, unsigned bit)
{
    return (__atomic_load_n(word, __ATOMIC_RELAXED) >> bit & 1) != 0;
}

enum error tx_setbit(struct tx *tx, uint64_t *word, unsigned bit)
{
    return is_set(word, bit) ? ERROR_OK : change_bit(tx, LANE_SETBIT, word, bit);
}

enum error tx_clearbit(struct tx *tx, uint64_t *word, unsigned bit)
{
    return is_set(word, bit) ? change_bit(tx, LANE_CLEARBIT, word, bit) : ERROR_OK;
}

/* Makes room for one more element; `cap` counts elements. */
static bool grow_array(void **array, uint32_t *cap, uint32_t count, size_t element_bytes)
{
    if (count < *cap) return true;
    if (*cap > UINT32_MAX / 2) return false;
    void *grown = realloc(*array, 2 * (size_t)*cap * element_bytes);
    if (grown == NULL) return false;
    *array = grown;
    *cap *= 2;
    return true;
}

enum error tx_new_object(struct tx *tx, uint64_t off, size_t len, size_t class_bytes, uint64_t *word,
                         unsigned bit)
{
    if (is_set(word, bit)) return ERROR_CORRUPT;
    if (!grow_array((void **)&tx->objects, &tx->object_cap, tx->object_count, sizeof *tx->objects))
        return ERROR_MEMORY;
    enum error error = reserve_redo(tx, len + REDO_OBJECT_BYTES);
    if (error == ERROR_OK) error = change_bit(tx, LANE_SETBIT, word, bit);
    if (error != ERROR_OK) return error;
    tx->objects[tx->object_count++] = (struct tx_object){off, len, class_bytes};
    tx->used_delta += (int64_t)class_bytes;
    return ERROR_OK;
}

enum error tx_defer_free(struct tx *tx, uint64_t off, size_t class_bytes, uint64_t *word, unsigned bit)
{
    if (!is_set(word, bit)) return ERROR_CORRUPT;
    if (!grow_array((void **)&tx->frees, &tx->free_cap, tx->free_count, sizeof *tx->frees))
        return ERROR_MEMORY;
    enum error error = tx__append(tx, lane_word(LANE_FREE, offset_in(tx, word), bit), NULL, 0);
    if (error != ERROR_OK) return error;
    tx->frees[tx->free_count++] = (struct tx_free){off, class_bytes, word, bit};
    tx->used_delta -= (int64_t)class_bytes;
    return ERROR_OK;
}

enum error tx_on_commit(struct tx *tx, void (*hook)(void *arg), void *arg)
{
    ASSERT(tx->is_open);
    if (!grow_array((void **)&tx->hooks, &tx->hook_cap, tx->hook_count, sizeof *tx->hooks))
        return ERROR_MEMORY;
    tx->hooks[tx->hook_count++] = (struct tx_hook){hook, arg};
    return ERROR_OK;
}

void tx_scratch(struct tx *tx, void *dst, const void *src, size_t len)
{
    pmem_fault_point();
    if (SHADOW_CHECKS) shadow_scratch(tx, dst, src, len);
    else memcpy(dst, src, len);
}

/* ---- the end of a transaction ---- */

/* Back to an idle tx; the lane is idle already. Hooks stay for the caller. */
static void retire(struct tx *tx)
{
    release_extents(tx);
    tx->object_count = 0;
    tx->free_count = 0;
    tx->used_delta = 0;
    if (__builtin_expect(tx->wal_reserved > 0, 0)) tx_forgo(tx);
    tx->redo_bytes = tx->redo_reserved = 0;
    if (__builtin_expect(tx->record->cap > RECORD_KEEP_BYTES, 0)) redo_shrink(tx->record, RECORD_KEEP_BYTES);
    use_segment(tx, tx->first, (char *)tx->lane + JOURNAL_LANE_BYTES);
    shadow_leave(tx);
}

static void close_tx(struct tx *tx)
{
    tx->hook_count = 0;
    tx->is_open = false;
    tx->fast_end = NULL;
}

/* The selector of the state word that commits: flipped when the sum of used bytes changes. */
static uint64_t prepare_used_bytes(struct tx *tx)
{
    if (tx->used_delta == 0) return tx->selector;
    unsigned current = tx->selector == LANE_SELECTOR;
    int64_t used_bytes = tx->lane->used_bytes[current] + tx->used_delta;
    pmem_fault_point();
    /* In the cache line of the state word, and stored before it: durable before or with it. */
    __atomic_store_n(&tx->lane->used_bytes[1 - current], used_bytes, __ATOMIC_RELAXED);
    atomic_store_explicit(&tx->journal->lane[tx->lane_index].used_bytes, used_bytes, memory_order_relaxed);
    return tx->selector ^ LANE_SELECTOR;
}

static void clear_freed_bits(struct tx *tx)
{
    for (uint32_t i = 0; i < tx->free_count; i++) {
        const struct tx_free *freed = &tx->frees[i];
        uint64_t before = lane_clearbit(tx->map, freed->word, freed->bit);
        ASSERT((before >> freed->bit & 1) != 0); /* else freed twice */
    }
    pmem_persist_drain(tx->map);
}

/* X6 */
static void append_record(struct tx *tx)
{
    enum error error = redo_build(tx, tx->record);
    ASSERT(error == ERROR_OK); /* reserve_redo has made room */
    clear_freed_bits(tx);
    shadow_commit(tx, tx->record);
    wal_append(tx->journal->wal, tx->record->bytes, tx->record->len);
}

static void commit_lane(struct tx *tx)
{
    uint64_t tail = offset_in(tx, tx->tail);
    if (tx->map->mode == PMEM_MODE_DAX) {
        lane_flush_changes(tx->map, tail, offset_in(tx, tx->first));
        for (uint32_t i = 0; i < tx->object_count; i++)
            pmem_persist_flush(tx->map, tx->base + tx->objects[i].off, tx->objects[i].len);
        pmem_persist_drain(tx->map); /* X2 */
    }
    bool is_journaled = tx->journal->wal != NULL;
    if (is_journaled) append_record(tx);
    tx->selector = prepare_used_bytes(tx);
    if (tx->free_count > 0 && !is_journaled) {
        lane_store_state(tx->map, tx->lane, tail | LANE_PHASE_COMMITTED | tx->selector);
        clear_freed_bits(tx);
    }
    lane_store_state(tx->map, tx->lane, LANE_PHASE_IDLE | tx->selector);
    if (!is_journaled) shadow_commit(tx, NULL);
    for (uint32_t i = 0; i < tx->free_count; i++) /* X3 */
        tx->journal->ops.freed(tx->thread, tx->frees[i].off);
}

void tx__commit_slow(struct tx *tx)
{
    if (tx->tail != tx->first) commit_lane(tx);
    retire(tx);
    for (uint32_t i = 0; i < tx->hook_count; i++)
        tx->hooks[i].run(tx->hooks[i].arg);
    close_tx(tx);
}

struct tx_mark tx_savepoint(const struct tx *tx)
{
    ASSERT(tx->is_open);
    return (struct tx_mark){offset_in(tx, tx->tail), tx->object_count, tx->free_count, tx->hook_count};
}

/* The lane's state word covers nothing beyond the mark any more: gives back what was taken after it. */
static void drop_after(struct tx *tx, struct tx_mark mark)
{
    while (tx->free_count > mark.frees)
        tx->used_delta += (int64_t)tx->frees[--tx->free_count].class_bytes;
    while (tx->object_count > mark.new_objects) {
        const struct tx_object *object = &tx->objects[--tx->object_count];
        tx->used_delta -= (int64_t)object->class_bytes;
        shadow_resync(tx->journal, object->off, object->len);
        tx->journal->ops.unreserved(tx->thread, object->off);
    }
    tx->hook_count = mark.hooks;
}

void tx_rollback_to(struct tx *tx, struct tx_mark mark)
{
    ASSERT(tx->is_open && mark.new_objects <= tx->object_count && mark.frees <= tx->free_count &&
           mark.hooks <= tx->hook_count);
    uint64_t tail = offset_in(tx, tx->tail);
    if (tail != mark.lane_tail) {
        lane_undo(tx->map, tail, mark.lane_tail);
        char *marked = tx->base + mark.lane_tail;
        unsigned segment = segment_of(tx, marked);
        const struct lane_extent_layout *extent = segment > 0 ? &tx->lane->extents[segment - 1] : NULL;
        use_segment(tx, marked,
                    extent != NULL ? tx->base + extent->off + extent->bytes
                                   : (char *)tx->lane + JOURNAL_LANE_BYTES);
        bool is_empty = marked == tx->first;
        lane_store_state(tx->map, tx->lane, is_empty ? LANE_PHASE_IDLE | tx->selector : tx__active_state(tx));
    }
    drop_after(tx, mark);
}

void tx_abort(struct tx *tx)
{
    tx_rollback_to(tx, (struct tx_mark){.lane_tail = offset_in(tx, tx->first)});
    retire(tx);
    close_tx(tx);
}
