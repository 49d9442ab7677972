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
        .backlog = (int)config_int(app->config, "tcp-backlog"),
        .unix_path = *unix_path ? unix_path : NULL,
        .unix_mode = (unsigned)config_int(app->config, "unixsocketperm"),
    };
    char error[ERROR_BYTES] = "";
    if (open(app->pool, &listen, error, sizeof error)) return true;
    log_line(&app->log, LOG_WARNING, "%s", error);
    return false;
}

bool listen_open(struct app *app)
{
    if (listen_by(app, client_pool_listen)) return true;
    log_line(&app->log, LOG_WARNING, "Failed listening on port %d (tcp), aborting.",
             (int)config_int(app->config, "port"));
    return false;
}

bool listen_again(struct app *app)
{
    return listen_by(app, client_pool_relisten);
}
