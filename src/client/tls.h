/* tls.h: the record layer of one TLS connection: bytes to bytes, no I/O. Private to client/.
 *
 * The socket is read and written as that of a plain connection is; in between, what came is deciphered from the loop's buffer, and
 * what goes is enciphered once per gathered reply into a buffer of the loop's, which is sent with one write.
 *
 * Invariants:
 * S1. What is fed is used up: client_tls_read is called until it has no more. An unfinished record stays in OpenSSL's memory.
 * S2. OpenSSL's order of records is the order in which they are written to the client's `out`: it is sent before anything else is
 *     enciphered for another connection.
 */
#ifndef CAIRN_CLIENT_TLS_H
#define CAIRN_CLIENT_TLS_H

#include "resp/write.h"

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct client_tls;

enum client_tls_status {
    CLIENT_TLS_FULL,   /* there may be more */
    CLIENT_TLS_WAITS,  /* for the peer */
    CLIENT_TLS_CLOSED, /* the peer has said that it is done */
    CLIENT_TLS_FAILED, /* client_tls_error says why */
};

/* `out` takes what is to be sent. NULL without memory. */
struct client_tls *client_tls_new(SSL_CTX *ctx, struct resp_out *out);
void client_tls_free(struct client_tls *tls);

/* Bytes from the socket; they must stay until client_tls_read has answered something else than CLIENT_TLS_FULL. */
void client_tls_feed(struct client_tls *tls, const char *bytes, size_t len);
/* Deciphers up to `room` bytes. Does the handshake first: its bytes stand in `out`, and on success its end is CLIENT_TLS_WAITS or
 * CLIENT_TLS_FULL. */
enum client_tls_status client_tls_read(struct client_tls *tls, char *bytes, size_t room, size_t *len_out);
bool client_tls_is_ready(const struct client_tls *tls); /* the handshake is done */
/* Appends the records of these bytes to `out`. False without memory, or when the connection is broken. */
bool client_tls_write(struct client_tls *tls, const char *bytes, size_t len);
/* Appends our farewell to `out`, unless the connection is broken. */
void client_tls_shut(struct client_tls *tls);
const char *client_tls_error(const struct client_tls *tls);

#endif
