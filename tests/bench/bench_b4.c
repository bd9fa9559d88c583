/* The B4: one packet out and one in with 1k, 16k and 1M sessions; new mappings with a set nearly empty and 95 % full. */
#include "bench.h"

#include <arpa/inet.h>
#include <lw4o6/b4.h>
#include <lw4o6/cksum.h>
#include <lw4o6/tunnel.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 64, LEN = 64, HEAD = 64, ROOM = 256, SECOND = 1000000 };

struct load {
	struct lw4o6_b4 *b;
	struct lw4o6_b4_record rec;
	uint32_t sessions, mappings, at;
	lw4o6_time now;
	uint64_t rng;
	uint32_t *order;         /* sessions in a random order */
	uint16_t *port;          /* external port of each internal endpoint */
	uint8_t inner[BURST][ROOM], outer[BURST][ROOM];
	struct lw4o6_pkt pkts[BURST];
};

static void rng_fill(void *arg, void *dst, size_t len)
{
	struct load *l = arg;

	for (uint8_t *p = dst; len > 0; len--) {
		l->rng = l->rng * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(l->rng >> 56);
	}
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static void mk_udp(uint8_t *p, uint32_t src, unsigned sport, uint32_t dst, unsigned dport)
{
	static const uint8_t head[] = { 0x45, 0, 0, LEN, 0, 0, 0x40, 0, 64, 17 };

	memset(p, 0, LEN);
	memcpy(p, head, sizeof(head));
	put32(p + 12, src);
	put32(p + 16, dst);
	put16(p + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, p, 20)));
	put16(p + 20, sport);
	put16(p + 22, dport);
	put16(p + 24, LEN - 20);
	put16(p + 26, 0x1234);
}

/* Session i: endpoint i % mappings, remote i / mappings. */
static void out_packet(const struct load *l, uint32_t i, uint8_t *p)
{
	uint32_t m = i % l->mappings, r = i / l->mappings;

	mk_udp(p, 0x0a000000u + (m >> 8), 1024 + (m & 255), 0x08000000u + r, 443);
}

static void in_packet(const struct load *l, uint32_t i, uint8_t *p)
{
	uint32_t m = i % l->mappings, r = i / l->mappings;

	lw4o6_ip6_write(p, &l->rec.aftr, &l->rec.b4, LEN, 4, 0, 0, 64);
	mk_udp(p + 40, 0x08000000u + r, 443, ntohl(l->rec.ipv4.s_addr), l->port[m]);
}

static void prepare(struct load *l, bool in, uint8_t (*buf)[ROOM])
{
	for (unsigned i = 0; i < BURST; i++) {
		uint32_t s = l->order[l->at++ % l->sessions];

		if (in)
			in_packet(l, s, buf[i] + HEAD);
		else
			out_packet(l, s, buf[i] + HEAD);
	}
}

static uint64_t burst(struct load *l, enum lw4o6_side side, uint8_t (*buf)[ROOM], enum lw4o6_verdict want)
{
	size_t len = side == LW4O6_SIDE_IPV4 ? LEN : LEN + 40;

	for (unsigned i = 0; i < BURST; i++)
		l->pkts[i] = (struct lw4o6_pkt){ .data = buf[i] + HEAD, .len = len, .headroom = HEAD };

	uint64_t start = bench_now();
	size_t n = lw4o6_b4_run(l->b, side, l->pkts, BURST, l->now);
	uint64_t took = bench_now() - start;

	for (unsigned i = 0; i < BURST; i++) {
		if (n != BURST || l->pkts[i].verdict != want) {
			fprintf(stderr, "unexpected verdict %d, reason %u\n", (int)l->pkts[i].verdict, l->pkts[i].reason);
			exit(EXIT_FAILURE);
		}
	}
	return took;
}

static void report(const char *what, uint32_t n, uint64_t total, uint32_t packets)
{
	printf("%s %u sessions\t%.1f\n", what, n, (double)total / packets);
	fflush(stdout);
}

static void measure(struct load *l, const char *what, bool in)
{
	uint64_t best = UINT64_MAX;
	uint32_t bursts = SECOND / BURST / 4;

	for (int round = 0; round < 5; round++) {
		uint64_t total = 0;

		for (uint32_t i = 0; i < bursts; i++) {
			uint8_t(*buf)[ROOM] = in ? l->outer : l->inner;

			prepare(l, in, buf);
			total += burst(l, in ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4, buf,
			               in ? LW4O6_VERDICT_EMIT4 : LW4O6_VERDICT_EMIT6);
		}
		if (total < best)
			best = total;
	}
	report(what, l->sessions, best, bursts * BURST);
}

static void start(struct load *l, uint32_t sessions, unsigned k)
{
	struct lw4o6_napt_config nat;
	struct lw4o6_b4_config cfg;
	struct lw4o6_host host = { .arg = l, .random = rng_fill };

	lw4o6_b4_config_init(&cfg);
	lw4o6_napt_config_init(&nat);
	nat.sessions_max = sessions;
	cfg.nat = &nat;
	l->rec = (struct lw4o6_b4_record){
		.ipv4 = { htonl(0xc0000212) }, .ps = { 0, (uint8_t)k, 1 }, .expires = LW4O6_TIME_NONE,
		.aftr = { { { 0x20, 1, 0xd, 0xb8, [15] = 1 } } }, .b4 = { { { 0x20, 1, 0xd, 0xb8, 1, [15] = 1 } } },
	};
	l->now = 1000 * LW4O6_SEC;
	if (lw4o6_b4_new(NULL, &l->b, &cfg, &host) != LW4O6_OK || lw4o6_b4_set_record(l->b, &l->rec, l->now) != LW4O6_OK)
		exit(EXIT_FAILURE);
}

/* All sessions, and the order in which they will be used. */
static void fill(struct load *l, uint32_t sessions, uint32_t mappings)
{
	struct lw4o6_napt_mapping m;
	uint32_t cursor = 0;

	l->sessions = sessions;
	l->mappings = mappings;
	l->order = calloc(sessions, sizeof(*l->order));
	l->port = calloc(mappings, sizeof(*l->port));
	if (!l->order || !l->port)
		exit(EXIT_FAILURE);
	for (uint32_t i = 0; i < sessions; i++) {
		uint32_t j = i;

		rng_fill(l, &j, sizeof(j));
		j %= i + 1;
		l->order[i] = l->order[j];
		l->order[j] = i;
	}
	for (uint32_t done = 0; done < sessions; done += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			out_packet(l, (done + i) % sessions, l->inner[i] + HEAD);
		burst(l, LW4O6_SIDE_IPV4, l->inner, LW4O6_VERDICT_EMIT6);
	}
	while (lw4o6_napt_next_mapping(lw4o6_b4_napt(l->b), &cursor, &m))
		l->port[((ntohl(m.addr.s_addr) & 0xffffff) << 8) | (m.inner_port - 1024u)] = m.port;
}

static void stop(struct load *l)
{
	talloc_free(l->b);
	free(l->order);
	free(l->port);
}

static void sessions(uint32_t n)
{
	static struct load l;
	struct lw4o6_b4_gauges g;

	memset(&l, 0, sizeof(l));
	start(&l, n, 2);
	fill(&l, n, n < 16000 ? n : 16000);
	measure(&l, "b4 out", false);
	measure(&l, "b4 in", true);
	lw4o6_b4_gauges(l.b, &g);
	printf("b4 octets per session, tables of %u\t%.1f\n", n, (double)g.nat.memory / n);
	stop(&l);
}

static void mk_echo(uint8_t *p, uint32_t src, unsigned id)
{
	mk_udp(p, src, 0x0800, 0x08080808, 0);
	p[9] = 1;
	put16(p + 10, 0);
	put16(p + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, p, 20)));
	put16(p + 24, id);
}

static uint64_t echoes(struct load *l, uint32_t src, uint32_t from)
{
	for (uint32_t i = 0; i < BURST; i++)
		mk_echo(l->inner[i] + HEAD, src + ((from + i) >> 14 & 0xff), (from + i) & 0x3fff);
	return burst(l, LW4O6_SIDE_IPV4, l->inner, LW4O6_VERDICT_EMIT6);
}

/*
 * New mappings, of identifiers, because these end after 60 s and are free at once. Each burst is 64 endpoints
 * nobody has seen; six bursts later they are gone. The others are kept alive.
 */
static void churn(unsigned percent)
{
	static struct load l;
	struct lw4o6_napt_gauges g;
	uint64_t total = 0;
	uint32_t used = 16384 * percent / 100 / BURST * BURST, rounds = 1000;

	memset(&l, 0, sizeof(l));
	start(&l, 65536, 2);
	for (uint32_t i = 0; i < rounds; i++) {
		l.now += 10 * LW4O6_SEC;
		if (i % 5 == 0)
			for (uint32_t done = 0; done < used; done += BURST)
				echoes(&l, 0x0a000000, done);
		lw4o6_b4_tick(l.b, l.now);
		total += echoes(&l, 0x0a100000, i * BURST);
	}
	lw4o6_napt_gauges(lw4o6_b4_napt(l.b), &g);
	printf("b4 new mapping, %u of %u ports used\t%.1f\n", g.ports_in_use[LW4O6_NAPT_ICMP], g.ports_total,
	       (double)total / (rounds * BURST));
	talloc_free(l.b);
}

int main(void)
{
	sessions(1000);
	sessions(16384);
	sessions(1u << 20);
	churn(1);
	churn(95);
	return 0;
}
