#include "config.h"

#include "opt_int.h"

#include <lw4o6/ip.h>
#include <lw4o6/s46.h>

enum { ADDR6 = 16, PORTPARAMS = 4 };

int lw4o6_s46_portparams_decode(struct lw4o6_psid *dst, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	unsigned offset = rd_u8(&r), k = rd_u8(&r);
	uint32_t field = rd_be16(&r);

	if (rd_done(&r) != LW4O6_OK)
		return rd_done(&r);
	if (k > 16)
		return LW4O6_EBADPSID;
	/* Padding bits set mean a right-justified sender: masking would give another's set (C-021, A-02). */
	if (k > 0 && (field << k & 0xffff) != 0)
		return LW4O6_EBADPSID;
	return lw4o6_psid_init(dst, offset, k, field >> (16 - k));
}

ssize_t lw4o6_s46_portparams_encode(uint8_t *dst, size_t room, const struct lw4o6_psid *ps)
{
	if (!lw4o6_psid_valid(ps))
		return LW4O6_EBADPSID;
	if (room < PORTPARAMS)
		return LW4O6_ESPACE;
	dst[0] = ps->offset;
	dst[1] = ps->len;
	put_be16(dst + 2, (uint16_t)(ps->len == 0 ? 0 : ps->id << (16 - ps->len)));
	return PORTPARAMS;
}

static bool list_has(const struct in6_addr *list, unsigned n, const uint8_t *addr)
{
	for (unsigned i = 0; i < n; i++) {
		if (memcmp(&list[i], addr, ADDR6) == 0)
			return true;
	}
	return false;
}

int lw4o6_s46_servers_decode(struct lw4o6_s46_servers *dst, const uint8_t *body, size_t len)
{
	if (len % ADDR6 != 0)
		return LW4O6_EMALF;
	dst->present = true;
	dst->n = 0;
	for (size_t i = 0; i < len && dst->n < LW4O6_S46_SERVERS_MAX; i += ADDR6) {
		if (!list_has(dst->addr, dst->n, body + i))
			memcpy(&dst->addr[dst->n++], body + i, ADDR6);
	}
	return LW4O6_OK;
}

static void add_br(struct lw4o6_s46_br_list *dst, const struct lw4o6_opt6 *o)
{
	if (o->len == ADDR6 && dst->n < LW4O6_S46_BR_MAX)
		memcpy(&dst->addr[dst->n++], o->data, ADDR6);
}

void lw4o6_s46_br_collect(struct lw4o6_s46_br_list *dst, const uint8_t *options, size_t len)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(options, len);
	struct lw4o6_opt6 o;

	dst->n = 0;
	while (opt6_step(&it, &o) == 1) {
		if (o.code == LW4O6_OPT6_S46_BR)
			add_br(dst, &o);
	}
}

static size_t prefix_octets(unsigned bits)
{
	return (bits + 7) / 8;
}

/* Length octet and the octets it asks for, pad bits masked. */
static int read_prefix(struct lw4o6_s46_prefix *dst, struct rd *r)
{
	struct lw4o6_s46_prefix p = { .len = rd_u8(r) };

	if (p.len > 128)
		return LW4O6_EMALF;
	if (!rd_take(r, &p.prefix, prefix_octets(p.len)))
		return r->err;
	if (p.len % 8 != 0)
		p.prefix.s6_addr[p.len / 8] &= (uint8_t)(0xff00 >> p.len % 8);
	*dst = p;
	return r->err;
}

int lw4o6_s46_prefix_decode(struct lw4o6_s46_prefix *dst, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	struct lw4o6_s46_prefix p;
	int err = read_prefix(&p, &r);

	if (err == LW4O6_OK)
		err = rd_done(&r);
	if (err == LW4O6_OK)
		*dst = p;
	return err;
}

ssize_t lw4o6_s46_prefix_encode(uint8_t *dst, size_t room, const struct lw4o6_s46_prefix *p)
{
	if (p->len > 128)
		return LW4O6_EINVAL;

	size_t n = prefix_octets(p->len);

	if (room < 1 + n)
		return LW4O6_ESPACE;
	dst[0] = p->len;
	memcpy(dst + 1, &p->prefix, n);
	if (p->len % 8 != 0)
		dst[n] &= (uint8_t)(0xff00 >> p->len % 8);
	return (ssize_t)(1 + n);
}

/* Sub-options of option 92. */
static int read_bind_options(struct lw4o6_psid *ports, struct rd *r)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(r->p, rd_left(r));
	struct lw4o6_opt6 o;
	bool have = false;
	int err;

	while ((err = opt6_step(&it, &o)) == 1) {
		if (o.code != LW4O6_OPT6_S46_PORTPARAMS || have)
			continue;
		have = true;
		err = lw4o6_s46_portparams_decode(ports, o.data, o.len);
		if (err != LW4O6_OK)
			return err;
	}
	return err;
}

static int read_bind(struct lw4o6_s46_lw *lw, const struct lw4o6_opt6 *o)
{
	struct rd r = rd_init(o->data, o->len);

	if (lw->has_bind)
		return LW4O6_EMALF;
	rd_take(&r, &lw->ipv4, 4);
	int err = read_prefix(&lw->bind, &r);
	if (err != LW4O6_OK)
		return err;
	lw->has_bind = true;
	return read_bind_options(&lw->ports, &r);
}

int lw4o6_s46_lw_decode(struct lw4o6_s46_lw *dst, const uint8_t *body, size_t len)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(body, len);
	struct lw4o6_s46_lw lw = { .has_bind = false };
	struct lw4o6_opt6 o;
	int r, err = LW4O6_OK;

	while (err == LW4O6_OK && (r = opt6_step(&it, &o)) != 0) {
		if (r < 0)
			return r;
		switch (o.code) {
		case LW4O6_OPT6_S46_BR:
			add_br(&lw.br, &o);
			break;
		case LW4O6_OPT6_S46_V4V6BIND:
			err = read_bind(&lw, &o);
			break;
		case LW4O6_OPT6_S46_RULE:
		case LW4O6_OPT6_S46_DMR:
		case LW4O6_OPT6_S46_CONT_MAPE:
		case LW4O6_OPT6_S46_CONT_MAPT:
		case LW4O6_OPT6_S46_CONT_LW:
			err = LW4O6_EMALF;
			break;
		}
	}
	if (err == LW4O6_OK && lw.br.n == 0)
		err = LW4O6_EMALF;
	if (err == LW4O6_OK)
		*dst = lw;
	return err;
}

static void put_bind(struct lw4o6_wr *w, const struct lw4o6_s46_lw *lw)
{
	uint8_t prefix[1 + ADDR6], ports[PORTPARAMS];
	ssize_t prefix_n = lw4o6_s46_prefix_encode(prefix, sizeof(prefix), &lw->bind);
	ssize_t ports_n = lw4o6_s46_portparams_encode(ports, sizeof(ports), &lw->ports);

	if (prefix_n < 0 || ports_n < 0) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}

	size_t mark = lw4o6_opt6_open(w, LW4O6_OPT6_S46_V4V6BIND);

	lw4o6_wr_put(w, &lw->ipv4, 4);
	lw4o6_wr_put(w, prefix, (size_t)prefix_n);
	if (lw->ports.len > 0)
		lw4o6_opt6_put(w, LW4O6_OPT6_S46_PORTPARAMS, ports, (size_t)ports_n);
	lw4o6_opt6_close(w, mark);
}

void lw4o6_s46_lw_put(struct lw4o6_wr *w, const struct lw4o6_s46_lw *lw)
{
	if (lw->br.n == 0 || lw->br.n > LW4O6_S46_BR_MAX) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}

	size_t mark = lw4o6_opt6_open(w, LW4O6_OPT6_S46_CONT_LW);

	for (unsigned i = 0; i < lw->br.n; i++)
		lw4o6_opt6_put(w, LW4O6_OPT6_S46_BR, &lw->br.addr[i], ADDR6);
	if (lw->has_bind)
		put_bind(w, lw);
	lw4o6_opt6_close(w, mark);
}

static bool is_mechanism(uint16_t code)
{
	return code == LW4O6_OPT6_AFTR_NAME || code == LW4O6_OPT6_4O6_SERVER || code == LW4O6_OPT6_S46_CONT_MAPE ||
	       code == LW4O6_OPT6_S46_CONT_MAPT || code == LW4O6_OPT6_S46_CONT_LW;
}

int lw4o6_s46_priority_decode(struct lw4o6_s46_priority *dst, const uint8_t *body, size_t len)
{
	struct lw4o6_s46_priority p = { .n = 0 };
	uint8_t seen[(UINT16_MAX + 1) / 8] = { 0 };

	if (len < 2 || len % 2 != 0)
		return LW4O6_EMALF;
	for (size_t i = 0; i < len; i += 2) {
		uint16_t code = get_be16(body + i);
		uint8_t bit = (uint8_t)(1 << code % 8);

		if (seen[code / 8] & bit)
			return LW4O6_EMALF;
		seen[code / 8] |= bit;
		if (is_mechanism(code))
			p.code[p.n++] = code;
	}
	*dst = p;
	return LW4O6_OK;
}

int lw4o6_s46_match_hint(const struct lw4o6_s46_prefix *hint, const struct lw4o6_s46_prefix *active, size_t n)
{
	int best = LW4O6_ENOENT;
	unsigned best_bits = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned bits = hint->len < active[i].len ? hint->len : active[i].len;

		if (!lw4o6_ip6_prefix_match(&hint->prefix, &active[i].prefix, bits))
			continue;
		if (best < 0 || bits > best_bits) {
			best = (int)i;
			best_bits = bits;
		}
	}
	return best;
}
