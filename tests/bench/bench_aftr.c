/*
 * The AFTR's fast path: packets of 64 octets of IPv4 in bursts of 64, by number of softwires, each
 * packet for a random one of them.
 *
 *	bench_aftr [largest number of softwires]
 *
 * Nanoseconds a packet, in place, buffers hot.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <lw4o6/aftr.h>
#include <lw4o6/cksum.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

enum { BURST = 64, BURSTS = 256, SLOT = 256, HEADROOM = 64, LEN = 64, K = 6 };

struct world {
	uint32_t n;
	struct lw4o6_aftr *a;
	uint64_t seed;
	uint8_t *down, *up;  /* BURST x BURSTS packets as they arrive */
	uint8_t *buf;        /* BURST slots */
	struct lw4o6_pkt pkts[BURST];
	unsigned burst;
	uint64_t bad;
	bool single;
};

static void fake_random(void *arg, void *dst, size_t len)
{
	(void)arg;
	memset(dst, 0x5a, len);
}

static uint64_t draw(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 0x2545f4914f6cdd1du;
}

static struct lw4o6_binding softwire(uint32_t i)
{
	struct lw4o6_binding b = { .ipv4.s_addr = htonl(0x0b000000 + (i >> K)), .ps = { 0, K, (uint16_t)(i & 63) },
		                   .expires = LW4O6_TIME_NONE };

	inet_pton(AF_INET6, "2001:db8:ffff::1", &b.br);
	inet_pton(AF_INET6, "2001:db8:1::", &b.b4);
	memcpy(&b.b4.s6_addr[10], &i, 4);
	return b;
}

static void make_packet(uint8_t *ip, struct in_addr src, uint16_t sport, struct in_addr dst, uint16_t dport)
{
	memset(ip, 0, LEN);
	ip[0] = 0x45;
	ip[3] = LEN;
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	ip[20] = (uint8_t)(sport >> 8);
	ip[21] = (uint8_t)sport;
	ip[22] = (uint8_t)(dport >> 8);
	ip[23] = (uint8_t)dport;

	uint16_t sum = lw4o6_cksum_finish(lw4o6_cksum_add(0, ip, 20));

	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void make_traffic(struct world *w)
{
	struct in_addr server = { htonl(0xc6336407) };

	for (unsigned i = 0; i < BURST * BURSTS; i++) {
		uint32_t which = (uint32_t)(draw(&w->seed) % w->n);
		struct lw4o6_binding b = softwire(which);
		uint16_t port = (uint16_t)((which & 63) << 10 | (draw(&w->seed) & 1023));
		uint8_t *up = w->up + (size_t)i * (LEN + 40);

		server.s_addr = htonl(0xc6000000 | (uint32_t)(draw(&w->seed) & 0x1ffff));
		make_packet(w->down + (size_t)i * LEN, server, 443, b.ipv4, port);
		memset(up, 0, 40);
		up[0] = 0x60;
		up[5] = LEN;
		up[6] = 4;
		up[7] = 64;
		memcpy(up + 8, &b.b4, 16);
		memcpy(up + 24, &b.br, 16);
		make_packet(up + 40, b.ipv4, port, server, 443);
	}
}

/* Copying the packets in is part of the time; "fill" says how much. */
static void fill(struct world *w, const uint8_t *from, size_t len)
{
	const uint8_t *src = from + (size_t)w->burst * BURST * len;

	w->burst = (w->burst + 1) % BURSTS;
	for (unsigned i = 0; i < BURST; i++) {
		uint8_t *data = w->buf + (size_t)i * SLOT + HEADROOM;

		memcpy(data, src + i * len, len);
		w->pkts[i] = (struct lw4o6_pkt){ .data = data, .len = len, .headroom = HEADROOM };
	}
}

static void go(struct world *w, enum lw4o6_side side, enum lw4o6_verdict want)
{
	if (w->single) {
		for (unsigned i = 0; i < BURST; i++)
			w->bad += lw4o6_aftr_run(w->a, side, &w->pkts[i], 1, LW4O6_SEC) != 1;
	} else {
		w->bad += lw4o6_aftr_run(w->a, side, w->pkts, BURST, LW4O6_SEC) != BURST;
	}
	for (unsigned i = 0; i < BURST; i++)
		w->bad += w->pkts[i].verdict != want;
}

static void fill_only(void *arg)
{
	struct world *w = arg;

	fill(w, w->down, LEN);
	bench_keep(w->buf);
}

static void down(void *arg)
{
	struct world *w = arg;

	fill(w, w->down, LEN);
	go(w, LW4O6_SIDE_IPV4, LW4O6_VERDICT_EMIT6);
}

static void up(void *arg)
{
	struct world *w = arg;

	fill(w, w->up, LEN + 40);
	go(w, LW4O6_SIDE_IPV6, LW4O6_VERDICT_EMIT4);
}

static void report(const char *what, void (*fn)(void *), struct world *w)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 7; round++) {
		uint64_t start = bench_now();

		for (unsigned i = 0; i < 4 * BURSTS; i++)
			fn(w);

		uint64_t took = bench_now() - start;

		best = took < best ? took : best;
	}
	printf("%s, %u softwires\t%.1f\n", what, w->n, (double)best / (4.0 * BURSTS * BURST));
	fflush(stdout);
}

static void *make_table(TALLOC_CTX *mem, uint32_t n, struct lw4o6_bindtab **tab)
{
	struct lw4o6_bindtab_config bc;

	lw4o6_bindtab_config_init(&bc);
	bc.max_softwires = n;
	bc.max_addresses = (n >> K) + 1;

	size_t size = (lw4o6_bindtab_size(&bc) + 63) & ~(size_t)63;
	void *region = aligned_alloc(64, size);

	if (!region)
		return NULL;
	memset(region, 0, size);
	if (lw4o6_bindtab_init(region, size, &bc) != LW4O6_OK)
		return NULL;
	*tab = lw4o6_bindtab_attach(mem, region, size, true);
	for (uint32_t i = 0; i < n; i++) {
		struct lw4o6_binding b = softwire(i);

		if (!*tab || lw4o6_bindtab_add(*tab, &b, 0) != LW4O6_OK)
			return NULL;
	}
	return region;
}

static int measure(uint32_t n)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct world *w = talloc_zero(mem, struct world);
	struct lw4o6_host host = { .random = fake_random };
	struct lw4o6_aftr_addr addr = { .anycast = false };
	struct lw4o6_aftr_config c;
	struct lw4o6_bindtab *tab = NULL;
	void *region = make_table(mem, n, &tab);

	if (!w || !region)
		return -1;
	w->n = n;
	w->seed = 88172645463325252u;
	w->down = talloc_size(w, (size_t)BURST * BURSTS * LEN);
	w->up = talloc_size(w, (size_t)BURST * BURSTS * (LEN + 40));
	w->buf = talloc_size(w, (size_t)BURST * SLOT);
	inet_pton(AF_INET6, "2001:db8:ffff::1", &addr.addr);
	lw4o6_aftr_config_init(&c);
	c.addrs = &addr;
	c.n_addrs = 1;
	c.softwires_max = n;
	if (!w->down || !w->up || !w->buf || lw4o6_aftr_new(w, &w->a, &c, &host) != LW4O6_OK)
		return -1;
	lw4o6_aftr_set_table(w->a, 0, tab);
	make_traffic(w);
	report("fill", fill_only, w);
	report("encapsulate, 64 a burst", down, w);
	report("decapsulate, 64 a burst", up, w);
	w->single = true;
	report("encapsulate, one by one", down, w);
	report("decapsulate, one by one", up, w);
	if (w->bad)
		fprintf(stderr, "%llu packets went wrong\n", (unsigned long long)w->bad);

	int bad = w->bad != 0;

	talloc_free(mem);
	free(region);
	return bad;
}

int main(int argc, char **argv)
{
	uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1u << 20;

	for (uint32_t n = 1024; n <= most; n <<= 5)
		if (measure(n) != 0)
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
