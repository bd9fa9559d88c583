#include "harness.h"

#include <arpa/inet.h>
#include <lw4o6/cksum.h>
#include <lw4o6/icmp.h>

static struct in6_addr a6(const char *s)
{
	struct in6_addr a;

	ck_assert_int_eq(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

static struct in_addr a4(const char *s)
{
	return (struct in_addr){ inet_addr(s) };
}

/* V3a: 1500 octets, TTL 57, payload 00 01 02 ... */
static size_t v3a(uint8_t p[1500])
{
	size_t n = unhex(p, 1500, "45 00 05 dc 2b 67 40 00 39 06 24 68 c6 33 64 07 c0 00 02 12 01 bb d0 34 01 02 03 04"
	                          "0a 0b 0c 0d 50 10 01 f6 a4 cd 00 00");

	for (size_t i = 0; n < 1500; i++)
		p[n++] = (uint8_t)i;
	return n;
}

/* D-115, D-117, D-121 to D-125, D-132: V3b, 576 octets, and V3c when only 28 are quoted. */
START_TEST(fragmentation_needed)
{
	uint8_t big[1500], out[LW4O6_ICMP4_ERROR_MAX], want[600];
	struct lw4o6_icmp4_msg m = { .src = a4("203.0.113.1"), .dst = a4("198.51.100.7"), .type = 3, .code = 4,
		                     .mtu = 1460, .ttl = 64 };

	v3a(big);
	unhex(want, 28, "45 00 02 40 00 00 40 00 40 01 d2 80 cb 00 71 01 c6 33 64 07 03 04 8f e4 00 00 05 b4");
	memcpy(want + 28, big, 548);
	ck_octets(out, lw4o6_icmp4_build(out, &m, big, 1500), want, 576);

	size_t n = unhex(want, 600, "45 00 00 38 00 00 40 00 40 01 d4 88 cb 00 71 01 c6 33 64 07 03 04 21 52 00 00 05 b4"
	                            "45 00 05 dc 2b 67 40 00 39 06 24 68 c6 33 64 07 c0 00 02 12 01 bb d0 34 01 02 03 04");
	ck_octets(out, lw4o6_icmp4_build(out, &m, big, 28), want, n);
}
END_TEST

/* D-116, D-120, D-132: V6b; a large offender is cut at 1280. */
START_TEST(source_policy)
{
	uint8_t in[1500] = { 0 }, out[LW4O6_ICMP6_ERROR_MAX], want[200];
	struct in6_addr aftr = a6("2001:db8:ffff::1"), b4 = a6("2001:db8:12:3400:0:c000:212:34");
	size_t n = unhex(in, sizeof(in),
	                 "60 00 00 00 00 24 04 40 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00"
	                 "00 00 00 00 00 00 00 01 45 00 00 24 1c 47 40 00 3f 11 33 35 c0 00 02 12 c6 33 64 07 d4 1c 13 89"
	                 "00 10 23 bd 6c 77 34 6f 36 2d 31 0a");
	size_t w = unhex(want, sizeof(want),
	                 "60 00 00 00 00 54 3a 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
	                 "00 00 c0 00 02 12 00 34 01 05 e2 de 00 00 00 00 60 00 00 00 00 24 04 40 20 01 0d b8 00 12 34 00"
	                 "00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 45 00 00 24 1c 47 40 00"
	                 "3f 11 33 35 c0 00 02 12 c6 33 64 07 d4 1c 13 89 00 10 23 bd 6c 77 34 6f 36 2d 31 0a");

	ck_octets(out, lw4o6_icmp6_build(out, &aftr, &b4, 1, 5, 0, 64, in, n), want, w);
	ck_assert_uint_eq(lw4o6_icmp6_build(out, &aftr, &b4, 1, 5, 0, 64, in, 1500), 1280);
	ck_assert(lw4o6_icmp6_checksum_ok(&aftr, &b4, out + 40, 1240));
}
END_TEST

/* D-113: what counts as an error. */
START_TEST(error_types)
{
	for (unsigned type = 0; type < 256; type++) {
		bool query = type == 0 || type == 8 || type == 9 || type == 10 || (type >= 13 && type <= 18);

		ck_assert_msg(lw4o6_icmp4_is_error((uint8_t)type) == !query, "type %u", type);
	}
}
END_TEST

/* D-112, D-114: the classes that elicit nothing. */
START_TEST(forbidden_classes)
{
	static const struct { const char *src, *dst; unsigned off, proto, type; bool ok; } rows[] = {
		{ "198.51.100.7", "192.0.2.18", 0, 17, 0, true },     { "198.51.100.7", "192.0.2.18", 8, 17, 0, false },
		{ "0.1.2.3", "192.0.2.18", 0, 17, 0, false },         { "127.0.0.1", "192.0.2.18", 0, 17, 0, false },
		{ "224.0.0.1", "192.0.2.18", 0, 17, 0, false },       { "240.0.0.1", "192.0.2.18", 0, 17, 0, false },
		{ "255.255.255.255", "192.0.2.18", 0, 17, 0, false }, { "198.51.100.7", "224.0.0.1", 0, 17, 0, false },
		{ "198.51.100.7", "255.255.255.255", 0, 17, 0, false }, { "198.51.100.7", "192.0.2.18", 0, 1, 8, true },
		{ "198.51.100.7", "192.0.2.18", 0, 1, 3, false },     { "198.51.100.7", "192.0.2.18", 0, 1, 40, false },
		{ "198.51.100.7", "192.0.2.18", 0, 1, 13, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t p[28] = { 0 };
		struct lw4o6_ip4 h = { .src = a4(rows[i].src), .dst = a4(rows[i].dst), .hlen = 20, .total = 28,
			               .frag_off = (uint16_t)rows[i].off, .protocol = (uint8_t)rows[i].proto };

		p[20] = (uint8_t)rows[i].type;
		ck_assert_msg(lw4o6_icmp4_may_answer(p, &h, 28) == rows[i].ok, "row %zu", i);
	}

	struct in6_addr b4 = a6("2001:db8::1"), aftr = a6("2001:db8:ffff::1"), group = a6("ff02::1");
	static const char *const bad[] = { "::", "ff02::1", "::1", "::ffff:192.0.2.1", "fe80::1" };
	uint8_t msg[8] = { 1 };

	ck_assert(lw4o6_icmp6_may_answer(&b4, &aftr, 4, NULL, 0, 1, 5));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct in6_addr src = a6(bad[i]);
		ck_assert_msg(!lw4o6_icmp6_may_answer(&src, &aftr, 4, NULL, 0, 1, 5), "%s", bad[i]);
	}
	ck_assert(!lw4o6_icmp6_may_answer(&b4, &group, 4, NULL, 0, 1, 5));
	ck_assert(lw4o6_icmp6_may_answer(&b4, &group, 4, NULL, 0, 4, 2));
	ck_assert(lw4o6_icmp6_may_answer(&b4, &group, 4, NULL, 0, 2, 0));
	ck_assert(!lw4o6_icmp6_may_answer(&b4, &aftr, 58, msg, 8, 4, 1));
	ck_assert(!lw4o6_icmp6_may_answer(&b4, &aftr, 58, msg, 0, 4, 1));
	msg[0] = 128;
	ck_assert(lw4o6_icmp6_may_answer(&b4, &aftr, 58, msg, 8, 4, 1));
	msg[0] = 137;
	ck_assert(!lw4o6_icmp6_may_answer(&b4, &aftr, 58, msg, 8, 4, 1));
}
END_TEST

static const char v2a[] = "45 c0 00 40 77 aa 00 00 fa 01 4a 36 cb 00 71 09 c0 00 02 12 0b 00 e1 6e 00 00 00 00 45 ba 00 24"
			  "1c 46 40 00 01 11 70 7c c0 00 02 12 c6 33 64 07 d0 02 13 89 00 10 27 d7 6c 77 34 6f 36 2d 31 0a";
static const char v2d[] = "45 00 00 3c 77 ab 00 00 fa 01 4a f9 cb 00 71 09 c0 00 02 12 0b 00 e9 8c 00 00 00 00 46 00 00 28"
			  "1c 46 40 00 01 11 dc 2d c0 00 02 12 c6 33 64 07 94 04 00 00 d0 02 13 89 00 10 27 d7";
static const char v2e[] = "45 00 00 38 77 ac 00 00 fa 01 4a fc cb 00 71 09 c0 00 02 12 0b 00 86 95 00 00 00 00 45 00 00 24"
			  "00 00 40 00 01 01 8d 8c c0 00 02 12 c6 33 64 07 08 00 96 64 d0 04 00 01";

/* D-057, D-098, D-100 to D-102: the quotes of V2a, V2d (IHL 6) and V2e (identifier), and each of them cut short. */
START_TEST(quotes)
{
	static const struct { const char *hex; uint16_t src, dst; size_t need; } rows[] = {
		{ v2a, 0xd002, 5001, 24 }, { v2d, 0xd002, 5001, 28 }, { v2e, 0xd004, 0xd004, 26 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t p[100];
		size_t len = unhex(p, sizeof(p), rows[i].hex);
		struct lw4o6_ip4 h;
		struct lw4o6_quote4 q;
		struct lw4o6_ports ports;

		ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
		ck_assert(lw4o6_icmp4_checksum_ok(p, &h));
		ck_assert_int_eq(lw4o6_ip4_ports(&ports, p, &h, h.total), LW4O6_PORT_ERROR);
		ck_assert_int_eq(lw4o6_icmp4_quote(&q, p, &h), LW4O6_QUOTE_OK);
		ck_assert_uint_eq(q.ports.src, rows[i].src);
		ck_assert_uint_eq(q.ports.dst, rows[i].dst);
		for (size_t n = 0; n < rows[i].need; n++) {
			uint8_t *cut = malloc(n ? n : 1);

			memcpy(cut, p + 28, n);
			ck_assert_msg(lw4o6_quote4_decode(&q, cut, n) == LW4O6_QUOTE_SHORT, "row %zu cut %zu", i, n);
			free(cut);
		}
		ck_assert_int_eq(lw4o6_quote4_decode(&q, p + 28, rows[i].need), LW4O6_QUOTE_OK);
		p[28 + 11] ^= 1;
		ck_assert_int_eq(lw4o6_icmp4_quote(&q, p, &h), LW4O6_QUOTE_BAD);
		ck_assert(!lw4o6_icmp4_checksum_ok(p, &h));
	}
}
END_TEST

/* Set the header checksum of an IPv4 header without options. */
static void fix4(uint8_t *p)
{
	p[10] = p[11] = 0;
	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, p, 20));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

/* D-102 to D-104, D-234: quotes without a port. */
START_TEST(quotes_without_port)
{
	static const struct { size_t at; uint8_t value; } rows[] = {
		{ 7, 1 },   /* fragment offset 8 */
		{ 9, 47 },  /* GRE */
		{ 9, 50 },  /* ESP */
	};
	struct lw4o6_quote4 q;
	uint8_t p[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = unhex(p, sizeof(p), v2a);

		p[28 + rows[i].at] = rows[i].value;
		fix4(p + 28);
		ck_assert_int_eq(lw4o6_quote4_decode(&q, p + 28, len - 28), LW4O6_QUOTE_NO_PORT);
	}

	size_t len = unhex(p, sizeof(p), v2e);
	p[28 + 20] = 3; /* an error quotes an error */
	ck_assert_int_eq(lw4o6_quote4_decode(&q, p + 28, len - 28), LW4O6_QUOTE_NO_PORT);
	p[28 + 20] = 13;
	ck_assert_int_eq(lw4o6_quote4_decode(&q, p + 28, len - 28), LW4O6_QUOTE_NO_PORT);
}
END_TEST

/* V7a: 1280 octets. */
static size_t v7a(uint8_t p[1280])
{
	size_t n = unhex(p, 1280,
	                 "60 00 00 00 04 d8 3a 40 20 01 0d b8 aa aa 00 00 00 00 00 00 00 00 00 09 20 01 0d b8 ff ff 00 00"
	                 "00 00 00 00 00 00 00 01 02 00 7d 75 00 00 05 78 60 00 00 00 05 dc 04 40 20 01 0d b8 ff ff 00 00"
	                 "00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 45 00 05 dc 2b 67 40 00"
	                 "38 06 25 68 c6 33 64 07 c0 00 02 12 01 bb d0 34 01 02 03 04 0a 0b 0c 0d 50 10 01 f6 a4 cd 00 00");

	for (size_t i = 0; n < 1280; i++)
		p[n++] = (uint8_t)i;
	return n;
}

/* Recompute the ICMPv6 checksum of a message of n octets from 2001:db8:aaaa::9 to the AFTR. */
static void fix6(uint8_t *msg, size_t n)
{
	struct in6_addr src = a6("2001:db8:aaaa::9"), dst = a6("2001:db8:ffff::1");

	msg[2] = msg[3] = 0;
	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(lw4o6_cksum_pseudo6(&src, &dst, (uint32_t)n, 58), msg, n));
	msg[2] = (uint8_t)(sum >> 8);
	msg[3] = (uint8_t)sum;
}

/* D-133, D-136 to D-138: V7a, and what a shorter or forged one gives. */
START_TEST(tunnel_errors)
{
	uint8_t p[1280], *msg = p + 40;
	struct in6_addr src = a6("2001:db8:aaaa::9"), dst = a6("2001:db8:ffff::1");
	struct in6_addr b4 = a6("2001:db8:12:3400:0:c000:212:34");
	struct lw4o6_icmp6_error e;

	v7a(p);
	ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 1240), LW4O6_ICMP6_OK);
	ck_assert_uint_eq(e.type, 2);
	ck_assert_uint_eq(e.param, 1400);
	ck_assert(lw4o6_ip6_equal(&e.src, &dst) && lw4o6_ip6_equal(&e.dst, &b4));
	ck_assert_int_eq(e.inner, LW4O6_QUOTE_OK);
	ck_assert_uint_eq(e.quote.ports.dst, 0xd034);
	ck_assert_uint_eq(e.quote.len, 1192);

	msg[1200] ^= 1;
	ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 1240), LW4O6_ICMP6_BAD_CHECKSUM);
	msg[1200] ^= 1;

	for (size_t n = 0; n < 120; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		enum lw4o6_icmp6_result want = n < 48 ? LW4O6_ICMP6_SHORT : LW4O6_ICMP6_OK;

		memcpy(cut, msg, n);
		if (n >= 8)
			fix6(cut, n);
		ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, cut, n), want);
		if (n >= 48)
			ck_assert_int_eq(e.inner, n < 48 + 24 ? LW4O6_QUOTE_SHORT : LW4O6_QUOTE_OK);
		free(cut);
	}

	msg[8 + 6] = 6; /* quoted next header TCP */
	fix6(msg, 1240);
	ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 1240), LW4O6_ICMP6_MISMATCH);
	msg[8] = 0x40;
	fix6(msg, 1240);
	ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 1240), LW4O6_ICMP6_MISMATCH);
}
END_TEST

/* D-134, D-138: Fragment header and limit option in the quote. */
START_TEST(quoted_headers)
{
	struct in6_addr src = a6("2001:db8:aaaa::9"), dst = a6("2001:db8:ffff::1");
	struct lw4o6_icmp6_error e;
	uint8_t p[1280], msg[300] = { 4, 0, 0, 0, 0, 0, 0, 44 };

	v7a(p);
	memcpy(msg + 8, p + 48, 40);
	msg[8 + 6] = 60;
	unhex(msg + 48, 16, "2c 00 04 01 04 01 01 00 04 00 00 01 12 34 56 78");
	memcpy(msg + 64, p + 88, 100);
	for (uint32_t pointer = 40; pointer < 50; pointer++) {
		msg[7] = (uint8_t)pointer;
		fix6(msg, 164);
		ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 164), LW4O6_ICMP6_OK);
		ck_assert_int_eq(e.in_limit, pointer >= 42 && pointer < 45);
		ck_assert_int_eq(e.inner, LW4O6_QUOTE_OK);
	}
	msg[8 + 40 + 8 + 3] = 9; /* offset 8, MF */
	fix6(msg, 164);
	ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 164), LW4O6_ICMP6_OK);
	ck_assert_int_eq(e.inner, LW4O6_QUOTE_SHORT);
	msg[8 + 40 + 8] = 6;
	fix6(msg, 164);
	ck_assert_int_eq(lw4o6_icmp6_error_decode(&e, &src, &dst, msg, 164), LW4O6_ICMP6_MISMATCH);
}
END_TEST

/* Echo replies of both families verify and carry the data back. */
START_TEST(echo_replies)
{
	uint8_t p[60], out[100];
	size_t len = unhex(p, sizeof(p), "45 00 00 24 00 00 40 00 39 01 55 8c c6 33 64 07 c0 00 02 12 08 00 96 64 d0 04 00 01"
	                                 "61 62 63 64 65 66 67 68");
	struct lw4o6_ip4 h, r;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
	lw4o6_icmp4_echo_reply(p, &h, 64);
	ck_assert_int_eq(lw4o6_ip4_decode(&r, p, len), LW4O6_IP4_OK);
	ck_assert(lw4o6_icmp4_checksum_ok(p, &r));
	ck_assert(r.src.s_addr == h.dst.s_addr && r.dst.s_addr == h.src.s_addr && r.ttl == 64 && p[20] == 0);

	struct in6_addr src = a6("2001:db8:ffff::1"), dst = a6("2001:db8::9");
	uint8_t msg[16] = { 128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	size_t n = lw4o6_icmp6_echo_reply(out, &src, &dst, 64, msg, 16);
	ck_assert_uint_eq(n, 56);
	ck_assert_uint_eq(out[40], 129);
	ck_assert(lw4o6_icmp6_checksum_ok(&src, &dst, out + 40, 16));
	ck_octets(out + 44, 12, msg + 4, 12);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("icmp");
	TCase *t = tcase_create("icmp");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_test(t, fragmentation_needed);
	tcase_add_test(t, source_policy);
	tcase_add_test(t, error_types);
	tcase_add_test(t, forbidden_classes);
	tcase_add_test(t, quotes);
	tcase_add_test(t, quotes_without_port);
	tcase_add_test(t, tunnel_errors);
	tcase_add_test(t, quoted_headers);
	tcase_add_test(t, echo_replies);
	suite_add_tcase(s, t);
	return test_main(s);
}
