#include "harness.h"

#include <arpa/inet.h>
#include <lw4o6/cksum.h>
#include <lw4o6/tunnel.h>

static struct in6_addr a6(const char *s)
{
	struct in6_addr a;

	ck_assert_int_eq(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

/* V1e without and with the tunnel's own 40 octets. */
static const char v1d[] = "45 00 00 24 00 00 40 00 39 11 55 7c c6 33 64 07 c0 00 02 12 13 89 d0 02 00 10 a2 eb"
			  "72 65 70 6c 79 2d 31 0a";
static const char v1e[] =
	"60 00 00 00 00 24 04 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
	"00 00 c0 00 02 12 00 34 45 00 00 24 00 00 40 00 38 11 56 7c c6 33 64 07 c0 00 02 12 13 89 d0 02"
	"00 10 a2 eb 72 65 70 6c 79 2d 31 0a";

static struct lw4o6_encap to_a(void)
{
	return (struct lw4o6_encap){ .src = a6("2001:db8:ffff::1"), .dst = a6("2001:db8:12:3400:0:c000:212:34"),
		                     .hop_limit = 64, .limit = -1 };
}

/* D-042, D-073, D-084: V1e byte for byte; without headroom nothing happens. */
START_TEST(encapsulates_in_place)
{
	uint8_t buf[200], want[200];
	size_t len = unhex(buf + 48, 100, v1d), wlen = unhex(want, sizeof(want), v1e);
	struct lw4o6_pkt p = { .data = buf + 48, .len = len, .headroom = 48 };
	struct lw4o6_encap e = to_a();

	lw4o6_ip4_dec_ttl(p.data);
	ck_assert(lw4o6_encap(&p, &e));
	ck_octets(p.data, p.len, want, wlen);
	ck_assert_uint_eq(p.headroom, 8);
	ck_assert(!lw4o6_encap(&p, &e));
	ck_octets(p.data, p.len, want, wlen);

	lw4o6_decap(&p, 40, 36);
	ck_octets(p.data, p.len, want + 40, 36);
	ck_assert_uint_eq(p.headroom, 48);
}
END_TEST

/* D-079: eight octets of Destination Options with option 4, and the walk steps over them. */
START_TEST(encapsulation_limit)
{
	uint8_t buf[200], want[200];
	size_t len = unhex(buf + 48, 100, v1d);
	struct lw4o6_pkt p = { .data = buf + 48, .len = len, .headroom = 48 };
	struct lw4o6_encap e = to_a();
	struct lw4o6_ip6 h;
	struct lw4o6_chain c;

	e.limit = 4;
	ck_assert(lw4o6_encap(&p, &e));
	ck_assert_uint_eq(p.len, 84);
	ck_octets(p.data + 40, 8, want, unhex(want, 8, "04 00 04 01 04 01 01 00"));
	ck_assert_int_eq(lw4o6_ip6_decode(&h, p.data, p.len), LW4O6_IP6_OK);
	ck_assert_uint_eq(h.next, 60);
	ck_assert_uint_eq(h.end, 84);
	ck_assert_int_eq(lw4o6_chain_walk(&c, p.data, h.end), LW4O6_CHAIN_UPPER);
	ck_assert_uint_eq(c.off, 48);
	ck_assert_uint_eq(c.next, 4);
}
END_TEST

/* D-040: version, length, jumbogram, padding; every truncation is refused. */
START_TEST(outer_header)
{
	uint8_t buf[200];
	size_t len = unhex(buf, sizeof(buf), v1e);
	struct lw4o6_ip6 h;

	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, buf, n);
		ck_assert_int_eq(lw4o6_ip6_decode(&h, cut, n), LW4O6_IP6_TRUNCATED);
		free(cut);
	}
	ck_assert_int_eq(lw4o6_ip6_decode(&h, buf, len + 60), LW4O6_IP6_OK);
	ck_assert_uint_eq(h.end, len);
	buf[5] = 0;
	ck_assert_int_eq(lw4o6_ip6_decode(&h, buf, len), LW4O6_IP6_TRUNCATED);
	buf[0] = 0x45;
	ck_assert_int_eq(lw4o6_ip6_decode(&h, buf, len), LW4O6_IP6_NOT_IPV6);
}
END_TEST

/* The extension headers behind the fixed header, hex; first next header; how the walk ends. */
static const struct {
	const char *row, *hex;
	unsigned first;
	enum lw4o6_chain_end end;
	unsigned code, pointer, off;
} chains[] = {
	{ "D-051 plain", "", 4, LW4O6_CHAIN_UPPER, 0, 0, 40 },
	{ "D-051 HBH, DO, atomic FH, DO", "3c00010400000000 2c00010400000000 3c00000000000007 0400010400000000", 0,
	  LW4O6_CHAIN_UPPER, 0, 0, 72 },
	{ "D-051 HBH not first", "0000010400000000 0400010400000000", 60, LW4O6_CHAIN_UNKNOWN, 1, 40, 0 },
	{ "D-051 routing with nothing left", "0400040000000000", 43, LW4O6_CHAIN_UPPER, 0, 0, 48 },
	{ "D-051 fragment", "0400000100000007", 44, LW4O6_CHAIN_FRAGMENT, 0, 0, 40 },
	{ "D-051 later fragment", "0400000800000007", 44, LW4O6_CHAIN_FRAGMENT, 0, 0, 40 },
	{ "D-052 option 00", "04001e0400000000", 60, LW4O6_CHAIN_UPPER, 0, 0, 48 },
	{ "D-052 option 01", "04005e0400000000", 60, LW4O6_CHAIN_DROP, 0, 0, 0 },
	{ "D-052 option 10", "0400009e03000000", 60, LW4O6_CHAIN_PARAM, 2, 43, 0 },
	{ "D-052 option 11", "0400de0400000000", 60, LW4O6_CHAIN_PARAM, 2, 42, 0 },
	{ "D-053 type 0, one left", "0400000100000000", 43, LW4O6_CHAIN_PARAM, 0, 42, 0 },
	{ "D-053 type 4, two left", "0400010400000000 2b00040200000000", 60, LW4O6_CHAIN_UPPER, 0, 0, 48 },
	{ "D-053 type 4 behind DO", "2b00010400000000 0400040200000000", 60, LW4O6_CHAIN_PARAM, 0, 50, 0 },
	{ "D-054 UDP", "", 17, LW4O6_CHAIN_UNKNOWN, 1, 6, 0 },
	{ "D-054 AH", "", 51, LW4O6_CHAIN_UNKNOWN, 1, 6, 0 },
	{ "D-054 no next header", "", 59, LW4O6_CHAIN_NONE, 0, 0, 0 },
	{ "D-055 eight headers", "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000"
	  "3c00010400000000 3c00010400000000 3c00010400000000 0400010400000000", 60, LW4O6_CHAIN_UPPER, 0, 0, 104 },
	{ "D-055 nine headers", "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000"
	  "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 0400010400000000", 60,
	  LW4O6_CHAIN_DROP, 0, 0, 0 },
	{ "D-037 header longer than packet", "0405010400000000", 60, LW4O6_CHAIN_DROP, 0, 0, 0 },
	{ "D-037 option past its header", "0400010500000000", 60, LW4O6_CHAIN_DROP, 0, 0, 0 },
};

/* D-051 to D-055, D-154 (an atomic fragment is passed over), each chain also cut at every octet. */
START_TEST(extension_headers)
{
	uint8_t buf[300] = { 0x60 };
	size_t n = unhex(buf + 40, 200, chains[_i].hex), end = 40 + n;
	struct lw4o6_chain c;

	buf[6] = (uint8_t)chains[_i].first;
	ck_assert_msg(lw4o6_chain_walk(&c, buf, end) == chains[_i].end, "%s", chains[_i].row);
	if (chains[_i].end == LW4O6_CHAIN_UPPER || chains[_i].end == LW4O6_CHAIN_FRAGMENT)
		ck_assert_msg(c.off == chains[_i].off, "%s: off %zu", chains[_i].row, c.off);
	if (chains[_i].end == LW4O6_CHAIN_PARAM || chains[_i].end == LW4O6_CHAIN_UNKNOWN)
		ck_assert_msg(c.code == chains[_i].code && c.pointer == chains[_i].pointer, "%s: %u %zu",
		              chains[_i].row, c.code, c.pointer);
	for (size_t cut = 40; cut < end; cut++) {
		uint8_t *p = malloc(cut);

		memcpy(p, buf, cut);
		(void)!lw4o6_chain_walk(&c, p, cut);
		ck_assert_uint_le(c.off, cut);
		free(p);
	}
}
END_TEST

/* D-055: 256 octets in one header pass, the next eight do not. */
START_TEST(extension_octets)
{
	uint8_t buf[400] = { 0x60 };
	struct lw4o6_chain c;

	buf[6] = 60;
	buf[40] = 4;
	buf[41] = 31;
	ck_assert_int_eq(lw4o6_chain_walk(&c, buf, 400), LW4O6_CHAIN_UPPER);
	ck_assert_uint_eq(c.off, 296);
	buf[41] = 32;
	ck_assert_int_eq(lw4o6_chain_walk(&c, buf, 400), LW4O6_CHAIN_DROP);
}
END_TEST

/* D-204, D-209: the sum stays right for every TTL and any header, and is never ffff. */
START_TEST(ttl_and_tos)
{
	struct test_rng rng = { 7 };

	for (unsigned i = 0; i < 100000; i++) {
		uint8_t h[20];

		test_random(&rng, h, sizeof(h));
		h[0] = 0x45;
		h[8] |= 1;
		h[10] = h[11] = 0;
		uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, h, 20));
		h[10] = (uint8_t)(sum >> 8);
		h[11] = (uint8_t)sum;
		uint8_t ttl = h[8];

		if (i % 2)
			lw4o6_ip4_dec_ttl(h);
		lw4o6_ip4_set_tos(h, (uint8_t)i);
		ck_assert_uint_eq(h[8], i % 2 ? ttl - 1u : ttl);
		ck_assert_uint_eq(h[1], (uint8_t)i);
		ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(0, h, 20)), 0);
		ck_assert(!(h[10] == 0xff && h[11] == 0xff));
	}
}
END_TEST

/* D-210, D-213, D-214. */
START_TEST(traffic_class_in)
{
	struct lw4o6_tc_config copy = { 0 }, fixed = { .dscp_set = true, .dscp = 10 }, compat = { .ecn_compat = true };

	for (unsigned tos = 0; tos < 256; tos++) {
		ck_assert_uint_eq(lw4o6_tc_encap(&copy, (uint8_t)tos), tos);
		ck_assert_uint_eq(lw4o6_tc_encap(&fixed, (uint8_t)tos), 10 << 2 | (tos & 3));
		ck_assert_uint_eq(lw4o6_tc_encap(&compat, (uint8_t)tos), tos & 0xfc);
	}
}
END_TEST

/* D-215 to D-217: the 16 pairs, in the spec's order Not-ECT, ECT0, ECT1, CE. */
START_TEST(ecn_table)
{
	static const int code[4] = { 0, 2, 1, 3 };
	static const int want[4][4] = { { 0, 0, 0, -1 }, { 2, 2, 1, 3 }, { 1, 1, 1, 3 }, { 3, 3, 3, 3 } };
	static const struct { int in, out; enum lw4o6_counter c; } odd[] = {
		{ 0, 1, LW4O6_CNT_ECN_ANOMALY_NOT_ECT_ECT0 }, { 0, 2, LW4O6_CNT_ECN_ANOMALY_NOT_ECT_ECT1 },
		{ 0, 3, LW4O6_CNT_ECN_ANOMALY_NOT_ECT_CE }, { 2, 1, LW4O6_CNT_ECN_ANOMALY_ECT1_ECT0 },
		{ 3, 2, LW4O6_CNT_ECN_ANOMALY_CE_ECT1 },
	};
	struct lw4o6_tc_config cfg = { 0 };

	for (int in = 0; in < 4; in++) {
		for (int out = 0; out < 4; out++) {
			enum lw4o6_counter c, expect = LW4O6_CNT_COUNT;
			int got = lw4o6_tc_decap(&cfg, (uint8_t)code[in], (uint8_t)code[out], &c);

			for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
				if (odd[i].in == in && odd[i].out == out)
					expect = odd[i].c;
			ck_assert_int_eq(got, want[in][out]);
			ck_assert_int_eq((int)c, (int)expect);
		}
	}
}
END_TEST

/* D-211, D-212: uniform, pipe, and a remarking map behind either. */
START_TEST(dscp_out)
{
	uint8_t map[64];
	enum lw4o6_counter c;
	struct lw4o6_tc_config uniform = { 0 }, pipe = { .dscp_pipe = true }, mapped = { .remap = map };

	for (unsigned i = 0; i < 64; i++)
		map[i] = (uint8_t)(i == 10 ? 0 : i);
	ck_assert_int_eq(lw4o6_tc_decap(&uniform, 0xba, 0x28, &c), 0x2a);
	ck_assert_int_eq(lw4o6_tc_decap(&pipe, 0xba, 0x28, &c), 0xba);
	ck_assert_int_eq(lw4o6_tc_decap(&mapped, 0xba, 0x28, &c), 0x02);
	ck_assert_int_eq(lw4o6_tc_decap(&mapped, 0xba, 0x40, &c), 0x42);
}
END_TEST

static const char v10a[] = "45 00 00 30 00 00 40 00 39 06 55 7b c6 33 64 07 c0 00 02 12 01 bb d0 34 00 00 00 01"
			   "00 00 00 00 70 02 ff ff 17 94 00 00 01 02 04 05 b4 01 01 00";
static const char v10b[] = "45 00 00 30 00 00 40 00 39 06 55 7b c6 33 64 07 c0 00 02 12 01 bb d0 34 00 00 00 01"
			   "00 00 00 00 70 02 ff ff 3f 94 00 00 01 02 04 05 8c 01 01 00";

/* D-199, D-201: V10; never raised, never below 536. */
START_TEST(mss_clamp)
{
	uint8_t p[60], was[60], want[60];
	size_t len = unhex(p, sizeof(p), v10a);
	struct lw4o6_ip4 h;

	unhex(want, sizeof(want), v10b);
	memcpy(was, p, len);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
	ck_assert(!lw4o6_mss_clamp(p, &h, 1460));
	ck_octets(p, len, was, len);
	ck_assert(lw4o6_mss_clamp(p, &h, 1420));
	ck_octets(p, len, want, len);
	ck_assert(lw4o6_mss_clamp(p, &h, 100));
	ck_assert_uint_eq((unsigned)p[43] << 8 | p[44], 536);
	ck_assert(!lw4o6_mss_clamp(p, &h, 100));
}
END_TEST

/* D-200, D-202: what must leave the packet alone. */
START_TEST(mss_left_alone)
{
	static const struct { const char *why; size_t at; uint8_t value; } rows[] = {
		{ "no SYN", 33, 0x10 }, { "data offset past the end", 32, 0x80 }, { "data offset < 5", 32, 0x40 },
		{ "end of options first", 40, 0 }, { "length of MSS not 4", 42, 3 }, { "length < 2", 42, 1 },
		{ "length past the end", 42, 9 }, { "another option", 41, 3 }, { "UDP", 9, 17 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t p[60], was[60];
		size_t len = unhex(p, sizeof(p), v10a);
		struct lw4o6_ip4 h;

		ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
		p[rows[i].at] = rows[i].value;
		h.protocol = p[9];
		memcpy(was, p, len);
		ck_assert_msg(!lw4o6_mss_clamp(p, &h, 1000), "%s", rows[i].why);
		ck_octets(p, len, was, len);
	}

	/* random option octets under the sanitizers */
	struct test_rng rng = { 3 };
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *p = malloc(48);
		struct lw4o6_ip4 h;

		unhex(p, 48, v10a);
		ck_assert_int_eq(lw4o6_ip4_decode(&h, p, 48), LW4O6_IP4_OK);
		test_random(&rng, p + 32, 16);
		p[33] |= 2;
		(void)!lw4o6_mss_clamp(p, &h, 600);
		free(p);
	}
}
END_TEST

/* D-219: nonzero, 20 bits, the same for a flow, another for another port; fragments by addresses alone. */
START_TEST(flow_label)
{
	uint64_t key[2] = { 1, 2 };
	uint8_t p[60];
	size_t len = unhex(p, sizeof(p), v1d);
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
	uint32_t one = lw4o6_flow_label(key, p, &h);
	ck_assert(one >= 1 && one <= 0xfffff);
	p[30] ^= 1; /* payload */
	ck_assert_uint_eq(lw4o6_flow_label(key, p, &h), one);
	p[21] ^= 1; /* source port */
	ck_assert_uint_ne(lw4o6_flow_label(key, p, &h), one);
	h.mf = true;
	uint32_t frag = lw4o6_flow_label(key, p, &h);
	p[21] ^= 1;
	ck_assert_uint_eq(lw4o6_flow_label(key, p, &h), frag);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunnel");
	TCase *t = tcase_create("tunnel");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_test(t, encapsulates_in_place);
	tcase_add_test(t, encapsulation_limit);
	tcase_add_test(t, outer_header);
	tcase_add_loop_test(t, extension_headers, 0, (int)(sizeof(chains) / sizeof(chains[0])));
	tcase_add_test(t, extension_octets);
	tcase_add_test(t, ttl_and_tos);
	tcase_add_test(t, traffic_class_in);
	tcase_add_test(t, ecn_table);
	tcase_add_test(t, dscp_out);
	tcase_add_test(t, mss_clamp);
	tcase_add_test(t, mss_left_alone);
	tcase_add_test(t, flow_label);
	suite_add_tcase(s, t);
	return test_main(s);
}
