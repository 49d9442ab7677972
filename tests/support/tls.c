/* tls.c: OpenSSL for tests (tls.h). */
#include "support/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_SECONDS 60
#define PATH_BYTES   512

struct tls_client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static SSL_SESSION *kept_session;

/* ---- certificates ---- */

static FILE *create(const char *folder, const char *name, const char *suffix)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, suffix);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    return file;
}

static void write_key(const char *folder, const char *name, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = create(folder, name, "key");
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_256_cbc() : NULL;
    int len = passphrase ? (int)strlen(passphrase) : 0;
    assert_int_equal(
        PEM_write_PrivateKey(file, key, cipher, (const unsigned char *)passphrase, len, NULL, NULL), 1);
    fclose(file);
}

static X509 *new_certificate(const char *name, EVP_PKEY *key)
{
    static long serial = 1;
    X509 *cert = X509_new();
    assert_non_null(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name,
                               -1, -1, 0);
    return cert;
}

static void sign(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *basic = X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints,
                                                issuer == cert ? "critical,CA:TRUE" : "CA:FALSE");
    assert_non_null(basic);
    X509_add_ext(cert, basic, -1);
    X509_EXTENSION_free(basic);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
}

static void write_certificate(const char *folder, const char *name, X509 *cert)
{
    FILE *file = create(folder, name, "crt");
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
}

static EVP_PKEY *new_key(bool rsa)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

/* The server's is RSA: old ciphers of TLS 1.2 that tests name want it. */
static const char *const names[] = {"server", "client", "stranger", "other"};

void tls_remove_certificates(const char *folder)
{
    static const char *const more[] = {"ca.crt", "secret.key"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s.%s", folder, names[i / 2], i % 2 ? "crt" : "key");
        assert_int_equal(unlink(path), 0);
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, more[i]);
        assert_int_equal(unlink(path), 0);
    }
}

void tls_make_certificates(const char *folder)
{
    EVP_PKEY *ca_key = new_key(false);
    X509 *ca = new_certificate("ca", ca_key);
    sign(ca, ca, ca_key);
    write_certificate(folder, "ca", ca);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        EVP_PKEY *key = new_key(i == 0);
        X509 *cert = new_certificate(names[i], key);
        bool stranger = strcmp(names[i], "stranger") == 0;
        sign(cert, stranger ? cert : ca, stranger ? key : ca_key);
        write_certificate(folder, names[i], cert);
        write_key(folder, names[i], key, NULL);
        if (i == 0) write_key(folder, "secret", key, "1234");
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

/* ---- a client ---- */

int tls_dial(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    const struct timeval patience = {.tv_sec = WAIT_SECONDS};
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that the server has closed */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static SSL_CTX *new_context(const struct tls_options *options)
{
    char path[PATH_BYTES];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    snprintf(path, sizeof path, "%s/ca.crt", options->folder);
    assert_int_equal(SSL_CTX_load_verify_locations(ctx, path, NULL), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (options->version) {
        SSL_CTX_set_min_proto_version(ctx, options->version);
        SSL_CTX_set_max_proto_version(ctx, options->version);
    }
    if (options->ciphers) assert_int_equal(SSL_CTX_set_cipher_list(ctx, options->ciphers), 1);
    if (!options->name) return ctx;
    snprintf(path, sizeof path, "%s/%s.crt", options->folder, options->name);
    assert_int_equal(SSL_CTX_use_certificate_file(ctx, path, SSL_FILETYPE_PEM), 1);
    snprintf(path, sizeof path, "%s/%s.key", options->folder, options->name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
    return ctx;
}

/* With TLS 1.3 a server that refuses a certificate says so after the client's handshake. */
static bool answers_ping(struct tls_client *client)
{
    char answer[7];
    size_t len = 0, got;
    if (SSL_write(client->ssl, "PING\r\n", 6) != 6) return false;
    while (len < sizeof answer && SSL_read_ex(client->ssl, answer + len, sizeof answer - len, &got) == 1)
        len += got;
    return len == sizeof answer && memcmp(answer, "+PONG\r\n", 7) == 0;
}

struct tls_client *tls_open(unsigned port, const struct tls_options *options)
{
    struct tls_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->fd = tls_dial(port);
    client->ctx = new_context(options);
    client->ssl = SSL_new(client->ctx);
    assert_non_null(client->ssl);
    SSL_set_fd(client->ssl, client->fd);
    if (kept_session) {
        SSL_set_session(client->ssl, kept_session);
        SSL_SESSION_free(kept_session);
        kept_session = NULL;
    }
    ERR_clear_error();
    if (SSL_connect(client->ssl) == 1 && answers_ping(client)) return client;
    ERR_clear_error();
    tls_drop(client);
    return NULL;
}

void tls_close(struct tls_client *client)
{
    SSL_shutdown(client->ssl);
    tls_drop(client);
}

void tls_drop(struct tls_client *client)
{
    close(client->fd);
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    free(client);
    ERR_clear_error();
}

void tls_say(struct tls_client *client, const void *bytes, size_t len)
{
    size_t written;
    if (len == 0) return;
    assert_int_equal(SSL_write_ex(client->ssl, bytes, len, &written), 1);
    assert_int_equal(written, len);
}

void tls_say_text(struct tls_client *client, const char *text)
{
    tls_say(client, text, strlen(text));
}

long tls_read(struct tls_client *client, void *bytes, size_t len)
{
    size_t got;
    ERR_clear_error();
    int result = SSL_read_ex(client->ssl, bytes, len, &got);
    if (result == 1) return (long)got;
    return SSL_get_error(client->ssl, result) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void tls_hear(struct tls_client *client, const char *text, const char *file, int at_line)
{
    char got[4096];
    size_t len = strlen(text);
    size_t heard = 0;
    assert_true(len < sizeof got);
    while (heard < len) {
        long more = tls_read(client, got + heard, len - heard);
        if (more <= 0) break;
        heard += (size_t)more;
    }
    got[heard] = '\0';
    if (strcmp(got, text) == 0) return;
    print_error("expected: %s\nheard: %s\n", text, got);
    _fail(file, at_line);
}

void tls_peer_name(struct tls_client *client, char *name, size_t cap)
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    assert_non_null(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, (int)cap);
    X509_free(cert);
}

const char *tls_cipher(struct tls_client *client)
{
    return SSL_get_cipher_name(client->ssl);
}

bool tls_was_resumed(struct tls_client *client)
{
    return SSL_session_reused(client->ssl) == 1;
}

void tls_keep_session(struct tls_client *client)
{
    SSL_SESSION_free(kept_session);
    kept_session = SSL_get1_session(client->ssl);
}
