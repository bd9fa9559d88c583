#include "config.h"

#include "server_int.h"

#include <arpa/inet.h>

enum {
	V4_OVERHEAD = 28,     /* IPv4 and UDP headers: what option 57 counts beside the message */
	V4_DEFAULT_SIZE = 576,
	REASON_MAX = 64,
};

/* The answer goes where the query came from (S-002). */
static void address(struct lw4o6_server *s, const struct query *q, struct reply *r)
{
	uint16_t port = q->relays.n ? s->cfg.relay_port : s->cfg.client_port;

	r->to = q->in->from;
	if (port)
		r->to.sin6_port = htons(port);
	r->from = q->in->to;
	if (IN6_IS_ADDR_MULTICAST(&r->from.sin6_addr))
		r->from.sin6_addr = in6addr_any;
	r->ifindex = q->in->ifindex;
}

struct reply *reply_open(struct lw4o6_server *s, const struct query *q, struct lw4o6_wr *w, size_t *marks)
{
	struct reply *r = &s->reply[(s->reply_head + s->reply_n) % s->reply_size];

	r->wait = 0;
	r->dead = false;
	r->len = r->nak_len = 0;
	address(s, q, r);
	*w = lw4o6_wr_init(r->data, REPLY_ROOM);
	lw4o6_dhcp6_relay_open(w, &q->relays, marks);
	return r;
}

void reply_close(struct lw4o6_server *s, const struct query *q, struct reply *r, struct lw4o6_wr *w, const size_t *marks,
                 enum lw4o6_server_counter sent, uint64_t wait)
{
	lw4o6_dhcp6_relay_close(w, &q->relays, marks);

	ssize_t n = lw4o6_wr_done(w);

	if (n < 0) {
		count(s, LW4O6_SRV_DROP_TOO_BIG);
		return;
	}
	r->len = (size_t)n;
	r->sent = sent;
	r->wait = wait;
	s->reply_n++;
}

/* ---- DHCPv4 messages ---- */

/* Header of S-041, and option 54. */
static void begin(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q, uint8_t type,
                  struct in_addr ciaddr, struct in_addr yiaddr)
{
	struct lw4o6_dhcp4_hdr h = {
		.op = LW4O6_DHCP4_BOOTREPLY, .htype = q->m.hdr.htype, .hlen = q->m.hdr.hlen, .xid = q->m.hdr.xid,
		.flags = q->m.hdr.flags, .ciaddr = ciaddr, .yiaddr = yiaddr, .giaddr = q->m.hdr.giaddr,
	};

	memcpy(h.chaddr, q->m.hdr.chaddr, sizeof(h.chaddr));
	lw4o6_dhcp4_begin(w, &h, type);
	lw4o6_opt4_put_addr(w, LW4O6_OPT4_SERVER_ID, s->cfg.server_id);
}

/* S-042: as it came, if it came. */
static void put_client_id(struct lw4o6_wr *w, const struct query *q)
{
	if (q->m.client_id.p)
		lw4o6_opt4_put(w, LW4O6_OPT4_CLIENT_ID, q->m.client_id.p, q->m.client_id.len);
}

static size_t option_size(size_t len)
{
	return len + 2 * (len / 255 + 1);
}

/* The value of an option that the client may ask for; the mask of a softwire is that of a host. */
static bool option_value(const struct lw4o6_server *s, uint8_t code, struct lw4o6_span *value)
{
	static const uint8_t mask[4] = { 255, 255, 255, 255 };

	for (size_t i = 0; i < s->cfg.n_options; i++) {
		if (s->cfg.options[i].code == code) {
			*value = s->cfg.options[i].value;
			return true;
		}
	}
	*value = (struct lw4o6_span){ mask, sizeof(mask) };
	return code == LW4O6_OPT4_SUBNET_MASK;
}

/*
 * What the PRL lists, in its order, as far as it fits (S-044).
 * @param room  octets the DHCPv4 message may have; @param later octets of what must still follow
 */
static void put_listed(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q, size_t start, size_t room,
                       size_t later)
{
	for (size_t i = 0; i < q->m.prl.len; i++) {
		uint8_t code = q->m.prl.p[i];
		struct lw4o6_span v;
		bool again = memchr(q->m.prl.p, code, i) != NULL;

		if (again || !option_value(s, code, &v))
			continue;
		if (w->len - start + option_size(v.len) + later <= room)
			lw4o6_opt4_put(w, code, v.p, v.len);
	}
}

static size_t message_room(const struct query *q, size_t outer)
{
	size_t by_client = (q->m.has & LW4O6_DHCP4_HAS_MAX_SIZE ? q->m.max_size : V4_DEFAULT_SIZE) - V4_OVERHEAD;
	size_t by_link = UDP_LIMIT > outer ? UDP_LIMIT - outer : 0;

	return by_client < by_link ? by_client : by_link;
}

uint32_t seconds_left(const struct lease *l, uint64_t t)
{
	if (l->expires == LW4O6_TIME_NONE)
		return UINT32_MAX;
	return l->expires > t ? (uint32_t)((l->expires - t) / LW4O6_SEC) : 0;
}

/* Options 51, 58, 59 (S-077, S-078). */
static void put_times(struct lw4o6_wr *w, const struct lw4o6_server *s, uint32_t lease_s)
{
	uint32_t t1 = s->cfg.t1_s, t2 = s->cfg.t2_s;

	lw4o6_opt4_put_be32(w, LW4O6_OPT4_LEASE_TIME, lease_s);
	if (lease_s == UINT32_MAX)
		return;
	if (t1 == 0 || t2 == 0 || t1 >= t2 || t2 >= lease_s) {
		t1 = lease_s / 2;
		t2 = (uint32_t)((uint64_t)lease_s * 7 / 8);
	}
	if (t1 == 0 || t1 >= t2 || t2 >= lease_s)
		return;
	lw4o6_opt4_put_be32(w, LW4O6_OPT4_T1, t1);
	lw4o6_opt4_put_be32(w, LW4O6_OPT4_T2, t2);
}

static void put_ports(struct lw4o6_wr *w, const struct lw4o6_psid *ps)
{
	uint8_t body[4];

	if (lw4o6_s46_portparams_encode(body, sizeof(body), ps) == 4)
		lw4o6_opt4_put(w, LW4O6_OPT4_PORTPARAMS, body, sizeof(body));
}

/* Options 90 and 137 outside the DHCPv4 message (S-039, S-040). */
static void put_outer(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q, unsigned pool)
{
	const struct lw4o6_server_pool *p = &s->pools[pool].cfg;
	uint8_t body[17];

	if (s->cfg.always_send_br || lw4o6_dhcp6_oro_has(&q->outer, LW4O6_OPT6_S46_BR))
		for (unsigned i = 0; i < p->br.n; i++)
			lw4o6_opt6_put(w, LW4O6_OPT6_S46_BR, &p->br.addr[i], 16);
	if (p->has_hint && lw4o6_dhcp6_oro_has(&q->outer, LW4O6_OPT6_S46_BIND_PREFIX)) {
		ssize_t n = lw4o6_s46_prefix_encode(body, sizeof(body), &p->hint);

		if (n > 0)
			lw4o6_opt6_put(w, LW4O6_OPT6_S46_BIND_PREFIX, body, (size_t)n);
	}
}

/* At most. */
static size_t outer_size(const struct lw4o6_server *s, unsigned pool)
{
	return s->pools[pool].cfg.br.n * (size_t)20 + 21;
}

static void write_nak(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q, const char *text)
{
	static const struct in_addr none = { 0 };
	size_t mark = lw4o6_v4o6_open_response(w);

	begin(w, s, q, LW4O6_DHCP4_NAK, none, none);
	lw4o6_opt4_put(w, LW4O6_OPT4_MESSAGE, text, strnlen(text, REASON_MAX));
	put_client_id(w, q);
	lw4o6_dhcp4_end(w);
	lw4o6_v4o6_close(w, mark);
}

void reply_nak(struct lw4o6_server *s, const struct query *q, enum lw4o6_server_counter why, const char *text)
{
	struct lw4o6_wr w;
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	struct reply *r = reply_open(s, q, &w, marks);

	count(s, why);
	write_nak(&w, s, q, text);
	reply_close(s, q, r, &w, marks, LW4O6_SRV_SENT_NAK, 0);
}

/* OFFER, or ACK to a REQUEST: table 1.6. */
static void write_lease(struct lw4o6_wr *w, const struct lw4o6_server *s, const struct query *q, const struct lease *l,
                        uint8_t type, uint32_t lease_s)
{
	static const struct in_addr none = { 0 };
	bool ack = type == LW4O6_DHCP4_ACK, saddr = ack && !IN6_IS_ADDR_UNSPECIFIED(&l->saddr);
	size_t mark = lw4o6_v4o6_open_response(w), start = w->len;
	size_t later = (l->ps.len ? 6u : 0u) + (saddr ? 18u : 0u) + (q->m.client_id.p ? option_size(q->m.client_id.len) : 0) + 1;

	begin(w, s, q, type, ack ? q->m.hdr.ciaddr : none, l->ipv4);
	put_times(w, s, lease_s);
	put_listed(w, s, q, start, message_room(q, start + outer_size(s, l->pool)), later);
	if (l->ps.len)
		put_ports(w, &l->ps);
	if (saddr)
		lw4o6_opt4_put(w, LW4O6_OPT4_S46_SADDR, &l->saddr, 16);
	put_client_id(w, q);
	lw4o6_dhcp4_end(w);
	lw4o6_v4o6_close(w, mark);
	put_outer(w, s, q, l->pool);
}

void reply_offer(struct lw4o6_server *s, const struct query *q, const struct lease *l, uint32_t lease_s)
{
	struct lw4o6_wr w;
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	struct reply *r = reply_open(s, q, &w, marks);

	write_lease(&w, s, q, l, LW4O6_DHCP4_OFFER, lease_s);
	reply_close(s, q, r, &w, marks, LW4O6_SRV_SENT_OFFER, 0);
}

void reply_ack(struct lw4o6_server *s, const struct query *q, const struct lease *l, uint64_t wait)
{
	struct lw4o6_wr w;
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	struct reply *r = reply_open(s, q, &w, marks);

	write_lease(&w, s, q, l, LW4O6_DHCP4_ACK, seconds_left(l, q->t));
	reply_close(s, q, r, &w, marks, LW4O6_SRV_SENT_ACK, wait);
	if (wait == 0 || r->wait != wait)
		return;
	/* Its NAK, should the binding table refuse (Y-011). */
	w = lw4o6_wr_init(r->data + REPLY_ROOM, REPLY_ROOM);
	lw4o6_dhcp6_relay_open(&w, &q->relays, marks);
	write_nak(&w, s, q, "binding refused");
	lw4o6_dhcp6_relay_close(&w, &q->relays, marks);

	ssize_t n = lw4o6_wr_done(&w);

	r->nak_len = n > 0 ? (size_t)n : 0;
}

/* S-135, A-10: no lease, no times; the stored source when the client has one. */
void reply_inform(struct lw4o6_server *s, const struct query *q)
{
	static const struct in_addr none = { 0 };
	struct lw4o6_wr w;
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	struct reply *r = reply_open(s, q, &w, marks);
	uint32_t no = index_client(s, IX_CLIENT, q->by_hardware, q->id.p, q->id.len);
	const struct lease *l = no == NONE ? NULL : lease_at(s, no);
	bool saddr = l && l->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&l->saddr);
	uint32_t pool = l && l->state == LW4O6_LEASE_ACTIVE && l->pool != NO_POOL ? l->pool : q->link->n_pools ? q->link->pools[0] : NONE;
	size_t mark = lw4o6_v4o6_open_response(&w), start = w.len;

	begin(&w, s, q, LW4O6_DHCP4_ACK, q->m.hdr.ciaddr, none);
	put_listed(&w, s, q, start, message_room(q, start + (pool == NONE ? 0 : outer_size(s, pool))),
	           (saddr ? 18u : 0u) + (q->m.client_id.p ? option_size(q->m.client_id.len) : 0) + 1);
	if (saddr)
		lw4o6_opt4_put(&w, LW4O6_OPT4_S46_SADDR, &l->saddr, 16);
	put_client_id(&w, q);
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);
	if (pool != NONE)
		put_outer(&w, s, q, pool);
	reply_close(s, q, r, &w, marks, LW4O6_SRV_SENT_ACK_INFORM, 0);
}

/* ---- the queue ---- */

static struct reply *reply_at(struct lw4o6_server *s, uint32_t i)
{
	return &s->reply[(s->reply_head + i) % s->reply_size];
}

void reply_release(struct lw4o6_server *s, uint64_t first, uint64_t last, enum lw4o6_commit result)
{
	for (uint32_t i = 0; i < s->reply_n; i++) {
		struct reply *r = reply_at(s, i);

		if (r->dead || r->wait < first || r->wait > last)
			continue;
		r->wait = 0;
		if (result == LW4O6_COMMIT_NOT_STORED || (result == LW4O6_COMMIT_REFUSED && r->nak_len == 0)) {
			r->dead = true;
			count(s, LW4O6_SRV_DROP_NOT_STORED);
		} else if (result == LW4O6_COMMIT_REFUSED) {
			memcpy(r->data, r->data + REPLY_ROOM, r->nak_len);
			r->len = r->nak_len;
			r->sent = LW4O6_SRV_SENT_NAK;
			count(s, LW4O6_SRV_NAK_REFUSED);
		}
	}
}

static void drop_dead(struct lw4o6_server *s)
{
	while (s->reply_n > 0 && reply_at(s, 0)->dead) {
		s->reply_head = (s->reply_head + 1) % s->reply_size;
		s->reply_n--;
	}
}

ssize_t lw4o6_server_send(struct lw4o6_server *s, struct lw4o6_dgram *out, lw4o6_time now)
{
	(void)now;
	drop_dead(s);
	for (uint32_t i = 0; i < s->reply_n; i++) {
		struct reply *r = reply_at(s, i);

		if (r->dead || r->wait)
			continue;
		out->len = r->len;
		if (r->len > out->room)
			return LW4O6_ESPACE;
		memcpy(out->data, r->data, r->len);
		out->from = r->from;
		out->to = r->to;
		out->ifindex = r->ifindex;
		r->dead = true;
		count(s, LW4O6_SRV_SENT);
		count(s, r->sent);
		drop_dead(s);
		return (ssize_t)out->len;
	}
	return 0;
}
