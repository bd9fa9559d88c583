/*
 * The binding table: lookups by number of softwires, with misses, with a writer; memory and building.
 *
 *	bench_bindtab [largest number of softwires]
 *
 * Each time is the median of seven runs. "calibration" is what a random load of one cache line costs
 * at that moment in a block as large as the table's entries, 64 independent loads at a time.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <lw4o6/bindtab.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { KEYS = 1 << 16, RUNS = 7 };

static int less(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static double median(double v[RUNS])
{
	qsort(v, RUNS, sizeof(*v), less);
	return v[RUNS / 2];
}

/* xorshift64* */
static uint64_t draw_one(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 0x2545f4914f6cdd1du;
}

struct world {
	uint32_t n;    /* softwires */
	unsigned k;    /* 2^k of them on an address */
	unsigned used; /* of each 2^k, this many exist */
	void *region;
	size_t size;
	struct lw4o6_bindtab *w, *r;
	TALLOC_CTX *mem;
	struct lw4o6_bind_key *keys;
	struct in6_addr *b4;
};

static struct lw4o6_binding softwire(const struct world *w, uint32_t i, uint32_t generation)
{
	uint32_t address = i / w->used, id = i % w->used;
	struct lw4o6_binding b = {
		/* Scattered: no two neighbours. */
		.ipv4 = { htonl(0x0b000000 + address * 7) },
		.ps = { 0, (uint8_t)w->k, (uint16_t)(w->used == 1u << w->k ? id : (id * 37 + address) % (1u << w->k)) },
		.expires = LW4O6_TIME_NONE,
		.mtu = (uint16_t)(1280 + generation % 200),
	};

	b.b4 = (struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, [12] = (uint8_t)(i >> 24), [13] = (uint8_t)(i >> 16),
		                      [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i } } };
	b.br = (struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, 0xff, [15] = 1 } } };
	return b;
}

static uint32_t *shuffled(uint32_t n)
{
	uint32_t *v = malloc(n * sizeof(*v));
	uint64_t rng = 3;

	for (uint32_t i = 0; i < n; i++)
		v[i] = i;
	for (uint32_t i = n; i-- > 1;) {
		uint32_t j = (uint32_t)(draw_one(&rng) % (i + 1)), t = v[i];

		v[i] = v[j];
		v[j] = t;
	}
	return v;
}

static void *pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static void world_open(struct world *w, uint32_t n, unsigned k, unsigned used, const char *name)
{
	struct lw4o6_bindtab_config cfg;
	uint32_t *order = shuffled(n);

	*w = (struct world){ .n = n, .k = k, .used = used, .mem = talloc_new(NULL) };
	lw4o6_bindtab_config_init(&cfg);
	cfg.max_softwires = n;
	cfg.max_addresses = (n + used - 1) / used;
	cfg.hash_key[0] = 12345;
	w->size = lw4o6_bindtab_size(&cfg);
	w->region = pages(w->size);
	if (lw4o6_bindtab_init(w->region, w->size, &cfg) != LW4O6_OK)
		exit(1);
	w->w = lw4o6_bindtab_attach(w->mem, w->region, w->size, true);
	w->r = lw4o6_bindtab_attach(w->mem, w->region, w->size, false);

	uint64_t start = bench_now();

	for (uint32_t i = 0; i < n; i++) {
		struct lw4o6_binding ahead = softwire(w, order[i + 8 < n ? i + 8 : i], 0), b = softwire(w, order[i], 0);

		lw4o6_bindtab_prefetch(w->w, &ahead);
		if (lw4o6_bindtab_add(w->w, &b, 0) != LW4O6_OK)
			exit(1);
	}
	printf("%s/build ms per million\t%.1f\n", name, (double)(bench_now() - start) / n);
	printf("%s/octets per softwire, all of the region\t%.2f\n", name, (double)w->size / n);
	start = bench_now();
	talloc_free(w->w);
	w->w = lw4o6_bindtab_attach(w->mem, w->region, w->size, true);
	printf("%s/attach as writer ms per million\t%.1f\n", name, (double)(bench_now() - start) / n);
	w->keys = malloc(KEYS * sizeof(*w->keys));
	w->b4 = malloc(KEYS * sizeof(*w->b4));
	free(order);
}

static void world_close(struct world *w)
{
	talloc_free(w->mem);
	munmap(w->region, w->size);
	free(w->keys);
	free(w->b4);
}

/* New random keys; of each hundred, @p misses are of addresses that are not in the table. */
static void draw(struct world *w, uint64_t seed, unsigned misses)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		struct lw4o6_binding b = softwire(w, (uint32_t)(draw_one(&seed) % w->n), 0);

		w->keys[i].ipv4 = b.ipv4;
		if (draw_one(&seed) % 100 < misses)
			w->keys[i].ipv4.s_addr = htonl(ntohl(b.ipv4.s_addr) + 3);
		w->keys[i].port = 80;
		if (w->k > 0)
			w->keys[i].port = (uint16_t)((uint32_t)b.ps.id << (16 - w->k) | (uint32_t)draw_one(&seed) >> (16 + w->k));
		w->b4[i] = b.b4;
	}
}

/* ns for a random line of a block of @p size octets. */
static double calibrate(size_t size)
{
	size_t n = (size < 4096 ? 4096 : size) / 64;
	uint64_t *block = pages(n * 64), seed = 5, sum = 0;
	double v[RUNS];

	for (size_t i = 0; i < n * 8; i++)
		block[i] = i;
	for (int run = 0; run < RUNS; run++) {
		uint64_t start = bench_now();

		for (int i = 0; i < 1 << 20; i++)
			sum += block[(size_t)((draw_one(&seed) >> 32) * n >> 32) * 8];
		v[run] = (double)(bench_now() - start) / (1 << 20);
	}
	bench_keep(&sum);
	munmap(block, n * 64);
	return median(v);
}

enum how { BURSTS, CHECKS, SINGLES };

static double once(struct world *w, enum how how, unsigned burst)
{
	struct lw4o6_bind_hit hits[LW4O6_BIND_BURST];
	uint32_t found = 0, rounds = how == SINGLES ? 2 : 8;
	uint64_t start = bench_now();

	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t i = 0; i + burst <= KEYS; i += burst) {
			if (how == SINGLES) {
				struct lw4o6_binding b;

				found += lw4o6_bindtab_find(w->r, w->keys[i].ipv4, w->keys[i].port, 1, &b);
				continue;
			}
			lw4o6_bindtab_find_burst(w->r, w->keys + i, burst, 1, hits);
			for (unsigned j = 0; j < burst; j++)
				found += hits[j].found && (how == BURSTS || memcmp(&hits[j].b4, &w->b4[i + j], 16) == 0);
		}
	}
	bench_keep(&found);
	return (double)(bench_now() - start) / ((double)rounds * (KEYS / burst) * burst);
}

static double measure(struct world *w, enum how how, unsigned burst, unsigned misses)
{
	double v[RUNS];

	for (int run = 0; run < RUNS; run++) {
		draw(w, 77 + (uint64_t)run, misses);
		v[run] = once(w, how, burst);
	}
	return median(v);
}

/* ---- a writer at a given rate, on the other core ---- */

struct pace {
	struct world *w;
	double per_second;
	bool stop;
	uint64_t done, ns;
};

static void *write_on(void *arg)
{
	struct pace *p = arg;
	uint64_t rng = 9, start = bench_now();

	for (uint64_t i = 0; !__atomic_load_n(&p->stop, __ATOMIC_RELAXED); i++) {
		struct lw4o6_binding b = softwire(p->w, (uint32_t)(draw_one(&rng) % p->w->n), (uint32_t)i);

		if (lw4o6_bindtab_set(p->w->w, &b, 0) != LW4O6_OK)
			exit(1);
		p->done++;
		while (p->per_second > 0 && (double)(bench_now() - start) * p->per_second / 1e9 < (double)i &&
		       !__atomic_load_n(&p->stop, __ATOMIC_RELAXED))
			;
	}
	p->ns = bench_now() - start;
	return NULL;
}

/* The same reader with a writer and with a thread that only burns time, in turns: what differs is the writes. */
static void with_writer(struct world *w, const char *name, double rate)
{
	double v[RUNS], ref[RUNS], done = 0;

	for (int run = 0; run < RUNS; run++) {
		for (int busy = 0; busy < 2; busy++) {
			struct pace p = { .w = w, .per_second = busy ? rate : 1 };
			pthread_t thread;

			draw(w, 77 + (uint64_t)run, 0);
			pthread_create(&thread, NULL, write_on, &p);
			(busy ? v : ref)[run] = once(w, BURSTS, LW4O6_BIND_BURST);
			__atomic_store_n(&p.stop, true, __ATOMIC_RELAXED);
			pthread_join(thread, NULL);
			if (busy)
				done = (double)p.done * 1e9 / (double)p.ns;
		}
	}
	printf("%s/burst of 64, other core idles in a loop\t%.1f\n", name, median(ref));
	printf("%s/burst of 64, %.0f changes/s\t%.1f\n", name, done, median(v));
}

static void lookups(struct world *w, const char *name)
{
	printf("%s/calibration\t%.1f\n", name, calibrate((size_t)w->n * 32));
	printf("%s/burst of 64\t%.1f\n", name, measure(w, BURSTS, 64, 0));
	printf("%s/burst of 16\t%.1f\n", name, measure(w, BURSTS, 16, 0));
	printf("%s/burst of 64, half unknown addresses\t%.1f\n", name, measure(w, BURSTS, 64, 50));
	printf("%s/burst of 64, compare B4\t%.1f\n", name, measure(w, CHECKS, 64, 0));
	printf("%s/burst of 1\t%.1f\n", name, measure(w, BURSTS, 1, 0));
	printf("%s/single\t%.1f\n", name, measure(w, SINGLES, 1, 0));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint32_t n;
		unsigned k, used;
	} rows[] = {
		{ "1k", 1024, 6, 64 },
		{ "100k", 102400, 6, 64 },
		{ "1M", 1 << 20, 6, 64 },
		{ "1M k=10", 1 << 20, 10, 1024 },
		{ "1M whole addresses", 1 << 20, 0, 1 },
		{ "1M k=6 a quarter used", 1 << 20, 6, 16 },
		{ "1M k=16 four used", 1 << 20, 16, 4 },
		{ "10M", 10 << 20, 6, 64 },
	};
	uint32_t largest = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1 << 20;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		if (rows[i].n > largest)
			continue;
		world_open(&w, rows[i].n, rows[i].k, rows[i].used, rows[i].name);
		lookups(&w, rows[i].name);
		if (rows[i].k == 6) {
			with_writer(&w, rows[i].name, 1e5);
			with_writer(&w, rows[i].name, 0);
		}
		world_close(&w);
	}
	return 0;
}
