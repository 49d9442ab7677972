/* connection.h: one client: bytes in, requests executed, replies out. Private to client/. */
#ifndef CAIRN_CLIENT_CONNECTION_H
#define CAIRN_CLIENT_CONNECTION_H

#include "client/loop.h"
#include "client/output.h"

/* What was pushed to a connection during this turn. */
struct client_pushed {
    size_t len;
    size_t cap;
    char bytes[];
};

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
    struct client_connection *same_bucket; /* directory.h */
    struct session session;
    struct resp_parser parser;    /* of the request at query.bytes */
    struct client_output *output; /* NULL: nothing waits */
    struct {
        struct client_connection *next; /* in the loop's list of replies to send */
        size_t at;                      /* in the loop's buffer */
        size_t end;
        bool pending;
        bool aloof; /* it follows from nothing in the heap: held.h */
    } reply;
    struct {
        struct client_connection *next; /* in the loop's list of connections to look at when the turn ends */
        bool pending;
    } due;
    struct client_pushed *pushed; /* NULL: nothing */
    struct client_tls *tls;       /* NULL: plain */
    struct {
        char *bytes; /* received and not executed; NULL: none */
        size_t len;
        size_t cap;
        size_t wanted; /* at least so many bytes more complete a request */
    } query;
    size_t counted_bytes; /* memory.h */
    size_t turn_bytes;    /* in the loop's read buffer, being executed: for CLIENT LIST */
    char *address;        /* of the peer, "127.0.0.1:5000", "[::1]:5000", "/path:0" */
    const char *refusal;  /* TLS: said after the handshake instead of serving it; NULL: served */
    int64_t last_io_ms;   /* monotonic */
    bool local_socket;    /* unix */
    bool listed;          /* in the loop's directory */
    bool reading;
    bool paused;       /* the next request is held by CLIENT PAUSE */
    bool counted_held; /* among those that CLIENT PAUSE holds */
    bool blocked;      /* its last command waits: it is read, and nothing is executed */
    bool unblocked;    /* not any more: goes on when the turn ends */
    bool to_end;       /* ends when the turn ends */
    bool too_slow;     /* closes when the turn ends: more waits for it than it may have */
    bool ending;       /* closes once its output is sent */
    bool closing;      /* the handle is being closed; not in the loop's list any more */
    bool killed;       /* by another worker: nothing of it is executed; closes at the next delivery of mail */
    bool closed;       /* the handle is */
    bool skips;        /* what comes belongs to a request that was answered (resp_skip) */
    unsigned holds; /* batches of held replies that name it (held.h): its memory stays, and it does not end */
};

/* An accepted socket. */
struct client_arrival {
    int fd;
    bool local_socket; /* unix */
    bool local;        /* the peer is on this machine */
    bool tls;
    const char *refusal;     /* see client_connection */
    char *address;           /* malloc'd */
    struct session *session; /* as it goes on here, its texts and user moved out of it; NULL: a new one */
    char *bytes;             /* of an incomplete request, received before; copied */
    size_t len;
    bool skips;                /* see client_connection */
    struct resp_parser parser; /* when it does */
};

/* Takes over the socket and its address, whatever the outcome. */
void client_connection_open(struct client_loop *loop, const struct client_arrival *arrival);
/* At once, output or not. */
void client_connection_close(struct client_connection *connection);
/* A batch of held replies does not name it any more. */
void client_connection_let_go(struct client_connection *connection);
/* Once its replies have been sent. */
void client_connection_end(struct client_connection *connection);
/* Executes what is there and reads on, while nothing holds the connection back. */
void client_connection_go_on(struct client_connection *connection);
/* Its session was unblocked, or is to end: when the turn ends. */
void client_connection_unblock(struct client_connection *connection);
void client_connection_end_later(struct client_connection *connection);
/* After CLIENT PAUSE: goes on with what is there. */
void client_connection_resume(struct client_connection *connection);
/* Once a second: idle time and the soft output limit. */
void client_connection_check(struct client_connection *connection);
int client_connection_fd(const struct client_connection *connection);

#endif
