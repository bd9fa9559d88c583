/* The softwire source and the AFTR's address (spec 5.4). */
#include "client_sim.h"

static struct sim *discovering(struct lw4o6_client_config *cfg, unsigned multicast)
{
	struct sim_reply r = { .n = multicast ? 0 : 1, .servers = { "2001:db8:4::547" } };
	struct lw4o6_client_config own;

	if (!cfg) {
		sim_config(&own);
		cfg = &own;
	}
	return sim_discovering(cfg, &r);
}

static void set_addrs(struct sim *s, size_t n, const char *const *text, const uint8_t *len)
{
	for (size_t i = 0; i < n; i++)
		s->addr[i] = (struct lw4o6_client_addr){ .addr = ip6(text[i]), .prefix_len = len[i],
			                                 .preferred_until = LW4O6_TIME_NONE };
	s->link.n = n;
	sim_link(s);
}

/* B-071, C-065, RFC 8539 section 7.4: hint against prefixes; B-072: the identifier of RFC 7597. */
START_TEST(prefix_choice)
{
	static const struct {
		const char *addr[3];
		uint8_t len[3];
		size_t n;
		const char *hint;
		uint8_t hint_len;
		const char *want;
	} rows[] = {
		/* the hint decides */
		{ { "2001:db8:1:1::1", "2001:db8:12:3401::1", "fd00:1::1" }, { 64, 64, 64 }, 3, "2001:db8:12:3400::", 56,
		  "2001:db8:12:3401:0:c000:212:34" },
		{ { "2001:db8:1:1::1", "2001:db8:12:3401::1", "fd00:1::1" }, { 64, 64, 64 }, 3, "fd00:1::", 48,
		  "fd00:1:0:0:0:c000:212:34" },
		/* no match, no hint, ::/0: global before unique local, then the lower prefix */
		{ { "fd00:1::1", "2001:db8:2::1", "2001:db8:1::1" }, { 64, 64, 64 }, 3, "2001:db8:99::", 48,
		  "2001:db8:1:0:0:c000:212:34" },
		{ { "fd00:1::1", "2001:db8:2::1", "2001:db8:1::1" }, { 64, 64, 64 }, 3, NULL, 0, "2001:db8:1:0:0:c000:212:34" },
		{ { "fd00:1::1", "2001:db8:2::1", "2001:db8:1::1" }, { 64, 64, 64 }, 3, "::", 0,
		  "2001:db8:1:0:0:c000:212:34" },
		/* a hint longer than the prefix says which part of it */
		{ { "2001:db8:12:3400::1" }, { 56 }, 1, "2001:db8:12:3477::", 64, "2001:db8:12:3477:0:c000:212:34" },
		{ { "2001:db8:12:3400::1" }, { 64 }, 1, "2001:db8:12:3400::1234", 128, "2001:db8:12:3400::1234" },
		/* a prefix that is unknown gives only the address itself */
		{ { "2001:db8:1::5" }, { 128 }, 1, NULL, 0, "2001:db8:1::5" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *s = discovering(NULL, 1);
		struct sim_answer a = sim_offer();

		set_addrs(s, rows[i].n, rows[i].addr, rows[i].len);
		a.hint = rows[i].hint;
		a.hint_len = rows[i].hint_len;
		sim_answer(s, &a);
		ck_state(s, REQUESTING);
		ck_addr(sim_query(&s->out[s->n_out - 1], NULL)->saddr, rows[i].want);
		sim_free(s);
	}
}
END_TEST

/* B-071: an invalid option 137 is as if absent. B-079: of several 90 the first valid one is used. */
START_TEST(bad_hint_and_br)
{
	struct sim *s = discovering(NULL, 1);
	struct sim_answer a = sim_offer();

	a.br = "fe80::1";
	a.br2 = SIM_BR;
	sim_answer(s, &a);
	ck_state(s, REQUESTING);
	a = sim_ack();
	a.br = NULL; /* B-079, A-06: an ACK without 90 keeps the old one */
	sim_answer(s, &a);
	ck_state(s, BOUND);
	ck_assert_uint_eq(s->rec.br.n, 1);
	ck_addr(s->rec.br.addr[0], SIM_BR);

	ck_assert_int_eq(lw4o6_client_renew(s->c, s->now), LW4O6_OK);
	sim_drain(s);
	a.br = "2001:db8:ffff::2";
	a.br2 = "2001:db8:ffff::3";
	sim_answer(s, &a);
	ck_assert_uint_eq(s->rec.br.n, 2); /* and one with another moves the tunnel */
	ck_addr(s->rec.br.addr[0], "2001:db8:ffff::2");
	ck_addr(s->rec.br.addr[1], "2001:db8:ffff::3");

	/* 137 in an ACK is the hint for the next choice */
	static const char *const addrs[] = { "2001:db8:1::1", "2001:db8:55::1" };
	static const uint8_t lens[] = { 64, 64 };

	ck_assert_int_eq(lw4o6_client_renew(s->c, s->now), LW4O6_OK);
	sim_drain(s);
	a.hint = "2001:db8:55::";
	a.hint_len = 48;
	sim_answer(s, &a);
	set_addrs(s, 2, addrs, lens);
	ck_addr(sim_query(&s->out[s->n_out - 1], NULL)->saddr, "2001:db8:55:0:0:c000:212:34");
	sim_free(s);
}
END_TEST

/* B-072: an address that is there; none is made or removed. */
START_TEST(existing_address)
{
	struct lw4o6_client_config cfg;
	struct sim_answer a = sim_offer();

	sim_config(&cfg);
	cfg.saddr_mode = LW4O6_CLIENT_SADDR_EXISTING;

	struct sim *s = discovering(&cfg, 1);

	sim_answer(s, &a);
	ck_addr(sim_query(&s->out[2], NULL)->saddr, SIM_GUA);
	a = sim_ack();
	a.saddr = SIM_GUA;
	sim_answer(s, &a);
	ck_state(s, BOUND);
	ck_assert(s->rec.valid);
	ck_assert_uint_eq(s->n_added, 0);

	s->addr[0].addr = ip6("2001:db8:12:3400::77"); /* renumbered inside the prefix */
	sim_link(s);
	ck_state(s, CHANGING);
	ck_addr(sim_query(&s->out[s->n_out - 1], NULL)->saddr, "2001:db8:12:3400::77");
	sim_free(s);
}
END_TEST

/* B-072: the operator's address. */
START_TEST(fixed_address)
{
	struct lw4o6_client_config cfg;
	struct sim_answer a = sim_offer();

	sim_config(&cfg);
	cfg.saddr_mode = LW4O6_CLIENT_SADDR_FIXED;
	cfg.saddr = ip6("2001:db8:77::1");

	struct sim *s = discovering(&cfg, 1);

	sim_answer(s, &a);
	ck_addr(s->added[0], "2001:db8:77::1");
	a = sim_ack();
	a.saddr = "2001:db8:77::1";
	sim_answer(s, &a);
	ck_state(s, BOUND);
	ck_addr(s->rec.source, "2001:db8:77::1");
	sim_free(s);
}
END_TEST

/* B-073: no REQUEST before DAD is done; a duplicate is never reported, the next candidate is. */
START_TEST(dad)
{
	struct sim *s = discovering(NULL, 1);
	struct sim_answer a = sim_offer();

	s->dad_by_hand = true;
	sim_answer(s, &a);
	ck_state(s, PREPARE);
	sim_pass(s, 5 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 2);
	ck_addr(s->added[0], SIM_SOURCE);
	lw4o6_client_addr_ready(s->c, &s->added[0], false, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_removed, 1);
	ck_addr(s->removed[0], SIM_SOURCE);
	ck_assert_uint_eq(s->n_added, 2);
	ck_assert_mem_eq(s->added[0].s6_addr, s->added[1].s6_addr, 8); /* the same prefix, another identifier */
	ck_state(s, PREPARE);
	ck_assert_uint_eq(s->n_out, 2);
	lw4o6_client_addr_ready(s->c, &s->added[1], true, s->now);
	sim_drain(s);
	ck_state(s, REQUESTING);
	ck_assert_mem_eq(&sim_query(&s->out[2], NULL)->saddr, &s->added[1], 16);
	ck_count(s, DAD_FAILED, 1);
	sim_free(s);
}
END_TEST

/* B-073: two prefixes: the other one is tried before another identifier; then nothing is left: pause, DISCOVER. */
START_TEST(dad_always_fails)
{
	static const char *const addrs[] = { "2001:db8:1::1", "2001:db8:2::1" };
	static const uint8_t lens[] = { 64, 64 };
	struct sim *s = discovering(NULL, 1);
	struct sim_answer a = sim_offer();

	s->dad_by_hand = true;
	set_addrs(s, 2, addrs, lens);
	sim_answer(s, &a);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(s->n_added, i + 1);
		lw4o6_client_addr_ready(s->c, &s->added[i], false, s->now);
		sim_drain(s);
	}
	ck_addr(s->added[0], "2001:db8:1:0:0:c000:212:34");
	ck_addr(s->added[1], "2001:db8:2:0:0:c000:212:34");
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert_mem_ne(&s->added[i], &s->added[k], 16);
	ck_state(s, INIT);
	ck_assert_uint_eq(s->n_removed, 4);

	lw4o6_time at = s->now;
	struct sim_out *o = sim_wait_query(s);

	ck_assert_uint_eq(o->type4, LW4O6_DHCP4_DISCOVER);
	ck_assert_uint_ge(o->at - at, LW4O6_SEC);
	sim_answer(s, &a); /* after the pause they are tried again */
	ck_state(s, PREPARE);
	ck_addr(s->added[4], "2001:db8:1:0:0:c000:212:34");
	sim_free(s);
}
END_TEST

/* B-073: DAD that never ends is a failure after 30 s. */
START_TEST(dad_silent)
{
	struct sim *s = discovering(NULL, 1);
	struct sim_answer a = sim_offer();

	s->dad_by_hand = true;
	sim_answer(s, &a);
	sim_pass(s, 29 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_added, 1);
	sim_pass(s, 2 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_added, 2);
	ck_state(s, PREPARE);
	sim_free(s);
}
END_TEST

/* B-071, B-073: the prefix goes while DAD runs in it: another one is taken. */
START_TEST(prefix_gone_in_dad)
{
	static const char *const both[] = { "2001:db8:1::1", "2001:db8:2::1" };
	static const uint8_t lens[] = { 64, 64 };
	struct sim *s = discovering(NULL, 1);
	struct sim_answer a = sim_offer();

	s->dad_by_hand = true;
	set_addrs(s, 2, both, lens);
	sim_answer(s, &a);
	ck_addr(s->added[0], "2001:db8:1:0:0:c000:212:34");
	set_addrs(s, 1, both + 1, lens);
	ck_state(s, PREPARE);
	ck_assert_uint_eq(s->n_added, 2);
	ck_addr(s->added[1], "2001:db8:2:0:0:c000:212:34");
	ck_addr(s->removed[0], "2001:db8:1:0:0:c000:212:34");
	lw4o6_client_addr_ready(s->c, &s->added[0], true, s->now); /* too late */
	lw4o6_client_addr_ready(s->c, &s->added[1], true, s->now);
	sim_drain(s);
	ck_addr(sim_query(&s->out[s->n_out - 1], NULL)->saddr, "2001:db8:2:0:0:c000:212:34");
	sim_free(s);
}
END_TEST

/* B-076: another address that looks better is no reason to move the packet source. */
START_TEST(packet_source_stays)
{
	struct sim *s = sim_bound(NULL);

	s->addr[0].preferred_until = s->now + 1000 * LW4O6_SEC;
	s->addr[1] = (struct lw4o6_client_addr){ .addr = ip6("2001:db8:1::1"), .prefix_len = 64,
		                                 .preferred_until = LW4O6_TIME_NONE };
	s->link.n = 2;
	sim_link(s);
	sim_pass(s, 0);
	ck_state(s, BOUND);
	s->addr[0].deprecated = true; /* this is */
	sim_link(s);
	sim_pass(s, 0);
	ck_addr(s->out[s->n_out - 1].from, "2001:db8:1::1");
	ck_assert_uint_eq(s->out[s->n_out - 1].type4, LW4O6_DHCP4_DISCOVER);
	sim_free(s);
}
END_TEST

/* B-015, B-073: no address is asked for while the link is down. */
START_TEST(address_lost_with_link)
{
	struct sim *s = sim_bound(NULL);
	struct in6_addr a = ip6(SIM_SOURCE);

	s->link.up = s->link.has_linklocal = false;
	sim_link(s);
	lw4o6_client_addr_ready(s->c, &a, false, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_added, 1);
	ck_assert(!s->rec.valid && s->rec.suspended);
	s->link.up = s->link.has_linklocal = true;
	sim_link(s);
	ck_assert_uint_eq(s->n_added, 2);
	sim_free(s);
}
END_TEST

/* B-076, A-25: the packet source changes (unicast servers): DISCOVER with the tuple; the lease works on meanwhile. */
START_TEST(packet_source_changes)
{
	struct sim *s = sim_bound(NULL);
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	s->addr[0].addr = ip6("2001:db8:12:3400::99"); /* the softwire's prefix stays */
	sim_link(s);
	sim_pass(s, 0);
	ck_state(s, SELECTING);

	struct sim_out *o = &s->out[s->n_out - 1];

	ck_assert_uint_eq(o->type4, LW4O6_DHCP4_DISCOVER);
	ck_addr(o->from, "2001:db8:12:3400::99");
	ck_assert_uint_eq(sim_query(o, NULL)->requested.s_addr, ip4("192.0.2.18").s_addr);
	ck_assert(s->rec.valid);
	ck_assert_uint_eq(s->n_removed, 0);
	sim_answer(s, &offer);
	ck_state(s, REQUESTING);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert_uint_eq(s->n_removed, 0);
	ck_addr(s->saved.packet_source, "2001:db8:12:3400::99");
	sim_free(s);
}
END_TEST

/* B-076, A-25: both change at once (the site is renumbered): DISCOVER, then REQUEST with the new source. */
START_TEST(renumbered)
{
	struct sim *s = sim_bound(NULL);
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	s->addr[0].addr = ip6("2001:db8:55:1:200:5eff:fe00:5301");
	sim_link(s);
	ck_assert(!s->rec.valid && s->rec.suspended);
	sim_pass(s, 0);
	ck_assert_uint_eq(s->out[s->n_out - 1].type4, LW4O6_DHCP4_DISCOVER);
	sim_answer(s, &offer);
	ck_addr(sim_query(&s->out[s->n_out - 1], NULL)->saddr, "2001:db8:55:1:0:c000:212:34");
	ack.saddr = "2001:db8:55:1:0:c000:212:34";
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert(s->rec.valid);
	ck_addr(s->rec.source, "2001:db8:55:1:0:c000:212:34");
	ck_addr(s->removed[0], SIM_SOURCE);
	sim_free(s);
}
END_TEST

/* B-076: a prefix that is deprecated is left for one that is not, and works until the new one is acknowledged. */
START_TEST(deprecated)
{
	struct lw4o6_client_config cfg;
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	sim_config(&cfg);

	struct sim *s = discovering(&cfg, 1);

	sim_answer(s, &offer);
	sim_answer(s, &ack);
	s->addr[0].deprecated = true;
	sim_link(s); /* there is nothing better */
	ck_state(s, BOUND);
	s->addr[1] = (struct lw4o6_client_addr){ .addr = ip6("2001:db8:55:1::1"), .prefix_len = 64,
		                                 .preferred_until = LW4O6_TIME_NONE };
	s->link.n = 2;
	sim_link(s);
	ck_state(s, CHANGING);
	ck_addr(sim_query(&s->out[s->n_out - 1], NULL)->saddr, "2001:db8:55:1:0:c000:212:34");
	ck_assert(s->rec.valid);
	ck_addr(s->rec.source, SIM_SOURCE);
	ack.saddr = "2001:db8:55:1:0:c000:212:34";
	sim_answer(s, &ack);
	ck_addr(s->rec.source, "2001:db8:55:1:0:c000:212:34");
	sim_free(s);
}
END_TEST

/* B-076: somebody takes the softwire address off the link: it is made again, and announced again. */
START_TEST(address_lost)
{
	struct sim *s = sim_bound(NULL);
	struct in6_addr a = ip6(SIM_SOURCE);
	struct sim_answer ack = sim_ack();

	s->dad_by_hand = true;
	lw4o6_client_addr_ready(s->c, &a, false, s->now);
	sim_drain(s);
	ck_assert(!s->rec.valid && s->rec.suspended);
	ck_assert_uint_eq(s->n_added, 2);
	ck_addr(s->added[1], SIM_SOURCE);
	lw4o6_client_addr_ready(s->c, &a, true, s->now);
	sim_drain(s);
	ck_state(s, CHANGING);
	ck_assert(s->rec.valid);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	sim_free(s);
}
END_TEST

static void change_prefix(struct sim *s)
{
	s->addr[0].addr = ip6("2001:db8:55:1::1");
	sim_link(s);
	ck_state(s, CHANGING);
}

static struct sim *bound_by_multicast(struct lw4o6_client_config *cfg)
{
	struct sim_answer offer = sim_offer(), ack = sim_ack();
	struct sim *s = discovering(cfg, 1);

	sim_answer(s, &offer);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	return s;
}

/* B-077: the new source is refused: it is used no more, and DISCOVER starts over. */
START_TEST(change_refused)
{
	struct sim *s = bound_by_multicast(NULL);
	struct sim_answer nak = { .type = LW4O6_DHCP4_NAK };

	change_prefix(s);
	sim_answer(s, &nak);
	ck_assert(!s->rec.valid && !s->rec.suspended);
	ck_assert_uint_eq(s->n_removed, 2);

	ck_assert_uint_eq(sim_wait_query(s)->type4, LW4O6_DHCP4_DISCOVER);
	sim_free(s);
}
END_TEST

/* 7.4, 1.8: an unanswered change is repeated no sooner than 60 s, then renewal takes over at T1. */
START_TEST(change_unanswered)
{
	struct sim *s = bound_by_multicast(NULL);
	lw4o6_time from = s->out[2].at;

	change_prefix(s);

	for (unsigned i = 0; i < 3; i++) {
		lw4o6_time before = s->out[s->n_out - 1].at;
		struct sim_reply r = { .n = 0 };

		if (i == 0) { /* the changed prefix asks for fresh information first */
			sim_wait(s, s->n_out + 1);
			sim_info_reply(s, &r);
		}

		struct sim_out *o = sim_wait_query(s);

		ck_assert_uint_eq(sim_query(o, NULL)->type, LW4O6_DHCP4_REQUEST);
		ck_assert_uint_ge(o->at - before, 60 * LW4O6_SEC);
		ck_assert_uint_le(o->at - before, 70 * LW4O6_SEC);
		ck_state(s, CHANGING);
	}
	sim_until(s, from + 1801 * LW4O6_SEC);
	ck_state(s, RENEWING);
	sim_free(s);
}
END_TEST

/* B-078: another source in the ACK, or none: nothing is sent from the unconfirmed one; asked again after 60..70 s. */
START_TEST(mismatch)
{
	for (unsigned none = 0; none < 2; none++) {
		struct sim *s = discovering(NULL, 1);
		struct sim_answer offer = sim_offer(), ack = sim_ack();

		ack.saddr = none ? NULL : "2001:db8:12:34ff:0:c000:212:34";
		sim_answer(s, &offer);
		sim_answer(s, &ack);
		ck_state(s, MISMATCH);
		ck_assert(!s->rec.valid);
		ck_count(s, MISMATCH, 1);

		lw4o6_time at = s->now;
		struct sim_out *o = sim_wait(s, 4);
		bool u;

		ck_assert_uint_eq(sim_query(o, &u)->type, LW4O6_DHCP4_REQUEST);
		ck_assert(u);
		ck_addr(sim_query(o, NULL)->saddr, SIM_SOURCE);
		ck_assert_uint_ge(o->at - at, 60 * LW4O6_SEC);
		ck_assert_uint_le(o->at - at, 70 * LW4O6_SEC);
		ck_state(s, CHANGING);
		sim_answer(s, &ack);
		ck_state(s, MISMATCH); /* by default for ever */
		sim_wait(s, 5);
		ack.saddr = SIM_SOURCE;
		sim_answer(s, &ack);
		ck_state(s, BOUND);
		ck_assert(s->rec.valid);
		sim_free(s);
	}
}
END_TEST

/* B-078: the address in the ACK is one of ours and usable: traffic uses it meanwhile. */
START_TEST(mismatch_with_usable)
{
	struct sim *s = bound_by_multicast(NULL);
	struct sim_answer ack = sim_ack();

	s->addr[1] = (struct lw4o6_client_addr){ .addr = ip6("2001:db8:55:1::1"), .prefix_len = 64,
		                                 .preferred_until = LW4O6_TIME_NONE };
	s->link.n = 2;
	s->addr[0].deprecated = true;
	sim_link(s);
	ck_state(s, CHANGING);
	sim_answer(s, &ack); /* still the old one */
	ck_state(s, MISMATCH);
	ck_assert(s->rec.valid);
	ck_addr(s->rec.source, SIM_SOURCE);
	ck_assert_uint_eq(s->n_removed, 0);
	sim_free(s);
}
END_TEST

/* B-078: at the second mismatch the lease is given up, when told so. */
START_TEST(mismatch_release)
{
	struct lw4o6_client_config cfg;
	struct sim_answer offer = sim_offer(), ack = sim_ack();

	sim_config(&cfg);
	cfg.release_on_mismatch = true;
	cfg.saddr_retry_s = 300;

	struct sim *s = discovering(&cfg, 1);

	ack.saddr = NULL;
	sim_answer(s, &offer);
	sim_answer(s, &ack);
	sim_wait(s, 4);
	ck_assert_uint_ge(s->out[3].at - s->out[2].at, 300 * LW4O6_SEC);
	sim_answer(s, &ack);
	ck_assert_uint_eq(s->out[4].type4, LW4O6_DHCP4_RELEASE);
	ck_assert_uint_eq(sim_wait(s, 6)->type4, LW4O6_DHCP4_DISCOVER);
	sim_free(s);
}
END_TEST

/* B-065, B-081: another tuple later is another record, delivered at once and as a whole. */
START_TEST(other_tuple)
{
	struct sim *s = sim_bound(NULL);
	struct sim_answer nak = { .type = LW4O6_DHCP4_NAK }, offer = sim_offer(), ack = sim_ack();
	unsigned n = s->n_rec;

	ck_assert_int_eq(lw4o6_client_renew(s->c, s->now), LW4O6_OK);
	sim_drain(s);
	sim_answer(s, &nak);
	ck_assert_uint_eq(s->n_rec, n + 1);
	sim_wait(s, s->n_out + 1);
	offer.yiaddr = ack.yiaddr = "192.0.2.99";
	offer.psid = ack.psid = 0x35;
	ack.saddr = "2001:db8:12:3400:0:c000:263:35";
	sim_answer(s, &offer);
	sim_answer(s, &ack);
	ck_assert_uint_eq(s->n_rec, n + 2);
	ck_assert_uint_eq(s->rec.ipv4.s_addr, ip4("192.0.2.99").s_addr);
	ck_addr(s->rec.source, "2001:db8:12:3400:0:c000:263:35");
	sim_free(s);
}
END_TEST

/* B-082, A-35: one reaction in 60 s: a renew-form REQUEST, and DISCOVER when nobody answers. */
START_TEST(icmp_1_5)
{
	struct sim *s = sim_bound(NULL);
	struct sim_answer ack = sim_ack();
	bool u;

	for (unsigned i = 0; i < 1000; i++)
		lw4o6_client_icmp_1_5(s->c, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_out, 4);
	ck_state(s, CHANGING);
	ck_assert_uint_eq(sim_query(&s->out[3], &u)->type, LW4O6_DHCP4_REQUEST);
	ck_assert(u && s->rec.valid);
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	sim_pass(s, 59 * LW4O6_SEC);
	lw4o6_client_icmp_1_5(s->c, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_out, 4);
	sim_pass(s, LW4O6_SEC);
	lw4o6_client_icmp_1_5(s->c, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_out, 5);
	ck_count(s, REPROVISION, 2);
	ck_count(s, REPROVISION_LIMITED, 1000);
	ck_assert_uint_eq(sim_wait(s, 6)->type4, LW4O6_DHCP4_DISCOVER);
	ck_assert(s->rec.valid);
	sim_free(s);

	/* answered, it is over: a later change of source that goes unanswered is repeated, not replaced by DISCOVER */
	s = bound_by_multicast(NULL);
	lw4o6_client_icmp_1_5(s->c, s->now);
	sim_drain(s);
	sim_answer(s, &ack);
	change_prefix(s);
	ck_assert_uint_eq(sim_wait_query(s)->type4, LW4O6_DHCP4_REQUEST);
	sim_free(s);

	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	cfg.no_reprovision = true;
	s = sim_bound(&cfg);
	lw4o6_client_icmp_1_5(s->c, s->now);
	sim_drain(s);
	ck_assert_uint_eq(s->n_out, 3);
	sim_free(s);
}
END_TEST

/* B-071: a delegated prefix in which no address is held serves the softwire. */
START_TEST(delegated_prefix)
{
	struct sim *s = discovering(NULL, 1);
	struct sim_answer a = sim_offer();

	s->addr[0] = (struct lw4o6_client_addr){ .addr = ip6("2001:db8:12:3400::"), .prefix_len = 56, .prefix_only = true,
		                                 .preferred_until = LW4O6_TIME_NONE };
	sim_link(s);
	ck_state(s, SELECTING);
	sim_answer(s, &a);
	ck_addr(s->added[0], "2001:db8:12:3400:0:c000:212:34");
	sim_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_source");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, prefix_choice);
	tcase_add_test(tc, bad_hint_and_br);
	tcase_add_test(tc, existing_address);
	tcase_add_test(tc, fixed_address);
	tcase_add_test(tc, dad);
	tcase_add_test(tc, dad_always_fails);
	tcase_add_test(tc, dad_silent);
	tcase_add_test(tc, prefix_gone_in_dad);
	tcase_add_test(tc, packet_source_stays);
	tcase_add_test(tc, address_lost_with_link);
	tcase_add_test(tc, packet_source_changes);
	tcase_add_test(tc, renumbered);
	tcase_add_test(tc, deprecated);
	tcase_add_test(tc, address_lost);
	tcase_add_test(tc, change_refused);
	tcase_add_test(tc, change_unanswered);
	tcase_add_test(tc, mismatch);
	tcase_add_test(tc, mismatch_with_usable);
	tcase_add_test(tc, mismatch_release);
	tcase_add_test(tc, other_tuple);
	tcase_add_test(tc, icmp_1_5);
	tcase_add_test(tc, delegated_prefix);
	suite_add_tcase(s, tc);
	return test_main(s);
}
