#include "config.h"

#include "aftr_int.h"

#include <string.h>

/* The packet's verdict is a drop. Reasons of both sides add up by the side the packet came from. */
void aftr_drop(struct lw4o6_aftr *a, struct work *w, unsigned reason)
{
	bool tunnel = w->tunnel;
	size_t len = w->pkt->len;

	aftr_count(a, reason, len);
	aftr_count(a, tunnel ? LW4O6_CNT_DROPPED_IPV6 : LW4O6_CNT_DROPPED_IPV4, len);
	if (reason >= LW4O6_CNT_DROP_FRAG4_OVERLAP && reason <= LW4O6_CNT_DROP_FRAG4_ECN)
		aftr_count(a, LW4O6_CNT_DROPPED_IPV4_FRAGMENT, len);
	if (reason == LW4O6_CNT_DROP_ICMP4_POLICY || reason == LW4O6_CNT_DROP_ICMP4_RATE)
		aftr_count(a, LW4O6_CNT_DROPPED_ICMPV4, len);
	if (w->from && w->from->slot != SLOT_NONE) {
		a->cold[w->from->slot].drop6++;
		a->cold[w->from->slot].drop6_octets += len;
	}
	w->pkt->verdict = LW4O6_VERDICT_DROP;
	w->pkt->reason = reason;
}

void aftr_requeue(struct lw4o6_aftr *a, struct lw4o6_pkt *pkt)
{
	enum lw4o6_side side = pkt->verdict == LW4O6_VERDICT_EMIT4 ? LW4O6_SIDE_IPV4 : LW4O6_SIDE_IPV6;

	if (pkt->verdict != LW4O6_VERDICT_EMIT4 && pkt->verdict != LW4O6_VERDICT_EMIT6)
		return;

	uint8_t *dst = outq_reserve(&a->q, pkt->len);

	if (dst) {
		memcpy(dst, pkt->data, pkt->len);
		outq_commit(&a->q, side, pkt->len);
	}
	pkt->verdict = LW4O6_VERDICT_OUTQ;
}

static void count_sent6(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *to, size_t len)
{
	aftr_count(a, LW4O6_CNT_SENT_IPV6, len);
	if (to->slot != SLOT_NONE) {
		a->hot[to->slot].sent6++;
		a->hot[to->slot].sent6_octets += len;
	}
}

void aftr_cut6(struct lw4o6_aftr *a, const uint8_t *pkt, size_t len, size_t mtu, const struct lw4o6_bind_hit *to)
{
	struct lw4o6_frag6_cut cut;

	if (lw4o6_frag6_cut_init(&cut, pkt, len, mtu, lw4o6_frag6_ident_next(&a->ident)) < 0)
		return;
	a->cnt.packets[LW4O6_CNT_FRAG6_OUT_PACKETS]++;
	for (;;) {
		uint8_t *dst = outq_reserve(&a->q, mtu);
		ssize_t n = dst ? lw4o6_frag6_cut_next(&cut, dst, mtu) : 0;

		if (n <= 0)
			return;
		outq_commit(&a->q, LW4O6_SIDE_IPV6, (size_t)n);
		a->cnt.packets[LW4O6_CNT_FRAG6_OUT_FRAGMENTS]++;
		if (to)
			count_sent6(a, to, (size_t)n);
	}
}

/*
 * The IPv4 packet of @p w, TTL and TOS already final, goes into a softwire: in place where there is
 * headroom, else as a copy; in pieces when it is larger than the tunnel MTU (D-073, D-078, D-042).
 */
void aftr_emit6(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *to, size_t mtu)
{
	struct lw4o6_pkt *pkt = w->pkt;
	struct lw4o6_encap e = {
		.src = to->br, .dst = to->b4, .hop_limit = a->cfg.hop_limit,
		.tclass = lw4o6_tc_encap(&a->tc, w->ip[1]),
		.limit = a->cfg.encap_limit ? a->cfg.encap_limit_value : (int16_t)-1,
	};
	size_t inner = w->h.total;

	if (a->cfg.flow_label_hash)
		e.flow = lw4o6_flow_label(a->key, w->ip, &w->h);
	lw4o6_decap(pkt, (size_t)(w->ip - pkt->data), inner);
	pkt->verdict = LW4O6_VERDICT_EMIT6;
	if (!lw4o6_encap(pkt, &e)) {
		uint8_t *dst = inner <= mtu ? outq_reserve(&a->q, a->hlen + inner) : a->scratch;

		if (!dst)
			return;
		lw4o6_encap_write(dst, &e, inner);
		memcpy(dst + a->hlen, pkt->data, inner);
		pkt->verdict = LW4O6_VERDICT_OUTQ;
		if (inner <= mtu) {
			outq_commit(&a->q, LW4O6_SIDE_IPV6, a->hlen + inner);
			count_sent6(a, to, a->hlen + inner);
		} else {
			aftr_cut6(a, dst, a->hlen + inner, mtu + a->hlen, to);
		}
	} else if (inner <= mtu) {
		count_sent6(a, to, pkt->len);
	} else {
		aftr_cut6(a, pkt->data, pkt->len, mtu + a->hlen, to);
		pkt->verdict = LW4O6_VERDICT_OUTQ;
	}
}

static void count_sent4(struct lw4o6_aftr *a, const struct work *w, size_t len)
{
	aftr_count(a, LW4O6_CNT_SENT_IPV4, len);
	if (w->from && w->from->slot != SLOT_NONE) {
		a->hot[w->from->slot].sent4++;
		a->hot[w->from->slot].sent4_octets += len;
	}
}

/* In pieces when the link is too small (D-186). */
static void leave4(struct lw4o6_aftr *a, struct work *w, bool own)
{
	struct lw4o6_frag4_cut cut;
	size_t mtu = a->cfg.ipv4_mtu;

	lw4o6_decap(w->pkt, (size_t)(w->ip - w->pkt->data), w->h.total);
	w->pkt->verdict = LW4O6_VERDICT_EMIT4;
	if (w->h.total <= mtu || lw4o6_frag4_cut_init(&cut, w->ip, w->h.total, mtu) < 0) {
		if (!own)
			count_sent4(a, w, w->h.total);
		return;
	}
	w->pkt->verdict = LW4O6_VERDICT_OUTQ;
	a->cnt.packets[LW4O6_CNT_FRAG4_OUT_PACKETS]++;
	for (;;) {
		uint8_t *dst = outq_reserve(&a->q, mtu);
		ssize_t n = dst ? lw4o6_frag4_cut_next(&cut, dst, mtu) : 0;

		if (n <= 0)
			return;
		outq_commit(&a->q, LW4O6_SIDE_IPV4, (size_t)n);
		a->cnt.packets[LW4O6_CNT_FRAG4_OUT_FRAGMENTS]++;
		if (!own)
			count_sent4(a, w, (size_t)n);
	}
}

/* The packet, TTL and TOS already final, leaves natively. */
void aftr_emit4(struct lw4o6_aftr *a, struct work *w)
{
	leave4(a, w, false);
}

void aftr_reply4(struct lw4o6_aftr *a, struct work *w)
{
	leave4(a, w, true);
}
