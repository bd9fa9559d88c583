#include "harness.h"

#include <lw4o6/cksum.h>

/* RFC 1071 section 3, and every length and alignment against a plain loop. */
START_TEST(sum)
{
	static const uint8_t rfc[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t buf[300];
	struct test_rng rng = { 3 };

	ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(0, rfc, sizeof(rfc))), 0x220d);
	test_random(&rng, buf, sizeof(buf));
	for (size_t off = 0; off < 9; off++) {
		for (size_t len = 0; len + off <= sizeof(buf); len++) {
			uint32_t want = 0;

			for (size_t i = 0; i < len; i++)
				want += i % 2 ? buf[off + i] : (uint32_t)buf[off + i] << 8;
			ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(0, buf + off, len)),
			                  lw4o6_cksum_finish(want));
		}
	}
}
END_TEST

/* D-209, D-243: the corner of RFC 1624 section 4, and every checksum against recomputation. */
START_TEST(update)
{
	ck_assert_uint_eq(lw4o6_cksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
	for (uint32_t word = 0; word < 65536; word++) {
		static const uint16_t others[] = { 0, 1, 0x45ba, 0x8000, 0xfffe, 0xffff };
		uint16_t rest = 0x1234, to = others[word % 6];
		uint16_t check = lw4o6_cksum_finish(word + rest);
		uint16_t want = lw4o6_cksum_finish((uint32_t)to + rest);

		ck_assert_uint_eq(lw4o6_cksum_update16(check, (uint16_t)word, to), want);
	}
}
END_TEST

/* D-201, D-247: vector V10, the MSS value at an odd offset. */
START_TEST(odd_offset)
{
	ck_assert_uint_eq(lw4o6_cksum_update16_odd(0x1794, 0x05b4, 0x058c), 0x3f94);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cksum");
	TCase *tc = tcase_create("cksum");

	tcase_add_test(tc, sum);
	tcase_add_test(tc, update);
	tcase_add_test(tc, odd_offset);
	suite_add_tcase(s, tc);
	return test_main(s);
}
