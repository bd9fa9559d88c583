/* The client's 4o6 exchange: offers, leases, timers, refusals (spec 5.3, 7.4). */
#include "client_sim.h"

static struct sim *discovering(unsigned servers)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = (int)servers,
		               .servers = { "2001:db8:4::547", "2001:db8:4::548", "2001:db8:4::549" } };

	sim_config(&cfg);
	return sim_discovering(&cfg, &r);
}

static double gap(const struct sim *s, unsigned i)
{
	return (double)(s->out[i].at - s->out[i - 1].at) / (double)LW4O6_SEC;
}

static bool between(double v, double lo, double hi)
{
	return v >= lo && v <= hi;
}

/* B-050: the first DISCOVER after 1..10 s; then 4, 8, 16, 32, 64, 64 ... s, each one second more or less. */
START_TEST(discover_times)
{
	static const double want[] = { 4, 8, 16, 32, 64, 64, 64 };
	lw4o6_time lo = LW4O6_TIME_NONE, hi = 0;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct lw4o6_client_config cfg;
		struct sim_reply r = { .n = 0 };

		sim_config(&cfg);
		cfg.start_delay_ms = 0;

		struct sim *s = sim_new(&cfg);

		s->rng.s = seed * 0x9e3779b97f4a7c15u;
		sim_link(s);
		sim_wait(s, 1);
		sim_info_reply(s, &r);

		lw4o6_time from = s->now;

		sim_wait(s, 9);
		lo = s->out[1].at - from < lo ? s->out[1].at - from : lo;
		hi = s->out[1].at - from > hi ? s->out[1].at - from : hi;
		for (unsigned i = 0; i < 7; i++)
			ck_assert_msg(between(gap(s, i + 2), want[i] - 1, want[i] + 1), "gap %u: %f", i, gap(s, i + 2));
		for (unsigned i = 2; i < 9; i++)
			ck_assert_uint_eq(sim_query(&s->out[i], NULL)->hdr.xid, 0x11223344);
		ck_assert_uint_eq(sim_query(&s->out[1], NULL)->hdr.secs, 0);
		ck_assert_uint_eq(sim_query(&s->out[8], NULL)->hdr.secs, (s->out[8].at - s->out[1].at) / LW4O6_SEC);
		ck_assert(!s->rec.valid); /* B-061: nothing is made up */
		sim_free(s);
	}
	ck_assert(lo >= LW4O6_SEC && lo < 3 * LW4O6_SEC && hi > 8 * LW4O6_SEC && hi <= 10 * LW4O6_SEC);
}
END_TEST

/* B-044, B-046, B-051, B-052, B-055, B-056, B-070: what is dropped while SELECTING, and under which counter. */
START_TEST(selecting_drops)
{
	static const uint8_t unaligned[] = { 159, 4, 0, 8, 0, 0x34 }, shorter[] = { 159, 3, 0, 8, 0x34 };
	const struct sim_answer good = sim_offer();
	struct sim_answer a[24];
	enum lw4o6_client_counter want[24];
	unsigned n = 0;

#define ROW(counter, change) \
	do { \
		a[n] = good; \
		change; \
		want[n++] = LW4O6_CLIENT_CNT_##counter; \
	} while (0)
	ROW(DROP_XID, a[n].xid_xor = 1);
	ROW(DROP_CLIENT_ID, a[n].other_client = true);
	ROW(DROP_SERVER_ID, a[n].no_server = true);
	ROW(DROP_MALFORMED, a[n].op = 1);
	ROW(DROP_OFFER_BR, a[n].br = NULL);
	ROW(DROP_OFFER_BR, a[n].bad_br = true);
	ROW(DROP_OFFER_BR, a[n].br = "::");
	ROW(DROP_OFFER_BR, a[n].br = "fe80::1");
	ROW(DROP_OFFER_BR, a[n].br = "ff02::1");
	ROW(DROP_OFFER_INVALID, a[n].yiaddr = "0.0.0.0");
	ROW(DROP_OFFER_INVALID, a[n].yiaddr = "224.0.0.1");
	ROW(DROP_OFFER_INVALID, a[n].yiaddr = "127.0.0.1");
	ROW(DROP_OFFER_INVALID, a[n].yiaddr = "255.255.255.255");
	ROW(DROP_OFFER_INVALID, a[n].lease = 0);
	ROW(DROP_OFFER_INVALID, (a[n].psid_len = 0, a[n].raw = unaligned, a[n].raw_len = 6));
	ROW(DROP_OFFER_INVALID, (a[n].psid_len = 0, a[n].raw = shorter, a[n].raw_len = 5));
	ROW(DROP_STATE, a[n].type = LW4O6_DHCP4_ACK);
	ROW(DROP_STATE, a[n].type = LW4O6_DHCP4_NAK);
	for (uint8_t t = LW4O6_DHCP4_FORCERENEW; t < LW4O6_DHCP4_FORCERENEW + 6; t++)
		ROW(DROP_STATE, a[n].type = t);
#undef ROW
	for (unsigned i = 0; i < n; i++) {
		struct sim *s = discovering(1);

		sim_answer(s, &a[i]);
		ck_assert_msg(lw4o6_client_count(s->c, want[i]) == 1, "row %u: %s is 0", i,
		              lw4o6_client_counter_name(want[i]));
		ck_state(s, SELECTING);
		ck_assert_uint_eq(s->n_out, 2);
		sim_answer(s, &good);
		ck_state(s, REQUESTING);
		sim_free(s);
	}
}
END_TEST

/* B-044: an answer without option 61 is accepted, flags are ignored; every cut of an OFFER is dropped. */
START_TEST(offer_tolerance)
{
	struct sim *s = discovering(1);
	struct sim_answer a = sim_offer();
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, "OFFER");

	for (size_t cut = 0; cut < n; cut++) {
		if (cut == 333) /* the OFFER without 137, which is good */
			continue;
		sim_recv(s, buf, cut);
		ck_state(s, SELECTING);
	}
	a.no_client = true;
	sim_answer(s, &a);
	ck_state(s, REQUESTING);
	sim_free(s);

	s = discovering(1);
	memset(buf + 1, 0xff, 3);
	sim_recv(s, buf, n);
	ck_state(s, REQUESTING);
	sim_free(s);
}
END_TEST

/* B-045: answers from other addresses, with both settings. The simulated server is 2001:db8:4::547. */
START_TEST(answer_source)
{
	for (unsigned restricted = 0; restricted < 2; restricted++) {
		struct lw4o6_client_config cfg;
		struct sim_reply r = { .n = 1, .servers = { "2001:db8:4::99" } };
		struct sim_answer offer = sim_offer();

		sim_config(&cfg);
		cfg.restrict_servers = restricted;

		struct sim *s = sim_discovering(&cfg, &r);

		sim_answer(s, &offer);
		ck_count(s, DROP_SOURCE, restricted);
		ck_assert((lw4o6_client_state(s->c) == LW4O6_CLIENT_REQUESTING) == !restricted);
		sim_free(s);
	}
}
END_TEST

/* B-053: which of several offers inside the window is taken. The hint is k = 8. */
START_TEST(offer_choice)
{
	static const struct {
		int k[3];
		bool prefer_shared;
		int want;
	} rows[] = {
		{ { 6, 0, 8 }, false, 1 }, /* a whole address first */
		{ { 6, 0, 8 }, true, 2 },  /* unless told otherwise; then the size asked for */
		{ { 10, 6, 12 }, false, 1 }, /* then the larger set */
		{ { 6, 6, 6 }, false, 0 },   /* then the first */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_client_config cfg;
		struct sim_reply r = { .n = 3, .servers = { "2001:db8:4::547", "2001:db8:4::548", "2001:db8:4::549" } };
		static const char *const ips[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" };

		sim_config(&cfg);
		cfg.prefer_shared = rows[i].prefer_shared;

		struct sim *s = sim_discovering(&cfg, &r);

		for (unsigned k = 0; k < 3; k++) {
			struct sim_answer o = sim_offer();

			o.yiaddr = ips[k];
			o.psid_len = rows[i].k[k];
			o.psid = o.psid_len ? 5 : 0;
			sim_answer(s, &o);
			ck_state(s, SELECTING);
		}
		sim_pass(s, LW4O6_SEC);
		ck_state(s, REQUESTING);

		const struct lw4o6_dhcp4_msg *q = sim_query(&s->out[s->n_out - 1], NULL);

		ck_assert_msg(q->requested.s_addr == ip4(ips[rows[i].want]).s_addr, "row %zu", i);
		ck_assert_uint_eq((q->has & LW4O6_DHCP4_HAS_PORTS) != 0, rows[i].k[rows[i].want] != 0);
		sim_free(s);
	}
}
END_TEST

/* B-054: no 159 in the OFFER: a whole address, in the request and in the record. B-055: offset 6 is honoured. */
START_TEST(port_sets)
{
	struct sim *s = discovering(1);
	struct sim_answer a = sim_offer();

	a.psid_len = 0;
	sim_answer(s, &a);
	ck_assert(!(sim_query(&s->out[2], NULL)->has & LW4O6_DHCP4_HAS_PORTS));
	a.type = LW4O6_DHCP4_ACK;
	a.saddr = "2001:db8:12:3400:0:c000:212:0";
	sim_answer(s, &a);
	ck_state(s, BOUND);
	ck_assert_uint_eq(lw4o6_psid_nports(&s->rec.ports), 65536);
	sim_free(s);

	s = discovering(1);
	a = sim_offer();
	a.psid_offset = 6;
	sim_answer(s, &a);

	struct lw4o6_psid ps = sim_query(&s->out[2], NULL)->ports;

	ck_assert(ps.offset == 6 && ps.len == 8 && ps.id == 0x34);
	a.type = LW4O6_DHCP4_ACK;
	a.saddr = SIM_SOURCE;
	sim_answer(s, &a);
	ck_assert(s->rec.ports.offset == 6 && lw4o6_psid_nports(&s->rec.ports) == 252);
	sim_free(s);
}
END_TEST

/* Table 1.6: 159 is neither asked for nor taken when only a whole address will do. */
START_TEST(whole_address_only)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 0 };
	struct sim_answer a = sim_offer();

	sim_config(&cfg);
	cfg.whole_address_only = true;

	struct sim *s = sim_discovering(&cfg, &r);
	const struct lw4o6_dhcp4_msg *q = sim_query(&s->out[1], NULL);

	ck_assert(!lw4o6_dhcp4_prl_has(q, 159) && !(q->has & LW4O6_DHCP4_HAS_PORTS));
	sim_answer(s, &a);
	ck_count(s, DROP_OFFER_INVALID, 1);
	sim_free(s);
}
END_TEST

/* B-057: four transmissions, about 60 s, then DISCOVER; xid and secs are those of the DISCOVER. */
START_TEST(request_unanswered)
{
	struct sim *s = discovering(1);
	struct sim_answer a = sim_offer();

	sim_wait(s, 3); /* one DISCOVER more, so that secs counts */
	sim_answer(s, &a);
	ck_state(s, REQUESTING);
	sim_wait(s, 8);
	for (unsigned i = 3; i < 7; i++) {
		const struct lw4o6_dhcp4_msg *q = sim_query(&s->out[i], NULL);

		ck_assert_uint_eq(q->type, LW4O6_DHCP4_REQUEST);
		ck_assert_uint_eq(q->hdr.xid, 0x11223344);
		ck_assert_uint_eq(q->hdr.secs, (s->out[2].at - s->out[1].at) / LW4O6_SEC);
	}
	ck_assert(between(gap(s, 4), 3, 5) && between(gap(s, 5), 7, 9) && between(gap(s, 6), 15, 17) &&
	          between(gap(s, 7), 31, 33));
	ck_assert_uint_eq(s->out[7].type4, LW4O6_DHCP4_DISCOVER);
	ck_assert_uint_ne(sim_query(&s->out[7], NULL)->hdr.xid, 0x11223344);
	sim_free(s);
}
END_TEST

/* B-058: the lease runs from the first transmission of the REQUEST, whichever copy was answered; T1 and T2. */
START_TEST(lease_times)
{
	static const struct {
		uint32_t lease, t1, t2;
		double want1, slack; /* when RENEW is sent; 0: never */
	} rows[] = {
		{ 3600, 1800, 3150, 1800, 0 }, { 3600, 600, 700, 600, 0 }, { 3600, 0, 0, 1800, 36 },
		{ 3600, 3000, 2000, 1800, 36 }, { 3600, 1800, 3600, 1800, 36 }, { 3600, 100, 0, 1800, 36 },
		{ UINT32_MAX, 100, 200, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *s = discovering(1);
		struct sim_answer offer = sim_offer(), ack = sim_ack();

		sim_answer(s, &offer);
		sim_wait(s, 5); /* two more transmissions */
		ack.lease = rows[i].lease;
		ack.t1 = rows[i].t1;
		ack.t2 = rows[i].t2;
		sim_answer(s, &ack);
		ck_state(s, BOUND);

		lw4o6_time from = s->out[2].at;

		if (rows[i].want1 == 0) {
			ck_assert_uint_eq(s->rec.lease_end, LW4O6_TIME_NONE);
			sim_pass(s, 80000 * LW4O6_SEC);
			ck_assert_uint_eq(s->n_out, 5);
		} else {
			ck_assert_uint_eq(s->rec.lease_end, from + rows[i].lease * LW4O6_SEC);
			sim_wait(s, 6);

			double t1 = (double)(s->out[5].at - from) / (double)LW4O6_SEC;

			ck_assert_msg(between(t1, rows[i].want1 - rows[i].slack, rows[i].want1 + rows[i].slack),
			              "row %zu: %f", i, t1);
		}
		sim_free(s);
	}
}
END_TEST

/* B-059: an ACK that is not what was asked for is dropped; the second one restarts. A late ACK of a dead lease too. */
START_TEST(bad_acks)
{
	for (unsigned i = 0; i < 5; i++) {
		struct sim *s = discovering(1);
		struct sim_answer offer = sim_offer(), ack = sim_ack();

		sim_answer(s, &offer);
		switch (i) {
		case 0: ack.yiaddr = "192.0.2.19"; break;
		case 1: ack.psid = 0x35; break;
		case 2: ack.psid_len = 0; break; /* would mean: the whole address */
		case 3: ack.lease = 0; break;
		default: ack.psid_offset = 1; break;
		}
		sim_answer(s, &ack);
		ck_count(s, DROP_ACK_INVALID, 1);
		ck_state(s, REQUESTING);
		sim_answer(s, &ack);
		ck_count(s, DROP_ACK_INVALID, 2);
		ck_state(s, INIT);
		ck_assert(!s->rec.valid);
		ck_assert_uint_eq(sim_wait(s, 4)->type4, LW4O6_DHCP4_DISCOVER);
		sim_free(s);
	}

	struct sim *s = discovering(1);
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	ack.lease = 20;
	ack.t1 = ack.t2 = 0;
	sim_answer(s, &offer);
	sim_pass(s, 21 * LW4O6_SEC);
	sim_answer(s, &ack); /* counted from the first REQUEST it is over already */
	ck_count(s, DROP_ACK_INVALID, 1);
	sim_free(s);
}
END_TEST

/* B-063, B-005: NAK after NAK: the pause doubles from 1 to 64 s, and an ACK resets it. */
START_TEST(nak_backoff)
{
	static const double want[] = { 1, 2, 4, 8, 16, 32, 64, 64 };
	struct sim *s = discovering(1);
	struct sim_answer offer = sim_offer(), nak = { .type = LW4O6_DHCP4_NAK };

	for (unsigned i = 0; i < 8; i++) {
		sim_answer(s, &offer);
		ck_state(s, REQUESTING);
		sim_answer(s, &nak);
		ck_state(s, INIT);
		ck_assert_uint_gt(s->n_removed, i); /* the new source is used no more */

		unsigned n = s->n_out;

		sim_wait(s, n + 1);
		ck_assert_uint_eq(s->out[n].type4, LW4O6_DHCP4_DISCOVER);
		ck_assert_msg(between(gap(s, n), want[i] - 0.001, want[i] + 0.001), "NAK %u: %f", i, gap(s, n));
		ck_assert(!(sim_query(&s->out[n], NULL)->has & LW4O6_DHCP4_HAS_REQUESTED));
	}
	ck_count(s, NAK, 8);

	struct sim_answer ack = sim_ack();

	sim_answer(s, &offer);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert_int_eq(lw4o6_client_renew(s->c, s->now), LW4O6_OK);
	sim_drain(s);
	sim_answer(s, &nak);
	ck_assert(!s->rec.valid && !s->saved.valid);
	ck_assert_str_eq(s->rec.reason, "refused by the server");

	unsigned n = s->n_out;

	sim_wait(s, n + 1);
	ck_assert(between(gap(s, n), 0.999, 1.001));
	sim_free(s);
}
END_TEST

/* Sixteen servers that are known from the start, and so many packets in 20 s. */
static struct sim *sixteen(uint32_t rate)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	cfg.static_servers = true;
	cfg.servers.n = 16;
	for (unsigned i = 0; i < 16; i++) {
		cfg.servers.addr[i] = ip6("2001:db8:4::");
		cfg.servers.addr[i].s6_addr[15] = (uint8_t)(i + 1);
	}
	cfg.offer_collect_ms = LW4O6_CLIENT_NO_DELAY;
	cfg.client_rate = rate;

	struct sim *s = sim_new(&cfg);

	sim_link(s);
	return s;
}

/* No more than that many in any 20 s. */
static void ck_rate(const struct sim *s, unsigned rate)
{
	ck_assert_uint_gt(s->n_out, rate);
	for (unsigned i = 0; i + rate < s->n_out; i++)
		ck_assert_msg(s->out[i + rate].at - s->out[i].at >= 20 * LW4O6_SEC, "%u packets in %f s from %u on",
		              rate + 1, (double)(s->out[i + rate].at - s->out[i].at) / 1e9, i);
}

/* B-005: sixteen servers and a client that is always refused: never more than the bucket gives. */
START_TEST(rate_limit)
{
	static struct sim_answer offer, nak;
	struct sim *s = sixteen(0);

	offer = sim_offer();
	nak = (struct sim_answer){ .type = LW4O6_DHCP4_NAK };
	while (s->n_out < 300) {
		unsigned n = s->n_out;

		sim_wait(s, n + 1);
		if (s->out[n].type4 == LW4O6_DHCP4_DISCOVER)
			sim_answer(s, &offer);
		else
			sim_answer(s, &nak);
	}
	ck_rate(s, 20);
	sim_free(s);
}
END_TEST

/* B-005, B-032: a limit below the number of servers starves none of them: each has its turn, as often as the others. */
START_TEST(round_robin)
{
	struct sim *s = sixteen(5);
	unsigned had[17] = { 0 };

	sim_pass(s, 700 * LW4O6_SEC);
	ck_rate(s, 5);
	for (unsigned i = 0; i < s->n_out; i++)
		if (s->out[i].type4 == LW4O6_DHCP4_DISCOVER)
			had[s->out[i].to.s6_addr[15]]++;
	for (unsigned i = 1; i <= 16; i++) {
		ck_assert_msg(had[i] >= 2, "server %u had %u messages", i, had[i]);
		ck_assert_msg(had[i] <= had[1] && had[i] + 1 >= had[1], "server %u: %u, server 1: %u", i, had[i], had[1]);
	}
	sim_free(s);
}
END_TEST

/* B-064: RENEWING half of the time to T2 and at least 60 s, U = 1; REBINDING half of the rest, U = 0; B-065: the end. */
START_TEST(renew_rebind_expire)
{
	struct sim *s = sim_bound(NULL);
	lw4o6_time from = s->out[2].at;
	double at[32];
	bool u;

	sim_until(s, from + 3600 * LW4O6_SEC - 1);
	ck_assert(s->rec.valid);
	for (unsigned i = 3; i < s->n_out; i++) {
		const struct lw4o6_dhcp4_msg *q = sim_query(&s->out[i], &u);

		at[i] = (double)(s->out[i].at - from) / (double)LW4O6_SEC;
		ck_assert_uint_eq(q->type, LW4O6_DHCP4_REQUEST);
		ck_assert_uint_eq(q->hdr.ciaddr.s_addr, ip4("192.0.2.18").s_addr);
		ck_assert(!(q->has & (LW4O6_DHCP4_HAS_REQUESTED | LW4O6_DHCP4_HAS_SERVER_ID)));
		ck_assert((q->has & LW4O6_DHCP4_HAS_SADDR) && (q->has & LW4O6_DHCP4_HAS_PORTS));
		ck_assert(lw4o6_dhcp4_prl_has(q, 159));
		ck_assert_msg(u == (at[i] < 3150), "message %u at %f", i, at[i]);
	}
	/* 1800; +675; +337.5; +168.75; +84.4; +60 ...: T2 3150; +225; +112.5; +60 */
	ck_assert(between(at[3], 1800, 1800) && between(at[4], 2475, 2475) && between(at[5], 2812.4, 2812.6));
	ck_assert(between(at[6], 2981.2, 2981.3) && between(at[7], 3065.6, 3065.7));
	ck_assert(between(at[8], 3125.6, 3125.7) && between(at[9], 3150, 3150) && between(at[10], 3375, 3375));
	ck_assert(between(at[11], 3487.4, 3487.6) && between(at[12], 3547.4, 3547.6));
	ck_assert_uint_eq(s->n_out, 13);
	ck_state(s, REBINDING);

	sim_until(s, from + 3600 * LW4O6_SEC);
	ck_assert(!s->rec.valid);
	ck_assert_str_eq(s->rec.reason, "lease expired");
	ck_count(s, EXPIRED, 1);
	ck_assert_uint_eq(s->out[13].type4, LW4O6_DHCP4_DISCOVER); /* at once, with the old tuple as a hint */
	ck_assert_uint_eq(sim_query(&s->out[13], NULL)->requested.s_addr, ip4("192.0.2.18").s_addr);
	ck_assert_uint_eq(sim_query(&s->out[13], NULL)->ports.id, 0x34);
	ck_assert(!s->saved.valid);
	ck_addr(s->removed[0], SIM_SOURCE);
	sim_free(s);
}
END_TEST

/* B-046, A-07: while RENEWING the other servers of the list are not listened to; while REBINDING they are. */
START_TEST(foreign_server)
{
	struct sim *s = sim_bound(NULL);
	lw4o6_time from = s->out[2].at;
	struct sim_answer ack = sim_ack(), nak = { .type = LW4O6_DHCP4_NAK, .server = "198.51.100.2" };

	sim_until(s, from + 1800 * LW4O6_SEC);
	ack.server = "198.51.100.2";
	sim_answer(s, &nak);
	sim_answer(s, &ack);
	ck_count(s, DROP_FOREIGN_SERVER, 2);
	ck_state(s, RENEWING);
	sim_until(s, from + 3150 * LW4O6_SEC);
	ck_state(s, REBINDING);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert_uint_eq(s->rec.server_id.s_addr, ip4("198.51.100.2").s_addr);
	sim_free(s);
}
END_TEST

/* while REQUESTING only the server that was chosen counts. */
START_TEST(not_the_chosen_server)
{
	struct sim *s = discovering(2);
	struct sim_answer offer = sim_offer(), ack = sim_ack(), nak = { .type = LW4O6_DHCP4_NAK, .server = "198.51.100.2" };

	sim_answer(s, &offer);
	sim_pass(s, LW4O6_SEC);
	ck_state(s, REQUESTING);
	sim_answer(s, &nak);
	ack.server = "198.51.100.2";
	sim_answer(s, &ack);
	ck_count(s, DROP_FOREIGN_SERVER, 2);
	ck_state(s, REQUESTING);
	sim_free(s);
}
END_TEST

/* B-063, B-076: a NAK beside a lease that is kept takes the lease with it only when it is the one refused. */
START_TEST(nak_beside_lease)
{
	for (unsigned other = 0; other < 2; other++) {
		struct sim *s = sim_bound(NULL);
		struct sim_answer offer = sim_offer(), nak = { .type = LW4O6_DHCP4_NAK };

		s->addr[0].addr = ip6("2001:db8:12:3400::99");
		sim_link(s);
		sim_pass(s, 0);
		ck_state(s, SELECTING);
		if (other)
			offer.psid = 0x77;
		sim_answer(s, &offer);
		ck_state(s, REQUESTING);
		ck_assert(s->rec.valid);
		sim_answer(s, &nak);
		ck_assert(s->rec.valid == other);
		sim_free(s);
	}
}
END_TEST

/* B-050: another packet source during the first delay does not cut it short. */
START_TEST(delay_is_kept)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 1, .servers = { "2001:db8:4::547" } };

	sim_config(&cfg);
	cfg.start_delay_ms = 5000;

	struct sim *s = sim_new(&cfg);

	sim_link(s);
	sim_wait(s, 1);
	sim_info_reply(s, &r);

	lw4o6_time from = s->now;

	sim_pass(s, LW4O6_SEC);
	s->addr[0].addr = ip6("2001:db8:12:3400::99");
	sim_link(s);
	ck_assert_uint_eq(sim_wait_query(s)->at, from + 5 * LW4O6_SEC);
	ck_addr(s->out[s->n_out - 1].from, "2001:db8:12:3400::99");
	sim_free(s);
}
END_TEST

/* 7.4: what arrives unasked while BOUND changes nothing. */
START_TEST(unsolicited)
{
	struct sim *s = sim_bound(NULL);
	unsigned n = s->n_out, saved = s->n_saved;

	for (uint8_t type = 1; type <= 18; type++) {
		struct sim_answer a = sim_ack();

		a.type = type;
		a.lease = 7200;
		sim_answer(s, &a);
	}
	ck_count(s, DROP_XID, 18);
	ck_state(s, BOUND);
	ck_assert_uint_eq(s->n_out, n);
	ck_assert_uint_eq(s->n_saved, saved);
	sim_free(s);
}
END_TEST

/* B-043: the list of option 55 is the same in every message, ascending, 159 in it. */
START_TEST(same_prl)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	cfg.prl[0] = 42;
	cfg.prl[1] = 6;
	cfg.prl[2] = 159;
	cfg.prl_len = 3;

	struct sim *s = sim_bound(&cfg);

	sim_until(s, s->out[2].at + 3200 * LW4O6_SEC);
	ck_assert_uint_gt(s->n_out, 6);
	for (unsigned i = 1; i < s->n_out; i++) {
		const struct lw4o6_dhcp4_msg *q = sim_query(&s->out[i], NULL);

		ck_octets(q->prl.p, q->prl.len, ((const uint8_t[]){ 1, 6, 42, 159 }), 4);
	}
	sim_free(s);
}
END_TEST

static struct lw4o6_client_saved saved_lease(void)
{
	struct sim *s = sim_bound(NULL);
	struct lw4o6_client_saved v = s->saved;

	sim_free(s);
	return v;
}

static struct sim *restarted(const struct lw4o6_client_saved *saved, int want)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 1, .servers = { "2001:db8:4::547" } };

	sim_config(&cfg);

	struct sim *s = sim_new(&cfg);

	s->now += 200 * LW4O6_SEC;
	ck_assert_int_eq(lw4o6_client_restore(s->c, saved, s->now), want);
	sim_link(s);
	sim_wait(s, 1);
	sim_info_reply(s, &r);
	sim_wait(s, 2);
	return s;
}

/* B-066: another packet source than before: DISCOVER with the old tuple. */
START_TEST(reboot_elsewhere)
{
	struct lw4o6_client_saved v = saved_lease();

	v.packet_source.s6_addr[15] ^= 1;

	struct sim *s = restarted(&v, LW4O6_OK);

	ck_assert_uint_eq(s->out[1].type4, LW4O6_DHCP4_DISCOVER);
	ck_assert_uint_eq(sim_query(&s->out[1], NULL)->requested.s_addr, ip4("192.0.2.18").s_addr);
	ck_assert_uint_eq(sim_query(&s->out[1], NULL)->ports.id, 0x34);
	ck_assert(!s->rec.valid);
	sim_free(s);
}
END_TEST

/* B-066: nobody answers: the rest of the lease is used, and renewed at its T1. */
START_TEST(reboot_unanswered)
{
	struct lw4o6_client_saved v = saved_lease();
	struct sim *s = restarted(&v, LW4O6_OK);

	ck_state(s, REBOOTING);
	ck_assert(!s->rec.valid);
	sim_pass(s, 70 * LW4O6_SEC);
	ck_state(s, BOUND);
	ck_assert(s->rec.valid);
	ck_assert_uint_eq(s->rec.lease_end, v.lease_end);
	ck_addr(s->rec.br.addr[0], SIM_BR);
	ck_assert_uint_eq(s->n_out, 5);
	sim_wait(s, 6);
	ck_state(s, RENEWING);
	sim_free(s);
}
END_TEST

/* B-066: the lease is taken over when its T1 or T2 has passed: renewed at once. */
START_TEST(reboot_late)
{
	static const unsigned left[] = { 100, 66 }; /* seconds when the machine starts */

	for (unsigned i = 0; i < 2; i++) {
		struct lw4o6_client_saved v = saved_lease();

		v.lease_end = (1200 + left[i]) * LW4O6_SEC;

		struct sim *s = restarted(&v, LW4O6_OK);

		ck_state(s, REBOOTING);

		struct sim_out *o = sim_wait(s, 6);

		ck_assert_uint_lt(o->at, v.lease_end);
		ck_assert(s->rec.valid);
		ck_assert_uint_eq(sim_query(o, NULL)->hdr.ciaddr.s_addr, ip4("192.0.2.18").s_addr);
		sim_free(s);
	}
}
END_TEST

/* B-066: refused: everything is forgotten. */
START_TEST(reboot_refused)
{
	struct lw4o6_client_saved v = saved_lease();
	struct sim *s = restarted(&v, LW4O6_OK);
	struct sim_answer nak = { .type = LW4O6_DHCP4_NAK, .server = "198.51.100.9" };

	sim_answer(s, &nak);
	ck_state(s, INIT);
	ck_assert(!s->saved.valid);
	ck_assert(!(sim_query(sim_wait(s, 3), NULL)->has & LW4O6_DHCP4_HAS_REQUESTED));
	sim_free(s);
}
END_TEST

/* B-069: what is stored is not trusted: another identity, an old lease, impossible values. */
START_TEST(restore_checks)
{
	const struct lw4o6_client_saved good = saved_lease();
	struct lw4o6_client_saved v;

#define ROW(want, change) \
	do { \
		v = good; \
		change; \
		sim_free(restarted(&v, want)); \
	} while (0)
	ROW(LW4O6_ENOENT, v.valid = false);
	ROW(LW4O6_ENOENT, v.iaid++);
	ROW(LW4O6_ENOENT, v.duid[3] ^= 1);
	ROW(LW4O6_ENOENT, v.duid_len--);
	ROW(LW4O6_ENOENT, v.lease_end = 1200 * LW4O6_SEC);
	ROW(LW4O6_EINVAL, v.ports.len = 17);
	ROW(LW4O6_EINVAL, v.ipv4 = ip4("224.0.0.1"));
	ROW(LW4O6_EINVAL, v.source = ip6("fe80::1"));
	ROW(LW4O6_EINVAL, v.br.n = LW4O6_S46_BR_MAX + 1);
	ROW(LW4O6_OK, v.lease_end = LW4O6_TIME_NONE);
#undef ROW
}
END_TEST

/* B-065, B-067: no RELEASE when stopped without; the state stays stored. */
START_TEST(stop_without_release)
{
	struct sim *s = sim_bound(NULL);
	unsigned n = s->n_out;

	lw4o6_client_stop(s->c, false, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_out, n);
	ck_assert(!s->rec.valid && s->saved.valid);
	ck_addr(s->removed[0], SIM_SOURCE);
	ck_assert_int_eq(lw4o6_client_renew(s->c, s->now), LW4O6_ENOENT);
	sim_free(s);

	/* with a source that stays on the link, too */
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 0 };
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	sim_config(&cfg);
	cfg.saddr_mode = LW4O6_CLIENT_SADDR_EXISTING;
	s = sim_discovering(&cfg, &r);
	ack.saddr = SIM_GUA;
	sim_answer(s, &offer);
	sim_answer(s, &ack);
	ck_assert(s->rec.valid);
	lw4o6_client_stop(s->c, false, s->now);
	sim_drain(s);
	ck_assert(!s->rec.valid);
	sim_free(s);
}
END_TEST

/* C-009: a buffer that is too small is told so, and nothing is lost. */
START_TEST(small_buffer)
{
	struct lw4o6_client_config cfg;
	uint8_t buf[LW4O6_CLIENT_MSG_MAX];
	struct lw4o6_dgram d = { .data = buf, .room = 45 };

	sim_config(&cfg);

	struct sim *s = sim_new(&cfg);

	lw4o6_client_link(s->c, &s->link, s->now);
	s->now = lw4o6_client_expiry(s->c);
	lw4o6_client_tick(s->c, s->now);
	ck_assert_int_eq(lw4o6_client_send(s->c, &d, s->now), LW4O6_ESPACE);
	ck_assert_uint_eq(d.len, LW4O6_CLIENT_MSG_MAX);
	d.room = 46;
	ck_assert_int_eq(lw4o6_client_send(s->c, &d, s->now), 46);
	sim_free(s);
}
END_TEST

/* B-068: INFORM is sent four times and then given up; another type is no answer to it. */
START_TEST(inform_unanswered)
{
	struct sim *s = sim_bound(NULL);
	const uint8_t codes[] = { 6, 42 };
	struct sim_answer offer = { .type = LW4O6_DHCP4_OFFER };

	ck_assert_int_eq(lw4o6_client_inform(s->c, codes, 2, s->now), LW4O6_OK);
	sim_drain(s);
	sim_answer(s, &offer);
	ck_count(s, DROP_STATE, 1);
	sim_pass(s, 1000 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 7);
	for (unsigned i = 3; i < 7; i++)
		ck_assert_uint_eq(s->out[i].type4, LW4O6_DHCP4_INFORM);
	ck_assert_uint_eq(s->n_informed, 0);
	sim_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_lease");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, discover_times);
	tcase_add_test(tc, selecting_drops);
	tcase_add_test(tc, offer_tolerance);
	tcase_add_test(tc, answer_source);
	tcase_add_test(tc, offer_choice);
	tcase_add_test(tc, port_sets);
	tcase_add_test(tc, whole_address_only);
	tcase_add_test(tc, request_unanswered);
	tcase_add_test(tc, lease_times);
	tcase_add_test(tc, bad_acks);
	tcase_add_test(tc, nak_backoff);
	tcase_add_test(tc, rate_limit);
	tcase_add_test(tc, round_robin);
	tcase_add_test(tc, renew_rebind_expire);
	tcase_add_test(tc, foreign_server);
	tcase_add_test(tc, not_the_chosen_server);
	tcase_add_test(tc, nak_beside_lease);
	tcase_add_test(tc, delay_is_kept);
	tcase_add_test(tc, unsolicited);
	tcase_add_test(tc, same_prl);
	tcase_add_test(tc, reboot_elsewhere);
	tcase_add_test(tc, reboot_unanswered);
	tcase_add_test(tc, reboot_late);
	tcase_add_test(tc, reboot_refused);
	tcase_add_test(tc, restore_checks);
	tcase_add_test(tc, stop_without_release);
	tcase_add_test(tc, small_buffer);
	tcase_add_test(tc, inform_unanswered);
	suite_add_tcase(s, tc);
	return test_main(s);
}
