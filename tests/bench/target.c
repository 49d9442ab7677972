/* target.c: reaching and accounting the server under measurement. */
#include "target.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

uint64_t target_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int connect_or_close(int fd, const struct sockaddr *address, socklen_t len)
{
    if (fd >= 0 && connect(fd, address, len) == 0) return fd;
    int saved = errno;
    if (fd >= 0) close(fd);
    errno = saved;
    return -1;
}

int target_connect(const char *address)
{
    char *end;
    unsigned long port = strtoul(address, &end, 10);
    if (*end == '\0') {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = connect_or_close(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&in, sizeof(in));
        int on = 1;
        if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        return fd;
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(address) >= sizeof(un.sun_path)) target_fail("socket path too long: %s", address);
    strcpy(un.sun_path, address);
    return connect_or_close(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, sizeof(un));
}

/* The first field of a thread's schedstat: nanoseconds on a CPU. */
static uint64_t thread_cpu_ns(pid_t pid, const char *thread)
{
    char path[288];
    snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, thread);
    FILE *file = fopen(path, "r");
    if (!file) return 0; /* the thread has ended meanwhile */
    unsigned long long ns = 0;
    if (fscanf(file, "%llu", &ns) != 1) ns = 0;
    fclose(file);
    return ns;
}

uint64_t target_cpu_ns(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads) target_fail("no process %d", (int)pid);
    uint64_t sum = 0;
    for (struct dirent *thread = readdir(threads); thread; thread = readdir(threads))
        if (thread->d_name[0] != '.') sum += thread_cpu_ns(pid, thread->d_name);
    closedir(threads);
    return sum;
}

void target_put_digits(char *digits, uint64_t number)
{
    for (int i = TARGET_KEY_DIGITS - 1; i >= 0; i--) {
        digits[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* Eight printable bytes, one of 64 each. */
static uint64_t printable(uint64_t bits)
{
    return (bits & UINT64_C(0x3f3f3f3f3f3f3f3f)) + UINT64_C(0x3030303030303030);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

void target_value(char *value, uint64_t number, uint64_t variant, unsigned len)
{
    char digits[TARGET_KEY_DIGITS];
    target_put_digits(digits, number);
    memcpy(value, digits, least(len, sizeof(digits)));
    uint64_t word = printable(variant); /* the first tells how the others follow */
    for (unsigned at = sizeof(digits); at < len; at += sizeof(word)) {
        memcpy(value + at, &word, least(len - at, sizeof(word)));
        word = printable((word ^ word >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 2);
    }
}

bool target_value_is(const char *value, uint64_t number, unsigned len)
{
    char expected[TARGET_VALUE_BYTES_MAX];
    uint64_t word = 0;
    if (len > sizeof(expected)) return false;
    if (len > TARGET_KEY_DIGITS)
        memcpy(&word, value + TARGET_KEY_DIGITS, least(len - TARGET_KEY_DIGITS, sizeof(word)));
    target_value(expected, number, word - UINT64_C(0x3030303030303030), len);
    return memcmp(value, expected, len) == 0;
}

void target_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}
