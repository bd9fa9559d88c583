#include "config.h"

#include "opt_int.h"

#include <lw4o6/dhcp6.h>

/* Codes below this have a bit each while repeats are looked for; rows of the option table end before it. */
enum { SEEN_CODES = 192 };

struct seen {
	uint64_t bits[SEEN_CODES / 64];
};

static bool seen_before(struct seen *s, uint16_t code)
{
	uint64_t bit = (uint64_t)1 << code % 64, *word = &s->bits[code / 64];
	bool before = (*word & bit) != 0;

	*word |= bit;
	return before;
}

static bool is_v4_type(uint8_t type)
{
	return type == LW4O6_DHCP6_DHCPV4_QUERY || type == LW4O6_DHCP6_DHCPV4_RESPONSE;
}

static int keep(struct lw4o6_dhcp6_msg *m, const struct lw4o6_opt6 *o, const struct opt_desc *d)
{
	struct lw4o6_span *dst;

	switch (o->code) {
	case LW4O6_OPT6_CLIENTID:
		dst = &m->client_id;
		break;
	case LW4O6_OPT6_SERVERID:
		dst = &m->server_id;
		break;
	case LW4O6_OPT6_ORO:
		dst = &m->oro;
		break;
	case LW4O6_OPT6_DHCPV4_MSG:
		if (!is_v4_type(m->type))
			return LW4O6_OK;
		dst = &m->dhcpv4;
		break;
	default:
		return LW4O6_OK;
	}
	if (!opt_len_ok(d, o->len))
		return d->flags & OPT_FATAL ? LW4O6_EMALF : LW4O6_OK;
	*dst = (struct lw4o6_span){ o->data, o->len };
	return LW4O6_OK;
}

int lw4o6_dhcp6_decode(struct lw4o6_dhcp6_msg *m, const uint8_t *buf, size_t len)
{
	if (len < LW4O6_DHCP6_HLEN)
		return LW4O6_ETRUNC;
	if (!lw4o6_dhcp6_type_name(buf[0]) || buf[0] == LW4O6_DHCP6_RELAY_FORW || buf[0] == LW4O6_DHCP6_RELAY_REPL)
		return LW4O6_EUNKNOWN;

	*m = (struct lw4o6_dhcp6_msg){
		.type = buf[0],
		.xid = (uint32_t)buf[1] << 16 | (uint32_t)buf[2] << 8 | buf[3],
		.options = { buf + LW4O6_DHCP6_HLEN, len - LW4O6_DHCP6_HLEN },
	};

	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(m->options.p, m->options.len);
	struct lw4o6_opt6 o;
	struct seen seen = { { 0 } };
	int r;

	while ((r = opt6_step(&it, &o)) == 1) {
		const struct opt_desc *d = opt6_desc(o.code);

		if (!d)
			continue;
		if (d->flags & OPT_SINGLE && seen_before(&seen, o.code)) {
			if (d->flags & OPT_FATAL)
				return LW4O6_EMALF;
			m->repeated++;
			continue;
		}
		if ((r = keep(m, &o, d)) != LW4O6_OK)
			return r;
	}
	if (r < 0)
		return r;
	return is_v4_type(m->type) && !m->dhcpv4.p ? LW4O6_EMALF : LW4O6_OK;
}

static bool may_be_in_oro(uint16_t code)
{
	const struct opt_desc *d = opt6_desc(code);

	return !d || !(d->flags & OPT_NO_ORO);
}

bool lw4o6_dhcp6_oro_has(const struct lw4o6_dhcp6_msg *m, uint16_t code)
{
	if (!may_be_in_oro(code))
		return false;
	for (size_t i = 0; i + 2 <= m->oro.len; i += 2) {
		if (get_be16(m->oro.p + i) == code)
			return true;
	}
	return false;
}

void lw4o6_dhcp6_begin(struct lw4o6_wr *w, uint8_t type, uint32_t xid)
{
	if (type == LW4O6_DHCP6_DHCPV4_RESPONSE)
		xid = 0;
	else if (type == LW4O6_DHCP6_DHCPV4_QUERY)
		xid &= LW4O6_DHCP6_FLAG_U;
	lw4o6_wr_be32(w, (uint32_t)type << 24 | (xid & 0xffffff));
}

void lw4o6_dhcp6_put_oro(struct lw4o6_wr *w, const uint16_t *codes, size_t n)
{
	uint8_t *p;

	for (size_t i = 0; i < n; i++) {
		if (!may_be_in_oro(codes[i]))
			wr_fail(w, LW4O6_EINVAL);
	}
	if (n > UINT16_MAX / 2)
		wr_fail(w, LW4O6_EINVAL);
	if (!wr_reserve(w, OPT6_HLEN + 2 * n, &p))
		return;
	put_be16(p, LW4O6_OPT6_ORO);
	put_be16(p + 2, (uint16_t)(2 * n));
	for (size_t i = 0; i < n; i++)
		put_be16(p + OPT6_HLEN + 2 * i, codes[i]);
}

void lw4o6_dhcp6_put_elapsed(struct lw4o6_wr *w, uint64_t hundredths)
{
	lw4o6_opt6_put_be16(w, LW4O6_OPT6_ELAPSED_TIME, hundredths > UINT16_MAX ? UINT16_MAX : (uint16_t)hundredths);
}

int lw4o6_dhcp6_status_decode(uint16_t *status, struct lw4o6_span *text, const uint8_t *body, size_t len)
{
	if (len < 2)
		return LW4O6_EMALF;
	*status = get_be16(body);
	*text = (struct lw4o6_span){ body + 2, len - 2 };
	return LW4O6_OK;
}

int lw4o6_dhcp6_max_rt_decode(uint32_t *seconds, const uint8_t *body, size_t len)
{
	if (len != 4)
		return LW4O6_EMALF;

	uint32_t v = get_be32(body);

	if (v < 60 || v > 86400)
		return LW4O6_EINVAL;
	*seconds = v;
	return LW4O6_OK;
}

int lw4o6_dhcp6_refresh_decode(uint32_t *seconds, const uint8_t *body, size_t len)
{
	if (len != 4)
		return LW4O6_EMALF;
	*seconds = get_be32(body);
	if (*seconds < 600)
		*seconds = 600;
	return LW4O6_OK;
}

static int check_framing(struct lw4o6_span options)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(options.p, options.len);
	struct lw4o6_opt6 o;
	int r;

	while ((r = opt6_step(&it, &o)) == 1)
		;
	return r;
}

int lw4o6_dhcp6_ia_decode(struct lw4o6_dhcp6_ia *ia, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);

	ia->iaid = rd_be32(&r);
	ia->t1_s = rd_be32(&r);
	ia->t2_s = rd_be32(&r);
	ia->options = (struct lw4o6_span){ r.p, rd_left(&r) };
	if (r.err != LW4O6_OK)
		return r.err;
	if (ia->t2_s > 0 && ia->t1_s > ia->t2_s)
		return LW4O6_EMALF;
	return check_framing(ia->options);
}

int lw4o6_dhcp6_iaprefix_decode(struct lw4o6_dhcp6_iaprefix *x, uint16_t code, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	bool is_addr = code == LW4O6_OPT6_IAADDR;

	if (!is_addr && code != LW4O6_OPT6_IAPREFIX)
		return LW4O6_EINVAL;
	x->prefix_len = 128;
	if (is_addr)
		rd_take(&r, &x->prefix, 16);
	x->preferred_s = rd_be32(&r);
	x->valid_s = rd_be32(&r);
	if (!is_addr) {
		x->prefix_len = rd_u8(&r);
		rd_take(&r, &x->prefix, 16);
	}
	x->options = (struct lw4o6_span){ r.p, rd_left(&r) };
	if (r.err != LW4O6_OK)
		return r.err;
	if (x->prefix_len > 128 || x->preferred_s > x->valid_s)
		return LW4O6_EMALF;
	for (unsigned i = x->prefix_len / 8u, bits = x->prefix_len % 8u; i < 16; i++, bits = 0)
		x->prefix.s6_addr[i] &= (uint8_t)(0xff00 >> bits);
	return check_framing(x->options);
}

const char *lw4o6_dhcp6_type_name(uint8_t type)
{
	static const char *const names[] = {
		[LW4O6_DHCP6_SOLICIT] = "SOLICIT",
		[LW4O6_DHCP6_ADVERTISE] = "ADVERTISE",
		[LW4O6_DHCP6_REQUEST] = "REQUEST",
		[LW4O6_DHCP6_CONFIRM] = "CONFIRM",
		[LW4O6_DHCP6_RENEW] = "RENEW",
		[LW4O6_DHCP6_REBIND] = "REBIND",
		[LW4O6_DHCP6_REPLY] = "REPLY",
		[LW4O6_DHCP6_RELEASE] = "RELEASE",
		[LW4O6_DHCP6_DECLINE] = "DECLINE",
		[LW4O6_DHCP6_RECONFIGURE] = "RECONFIGURE",
		[LW4O6_DHCP6_INFORMATION_REQUEST] = "INFORMATION-REQUEST",
		[LW4O6_DHCP6_RELAY_FORW] = "RELAY-FORW",
		[LW4O6_DHCP6_RELAY_REPL] = "RELAY-REPL",
		[LW4O6_DHCP6_DHCPV4_QUERY] = "DHCPV4-QUERY",
		[LW4O6_DHCP6_DHCPV4_RESPONSE] = "DHCPV4-RESPONSE",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}
