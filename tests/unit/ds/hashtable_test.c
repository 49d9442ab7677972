/* The hash table: every shape it takes on the way up and down, forced collisions, scans across changes. */
#include "open_heap.h"

#include "ds/entry_edit.h"
#include "ds/hashtable.h"
#include "ds/reclaim.h"
#include "util/hash.h"

#include <stdio.h>
#include <string.h>

#define TABLE_ROOT 1 /* heap root that names the table */
#define DETAIL_CAP 256
#define NO_EXPIRY  INT64_C(-1)

struct rig {
    struct fixture *fixture;
    struct hashtable table;
    uint64_t *reclaim; /* head of a reclaim list, behind the root */
};

static uint64_t equal_hash(struct slice name, uint64_t seed)
{
    (void)name;
    (void)seed;
    return UINT64_C(0x123456789abcdef0);
}

/* Names differ in the low 24 hash bits only: below what a directory can tell apart. */
static uint64_t low_hash(struct slice name, uint64_t seed)
{
    return UINT64_C(0xfedcba) << 40 | (hash_bytes(name, seed) & 0xffffff);
}

/* Names in the order of their hashes, `ordered_total` of them in all; what rebuilding hashes is counted. */
static uint64_t ordered_total, ordered_calls;

static uint64_t ordered_hash(struct slice name, uint64_t seed)
{
    uint64_t number = 0;
    for (size_t i = strlen("name-"); i < name.len; i++)
        number = number * 10 + (uint64_t)(name.ptr[i] - '0');
    ordered_calls++;
    return number * (UINT64_MAX / ordered_total) + (hash_bytes(name, seed) & 0x1fffff);
}

static struct rig rig_make(struct fixture *fixture, hashtable_hash *hash)
{
    uint64_t off;
    tx_begin(fixture->tx);
    assert_int_equal(heap_alloc(fixture->tx, sizeof(struct hashtable_layout) + 8, &off), ERROR_OK);
    tx_fill(fixture->tx, heap_ptr(fixture->heap, off), 0, sizeof(struct hashtable_layout) + 8);
    assert_int_equal(heap_root_set(fixture->tx, TABLE_ROOT, heap_off_make(off, 0)), ERROR_OK);
    tx_commit(fixture->tx);
    struct hashtable_layout *root = heap_ptr(fixture->heap, off);
    return (struct rig){
        fixture, {fixture->heap, heap_base(fixture->heap), root, hash, 42}, (uint64_t *)(void *)(root + 1)};
}

static void rig_walk(void *app, void (*own)(void *ctx, uint64_t off), void *ctx)
{
    struct rig *rig = app;
    own(ctx, heap_off_get(heap_root(rig->fixture->heap, TABLE_ROOT)));
    hashtable_walk(&rig->table, own, ctx);
    reclaim_walk(rig->fixture->heap, *rig->reclaim, own, ctx);
}

static void rig_check(struct rig *rig)
{
    char detail[DETAIL_CAP];
    struct heap_check_result result;
    if (!hashtable_is_valid(&rig->table, detail, sizeof(detail))) fail_msg("%s", detail);
    if (!reclaim_is_valid(rig->fixture->heap, *rig->reclaim, detail, sizeof(detail))) fail_msg("%s", detail);
    if (heap_check(rig->fixture->heap, rig_walk, rig, &result) != ERROR_OK) fail_msg("%s", result.detail);
}

static struct slice name_of(uint64_t number, char buffer[32])
{
    return (struct slice){buffer, (size_t)snprintf(buffer, 32, "name-%llu", (unsigned long long)number)};
}

static uint64_t hash_of(const struct rig *rig, uint64_t number)
{
    char buffer[32];
    return rig->table.hash(name_of(number, buffer), rig->table.seed);
}

static struct entry *find(const struct rig *rig, uint64_t number, struct hashtable_place *place_out)
{
    char buffer[32];
    return hashtable_find(&rig->table, hash_of(rig, number), name_of(number, buffer), place_out);
}

static void insert(struct rig *rig, uint64_t number, int64_t expire_at_ms)
{
    char buffer[32];
    struct entry_image image = {.encoding = ENTRY_WORD,
                                .expiry_slot = expire_at_ms >= 0,
                                .expire_at_ms = expire_at_ms,
                                .key = name_of(number, buffer),
                                .number = (int64_t)number};
    struct tx *tx = rig->fixture->tx;
    uint64_t off;
    tx_begin(tx);
    assert_int_equal(entry_create(tx, &image, 0, &off), ERROR_OK);
    assert_int_equal(hashtable_insert(tx, &rig->table, hash_of(rig, number), off, expire_at_ms), ERROR_OK);
    tx_commit(tx);
}

static void erase(struct rig *rig, uint64_t number)
{
    struct hashtable_place place;
    struct entry *entry = find(rig, number, &place);
    struct tx *tx = rig->fixture->tx;
    assert_non_null(entry);
    tx_begin(tx);
    assert_int_equal(entry_free(tx, entry, NULL), ERROR_OK);
    assert_int_equal(hashtable_remove(tx, &rig->table, &place), ERROR_OK);
    hashtable_shrink(tx, &rig->table, hash_of(rig, number));
    tx_commit(tx);
}

static void assert_holds(const struct rig *rig, uint64_t from, uint64_t to)
{
    struct hashtable_place place;
    for (uint64_t i = from; i < to; i++) {
        int64_t number = -1;
        struct entry *entry = find(rig, i, &place);
        assert_non_null(entry);
        assert_true(entry_int(entry, &number) && (uint64_t)number == i);
    }
    assert_null(find(rig, to, &place));
    assert_int_equal(hashtable_count(rig->table.root), to - from);
}

static void grows_splits_merges_and_empties(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    const uint64_t many = 20000;
    for (uint64_t i = 0; i < many; i++) {
        insert(&rig, i, i % 100 == 7 ? (int64_t)(1000 + i) : NO_EXPIRY);
        if (i < 200 || i % 1000 == 0) rig_check(&rig);
    }
    assert_holds(&rig, 0, many);
    assert_int_equal(hashtable_volatile_count(rig.table.root), many / 100);
    uint64_t segments = rig.table.root->segments;
    assert_in_range(segments, many / 860, many / 400);
    for (uint64_t i = 0; i < many; i++) {
        erase(&rig, i);
        if (i > many - 200 || i % 1000 == 0) rig_check(&rig);
    }
    assert_int_equal(rig.table.root->counts, 0);
    assert_int_equal(rig.table.root->segments, 1); /* merged back, the directory gone */
    uint64_t bytes, slots;
    hashtable_memory(&rig.table, &bytes, &slots);
    assert_in_range(bytes, 1, 256);
}

/* The price of a slot, averaged over sizes: the table of one stripe while a server grows to 20 M keys. */
static void slots_cost_about_ten_bytes_per_entry(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    uint64_t bytes, slots, samples = 0;
    double sum = 0, least = 1e9, most = 0;
    for (uint64_t i = 0; i < 160000; i++) {
        insert(&rig, i, NO_EXPIRY);
        if (i < 40000 || i % 2000 != 0) continue;
        hashtable_memory(&rig.table, &bytes, &slots);
        double each = (double)bytes / (double)(i + 1);
        sum += each;
        samples++;
        if (each < least) least = each;
        if (each > most) most = each;
    }
    print_message("bytes of table per entry: mean %.2f, least %.2f, most %.2f over %llu sizes\n",
                  sum / (double)samples, least, most, (unsigned long long)samples);
    assert_true(sum / (double)samples < 10.2);
    rig_check(&rig);
}

static void equal_hashes_go_to_a_chain(void **state)
{
    struct rig rig = rig_make(*state, equal_hash);
    for (uint64_t i = 0; i < 500; i++)
        insert(&rig, i, i % 3 == 0 ? 5000 : NO_EXPIRY);
    rig_check(&rig);
    assert_holds(&rig, 0, 500);
    assert_in_range(rig.table.root->segments, 1, 2);
    for (uint64_t i = 0; i < 500; i++) {
        erase(&rig, i);
        if (i % 50 == 0) rig_check(&rig);
    }
    rig_check(&rig);
    assert_int_equal(rig.table.root->counts, 0);
}

static void equal_prefixes_do_not_blow_up_the_directory(void **state)
{
    struct rig rig = rig_make(*state, low_hash);
    for (uint64_t i = 0; i < 3000; i++)
        insert(&rig, i, NO_EXPIRY);
    rig_check(&rig);
    assert_holds(&rig, 0, 3000);
    uint64_t bytes, slots;
    hashtable_memory(&rig.table, &bytes, &slots);
    assert_true(bytes < 200000);
    for (uint64_t i = 0; i < 3000; i++)
        erase(&rig, i);
    rig_check(&rig);
}

static unsigned chain_links(const struct rig *rig, uint64_t number)
{
    uint64_t position = hash_of(rig, number);
    unsigned links = 0;
    for (uint64_t off = hashtable_segment_at(&rig->table, &position)->chain; off != 0; links++)
        off = ((struct hashtable_segment_layout *)heap_ptr(rig->fixture->heap, off))->chain;
    return links;
}

/* Inserts numbers first .. first + count - 1 of ordered_total; what it costs is counted, chains included: a search reads them. */
static unsigned insert_ordered(struct rig *rig, uint64_t first, uint64_t count, bool backwards)
{
    unsigned longest = 0;
    ordered_calls = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = first + (backwards ? count - 1 - i : i);
        insert(rig, number, NO_EXPIRY);
        unsigned links = chain_links(rig, number);
        if (links > longest) longest = links;
        ordered_calls -= 1; /* of chain_links */
        if (i % 5000 != 0) continue;
        rig_check(rig);
        ordered_calls -= i + 1; /* of the check */
    }
    print_message("%llu of %llu in hash order: %.1f hashed for each, longest chain %u, %llu segments\n",
                  (unsigned long long)count, (unsigned long long)ordered_total,
                  (double)ordered_calls / (double)count, longest,
                  (unsigned long long)rig->table.root->segments);
    return longest;
}

static void hash_order_costs_what_any_order_costs(void **state)
{
    const uint64_t totals[] = {1500, 12000, 20000, 40000, 80000};
    struct rig rig = rig_make(*state, ordered_hash);
    for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        ordered_total = totals[i];
        assert_int_equal(insert_ordered(&rig, 0, ordered_total, i % 2 == 1), 0);
        assert_true(ordered_calls < 16 * ordered_total);
        uint64_t bytes, slots;
        hashtable_memory(&rig.table, &bytes, &slots);
        assert_true(slots * 35 / 100 < ordered_total);
        rig_check(&rig);
        assert_holds(&rig, 0, ordered_total);
        tx_begin(rig.fixture->tx);
        assert_int_equal(hashtable_detach(rig.fixture->tx, &rig.table, rig.reclaim), ERROR_OK);
        tx_commit(rig.fixture->tx);
    }
}

/* So few of so many that the directory may not get deep enough at once: chains, for a while. */
static void chains_are_taken_apart_when_the_directory_may_grow(void **state)
{
    struct rig rig = rig_make(*state, ordered_hash);
    ordered_total = UINT64_C(20000000);
    assert_in_range(insert_ordered(&rig, 0, 30000, false), 1, 512);
    assert_true(ordered_calls < UINT64_C(64) * 30000);
    assert_int_equal(chain_links(&rig, 0), 0);
    assert_int_equal(chain_links(&rig, 29999), 0);
    rig_check(&rig);
    assert_holds(&rig, 0, 30000);
    for (uint64_t i = 0; i < 30000; i++)
        erase(&rig, i);
    rig_check(&rig);
    assert_int_equal(rig.table.root->counts, 0);
}

static void updates_move_entries_and_expiry(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    for (uint64_t i = 0; i < 100; i++)
        insert(&rig, i, NO_EXPIRY);
    struct tx *tx = rig.fixture->tx;
    for (uint64_t i = 0; i < 100; i++) {
        struct hashtable_place place;
        struct entry *entry = find(&rig, i, &place);
        struct entry_image image = entry_image_of(entry);
        image.expiry_slot = true;
        image.expire_at_ms = 9000 - (int64_t)i;
        uint64_t off;
        tx_begin(tx);
        assert_int_equal(entry_create(tx, &image, 0, &off), ERROR_OK);
        assert_int_equal(heap_free(tx, entry_off(rig.fixture->heap, entry)), ERROR_OK);
        assert_int_equal(hashtable_update(tx, &rig.table, &place, off, image.expire_at_ms), ERROR_OK);
        tx_commit(tx);
    }
    rig_check(&rig);
    assert_holds(&rig, 0, 100);
    assert_int_equal(hashtable_volatile_count(rig.table.root), 100);
}

static void an_abort_takes_back_growth(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    struct tx *tx = rig.fixture->tx;
    for (uint64_t i = 0; i < 1000; i++)
        insert(&rig, i, NO_EXPIRY);
    char buffer[32];
    tx_begin(tx);
    for (uint64_t i = 1000; i < 2500; i++) {
        struct entry_image image = {.encoding = ENTRY_WORD, .expire_at_ms = -1, .key = name_of(i, buffer)};
        uint64_t off;
        assert_int_equal(entry_create(tx, &image, 0, &off), ERROR_OK);
        assert_int_equal(hashtable_insert(tx, &rig.table, hash_of(&rig, i), off, NO_EXPIRY), ERROR_OK);
    }
    tx_abort(tx);
    rig_check(&rig);
    assert_holds(&rig, 0, 1000);
}

#define SCAN_STABLE 700

static bool mark_seen(void *arg, struct entry *entry)
{
    int64_t number = 0;
    bool *seen = arg;
    assert_true(entry_int(entry, &number));
    if (number < SCAN_STABLE) seen[number] = true;
    return true;
}

/* Keys that stay from begin to end are seen, whatever comes and goes between the steps. */
static void scan_with(struct rig *rig, unsigned seed, uint64_t churn)
{
    bool seen[SCAN_STABLE] = {false};
    uint64_t position = 0, low = SCAN_STABLE, high = SCAN_STABLE;
    bool growing = true;
    srand(seed);
    while (hashtable_scan(&rig->table, &position, mark_seen, seen)) {
        uint64_t moves = (uint64_t)rand() % 40;
        for (uint64_t i = 0; i < moves; i++) {
            if (growing) insert(rig, high++, NO_EXPIRY);
            else if (low < high) erase(rig, low++);
        }
        if (growing && high - low >= churn) growing = false;
        if (!growing && low == high) growing = true;
        position &= ~UINT64_C(0xff); /* as in a cursor */
    }
    while (low < high)
        erase(rig, low++);
    for (unsigned i = 0; i < SCAN_STABLE; i++)
        if (!seen[i]) fail_msg("entry %u was not visited (seed %u)", i, seed);
}

static void scans_see_what_stays(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    for (uint64_t i = 0; i < SCAN_STABLE; i++)
        insert(&rig, i, NO_EXPIRY);
    for (unsigned seed = 1; seed <= 20; seed++)
        scan_with(&rig, seed, seed * 400);
    rig_check(&rig);
    struct rig chained = rig_make(*state, equal_hash);
    for (uint64_t i = 0; i < SCAN_STABLE; i++)
        insert(&chained, i, NO_EXPIRY);
    scan_with(&chained, 3, 50);
}

static void random_picks_reach_everything(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    assert_null(hashtable_random(&rig.table, 1));
    for (uint64_t i = 0; i < 600; i++)
        insert(&rig, i, NO_EXPIRY);
    unsigned hits[600] = {0};
    uint64_t random = 12345;
    for (unsigned i = 0; i < 60000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        int64_t number = 0;
        assert_true(entry_int(hashtable_random(&rig.table, random ^ random >> 29), &number));
        hits[number]++;
    }
    for (unsigned i = 0; i < 600; i++)
        assert_in_range(hits[i], 40, 250);
    for (uint64_t i = 1; i < 600; i++)
        erase(&rig, i);
    int64_t number = -1;
    assert_true(entry_int(hashtable_random(&rig.table, 7), &number));
    assert_int_equal(number, 0);
}

static void detached_tables_are_reclaimed_in_steps(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    struct tx *tx = rig.fixture->tx;
    uint64_t dropped = 0, freed_sum = 0;
    static const uint64_t sizes[] = {3, 5000, 200};
    for (unsigned round = 0; round < 6; round++) {
        rig.table.hash = round % 2 ? equal_hash : hash_bytes;
        uint64_t size = round % 2 ? 300 : sizes[round / 2];
        for (uint64_t i = 0; i < size; i++)
            insert(&rig, i, i == 2 ? 77 : NO_EXPIRY);
        dropped += size;
        tx_begin(tx);
        assert_int_equal(hashtable_detach(tx, &rig.table, rig.reclaim), ERROR_OK);
        tx_commit(tx);
        rig_check(&rig);
        assert_int_equal(hashtable_count(rig.table.root), 0);
    }
    for (unsigned steps = 0; *rig.reclaim != 0; steps++) {
        uint64_t freed = 0;
        tx_begin(tx);
        assert_int_equal(reclaim_step(tx, rig.reclaim, 64, &freed), ERROR_OK);
        tx_commit(tx);
        assert_in_range(freed, 0, 64);
        freed_sum += freed;
        if (steps % 10 == 0) rig_check(&rig);
        assert_in_range(steps, 0, 1000);
    }
    rig_check(&rig);
    assert_int_equal(freed_sum, dropped);
}

/* Hints read words that may be anything. */
static void hints_survive_nonsense(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    for (uint64_t i = 0; i < 2000; i++)
        insert(&rig, i, NO_EXPIRY);
    struct heap_stats stats;
    heap_stats(rig.fixture->heap, &stats);
    struct hashtable_layout nonsense = {0};
    struct hashtable table = rig.table;
    uint64_t random = 99;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (i >= 2000) {
            table.root = &nonsense;
            nonsense.directory =
                i % 2 ? random : (random & ~(UINT64_C(0x7fff) << 48 | ~UINT64_C(0xffffff) << 24 >> 16));
        }
        uint64_t hash = hash_of(&rig, i);
        hashtable_prefetch_directory(&table, hash, stats.file_bytes);
        hashtable_prefetch_bucket(&table, hash, stats.file_bytes);
        hashtable_prefetch_entry(&table, hash, stats.file_bytes);
    }
}

static void damage_is_noticed(void **state)
{
    struct rig rig = rig_make(*state, hash_bytes);
    char detail[DETAIL_CAP];
    for (uint64_t i = 0; i < 3000; i++)
        insert(&rig, i, NO_EXPIRY);
    struct tx *tx = rig.fixture->tx;
    struct hashtable_place place;
    assert_non_null(find(&rig, 17, &place));
    static const uint64_t flips[] = {1, 1 << 5, UINT64_C(1) << 40, UINT64_C(1) << 48, UINT64_C(1) << 52};
    for (unsigned i = 0; i < sizeof(flips) / sizeof(*flips); i++) {
        tx_begin(tx);
        assert_int_equal(tx_store64(tx, place.slot, *place.slot ^ flips[i]), ERROR_OK);
        assert_false(hashtable_is_valid(&rig.table, detail, sizeof(detail)));
        tx_abort(tx);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        tx_begin(tx);
        uint64_t *word = &rig.table.root->directory;
        assert_int_equal(tx_store64(tx, word, *word ^ UINT64_C(1) << bit), ERROR_OK);
        bool valid = hashtable_is_valid(&rig.table, detail, sizeof(detail));
        tx_abort(tx);
        if (valid && (bit < 48 || bit == 63 || bit < 48 + 5)) fail_msg("bit %u of the root's word", bit);
    }
    rig_check(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(grows_splits_merges_and_empties),
        HEAP_TEST(slots_cost_about_ten_bytes_per_entry),
        HEAP_TEST(equal_hashes_go_to_a_chain),
        HEAP_TEST(equal_prefixes_do_not_blow_up_the_directory),
        HEAP_TEST(hash_order_costs_what_any_order_costs),
        HEAP_TEST(chains_are_taken_apart_when_the_directory_may_grow),
        HEAP_TEST(updates_move_entries_and_expiry),
        HEAP_TEST(an_abort_takes_back_growth),
        HEAP_TEST(scans_see_what_stays),
        HEAP_TEST(random_picks_reach_everything),
        HEAP_TEST(detached_tables_are_reclaimed_in_steps),
        HEAP_TEST(hints_survive_nonsense),
        HEAP_TEST(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
