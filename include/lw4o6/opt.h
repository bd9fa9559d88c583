/* DHCPv6 and DHCPv4 option codes, walking options, and writing messages. */
#ifndef LW4O6_OPT_H
#define LW4O6_OPT_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** DHCPv6 option codes. */
enum lw4o6_opt6_code {
	LW4O6_OPT6_CLIENTID = 1,               /**< RFC 8415 section 21.2 */
	LW4O6_OPT6_SERVERID = 2,               /**< 21.3 */
	LW4O6_OPT6_IA_NA = 3,                  /**< 21.4 */
	LW4O6_OPT6_IA_TA = 4,                  /**< 21.5 */
	LW4O6_OPT6_IAADDR = 5,                 /**< 21.6 */
	LW4O6_OPT6_ORO = 6,                    /**< 21.7 */
	LW4O6_OPT6_PREFERENCE = 7,             /**< 21.8 */
	LW4O6_OPT6_ELAPSED_TIME = 8,           /**< 21.9 */
	LW4O6_OPT6_RELAY_MSG = 9,              /**< 21.10 */
	LW4O6_OPT6_AUTH = 11,                  /**< 21.11 */
	LW4O6_OPT6_UNICAST = 12,               /**< 21.12 */
	LW4O6_OPT6_STATUS_CODE = 13,           /**< 21.13 */
	LW4O6_OPT6_RAPID_COMMIT = 14,          /**< 21.14 */
	LW4O6_OPT6_USER_CLASS = 15,            /**< 21.15 */
	LW4O6_OPT6_VENDOR_CLASS = 16,          /**< 21.16 */
	LW4O6_OPT6_INTERFACE_ID = 18,          /**< 21.18 */
	LW4O6_OPT6_RECONF_MSG = 19,            /**< 21.19 */
	LW4O6_OPT6_RECONF_ACCEPT = 20,         /**< 21.20 */
	LW4O6_OPT6_DNS_SERVERS = 23,           /**< RFC 3646 section 3 */
	LW4O6_OPT6_IA_PD = 25,                 /**< RFC 8415 section 21.21 */
	LW4O6_OPT6_IAPREFIX = 26,              /**< 21.22 */
	LW4O6_OPT6_INFORMATION_REFRESH = 32,   /**< 21.23 */
	LW4O6_OPT6_REMOTE_ID = 37,             /**< RFC 4649 */
	LW4O6_OPT6_SUBSCRIBER_ID = 38,         /**< RFC 4580 */
	LW4O6_OPT6_AFTR_NAME = 64,             /**< RFC 6334 */
	LW4O6_OPT6_CLIENT_LINKLAYER_ADDR = 79, /**< RFC 6939 */
	LW4O6_OPT6_SOL_MAX_RT = 82,            /**< RFC 8415 section 21.24 */
	LW4O6_OPT6_INF_MAX_RT = 83,            /**< 21.25 */
	LW4O6_OPT6_DHCPV4_MSG = 87,            /**< RFC 7341 section 7.1 */
	LW4O6_OPT6_4O6_SERVER = 88,            /**< DHCP4_O_DHCP6_SERVER, 7.2 */
	LW4O6_OPT6_S46_RULE = 89,              /**< RFC 7598 section 4.1 */
	LW4O6_OPT6_S46_BR = 90,                /**< 4.2; RFC 8539 section 4.1 */
	LW4O6_OPT6_S46_DMR = 91,               /**< 4.3 */
	LW4O6_OPT6_S46_V4V6BIND = 92,          /**< 4.4 */
	LW4O6_OPT6_S46_PORTPARAMS = 93,        /**< 4.5 */
	LW4O6_OPT6_S46_CONT_MAPE = 94,         /**< 5.1 */
	LW4O6_OPT6_S46_CONT_MAPT = 95,         /**< 5.2 */
	LW4O6_OPT6_S46_CONT_LW = 96,           /**< 5.3 */
	LW4O6_OPT6_S46_PRIORITY = 111,         /**< RFC 8026 section 1.3 */
	LW4O6_OPT6_RELAY_PORT = 135,           /**< RFC 8357 */
	LW4O6_OPT6_S46_BIND_PREFIX = 137,      /**< S46_BIND_IPV6_PREFIX, RFC 8539 section 6.1 */
};

/** DHCPv4 option codes. */
enum lw4o6_opt4_code {
	LW4O6_OPT4_PAD = 0,
	LW4O6_OPT4_SUBNET_MASK = 1,
	LW4O6_OPT4_REQUESTED_ADDR = 50,        /**< RFC 2132 section 9.1 */
	LW4O6_OPT4_LEASE_TIME = 51,            /**< 9.2 */
	LW4O6_OPT4_OVERLOAD = 52,              /**< 9.3 */
	LW4O6_OPT4_MSG_TYPE = 53,              /**< 9.6 */
	LW4O6_OPT4_SERVER_ID = 54,             /**< 9.7 */
	LW4O6_OPT4_PARAM_REQUEST = 55,         /**< 9.8 */
	LW4O6_OPT4_MESSAGE = 56,               /**< 9.9 */
	LW4O6_OPT4_MAX_SIZE = 57,              /**< 9.10 */
	LW4O6_OPT4_T1 = 58,                    /**< 9.11 */
	LW4O6_OPT4_T2 = 59,                    /**< 9.12 */
	LW4O6_OPT4_VENDOR_CLASS = 60,          /**< 9.13 */
	LW4O6_OPT4_CLIENT_ID = 61,             /**< 9.14 */
	LW4O6_OPT4_RAPID_COMMIT = 80,          /**< RFC 4039 */
	LW4O6_OPT4_RELAY_INFO = 82,            /**< RFC 3046 */
	LW4O6_OPT4_AUTH = 90,                  /**< RFC 3118 */
	LW4O6_OPT4_LAST_TRANSACTION = 91,      /**< RFC 4388 section 6.1 */
	LW4O6_OPT4_ASSOCIATED_IP = 92,         /**< 6.1 */
	LW4O6_OPT4_S46_SADDR = 109,            /**< DHCP4O6_S46_SADDR, RFC 8539 section 6.2 */
	LW4O6_OPT4_FORCERENEW_NONCE = 145,     /**< RFC 6704 */
	LW4O6_OPT4_STATUS_CODE = 151,          /**< RFC 6926 section 6.2.2 */
	LW4O6_OPT4_BASE_TIME = 152,            /**< 6.2.3 */
	LW4O6_OPT4_START_OF_STATE = 153,       /**< 6.2.4 */
	LW4O6_OPT4_QUERY_START = 154,          /**< 6.2.5 */
	LW4O6_OPT4_QUERY_END = 155,            /**< 6.2.6 */
	LW4O6_OPT4_DHCP_STATE = 156,           /**< 6.2.7 */
	LW4O6_OPT4_DATA_SOURCE = 157,          /**< 6.2.8 */
	LW4O6_OPT4_PORTPARAMS = 159,           /**< V4_PORTPARAMS, RFC 7618 section 9 */
	LW4O6_OPT4_END = 255,
};

/** @return the option's name as IANA has it without prefix ("S46_PORTPARAMS"), NULL when unknown. */
LW4O6_API const char *lw4o6_opt6_name(uint16_t code);
LW4O6_API const char *lw4o6_opt4_name(uint8_t code);

/* ---- walking ---- */

/** One DHCPv6 option; data is borrowed from the message. */
struct lw4o6_opt6 {
	uint16_t code;
	size_t len;
	const uint8_t *data;
};

/** An option field being walked. */
struct lw4o6_opt6_iter {
	const uint8_t *p, *end;
};

/** Start on @p len octets of options. */
static inline struct lw4o6_opt6_iter lw4o6_opt6_walk(const uint8_t *options, size_t len)
{
	struct lw4o6_opt6_iter it = { options, options + len };
	return it;
}

/** @return 1 with *o filled; 0 at the end; LW4O6_ETRUNC: an option runs past the end, or 1..3 octets are left (C-004). */
LW4O6_API int lw4o6_opt6_next(struct lw4o6_opt6_iter *it, struct lw4o6_opt6 *o);
/** The first option with @p code. @return false when there is none before the end or the first error. */
LW4O6_API bool lw4o6_opt6_find(const uint8_t *options, size_t len, uint16_t code, struct lw4o6_opt6 *o);

/* ---- writing ---- */

/**
 * A message being written. After a step that does not fit nothing more is written and the
 * error stays; with buf NULL nothing is written and only the length is counted (C-009).
 */
struct lw4o6_wr {
	uint8_t *buf;
	size_t room, len; /**< octets */
	int err;
};

static inline struct lw4o6_wr lw4o6_wr_init(uint8_t *buf, size_t room)
{
	struct lw4o6_wr w = { buf, buf ? room : SIZE_MAX, 0, LW4O6_OK };
	return w;
}

LW4O6_API void lw4o6_wr_u8(struct lw4o6_wr *w, uint8_t v);
LW4O6_API void lw4o6_wr_be16(struct lw4o6_wr *w, uint16_t v);
LW4O6_API void lw4o6_wr_be32(struct lw4o6_wr *w, uint32_t v);
LW4O6_API void lw4o6_wr_put(struct lw4o6_wr *w, const void *data, size_t len);
/** @return octets written (or counted), or the first error: LW4O6_ESPACE, LW4O6_EINVAL. */
LW4O6_API LW4O6_MUSTCHECK ssize_t lw4o6_wr_done(const struct lw4o6_wr *w);

/** A whole DHCPv6 option. LW4O6_EINVAL when len > 65535. */
LW4O6_API void lw4o6_opt6_put(struct lw4o6_wr *w, uint16_t code, const void *data, size_t len);
LW4O6_API void lw4o6_opt6_put_be16(struct lw4o6_wr *w, uint16_t code, uint16_t v);
LW4O6_API void lw4o6_opt6_put_be32(struct lw4o6_wr *w, uint16_t code, uint32_t v);
/** Open an option whose body is written next. @return a mark for lw4o6_opt6_close(), which sets the length. */
LW4O6_API size_t lw4o6_opt6_open(struct lw4o6_wr *w, uint16_t code);
LW4O6_API void lw4o6_opt6_close(struct lw4o6_wr *w, size_t mark);

/** A whole DHCPv4 option; more than 255 octets are split (RFC 3396, C-045). */
LW4O6_API void lw4o6_opt4_put(struct lw4o6_wr *w, uint8_t code, const void *data, size_t len);
LW4O6_API void lw4o6_opt4_put_u8(struct lw4o6_wr *w, uint8_t code, uint8_t v);
LW4O6_API void lw4o6_opt4_put_be16(struct lw4o6_wr *w, uint8_t code, uint16_t v);
LW4O6_API void lw4o6_opt4_put_be32(struct lw4o6_wr *w, uint8_t code, uint32_t v);
LW4O6_API void lw4o6_opt4_put_addr(struct lw4o6_wr *w, uint8_t code, struct in_addr a);

#ifdef __cplusplus
}
#endif
#endif
