/*
 * The B4's data path under a script of packets, clock steps, forwards and records. Whatever happens:
 * nothing leaves but from the public address and a port of the set; nothing inbound reaches an internal
 * endpoint that neither sent anything nor has a forward; mappings are a bijection; the counters add up.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <lw4o6/b4.h>
#include <lw4o6/cksum.h>
#include <lw4o6/icmp.h>
#include <lw4o6/tunnel.h>

enum { HOSTS = 4, ROOM = 64, PKT = 4096, OPS = 400 };

struct seen {
	uint8_t udp[HOSTS][65536 / 8], tcp[HOSTS][65536 / 8], icmp[HOSTS][65536 / 8], lite[HOSTS][65536 / 8];
};

struct rig {
	void *mem;
	struct lw4o6_b4 *b;
	struct lw4o6_b4_record rec;
	uint64_t rng;
	lw4o6_time now;
	uint16_t ports[16]; /* external ports lately seen */
	unsigned n_ports;
	uint8_t last_lan[PKT], last_tun[PKT]; /* the latest packet delivered, and the latest inner one sent */
	size_t last_lan_len, last_tun_len;
};

static struct seen seen;

static void rng_fill(void *arg, void *dst, size_t len)
{
	struct rig *r = arg;

	for (uint8_t *p = dst; len > 0; len--) {
		r->rng = r->rng * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(r->rng >> 56);
	}
}

static struct in_addr host_addr(unsigned i)
{
	return (struct in_addr){ htonl(0xc0a8010au + i) };
}

/* -1: not one of the hosts. */
static int host_of(const uint8_t *addr)
{
	uint32_t v;

	memcpy(&v, addr, 4);
	v = ntohl(v) - 0xc0a8010au;
	return v < HOSTS ? (int)v : -1;
}

static uint8_t *endpoints(uint8_t proto, unsigned host)
{
	switch (proto) {
	case LW4O6_IPPROTO_TCP:
		return seen.tcp[host];
	case LW4O6_IPPROTO_UDP:
		return seen.udp[host];
	case LW4O6_IPPROTO_UDPLITE:
		return seen.lite[host];
	case LW4O6_IPPROTO_ICMP:
		return seen.icmp[host];
	default:
		return NULL;
	}
}

static bool is_known(uint8_t proto, const uint8_t *addr, unsigned port)
{
	int host = host_of(addr);
	const uint8_t *set = host < 0 ? NULL : endpoints(proto, (unsigned)host);

	return set && (set[port / 8] >> (port % 8) & 1) != 0;
}

static void note(uint8_t proto, const uint8_t *addr, unsigned port)
{
	int host = host_of(addr);
	uint8_t *set = host < 0 ? NULL : endpoints(proto, (unsigned)host);

	if (set)
		set[port / 8] |= (uint8_t)(1u << port % 8);
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* An inner packet that left through the tunnel; @len octets of it are here. */
static void check_sent(struct rig *r, const uint8_t *p, size_t len)
{
	struct lw4o6_ip4 h;

	FUZZ_ASSERT(lw4o6_ip4_decode_quoted(&h, p, len) == LW4O6_IP4_OK);
	FUZZ_ASSERT(h.src.s_addr == r->rec.ipv4.s_addr);
	FUZZ_ASSERT(h.ttl > 0);
	if (h.frag_off != 0)
		return;

	const uint8_t *l4 = p + h.hlen;
	FUZZ_ASSERT(len >= h.hlen + 8u);
	unsigned port;
	if (h.protocol != LW4O6_IPPROTO_ICMP) {
		FUZZ_ASSERT(h.protocol == 6 || h.protocol == 17 || h.protocol == 136);
		port = get16(l4);
		FUZZ_ASSERT(port != 0);
	} else if (l4[0] == 0 || l4[0] == 8) {
		port = get16(l4 + 4);
	} else {
		struct lw4o6_quote4 q;

		FUZZ_ASSERT(l4[0] == 3 || l4[0] == 11 || l4[0] == 12);
		FUZZ_ASSERT(lw4o6_quote4_decode(&q, l4 + 8, len - h.hlen - 8) == LW4O6_QUOTE_OK);
		FUZZ_ASSERT(q.ip.dst.s_addr == r->rec.ipv4.s_addr);
		port = q.ports.dst;
	}
	FUZZ_ASSERT(lw4o6_psid_has_port(&r->rec.ps, (uint16_t)port));
	r->ports[r->n_ports++ % 16] = (uint16_t)port;
	if (len <= PKT && len == h.total) {
		memcpy(r->last_tun, p, len);
		r->last_tun_len = len;
	}
}

/* A packet that reached the LAN. */
static void check_delivered(struct rig *r, const uint8_t *p, size_t len)
{
	struct lw4o6_ip4 h;

	FUZZ_ASSERT(lw4o6_ip4_decode(&h, p, len) == LW4O6_IP4_OK);
	FUZZ_ASSERT(h.total == len && h.ttl > 0);
	if (ntohl(h.src.s_addr) == 0xc0000002u || h.frag_off != 0)
		return; /* our own error, or a follower */

	const uint8_t *l4 = p + h.hlen;
	if (h.protocol == LW4O6_IPPROTO_ICMP && l4[0] == 0 && h.src.s_addr == r->rec.ipv4.s_addr)
		return; /* we answered a ping */
	if (h.protocol == LW4O6_IPPROTO_ICMP && l4[0] != 0 && l4[0] != 8) {
		struct lw4o6_quote4 q;

		FUZZ_ASSERT(lw4o6_quote4_decode(&q, l4 + 8, len - h.hlen - 8) == LW4O6_QUOTE_OK);
		FUZZ_ASSERT(is_known(q.ip.protocol, q.p + 12, q.ports.src));
	} else {
		unsigned port = get16(l4 + (h.protocol == LW4O6_IPPROTO_ICMP ? 4 : 2));

		FUZZ_ASSERT(is_known(h.protocol, p + 16, port));
	}
	if (len <= PKT) {
		memcpy(r->last_lan, p, len);
		r->last_lan_len = len;
	}
}

static void check_out(struct rig *r, enum lw4o6_side side, const uint8_t *p, size_t len)
{
	struct lw4o6_ip6 h;

	if (side == LW4O6_SIDE_IPV4) {
		check_delivered(r, p, len);
		return;
	}
	FUZZ_ASSERT(lw4o6_ip6_decode(&h, p, len) == LW4O6_IP6_OK);
	FUZZ_ASSERT(h.end == len && len <= 1500 && lw4o6_ip6_equal(&h.src, &r->rec.b4));
	FUZZ_ASSERT(h.next == 4 || h.next == 44 || h.next == 58);
	if (h.next != 58)
		FUZZ_ASSERT(lw4o6_ip6_equal(&h.dst, &r->rec.aftr));
	if (h.next == 4)
		check_sent(r, p + 40, len - 40);
	else if (h.next == 44 && (get16(p + 42) & 0xfff8) == 0)
		check_sent(r, p + 48, len - 48);
}

/* Every reason is counted once on one of the two sides. */
static void check_counters(const struct rig *r)
{
	const struct lw4o6_counters *c = lw4o6_b4_counters(r->b);
	uint64_t reasons = 0;

	for (unsigned i = 0; i < LW4O6_CNT_COUNT; i++) {
		const char *name = lw4o6_counter_name((enum lw4o6_counter)i);

		if (strncmp(name, "drop-", 5) == 0 || strncmp(name, "b4-drop-", 8) == 0 ||
		    strncmp(name, "nat-drop-", 9) == 0)
			reasons += c->packets[i];
	}
	FUZZ_ASSERT(c->packets[LW4O6_CNT_NAT_INTERNAL_ERROR] == 0);
	FUZZ_ASSERT(reasons == c->packets[LW4O6_CNT_DROPPED_IPV4] + c->packets[LW4O6_CNT_DROPPED_IPV6]);
}

static void check_tables(const struct rig *r)
{
	const struct lw4o6_napt *n = lw4o6_b4_napt(r->b);
	struct lw4o6_napt_mapping m[512];
	struct lw4o6_napt_session s;
	struct lw4o6_napt_gauges g;
	uint32_t cursor = 0, count = 0, sessions = 0, live = 0;

	lw4o6_napt_gauges(n, &g);
	while (count < 512 && lw4o6_napt_next_mapping(n, &cursor, &m[count])) {
		FUZZ_ASSERT(g.ports_total == 0 || lw4o6_psid_has_port(&r->rec.ps, m[count].port));
		for (uint32_t i = 0; i < count; i++) {
			if (m[i].protocol != m[count].protocol)
				continue;
			FUZZ_ASSERT(m[i].port != m[count].port);
			FUZZ_ASSERT(m[i].forward || m[count].forward || m[i].addr.s_addr != m[count].addr.s_addr ||
			            m[i].inner_port != m[count].inner_port);
		}
		FUZZ_ASSERT(m[count].forward || m[count].sessions > 0);
		sessions += m[count++].sessions;
	}
	for (unsigned i = 0; i < LW4O6_NAPT_NSPACES; i++) {
		live += g.mappings[i];
		FUZZ_ASSERT(g.ports_in_use[i] <= g.ports_total);
	}
	FUZZ_ASSERT(count == live && sessions == g.sessions && g.sessions <= g.sessions_max);
	cursor = 0;
	while (lw4o6_napt_next_session(n, &cursor, &s))
		sessions--;
	FUZZ_ASSERT(sessions == 0);
}

static void drain(struct rig *r)
{
	struct lw4o6_out o;

	while (lw4o6_b4_next_out(r->b, &o))
		check_out(r, o.side, o.data, o.len);
}

/* The packet comes in a block of exactly its size and headroom. */
static void feed(struct rig *r, enum lw4o6_side side, const uint8_t *data, size_t len, bool roomy)
{
	size_t head = roomy ? ROOM : 0;
	uint8_t *block = malloc(head + len + 1);
	struct lw4o6_pkt p = {
		.data = block + head, .len = len, .headroom = head, .verdict = (enum lw4o6_verdict)99,
	};

	FUZZ_ASSERT(block);
	memcpy(p.data, data, len);
	FUZZ_ASSERT(lw4o6_b4_run(r->b, side, &p, 1, r->now) == 1);
	FUZZ_ASSERT(p.verdict <= LW4O6_VERDICT_DROP);
	FUZZ_ASSERT((p.verdict == LW4O6_VERDICT_DROP) == (p.reason != 0));
	if (p.verdict == LW4O6_VERDICT_EMIT4 || p.verdict == LW4O6_VERDICT_EMIT6) {
		FUZZ_ASSERT(p.data >= block && p.data + p.len <= block + head + len);
		check_out(r, p.verdict == LW4O6_VERDICT_EMIT4 ? LW4O6_SIDE_IPV4 : LW4O6_SIDE_IPV6, p.data, p.len);
	}
	drain(r);
	free(block);
}

/* ---- packets from a few octets of the script ---- */

struct script {
	const uint8_t *p;
	size_t len;
};

static unsigned take(struct script *s)
{
	return fuzz_u8(&s->p, &s->len);
}

/* External ports that are in use come up more often than others. */
static unsigned some_port(struct rig *r, struct script *s)
{
	unsigned v = take(s);

	if (v < 16)
		return r->ports[v];
	return v < 128 ? 53248 + v : v << 8 | take(s);
}

static void finish_ip(uint8_t *p, size_t len)
{
	put16(p + 2, (unsigned)len);
	put16(p + 10, 0);
	put16(p + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, p, 20)));
}

static size_t mk_packet(struct script *s, uint8_t *p, struct in_addr src, struct in_addr dst, unsigned sport,
                        unsigned dport)
{
	static const uint8_t protos[] = { 17, 6, 1, 136, 17, 6, 132, 47 };
	unsigned shape = take(s), bits = take(s);
	size_t l4 = 20 + (bits & 8 ? 1400 + (bits & 0xf0) : bits >> 4);

	memset(p, 0, 20 + l4);
	p[0] = 0x45;
	p[1] = (uint8_t)(shape >> 6);
	put16(p + 4, bits & 3);
	if (shape & 8)
		put16(p + 6, (bits & 1 ? 0x2000 : 0) | (bits & 2 ? 3 : 0));
	else
		put16(p + 6, bits & 4 ? 0x4000 : 0);
	p[8] = shape & 0x30 ? 64 : 1;
	p[9] = protos[shape & 7];
	memcpy(p + 12, &src, 4);
	memcpy(p + 16, &dst, 4);
	l4 = shape & 8 && bits & 1 ? 24 : l4;
	finish_ip(p, 20 + l4);
	put16(p + 20, sport);
	put16(p + 22, dport);
	if (p[9] == 6) {
		p[32] = 0x50;
		p[33] = (uint8_t)(take(s) & 0x17);
	} else if (p[9] == 1) {
		p[20] = shape & 0x40 ? 0 : 8;
		p[21] = 0;
		put16(p + 24, src.s_addr == dst.s_addr ? dport : shape & 0x80 ? dport : sport);
		put16(p + 22, 0);
		put16(p + 22, lw4o6_cksum_finish(lw4o6_cksum_add(0, p + 20, l4)));
	}
	return 20 + l4;
}

/* An ICMP error about @q, from @src to the source of @q. */
static size_t mk_error(struct script *s, uint8_t *p, struct in_addr src, const uint8_t *q, size_t qlen)
{
	unsigned v = take(s);
	size_t keep = v & 0x40 ? 28 : 200;

	if (qlen > keep)
		qlen = keep;
	memset(p, 0, 28);
	p[0] = 0x45;
	put16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = 1;
	memcpy(p + 12, &src, 4);
	memcpy(p + 16, q + 12, 4);
	p[20] = (uint8_t[]){ 3, 11, 12, 4 }[v & 3];
	p[21] = (uint8_t)(v >> 2 & 7);
	memcpy(p + 28, q, qlen);
	put16(p + 22, lw4o6_cksum_finish(lw4o6_cksum_add(0, p + 20, 8 + qlen)));
	finish_ip(p, 28 + qlen);
	return 28 + qlen;
}

static void from_lan(struct rig *r, struct script *s, const uint8_t *p, size_t len)
{
	struct lw4o6_ip4 h;
	struct lw4o6_ports ports;

	if (lw4o6_ip4_decode(&h, p, len) == LW4O6_IP4_OK &&
	    lw4o6_ip4_ports(&ports, p, &h, h.total) == LW4O6_PORT_OK)
		note(h.protocol, p + 12, ports.src);
	feed(r, LW4O6_SIDE_IPV4, p, len, take(s) & 1);
}

static void from_tunnel(struct rig *r, struct script *s, const uint8_t *inner, size_t len)
{
	static uint8_t outer[PKT + 48];
	unsigned v = take(s);

	lw4o6_ip6_write(outer, &r->rec.aftr, &r->rec.b4, len, 4, (uint8_t)(v & 3), 0, 64);
	memcpy(outer + 40, inner, len);
	feed(r, LW4O6_SIDE_IPV6, outer, 40 + len, v & 4);
}

static void tunnel_error(struct rig *r, struct script *s)
{
	static uint8_t p[PKT + 128];
	unsigned v = take(s);
	size_t inner = r->last_tun_len > 1000 ? 1000 : r->last_tun_len, len = 8 + 40 + inner;

	lw4o6_ip6_write(p, &r->rec.aftr, &r->rec.b4, len, 58, 0, 0, 64);
	memset(p + 40, 0, 8);
	p[40] = (uint8_t)(1 + (v & 3));
	p[41] = (uint8_t)(v >> 2 & 7);
	put16(p + 46, 1200 + (v >> 5) * 50);
	lw4o6_ip6_write(p + 48, &r->rec.b4, &r->rec.aftr, r->last_tun_len, 4, 0, 0, 64);
	memcpy(p + 88, r->last_tun, inner);
	uint32_t sum = lw4o6_cksum_pseudo6(&r->rec.aftr, &r->rec.b4, (uint32_t)len, 58);
	put16(p + 42, lw4o6_cksum_finish(lw4o6_cksum_add(sum, p + 40, len)));
	feed(r, LW4O6_SIDE_IPV6, p, 40 + len, true);
}

static void forward(struct rig *r, struct script *s)
{
	unsigned v = take(s), host = v & (HOSTS - 1);
	struct lw4o6_napt_forward f = {
		.protocol = (uint8_t[]){ 17, 6, 1, 136 }[v >> 2 & 3], .port = (uint16_t)some_port(r, s),
		.addr = host_addr(host), .inner_port = (uint16_t)(take(s) + 1u),
	};

	if (v & 0x80) {
		if (lw4o6_b4_forward_remove(r->b, f.protocol, f.port, r->now) == LW4O6_OK)
			return;
	} else if (lw4o6_b4_forward_add(r->b, &f, r->now) == LW4O6_OK) {
		uint8_t addr[4];

		memcpy(addr, &f.addr, 4);
		note(f.protocol, addr, f.inner_port);
	}
}

static void record(struct rig *r, struct script *s)
{
	static const struct lw4o6_psid sets[] = { { 0, 6, 52 }, { 6, 8, 52 }, { 0, 12, 0xd01 }, { 0, 0, 0 } };
	struct lw4o6_b4_record rec = r->rec;
	unsigned v = take(s);

	rec.ps = sets[v & 3];
	rec.aftr.s6_addr[15] = (uint8_t)(1 + (v >> 2 & 1));
	rec.b4.s6_addr[15] = (uint8_t)(1 + (v >> 3 & 1));
	rec.expires = v & 0x10 ? r->now + 1000 * LW4O6_SEC : LW4O6_TIME_NONE;
	if (v & 0x20)
		lw4o6_b4_suspend(r->b, r->now);
	if (lw4o6_b4_set_record(r->b, &rec, r->now) == LW4O6_OK)
		r->rec = rec;
}

static void step(struct rig *r, struct script *s)
{
	static uint8_t p[PKT + 64];
	static const uint32_t remotes[] = { 0xc6336407, 0xc6336408, 0xc0000212, 0x08080808 };
	unsigned op = take(s), v = take(s), sport = 1 + (v >> 2);
	struct in_addr host = host_addr(v & 3), remote = { htonl(remotes[op >> 4 & 3]) };
	size_t len;

	switch (op & 15) {
	case 0: case 1: case 2:
		len = mk_packet(s, p, host, remote, sport, remote.s_addr == r->rec.ipv4.s_addr ? some_port(r, s) : 80);
		from_lan(r, s, p, len);
		break;
	case 3: case 4: case 5:
		len = mk_packet(s, p, remote, r->rec.ipv4, 80 + (v & 1), some_port(r, s));
		from_tunnel(r, s, p, len);
		break;
	case 6:
		if (r->last_lan_len >= 28)
			from_lan(r, s, p, mk_error(s, p, host, r->last_lan, r->last_lan_len));
		break;
	case 7:
		if (r->last_tun_len >= 28)
			from_tunnel(r, s, p, mk_error(s, p, remote, r->last_tun, r->last_tun_len));
		break;
	case 8:
		if (r->last_tun_len >= 28)
			tunnel_error(r, s);
		break;
	case 9:
		forward(r, s);
		break;
	case 10:
		record(r, s);
		break;
	case 11:
		r->now += (lw4o6_time)v * v * LW4O6_SEC / 4;
		lw4o6_b4_tick(r->b, r->now);
		drain(r);
		FUZZ_ASSERT(lw4o6_b4_expiry(r->b) > r->now);
		break;
	default:
		len = v < s->len ? v : s->len;
		memcpy(p, s->p, len);
		s->p += len;
		s->len -= len;
		if (op & 1)
			from_lan(r, s, p, len);
		else
			feed(r, LW4O6_SIDE_IPV6, p, len, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig r;
	struct script s = { data, size };
	struct lw4o6_b4_config cfg;
	struct lw4o6_napt_config nat;
	struct lw4o6_host host = { .arg = &r, .random = rng_fill };
	unsigned v = take(&s);

	memset(&r, 0, sizeof(r));
	memset(&seen, 0, sizeof(seen));
	r.mem = talloc_new(NULL);
	r.now = 1000 * LW4O6_SEC;
	lw4o6_b4_config_init(&cfg);
	lw4o6_napt_config_init(&nat);
	nat.sessions_max = 64;
	nat.forwards_max = 8;
	nat.filter_udp = nat.filter_tcp = (enum lw4o6_napt_filter)(v % 3);
	nat.joint = (v & 4) != 0;
	nat.tcp_loose = (v & 8) != 0;
	nat.inbound_refresh = (v & 16) != 0;
	nat.host_ports_max = v & 32 ? 20 : 0;
	nat.id_partition = (v & 64) != 0;
	cfg.nat = &nat;
	cfg.frag_contexts = 8;
	cfg.frag_memory = 65536;
	cfg.frag4_mode = v & 128 ? LW4O6_B4_FRAG4_FULL : LW4O6_B4_FRAG4_VIRTUAL;
	cfg.hairpin_3_3 = cfg.syn_unsolicited_3_3 = (v & 1) != 0; /* not prohibited_3_13: it quotes ports of others */
	FUZZ_ASSERT(lw4o6_b4_new(r.mem, &r.b, &cfg, &host) == LW4O6_OK);
	r.rec = (struct lw4o6_b4_record){
		.ipv4 = { htonl(0xc0000212) }, .ps = { 0, 6, 52 }, .expires = LW4O6_TIME_NONE,
		.aftr = { { { 0x20, 1, 0xd, 0xb8, [15] = 1 } } }, .b4 = { { { 0x20, 1, 0xd, 0xb8, 1, [15] = 1 } } },
	};
	FUZZ_ASSERT(lw4o6_b4_set_record(r.b, &r.rec, r.now) == LW4O6_OK);
	for (unsigned i = 0; i < OPS && s.len > 0; i++) {
		step(&r, &s);
		check_counters(&r);
		if (i % 8 == 0)
			check_tables(&r);
	}
	check_tables(&r);
	talloc_free(r.mem);
	return 0;
}
