/* The examples of data-plane.md section 1, byte for byte, with every counter that moves. */
#include "aftr_rig.h"

#define V4 LW4O6_SIDE_IPV4
#define V6 LW4O6_SIDE_IPV6

/* V1: D-048, D-057, D-067, D-069, D-072, D-073, D-084, D-204. */
START_TEST(out_and_back)
{
	struct rig *r = rig_new(NULL);

	ck_assert_int_eq(rig_send(r, V6, "V1b"), LW4O6_VERDICT_EMIT4);
	rig_expect(r, V4, "V1c");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
	ck_assert_int_eq(rig_send(r, V4, "V1d"), LW4O6_VERDICT_EMIT6);
	rig_expect(r, V6, "V1e");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");

	const struct lw4o6_counters *c = lw4o6_aftr_counters(r->a);
	ck_assert_uint_eq(c->octets[LW4O6_CNT_RCVD_IPV6], 76);
	ck_assert_uint_eq(c->octets[LW4O6_CNT_SENT_IPV4], 36);
	ck_assert_uint_eq(c->octets[LW4O6_CNT_RCVD_IPV4], 36);
	ck_assert_uint_eq(c->octets[LW4O6_CNT_SENT_IPV6], 76);

	struct lw4o6_aftr_softwire sw;
	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 53300, r->now, &sw));
	ck_assert(sw.rcvd_ipv4 == 1 && sw.rcvd_ipv4_bytes == 36 && sw.sent_ipv6 == 1 && sw.sent_ipv6_bytes == 76);
	ck_assert(sw.rcvd_ipv6 == 1 && sw.rcvd_ipv6_bytes == 76 && sw.sent_ipv4 == 1 && sw.sent_ipv4_bytes == 36);
	ck_assert_uint_eq(sw.tunnel_mtu, 1460);
	rig_free(r);
}
END_TEST

/* V2, V8c: D-097, D-098, D-100 to D-102, D-109. */
START_TEST(inbound_icmp)
{
	struct rig *r = rig_new(NULL);
	uint8_t p[200], want[200];

	rig_send(r, V4, "V2a");
	rig_expect(r, V6, "V2b");
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1");
	for (unsigned i = 0; i < 3; i++) {
		const char *const names[] = { "V2d", "V2e", "V8c" };
		size_t len = rig_vector(p, names[i]);

		rig_give(r, V4, p, len);
		rig_vector(want, "V1e");
		memcpy(want + 40, p, len);
		want[4] = 0;
		want[5] = (uint8_t)len;
		want[40 + 8]--;
		rig_fix4(want + 40);
		rig_expect_octets(r, V6, want, 40 + len);
	}
	rig_counted(r, "rcvd-ipv4=3 sent-ipv6=3");

	size_t len = rig_vector(p, "V8c"); /* an echo request with an identifier of B */
	p[20] = 8;
	p[24] = 0xd4;
	p[25] = 0;
	rig_fix_icmp4(p);
	rig_give(r, V4, p, len);
	ck_assert_uint_eq(r->n_out, 5);
	struct in6_addr b = rig_a6(RIG_B4B);
	ck_assert(memcmp(r->out[4].data + 24, &b, 16) == 0);
	rig_free(r);
}
END_TEST

/* V3: D-077, D-115, D-117, D-121 to D-125. */
START_TEST(too_big)
{
	struct rig *r = rig_new(NULL);

	ck_assert_int_eq(rig_send(r, V4, "V3a"), LW4O6_VERDICT_DROP);
	rig_expect(r, V4, "V3b");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-mtu-df=1 out-icmpv4-error=1 icmp4-out-3-4=1");
	rig_free(r);
}
END_TEST

/* V4: D-078, D-161, D-168, D-171, D-172; the last fragment arrives first. */
START_TEST(fragments_virtual)
{
	struct rig *r = rig_new(NULL);

	ck_assert_int_eq(rig_send(r, V4, "V4b"), LW4O6_VERDICT_HELD);
	rig_nothing(r);
	ck_assert_int_eq(rig_send(r, V4, "V4a"), LW4O6_VERDICT_OUTQ);
	rig_expect(r, V6, "V4c1");
	rig_expect(r, V6, "V4c2");
	rig_expect(r, V6, "V4d");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=2 sent-ipv6=3 frag4-in=2 frag4-virtual-done=1 frag6-out-packets=1 frag6-out-fragments=2");
	rig_free(r);
}
END_TEST

/* V4e: D-173, D-174. */
START_TEST(fragments_full)
{
	struct lw4o6_aftr_config c = rig_config();
	c.frag4_mode = LW4O6_FRAG4_FULL;
	c.frag6_first_id = 0x1d2c3b4b;
	struct rig *r = rig_new(&c);

	ck_assert_int_eq(rig_send(r, V4, "V4b"), LW4O6_VERDICT_HELD);
	ck_assert_int_eq(rig_send(r, V4, "V4a"), LW4O6_VERDICT_OUTQ);
	rig_expect(r, V6, "V4e1");
	rig_expect(r, V6, "V4e2");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=2 sent-ipv6=2 frag4-in=2 frag4-full-done=1 frag6-out-packets=1 frag6-out-fragments=2");
	rig_free(r);
}
END_TEST

/* V5: D-086, D-089, D-093. */
START_TEST(hairpin)
{
	struct rig *r = rig_new(NULL);

	ck_assert_int_eq(rig_send(r, V6, "V5a"), LW4O6_VERDICT_EMIT6);
	rig_expect(r, V6, "V5b");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv6=1 hairpin-ipv4=1");
	rig_free(r);
}
END_TEST

/* V6: D-060, D-061, D-120. */
START_TEST(foreign_port)
{
	struct rig *r = rig_new(NULL);

	ck_assert_int_eq(rig_send(r, V6, "V6a"), LW4O6_VERDICT_DROP);
	rig_expect(r, V6, "V6b");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	ck_assert_uint_eq(r->lines, 1);
	rig_free(r);
}
END_TEST

/* V7: D-135, D-189, D-193; the path MTU is in force afterwards. */
START_TEST(packet_too_big_relayed)
{
	struct lw4o6_aftr_config c = rig_config();
	c.link_mtu = 1540;
	struct rig *r = rig_new(&c);
	struct lw4o6_aftr_softwire sw;

	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 53300, r->now, &sw));
	ck_assert_uint_eq(sw.tunnel_mtu, 1500);
	ck_assert_int_eq(rig_send(r, V6, "V7a"), LW4O6_VERDICT_OUTQ);
	rig_expect(r, V4, "V7b");
	rig_nothing(r);
	rig_counted(r, "out-icmpv4-error=1 icmp4-out-3-4=1 icmp-relay-too-big=1 pmtu-decreased=1");
	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 53300, r->now, &sw));
	ck_assert_uint_eq(sw.tunnel_mtu, 1360);
	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 54300, r->now, &sw));
	ck_assert_uint_eq(sw.tunnel_mtu, 1500);
	rig_free(r);
}
END_TEST

/* V9: D-058; the quoted destination port is the customer's. */
START_TEST(customers_error)
{
	struct rig *r = rig_new(NULL);
	uint8_t p[200], want[200];
	size_t len = rig_vector(p, "V9a");

	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_EMIT4);
	memcpy(want, p + 40, len - 40);
	want[8]--;
	rig_fix4(want);
	rig_expect_octets(r, V4, want, len - 40);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");

	p[40 + 28 + 22] = 0xd4; /* quoted destination port 54300, B's */
	p[40 + 28 + 23] = 0x1c;
	rig_fix_icmp4(p + 40);
	ck_assert_int_eq(rig_give(r, V6, p, len), LW4O6_VERDICT_DROP);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-spoofed=1 icmp6-suppressed-forbidden=1");
	rig_free(r);
}
END_TEST

/* V10 through the data path: D-199, D-201. */
START_TEST(mss)
{
	struct lw4o6_aftr_config c = rig_config();
	c.mss_clamp = true;
	struct rig *r = rig_new(&c);
	uint8_t want[100];
	size_t len = rig_vector(want, "V10b");

	rig_send(r, V4, "V10a");
	want[8]--;
	rig_fix4(want);
	ck_assert_uint_eq(r->n_out, 1);
	ck_octets(r->out[0].data + 40, r->out[0].len - 40, want, len);
	rig_counted(r, "rcvd-ipv4=1 sent-ipv6=1 mss-clamped=1");
	rig_free(r);
}
END_TEST

/* V11: D-215. */
START_TEST(congestion)
{
	struct rig *r = rig_new(NULL);

	rig_send(r, V6, "V11a");
	rig_expect(r, V4, "V11b");
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 sent-ipv4=1");
	rig_free(r);
}
END_TEST

/* D-042: the same octets without headroom; D-043: the same again with the same seed. */
START_TEST(headroom_does_not_matter)
{
	static const struct { enum lw4o6_side side; const char *name; } in[] = {
		{ V6, "V1b" }, { V4, "V1d" }, { V4, "V4b" }, { V4, "V4a" }, { V6, "V5a" }, { V6, "V6a" },
		{ V4, "V3a" }, { V4, "V2a" }, { V6, "V9a" }, { V6, "V7a" },
	};
	struct rig *one = rig_new(NULL), *two = rig_new(NULL);

	two->headroom = 0;
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		rig_send(one, in[i].side, in[i].name);
		rig_send(two, in[i].side, in[i].name);
	}
	ck_assert_uint_eq(one->n_out, two->n_out);
	for (size_t i = 0; i < one->n_out; i++)
		rig_expect_octets(two, one->out[i].side, one->out[i].data, one->out[i].len);
	ck_assert(memcmp(lw4o6_aftr_counters(one->a), lw4o6_aftr_counters(two->a), sizeof(struct lw4o6_counters)) == 0);
	rig_free(one);
	rig_free(two);
}
END_TEST

/* A burst of 64 and 100 single packets of it do the same; V14's port sets are those of check_psid. */
START_TEST(bursts)
{
	enum { N = 100 };
	struct rig *r = rig_new(NULL);
	static uint8_t buf[N][200];
	struct lw4o6_pkt p[N];
	uint8_t want4[100], want6[100];

	rig_vector(want4, "V1c");
	rig_vector(want6, "V1e");
	for (unsigned i = 0; i < N; i++)
		p[i] = (struct lw4o6_pkt){ .data = buf[i] + 48, .len = rig_vector(buf[i] + 48, "V1b"), .headroom = 48 };
	ck_assert_uint_eq(lw4o6_aftr_run(r->a, V6, p, N, r->now), N);
	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(p[i].verdict, LW4O6_VERDICT_EMIT4);
		ck_octets(p[i].data, p[i].len, want4, 36);
	}
	for (unsigned i = 0; i < N; i++)
		p[i] = (struct lw4o6_pkt){ .data = buf[i] + 48, .len = rig_vector(buf[i] + 48, "V1d"), .headroom = 48 };
	ck_assert_uint_eq(lw4o6_aftr_run(r->a, V4, p, N, r->now), N);
	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(p[i].verdict, LW4O6_VERDICT_EMIT6);
		ck_octets(p[i].data, p[i].len, want6, 76);
	}
	rig_counted(r, "rcvd-ipv6=100 sent-ipv4=100 rcvd-ipv4=100 sent-ipv6=100");
	rig_free(r);
}
END_TEST

/* A full output queue stops the burst; nothing is counted twice. */
START_TEST(queue_full)
{
	enum { N = 64 };
	struct lw4o6_aftr_config c = rig_config();
	c.outq_size = 512 * 1024;
	c.ipv4_mtu = 65535;
	struct rig *r = rig_new(&c);
	static uint8_t buf[N][20100];
	struct lw4o6_pkt p[N];
	struct lw4o6_out out;
	size_t done = 0, fragments = 0, rounds = 0;

	for (unsigned i = 0; i < N; i++) {
		uint8_t *d = buf[i] + 48;

		rig_vector(d, "V1d");
		d[2] = 20000 >> 8;
		d[3] = 20000 & 255;
		d[6] = 0;
		rig_fix4(d);
		p[i] = (struct lw4o6_pkt){ .data = d, .len = 20000, .headroom = 48 };
	}
	while (done < N) {
		size_t n = lw4o6_aftr_run(r->a, V4, p + done, N - done, r->now);

		ck_assert_uint_gt(n, 0);
		done += n;
		rounds++;
		while (lw4o6_aftr_next_out(r->a, &out))
			fragments++;
	}
	ck_assert_uint_gt(rounds, 1);
	ck_assert_uint_eq(fragments, N * 14); /* 20000 octets in pieces of 1448 */
	rig_counted(r, "rcvd-ipv4=64 sent-ipv6=896 frag6-out-packets=64 frag6-out-fragments=896");
	rig_free(r);
}
END_TEST

/* Section 9 no. 4: every octet of every example changed in five ways: one verdict, and counters that add up (D-041). */
START_TEST(every_octet)
{
	static uint8_t orig[RIG_PKT], p[RIG_PKT];
	struct rig *r = rig_new(NULL);
	const struct lw4o6_counters *c = lw4o6_aftr_counters(r->a);
	uint64_t given[2] = { 0 }, drops[2] = { 0 };

	for (size_t v = (size_t)_i; v < sizeof(dataplane) / sizeof(dataplane[0]); v += 8) {
		size_t len = rig_vector(orig, dataplane[v].name);

		for (size_t at = 0; at < len && at < 120; at++) {
			static const uint8_t change[5] = { 0x01, 0x80, 0xff, 0x0f, 0x40 };

			for (unsigned k = 0; k < 5; k++) {
				memcpy(p, orig, len);
				p[at] ^= change[k];
				if (k % 2 && p[0] >> 4 == 4 && (p[0] & 15u) * 4u <= len && (p[0] & 15u) >= 5)
					rig_fix4(p);
				enum lw4o6_side side = orig[0] >> 4 == 6 ? V6 : V4;
				enum lw4o6_verdict verdict = rig_give(r, side, p, len);

				given[side == V6]++;
				drops[side == V6] += verdict == LW4O6_VERDICT_DROP;
				r->now += LW4O6_SEC / 100;
				rig_clear(r);
			}
		}
	}

	uint64_t reasons = 0, timeouts = c->packets[LW4O6_CNT_DROP_FRAG4_TIMEOUT] + c->packets[LW4O6_CNT_DROP_FRAG6_TIMEOUT];
	for (unsigned i = LW4O6_CNT_DROP_V6_NOT_IPV6; i < LW4O6_CNT_B4_DROP_NOT_AFTR; i++)
		if (strncmp(lw4o6_counter_name((enum lw4o6_counter)i), "drop-", 5) == 0)
			reasons += c->packets[i];
	ck_assert_uint_eq(reasons, c->packets[LW4O6_CNT_DROPPED_IPV4] + c->packets[LW4O6_CNT_DROPPED_IPV6]);
	ck_assert_uint_ge(reasons, drops[0] + drops[1]);
	ck_assert_uint_gt(drops[0] + drops[1] + timeouts, 0);
	ck_assert_uint_le(c->packets[LW4O6_CNT_RCVD_IPV4], given[0]);
	ck_assert_uint_eq(c->packets[LW4O6_CNT_RCVD_IPV4] + c->packets[LW4O6_CNT_DROP_V4_NOT_IPV4], given[0]);
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aftr");
	TCase *t = tcase_create("examples");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_test(t, out_and_back);
	tcase_add_test(t, inbound_icmp);
	tcase_add_test(t, too_big);
	tcase_add_test(t, fragments_virtual);
	tcase_add_test(t, fragments_full);
	tcase_add_test(t, hairpin);
	tcase_add_test(t, foreign_port);
	tcase_add_test(t, packet_too_big_relayed);
	tcase_add_test(t, customers_error);
	tcase_add_test(t, mss);
	tcase_add_test(t, congestion);
	tcase_add_test(t, headroom_does_not_matter);
	tcase_add_test(t, bursts);
	tcase_add_test(t, queue_full);
	tcase_add_loop_test(t, every_octet, 0, 8);
	suite_add_tcase(s, t);
	return test_main(s);
}
