/* address.h: socket addresses and their text. Private to client/. */
#ifndef CAIRN_CLIENT_ADDRESS_H
#define CAIRN_CLIENT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CLIENT_ADDRESS_BYTES 128 /* of the text: a unix path is the longest */

union client_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

/* "127.0.0.1:6379", "[::1]:6379", "/path:0"; "?:0" for others. */
void client_address_text(const union client_address *address, char text[CLIENT_ADDRESS_BYTES]);
/* Of this machine: unix sockets, too. */
bool client_address_is_loopback(const union client_address *address);

#endif
