#include "config.h"

#include "dhcp4_int.h"
#include "opt_int.h"

#include <lw4o6/s46.h>

/* The value of each known option; valid where the bit of the field is set. */
struct values {
	uint32_t seen, split; /* bits as in lw4o6_dhcp4_msg.has */
	struct lw4o6_span v[F4_COUNT];
};

static int decode_hdr(struct lw4o6_dhcp4_hdr *h, const uint8_t *p, size_t len)
{
	if (len < LW4O6_DHCP4_HLEN)
		return LW4O6_ETRUNC;
	if (get_be32(p + DHCP4_COOKIE_AT) != DHCP4_COOKIE || p[2] > sizeof(h->chaddr) ||
	    (p[0] != LW4O6_DHCP4_BOOTREQUEST && p[0] != LW4O6_DHCP4_BOOTREPLY))
		return LW4O6_EMALF;
	h->op = p[0];
	h->htype = p[1];
	h->hlen = p[2];
	h->hops = p[3];
	h->xid = get_be32(p + 4);
	h->secs = get_be16(p + 8);
	h->flags = get_be16(p + 10);
	memcpy(&h->ciaddr, p + 12, 4);
	memcpy(&h->yiaddr, p + 16, 4);
	memcpy(&h->siaddr, p + 20, 4);
	memcpy(&h->giaddr, p + 24, 4);
	memcpy(h->chaddr, p + DHCP4_CHADDR_AT, sizeof(h->chaddr));
	return LW4O6_OK;
}

/* Everything in front of scratch: clearing that too would cost more than the decoding. */
static void clear(struct lw4o6_dhcp4_msg *m)
{
	memset(m, 0, offsetof(struct lw4o6_dhcp4_msg, scratch));
}

static int collect(struct lw4o6_dhcp4_msg *m, struct values *vs, const uint8_t *buf, size_t len)
{
	struct lw4o6_opt4_iter it = opt4_start(buf, len);
	struct lw4o6_opt4 o;
	int r;

	vs->seen = vs->split = 0;
	while ((r = opt4_step(&it, &o)) == 1) {
		const struct opt_desc *d = opt4_desc(o.code);

		if (!d || d->field == 0)
			continue;

		uint32_t bit = (uint32_t)1 << (d->field - 1);

		vs->split |= vs->seen & bit;
		vs->v[d->field - 1] = (struct lw4o6_span){ o.data, o.len };
		vs->seen |= bit;
	}
	m->no_end = it.no_end;
	return r;
}

static struct lw4o6_span strip_nuls(struct lw4o6_span v)
{
	while (v.len > 0 && v.p[v.len - 1] == 0)
		v.len--;
	return v;
}

/* C-054: sub-options fill the body exactly; they have no pad and no end. */
static bool suboptions_ok(struct lw4o6_span v)
{
	struct rd r = rd_init(v.p, v.len);

	while (r.err == LW4O6_OK && rd_left(&r) > 0) {
		rd_u8(&r);
		rd_ptr(&r, rd_u8(&r));
	}
	return r.err == LW4O6_OK;
}

/* Option 55 without repeats, order kept (C-050); copied only when there are some. */
static bool list_codes(struct lw4o6_span *dst, struct lw4o6_span v, struct lw4o6_dhcp4_msg *m, size_t *used)
{
	uint64_t seen[4] = { 0 };
	size_t n = 0;
	uint8_t unique[256];

	for (size_t i = 0; i < v.len; i++) {
		uint64_t bit = (uint64_t)1 << v.p[i] % 64, *word = &seen[v.p[i] / 64];

		if (*word & bit)
			continue;
		*word |= bit;
		unique[n++] = v.p[i];
	}
	*dst = v;
	if (n == v.len)
		return true;
	if (n > sizeof(m->scratch) - *used)
		return false;
	memcpy(m->scratch + *used, unique, n);
	*dst = (struct lw4o6_span){ m->scratch + *used, n };
	*used += n;
	return true;
}

/* The options of leasequery, specification 1.7. */
static bool store_leasequery(struct lw4o6_dhcp4_msg *m, unsigned field, struct lw4o6_span v)
{
	switch (field) {
	case F4_LAST_TRANSACTION:
		m->last_transaction_s = get_be32(v.p);
		return true;
	case F4_ASSOCIATED:
		m->associated = v;
		return true;
	case F4_STATUS:
		if (memchr(v.p + 1, 0, v.len - 1))
			return false;
		m->status = v.p[0];
		m->status_text = (struct lw4o6_span){ v.p + 1, v.len - 1 };
		return true;
	case F4_BASE_TIME:
		m->base_time = get_be32(v.p);
		return true;
	case F4_START_OF_STATE:
		m->start_of_state_s = get_be32(v.p);
		return true;
	case F4_QUERY_START:
		m->query_start = get_be32(v.p);
		return true;
	case F4_QUERY_END:
		m->query_end = get_be32(v.p);
		return true;
	case F4_STATE:
		m->state = v.p[0];
		return true;
	case F4_SOURCE:
		m->source = v.p[0];
		return true;
	default:
		return false;
	}
}

/* One option, its length checked. false: the value is bad, and the option counts as absent. */
static bool store(struct lw4o6_dhcp4_msg *m, unsigned field, struct lw4o6_span v, size_t *used)
{
	switch (field) {
	case F4_REQUESTED:
		memcpy(&m->requested, v.p, 4);
		return true;
	case F4_LEASE:
		m->lease_s = get_be32(v.p);
		return true;
	case F4_SERVER_ID:
		memcpy(&m->server_id, v.p, 4);
		return true;
	case F4_MAX_SIZE:
		m->max_size = get_be16(v.p) < 576 ? 576 : get_be16(v.p);
		return true;
	case F4_T1:
		m->t1_s = get_be32(v.p);
		return true;
	case F4_T2:
		m->t2_s = get_be32(v.p);
		return true;
	case F4_SADDR:
		memcpy(&m->saddr, v.p, 16);
		return true;
	case F4_PORTS:
		return lw4o6_s46_portparams_decode(&m->ports, v.p, v.len) == LW4O6_OK;
	case F4_SUBNET:
		memcpy(&m->subnet_mask, v.p, 4);
		return true;
	case F4_TYPE:
		m->type = v.p[0];
		return true;
	case F4_CLIENT_ID:
		m->client_id = v;
		return true;
	case F4_PRL:
		return list_codes(&m->prl, v, m, used);
	case F4_MESSAGE:
		m->message = strip_nuls(v);
		return true;
	case F4_VENDOR_CLASS:
		m->vendor_class = v;
		return true;
	case F4_RELAY_INFO:
		if (!suboptions_ok(v))
			return false;
		m->relay_info = v;
		return true;
	default:
		return store_leasequery(m, field, v);
	}
}

uint8_t dhcp4_field_code(unsigned field)
{
	static const uint8_t codes[F4_COUNT + 1] = {
		[F4_REQUESTED] = LW4O6_OPT4_REQUESTED_ADDR,
		[F4_LEASE] = LW4O6_OPT4_LEASE_TIME,
		[F4_SERVER_ID] = LW4O6_OPT4_SERVER_ID,
		[F4_MAX_SIZE] = LW4O6_OPT4_MAX_SIZE,
		[F4_T1] = LW4O6_OPT4_T1,
		[F4_T2] = LW4O6_OPT4_T2,
		[F4_SADDR] = LW4O6_OPT4_S46_SADDR,
		[F4_PORTS] = LW4O6_OPT4_PORTPARAMS,
		[F4_SUBNET] = LW4O6_OPT4_SUBNET_MASK,
		[F4_TYPE] = LW4O6_OPT4_MSG_TYPE,
		[F4_CLIENT_ID] = LW4O6_OPT4_CLIENT_ID,
		[F4_PRL] = LW4O6_OPT4_PARAM_REQUEST,
		[F4_MESSAGE] = LW4O6_OPT4_MESSAGE,
		[F4_VENDOR_CLASS] = LW4O6_OPT4_VENDOR_CLASS,
		[F4_RELAY_INFO] = LW4O6_OPT4_RELAY_INFO,
		[F4_LAST_TRANSACTION] = LW4O6_OPT4_LAST_TRANSACTION,
		[F4_ASSOCIATED] = LW4O6_OPT4_ASSOCIATED_IP,
		[F4_STATUS] = LW4O6_OPT4_STATUS_CODE,
		[F4_BASE_TIME] = LW4O6_OPT4_BASE_TIME,
		[F4_START_OF_STATE] = LW4O6_OPT4_START_OF_STATE,
		[F4_QUERY_START] = LW4O6_OPT4_QUERY_START,
		[F4_QUERY_END] = LW4O6_OPT4_QUERY_END,
		[F4_STATE] = LW4O6_OPT4_DHCP_STATE,
		[F4_SOURCE] = LW4O6_OPT4_DATA_SOURCE,
	};

	return codes[field];
}

/* Check and store what was collected; split values are put together in scratch first. */
static int store_all(struct lw4o6_dhcp4_msg *m, struct values *vs, const uint8_t *buf, size_t len)
{
	size_t used = 0;

	for (uint32_t left = vs->seen; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		uint32_t bit = (uint32_t)1 << i;
		uint8_t code = dhcp4_field_code(i + 1);
		const struct opt_desc *d = opt4_desc(code);
		struct lw4o6_span v = vs->v[i];

		if (vs->split & bit) {
			uint8_t *dst = m->scratch + used;

			if (dhcp4_gather(buf, len, code, dst, sizeof(m->scratch) - used, &v.len) != LW4O6_OK)
				return LW4O6_EMALF;
			v.p = dst;
			used += v.len;
		}
		if (opt_len_ok(d, v.len) && store(m, i + 1, v, &used))
			m->has |= bit;
		else if (d->flags & OPT_FATAL)
			return LW4O6_EMALF;
		else
			m->bad |= bit;
	}
	return LW4O6_OK;
}

int lw4o6_dhcp4_decode(struct lw4o6_dhcp4_msg *m, const uint8_t *buf, size_t len)
{
	struct values vs;

	clear(m);

	int r = decode_hdr(&m->hdr, buf, len);

	if (r == LW4O6_OK)
		r = collect(m, &vs, buf, len);
	if (r == LW4O6_OK)
		r = store_all(m, &vs, buf, len);
	if (r != LW4O6_OK)
		return r;
	if (!(m->has & LW4O6_DHCP4_HAS_TYPE))
		return LW4O6_EMALF;
	return lw4o6_dhcp4_type_name(m->type) ? LW4O6_OK : LW4O6_EUNKNOWN;
}
