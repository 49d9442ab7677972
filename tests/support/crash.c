/* crash.c: exploring the crash states of an operation. See crash.h. */
#include "support/crash.h"

#include "pmem/fault.h"

#include <stdio.h>

#ifdef CAIRN_CRASHPOINTS

#include "util/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_BYTES_DEFAULT   ((size_t)1 << 30)
#define SAMPLES_DEFAULT       16
#define LINES_ALL_SUBSETS_MAX 5
#define POINTS_MAX            1000000
#define CHILD_SECONDS_MAX     600
#define PAGE_BYTES            4096
#define BLOCK_BYTES           (64 * PAGE_BYTES)
#define FILE_PATH_MAX         96
#define LINE_BYTES            PMEM_FAULT_LINE_BYTES

enum child_end { CHILD_RETURNED, CHILD_STOPPED, CHILD_FAILED };

struct explorer {
    const struct crash_case *test;
    struct crash_counts *counts;
    uint64_t random;
    char dir[32];
    char pristine[FILE_PATH_MAX];   /* after setup */
    char heap[FILE_PATH_MAX];       /* what children open */
    char live[FILE_PATH_MAX];       /* what a child stopped in operate left, every store kept */
    char live_again[FILE_PATH_MAX]; /* what a child stopped in open left */
    char state[FILE_PATH_MAX];     /* one state, kept while it is verified and recovery from it is explored */
    char recovered[FILE_PATH_MAX]; /* what a stop in open left, kept while it is verified */
};

/* A line that may be lost, and what the medium holds then. */
struct line {
    uint64_t off;
    char durable[LINE_BYTES];
};

struct line_list {
    struct line *lines;
    size_t count;
    size_t cap;
};

/* ---- files ---- */

static size_t page_at(size_t at, size_t end)
{
    return end - at < PAGE_BYTES ? end - at : PAGE_BYTES;
}

static bool is_zero(const char *bytes, size_t len)
{
    static const char zeros[PAGE_BYTES];
    return memcmp(bytes, zeros, len) == 0;
}

/* Pages of zeros stay holes, so that the next copy is fast. */
static void write_block(int to, const char *block, size_t len, off_t at)
{
    size_t end = 0;
    for (size_t start = 0; start < len; start = end + page_at(end, len)) {
        while (start < len && is_zero(block + start, page_at(start, len)))
            start += page_at(start, len);
        for (end = start; end < len && !is_zero(block + end, page_at(end, len));)
            end += page_at(end, len);
        if (end > start)
            ASSERT(pwrite(to, block + start, end - start, at + (off_t)start) == (ssize_t)(end - start));
        if (end == len) return;
    }
}

static void copy_range(int from, int to, off_t start, off_t end)
{
    static char block[BLOCK_BYTES];
    ssize_t got;
    for (off_t at = start; at < end; at += got) {
        got = pread(from, block, end - at < BLOCK_BYTES ? (size_t)(end - at) : BLOCK_BYTES, at);
        ASSERT(got > 0);
        write_block(to, block, (size_t)got, at);
    }
}

static void copy_file(const char *source, const char *target)
{
    int from = open(source, O_RDONLY | O_CLOEXEC);
    int to = open(target, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat st;
    ASSERT(from >= 0 && to >= 0 && fstat(from, &st) == 0 && ftruncate(to, st.st_size) == 0);
    off_t start = 0;
    while ((start = lseek(from, start, SEEK_DATA)) >= 0) {
        off_t end = lseek(from, start, SEEK_HOLE);
        copy_range(from, to, start, end);
        start = end;
    }
    close(from);
    close(to);
}

static void add_line(struct line_list *list, uint64_t off)
{
    if (list->count == list->cap) {
        list->cap = list->cap > 0 ? 2 * list->cap : 64;
        list->lines = realloc(list->lines, list->cap * sizeof *list->lines);
        ASSERT(list->lines != NULL);
    }
    struct line *line = &list->lines[list->count++];
    line->off = off;
    memcpy(line->durable, pmem_fault_image() + off, LINE_BYTES);
}

/* Where the file differs from the durable image; nowhere without simulated persistent memory. */
static struct line_list find_lines(const char *path)
{
    struct line_list list = {0};
    if (pmem_fault_image() == NULL) return list;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ASSERT(fd >= 0);
    char page[PAGE_BYTES];
    off_t start = 0;
    while ((start = lseek(fd, start, SEEK_DATA)) >= 0) {
        off_t end = lseek(fd, start, SEEK_HOLE);
        for (off_t at = start; at < end; at += PAGE_BYTES) {
            memset(page, 0, sizeof page);
            ASSERT(pread(fd, page, PAGE_BYTES, at) > 0);
            for (uint64_t line = 0; line < PAGE_BYTES; line += LINE_BYTES)
                if (memcmp(page + line, pmem_fault_image() + at + line, LINE_BYTES) != 0)
                    add_line(&list, (uint64_t)at + line);
        }
        start = end;
    }
    close(fd);
    return list;
}

/* ---- children ---- */

enum role { ROLE_SETUP, ROLE_OPERATE, ROLE_RECOVER, ROLE_VERIFY };

struct task {
    enum role role;
    uint64_t point;
    bool returned;
};

static void run_task(const struct explorer *explorer, const struct task *task)
{
    const struct crash_case *test = explorer->test;
    if (task->role == ROLE_SETUP) {
        test->setup(test->arg, explorer->heap);
        return;
    }
    if (task->role == ROLE_RECOVER) pmem_fault_arm(task->point);
    if (task->role == ROLE_VERIFY) pmem_fault_ignore_image();
    void *opened = test->open(test->arg, explorer->heap);
    if (task->role == ROLE_OPERATE) {
        pmem_fault_arm(task->point);
        test->operate(test->arg, opened);
    }
    pmem_fault_disarm();
    if (task->role == ROLE_VERIFY) {
        ASSERT(test->verify(test->arg, opened, task->returned));
        if (test->close != NULL) test->close(test->arg, opened);
    }
}

static enum child_end run_child(const struct explorer *explorer, const struct task *task)
{
    fflush(NULL);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
        for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
            signal(fatal[i], SIG_DFL); /* not the test runner's */
        alarm(CHILD_SECONDS_MAX);
        run_task(explorer, task);
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        ASSERT(errno == EINTR);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return CHILD_RETURNED;
    if (WIFEXITED(status) && WEXITSTATUS(status) == PMEM_FAULT_EXIT_CODE) return CHILD_STOPPED;
    return CHILD_FAILED;
}

/* ---- states ---- */

/* Looks at the state in explorer->heap, which it changes; `returned`: the operation had come back before the stop. */
typedef bool check_state(struct explorer *explorer, bool returned);

static uint64_t next_random(struct explorer *explorer)
{
    explorer->random ^= explorer->random << 13;
    explorer->random ^= explorer->random >> 7;
    explorer->random ^= explorer->random << 17;
    return explorer->random;
}

/* Of all 2^k subsets, number `subset` keeps the lines whose bit is set. */
static bool is_kept(uint64_t subset, size_t line)
{
    return (subset >> line & 1) != 0;
}

/* Sample 0 keeps nothing, sample 1 everything, each other one a share of its own. */
static uint64_t kept_share(struct explorer *explorer, unsigned sample)
{
    return sample == 0 ? 0 : sample == 1 ? 256 : next_random(explorer) % 257;
}

/* Writes into explorer->heap what the medium holds after the loss of a subset of lines. */
static void write_state(struct explorer *explorer, const char *live, const struct line_list *list,
                        unsigned number)
{
    copy_file(live, explorer->heap);
    int fd = open(explorer->heap, O_RDWR | O_CLOEXEC);
    ASSERT(fd >= 0);
    bool all_subsets = list->count <= LINES_ALL_SUBSETS_MAX;
    uint64_t share = all_subsets ? 0 : kept_share(explorer, number);
    for (size_t i = 0; i < list->count; i++) {
        const struct line *line = &list->lines[i];
        if (all_subsets ? is_kept(number, i) : next_random(explorer) % 256 < share) continue;
        ASSERT(pwrite(fd, line->durable, LINE_BYTES, (off_t)line->off) == LINE_BYTES);
    }
    close(fd);
}

/* Checks every state that the child may have left which just ended with explorer->heap open. */
static bool check_states(struct explorer *explorer, char *live, bool returned, check_state *check)
{
    struct line_list list = find_lines(explorer->heap);
    if (list.count == 0) return check(explorer, returned);
    unsigned samples = explorer->test->samples > 0 ? explorer->test->samples : SAMPLES_DEFAULT;
    unsigned count = list.count <= LINES_ALL_SUBSETS_MAX ? 1U << list.count : samples;
    ASSERT(rename(explorer->heap, live) == 0);
    bool ok = true;
    for (unsigned number = 0; number < count && ok; number++) {
        write_state(explorer, live, &list, number);
        ok = check(explorer, returned);
        if (!ok) fprintf(stderr, "  state %u of %u, %zu lines in doubt\n", number, count, list.count);
    }
    free(list.lines);
    return ok;
}

/* `kept`: where the state stays as it is for who looks into a failure. */
static bool verify(struct explorer *explorer, bool returned, const char *kept)
{
    struct task task = {.role = ROLE_VERIFY, .returned = returned};
    if (run_child(explorer, &task) == CHILD_RETURNED) return true;
    ASSERT(rename(kept, explorer->heap) == 0);
    return false;
}

static bool verify_recovered(struct explorer *explorer, bool returned)
{
    explorer->counts->recovery_states++;
    copy_file(explorer->heap, explorer->recovered);
    return verify(explorer, returned, explorer->recovered);
}

/* Stops recovery at each of its points, starting from the state in explorer->heap. */
static bool explore_recovery(struct explorer *explorer, bool returned)
{
    copy_file(explorer->heap, explorer->state);
    for (uint64_t point = 1; point <= POINTS_MAX; point++) {
        copy_file(explorer->state, explorer->heap);
        struct task task = {.role = ROLE_RECOVER, .point = point};
        enum child_end end = run_child(explorer, &task);
        if (end == CHILD_RETURNED) return true;
        if (end == CHILD_FAILED ||
            !check_states(explorer, explorer->live_again, returned, verify_recovered)) {
            fprintf(stderr, "  after a stop of recovery at point %llu\n", (unsigned long long)point);
            return false;
        }
    }
    return false;
}

static bool verify_and_recover(struct explorer *explorer, bool returned)
{
    unsigned stride = explorer->test->recovery_stride;
    bool recovery_too = stride > 0 && explorer->counts->states % stride == 0;
    explorer->counts->states++;
    copy_file(explorer->heap, explorer->state);
    if (!verify(explorer, returned, explorer->state)) return false;
    if (!recovery_too) return true;
    copy_file(explorer->state, explorer->heap);
    return explore_recovery(explorer, returned);
}

/* ---- the exploration ---- */

static bool explore_points(struct explorer *explorer)
{
    const struct crash_case *test = explorer->test;
    uint64_t stride = test->point_stride > 0 ? test->point_stride : 1;
    for (uint64_t point = 1; point <= POINTS_MAX; point += stride) {
        copy_file(explorer->pristine, explorer->heap);
        struct task task = {.role = ROLE_OPERATE, .point = point};
        enum child_end end = run_child(explorer, &task);
        bool returned = end == CHILD_RETURNED;
        if (end == CHILD_FAILED || !check_states(explorer, explorer->live, returned, verify_and_recover)) {
            fprintf(stderr, "crash: %s fails at point %llu of the operation%s; the file is kept: %s\n",
                    test->name, (unsigned long long)point, returned ? " (it returned)" : "", explorer->heap);
            return false;
        }
        if (returned) return true;
        explorer->counts->points++;
    }
    return false;
}

static void start(struct explorer *explorer)
{
    snprintf(explorer->dir, sizeof explorer->dir, "/dev/shm/cairn-crash-XXXXXX");
    ASSERT(mkdtemp(explorer->dir) != NULL);
    const struct {
        char *path;
        const char *name;
    } files[] = {{explorer->pristine, "pristine"}, {explorer->heap, "heap"},
                 {explorer->live, "live"},         {explorer->live_again, "again"},
                 {explorer->state, "state"},       {explorer->recovered, "recovered"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        snprintf(files[i].path, FILE_PATH_MAX, "%s/%s", explorer->dir, files[i].name);
    const struct crash_case *test = explorer->test;
    size_t image_bytes = test->image_bytes > 0 ? test->image_bytes : IMAGE_BYTES_DEFAULT;
    pmem_fault_start(test->persistent_memory ? image_bytes : 0);
}

static void stop(struct explorer *explorer, bool ok)
{
    pmem_fault_stop();
    unlink(explorer->pristine);
    unlink(explorer->live);
    unlink(explorer->live_again);
    unlink(explorer->state);
    unlink(explorer->recovered);
    if (!ok && !explorer->test->discard_failed) return;
    unlink(explorer->heap);
    rmdir(explorer->dir);
}

bool crash_is_built(void)
{
    return true;
}

bool crash_explore(const struct crash_case *test, struct crash_counts *counts)
{
    struct crash_counts own = {0};
    struct explorer explorer = {.test = test, .counts = &own, .random = test->seed * 2 + 1};
    start(&explorer);
    struct task setup = {.role = ROLE_SETUP};
    bool ok = run_child(&explorer, &setup) == CHILD_RETURNED;
    if (ok) {
        copy_file(explorer.heap, explorer.pristine);
        ok = explore_points(&explorer);
    } else {
        fprintf(stderr, "crash: the setup of %s fails\n", test->name);
    }
    stop(&explorer, ok);
    printf("crash: %s%s: %llu points, %llu states, %llu states of recovery\n", test->name,
           test->persistent_memory ? " (persistent memory)" : "", (unsigned long long)own.points,
           (unsigned long long)own.states, (unsigned long long)own.recovery_states);
    counts->points += own.points;
    counts->states += own.states;
    counts->recovery_states += own.recovery_states;
    return ok;
}

#else

bool crash_is_built(void)
{
    return false;
}

bool crash_explore(const struct crash_case *test, struct crash_counts *counts)
{
    (void)counts;
    printf("crash: %s skipped, the build has no crash points\n", test->name);
    return true;
}

#endif
