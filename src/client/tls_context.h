/* tls_context.h: what new TLS connections begin with: certificates, ciphers, who must show a certificate. Private to client/. */
#ifndef CAIRN_CLIENT_TLS_CONTEXT_H
#define CAIRN_CLIENT_TLS_CONTEXT_H

#include "client/pool.h"

#include <openssl/types.h>

/* NULL with a line for the log in `error`. Freed with SSL_CTX_free; connections hold it as long as they need it. */
SSL_CTX *client_tls_context_new(const struct client_tls_options *options, char *error, size_t error_cap);

#endif
