/* The softwire's outer header: write it, take it off, and what the two ends must carry across it. */
#ifndef LW4O6_TUNNEL_H
#define LW4O6_TUNNEL_H

#include <lw4o6/counter.h>
#include <lw4o6/ip.h>
#include <lw4o6/pkt.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LW4O6_TUNNEL_HOP_LIMIT = 64, /**< default, D-207 */
	LW4O6_TUNNEL_LIMIT_HLEN = 8, /**< Destination Options header with the Tunnel Encapsulation Limit, D-079 */
	LW4O6_EXT_HEADERS_MAX = 8,   /**< D-055 */
	LW4O6_EXT_OCTETS_MAX = 256,
};

/* ---- reading ---- */

/** The fixed IPv6 header; integers in host order. */
struct lw4o6_ip6 {
	struct in6_addr src, dst;
	size_t end;        /**< 40 + payload length, <= octets present; what lies behind is padding (D-040) */
	uint32_t flow;     /**< 20 bits */
	uint8_t tclass, next, hop_limit;
};

enum lw4o6_ip6_error {
	LW4O6_IP6_OK = 0,
	LW4O6_IP6_NOT_IPV6,  /**< version */
	LW4O6_IP6_TRUNCATED, /**< fewer octets than a header or than the payload length says, or a jumbogram */
};

/** Check and read an IPv6 header, D-040. On error *h is undefined. */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_ip6_error lw4o6_ip6_decode(struct lw4o6_ip6 *h, const uint8_t *pkt, size_t len);

/** How a walk over the extension headers ended. */
enum lw4o6_chain_end {
	LW4O6_CHAIN_UPPER,    /**< at @c off stands what @c next says: 4, 58 */
	LW4O6_CHAIN_FRAGMENT, /**< at @c off stands the Fragment header of a real fragment (not an atomic one) */
	LW4O6_CHAIN_DROP,     /**< malformed, too long or an option wants it: drop-v6-ext-header, silent */
	LW4O6_CHAIN_PARAM,    /**< drop-v6-ext-header, and ICMPv6 4/@c code with @c pointer is due */
	LW4O6_CHAIN_UNKNOWN,  /**< drop-v6-unknown-next-header, and 4/1 with @c pointer is due */
	LW4O6_CHAIN_NONE,     /**< next header 59: drop-v6-unknown-next-header, silent */
};

struct lw4o6_chain {
	uint8_t next;      /**< next header value that names what stands at off */
	uint8_t code;      /**< of the ICMPv6 parameter problem */
	uint8_t atomic;    /**< atomic Fragment headers that were skipped (D-154) */
	size_t off;        /**< octets from the start of the packet */
	size_t next_at;    /**< where the octet stands that holds @c next */
	size_t pointer;    /**< of the ICMPv6 parameter problem */
};

/**
 * Walk the extension headers left to right, D-051 to D-055.
 * @param end  h->end: octets of the packet
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_chain_end lw4o6_chain_walk(struct lw4o6_chain *c, const uint8_t *pkt, size_t end);

/* ---- writing ---- */

/** What an outer header is made of. */
struct lw4o6_encap {
	struct in6_addr src, dst;
	uint32_t flow;     /**< 20 bits, D-219 */
	uint8_t tclass;    /**< see lw4o6_tc_encap() */
	uint8_t hop_limit;
	int16_t limit;     /**< 0..255: add a Tunnel Encapsulation Limit option (D-079); < 0: none */
};

/** @return octets of the tunnel header: 40, or 48 with the limit option. */
static inline size_t lw4o6_encap_hlen(const struct lw4o6_encap *e)
{
	return LW4O6_IP6_HLEN + (e->limit >= 0 ? (size_t)LW4O6_TUNNEL_LIMIT_HLEN : 0);
}

/** Write an IPv6 header of 40 octets. */
LW4O6_API void lw4o6_ip6_write(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to,
                               size_t payload_len, uint8_t next, uint8_t tclass, uint32_t flow, uint8_t hop_limit);
/** Write the lw4o6_encap_hlen() octets that go in front of an IPv4 packet of @p inner_len octets. */
LW4O6_API void lw4o6_encap_write(uint8_t *dst, const struct lw4o6_encap *e, size_t inner_len);
/**
 * Encapsulate in place: data, len and headroom of @p p change.
 * @return false, with nothing done: not enough headroom; lw4o6_encap_write() into a copy then (D-042).
 */
LW4O6_API LW4O6_MUSTCHECK
bool lw4o6_encap(struct lw4o6_pkt *p, const struct lw4o6_encap *e);
/** Take @p off octets from the front and cut behind @p inner_len: the inner packet, in place. */
static inline void lw4o6_decap(struct lw4o6_pkt *p, size_t off, size_t inner_len)
{
	p->data += off;
	p->headroom += off;
	p->tailroom += p->len - off - inner_len;
	p->len = inner_len;
}

/* ---- inner header ---- */

/** TTL - 1 and the header checksum, RFC 1624. The TTL must not be 0. */
LW4O6_API void lw4o6_ip4_dec_ttl(uint8_t *pkt);
/** Another TOS octet and the header checksum. */
LW4O6_API void lw4o6_ip4_set_tos(uint8_t *pkt, uint8_t tos);

/** DSCP and ECN policy, fixed per instance; zero is the default of each. */
struct lw4o6_tc_config {
	bool dscp_set;       /**< encapsulation: outer DSCP is @c dscp instead of the inner one (D-210) */
	uint8_t dscp;        /**< 0..63 */
	bool dscp_pipe;      /**< decapsulation: the inner DSCP stays (D-211) */
	bool ecn_compat;     /**< encapsulation: outer ECN 00 (D-214) */
	const uint8_t *remap; /**< 64 values applied to the DSCP after decapsulation, or NULL (D-212) */
};
/** Traffic class for the outer header, D-210, D-213, D-214. */
LW4O6_API uint8_t lw4o6_tc_encap(const struct lw4o6_tc_config *cfg, uint8_t inner_tos);
/**
 * TOS of the packet that comes out of the tunnel, D-211, D-215 (RFC 6040 section 4.2).
 * @param anomaly  set to the counter of an anomalous pair (D-217), else to LW4O6_CNT_COUNT
 * @return 0..255, or -1: drop, inner Not-ECT and outer CE (D-216).
 */
LW4O6_API int lw4o6_tc_decap(const struct lw4o6_tc_config *cfg, uint8_t inner_tos, uint8_t outer_tc,
                             enum lw4o6_counter *anomaly);

/**
 * A flow label from the inner addresses, protocol and, unless it is a fragment, ports: 1..0xfffff, constant
 * for a flow (D-219).
 * @param pkt  an IPv4 packet that @p h was decoded from
 */
LW4O6_API uint32_t lw4o6_flow_label(const uint64_t key[2], const uint8_t *pkt, const struct lw4o6_ip4 *h);

/**
 * Lower the MSS option of a TCP segment with SYN to @p mss; never raised, added or set below 536 (D-199 to D-202).
 * @param pkt  an IPv4 packet that @p h was decoded from; other protocols and later fragments are left alone
 * @return true: changed, checksum included.
 */
LW4O6_API bool lw4o6_mss_clamp(uint8_t *pkt, const struct lw4o6_ip4 *h, uint16_t mss);

#ifdef __cplusplus
}
#endif
#endif
