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
};

/** A decoded message. Spans borrow from the message, or from @c scratch when the option was split. */
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
	struct lw4o6_span prl;          /**< 55 */
	struct lw4o6_span message;      /**< 56, without trailing NULs */
	struct lw4o6_span vendor_class; /**< 60 */
	struct lw4o6_span relay_info;   /**< 82 */
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

/** Does option 55 list @p code? */
LW4O6_API bool lw4o6_dhcp4_prl_has(const struct lw4o6_dhcp4_msg *m, uint8_t code);

/** Write the fixed part, cookie and option 53; options follow with lw4o6_opt4_put(), then lw4o6_dhcp4_end(). */
LW4O6_API void lw4o6_dhcp4_begin(struct lw4o6_wr *w, const struct lw4o6_dhcp4_hdr *hdr, uint8_t type);
LW4O6_API void lw4o6_dhcp4_end(struct lw4o6_wr *w);

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
