/* The vectors of data-plane section 1 that pass through a B4, byte for byte. */
#include "b4_kit.h"

static const char V1A[] = "45 ba 00 24 1c 46 40 00 40 11 31 dc c0 a8 01 0a c6 33 64 07 9c 40 13 89 00 10 5b f9 6c 77 34 6f"
                          "36 2d 31 0a";
static const char V1B[] = "6b a0 00 00 00 24 04 40 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00"
                          "00 00 00 00 00 00 00 01 45 ba 00 24 1c 46 40 00 3f 11 32 7c c0 00 02 12 c6 33 64 07 d0 02 13 89"
                          "00 10 27 d7 6c 77 34 6f 36 2d 31 0a";
static const char V1E[] = "60 00 00 00 00 24 04 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
                          "00 00 c0 00 02 12 00 34 45 00 00 24 00 00 40 00 38 11 56 7c c6 33 64 07 c0 00 02 12 13 89 d0 02"
                          "00 10 a2 eb 72 65 70 6c 79 2d 31 0a";
static const char V1F[] = "45 00 00 24 00 00 40 00 37 11 57 dc c6 33 64 07 c0 a8 01 0a 13 89 9c 40 00 10 d7 0d 72 65 70 6c"
                          "79 2d 31 0a";
static const char V2B[] = "6c 00 00 00 00 40 04 40 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 12 34 00"
                          "00 00 c0 00 02 12 00 34 45 c0 00 40 77 aa 00 00 f9 01 4b 36 cb 00 71 09 c0 00 02 12 0b 00 e1 6e"
                          "00 00 00 00 45 ba 00 24 1c 46 40 00 01 11 70 7c c0 00 02 12 c6 33 64 07 d0 02 13 89 00 10 27 d7"
                          "6c 77 34 6f 36 2d 31 0a";
static const char V2C[] = "45 c0 00 40 77 aa 00 00 f8 01 4c 96 cb 00 71 09 c0 a8 01 0a 0b 00 e1 0e 00 00 00 00 45 ba 00 24"
                          "1c 46 40 00 01 11 70 dc c0 a8 01 0a c6 33 64 07 9c 40 13 89 00 10 5b f9 6c 77 34 6f 36 2d 31 0a";
static const char V5A[] = "60 00 00 00 00 24 04 40 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00"
                          "00 00 00 00 00 00 00 01 45 00 00 24 00 01 40 00 3f 11 b7 a3 c0 00 02 12 c0 00 02 12 d0 02 d4 1c"
                          "00 10 27 42 68 61 69 72 70 69 6e 0a";
static const char V8A[] = "45 00 00 24 00 00 40 00 40 01 4e ec c0 a8 01 0a c6 33 64 07 08 00 54 35 12 34 00 01 61 62 63 64"
                          "65 66 67 68";
static const char V8B[] = "60 00 00 00 00 24 04 40 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00"
                          "00 00 00 00 00 00 00 01 45 00 00 24 00 00 40 00 3f 01 4f 8c c0 00 02 12 c6 33 64 07 08 00 96 64"
                          "d0 04 00 01 61 62 63 64 65 66 67 68";
static const char V8C[] = "45 00 00 24 00 00 40 00 39 01 55 8c c6 33 64 07 c0 00 02 12 00 00 9e 64 d0 04 00 01 61 62 63 64"
                          "65 66 67 68";
static const char V9A[] = "60 00 00 00 00 40 04 40 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00"
                          "00 00 00 00 00 00 00 01 45 00 00 40 00 00 40 00 3f 01 4f 70 c0 00 02 12 c6 33 64 07 03 03 e9 6b"
                          "00 00 00 00 45 00 00 24 00 00 40 00 38 11 56 7c c6 33 64 07 c0 00 02 12 13 89 d0 02 00 10 a2 eb"
                          "72 65 70 6c 79 2d 31 0a";
static const char V12A[] = "45 00 00 1e 00 00 40 00 40 11 4e e2 c0 a8 01 0a c6 33 64 07 9c 40 13 89 00 0a 34 22 30 01";
static const char V12B[] = "60 00 00 00 00 1e 04 40 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 20 01 0d b8 ff ff 00 00"
                           "00 00 00 00 00 00 00 01 45 00 00 1e 00 00 40 00 3f 11 4f 82 c0 00 02 12 c6 33 64 07 d0 02 13 89"
                           "00 0a ff ff 30 01";
static const char V13A[] = "45 00 00 24 00 00 40 00 40 11 b7 04 c0 a8 01 0a c0 00 02 12 9c 40 d0 04 00 10 a2 bb 6c 6f 63 61"
                           "6c 2d 31 0a";
static const char V13B[] = "45 00 00 24 00 00 40 00 3f 11 b8 03 c0 00 02 12 c0 a8 01 0b d0 02 17 70 00 10 27 8d 6c 6f 63 61"
                           "6c 2d 31 0a";

/* Softwire A with the external ports of the vectors. */
static struct kit *start(void)
{
	struct kit *k = kit_start(kit_new());

	kit_forward(k, 17, 53250, "192.168.1.10", 40000);
	kit_forward(k, 17, 53252, "192.168.1.11", 6000);
	kit_forward(k, 1, 0xd004, "192.168.1.10", 0x1234);
	return k;
}

static void feed(struct kit *k, enum lw4o6_side side, const char *hex)
{
	uint8_t in[512];

	kit_run(k, side, in, unhex(in, sizeof(in), hex));
}

static void expect(const struct kit *k, enum lw4o6_side side, const char *hex)
{
	uint8_t want[512];
	size_t len = unhex(want, sizeof(want), hex);

	ck_assert_uint_eq(k->n, 1);
	ck_assert_int_eq(k->out[0].side, side);
	ck_octets(k->out[0].data, k->out[0].len, want, len);
}

/* D-042, D-073, D-204, D-210, D-213, D-254, D-255, D-307, D-314: V1, V2, with and without headroom. */
START_TEST(udp_out_back_and_error)
{
	struct kit *k = start();

	k->headroom = _i ? 0 : ROOM;
	feed(k, LW4O6_SIDE_IPV4, V1A);
	expect(k, LW4O6_SIDE_IPV6, V1B);
	ck_assert_int_eq(k->pkt.verdict, _i ? LW4O6_VERDICT_OUTQ : LW4O6_VERDICT_EMIT6);
	feed(k, LW4O6_SIDE_IPV6, V1E);
	expect(k, LW4O6_SIDE_IPV4, V1F);
	feed(k, LW4O6_SIDE_IPV6, V2B);
	expect(k, LW4O6_SIDE_IPV4, V2C);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_RCVD_IPV4), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_SENT_IPV6), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_RCVD_IPV6), 2);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_SENT_IPV4), 2);
	kit_free(k);
}
END_TEST

/* D-250, D-312: V8 and the reply, which the AFTR would bring encapsulated. */
START_TEST(echo)
{
	struct kit *k = start();
	uint8_t reply[64], in[128], want[64];
	size_t len = unhex(reply, sizeof(reply), V8C);

	feed(k, LW4O6_SIDE_IPV4, V8A);
	expect(k, LW4O6_SIDE_IPV6, V8B);
	kit_run(k, LW4O6_SIDE_IPV6, in, mk_tunnel(in, reply, len));
	mk_echo(want, "198.51.100.7", "192.168.1.10", 0, 0x1234, 8);
	memcpy(want + 28, "abcdefgh", 8);
	fix_l4(want, 2, false);
	want[8] = 0x38;
	fix_ip(want);
	ck_assert_uint_eq(k->n, 1);
	ck_octets(k->out[0].data, k->out[0].len, want, 36);
	kit_free(k);
}
END_TEST

/* D-058, D-315: V9, from a quote that names the internal endpoint. */
START_TEST(error_from_the_lan)
{
	struct kit *k = start();
	uint8_t quote[64], in[128];

	feed(k, LW4O6_SIDE_IPV4, V1A);
	size_t len = unhex(quote, sizeof(quote), V1F);
	quote[8] = 0x38;
	fix_ip(quote);
	kit_run(k, LW4O6_SIDE_IPV4, in, mk_error(in, "192.168.1.10", "198.51.100.7", 3, 3, quote, len));
	expect(k, LW4O6_SIDE_IPV6, V9A);
	kit_free(k);
}
END_TEST

/* D-245: V12. */
START_TEST(udp_sum_that_becomes_zero)
{
	struct kit *k = start();

	feed(k, LW4O6_SIDE_IPV4, V12A);
	expect(k, LW4O6_SIDE_IPV6, V12B);
	kit_free(k);
}
END_TEST

/* D-324, D-328: V13. Nothing enters the tunnel. */
START_TEST(hairpin)
{
	struct kit *k = start();

	feed(k, LW4O6_SIDE_IPV4, V13A);
	expect(k, LW4O6_SIDE_IPV4, V13B);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_HAIRPIN), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_SENT_IPV6), 0);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_SENT_IPV4), 0);
	kit_free(k);
}
END_TEST

/* D-325: the own address, a port of somebody else: V5a. */
START_TEST(to_another_subscriber)
{
	struct kit *k = start();
	uint8_t in[64];
	size_t len = mk_udp(in, "192.168.1.10", 40000, "192.0.2.18", 54300, 8);

	memcpy(in + 28, "hairpin\n", 8);
	be16(in + 4, 1);
	fix_ip(in);
	fix_l4(in, 6, true);
	kit_run(k, LW4O6_SIDE_IPV4, in, len);
	expect(k, LW4O6_SIDE_IPV6, V5A);
	kit_free(k);
}
END_TEST

static const struct {
	const char *hex;
	enum lw4o6_side side;
} all[] = {
	{ V1A, LW4O6_SIDE_IPV4 },  { V1E, LW4O6_SIDE_IPV6 },  { V2B, LW4O6_SIDE_IPV6 },
	{ V8A, LW4O6_SIDE_IPV4 },  { V12A, LW4O6_SIDE_IPV4 }, { V13A, LW4O6_SIDE_IPV4 },
};

/* D-037, section 9 item 4: each vector cut at each length, in a block of exactly that size. */
START_TEST(cut_at_each_length)
{
	struct kit *k = start();
	uint8_t in[512];
	size_t len = unhex(in, sizeof(in), all[_i].hex);

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct lw4o6_pkt p = { .data = exact, .len = n };

		memcpy(exact, in, n);
		ck_assert_uint_eq(lw4o6_b4_run(k->b, all[_i].side, &p, 1, k->now), 1);
		ck_assert_int_eq(p.verdict, LW4O6_VERDICT_DROP);
		ck_assert(p.reason == LW4O6_CNT_DROP_V4_TRUNCATED || p.reason == LW4O6_CNT_DROP_V6_TRUNCATED ||
		          p.reason == LW4O6_CNT_DROP_V4_NOT_IPV4);
		kit_drain(k);
		free(exact);
	}
	kit_free(k);
}
END_TEST

/* Section 9 item 4: each octet changed in turn: one verdict, and nothing foreign leaves (D-227). */
START_TEST(each_octet_changed)
{
	uint8_t in[512];
	size_t len = unhex(in, sizeof(in), all[_i].hex);

	for (size_t at = 0; at < len; at++) {
		struct kit *k = start();

		feed(k, LW4O6_SIDE_IPV4, V1A);
		in[at] ^= 0x5a;
		kit_run(k, all[_i].side, in, len);
		in[at] ^= 0x5a;
		ck_assert_int_le(k->pkt.verdict, LW4O6_VERDICT_DROP);
		for (unsigned i = 0; i < k->n; i++) {
			const uint8_t *p = k->out[i].data;

			if (k->out[i].side == LW4O6_SIDE_IPV6 && p[6] == 4)
				ck_assert_int_eq(memcmp(p + 52, &k->rec.ipv4, 4), 0);
		}
		kit_free(k);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("b4_vectors");
	TCase *tc = tcase_create("vectors");
	int n = (int)(sizeof(all) / sizeof(all[0]));

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, udp_out_back_and_error, 0, 2);
	tcase_add_test(tc, echo);
	tcase_add_test(tc, error_from_the_lan);
	tcase_add_test(tc, udp_sum_that_becomes_zero);
	tcase_add_test(tc, hairpin);
	tcase_add_test(tc, to_another_subscriber);
	tcase_add_loop_test(tc, cut_at_each_length, 0, n);
	tcase_add_loop_test(tc, each_octet_changed, 0, n);
	suite_add_tcase(s, tc);
	return test_main(s);
}
