/* ICMP through the translator: queries by identifier, errors by what they quote (3.24; RFC 5508). */
#include "config.h"

#include "cursor.h"
#include "napt_int.h"

static bool is_forwarded_error(uint8_t type)
{
	return type == LW4O6_ICMP4_UNREACHABLE || type == LW4O6_ICMP4_TIME_EXCEEDED || type == LW4O6_ICMP4_PARAMETER;
}

/* 0 with the quote read, or why the message is not usable. The checksum of a fragment cannot be known (D-096). */
static unsigned read_error(struct lw4o6_quote4 *q, const struct lw4o6_napt_pkt *p)
{
	if (!p->h->mf && !lw4o6_icmp4_checksum_ok(p->data, p->h))
		return LW4O6_CNT_DROP_ICMP4_CHECKSUM;
	switch (lw4o6_icmp4_quote(q, p->data, p->h)) {
	case LW4O6_QUOTE_OK:
		break;
	case LW4O6_QUOTE_SHORT:
		return LW4O6_CNT_DROP_ICMP4_TRUNCATED;
	default:
		return LW4O6_CNT_DROP_ICMP4_EMBEDDED_BAD;
	}
	/* An error goes to who sent the quoted packet (D-099). */
	if (q->ip.src.s_addr != p->h->dst.s_addr)
		return LW4O6_CNT_DROP_ICMP4_EMBEDDED_MISMATCH;
	return 0;
}

static void quote_same(struct lw4o6_napt_xlat *x, const struct lw4o6_quote4 *q)
{
	x->quote = true;
	x->q_src = q->ip.src;
	x->q_dst = q->ip.dst;
	x->q_sport = q->ports.src;
	x->q_dport = q->ports.dst;
}

/* The session of a packet that an internal endpoint sent, from its external port. 0: none. */
static uint32_t sender_session(struct lw4o6_napt *n, const struct lw4o6_quote4 *q, lw4o6_time now)
{
	int space = napt_space_of(n, q->ip.protocol);
	uint32_t m = space < 0 ? 0 : napt_mapping_at(n, (unsigned)space, q->ports.src);

	if (m == 0)
		return 0;

	bool query = q->ip.protocol == LW4O6_IPPROTO_ICMP;
	struct flow f = { n->maps[m].addr, q->ip.dst, n->maps[m].iport, query ? 0 : q->ports.dst, q->ip.protocol };
	uint32_t i = napt_session_find(n, &f, now);

	return i != 0 && n->sess[i].eport == q->ports.src ? i : 0;
}

/* The external port behind which the quoted packet's internal destination got it; -1: it cannot have. */
static int receiver_port(struct lw4o6_napt *n, const struct lw4o6_quote4 *q, lw4o6_time now)
{
	int space = napt_space_of(n, q->ip.protocol);

	if (space < 0)
		return -1;

	bool query = q->ip.protocol == LW4O6_IPPROTO_ICMP;
	struct flow f = { q->ip.dst, q->ip.src, q->ports.dst, query ? 0 : q->ports.src, q->ip.protocol };
	uint32_t i = napt_session_find(n, &f, now);
	if (i != 0)
		return n->sess[i].eport;

	uint32_t m = napt_mapping_find(n, (unsigned)space, f.addr, f.iport);
	if (m == 0 || n->maps[m].kind != MAPPING_LIVE || !napt_filter_passes(n, &f, m, now))
		return -1;
	return n->maps[m].eport;
}

/* A LAN host or router complains about an inbound packet: D-315, D-316. State and timers stay (D-286, D-287). */
static unsigned error_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                          struct lw4o6_napt_xlat *x)
{
	struct lw4o6_quote4 q;
	unsigned why = read_error(&q, p);

	if (why != 0)
		return why;

	int port = receiver_port(n, &q, now);
	if (port < 0)
		return LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION;
	quote_same(x, &q);
	x->src = x->q_dst = n->ipv4;
	x->q_dport = (uint16_t)port;
	if (q.ip.protocol == LW4O6_IPPROTO_ICMP)
		x->q_sport = (uint16_t)port;
	return 0;
}

/* Somebody out there complains about an outbound packet: D-314. */
static unsigned error_in(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                         struct lw4o6_napt_xlat *x)
{
	struct lw4o6_quote4 q;
	unsigned why = read_error(&q, p);

	if (why != 0)
		return why;

	uint32_t i = sender_session(n, &q, now);
	if (i == 0)
		return LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION;
	quote_same(x, &q);
	x->dst = x->q_src = n->sess[i].addr;
	x->q_sport = n->sess[i].iport;
	x->q_id = napt_id_restore(n, &q.ip, now);
	return 0;
}

/* The quoted packet went from one LAN host to another by the public address: D-317. */
static unsigned error_hairpin(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                              struct lw4o6_napt_xlat *x)
{
	struct lw4o6_quote4 q;
	unsigned why = read_error(&q, p);

	if (why != 0)
		return why;

	int port = receiver_port(n, &q, now);
	if (port < 0)
		return LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION;

	struct lw4o6_quote4 sent = q;
	sent.ip.dst = n->ipv4;
	sent.ports.dst = (uint16_t)port;
	uint32_t i = sender_session(n, &sent, now);
	if (i == 0)
		return LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION;
	quote_same(x, &q);
	x->src = x->q_dst = n->ipv4;
	x->dst = x->q_src = n->sess[i].addr;
	x->q_sport = n->sess[i].iport;
	x->q_dport = (uint16_t)port;
	return 0;
}

/* Queries make a mapping of their identifier, always a new one: D-312, D-313. */
static unsigned query_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, uint16_t id, lw4o6_time now,
                          struct lw4o6_napt_xlat *x)
{
	struct flow f = { p->h->src, p->h->dst, id, 0, LW4O6_IPPROTO_ICMP };
	lw4o6_time life = n->cfg.icmp_s * LW4O6_SEC;
	uint32_t i = napt_session_find(n, &f, now), m;
	bool made;

	if (i == 0) {
		unsigned why = napt_session_room(n, now);

		if (why == 0)
			why = napt_host_may_session(n, f.addr);
		if (why == 0)
			why = napt_mapping_get(n, LW4O6_NAPT_ICMP, f.addr, id, now, &m, &made);
		if (why != 0)
			return why;
		i = napt_session_make(n, &f, m, DIR_OUT, now, life);
		if (i == 0 && made)
			napt_mapping_end(n, m, now);
		if (i == 0)
			return LW4O6_CNT_NAT_DROP_SESSION_LIMIT;
		x->fresh = true;
	} else {
		napt_set_deadline(n, i, lw4o6_time_add(now, life));
	}
	x->src = n->ipv4;
	x->sport = x->dport = n->sess[i].eport;
	return 0;
}

/* The answer of a host to a query that was let in. */
static unsigned reply_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, uint16_t id, struct lw4o6_napt_xlat *x)
{
	uint32_t m = napt_mapping_find(n, LW4O6_NAPT_ICMP, p->h->src, id);

	if (m == 0 || n->maps[m].kind != MAPPING_LIVE)
		return LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION;
	x->src = n->ipv4;
	x->sport = x->dport = n->maps[m].eport;
	return 0;
}

unsigned napt_icmp_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x)
{
	const uint8_t *l4 = p->data + p->h->hlen;

	if (p->h->total < p->h->hlen + LW4O6_ICMP_HLEN)
		return LW4O6_CNT_DROP_V4_TRUNCATED;
	if (is_forwarded_error(l4[0]))
		return error_out(n, p, now, x);
	if (l4[0] != LW4O6_ICMP4_ECHO && l4[0] != LW4O6_ICMP4_ECHO_REPLY)
		return LW4O6_CNT_DROP_ICMP4_TYPE;
	x->ports = true;
	return l4[0] == LW4O6_ICMP4_ECHO ? query_out(n, p, get_be16(l4 + 4), now, x)
	                                 : reply_out(n, p, get_be16(l4 + 4), x);
}

unsigned napt_icmp_in(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x)
{
	const uint8_t *l4 = p->data + p->h->hlen;

	if (p->h->total < p->h->hlen + LW4O6_ICMP_HLEN)
		return LW4O6_CNT_DROP_V6_INNER_MALFORMED;
	if (is_forwarded_error(l4[0]))
		return error_in(n, p, now, x);
	if (l4[0] != LW4O6_ICMP4_ECHO && l4[0] != LW4O6_ICMP4_ECHO_REPLY)
		return LW4O6_CNT_DROP_ICMP4_TYPE;

	uint32_t m = napt_mapping_at(n, LW4O6_NAPT_ICMP, get_be16(l4 + 4));
	if (m == 0)
		return LW4O6_CNT_NAT_DROP_NO_MAPPING;

	struct flow f = { n->maps[m].addr, p->h->src, n->maps[m].iport, 0, LW4O6_IPPROTO_ICMP };
	if (!napt_filter_passes(n, &f, m, now))
		return LW4O6_CNT_NAT_DROP_FILTERED;
	x->ports = true;
	x->dst = f.addr;
	x->sport = x->dport = f.iport;
	return 0;
}

/* One identifier cannot name two mappings: queries to the own address are for the B4 to answer. */
unsigned napt_icmp_hairpin(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                           struct lw4o6_napt_xlat *x)
{
	const uint8_t *l4 = p->data + p->h->hlen;

	if (p->h->total < p->h->hlen + LW4O6_ICMP_HLEN)
		return LW4O6_CNT_DROP_V4_TRUNCATED;
	return is_forwarded_error(l4[0]) ? error_hairpin(n, p, now, x) : (unsigned)LW4O6_CNT_NAT_DROP_NO_MAPPING;
}

int lw4o6_napt_port_of(const struct lw4o6_napt_pkt *p, unsigned *reason)
{
	struct lw4o6_ports ports;
	struct lw4o6_quote4 q;

	switch (lw4o6_ip4_ports(&ports, p->data, p->h, p->h->total)) {
	case LW4O6_PORT_OK:
		return ports.dst;
	case LW4O6_PORT_ERROR:
		*reason = read_error(&q, p);
		return *reason == 0 ? q.ports.src : -1;
	case LW4O6_PORT_ICMP_TYPE:
		*reason = LW4O6_CNT_DROP_ICMP4_TYPE;
		return -1;
	case LW4O6_PORT_SHORT:
		*reason = LW4O6_CNT_DROP_V6_INNER_MALFORMED;
		return -1;
	default:
		*reason = LW4O6_CNT_DROP_V6_NO_PORT_PROTOCOL;
		return -1;
	}
}
