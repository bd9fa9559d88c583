/* Reassembly: timeouts, limits, floods, flushing, creation. */
#include "failmem.h"
#include "frag4_rig.h"

/* ---- time ---- */

/* D-175: default 60 s, knob 2 to 120, from the first that came; only full mode gives the first fragment. */
START_TEST(timeout)
{
	static const uint32_t knob[] = { 0, 2, 120 };
	uint32_t seconds = knob[_i % 3] ? knob[_i % 3] : 60;
	lw4o6_time before = T0 + seconds * LW4O6_SEC - 100 * LW4O6_MSEC, end = T0 + seconds * LW4O6_SEC;
	struct piece first = { .id = 2, .len = 64, .more = true }, last = { .id = 1, .off = 64, .len = 8 };
	struct lw4o6_frag_expired ex;
	uint8_t pkt[100];
	bool full = _i >= 3;

	w.cfg.timeout_s = knob[_i % 3];
	w.cfg.mode = full ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	w.from = (struct lw4o6_frag4_from){ LW4O6_SIDE_IPV6, false, 123 };
	start();
	ck_assert_int_eq(add(&last, T0), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(lw4o6_frag4_expiry(w.f), end);
	ck_assert_int_eq(add(&first, T0 + 1), full ? LW4O6_FRAG_HELD : LW4O6_FRAG_FIRST);
	ck_assert(!lw4o6_frag4_expire(w.f, before, &ex));
	ck_assert(lw4o6_frag4_expire(w.f, end, &ex));
	ck_assert(ex.first == NULL && ex.side == LW4O6_SIDE_IPV6 && ex.from == 123);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TIMEOUT), 1);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROP_FRAG4_TIMEOUT], 28);
	ck_assert(!lw4o6_frag4_expire(w.f, end, &ex));
	ck_assert(lw4o6_frag4_expire(w.f, end + 1, &ex));
	if (full)
		ck_octets(ex.first, ex.len, pkt, build(pkt, &first));
	else
		ck_assert_ptr_null(ex.first);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TIMEOUT), full ? 2 : 1);

	/* without a call of expire the old ones are dropped all the same */
	ck_assert_int_eq(add(&last, T0), LW4O6_FRAG_HELD);
	ck_assert_int_eq(add(&last, end), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TIMEOUT), full ? 3 : 2);
}
END_TEST

/* ---- limits ---- */

/* D-184: held fragments per datagram; in order any number up to four times as many may pass. */
START_TEST(too_many)
{
	w.cfg.per_datagram = 4;
	start();
	for (size_t i = 1; i < 5; i++)
		ck_assert_int_eq(ADD(.id = 1, .off = i * 8, .len = 8, .more = true), LW4O6_FRAG_HELD);
	ck_dropped(ADD(.id = 1, .off = 40, .len = 8, .more = true), LW4O6_CNT_DROP_FRAG4_TOO_MANY);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TOO_MANY), 4);
	ck_dropped(ADD(.id = 1, .off = 0, .len = 8, .more = true), LW4O6_CNT_DROP_FRAG4_TOO_MANY);

	for (size_t i = 0; i < 16; i++)
		ck_assert_int_ne(ADD(.id = 2, .off = i * 8, .len = 8, .more = true), LW4O6_FRAG_DROP);
	ck_dropped(ADD(.id = 2, .off = 128, .len = 8), LW4O6_CNT_DROP_FRAG4_TOO_MANY);
}
END_TEST

/* D-184: a whole of 65535 octets in pieces of 552 passes in order with the defaults. */
START_TEST(largest_datagram)
{
	start();
	for (size_t off = 0; off < 65515; off += 552) {
		size_t len = 65515 - off < 552 ? 65515 - off : 552;

		ck_assert_int_eq(ADD(.off = off, .len = len, .more = off + len < 65515),
		                 off ? LW4O6_FRAG_FOLLOW : LW4O6_FRAG_FIRST);
	}
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_VIRTUAL_DONE), 1);
}
END_TEST

/* D-184: contexts of one source /24; its own oldest goes. */
START_TEST(source_quota)
{
	w.cfg.per_source_net = 10;
	start();
	ck_assert_int_eq(ADD(.src = 0x08080900, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	for (uint32_t i = 0; i < 20; i++)
		ck_assert_int_eq(ADD(.src = 0x08080800 + i * 13, .id = i, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_SOURCE), 10);
	ck_assert_int_eq(ADD(.src = 0x08080900, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 2);
	ck_assert_int_eq(ADD(.src = 0x08080800 + 10 * 13, .id = 10, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 4);
}
END_TEST

/* D-184: contexts of one destination: the address while the port is not known, then the softwire. */
START_TEST(softwire_quota)
{
	w.cfg.per_softwire = 5;
	start();
	for (uint32_t i = 0; i < 8; i++) /* sources of different nets, nothing but the destination in common */
		ck_assert_int_eq(ADD(.src = 0x08080000 + (i << 8), .id = 1, .off = 64, .len = 8, .more = true),
		                 LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE), 3);
	ck_assert_int_eq(ADD(.dst = SHARED + 1, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE), 3);

	/* first fragments do not compete with those that wait for their address */
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(ADD(.src = 0x09080000 + (i << 8), .id = 2, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE), 3);

	/* a sixth pushes out the oldest of that softwire; its last fragment then waits in vain */
	ck_assert_int_eq(ADD(.src = 0x09090000, .id = 2, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_int_eq(ADD(.src = 0x09080000, .id = 2, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 0x09080100, .id = 2, .off = 64, .len = 8), LW4O6_FRAG_FOLLOW);

	/* another softwire of the same address has its own places */
	w.softwire = 78;
	ck_assert_int_eq(ADD(.src = 0x0a090000, .id = 2, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_int_eq(ADD(.src = 0x0a090000, .id = 2, .off = 64, .len = 8), LW4O6_FRAG_FOLLOW);
	w.softwire = 77;
	ck_assert_int_eq(ADD(.src = 0x09090000, .id = 2, .off = 64, .len = 8), LW4O6_FRAG_FOLLOW);
}
END_TEST

/* D-184: what comes out of a softwire counts against that softwire, whatever it writes as source. */
START_TEST(origin_quota)
{
	w.cfg.per_softwire = 5;
	w.from = (struct lw4o6_frag4_from){ LW4O6_SIDE_IPV6, false, 9 };
	start();
	for (uint32_t i = 0; i < 8; i++)
		ck_assert_int_eq(ADD(.src = 0x08080000 + (i << 8), .dst = 0x01010101 + i, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE), 3);
	ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV6), 3);
	w.from.softwire = 10;
	ck_assert_int_eq(ADD(.off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE), 3);
}
END_TEST

/* D-184: contexts in total, the oldest of the source net that has most; octets in total likewise. */
START_TEST(global_quota)
{
	struct lw4o6_frag_usage u;

	w.cfg.contexts = 8;
	w.cfg.memory = 12 * 256;
	start();
	ck_assert_int_eq(ADD(.src = 0x08080808, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	for (uint32_t i = 0; i < 7; i++)
		ck_assert_int_eq(ADD(.id = i, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 0x08080909, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_GLOBAL), 1);
	ck_assert_int_eq(ADD(.id = 1, .len = 64, .more = true), LW4O6_FRAG_FIRST); /* 0 went, 1 is here */
	ck_assert_uint_eq(w.sent, 2);

	/* seven blocks are held; this takes seven of twelve: SERVER's net is the heaviest, and loses two */
	ck_assert_int_eq(ADD(.src = 0x08080a0a, .off = 64, .len = 1480), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_GLOBAL), 3);
	lw4o6_frag4_usage(w.f, &u);
	ck_assert_uint_eq(u.memory, 12 * 256);
	ck_assert_int_eq(ADD(.src = 0x08080808, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_int_eq(ADD(.src = 0x08080909, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 6);
}
END_TEST

/* D-166: need of octets ends no datagram that holds none, though it is the oldest of the heaviest source. */
START_TEST(memory_spares_what_passed)
{
	w.cfg.memory = 8 * 256;
	start();
	ck_assert_int_eq(ADD(.id = 1, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_int_eq(ADD(.id = 2, .off = 64, .len = 1480, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 0x08080808, .off = 64, .len = 1480, .more = true), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_QUOTA_GLOBAL), 1);
	ck_assert_int_eq(ADD(.id = 1, .off = 64, .len = 64), LW4O6_FRAG_FOLLOW);
}
END_TEST

/* A context that is gone leaves a name that nobody answers to, also when its place is used again. */
START_TEST(stale_reference)
{
	uint8_t pkt[100], *held;
	struct piece p = { .id = 1, .len = 64, .more = true };
	struct lw4o6_ip4 h;
	struct lw4o6_frag4_ref ref;
	size_t len = build(pkt, &p);

	w.cfg.contexts = 1;
	start();
	ck_assert_int_eq(ADD(.id = 1, .off = 64, .len = 8, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, pkt, len), LW4O6_IP4_OK);
	ck_assert_int_eq(lw4o6_frag4_add(w.f, &w.from, &h, pkt, T0, &w.res), LW4O6_FRAG_FIRST);
	w.dropped++;
	ref = w.res.ref;
	ck_assert_int_eq(ADD(.id = 2, .off = 64, .len = 8), LW4O6_FRAG_HELD);
	lw4o6_frag4_decide(w.f, ref, true, 1, NULL, 0);
	ck_assert(!lw4o6_frag4_next_held(w.f, ref, &held, &len));
	ck_assert(!lw4o6_frag4_next_held(w.f, (struct lw4o6_frag4_ref){ 0, 0 }, &held, &len));
	ck_assert(!lw4o6_frag4_next_held(w.f, (struct lw4o6_frag4_ref){ 1, 99 }, &held, &len));
	ck_assert_int_eq(ADD(.id = 2, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 2);
}
END_TEST

/* D-184, section 7: a flood of unique identifications: memory is bounded, other sources still get through. */
START_TEST(flood)
{
	struct test_rng rng = { 42 };
	struct lw4o6_frag_usage u;
	uint64_t done = 0, tried = 0;

	w.cfg.contexts = 256;
	w.cfg.memory = 64 * 1024;
	w.cfg.per_source_net = 32;
	w.cfg.per_softwire = 32;
	start();
	for (uint32_t i = 0; i < 5000; i++) {
		lw4o6_time now = T0 + i * LW4O6_MSEC;
		struct piece bad = { .src = 0x01000000 + ((uint32_t)test_rand(&rng) & (_i ? 0xf00 : 0xff)),
			             .dst = SHARED + (_i ? (uint32_t)test_rand(&rng) % 16 : 0),
			             .id = (uint32_t)test_rand(&rng) & 0xffff,
			             .off = test_rand(&rng) % 40 * 8, .len = 8 + test_rand(&rng) % 100 * 8, .more = true };
		struct piece good = { .src = 0x08080808, .dst = SHARED + 99, .id = i / 5, .off = (4 - i % 5) * 240, .len = 240,
			              .more = i % 5 > 0 };

		w.softwire = 1;
		for (int n = 0; n < 4; n++, bad.id = (bad.id + 1) & 0xffff)
			(void)add(&bad, now);
		w.softwire = 2;
		tried += i % 5 == 4;
		done += add(&good, now) == LW4O6_FRAG_FIRST;
		lw4o6_frag4_usage(w.f, &u);
		if (u.contexts > 256 || u.memory > 64 * 1024)
			ck_abort_msg("over the limit");
	}
	ck_assert_uint_eq(done, tried);
	ck_assert_uint_ne(count(_i ? LW4O6_CNT_DROP_FRAG4_QUOTA_GLOBAL : LW4O6_CNT_DROP_FRAG4_QUOTA_SOURCE), 0);
	ck_assert_uint_ge(count(LW4O6_CNT_FRAG4_VIRTUAL_DONE), tried);
}
END_TEST

/* D-167 for IPv4. */
START_TEST(alarm_share)
{
	w.cfg.contexts = 10;
	start();
	for (uint32_t id = 0; id < 7; id++)
		ck_assert_int_eq(ADD(.id = id, .off = 64, .len = 64), LW4O6_FRAG_HELD);
	ck_assert(!lw4o6_frag4_alarm(w.f));
	ck_assert_int_eq(ADD(.id = 7, .off = 64, .len = 64), LW4O6_FRAG_HELD);
	ck_assert(lw4o6_frag4_alarm(w.f));
	ck_assert(!lw4o6_frag4_alarm(w.f));
}
END_TEST

/* D-027: what goes to a softwire and what came out of it. */
START_TEST(flush_softwire)
{
	start();
	w.softwire = 5;
	ck_assert_int_eq(ADD(.id = 1, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	w.softwire = 6;
	ck_assert_int_eq(ADD(.id = 2, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	w.from = (struct lw4o6_frag4_from){ LW4O6_SIDE_IPV6, false, 5 };
	ck_assert_int_eq(ADD(.id = 3, .off = 64, .len = 64), LW4O6_FRAG_HELD);
	w.from.softwire = 6;
	ck_assert_int_eq(ADD(.id = 3, .off = 64, .len = 64), LW4O6_FRAG_HELD);
	lw4o6_frag4_flush_softwire(w.f, 5);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_UNBOUND), 1);
	ck_assert_int_eq(ADD(.id = 3, .len = 64, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 4);
	w.from = (struct lw4o6_frag4_from){ LW4O6_SIDE_IPV4, false, 0 };
	ck_assert_int_eq(ADD(.id = 1, .off = 64, .len = 64), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = 2, .off = 64, .len = 64), LW4O6_FRAG_FOLLOW);
}
END_TEST

/* What we cut we join, in any order, in both modes. */
START_TEST(cut_and_join)
{
	static uint8_t pkt[9216], cut[256][1500];
	struct test_rng rng = { 8 };

	w.cfg.mode = _i ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	w.cfg.per_datagram = 128;
	start();
	for (uint32_t round = 0; round < 100; round++) {
		size_t mtu = 128 + test_rand(&rng) % 1300, len = mtu + 1 + test_rand(&rng) % (9216 - mtu);
		struct piece p = { .id = round, .len = len - 20, .tos = 0x2c };
		struct lw4o6_frag4_cut c;
		ssize_t n[256];
		int pieces;

		build(pkt, &p);
		pieces = lw4o6_frag4_cut_init(&c, pkt, len, mtu);
		ck_assert_int_ge(pieces, 2);
		ck_assert_int_le(pieces, 128);
		for (int i = 0; i < pieces; i++)
			n[i] = lw4o6_frag4_cut_next(&c, cut[i], mtu);
		w.sent = w.joined;
		for (int left = pieces; left > 0; left--) {
			int i = (int)(test_rand(&rng) % (unsigned)left);
			enum lw4o6_frag_verdict v = add_raw(cut[i], (size_t)n[i], T0);

			if (_i)
				ck_assert_int_eq(v, left > 1 ? LW4O6_FRAG_HELD : LW4O6_FRAG_COMPLETE);
			memmove(cut[i], cut[left - 1], 1500);
			n[i] = n[left - 1];
		}
		if (_i)
			ck_octets(w.res.data, w.res.len, pkt, len);
		else
			ck_assert_uint_eq(w.sent - w.joined, (unsigned)pieces);
		w.joined += (unsigned)pieces;
	}
	w.sent = 0;
}
END_TEST

/* Settings out of range are refused; a table takes its memory once (D-044). */
START_TEST(creation)
{
	struct lw4o6_frag4_config bad;

	start();
	size_t blocks = talloc_total_blocks(w.mem), octets = talloc_total_size(w.mem);
	for (uint32_t id = 0; id < 3000; id++)
		ck_assert_int_eq(ADD(.id = id, .off = 64, .len = 960, .more = true), LW4O6_FRAG_HELD);
	ck_assert(talloc_total_blocks(w.mem) == blocks && talloc_total_size(w.mem) == octets);

	for (int i = 0; i < 7; i++) {
		bad = w.cfg;
		bad.contexts = 16;
		bad.max_packet = i == 0 ? 575 : i == 1 ? 65536 : 0;
		bad.alarm_percent = i == 2 ? 101 : 0;
		bad.timeout_s = i == 3 ? 1 : i == 4 ? 121 : 0;
		bad.per_datagram = i == 5 ? 16384 : 0;
		bad.counters = i == 6 ? NULL : &w.c;
		ck_assert_ptr_null(lw4o6_frag4_new(w.mem, &bad));
	}
	ck_assert_uint_eq(talloc_total_blocks(w.mem), blocks);
}
END_TEST

/* No memory: whichever allocation fails, nothing is left. */
START_TEST(out_of_memory)
{
	unsigned n = 1;

	for (;; n++) {
		failmem_at = n;
		w.f = lw4o6_frag4_new(w.mem, &w.cfg);
		failmem_at = 0;
		if (w.f)
			break;
		ck_assert_uint_eq(talloc_total_blocks(w.mem), 1);
	}
	ck_assert_uint_gt(n, 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag4_limits");
	TCase *tc = tcase_create("frag4");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, timeout, 0, 6);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, largest_datagram);
	tcase_add_test(tc, source_quota);
	tcase_add_test(tc, softwire_quota);
	tcase_add_test(tc, origin_quota);
	tcase_add_test(tc, global_quota);
	tcase_add_test(tc, memory_spares_what_passed);
	tcase_add_test(tc, stale_reference);
	tcase_add_loop_test(tc, flood, 0, 2);
	tcase_add_test(tc, alarm_share);
	tcase_add_test(tc, flush_softwire);
	tcase_add_loop_test(tc, cut_and_join, 0, 2);
	tcase_add_test(tc, creation);
	tcase_add_test(tc, out_of_memory);
	suite_add_tcase(s, tc);

	return test_main(s);
}
