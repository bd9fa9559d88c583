/* Tunnel packets that are not simply IPv4 in IPv6: extension headers, IPv6 fragments, ICMPv6. */
#include "config.h"

#include "aftr_int.h"

/* Look the inner packet up by itself and go on. */
static void finish_alone(struct lw4o6_aftr *a, struct work *w)
{
	struct lw4o6_bind_hit hit = { 0 };
	bool to_managed = false;

	if (w->reason == REASON_NONE) {
		aftr_find(a, w->h.src, w->key, w->now, &hit);
		to_managed = aftr_managed(a, w->h.dst, w->now);
	}
	aftr_up_finish(a, w, &hit, to_managed);
}

/* The last fragment is there: the whole packet takes the usual way from the start. */
static void reassembled(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_frag6_result *res)
{
	struct lw4o6_pkt pkt = { .data = res->data, .len = res->len, .headroom = LW4O6_FRAG_HEADROOM };
	struct work whole = { .pkt = &pkt, .now = w->now };

	aftr_up_parse(a, &whole);
	whole.whole = true;
	if (whole.plain)
		finish_alone(a, &whole);
	else
		aftr_up_finish(a, &whole, NULL, false);
	aftr_requeue(a, &pkt);
	w->pkt->verdict = pkt.verdict;
	w->pkt->reason = pkt.reason;
}

static void fragment(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_chain *c)
{
	struct lw4o6_frag6_in in = { .pkt = w->pkt->data, .len = w->pkt->len, .nh_off = c->next_at, .fh_off = c->off };
	struct lw4o6_frag6_result res;
	struct lw4o6_binding b;

	aftr_count(a, LW4O6_CNT_RCVD_IPV6, w->pkt->len);
	if (!aftr_find_b4(a, &w->o.src, w->now, &b)) {
		a->cnt.packets[LW4O6_CNT_FRAG6_IN]++;
		aftr_drop(a, w, LW4O6_CNT_DROP_FRAG6_NO_BINDING);
		return;
	}
	switch (lw4o6_frag6_add(a->frag6, &in, w->now, &res)) {
	case LW4O6_FRAG_COMPLETE:
		reassembled(a, w, &res);
		break;
	case LW4O6_FRAG_DROP:
		aftr_drop(a, w, res.reason);
		if (res.icmp_type != 0)
			aftr_icmp6_about(a, w, res.icmp_type, res.icmp_code, res.icmp_pointer);
		break;
	default:
		w->pkt->verdict = LW4O6_VERDICT_HELD;
		aftr_frag_alarm(a);
		break;
	}
}

/* Steps 4 to 6: next header is not 4. */
void aftr_up_chain(struct lw4o6_aftr *a, struct work *w)
{
	struct lw4o6_chain c;
	enum lw4o6_chain_end end = lw4o6_chain_walk(&c, w->pkt->data, w->pkt->len);

	if (!w->whole && c.atomic > 0) {
		a->cnt.packets[LW4O6_CNT_FRAG6_IN] += c.atomic;
		a->cnt.packets[LW4O6_CNT_FRAG6_ATOMIC] += c.atomic;
	}
	switch (end) {
	case LW4O6_CHAIN_UPPER:
		if (c.next == LW4O6_IPPROTO_ICMPV6) {
			aftr_icmp6_in(a, w, c.off);
			return;
		}
		aftr_up_inner(a, w, c.off);
		finish_alone(a, w);
		return;
	case LW4O6_CHAIN_FRAGMENT:
		if (w->whole) /* a fragment of fragments */
			aftr_drop(a, w, LW4O6_CNT_DROP_V6_EXT_HEADER);
		else
			fragment(a, w, &c);
		return;
	case LW4O6_CHAIN_DROP:
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_EXT_HEADER);
		return;
	case LW4O6_CHAIN_NONE:
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_UNKNOWN_NEXT_HEADER);
		return;
	case LW4O6_CHAIN_PARAM:
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_EXT_HEADER);
		break;
	case LW4O6_CHAIN_UNKNOWN:
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_UNKNOWN_NEXT_HEADER);
		break;
	}
	aftr_icmp6_about(a, w, LW4O6_ICMP6_PARAMETER, c.code, (uint32_t)c.pointer);
}
