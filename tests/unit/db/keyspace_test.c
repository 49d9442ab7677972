/* The keyspace: values, edits, expiry, moves, databases, SCAN, RANDOMKEY, background work, a full heap,
 * threads. */
#include "../ds/open_heap.h"

#include "db/keyspace.h"

#include <pthread.h>

#define DATABASES  4
#define DETAIL_CAP 256

struct rig {
    struct fixture *fixture;
    struct keyspace *keyspace;
    struct tx *tx;
};

static struct rig rig_make(struct fixture *fixture)
{
    struct rig rig = {.fixture = fixture, .tx = fixture->tx};
    assert_int_equal(keyspace_open(fixture->heap, fixture->thread, DATABASES, &rig.keyspace), ERROR_OK);
    return rig;
}

static void rig_check(struct rig *rig)
{
    char detail[DETAIL_CAP];
    struct heap_check_result result;
    if (!keyspace_is_valid(rig->keyspace, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->fixture->heap, keyspace_walk, rig->keyspace, &result) != ERROR_OK)
        fail_msg("%s", result.detail);
}

static void rig_end(struct rig *rig)
{
    rig_check(rig);
    keyspace_close(rig->keyspace);
}

static void rig_reopen(struct rig *rig)
{
    rig_end(rig);
    fixture_reopen(rig->fixture);
    *rig = rig_make(rig->fixture);
}

static struct key key_of(const struct rig *rig, const char *name)
{
    return keyspace_key(rig->keyspace, slice_of(name));
}

static void put_at(struct rig *rig, unsigned db, const char *name, struct slice value, int64_t expire_at_ms)
{
    struct key key = key_of(rig, name);
    tx_begin(rig->tx);
    assert_int_equal(keyspace_put_string(rig->tx, rig->keyspace, db, &key, value, expire_at_ms), ERROR_OK);
    tx_commit(rig->tx);
}

static void put(struct rig *rig, const char *name, const char *value)
{
    put_at(rig, 0, name, slice_of(value), EXPIRY_NONE);
}

static struct entry *find_at(const struct rig *rig, unsigned db, const char *name)
{
    struct key key = key_of(rig, name);
    return keyspace_find(rig->keyspace, db, &key);
}

static void assert_value_at(const struct rig *rig, unsigned db, const char *name, struct slice value)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct entry *entry = find_at(rig, db, name);
    if (entry == NULL) fail_msg("%s is absent", name);
    struct slice actual = entry_string(rig->fixture->heap, entry, text);
    assert_int_equal(actual.len, value.len);
    assert_memory_equal(actual.ptr, value.ptr, value.len);
    assert_int_equal(entry_string_len(rig->fixture->heap, entry), value.len);
}

static void assert_value(const struct rig *rig, const char *name, const char *value)
{
    assert_value_at(rig, 0, name, slice_of(value));
}

static bool erase_at(struct rig *rig, unsigned db, const char *name)
{
    struct key key = key_of(rig, name);
    bool removed = false;
    tx_begin(rig->tx);
    assert_int_equal(keyspace_remove(rig->tx, rig->keyspace, db, &key, &removed), ERROR_OK);
    tx_commit(rig->tx);
    return removed;
}

static void edit(struct rig *rig, const char *name, size_t off, const char *text, size_t new_len)
{
    struct key key = key_of(rig, name);
    char *bytes = NULL;
    tx_begin(rig->tx);
    assert_int_equal(
        keyspace_edit_string(rig->tx, rig->keyspace, 0, &key, off, strlen(text), new_len, &bytes), ERROR_OK);
    tx_write(rig->tx, bytes + off, text, strlen(text));
    tx_commit(rig->tx);
}

static void expire_at(struct rig *rig, unsigned db, const char *name, int64_t expire_at_ms)
{
    struct key key = key_of(rig, name);
    tx_begin(rig->tx);
    assert_int_equal(keyspace_set_expiry(rig->tx, rig->keyspace, db, &key, expire_at_ms), ERROR_OK);
    tx_commit(rig->tx);
}

static void values_keep_their_encoding(void **state)
{
    struct rig rig = rig_make(*state);
    static char big[5000];
    memset(big, 'b', sizeof(big));
    put(&rig, "int", "-1234567");
    put(&rig, "not int", "01");
    put(&rig, "text", "hello");
    put(&rig, "empty", "");
    put_at(&rig, 0, "big", (struct slice){big, sizeof(big)}, EXPIRY_NONE);
    rig_reopen(&rig);
    assert_value(&rig, "int", "-1234567");
    assert_value(&rig, "not int", "01");
    assert_value(&rig, "text", "hello");
    assert_value(&rig, "empty", "");
    assert_value_at(&rig, 0, "big", (struct slice){big, sizeof(big)});
    assert_string_equal(entry_encoding_name(rig.fixture->heap, find_at(&rig, 0, "int")), "int");
    assert_string_equal(entry_encoding_name(rig.fixture->heap, find_at(&rig, 0, "not int")), "embstr");
    assert_string_equal(entry_encoding_name(rig.fixture->heap, find_at(&rig, 0, "big")), "raw");
    assert_int_equal(keyspace_size(rig.keyspace, 0), 5);
    assert_null(find_at(&rig, 1, "text"));
    assert_true(erase_at(&rig, 0, "big"));
    assert_false(erase_at(&rig, 0, "big"));
    assert_int_equal(keyspace_size(rig.keyspace, 0), 4);
    rig_end(&rig);
}

static void overwriting_goes_through_every_shape(void **state)
{
    struct rig rig = rig_make(*state);
    static char bytes[3000];
    memset(bytes, 'x', sizeof(bytes));
    static const size_t lens[] = {0, 5, 32, 33, 44, 100, 900, 1100, 2900, 1, 950, 7};
    for (unsigned i = 0; i < 200; i++) {
        struct slice value = {bytes, lens[(i * 7 + i / 12) % 12]};
        int64_t expire_at_ms = i % 3 == 0 ? EXPIRY_NONE : i % 3 == 1 ? 5000 + i : EXPIRY_KEEP;
        int64_t before = find_at(&rig, 0, "key") == NULL ? -1 : entry_expire_ms(find_at(&rig, 0, "key"));
        if (i % 5 == 4) value = SLICE("777");
        put_at(&rig, 0, "key", value, expire_at_ms);
        assert_value_at(&rig, 0, "key", value);
        int64_t expected = expire_at_ms == EXPIRY_KEEP ? before : expire_at_ms;
        assert_true(entry_expire_ms(find_at(&rig, 0, "key")) == expected);
        assert_int_equal(keyspace_volatile_size(rig.keyspace, 0), expected >= 0);
        rig_check(&rig);
    }
    rig_end(&rig);
}

static void edits_grow_and_stay_raw(void **state)
{
    struct rig rig = rig_make(*state);
    put(&rig, "k", "Hello");
    edit(&rig, "k", 5, " World", 11);
    assert_value(&rig, "k", "Hello World");
    assert_string_equal(entry_encoding_name(rig.fixture->heap, find_at(&rig, 0, "k")), "raw");
    edit(&rig, "k", 6, "Redis", 0);
    assert_value(&rig, "k", "Hello Redis");
    edit(&rig, "k", 13, "!", 14);
    assert_value_at(&rig, 0, "k", (struct slice){"Hello Redis\0\0!", 14});
    put(&rig, "n", "100");
    edit(&rig, "n", 3, "1", 4);
    assert_value(&rig, "n", "1001");
    assert_string_equal(entry_encoding_name(rig.fixture->heap, find_at(&rig, 0, "n")), "raw");
    edit(&rig, "new", 2, "x", 3);
    assert_value_at(&rig, 0, "new", (struct slice){"\0\0x", 3});
    expire_at(&rig, 0, "new", 12345);
    edit(&rig, "new", 3, "y", 4);
    assert_true(entry_expire_ms(find_at(&rig, 0, "new")) == 12345);
    rig_end(&rig);
}

static void appends_cross_from_embedded_to_external(void **state)
{
    struct rig rig = rig_make(*state);
    static char model[20000];
    size_t len = 0;
    for (unsigned i = 0; len + 40 < sizeof(model); i++) {
        char piece[40];
        int piece_len = snprintf(piece, sizeof(piece), "piece %u;", i);
        memcpy(model + len, piece, (size_t)piece_len);
        edit(&rig, "log", len, piece, len + (size_t)piece_len);
        len += (size_t)piece_len;
        assert_value_at(&rig, 0, "log", (struct slice){model, len});
        if (i % 100 == 0) rig_check(&rig);
    }
    edit(&rig, "log", 3, "###", 0);
    memcpy(model + 3, "###", 3);
    rig_reopen(&rig);
    assert_value_at(&rig, 0, "log", (struct slice){model, len});
    rig_end(&rig);
}

static void moves_and_copies_take_value_and_expiry(void **state)
{
    struct rig rig = rig_make(*state);
    static char big[2000];
    memset(big, 'm', sizeof(big));
    struct slice value = {big, sizeof(big)};
    put_at(&rig, 0, "from", value, 7777);
    put(&rig, "to", "something else");
    struct key from = key_of(&rig, "from"), to = key_of(&rig, "to"), absent = key_of(&rig, "absent");
    tx_begin(rig.tx);
    assert_int_equal(keyspace_copy(rig.tx, rig.keyspace, 0, &from, 2, &to), ERROR_OK);
    assert_int_equal(keyspace_move(rig.tx, rig.keyspace, 0, &from, 0, &to), ERROR_OK);
    assert_int_equal(keyspace_move(rig.tx, rig.keyspace, 0, &to, 0, &to), ERROR_OK);
    assert_int_equal(keyspace_move(rig.tx, rig.keyspace, 0, &absent, 0, &to), ERROR_NOT_FOUND);
    tx_commit(rig.tx);
    assert_null(find_at(&rig, 0, "from"));
    assert_value_at(&rig, 0, "to", value);
    assert_value_at(&rig, 2, "to", value);
    assert_true(entry_expire_ms(find_at(&rig, 0, "to")) == 7777);
    assert_true(entry_expire_ms(find_at(&rig, 2, "to")) == 7777);
    tx_begin(rig.tx);
    assert_int_equal(keyspace_move(rig.tx, rig.keyspace, 0, &to, 3, &to), ERROR_OK);
    tx_abort(rig.tx);
    assert_null(find_at(&rig, 3, "to"));
    assert_value_at(&rig, 0, "to", value);
    rig_end(&rig);
}

static void databases_are_flushed_swapped_and_reclaimed(void **state)
{
    struct rig rig = rig_make(*state);
    char name[32];
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "key %u", i);
        put_at(&rig, i % 2, name, i % 7 ? SLICE("value") : SLICE("12"), i % 5 ? EXPIRY_NONE : 9999);
    }
    tx_begin(rig.tx);
    assert_int_equal(keyspace_swap(rig.tx, rig.keyspace, 0, 3), ERROR_OK);
    tx_commit(rig.tx);
    assert_int_equal(keyspace_size(rig.keyspace, 0), 0);
    assert_int_equal(keyspace_size(rig.keyspace, 3), 1500);
    tx_begin(rig.tx);
    assert_int_equal(keyspace_flush(rig.tx, rig.keyspace, 3), ERROR_OK);
    tx_commit(rig.tx);
    assert_int_equal(keyspace_size(rig.keyspace, 3), 0);
    assert_int_equal(keyspace_volatile_size(rig.keyspace, 3), 0);
    assert_int_equal(keyspace_reclaim_pending(rig.keyspace), 1500);
    rig_check(&rig);
    put_at(&rig, 3, "fresh", SLICE("start"), EXPIRY_NONE);
    unsigned steps = 0;
    uint64_t before = 0; /* counted before the restart */
    while (keyspace_reclaim_step(rig.keyspace, rig.fixture->thread, 64)) {
        if (++steps == 20) {
            before += keyspace_reclaimed(rig.keyspace);
            rig_reopen(&rig);
        }
        assert_in_range(steps, 0, 1000);
    }
    assert_int_equal(keyspace_reclaim_pending(rig.keyspace), 0);
    assert_int_equal(before + keyspace_reclaimed(rig.keyspace), 1500);
    keyspace_reset_reclaimed(rig.keyspace);
    assert_int_equal(keyspace_reclaimed(rig.keyspace), 0);
    assert_value_at(&rig, 3, "fresh", SLICE("start"));
    assert_int_equal(keyspace_size(rig.keyspace, 1), 1500);
    rig_end(&rig);
}

static void more_databases_are_added_fewer_hide(void **state)
{
    struct rig rig = rig_make(*state);
    put_at(&rig, 3, "k", SLICE("v"), EXPIRY_NONE);
    keyspace_close(rig.keyspace);
    assert_int_equal(keyspace_open(rig.fixture->heap, rig.fixture->thread, 1, &rig.keyspace), ERROR_OK);
    assert_int_equal(keyspace_databases(rig.keyspace), 1);
    rig_end(&rig);
    assert_int_equal(keyspace_open(rig.fixture->heap, rig.fixture->thread, 20, &rig.keyspace), ERROR_OK);
    put_at(&rig, 19, "k", SLICE("w"), EXPIRY_NONE);
    assert_value_at(&rig, 3, "k", SLICE("v"));
    rig_end(&rig);
}

struct removed {
    unsigned count;
    unsigned db_sum;
};

static void count_removed(void *arg, unsigned db, struct slice name, enum keyspace_expiry how)
{
    (void)how;
    struct removed *removed = arg;
    removed->count++;
    removed->db_sum += db;
    assert_true(name.len > 4 && memcmp(name.ptr, "due ", 4) == 0);
}

static unsigned expire_all(struct rig *rig, int64_t now_ms, unsigned max_keys, struct removed *removed)
{
    unsigned sum = 0;
    for (unsigned stripe = 0; stripe < KEYSPACE_STRIPES; stripe++)
        for (unsigned i = 0; i < 100; i++)
            sum += keyspace_expire_step(rig->keyspace, rig->fixture->thread, stripe, now_ms, max_keys,
                                        count_removed, removed);
    return sum;
}

static void what_is_due_expires_and_nothing_else(void **state)
{
    struct rig rig = rig_make(*state);
    char name[32];
    for (unsigned i = 0; i < 6000; i++) {
        bool due = i % 4 == 0;
        snprintf(name, sizeof(name), "%s %u", due ? "due" : "later", i);
        put_at(&rig, i % 2, name, SLICE("v"), due ? 1000 + i : i % 4 == 1 ? EXPIRY_NONE : 1000000 + i);
    }
    struct removed removed = {0};
    assert_int_equal(expire_all(&rig, 999, 3, &removed), 0);
    assert_int_equal(expire_all(&rig, 2999, 3, &removed), 500);
    assert_int_equal(expire_all(&rig, 10000, 100, &removed), 1000);
    assert_int_equal(removed.count, 1500);
    assert_int_equal(removed.db_sum, 0); /* every fourth is even */
    assert_int_equal(keyspace_expired_count(rig.keyspace), 1500);
    assert_int_equal(keyspace_size(rig.keyspace, 0), 1500);
    rig_reopen(&rig);
    assert_int_equal(expire_all(&rig, 10000, 100, &removed), 0);
    put_at(&rig, 1, "due again", SLICE("v"), 10001);
    assert_int_equal(expire_all(&rig, 10001, 100, &removed), 1);
    assert_in_range(keyspace_average_ttl_ms(rig.keyspace, 0), 990000 - 10000, 1000000);
    expire_at(&rig, 0, "later 2", EXPIRY_NONE);
    expire_at(&rig, 0, "later 6", 10005);
    assert_null(find_at(&rig, 0, "due 0"));
    rig_end(&rig);
}

static void expiry_comes_and_goes(void **state)
{
    struct rig rig = rig_make(*state);
    put(&rig, "key:000000000001", "0123456789abcdef0123456789abcdef");
    for (unsigned i = 0; i < 5; i++) {
        expire_at(&rig, 0, "key:000000000001", 5000 + i);
        assert_true(entry_expire_ms(find_at(&rig, 0, "key:000000000001")) == 5000 + i);
        assert_int_equal(keyspace_volatile_size(rig.keyspace, 0), 1);
        expire_at(&rig, 0, "key:000000000001", EXPIRY_NONE);
        assert_int_equal(keyspace_volatile_size(rig.keyspace, 0), 0);
        rig_check(&rig);
    }
    assert_value(&rig, "key:000000000001", "0123456789abcdef0123456789abcdef");
    struct key absent = key_of(&rig, "absent");
    tx_begin(rig.tx);
    assert_int_equal(keyspace_set_expiry(rig.tx, rig.keyspace, 0, &absent, 1), ERROR_NOT_FOUND);
    tx_commit(rig.tx);
    rig_end(&rig);
}

#define SCAN_KEYS 1000

static bool mark_seen(void *arg, struct entry *entry)
{
    bool *seen = arg;
    struct slice key = entry_key(entry);
    if (key.ptr[0] == 's') seen[strtoul(key.ptr + 1, NULL, 10) % SCAN_KEYS] = true;
    return true;
}

/* SCAN's guarantee over all stripes, with keys coming and going and a restart in the middle. */
static void scans_return_what_stays(void **state)
{
    struct rig rig = rig_make(*state);
    char name[32];
    static bool seen[SCAN_KEYS];
    for (unsigned i = 0; i < SCAN_KEYS; i++) {
        snprintf(name, sizeof(name), "s%04u.", i);
        put(&rig, name, "v");
    }
    for (unsigned round = 0; round < 4; round++) {
        uint64_t cursor = 0;
        unsigned steps = 0, low = 0, high = 0;
        memset(seen, 0, sizeof(seen));
        do {
            cursor = keyspace_scan(rig.keyspace, 0, cursor, 10, steps % 2 == 0, mark_seen, seen);
            for (unsigned i = 0; i < round * 100; i++) {
                snprintf(name, sizeof(name), "churn %u", steps % 80 < 40 ? high++ : low);
                if (steps % 80 < 40) put(&rig, name, "v");
                else if (low < high && erase_at(&rig, 0, name)) low++;
            }
            if (++steps == 50) rig_reopen(&rig);
            assert_in_range(steps, 0, 100000);
        } while (cursor != 0);
        for (unsigned i = 0; i < SCAN_KEYS; i++)
            if (!seen[i]) fail_msg("key %u was not visited in round %u", i, round);
    }
    rig_end(&rig);
}

static void random_keys_are_there(void **state)
{
    struct rig rig = rig_make(*state);
    char *name = NULL;
    size_t len = 0;
    assert_false(keyspace_random(rig.keyspace, 0, false, 0, &name, &len));
    put_at(&rig, 0, "gone", SLICE("v"), 10);
    put(&rig, "here", "v");
    unsigned here = 0;
    for (unsigned i = 0; i < 100; i++) {
        assert_true(keyspace_random(rig.keyspace, 0, i % 2, 1000, &name, &len));
        here += len == 4 && memcmp(name, "here", 4) == 0;
        free(name);
    }
    assert_int_equal(here, 100);
    assert_true(erase_at(&rig, 0, "here"));
    assert_false(keyspace_random(rig.keyspace, 0, false, 1000, &name, &len)); /* what is left has expired */
    /* One live key among many expired ones is found, whatever the dice say. */
    for (unsigned i = 0; i < 2000; i++) {
        char expired[16];
        snprintf(expired, sizeof expired, "gone%u", i);
        put_at(&rig, 0, expired, SLICE("v"), 10);
    }
    put(&rig, "last", "v");
    assert_true(keyspace_random(rig.keyspace, 0, false, 1000, &name, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(name, "last", 4);
    free(name);
    rig_end(&rig);
}

static void stripes_follow_the_hash_tag(void **state)
{
    struct rig rig = rig_make(*state);
    assert_int_equal(key_of(&rig, "{user1}.name").stripe, key_of(&rig, "{user1}.age").stripe);
    assert_int_equal(key_of(&rig, "{user1}.name").stripe, key_of(&rig, "user1").stripe);
    assert_true(key_of(&rig, "{}.a").hash != key_of(&rig, "{}.b").hash);
    unsigned used[KEYSPACE_STRIPES] = {0};
    char name[32];
    for (unsigned i = 0; i < 6400; i++) {
        snprintf(name, sizeof(name), "{}%u", i);
        used[key_of(&rig, name).stripe]++;
    }
    for (unsigned i = 0; i < KEYSPACE_STRIPES; i++)
        assert_in_range(used[i], 50, 160);
    rig_end(&rig);
}

/* H10: what was put until the heap was full can be removed again. */
static void a_full_heap_can_be_emptied(void **state)
{
    struct rig rig = rig_make(*state);
    struct heap_stats stats;
    heap_stats(rig.fixture->heap, &stats);
    heap_set_limit(rig.fixture->heap, stats.file_bytes);
    char name[32];
    unsigned count = 0;
    enum error error = ERROR_OK;
    while (error == ERROR_OK) {
        snprintf(name, sizeof(name), "key %u", count);
        struct key key = key_of(&rig, name);
        tx_begin(rig.tx);
        error = keyspace_put_string(rig.tx, rig.keyspace, 0, &key,
                                    SLICE("a value of forty bytes, a value of forty"), EXPIRY_NONE);
        if (error == ERROR_OK) {
            count++;
            tx_commit(rig.tx);
        } else {
            tx_abort(rig.tx);
        }
    }
    assert_int_equal(error, ERROR_HEAP_FULL);
    assert_true(count > 1000);
    rig_check(&rig);
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "key %u", i);
        assert_true(erase_at(&rig, 0, name));
    }
    assert_int_equal(keyspace_size(rig.keyspace, 0), 0);
    rig_end(&rig);
}

static void memory_is_told(void **state)
{
    struct rig rig = rig_make(*state);
    put(&rig, "key:000000000001", "0123456789abcdef0123456789abcdef");
    assert_int_equal(keyspace_entry_bytes(rig.keyspace, find_at(&rig, 0, "key:000000000001"), 0), 64);
    struct keyspace_memory memory;
    keyspace_memory(rig.keyspace, 0, &memory);
    assert_int_equal(memory.slots, 24);
    assert_int_equal(memory.table_bytes, 256);
    rig_end(&rig);
}

#define THREADS       4
#define THREAD_ROUNDS 20000
#define COUNTED_KEYS  50

struct worker {
    struct rig *rig;
    unsigned index;
};

/* Adds to shared counters under the stripes' locks, with hints that race against the others' writes. */
static void *count_up(void *arg)
{
    struct worker *worker = arg;
    struct keyspace *keyspace = worker->rig->keyspace;
    struct heap_thread *thread;
    if (heap_thread_open(worker->rig->fixture->heap, &thread) != ERROR_OK) return arg;
    struct tx *tx = heap_thread_tx(thread);
    uint64_t random = worker->index + 1;
    bool ok = true;
    for (unsigned i = 0; i < THREAD_ROUNDS && ok; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        char name[32], other_name[32];
        snprintf(name, sizeof(name), "counter %u", (unsigned)(random >> 33) % COUNTED_KEYS);
        snprintf(other_name, sizeof(other_name), "mine %u %u", worker->index, i);
        struct key key = keyspace_key(keyspace, slice_of(name));
        struct key other = keyspace_key(keyspace, slice_of(other_name));
        keyspace_prefetch_directory(keyspace, 0, &key);
        keyspace_prefetch_bucket(keyspace, 0, &other);
        keyspace_prefetch_entry(keyspace, 0, &key);
        uint64_t stripes = UINT64_C(1) << key.stripe | UINT64_C(1) << other.stripe;
        keyspace_lock_set(keyspace, stripes);
        int64_t count = 0;
        struct entry *entry = keyspace_find(keyspace, 0, &key);
        if (entry != NULL) ok = entry_int(entry, &count);
        tx_begin(tx);
        ok = ok && keyspace_put_int(tx, keyspace, 0, &key, count + 1, EXPIRY_NONE) == ERROR_OK &&
             keyspace_put_string(tx, keyspace, 0, &other, SLICE("v"), EXPIRY_NONE) == ERROR_OK;
        tx_commit(tx);
        keyspace_unlock_set(keyspace, stripes);
    }
    heap_thread_close(thread);
    return ok ? NULL : arg;
}

static void threads_share_the_stripes(void **state)
{
    struct rig rig = rig_make(*state);
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){&rig, i};
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    int64_t sum = 0, count = 0;
    char name[32];
    for (unsigned i = 0; i < COUNTED_KEYS; i++) {
        snprintf(name, sizeof(name), "counter %u", i);
        assert_true(entry_int(find_at(&rig, 0, name), &count));
        sum += count;
    }
    assert_int_equal(sum, THREADS * THREAD_ROUNDS);
    assert_int_equal(keyspace_size(rig.keyspace, 0), THREADS * THREAD_ROUNDS + COUNTED_KEYS);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(values_keep_their_encoding),
        HEAP_TEST(overwriting_goes_through_every_shape),
        HEAP_TEST(edits_grow_and_stay_raw),
        HEAP_TEST(appends_cross_from_embedded_to_external),
        HEAP_TEST(moves_and_copies_take_value_and_expiry),
        HEAP_TEST(databases_are_flushed_swapped_and_reclaimed),
        HEAP_TEST(more_databases_are_added_fewer_hide),
        HEAP_TEST(what_is_due_expires_and_nothing_else),
        HEAP_TEST(expiry_comes_and_goes),
        HEAP_TEST(scans_return_what_stays),
        HEAP_TEST(random_keys_are_there),
        HEAP_TEST(stripes_follow_the_hash_tag),
        HEAP_TEST(a_full_heap_can_be_emptied),
        HEAP_TEST(memory_is_told),
        HEAP_TEST(threads_share_the_stripes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
