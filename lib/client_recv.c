#include "config.h"

#include "client_int.h"

#include <lw4o6/ip.h>
#include <string.h>

static bool drop(struct lw4o6_client *c, enum lw4o6_client_counter why)
{
	c->count[why]++;
	return false;
}

/* Only what may be the far end of a tunnel (C-066). */
static void keep_usable(struct lw4o6_s46_br_list *br)
{
	unsigned n = 0;

	for (unsigned i = 0; i < br->n; i++)
		if (lw4o6_ip6_is_usable(&br->addr[i]))
			br->addr[n++] = br->addr[i];
	br->n = n;
}

static bool unicast(struct in_addr a)
{
	return !lw4o6_ip4_is_martian(a);
}

static struct lw4o6_psid ports_of(const struct lw4o6_dhcp4_msg *m)
{
	struct lw4o6_psid whole = { 0 };

	return m->has & LW4O6_DHCP4_HAS_PORTS ? m->ports : whole; /* B-054 */
}

/* ---- OFFER ---- */

static bool offer_ok(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, const struct lw4o6_v4o6_extra *e)
{
	if (e->br.n == 0)
		return drop(c, LW4O6_CLIENT_CNT_DROP_OFFER_BR);
	if (!(m->has & LW4O6_DHCP4_HAS_LEASE) || m->lease_s == 0 || !unicast(m->hdr.yiaddr) ||
	    (m->bad & LW4O6_DHCP4_HAS_PORTS) || (c->cfg.whole_address_only && ports_of(m).len > 0))
		return drop(c, LW4O6_CLIENT_CNT_DROP_OFFER_INVALID);
	return true;
}

/* B-053: whole address, then the size asked for, then the larger set, then the first. */
static bool better_offer(const struct lw4o6_client *c, const struct offer *x, const struct offer *y)
{
	const struct tuple *hint = msg_tuple(c, MSG_DISCOVER);
	unsigned k = hint ? hint->ps.len : c->cfg.psid_len_hint;
	bool xw = x->t.ps.len == 0, yw = y->t.ps.len == 0;

	if (xw != yw)
		return xw != c->cfg.prefer_shared;
	if (k != 0 && (x->t.ps.len == k) != (y->t.ps.len == k))
		return x->t.ps.len == k;
	return lw4o6_psid_nports(&x->t.ps) > lw4o6_psid_nports(&y->t.ps);
}

static lw4o6_time collect_time(const struct lw4o6_client *c)
{
	if (c->cfg.offer_collect_ms == LW4O6_CLIENT_NO_DELAY)
		return 0;
	if (c->cfg.offer_collect_ms != 0)
		return c->cfg.offer_collect_ms * LW4O6_MSEC;
	return c->targets.n > 1 ? LW4O6_SEC : 0;
}

void v4_take_offer(struct lw4o6_client *c, lw4o6_time now)
{
	char ip[INET_ADDRSTRLEN], set[LW4O6_PSID_STRLEN], br[INET6_ADDRSTRLEN], server[INET_ADDRSTRLEN];

	client_log(c, LW4O6_LOG_INFO, "offer", "offered %s, %s, AFTR %s, by server %s",
	           client_ipv4_str(c->offer.t.ipv4, ip), lw4o6_psid_str(&c->offer.t.ps, set),
	           client_addr_str(&c->offer.br.addr[0], br), client_ipv4_str(c->offer.t.server_id, server));
	c->has_hint = c->offer.has_hint;
	c->hint = c->offer.hint;
	v4_prepare(c, LW4O6_CLIENT_REQUESTING, now);
}

static void take_offer(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, const struct lw4o6_v4o6_extra *e,
                       lw4o6_time now)
{
	struct offer o = { .valid = true, .t = { m->hdr.yiaddr, ports_of(m), m->server_id }, .br = e->br,
		           .has_hint = e->has_hint, .hint = e->hint };

	if (c->state != LW4O6_CLIENT_SELECTING) {
		drop(c, LW4O6_CLIENT_CNT_DROP_STATE);
		return;
	}
	if (!offer_ok(c, m, e))
		return;
	if (!c->offer.valid)
		c->window_end = lw4o6_time_add(now, collect_time(c));
	if (!c->offer.valid || better_offer(c, &o, &c->offer))
		c->offer = o;
	if (now >= c->window_end)
		v4_take_offer(c, now);
}

/* ---- ACK ---- */

static bool requesting(const struct lw4o6_client *c)
{
	switch (c->state) {
	case LW4O6_CLIENT_REQUESTING:
	case LW4O6_CLIENT_REBOOTING:
	case LW4O6_CLIENT_CHANGING:
	case LW4O6_CLIENT_RENEWING:
	case LW4O6_CLIENT_REBINDING:
		return true;
	default:
		return false;
	}
}

/* in a list of servers all get the query, and only one owns the lease. */
static bool right_server(const struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m)
{
	switch (c->state) {
	case LW4O6_CLIENT_REQUESTING:
		return m->server_id.s_addr == c->offer.t.server_id.s_addr;
	case LW4O6_CLIENT_CHANGING:
	case LW4O6_CLIENT_RENEWING:
		return m->server_id.s_addr == c->lease.t.server_id.s_addr;
	default:
		return true;
	}
}

/* B-059: the tuple of the request, nothing else. */
static bool ack_ok(const struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, lw4o6_time now)
{
	const struct tuple *t = msg_tuple(c, c->x.kind);
	struct lw4o6_psid ps = ports_of(m);

	return (m->has & LW4O6_DHCP4_HAS_LEASE) && m->hdr.yiaddr.s_addr == t->ipv4.s_addr &&
	       !(m->bad & LW4O6_DHCP4_HAS_PORTS) && lw4o6_psid_equal(&ps, &t->ps) &&
	       lw4o6_time_add(c->x.first_sent, lw4o6_time_from_s(m->lease_s)) > now;
}

/* d, 1 % more or less. */
static lw4o6_time spread(const struct lw4o6_client *c, lw4o6_time d)
{
	return d - d / 100 + client_random_time(c, d / 50);
}

/* B-058: everything counts from the first transmission of the REQUEST. */
static void set_times(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m)
{
	lw4o6_time d = lw4o6_time_from_s(m->lease_s), t1 = LW4O6_TIME_NONE, t2 = LW4O6_TIME_NONE;

	if ((m->has & LW4O6_DHCP4_HAS_T1) && (m->has & LW4O6_DHCP4_HAS_T2) && m->t1_s > 0 && m->t1_s < m->t2_s &&
	    m->t2_s < m->lease_s && d != LW4O6_TIME_NONE) {
		t1 = lw4o6_time_from_s(m->t1_s);
		t2 = lw4o6_time_from_s(m->t2_s);
	} else if (d != LW4O6_TIME_NONE) {
		t1 = spread(c, d / 2);
		t2 = spread(c, d / 8 * 7);
	}
	c->lease.t1 = lw4o6_time_add(c->x.first_sent, t1);
	c->lease.t2 = lw4o6_time_add(c->x.first_sent, t2);
	c->lease.end = lw4o6_time_add(c->x.first_sent, d);
}

/* B-078: the server keeps another source. Ask again later, or give up. */
static void mismatch(struct lw4o6_client *c, lw4o6_time now)
{
	char want[INET6_ADDRSTRLEN], got[INET6_ADDRSTRLEN];

	c->count[LW4O6_CLIENT_CNT_MISMATCH]++;
	c->mismatches++;
	client_log(c, LW4O6_LOG_WARNING, "source-mismatch", "asked for softwire source %s, server has %s",
	           client_addr_str(&c->wanted, want),
	           c->lease.has_source ? client_addr_str(&c->lease.source, got) : "none");
	if (c->mismatches >= 2 && c->cfg.release_on_mismatch) {
		msg_oneshot(c, MSG_RELEASE);
		v4_drop_lease(c, true, "source mismatch");
		v4_init(c, v4_backoff(c), now);
		return;
	}
	v4_state(c, LW4O6_CLIENT_MISMATCH);
	c->x.timer = lw4o6_time_add(now, v4_saddr_retry(c));
}

static void bind_lease(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, const struct lw4o6_v4o6_extra *e,
                       lw4o6_time now)
{
	bool fresh = c->state == LW4O6_CLIENT_REQUESTING;
	struct lw4o6_s46_br_list br = e->br.n > 0 ? e->br : fresh ? c->offer.br : c->lease.br; /* B-079 */

	c->lease.t = *msg_tuple(c, c->x.kind);
	c->lease.t.server_id = m->server_id;
	c->lease.br = br;
	c->lease.valid = c->lease.confirmed = true;
	c->lease.packet_source = c->packet_source;
	c->lease.has_source = (m->has & LW4O6_DHCP4_HAS_SADDR) != 0;
	c->lease.source = m->saddr;
	set_times(c, m);
	c->last = c->lease.t;
	c->has_last = true;
	if (e->has_hint) {
		c->has_hint = true;
		c->hint = e->hint;
	}
	c->reason = fresh ? "bound" : c->state == LW4O6_CLIENT_REBOOTING ? "lease confirmed" : "renewed";
	c->save_due = true;
	c->x.active = false;
	c->x.timer = LW4O6_TIME_NONE;
	c->by_icmp = false;
	c->offer.valid = false;
	c->naks = 0;
	c->count[LW4O6_CLIENT_CNT_ACK]++;
	if (c->lease.has_source && lw4o6_ip6_equal(&c->lease.source, &c->wanted)) {
		c->mismatches = 0;
		v4_state(c, LW4O6_CLIENT_BOUND);
	} else {
		mismatch(c, now);
	}
	own_sweep(c);
}

static void take_ack(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, const struct lw4o6_v4o6_extra *e,
                     lw4o6_time now)
{
	if (!requesting(c)) {
		drop(c, LW4O6_CLIENT_CNT_DROP_STATE);
	} else if (!right_server(c, m)) {
		drop(c, LW4O6_CLIENT_CNT_DROP_FOREIGN_SERVER);
	} else if (!ack_ok(c, m, now) ||
	           (e->br.n == 0 && c->state != LW4O6_CLIENT_REQUESTING && c->lease.br.n == 0)) {
		drop(c, LW4O6_CLIENT_CNT_DROP_ACK_INVALID);
		if (++c->x.bad_acks >= 2)
			v4_init(c, v4_backoff(c), now);
	} else {
		bind_lease(c, m, e, now);
	}
}

/* ---- NAK ---- */

/* Server text is printed with everything but letters and signs escaped (C-030). */
static const char *text_of(const struct lw4o6_span *s, char *dst, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < s->len && n + 2 < room; i++)
		dst[n++] = s->p[i] >= 0x20 && s->p[i] < 0x7f ? (char)s->p[i] : '?';
	dst[n] = '\0';
	return n > 0 ? dst : "no reason given";
}

static void take_nak(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, lw4o6_time now)
{
	const struct tuple *t = msg_tuple(c, c->x.kind);
	char text[80];

	if (!requesting(c)) {
		drop(c, LW4O6_CLIENT_CNT_DROP_STATE);
		return;
	}
	if (!right_server(c, m)) {
		drop(c, LW4O6_CLIENT_CNT_DROP_FOREIGN_SERVER);
		return;
	}
	c->count[LW4O6_CLIENT_CNT_NAK]++;
	client_log(c, LW4O6_LOG_WARNING, "nak", "server refuses: %s", text_of(&m->message, text, sizeof(text)));
	/* A lease kept beside a new offer (B-076) goes only if it is the one refused. */
	if (c->state != LW4O6_CLIENT_REQUESTING || (t->ipv4.s_addr == c->lease.t.ipv4.s_addr &&
	                                            lw4o6_psid_equal(&t->ps, &c->lease.t.ps)))
		v4_drop_lease(c, true, "refused by the server");
	c->has_last = false;
	v4_init(c, v4_backoff(c), now);
}

/* ---- all answers ---- */

static void take_informed(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, const struct lw4o6_dhcp6_msg *outer)
{
	if (m->type != LW4O6_DHCP4_ACK || outer->dhcpv4.len > LW4O6_CLIENT_MSG_MAX) {
		drop(c, LW4O6_CLIENT_CNT_DROP_STATE);
		return;
	}
	memcpy(c->informed, outer->dhcpv4.p, outer->dhcpv4.len);
	c->informed_len = outer->dhcpv4.len;
	c->informed_due = true;
	c->inform.active = false;
}

static bool from_listed_server(const struct lw4o6_client *c, const struct in6_addr *from)
{
	for (unsigned i = 0; i < c->conf.servers.n; i++)
		if (lw4o6_ip6_equal(&c->conf.servers.addr[i], from))
			return true;
	return c->conf.servers.n == 0;
}

/* B-044 to B-046. @return false: dropped and counted. */
static bool acceptable(struct lw4o6_client *c, const struct lw4o6_dhcp4_msg *m, const struct in6_addr *from)
{
	bool mine = c->x.active && c->x.tries > 0 && m->hdr.xid == c->x.xid;
	bool inform = c->inform.active && c->inform.tries > 0 && m->hdr.xid == c->inform.xid;

	if (m->hdr.op != LW4O6_DHCP4_BOOTREPLY)
		return drop(c, LW4O6_CLIENT_CNT_DROP_MALFORMED);
	if (!mine && !inform)
		return drop(c, LW4O6_CLIENT_CNT_DROP_XID);
	if (m->client_id.p && (m->client_id.len != c->client_id_len ||
	                       memcmp(m->client_id.p, c->client_id, c->client_id_len) != 0))
		return drop(c, LW4O6_CLIENT_CNT_DROP_CLIENT_ID);
	if (c->cfg.restrict_servers && !from_listed_server(c, from))
		return drop(c, LW4O6_CLIENT_CNT_DROP_SOURCE);
	if (!(m->has & LW4O6_DHCP4_HAS_SERVER_ID))
		return drop(c, LW4O6_CLIENT_CNT_DROP_SERVER_ID);
	return true;
}

void v4_recv(struct lw4o6_client *c, const struct lw4o6_dgram *in, lw4o6_time now)
{
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;
	struct lw4o6_v4o6_extra extra;

	if (lw4o6_v4o6_decode(&outer, &m, &extra, in->data, in->len) != LW4O6_OK) {
		drop(c, LW4O6_CLIENT_CNT_DROP_MALFORMED);
		return;
	}
	if (!acceptable(c, &m, &in->from.sin6_addr))
		return;
	keep_usable(&extra.br);
	if (c->inform.active && m.hdr.xid == c->inform.xid)
		take_informed(c, &m, &outer);
	else if (m.type == LW4O6_DHCP4_OFFER)
		take_offer(c, &m, &extra, now);
	else if (m.type == LW4O6_DHCP4_ACK)
		take_ack(c, &m, &extra, now);
	else if (m.type == LW4O6_DHCP4_NAK)
		take_nak(c, &m, now);
	else
		drop(c, LW4O6_CLIENT_CNT_DROP_STATE); /* B-070 */
	client_reconsider(c, now);
}

int lw4o6_client_recv(struct lw4o6_client *c, const struct lw4o6_dgram *in, lw4o6_time now)
{
	struct lw4o6_dhcp6_msg m;
	int err = lw4o6_dhcp6_decode(&m, in->data, in->len);

	c->count[LW4O6_CLIENT_CNT_RECEIVED]++;
	if (c->state == LW4O6_CLIENT_STOPPED || err == LW4O6_EUNKNOWN ||
	    (err == LW4O6_OK && m.type != LW4O6_DHCP6_REPLY && m.type != LW4O6_DHCP6_DHCPV4_RESPONSE)) {
		drop(c, LW4O6_CLIENT_CNT_DROP_TYPE); /* B-012, B-017 */
	} else if (err != LW4O6_OK) {
		drop(c, LW4O6_CLIENT_CNT_DROP_MALFORMED);
	} else if (m.type == LW4O6_DHCP6_REPLY) {
		info_recv(c, &m, now);
	} else {
		v4_recv(c, in, now);
	}
	return LW4O6_OK;
}
