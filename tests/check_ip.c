#include "harness.h"

#include <arpa/inet.h>
#include <lw4o6/cksum.h>
#include <lw4o6/ip.h>

/* V1c of the data-plane specification. */
static const char v1c[] = "45 ba 00 24 1c 46 40 00 3e 11 33 7c c0 00 02 12 c6 33 64 07 d0 02 13 89"
                          "00 10 27 d7 6c 77 34 6f 36 2d 31 0a";

static void sum_again(uint8_t *p, size_t hlen)
{
	uint16_t check;

	p[10] = p[11] = 0;
	check = lw4o6_cksum_finish(lw4o6_cksum_add(0, p, hlen));
	p[10] = (uint8_t)(check >> 8);
	p[11] = (uint8_t)check;
}

START_TEST(fields)
{
	uint8_t p[64];
	size_t n = unhex(p, sizeof(p), v1c);
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, n), LW4O6_IP4_OK);
	ck_assert(h.hlen == 20 && h.total == 36 && h.tos == 0xba && h.id == 0x1c46 && h.ttl == 62 && h.protocol == 17);
	ck_assert(h.df && !h.mf && h.frag_off == 0 && !lw4o6_ip4_is_fragment(&h));
	ck_assert_uint_eq(ntohl(h.src.s_addr), 0xc0000212);
	ck_assert_uint_eq(ntohl(h.dst.s_addr), 0xc6336407);
	p[6] = 0x20;
	p[7] = 0xb9;
	sum_again(p, 20);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, n), LW4O6_IP4_OK);
	ck_assert(!h.df && h.mf && h.frag_off == 1480 && lw4o6_ip4_is_fragment(&h));
}
END_TEST

/* D-038: the checks in their order, each alone; D-039: more octets than total length are no fault. */
START_TEST(checks)
{
	uint8_t p[64], q[64];
	size_t n = unhex(p, sizeof(p), v1c);
	struct lw4o6_ip4 h;

	for (size_t len = 0; len < n; len++) {
		uint8_t *exact = malloc(len + (len == 0));

		memcpy(exact, p, len);
		ck_assert_int_eq(lw4o6_ip4_decode(&h, exact, len), LW4O6_IP4_TRUNCATED);
		free(exact);
	}
	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, n + 10), LW4O6_IP4_OK);
	ck_assert_uint_eq(h.total, 36);

	const struct {
		size_t at;
		uint8_t value;
		enum lw4o6_ip4_error want;
		bool sum;
	} rows[] = {
		{ 0, 0x65, LW4O6_IP4_NOT_IPV4, true }, { 0, 0x44, LW4O6_IP4_MALFORMED, true },
		{ 3, 19, LW4O6_IP4_MALFORMED, true },  { 3, 37, LW4O6_IP4_TRUNCATED, true },
		{ 0, 0x4f, LW4O6_IP4_MALFORMED, false }, { 11, 0x7d, LW4O6_IP4_CHECKSUM, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(q, p, n);
		q[rows[i].at] = rows[i].value;
		if (rows[i].sum)
			sum_again(q, 20);
		ck_assert_msg(lw4o6_ip4_decode(&h, q, n) == rows[i].want, "row %zu", i);
	}
}
END_TEST

/* D-100: the total length of a quote may exceed what is there; the header may not. */
START_TEST(quoted)
{
	uint8_t p[64];
	struct lw4o6_ip4 h;

	unhex(p, sizeof(p), v1c);
	ck_assert_int_eq(lw4o6_ip4_decode_quoted(&h, p, 28), LW4O6_IP4_OK);
	ck_assert_uint_eq(h.total, 36);
	ck_assert_int_eq(lw4o6_ip4_decode_quoted(&h, p, 19), LW4O6_IP4_TRUNCATED);
	p[10] ^= 1;
	ck_assert_int_eq(lw4o6_ip4_decode_quoted(&h, p, 28), LW4O6_IP4_CHECKSUM);
}
END_TEST

/* D-023, D-065, D-081; C-066, D-049. D-234: the fixed list of protocols with ports. */
START_TEST(classes)
{
	static const char *const martian[] = { "0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
		                               "255.255.255.255" };
	static const char *const host[] = { "1.0.0.1", "126.255.255.255", "128.0.0.1", "192.0.2.18", "223.255.255.254" };
	static const char *const unusable[] = { "::", "::1", "::192.0.2.1", "::ffff:192.0.2.1", "fe80::1", "febf::1",
		                                "ff02::1", "ff0e::1" };
	static const char *const usable[] = { "2001:db8::1", "fd00::1", "64:ff9b::1", "::1:0:0:0", "fdff::ffff:1.2.3.4" };
	static const uint8_t ports[] = { 6, 17, 33, 132, 136 };
	struct in_addr a;
	struct in6_addr b;

	for (size_t i = 0; i < sizeof(martian) / sizeof(martian[0]); i++)
		ck_assert_msg(inet_pton(AF_INET, martian[i], &a) == 1 && lw4o6_ip4_is_martian(a), "%s", martian[i]);
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++)
		ck_assert_msg(inet_pton(AF_INET, host[i], &a) == 1 && !lw4o6_ip4_is_martian(a), "%s", host[i]);
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++)
		ck_assert_msg(inet_pton(AF_INET6, unusable[i], &b) == 1 && !lw4o6_ip6_is_usable(&b), "%s", unusable[i]);
	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++)
		ck_assert_msg(inet_pton(AF_INET6, usable[i], &b) == 1 && lw4o6_ip6_is_usable(&b), "%s", usable[i]);
	for (unsigned p = 0, n = 0; p < 256; p++) {
		bool in = n < sizeof(ports) && ports[n] == p;

		ck_assert_int_eq(lw4o6_ip_has_ports((uint8_t)p), in);
		n += in;
	}
}
END_TEST

START_TEST(prefixes)
{
	struct in6_addr a, b;

	inet_pton(AF_INET6, "2001:db8:12:3400::1", &a);
	for (unsigned bit = 0; bit < 128; bit++) {
		b = a;
		b.s6_addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		ck_assert_uint_eq(lw4o6_ip6_common_bits(&a, &b), bit);
		ck_assert(lw4o6_ip6_prefix_match(&a, &b, bit) && !lw4o6_ip6_prefix_match(&a, &b, bit + 1));
	}
	ck_assert_uint_eq(lw4o6_ip6_common_bits(&a, &a), 128);
	ck_assert(lw4o6_ip6_equal(&a, &a) && !lw4o6_ip6_equal(&a, &b));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ip");
	TCase *tc = tcase_create("ip");

	tcase_add_test(tc, fields);
	tcase_add_test(tc, checks);
	tcase_add_test(tc, quoted);
	tcase_add_test(tc, classes);
	tcase_add_test(tc, prefixes);
	suite_add_tcase(s, tc);
	return test_main(s);
}
