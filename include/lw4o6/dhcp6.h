/* DHCPv6 messages, RFC 8415 sections 8 and 9; types 20 and 21 of RFC 7341. */
#ifndef LW4O6_DHCP6_H
#define LW4O6_DHCP6_H

#include <lw4o6/opt.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lw4o6_dhcp6_type {
	LW4O6_DHCP6_SOLICIT = 1,
	LW4O6_DHCP6_ADVERTISE = 2,
	LW4O6_DHCP6_REQUEST = 3,
	LW4O6_DHCP6_CONFIRM = 4,
	LW4O6_DHCP6_RENEW = 5,
	LW4O6_DHCP6_REBIND = 6,
	LW4O6_DHCP6_REPLY = 7,
	LW4O6_DHCP6_RELEASE = 8,
	LW4O6_DHCP6_DECLINE = 9,
	LW4O6_DHCP6_RECONFIGURE = 10,
	LW4O6_DHCP6_INFORMATION_REQUEST = 11,
	LW4O6_DHCP6_RELAY_FORW = 12,
	LW4O6_DHCP6_RELAY_REPL = 13,
	LW4O6_DHCP6_DHCPV4_QUERY = 20,
	LW4O6_DHCP6_DHCPV4_RESPONSE = 21,
};

/** Status codes, option 13. */
enum lw4o6_dhcp6_status {
	LW4O6_DHCP6_SUCCESS = 0,
	LW4O6_DHCP6_UNSPEC_FAIL = 1,
	LW4O6_DHCP6_NO_ADDRS_AVAIL = 2,
	LW4O6_DHCP6_NO_BINDING = 3,
	LW4O6_DHCP6_NOT_ON_LINK = 4,
	LW4O6_DHCP6_USE_MULTICAST = 5,
	LW4O6_DHCP6_NO_PREFIX_AVAIL = 6,
};

enum {
	LW4O6_DHCP6_CLIENT_PORT = 546,
	LW4O6_DHCP6_SERVER_PORT = 547,
	LW4O6_DHCP6_HLEN = 4,        /**< client/server message header */
	LW4O6_DHCP6_RELAY_HLEN = 34, /**< relay message header */
	LW4O6_DHCP6_MAX_RELAYS = 32, /**< C-034 */
	LW4O6_DUID_MIN = 3,
	LW4O6_DUID_MAX = 130,
};
/** U flag of DHCPV4-QUERY: the most significant of 24 bits (RFC 7341 section 6.3). */
#define LW4O6_DHCP6_FLAG_U 0x800000u

/** A decoded client/server message. Every span borrows from the message; p is NULL when absent. */
struct lw4o6_dhcp6_msg {
	uint8_t type;            /**< enum lw4o6_dhcp6_type */
	uint32_t xid;            /**< 24 bits: transaction-id; for types 20 and 21 the flags (C-002) */
	struct lw4o6_span options;   /**< the whole option field, framing checked: walk it with lw4o6_opt6_walk() */
	struct lw4o6_span client_id; /**< option 1: a DUID of 3..130 octets */
	struct lw4o6_span server_id; /**< option 2 */
	struct lw4o6_span oro;       /**< option 6: even length, else absent (C-015) */
	struct lw4o6_span dhcpv4;    /**< option 87; present in types 20 and 21 */
	unsigned repeated;           /**< how many repeats of singletons were ignored (C-007) */
};

/**
 * Decode a message other than a relay message.
 * @return LW4O6_OK; LW4O6_ETRUNC: C-002, C-004; LW4O6_EMALF: a forbidden repeat (C-007), a DUID of
 *         wrong length (C-027), types 20/21 without exactly one option 87 (C-012);
 *         LW4O6_EUNKNOWN: relay message or unknown type (C-006). On error *m is undefined.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_dhcp6_decode(struct lw4o6_dhcp6_msg *m, const uint8_t *buf, size_t len);

/** Does the ORO list @p code? Codes that may not be in one never count (C-015). */
LW4O6_API bool lw4o6_dhcp6_oro_has(const struct lw4o6_dhcp6_msg *m, uint16_t code);

/** Write the header; options follow with lw4o6_opt6_put(). @param xid 24 bits; for type 21 always written 0 (C-013). */
LW4O6_API void lw4o6_dhcp6_begin(struct lw4o6_wr *w, uint8_t type, uint32_t xid);
/** Write option 6 from a list of codes in host order. */
LW4O6_API void lw4o6_dhcp6_put_oro(struct lw4o6_wr *w, const uint16_t *codes, size_t n);

/**
 * Write option 8 from hundredths of a second since the exchange began, saturating at 0xffff (C-032).
 */
LW4O6_API void lw4o6_dhcp6_put_elapsed(struct lw4o6_wr *w, uint64_t hundredths);

/** One relay's header and what it added. Spans borrow from the message. */
struct lw4o6_dhcp6_relay {
	uint8_t hop_count;
	struct in6_addr link_addr, peer_addr;
	struct lw4o6_span options;      /**< all options of this level */
	struct lw4o6_span interface_id; /**< option 18; may be present with length 0 (p not NULL) */
	struct lw4o6_span remote_id, subscriber_id, linklayer_addr; /**< 37, 38, 79 */
};

/** The levels around a message, outermost first. */
struct lw4o6_dhcp6_relays {
	unsigned n;
	struct lw4o6_dhcp6_relay level[LW4O6_DHCP6_MAX_RELAYS];
};

/**
 * Unwrap relay messages of @p type (RELAY_FORW or RELAY_REPL) down to the innermost message (C-034).
 * A message that is not a relay message gives n = 0 and *inner = the message itself.
 * @return LW4O6_OK; LW4O6_ETRUNC, LW4O6_EMALF: C-003, C-004, no or several option 9, more than 32 levels.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_dhcp6_unrelay(struct lw4o6_dhcp6_relays *r, struct lw4o6_span *inner, uint8_t type,
                        const uint8_t *buf, size_t len);

/**
 * Write RELAY-REPL headers that mirror @p r (C-035); write the reply next, then close.
 * @param marks storage for LW4O6_DHCP6_MAX_RELAYS marks
 */
LW4O6_API void lw4o6_dhcp6_relay_open(struct lw4o6_wr *w, const struct lw4o6_dhcp6_relays *r, size_t *marks);
LW4O6_API void lw4o6_dhcp6_relay_close(struct lw4o6_wr *w, const struct lw4o6_dhcp6_relays *r, const size_t *marks);

/** Status code option body, C-030. @return LW4O6_OK or LW4O6_EMALF. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_dhcp6_status_decode(uint16_t *status, struct lw4o6_span *text, const uint8_t *body, size_t len);

/**
 * Option 82 or 83 body: seconds, 60..86400 (C-031).
 * @return LW4O6_OK, or LW4O6_EMALF (length) or LW4O6_EINVAL (range): the option is to be ignored. On error *seconds is untouched.
 */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_dhcp6_max_rt_decode(uint32_t *seconds, const uint8_t *body, size_t len);
/**
 * Option 32 body: seconds, at least 600; 0xffffffff is for ever (C-031).
 * @return LW4O6_OK, or LW4O6_EMALF with *seconds untouched.
 */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_dhcp6_refresh_decode(uint32_t *seconds, const uint8_t *body, size_t len);

/** IA_NA (3), IA_PD (25): C-028, C-029. */
struct lw4o6_dhcp6_ia {
	uint32_t iaid, t1_s, t2_s;
	struct lw4o6_span options;
};
/** @return LW4O6_OK; LW4O6_ETRUNC: too short or options overrun; LW4O6_EMALF: T1 > T2 > 0. */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_dhcp6_ia_decode(struct lw4o6_dhcp6_ia *ia, const uint8_t *body, size_t len);

/** IAADDR (5) or IAPREFIX (26): C-028, C-029. */
struct lw4o6_dhcp6_iaprefix {
	struct in6_addr prefix;
	uint8_t prefix_len; /**< 128 for IAADDR */
	uint32_t preferred_s, valid_s;
	struct lw4o6_span options;
};
/** @param code LW4O6_OPT6_IAADDR or LW4O6_OPT6_IAPREFIX. @return LW4O6_OK; LW4O6_ETRUNC; LW4O6_EMALF: preferred > valid, length > 128. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_dhcp6_iaprefix_decode(struct lw4o6_dhcp6_iaprefix *x, uint16_t code, const uint8_t *body, size_t len);

/** @return "REPLY" and so on, NULL for an unknown type. */
LW4O6_API const char *lw4o6_dhcp6_type_name(uint8_t type);

#ifdef __cplusplus
}
#endif
#endif
