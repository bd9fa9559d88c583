#include "failmem.h"
#include "fragments.h"

#include <talloc.h>

static const lw4o6_time T0 = 1000 * LW4O6_SEC;
static const uint32_t SERVER = 0xc6336407, SHARED = 0xc0000212;

/* What a caller would keep: which way the datagram goes. */
struct decision {
	uint64_t softwire;
	const char *name;
};

/* A table, its counters, what its verdicts said, and what a caller would have sent. */
static struct {
	TALLOC_CTX *mem;
	struct lw4o6_frag4 *f;
	struct lw4o6_counters c;
	struct lw4o6_frag4_config cfg;
	struct lw4o6_frag4_result res;
	struct lw4o6_frag4_from from;
	uint64_t dropped, sent, joined;
	bool refuse;
	uint64_t softwire; /* that the first fragment finds */
	unsigned order[64], norder; /* offset / 8 of what was sent */
} w;

static uint8_t whole[65536 + 64];

static uint64_t count(enum lw4o6_counter c)
{
	return w.c.packets[c];
}

static void setup(void)
{
	memset(&w, 0, sizeof(w));
	w.mem = talloc_new(NULL);
	lw4o6_frag4_config_init(&w.cfg);
	w.cfg.counters = &w.c;
	w.cfg.hash_key[1] = 0x0123456789abcdef;
	w.cfg.memory = (size_t)1 << 20;
	w.cfg.contexts = 64;
	w.softwire = 77;
	for (size_t i = 0; i < sizeof(whole); i++)
		whole[i] = (uint8_t)(i * 31 >> 3);
}

static void setup_full(void)
{
	setup();
	w.cfg.mode = LW4O6_FRAG4_FULL;
}

static void start(void)
{
	ck_assert_ptr_nonnull(w.f = lw4o6_frag4_new(w.mem, &w.cfg));
}

/* Every fragment ended in one counter; nothing is left behind (data-plane section 5.1). */
static void teardown(void)
{
	struct lw4o6_frag_usage u;
	uint64_t reasons = 0, octets = 0;

	if (w.f) {
		lw4o6_frag4_flush(w.f);
		lw4o6_frag4_usage(w.f, &u);
		ck_assert(u.contexts == 0 && u.memory == 0);
		ck_assert_uint_eq(lw4o6_frag4_expiry(w.f), LW4O6_TIME_NONE);
		for (unsigned r = LW4O6_CNT_DROP_FRAG4_OVERLAP; r <= LW4O6_CNT_DROP_FRAG4_ECN; r++) {
			reasons += w.c.packets[r];
			octets += w.c.octets[r];
		}
		ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV4_FRAGMENT), reasons);
		ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROPPED_IPV4_FRAGMENT], octets);
		ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV4) + count(LW4O6_CNT_DROPPED_IPV6), reasons);
		ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROPPED_IPV4] + w.c.octets[LW4O6_CNT_DROPPED_IPV6], octets);
		ck_assert_uint_eq(count(LW4O6_CNT_FRAG4_IN),
		                  w.dropped + w.sent + w.joined + reasons + count(LW4O6_CNT_FRAG4_DUPLICATE));
		talloc_free(w.f);
	}
	ck_assert_uint_eq(talloc_total_blocks(w.mem), 1);
	talloc_free(w.mem);
}

/* What a fragment is made of; zero means: UDP, from SERVER to SHARED. */
struct piece {
	uint32_t src, dst, id;
	size_t off, len;
	bool more, df, reserved;
	uint8_t protocol, tos;
	size_t hlen;
};

static size_t build(uint8_t *dst, const struct piece *p)
{
	unsigned frag = (p->reserved ? 0x8000u : 0) | (p->df ? 0x4000u : 0) | (p->more ? 0x2000u : 0) |
	                (unsigned)p->off / 8;

	return put_ip4(dst, p->src ? p->src : SERVER, p->dst ? p->dst : SHARED, p->protocol ? p->protocol : 17, p->id,
	               frag, p->tos, 57, p->hlen ? p->hlen : 20, whole + p->off, p->len);
}

static void sent(const uint8_t *data, size_t len)
{
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, data, len), LW4O6_IP4_OK);
	ck_octets(data + h.hlen, (size_t)h.total - h.hlen, whole + h.frag_off, (size_t)h.total - h.hlen);
	if (w.norder < 64)
		w.order[w.norder++] = h.frag_off / 8;
	w.sent++;
}

/* What a caller does with each verdict. */
static enum lw4o6_frag_verdict add_raw(const uint8_t *pkt, size_t len, lw4o6_time now)
{
	uint8_t *exact = malloc(len), *held;
	struct lw4o6_ip4 h;

	memcpy(exact, pkt, len);
	ck_assert_int_eq(lw4o6_ip4_decode(&h, exact, len), LW4O6_IP4_OK);

	enum lw4o6_frag_verdict v = lw4o6_frag4_add(w.f, &w.from, &h, exact, now, &w.res);

	switch (v) {
	case LW4O6_FRAG_FIRST:
		lw4o6_frag4_decide(w.f, w.res.ref, !w.refuse, w.softwire,
		                   &(struct decision){ w.softwire, "decided" }, sizeof(struct decision));
		if (w.refuse)
			w.dropped++;
		else
			sent(exact, len);
		while (lw4o6_frag4_next_held(w.f, w.res.ref, &held, &len)) {
			memset(held - LW4O6_FRAG_HEADROOM, 0xee, LW4O6_FRAG_HEADROOM);
			sent(held, len);
		}
		break;
	case LW4O6_FRAG_FOLLOW: {
		struct decision d;

		memcpy(&d, w.res.decision, sizeof(d));
		ck_assert_str_eq(d.name, "decided");
		ck_assert_uint_eq(d.softwire, w.softwire);
		sent(exact, len);
		break;
	}
	case LW4O6_FRAG_DROP:
		w.dropped++;
		break;
	default:
		break;
	}
	free(exact);
	return v;
}

static enum lw4o6_frag_verdict add(const struct piece *p, lw4o6_time now)
{
	static uint8_t pkt[65600];

	return add_raw(pkt, build(pkt, p), now);
}

#define ADD(...) add(&(struct piece){ __VA_ARGS__ }, T0)

static void ck_dropped(enum lw4o6_frag_verdict v, enum lw4o6_counter reason)
{
	ck_assert_int_eq(v, LW4O6_FRAG_DROP);
	ck_assert_str_eq(lw4o6_counter_name(w.res.reason), lw4o6_counter_name(reason));
}

/* ---- order, duplicates, overlap ---- */

enum { N = 5, SIZE = 64, WHOLE = 4 * SIZE + 33 };

static struct piece nth(unsigned i)
{
	return (struct piece){ .id = 7, .off = i * SIZE, .len = i == N - 1 ? 33 : SIZE, .more = i < N - 1 };
}

static bool next_permutation(unsigned *a, unsigned n)
{
	unsigned i = n - 1, j = n - 1;

	while (i > 0 && a[i - 1] >= a[i])
		i--;
	if (i == 0)
		return false;
	while (a[j] <= a[i - 1])
		j--;

	unsigned x = a[i - 1];

	a[i - 1] = a[j];
	a[j] = x;
	for (j = n - 1; i < j; i++, j--) {
		x = a[i];
		a[i] = a[j];
		a[j] = x;
	}
	return true;
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

/* Section 7: a second first fragment of the same length with another port, or another quoted packet, never passes. */
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
	ck_assert(!lw4o6_frag4_next_held(w.f, w.res.ref, &held, &len));
	ck_assert_int_eq(ADD(.off = 64, .len = 8, .more = true), LW4O6_FRAG_HELD);
	ck_dropped(ADD(.len = 64, .more = true), LW4O6_CNT_DROP_FRAG4_UNBOUND);
	ck_dropped(ADD(.off = 72, .len = 8), LW4O6_CNT_DROP_FRAG4_UNBOUND);
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
}
END_TEST

/* ---- time ---- */

/* D-175: default 60 s, knob 2 to 120, from the first that came; virtual mode says nothing, full mode gives the first fragment. */
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

/* D-184, section 7: a flood with unique identifications: memory is bounded, another source and softwire still get through. */
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
			             .dst = SHARED + (_i ? (uint32_t)test_rand(&rng) % 16 : 0), .id = (uint32_t)test_rand(&rng) & 0xffff,
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
	tcase_add_loop_test(tc, tiny, 0, 10);
	tcase_add_loop_test(tc, bad_length, 0, 7);
	tcase_add_test(tc, disabled);
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

	tcase_add_checked_fixture(full, setup_full, teardown);
	tcase_add_test(full, full_permutations);
	tcase_add_test(full, vector_v4_full);
	tcase_add_test(full, full_header);
	tcase_add_test(full, full_ecn);
	tcase_add_test(full, full_too_big);
	suite_add_tcase(s, full);
	return test_main(s);
}
