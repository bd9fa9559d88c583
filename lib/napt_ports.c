#include "config.h"

#include "napt_int.h"

#include <string.h>

static uint32_t random_word(struct lw4o6_napt *n)
{
	if (n->random_left == 0) {
		n->host.random(n->host.arg, n->random, sizeof(n->random));
		n->random_left = RANDOM_WORDS;
	}
	return n->random[--n->random_left];
}

/* Without bias: what falls into the incomplete last stretch is drawn again. */
uint32_t napt_random_below(struct lw4o6_napt *n, uint32_t limit)
{
	uint32_t reject = (uint32_t)-limit % limit;

	for (;;) {
		uint64_t wide = (uint64_t)random_word(n) * limit;

		if ((uint32_t)wide >= reject)
			return (uint32_t)(wide >> 32);
	}
}

static uint32_t position_of(uint32_t index)
{
	return index >> 1 | (index & 1) << 15;
}

static uint32_t index_at(uint32_t position)
{
	return (position << 1 & 0xffff) | position >> 15;
}

static void flip(struct pool *p, uint32_t position, bool on)
{
	uint32_t step = on ? 1 : UINT32_MAX; /* -1, modulo 2^32 */

	p->bit[position / 64] ^= (uint64_t)1 << position % 64;
	p->group[position / 2048] = (uint16_t)(p->group[position / 2048] + step);
	p->half[position >> 15] += step;
}

bool napt_pool_has(const struct lw4o6_napt *n, const struct pool *p, uint16_t port)
{
	int i = lw4o6_psid_port_index(&n->ps, port);

	if (i < 0)
		return false;
	uint32_t pos = position_of((uint32_t)i);
	return (p->bit[pos / 64] >> pos % 64 & 1) != 0;
}

void napt_pool_set(struct lw4o6_napt *n, struct pool *p, uint16_t port, bool on)
{
	int i = lw4o6_psid_port_index(&n->ps, port);

	if (i >= 0 && napt_pool_has(n, p, port) != on)
		flip(p, position_of((uint32_t)i), on);
}

bool napt_port_reserved(const struct lw4o6_napt *n, unsigned space, uint16_t port)
{
	static const uint8_t protocol[LW4O6_NAPT_NSPACES] = {
		LW4O6_IPPROTO_TCP, LW4O6_IPPROTO_UDP, LW4O6_IPPROTO_ICMP, LW4O6_IPPROTO_UDPLITE,
	};

	if (port == 0 && space != LW4O6_NAPT_ICMP) /* D-273 */
		return true;
	for (size_t i = 0; i < n->cfg.n_reserved; i++) {
		const struct lw4o6_napt_reserved *r = &n->cfg.reserved[i];
		bool joint = n->cfg.joint && space == LW4O6_NAPT_TCP && r->protocol == LW4O6_IPPROTO_UDP;

		if ((r->protocol == 0 || r->protocol == protocol[space] || joint) && port >= r->first &&
		    port <= r->last)
			return true;
	}
	return false;
}

void napt_pools_fill(struct lw4o6_napt *n)
{
	memset(n->fresh, 0, sizeof(n->fresh));
	memset(n->stale, 0, sizeof(n->stale));
	for (unsigned space = 0; space < LW4O6_NAPT_NSPACES; space++) {
		n->in_use[space] = 0;
		for (uint32_t i = 0; i < n->nports; i++) {
			if (napt_port_reserved(n, space, (uint16_t)lw4o6_psid_nth_port(&n->ps, i)))
				n->in_use[space]++;
			else
				flip(&n->fresh[space], position_of(i), true);
		}
	}
}

/* The r-th set bit of one half, r < half[h]. */
static uint32_t select_bit(const struct pool *p, unsigned h, uint32_t r)
{
	uint32_t g = h * 16, w;

	for (; r >= p->group[g]; g++)
		r -= p->group[g];
	for (w = g * 32;; w++) {
		uint32_t have = (uint32_t)__builtin_popcountll(p->bit[w]);

		if (r < have)
			break;
		r -= have;
	}

	uint64_t word = p->bit[w];
	for (; r > 0; r--)
		word &= word - 1;
	return w * 64 + (uint32_t)__builtin_ctzll(word);
}

/* A uniformly random member of the pool, of the wanted half if it has one; -1: the pool is empty. */
static int choose(struct lw4o6_napt *n, const struct pool *p, int want)
{
	uint32_t total = p->half[0] + p->half[1], pos;

	if (total == 0)
		return -1;
	if (want >= 0 && p->half[want] > 0) {
		pos = select_bit(p, (unsigned)want, napt_random_below(n, p->half[want]));
	} else {
		uint32_t r = napt_random_below(n, total);
		bool odd = r >= p->half[0];

		pos = select_bit(p, odd, odd ? r - p->half[0] : r);
	}
	return lw4o6_psid_nth_port(&n->ps, index_at(pos));
}

/* Index parity is port parity when a range holds more than one port. */
static bool has_both_parities(const struct lw4o6_napt *n)
{
	return n->ps.len == 0 || n->ps.offset + n->ps.len < 16;
}

/*
 * D-296: uniform over the free ports, at the same cost whether one or all are free. D-270, D-272,
 * D-304: quarantined ports only when there are no others. -1: exhausted.
 */
int napt_port_choose(struct lw4o6_napt *n, unsigned space, uint16_t iport)
{
	bool parity = (space == LW4O6_NAPT_UDP || space == LW4O6_NAPT_UDPLITE || n->cfg.joint) &&
	              space != LW4O6_NAPT_ICMP && !n->cfg.no_parity && has_both_parities(n);
	int want = parity ? iport & 1 : -1;

	if (n->cfg.port_preserve && napt_pool_has(n, &n->fresh[space], iport))
		return iport;

	int port = choose(n, &n->fresh[space], want);
	return port >= 0 ? port : choose(n, &n->stale[space], want);
}
