#include "vectors.h"

#include <lw4o6/v4o6.h>

#define DUID "00 04 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"
#define SADDR "20 01 0d b8 00 12 34 00 00 00 c0 00 02 12 00 34"
#define SADDR2 "20 01 0d b8 00 12 34 01 00 00 c0 00 02 12 00 34"

/* What the messages of 2.3 and 2.4 hold, to build them with the typed encoders. */
static const struct exchange {
	const char *name;
	bool response, u, oro;
	uint32_t xid, ciaddr, yiaddr;
	uint8_t type;
	const char *saddr;
	uint16_t psid;
	uint8_t options[12]; /* DHCPv4 option codes behind 53, in order */
	bool extra;          /* options 90 and 137 */
} exchanges[] = {
	{ "DISCOVER", 0, 0, 1, 0x11223344, 0, 0, LW4O6_DHCP4_DISCOVER, NULL, 0, { 61, 55, 57, 159 }, 0 },
	{ "OFFER", 1, 0, 0, 0x11223344, 0, 0xc0000212, LW4O6_DHCP4_OFFER, NULL, 0x34, { 54, 51, 58, 59, 1, 159, 61 }, 1 },
	{ "REQUEST", 0, 0, 1, 0x11223344, 0, 0, LW4O6_DHCP4_REQUEST, SADDR, 0x34, { 61, 50, 54, 55, 57, 159, 109 }, 0 },
	{ "ACK", 1, 0, 0, 0x11223344, 0, 0xc0000212, LW4O6_DHCP4_ACK, SADDR, 0x34, { 54, 51, 58, 59, 1, 159, 109, 61 }, 1 },
	{ "RENEW", 0, 1, 1, 0x11223345, 0xc0000212, 0, LW4O6_DHCP4_REQUEST, SADDR, 0x34, { 61, 55, 57, 159, 109 }, 0 },
	{ "RENEW-ACK", 1, 0, 0, 0x11223345, 0xc0000212, 0xc0000212, LW4O6_DHCP4_ACK, SADDR, 0x34,
	  { 54, 51, 58, 59, 1, 159, 109, 61 }, 1 },
	{ "SADDR-CHANGE", 0, 1, 1, 0x11223346, 0xc0000212, 0, LW4O6_DHCP4_REQUEST, SADDR2, 0x34, { 61, 55, 57, 159, 109 }, 0 },
	{ "NAK", 1, 0, 0, 0x11223344, 0, 0, LW4O6_DHCP4_NAK, NULL, 0, { 54, 56, 61 }, 0 },
	{ "RELEASE", 0, 1, 0, 0x11223347, 0xc0000212, 0, LW4O6_DHCP4_RELEASE, NULL, 0x34, { 61, 54, 159 }, 0 },
	{ "DECLINE", 0, 0, 0, 0x11223348, 0, 0, LW4O6_DHCP4_DECLINE, NULL, 0x34, { 61, 50, 54, 159 }, 0 },
	{ "INIT-REBOOT", 0, 0, 1, 0x11223349, 0, 0, LW4O6_DHCP4_REQUEST, SADDR, 0x34, { 61, 50, 55, 57, 159, 109 }, 0 },
	{ "INFORM", 0, 1, 0, 0x1122334a, 0xc0000212, 0, LW4O6_DHCP4_INFORM, NULL, 0, { 61, 55 }, 0 },
};
#define N_EXCHANGES ((int)(sizeof(exchanges) / sizeof(exchanges[0])))

static const uint16_t oro[] = { LW4O6_OPT6_S46_BR, LW4O6_OPT6_S46_BIND_PREFIX };
static const char nak_text[] = "source address in use";

static void put_client_id(struct lw4o6_wr *w)
{
	uint8_t duid[32], id[64];
	ssize_t n = lw4o6_dhcp4_client_id_encode(id, sizeof(id), 1, duid, unhex(duid, sizeof(duid), DUID));

	ck_assert_int_gt(n, 0);
	lw4o6_opt4_put(w, LW4O6_OPT4_CLIENT_ID, id, (size_t)n);
}

static void put_option4(struct lw4o6_wr *w, const struct exchange *x, uint8_t code)
{
	struct lw4o6_psid ps;
	uint8_t ports[4];
	struct in6_addr saddr;

	switch (code) {
	case 1:
		lw4o6_opt4_put_be32(w, code, 0xffffffff);
		break;
	case 50:
		lw4o6_opt4_put_addr(w, code, addr4(0xc0000212));
		break;
	case 51:
		lw4o6_opt4_put_be32(w, code, 3600);
		break;
	case 54:
		lw4o6_opt4_put_addr(w, code, addr4(0xc6336401));
		break;
	case 55:
		if (x->type == LW4O6_DHCP4_INFORM)
			lw4o6_opt4_put_u8(w, code, 6);
		else
			lw4o6_opt4_put(w, code, "\x01\x9f", 2);
		break;
	case 56:
		lw4o6_opt4_put(w, code, nak_text, strlen(nak_text));
		break;
	case 57:
		lw4o6_opt4_put_be16(w, code, 1400);
		break;
	case 58:
		lw4o6_opt4_put_be32(w, code, 1800);
		break;
	case 59:
		lw4o6_opt4_put_be32(w, code, 3150);
		break;
	case 61:
		put_client_id(w);
		break;
	case 109:
		saddr = addr6(x->saddr);
		lw4o6_opt4_put(w, code, &saddr, 16);
		break;
	case 159:
		ck_assert_int_eq(lw4o6_psid_init(&ps, 0, 8, x->psid), LW4O6_OK);
		ck_assert_int_eq(lw4o6_s46_portparams_encode(ports, sizeof(ports), &ps), 4);
		lw4o6_opt4_put(w, code, ports, 4);
		break;
	default:
		ck_abort_msg("option %u", code);
	}
}

static ssize_t build(const struct exchange *x, uint8_t *buf, size_t room)
{
	struct lw4o6_wr w = lw4o6_wr_init(buf, room);
	struct lw4o6_dhcp4_hdr h = {
		.op = x->response ? LW4O6_DHCP4_BOOTREPLY : LW4O6_DHCP4_BOOTREQUEST,
		.htype = 1,
		.hlen = 6,
		.xid = x->xid,
		.ciaddr = addr4(x->ciaddr),
		.yiaddr = addr4(x->yiaddr),
		.chaddr = { 0x00, 0x00, 0x5e, 0x00, 0x53, 0x01 },
	};
	size_t mark = x->response ? lw4o6_v4o6_open_response(&w) : lw4o6_v4o6_open_query(&w, x->u, oro, x->oro ? 2 : 0);

	lw4o6_dhcp4_begin(&w, &h, x->type);
	for (const uint8_t *o = x->options; *o; o++)
		put_option4(&w, x, *o);
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);
	if (x->extra) {
		struct lw4o6_s46_prefix hint = { addr6("20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 00"), 56 };
		struct in6_addr br = addr6("20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01");
		uint8_t body[17];
		ssize_t n = lw4o6_s46_prefix_encode(body, sizeof(body), &hint);

		lw4o6_opt6_put(&w, LW4O6_OPT6_S46_BR, &br, 16);
		lw4o6_opt6_put(&w, LW4O6_OPT6_S46_BIND_PREFIX, body, (size_t)n);
	}
	return lw4o6_wr_done(&w);
}

/* C-001, C-009, C-013, C-020, C-052, C-055: every message of 2.3 and 2.4 octet for octet, also counted only and
 * into every room that is too small. */
START_TEST(encode_vectors)
{
	const struct exchange *x = &exchanges[_i];
	uint8_t want[VECTOR_MAX], got[VECTOR_MAX];
	size_t n = vector_named(want, x->name);

	ck_assert_int_eq(build(x, NULL, 0), (ssize_t)n);
	ck_assert_int_eq(build(x, got, n), (ssize_t)n);
	ck_octets(got, n, want, n);
	for (size_t room = 0; room < n; room++) {
		uint8_t *p = exact(got, room);

		ck_assert_int_eq(build(x, p, room), LW4O6_ESPACE);
		free(p);
	}
}
END_TEST

static bool lists(const struct exchange *x, uint8_t code)
{
	return memchr(x->options, code, sizeof(x->options)) != NULL;
}

/* C-002, C-012, C-014, C-020, C-047 to C-050: what the decoder makes of them. */
START_TEST(decode_vectors)
{
	const struct exchange *x = &exchanges[_i];
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;
	struct lw4o6_v4o6_extra extra;
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, x->name);

	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, &extra, buf, n), LW4O6_OK);
	ck_assert_uint_eq(outer.type, x->response ? 21 : 20);
	ck_assert_uint_eq(outer.xid, x->u ? LW4O6_DHCP6_FLAG_U : 0);
	ck_assert(lw4o6_dhcp6_oro_has(&outer, 90) == x->oro);
	ck_assert(lw4o6_dhcp6_oro_has(&outer, 137) == x->oro);
	ck_assert_uint_eq(m.hdr.op, x->response ? 2 : 1);
	ck_assert_uint_eq(m.hdr.xid, x->xid);
	ck_assert_uint_eq(ntohl(m.hdr.ciaddr.s_addr), x->ciaddr);
	ck_assert_uint_eq(ntohl(m.hdr.yiaddr.s_addr), x->yiaddr);
	ck_assert_uint_eq(m.type, x->type);
	ck_assert_uint_eq(m.bad, 0);
	ck_assert(!m.no_end);
	ck_assert(!(m.has & LW4O6_DHCP4_HAS_REQUESTED) == !lists(x, 50));
	ck_assert(!(m.has & LW4O6_DHCP4_HAS_SERVER_ID) == !lists(x, 54));
	ck_assert(!(m.has & LW4O6_DHCP4_HAS_SADDR) == !lists(x, 109));
	ck_assert(!(m.has & LW4O6_DHCP4_HAS_PORTS) == !lists(x, 159));
	if (lists(x, 50))
		ck_assert_uint_eq(ntohl(m.requested.s_addr), 0xc0000212);
	if (lists(x, 54))
		ck_assert_uint_eq(ntohl(m.server_id.s_addr), 0xc6336401);
	if (lists(x, 51)) {
		ck_assert_uint_eq(m.lease_s, 3600);
		ck_assert_uint_eq(m.t1_s, 1800);
		ck_assert_uint_eq(m.t2_s, 3150);
		ck_assert_uint_eq(ntohl(m.subnet_mask.s_addr), 0xffffffff);
	}
	if (lists(x, 57))
		ck_assert_uint_eq(m.max_size, 1400);
	ck_assert(lw4o6_dhcp4_prl_has(&m, 159) == (lists(x, 55) && x->type != LW4O6_DHCP4_INFORM));
	if (lists(x, 109)) {
		struct in6_addr want = addr6(x->saddr);

		ck_octets(&m.saddr, 16, &want, 16);
	}
	if (lists(x, 159)) {
		ck_assert_uint_eq(m.ports.len, 8);
		ck_assert_uint_eq(m.ports.id, x->psid);
		ck_assert_uint_eq(m.ports.offset, 0);
	}
	if (lists(x, 56))
		ck_octets(m.message.p, m.message.len, nak_text, strlen(nak_text));

	struct lw4o6_span duid;
	uint32_t iaid;

	ck_assert(lw4o6_dhcp4_client_id_parse(m.client_id.p, m.client_id.len, &iaid, &duid));
	ck_assert_uint_eq(iaid, 1);
	ck_assert_uint_eq(duid.len, 18);
	ck_assert_uint_eq(extra.br.n, x->extra);
	ck_assert(extra.has_hint == x->extra);
	if (x->extra)
		ck_assert_uint_eq(extra.hint.len, 56);
}
END_TEST

/* C-004, C-010, C-011: every message cut at each length; only whole outer options behind option 87 survive. */
START_TEST(cut_vectors)
{
	const struct exchange *x = &exchanges[_i];
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;
	struct lw4o6_v4o6_extra extra;
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, x->name);
	unsigned accepted = 0;

	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *p = exact(buf, cut);

		accepted += lw4o6_v4o6_decode(&outer, &m, &extra, p, cut) == LW4O6_OK;
		free(p);
	}
	ck_assert_uint_eq(accepted, x->extra ? 2 : 0);
}
END_TEST

/* C-002, C-013: reserved flag bits are ignored. C-040: op fits the direction. C-012: other types. */
START_TEST(flags_and_direction)
{
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, "OFFER");

	memset(buf + 1, 0xff, 3);
	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, buf, n), LW4O6_OK);
	buf[8] = 1;
	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, buf, n), LW4O6_EMALF);
	n = vector_named(buf, "DISCOVER");
	memcpy(buf + 1, "\x7f\xff\xff", 3);
	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, buf, n), LW4O6_OK);
	ck_assert(!(outer.xid & LW4O6_DHCP6_FLAG_U));
	buf[16] = 2;
	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, buf, n), LW4O6_EMALF);
	buf[0] = LW4O6_DHCP6_REPLY;
	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, buf, n), LW4O6_EUNKNOWN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("v4o6");
	TCase *tc = tcase_create("v4o6");

	tcase_add_loop_test(tc, encode_vectors, 0, N_EXCHANGES);
	tcase_add_loop_test(tc, decode_vectors, 0, N_EXCHANGES);
	tcase_add_loop_test(tc, cut_vectors, 0, N_EXCHANGES);
	tcase_add_test(tc, flags_and_direction);
	suite_add_tcase(s, tc);
	return test_main(s);
}
