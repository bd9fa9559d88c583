/* Inner and inbound IPv4 fragments of shared addresses: only the first one knows the port (data-plane 3.11). */
#include "config.h"

#include "aftr_int.h"

static struct lw4o6_frag4_from origin(const struct lw4o6_aftr *a, const struct work *w)
{
	return (struct lw4o6_frag4_from){
		.side = w->tunnel ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4,
		.hairpin = w->hairpin,
		.softwire = w->tunnel ? aftr_softwire_id(a, &w->o.src) : 0,
	};
}

/* May the followers of this first fragment pass? Not when it was refused for good (D-176). */
static bool may_follow(const struct lw4o6_pkt *pkt)
{
	return pkt->verdict != LW4O6_VERDICT_DROP || pkt->reason == LW4O6_CNT_DROP_V4_MTU_DF ||
	       pkt->reason == LW4O6_CNT_DROP_V6_MTU_DF || pkt->reason == LW4O6_CNT_DROP_V6_ECN;
}

/* A held fragment as a packet of the datagram that @p first belongs to. @return false: not a packet. */
static bool held_work(struct work *w, struct lw4o6_pkt *pkt, const struct work *first)
{
	*w = *first;
	w->pkt = pkt;
	w->ip = pkt->data;
	w->whole = w->tos_done = true;
	if (lw4o6_ip4_decode(&w->h, pkt->data, pkt->len) != LW4O6_IP4_OK)
		return false;
	w->tos = first->hairpin ? w->h.tos : w->tos;
	w->kind = LW4O6_PORT_NONE;
	return true;
}

/* ---- towards a softwire ---- */

static void down_release(struct lw4o6_aftr *a, const struct work *first, struct lw4o6_frag4_ref ref,
                         const struct lw4o6_bind_hit *hit)
{
	struct lw4o6_pkt pkt = { .headroom = LW4O6_FRAG_HEADROOM };

	while (lw4o6_frag4_next_held(a->frag4, ref, &pkt.data, &pkt.len)) {
		struct work w;

		pkt.headroom = LW4O6_FRAG_HEADROOM;
		pkt.tailroom = 0;
		if (held_work(&w, &pkt, first))
			aftr_down_forward(a, &w, hit);
		aftr_requeue(a, &pkt);
	}
}

static void down_first(struct lw4o6_aftr *a, struct work *w, struct lw4o6_frag4_ref ref,
                       const struct lw4o6_bind_hit *hit)
{
	struct frag_decision d = { .down = w->key, .down_ok = true };

	if (aftr_down_admit(a, w, hit))
		aftr_down_forward(a, w, hit);

	bool allow = may_follow(w->pkt);

	lw4o6_frag4_decide(a->frag4, ref, allow, allow ? aftr_softwire_id(a, &hit->b4) : 0, &d, sizeof(d));
	if (!allow)
		return;
	if (a->q.used > 0)
		aftr_requeue(a, w->pkt);
	down_release(a, w, ref, hit);
}

static void down_follow(struct lw4o6_aftr *a, struct work *w, const struct frag_decision *d)
{
	struct lw4o6_bind_hit hit;

	aftr_find(a, w->h.dst, d->down, w->now, &hit);
	if (hit.found)
		aftr_down_forward(a, w, &hit);
	else
		aftr_drop(a, w, LW4O6_CNT_DROP_FRAG4_UNBOUND);
}

static void down_complete(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_frag4_result *res)
{
	struct lw4o6_pkt pkt = { .data = res->data, .len = res->len, .headroom = LW4O6_FRAG_HEADROOM };
	struct work whole = { .pkt = &pkt, .now = w->now };
	struct lw4o6_bind_hit hit;

	aftr_down_parse(a, &whole);
	whole.whole = true;
	if (w->hairpin) {
		whole.tunnel = true;
		whole.o = w->o;
		whole.from = w->from;
		aftr_down_hairpin(a, &whole, NULL);
	} else {
		aftr_find(a, whole.h.dst, whole.key, w->now, &hit);
		aftr_down_finish(a, &whole, &hit, false);
	}
	aftr_requeue(a, &pkt);
	w->pkt->verdict = pkt.verdict;
	w->pkt->reason = pkt.reason;
}

void aftr_down_fragment(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit)
{
	struct lw4o6_frag4_from from = origin(a, w);
	struct lw4o6_frag4_result res;

	if (w->hairpin) { /* what is held must be as it leaves */
		lw4o6_ip4_set_tos(w->ip, w->tos);
		w->h.tos = w->tos;
	}
	switch (lw4o6_frag4_add(a->frag4, &from, &w->h, w->ip, w->now, &res)) {
	case LW4O6_FRAG_FIRST:
		down_first(a, w, res.ref, hit);
		break;
	case LW4O6_FRAG_FOLLOW:
		down_follow(a, w, res.decision);
		break;
	case LW4O6_FRAG_COMPLETE:
		down_complete(a, w, &res);
		break;
	case LW4O6_FRAG_DROP:
		aftr_drop(a, w, res.reason);
		break;
	default:
		w->pkt->verdict = LW4O6_VERDICT_HELD;
		aftr_frag_alarm(a);
		break;
	}
}

/* ---- out of a softwire ---- */

static void up_release(struct lw4o6_aftr *a, const struct work *first, struct lw4o6_frag4_ref ref,
                       const struct lw4o6_bind_hit *hit, bool to_managed, const struct frag_decision *d)
{
	struct lw4o6_pkt pkt = { .headroom = LW4O6_FRAG_HEADROOM };

	while (lw4o6_frag4_next_held(a->frag4, ref, &pkt.data, &pkt.len)) {
		struct work w;

		pkt.headroom = LW4O6_FRAG_HEADROOM;
		pkt.tailroom = 0;
		if (held_work(&w, &pkt, first)) {
			w.hairpin = false;
			w.from = NULL;
			aftr_up_forward(a, &w, hit, to_managed, d);
		}
		aftr_requeue(a, &pkt);
	}
}

static void up_first(struct lw4o6_aftr *a, struct work *w, struct lw4o6_frag4_ref ref,
                     const struct lw4o6_bind_hit *hit, bool to_managed)
{
	struct frag_decision d = { .up = w->key };

	if (aftr_up_check(a, w, hit)) {
		struct work down = *w;

		aftr_down_key(&down);
		d.down = down.key;
		d.down_ok = down.key_reason == REASON_NONE;
		aftr_up_forward(a, w, hit, to_managed, &d);
	}

	bool allow = may_follow(w->pkt);

	lw4o6_frag4_decide(a->frag4, ref, allow, 0, &d, sizeof(d));
	if (!allow)
		return;
	if (a->q.used > 0)
		aftr_requeue(a, w->pkt);
	up_release(a, w, ref, hit, to_managed, &d);
}

/* The binding may have changed since the first fragment (D-028). */
static void up_follow(struct lw4o6_aftr *a, struct work *w, struct frag_decision d, bool to_managed)
{
	struct lw4o6_bind_hit hit;

	aftr_find(a, w->h.src, d.up, w->now, &hit);
	if (hit.found && lw4o6_ip6_equal(&hit.b4, &w->o.src) && lw4o6_ip6_equal(&hit.br, &w->o.dst))
		aftr_up_forward(a, w, &hit, to_managed, &d);
	else
		aftr_drop(a, w, LW4O6_CNT_DROP_FRAG4_UNBOUND);
}

static void up_complete(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_frag4_result *res)
{
	struct lw4o6_pkt pkt = { .data = res->data, .len = res->len, .headroom = LW4O6_FRAG_HEADROOM };
	struct work whole = { .pkt = &pkt, .now = w->now, .o = w->o, .tunnel = true, .whole = true,
		              .tos_done = true, .reason = REASON_NONE };
	struct lw4o6_bind_hit hit = { 0 };
	bool to_managed = false;

	aftr_up_inner(a, &whole, 0);
	if (whole.reason == REASON_NONE) {
		aftr_find(a, whole.h.src, whole.key, w->now, &hit);
		to_managed = aftr_managed(a, whole.h.dst, w->now);
	}
	aftr_up_finish(a, &whole, &hit, to_managed);
	aftr_requeue(a, &pkt);
	w->pkt->verdict = pkt.verdict;
	w->pkt->reason = pkt.reason;
}

/* What may be held loses its outer header: combine first. @return false: dropped. */
static bool combine_now(struct lw4o6_aftr *a, struct work *w)
{
	enum lw4o6_counter anomaly;
	int tos = lw4o6_tc_decap(&a->tc, w->h.tos, w->o.tclass, &anomaly);

	if (w->h.frag_off == 0 && a->cfg.frag4_mode != LW4O6_FRAG4_FULL)
		return true; /* passes at once; an ICMP error about it quotes it as it came */
	if (anomaly != LW4O6_CNT_COUNT)
		a->cnt.packets[anomaly]++;
	if (tos < 0) {
		a->cnt.packets[LW4O6_CNT_FRAG4_IN]++; /* the table counts those it sees */
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_ECN);
		return false;
	}
	lw4o6_ip4_set_tos(w->ip, (uint8_t)tos);
	w->h.tos = (uint8_t)tos;
	w->tos_done = true;
	return true;
}

void aftr_up_fragment(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit, bool to_managed)
{
	struct lw4o6_frag4_from from = origin(a, w);
	struct lw4o6_frag4_result res;
	struct lw4o6_binding b;

	/* nobody but a subscriber may occupy memory (D-021, D-184) */
	if (!aftr_find_b4(a, &w->o.src, w->now, &b)) {
		a->cnt.packets[LW4O6_CNT_FRAG4_IN]++;
		w->key_reason = w->h.frag_off != 0 ? (unsigned)LW4O6_CNT_DROP_V6_SPOOFED : w->key_reason;
		if (aftr_up_check(a, w, hit))
			aftr_drop(a, w, LW4O6_CNT_DROP_V6_SPOOFED);
		return;
	}
	if (!combine_now(a, w))
		return;
	switch (lw4o6_frag4_add(a->frag4, &from, &w->h, w->ip, w->now, &res)) {
	case LW4O6_FRAG_FIRST:
		up_first(a, w, res.ref, hit, to_managed);
		break;
	case LW4O6_FRAG_FOLLOW: {
		const struct frag_decision *d = res.decision;

		up_follow(a, w, *d, to_managed);
		break;
	}
	case LW4O6_FRAG_COMPLETE:
		up_complete(a, w, &res);
		break;
	case LW4O6_FRAG_DROP:
		aftr_drop(a, w, res.reason);
		break;
	default:
		w->pkt->verdict = LW4O6_VERDICT_HELD;
		aftr_frag_alarm(a);
		break;
	}
}
