/*
 * Which source holds most (D-166): two binary heaps of the groups of slot FRAG_FROM, one by
 * contexts, one by blocks. Among equals the one with the oldest context comes first, so that a
 * flood of sources with one context each pushes out the oldest and not a chance one.
 */
#include "config.h"

#include "frag_int.h"

static bool heavier(const struct frag_table *t, unsigned which, uint32_t x, uint32_t y)
{
	const struct frag_group *a = &t->group[x], *b = &t->group[y];
	uint32_t wa = which == FRAG_HEAP_BLOCKS ? a->blocks : a->contexts;
	uint32_t wb = which == FRAG_HEAP_BLOCKS ? b->blocks : b->contexts;

	if (wa != wb)
		return wa > wb;
	return t->ctx[a->list.oldest].serial < t->ctx[b->list.oldest].serial;
}

static void put(struct frag_table *t, unsigned which, uint32_t pos, uint32_t g)
{
	t->heap[which][pos] = g;
	t->group[g].pos[which] = pos;
}

static void fix(struct frag_table *t, unsigned which, uint32_t g)
{
	uint32_t *heap = t->heap[which], pos = t->group[g].pos[which];

	while (pos > 0 && heavier(t, which, g, heap[(pos - 1) / 2])) {
		put(t, which, pos, heap[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * pos + 1;

		if (child + 1 < t->nheap && heavier(t, which, heap[child + 1], heap[child]))
			child++;
		if (child >= t->nheap || !heavier(t, which, heap[child], g))
			break;
		put(t, which, pos, heap[child]);
		pos = child;
	}
	put(t, which, pos, g);
}

void frag_heap_update(struct frag_table *t, uint32_t g)
{
	fix(t, FRAG_HEAP_CONTEXTS, g);
	fix(t, FRAG_HEAP_BLOCKS, g);
}

void frag_heap_add(struct frag_table *t, uint32_t g)
{
	put(t, FRAG_HEAP_CONTEXTS, t->nheap, g);
	put(t, FRAG_HEAP_BLOCKS, t->nheap, g);
	t->nheap++;
	frag_heap_update(t, g);
}

/* The last one takes the place of the one that goes; the group's list may be empty already. */
void frag_heap_remove(struct frag_table *t, uint32_t g)
{
	t->nheap--;
	for (unsigned which = 0; which < 2; which++) {
		uint32_t last = t->heap[which][t->nheap], pos = t->group[g].pos[which];

		if (last == g)
			continue;
		put(t, which, pos, last);
		fix(t, which, last);
	}
}
