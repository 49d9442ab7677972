/* connection.h: one client: bytes in, requests executed, replies out. Private to client/. */
#ifndef CAIRN_CLIENT_CONNECTION_H
#define CAIRN_CLIENT_CONNECTION_H

#include "client/loop.h"
#include "client/output.h"

/* An idle connection owns this struct and its address: no buffers. */
struct client_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct client_loop *loop;
    struct client_connection *prev;
    struct client_connection *next;
    struct session session;
    struct resp_parser parser;    /* of the request at query.bytes */
    struct client_output *output; /* NULL: nothing waits */
    struct {
        struct client_connection *next; /* in the loop's list of replies to send */
        size_t at;                      /* in the loop's buffer */
        size_t end;
        bool pending;
    } reply;
    struct {
        char *bytes; /* received and not executed; NULL: none */
        size_t len;
        size_t cap;
        size_t wanted; /* at least so many bytes more complete a request */
    } query;
    size_t turn_bytes;  /* in the loop's read buffer, being executed: for CLIENT LIST */
    char *address;      /* of the peer, "127.0.0.1:5000", "[::1]:5000", "/path:0" */
    int64_t last_io_ms; /* monotonic */
    bool local_socket;  /* unix */
    bool reading;
    bool paused;  /* the next request is held by CLIENT PAUSE */
    bool ending;  /* closes once its output is sent */
    bool closing; /* the handle is being closed; not in the loop's list any more */
    bool killed;  /* by another worker: closes at the next delivery of mail */
};

/* Takes over an accepted socket, whatever the outcome. `local`: the peer is on this machine. `address` is malloc'd and goes over
 * too. */
void client_connection_open(struct client_loop *loop, int fd, bool local_socket, bool local, char *address);
/* At once, output or not. */
void client_connection_close(struct client_connection *connection);
/* Sends the replies that have gathered in the loop's buffer. Before the loop waits, and before it closes handles. */
void client_connection_send_replies(struct client_loop *loop);
/* After CLIENT PAUSE: goes on with what is there. */
void client_connection_resume(struct client_connection *connection);
/* Once a second: idle time and the soft output limit. */
void client_connection_check(struct client_connection *connection);
int client_connection_fd(const struct client_connection *connection);

#endif
