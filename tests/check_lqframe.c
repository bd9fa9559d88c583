#include "vectors.h"

#include <lw4o6/dhcp4.h>
#include <lw4o6/lqframe.h>

enum { STREAM = 4096 };

/* All frames of 2.5 one after the other. */
static size_t stream(uint8_t *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < N_LEASEQUERY; i++)
		n += vector_octets(dst + n, &codec_leasequery[i]);
	return n;
}

/* C-057: at any split into pieces of one size the messages come out whole and in order. */
START_TEST(any_split)
{
	uint8_t octets[STREAM], buf[1024];
	size_t n = stream(octets);

	for (size_t piece = 1; piece <= n; piece++) {
		struct lw4o6_lqframe f;
		size_t got = 0, at = 0;

		lw4o6_lqframe_init(&f, buf, sizeof(buf));
		for (size_t from = 0; from < n; from += piece) {
			size_t len = n - from < piece ? n - from : piece;
			uint8_t *p = exact(octets + from, len);
			struct lw4o6_span in = { p, len }, msg;
			int r;

			while ((r = lw4o6_lqframe_next(&f, &in, &msg)) == 1) {
				ck_assert_uint_lt(got, N_LEASEQUERY);
				ck_octets(msg.p, msg.len, octets + at + 2, codec_leasequery[got].len - 2);
				at += codec_leasequery[got++].len;
			}
			ck_assert_int_eq(r, 0);
			ck_assert_uint_eq(in.len, 0);
			free(p);
		}
		ck_assert_uint_eq(got, N_LEASEQUERY);
		ck_assert_uint_eq(f.have, 0);
	}
}
END_TEST

/* C-057: sizes at the limits; an error stays. */
START_TEST(sizes)
{
	static const struct {
		const char *size;
		size_t room;
		int result;
	} rows[] = {
		{ "00 00", 65535, LW4O6_EMALF }, { "00 ef", 65535, LW4O6_EMALF }, { "00 f0", 65535, 0 },
		{ "ff ff", 65535, 0 },           { "ff ff", 65534, LW4O6_ESPACE }, { "00 f1", 240, LW4O6_ESPACE },
	};
	static uint8_t buf[65535];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_lqframe f;
		uint8_t size[2];
		struct lw4o6_span in = { size, unhex(size, 2, rows[i].size) }, msg;

		lw4o6_lqframe_init(&f, buf, rows[i].room);
		ck_assert_int_eq(lw4o6_lqframe_next(&f, &in, &msg), rows[i].result);
		if (rows[i].result < 0) {
			in = (struct lw4o6_span){ (const uint8_t *)"\0\xf0", 2 };
			ck_assert_int_eq(lw4o6_lqframe_next(&f, &in, &msg), rows[i].result);
			ck_assert_uint_eq(in.len, 2);
		}
	}
}
END_TEST

/* C-057: a message of 65535 octets, whole, in two pieces and octet by octet. */
START_TEST(longest)
{
	static uint8_t octets[65537], buf[65535];
	static const size_t pieces[] = { 65537, 65536, 32768, 1 };
	struct test_rng rng = { 9 };

	test_random(&rng, octets, sizeof(octets));
	octets[0] = octets[1] = 0xff;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct lw4o6_lqframe f;
		unsigned got = 0;

		lw4o6_lqframe_init(&f, buf, sizeof(buf));
		for (size_t from = 0; from < sizeof(octets); from += pieces[i]) {
			size_t left = sizeof(octets) - from;
			struct lw4o6_span in = { octets + from, left < pieces[i] ? left : pieces[i] }, msg;

			if (lw4o6_lqframe_next(&f, &in, &msg) == 1) {
				got++;
				ck_octets(msg.p, msg.len, octets + 2, 65535);
			}
		}
		ck_assert_uint_eq(got, 1);
	}
}
END_TEST

/* The vectors framed again; sizes that have no frame. */
START_TEST(encode)
{
	uint8_t want[VECTOR_MAX], got[VECTOR_MAX];
	size_t n = vector_octets(want, &codec_leasequery[_i]);
	static uint8_t zeros[65536];

	for (size_t room = 0; room <= n; room++) {
		struct lw4o6_wr w = lw4o6_wr_init(got, room);
		size_t mark = lw4o6_lqframe_open(&w);

		lw4o6_wr_put(&w, want + 2, n - 2);
		lw4o6_lqframe_close(&w, mark);
		ck_assert_int_eq(lw4o6_wr_done(&w), room < n ? LW4O6_ESPACE : (ssize_t)n);
	}
	ck_octets(got, n, want, n);
	for (size_t len = 239; len <= 65536; len += len == 240 ? 65535 - 240 : 1) {
		struct lw4o6_wr w = lw4o6_wr_init(NULL, 0);
		size_t mark = lw4o6_lqframe_open(&w);

		lw4o6_wr_put(&w, zeros, len);
		lw4o6_lqframe_close(&w, mark);
		ck_assert_int_eq(lw4o6_wr_done(&w), len < 240 || len > 65535 ? LW4O6_EINVAL : (ssize_t)len + 2);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lqframe");
	TCase *tc = tcase_create("lqframe");

	tcase_add_test(tc, any_split);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, longest);
	tcase_add_loop_test(tc, encode, 0, (int)N_LEASEQUERY);
	suite_add_tcase(s, tc);
	return test_main(s);
}
