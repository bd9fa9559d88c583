/* Reassembly: timeouts, limits, floods, flushing, creation. */
#include "failmem.h"
#include "siphash.h"

#include "frag6_rig.h"
#include "frag_int.h"

/* ---- time ---- */

/* D-151: 60 s from the first that came, whichever it is; 3/1 needs the fragment with offset 0, as received. */
START_TEST(timeout)
{
	struct lw4o6_frag_expired ex;
	uint8_t pkt[200];
	lw4o6_time t59 = T0 + 59900 * LW4O6_MSEC, t60 = T0 + 60 * LW4O6_SEC;

	start();
	make_whole(120);
	ck_assert_int_eq(ADD(.id = 1, .off = 64, .len = 56), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = 2, .len = 64, .more = true), LW4O6_FRAG_HELD);
	struct piece first = { .id = 1, .len = 32, .more = true, .tclass = 0x28, .ext = 8 };
	size_t n = build(pkt, &first);
	ck_assert_int_eq(add_raw(pkt, n, 40, 48, t59), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(lw4o6_frag6_expiry(w.f), t60);
	ck_assert(!lw4o6_frag6_expire(w.f, t59, &ex));
	struct piece rest = { .id = 2, .off = 64, .len = 56 };
	ck_assert_int_eq(add(&rest, t59), LW4O6_FRAG_COMPLETE);

	ck_assert(lw4o6_frag6_expire(w.f, t60, &ex));
	ck_octets(ex.first, ex.len, pkt, n);
	ck_assert(!lw4o6_frag6_expire(w.f, t60, &ex));
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TIMEOUT), 2);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROP_FRAG6_TIMEOUT], 48 + 56 + n);

	/* without a call of expire the old ones are dropped all the same */
	ck_assert_int_eq(ADD(.id = 3, .len = 64, .more = true), LW4O6_FRAG_HELD);
	struct piece late = { .id = 3, .off = 64, .len = 56 };
	ck_assert_int_eq(add(&late, t60), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TIMEOUT), 3);
	ck_assert_uint_eq(lw4o6_frag6_expiry(w.f), t60 + 60 * LW4O6_SEC);
}
END_TEST

/* D-152: the remembered key lasts as long as the datagram would have; no 3/1 for it. */
START_TEST(overlap_is_forgotten_in_time)
{
	struct lw4o6_frag_expired ex;
	struct piece p = { .len = 64, .more = true }, bad = { .off = 56, .len = 16, .more = true };

	start();
	make_whole(120);
	ck_assert_int_eq(add(&p, T0), LW4O6_FRAG_HELD);
	ck_assert_int_eq(add(&bad, T0 + 10 * LW4O6_SEC), LW4O6_FRAG_DROP);
	ck_assert_int_eq(add(&p, T0 + 59900 * LW4O6_MSEC), LW4O6_FRAG_DROP);
	ck_assert(lw4o6_frag6_expire(w.f, T0 + 60 * LW4O6_SEC, &ex));
	ck_assert_ptr_null(ex.first);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TIMEOUT), 0);
	ck_assert_int_eq(add(&p, T0 + 60 * LW4O6_SEC), LW4O6_FRAG_HELD);
}
END_TEST

/* ---- limits ---- */

/* D-166: fragments per datagram. */
START_TEST(too_many)
{
	w.cfg.per_datagram = 10;
	start();
	make_whole(1000);
	for (size_t i = 0; i < 10; i++)
		ck_assert_int_eq(ADD(.off = i * 32, .len = 32, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.off = 0, .len = 32, .more = true), LW4O6_FRAG_HELD); /* a duplicate takes no place */
	ck_assert_int_eq(ADD(.off = 320, .len = 32), LW4O6_FRAG_DROP);
	ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_TOO_MANY);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TOO_MANY), 10);
	ck_assert_int_eq(ADD(.off = 320, .len = 32), LW4O6_FRAG_DROP);
}
END_TEST

/* D-166: a source at its limit loses its own oldest; others are not touched. */
START_TEST(source_quota)
{
	start();
	make_whole(120);
	ck_assert_int_eq(ADD(.src = 2, .id = 1, .len = 64, .more = true), LW4O6_FRAG_HELD);
	for (uint32_t id = 0; id < 40; id++)
		ck_assert_int_eq(ADD(.src = 1, .id = id, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_QUOTA_SOURCE), 24);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROP_FRAG6_QUOTA_SOURCE], 24 * 112);
	ck_assert_int_eq(ADD(.src = 2, .id = 1, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
	for (uint32_t id = 24; id < 40; id++)
		ck_assert_int_eq(ADD(.src = 1, .id = id, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
}
END_TEST

/* D-166: contexts in total: the oldest of the source with the most contexts goes, equal ones by age. */
START_TEST(global_contexts)
{
	w.cfg.contexts = 8;
	start();
	make_whole(1000);
	/* source 1 holds more octets, source 2 more contexts */
	ck_assert_int_eq(ADD(.src = 1, .id = 0, .len = 960, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 1, .id = 1, .len = 960, .more = true), LW4O6_FRAG_HELD);
	for (uint32_t id = 0; id < 4; id++)
		ck_assert_int_eq(ADD(.src = 2, .id = id, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 3, .id = 0, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 4, .id = 0, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL), 0);
	for (uint32_t src = 5; src < 8; src++) /* two of source 2; then it has no more than source 1, which is older */
		ck_assert_int_eq(ADD(.src = src, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL), 3);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL], 2 * 112 + 1008);
	ck_assert_int_eq(ADD(.src = 2, .id = 3, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
	ck_assert_int_eq(ADD(.src = 3, .id = 0, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
	ck_assert_int_eq(ADD(.src = 1, .id = 1, .off = 960, .len = 40), LW4O6_FRAG_COMPLETE);
	ck_assert_int_eq(ADD(.src = 4, .id = 0, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
}
END_TEST

/* D-166: when two sources hold as many, the one whose context is older loses it. */
START_TEST(global_contexts_ties)
{
	w.cfg.contexts = 8;
	start();
	make_whole(120);
	for (uint32_t src = 0; src < 100; src++)
		ck_assert_int_eq(ADD(.src = src, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL), 92);
	for (uint32_t src = 92; src < 100; src++)
		ck_assert_int_eq(ADD(.src = src, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
}
END_TEST

/* D-166: octets in total: the oldest of the source with the most octets goes. */
START_TEST(global_memory)
{
	struct lw4o6_frag_usage u;

	w.cfg.memory = 20 * 256;
	start();
	make_whole(2000);
	for (uint32_t id = 0; id < 3; id++) /* one block each */
		ck_assert_int_eq(ADD(.src = 1, .id = id, .len = 64, .more = true), LW4O6_FRAG_HELD);
	for (uint32_t id = 0; id < 2; id++) /* 1456 + 48 octets: seven blocks each */
		ck_assert_int_eq(ADD(.src = 2, .id = id, .len = 1456, .more = true), LW4O6_FRAG_HELD);
	lw4o6_frag6_usage(w.f, &u);
	ck_assert_uint_eq(u.memory, 17 * 256);
	ck_assert_uint_eq(u.memory_max, 20 * 256);
	ck_assert_int_eq(ADD(.src = 3, .id = 0, .len = 1456, .more = true), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL), 1);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL], 1504);
	ck_assert_int_eq(ADD(.src = 2, .id = 1, .off = 1456, .len = 40), LW4O6_FRAG_COMPLETE);
	ck_assert_int_eq(ADD(.src = 1, .id = 0, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
}
END_TEST

/* D-166: a datagram that makes room only by its own end ends; a fragment larger than all memory is refused. */
START_TEST(own_memory)
{
	w.cfg.memory = 8 * 256;
	start();
	make_whole(4000);
	ck_assert_int_eq(ADD(.len = 1456, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.off = 1456, .len = 1456, .more = true), LW4O6_FRAG_DROP);
	ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL), 1);
	ck_assert_int_eq(ADD(.off = 1456, .len = 2000, .more = true), LW4O6_FRAG_DROP);
	ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL);
}
END_TEST

/* D-165, D-166, section 7: a flood from many datagrams of one source, and from many sources; others complete. */
START_TEST(flood)
{
	struct test_rng rng = { 99 };
	struct lw4o6_frag_usage u;
	uint64_t done = 0, tried = 0;

	w.cfg.contexts = 256;
	w.cfg.memory = 128 * 1024;
	start();
	make_whole(1200);
	for (uint32_t i = 0; i < 30000; i++) {
		lw4o6_time now = T0 + i * LW4O6_MSEC;
		struct piece bad = { .src = 1 + (_i ? (uint32_t)(test_rand(&rng) % 12) : 0), .id = (uint32_t)test_rand(&rng),
			             .off = test_rand(&rng) % 40 * 8, .len = 8 + test_rand(&rng) % 100 * 8, .more = true };
		struct piece good = { .src = 1000, .id = i / 5, .off = (i % 5) * 240, .len = 240, .more = i % 5 < 4 };

		for (int n = 0; n < 4; n++, bad.id++)
			(void)add(&bad, now);
		tried += i % 5 == 4;
		done += add(&good, now) == LW4O6_FRAG_COMPLETE;
		lw4o6_frag6_usage(w.f, &u);
		if (u.contexts > 256 || u.memory > 128 * 1024)
			ck_abort_msg("over the limit");
	}
	ck_assert_uint_eq(done, tried);
	ck_assert_uint_ne(count(LW4O6_CNT_DROP_FRAG6_QUOTA_SOURCE), 0);
	if (_i)
		ck_assert_uint_ne(count(LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL), 0);
}
END_TEST

/* D-167: the share is crossed once, and again only after usage has gone down. */
START_TEST(alarm_share)
{
	w.cfg.contexts = 10;
	w.cfg.alarm_percent = 50;
	start();
	make_whole(120);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t id = 0; id < 4; id++)
			ck_assert_int_eq(ADD(.id = id, .len = 64, .more = true), LW4O6_FRAG_HELD);
		ck_assert(!lw4o6_frag6_alarm(w.f));
		ck_assert_int_eq(ADD(.id = 4, .len = 64, .more = true), LW4O6_FRAG_HELD);
		ck_assert(lw4o6_frag6_alarm(w.f));
		ck_assert(!lw4o6_frag6_alarm(w.f));
		ck_assert_int_eq(ADD(.id = 5, .len = 64, .more = true), LW4O6_FRAG_HELD);
		ck_assert(!lw4o6_frag6_alarm(w.f));
		lw4o6_frag6_flush(w.f);
	}
}
END_TEST

/* D-167: memory crosses it too. */
START_TEST(alarm_memory)
{
	w.cfg.memory = 16 * 256;
	start();
	make_whole(2000);
	ck_assert_int_eq(ADD(.id = 1, .len = 1456, .more = true), LW4O6_FRAG_HELD);
	ck_assert(!lw4o6_frag6_alarm(w.f));
	ck_assert_int_eq(ADD(.id = 2, .len = 1456, .more = true), LW4O6_FRAG_HELD);
	ck_assert(lw4o6_frag6_alarm(w.f));
}
END_TEST

/* D-027: a softwire that is gone leaves nothing, others stay. */
START_TEST(flush_source)
{
	struct in6_addr gone;
	uint8_t pkt[200];
	struct piece p = { .src = 1, .id = 9, .len = 64, .more = true };

	start();
	make_whole(120);
	build(pkt, &p);
	memcpy(&gone, pkt + 8, 16);
	for (uint32_t id = 0; id < 3; id++) {
		ck_assert_int_eq(ADD(.src = 1, .id = id, .len = 64, .more = true), LW4O6_FRAG_HELD);
		ck_assert_int_eq(ADD(.src = 2, .id = id, .len = 64, .more = true), LW4O6_FRAG_HELD);
	}
	lw4o6_frag6_flush_source(w.f, &gone);
	lw4o6_frag6_flush_source(w.f, &gone);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_NO_BINDING), 3);
	ck_assert_int_eq(ADD(.src = 1, .id = 0, .off = 64, .len = 56), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 2, .id = 0, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
}
END_TEST

/* D-044: settings out of range are refused; a table takes its memory once. */
START_TEST(creation)
{
	struct lw4o6_frag6_config bad;

	start();
	size_t blocks = talloc_total_blocks(w.mem), octets = talloc_total_size(w.mem);
	make_whole(1000);
	for (uint32_t id = 0; id < 3000; id++)
		ck_assert_int_ne(ADD(.src = id / 3, .id = id, .len = 960, .more = true), LW4O6_FRAG_COMPLETE);
	ck_assert(talloc_total_blocks(w.mem) == blocks && talloc_total_size(w.mem) == octets);

	for (int i = 0; i < 5; i++) {
		bad = w.cfg;
		bad.max_packet = i == 0 ? 1499 : i == 1 ? 65576 : 0;
		bad.alarm_percent = i == 2 ? 101 : 0;
		bad.contexts = i == 3 ? UINT32_MAX : 16;
		bad.counters = i == 4 ? NULL : &w.c;
		ck_assert_ptr_null(lw4o6_frag6_new(w.mem, &bad));
	}
	ck_assert_uint_eq(talloc_total_blocks(w.mem), blocks);
}
END_TEST

static uint32_t longest_chain(const uint64_t hash_key[2], uint8_t keys[][FRAG_KEY], unsigned n)
{
	struct lw4o6_frag_usage u;
	struct frag_table t;
	struct frag_config cfg = {
		.contexts = 1024, .pieces = 1, .alarm_percent = 100, .memory = 256, .max_packet = 64, .key_len = FRAG_KEY,
		.hash_key = hash_key, .counters = &w.c, .timeout = LW4O6_SEC,
	};
	struct frag_group_key source = { .kind = 1 };
	TALLOC_CTX *mem = talloc_new(w.mem);
	uint32_t longest = 0;

	ck_assert_int_eq(frag_table_init(&t, mem, &cfg), LW4O6_OK);
	for (unsigned i = 0; i < n; i++)
		frag_join(&t, frag_new(&t, keys[i], LW4O6_SIDE_IPV6, T0), FRAG_FROM, &source);
	frag_usage(&t, &u);
	ck_assert_uint_eq(u.contexts, n);
	for (uint32_t b = 0; b <= t.mask; b++) {
		uint32_t length = 0;

		for (uint32_t i = t.bucket[b]; i != FRAG_NONE; i = t.ctx[i].hash_next)
			length++;
		longest = length > longest ? length : longest;
	}
	talloc_free(mem);
	return longest;
}

/* D-035: keys chosen to fall into one bucket of a table whose hash key one knows spread in any other. */
START_TEST(hash_flooding)
{
	static uint8_t keys[64][FRAG_KEY];
	static const uint64_t known[2] = { 0, 0 }, secret[2] = { 0x243f6a8885a308d3, 0x13198a2e03707344 };
	unsigned n = 0;

	for (uint32_t i = 0; n < 64; i++) {
		memcpy(keys[n], &i, sizeof(i));
		n += (siphash(known, keys[n], FRAG_KEY) & 1023) == 5;
	}
	ck_assert_uint_eq(longest_chain(known, keys, n), 64);
	ck_assert_uint_le(longest_chain(secret, keys, n), 5);
}
END_TEST

/* No memory: whichever allocation fails, nothing is left. */
START_TEST(out_of_memory)
{
	unsigned n = 1;

	for (;; n++) {
		failmem_at = n;
		w.f = lw4o6_frag6_new(w.mem, &w.cfg);
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
	Suite *s = suite_create("frag6_limits");
	TCase *tc = tcase_create("frag6");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, timeout);
	tcase_add_test(tc, overlap_is_forgotten_in_time);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, source_quota);
	tcase_add_test(tc, global_contexts);
	tcase_add_test(tc, global_contexts_ties);
	tcase_add_test(tc, global_memory);
	tcase_add_test(tc, own_memory);
	tcase_add_loop_test(tc, flood, 0, 2);
	tcase_add_test(tc, alarm_share);
	tcase_add_test(tc, alarm_memory);
	tcase_add_test(tc, flush_source);
	tcase_add_test(tc, creation);
	tcase_add_test(tc, hash_flooding);
	tcase_add_test(tc, out_of_memory);
	suite_add_tcase(s, tc);
	return test_main(s);
}
