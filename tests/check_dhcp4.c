#include "vectors.h"

#include <lw4o6/dhcp4.h>

enum { ROOM = 4096, FILE_AT = 108, SNAME_AT = 44 };

/* A request with these options behind the cookie, in a block of exactly its size. */
static uint8_t *message(const char *options, size_t *n)
{
	uint8_t buf[ROOM] = { 1, 1, 6, 0, 0x11, 0x22, 0x33, 0x44 };

	memcpy(buf + 236, "\x63\x82\x53\x63", 4);
	*n = 240 + unhex(buf + 240, sizeof(buf) - 240, options);
	return exact(buf, *n);
}

static int decode(struct lw4o6_dhcp4_msg *m, const char *options)
{
	size_t n;
	uint8_t *p = message(options, &n);
	int r = lw4o6_dhcp4_decode(m, p, n);

	free(p);
	return r;
}

/* C-011, C-040: the fixed part. */
START_TEST(fixed_part)
{
	static const struct {
		size_t at;
		uint8_t value;
		int result;
	} rows[] = {
		{ 0, 1, LW4O6_OK }, { 0, 2, LW4O6_OK }, { 0, 0, LW4O6_EMALF }, { 0, 3, LW4O6_EMALF },
		{ 1, 0, LW4O6_OK }, { 2, 0, LW4O6_OK }, { 2, 16, LW4O6_OK }, { 2, 17, LW4O6_EMALF },
		{ 236, 0x64, LW4O6_EMALF }, { 239, 0x62, LW4O6_EMALF },
	};
	struct lw4o6_dhcp4_msg m;
	size_t n;
	uint8_t *p = message("35 01 01 ff", &n), *q;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t old = p[rows[i].at];

		p[rows[i].at] = rows[i].value;
		ck_assert_int_eq(lw4o6_dhcp4_decode(&m, p, n), rows[i].result);
		p[rows[i].at] = old;
	}
	for (size_t len = 0; len < 240; len++) {
		q = exact(p, len);
		ck_assert_int_eq(lw4o6_dhcp4_decode(&m, q, len), LW4O6_ETRUNC);
		free(q);
	}
	free(p);
}
END_TEST

/* C-001, C-041: every field of the fixed part where it belongs, both ways. */
START_TEST(header)
{
	struct lw4o6_dhcp4_hdr h = {
		.op = 2, .htype = 3, .hlen = 16, .hops = 4, .xid = 0x11223344, .secs = 0x5566, .flags = 0x8001,
		.ciaddr = addr4(0x01020304), .yiaddr = addr4(0x05060708), .siaddr = addr4(0x090a0b0c), .giaddr = addr4(0x0d0e0f10),
		.chaddr = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	};
	uint8_t got[300], want[300] = { 0 };
	struct lw4o6_wr w = lw4o6_wr_init(got, sizeof(got));
	struct lw4o6_dhcp4_msg m;

	unhex(want, 44, "02 03 10 04 11 22 33 44 55 66 80 01 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 "
	                "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10");
	unhex(want + 236, 8, "63 82 53 63 35 01 05 ff");
	lw4o6_dhcp4_begin(&w, &h, LW4O6_DHCP4_ACK);
	lw4o6_dhcp4_end(&w);
	ck_octets(got, w.len, want, 244);
	ck_assert_int_eq(lw4o6_dhcp4_decode(&m, got, w.len), LW4O6_OK);
	ck_assert_int_eq(memcmp(&m.hdr, &h, sizeof(h)), 0);
	h.hlen = 17;
	lw4o6_dhcp4_begin(&w, &h, LW4O6_DHCP4_ACK);
	ck_assert_int_eq(lw4o6_wr_done(&w), LW4O6_EINVAL);
}
END_TEST

/* C-042, C-046, C-047, C-048, C-049, C-052, C-054: one option field per rule. has and bad are compared whole. */
START_TEST(rules)
{
#define T LW4O6_DHCP4_HAS_TYPE
	static const struct {
		const char *options;
		int result;
		uint32_t has, bad;
	} rows[] = {
		{ "35 01 01", 0, T, 0 },                        /* 243 octets, no end */
		{ "", LW4O6_EMALF, 0, 0 },
		{ "ff", LW4O6_EMALF, 0, 0 },
		{ "ff 35 01 01", LW4O6_EMALF, 0, 0 },           /* behind the end */
		{ "00 00 35 01 01 00 00 ff 99", 0, T, 0 },
		{ "35 01 00 ff", LW4O6_EUNKNOWN, 0, 0 },
		{ "35 01 12 ff", 0, T, 0 },
		{ "35 01 13 ff", LW4O6_EUNKNOWN, 0, 0 },
		{ "35 00 ff", LW4O6_EMALF, 0, 0 },
		{ "35 02 01 01 ff", LW4O6_EMALF, 0, 0 },
		{ "35 01 01 35 01 01 ff", LW4O6_EMALF, 0, 0 },  /* two are one of length 2 */
		{ "35 01 01 32", LW4O6_ETRUNC, 0, 0 },
		{ "35 01 01 32 04", LW4O6_ETRUNC, 0, 0 },
		{ "35 01 01 fe 04 00 00 00", LW4O6_ETRUNC, 0, 0 },
		{ "35 01 01 fe 00 ff", 0, T, 0 },
		{ "35 01 01 32 03 00 00 00 ff", LW4O6_EMALF, 0, 0 },
		{ "35 01 01 32 05 00 00 00 00 00 ff", LW4O6_EMALF, 0, 0 },
		{ "35 01 01 36 03 00 00 00 ff", LW4O6_EMALF, 0, 0 },
		{ "35 01 01 36 00 ff", LW4O6_EMALF, 0, 0 },
		{ "35 01 01 33 04 00 00 00 00 ff", 0, T | LW4O6_DHCP4_HAS_LEASE, 0 },
		{ "35 01 01 33 03 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_LEASE },
		{ "35 01 01 33 05 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_LEASE },
		{ "35 01 01 3a 03 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_T1 },
		{ "35 01 01 3b 05 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_T2 },
		{ "35 01 01 39 01 05 ff", 0, T, LW4O6_DHCP4_HAS_MAX_SIZE },
		{ "35 01 01 39 03 05 00 00 ff", 0, T, LW4O6_DHCP4_HAS_MAX_SIZE },
		{ "35 01 01 01 03 ff ff ff ff", 0, T, LW4O6_DHCP4_HAS_SUBNET },
		{ "35 01 01 6d 0f 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_SADDR },
		{ "35 01 01 6d 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff", 0, T | LW4O6_DHCP4_HAS_SADDR, 0 },
		{ "35 01 01 6d 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_SADDR },
		{ "35 01 01 9f 03 00 08 34 ff", 0, T, LW4O6_DHCP4_HAS_PORTS },
		{ "35 01 01 9f 04 00 08 00 34 ff", 0, T, LW4O6_DHCP4_HAS_PORTS },
		{ "35 01 01 9f 04 00 11 34 00 ff", 0, T, LW4O6_DHCP4_HAS_PORTS },
		{ "35 01 01 9f 04 00 08 34 00 ff", 0, T | LW4O6_DHCP4_HAS_PORTS, 0 },
		{ "35 01 01 9f 04 00 08 34 00 9f 04 00 08 35 00 ff", 0, T, LW4O6_DHCP4_HAS_PORTS },
		{ "35 01 01 9f 02 00 08 9f 02 34 00 ff", 0, T | LW4O6_DHCP4_HAS_PORTS, 0 }, /* split, then whole */
		{ "35 01 01 3d 01 ff ff", 0, T, LW4O6_DHCP4_HAS_CLIENT_ID },
		{ "35 01 01 3d 00 ff", 0, T, LW4O6_DHCP4_HAS_CLIENT_ID },
		{ "35 01 01 3d 02 01 02 ff", 0, T | LW4O6_DHCP4_HAS_CLIENT_ID, 0 },
		{ "35 01 01 37 00 ff", 0, T, LW4O6_DHCP4_HAS_PRL },
		{ "35 01 01 38 00 ff", 0, T, LW4O6_DHCP4_HAS_MESSAGE },
		{ "35 01 01 3c 00 ff", 0, T, LW4O6_DHCP4_HAS_VENDOR_CLASS },
		{ "35 01 01 52 02 01 00 ff", 0, T | LW4O6_DHCP4_HAS_RELAY_INFO, 0 },
		{ "35 01 01 52 05 01 00 02 01 aa ff", 0, T | LW4O6_DHCP4_HAS_RELAY_INFO, 0 },
		{ "35 01 01 52 05 01 00 02 02 aa ff", 0, T, LW4O6_DHCP4_HAS_RELAY_INFO },
		{ "35 01 01 52 03 01 00 02 ff", 0, T, LW4O6_DHCP4_HAS_RELAY_INFO },
		{ "35 01 01 52 01 01 ff", 0, T, LW4O6_DHCP4_HAS_RELAY_INFO },
		{ "35 01 01 5b 03 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_LAST_TRANSACTION },
		{ "35 01 01 5c 04 00 00 00 00 ff", 0, T | LW4O6_DHCP4_HAS_ASSOCIATED, 0 },
		{ "35 01 01 5c 00 ff", 0, T, LW4O6_DHCP4_HAS_ASSOCIATED },
		{ "35 01 01 5c 06 00 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_ASSOCIATED },
		{ "35 01 01 97 00 ff", 0, T, LW4O6_DHCP4_HAS_STATUS },
		{ "35 01 01 97 01 00 ff", 0, T | LW4O6_DHCP4_HAS_STATUS, 0 },
		{ "35 01 01 97 03 00 61 62 ff", 0, T | LW4O6_DHCP4_HAS_STATUS, 0 },
		{ "35 01 01 97 03 00 61 00 ff", 0, T, LW4O6_DHCP4_HAS_STATUS },
		{ "35 01 01 98 05 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_BASE_TIME },
		{ "35 01 01 99 03 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_START_OF_STATE },
		{ "35 01 01 9a 03 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_QUERY_START },
		{ "35 01 01 9b 05 00 00 00 00 00 ff", 0, T, LW4O6_DHCP4_HAS_QUERY_END },
		{ "35 01 01 9c 02 00 00 ff", 0, T, LW4O6_DHCP4_HAS_STATE },
		{ "35 01 01 9d 00 ff", 0, T, LW4O6_DHCP4_HAS_SOURCE },
		{ "35 01 01 5a 01 00 91 00 50 00 34 01 07 ff", 0, T, 0 },
	};
#undef T

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_dhcp4_msg m;
		int r = decode(&m, rows[i].options);

		ck_assert_msg(r == rows[i].result, "%s: %d", rows[i].options, r);
		if (r == LW4O6_OK)
			ck_assert_msg(m.has == rows[i].has && m.bad == rows[i].bad, "%s: has %x bad %x", rows[i].options, m.has, m.bad);
	}
}
END_TEST

/* C-042: the missing end is reported, not refused. */
START_TEST(missing_end)
{
	struct lw4o6_dhcp4_msg m;

	ck_assert_int_eq(decode(&m, "35 01 01"), LW4O6_OK);
	ck_assert(m.no_end);
	ck_assert_int_eq(decode(&m, "35 01 01 ff"), LW4O6_OK);
	ck_assert(!m.no_end);
	ck_assert_int_eq(decode(&m, "35 01 01 00"), LW4O6_OK);
	ck_assert(m.no_end);
}
END_TEST

/* C-050, C-051, C-053, C-056: values that are put right, and those that are kept. */
START_TEST(values)
{
	struct lw4o6_dhcp4_msg m;
	size_t n;
	uint8_t *p = message("35 01 01 37 06 9f 01 9f 33 01 9f 38 05 61 62 00 63 00 39 02 01 f4 3a 04 ff ff ff ff "
	                     "97 03 05 6e 6f 98 04 ff ff ff ff 99 04 00 00 00 05 9a 04 65 a0 00 00 9b 04 65 a0 00 01 "
	                     "9c 01 04 9d 01 01 5c 08 c0 00 02 12 c0 00 02 13 5b 04 00 00 02 58 ff", &n);

	ck_assert_int_eq(lw4o6_dhcp4_decode(&m, p, n), LW4O6_OK);
	ck_octets(m.prl.p, m.prl.len, "\x9f\x01\x33", 3);
	ck_assert(lw4o6_dhcp4_prl_has(&m, 1) && lw4o6_dhcp4_prl_has(&m, 51) && !lw4o6_dhcp4_prl_has(&m, 2));
	ck_octets(m.message.p, m.message.len, "ab\0c", 4);
	ck_assert_uint_eq(m.max_size, 576);
	ck_assert_uint_eq(m.t1_s, UINT32_MAX);
	ck_assert_uint_eq(m.status, LW4O6_DHCP4_LQ_DATA_MISSING);
	ck_octets(m.status_text.p, m.status_text.len, "no", 2);
	ck_assert_uint_eq(m.base_time, UINT32_MAX);
	ck_assert_uint_eq(m.start_of_state_s, 5);
	ck_assert_uint_eq(m.query_start, 0x65a00000);
	ck_assert_uint_eq(m.query_end, 0x65a00001);
	ck_assert_uint_eq(m.state, LW4O6_DHCP4_STATE_RELEASED);
	ck_assert_uint_eq(m.source, LW4O6_DHCP4_SOURCE_REMOTE);
	ck_assert_uint_eq(m.associated.len, 8);
	ck_assert_uint_eq(m.last_transaction_s, 600);
	free(p);
	ck_assert_int_eq(decode(&m, "35 01 01 38 02 00 00 39 02 02 40 ff"), LW4O6_OK);
	ck_assert_uint_eq(m.message.len, 0);
	ck_assert_uint_eq(m.max_size, 576);
	ck_assert_int_eq(decode(&m, "35 01 01 39 02 02 41 ff"), LW4O6_OK);
	ck_assert_uint_eq(m.max_size, 577);
}
END_TEST

/* C-043: instances in order, checked as one value; over the options, file and sname fields too. */
START_TEST(split)
{
	struct lw4o6_dhcp4_msg m;
	size_t n;
	uint8_t *p = message("37 03 01 02 03 35 01 01 32 01 c0 37 04 04 05 06 07 32 03 00 02 12 34 01 03 3d 02 0a 0b ff", &n);

	unhex(p + FILE_AT, 64, "3d 01 0c fe 02 01 02 ff 3d 01 99");
	unhex(p + SNAME_AT, 64, "00 3d 02 0d 0e fe 01 03 ff");
	ck_assert_int_eq(lw4o6_dhcp4_decode(&m, p, n), LW4O6_OK);
	ck_octets(m.prl.p, m.prl.len, "\x01\x02\x03\x04\x05\x06\x07", 7);
	ck_assert_uint_eq(ntohl(m.requested.s_addr), 0xc0000212);
	ck_octets(m.client_id.p, m.client_id.len, "\x0a\x0b\x0c\x0d\x0e", 5);

	uint8_t dst[3];
	struct lw4o6_span v;

	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 254, dst, 3, &v), LW4O6_OK);
	ck_octets(v.p, v.len, "\x01\x02\x03", 3);
	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 254, dst, 2, &v), LW4O6_ESPACE);
	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 254, NULL, 0, &v), LW4O6_ESPACE);
	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 53, NULL, 0, &v), LW4O6_OK);
	ck_octets(v.p, v.len, "\x01", 1);
	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 67, NULL, 0, &v), LW4O6_ENOENT);
	ck_assert_int_eq(lw4o6_dhcp4_option(p, 239, 53, NULL, 0, &v), LW4O6_ETRUNC);
	p[n - 1] = 61;
	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 53, NULL, 0, &v), LW4O6_ETRUNC);
	ck_assert_int_eq(lw4o6_dhcp4_option(p, n, 67, NULL, 0, &v), LW4O6_ETRUNC);
	free(p);
}
END_TEST

/* C-044: option 52, each value; what file and sname hold without it does not matter. */
START_TEST(overload)
{
	static const struct {
		const char *options;
		bool file, sname;
	} rows[] = {
		{ "35 01 01 ff", false, false },
		{ "35 01 01 34 01 00 ff", false, false },
		{ "35 01 01 34 01 01 ff", true, false },
		{ "35 01 01 34 01 02 ff", false, true },
		{ "35 01 01 34 01 03 ff", true, true },
		{ "35 01 01 34 01 04 ff", false, false },
		{ "35 01 01 34 01 07 ff", false, false },
		{ "35 01 01 34 01 01 34 01 02 ff", false, false }, /* one option of length 2 */
		{ "35 01 01 34 00 ff", false, false },
		{ "35 01 01 34 02 03 03 ff", false, false },
		{ "35 01 01 ff 34 01 03", false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_dhcp4_msg m;
		size_t n;
		uint8_t *p = message(rows[i].options, &n);

		/* 52 inside a field must not turn on the other */
		unhex(p + FILE_AT, 64, "33 04 00 00 00 01 34 01 03 ff ");
		unhex(p + SNAME_AT, 64, "34 01 03 3a 04 00 00 00 02 ff ");
		ck_assert_int_eq(lw4o6_dhcp4_decode(&m, p, n), LW4O6_OK);
		ck_assert_msg(!(m.has & LW4O6_DHCP4_HAS_LEASE) == !rows[i].file, "%s", rows[i].options);
		ck_assert_msg(!(m.has & LW4O6_DHCP4_HAS_T1) == !rows[i].sname, "%s", rows[i].options);
		ck_assert(!m.no_end);
		memset(p + FILE_AT, 0, 128);
		ck_assert_int_eq(lw4o6_dhcp4_decode(&m, p, n), LW4O6_OK);
		ck_assert(m.no_end == rows[i].file);
		memset(p + FILE_AT, 0x33, 128);
		ck_assert_int_eq(lw4o6_dhcp4_decode(&m, p, n), rows[i].file ? LW4O6_ETRUNC : LW4O6_OK);
		free(p);
	}
}
END_TEST

/* C-043, C-048: a client id of 300 octets in two instances is too long; scratch has an end. */
START_TEST(long_values)
{
	static uint8_t value[2048], buf[ROOM];
	static const struct {
		uint8_t code;
		size_t len;
		int result;
		uint32_t has, bad;
	} rows[] = {
		{ 61, 255, LW4O6_OK, LW4O6_DHCP4_HAS_CLIENT_ID, 0 },
		{ 61, 256, LW4O6_OK, 0, LW4O6_DHCP4_HAS_CLIENT_ID },
		{ 61, 300, LW4O6_OK, 0, LW4O6_DHCP4_HAS_CLIENT_ID },
		{ 56, 300, LW4O6_OK, LW4O6_DHCP4_HAS_MESSAGE, 0 },
		{ 56, 1024, LW4O6_OK, LW4O6_DHCP4_HAS_MESSAGE, 0 },
		{ 56, 1025, LW4O6_EMALF, 0, 0 },
		{ 99, 2000, LW4O6_OK, 0, 0 },
	};

	memset(value, 'x', sizeof(value));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));
		struct lw4o6_dhcp4_hdr h = { .op = 1 };
		struct lw4o6_dhcp4_msg m;

		lw4o6_dhcp4_begin(&w, &h, LW4O6_DHCP4_DISCOVER);
		lw4o6_opt4_put(&w, rows[i].code, value, rows[i].len);
		lw4o6_dhcp4_end(&w);
		ck_assert_int_gt(lw4o6_wr_done(&w), 0);
		ck_assert_int_eq(lw4o6_dhcp4_decode(&m, buf, w.len), rows[i].result);
		if (rows[i].result != LW4O6_OK)
			continue;
		ck_assert_uint_eq(m.has, rows[i].has | LW4O6_DHCP4_HAS_TYPE);
		ck_assert_uint_eq(m.bad, rows[i].bad);
		if (rows[i].code == 56)
			ck_octets(m.message.p, m.message.len, value, rows[i].len);
	}
}
END_TEST

/* C-048: the form of RFC 4361, its limits, and what is not of that form. */
START_TEST(client_id)
{
	uint8_t duid[131] = { 0, 4 }, id[140], cid[32];
	size_t cid_n = unhex(cid, sizeof(cid), "ff 00 00 00 01 00 04 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff");
	struct lw4o6_span got;
	uint32_t iaid;

	ck_assert_int_eq(lw4o6_dhcp4_client_id_encode(id, sizeof(id), 1, cid + 5, cid_n - 5), (ssize_t)cid_n);
	ck_octets(id, cid_n, cid, cid_n);
	ck_assert_int_eq(lw4o6_dhcp4_client_id_encode(id, cid_n - 1, 1, cid + 5, cid_n - 5), LW4O6_ESPACE);
	for (size_t n = 0; n <= 131; n++) {
		bool good = n >= 3 && n <= 130;

		ck_assert_int_eq(lw4o6_dhcp4_client_id_encode(id, sizeof(id), 0xdeadbeef, duid, n), good ? (ssize_t)n + 5 : LW4O6_EINVAL);
		id[0] = 255;
		ck_assert(lw4o6_dhcp4_client_id_parse(id, n + 5, &iaid, &got) == good);
		if (good)
			ck_assert(iaid == 0xdeadbeef && got.len == n && got.p == id + 5);
	}
	ck_assert(!lw4o6_dhcp4_client_id_parse((const uint8_t *)"\x01\x00\x00\x5e\x00\x53\x01\x00", 8, &iaid, &got));
	ck_assert(!lw4o6_dhcp4_client_id_parse(NULL, 0, &iaid, &got));
}
END_TEST

static bool span_equal(struct lw4o6_span x, struct lw4o6_span y)
{
	return x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0);
}

static void same(const struct lw4o6_dhcp4_msg *x, const struct lw4o6_dhcp4_msg *y)
{
	ck_assert_int_eq(memcmp(&x->hdr, &y->hdr, sizeof(x->hdr)), 0);
	ck_assert_uint_eq(x->type, y->type);
	ck_assert_uint_eq(x->has, y->has);
	ck_assert(x->requested.s_addr == y->requested.s_addr && x->server_id.s_addr == y->server_id.s_addr);
	ck_assert(x->lease_s == y->lease_s && x->t1_s == y->t1_s && x->t2_s == y->t2_s && x->max_size == y->max_size);
	ck_assert(x->subnet_mask.s_addr == y->subnet_mask.s_addr && memcmp(&x->saddr, &y->saddr, 16) == 0);
	ck_assert(lw4o6_psid_equal(&x->ports, &y->ports));
	ck_assert(span_equal(x->client_id, y->client_id) && span_equal(x->prl, y->prl) && span_equal(x->message, y->message));
	ck_assert(span_equal(x->vendor_class, y->vendor_class) && span_equal(x->relay_info, y->relay_info));
	ck_assert(span_equal(x->associated, y->associated) && span_equal(x->status_text, y->status_text));
	ck_assert(x->last_transaction_s == y->last_transaction_s && x->base_time == y->base_time);
	ck_assert(x->start_of_state_s == y->start_of_state_s && x->query_start == y->query_start && x->query_end == y->query_end);
	ck_assert(x->status == y->status && x->state == y->state && x->source == y->source);
}

static ssize_t put(const struct lw4o6_dhcp4_msg *m, uint8_t *buf, size_t room)
{
	struct lw4o6_wr w = lw4o6_wr_init(buf, room);

	lw4o6_dhcp4_begin(&w, &m->hdr, m->type);
	lw4o6_dhcp4_put_options(&w, m);
	lw4o6_dhcp4_end(&w);
	return lw4o6_wr_done(&w);
}

/* C-009, C-055: random structures there and back; the counted length is exact and one octet less does not do. */
START_TEST(random_structures)
{
	static uint8_t buf[ROOM], again[ROOM], opaque[600];
	static struct lw4o6_dhcp4_msg x, y;
	struct test_rng rng = { 17 };

	for (int round = 0; round < 3000; round++) {
		uint64_t r = test_rand(&rng);

		memset(&x, 0, offsetof(struct lw4o6_dhcp4_msg, scratch));
		test_random(&rng, &x.hdr, sizeof(x.hdr));
		test_random(&rng, opaque, sizeof(opaque));
		x.hdr.op = 1 + (r & 1);
		x.hdr.hlen %= 17;
		x.type = (uint8_t)(1 + (r >> 1) % 18);
		x.has = (uint32_t)test_rand(&rng) & 0xffffff;
		x.has |= LW4O6_DHCP4_HAS_TYPE;
#define IF(bit) if (x.has & LW4O6_DHCP4_HAS_##bit)
		IF(REQUESTED) x.requested = x.hdr.yiaddr;
		IF(LEASE) x.lease_s = (uint32_t)test_rand(&rng);
		IF(SERVER_ID) x.server_id = x.hdr.siaddr;
		IF(MAX_SIZE) x.max_size = (uint16_t)(576 + r % 60000);
		IF(T1) x.t1_s = (uint32_t)test_rand(&rng);
		IF(T2) x.t2_s = (uint32_t)test_rand(&rng);
		IF(SADDR) test_random(&rng, &x.saddr, 16);
		IF(PORTS) {
			unsigned k = (unsigned)(r >> 8) % 17, a = (unsigned)(r >> 16) % (17 - k);

			ck_assert_int_eq(lw4o6_psid_init(&x.ports, a > 15 ? 15 : a, k, (unsigned)(r >> 24) & ((1u << k) - 1)), LW4O6_OK);
		}
		IF(SUBNET) x.subnet_mask = x.hdr.giaddr;
		IF(CLIENT_ID) x.client_id = (struct lw4o6_span){ opaque, 2 + r % 254 };
		IF(PRL) x.prl = (struct lw4o6_span){ (const uint8_t *)"\x01\x9f\x33\x3a", 1 + r % 4 };
		IF(MESSAGE) x.message = (struct lw4o6_span){ (const uint8_t *)"text", 1 + r % 4 };
		IF(VENDOR_CLASS) x.vendor_class = (struct lw4o6_span){ opaque, 1 + r % 400 };
		IF(RELAY_INFO) x.relay_info = (struct lw4o6_span){ (const uint8_t *)"\x01\x02hi\x02\x00", 6 };
		IF(LAST_TRANSACTION) x.last_transaction_s = (uint32_t)test_rand(&rng);
		IF(ASSOCIATED) x.associated = (struct lw4o6_span){ opaque, 4 * (1 + r % 80) };
		IF(STATUS) {
			x.status = (uint8_t)r;
			x.status_text = (struct lw4o6_span){ (const uint8_t *)"status", r % 7 };
		}
		IF(BASE_TIME) x.base_time = (uint32_t)test_rand(&rng);
		IF(START_OF_STATE) x.start_of_state_s = (uint32_t)test_rand(&rng);
		IF(QUERY_START) x.query_start = (uint32_t)test_rand(&rng);
		IF(QUERY_END) x.query_end = (uint32_t)test_rand(&rng);
		IF(STATE) x.state = (uint8_t)r;
		IF(SOURCE) x.source = (uint8_t)(r >> 8);
#undef IF

		ssize_t n = put(&x, buf, sizeof(buf));

		ck_assert_int_gt(n, 240);
		ck_assert_int_eq(put(&x, NULL, 0), n);
		ck_assert_int_eq(put(&x, again, (size_t)n - 1), LW4O6_ESPACE);
		ck_assert_int_eq(lw4o6_dhcp4_decode(&y, buf, (size_t)n), LW4O6_OK);
		ck_assert_uint_eq(y.bad, 0);
		same(&x, &y);
		ck_assert_int_eq(put(&y, again, (size_t)n), n);
		ck_octets(again, (size_t)n, buf, (size_t)n);
	}
}
END_TEST

/* C-005, C-045, C-055: what is not read is copied, split options and the overload fields included. */
START_TEST(others)
{
	size_t n;
	uint8_t *p = message("35 01 01 fe 02 01 02 34 01 03 0c 01 61 3d 02 0a 0b ff", &n), out[64], want[64];
	struct lw4o6_wr w = lw4o6_wr_init(out, sizeof(out));

	unhex(p + FILE_AT, 64, "fe 01 03 33 04 00 00 00 01 ff");
	unhex(p + SNAME_AT, 64, "50 00 34 01 01 ff");
	lw4o6_dhcp4_put_others(&w, p, n);
	ck_octets(out, w.len, want, unhex(want, sizeof(want), "fe 02 01 02 0c 01 61 fe 01 03 50 00"));
	lw4o6_dhcp4_put_others(&w, p, 239);
	ck_assert_uint_eq(w.len, 12);
	free(p);
}
END_TEST

/* C-047, C-056: the messages of 2.5 and the values in them. */
START_TEST(leasequery_vectors)
{
	const struct codec_vector *v = &codec_leasequery[_i];
	struct lw4o6_dhcp4_msg m;
	uint8_t buf[VECTOR_MAX], out[VECTOR_MAX];
	size_t n = vector_octets(buf, v);

	ck_assert_uint_eq((size_t)(buf[0] << 8 | buf[1]), n - 2);
	for (size_t cut = 0; cut < n - 2; cut++) {
		uint8_t *p = exact(buf + 2, cut);
		int r = lw4o6_dhcp4_decode(&m, p, cut);

		/* an option boundary is as good as an end (C-042) */
		ck_assert(r == LW4O6_ETRUNC || (r == LW4O6_EMALF && cut <= 243) || (r == LW4O6_OK && m.no_end));
		free(p);
	}
	ck_assert_int_eq(lw4o6_dhcp4_decode(&m, buf + 2, n - 2), LW4O6_OK);
	ck_assert_uint_eq(m.bad, 0);
	ck_assert(!m.no_end);
	ck_assert_int_eq(put(&m, out, sizeof(out)), (ssize_t)n - 2);
	if (m.type == LW4O6_DHCP4_LEASEACTIVE) {
		ck_assert_uint_eq(m.lease_s, 3000);
		ck_assert_uint_eq(m.last_transaction_s, 600);
		ck_assert_uint_eq(m.base_time, 0x65a00000);
		ck_assert_uint_eq(m.start_of_state_s, 600);
		ck_assert_uint_eq(m.ports.id, 0x34);
	} else if (m.type == LW4O6_DHCP4_LEASEUNASSIGNED) {
		ck_assert_uint_eq(m.state, LW4O6_DHCP4_STATE_RELEASED);
		ck_assert_uint_eq(m.start_of_state_s, 5);
	} else if (m.type == LW4O6_DHCP4_LEASEQUERYSTATUS) {
		ck_assert_uint_eq(m.status, LW4O6_DHCP4_LQ_CONNECTION_ACTIVE);
		ck_assert_uint_eq(m.status_text.len, 0);
		ck_assert_uint_eq(m.base_time, 0x65a0003c);
	} else if (m.type == LW4O6_DHCP4_ACTIVELEASEQUERY) {
		ck_assert_uint_eq(m.query_start, 0x65a00000);
		ck_assert_uint_eq(m.prl.len, 9);
	}
}
END_TEST

START_TEST(type_names)
{
	ck_assert_str_eq(lw4o6_dhcp4_type_name(1), "DISCOVER");
	ck_assert_str_eq(lw4o6_dhcp4_type_name(13), "LEASEACTIVE");
	ck_assert_str_eq(lw4o6_dhcp4_type_name(18), "TLS");
	ck_assert_ptr_null(lw4o6_dhcp4_type_name(0));
	ck_assert_ptr_null(lw4o6_dhcp4_type_name(19));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dhcp4");
	TCase *tc = tcase_create("dhcp4");

	tcase_add_test(tc, fixed_part);
	tcase_add_test(tc, header);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, missing_end);
	tcase_add_test(tc, values);
	tcase_add_test(tc, split);
	tcase_add_test(tc, overload);
	tcase_add_test(tc, long_values);
	tcase_add_test(tc, client_id);
	tcase_add_test(tc, random_structures);
	tcase_add_test(tc, others);
	tcase_add_loop_test(tc, leasequery_vectors, 0, (int)N_LEASEQUERY);
	tcase_add_test(tc, type_names);
	suite_add_tcase(s, tc);
	return test_main(s);
}
