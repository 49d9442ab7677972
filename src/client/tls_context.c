/* tls_context.c: options to an OpenSSL context (tls_context.h). */
#include "client/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>

#define SESSION_CONTEXT "redis" /* which server a session belongs to, as Redis names it */

/* What is being built, and where it says what went wrong. */
struct building {
    SSL_CTX *ctx;
    char *error;
    size_t error_cap;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct building *building, const char *format,
                                                       ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(building->error, building->error_cap, format, args);
    va_end(args);
    ERR_clear_error();
    return false;
}

static const char *last_error(char text[256])
{
    ERR_error_string_n(ERR_get_error(), text, 256);
    return text;
}

static bool is_set(const char *text)
{
    return text && *text;
}

/* ---- parts ---- */

/* A key that needs a passphrase and has none must fail: OpenSSL would ask at the terminal. */
static int give_passphrase(char *buf, int size, int for_writing, void *passphrase)
{
    (void)for_writing;
    size_t len = passphrase ? strlen(passphrase) : 0;
    if (len == 0 || len > (size_t)size) return -1;
    memcpy(buf, passphrase, len);
    return (int)len;
}

static bool use_protocols(const struct building *building, const char *names)
{
    static const struct {
        const char *name;
        int version;
    } known[] = {{"TLSv1", TLS1_VERSION},
                 {"TLSv1.1", TLS1_1_VERSION},
                 {"TLSv1.2", TLS1_2_VERSION},
                 {"TLSv1.3", TLS1_3_VERSION}};
    static const uint64_t without[] = {SSL_OP_NO_TLSv1, SSL_OP_NO_TLSv1_1, SSL_OP_NO_TLSv1_2,
                                       SSL_OP_NO_TLSv1_3};
    unsigned wanted = is_set(names) ? 0 : 1u << 2 | 1u << 3;
    for (const char *at = is_set(names) ? names : ""; *at;) {
        size_t len = strcspn(at, " ");
        size_t i = 0;
        while (i < 4 && !slice_is_word((struct slice){at, len}, known[i].name))
            i++;
        if (len > 0 && i == 4)
            return fail(building, "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', "
                                  "'TLSv1.2' and 'TLSv1.3'.");
        if (len > 0) wanted |= 1u << i;
        at += len + (at[len] == ' ');
    }
    for (unsigned i = 0; i < 4; i++)
        if (!(wanted & 1u << i)) SSL_CTX_set_options(building->ctx, without[i]);
    return SSL_CTX_set_min_proto_version(building->ctx, TLS1_VERSION) == 1;
}

static bool use_certificate(const struct building *building, const char *cert_file, const char *key_file,
                            const char *passphrase)
{
    char text[256];
    SSL_CTX_set_default_passwd_cb(building->ctx, give_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(building->ctx, (void *)passphrase);
    bool done = true;
    if (SSL_CTX_use_certificate_chain_file(building->ctx, cert_file) <= 0)
        done = fail(building, "Failed to load certificate: %s: %s", cert_file, last_error(text));
    else if (SSL_CTX_use_PrivateKey_file(building->ctx, key_file, SSL_FILETYPE_PEM) <= 0 ||
             SSL_CTX_check_private_key(building->ctx) <= 0)
        done = fail(building, "Failed to load private key: %s: %s", key_file, last_error(text));
    SSL_CTX_set_default_passwd_cb_userdata(building->ctx, NULL); /* the passphrase is the caller's */
    return done;
}

static bool use_authorities(const struct building *building, const struct client_tls_options *options)
{
    char text[256];
    const char *file = is_set(options->ca_cert_file) ? options->ca_cert_file : NULL;
    const char *dir = is_set(options->ca_cert_dir) ? options->ca_cert_dir : NULL;
    if (!file && !dir) return true;
    if (SSL_CTX_load_verify_locations(building->ctx, file, dir) > 0) return true;
    return fail(building, "Failed to configure CA certificate(s) file/directory: %s", last_error(text));
}

static bool use_ciphers(const struct building *building, const struct client_tls_options *options)
{
    if (is_set(options->ciphers) && !SSL_CTX_set_cipher_list(building->ctx, options->ciphers))
        return fail(building, "Failed to configure ciphers: %s", options->ciphers);
    if (is_set(options->ciphersuites) && !SSL_CTX_set_ciphersuites(building->ctx, options->ciphersuites))
        return fail(building, "Failed to configure ciphersuites: %s", options->ciphersuites);
    return true;
}

static bool use_dh_params(const struct building *building, const char *path)
{
    char text[256];
    if (!is_set(path)) return true;
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *params = file ? PEM_read_bio_Parameters(file, NULL) : NULL;
    bool done = params && SSL_CTX_set0_tmp_dh_pkey(building->ctx, params) > 0;
    if (!done) {
        EVP_PKEY_free(params);
        fail(building, "Failed to load DH params file: %s: %s", path, last_error(text));
    }
    BIO_free(file);
    return done;
}

static void use_sessions(const struct building *building, const struct client_tls_options *options)
{
    if (!options->session_caching) {
        SSL_CTX_set_session_cache_mode(building->ctx, SSL_SESS_CACHE_OFF);
        return;
    }
    SSL_CTX_set_session_cache_mode(building->ctx, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(building->ctx, options->session_cache_size);
    SSL_CTX_set_timeout(building->ctx, options->session_cache_timeout_s);
    SSL_CTX_set_session_id_context(building->ctx, (const unsigned char *)SESSION_CONTEXT,
                                   strlen(SESSION_CONTEXT));
}

static int verify_mode(enum client_tls_auth auth)
{
    switch (auth) {
    case CLIENT_TLS_AUTH_NO: return SSL_VERIFY_NONE;
    case CLIENT_TLS_AUTH_OPTIONAL: return SSL_VERIFY_PEER;
    case CLIENT_TLS_AUTH_YES: break;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/* ---- the whole ---- */

static bool build(const struct building *building, const struct client_tls_options *options)
{
    SSL_CTX_set_mode(building->ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle connection costs no buffers */
    SSL_CTX_set_options(building->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    if (options->prefer_server_ciphers) SSL_CTX_set_options(building->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_verify(building->ctx, verify_mode(options->auth), NULL);
    use_sessions(building, options);
    return use_protocols(building, options->protocols) &&
           use_certificate(building, options->cert_file, options->key_file, options->key_file_pass) &&
           use_authorities(building, options) && use_ciphers(building, options) &&
           use_dh_params(building, options->dh_params_file);
}

static bool is_complete(const struct building *building, const struct client_tls_options *options)
{
    if (!is_set(options->cert_file)) return fail(building, "No tls-cert-file configured!");
    if (!is_set(options->key_file)) return fail(building, "No tls-key-file configured!");
    if (options->auth != CLIENT_TLS_AUTH_NO && !is_set(options->ca_cert_file) &&
        !is_set(options->ca_cert_dir))
        return fail(building,
                    "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, "
                    "tls-replication or tls-auth-clients are enabled!");
    return true;
}

/* The certificate for connections that we open: none are yet, but a wrong one is told at once. */
static bool check_client_certificate(struct building building, const struct client_tls_options *options)
{
    if (!is_set(options->client_cert_file)) return true;
    if (!is_set(options->client_key_file)) return fail(&building, "No tls-client-key-file configured!");
    building.ctx = SSL_CTX_new(TLS_method());
    bool done = building.ctx && use_certificate(&building, options->client_cert_file,
                                                options->client_key_file, options->client_key_file_pass);
    SSL_CTX_free(building.ctx);
    return done;
}

SSL_CTX *client_tls_context_new(const struct client_tls_options *options, char *error, size_t error_cap)
{
    struct building building = {NULL, error, error_cap};
    snprintf(error, error_cap, "Failed to create a TLS context: no memory");
    ERR_clear_error();
    if (!is_complete(&building, options) || !check_client_certificate(building, options)) return NULL;
    building.ctx = SSL_CTX_new(TLS_server_method());
    if (building.ctx && build(&building, options)) return building.ctx;
    SSL_CTX_free(building.ctx);
    return NULL;
}
