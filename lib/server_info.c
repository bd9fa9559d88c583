#include "config.h"

#include "server_int.h"

#include <lw4o6/ip.h>

/* The deterministic binding of a client: by DUID, else by where it is. NULL without. */
static const struct lw4o6_server_prebind *prebind_by_duid(const struct lw4o6_server *s, const struct lw4o6_span *duid)
{
	size_t lo = 0, hi = s->n_prebind_duid;

	while (duid->p && lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct lw4o6_server_prebind *b = &s->cfg.prebinds[s->prebind_by_duid[mid]];
		size_t n = b->duid.len < duid->len ? b->duid.len : duid->len;
		int c = memcmp(b->duid.p, duid->p, n);

		if (c == 0 && b->duid.len == duid->len)
			return b;
		if (c < 0 || (c == 0 && b->duid.len < duid->len))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* The prefixes are disjoint and in order: only the last that begins at or before the address can hold it. */
static const struct lw4o6_server_prebind *prebind_by_prefix(const struct lw4o6_server *s, const struct in6_addr *a)
{
	size_t lo = 0, hi = s->n_prebind_prefix;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (memcmp(&s->cfg.prebinds[s->prebind_by_prefix[mid]].prefix.prefix, a, 16) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;

	const struct lw4o6_server_prebind *b = &s->cfg.prebinds[s->prebind_by_prefix[lo - 1]];

	return lw4o6_ip6_prefix_match(a, &b->prefix.prefix, b->prefix.len) ? b : NULL;
}

static void put_container(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q)
{
	const struct lw4o6_server_prebind *b = prebind_by_duid(s, &q->outer.client_id);

	if (!b)
		b = prebind_by_prefix(s, &q->where);
	if (!b)
		return;

	struct lw4o6_s46_lw lw = { .br = b->br.n ? b->br : q->link->cfg.br, .has_bind = true, .ipv4 = b->ipv4,
		                   .bind = b->prefix, .ports = b->ps };

	lw4o6_s46_lw_put(w, &lw);
}

static void put_addresses(struct lw4o6_wr *w, uint16_t code, const struct in6_addr *a, unsigned n)
{
	size_t mark = lw4o6_opt6_open(w, code);

	for (unsigned i = 0; i < n; i++)
		lw4o6_wr_put(w, &a[i], 16);
	lw4o6_opt6_close(w, mark);
}

/* What the ORO lists and the link has, S-011, S-013; an order of our own. */
static void put_configured(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q)
{
	const struct lw4o6_server_link *l = &q->link->cfg;
	const struct lw4o6_dhcp6_msg *m = &q->outer;

	if (l->servers.present && lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_4O6_SERVER))
		put_addresses(w, LW4O6_OPT6_4O6_SERVER, l->servers.addr, l->servers.n);
	if (lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_S46_CONT_LW))
		put_container(w, s, q);
	if (l->priority.n && lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_S46_PRIORITY)) {
		size_t mark = lw4o6_opt6_open(w, LW4O6_OPT6_S46_PRIORITY);

		for (unsigned i = 0; i < l->priority.n; i++)
			lw4o6_wr_be16(w, l->priority.code[i]);
		lw4o6_opt6_close(w, mark);
	}
	if (lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_S46_BR))
		for (unsigned i = 0; i < l->br.n; i++)
			put_addresses(w, LW4O6_OPT6_S46_BR, &l->br.addr[i], 1);
	if (l->has_refresh && lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_INFORMATION_REFRESH))
		lw4o6_opt6_put_be32(w, LW4O6_OPT6_INFORMATION_REFRESH, l->refresh_s);
	if (l->sol_max_rt_s && lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_SOL_MAX_RT))
		lw4o6_opt6_put_be32(w, LW4O6_OPT6_SOL_MAX_RT, l->sol_max_rt_s);
	if (l->inf_max_rt_s && lw4o6_dhcp6_oro_has(m, LW4O6_OPT6_INF_MAX_RT))
		lw4o6_opt6_put_be32(w, LW4O6_OPT6_INF_MAX_RT, l->inf_max_rt_s);
}

void server_information(struct lw4o6_server *s, struct query *q)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(q->outer.options.p, q->outer.options.len);
	const struct lw4o6_span *id = &q->outer.server_id;
	struct lw4o6_opt6 o;
	struct lw4o6_wr w;
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];

	count(s, LW4O6_SRV_RCVD_INFO);
	if (id->p && (id->len != s->cfg.duid.len || memcmp(id->p, s->cfg.duid.p, id->len) != 0)) {
		count(s, LW4O6_SRV_DROP_OTHER_SERVER);
		return;
	}
	while (lw4o6_opt6_next(&it, &o) == 1) {
		if (o.code == LW4O6_OPT6_IA_NA || o.code == LW4O6_OPT6_IA_TA || o.code == LW4O6_OPT6_IA_PD) {
			count(s, LW4O6_SRV_DROP_INFO_IA);
			return;
		}
	}

	struct reply *r = reply_open(s, q, &w, marks);

	lw4o6_dhcp6_begin(&w, LW4O6_DHCP6_REPLY, q->outer.xid);
	lw4o6_opt6_put(&w, LW4O6_OPT6_SERVERID, s->cfg.duid.p, s->cfg.duid.len);
	if (q->outer.client_id.p)
		lw4o6_opt6_put(&w, LW4O6_OPT6_CLIENTID, q->outer.client_id.p, q->outer.client_id.len);
	put_configured(&w, s, q);
	reply_close(s, q, r, &w, marks, LW4O6_SRV_SENT_REPLY, 0);
}
