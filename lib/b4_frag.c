/* IPv4 fragments, both ways: the first one finds the path, the others follow it (3.11, 3.23). All of them leave
 * by the queue, which keeps their order. */
#include "config.h"

#include "b4_int.h"

#include <string.h>

_Static_assert(sizeof(struct path) <= LW4O6_FRAG4_DECISION, "a path must fit into a fragment context");

static void follow(struct lw4o6_b4 *b, struct lw4o6_frag4_ref ref, enum lw4o6_side side, const struct path *path,
                   lw4o6_time now)
{
	uint8_t *data;
	size_t len;

	while (lw4o6_frag4_next_held(b->frag4, ref, &data, &len)) {
		struct work w = {
			.side = side, .data = data, .len = len, .headroom = LW4O6_FRAG_HEADROOM, .outer_tc = -1,
		};

		if (lw4o6_ip4_decode(&w.h, data, len) == LW4O6_IP4_OK)
			b4_path_take(b, &w, path, now);
	}
}

static void whole(struct lw4o6_b4 *b, const struct work *last, const struct lw4o6_frag4_result *res, lw4o6_time now)
{
	struct work w = {
		.p = last->p, .side = last->side, .data = res->data, .len = res->len,
		.headroom = LW4O6_FRAG_HEADROOM, .outer_tc = -1,
	};
	struct path path;

	if (lw4o6_ip4_decode(&w.h, w.data, w.len) != LW4O6_IP4_OK)
		b4_drop(b, &w, LW4O6_CNT_DROP_FRAG4_BAD_LENGTH);
	else if (b4_path_find(b, &w, &path, now))
		b4_path_take(b, &w, &path, now);
}

/* ECN and DSCP first, because a fragment that is held leaves its tunnel header behind. False: dropped. */
static bool combine(struct lw4o6_b4 *b, struct work *w)
{
	enum lw4o6_counter anomaly = LW4O6_CNT_COUNT;

	if (w->outer_tc < 0)
		return true;

	int tos = lw4o6_tc_decap(&b->tc, w->h.tos, (uint8_t)w->outer_tc, &anomaly);
	w->outer_tc = -1;
	if (anomaly != LW4O6_CNT_COUNT)
		b->cnt.packets[anomaly]++;
	if (tos < 0) {
		b4_drop(b, w, LW4O6_CNT_DROP_V6_ECN);
		return false;
	}
	if (tos != w->h.tos)
		lw4o6_ip4_set_tos(w->data, (uint8_t)tos);
	w->h.tos = (uint8_t)tos;
	return true;
}

void b4_fragment(struct lw4o6_b4 *b, struct work *w, lw4o6_time now)
{
	struct lw4o6_frag4_from from = { .side = w->side };
	struct lw4o6_frag4_result res;
	struct path path;
	bool allow;

	if (!combine(b, w))
		return;
	if (w->side == LW4O6_SIDE_IPV6 && w->h.frag_off != 0 && lw4o6_napt_idle(b->nat)) { /* D-185 */
		b4_drop(b, w, LW4O6_CNT_DROP_FRAG4_UNBOUND);
		return;
	}
	switch (lw4o6_frag4_add(b->frag4, &from, &w->h, w->data, now, &res)) {
	case LW4O6_FRAG_HELD:
		w->p->verdict = LW4O6_VERDICT_HELD;
		return;
	case LW4O6_FRAG_COMPLETE:
		whole(b, w, &res, now);
		return;
	case LW4O6_FRAG_FIRST:
		w->in_place = false;
		allow = b4_path_find(b, w, &path, now);
		lw4o6_frag4_decide(b->frag4, res.ref, allow, 0, &path, sizeof(path));
		if (!allow)
			return;
		b4_path_take(b, w, &path, now);
		follow(b, res.ref, w->side, &path, now);
		return;
	case LW4O6_FRAG_FOLLOW:
		w->in_place = false;
		memcpy(&path, res.decision, sizeof(path));
		b4_path_take(b, w, &path, now);
		return;
	default:
		b4_drop(b, w, res.reason);
	}
}

/* What waited in vain. IPv4: silent. IPv6: the AFTR is told when the first fragment was there (D-151). */
void b4_frag_tick(struct lw4o6_b4 *b, lw4o6_time now)
{
	struct lw4o6_frag_expired ex;
	struct lw4o6_ip6 outer;

	while (lw4o6_frag4_expire(b->frag4, now, &ex))
		continue;
	while (outq_has_room(&b->outq, OUT_OCTETS, OUT_PIECES) && lw4o6_frag6_expire(b->frag6, now, &ex))
		if (ex.first && b->state == B4_SERVICE &&
		    lw4o6_ip6_decode(&outer, ex.first, ex.len) == LW4O6_IP6_OK)
			b4_icmp6(b, &outer, ex.first, LW4O6_ICMP6_TIME_EXCEEDED, 1, 0, now);
}
