/* From the tunnel: section 2, "B4, tunnel side". */
#include "config.h"

#include "b4_int.h"

/* From the inner packet on. */
static void inner_packet(struct lw4o6_b4 *b, struct work *w, lw4o6_time now)
{
	enum lw4o6_ip4_error e = lw4o6_ip4_decode(&w->h, w->data, w->len);
	struct path path;

	if (e != LW4O6_IP4_OK) {
		b4_drop(b, w, e == LW4O6_IP4_CHECKSUM ? LW4O6_CNT_DROP_V6_INNER_CHECKSUM
		                                      : LW4O6_CNT_DROP_V6_INNER_MALFORMED);
		return;
	}
	w->len = w->h.total;
	if (w->h.dst.s_addr != b->rec.ipv4.s_addr) {
		b4_drop(b, w, LW4O6_CNT_B4_DROP_DST_ADDRESS);
		if (b->cfg.prohibited_3_13)
			b4_icmp4_to_tunnel(b, w,
			                   (struct reply4){ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_PROHIBITED, 0 },
			                   now);
	} else if (lw4o6_ip4_is_martian(w->h.src)) {
		b4_drop(b, w, LW4O6_CNT_DROP_V6_INNER_MARTIAN);
	} else if (lw4o6_ip4_is_fragment(&w->h)) {
		b4_fragment(b, w, now);
	} else if (b4_path_find(b, w, &path, now)) {
		b4_path_take(b, w, &path, now);
	}
}

/* A complaint about a header: only the AFTR gets one, anybody else is not ours to talk to (D-223). */
static void complain(struct lw4o6_b4 *b, const struct work *w, const struct lw4o6_ip6 *outer, unsigned reason,
                     const struct lw4o6_chain *c, lw4o6_time now)
{
	b4_drop(b, w, reason);
	if (c)
		b4_icmp6(b, outer, w->p->data, LW4O6_ICMP6_PARAMETER, c->code, (uint32_t)c->pointer, now);
}

static void fragment6(struct lw4o6_b4 *b, struct work *w, const struct lw4o6_ip6 *outer, const struct lw4o6_chain *c,
                      lw4o6_time now)
{
	struct lw4o6_frag6_in in = { w->p->data, outer->end, c->next_at, c->off };
	struct lw4o6_frag6_result res;
	struct lw4o6_ip6 whole;
	struct lw4o6_chain chain;

	switch (lw4o6_frag6_add(b->frag6, &in, now, &res)) {
	case LW4O6_FRAG_HELD:
		w->p->verdict = LW4O6_VERDICT_HELD;
		return;
	case LW4O6_FRAG_COMPLETE:
		break;
	default:
		b4_drop(b, w, res.reason);
		if (res.icmp_type != 0)
			b4_icmp6(b, outer, w->p->data, res.icmp_type, res.icmp_code, res.icmp_pointer, now);
		return;
	}
	w->in_place = false;
	if (lw4o6_ip6_decode(&whole, res.data, res.len) != LW4O6_IP6_OK ||
	    lw4o6_chain_walk(&chain, res.data, whole.end) != LW4O6_CHAIN_UPPER || chain.next != LW4O6_IPPROTO_IPIP) {
		b4_drop(b, w, LW4O6_CNT_DROP_V6_UNKNOWN_NEXT_HEADER);
		return;
	}
	w->data = res.data + chain.off;
	w->len = whole.end - chain.off;
	w->headroom = LW4O6_FRAG_HEADROOM + chain.off;
	w->outer_tc = whole.tclass;
	inner_packet(b, w, now);
}

/* Next header 4 and fragments: from the AFTR alone, before anything is kept (D-165, D-223). */
static void tunnelled(struct lw4o6_b4 *b, struct work *w, const struct lw4o6_ip6 *outer, const struct lw4o6_chain *c,
                      enum lw4o6_chain_end end, lw4o6_time now)
{
	b4_count(b, LW4O6_CNT_RCVD_IPV6, w->p->len);
	if (!lw4o6_ip6_equal(&outer->src, &b->rec.aftr)) {
		b4_drop(b, w, LW4O6_CNT_B4_DROP_NOT_AFTR);
		return;
	}
	b->cnt.packets[LW4O6_CNT_FRAG6_IN] += c->atomic;
	b->cnt.packets[LW4O6_CNT_FRAG6_ATOMIC] += c->atomic;
	if (end == LW4O6_CHAIN_FRAGMENT) {
		fragment6(b, w, outer, c, now);
		return;
	}
	w->data = w->p->data + c->off;
	w->len = outer->end - c->off;
	w->headroom = w->p->headroom + c->off;
	w->outer_tc = outer->tclass;
	inner_packet(b, w, now);
}

void b4_tunnel_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, lw4o6_time now)
{
	struct work w = {
		.p = p, .side = LW4O6_SIDE_IPV6, .data = p->data, .len = p->len, .headroom = p->headroom,
		.in_place = true, .outer_tc = -1,
	};
	struct lw4o6_ip6 outer;
	struct lw4o6_chain c;
	enum lw4o6_ip6_error e = lw4o6_ip6_decode(&outer, p->data, p->len);

	if (e != LW4O6_IP6_OK) {
		b4_drop(b, &w, e == LW4O6_IP6_NOT_IPV6 ? LW4O6_CNT_DROP_V6_NOT_IPV6 : LW4O6_CNT_DROP_V6_TRUNCATED);
		return;
	}
	if (!b4_service(b, now)) {
		b4_drop(b, &w, LW4O6_CNT_NAT_DROP_NO_CONFIG);
		return;
	}
	if (!lw4o6_ip6_equal(&outer.dst, &b->rec.b4)) {
		b4_drop(b, &w, LW4O6_CNT_DROP_V6_NOT_LOCAL);
		return;
	}

	enum lw4o6_chain_end end = lw4o6_chain_walk(&c, p->data, outer.end);
	bool aftr = lw4o6_ip6_equal(&outer.src, &b->rec.aftr);
	switch (end) {
	case LW4O6_CHAIN_UPPER:
		if (c.next == LW4O6_IPPROTO_ICMPV6)
			b4_icmp6_packet(b, p, &outer, c.off, now);
		else
			tunnelled(b, &w, &outer, &c, end, now);
		return;
	case LW4O6_CHAIN_FRAGMENT:
		tunnelled(b, &w, &outer, &c, end, now);
		return;
	case LW4O6_CHAIN_UNKNOWN: /* not tunnel traffic: the host's own stack knows what to say (D-257) */
		p->verdict = LW4O6_VERDICT_LOCAL;
		return;
	case LW4O6_CHAIN_PARAM:
		complain(b, &w, &outer, aftr ? LW4O6_CNT_DROP_V6_EXT_HEADER : LW4O6_CNT_B4_DROP_NOT_AFTR,
		         aftr ? &c : NULL, now);
		return;
	case LW4O6_CHAIN_NONE:
		b4_drop(b, &w, LW4O6_CNT_DROP_V6_UNKNOWN_NEXT_HEADER);
		return;
	default:
		b4_drop(b, &w, LW4O6_CNT_DROP_V6_EXT_HEADER);
	}
}
