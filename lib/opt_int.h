/* What is known of each option: one row per code, read by the codecs, the names and the printer. */
#ifndef LW4O6_OPT_INT_H
#define LW4O6_OPT_INT_H

#include <lw4o6/opt.h>

/** What a body holds; the printer's choice of words. */
enum opt_shape {
	OPT_HEX, /**< opaque */
	OPT_EMPTY,
	OPT_U8,
	OPT_BE16,
	OPT_BE32,
	OPT_SECONDS,
	OPT_ADDR4,
	OPT_ADDRS4,
	OPT_ADDR6,
	OPT_ADDRS6,
	OPT_CODES8,
	OPT_CODES16,
	OPT_TEXT,
	OPT_DUID,
	OPT_IA,
	OPT_IA_TA,
	OPT_IAADDR,
	OPT_IAPREFIX,
	OPT_STATUS6,
	OPT_STATUS4,
	OPT_ELAPSED,
	OPT_PORTPARAMS,
	OPT_PREFIX,
	OPT_BIND,
	OPT_RULE,
	OPT_CONTAINER,
	OPT_ENTERPRISE,
	OPT_LINKLAYER,
	OPT_MSG6,
	OPT_MSG4,
	OPT_TYPE4,
	OPT_CLIENT_ID4,
	OPT_SUBOPTIONS4,
	OPT_STATE4,
	OPT_ABSTIME,
};

enum opt_flags {
	OPT_SINGLE = 1,  /**< singleton, RFC 8415 section 24 */
	OPT_NO_ORO = 2,  /**< may not stand in an ORO (C-015) */
	OPT_FATAL = 4,   /**< a wrong length, or a repeat in DHCPv6, drops the message */
};

/** Places an option may stand in; a code that can be anywhere unknown has no row. */
enum opt_place {
	IN_MSG = 1,
	IN_RELAY = 2,
	IN_IA = 4,
	IN_IA_PD = 8,
	IN_LW = 16,
	IN_MAPE = 32,
	IN_MAPT = 64,
	IN_BIND = 128,
	IN_RULE = 256,
	IN_ADDR = 512,
};

struct opt_desc {
	const char *name;
	uint16_t min, max; /**< octets of body */
	uint8_t unit;      /**< the body is a multiple of this; 0: of nothing */
	uint8_t shape;     /**< enum opt_shape */
	uint8_t flags;     /**< enum opt_flags */
	uint8_t field;     /**< DHCPv4: 1 + bit number in lw4o6_dhcp4_msg.has; 0: not decoded */
	uint16_t place;    /**< DHCPv6: enum opt_place */
};

/** The row of @p code, or NULL. */
const struct opt_desc *opt6_desc(uint16_t code);
const struct opt_desc *opt4_desc(uint8_t code);

/** Has a body of this length a right to exist? */
static inline bool opt_len_ok(const struct opt_desc *d, size_t len)
{
	return len >= d->min && len <= d->max && (d->unit == 0 || len % d->unit == 0);
}

#endif
