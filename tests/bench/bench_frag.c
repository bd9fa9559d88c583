/* Cutting and joining packets of the usual sizes, and a fragment into a full table. */
#include "../fragments.h"
#include "bench.h"

#include <talloc.h>

enum { ROUNDS = 200000 };

static uint8_t pkt[2068], cut6[2][1500], cut4[2][1500];
static size_t len6[2], len4[2];
static struct lw4o6_counters counters;
static struct lw4o6_frag6 *f6;
static struct lw4o6_frag4 *virtual4, *full4;
static uint32_t id;

static void cut(void *arg)
{
	struct lw4o6_frag6_cut c;
	int n = lw4o6_frag6_cut_init(&c, pkt, sizeof(pkt), 1500, id++);

	for (int i = 0; i < n; i++) {
		if (lw4o6_frag6_cut_next(&c, arg, 1500) <= 0)
			abort();
		bench_keep(arg);
	}
}

static void add6(unsigned i, uint32_t ident)
{
	struct lw4o6_frag6_in in = { cut6[i], len6[i], 6, 40 };
	struct lw4o6_frag6_result res;

	set16(cut6[i] + 44, ident >> 16);
	set16(cut6[i] + 46, ident & 0xffff);
	if (lw4o6_frag6_add(f6, &in, LW4O6_SEC, &res) == LW4O6_FRAG_DROP)
		abort();
}

static void join6(void *arg)
{
	(void)arg;
	add6(0, id);
	add6(1, id++);
}

static void flood6(void *arg)
{
	(void)arg;
	set16(cut6[0] + 20, ++id & 0xffff); /* another source each time */
	add6(0, id);
}

static void add4(struct lw4o6_frag4 *f, unsigned i)
{
	struct lw4o6_frag4_from from = { 0 };
	struct lw4o6_frag4_result res;
	struct lw4o6_ip4 h;
	uint8_t *held;
	size_t len;

	if (lw4o6_ip4_decode(&h, cut4[i], len4[i]) != LW4O6_IP4_OK)
		abort();
	h.id = (uint16_t)id;
	switch (lw4o6_frag4_add(f, &from, &h, cut4[i], LW4O6_SEC, &res)) {
	case LW4O6_FRAG_FIRST:
		lw4o6_frag4_decide(f, res.ref, true, 1, &id, sizeof(id));
		while (lw4o6_frag4_next_held(f, res.ref, &held, &len))
			bench_keep(held);
		break;
	case LW4O6_FRAG_DROP:
		abort();
	default:
		break;
	}
}

static void in_order(void *arg)
{
	add4(arg, 0);
	add4(arg, 1);
	id++;
}

static void last_first(void *arg)
{
	add4(arg, 1);
	add4(arg, 0);
	id++;
}

int main(void)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct lw4o6_frag6_config c6;
	struct lw4o6_frag4_config c4;
	struct lw4o6_frag6_cut c;
	uint8_t inner[2028];

	lw4o6_frag6_config_init(&c6);
	lw4o6_frag4_config_init(&c4);
	c6.counters = c4.counters = &counters;
	f6 = lw4o6_frag6_new(mem, &c6);
	virtual4 = lw4o6_frag4_new(mem, &c4);
	c4.mode = LW4O6_FRAG4_FULL;
	full4 = lw4o6_frag4_new(mem, &c4);
	put_outer(pkt, inner, v4_fragment(inner, 0, 2008, false, 64));
	if (!f6 || !virtual4 || !full4 || lw4o6_frag6_cut_init(&c, pkt, sizeof(pkt), 1500, 1) != 2)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < 2; i++)
		len6[i] = (size_t)lw4o6_frag6_cut_next(&c, cut6[i], 1500);
	len4[0] = v4_fragment(cut4[0], 0, 1480, true, 64);
	len4[1] = v4_fragment(cut4[1], 1480, 528, false, 64);

	static uint8_t out[1500];

	bench_run("frag6-cut-2068", cut, out, ROUNDS);
	bench_run("frag6-join-2068", join6, NULL, ROUNDS);
	bench_run("frag6-add-to-full-table", flood6, NULL, ROUNDS);
	bench_run("frag4-virtual-in-order", in_order, virtual4, ROUNDS);
	bench_run("frag4-virtual-last-first", last_first, virtual4, ROUNDS);
	bench_run("frag4-full", in_order, full4, ROUNDS);
	talloc_free(mem);
	return EXIT_SUCCESS;
}
