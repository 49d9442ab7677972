/* fanout.c: messages per second to many subscribers of one channel, and what each delivery costs the server.
 *
 *     bench_fanout [--subscribers N] [--messages N] [--pipeline N] [--bytes N] --server-pid PID ADDRESS
 *
 * One publisher keeps `pipeline` messages under way. Prints per_s= (published), cpu_ns= (of the server, per delivery).
 */
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

#define READ_BYTES (256 * 1024)
#define EVENTS_MAX 256

struct fanout {
    unsigned subscribers;
    uint64_t messages;
    unsigned pipeline;
    unsigned payload_bytes;
    pid_t server;
    const char *address;
    int epoll;
    int publisher;
    char *request; /* one PUBLISH */
    size_t request_bytes;
    size_t message_bytes; /* as a subscriber gets it */
    uint64_t answered;
    uint64_t received_bytes;
};

static void parse(struct fanout *fanout, int argc, char **argv)
{
    static const struct option options[] = {
        {"subscribers", required_argument, NULL, 's'}, {"messages", required_argument, NULL, 'm'},
        {"pipeline", required_argument, NULL, 'p'},    {"bytes", required_argument, NULL, 'b'},
        {"server-pid", required_argument, NULL, 'P'},  {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        long value = option == '?' ? 0 : atol(optarg);
        if (value <= 0) target_fail("fanout: options are positive numbers");
        switch (option) {
        case 's': fanout->subscribers = (unsigned)value; break;
        case 'm': fanout->messages = (uint64_t)value; break;
        case 'p': fanout->pipeline = (unsigned)value; break;
        case 'b': fanout->payload_bytes = (unsigned)value; break;
        default: fanout->server = (pid_t)value; break;
        }
    }
    if (optind != argc - 1 || fanout->server == 0) target_fail("fanout: --server-pid PID ADDRESS");
    fanout->address = argv[optind];
}

static int open_connection(const struct fanout *fanout)
{
    int fd = target_connect(fanout->address);
    if (fd < 0) target_fail("fanout: connect: %s", strerror(errno));
    return fd;
}

static void watch(const struct fanout *fanout, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(fanout->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        target_fail("fanout: epoll: %s", strerror(errno));
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        if (wrote < 0 && errno != EAGAIN) target_fail("fanout: write: %s", strerror(errno));
        if (wrote > 0) {
            bytes += wrote;
            len -= (size_t)wrote;
        }
    }
}

static void subscribe(const struct fanout *fanout)
{
    static const char request[] = "*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n";
    static const char expected[] = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n";
    for (unsigned i = 0; i < fanout->subscribers; i++) {
        char reply[sizeof expected - 1];
        int fd = open_connection(fanout);
        write_all(fd, request, sizeof request - 1);
        for (size_t got = 0; got < sizeof reply;) {
            ssize_t n = read(fd, reply + got, sizeof reply - got);
            if (n <= 0) target_fail("fanout: no reply to SUBSCRIBE");
            got += (size_t)n;
        }
        if (memcmp(reply, expected, sizeof reply) != 0) target_fail("fanout: not subscribed");
        watch(fanout, fd);
    }
}

static void make_request(struct fanout *fanout)
{
    char head[128];
    unsigned len = fanout->payload_bytes;
    size_t head_len =
        (size_t)snprintf(head, sizeof head, "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$%u\r\n", len);
    fanout->request_bytes = head_len + len + 2;
    fanout->request = malloc(fanout->request_bytes);
    if (!fanout->request) target_fail("fanout: no memory");
    memcpy(fanout->request, head, head_len);
    memset(fanout->request + head_len, 'm', len);
    memcpy(fanout->request + head_len + len, "\r\n", 2);
    fanout->message_bytes = head_len + len + 2; /* "message" is as long as "PUBLISH" */
}

/* Replies of the publisher are counted, messages by their bytes. */
static void take(struct fanout *fanout, int fd)
{
    static char bytes[READ_BYTES];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EAGAIN)) target_fail("fanout: the server closed a connection");
    if (got < 0) return;
    if (fd != fanout->publisher) {
        fanout->received_bytes += (uint64_t)got;
        return;
    }
    for (ssize_t i = 0; i < got; i++)
        fanout->answered += bytes[i] == '\n';
}

static void run(struct fanout *fanout)
{
    uint64_t sent = 0;
    uint64_t wanted_bytes = fanout->messages * fanout->subscribers * fanout->message_bytes;
    struct epoll_event events[EVENTS_MAX];
    while (fanout->received_bytes < wanted_bytes || fanout->answered < fanout->messages) {
        for (; sent < fanout->messages && sent - fanout->answered < fanout->pipeline; sent++)
            write_all(fanout->publisher, fanout->request, fanout->request_bytes);
        int count = epoll_wait(fanout->epoll, events, EVENTS_MAX, 60000);
        if (count <= 0) target_fail("fanout: nothing comes any more");
        for (int i = 0; i < count; i++)
            take(fanout, events[i].data.fd);
    }
    if (fanout->received_bytes != wanted_bytes) target_fail("fanout: more came than was published");
}

int main(int argc, char **argv)
{
    struct fanout fanout = {.subscribers = 1000, .messages = 2000, .pipeline = 16, .payload_bytes = 64};
    parse(&fanout, argc, argv);
    fanout.epoll = epoll_create1(0);
    subscribe(&fanout);
    fanout.publisher = open_connection(&fanout);
    watch(&fanout, fanout.publisher);
    make_request(&fanout);
    uint64_t cpu_ns = target_cpu_ns(fanout.server), start_ns = target_now_ns();
    run(&fanout);
    uint64_t took_ns = target_now_ns() - start_ns;
    cpu_ns = target_cpu_ns(fanout.server) - cpu_ns;
    printf("per_s=%.0f cpu_ns=%.1f\n", (double)fanout.messages * 1e9 / (double)took_ns,
           (double)cpu_ns / (double)(fanout.messages * fanout.subscribers));
    free(fanout.request);
    return 0;
}
