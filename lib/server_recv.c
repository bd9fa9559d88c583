#include "config.h"

#include "server_int.h"

#include <lw4o6/ip.h>

/* Where the client is, as far as it can be told: its address, or what the relay next to it says. */
static struct in6_addr where_of(const struct query *q)
{
	const struct lw4o6_dhcp6_relays *r = &q->relays;

	if (r->n == 0)
		return q->in->from.sin6_addr;
	if (!IN6_IS_ADDR_LINKLOCAL(&r->level[r->n - 1].peer_addr))
		return r->level[r->n - 1].peer_addr;
	for (unsigned i = r->n; i-- > 0;)
		if (!IN6_IS_ADDR_UNSPECIFIED(&r->level[i].link_addr))
			return r->level[i].link_addr;
	return r->level[r->n - 1].peer_addr;
}

static void locate(struct lw4o6_server *s, struct query *q)
{
	const struct lw4o6_dhcp6_relays *r = &q->relays;
	const struct in6_addr *link = NULL;
	struct lw4o6_span id = { NULL, 0 };

	/* From the outermost inwards: the innermost that says it counts. */
	for (unsigned i = 0; i < r->n; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&r->level[i].link_addr))
			link = &r->level[i].link_addr;
		if (r->level[i].interface_id.p)
			id = r->level[i].interface_id;
	}
	q->where = where_of(q);
	q->peer = r->n ? r->level[r->n - 1].peer_addr : q->in->from.sin6_addr;
	q->subscriber = subscriber_of(s, &q->peer, link, id);
}

/* Is there room for the relay headers of the answer? */
static bool can_answer(const struct query *q)
{
	size_t n = 0;

	for (unsigned i = 0; i < q->relays.n; i++)
		n += 34u + 4u + (q->relays.level[i].interface_id.p ? 4u + q->relays.level[i].interface_id.len : 0);
	return n <= REPLY_ROOM - ANSWER_ROOM;
}

static bool relay_matches(const struct lw4o6_server_selector *x, const struct query *q)
{
	for (unsigned i = q->relays.n; i-- > 0;)
		if (!IN6_IS_ADDR_UNSPECIFIED(&q->relays.level[i].link_addr))
			return lw4o6_ip6_prefix_match(&q->relays.level[i].link_addr, &x->prefix.prefix, x->prefix.len);
	return false;
}

static bool interface_id_matches(const struct lw4o6_server_selector *x, const struct query *q)
{
	for (unsigned i = q->relays.n; i-- > 0;) {
		const struct lw4o6_span *id = &q->relays.level[i].interface_id;

		if (id->p)
			return id->len == x->id.len && memcmp(id->p, x->id.p, id->len) == 0;
	}
	return false;
}

static bool selects(const struct lw4o6_server_selector *x, const struct query *q)
{
	const struct in6_addr *from = &q->in->from.sin6_addr;

	switch (x->by) {
	case LW4O6_BY_RELAY: return relay_matches(x, q);
	case LW4O6_BY_INTERFACE_ID: return interface_id_matches(x, q);
	case LW4O6_BY_SOURCE:
		return q->relays.n == 0 && !IN6_IS_ADDR_LINKLOCAL(from) &&
		       lw4o6_ip6_prefix_match(from, &x->prefix.prefix, x->prefix.len);
	case LW4O6_BY_INTERFACE:
		return q->relays.n == 0 && IN6_IS_ADDR_LINKLOCAL(from) && q->in->ifindex == x->ifindex;
	}
	return false;
}

/* S-036: the first kind that matches; of two prefixes the longer. */
static struct server_link *link_of(struct lw4o6_server *s, const struct query *q)
{
	for (int by = LW4O6_BY_RELAY; by <= LW4O6_BY_INTERFACE; by++) {
		const struct lw4o6_server_selector *best = NULL;

		for (size_t i = 0; i < s->cfg.n_selectors; i++) {
			const struct lw4o6_server_selector *x = &s->cfg.selectors[i];

			if ((int)x->by == by && (!best || x->prefix.len > best->prefix.len) && selects(x, q))
				best = x;
		}
		if (best)
			return &s->links[best->link];
	}
	return &s->links[0];
}

/* S-154. */
static bool within_rate(struct lw4o6_server *s, const struct query *q, lw4o6_time now)
{
	if (s->cfg.rate_per_s == 0)
		return true;

	struct bucket *b = &s->bucket[prefix_hash(s, &q->subscriber) % BUCKETS];

	return bucket_take(b, s->cfg.rate_per_s, s->cfg.rate_burst, now);
}

/* S-003 to S-005. */
static void refuse_type(struct lw4o6_server *s, uint8_t type, bool direct_unicast)
{
	switch (type) {
	case LW4O6_DHCP6_SOLICIT:
	case LW4O6_DHCP6_CONFIRM:
	case LW4O6_DHCP6_REBIND:
		count(s, direct_unicast ? LW4O6_SRV_DROP_UNICAST : LW4O6_SRV_DROP_STATEFUL);
		break;
	case LW4O6_DHCP6_REQUEST:
	case LW4O6_DHCP6_RENEW:
	case LW4O6_DHCP6_RELEASE:
	case LW4O6_DHCP6_DECLINE:
		count(s, LW4O6_SRV_DROP_STATEFUL);
		break;
	default:
		count(s, LW4O6_SRV_DROP_TYPE);
		break;
	}
}

static void work(struct lw4o6_server *s, struct query *q, lw4o6_time now)
{
	struct lw4o6_span inner;
	bool direct_unicast;
	int r = lw4o6_dhcp6_unrelay(&q->relays, &inner, LW4O6_DHCP6_RELAY_FORW, q->in->data, q->in->len);

	if (r == LW4O6_OK) {
		if (q->relays.n > 0)
			count(s, LW4O6_SRV_RCVD_RELAYED);
		locate(s, q);
		if (!can_answer(q)) {
			count(s, LW4O6_SRV_DROP_TOO_BIG);
			return;
		}
		if (!within_rate(s, q, now)) {
			count(s, LW4O6_SRV_DROP_RATE);
			return;
		}
		r = lw4o6_dhcp6_decode(&q->outer, inner.p, inner.len);
	}
	if (r != LW4O6_OK) {
		count(s, r == LW4O6_EUNKNOWN ? LW4O6_SRV_DROP_TYPE : r == LW4O6_ETRUNC ? LW4O6_SRV_DROP_SHORT
		                                                                       : LW4O6_SRV_DROP_MALFORMED);
		return;
	}
	s->counter[LW4O6_SRV_OPT_REPEATED] += q->outer.repeated;
	q->link = link_of(s, q);
	direct_unicast = q->relays.n == 0 && !IN6_IS_ADDR_MULTICAST(&q->in->to.sin6_addr);
	if (q->outer.type == LW4O6_DHCP6_DHCPV4_QUERY)
		server_query(s, q);
	else if (q->outer.type != LW4O6_DHCP6_INFORMATION_REQUEST)
		refuse_type(s, q->outer.type, direct_unicast);
	else if (direct_unicast)
		count(s, LW4O6_SRV_DROP_UNICAST);
	else
		server_information(s, q);
}

int lw4o6_server_recv(struct lw4o6_server *s, const struct lw4o6_dgram *in, lw4o6_time now)
{
	struct query *q = &s->q;
	uint64_t no_memory = s->counter[LW4O6_SRV_DROP_MEMORY];

	q->in = in;
	q->t = now + s->wall;
	count(s, LW4O6_SRV_RCVD);
	server_run_out(s, q->t, EXPIRE_PER_CALL);
	if (!tx_room(s, 1) || s->reply_n == s->reply_size) {
		count(s, LW4O6_SRV_DROP_QUEUE);
		return LW4O6_OK;
	}
	work(s, q, now);
	return s->counter[LW4O6_SRV_DROP_MEMORY] == no_memory ? LW4O6_OK : LW4O6_ENOMEM;
}

/* ---- time ---- */

void server_run_out(struct lw4o6_server *s, uint64_t t, unsigned n)
{
	uint32_t no;

	/* Half of the room for changes is left to the clients. */
	for (; n > 0 && (no = timer_first(s)) != NONE && timer_of(lease_at(s, no)) <= t; n--) {
		const struct lease *l = lease_at(s, no);

		if (l->state != LW4O6_LEASE_ACTIVE && l->state != LW4O6_LEASE_ABANDONED) {
			hold_end(s, no);
			continue;
		}
		if (s->tx_n >= s->cfg.queue / 2)
			return;
		if (l->state == LW4O6_LEASE_ACTIVE) {
			count(s, LW4O6_SRV_LEASE_EXPIRED);
			lease_end(s, no, LW4O6_LEASE_EXPIRED, l->expires, true);
		} else {
			lease_end(s, no, LW4O6_LEASE_FREE, t, true);
		}
	}
}

lw4o6_time lw4o6_server_expiry(const struct lw4o6_server *s)
{
	uint32_t no = timer_first(s);
	uint64_t at = no == NONE ? LW4O6_TIME_NONE : timer_of(lease_at(s, no));

	if (at == LW4O6_TIME_NONE)
		return LW4O6_TIME_NONE;
	return at > s->wall ? at - s->wall : 0;
}

int lw4o6_server_tick(struct lw4o6_server *s, lw4o6_time now)
{
	server_run_out(s, now + s->wall, EXPIRE_PER_CALL);
	return LW4O6_OK;
}
