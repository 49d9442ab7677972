/* fuzz_heap.c: a damaged heap file is refused or used, but never crashes or hangs who opens it.
 *
 * Terms: an *image* is the content of a small valid heap file, as the pages of it that are not zero; its
 * *words* are the places worth damaging: words that are not zero, and their neighbours.
 *
 * Input: one byte (low bits: which image; 16: open it for writing too), then damage, DAMAGE_BYTES each: the
 * number of a word (3 bytes), what happens to it (1), and an operand (8).
 *
 * The damaged file is opened and checked as `cairn check` does. When the check finds nothing wrong the
 * keyspace is also read to its end and, opened for writing, written; what is written must then pass the check
 * again.
 */
#include "db/keyspace.h"
#include "ds/entry.h"
#include "ds/hash.h"
#include "ds/list.h"
#include "ds/set.h"
#include "ds/stream_group.h"
#include "ds/zset.h"
#include "ds/zset_small.h"
#include "util/assert.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES        4
#define PAGE_BYTES    4096
#define PAGE_WORDS    (PAGE_BYTES / sizeof(uint64_t))
#define DAMAGE_BYTES  12
#define DAMAGE_MAX    16
#define RESERVE_BYTES (UINT64_C(16) << 30)
#define DATABASES     4
#define KEYS          120
#define ELEMENTS      150 /* of a large collection */
#define FAR_MS        INT64_C(5000000000000)
#define SCAN_CALLS    100000

struct page {
    uint64_t off;
    uint64_t words[PAGE_WORDS];
};

struct image {
    uint64_t file_bytes;
    struct page *pages;
    size_t page_count;
    uint64_t *word_offs;
    size_t word_count;
};

/* An open heap with its keyspace. */
struct store {
    struct heap *heap;
    struct heap_thread *thread;
    struct keyspace *keyspace;
};

static struct image images[IMAGES];
static char path[64]; /* of the heap file */

static enum error store_open(struct store *store, bool read_only)
{
    struct heap_report report;
    *store = (struct store){0};
    enum error error = heap_open(&(struct heap_options){.path = path,
                                                        .mode = HEAP_MODE_SHARED,
                                                        .on_unclean = HEAP_UNCLEAN_REFUSE,
                                                        .reserve_bytes = RESERVE_BYTES,
                                                        .boot_id = "fuzz",
                                                        .read_only = read_only},
                                 &store->heap, &report);
    if (error != ERROR_OK) return error;
    error = heap_thread_open(store->heap, &store->thread);
    if (error != ERROR_OK) return error;
    return keyspace_open(store->heap, store->thread, DATABASES, &store->keyspace);
}

static void store_close(struct store *store)
{
    if (store->keyspace) keyspace_close(store->keyspace);
    if (store->thread) heap_thread_close(store->thread);
    if (store->heap) (void)!heap_close(store->heap);
}

/* ---- collections, in database 0 ---- */

static const char *const collections[] = {"small hash", "words", "numbers", "small zset", "hash",
                                          "set",        "zset",  "list",    "stream"};
#define COLLECTIONS (sizeof(collections) / sizeof(collections[0]))

static struct slice numbered(char text[32], const char *prefix, unsigned number)
{
    return (struct slice){text, (size_t)snprintf(text, 32, "%s%04u", prefix, number)};
}

static struct key key_of(const struct store *store, const char *name)
{
    return keyspace_key(store->keyspace, (struct slice){name, strlen(name)});
}

static void put_packed(struct store *store, const char *name, enum entry_type type, struct slice blob)
{
    struct key key = key_of(store, name);
    ASSERT(keyspace_put_packed(heap_thread_tx(store->thread), store->keyspace, 0, &key, type, blob,
                               EXPIRY_NONE) == ERROR_OK);
}

static void put_root(struct store *store, const char *name, enum entry_type type, enum collection_kind kind,
                     uint64_t root)
{
    struct key key = key_of(store, name);
    ASSERT(keyspace_put_root(heap_thread_tx(store->thread), store->keyspace, 0, &key, type, kind, root,
                             EXPIRY_NONE) == ERROR_OK);
}

static void put_small(struct store *store)
{
    static const struct set_limits limits = {512, 128, 64};
    static const struct zset_item items[] = {{{"a", 1}, 1}, {{"bb", 2}, 2.5}, {{"7", 1}, 3}};
    struct packed_out words = {0}, numbers = {0}, scores = {0};
    struct hash_draft draft = {0};
    struct hash_packed none = hash_packed_open(SLICE(""));
    struct zset_small small;
    char text[32];
    hash_draft_begin(&draft, &none, 0);
    for (unsigned i = 0; i < 20; i++) {
        hash_draft_add(&draft, numbered(text, "f", i), SLICE("value"), i % 2 ? HASH_TIME_NONE : FAR_MS);
        ASSERT(set_blob_add(&words, numbered(text, "m", i), &limits) == SET_ADDED);
        ASSERT(set_blob_add(&numbers, numbered(text, "1", i), &limits) == SET_ADDED);
    }
    zset_small_init(&small);
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
        ASSERT(zset_small_insert(&small, &items[i]) == ERROR_OK);
    zset_small_pack(&small, &scores);
    put_packed(store, "small hash", ENTRY_HASH, hash_draft_finish(&draft));
    put_packed(store, "words", ENTRY_SET, packed_out_blob(&words));
    put_packed(store, "numbers", ENTRY_SET, packed_out_blob(&numbers));
    put_packed(store, "small zset", ENTRY_ZSET, packed_out_blob(&scores));
    zset_small_free(&small);
    hash_draft_free(&draft);
    packed_out_free(&words);
    packed_out_free(&numbers);
    packed_out_free(&scores);
}

static void put_large(struct store *store)
{
    static struct zset_item items[ELEMENTS];
    static char texts[ELEMENTS][32];
    struct tx *tx = heap_thread_tx(store->thread);
    struct list_limits limits = list_limits(16);
    uint64_t hash, set, zset, list_root;
    bool added;
    ASSERT(hash_create(tx, store->heap, &hash) == ERROR_OK);
    ASSERT(set_root_create(tx, store->heap, SLICE(""), &set) == ERROR_OK);
    ASSERT(list_create(tx, store->heap, &list_root) == ERROR_OK);
    struct list list = list_at(store->heap, list_root);
    for (unsigned i = 0; i < ELEMENTS; i++) {
        struct slice text = numbered(texts[i], "element", i);
        items[i] = (struct zset_item){text, i};
        ASSERT(hash_put(tx, store->heap, hash, text, text, i % 7 ? HASH_TIME_NONE : FAR_MS, 0, &added) ==
               ERROR_OK);
        ASSERT(set_root_add(tx, store->heap, set, text, &added) == ERROR_OK);
        ASSERT(list_push(tx, &list, &limits, i % 2 ? LIST_HEAD : LIST_TAIL, &text, 1) == ERROR_OK);
    }
    ASSERT(zset_build(tx, store->heap, items, ELEMENTS, &zset) == ERROR_OK);
    put_root(store, "hash", ENTRY_HASH, COLLECTION_HASH, hash);
    put_root(store, "set", ENTRY_SET, COLLECTION_SET, set);
    put_root(store, "zset", ENTRY_ZSET, COLLECTION_ZSET, zset);
    put_root(store, "list", ENTRY_LIST, COLLECTION_LIST, list_root);
}

static void put_stream(struct store *store)
{
    struct tx *tx = heap_thread_tx(store->thread);
    struct stream_limits limits = {.chunk_entries = 8};
    struct stream_scratch scratch = {0};
    struct stream_consumer_layout *consumer;
    struct stream_pending_layout *pending;
    uint64_t root;
    bool done;
    ASSERT(stream_create(tx, &root) == ERROR_OK);
    struct stream stream = stream_at(store->heap, root);
    ASSERT(stream_group_create(tx, stream, SLICE("group"), (struct stream_id){9, 0}, 9, &done) == ERROR_OK);
    struct stream_group_layout *group = stream_group_find(stream, SLICE("group"));
    ASSERT(stream_consumer_create(tx, stream, group, SLICE("consumer"), 5, &consumer) == ERROR_OK);
    for (unsigned i = 1; i <= ELEMENTS; i++) {
        struct slice words[] = {SLICE("field"), SLICE("value"), SLICE("number"), SLICE("17")};
        struct stream_id id = {i, i % 3};
        ASSERT(stream_append(tx, stream, id, words, 1 + i % 2, &limits, &scratch) == ERROR_OK);
        if (i % 2) ASSERT(stream_pending_add(tx, stream, group, consumer, id, 77, 1, &pending) == ERROR_OK);
        if (i % 5 == 0) ASSERT(stream_delete(tx, stream, id, &done) == ERROR_OK);
    }
    stream_scratch_free(&scratch);
    put_root(store, "stream", ENTRY_STREAM, COLLECTION_STREAM, root);
}

/* ---- images ---- */

static void put(struct store *store, unsigned db, unsigned number, size_t len)
{
    static char value[20000];
    char name[32];
    struct slice slice = {name, (size_t)snprintf(name, sizeof(name), "key:%u", number)};
    struct key key = keyspace_key(store->keyspace, slice);
    memset(value, 'a' + (int)(number % 26), len);
    struct tx *tx = heap_thread_tx(store->thread);
    int64_t expire_at_ms = number % 3 ? EXPIRY_NONE : FAR_MS + number;
    enum error error =
        number % 5
            ? keyspace_put_string(tx, store->keyspace, db, &key, (struct slice){value, len}, expire_at_ms)
            : keyspace_put_int(tx, store->keyspace, db, &key, (int64_t)number, expire_at_ms);
    ASSERT(error == ERROR_OK);
}

static void put_many(struct store *store, unsigned db, unsigned first, unsigned count)
{
    static const size_t lens[] = {0, 5, 60, 300, 5000, 20000};
    for (unsigned i = first; i < first + count; i++)
        put(store, db, i, lens[(i / 7) % (sizeof(lens) / sizeof(lens[0]))]);
}

static void note_words(struct image *image, const struct page *page)
{
    for (size_t i = 0; i < PAGE_WORDS; i++) {
        bool near = page->words[i] != 0 || (i > 0 && page->words[i - 1] != 0) ||
                    (i + 1 < PAGE_WORDS && page->words[i + 1] != 0);
        if (near) image->word_offs[image->word_count++] = page->off + i * sizeof(uint64_t);
    }
}

/* Takes the file as it is now. */
static void image_take(struct image *image)
{
    int fd = open(path, O_RDONLY);
    struct stat stat;
    ASSERT(fd >= 0 && fstat(fd, &stat) == 0);
    image->file_bytes = (uint64_t)stat.st_size;
    size_t pages_max = image->file_bytes / PAGE_BYTES;
    image->pages = calloc(pages_max, sizeof(*image->pages));
    image->word_offs = calloc(pages_max * PAGE_WORDS, sizeof(*image->word_offs));
    ASSERT(image->pages && image->word_offs);
    for (off_t data = lseek(fd, 0, SEEK_DATA); data >= 0; data = lseek(fd, data, SEEK_DATA)) {
        struct page *page = &image->pages[image->page_count];
        ssize_t n = pread(fd, page->words, PAGE_BYTES, data);
        if (n != PAGE_BYTES) break;
        page->off = (uint64_t)data;
        data += PAGE_BYTES;
        note_words(image, page);
        for (size_t i = 0; i < PAGE_WORDS; i++) {
            if (page->words[i] == 0) continue;
            image->page_count++;
            break;
        }
    }
    close(fd);
}

static void image_write(const struct image *image)
{
    int fd = open(path, O_RDWR | O_TRUNC);
    ASSERT(fd >= 0 && ftruncate(fd, (off_t)image->file_bytes) == 0);
    for (size_t i = 0; i < image->page_count; i++) {
        const struct page *page = &image->pages[i];
        ASSERT(pwrite(fd, page->words, PAGE_BYTES, (off_t)page->off) == PAGE_BYTES);
    }
    close(fd);
}

static void images_make(void)
{
    struct store store;
    ASSERT(store_open(&store, false) == ERROR_OK);
    struct tx *tx = heap_thread_tx(store.thread);
    tx_begin(tx);
    put_many(&store, 0, 0, KEYS);
    put_many(&store, 1, 0, 20);
    put_small(&store);
    put_large(&store);
    put_stream(&store);
    tx_commit(tx);
    image_take(&images[1]); /* in use, no transaction open */
    tx_begin(tx);
    put_many(&store, 0, 10, 3);
    image_take(&images[2]); /* a transaction that must be taken back */
    put_many(&store, 2, 0, KEYS);
    ASSERT(keyspace_flush(tx, store.keyspace, 0) == ERROR_OK);
    image_take(&images[3]); /* one that filled more than its lane, with structural changes behind it */
    tx_commit(tx);
    store_close(&store);
    image_take(&images[0]); /* closed cleanly, something on the reclaim list */
}

/* libFuzzer's first call. The images are made in a folder; the damaged files have no name that a crash could leave
 * behind. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    char folder[] = "/dev/shm/cairn-fuzz.XXXXXX";
    ASSERT(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/heap", folder);
    images_make();
    ASSERT(unlink(path) == 0 && rmdir(folder) == 0);
    int fd = memfd_create("heap", 0);
    ASSERT(fd >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return 0;
}

/* ---- damage ---- */

static void damage(const struct image *image, int fd, const uint8_t *record)
{
    uint64_t operand, word = 0;
    size_t number = record[0] | (size_t)record[1] << 8 | (size_t)record[2] << 16;
    uint64_t off = image->word_offs[number % image->word_count];
    memcpy(&operand, record + 4, sizeof(operand));
    ASSERT(pread(fd, &word, sizeof(word), (off_t)off) == sizeof(word));
    switch (record[3] % 5) {
    case 0: word = operand; break;
    case 1: word ^= operand; break;
    case 2: word ^= UINT64_C(1) << operand % 64; break;
    case 3: word += operand % 512 - 256; break;
    default: /* what stands at another place */
        ASSERT(pread(fd, &word, sizeof(word), (off_t)image->word_offs[operand % image->word_count]) ==
               sizeof(word));
    }
    ASSERT(pwrite(fd, &word, sizeof(word), (off_t)off) == sizeof(word));
}

/* ---- use ---- */

static bool count_parts(void *ctx, const struct slice *parts, size_t count)
{
    volatile size_t *sum = ctx;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < parts[i].len; at++)
            *sum += (size_t)parts[i].ptr[at];
    return true;
}

static bool visit(void *arg, struct entry *entry)
{
    struct store *store = arg;
    char text[ENTRY_INT_TEXT_MAX];
    size_t parts = keyspace_entry_bytes(store->keyspace, entry, 0);
    if (entry_type(entry) != ENTRY_STRING) {
        entry_visit(store->heap, entry, count_parts, &parts);
        return true;
    }
    struct slice value = entry_string(store->heap, entry, text);
    volatile char sum = 0;
    for (size_t i = 0; i < value.len; i += 64)
        sum = (char)(sum + value.ptr[i]);
    return true;
}

static bool is_sound(struct store *store)
{
    char detail[512];
    struct heap_check_result result;
    return keyspace_is_valid(store->keyspace, detail, sizeof(detail)) &&
           heap_check(store->heap, keyspace_walk, store->keyspace, &result) == ERROR_OK;
}

/* Copies each to another database, and drops it. */
static void move_collections(struct store *store, struct tx *tx)
{
    for (size_t i = 0; i < COLLECTIONS; i++) {
        struct key key = key_of(store, collections[i]);
        bool removed;
        if (keyspace_find(store->keyspace, 0, &key) == NULL) continue;
        ASSERT(keyspace_copy(tx, store->keyspace, 0, &key, 3, &key) == ERROR_OK);
        ASSERT(keyspace_remove(tx, store->keyspace, 0, &key, &removed) == ERROR_OK && removed);
    }
}

static void use(struct store *store, bool write)
{
    for (unsigned db = 0; db < DATABASES; db++) {
        uint64_t cursor = 0, calls = 0;
        do {
            cursor = keyspace_scan(store->keyspace, db, cursor, 10, true, visit, store);
            ASSERT(++calls < SCAN_CALLS);
        } while (cursor != 0);
    }
    if (!write) return;
    struct tx *tx = heap_thread_tx(store->thread);
    tx_begin(tx);
    put_many(store, 0, KEYS / 2, 40);
    put_many(store, 3, 0, 40);
    move_collections(store, tx);
    tx_commit(tx);
    while (keyspace_reclaim_step(store->keyspace, store->thread, 100))
        ;
    ASSERT(is_sound(store));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 + DAMAGE_MAX * DAMAGE_BYTES) return 0;
    const struct image *image = &images[data[0] % IMAGES];
    bool write = data[0] & 16;
    image_write(image);
    int fd = open(path, O_RDWR);
    ASSERT(fd >= 0);
    for (size_t at = 1; at + DAMAGE_BYTES <= size; at += DAMAGE_BYTES)
        damage(image, fd, data + at);
    close(fd);

    struct store store;
    if (store_open(&store, !write) == ERROR_OK && is_sound(&store)) use(&store, write);
    store_close(&store);
    return 0;
}
