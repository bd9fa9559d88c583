/*
 * Packets into an AFTR with four softwires, made from the examples by changing octets. Whatever comes:
 * one verdict each, counters that add up, nothing on the IPv4 side that its sender may not send, nothing
 * in the tunnel but for softwires, no TTL 0, no packet larger than its link.
 */
#include "../tests/vectors/dataplane.h"
#include "fuzz.h"

#include <lw4o6/aftr.h>
#include <lw4o6/cksum.h>
#include <talloc.h>

enum { VECTORS = sizeof(dataplane) / sizeof(dataplane[0]), ROOM = 2048, HEADROOM = 48, LINK_MTU = 1400 };

static const uint8_t aftr_addr[16] = { 0x20, 1, 0xd, 0xb8, 0xff, 0xff, [15] = 1 };
static const uint8_t b4_addr[4][16] = {
	{ 0x20, 1, 0xd, 0xb8, 0, 0x12, 0x34, 0, 0, 0, 0xc0, 0, 2, 0x12, 0, 0x34 },
	{ 0x20, 1, 0xd, 0xb8, 0, 0x12, 0x35, 0, 0, 0, 0xc0, 0, 2, 0x12, 0, 0x35 },
	{ 0x20, 1, 0xd, 0xb8, 0, 0x99, [15] = 0x99 },
	{ 0x20, 1, 0xd, 0xb8, 0, 0x55, [15] = 0x55 },
};
static const struct { uint32_t ipv4; unsigned offset, k, id; } sets[4] = {
	{ 0xc0000212, 0, 6, 0x34 }, { 0xc0000212, 0, 6, 0x35 }, { 0xc0000263, 0, 0, 0 }, { 0xc0000237, 6, 8, 0x34 },
};
enum { AFTR4 = 0xcb007101 };

static struct {
	TALLOC_CTX *mem;
	struct lw4o6_aftr *a;
	struct lw4o6_bindtab *tab;
	lw4o6_time now;
	uint64_t seed;
	_Alignas(64) uint8_t region[65536];
} w;

static void fake_random(void *arg, void *dst, size_t len)
{
	(void)arg;
	for (uint8_t *p = dst; len > 0; len--)
		*p++ = (uint8_t)(w.seed = w.seed * 6364136223846793005u + 1442695040888963407u);
}

static struct lw4o6_binding softwire(unsigned i)
{
	struct lw4o6_binding b = { .ipv4.s_addr = htonl(sets[i].ipv4), .expires = LW4O6_TIME_NONE };

	FUZZ_ASSERT(lw4o6_psid_init(&b.ps, sets[i].offset, sets[i].k, sets[i].id) == LW4O6_OK);
	memcpy(&b.b4, b4_addr[i], 16);
	memcpy(&b.br, aftr_addr, 16);
	return b;
}

static void start(uint8_t knobs)
{
	struct lw4o6_aftr_addr addr = { .anycast = false };
	struct lw4o6_host host = { .random = fake_random };
	struct lw4o6_bindtab_config bc;
	struct lw4o6_aftr_config c;

	w.mem = talloc_new(NULL);
	w.now = LW4O6_SEC;
	w.seed = 1;
	lw4o6_bindtab_config_init(&bc);
	bc.max_softwires = 8;
	FUZZ_ASSERT(lw4o6_bindtab_size(&bc) <= sizeof(w.region));
	FUZZ_ASSERT(lw4o6_bindtab_init(w.region, sizeof(w.region), &bc) == LW4O6_OK);
	w.tab = lw4o6_bindtab_attach(w.mem, w.region, sizeof(w.region), true);
	FUZZ_ASSERT(w.tab);
	for (unsigned i = 0; i < 4; i++) {
		struct lw4o6_binding b = softwire(i);

		FUZZ_ASSERT(lw4o6_bindtab_set(w.tab, &b, w.now) == LW4O6_OK);
	}
	lw4o6_aftr_config_init(&c);
	memcpy(&addr.addr, aftr_addr, 16);
	c.addrs = &addr;
	c.n_addrs = 1;
	c.icmp4_source_internet.s_addr = htonl(AFTR4);
	c.softwires_max = 8;
	c.link_mtu = c.ipv4_mtu = LINK_MTU;
	c.frag4_contexts = c.frag6_contexts = 16;
	c.frag4_memory = c.frag6_memory = 65536;
	c.outq_size = 512 * 1024;
	c.frag4_mode = knobs & 1 ? LW4O6_FRAG4_FULL : LW4O6_FRAG4_VIRTUAL;
	c.hairpin = knobs & 2 ? LW4O6_AFTR_HAIRPIN_FORWARD : LW4O6_AFTR_HAIRPIN_ON;
	c.encap_limit = knobs & 4;
	c.mss_clamp = knobs & 8;
	c.tunnel_fragment = knobs & 16;
	c.flow_label_hash = knobs & 32;
	FUZZ_ASSERT(lw4o6_aftr_new(w.mem, &w.a, &c, &host) == LW4O6_OK);
	lw4o6_aftr_set_table(w.a, 0, w.tab);
}

static int which_b4(const uint8_t *addr)
{
	for (int i = 0; i < 4; i++)
		if (memcmp(addr, b4_addr[i], 16) == 0)
			return i;
	return -1;
}

/* What leaves towards the Internet belongs to a softwire, or is our own. */
static void check4(const uint8_t *p, size_t len, int from)
{
	struct lw4o6_ip4 h;

	FUZZ_ASSERT(lw4o6_ip4_decode(&h, p, len) == LW4O6_IP4_OK && h.total == len);
	FUZZ_ASSERT(h.ttl > 0 && len <= LINK_MTU);
	if (ntohl(h.src.s_addr) == AFTR4)
		return;

	bool ours = false;

	for (unsigned i = 0; i < 4; i++)
		ours |= ntohl(h.src.s_addr) == sets[i].ipv4;
	FUZZ_ASSERT(ours);
	if (from < 0 || h.frag_off != 0 || !lw4o6_ip_has_ports(h.protocol) || len < h.hlen + 2u)
		return;

	struct lw4o6_binding b = softwire((unsigned)from);

	FUZZ_ASSERT(h.src.s_addr == b.ipv4.s_addr);
	FUZZ_ASSERT(lw4o6_psid_has_port(&b.ps, (uint16_t)(p[h.hlen] << 8 | p[h.hlen + 1])));
}

/* What leaves into the tunnel is for a softwire; ICMPv6 may go to anybody who asked for it. */
static void check6(const uint8_t *p, size_t len)
{
	FUZZ_ASSERT(len > 40 && p[0] >> 4 == 6 && len <= LINK_MTU);
	FUZZ_ASSERT(len == 40u + (size_t)(p[4] << 8 | p[5]));
	FUZZ_ASSERT(memcmp(p + 8, aftr_addr, 16) == 0);
	if (p[6] == 58)
		return;
	FUZZ_ASSERT(p[6] == 4 || p[6] == 44 || p[6] == 60);
	FUZZ_ASSERT(which_b4(p + 24) >= 0);
	if (p[6] != 4)
		return;

	struct lw4o6_ip4 h;

	FUZZ_ASSERT(lw4o6_ip4_decode(&h, p + 40, len - 40) == LW4O6_IP4_OK && h.total == len - 40 && h.ttl > 0);
}

static void check_counters(void)
{
	const struct lw4o6_counters *c = lw4o6_aftr_counters(w.a);
	uint64_t reasons = 0, octets = 0, frag4 = 0;

	for (unsigned i = LW4O6_CNT_DROP_V6_NOT_IPV6; i < LW4O6_CNT_B4_DROP_NOT_AFTR; i++) {
		if (strncmp(lw4o6_counter_name((enum lw4o6_counter)i), "drop-", 5) != 0)
			continue;
		reasons += c->packets[i];
		octets += c->octets[i];
		if (i >= LW4O6_CNT_DROP_FRAG4_OVERLAP && i <= LW4O6_CNT_DROP_FRAG4_ECN)
			frag4 += c->packets[i];
	}
	FUZZ_ASSERT(reasons == c->packets[LW4O6_CNT_DROPPED_IPV4] + c->packets[LW4O6_CNT_DROPPED_IPV6]);
	FUZZ_ASSERT(octets == c->octets[LW4O6_CNT_DROPPED_IPV4] + c->octets[LW4O6_CNT_DROPPED_IPV6]);
	FUZZ_ASSERT(frag4 == c->packets[LW4O6_CNT_DROPPED_IPV4_FRAGMENT]);
}

static void drain(void)
{
	struct lw4o6_out out;

	while (lw4o6_aftr_next_out(w.a, &out)) {
		if (out.side == LW4O6_SIDE_IPV4)
			check4(out.data, out.len, -1);
		else
			check6(out.data, out.len);
	}
}

static void fix_sum(uint8_t *p, size_t len, size_t at, uint32_t sum)
{
	p[at] = p[at + 1] = 0;

	uint16_t v = lw4o6_cksum_finish(lw4o6_cksum_add(sum, p, len));

	p[at] = (uint8_t)(v >> 8);
	p[at + 1] = (uint8_t)v;
}

static void fix4(uint8_t *p, size_t len)
{
	size_t hlen = len >= 20 ? (p[0] & 15u) * 4u : 0;

	if (hlen < 20 || hlen > len)
		return;
	fix_sum(p, hlen, 10, 0);
	if (p[9] == 1 && len >= hlen + 4)
		fix_sum(p + hlen, len - hlen, 2, 0);
}

/* Make the checksums right, so that the change is seen behind them; innermost first. */
static void fix(uint8_t *p, size_t len)
{
	struct in6_addr src, dst;

	if (len < 40 || p[0] >> 4 != 6) {
		if (len > 28)
			fix4(p + 28, len - 28 < 20 ? 0 : 20);
		fix4(p, len);
		return;
	}
	if (p[6] == 4) {
		if (len > 68)
			fix4(p + 68, len - 68 < 20 ? 0 : 20);
		fix4(p + 40, len - 40);
	} else if (p[6] == 58 && len >= 48) {
		if (len > 88)
			fix4(p + 88, len - 88 < 20 ? 0 : 20);
		memcpy(&src, p + 8, 16);
		memcpy(&dst, p + 24, 16);
		fix_sum(p + 40, len - 40, 2, lw4o6_cksum_pseudo6(&src, &dst, (uint32_t)(len - 40), 58));
	}
}

static size_t from_example(uint8_t *p, unsigned i)
{
	const char *hex = dataplane[i % VECTORS].hex;
	size_t len = dataplane[i % VECTORS].len;

	for (size_t k = 0; k < len; k++) {
		char text[3] = { hex[2 * k], hex[2 * k + 1], 0 };

		p[k] = (uint8_t)strtoul(text, NULL, 16);
	}
	return len;
}

static void one_packet(const uint8_t **data, size_t *size)
{
	uint8_t flags = fuzz_u8(data, size), edits;
	uint8_t start_of[HEADROOM + ROOM] = { 0 }, *p = start_of + HEADROOM;
	size_t len = from_example(p, fuzz_u8(data, size));

	edits = fuzz_u8(data, size) & 31;
	for (unsigned i = 0; i < edits; i++) {
		size_t at = fuzz_be16(data, size) % ROOM;

		p[at] = fuzz_u8(data, size);
	}
	if (flags & 1)
		len = fuzz_be16(data, size) % ROOM;
	if (flags & 2)
		w.now += (lw4o6_time)fuzz_u8(data, size) * LW4O6_SEC;
	if (!(flags & 4))
		fix(p, len);

	/* an exactly sized block */
	size_t headroom = flags & 8 ? 0 : HEADROOM;
	uint8_t *block = malloc(headroom + len + (headroom + len == 0));
	enum lw4o6_side side = len > 0 && (p[0] >> 4 == 6) != !!(flags & 16) ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4;
	struct lw4o6_pkt pkt = { .data = block + headroom, .len = len, .headroom = headroom };
	int from = side == LW4O6_SIDE_IPV6 && len >= 40 ? which_b4(p + 8) : -1;

	FUZZ_ASSERT(block);
	memcpy(pkt.data, p, len);
	FUZZ_ASSERT(lw4o6_aftr_run(w.a, side, &pkt, 1, w.now) == 1);
	switch (pkt.verdict) {
	case LW4O6_VERDICT_EMIT4:
		check4(pkt.data, pkt.len, side == LW4O6_SIDE_IPV6 ? from : -1);
		break;
	case LW4O6_VERDICT_EMIT6:
		check6(pkt.data, pkt.len);
		break;
	case LW4O6_VERDICT_DROP:
		FUZZ_ASSERT(pkt.reason < LW4O6_CNT_B4_DROP_NOT_AFTR);
		break;
	default:
		FUZZ_ASSERT(pkt.verdict == LW4O6_VERDICT_OUTQ || pkt.verdict == LW4O6_VERDICT_HELD);
	}
	free(block);
	drain();
	check_counters();
}

/* A softwire goes, or comes back. */
static void change_table(uint8_t what)
{
	struct lw4o6_binding b = softwire(what & 3);

	if (what & 4) {
		(void)!lw4o6_bindtab_set(w.tab, &b, w.now);
	} else if (lw4o6_bindtab_remove(w.tab, b.ipv4, &b.ps) == LW4O6_OK) {
		lw4o6_aftr_softwire_gone(w.a, &b.b4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start(fuzz_u8(&data, &size));
	while (size > 0) {
		uint8_t what = fuzz_u8(&data, &size);

		if (what >= 0xf0)
			change_table(what);
		else
			one_packet(&data, &size);
	}
	w.now += 200 * LW4O6_SEC;
	lw4o6_aftr_tick(w.a, w.now);
	drain();
	check_counters();

	struct lw4o6_aftr_gauges g;

	lw4o6_aftr_gauges(w.a, &g, w.now);
	FUZZ_ASSERT(g.frag4_contexts == 0 && g.frag6_contexts == 0 && g.frag4_memory == 0 && g.frag6_memory == 0);
	talloc_free(w.mem);
	return 0;
}
