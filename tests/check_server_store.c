/* Loading, commits that fail, restarts, and random traffic against a model. */
#include "server_sim.h"

#include "server_int.h"

static char addr[INET_ADDRSTRLEN];
static struct lw4o6_psid ps;

/* ---- S-062 and the other refusals at load ---- */

struct load_case {
	const char *row;
	int code;          /* wanted */
	const char *word;  /* in the reason */
	void (*spoil)(struct sim *x);
};

static struct lw4o6_server_prebind prebinds[2];
static struct lw4o6_server_fixed fixeds[2];
static const uint8_t id_a[3] = { 1, 2, 3 }, id_b[3] = { 1, 2, 4 };
static unsigned far_link = 9;
static struct lw4o6_server_portrange backwards = { 9, 5 };

static void base_prebind(struct sim *x, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		prebinds[i] = (struct lw4o6_server_prebind){ .prefix = { sim_addr(i ? "2001:db8:77:200::" : "2001:db8:77:100::"), 56 },
			                                     .ipv4 = sim_addr4("192.0.2.77"), .ps = { 0, 8, (uint16_t)(9 + i) },
			                                     .br = { 1, { sim_addr("2001:db8:ffff::1") } } };
	x->cfg.prebinds = prebinds;
	x->cfg.n_prebinds = n;
}

static void base_fixed(struct sim *x, unsigned n)
{
	sim_all_sets(x);
	for (unsigned i = 0; i < n; i++)
		fixeds[i] = (struct lw4o6_server_fixed){ { i ? id_b : id_a, 3 }, sim_addr4("192.0.2.18"), { 0, 8, (uint16_t)(9 + i) } };
	x->cfg.fixed = fixeds;
	x->cfg.n_fixed = n;
}

static void second_pool(struct sim *x)
{
	x->pools[1] = x->pools[0];
	x->pools[1].name = "b";
	x->cfg.n_pools = 2;
}

static void good(struct sim *x) { (void)x; }
static void good_a6(struct sim *x) { sim_all_sets(x); x->pools[0].offset = 6; }
static void a7(struct sim *x) { sim_all_sets(x); x->pools[0].offset = 7; }
static void a7_no_reserved(struct sim *x) { sim_all_sets(x); x->pools[0].offset = 7; x->cfg.n_reserved = 0; }
static void a_plus_k(struct sim *x) { x->pools[0].offset = 9; }
static void k17(struct sim *x) { x->pools[0].psid_len = 17; }
static void no_sets(struct sim *x) { x->excluded[x->pools[0].n_excluded++] = 0x34; }
static void other_k(struct sim *x) { second_pool(x); x->pools[1].psid_len = 6; }
static void full_and_shared(struct sim *x) { second_pool(x); x->pools[1].psid_len = 0; }
static void same_twice(struct sim *x) { x->pools[0].n_ranges = 2; x->ranges[1] = x->ranges[0]; }
static void empty_range(struct sim *x) { x->ranges[0].last = sim_addr4("192.0.2.1"); }
static void no_range(struct sim *x) { x->pools[0].n_ranges = 0; }
static void loopback(struct sim *x) { x->ranges[0].first = sim_addr4("126.0.0.0"); x->ranges[0].last = sim_addr4("127.0.0.1"); }
static void no_br(struct sim *x) { x->pools[0].br.n = 0; }
static void multicast_br(struct sim *x) { x->pools[0].br.addr[0] = sim_addr("ff02::1"); }
static void bad_link(struct sim *x) { x->pools[0].links = &far_link; x->pools[0].n_links = 1; }
static void bad_selector(struct sim *x) { x->selectors[0].link = 1; x->cfg.n_selectors = 1; }
static void id_zero(struct sim *x) { x->cfg.server_id.s_addr = 0; }
static void id_multicast(struct sim *x) { x->cfg.server_id = sim_addr4("224.0.0.1"); }
static void duid_short(struct sim *x) { x->cfg.duid.len = 2; }
static void refresh_599(struct sim *x) { x->links[0].refresh_s = 599; }
static void sol_59(struct sim *x) { x->links[0].sol_max_rt_s = 59; }
static void inf_86401(struct sim *x) { x->links[0].inf_max_rt_s = 86401; }
static void priority_twice(struct sim *x) { x->links[0].priority = (struct lw4o6_s46_priority){ 2, { 88, 88 } }; }
static void priority_999(struct sim *x) { x->links[0].priority = (struct lw4o6_s46_priority){ 1, { 999 } }; }
static void hold_4(struct sim *x) { x->cfg.offer_hold_s = 4; }
static void min_59(struct sim *x) { x->cfg.lease_min_s = 59; }
static void max_small(struct sim *x) { x->cfg.lease_max_s = 3000; }
static void t1_t2(struct sim *x) { x->cfg.t1_s = 500; x->cfg.t2_s = 400; }
static void ports_backwards(struct sim *x) { x->cfg.reserved = &backwards; }
static void good_prebind(struct sim *x) { base_prebind(x, 2); }
static void prebind_leased(struct sim *x) { base_prebind(x, 1); prebinds[0].ipv4 = sim_addr4("192.0.2.18"); prebinds[0].ps.id = 0x34; }
static void prebind_excluded(struct sim *x) { base_prebind(x, 1); prebinds[0].ipv4 = sim_addr4("192.0.2.18"); prebinds[0].ps.id = 0x35; }
static void prebind_other_k(struct sim *x) { base_prebind(x, 1); prebinds[0].ipv4 = sim_addr4("192.0.2.18"); prebinds[0].ps = (struct lw4o6_psid){ 0, 6, 9 }; }
static void prebind_twice(struct sim *x) { base_prebind(x, 2); prebinds[1].ps.id = 9; }
static void prebind_nested(struct sim *x) { base_prebind(x, 2); prebinds[1].prefix = (struct lw4o6_s46_prefix){ sim_addr("2001:db8:77::"), 48 }; }
static void prebind_no_br(struct sim *x) { base_prebind(x, 1); prebinds[0].br.n = 0; }
static void good_fixed(struct sim *x) { base_fixed(x, 2); }
static void fixed_outside(struct sim *x) { base_fixed(x, 1); fixeds[0].ipv4 = sim_addr4("192.0.2.19"); }
static void fixed_reserved(struct sim *x) { base_fixed(x, 1); fixeds[0].ps.id = 3; }
static void fixed_twice(struct sim *x) { base_fixed(x, 2); fixeds[1].ps.id = 9; }
static void fixed_client_twice(struct sim *x) { base_fixed(x, 2); fixeds[1].client_id.p = id_a; }

static const struct load_case load_cases[] = {
	{ "good", LW4O6_OK, "", good },
	{ "S-062 a=6 loses nothing", LW4O6_OK, "", good_a6 },
	{ "S-062 a=7 has system ports everywhere", LW4O6_EINVAL, "reserved", a7 },
	{ "S-062 a=7 without reserved ports", LW4O6_OK, "", a7_no_reserved },
	{ "S-062 a+k", LW4O6_EINVAL, "more than 16", a_plus_k },
	{ "S-062 k", LW4O6_EINVAL, "out of range", k17 },
	{ "S-062 nothing left", LW4O6_EINVAL, "no port set", no_sets },
	{ "S-061 other k", LW4O6_ECONFLICT, "192.0.2.18", other_k },
	{ "S-072 full and shared", LW4O6_ECONFLICT, "192.0.2.18", full_and_shared },
	{ "S-062 an address twice", LW4O6_ECONFLICT, "192.0.2.18", same_twice },
	{ "range backwards", LW4O6_EINVAL, "ends before", empty_range },
	{ "no range", LW4O6_EINVAL, "none", no_range },
	{ "loopback inside", LW4O6_EINVAL, "no host", loopback },
	{ "S-039 no br", LW4O6_EINVAL, "br", no_br },
	{ "br multicast", LW4O6_EINVAL, "br", multicast_br },
	{ "pool of no link", LW4O6_EINVAL, "link", bad_link },
	{ "selector of no link", LW4O6_EINVAL, "selector", bad_selector },
	{ "S-043 zero", LW4O6_EINVAL, "server-id", id_zero },
	{ "S-043 multicast", LW4O6_EINVAL, "server-id", id_multicast },
	{ "C-027 DUID", LW4O6_EINVAL, "DUID", duid_short },
	{ "S-018", LW4O6_EINVAL, "599", refresh_599 },
	{ "S-019", LW4O6_EINVAL, "59", sol_59 },
	{ "S-019", LW4O6_EINVAL, "86401", inf_86401 },
	{ "S-017 twice", LW4O6_EINVAL, "twice", priority_twice },
	{ "S-017 unregistered", LW4O6_EINVAL, "999", priority_999 },
	{ "offer-hold", LW4O6_EINVAL, "offer-hold", hold_4 },
	{ "lease-min", LW4O6_EINVAL, "lease-min", min_59 },
	{ "lease-max", LW4O6_EINVAL, "lease-max", max_small },
	{ "S-078", LW4O6_EINVAL, "T1", t1_t2 },
	{ "reserved-ports", LW4O6_EINVAL, "9-5", ports_backwards },
	{ "prebind", LW4O6_OK, "", good_prebind },
	{ "S-062 prebind is leased", LW4O6_ECONFLICT, "exclude", prebind_leased },
	{ "prebind excluded from its pool", LW4O6_OK, "", prebind_excluded },
	{ "S-061 prebind", LW4O6_ECONFLICT, "parameters", prebind_other_k },
	{ "S-062 prebind twice", LW4O6_ECONFLICT, "overlaps", prebind_twice },
	{ "prebind prefixes", LW4O6_ECONFLICT, "prefix", prebind_nested },
	{ "S-016", LW4O6_EINVAL, "96", prebind_no_br },
	{ "fixed", LW4O6_OK, "", good_fixed },
	{ "S-080 outside", LW4O6_EINVAL, "192.0.2.19", fixed_outside },
	{ "S-063 fixed reserved", LW4O6_EINVAL, "psid 3", fixed_reserved },
	{ "S-080 twice", LW4O6_ECONFLICT, "twice", fixed_twice },
	{ "S-080 client twice", LW4O6_ECONFLICT, "another", fixed_client_twice },
};

START_TEST(load)
{
	const struct load_case *c = &load_cases[_i];
	struct sim *x = sim_init();
	char reason[LW4O6_SERVER_REASON];
	int r;

	c->spoil(x);
	r = sim_try(x, reason);
	ck_assert_msg(r == c->code, "%s: %d, %s", c->row, r, reason);
	ck_assert_msg(strstr(reason, c->word) != NULL, "%s: reason '%s'", c->row, reason);
	if (r == LW4O6_OK)
		ck_assert_str_eq(reason, "");
	sim_free(x);
}
END_TEST

/* 2.1: how many sets the system ports leave, for a = 0 and every k. */
START_TEST(system_ports)
{
	static const unsigned left[17] = { 0, 1, 3, 7, 15, 31, 63, 126, 252, 504, 1008, 2016, 4032, 8064, 16128, 32256, 64512 };
	struct sim *x = sim_init();
	struct lw4o6_server_usage u;

	sim_all_sets(x);
	x->pools[0].psid_len = (uint8_t)_i;
	sim_start(x);
	lw4o6_server_usage(x->s, &u);
	ck_assert_uint_eq(u.tuples, left[_i]);
	ck_assert_uint_eq(u.free, left[_i]);
	sim_free(x);
}
END_TEST

/* ---- the set of numbers ---- */

/* S-153: rank and select against counting, over sizes around the node limits. */
START_TEST(pickset)
{
	static const uint32_t sizes[] = { 1, 63, 64, 65, 4095, 4096, 4097, 262144, 262145, 300000 };
	TALLOC_CTX *mem = talloc_new(NULL);
	struct test_rng rng = { 7 };
	struct pickset p;
	uint32_t n = sizes[_i], members = n;
	uint8_t *in = malloc(n);

	memset(in, 1, n);
	ck_assert_int_eq(pick_init(&p, mem, n), LW4O6_OK);
	pick_fill(&p);
	ck_assert_uint_eq(p.count, n);
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t v = (uint32_t)(test_rand(&rng) >> 32) % n;

		if (in[v])
			pick_remove(&p, v);
		else
			pick_add(&p, v);
		members = in[v] ? members - 1 : members + 1;
		in[v] = !in[v];
		ck_assert_uint_eq(p.count, members);
	}
	for (uint32_t v = 0, before = 0; v < n; before += in[v], v++) {
		ck_assert_int_eq(pick_has(&p, v), in[v]);
		if (n > 10000 && v % 97 != 0 && v + 100 < n)
			continue;
		ck_assert_uint_eq(pick_rank(&p, v), before);
		if (in[v])
			ck_assert_uint_eq(pick_select(&p, before), v);
	}
	ck_assert_uint_eq(pick_rank(&p, n), members);
	free(in);
	talloc_free(mem);
}
END_TEST

/* ---- commits that fail ---- */

static bool lease_of(const struct sim *x, const struct lw4o6_psid *p, struct lw4o6_lease *l)
{
	return lw4o6_server_find(x->s, sim_addr4("192.0.2.18"), p, l);
}

/* S-101: what could not be stored was never said: silence, and the offer stands as before. */
START_TEST(not_stored)
{
	struct sim *x = sim_started();
	struct lw4o6_lease l;

	x->result = LW4O6_COMMIT_NOT_STORED;
	ck_assert_int_eq(sim_dora(x, 1, "2001:db8:12::1", addr, &ps), 0);
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert(!lease_of(x, &ps, &l));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_NOT_STORED), 1);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_UNDONE), 1);
	x->result = LW4O6_COMMIT_OK;
	ck_assert_int_eq(SELECT(1, .addr = addr, .ports = true, .k = 8, .psid = ps.id, .saddr = "2001:db8:12::1"), LW4O6_DHCP4_ACK);
	/* A renewal, a source change and a RELEASE that could not be stored leave the lease as it was. */
	ck_assert(lease_of(x, &ps, &l));
	x->result = LW4O6_COMMIT_NOT_STORED;
	x->now += S(100);
	ck_assert_int_eq(RENEW(1, .ciaddr = addr, .ports = true, .k = 8, .psid = ps.id, .saddr = "2001:db8:12::2"), 0);
	ck_assert_int_eq(RELEASE(1, .ciaddr = addr, .ports = true, .k = 8, .psid = ps.id), 0);

	struct lw4o6_lease after;

	ck_assert(lease_of(x, &ps, &after));
	ck_assert_int_eq(memcmp(&l, &after, sizeof(l)), 0);
	/* Nothing stops the end of a lease. */
	x->now += S(3600);
	ck_assert_int_eq(lw4o6_server_tick(x->s, x->now), LW4O6_OK);
	sim_turn(x);
	ck_assert(lease_of(x, &ps, &after));
	ck_assert_int_eq(after.state, LW4O6_LEASE_EXPIRED);
	sim_free(x);
}
END_TEST

/* Changes that are stored, and that are not, leave no memory behind, however the client data changes. */
START_TEST(no_growth)
{
	struct sim *x = sim_started();
	uint8_t vendor[202] = { 60, 200 };
	size_t before = 0;

	ck_assert_int_eq(sim_dora(x, 1, "2001:db8:12::1", addr, &ps), LW4O6_DHCP4_ACK);
	for (unsigned i = 0; i < 3000; i++) {
		vendor[2 + i % 200] = (uint8_t)i;
		vendor[1] = (uint8_t)(100 + i % 101);
		x->result = (enum lw4o6_commit)(i % 3);
		RENEW(1, .ciaddr = addr, .xid = i, .saddr = "2001:db8:12::1", .more4 = vendor, .more4_len = 2u + vendor[1]);
		if (i == 200)
			before = talloc_total_size(x->mem);
	}
	ck_assert_uint_eq(talloc_total_size(x->mem), before);
	sim_free(x);
}
END_TEST

/* Y-011: the table refuses: NAK, the lease is taken back, and the store hears of it. */
START_TEST(refused)
{
	struct sim *x = sim_started();
	struct lw4o6_lease l;

	x->result = LW4O6_COMMIT_REFUSED;
	ck_assert_int_eq(sim_dora(x, 1, "2001:db8:12::1", addr, &ps), LW4O6_DHCP4_NAK);
	ck_assert_uint_eq(x->n_ev, 2);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_ADD);
	ck_assert_int_eq(x->ev[1].kind, LW4O6_SERVER_DELETE);
	ck_assert_int_eq(x->ev[1].lease.state, LW4O6_LEASE_FREE);
	ck_assert(!lease_of(x, &ps, &l));
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_NAK_REFUSED), 1);
	x->result = LW4O6_COMMIT_OK;
	ck_assert_int_eq(sim_dora(x, 1, "2001:db8:12::1", addr, &ps), LW4O6_DHCP4_ACK);
	x->result = LW4O6_COMMIT_REFUSED;
	x->now += S(100);
	ck_assert_int_eq(RENEW(1, .ciaddr = addr, .ports = true, .k = 8, .psid = ps.id, .saddr = "2001:db8:12::2"), LW4O6_DHCP4_NAK);
	ck_assert_uint_eq(x->n_ev, 2);
	ck_assert_int_eq(x->ev[1].kind, LW4O6_SERVER_MODIFY);
	ck_assert_uint_eq(x->ev[1].binding.b4.s6_addr[15], 1);
	ck_assert_uint_eq(x->ev[1].lease.state, LW4O6_LEASE_ACTIVE);
	sim_free(x);
}
END_TEST

/* S-122: several changes of one lease in one turn; the first is not stored, so none is, whatever the host says of the later ones. */
START_TEST(chain)
{
	struct sim *x = sim_started();
	struct lw4o6_lease l;
	struct lw4o6_server_event ev[4];

	ck_assert_int_eq(DISCOVER(1), LW4O6_DHCP4_OFFER);
	ps = x->m.ports;
	sim_push(x, (struct ask){ .type = 3, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.18", .saddr = "2001:db8:12::1" });
	sim_push(x, (struct ask){ .type = 3, .client = 1, .u = true, .xid = 9, .ciaddr = "192.0.2.18", .saddr = "2001:db8:12::2" });
	sim_push(x, (struct ask){ .type = 7, .client = 1, .u = true, .server = "198.51.100.1", .ciaddr = "192.0.2.18" });
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(lw4o6_server_event(x->s, &ev[i]), 1);
	ck_assert_int_eq(lw4o6_server_event(x->s, &ev[3]), 0);
	ck_assert_int_eq(ev[0].kind, LW4O6_SERVER_ADD);
	ck_assert_int_eq(ev[1].kind, LW4O6_SERVER_MODIFY);
	ck_assert_int_eq(ev[2].kind, LW4O6_SERVER_DELETE);
	ck_assert_uint_eq(ev[0].binding.b4.s6_addr[15], 1);
	ck_assert_uint_eq(ev[1].binding.b4.s6_addr[15], 2);
	ck_assert_int_eq(lw4o6_server_commit(x->s, ev[1].id, LW4O6_COMMIT_OK), LW4O6_ENOENT); /* not in its turn */
	ck_assert_int_eq(lw4o6_server_commit(x->s, ev[0].id, LW4O6_COMMIT_NOT_STORED), LW4O6_OK);
	ck_assert_int_eq(lw4o6_server_commit(x->s, ev[1].id, _i ? LW4O6_COMMIT_OK : LW4O6_COMMIT_NOT_STORED), LW4O6_OK);
	ck_assert_int_eq(lw4o6_server_commit(x->s, ev[2].id, _i ? LW4O6_COMMIT_OK : LW4O6_COMMIT_NOT_STORED), LW4O6_OK);
	sim_turn(x);
	ck_assert_uint_eq(x->answers, 0);
	ck_assert(!lease_of(x, &ps, &l));
	/* Had they been stored, the store is told what is true. */
	ck_assert_uint_eq(x->n_ev, _i ? 2 : 0);
	if (_i)
		ck_assert_int_eq(x->ev[1].lease.state, LW4O6_LEASE_FREE);
	ck_assert_int_eq(SELECT(1, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = ps.id, .saddr = "2001:db8:12::1"), LW4O6_DHCP4_ACK);
	sim_free(x);
}
END_TEST

/* S-081 with a failing store: neither the old lease nor the new one is touched. */
START_TEST(move_not_stored)
{
	struct sim *x = sim_init();
	unsigned l0 = 0, l1 = 1;
	struct lw4o6_lease l;
	uint8_t buf[SIM_ROOM];

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
	ck_assert_int_eq(sim_dora(x, 1, "2001:db8:12::1", addr, &ps), LW4O6_DHCP4_ACK);

	struct ask d = { .type = 1, .client = 1 };

	sim_push_from(x, buf, sim_ask(buf, &d), "2001:db8:99::1", "2001:db8:4::547", 2);
	sim_turn(x);
	sim_parse(x);

	struct lw4o6_psid other = x->m.ports;
	struct ask r = { .type = 3, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.19", .saddr = "2001:db8:12::1" };

	x->result = (enum lw4o6_commit)(_i + 1);
	sim_push_from(x, buf, sim_ask(buf, &r), "2001:db8:99::1", "2001:db8:4::547", 2);
	sim_turn(x);
	ck_assert(!lw4o6_server_find(x->s, sim_addr4("192.0.2.19"), &other, &l));
	if (_i == 0) {
		ck_assert_uint_eq(x->n_ev, 2);
		ck_assert(lease_of(x, &ps, &l));
		ck_assert_int_eq(l.state, LW4O6_LEASE_ACTIVE);
	} else {
		/* Refused by the table: the old one is gone from it, the new one taken back. */
		ck_assert_uint_eq(x->n_ev, 3);
		ck_assert_uint_eq(x->answers, 1);
		ck_assert(!lease_of(x, &ps, &l));
	}
	x->result = LW4O6_COMMIT_OK;
	ck_assert_int_eq(sim_dora(x, 2, "2001:db8:12::2", addr, &ps), LW4O6_DHCP4_ACK);
	sim_free(x);
}
END_TEST

/* ---- S-150, S-151: restart ---- */

/* Everything comes back: leases, former ones, quarantine, source, change time; holds may be lost. */
START_TEST(restart)
{
	struct sim *x = sim_started(), *y = sim_init();
	struct lw4o6_lease l[8], back;
	struct lw4o6_psid set[4];
	uint32_t cursor = 0;
	unsigned n = 0;

	for (uint8_t c = 1; c <= 3; c++) {
		char saddr[40];

		snprintf(saddr, sizeof(saddr), "2001:db8:12::%u", c);
		ck_assert_int_eq(sim_dora(x, c, saddr, addr, &set[c]), LW4O6_DHCP4_ACK);
	}
	x->now += S(100);
	ck_assert_int_eq(RENEW(1, .ciaddr = addr, .saddr = "2001:db8:12::9"), LW4O6_DHCP4_ACK);
	ck_assert_int_eq(RELEASE(2, .ciaddr = addr), 0);
	ck_assert_int_eq(DECLINE(3, .addr = addr), 0);
	ck_assert_int_eq(DISCOVER(4), LW4O6_DHCP4_OFFER);
	while (lw4o6_server_next(x->s, &cursor, &l[n]))
		n++;
	ck_assert_uint_eq(n, 3);

	/* The new one starts 1000 s later by the wall clock, with another monotonic clock. */
	struct lw4o6_host host = { .arg = y, .random = sim_random };
	char reason[LW4O6_SERVER_REASON];

	sim_all_sets(y);
	y->now = S(5);
	ck_assert_int_eq(lw4o6_server_new(&y->s, y->mem, &y->cfg, &host, y->now, SIM_WALL + S(1100), reason), LW4O6_OK);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(lw4o6_server_restore(y->s, &l[i]), LW4O6_OK);
	ck_assert_int_eq(lw4o6_server_restore(y->s, &l[0]), LW4O6_ECONFLICT);
	for (unsigned i = 0; i < n; i++) {
		ck_assert(lease_of(y, &l[i].ps, &back));
		ck_assert_int_eq(memcmp(&back, &l[i], sizeof(back)), 0);
	}
	struct sim *t = x;

	x = y;
	/* Lease 1 ends 3600 s after its renewal at wall +100: 2600 s from now, that is at 2605 s of this clock. */
	ck_assert_uint_eq(lw4o6_server_expiry(x->s), S(2605));
	ck_assert_int_eq(RENEW(1, .ciaddr = addr, .saddr = "2001:db8:12::9"), LW4O6_DHCP4_ACK);
	ck_assert_uint_eq(x->ev[0].binding.expires, S(3605));
	ck_assert_int_eq(DISCOVER(2), LW4O6_DHCP4_OFFER);
	ck_assert_uint_eq(x->m.ports.id, set[2].id);
	ck_assert_int_eq(DISCOVER(5, .addr = addr, .ports = true, .k = 8, .psid = set[3].id), LW4O6_DHCP4_OFFER);
	ck_assert_uint_ne(x->m.ports.id, set[3].id);
	ck_assert_int_eq(SELECT(5, .addr = addr, .saddr = "2001:db8:12::9"), LW4O6_DHCP4_NAK); /* the source index is back, too */
	sim_free(t);
	sim_free(x);
}
END_TEST

/* A lease that ran out while nobody ran comes back and ends at once; what fits nowhere is refused. */
START_TEST(restore_cases)
{
	struct sim *x = sim_started();
	struct lw4o6_lease l = { .state = LW4O6_LEASE_ACTIVE, .ipv4 = sim_addr4("192.0.2.18"), .ps = { 0, 8, 9 }, .client_id = { 1, 2 },
		                 .client_id_len = 2, .saddr = sim_addr("2001:db8:12::1"), .expires = SIM_WALL - 1 },
	                   bad;

	ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_OK);
	ck_assert_int_eq(lw4o6_server_tick(x->s, x->now), LW4O6_OK);
	sim_turn(x);
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_EXPIRED);
	bad = l;
	bad.state = LW4O6_LEASE_RELEASED;
	bad.client_id[0] = 9;
	bad.ps.id = 3;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &bad), LW4O6_ENOENT);
	bad.ps = (struct lw4o6_psid){ 0, 6, 9 };
	ck_assert_int_eq(lw4o6_server_restore(x->s, &bad), LW4O6_ENOENT);
	bad = l;
	bad.ps.id = 10;
	bad.client_id_len = 0;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &bad), LW4O6_EINVAL);
	bad.client_id_len = 2;
	bad.hlen = 17;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &bad), LW4O6_EINVAL);
	bad.hlen = 0;
	bad.state = 9;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &bad), LW4O6_EINVAL);
	/* A present lease of the client displaces its former one, not the other way round. */
	bad.state = LW4O6_LEASE_ACTIVE;
	bad.expires = SIM_WALL + S(10);
	ck_assert_int_eq(lw4o6_server_restore(x->s, &bad), LW4O6_OK);
	ck_assert(!lease_of(x, &l.ps, &l));
	l.state = LW4O6_LEASE_RELEASED;
	l.ps.id = 9;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_ECONFLICT);
	l.client_id[0] = 7;
	l.state = LW4O6_LEASE_ACTIVE;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_ECONFLICT); /* its source is in use */
	sim_free(x);
}
END_TEST

/*
 * S-061: leases of former settings keep their binding and their ports until they end; nothing that overlaps them
 * is leased, renewing is refused, and their clients get another lease.
 */
START_TEST(former_pool)
{
	struct sim *x = sim_init();
	struct lw4o6_lease l = { .state = LW4O6_LEASE_ACTIVE, .ipv4 = sim_addr4("192.0.2.18"), .ps = { 0, 6, 9 },
		                 .client_id_len = 23, .saddr = sim_addr("2001:db8:12::1"), .expires = SIM_WALL + S(9000) },
	                   k;
	struct lw4o6_server_usage u;
	struct lw4o6_binding b;
	uint64_t tuples;

	sim_all_sets(x);
	sim_start(x);
	for (uint8_t c = 1; c <= 2; c++, l.ps.id++, l.saddr.s6_addr[15]++) {
		sim_client_id(l.client_id, c);
		ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_OK);
		ck_assert(lw4o6_server_find(x->s, l.ipv4, &l.ps, &k));
		ck_assert(lw4o6_server_binding(x->s, &k, &b));
	}
	/* Nothing of the pool may come back over it. */
	k = l;
	k.ps = (struct lw4o6_psid){ 0, 8, 36 };
	k.client_id[5] = 77;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &k), LW4O6_ECONFLICT);
	lw4o6_server_usage(x->s, &u);
	ck_assert_uint_eq(u.orphans, 2);
	ck_assert_uint_eq(u.free, 244);
	tuples = u.tuples;
	OFFERED(DISCOVER(9, .addr = "192.0.2.18", .ports = true, .k = 8, .psid = 36));
	ck_assert_uint_ne(x->m.ports.id / 4, 9);
	NAKED(RENEW(1, .ciaddr = "192.0.2.18", .ports = true, .k = 6, .psid = 9, .saddr = "2001:db8:12::1"));
	ck_assert_uint_eq(x->n_ev, 0);
	NAKED(REBOOT(1, .addr = "192.0.2.18", .ports = true, .k = 6, .psid = 9, .saddr = "2001:db8:12::1"));
	/* Its move ends the old lease with the new one's commit, and the source goes with it. */
	ck_assert_int_eq(sim_dora(x, 1, "2001:db8:12::1", addr, &ps), LW4O6_DHCP4_ACK);
	ck_assert_uint_eq(ps.len, 8);
	ck_assert_uint_eq(x->n_ev, 2);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
	ck_assert_uint_eq(x->ev[0].lease.ps.len, 6);
	pass(x, S(100));
	lw4o6_server_usage(x->s, &u);
	ck_assert_uint_eq(u.orphans, 1);
	ck_assert_uint_eq(u.free, 247);
	/* The other ends by itself. */
	pass(x, S(9000));
	pass(x, S(1));
	lw4o6_server_usage(x->s, &u);
	ck_assert_uint_eq(u.orphans, 0);
	ck_assert_uint_eq(u.free, tuples - 1);
	ck_assert(!lw4o6_server_find(x->s, l.ipv4, &(struct lw4o6_psid){ 0, 6, 10 }, &k));
	sim_free(x);
}
END_TEST

/* S-150, S-064 (4): the limit forgets former leases, the oldest first, and never what is in force. */
START_TEST(record_limit)
{
	struct sim *x = sim_init();
	struct lw4o6_lease l = { .state = LW4O6_LEASE_ACTIVE, .ipv4 = sim_addr4("192.0.2.18"), .ps = { 0, 8, 9 }, .client_id = { 1, 2 },
		                 .client_id_len = 2, .saddr = sim_addr("2001:db8:12::1"), .expires = SIM_WALL + S(9000) };

	sim_all_sets(x);
	x->cfg.max_leases = 3;
	sim_start(x);
	for (uint8_t i = 0; i < 5; i++, l.ps.id++, l.saddr.s6_addr[15]++, l.client_id[1]++)
		ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_OK);
	l.state = LW4O6_LEASE_ABANDONED;
	l.client_id_len = 0;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_OK);
	l.state = LW4O6_LEASE_RELEASED;
	l.client_id_len = 2;
	l.ps.id++;
	ck_assert_int_eq(lw4o6_server_restore(x->s, &l), LW4O6_ENOSPC);
	SILENT(DISCOVER(1));
	sim_free(x);

	/* More clients come and go than there may be records. */
	x = sim_init();
	sim_all_sets(x);
	x->cfg.max_leases = 3;
	sim_start(x);

	struct lw4o6_psid first[9];
	struct lw4o6_server_usage u;

	for (uint8_t c = 1; c <= 8; c++) {
		char saddr[40];

		snprintf(saddr, sizeof(saddr), "2001:db8:12::%u", c);
		ck_assert_int_eq(sim_dora(x, c, saddr, addr, &first[c]), LW4O6_DHCP4_ACK);
		SILENT(RELEASE(c, .ciaddr = addr));
		pass(x, S(1));
		lw4o6_server_usage(x->s, &u);
		ck_assert_uint_le(u.records, 3);
	}
	for (uint8_t c = 6; c <= 8; c++)
		ck_assert(lease_of(x, &first[c], &l));
	ck_assert(!lease_of(x, &first[5], &l));
	OFFERED(DISCOVER(6));
	ck_assert_uint_eq(x->m.ports.id, first[6].id);
	sim_free(x);
}
END_TEST

/* ---- random traffic against a model ---- */

enum { CLIENTS = 40 };

struct model {
	bool active[256];
	uint8_t client[256];
	struct in6_addr saddr[256];
};

static void follow(struct model *m, const struct lw4o6_server_event *ev)
{
	uint16_t id = ev->lease.ps.id;
	bool active = ev->lease.state == LW4O6_LEASE_ACTIVE;

	ck_assert_uint_ge(id, 4); /* S-063 */
	ck_assert_uint_eq(ev->lease.ps.len, 8);
	if (ev->kind == LW4O6_SERVER_ADD)
		ck_assert(!m->active[id]);
	if (ev->kind == LW4O6_SERVER_MODIFY || ev->kind == LW4O6_SERVER_DELETE)
		ck_assert(m->active[id]);
	m->active[id] = active;
	m->client[id] = ev->lease.client_id[22];
	m->saddr[id] = ev->lease.saddr;
	if (!active)
		return;
	/* S-060: one lease a client and a source; the key is the index. */
	for (unsigned i = 0; i < 256; i++) {
		if (i == id || !m->active[i])
			continue;
		ck_assert_uint_ne(m->client[i], m->client[id]);
		ck_assert(memcmp(&m->saddr[i], &m->saddr[id], 16) != 0);
	}
}

/* S-060, S-068, S-114, Y-002: whatever clients send, at any time, whatever of it is stored. */
START_TEST(random_traffic)
{
	struct sim *x = sim_started();
	struct model *m = calloc(1, sizeof(*m));
	struct test_rng rng = { (uint64_t)_i * 77 + 5 };
	uint16_t known[CLIENTS] = { 0 };

	for (unsigned i = 0; i < 20000; i++) {
		uint8_t c = (uint8_t)(test_rand(&rng) >> 32) % CLIENTS, kind = (uint8_t)((test_rand(&rng) >> 40) % 10);
		uint16_t id = (test_rand(&rng) >> 33) % 8 ? known[c] : (uint16_t)((test_rand(&rng) >> 33) % 256);
		char saddr[40];

		snprintf(saddr, sizeof(saddr), "2001:db8:12::%x", (unsigned)(test_rand(&rng) >> 40) % CLIENTS + 1);

		struct ask a = { .client = c, .xid = i, .ports = true, .k = 8, .psid = id, .saddr = saddr };

		a.type = kind < 3 ? 1 : kind < 8 ? 3 : kind == 8 ? 7 : 4;
		if (kind == 3 || kind == 4 || kind == 8 || kind == 9)
			a.server = kind == 4 && i % 16 == 0 ? "198.51.100.2" : "198.51.100.1";
		if (kind == 3 || kind == 4 || kind == 5 || kind == 9)
			a.addr = "192.0.2.18";
		if (kind == 6 || kind == 7 || kind == 8)
			a.ciaddr = "192.0.2.18";
		if (a.type == 4 && i % 4)
			continue;

		int r = sim_do(x, a);

		for (unsigned k = 0; k < x->n_ev; k++)
			follow(m, &x->ev[k]);
		if (r == LW4O6_DHCP4_OFFER || r == LW4O6_DHCP4_ACK) {
			ck_assert(x->m.has & LW4O6_DHCP4_HAS_PORTS); /* S-068 */
			known[c] = x->m.ports.id;
		}
		if (r == LW4O6_DHCP4_ACK) {
			ck_assert(m->active[known[c]]);
			ck_assert_uint_eq(m->client[known[c]], c);
			ck_assert(IN6_ARE_ADDR_EQUAL(&m->saddr[known[c]], &x->m.saddr)); /* S-111 */
		}
		x->now += (test_rand(&rng) >> 33) % 20 == 0 ? S(600) : S(1);
		ck_assert_int_eq(lw4o6_server_tick(x->s, x->now), LW4O6_OK);
		sim_turn(x);
		for (unsigned k = 0; k < x->n_ev; k++)
			follow(m, &x->ev[k]);
		ck_assert_uint_gt(lw4o6_server_expiry(x->s), x->now);
	}

	struct lw4o6_server_usage u;
	unsigned active = 0;

	lw4o6_server_usage(x->s, &u);
	for (unsigned i = 0; i < 256; i++)
		active += m->active[i];
	ck_assert_uint_eq(u.active, active);
	ck_assert_uint_gt(sim_count(x, LW4O6_SRV_LEASE_ADDED), 100);
	ck_assert_uint_gt(sim_count(x, LW4O6_SRV_LEASE_EXPIRED), 10);
	ck_assert_uint_gt(sim_count(x, LW4O6_SRV_NAK_SADDR_CONFLICT), 10);
	free(m);
	sim_free(x);
}
END_TEST

/* The same with a store that fails at random: what was not stored did not happen. */
START_TEST(random_failures)
{
	struct sim *x = sim_started();
	struct test_rng rng = { (uint64_t)_i * 99 + 3 };
	struct lw4o6_server_usage u;

	for (unsigned i = 0; i < 20000; i++) {
		uint8_t c = (uint8_t)(test_rand(&rng) >> 32) % CLIENTS, kind = (uint8_t)((test_rand(&rng) >> 40) % 8);
		char saddr[40];

		snprintf(saddr, sizeof(saddr), "2001:db8:12::%x", (unsigned)(test_rand(&rng) >> 40) % CLIENTS + 1);

		struct ask a = { .client = c, .xid = i, .saddr = saddr };

		a.type = kind < 2 ? 1 : kind < 6 ? 3 : kind == 6 ? 7 : 4;
		if (kind == 2 || kind == 3 || kind >= 6)
			a.server = "198.51.100.1";
		if (kind == 2 || kind == 3 || kind == 7)
			a.addr = "192.0.2.18";
		if (kind == 4 || kind == 5 || kind == 6)
			a.ciaddr = "192.0.2.18";
		if (kind == 7 && i % 8)
			continue;
		sim_push(x, a);
		if (test_rand(&rng) >> 33 & 3)
			continue;
		x->result = (enum lw4o6_commit)((test_rand(&rng) >> 33) % 3);
		sim_turn(x);
		x->now += S(20);
	}
	x->result = LW4O6_COMMIT_OK;
	x->now += S(200000);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(lw4o6_server_tick(x->s, x->now), LW4O6_OK);
		sim_turn(x);
	}
	lw4o6_server_usage(x->s, &u);
	ck_assert_uint_eq(u.active, 0);
	ck_assert_uint_le(u.records, CLIENTS);
	/* All are to be had again. */
	for (unsigned c = 0; c < 252; c++)
		ck_assert_int_eq(DISCOVER((uint8_t)c), LW4O6_DHCP4_OFFER);
	sim_free(x);
}
END_TEST

/* More changes in a turn than may be under way: refused by silence, counted, nothing lost. */
START_TEST(queue_limit)
{
	struct sim *x = sim_init();

	sim_all_sets(x);
	x->cfg.queue = 8;
	sim_start(x);
	for (unsigned c = 0; c < 20; c++)
		sim_push(x, (struct ask){ .type = 1, .client = (uint8_t)c });
	sim_turn(x);
	ck_assert_uint_eq(x->answers, 8);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_QUEUE), 12);
	sim_free(x);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("server_store");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, load, 0, N(load_cases));
	tcase_add_loop_test(tc, system_ports, 1, 17);
	tcase_add_loop_test(tc, pickset, 0, 10);
	tcase_add_test(tc, not_stored);
	tcase_add_test(tc, no_growth);
	tcase_add_test(tc, refused);
	tcase_add_loop_test(tc, chain, 0, 2);
	tcase_add_loop_test(tc, move_not_stored, 0, 2);
	tcase_add_test(tc, restart);
	tcase_add_test(tc, restore_cases);
	tcase_add_test(tc, former_pool);
	tcase_add_test(tc, record_limit);
	tcase_add_loop_test(tc, random_traffic, 0, 3);
	tcase_add_loop_test(tc, random_failures, 0, 3);
	tcase_add_test(tc, queue_limit);
	suite_add_tcase(s, tc);
	return test_main(s);
}
