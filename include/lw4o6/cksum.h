/* Internet checksums: RFC 1071 sums, RFC 1624 incremental update. */
#ifndef LW4O6_CKSUM_H
#define LW4O6_CKSUM_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A sum is a 32-bit accumulator of 16-bit words in network order; fold it to get the
 * 16 bits that, complemented, stand in a header. Checksum fields are host-order values
 * of the two octets on the wire.
 */

/** Add @p len octets to @p sum; an odd last octet counts as the high half of a word. */
LW4O6_API uint32_t lw4o6_cksum_add(uint32_t sum, const void *data, size_t len);
/** Fold to 16 bits and complement: the value for the header. */
LW4O6_API uint16_t lw4o6_cksum_finish(uint32_t sum);
/** Sum of an IPv6 pseudo-header, RFC 8200 section 8.1. */
LW4O6_API uint32_t lw4o6_cksum_pseudo6(const struct in6_addr *src, const struct in6_addr *dst,
                                       uint32_t upper_len, uint8_t next_header);
/** Sum of an IPv4 pseudo-header. */
LW4O6_API uint32_t lw4o6_cksum_pseudo4(struct in_addr src, struct in_addr dst, uint16_t upper_len,
                                       uint8_t protocol);

/** RFC 1624 equation 3 for one 16-bit word at an even offset (D-209, D-243). */
static inline uint16_t lw4o6_cksum_update16(uint16_t check, uint16_t from, uint16_t to)
{
	uint32_t sum = (uint32_t)(uint16_t)~check + (uint16_t)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/** The same for an aligned 32-bit word. */
static inline uint16_t lw4o6_cksum_update32(uint16_t check, uint32_t from, uint32_t to)
{
	check = lw4o6_cksum_update16(check, (uint16_t)(from >> 16), (uint16_t)(to >> 16));
	return lw4o6_cksum_update16(check, (uint16_t)from, (uint16_t)to);
}

/** The same for a 16-bit value that starts at an odd offset (D-201, D-247). */
static inline uint16_t lw4o6_cksum_update16_odd(uint16_t check, uint16_t from, uint16_t to)
{
	return lw4o6_cksum_update16(check, (uint16_t)(from << 8 | from >> 8), (uint16_t)(to << 8 | to >> 8));
}

#ifdef __cplusplus
}
#endif
#endif
