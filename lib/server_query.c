#include "config.h"

#include "server_int.h"
#include "siphash.h"

/* ---- offers ---- */

void hold_end(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	if (l->state != STATE_HELD && l->hold == 0)
		return;
	lease_unlink(s, no);
	l->hold = 0;
	if (l->state == STATE_HELD && l->pending == 0) {
		lease_free(s, no);
		return;
	}
	if (l->state == STATE_HELD)
		l->state = LW4O6_LEASE_FREE; /* forgotten once its last change is settled */
	lease_link(s, no);
}

/* S-077. */
uint32_t lease_seconds(const struct lw4o6_server *s, const struct query *q)
{
	uint32_t v = s->cfg.lease_default_s;

	if (q->m.has & LW4O6_DHCP4_HAS_LEASE)
		v = q->m.lease_s;
	if (v < s->cfg.lease_min_s)
		v = s->cfg.lease_min_s;
	return v > s->cfg.lease_max_s ? s->cfg.lease_max_s : v;
}

static uint32_t offer_seconds(const struct lw4o6_server *s, const struct query *q, const struct lease *l)
{
	bool keeps_time = l->state == LW4O6_LEASE_ACTIVE && (!(q->m.has & LW4O6_DHCP4_HAS_LEASE) || s->cfg.no_extend);

	return keeps_time ? seconds_left(l, q->t) : lease_seconds(s, q);
}

/* Hold a record for this client and offer it (S-073). */
static void offer(struct lw4o6_server *s, const struct query *q, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	if (l->state != LW4O6_LEASE_ACTIVE) {
		lease_pause(s, no);
		l->hold = q->t + s->cfg.offer_hold_s * LW4O6_SEC;
		lease_resume(s, no);
	}
	reply_offer(s, q, l, offer_seconds(s, q, l));
}

/* A tuple this client has no record of. */
static void offer_new(struct lw4o6_server *s, const struct query *q, unsigned pool, uint32_t tuple)
{
	uint32_t no = lease_take(s, pool, tuple, false);

	if (no == NONE || !lease_set_client(s, lease_at(s, no), q, false)) {
		count(s, no == NONE && s->records >= s->max_records ? LW4O6_SRV_DROP_EXHAUSTED : LW4O6_SRV_DROP_MEMORY);
		if (no != NONE)
			lease_free(s, no);
		return;
	}
	lease_link(s, no);
	offer(s, q, no);
}

static bool over_limit(struct lw4o6_server *s, const struct query *q, uint32_t lease)
{
	if (s->cfg.prefix_limit == 0 || (lease != NONE && lease_at(s, lease)->state == LW4O6_LEASE_ACTIVE) ||
	    prefix_active(s, &q->subscriber) < s->cfg.prefix_limit)
		return false;
	count(s, LW4O6_SRV_DROP_PREFIX_LIMIT);
	return true;
}

/* S-064, with fixed assignments first (S-080). */
static void discover(struct lw4o6_server *s, struct query *q)
{
	uint32_t lease = index_client(s, IX_CLIENT, q->by_hardware, q->id.p, q->id.len);
	uint32_t held = index_client(s, IX_HOLD, q->by_hardware, q->id.p, q->id.len);
	unsigned pool = 0;
	uint32_t tuple = 0;
	bool fixed = pool_fixed_of(s, q, &pool, &tuple) && pool_suits(s, q, pool);

	if (!q->wants_ports && !q->link->has_full) {
		count(s, LW4O6_SRV_DROP_NO_PRL_PORTS);
		return;
	}
	if (over_limit(s, q, lease))
		return;

	const uint32_t known[2] = { held, lease };

	for (unsigned i = 0; i < 2; i++) {
		const struct lease *l = known[i] == NONE ? NULL : lease_at(s, known[i]);

		if (!l || !pool_suits(s, q, l->pool) || pool_is_barred(s, q, l) || (fixed && (l->pool != pool || l->tuple != tuple)))
			continue;
		offer(s, q, known[i]);
		return;
	}
	if (held != NONE)
		hold_end(s, held);
	if (lease != NONE)
		hold_end(s, lease);
	/* Unless somebody has it from before it was fixed, or it is in quarantine. */
	if (fixed && pool_is_vacant(s, pool, tuple)) {
		offer_new(s, q, pool, tuple);
		return;
	}
	if (pool_choose(s, q, &pool, &tuple)) {
		offer_new(s, q, pool, tuple);
		return;
	}
	count(s, LW4O6_SRV_DROP_EXHAUSTED);
	server_log(s, LW4O6_LOG_WARNING, "exhausted", "nothing left to lease on link %s", q->link->cfg.name);
}

/* S-032. @return false: the query is dropped. */
static bool identify(struct lw4o6_server *s, struct query *q)
{
	q->by_hardware = false;
	q->id = q->m.client_id;
	if (q->id.p)
		return true;
	if (!s->cfg.optional_client_id || q->m.hdr.hlen == 0 || !q->link->has_full) {
		count(s, LW4O6_SRV_DROP_NO_CLIENT_ID);
		return false;
	}
	q->hw_id[0] = q->m.hdr.htype;
	memcpy(q->hw_id + 1, q->m.hdr.chaddr, q->m.hdr.hlen);
	q->id = (struct lw4o6_span){ q->hw_id, 1u + q->m.hdr.hlen };
	q->by_hardware = true;
	q->wants_ports = false;
	return true;
}

void server_query(struct lw4o6_server *s, struct query *q)
{
	int r = lw4o6_dhcp4_decode(&q->m, q->outer.dhcpv4.p, q->outer.dhcpv4.len);

	if (r != LW4O6_OK) {
		count(s, r == LW4O6_EUNKNOWN ? LW4O6_SRV_DROP_V4_TYPE : LW4O6_SRV_DROP_V4_MALFORMED);
		return;
	}
	if (q->m.hdr.op != LW4O6_DHCP4_BOOTREQUEST) {
		count(s, LW4O6_SRV_DROP_V4_OP);
		return;
	}
	if (q->m.hdr.giaddr.s_addr != 0) {
		count(s, LW4O6_SRV_DROP_GIADDR);
		return;
	}
	q->u = (q->outer.xid & LW4O6_DHCP6_FLAG_U) != 0;
	q->wants_ports = lw4o6_dhcp4_prl_has(&q->m, LW4O6_OPT4_PORTPARAMS);
	q->digest = siphash(s->key, q->outer.dhcpv4.p, q->outer.dhcpv4.len);

	switch (q->m.type) {
	case LW4O6_DHCP4_DISCOVER: count(s, LW4O6_SRV_RCVD_DISCOVER); break;
	case LW4O6_DHCP4_REQUEST: count(s, LW4O6_SRV_RCVD_REQUEST); break;
	case LW4O6_DHCP4_DECLINE: count(s, LW4O6_SRV_RCVD_DECLINE); break;
	case LW4O6_DHCP4_RELEASE: count(s, LW4O6_SRV_RCVD_RELEASE); break;
	case LW4O6_DHCP4_INFORM: count(s, LW4O6_SRV_RCVD_INFORM); break;
	default: count(s, LW4O6_SRV_DROP_V4_TYPE); return;
	}
	if (!identify(s, q))
		return;
	switch (q->m.type) {
	case LW4O6_DHCP4_DISCOVER: discover(s, q); break;
	case LW4O6_DHCP4_REQUEST: server_request(s, q); break;
	case LW4O6_DHCP4_DECLINE: server_decline(s, q); break;
	case LW4O6_DHCP4_RELEASE: server_release(s, q); break;
	default: reply_inform(s, q); break;
	}
}
