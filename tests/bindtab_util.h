/* Tables and bindings for the tests of the binding table. */
#ifndef LW4O6_TESTS_BINDTAB_UTIL_H
#define LW4O6_TESTS_BINDTAB_UTIL_H

#include "harness.h"

#include <arpa/inet.h>
#include <lw4o6/bindtab.h>

/* A table in memory of its own, with a writer and a reader on it. */
struct table {
	void *region;
	size_t size;
	struct lw4o6_bindtab *w, *r;
	TALLOC_CTX *mem;
};

static inline size_t open_size(uint32_t softwires, uint32_t brs)
{
	struct lw4o6_bindtab_config cfg;

	lw4o6_bindtab_config_init(&cfg);
	cfg.max_softwires = softwires;
	cfg.max_br = brs;
	return lw4o6_bindtab_size(&cfg);
}

/* In @p region, which has room enough, or on the heap. */
static inline struct table open_table_at(void *region, uint32_t softwires, uint32_t addresses, uint32_t brs, bool multi)
{
	struct lw4o6_bindtab_config cfg;
	struct table t = { .mem = talloc_new(NULL) };

	lw4o6_bindtab_config_init(&cfg);
	cfg.max_softwires = softwires;
	cfg.max_addresses = addresses;
	cfg.max_br = brs;
	cfg.multi_binding = multi;
	cfg.hash_key[0] = 0x1234567;
	cfg.hash_key[1] = 0x89abcde;
	t.size = lw4o6_bindtab_size(&cfg);
	t.region = region ? region : aligned_alloc(64, t.size);
	memset(t.region, 0xa5, t.size);
	ck_assert_int_eq(lw4o6_bindtab_init(t.region, t.size, &cfg), LW4O6_OK);
	t.w = lw4o6_bindtab_attach(t.mem, t.region, t.size, true);
	t.r = lw4o6_bindtab_attach(t.mem, t.region, t.size, false);
	ck_assert(t.w && t.r);
	return t;
}

static inline struct table open_table(uint32_t softwires, uint32_t addresses, uint32_t brs, bool multi)
{
	return open_table_at(NULL, softwires, addresses, brs, multi);
}

static inline void close_table(struct table *t)
{
	talloc_free(t->w);
	talloc_free(t->r);
	ck_assert_uint_eq(talloc_total_blocks(t->mem), 1);
	talloc_free(t->mem);
	free(t->region);
}

static inline struct in_addr ip4(uint32_t host)
{
	return (struct in_addr){ htonl(host) };
}

static inline struct in6_addr ip6(const char *prefix, uint32_t n)
{
	struct in6_addr a;

	inet_pton(AF_INET6, prefix, &a);
	for (int i = 0; i < 4; i++)
		a.s6_addr[12 + i] = (uint8_t)(n >> (24 - 8 * i));
	return a;
}

static inline struct lw4o6_binding binding(uint32_t ipv4, unsigned a, unsigned k, unsigned id, uint32_t b4)
{
	struct lw4o6_binding b = { .ipv4 = ip4(ipv4), .b4 = ip6("2001:db8:b4::", b4), .br = ip6("2001:db8:a::", 1),
		                   .expires = LW4O6_TIME_NONE, .owner = 7, .mtu = 1500 };

	ck_assert_int_eq(lw4o6_psid_init(&b.ps, a, k, id), LW4O6_OK);
	return b;
}

static inline bool same(const struct lw4o6_binding *x, const struct lw4o6_binding *y)
{
	return x->ipv4.s_addr == y->ipv4.s_addr && lw4o6_psid_equal(&x->ps, &y->ps) &&
	       memcmp(&x->b4, &y->b4, 16) == 0 && memcmp(&x->br, &y->br, 16) == 0 && x->expires == y->expires &&
	       x->owner == y->owner && x->mtu == y->mtu;
}

#endif
