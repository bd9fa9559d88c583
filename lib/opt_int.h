/* What is known of each option: one row per code, read by the codecs, the names and the printer. */
#ifndef LW4O6_OPT_INT_H
#define LW4O6_OPT_INT_H

#include "cursor.h"

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

/** Rows by code; those without a name are of unknown options. */
enum { OPT6_ROWS = LW4O6_OPT6_S46_BIND_PREFIX + 1, OPT4_ROWS = LW4O6_OPT4_PORTPARAMS + 1 };
extern const struct opt_desc opt6_rows[OPT6_ROWS];
extern const struct opt_desc opt4_rows[OPT4_ROWS];

/** The row of @p code, or NULL. */
static inline const struct opt_desc *opt6_desc(uint16_t code)
{
	return code < OPT6_ROWS && opt6_rows[code].name ? &opt6_rows[code] : NULL;
}

static inline const struct opt_desc *opt4_desc(uint8_t code)
{
	return code < OPT4_ROWS && opt4_rows[code].name ? &opt4_rows[code] : NULL;
}

/** Has a body of this length a right to exist? */
static inline bool opt_len_ok(const struct opt_desc *d, size_t len)
{
	return len >= d->min && len <= d->max && (d->unit == 0 || len % d->unit == 0);
}

enum { OPT6_HLEN = 4, OPT4_HLEN = 2, OPT4_MAX = 255 };

/** lw4o6_opt6_next(), inline. */
static inline int opt6_step(struct lw4o6_opt6_iter *it, struct lw4o6_opt6 *o)
{
	size_t left = (size_t)(it->end - it->p);

	if (left == 0)
		return 0;
	if (left < OPT6_HLEN)
		return LW4O6_ETRUNC;

	size_t len = get_be16(it->p + 2);

	if (len > left - OPT6_HLEN)
		return LW4O6_ETRUNC;
	o->code = get_be16(it->p);
	o->len = len;
	o->data = it->p + OPT6_HLEN;
	it->p += OPT6_HLEN + len;
	return 1;
}

static inline void wr_fail(struct lw4o6_wr *w, int err)
{
	if (w->err == LW4O6_OK)
		w->err = err;
}

/** Room for n octets: false when nothing is to be stored, because of an error or of a dry run. */
static inline bool wr_reserve(struct lw4o6_wr *w, size_t n, uint8_t **dst)
{
	if (w->err != LW4O6_OK)
		return false;
	if (n > w->room - w->len) {
		w->err = LW4O6_ESPACE;
		return false;
	}
	*dst = w->buf ? w->buf + w->len : NULL;
	w->len += n;
	return w->buf != NULL;
}

/** Room for the body of a DHCPv4 option of at most 255 octets, its header written. NULL: nothing is to be stored. */
static inline uint8_t *opt4_reserve(struct lw4o6_wr *w, uint8_t code, uint8_t len)
{
	uint8_t *p;

	if (code == LW4O6_OPT4_PAD || code == LW4O6_OPT4_END) {
		wr_fail(w, LW4O6_EINVAL);
		return NULL;
	}
	if (!wr_reserve(w, (size_t)OPT4_HLEN + len, &p))
		return NULL;
	p[0] = code;
	p[1] = len;
	return p + OPT4_HLEN;
}

#endif
