/* ICMP at the B4: errors through the translator, queries, the tunnel's own ICMPv6 (3.9, 3.24). */
#include "b4_kit.h"

static struct kit *start(void)
{
	return kit_start(kit_new());
}

/* Quoted packet with options of the header: IHL 6, first @l4 octets behind it. */
static size_t with_option(uint8_t *p, size_t l4)
{
	memmove(p + 24, p + 20, l4);
	memcpy(p + 20, "\x94\x04\x00\x00", 4);
	p[0] = 0x46;
	fix_ip(p);
	return 24 + l4;
}

/* D-105, D-248, D-249, D-283, D-287, D-314, D-319, D-323: errors from routers, whatever they quote. */
static const struct {
	const char *name;
	uint8_t proto, type, code;
	size_t quoted;      /* octets behind the quoted header */
	bool option;
} errors[] = {
	{ "UDP, 8 octets", 17, 3, 3, 8, false },
	{ "UDP, all", 17, 11, 0, 12, false },
	{ "UDP behind an option", 17, 3, 1, 8, true },
	{ "TCP, 8 octets", 6, 3, 4, 8, false },
	{ "TCP, 16 octets", 6, 3, 4, 16, false },
	{ "TCP, 18 octets", 6, 3, 4, 18, false },
	{ "TCP, all", 6, 12, 0, 20, false },
	{ "echo, 8 octets", 1, 3, 0, 8, false },
	{ "echo behind an option", 1, 11, 1, 8, true },
};

START_TEST(error_in)
{
	struct kit *k = start();
	uint8_t orig[64], quote[64], err[256], want[256];
	uint8_t proto = errors[_i].proto;
	size_t len = proto == 6   ? mk_tcp(orig, LAN, 4000, SERVER, 80, 2, 1, 0)
	             : proto == 1 ? mk_echo(orig, LAN, SERVER, 8, 4000, 8)
	                          : mk_udp(orig, LAN, 4000, SERVER, 80, 4);

	lan(k, orig, len);
	memcpy(quote, sent(k), len);
	uint64_t before[2] = { 0, 0 };
	struct lw4o6_napt_session s;
	uint32_t cursor = 0;
	ck_assert(lw4o6_napt_next_session(lw4o6_b4_napt(k->b), &cursor, &s));
	before[0] = s.expires;
	before[1] = s.state;

	/* What must arrive: the same error quoting what the host sent, TTL aside. */
	orig[8] = 63;
	fix_ip(orig);
	size_t qlen = 20 + errors[_i].quoted;
	if (errors[_i].option) {
		qlen = with_option(quote, errors[_i].quoted);
		with_option(orig, errors[_i].quoted);
	}
	size_t elen = mk_error(err, "203.0.113.9", PUBLIC, errors[_i].type, errors[_i].code, quote, qlen);
	mk_error(want, "203.0.113.9", LAN, errors[_i].type, errors[_i].code, orig, qlen);
	if (errors[_i].type == 3 && errors[_i].code == 4) {
		be16(err + 26, 1300);
		fix_l4(err, 2, false);
		be16(want + 26, 1300);
		fix_l4(want, 2, false);
	}
	want[8] = 63;
	fix_ip(want);
	tun(k, err, elen);
	ck_octets(delivered(k), k->out[0].len, want, elen);

	cursor = 0;
	ck_assert(lw4o6_napt_next_session(lw4o6_b4_napt(k->b), &cursor, &s));
	ck_assert_uint_eq(s.expires, before[0]);
	ck_assert_uint_eq(s.state, before[1]);
	kit_free(k);
}
END_TEST

/* D-096 to D-104, D-225, D-310, D-314: errors that must not arrive. */
START_TEST(error_in_refused)
{
	struct kit *k = start();
	uint8_t p[64], q[64], err[256];
	uint16_t port = open_udp(k, LAN, 4000, SERVER, 80);
	enum lw4o6_counter want[] = {
		LW4O6_CNT_DROP_ICMP4_CHECKSUM,          LW4O6_CNT_DROP_ICMP4_EMBEDDED_BAD,
		LW4O6_CNT_DROP_ICMP4_TRUNCATED,         LW4O6_CNT_DROP_ICMP4_EMBEDDED_MISMATCH,
		LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION,     LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION,
		LW4O6_CNT_B4_DROP_DST_PORT,             LW4O6_CNT_DROP_ICMP4_EMBEDDED_BAD,
		LW4O6_CNT_DROP_ICMP4_EMBEDDED_BAD,      LW4O6_CNT_DROP_ICMP4_TRUNCATED,
	};

	size_t qlen = mk_udp(q, PUBLIC, port, SERVER, 80, 4);
	switch (_i) {
	case 1:
		q[10] ^= 1;
		break;
	case 2:
		qlen = 23;
		break;
	case 3:
		qlen = mk_udp(q, "192.0.2.19", port, SERVER, 80, 4);
		break;
	case 4:
		qlen = mk_udp(q, PUBLIC, port, "198.51.100.8", 80, 4);
		break;
	case 5:
		qlen = mk_udp(q, PUBLIC, port == 53248 ? 53249 : 53248, SERVER, 80, 4);
		break;
	case 6:
		qlen = mk_udp(q, PUBLIC, 54300, SERVER, 80, 4);
		break;
	case 7:
		be16(q + 6, 5);
		fix_ip(q);
		break;
	case 8:
		q[9] = 47;
		fix_ip(q);
		break;
	case 9:
		qlen = 12;
		break;
	default:
		break;
	}
	size_t len = mk_error(err, "203.0.113.9", PUBLIC, 3, 1, q, qlen);
	if (_i == 0)
		err[40] ^= 1;
	tun(k, err, len);
	ck_dropped(k, want[_i]);
	ck_assert_uint_eq(k->n, 0);
	(void)p;
	kit_free(k);
}
END_TEST

/* D-310: the quote carries the identification that the host had written. */
START_TEST(identification_restored)
{
	struct kit *k = start();
	uint8_t p[64], err[128];
	size_t len = mk_udp(p, LAN, 4000, SERVER, 80, 4);

	p[6] = 0;
	be16(p + 4, 0x1234);
	fix_ip(p);
	lan(k, p, len);
	size_t elen = mk_error(err, SERVER, PUBLIC, 3, 3, sent(k), len);
	tun(k, err, elen);
	p[8] = 63;
	fix_ip(p);
	ck_octets(delivered(k) + 28, len, p, len);
	k->now += 121 * LW4O6_SEC;
	tun(k, err, elen);
	ck_assert_uint_eq(get16(delivered(k) + 32), get16(err + 32));
	kit_free(k);
}
END_TEST

/* D-323: an MPLS extension behind a padded quote of 128 octets arrives as it was. */
START_TEST(extension)
{
	struct kit *k = start();
	uint8_t q[160] = { 0 }, err[256], ext[12] = { 0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0x40 };
	uint16_t port = open_udp(k, LAN, 4000, SERVER, 80);

	mk_udp(q, PUBLIC, port, SERVER, 80, 4);
	memcpy(q + 128, ext, 12);
	size_t len = mk_error(err, "203.0.113.9", PUBLIC, 11, 0, q, 140);
	err[25] = 32;
	fix_l4(err, 2, false);
	tun(k, err, len);
	ck_octets(delivered(k) + 28 + 128, 12, ext, 12);
	ck_assert_uint_eq(delivered(k)[25], 32);
	ck_assert_uint_eq(get16(delivered(k) + 28 + 20), 4000);
	kit_free(k);
}
END_TEST

/* D-315, D-316, D-286: from the mapped host and from a router in between; without a session nothing. */
START_TEST(error_out)
{
	struct kit *k = start();
	uint8_t p[64], q[64], err[128];
	uint16_t port = open_udp(k, LAN, 4000, SERVER, 80);
	size_t qlen = mk_udp(p, SERVER, 80, PUBLIC, port, 4);

	tun(k, p, qlen);
	memcpy(q, delivered(k), qlen);
	for (int i = 0; i < 2; i++) {
		lan(k, err, mk_error(err, i ? "192.168.1.1" : LAN, SERVER, i ? 11 : 3, i ? 0 : 3, q, qlen));
		p[8] = 63;
		fix_ip(p);
		ck_error(sent(k), PUBLIC, SERVER, i ? 11 : 3, i ? 0 : 3, p, qlen);
	}
	q[19]++; /* 192.168.1.11 never had anything */
	fix_ip(q);
	lan(k, err, mk_error(err, LAN, SERVER, 3, 3, q, qlen));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION);
	q[19]--;
	fix_ip(q);
	lan(k, err, mk_error(err, LAN, "198.51.100.8", 3, 3, q, qlen));
	ck_dropped(k, LW4O6_CNT_DROP_ICMP4_EMBEDDED_MISMATCH);
	kit_free(k);
}
END_TEST

/* D-317: the target of a hairpinned packet complains: both ends of the quote are undone. */
START_TEST(error_hairpin)
{
	struct kit *k = start();
	uint8_t p[64], q[64], err[128];

	kit_forward(k, 17, 53300, LAN2, 6000);
	size_t len = mk_udp(p, LAN, 4000, PUBLIC, 53300, 4);
	lan(k, p, len);
	memcpy(q, delivered(k), len);
	lan(k, err, mk_error(err, LAN2, PUBLIC, 3, 3, q, len));
	p[8] = 63;
	fix_ip(p);
	ck_error(delivered(k), PUBLIC, LAN, 3, 3, p, len);
	q[21] ^= 1; /* an external port that never sent this */
	fix_ip(q);
	lan(k, err, mk_error(err, LAN2, PUBLIC, 3, 3, q, len));
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_DROP);
	kit_free(k);
}
END_TEST

/* D-313, D-320, D-321: each type, both ways, for an identifier nobody has. */
START_TEST(types)
{
	struct kit *k = start();
	uint8_t p[64];
	unsigned type = (unsigned)_i;
	bool error = type == 3 || type == 11 || type == 12;

	lan(k, p, mk_echo(p, LAN, SERVER, (uint8_t)type, 53300, 8));
	if (type == 8) {
		ck_assert_uint_ne(get16(sent(k) + 24), 53300); /* always rewritten (one in 1024 says otherwise) */
		ck_assert(lw4o6_psid_has_port(&k->rec.ps, (uint16_t)get16(sent(k) + 24)));
	} else {
		ck_dropped(k, type == 0 ? LW4O6_CNT_NAT_DROP_ICMP_NO_SESSION
		              : error   ? LW4O6_CNT_DROP_ICMP4_TRUNCATED
		                        : LW4O6_CNT_DROP_ICMP4_TYPE);
		ck_assert_uint_eq(k->n, 0);
	}
	tun(k, p, mk_echo(p, SERVER, PUBLIC, (uint8_t)type, 53301, 8));
	if (type == 8) {
		const uint8_t *r = sent(k);

		ck_assert_uint_eq(r[20], 0);
		ck_assert_uint_eq(get16(r + 24), 53301);
		ck_assert_int_eq(memcmp(r + 12, &k->rec.ipv4, 4), 0);
	} else {
		ck_dropped(k, type == 0 ? LW4O6_CNT_NAT_DROP_NO_MAPPING
		              : error   ? LW4O6_CNT_DROP_ICMP4_TRUNCATED
		                        : LW4O6_CNT_DROP_ICMP4_TYPE);
	}
	kit_free(k);
}
END_TEST

/* D-321: what limits the answers. */
START_TEST(ping)
{
	struct kit *k = kit_new();
	uint8_t p[64];

	k->cfg.icmp_rate = k->cfg.icmp_burst = 3;
	kit_start(k);
	for (int i = 0; i < 5; i++) {
		size_t len = mk_echo(p, SERVER, PUBLIC, 8, 53301, 8);

		p[6] = 0;
		fix_ip(p);
		tun(k, p, len);
		ck_assert_uint_eq(k->n, i < 3);
	}
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	k->now += 10 * LW4O6_SEC;
	size_t len = mk_echo(p, SERVER, PUBLIC, 8, 53301, 8);
	p[30] ^= 1;
	tun(k, p, len);
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	tun(k, p, mk_echo(p, SERVER, PUBLIC, 8, 54301, 8));
	ck_dropped(k, LW4O6_CNT_B4_DROP_DST_PORT);
	kit_free(k);

	k = kit_new();
	k->cfg.no_answer_ping = true;
	kit_start(k);
	tun(k, p, mk_echo(p, SERVER, PUBLIC, 8, 53301, 8));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	kit_free(k);
}
END_TEST

/*
 * D-325, D-321: a host on the LAN pings the public address. An identifier outside the own set is another
 * subscriber's: translated and into the tunnel. One inside is answered here.
 */
START_TEST(ping_from_lan)
{
	struct kit *k = kit_start(kit_new());
	uint8_t p[64];

	lan(k, p, mk_echo(p, LAN, PUBLIC, 8, 53301, 8));
	ck_assert_uint_eq(delivered(k)[20], 0);
	ck_assert_uint_eq(get16(delivered(k) + 24), 53301);
	ck_assert_int_eq(memcmp(delivered(k) + 12, &k->rec.ipv4, 4), 0);
	ck_assert_int_eq(memcmp(delivered(k) + 16, &(struct in_addr){ .s_addr = ip4(LAN).s_addr }, 4), 0);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_MAPPING_CREATED), 0);

	const unsigned foreign[] = { 7, 53247, 54272, 54300 };
	for (unsigned i = 0; i < 4; i++) {
		lan(k, p, mk_echo(p, LAN, PUBLIC, 8, foreign[i], 8));
		ck_assert_uint_eq(sent(k)[20], 8);
		ck_assert_int_eq(memcmp(sent(k) + 12, &k->rec.ipv4, 4), 0);
		ck_assert_int_eq(memcmp(sent(k) + 16, &k->rec.ipv4, 4), 0);
		ck_assert(lw4o6_psid_has_port(&k->rec.ps, (uint16_t)get16(sent(k) + 24)));
		ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_MAPPING_CREATED), i + 1);
	}
	kit_free(k);

	k = kit_new();
	k->cfg.no_answer_ping = true;
	kit_start(k);
	lan(k, p, mk_echo(p, LAN, PUBLIC, 8, 53301, 8));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	lan(k, p, mk_echo(p, LAN, PUBLIC, 8, 7, 8));
	sent(k);
	kit_free(k);
}
END_TEST

/* D-265, D-312: the answer to a ping comes back; from somebody else it does not. */
START_TEST(echo_filter)
{
	struct kit *k = start();
	uint8_t p[64];

	lan(k, p, mk_echo(p, LAN, SERVER, 8, 7, 8));
	unsigned id = get16(sent(k) + 24);
	tun(k, p, mk_echo(p, SERVER, PUBLIC, 0, id, 8));
	ck_assert_uint_eq(get16(delivered(k) + 24), 7);
	tun(k, p, mk_echo(p, "198.51.100.8", PUBLIC, 0, id, 8));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_FILTERED);
	k->now += 61 * LW4O6_SEC;
	tun(k, p, mk_echo(p, SERVER, PUBLIC, 0, id, 8));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	kit_free(k);
}
END_TEST

/* ---- ICMPv6 ---- */

/* An ICMPv6 message from @src about one of our tunnel packets. */
static size_t mk_icmp6(uint8_t *p, const char *src, unsigned type, unsigned code, uint32_t param, const uint8_t *quote,
                       size_t qlen)
{
	struct in6_addr s = ip6(src), d = ip6(SOFTWIRE_A);

	if (qlen > 1232)
		qlen = 1232;
	lw4o6_ip6_write(p, &s, &d, 8 + qlen, 58, 0, 0, 64);
	memset(p + 40, 0, 8);
	p[40] = (uint8_t)type;
	p[41] = (uint8_t)code;
	be16(p + 44, param >> 16);
	be16(p + 46, param & 0xffff);
	memcpy(p + 48, quote, qlen);
	uint32_t sum = lw4o6_cksum_pseudo6(&s, &d, (uint32_t)(8 + qlen), 58);
	be16(p + 42, lw4o6_cksum_finish(lw4o6_cksum_add(sum, p + 40, 8 + qlen)));
	return 48 + qlen;
}

/* A packet from the LAN and the tunnel packet it became. */
static size_t tunnel_packet(struct kit *k, uint8_t *lan_pkt, uint8_t *tunnel_pkt, bool df)
{
	size_t len = set_df(lan_pkt, mk_udp(lan_pkt, LAN, 4000, SERVER, 80, 1200), df);

	lan(k, lan_pkt, len);
	ck_assert_uint_eq(k->n, 1);
	memcpy(tunnel_pkt, k->out[0].data, k->out[0].len);
	return k->out[0].len;
}

#define ROUTER6 "2001:db8:aaaa::9"

/* D-134, D-136, D-137, D-138, D-139, D-145: which errors reach the LAN host, with the NAT undone in the quote. */
static const struct {
	unsigned type, code;
	uint32_t param;
	int out_code; /* of the 3/x that arrives; -1: none */
	enum lw4o6_counter why; /* of the drop; 0: none */
} relayed[] = {
	{ 1, 0, 0, 1, 0 },
	{ 1, 3, 0, 1, 0 },
	{ 1, 6, 0, 1, 0 },
	{ 3, 0, 0, 1, 0 },
	{ 3, 1, 0, -1, LW4O6_CNT_DROP_ICMP6_TYPE },
	{ 4, 1, 6, -1, LW4O6_CNT_DROP_ICMP6_TYPE },
	{ 2, 0, 1400, 4, 0 },
	{ 2, 7, 1300, 4, 0 },
	{ 2, 0, 1279, -1, LW4O6_CNT_DROP_ICMP6_PTB_SMALL },
	{ 100, 0, 0, -1, LW4O6_CNT_DROP_ICMP6_TYPE },
};

START_TEST(relay)
{
	struct kit *k = start();
	static uint8_t orig[1500], pkt[1500], msg[1500];
	size_t plen = tunnel_packet(k, orig, pkt, true);

	kit_run(k, LW4O6_SIDE_IPV6, msg,
	        mk_icmp6(msg, ROUTER6, relayed[_i].type, relayed[_i].code, relayed[_i].param, pkt, plen));
	if (relayed[_i].out_code < 0) {
		ck_dropped(k, relayed[_i].why);
		ck_assert_uint_eq(k->n, 0);
	} else {
		orig[8] = 63;
		fix_ip(orig);
		ck_error(delivered(k), "192.0.0.2", LAN, 3, (unsigned)relayed[_i].out_code, orig, 548);
		if (relayed[_i].type == 2)
			ck_assert_uint_eq(get16(delivered(k) + 26), relayed[_i].param - 40);
		ck_assert_uint_eq(kit_count(k, relayed[_i].type == 2 ? LW4O6_CNT_ICMP_RELAY_TOO_BIG
		                                                     : LW4O6_CNT_ICMP_RELAY_UNREACHABLE), 1);
	}
	kit_free(k);
}
END_TEST

/* D-133, section 7: one forged field at a time. */
START_TEST(forged)
{
	struct kit *k = start();
	static uint8_t orig[1500], pkt[1500], msg[1500];
	size_t plen = tunnel_packet(k, orig, pkt, true), len;
	enum lw4o6_counter why = LW4O6_CNT_DROP_ICMP6_EMBEDDED_MISMATCH;

	switch (_i) {
	case 0:
		pkt[23]++; /* quoted source is not ours */
		break;
	case 1:
		pkt[39]++; /* quoted destination is not the AFTR */
		break;
	case 2:
		pkt[6] = 17; /* not a tunnel packet */
		break;
	case 3:
		pkt[55]++; /* inner source */
		fix_ip(pkt + 40);
		break;
	case 4:
		be16(pkt + 60, 54300); /* inner port of somebody else */
		break;
	case 5:
		pkt[50] ^= 1; /* inner header checksum */
		break;
	default:
		break;
	}
	if (_i == 7)
		plen = 39;
	len = mk_icmp6(msg, ROUTER6, 2, 0, 1300, pkt, plen);
	if (_i == 6) {
		msg[42] ^= 1;
		why = LW4O6_CNT_DROP_ICMP6_CHECKSUM;
	}
	if (_i == 7)
		why = LW4O6_CNT_DROP_ICMP6_TRUNCATED;
	kit_run(k, LW4O6_SIDE_IPV6, msg, len);
	ck_dropped(k, why);

	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.path_mtu, 1500);
	kit_free(k);
}
END_TEST

/* D-135, D-189, D-191 to D-193, D-198: lowered, never raised, aged; static; DF clear adapts in silence. */
START_TEST(path_mtu)
{
	struct kit *k = start();
	static uint8_t orig[1500], pkt[1500], msg[1500];
	size_t plen = tunnel_packet(k, orig, pkt, false);

	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 2, 0, 1300, pkt, plen));
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_LOCAL);
	ck_assert_uint_eq(k->n, 0);
	lan(k, orig, set_df(orig, mk_udp(orig, LAN, 4000, SERVER, 80, 1233), true));
	ck_assert_uint_eq(get16(delivered(k) + 26), 1260);
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 2, 0, 1400, pkt, plen));
	lan(k, orig, set_df(orig, mk_udp(orig, LAN, 4000, SERVER, 80, 1233), true));
	ck_assert_uint_eq(get16(delivered(k) + 26), 1260);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_PMTU_DECREASED), 1);
	k->now += 601 * LW4O6_SEC;
	lan(k, orig, set_df(orig, mk_udp(orig, LAN, 4000, SERVER, 80, 1233), true));
	sent(k);

	/* An ICMPv4 3/4 from the Internet changes nothing here. */
	lan(k, orig, mk_udp(orig, LAN, 4000, SERVER, 80, 4));
	uint8_t q[64], err[128];
	memcpy(q, sent(k), 32);
	size_t elen = mk_error(err, "203.0.113.9", PUBLIC, 3, 4, q, 32);
	be16(err + 26, 600);
	fix_l4(err, 2, false);
	tun(k, err, elen);
	ck_assert_uint_eq(get16(delivered(k) + 26), 600);
	lan(k, orig, set_df(orig, mk_udp(orig, LAN, 4000, SERVER, 80, 1400), true));
	sent(k);
	kit_free(k);

	k = kit_new();
	k->cfg.pmtu_static = true;
	kit_start(k);
	plen = tunnel_packet(k, orig, pkt, true);
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 2, 0, 1300, pkt, plen));
	ck_dropped(k, LW4O6_CNT_DROP_ICMP6_POLICY);
	kit_free(k);
}
END_TEST

/* D-141, D-142: a thousand refusals, one new provisioning; a pause that grows; nobody but the AFTR. */
START_TEST(source_refused)
{
	struct kit *k = start();
	static uint8_t orig[1500], pkt[1500], msg[1500];
	size_t plen = tunnel_packet(k, orig, pkt, true);
	struct lw4o6_b4_event ev;
	unsigned asked = 0;

	while (lw4o6_b4_event(k->b, &ev))
		continue;
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 1, 5, 0, pkt, plen));
	ck_dropped(k, LW4O6_CNT_DROP_ICMP6_NOT_AFTR);
	for (int i = 0; i < 1000; i++) {
		k->now += 50 * LW4O6_MSEC;
		kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, SOFTWIRE_AFTR, 1, 5, 0, pkt, plen));
		ck_assert_uint_eq(k->n, 0);
		while (lw4o6_b4_event(k->b, &ev))
			asked += ev.kind == LW4O6_B4_EV_REPROVISION;
	}
	ck_assert_uint_eq(asked, 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_ICMP6_1_5_RECEIVED), 1000);
	for (int s = 50; s < 600; s++) { /* then at 60 and at 180 and at 420 */
		k->now += LW4O6_SEC;
		kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, SOFTWIRE_AFTR, 1, 5, 0, pkt, plen));
		while (lw4o6_b4_event(k->b, &ev))
			asked += ev.kind == LW4O6_B4_EV_REPROVISION;
	}
	ck_assert_uint_eq(asked, 4);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_REPROVISION_REQUESTED), 4);
	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.nat.mappings[LW4O6_NAPT_UDP], 0); /* only time has ended it, after 300 s */
	kit_free(k);

	k = kit_new();
	k->cfg.relay_1_5 = k->cfg.no_reprovision = true;
	kit_start(k);
	plen = tunnel_packet(k, orig, pkt, true);
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, SOFTWIRE_AFTR, 1, 5, 0, pkt, plen));
	ck_assert_uint_eq(delivered(k)[21], 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_REPROVISION_REQUESTED), 0);
	kit_free(k);
}
END_TEST

/* D-140, D-143, D-144, D-146: the switch, the rate, nothing about an error, echo, neighbor discovery. */
START_TEST(icmp6_policy)
{
	struct kit *k = kit_new();
	static uint8_t orig[1500], pkt[1500], msg[1500];

	k->cfg.icmp6_in_rate = 5;
	kit_start(k);
	size_t plen = tunnel_packet(k, orig, pkt, true), len;
	for (int i = 0; i < 7; i++)
		kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 1, 0, 0, pkt, plen));
	ck_dropped(k, LW4O6_CNT_DROP_ICMP6_RATE);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROP_ICMP6_RATE), 2);

	len = mk_icmp6(msg, ROUTER6, 128, 0, 0x12340001, (const uint8_t *)"ping", 4);
	kit_run(k, LW4O6_SIDE_IPV6, msg, len);
	ck_assert_uint_eq(k->n, 1);
	ck_assert_uint_eq(k->out[0].data[40], 129);
	ck_assert_uint_eq(k->out[0].len, len);
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 135, 0, 0, pkt, 20));
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_LOCAL);
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 200, 0, 0, pkt, 20));
	ck_dropped(k, LW4O6_CNT_DROP_ICMP6_TYPE);
	kit_free(k);

	k = kit_new();
	k->cfg.ignore_icmpv6_errors = k->cfg.no_answer_ping6 = true;
	kit_start(k);
	plen = tunnel_packet(k, orig, pkt, true);
	kit_run(k, LW4O6_SIDE_IPV6, msg, mk_icmp6(msg, ROUTER6, 1, 0, 0, pkt, plen));
	ck_dropped(k, LW4O6_CNT_DROP_ICMP6_POLICY);
	kit_run(k, LW4O6_SIDE_IPV6, msg, len = mk_icmp6(msg, ROUTER6, 128, 0, 0, pkt, 4));
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_LOCAL);
	kit_free(k);
}
END_TEST

/* D-052 to D-054: about a header of the AFTR's that we cannot take; somebody else gets nothing. */
START_TEST(parameter_problem)
{
	struct kit *k = start();
	uint8_t p[64], outer[256], with[256];
	uint16_t port = open_udp(k, LAN, 4000, SERVER, 80);
	size_t len = mk_tunnel(outer, p, mk_udp(p, SERVER, 80, PUBLIC, port, 4));

	memcpy(with, outer, 40);
	memcpy(with + 40, "\x04\x00\x81\x04\x00\x00\x00\x00", 8); /* an option with top bits 10 */
	memcpy(with + 48, outer + 40, len - 40);
	with[6] = 60;
	be16(with + 4, (unsigned)(len - 40 + 8));
	kit_run(k, LW4O6_SIDE_IPV6, with, len + 8);
	ck_dropped(k, LW4O6_CNT_DROP_V6_EXT_HEADER);
	ck_assert_uint_eq(k->n, 1);
	ck_assert_uint_eq(k->out[0].data[40], 4);
	ck_assert_uint_eq(k->out[0].data[41], 2);
	ck_assert_uint_eq(get16(k->out[0].data + 46), 42);
	with[40] = 58; /* D-114: not when an ICMPv6 error stands behind it */
	with[48] = 1;
	kit_run(k, LW4O6_SIDE_IPV6, with, len + 8);
	ck_dropped(k, LW4O6_CNT_DROP_V6_EXT_HEADER);
	ck_assert_uint_eq(k->n, 0);
	ck_assert_uint_eq(lw4o6_b4_counters(k->b)->packets[LW4O6_CNT_ICMP6_SUPPRESSED_FORBIDDEN], 1);
	with[40] = 4;
	with[48] = outer[40];
	with[42] = 0x1e; /* top bits 00: skipped */
	kit_run(k, LW4O6_SIDE_IPV6, with, len + 8);
	delivered(k);
	with[42] = 0x81;
	with[23]++;
	kit_run(k, LW4O6_SIDE_IPV6, with, len + 8);
	ck_dropped(k, LW4O6_CNT_B4_DROP_NOT_AFTR);
	ck_assert_uint_eq(k->n, 0);
	kit_free(k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("b4_icmp");
	TCase *tc = tcase_create("icmp");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, error_in, 0, (int)(sizeof(errors) / sizeof(errors[0])));
	tcase_add_loop_test(tc, error_in_refused, 0, 10);
	tcase_add_test(tc, identification_restored);
	tcase_add_test(tc, extension);
	tcase_add_test(tc, error_out);
	tcase_add_test(tc, error_hairpin);
	tcase_add_loop_test(tc, types, 0, 20);
	tcase_add_test(tc, ping);
	tcase_add_test(tc, ping_from_lan);
	tcase_add_test(tc, echo_filter);
	tcase_add_loop_test(tc, relay, 0, (int)(sizeof(relayed) / sizeof(relayed[0])));
	tcase_add_loop_test(tc, forged, 0, 8);
	tcase_add_test(tc, path_mtu);
	tcase_add_test(tc, source_refused);
	tcase_add_test(tc, icmp6_policy);
	tcase_add_test(tc, parameter_problem);
	suite_add_tcase(s, tc);
	return test_main(s);
}
