#include "config.h"

#include "siphash.h"

#include <lw4o6/frag.h>

int lw4o6_frag6_ident_init(struct lw4o6_frag6_ident *g, uint32_t start, unsigned instance, unsigned bits)
{
	if (bits > 16 || instance >> bits != 0)
		return LW4O6_EINVAL;
	g->mask = UINT32_MAX >> bits;
	g->top = bits > 0 ? (uint32_t)instance << (32 - bits) : 0;
	g->next = start;
	return LW4O6_OK;
}

uint32_t lw4o6_frag6_ident_next(struct lw4o6_frag6_ident *g)
{
	return g->top | (g->next++ & g->mask);
}

void lw4o6_frag4_ident_init(struct lw4o6_frag4_ident *g, const struct lw4o6_host *host)
{
	host->random(host->arg, g, sizeof(*g));
}

/*
 * The hash picks the counter and, by its other half, where this flow starts in it: flows that share
 * a counter cannot be told by their values, and each one's values only grow (D-306).
 */
uint16_t lw4o6_frag4_ident_next(struct lw4o6_frag4_ident *g, struct in_addr src, struct in_addr dst,
                                uint8_t protocol, const struct lw4o6_psid *only)
{
	uint32_t flow[4] = { src.s_addr, dst.s_addr, protocol, 0 };
	uint64_t h = siphash(g->key, flow, sizeof(flow));
	uint32_t value = (uint32_t)(h >> 32) + g->slot[h % LW4O6_FRAG4_IDENT_SLOTS]++;
	uint32_t n = only ? lw4o6_psid_nports(only) : 0;
	int port = n > 0 ? lw4o6_psid_nth_port(only, value % n) : -1;

	return port >= 0 ? (uint16_t)port : (uint16_t)value;
}
