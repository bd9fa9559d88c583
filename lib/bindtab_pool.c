/* Which entries are free: buddies over bit sets that find their first bit in a few steps. */
#include "config.h"

#include "bindtab_int.h"

enum { ORDERS = 17, LEVELS = 6 };

/* Bit i of level l + 1 says that word i of level l is not zero. */
struct bits {
	uint64_t *level[LEVELS];
	unsigned levels;
};

struct bt_pool {
	uint32_t n;
	struct bits free[ORDERS]; /* bit i of free[o]: 2^o entries from i << o are free, as one block */
};

static bool bits_init(struct bits *b, TALLOC_CTX *mem, uint32_t n)
{
	do {
		n = n / 64 + 1;
		b->level[b->levels] = mem_new_array(mem, uint64_t, n);
		if (!b->level[b->levels++])
			return false;
	} while (n > 1);
	return true;
}

static bool bits_has(const struct bits *b, uint32_t i)
{
	return b->level[0][i / 64] >> i % 64 & 1;
}

static void bits_set(struct bits *b, uint32_t i)
{
	for (unsigned l = 0; l < b->levels; l++, i /= 64)
		b->level[l][i / 64] |= UINT64_C(1) << i % 64;
}

static void bits_clear(struct bits *b, uint32_t i)
{
	for (unsigned l = 0; l < b->levels; l++, i /= 64) {
		b->level[l][i / 64] &= ~(UINT64_C(1) << i % 64);
		if (b->level[l][i / 64] != 0)
			break;
	}
}

static uint32_t bits_first(const struct bits *b)
{
	uint32_t i = 0;

	if (b->level[b->levels - 1][0] == 0)
		return BT_NONE;
	for (unsigned l = b->levels; l-- > 0;)
		i = i * 64 + (uint32_t)__builtin_ctzll(b->level[l][i]);
	return i;
}

struct bt_pool *bt_pool_new(TALLOC_CTX *mem, uint32_t n)
{
	struct bt_pool *p = mem_new(mem, struct bt_pool);

	if (!p)
		return NULL;
	p->n = n;
	for (unsigned o = 0; o < ORDERS; o++)
		if (!bits_init(&p->free[o], p, n >> o))
			return talloc_free(p), NULL;
	for (uint32_t i = 0; i < n;) {
		unsigned o = ORDERS - 1;

		while (i & ((1u << o) - 1) || 1u << o > n - i)
			o--;
		bits_set(&p->free[o], i >> o);
		i += 1u << o;
	}
	return p;
}

bool bt_pool_take(struct bt_pool *p, uint32_t idx, unsigned order)
{
	if (order >= ORDERS || idx & ((1u << order) - 1) || idx >= p->n || 1u << order > p->n - idx)
		return false;
	for (unsigned o = order; o < ORDERS; o++) {
		if (!bits_has(&p->free[o], idx >> o))
			continue;
		bits_clear(&p->free[o], idx >> o);
		while (o-- > order)
			bits_set(&p->free[o], idx >> o ^ 1);
		return true;
	}
	return false;
}

uint32_t bt_pool_alloc(struct bt_pool *p, unsigned order)
{
	for (unsigned o = order; o < ORDERS; o++) {
		uint32_t i = bits_first(&p->free[o]);

		if (i != BT_NONE && bt_pool_take(p, i << o, order))
			return i << o;
	}
	return BT_NONE;
}

void bt_pool_free(struct bt_pool *p, uint32_t idx, unsigned order)
{
	for (; order < ORDERS - 1 && bits_has(&p->free[order], idx >> order ^ 1); order++)
		bits_clear(&p->free[order], idx >> order ^ 1);
	bits_set(&p->free[order], idx >> order);
}

/* ---- entries that end, the next one first ---- */

struct bt_heap {
	const struct bt_hot *hot;
	uint32_t *at;  /* heap of entries */
	uint32_t *pos; /* of an entry in it, plus 1; 0: not in it */
	uint32_t n;
};

struct bt_heap *bt_heap_new(TALLOC_CTX *mem, const struct bt_hot *hot, uint32_t n)
{
	struct bt_heap *h = mem_new(mem, struct bt_heap);

	if (!h)
		return NULL;
	h->hot = hot;
	h->at = mem_new_array(h, uint32_t, n);
	h->pos = mem_new_array(h, uint32_t, n);
	if (!h->at || !h->pos)
		return talloc_free(h), NULL;
	return h;
}

static uint64_t ends(const struct bt_heap *h, uint32_t i)
{
	return ld(&h->hot[h->at[i]].expires);
}

static void place(struct bt_heap *h, uint32_t i, uint32_t idx)
{
	h->at[i] = idx;
	h->pos[idx] = i + 1;
}

/* Let what stands at i rise or sink to where it belongs. */
static void settle(struct bt_heap *h, uint32_t i)
{
	uint32_t idx = h->at[i];
	uint64_t when = ends(h, i);

	for (; i > 0 && ends(h, (i - 1) / 2) > when; i = (i - 1) / 2)
		place(h, i, h->at[(i - 1) / 2]);
	for (uint32_t c; (c = 2 * i + 1) < h->n; i = c) {
		if (c + 1 < h->n && ends(h, c + 1) < ends(h, c))
			c++;
		if (ends(h, c) >= when)
			break;
		place(h, i, h->at[c]);
	}
	place(h, i, idx);
}

void bt_heap_update(struct bt_heap *h, uint32_t idx, bool live)
{
	bool in = live && ld(&h->hot[idx].expires) != LW4O6_TIME_NONE;
	uint32_t i = h->pos[idx];

	if (in) {
		if (i == 0)
			place(h, h->n++, idx);
		settle(h, h->pos[idx] - 1);
	} else if (i != 0) {
		h->pos[idx] = 0;
		h->n--;
		if (i - 1 < h->n) {
			place(h, i - 1, h->at[h->n]);
			settle(h, i - 1);
		}
	}
}

uint32_t bt_heap_first(const struct bt_heap *h)
{
	return h->n > 0 ? h->at[0] : BT_NONE;
}
