#include "fragments.h"

static uint8_t big[70000], inner[66000];

/* V4c1 and V4c2: the first IPv4 fragment of V4 in the tunnel, cut for a link of 1500. D-078, D-161 */
START_TEST(vector_virtual)
{
	uint8_t want[1500], got[1500];
	struct lw4o6_frag6_cut c;
	size_t n = v4_fragment(inner, 0, 1480, true, 0x38), len = put_outer(big, inner, n);

	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, len, 1500, 0x1d2c3b4a), 2);
	size_t head = unhex(want, sizeof(want),
	                    "60 00 00 00 05 b0 2c 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
	                    "00 00 c0 00 02 12 00 34 04 00 00 01 1d 2c 3b 4a 45 00 05 dc be ef 20 00 38 11 b1 d4 c6 33 64 07"
	                    "c0 00 02 12 13 88 d0 98 07 d8 c4 1f 00 07 0e 15");
	memcpy(want + head, inner + head - 48, 1496 - head);
	ssize_t k = lw4o6_frag6_cut_next(&c, got, sizeof(got));
	ck_octets(got, (size_t)k, want, 1496);

	size_t last = unhex(want, sizeof(want),
	                    "60 00 00 00 00 3c 2c 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
	                    "00 00 c0 00 02 12 00 34 04 00 05 a8 1d 2c 3b 4a d4 db e2 e9 f0 f7 fe 05 0c 13 1a 21 28 2f 36 3d"
	                    "44 4b 52 59 60 67 6e 75 7c 83 8a 91 98 9f a6 ad b4 bb c2 c9 d0 d7 de e5 ec f3 fa 01 08 0f 16 1d"
	                    "24 2b 32 39");
	k = lw4o6_frag6_cut_next(&c, got, sizeof(got));
	ck_octets(got, (size_t)k, want, last);
	ck_assert_int_eq(lw4o6_frag6_cut_next(&c, got, sizeof(got)), 0);
}
END_TEST

/* V4e1 and V4e2: the whole datagram in the tunnel, cut for a link of 1500. D-161 */
START_TEST(vector_full)
{
	uint8_t want[1500], got[1500];
	struct lw4o6_frag6_cut c;
	size_t n = v4_fragment(inner, 0, 2008, false, 0x38), len = put_outer(big, inner, n);

	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, len, 1500, 0x1d2c3b4b), 2);
	size_t head = unhex(want, sizeof(want),
	                    "60 00 00 00 05 b0 2c 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
	                    "00 00 c0 00 02 12 00 34 04 00 00 01 1d 2c 3b 4b 45 00 07 ec be ef 00 00 38 11 cf c4 c6 33 64 07"
	                    "c0 00 02 12 13 88 d0 98 07 d8 c4 1f 00 07 0e 15");
	memcpy(want + head, inner + head - 48, 1496 - head);
	ssize_t k = lw4o6_frag6_cut_next(&c, got, sizeof(got));
	ck_octets(got, (size_t)k, want, 1496);

	head = unhex(want, sizeof(want),
	             "60 00 00 00 02 4c 2c 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
	             "00 00 c0 00 02 12 00 34 04 00 05 a8 1d 2c 3b 4b d4 db e2 e9 f0 f7 fe 05 0c 13 1a 21 28 2f 36 3d");
	memcpy(want + head, inner + 1448 + head - 48, 628 - head);
	k = lw4o6_frag6_cut_next(&c, got, sizeof(got));
	ck_octets(got, (size_t)k, want, 628);
	ck_assert_int_eq(lw4o6_frag6_cut_next(&c, got, sizeof(got)), 0);
}
END_TEST

/* D-163: what fits is never cut; one octet more is. Bad input is refused. */
START_TEST(fits)
{
	struct lw4o6_frag6_cut c;
	struct lw4o6_frag4_cut c4;
	uint8_t got[2000];

	put_outer(big, inner, 1461);
	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, 1500, 1500, 1), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, 1501, 1279, 1), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, 65576, 1500, 1), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, 1501, 1500, 1), 2);
	ck_assert_int_eq(lw4o6_frag6_cut_next(&c, got, 1495), LW4O6_ESPACE);
	ck_assert_int_eq(lw4o6_frag6_cut_next(&c, got, 1496), 1496);
	ck_assert_int_eq(lw4o6_frag6_cut_next(&c, got, 60), LW4O6_ESPACE);
	ck_assert_int_eq(lw4o6_frag6_cut_next(&c, got, 61), 61);
	big[0] = 0x40;
	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, 1501, 1500, 1), LW4O6_EINVAL);

	size_t n = v4_fragment(inner, 0, 1480, true, 64);
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n, 1500), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n, 67), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n - 1, 600), LW4O6_EINVAL); /* MF, 1479 octets */
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n, 600), 3);
	ck_assert_int_eq(lw4o6_frag4_cut_next(&c4, got, 595), LW4O6_ESPACE);
	ck_assert_int_eq(lw4o6_frag4_cut_next(&c4, got, 596), 596);
	inner[0] = 0x44;
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n, 600), LW4O6_EINVAL);
	inner[0] = 0x65;
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n, 600), LW4O6_EINVAL);
	v4_fragment(inner, 0, 1480, false, 64);
	set16(inner + 6, 8191);
	ck_assert_int_eq(lw4o6_frag4_cut_init(&c4, inner, n, 600), LW4O6_EINVAL);
}
END_TEST

/* The smallest number of pieces: all but the last are at most @p room octets, multiples of 8. */
static int fewest(size_t len, size_t first, size_t later)
{
	int n = 1;

	while (len > first) {
		len -= first / 8 * 8;
		first = later;
		n++;
	}
	return n;
}

/* D-161, D-164: random packets and MTUs, also with a Destination Options header in front. */
START_TEST(ipv6_property)
{
	struct test_rng rng = { 11 };

	for (int round = 0; round < 3000; round++) {
		static uint8_t got[66000], joined[66000];
		size_t mtu = 1280 + test_rand(&rng) % (round % 4 ? 300 : 20000);
		size_t len = mtu + 1 + test_rand(&rng) % (round % 8 ? 4000 : 65575 - mtu);
		struct lw4o6_frag6_cut c;

		test_random(&rng, big, len);
		big[0] = (uint8_t)(0x60 | (big[0] & 15));
		set16(big + 4, (unsigned)(len - 40));
		big[6] = round % 2 ? 60 : 4;

		int want = fewest(len - 40, mtu - 48, mtu - 48);
		size_t off = 0;

		ck_assert_int_eq(lw4o6_frag6_cut_init(&c, big, len, mtu, 0xabcd1234), want);
		for (ssize_t n; (n = lw4o6_frag6_cut_next(&c, got, mtu)) > 0; want--) {
			size_t take = (size_t)n - 48;
			unsigned field = at16(got + 42);

			ck_assert((size_t)n <= mtu && take > 0);
			ck_assert(field % 8 == (want > 1) && (want == 1 || take % 8 == 0));
			ck_assert_uint_eq(field & 0xfff8, off);
			ck_assert(memcmp(got, big, 4) == 0 && memcmp(got + 7, big + 7, 33) == 0);
			ck_assert(got[6] == 44 && got[40] == big[6] && got[41] == 0);
			ck_assert_uint_eq(at16(got + 4), take + 8);
			ck_assert(memcmp(got + 44, "\xab\xcd\x12\x34", 4) == 0);
			memcpy(joined + off, got + 48, take);
			off += take;
		}
		ck_assert_int_eq(want, 0);
		ck_octets(joined, off, big + 40, len - 40);
	}
}
END_TEST

/* D-186: 1500 octets to an MTU of 600; options with the copy bit only in later fragments, padded. */
START_TEST(ipv4_options)
{
	/* record route (7, not copied), no-op, router alert (148, copied), a copied one of 3 octets, end */
	uint8_t payload[1460], got[600], want[40];
	struct lw4o6_frag4_cut c;
	struct lw4o6_ip4 h;
	size_t sizes[] = { 600, 596, 360 }, offs[] = { 0, 560, 1128 };

	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 3);
	put_ip4(inner, 0xc6336407, 0xc0000212, 17, 0x1234, 0x8000, 0x2e, 63, 40, payload, 1460);
	(void)unhex(inner + 20, 20, "07 07 04 01 02 03 04  01  94 04 00 00  83 03 05  00 00 00 00 00");
	set16(inner + 10, 0);
	set16(inner + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, inner, 40)));

	ck_assert_int_eq(lw4o6_frag4_cut_init(&c, inner, 1500, 600), 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(lw4o6_frag4_cut_next(&c, got, sizeof(got)), (int)sizes[i]);
		ck_assert_int_eq(lw4o6_ip4_decode(&h, got, sizes[i]), LW4O6_IP4_OK);
		ck_assert(h.total == sizes[i] && h.id == 0x1234 && h.tos == 0x2e && h.ttl == 63);
		ck_assert(h.frag_off == offs[i] && h.mf == (i < 2) && !h.df && (got[6] & 0x80));
		ck_assert_uint_eq(h.hlen, i == 0 ? 40 : 28);
		if (i == 0)
			ck_octets(got + 20, 20, inner + 20, 20);
		else
			ck_octets(got + 20, 8, want, unhex(want, sizeof(want), "94 04 00 00 83 03 05 00"));
		ck_octets(got + h.hlen, (size_t)h.total - h.hlen, payload + offs[i], (size_t)h.total - h.hlen);
	}
	ck_assert_int_eq(lw4o6_frag4_cut_next(&c, got, sizeof(got)), 0);

	/* an option that runs past the header, or has no length, ends the walk */
	static const uint8_t bad[] = { 0, 1, 13, 255 };

	for (unsigned i = 0; i < sizeof(bad); i++) {
		inner[28] = 0x94;
		inner[29] = bad[i];
		ck_assert_int_eq(lw4o6_frag4_cut_init(&c, inner, 1500, 600), 3);
		ck_assert_uint_eq(c.later_hlen, 20);
	}
}
END_TEST

/* D-186, D-164: random packets, fragments among them, random options. */
START_TEST(ipv4_property)
{
	struct test_rng rng = { 12 };

	for (int round = 0; round < 5000; round++) {
		static uint8_t payload[66000], got[66000], joined[66000];
		size_t hlen = 20 + test_rand(&rng) % 11 * 4, mtu = 68 + test_rand(&rng) % 1500;
		size_t len = mtu + 1 + test_rand(&rng) % (round % 8 ? 3000 : 62000), base = 0;
		bool mf = test_rand(&rng) % 2;
		struct lw4o6_frag4_cut c;
		struct lw4o6_ip4 h;

		if (mf)
			len += (8 - (len - hlen) % 8) % 8;
		if (len > 65535)
			continue;
		if (len < 60000)
			base = test_rand(&rng) % 500 * 8;
		unsigned flags = (unsigned)(test_rand(&rng) % 4) << 14;
		test_random(&rng, payload, len);
		put_ip4(big, 1, 2, 17, 77, (unsigned)(flags | (unsigned)mf << 13 | base / 8), 3, 9, hlen, payload, len - hlen);
		test_random(&rng, big + 20, hlen - 20);

		int want = lw4o6_frag4_cut_init(&c, big, len, mtu);
		size_t off = 0;

		ck_assert_int_eq(want, fewest(len - hlen, mtu - hlen, mtu - c.later_hlen));
		ck_assert(c.later_hlen <= hlen && c.later_hlen % 4 == 0);
		for (ssize_t n; (n = lw4o6_frag4_cut_next(&c, got, mtu)) > 0; want--) {
			ck_assert_int_eq(lw4o6_ip4_decode(&h, got, (size_t)n), LW4O6_IP4_OK);
			ck_assert(h.total == n && (size_t)n <= mtu && h.id == 77);
			ck_assert_uint_eq(h.frag_off, base + off);
			ck_assert_uint_eq(at16(got + 6) & 0xc000, flags);
			ck_assert_int_eq(h.mf, want > 1 || mf);
			ck_assert(!h.mf || (h.total - h.hlen) % 8 == 0);
			memcpy(joined + off, got + h.hlen, (size_t)h.total - h.hlen);
			off += (size_t)h.total - h.hlen;
		}
		ck_assert_int_eq(want, 0);
		ck_octets(joined, off, payload, len - hlen);
	}
}
END_TEST

/* D-161: 100k packets without a repeat, from the start that was set; D-162: instances never meet. */
START_TEST(ipv6_ident)
{
	struct lw4o6_frag6_ident g, h;
	static uint8_t seen[1 << 17];

	ck_assert_int_eq(lw4o6_frag6_ident_init(&g, 0x1d2c3b4a, 0, 0), LW4O6_OK);
	ck_assert_uint_eq(lw4o6_frag6_ident_next(&g), 0x1d2c3b4a);
	ck_assert_uint_eq(lw4o6_frag6_ident_next(&g), 0x1d2c3b4b);
	for (uint32_t i = 2; i < 100000; i++) {
		uint32_t v = lw4o6_frag6_ident_next(&g) - 0x1d2c3b4a;

		ck_assert(v < sizeof(seen) && !seen[v]);
		seen[v] = 1;
	}
	ck_assert_int_eq(lw4o6_frag6_ident_init(&g, 0xfffffffe, 1, 2), LW4O6_OK);
	ck_assert_int_eq(lw4o6_frag6_ident_init(&h, 0x12345678, 3, 2), LW4O6_OK);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(lw4o6_frag6_ident_next(&g) >> 30, 1);
		ck_assert_uint_eq(lw4o6_frag6_ident_next(&h) >> 30, 3);
	}
	ck_assert_int_eq(lw4o6_frag6_ident_init(&g, 1, 4, 2), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag6_ident_init(&g, 1, 1, 0), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_frag6_ident_init(&g, 1, 0, 17), LW4O6_EINVAL);
}
END_TEST

/* D-306, D-309: each flow goes through all 65536 values before one returns, whatever other flows do. */
START_TEST(ipv4_ident)
{
	static struct lw4o6_frag4_ident g;
	static uint8_t seen[65536];
	struct test_rng rng = { 5 };
	struct lw4o6_host host = { &rng, test_random, NULL };
	struct in_addr src = { htonl(0xc0000212) }, dst = { htonl(0xc6336407) }, other = { htonl(0xc6336408) };

	lw4o6_frag4_ident_init(&g, &host);
	for (uint32_t i = 0; i < 65536; i++) {
		uint16_t id = lw4o6_frag4_ident_next(&g, src, dst, 17, NULL);

		ck_assert(!seen[id]);
		seen[id] = 1;
		(void)lw4o6_frag4_ident_next(&g, src, other, 17, NULL);
	}

	/* flows that share a counter start at different places in it */
	unsigned distinct = 0;

	memset(g.slot, 0, sizeof(g.slot));
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 200; i++) {
		uint16_t id = lw4o6_frag4_ident_next(&g, src, (struct in_addr){ htonl(i / 2) }, i % 2 ? 6 : 17, NULL);

		distinct += !seen[id];
		seen[id] = 1;
	}
	ck_assert_uint_ge(distinct, 190);
}
END_TEST

/* D-308: only values of the port set, all of them before one returns. */
START_TEST(ipv4_ident_in_set)
{
	static struct lw4o6_frag4_ident g;
	static const unsigned sets[][3] = { { 0, 6, 0x34 }, { 6, 8, 0x34 }, { 0, 16, 40000 }, { 15, 1, 1 }, { 0, 0, 0 } };
	struct test_rng rng = { 6 };
	struct lw4o6_host host = { &rng, test_random, NULL };
	struct in_addr src = { 1 }, dst = { 2 };

	lw4o6_frag4_ident_init(&g, &host);
	for (unsigned s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		static uint8_t seen[65536];
		struct lw4o6_psid ps;

		memset(seen, 0, sizeof(seen));
		ck_assert_int_eq(lw4o6_psid_init(&ps, sets[s][0], sets[s][1], sets[s][2]), LW4O6_OK);
		for (uint32_t i = 0; i < lw4o6_psid_nports(&ps); i++) {
			uint16_t id = lw4o6_frag4_ident_next(&g, src, dst, 17, &ps);

			ck_assert(lw4o6_psid_has_port(&ps, id) && !seen[id]);
			seen[id] = 1;
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag_cut");
	TCase *tc = tcase_create("cut");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, vector_virtual);
	tcase_add_test(tc, vector_full);
	tcase_add_test(tc, fits);
	tcase_add_test(tc, ipv6_property);
	tcase_add_test(tc, ipv4_options);
	tcase_add_test(tc, ipv4_property);
	tcase_add_test(tc, ipv6_ident);
	tcase_add_test(tc, ipv4_ident);
	tcase_add_test(tc, ipv4_ident_in_set);
	suite_add_tcase(s, tc);
	return test_main(s);
}
