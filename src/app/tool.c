/* tool.c: read-only tools on a heap file (tool.h).
 *
 * The heap is mapped copy-on-write: recovery happens in memory, and not a byte of the file changes.
 */
#include "app/tool.h"

#include "app/tool_journal.h"
#include "command/server_state.h"
#include "db/keyspace.h"
#include "heap/heap.h"

#include <stdio.h>
#include <string.h>

#define STATUS_FINE    0
#define STATUS_DAMAGED 1
#define STATUS_NOT_RUN 2 /* the heap could not be opened: nothing is known */
#define LLU(value)     ((unsigned long long)(value))

static const char usage[] =
    "Usage: cairn [/path/to/cairn.conf] [options] [-]\n"
    "       cairn - (read config from stdin)\n"
    "       cairn check FILE      (is the heap whole? 0: yes, 1: no, 2: can't tell)\n"
    "       cairn inspect FILE    (what is in the heap?)\n"
    "       cairn inspect JOURNAL (what is in the journal, a folder? Where does its good part end?)\n"
    "       cairn -v or --version\n"
    "       cairn -h or --help\n\n"
    "Examples:\n"
    "       cairn (run the server with default conf)\n"
    "       cairn /etc/cairn/6379.conf\n"
    "       cairn --port 7777 --dir /mnt/pmem\n"
    "       cairn /etc/cairn.conf --loglevel verbose -\n";

struct subject {
    struct heap *heap;
    struct heap_thread *thread;
    struct keyspace *keyspace;
    struct heap_report report;
};

static void close_subject(struct subject *subject)
{
    if (subject->keyspace) keyspace_close(subject->keyspace);
    if (subject->thread) heap_thread_close(subject->thread);
    if (!subject->heap) return;
    enum error error = heap_close(subject->heap);
    if (error) fprintf(stderr, "cairn: closing the heap: %s\n", error_text(error));
}

/* The exit status when it can't be opened; a heap that says it is damaged is damaged. */
static int open_subject(struct subject *subject, const char *path)
{
    const struct heap_options options = {.path = path, .on_unclean = HEAP_UNCLEAN_REFUSE, .read_only = true};
    memset(subject, 0, sizeof *subject);
    enum error error = heap_open(&options, &subject->heap, &subject->report);
    if (!error) error = heap_thread_open(subject->heap, &subject->thread);
    if (!error) error = keyspace_open(subject->heap, subject->thread, 0, &subject->keyspace);
    if (!error) return STATUS_FINE;
    fprintf(stderr, "%s: %s. %s\n", path, error_text(error), subject->report.detail);
    close_subject(subject);
    return error == ERROR_CORRUPT || error == ERROR_TRUNCATED ? STATUS_DAMAGED : STATUS_NOT_RUN;
}

static int check(const char *path)
{
    struct subject subject;
    struct heap_check_result result = {0};
    char detail[512] = "";
    int status = open_subject(&subject, path);
    if (status != STATUS_FINE) return status;
    bool valid = keyspace_is_valid(subject.keyspace, detail, sizeof detail);
    if (!valid) printf("%s: keyspace: %s\n", path, detail);
    enum error error = heap_check(subject.heap, valid ? keyspace_walk : NULL, subject.keyspace, &result);
    if (error) printf("%s: heap: %s\n", path, *result.detail ? result.detail : error_text(error));
    printf("%s: %llu blocks allocated, %llu owned, %llu leaked, %llu dangling, %llu owned twice: %s\n", path,
           LLU(result.blocks), LLU(result.owned), LLU(result.leaked), LLU(result.dangling),
           LLU(result.doubly_owned), valid && !error ? "the heap is whole" : "THE HEAP IS DAMAGED");
    close_subject(&subject);
    return valid && !error ? STATUS_FINE : STATUS_DAMAGED;
}

static void print_databases(struct keyspace *keyspace)
{
    printf("databases        %u\n", keyspace_databases(keyspace));
    for (unsigned db = 0; db < keyspace_databases(keyspace); db++) {
        struct keyspace_memory memory;
        uint64_t keys = keyspace_size(keyspace, db);
        if (keys == 0) continue;
        keyspace_memory(keyspace, db, &memory);
        printf("  db%-3u          %llu keys, %llu with an expiry, %llu bytes of tables, load %.2f\n", db,
               LLU(keys), LLU(keyspace_volatile_size(keyspace, db)), LLU(memory.table_bytes),
               memory.slots ? (double)keys / (double)memory.slots : 0);
    }
    printf("dropped          %llu objects that wait to be freed\n", LLU(keyspace_reclaim_pending(keyspace)));
}

static void print_state(const char *path, const struct subject *subject)
{
    const struct heap_report *report = &subject->report;
    const uint8_t *seed = heap_seed(subject->heap);
    printf("file             %s\n", path);
    printf("heap id          ");
    for (size_t i = 0; i < HEAP_SEED_BYTES; i++)
        printf("%02x", seed[i]);
    printf("\nmode             %s\n", report->journaled ? "journaled" : "shared or dax");
    printf("clean            %s\n",
           report->was_clean ? "yes" : "no: recovered in memory, the file is as it was");
    if (report->journaled)
        printf("journal's tail   %llu transactions, %llu bytes; %llu bytes behind them are not good\n",
               LLU(report->tail.records), LLU(report->tail.applied_bytes), LLU(report->tail.cut_bytes));
    else if (!report->was_clean)
        printf("opened last      in %s (boot mark %016llx)\n",
               report->this_boot ? "this boot" : "an earlier boot", LLU(report->boot_mark));
    printf("recovery         %u transactions taken back, %u completed\n", report->lanes_undone,
           report->lanes_completed);
    printf("file size        %llu bytes\n", LLU(report->file_bytes));
}

static void print_usage(struct heap *heap)
{
    struct heap_stats stats;
    struct heap_census census;
    heap_stats(heap, &stats);
    heap_census(heap, &census);
    printf("on the medium    %llu bytes\n", LLU(stats.file_bytes));
    printf("used             %llu bytes in blocks\n", LLU(stats.used_bytes));
    printf("metadata         %llu bytes\n", LLU(stats.metadata_bytes));
    printf("free             %llu pages in %llu runs, the longest of %llu\n", LLU(census.free_pages),
           LLU(census.free_runs), LLU(census.longest_free_pages));
    printf("block bytes       allocated      room for         pages   full\n");
    for (size_t i = 0; i < HEAP_CENSUS_ROWS; i++) {
        const struct heap_census_row *row = &census.rows[i];
        if (row->blocks == 0) continue;
        printf("%11llu  %14llu  %12llu  %12llu  %4.0f %%\n", LLU(row->bytes), LLU(row->allocated),
               LLU(row->blocks), LLU(row->pages), 100 * (double)row->allocated / (double)row->blocks);
    }
}

static int inspect(const char *path)
{
    struct subject subject;
    int status = open_subject(&subject, path);
    if (status != STATUS_FINE) return status;
    print_state(path, &subject);
    print_databases(subject.keyspace);
    print_usage(subject.heap);
    close_subject(&subject);
    return STATUS_FINE;
}

static bool is_one_of(const char *arg, const char *a, const char *b)
{
    return strcmp(arg, a) == 0 || strcmp(arg, b) == 0;
}

bool tool_run(int argc, char **argv, int *status_out)
{
    const char *first = argc > 1 ? argv[1] : "";
    *status_out = STATUS_FINE;
    if (argc == 3 && strcmp(first, "check") == 0) {
        *status_out = check(argv[2]);
    } else if (argc == 3 && strcmp(first, "inspect") == 0) {
        *status_out = tool_journal_is(argv[2]) ? tool_journal_inspect(argv[2]) : inspect(argv[2]);
    } else if (is_one_of(first, "check", "inspect")) {
        fputs(usage, stderr);
        *status_out = STATUS_NOT_RUN;
    } else if (argc == 2 && is_one_of(first, "-v", "--version")) {
        printf("cairn server v=%s (Redis server v=%s) bits=64\n", CAIRN_VERSION, SERVER_REDIS_VERSION);
    } else if (argc == 2 && is_one_of(first, "-h", "--help")) {
        fputs(usage, stdout);
    } else if (argc > 1 && strcmp(first, "--test-memory") == 0) {
        fputs("cairn has no memory test; memtester and memtest86+ do that well.\n", stderr);
        *status_out = STATUS_DAMAGED;
    } else {
        return false;
    }
    return true;
}
