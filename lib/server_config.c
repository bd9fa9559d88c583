#include "config.h"

#include "server_int.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TUPLES_MAX = 1 << 28 };

static const struct lw4o6_server_portrange system_ports = { 0, 1023 };

void lw4o6_server_config_init_sized(struct lw4o6_server_config *cfg, size_t size)
{
	const struct lw4o6_server_config defaults = {
		.size = size, .offer_hold_s = 60, .lease_min_s = 300, .lease_default_s = 3600, .lease_max_s = 86400,
		.quarantine_s = 86400, .saddr_interval_s = 60, .prefix_len = 56, .rate_per_s = 100, .rate_burst = 200,
		.client_port = LW4O6_DHCP6_CLIENT_PORT, .relay_port = LW4O6_DHCP6_SERVER_PORT, .queue = 256,
		.reserved = &system_ports, .n_reserved = 1,
	};

	memcpy(cfg, &defaults, size < sizeof(defaults) ? size : sizeof(defaults));
}

static int refuse(char *reason, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(char *reason, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, LW4O6_SERVER_REASON, fmt, ap);
	va_end(ap);
	return code;
}

static const char *v4(struct in_addr a, char dst[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, dst, INET_ADDRSTRLEN);
}

/* ---- copies ---- */

/* A copy of an array of the caller's, which may be empty. @return false: no memory. */
static bool copy(TALLOC_CTX *mem, const void **p, size_t n, size_t size)
{
	if (n == 0) {
		*p = NULL;
		return true;
	}

	uint8_t *q = mem_zalloc(mem, size, n, "config");

	if (!q)
		return false;
	memcpy(q, *p, n * size);
	*p = q;
	return true;
}

static bool copy_span(TALLOC_CTX *mem, struct lw4o6_span *x)
{
	return x->p == NULL || copy(mem, (const void **)(void *)&x->p, x->len, 1);
}

static bool copy_text(TALLOC_CTX *mem, const char **text)
{
	const char *t = *text ? *text : "";
	char *c = mem_new_array(mem, char, strlen(t) + 1);

	if (c)
		memcpy(c, t, strlen(t) + 1);
	*text = c;
	return c != NULL;
}

#define COPY(field, n) copy(s, (const void **)(void *)&(field), (n), sizeof(*(field)))

static int copy_config(struct lw4o6_server *s)
{
	struct lw4o6_server_config *c = &s->cfg;
	bool ok = copy_span(s, &c->duid) && COPY(c->aliases, c->n_aliases) && COPY(c->links, c->n_links) &&
	          COPY(c->selectors, c->n_selectors) && COPY(c->pools, c->n_pools) && COPY(c->fixed, c->n_fixed) &&
	          COPY(c->prebinds, c->n_prebinds) && COPY(c->options, c->n_options) && COPY(c->reserved, c->n_reserved);

	if (!ok)
		return LW4O6_ENOMEM;

	struct lw4o6_server_selector *sel = (struct lw4o6_server_selector *)(uintptr_t)c->selectors;
	struct lw4o6_server_fixed *fixed = (struct lw4o6_server_fixed *)(uintptr_t)c->fixed;
	struct lw4o6_server_prebind *pre = (struct lw4o6_server_prebind *)(uintptr_t)c->prebinds;
	struct lw4o6_server_option *opt = (struct lw4o6_server_option *)(uintptr_t)c->options;

	for (size_t i = 0; i < c->n_selectors; i++)
		ok = ok && copy_span(s, &sel[i].id);
	for (size_t i = 0; i < c->n_fixed; i++)
		ok = ok && copy_span(s, &fixed[i].client_id);
	for (size_t i = 0; i < c->n_prebinds; i++)
		ok = ok && copy_span(s, &pre[i].duid);
	for (size_t i = 0; i < c->n_options; i++)
		ok = ok && copy_span(s, &opt[i].value);
	return ok ? LW4O6_OK : LW4O6_ENOMEM;
}

/* ---- single values ---- */

static int check_times(const struct lw4o6_server_config *c, char *reason)
{
	if (c->offer_hold_s < 5 || c->offer_hold_s > 600)
		return refuse(reason, LW4O6_EINVAL, "offer-hold %u is not in 5..600", c->offer_hold_s);
	if (c->lease_min_s < 60 || c->lease_min_s == UINT32_MAX)
		return refuse(reason, LW4O6_EINVAL, "lease-min %u is less than 60, or for ever", c->lease_min_s);
	if (c->lease_default_s < c->lease_min_s || c->lease_max_s < c->lease_default_s)
		return refuse(reason, LW4O6_EINVAL, "not lease-min %u <= lease-default %u <= lease-max %u", c->lease_min_s,
		              c->lease_default_s, c->lease_max_s);
	if ((c->t1_s == 0) != (c->t2_s == 0) || (c->t1_s && (c->t1_s >= c->t2_s || c->t2_s >= c->lease_max_s)))
		return refuse(reason, LW4O6_EINVAL, "not 0 < T1 %u < T2 %u < lease-max %u", c->t1_s, c->t2_s, c->lease_max_s);
	return LW4O6_OK;
}

static int check_values(const struct lw4o6_server_config *c, char *reason)
{
	uint32_t id = ntohl(c->server_id.s_addr);

	if (c->duid.len < LW4O6_DUID_MIN || c->duid.len > LW4O6_DUID_MAX)
		return refuse(reason, LW4O6_EINVAL, "the DUID has %zu octets, not 3..130", c->duid.len);
	if (id == 0 || id >> 28 >= 0xe)
		return refuse(reason, LW4O6_EINVAL, "server-id is not a unicast address (option 54, S-043)");
	if (c->n_links == 0)
		return refuse(reason, LW4O6_EINVAL, "no link");
	if (c->prefix_limit > UINT16_MAX || c->prefix_len < 1 || c->prefix_len > 128)
		return refuse(reason, LW4O6_EINVAL, "max-leases-per-prefix %u or prefix-len %u out of range", c->prefix_limit,
		              c->prefix_len);
	if (c->queue < 8 || c->queue > 65536)
		return refuse(reason, LW4O6_EINVAL, "queue %u is not in 8..65536", c->queue);
	for (size_t i = 0; i < c->n_reserved; i++)
		if (c->reserved[i].first > c->reserved[i].last)
			return refuse(reason, LW4O6_EINVAL, "reserved-ports %u-%u ends before it begins", c->reserved[i].first,
			              c->reserved[i].last);
	for (size_t i = 0; i < c->n_options; i++) {
		/* What the machine itself writes, or what must never be sent (S-041). */
		static const uint8_t own[] = { 0, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 61, 80, 82, 90, 109, 145, 159, 255 };

		if (memchr(own, c->options[i].code, sizeof(own)) || !c->options[i].value.p || c->options[i].value.len == 0)
			return refuse(reason, LW4O6_EINVAL, "DHCPv4 option %u cannot be configured, or is empty", c->options[i].code);
	}
	return check_times(c, reason);
}

static bool usable_list(const struct lw4o6_s46_br_list *br)
{
	for (unsigned i = 0; i < br->n; i++)
		if (br->n > LW4O6_S46_BR_MAX || IN6_IS_ADDR_UNSPECIFIED(&br->addr[i]) || IN6_IS_ADDR_MULTICAST(&br->addr[i]) ||
		    IN6_IS_ADDR_LINKLOCAL(&br->addr[i]))
			return false;
	return true;
}

/* S-014 to S-019. */
static int check_link(const struct lw4o6_server_link *l, char *reason)
{
	static const uint16_t registered[] = { 64, 88, 94, 95, 96 };

	if (l->has_refresh && l->refresh_s < 600)
		return refuse(reason, LW4O6_EINVAL, "link %s: information-refresh %u is less than 600", l->name, l->refresh_s);
	if (l->sol_max_rt_s && (l->sol_max_rt_s < 60 || l->sol_max_rt_s > 86400))
		return refuse(reason, LW4O6_EINVAL, "link %s: sol-max-rt %u is not in 60..86400", l->name, l->sol_max_rt_s);
	if (l->inf_max_rt_s && (l->inf_max_rt_s < 60 || l->inf_max_rt_s > 86400))
		return refuse(reason, LW4O6_EINVAL, "link %s: inf-max-rt %u is not in 60..86400", l->name, l->inf_max_rt_s);
	if (l->servers.n > LW4O6_S46_SERVERS_MAX || l->priority.n > LW4O6_S46_PRIORITY_MAX || !usable_list(&l->br))
		return refuse(reason, LW4O6_EINVAL, "link %s: too many addresses, or an unusable br", l->name);
	for (unsigned i = 0; i < l->priority.n; i++) {
		bool known = false;

		for (size_t k = 0; k < sizeof(registered) / sizeof(registered[0]); k++)
			known = known || l->priority.code[i] == registered[k];
		for (unsigned k = 0; k < i; k++)
			known = known && l->priority.code[k] != l->priority.code[i];
		if (!known)
			return refuse(reason, LW4O6_EINVAL, "link %s: s46-priority %u is not registered, or there twice", l->name,
			              l->priority.code[i]);
	}
	return LW4O6_OK;
}

/* ---- pools ---- */

static bool is_excluded(const struct lw4o6_server_config *c, const struct lw4o6_server_pool *p, uint32_t id)
{
	const struct lw4o6_psid ps = { p->offset, p->psid_len, (uint16_t)id };

	for (size_t i = 0; i < p->n_excluded; i++)
		if (p->excluded[i] == id)
			return true;
	for (size_t i = 0; i < c->n_reserved; i++)
		if (lw4o6_psid_touches(&ps, c->reserved[i].first, c->reserved[i].last))
			return true;
	return false;
}

/* Which sets of an address may be leased (S-063). */
static int load_sets(struct lw4o6_server *s, struct pool *p, char *reason)
{
	uint32_t all = 1u << p->cfg.psid_len;

	p->sets = 1;
	if (p->cfg.psid_len == 0)
		return LW4O6_OK;
	p->psid = mem_new_array(s, uint16_t, all);
	p->set_of = mem_new_array(s, uint32_t, all);
	if (!p->psid || !p->set_of)
		return LW4O6_ENOMEM;
	p->sets = 0;
	for (uint32_t id = 0; id < all; id++) {
		p->set_of[id] = NONE;
		if (is_excluded(&s->cfg, &p->cfg, id))
			continue;
		p->set_of[id] = p->sets;
		p->psid[p->sets++] = (uint16_t)id;
	}
	if (p->sets == 0)
		return refuse(reason, LW4O6_EINVAL, "pool %s: offset %u psid-len %u leaves no port set without reserved ports",
		              p->cfg.name, p->cfg.offset, p->cfg.psid_len);
	return LW4O6_OK;
}

static int load_ranges(struct lw4o6_server *s, unsigned n, struct range *r, char *reason)
{
	struct pool *p = &s->pools[n];
	uint64_t addresses = 0;
	char a[INET_ADDRSTRLEN];

	for (size_t i = 0; i < p->cfg.n_ranges; i++, r++) {
		*r = (struct range){ .first = ntohl(p->cfg.ranges[i].first.s_addr), .last = ntohl(p->cfg.ranges[i].last.s_addr),
			             .base = (uint32_t)addresses, .pool = (uint16_t)n };
		if (r->first > r->last)
			return refuse(reason, LW4O6_EINVAL, "pool %s: the range from %s ends before it begins", p->cfg.name,
			              v4(p->cfg.ranges[i].first, a));
		if (r->first >> 24 == 0 || r->first >> 24 == 127 || r->last >> 28 >= 0xe || (r->first <= 0x7fffffff && r->last >= 0x7f000000))
			return refuse(reason, LW4O6_EINVAL, "pool %s: the range from %s holds addresses that no host may have",
			              p->cfg.name, v4(p->cfg.ranges[i].first, a));
		addresses += (uint64_t)r->last - r->first + 1;
	}
	if (addresses == 0 || addresses * p->sets > TUPLES_MAX)
		return refuse(reason, LW4O6_EINVAL, "pool %s: %llu addresses with %u sets each: none, or too many", p->cfg.name,
		              (unsigned long long)addresses, p->sets);
	p->addresses = (uint32_t)addresses;
	p->tuples = p->addresses * p->sets;
	return LW4O6_OK;
}

static int load_pool(struct lw4o6_server *s, unsigned n, struct range *ranges, char *reason)
{
	struct pool *p = &s->pools[n];
	struct lw4o6_psid ps;
	int r;

	p->cfg = s->cfg.pools[n];
	if (!copy_text(s, &p->cfg.name) || !COPY(p->cfg.ranges, p->cfg.n_ranges) ||
	    !COPY(p->cfg.excluded, p->cfg.n_excluded) || !COPY(p->cfg.links, p->cfg.n_links))
		return LW4O6_ENOMEM;
	if (lw4o6_psid_init(&ps, p->cfg.offset, p->cfg.psid_len, 0) != LW4O6_OK)
		return refuse(reason, LW4O6_EINVAL, "pool %s: offset %u and psid-len %u: out of range, or more than 16 together",
		              p->cfg.name, p->cfg.offset, p->cfg.psid_len);
	if (p->cfg.br.n == 0 || !usable_list(&p->cfg.br))
		return refuse(reason, LW4O6_EINVAL, "pool %s: no br, or an unusable one (S-039)", p->cfg.name);
	if (p->cfg.has_hint && p->cfg.hint.len > 128)
		return refuse(reason, LW4O6_EINVAL, "pool %s: prefix hint longer than 128", p->cfg.name);
	for (size_t i = 0; i < p->cfg.n_links; i++)
		if (p->cfg.links[i] >= s->cfg.n_links)
			return refuse(reason, LW4O6_EINVAL, "pool %s: link %u does not exist", p->cfg.name, p->cfg.links[i]);
	r = load_sets(s, p, reason);
	if (r == LW4O6_OK)
		r = load_ranges(s, n, ranges, reason);
	if (r == LW4O6_OK && (pick_init(&p->free, s, p->tuples) != LW4O6_OK || pick_init(&p->stale, s, p->tuples) != LW4O6_OK))
		r = LW4O6_ENOMEM;
	if (r == LW4O6_OK)
		pick_fill(&p->free);
	return r;
}

static int by_first(const void *x, const void *y)
{
	const struct range *a = x, *b = y;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* S-061, S-072: no address in two pools, nor twice in one. */
static int load_pools(struct lw4o6_server *s, char *reason)
{
	size_t n = 0;
	char a[INET_ADDRSTRLEN];

	if (s->cfg.n_pools >= UINT16_MAX)
		return refuse(reason, LW4O6_EINVAL, "too many pools");
	for (size_t i = 0; i < s->cfg.n_pools; i++)
		s->n_ranges += s->cfg.pools[i].n_ranges;
	s->pools = mem_new_array(s, struct pool, s->cfg.n_pools);
	s->ranges = mem_new_array(s, struct range, s->n_ranges);
	if (!s->pools || !s->ranges)
		return LW4O6_ENOMEM;
	for (unsigned i = 0; i < s->cfg.n_pools; i++) {
		int r = load_pool(s, i, s->ranges + n, reason);

		if (r != LW4O6_OK)
			return r;
		n += s->cfg.pools[i].n_ranges;
	}
	if (n > 1)
		qsort(s->ranges, n, sizeof(*s->ranges), by_first);
	for (size_t i = 1; i < n; i++)
		if (s->ranges[i].first <= s->ranges[i - 1].last)
			return refuse(reason, LW4O6_ECONFLICT, "pools %s and %s share the address %s",
			              s->pools[s->ranges[i - 1].pool].cfg.name, s->pools[s->ranges[i].pool].cfg.name,
			              v4((struct in_addr){ htonl(s->ranges[i].first) }, a));
	return LW4O6_OK;
}

/* Which pools serve a link: its own first, of them the preferred kind first. */
static int load_link(struct lw4o6_server *s, unsigned n, char *reason)
{
	struct server_link *l = &s->links[n];

	l->cfg = s->cfg.links[n];
	l->pools = mem_new_array(s, unsigned, s->cfg.n_pools);
	if (!copy_text(s, &l->cfg.name) || !COPY(l->cfg.saddr_prefixes, l->cfg.n_saddr_prefixes) || !l->pools)
		return LW4O6_ENOMEM;
	for (unsigned pass = 0; pass < 4; pass++) {
		for (unsigned i = 0; i < s->cfg.n_pools; i++) {
			const struct pool *p = &s->pools[i];
			bool full = p->cfg.psid_len == 0, own = false;

			for (size_t k = 0; k < p->cfg.n_links; k++)
				own = own || p->cfg.links[k] == n;
			if ((p->cfg.n_links > 0 && !own) || own != (pass < 2) || full != (s->cfg.honour_with_full == (pass % 2 == 0)))
				continue;
			l->pools[l->n_pools++] = i;
			l->has_full = l->has_full || full;
			l->has_shared = l->has_shared || !full;
		}
	}
	return check_link(&l->cfg, reason);
}

/* ---- fixed assignments and deterministic bindings ---- */

struct ordered {
	const void *item;
	uint32_t i;
};

static int compare_octets(const struct lw4o6_span *x, const struct lw4o6_span *y)
{
	int c = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return c ? c : x->len < y->len ? -1 : x->len > y->len;
}

static int compare_tuple(struct in_addr xa, const struct lw4o6_psid *xp, struct in_addr ya, const struct lw4o6_psid *yp)
{
	uint32_t a = ntohl(xa.s_addr), b = ntohl(ya.s_addr);

	if (a != b)
		return a < b ? -1 : 1;
	return xp->id < yp->id ? -1 : xp->id > yp->id;
}

static int fixed_id_order(const void *x, const void *y)
{
	const struct lw4o6_server_fixed *a = ((const struct ordered *)x)->item, *b = ((const struct ordered *)y)->item;

	return compare_octets(&a->client_id, &b->client_id);
}

static int fixed_tuple_order(const void *x, const void *y)
{
	const struct lw4o6_server_fixed *a = ((const struct ordered *)x)->item, *b = ((const struct ordered *)y)->item;

	return compare_tuple(a->ipv4, &a->ps, b->ipv4, &b->ps);
}

static int prebind_duid_order(const void *x, const void *y)
{
	const struct lw4o6_server_prebind *a = ((const struct ordered *)x)->item, *b = ((const struct ordered *)y)->item;

	return compare_octets(&a->duid, &b->duid);
}

static int prebind_prefix_order(const void *x, const void *y)
{
	const struct lw4o6_server_prebind *a = ((const struct ordered *)x)->item, *b = ((const struct ordered *)y)->item;
	int c = memcmp(&a->prefix.prefix, &b->prefix.prefix, 16);

	return c ? c : (int)a->prefix.len - (int)b->prefix.len;
}

static int prebind_tuple_order(const void *x, const void *y)
{
	const struct lw4o6_server_prebind *a = ((const struct ordered *)x)->item, *b = ((const struct ordered *)y)->item;

	return compare_tuple(a->ipv4, &a->ps, b->ipv4, &b->ps);
}

typedef int compare_fn(const void *, const void *);

/* An order of indexes. @return NULL: no memory. */
static uint32_t *order(struct lw4o6_server *s, struct ordered *tmp, size_t n, compare_fn *compare)
{
	uint32_t *o = mem_new_array(s, uint32_t, n);

	if (o && n > 1)
		qsort(tmp, n, sizeof(*tmp), compare);
	for (size_t i = 0; o && i < n; i++)
		o[i] = tmp[i].i;
	return o;
}

static int load_fixed(struct lw4o6_server *s, char *reason)
{
	size_t n = s->cfg.n_fixed;
	struct ordered *tmp = mem_new_array(s, struct ordered, n);
	char a[INET_ADDRSTRLEN];
	unsigned pool;
	uint32_t tuple;

	if (!tmp)
		return LW4O6_ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct lw4o6_server_fixed *f = &s->cfg.fixed[i];

		tmp[i] = (struct ordered){ f, i };
		if (!f->client_id.p || f->client_id.len < 2 || f->client_id.len > LW4O6_LEASE_ID_MAX)
			return refuse(reason, LW4O6_EINVAL, "fixed %s: the client id has not 2..255 octets", v4(f->ipv4, a));
		if (!pool_find(s, f->ipv4, &f->ps, &pool, &tuple))
			return refuse(reason, LW4O6_EINVAL, "fixed %s psid %u: no leasable tuple of a pool", v4(f->ipv4, a), f->ps.id);
		if (!pick_has(&s->pools[pool].free, tuple))
			return refuse(reason, LW4O6_ECONFLICT, "fixed %s psid %u is there twice", v4(f->ipv4, a), f->ps.id);
		pick_remove(&s->pools[pool].free, tuple);
	}
	s->fixed_by_id = order(s, tmp, n, fixed_id_order);
	if (!s->fixed_by_id)
		return LW4O6_ENOMEM;
	for (size_t i = 1; i < n; i++)
		if (fixed_id_order(&tmp[i - 1], &tmp[i]) == 0)
			return refuse(reason, LW4O6_ECONFLICT, "fixed %s: the client has another fixed address",
			              v4(s->cfg.fixed[tmp[i].i].ipv4, a));
	s->fixed_by_tuple = order(s, tmp, n, fixed_tuple_order);
	talloc_free(tmp);
	return s->fixed_by_tuple ? LW4O6_OK : LW4O6_ENOMEM;
}

/* S-062: what is deterministic is not leased; S-061: one offset and length on an address; S-016. */
static int check_prebind(const struct lw4o6_server *s, const struct lw4o6_server_prebind *b, char *reason)
{
	struct lw4o6_s46_lw lw = { .br = b->br, .has_bind = true, .ipv4 = b->ipv4, .bind = b->prefix, .ports = b->ps };
	struct lw4o6_wr w = lw4o6_wr_init(NULL, 0);
	uint32_t address, tuple;
	unsigned found;
	char a[INET_ADDRSTRLEN];

	if (lw.br.n == 0)
		lw.br = s->links[0].cfg.br;
	lw4o6_s46_lw_put(&w, &lw);
	if (lw4o6_wr_done(&w) < 0 || !usable_list(&lw.br) || (b->duid.p && (b->duid.len < 3 || b->duid.len > 130)))
		return refuse(reason, LW4O6_EINVAL, "prebind %s psid %u: option 96 cannot say it (br missing, or a value out of range)",
		              v4(b->ipv4, a), b->ps.id);

	uint32_t pool = pool_of_addr(s, b->ipv4, &address);

	if (pool == NONE)
		return LW4O6_OK;
	if (b->ps.len == 0 || b->ps.len != s->pools[pool].cfg.psid_len || b->ps.offset != s->pools[pool].cfg.offset)
		return refuse(reason, LW4O6_ECONFLICT, "prebind %s has other port parameters than pool %s on that address",
		              v4(b->ipv4, a), s->pools[pool].cfg.name);
	if (pool_find(s, b->ipv4, &b->ps, &found, &tuple))
		return refuse(reason, LW4O6_ECONFLICT, "prebind %s psid %u is leased from pool %s: exclude it there",
		              v4(b->ipv4, a), b->ps.id, s->pools[pool].cfg.name);
	return LW4O6_OK;
}

static int check_prebind_tuples(const struct lw4o6_server *s, struct ordered *tmp, size_t n, char *reason)
{
	char a[INET_ADDRSTRLEN];

	if (n > 1)
		qsort(tmp, n, sizeof(*tmp), prebind_tuple_order);
	for (size_t i = 1; i < n; i++) {
		const struct lw4o6_server_prebind *x = &s->cfg.prebinds[tmp[i - 1].i], *y = &s->cfg.prebinds[tmp[i].i];

		if (x->ipv4.s_addr == y->ipv4.s_addr &&
		    (x->ps.len != y->ps.len || x->ps.offset != y->ps.offset || x->ps.id == y->ps.id || x->ps.len == 0))
			return refuse(reason, LW4O6_ECONFLICT, "prebind %s psid %u overlaps with another on that address",
			              v4(y->ipv4, a), y->ps.id);
	}
	return LW4O6_OK;
}

static int load_prebinds(struct lw4o6_server *s, char *reason)
{
	size_t n = s->cfg.n_prebinds, nd = 0, np = 0;
	struct ordered *all = mem_new_array(s, struct ordered, n), *duid = mem_new_array(s, struct ordered, n),
	               *prefix = mem_new_array(s, struct ordered, n);
	char a[INET_ADDRSTRLEN];
	int r = all && duid && prefix ? LW4O6_OK : LW4O6_ENOMEM;

	for (uint32_t i = 0; r == LW4O6_OK && i < n; i++) {
		const struct lw4o6_server_prebind *b = &s->cfg.prebinds[i];

		all[i] = (struct ordered){ b, i };
		if (b->duid.p)
			duid[nd++] = all[i];
		else
			prefix[np++] = all[i];
		r = check_prebind(s, b, reason);
	}
	if (r == LW4O6_OK)
		r = check_prebind_tuples(s, all, n, reason);
	if (r == LW4O6_OK) {
		s->prebind_by_duid = order(s, duid, nd, prebind_duid_order);
		s->prebind_by_prefix = order(s, prefix, np, prebind_prefix_order);
		r = s->prebind_by_duid && s->prebind_by_prefix ? LW4O6_OK : LW4O6_ENOMEM;
	}
	for (size_t i = 1; r == LW4O6_OK && i < np; i++) {
		const struct lw4o6_server_prebind *x = prefix[i - 1].item, *y = prefix[i].item;
		struct lw4o6_s46_prefix one[1] = { x->prefix };

		/* In order, y begins at or after x: it overlaps when x's prefix holds y's first address. */
		if (lw4o6_s46_match_hint(&(struct lw4o6_s46_prefix){ y->prefix.prefix, 128 }, one, 1) == 0)
			r = refuse(reason, LW4O6_ECONFLICT, "prebind %s: its prefix overlaps with another's", v4(y->ipv4, a));
	}
	for (size_t i = 1; r == LW4O6_OK && i < nd; i++)
		if (prebind_duid_order(&duid[i - 1], &duid[i]) == 0)
			r = refuse(reason, LW4O6_ECONFLICT, "prebind: a DUID is there twice");
	s->n_prebind_duid = nd;
	s->n_prebind_prefix = np;
	talloc_free(all);
	talloc_free(duid);
	talloc_free(prefix);
	return r;
}

int server_load(struct lw4o6_server *s, const struct lw4o6_server_config *cfg, char *reason)
{
	int r;

	lw4o6_server_config_init(&s->cfg);
	memcpy(&s->cfg, cfg, cfg->size < sizeof(s->cfg) ? cfg->size : sizeof(s->cfg));
	s->cfg.size = sizeof(s->cfg);
	r = check_values(&s->cfg, reason);
	if (r == LW4O6_OK)
		r = copy_config(s);
	if (r == LW4O6_OK)
		r = load_pools(s, reason);
	s->links = r == LW4O6_OK ? mem_new_array(s, struct server_link, s->cfg.n_links) : NULL;
	if (r == LW4O6_OK && !s->links)
		r = LW4O6_ENOMEM;
	for (unsigned i = 0; r == LW4O6_OK && i < s->cfg.n_links; i++)
		r = load_link(s, i, reason);
	for (size_t i = 0; r == LW4O6_OK && i < s->cfg.n_selectors; i++)
		if (s->cfg.selectors[i].link >= s->cfg.n_links || s->cfg.selectors[i].prefix.len > 128)
			r = refuse(reason, LW4O6_EINVAL, "a selector names a link that does not exist");
	if (r == LW4O6_OK)
		r = load_fixed(s, reason);
	if (r == LW4O6_OK)
		r = load_prebinds(s, reason);
	return r;
}
