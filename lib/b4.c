/* The record and what a change of it does (3.18, 3.26), the burst, time, events. */
#include "config.h"

#include "b4_int.h"

#include <string.h>

enum { TICK_SESSIONS = 4096, RUN_SESSIONS = 256 };

/* ---- events ---- */

void b4_event_put(struct lw4o6_b4 *b, const struct lw4o6_b4_event *ev)
{
	if (b->ev_count == EVENTS_MAX) {
		b->ev_first = (b->ev_first + 1) % EVENTS_MAX;
		b->ev_count--;
	}
	b->events[(b->ev_first + b->ev_count++) % EVENTS_MAX] = *ev;
}

int lw4o6_b4_event(struct lw4o6_b4 *b, struct lw4o6_b4_event *ev)
{
	if (b->ev_count == 0)
		return 0;
	*ev = b->events[b->ev_first];
	b->ev_first = (b->ev_first + 1) % EVENTS_MAX;
	b->ev_count--;
	return 1;
}

/* Once per crossing, with ten percent of hysteresis (D-303). */
static void watch_ports(struct lw4o6_b4 *b)
{
	struct lw4o6_napt_gauges g;

	lw4o6_napt_gauges(b->nat, &g);
	for (unsigned s = 0; s < LW4O6_NAPT_NSPACES; s++) {
		uint64_t used = (uint64_t)g.ports_in_use[s] * 100;
		uint64_t high = (uint64_t)g.ports_total * b->cfg.ports_alarm_percent, low = high - high / 10;

		if (g.ports_total == 0 || used < low) {
			b->ports_alarm[s] = b->exhausted[s] = false;
		} else if (used >= high && !b->ports_alarm[s]) {
			b->ports_alarm[s] = true;
			b4_event_put(b, &(struct lw4o6_b4_event){
				.kind = LW4O6_B4_EV_PORTS_ALARM, .space = (enum lw4o6_napt_space)s,
				.used = g.ports_in_use[s], .total = g.ports_total });
		}
	}
}

static void watch_fragments(struct lw4o6_b4 *b)
{
	struct lw4o6_frag_usage u;

	if (lw4o6_frag4_alarm(b->frag4)) {
		lw4o6_frag4_usage(b->frag4, &u);
		b4_event_put(b, &(struct lw4o6_b4_event){
			.kind = LW4O6_B4_EV_FRAG_ALARM, .used = u.contexts, .total = u.contexts_max });
	}
	if (lw4o6_frag6_alarm(b->frag6)) {
		lw4o6_frag6_usage(b->frag6, &u);
		b4_event_put(b, &(struct lw4o6_b4_event){
			.kind = LW4O6_B4_EV_FRAG_ALARM, .used = u.contexts, .total = u.contexts_max });
	}
}

/* ---- the record ---- */

static bool is_usable(const struct lw4o6_b4_record *r, lw4o6_time now)
{
	return !lw4o6_ip4_is_martian(r->ipv4) && lw4o6_psid_valid(&r->ps) && lw4o6_ip6_is_usable(&r->aftr) &&
	       lw4o6_ip6_is_usable(&r->b4) && !lw4o6_ip6_equal(&r->aftr, &r->b4) && now < r->expires;
}

static void forget_tunnel(struct lw4o6_b4 *b)
{
	lw4o6_frag4_flush(b->frag4);
	lw4o6_frag6_flush(b->frag6);
	b->path_mtu = 0;
}

static void changed(struct lw4o6_b4 *b, const struct lw4o6_b4_record *old, const struct lw4o6_b4_record *new_rec,
                    enum lw4o6_b4_reason reason)
{
	struct lw4o6_b4_event ev = {
		.kind = LW4O6_B4_EV_CONFIG, .reason = reason, .had_old = old != NULL, .has_new = new_rec != NULL,
	};

	if (old)
		ev.old_rec = *old;
	if (new_rec)
		ev.new_rec = *new_rec;
	ev.addr_change = old && new_rec && !lw4o6_ip6_equal(&old->b4, &new_rec->b4);
	b->cnt.packets[LW4O6_CNT_CONFIG_CHANGES]++;
	b4_event_put(b, &ev);
}

/* D-335: nothing of the old flows is left, whatever comes next. */
static void stop(struct lw4o6_b4 *b, enum lw4o6_b4_reason reason, lw4o6_time now)
{
	bool service = b->state == B4_SERVICE;

	if (b->state == B4_NONE)
		return;
	b->state = B4_NONE;
	lw4o6_napt_flush(b->nat, now);
	forget_tunnel(b);
	b4_syn_clear(b);
	if (service)
		changed(b, &b->rec, NULL, reason);
}

bool b4_service(struct lw4o6_b4 *b, lw4o6_time now)
{
	if (b->state != B4_NONE && now >= b->rec.expires)
		stop(b, LW4O6_B4_BY_EXPIRY, now);
	return b->state == B4_SERVICE;
}

static bool same_record(const struct lw4o6_b4_record *x, const struct lw4o6_b4_record *y)
{
	return x->ipv4.s_addr == y->ipv4.s_addr && lw4o6_psid_equal(&x->ps, &y->ps) &&
	       lw4o6_ip6_equal(&x->aftr, &y->aftr) && lw4o6_ip6_equal(&x->b4, &y->b4);
}

int lw4o6_b4_set_record(struct lw4o6_b4 *b, const struct lw4o6_b4_record *r, lw4o6_time now)
{
	if (r && !is_usable(r, now))
		return LW4O6_EINVAL;
	b4_service(b, now);
	if (!r) {
		stop(b, LW4O6_B4_BY_CALL, now);
		return LW4O6_OK;
	}

	struct lw4o6_b4_record old = b->rec;
	bool service = b->state == B4_SERVICE;
	bool same_pool = old.ipv4.s_addr == r->ipv4.s_addr && lw4o6_psid_equal(&old.ps, &r->ps);
	uint32_t lost = lw4o6_napt_set_pool(b->nat, r->ipv4, &r->ps, now);

	b->rec = *r;
	b->state = B4_SERVICE;
	if (service && same_record(&old, r))
		return LW4O6_OK; /* D-333 */
	if (!same_pool)
		b4_syn_clear(b);
	forget_tunnel(b);
	changed(b, service ? &old : NULL, r, LW4O6_B4_BY_CALL);
	if (lost > 0)
		b4_event_put(b, &(struct lw4o6_b4_event){ .kind = LW4O6_B4_EV_FORWARD_INACTIVE, .used = lost });
	return LW4O6_OK;
}

void lw4o6_b4_suspend(struct lw4o6_b4 *b, lw4o6_time now)
{
	if (!b4_service(b, now))
		return;
	b->state = B4_SUSPENDED;
	forget_tunnel(b);
	changed(b, &b->rec, NULL, LW4O6_B4_BY_SUSPEND);
}

bool lw4o6_b4_record(const struct lw4o6_b4 *b, struct lw4o6_b4_record *out)
{
	if (b->state != B4_SERVICE)
		return false;
	*out = b->rec;
	return true;
}

/* ---- packets and time ---- */

/* Ask for what the next packets of the burst will need (see lw4o6_napt_warm()). */
static void warm(struct lw4o6_b4 *b, enum lw4o6_side side, const struct lw4o6_pkt *pkts, size_t n)
{
	const uint8_t *data[LW4O6_NAPT_BURST];
	size_t len[LW4O6_NAPT_BURST], head = side == LW4O6_SIDE_IPV4 ? 0 : LW4O6_IP6_HLEN;
	unsigned count = n < LW4O6_NAPT_BURST ? (unsigned)n : LW4O6_NAPT_BURST;

	for (unsigned i = 0; i < count; i++) {
		bool whole = pkts[i].len > head && (head == 0 || pkts[i].data[6] == LW4O6_IPPROTO_IPIP);

		data[i] = whole ? pkts[i].data + head : NULL;
		len[i] = whole ? pkts[i].len - head : 0;
	}
	lw4o6_napt_warm(b->nat, data, len, count, side == LW4O6_SIDE_IPV6);
}

/* What was queued before it must leave first: the caller sends the queue last. */
static void requeue(struct lw4o6_b4 *b, struct lw4o6_pkt *p)
{
	enum lw4o6_side side = p->verdict == LW4O6_VERDICT_EMIT4 ? LW4O6_SIDE_IPV4 : LW4O6_SIDE_IPV6;

	if (p->verdict != LW4O6_VERDICT_EMIT4 && p->verdict != LW4O6_VERDICT_EMIT6)
		return;
	b4_queue(b, side, p->data, p->len);
	p->verdict = LW4O6_VERDICT_OUTQ;
}

size_t lw4o6_b4_run(struct lw4o6_b4 *b, enum lw4o6_side side, struct lw4o6_pkt *pkts, size_t n, lw4o6_time now)
{
	size_t i;

	lw4o6_napt_tick(b->nat, now, RUN_SESSIONS);
	b4_frag_tick(b, now);
	for (i = 0; i < n && outq_has_room(&b->outq, OUT_OCTETS, OUT_PIECES); i++) {
		if (i % LW4O6_NAPT_BURST == 0 && n - i > 1)
			warm(b, side, pkts + i, n - i);

		bool behind = b->outq.used > 0;

		pkts[i].reason = 0;
		if (side == LW4O6_SIDE_IPV4)
			b4_lan_packet(b, &pkts[i], now);
		else
			b4_tunnel_packet(b, &pkts[i], now);
		if (behind)
			requeue(b, &pkts[i]);
	}
	watch_ports(b);
	watch_fragments(b);
	return i;
}

bool lw4o6_b4_next_out(struct lw4o6_b4 *b, struct lw4o6_out *out)
{
	return outq_next(&b->outq, out);
}

static lw4o6_time sooner(lw4o6_time x, lw4o6_time y)
{
	return x < y ? x : y;
}

lw4o6_time lw4o6_b4_expiry(const struct lw4o6_b4 *b)
{
	lw4o6_time t = b->state == B4_NONE ? LW4O6_TIME_NONE : b->rec.expires;

	t = sooner(t, lw4o6_napt_expiry(b->nat));
	t = sooner(t, lw4o6_frag4_expiry(b->frag4));
	t = sooner(t, lw4o6_frag6_expiry(b->frag6));
	return sooner(t, b4_syn_expiry(b));
}

void lw4o6_b4_tick(struct lw4o6_b4 *b, lw4o6_time now)
{
	b4_service(b, now);
	lw4o6_napt_tick(b->nat, now, TICK_SESSIONS);
	b4_frag_tick(b, now);
	if (b->state == B4_SERVICE)
		b4_syn_tick(b, now);
	watch_ports(b);
}

/* ---- forwards, gauges ---- */

int lw4o6_b4_forward_add(struct lw4o6_b4 *b, const struct lw4o6_napt_forward *f, lw4o6_time now)
{
	return lw4o6_napt_forward_add(b->nat, f, now);
}

int lw4o6_b4_forward_remove(struct lw4o6_b4 *b, uint8_t protocol, uint16_t port, lw4o6_time now)
{
	return lw4o6_napt_forward_remove(b->nat, protocol, port, now);
}

const struct lw4o6_counters *lw4o6_b4_counters(const struct lw4o6_b4 *b)
{
	return &b->cnt;
}

const struct lw4o6_napt *lw4o6_b4_napt(const struct lw4o6_b4 *b)
{
	return b->nat;
}

void lw4o6_b4_gauges(const struct lw4o6_b4 *b, struct lw4o6_b4_gauges *out)
{
	struct lw4o6_frag_usage u4, u6;

	*out = (struct lw4o6_b4_gauges){ .service = b->state == B4_SERVICE };
	lw4o6_napt_gauges(b->nat, &out->nat);
	lw4o6_frag4_usage(b->frag4, &u4);
	lw4o6_frag6_usage(b->frag6, &u6);
	out->frag4_contexts = u4.contexts;
	out->frag6_contexts = u6.contexts;
	out->frag4_memory = u4.memory;
	out->frag6_memory = u6.memory;
	out->memory = b->memory + out->nat.memory + u4.memory_max + u6.memory_max;
	out->tunnel_mtu = b4_tunnel_mtu(b, 0);
	out->path_mtu = out->tunnel_mtu + (uint32_t)b4_wrap_len(b);
}
