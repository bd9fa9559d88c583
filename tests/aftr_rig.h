/* An AFTR with the softwires A and B of data-plane.md, packets in, packets and counters out. */
#ifndef LW4O6_TESTS_AFTR_RIG_H
#define LW4O6_TESTS_AFTR_RIG_H

#include "harness.h"
#include "vectors/dataplane.h"

#include <arpa/inet.h>
#include <lw4o6/aftr.h>
#include <lw4o6/cksum.h>

enum { RIG_OUT = 400, RIG_PKT = 66000 };

struct rig {
	TALLOC_CTX *mem;
	void *region;
	struct lw4o6_bindtab *tab;
	struct lw4o6_aftr *a;
	struct test_rng rng;
	lw4o6_time now;
	struct lw4o6_counters before; /* as of the last rig_counted() */
	unsigned lines;               /* logged */
	char line[300];               /* the last one */
	struct {
		enum lw4o6_side side;
		uint8_t *data;
		size_t len;
	} out[RIG_OUT];
	size_t n_out, seen;
	size_t headroom; /* of packets given in */
};

static inline struct in6_addr rig_a6(const char *s)
{
	struct in6_addr a;

	ck_assert_msg(inet_pton(AF_INET6, s, &a) == 1, "%s", s);
	return a;
}

static inline struct in_addr rig_a4(const char *s)
{
	struct in_addr a;

	ck_assert_msg(inet_pton(AF_INET, s, &a) == 1, "%s", s);
	return a;
}

#define RIG_AFTR "2001:db8:ffff::1"
#define RIG_B4A "2001:db8:12:3400:0:c000:212:34"
#define RIG_B4B "2001:db8:12:3500:0:c000:212:35"

static inline void rig_log(void *arg, enum lw4o6_log_level level, const char *id, const char *text)
{
	struct rig *r = (struct rig *)(void *)((char *)arg - offsetof(struct rig, rng));

	(void)level;
	snprintf(r->line, sizeof(r->line), "%s: %s", id, text);
	r->lines++;
}

static inline void rig_bind(struct rig *r, const char *ipv4, unsigned k, unsigned id, const char *b4)
{
	struct lw4o6_binding b = { .ipv4 = rig_a4(ipv4), .b4 = rig_a6(b4), .br = rig_a6(RIG_AFTR),
		                   .expires = LW4O6_TIME_NONE };

	ck_assert_int_eq(lw4o6_psid_init(&b.ps, 0, k, id), LW4O6_OK);
	ck_assert_int_eq(lw4o6_bindtab_set(r->tab, &b, r->now), LW4O6_OK);
}

/** Settings of the examples; a test changes them before rig_new(). */
static inline struct lw4o6_aftr_config rig_config(void)
{
	static struct lw4o6_aftr_addr addr;
	struct lw4o6_aftr_config c;

	lw4o6_aftr_config_init(&c);
	addr.addr = rig_a6(RIG_AFTR);
	c.addrs = &addr;
	c.n_addrs = 1;
	c.icmp4_source_internet = rig_a4("203.0.113.1");
	c.softwires_max = 64;
	c.frag6_first_id = 0x1d2c3b4a;
	c.frag4_memory = 1 << 20;
	c.frag6_memory = 1 << 20;
	c.frag4_contexts = 256;
	c.frag6_contexts = 256;
	return c;
}

/** A and B share 192.0.2.18; W owns 192.0.2.99 whole. */
static inline struct rig *rig_new(const struct lw4o6_aftr_config *cfg)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct lw4o6_host host = { &r->rng, test_random, rig_log };
	struct lw4o6_bindtab_config bc;
	struct lw4o6_aftr_config c = cfg ? *cfg : rig_config();

	r->mem = talloc_new(NULL);
	r->rng.s = 42;
	r->now = 1000 * LW4O6_SEC;
	r->headroom = 48;
	lw4o6_bindtab_config_init(&bc);
	bc.max_softwires = 64;
	bc.hash_key[0] = 1;
	size_t size = lw4o6_bindtab_size(&bc);
	r->region = aligned_alloc(64, (size + 63) & ~(size_t)63);
	memset(r->region, 0, size);
	ck_assert_int_eq(lw4o6_bindtab_init(r->region, size, &bc), LW4O6_OK);
	r->tab = lw4o6_bindtab_attach(r->mem, r->region, size, true);
	ck_assert_ptr_nonnull(r->tab);
	rig_bind(r, "192.0.2.18", 6, 0x34, RIG_B4A);
	rig_bind(r, "192.0.2.18", 6, 0x35, RIG_B4B);
	rig_bind(r, "192.0.2.99", 0, 0, "2001:db8:99::99");
	ck_assert_int_eq(lw4o6_aftr_new(r->mem, &r->a, &c, &host), LW4O6_OK);
	lw4o6_aftr_set_table(r->a, 0, r->tab);
	return r;
}

static inline void rig_clear(struct rig *r)
{
	for (size_t i = 0; i < r->n_out; i++)
		free(r->out[i].data);
	r->n_out = r->seen = 0;
}

static inline void rig_free(struct rig *r)
{
	rig_clear(r);
	talloc_free(r->mem);
	free(r->region);
	free(r);
}

static inline void rig_keep(struct rig *r, enum lw4o6_side side, const uint8_t *p, size_t len)
{
	ck_assert_uint_lt(r->n_out, RIG_OUT);
	r->out[r->n_out].side = side;
	r->out[r->n_out].data = malloc(len);
	memcpy(r->out[r->n_out].data, p, len);
	r->out[r->n_out++].len = len;
}

static inline void rig_drain(struct rig *r)
{
	struct lw4o6_out out;

	while (lw4o6_aftr_next_out(r->a, &out))
		rig_keep(r, out.side, out.data, out.len);
}

/** Give one packet in an exactly sized block. @return its verdict. */
static inline enum lw4o6_verdict rig_give(struct rig *r, enum lw4o6_side side, const uint8_t *data, size_t len)
{
	uint8_t *block = malloc(r->headroom + len + 1);
	uint8_t *exact = realloc(block, r->headroom + len ? r->headroom + len : 1);
	struct lw4o6_pkt p = { .data = exact + r->headroom, .len = len, .headroom = r->headroom };

	memcpy(p.data, data, len);
	ck_assert_uint_eq(lw4o6_aftr_run(r->a, side, &p, 1, r->now), 1);
	if (p.verdict == LW4O6_VERDICT_EMIT4)
		rig_keep(r, LW4O6_SIDE_IPV4, p.data, p.len);
	else if (p.verdict == LW4O6_VERDICT_EMIT6)
		rig_keep(r, LW4O6_SIDE_IPV6, p.data, p.len);
	rig_drain(r);
	enum lw4o6_verdict v = p.verdict;
	free(exact);
	return v;
}

static inline size_t rig_vector(uint8_t *dst, const char *name)
{
	for (size_t i = 0; i < sizeof(dataplane) / sizeof(dataplane[0]); i++)
		if (strcmp(dataplane[i].name, name) == 0)
			return unhex(dst, RIG_PKT, dataplane[i].hex);
	ck_abort_msg("no vector %s", name);
	return 0;
}

/** Give a packet of the examples. */
static inline enum lw4o6_verdict rig_send(struct rig *r, enum lw4o6_side side, const char *name)
{
	static uint8_t p[RIG_PKT];
	size_t len = rig_vector(p, name);

	return rig_give(r, side, p, len);
}

/** The next packet that came out is this one. */
static inline void rig_expect_octets(struct rig *r, enum lw4o6_side side, const uint8_t *want, size_t len)
{
	ck_assert_msg(r->seen < r->n_out, "no further packet");
	ck_assert_int_eq(r->out[r->seen].side, side);
	ck_octets(r->out[r->seen].data, r->out[r->seen].len, want, len);
	r->seen++;
}

static inline void rig_expect(struct rig *r, enum lw4o6_side side, const char *name)
{
	static uint8_t want[RIG_PKT];
	size_t len = rig_vector(want, name);

	rig_expect_octets(r, side, want, len);
}

static inline void rig_nothing(struct rig *r)
{
	ck_assert_msg(r->seen == r->n_out, "%zu packets more", r->n_out - r->seen);
	rig_clear(r);
}

/**
 * Packet counts that moved since the last call: "name=n name=n ...", the names of pairs without "-packets"; all others
 * must not have moved. dropped-ipv4 and dropped-ipv6 are implied by the drop reasons.
 */
static inline void rig_counted(struct rig *r, const char *expect)
{
	const struct lw4o6_counters *c = lw4o6_aftr_counters(r->a);
	char text[1000];

	snprintf(text, sizeof(text), " %s ", expect);
	for (unsigned i = 0; i < LW4O6_CNT_COUNT; i++) {
		uint64_t n = c->packets[i] - r->before.packets[i];
		char name[80], want[100];
		size_t len = strlen(lw4o6_counter_name((enum lw4o6_counter)i));

		snprintf(name, sizeof(name), "%s", lw4o6_counter_name((enum lw4o6_counter)i));
		if (lw4o6_counter_octets_name((enum lw4o6_counter)i) && len > 8 && strcmp(name + len - 8, "-packets") == 0)
			name[len - 8] = 0;
		if (strcmp(name, "dropped-ipv4") == 0 || strcmp(name, "dropped-ipv6") == 0)
			continue;
		snprintf(want, sizeof(want), " %s=%llu ", name, (unsigned long long)n);
		if (n > 0)
			ck_assert_msg(strstr(text, want) != NULL, "%s moved by %llu, expected \"%s\"", name,
			              (unsigned long long)n, expect);
		snprintf(want, sizeof(want), " %s=", name);
		if (n == 0)
			ck_assert_msg(strstr(text, want) == NULL, "%s has not moved", name);
	}
	r->before = *c;
}

/** An IPv4 packet with TTL 57 and DF around @p len octets of @p l4. @return its length. */
static inline size_t rig_ip4(uint8_t *p, const char *src, const char *dst, unsigned proto, const uint8_t *l4,
                             size_t len)
{
	struct in_addr s = rig_a4(src), d = rig_a4(dst);
	size_t total = 20 + len;

	memset(p, 0, 20);
	p[0] = 0x45;
	p[2] = (uint8_t)(total >> 8);
	p[3] = (uint8_t)total;
	p[6] = 0x40;
	p[8] = 57;
	p[9] = (uint8_t)proto;
	memcpy(p + 12, &s, 4);
	memcpy(p + 16, &d, 4);
	memmove(p + 20, l4, len);
	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, p, 20));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	return total;
}

/** A UDP packet of 28 + @p n octets without checksum. */
static inline size_t rig_udp(uint8_t *p, const char *src, unsigned sport, const char *dst, unsigned dport, size_t n)
{
	static uint8_t l4[RIG_PKT];

	l4[0] = (uint8_t)(sport >> 8);
	l4[1] = (uint8_t)sport;
	l4[2] = (uint8_t)(dport >> 8);
	l4[3] = (uint8_t)dport;
	l4[4] = (uint8_t)((8 + n) >> 8);
	l4[5] = (uint8_t)(8 + n);
	l4[6] = l4[7] = 0;
	for (size_t i = 0; i < n; i++)
		l4[8 + i] = (uint8_t)(7 * i);
	return rig_ip4(p, src, dst, 17, l4, 8 + n);
}

/** Put an IPv6 header for the AFTR around the @p len octets at @p p. @return the new length. */
static inline size_t rig_wrap(uint8_t *p, const char *b4, unsigned next, size_t len)
{
	struct in6_addr src = rig_a6(b4), dst = rig_a6(RIG_AFTR);

	memmove(p + 40, p, len);
	memset(p, 0, 8);
	p[0] = 0x60;
	p[4] = (uint8_t)(len >> 8);
	p[5] = (uint8_t)len;
	p[6] = (uint8_t)next;
	p[7] = 64;
	memcpy(p + 8, &src, 16);
	memcpy(p + 24, &dst, 16);
	return 40 + len;
}

/** A UDP packet out of softwire A: 40 + 28 + @p n octets. */
static inline size_t rig_from_a(uint8_t *p, unsigned sport, const char *dst, unsigned dport, size_t n)
{
	return rig_wrap(p, RIG_B4A, 4, rig_udp(p, "192.0.2.18", sport, dst, dport, n));
}

/** Make the header checksum of the IPv4 packet at @p p right. */
static inline void rig_fix4(uint8_t *p)
{
	p[10] = p[11] = 0;
	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, p, (p[0] & 15u) * 4u));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

/** The same for the ICMP checksum. */
static inline void rig_fix_icmp4(uint8_t *p)
{
	size_t hlen = (p[0] & 15u) * 4u, total = (size_t)p[2] << 8 | p[3];

	p[hlen + 2] = p[hlen + 3] = 0;
	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, p + hlen, total - hlen));
	p[hlen + 2] = (uint8_t)(sum >> 8);
	p[hlen + 3] = (uint8_t)sum;
}

/** The same for ICMPv6 behind a plain IPv6 header. */
static inline void rig_fix_icmp6(uint8_t *p, size_t len)
{
	struct in6_addr src, dst;

	memcpy(&src, p + 8, 16);
	memcpy(&dst, p + 24, 16);
	p[42] = p[43] = 0;
	uint32_t sum = lw4o6_cksum_pseudo6(&src, &dst, (uint32_t)(len - 40), 58);
	uint16_t check = lw4o6_cksum_finish(lw4o6_cksum_add(sum, p + 40, len - 40));
	p[42] = (uint8_t)(check >> 8);
	p[43] = (uint8_t)check;
}

#endif
