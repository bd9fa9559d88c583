#include "vectors.h"

#include <lw4o6/opt.h>

/* C-004: an option runs to the end of its field or the field is malformed. */
START_TEST(walk)
{
	static const struct {
		const char *hex;
		int options, end;
	} rows[] = {
		{ "", 0, 0 },
		{ "00 0e 00 00", 1, 0 },
		{ "00 0e 00 00 fd e8 00 01 aa", 2, 0 },
		{ "00", 0, LW4O6_ETRUNC },
		{ "00 0e", 0, LW4O6_ETRUNC },
		{ "00 0e 00", 0, LW4O6_ETRUNC },
		{ "00 0e 00 00 00", 1, LW4O6_ETRUNC },
		{ "00 0e 00 00 00 0e", 1, LW4O6_ETRUNC },
		{ "00 0e 00 00 00 0e 00", 1, LW4O6_ETRUNC },
		{ "00 0e 00 01", 0, LW4O6_ETRUNC },
		{ "00 0e ff ff aa", 0, LW4O6_ETRUNC },
		{ "fd e8 00 03 aa bb", 0, LW4O6_ETRUNC },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[32];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint8_t *p = exact(buf, n);
		struct lw4o6_opt6_iter it = lw4o6_opt6_walk(p, n);
		struct lw4o6_opt6 o;
		int r, count = 0;

		while ((r = lw4o6_opt6_next(&it, &o)) == 1)
			count++;
		ck_assert_int_eq(r, rows[i].end);
		ck_assert_int_eq(count, rows[i].options);
		ck_assert_int_eq(lw4o6_opt6_next(&it, &o), r);
		free(p);
	}
}
END_TEST

/* C-005, C-007: the first of several, unknown codes skipped, nothing behind a framing error. */
START_TEST(find)
{
	uint8_t buf[64];
	size_t n = unhex(buf, sizeof(buf), "fd e8 00 02 aa bb 00 5a 00 01 11 00 5a 00 01 22 00 20 00 04 00");
	struct lw4o6_opt6 o;

	ck_assert(lw4o6_opt6_find(buf, n, 90, &o));
	ck_assert_uint_eq(o.len, 1);
	ck_assert_uint_eq(o.data[0], 0x11);
	ck_assert(!lw4o6_opt6_find(buf, n, 32, &o));
	ck_assert(!lw4o6_opt6_find(buf, n, 88, &o));
}
END_TEST

/* C-009: no truncation, the first error stays, a dry run counts the same octets. */
START_TEST(writer)
{
	uint8_t buf[16];
	struct lw4o6_wr w = lw4o6_wr_init(buf, 7), count = lw4o6_wr_init(NULL, 0);

	memset(buf, 0xee, sizeof(buf));
	lw4o6_wr_u8(&w, 1);
	lw4o6_wr_be16(&w, 0x0203);
	lw4o6_wr_be32(&w, 0x04050607);
	ck_assert_int_eq(lw4o6_wr_done(&w), 7);
	ck_octets(buf, 8, "\x01\x02\x03\x04\x05\x06\x07\xee", 8);
	lw4o6_wr_be16(&w, 0xffff);
	lw4o6_wr_put(&w, "", 0);
	ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_ESPACE);
	ck_assert_uint_eq(buf[7], 0xee);

	lw4o6_opt6_put(&count, 1, "abc", 3);
	lw4o6_opt6_put_be16(&count, 8, 1);
	lw4o6_opt6_put_be32(&count, 32, 1);
	lw4o6_opt4_put_u8(&count, 53, 1);
	lw4o6_opt4_put_be16(&count, 57, 576);
	ck_assert_int_eq(lw4o6_wr_done(&count), 7 + 6 + 8 + 3 + 4);

	static uint8_t big[65600];

	w = lw4o6_wr_init(NULL, 0);
	lw4o6_opt6_put(&w, 1, big, 65535);
	ck_assert_int_eq(lw4o6_wr_done(&w), 65539);
	lw4o6_opt6_put(&w, 1, big, 65536);
	ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_EINVAL);
}
END_TEST

/* C-009: an opened option holds at most 65535 octets, nested ones get their own length. */
START_TEST(open_close)
{
	static uint8_t big[70000], zeros[65536];
	uint8_t want[64];
	size_t n = unhex(want, sizeof(want), "00 60 00 0a 00 5c 00 02 aa bb 00 5a 00 00");
	struct lw4o6_wr w = lw4o6_wr_init(big, sizeof(big));
	size_t outer = lw4o6_opt6_open(&w, 96), inner = lw4o6_opt6_open(&w, 92);

	lw4o6_wr_be16(&w, 0xaabb);
	lw4o6_opt6_close(&w, inner);
	lw4o6_opt6_put(&w, 90, NULL, 0);
	lw4o6_opt6_close(&w, outer);
	ck_assert_int_eq(lw4o6_wr_done(&w), (ssize_t)n);
	ck_octets(big, n, want, n);

	for (size_t extra = 0; extra < 2; extra++) {
		w = lw4o6_wr_init(big, sizeof(big));
		outer = lw4o6_opt6_open(&w, 96);
		lw4o6_wr_put(&w, zeros, 65535 + extra);
		lw4o6_opt6_close(&w, outer);
		ck_assert_int_eq(lw4o6_wr_done(&w), extra ? LW4O6_EINVAL : 65539);
	}
}
END_TEST

/* C-045: instances of 255 octets and a rest, RFC 3396 section 5; never split below. */
START_TEST(split)
{
	static const struct {
		size_t len, octets;
		uint8_t last;
	} rows[] = { { 0, 2, 0 }, { 1, 3, 1 }, { 255, 257, 255 }, { 256, 260, 1 }, { 300, 304, 45 }, { 510, 514, 255 }, { 511, 517, 1 } };
	uint8_t value[600], buf[700];

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_wr w = lw4o6_wr_init(buf, rows[i].octets);
		size_t at = 0, got = 0;

		lw4o6_opt4_put(&w, 61, value, rows[i].len);
		ck_assert_int_eq(lw4o6_wr_done(&w), (ssize_t)rows[i].octets);
		while (at < rows[i].octets) {
			size_t n = buf[at + 1];

			ck_assert_uint_eq(buf[at], 61);
			ck_assert_uint_eq(n, at + 2 + n == rows[i].octets ? rows[i].last : 255);
			ck_octets(buf + at + 2, n, value + got, n);
			got += n;
			at += 2 + n;
		}
		ck_assert_uint_eq(got, rows[i].len);

		w = lw4o6_wr_init(NULL, 0);
		lw4o6_opt4_put(&w, 61, value, rows[i].len);
		ck_assert_int_eq(lw4o6_wr_done(&w), (ssize_t)rows[i].octets);
		w = lw4o6_wr_init(buf, rows[i].octets - 1);
		lw4o6_opt4_put(&w, 61, value, rows[i].len);
		ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_ESPACE);
	}
	for (unsigned code = 0; code < 256; code += 255) {
		struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));

		lw4o6_opt4_put_u8(&w, (uint8_t)code, 1);
		ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_EINVAL);
	}
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(lw4o6_opt6_name(93), "S46_PORTPARAMS");
	ck_assert_str_eq(lw4o6_opt6_name(88), "DHCP4_O_DHCP6_SERVER");
	ck_assert_str_eq(lw4o6_opt6_name(137), "S46_BIND_IPV6_PREFIX");
	ck_assert_str_eq(lw4o6_opt4_name(159), "V4_PORTPARAMS");
	ck_assert_str_eq(lw4o6_opt4_name(109), "DHCP4O6_S46_SADDR");
	ck_assert_ptr_null(lw4o6_opt6_name(0));
	ck_assert_ptr_null(lw4o6_opt6_name(109));
	ck_assert_ptr_null(lw4o6_opt6_name(65535));
	ck_assert_ptr_null(lw4o6_opt4_name(0));
	ck_assert_ptr_null(lw4o6_opt4_name(88));
	ck_assert_ptr_null(lw4o6_opt4_name(255));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("opt");
	TCase *tc = tcase_create("opt");

	tcase_add_test(tc, walk);
	tcase_add_test(tc, find);
	tcase_add_test(tc, writer);
	tcase_add_test(tc, open_close);
	tcase_add_test(tc, split);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return test_main(s);
}
