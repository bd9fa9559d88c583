/* Into a softwire: validity, lookup, TTL, MTU, inbound ICMPv4 (data-plane 3.3, 3.5, 3.7, 3.12). */
#include "aftr_rig.h"
#include "failmem.h"

#define V4 LW4O6_SIDE_IPV4
#define V6 LW4O6_SIDE_IPV6
#define SERVER "198.51.100.7"

static uint8_t p[RIG_PKT], want[RIG_PKT];

/* The IPv4 packet at @p ip comes out in the tunnel to @p b4, one hop later. */
static void expect_tunnelled(struct rig *r, const char *b4, const uint8_t *ip, size_t len)
{
	struct in6_addr src = rig_a6(RIG_AFTR), dst = rig_a6(b4);

	memcpy(want, ip, len);
	want[8]--;
	rig_fix4(want);
	rig_wrap(want, b4, 4, len);
	memcpy(want + 8, &src, 16);
	memcpy(want + 24, &dst, 16);
	want[0] = (uint8_t)(0x60 | ip[1] >> 4);
	want[1] = (uint8_t)(ip[1] << 4);
	rig_expect_octets(r, V6, want, 40 + len);
}

/* One change of V1d. */
static const struct {
	const char *row;
	size_t at;
	uint8_t value;
	bool fix;
	const char *counted;
	unsigned out;
} mutations[] = {
	{ "D-038 version", 0, 0x65, false, "drop-v4-not-ipv4=1", 0 },
	{ "D-038 IHL 4", 0, 0x44, false, "rcvd-ipv4=1 drop-v4-header-malformed=1", 0 },
	{ "D-038 total < IHL", 3, 19, true, "rcvd-ipv4=1 drop-v4-header-malformed=1", 0 },
	{ "D-038 total > there", 3, 37, true, "rcvd-ipv4=1 drop-v4-truncated=1", 0 },
	{ "D-038 IHL 15 of 36", 0, 0x4f, false, "rcvd-ipv4=1 drop-v4-header-malformed=1", 0 },
	{ "D-038 checksum", 10, 0, false, "rcvd-ipv4=1 drop-v4-header-checksum=1", 0 },
	{ "D-081 source 0/8", 12, 0, true, "rcvd-ipv4=1 drop-v4-martian-source=1", 0 },
	{ "D-081 source 127/8", 12, 127, true, "rcvd-ipv4=1 drop-v4-martian-source=1", 0 },
	{ "D-081 source multicast", 12, 224, true, "rcvd-ipv4=1 drop-v4-martian-source=1", 0 },
	{ "D-081 source class E", 12, 240, true, "rcvd-ipv4=1 drop-v4-martian-source=1", 0 },
	{ "D-081 destination multicast", 16, 224, true, "rcvd-ipv4=1 drop-v4-martian-dest=1", 0 },
	{ "D-081 destination 127/8", 16, 127, true, "rcvd-ipv4=1 drop-v4-martian-dest=1", 0 },
	{ "D-081 broadcast", 16, 255, true, "rcvd-ipv4=1 drop-v4-martian-dest=1", 0 },
	{ "D-075 not managed", 19, 0x13, true,
	  "rcvd-ipv4=1 drop-v4-address-unbound=1 out-icmpv4-error=1 icmp4-out-3-1=1", 1 },
	{ "D-075 port nobody has", 22, 0x10, false,
	  "rcvd-ipv4=1 drop-v4-port-unbound=1 out-icmpv4-error=1 icmp4-out-3-1=1", 1 },
	{ "D-235 GRE", 9, 47, true, "rcvd-ipv4=1 drop-v4-no-port-protocol=1 out-icmpv4-error=1 icmp4-out-3-1=1", 1 },
	{ "D-235 ESP", 9, 50, true, "rcvd-ipv4=1 drop-v4-no-port-protocol=1 out-icmpv4-error=1 icmp4-out-3-1=1", 1 },
	{ "D-076 TTL 1", 8, 1, true, "rcvd-ipv4=1 drop-v4-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1", 1 },
	{ "D-076 TTL 0", 8, 0, true, "rcvd-ipv4=1 drop-v4-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1", 1 },
};

START_TEST(one_change)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V1d");

	p[mutations[_i].at] = mutations[_i].value;
	if (mutations[_i].fix)
		rig_fix4(p);
	ck_assert_msg(rig_give(r, V4, p, len) == LW4O6_VERDICT_DROP, "%s", mutations[_i].row);
	ck_assert_msg(r->n_out == mutations[_i].out, "%s: %zu out", mutations[_i].row, r->n_out);
	rig_counted(r, mutations[_i].counted);
	if (r->n_out == 1) { /* D-118: from the address towards the Internet, to the source, quoting it all */
		struct in_addr from = rig_a4("203.0.113.1");

		ck_assert_int_eq(r->out[0].side, V4);
		ck_assert(memcmp(r->out[0].data + 12, &from, 4) == 0 && memcmp(r->out[0].data + 16, p + 12, 4) == 0);
		ck_octets(r->out[0].data + 28, r->out[0].len - 28, p, len);
	}
	rig_free(r);
}
END_TEST

/* D-037: truncations and garbage of each length. */
START_TEST(every_truncation)
{
	static const char *const names[] = { "V1d", "V2a", "V2d", "V2e", "V3a", "V4a", "V8c", "V10a" };
	struct rig *r = rig_new(NULL);

	for (size_t v = 0; v < sizeof(names) / sizeof(names[0]); v++) {
		size_t len = rig_vector(p, names[v]);

		for (size_t n = 0; n < len; n++) {
			ck_assert_int_eq(rig_give(r, V4, p, n), LW4O6_VERDICT_DROP);
			rig_nothing(r);
		}
	}
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_SENT_IPV6], 0);
	rig_free(r);
}
END_TEST

/* D-072, D-234, D-237: the destination port, of five protocols; 3 octets are too few. */
START_TEST(ports)
{
	static const unsigned protocols[] = { 6, 17, 33, 132, 136 };
	struct rig *r = rig_new(NULL);
	uint8_t l4[20] = { 0, 80, 0xd4, 0x1c };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		size_t len = rig_ip4(p, SERVER, "192.0.2.18", protocols[i], l4, 20);

		rig_give(r, V4, p, len);
		expect_tunnelled(r, RIG_B4B, p, len);
		rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
		rig_give(r, V4, p, rig_ip4(p, SERVER, "192.0.2.18", protocols[i], l4, 3));
		rig_nothing(r);
		rig_counted(r, "rcvd-ipv4=1 drop-v4-truncated=1");
	}
	rig_free(r);
}
END_TEST

/* D-045, D-046, D-039, D-084: options and padding; source routes carried or, by the knob, dropped. */
START_TEST(options)
{
	for (int drop = 0; drop < 2; drop++) {
		struct lw4o6_aftr_config c = rig_config();
		c.drop_source_route = drop;
		struct rig *r = rig_new(&c);
		uint8_t l4[60] = { 131, 39, 4 };
		size_t len;

		l4[42] = 0xd0;
		l4[43] = 2;
		len = rig_ip4(p, SERVER, "192.0.2.18", 17, l4, 50);
		p[0] = 0x4f;
		rig_fix4(p);
		memset(p + len, 0xee, 30);
		rig_give(r, V4, p, len + 30);
		if (drop) {
			rig_nothing(r);
			rig_counted(r, "rcvd-ipv4=1 drop-v4-source-route=1");
		} else {
			expect_tunnelled(r, RIG_B4A, p, len);
			rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
			ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->octets[LW4O6_CNT_RCVD_IPV4], len);
		}
		/* to the AFTR itself: dropped whatever the knob says */
		p[19] = 1;
		p[16] = 203;
		p[17] = 0;
		p[18] = 113;
		rig_fix4(p);
		rig_give(r, V4, p, len);
		rig_counted(r, "rcvd-ipv4=1 drop-v4-source-route=1");
		rig_free(r);
	}
}
END_TEST

/* D-082: the pool as a source from outside; off with hairpinning off, or by its knob. */
START_TEST(spoofed_source)
{
	static const struct { enum lw4o6_aftr_hairpin hairpin; enum lw4o6_aftr_switch knob; bool drop; } rows[] = {
		{ LW4O6_AFTR_HAIRPIN_ON, LW4O6_AFTR_DEFAULT, true },
		{ LW4O6_AFTR_HAIRPIN_FORWARD, LW4O6_AFTR_DEFAULT, false },
		{ LW4O6_AFTR_HAIRPIN_ON, LW4O6_AFTR_OFF, false },
		{ LW4O6_AFTR_HAIRPIN_DROP, LW4O6_AFTR_ON, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_aftr_config c = rig_config();
		c.hairpin = rows[i].hairpin;
		c.v4_antispoof = rows[i].knob;
		struct rig *r = rig_new(&c);

		rig_give(r, V4, p, rig_udp(p, "192.0.2.99", 80, "192.0.2.18", 53250, 10));
		rig_counted(r, rows[i].drop ? "rcvd-ipv4=1 drop-v4-spoofed-source=1" : "rcvd-ipv4=1 sent-ipv6=1");
		rig_free(r);
	}
}
END_TEST

/* D-070: pings of the concentrator; 192.0.0.1 is no address of the Internet; D-095: its switch does not matter. */
START_TEST(own_address)
{
	struct lw4o6_aftr_config c = rig_config();
	c.no_incoming_icmp4 = true;
	struct rig *r = rig_new(&c);
	uint8_t echo[16] = { 8, 0, 0, 0, 1, 2, 3, 4, 'a' };
	size_t len = rig_ip4(p, SERVER, "203.0.113.1", 1, echo, 16);

	rig_fix_icmp4(p);
	ck_assert_int_eq(rig_give(r, V4, p, len), LW4O6_VERDICT_EMIT4);
	ck_assert(memcmp(r->out[0].data + 12, p + 16, 4) == 0 && memcmp(r->out[0].data + 16, p + 12, 4) == 0);
	ck_assert_uint_eq(r->out[0].data[20], 0);
	ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(0, r->out[0].data + 20, 16)), 0);
	rig_counted(r, "rcvd-ipv4=1");
	rig_clear(r);
	p[25] ^= 1;
	rig_give(r, V4, p, len);
	rig_give(r, V4, p, rig_udp(p, SERVER, 80, "203.0.113.1", 53250, 10));
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=2 drop-v4-local=2");
	rig_give(r, V4, p, rig_udp(p, SERVER, 80, "192.0.0.1", 53250, 10));
	rig_counted(r, "rcvd-ipv4=1 drop-v4-address-unbound=1 out-icmpv4-error=1 icmp4-out-3-1=1");
	rig_free(r);
}
END_TEST

/* D-079: with the limit option the payload length does not hold the largest inner packets: counted, never lost. */
START_TEST(over_the_payload_length)
{
	struct lw4o6_aftr_config c = rig_config();
	c.encap_limit = true;
	c.encap_limit_value = 4;
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 65528 - 28);

	p[6] = 0;
	rig_fix4(p);
	ck_assert_int_eq(rig_give(r, V4, p, len), LW4O6_VERDICT_DROP);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-mtu-df=1");
	len = rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 65527 - 28);
	p[6] = 0;
	rig_fix4(p);
	ck_assert_int_eq(rig_give(r, V4, p, len), LW4O6_VERDICT_OUTQ);
	ck_assert_uint_gt(r->n_out, 40);
	rig_free(r);
}
END_TEST

/* D-074, D-073: the outer source is the entry's own; hop limit and traffic class by the settings. */
START_TEST(outer_header)
{
	struct lw4o6_aftr_config c = rig_config();
	c.hop_limit = 17;
	c.dscp_encap_fixed = true;
	c.dscp_encap_value = 10;
	c.ecn_compat = true;
	c.flow_label_hash = true;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V1d");

	p[1] = 0x03;
	rig_fix4(p);
	rig_give(r, V4, p, len);
	rig_give(r, V4, p, len);
	const uint8_t *d = r->out[0].data;
	ck_assert_uint_eq(d[7], 17);
	ck_assert_uint_eq((d[0] & 15u) << 4 | d[1] >> 4, 10 << 2);
	ck_assert_uint_ne((d[1] & 15u) << 16 | (unsigned)d[2] << 8 | d[3], 0);
	ck_octets(d, 40, r->out[1].data, 40);
	rig_free(r);
}
END_TEST

/* D-079: with the limit option the header is 48 octets in every computation. */
START_TEST(encapsulation_limit)
{
	struct lw4o6_aftr_config c = rig_config();
	c.encap_limit = true;
	c.encap_limit_value = 4;
	struct rig *r = rig_new(&c);

	rig_give(r, V4, p, rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 1452 - 28));
	ck_assert_uint_eq(r->n_out, 1);
	ck_assert_uint_eq(r->out[0].len, 1500);
	ck_assert_uint_eq(r->out[0].data[6], 60);
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
	rig_give(r, V4, p, rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 1453 - 28));
	ck_assert_uint_eq((unsigned)r->out[1].data[26] << 8 | r->out[1].data[27], 1452);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-mtu-df=1 out-icmpv4-error=1 icmp4-out-3-4=1");
	rig_free(r);
}
END_TEST

/* D-076 before D-077: TTL 1 and too big gives 11/0. D-078, D-163, D-194, D-195 around the limit. */
START_TEST(sizes)
{
	struct lw4o6_aftr_config c = rig_config();
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 1472);

	p[8] = 1;
	rig_fix4(p);
	rig_give(r, V4, p, len);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1");
	rig_clear(r);
	for (unsigned df = 0; df < 2; df++) {
		for (size_t n = 1459; n <= 1461; n++) {
			len = rig_udp(p, SERVER, 80, "192.0.2.18", 53250, n - 28);
			p[6] = df ? 0x40 : 0;
			rig_fix4(p);
			enum lw4o6_verdict v = rig_give(r, V4, p, len);
			if (n <= 1460) {
				ck_assert_int_eq(v, LW4O6_VERDICT_EMIT6);
				expect_tunnelled(r, RIG_B4A, p, len);
				rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
			} else if (df) {
				ck_assert_int_eq(v, LW4O6_VERDICT_DROP);
				rig_counted(r, "rcvd-ipv4=1 drop-v4-mtu-df=1 out-icmpv4-error=1 icmp4-out-3-4=1");
			} else {
				ck_assert_int_eq(v, LW4O6_VERDICT_OUTQ);
				ck_assert_uint_eq(r->n_out, 2);
				rig_counted(r, "rcvd-ipv4=1 sent-ipv6=2 frag6-out-packets=1 frag6-out-fragments=2");
			}
			rig_clear(r);
		}
	}
	rig_free(r);

	c.tunnel_fragment = true;
	r = rig_new(&c);
	len = rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 1472);
	rig_give(r, V4, p, len);
	ck_assert_uint_eq(r->n_out, 2);
	ck_assert_uint_eq(r->out[0].data[48 + 6], 0x40); /* DF is still there */
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=2 frag6-out-packets=1 frag6-out-fragments=2");
	rig_free(r);
}
END_TEST

/* D-189, D-190, D-193: link MTU, payload MTU of the instance and of a softwire, path MRU; the least counts. */
START_TEST(tunnel_mtu)
{
	static const struct { uint32_t link, payload, mru; uint16_t own; uint32_t want; } rows[] = {
		{ 0, 0, 0, 0, 1460 },       { 1540, 0, 0, 0, 1500 },      { 1280, 0, 0, 0, 1240 },
		{ 9000, 0, 0, 0, 8960 },    { 65535, 0, 0, 0, 9216 },     { 9000, 1500, 0, 0, 1500 },
		{ 1500, 2000, 0, 0, 1460 }, { 1500, 0, 0, 1300, 1300 },   { 1500, 1400, 0, 1300, 1300 },
		{ 1500, 0, 0, 9000, 1460 }, { 9000, 0, 1500, 0, 1460 },   { 1500, 0, 0, 600, 1240 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_aftr_config c = rig_config();
		struct lw4o6_aftr_softwire sw;
		struct lw4o6_binding b;

		c.link_mtu = rows[i].link;
		c.payload_mtu = rows[i].payload;
		c.path_mru = rows[i].mru;
		struct rig *r = rig_new(&c);
		ck_assert(lw4o6_bindtab_find(r->tab, rig_a4("192.0.2.18"), 53250, r->now, &b));
		b.mtu = rows[i].own;
		ck_assert_int_eq(lw4o6_bindtab_set(r->tab, &b, r->now), LW4O6_OK);
		ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 53250, r->now, &sw));
		ck_assert_msg(sw.tunnel_mtu == rows[i].want, "row %zu: %u", i, sw.tunnel_mtu);
		rig_give(r, V4, p, rig_udp(p, SERVER, 80, "192.0.2.18", 53250, rows[i].want - 28));
		rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
		rig_free(r);
	}
}
END_TEST

/* D-205 on this side: the TTL stays; 1 passes, 0 does not. */
START_TEST(ttl_left_to_others)
{
	struct lw4o6_aftr_config c = rig_config();
	c.no_ttl_ipv4 = true;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V1d");

	p[8] = 1;
	rig_fix4(p);
	rig_give(r, V4, p, len);
	ck_octets(r->out[0].data + 40, r->out[0].len - 40, p, len);
	p[8] = 0;
	rig_fix4(p);
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
	rig_give(r, V4, p, len);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1");
	rig_clear(r);
	rig_send(r, V6, "V5a"); /* a hairpin is one hop all the same */
	rig_expect(r, V6, "V5b");
	rig_free(r);
}
END_TEST

/* ---- inbound ICMPv4 ---- */

/* One change of V2a; "fix" makes the ICMP checksum right again. Nothing is ever sent (D-106). */
static const struct {
	const char *row;
	size_t at;
	uint8_t value;
	int fix; /* 1: ICMP checksum, 2: the quoted header's too */
	const char *counted;
} icmp[] = {
	{ "D-096", 60, 0, 0, "drop-icmp4-checksum=1" },
	{ "D-099", 28 + 15, 0x63, 2, "drop-icmp4-embedded-mismatch=1" },
	{ "D-100 version", 28, 0x65, 2, "drop-icmp4-embedded-bad=1" },
	{ "D-100 IHL", 28, 0x44, 2, "drop-icmp4-embedded-bad=1" },
	{ "D-100 checksum", 28 + 10, 0, 1, "drop-icmp4-embedded-bad=1" },
	{ "D-100 IHL past total length", 28, 0x4f, 1, "drop-icmp4-embedded-bad=1" },
	{ "D-103", 28 + 7, 1, 2, "drop-icmp4-embedded-bad=1" },
	{ "D-104 GRE", 28 + 9, 47, 2, "drop-icmp4-embedded-bad=1" },
	{ "D-106 nobody's port", 28 + 20, 0x10, 1, "drop-icmp4-unbound=1" },
	{ "D-107 source quench", 20, 4, 1, "drop-icmp4-type=1" },
	{ "D-107 redirect", 20, 5, 1, "drop-icmp4-type=1" },
	{ "D-107 router advertisement", 20, 9, 1, "drop-icmp4-type=1" },
	{ "D-107 timestamp", 20, 13, 1, "drop-icmp4-type=1" },
	{ "D-107 address mask", 20, 17, 1, "drop-icmp4-type=1" },
	{ "D-107 unknown", 20, 40, 1, "drop-icmp4-type=1" },
};

START_TEST(icmp_refused)
{
	struct rig *r = rig_new(NULL);
	char counted[100];
	size_t len = rig_vector(p, "V2a");

	p[icmp[_i].at] = icmp[_i].value;
	if (icmp[_i].fix == 2)
		rig_fix4(p + 28);
	if (icmp[_i].fix)
		rig_fix_icmp4(p);
	ck_assert_msg(rig_give(r, V4, p, len) == LW4O6_VERDICT_DROP, "%s", icmp[_i].row);
	rig_nothing(r);
	snprintf(counted, sizeof(counted), "rcvd-ipv4=1 %s", icmp[_i].counted);
	rig_counted(r, counted);
	rig_free(r);
}
END_TEST

/* D-105, D-107, D-109: types 3, 11, 12 pass as they are, MTU, extensions and a wrong quoted L4 sum included. */
START_TEST(icmp_forwarded)
{
	static const uint8_t types[][2] = { { 3, 4 }, { 3, 0 }, { 11, 0 }, { 11, 1 }, { 12, 0 } };
	struct rig *r = rig_new(NULL);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t len = rig_vector(p, "V2a");

		p[20] = types[i][0];
		p[21] = types[i][1];
		p[25] = 9;       /* RFC 4884 length */
		p[27] = 68;      /* MTU */
		p[28 + 26] ^= 1; /* quoted UDP checksum */
		memset(p + len, 0, 60);
		p[len + 40] = 0x20; /* an extension */
		len += 60;
		p[3] = (uint8_t)len;
		rig_fix4(p);
		rig_fix_icmp4(p);
		rig_give(r, V4, p, len);
		expect_tunnelled(r, RIG_B4A, p, len);
	}
	rig_counted(r, "rcvd-ipv4=5 sent-ipv6=5");
	rig_free(r);
}
END_TEST

/* D-101: the quote of an echo cut at each octet. */
START_TEST(icmp_quote_cut)
{
	struct rig *r = rig_new(NULL);

	for (size_t quote = 0; quote <= 28; quote++) {
		size_t len = rig_vector(p, "V2e");

		len = 28 + quote;
		p[3] = (uint8_t)len;
		rig_fix4(p);
		rig_fix_icmp4(p);
		rig_give(r, V4, p, len);
		rig_counted(r, quote < 26 ? "rcvd-ipv4=1 drop-icmp4-truncated=1" : "rcvd-ipv4=1 sent-ipv6=1");
	}
	rig_free(r);
}
END_TEST

/* D-101, D-237: less than an ICMP header. */
START_TEST(icmp_short)
{
	struct rig *r = rig_new(NULL);

	for (size_t n = 0; n <= 8; n++) {
		uint8_t echo[8] = { 0, 0, 0, 0, 0xd0, 4, 0, 1 };
		size_t len = rig_ip4(p, SERVER, "192.0.2.18", 1, echo, n);

		if (n >= 4)
			rig_fix_icmp4(p);
		rig_give(r, V4, p, len);
		rig_counted(r, n < 8 ? "rcvd-ipv4=1 drop-icmp4-truncated=1" : "rcvd-ipv4=1 sent-ipv6=1");
	}
	rig_free(r);
}
END_TEST

/* D-095: the switch, and the rate of errors; pings are not errors. */
START_TEST(icmp_policy)
{
	struct lw4o6_aftr_config c = rig_config();
	c.no_incoming_icmp4 = true;
	struct rig *r = rig_new(&c);

	rig_send(r, V4, "V2a");
	rig_send(r, V4, "V8c");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=2 drop-icmp4-policy=2 dropped-icmpv4=2");
	rig_send(r, V4, "V1d");
	rig_expect(r, V6, "V1e");
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
	rig_free(r);

	c.no_incoming_icmp4 = false;
	c.icmp4_in_rate = 10;
	c.icmp4_in_burst = 3;
	r = rig_new(&c);
	for (unsigned i = 0; i < 5; i++)
		rig_send(r, V4, "V2a");
	rig_counted(r, "rcvd-ipv4=5 sent-ipv6=3 drop-icmp4-rate=2 dropped-icmpv4=2");
	for (unsigned i = 0; i < 5; i++)
		rig_send(r, V4, "V8c");
	rig_counted(r, "rcvd-ipv4=5 sent-ipv6=5");
	r->now += LW4O6_SEC / 10;
	rig_send(r, V4, "V2a");
	rig_send(r, V4, "V2a");
	rig_counted(r, "rcvd-ipv4=2 sent-ipv6=1 drop-icmp4-rate=1 dropped-icmpv4=1");
	rig_free(r);
}
END_TEST

/* D-103, D-104, D-108, D-169: a whole address gets every ICMP and every fragment. */
START_TEST(whole_address)
{
	struct rig *r = rig_new(NULL);
	uint8_t l4[40] = { 0 };

	for (unsigned type = 0; type < 256; type++) {
		l4[0] = (uint8_t)type;
		size_t len = rig_ip4(p, SERVER, "192.0.2.99", 1, l4, 40);

		p[6] = 0;
		p[7] = type % 2 ? 3 : 0;
		rig_fix4(p);
		rig_give(r, V4, p, len);
		expect_tunnelled(r, "2001:db8:99::99", p, len);
	}
	rig_counted(r, "rcvd-ipv4=256 sent-ipv6=256");
	rig_give(r, V4, p, rig_ip4(p, SERVER, "192.0.2.99", 47, l4, 40));
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
	rig_free(r);
}
END_TEST

/* D-025: an entry ends at its instant, reaped or not. D-028, D-024: a changed B4 address counts at once. */
START_TEST(lifetimes_and_changes)
{
	struct rig *r = rig_new(NULL);
	struct lw4o6_binding b;

	ck_assert(lw4o6_bindtab_find(r->tab, rig_a4("192.0.2.18"), 53250, r->now, &b));
	b.expires = r->now + LW4O6_SEC;
	ck_assert_int_eq(lw4o6_bindtab_set(r->tab, &b, r->now), LW4O6_OK);
	r->now = b.expires - 1;
	rig_send(r, V4, "V1d");
	rig_send(r, V6, "V1b");
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1 rcvd-ipv6=1 sent-ipv4=1");
	r->now++;
	rig_send(r, V4, "V1d");
	rig_send(r, V6, "V1b");
	rig_counted(r, "rcvd-ipv4=1 drop-v4-port-unbound=1 rcvd-ipv6=1 drop-v6-port-unbound=1 out-icmpv4-error=1 "
	               "icmp4-out-3-1=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	b.expires = LW4O6_TIME_NONE;
	b.b4 = rig_a6("2001:db8:77::1");
	ck_assert_int_eq(lw4o6_bindtab_set(r->tab, &b, r->now), LW4O6_OK);
	rig_clear(r);
	size_t len = rig_vector(p, "V1d");
	rig_give(r, V4, p, len);
	expect_tunnelled(r, "2001:db8:77::1", p, len);
	rig_send(r, V6, "V1b");
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1 rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	/* the new subscriber's counters start at nothing */
	struct lw4o6_aftr_softwire sw;
	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 53250, r->now, &sw));
	ck_assert(sw.rcvd_ipv4 == 1 && sw.rcvd_ipv6 == 0);
	rig_free(r);
}
END_TEST

/* Two tables: the second is asked when the first has nothing, in both directions. */
START_TEST(second_table)
{
	struct rig *r = rig_new(NULL), *other = rig_new(NULL);

	rig_bind(other, "192.0.2.50", 6, 1, "2001:db8:50::1");
	lw4o6_aftr_set_table(r->a, 1, other->tab);
	size_t len = rig_udp(p, SERVER, 80, "192.0.2.50", 1024, 10);
	rig_give(r, V4, p, len);
	expect_tunnelled(r, "2001:db8:50::1", p, len);
	rig_give(r, V6, p, rig_wrap(p, "2001:db8:50::1", 4, rig_udp(p, "192.0.2.50", 1024, SERVER, 80, 10)));
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1 rcvd-ipv6=1 sent-ipv4=1");
	rig_give(r, V6, p, rig_from_a(p, 53250, "192.0.2.50", 1024, 10));
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 hairpin-ipv4=1");
	struct lw4o6_aftr_softwire sw;
	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.50"), 1024, r->now, &sw));
	ck_assert(sw.rcvd_ipv4 == 1 && sw.sent_ipv6 == 2 && sw.rcvd_ipv6 == 1);
	lw4o6_aftr_set_table(r->a, 0, NULL);
	rig_send(r, V4, "V1d"); /* the other rig's table has A too */
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
	lw4o6_aftr_set_table(r->a, 1, NULL);
	rig_send(r, V4, "V1d");
	rig_counted(r, "rcvd-ipv4=1 drop-v4-address-unbound=1 out-icmpv4-error=1 icmp4-out-3-1=1");
	rig_free(r);
	rig_free(other);
}
END_TEST

/* D-080: an entry that names one of our addresses as its B4 is never used. */
START_TEST(our_own_b4)
{
	struct lw4o6_aftr_addr addrs[2] = { { rig_a6(RIG_AFTR), false }, { rig_a6("2001:db8:ffff::2"), false } };
	struct lw4o6_aftr_config c = rig_config();

	c.addrs = addrs;
	c.n_addrs = 2;
	struct rig *r = rig_new(&c);
	rig_bind(r, "192.0.2.60", 0, 0, "2001:db8:ffff::2");
	rig_give(r, V4, p, rig_udp(p, SERVER, 80, "192.0.2.60", 1024, 10));
	rig_counted(r, "rcvd-ipv4=1 drop-v4-port-unbound=1 out-icmpv4-error=1 icmp4-out-3-1=1");
	rig_free(r);
}
END_TEST

/* Settings out of range are refused. */
START_TEST(settings_refused)
{
	struct lw4o6_aftr_addr bad = { rig_a6("fe80::1"), false };
	struct lw4o6_host host = { NULL, test_random, NULL };
	struct lw4o6_aftr_config c[9];
	struct lw4o6_aftr *a = NULL;
	TALLOC_CTX *mem = talloc_new(NULL);

	for (size_t i = 0; i < 9; i++)
		c[i] = rig_config();
	c[0].n_addrs = 0;
	c[1].addrs = &bad;
	c[2].icmp4_source_internet = rig_a4("192.0.0.1");
	c[3].icmp4_source_internet = rig_a4("127.0.0.1");
	c[4].link_mtu = 1279;
	c[5].ipv4_mtu = 575;
	c[6].pmtu_age_s = 299;
	c[7].dscp_encap_value = 64;
	c[8].outq_size = 1000;
	for (size_t i = 0; i < 9; i++)
		ck_assert_msg(lw4o6_aftr_new(mem, &a, &c[i], &host) == LW4O6_EINVAL, "row %zu", i);
	ck_assert_ptr_null(a);
	ck_assert_uint_eq(talloc_total_blocks(mem), 1);
	talloc_free(mem);
}
END_TEST

/* Each allocation of the data path fails once: nothing stays behind. */
START_TEST(out_of_memory)
{
	struct test_rng rng = { 1 };
	struct lw4o6_host host = { &rng, test_random, NULL };
	struct lw4o6_aftr_config c = rig_config();
	TALLOC_CTX *mem = talloc_new(NULL);
	struct lw4o6_aftr *a = NULL;
	unsigned n = 1;

	for (;; n++) {
		failmem_at = n;
		int err = lw4o6_aftr_new(mem, &a, &c, &host);
		failmem_at = 0;
		if (err == LW4O6_OK)
			break;
		ck_assert_int_eq(err, LW4O6_ENOMEM);
		ck_assert_ptr_null(a);
		ck_assert_uint_eq(talloc_total_blocks(mem), 1);
	}
	ck_assert_uint_gt(n, 10);
	talloc_free(mem);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aftr_down");
	TCase *t = tcase_create("down");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_loop_test(t, one_change, 0, (int)(sizeof(mutations) / sizeof(mutations[0])));
	tcase_add_test(t, every_truncation);
	tcase_add_test(t, ports);
	tcase_add_test(t, options);
	tcase_add_test(t, spoofed_source);
	tcase_add_test(t, own_address);
	tcase_add_test(t, over_the_payload_length);
	tcase_add_test(t, outer_header);
	tcase_add_test(t, encapsulation_limit);
	tcase_add_test(t, sizes);
	tcase_add_test(t, tunnel_mtu);
	tcase_add_test(t, ttl_left_to_others);
	tcase_add_loop_test(t, icmp_refused, 0, (int)(sizeof(icmp) / sizeof(icmp[0])));
	tcase_add_test(t, icmp_forwarded);
	tcase_add_test(t, icmp_quote_cut);
	tcase_add_test(t, icmp_short);
	tcase_add_test(t, icmp_policy);
	tcase_add_test(t, whole_address);
	tcase_add_test(t, lifetimes_and_changes);
	tcase_add_test(t, second_table);
	tcase_add_test(t, our_own_b4);
	tcase_add_test(t, settings_refused);
	tcase_add_test(t, out_of_memory);
	suite_add_tcase(s, t);
	return test_main(s);
}
