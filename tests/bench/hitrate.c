/* hitrate.c: how good a cache is a server whose maxmemory is half of the data?
 *
 *     bench_hitrate --policy allkeys-lru --keys 200000 --requests 2000000 --rate 100000 ADDRESS
 *
 * Fills an empty server, halves what the keys take by maxmemory, then reads keys with a zipfian distribution, setting
 * those that miss. Equal seeds ask equal questions of every server. Only the second half of the reads is counted:
 * the first one shows the server what is popular. Prints hit_rate=R kept=KEYS evicted=KEYS.
 */
#include "target.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH           64
#define VALUE_BYTES_MAX 4096
#define READ_BYTES      65536
#define NAME_BYTES      (4 + TARGET_KEY_DIGITS)
#define FILL_STRIDE     UINT64_C(2654435761) /* a prime: keys are filled in an order without meaning */

struct options {
    const char *policy;
    uint64_t keys;
    uint64_t requests;
    uint64_t per_s; /* 0: as fast as it goes */
    unsigned value_bytes;
    double exponent;
    uint64_t seed;
    const char *address;
};

struct server {
    int fd;
    size_t begin, end; /* of what is read and not yet taken */
    char bytes[READ_BYTES];
};

/* ---- the server ---- */

static void send_all(struct server *server, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(server->fd, bytes, len);
        if (n <= 0) target_fail("the server closed the connection");
        bytes += n;
        len -= (size_t)n;
    }
}

static void receive(struct server *server)
{
    memmove(server->bytes, server->bytes + server->begin, server->end - server->begin);
    server->end -= server->begin;
    server->begin = 0;
    if (server->end == READ_BYTES - 1) target_fail("a reply is too long");
    ssize_t n = read(server->fd, server->bytes + server->end, READ_BYTES - 1 - server->end);
    if (n <= 0) target_fail("the server closed the connection");
    server->end += (size_t)n;
    server->bytes[server->end] = '\0';
}

/* The next reply's first line, without CR LF, and for a bulk string its bytes; good until the next call. NULL: a null. */
static const char *reply(struct server *server)
{
    for (;;) {
        char *line = server->bytes + server->begin;
        char *end = memchr(line, '\n', server->end - server->begin);
        if (end != NULL && line[0] == '-') target_fail("error reply: %.*s", (int)(end - line), line);
        long bulk = end != NULL && line[0] == '$' ? strtol(line + 1, NULL, 10) : -1;
        size_t size = end == NULL ? 0 : (size_t)(end + 1 - line) + (bulk >= 0 ? (size_t)bulk + 2 : 0);
        if (end != NULL && size <= server->end - server->begin) {
            server->begin += size;
            line[size - 2] = '\0';
            if (line[0] != '$') return line;
            return bulk < 0 ? NULL : end + 1;
        }
        receive(server);
    }
}

static const char *ask(struct server *server, const char *request)
{
    send_all(server, request, strlen(request));
    return reply(server);
}

static uint64_t info(struct server *server, const char *section, const char *field)
{
    char request[64];
    snprintf(request, sizeof(request), "INFO %s\r\n", section);
    const char *text = ask(server, request);
    const char *found = text == NULL ? NULL : strstr(text, field);
    if (found == NULL) target_fail("INFO has no %s", field);
    return strtoull(found + strlen(field), NULL, 10);
}

/* ---- requests ---- */

static size_t put_get(char *at, uint64_t key)
{
    size_t len = (size_t)sprintf(at, "*2\r\n$3\r\nGET\r\n$%d\r\nkey:............\r\n", NAME_BYTES);
    target_put_digits(at + len - 2 - TARGET_KEY_DIGITS, key);
    return len;
}

static size_t put_set(char *at, uint64_t key, unsigned value_bytes)
{
    size_t len = (size_t)sprintf(at, "*3\r\n$3\r\nSET\r\n$%d\r\nkey:............\r\n", NAME_BYTES);
    target_put_digits(at + len - 2 - TARGET_KEY_DIGITS, key);
    len += (size_t)sprintf(at + len, "$%u\r\n", value_bytes);
    memset(at + len, 'v', value_bytes);
    memcpy(at + len + value_bytes, "\r\n", 2);
    return len + value_bytes + 2;
}

static void set_keys(struct server *server, const struct options *options, const uint64_t *keys,
                     unsigned count)
{
    static char batch[BATCH * (VALUE_BYTES_MAX + 64)];
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += put_set(batch + len, keys[i], options->value_bytes);
    send_all(server, batch, len);
    for (unsigned i = 0; i < count; i++)
        (void)reply(server);
}

/* Reads the keys and sets those that are missing; returns how many were there. */
static unsigned read_keys(struct server *server, const struct options *options, const uint64_t *keys)
{
    char batch[BATCH * 64];
    uint64_t missing[BATCH];
    unsigned missing_count = 0;
    size_t len = 0;
    for (unsigned i = 0; i < BATCH; i++)
        len += put_get(batch + len, keys[i]);
    send_all(server, batch, len);
    for (unsigned i = 0; i < BATCH; i++)
        if (reply(server) == NULL) missing[missing_count++] = keys[i];
    set_keys(server, options, missing, missing_count);
    return BATCH - missing_count;
}

/* ---- the run ---- */

static double *zipf_sums(const struct options *options)
{
    double sum = 0, *sums = malloc(options->keys * sizeof(*sums));
    if (sums == NULL) target_fail("no memory");
    for (uint64_t i = 0; i < options->keys; i++)
        sums[i] = sum += pow((double)(i + 1), -options->exponent);
    return sums;
}

static uint64_t zipf_key(const double *sums, uint64_t keys, uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    double wanted = (double)(*random >> 11) / (double)(UINT64_C(1) << 53) * sums[keys - 1];
    uint64_t low = 0, high = keys - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (wanted < sums[middle]) high = middle;
        else low = middle + 1;
    }
    return low;
}

static void fill(struct server *server, const struct options *options)
{
    uint64_t keys[BATCH];
    unsigned count = 0;
    for (uint64_t i = 0; i < options->keys; i++) {
        keys[count++] = i * FILL_STRIDE % options->keys;
        if (count < BATCH && i + 1 < options->keys) continue;
        set_keys(server, options, keys, count);
        count = 0;
    }
}

/* An empty server: what was dropped is freed, too. */
static void empty(struct server *server)
{
    (void)ask(server, "CONFIG SET maxmemory 0\r\n");
    (void)ask(server, "FLUSHALL\r\n");
    for (unsigned i = 0; i < 10000 && info(server, "memory", "lazyfree_pending_objects:") > 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Leaves room for half of what `fill` has added. */
static void halve(struct server *server, uint64_t empty_bytes)
{
    char request[128];
    uint64_t full_bytes = info(server, "memory", "used_memory:");
    uint64_t limit = empty_bytes + (full_bytes - empty_bytes) / 2;
    snprintf(request, sizeof(request), "CONFIG SET maxmemory %" PRIu64 "\r\n", limit);
    (void)ask(server, request);
    for (unsigned i = 0; i < 100000 && info(server, "memory", "used_memory:") > limit; i++)
        (void)ask(server, "PING\r\n");
}

static void keep_pace(const struct options *options, uint64_t begun_ns, uint64_t done)
{
    if (options->per_s == 0) return;
    uint64_t due_ns = begun_ns + (uint64_t)((double)done * 1e9 / (double)options->per_s);
    uint64_t now_ns = target_now_ns();
    if (due_ns <= now_ns) return;
    uint64_t rest_ns = due_ns - now_ns;
    nanosleep(&(struct timespec){(time_t)(rest_ns / 1000000000), (long)(rest_ns % 1000000000)}, NULL);
}

static void run(struct server *server, const struct options *options)
{
    char request[128];
    double *sums = zipf_sums(options);
    uint64_t random = options->seed, hits = 0, counted = 0, begun_ns;
    empty(server);
    snprintf(request, sizeof(request), "CONFIG SET maxmemory-policy %s\r\n", options->policy);
    (void)ask(server, request);
    uint64_t empty_bytes = info(server, "memory", "used_memory:");
    fill(server, options);
    halve(server, empty_bytes);
    begun_ns = target_now_ns();
    for (uint64_t done = 0; done < options->requests; done += BATCH) {
        uint64_t keys[BATCH];
        for (unsigned i = 0; i < BATCH; i++)
            keys[i] = zipf_key(sums, options->keys, &random);
        unsigned found = read_keys(server, options, keys);
        if (done >= options->requests / 2) {
            hits += found;
            counted += BATCH;
        }
        keep_pace(options, begun_ns, done);
    }
    printf("hit_rate=%.5f kept=%" PRIu64 " evicted=%" PRIu64 "\n", (double)hits / (double)counted,
           info(server, "keyspace", "db0:keys="), info(server, "stats", "evicted_keys:"));
    free(sums);
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"policy", 1, NULL, 'p'},      {"keys", 1, NULL, 'k'},
        {"requests", 1, NULL, 'n'},    {"rate", 1, NULL, 'r'},
        {"value-bytes", 1, NULL, 'v'}, {"exponent", 1, NULL, 'e'},
        {"seed", 1, NULL, 's'},        {NULL, 0, NULL, 0},
    };
    static struct server server;
    struct options options = {.policy = "allkeys-lru",
                              .keys = 200000,
                              .requests = 2000000,
                              .value_bytes = 64,
                              .exponent = 0.99,
                              .seed = 42};
    for (int name = getopt_long(argc, argv, "", names, NULL); name != -1;
         name = getopt_long(argc, argv, "", names, NULL)) {
        switch (name) {
        case 'p': options.policy = optarg; break;
        case 'k': options.keys = strtoull(optarg, NULL, 10); break;
        case 'n': options.requests = strtoull(optarg, NULL, 10); break;
        case 'r': options.per_s = strtoull(optarg, NULL, 10); break;
        case 'v': options.value_bytes = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'e': options.exponent = strtod(optarg, NULL); break;
        case 's': options.seed = strtoull(optarg, NULL, 10); break;
        default:
            target_fail("usage: bench_hitrate [--policy P] [--keys N] [--requests N] [--rate N] ... ADDRESS");
        }
    }
    if (optind != argc - 1) target_fail("no address");
    options.address = argv[optind];
    if (options.keys == 0 || options.requests < 2 * BATCH || options.value_bytes > VALUE_BYTES_MAX)
        target_fail("an option is out of range");
    server.fd = target_connect(options.address);
    if (server.fd < 0) target_fail("cannot connect to %s", options.address);
    run(&server, &options);
    close(server.fd);
    return 0;
}
