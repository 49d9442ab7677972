/* wal_segment.c: the files of the journal: prepared ahead of the stream, used again behind it.
 *
 * Terms: a segment in the stream stands in its slot; a *spare* one is a file with any name that is not.
 *
 * Crash table of preparing segment n (W2), all before a byte of the stream is reserved in it:
 *   spare file renamed to n        n has the head of another number: spare again at the next start
 *   or: file created, zeros        n has no head: the same
 *   head written, file synced      n is prepared if the name is durable, else a file of the old name with a
 *                                  head that is not its own: spare
 *   folder synced                  n is prepared
 * A process may end between the last two, and the next one of the same boot finds n prepared: it syncs the folder first.
 */
#include "journal/wal_internal.h"
#include "util/clock.h"
#include "util/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZEROS_BYTES   (256 * 1024)
#define TELL_EVERY_NS (INT64_C(60) * 1000 * 1000 * 1000)

void wal_segment_path(const struct wal *wal, uint64_t number, char *path_out)
{
    snprintf(path_out, WAL_PATH_BYTES + WAL_NAME_BYTES + 2, "%s/%016" PRIx64, wal->folder_path, number);
}

bool wal_segment_number(const char *name, uint64_t *number_out)
{
    uint64_t number = 0;
    if (strlen(name) != WAL_NAME_BYTES) return false;
    for (const char *at = name; *at != '\0'; at++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, *at);
        if (digit == NULL) return false;
        number = number << 4 | (uint64_t)(digit - digits);
    }
    *number_out = number;
    return true;
}

static uint64_t file_bytes(const struct wal *wal)
{
    return WAL_HEAD_BYTES + wal->data_bytes;
}

static struct wal_segment_layout make_head(const struct wal *wal, uint64_t number)
{
    struct wal_segment_layout head = {.magic = WAL_SEGMENT_MAGIC,
                                      .version = WAL_VERSION,
                                      .number = number,
                                      .data_bytes = wal->data_bytes,
                                      .stream = wal->stream};
    memcpy(head.heap_id, wal->heap_id, sizeof head.heap_id);
    head.crc32c = crc32c(0, &head, offsetof(struct wal_segment_layout, crc32c));
    return head;
}

/* ---- spare segments; the lock is held ---- */

static void add_spare(struct wal *wal, struct wal_segment *segment)
{
    segment->next = wal->spare;
    wal->spare = segment;
}

static struct wal_segment *find_spare(struct wal *wal, uint64_t number)
{
    struct wal_segment *segment = wal->spare;
    while (segment != NULL && segment->number != number)
        segment = segment->next;
    return segment;
}

static void unlink_spare(struct wal *wal, const struct wal_segment *segment)
{
    struct wal_segment **at = &wal->spare;
    while (*at != segment)
        at = &(*at)->next;
    *at = segment->next;
}

static void close_segment(struct wal_segment *segment)
{
    if (segment->file != NULL) segment->file->storage->close(segment->file);
    free(segment);
}

static enum error open_segment(struct wal *wal, struct wal_segment *segment)
{
    char path[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    if (segment->file != NULL) return ERROR_OK;
    wal_segment_path(wal, segment->number, path);
    struct pmem_storage_file *file;
    enum error error = wal->storage->open(wal->storage, path, wal->way, &file);
    if (error == ERROR_OK && wal->storage->size(file) < file_bytes(wal)) error = ERROR_TRUNCATED;
    else if (error != ERROR_OK) return error;
    if (error == ERROR_OK) error = wal->storage->map(file, file_bytes(wal), &segment->base);
    if (error != ERROR_OK) {
        wal->storage->close(file);
        return error;
    }
    segment->file = file;
    return ERROR_OK;
}

/* ---- preparing ---- */

static enum error write_zeros(struct wal *wal, struct pmem_storage_file *file)
{
    static const char zeros[ZEROS_BYTES];
    enum error error = ERROR_OK;
    uint64_t end = file_bytes(wal);
    for (uint64_t off = 0; off < end && error == ERROR_OK; off += sizeof zeros) {
        uint64_t left = end - off;
        error = wal->storage->write(file, off, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros);
    }
    return error;
}

/* A new file of that number, its blocks written once, so that later syncs change no metadata. */
static enum error create_segment(struct wal *wal, uint64_t number, struct wal_segment **segment_out)
{
    char path[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    wal_segment_path(wal, number, path);
    struct wal_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) return ERROR_MEMORY;
    segment->number = number;
    enum error error = wal->storage->open(wal->storage, path, PMEM_STORAGE_CREATE, &segment->file);
    if (error != ERROR_OK) {
        free(segment);
        return error;
    }
    error = wal->storage->allocate(segment->file, 0, file_bytes(wal));
    if (error == ERROR_OK) error = write_zeros(wal, segment->file);
    if (error == ERROR_OK) error = wal->storage->map(segment->file, file_bytes(wal), &segment->base);
    if (error != ERROR_OK) {
        close_segment(segment);
        /* What is left of it is found by the next listing, whether or not this succeeds. */
        if (wal->storage->unlink(wal->storage, path) != ERROR_OK)
            wal_log(wal, WAL_WARNING, "Cannot remove %s, an unfinished segment of the journal", path);
        return error;
    }
    *segment_out = segment;
    return ERROR_OK;
}

/* A spare file that goes by that number from now on; NULL in *segment_out when there is none. */
static enum error reuse_segment(struct wal *wal, uint64_t number, struct wal_segment **segment_out)
{
    char from[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    char to[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    pthread_mutex_lock(&wal->lock);
    struct wal_segment *segment = find_spare(wal, number); /* a rename must not hit it */
    if (segment == NULL) segment = wal->spare;
    if (segment != NULL) unlink_spare(wal, segment);
    pthread_mutex_unlock(&wal->lock);
    *segment_out = NULL;
    if (segment == NULL) return ERROR_OK;

    enum error error = open_segment(wal, segment);
    wal_segment_path(wal, segment->number, from);
    if (error == ERROR_FILES || error == ERROR_MEMORY) {
        pthread_mutex_lock(&wal->lock);
        add_spare(wal, segment);
        pthread_mutex_unlock(&wal->lock);
        return error;
    }
    if (error != ERROR_OK) { /* of another size, say: not ours to use */
        close_segment(segment);
        pthread_mutex_lock(&wal->lock);
        wal->segment_files--;
        pthread_mutex_unlock(&wal->lock);
        error = wal->storage->unlink(wal->storage, from);
        return error != ERROR_OK ? error : reuse_segment(wal, number, segment_out);
    }
    if (segment->number != number) {
        wal_segment_path(wal, number, to);
        error = wal->storage->rename(wal->storage, from, to);
    }
    if (error != ERROR_OK) {
        pthread_mutex_lock(&wal->lock);
        add_spare(wal, segment);
        pthread_mutex_unlock(&wal->lock);
        return error;
    }
    segment->number = number;
    /* Appending stores into its pages: one that is on the disk alone would have to be read first. */
    wal->storage->prefetch(segment->file, 0, file_bytes(wal));
    *segment_out = segment;
    return ERROR_OK;
}

/* What another try may do as well as this one: a sync was not tried, or found the disk full only now (delayed allocation). */
static bool may_pass(enum error error)
{
    return error == ERROR_DISK_FULL || error == ERROR_FILES || error == ERROR_NOT_FOUND;
}

static enum error prepare(struct wal *wal, uint64_t number, struct wal_segment **segment_out)
{
    struct wal_segment *segment;
    bool is_new = false;
    enum error error = reuse_segment(wal, number, &segment);
    if (error == ERROR_OK && segment == NULL) {
        error = create_segment(wal, number, &segment);
        is_new = true;
    }
    if (error != ERROR_OK) return error;
    struct wal_segment_layout head = make_head(wal, number);
    memcpy(segment->base, &head, sizeof head);
    enum error synced = wal->storage->sync(segment->file);
    if (synced == ERROR_OK) synced = wal->storage->sync_folder(wal->storage, wal->folder_path);
    pthread_mutex_lock(&wal->lock);
    if (is_new) wal->segment_files++;
    if (synced != ERROR_OK) add_spare(wal, segment);
    pthread_mutex_unlock(&wal->lock);
    if (synced == ERROR_OK) *segment_out = segment;
    if (synced != ERROR_OK && !may_pass(synced)) /* J10 */
        wal_fail(wal, synced, "a new segment of the journal");
    return synced;
}

static uint64_t wanted_end(const struct wal *wal)
{
    uint64_t reserved = atomic_load(&wal->reserved);
    uint64_t ahead = reserved + (wal->has_threads ? WAL_SEGMENTS_AHEAD : 1) * wal->data_bytes;
    uint64_t most = atomic_load(&wal->noted) + wal_tail_limit(wal) + 2 * wal->data_bytes;
    if (ahead > most) ahead = most;
    return wal->wanted_end > ahead ? wal->wanted_end : ahead;
}

/* Room may come and go with each checkpoint: not every time is told. */
static void note_disk_full(struct wal *wal, enum error error)
{
    int64_t now_ns = clock_monotonic_ns();
    bool is_recent = wal->told_full_ns != 0 && now_ns - wal->told_full_ns < TELL_EVERY_NS;
    atomic_store(&wal->disk_full, true);
    if (wal->told_of_full || is_recent) return;
    wal->told_of_full = true;
    wal->told_full_ns = now_ns;
    wal_log(
        wal, WAL_WARNING,
        "Cannot prepare another segment of the journal in %s: %s. Those that are there are used again after checkpoints; "
        "where that is not enough writes are refused until there is space",
        wal->folder_path, error_text(error));
}

bool wal_step_room(struct wal *wal)
{
    pthread_mutex_lock(&wal->lock);
    uint64_t end = atomic_load(&wal->prepared_end);
    bool is_due = end < wanted_end(wal) && atomic_load(&wal->failure) == ERROR_OK &&
                  (end >> wal->data_shift) - (atomic_load(&wal->noted) >> wal->data_shift) < WAL_SLOTS - 1;
    pthread_mutex_unlock(&wal->lock);
    if (!is_due) return false;

    struct wal_segment *segment = NULL;
    enum error error = prepare(wal, end >> wal->data_shift, &segment);
    if (error != ERROR_OK) {
        if (atomic_load(&wal->failure) == ERROR_OK) note_disk_full(wal, error);
        pthread_mutex_lock(&wal->lock);
        pthread_cond_broadcast(&wal->progress);
        pthread_mutex_unlock(&wal->lock);
        return false;
    }
    atomic_store(&wal->disk_full, false);
    if (wal->told_of_full) wal_log(wal, WAL_NOTICE, "The journal has space again");
    wal->told_of_full = false;
    pthread_mutex_lock(&wal->lock);
    wal->slots[segment->number % WAL_SLOTS] = segment;
    atomic_store(&wal->prepared_end, end + wal->data_bytes);
    wal_update_room(wal);
    pthread_cond_broadcast(&wal->progress);
    pthread_mutex_unlock(&wal->lock);
    return true;
}

/* ---- behind the note (J2) ---- */

/* Spare files beyond what the tail's limit asks for, taken out of the list. The lock is held. */
static struct wal_segment *take_excess(struct wal *wal)
{
    uint64_t keep = wal_tail_limit(wal) / wal->data_bytes + WAL_SEGMENTS_AHEAD;
    struct wal_segment *excess = NULL;
    while (wal->spare != NULL && wal->segment_files > keep) {
        struct wal_segment *segment = wal->spare;
        wal->spare = segment->next;
        segment->next = excess;
        excess = segment;
        wal->segment_files--;
    }
    return excess;
}

void wal_segment_retire(struct wal *wal)
{
    char path[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    uint64_t first = atomic_load(&wal->noted) >> wal->data_shift;
    pthread_mutex_lock(&wal->lock);
    for (unsigned slot = 0; slot < WAL_SLOTS; slot++) {
        struct wal_segment *segment = wal->slots[slot];
        if (segment == NULL || segment->number >= first) continue;
        wal->slots[slot] = NULL;
        add_spare(wal, segment);
    }
    struct wal_segment *excess = take_excess(wal);
    pthread_mutex_unlock(&wal->lock);
    while (excess != NULL) {
        struct wal_segment *segment = excess;
        excess = segment->next;
        wal_segment_path(wal, segment->number, path);
        close_segment(segment);
        if (wal->storage->unlink(wal->storage, path) != ERROR_OK)
            wal_log(wal, WAL_WARNING, "Cannot remove %s, a segment that the journal no longer needs", path);
    }
}

/* ---- opening and closing ---- */

struct listing {
    struct wal *wal;
    bool out_of_memory;
};

static void note_name(void *arg, const char *name)
{
    struct listing *listing = arg;
    uint64_t number;
    if (!wal_segment_number(name, &number)) return;
    struct wal_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        listing->out_of_memory = true;
        return;
    }
    segment->number = number;
    add_spare(listing->wal, segment);
    listing->wal->segment_files++;
}

enum error wal_segment_list(struct wal *wal, bool create)
{
    struct listing listing = {wal, false};
    enum error error = ERROR_OK;
    if (create) error = wal->storage->make_folder(wal->storage, wal->folder_path);
    if (create && error == ERROR_OK) error = pmem_storage_sync_name(wal->storage, wal->folder_path);
    if (error == ERROR_OK) error = wal->storage->list(wal->storage, wal->folder_path, note_name, &listing);
    return error == ERROR_OK && listing.out_of_memory ? ERROR_MEMORY : error;
}

/* Of another heap, or of a version that is not known here. What is nobody's is not. */
static bool is_strange(const struct wal *wal, const struct wal_segment *segment)
{
    char path[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    struct pmem_storage_file *file;
    struct wal_segment_layout head = {0};
    char *base;
    wal_segment_path(wal, segment->number, path);
    if (wal->storage->open(wal->storage, path, PMEM_STORAGE_READ, &file) != ERROR_OK) return false;
    if (wal->storage->size(file) >= WAL_HEAD_BYTES &&
        wal->storage->map(file, WAL_HEAD_BYTES, &base) == ERROR_OK)
        memcpy(&head, base, sizeof head);
    wal->storage->close(file);
    if (head.magic != WAL_SEGMENT_MAGIC) return false;
    if (head.version != WAL_VERSION) return true;
    return head.crc32c == crc32c(0, &head, offsetof(struct wal_segment_layout, crc32c)) &&
           memcmp(head.heap_id, wal->heap_id, sizeof head.heap_id) != 0;
}

static bool has_strangers(const struct wal *wal)
{
    const struct wal_segment *segment = wal->spare;
    while (segment != NULL && !is_strange(wal, segment))
        segment = segment->next;
    return segment != NULL;
}

/* That heap may come back, and is nothing without its journal. */
static enum error set_aside(struct wal *wal, char *detail, size_t cap)
{
    char to[WAL_PATH_BYTES + WAL_NAME_BYTES + WAL_NAME_BYTES];
    enum error error =
        pmem_storage_set_aside(wal->storage, wal->folder_path, "aside", to, sizeof to);
    if (error != ERROR_OK)
        snprintf(detail, cap,
                 "%s is the journal of another heap, which may still need it, and cannot be moved aside: %s; "
                 "move it away",
                 wal->folder_path, error_text(error));
    else
        wal_log(wal, WAL_WARNING,
                "%s was the journal of another heap (was the heap file moved or replaced?) and is %s now: keep "
                "it as long as that heap may be needed",
                wal->folder_path, to);
    wal_segment_close_all(wal);
    wal->segment_files = 0;
    return error;
}

enum error wal_segment_begin(struct wal *wal, char *detail, size_t cap)
{
    enum error error = wal_segment_list(wal, true);
    if (error != ERROR_OK || !has_strangers(wal)) return error;
    error = set_aside(wal, detail, cap);
    return error == ERROR_OK ? wal_segment_list(wal, true) : error;
}

static bool is_prepared(const struct wal *wal, const struct wal_segment *segment)
{
    struct wal_segment_layout head = make_head(wal, segment->number);
    return memcmp(segment->base, &head, sizeof head) == 0;
}

enum error wal_segment_adopt(struct wal *wal, uint64_t lsn)
{
    uint64_t number = lsn >> wal->data_shift;
    for (unsigned count = 0; count < WAL_SLOTS - 1; count++, number++) {
        struct wal_segment *segment = find_spare(wal, number);
        if (segment == NULL) break;
        enum error error = open_segment(wal, segment);
        if (error == ERROR_TRUNCATED) break;
        if (error != ERROR_OK) return error;
        if (!is_prepared(wal, segment)) break;
        unlink_spare(wal, segment);
        wal->slots[number % WAL_SLOTS] = segment;
    }
    atomic_store(&wal->prepared_end, number << wal->data_shift);
    return ERROR_OK;
}

enum error wal_segment_remove_all(struct wal *wal)
{
    char path[WAL_PATH_BYTES + WAL_NAME_BYTES + 2];
    enum error error = ERROR_OK;
    for (struct wal_segment *segment = wal->spare; segment != NULL && error == ERROR_OK;
         segment = segment->next) {
        wal_segment_path(wal, segment->number, path);
        error = wal->storage->unlink(wal->storage, path);
    }
    if (error == ERROR_OK) error = wal->storage->remove_folder(wal->storage, wal->folder_path);
    return error == ERROR_OK ? pmem_storage_sync_name(wal->storage, wal->folder_path) : error;
}

void wal_segment_close_all(struct wal *wal)
{
    for (unsigned slot = 0; slot < WAL_SLOTS; slot++)
        if (wal->slots[slot] != NULL) close_segment(wal->slots[slot]);
    while (wal->spare != NULL) {
        struct wal_segment *segment = wal->spare;
        wal->spare = segment->next;
        close_segment(segment);
    }
}
