/*
 * A table larger than the cache costs a miss for each step of a lookup. Over a burst the misses of one step
 * run at the same time: all buckets are asked for, then all entries. What is guessed here from octets that
 * nobody has checked yet only chooses what to fetch.
 */
#include "config.h"

#include "cursor.h"
#include "napt_int.h"

struct guess {
	struct flow f;
	int space;
	uint16_t eport;
	uint32_t at; /* bucket, then session */
};

static bool read_guess(const struct lw4o6_napt *n, struct guess *g, const uint8_t *p, size_t len, bool inbound)
{
	if (!p || len < LW4O6_IP4_HLEN + 8 || p[0] != 0x45)
		return false;
	g->f.proto = p[9];
	g->space = napt_space_of(n, p[9]);
	if (g->space < 0 || p[9] == LW4O6_IPPROTO_ICMP)
		return false;
	memcpy(&g->f.addr, p + 12, 4);
	memcpy(&g->f.remote, p + 16, 4);
	g->f.iport = get_be16(p + 20);
	g->f.rport = get_be16(p + 22);
	if (inbound) {
		g->eport = g->f.rport;
		g->f.rport = g->f.iport;
		g->f.remote = g->f.addr;
		__builtin_prefetch(&n->ext[g->space][g->eport]);
	}
	return true;
}

static void owners(const struct lw4o6_napt *n, struct guess *g, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		g[i].at = n->ext[g[i].space][g[i].eport];
		__builtin_prefetch(&n->maps[g[i].at]);
	}
	for (unsigned i = 0; i < count; i++) {
		g[i].f.addr = n->maps[g[i].at].addr;
		g[i].f.iport = n->maps[g[i].at].iport;
	}
}

void lw4o6_napt_warm(struct lw4o6_napt *n, const uint8_t *const *pkts, const size_t *lens, unsigned count,
                     bool inbound)
{
	struct guess g[LW4O6_NAPT_BURST];
	unsigned used = 0;

	n->memo_next = n->memo_count = 0;
	if (!n->have_pool)
		return;
	for (unsigned i = 0; i < count && used < LW4O6_NAPT_BURST; i++)
		used += read_guess(n, &g[used], pkts[i], lens[i], inbound);
	if (inbound)
		owners(n, g, used);
	for (unsigned i = 0; i < used; i++) {
		const struct flow *f = &g[i].f;

		n->memo[i].f = *f;
		n->memo[i].hash = napt_hash(n, f->addr, f->remote, f->iport, f->rport, f->proto);
		g[i].at = n->memo[i].hash & n->sess_mask;
		__builtin_prefetch(&n->sess_hash[g[i].at]);
	}
	n->memo_count = used;
	for (unsigned i = 0; i < used; i++) {
		g[i].at = n->sess_hash[g[i].at];
		__builtin_prefetch(&n->sess[g[i].at], 1);
		if (g[i].f.proto == LW4O6_IPPROTO_TCP)
			__builtin_prefetch(&n->tcp[g[i].at], 1);
	}
}
