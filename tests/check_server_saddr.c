/* Sections 4.6, 4.7 and table 7.2: the softwire source, RELEASE, DECLINE, the operator. */
#include "server_sim.h"

static char addr[INET_ADDRSTRLEN];
static struct lw4o6_psid ps;

/* ---- section 4.6, table 7.2 ---- */

static const char *const bad_saddrs[] = { "fe80::1", "::", "ff02::1", "::1", "::ffff:192.0.2.1", "2001:db8:ffff::1", NULL };

/* S-112, S-113: without lease NAK, with one the stored address is kept and said. */
START_TEST(saddr_invalid)
{
	struct sim *x = sim_started();

	OFFERED(DISCOVER(1));
	NAKED(SELECT(1, .addr = "192.0.2.18", .saddr = bad_saddrs[_i]));
	ck_assert_uint_eq(x->n_ev, 0);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_NAK_SADDR_INVALID), 1);
	BOUND(1, SA);
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = bad_saddrs[_i], .xid = 99));
	ck_assert(same_addr(&x->m.saddr, SA));
	ck_assert(same_addr(&x->ev[0].binding.b4, SA));
	sim_free(x);
}
END_TEST

/* S-113, Y-003: a client of RFC 7341 only, when require-saddr is off: no 109, no binding; later it may name one. */
START_TEST(saddr_optional)
{
	struct sim *x = sim_init();

	x->cfg.optional_saddr = true;
	sim_all_sets(x);
	sim_start(x);
	BOUND(1, NULL);
	ck_assert(!(x->m.has & LW4O6_DHCP4_HAS_SADDR));
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_RECORD);
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SA));
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_ADD);
	ck_assert_uint_eq(x->ev[0].lease.saddr_changed, 0); /* the first is no change */
	OFFERED(DISCOVER(2));
	NAKED(SELECT(2, .addr = "192.0.2.18", .saddr = "fe80::1")); /* invalid is not absent */
	sim_free(x);
}
END_TEST

/* S-114, S-115, S-116, S-122: the source of another active lease, in both policies. */
START_TEST(saddr_conflict)
{
	struct sim *x = sim_init();

	x->cfg.saddr_reject_drop = _i == 1;
	sim_all_sets(x);
	sim_start(x);
	BOUND(1, SA);

	struct lw4o6_psid first = ps;

	OFFERED(DISCOVER(2));
	NAKED(SELECT(2, .addr = "192.0.2.18", .saddr = SA));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_NAK_SADDR_CONFLICT), 1);
	BOUND(2, SB);
	pass(x, S(100));
	if (_i == 0) {
		ACKED(RENEW(2, .ciaddr = addr, MINE, .saddr = SA));
		ck_assert(same_addr(&x->m.saddr, SB));
		ck_assert_uint_eq(x->m.lease_s, 3600);
		ck_assert(same_addr(&x->ev[0].binding.b4, SB));
	} else {
		SILENT(RENEW(2, .ciaddr = addr, MINE, .saddr = SA));
		ck_assert_uint_eq(x->n_ev, 0);
		ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_SADDR), 1);
	}
	/* A lease that is over does not count. */
	SILENT(RELEASE(1, .ciaddr = addr, .ports = true, .k = 8, .psid = first.id));
	ACKED(RENEW(2, .ciaddr = addr, MINE, .saddr = SA, .xid = 77));
	ck_assert(same_addr(&x->m.saddr, SA));
	/* Two racing for one: exactly one wins. */
	OFFERED(DISCOVER(3));
	OFFERED(DISCOVER(4));
	sim_push(x, (struct ask){ .type = 3, .client = 3, .server = "198.51.100.1", .addr = "192.0.2.18", .saddr = SC });
	sim_push(x, (struct ask){ .type = 3, .client = 4, .server = "198.51.100.1", .addr = "192.0.2.18", .saddr = SC });
	sim_turn(x);
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_uint_eq(x->answers, 2);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_NAK_SADDR_CONFLICT), 2);
	sim_free(x);
}
END_TEST

/* S-117, S-118, S-119: a change at 0 is accepted, at 59 s after it refused but renewed, at 60 accepted; repeating is no change. */
START_TEST(saddr_interval)
{
	struct sim *x = sim_started();

	BOUND(1, SA);
	pass(x, S(1));
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SB, .xid = 1)); /* the first binding is no change */
	ck_assert(same_addr(&x->m.saddr, SB));
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_MODIFY);
	ck_assert_uint_eq(x->n_ev, 1);
	pass(x, S(59));
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SC, .xid = 2));
	ck_assert(same_addr(&x->m.saddr, SB));
	ck_assert_uint_eq(x->m.lease_s, 3600);
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SB, .xid = 3));
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SB, .xid = 4));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_SADDR_TOO_SOON), 1);
	pass(x, S(1));
	ACKED(RENEW(1, .ciaddr = addr, MINE, .saddr = SC, .xid = 5));
	ck_assert(same_addr(&x->m.saddr, SC));
	sim_free(x);
}
END_TEST

/* S-120, S-121: any form of address, several of one /64; a prefix policy refuses others. */
START_TEST(saddr_forms)
{
	struct sim *x = sim_init();
	const struct lw4o6_s46_prefix only = { sim_addr("2001:db8:12:3400::"), 56 };

	if (_i == 1) {
		x->links[0].saddr_prefixes = &only;
		x->links[0].n_saddr_prefixes = 1;
	}
	sim_all_sets(x);
	sim_start(x);
	BOUND(1, "2001:db8:12:3400:200:5eff:fe00:5301");
	BOUND(2, "2001:db8:12:3400::1");
	BOUND(3, "2001:db8:12:34ff:0:c000:212:34");
	ck_assert_int_eq(sim_dora(x, 4, "2001:db8:77::1", addr, &ps), _i == 1 ? LW4O6_DHCP4_NAK : LW4O6_DHCP4_ACK);
	sim_free(x);
}
END_TEST

/* ---- section 4.7 ---- */

/* S-130 to S-133: only the owner, its address, its port set and our 54; 159 may be missing; 109 is ignored. */
START_TEST(release)
{
	struct sim *x = sim_started();

	BOUND(1, SA);
	SILENT(RELEASE(2, .ciaddr = addr, MINE));
	SILENT(RELEASE(1, .ciaddr = addr, .ports = true, .k = 8, .psid = (uint16_t)(ps.id ^ 1)));
	SILENT(RELEASE(1, .ciaddr = "192.0.2.19", MINE));
	SILENT(sim_do(x, (struct ask){ .type = 7, .client = 1, .u = true, .server = "198.51.100.2", .ciaddr = addr, MINE }));
	SILENT(sim_do(x, (struct ask){ .type = 7, .client = 1, .u = true, .ciaddr = addr, MINE }));
	ck_assert_uint_eq(x->n_ev, 0);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_RELEASE), 5);
	if (_i == 0)
		SILENT(RELEASE(1, .ciaddr = addr, .saddr = SC));
	else
		SILENT(RELEASE(1, .ciaddr = addr, MINE));
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
	ck_assert(same_addr(&x->ev[0].lease.saddr, SA));
	SILENT(RELEASE(1, .ciaddr = addr, MINE));
	ck_assert_uint_eq(x->n_ev, 0);
	sim_free(x);
}
END_TEST

/* S-134: what is declined is out of use for the quarantine; others cannot decline it. */
START_TEST(decline)
{
	struct sim *x = sim_init();

	x->cfg.quarantine_s = _i == 2 ? 0 : 1000;
	sim_start(x);
	OFFERED(DISCOVER(1));
	if (_i == 1)
		ACKED(SELECT(1, .addr = "192.0.2.18", .saddr = SA));
	SILENT(DECLINE(2, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x34));
	SILENT(DECLINE(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x35));
	SILENT(DECLINE(1, .addr = "192.0.2.19"));
	ck_assert_uint_eq(x->n_ev, 0);
	SILENT(DECLINE(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 0x34));
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_int_eq(x->ev[0].kind, _i == 1 ? LW4O6_SERVER_DELETE : LW4O6_SERVER_RECORD);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_ABANDONED);
	SILENT(DISCOVER(1));
	SILENT(DISCOVER(2));
	pass(x, S(999));
	SILENT(DISCOVER(2));
	if (_i == 2) {
		/* Until cleared, S-137. */
		pass(x, S(1000000));
		SILENT(DISCOVER(2));
		ck_assert_int_eq(lw4o6_server_reset(x->s, sim_addr4("192.0.2.18"), &(struct lw4o6_psid){ 0, 8, 0x34 }, x->now), LW4O6_OK);
		sim_turn(x);
		ck_assert_uint_eq(x->n_ev, 1);
	} else {
		pass(x, S(1));
		ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_FREE);
	}
	OFFERED(DISCOVER(2));
	sim_free(x);
}
END_TEST

/* S-137: the operator drops a lease. */
START_TEST(reset)
{
	struct sim *x = sim_init();
	struct lw4o6_lease l;

	sim_start(x);
	ck_assert_int_eq(lw4o6_server_reset(x->s, sim_addr4("192.0.2.18"), &(struct lw4o6_psid){ 0, 8, 0x34 }, x->now), LW4O6_ENOENT);
	BOUND(1, SA);
	ck_assert(lw4o6_server_find(x->s, sim_addr4("192.0.2.18"), &ps, &l));
	ck_assert_int_eq(lw4o6_server_reset(x->s, sim_addr4("192.0.2.18"), &ps, x->now), LW4O6_OK);
	sim_turn(x);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_RESET);
	ck_assert(!lw4o6_server_find(x->s, sim_addr4("192.0.2.18"), &ps, &l));
	OFFERED(DISCOVER(2));
	sim_free(x);
}
END_TEST

/* S-115: the NAK frees the offer for others at once. */
START_TEST(conflict_frees_offer)
{
	struct sim *x = sim_init();

	x->ranges[0].last = sim_addr4("192.0.2.19");
	sim_start(x); /* two tuples */
	BOUND(1, SA);
	OFFERED(DISCOVER(2));
	inet_ntop(AF_INET, &x->m.hdr.yiaddr, addr, sizeof(addr));
	SILENT(DISCOVER(3));
	NAKED(SELECT(2, .addr = addr, .saddr = SA));
	OFFERED(DISCOVER(3));
	sim_free(x);
}
END_TEST

/* S-155: what clients send does not reach the log as it is. S-074, S-134: what the operator should know does, at a limited rate. */
START_TEST(log_lines)
{
	static const uint8_t vendor[] = { 60, 6, 0x1b, '[', '3', '1', 'm', '\n' };
	struct sim *x = sim_init();

	sim_start(x);
	OFFERED(DISCOVER(0x1b, .more4 = vendor, .more4_len = sizeof(vendor)));
	ACKED(SELECT(0x1b, .addr = "192.0.2.18", .saddr = SA, .more4 = vendor, .more4_len = sizeof(vendor)));
	for (unsigned i = 0; i < 100; i++)
		SILENT(DISCOVER('\n', .more4 = vendor, .more4_len = sizeof(vendor)));
	ck_assert_ptr_nonnull(strstr(x->log, "exhausted"));
	x->now += S(100);
	SILENT(DECLINE(0x1b, .addr = "192.0.2.18"));
	ck_assert_ptr_nonnull(strstr(x->log, "declined"));

	unsigned lines = 0;

	for (const char *p = x->log; *p; p++) {
		lines += *p == '\n';
		ck_assert(*p == '\n' || (*p >= ' ' && *p <= '~'));
	}
	ck_assert_uint_le(lines, 12);
	sim_free(x);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("server_saddr");
	TCase *tc = tcase_create("source");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, saddr_invalid, 0, N(bad_saddrs));
	tcase_add_test(tc, saddr_optional);
	tcase_add_loop_test(tc, saddr_conflict, 0, 2);
	tcase_add_test(tc, saddr_interval);
	tcase_add_loop_test(tc, saddr_forms, 0, 2);
	tcase_add_loop_test(tc, release, 0, 2);
	tcase_add_loop_test(tc, decline, 0, 3);
	tcase_add_test(tc, reset);
	tcase_add_test(tc, conflict_frees_offer);
	tcase_add_test(tc, log_lines);
	suite_add_tcase(s, tc);
	return test_main(s);
}
