#include "vectors.h"

#include <lw4o6/s46.h>

enum { ROOM = 600 };

/* Octets of a hex text in a block of exactly their number. */
static uint8_t *octets(const char *hex, size_t *n)
{
	uint8_t buf[ROOM];

	*n = unhex(buf, sizeof(buf), hex);
	return exact(buf, *n);
}

/* C-019 to C-023: bodies of options 93 and 159, all rows of 2.1 and the bad ones of 2.2. */
START_TEST(portparams)
{
	static const struct {
		const char *hex;
		int result;
		unsigned offset, len, id;
	} rows[] = {
		{ "00 00 00 00", 0, 0, 0, 0 },
		{ "00 01 00 00", 0, 0, 1, 0 },
		{ "00 01 80 00", 0, 0, 1, 1 },
		{ "00 02 40 00", 0, 0, 2, 1 },
		{ "00 04 f0 00", 0, 0, 4, 15 },
		{ "00 06 00 00", 0, 0, 6, 0 },
		{ "00 06 04 00", 0, 0, 6, 1 },
		{ "00 06 fc 00", 0, 0, 6, 63 },
		{ "00 08 03 00", 0, 0, 8, 3 },
		{ "00 08 04 00", 0, 0, 8, 4 },
		{ "00 08 34 00", 0, 0, 8, 0x34 },
		{ "00 08 ff 00", 0, 0, 8, 0xff },
		{ "00 0a 04 00", 0, 0, 10, 0x10 },
		{ "00 0c 12 30", 0, 0, 12, 0x123 },
		{ "00 0f ff fe", 0, 0, 15, 0x7fff },
		{ "00 10 12 34", 0, 0, 16, 0x1234 },
		{ "01 08 34 00", 0, 1, 8, 0x34 },
		{ "04 04 00 00", 0, 4, 4, 0 },
		{ "04 08 34 00", 0, 4, 8, 0x34 },
		{ "04 0c ab c0", 0, 4, 12, 0xabc },
		{ "06 01 80 00", 0, 6, 1, 1 },
		{ "06 04 50 00", 0, 6, 4, 5 },
		{ "06 06 00 00", 0, 6, 6, 0 },
		{ "06 08 00 00", 0, 6, 8, 0 },
		{ "06 08 34 00", 0, 6, 8, 0x34 },
		{ "06 08 ff 00", 0, 6, 8, 0xff },
		{ "06 0a ff c0", 0, 6, 10, 0x3ff },
		{ "0a 01 00 00", 0, 10, 1, 0 },
		{ "0a 02 c0 00", 0, 10, 2, 3 },
		{ "0a 04 f0 00", 0, 10, 4, 15 },
		{ "0a 06 00 00", 0, 10, 6, 0 },
		{ "0a 06 fc 00", 0, 10, 6, 63 },
		{ "0f 01 80 00", 0, 15, 1, 1 },
		{ "00 08 34", LW4O6_ETRUNC, 0, 0, 0 },
		{ "", LW4O6_ETRUNC, 0, 0, 0 },
		{ "00 08 34 00 00", LW4O6_EMALF, 0, 0, 0 },
		{ "00 08 34 00 00 08 35 00", LW4O6_EMALF, 0, 0, 0 },
		{ "00 08 00 34", LW4O6_EBADPSID, 0, 0, 0 },
		{ "00 08 34 01", LW4O6_EBADPSID, 0, 0, 0 },
		{ "00 01 c0 00", LW4O6_EBADPSID, 0, 0, 0 },
		{ "00 0f ff ff", LW4O6_EBADPSID, 0, 0, 0 },
		{ "00 11 34 00", LW4O6_EBADPSID, 0, 0, 0 },
		{ "00 ff 00 00", LW4O6_EBADPSID, 0, 0, 0 },
		{ "10 08 34 00", LW4O6_EBADPSID, 0, 0, 0 },
		{ "10 00 00 00", LW4O6_EBADPSID, 0, 0, 0 },
		{ "0a 08 34 00", LW4O6_EBADPSID, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_psid ps = { 99, 99, 99 };
		size_t n;
		uint8_t *p = octets(rows[i].hex, &n), out[4];

		ck_assert_msg(lw4o6_s46_portparams_decode(&ps, p, n) == rows[i].result, "%s", rows[i].hex);
		if (rows[i].result == LW4O6_OK) {
			ck_assert_uint_eq(ps.offset, rows[i].offset);
			ck_assert_uint_eq(ps.len, rows[i].len);
			ck_assert_uint_eq(ps.id, rows[i].id);
			ck_assert_int_eq(lw4o6_s46_portparams_encode(out, 4, &ps), 4);
			ck_octets(out, 4, p, 4);
			ck_assert_int_eq(lw4o6_s46_portparams_encode(out, 3, &ps), LW4O6_ESPACE);
		} else {
			ck_assert_int_eq(ps.offset + ps.len + ps.id, 297);
		}
		free(p);
	}
}
END_TEST

/* C-023: without a PSID length the field is ignored and written 0. C-022: out of range is not encoded. */
START_TEST(whole_address)
{
	struct lw4o6_psid ps, bad[] = { { 16, 0, 0 }, { 0, 17, 0 }, { 10, 7, 0 }, { 0, 8, 256 } };
	uint8_t out[4];

	ck_assert_int_eq(lw4o6_s46_portparams_decode(&ps, (const uint8_t *)"\x06\x00\x12\x34", 4), LW4O6_OK);
	ck_assert_uint_eq(lw4o6_psid_nports(&ps), 65536);
	ck_assert_int_eq(lw4o6_s46_portparams_encode(out, 4, &ps), 4);
	ck_octets(out, 4, "\0\0\0\0", 4);
	ps = (struct lw4o6_psid){ 0, 0, 0x1234 };
	ck_assert_int_eq(lw4o6_s46_portparams_encode(out, 4, &ps), 4);
	ck_octets(out, 4, "\0\0\0\0", 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(lw4o6_s46_portparams_encode(out, 4, &bad[i]), LW4O6_EBADPSID);
}
END_TEST

/* C-020, C-021, C-055: every offset, length and PSID there and back. */
START_TEST(every_portparams)
{
	for (unsigned a = 0; a <= 15; a++) {
		for (unsigned k = 0; a + k <= 16; k++) {
			for (uint32_t id = 0; id < 1u << k; id++) {
				struct lw4o6_psid ps, got;
				uint8_t out[4];

				ck_assert_int_eq(lw4o6_psid_init(&ps, a, k, id), LW4O6_OK);
				if (lw4o6_s46_portparams_encode(out, 4, &ps) != 4 ||
				    lw4o6_s46_portparams_decode(&got, out, 4) != LW4O6_OK ||
				    !lw4o6_psid_equal(&ps, &got) || (out[2] << 8 | out[3]) != (int)(id << (16 - k)))
					ck_abort_msg("a %u k %u id %u", a, k, id);
			}
		}
	}
}
END_TEST

#define S1 "20 01 0d b8 00 04 00 00 00 00 00 00 00 00 05 47 "
#define S2 "20 01 0d b8 00 04 00 00 00 00 00 00 00 00 05 48 "

/* C-014 */
START_TEST(servers)
{
	struct lw4o6_s46_servers s = { .present = false };
	size_t n;
	uint8_t *p = octets("", &n), many[16 * 20];

	ck_assert_int_eq(lw4o6_s46_servers_decode(&s, p, n), LW4O6_OK);
	ck_assert(s.present && s.n == 0);
	free(p);

	p = octets(S1 S2 S1, &n);
	ck_assert_int_eq(lw4o6_s46_servers_decode(&s, p, n), LW4O6_OK);
	ck_assert_uint_eq(s.n, 2);
	ck_octets(&s.addr[0], 16, p, 16);
	ck_octets(&s.addr[1], 16, p + 16, 16);
	free(p);

	memset(&s, 0xee, sizeof(s));
	p = octets(S1 "aa", &n);
	ck_assert_int_eq(lw4o6_s46_servers_decode(&s, p, n), LW4O6_EMALF);
	ck_assert_uint_eq(s.n, 0xeeeeeeee);
	ck_assert_int_eq(lw4o6_s46_servers_decode(&s, p, 15), LW4O6_EMALF);
	free(p);

	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (uint8_t)(i / 16 + 1);
	ck_assert_int_eq(lw4o6_s46_servers_decode(&s, many, sizeof(many)), LW4O6_OK);
	ck_assert_uint_eq(s.n, LW4O6_S46_SERVERS_MAX);
	ck_assert_uint_eq(s.addr[15].s6_addr[0], 16);
}
END_TEST

#define BR1 "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 "
#define BR2 "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 02 "
#define OPT_BR1 "00 5a 00 10 " BR1
#define OPT_BR2 "00 5a 00 10 " BR2

/* C-016: 15 and 17 octets are skipped, the rest is kept in order; C-005: unknown codes do not matter. */
START_TEST(br)
{
	struct lw4o6_s46_br_list l;
	struct in6_addr a1 = addr6(BR1), a2 = addr6(BR2);
	size_t n;
	uint8_t *p = octets("00 5a 00 0f 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " OPT_BR1 "fd e8 00 01 00 "
	                    "00 5a 00 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " OPT_BR2, &n);

	lw4o6_s46_br_collect(&l, p, n);
	ck_assert_uint_eq(l.n, 2);
	ck_octets(&l.addr[0], 16, &a1, 16);
	ck_octets(&l.addr[1], 16, &a2, 16);
	lw4o6_s46_br_collect(&l, p, 19);
	ck_assert_uint_eq(l.n, 0);
	free(p);

	p = octets(OPT_BR1 OPT_BR1 OPT_BR1 OPT_BR1 OPT_BR1 OPT_BR1 OPT_BR1 OPT_BR1 OPT_BR2, &n);
	lw4o6_s46_br_collect(&l, p, n);
	ck_assert_uint_eq(l.n, LW4O6_S46_BR_MAX);
	free(p);
}
END_TEST

/* C-017: exact length, pad bits masked both ways. */
START_TEST(prefix)
{
	static const struct {
		const char *hex;
		int result;
		const char *canonical; /* NULL: as it came */
	} rows[] = {
		{ "00", 0, NULL },
		{ "38 20 01 0d b8 00 12 34", 0, NULL },
		{ "3c 20 01 0d b8 00 12 34 50", 0, NULL },
		{ "3c 20 01 0d b8 00 12 34 5f", 0, "3c 20 01 0d b8 00 12 34 50" },
		{ "01 ff", 0, "01 80" },
		{ "40 20 01 0d b8 00 12 34 00", 0, NULL },
		{ "80 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34", 0, NULL },
		{ "7f ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff", 0, "7f ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff fe" },
		{ "", LW4O6_ETRUNC, NULL },
		{ "39 20 01 0d b8 00 12 34", LW4O6_ETRUNC, NULL },
		{ "81 20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34 00", LW4O6_EMALF, NULL },
		{ "ff 20", LW4O6_EMALF, NULL },
		{ "38 20 01 0d b8 00 12 34 00", LW4O6_EMALF, NULL },
		{ "00 00", LW4O6_EMALF, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_s46_prefix x = { .len = 99 };
		size_t n, m;
		uint8_t *p = octets(rows[i].hex, &n), out[17];
		uint8_t *want = octets(rows[i].canonical ? rows[i].canonical : rows[i].hex, &m);

		ck_assert_msg(lw4o6_s46_prefix_decode(&x, p, n) == rows[i].result, "%s", rows[i].hex);
		if (rows[i].result == LW4O6_OK) {
			ck_assert_int_eq(lw4o6_s46_prefix_encode(out, m, &x), (ssize_t)m);
			ck_octets(out, m, want, m);
			/* masked when read, not only when written */
			ck_octets(&x.prefix, m - 1, want + 1, m - 1);
			ck_assert_int_eq(lw4o6_s46_prefix_encode(out, m - 1, &x), LW4O6_ESPACE);
		} else {
			ck_assert_uint_eq(x.len, 99);
		}
		free(p);
		free(want);
	}

	struct lw4o6_s46_prefix dirty = { addr6("ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff"), 60 };
	uint8_t out[17];

	ck_assert_int_eq(lw4o6_s46_prefix_encode(out, sizeof(out), &dirty), 9);
	ck_assert_uint_eq(out[8], 0xf0);
	dirty.len = 129;
	ck_assert_int_eq(lw4o6_s46_prefix_encode(out, sizeof(out), &dirty), LW4O6_EINVAL);
}
END_TEST

#define BIND "00 5c 00 14 c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 04 00 08 34 00 "
#define BIND_FULL "00 5c 00 0c c0 00 02 12 38 20 01 0d b8 00 12 34 "

/* C-018, C-019, C-024, C-005, C-007, C-008: container 96. */
START_TEST(container)
{
	static const struct {
		const char *hex;
		int result;
		const char *canonical;
	} rows[] = {
		{ OPT_BR1 BIND, 0, NULL },
		{ OPT_BR1 BIND_FULL, 0, NULL },
		{ OPT_BR1, 0, NULL },
		{ OPT_BR2 OPT_BR1, 0, NULL },
		{ BIND OPT_BR1, 0, OPT_BR1 BIND },
		{ OPT_BR1 "fd e8 00 00 " BIND, 0, OPT_BR1 BIND },
		{ OPT_BR1 "00 5d 00 04 00 08 34 00 ", 0, OPT_BR1 },            /* 93 is read only inside 92 */
		{ OPT_BR1 "00 5a 00 01 00 ", 0, OPT_BR1 },                     /* a bad 90 beside a good one */
		{ OPT_BR1 "00 5c 00 18 c0 00 02 12 38 20 01 0d b8 00 12 34 fd e8 00 00 00 5d 00 04 00 08 34 00 ", 0, OPT_BR1 BIND },
		{ OPT_BR1 "00 5c 00 1c c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 04 00 08 34 00 00 5d 00 04 00 08 35 00 ", 0,
		  OPT_BR1 BIND },                                              /* the first 93 counts */
		{ "", LW4O6_EMALF, NULL },
		{ BIND, LW4O6_EMALF, NULL },                                   /* no 90 */
		{ "00 5a 00 0f 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ", LW4O6_EMALF, NULL }, /* no valid 90 */
		{ OPT_BR1 BIND BIND, LW4O6_EMALF, NULL },
		{ OPT_BR1 "00 59 00 00 ", LW4O6_EMALF, NULL },
		{ OPT_BR1 "00 5b 00 00 ", LW4O6_EMALF, NULL },
		{ OPT_BR1 "00 60 00 00 ", LW4O6_EMALF, NULL },
		{ OPT_BR1 "00", LW4O6_ETRUNC, NULL },
		{ OPT_BR1 "00 5c 00 15 c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 04 00 08 34 00", LW4O6_ETRUNC, NULL },
		{ OPT_BR1 "00 5c 00 04 c0 00 02 12", LW4O6_ETRUNC, NULL },
		{ OPT_BR1 "00 5c 00 0b c0 00 02 12 38 20 01 0d b8 00 12", LW4O6_ETRUNC, NULL },
		{ OPT_BR1 "00 5c 00 05 c0 00 02 12 81", LW4O6_EMALF, NULL },
		{ OPT_BR1 "00 5c 00 0d c0 00 02 12 38 20 01 0d b8 00 12 34 00", LW4O6_ETRUNC, NULL },
		{ OPT_BR1 "00 5c 00 13 c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 03 00 08 34", LW4O6_ETRUNC, NULL },
		{ OPT_BR1 "00 5c 00 14 c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 04 00 08 00 34", LW4O6_EBADPSID, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_s46_lw lw;
		size_t n, m;
		uint8_t *p = octets(rows[i].hex, &n), out[ROOM];
		uint8_t *want = octets(rows[i].canonical ? rows[i].canonical : rows[i].hex, &m);

		memset(&lw, 0xee, sizeof(lw));
		ck_assert_msg(lw4o6_s46_lw_decode(&lw, p, n) == rows[i].result, "%s", rows[i].hex);
		if (rows[i].result == LW4O6_OK) {
			struct lw4o6_wr w = lw4o6_wr_init(out, m + 4);

			lw4o6_s46_lw_put(&w, &lw);
			ck_assert_int_eq(lw4o6_wr_done(&w), (ssize_t)m + 4);
			ck_assert_uint_eq(out[1], 96);
			ck_octets(out + 4, m, want, m);
			for (size_t room = 0; room < m + 4; room++) {
				w = lw4o6_wr_init(out, room);
				lw4o6_s46_lw_put(&w, &lw);
				ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_ESPACE);
			}
		} else {
			ck_assert_uint_eq(lw.br.n, 0xeeeeeeee);
		}
		free(p);
		free(want);
	}
}
END_TEST

/* C-004: container 96 of 2.2 cut at each length: good at option boundaries only. */
START_TEST(container_cut)
{
	uint8_t buf[ROOM];
	size_t n = unhex(buf, sizeof(buf), OPT_BR1 BIND);

	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *p = exact(buf, cut);
		struct lw4o6_s46_lw lw;

		ck_assert((lw4o6_s46_lw_decode(&lw, p, cut) == LW4O6_OK) == (cut == 20));
		free(p);
	}
}
END_TEST

/* C-024, S-016: what a decoder would refuse is not written. */
START_TEST(container_refused)
{
	struct lw4o6_s46_lw good = { .br = { .n = 1 }, .has_bind = true, .bind = { .len = 56 }, .ports = { 0, 8, 1 } };
	struct lw4o6_s46_lw bad[4] = { good, good, good, good };
	uint8_t buf[ROOM];

	bad[0].br.n = 0;
	bad[1].br.n = LW4O6_S46_BR_MAX + 1;
	bad[2].bind.len = 129;
	bad[3].ports.len = 17;
	for (int i = 0; i < 4; i++) {
		struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));

		lw4o6_s46_lw_put(&w, &bad[i]);
		ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_EINVAL);
	}
}
END_TEST

/* C-026 */
START_TEST(priority)
{
	static const struct {
		const char *hex;
		int result;
		unsigned n;
		uint16_t code[5];
	} rows[] = {
		{ "00 58 00 60", 0, 2, { 88, 96 } },
		{ "00 60", 0, 1, { 96 } },
		{ "03 e7 00 58 00 60", 0, 2, { 88, 96 } },
		{ "00 60 03 e7 00 5e 00 5f 00 40 00 58", 0, 5, { 96, 94, 95, 64, 88 } },
		{ "03 e7", 0, 0, { 0 } },
		{ "", LW4O6_EMALF, 0, { 0 } },
		{ "00", LW4O6_EMALF, 0, { 0 } },
		{ "00 58 00", LW4O6_EMALF, 0, { 0 } },
		{ "00 58 00 58", LW4O6_EMALF, 0, { 0 } },
		{ "03 e7 00 58 03 e7", LW4O6_EMALF, 0, { 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_s46_priority p = { .n = 77 };
		size_t n;
		uint8_t *b = octets(rows[i].hex, &n);

		ck_assert_msg(lw4o6_s46_priority_decode(&p, b, n) == rows[i].result, "%s", rows[i].hex);
		ck_assert_uint_eq(p.n, rows[i].result == LW4O6_OK ? rows[i].n : 77);
		for (unsigned j = 0; rows[i].result == LW4O6_OK && j < p.n; j++)
			ck_assert_uint_eq(p.code[j], rows[i].code[j]);
		free(b);
	}
}
END_TEST

/* C-065, RFC 8539 section 7.4 */
START_TEST(match_hint)
{
	struct lw4o6_s46_prefix active[] = {
		{ addr6("fd 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00"), 64 },
		{ addr6("20 01 0d b8 00 12 34 01 00 00 00 00 00 00 00 00"), 64 },
		{ addr6("20 01 0d b8 00 12 34 02 00 00 00 00 00 00 00 00"), 64 },
		{ addr6("20 01 0d b8 00 12 00 00 00 00 00 00 00 00 00 00"), 48 },
	};
	static const struct {
		const char *hint;
		uint8_t len;
		size_t n;
		int best;
	} rows[] = {
		{ "20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 00", 56, 4, 1 },
		{ "20 01 0d b8 00 12 34 02 00 00 00 00 00 00 00 00", 64, 4, 2 },
		{ "20 01 0d b8 00 12 34 02 00 00 00 00 00 00 00 00", 56, 4, 1 }, /* bits after the length do not count */
		{ "20 01 0d b8 00 12 35 00 00 00 00 00 00 00 00 00", 56, 4, 3 },
		{ "20 01 0d b8 00 12 34 02 00 00 00 c0 00 02 12 00", 128, 4, 2 },
		{ "fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 8, 4, 0 },
		{ "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 0, 4, 0 },
		{ "20 01 0d b9 00 12 34 00 00 00 00 00 00 00 00 00", 56, 4, LW4O6_ENOENT },
		{ "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 0, 0, LW4O6_ENOENT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_s46_prefix hint = { addr6(rows[i].hint), rows[i].len };

		ck_assert_msg(lw4o6_s46_match_hint(&hint, active, rows[i].n) == rows[i].best, "row %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("s46");
	TCase *tc = tcase_create("s46");

	tcase_add_test(tc, portparams);
	tcase_add_test(tc, whole_address);
	tcase_add_test(tc, every_portparams);
	tcase_add_test(tc, servers);
	tcase_add_test(tc, br);
	tcase_add_test(tc, prefix);
	tcase_add_test(tc, container);
	tcase_add_test(tc, container_cut);
	tcase_add_test(tc, container_refused);
	tcase_add_test(tc, priority);
	tcase_add_test(tc, match_hint);
	suite_add_tcase(s, tc);
	return test_main(s);
}
