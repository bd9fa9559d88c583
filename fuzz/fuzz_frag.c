/*
 * Fragments of a few datagrams from a few sources into a small table. Whatever comes: memory stays
 * bounded, each fragment ends in exactly one counter, what is joined has the right octets in the
 * right places, nothing passes virtual reassembly before its first fragment.
 */
#include "fuzz.h"

#include <lw4o6/cksum.h>
#include <lw4o6/frag.h>
#include <talloc.h>

enum { CONTEXTS = 6, MEMORY = 24 * 256, LARGEST = 4096 };

static struct {
	struct lw4o6_frag6 *f6;
	struct lw4o6_frag4 *f4;
	struct lw4o6_counters c;
	lw4o6_time now;
	uint64_t dropped, sent, joined; /* fragments: by verdict */
	bool full, raw_seen; /* raw: some content is the input's own and not known */
} w;

/* A fragment as the input says. */
struct piece {
	unsigned src, id, variant, ecn, softwire;
	size_t off, len;
	bool more, ext, refuse, raw;
};

static struct piece take_piece(const uint8_t **data, size_t *size)
{
	uint8_t who = fuzz_u8(data, size), flags = fuzz_u8(data, size);
	struct piece p = {
		.src = who & 3, .id = who >> 2 & 3, .softwire = who >> 4 & 3, .refuse = who >> 6 == 3,
		.more = flags & 1, .variant = flags >> 1 & 1, .ecn = flags >> 2 & 3, .ext = flags >> 4 & 1,
		.raw = flags >> 6 == 3,
	};

	p.off = fuzz_u8(data, size) * 8u;
	p.len = fuzz_u8(data, size) * 8u;
	if (flags & 32)
		p.len += fuzz_u8(data, size);
	if (flags & 16 && p.off > 248 * 8)
		p.off = 65536 - (2048 - p.off);
	return p;
}

/* What stands at @p pos of a datagram; a variant differs in every octet, but not where headers are. */
static uint8_t content(unsigned src, unsigned id, size_t pos, unsigned variant)
{
	if (pos == 0)
		return 0x45;
	return (uint8_t)(pos * 5 + src * 64 + id * 16) ^ (uint8_t)(pos < 20 ? 0 : variant);
}

static void check_content(unsigned src, unsigned id, const uint8_t *got, size_t pos, size_t len)
{
	for (size_t i = 0; i < len; i++)
		FUZZ_ASSERT(got[i] == content(src, id, pos + i, 0) || got[i] == content(src, id, pos + i, 1));
}

/* Payload from the input itself, or known octets. */
static void fill(uint8_t *dst, const struct piece *p, const uint8_t **data, size_t *size)
{
	for (size_t i = 0; i < p->len; i++)
		dst[i] = p->raw && *size > 0 ? fuzz_u8(data, size) : content(p->src, p->id, p->off + i, p->variant);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t ip4(uint8_t *pkt, const struct piece *p, const uint8_t **data, size_t *size)
{
	size_t hlen = p->ext ? 28 : 20;

	memset(pkt, 0, hlen);
	pkt[0] = (uint8_t)(0x40 | hlen / 4);
	pkt[1] = (uint8_t)p->ecn;
	put16(pkt + 2, hlen + p->len);
	pkt[5] = (uint8_t)p->id;
	put16(pkt + 6, p->off / 8 | (p->more ? 0x2000u : 0));
	pkt[8] = 64;
	pkt[9] = p->src == 3 ? 6 : 17;
	pkt[12] = 9;
	pkt[13] = (uint8_t)p->src;
	pkt[16] = 8;
	put16(pkt + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, pkt, hlen)));
	fill(pkt + hlen, p, data, size);
	return hlen + p->len;
}

static void out4(const uint8_t *pkt, size_t len, bool known)
{
	struct lw4o6_ip4 h;

	FUZZ_ASSERT(lw4o6_ip4_decode(&h, pkt, len) == LW4O6_IP4_OK && h.total == len);
	if (known)
		check_content(pkt[13], pkt[5], pkt + h.hlen, h.frag_off, len - h.hlen);
}

static void add4(const struct piece *p, const uint8_t **data, size_t *size)
{
	size_t len = (p->ext ? 28 : 20) + p->len;
	uint8_t *pkt = malloc(len), *held;
	struct lw4o6_frag4_from from = {
		p->softwire & 1 ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4, p->softwire == 3, p->softwire,
	};
	struct lw4o6_frag4_result res;
	struct lw4o6_ip4 h;
	uint32_t decision[2] = { p->src, p->id };

	ip4(pkt, p, data, size);
	FUZZ_ASSERT(lw4o6_ip4_decode(&h, pkt, len) == LW4O6_IP4_OK);
	if (!lw4o6_ip4_is_fragment(&h)) {
		free(pkt);
		return;
	}

	enum lw4o6_frag_verdict v = lw4o6_frag4_add(w.f4, &from, &h, pkt, w.now, &res);

	FUZZ_ASSERT(v != LW4O6_FRAG_ATOMIC);
	switch (v) {
	case LW4O6_FRAG_FIRST:
		FUZZ_ASSERT(!w.full && h.frag_off == 0);
		lw4o6_frag4_decide(w.f4, res.ref, !p->refuse, p->softwire + 1, decision, sizeof(decision));
		w.dropped += p->refuse;
		w.sent += !p->refuse;
		while (lw4o6_frag4_next_held(w.f4, res.ref, &held, &len)) {
			FUZZ_ASSERT(!p->refuse);
			out4(held, len, !w.raw_seen);
			w.sent++;
		}
		break;
	case LW4O6_FRAG_FOLLOW:
		FUZZ_ASSERT(!w.full && memcmp(res.decision, decision, sizeof(decision)) == 0);
		w.sent++;
		break;
	case LW4O6_FRAG_COMPLETE:
		FUZZ_ASSERT(w.full && res.len <= LARGEST);
		out4(res.data, res.len, !w.raw_seen);
		break;
	case LW4O6_FRAG_DROP:
		FUZZ_ASSERT(res.reason >= LW4O6_CNT_DROP_FRAG4_OVERLAP && res.reason <= LW4O6_CNT_DROP_FRAG4_ECN);
		w.dropped++;
		break;
	default:
		break;
	}
	free(pkt);
}

static void add6(const struct piece *p, const uint8_t **data, size_t *size)
{
	size_t fh = p->ext ? 48 : 40, len = fh + 8 + p->len;
	uint8_t *pkt = malloc(len);
	struct lw4o6_frag6_in in = { pkt, len, p->ext ? 40 : 6, fh };
	struct lw4o6_frag6_result res;

	memset(pkt, 0, fh + 8);
	pkt[0] = 0x60;
	pkt[1] = (uint8_t)(p->ecn << 4);
	put16(pkt + 4, len - 40);
	pkt[6] = p->ext ? 60 : 44;
	pkt[23] = (uint8_t)p->src;
	pkt[40] = 44;
	pkt[fh] = p->raw ? 60 : 4;
	put16(pkt + fh + 2, p->off | p->more);
	pkt[fh + 7] = (uint8_t)p->id;
	fill(pkt + fh + 8, p, data, size);

	enum lw4o6_frag_verdict v = lw4o6_frag6_add(w.f6, &in, w.now, &res);

	FUZZ_ASSERT(v != LW4O6_FRAG_FIRST && v != LW4O6_FRAG_FOLLOW);
	switch (v) {
	case LW4O6_FRAG_COMPLETE:
		FUZZ_ASSERT(res.len > 40 && res.len <= LARGEST && res.data[0] == 0x60 && res.data[23] == p->src);
		fh = res.data[6] == 60 && res.data[40] == 4 ? 48 : 40;
		if (!w.raw_seen)
			check_content(p->src, p->id, res.data + fh, 0, res.len - fh);
		break;
	case LW4O6_FRAG_DROP:
		FUZZ_ASSERT(res.reason >= LW4O6_CNT_DROP_FRAG6_OVERLAP && res.reason <= LW4O6_CNT_DROP_FRAG6_ECN);
		FUZZ_ASSERT(res.icmp_pointer < len);
		w.dropped++;
		break;
	case LW4O6_FRAG_ATOMIC:
		FUZZ_ASSERT(p->off == 0 && !p->more);
		break;
	default:
		break;
	}
	free(pkt);
}

static void expire(void)
{
	struct lw4o6_frag_expired ex;

	while (w.f6 ? lw4o6_frag6_expire(w.f6, w.now, &ex) : lw4o6_frag4_expire(w.f4, w.now, &ex)) {
		FUZZ_ASSERT(!ex.first || w.f6 || w.full);
		FUZZ_ASSERT(!ex.first || ex.first[0] >> 4 == (w.f6 ? 6 : 4));
	}
	FUZZ_ASSERT((w.f6 ? lw4o6_frag6_expiry(w.f6) : lw4o6_frag4_expiry(w.f4)) > w.now);
}

static void check_usage(bool empty)
{
	struct lw4o6_frag_usage u;

	if (w.f6)
		lw4o6_frag6_usage(w.f6, &u);
	else
		lw4o6_frag4_usage(w.f4, &u);
	FUZZ_ASSERT(u.contexts <= CONTEXTS && u.memory <= MEMORY);
	FUZZ_ASSERT(!empty || (u.contexts == 0 && u.memory == 0));
	FUZZ_ASSERT(u.contexts > 0 || u.memory == 0);
}

/* Full reassembly of IPv4 has no counter of fragments: what is in no other counter was joined. */
static void check_counters(void)
{
	const uint64_t *n = w.c.packets;
	uint64_t held = 0, octets = 0;
	unsigned from = w.f6 ? LW4O6_CNT_DROP_FRAG6_OVERLAP : LW4O6_CNT_DROP_FRAG4_OVERLAP;
	unsigned to = w.f6 ? LW4O6_CNT_DROP_FRAG6_ECN : LW4O6_CNT_DROP_FRAG4_ECN;

	for (unsigned i = from; i <= to; i++) {
		held += n[i];
		octets += w.c.octets[i];
	}
	FUZZ_ASSERT(n[LW4O6_CNT_DROPPED_IPV4] + n[LW4O6_CNT_DROPPED_IPV6] == held);
	FUZZ_ASSERT(w.c.octets[LW4O6_CNT_DROPPED_IPV4] + w.c.octets[LW4O6_CNT_DROPPED_IPV6] == octets);
	FUZZ_ASSERT(n[LW4O6_CNT_DROPPED_IPV4_FRAGMENT] == (w.f6 ? 0 : held));
	if (w.f6)
		FUZZ_ASSERT(n[LW4O6_CNT_FRAG6_IN] == w.dropped + held + n[LW4O6_CNT_FRAG6_DUPLICATE] +
		                                     n[LW4O6_CNT_FRAG6_ATOMIC] +
		                                     n[LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED]);
	else if (w.full)
		FUZZ_ASSERT(n[LW4O6_CNT_FRAG4_IN] >= w.dropped + held + n[LW4O6_CNT_FRAG4_DUPLICATE] +
		                                     2 * n[LW4O6_CNT_FRAG4_FULL_DONE]);
	else
		FUZZ_ASSERT(n[LW4O6_CNT_FRAG4_IN] == w.dropped + held + n[LW4O6_CNT_FRAG4_DUPLICATE] + w.sent);
}

static void start(TALLOC_CTX *mem, unsigned kind)
{
	struct lw4o6_frag6_config c6;
	struct lw4o6_frag4_config c4;

	memset(&w, 0, sizeof(w));
	w.now = LW4O6_SEC;
	w.full = kind == 2;
	lw4o6_frag6_config_init(&c6);
	lw4o6_frag4_config_init(&c4);
	c6.contexts = c4.contexts = CONTEXTS;
	c6.memory = c4.memory = MEMORY;
	c6.max_packet = c4.max_packet = LARGEST;
	c6.per_datagram = c4.per_datagram = 5;
	c6.per_source = c4.per_source_net = c4.per_softwire = 3;
	c6.counters = c4.counters = &w.c;
	c4.mode = w.full ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	if (kind == 0)
		w.f6 = lw4o6_frag6_new(mem, &c6);
	else
		w.f4 = lw4o6_frag4_new(mem, &c4);
	FUZZ_ASSERT(w.f6 || w.f4);
}

/* Cut what is left of the input as one packet; the pieces cover it without a gap. */
static void cut(const uint8_t *data, size_t size)
{
	struct lw4o6_frag4_cut c;
	struct lw4o6_ip4 h;
	uint8_t out[200];
	size_t mtu = 68 + fuzz_u8(&data, &size) % 100, done = 0;

	if (lw4o6_ip4_decode(&h, data, size) != LW4O6_IP4_OK)
		return;

	int n = lw4o6_frag4_cut_init(&c, data, h.total, mtu);
	ssize_t len;

	for (; n > 0; n--) {
		struct lw4o6_ip4 piece;

		FUZZ_ASSERT((len = lw4o6_frag4_cut_next(&c, out, sizeof(out))) > 0);
		FUZZ_ASSERT((size_t)len <= mtu && lw4o6_ip4_decode(&piece, out, (size_t)len) == LW4O6_IP4_OK);
		FUZZ_ASSERT(piece.frag_off == h.frag_off + done && piece.mf == (n > 1 || h.mf));
		FUZZ_ASSERT(memcmp(out + piece.hlen, data + h.hlen + done, (size_t)len - piece.hlen) == 0);
		done += (size_t)len - piece.hlen;
		FUZZ_ASSERT(n > 1 || (done == (size_t)h.total - h.hlen && lw4o6_frag4_cut_next(&c, out, sizeof(out)) == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_u8(&data, &size) % 4;

	if (kind == 3) {
		cut(data, size);
		return 0;
	}

	TALLOC_CTX *mem = talloc_new(NULL);

	start(mem, kind);
	while (size > 0) {
		uint8_t op = fuzz_u8(&data, &size);

		if (op >= 0xf0) {
			w.now += (op & 15) * 7 * LW4O6_SEC;
			expire();
		} else if (op == 0xef && w.f4) {
			lw4o6_frag4_flush_softwire(w.f4, fuzz_u8(&data, &size) & 3);
		} else if (op == 0xef) {
			struct in6_addr a = { .s6_addr = { [15] = fuzz_u8(&data, &size) & 3 } };

			lw4o6_frag6_flush_source(w.f6, &a);
		} else {
			struct piece p = take_piece(&data, &size);

			w.raw_seen = w.raw_seen || p.raw;
			if (w.f6)
				add6(&p, &data, &size);
			else
				add4(&p, &data, &size);
		}
		check_usage(false);
	}
	if (w.f6)
		lw4o6_frag6_flush(w.f6);
	else
		lw4o6_frag4_flush(w.f4);
	check_usage(true);
	check_counters();
	talloc_free(mem);
	return 0;
}
