/* Views of IPv4 and IPv6 headers, address classes, and where a packet's port stands. */
#ifndef LW4O6_IP_H
#define LW4O6_IP_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LW4O6_IP4_HLEN = 20,  /**< IPv4 header without options */
	LW4O6_IP6_HLEN = 40,  /**< IPv6 header */
	LW4O6_FRAG6_HLEN = 8, /**< IPv6 Fragment header */
	LW4O6_IP6_MTU_MIN = 1280,
};

/** IP protocol and IPv6 next header numbers that the data path knows. */
enum lw4o6_ipproto {
	LW4O6_IPPROTO_HOPOPTS = 0,
	LW4O6_IPPROTO_ICMP = 1,
	LW4O6_IPPROTO_IPIP = 4,
	LW4O6_IPPROTO_TCP = 6,
	LW4O6_IPPROTO_UDP = 17,
	LW4O6_IPPROTO_DCCP = 33,
	LW4O6_IPPROTO_ROUTING = 43,
	LW4O6_IPPROTO_FRAGMENT = 44,
	LW4O6_IPPROTO_ICMPV6 = 58,
	LW4O6_IPPROTO_NONE = 59,
	LW4O6_IPPROTO_DSTOPTS = 60,
	LW4O6_IPPROTO_SCTP = 132,
	LW4O6_IPPROTO_UDPLITE = 136,
};

/** A parsed IPv4 header; integers in host order. */
struct lw4o6_ip4 {
	struct in_addr src, dst;
	uint16_t total;    /**< total length, <= octets present */
	uint16_t id;
	uint16_t frag_off; /**< octets: a multiple of 8 */
	uint8_t hlen;      /**< octets, options included */
	uint8_t tos, ttl, protocol;
	bool df, mf;
};

/** Why lw4o6_ip4_decode() refuses; in the order of D-038. */
enum lw4o6_ip4_error {
	LW4O6_IP4_OK = 0,
	LW4O6_IP4_NOT_IPV4,   /**< version */
	LW4O6_IP4_TRUNCATED,  /**< fewer octets than a header or than total length says */
	LW4O6_IP4_MALFORMED,  /**< IHL < 5, or total length < header length */
	LW4O6_IP4_CHECKSUM,   /**< header checksum */
};

/**
 * Check and read an IPv4 header, D-038 (RFC 1812 section 5.2.2). No way to skip a check.
 * @return LW4O6_IP4_OK with *h filled, else why not, *h undefined.
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_ip4_error lw4o6_ip4_decode(struct lw4o6_ip4 *h, const uint8_t *pkt, size_t len);

/**
 * The same for a header quoted in an ICMP error (D-100): total length may exceed what is there.
 * h->total keeps the quoted value, which may exceed @p len.
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_ip4_error lw4o6_ip4_decode_quoted(struct lw4o6_ip4 *h, const uint8_t *pkt, size_t len);

/** First fragment or whole: has offset 0. Whole: has offset 0 and MF clear. */
static inline bool lw4o6_ip4_is_fragment(const struct lw4o6_ip4 *h)
{
	return h->mf || h->frag_off != 0;
}

/** Is @p protocol one whose first four octets are source and destination port (D-234)? */
static inline bool lw4o6_ip_has_ports(uint8_t protocol)
{
	return protocol == LW4O6_IPPROTO_TCP || protocol == LW4O6_IPPROTO_UDP ||
	       protocol == LW4O6_IPPROTO_DCCP || protocol == LW4O6_IPPROTO_SCTP ||
	       protocol == LW4O6_IPPROTO_UDPLITE;
}

/** 0/8, 127/8, 224/4 and 240/4: never a host on the Internet (D-023, D-065, D-081). */
LW4O6_API bool lw4o6_ip4_is_martian(struct in_addr a);
/** Global-scope unicast: not ::, ::1, multicast, link-local, IPv4-mapped or IPv4-compatible (C-066, D-023). */
LW4O6_API bool lw4o6_ip6_is_usable(const struct in6_addr *a);
static inline bool lw4o6_ip6_equal(const struct in6_addr *x, const struct in6_addr *y)
{
	return __builtin_memcmp(x, y, 16) == 0;
}
/** Do the first @p bits (0..128) agree? */
LW4O6_API bool lw4o6_ip6_prefix_match(const struct in6_addr *x, const struct in6_addr *y, unsigned bits);
/** @return 0..128: how many leading bits agree. */
LW4O6_API unsigned lw4o6_ip6_common_bits(const struct in6_addr *x, const struct in6_addr *y);

#ifdef __cplusplus
}
#endif
#endif
