/* The client's DHCPv6 side: information exchange and the choice of the mechanism (spec 5.1, 5.2, 7.3). */
#include "client_sim.h"

static struct sim *started(void)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	return sim_new(&cfg);
}

static uint16_t elapsed(const struct sim_out *o)
{
	struct lw4o6_dhcp6_msg m;
	struct lw4o6_opt6 e;

	ck_assert_int_eq(lw4o6_dhcp6_decode(&m, o->data, o->len), LW4O6_OK);
	ck_assert(lw4o6_opt6_find(m.options.p, m.options.len, LW4O6_OPT6_ELAPSED_TIME, &e));
	ck_assert_uint_eq(e.len, 2);
	return (uint16_t)(e.data[0] << 8 | e.data[1]);
}

static double gap(const struct sim *s, unsigned i)
{
	return (double)(s->out[i].at - s->out[i - 1].at) / (double)LW4O6_SEC;
}

/* B-004, B-006, B-007: delays and doubling for many seeds; one transaction id; elapsed time counts up. */
START_TEST(retransmission)
{
	struct lw4o6_dhcp6_msg first, m;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim *s = started();

		s->rng.s = seed * 0x9e3779b97f4a7c15u;
		sim_link(s);
		ck_assert_uint_eq(s->n_out, 0);
		sim_wait(s, 16);
		ck_assert_uint_le(s->out[0].at - 1000 * LW4O6_SEC, LW4O6_SEC);
		ck_assert(gap(s, 1) >= 0.9 && gap(s, 1) <= 1.1);
		ck_assert(gap(s, 2) >= 1.71 && gap(s, 2) <= 2.31);
		ck_assert(gap(s, 3) >= 3.249 && gap(s, 3) <= 4.851);
		for (unsigned i = 14; i < 16; i++)
			ck_assert(gap(s, i) >= 0.9 * 3600 && gap(s, i) <= 1.1 * 3600);
		ck_assert_uint_eq(elapsed(&s->out[0]), 0);
		for (unsigned i = 1; i < 16; i++) {
			lw4o6_time cs = (s->out[i].at - s->out[0].at) / (10 * LW4O6_MSEC);

			ck_assert_uint_eq(elapsed(&s->out[i]), cs > 65535 ? 65535 : cs);
		}
		ck_assert_int_eq(lw4o6_dhcp6_decode(&first, s->out[0].data, s->out[0].len), LW4O6_OK);
		ck_assert_int_eq(lw4o6_dhcp6_decode(&m, s->out[15].data, s->out[15].len), LW4O6_OK);
		ck_assert_uint_eq(m.xid, first.xid);
		sim_free(s);
	}
}
END_TEST

/* B-013: option 83 in range becomes the longest interval, even from a failure; out of range it does not. */
START_TEST(inf_max_rt)
{
	static const struct {
		uint32_t value;
		double max;
		int status;
	} rows[] = { { 60, 60, 0 }, { 120, 120, 1 }, { 59, 3600, 0 }, { 86401, 3600, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *s = started();
		struct sim_reply r = { .n = -1, .refresh = 600, .inf_max_rt = rows[i].value, .status = rows[i].status };

		sim_link(s);
		sim_wait(s, 1);
		sim_info_reply(s, &r);
		ck_count(s, DROP_STATUS, rows[i].status != 0);
		sim_wait(s, 16);
		ck_assert_msg(gap(s, 15) >= 0.9 * rows[i].max && gap(s, 15) <= 1.1 * rows[i].max, "row %zu: %f", i,
		              gap(s, 15));
		sim_free(s);
	}
}
END_TEST

/* B-014, C-031: refresh after option 32, with its floor, its default, "never", and the configured cap. */
START_TEST(refresh_time)
{
	static const struct {
		uint32_t option, cap;
		double want; /* 0: never */
	} rows[] = { { 0, 0, 86400 },  { 10, 0, 600 }, { 599, 0, 600 }, { 600, 0, 600 }, { 7200, 0, 7200 },
		     { UINT32_MAX, 0, 0 }, { 7200, 900, 900 }, { UINT32_MAX, 1000, 1000 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_client_config cfg;
		struct sim_reply r = { .n = -1, .refresh = rows[i].option };

		sim_config(&cfg);
		cfg.irt_max_s = rows[i].cap;

		struct sim *s = sim_new(&cfg);

		sim_link(s);
		sim_wait(s, 1);
		sim_info_reply(s, &r);
		if (rows[i].want == 0) {
			sim_pass(s, 1000000 * LW4O6_SEC);
			ck_assert_uint_eq(s->n_out, 1);
		} else {
			sim_wait(s, 2);
			ck_assert_msg(gap(s, 1) >= rows[i].want && gap(s, 1) <= rows[i].want + 1, "row %zu: %f", i, gap(s, 1));
			ck_assert_uint_eq(elapsed(&s->out[1]), 0);
		}
		sim_free(s);
	}
}
END_TEST

/* B-014, A-18: an unanswered refresh keeps what was known; the lease is renewed meanwhile. */
START_TEST(refresh_unanswered)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 0, .refresh = 600 };
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	sim_config(&cfg);

	struct sim *s = sim_discovering(&cfg, &r);

	sim_answer(s, &offer);
	sim_answer(s, &ack);
	sim_until(s, s->out[2].at + 1800 * LW4O6_SEC);
	ck_state(s, RENEWING);
	ck_assert(s->rec.valid);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	sim_free(s);
}
END_TEST

/* B-012: what is no answer to our message changes nothing, and each reason has its counter. */
START_TEST(bad_replies)
{
	struct sim *s = started();
	struct sim_reply wrong_xid = { .n = 0, .xid_xor = 1 }, no_server = { .n = 0, .no_server_id = true },
	                 other = { .n = 0, .other_client = true }, good = { .n = 0 };

	sim_link(s);
	sim_wait(s, 1);
	sim_info_reply(s, &wrong_xid);
	ck_count(s, DROP_XID, 1);
	sim_info_reply(s, &no_server);
	ck_count(s, DROP_SERVER_ID, 1);
	sim_info_reply(s, &other);
	ck_count(s, DROP_CLIENT_ID, 1);
	ck_state(s, OFF);
	sim_info_reply(s, &good);
	sim_wait(s, 2);
	ck_state(s, SELECTING);
	s->out[2] = s->out[0];
	s->n_out = 3;
	sim_info_reply(s, &good); /* a second answer */
	ck_count(s, DROP_XID, 2);
	sim_free(s);
}
END_TEST

/* B-012, B-017, C-002, C-006: every other type is dropped in silence, RECONFIGURE too; so is what is cut. */
START_TEST(other_types)
{
	uint8_t buf[VECTOR_MAX];

	for (unsigned type = 0; type < 256; type++) {
		struct sim *s = started();
		size_t n = vector_named(buf, "REPLY");

		sim_link(s);
		sim_wait(s, 1);
		buf[0] = (uint8_t)type;
		sim_recv(s, buf, n);
		sim_drain(s);
		ck_assert((lw4o6_client_state(s->c) != LW4O6_CLIENT_OFF) == (type == 7));
		ck_count(s, DROP_TYPE, type != 7 && type != 20 && type != 21);
		ck_count(s, DROP_MALFORMED, type == 20 || type == 21);
		sim_free(s);
	}
	for (size_t cut = 0; cut < 4; cut++) {
		struct sim *s = started();

		sim_link(s);
		sim_wait(s, 1);
		vector_named(buf, "REPLY");
		sim_recv(s, buf, cut);
		ck_count(s, DROP_MALFORMED, 1);
		sim_free(s);
	}
}
END_TEST

/* B-015: the link goes and comes: a new exchange with a new transaction id. */
START_TEST(link_flap)
{
	struct sim *s = sim_bound(NULL);
	struct sim_reply r = { .n = 1, .servers = { "2001:db8:4::547" } };
	struct sim_answer ack = sim_ack();

	s->link.up = s->link.has_linklocal = false;
	s->link.n = 0;
	sim_link(s);
	ck_state(s, OFF);
	ck_assert(!s->rec.valid && s->rec.suspended);
	sim_pass(s, 10 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 3);
	s->link.up = s->link.has_linklocal = true;
	s->link.n = 1;
	sim_link(s);

	struct sim_out *o = sim_wait(s, 4);

	ck_assert_uint_eq(o->type, LW4O6_DHCP6_INFORMATION_REQUEST);
	ck_assert_mem_ne(o->data + 1, s->out[0].data + 1, 3);
	sim_info_reply(s, &r);
	o = sim_wait(s, 5);
	ck_state(s, REBOOTING); /* the same packet source: the lease may go on (7.4) */
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert(s->rec.valid);
	sim_free(s);
}
END_TEST

/* B-015: prefixes that come and go refresh the information at most once in 30 s. */
START_TEST(prefix_changes)
{
	struct sim *s = sim_bound(NULL);
	unsigned infos = 0;

	for (unsigned i = 0; i < 100; i++) {
		s->addr[1] = s->addr[0];
		s->addr[1].addr.s6_addr[6] = (uint8_t)i;
		s->addr[1].preferred_until = 1;
		s->link.n = 2;
		sim_link(s);
		for (unsigned k = 3; k < s->n_out; k++)
			infos = 0;
		sim_pass(s, LW4O6_SEC);
		if (s->n_out > 3 && s->out[s->n_out - 1].type == LW4O6_DHCP6_INFORMATION_REQUEST) {
			struct sim_reply r = { .n = 1, .servers = { "2001:db8:4::547" } };

			sim_info_reply(s, &r);
		}
	}
	for (unsigned i = 3; i < s->n_out; i++)
		infos += s->out[i].type == LW4O6_DHCP6_INFORMATION_REQUEST;
	ck_assert_uint_ge(infos, 3);
	ck_assert_uint_le(infos, 4);
	ck_state(s, BOUND);
	sim_free(s);
}
END_TEST

/* B-015: neither our own address, nor the order, nor an address of another scope is a changed prefix. */
START_TEST(prefixes_unchanged)
{
	struct sim *s = sim_bound(NULL);

	s->addr[1] = s->addr[0];
	s->addr[0] = (struct lw4o6_client_addr){ .addr = ip6(SIM_SOURCE), .prefix_len = 128, .deprecated = true };
	s->addr[2] = (struct lw4o6_client_addr){ .addr = ip6("fe80::77"), .prefix_len = 64 };
	s->addr[3] = s->addr[1];
	s->addr[3].addr.s6_addr[15] ^= 1; /* a second address of the prefix */
	s->link.n = 4;
	sim_link(s);
	s->link.n = 2;
	sim_link(s);
	sim_pass(s, 100 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 3);
	ck_state(s, BOUND);
	sim_free(s);
}
END_TEST

/* B-030: no option 88, no DHCPV4-QUERY, ever. */
START_TEST(no_option_88)
{
	struct sim *s = started();
	struct sim_reply r = { .n = -1, .refresh = 600 };

	sim_link(s);
	sim_wait(s, 1);
	sim_info_reply(s, &r);
	for (unsigned i = 2; i < 20; i++) {
		sim_wait(s, i);
		sim_info_reply(s, &r);
	}
	for (unsigned i = 0; i < s->n_out; i++)
		ck_assert_uint_eq(s->out[i].type, LW4O6_DHCP6_INFORMATION_REQUEST);
	ck_state(s, OFF);
	ck_assert_uint_eq(s->n_native, 0);
	sim_free(s);
}
END_TEST

/* B-031, B-018, A-19: 88 is withdrawn: no more queries, the lease lasts to its end, and not a RELEASE at the stop. */
START_TEST(withdrawn)
{
	struct lw4o6_client_config cfg;
	struct sim_reply with = { .n = 0, .refresh = 600 }, without = { .n = -1, .refresh = 600 };
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	sim_config(&cfg);

	struct sim *s = sim_discovering(&cfg, &with);

	sim_answer(s, &offer);
	sim_answer(s, &ack);

	lw4o6_time end = s->out[2].at + 3600 * LW4O6_SEC;

	while (s->now < end - 10 * LW4O6_SEC) {
		unsigned n = s->n_out + 1;
		lw4o6_time t = lw4o6_client_expiry(s->c);

		if (t >= end - 10 * LW4O6_SEC)
			break;
		sim_until(s, t);
		if (s->n_out == n && s->out[n - 1].type == LW4O6_DHCP6_INFORMATION_REQUEST)
			sim_info_reply(s, &without);
	}
	sim_until(s, end - 1);
	ck_state(s, OFF);
	ck_assert(s->rec.valid);
	sim_until(s, end);
	ck_assert(!s->rec.valid);
	ck_assert_str_eq(s->rec.reason, "lease expired");
	for (unsigned i = 3; i < s->n_out; i++)
		ck_assert_uint_eq(s->out[i].type, LW4O6_DHCP6_INFORMATION_REQUEST);
	lw4o6_client_stop(s->c, true, s->now);
	sim_drain(s);
	ck_assert_uint_ne(s->out[s->n_out - 1].type4, LW4O6_DHCP4_RELEASE);
	sim_free(s);
}
END_TEST

/* B-031: while 88 is gone a stop releases nothing, although there is a lease. */
START_TEST(withdrawn_stop)
{
	struct sim *s = sim_bound(NULL);
	struct sim_reply r = { .n = -1 };

	lw4o6_client_refresh(s->c, s->now);
	sim_wait(s, 4);
	sim_info_reply(s, &r);
	ck_state(s, OFF);
	ck_assert(s->rec.valid);
	lw4o6_client_stop(s->c, true, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_out, 4);
	ck_assert(!s->rec.valid && s->saved.valid);
	sim_free(s);
}
END_TEST

/* B-006, B-015: a prefix that appears while a request is out does not start another one. */
START_TEST(prefix_while_waiting)
{
	struct sim *s = started();

	sim_link(s);
	sim_wait(s, 1);
	s->addr[1] = s->addr[0];
	s->addr[1].addr.s6_addr[5] = 9;
	s->link.n = 2;
	sim_link(s);
	sim_wait(s, 2);
	ck_assert_mem_eq(s->out[0].data, s->out[1].data, 4);
	ck_assert(gap(s, 1) >= 0.9 && gap(s, 1) <= 1.1);
	sim_free(s);
}
END_TEST

/* B-018: another list is used at once; B-032: repeats are sent once. */
START_TEST(list_replaced)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 3, .servers = { "2001:db8:4::547", "2001:db8:4::547", "2001:db8:4::548" } };

	sim_config(&cfg);

	struct sim *s = sim_discovering(&cfg, &r);

	sim_pass(s, LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 3);
	ck_addr(s->out[1].to, "2001:db8:4::547");
	ck_addr(s->out[2].to, "2001:db8:4::548");
	ck_octets(s->out[1].data, s->out[1].len, s->out[2].data, s->out[2].len);
	lw4o6_client_refresh(s->c, s->now);
	while (s->out[s->n_out - 1].type != LW4O6_DHCP6_INFORMATION_REQUEST)
		sim_wait(s, s->n_out + 1);
	r = (struct sim_reply){ .n = 1, .servers = { "2001:db8:4::549" } };
	sim_info_reply(s, &r);

	struct sim_out *o = sim_wait(s, s->n_out + 1);

	ck_addr(o->to, "2001:db8:4::549");
	sim_free(s);
}
END_TEST

/* B-032, B-033, A-04: which targets are used, and from which address. */
START_TEST(targets)
{
	static const struct {
		const char *server, *from; /* NULL: 4o6 stays off */
	} rows[] = {
		{ "2001:db8:4::547", SIM_GUA }, { "ff05::1:3", SIM_GUA }, { "ff02::1:2", SIM_LL }, { "fe80::1", SIM_LL },
		{ "fd00::1", SIM_GUA }, { "::", NULL }, { "::1", NULL }, { "ff01::1", NULL }, { "::ffff:192.0.2.1", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *s = started();
		struct sim_reply r = { .n = 1, .servers = { rows[i].server } };

		sim_link(s);
		sim_wait(s, 1);
		sim_info_reply(s, &r);
		sim_pass(s, 3 * LW4O6_SEC);
		ck_assert_msg(s->n_out == (rows[i].from ? 2 : 1), "%s: %u datagrams", rows[i].server, s->n_out);
		if (rows[i].from) {
			ck_addr(s->out[1].to, rows[i].server);
			ck_addr(s->out[1].from, rows[i].from);
		}
		ck_assert_uint_eq(s->n_native, 1); /* B-035: whether or not it can be used */
		sim_free(s);
	}
}
END_TEST

/* B-033, B-071: no global address, no query; it comes, and the query goes. */
START_TEST(waits_for_source)
{
	struct sim *s = started();
	struct sim_reply r = { .n = 1, .servers = { "2001:db8:4::547" } };

	s->link.n = 0;
	sim_link(s);
	sim_wait(s, 1);
	sim_info_reply(s, &r);
	sim_pass(s, 100 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 1);
	s->link.n = 1;
	sim_link(s);
	sim_pass(s, 0);
	ck_assert_uint_ge(s->n_out, 2);
	ck_assert_uint_eq(s->out[1].type4, LW4O6_DHCP4_DISCOVER);
	sim_free(s);
}
END_TEST

/* B-035: told once while 88 stays, and again when it comes back. */
START_TEST(native_stop)
{
	struct sim *s = started();
	struct sim_reply with = { .n = 0, .refresh = 600 }, without = { .n = -1, .refresh = 600 };
	const struct sim_reply *order[] = { &with, &with, &without, &with };
	static const unsigned want[] = { 1, 1, 1, 2 };

	sim_link(s);
	for (unsigned i = 0; i < 4; i++) {
		unsigned n = s->n_out;

		do {
			sim_wait(s, ++n);
		} while (s->out[n - 1].type != LW4O6_DHCP6_INFORMATION_REQUEST);
		sim_info_reply(s, order[i]);
		ck_assert_uint_eq(s->n_native, want[i]);
	}
	sim_free(s);
}
END_TEST

static struct lw4o6_s46_lw container(void)
{
	struct lw4o6_s46_lw lw = { .br = { .n = 1 }, .has_bind = true, .ipv4 = ip4("192.0.2.18") };

	lw.br.addr[0] = ip6(SIM_BR);
	lw.bind = (struct lw4o6_s46_prefix){ ip6("2001:db8:12:3400::"), 56 };
	ck_assert_int_eq(lw4o6_psid_init(&lw.ports, 0, 8, 0x34), LW4O6_OK);
	return lw;
}

/* B-036, A-31: which mechanism. */
START_TEST(mechanism)
{
	static const uint16_t lw_first[] = { 96, 88 }, v4o6_first[] = { 88, 96 }, unknown[] = { 64, 999 },
	                      repeated[] = { 96, 96 }, only_64[] = { 64, 96 };
	static const struct {
		const uint16_t *prio;
		size_t n;
		bool prefer_lw, no_88, no_96, bad_88, want_lw;
	} rows[] = {
		{ lw_first, 2, false, false, false, false, true },
		{ v4o6_first, 2, true, false, false, false, false },
		{ unknown, 2, false, false, false, false, false },
		{ unknown, 2, true, false, false, false, true },
		{ repeated, 2, false, false, false, false, false }, /* invalid: as if absent */
		{ only_64, 2, false, false, false, false, true },
		{ NULL, 0, false, false, false, false, false },
		{ NULL, 0, true, false, false, false, true },
		{ v4o6_first, 2, false, true, false, false, true },
		{ lw_first, 2, false, false, true, false, false },
		{ v4o6_first, 2, false, false, false, true, true },
		{ NULL, 0, false, true, false, false, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_client_config cfg;
		struct lw4o6_s46_lw lw = container();
		struct sim_reply r = { .n = rows[i].no_88 ? -1 : rows[i].bad_88 ? 1 : 0, .servers = { "::1" },
			               .prio = rows[i].prio, .n_prio = rows[i].n, .lw = rows[i].no_96 ? NULL : &lw };

		sim_config(&cfg);
		cfg.prefer_lw = rows[i].prefer_lw;

		struct sim *s = sim_new(&cfg);

		sim_link(s);
		sim_wait(s, 1);
		sim_info_reply(s, &r);
		sim_pass(s, 2 * LW4O6_SEC);
		ck_assert_msg(s->rec.deterministic == rows[i].want_lw, "row %zu", i);
		ck_assert_msg((s->n_out > 1) == !rows[i].want_lw, "row %zu", i);
		sim_free(s);
	}
}
END_TEST

/* B-037: the softwire of container 96 (vector REPLY-LW, where option 111 prefers 88: so with 88 switched off). */
START_TEST(deterministic)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	cfg.no_4o6 = true;

	struct sim *s = sim_new(&cfg);

	s->dad_by_hand = true;
	sim_link(s);
	sim_wait(s, 1);
	sim_recv_named(s, "REPLY-LW");
	ck_assert_uint_eq(s->n_added, 1);
	ck_addr(s->added[0], SIM_SOURCE);
	ck_assert_uint_eq(s->n_rec, 0);
	lw4o6_client_addr_ready(s->c, &s->added[0], true, s->now);
	sim_drain(s);
	ck_assert(s->rec.valid && s->rec.deterministic);
	ck_assert_uint_eq(s->rec.ipv4.s_addr, ip4("192.0.2.18").s_addr);
	ck_assert_uint_eq(s->rec.ports.id, 0x34);
	ck_addr(s->rec.source, SIM_SOURCE);
	ck_addr(s->rec.br.addr[0], SIM_BR);
	ck_assert_uint_eq(s->rec.lease_end, LW4O6_TIME_NONE);

	/* RFC 7596 section 5.1: without a prefix that matches the binding prefix there is no softwire */
	s->addr[0].addr = ip6("2001:db8:99::1");
	sim_link(s);
	ck_assert(!s->rec.valid);
	ck_addr(s->removed[0], SIM_SOURCE);
	ck_assert_uint_eq(s->n_added, 1);
	sim_free(s);
}
END_TEST

/* B-036: 96 takes over from a lease; the lease is given up and its address goes. */
START_TEST(lw_takes_over)
{
	static const uint16_t lw_first[] = { 96, 88 };
	struct sim *s = sim_bound(NULL);
	struct lw4o6_s46_lw lw = container();
	struct sim_reply r = { .n = 0, .prio = lw_first, .n_prio = 2, .lw = &lw };

	lw.ipv4 = ip4("192.0.2.77");
	lw4o6_client_refresh(s->c, s->now);
	sim_wait(s, 4);
	sim_info_reply(s, &r);
	ck_state(s, OFF);
	ck_assert(s->rec.valid && s->rec.deterministic);
	ck_assert_uint_eq(s->rec.ipv4.s_addr, ip4("192.0.2.77").s_addr);
	ck_addr(s->removed[0], SIM_SOURCE);
	ck_assert(!s->saved.valid);
	sim_free(s);
}
END_TEST

/* B-001: servers by configuration, no DHCPv6 at all. */
START_TEST(static_servers)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	cfg.static_servers = true;
	cfg.servers.n = 1;
	cfg.servers.addr[0] = ip6("2001:db8:4::547");

	struct sim *s = sim_new(&cfg);

	s->i_xid = 1;
	sim_link(s);
	sim_wait(s, 1);
	ck_sent(s, "DISCOVER");
	sim_pass(s, 10000 * LW4O6_SEC);
	for (unsigned i = 0; i < s->n_out; i++)
		ck_assert_uint_eq(s->out[i].type, LW4O6_DHCP6_DHCPV4_QUERY);
	sim_free(s);
}
END_TEST

/* B-084: option 23 is asked for and reported. */
START_TEST(dns)
{
	struct lw4o6_client_config cfg;
	struct lw4o6_dhcp6_msg m;
	uint8_t buf[VECTOR_MAX];

	sim_config(&cfg);
	cfg.want_dns = true;

	struct sim *s = sim_new(&cfg);

	sim_link(s);
	sim_wait(s, 1);
	ck_assert_int_eq(lw4o6_dhcp6_decode(&m, s->out[0].data, s->out[0].len), LW4O6_OK);
	ck_assert(lw4o6_dhcp6_oro_has(&m, LW4O6_OPT6_DNS_SERVERS));

	size_t n = vector_named(buf, "REPLY");

	n += unhex(buf + n, sizeof(buf) - n, "00 17 00 10 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 53");
	sim_recv(s, buf, n);
	ck_assert_uint_eq(s->rec.n_dns, 1);
	ck_addr(s->rec.dns[0], "2001:db8::53");
	sim_free(s);
}
END_TEST

/* B-003 and the ranges of the settings. */
START_TEST(configuration)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct test_rng rng = { 1 };
	struct lw4o6_host host = { .arg = &rng, .random = test_random };
	struct lw4o6_client_config good, c;

	sim_config(&good);
#define REFUSED(change) \
	do { \
		c = good; \
		change; \
		ck_assert_ptr_null(lw4o6_client_new(mem, &c, &host)); \
	} while (0)
	REFUSED(c.duid_len = 2);
	REFUSED(c.duid_len = 131);
	REFUSED(c.hlen = 17);
	REFUSED(c.psid_len_hint = 17);
	REFUSED(c.offer_collect_ms = 10001);
	REFUSED(c.irt_max_s = 599);
	REFUSED(c.max_message = 575);
	REFUSED(c.saddr_mode = LW4O6_CLIENT_SADDR_FIXED);
	REFUSED(c.size = sizeof(c) + 1);
	REFUSED(host.random = NULL);
#undef REFUSED
	ck_assert_uint_eq(talloc_total_blocks(mem), 1);
	talloc_free(mem);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_info");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, retransmission);
	tcase_add_test(tc, inf_max_rt);
	tcase_add_test(tc, refresh_time);
	tcase_add_test(tc, refresh_unanswered);
	tcase_add_test(tc, bad_replies);
	tcase_add_test(tc, other_types);
	tcase_add_test(tc, link_flap);
	tcase_add_test(tc, prefix_changes);
	tcase_add_test(tc, prefixes_unchanged);
	tcase_add_test(tc, no_option_88);
	tcase_add_test(tc, withdrawn);
	tcase_add_test(tc, withdrawn_stop);
	tcase_add_test(tc, prefix_while_waiting);
	tcase_add_test(tc, list_replaced);
	tcase_add_test(tc, targets);
	tcase_add_test(tc, waits_for_source);
	tcase_add_test(tc, native_stop);
	tcase_add_test(tc, mechanism);
	tcase_add_test(tc, deterministic);
	tcase_add_test(tc, lw_takes_over);
	tcase_add_test(tc, static_servers);
	tcase_add_test(tc, dns);
	tcase_add_test(tc, configuration);
	suite_add_tcase(s, tc);
	return test_main(s);
}
