/* ICMP errors: read what they quote, decide whether one may be sent, and build it (RFC 792, 1812, 4443, 2473). */
#ifndef LW4O6_ICMP_H
#define LW4O6_ICMP_H

#include <lw4o6/ip.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LW4O6_ICMP4_ECHO_REPLY = 0,
	LW4O6_ICMP4_UNREACHABLE = 3,
	LW4O6_ICMP4_SOURCE_QUENCH = 4,
	LW4O6_ICMP4_REDIRECT = 5,
	LW4O6_ICMP4_ECHO = 8,
	LW4O6_ICMP4_TIME_EXCEEDED = 11,
	LW4O6_ICMP4_PARAMETER = 12,
	LW4O6_ICMP4_TIMESTAMP = 13,
	LW4O6_ICMP4_TIMESTAMP_REPLY = 14,

	LW4O6_ICMP4_HOST = 1,    /* codes of type 3 */
	LW4O6_ICMP4_PORT = 3,
	LW4O6_ICMP4_FRAG_NEEDED = 4,
	LW4O6_ICMP4_PROHIBITED = 13,

	LW4O6_ICMP6_UNREACHABLE = 1,
	LW4O6_ICMP6_TOO_BIG = 2,
	LW4O6_ICMP6_TIME_EXCEEDED = 3,
	LW4O6_ICMP6_PARAMETER = 4,
	LW4O6_ICMP6_ECHO = 128,
	LW4O6_ICMP6_ECHO_REPLY = 129,
	LW4O6_ICMP6_REDIRECT = 137,

	LW4O6_ICMP6_POLICY = 5, /* code of type 1: source address failed ingress/egress policy */

	LW4O6_ICMP_HLEN = 8,
	LW4O6_ICMP4_ERROR_MAX = 576,  /**< largest ICMPv4 error we send, IP header included (D-115) */
	LW4O6_ICMP6_ERROR_MAX = 1280, /**< the same for ICMPv6 (D-116) */
};

/* ---- ports ---- */

/** What can be said about the ports of an IPv4 packet (D-057, D-234, D-237). */
enum lw4o6_port_kind {
	LW4O6_PORT_OK,        /**< TCP and the like: both ports; ICMP query: the identifier in both */
	LW4O6_PORT_NONE,      /**< a later fragment, or a protocol without ports */
	LW4O6_PORT_ERROR,     /**< an ICMP error of a type that is forwarded (3, 11, 12): ask its quote */
	LW4O6_PORT_ICMP_TYPE, /**< another ICMP type */
	LW4O6_PORT_SHORT,     /**< too few octets behind the IPv4 header */
};
struct lw4o6_ports {
	uint16_t src, dst; /**< host order */
};
/**
 * Ports of a packet or of the quote of one.
 * @param have  octets present, >= h->hlen; for a packet h->total, for a quote what is quoted
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_port_kind lw4o6_ip4_ports(struct lw4o6_ports *ports, const uint8_t *pkt, const struct lw4o6_ip4 *h,
                                     size_t have);

/* ---- reading ---- */

/** Types 3, 4, 5, 11, 12 and all unknown ones (D-113). */
LW4O6_API bool lw4o6_icmp4_is_error(uint8_t type);
/** ICMP checksum of an unfragmented packet, h->total - h->hlen octets (D-096). */
LW4O6_API bool lw4o6_icmp4_checksum_ok(const uint8_t *pkt, const struct lw4o6_ip4 *h);

/** An IPv4 packet quoted in an error message. */
struct lw4o6_quote4 {
	struct lw4o6_ip4 ip;
	const uint8_t *p;         /**< in the message */
	size_t len;               /**< octets quoted, at most ip.total */
	struct lw4o6_ports ports; /**< with LW4O6_QUOTE_OK */
};
enum lw4o6_quote_result {
	LW4O6_QUOTE_OK,
	LW4O6_QUOTE_NO_PORT,   /**< ip is good; later fragment, protocol without ports, ICMP but a query (D-102 to D-104) */
	LW4O6_QUOTE_SHORT,     /**< header or ports not quoted (D-101) */
	LW4O6_QUOTE_BAD,       /**< header malformed or its checksum wrong (D-100) */
};
/** Read a quoted IPv4 packet of which @p len octets are there. */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_quote_result lw4o6_quote4_decode(struct lw4o6_quote4 *q, const uint8_t *p, size_t len);
/** The quote of the ICMPv4 error @p pkt, which has h->total octets. */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_quote_result lw4o6_icmp4_quote(struct lw4o6_quote4 *q, const uint8_t *pkt, const struct lw4o6_ip4 *h);

/** An ICMPv6 error about a tunnel packet (D-133 to D-138). */
struct lw4o6_icmp6_error {
	uint8_t type, code;
	uint32_t param;                /**< MTU or pointer */
	struct in6_addr src, dst;      /**< ends of the quoted tunnel packet */
	bool in_limit;                 /**< type 4: the pointer is in a Tunnel Encapsulation Limit option */
	enum lw4o6_quote_result inner; /**< what @c quote is; SHORT also for a later IPv6 fragment */
	struct lw4o6_quote4 quote;
};
enum lw4o6_icmp6_result {
	LW4O6_ICMP6_OK,
	LW4O6_ICMP6_BAD_CHECKSUM,
	LW4O6_ICMP6_SHORT,    /**< less than 8 octets, or an error with less than 8 + 40 */
	LW4O6_ICMP6_MISMATCH, /**< the quote is no IPv6 packet with next header chain to 4 */
};
/** Checksum of an ICMPv6 message (RFC 4443 section 2.3). */
LW4O6_API bool lw4o6_icmp6_checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *msg,
                                       size_t len);
/**
 * Read an ICMPv6 error, checksum included.
 * @param src,dst of the IPv6 packet that carried it
 * @param msg     the ICMPv6 message, from its type octet
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_icmp6_result lw4o6_icmp6_error_decode(struct lw4o6_icmp6_error *e, const struct in6_addr *src,
                                                 const struct in6_addr *dst, const uint8_t *msg, size_t len);

/* ---- sending ---- */

/**
 * May an ICMPv4 error be sent about this packet (D-112, D-113; RFC 1812 section 4.3.2.7)?
 * @param have  octets of @p pkt present: h->total, or less for a quote
 */
LW4O6_API bool lw4o6_icmp4_may_answer(const uint8_t *pkt, const struct lw4o6_ip4 *h, size_t have);
/**
 * May an ICMPv6 error be sent about a packet (D-114; RFC 4443 section 2.4(e))?
 * @param next,upper,upper_len  its upper layer as far as known: for 58 the message
 * @param type,code  of the error
 */
LW4O6_API bool lw4o6_icmp6_may_answer(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next,
                                      const uint8_t *upper, size_t upper_len, uint8_t type, uint8_t code);

/** An ICMPv4 error to build. */
struct lw4o6_icmp4_msg {
	struct in_addr src, dst;
	uint8_t type, code;
	uint16_t mtu; /**< for 3/4, else 0 */
	uint8_t tos;  /**< ECN bits 0 (D-122) */
	uint8_t ttl;  /**< D-121 */
};
/**
 * Write an ICMPv4 error that quotes as much of @p offender as fits in 576 octets (D-115, D-123, D-124).
 * @param dst  LW4O6_ICMP4_ERROR_MAX octets; may not overlap the offender
 * @return octets written.
 */
LW4O6_API size_t lw4o6_icmp4_build(uint8_t *dst, const struct lw4o6_icmp4_msg *m, const uint8_t *offender, size_t len);
/**
 * Write an ICMPv6 error with IPv6 header that quotes as much of @p offender as fits in 1280 octets (D-116, D-132).
 * @param dst    LW4O6_ICMP6_ERROR_MAX octets; may not overlap the offender
 * @param param  the second word: pointer, MTU or 0
 * @return octets written.
 */
LW4O6_API size_t lw4o6_icmp6_build(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to, uint8_t type,
                                   uint8_t code, uint32_t param, uint8_t hop_limit, const uint8_t *offender,
                                   size_t len);
/** Turn an unfragmented ICMPv4 echo request of h->total octets into its reply, in place: ends swapped, TTL @p ttl. */
LW4O6_API void lw4o6_icmp4_echo_reply(uint8_t *pkt, const struct lw4o6_ip4 *h, uint8_t ttl);
/** Write the reply to an ICMPv6 echo request: 40 + @p len octets at @p dst. */
LW4O6_API size_t lw4o6_icmp6_echo_reply(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to,
                                        uint8_t hop_limit, const uint8_t *msg, size_t len);

#ifdef __cplusplus
}
#endif
#endif
