/* tx_inline.h: the hot paths of tx.h, inlined into callers. Included by tx.h only; the fields of struct tx
 * are private to the journal.
 *
 * Appending an undo entry is: copy the payload, its describing word, then the lane's state word with the new
 * tail. Only then may the caller store (protocol and crash table in tx.c). The inline path serves a lane in a
 * shared mapping with room left; whatever else (persistent memory, overflow, long ranges, the checking
 * build's gate, a tx that is not open) has fast_end == NULL or too small, and takes tx__append_slow.
 */
#ifndef CAIRN_JOURNAL_TX_INLINE_H
#define CAIRN_JOURNAL_TX_INLINE_H

#include "journal/journal_layout.h"
#include "pmem/persist.h"
#include "util/assert.h"

#include <string.h>

struct journal;
struct redo_record;

struct tx_object {
    uint64_t off;
    uint64_t len;
    uint64_t class_bytes;
};

struct tx_free {
    uint64_t off;
    uint64_t class_bytes;
    uint64_t *word;
    unsigned bit;
};

struct tx_hook {
    void (*run)(void *arg);
    void *arg;
};

struct tx {
    char *tail;     /* where the next undo entry goes */
    char *fast_end; /* end of the inline paths' room; NULL: none */
    char *base;
    struct lane_layout *lane;
    uint64_t selector;       /* LANE_SELECTOR or 0, as in the lane's state word */
    uint64_t reserved_bytes; /* of the mapping */
    char *first;             /* where the lane's first entry goes */
    char *first_fast_end;    /* fast_end of a new transaction; NULL: this lane never takes the inline paths */
    bool is_open;
    bool holds_gate; /* checking build: shadow.h */
    uint32_t object_count;
    uint32_t free_count;
    uint32_t hook_count;
    uint32_t extent_count; /* extents that the lane holds */
    uint32_t lane_index;
    uint32_t object_cap;
    uint32_t free_cap;
    uint32_t hook_cap;
    int64_t used_delta; /* bytes allocated minus freed in this transaction */
    char *segment_end;  /* of the lane's area or extent that holds the tail */
    struct tx_object *objects;
    struct tx_free *frees;
    struct tx_hook *hooks;
    struct redo_record *record; /* owned; its memory is kept from one commit to the next */
    uint64_t redo_bytes;        /* of objects and extents: about what the record will take beyond the lane */
    uint64_t redo_reserved;     /* of them, what the redo journal has room for */
    uint64_t wal_reserved;      /* of the record: wal_reserve has promised it */
    struct pmem_map *map;
    struct journal *journal;
    void *thread;
};

/* `arg` as in journal_layout.h; payload_bytes are whole words. */
enum error tx__append_slow(struct tx *tx, uint64_t word, const void *payload, size_t payload_bytes);
enum error tx__snapshot_long(struct tx *tx, uint64_t off, uint64_t bytes);
void tx__commit_slow(struct tx *tx);

/* Room must be there. */
static inline void tx__append_at_tail(struct tx *tx, uint64_t word, const void *payload, size_t payload_bytes)
{
    pmem_fault_point();
    if (payload_bytes > 0) memcpy(tx->tail, payload, payload_bytes);
    *(uint64_t *)(void *)(tx->tail + payload_bytes) = word;
    tx->tail += payload_bytes + sizeof word;
}

static inline uint64_t tx__active_state(const struct tx *tx)
{
    return (uint64_t)(tx->tail - tx->base) | LANE_PHASE_ACTIVE | tx->selector;
}

static inline enum error tx__append(struct tx *tx, uint64_t word, const void *payload, size_t payload_bytes)
{
    if (__builtin_expect(tx->tail + payload_bytes + sizeof word > tx->fast_end, 0))
        return tx__append_slow(tx, word, payload, payload_bytes);
    tx__append_at_tail(tx, word, payload, payload_bytes);
    pmem_persist_barrier(); /* the entry before the tail that covers it */
    pmem_fault_point();
    __atomic_store_n(&tx->lane->state, tx__active_state(tx), __ATOMIC_RELEASE);
    pmem_persist_barrier(); /* the tail before the caller's stores */
    return ERROR_OK;
}

static inline void tx_begin(struct tx *tx)
{
    ASSERT(!tx->is_open);
    tx->is_open = true;
    tx->fast_end = tx->first_fast_end;
}

static inline bool tx_is_open(const struct tx *tx)
{
    return tx->is_open;
}

static inline enum error tx_snapshot(struct tx *tx, void *addr, size_t len)
{
    uint64_t off = (uint64_t)((char *)addr - tx->base);
    ASSERT(off < tx->reserved_bytes && len <= tx->reserved_bytes - off);
    /* Whole words: each has one owner (H3), so its other bytes are ours as well. */
    uint64_t from = off & ~UINT64_C(7);
    uint64_t bytes = ((off + len + 7) & ~UINT64_C(7)) - from;
    if (__builtin_expect(bytes > LANE_SNAPSHOT_WORDS_MAX * sizeof(uint64_t), 0))
        return tx__snapshot_long(tx, from, bytes);
    uint64_t word = LANE_SNAPSHOT | from | bytes / sizeof(uint64_t) << LANE_ARG_SHIFT;
    return tx__append(tx, word, tx->base + from, bytes);
}

static inline void tx_write64(struct tx *tx, uint64_t *dst, uint64_t value)
{
    ASSERT(tx->is_open);
    pmem_fault_point();
    __atomic_store_n(dst, value, __ATOMIC_RELEASE);
}

static inline enum error tx_store64(struct tx *tx, uint64_t *addr, uint64_t value)
{
    enum error error = tx_snapshot(tx, addr, sizeof *addr);
    if (error == ERROR_OK) tx_write64(tx, addr, value);
    return error;
}

static inline void tx_write(struct tx *tx, void *dst, const void *src, size_t len)
{
    ASSERT(tx->is_open);
    pmem_fault_point();
    memcpy(dst, src, len);
}

static inline void tx_fill(struct tx *tx, void *dst, int byte, size_t len)
{
    ASSERT(tx->is_open);
    pmem_fault_point();
    memset(dst, byte, len);
}

static inline void tx_move(struct tx *tx, void *dst, const void *src, size_t len)
{
    ASSERT(tx->is_open);
    pmem_fault_point();
    memmove(dst, src, len);
}

static inline void tx_commit(struct tx *tx)
{
    ASSERT(tx->is_open);
    if (tx->tail == tx->first && (tx->hook_count | tx->extent_count | (uint32_t)tx->holds_gate) == 0) {
        tx->is_open = false;
        tx->fast_end = NULL;
        return;
    }
    tx__commit_slow(tx);
}

#endif
