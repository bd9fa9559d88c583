/* Shared by the files of the DHCPv4 codec. */
#ifndef LW4O6_DHCP4_INT_H
#define LW4O6_DHCP4_INT_H

#include <lw4o6/dhcp4.h>

/* Where things stand in the fixed part. */
enum {
	DHCP4_CHADDR_AT = 28,
	DHCP4_SNAME_AT = 44,
	DHCP4_FILE_AT = 108,
	DHCP4_COOKIE_AT = 236,
};
#define DHCP4_COOKIE 0x63825363u

/* The options that lw4o6_dhcp4_decode() reads: 1 + the bit in lw4o6_dhcp4_msg.has. */
enum {
	F4_REQUESTED = 1,
	F4_LEASE,
	F4_SERVER_ID,
	F4_MAX_SIZE,
	F4_T1,
	F4_T2,
	F4_SADDR,
	F4_PORTS,
	F4_SUBNET,
	F4_TYPE,
	F4_CLIENT_ID,
	F4_PRL,
	F4_MESSAGE,
	F4_VENDOR_CLASS,
	F4_RELAY_INFO,
	F4_LAST_TRANSACTION,
	F4_ASSOCIATED,
	F4_STATUS,
	F4_BASE_TIME,
	F4_START_OF_STATE,
	F4_QUERY_START,
	F4_QUERY_END,
	F4_STATE,
	F4_SOURCE,
	F4_COUNT = F4_SOURCE,
	F4_ALL = (1 << F4_COUNT) - 1,
};

/** The option code of a field. */
uint8_t dhcp4_field_code(unsigned field);
/** Copy all instances of a code one after the other. @return LW4O6_OK, LW4O6_ESPACE, LW4O6_ETRUNC. */
int dhcp4_gather(const uint8_t *buf, size_t len, uint8_t code, uint8_t *dst, size_t room, size_t *total);

/* Values of option 52, as bits. */
enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

/** lw4o6_opt4_walk(), inline. */
static inline struct lw4o6_opt4_iter opt4_start(const uint8_t *msg, size_t len)
{
	return (struct lw4o6_opt4_iter){ .msg = msg, .p = msg + LW4O6_DHCP4_HLEN, .end = msg + len };
}

static inline bool opt4_next_field(struct lw4o6_opt4_iter *it)
{
	if (it->field == 0 && it->overload & OVERLOAD_FILE) {
		it->field = 1;
		it->p = it->msg + DHCP4_FILE_AT;
		it->end = it->msg + DHCP4_COOKIE_AT;
		return true;
	}
	if (it->field < 2 && it->overload & OVERLOAD_SNAME) {
		it->field = 2;
		it->p = it->msg + DHCP4_SNAME_AT;
		it->end = it->msg + DHCP4_FILE_AT;
		return true;
	}
	return false;
}

/* Option 52 counts in the options field only, and two of them are one of length 2 (C-043, C-044). */
static inline void opt4_note_overload(struct lw4o6_opt4_iter *it, const uint8_t *body, size_t len)
{
	bool good = it->overloads == 0 && len == 1 && body[0] >= 1 && body[0] <= 3;

	it->overload = good ? body[0] : 0;
	if (it->overloads < 2)
		it->overloads++;
}

/** lw4o6_opt4_next(), inline, not to be called again after it returned 0. */
static inline int opt4_step(struct lw4o6_opt4_iter *it, struct lw4o6_opt4 *o)
{
	for (;;) {
		if (it->p == it->end || *it->p == LW4O6_OPT4_END) {
			if (it->p == it->end)
				it->no_end = true;
			if (!opt4_next_field(it)) {
				it->p = it->end;
				it->msg = NULL;
				return 0;
			}
			continue;
		}
		if (*it->p != LW4O6_OPT4_PAD)
			break;
		it->p++;
	}
	if (it->end - it->p < 2 || it->p[1] > it->end - it->p - 2)
		return LW4O6_ETRUNC;
	o->code = it->p[0];
	o->len = it->p[1];
	o->data = it->p + 2;
	it->p += 2 + o->len;
	if (o->code == LW4O6_OPT4_OVERLOAD && it->field == 0)
		opt4_note_overload(it, o->data, o->len);
	return 1;
}

#endif
