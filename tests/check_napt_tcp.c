/* TCP through the translator: scripts of segments, the state after each, the timer at the end (D-289 to D-295). */
#include "b4_kit.h"

#include <lw4o6/napt.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
enum { CLOSED, INIT, EST, C_FIN, S_FIN, BOTH_FIN, TRANS };

struct rig {
	void *mem;
	struct test_rng rng;
	struct lw4o6_counters cnt;
	struct lw4o6_napt *n;
	lw4o6_time now;
	struct lw4o6_napt_xlat x;
	uint16_t port;
	uint8_t p[64];
};

static struct rig *start(const struct lw4o6_napt_config *cfg)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct lw4o6_host host = { .arg = &r->rng, .random = test_random };
	struct lw4o6_psid ps;

	r->mem = talloc_new(NULL);
	r->rng.s = 5;
	r->now = 100 * LW4O6_SEC;
	ck_assert_int_eq(lw4o6_napt_new(r->mem, &r->n, cfg, &host, &r->cnt), LW4O6_OK);
	ck_assert_int_eq(lw4o6_psid_init(&ps, 0, 6, 52), LW4O6_OK);
	lw4o6_napt_set_pool(r->n, ip4("192.0.2.18"), &ps, r->now);
	return r;
}

static void finish(struct rig *r)
{
	talloc_free(r->mem);
	free(r);
}

/* A segment of 192.168.1.10:1000 <-> 198.51.100.7:80. The client's numbers are around 1000, the server's around 5000. */
static unsigned segment(struct rig *r, bool outbound, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct lw4o6_ip4 h;
	size_t len;

	if (outbound)
		len = mk_tcp(r->p, "192.168.1.10", 1000, "198.51.100.7", 80, flags, seq, ack);
	else
		len = mk_tcp(r->p, "198.51.100.7", 80, "192.0.2.18", r->port, flags, seq, ack);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, r->p, len), LW4O6_IP4_OK);
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);

	struct lw4o6_napt_pkt np = { &h, r->p };
	unsigned why = outbound ? lw4o6_napt_out(r->n, &np, r->now, &r->x) : lw4o6_napt_in(r->n, &np, r->now, &r->x);
	if (why == 0) {
		lw4o6_napt_apply(r->p, &h, &r->x);
		ck_sums(r->p, len);
		/* D-295: sequence and acknowledgement stay. */
		ck_assert_uint_eq(get16(r->p + 26) | get16(r->p + 24) << 16, seq);
		ck_assert_uint_eq(get16(r->p + 30) | get16(r->p + 28) << 16, ack);
		if (outbound)
			r->port = r->x.sport;
	}
	return why;
}

static struct lw4o6_napt_session only(const struct rig *r)
{
	struct lw4o6_napt_session s = { .state = CLOSED };
	uint32_t cursor = 0;

	if (lw4o6_napt_next_session(r->n, &cursor, &s)) {
		struct lw4o6_napt_session more;

		ck_assert(!lw4o6_napt_next_session(r->n, &cursor, &more));
	}
	return s;
}

struct step {
	bool outbound;
	uint8_t flags;
	uint32_t seq, ack;
	uint8_t state;  /* after it */
	unsigned lives; /* seconds until the session's deadline after it */
};

#define OPENED \
	{ true, SYN, 1000, 0, INIT, 240 }, { false, SYN | ACK, 5000, 1001, EST, 7440 }, \
	{ true, ACK, 1001, 5001, EST, 7440 }

static const struct {
	const char *name;
	struct step steps[12];
} scripts[] = {
	{ "data both ways", { OPENED, { false, ACK, 5001, 1001, EST, 7440 }, { true, ACK, 1001, 5001, EST, 7440 } } },
	{ "syn again", { { true, SYN, 1000, 0, INIT, 240 }, { true, SYN, 1000, 0, INIT, 240 } } },
	{ "client closes", { OPENED, { true, FIN | ACK, 1001, 5001, C_FIN, 7440 },
	                     { false, ACK, 5001, 1002, C_FIN, 7440 },
	                     { false, FIN | ACK, 5001, 1002, BOTH_FIN, 240 },
	                     { true, ACK, 1002, 5002, BOTH_FIN, 230 } } },
	{ "server closes", { OPENED, { false, FIN | ACK, 5001, 1001, S_FIN, 7440 },
	                     { true, ACK, 1001, 5002, S_FIN, 7440 },
	                     { true, FIN | ACK, 1001, 5002, BOTH_FIN, 240 } } },
	{ "reset by the server", { OPENED, { false, RST, 5001, 0, TRANS, 240 }, { false, RST, 5001, 0, TRANS, 230 },
	                           { true, ACK, 1001, 5001, EST, 7440 } } },
	{ "reset by the client", { OPENED, { true, RST, 1001, 0, TRANS, 240 } } },
	{ "blind reset", { OPENED, { false, RST, 5001 + 1000, 0, EST, 7430 }, { false, RST, 5000, 0, EST, 7420 },
	                   { false, RST, 99999999, 0, EST, 7410 }, { true, RST, 7, 0, EST, 7400 },
	                   { false, RST, 5001 + 999, 0, TRANS, 240 } } },
	{ "refused", { { true, SYN, 1000, 0, INIT, 240 }, { false, RST | ACK, 0, 999, INIT, 230 },
	               { false, RST | ACK, 0, 1001, TRANS, 240 } } },
	{ "simultaneous open", { { true, SYN, 1000, 0, INIT, 240 }, { false, SYN, 5000, 0, EST, 7440 },
	                         { true, SYN | ACK, 1000, 5001, EST, 7440 },
	                         { false, SYN | ACK, 5000, 1001, EST, 7440 } } },
	{ "ports used again", { OPENED, { true, FIN | ACK, 1001, 5001, C_FIN, 7440 },
	                        { false, FIN | ACK, 5001, 1002, BOTH_FIN, 240 },
	                        { true, SYN, 70000, 0, INIT, 240 },
	                        { false, SYN | ACK, 90000, 70001, EST, 7440 } } },
	{ "late fins of one side", { OPENED, { true, FIN | ACK, 1001, 5001, C_FIN, 7440 },
	                             { true, FIN | ACK, 1001, 5001, C_FIN, 7440 } } },
	{ "fin before it is open", { { true, SYN, 1000, 0, INIT, 240 }, { true, FIN | ACK, 1001, 0, INIT, 230 } } },
};

/* D-289, D-290, D-292, D-294, D-295: ten seconds between two segments. */
START_TEST(script)
{
	struct rig *r = start(NULL);

	for (const struct step *s = scripts[_i].steps; s->flags != 0; s++) {
		r->now += 10 * LW4O6_SEC;
		ck_assert_uint_eq(segment(r, s->outbound, s->flags, s->seq, s->ack), 0);

		struct lw4o6_napt_session got = only(r);
		ck_assert_msg(got.state == s->state, "%s, step %zu: state %u, not %u", scripts[_i].name,
		              (size_t)(s - scripts[_i].steps), got.state, s->state);
		ck_assert_uint_eq((got.expires - r->now) / LW4O6_SEC, s->lives);
	}
	finish(r);
}
END_TEST

/* D-289: a connection that idles out goes to TRANS, and after that is over; data brings it back. */
START_TEST(idle)
{
	struct rig *r = start(NULL);

	segment(r, true, SYN, 1000, 0);
	segment(r, false, SYN | ACK, 5000, 1001);
	r->now += 7441 * LW4O6_SEC;
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);
	ck_assert_uint_eq(only(r).state, TRANS);
	ck_assert_uint_eq(segment(r, true, ACK, 1001, 5001), 0);
	ck_assert_uint_eq(only(r).state, EST);
	r->now += (7440 + 241) * LW4O6_SEC;
	ck_assert_uint_eq(segment(r, true, ACK, 1001, 5001), LW4O6_CNT_NAT_DROP_TCP_NO_SYN);
	ck_assert_uint_eq(only(r).state, CLOSED);
	finish(r);
}
END_TEST

/* D-293: no SYN, no session; with the knob it is taken as established. A reset never opens. */
START_TEST(no_syn)
{
	struct lw4o6_napt_config cfg;
	struct rig *r = start(NULL);

	ck_assert_uint_eq(segment(r, true, ACK, 1, 1), LW4O6_CNT_NAT_DROP_TCP_NO_SYN);
	ck_assert_uint_eq(segment(r, true, RST, 1, 1), LW4O6_CNT_NAT_DROP_TCP_NO_SYN);
	ck_assert_uint_eq(segment(r, true, SYN | ACK, 1, 1), LW4O6_CNT_NAT_DROP_TCP_NO_SYN);
	ck_assert_uint_eq(r->cnt.packets[LW4O6_CNT_NAT_MAPPING_CREATED], 0);
	finish(r);

	lw4o6_napt_config_init(&cfg);
	cfg.tcp_loose = true;
	r = start(&cfg);
	ck_assert_uint_eq(segment(r, true, RST, 1, 1), LW4O6_CNT_NAT_DROP_TCP_NO_SYN);
	ck_assert_uint_eq(segment(r, true, ACK, 1, 1), 0);
	ck_assert_uint_eq(only(r).state, EST);
	finish(r);
}
END_TEST

/* D-291: opened from outside through a permitted mapping; the roles are swapped: the outside is the client. */
START_TEST(from_outside)
{
	struct lw4o6_napt_config cfg;

	lw4o6_napt_config_init(&cfg);
	cfg.filter_tcp = LW4O6_NAPT_EIF;

	struct rig *r = start(&cfg);
	struct lw4o6_napt_forward f = { .protocol = 6, .port = 53333, .addr = ip4("192.168.1.10"), .inner_port = 1000 };
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_OK);
	r->port = 53333;
	ck_assert_uint_eq(segment(r, false, ACK, 5000, 1), LW4O6_CNT_NAT_DROP_TCP_NO_SYN);
	ck_assert_uint_eq(segment(r, false, SYN, 5000, 0), 0);
	ck_assert_uint_eq(only(r).state, INIT);
	ck_assert_uint_eq(segment(r, false, SYN, 5000, 0), 0);
	ck_assert_uint_eq(only(r).state, INIT);
	ck_assert_uint_eq(segment(r, true, SYN | ACK, 1000, 5001), 0);
	ck_assert_uint_eq(only(r).state, EST);
	ck_assert_uint_eq(segment(r, false, FIN | ACK, 5001, 1001), 0);
	ck_assert_uint_eq(only(r).state, C_FIN);
	ck_assert_uint_eq(segment(r, true, FIN | ACK, 1001, 5002), 0);
	ck_assert_uint_eq(only(r).state, BOTH_FIN);
	finish(r);
}
END_TEST

/* Strangers can fill half of the sessions through a forward, not the LAN's half. */
START_TEST(flood_from_outside)
{
	struct lw4o6_napt_config cfg;

	lw4o6_napt_config_init(&cfg);
	cfg.sessions_max = 100;

	struct rig *r = start(&cfg);
	struct lw4o6_napt_forward f = { .protocol = 6, .port = 53333, .addr = ip4("192.168.1.10"), .inner_port = 80 };
	struct lw4o6_napt_gauges g;
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_OK);
	for (unsigned i = 0; i < 200; i++) {
		struct lw4o6_ip4 h;
		size_t len = mk_tcp(r->p, "198.51.100.9", i + 1, "192.0.2.18", 53333, SYN, i, 0);

		ck_assert_int_eq(lw4o6_ip4_decode(&h, r->p, len), LW4O6_IP4_OK);
		ck_assert_uint_eq(lw4o6_napt_in(r->n, &(struct lw4o6_napt_pkt){ &h, r->p }, r->now, &r->x),
		                  i < 50 ? 0 : LW4O6_CNT_NAT_DROP_SESSION_LIMIT);
	}
	lw4o6_napt_gauges(r->n, &g);
	ck_assert_uint_eq(g.sessions, 50);
	ck_assert_uint_eq(segment(r, true, SYN, 1, 0), 0);
	finish(r);
}
END_TEST

/* The window scale counts when both offered one: a reset far inside a scaled window is believed. */
START_TEST(scaled_window)
{
	for (int both = 0; both < 2; both++) {
		struct rig *r = start(NULL);
		struct lw4o6_ip4 h;
		uint8_t p[64];

		for (int d = 0; d < 2; d++) {
			size_t len = d == 0 ? mk_tcp(p, "192.168.1.10", 1000, "198.51.100.7", 80, SYN, 1000, 0)
			                    : mk_tcp(p, "198.51.100.7", 80, "192.0.2.18", r->port, SYN | ACK, 5000, 1001);

			if (d == 0 || both) {
				memcpy(p + len, "\x01\x03\x03\x07", 4);
				p[32] = 0x60;
				len += 4;
				be16(p + 2, (unsigned)len);
				fix_ip(p);
			}
			ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
			struct lw4o6_napt_pkt np = { &h, p };
			ck_assert_uint_eq(d == 0 ? lw4o6_napt_out(r->n, &np, r->now, &r->x)
			                         : lw4o6_napt_in(r->n, &np, r->now, &r->x), 0);
			if (d == 0)
				r->port = r->x.sport;
		}
		segment(r, true, ACK, 1001, 5001);
		segment(r, false, RST, 5001 + 50000, 0); /* the window was 1000, scaled 128000 */
		ck_assert_uint_eq(only(r).state, both ? TRANS : EST);
		finish(r);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("napt_tcp");
	TCase *tc = tcase_create("tcp");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, script, 0, (int)(sizeof(scripts) / sizeof(scripts[0])));
	tcase_add_test(tc, idle);
	tcase_add_test(tc, no_syn);
	tcase_add_test(tc, from_outside);
	tcase_add_test(tc, flood_from_outside);
	tcase_add_test(tc, scaled_window);
	suite_add_tcase(s, tc);
	return test_main(s);
}
