/* link.c: see link.h. Sockets never block: poll waits, so that a limit holds. */
#include "command/dump/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_PART_MAX (64 * 1024)

void link_cache_open(struct link_cache *links)
{
    *links = (struct link_cache){0};
    pthread_mutex_init(&links->lock, NULL);
}

void link_drop(struct link *link)
{
    close(link->fd);
    free(link->name);
    free(link);
}

void link_cache_close(struct link_cache *links)
{
    while (links->kept != NULL) {
        struct link *link = links->kept;
        links->kept = link->next;
        link_drop(link);
    }
    links->count = 0;
    pthread_mutex_destroy(&links->lock);
}

void link_cache_expire(struct link_cache *links, int64_t now_ms)
{
    pthread_mutex_lock(&links->lock);
    for (struct link **at = &links->kept; *at != NULL;) {
        struct link *link = *at;
        if (now_ms - link->used_ms < LINK_KEPT_MS) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        links->count--;
        link_drop(link);
    }
    pthread_mutex_unlock(&links->lock);
}

unsigned link_cache_count(struct link_cache *links)
{
    pthread_mutex_lock(&links->lock);
    unsigned count = links->count;
    pthread_mutex_unlock(&links->lock);
    return count;
}

/* ---- connecting ---- */

/* Waits until the socket is ready for `events`; an error counts as ready: what is tried next tells. */
static enum link_result await(int fd, short events, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int ready;
    do
        ready = poll(&poll_fd, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? LINK_OK : ready == 0 ? LINK_TIMED_OUT : LINK_FAILED;
}

/* A socket that is connected, or says when it is written to why it is not; -1: there was no answer in time. */
static int connect_to(const struct addrinfo *address, int timeout_ms)
{
    int on = 1, fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) return fd;
    if (errno == EINPROGRESS && await(fd, POLLOUT, timeout_ms) == LINK_OK) return fd;
    close(fd);
    return -1;
}

/* NULL: no such address, no answer, or no memory. */
static struct link *make_link(char *name, size_t host_len, int timeout_ms)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int fd = -1;
    name[host_len] = '\0';
    int failed = getaddrinfo(name, name + host_len + 1, &hints, &addresses);
    name[host_len] = ':';
    if (!failed && addresses != NULL) fd = connect_to(addresses, timeout_ms);
    if (addresses != NULL) freeaddrinfo(addresses);
    struct link *link = fd < 0 ? NULL : calloc(1, sizeof *link);
    if (link == NULL) {
        if (fd >= 0) close(fd);
        free(name);
        return NULL;
    }
    link->name = name;
    link->fd = fd;
    link->db = 0; /* every connection begins there */
    return link;
}

static struct link *take_kept(struct link_cache *links, const char *name)
{
    pthread_mutex_lock(&links->lock);
    struct link **at = &links->kept;
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    struct link *link = *at;
    if (link != NULL) {
        *at = link->next;
        links->count--;
        link->is_kept_one = true;
    }
    pthread_mutex_unlock(&links->lock);
    return link;
}

struct link *link_take(struct link_cache *links, struct slice host, struct slice port, int timeout_ms,
                       bool fresh)
{
    char *name = malloc(host.len + port.len + 2);
    if (name == NULL) return NULL;
    snprintf(name, host.len + port.len + 2, "%.*s:%.*s", (int)host.len, host.ptr, (int)port.len, port.ptr);
    struct link *kept = fresh ? NULL : take_kept(links, name);
    if (kept == NULL) return make_link(name, host.len, timeout_ms);
    free(name);
    return kept;
}

void link_keep(struct link_cache *links, struct link *link, int64_t now_ms)
{
    link->used_ms = now_ms;
    pthread_mutex_lock(&links->lock);
    bool has_room = links->count < LINKS_KEPT_MAX;
    if (has_room) {
        link->next = links->kept;
        links->kept = link;
        links->count++;
    }
    pthread_mutex_unlock(&links->lock);
    if (!has_room) link_drop(link);
}

/* ---- bytes ---- */

enum link_result link_send(struct link *link, const char *bytes, size_t len, int timeout_ms)
{
    while (len > 0) {
        ssize_t sent = send(link->fd, bytes, len < SEND_PART_MAX ? len : SEND_PART_MAX, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return LINK_FAILED;
        enum link_result result = await(link->fd, POLLOUT, timeout_ms);
        if (result != LINK_OK) return result;
    }
    return LINK_OK;
}

/* More bytes into the buffer, which is empty. */
static enum link_result fill(struct link *link, int timeout_ms)
{
    for (;;) {
        ssize_t got = recv(link->fd, link->read, sizeof link->read, 0);
        if (got > 0) {
            link->read_at = 0;
            link->read_len = (size_t)got;
            return LINK_OK;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) return LINK_FAILED;
        if (errno == EINTR) continue;
        enum link_result result = await(link->fd, POLLIN, timeout_ms);
        if (result != LINK_OK) return result;
    }
}

enum link_result link_read_line(struct link *link, char line[LINK_LINE_MAX], int timeout_ms)
{
    size_t len = 0;
    for (;;) {
        if (link->read_at == link->read_len) {
            enum link_result result = fill(link, timeout_ms);
            if (result != LINK_OK) return result;
        }
        char c = link->read[link->read_at++];
        if (c == '\n') break;
        if (c != '\r' && len + 1 < LINK_LINE_MAX) line[len++] = c;
    }
    line[len] = '\0';
    return LINK_OK;
}
