#include "config.h"

#include "server_int.h"

#include <arpa/inet.h>

struct in_addr pool_addr(const struct lw4o6_server *s, unsigned pool, uint32_t tuple)
{
	const struct pool *p = &s->pools[pool];
	uint32_t n = tuple / p->sets;

	for (size_t i = 0; i < p->cfg.n_ranges; i++) {
		uint32_t first = ntohl(p->cfg.ranges[i].first.s_addr), last = ntohl(p->cfg.ranges[i].last.s_addr);

		if (n <= last - first)
			return (struct in_addr){ htonl(first + n) };
		n -= last - first + 1;
	}
	return (struct in_addr){ 0 };
}

struct lw4o6_psid pool_ps(const struct pool *p, uint32_t tuple)
{
	struct lw4o6_psid ps = { 0, 0, 0 };

	if (p->psid)
		ps = (struct lw4o6_psid){ p->cfg.offset, p->cfg.psid_len, p->psid[tuple % p->sets] };
	return ps;
}

uint32_t pool_of_addr(const struct lw4o6_server *s, struct in_addr ipv4, uint32_t *address)
{
	uint32_t a = ntohl(ipv4.s_addr);
	size_t lo = 0, hi = s->n_ranges;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->ranges[mid].last < a)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->n_ranges || a < s->ranges[lo].first)
		return NONE;
	*address = s->ranges[lo].base + (a - s->ranges[lo].first);
	return s->ranges[lo].pool;
}

bool pool_find(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, unsigned *pool, uint32_t *tuple)
{
	uint32_t address = 0, n = pool_of_addr(s, ipv4, &address), set = 0;

	if (n == NONE)
		return false;

	const struct pool *p = &s->pools[n];

	if (ps->len != p->cfg.psid_len)
		return false;
	if (ps->len > 0) {
		set = ps->offset == p->cfg.offset && ps->id < 1u << ps->len ? p->set_of[ps->id] : NONE;
		if (set == NONE)
			return false;
	}
	*pool = n;
	*tuple = address * p->sets + set;
	return true;
}

bool pool_on_link(const struct server_link *l, unsigned pool)
{
	for (unsigned i = 0; i < l->n_pools; i++)
		if (l->pools[i] == pool)
			return true;
	return false;
}

/* S-069 to S-071. */
bool pool_suits(const struct lw4o6_server *s, const struct query *q, unsigned pool)
{
	if (!pool_on_link(q->link, pool))
		return false;
	if (s->pools[pool].psid)
		return q->wants_ports && !q->by_hardware;
	return !q->wants_ports || s->cfg.honour_with_full;
}

/* splitmix64 over a seed of the host's: unpredictable enough for spreading (S-076), and repeatable in tests. */
static uint32_t below(struct lw4o6_server *s, uint32_t n)
{
	uint64_t z = s->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (uint32_t)((z >> 32) * n >> 32);
}

static uint32_t pick_any(struct lw4o6_server *s, struct pool *p, const struct pickset *set)
{
	if (!s->cfg.round_robin)
		return pick_select(set, below(s, set->count));

	uint32_t r = pick_rank(set, p->next), i = pick_select(set, r == set->count ? 0 : r);

	p->next = i + 1 == set->n ? 0 : i + 1;
	return i;
}

/* A free tuple of one address. */
static bool pick_on_addr(struct lw4o6_server *s, const struct pool *p, uint32_t address, uint32_t *tuple)
{
	uint32_t lo = pick_rank(&p->free, address * p->sets);
	uint32_t hi = address + 1 == p->addresses ? p->free.count : pick_rank(&p->free, (address + 1) * p->sets);

	if (lo == hi)
		return false;
	*tuple = pick_select(&p->free, lo + below(s, hi - lo));
	return true;
}

/* What the client asks for by options 50 and 159, if it is free (S-064 (3), S-066, S-067). */
static bool choose_wanted(struct lw4o6_server *s, const struct query *q, unsigned *pool, uint32_t *tuple)
{
	uint32_t address = 0, n;
	bool ports = (q->m.has & LW4O6_DHCP4_HAS_PORTS) != 0;

	if (!(q->m.has & LW4O6_DHCP4_HAS_REQUESTED))
		return false;
	n = pool_of_addr(s, q->m.requested, &address);
	if (n == NONE || !pool_suits(s, q, n))
		return false;
	*pool = n;
	if (s->pools[n].psid == NULL || !ports) {
		return pick_on_addr(s, &s->pools[n], address, tuple);
	}
	return pool_find(s, q->m.requested, &q->m.ports, pool, tuple) && pick_has(&s->pools[n].free, *tuple);
}

bool pool_choose(struct lw4o6_server *s, const struct query *q, unsigned *pool, uint32_t *tuple)
{
	unsigned hint = q->m.has & LW4O6_DHCP4_HAS_PORTS ? q->m.ports.len : 0;

	if (choose_wanted(s, q, pool, tuple))
		return true;
	/* Never leased tuples before former leases of others; in each, pools of the size asked for first (S-065). */
	for (unsigned pass = 0; pass < 4; pass++) {
		for (unsigned i = 0; i < q->link->n_pools; i++) {
			unsigned n = q->link->pools[i];
			struct pool *p = &s->pools[n];
			const struct pickset *set = pass < 2 ? &p->free : &p->stale;
			bool right_size = hint > 0 && p->cfg.psid_len == hint;

			if (set->count == 0 || right_size != (pass % 2 == 0) || !pool_suits(s, q, n))
				continue;
			*pool = n;
			*tuple = pick_any(s, p, set);
			return true;
		}
	}
	return false;
}

static int compare_id(const struct lw4o6_span *x, const struct lw4o6_span *y)
{
	size_t n = x->len < y->len ? x->len : y->len;
	int c = n ? memcmp(x->p, y->p, n) : 0;

	if (c != 0)
		return c;
	return x->len < y->len ? -1 : x->len > y->len;
}

bool pool_fixed_of(const struct lw4o6_server *s, const struct query *q, unsigned *pool, uint32_t *tuple)
{
	size_t lo = 0, hi = s->cfg.n_fixed;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct lw4o6_server_fixed *f = &s->cfg.fixed[s->fixed_by_id[mid]];
		int c = compare_id(&f->client_id, &q->id);

		if (c == 0)
			return !q->by_hardware && pool_find(s, f->ipv4, &f->ps, pool, tuple);
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool pool_is_fixed(const struct lw4o6_server *s, unsigned pool, uint32_t tuple)
{
	struct in_addr ipv4 = pool_addr(s, pool, tuple);
	struct lw4o6_psid ps = pool_ps(&s->pools[pool], tuple);
	size_t lo = 0, hi = s->cfg.n_fixed;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct lw4o6_server_fixed *f = &s->cfg.fixed[s->fixed_by_tuple[mid]];
		uint32_t a = ntohl(f->ipv4.s_addr), b = ntohl(ipv4.s_addr);

		if (a == b && f->ps.id == ps.id)
			return true;
		if (a < b || (a == b && f->ps.id < ps.id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool pool_is_vacant(const struct lw4o6_server *s, unsigned pool, uint32_t tuple)
{
	struct lw4o6_psid ps = pool_ps(&s->pools[pool], tuple);
	uint32_t no = index_tuple(s, pool_addr(s, pool, tuple), &ps);

	return !pool_is_blocked(s, pool, tuple) && (no == NONE || lease_at(s, no)->stale);
}

bool pool_is_barred(const struct lw4o6_server *s, const struct query *q, const struct lease *l)
{
	unsigned pool = 0;
	uint32_t tuple = 0;

	return l->fixed && l->state != LW4O6_LEASE_ACTIVE &&
	       !(pool_fixed_of(s, q, &pool, &tuple) && pool == l->pool && tuple == l->tuple);
}

/* ---- leases of no pool: from before the pools were changed (S-061) ---- */

bool pool_is_blocked(const struct lw4o6_server *s, unsigned pool, uint32_t tuple)
{
	return s->pools[pool].blocked && s->pools[pool].blocked[tuple];
}

/* The next tuple, from *tuple on, of that address that overlaps the set. */
static bool next_overlap(const struct pool *p, uint32_t address, const struct lw4o6_psid *ps, uint32_t *tuple)
{
	for (; *tuple < (address + 1) * p->sets; (*tuple)++) {
		struct lw4o6_psid own = pool_ps(p, *tuple);

		if (lw4o6_psid_overlap(&own, ps))
			return true;
	}
	return false;
}

bool pool_overlaps(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	uint32_t address = 0, n = pool_of_addr(s, ipv4, &address);

	if (n == NONE)
		return false;
	for (uint32_t t = address * s->pools[n].sets; next_overlap(&s->pools[n], address, ps, &t); t++) {
		struct lw4o6_psid own = pool_ps(&s->pools[n], t);

		if (index_tuple(s, ipv4, &own) != NONE)
			return true;
	}
	return false;
}

bool pool_block(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	uint32_t address = 0, n = pool_of_addr(s, ipv4, &address);
	struct pool *p = n == NONE ? NULL : &s->pools[n];

	if (!p)
		return true;
	if (!p->blocked)
		p->blocked = mem_new_array(s, uint32_t, p->tuples);
	if (!p->blocked)
		return false;
	for (uint32_t t = address * p->sets; next_overlap(p, address, ps, &t); t++) {
		p->blocked[t]++;
		pick_remove(&p->free, t);
	}
	return true;
}

void pool_unblock(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	uint32_t address = 0, n = pool_of_addr(s, ipv4, &address);
	struct pool *p = n == NONE ? NULL : &s->pools[n];

	if (!p)
		return;
	/* No record was made of what was blocked. */
	for (uint32_t t = address * p->sets; next_overlap(p, address, ps, &t); t++)
		if (--p->blocked[t] == 0 && !pool_is_fixed(s, n, t))
			pick_add(&p->free, t);
}

bool pool_available(const struct lw4o6_server *s, unsigned pool, uint32_t tuple)
{
	return pick_has(&s->pools[pool].free, tuple) || pick_has(&s->pools[pool].stale, tuple);
}
