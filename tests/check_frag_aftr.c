/* Fragments through the whole AFTR: what the tables of lib/frag*.c and the data path do together. */
#include "aftr_rig.h"

#include <lw4o6/frag.h>

#define V4 LW4O6_SIDE_IPV4
#define V6 LW4O6_SIDE_IPV6

enum { PIECES = 8 };

/* A packet and its fragments. */
struct cut {
	uint8_t whole[10000], piece[PIECES][1600];
	size_t len[PIECES];
	int n;
};

static void cut4(struct cut *c, size_t len, size_t mtu)
{
	struct lw4o6_frag4_cut cut;

	c->whole[6] = 0; /* DF */
	rig_fix4(c->whole);
	c->n = lw4o6_frag4_cut_init(&cut, c->whole, len, mtu);
	ck_assert(c->n >= 2 && c->n <= PIECES);
	for (int i = 0; i < c->n; i++)
		c->len[i] = (size_t)lw4o6_frag4_cut_next(&cut, c->piece[i], mtu);
}

static void cut6(struct cut *c, size_t len, size_t mtu, uint32_t id)
{
	struct lw4o6_frag6_cut cut;

	c->n = lw4o6_frag6_cut_init(&cut, c->whole, len, mtu, id);
	ck_assert(c->n >= 2 && c->n <= PIECES);
	for (int i = 0; i < c->n; i++)
		c->len[i] = (size_t)lw4o6_frag6_cut_next(&cut, c->piece[i], mtu);
}

static void wrap_all(struct cut *c, const char *b4)
{
	for (int i = 0; i < c->n; i++)
		c->len[i] = rig_wrap(c->piece[i], b4, 4, c->len[i]);
}

static enum lw4o6_verdict give(struct rig *r, enum lw4o6_side side, const struct cut *c, int i)
{
	return rig_give(r, side, c->piece[i], c->len[i]);
}

/* The next packet out is the inner packet @p want, one hop further; behind a tunnel header to @p b4 when there is one. */
static void expect_inner(struct rig *r, const uint8_t *want, size_t len, const char *b4)
{
	uint8_t copy[1600];

	memcpy(copy, want, len);
	copy[8]--;
	rig_fix4(copy);
	ck_assert_uint_lt(r->seen, r->n_out);
	if (b4) {
		struct in6_addr to = rig_a6(b4);

		ck_assert_int_eq(r->out[r->seen].side, V6);
		ck_octets(r->out[r->seen].data + 24, 16, &to, 16);
		ck_octets(r->out[r->seen].data + 40, r->out[r->seen].len - 40, copy, len);
	} else {
		ck_assert_int_eq(r->out[r->seen].side, V4);
		ck_octets(r->out[r->seen].data, r->out[r->seen].len, copy, len);
	}
	r->seen++;
}

static struct lw4o6_aftr_gauges gauges(struct rig *r)
{
	struct lw4o6_aftr_gauges g;

	lw4o6_aftr_gauges(r->a, &g, r->now);
	return g;
}

/* D-168, D-174: inner fragments out of a softwire, in every order of three; the first leaves first. */
START_TEST(out_of_a_softwire)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct rig *r = rig_new(NULL);
	struct cut c;

	cut4(&c, rig_udp(c.whole, "192.0.2.18", 53250, "198.51.100.7", 5001, 2000), 900);
	ck_assert_int_eq(c.n, 3);
	wrap_all(&c, RIG_B4A);
	for (int i = 0; i < 3; i++)
		(void)give(r, V6, &c, orders[_i][i]);
	ck_assert_uint_eq(r->n_out, 3);
	expect_inner(r, c.piece[0] + 40, c.len[0] - 40, NULL);
	for (size_t i = 1; i < 3; i++) {
		bool second = (r->out[i].data[6] & 0x20) != 0;

		expect_inner(r, c.piece[second ? 1 : 2] + 40, c.len[second ? 1 : 2] - 40, NULL);
	}
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=3 sent-ipv4=3 frag4-in=3 frag4-virtual-done=1");
	ck_assert_uint_eq(gauges(r).frag4_contexts, 0);
	rig_free(r);
}
END_TEST

/* D-176, D-060, D-062: the first one uses a port of B: 1/5 for it alone; what waited and what follows goes in silence. */
START_TEST(refused_softwire)
{
	struct rig *r = rig_new(NULL);
	struct cut c;

	cut4(&c, rig_udp(c.whole, "192.0.2.18", 54300, "198.51.100.7", 5001, 2000), 900);
	wrap_all(&c, RIG_B4A);
	ck_assert_int_eq(give(r, V6, &c, 1), LW4O6_VERDICT_HELD);
	ck_assert_int_eq(give(r, V6, &c, 0), LW4O6_VERDICT_DROP);
	ck_assert_uint_eq(r->n_out, 1);
	ck_assert(r->out[0].data[40] == 1 && r->out[0].data[41] == 5);
	ck_assert_int_eq(give(r, V6, &c, 2), LW4O6_VERDICT_DROP);
	ck_assert_uint_eq(r->n_out, 1);
	rig_counted(r, "rcvd-ipv6=3 drop-v6-spoofed=1 drop-frag4-unbound=2 dropped-ipv4-fragments=2 frag4-in=3"
	               " out-icmpv6-error=1 icmp6-out-1-5=1");
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROPPED_IPV6], 3);
	rig_free(r);
}
END_TEST

/* D-176 towards a softwire: no entry for the port, 3/1 for the first alone. */
START_TEST(refused_internet)
{
	struct rig *r = rig_new(NULL);
	struct cut c;

	cut4(&c, rig_udp(c.whole, "198.51.100.7", 5001, "192.0.2.18", 1000, 2000), 900);
	ck_assert_int_eq(give(r, V4, &c, 2), LW4O6_VERDICT_HELD);
	ck_assert_int_eq(give(r, V4, &c, 0), LW4O6_VERDICT_DROP);
	ck_assert_int_eq(give(r, V4, &c, 1), LW4O6_VERDICT_DROP);
	ck_assert_uint_eq(r->n_out, 1);
	rig_counted(r, "rcvd-ipv4=3 drop-v4-port-unbound=1 drop-frag4-unbound=2 dropped-ipv4-fragments=2 frag4-in=3"
	               " out-icmpv4-error=1 icmp4-out-3-1=1");
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROPPED_IPV4], 3);
	rig_free(r);
}
END_TEST

/* D-088, D-170: fragments from A to B through the hairpin, in order and last first. */
START_TEST(hairpin)
{
	struct rig *r = rig_new(NULL);
	struct cut c;

	cut4(&c, rig_udp(c.whole, "192.0.2.18", 53250, "192.0.2.18", 54300, 1200), 900);
	wrap_all(&c, RIG_B4A);
	(void)give(r, V6, &c, _i);
	(void)give(r, V6, &c, 1 - _i);
	ck_assert_uint_eq(r->n_out, 2);
	for (int i = 0; i < 2; i++)
		expect_inner(r, c.piece[i] + 40, c.len[i] - 40, RIG_B4B);
	rig_nothing(r);
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_HAIRPIN_IPV4], 2);
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROPPED_IPV6], 0);
	rig_free(r);
}
END_TEST

/* D-181, D-182: fragments with DF larger than the tunnel MTU: 3/4 for the first one, silence for the other; small ones pass. */
START_TEST(too_big_with_df)
{
	struct rig *r = rig_new(NULL);
	struct cut c;

	cut4(&c, rig_udp(c.whole, "198.51.100.7", 5001, "192.0.2.18", 53400, 3500), 1500);
	ck_assert_int_eq(c.n, 3);
	for (int i = 0; i < 3; i++) {
		c.piece[i][6] |= 0x40;
		rig_fix4(c.piece[i]);
	}
	ck_assert_int_eq(give(r, V4, &c, 0), LW4O6_VERDICT_DROP);
	ck_assert_uint_eq(r->n_out, 1);
	ck_assert(r->out[0].data[20] == 3 && r->out[0].data[21] == 4);
	ck_assert_int_eq(give(r, V4, &c, 1), LW4O6_VERDICT_DROP);
	ck_assert_uint_eq(r->n_out, 1);
	r->seen = 1;
	(void)give(r, V4, &c, 2);
	expect_inner(r, c.piece[2], c.len[2], RIG_B4A);
	rig_nothing(r);
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROP_V4_MTU_DF], 2);
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_ICMP4_OUT_3_4], 1);
	rig_free(r);
}
END_TEST

/* D-185: nothing is held for an address that nobody has. */
START_TEST(not_managed)
{
	struct rig *r = rig_new(NULL);
	struct cut c;

	cut4(&c, rig_udp(c.whole, "198.51.100.7", 5001, "192.0.2.77", 53400, 1200), 900);
	ck_assert_int_eq(give(r, V4, &c, 1), LW4O6_VERDICT_DROP);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-address-unbound=1 icmp4-suppressed-forbidden=1");
	rig_nothing(r);
	ck_assert_uint_eq(gauges(r).frag4_contexts, 0);
	rig_free(r);
}
END_TEST

/* D-110: an echo reply in fragments; the identifier in the first one chooses the softwire. */
START_TEST(echo_reply)
{
	struct rig *r = rig_new(NULL);
	struct cut c;
	uint8_t l4[1300] = { 0, 0, 0, 0, 0xd0, 0x04, 0, 1 };

	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, l4, sizeof(l4)));
	l4[2] = (uint8_t)(sum >> 8);
	l4[3] = (uint8_t)sum;
	cut4(&c, rig_ip4(c.whole, "198.51.100.7", "192.0.2.18", 1, l4, sizeof(l4)), 900);
	ck_assert_int_eq(give(r, V4, &c, 1), LW4O6_VERDICT_HELD);
	(void)give(r, V4, &c, 0);
	expect_inner(r, c.piece[0], c.len[0], RIG_B4A);
	expect_inner(r, c.piece[1], c.len[1], RIG_B4A);
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-147, D-165: IPv6 fragments of a B4 become one packet; those of nobody are not kept. */
START_TEST(tunnel_fragments)
{
	struct rig *r = rig_new(NULL);
	struct cut c;
	size_t inner = rig_udp(c.whole, "192.0.2.18", 53250, "198.51.100.7", 5001, 1400);
	uint8_t want[1600];

	memcpy(want, c.whole, inner);
	cut6(&c, rig_wrap(c.whole, RIG_B4A, 4, inner), 1280, 77);
	ck_assert_int_eq(give(r, V6, &c, 1), LW4O6_VERDICT_HELD);
	ck_assert_uint_eq(gauges(r).frag6_contexts, 1);
	(void)give(r, V6, &c, 0);
	expect_inner(r, want, inner, NULL);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=2 sent-ipv4=1 frag6-in=2 ipv6-fragments-reassembled=2");

	for (unsigned i = 0; i < 500; i++) {
		c.piece[0][23] = (uint8_t)i;
		c.piece[0][22] = (uint8_t)(0x80 | i >> 8);
		ck_assert_int_eq(give(r, V6, &c, 0), LW4O6_VERDICT_DROP);
	}
	rig_counted(r, "rcvd-ipv6=500 frag6-in=500 drop-frag6-no-binding=500");
	rig_nothing(r);
	ck_assert(gauges(r).frag6_contexts == 0 && gauges(r).frag6_memory == 0);
	rig_free(r);
}
END_TEST

/* D-151, D-155 to D-157: the ICMPv6 errors that go back through the tunnel's network. */
START_TEST(tunnel_fragment_errors)
{
	struct rig *r = rig_new(NULL);
	struct cut c;
	size_t inner = rig_udp(c.whole, "192.0.2.18", 53250, "198.51.100.7", 5001, 1400);
	uint8_t bad[1600];

	cut6(&c, rig_wrap(c.whole, RIG_B4A, 4, inner), 1280, 77);
	memcpy(bad, c.piece[0], c.len[0]);
	bad[4] = 0;
	bad[5] = 8 + 33; /* M and 33 octets */
	ck_assert_int_eq(rig_give(r, V6, bad, 40 + 8 + 33), LW4O6_VERDICT_DROP);
	ck_assert(r->out[0].data[40] == 4 && r->out[0].data[41] == 0 && r->out[0].data[47] == 4);
	bad[5] = 8 + 16; /* not all of the inner header */
	ck_assert_int_eq(rig_give(r, V6, bad, 40 + 8 + 16), LW4O6_VERDICT_DROP);
	ck_assert(r->out[1].data[40] == 4 && r->out[1].data[41] == 3 && r->out[1].data[47] == 0);
	bad[42] = 0xff;
	bad[43] = 0xf9; /* 65528, M */
	ck_assert_int_eq(rig_give(r, V6, bad, 40 + 8 + 16), LW4O6_VERDICT_DROP);
	ck_assert(r->out[2].data[40] == 4 && r->out[2].data[41] == 0 && r->out[2].data[47] == 42);
	ck_assert_int_eq(give(r, V6, &c, 0), LW4O6_VERDICT_HELD);

	lw4o6_aftr_tick(r->a, r->now + 59900 * LW4O6_MSEC);
	rig_drain(r);
	ck_assert_uint_eq(r->n_out, 3);
	ck_assert_uint_eq(lw4o6_aftr_expiry(r->a), r->now + 60 * LW4O6_SEC);
	r->now += 60 * LW4O6_SEC;
	lw4o6_aftr_tick(r->a, r->now);
	rig_drain(r);
	ck_assert_uint_eq(r->n_out, 4);
	ck_assert(r->out[3].data[40] == 3 && r->out[3].data[41] == 1);
	ck_octets(r->out[3].data + 48, r->out[3].len - 48, c.piece[0], 1280 - 48);
	rig_counted(r, "rcvd-ipv6=4 frag6-in=4 drop-frag6-bad-length=2 drop-frag6-header-chain=1 drop-frag6-timeout=1"
	               " out-icmpv6-error=4 icmp6-out-4-0=2 icmp6-out-4-3=1 icmp6-out-3-1=1");
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROPPED_IPV6], 4);
	rig_clear(r);
	rig_free(r);
}
END_TEST

/* D-027: what a softwire had under way is gone with it, of both families and both directions. */
START_TEST(softwire_gone)
{
	struct rig *r = rig_new(NULL);
	struct cut c, down, up;
	struct in6_addr a = rig_a6(RIG_B4A);

	cut6(&c, rig_wrap(c.whole, RIG_B4A, 4, rig_udp(c.whole, "192.0.2.18", 53250, "198.51.100.7", 5001, 1400)), 1280, 7);
	cut4(&down, rig_udp(down.whole, "198.51.100.7", 5001, "192.0.2.18", 53400, 1200), 900);
	cut4(&up, rig_udp(up.whole, "192.0.2.18", 53250, "198.51.100.7", 5001, 1200), 900);
	wrap_all(&up, RIG_B4A);
	ck_assert_int_eq(give(r, V6, &c, 0), LW4O6_VERDICT_HELD);
	(void)give(r, V4, &down, 0);
	ck_assert_int_eq(give(r, V6, &up, 1), LW4O6_VERDICT_HELD);
	rig_clear(r);
	ck_assert(gauges(r).frag6_contexts == 1 && gauges(r).frag4_contexts == 2);
	lw4o6_aftr_softwire_gone(r->a, &a);
	ck_assert(gauges(r).frag6_contexts == 0 && gauges(r).frag4_contexts == 0);
	ck_assert_int_eq(give(r, V6, &c, 1), LW4O6_VERDICT_HELD);
	ck_assert_int_eq(give(r, V4, &down, 1), LW4O6_VERDICT_HELD);
	rig_nothing(r);
	rig_free(r);
}
END_TEST

/* D-184, D-131, section 7: unique identifications at a full table: silence, bounded memory, and no loss of whole packets. */
START_TEST(flood)
{
	struct rig *r = rig_new(NULL);
	struct cut c;
	uint8_t whole[200];
	size_t len = rig_udp(whole, "198.51.100.7", 5001, "192.0.2.18", 53400, 100);
	uint64_t sent = 0;

	cut4(&c, rig_udp(c.whole, "203.0.113.50", 5001, "192.0.2.18", 53400, 1200), 900);
	for (unsigned i = 0; i < 4000; i++) {
		c.piece[1][4] = (uint8_t)(i >> 8);
		c.piece[1][5] = (uint8_t)i;
		c.piece[1][14] = (uint8_t)(i % 9);
		c.piece[1][19] = 18;
		rig_fix4(c.piece[1]);
		(void)give(r, V4, &c, 1);
		sent += rig_give(r, V4, whole, len) == LW4O6_VERDICT_EMIT6;
		ck_assert_uint_eq(r->n_out, 1);
		rig_clear(r);
	}
	ck_assert_uint_eq(sent, 4000);
	ck_assert_uint_le(gauges(r).frag4_contexts, 256);
	ck_assert_uint_le(gauges(r).frag4_memory, 1 << 20);
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_OUT_ICMPV4_ERROR], 0);
	ck_assert_uint_gt(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE], 3000);
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag_aftr");
	TCase *tc = tcase_create("frag_aftr");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, out_of_a_softwire, 0, 6);
	tcase_add_test(tc, refused_softwire);
	tcase_add_test(tc, refused_internet);
	tcase_add_loop_test(tc, hairpin, 0, 2);
	tcase_add_test(tc, too_big_with_df);
	tcase_add_test(tc, not_managed);
	tcase_add_test(tc, echo_reply);
	tcase_add_test(tc, tunnel_fragments);
	tcase_add_test(tc, tunnel_fragment_errors);
	tcase_add_test(tc, softwire_gone);
	tcase_add_test(tc, flood);
	suite_add_tcase(s, tc);
	return test_main(s);
}
