/* The middle of both directions, for whole packets and fragments: find the translation, then take it. */
#include "config.h"

#include "b4_int.h"

#include <string.h>

/* D-205, D-206: not what the B4 itself sends, and not when the kernel has done it. */
bool b4_decrements_out(const struct lw4o6_b4 *b, const struct work *w)
{
	return !b->cfg.no_ttl_out && ntohl(w->h.src.s_addr) != B4_WELL_KNOWN;
}

/* What a LAN host is told when the translator refuses its packet. */
static void explain_to_lan(struct lw4o6_b4 *b, const struct work *w, unsigned why, bool hairpin, lw4o6_time now)
{
	struct reply4 r = { LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_PROHIBITED, 0 };

	switch (why) {
	case LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED:
	case LW4O6_CNT_NAT_DROP_SESSION_LIMIT:
	case LW4O6_CNT_NAT_DROP_HOST_LIMIT:
	case LW4O6_CNT_NAT_DROP_RATE:
		if (b->cfg.exhausted_code == 255)
			return;
		r.code = b->cfg.exhausted_code;
		break;
	case LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO:
		break;
	case LW4O6_CNT_NAT_DROP_NO_MAPPING:
		if (!hairpin || !b->cfg.hairpin_3_3)
			return;
		r.code = LW4O6_ICMP4_PORT;
		break;
	default:
		return;
	}
	b4_icmp4_to_lan(b, w, r, now);
}

static void note_exhausted(struct lw4o6_b4 *b, uint8_t protocol)
{
	struct lw4o6_b4_event ev = { .kind = LW4O6_B4_EV_PORTS_EXHAUSTED };
	struct lw4o6_napt_gauges g;

	switch (protocol) {
	case LW4O6_IPPROTO_TCP:
		ev.space = LW4O6_NAPT_TCP;
		break;
	case LW4O6_IPPROTO_UDP:
		ev.space = LW4O6_NAPT_UDP;
		break;
	case LW4O6_IPPROTO_ICMP:
		ev.space = LW4O6_NAPT_ICMP;
		break;
	default:
		ev.space = LW4O6_NAPT_UDPLITE;
	}
	if (b->exhausted[ev.space])
		return;
	b->exhausted[ev.space] = true;
	lw4o6_napt_gauges(b->nat, &g);
	ev.used = g.ports_in_use[ev.space];
	ev.total = g.ports_total;
	b4_event_put(b, &ev);
}

/* Which way, by the destination: D-324, D-325. */
static unsigned find_out(struct lw4o6_b4 *b, const struct lw4o6_napt_pkt *np, struct path *path, lw4o6_time now)
{
	unsigned why = 0;
	int port;

	path->kind = PATH_OUT;
	if (np->h->dst.s_addr == b->rec.ipv4.s_addr) {
		port = lw4o6_napt_port_of(np, &why);
		if (why == LW4O6_CNT_DROP_V6_NO_PORT_PROTOCOL)
			why = LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO;
		else if (why == LW4O6_CNT_DROP_V6_INNER_MALFORMED)
			why = LW4O6_CNT_DROP_V4_TRUNCATED;
		if (port < 0)
			return why;
		if (lw4o6_psid_has_port(&b->rec.ps, (uint16_t)port))
			path->kind = PATH_HAIRPIN;
	}
	why = path->kind == PATH_OUT ? lw4o6_napt_out(b->nat, np, now, &path->x)
	                             : lw4o6_napt_hairpin(b->nat, np, now, &path->x);
	if (why != 0)
		return why;
	path->id = lw4o6_napt_new_id(b->nat, np->h, now);
	path->new_id = true;
	return 0;
}

static unsigned find_in(struct lw4o6_b4 *b, const struct lw4o6_napt_pkt *np, struct path *path, lw4o6_time now)
{
	unsigned why = 0;
	int port = lw4o6_napt_port_of(np, &why);

	path->kind = PATH_IN;
	path->new_id = false;
	if (port < 0)
		return why;
	if (!lw4o6_psid_has_port(&b->rec.ps, (uint16_t)port))
		return LW4O6_CNT_B4_DROP_DST_PORT;
	return lw4o6_napt_in(b->nat, np, now, &path->x);
}

/*
 * An echo request for an identifier of the own set that nobody uses (D-321): the answer goes back where the request
 * came from. From the LAN, another identifier is another subscriber's and never comes here (D-325).
 */
static bool answer_ping(struct lw4o6_b4 *b, struct work *w, unsigned why, lw4o6_time now)
{
	if (why != LW4O6_CNT_NAT_DROP_NO_MAPPING || w->h.protocol != LW4O6_IPPROTO_ICMP ||
	    lw4o6_ip4_is_fragment(&w->h) || w->h.total < w->h.hlen + LW4O6_ICMP_HLEN ||
	    w->data[w->h.hlen] != LW4O6_ICMP4_ECHO)
		return false;
	if (b->cfg.no_answer_ping || !lw4o6_icmp4_checksum_ok(w->data, &w->h) ||
	    !bucket_take(&b->echo, b->cfg.icmp_rate, b->cfg.icmp_burst, now))
		return false;
	lw4o6_icmp4_echo_reply(w->data, &w->h, 64);
	if (w->side == LW4O6_SIDE_IPV4) {
		b4_send_lan(b, w, false);
		return true;
	}
	if (lw4o6_ip4_decode(&w->h, w->data, w->len) != LW4O6_IP4_OK)
		return false;
	lw4o6_napt_set_id(w->data, &w->h, lw4o6_napt_new_id(b->nat, &w->h, now));
	b4_send_tunnel(b, w, now);
	return true;
}

/*
 * Port, mapping, filter: for a whole packet or a first fragment. False: it was dropped, or answered here,
 * and has its verdict.
 */
bool b4_path_find(struct lw4o6_b4 *b, struct work *w, struct path *path, lw4o6_time now)
{
	struct lw4o6_napt_pkt np = { &w->h, w->data };
	bool lan = w->side == LW4O6_SIDE_IPV4;
	unsigned why;

	memset(path, 0, sizeof(*path));
	why = lan ? find_out(b, &np, path, now) : find_in(b, &np, path, now);
	if (why == 0) {
		if (path->kind == PATH_OUT && path->x.fresh && b->syns)
			b4_syn_sent(b, &w->h, &path->x);
		return true;
	}
	if (path->kind != PATH_OUT && answer_ping(b, w, why, now))
		return false;
	b4_drop(b, w, why);
	if (why == LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED)
		note_exhausted(b, w->h.protocol);
	if (lan)
		explain_to_lan(b, w, why, path->kind == PATH_HAIRPIN, now);
	else if (why == LW4O6_CNT_B4_DROP_DST_PORT && b->cfg.prohibited_3_13)
		b4_icmp4_to_tunnel(b, w, (struct reply4){ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_PROHIBITED, 0 }, now);
	else if (b->syns && (why == LW4O6_CNT_NAT_DROP_NO_MAPPING || why == LW4O6_CNT_NAT_DROP_FILTERED))
		b4_syn_refused(b, w, now);
	return false;
}

/* The last look before anything with our address leaves (D-227, D-274). */
static bool is_ours(const struct lw4o6_b4 *b, const struct lw4o6_napt_xlat *x)
{
	if (x->src.s_addr != b->rec.ipv4.s_addr)
		return false;
	if (x->ports)
		return lw4o6_psid_has_port(&b->rec.ps, x->sport);
	return x->quote && lw4o6_psid_has_port(&b->rec.ps, x->q_dport);
}

static void clamp(struct lw4o6_b4 *b, const struct work *w, lw4o6_time now)
{
	uint32_t mss = b->cfg.mss_clamp != 0 ? b->cfg.mss_clamp : b4_tunnel_mtu(b, now) - 40;

	if (!b->cfg.no_mss_clamp && lw4o6_mss_clamp(w->data, &w->h, (uint16_t)(mss > 65535 ? 65535 : mss)))
		b->cnt.packets[LW4O6_CNT_MSS_CLAMPED]++;
}

static void translate(struct lw4o6_b4 *b, struct work *w, const struct path *path, bool decrement)
{
	if (decrement)
		lw4o6_ip4_dec_ttl(w->data);
	lw4o6_napt_apply(w->data, &w->h, &path->x);
	if (path->new_id)
		lw4o6_napt_set_id(w->data, &w->h, path->id);
	w->h.src = path->x.src;
	w->h.dst = path->x.dst;
	if (path->kind == PATH_HAIRPIN)
		b->cnt.packets[LW4O6_CNT_NAT_HAIRPIN]++;
}

static void too_big(struct lw4o6_b4 *b, const struct work *w, uint32_t mtu, bool to_lan, lw4o6_time now)
{
	struct reply4 r = { LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_FRAG_NEEDED, (uint16_t)(mtu > 65535 ? 65535 : mtu) };

	b4_drop(b, w, LW4O6_CNT_B4_DROP_MTU_DF);
	if (to_lan)
		b4_icmp4_to_lan(b, w, r, now);
	else
		b4_icmp4_to_tunnel(b, w, r, now);
}

static void take_out(struct lw4o6_b4 *b, struct work *w, const struct path *path, lw4o6_time now)
{
	bool hairpin = path->kind == PATH_HAIRPIN;
	uint32_t mtu = hairpin ? b->lan_mtu : b4_tunnel_mtu(b, now);

	if (w->len > mtu && w->h.df && (hairpin || !b->cfg.tunnel_fragment)) {
		too_big(b, w, mtu, true, now);
		return;
	}
	if (!is_ours(b, &path->x)) {
		b4_drop(b, w, LW4O6_CNT_NAT_INTERNAL_ERROR);
		return;
	}
	translate(b, w, path, b4_decrements_out(b, w));
	if (hairpin) {
		b4_send_lan(b, w, false);
		return;
	}
	clamp(b, w, now);
	b4_send_tunnel(b, w, now);
}

static void take_in(struct lw4o6_b4 *b, struct work *w, const struct path *path, lw4o6_time now)
{
	enum lw4o6_counter anomaly = LW4O6_CNT_COUNT;
	int tos = w->h.tos;

	if (w->h.ttl == 0 || (w->h.ttl == 1 && !b->cfg.no_ttl_in)) {
		b4_drop(b, w, LW4O6_CNT_B4_DROP_TTL);
		b4_icmp4_to_tunnel(b, w, (struct reply4){ LW4O6_ICMP4_TIME_EXCEEDED, 0, 0 }, now);
		return;
	}
	if (w->outer_tc >= 0)
		tos = lw4o6_tc_decap(&b->tc, w->h.tos, (uint8_t)w->outer_tc, &anomaly);
	if (anomaly != LW4O6_CNT_COUNT)
		b->cnt.packets[anomaly]++;
	if (tos < 0) {
		b4_drop(b, w, LW4O6_CNT_DROP_V6_ECN);
		return;
	}
	if (w->len > b->lan_mtu && w->h.df) {
		too_big(b, w, b->lan_mtu, false, now);
		return;
	}
	if (tos != w->h.tos)
		lw4o6_ip4_set_tos(w->data, (uint8_t)tos);
	translate(b, w, path, !b->cfg.no_ttl_in);
	clamp(b, w, now);
	b4_send_lan(b, w, true);
}

void b4_path_take(struct lw4o6_b4 *b, struct work *w, const struct path *path, lw4o6_time now)
{
	if (path->kind == PATH_IN)
		take_in(b, w, path, now);
	else
		take_out(b, w, path, now);
}
