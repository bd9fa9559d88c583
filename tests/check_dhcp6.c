#include "vectors.h"

#include <lw4o6/dhcp6.h>
#include <lw4o6/s46.h>

#define DUID "00 04 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"
#define SERVER_DUID "00 02 00 00 7e d9 6c 77 34 6f 36 2d 73 31"
#define SERVER "20 01 0d b8 00 04 00 00 00 00 00 00 00 00 05 47"
#define BR "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01"

static void put_hex(struct lw4o6_wr *w, uint16_t code, const char *hex)
{
	uint8_t body[256];

	lw4o6_opt6_put(w, code, body, unhex(body, sizeof(body), hex));
}

static void build_information_request(struct lw4o6_wr *w)
{
	static const uint16_t oro[] = { 32, 83, 88, 96, 111 };

	lw4o6_dhcp6_begin(w, LW4O6_DHCP6_INFORMATION_REQUEST, 0xa1b2c3);
	put_hex(w, 1, DUID);
	lw4o6_dhcp6_put_oro(w, oro, 5);
	lw4o6_dhcp6_put_elapsed(w, 0);
}

static void build_reply(struct lw4o6_wr *w)
{
	lw4o6_dhcp6_begin(w, LW4O6_DHCP6_REPLY, 0xa1b2c3);
	put_hex(w, 2, SERVER_DUID);
	put_hex(w, 1, DUID);
	put_hex(w, 88, SERVER);
	lw4o6_opt6_put_be32(w, 32, 86400);
	lw4o6_opt6_put_be32(w, 83, 3600);
}

static void build_reply_lw(struct lw4o6_wr *w)
{
	struct lw4o6_s46_lw lw = {
		.br = { 1, { addr6(BR) } },
		.has_bind = true,
		.ipv4 = addr4(0xc0000212),
		.bind = { addr6("20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 00"), 56 },
		.ports = { 0, 8, 0x34 },
	};

	lw4o6_dhcp6_begin(w, LW4O6_DHCP6_REPLY, 0xa1b2c3);
	put_hex(w, 2, SERVER_DUID);
	put_hex(w, 1, DUID);
	lw4o6_opt6_put(w, 88, NULL, 0);
	lw4o6_s46_lw_put(w, &lw);
	put_hex(w, 111, "00 58 00 60");
	lw4o6_opt6_put_be32(w, 32, 600);
}

static void build_solicit(struct lw4o6_wr *w)
{
	static const uint16_t oro[] = { 82, 88, 96, 111 };

	lw4o6_dhcp6_begin(w, LW4O6_DHCP6_SOLICIT, 0x0a0b0c);
	put_hex(w, 1, DUID);
	for (uint32_t iaid = 1; iaid <= 2; iaid++) {
		size_t mark = lw4o6_opt6_open(w, iaid == 1 ? 3 : 25);

		lw4o6_wr_be32(w, iaid);
		lw4o6_wr_be32(w, 0);
		lw4o6_wr_be32(w, 0);
		lw4o6_opt6_close(w, mark);
	}
	lw4o6_dhcp6_put_oro(w, oro, 4);
	lw4o6_dhcp6_put_elapsed(w, 0);
}

static const struct {
	const char *name;
	void (*build)(struct lw4o6_wr *w);
} stateless[] = {
	{ "INFORMATION-REQUEST", build_information_request },
	{ "REPLY", build_reply },
	{ "REPLY-LW", build_reply_lw },
	{ "SOLICIT", build_solicit },
};

/* C-009, C-032, C-055: the messages of the stateless step, octet for octet and in every room too small. */
START_TEST(encode_vectors)
{
	uint8_t want[VECTOR_MAX], got[VECTOR_MAX];
	size_t n = vector_named(want, stateless[_i].name);

	for (size_t room = 0; room <= n; room++) {
		struct lw4o6_wr w = lw4o6_wr_init(got, room);

		stateless[_i].build(&w);
		ck_assert_int_eq(lw4o6_wr_done(&w), room < n ? LW4O6_ESPACE : (ssize_t)n);
	}
	ck_octets(got, n, want, n);

	struct lw4o6_wr count = lw4o6_wr_init(NULL, 0);

	stateless[_i].build(&count);
	ck_assert_int_eq(lw4o6_wr_done(&count), (ssize_t)n);
}
END_TEST

/* C-002, C-014, C-015, C-026, C-027, C-031: what they hold. */
START_TEST(decode_vectors)
{
	struct lw4o6_dhcp6_msg m;
	struct lw4o6_opt6 o;
	struct lw4o6_s46_servers servers;
	struct lw4o6_s46_lw lw;
	struct lw4o6_s46_priority prio;
	uint8_t buf[VECTOR_MAX];
	uint32_t seconds;
	size_t n = vector_named(buf, "REPLY-LW");

	ck_assert_int_eq(lw4o6_dhcp6_decode(&m, buf, n), LW4O6_OK);
	ck_assert_uint_eq(m.type, LW4O6_DHCP6_REPLY);
	ck_assert_uint_eq(m.xid, 0xa1b2c3);
	ck_assert_uint_eq(m.client_id.len, 18);
	ck_assert_uint_eq(m.server_id.len, 14);
	ck_assert_ptr_null(m.oro.p);
	ck_assert_ptr_null(m.dhcpv4.p);
	ck_assert(lw4o6_opt6_find(m.options.p, m.options.len, 88, &o));
	ck_assert_int_eq(lw4o6_s46_servers_decode(&servers, o.data, o.len), LW4O6_OK);
	ck_assert(servers.present && servers.n == 0);
	ck_assert(lw4o6_opt6_find(m.options.p, m.options.len, 96, &o));
	ck_assert_int_eq(lw4o6_s46_lw_decode(&lw, o.data, o.len), LW4O6_OK);
	ck_assert_uint_eq(lw.br.n, 1);
	ck_assert(lw.has_bind);
	ck_assert_uint_eq(ntohl(lw.ipv4.s_addr), 0xc0000212);
	ck_assert_uint_eq(lw.bind.len, 56);
	ck_assert_uint_eq(lw.ports.id, 0x34);
	ck_assert(lw4o6_opt6_find(m.options.p, m.options.len, 111, &o));
	ck_assert_int_eq(lw4o6_s46_priority_decode(&prio, o.data, o.len), LW4O6_OK);
	ck_assert(prio.n == 2 && prio.code[0] == 88 && prio.code[1] == 96);
	ck_assert(lw4o6_opt6_find(m.options.p, m.options.len, 32, &o));
	ck_assert_int_eq(lw4o6_dhcp6_refresh_decode(&seconds, o.data, o.len), LW4O6_OK);
	ck_assert_uint_eq(seconds, 600);

	n = vector_named(buf, "SOLICIT");
	ck_assert_int_eq(lw4o6_dhcp6_decode(&m, buf, n), LW4O6_OK);
	ck_assert(lw4o6_dhcp6_oro_has(&m, 82) && lw4o6_dhcp6_oro_has(&m, 111) && !lw4o6_dhcp6_oro_has(&m, 83));
}
END_TEST

/* C-002 to C-005, C-010: every message cut at each length, and with an unknown option between any two. */
START_TEST(cut_vectors)
{
	const struct codec_vector *v = &codec_messages[_i];
	static struct lw4o6_dhcp6_relays relays;
	struct lw4o6_dhcp6_msg m;
	struct lw4o6_span inner;
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_octets(buf, v);
	bool relay = buf[0] == LW4O6_DHCP6_RELAY_FORW || buf[0] == LW4O6_DHCP6_RELAY_REPL;

	for (size_t cut = 0; cut <= n; cut++) {
		uint8_t *p = exact(buf, cut);
		bool boundary = false;
		int r = relay ? lw4o6_dhcp6_unrelay(&relays, &inner, buf[0], p, cut) : lw4o6_dhcp6_decode(&m, p, cut);

		for (size_t at = relay ? LW4O6_DHCP6_RELAY_HLEN : LW4O6_DHCP6_HLEN; at <= cut; at += 4 + (size_t)(buf[at + 2] << 8 | buf[at + 3])) {
			boundary |= at == cut;
			if (at == n)
				break;
		}
		if (!boundary)
			ck_assert_int_eq(r, LW4O6_ETRUNC);
		else if (cut == n)
			ck_assert_int_eq(r, LW4O6_OK);
		free(p);
	}

	for (size_t at = relay ? LW4O6_DHCP6_RELAY_HLEN : LW4O6_DHCP6_HLEN;; at += 4 + (size_t)(buf[at + 2] << 8 | buf[at + 3])) {
		uint8_t more[VECTOR_MAX + 6];

		memcpy(more, buf, at);
		memcpy(more + at, "\xfd\xe8\x00\x02\xaa\xbb", 6);
		memcpy(more + at + 6, buf + at, n - at);
		if (relay)
			ck_assert_int_eq(lw4o6_dhcp6_unrelay(&relays, &inner, buf[0], more, n + 6), LW4O6_OK);
		else
			ck_assert_int_eq(lw4o6_dhcp6_decode(&m, more, n + 6), LW4O6_OK);
		if (at == n)
			break;
	}
}
END_TEST

/* C-006 */
START_TEST(unknown_types)
{
	struct lw4o6_dhcp6_msg m;
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, "SOLICIT");

	for (unsigned type = 0; type < 256; type++) {
		bool known = (type >= 1 && type <= 11);

		buf[0] = (uint8_t)type;
		if (type == 20 || type == 21)
			ck_assert_int_eq(lw4o6_dhcp6_decode(&m, buf, n), LW4O6_EMALF);
		else
			ck_assert_int_eq(lw4o6_dhcp6_decode(&m, buf, n), known ? LW4O6_OK : LW4O6_EUNKNOWN);
		ck_assert((lw4o6_dhcp6_type_name((uint8_t)type) != NULL) == (known || type == 12 || type == 13 || type == 20 || type == 21));
	}
}
END_TEST

#define D130 "00 04 " D128
#define D16 "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff "
#define D128 D16 D16 D16 D16 D16 D16 D16 D16
#define Q87 "00 57 00 01 00 "

/* C-002, C-007, C-008, C-012, C-015, C-027: one message per rule. */
START_TEST(rules)
{
	static const struct {
		const char *hex;
		int result;
		unsigned repeated;
		bool client_id, oro;
	} rows[] = {
		{ "", LW4O6_ETRUNC, 0, 0, 0 },
		{ "01 00 00", LW4O6_ETRUNC, 0, 0, 0 },
		{ "01 00 00 00", 0, 0, 0, 0 },
		{ "01 00 00 00 00 01 00 03 ab cd 00", 0, 0, 1, 0 },                          /* any DUID type */
		{ "01 00 00 00 00 01 00 82 " D130, 0, 0, 1, 0 },
		{ "01 00 00 00 00 01 00 02 00 04", LW4O6_EMALF, 0, 0, 0 },
		{ "01 00 00 00 00 01 00 83 " D130 "00", LW4O6_EMALF, 0, 0, 0 },
		{ "01 00 00 00 00 02 00 02 00 04", LW4O6_EMALF, 0, 0, 0 },
		{ "01 00 00 00 00 01 00 03 00 01 00 00 01 00 03 00 01 00", LW4O6_EMALF, 0, 0, 0 },
		{ "01 00 00 00 00 02 00 03 00 01 00 00 02 00 03 00 01 00", LW4O6_EMALF, 0, 0, 0 },
		{ "01 00 00 00 00 09 00 01 00 00 09 00 01 00", LW4O6_EMALF, 0, 0, 0 },
		{ "07 00 00 00 " Q87 Q87, LW4O6_EMALF, 0, 0, 0 },
		{ "07 00 00 00 " Q87, 0, 0, 0, 0 },                                          /* not where it belongs */
		{ "01 00 00 00 00 06 00 02 00 58 00 06 00 02 00 60", 0, 1, 0, 1 },           /* first ORO counts */
		{ "01 00 00 00 00 08 00 02 00 00 00 08 00 02 00 00 00 08 00 02 00 00", 0, 2, 0, 0 },
		{ "07 00 00 00 00 58 00 00 00 58 00 00 00 6f 00 00 00 6f 00 00", 0, 2, 0, 0 },
		{ "07 00 00 00 00 5a 00 00 00 5a 00 00 00 03 00 00 00 03 00 00", 0, 0, 0, 0 }, /* not singletons */
		{ "07 00 00 00 fd e8 00 00 fd e8 00 00", 0, 0, 0, 0 },
		{ "01 00 00 00 00 06 00 03 00 58 00", 0, 0, 0, 0 },                          /* odd ORO is absent */
		{ "01 00 00 00 00 06 00 03 00 58 00 00 06 00 02 00 58", 0, 1, 0, 0 },
		{ "07 00 00 00 00 5d 00 04 00 08 00 34", 0, 0, 0, 0 },                       /* 93 at top level */
		{ "14 00 00 00", LW4O6_EMALF, 0, 0, 0 },
		{ "15 00 00 00", LW4O6_EMALF, 0, 0, 0 },
		{ "14 00 00 00 " Q87, 0, 0, 0, 0 },
		{ "14 00 00 00 " Q87 Q87, LW4O6_EMALF, 0, 0, 0 },
		{ "15 00 00 00 " Q87 "00 5a 00 00 " Q87, LW4O6_EMALF, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_dhcp6_msg m;
		uint8_t buf[VECTOR_MAX];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint8_t *p = exact(buf, n);
		int r = lw4o6_dhcp6_decode(&m, p, n);

		ck_assert_msg(r == rows[i].result, "%s: %d", rows[i].hex, r);
		if (r == LW4O6_OK) {
			ck_assert_uint_eq(m.repeated, rows[i].repeated);
			ck_assert((m.client_id.p != NULL) == rows[i].client_id);
			ck_assert((m.oro.p != NULL) == rows[i].oro);
			ck_assert_msg((m.dhcpv4.p != NULL) == (m.type >= 20), "%s", rows[i].hex);
		}
		free(p);
	}
}
END_TEST

/* C-015: codes that may not stand in an ORO. */
START_TEST(oro)
{
	static const uint8_t never[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 25, 26, 87, 89, 91, 92, 93 };
	uint8_t buf[4 + 4 + 2 * 256];
	struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));
	struct lw4o6_dhcp6_msg m;

	lw4o6_dhcp6_begin(&w, LW4O6_DHCP6_SOLICIT, 1);
	size_t mark = lw4o6_opt6_open(&w, 6);
	for (uint16_t code = 0; code < 256; code++)
		lw4o6_wr_be16(&w, code);
	lw4o6_opt6_close(&w, mark);
	ck_assert_int_eq(lw4o6_dhcp6_decode(&m, buf, sizeof(buf)), LW4O6_OK);
	for (uint16_t code = 0; code < 256; code++) {
		bool want = memchr(never, code, sizeof(never)) == NULL;
		struct lw4o6_wr one = lw4o6_wr_init(NULL, 0);

		ck_assert_msg(lw4o6_dhcp6_oro_has(&m, code) == want, "code %u", code);
		lw4o6_dhcp6_put_oro(&one, &code, 1);
		ck_assert_int_eq(lw4o6_wr_done(&one), want ? 6 : LW4O6_EINVAL);
	}
	ck_assert(!lw4o6_dhcp6_oro_has(&m, 256));
}
END_TEST

/* C-013: reserved bits are written 0 whatever is asked for. */
START_TEST(flags_written)
{
	static const struct {
		uint8_t type;
		uint32_t xid;
		const char *want;
	} rows[] = {
		{ 20, 0xffffffff, "\x14\x80\x00\x00" },
		{ 20, 0x7fffff, "\x14\x00\x00\x00" },
		{ 21, 0xffffff, "\x15\x00\x00\x00" },
		{ 7, 0xff123456, "\x07\x12\x34\x56" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[4];
		struct lw4o6_wr w = lw4o6_wr_init(buf, 4);

		lw4o6_dhcp6_begin(&w, rows[i].type, rows[i].xid);
		ck_assert_int_eq(lw4o6_wr_done(&w), 4);
		ck_octets(buf, 4, rows[i].want, 4);
	}
}
END_TEST

/* C-032 */
START_TEST(elapsed)
{
	static const struct {
		uint64_t hundredths;
		const char *want;
	} rows[] = { { 0, "\0\x08\0\x02\0\0" }, { 1234, "\0\x08\0\x02\x04\xd2" }, { 65535, "\0\x08\0\x02\xff\xff" }, { 70000, "\0\x08\0\x02\xff\xff" }, { UINT64_MAX, "\0\x08\0\x02\xff\xff" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[6];
		struct lw4o6_wr w = lw4o6_wr_init(buf, 6);

		lw4o6_dhcp6_put_elapsed(&w, rows[i].hundredths);
		ck_octets(buf, 6, rows[i].want, 6);
	}
}
END_TEST

/* C-031 */
START_TEST(timers)
{
	static const struct {
		const char *hex;
		int max_rt, refresh;
		uint32_t seconds;
	} rows[] = {
		{ "00 00 00 3b", LW4O6_EINVAL, 0, 600 },
		{ "00 00 00 3c", 0, 0, 600 },
		{ "00 01 51 80", 0, 0, 86400 },
		{ "00 01 51 81", LW4O6_EINVAL, 0, 86401 },
		{ "00 00 02 57", 0, 0, 600 },
		{ "00 00 02 58", 0, 0, 600 },
		{ "ff ff ff ff", LW4O6_EINVAL, 0, 0xffffffff },
		{ "00 00 0e", LW4O6_EMALF, LW4O6_EMALF, 7 },
		{ "00 00 0e 10 00", LW4O6_EMALF, LW4O6_EMALF, 7 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[8];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint32_t v = 7;

		ck_assert_int_eq(lw4o6_dhcp6_max_rt_decode(&v, buf, n), rows[i].max_rt);
		ck_assert(rows[i].max_rt == LW4O6_OK || v == 7);
		v = 7;
		ck_assert_int_eq(lw4o6_dhcp6_refresh_decode(&v, buf, n), rows[i].refresh);
		ck_assert_uint_eq(v, rows[i].seconds);
	}
}
END_TEST

/* C-028, C-029: IA_NA and IA_PD bodies; nested options keep their framing. */
START_TEST(identity_associations)
{
	static const struct {
		const char *hex;
		int result;
	} rows[] = {
		{ "00 00 00 01 00 00 00 00 00 00 00 00", 0 },
		{ "00 00 00 01 00 00 07 08 00 00 0b 40", 0 },
		{ "00 00 00 01 00 00 0b 40 00 00 0b 40", 0 },
		{ "00 00 00 01 00 00 0b 41 00 00 0b 40", LW4O6_EMALF },
		{ "00 00 00 01 00 00 0b 41 00 00 00 00", 0 },
		{ "00 00 00 01 00 00 00 00 00 00 00", LW4O6_ETRUNC },
		{ "00 00 00 01 00 00 00 00 00 00 00 00 00 0d 00 02 00 05", 0 },
		{ "00 00 00 01 00 00 00 00 00 00 00 00 00 0d 00 03 00 05", LW4O6_ETRUNC },
		{ "00 00 00 01 00 00 00 00 00 00 00 00 00", LW4O6_ETRUNC },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_dhcp6_ia ia;
		uint8_t buf[64];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint8_t *p = exact(buf, n);

		ck_assert_msg(lw4o6_dhcp6_ia_decode(&ia, p, n) == rows[i].result, "%s", rows[i].hex);
		if (rows[i].result == LW4O6_OK) {
			ck_assert_uint_eq(ia.iaid, 1);
			ck_assert_uint_eq(ia.options.len, n - 12);
		}
		free(p);
	}
}
END_TEST

#define A6 "20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 0a "
#define P6 "20 01 0d b8 00 12 34 ff 00 00 00 00 00 00 00 0a "

/* C-028, C-029: IAADDR and IAPREFIX of 2.2 and their limits. */
START_TEST(addresses_and_prefixes)
{
	static const struct {
		uint16_t code;
		const char *hex;
		int result;
		uint8_t len;
		const char *prefix;
	} rows[] = {
		{ 5, A6 "00 00 0e 10 00 00 1c 20", 0, 128, A6 },
		{ 5, A6 "00 00 1c 20 00 00 1c 20", 0, 128, A6 },
		{ 5, A6 "00 00 1c 21 00 00 1c 20", LW4O6_EMALF, 0, NULL },
		{ 5, A6 "00 00 0e 10 00 00 1c", LW4O6_ETRUNC, 0, NULL },
		{ 5, A6 "00 00 0e 10 00 00 1c 20 00 0d", LW4O6_ETRUNC, 0, NULL },
		{ 26, "00 00 0e 10 00 00 1c 20 38 20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 00", 0, 56,
		  "20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 00" },
		{ 26, "00 00 0e 10 00 00 1c 20 80 " A6, 0, 128, A6 },
		{ 26, "00 00 0e 10 00 00 1c 20 00 " A6, 0, 0, "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
		{ 26, "00 00 0e 10 00 00 1c 20 3b " P6, 0, 59, "20 01 0d b8 00 12 34 e0 00 00 00 00 00 00 00 00" },
		{ 26, "00 00 0e 10 00 00 1c 20 81 " A6, LW4O6_EMALF, 0, NULL },
		{ 26, "00 00 1c 21 00 00 1c 20 38 " A6, LW4O6_EMALF, 0, NULL },
		{ 26, "00 00 0e 10 00 00 1c 20 38 20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00", LW4O6_ETRUNC, 0, NULL },
		{ 3, A6 "00 00 0e 10 00 00 1c 20", LW4O6_EINVAL, 0, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_dhcp6_iaprefix x;
		uint8_t buf[64];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint8_t *p = exact(buf, n);

		ck_assert_msg(lw4o6_dhcp6_iaprefix_decode(&x, rows[i].code, p, n) == rows[i].result, "%s", rows[i].hex);
		if (rows[i].result == LW4O6_OK) {
			struct in6_addr want = addr6(rows[i].prefix);

			ck_assert_uint_eq(x.prefix_len, rows[i].len);
			ck_octets(&x.prefix, 16, &want, 16);
			ck_assert_uint_eq(x.valid_s, 7200);
		}
		free(p);
	}
}
END_TEST

/* C-030 */
START_TEST(status)
{
	uint16_t code = 99;
	struct lw4o6_span text;

	ck_assert_int_eq(lw4o6_dhcp6_status_decode(&code, &text, (const uint8_t *)"\x00", 1), LW4O6_EMALF);
	ck_assert_uint_eq(code, 99);
	ck_assert_int_eq(lw4o6_dhcp6_status_decode(&code, &text, (const uint8_t *)"\x00\x05", 2), LW4O6_OK);
	ck_assert_uint_eq(code, LW4O6_DHCP6_USE_MULTICAST);
	ck_assert_uint_eq(text.len, 0);
	ck_assert_int_eq(lw4o6_dhcp6_status_decode(&code, &text, (const uint8_t *)"\x00\x02no\0pe", 7), LW4O6_OK);
	ck_octets(text.p, text.len, "no\0pe", 5);
}
END_TEST

/* C-034, C-035: from each RELAY-FORW of 2.4 and the OFFER, the RELAY-REPL of 2.4. */
START_TEST(relay_vectors)
{
	static const char *const pairs[2][2] = { { "RELAY-FORW", "RELAY-REPL" }, { "RELAY2-FORW", "RELAY2-REPL" } };
	uint8_t forw[VECTOR_MAX], want[VECTOR_MAX], got[VECTOR_MAX], discover[VECTOR_MAX], offer[VECTOR_MAX];
	size_t n = vector_named(forw, pairs[_i][0]), want_n = vector_named(want, pairs[_i][1]);
	size_t discover_n = vector_named(discover, "DISCOVER"), offer_n = vector_named(offer, "OFFER");
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	static struct lw4o6_dhcp6_relays r;
	struct lw4o6_span inner;

	ck_assert_int_eq(lw4o6_dhcp6_unrelay(&r, &inner, LW4O6_DHCP6_RELAY_FORW, forw, n), LW4O6_OK);
	ck_assert_uint_eq(r.n, (unsigned)_i + 1);
	ck_octets(inner.p, inner.len, discover, discover_n);
	ck_octets(r.level[_i].interface_id.p, r.level[_i].interface_id.len, "ge-0/0/1.100", 12);
	ck_assert_uint_eq(r.level[0].hop_count, (unsigned)_i);
	for (size_t room = want_n - 1; room <= want_n; room++) {
		struct lw4o6_wr w = lw4o6_wr_init(got, room);

		lw4o6_dhcp6_relay_open(&w, &r, marks);
		lw4o6_wr_put(&w, offer, offer_n);
		lw4o6_dhcp6_relay_close(&w, &r, marks);
		ck_assert_int_eq(lw4o6_wr_done(&w), room < want_n ? LW4O6_ESPACE : (ssize_t)want_n);
	}
	ck_octets(got, want_n, want, want_n);
	ck_assert_int_eq(lw4o6_dhcp6_unrelay(&r, &inner, LW4O6_DHCP6_RELAY_REPL, want, want_n), LW4O6_OK);
	ck_octets(inner.p, inner.len, offer, offer_n);
}
END_TEST

/* C-034: 32 levels are read, 33 are not. */
START_TEST(relay_depth)
{
	static uint8_t buf[2][4096];
	static struct lw4o6_dhcp6_relays r;
	struct lw4o6_span inner;
	size_t n = 4;

	memcpy(buf[0], "\x0b\x01\x02\x03", 4);
	for (unsigned level = 1; level <= 33; level++) {
		const uint8_t *from = buf[(level - 1) % 2];
		uint8_t *to = buf[level % 2];
		struct lw4o6_wr w = lw4o6_wr_init(to, sizeof(buf[0]));

		lw4o6_wr_u8(&w, LW4O6_DHCP6_RELAY_FORW);
		for (int i = 1; i < LW4O6_DHCP6_RELAY_HLEN; i++)
			lw4o6_wr_u8(&w, (uint8_t)level);
		lw4o6_opt6_put(&w, 9, from, n);
		ck_assert_int_gt(lw4o6_wr_done(&w), 0);
		n = w.len;
		ck_assert_int_eq(lw4o6_dhcp6_unrelay(&r, &inner, LW4O6_DHCP6_RELAY_FORW, to, n), level <= 32 ? LW4O6_OK : LW4O6_EMALF);
		if (level <= 32) {
			ck_assert_uint_eq(r.n, level);
			ck_assert_uint_eq(inner.len, 4);
			ck_assert_uint_eq(r.level[0].hop_count, level);
		}
	}
}
END_TEST

#define HEAD "0c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
#define INNER "00 09 00 04 0b 01 02 03 "

/* C-003, C-007, C-033, C-034: what a level must and may hold. */
START_TEST(relay_rules)
{
	static const struct {
		const char *hex;
		int result;
		unsigned n;
	} rows[] = {
		{ HEAD INNER, 0, 1 },
		{ HEAD, LW4O6_EMALF, 0 },
		{ HEAD "00 12 00 00 ", LW4O6_EMALF, 0 },
		{ HEAD INNER INNER, LW4O6_EMALF, 0 },
		{ HEAD "00 09 00 00 ", LW4O6_ETRUNC, 0 },
		{ HEAD "00 09 00 04 0c 01 02 03", LW4O6_ETRUNC, 0 },  /* a relay message without a header in it */
		{ HEAD "00 12 00 00 " INNER, 0, 1 },
		{ HEAD "00 12 00 01 61 00 12 00 01 62 " INNER, 0, 1 },
		{ HEAD INNER "00", LW4O6_ETRUNC, 0 },
		{ "0b 01 02 03", 0, 0 },
		{ "0d 01 02 03", 0, 0 },                              /* not of the wanted type: left to the caller */
		{ "", LW4O6_ETRUNC, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct lw4o6_dhcp6_relays r;
		struct lw4o6_span inner;
		uint8_t buf[VECTOR_MAX];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint8_t *p = exact(buf, n);

		ck_assert_msg(lw4o6_dhcp6_unrelay(&r, &inner, LW4O6_DHCP6_RELAY_FORW, p, n) == rows[i].result, "%s", rows[i].hex);
		if (rows[i].result == LW4O6_OK) {
			ck_assert_uint_eq(r.n, rows[i].n);
			ck_assert_uint_eq(inner.len, 4);
			/* of two Interface-Ids the first */
			if (r.n > 0 && r.level[0].interface_id.len > 0)
				ck_octets(r.level[0].interface_id.p, r.level[0].interface_id.len, "a", 1);
		}
		free(p);
	}
}
END_TEST

/* C-033: an Interface-Id of any length, none and empty told apart, comes back as it was. */
START_TEST(interface_id)
{
	static const int lengths[] = { -1, 0, 1, 1000 };
	uint8_t id[1000], msg[2048], out[2048];
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	static struct lw4o6_dhcp6_relays r;
	struct lw4o6_span inner;
	struct test_rng rng = { 5 };

	test_random(&rng, id, sizeof(id));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct lw4o6_wr w = lw4o6_wr_init(msg, sizeof(msg));
		uint8_t head[LW4O6_DHCP6_RELAY_HLEN] = { 12, 3, 0x20, 0x01 };

		lw4o6_wr_put(&w, head, sizeof(head));
		if (lengths[i] >= 0)
			lw4o6_opt6_put(&w, 18, id, (size_t)lengths[i]);
		lw4o6_opt6_put(&w, 9, "\x0b\x01\x02\x03", 4);
		ck_assert_int_gt(lw4o6_wr_done(&w), 0);
		ck_assert_int_eq(lw4o6_dhcp6_unrelay(&r, &inner, 12, msg, w.len), LW4O6_OK);
		ck_assert((r.level[0].interface_id.p != NULL) == (lengths[i] >= 0));
		msg[0] = 13;

		struct lw4o6_wr o = lw4o6_wr_init(out, sizeof(out));

		lw4o6_dhcp6_relay_open(&o, &r, marks);
		lw4o6_wr_put(&o, inner.p, inner.len);
		lw4o6_dhcp6_relay_close(&o, &r, marks);
		ck_octets(out, o.len, msg, w.len);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dhcp6");
	TCase *tc = tcase_create("dhcp6");

	tcase_add_loop_test(tc, encode_vectors, 0, 4);
	tcase_add_test(tc, decode_vectors);
	tcase_add_loop_test(tc, cut_vectors, 0, (int)N_MESSAGES);
	tcase_add_test(tc, unknown_types);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, oro);
	tcase_add_test(tc, flags_written);
	tcase_add_test(tc, elapsed);
	tcase_add_test(tc, timers);
	tcase_add_test(tc, identity_associations);
	tcase_add_test(tc, addresses_and_prefixes);
	tcase_add_test(tc, status);
	tcase_add_loop_test(tc, relay_vectors, 0, 2);
	tcase_add_test(tc, relay_depth);
	tcase_add_test(tc, relay_rules);
	tcase_add_test(tc, interface_id);
	suite_add_tcase(s, tc);
	return test_main(s);
}
