#include "config.h"

#include "client_int.h"

#include <lw4o6/ip.h>

void v4_state(struct lw4o6_client *c, enum lw4o6_client_state state)
{
	if (c->state == state)
		return;
	client_log(c, LW4O6_LOG_DEBUG, "state", "%s -> %s", lw4o6_client_state_name(c->state),
	           lw4o6_client_state_name(state));
	c->state = state;
}

/* The states that hold a confirmed lease and keep it alive. */
static bool bound(const struct lw4o6_client *c)
{
	switch (c->state) {
	case LW4O6_CLIENT_BOUND:
	case LW4O6_CLIENT_CHANGING:
	case LW4O6_CLIENT_MISMATCH:
	case LW4O6_CLIENT_RENEWING:
	case LW4O6_CLIENT_REBINDING:
		return true;
	default:
		return false;
	}
}

lw4o6_time v4_saddr_retry(const struct lw4o6_client *c)
{
	return c->cfg.saddr_retry_s * LW4O6_SEC + client_random_time(c, 10 * LW4O6_SEC);
}

/* B-063: 1, 2, 4 ... 64 s, until an ACK. */
lw4o6_time v4_backoff(struct lw4o6_client *c)
{
	unsigned n = c->naks < 6 ? c->naks : 6;

	c->naks++;
	return LW4O6_SEC << n;
}

/* ---- exchanges ---- */

/* Where the next transmission begins: a target that the rate limit left out is the first one then. */
static unsigned next_first(const struct lw4o6_client *c, const struct exchange *x)
{
	return c->targets.n == 0 ? 0 : (x->first + x->next) % c->targets.n;
}

void v4_start(struct lw4o6_client *c, struct exchange *x, enum msg_kind kind, lw4o6_time now)
{
	unsigned first = next_first(c, x);

	*x = (struct exchange){ .kind = kind, .active = true, .pending = true, .first = first, .xid = client_random(c),
		                .started = now, .first_sent = LW4O6_TIME_NONE, .timer = LW4O6_TIME_NONE };
}

static void again(const struct lw4o6_client *c, struct exchange *x, lw4o6_time now)
{
	lw4o6_time s = (now - x->started) / LW4O6_SEC;

	if (x->kind == MSG_DISCOVER)
		x->secs = s > UINT16_MAX ? UINT16_MAX : (uint16_t)s;
	x->pending = true;
	x->first = next_first(c, x);
	x->next = 0;
	x->timer = LW4O6_TIME_NONE;
}

/* 4, 8, 16, 32, 64, 64 ... s, each +/- 1 s: RFC 2131 section 4.1. */
static lw4o6_time retransmit(const struct lw4o6_client *c, unsigned tries)
{
	unsigned n = tries < 5 ? tries - 1 : 4;

	return (4 * LW4O6_SEC << n) - LW4O6_SEC + client_random_time(c, 2 * LW4O6_SEC);
}

/* Half of the time to a limit, at least 60 s (B-064). */
static lw4o6_time half_of(lw4o6_time now, lw4o6_time limit)
{
	lw4o6_time d = limit > now && limit != LW4O6_TIME_NONE ? (limit - now) / 2 : 0;

	return d < RENEW_MIN ? RENEW_MIN : d;
}

/* The first copy of a transmission has left: when is the next? */
void v4_sent(struct lw4o6_client *c, struct exchange *x, lw4o6_time now)
{
	lw4o6_time d;

	if (x->tries++ == 0)
		x->first_sent = now;
	if (x == &c->inform)
		d = retransmit(c, x->tries);
	else if (c->state == LW4O6_CLIENT_RENEWING)
		d = half_of(now, c->lease.t2);
	else if (c->state == LW4O6_CLIENT_REBINDING)
		d = half_of(now, c->lease.end);
	else if (c->state == LW4O6_CLIENT_CHANGING)
		d = v4_saddr_retry(c);
	else
		d = retransmit(c, x->tries);
	x->timer = lw4o6_time_add(now, d);
}

/* ---- states ---- */

/* To INIT: DISCOVER (or the first REQUEST) after a delay. A lease is kept; the caller drops it when it must go. */
void v4_init(struct lw4o6_client *c, lw4o6_time delay, lw4o6_time now)
{
	v4_state(c, LW4O6_CLIENT_INIT);
	c->x.active = false;
	c->x.timer = lw4o6_time_add(now, delay);
	c->offer.valid = false;
	c->by_icmp = false;
	c->reboot = false;
	c->has_wanted = false;
	own_sweep(c);
}

static void discover(struct lw4o6_client *c, lw4o6_time now)
{
	v4_state(c, LW4O6_CLIENT_SELECTING);
	c->offer.valid = false;
	c->window_end = LW4O6_TIME_NONE;
	v4_start(c, &c->x, MSG_DISCOVER, now);
}

/* Nothing in the tuple may be used any more. @p forget: not even as a hint. */
void v4_drop_lease(struct lw4o6_client *c, bool forget, const char *reason)
{
	if (forget)
		c->has_last = false;
	if (c->lease.valid) {
		c->lease.valid = false;
		c->save_due = true;
		c->reason = reason;
		c->inform.active = false;
		client_log(c, LW4O6_LOG_INFO, "lease-lost", "%s", reason);
	}
	if (c->state == LW4O6_CLIENT_OFF)
		c->has_wanted = false;
	c->mismatches = 0;
}

void v4_request(struct lw4o6_client *c, enum lw4o6_client_state state, lw4o6_time now)
{
	if (now >= c->lease.t2)
		state = LW4O6_CLIENT_REBINDING;
	else if (now >= c->lease.t1 && state != LW4O6_CLIENT_REBINDING)
		state = LW4O6_CLIENT_RENEWING;
	v4_state(c, state);
	v4_start(c, &c->x, state == LW4O6_CLIENT_REBINDING ? MSG_REBIND : MSG_RENEW, now);
}

/* ---- PREPARE: a softwire source that exists, DAD done (B-071 to B-073) ---- */

static void prepared(struct lw4o6_client *c, lw4o6_time now)
{
	char text[INET6_ADDRSTRLEN];

	client_log(c, LW4O6_LOG_DEBUG, "softwire-source", "softwire source %s", client_addr_str(&c->wanted, text));
	own_sweep(c);
	switch (c->after) {
	case LW4O6_CLIENT_REQUESTING: /* xid and secs of the DISCOVER (B-057) */
		c->x.kind = MSG_SELECT;
		c->x.tries = 0;
		c->x.bad_acks = 0;
		c->x.pending = true;
		c->x.first = next_first(c, &c->x);
		c->x.next = 0;
		c->x.timer = LW4O6_TIME_NONE;
		v4_state(c, c->after);
		break;
	case LW4O6_CLIENT_REBOOTING:
		v4_start(c, &c->x, MSG_REBOOT, now);
		v4_state(c, c->after);
		break;
	default:
		v4_request(c, c->after, now);
		break;
	}
}

void v4_prepare(struct lw4o6_client *c, enum lw4o6_client_state after, lw4o6_time now)
{
	c->after = after;
	c->x.pending = false;
	v4_state(c, LW4O6_CLIENT_PREPARE);
	v4_prepare_next(c, now);
}

static unsigned candidates(const struct lw4o6_client *c, struct in6_addr list[CANDIDATES_MAX])
{
	bool select = c->after == LW4O6_CLIENT_REQUESTING;

	return addr_candidates(c, select ? &c->offer.t : &c->lease.t, c->has_hint ? &c->hint : NULL, false, !select,
	                       list);
}

static bool is_candidate(const struct lw4o6_client *c)
{
	struct in6_addr list[CANDIDATES_MAX];
	unsigned n = candidates(c, list);

	for (unsigned i = 0; i < n; i++)
		if (lw4o6_ip6_equal(&list[i], &c->wanted))
			return true;
	return false;
}

void v4_prepare_next(struct lw4o6_client *c, lw4o6_time now)
{
	struct in6_addr list[CANDIDATES_MAX];
	unsigned n = candidates(c, list);

	if (n == 0) {
		client_log(c, LW4O6_LOG_WARNING, "no-softwire-address", "no usable softwire address");
		c->n_failed = 0;
		v4_init(c, v4_backoff(c), now);
		return;
	}
	c->wanted = list[0];
	c->has_wanted = true;
	c->x.timer = lw4o6_time_add(now, PREPARE_TIMEOUT);
	if (addr_on_link(c, &c->wanted) || own_add(c, &c->wanted))
		prepared(c, now);
}

/* ---- the gate: may 4o6 run, and from where? (B-030 to B-033, B-071, B-076) ---- */

static void off(struct lw4o6_client *c, const char *why)
{
	if (c->state == LW4O6_CLIENT_OFF)
		return;
	client_log(c, LW4O6_LOG_INFO, "4o6-off", "DHCP 4o6 stopped: %s", why);
	v4_state(c, LW4O6_CLIENT_OFF);
	c->x.active = false;
	c->inform.active = false;
	c->offer.valid = false;
	c->has_wanted = c->lease.valid && c->lease.has_source;
	c->wanted = c->lease.source;
	own_sweep(c);
}

static void start(struct lw4o6_client *c, lw4o6_time now)
{
	lw4o6_time delay = 0;

	if (!c->started && c->cfg.start_delay_ms == 0)
		delay = LW4O6_SEC + client_random_time(c, 9 * LW4O6_SEC);
	else if (!c->started && c->cfg.start_delay_ms != LW4O6_CLIENT_NO_DELAY)
		delay = c->cfg.start_delay_ms * LW4O6_MSEC;
	c->started = true;
	v4_init(c, delay, now);
	c->reboot = c->lease.valid && lw4o6_ip6_equal(&c->lease.packet_source, &c->packet_source);
}

static void packet_source_changed(struct lw4o6_client *c, const struct in6_addr *source, lw4o6_time now)
{
	char text[INET6_ADDRSTRLEN];

	c->packet_source = *source;
	client_log(c, LW4O6_LOG_INFO, "packet-source", "4o6 messages now come from %s", client_addr_str(source, text));
	if (c->state == LW4O6_CLIENT_INIT)
		c->reboot = false;
	else
		v4_init(c, 0, now);
}

/* The server list changed while a query is on its way: unsent copies go to the new list. */
static void keep_targets_in_bounds(struct lw4o6_client *c, struct exchange *x)
{
	if (x->next > c->targets.n)
		x->next = c->targets.n;
}

/* What was configured before the link went down may belong to another network: a REPLY must have come since. */
static bool may_run(const struct lw4o6_client *c)
{
	return c->up && c->mech == MECH_4O6 && (c->info.fresh || c->cfg.static_servers);
}

void v4_gate(struct lw4o6_client *c, lw4o6_time now)
{
	struct in6_addr source;

	if (c->state == LW4O6_CLIENT_STOPPED)
		return;
	keep_targets_in_bounds(c, &c->x);
	keep_targets_in_bounds(c, &c->inform);
	if (!may_run(c) || !addr_packet_source(c, &source) || !addr_has_candidate(c)) {
		off(c, !c->up ? "link is down" : !may_run(c) ? "not configured by DHCPv6" :
		       addr_has_candidate(c) ? "no source address" : "no prefix for a softwire");
		return;
	}
	if (c->state == LW4O6_CLIENT_OFF) {
		c->packet_source = source;
		c->has_packet_source = true;
		start(c, now);
	} else if (!lw4o6_ip6_equal(&c->packet_source, &source)) {
		packet_source_changed(c, &source, now);
	} else if (c->state == LW4O6_CLIENT_PREPARE && !is_candidate(c)) {
		v4_prepare_next(c, now);
	} else if ((c->state == LW4O6_CLIENT_REQUESTING || c->state == LW4O6_CLIENT_REBOOTING) &&
	           !addr_wanted_ok(c)) {
		v4_prepare(c, c->state, now);
	} else if (bound(c) && c->has_wanted && !addr_wanted_ok(c)) {
		client_log(c, LW4O6_LOG_INFO, "source-change", "the softwire source must change");
		v4_prepare(c, LW4O6_CLIENT_CHANGING, now);
	}
}

/* ---- timers ---- */

static void lease_timers(struct lw4o6_client *c, lw4o6_time now)
{
	if (!c->lease.valid)
		return;
	if (now >= c->lease.end) {
		c->count[LW4O6_CLIENT_CNT_EXPIRED]++;
		v4_drop_lease(c, false, "lease expired");
		if (bound(c) || c->state == LW4O6_CLIENT_REBOOTING ||
		    (c->state == LW4O6_CLIENT_PREPARE && c->after != LW4O6_CLIENT_REQUESTING))
			v4_init(c, 0, now);
		own_sweep(c);
		return;
	}
	if (!bound(c) || c->state == LW4O6_CLIENT_REBINDING)
		return;
	if (now >= c->lease.t2)
		v4_request(c, LW4O6_CLIENT_REBINDING, now);
	else if (now >= c->lease.t1 && c->state != LW4O6_CLIENT_RENEWING)
		v4_request(c, LW4O6_CLIENT_RENEWING, now);
}

/* B-066: no answer to the first REQUEST; the rest of the lease may be used as it was. */
static void reboot_unanswered(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->lease.has_source && lw4o6_ip6_equal(&c->wanted, &c->lease.source) && c->lease.br.n > 0) {
		client_log(c, LW4O6_LOG_WARNING, "reboot-unanswered", "no server answers: using the rest of the lease");
		c->x.active = false;
		c->x.timer = LW4O6_TIME_NONE;
		c->lease.confirmed = true;
		c->reason = "lease kept over a restart";
		v4_state(c, LW4O6_CLIENT_BOUND);
	} else {
		v4_init(c, 0, now);
	}
}

static void exchange_timer(struct lw4o6_client *c, lw4o6_time now)
{
	switch (c->state) {
	case LW4O6_CLIENT_INIT:
		if (c->reboot && c->lease.valid)
			v4_prepare(c, LW4O6_CLIENT_REBOOTING, now);
		else
			discover(c, now);
		break;
	case LW4O6_CLIENT_PREPARE:
		addr_failed(c, &c->wanted);
		v4_prepare_next(c, now);
		break;
	case LW4O6_CLIENT_REQUESTING:
		if (c->x.tries >= REQUEST_TRIES)
			v4_init(c, 0, now);
		else
			again(c, &c->x, now);
		break;
	case LW4O6_CLIENT_REBOOTING:
		if (c->x.tries >= REQUEST_TRIES)
			reboot_unanswered(c, now);
		else
			again(c, &c->x, now);
		break;
	case LW4O6_CLIENT_CHANGING:
		if (c->by_icmp) /* unanswered, so ask everybody */
			v4_init(c, 0, now);
		else
			again(c, &c->x, now);
		break;
	case LW4O6_CLIENT_MISMATCH:
		v4_request(c, LW4O6_CLIENT_CHANGING, now);
		break;
	case LW4O6_CLIENT_SELECTING:
	case LW4O6_CLIENT_RENEWING:
	case LW4O6_CLIENT_REBINDING:
		again(c, &c->x, now);
		break;
	default:
		c->x.timer = LW4O6_TIME_NONE;
		break;
	}
}

void v4_tick(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->state == LW4O6_CLIENT_SELECTING && c->offer.valid && now >= c->window_end)
		v4_take_offer(c, now);
	/* One timer may make another one due: INIT without a delay, a lease taken over after its T1. */
	for (unsigned i = 0; i < 6; i++) {
		lease_timers(c, now);
		if (c->state == LW4O6_CLIENT_OFF || now < c->x.timer)
			break;
		exchange_timer(c, now);
	}
	if (c->inform.active && now >= c->inform.timer) {
		if (c->inform.tries >= REQUEST_TRIES)
			c->inform.active = false;
		else
			again(c, &c->inform, now);
	}
}
