#include "server_sim.h"

/* ---- the worked examples, byte for byte ---- */

/*
 * 2.3 and 2.4: S-037, S-039, S-040, S-041, S-042, S-091, S-097, S-102, S-110, S-111, S-117 and the events of Y-002.
 */
START_TEST(worked_exchange)
{
	struct sim *x = sim_init();
	struct in6_addr saddr = sim_addr("2001:db8:12:3400:0:c000:212:34");

	sim_start(x);
	sim_in_vector(x, "DISCOVER");
	ck_vector(x, "OFFER");
	ck_assert_uint_eq(x->n_ev, 0);
	sim_in_vector(x, "REQUEST");
	ck_vector(x, "ACK");
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_ADD);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_ACTIVE);
	ck_assert_uint_eq(x->ev[0].lease.expires, SIM_WALL + 3600 * LW4O6_SEC);
	ck_assert_uint_eq(x->ev[0].binding.expires, x->now + 3600 * LW4O6_SEC);
	ck_assert_uint_eq(x->ev[0].binding.ps.id, 0x34);
	ck_assert(IN6_ARE_ADDR_EQUAL(&x->ev[0].binding.b4, &saddr));
	x->now += 1800 * LW4O6_SEC;
	sim_in_vector(x, "RENEW");
	ck_vector(x, "RENEW-ACK");
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_MODIFY);
	sim_in_vector(x, "SADDR-CHANGE");
	ck_assert_uint_eq(x->n_ev, 1);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_MODIFY);
	ck_assert_uint_eq(x->ev[0].binding.b4.s6_addr[7], 1);
	sim_in_vector(x, "RELEASE");
	ck_assert_uint_eq(x->answers, 0);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_DELETE);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_RELEASED);
	sim_in_vector(x, "INIT-REBOOT");
	sim_parse(x);
	ck_assert_int_eq(x->m.type, LW4O6_DHCP4_ACK);
	ck_assert_int_eq(x->ev[0].kind, LW4O6_SERVER_ADD);
	sim_in_vector(x, "DECLINE");
	ck_assert_uint_eq(x->answers, 0);
	ck_assert_int_eq(x->ev[0].lease.state, LW4O6_LEASE_ABANDONED);
	sim_free(x);
}
END_TEST

/* S-115, S-102: the NAK of 2.4 when another active lease has the softwire source. */
START_TEST(worked_nak)
{
	struct sim *x = sim_init();
	char addr[INET_ADDRSTRLEN];
	struct lw4o6_psid ps;

	sim_all_sets(x);
	sim_start(x);
	ck_assert_int_eq(sim_dora(x, 9, "2001:db8:12:3400:0:c000:212:34", addr, &ps), LW4O6_DHCP4_ACK);
	for (;;) {
		sim_in_vector(x, "DISCOVER");
		sim_parse(x);
		if (x->m.ports.id == 0x34)
			break;
		x->now += 61 * LW4O6_SEC;
		/* The offer of another tuple runs out; the server has to pick 0x34 in the end. */
		ck_assert_int_eq(lw4o6_server_tick(x->s, x->now), LW4O6_OK);
	}
	sim_in_vector(x, "REQUEST");
	ck_vector(x, "NAK");
	ck_assert_uint_eq(x->n_ev, 0);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_NAK_SADDR_CONFLICT), 1);
	sim_free(x);
}
END_TEST

static void info_lw(struct sim *x, struct lw4o6_server_prebind *b)
{
	x->links[0].servers.n = 0;
	x->links[0].refresh_s = 600;
	x->links[0].inf_max_rt_s = 0;
	x->links[0].priority = (struct lw4o6_s46_priority){ 2, { 88, 96 } };
	x->links[0].br = (struct lw4o6_s46_br_list){ 1, { sim_addr("2001:db8:ffff::1") } };
	x->cfg.n_pools = 0;
	*b = (struct lw4o6_server_prebind){ .prefix = { sim_addr("2001:db8:12:3400::"), 56 }, .ipv4 = sim_addr4("192.0.2.18"),
		                            .ps = { 0, 8, 0x34 } };
	x->cfg.prebinds = b;
	x->cfg.n_prebinds = 1;
}

/* The second REPLY of 2.4: S-014 empty list, S-015, S-017, S-018; by prefix and by DUID. */
START_TEST(worked_reply_container)
{
	static const uint8_t duid[18] = { 0, 4, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	struct sim *x = sim_init();
	struct lw4o6_server_prebind b;
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, "INFORMATION-REQUEST");

	info_lw(x, &b);
	if (_i == 1)
		b.duid = (struct lw4o6_span){ duid, sizeof(duid) };
	sim_start(x);
	sim_push_from(x, buf, n, _i == 1 ? "fe80::200:5eff:fe00:5301" : "2001:db8:12:3400:200:5eff:fe00:5301", "ff02::1:2", 2);
	sim_turn(x);
	ck_vector(x, "REPLY-LW");
	sim_free(x);
}
END_TEST

/* S-002, S-011: the first REPLY of 2.4, out of the interface of the query, from its link-local address, to port 546. */
START_TEST(worked_reply)
{
	struct sim *x = sim_init();
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, "INFORMATION-REQUEST");

	sim_start(x);
	sim_push_from(x, buf, n, "fe80::200:5eff:fe00:5301", "ff02::1:2", 3);
	sim_turn(x);
	ck_vector(x, "REPLY");
	ck_assert_uint_eq(x->out_to.ifindex, 3);
	ck_assert_uint_eq(ntohs(x->out_to.to.sin6_port), 546);
	ck_assert(IN6_IS_ADDR_UNSPECIFIED(&x->out_to.from.sin6_addr));
	ck_assert(IN6_IS_ADDR_LINKLOCAL(&x->out_to.to.sin6_addr));
	sim_free(x);
}
END_TEST

/* S-140, S-141, C-035: relayed once and twice; S-002: the answer goes to the relay's port 547 from the address asked. */
START_TEST(worked_relay)
{
	static const char *const names[2][2] = { { "RELAY-FORW", "RELAY-REPL" }, { "RELAY2-FORW", "RELAY2-REPL" } };
	struct sim *x = sim_init();
	struct in6_addr server = sim_addr("2001:db8:4::547");

	sim_start(x);
	sim_in_vector(x, names[_i][0]);
	ck_vector(x, names[_i][1]);
	ck_assert_uint_eq(ntohs(x->out_to.to.sin6_port), 547);
	ck_assert(IN6_ARE_ADDR_EQUAL(&x->out_to.from.sin6_addr, &server));
	sim_free(x);
}
END_TEST

/* ---- section 4.1: what is accepted ---- */

/* S-003, S-004, S-005, S-006: every type, by multicast and by unicast; only 11 by multicast and 20 are looked at. */
START_TEST(message_types)
{
	struct sim *x = sim_init();
	uint64_t before, after;

	sim_start(x);
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned multicast = 0; multicast < 2; multicast++) {
			uint8_t msg[22] = { (uint8_t)type, 0, 0, 1, 0, 1, 0, 14, 0, 2, 0, 0, 0x7e, 0xd9, 'c' };

			if (type == 12 || type == 13 || type == 20)
				continue;
			before = after = 0;
			for (int c = LW4O6_SRV_DROP_SHORT; c <= LW4O6_SRV_DROP_MEMORY; c++)
				before += sim_count(x, (enum lw4o6_server_counter)c);
			sim_push_from(x, msg, sizeof(msg), "fe80::1", multicast ? "ff02::1:2" : "fe80::2", 2);
			sim_turn(x);
			for (int c = LW4O6_SRV_DROP_SHORT; c <= LW4O6_SRV_DROP_MEMORY; c++)
				after += sim_count(x, (enum lw4o6_server_counter)c);
			ck_assert_msg(x->answers == (type == 11 && multicast), "type %u", type);
			ck_assert_msg(after - before + x->answers == 1, "type %u: not counted once", type);
		}
	}
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_UNICAST), 4); /* 1, 4, 6, 11 */
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_STATEFUL), 7 * 2 - 3);
	sim_free(x);
}
END_TEST

/* S-004: the same unicast Information-request is legal behind a relay. */
START_TEST(relayed_unicast_information)
{
	struct sim *x = sim_init();
	uint8_t buf[VECTOR_MAX], info[VECTOR_MAX];
	size_t n = vector_named(info, "INFORMATION-REQUEST");

	sim_start(x);
	sim_in(x, info, n);
	ck_assert_uint_eq(x->answers, 0);
	memset(buf, 0, 34);
	buf[0] = 12;
	buf[34] = 0;
	buf[35] = 9;
	buf[36] = 0;
	buf[37] = (uint8_t)n;
	memcpy(buf + 38, info, n);
	sim_in(x, buf, 38 + n);
	ck_assert_uint_eq(x->answers, 1);
	ck_assert_uint_eq(x->out[0], 13);
	sim_free(x);
}
END_TEST

/* S-030, C-004 and all framing: every vector cut at each length gives no answer and no crash. */
START_TEST(cut_queries)
{
	static const char *const names[] = { "DISCOVER", "RELAY2-FORW", "RENEW" };
	struct sim *x = sim_init();
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, names[_i]);

	sim_start(x);
	for (size_t i = 0; i < n; i++) {
		sim_in(x, buf, i);
		ck_assert_msg(x->answers == 0, "answer to %zu of %zu octets", i, n);
	}
	sim_free(x);
}
END_TEST

/* ---- section 4.2: information ---- */

struct info_case {
	const char *row;
	const char *options; /* of the request */
	const char *want;    /* options of the REPLY after 2; NULL: silence */
};

#define CID_HEX "0001 0012 0004 00112233445566778899aabbccddeeff "
#define S88_HEX "0058 0010 20010db8000400000000000000000547 "
static const struct info_case info_cases[] = {
	{ "S-010 another server", "0002 000e 0002 00007ed96c77346f362d7332 0006 0002 0058", NULL },
	{ "S-010 ourselves", "0002 000e 0002 00007ed96c77346f362d7331 0006 0002 0058", S88_HEX },
	{ "S-010 IA_NA", "0003 000c 000000010000000000000000 0006 0002 0058", NULL },
	{ "S-010 IA_TA", "0004 0004 00000001 0006 0002 0058", NULL },
	{ "S-010 IA_PD", "0019 000c 000000010000000000000000 0006 0002 0058", NULL },
	{ "S-011 option 1 copied", CID_HEX "0006 0002 0058", CID_HEX S88_HEX },
	{ "S-012 anonymous", "0006 0002 0058", S88_HEX },
	{ "S-013 no ORO", CID_HEX, CID_HEX },
	{ "S-013 ORO without 88", "0006 0002 0020", "0020 0004 00015180" },
	{ "S-015 96 without binding", "0006 0002 0060", "" },
	{ "S-019 83", "0006 0002 0053", "0053 0004 00000e10" },
	{ "S-019 82 is not configured", "0006 0002 0052", "" },
	{ "S-022 90 is not configured", "0006 0002 005a", "" },
	{ "C-015 odd ORO", "0006 0003 005800", "" },
	{ "C-005 unknown option", "fde8 0001 00 0006 0002 0058", S88_HEX },
};

START_TEST(information)
{
	const struct info_case *c = &info_cases[_i];
	struct sim *x = sim_init();
	uint8_t buf[512] = { 11, 1, 2, 3 }, want[512] = { 7, 1, 2, 3, 0, 2, 0, 14 };
	size_t n = 4 + unhex(buf + 4, sizeof(buf) - 4, c->options), wn;

	sim_start(x);
	sim_push_from(x, buf, n, "fe80::1", "ff02::1:2", 2);
	sim_turn(x);
	if (c->want == NULL) {
		ck_assert_msg(x->answers == 0, "%s", c->row);
	} else {
		memcpy(want + 8, sim_duid, sizeof(sim_duid));
		wn = 8 + sizeof(sim_duid);
		wn += unhex(want + wn, sizeof(want) - wn, c->want);
		ck_octets(x->out, x->out_len, want, wn);
	}
	sim_free(x);
}
END_TEST

/* S-014: absent is not sent; S-022: 90 at top level when configured. */
START_TEST(information_states)
{
	struct sim *x = sim_init();
	uint8_t buf[64] = { 11, 1, 2, 3, 0, 6, 0, 4, 0, 88, 0, 90 };
	struct lw4o6_opt6 o;

	x->links[0].servers.present = false;
	x->links[0].br = (struct lw4o6_s46_br_list){ 2, { sim_addr("2001:db8:ffff::1"), sim_addr("2001:db8:ffff::2") } };
	sim_start(x);
	sim_push_from(x, buf, 12, "fe80::1", "ff02::1:2", 2);
	sim_turn(x);
	ck_assert(!lw4o6_opt6_find(x->out + 4, x->out_len - 4, LW4O6_OPT6_4O6_SERVER, &o));
	ck_assert_uint_eq(x->out_len, 4 + 18 + 40);
	sim_free(x);
}
END_TEST

/* ---- section 4.3: the envelope ---- */

struct drop_case {
	const char *row;
	struct ask a;
	enum lw4o6_server_counter counter;
};

static const struct drop_case drop_cases[] = {
	{ "S-030 op", { .type = 1, .client = 1, .op = 2 }, LW4O6_SRV_DROP_V4_OP },
	{ "S-031 OFFER", { .type = 2, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-031 ACK", { .type = 5, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-031 NAK", { .type = 6, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-031 FORCERENEW", { .type = 9, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-031 LEASEQUERY", { .type = 10, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-031 TLS", { .type = 18, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-031 unknown", { .type = 77, .client = 1 }, LW4O6_SRV_DROP_V4_TYPE },
	{ "S-032 no 61", { .type = 1, .client = 1, .no_id = true }, LW4O6_SRV_DROP_NO_CLIENT_ID },
	{ "S-033 giaddr", { .type = 1, .client = 1, .giaddr = "10.0.0.1" }, LW4O6_SRV_DROP_GIADDR },
	{ "S-070 DISCOVER", { .type = 1, .client = 1, .no_prl159 = true }, LW4O6_SRV_DROP_NO_PRL_PORTS },
	{ "S-070 no PRL", { .type = 1, .client = 1, .no_prl = true }, LW4O6_SRV_DROP_NO_PRL_PORTS },
	{ "S-130 unknown", { .type = 7, .client = 1, .server = "198.51.100.1", .ciaddr = "192.0.2.18" }, LW4O6_SRV_DROP_RELEASE },
	{ "S-134 unknown", { .type = 4, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.18" }, LW4O6_SRV_DROP_DECLINE },
	{ "S-096 unknown", { .type = 3, .client = 1, .addr = "192.0.2.18", .saddr = "2001:db8::1" }, LW4O6_SRV_DROP_UNKNOWN_CLIENT },
	{ "S-095 other server", { .type = 3, .client = 1, .server = "198.51.100.9", .addr = "192.0.2.18" }, LW4O6_SRV_DROP_NOT_CHOSEN },
};

START_TEST(dropped)
{
	const struct drop_case *c = &drop_cases[_i];
	struct sim *x = sim_init();

	sim_start(x);
	ck_assert_msg(sim_do(x, c->a) == 0, "%s", c->row);
	ck_assert_uint_eq(x->n_ev, 0);
	ck_assert_msg(sim_count(x, c->counter) == 1, "%s", c->row);
	sim_free(x);
}
END_TEST

/* S-041, S-042, C-041: header fields come back whatever they are. */
START_TEST(header_is_copied)
{
	struct sim *x = sim_init();

	sim_start(x);
	ck_assert_int_eq(DISCOVER(0xab, .flags = 0x8001, .xid = 0xdeadbeef, .hlen = 16), LW4O6_DHCP4_OFFER);
	ck_assert_uint_eq(x->m.hdr.flags, 0x8001);
	ck_assert_uint_eq(x->m.hdr.xid, 0xdeadbeef);
	ck_assert_uint_eq(x->m.hdr.hlen, 16);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(x->m.hdr.chaddr[i], 0xab);
	ck_assert_uint_eq(x->m.hdr.hops, 0);
	ck_assert_uint_eq(x->m.hdr.secs, 0);
	ck_assert_uint_eq(x->m.hdr.siaddr.s_addr, 0);
	ck_assert_uint_eq(x->outer.xid, 0);
	sim_free(x);
}
END_TEST

/* S-039: without ORO neither 90 nor 137, unless always-send-br. S-035: outer options besides 6 and 87 do not matter. */
START_TEST(outer_options)
{
	struct sim *x = sim_init();

	x->cfg.always_send_br = _i == 1;
	sim_start(x);
	ck_assert_int_eq(DISCOVER(1, .no_oro = true), LW4O6_DHCP4_OFFER);
	ck_assert_uint_eq(x->extra.br.n, _i == 1);
	ck_assert(!x->extra.has_hint);
	sim_free(x);
}
END_TEST

/* S-044, S-046, S-047: PRL order, once each, and what does not fit is left out from the end; 82 is not echoed. */
START_TEST(listed_options)
{
	static const uint8_t prl[] = { 42, 159, 6, 1, 6, 15, 200 }, opt82[] = { 82, 4, 1, 2, 'a', 'b' };
	static const uint8_t dns[4] = { 192, 0, 2, 1 }, big[200] = { 1 }, name[3] = { 'a', 'b', 'c' };
	const struct lw4o6_server_option options[] = { { 6, { dns, 4 } }, { 42, { dns, 4 } }, { 15, { big, 200 } }, { 200, { name, 3 } } };
	struct sim *x = sim_init();
	uint8_t order[8];
	size_t n = 0;

	x->cfg.options = options;
	x->cfg.n_options = 4;
	sim_start(x);
	ck_assert_int_eq(DISCOVER(1, .prl = prl, .prl_len = sizeof(prl), .max_size = (uint16_t)(_i ? 1400 : 500), .more4 = opt82,
	                          .more4_len = sizeof(opt82)),
	                 LW4O6_DHCP4_OFFER);
	for (const uint8_t *p = x->outer.dhcpv4.p + 240; *p != 255; p += 2 + p[1])
		if (*p == 42 || *p == 6 || *p == 1 || *p == 15 || *p == 200 || *p == 82)
			order[n++] = *p;
	ck_octets(order, n, ((const uint8_t[]){ 42, 6, 1, 15, 200 }), 5);
	ck_assert(x->m.has & LW4O6_DHCP4_HAS_PORTS);
	sim_free(x);

	/* Two big ones do not fit into 576 - 28: the later one goes, the vital ones stay. */
	const struct lw4o6_server_option two[] = { { 15, { big, 200 } }, { 200, { big, 200 } } };

	x = sim_init();
	x->cfg.options = two;
	x->cfg.n_options = 2;
	sim_start(x);
	ck_assert_int_eq(DISCOVER(1, .prl = prl, .prl_len = sizeof(prl)), LW4O6_DHCP4_OFFER);
	ck_assert_uint_le(x->outer.dhcpv4.len, 576 - 28);
	ck_assert(memchr(x->outer.dhcpv4.p + 240, 200, x->outer.dhcpv4.len - 240) == NULL ||
	          lw4o6_dhcp4_option(x->outer.dhcpv4.p, x->outer.dhcpv4.len, 200, NULL, 0, &(struct lw4o6_span){ NULL, 0 }) != LW4O6_OK);
	ck_assert_int_eq(lw4o6_dhcp4_option(x->outer.dhcpv4.p, x->outer.dhcpv4.len, 15, NULL, 0, &(struct lw4o6_span){ NULL, 0 }), LW4O6_OK);
	ck_assert(x->m.has & LW4O6_DHCP4_HAS_PORTS);
	ck_assert(x->m.client_id.p);
	ck_assert_uint_le(x->out_len, 1232);
	sim_free(x);
}
END_TEST

/* S-135, A-10: INFORM gets the configured options, no lease, no times. */
START_TEST(inform)
{
	struct sim *x = sim_init();
	static const uint8_t dns[4] = { 192, 0, 2, 1 };
	const struct lw4o6_server_option options[] = { { 6, { dns, 4 } } };

	x->cfg.options = options;
	x->cfg.n_options = 1;
	sim_start(x);
	sim_in_vector(x, "INFORM");
	sim_parse(x);
	ck_assert_int_eq(x->m.type, LW4O6_DHCP4_ACK);
	ck_assert_uint_eq(x->m.hdr.yiaddr.s_addr, 0);
	ck_assert_uint_eq(x->m.hdr.ciaddr.s_addr, sim_addr4("192.0.2.18").s_addr);
	ck_assert_uint_eq(x->m.has & (LW4O6_DHCP4_HAS_LEASE | LW4O6_DHCP4_HAS_T1 | LW4O6_DHCP4_HAS_T2), 0);
	ck_assert(x->m.client_id.p);
	ck_assert_uint_eq(x->n_ev, 0);
	ck_assert_int_eq(lw4o6_dhcp4_option(x->outer.dhcpv4.p, x->outer.dhcpv4.len, 6, NULL, 0, &(struct lw4o6_span){ NULL, 0 }), LW4O6_OK);
	sim_in_vector(x, "DISCOVER");
	sim_in_vector(x, "REQUEST");
	sim_in_vector(x, "INFORM");
	sim_parse(x);
	ck_assert(x->m.has & LW4O6_DHCP4_HAS_SADDR);
	ck_assert(!(x->m.has & (LW4O6_DHCP4_HAS_LEASE | LW4O6_DHCP4_HAS_T1 | LW4O6_DHCP4_HAS_T2 | LW4O6_DHCP4_HAS_PORTS)));
	sim_free(x);
}
END_TEST

/* ---- S-036: the link ---- */

static size_t relay_wrap(uint8_t *dst, const uint8_t *inner, size_t n, const char *link, const char *peer, const char *ifid)
{
	struct lw4o6_wr w = lw4o6_wr_init(dst, SIM_ROOM);
	struct in6_addr l = sim_addr(link), p = sim_addr(peer);

	lw4o6_wr_u8(&w, 12);
	lw4o6_wr_u8(&w, 0);
	lw4o6_wr_put(&w, &l, 16);
	lw4o6_wr_put(&w, &p, 16);
	if (ifid)
		lw4o6_opt6_put(&w, 18, ifid, strlen(ifid));
	lw4o6_opt6_put(&w, 9, inner, n);
	return (size_t)lw4o6_wr_done(&w);
}

struct link_case {
	const char *name;
	const char *link1, *ifid1; /* inner relay; NULL: none */
	const char *link2, *ifid2; /* outer relay */
	const char *from;
	unsigned ifindex;
	unsigned want;
};

static const struct link_case link_cases[] = {
	{ "relay", "2001:db8:a::1", NULL, NULL, NULL, "2001:db8:99::1", 1, 1 },
	{ "relay before interface-id", "2001:db8:a::1", "port-b", NULL, NULL, "2001:db8:99::1", 1, 1 },
	{ "innermost that is not zero", "::", NULL, "2001:db8:a::1", NULL, "2001:db8:99::1", 1, 1 },
	{ "innermost first", "2001:db8:b::1", NULL, "2001:db8:a::1", NULL, "2001:db8:99::1", 1, 0 },
	{ "interface-id behind a zero link-address", "::", "port-b", NULL, NULL, "2001:db8:99::1", 1, 2 },
	{ "interface-id is exact", "::", "port-bb", NULL, NULL, "2001:db8:99::1", 1, 0 },
	{ "source is not that of a relay", "::", NULL, NULL, NULL, "2001:db8:c::1", 7, 0 },
	{ "source", NULL, NULL, NULL, NULL, "2001:db8:c::1", 7, 3 },
	{ "interface", NULL, NULL, NULL, NULL, "fe80::1", 7, 2 },
	{ "interface is for link-local sources", NULL, NULL, NULL, NULL, "2001:db8:99::1", 7, 0 },
	{ "default", NULL, NULL, NULL, NULL, "fe80::1", 8, 0 },
};

START_TEST(link_selection)
{
	const struct link_case *c = &link_cases[_i];
	struct sim *x = sim_init();
	uint8_t buf[SIM_ROOM], tmp[SIM_ROOM];
	struct ask a = { .type = 1, .client = 1 };
	size_t n = sim_ask(buf, &a);
	unsigned pool_links[4] = { 0, 1, 2, 3 };

	for (unsigned i = 0; i < 4; i++) {
		x->links[i] = x->links[0];
		x->pools[i] = x->pools[0];
		x->ranges[i].first = x->ranges[i].last = (struct in_addr){ htonl(0xc0000200 + i) };
		x->pools[i].ranges = &x->ranges[i];
		x->pools[i].links = &pool_links[i];
		x->pools[i].n_links = 1;
	}
	x->cfg.n_links = x->cfg.n_pools = 4;
	x->selectors[0] = (struct lw4o6_server_selector){ .by = LW4O6_BY_RELAY, .link = 1, .prefix = { sim_addr("2001:db8:a::"), 48 } };
	x->selectors[1] = (struct lw4o6_server_selector){ .by = LW4O6_BY_INTERFACE_ID, .link = 2, .id = { (const uint8_t *)"port-b", 6 } };
	x->selectors[2] = (struct lw4o6_server_selector){ .by = LW4O6_BY_SOURCE, .link = 3, .prefix = { sim_addr("2001:db8:c::"), 48 } };
	x->selectors[3] = (struct lw4o6_server_selector){ .by = LW4O6_BY_INTERFACE, .link = 2, .ifindex = 7 };
	x->cfg.n_selectors = 4;
	sim_start(x);
	if (c->link1) {
		n = relay_wrap(tmp, buf, n, c->link1, "fe80::1", c->ifid1);
		memcpy(buf, tmp, n);
	}
	if (c->link2) {
		n = relay_wrap(tmp, buf, n, c->link2, "2001:db8:98::2", c->ifid2);
		memcpy(buf, tmp, n);
	}
	sim_push_from(x, buf, n, c->from, "2001:db8:4::547", c->ifindex);
	sim_turn(x);
	ck_assert_uint_eq(x->answers, 1);

	struct lw4o6_span inner;
	struct lw4o6_dhcp6_relays r;

	ck_assert_int_eq(lw4o6_dhcp6_unrelay(&r, &inner, 13, x->out, x->out_len), LW4O6_OK);
	ck_assert_int_eq(lw4o6_v4o6_decode(&x->outer, &x->m, NULL, inner.p, inner.len), LW4O6_OK);
	ck_assert_msg(ntohl(x->m.hdr.yiaddr.s_addr) == 0xc0000200 + c->want, "%s: link %u", c->name, ntohl(x->m.hdr.yiaddr.s_addr) & 255);
	sim_free(x);
}
END_TEST

/* S-142: a relayed RELEASE is answered by nothing at all. S-143: what the relay said is in the record. */
START_TEST(relayed_lease)
{
	struct sim *x = sim_init();
	uint8_t buf[SIM_ROOM], tmp[SIM_ROOM];
	struct ask d = { .type = 1, .client = 1 };
	struct ask r = { .type = 3, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.18", .saddr = "2001:db8:12::9" };
	struct ask e = { .type = 7, .client = 1, .server = "198.51.100.1", .ciaddr = "192.0.2.18" };
	size_t n = relay_wrap(buf, tmp, sim_ask(tmp, &d), "2001:db8:a::1", "fe80::1", "port-b");

	sim_start(x);
	sim_in(x, buf, n);
	n = relay_wrap(buf, tmp, sim_ask(tmp, &r), "2001:db8:a::1", "fe80::1", "port-b");
	sim_in(x, buf, n);
	ck_assert_uint_eq(x->n_ev, 1);
	ck_octets(x->ev[0].lease.relay, x->ev[0].lease.relay_len,
	          ((const uint8_t[]){ 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0xa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 18, 6, 'p', 'o', 'r', 't', '-', 'b' }), 26);
	n = relay_wrap(buf, tmp, sim_ask(tmp, &e), "2001:db8:a::1", "fe80::1", "port-b");
	sim_in(x, buf, n);
	ck_assert_uint_eq(x->answers, 0);
	ck_assert_uint_eq(x->n_ev, 1);
	sim_free(x);
}
END_TEST

/* S-154: beyond the burst a prefix is not answered; another prefix is. */
START_TEST(rate_limit)
{
	struct sim *x = sim_init();
	uint8_t buf[SIM_ROOM];
	struct ask a = { .type = 1, .client = 1 };
	size_t n = sim_ask(buf, &a);
	unsigned answered = 0;

	x->cfg.rate_per_s = 10;
	x->cfg.rate_burst = 20;
	sim_start(x);
	for (unsigned i = 0; i < 50; i++) {
		sim_in(x, buf, n);
		answered += x->answers;
	}
	ck_assert_uint_eq(answered, 20);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_RATE), 30);
	sim_push_from(x, buf, n, "2001:db8:77::1", "2001:db8:4::547", 2);
	sim_turn(x);
	ck_assert_uint_eq(x->answers, 1);
	x->now += LW4O6_SEC;
	sim_in(x, buf, n);
	ck_assert_uint_eq(x->answers, 1);
	sim_free(x);
}
END_TEST

static void relayed(struct sim *x, const char *peer, const char *ifid, struct ask a)
{
	uint8_t in[SIM_ROOM], buf[SIM_ROOM];
	size_t n = relay_wrap(buf, in, sim_ask(in, &a), "2001:db8:a::1", peer, ifid);

	sim_push_from(x, buf, n, "2001:db8:99::1", "2001:db8:4::547", 2);
	sim_turn(x);
}

/* S-154, S-079: behind one relay, with link-local addresses, one subscriber does not use up the rest's share. */
START_TEST(relayed_limits)
{
	struct sim *x = sim_init(), *y = sim_init();
	struct ask a = { .type = 1, .client = 1 };
	unsigned answered = 0;

	sim_all_sets(x);
	x->cfg.rate_per_s = 10;
	x->cfg.rate_burst = 20;
	x->cfg.prefix_limit = 1;
	sim_start(x);
	for (unsigned i = 0; i < 50; i++) {
		relayed(x, "fe80::1", "port-1", a);
		answered += x->answers;
	}
	ck_assert_uint_eq(answered, 20);
	relayed(x, "fe80::2", "port-1", a);
	ck_assert_uint_eq(x->answers, 1);
	relayed(x, "fe80::1", "port-2", a);
	ck_assert_uint_eq(x->answers, 1);
	x->now += S(10);
	for (uint8_t c = 1; c <= 3; c++) {
		struct ask r = { .type = 3, .client = (uint8_t)(10 + c), .server = "198.51.100.1", .addr = "192.0.2.18", .ports = true, .k = 8,
			         .psid = 9, .saddr = "2001:db8:12::1" };
		char saddr[40];

		snprintf(saddr, sizeof(saddr), "2001:db8:12::%u", c);
		r.psid = (uint16_t)(9 + c);
		r.saddr = saddr;
		/* The first two at one port, the third at another. */
		relayed(x, "fe80::1", c < 3 ? "port-1" : "port-2", r);
		ck_assert_uint_eq(x->n_ev, c != 2);
	}

	/* The same after a restart. */
	struct lw4o6_lease l;
	uint32_t cursor = 0;

	sim_all_sets(y);
	y->cfg.prefix_limit = 1;
	sim_start(y);
	while (lw4o6_server_next(x->s, &cursor, &l))
		ck_assert_int_eq(lw4o6_server_restore(y->s, &l), LW4O6_OK);
	a.client = 4;
	relayed(y, "fe80::1", "port-1", a);
	ck_assert_uint_eq(y->answers, 0);
	relayed(y, "fe80::1", "port-3", a);
	ck_assert_uint_eq(y->answers, 1);
	sim_free(x);
	sim_free(y);
}
END_TEST

/* C-034, S-140: 32 relays with long Interface-Ids are answered; what could not be answered changes nothing. */
START_TEST(deep_relays)
{
	struct sim *x = sim_init();
	struct ask r = { .type = 3, .client = 1, .server = "198.51.100.1", .addr = "192.0.2.18", .saddr = "2001:db8:12::1",
		         .ports = true, .k = 8, .psid = 0x34 };
	uint8_t one[SIM_ROOM], two[SIM_ROOM];
	char id[256];
	size_t n = sim_ask(one, &r);

	sim_start(x);
	memset(id, 'i', sizeof(id));
	id[_i ? 255 : 200] = '\0';
	for (unsigned i = 0; i < 32; i++) {
		n = relay_wrap(two, one, n, "2001:db8:a::1", "2001:db8:12::1", id);
		memcpy(one, two, n);
	}
	sim_push_from(x, one, n, "2001:db8:99::1", "2001:db8:4::547", 2);
	sim_turn(x);
	ck_assert_uint_eq(x->answers, _i ? 0 : 1);
	ck_assert_uint_eq(x->n_ev, _i ? 0 : 1);
	ck_assert_uint_eq(sim_count(x, LW4O6_SRV_DROP_TOO_BIG), (unsigned)_i);
	sim_free(x);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("server");
	TCase *tc = tcase_create("wire");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, worked_exchange);
	tcase_add_test(tc, worked_nak);
	tcase_add_loop_test(tc, worked_reply_container, 0, 2);
	tcase_add_test(tc, worked_reply);
	tcase_add_loop_test(tc, worked_relay, 0, 2);
	tcase_add_test(tc, message_types);
	tcase_add_test(tc, relayed_unicast_information);
	tcase_add_loop_test(tc, cut_queries, 0, 3);
	tcase_add_loop_test(tc, information, 0, N(info_cases));
	tcase_add_test(tc, information_states);
	tcase_add_loop_test(tc, dropped, 0, N(drop_cases));
	tcase_add_test(tc, header_is_copied);
	tcase_add_loop_test(tc, outer_options, 0, 2);
	tcase_add_loop_test(tc, listed_options, 0, 2);
	tcase_add_test(tc, inform);
	tcase_add_loop_test(tc, link_selection, 0, N(link_cases));
	tcase_add_test(tc, relayed_lease);
	tcase_add_test(tc, rate_limit);
	tcase_add_test(tc, relayed_limits);
	tcase_add_loop_test(tc, deep_relays, 0, 2);
	suite_add_tcase(s, tc);
	return test_main(s);
}
