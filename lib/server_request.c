#include "config.h"

#include "server_int.h"

#include <lw4o6/ip.h>

/* ---- option 109, sections 4.6 and 7.2 ---- */

enum saddr_verdict {
	SADDR_KEEP,     /* the stored one, or none, stays */
	SADDR_SET,      /* q->m.saddr is to be stored */
	SADDR_NAK,
	SADDR_SILENCE,
};

/* C-066, S-112, S-121. */
static bool saddr_valid(const struct lw4o6_server *s, const struct query *q)
{
	const struct lw4o6_server_link *l = &q->link->cfg;
	bool inside = l->n_saddr_prefixes == 0;

	if (!lw4o6_ip6_is_usable(&q->m.saddr))
		return false;
	for (size_t i = 0; i < s->cfg.n_pools; i++)
		for (unsigned k = 0; k < s->pools[i].cfg.br.n; k++)
			if (IN6_ARE_ADDR_EQUAL(&q->m.saddr, &s->pools[i].cfg.br.addr[k]))
				return false;
	for (size_t i = 0; i < l->n_saddr_prefixes; i++)
		if (lw4o6_ip6_prefix_match(&q->m.saddr, &l->saddr_prefixes[i].prefix, l->saddr_prefixes[i].len))
			inside = true;
	return inside;
}

/* An active lease has an address, and the REQUEST wants something else. */
static enum saddr_verdict refuse_change(struct lw4o6_server *s, enum lw4o6_server_counter why)
{
	count(s, why);
	if (!s->cfg.saddr_reject_drop)
		return SADDR_KEEP;
	count(s, LW4O6_SRV_DROP_SADDR);
	return SADDR_SILENCE;
}

static enum saddr_verdict refuse_first(struct lw4o6_server *s, const struct query *q, enum lw4o6_server_counter why)
{
	reply_nak(s, q, why, why == LW4O6_SRV_NAK_SADDR_CONFLICT ? "source address in use" : "source address missing or invalid");
	return SADDR_NAK;
}

/*
 * What a REQUEST's softwire source leads to.
 * @param l      the record the REQUEST is about
 * @param ends   another lease of this client that ends with this one's commit, or NONE
 */
static enum saddr_verdict judge_saddr(struct lw4o6_server *s, const struct query *q, uint32_t no, uint32_t ends)
{
	const struct lease *l = lease_at(s, no);
	bool active = l->state == LW4O6_LEASE_ACTIVE;
	bool given = (q->m.has & LW4O6_DHCP4_HAS_SADDR) != 0, valid = given && saddr_valid(s, q);

	if (!valid) {
		const struct lease *known = active ? l : ends != NONE ? lease_at(s, ends) : NULL;
		bool wrong = given || q->m.bad & LW4O6_DHCP4_HAS_SADDR;

		if (wrong)
			count(s, LW4O6_SRV_SADDR_INVALID);
		if (known && known->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&known->saddr))
			return SADDR_KEEP;
		if (wrong ? active : s->cfg.optional_saddr)
			return SADDR_KEEP;
		return refuse_first(s, q, LW4O6_SRV_NAK_SADDR_INVALID);
	}
	if (active && IN6_ARE_ADDR_EQUAL(&q->m.saddr, &l->saddr))
		return SADDR_KEEP; /* S-119 */

	uint32_t other = index_saddr(s, &q->m.saddr);

	if (other != NONE && other != no && other != ends)
		return active ? refuse_change(s, LW4O6_SRV_SADDR_CONFLICT) : refuse_first(s, q, LW4O6_SRV_NAK_SADDR_CONFLICT);
	if (active && l->saddr_changed != 0 && s->cfg.saddr_interval_s &&
	    q->t - l->saddr_changed < s->cfg.saddr_interval_s * LW4O6_SEC)
		return refuse_change(s, LW4O6_SRV_SADDR_TOO_SOON);
	return SADDR_SET;
}

/* ---- committing ---- */

/* The record, whose client is noted, becomes or stays a lease. */
static void make_active(struct lw4o6_server *s, const struct query *q, struct lease *l, bool set_saddr)
{
	bool was_active = l->state == LW4O6_LEASE_ACTIVE, had_saddr = !IN6_IS_ADDR_UNSPECIFIED(&l->saddr);

	l->where = q->peer;
	l->subscriber = q->subscriber;
	if (!was_active) {
		l->start = l->since = q->t;
		l->saddr_changed = 0;
		if (!set_saddr)
			l->saddr = in6addr_any;
	} else if (set_saddr && had_saddr) {
		l->saddr_changed = q->t;
		count(s, LW4O6_SRV_SADDR_CHANGED);
	}
	if (set_saddr)
		l->saddr = q->m.saddr;
	if (!was_active || !s->cfg.no_extend)
		l->expires = lw4o6_time_add(q->t, lw4o6_time_from_s(lease_seconds(s, q)));
	l->br = s->pools[l->pool].cfg.br.addr[0];
	l->state = LW4O6_LEASE_ACTIVE;
	l->hold = 0;
	l->last = q->t;
	l->request = q->digest;
	count(s, was_active ? LW4O6_SRV_LEASE_RENEWED : LW4O6_SRV_LEASE_ADDED);
}

/* Y-002, Y-003. */
static enum lw4o6_server_event_kind kind_of(const struct lease *before, const struct lease *l)
{
	if (IN6_IS_ADDR_UNSPECIFIED(&l->saddr))
		return LW4O6_SERVER_RECORD;
	if (before->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&before->saddr))
		return LW4O6_SERVER_MODIFY;
	return LW4O6_SERVER_ADD;
}

/*
 * Commit and ACK. @param ends a record of this client that ends with it (S-081), or NONE
 * @param created the record was made for this REQUEST
 */
static void commit(struct lw4o6_server *s, const struct query *q, uint32_t no, uint32_t ends, bool created)
{
	enum saddr_verdict v = judge_saddr(s, q, no, ends);
	struct lease *l = lease_at(s, no);
	bool was_active = l->state == LW4O6_LEASE_ACTIVE;

	if (v == SADDR_KEEP || v == SADDR_SET) {
		if (!was_active && s->cfg.prefix_limit && prefix_active(s, &q->subscriber) >= s->cfg.prefix_limit &&
		    (ends == NONE || lease_at(s, ends)->state != LW4O6_LEASE_ACTIVE)) {
			count(s, LW4O6_SRV_DROP_PREFIX_LIMIT);
			v = SADDR_SILENCE;
		}
	}
	if (v == SADDR_NAK || v == SADDR_SILENCE) {
		/* S-115: the offer ends. A record made for this REQUEST is an offer, too. */
		if (v == SADDR_NAK || created)
			hold_end(s, no);
		return;
	}

	struct in6_addr inherited = in6addr_any;
	struct lease before = *l;

	if (!lease_set_client(s, l, q, true)) {
		count(s, LW4O6_SRV_DROP_MEMORY);
		if (created)
			hold_end(s, no);
		return;
	}

	struct tx *tx = tx_begin(s);

	if (ends != NONE) {
		struct change *c = tx_change(s, tx, ends, false, false);
		struct lease *old = lease_at(s, ends);
		bool bound = old->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&old->saddr);

		if (bound)
			inherited = old->saddr;
		old->state = LW4O6_LEASE_FREE;
		old->since = q->t;
		old->hold = 0;
		tx_changed(s, c, bound ? LW4O6_SERVER_DELETE : LW4O6_SERVER_RECORD);
	}

	struct change *c = tx_change(s, tx, no, created, was_active && v == SADDR_KEEP);

	c->before.blob = before.blob;
	c->before.client_id_len = before.client_id_len;
	c->before.relay_len = before.relay_len;
	make_active(s, q, l, v == SADDR_SET);
	if (v == SADDR_KEEP && !was_active)
		l->saddr = inherited;
	tx_changed(s, c, kind_of(&c->before, l));
	reply_ack(s, q, l, tx_last_id(s));
}

/* ---- the forms of REQUEST, S-090 ---- */

static bool names_ports(const struct query *q)
{
	return (q->m.has & LW4O6_DHCP4_HAS_PORTS) != 0;
}

/* Does the REQUEST mean this record? Without option 159 the address is enough (S-093, S-097). */
static bool means(const struct query *q, const struct lease *l, struct in_addr ipv4)
{
	if (l->ipv4.s_addr != ipv4.s_addr || q->m.bad & LW4O6_DHCP4_HAS_PORTS)
		return false;
	return !names_ports(q) || lw4o6_psid_equal(&l->ps, &q->m.ports);
}

/* S-070: a shared lease is never acknowledged without option 159, nor 159 sent unasked. */
static bool cannot_say(struct lw4o6_server *s, const struct query *q, const struct lease *l)
{
	if (l->ps.len == 0 || q->wants_ports)
		return false;
	count(s, LW4O6_SRV_DROP_NO_PRL_PORTS);
	return true;
}

/* The same octets again, soon after: the same answer, no new event (S-045). */
static bool answered_before(struct lw4o6_server *s, const struct query *q, uint32_t no)
{
	const struct lease *l = lease_at(s, no);

	if (l->state != LW4O6_LEASE_ACTIVE || l->request != q->digest || q->t - l->last > s->cfg.offer_hold_s * LW4O6_SEC)
		return false;
	count(s, LW4O6_SRV_DUPLICATE);
	reply_ack(s, q, l, l->pending ? tx_of_lease(s, no) : 0);
	return true;
}

static void end_offers(struct lw4o6_server *s, uint32_t lease, uint32_t offer)
{
	if (offer != NONE)
		hold_end(s, offer);
	if (lease != NONE)
		hold_end(s, lease);
}

/* S-094: the offer ran out and nothing is known of the client; is the tuple still to be had? */
static void selecting_late(struct lw4o6_server *s, const struct query *q, uint32_t lease)
{
	static const struct lw4o6_psid whole = { 0, 0, 0 };
	unsigned pool = 0, fixed_pool = 0;
	uint32_t tuple = 0, fixed_tuple = 0;
	bool ours = pool_find(s, q->m.requested, names_ports(q) ? &q->m.ports : &whole, &pool, &tuple);
	bool fixed = pool_fixed_of(s, q, &fixed_pool, &fixed_tuple);
	bool own = ours && fixed && pool == fixed_pool && tuple == fixed_tuple;

	if (!ours || !pool_suits(s, q, pool)) {
		reply_nak(s, q, LW4O6_SRV_NAK_MISMATCH, "not what was offered");
		return;
	}
	if (fixed ? !own || !pool_is_vacant(s, pool, tuple) : !pool_available(s, pool, tuple)) {
		reply_nak(s, q, LW4O6_SRV_NAK_TAKEN, "no longer available");
		return;
	}
	uint32_t no = lease_take(s, pool, tuple, false);

	if (no == NONE || !lease_set_client(s, lease_at(s, no), q, false)) {
		count(s, no == NONE && s->records >= s->max_records ? LW4O6_SRV_DROP_EXHAUSTED : LW4O6_SRV_DROP_MEMORY);
		if (no != NONE)
			lease_free(s, no);
		return;
	}
	lease_link(s, no);
	/* The client's own former lease may have made room. */
	lease = index_client(s, IX_CLIENT, q->by_hardware, q->id.p, q->id.len);
	commit(s, q, no, lease, true);
}

static void selecting(struct lw4o6_server *s, const struct query *q, uint32_t lease, uint32_t offer)
{
	uint32_t no = NONE;
	bool holds = offer != NONE || (lease != NONE && (lease_at(s, lease)->state == LW4O6_LEASE_ACTIVE || lease_at(s, lease)->hold));

	if (offer != NONE && means(q, lease_at(s, offer), q->m.requested))
		no = offer;
	else if (lease != NONE && means(q, lease_at(s, lease), q->m.requested))
		no = lease;
	if (no == NONE && (holds || q->m.bad & LW4O6_DHCP4_HAS_PORTS)) {
		end_offers(s, lease, offer);
		reply_nak(s, q, LW4O6_SRV_NAK_MISMATCH, "not what was offered");
		return;
	}
	if (no == NONE) {
		selecting_late(s, q, lease);
		return;
	}
	if (cannot_say(s, q, lease_at(s, no)) || answered_before(s, q, no))
		return;
	if (pool_is_barred(s, q, lease_at(s, no))) {
		end_offers(s, lease, offer);
		reply_nak(s, q, LW4O6_SRV_NAK_TAKEN, "no longer available");
		return;
	}
	if (!pool_on_link(q->link, lease_at(s, no)->pool)) {
		end_offers(s, lease, offer);
		reply_nak(s, q, LW4O6_SRV_NAK_LINK, "not for this link");
		return;
	}
	commit(s, q, no, no == lease ? NONE : lease, false);
}

/* S-096. */
static void init_reboot(struct lw4o6_server *s, const struct query *q, uint32_t lease)
{
	if (lease == NONE) {
		count(s, LW4O6_SRV_DROP_UNKNOWN_CLIENT);
		return;
	}
	if (cannot_say(s, q, lease_at(s, lease)) || answered_before(s, q, lease))
		return;
	if (!means(q, lease_at(s, lease), q->m.requested))
		reply_nak(s, q, LW4O6_SRV_NAK_MISMATCH, "not your lease");
	else if (pool_is_barred(s, q, lease_at(s, lease)))
		reply_nak(s, q, LW4O6_SRV_NAK_TAKEN, "no longer available");
	else if (!pool_on_link(q->link, lease_at(s, lease)->pool))
		reply_nak(s, q, LW4O6_SRV_NAK_LINK, "not for this link");
	else
		commit(s, q, lease, NONE, false);
}

/* S-098: a renewal of what this server does not know. Only what is in its own pools is its to refuse. */
static void renew_unknown(struct lw4o6_server *s, const struct query *q)
{
	static const struct lw4o6_psid whole = { 0, 0, 0 };
	const struct lw4o6_psid *ps = names_ports(q) ? &q->m.ports : &whole;
	unsigned pool;
	uint32_t tuple;

	if (q->m.bad & LW4O6_DHCP4_HAS_PORTS || !pool_find(s, q->m.hdr.ciaddr, ps, &pool, &tuple))
		count(s, LW4O6_SRV_DROP_FOREIGN);
	else if (index_tuple(s, q->m.hdr.ciaddr, ps) != NONE)
		reply_nak(s, q, LW4O6_SRV_NAK_TAKEN, "not your lease");
	else
		reply_nak(s, q, LW4O6_SRV_NAK_NOT_FOUND, "no such lease");
}

/* Renewing and rebinding: S-097, S-099. */
static void renew(struct lw4o6_server *s, const struct query *q, uint32_t lease)
{
	if (lease == NONE || lease_at(s, lease)->ipv4.s_addr != q->m.hdr.ciaddr.s_addr) {
		renew_unknown(s, q);
		return;
	}

	const struct lease *l = lease_at(s, lease);

	if (!means(q, l, q->m.hdr.ciaddr)) {
		if (l->state == LW4O6_LEASE_ACTIVE)
			reply_nak(s, q, LW4O6_SRV_NAK_MISMATCH, "not your port set");
		else
			renew_unknown(s, q);
		return;
	}
	if (l->pool == NO_POOL) {
		reply_nak(s, q, LW4O6_SRV_NAK_NOT_FOUND, "no longer leased");
		return;
	}
	if (pool_is_barred(s, q, l)) {
		reply_nak(s, q, LW4O6_SRV_NAK_TAKEN, "no longer available");
		return;
	}
	if (cannot_say(s, q, l) || answered_before(s, q, lease))
		return;
	commit(s, q, lease, NONE, false);
}

static bool is_ours(const struct lw4o6_server *s, struct in_addr id)
{
	if (id.s_addr == s->cfg.server_id.s_addr)
		return true;
	for (size_t i = 0; i < s->cfg.n_aliases; i++)
		if (id.s_addr == s->cfg.aliases[i].s_addr)
			return true;
	return false;
}

void server_request(struct lw4o6_server *s, struct query *q)
{
	uint32_t lease = index_client(s, IX_CLIENT, q->by_hardware, q->id.p, q->id.len);
	uint32_t offer = index_client(s, IX_HOLD, q->by_hardware, q->id.p, q->id.len);
	bool has_id = (q->m.has & LW4O6_DHCP4_HAS_SERVER_ID) != 0, has_addr = (q->m.has & LW4O6_DHCP4_HAS_REQUESTED) != 0;
	bool has_ciaddr = q->m.hdr.ciaddr.s_addr != 0;

	if (has_id && !is_ours(s, q->m.server_id)) {
		end_offers(s, lease, offer);
		count(s, LW4O6_SRV_DROP_NOT_CHOSEN);
		return;
	}
	/* S-070: no pool here could serve it. */
	if (!q->wants_ports && !q->link->has_full) {
		count(s, LW4O6_SRV_DROP_NO_PRL_PORTS);
		return;
	}
	if (has_id && has_addr && !has_ciaddr)
		selecting(s, q, lease, offer);
	else if (!has_id && has_addr && !has_ciaddr)
		init_reboot(s, q, lease);
	else if (!has_id && !has_addr && has_ciaddr)
		renew(s, q, lease);
	else
		count(s, LW4O6_SRV_DROP_REQUEST_FORM);
}

/* ---- RELEASE and DECLINE: no answer of any kind (S-038) ---- */

void server_release(struct lw4o6_server *s, struct query *q)
{
	uint32_t no = index_client(s, IX_CLIENT, q->by_hardware, q->id.p, q->id.len);

	if (!(q->m.has & LW4O6_DHCP4_HAS_SERVER_ID) || !is_ours(s, q->m.server_id) || no == NONE ||
	    lease_at(s, no)->state != LW4O6_LEASE_ACTIVE || !means(q, lease_at(s, no), q->m.hdr.ciaddr)) {
		count(s, LW4O6_SRV_DROP_RELEASE);
		return;
	}
	count(s, LW4O6_SRV_LEASE_RELEASED);
	lease_end(s, no, LW4O6_LEASE_RELEASED, q->t, false);
}

void server_decline(struct lw4o6_server *s, struct query *q)
{
	uint32_t lease = index_client(s, IX_CLIENT, q->by_hardware, q->id.p, q->id.len);
	uint32_t no = index_client(s, IX_HOLD, q->by_hardware, q->id.p, q->id.len);

	if (no == NONE || !means(q, lease_at(s, no), q->m.requested))
		no = lease;
	if (!(q->m.has & LW4O6_DHCP4_HAS_SERVER_ID) || !is_ours(s, q->m.server_id) ||
	    !(q->m.has & LW4O6_DHCP4_HAS_REQUESTED) || no == NONE || !means(q, lease_at(s, no), q->m.requested) ||
	    !(lease_at(s, no)->state == LW4O6_LEASE_ACTIVE || lease_at(s, no)->hold)) {
		count(s, LW4O6_SRV_DROP_DECLINE);
		return;
	}
	count(s, LW4O6_SRV_LEASE_DECLINED);
	lease_end(s, no, LW4O6_LEASE_ABANDONED, q->t, false);
	server_log(s, LW4O6_LOG_WARNING, "declined", "a client declined its address; it is not leased for %u s",
	           s->cfg.quarantine_s);
}
