/* The B4's data path: what is refused and why, TTL, MTU, marks, hairpin, exhaustion (3.12 to 3.19, 3.25). */
#include "b4_kit.h"

static struct kit *start(void)
{
	return kit_start(kit_new());
}

static void version6(uint8_t *p, size_t *len)
{
	(void)len;
	p[0] = 0x65;
}

static void short_ihl(uint8_t *p, size_t *len)
{
	(void)len;
	p[0] = 0x44;
}

static void bad_sum(uint8_t *p, size_t *len)
{
	(void)len;
	p[10] ^= 1;
}

static void cut(uint8_t *p, size_t *len)
{
	(void)p;
	*len -= 1;
}

static void tiny_udp(uint8_t *p, size_t *len)
{
	*len = 27;
	be16(p + 2, 27);
	fix_ip(p);
}

static void source_route(uint8_t *p, size_t *len)
{
	memmove(p + 24, p + 20, *len - 20);
	memcpy(p + 20, "\x83\x03\x04\x00", 4);
	p[0] = 0x46;
	*len += 4;
	be16(p + 2, (unsigned)*len);
	fix_ip(p);
}

static void ttl1(uint8_t *p, size_t *len)
{
	(void)len;
	p[8] = 1;
	fix_ip(p);
}

static void ttl0(uint8_t *p, size_t *len)
{
	(void)len;
	p[8] = 0;
	fix_ip(p);
}

static void ack_only(uint8_t *p, size_t *len)
{
	(void)len;
	p[33] = 16;
}

/* D-226, D-227, D-228, D-238, D-261, D-263, D-038, D-039, D-046: LAN packets that go nowhere. */
static const struct {
	const char *name, *src, *dst;
	uint8_t proto;
	void (*spoil)(uint8_t *p, size_t *len);
	enum lw4o6_counter why;
	bool answered;
} bad_lan[] = {
	{ "version", LAN, SERVER, 17, version6, LW4O6_CNT_DROP_V4_NOT_IPV4, false },
	{ "header length", LAN, SERVER, 17, short_ihl, LW4O6_CNT_DROP_V4_HEADER_MALFORMED, false },
	{ "header checksum", LAN, SERVER, 17, bad_sum, LW4O6_CNT_DROP_V4_HEADER_CHECKSUM, false },
	{ "octets missing", LAN, SERVER, 17, cut, LW4O6_CNT_DROP_V4_TRUNCATED, false },
	{ "seven octets of UDP", LAN, SERVER, 17, tiny_udp, LW4O6_CNT_DROP_V4_TRUNCATED, false },
	{ "foreign source", "198.51.100.1", SERVER, 17, NULL, LW4O6_CNT_B4_DROP_LAN_SOURCE, false },
	{ "own source", PUBLIC, SERVER, 17, NULL, LW4O6_CNT_B4_DROP_LAN_SOURCE, false },
	{ "multicast source", "224.0.0.1", SERVER, 17, NULL, LW4O6_CNT_B4_DROP_LAN_SOURCE, false },
	{ "loopback source", "127.0.0.1", SERVER, 17, NULL, LW4O6_CNT_B4_DROP_LAN_SOURCE, false },
	{ "link-local source", "169.254.1.1", SERVER, 17, NULL, LW4O6_CNT_B4_DROP_LAN_SOURCE, false },
	{ "multicast", LAN, "224.0.0.251", 17, NULL, LW4O6_CNT_B4_DROP_LAN_DEST, false },
	{ "broadcast", LAN, "255.255.255.255", 17, NULL, LW4O6_CNT_B4_DROP_LAN_DEST, false },
	{ "link-local", LAN, "169.254.9.9", 17, NULL, LW4O6_CNT_B4_DROP_LAN_DEST, false },
	{ "private", LAN, "10.0.0.1", 17, NULL, LW4O6_CNT_B4_DROP_LAN_DEST, false },
	{ "source route", LAN, SERVER, 17, source_route, LW4O6_CNT_DROP_V4_SOURCE_ROUTE, false },
	{ "TTL 1", LAN, SERVER, 17, ttl1, LW4O6_CNT_B4_DROP_TTL, true },
	{ "TTL 0", LAN, SERVER, 17, ttl0, LW4O6_CNT_B4_DROP_TTL, true },
	{ "TTL before anything else", LAN, SERVER, 50, ttl1, LW4O6_CNT_B4_DROP_TTL, true },
	{ "ESP", LAN, SERVER, 50, NULL, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO, true },
	{ "GRE", LAN, SERVER, 47, NULL, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO, true },
	{ "IP in IP", LAN, SERVER, 4, NULL, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO, true },
	{ "SCTP", LAN, SERVER, 132, NULL, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO, true },
	{ "DCCP", LAN, SERVER, 33, NULL, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO, true },
	{ "GRE to the own address", LAN, PUBLIC, 47, NULL, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO, true },
	{ "own port that nobody has", LAN, PUBLIC, 17, NULL, LW4O6_CNT_NAT_DROP_NO_MAPPING, false },
	{ "TCP without SYN", LAN, SERVER, 6, ack_only, LW4O6_CNT_NAT_DROP_TCP_NO_SYN, false },
};

START_TEST(lan_refused)
{
	struct kit *k = start();
	uint8_t p[128] = { 0 };
	size_t len = mk_udp(p, bad_lan[_i].src, 4000, bad_lan[_i].dst, 53300, 20);

	p[9] = bad_lan[_i].proto;
	fix_ip(p);
	if (bad_lan[_i].spoil)
		bad_lan[_i].spoil(p, &len);
	lan(k, p, len);
	ck_dropped(k, bad_lan[_i].why);
	ck_assert_uint_eq(kit_count(k, bad_lan[_i].why), 1);
	ck_assert_uint_eq(lw4o6_b4_counters(k->b)->octets[bad_lan[_i].why], len);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROPPED_IPV4), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROPPED_IPV6), 0);
	if (bad_lan[_i].answered) {
		bool ttl = bad_lan[_i].why == LW4O6_CNT_B4_DROP_TTL;

		ck_error(delivered(k), "192.0.0.2", LAN, ttl ? 11 : 3, ttl ? 0 : 13, p, len);
		ck_assert_uint_eq(kit_count(k, ttl ? LW4O6_CNT_ICMP4_OUT_11_0 : LW4O6_CNT_ICMP4_OUT_3_13), 1);
	} else {
		ck_assert_uint_eq(k->n, 0);
	}
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_MAPPING_CREATED), 0);
	kit_free(k);
}
END_TEST

/* D-039: what lies behind the total length does not travel. D-228: the knob. */
START_TEST(lan_accepted)
{
	struct kit *k = kit_new();
	uint8_t p[128] = { 0 };
	size_t len = mk_udp(p, LAN, 4000, SERVER, 80, 4);

	k->cfg.tunnel_private_destinations = true;
	kit_start(k);
	lan(k, p, len + 14);
	ck_assert_uint_eq(k->out[0].len, 40 + len);
	sent(k);
	lan(k, p, mk_udp(p, LAN, 4000, "10.0.0.1", 80, 4));
	sent(k);
	kit_free(k);

	/* D-263: LAN prefixes that contain the public address. */
	struct lw4o6_b4_prefix all = { .len = 0 };
	k = kit_new();
	k->cfg.internal = &all;
	k->cfg.n_internal = 1;
	kit_start(k);
	lan(k, p, mk_udp(p, "198.51.100.1", 4000, SERVER, 80, 4));
	sent(k);
	lan(k, p, mk_udp(p, PUBLIC, 4000, SERVER, 80, 4));
	ck_dropped(k, LW4O6_CNT_B4_DROP_LAN_SOURCE);
	kit_free(k);
}
END_TEST

static void outer_version(uint8_t *p, size_t *len)
{
	(void)len;
	p[0] = 0x40;
}

static void outer_to_other(uint8_t *p, size_t *len)
{
	(void)len;
	p[39]++;
}

static void outer_from_other(uint8_t *p, size_t *len)
{
	(void)len;
	p[23]++;
}

static void outer_none(uint8_t *p, size_t *len)
{
	(void)len;
	p[6] = 59;
}

static void inner_version(uint8_t *p, size_t *len)
{
	(void)len;
	p[40] = 0x65;
}

static void inner_sum(uint8_t *p, size_t *len)
{
	(void)len;
	p[50] ^= 1;
}

static void inner_long(uint8_t *p, size_t *len)
{
	be16(p + 42, (unsigned)(*len - 40 + 1));
	fix_ip(p + 40);
}

static void inner_ce(uint8_t *p, size_t *len)
{
	(void)len;
	p[1] |= 0x30;
}

static void inner_source(uint8_t *p, size_t *len)
{
	(void)len;
	p[52] = 127;
	fix_ip(p + 40);
}

static void inner_ttl(uint8_t *p, size_t *len)
{
	(void)len;
	p[48] = 1;
	fix_ip(p + 40);
}

static void inner_gre(uint8_t *p, size_t *len)
{
	(void)len;
	p[49] = 47;
	fix_ip(p + 40);
}

static void inner_sctp(uint8_t *p, size_t *len)
{
	(void)len;
	p[49] = 132;
	fix_ip(p + 40);
}

/* D-040, D-055, D-056, D-065, D-165, D-216, D-223 to D-225, D-230, D-280: tunnel packets that reach nobody. */
static const struct {
	const char *name, *dst;
	bool mapped; /* to the mapped port; else one without mapping */
	unsigned port; /* or this one */
	void (*spoil)(uint8_t *p, size_t *len);
	enum lw4o6_counter why;
} bad_tunnel[] = {
	{ "version", PUBLIC, true, 0, outer_version, LW4O6_CNT_DROP_V6_NOT_IPV6 },
	{ "octets missing", PUBLIC, true, 0, cut, LW4O6_CNT_DROP_V6_TRUNCATED },
	{ "not our softwire", PUBLIC, true, 0, outer_to_other, LW4O6_CNT_DROP_V6_NOT_LOCAL },
	{ "not our AFTR", PUBLIC, true, 0, outer_from_other, LW4O6_CNT_B4_DROP_NOT_AFTR },
	{ "no next header", PUBLIC, true, 0, outer_none, LW4O6_CNT_DROP_V6_UNKNOWN_NEXT_HEADER },
	{ "inner version", PUBLIC, true, 0, inner_version, LW4O6_CNT_DROP_V6_INNER_MALFORMED },
	{ "inner checksum", PUBLIC, true, 0, inner_sum, LW4O6_CNT_DROP_V6_INNER_CHECKSUM },
	{ "inner length", PUBLIC, true, 0, inner_long, LW4O6_CNT_DROP_V6_INNER_MALFORMED },
	{ "inner source", PUBLIC, true, 0, inner_source, LW4O6_CNT_DROP_V6_INNER_MARTIAN },
	{ "another address", "192.0.2.19", true, 0, NULL, LW4O6_CNT_B4_DROP_DST_ADDRESS },
	{ "port of another", PUBLIC, false, 54300, NULL, LW4O6_CNT_B4_DROP_DST_PORT },
	{ "port without mapping", PUBLIC, false, 0, NULL, LW4O6_CNT_NAT_DROP_NO_MAPPING },
	{ "GRE", PUBLIC, true, 0, inner_gre, LW4O6_CNT_DROP_V6_NO_PORT_PROTOCOL },
	{ "SCTP", PUBLIC, true, 0, inner_sctp, LW4O6_CNT_NAT_DROP_UNSUPPORTED_PROTO },
	{ "TTL 1", PUBLIC, true, 0, inner_ttl, LW4O6_CNT_B4_DROP_TTL },
	{ "CE around Not-ECT", PUBLIC, true, 0, inner_ce, LW4O6_CNT_DROP_V6_ECN },
};

START_TEST(tunnel_refused)
{
	struct kit *k = start();
	uint8_t p[128], outer[256];
	uint16_t port = open_udp(k, LAN, 4000, SERVER, 80);
	unsigned to = bad_tunnel[_i].port ? bad_tunnel[_i].port : bad_tunnel[_i].mapped ? port : (port ^ 1u);
	size_t len = mk_tunnel(outer, p, mk_udp(p, SERVER, 80, bad_tunnel[_i].dst, to, 4));

	if (bad_tunnel[_i].spoil)
		bad_tunnel[_i].spoil(outer, &len);
	kit_run(k, LW4O6_SIDE_IPV6, outer, len);
	ck_dropped(k, bad_tunnel[_i].why);
	ck_assert_uint_eq(kit_count(k, bad_tunnel[_i].why), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROPPED_IPV6), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROPPED_IPV4), 0);
	if (bad_tunnel[_i].why == LW4O6_CNT_B4_DROP_TTL)
		ck_error(sent(k), PUBLIC, SERVER, 11, 0, outer + 40, len - 40); /* D-119, D-318 */
	else
		ck_assert_uint_eq(k->n, 0);
	kit_free(k);
}
END_TEST

/* D-257: what is not tunnel traffic is the host's. D-322: the knob that answers 3/13. */
START_TEST(tunnel_other)
{
	struct kit *k = kit_new();
	uint8_t p[128], outer[256];

	k->cfg.prohibited_3_13 = true;
	kit_start(k);
	size_t len = mk_tunnel(outer, p, mk_udp(p, SERVER, 80, PUBLIC, 54300, 4));
	outer[6] = 17;
	kit_run(k, LW4O6_SIDE_IPV6, outer, len);
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_LOCAL);
	outer[6] = 4;
	kit_run(k, LW4O6_SIDE_IPV6, outer, len);
	ck_error(sent(k), PUBLIC, SERVER, 3, 13, p, len - 40);
	kit_free(k);
}
END_TEST

/* D-204 to D-208, D-259: one decrement, none with the knob, none for the B4's own packets, which get ports of the set. */
START_TEST(ttl)
{
	for (int knob = 0; knob < 2; knob++) {
		struct kit *k = kit_new();
		uint8_t p[64];

		k->cfg.no_ttl_out = k->cfg.no_ttl_in = knob;
		kit_start(k);
		lan(k, p, mk_udp(p, LAN, 4000, SERVER, 80, 4));
		ck_assert_uint_eq(sent(k)[8], knob ? 64 : 63);
		uint16_t port = (uint16_t)get16(sent(k) + 20);
		tun(k, p, mk_udp(p, SERVER, 80, PUBLIC, port, 4));
		ck_assert_uint_eq(delivered(k)[8], knob ? 64 : 63);
		lan(k, p, mk_udp(p, "192.0.0.2", 4000, SERVER, 80, 4));
		ck_assert_uint_eq(sent(k)[8], 64);
		ck_assert(lw4o6_psid_has_port(&k->rec.ps, (uint16_t)get16(sent(k) + 20)));
		p[8] = 1;
		fix_ip(p);
		lan(k, p, 32);
		ck_assert_uint_eq(sent(k)[8], 1);
		p[8] = 0;
		fix_ip(p);
		lan(k, p, 32);
		ck_dropped(k, LW4O6_CNT_B4_DROP_TTL);
		kit_free(k);
	}
}
END_TEST

/* D-189, D-194 to D-197, D-336: too big with and without DF, both ways. */
START_TEST(mtu)
{
	struct kit *k = start();
	static uint8_t p[4000];
	size_t len = set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, 1433), true);

	lan(k, p, len); /* 1461 octets */
	ck_dropped(k, LW4O6_CNT_B4_DROP_MTU_DF);
	ck_error(delivered(k), "192.0.0.2", LAN, 3, 4, p, len);
	ck_assert_uint_eq(get16(k->out[0].data + 26), 1460);
	lan(k, p, set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, 1432), true));
	ck_assert_uint_eq(k->out[0].len, 1500);
	lan(k, p, set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, 1433), false));
	ck_assert_uint_eq(k->n, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(k->out[i].data[6], 44);
		ck_assert_uint_le(k->out[i].len, 1500);
	}
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_FRAG6_OUT_FRAGMENTS), 2);

	ck_assert_int_eq(lw4o6_b4_set_mtu(k->b, 1540, 0), LW4O6_OK);
	lan(k, p, set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, 1472), true));
	uint16_t port = (uint16_t)get16(sent(k) + 20);
	ck_assert_int_eq(lw4o6_b4_set_mtu(k->b, 1279, 0), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_b4_set_mtu(k->b, 0, 1400), LW4O6_OK);

	len = set_df(p, mk_udp(p, SERVER, 80, PUBLIC, port, 1373), true);
	tun(k, p, len); /* 1401 */
	ck_dropped(k, LW4O6_CNT_B4_DROP_MTU_DF);
	ck_error(sent(k), PUBLIC, SERVER, 3, 4, p, len);
	ck_assert_uint_eq(get16(sent(k) + 26), 1400);
	uint8_t exact[1500];
	tun(k, exact, set_df(exact, mk_udp(exact, SERVER, 80, PUBLIC, port, 1372), true));
	delivered(k);
	tun(k, p, set_df(p, len, false));
	ck_assert_uint_eq(k->n, 2);
	ck_assert_uint_eq(k->out[0].data[6], 0x20);
	ck_assert_uint_eq(k->out[1].len, 1401 - 1396 + 20);
	kit_free(k);

	k = kit_new();
	k->cfg.tunnel_fragment = true;
	kit_start(k);
	lan(k, p, set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, 1433), true));
	ck_assert_uint_eq(k->n, 2);
	ck_assert_uint_eq(k->out[0].data[48 + 6], 0x40); /* DF stays, D-195 */
	kit_free(k);
}
END_TEST

/* D-190, D-203: a smaller payload MTU is obeyed and shown; a larger one than the link allows is not. */
START_TEST(payload_mtu)
{
	static const struct {
		uint32_t link, payload, want;
		bool limit;
	} rows[] = {
		{ 1500, 0, 1460, false },    { 1500, 1400, 1400, false }, { 1500, 9000, 1460, false },
		{ 1280, 0, 1240, false },    { 9000, 0, 8960, false },    { 65535, 0, 9256 - 40, false },
		{ 1500, 0, 1452, true },
	};
	struct kit *k = kit_new();
	struct lw4o6_b4_gauges g;
	static uint8_t p[10000];

	k->cfg.link_mtu = rows[_i].link;
	k->cfg.payload_mtu = rows[_i].payload;
	k->cfg.encap_limit = rows[_i].limit;
	k->cfg.encap_limit_value = 4;
	kit_start(k);
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.tunnel_mtu, rows[_i].want);
	lan(k, p, set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, rows[_i].want - 28 + 1), true));
	ck_dropped(k, LW4O6_CNT_B4_DROP_MTU_DF);
	ck_assert_uint_eq(get16(delivered(k) + 26), rows[_i].want);
	lan(k, p, set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, rows[_i].want - 28), true));
	ck_assert_uint_eq(k->n, 1);
	ck_assert_uint_eq(k->out[0].len, rows[_i].want + (rows[_i].limit ? 48 : 40));
	ck_assert_uint_eq(k->out[0].data[6], rows[_i].limit ? 60 : 4);
	kit_free(k);
}
END_TEST

/* D-077, D-112, D-182: nothing about a later fragment, an error, or a broadcast source. */
START_TEST(silent_about)
{
	struct kit *k = start();
	uint8_t p[256], q[64];
	size_t qlen = mk_udp(q, SERVER, 80, LAN, 4000, 4);
	size_t len = mk_error(p, LAN, SERVER, 3, 3, q, qlen);

	p[8] = 1;
	fix_ip(p);
	lan(k, p, len);
	ck_dropped(k, LW4O6_CNT_B4_DROP_TTL);
	ck_assert_uint_eq(k->n, 0);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_ICMP4_SUPPRESSED_FORBIDDEN), 1);
	len = mk_udp(p, LAN, 1, SERVER, 2, 16);
	be16(p + 6, 10);
	p[8] = 1;
	fix_ip(p);
	lan(k, p, len);
	ck_dropped(k, LW4O6_CNT_B4_DROP_TTL);
	ck_assert_uint_eq(k->n, 0);
	kit_free(k);
}
END_TEST

/* D-127, D-128, D-129: rate, a bucket of its own for too big, the switch. */
START_TEST(icmp_rate)
{
	struct kit *k = kit_new();
	static uint8_t p[2000];
	size_t len;

	k->cfg.icmp_rate = k->cfg.icmp_burst = 0; /* the defaults: 10 */
	kit_start(k);
	for (int i = 0; i < 15; i++) {
		len = mk_udp(p, LAN, 1, SERVER, 2, 4);
		p[8] = 1;
		fix_ip(p);
		lan(k, p, len);
		ck_assert_uint_eq(k->n, i < 10);
	}
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_ICMP4_SUPPRESSED_RATE), 5);
	lan(k, p, set_df(p, mk_udp(p, LAN, 1, SERVER, 2, 1450), true));
	ck_assert_uint_eq(k->n, 1);
	kit_free(k);

	k = kit_new();
	k->cfg.no_icmp4_errors = true;
	kit_start(k);
	len = mk_udp(p, LAN, 1, SERVER, 2, 4);
	p[8] = 1;
	fix_ip(p);
	lan(k, p, len);
	ck_assert_uint_eq(k->n, 0);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_ICMP4_SUPPRESSED_POLICY), 1);
	kit_free(k);
}
END_TEST

/* D-300, D-303: the 1025th flow; the old ones go on; one alarm, one note of exhaustion. */
START_TEST(exhausted)
{
	static const struct {
		uint8_t knob;
		int code;
	} rows[] = { { 0, 13 }, { 1, 1 }, { 255, -1 } };
	struct kit *k = kit_new();
	struct lw4o6_b4_event ev;
	uint8_t p[64];
	unsigned alarms = 0, full = 0;

	k->cfg.exhausted_code = rows[_i].knob;
	kit_start(k);
	for (unsigned i = 0; i < 1024; i++) {
		open_udp(k, LAN, i + 1, SERVER, 80);
		while (lw4o6_b4_event(k->b, &ev))
			if (ev.kind == LW4O6_B4_EV_PORTS_ALARM) {
				ck_assert_uint_eq(i, 921);
				ck_assert_int_eq(ev.space, LW4O6_NAPT_UDP);
				ck_assert_uint_eq(ev.total, 1024);
				alarms++;
			}
	}
	ck_assert_uint_eq(alarms, 1);
	for (int i = 0; i < 3; i++) {
		size_t len = mk_udp(p, LAN, 2000 + (unsigned)i, SERVER, 80, 4);

		lan(k, p, len);
		ck_dropped(k, LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED);
		if (rows[_i].code >= 0)
			ck_error(delivered(k), "192.0.0.2", LAN, 3, (unsigned)rows[_i].code, p, len);
		else
			ck_assert_uint_eq(k->n, 0);
	}
	while (lw4o6_b4_event(k->b, &ev))
		full += ev.kind == LW4O6_B4_EV_PORTS_EXHAUSTED;
	ck_assert_uint_eq(full, 1);
	for (unsigned i = 0; i < 1024; i++)
		open_udp(k, LAN, i + 1, SERVER, 81);
	kit_free(k);
}
END_TEST

/* D-210, D-211, D-213 to D-217, D-219, D-220: marks. */
START_TEST(marks)
{
	static const int want[4][4] = { { 0, 0, 0, -1 }, { 2, 2, 1, 3 }, { 1, 1, 1, 3 }, { 3, 3, 3, 3 } };
	static const uint8_t ecn[4] = { 0, 2, 1, 3 }; /* Not-ECT, ECT0, ECT1, CE */
	struct kit *k = start();
	uint8_t p[64], outer[128];
	uint16_t port = open_udp(k, LAN, 4000, SERVER, 80);

	for (int i = 0; i < 4; i++) {
		for (int o = 0; o < 4; o++) {
			size_t len = mk_udp(p, SERVER, 80, PUBLIC, port, 4);

			p[1] = ecn[i];
			fix_ip(p);
			len = mk_tunnel(outer, p, len);
			outer[0] = 0x62;
			outer[1] = (uint8_t)(0x80 | ecn[o] << 4);
			kit_run(k, LW4O6_SIDE_IPV6, outer, len);
			if (want[i][o] < 0) {
				ck_dropped(k, LW4O6_CNT_DROP_V6_ECN);
				continue;
			}
			/* Columns: Not-ECT, ECT0, ECT1, CE, in the values of the field. */
			ck_assert_uint_eq(delivered(k)[1], 0x28 | (unsigned)(want[i][o]));
		}
	}
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_ECN_ANOMALY_NOT_ECT_CE), 1);
	kit_free(k);

	k = kit_new();
	k->cfg.dscp_pipe = k->cfg.ecn_compat = k->cfg.flow_label_hash = k->cfg.dscp_encap_fixed = true;
	k->cfg.dscp_encap_value = 10;
	k->cfg.hop_limit = 7;
	kit_start(k);
	size_t len = mk_udp(p, LAN, 4000, SERVER, 80, 4);
	p[1] = 0xba;
	fix_ip(p);
	lan(k, p, len);
	ck_assert_uint_eq(get16(k->out[0].data) >> 4 & 0xff, 10 << 2);
	ck_assert(get16(k->out[0].data + 2) != 0);
	ck_assert_uint_eq(k->out[0].data[7], 7);
	ck_assert_uint_eq(sent(k)[1], 0xba);
	len = mk_udp(p, SERVER, 80, PUBLIC, get16(sent(k) + 20), 4);
	len = mk_tunnel(outer, p, len);
	outer[0] = 0x62;
	outer[1] = 0x80;
	kit_run(k, LW4O6_SIDE_IPV6, outer, len);
	ck_assert_uint_eq(delivered(k)[1], 0);
	kit_free(k);
}
END_TEST

/* D-199: a SYN from the LAN and its answer leave with an MSS that fits the tunnel. */
START_TEST(mss)
{
	for (int knob = 0; knob < 3; knob++) {
		struct kit *k = kit_new();
		uint8_t p[64];
		unsigned want = knob == 1 ? 1460 : knob == 2 ? 1300 : 1420;

		k->cfg.no_mss_clamp = knob == 1;
		k->cfg.mss_clamp = knob == 2 ? 1300 : 0;
		kit_start(k);
		size_t len = mk_tcp(p, LAN, 4000, SERVER, 80, 2, 1, 0);
		memcpy(p + len, "\x02\x04\x05\xb4", 4);
		p[32] = 0x60;
		len += 4;
		be16(p + 2, (unsigned)len);
		fix_ip(p);
		fix_l4(p, 16, true);
		lan(k, p, len);
		ck_assert_uint_eq(get16(sent(k) + 42), want);
		ck_assert_uint_eq(kit_count(k, LW4O6_CNT_MSS_CLAMPED), knob != 1);
		kit_free(k);
	}
}
END_TEST

/* D-324, D-326, D-327, D-329: between two LAN hosts; the filter of the target applies. */
START_TEST(hairpin)
{
	struct kit *k = kit_new();
	uint8_t p[64];

	k->cfg.hairpin_3_3 = true;
	kit_start(k);
	uint16_t a = open_udp(k, LAN, 4000, SERVER, 80), b = open_udp(k, LAN2, 5000, SERVER, 80);

	lan(k, p, mk_udp(p, LAN, 4000, PUBLIC, b, 4));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_FILTERED);
	lan(k, p, mk_udp(p, LAN2, 5000, PUBLIC, a, 4)); /* now each has sent to the public address */
	ck_assert_uint_eq(get16(delivered(k) + 20), b);
	ck_assert_uint_eq(get16(delivered(k) + 22), 4000);
	ck_assert_int_eq(memcmp(delivered(k) + 12, &k->rec.ipv4, 4), 0);
	lan(k, p, mk_udp(p, LAN, 4000, PUBLIC, b, 4));
	ck_assert_uint_eq(get16(delivered(k) + 22), 5000);

	size_t len = mk_udp(p, LAN, 4000, PUBLIC, a ^ b ^ 53248 ^ 1, 4);
	while (get16(p + 22) == a || get16(p + 22) == b || get16(p + 22) < 53248 || get16(p + 22) > 54271)
		len = mk_udp(p, LAN, 4000, PUBLIC, 53248 + (get16(p + 22) + 1) % 1024, 4);
	lan(k, p, len);
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	ck_error(delivered(k), "192.0.0.2", LAN, 3, 3, p, len);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_HAIRPIN), 2);
	kit_free(k);
}
END_TEST

/* Hairpin by TCP: a forward serves the LAN as it serves the world (D-324). */
START_TEST(hairpin_tcp)
{
	struct kit *k = start();
	uint8_t p[64];

	kit_forward(k, 6, 53400, LAN2, 80);
	lan(k, p, mk_tcp(p, LAN, 4000, PUBLIC, 53400, 2, 1, 0));
	uint16_t a = (uint16_t)get16(delivered(k) + 20);
	ck_assert_uint_eq(get16(delivered(k) + 22), 80);
	lan(k, p, mk_tcp(p, LAN2, 80, PUBLIC, a, 0x12, 100, 2));
	ck_assert_uint_eq(get16(delivered(k) + 20), 53400);
	ck_assert_uint_eq(get16(delivered(k) + 22), 4000);
	kit_free(k);
}
END_TEST

/* D-243 to D-246: a wrong checksum stays wrong by the same difference; none stays none; UDP-Lite has no none (D-239). */
START_TEST(checksums)
{
	struct kit *k = start();
	uint8_t p[64];
	size_t len = mk_udp(p, LAN, 4000, SERVER, 80, 4);
	unsigned good = get16(p + 26);

	lan(k, p, len);
	unsigned right = get16(sent(k) + 26);
	be16(p + 26, good - 5);
	lan(k, p, len);
	ck_assert_uint_eq(get16(k->out[0].data + 66), right - 5);
	be16(p + 26, 0);
	lan(k, p, len);
	ck_assert_uint_eq(get16(k->out[0].data + 66), 0);

	/* UDP-Lite, coverage of the 8 octets of the header only. */
	p[9] = 136;
	be16(p + 24, 8);
	fix_ip(p);
	be16(p + 26, 0);
	uint32_t sum = lw4o6_cksum_pseudo4(ip4(LAN), ip4(SERVER), (uint16_t)(len - 20), 136);
	be16(p + 26, lw4o6_cksum_finish(lw4o6_cksum_add(sum, p + 20, 8)));
	lan(k, p, len);
	const uint8_t *q = k->out[0].data + 40;
	sum = lw4o6_cksum_pseudo4(ip4(PUBLIC), ip4(SERVER), (uint16_t)(len - 20), 136);
	ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(sum, q + 20, 8)), 0);
	be16(p + 26, 0);
	lan(k, p, len);
	ck_assert_uint_ne(get16(k->out[0].data + 66), 0);
	kit_free(k);
}
END_TEST

/* D-043: one seed, one output. */
START_TEST(reproducible)
{
	struct kit *k[2] = { start(), start() };
	uint8_t p[64];

	for (unsigned i = 0; i < 300; i++) {
		size_t len = mk_udp(p, LAN, 1 + i * 7, SERVER, 80, i % 20);

		if (i & 1)
			set_df(p, len, false);
		for (int j = 0; j < 2; j++)
			lan(k[j], p, len);
		ck_octets(k[0]->out[0].data, k[0]->out[0].len, k[1]->out[0].data, k[1]->out[0].len);
	}
	kit_free(k[0]);
	kit_free(k[1]);
}
END_TEST

/* D-306 to D-309: new identifications: never twice for one destination, none for atomic packets, from the set with the knob. */
START_TEST(identification)
{
	for (int knob = 0; knob < 2; knob++) {
		struct kit *k = kit_new();
		static bool seen[65536];
		uint8_t p[64];

		memset(seen, 0, sizeof(seen));
		k->nat.id_partition = k->nat.atomic_id_zero = knob;
		kit_start(k);
		for (unsigned i = 0; i < 1000; i++) {
			size_t len = set_df(p, mk_udp(p, i & 1 ? LAN : LAN2, 4000, SERVER, 80, 4), false);

			be16(p + 4, 77);
			fix_ip(p);
			lan(k, p, len);
			unsigned id = get16(sent(k) + 4);
			ck_assert(!seen[id]);
			seen[id] = true;
			if (knob)
				ck_assert(lw4o6_psid_has_port(&k->rec.ps, (uint16_t)id));
		}
		ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_ID_REWRITTEN), 1000);
		size_t len = set_df(p, mk_udp(p, LAN, 4000, SERVER, 80, 4), true);
		be16(p + 4, 77);
		fix_ip(p);
		lan(k, p, len);
		ck_assert_uint_eq(get16(sent(k) + 4), knob ? 0 : 77);
		kit_free(k);
	}
}
END_TEST

/* A full output queue stops the burst, not the packets: the rest is taken when it is empty again. */
START_TEST(backpressure)
{
	struct kit *k = start();
	enum { N = 600 };
	static uint8_t buf[N][1600];
	static struct lw4o6_pkt pkts[N];
	struct lw4o6_out o;
	size_t done = 0, rounds = 0, out = 0;

	for (unsigned i = 0; i < N; i++) {
		size_t len = set_df(buf[i], mk_udp(buf[i], LAN, 4000, SERVER, 80, 1460), false);

		pkts[i] = (struct lw4o6_pkt){ .data = buf[i], .len = len };
	}
	while (done < N) {
		size_t n = lw4o6_b4_run(k->b, LW4O6_SIDE_IPV4, pkts + done, N - done, k->now);

		ck_assert_uint_gt(n, 0);
		done += n;
		rounds++;
		while (lw4o6_b4_next_out(k->b, &o))
			out++;
	}
	ck_assert_uint_gt(rounds, 1);
	ck_assert_uint_eq(out, 2 * N);
	kit_free(k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("b4");
	TCase *tc = tcase_create("b4");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, lan_refused, 0, (int)(sizeof(bad_lan) / sizeof(bad_lan[0])));
	tcase_add_test(tc, lan_accepted);
	tcase_add_loop_test(tc, tunnel_refused, 0, (int)(sizeof(bad_tunnel) / sizeof(bad_tunnel[0])));
	tcase_add_test(tc, tunnel_other);
	tcase_add_test(tc, ttl);
	tcase_add_test(tc, mtu);
	tcase_add_loop_test(tc, payload_mtu, 0, 7);
	tcase_add_test(tc, silent_about);
	tcase_add_test(tc, icmp_rate);
	tcase_add_loop_test(tc, exhausted, 0, 3);
	tcase_add_test(tc, marks);
	tcase_add_test(tc, mss);
	tcase_add_test(tc, hairpin);
	tcase_add_test(tc, hairpin_tcp);
	tcase_add_test(tc, checksums);
	tcase_add_test(tc, reproducible);
	tcase_add_test(tc, identification);
	tcase_add_test(tc, backpressure);
	suite_add_tcase(s, tc);
	return test_main(s);
}
