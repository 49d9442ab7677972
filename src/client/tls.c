/* tls.c: OpenSSL between two buffers (tls.h). */
#include "client/tls.h"

#include "util/assert.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#define ERROR_BYTES 128

struct client_tls {
    SSL *ssl;
    struct resp_out *out;
    const char *in; /* fed and not used yet */
    size_t in_len;
    bool ready;
    bool broken;
    char *error; /* malloc'd; NULL: none */
};

/* ---- the two buffers as OpenSSL wants them ---- */

static int bio_read(BIO *bio, char *bytes, int room)
{
    struct client_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->in_len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t len = tls->in_len < (size_t)room ? tls->in_len : (size_t)room;
    memcpy(bytes, tls->in, len);
    tls->in += len;
    tls->in_len -= len;
    return (int)len;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct client_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    resp_raw(tls->out, bytes, (size_t)len);
    return tls->out->failed ? -1 : len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method; /* NULL: no memory */

static void make_method(void)
{
    int type = BIO_get_new_index();
    method = type == -1 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "buffers");
    if (!method) return;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
}

static BIO *new_bio(struct client_tls *tls)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio) return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- life ---- */

struct client_tls *client_tls_new(SSL_CTX *ctx, struct resp_out *out)
{
    struct client_tls *tls = calloc(1, sizeof *tls);
    if (!tls) return NULL;
    tls->out = out;
    tls->ssl = SSL_new(ctx);
    BIO *bio = tls->ssl ? new_bio(tls) : NULL;
    if (!bio) {
        client_tls_free(tls);
        return NULL;
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void client_tls_free(struct client_tls *tls)
{
    if (!tls) return;
    SSL_free(tls->ssl);
    free(tls->error);
    free(tls);
}

/* ---- bytes ---- */

void client_tls_feed(struct client_tls *tls, const char *bytes, size_t len)
{
    ASSERT(tls->in_len == 0); /* S1 */
    tls->in = bytes;
    tls->in_len = len;
}

static enum client_tls_status fail(struct client_tls *tls)
{
    unsigned long code = ERR_get_error();
    tls->broken = true;
    tls->in_len = 0;
    if (!tls->error) tls->error = malloc(ERROR_BYTES);
    if (tls->error) ERR_error_string_n(code, tls->error, ERROR_BYTES);
    ERR_clear_error();
    return CLIENT_TLS_FAILED;
}

/* What a result of OpenSSL's that is no success means. */
static enum client_tls_status status_of(struct client_tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ: return CLIENT_TLS_WAITS;
    case SSL_ERROR_ZERO_RETURN: return CLIENT_TLS_CLOSED;
    default: return fail(tls);
    }
}

enum client_tls_status client_tls_read(struct client_tls *tls, char *bytes, size_t room, size_t *len_out)
{
    *len_out = 0;
    if (tls->broken) return CLIENT_TLS_FAILED;
    ERR_clear_error(); /* of whoever used this thread before: SSL_get_error looks at it */
    if (!tls->ready) {
        int result = SSL_do_handshake(tls->ssl);
        if (result != 1) return status_of(tls, result);
        tls->ready = true;
    }
    while (*len_out < room) {
        size_t got;
        int result = SSL_read_ex(tls->ssl, bytes + *len_out, room - *len_out, &got);
        if (result != 1) return status_of(tls, result);
        *len_out += got;
    }
    return CLIENT_TLS_FULL;
}

bool client_tls_is_ready(const struct client_tls *tls)
{
    return tls->ready;
}

bool client_tls_write(struct client_tls *tls, const char *bytes, size_t len)
{
    size_t written;
    if (tls->broken || !tls->ready) return false;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, bytes, len, &written) == 1) return true; /* `out` takes all of it */
    (void)fail(tls);
    return false;
}

void client_tls_shut(struct client_tls *tls)
{
    if (tls->broken || !tls->ready) return;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
    tls->broken = true; /* nothing may follow */
}

const char *client_tls_error(const struct client_tls *tls)
{
    return tls->error ? tls->error : "no memory";
}
