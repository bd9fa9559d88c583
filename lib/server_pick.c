#include "config.h"

#include "server_int.h"

/*
 * One bit a number, and above the words a tree of sums with 64 children a node: the i-th member of
 * millions is found in a few short scans, also when almost none is left (S-153).
 */

int pick_init(struct pickset *p, TALLOC_CTX *mem, uint32_t n)
{
	size_t size = ((size_t)n + 63) / 64;

	*p = (struct pickset){ .n = n };
	p->bits = mem_new_array(mem, uint64_t, size);
	if (!p->bits)
		return LW4O6_ENOMEM;
	do {
		size = (size + 63) / 64;
		p->sum[p->levels] = mem_new_array(mem, uint32_t, size);
		if (!p->sum[p->levels])
			return LW4O6_ENOMEM;
		p->levels++;
	} while (size > 64 && p->levels < PICK_LEVELS);
	return LW4O6_OK;
}

void pick_fill(struct pickset *p)
{
	uint32_t span = 4096;

	for (uint32_t i = 0; i < p->n; i += 64)
		p->bits[i / 64] = p->n - i >= 64 ? UINT64_MAX : ((uint64_t)1 << (p->n - i)) - 1;
	for (unsigned l = 0; l < p->levels; l++, span *= 64)
		for (uint64_t i = 0; i < p->n; i += span)
			p->sum[l][i / span] = p->n - i >= span ? span : (uint32_t)(p->n - i);
	p->count = p->n;
}

bool pick_has(const struct pickset *p, uint32_t i)
{
	return i < p->n && (p->bits[i / 64] >> i % 64 & 1) != 0;
}

static void adjust(struct pickset *p, uint32_t i, uint32_t by)
{
	uint32_t node = i / 64;

	p->count += by;
	for (unsigned l = 0; l < p->levels; l++) {
		node /= 64;
		p->sum[l][node] += by;
	}
}

void pick_add(struct pickset *p, uint32_t i)
{
	if (i >= p->n || pick_has(p, i))
		return;
	p->bits[i / 64] |= (uint64_t)1 << i % 64;
	adjust(p, i, 1);
}

void pick_remove(struct pickset *p, uint32_t i)
{
	if (!pick_has(p, i))
		return;
	p->bits[i / 64] &= ~((uint64_t)1 << i % 64);
	adjust(p, i, UINT32_MAX);
}

static uint32_t ones(uint64_t v)
{
	return (uint32_t)__builtin_popcountll(v);
}

uint32_t pick_rank(const struct pickset *p, uint32_t i)
{
	uint32_t r = 0, node = 0;

	if (i >= p->n)
		return p->count;
	/* From the top: whole nodes before the one that holds i, then one level down inside it. */
	for (unsigned l = p->levels; l-- > 0;) {
		uint32_t at = i / 64;

		for (unsigned k = 0; k <= l; k++)
			at /= 64;
		for (; node < at; node++)
			r += p->sum[l][node];
		node = at * 64;
	}
	for (; node < i / 64; node++)
		r += ones(p->bits[node]);
	return r + ones(p->bits[node] & (((uint64_t)1 << i % 64) - 1));
}

uint32_t pick_select(const struct pickset *p, uint32_t r)
{
	uint32_t node = 0;

	for (unsigned l = p->levels; l-- > 0; node *= 64)
		for (; r >= p->sum[l][node]; node++)
			r -= p->sum[l][node];
	for (; r >= ones(p->bits[node]); node++)
		r -= ones(p->bits[node]);

	uint64_t v = p->bits[node];

	for (; r > 0; r--)
		v &= v - 1;
	return node * 64 + (uint32_t)__builtin_ctzll(v);
}
