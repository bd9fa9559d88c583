/* From a packet to its session and translation: TCP, UDP and UDP-Lite (3.19, 3.20, 3.25). */
#include "config.h"

#include "napt_int.h"

int napt_space_of(const struct lw4o6_napt *n, uint8_t proto)
{
	switch (proto) {
	case LW4O6_IPPROTO_TCP:
		return LW4O6_NAPT_TCP;
	case LW4O6_IPPROTO_UDP:
		return n->cfg.joint ? LW4O6_NAPT_TCP : LW4O6_NAPT_UDP;
	case LW4O6_IPPROTO_ICMP:
		return LW4O6_NAPT_ICMP;
	case LW4O6_IPPROTO_UDPLITE:
		return LW4O6_NAPT_UDPLITE;
	default:
		return -1;
	}
}

void napt_xlat_same(struct lw4o6_napt_xlat *x, const struct lw4o6_ip4 *h)
{
	*x = (struct lw4o6_napt_xlat){ .src = h->src, .dst = h->dst, .q_id = -1 };
}

/* What resolving needs of a packet with ports. */
struct segment {
	struct lw4o6_ports ports;
	struct tcp_seg tcp;
	uint8_t proto;
};

static bool read_segment(struct segment *s, const struct lw4o6_napt_pkt *p)
{
	size_t have = (size_t)p->h->total - p->h->hlen;

	s->proto = p->h->protocol;
	if (lw4o6_ip4_ports(&s->ports, p->data, p->h, p->h->total) != LW4O6_PORT_OK)
		return false;
	return s->proto == LW4O6_IPPROTO_TCP ? napt_tcp_read(&s->tcp, p->data + p->h->hlen, have) : have >= 8;
}

static lw4o6_time lifetime_of(const struct lw4o6_napt *n, uint8_t proto)
{
	return (proto == LW4O6_IPPROTO_TCP ? n->cfg.tcp_transitory_s : n->cfg.udp_s) * LW4O6_SEC;
}

static bool opens(const struct lw4o6_napt *n, const struct tcp_seg *t)
{
	if ((t->flags & TCP_RST) != 0)
		return false;
	return (t->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN || (n->cfg.tcp_loose && (t->flags & TCP_SYN) == 0);
}

/* The mapping of an internal endpoint, made when there is none. 0, or why not. */
unsigned napt_mapping_get(struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport, lw4o6_time now,
                          uint32_t *m, bool *made)
{
	*made = false;
	*m = napt_mapping_find(n, space, addr, iport);
	if (*m != 0 && n->maps[*m].kind == MAPPING_LIVE)
		return 0;

	unsigned why = napt_host_may_map(n, space, addr, now);
	if (why != 0)
		return why;

	int port = *m != 0 ? n->maps[*m].eport : napt_port_choose(n, space, iport);
	if (port < 0) {
		lw4o6_napt_tick(n, now, n->cfg.sessions_max);
		port = napt_port_choose(n, space, iport);
	}
	if (port < 0)
		return LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED;
	*m = napt_mapping_make(n, space, addr, iport, (uint16_t)port);
	if (*m == 0)
		return LW4O6_CNT_NAT_DROP_SESSION_LIMIT;
	*made = true;
	napt_host_mapping(n, space, addr, true);
	return 0;
}

/* D-278. A forward is an invitation to everybody. Refused packets refresh nothing (D-282). */
bool napt_filter_passes(struct lw4o6_napt *n, const struct flow *f, uint32_t m, lw4o6_time now)
{
	enum lw4o6_napt_filter filter = LW4O6_NAPT_ADF;

	if (f->proto != LW4O6_IPPROTO_ICMP)
		filter = f->proto == LW4O6_IPPROTO_TCP ? n->cfg.filter_tcp : n->cfg.filter_udp;
	if (n->maps[m].forward)
		return true;
	if (n->cfg.joint && ((f->proto == LW4O6_IPPROTO_TCP && !n->maps[m].spoke_tcp) ||
	                     (f->proto == LW4O6_IPPROTO_UDP && !n->maps[m].spoke_udp)))
		return false;
	if (filter == LW4O6_NAPT_EIF)
		return true;
	return filter == LW4O6_NAPT_ADF && napt_peer_known(n, f, now);
}

/* A session opened from inside, with its mapping. */
static unsigned open_outward(struct lw4o6_napt *n, const struct flow *f, lw4o6_time now, uint32_t *i)
{
	unsigned why = napt_session_room(n, now);
	uint32_t m;
	bool made;

	if (why == 0)
		why = napt_host_may_session(n, f->addr);
	if (why == 0)
		why = napt_mapping_get(n, (unsigned)napt_space_of(n, f->proto), f->addr, f->iport, now, &m, &made);
	if (why != 0)
		return why;
	*i = napt_session_make(n, f, m, DIR_OUT, now, lifetime_of(n, f->proto));
	if (*i != 0)
		return 0;
	if (made)
		napt_mapping_end(n, m, now);
	return LW4O6_CNT_NAT_DROP_SESSION_LIMIT;
}

/* The outbound half: which external port. */
static unsigned outward(struct lw4o6_napt *n, const struct segment *s, struct in_addr src, struct in_addr dst,
                        lw4o6_time now, struct lw4o6_napt_xlat *x)
{
	struct flow f = { src, dst, s->ports.src, s->ports.dst, s->proto };
	uint32_t i = napt_session_find(n, &f, now);
	bool tcp = s->proto == LW4O6_IPPROTO_TCP, fresh = i == 0;

	if (fresh) {
		if (tcp && !opens(n, &s->tcp))
			return LW4O6_CNT_NAT_DROP_TCP_NO_SYN;

		unsigned why = open_outward(n, &f, now, &i);
		if (why != 0)
			return why;
		if (tcp)
			napt_tcp_open(n, i, &s->tcp, DIR_OUT, now);
	} else if (tcp) {
		napt_tcp_step(n, i, &s->tcp, DIR_OUT, now);
	} else {
		napt_set_deadline(n, i, lw4o6_time_add(now, lifetime_of(n, s->proto)));
	}
	x->src = n->ipv4;
	x->sport = n->sess[i].eport;
	x->fresh = fresh;
	return 0;
}

/* A session opened from outside. At most half of the table, so that nobody out there can fill it. */
static uint32_t open_inward(struct lw4o6_napt *n, const struct flow *f, uint32_t m, lw4o6_time now)
{
	if (n->by_remote >= n->cfg.sessions_max / 2 || n->sess_count >= n->cfg.sessions_max)
		return 0;
	return napt_session_make(n, f, m, DIR_IN, now, lifetime_of(n, f->proto));
}

/* The inbound half: which internal endpoint. */
static unsigned inward(struct lw4o6_napt *n, const struct segment *s, uint16_t eport, struct in_addr remote,
                       uint16_t rport, lw4o6_time now, struct lw4o6_napt_xlat *x)
{
	unsigned space = (unsigned)napt_space_of(n, s->proto);
	uint32_t m = napt_mapping_at(n, space, eport);
	bool tcp = s->proto == LW4O6_IPPROTO_TCP;

	if (m == 0)
		return LW4O6_CNT_NAT_DROP_NO_MAPPING;

	struct flow f = { n->maps[m].addr, remote, n->maps[m].iport, rport, s->proto };
	uint32_t i = napt_session_find(n, &f, now);

	x->dst = f.addr;
	x->dport = f.iport;
	if (i != 0 && n->sess[i].eport == eport) {
		if (tcp)
			napt_tcp_step(n, i, &s->tcp, DIR_IN, now);
		else if (n->cfg.inbound_refresh)
			napt_set_deadline(n, i, lw4o6_time_add(now, lifetime_of(n, s->proto)));
		return 0;
	}
	if (napt_mapping_at(n, space, eport) != m) /* it ended with its last session just now */
		return LW4O6_CNT_NAT_DROP_NO_MAPPING;
	if (!napt_filter_passes(n, &f, m, now))
		return LW4O6_CNT_NAT_DROP_FILTERED;
	if (!tcp) {
		/* A forward's endpoint may have several external ports: its answer must find this one. */
		if (i == 0 && n->maps[m].forward)
			x->fresh = open_inward(n, &f, m, now) != 0;
		return 0;
	}
	if (!opens(n, &s->tcp))
		return LW4O6_CNT_NAT_DROP_TCP_NO_SYN;
	if (i != 0)
		return LW4O6_CNT_NAT_DROP_FILTERED; /* the remote endpoint has this endpoint by another port */
	i = open_inward(n, &f, m, now);
	if (i == 0)
		return LW4O6_CNT_NAT_DROP_SESSION_LIMIT;
	napt_tcp_open(n, i, &s->tcp, DIR_IN, now);
	x->fresh = true;
	return 0;
}

unsigned lw4o6_napt_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x)
{
	struct segment s;

	if (!n->have_pool)
		return LW4O6_CNT_NAT_DROP_NO_CONFIG;
	napt_xlat_same(x, p->h);
	if (p->h->protocol == LW4O6_IPPROTO_ICMP)
		return napt_icmp_out(n, p, now, x);
	if (napt_space_of(n, p->h->protocol) < 0)
		return LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO;
	if (!read_segment(&s, p))
		return LW4O6_CNT_DROP_V4_TRUNCATED;
	x->ports = true;
	x->dport = s.ports.dst;
	return outward(n, &s, p->h->src, p->h->dst, now, x);
}

unsigned lw4o6_napt_in(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x)
{
	struct segment s;

	if (!n->have_pool)
		return LW4O6_CNT_NAT_DROP_NO_CONFIG;
	napt_xlat_same(x, p->h);
	if (p->h->protocol == LW4O6_IPPROTO_ICMP)
		return napt_icmp_in(n, p, now, x);
	if (napt_space_of(n, p->h->protocol) < 0)
		return LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO;
	if (!read_segment(&s, p))
		return LW4O6_CNT_DROP_V6_INNER_MALFORMED;
	x->ports = true;
	x->sport = s.ports.src;
	return inward(n, &s, s.ports.dst, p->h->src, s.ports.src, now, x);
}

/* To a target that nobody has, no mapping is made for the sender (D-326). */
unsigned lw4o6_napt_hairpin(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                            struct lw4o6_napt_xlat *x)
{
	struct segment s;
	int space = napt_space_of(n, p->h->protocol);

	if (!n->have_pool)
		return LW4O6_CNT_NAT_DROP_NO_CONFIG;
	napt_xlat_same(x, p->h);
	if (p->h->protocol == LW4O6_IPPROTO_ICMP)
		return napt_icmp_hairpin(n, p, now, x);
	if (space < 0)
		return LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO;
	if (!read_segment(&s, p))
		return LW4O6_CNT_DROP_V4_TRUNCATED;
	if (napt_mapping_at(n, (unsigned)space, s.ports.dst) == 0)
		return LW4O6_CNT_NAT_DROP_NO_MAPPING;
	x->ports = true;

	unsigned why = outward(n, &s, p->h->src, p->h->dst, now, x);
	return why != 0 ? why : inward(n, &s, s.ports.dst, n->ipv4, x->sport, now, x);
}

bool lw4o6_napt_owner(const struct lw4o6_napt *n, uint8_t protocol, uint16_t port, struct in_addr *addr,
                      uint16_t *inner_port)
{
	int space = napt_space_of(n, protocol);
	uint32_t m = space < 0 ? 0 : napt_mapping_at(n, (unsigned)space, port);

	if (m == 0)
		return false;
	*addr = n->maps[m].addr;
	*inner_port = n->maps[m].iport;
	return true;
}
