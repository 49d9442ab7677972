/* load.c: a load generator with little cost of its own.
 *
 *     bench_load --op set --pipeline 64 --requests 1000000 ADDRESS
 *
 * Terms: a *batch* is what a connection sends at once, `pipeline` requests long; the next one leaves when the
 * last reply of this one is read. Batches are built once and only the digits of keys (and of values) are
 * rewritten; a value is a new one each time.
 *
 * L1. Every reply is read and checked: an error reply ends the program, a missing key is counted.
 * L2. With --verify every GET must return a value that was made for its key, and no key may be missing.
 * L3. Requests are exactly as many as asked for, whatever the number of connections.
 */
#include "probe.h"
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTIONS_MAX   1024
#define KEYS_PER_MSET     10
#define REQUEST_BYTES_MAX 8192 /* with the largest value allowed, ten times */
#define READ_BYTES        65536
#define VARIANT_STEP      UINT64_C(0x9e3779b97f4a7c15)
#define WAIT_FOREVER      (-1)

enum operation { OP_GET, OP_SET, OP_INCR, OP_MSET };

struct options {
    enum operation op;
    unsigned connections;
    unsigned pipeline;
    uint64_t requests;
    uint64_t keys;
    unsigned value_bytes;
    bool verify;      /* L2 */
    bool fill;        /* each key once, in order, instead of at random */
    uint64_t per_s;   /* 0: as fast as it goes */
    pid_t server_pid; /* 0: its CPU time is not measured */
    bool probe;
    uint64_t seed;
    const char *address;
};

/* One request with the places of its digits. */
struct template
{
    char bytes[REQUEST_BYTES_MAX];
    size_t len;
    unsigned keys;
    size_t key_at[KEYS_PER_MSET];
    size_t value_at[KEYS_PER_MSET]; /* 0: no digits in the value */
};

struct connection {
    int fd;
    char *batch;
    size_t batch_len;
    size_t sent;
    unsigned count;   /* requests in the batch */
    unsigned awaited; /* replies of the batch still to come */
    size_t bulk_left; /* bytes of a bulk reply still to come, CR LF included */
    size_t bulk_len;
    size_t line_len; /* of an incomplete line */
    char line[64];
    char bulk[TARGET_VALUE_BYTES_MAX + 2]; /* kept with --verify only */
};

struct load {
    struct options options;
    struct template template;
    struct connection connections[CONNECTIONS_MAX];
    struct connection *idle[CONNECTIONS_MAX];
    unsigned idle_count;
    int epoll;
    uint64_t random;
    uint64_t next_key; /* fill */
    uint64_t written;  /* values */
    uint64_t unsent;   /* requests */
    uint64_t replies;
    uint64_t misses;
    uint64_t start_ns;
};

/* ---- requests ---- */

static void append(struct template *template, const char *bytes, size_t len)
{
    if (template->len + len > sizeof(template->bytes)) target_fail("request too long");
    memcpy(template->bytes + template->len, bytes, len);
    template->len += len;
}

static void append_key(struct template *template, const char *prefix)
{
    append(template, "$16\r\n", 5);
    append(template, prefix, strlen(prefix));
    template->key_at[template->keys] = template->len;
    append(template, "000000000000\r\n", TARGET_KEY_DIGITS + 2);
}

static void append_value(struct template *template, unsigned len)
{
    char head[16], value[TARGET_VALUE_BYTES_MAX];
    append(template, head, (size_t)snprintf(head, sizeof(head), "$%u\r\n", len));
    if (len >= TARGET_KEY_DIGITS) template->value_at[template->keys] = template->len;
    target_value(value, 0, 0, len);
    append(template, value, len);
    append(template, "\r\n", 2);
}

static void template_init(struct template *template, const struct options *options)
{
    static const char *const heads[] = {
        [OP_GET] = "*2\r\n$3\r\nGET\r\n",
        [OP_SET] = "*3\r\n$3\r\nSET\r\n",
        [OP_INCR] = "*2\r\n$4\r\nINCR\r\n",
        [OP_MSET] = "*21\r\n$4\r\nMSET\r\n",
    };
    unsigned keys = options->op == OP_MSET ? KEYS_PER_MSET : 1;
    append(template, heads[options->op], strlen(heads[options->op]));
    while (template->keys < keys) {
        append_key(template, options->op == OP_INCR ? "ctr:" : "key:");
        if (options->op == OP_SET || options->op == OP_MSET) append_value(template, options->value_bytes);
        template->keys++;
    }
}

static uint64_t next_key(struct load *load)
{
    if (load->options.fill) return load->next_key++ % load->options.keys;
    load->random ^= load->random << 13; /* xorshift64 */
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random % load->options.keys;
}

static void rewrite_digits(struct load *load, char *request)
{
    const struct template *template = &load->template;
    for (unsigned i = 0; i < template->keys; i++) {
        uint64_t key = next_key(load);
        target_put_digits(request + template->key_at[i], key);
        if (template->value_at[i])
            target_value(request + template->value_at[i], key, ++load->written * VARIANT_STEP ^ load->options.seed,
                         load->options.value_bytes);
    }
}

/* ---- sending ---- */

static void watch(struct load *load, struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0)
        target_fail("epoll: %s", strerror(errno));
}

static void send_rest(struct load *load, struct connection *connection, bool waited)
{
    while (connection->sent < connection->batch_len) {
        ssize_t n = write(connection->fd, connection->batch + connection->sent,
                          connection->batch_len - connection->sent);
        if (n < 0 && errno == EAGAIN) {
            if (!waited) watch(load, connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) target_fail("write: %s", strerror(errno));
        connection->sent += (size_t)n;
    }
    if (waited) watch(load, connection, EPOLL_CTL_MOD, EPOLLIN);
}

static void send_batch(struct load *load, struct connection *connection)
{
    unsigned count = load->options.pipeline; /* L3 */
    if (count > load->unsent) count = (unsigned)load->unsent;
    for (unsigned i = 0; i < count; i++)
        rewrite_digits(load, connection->batch + i * load->template.len);
    connection->batch_len = count * load->template.len;
    connection->sent = 0;
    connection->count = count;
    connection->awaited = count;
    load->unsent -= count;
    send_rest(load, connection, false);
}

/* Gives idle connections their next batches, as many as the pace allows. */
static void send_due(struct load *load)
{
    const struct options *options = &load->options;
    uint64_t due = load->unsent;
    if (options->per_s) {
        double elapsed_s = (double)(target_now_ns() - load->start_ns) / 1e9;
        uint64_t allowed = (uint64_t)(elapsed_s * (double)options->per_s);
        uint64_t sent = options->requests - load->unsent;
        due = allowed > sent ? allowed - sent : 0;
    }
    while (load->idle_count > 0 && load->unsent > 0 && (due >= options->pipeline || due == load->unsent)) {
        send_batch(load, load->idle[--load->idle_count]);
        due -= due < options->pipeline ? due : options->pipeline;
    }
}

/* ---- replies ---- */

/* L2: the bulk reply to the last request answered. */
static void verify(const struct load *load, const struct connection *connection)
{
    char digits[TARGET_KEY_DIGITS + 1] = "";
    unsigned index = connection->count - connection->awaited - 1;
    memcpy(digits, connection->batch + index * load->template.len + load->template.key_at[0],
           TARGET_KEY_DIGITS);
    if (connection->bulk_len != load->options.value_bytes + 2 ||
        !target_value_is(connection->bulk, strtoull(digits, NULL, 10), load->options.value_bytes))
        target_fail("key:%s has a wrong value", digits);
}

static void take_bulk(struct load *load, struct connection *connection, const char *bytes, size_t len)
{
    connection->bulk_left -= len;
    if (!load->options.verify) return;
    if (connection->bulk_len + len > sizeof(connection->bulk)) target_fail("a value is too long");
    memcpy(connection->bulk + connection->bulk_len, bytes, len);
    connection->bulk_len += len;
    if (connection->bulk_left == 0) verify(load, connection);
}

/* A complete reply line with its CR LF. */
static void take_line(struct load *load, struct connection *connection, const char *line, size_t len)
{
    if (len < 3 || connection->awaited == 0) target_fail("a reply that was not asked for");
    if (line[0] == '-') target_fail("error reply: %.*s", (int)len - 2, line);
    if (line[0] == '$') {
        int bytes = atoi(line + 1);
        if (bytes < 0 && load->options.verify) target_fail("a key is missing");
        if (bytes < 0) load->misses++;
        connection->bulk_left = bytes < 0 ? 0 : (size_t)bytes + 2;
        connection->bulk_len = 0;
    } else if (line[0] != '+' && line[0] != ':') {
        target_fail("unexpected reply: %.*s", (int)len - 2, line);
    }
    connection->awaited--;
    load->replies++;
}

static void take_bytes(struct load *load, struct connection *connection, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t used = connection->bulk_left < len ? connection->bulk_left : len;
        if (used > 0) take_bulk(load, connection, bytes, used);
        bytes += used;
        len -= used;
        if (len == 0) return;
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) + 1 : len;
        if (connection->line_len == 0 && end) { /* the usual case: the whole line is here */
            take_line(load, connection, bytes, part);
        } else {
            if (connection->line_len + part >= sizeof(connection->line)) target_fail("reply line too long");
            memcpy(connection->line + connection->line_len, bytes, part);
            connection->line_len += part;
            if (end) {
                connection->line[connection->line_len] = '\0';
                take_line(load, connection, connection->line, connection->line_len);
                connection->line_len = 0;
            }
        }
        bytes += part;
        len -= part;
    }
}

static void receive(struct load *load, struct connection *connection)
{
    static char bytes[READ_BYTES];
    ssize_t n = read(connection->fd, bytes, sizeof(bytes));
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) target_fail("the server closed a connection");
    take_bytes(load, connection, bytes, (size_t)n);
    if (connection->awaited == 0 && connection->bulk_left == 0) load->idle[load->idle_count++] = connection;
}

/* ---- run ---- */

static void connection_open(struct load *load, struct connection *connection)
{
    const struct template *template = &load->template;
    connection->fd = target_connect(load->options.address);
    if (connection->fd < 0) target_fail("cannot connect to %s: %s", load->options.address, strerror(errno));
    if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0) target_fail("fcntl: %s", strerror(errno));
    connection->batch = malloc(template->len * load->options.pipeline);
    if (!connection->batch) target_fail("no memory");
    for (unsigned i = 0; i < load->options.pipeline; i++)
        memcpy(connection->batch + i * template->len, template->bytes, template->len);
    watch(load, connection, EPOLL_CTL_ADD, EPOLLIN);
    load->idle[load->idle_count++] = connection;
}

static void run(struct load *load)
{
    struct epoll_event events[CONNECTIONS_MAX];
    load->unsent = load->options.requests;
    load->start_ns = target_now_ns();
    while (load->replies < load->options.requests) {
        send_due(load);
        int timeout_ms = load->options.per_s && load->unsent > 0 ? 1 : WAIT_FOREVER;
        int count = epoll_wait(load->epoll, events, CONNECTIONS_MAX, timeout_ms);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_rest(load, connection, true);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(load, connection);
        }
    }
}

static enum operation parse_operation(const char *name)
{
    static const char *const names[] = {"get", "set", "incr", "mset"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) return (enum operation)i;
    target_fail("unknown operation %s", name);
}

static void parse_options(int argc, char **argv, struct options *options)
{
    enum {
        OP = 1,
        CONNECTIONS,
        PIPELINE,
        REQUESTS,
        KEYS,
        VALUE_BYTES,
        FILL,
        RATE,
        SERVER_PID,
        PROBE,
        SEED,
        VERIFY
    };
    static const struct option names[] = {
        {"op", 1, NULL, OP},
        {"connections", 1, NULL, CONNECTIONS},
        {"pipeline", 1, NULL, PIPELINE},
        {"requests", 1, NULL, REQUESTS},
        {"keys", 1, NULL, KEYS},
        {"value-bytes", 1, NULL, VALUE_BYTES},
        {"fill", 0, NULL, FILL},
        {"rate", 1, NULL, RATE},
        {"server-pid", 1, NULL, SERVER_PID},
        {"probe", 0, NULL, PROBE},
        {"seed", 1, NULL, SEED},
        {"verify", 0, NULL, VERIFY},
        {NULL, 0, NULL, 0},
    };
    *options = (struct options){
        .op = OP_GET, .connections = 50, .pipeline = 1, .keys = 1000000, .value_bytes = 64, .seed = 42};
    for (int name = getopt_long(argc, argv, "", names, NULL); name != -1;
         name = getopt_long(argc, argv, "", names, NULL)) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        switch (name) {
        case OP: options->op = parse_operation(optarg); break;
        case CONNECTIONS: options->connections = (unsigned)number; break;
        case PIPELINE: options->pipeline = (unsigned)number; break;
        case REQUESTS: options->requests = number; break;
        case KEYS: options->keys = number; break;
        case VALUE_BYTES: options->value_bytes = (unsigned)number; break;
        case VERIFY: options->verify = true; break;
        case FILL: options->fill = true; break;
        case RATE: options->per_s = number; break;
        case SERVER_PID: options->server_pid = (pid_t)number; break;
        case PROBE: options->probe = true; break;
        case SEED: options->seed = number; break;
        default:
            target_fail("usage: bench_load [--op get|set|incr|mset] [--fill] [--requests N] ... ADDRESS");
        }
    }
    if (optind != argc - 1) target_fail("no address");
    options->address = argv[optind];
    if (options->connections == 0 || options->connections > CONNECTIONS_MAX || options->pipeline == 0 ||
        options->keys == 0 || options->seed == 0 || options->value_bytes > TARGET_VALUE_BYTES_MAX)
        target_fail("an option is out of range");
    if (options->requests == 0) options->requests = options->keys;
}

int main(int argc, char **argv)
{
    static struct load load;
    const struct options *options = &load.options;
    parse_options(argc, argv, &load.options);
    load.random = options->seed;
    load.epoll = epoll_create1(0);
    if (load.epoll < 0) target_fail("epoll: %s", strerror(errno));
    template_init(&load.template, options);
    for (unsigned i = 0; i < options->connections; i++)
        connection_open(&load, &load.connections[i]);

    struct probe *probe = options->probe ? probe_start(options->address) : NULL;
    uint64_t cpu_before_ns = options->server_pid ? target_cpu_ns(options->server_pid) : 0;
    run(&load);
    double seconds = (double)(target_now_ns() - load.start_ns) / 1e9;
    printf("requests=%llu seconds=%.3f per_s=%.0f misses=%llu", (unsigned long long)options->requests,
           seconds, (double)options->requests / seconds, (unsigned long long)load.misses);
    if (options->server_pid)
        printf(" cpu_ns=%.1f",
               (double)(target_cpu_ns(options->server_pid) - cpu_before_ns) / (double)options->requests);
    if (probe) {
        struct probe_result result = probe_stop(probe);
        printf(" pings=%llu median_us=%llu p999_us=%llu longest_us=%llu", (unsigned long long)result.pings,
               (unsigned long long)result.median_us, (unsigned long long)result.p999_us,
               (unsigned long long)result.longest_us);
    }
    printf("\n");
    return 0;
}
