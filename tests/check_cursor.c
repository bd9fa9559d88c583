#include "harness.h"

#include "cursor.h"

static const uint8_t octets[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09 };

/* C-001: network order, at any offset. */
START_TEST(reads)
{
	struct rd r = rd_init(octets, sizeof(octets));

	ck_assert_uint_eq(rd_u8(&r), 0x01);
	ck_assert_uint_eq(rd_be32(&r), 0x02030405);
	ck_assert_uint_eq(rd_be16(&r), 0x0607);
	ck_assert_uint_eq(rd_left(&r), 2);
	ck_assert_int_eq(rd_done(&r), LW4O6_EMALF);
	ck_assert_uint_eq(rd_be16(&r), 0x0809);
	ck_assert_int_eq(rd_done(&r), LW4O6_OK);
	r = rd_init(octets + 1, 3);
	ck_assert_uint_eq(rd_be24(&r), 0x020304);
}
END_TEST

/* C-010, D-037: a read past the end gives zero, nothing of the rest, and the error stays. */
START_TEST(past_the_end)
{
	for (size_t len = 0; len < 4; len++) {
		uint8_t *exact = malloc(len + (len == 0)), four[4] = { 9, 9, 9, 9 };
		struct rd r = rd_init(exact, len);

		memcpy(exact, octets, len);
		ck_assert_uint_eq(rd_be32(&r), 0);
		ck_assert_int_eq(rd_done(&r), LW4O6_ETRUNC);
		ck_assert_uint_eq(rd_left(&r), 0);
		ck_assert_uint_eq(rd_u8(&r), 0);
		ck_assert(!rd_take(&r, four, sizeof(four)));
		ck_octets(four, 4, "\0\0\0\0", 4);
		ck_assert(rd_ptr(&r, 1) == NULL);
		ck_assert_int_eq(r.err, LW4O6_ETRUNC);
		free(exact);
	}
}
END_TEST

/* A window ends where it ends, whatever follows it; one too large is empty and in error. */
START_TEST(windows)
{
	struct rd r = rd_init(octets, sizeof(octets)), in = rd_sub(&r, 3);

	ck_assert_uint_eq(rd_be16(&in), 0x0102);
	ck_assert_uint_eq(rd_be16(&in), 0);
	ck_assert_int_eq(rd_done(&in), LW4O6_ETRUNC);
	ck_assert_int_eq(r.err, LW4O6_OK);
	ck_assert_uint_eq(rd_u8(&r), 0x04);
	in = rd_sub(&r, 6);
	ck_assert_uint_eq(rd_left(&in), 0);
	ck_assert_int_eq(rd_done(&in), LW4O6_ETRUNC);
	ck_assert_int_eq(rd_done(&r), LW4O6_ETRUNC);
}
END_TEST

START_TEST(writes)
{
	uint8_t buf[4];

	put_be32(buf, 0x01020304);
	ck_octets(buf, 4, octets, 4);
	put_be16(buf + 1, 0xfffe);
	ck_assert_uint_eq(get_be32(buf), 0x01fffe04);
	ck_assert_uint_eq(get_be16(buf + 1), 0xfffe);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cursor");
	TCase *tc = tcase_create("cursor");

	tcase_add_test(tc, reads);
	tcase_add_test(tc, past_the_end);
	tcase_add_test(tc, windows);
	tcase_add_test(tc, writes);
	suite_add_tcase(s, tc);
	return test_main(s);
}
