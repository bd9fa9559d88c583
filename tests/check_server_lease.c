#include "server_sim.h"

static char addr[INET_ADDRSTRLEN];
static struct lw4o6_psid ps;

/* ---- section 4.4 ---- */

/* S-064 (1) and (2), S-136: the current lease, then the former one, released or expired. */
START_TEST(former_tuple)
{
	struct sim *x = sim_started();

	BOUND(1, SA);
	OFFERED(DISCOVER(1));
	ck_assert_uint_eq(x->m.ports.id, ps.id);
	if (_i == 0) {
		SILENT(RELEASE(1, .ciaddr = addr, MINE));
		ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
		ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_RELEASED);
	} else {
		pass(x, S(3599));
		ck_assert_uint_eq(x->n_ev, 0);
		pass(x, S(1));
		ck_assert_uint_eq(x->n_ev, 1);
		ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
		ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_EXPIRED);
	}
	/* Others do not get it while there is something never leased. */
	for (unsigned c = 2; c < 100; c++) {
		OFFERED(DISCOVER((uint8_t)c));
		ck_assert_uint_ne(x->m.ports.id, ps.id);
	}
	OFFERED(DISCOVER(1));
	ck_assert_uint_eq(x->m.ports.id, ps.id);
	sim_free(x);
}
END_TEST

/* S-064 (3), S-065, S-066, S-067: what 50 and 159 ask for; what is unusable is ignored. */
START_TEST(wanted_tuple)
{
	static const uint8_t right_justified[4] = { 0, 8, 0, 0x34 }, k17[4] = { 0, 17, 0, 0 };
	struct sim *x = sim_started();

	OFFERED(DISCOVER(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x77));
	ck_assert_uint_eq(x->m.ports.id, 0x77);
	OFFERED(DISCOVER(2, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x77)); /* taken */
	ck_assert_uint_ne(x->m.ports.id, 0x77);
	OFFERED(DISCOVER(3, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 3)); /* reserved, S-063 */
	ck_assert_uint_ge(x->m.ports.id, 4);
	OFFERED(DISCOVER(4, .addr = "192.0.2.18", .ports = true, .a = 4, .k = 8, .psid = 0x78));
	ck_assert_uint_eq(x->m.ports.offset, 0);
	OFFERED(DISCOVER(5, .addr = "203.0.113.1", .ports = true, .k = 8, .psid = 0x79));
	OFFERED(DISCOVER(6, .raw_ports = right_justified, .raw_ports_len = 4));
	OFFERED(DISCOVER(7, .raw_ports = k17, .raw_ports_len = 4));
	OFFERED(DISCOVER(8, .raw_ports = k17, .raw_ports_len = 3));
	OFFERED(DISCOVER(9, .addr = "192.0.2.18"));
	OFFERED(DISCOVER(10, .ports = true, .k = 6)); /* no pool of that size */
	sim_free(x);
}
END_TEST

static struct sim *two_pools(uint8_t k0, uint8_t k1, bool honour)
{
	struct sim *x = sim_init();

	sim_all_sets(x);
	x->pools[1] = x->pools[0];
	x->pools[1].name = "b";
	x->ranges[1].first = x->ranges[1].last = sim_addr4("192.0.2.19");
	x->pools[1].ranges = &x->ranges[1];
	x->pools[0].psid_len = k0;
	x->pools[1].psid_len = k1;
	x->cfg.n_pools = 2;
	x->cfg.honour_with_full = honour;
	sim_start(x);
	return x;
}

/* S-065: the pool of the wanted size first. */
START_TEST(size_hint)
{
	struct sim *x = two_pools(8, 6, false);

	for (uint8_t c = 1; c < 20; c++) {
		OFFERED(DISCOVER(c, .ports = true, .k = c % 2 ? 6 : 8));
		ck_assert_uint_eq(x->m.ports.len, c % 2 ? 6 : 8);
	}
	sim_free(x);
}
END_TEST

/* S-069, S-071, A-29: shared to those that list 159, unless honour-with-full; whole addresses to the others, without 159. */
START_TEST(full_and_shared)
{
	struct sim *x = two_pools(8, 0, _i == 1);

	OFFERED(DISCOVER(1));
	ck_assert_int_eq((x->m.has & LW4O6_DHCP4_HAS_PORTS) != 0, _i == 0);
	OFFERED(DISCOVER(2));
	ck_assert_msg((x->m.has & LW4O6_DHCP4_HAS_PORTS) != 0, "the one whole address is on offer");
	if (_i == 0) {
		OFFERED(DISCOVER(3, .no_prl159 = true));
		ck_assert(!(x->m.has & LW4O6_DHCP4_HAS_PORTS));
		ck_assert_uint_eq(x->m.hdr.yiaddr.s_addr, sim_addr4("192.0.2.19").s_addr);
		ACKED(SELECT(3, .addr = "192.0.2.19", .no_prl159 = true, .saddr = SA));
		ck_assert(!(x->m.has & LW4O6_DHCP4_HAS_PORTS));
		ck_assert_uint_eq(x->ev[0].binding.ps.len, 0);
		SILENT(DISCOVER(4, .no_prl159 = true)); /* never a shared one */
		ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_EXHAUSTED), 1);
	}
	sim_free(x);
}
END_TEST

/* S-070: a shared lease is not acknowledged without 159 in the PRL, in any form; RELEASE needs no PRL. */
START_TEST(never_without_159)
{
	struct sim *x = two_pools(8, 0, false);

	BOUND(1, SA);
	SILENT(SELECT(1, .addr = addr, MINE, .saddr = SA, .no_prl159 = true));
	SILENT(REBOOT(1, .addr = addr, MINE, .saddr = SA, .no_prl159 = true));
	SILENT(RENEW(1, .ciaddr = addr, MINE, .saddr = SA, .no_prl = true));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_NO_PRL_PORTS), 3);
	SILENT(RELEASE(1, .ciaddr = addr, MINE, .no_prl = true));
	ck_assert_uint_eq(x->n_ev, 1);
	sim_free(x);
}
END_TEST

/* S-032, A-09: without option 61 whole addresses by hardware address, if allowed; no 61 in the answer (S-042). */
START_TEST(by_hardware)
{
	struct sim *x = sim_init();

	x->pools[0].psid_len = 0;
	x->cfg.optional_client_id = true;
	x->cfg.optional_saddr = true;
	sim_start(x);
	OFFERED(DISCOVER(1, .no_id = true, .no_prl159 = true));
	ck_assert(!x->m.client_id.p);
	ACKED(SELECT(1, .no_id = true, .addr = "192.0.2.18", .no_prl159 = true));
	ck_assert(x->ev[0].lease.by_hardware);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_RECORD); /* Y-003 */
	ACKED(RENEW(1, .no_id = true, .ciaddr = "192.0.2.18", .no_prl159 = true));
	SILENT(DISCOVER(2, .no_id = true, .no_prl159 = true));
	sim_free(x);
}
END_TEST

/* S-073: an offer is held for its client and for nobody else, again from each DISCOVER; then it is free. */
START_TEST(offer_hold)
{
	struct sim *x = sim_init();

	sim_start(x); /* one tuple only */
	OFFERED(DISCOVER(1));
	pass(x, S(59));
	SILENT(DISCOVER(2));
	OFFERED(DISCOVER(1));
	pass(x, S(59));
	SILENT(DISCOVER(2));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_EXHAUSTED), 2); /* S-074 */
	pass(x, S(1));
	OFFERED(DISCOVER(2));
	ck_assert_uint_eq(lw4o6_server_expiry(x->s), x->now + S(60));
	sim_free(x);
}
END_TEST

/* S-076: new tuples spread; S-153: nearly full pools are filled to the last tuple. Chi-square of the first of 10,000 choices. */
START_TEST(spread)
{
	struct sim *x = sim_started();
	unsigned hits[256] = { 0 };
	double chi = 0;

	for (unsigned i = 0; i < 5040; i++) {
		OFFERED(DISCOVER((uint8_t)(i % 200)));
		hits[x->m.ports.id]++;
		x->now += S(61);
	}
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(hits[i], 0);
	for (unsigned i = 4; i < 256; i++)
		chi += (hits[i] - 20.0) * (hits[i] - 20.0) / 20.0;
	ck_assert_msg(chi > 160 && chi < 360, "chi-square %f for 251 degrees of freedom", chi);
	sim_free(x);

	x = sim_started();
	uint8_t seen[256] = { 0 };

	for (unsigned c = 0; c < 252; c++) {
		OFFERED(DISCOVER((uint8_t)c));
		ck_assert_uint_eq(seen[x->m.ports.id]++, 0);
	}
	SILENT(DISCOVER(253));
	sim_free(x);
}
END_TEST

/* S-076: in turn. */
START_TEST(round_robin)
{
	struct sim *x = sim_init();

	sim_all_sets(x);
	x->cfg.round_robin = true;
	sim_start(x);
	for (unsigned c = 0; c < 252; c++) {
		OFFERED(DISCOVER((uint8_t)c));
		ck_assert_uint_eq(x->m.ports.id, c + 4);
	}
	sim_free(x);
}
END_TEST

struct time_case {
	const char *name;
	uint32_t max_s, asked, lease, t1, t2; /* asked 0: no option 51; t1 0: no 58 and 59 */
};

static const struct time_case time_cases[] = {
	{ "default", 86400, 0, 3600, 1800, 3150 },
	{ "1 s", 86400, 1, 300, 150, 262 },
	{ "too long", 86400, 100000, 86400, 43200, 75600 },
	{ "infinite, not allowed", 86400, UINT32_MAX, 86400, 43200, 75600 },
	{ "infinite", UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0 },
};

/* S-077, S-078. */
START_TEST(lease_times)
{
	const struct time_case *c = &time_cases[_i];
	struct sim *x = sim_init();

	x->cfg.lease_max_s = c->max_s;
	sim_start(x);
	OFFERED(DISCOVER(1, .has_lease = c->asked != 0, .lease_s = c->asked));
	ACKED(SELECT(1, .addr = "192.0.2.18", .saddr = SA, .has_lease = c->asked != 0, .lease_s = c->asked));
	ck_assert_msg(x->m.lease_s == c->lease, "%s: lease %u", c->name, x->m.lease_s);
	ck_assert_int_eq((x->m.has & LW4O6_DHCP4_HAS_T1) != 0, c->t1 != 0);
	if (c->t1) {
		ck_assert_uint_eq(x->m.t1_s, c->t1);
		ck_assert_uint_eq(x->m.t2_s, c->t2);
	} else {
		ck_assert_uint_eq(x->ev[0].lease.expires, LW4O6_TIME_NONE);
		ck_assert_uint_eq(x->ev[0].binding.expires, LW4O6_TIME_NONE);
		ck_assert_uint_eq(lw4o6_server_expiry(x->s), LW4O6_TIME_NONE);
	}
	/* With a lease and no option 51 an OFFER carries what is left. */
	if (c->asked == 0) {
		pass(x, S(1000));
		OFFERED(DISCOVER(1));
		ck_assert_uint_eq(x->m.lease_s, 2600);
	}
	sim_free(x);
}
END_TEST

/* S-079: at most so many active leases in a prefix. */
START_TEST(prefix_limit)
{
	struct sim *x = sim_init();

	sim_all_sets(x);
	x->cfg.prefix_limit = 2;
	sim_start(x);
	OFFERED(DISCOVER(3));

	char third[INET_ADDRSTRLEN] = "192.0.2.18";
	struct lw4o6_psid third_ps = x->m.ports;

	BOUND(1, SA);
	BOUND(2, SB);
	SILENT(DISCOVER(4));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_PREFIX_LIMIT), 1);
	SILENT(SELECT(3, .addr = third, .ports = true, .k = 8, .psid = third_ps.id, .saddr = SC));
	OFFERED(DISCOVER(1)); /* who has one is not beyond the limit */
	SILENT(RELEASE(2, .ciaddr = addr, MINE));
	OFFERED(DISCOVER(4));
	sim_free(x);
}
END_TEST

/* S-080: a fixed client gets its tuple, others never. */
START_TEST(fixed)
{
	struct sim *x = sim_init();
	uint8_t id[25];
	struct lw4o6_server_fixed f = { .client_id = { id, sim_client_id(id, 7) }, .ipv4 = sim_addr4("192.0.2.18"), .ps = { 0, 8, 0x55 } };

	sim_all_sets(x);
	x->cfg.fixed = &f;
	x->cfg.n_fixed = 1;
	sim_start(x);
	for (unsigned c = 8; c < 256; c++) {
		OFFERED(DISCOVER((uint8_t)c, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x55));
		ck_assert_uint_ne(x->m.ports.id, 0x55);
	}
	for (unsigned i = 0; i < 3; i++) {
		BOUND(7, SA);
		ck_assert_uint_eq(ps.id, 0x55);
		SILENT(RELEASE(7, .ciaddr = addr, MINE));
	}
	NAKED(SELECT(6, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x55, .saddr = SB)); /* S-094 not for others */
	sim_free(x);
}
END_TEST

/* S-080: what was another's before it was fixed is no longer offered to that one, and the fixed client gets it. */
START_TEST(fixed_former)
{
	struct sim *x = sim_init();
	uint8_t id[25];
	struct lw4o6_server_fixed f = { .client_id = { id, sim_client_id(id, 7) }, .ipv4 = sim_addr4("192.0.2.18"), .ps = { 0, 8, 0x55 } };
	struct lw4o6_lease l = { .state = LW4O6_LEASE_RELEASED, .ipv4 = f.ipv4, .ps = f.ps, .expires = 1 };

	sim_all_sets(x);
	x->cfg.fixed = &f;
	x->cfg.n_fixed = 1;
	sim_start(x);
	l.client_id_len = (uint8_t)sim_client_id(l.client_id, 8);
	ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_OK);
	NAKED(REBOOT(8, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x55, .saddr = SB));
	NAKED(RENEW(8, .ciaddr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x55, .saddr = SB));
	NAKED(SELECT(8, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x55, .saddr = SB));
	OFFERED(DISCOVER(8));
	ck_assert_uint_ne(x->m.ports.id, 0x55);
	if (_i)
		ACKED(SELECT(7, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x55, .saddr = SA));
	BOUND(7, SA);
	ck_assert_uint_eq(ps.id, 0x55);
	sim_free(x);
}
END_TEST

/* S-081: on another link another tuple; committing it ends the old lease in the same transaction. */
START_TEST(moved)
{
	struct sim *x = sim_init();
	unsigned l0 = 0, l1 = 1;

	sim_all_sets(x);
	x->links[1] = x->links[0];
	x->pools[1] = x->pools[0];
	x->ranges[1].first = x->ranges[1].last = sim_addr4("192.0.2.19");
	x->pools[1].ranges = &x->ranges[1];
	x->pools[0].links = &l0;
	x->pools[1].links = &l1;
	x->pools[0].n_links = x->pools[1].n_links = 1;
	x->selectors[0] = (struct lw4o6_server_selector){ .by = LW4O6_BY_SOURCE, .link = 1, .prefix = { sim_addr("2001:db8:99::"), 48 } };
	x->cfg.n_selectors = 1;
	x->cfg.n_links = x->cfg.n_pools = 2;
	sim_start(x);
	BOUND(1, SA);

	uint8_t buf[SIM_ROOM];
	struct ask d = { .type = 1, .client = 1 };
	size_t n = sim_ask(buf, &d);

	sim_push_from(x, buf, n, "2001:db8:99::1", "2001:db8:4::547", 2);
	sim_turn(x);
	sim_parse(x);
	ck_assert_uint_eq(x->m.hdr.yiaddr.s_addr, sim_addr4("192.0.2.19").s_addr);

	struct ask r = { .type = 3, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.19", .ports = true, .k = 8, .psid = x->m.ports.id,
		         .saddr = _i ? SA : SB };

	n = sim_ask(buf, &r);
	sim_push_from(x, buf, n, "2001:db8:99::1", "2001:db8:4::547", 2);
	sim_turn(x);
	sim_parse(x);
	ck_assert_int_eq(x->m.type, LW4O6_DHCP4_ACK);
	ck_assert_uint_eq(x->n_ev, 2);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_FREE);
	ck_assert_uint_eq(x->ev[0].binding.ipv4.s_addr, sim_addr4("192.0.2.18").s_addr);
	ck_assert_int_eq(x->ev[1].kind, LW4O6_SERVER_ADD);
	ck_assert(same_addr(&x->ev[1].binding.b4, _i ? SA : SB));

	/* An offer made on one link ends with the offer on another. */
	struct ask d2 = { .type = 1, .client = 2 };
	struct lw4o6_server_usage u;

	n = sim_ask(buf, &d2);
	for (unsigned i = 0; i < 6; i++) {
		sim_push_from(x, buf, n, i % 2 ? "2001:db8:99::1" : "2001:db8:12::1", "2001:db8:4::547", 2);
		sim_turn(x);
		ck_assert_uint_eq(x->answers, 1);
		lw4o6_server_usage(x->s, &u);
		ck_assert_uint_eq(u.records, 2);
	}
	pass(x, S(61));
	lw4o6_server_usage(x->s, &u);
	ck_assert_uint_eq(u.active, 1);
	ck_assert_uint_eq(u.records, 1);
	sim_free(x);
}
END_TEST

/* ---- section 4.5 ---- */

/* S-090: all combinations of 54, 50, ciaddr and U, with and without the lease. */
START_TEST(request_forms)
{
	for (unsigned lease = 0; lease < 2; lease++) {
		struct sim *x = sim_started();

		if (lease)
			BOUND(1, SA);
		uint64_t forms = 0;

		for (unsigned bits = 0; bits < 16; bits++) {
			bool id = bits & 1, a = bits & 2, ci = bits & 4, u = bits & 8;
			int r = sim_do(x, (struct ask){ .type = 3, .client = 1, .xid = 100 + bits, .u = u, .saddr = SA, MINE,
			                                .server = id ? "198.51.100.1" : NULL, .addr = a ? "192.0.2.18" : NULL,
			                                .ciaddr = ci ? "192.0.2.18" : NULL });
			bool good = (id && a && !ci) || (!id && a && !ci) || (!id && !a && ci);
			uint64_t now = sim_count(x, LW4O6_SRV_DROP_REQUEST_FORM);

			ck_assert_msg((now == forms) == good, "form %u", bits);
			forms = now;
			if (lease)
				ck_assert_msg(r == (good ? LW4O6_DHCP4_ACK : 0), "form %u answered by %d", bits, r);
		}
		sim_free(x);
	}
}
END_TEST

/* S-092, S-093, S-094: selecting what was not offered; without 159; after the hold. */
START_TEST(selecting)
{
	struct sim *x = sim_started();

	OFFERED(DISCOVER(1));

	uint16_t id = x->m.ports.id, other = id == 200 ? 201 : 200;

	NAKED(SELECT(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = other, .saddr = SA));
	ck_assert_uint_eq(x->n_ev, 0);
	/* The offer has ended with it: this is a late REQUEST for a tuple that is free (S-094). */
	ACKED(SELECT(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = id, .saddr = SA));
	OFFERED(DISCOVER(2));
	ACKED(SELECT(2, .addr = "192.0.2.18", .saddr = SB));
	OFFERED(DISCOVER(3));
	NAKED(SELECT(3, .addr = "192.0.2.18", .raw_ports = (const uint8_t[]){ 0, 8, 0, 1 }, .raw_ports_len = 4, .saddr = SC));
	OFFERED(DISCOVER(4));
	id = x->m.ports.id;
	pass(x, S(61));
	OFFERED(DISCOVER(5, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = id)); /* somebody else has it now */
	NAKED(SELECT(4, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = id, .saddr = SC));
	NAKED(SELECT(6, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 2, .saddr = SC)); /* reserved */
	NAKED(SELECT(6, .addr = "203.0.113.5", .ports = true, .k = 8, .psid = 9, .saddr = SC));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_LEASE_ADDED), 2);
	sim_free(x);
}
END_TEST

/* S-095: the other server was chosen: the offer ends at once, a lease does not. */
START_TEST(not_chosen)
{
	struct sim *x = sim_init();

	sim_start(x);
	OFFERED(DISCOVER(1));
	SILENT(sim_do(x, (struct ask){ .type = 3, .client = 1, .server = "198.51.100.2", .addr = "192.0.2.18", .saddr = SA }));
	OFFERED(DISCOVER(2));
	ACKED(SELECT(2, .addr = "192.0.2.18", .saddr = SA));
	SILENT(sim_do(x, (struct ask){ .type = 3, .client = 2, .server = "198.51.100.2", .addr = "192.0.2.18", .saddr = SA }));
	ck_assert_uint_eq(x->n_ev, 0);
	OFFERED(DISCOVER(2));
	SILENT(DISCOVER(1));
	sim_free(x);
}
END_TEST

/* S-096. */
START_TEST(init_reboot)
{
	struct sim *x = sim_started();

	SILENT(REBOOT(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 9, .saddr = SA));
	BOUND(1, SA);
	ACKED(REBOOT(1, .addr = addr, MINE, .saddr = SA, .xid = 1));
	ck_assert_uint_eq(x->m.hdr.ciaddr.s_addr, 0);
	NAKED(REBOOT(1, .addr = addr, .ports = true, .k = 8, .psid = (uint16_t)(ps.id == 9 ? 10 : 9), .saddr = SA, .xid = 2));
	NAKED(REBOOT(1, .addr = "203.0.113.1", MINE, .saddr = SA, .xid = 3));
	SILENT(RELEASE(1, .ciaddr = addr, MINE));
	ACKED(REBOOT(1, .addr = addr, MINE, .saddr = SA, .xid = 4)); /* former and still free */
	sim_free(x);
}
END_TEST

/* S-097, S-098, S-099, A-07. */
START_TEST(renewing)
{
	struct sim *x = sim_started();

	BOUND(1, SA);
	pass(x, S(1800));
	for (unsigned u = 0; u < 2; u++) {
		ACKED(REBOOT(1, .u = u == 1, .ciaddr = addr, MINE, .saddr = SA, .xid = 10 + u));
		ck_assert_uint_eq(x->m.hdr.ciaddr.s_addr, sim_addr4(addr).s_addr);
		ck_assert_uint_eq(x->m.lease_s, 3600);
		ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_MODIFY);
		ck_assert_uint_eq(x->ev[0].lease.expires, SIM_WALL + S(1800 + 3600));
	}
	ACKED(RENEW(1, .ciaddr = addr, .saddr = SA, .xid = 12)); /* without 159: the record's */
	ck_assert_uint_eq(x->m.ports.id, ps.id);
	NAKED(RENEW(1, .ciaddr = addr, .ports = true, .k = 8, .psid = (uint16_t)(ps.id ^ 1), .saddr = SA, .xid = 13));
	/* Unknown: ours is refused, others' is not ours to refuse. */
	NAKED(RENEW(2, .ciaddr = addr, MINE, .saddr = SB));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_NAK_TAKEN), 1);
	NAKED(RENEW(2, .ciaddr = addr, .ports = true, .k = 8, .psid = (uint16_t)(ps.id ^ 1), .saddr = SB));
	SILENT(RENEW(2, .ciaddr = "192.0.2.99", MINE, .saddr = SB));
	SILENT(RENEW(2, .ciaddr = addr, .ports = true, .k = 6, .psid = 9, .saddr = SB));
	SILENT(RENEW(2, .ciaddr = addr, .ports = true, .k = 8, .psid = 1, .saddr = SB)); /* reserved: another server's, if anybody's */
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_FOREIGN), 3);
	/* Late, and still free: active again. */
	pass(x, S(3601));
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_EXPIRED);
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SA, .xid = 14));
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_ADD);
	sim_free(x);

	/* Late, and somebody else has it. */
	x = sim_init();
	sim_start(x);
	BOUND(1, SA);
	pass(x, S(3600));
	BOUND(2, SB);
	NAKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SA));
	sim_free(x);
}
END_TEST

/* S-100: when extending is refused the ACK carries what is left. */
START_TEST(no_extend)
{
	struct sim *x = sim_init();

	x->cfg.no_extend = true;
	sim_start(x);
	BOUND(1, SA);
	pass(x, S(3000));
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SA));
	ck_assert_uint_eq(x->m.lease_s, 600);
	pass(x, S(600));
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_EXPIRED);
	sim_free(x);
}
END_TEST

/* S-045: the same REQUEST three times in one turn, then again: one event, the same ACK, less time. */
START_TEST(duplicates)
{
	struct sim *x = sim_started();
	uint8_t first[SIM_ROOM];
	size_t n;

	OFFERED(DISCOVER(1));

	struct ask a = { .type = 3, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.18", .ports = true, .k = 8, .psid = x->m.ports.id,
		         .saddr = SA };

	for (unsigned i = 0; i < 3; i++)
		sim_push(x, a);
	sim_turn(x);
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_uint_eq(x->answers, 3);
	memcpy(first, x->out, x->out_len);
	n = x->out_len;
	ACKED(sim_do(x, a));
	ck_assert_uint_eq(x->n_ev, 0);
	ck_octets(x->out, x->out_len, first, n);
	pass(x, S(10));
	ACKED(sim_do(x, a));
	ck_assert_uint_eq(x->n_ev, 0);
	ck_assert_uint_eq(x->m.lease_s, 3590);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DUPLICATE), 4);
	sim_free(x);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("server_lease");
	TCase *tc = tcase_create("leases");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, former_tuple, 0, 2);
	tcase_add_test(tc, wanted_tuple);
	tcase_add_test(tc, size_hint);
	tcase_add_loop_test(tc, full_and_shared, 0, 2);
	tcase_add_test(tc, never_without_159);
	tcase_add_test(tc, by_hardware);
	tcase_add_test(tc, offer_hold);
	tcase_add_test(tc, spread);
	tcase_add_test(tc, round_robin);
	tcase_add_loop_test(tc, lease_times, 0, N(time_cases));
	tcase_add_test(tc, prefix_limit);
	tcase_add_test(tc, fixed);
	tcase_add_loop_test(tc, fixed_former, 0, 2);
	tcase_add_loop_test(tc, moved, 0, 2);
	tcase_add_test(tc, request_forms);
	tcase_add_test(tc, selecting);
	tcase_add_test(tc, not_chosen);
	tcase_add_test(tc, init_reboot);
	tcase_add_test(tc, renewing);
	tcase_add_test(tc, no_extend);
	tcase_add_test(tc, duplicates);
	suite_add_tcase(s, tc);
	return test_main(s);
}
