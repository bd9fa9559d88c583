/* A client machine in a simulated world: fake clock, seeded chance, a link, and what it sent and said. */
#ifndef LW4O6_TESTS_CLIENT_SIM_H
#define LW4O6_TESTS_CLIENT_SIM_H

#include "vectors.h"

#include <arpa/inet.h>
#include <lw4o6/client.h>
#include <lw4o6/v4o6.h>

enum { SIM_OUT_MAX = 512, SIM_MSG = 600, SIM_ADDED_MAX = 256 };

/* One datagram the machine sent. */
struct sim_out {
	lw4o6_time at;
	struct in6_addr from, to;
	uint8_t data[SIM_MSG];
	size_t len;
	uint8_t type;  /* DHCPv6 */
	uint8_t type4; /* DHCPv4, 0 when there is none */
};

struct sim {
	TALLOC_CTX *mem;
	struct lw4o6_client *c;
	lw4o6_time now;
	struct test_rng rng;
	uint32_t xid[8]; /* the first 32-bit random numbers; then the generator's */
	unsigned n_xid, i_xid;

	struct lw4o6_client_addr addr[8];
	struct lw4o6_client_link link;

	bool dad_by_hand;           /* else an address is ready at once */
	struct in6_addr dad_fails[4]; /* these are duplicates */
	unsigned n_dad_fails;
	struct in6_addr added[SIM_ADDED_MAX], removed[SIM_ADDED_MAX];
	unsigned n_added, n_removed;
	struct lw4o6_client_record rec;
	unsigned n_rec;
	struct lw4o6_client_saved saved;
	unsigned n_saved, n_native, n_informed;
	uint8_t informed[SIM_MSG];
	size_t informed_len;
	char order[64]; /* one letter for each event and datagram: N A R r S I, then s */

	struct sim_out out[SIM_OUT_MAX];
	unsigned n_out;
};

static void sim_random(void *arg, void *dst, size_t len)
{
	struct sim *s = (struct sim *)arg;

	if (len == 4 && s->i_xid < s->n_xid)
		memcpy(dst, &s->xid[s->i_xid++], 4);
	else
		test_random(&s->rng, dst, len);
}

static inline struct in6_addr ip6(const char *text)
{
	struct in6_addr a;

	ck_assert_msg(inet_pton(AF_INET6, text, &a) == 1, "bad address %s", text);
	return a;
}

static inline struct in_addr ip4(const char *text)
{
	struct in_addr a;

	ck_assert_msg(inet_pton(AF_INET, text, &a) == 1, "bad address %s", text);
	return a;
}

#define ck_addr(got, text) \
	do { \
		char b_[INET6_ADDRSTRLEN]; \
		struct in6_addr g_ = (got), w_ = ip6(text); \
		ck_assert_msg(memcmp(&g_, &w_, 16) == 0, "address is %s, not %s", inet_ntop(AF_INET6, &g_, b_, sizeof(b_)), \
		              (text)); \
	} while (0)

static const uint8_t sim_duid[] = { 0, 4, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
	                            0xee, 0xff };
#define SIM_LL "fe80::200:5eff:fe00:5301"
#define SIM_GUA "2001:db8:12:3400:200:5eff:fe00:5301"
#define SIM_SOURCE "2001:db8:12:3400:0:c000:212:34"
#define SIM_BR "2001:db8:ffff::1"

static inline void sim_note(struct sim *s, char what)
{
	size_t n = strlen(s->order);

	if (n + 1 < sizeof(s->order))
		s->order[n] = what;
}

/* The client of the spec's vectors. */
static inline void sim_config(struct lw4o6_client_config *cfg)
{
	lw4o6_client_config_init(cfg);
	memcpy(cfg->duid, sim_duid, sizeof(sim_duid));
	cfg->duid_len = sizeof(sim_duid);
	cfg->iaid = 1;
	cfg->htype = 1;
	cfg->hlen = 6;
	memcpy(cfg->chaddr, (const uint8_t[]){ 0, 0, 0x5e, 0, 0x53, 1 }, 6);
	cfg->psid_len_hint = 8;
	cfg->start_delay_ms = LW4O6_CLIENT_NO_DELAY;
}

static inline struct sim *sim_new(const struct lw4o6_client_config *cfg)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct sim *s = talloc_zero(mem, struct sim);
	struct lw4o6_host host = { .arg = s, .random = sim_random };
	static const uint32_t xids[] = { 0xa1b2c3, 0x11223344 };

	ck_assert_ptr_nonnull(s);
	s->mem = mem;
	s->rng.s = 0x9e3779b97f4a7c15u;
	memcpy(s->xid, xids, sizeof(xids));
	s->n_xid = 2;
	s->now = 1000 * LW4O6_SEC;
	s->c = lw4o6_client_new(s, cfg, &host);
	ck_assert_ptr_nonnull(s->c);
	s->link = (struct lw4o6_client_link){ .up = true, .has_linklocal = true, .linklocal = ip6(SIM_LL),
		                              .addr = s->addr, .n = 1 };
	s->addr[0] = (struct lw4o6_client_addr){ .addr = ip6(SIM_GUA), .prefix_len = 64,
		                                 .preferred_until = LW4O6_TIME_NONE };
	return s;
}

static inline void sim_free(struct sim *s)
{
	talloc_free(s->mem);
}

static inline void sim_event(struct sim *s, const struct lw4o6_client_event *ev)
{
	switch (ev->kind) {
	case LW4O6_CLIENT_EV_ADDR_ADD:
		sim_note(s, 'A');
		ck_assert_uint_lt(s->n_added, SIM_ADDED_MAX);
		s->added[s->n_added++] = ev->addr;
		break;
	case LW4O6_CLIENT_EV_ADDR_REMOVE:
		sim_note(s, 'R');
		ck_assert_uint_lt(s->n_removed, SIM_ADDED_MAX);
		s->removed[s->n_removed++] = ev->addr;
		break;
	case LW4O6_CLIENT_EV_RECORD:
		sim_note(s, ev->record.valid ? 'r' : 'x');
		s->rec = ev->record;
		s->n_rec++;
		break;
	case LW4O6_CLIENT_EV_SAVE:
		sim_note(s, 'S');
		s->saved = ev->saved;
		s->n_saved++;
		break;
	case LW4O6_CLIENT_EV_NATIVE_STOP:
		sim_note(s, 'N');
		s->n_native++;
		break;
	case LW4O6_CLIENT_EV_INFORMED:
		sim_note(s, 'I');
		ck_assert_uint_le(ev->message.len, sizeof(s->informed));
		memcpy(s->informed, ev->message.p, ev->message.len);
		s->informed_len = ev->message.len;
		s->n_informed++;
		break;
	}
}

static inline void sim_dad(struct sim *s, const struct in6_addr *a)
{
	bool ok = true;

	for (unsigned i = 0; i < s->n_dad_fails; i++)
		if (memcmp(&s->dad_fails[i], a, 16) == 0)
			ok = false;
	lw4o6_client_addr_ready(s->c, a, ok, s->now);
}

/* What a program does at the end of each turn. */
static inline void sim_drain(struct sim *s)
{
	uint8_t buf[LW4O6_CLIENT_MSG_MAX];
	struct lw4o6_client_event ev;
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
	unsigned turns = 0;

	while (lw4o6_client_event(s->c, &ev) == 1) {
		ck_assert_msg(turns++ < 100, "events without end");
		sim_event(s, &ev);
		if (ev.kind == LW4O6_CLIENT_EV_ADDR_ADD && !s->dad_by_hand)
			sim_dad(s, &ev.addr);
	}
	for (ssize_t n; (n = lw4o6_client_send(s->c, &d, s->now)) > 0;) {
		ck_assert_msg(s->n_out < SIM_OUT_MAX, "too many datagrams");
		struct sim_out *o = &s->out[s->n_out++];
		struct lw4o6_dhcp6_msg m;

		sim_note(s, 's');
		*o = (struct sim_out){ .at = s->now, .from = d.from.sin6_addr, .to = d.to.sin6_addr, .len = (size_t)n };
		ck_assert_uint_le(o->len, sizeof(o->data));
		memcpy(o->data, buf, o->len);
		ck_assert_int_eq(lw4o6_dhcp6_decode(&m, o->data, o->len), LW4O6_OK);
		o->type = m.type;
		if (m.dhcpv4.p) {
			static struct lw4o6_dhcp4_msg m4;

			ck_assert_int_eq(lw4o6_dhcp4_decode(&m4, m.dhcpv4.p, m.dhcpv4.len), LW4O6_OK);
			o->type4 = m4.type;
		}
	}
}

/* Let time pass: all that is due until then happens at its own time. */
static inline void sim_until(struct sim *s, lw4o6_time until)
{
	sim_drain(s);
	for (lw4o6_time t; (t = lw4o6_client_expiry(s->c)) <= until;) {
		ck_assert_msg(t >= s->now, "expiry lies in the past");
		s->now = t;
		lw4o6_client_tick(s->c, s->now);
		sim_drain(s);
		ck_assert_msg(lw4o6_client_expiry(s->c) > s->now, "tick left something due");
	}
	s->now = until;
}

static inline void sim_pass(struct sim *s, lw4o6_time d)
{
	sim_until(s, s->now + d);
}

/* Until the n-th datagram is out, at most two days. */
static inline struct sim_out *sim_wait(struct sim *s, unsigned n)
{
	sim_drain(s);
	for (lw4o6_time end = s->now + 200000 * LW4O6_SEC, t; s->n_out < n;) {
		t = lw4o6_client_expiry(s->c);
		ck_assert_msg(t <= end, "datagram %u does not come, state %s", n,
		              lw4o6_client_state_name(lw4o6_client_state(s->c)));
		sim_until(s, t);
	}
	return &s->out[n - 1];
}

/* The next 4o6 query after the datagrams sent so far; INFORMATION-REQUESTs are passed over. */
static inline struct sim_out *sim_wait_query(struct sim *s)
{
	struct sim_out *o;

	do {
		o = sim_wait(s, s->n_out + 1);
	} while (o->type != LW4O6_DHCP6_DHCPV4_QUERY);
	return o;
}

static inline void sim_link(struct sim *s)
{
	lw4o6_client_link(s->c, &s->link, s->now);
	sim_drain(s);
}

static inline void sim_recv(struct sim *s, const uint8_t *data, size_t len)
{
	uint8_t *copy = exact(data, len);
	struct lw4o6_dgram d = { .data = copy, .len = len, .room = len };

	d.from.sin6_addr = ip6("2001:db8:4::547");
	ck_assert_int_eq(lw4o6_client_recv(s->c, &d, s->now), LW4O6_OK);
	free(copy);
	sim_drain(s);
}

static inline void sim_recv_named(struct sim *s, const char *name)
{
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, name);

	sim_recv(s, buf, n);
}

/* The last datagram must be this vector. */
#define ck_sent(s, name) \
	do { \
		uint8_t want_[VECTOR_MAX]; \
		size_t n_ = vector_named(want_, (name)); \
		ck_assert_uint_gt((s)->n_out, 0); \
		ck_octets((s)->out[(s)->n_out - 1].data, (s)->out[(s)->n_out - 1].len, want_, n_); \
	} while (0)

#define ck_state(s, want) \
	ck_assert_str_eq(lw4o6_client_state_name(lw4o6_client_state((s)->c)), lw4o6_client_state_name(LW4O6_CLIENT_##want))
#define ck_count(s, which, want) ck_assert_uint_eq(lw4o6_client_count((s)->c, LW4O6_CLIENT_CNT_##which), (want))

/* ---- a server's answers ---- */

/* A REPLY to the last INFORMATION-REQUEST: option 88 from `servers` (n < 0: absent), and option 32 (0: absent). */
struct sim_reply {
	int n;
	const char *servers[4];
	uint32_t refresh, inf_max_rt;
	const uint16_t *prio;
	size_t n_prio;
	const struct lw4o6_s46_lw *lw;
	int status; /* 0: no option 13 */
	bool no_server_id, other_client;
	uint32_t xid_xor;
};

static inline void sim_info_reply(struct sim *s, const struct sim_reply *r)
{
	uint8_t buf[SIM_MSG], body[64], other[sizeof(sim_duid)];
	struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));
	struct lw4o6_dhcp6_msg q;
	const struct sim_out *o = &s->out[s->n_out - 1];

	ck_assert_int_eq(lw4o6_dhcp6_decode(&q, o->data, o->len), LW4O6_OK);
	ck_assert_uint_eq(q.type, LW4O6_DHCP6_INFORMATION_REQUEST);
	memcpy(other, sim_duid, sizeof(other));
	other[17] ^= 1;
	lw4o6_dhcp6_begin(&w, LW4O6_DHCP6_REPLY, q.xid ^ r->xid_xor);
	if (!r->no_server_id)
		lw4o6_opt6_put(&w, LW4O6_OPT6_SERVERID, "\0\2\0\0\x7e\xd9serv", 10);
	lw4o6_opt6_put(&w, LW4O6_OPT6_CLIENTID, r->other_client ? other : sim_duid, sizeof(sim_duid));
	for (int i = 0; i < r->n; i++) {
		struct in6_addr a = ip6(r->servers[i]);

		memcpy(body + 16 * i, &a, 16);
	}
	if (r->n >= 0)
		lw4o6_opt6_put(&w, LW4O6_OPT6_4O6_SERVER, body, 16 * (size_t)r->n);
	if (r->lw)
		lw4o6_s46_lw_put(&w, r->lw);
	if (r->n_prio > 0) {
		size_t mark = lw4o6_opt6_open(&w, LW4O6_OPT6_S46_PRIORITY);

		for (size_t i = 0; i < r->n_prio; i++)
			lw4o6_wr_be16(&w, r->prio[i]);
		lw4o6_opt6_close(&w, mark);
	}
	if (r->refresh != 0)
		lw4o6_opt6_put_be32(&w, LW4O6_OPT6_INFORMATION_REFRESH, r->refresh);
	if (r->inf_max_rt != 0)
		lw4o6_opt6_put_be32(&w, LW4O6_OPT6_INF_MAX_RT, r->inf_max_rt);
	if (r->status != 0)
		lw4o6_opt6_put_be16(&w, LW4O6_OPT6_STATUS_CODE, (uint16_t)r->status);

	ssize_t n = lw4o6_wr_done(&w);

	ck_assert_int_gt(n, 0);
	sim_recv(s, buf, (size_t)n);
}

/* A DHCPV4-RESPONSE to the last query; what is zero is left out, "none" too. */
struct sim_answer {
	uint8_t type;
	const char *yiaddr, *server, *saddr, *br, *br2, *hint;
	uint8_t hint_len;
	uint32_t lease, t1, t2;
	int psid_len, psid_offset, psid; /* psid_len 0: no option 159 */
	const uint8_t *raw;              /* more octets for the option field */
	size_t raw_len;
	uint32_t xid_xor;
	bool other_client, no_client, no_server, bad_br;
	uint8_t op;
	unsigned query; /* 0: the last one; else 1 + index */
};

static inline void sim_answer_options(struct lw4o6_wr *w, const struct sim_answer *a, const struct lw4o6_dhcp4_msg *q)
{
	uint8_t id[255];

	if (!a->no_server)
		lw4o6_opt4_put_addr(w, LW4O6_OPT4_SERVER_ID, ip4(a->server ? a->server : "198.51.100.1"));
	if (a->lease != 0)
		lw4o6_opt4_put_be32(w, LW4O6_OPT4_LEASE_TIME, a->lease);
	if (a->t1 != 0)
		lw4o6_opt4_put_be32(w, LW4O6_OPT4_T1, a->t1);
	if (a->t2 != 0)
		lw4o6_opt4_put_be32(w, LW4O6_OPT4_T2, a->t2);
	if (a->psid_len != 0) {
		uint8_t b[4] = { (uint8_t)a->psid_offset, (uint8_t)a->psid_len };
		unsigned v = (unsigned)a->psid << (16 - a->psid_len);

		b[2] = (uint8_t)(v >> 8);
		b[3] = (uint8_t)v;
		lw4o6_opt4_put(w, LW4O6_OPT4_PORTPARAMS, b, 4);
	}
	if (a->saddr) {
		struct in6_addr sa = ip6(a->saddr);

		lw4o6_opt4_put(w, LW4O6_OPT4_S46_SADDR, &sa, 16);
	}
	if (!a->no_client) {
		memcpy(id, q->client_id.p, q->client_id.len);
		id[q->client_id.len - 1] ^= a->other_client;
		lw4o6_opt4_put(w, LW4O6_OPT4_CLIENT_ID, id, q->client_id.len);
	}
	if (a->raw_len > 0)
		lw4o6_wr_put(w, a->raw, a->raw_len);
}

static inline void sim_answer(struct sim *s, const struct sim_answer *a)
{
	uint8_t buf[SIM_MSG];
	struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));
	struct lw4o6_dhcp6_msg outer;
	static struct lw4o6_dhcp4_msg q;
	const struct sim_out *o = &s->out[a->query == 0 ? s->n_out - 1 : a->query - 1];

	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &q, NULL, o->data, o->len), LW4O6_OK);

	struct lw4o6_dhcp4_hdr h = q.hdr;

	h.op = a->op ? a->op : LW4O6_DHCP4_BOOTREPLY;
	h.xid ^= a->xid_xor;
	if (a->yiaddr)
		h.yiaddr = ip4(a->yiaddr);

	size_t mark = lw4o6_v4o6_open_response(&w);

	lw4o6_dhcp4_begin(&w, &h, a->type);
	sim_answer_options(&w, a, &q);
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);
	for (unsigned i = 0; i < 2; i++) {
		const char *text = i == 0 ? a->br : a->br2;

		if (text) {
			struct in6_addr br = ip6(text);

			lw4o6_opt6_put(&w, LW4O6_OPT6_S46_BR, &br, a->bad_br ? 15 : 16);
		}
	}
	if (a->hint) {
		struct lw4o6_s46_prefix p = { ip6(a->hint), a->hint_len };
		uint8_t body[17];
		ssize_t hn = lw4o6_s46_prefix_encode(body, sizeof(body), &p);

		ck_assert_int_gt(hn, 0);
		lw4o6_opt6_put(&w, LW4O6_OPT6_S46_BIND_PREFIX, body, (size_t)hn);
	}

	ssize_t n = lw4o6_wr_done(&w);

	ck_assert_int_gt(n, 0);
	sim_recv(s, buf, (size_t)n);
}

static inline struct sim_answer sim_offer(void)
{
	return (struct sim_answer){ .type = LW4O6_DHCP4_OFFER, .yiaddr = "192.0.2.18", .lease = 3600, .t1 = 1800,
		                    .t2 = 3150, .psid_len = 8, .psid = 0x34, .br = SIM_BR };
}

static inline struct sim_answer sim_ack(void)
{
	struct sim_answer a = sim_offer();

	a.type = LW4O6_DHCP4_ACK;
	a.saddr = SIM_SOURCE;
	return a;
}

/* From link up to the DISCOVER: the server list as given. */
static inline struct sim *sim_discovering(const struct lw4o6_client_config *cfg, const struct sim_reply *reply)
{
	struct sim *s = sim_new(cfg);

	sim_link(s);
	sim_wait(s, 1);
	sim_info_reply(s, reply);
	sim_wait(s, 2);
	ck_assert_uint_eq(s->out[1].type4, LW4O6_DHCP4_DISCOVER);
	return s;
}

/* From link up to BOUND with the vectors' lease; the client's configuration may be NULL. */
static inline struct sim *sim_bound(const struct lw4o6_client_config *cfg)
{
	struct lw4o6_client_config own;
	struct sim_reply reply = { .n = 1, .servers = { "2001:db8:4::547" } };
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	if (!cfg) {
		sim_config(&own);
		cfg = &own;
	}

	struct sim *s = sim_discovering(cfg, &reply);

	sim_answer(s, &offer);
	ck_state(s, REQUESTING);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	return s;
}

/* A 4o6 query that was sent, decoded. */
static inline const struct lw4o6_dhcp4_msg *sim_query(const struct sim_out *o, bool *u)
{
	static struct lw4o6_dhcp4_msg m;
	struct lw4o6_dhcp6_msg outer;

	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, o->data, o->len), LW4O6_OK);
	if (u)
		*u = outer.xid == LW4O6_DHCP6_FLAG_U;
	return &m;
}

#endif
