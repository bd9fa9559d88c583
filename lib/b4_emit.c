/* What leaves: counting, the tunnel header, fragments, the two queues. */
#include "config.h"

#include "b4_int.h"

#include <string.h>

void b4_count(struct lw4o6_b4 *b, enum lw4o6_counter c, size_t octets)
{
	b->cnt.packets[c]++;
	b->cnt.octets[c] += octets;
}

static bool is_frag4_reason(unsigned reason)
{
	return reason >= LW4O6_CNT_DROP_FRAG4_OVERLAP && reason <= LW4O6_CNT_DROP_FRAG4_ECN;
}

/* Octets are those of the packet as it arrived, when it is still there. */
void b4_drop(struct lw4o6_b4 *b, const struct work *w, unsigned reason)
{
	size_t len = w->in_place ? w->p->len : w->len;

	b4_count(b, (enum lw4o6_counter)reason, len);
	b4_count(b, w->side == LW4O6_SIDE_IPV4 ? LW4O6_CNT_DROPPED_IPV4 : LW4O6_CNT_DROPPED_IPV6, len);
	if (is_frag4_reason(reason))
		b4_count(b, LW4O6_CNT_DROPPED_IPV4_FRAGMENT, len);
	if (w->p) {
		w->p->verdict = LW4O6_VERDICT_DROP;
		w->p->reason = reason;
	}
}

static uint32_t path_mtu(const struct lw4o6_b4 *b, lw4o6_time now)
{
	return b->path_mtu != 0 && now < b->path_mtu_until && b->path_mtu < b->link_mtu ? b->path_mtu : b->link_mtu;
}

size_t b4_wrap_len(const struct lw4o6_b4 *b)
{
	return LW4O6_IP6_HLEN + (b->cfg.encap_limit ? (size_t)LW4O6_TUNNEL_LIMIT_HLEN : 0);
}

/* D-189, D-190. */
uint32_t b4_tunnel_mtu(const struct lw4o6_b4 *b, lw4o6_time now)
{
	uint32_t mtu = path_mtu(b, now);

	if (mtu > b->cfg.path_mru)
		mtu = b->cfg.path_mru;
	mtu -= (uint32_t)b4_wrap_len(b);
	return b->cfg.payload_mtu != 0 && b->cfg.payload_mtu < mtu ? b->cfg.payload_mtu : mtu;
}

/* The outer header for an inner packet, D-073, D-254. */
static struct lw4o6_encap outer_of(const struct lw4o6_b4 *b, const uint8_t *inner, const struct lw4o6_ip4 *h)
{
	return (struct lw4o6_encap){
		.src = b->rec.b4, .dst = b->rec.aftr, .tclass = lw4o6_tc_encap(&b->tc, inner[1]),
		.flow = b->cfg.flow_label_hash ? lw4o6_flow_label(b->flow_key, inner, h) : 0,
		.hop_limit = b->cfg.hop_limit,
		.limit = (int16_t)(b->cfg.encap_limit ? b->cfg.encap_limit_value : -1),
	};
}

/* Write the tunnel header for @inner to @dst, b4_wrap_len() octets. */
void b4_wrap(struct lw4o6_b4 *b, uint8_t *dst, const uint8_t *inner, const struct lw4o6_ip4 *h)
{
	struct lw4o6_encap e = outer_of(b, inner, h);

	lw4o6_encap_write(dst, &e, h->total);
}

void b4_queue(struct lw4o6_b4 *b, enum lw4o6_side side, const uint8_t *data, size_t len)
{
	uint8_t *dst = outq_reserve(&b->outq, len);

	if (!dst)
		return;
	memcpy(dst, data, len);
	outq_commit(&b->outq, side, len);
}

static void cut_tunnel(struct lw4o6_b4 *b, const uint8_t *pkt, size_t len, uint32_t mtu)
{
	struct lw4o6_frag6_cut cut;

	if (lw4o6_frag6_cut_init(&cut, pkt, len, mtu, lw4o6_frag6_ident_next(&b->ident6)) < 0)
		return;
	b->cnt.packets[LW4O6_CNT_FRAG6_OUT_PACKETS]++;
	for (;;) {
		uint8_t *dst = outq_reserve(&b->outq, mtu);
		ssize_t n = dst ? lw4o6_frag6_cut_next(&cut, dst, mtu) : 0;

		if (n <= 0)
			return;
		outq_commit(&b->outq, LW4O6_SIDE_IPV6, (size_t)n);
		b->cnt.packets[LW4O6_CNT_FRAG6_OUT_FRAGMENTS]++;
		b4_count(b, LW4O6_CNT_SENT_IPV6, (size_t)n);
	}
}

/* Encapsulate and send; larger than the path: in IPv6 fragments (D-078, D-194). */
void b4_send_tunnel(struct lw4o6_b4 *b, struct work *w, lw4o6_time now)
{
	size_t head = b4_wrap_len(b), len = head + w->len;
	uint32_t mtu = b4_tunnel_mtu(b, now) + (uint32_t)head;
	uint8_t *pkt;

	if (w->headroom >= head) {
		pkt = w->data - head;
	} else {
		pkt = b->scratch;
		memcpy(pkt + head, w->data, w->len);
	}
	b4_wrap(b, pkt, pkt + head, &w->h);
	if (w->p)
		w->p->verdict = LW4O6_VERDICT_OUTQ;
	if (len > mtu) {
		cut_tunnel(b, pkt, len, mtu);
		return;
	}
	b4_count(b, LW4O6_CNT_SENT_IPV6, len);
	if (!w->in_place || pkt == b->scratch) {
		b4_queue(b, LW4O6_SIDE_IPV6, pkt, len);
		return;
	}

	size_t end = w->p->headroom + w->p->len + w->p->tailroom;

	w->p->headroom -= (size_t)(w->p->data - pkt);
	w->p->data = pkt;
	w->p->len = len;
	w->p->tailroom = end - w->p->headroom - len;
	w->p->verdict = LW4O6_VERDICT_EMIT6;
}

static void cut_lan(struct lw4o6_b4 *b, const struct work *w, bool counted)
{
	struct lw4o6_frag4_cut cut;

	if (lw4o6_frag4_cut_init(&cut, w->data, w->len, b->lan_mtu) < 0)
		return;
	b->cnt.packets[LW4O6_CNT_FRAG4_OUT_PACKETS]++;
	for (;;) {
		uint8_t *dst = outq_reserve(&b->outq, b->lan_mtu);
		ssize_t n = dst ? lw4o6_frag4_cut_next(&cut, dst, b->lan_mtu) : 0;

		if (n <= 0)
			return;
		outq_commit(&b->outq, LW4O6_SIDE_IPV4, (size_t)n);
		b->cnt.packets[LW4O6_CNT_FRAG4_OUT_FRAGMENTS]++;
		if (counted)
			b4_count(b, LW4O6_CNT_SENT_IPV4, (size_t)n);
	}
}

/* To the LAN; larger than its MTU: in IPv4 fragments (D-197; DF was looked at). @counted: it came out of the tunnel. */
void b4_send_lan(struct lw4o6_b4 *b, struct work *w, bool counted)
{
	if (w->p)
		w->p->verdict = LW4O6_VERDICT_OUTQ;
	if (w->len > b->lan_mtu && !w->h.df) {
		cut_lan(b, w, counted);
		return;
	}
	if (counted)
		b4_count(b, LW4O6_CNT_SENT_IPV4, w->len);
	if (!w->in_place) {
		b4_queue(b, LW4O6_SIDE_IPV4, w->data, w->len);
		return;
	}

	size_t end = w->p->headroom + w->p->len + w->p->tailroom, moved = (size_t)(w->data - w->p->data);

	w->p->headroom += moved;
	w->p->data = w->data;
	w->p->len = w->len;
	w->p->tailroom = end - w->p->headroom - w->len;
	w->p->verdict = LW4O6_VERDICT_EMIT4;
}
