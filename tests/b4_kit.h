/* A B4 with the addresses of data-plane section 0, packets made by hand, and what came out of it. */
#ifndef LW4O6_TESTS_B4_KIT_H
#define LW4O6_TESTS_B4_KIT_H

#include "harness.h"

#include <arpa/inet.h>
#include <lw4o6/b4.h>
#include <lw4o6/cksum.h>
#include <lw4o6/icmp.h>
#include <lw4o6/tunnel.h>

enum { ROOM = 64, BUF = 70000, OUTS = 256 };

struct kit_out {
	enum lw4o6_side side;
	size_t len;
	uint8_t *data;
};

struct kit {
	void *mem;
	struct test_rng rng;
	struct lw4o6_b4_config cfg;
	struct lw4o6_napt_config nat;
	struct lw4o6_b4_record rec;
	struct lw4o6_b4 *b;
	lw4o6_time now;
	size_t headroom;
	uint8_t buf[ROOM + BUF];
	struct lw4o6_pkt pkt;    /* the last packet given, with its verdict */
	struct kit_out out[OUTS]; /* what it caused */
	unsigned n;
};

static inline struct in_addr ip4(const char *s)
{
	struct in_addr a;

	ck_assert_int_eq(inet_pton(AF_INET, s, &a), 1);
	return a;
}

static inline struct in6_addr ip6(const char *s)
{
	struct in6_addr a;

	ck_assert_int_eq(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

#define LAN "192.168.1.10"
#define LAN2 "192.168.1.11"
#define SERVER "198.51.100.7"
#define PUBLIC "192.0.2.18"
#define SOFTWIRE_A "2001:db8:12:3400:0:c000:212:34"
#define SOFTWIRE_AFTR "2001:db8:ffff::1"

/* Softwire A of section 0, default settings; change k.cfg and k.nat before kit_start(). */
static inline struct kit *kit_new(void)
{
	struct kit *k = (struct kit *)calloc(1, sizeof(*k));

	k->mem = talloc_new(NULL);
	k->rng.s = 42;
	k->now = 1000 * LW4O6_SEC;
	k->headroom = ROOM;
	lw4o6_b4_config_init(&k->cfg);
	lw4o6_napt_config_init(&k->nat);
	k->cfg.nat = &k->nat;
	k->cfg.icmp_rate = k->cfg.icmp_burst = 1000;
	k->rec = (struct lw4o6_b4_record){
		.ipv4 = ip4("192.0.2.18"), .aftr = ip6(SOFTWIRE_AFTR), .b4 = ip6(SOFTWIRE_A),
		.expires = LW4O6_TIME_NONE,
	};
	ck_assert_int_eq(lw4o6_psid_init(&k->rec.ps, 0, 6, 0x34), LW4O6_OK);
	return k;
}

static inline void kit_make(struct kit *k)
{
	struct lw4o6_host host = { .arg = &k->rng, .random = test_random };

	ck_assert_int_eq(lw4o6_b4_new(k->mem, &k->b, &k->cfg, &host), LW4O6_OK);
}

static inline struct kit *kit_start(struct kit *k)
{
	kit_make(k);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &k->rec, k->now), LW4O6_OK);
	return k;
}

static inline void kit_clear(struct kit *k)
{
	for (unsigned i = 0; i < k->n; i++)
		free(k->out[i].data);
	k->n = 0;
}

static inline void kit_free(struct kit *k)
{
	kit_clear(k);
	talloc_free(k->b);
	ck_assert_uint_eq(talloc_total_blocks(k->mem), 1);
	talloc_free(k->mem);
	free(k);
}

static inline void kit_keep(struct kit *k, enum lw4o6_side side, const uint8_t *data, size_t len)
{
	ck_assert_uint_lt(k->n, OUTS);
	k->out[k->n].side = side;
	k->out[k->n].len = len;
	k->out[k->n].data = (uint8_t *)malloc(len);
	memcpy(k->out[k->n++].data, data, len);
}

static inline void kit_drain(struct kit *k)
{
	struct lw4o6_out o;

	while (lw4o6_b4_next_out(k->b, &o))
		kit_keep(k, o.side, o.data, o.len);
}

/* One packet through; its outputs are in k->out. @return the verdict. */
static inline enum lw4o6_verdict kit_run(struct kit *k, enum lw4o6_side side, const uint8_t *data, size_t len)
{
	kit_clear(k);
	memcpy(k->buf + k->headroom, data, len);
	k->pkt = (struct lw4o6_pkt){
		.data = k->buf + k->headroom, .len = len, .headroom = k->headroom, .tailroom = BUF - len,
		.verdict = (enum lw4o6_verdict)99,
	};
	ck_assert_uint_eq(lw4o6_b4_run(k->b, side, &k->pkt, 1, k->now), 1);
	if (k->pkt.verdict == LW4O6_VERDICT_EMIT4 || k->pkt.verdict == LW4O6_VERDICT_EMIT6) {
		ck_assert_ptr_eq(k->pkt.data - k->pkt.headroom, k->buf);
		ck_assert_uint_eq(k->pkt.headroom + k->pkt.len + k->pkt.tailroom, k->headroom + BUF);
		kit_keep(k, k->pkt.verdict == LW4O6_VERDICT_EMIT4 ? LW4O6_SIDE_IPV4 : LW4O6_SIDE_IPV6, k->pkt.data,
		         k->pkt.len);
	}
	kit_drain(k);
	return k->pkt.verdict;
}

static inline uint64_t kit_count(const struct kit *k, enum lw4o6_counter c)
{
	return lw4o6_b4_counters(k->b)->packets[c];
}

/* The packet was dropped for this reason, which was counted. */
#define ck_dropped(k, why) \
	do { \
		ck_assert_int_eq((k)->pkt.verdict, LW4O6_VERDICT_DROP); \
		ck_assert_msg((k)->pkt.reason == (unsigned)(why), "reason is %s", \
		              lw4o6_counter_name((enum lw4o6_counter)(k)->pkt.reason)); \
	} while (0)

static inline void kit_forward(struct kit *k, uint8_t protocol, uint16_t port, const char *addr, uint16_t inner)
{
	struct lw4o6_napt_forward f = { .protocol = protocol, .port = port, .addr = ip4(addr), .inner_port = inner };

	ck_assert_int_eq(lw4o6_b4_forward_add(k->b, &f, k->now), LW4O6_OK);
}

/* ---- packets ---- */

static inline void be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static inline void fix_ip(uint8_t *p)
{
	size_t hlen = (size_t)(p[0] & 15) * 4;

	be16(p + 10, 0);
	be16(p + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, p, hlen)));
}

/* Checksum of what an IPv4 packet carries, field at @at of the upper layer. */
static inline void fix_l4(uint8_t *p, size_t at, bool pseudo)
{
	size_t hlen = (size_t)(p[0] & 15) * 4, len = get16(p + 2) - hlen;
	struct in_addr src, dst;
	uint32_t sum = 0;

	memcpy(&src, p + 12, 4);
	memcpy(&dst, p + 16, 4);
	be16(p + hlen + at, 0);
	if (pseudo)
		sum = lw4o6_cksum_pseudo4(src, dst, (uint16_t)len, p[9]);
	be16(p + hlen + at, lw4o6_cksum_finish(lw4o6_cksum_add(sum, p + hlen, len)));
}

static inline size_t mk_ip(uint8_t *p, uint8_t proto, const char *src, const char *dst, size_t l4)
{
	struct in_addr s = ip4(src), d = ip4(dst);

	memset(p, 0, 20);
	p[0] = 0x45;
	be16(p + 2, (unsigned)(20 + l4));
	p[6] = 0x40;
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, &s, 4);
	memcpy(p + 16, &d, 4);
	fix_ip(p);
	return 20 + l4;
}

static inline size_t mk_udp(uint8_t *p, const char *src, unsigned sport, const char *dst, unsigned dport, size_t data)
{
	size_t len = mk_ip(p, 17, src, dst, 8 + data);

	be16(p + 20, sport);
	be16(p + 22, dport);
	be16(p + 24, (unsigned)(8 + data));
	for (size_t i = 0; i < data; i++)
		p[28 + i] = (uint8_t)(i * 7);
	fix_l4(p, 6, true);
	return len;
}

static inline size_t mk_tcp(uint8_t *p, const char *src, unsigned sport, const char *dst, unsigned dport,
                            uint8_t flags, uint32_t seq, uint32_t ack)
{
	size_t len = mk_ip(p, 6, src, dst, 20);

	memset(p + 20, 0, 20);
	be16(p + 20, sport);
	be16(p + 22, dport);
	be16(p + 24, seq >> 16);
	be16(p + 26, seq & 0xffff);
	be16(p + 28, ack >> 16);
	be16(p + 30, ack & 0xffff);
	p[32] = 0x50;
	p[33] = flags;
	be16(p + 34, 1000);
	fix_l4(p, 16, true);
	return len;
}

static inline size_t mk_echo(uint8_t *p, const char *src, const char *dst, uint8_t type, unsigned id, size_t data)
{
	size_t len = mk_ip(p, 1, src, dst, 8 + data);

	memset(p + 20, 0, 8 + data);
	p[20] = type;
	be16(p + 24, id);
	be16(p + 26, 1);
	fix_l4(p, 2, false);
	return len;
}

/* An ICMPv4 error that quotes @q. */
static inline size_t mk_error(uint8_t *p, const char *src, const char *dst, uint8_t type, uint8_t code,
                              const uint8_t *q, size_t qlen)
{
	size_t len = mk_ip(p, 1, src, dst, 8 + qlen);

	memset(p + 20, 0, 8);
	p[20] = type;
	p[21] = code;
	memcpy(p + 28, q, qlen);
	fix_l4(p, 2, false);
	return len;
}

/* Put the tunnel header of the AFTR in front. */
static inline size_t mk_tunnel(uint8_t *dst, const uint8_t *inner, size_t len)
{
	struct in6_addr src = ip6(SOFTWIRE_AFTR), to = ip6(SOFTWIRE_A);

	lw4o6_ip6_write(dst, &src, &to, len, 4, inner[1], 0, 64);
	memcpy(dst + 40, inner, len);
	return 40 + len;
}

/* Every checksum of an IPv4 packet, quotes aside, is right. */
static inline void ck_sums(const uint8_t *p, size_t len)
{
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
	ck_assert_uint_eq(h.total, len);
	if (lw4o6_ip4_is_fragment(&h))
		return;

	uint32_t sum = lw4o6_cksum_add(0, p + h.hlen, len - h.hlen);
	if (h.protocol == 17 && get16(p + h.hlen + 6) == 0)
		return;
	if (h.protocol == 6 || h.protocol == 17)
		sum = lw4o6_cksum_add(lw4o6_cksum_pseudo4(h.src, h.dst, (uint16_t)(len - h.hlen), h.protocol),
		                      p + h.hlen, len - h.hlen);
	else if (h.protocol != 1)
		return;
	ck_assert_uint_eq(lw4o6_cksum_finish(sum), 0);
}

/* ---- both sides ---- */

static inline void lan(struct kit *k, const uint8_t *p, size_t len)
{
	kit_run(k, LW4O6_SIDE_IPV4, p, len);
}

/* An IPv4 packet from the AFTR. */
static inline void tun(struct kit *k, const uint8_t *p, size_t len)
{
	static uint8_t outer[BUF];

	kit_run(k, LW4O6_SIDE_IPV6, outer, mk_tunnel(outer, p, len));
}

/* The inner packet of the only output, which is a tunnel packet of ours with right sums. */
static inline const uint8_t *sent(const struct kit *k)
{
	ck_assert_uint_eq(k->n, 1);
	ck_assert_int_eq(k->out[0].side, LW4O6_SIDE_IPV6);
	ck_assert_int_eq(memcmp(k->out[0].data + 8, &k->rec.b4, 16), 0);
	ck_assert_int_eq(memcmp(k->out[0].data + 24, &k->rec.aftr, 16), 0);
	ck_sums(k->out[0].data + 40, k->out[0].len - 40);
	return k->out[0].data + 40;
}

/* The only output, to the LAN. */
static inline const uint8_t *delivered(const struct kit *k)
{
	ck_assert_uint_eq(k->n, 1);
	ck_assert_int_eq(k->out[0].side, LW4O6_SIDE_IPV4);
	ck_sums(k->out[0].data, k->out[0].len);
	return k->out[0].data;
}

/* An ICMPv4 error of this kind to @dst, quoting @q. */
static inline void ck_error(const uint8_t *p, const char *src, const char *dst, unsigned type, unsigned code,
                     const uint8_t *q, size_t qlen)
{
	struct in_addr s = ip4(src), d = ip4(dst);

	ck_assert_uint_eq(p[9], 1);
	ck_assert_int_eq(memcmp(p + 12, &s, 4), 0);
	ck_assert_int_eq(memcmp(p + 16, &d, 4), 0);
	ck_assert_uint_eq(p[20], type);
	ck_assert_uint_eq(p[21], code);
	if (q)
		ck_octets(p + 28, qlen < 548 ? qlen : 548, q, qlen < 548 ? qlen : 548);
}

/* A flow from the LAN. @return its external port. */
static inline uint16_t open_udp(struct kit *k, const char *src, unsigned sport, const char *dst, unsigned dport)
{
	uint8_t p[64];

	lan(k, p, mk_udp(p, src, sport, dst, dport, 4));
	return (uint16_t)get16(sent(k) + 20);
}

static inline size_t set_df(uint8_t *p, size_t len, bool df)
{
	p[6] = df ? 0x40 : 0;
	fix_ip(p);
	return len;
}

#endif
