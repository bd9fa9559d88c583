/* Fragments on their way through the AFTR (data-plane 3.10, 3.11, 3.12), and what a change of a binding does to them. */
#include "aftr_rig.h"

#define V4 LW4O6_SIDE_IPV4
#define V6 LW4O6_SIDE_IPV6
#define SERVER "198.51.100.7"

enum { PIECES = 3, PIECE = 400 }; /* octets of a datagram in the tests, a multiple of 8 */

static uint8_t p[RIG_PKT], whole[RIG_PKT];

/* Fragment i of n of the IPv4 packet @p ip, cut at PIECE octets. @return its length. */
static size_t piece4(uint8_t *dst, const uint8_t *ip, size_t len, unsigned i, bool df)
{
	size_t body = len - 20, off = i * PIECE, n = body - off < PIECE ? body - off : PIECE;
	bool more = off + n < body;

	memcpy(dst, ip, 20);
	memcpy(dst + 20, ip + 20 + off, n);
	dst[2] = (uint8_t)((20 + n) >> 8);
	dst[3] = (uint8_t)(20 + n);
	dst[4] = 0xbe;
	dst[5] = 0xef;
	dst[6] = (uint8_t)((df ? 0x40 : 0) | (more ? 0x20 : 0) | (off / 8) >> 8);
	dst[7] = (uint8_t)(off / 8);
	rig_fix4(dst);
	return 20 + n;
}

/* Fragment i of the tunnel packet @p ip6. */
static size_t piece6(uint8_t *dst, const uint8_t *ip6, size_t len, unsigned i, uint32_t id)
{
	size_t body = len - 40, off = i * PIECE, n = body - off < PIECE ? body - off : PIECE;
	bool more = off + n < body;

	memcpy(dst, ip6, 40);
	dst[4] = (uint8_t)((8 + n) >> 8);
	dst[5] = (uint8_t)(8 + n);
	dst[6] = 44;
	memset(dst + 40, 0, 8);
	dst[40] = 4;
	dst[42] = (uint8_t)(off >> 8);
	dst[43] = (uint8_t)((off & 0xf8) | more);
	memcpy(dst + 44, &id, 4);
	memcpy(dst + 48, ip6 + 40 + off, n);
	return 48 + n;
}

static const unsigned orders[6][PIECES] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

/* D-147 to D-150, D-163: tunnel packets in pieces, any order; what comes out is the packet. */
START_TEST(reassembly6)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000);

	for (unsigned o = 0; o < 6; o++) {
		for (unsigned i = 0; i < PIECES; i++) {
			enum lw4o6_verdict v = rig_give(r, V6, p, piece6(p, whole, len, orders[o][i], o));
			ck_assert_int_eq(v, i == PIECES - 1 ? LW4O6_VERDICT_OUTQ : LW4O6_VERDICT_HELD);
		}
		uint8_t want[1100];
		memcpy(want, whole + 40, len - 40);
		want[8]--;
		rig_fix4(want);
		rig_expect_octets(r, V4, want, len - 40);
		rig_nothing(r);
	}
	rig_counted(r, "rcvd-ipv6=18 sent-ipv4=6 frag6-in=18 ipv6-fragments-reassembled=18");

	/* the whole is refused: 1/5 quotes it without Fragment header */
	len = rig_from_a(whole, 54300, SERVER, 80, 1000);
	for (unsigned i = 0; i < PIECES; i++)
		rig_give(r, V6, p, piece6(p, whole, len, i, 99));
	ck_assert_uint_eq(r->n_out, 1);
	ck_octets(r->out[0].data + 48, len, whole, len);
	rig_counted(r, "rcvd-ipv6=3 drop-v6-spoofed=1 frag6-in=3 ipv6-fragments-reassembled=3 out-icmpv6-error=1 icmp6-out-1-5=1");
	rig_free(r);
}
END_TEST

/* D-165: sources that are no B4 occupy nothing. D-049: bad ones neither. */
START_TEST(fragments_of_strangers)
{
	struct rig *r = rig_new(NULL);
	struct lw4o6_aftr_gauges g;
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000);

	for (unsigned i = 0; i < 1000; i++) {
		whole[20] = (uint8_t)(i >> 8);
		whole[21] = (uint8_t)i;
		whole[9] = 9;
		rig_give(r, V6, p, piece6(p, whole, len, i % PIECES, i));
	}
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_eq(g.frag6_contexts, 0);
	ck_assert_uint_eq(g.frag6_memory, 0);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1000 drop-frag6-no-binding=1000 frag6-in=1000");
	rig_free(r);
}
END_TEST

/* D-151: 60 s, and 3/1 when the first fragment is there. */
START_TEST(timeout6)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000), n = piece6(p, whole, len, 0, 1);

	ck_assert_uint_eq(lw4o6_aftr_expiry(r->a), LW4O6_TIME_NONE);
	rig_give(r, V6, p, n);
	ck_assert_uint_eq(lw4o6_aftr_expiry(r->a), r->now + 60 * LW4O6_SEC);
	r->now += 60 * LW4O6_SEC - 1;
	lw4o6_aftr_tick(r->a, r->now);
	rig_drain(r);
	rig_nothing(r);
	r->now++;
	lw4o6_aftr_tick(r->a, r->now);
	rig_drain(r);
	ck_assert_uint_eq(r->n_out, 1);
	ck_assert(r->out[0].data[40] == 3 && r->out[0].data[41] == 1);
	ck_octets(r->out[0].data + 48, n, p, n);
	rig_counted(r, "rcvd-ipv6=1 frag6-in=1 drop-frag6-timeout=1 out-icmpv6-error=1 icmp6-out-3-1=1");
	rig_clear(r);
	rig_give(r, V6, p, piece6(p, whole, len, 1, 2)); /* without the first: silence */
	r->now += 60 * LW4O6_SEC;
	lw4o6_aftr_tick(r->a, r->now);
	rig_drain(r);
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-154: an atomic fragment passes beside fragments of the same key. D-152: overlap. */
START_TEST(odd_fragments6)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000);

	rig_give(r, V6, p, piece6(p, whole, len, 0, 7));
	size_t small = rig_from_a(p, 53250, SERVER, 80, 100);
	memmove(p + 48, p + 40, small - 40);
	memset(p + 40, 0, 8);
	p[40] = 4;
	p[44] = 7;
	p[6] = 44;
	p[4] = (uint8_t)((small - 32) >> 8);
	p[5] = (uint8_t)(small - 32);
	ck_assert_int_eq(rig_give(r, V6, p, small + 8), LW4O6_VERDICT_EMIT4);
	rig_give(r, V6, p, piece6(p, whole, len, 1, 7));
	ck_assert_int_eq(rig_give(r, V6, p, piece6(p, whole, len, 2, 7)), LW4O6_VERDICT_OUTQ);
	ck_assert_uint_eq(r->n_out, 2);
	rig_counted(r, "rcvd-ipv6=4 sent-ipv4=2 frag6-in=4 frag6-atomic=1 ipv6-fragments-reassembled=3");

	/* overlap: all gone, and what follows too */
	rig_give(r, V6, p, piece6(p, whole, len, 0, 8));
	size_t n = piece6(p, whole, len, 1, 8);
	p[43] = (uint8_t)((p[43] & 7) | 0x88); /* 8 octets earlier */
	rig_give(r, V6, p, n);
	rig_give(r, V6, p, piece6(p, whole, len, 2, 8));
	ck_assert_uint_eq(r->n_out, 2);

	rig_clear(r);
	rig_counted(r, "rcvd-ipv6=3 frag6-in=3 drop-frag6-overlap=3");
	rig_free(r);
}
END_TEST

/* D-168, D-172, D-174: every order of inbound fragments, none before the first one. */
START_TEST(virtual_down)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_udp(whole, SERVER, 5000, "192.0.2.18", 53400, 1000);

	for (unsigned o = 0; o < 6; o++) {
		whole[15] = (uint8_t)o; /* another source */
		for (unsigned i = 0; i < PIECES; i++)
			rig_give(r, V4, p, piece4(p, whole, len, orders[o][i], false));
		ck_assert_uint_eq(r->n_out, PIECES);
		ck_assert_uint_eq(r->out[0].data[46] & 0x20 ? r->out[0].data[47] : 255, 0);
		uint8_t seen = 0;
		for (unsigned i = 0; i < PIECES; i++) {
			const uint8_t *d = r->out[i].data;
			unsigned k = ((unsigned)(d[46] & 0x1f) << 8 | d[47]) * 8 / PIECE;
			size_t n = piece4(p, whole, len, k, false);
			struct lw4o6_ip4 h;

			ck_assert_int_eq(lw4o6_ip4_decode(&h, d + 40, r->out[i].len - 40), LW4O6_IP4_OK);
			ck_assert_uint_eq(h.ttl, 56);
			ck_octets(d + 60, r->out[i].len - 60, p + 20, n - 20);
			seen |= (uint8_t)(1 << k);
		}
		ck_assert_uint_eq(seen, 7);
		rig_clear(r);
	}
	rig_counted(r, "rcvd-ipv4=18 sent-ipv6=18 frag4-in=18 frag4-virtual-done=6");
	rig_free(r);
}
END_TEST

/* D-168 upstream, D-170: other vendors' B4s send inner fragments; two B4s use one ID at one time. */
START_TEST(virtual_up)
{
	struct rig *r = rig_new(NULL);
	static uint8_t a[2000], b[2000];
	size_t len = rig_udp(a, "192.0.2.18", 53250, SERVER, 80, 1000);

	rig_udp(b, "192.0.2.18", 54300, SERVER, 80, 1000);
	for (unsigned o = 0; o < 6; o++) {
		for (unsigned i = 0; i < PIECES; i++) {
			size_t n = piece4(p, a, len, orders[o][i], false);
			rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, n));
			n = piece4(p, b, len, orders[o][i], false);
			rig_give(r, V6, p, rig_wrap(p, RIG_B4B, 4, n));
		}
		ck_assert_uint_eq(r->n_out, 2 * PIECES);
		for (unsigned i = 0; i < 2 * PIECES; i++)
			ck_assert_int_eq(r->out[i].side, V4);
		rig_clear(r);
	}
	rig_counted(r, "rcvd-ipv6=36 sent-ipv4=36 frag4-in=36 frag4-virtual-done=12");

	/* A sends a first fragment with B's port: it is refused, its followers are silent (D-062, D-176) */
	size_t n = piece4(p, b, len, 1, false);
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, n));
	n = piece4(p, b, len, 0, false);
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, n));
	n = piece4(p, b, len, 2, false);
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, n));
	ck_assert_uint_eq(r->n_out, 1);
	rig_counted(r, "rcvd-ipv6=3 frag4-in=3 drop-v6-spoofed=1 drop-frag4-unbound=2 dropped-ipv4-fragments=2 "
	               "out-icmpv6-error=1 icmp6-out-1-5=1");
	rig_clear(r);
	/* a stranger's fragment is not kept */
	n = piece4(p, b, len, 1, false);
	ck_assert_int_eq(rig_give(r, V6, p, rig_wrap(p, "2001:db8:66::1", 4, n)), LW4O6_VERDICT_DROP);
	rig_counted(r, "rcvd-ipv6=1 frag4-in=1 drop-v6-spoofed=1");
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-168, D-088: fragments of a hairpin; one TTL step each. */
START_TEST(virtual_hairpin)
{
	struct rig *r = rig_new(NULL);
	struct in6_addr b4 = rig_a6(RIG_B4B);
	size_t len = rig_udp(whole, "192.0.2.18", 53250, "192.0.2.18", 54300, 1000);

	for (unsigned o = 0; o < 6; o++) {
		for (unsigned i = 0; i < PIECES; i++) {
			size_t n = piece4(p, whole, len, orders[o][i], false);
			rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, n));
		}
		ck_assert_uint_eq(r->n_out, PIECES);
		for (unsigned i = 0; i < PIECES; i++) {
			ck_assert_int_eq(r->out[i].side, V6);
			ck_assert(memcmp(r->out[i].data + 24, &b4, 16) == 0);
			ck_assert_uint_eq(r->out[i].data[48], 56);
		}
		rig_clear(r);
	}
	rig_counted(r, "rcvd-ipv6=18 sent-ipv6=18 hairpin-ipv4=18 frag4-in=18 frag4-virtual-done=6");

	/* from the owner of a whole address to a shared one: the second half finds the port */
	len = rig_udp(whole, "192.0.2.99", 9, "192.0.2.18", 54300, 1000);
	for (unsigned i = PIECES; i-- > 0;) {
		size_t n = piece4(p, whole, len, i, false);
		rig_give(r, V6, p, rig_wrap(p, "2001:db8:99::99", 4, n));
	}
	ck_assert_uint_eq(r->n_out, PIECES);
	for (unsigned i = 0; i < PIECES; i++) {
		struct lw4o6_ip4 h;
		ck_assert_int_eq(lw4o6_ip4_decode(&h, r->out[i].data + 40, r->out[i].len - 40), LW4O6_IP4_OK);
		ck_assert_uint_eq(h.ttl, 56);
		ck_assert(memcmp(r->out[i].data + 24, &b4, 16) == 0);
	}
	rig_free(r);
}
END_TEST

/* D-173, D-183: full mode in both directions and through a hairpin. */
START_TEST(full)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag4_mode = LW4O6_FRAG4_FULL;
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(whole, "192.0.2.18", 53250, SERVER, 80, 1000);

	for (unsigned way = 0; way < 2; way++) {
		const char *dst = way ? "192.0.2.18" : SERVER;
		len = rig_udp(whole, "192.0.2.18", 53250, dst, way ? 54300 : 80, 1000);
		for (unsigned i = PIECES; i-- > 0;) {
			size_t n = piece4(p, whole, len, i, false);
			enum lw4o6_verdict v = rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, n));
			ck_assert_int_eq(v, i == 0 ? LW4O6_VERDICT_OUTQ : LW4O6_VERDICT_HELD);
		}
		ck_assert_uint_eq(r->n_out, 1);
		const uint8_t *d = r->out[0].data + (way ? 40 : 0);
		struct lw4o6_ip4 h;
		ck_assert_int_eq(lw4o6_ip4_decode(&h, d, len), LW4O6_IP4_OK);
		ck_assert(h.ttl == 56 && h.id == 0xbeef && h.total == len && !h.mf && h.frag_off == 0);
		ck_octets(d + 20, len - 20, whole + 20, len - 20);
		rig_clear(r);
	}
	rig_counted(r, "rcvd-ipv6=6 sent-ipv4=1 sent-ipv6=1 hairpin-ipv4=1 frag4-in=6 frag4-full-done=2");
	rig_free(r);
}
END_TEST

/* D-061, A-29: a datagram put together and refused: the 1/5 quotes it as one tunnel packet. */
START_TEST(full_refused)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag4_mode = LW4O6_FRAG4_FULL;
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(whole, "192.0.2.18", 54300, SERVER, 80, 1000); /* B's port */

	for (unsigned i = 0; i < PIECES; i++)
		rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, piece4(p, whole, len, i, false)));
	ck_assert_uint_eq(r->n_out, 1);
	const uint8_t *d = r->out[0].data;
	ck_assert(d[6] == 58 && d[40] == 1 && d[41] == 5);
	whole[4] = 0xbe;
	whole[5] = 0xef;
	whole[6] = 0;
	rig_fix4(whole);
	len = rig_wrap(whole, RIG_B4A, 4, len);
	ck_octets(d + 48, r->out[0].len - 48, whole, len);
	rig_counted(r, "rcvd-ipv6=3 frag4-in=3 frag4-full-done=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	rig_free(r);
}
END_TEST

/* frag4-in counts what is dropped before the table too: forbidden ECN, and a sender without softwire. */
START_TEST(counted_before_the_table)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_udp(whole, "192.0.2.18", 53250, SERVER, 80, 1000);
	size_t n = rig_wrap(p, RIG_B4A, 4, piece4(p, whole, len, 1, false));

	p[1] = 0x30;
	rig_give(r, V6, p, n);
	rig_counted(r, "rcvd-ipv6=1 frag4-in=1 drop-v6-ecn=1 ecn-anomaly-not-ect-ce=1");
	p[1] = 0;
	p[23] ^= 1;
	rig_give(r, V6, p, n);
	rig_counted(r, "rcvd-ipv6=1 frag4-in=1 drop-v6-spoofed=1");
	rig_free(r);
}
END_TEST

/* Section 4: any limit from 1 up works. */
START_TEST(least_memory)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag4_memory = c.frag6_memory = 1;
	struct rig *r = rig_new(&c);
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000);

	for (unsigned i = PIECES; i-- > 0;)
		rig_give(r, V6, p, piece6(p, whole, len, i, 7));
	rig_counted(r, "rcvd-ipv6=3 sent-ipv4=1 frag6-in=3 ipv6-fragments-reassembled=3");
	rig_free(r);
}
END_TEST

/* D-171: fragments forbidden; D-185: none kept for an address we do not have; D-179: bad lengths. */
START_TEST(refused_fragments)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag4_mode = LW4O6_FRAG4_DROP;
	struct rig *r = rig_new(&c);
	struct lw4o6_aftr_gauges g;
	size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 1000), n;

	rig_give(r, V4, p, piece4(p, whole, len, 0, false));
	rig_counted(r, "rcvd-ipv4=1 drop-frag4-disabled=1 dropped-ipv4-fragments=1 frag4-in=1");
	rig_free(r);

	r = rig_new(NULL);
	len = rig_udp(whole, SERVER, 80, "192.0.2.77", 53250, 1000);
	rig_give(r, V4, p, piece4(p, whole, len, 1, false));
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_eq(g.frag4_contexts, 0);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-address-unbound=1 icmp4-suppressed-forbidden=1");
	len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 1000);
	n = piece4(p, whole, len, 0, false) - 3;
	p[3] = (uint8_t)n;
	p[2] = (uint8_t)(n >> 8);
	rig_fix4(p);
	rig_give(r, V4, p, n);
	rig_counted(r, "rcvd-ipv4=1 drop-frag4-bad-length=1 dropped-ipv4-fragments=1 frag4-in=1");
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-181, D-182: DF on fragments larger than the tunnel: 3/4 about the first one only. */
START_TEST(df_fragments)
{
	struct lw4o6_aftr_config c = rig_config();
	c.payload_mtu = 1240;
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 4000);

	for (unsigned i = 0; i < 3; i++) { /* pieces of 1400 octets */
		memcpy(p, whole, 20);
		memcpy(p + 20, whole + 20 + i * 1400, i < 2 ? 1400 : len - 20 - 2800);
		size_t n = 20 + (i < 2 ? 1400 : len - 20 - 2800);
		p[2] = (uint8_t)(n >> 8);
		p[3] = (uint8_t)n;
		p[6] = (uint8_t)(0x40 | (i < 2 ? 0x20 : 0) | (i * 175) >> 8);
		p[7] = (uint8_t)(i * 175);
		rig_fix4(p);
		rig_give(r, V4, p, n);
	}
	ck_assert_uint_eq(r->n_out, 2); /* 3/4, and the last piece, which fits */
	ck_assert(r->out[0].side == V4 && r->out[0].data[20] == 3 && r->out[0].data[21] == 4);
	rig_counted(r, "rcvd-ipv4=3 frag4-in=3 frag4-virtual-done=1 drop-v4-mtu-df=2 sent-ipv6=1 out-icmpv4-error=1 "
	               "icmp4-out-3-4=1 icmp4-suppressed-forbidden=1");
	rig_free(r);
}
END_TEST

/* D-110: a fragmented echo reply is found by the identifier in its first fragment; its sum cannot be checked. */
START_TEST(fragmented_icmp)
{
	struct rig *r = rig_new(NULL);
	struct in6_addr b4 = rig_a6(RIG_B4B);
	static uint8_t l4[3000] = { 0, 0, 0xab, 0xcd, 0xd4, 0x1c, 0, 1 };
	size_t len = rig_ip4(whole, SERVER, "192.0.2.18", 1, l4, 1100);

	for (unsigned i = PIECES; i-- > 0;)
		rig_give(r, V4, p, piece4(p, whole, len, i, false));
	ck_assert_uint_eq(r->n_out, PIECES);
	for (unsigned i = 0; i < PIECES; i++)
		ck_assert(memcmp(r->out[i].data + 24, &b4, 16) == 0);
	rig_counted(r, "rcvd-ipv4=3 sent-ipv6=3 frag4-in=3 frag4-virtual-done=1");
	rig_free(r);
}
END_TEST

/* D-176: the first fragment of nobody's port, or with TTL 1: its followers stay silent. */
START_TEST(refused_first)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 4000, 1000);

	rig_give(r, V4, p, piece4(p, whole, len, 1, false));
	rig_give(r, V4, p, piece4(p, whole, len, 0, false));
	rig_give(r, V4, p, piece4(p, whole, len, 2, false));
	ck_assert_uint_eq(r->n_out, 1);
	rig_counted(r, "rcvd-ipv4=3 frag4-in=3 drop-v4-port-unbound=1 drop-frag4-unbound=2 dropped-ipv4-fragments=2 "
	               "out-icmpv4-error=1 icmp4-out-3-1=1");
	rig_clear(r);
	len = rig_udp(whole, "198.51.100.8", 80, "192.0.2.18", 53250, 1000);
	whole[8] = 1;
	rig_give(r, V4, p, piece4(p, whole, len, 0, false));
	whole[8] = 64;
	rig_give(r, V4, p, piece4(p, whole, len, 1, false));
	ck_assert_uint_eq(r->n_out, 1);
	rig_counted(r, "rcvd-ipv4=2 frag4-in=2 drop-v4-ttl=1 drop-frag4-unbound=1 dropped-ipv4-fragments=1 "
	               "out-icmpv4-error=1 icmp4-out-11-0=1");
	rig_free(r);
}
END_TEST

/* D-027, D-028: after a binding is gone nothing of its fragments is delivered, whichever came first. */
START_TEST(binding_gone)
{
	struct rig *r = rig_new(NULL);
	struct lw4o6_psid ps;
	struct in6_addr a = rig_a6(RIG_B4A);
	struct lw4o6_aftr_gauges g;
	size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 1000);
	static uint8_t up[2000];
	size_t uplen = rig_from_a(up, 53250, SERVER, 80, 1000);

	rig_give(r, V4, p, piece4(p, whole, len, 0, false)); /* allowed */
	rig_give(r, V6, p, piece6(p, up, uplen, 0, 5));
	rig_clear(r);
	ck_assert_int_eq(lw4o6_psid_init(&ps, 0, 6, 0x34), LW4O6_OK);
	ck_assert_int_eq(lw4o6_bindtab_remove(r->tab, rig_a4("192.0.2.18"), &ps), LW4O6_OK);
	rig_give(r, V4, p, piece4(p, whole, len, 1, false));
	rig_give(r, V6, p, piece6(p, up, uplen, 1, 5));
	rig_nothing(r);
	lw4o6_aftr_softwire_gone(r->a, &a);
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_eq(g.frag4_contexts, 0);
	ck_assert_uint_eq(g.frag6_contexts, 0);
	/* another subscriber gets the ports: nothing of the old datagram is his */
	rig_bind(r, "192.0.2.18", 6, 0x34, "2001:db8:77::1");
	rig_give(r, V4, p, piece4(p, whole, len, 2, false));
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-028: the ports go to another B4 between two fragments: the later one is not the old B4's to send any more. */
START_TEST(binding_moved)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_udp(whole, "192.0.2.18", 53250, SERVER, 80, 1000);

	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, piece4(p, whole, len, 0, false)));
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1 frag4-in=1");
	rig_bind(r, "192.0.2.18", 6, 0x34, "2001:db8:77::1");
	rig_bind(r, "192.0.2.18", 6, 0x36, RIG_B4A); /* still a subscriber, with other ports */
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 4, piece4(p, whole, len, 1, false)));
	rig_counted(r, "rcvd-ipv6=1 frag4-in=1 drop-frag4-unbound=1 dropped-ipv4-fragments=1");
	rig_free(r);
}
END_TEST

/* D-161, D-162, D-164: identifications differ; pieces are in order and without overlap; instances are disjoint. */
START_TEST(sent_fragments)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag6_first_id = 0;
	c.frag6_instance_bits = 2;
	c.link_mtu = 1280;
	for (unsigned instance = 0; instance < 4; instance++) {
		c.frag6_instance = (uint8_t)instance;
		struct rig *r = rig_new(&c);
		size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 9000);
		uint32_t last = 0;

		whole[6] = 0;
		rig_fix4(whole);
		for (unsigned k = 0; k < 20; k++) {
			rig_give(r, V4, whole, len);
			size_t off = 0;
			for (size_t i = 0; i < r->n_out; i++) {
				const uint8_t *d = r->out[i].data;
				uint32_t id = (uint32_t)d[44] << 24 | (uint32_t)d[45] << 16 | (uint32_t)d[46] << 8 | d[47];

				ck_assert_uint_le(r->out[i].len, 1280);
				ck_assert_uint_eq(((unsigned)d[42] << 8 | d[43]) & 0xfff8u, off);
				ck_assert_uint_eq(d[43] & 1, i + 1 < r->n_out);
				ck_assert_uint_eq(id >> 30, instance);
				ck_assert(i == 0 ? id != last : id == last);
				last = id;
				off += r->out[i].len - 48;
			}
			ck_assert_uint_eq(off, len);
			rig_clear(r);
		}
		rig_free(r);
	}
}
END_TEST

/* D-149: inner packets of 9216 octets by default, no more. */
START_TEST(largest)
{
	struct lw4o6_aftr_config c = rig_config();
	c.ipv4_mtu = 65535;
	struct rig *r = rig_new(&c);

	for (unsigned over = 0; over < 2; over++) {
		size_t len = rig_from_a(whole, 53250, SERVER, 80, 9216 - 28 + over);
		for (unsigned i = 0; (size_t)i * PIECE < len - 40; i++)
			rig_give(r, V6, p, piece6(p, whole, len, i, over));
		ck_assert_uint_eq(r->n_out, over ? 0 : 1);
		rig_clear(r);
	}
	ck_assert_uint_ge(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROP_FRAG6_TOO_BIG], 1);
	rig_free(r);
}
END_TEST

/* A packet put together from fragments that is again a fragment: once is enough. */
START_TEST(fragment_of_fragments)
{
	struct rig *r = rig_new(NULL);
	static uint8_t outer[2000];
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000);

	memcpy(outer, whole, 40);
	memset(outer + 40, 0, 8);
	outer[40] = 4;
	outer[43] = 1; /* offset 0, more to come */
	memcpy(outer + 48, whole + 40, len - 40);
	for (unsigned i = 0; i < PIECES; i++) {
		size_t n = piece6(p, outer, len + 8, i, 3);

		p[40] = 44;
		rig_give(r, V6, p, n);
	}
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=3 frag6-in=3 ipv6-fragments-reassembled=3 drop-v6-ext-header=1");
	struct lw4o6_aftr_gauges g;
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_eq(g.frag6_contexts, 0);
	rig_free(r);
}
END_TEST

/* D-217 on fragments: each is combined with its own outer header, once, held or not. */
START_TEST(congestion_of_fragments)
{
	static uint8_t map[64];
	struct lw4o6_aftr_config c = rig_config();

	for (unsigned i = 0; i < 64; i++)
		map[i] = (uint8_t)((i + 1) % 64);
	c.dscp_remap = map;
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(whole, "192.0.2.18", 53250, SERVER, 80, 1000);

	for (unsigned o = 0; o < 6; o++) {
		for (unsigned i = 0; i < PIECES; i++) {
			size_t n = rig_wrap(p, RIG_B4A, 4, piece4(p, whole, len, orders[o][i], false));

			p[0] = (uint8_t)(0x60 | orders[o][i]); /* DSCP 4 times the number of the piece */
			p[1] = 0x20;                           /* ECT0 outside, Not-ECT inside */
			rig_give(r, V6, p, n);
		}
		ck_assert_uint_eq(r->n_out, PIECES);
		for (unsigned i = 0; i < PIECES; i++) {
			const uint8_t *d = r->out[i].data;
			unsigned k = ((unsigned)(d[6] & 0x1f) << 8 | d[7]) * 8 / PIECE;

			ck_assert_uint_eq(d[1], (k * 4 + 1) << 2);
		}
		rig_clear(r);
	}
	rig_counted(r, "rcvd-ipv6=18 sent-ipv4=18 frag4-in=18 frag4-virtual-done=6 ecn-anomaly-not-ect-ect0=18");
	rig_free(r);
}
END_TEST

/* D-172: the order holds within a burst, whether a piece leaves in place or through the queue. */
START_TEST(order_in_a_burst)
{
	struct lw4o6_aftr_config c = rig_config();
	static uint8_t buf[6][2000];
	struct lw4o6_pkt k[6];
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 1000);
	unsigned want = 0;

	/* a large packet first, then pieces 0, 2, 1 of one datagram and two small packets */
	static const int what[6] = { -2, 2, 0, -1, 1, -1 };
	for (unsigned i = 0; i < 6; i++) {
		uint8_t *d = buf[i] + 48;
		size_t n = what[i] >= 0 ? piece4(d, whole, len, (unsigned)what[i], false) :
			                  rig_udp(d, SERVER, 80, "192.0.2.18", 53250 + i, what[i] == -2 ? 1450 : 10);

		if (what[i] == -2) {
			d[6] = 0;
			rig_fix4(d);
		}
		k[i] = (struct lw4o6_pkt){ .data = d, .len = n, .headroom = 48 };
	}
	ck_assert_uint_eq(lw4o6_aftr_run(r->a, V4, k, 6, r->now), 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert(k[i].verdict == LW4O6_VERDICT_OUTQ || k[i].verdict == LW4O6_VERDICT_HELD);
	rig_drain(r);
	ck_assert_uint_eq(r->n_out, 2 + 2 + 1 + 1 + 1);
	/* behind the two IPv6 fragments: offset 0, offset 800, small, offset 400, small */
	static const unsigned offsets[5] = { 0, 800, 0, 400, 0 };
	for (size_t i = 2; i < r->n_out; i++, want++)
		ck_assert_uint_eq(((unsigned)(r->out[i].data[46] & 0x1f) << 8 | r->out[i].data[47]) * 8, offsets[want]);
	rig_free(r);
}
END_TEST

/* D-167: one line when the table is nearly full, before it is. */
START_TEST(alarm)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag4_contexts = 10;
	struct rig *r = rig_new(&c);
	size_t len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 1000);

	for (unsigned i = 0; i < 10; i++) {
		size_t n = piece4(p, whole, len, 1, false);

		p[5] = (uint8_t)i;
		rig_fix4(p);
		rig_give(r, V4, p, n);
		ck_assert_uint_eq(r->lines, i >= 7 ? 1 : 0);
	}
	ck_assert_msg(strstr(r->line, "aftr-frag-alarm: IPv4") != NULL, "%s", r->line);
	rig_free(r);
}
END_TEST

/* D-044 and section 7: floods of fragments; unfragmented packets of everybody and fragments of others go on (D-166, D-184). */
START_TEST(floods)
{
	struct rig *r = rig_new(NULL);
	static uint8_t b[2000];
	size_t len = rig_from_a(whole, 53250, SERVER, 80, 1000), blen;
	size_t memory = talloc_total_size(r->a), blocks = talloc_total_blocks(r->a);

	for (uint32_t i = 0; i < 3000; i++)
		rig_give(r, V6, p, piece6(p, whole, len, i % 2, i));
	memcpy(b, whole, len);
	struct in6_addr b4 = rig_a6(RIG_B4B);
	blen = rig_udp(b, "192.0.2.18", 54300, SERVER, 80, 1000);
	blen = rig_wrap(b, RIG_B4B, 4, blen);
	ck_assert(memcmp(b + 8, &b4, 16) == 0);
	rig_clear(r);
	for (unsigned i = 0; i < PIECES; i++)
		rig_give(r, V6, p, piece6(p, b, blen, i, 1));
	ck_assert_uint_eq(r->n_out, 1);
	rig_clear(r);
	rig_send(r, V6, "V1b");
	rig_expect(r, V4, "V1c");

	len = rig_udp(whole, SERVER, 80, "192.0.2.18", 53250, 1000);
	for (uint32_t i = 0; i < 3000; i++) {
		size_t n = piece4(p, whole, len, 1, false);
		p[4] = (uint8_t)(i >> 8);
		p[5] = (uint8_t)i;
		p[13] = (uint8_t)(i >> 4);
		rig_fix4(p);
		rig_give(r, V4, p, n);
	}
	struct lw4o6_aftr_gauges g;
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_le(g.frag4_contexts, 256);
	ck_assert_uint_le(g.frag4_memory, 1 << 20);
	rig_clear(r);
	for (unsigned i = 0; i < 100; i++)
		rig_send(r, V4, "V1d");
	ck_assert_uint_eq(r->n_out, 100);
	ck_assert_uint_eq(talloc_total_size(r->a), memory); /* a packet allocates nothing */
	ck_assert_uint_eq(talloc_total_blocks(r->a), blocks);
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aftr_frag");
	TCase *t = tcase_create("frag");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_test(t, reassembly6);
	tcase_add_test(t, fragments_of_strangers);
	tcase_add_test(t, timeout6);
	tcase_add_test(t, odd_fragments6);
	tcase_add_test(t, virtual_down);
	tcase_add_test(t, virtual_up);
	tcase_add_test(t, virtual_hairpin);
	tcase_add_test(t, full);
	tcase_add_test(t, full_refused);
	tcase_add_test(t, counted_before_the_table);
	tcase_add_test(t, least_memory);
	tcase_add_test(t, refused_fragments);
	tcase_add_test(t, df_fragments);
	tcase_add_test(t, fragmented_icmp);
	tcase_add_test(t, refused_first);
	tcase_add_test(t, binding_gone);
	tcase_add_test(t, binding_moved);
	tcase_add_test(t, sent_fragments);
	tcase_add_test(t, largest);
	tcase_add_test(t, fragment_of_fragments);
	tcase_add_test(t, congestion_of_fragments);
	tcase_add_test(t, order_in_a_burst);
	tcase_add_test(t, alarm);
	tcase_add_test(t, floods);
	suite_add_tcase(s, t);
	return test_main(s);
}
