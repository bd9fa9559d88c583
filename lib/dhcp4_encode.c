#include "config.h"

#include "dhcp4_int.h"
#include "opt_int.h"

#include <lw4o6/s46.h>

void lw4o6_dhcp4_begin(struct lw4o6_wr *w, const struct lw4o6_dhcp4_hdr *hdr, uint8_t type)
{
	uint8_t *p;

	if (hdr->hlen > sizeof(hdr->chaddr)) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}
	if (!wr_reserve(w, LW4O6_DHCP4_HLEN + 3, &p))
		return;
	p[0] = hdr->op;
	p[1] = hdr->htype;
	p[2] = hdr->hlen;
	p[3] = hdr->hops;
	put_be32(p + 4, hdr->xid);
	put_be16(p + 8, hdr->secs);
	put_be16(p + 10, hdr->flags);
	memcpy(p + 12, &hdr->ciaddr, 4);
	memcpy(p + 16, &hdr->yiaddr, 4);
	memcpy(p + 20, &hdr->siaddr, 4);
	memcpy(p + 24, &hdr->giaddr, 4);
	memcpy(p + DHCP4_CHADDR_AT, hdr->chaddr, sizeof(hdr->chaddr));
	memset(p + DHCP4_SNAME_AT, 0, DHCP4_COOKIE_AT - DHCP4_SNAME_AT);
	put_be32(p + DHCP4_COOKIE_AT, DHCP4_COOKIE);
	p[LW4O6_DHCP4_HLEN] = LW4O6_OPT4_MSG_TYPE;
	p[LW4O6_DHCP4_HLEN + 1] = 1;
	p[LW4O6_DHCP4_HLEN + 2] = type;
}

void lw4o6_dhcp4_end(struct lw4o6_wr *w)
{
	lw4o6_wr_u8(w, LW4O6_OPT4_END);
}

static void put_ports(struct lw4o6_wr *w, const struct lw4o6_psid *ps)
{
	uint8_t *p;

	if (!lw4o6_psid_valid(ps)) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}
	p = opt4_reserve(w, LW4O6_OPT4_PORTPARAMS, 4);
	if (p && lw4o6_s46_portparams_encode(p, 4, ps) != 4)
		wr_fail(w, LW4O6_EINVAL);
}

static void put_addr6(struct lw4o6_wr *w, uint8_t code, const struct in6_addr *a)
{
	uint8_t *p = opt4_reserve(w, code, 16);

	if (p)
		memcpy(p, a, 16);
}

static void put_status(struct lw4o6_wr *w, const struct lw4o6_dhcp4_msg *m)
{
	uint8_t body[LW4O6_DHCP4_SCRATCH];

	if (m->status_text.len > sizeof(body) - 1) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}
	body[0] = m->status;
	if (m->status_text.len > 0)
		memcpy(body + 1, m->status_text.p, m->status_text.len);
	lw4o6_opt4_put(w, LW4O6_OPT4_STATUS_CODE, body, 1 + m->status_text.len);
}

static void put_span(struct lw4o6_wr *w, uint8_t code, struct lw4o6_span v)
{
	lw4o6_opt4_put(w, code, v.p, v.len);
}

static void put_field(struct lw4o6_wr *w, const struct lw4o6_dhcp4_msg *m, unsigned field)
{
	uint8_t code = dhcp4_field_code(field);

	switch (field) {
	case F4_REQUESTED:
		lw4o6_opt4_put_addr(w, code, m->requested);
		break;
	case F4_LEASE:
		lw4o6_opt4_put_be32(w, code, m->lease_s);
		break;
	case F4_SERVER_ID:
		lw4o6_opt4_put_addr(w, code, m->server_id);
		break;
	case F4_MAX_SIZE:
		lw4o6_opt4_put_be16(w, code, m->max_size);
		break;
	case F4_T1:
		lw4o6_opt4_put_be32(w, code, m->t1_s);
		break;
	case F4_T2:
		lw4o6_opt4_put_be32(w, code, m->t2_s);
		break;
	case F4_SADDR:
		put_addr6(w, code, &m->saddr);
		break;
	case F4_PORTS:
		put_ports(w, &m->ports);
		break;
	case F4_SUBNET:
		lw4o6_opt4_put_addr(w, code, m->subnet_mask);
		break;
	case F4_CLIENT_ID:
		put_span(w, code, m->client_id);
		break;
	case F4_PRL:
		put_span(w, code, m->prl);
		break;
	case F4_MESSAGE:
		put_span(w, code, m->message);
		break;
	case F4_VENDOR_CLASS:
		put_span(w, code, m->vendor_class);
		break;
	case F4_RELAY_INFO:
		put_span(w, code, m->relay_info);
		break;
	case F4_LAST_TRANSACTION:
		lw4o6_opt4_put_be32(w, code, m->last_transaction_s);
		break;
	case F4_ASSOCIATED:
		put_span(w, code, m->associated);
		break;
	case F4_STATUS:
		put_status(w, m);
		break;
	case F4_BASE_TIME:
		lw4o6_opt4_put_be32(w, code, m->base_time);
		break;
	case F4_START_OF_STATE:
		lw4o6_opt4_put_be32(w, code, m->start_of_state_s);
		break;
	case F4_QUERY_START:
		lw4o6_opt4_put_be32(w, code, m->query_start);
		break;
	case F4_QUERY_END:
		lw4o6_opt4_put_be32(w, code, m->query_end);
		break;
	case F4_STATE:
		lw4o6_opt4_put_u8(w, code, m->state);
		break;
	case F4_SOURCE:
		lw4o6_opt4_put_u8(w, code, m->source);
		break;
	}
}

void lw4o6_dhcp4_put_options(struct lw4o6_wr *w, const struct lw4o6_dhcp4_msg *m)
{
	for (uint32_t left = m->has & F4_ALL & ~(uint32_t)LW4O6_DHCP4_HAS_TYPE; left != 0; left &= left - 1)
		put_field(w, m, (unsigned)__builtin_ctz(left) + 1);
}

void lw4o6_dhcp4_put_others(struct lw4o6_wr *w, const uint8_t *buf, size_t len)
{
	struct lw4o6_opt4 o;

	if (len < LW4O6_DHCP4_HLEN)
		return;

	struct lw4o6_opt4_iter it = opt4_start(buf, len);

	while (opt4_step(&it, &o) == 1) {
		const struct opt_desc *d = opt4_desc(o.code);

		if (o.code != LW4O6_OPT4_OVERLOAD && (!d || d->field == 0))
			lw4o6_opt4_put(w, o.code, o.data, o.len);
	}
}
