/* heap_file_test.c: starts that must fail, or begin anew: files in use, damaged, foreign, not to be trusted, without
 * permission. And the tools that look at a heap file. cairn only: Redis has no heap. */
#include "support/script.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RUN_OFF 64    /* of the superblock's mark of the boot (heap_layout.h) */
#define NOBODY  65534 /* the user */

static void heap_path(const struct server *server, char path[512])
{
    snprintf(path, 512, "%s/cairn.heap", server_folder(server));
}

/* Starts the server, expects that it ends by itself with an error and says why. */
static void expect_refusal(struct server *server, const char *what, const char *why)
{
    int status = server_start_failing(server);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) fail_msg("%s: status %d", what, status);
    if (!server_logged(server, why)) fail_msg("%s: the log does not say: %s", what, why);
}

static void in_use(void **state)
{
    struct server *first = server_open(NULL);
    char folder[512];

    (void)state;
    if (server_is_other()) skip();
    snprintf(folder, sizeof(folder), "%s/cairn.heap", server_folder(first));
    struct server *second = server_open(NULL);
    (void)server_stop(second, SIGTERM);
    server_add_options(second, (const char *const[]){"--heap-filename", folder, NULL});
    expect_refusal(second, "in use", "another process");
    struct client *client = client_open(first, 2);
    EXPECT(client, "SET k v", "+OK");
    client_close(client);
    server_close(second);
    server_close(first);
}

/* What to do to a heap file that was closed clean, and what the log then says. */
struct damage {
    const char *name;
    off_t truncate_to; /* 0: not */
    off_t flip_at;     /* -1: nothing flipped */
    size_t overwrite;  /* so many bytes from the start on become another kind of file */
    const char *log;
};

static void damage_file(const char *path, const struct damage *damage)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned char byte;

    assert_true(fd >= 0);
    if (damage->truncate_to > 0) assert_int_equal(ftruncate(fd, damage->truncate_to), 0);
    if (damage->flip_at >= 0) {
        assert_int_equal(pread(fd, &byte, 1, damage->flip_at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, damage->flip_at), 1);
    }
    for (size_t i = 0; i < damage->overwrite; i++) {
        assert_int_equal(pwrite(fd, &"REDIS0011"[i % 9], 1, (off_t)i), 1);
    }
    close(fd);
}

/* A server never starts on such a file, never crashes on it, and leaves it as it is. */
static void damaged_files(void **state)
{
    static const struct damage damages[] = {
        {"truncated to one byte", 1, -1, 0, "too small to be a heap"},
        {"truncated to a page", 4096, -1, 0, "it was cut"},
        {"cut short", 200000, -1, 0, "it was cut"},
        {"another kind of file", 0, -1, 4096, "not a cairn heap"},
        {"a flipped bit in the magic number", 0, 0, 0, "not a cairn heap"},
        {"another format version", 0, 8, 0, "use the version of cairn that wrote it"},
        {"a flipped bit in the superblock", 0, 40, 0, "checksum"},
        {"a flipped bit in the number of chunks", 0, 72, 0, "it was cut"},
        {"a flipped bit in the head of a chunk", 0, 2048, 0, "is damaged"},
    };

    (void)state;
    if (server_is_other()) skip();
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct server *server = server_open(NULL);
        struct client *client = client_open(server, 2);
        char path[512];
        struct stat before;
        struct stat after;

        EXPECT(client, "SET k v", "+OK");
        client_close(client);
        assert_int_equal(server_stop(server, SIGTERM), 0);
        heap_path(server, path);
        damage_file(path, &damages[i]);
        assert_int_equal(stat(path, &before), 0);
        expect_refusal(server, damages[i].name, damages[i].log);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        server_close(server);
    }
}

/* Makes a heap that was in use look as if the machine had gone down since. */
static void age_by_a_boot(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &(uint64_t){12345}, sizeof(uint64_t), RUN_OFF), sizeof(uint64_t));
    close(fd);
}

static unsigned count_moved_heaps(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += strncmp(entry->d_name, "cairn.heap.unclean-", 19) == 0;
    closedir(dir);
    return count;
}

/* What these tests say of the superblock's mark holds for a heap on a shared mapping. */
static const char *const without_journal[] = {"--appendonly", "no", NULL};

static void from_an_earlier_boot(void **state)
{
    struct server *server = server_open(without_journal);
    struct client *client = client_open(server, 2);
    char path[512];

    (void)state;
    if (server_is_other()) skip();
    EXPECT(client, "SET k v", "+OK");
    client_close(client);
    (void)server_stop(server, SIGKILL);
    heap_path(server, path);
    age_by_a_boot(path);
    server_start(server);
    assert_true(server_logged(server, "is not trusted: it was moved to"));
    assert_int_equal(count_moved_heaps(server_folder(server)), 1);
    client = client_open(server, 2);
    EXPECT(client, "DBSIZE", ":0");
    EXPECT(client, "SET k w", "+OK");
    client_close(client);
    (void)server_stop(server, SIGKILL);
    age_by_a_boot(path);
    server_add_options(server, (const char *const[]){"--on-unclean-heap", "refuse", NULL});
    expect_refusal(server, "refuse", "was in use when the machine went down");
    server_close(server);
}

static void no_permission(void **state)
{
    struct server *server = server_open(NULL);
    char path[512];

    (void)state;
    if (server_is_other()) skip();
    (void)server_stop(server, SIGTERM);
    if (getuid() == 0) {
        server_run_as(server, NOBODY);
        expect_refusal(server, "folder of another user", "Permission denied");
        assert_int_equal(chmod(server_folder(server), 0777), 0);
        heap_path(server, path);
        expect_refusal(server, "heap of another user", "cairn.heap");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(chmod(server_folder(server), 0755), 0);
        expect_refusal(server, "folder that is read-only to the user", "cairn.heap");
    }
    server_add_options(server, (const char *const[]){"--dir", "/nonexistent-folder", NULL});
    expect_refusal(server, "no folder", "/nonexistent-folder");
    server_close(server);
}

/* Who comes from Redis is told that the data did not come along. */
static void files_of_redis(void **state)
{
    struct server *server = server_open(NULL);
    char path[512];

    (void)state;
    if (server_is_other()) skip();
    (void)server_stop(server, SIGTERM);
    assert_false(server_logged(server, "of a Redis server"));
    heap_path(server, path);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/dump.rdb", server_folder(server));
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    server_start(server);
    assert_true(server_logged(server, "dump.rdb of a Redis server"));
    server_close(server);
}

/* ---- tools ---- */

/* What the binary prints, stdout and stderr, when it runs with these words; its exit status. */
static int run_tool(const char *words, const char *path, char *text, size_t cap)
{
    char line[1024];

    snprintf(line, sizeof(line), "%s %s %s 2>&1", CAIRN_BINARY, words, path);
    FILE *pipe = popen(line, "re");
    assert_non_null(pipe);
    text[fread(text, 1, cap - 1, pipe)] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_words(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(text, *words)) fail_msg("no \"%s\" in:\n%s", *words, text);
}

static void tools(void **state)
{
    struct server *server = server_open(without_journal);
    struct client *client = client_open(server, 2);
    char path[512];
    char text[8192];

    (void)state;
    if (server_is_other()) skip();
    heap_path(server, path);
    EXPECT(client, "SET k v EX 1000", "+OK");
    EXPECT(client, "SETRANGE large 100000 x", ":100001");
    EXPECT(client, "SELECT 9", "+OK");
    EXPECT(client, "MSET a 1 b 2", "+OK");
    client_close(client);
    assert_int_equal(run_tool("check", path, text, sizeof(text)), 2);
    expect_words(text, (const char *const[]){"another process", NULL});
    (void)server_stop(server, SIGKILL);
    assert_int_equal(run_tool("inspect", path, text, sizeof(text)), 0);
    expect_words(text, (const char *const[]){"mode             shared or dax", "clean            no",
                                             "opened last      in this boot", "databases        16",
                                             "db0            2 keys, 1 with an expiry",
                                             "db9            2 keys", "block bytes", "131072", NULL});
    assert_int_equal(run_tool("check", path, text, sizeof(text)), 0);
    expect_words(text, (const char *const[]){"0 leaked, 0 dangling, 0 owned twice: the heap is whole", NULL});
    server_start(server);
    assert_int_equal(server_stop(server, SIGTERM), 0);
    assert_int_equal(run_tool("inspect", path, text, sizeof(text)), 0);
    expect_words(text, (const char *const[]){"clean            yes", NULL});
    damage_file(path, &(struct damage){.truncate_to = 100000, .flip_at = -1});
    assert_int_equal(run_tool("check", path, text, sizeof(text)), 1);
    expect_words(text, (const char *const[]){"it was cut", NULL});
    assert_int_equal(run_tool("check", "/nonexistent-file", text, sizeof(text)), 2);
    assert_int_equal(run_tool("check", "", text, sizeof(text)), 2);
    assert_int_equal(run_tool("inspect one", "another", text, sizeof(text)), 2);
    expect_words(text, (const char *const[]){"Usage: cairn", NULL});
    assert_int_equal(run_tool("--version", "", text, sizeof(text)), 0);
    expect_words(text, (const char *const[]){"cairn server v=", NULL});
    assert_int_equal(run_tool("--help", "", text, sizeof(text)), 0);
    expect_words(text, (const char *const[]){"cairn check FILE", "cairn inspect FILE", NULL});
    server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_use),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(from_an_earlier_boot),
        cmocka_unit_test(no_permission),
        cmocka_unit_test(files_of_redis),
        cmocka_unit_test(tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
