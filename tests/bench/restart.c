/* restart.c: starts a server and tells how long it takes from exec to the first correct answer.
 *
 *     bench_restart ADDRESS KEY_NUMBER VALUE_BYTES COMMAND [ARGS...]
 *
 * Prints the milliseconds and the process id; the server runs on. An answer is correct when GET returns a
 * value that bench_load made for that key: neither "loading" nor a missing key counts.
 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS         100000
#define GIVE_UP_NS      UINT64_C(600000000000)

struct question {
    char request[64];
    size_t request_len;
    uint64_t key;
    unsigned value_bytes;
    char head[16]; /* of the answer */
    size_t head_len;
    size_t answer_len;
};

static void question_init(struct question *question, uint64_t key, unsigned value_bytes)
{
    if (value_bytes > TARGET_VALUE_BYTES_MAX) target_fail("value too long");
    question->key = key;
    question->value_bytes = value_bytes;
    question->request_len =
        (size_t)snprintf(question->request, sizeof(question->request),
                         "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n", (unsigned long long)key);
    question->head_len = (size_t)snprintf(question->head, sizeof(question->head), "$%u\r\n", value_bytes);
    question->answer_len = question->head_len + value_bytes + 2;
}

static bool is_right(const struct question *question, const char *answer)
{
    const char *value = answer + question->head_len;
    return memcmp(answer, question->head, question->head_len) == 0 &&
           target_value_is(value, question->key, question->value_bytes) &&
           memcmp(value + question->value_bytes, "\r\n", 2) == 0;
}

/* Asks once; true when the whole answer came and is right. */
static bool answers(const char *address, const struct question *question)
{
    int fd = target_connect(address);
    if (fd < 0) return false;
    char got[TARGET_VALUE_BYTES_MAX + sizeof(question->head) + 2];
    size_t len = 0;
    bool asked = write(fd, question->request, question->request_len) == (ssize_t)question->request_len;
    while (asked && len < question->answer_len) {
        ssize_t n = read(fd, got + len, question->answer_len - len);
        if (n <= 0 || got[0] == '-') break; /* still loading */
        len += (size_t)n;
        if (len >= 3 && memcmp(got, "$-1", 3) == 0) target_fail("the key is gone");
    }
    close(fd);
    if (len == question->answer_len && !is_right(question, got)) target_fail("a wrong value");
    return len == question->answer_len;
}

static pid_t start(char **command)
{
    pid_t pid = fork();
    if (pid < 0) target_fail("fork: %s", strerror(errno));
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0) _exit(127);
        execvp(command[0], command);
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    if (argc < 5) target_fail("usage: bench_restart ADDRESS KEY_NUMBER VALUE_BYTES COMMAND [ARGS...]");
    struct question question;
    question_init(&question, strtoull(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10));
    uint64_t start_ns = target_now_ns();
    pid_t pid = start(argv + 4);
    while (!answers(argv[1], &question)) {
        if (waitpid(pid, NULL, WNOHANG) == pid) target_fail("the server ended instead of answering");
        if (target_now_ns() - start_ns > GIVE_UP_NS) target_fail("no correct answer");
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
    printf("ms=%.2f pid=%d\n", (double)(target_now_ns() - start_ns) / 1e6, (int)pid);
    return 0;
}
