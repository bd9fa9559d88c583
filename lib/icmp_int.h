#ifndef LW4O6_ICMP_INT_H
#define LW4O6_ICMP_INT_H

#include <lw4o6/icmp.h>

/*
 * D-114 for a whole IPv6 packet: as lw4o6_icmp6_may_answer(), with the upper layer found behind all extension
 * headers, those that an error is about included.
 * end: octets of the packet, at least 40
 */
bool icmp6_may_answer_packet(const uint8_t *pkt, size_t end, uint8_t type, uint8_t code);

#endif
