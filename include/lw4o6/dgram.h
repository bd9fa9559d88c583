/* A UDP payload as the DHCP machines (server.h, client.h) take and give it. */
#ifndef LW4O6_DGRAM_H
#define LW4O6_DGRAM_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One UDP payload; @c data is the caller's and borrowed for the call. Ports are in network order, as in the sockets API. */
struct lw4o6_dgram {
	struct sockaddr_in6 from, to; /**< out: from ::, the host chooses, a link-local address for a link-local peer */
	uint8_t *data;
	size_t len, room; /**< octets used; capacity, for output */
	unsigned ifindex; /**< the interface it came in by, or has to leave by; 0: by route */
};

#ifdef __cplusplus
}
#endif
#endif
