#include "config.h"

#include <lw4o6/psid.h>
#include <stdio.h>
#include <string.h>

/* m, RFC 7597 section 5.1: the bits right of the PSID; 16 when there is no PSID. */
static unsigned low_bits(const struct lw4o6_psid *ps)
{
	return ps->len == 0 ? 16 : 16u - ps->offset - ps->len;
}

/* a, as far as it matters: without a PSID there is no excluded block (D-006). */
static unsigned high_bits(const struct lw4o6_psid *ps)
{
	return ps->len == 0 ? 0 : ps->offset;
}

static bool in_range(unsigned offset, unsigned len, unsigned id)
{
	return offset <= 15 && len <= 16 && offset + len <= 16 && (len == 0 || id < 1u << len);
}

int lw4o6_psid_init(struct lw4o6_psid *ps, unsigned offset, unsigned len, unsigned id)
{
	if (!in_range(offset, len, id))
		return LW4O6_EBADPSID;
	*ps = (struct lw4o6_psid){
		.offset = (uint8_t)(len ? offset : 0),
		.len = (uint8_t)len,
		.id = (uint16_t)(len ? id : 0),
	};
	return LW4O6_OK;
}

bool lw4o6_psid_valid(const struct lw4o6_psid *ps)
{
	return in_range(ps->offset, ps->len, ps->id);
}

bool lw4o6_psid_equal(const struct lw4o6_psid *x, const struct lw4o6_psid *y)
{
	if (x->len == 0 || y->len == 0)
		return x->len == y->len;
	return x->offset == y->offset && x->len == y->len && x->id == y->id;
}

int lw4o6_psid_of_port(unsigned offset, unsigned len, uint16_t port)
{
	if (len == 0)
		return 0;
	if (offset > 0 && port >> (16 - offset) == 0)
		return LW4O6_ENOENT;
	return (port >> (16 - offset - len)) & ((1 << len) - 1);
}

bool lw4o6_psid_has_port(const struct lw4o6_psid *ps, uint16_t port)
{
	return ps->len == 0 || lw4o6_psid_of_port(ps->offset, ps->len, port) == ps->id;
}

uint32_t lw4o6_psid_nranges(const struct lw4o6_psid *ps)
{
	unsigned a = high_bits(ps);

	return a == 0 ? 1 : (1u << a) - 1;
}

uint32_t lw4o6_psid_nports(const struct lw4o6_psid *ps)
{
	return lw4o6_psid_nranges(ps) << low_bits(ps);
}

int lw4o6_psid_nth_port(const struct lw4o6_psid *ps, uint32_t i)
{
	if (i >= lw4o6_psid_nports(ps))
		return LW4O6_ENOENT;

	unsigned m = low_bits(ps), a = high_bits(ps);
	uint32_t block = (i >> m) + (a > 0);
	uint32_t set = ps->len == 0 ? 0 : (uint32_t)ps->id << m;

	return (int)(block << (16 - a) | set | (i & ((1u << m) - 1)));
}

int lw4o6_psid_port_index(const struct lw4o6_psid *ps, uint16_t port)
{
	if (!lw4o6_psid_has_port(ps, port))
		return LW4O6_ENOENT;

	unsigned m = low_bits(ps), a = high_bits(ps);
	uint32_t block = a == 0 ? 0 : ((uint32_t)port >> (16 - a)) - 1;

	return (int)(block << m | (port & ((1u << m) - 1)));
}

int lw4o6_psid_nth_range(const struct lw4o6_psid *ps, uint32_t i, uint16_t *first, uint16_t *last)
{
	if (i >= lw4o6_psid_nranges(ps))
		return LW4O6_ENOENT;

	unsigned m = low_bits(ps);
	int p = lw4o6_psid_nth_port(ps, i << m);

	*first = (uint16_t)p;
	*last = (uint16_t)((unsigned)p + (1u << m) - 1);
	return LW4O6_OK;
}

/* The first range that does not end before a port, by its block number: no loop over ranges. */
bool lw4o6_psid_touches(const struct lw4o6_psid *ps, uint16_t first, uint16_t last)
{
	unsigned a = high_bits(ps);
	uint32_t i = a == 0 ? 0 : (uint32_t)first >> (16 - a);
	uint16_t lo, hi;

	if (a > 0 && i > 0)
		i--;
	for (uint32_t end = i + 2; i < end; i++) {
		if (lw4o6_psid_nth_range(ps, i, &lo, &hi) != LW4O6_OK)
			return false;
		if (lo <= last && hi >= first)
			return true;
	}
	return false;
}

bool lw4o6_psid_overlap(const struct lw4o6_psid *x, const struct lw4o6_psid *y)
{
	if (x->len == 0 || y->len == 0)
		return true;
	if (x->offset == y->offset && x->len == y->len)
		return x->id == y->id;

	if (lw4o6_psid_nranges(x) > lw4o6_psid_nranges(y)) {
		const struct lw4o6_psid *t = x;
		x = y;
		y = t;
	}
	for (uint32_t i = 0, n = lw4o6_psid_nranges(x); i < n; i++) {
		uint16_t lo, hi;

		if (lw4o6_psid_nth_range(x, i, &lo, &hi) == LW4O6_OK && lw4o6_psid_touches(y, lo, hi))
			return true;
	}
	return false;
}

int lw4o6_psid_b4_addr(struct in6_addr *dst, const struct in6_addr *prefix, unsigned prefix_len,
                       struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	uint8_t iid[16] = { 0 };
	uint16_t id = ps->len == 0 ? 0 : ps->id;

	if (prefix_len > 128 || !lw4o6_psid_valid(ps))
		return LW4O6_EINVAL;
	memcpy(iid + 10, &ipv4, 4);
	iid[14] = (uint8_t)(id >> 8);
	iid[15] = (uint8_t)id;
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = prefix_len > 8 * i ? prefix_len - 8 * i : 0;
		uint8_t mask = (uint8_t)(bits >= 8 ? 0xff : 0xff00 >> bits);

		dst->s6_addr[i] = (uint8_t)((prefix->s6_addr[i] & mask) | (iid[i] & ~mask));
	}
	return LW4O6_OK;
}

const char *lw4o6_psid_str(const struct lw4o6_psid *ps, char dst[LW4O6_PSID_STRLEN])
{
	uint32_t n = lw4o6_psid_nranges(ps);
	uint16_t lo = 0, hi = 0, last_lo = 0, last_hi = 0;
	int used;

	if (ps->len == 0) {
		snprintf(dst, LW4O6_PSID_STRLEN, "whole address: 65536 ports, 0-65535");
		return dst;
	}
	if (lw4o6_psid_nth_range(ps, 0, &lo, &hi) != LW4O6_OK ||
	    lw4o6_psid_nth_range(ps, n - 1, &last_lo, &last_hi) != LW4O6_OK)
		n = 0;
	used = snprintf(dst, LW4O6_PSID_STRLEN, "psid %u/%u offset %u: %u ports, %u-%u", ps->id, ps->len,
	                ps->offset, lw4o6_psid_nports(ps), lo, hi);
	if (n > 1 && used > 0 && used < LW4O6_PSID_STRLEN)
		snprintf(dst + used, LW4O6_PSID_STRLEN - (size_t)used, " ... %u-%u (%u ranges of %u, every %u)",
		         last_lo, last_hi, n, hi - lo + 1u, 1u << (16 - ps->offset));
	return dst;
}
