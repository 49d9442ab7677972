/* address.c: socket addresses as CLIENT LIST shows them (address.h). */
#include "client/address.h"

#include <arpa/inet.h>
#include <stdio.h>

void client_address_text(const union client_address *address, char text[CLIENT_ADDRESS_BYTES])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    switch (address->any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->v4.sin_addr, ip, sizeof ip);
        snprintf(text, CLIENT_ADDRESS_BYTES, "%s:%d", ip, ntohs(address->v4.sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->v6.sin6_addr, ip, sizeof ip);
        snprintf(text, CLIENT_ADDRESS_BYTES, "[%s]:%d", ip, ntohs(address->v6.sin6_port));
        break;
    case AF_UNIX: snprintf(text, CLIENT_ADDRESS_BYTES, "%s:0", address->local.sun_path); break;
    default: snprintf(text, CLIENT_ADDRESS_BYTES, "?:0");
    }
}

bool client_address_is_loopback(const union client_address *address)
{
    if (address->any.sa_family == AF_INET) return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    if (address->any.sa_family != AF_INET6) return true;
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}
