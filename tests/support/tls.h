/* tls.h: certificates made on the spot, and a TLS client that says and hears bytes.
 *
 * All waits are bounded; what goes wrong fails the running cmocka test.
 */
#ifndef CAIRN_TESTS_SUPPORT_TLS_H
#define CAIRN_TESTS_SUPPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* Writes into the folder, as PEM: ca.crt; server.crt and server.key, client.crt and client.key, signed by it; secret.key, the
 * server's with the passphrase "1234"; stranger.crt and stranger.key, signed by themselves; other.crt and other.key like the server's, for
 * "CN=other". */
void tls_make_certificates(const char *folder);
void tls_remove_certificates(const char *folder);

struct tls_client;

struct tls_options {
    const char *folder;  /* of the certificates */
    const char *name;    /* "client", "stranger"; NULL: shows none */
    int version;         /* TLS1_2_VERSION …; 0: any */
    const char *ciphers; /* TLS 1.2; NULL: any */
};

/* Connects and does the handshake; NULL when the server did not want us, also when it said so after the handshake (TLS 1.3): then a
 * PING was not answered. */
struct tls_client *tls_open(unsigned port, const struct tls_options *options);
/* Connects and does no handshake: a TCP socket. */
int tls_dial(unsigned port);
void tls_close(struct tls_client *client);
/* The same without a word: the peer sees the end of the socket only. */
void tls_drop(struct tls_client *client);

void tls_say(struct tls_client *client, const void *bytes, size_t len);
void tls_say_text(struct tls_client *client, const char *text);
/* Hears exactly this text; fails the test when something else comes. */
#define TLS_HEAR(client, text) tls_hear((client), (text), __FILE__, __LINE__)
void tls_hear(struct tls_client *client, const char *text, const char *file, int at_line);
/* Up to len bytes; 0: the server has said farewell; -1: the connection broke, or nothing came for a minute. */
long tls_read(struct tls_client *client, void *bytes, size_t len);
/* The other's common name, and the cipher in use. */
void tls_peer_name(struct tls_client *client, char *name, size_t cap);
const char *tls_cipher(struct tls_client *client);
bool tls_was_resumed(struct tls_client *client);
/* The next tls_open resumes this one's session; the client must have heard something. */
void tls_keep_session(struct tls_client *client);

#endif
