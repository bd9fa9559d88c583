/* Out of a softwire: validity, extension headers, the binding check, TTL, MTU, hairpins (data-plane 3.3, 3.4, 3.6). */
#include "aftr_rig.h"

#define V4 LW4O6_SIDE_IPV4
#define V6 LW4O6_SIDE_IPV6
#define SERVER "198.51.100.7"

static uint8_t p[RIG_PKT], want[RIG_PKT];

/* The IPv4 packet at @p ip comes out one hop later. */
static void expect_routed(struct rig *r, const uint8_t *ip, size_t len)
{
	memcpy(want, ip, len);
	want[8]--;
	rig_fix4(want);
	rig_expect_octets(r, V4, want, len);
}

/* One change of V1b, the reason it is dropped for, ICMPv6 that comes out. */
static const struct {
	const char *row;
	size_t at;
	uint8_t value;
	bool fix; /* the inner checksum */
	const char *counted;
	unsigned out;
} mutations[] = {
	{ "D-040 version", 0, 0x4b, false, "drop-v6-not-ipv6=1", 0 },
	{ "D-040 payload longer than there", 5, 0x25, false, "drop-v6-truncated=1", 0 },
	{ "D-040 jumbogram", 5, 0, false, "drop-v6-truncated=1", 0 },
	{ "D-048 another address", 39, 2, false, "drop-v6-not-local=1", 0 },
	{ "D-048 multicast", 24, 0xff, false, "drop-v6-not-local=1", 0 },
	{ "D-054 next header UDP", 6, 17, false, "drop-v6-unknown-next-header=1 out-icmpv6-error=1 icmp6-out-4-1=1", 1 },
	{ "D-054 no next header", 6, 59, false, "drop-v6-unknown-next-header=1", 0 },
	{ "D-056 inner version", 40, 0x65, true, "rcvd-ipv6=1 drop-v6-inner-malformed=1", 0 },
	{ "D-056 inner IHL 4", 40, 0x44, true, "rcvd-ipv6=1 drop-v6-inner-malformed=1", 0 },
	{ "D-056 inner IHL 15", 40, 0x4f, false, "rcvd-ipv6=1 drop-v6-inner-malformed=1", 0 },
	{ "D-056 inner longer than there", 43, 0x25, true, "rcvd-ipv6=1 drop-v6-inner-malformed=1", 0 },
	{ "D-056 inner shorter than its header", 43, 19, true, "rcvd-ipv6=1 drop-v6-inner-malformed=1", 0 },
	{ "D-056 inner checksum", 51, 0, false, "rcvd-ipv6=1 drop-v6-inner-checksum=1", 0 },
	{ "D-060 address not managed", 55, 0x13, true,
	  "rcvd-ipv6=1 drop-v6-address-unbound=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
	{ "D-060 port nobody has", 60, 0x10, false,
	  "rcvd-ipv6=1 drop-v6-port-unbound=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
	{ "D-060 B's port", 60, 0xd4, false, "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
	{ "D-016 another /128 of the /64", 23, 0x33, false,
	  "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
	{ "D-065 destination 127/8", 56, 127, true, "rcvd-ipv6=1 drop-v6-inner-martian=1", 0 },
	{ "D-065 destination 0/8", 56, 0, true, "rcvd-ipv6=1 drop-v6-inner-martian=1", 0 },
	{ "D-065 destination multicast", 56, 224, true, "rcvd-ipv6=1 drop-v6-inner-martian=1", 0 },
	{ "D-065 destination class E", 56, 255, true, "rcvd-ipv6=1 drop-v6-inner-martian=1", 0 },
	{ "D-066 TTL 1", 48, 1, true,
	  "rcvd-ipv6=1 drop-v6-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1 sent-ipv6=1", 1 },
	{ "D-066 TTL 0", 48, 0, true,
	  "rcvd-ipv6=1 drop-v6-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1 sent-ipv6=1", 1 },
	{ "D-236 GRE", 49, 47, true,
	  "rcvd-ipv6=1 drop-v6-no-port-protocol=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
	{ "D-230 IPIP", 49, 4, true, "rcvd-ipv6=1 drop-v6-no-port-protocol=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
	{ "D-236 ESP", 49, 50, true, "rcvd-ipv6=1 drop-v6-no-port-protocol=1 out-icmpv6-error=1 icmp6-out-1-5=1", 1 },
};

/* D-037, D-038, D-040, D-048, D-054, D-056, D-060, D-062, D-065, D-066, D-236. */
START_TEST(one_change)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V1b");

	p[mutations[_i].at] = mutations[_i].value;
	if (mutations[_i].fix)
		rig_fix4(p + 40);
	ck_assert_msg(rig_give(r, V6, p, len) == LW4O6_VERDICT_DROP, "%s", mutations[_i].row);
	ck_assert_msg(r->n_out == mutations[_i].out, "%s: %zu out", mutations[_i].row, r->n_out);
	rig_counted(r, mutations[_i].counted);
	rig_free(r);
}
END_TEST

/* D-049, D-050, D-063: outer sources that nobody may have; outside the access prefixes nothing is sent. */
START_TEST(outer_source)
{
	static const char *const bad[] = { "::", "ff02::1", "::1", "fe80::1", "::ffff:192.0.2.18", "::192.0.2.18", RIG_AFTR };
	static const struct lw4o6_aftr_prefix6 access = { { { { 0x20, 1, 0xd, 0xb8, 0, 0x12, 0x34 } } }, 56 };
	struct lw4o6_aftr_config c = rig_config();
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V1b");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct in6_addr a = rig_a6(bad[i]);

		memcpy(p + 8, &a, 16);
		ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
		rig_nothing(r);
		rig_counted(r, "rcvd-ipv6=1 drop-v6-bad-source=1");
	}
	rig_free(r);

	c.access = &access;
	c.n_access = 1;
	r = rig_new(&c);
	rig_send(r, V6, "V1b");
	rig_expect(r, V4, "V1c");
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
	len = rig_vector(p, "V6a");
	p[13] = 0x13;
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-source-acl=1");
	p[6] = 44; /* section 5.1: fragments count, ICMPv6 does not */
	memset(p + 40, 0, 8);
	p[40] = 4;
	p[43] = 1;
	rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-source-acl=1");
	p[6] = 58;
	rig_give(r, V6, p, len);
	rig_counted(r, "drop-v6-source-acl=1");
	rig_free(r);
}
END_TEST

/* D-018, D-060: the entry names another concentrator address than the packet went to. */
START_TEST(other_concentrator)
{
	struct lw4o6_aftr_addr addrs[2] = { { rig_a6(RIG_AFTR), false }, { rig_a6("2001:db8:ffff::2"), false } };
	struct lw4o6_aftr_config c = rig_config();

	c.addrs = addrs;
	c.n_addrs = 2;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V1b");
	p[39] = 2;
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-br-mismatch=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	ck_assert_uint_eq(r->out[0].data[23], 2); /* D-120: answered by the address it was sent to */
	rig_free(r);
}
END_TEST

/* D-037: each example cut at each octet: one verdict, never a packet out of one that is too short. */
START_TEST(every_truncation)
{
	static const char *const names[] = { "V1b", "V5a", "V6a", "V8b", "V9a", "V11a", "V7a" };
	struct rig *r = rig_new(NULL);

	for (size_t v = 0; v < sizeof(names) / sizeof(names[0]); v++) {
		size_t len = rig_vector(p, names[v]);

		for (size_t n = 0; n < len; n++) {
			ck_assert_int_eq(rig_give(r, V6, p, n), LW4O6_VERDICT_DROP);
			rig_nothing(r);
		}
		/* cut, but with an outer length that fits */
		for (size_t n = 41; n < len; n++) {
			rig_vector(p, names[v]);
			p[4] = (uint8_t)((n - 40) >> 8);
			p[5] = (uint8_t)(n - 40);
			enum lw4o6_verdict verdict = rig_give(r, V6, p, n);
			ck_assert_msg(verdict == LW4O6_VERDICT_DROP || strcmp(names[v], "V7a") == 0, "%s %zu", names[v], n);
			rig_clear(r);
		}
	}
	const struct lw4o6_counters *c = lw4o6_aftr_counters(r->a);
	ck_assert_uint_eq(c->packets[LW4O6_CNT_SENT_IPV4], 0);
	rig_free(r);
}
END_TEST

/* D-039, D-040: octets behind either length are cut and never seen again. */
START_TEST(smuggled_tail)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V1b");

	memset(p + len, 0xee, 200);
	rig_give(r, V6, p, len + 100);
	rig_expect(r, V4, "V1c");
	p[5] = (uint8_t)(36 + 100); /* now the outer header covers the tail, the inner one does not */
	rig_give(r, V6, p, len + 100);
	rig_expect(r, V4, "V1c");
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->octets[LW4O6_CNT_RCVD_IPV6], 76 + 76 + 100);
	len = rig_vector(p, "V6a");
	rig_give(r, V6, p, len + 100);
	rig_expect(r, V6, "V6b");
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-051 to D-055: extension headers in front of a good packet. */
static const struct {
	const char *row, *hex;
	unsigned first;
	const char *counted;
	unsigned code, pointer; /* of the parameter problem; 0, 0: none */
} chains[] = {
	{ "D-051", "3c00010400000000 2c00010400000000 3c00000000000007 0400010400000000", 0,
	  "rcvd-ipv6=1 sent-ipv4=1 frag6-in=1 frag6-atomic=1", 0, 0 },
	{ "D-051 routing, none left", "0400040000000000", 43, "rcvd-ipv6=1 sent-ipv4=1", 0, 0 },
	{ "D-079 limit option", "0400040104010100", 60, "rcvd-ipv6=1 sent-ipv4=1", 0, 0 },
	{ "D-052 option 01", "04005e0400000000", 60, "drop-v6-ext-header=1", 0, 0 },
	{ "D-052 option 10", "04009e0400000000", 60, "drop-v6-ext-header=1 out-icmpv6-error=1 icmp6-out-4-2=1", 2, 42 },
	{ "D-052 option 11", "0400de0400000000", 60, "drop-v6-ext-header=1 out-icmpv6-error=1 icmp6-out-4-2=1", 2, 42 },
	{ "D-053", "0400000100000000", 43, "drop-v6-ext-header=1 out-icmpv6-error=1 icmp6-out-4-0=1", 0, 42 },
	{ "D-054 HBH in the wrong place", "0000010400000000 0400010400000000", 60,
	  "drop-v6-unknown-next-header=1 out-icmpv6-error=1 icmp6-out-4-1=1", 1, 40 },
	{ "D-055 nine", "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000"
	  "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 0400010400000000", 60,
	  "drop-v6-ext-header=1", 0, 0 },
};

START_TEST(extension_headers)
{
	struct rig *r = rig_new(NULL);
	uint8_t inner[100];
	size_t n = unhex(p, 200, chains[_i].hex), len;

	rig_vector(inner, "V1b");
	memcpy(p + n, inner + 40, 36);
	len = rig_wrap(p, RIG_B4A, chains[_i].first, n + 36);
	p[0] = 0x6b; /* traffic class of the inner packet, as V1b */
	p[1] = 0xa0;
	rig_give(r, V6, p, len);
	rig_counted(r, chains[_i].counted);
	if (strstr(chains[_i].counted, "sent-ipv4")) {
		rig_expect(r, V4, "V1c");
	} else if (strstr(chains[_i].counted, "icmp6-out")) {
		const uint8_t *d = r->out[0].data;

		ck_assert_uint_eq(r->n_out, 1);
		ck_assert(d[40] == 4 && d[41] == chains[_i].code && d[47] == chains[_i].pointer);
		ck_assert(d[44] == 0 && d[45] == 0 && d[46] == 0);
		r->seen++;
	}
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-045, D-069, D-207: options, a wrong UDP checksum and any outer hop limit pass. */
START_TEST(carried_unchanged)
{
	struct rig *r = rig_new(NULL);
	uint8_t l4[60] = { 0 };
	size_t len;

	l4[40] = 0xd0;
	l4[41] = 2;
	l4[46] = 0xba; /* no checksum of anything */
	len = rig_ip4(p, "192.0.2.18", SERVER, 17, l4, 52);
	p[0] = 0x4f;
	p[6] = 0xc0; /* DF and the reserved bit, D-188 */
	p[20] = 7; /* record route */
	p[21] = 39;
	p[22] = 4;
	p[59] = 0;
	rig_fix4(p);
	len = rig_wrap(p, RIG_B4A, 4, len);
	p[7] = 1;
	rig_give(r, V6, p, len);
	expect_routed(r, p + 40, 72);
	p[7] = 0;
	rig_give(r, V6, p, len);
	expect_routed(r, p + 40, 72);
	rig_counted(r, "rcvd-ipv6=2 sent-ipv4=2");
	rig_free(r);
}
END_TEST

/* D-057, D-234, D-237, D-242: where the port stands, and too little of it. */
START_TEST(ports)
{
	static const unsigned protocols[] = { 6, 17, 33, 132, 136 };
	struct rig *r = rig_new(NULL);
	uint8_t l4[8] = { 0xd0, 0x02 };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		size_t len = rig_wrap(p, RIG_B4A, 4, rig_ip4(p, "192.0.2.18", SERVER, protocols[i], l4, 8));

		rig_give(r, V6, p, len);
		expect_routed(r, p + 40, len - 40);
		rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
		len = rig_wrap(p, RIG_B4A, 4, rig_ip4(p, "192.0.2.18", SERVER, protocols[i], l4, 3));
		rig_give(r, V6, p, len);
		rig_nothing(r);
		rig_counted(r, "rcvd-ipv6=1 drop-v6-inner-malformed=1");
	}
	rig_send(r, V6, "V8b"); /* the identifier */
	ck_assert_uint_eq(r->n_out, 1);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
	rig_free(r);
}
END_TEST

/* D-058, D-059, D-062: customers' ICMP that cannot be classified: silence, and no 1/5 about errors. */
START_TEST(unclassifiable)
{
	static const struct { const char *row; size_t at; uint8_t value; bool fix; const char *counted; } rows[] = {
		{ "source quench", 0, 4, true, "drop-v6-icmp-unclassifiable=1" },
		{ "redirect", 0, 5, true, "drop-v6-icmp-unclassifiable=1" },
		{ "timestamp", 0, 13, true, "drop-v6-icmp-unclassifiable=1" },
		{ "address mask", 0, 17, true, "drop-v6-icmp-unclassifiable=1" },
		{ "checksum", 3, 0, false, "drop-v6-icmp-unclassifiable=1" },
		{ "quoted checksum", 8 + 10, 0, true, "drop-v6-icmp-unclassifiable=1" },
		{ "quoted destination is another", 8 + 19, 0x13, true, "drop-v6-icmp-unclassifiable=1" },
		{ "quoted destination port is B's", 8 + 22, 0xd4, true, "drop-v6-spoofed=1 icmp6-suppressed-forbidden=1" },
		{ "quoted destination port is nobody's", 8 + 22, 0x10, true,
		  "drop-v6-port-unbound=1 icmp6-suppressed-forbidden=1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_new(NULL);
		char counted[200];
		size_t len = rig_vector(p, "V9a");

		p[60 + rows[i].at] = rows[i].value;
		if (rows[i].fix)
			rig_fix_icmp4(p + 40);
		ck_assert_msg(rig_give(r, V6, p, len) == LW4O6_VERDICT_DROP, "%s", rows[i].row);
		rig_nothing(r);
		snprintf(counted, sizeof(counted), "rcvd-ipv6=1 %s", rows[i].counted);
		rig_counted(r, counted);
		rig_free(r);
	}
}
END_TEST

/* D-062: no 1/5 about later fragments, and none about errors from an address nobody has. */
START_TEST(silent_refusals)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V1b");

	p[55] = 0x13;
	p[46] = 0;
	p[47] = 5;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-address-unbound=1 icmp6-suppressed-forbidden=1");
	len = rig_vector(p, "V9a");
	p[55] = 0x13;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-address-unbound=1 icmp6-suppressed-forbidden=1");
	rig_free(r);
}
END_TEST

/* D-016, D-231: subscribers of one /64 are kept apart by all 128 bits. */
START_TEST(neighbours)
{
	struct rig *r = rig_new(NULL);
	static const char *const b4[3] = { "2001:db8:40::1", "2001:db8:40::2", "2001:db8:40:0:8000::2" };

	for (unsigned i = 0; i < 3; i++)
		rig_bind(r, "192.0.2.40", 6, i + 1, b4[i]);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 3; k++) {
			size_t len = rig_udp(p, "192.0.2.40", (k + 1) * 1024 + 5, SERVER, 80, 10);

			rig_give(r, V6, p, rig_wrap(p, b4[i], 4, len));
			rig_counted(r, i == k ? "rcvd-ipv6=1 sent-ipv4=1" :
			                        "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");
		}
		rig_clear(r);
		rig_give(r, V4, p, rig_udp(p, SERVER, 80, "192.0.2.40", (i + 1) * 1024, 10));
		struct in6_addr to = rig_a6(b4[i]);
		ck_assert(memcmp(r->out[0].data + 24, &to, 16) == 0);
		rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
		rig_clear(r);
	}
	rig_free(r);
}
END_TEST

/* D-064, D-059, D-108, D-169: the owner of a whole address may send what he likes, from his address only. */
START_TEST(whole_address)
{
	struct rig *r = rig_new(NULL);
	uint8_t l4[100] = { 0xff, 1, 2, 3 };
	static const unsigned protocols[] = { 47, 4, 41, 50, 1, 89 };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		size_t n = rig_ip4(p, "192.0.2.99", SERVER, protocols[i], l4, 60);

		rig_wrap(p, "2001:db8:99::99", 4, n);
		rig_give(r, V6, p, n + 40);
		expect_routed(r, p + 40, n);
	}
	size_t n = rig_ip4(p, "192.0.2.99", SERVER, 17, l4, 60);
	p[7] = 185; /* a later fragment */
	p[6] = 0;
	rig_fix4(p);
	rig_wrap(p, "2001:db8:99::99", 4, n);
	rig_give(r, V6, p, n + 40);
	expect_routed(r, p + 40, n);
	rig_counted(r, "rcvd-ipv6=7 sent-ipv4=7");
	n = rig_ip4(p, "192.0.2.99", SERVER, 47, l4, 60);
	rig_wrap(p, RIG_B4A, 4, n);
	rig_give(r, V6, p, n + 40);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	rig_free(r);
}
END_TEST

/* D-066, D-118, D-130: 11/0 comes back through the softwire, from 192.0.0.1. */
START_TEST(ttl_error_comes_back)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V1b");

	p[48] = 1;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	const uint8_t *d = r->out[0].data;
	ck_assert_int_eq(r->out[0].side, V6);
	ck_assert(memcmp(d + 24, p + 8, 16) == 0 && memcmp(d + 8, p + 24, 16) == 0);
	struct in_addr from = rig_a4("192.0.0.1"), to = rig_a4("192.0.2.18");
	ck_assert(memcmp(d + 52, &from, 4) == 0 && memcmp(d + 56, &to, 4) == 0);
	ck_assert(d[60] == 11 && d[61] == 0);
	ck_octets(d + 68, 36, p + 40, 36); /* as received */
	ck_assert_uint_eq(d[41], 0xb8);    /* D-122: DSCP of the offender, ECN 0 */
	rig_free(r);
}
END_TEST

/* D-068, D-186: larger than the IPv4 link. */
START_TEST(ipv4_mtu)
{
	struct lw4o6_aftr_config c = rig_config();
	c.ipv4_mtu = 600;
	struct rig *r = rig_new(&c);
	size_t len = rig_from_a(p, 53250, SERVER, 80, 1000);

	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-mtu-df=1 out-icmpv4-error=1 icmp4-out-3-4=1 sent-ipv6=1");
	ck_assert(r->out[0].data[60] == 3 && r->out[0].data[61] == 4);
	ck_assert_uint_eq((unsigned)r->out[0].data[66] << 8 | r->out[0].data[67], 600);
	rig_clear(r);

	p[46] = 0;
	rig_fix4(p + 40);
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_OUTQ);
	ck_assert_uint_eq(r->n_out, 2);
	ck_assert_uint_eq(r->out[0].len, 596); /* 576 + 20 */
	ck_assert_uint_eq(r->out[1].len, 20 + 1008 - 576);
	for (size_t i = 0; i < 2; i++) {
		struct lw4o6_ip4 h;
		ck_assert_int_eq(lw4o6_ip4_decode(&h, r->out[i].data, r->out[i].len), LW4O6_IP4_OK);
		ck_assert(h.ttl == 56 && h.mf == (i == 0) && h.frag_off == i * 576);
		ck_octets(r->out[i].data + 20, r->out[i].len - 20, p + 60 + i * 576, r->out[i].len - 20);
	}
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=2 frag4-out-packets=1 frag4-out-fragments=2");
	rig_free(r);
}
END_TEST

/* D-070: the concentrator's own addresses; D-046: never source routed. */
START_TEST(own_addresses)
{
	struct rig *r = rig_new(NULL);
	static const char *const own[] = { "192.0.0.1", "203.0.113.1" };
	uint8_t echo[16] = { 8, 0, 0, 0, 0xd0, 4, 0, 1, 'x', 'y' };

	for (size_t i = 0; i < 2; i++) {
		size_t len = rig_ip4(p, "192.0.2.18", own[i], 1, echo, 16);

		rig_fix_icmp4(p);
		len = rig_wrap(p, RIG_B4A, 4, len);
		ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_EMIT6);
		const uint8_t *d = r->out[0].data;
		struct in_addr to = rig_a4("192.0.2.18"), from = rig_a4(own[i]);
		ck_assert(memcmp(d + 52, &from, 4) == 0 && memcmp(d + 56, &to, 4) == 0 && d[60] == 0);
		ck_octets(d + 64, 12, p + 64, 12);
		struct lw4o6_ip4 h;
		ck_assert_int_eq(lw4o6_ip4_decode(&h, d + 40, 36), LW4O6_IP4_OK);
		ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(0, d + 60, 16)), 0);
		r->seen++;
		rig_nothing(r);
		rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1");
		len = rig_from_a(p, 53250, own[i], 80, 10);
		ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
		rig_nothing(r);
		rig_counted(r, "rcvd-ipv6=1 drop-v6-local=1");
	}
	rig_free(r);
}
END_TEST

/* Section 2, D-066, D-216: TTL and ECN come before local delivery. D-046: source routes. */
START_TEST(local_comes_last)
{
	struct lw4o6_aftr_config c = rig_config();
	struct rig *r = rig_new(&c);
	uint8_t echo[16] = { 8, 0, 0, 0, 0xd0, 4, 0, 1 };
	size_t len = rig_ip4(p, "192.0.2.18", "192.0.0.1", 1, echo, 16);

	rig_fix_icmp4(p);
	p[8] = 1;
	rig_fix4(p);
	len = rig_wrap(p, RIG_B4A, 4, len);
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
	ck_assert(r->n_out == 1 && r->out[0].data[60] == 11 && r->out[0].data[61] == 0);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1 sent-ipv6=1");
	rig_clear(r);
	p[48] = 2;
	rig_fix4(p + 40);
	p[1] = 0x30; /* CE outside, Not-ECT inside */
	rig_give(r, V6, p, len);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-ecn=1 ecn-anomaly-not-ect-ce=1");
	rig_free(r);

	c.no_ttl_ipv6 = true;
	c.hop_limit = 17; /* D-121: of replies and errors too */
	r = rig_new(&c);
	p[1] = 0;
	p[48] = 1;
	rig_fix4(p + 40);
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_EMIT6);
	ck_assert(r->out[0].data[7] == 17 && r->out[0].data[48] == 17);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1");
	p[48] = 0;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	ck_assert(r->out[1].data[60] == 11 && r->out[1].data[48] == 17);
	rig_free(r);
}
END_TEST

/* Put a loose source route of 8 octets into the IPv4 packet in the tunnel packet at p. @return the new length. */
static size_t add_source_route(size_t len, uint8_t type)
{
	memmove(p + 68, p + 60, len - 60);
	memset(p + 60, 0, 8);
	p[60] = type;
	p[61] = 7;
	p[62] = 8;
	p[40] = 0x47;
	p[43] = (uint8_t)(p[43] + 8);
	p[5] = (uint8_t)(p[5] + 8);
	rig_fix4(p + 40);
	return len + 8;
}

/* D-046: never to us; in transit as the knob says. */
START_TEST(source_route)
{
	static const uint8_t types[] = { 131, 137 };

	for (unsigned i = 0; i < 4; i++) {
		struct lw4o6_aftr_config c = rig_config();
		c.drop_source_route = i >= 2;
		struct rig *r = rig_new(&c);
		uint8_t echo[16] = { 8, 0, 0, 0, 0xd0, 4, 0, 1 };
		size_t len = rig_ip4(p, "192.0.2.18", "192.0.0.1", 1, echo, 16);

		rig_fix_icmp4(p);
		len = add_source_route(rig_wrap(p, RIG_B4A, 4, len), types[i % 2]);
		rig_give(r, V6, p, len);
		rig_nothing(r);
		rig_counted(r, "rcvd-ipv6=1 drop-v4-source-route=1");
		len = add_source_route(rig_from_a(p, 53250, SERVER, 80, 10), types[i % 2]);
		ck_assert_int_eq(rig_give(r, V6, p, len), i < 2 ? LW4O6_VERDICT_EMIT4 : LW4O6_VERDICT_DROP);
		rig_counted(r, i < 2 ? "rcvd-ipv6=1 sent-ipv4=1" : "rcvd-ipv6=1 drop-v4-source-route=1");
		rig_free(r);
	}
}
END_TEST

/* D-065: the operator's list. */
START_TEST(operators_martians)
{
	static const struct lw4o6_aftr_prefix4 net10 = { { 0 }, 8 };
	struct lw4o6_aftr_prefix4 list = net10;
	struct lw4o6_aftr_config c = rig_config();

	list.addr = rig_a4("10.0.0.0");
	c.martians = &list;
	c.n_martians = 1;
	struct rig *r = rig_new(&c);
	rig_give(r, V6, p, rig_from_a(p, 53250, "10.255.0.1", 80, 10));
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-inner-martian=1");
	rig_give(r, V6, p, rig_from_a(p, 53250, "11.0.0.1", 80, 10));
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
	rig_free(r);
}
END_TEST

/* D-211, D-216 in the data path, and in what order with the TTL. */
START_TEST(congestion)
{
	struct lw4o6_aftr_config c = rig_config();
	struct rig *r = rig_new(&c);
	size_t len = rig_from_a(p, 53250, SERVER, 80, 10);

	p[1] = 0x30; /* outer CE, inner Not-ECT */
	rig_give(r, V6, p, len);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-ecn=1 ecn-anomaly-not-ect-ce=1");
	p[1] = 0x20; /* ECT0 */
	rig_give(r, V6, p, len);
	expect_routed(r, p + 40, len - 40);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1 ecn-anomaly-not-ect-ect0=1");
	p[0] = 0x62; /* DSCP 10 outside */
	p[1] = 0x80;
	rig_give(r, V6, p, len);
	ck_assert_uint_eq(r->out[1].data[1], 0x28);
	rig_free(r);

	c.dscp_pipe = true;
	r = rig_new(&c);
	rig_give(r, V6, p, len);
	expect_routed(r, p + 40, len - 40);
	rig_free(r);
}
END_TEST

/* D-205, D-208: without our decrement the TTL stays, 0 never leaves; a hairpin counts one hop whatever is set. */
START_TEST(ttl_left_to_others)
{
	struct lw4o6_aftr_config c = rig_config();
	c.no_ttl_ipv6 = true;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V1b");

	rig_give(r, V6, p, len);
	rig_expect_octets(r, V4, p + 40, 36);
	p[48] = 1;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	rig_expect_octets(r, V4, p + 40, 36);
	rig_counted(r, "rcvd-ipv6=2 sent-ipv4=2");
	p[48] = 0;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1 sent-ipv6=1");
	rig_clear(r);
	rig_send(r, V6, "V5a");
	rig_expect(r, V6, "V5b");
	rig_free(r);
}
END_TEST

/* ---- hairpins ---- */

/* D-087: the three policies. */
START_TEST(hairpin_policy)
{
	struct lw4o6_aftr_config c = rig_config();
	c.hairpin = LW4O6_AFTR_HAIRPIN_FORWARD;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V5a");

	rig_give(r, V6, p, len);
	expect_routed(r, p + 40, len - 40);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
	rig_free(r);
	c.hairpin = LW4O6_AFTR_HAIRPIN_DROP;
	r = rig_new(&c);
	rig_give(r, V6, p, len);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-hairpin-policy=1");
	rig_free(r);
}
END_TEST

/* D-090, D-091: errors about the second half go to the sender through its softwire. */
START_TEST(hairpin_errors)
{
	struct rig *r = rig_new(NULL);
	struct in6_addr a = rig_a6(RIG_B4A);

	rig_give(r, V6, p, rig_from_a(p, 53250, "192.0.2.18", 100, 10));
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 drop-hairpin-unbound=1 out-icmpv4-error=1 icmp4-out-3-1=1");
	rig_give(r, V6, p, rig_from_a(p, 53250, "192.0.2.18", 54300, 1440));
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 drop-v6-mtu-df=1 out-icmpv4-error=1 icmp4-out-3-4=1");
	size_t len = rig_vector(p, "V5a");
	p[48] = 1;
	rig_fix4(p + 40);
	rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 drop-v6-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1");
	ck_assert_uint_eq(r->n_out, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(r->out[i].side, V6);
		ck_assert(memcmp(r->out[i].data + 24, &a, 16) == 0);
		ck_assert_uint_eq(r->out[i].data[60], i == 2 ? 11 : 3);
	}
	/* the quote is the inner packet as it came, with its TTL */
	ck_octets(r->out[2].data + 68, 36, p + 40, 36);
	rig_free(r);
}
END_TEST

/* D-088: a hairpinned ICMP error finds the B4 its quote came from; D-092: to oneself; D-094: spoofed first. */
START_TEST(hairpin_more)
{
	struct rig *r = rig_new(NULL);
	struct in6_addr a = rig_a6(RIG_B4A), b = rig_a6(RIG_B4B);
	uint8_t icmp[64] = { 3, 3 }, v5[100];

	rig_vector(v5, "V5b"); /* what B got: A:53250 to B:54300 */
	memcpy(icmp + 8, v5 + 40, 36);
	size_t len = rig_ip4(p, "192.0.2.18", "192.0.2.18", 1, icmp, 44);
	rig_fix_icmp4(p);
	len = rig_wrap(p, RIG_B4B, 4, len);
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_EMIT6);
	ck_assert(memcmp(r->out[0].data + 24, &a, 16) == 0);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 hairpin-ipv4=1");

	rig_give(r, V6, p, rig_from_a(p, 53250, "192.0.2.18", 53251, 10));
	ck_assert(memcmp(r->out[1].data + 24, &a, 16) == 0);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 hairpin-ipv4=1");
	ck_assert(!lw4o6_ip6_equal(&a, &b));

	rig_clear(r);
	rig_give(r, V6, p, rig_from_a(p, 54300, "192.0.2.18", 53251, 10));
	rig_counted(r, "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");

	/* D-218: congestion goes through both headers */
	len = rig_vector(p, "V5a");
	p[41] = 2;
	rig_fix4(p + 40);
	p[1] = 0x30;
	rig_clear(r);
	rig_give(r, V6, p, len);
	ck_assert_uint_eq(r->out[0].data[41], 3);
	ck_assert_uint_eq(r->out[0].data[1], 0x30);
	struct lw4o6_ip4 h;
	ck_assert_int_eq(lw4o6_ip4_decode(&h, r->out[0].data + 40, 36), LW4O6_IP4_OK);

	/* an echo request to an identifier that nobody owns: silence (D-106) */
	uint8_t echo[8] = { 8, 0, 0, 0, 0xd0, 4, 0, 1 };
	rig_clear(r);
	len = rig_ip4(p, "192.0.2.18", "192.0.2.99", 1, echo, 8);
	rig_fix_icmp4(p);
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, len));
	ck_assert_uint_eq(r->n_out, 1); /* W owns all */
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aftr_up");
	TCase *t = tcase_create("up");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_loop_test(t, one_change, 0, (int)(sizeof(mutations) / sizeof(mutations[0])));
	tcase_add_test(t, outer_source);
	tcase_add_test(t, other_concentrator);
	tcase_add_test(t, every_truncation);
	tcase_add_test(t, smuggled_tail);
	tcase_add_loop_test(t, extension_headers, 0, (int)(sizeof(chains) / sizeof(chains[0])));
	tcase_add_test(t, carried_unchanged);
	tcase_add_test(t, ports);
	tcase_add_test(t, unclassifiable);
	tcase_add_test(t, silent_refusals);
	tcase_add_test(t, neighbours);
	tcase_add_test(t, whole_address);
	tcase_add_test(t, ttl_error_comes_back);
	tcase_add_test(t, ipv4_mtu);
	tcase_add_test(t, own_addresses);
	tcase_add_test(t, local_comes_last);
	tcase_add_test(t, source_route);
	tcase_add_test(t, operators_martians);
	tcase_add_test(t, congestion);
	tcase_add_test(t, ttl_left_to_others);
	tcase_add_test(t, hairpin_policy);
	tcase_add_test(t, hairpin_errors);
	tcase_add_test(t, hairpin_more);
	suite_add_tcase(s, t);
	return test_main(s);
}
