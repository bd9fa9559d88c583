/* What the tests of lib/frag4.c share: one table, its counters, and a caller that obeys its verdicts. */
#ifndef LW4O6_TESTS_FRAG4_RIG_H
#define LW4O6_TESTS_FRAG4_RIG_H

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

static inline uint64_t count(enum lw4o6_counter c)
{
	return w.c.packets[c];
}

static inline void setup(void)
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

static inline void setup_full(void)
{
	setup();
	w.cfg.mode = LW4O6_FRAG4_FULL;
}

static inline void start(void)
{
	ck_assert_ptr_nonnull(w.f = lw4o6_frag4_new(w.mem, &w.cfg));
}

/* Every fragment ended in one counter; nothing is left behind (data-plane section 5.1). */
static inline void teardown(void)
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

static inline size_t build(uint8_t *dst, const struct piece *p)
{
	unsigned frag = (p->reserved ? 0x8000u : 0) | (p->df ? 0x4000u : 0) | (p->more ? 0x2000u : 0) |
	                (unsigned)p->off / 8;

	return put_ip4(dst, p->src ? p->src : SERVER, p->dst ? p->dst : SHARED, p->protocol ? p->protocol : 17, p->id,
	               frag, p->tos, 57, p->hlen ? p->hlen : 20, whole + p->off, p->len);
}

static inline void sent(const uint8_t *data, size_t len)
{
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, data, len), LW4O6_IP4_OK);
	ck_octets(data + h.hlen, (size_t)h.total - h.hlen, whole + h.frag_off, (size_t)h.total - h.hlen);
	if (w.norder < 64)
		w.order[w.norder++] = h.frag_off / 8;
	w.sent++;
}

/* What a caller does with each verdict. */
static inline enum lw4o6_frag_verdict add_raw(const uint8_t *pkt, size_t len, lw4o6_time now)
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

static inline enum lw4o6_frag_verdict add(const struct piece *p, lw4o6_time now)
{
	static uint8_t pkt[65600];

	return add_raw(pkt, build(pkt, p), now);
}

#define ADD(...) add(&(struct piece){ __VA_ARGS__ }, T0)

static inline void ck_dropped(enum lw4o6_frag_verdict v, enum lw4o6_counter reason)
{
	ck_assert_int_eq(v, LW4O6_FRAG_DROP);
	ck_assert_str_eq(lw4o6_counter_name(w.res.reason), lw4o6_counter_name(reason));
}

#endif
