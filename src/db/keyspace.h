/* keyspace.h: the databases: keys, their values and expiry times, in the persistent heap.
 *
 * Terms: a *stripe* is a slice of the keyspace by hash, shared by all databases; it has a lock and owns one
 * table per database. A *key* (struct key) is a name with its hash and stripe, computed once per command. An
 * *entry* is the persistent block of one key (ds/entry.h).
 *
 * Rules: callers hold the stripe locks of every key they pass (or are alone in the server) from the first
 * lookup until the transaction is committed or aborted (H3). Functions that may write take `struct tx *`
 * first (T1). An error means that the transaction must be aborted or rolled back: partial changes may be in
 * it. Entries move when written: a pointer to an entry is good until the next call that writes the same
 * stripe.
 */
#ifndef CAIRN_DB_KEYSPACE_H
#define CAIRN_DB_KEYSPACE_H

#include "ds/collection.h"
#include "ds/entry.h"
#include "heap/heap.h"
#include "util/error.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define KEYSPACE_STRIPES 64

struct keyspace;

struct key {
    struct slice name;
    uint64_t hash;
    unsigned stripe;
};

/* Expiry times are absolute milliseconds since the epoch. */
#define EXPIRY_NONE INT64_C(-1) /* no expiry */
#define EXPIRY_KEEP INT64_C(-2) /* put: keep what the key has (KEEPTTL) */

/* Opens the keyspace that root 0 of the heap names, or creates it with `databases` databases. An existing one
 * keeps its data: fewer databases now merely hide the rest, more are added, and 0 shows those that are there.
 * Validates what it reads. */
MUST_CHECK enum error keyspace_open(struct heap *heap, struct heap_thread *thread, unsigned databases,
                                    struct keyspace **keyspace_out);
void keyspace_close(struct keyspace *keyspace);
unsigned keyspace_databases(const struct keyspace *keyspace);
struct heap *keyspace_heap(const struct keyspace *keyspace);

/* The stripe comes from the part of the name in {braces}, as in Redis Cluster, or from all of it. */
struct key keyspace_key(const struct keyspace *keyspace, struct slice name);

/* ---- locks: a spin-then-wait lock per stripe; ascending order of stripes prevents deadlock ---- */
void keyspace_lock(struct keyspace *keyspace, unsigned stripe);
void keyspace_unlock(struct keyspace *keyspace, unsigned stripe);
/* Bit i of `stripes` is stripe i. */
void keyspace_lock_set(struct keyspace *keyspace, uint64_t stripes);
void keyspace_unlock_set(struct keyspace *keyspace, uint64_t stripes);

/* ---- overlap of cache misses: hints, no locks needed; in this order, each for the whole batch ---- */
void keyspace_prefetch_directory(const struct keyspace *keyspace, unsigned db, const struct key *key);
void keyspace_prefetch_bucket(const struct keyspace *keyspace, unsigned db, const struct key *key);
void keyspace_prefetch_entry(const struct keyspace *keyspace, unsigned db, const struct key *key);

/* The same for an element of a large hash, set or sorted set. */
struct keyspace_hint {
    struct hashtable_layout *table; /* NULL: there is nothing to prefetch, and the hint is of no use */
    uint64_t hash;                  /* the element's */
};
/* Finds the collection that seems to be at `key`, and brings its root on its way. */
struct keyspace_hint keyspace_hint_element(const struct keyspace *keyspace, unsigned db, const struct key *key,
                                           struct slice element);
void keyspace_prefetch_element_directory(const struct keyspace *keyspace, const struct keyspace_hint *hint);
void keyspace_prefetch_element_bucket(const struct keyspace *keyspace, const struct keyspace_hint *hint);
void keyspace_prefetch_element_entry(const struct keyspace *keyspace, const struct keyspace_hint *hint);
/* Elements are allocated behind the keyspace's back: now and then it looks how far the heap reaches. */
void keyspace_follow_growth(struct keyspace *keyspace);

/* ---- lookup ---- */

/* The entry of `key`, expired or not; NULL when there is none. */
struct entry *keyspace_find(const struct keyspace *keyspace, unsigned db, const struct key *key);

/* ---- changes ---- */

/* The access bits (entry_access) that values get when they are put: on new entries, and with `overwritten` on those that replace
 * a value. Until the next call; any thread, now and then. */
void keyspace_set_access(struct keyspace *keyspace, uint32_t bits, bool overwritten);

/* Sets a string, whatever the key held before. `expire_at_ms`: a time, EXPIRY_NONE or EXPIRY_KEEP. Values
 * that are canonical int64 decimals (at most 20 bytes) are stored as integers. Overwrites in place when it
 * fits. */
MUST_CHECK enum error keyspace_put_string(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                          const struct key *key, struct slice value, int64_t expire_at_ms);
MUST_CHECK enum error keyspace_put_int(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                       const struct key *key, int64_t value, int64_t expire_at_ms);
/* Makes the string at `key` (created when absent, raw encoding from now on) at least new_len bytes long,
 * zero-filled beyond its old end, with [off, off+len) logged: *bytes_out is the start of the whole value; the
 * caller writes bytes [off, off+len) with tx_write. Keeps the expiry. Amortised growth (slack) as APPEND
 * needs it. new_len 0: keep the length. */
MUST_CHECK enum error keyspace_edit_string(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                           const struct key *key, size_t off, size_t len, size_t new_len,
                                           char **bytes_out);
/* ---- collections (ds/collection.h) ----
 * The entry of a collection is read with entry_packed / entry_root. A rooted value is changed in place by its kind's own functions
 * under the same transaction; its entry need not be touched. */

/* Sets the key's value to a packed collection of `type` with the bytes of `blob` (not inside the heap), logging only what changes when it
 * fits in place. expire_at_ms as keyspace_put_string. */
MUST_CHECK enum error keyspace_put_packed(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                                          enum entry_type type, struct slice blob, int64_t expire_at_ms);
/* Sets the key's value to the root block `root` of `kind`, which from now on belongs to the entry. What the key held before is dropped. */
MUST_CHECK enum error keyspace_put_root(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key,
                                        enum entry_type type, enum collection_kind kind, uint64_t root,
                                        int64_t expire_at_ms);
/* After a change of a rooted collection that changed when something inside it expires (entry_due_ms). */
MUST_CHECK enum error keyspace_note_due(struct tx *tx, struct keyspace *keyspace, unsigned db, const struct key *key);
/* Removes the key and drops its value, in O(1) for the caller however large it is (H7). */
MUST_CHECK enum error keyspace_remove(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                      const struct key *key, bool *removed_out);
/* Sets or (EXPIRY_NONE) takes away the expiry of an existing key. */
MUST_CHECK enum error keyspace_set_expiry(struct tx *tx, struct keyspace *keyspace, unsigned db,
                                          const struct key *key, int64_t expire_at_ms);
/* Moves the value (and expiry) of `from` to the name `to`, replacing what was there. RENAME and MOVE. */
MUST_CHECK enum error keyspace_move(struct tx *tx, struct keyspace *keyspace, unsigned from_db,
                                    const struct key *from, unsigned to_db, const struct key *to);
/* The same, but `from` stays. COPY. */
MUST_CHECK enum error keyspace_copy(struct tx *tx, struct keyspace *keyspace, unsigned from_db,
                                    const struct key *from, unsigned to_db, const struct key *to);

/* ---- whole databases: the caller is alone in the server (exclusive gate) ---- */

/* Unlinks every key onto the reclaim list: O(stripes). */
MUST_CHECK enum error keyspace_flush(struct tx *tx, struct keyspace *keyspace, unsigned db);
MUST_CHECK enum error keyspace_swap(struct tx *tx, struct keyspace *keyspace, unsigned db_a, unsigned db_b);

/* ---- counts: sums of per-stripe words, no lock ---- */
uint64_t keyspace_size(const struct keyspace *keyspace, unsigned db);
/* Keys that expire, or in which something does. */
uint64_t keyspace_volatile_size(const struct keyspace *keyspace, unsigned db);
/* Mean remaining time to live of volatile keys as last sampled, ms; 0 when unknown. */
int64_t keyspace_average_ttl_ms(const struct keyspace *keyspace, unsigned db);
/* Volatile keys removed because their time had come, since the start. */
uint64_t keyspace_expired_count(const struct keyspace *keyspace);

/* ---- visiting ---- */

/* Called under the stripe's lock; must not write the keyspace. Returning false ends the visit. */
typedef bool keyspace_visit(void *arg, struct entry *entry);
/* SCAN: visits about `count` entries from `cursor` on and returns the next cursor, 0 at the end. Guarantee: a
 * key that is there from the first call to the last is visited at least once, whatever grows, splits, merges
 * or restarts meanwhile. Takes the stripe locks itself unless `locked` (the caller is alone). */
uint64_t keyspace_scan(struct keyspace *keyspace, unsigned db, uint64_t cursor, uint64_t count, bool locked,
                       keyspace_visit *visit, void *arg);
/* A random live entry (at now_ms), uniform enough for RANDOMKEY; copies its name into a malloc'd buffer that the
 * caller frees. False when there is none. Takes locks itself unless `locked`. */
bool keyspace_random(struct keyspace *keyspace, unsigned db, bool locked, int64_t now_ms, char **name_out,
                     size_t *len_out);

/* ---- background work: the caller holds the gate shared and no stripe lock ---- */

enum keyspace_expiry {
    KEYSPACE_EXPIRED, /* the key is gone */
    KEYSPACE_EASED,   /* a part of what is inside it is gone */
    KEYSPACE_EMPTIED, /* all that was inside it is gone, and so is the key */
};
typedef void keyspace_expired(void *arg, unsigned db, struct slice name, enum keyspace_expiry how);
/* Removes keys of stripe `stripe` whose time has come, and what has expired inside collections, at most `max_keys`, in
 * small transactions of `thread`, under the stripe's lock. `removed` is called for each key to which something happens, once that is
 * committed, still under the lock (NULL: none). Returns how many keys it has dealt with; max_keys: there may be more. Finds nothing in O(1) when nothing is due: each segment knows its earliest expiry. */
unsigned keyspace_expire_step(struct keyspace *keyspace, struct heap_thread *thread, unsigned stripe,
                              int64_t now_ms, unsigned max_keys,
                              keyspace_expired *removed, void *arg);
/* Frees at most about max_blocks blocks from the reclaim list in small transactions; true while there is
 * more. */
bool keyspace_reclaim_step(struct keyspace *keyspace, struct heap_thread *thread, unsigned max_blocks);
uint64_t keyspace_reclaim_pending(const struct keyspace *keyspace); /* values waiting on the list */
uint64_t keyspace_reclaimed(const struct keyspace *keyspace); /* values freed from it since the reset, or the open */
void keyspace_reset_reclaimed(struct keyspace *keyspace);

/* ---- memory and checking ---- */
/* Bytes that the entry and its value occupy in the heap, slot included (MEMORY USAGE); large collections as sampled over
 * `samples` elements (0: all). */
size_t keyspace_entry_bytes(const struct keyspace *keyspace, const struct entry *entry, size_t samples);
struct keyspace_memory {
    uint64_t table_bytes; /* directories and segments */
    uint64_t slots;       /* slots in all segments of the database */
};
void keyspace_memory(struct keyspace *keyspace, unsigned db, struct keyspace_memory *memory_out);
/* Validates every persistent structure of the keyspace; false with the first fault in `detail`. */
bool keyspace_is_valid(struct keyspace *keyspace, char *detail, size_t detail_cap);
/* A heap_walk: `app` is the keyspace. Names every block it owns, the reclaim list's included. */
void keyspace_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx);

#endif
