/*
 * Sessions: one for each (internal endpoint, remote endpoint, protocol). The same key serves both
 * directions, because a mapping tells the internal endpoint of an inbound packet. Sessions that
 * share all but the remote port form a ring, of which the peer hash knows one member: the question
 * "has it sent to this address" stays O(1) whatever the number of ports.
 */
#include "config.h"

#include "napt_int.h"

static bool same_flow(const struct flow *x, const struct flow *y)
{
	return x->addr.s_addr == y->addr.s_addr && x->remote.s_addr == y->remote.s_addr && x->iport == y->iport &&
	       x->rport == y->rport && x->proto == y->proto;
}

/* The hash may be known from the warm-up; a packet or two may have been dropped since the last one. */
static uint32_t hash_of(struct lw4o6_napt *n, const struct flow *f)
{
	unsigned end = n->memo_next + 3 < n->memo_count ? n->memo_next + 3 : n->memo_count;

	for (unsigned i = n->memo_next; i < end; i++) {
		if (same_flow(&n->memo[i].f, f)) {
			n->memo_next = i;
			return n->memo[i].hash;
		}
	}
	return napt_hash(n, f->addr, f->remote, f->iport, f->rport, f->proto);
}

static uint32_t *sess_chain(struct lw4o6_napt *n, const struct flow *f)
{
	return &n->sess_hash[hash_of(n, f) & n->sess_mask];
}

static uint32_t *peer_chain(struct lw4o6_napt *n, const struct flow *f)
{
	return &n->peer_hash[napt_hash(n, f->addr, f->remote, f->iport, 0, TAG_PEER | f->proto) & n->sess_mask];
}

static bool same_peer(const struct session *s, const struct flow *f)
{
	return s->addr.s_addr == f->addr.s_addr && s->remote.s_addr == f->remote.s_addr && s->iport == f->iport &&
	       s->proto == f->proto;
}

static struct flow flow_of(const struct session *s)
{
	return (struct flow){ s->addr, s->remote, s->iport, s->rport, s->proto };
}

/* A session that is over but not yet reaped ends here, so nobody ever sees one. */
uint32_t napt_session_find(struct lw4o6_napt *n, const struct flow *f, lw4o6_time now)
{
	uint32_t i = *sess_chain(n, f);

	while (i != 0 && !(n->sess[i].rport == f->rport && same_peer(&n->sess[i], f)))
		i = n->sess[i].hash_next;
	if (i != 0 && napt_session_over(n, i, now)) {
		napt_session_end(n, i, now);
		return 0;
	}
	return i;
}

bool napt_peer_known(struct lw4o6_napt *n, const struct flow *f, lw4o6_time now)
{
	uint32_t *chain = peer_chain(n, f), i = *chain;

	while (i != 0) {
		if (!same_peer(&n->sess[i], f)) {
			i = n->sess[i].peer_next;
		} else if (napt_session_over(n, i, now)) {
			napt_session_end(n, i, now); /* another of its ring may be next */
			i = *chain;
		} else {
			return true;
		}
	}
	return false;
}

/* 0, or the reason why there cannot be another session. */
unsigned napt_session_room(struct lw4o6_napt *n, lw4o6_time now)
{
	if (n->sess_count < n->cfg.sessions_max)
		return 0;
	lw4o6_napt_tick(n, now, n->cfg.sessions_max);
	return n->sess_count < n->cfg.sessions_max ? 0 : (unsigned)LW4O6_CNT_NAT_DROP_SESSION_LIMIT;
}

static void peer_link(struct lw4o6_napt *n, uint32_t i, const struct flow *f)
{
	struct session *s = &n->sess[i];
	uint32_t *chain = peer_chain(n, f), first = *chain;

	while (first != 0 && !same_peer(&n->sess[first], f))
		first = n->sess[first].peer_next;
	if (first == 0) {
		s->peer_first = true;
		s->peer_next = *chain;
		*chain = s->sib_next = s->sib_prev = i;
		return;
	}
	s->sib_prev = first;
	s->sib_next = n->sess[first].sib_next;
	n->sess[s->sib_next].sib_prev = i;
	n->sess[first].sib_next = i;
}

static void peer_unlink(struct lw4o6_napt *n, uint32_t i, const struct flow *f)
{
	struct session *s = &n->sess[i];
	bool alone = s->sib_next == i;

	if (s->peer_first) {
		uint32_t *at = peer_chain(n, f);

		while (*at != i)
			at = &n->sess[*at].peer_next;
		*at = alone ? s->peer_next : s->sib_next;
		if (!alone) {
			n->sess[s->sib_next].peer_first = true;
			n->sess[s->sib_next].peer_next = s->peer_next;
		}
	}
	n->sess[s->sib_prev].sib_next = s->sib_next;
	n->sess[s->sib_next].sib_prev = s->sib_prev;
}

/*
 * The caller has asked napt_session_room() and knows that there is no such session. 0: the chain
 * for its hash is too long already.
 */
uint32_t napt_session_make(struct lw4o6_napt *n, const struct flow *f, uint32_t m, enum dir by, lw4o6_time now,
                           lw4o6_time lifetime)
{
	uint32_t *chain = sess_chain(n, f), length = 1;

	for (uint32_t j = *chain; j != 0; j = n->sess[j].hash_next)
		length++;
	if (length > n->chain_max)
		n->chain_max = length;
	if (length > CHAIN_MAX)
		return 0;

	uint32_t i = n->sess_free;
	if (i != 0)
		n->sess_free = n->sess[i].hash_next;
	else
		i = ++n->sess_top;

	struct session *s = &n->sess[i];
	*s = (struct session){
		.addr = f->addr, .remote = f->remote, .iport = f->iport, .rport = f->rport, .proto = f->proto,
		.eport = n->maps[m].eport, .mapping = m, .used = true, .by_remote = by == DIR_IN,
		.deadline = lw4o6_time_add(now, lifetime), .hash_next = *chain,
	};
	*chain = i;
	peer_link(n, i, f);
	if (n->sess_count == 0)
		n->wheel_pos = (now >> WHEEL_SHIFT) + 1;
	napt_wheel_insert(n, i);
	n->maps[m].sessions++;
	n->maps[m].spoke_tcp |= by == DIR_OUT && f->proto == LW4O6_IPPROTO_TCP;
	n->maps[m].spoke_udp |= by == DIR_OUT && f->proto == LW4O6_IPPROTO_UDP;
	n->sess_count++;
	n->by_remote += by == DIR_IN;
	napt_host_session(n, f->addr, true);
	n->cnt->packets[LW4O6_CNT_NAT_SESSION_CREATED]++;
	return i;
}

/* The last session of a mapping takes it along, unless it is a forward. */
void napt_session_end(struct lw4o6_napt *n, uint32_t i, lw4o6_time now)
{
	struct session *s = &n->sess[i];
	struct flow f = flow_of(s);
	uint32_t m = s->mapping, *at = sess_chain(n, &f);

	while (*at != i)
		at = &n->sess[*at].hash_next;
	*at = s->hash_next;
	peer_unlink(n, i, &f);
	napt_wheel_remove(n, i);
	n->by_remote -= s->by_remote;
	*s = (struct session){ .hash_next = n->sess_free };
	n->sess_free = i;
	n->sess_count--;
	n->cnt->packets[LW4O6_CNT_NAT_SESSION_EXPIRED]++;
	napt_host_session(n, f.addr, false);
	if (--n->maps[m].sessions == 0 && !n->maps[m].forward)
		napt_mapping_end(n, m, now);
}
