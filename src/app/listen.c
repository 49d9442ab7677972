/* listen.c: the sockets that the options ask for (listen.h). */
#include "app/listen.h"

#define LISTEN_ADDRESSES_MAX 16
#define ERROR_BYTES          512

typedef bool open_sockets(struct client_pool *pool, const struct client_listen *listen, char *error,
                          size_t error_cap);

static size_t split_addresses(const char *text, struct slice *addresses)
{
    size_t count = 0;
    while (*text && count < LISTEN_ADDRESSES_MAX) {
        size_t len = strcspn(text, " ");
        if (len > 0) addresses[count++] = (struct slice){text, len};
        text += len + (text[len] == ' ');
    }
    return count;
}

static bool listen_by(struct app *app, open_sockets *open)
{
    struct slice addresses[LISTEN_ADDRESSES_MAX];
    const char *unix_path = config_text(app->config, "unixsocket");
    const struct client_listen listen = {
        .addresses = addresses,
        .address_count = split_addresses(config_text(app->config, "bind"), addresses),
        .port = (int)config_int(app->config, "port"),
        .tls_port = (int)config_int(app->config, "tls-port"),
        .backlog = (int)config_int(app->config, "tcp-backlog"),
        .unix_path = *unix_path ? unix_path : NULL,
        .unix_mode = (unsigned)config_int(app->config, "unixsocketperm"),
    };
    char error[ERROR_BYTES] = "";
    if (open(app->pool, &listen, error, sizeof error)) return true;
    log_line(&app->log, LOG_WARNING, "%s", error);
    return false;
}

int listen_port(const struct app *app)
{
    int port = (int)config_int(app->config, "port");
    return port ? port : (int)config_int(app->config, "tls-port");
}

bool listen_use_tls(struct app *app)
{
    const struct config *config = app->config;
    const struct client_tls_options options = {
        .cert_file = config_text(config, "tls-cert-file"),
        .key_file = config_text(config, "tls-key-file"),
        .key_file_pass = config_text(config, "tls-key-file-pass"),
        .client_cert_file = config_text(config, "tls-client-cert-file"),
        .client_key_file = config_text(config, "tls-client-key-file"),
        .client_key_file_pass = config_text(config, "tls-client-key-file-pass"),
        .ca_cert_file = config_text(config, "tls-ca-cert-file"),
        .ca_cert_dir = config_text(config, "tls-ca-cert-dir"),
        .dh_params_file = config_text(config, "tls-dh-params-file"),
        .protocols = config_text(config, "tls-protocols"),
        .ciphers = config_text(config, "tls-ciphers"),
        .ciphersuites = config_text(config, "tls-ciphersuites"),
        .auth = (enum client_tls_auth)config_choice(config, "tls-auth-clients"),
        .prefer_server_ciphers = config_bool(config, "tls-prefer-server-ciphers"),
        .session_caching = config_bool(config, "tls-session-caching"),
        .session_cache_size = (long)config_int(config, "tls-session-cache-size"),
        .session_cache_timeout_s = (long)config_int(config, "tls-session-cache-timeout"),
    };
    char error[ERROR_BYTES];
    if (client_pool_use_tls(app->pool, &options, error, sizeof error)) return true;
    log_line(&app->log, LOG_WARNING, "%s", error);
    return false;
}

bool listen_open(struct app *app)
{
    bool tls = config_int(app->config, "tls-port") > 0;
    if (tls && !listen_use_tls(app)) {
        log_line(&app->log, LOG_WARNING, "Failed to configure TLS. Check logs for more info.");
        return false;
    }
    if (listen_by(app, client_pool_listen)) return true;
    log_line(&app->log, LOG_WARNING, "Failed listening on port %d (%s), aborting.", listen_port(app),
             config_int(app->config, "port") > 0 ? "tcp" : "tls");
    return false;
}

bool listen_again(struct app *app)
{
    return listen_by(app, client_pool_relisten);
}
