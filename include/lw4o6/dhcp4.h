/* DHCPv4 messages: RFC 2131, 2132, 3396, with the 4o6 options of RFC 7618 and RFC 8539. */
#ifndef LW4O6_DHCP4_H
#define LW4O6_DHCP4_H

#include <lw4o6/opt.h>
#include <lw4o6/psid.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lw4o6_dhcp4_type {
	LW4O6_DHCP4_DISCOVER = 1,
	LW4O6_DHCP4_OFFER = 2,
	LW4O6_DHCP4_REQUEST = 3,
	LW4O6_DHCP4_DECLINE = 4,
	LW4O6_DHCP4_ACK = 5,
	LW4O6_DHCP4_NAK = 6,
	LW4O6_DHCP4_RELEASE = 7,
	LW4O6_DHCP4_INFORM = 8,
	LW4O6_DHCP4_FORCERENEW = 9,
	LW4O6_DHCP4_LEASEQUERY = 10,
	LW4O6_DHCP4_LEASEUNASSIGNED = 11,
	LW4O6_DHCP4_LEASEUNKNOWN = 12,
	LW4O6_DHCP4_LEASEACTIVE = 13,
	LW4O6_DHCP4_BULKLEASEQUERY = 14,
	LW4O6_DHCP4_LEASEQUERYDONE = 15,
	LW4O6_DHCP4_ACTIVELEASEQUERY = 16,
	LW4O6_DHCP4_LEASEQUERYSTATUS = 17,
	LW4O6_DHCP4_TLS = 18,
};

enum {
	LW4O6_DHCP4_HLEN = 240,         /**< fixed part with cookie */
	LW4O6_DHCP4_CLIENT_ID_MAX = 255,
	LW4O6_DHCP4_SCRATCH = 1024,     /**< octets of split options (RFC 3396) that a message may hold */
};
#define LW4O6_DHCP4_BOOTREQUEST 1
#define LW4O6_DHCP4_BOOTREPLY 2
#define LW4O6_DHCP4_BROADCAST 0x8000u

/** Leasequery status, option 151 (RFC 6926 section 6.2.2, RFC 7724 section 5.3). */
enum lw4o6_dhcp4_status {
	LW4O6_DHCP4_LQ_SUCCESS = 0,
	LW4O6_DHCP4_LQ_UNSPEC_FAIL = 1,
	LW4O6_DHCP4_LQ_QUERY_TERMINATED = 2,
	LW4O6_DHCP4_LQ_MALFORMED_QUERY = 3,
	LW4O6_DHCP4_LQ_NOT_ALLOWED = 4,
	LW4O6_DHCP4_LQ_DATA_MISSING = 5,
	LW4O6_DHCP4_LQ_CONNECTION_ACTIVE = 6,
	LW4O6_DHCP4_LQ_CATCH_UP_COMPLETE = 7,
	LW4O6_DHCP4_LQ_TLS_REFUSED = 8,
};

/** State of a lease, option 156 (RFC 6926 section 6.2.7). */
enum lw4o6_dhcp4_state {
	LW4O6_DHCP4_STATE_AVAILABLE = 1,
	LW4O6_DHCP4_STATE_ACTIVE = 2,
	LW4O6_DHCP4_STATE_EXPIRED = 3,
	LW4O6_DHCP4_STATE_RELEASED = 4,
	LW4O6_DHCP4_STATE_ABANDONED = 5,
	LW4O6_DHCP4_STATE_RESET = 6,
	LW4O6_DHCP4_STATE_REMOTE = 7,
	LW4O6_DHCP4_STATE_TRANSITIONING = 8,
};
#define LW4O6_DHCP4_SOURCE_REMOTE 0x01u /**< bit of option 157 */

/** The fixed part; integers in host order. */
struct lw4o6_dhcp4_hdr {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	struct in_addr ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
};

/** Bits of lw4o6_dhcp4_msg.has: the option was there with a valid value. */
enum lw4o6_dhcp4_has {
	LW4O6_DHCP4_HAS_REQUESTED = 1 << 0, /**< 50 */
	LW4O6_DHCP4_HAS_LEASE = 1 << 1,     /**< 51 */
	LW4O6_DHCP4_HAS_SERVER_ID = 1 << 2, /**< 54 */
	LW4O6_DHCP4_HAS_MAX_SIZE = 1 << 3,  /**< 57 */
	LW4O6_DHCP4_HAS_T1 = 1 << 4,        /**< 58 */
	LW4O6_DHCP4_HAS_T2 = 1 << 5,        /**< 59 */
	LW4O6_DHCP4_HAS_SADDR = 1 << 6,     /**< 109 */
	LW4O6_DHCP4_HAS_PORTS = 1 << 7,     /**< 159 */
	LW4O6_DHCP4_HAS_SUBNET = 1 << 8,    /**< 1 */
	LW4O6_DHCP4_HAS_TYPE = 1 << 9,      /**< 53: always set after a decode */
	LW4O6_DHCP4_HAS_CLIENT_ID = 1 << 10,        /**< 61 */
	LW4O6_DHCP4_HAS_PRL = 1 << 11,              /**< 55 */
	LW4O6_DHCP4_HAS_MESSAGE = 1 << 12,          /**< 56 */
	LW4O6_DHCP4_HAS_VENDOR_CLASS = 1 << 13,     /**< 60 */
	LW4O6_DHCP4_HAS_RELAY_INFO = 1 << 14,       /**< 82 */
	LW4O6_DHCP4_HAS_LAST_TRANSACTION = 1 << 15, /**< 91 */
	LW4O6_DHCP4_HAS_ASSOCIATED = 1 << 16,       /**< 92 */
	LW4O6_DHCP4_HAS_STATUS = 1 << 17,           /**< 151 */
	LW4O6_DHCP4_HAS_BASE_TIME = 1 << 18,        /**< 152 */
	LW4O6_DHCP4_HAS_START_OF_STATE = 1 << 19,   /**< 153 */
	LW4O6_DHCP4_HAS_QUERY_START = 1 << 20,      /**< 154 */
	LW4O6_DHCP4_HAS_QUERY_END = 1 << 21,        /**< 155 */
	LW4O6_DHCP4_HAS_STATE = 1 << 22,            /**< 156 */
	LW4O6_DHCP4_HAS_SOURCE = 1 << 23,           /**< 157 */
};

/** A decoded message. Spans borrow from the message, or from @c scratch when the option was split.
 *  A value without its bit in @c has is undefined; a span without it has p NULL.
 *  Not to be copied as a whole: spans may point into the copy's source. */
struct lw4o6_dhcp4_msg {
	struct lw4o6_dhcp4_hdr hdr;
	uint8_t type;       /**< option 53, enum lw4o6_dhcp4_type */
	uint32_t has;       /**< enum lw4o6_dhcp4_has: present and valid */
	uint32_t bad;       /**< the same bits: present with a wrong length or value, so counted as absent (C-019, C-047) */
	struct in_addr requested;   /**< 50 */
	uint32_t lease_s;           /**< 51; 0xffffffff: infinite */
	struct in_addr server_id;   /**< 54 */
	uint16_t max_size;          /**< 57; at least 576 (C-053) */
	uint32_t t1_s, t2_s;        /**< 58, 59 */
	struct in_addr subnet_mask; /**< 1 */
	struct in6_addr saddr;      /**< 109 */
	struct lw4o6_psid ports;    /**< 159 */
	struct lw4o6_span client_id;    /**< 61, 2..255 octets */
	struct lw4o6_span prl;          /**< 55; without repeats (C-050) */
	struct lw4o6_span message;      /**< 56, without trailing NULs */
	struct lw4o6_span vendor_class; /**< 60 */
	struct lw4o6_span relay_info;   /**< 82 */
	uint32_t last_transaction_s;    /**< 91; seconds before base_time */
	uint32_t base_time;             /**< 152; seconds since 1970 by the server's clock, as 154 and 155 */
	uint32_t start_of_state_s;      /**< 153; seconds before base_time */
	uint32_t query_start, query_end; /**< 154, 155 */
	struct lw4o6_span associated;   /**< 92; 4 octets per address */
	struct lw4o6_span status_text;  /**< behind the code of option 151, no NUL in it */
	uint8_t status;                 /**< 151, enum lw4o6_dhcp4_status */
	uint8_t state;                  /**< 156, enum lw4o6_dhcp4_state; other values are kept */
	uint8_t source;                 /**< 157 */
	bool no_end;        /**< the field ended without option 255 (C-042) */
	uint8_t scratch[LW4O6_DHCP4_SCRATCH];
};

/**
 * Decode one DHCPv4 message, C-011, C-040 to C-054.
 * @return LW4O6_OK; LW4O6_ETRUNC: shorter than 240, or an option overruns; LW4O6_EMALF: cookie, hlen, op,
 *         option 53, wrong length of 50 or 54, split options beyond LW4O6_DHCP4_SCRATCH;
 *         LW4O6_EUNKNOWN: value of option 53 unknown. On error *m is undefined.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_dhcp4_decode(struct lw4o6_dhcp4_msg *m, const uint8_t *buf, size_t len);

/**
 * The value of any option, instances concatenated in the order options, file, sname (RFC 3396 section 5).
 * @param dst  used when the option is split; may be NULL when room is 0
 * @return LW4O6_OK with *value set; LW4O6_ENOENT; LW4O6_ESPACE: split and longer than room;
 *         LW4O6_ETRUNC: malformed message.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_dhcp4_option(const uint8_t *buf, size_t len, uint8_t code, uint8_t *dst, size_t room,
                       struct lw4o6_span *value);

/** One instance of a DHCPv4 option; data is borrowed from the message. */
struct lw4o6_opt4 {
	uint8_t code;
	size_t len;
	const uint8_t *data;
};

/** The options of a message being walked: the options field, then file and sname when option 52 says so (C-044). */
struct lw4o6_opt4_iter {
	const uint8_t *msg, *p, *end;
	uint8_t field;      /**< 0 options, 1 file, 2 sname */
	uint8_t overload;   /**< what is left of option 52: bits 1 and 2 */
	uint8_t overloads;  /**< instances of option 52 in the options field, at most 2 counted */
	bool no_end;        /**< a field ended without option 255 */
};

/** Start on a message of at least LW4O6_DHCP4_HLEN octets. Instances come as they stand, not concatenated. */
LW4O6_API struct lw4o6_opt4_iter lw4o6_opt4_walk(const uint8_t *msg, size_t len);
/** @return 1 with *o filled; 0 at the end; LW4O6_ETRUNC: an option runs past its field. */
LW4O6_API int lw4o6_opt4_next(struct lw4o6_opt4_iter *it, struct lw4o6_opt4 *o);

/** Does option 55 list @p code? */
LW4O6_API bool lw4o6_dhcp4_prl_has(const struct lw4o6_dhcp4_msg *m, uint8_t code);

/** Write the fixed part, cookie and option 53; options follow with lw4o6_opt4_put(), then lw4o6_dhcp4_end(). */
LW4O6_API void lw4o6_dhcp4_begin(struct lw4o6_wr *w, const struct lw4o6_dhcp4_hdr *hdr, uint8_t type);
LW4O6_API void lw4o6_dhcp4_end(struct lw4o6_wr *w);
/** Write every option whose bit is set in m->has, but 53, in the order of the bits. LW4O6_EINVAL: bad port set, long status text. */
LW4O6_API void lw4o6_dhcp4_put_options(struct lw4o6_wr *w, const struct lw4o6_dhcp4_msg *m);
/** Copy from a decoded message the options that lw4o6_dhcp4_decode() does not read, unchanged; option 52 goes, overload with it. */
LW4O6_API void lw4o6_dhcp4_put_others(struct lw4o6_wr *w, const uint8_t *buf, size_t len);

/**
 * Client identifier in the form of RFC 4361 section 6.1: 255, IAID, DUID.
 * @param iaid host order; @return octets written, LW4O6_EINVAL (DUID length), LW4O6_ESPACE.
 */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_dhcp4_client_id_encode(uint8_t *dst, size_t room, uint32_t iaid, const uint8_t *duid, size_t duid_len);
/** Recognise that form. @return true with iaid and duid set (borrowed). */
LW4O6_API bool lw4o6_dhcp4_client_id_parse(const uint8_t *id, size_t len, uint32_t *iaid, struct lw4o6_span *duid);

/** @return "DISCOVER" and so on, NULL for an unknown type. */
LW4O6_API const char *lw4o6_dhcp4_type_name(uint8_t type);

#ifdef __cplusplus
}
#endif
#endif
