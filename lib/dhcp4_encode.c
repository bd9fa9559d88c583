#include "config.h"

#include "cursor.h"
#include "dhcp4_int.h"
#include "opt_int.h"

#include <lw4o6/s46.h>

void lw4o6_dhcp4_begin(struct lw4o6_wr *w, const struct lw4o6_dhcp4_hdr *hdr, uint8_t type)
{
	uint8_t fixed[LW4O6_DHCP4_HLEN + 3] = { hdr->op, hdr->htype, hdr->hlen, hdr->hops };

	if (hdr->hlen > sizeof(hdr->chaddr)) {
		if (w->err == LW4O6_OK)
			w->err = LW4O6_EINVAL;
		return;
	}
	put_be32(fixed + 4, hdr->xid);
	put_be16(fixed + 8, hdr->secs);
	put_be16(fixed + 10, hdr->flags);
	memcpy(fixed + 12, &hdr->ciaddr, 4);
	memcpy(fixed + 16, &hdr->yiaddr, 4);
	memcpy(fixed + 20, &hdr->siaddr, 4);
	memcpy(fixed + 24, &hdr->giaddr, 4);
	memcpy(fixed + DHCP4_CHADDR_AT, hdr->chaddr, sizeof(hdr->chaddr));
	put_be32(fixed + DHCP4_COOKIE_AT, DHCP4_COOKIE);
	fixed[LW4O6_DHCP4_HLEN] = LW4O6_OPT4_MSG_TYPE;
	fixed[LW4O6_DHCP4_HLEN + 1] = 1;
	fixed[LW4O6_DHCP4_HLEN + 2] = type;
	lw4o6_wr_put(w, fixed, sizeof(fixed));
}

void lw4o6_dhcp4_end(struct lw4o6_wr *w)
{
	lw4o6_wr_u8(w, LW4O6_OPT4_END);
}

static void put_ports(struct lw4o6_wr *w, const struct lw4o6_psid *ps)
{
	uint8_t body[4];
	ssize_t n = lw4o6_s46_portparams_encode(body, sizeof(body), ps);

	if (n > 0)
		lw4o6_opt4_put(w, LW4O6_OPT4_PORTPARAMS, body, (size_t)n);
	else if (w->err == LW4O6_OK)
		w->err = LW4O6_EINVAL;
}

static void put_status(struct lw4o6_wr *w, const struct lw4o6_dhcp4_msg *m)
{
	uint8_t body[LW4O6_DHCP4_SCRATCH];

	if (m->status_text.len > sizeof(body) - 1) {
		if (w->err == LW4O6_OK)
			w->err = LW4O6_EINVAL;
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
		lw4o6_opt4_put(w, code, &m->saddr, 16);
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
	for (unsigned field = 1; field <= F4_COUNT; field++) {
		if (field != F4_TYPE && m->has & (uint32_t)1 << (field - 1))
			put_field(w, m, field);
	}
}

void lw4o6_dhcp4_put_others(struct lw4o6_wr *w, const uint8_t *buf, size_t len)
{
	struct lw4o6_opt4 o;

	if (len < LW4O6_DHCP4_HLEN)
		return;

	struct lw4o6_opt4_iter it = lw4o6_opt4_walk(buf, len);

	while (lw4o6_opt4_next(&it, &o) == 1) {
		const struct opt_desc *d = opt4_desc(o.code);

		if (o.code != LW4O6_OPT4_OVERLOAD && (!d || d->field == 0))
			lw4o6_opt4_put(w, o.code, o.data, o.len);
	}
}
