/* What the tests of lib/frag6.c share: one table, its counters, and a caller that obeys its verdicts. */
#ifndef LW4O6_TESTS_FRAG6_RIG_H
#define LW4O6_TESTS_FRAG6_RIG_H

#include "fragments.h"

#include <talloc.h>

static const lw4o6_time T0 = 1000 * LW4O6_SEC;

/* A table, its counters, and what its verdicts said. */
static struct {
	TALLOC_CTX *mem;
	struct lw4o6_frag6 *f;
	struct lw4o6_counters c;
	struct lw4o6_frag6_config cfg;
	struct lw4o6_frag6_result res;
	uint64_t dropped, dropped_octets;
} w;

static inline uint64_t count(enum lw4o6_counter c)
{
	return w.c.packets[c];
}

static inline void setup(void)
{
	memset(&w, 0, sizeof(w));
	w.mem = talloc_new(NULL);
	lw4o6_frag6_config_init(&w.cfg);
	w.cfg.counters = &w.c;
	w.cfg.hash_key[0] = 0x0123456789abcdef;
	w.cfg.memory = (size_t)1 << 20;
	w.cfg.contexts = 64;
}

static inline void start(void)
{
	ck_assert_ptr_nonnull(w.f = lw4o6_frag6_new(w.mem, &w.cfg));
}

/* Every fragment ended in one counter; nothing is left behind (data-plane section 5.1). */
static inline void teardown(void)
{
	struct lw4o6_frag_usage u;
	uint64_t reasons = 0, octets = 0;

	if (w.f) {
		lw4o6_frag6_flush(w.f);
		lw4o6_frag6_usage(w.f, &u);
		ck_assert(u.contexts == 0 && u.memory == 0);
		ck_assert_uint_eq(lw4o6_frag6_expiry(w.f), LW4O6_TIME_NONE);
		for (unsigned r = LW4O6_CNT_DROP_FRAG6_OVERLAP; r <= LW4O6_CNT_DROP_FRAG6_ECN; r++) {
			reasons += w.c.packets[r];
			octets += w.c.octets[r];
		}
		ck_assert_uint_eq(w.c.packets[LW4O6_CNT_DROPPED_IPV6], reasons);
		ck_assert_uint_eq(w.c.octets[LW4O6_CNT_DROPPED_IPV6], octets);
		ck_assert_uint_eq(count(LW4O6_CNT_FRAG6_IN), w.dropped + reasons + count(LW4O6_CNT_FRAG6_DUPLICATE) +
		                                             count(LW4O6_CNT_FRAG6_ATOMIC) +
		                                             count(LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED));
		ck_assert_uint_eq(count(LW4O6_CNT_DROPPED_IPV4) + count(LW4O6_CNT_DROPPED_IPV4_FRAGMENT), 0);
		talloc_free(w.f);
	}
	ck_assert_uint_eq(talloc_total_blocks(w.mem), 1);
	talloc_free(w.mem);
}

/* What a fragment is made of. */
struct piece {
	uint32_t src, id;
	size_t off, len;
	bool more;
	uint8_t next, tclass;
	size_t ext; /* octets of a Destination Options header in front of the Fragment header */
};

static uint8_t whole[65536 + 64];

static inline size_t build(uint8_t *dst, const struct piece *p)
{
	size_t fh = 40 + p->ext;

	put_outer(dst, NULL, 0);
	dst[0] = (uint8_t)(0x60 | p->tclass >> 4);
	dst[1] = (uint8_t)(p->tclass << 4);
	set16(dst + 4, (unsigned)(p->ext + 8 + p->len));
	set16(dst + 20, p->src >> 16);
	set16(dst + 22, p->src & 0xffff);
	dst[6] = 44;
	if (p->ext > 0) {
		dst[6] = 60;
		memset(dst + 40, 0, p->ext);
		dst[40] = 44;
		dst[41] = (uint8_t)(p->ext / 8 - 1);
		dst[42] = 1; /* PadN */
		dst[43] = (uint8_t)(p->ext - 4);
	}
	dst[fh] = p->next ? p->next : 4;
	dst[fh + 1] = 0xff; /* reserved: ignored */
	set16(dst + fh + 2, (unsigned)(p->off | p->more | 6));
	set16(dst + fh + 4, p->id >> 16);
	set16(dst + fh + 6, p->id & 0xffff);
	memcpy(dst + fh + 8, whole + p->off, p->len);
	return fh + 8 + p->len;
}

static inline enum lw4o6_frag_verdict add_raw(const uint8_t *pkt, size_t len, size_t nh, size_t fh, lw4o6_time now)
{
	uint8_t *exact = malloc(len);

	memcpy(exact, pkt, len);

	struct lw4o6_frag6_in in = { exact, len, nh, fh };
	enum lw4o6_frag_verdict v = lw4o6_frag6_add(w.f, &in, now, &w.res);

	if (v == LW4O6_FRAG_DROP) {
		w.dropped++;
		w.dropped_octets += len;
	}
	free(exact);
	return v;
}

static inline enum lw4o6_frag_verdict add(const struct piece *p, lw4o6_time now)
{
	static uint8_t pkt[66000];
	size_t len = build(pkt, p);

	return add_raw(pkt, len, p->ext ? 40 : 6, 40 + p->ext, now);
}

#define ADD(...) add(&(struct piece){ __VA_ARGS__ }, T0)

static inline void make_whole(size_t len)
{
	put_ip4(whole, 0xc0000212, 0xc6336407, 17, 1, 0, 0, 64, 20, whole + 20, len - 20);
	for (size_t i = 20; i < sizeof(whole); i++)
		whole[i] = (uint8_t)(i * 31 >> 3);
}

static inline void ck_whole(size_t len)
{
	ck_assert_uint_eq(w.res.len, 40 + len);
	ck_assert_uint_eq(at16(w.res.data + 4), len);
	ck_assert_uint_eq(w.res.data[6], 4);
	ck_octets(w.res.data + 40, len, whole, len);
}

#endif
