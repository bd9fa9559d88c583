/* Reassembly: order, overlap, headers, what is refused. */
#include "frag6_rig.h"

/* ---- order, duplicates, overlap ---- */

enum { N = 5, SIZE = 104, WHOLE = 4 * SIZE + 33 };

static struct piece nth(unsigned i)
{
	return (struct piece){ .id = 7, .off = i * SIZE, .len = i == N - 1 ? 33 : SIZE, .more = i < N - 1 };
}

/* D-150, D-148: all 120 orders of five fragments; the matrix of data-plane section 9, number 5. */
START_TEST(permutations)
{
	unsigned order[N] = { 0, 1, 2, 3, 4 }, runs = 0;

	start();
	make_whole(WHOLE);
	do {
		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]);
			enum lw4o6_frag_verdict v = add(&p, T0);

			ck_assert_int_eq(v, i < N - 1 ? LW4O6_FRAG_HELD : LW4O6_FRAG_COMPLETE);
		}
		ck_whole(WHOLE);
		runs++;
	} while (next_permutation(order, N));
	ck_assert_uint_eq(runs, 120);
	ck_assert_uint_eq(count(LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED), 600);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED], 120 * (WHOLE + 5 * 48));
	ck_assert_uint_eq(w.dropped, 0);
}
END_TEST

/* D-153: one fragment of the five comes twice, in every order and place: the datagram survives. */
START_TEST(permutations_with_duplicate)
{
	unsigned twice = (unsigned)_i, order[N] = { 0, 1, 2, 3, 4 };

	start();
	make_whole(WHOLE);
	do {
		unsigned pos = 0;

		while (order[pos] != twice)
			pos++;
		if (pos == N - 1)
			continue; /* after the end it would start another datagram */
		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]), again = nth(twice);

			ck_assert_int_eq(add(&p, T0), i < N - 1 ? LW4O6_FRAG_HELD : LW4O6_FRAG_COMPLETE);
			if (i >= pos && i < N - 1)
				ck_assert_int_eq(add(&again, T0), LW4O6_FRAG_HELD);
		}
		ck_whole(WHOLE);
	} while (next_permutation(order, N));
	ck_assert_uint_ne(count(LW4O6_CNT_FRAG6_DUPLICATE), 0);
	ck_assert_uint_eq(w.dropped, 0);
}
END_TEST

/* D-152: an overlap of 8 octets at any point ends it all, and what comes later finds the key remembered. */
START_TEST(permutations_with_overlap)
{
	unsigned order[N] = { 0, 1, 2, 3, 4 };
	uint32_t id = 100;

	w.cfg.per_source = 1000;
	w.cfg.contexts = 1000;
	start();
	make_whole(WHOLE);
	do {
		for (unsigned at = 1; at < N; at++, id++) {
			uint64_t before = count(LW4O6_CNT_DROP_FRAG6_OVERLAP);

			for (unsigned i = 0; i < N; i++) {
				struct piece p = nth(order[i]);

				p.id = id;
				if (i == at) { /* reaches 8 octets into the neighbour that came before */
					struct piece seen = nth(order[0]);
					size_t off = seen.off + seen.len / 8 * 8 - 8;

					ck_assert_int_eq(ADD(.id = id, .off = off, .len = 16, .more = true), LW4O6_FRAG_DROP);
					ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_OVERLAP);
					ck_assert_uint_eq(w.res.icmp_type, 0);
				}
				ck_assert_int_eq(add(&p, T0), i < at ? LW4O6_FRAG_HELD : LW4O6_FRAG_DROP);
			}
			ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_OVERLAP) - before, at);
		}
	} while (next_permutation(order, N));

	struct lw4o6_frag_usage u;

	lw4o6_frag6_usage(w.f, &u);
	ck_assert_uint_eq(u.contexts, 480);
	ck_assert_uint_eq(u.memory, 0);
}
END_TEST

/* D-150, D-151: four of five in every order: nothing comes out, all four time out. */
START_TEST(permutations_with_one_missing)
{
	unsigned missing = (unsigned)_i, order[N] = { 0, 1, 2, 3, 4 };
	struct lw4o6_frag_expired ex;

	start();
	make_whole(WHOLE);
	do {
		uint64_t before = count(LW4O6_CNT_DROP_FRAG6_TIMEOUT);

		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]);

			if (order[i] != missing)
				ck_assert_int_eq(add(&p, T0), LW4O6_FRAG_HELD);
		}
		ck_assert(lw4o6_frag6_expire(w.f, T0 + 60 * LW4O6_SEC, &ex));
		ck_assert_int_eq(ex.first != NULL, missing != 0);
		ck_assert(!lw4o6_frag6_expire(w.f, T0 + 60 * LW4O6_SEC, &ex));
		ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TIMEOUT) - before, 4);
	} while (next_permutation(order, N));
}
END_TEST

/* D-152, D-153, D-158: what is an overlap and what is a duplicate. */
START_TEST(overlap_kinds)
{
	static const struct {
		const char *name;
		struct piece a, b;
		bool dup;
	} rows[] = {
		{ "same", { .off = 0, .len = 64, .more = true }, { .off = 0, .len = 64, .more = true }, true },
		{ "same last", { .off = 64, .len = 63 }, { .off = 64, .len = 63 }, true },
		{ "shorter", { .off = 0, .len = 64, .more = true }, { .off = 0, .len = 56, .more = true }, false },
		{ "longer", { .off = 0, .len = 64, .more = true }, { .off = 0, .len = 72, .more = true }, false },
		{ "inside", { .off = 0, .len = 64, .more = true }, { .off = 8, .len = 8, .more = true }, false },
		{ "around", { .off = 64, .len = 8, .more = true }, { .off = 0, .len = 80, .more = true }, false },
		{ "over the end of one", { .off = 64, .len = 64, .more = true }, { .off = 120, .len = 16, .more = true }, false },
		{ "over the start of one", { .off = 64, .len = 64, .more = true }, { .off = 56, .len = 16, .more = true }, false },
		{ "two ends, second later", { .off = 64, .len = 8 }, { .off = 128, .len = 8 }, false },
		{ "two ends, second earlier", { .off = 128, .len = 8 }, { .off = 64, .len = 8 }, false },
		{ "data behind the end", { .off = 64, .len = 8 }, { .off = 80, .len = 8, .more = true }, false },
		{ "more at the very end", { .off = 64, .len = 8 }, { .off = 72, .len = 8, .more = true }, false },
		{ "an end before data", { .off = 80, .len = 8, .more = true }, { .off = 64, .len = 8 }, false },
		{ "same place, then more", { .off = 64, .len = 64 }, { .off = 64, .len = 64, .more = true }, false },
		{ "same place, then none", { .off = 64, .len = 64, .more = true }, { .off = 64, .len = 64 }, false },
	};

	start();
	make_whole(WHOLE);
	ck_assert_int_eq(add(&rows[_i].a, T0), LW4O6_FRAG_HELD);
	ck_assert_int_eq(add(&rows[_i].b, T0), rows[_i].dup ? LW4O6_FRAG_HELD : LW4O6_FRAG_DROP);
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG6_DUPLICATE), rows[_i].dup);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_OVERLAP), !rows[_i].dup);
	ck_assert_msg(rows[_i].dup || w.res.reason == LW4O6_CNT_DROP_FRAG6_OVERLAP, "%s", rows[_i].name);
}
END_TEST

/* D-153: the same range with other octets, wherever the difference stands. */
START_TEST(duplicate_with_other_octets)
{
	start();
	make_whole(2048);
	w.cfg.per_source = 1000;
	for (uint32_t at = 0; at < 1456; at += 91) {
		ck_assert_int_eq(ADD(.id = at, .len = 1456, .more = true), LW4O6_FRAG_HELD);
		ck_assert_int_eq(ADD(.id = at, .len = 1456, .more = true), LW4O6_FRAG_HELD);
		if (at >= 20) {
			whole[at] ^= 1;
			ck_assert_int_eq(ADD(.id = at, .len = 1456, .more = true), LW4O6_FRAG_DROP);
			ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_OVERLAP);
			whole[at] ^= 1;
		}
	}
	whole[1455] ^= 1;
	ck_assert_int_eq(ADD(.id = 9999, .len = 1456, .more = true), LW4O6_FRAG_HELD);
	whole[1455] ^= 1;
	ck_assert_int_eq(ADD(.id = 9999, .len = 1456, .more = true), LW4O6_FRAG_DROP);
}
END_TEST

/* D-148: another source or identification is another datagram. */
START_TEST(key)
{
	start();
	make_whole(120);
	ck_assert_int_eq(ADD(.src = 1, .id = 1, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 2, .id = 1, .off = 64, .len = 56), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 1, .id = 0x10001, .off = 64, .len = 56), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.src = 1, .id = 1, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
	ck_whole(120);
}
END_TEST

/* D-148, D-160: next header, DSCP and flow label are the first fragment's, and the headers in front of it. */
START_TEST(headers_of_the_first)
{
	struct piece first = { .len = 64, .more = true, .tclass = 0xb8, .ext = _i & 1 ? 16 : 0 };
	struct piece last = { .off = 64, .len = 56, .next = 17, .tclass = 0x20, .ext = _i & 1 ? 0 : 8 };
	uint8_t pkt[200];

	start();
	make_whole(120);
	if (_i & 2)
		ck_assert_int_eq(add(&last, T0), LW4O6_FRAG_HELD);
	size_t n = build(pkt, &first);
	pkt[3] = 0x5a; /* flow label */
	pkt[7] = 3;
	ck_assert_int_eq(add_raw(pkt, n, first.ext ? 40 : 6, 40 + first.ext, T0),
	                 _i & 2 ? LW4O6_FRAG_COMPLETE : LW4O6_FRAG_HELD);
	if (!(_i & 2))
		ck_assert_int_eq(add(&last, T0), LW4O6_FRAG_COMPLETE);

	uint8_t want[200];

	memcpy(want, pkt, 40 + first.ext);
	set16(want + 4, (unsigned)first.ext + 120);
	want[first.ext ? 40 : 6] = 4;
	memcpy(want + 40 + first.ext, whole, 120);
	ck_octets(w.res.data, w.res.len, want, 160 + first.ext);
	memset(w.res.data - LW4O6_FRAG_HEADROOM, 0, LW4O6_FRAG_HEADROOM);
}
END_TEST

/* D-147: V4e1 and V4e2 into a B4 give V4 whole; the last fragment first. */
START_TEST(vector_v4e)
{
	uint8_t inner[2028], outer[2068], cut[2][1500];
	struct lw4o6_frag6_cut c;
	ssize_t n[2];

	start();
	put_outer(outer, inner, v4_fragment(inner, 0, 2008, false, 0x38));
	ck_assert_int_eq(lw4o6_frag6_cut_init(&c, outer, sizeof(outer), 1500, 0x1d2c3b4b), 2);
	for (int i = 0; i < 2; i++)
		n[i] = lw4o6_frag6_cut_next(&c, cut[i], 1500);
	ck_assert_int_eq(add_raw(cut[1], (size_t)n[1], 6, 40, T0), LW4O6_FRAG_HELD);
	ck_assert_int_eq(add_raw(cut[0], (size_t)n[0], 6, 40, T0), LW4O6_FRAG_COMPLETE);
	ck_octets(w.res.data, w.res.len, outer, sizeof(outer));
}
END_TEST

/* D-161, D-164: what we cut, we join, in any order. */
START_TEST(cut_and_join)
{
	static uint8_t pkt[65575], cut[64][66000];
	struct test_rng rng = { 3 };

	w.cfg.max_packet = 65575;
	start();
	for (int round = 0; round < 200; round++) {
		size_t mtu = 1280 + test_rand(&rng) % 1500;
		size_t len = mtu + 1 + test_rand(&rng) % (round % 4 ? 9000 : 65574 - mtu);
		struct lw4o6_frag6_cut c;
		ssize_t n[64];
		int pieces;

		test_random(&rng, pkt, len);
		pkt[0] = 0x60;
		set16(pkt + 4, (unsigned)(len - 40));
		pkt[6] = 4;
		pkt[40] = 0x45;
		pieces = lw4o6_frag6_cut_init(&c, pkt, len, mtu, (uint32_t)round);
		ck_assert(pieces >= 2 && pieces <= 64);
		for (int i = 0; i < pieces; i++)
			n[i] = lw4o6_frag6_cut_next(&c, cut[i], mtu);
		for (int left = pieces; left > 0; left--) {
			int i = (int)(test_rand(&rng) % (unsigned)left);

			ck_assert_int_eq(add_raw(cut[i], (size_t)n[i], 6, 40, T0),
			                 left > 1 ? LW4O6_FRAG_HELD : LW4O6_FRAG_COMPLETE);
			memmove(cut[i], cut[left - 1], 66000);
			n[i] = n[left - 1];
		}
		ck_octets(w.res.data, w.res.len, pkt, len);
	}
}
END_TEST

/* D-154: an atomic fragment passes by while others of its key wait. */
START_TEST(atomic)
{
	start();
	make_whole(120);
	ck_assert_int_eq(ADD(.id = 1, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = 1, .len = 120), LW4O6_FRAG_ATOMIC);
	ck_assert_int_eq(ADD(.id = 1, .off = 64, .len = 56), LW4O6_FRAG_COMPLETE);
	ck_whole(120);
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG6_ATOMIC), 1);
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG6_IN), 3);
}
END_TEST

/* ---- refusals ---- */

/* D-155, D-156, D-157: each with the ICMPv6 error it deserves; the queue is not harmed. */
START_TEST(bad_fragments)
{
	static const struct {
		const char *name;
		struct piece p;
		enum lw4o6_counter reason;
		unsigned type, code, pointer;
	} rows[] = {
		{ "length 1449", { .len = 1449, .more = true }, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 4, 0, 4 },
		{ "no octets, more", { .off = 64, .more = true }, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 0, 0, 0 },
		{ "no octets, last", { .off = 64 }, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 0, 0, 0 },
		{ "beyond 65535", { .off = 65528, .len = 16 }, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 4, 0, 42 },
		{ "beyond 65535 by one", { .off = 65528, .len = 8 }, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 4, 0, 42 },
		{ "beyond, header in front", { .off = 65528, .len = 16, .ext = 8 }, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 4, 0, 50 },
		{ "8 octets first", { .len = 8, .more = true }, LW4O6_CNT_DROP_FRAG6_HEADER_CHAIN, 4, 3, 0 },
		{ "16 octets first", { .len = 16, .more = true }, LW4O6_CNT_DROP_FRAG6_HEADER_CHAIN, 4, 3, 0 },
		{ "IHL 15 in 56 octets", { .len = 56, .more = true, .id = 60 }, LW4O6_CNT_DROP_FRAG6_HEADER_CHAIN, 4, 3, 0 },
		{ "options beyond", { .len = 24, .more = true, .next = 60, .id = 2 }, LW4O6_CNT_DROP_FRAG6_HEADER_CHAIN, 4, 3, 0 },
		{ "options, then 8", { .len = 16, .more = true, .next = 60, .id = 3 }, LW4O6_CNT_DROP_FRAG6_HEADER_CHAIN, 4, 3, 0 },
	};
	const struct piece *p = &rows[_i].p;

	start();
	make_whole(120);
	ck_assert_int_eq(ADD(.id = p->id, .off = 80, .len = 8, .more = true), LW4O6_FRAG_HELD);
	if (p->id == 60)
		whole[0] = 0x4f;
	if (p->next == 60) {
		whole[0] = 4;
		whole[1] = p->id == 2 ? 3 : 0;
		whole[8] = 0x45;
	}
	ck_assert_int_eq(add(p, T0), LW4O6_FRAG_DROP);
	ck_assert_msg(w.res.reason == rows[_i].reason, "%s", rows[_i].name);
	ck_assert_uint_eq(w.res.icmp_type, rows[_i].type);
	ck_assert_uint_eq(w.res.icmp_code, rows[_i].code);
	ck_assert_uint_eq(w.res.icmp_pointer, rows[_i].pointer);
	ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV6), 0);
	make_whole(120);
	ck_assert_int_eq(ADD(.id = p->id, .off = 88, .len = 32), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = p->id, .len = 80, .more = true), LW4O6_FRAG_COMPLETE);
	ck_whole(120);
}
END_TEST

/* D-157: just enough: 24 octets for a header of 20, options in front of it, ICMPv6. */
START_TEST(header_chain_complete)
{
	start();
	make_whole(120);
	ck_assert_int_eq(ADD(.id = 1, .len = 24, .more = true), LW4O6_FRAG_HELD);
	whole[0] = 0x4f;
	ck_assert_int_eq(ADD(.id = 2, .len = 64, .more = true), LW4O6_FRAG_HELD);
	whole[0] = 4;
	whole[1] = 1;
	whole[16] = 0x45;
	ck_assert_int_eq(ADD(.id = 3, .len = 40, .more = true, .next = 60), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = 4, .len = 8, .more = true, .next = 58), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = 5, .len = 8, .more = true, .next = 17), LW4O6_FRAG_HELD);
}
END_TEST

/* D-037: a first fragment and a last one of every length, each in a block of exactly its size. */
START_TEST(every_length)
{
	start();
	make_whole(200);
	for (uint32_t len = 0; len <= 200; len++) {
		for (uint32_t kind = 0; kind < 4; kind++) {
			uint32_t src = 1 + len;

			whole[0] = kind & 1 ? 4 : 0x45;
			whole[1] = 0;
			whole[8] = 0x45;

			enum lw4o6_frag_verdict v = ADD(.src = src, .id = kind, .len = len, .more = true,
			                                .next = kind & 1 ? 60 : 4, .ext = kind & 2 ? 8 : 0);

			if (len % 8 != 0 || len < (kind & 1 ? 28 : 20))
				ck_assert_int_eq(v, LW4O6_FRAG_DROP);
			else
				ck_assert_int_eq(v, LW4O6_FRAG_HELD);
			if (len > 0)
				ck_assert_int_ne(ADD(.src = src, .id = 9 + kind, .off = 64, .len = len), LW4O6_FRAG_DROP);
		}
	}
}
END_TEST

/* D-149: outer 1540 and 9256 pass, 9257 does not; the knob up to 65575. */
START_TEST(size_limit)
{
	static const struct {
		uint32_t limit;
		size_t len; /* of the reassembled packet */
		bool ok;
	} rows[] = {
		{ 0, 1540, true }, { 0, 9256, true }, { 0, 9257, false }, { 1500, 1500, true }, { 1500, 1501, false },
		{ 65575, 65575, true }, { 20000, 20001, false },
	};
	size_t len = rows[_i].len - 40, cut = len / 16 * 8;

	w.cfg.max_packet = rows[_i].limit;
	start();
	make_whole(len);
	ck_assert_int_eq(ADD(.len = cut, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.off = cut, .len = len - cut), rows[_i].ok ? LW4O6_FRAG_COMPLETE : LW4O6_FRAG_DROP);
	if (rows[_i].ok) {
		ck_whole(len);
	} else {
		ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_TOO_BIG);
		ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TOO_BIG), 1);
		ck_assert_int_eq(ADD(.len = cut, .more = true), LW4O6_FRAG_DROP);
		ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_TOO_BIG);
		ck_assert_int_eq(ADD(.id = 1, .off = cut, .len = len - cut), LW4O6_FRAG_DROP); /* at once */
		ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_TOO_BIG);
	}
}
END_TEST

/* D-149: headers in front of the Fragment header of the first fragment count too, and are known last. */
START_TEST(size_limit_with_headers)
{
	w.cfg.max_packet = 1500;
	start();
	make_whole(1456);
	ck_assert_int_eq(ADD(.off = 1448, .len = 8), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.len = 1448, .more = true, .ext = 8), LW4O6_FRAG_DROP);
	ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_TOO_BIG);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_TOO_BIG), 1);
	ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROP_FRAG6_TOO_BIG], 56);
}
END_TEST

/* D-159: all mixes of two and three; the datagram lives, or all of it is dropped. */
START_TEST(ecn)
{
	start();
	make_whole(120);
	for (unsigned mix = 0; mix < 64; mix++) {
		uint8_t e[3] = { mix & 3, mix >> 2 & 3, mix >> 4 & 3 };
		bool ce = e[0] == 3 || e[1] == 3 || e[2] == 3, not = !e[0] || !e[1] || !e[2];
		bool same = e[0] == e[1] && e[1] == e[2];
		unsigned want = same ? e[0] : ce ? 3 : not ? 0 : 2;
		uint64_t before = count(LW4O6_CNT_DROP_FRAG6_ECN);

		ck_assert_int_eq(ADD(.id = mix, .len = 40, .more = true, .tclass = 0xb8 | e[0]), LW4O6_FRAG_HELD);
		ck_assert_int_eq(ADD(.id = mix, .off = 80, .len = 40, .tclass = e[1]), LW4O6_FRAG_HELD);
		enum lw4o6_frag_verdict v = ADD(.id = mix, .off = 40, .len = 40, .more = true, .tclass = 0xfc | e[2]);
		if (ce && not) {
			ck_assert_int_eq(v, LW4O6_FRAG_DROP);
			ck_assert_uint_eq(w.res.reason, LW4O6_CNT_DROP_FRAG6_ECN);
			ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG6_ECN) - before, 2);
			lw4o6_frag6_flush(w.f);
		} else {
			ck_assert_int_eq(v, LW4O6_FRAG_COMPLETE);
			ck_assert_uint_eq(at16(w.res.data) >> 4 & 0xff, 0xb8 | want);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag6");
	TCase *tc = tcase_create("frag6");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, permutations);
	tcase_add_loop_test(tc, permutations_with_duplicate, 0, N);
	tcase_add_test(tc, permutations_with_overlap);
	tcase_add_loop_test(tc, permutations_with_one_missing, 0, N);
	tcase_add_loop_test(tc, overlap_kinds, 0, 15);
	tcase_add_test(tc, duplicate_with_other_octets);
	tcase_add_test(tc, key);
	tcase_add_loop_test(tc, headers_of_the_first, 0, 4);
	tcase_add_test(tc, vector_v4e);
	tcase_add_test(tc, cut_and_join);
	tcase_add_test(tc, atomic);
	tcase_add_loop_test(tc, bad_fragments, 0, 11);
	tcase_add_test(tc, header_chain_complete);
	tcase_add_test(tc, every_length);
	tcase_add_loop_test(tc, size_limit, 0, 7);
	tcase_add_test(tc, size_limit_with_headers);
	tcase_add_test(tc, ecn);
	suite_add_tcase(s, tc);
	return test_main(s);
}
