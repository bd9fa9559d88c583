/* Fragments at the B4, both ways and both families (3.10, 3.11, 3.23). */
#include "b4_kit.h"

enum { DATA = 2000 };

/* The UDP datagram of V4 from @src to @dst in pieces of @size octets. */
struct train {
	unsigned n;
	uint8_t p[8][1600];
	size_t len[8];
	uint8_t udp[8 + DATA];
};

static void mk_train(struct train *t, const char *src, unsigned sport, const char *dst, unsigned dport, unsigned id,
                     size_t size)
{
	uint8_t whole[28 + DATA];

	mk_udp(whole, src, sport, dst, dport, DATA);
	memcpy(t->udp, whole + 20, sizeof(t->udp));
	t->n = 0;
	for (size_t off = 0; off < sizeof(t->udp); off += size) {
		size_t len = sizeof(t->udp) - off < size ? sizeof(t->udp) - off : size;
		uint8_t *p = t->p[t->n];

		mk_ip(p, 17, src, dst, len);
		be16(p + 4, id);
		be16(p + 6, (unsigned)(off / 8) | (off + len < sizeof(t->udp) ? 0x2000u : 0));
		fix_ip(p);
		memcpy(p + 20, t->udp + off, len);
		t->len[t->n++] = 20 + len;
	}
}

/* Collects IPv4 fragments of one datagram. */
struct sink {
	uint8_t l4[4096];
	size_t have, end;
	unsigned pieces, id, first_off;
	struct in_addr src, dst;
};

static void sink_add(struct sink *s, const uint8_t *p, size_t len)
{
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
	ck_assert_uint_eq(h.total, len);
	ck_assert_uint_le(h.frag_off + len, sizeof(s->l4));
	if (s->pieces++ == 0) {
		s->id = h.id;
		s->first_off = h.frag_off;
	}
	ck_assert_uint_eq(h.id, s->id);
	s->src = h.src;
	s->dst = h.dst;
	memcpy(s->l4 + h.frag_off, p + h.hlen, len - h.hlen);
	s->have += len - h.hlen;
	if (!h.mf)
		s->end = h.frag_off + len - h.hlen;
}

/* The datagram is whole, its UDP checksum right. */
static void sink_check(const struct sink *s)
{
	ck_assert_uint_eq(s->have, 8 + DATA);
	ck_assert_uint_eq(s->end, 8 + DATA);
	uint32_t sum = lw4o6_cksum_pseudo4(s->src, s->dst, 8 + DATA, 17);
	ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(sum, s->l4, 8 + DATA)), 0);
}

/* The @i-th permutation of @n things. */
static void permutation(unsigned i, unsigned n, unsigned *order)
{
	unsigned left[8];

	for (unsigned j = 0; j < n; j++)
		left[j] = j;
	for (unsigned j = 0; j < n; j++) {
		unsigned pick = i % (n - j);

		i /= n - j;
		order[j] = left[pick];
		for (unsigned m = pick; m + 1 < n - j; m++)
			left[m] = left[m + 1];
	}
}

static void collect(struct sink *s, const struct kit *k, enum lw4o6_side side)
{
	for (unsigned i = 0; i < k->n; i++) {
		ck_assert_int_eq(k->out[i].side, side);
		if (side == LW4O6_SIDE_IPV6) {
			ck_assert_uint_eq(k->out[i].data[6], 4);
			sink_add(s, k->out[i].data + 40, k->out[i].len - 40);
		} else {
			sink_add(s, k->out[i].data, k->out[i].len);
		}
	}
}

/* D-168, D-172, D-174, D-251, D-305, D-306: five pieces in all 120 orders, both ways. The first one leaves first. */
START_TEST(any_order)
{
	struct kit *k = kit_start(kit_new());
	struct train *t = malloc(sizeof(*t));
	uint16_t port = open_udp(k, LAN, 5000, SERVER, 80);
	static struct sink s;

	for (unsigned i = 0; i < 120; i++) {
		unsigned order[8];

		permutation(i, 5, order);
		for (int dir = 0; dir < 2; dir++) {
			if (dir == 0)
				mk_train(t, LAN, 5000, SERVER, 80, 7 + i, 408);
			else
				mk_train(t, SERVER, 80, PUBLIC, port, 7 + i, 408);
			ck_assert_uint_eq(t->n, 5);
			memset(&s, 0, sizeof(s));
			for (unsigned j = 0; j < 5; j++) {
				(dir == 0 ? lan : tun)(k, t->p[order[j]], t->len[order[j]]);
				collect(&s, k, dir == 0 ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4);
			}
			ck_assert_uint_eq(s.pieces, 5);
			ck_assert_uint_eq(s.first_off, 0);
			sink_check(&s);
			if (dir == 0)
				ck_assert_uint_eq(get16(s.l4), port);
			else
				ck_assert_uint_eq(get16(s.l4 + 2), 5000);
			ck_assert_uint_eq((dir == 0 ? s.src : s.dst).s_addr, (dir == 0 ? ip4(PUBLIC) : ip4(LAN)).s_addr);
			if (dir == 1)
				ck_assert_uint_eq(s.id, 7 + i);
		}
	}
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_FRAG4_VIRTUAL_DONE), 240);
	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.frag4_contexts, 0);
	free(t);
	kit_free(k);
}
END_TEST

/* D-170, D-305, D-306: two hosts, the same identification, interleaved: different ones outside. */
START_TEST(same_identification)
{
	struct kit *k = kit_start(kit_new());
	struct train *t[2] = { malloc(sizeof(*t[0])), malloc(sizeof(*t[1])) };
	static struct sink s[2];

	memset(s, 0, sizeof(s));
	mk_train(t[0], LAN, 5000, SERVER, 80, 77, 1000);
	mk_train(t[1], LAN2, 5000, SERVER, 80, 77, 1000);
	for (unsigned i = 0; i < t[0]->n; i++) {
		for (int h = 0; h < 2; h++) {
			lan(k, t[h]->p[i], t[h]->len[i]);
			collect(&s[h], k, LW4O6_SIDE_IPV6);
		}
	}
	sink_check(&s[0]);
	sink_check(&s[1]);
	ck_assert_uint_ne(s[0].id, s[1].id);
	ck_assert_uint_ne(get16(s[0].l4), get16(s[1].l4));
	free(t[0]);
	free(t[1]);
	kit_free(k);
}
END_TEST

/* D-324 in pieces: between two LAN hosts. */
START_TEST(hairpin)
{
	struct kit *k = kit_start(kit_new());
	struct train *t = malloc(sizeof(*t));
	static struct sink s;

	memset(&s, 0, sizeof(s));
	kit_forward(k, 17, 53300, LAN2, 6000);
	mk_train(t, LAN, 5000, PUBLIC, 53300, 7, 1000);
	for (unsigned i = t->n; i-- > 0;) {
		lan(k, t->p[i], t->len[i]);
		collect(&s, k, LW4O6_SIDE_IPV4);
	}
	sink_check(&s);
	ck_assert_uint_eq(s.dst.s_addr, ip4(LAN2).s_addr);
	ck_assert_uint_eq(get16(s.l4 + 2), 6000);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_SENT_IPV6), 0);
	free(t);
	kit_free(k);
}
END_TEST

/* D-174: in one burst, what follows the fragments of a flow does not overtake them, in either direction. */
START_TEST(burst_order)
{
	static uint8_t buf[4][ROOM + 3000];
	struct kit *k = kit_start(kit_new());
	struct train *t = malloc(sizeof(*t));
	uint16_t port = open_udp(k, LAN, 5000, SERVER, 80);
	struct lw4o6_pkt pkts[4];
	uint8_t p[64];

	for (int up = 0; up < 2; up++) {
		enum lw4o6_side in = up ? LW4O6_SIDE_IPV4 : LW4O6_SIDE_IPV6;
		size_t len, head = up ? 40 : 0;

		if (up) {
			mk_train(t, LAN, 5000, SERVER, 80, 7, 1000);
			len = mk_udp(p, LAN, 5000, SERVER, 80, 4);
		} else {
			mk_train(t, SERVER, 80, PUBLIC, port, 7, 1000);
			len = mk_udp(p, SERVER, 80, PUBLIC, port, 4);
		}
		ck_assert_uint_ge(t->n, 2);
		for (unsigned i = 0; i < 4; i++) {
			bool piece = i == 1 || i == 2;
			const uint8_t *inner = piece ? t->p[i - 1] : p;
			size_t n = piece ? t->len[i - 1] : len;

			if (up)
				memcpy(buf[i] + ROOM, inner, n);
			else
				n = mk_tunnel(buf[i] + ROOM, inner, n);
			pkts[i] = (struct lw4o6_pkt){ .data = buf[i] + ROOM, .len = n, .headroom = ROOM,
				                      .tailroom = 3000 - n };
		}
		kit_clear(k);
		ck_assert_uint_eq(lw4o6_b4_run(k->b, in, pkts, 4, k->now), 4);
		ck_assert_int_eq(pkts[0].verdict, up ? LW4O6_VERDICT_EMIT6 : LW4O6_VERDICT_EMIT4);
		for (unsigned i = 1; i < 4; i++)
			ck_assert_int_eq(pkts[i].verdict, LW4O6_VERDICT_OUTQ);
		kit_drain(k);
		ck_assert_uint_eq(k->n, 3);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_uint_eq(k->out[i].len, head + t->len[i]);
		ck_assert_uint_eq(k->out[2].len, head + len);
		ck_assert_int_eq(k->out[2].side, up ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4);
		ck_sums(k->out[2].data + head, len);
	}
	free(t);
	kit_free(k);
}
END_TEST

/* D-171, D-173: full reassembly gives one packet, cut again for the tunnel; with drop nothing passes. */
START_TEST(modes)
{
	struct train *t = malloc(sizeof(*t));

	for (unsigned mode = 1; mode < 3; mode++) {
		struct kit *k = kit_new();

		k->cfg.frag4_mode = (uint8_t)mode;
		kit_start(k);
		uint16_t port = open_udp(k, LAN, 5000, SERVER, 80);
		mk_train(t, LAN, 5000, SERVER, 80, 7, 1000);
		for (unsigned i = t->n; i-- > 0;)
			lan(k, t->p[i], t->len[i]);
		if (mode == LW4O6_B4_FRAG4_DROP) {
			ck_dropped(k, LW4O6_CNT_DROP_FRAG4_DISABLED);
			ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROPPED_IPV4_FRAGMENT), 3);
		} else {
			ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_OUTQ);
			ck_assert_uint_eq(k->n, 2); /* IPv6 fragments of one inner packet */
			ck_assert_uint_eq(k->out[0].data[6], 44);
			ck_assert_uint_eq(get16(k->out[0].data + 48 + 2), 2028);
			ck_assert_uint_eq(get16(k->out[0].data + 48 + 20), port);
			ck_assert_uint_eq(kit_count(k, LW4O6_CNT_FRAG4_FULL_DONE), 1);
		}
		kit_free(k);
	}
	free(t);
}
END_TEST

/* D-175, D-176, D-185: refused, its followers silently too; nothing is held for nobody; what waits in vain goes. */
START_TEST(refused)
{
	struct kit *k = kit_start(kit_new());
	struct train *t = malloc(sizeof(*t));

	mk_train(t, SERVER, 80, PUBLIC, 53300, 7, 1000);
	tun(k, t->p[1], t->len[1]);
	ck_dropped(k, LW4O6_CNT_DROP_FRAG4_UNBOUND); /* no mapping at all: not even held */
	open_udp(k, LAN, 5000, SERVER, 80);
	tun(k, t->p[1], t->len[1]);
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_HELD);
	tun(k, t->p[0], t->len[0]);
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	ck_assert_uint_eq(k->n, 0);
	tun(k, t->p[2], t->len[2]);
	ck_dropped(k, LW4O6_CNT_DROP_FRAG4_UNBOUND);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROP_FRAG4_UNBOUND), 3);

	mk_train(t, SERVER, 80, PUBLIC, 53300, 8, 1000);
	tun(k, t->p[1], t->len[1]);
	lw4o6_time due = lw4o6_b4_expiry(k->b);
	ck_assert_uint_le(due, k->now + 60 * LW4O6_SEC);
	k->now += 60 * LW4O6_SEC;
	lw4o6_b4_tick(k->b, k->now);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROP_FRAG4_TIMEOUT), 1);
	free(t);
	kit_free(k);
}
END_TEST

/* D-177, D-178, D-182, D-311: overlap, tiny first fragments, too big with DF. */
START_TEST(bad_ones)
{
	struct kit *k = kit_start(kit_new());
	struct train *t = malloc(sizeof(*t));
	static uint8_t p[2000];

	mk_train(t, LAN, 5000, SERVER, 80, 7, 1000);
	lan(k, t->p[0], t->len[0]);
	be16(t->p[1] + 6, get16(t->p[1] + 6) - 1);
	fix_ip(t->p[1]);
	lan(k, t->p[1], t->len[1]);
	ck_dropped(k, LW4O6_CNT_DROP_FRAG4_OVERLAP);
	lan(k, t->p[2], t->len[2]);
	ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_DROP);

	size_t len = mk_tcp(p, LAN, 1, SERVER, 80, 2, 1, 0) - 4;
	be16(p + 2, (unsigned)len);
	be16(p + 6, 0x2000);
	fix_ip(p);
	lan(k, p, len);
	ck_dropped(k, LW4O6_CNT_DROP_FRAG4_TINY);

	/* MF and DF, 1468 octets into 1460: 3/4 for the first one, silence for the next. */
	ck_assert_int_eq(lw4o6_b4_set_mtu(k->b, 1480, 0), LW4O6_OK);
	mk_train(t, LAN, 5001, SERVER, 80, 9, 1432);
	t->p[0][6] |= 0x40;
	fix_ip(t->p[0]);
	lan(k, t->p[0], t->len[0]);
	ck_dropped(k, LW4O6_CNT_B4_DROP_MTU_DF);
	ck_assert_uint_eq(k->n, 1);
	ck_assert_uint_eq(k->out[0].data[21], 4);
	mk_ip(p, 17, LAN, SERVER, 1432);
	be16(p + 4, 9);
	be16(p + 6, 0x6000 | 1432 / 8);
	fix_ip(p);
	lan(k, p, 1452);
	ck_dropped(k, LW4O6_CNT_B4_DROP_MTU_DF);
	ck_assert_uint_eq(k->n, 0);
	free(t);
	kit_free(k);
}
END_TEST

/* A tunnel packet in IPv6 fragments. */
static size_t mk_frag6(uint8_t *dst, const uint8_t *outer, size_t off, size_t len, bool more, uint32_t id)
{
	memcpy(dst, outer, 40);
	be16(dst + 4, (unsigned)(8 + len));
	dst[6] = 44;
	dst[40] = 4;
	dst[41] = 0;
	be16(dst + 42, (unsigned)off | more);
	be16(dst + 44, id >> 16);
	be16(dst + 46, id & 0xffff);
	memcpy(dst + 48, outer + 40 + off, len);
	return 48 + len;
}

/* D-147, D-149, D-151, D-154, D-165: IPv6 fragments, in both orders; only from the AFTR; timeout with 3/1. */
START_TEST(ipv6)
{
	struct kit *k = kit_start(kit_new());
	static uint8_t inner[3000], outer[3100], f[3100];
	uint16_t port = open_udp(k, LAN, 5000, SERVER, 80);
	size_t len = set_df(inner, mk_udp(inner, SERVER, 80, PUBLIC, port, 1400), true);

	mk_tunnel(outer, inner, len);
	for (int order = 0; order < 2; order++) {
		for (int i = 0; i < 2; i++) {
			bool last = i != order;
			size_t off = last ? 800 : 0;

			kit_run(k, LW4O6_SIDE_IPV6, f, mk_frag6(f, outer, off, last ? len - 800 : 800, !last, 99 + (unsigned)order));
			if (i == 0)
				ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_HELD);
		}
		ck_assert_uint_eq(get16(delivered(k) + 22), 5000);
		ck_assert_uint_eq(k->out[0].len, len);
	}
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED), 4);

	mk_frag6(f, outer, 0, len, false, 5); /* atomic */
	kit_run(k, LW4O6_SIDE_IPV6, f, 48 + len);
	delivered(k);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_FRAG6_ATOMIC), 1);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_FRAG6_IN), 5);

	size_t n = mk_frag6(f, outer, 0, 800, true, 6);
	f[23]++;
	kit_run(k, LW4O6_SIDE_IPV6, f, n);
	ck_dropped(k, LW4O6_CNT_B4_DROP_NOT_AFTR);
	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.frag6_contexts, 0);

	f[23]--;
	kit_run(k, LW4O6_SIDE_IPV6, f, n);
	k->now += 60 * LW4O6_SEC;
	kit_clear(k);
	lw4o6_b4_tick(k->b, k->now);
	kit_drain(k);
	ck_assert_uint_eq(k->n, 1);
	ck_assert_uint_eq(k->out[0].data[40], 3);
	ck_assert_uint_eq(k->out[0].data[41], 1);
	ck_assert_int_eq(memcmp(k->out[0].data + 24, &k->rec.aftr, 16), 0);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_DROP_FRAG6_TIMEOUT), 1);

	n = mk_frag6(f, outer, 0, 801, true, 8); /* D-155 */
	kit_run(k, LW4O6_SIDE_IPV6, f, n);
	ck_dropped(k, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH);
	ck_assert_uint_eq(k->out[0].data[40], 4);
	ck_assert_uint_eq(get16(k->out[0].data + 46), 4);
	kit_free(k);
}
END_TEST

/* D-330, D-334: a new AFTR or a new port set forgets what was held. */
START_TEST(record_change_forgets)
{
	struct kit *k = kit_start(kit_new());
	struct lw4o6_b4_record r = k->rec;
	struct train *t = malloc(sizeof(*t));
	struct lw4o6_b4_gauges g;

	open_udp(k, LAN, 5000, SERVER, 80);
	mk_train(t, LAN, 5000, SERVER, 80, 7, 1000);
	lan(k, t->p[1], t->len[1]);
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.frag4_contexts, 1);
	r.aftr = ip6("2001:db8:ffff::2");
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &r, k->now), LW4O6_OK);
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.frag4_contexts, 0);
	free(t);
	kit_free(k);
}
END_TEST

/* Section 9 item 7: a flood of fragments from outside; whole packets lose nothing. */
START_TEST(flood)
{
	struct kit *k = kit_start(kit_new());
	uint16_t port = open_udp(k, LAN, 5000, SERVER, 80);
	uint8_t p[64];

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = mk_udp(p, SERVER, 80, PUBLIC, port, 24);

		be16(p + 4, i);
		be16(p + 6, 0x2000 | 40);
		be16(p + 14, i >> 3); /* many source networks */
		fix_ip(p);
		tun(k, p, len);
		if (i % 100 == 0) {
			tun(k, p, mk_udp(p, SERVER, 80, PUBLIC, port, 4));
			delivered(k);
		}
	}
	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_le(g.frag4_contexts, 256);
	kit_free(k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("b4_frag");
	TCase *tc = tcase_create("frag");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, any_order);
	tcase_add_test(tc, same_identification);
	tcase_add_test(tc, hairpin);
	tcase_add_test(tc, burst_order);
	tcase_add_test(tc, modes);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, bad_ones);
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, record_change_forgets);
	tcase_add_test(tc, flood);
	suite_add_tcase(s, tc);
	return test_main(s);
}
