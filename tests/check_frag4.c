/* Reassembly: order, overlap, headers, what is refused. */
#include "frag4_rig.h"

/* ---- order, duplicates, overlap ---- */

enum { N = 5, SIZE = 64, WHOLE = 4 * SIZE + 33 };

static struct piece nth(unsigned i)
{
	return (struct piece){ .id = 7, .off = i * SIZE, .len = i == N - 1 ? 33 : SIZE, .more = i < N - 1 };
}

static void ck_whole(size_t len)
{
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, w.res.data, w.res.len), LW4O6_IP4_OK);
	ck_assert(h.total == w.res.len && h.frag_off == 0 && !h.mf);
	ck_octets(w.res.data + h.hlen, w.res.len - h.hlen, whole, len);
}

/* D-172, D-174: virtual, all 120 orders: each fragment passes once, the first one first, and the context ends. */
START_TEST(virtual_permutations)
{
	unsigned order[N] = { 0, 1, 2, 3, 4 };
	struct lw4o6_frag_usage u;

	start();
	do {
		bool first = false;

		w.norder = 0;
		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]);
			enum lw4o6_frag_verdict v = add(&p, T0);

			ck_assert_int_eq(v, order[i] == 0 ? LW4O6_FRAG_FIRST : first ? LW4O6_FRAG_FOLLOW : LW4O6_FRAG_HELD);
			first = first || order[i] == 0;
		}
		ck_assert_uint_eq(w.norder, N);
		ck_assert_uint_eq(w.order[0], 0);
		lw4o6_frag4_usage(w.f, &u);
		ck_assert(u.contexts == 0 && u.memory == 0);
	} while (next_permutation(order, N));
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_VIRTUAL_DONE), 120);
	ck_assert_uint_eq(w.sent, 600);
}
END_TEST

/* D-173, D-174: full, all 120 orders. */
START_TEST(full_permutations)
{
	unsigned order[N] = { 0, 1, 2, 3, 4 };

	start();
	do {
		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]);

			ck_assert_int_eq(add(&p, T0), i < N - 1 ? LW4O6_FRAG_HELD : LW4O6_FRAG_COMPLETE);
		}
		ck_whole(WHOLE);
		w.joined += N;
	} while (next_permutation(order, N));
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_FULL_DONE), 120);
}
END_TEST

/* D-177: one of five comes twice, in every order, at once and at the end. */
START_TEST(permutations_with_duplicate)
{
	unsigned twice = (unsigned)_i % N, order[N] = { 0, 1, 2, 3, 4 };
	bool full = _i >= N;

	w.cfg.mode = full ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	start();
	do {
		unsigned pos = 0;

		while (order[pos] != twice)
			pos++;
		if (pos == N - 1)
			continue;
		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]), again = nth(twice);

			ck_assert_int_ne(add(&p, T0), LW4O6_FRAG_DROP);
			if (i >= pos && i < N - 1) {
				enum lw4o6_frag_verdict v = add(&again, T0);

				ck_assert(v == LW4O6_FRAG_HELD || (!full && v == LW4O6_FRAG_FOLLOW));
			}
		}
		if (full) {
			ck_whole(WHOLE);
			w.joined += N;
		}
	} while (next_permutation(order, N));
	ck_assert_uint_eq(w.dropped, 0);
	ck_assert_uint_eq(count(full ? LW4O6_CNT_FRAG4_FULL_DONE : LW4O6_CNT_FRAG4_VIRTUAL_DONE), 96);
}
END_TEST

/* D-177: an overlap anywhere ends the datagram: nothing that is held passes, nothing that comes later. */
START_TEST(permutations_with_overlap)
{
	unsigned order[N] = { 0, 1, 2, 3, 4 };
	uint32_t id = 100;
	bool full = _i;

	w.cfg.mode = full ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	w.cfg.per_softwire = w.cfg.per_source_net = w.cfg.contexts = 1000;
	start();
	do {
		for (unsigned at = 1; at < N; at++, id++) {
			for (unsigned i = 0; i < N; i++) {
				struct piece p = nth(order[i]);

				p.id = id;
				if (i == at) {
					struct piece seen = nth(order[0]);

					ck_dropped(ADD(.id = id, .off = seen.off + seen.len / 8 * 8 - 8, .len = 16, .more = true),
					           LW4O6_CNT_DROP_FRAG4_OVERLAP);
				}
				if (i < at)
					ck_assert_int_ne(add(&p, T0), LW4O6_FRAG_DROP);
				else
					ck_dropped(add(&p, T0), LW4O6_CNT_DROP_FRAG4_OVERLAP);
			}
		}
	} while (next_permutation(order, N));
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_FULL_DONE) + count(LW4O6_CNT_FRAG4_VIRTUAL_DONE), 0);
}
END_TEST

/* D-175, D-172: one of five never comes. Without the first nothing passes; else all but the missing one. */
START_TEST(permutations_with_one_missing)
{
	unsigned missing = (unsigned)_i % N, order[N] = { 0, 1, 2, 3, 4 };
	bool full = _i >= N;
	struct lw4o6_frag_expired ex;

	w.cfg.mode = full ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	start();
	do {
		uint64_t before = count(LW4O6_CNT_DROP_FRAG4_TIMEOUT), sent_before = w.sent;
		bool passes = !full && missing != 0;

		for (unsigned i = 0; i < N; i++) {
			struct piece p = nth(order[i]);

			if (order[i] != missing)
				ck_assert_int_ne(add(&p, T0), LW4O6_FRAG_DROP);
		}
		ck_assert(lw4o6_frag4_expire(w.f, T0 + 60 * LW4O6_SEC, &ex));
		ck_assert(!lw4o6_frag4_expire(w.f, T0 + 60 * LW4O6_SEC, &ex));
		ck_assert_uint_eq(w.sent - sent_before, passes ? 4 : 0);
		ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TIMEOUT) - before, passes ? 0 : 4);
	} while (next_permutation(order, N));
}
END_TEST

/* D-177: teardrop and its kin, whether the first of the two was held or has passed. */
START_TEST(overlap_kinds)
{
	static const struct {
		struct piece a, b;
		bool dup;
	} rows[] = {
		{ { .off = 8, .len = 64, .more = true }, { .off = 8, .len = 64, .more = true }, true },
		{ { .off = 64, .len = 63 }, { .off = 64, .len = 63 }, true },
		{ { .off = 8, .len = 64, .more = true }, { .off = 8, .len = 56, .more = true }, false },
		{ { .off = 8, .len = 64, .more = true }, { .off = 8, .len = 72, .more = true }, false },
		{ { .off = 24, .len = 64, .more = true }, { .off = 32, .len = 4 }, false }, /* teardrop */
		{ { .off = 24, .len = 64, .more = true }, { .off = 16, .len = 16, .more = true }, false },
		{ { .off = 64, .len = 8 }, { .off = 128, .len = 8 }, false },
		{ { .off = 128, .len = 8 }, { .off = 64, .len = 8 }, false },
		{ { .off = 64, .len = 8 }, { .off = 80, .len = 8, .more = true }, false },
		{ { .off = 64, .len = 8 }, { .off = 72, .len = 8, .more = true }, false },
		{ { .off = 80, .len = 8, .more = true }, { .off = 64, .len = 8 }, false },
		{ { .off = 64, .len = 64 }, { .off = 64, .len = 64, .more = true }, false },
		{ { .off = 64, .len = 64, .more = true }, { .off = 64, .len = 64 }, false },
	};
	unsigned row = (unsigned)_i % 13, how = (unsigned)_i / 13;

	w.cfg.mode = how == 2 ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	start();
	if (how == 1)
		ck_assert_int_eq(ADD(.len = 8, .more = true), LW4O6_FRAG_FIRST);
	ck_assert_int_eq(add(&rows[row].a, T0), how == 1 ? LW4O6_FRAG_FOLLOW : LW4O6_FRAG_HELD);
	if (rows[row].dup)
		ck_assert_int_eq(add(&rows[row].b, T0), how == 1 ? LW4O6_FRAG_FOLLOW : LW4O6_FRAG_HELD);
	else
		ck_dropped(add(&rows[row].b, T0), LW4O6_CNT_DROP_FRAG4_OVERLAP);
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_DUPLICATE), rows[row].dup && how != 1);
	if (!rows[row].dup)
		ck_dropped(ADD(.len = 8, .more = true), LW4O6_CNT_DROP_FRAG4_OVERLAP);
}
END_TEST

/* Section 7: a second first fragment of the same length with another port, or another quote, never passes. */
START_TEST(other_port_behind_the_check)
{
	static const size_t at[] = { 0, 3, 7, 60, 75 };

	start();
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(ADD(.id = i, .len = 128, .more = true, .protocol = 1), LW4O6_FRAG_FIRST);
		ck_assert_int_eq(ADD(.id = i, .len = 128, .more = true, .protocol = 1), LW4O6_FRAG_FOLLOW);
		whole[at[i]] ^= 0x40;
		ck_dropped(ADD(.id = i, .len = 128, .more = true, .protocol = 1), LW4O6_CNT_DROP_FRAG4_OVERLAP);
		whole[at[i]] ^= 0x40;
		ck_dropped(ADD(.id = i, .off = 128, .len = 8, .protocol = 1), LW4O6_CNT_DROP_FRAG4_OVERLAP);
	}
}
END_TEST

/* Held fragments compare their octets too. */
START_TEST(held_duplicate_with_other_octets)
{
	start();
	ck_assert_int_eq(ADD(.off = 64, .len = 1000, .more = true), LW4O6_FRAG_HELD);
	whole[1063] ^= 1;
	ck_dropped(ADD(.off = 64, .len = 1000, .more = true), LW4O6_CNT_DROP_FRAG4_OVERLAP);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_OVERLAP), 1);
}
END_TEST

/* D-170: protocol, softwire, side and hairpin are part of the key. */
START_TEST(key)
{
	static const struct lw4o6_frag4_from from[] = {
		{ LW4O6_SIDE_IPV4, false, 0 }, { LW4O6_SIDE_IPV6, false, 0 }, { LW4O6_SIDE_IPV6, false, 5 },
		{ LW4O6_SIDE_IPV6, false, 6 }, { LW4O6_SIDE_IPV6, true, 5 },
	};
	static const struct piece pieces[] = {
		{ .off = 8, .len = 8 }, { .off = 16, .len = 8 }, { .off = 24, .len = 8 },
	};
	struct lw4o6_frag_usage u;

	start();
	for (unsigned i = 0; i < 5; i++) {
		w.from = from[i];
		for (unsigned j = 0; j < 3; j++) {
			struct piece p = pieces[j]; /* three ends: in one datagram they would be an overlap */

			p.protocol = j == 1 ? 136 : 17;
			p.src = j == 2 ? SERVER + 1 : SERVER;
			ck_assert_int_eq(add(&p, T0), LW4O6_FRAG_HELD);
			p.id = 1;
			p.dst = SHARED + 1;
			ck_assert_int_eq(add(&p, T0), LW4O6_FRAG_HELD);
		}
	}
	lw4o6_frag4_usage(w.f, &u);
	ck_assert_uint_eq(u.contexts, 30);

	/* drops count on the side where the fragments came in */
	lw4o6_frag4_flush(w.f);
	ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV4), 6);
	ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV6), 24);
}
END_TEST

/* D-172: V4a and V4b, the second first: both leave as they came. */
START_TEST(vector_v4_virtual)
{
	uint8_t a[1500], b[548], want[48];
	uint8_t *held;
	size_t len;
	struct lw4o6_ip4 h;

	start();
	v4_fragment(a, 0, 1480, true, 0x39);
	v4_fragment(b, 1480, 528, false, 0x39);
	ck_octets(a, 48, want, unhex(want, 48, "45 00 05 dc be ef 20 00 39 11 b0 d4 c6 33 64 07 c0 00 02 12 13 88 d0 98"
	                                       "07 d8 c4 1f 00 07 0e 15 1c 23 2a 31 38 3f 46 4d 54 5b 62 69 70 77 7e 85"));
	ck_octets(b, 48, want, unhex(want, 48, "45 00 02 24 be ef 00 b9 39 11 d3 d3 c6 33 64 07 c0 00 02 12 40 47 4e 55"
	                                       "5c 63 6a 71 78 7f 86 8d 94 9b a2 a9 b0 b7 be c5 cc d3 da e1 e8 ef f6 fd"));
	ck_assert_int_eq(lw4o6_ip4_decode(&h, b, sizeof(b)), LW4O6_IP4_OK);
	ck_assert_int_eq(lw4o6_frag4_add(w.f, &w.from, &h, b, T0, &w.res), LW4O6_FRAG_HELD);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, a, sizeof(a)), LW4O6_IP4_OK);
	ck_assert_int_eq(lw4o6_frag4_add(w.f, &w.from, &h, a, T0, &w.res), LW4O6_FRAG_FIRST);
	lw4o6_frag4_decide(w.f, w.res.ref, true, 1, NULL, 0);
	ck_assert(lw4o6_frag4_next_held(w.f, w.res.ref, &held, &len));
	ck_octets(held, len, b, sizeof(b));
	ck_assert(!lw4o6_frag4_next_held(w.f, w.res.ref, &held, &len));
	ck_assert(!lw4o6_frag4_next_held(w.f, w.res.ref, &held, &len));
	w.sent = 2;
}
END_TEST

/* D-173: V4e's inner packet, before the TTL goes down. */
START_TEST(vector_v4_full)
{
	uint8_t pkt[1500], want[2028];
	size_t len;

	start();
	len = v4_fragment(pkt, 1480, 528, false, 0x20);
	ck_assert_int_eq(add_raw(pkt, len, T0), LW4O6_FRAG_HELD);
	len = v4_fragment(pkt, 0, 1480, true, 0x38);
	ck_assert_int_eq(add_raw(pkt, len, T0), LW4O6_FRAG_COMPLETE);
	v4_fragment(want, 0, 2008, false, 0x38);
	ck_octets(w.res.data, w.res.len, want, sizeof(want));
	ck_octets(w.res.data, 20, want, unhex(want, 20, "45 00 07 ec be ef 00 00 38 11 cf c4 c6 33 64 07 c0 00 02 12"));
	memset(w.res.data - LW4O6_FRAG_HEADROOM, 0, LW4O6_FRAG_HEADROOM);
	w.joined = 2;
}
END_TEST

/* D-173, D-181, D-188: options, DF, reserved bit, TOS of the first fragment; the checksum is right. */
START_TEST(full_header)
{
	struct lw4o6_ip4 h;

	start();
	ck_assert_int_eq(ADD(.off = 64, .len = 40, .tos = 0x20), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.len = 64, .more = true, .tos = 0xb8, .hlen = 28, .df = true, .reserved = true),
	                 LW4O6_FRAG_COMPLETE);
	ck_whole(104);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, w.res.data, w.res.len), LW4O6_IP4_OK);
	ck_assert(h.hlen == 28 && h.tos == 0xb8 && h.df && (w.res.data[6] & 0x80));
	w.joined = 2;
}
END_TEST

/* D-181, D-188: virtual mode passes the flags as they are. */
START_TEST(virtual_flags)
{
	start();
	ck_assert_int_eq(ADD(.off = 64, .len = 40, .df = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.len = 64, .more = true, .df = true, .reserved = true), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 2);
}
END_TEST

/* D-183: all mixes of three. */
START_TEST(full_ecn)
{
	start();
	for (unsigned mix = 0; mix < 64; mix++) {
		uint8_t e[3] = { mix & 3, mix >> 2 & 3, mix >> 4 & 3 };
		bool ce = e[0] == 3 || e[1] == 3 || e[2] == 3, not = !e[0] || !e[1] || !e[2];
		bool same = e[0] == e[1] && e[1] == e[2];
		unsigned want = same ? e[0] : ce ? 3 : not ? 0 : 2;

		ck_assert_int_eq(ADD(.id = mix, .len = 40, .more = true, .tos = 0xb8 | e[0]), LW4O6_FRAG_HELD);
		ck_assert_int_eq(ADD(.id = mix, .off = 80, .len = 40, .tos = e[1]), LW4O6_FRAG_HELD);
		enum lw4o6_frag_verdict v = ADD(.id = mix, .off = 40, .len = 40, .more = true, .tos = 0xfc | e[2]);
		if (ce && not) {
			ck_dropped(v, LW4O6_CNT_DROP_FRAG4_ECN);
			lw4o6_frag4_flush(w.f);
		} else {
			ck_assert_int_eq(v, LW4O6_FRAG_COMPLETE);
			ck_assert_uint_eq(w.res.data[1], 0xb8 | want);
			ck_whole(120);
			w.joined += 3;
		}
	}
}
END_TEST

/* ---- refusals ---- */

/* D-176: the refusal is remembered until the timeout; held ones go at once. */
START_TEST(refused_first)
{
	struct lw4o6_frag_expired ex;
	struct piece follow = { .off = 128, .len = 8 }, first = { .len = 64, .more = true };

	start();
	w.refuse = true;
	ck_assert_int_eq(ADD(.off = 64, .len = 64, .more = true), LW4O6_FRAG_HELD);
	ck_assert_int_eq(add(&first, T0), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_UNBOUND), 1);
	w.refuse = false;
	ck_dropped(add(&follow, T0 + 59900 * LW4O6_MSEC), LW4O6_CNT_DROP_FRAG4_UNBOUND);
	ck_dropped(add(&first, T0 + 59900 * LW4O6_MSEC), LW4O6_CNT_DROP_FRAG4_UNBOUND);
	ck_assert(lw4o6_frag4_expire(w.f, T0 + 60 * LW4O6_SEC, &ex));
	ck_assert_int_eq(add(&first, T0 + 60 * LW4O6_SEC), LW4O6_FRAG_FIRST);
	ck_assert_uint_eq(w.sent, 1);
}
END_TEST

/* A caller that forgets to decide lets nothing through. */
START_TEST(undecided)
{
	uint8_t pkt[100], *held;
	struct piece p = { .len = 64, .more = true };
	struct lw4o6_ip4 h;
	size_t len = build(pkt, &p);

	start();
	ck_assert_int_eq(lw4o6_ip4_decode(&h, pkt, len), LW4O6_IP4_OK);
	ck_assert_int_eq(lw4o6_frag4_add(w.f, &w.from, &h, pkt, T0, &w.res), LW4O6_FRAG_FIRST);
	w.dropped++;
	struct lw4o6_frag4_ref ref = w.res.ref;

	ck_assert_int_eq(ADD(.off = 64, .len = 8, .more = true), LW4O6_FRAG_HELD);
	ck_assert(!lw4o6_frag4_next_held(w.f, ref, &held, &len));
	ck_dropped(ADD(.len = 64, .more = true), LW4O6_CNT_DROP_FRAG4_UNBOUND);
	ck_dropped(ADD(.off = 72, .len = 8), LW4O6_CNT_DROP_FRAG4_UNBOUND);
}
END_TEST

/* D-172: the last fragment passes before those that waited have been fetched: they are not lost. */
START_TEST(fetched_late)
{
	struct piece first = { .len = 64, .more = true }, held = { .off = 64, .len = 64, .more = true };
	struct lw4o6_frag4_ref ref;
	struct lw4o6_ip4 h;
	uint8_t pkt[200], *data;
	size_t len = build(pkt, &first);

	start();
	ck_assert_int_eq(add(&held, T0), LW4O6_FRAG_HELD);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, pkt, len), LW4O6_IP4_OK);
	ck_assert_int_eq(lw4o6_frag4_add(w.f, &w.from, &h, pkt, T0, &w.res), LW4O6_FRAG_FIRST);
	ref = w.res.ref;
	lw4o6_frag4_decide(w.f, ref, true, w.softwire, &(struct decision){ w.softwire, "decided" },
	                   sizeof(struct decision));
	sent(pkt, len);
	ck_assert_int_eq(ADD(.off = 128, .len = 8), LW4O6_FRAG_FOLLOW);
	ck_assert(lw4o6_frag4_next_held(w.f, ref, &data, &len));
	ck_octets(data, len, pkt, build(pkt, &held));
	w.sent++;
	ck_assert(!lw4o6_frag4_next_held(w.f, ref, &data, &len));
	ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_VIRTUAL_DONE), 1);
}
END_TEST

/* D-178: the whole datagram goes, in whichever order; other protocols have no such rule. */
START_TEST(tiny)
{
	static const struct {
		struct piece p;
		bool tiny;
	} rows[] = {
		{ { .protocol = 6, .len = 8, .more = true }, true },
		{ { .protocol = 6, .len = 16, .more = true }, true },
		{ { .protocol = 6, .len = 24, .more = true }, false },
		{ { .protocol = 6, .off = 8, .len = 64, .more = true }, true },
		{ { .protocol = 6, .off = 16, .len = 64, .more = true }, false },
		{ { .protocol = 17, .len = 8, .more = true }, false },
		{ { .protocol = 17, .off = 8, .len = 64, .more = true }, false },
		{ { .protocol = 1, .len = 8, .more = true }, false },
		{ { .protocol = 132, .len = 8, .more = true }, false },
		{ { .protocol = 47, .len = 8, .more = true }, false },
	};
	struct piece held = rows[_i].p;

	start();
	held.off = 256;
	held.len = 64;
	ck_assert_int_eq(add(&held, T0), LW4O6_FRAG_HELD);
	if (!rows[_i].tiny) {
		ck_assert_int_ne(add(&rows[_i].p, T0), LW4O6_FRAG_DROP);
		return;
	}
	ck_dropped(add(&rows[_i].p, T0), LW4O6_CNT_DROP_FRAG4_TINY);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TINY), 1);
	held.off = 320;
	ck_dropped(add(&held, T0), LW4O6_CNT_DROP_FRAG4_TINY);
}
END_TEST

/* D-179, D-180: that fragment only. */
START_TEST(bad_length)
{
	static const struct {
		struct piece p;
		bool bad;
	} rows[] = {
		{ { .len = 1479, .more = true }, true },
		{ { .off = 8, .more = true }, true },
		{ { .off = 8 }, true },
		{ { .off = 65528, .len = 16 }, true },                /* ping of death */
		{ { .off = 65504, .len = 12 }, true },                /* 65516 + 20 */
		{ { .off = 65504, .len = 11 }, false },
		{ { .off = 65504, .len = 11, .hlen = 24 }, true },
	};

	start();
	ck_assert_int_eq(ADD(.off = 1600, .len = 64, .more = true), LW4O6_FRAG_HELD);
	if (rows[_i].bad)
		ck_dropped(add(&rows[_i].p, T0), LW4O6_CNT_DROP_FRAG4_BAD_LENGTH);
	else
		ck_assert_int_eq(add(&rows[_i].p, T0), LW4O6_FRAG_HELD);
	ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV4), 0);
	ck_assert_int_eq(ADD(.len = 1600, .more = true), LW4O6_FRAG_FIRST);
}
END_TEST

/* D-171 */
START_TEST(disabled)
{
	struct lw4o6_frag_usage u;

	w.cfg.mode = LW4O6_FRAG4_DROP;
	start();
	ck_dropped(ADD(.len = 64, .more = true), LW4O6_CNT_DROP_FRAG4_DISABLED);
	ck_dropped(ADD(.off = 64, .len = 64), LW4O6_CNT_DROP_FRAG4_DISABLED);
	lw4o6_frag4_usage(w.f, &u);
	ck_assert_uint_eq(u.contexts, 0);
}
END_TEST

/* D-173: larger than the limit, known at once or only with the header of the first. */
START_TEST(full_too_big)
{
	w.cfg.max_packet = 1000;
	start();
	ck_assert_int_eq(ADD(.id = 1, .off = 800, .len = 180), LW4O6_FRAG_HELD);
	ck_assert_int_eq(ADD(.id = 1, .len = 800, .more = true), LW4O6_FRAG_COMPLETE);
	ck_whole(980);
	w.joined = 2;
	ck_assert_int_eq(ADD(.id = 2, .off = 0, .len = 800, .more = true), LW4O6_FRAG_HELD);
	ck_dropped(ADD(.id = 2, .off = 800, .len = 181), LW4O6_CNT_DROP_FRAG4_TOO_BIG);
	ck_dropped(ADD(.id = 2, .off = 800, .len = 180), LW4O6_CNT_DROP_FRAG4_TOO_BIG);
	ck_assert_int_eq(ADD(.id = 3, .off = 800, .len = 180), LW4O6_FRAG_HELD);
	ck_dropped(ADD(.id = 3, .len = 800, .more = true, .hlen = 24), LW4O6_CNT_DROP_FRAG4_TOO_BIG);
	ck_assert_uint_eq(count(LW4O6_CNT_DROP_FRAG4_TOO_BIG), 2);
	ck_assert_int_eq(ADD(.id = 4, .off = 800, .len = 180), LW4O6_FRAG_HELD);
	ck_dropped(ADD(.id = 5, .off = 800, .len = 181), LW4O6_CNT_DROP_FRAG4_TOO_BIG); /* at once */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag4");
	TCase *tc = tcase_create("frag4"), *full = tcase_create("full");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, virtual_permutations);
	tcase_add_loop_test(tc, permutations_with_duplicate, 0, 2 * N);
	tcase_add_loop_test(tc, permutations_with_overlap, 0, 2);
	tcase_add_loop_test(tc, permutations_with_one_missing, 0, 2 * N);
	tcase_add_loop_test(tc, overlap_kinds, 0, 3 * 13);
	tcase_add_test(tc, other_port_behind_the_check);
	tcase_add_test(tc, held_duplicate_with_other_octets);
	tcase_add_test(tc, key);
	tcase_add_test(tc, vector_v4_virtual);
	tcase_add_test(tc, virtual_flags);
	tcase_add_test(tc, refused_first);
	tcase_add_test(tc, undecided);
	tcase_add_test(tc, fetched_late);
	tcase_add_loop_test(tc, tiny, 0, 10);
	tcase_add_loop_test(tc, bad_length, 0, 7);
	tcase_add_test(tc, disabled);
	suite_add_tcase(s, tc);

	tcase_add_checked_fixture(full, setup_full, teardown);
	tcase_add_test(full, full_permutations);
	tcase_add_test(full, vector_v4_full);
	tcase_add_test(full, full_header);
	tcase_add_test(full, full_ecn);
	tcase_add_test(full, full_too_big);
	suite_add_tcase(s, full);
	return test_main(s);
}
