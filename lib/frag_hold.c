/* What a context has seen and holds of its datagram. */
#include "config.h"

#include "frag_int.h"

#include <string.h>

enum { NOT_ECT = 0, ECT0 = 2, CE = 3 };

static bool same_octets(const struct frag_table *t, uint32_t block, const uint8_t *payload, uint32_t len)
{
	size_t from = t->block[block].skip;

	while (from >= FRAG_BLOCK_DATA) {
		from -= FRAG_BLOCK_DATA;
		block = t->block[block].next;
	}
	while (len > 0) {
		size_t n = FRAG_BLOCK_DATA - from < len ? FRAG_BLOCK_DATA - from : len;

		if (memcmp(t->block[block].data + from, payload, n) != 0)
			return false;
		payload += n;
		len -= (uint32_t)n;
		from = 0;
		block = t->block[block].next;
	}
	return true;
}

enum frag_fit frag_fit(const struct frag_table *t, uint32_t i, const uint8_t *payload, uint32_t off, uint32_t len,
                       bool more, uint32_t *at)
{
	const struct frag_ctx *c = &t->ctx[i];
	const struct frag_piece *p = frag_pieces(t, i);
	uint32_t n = c->npieces;

	/* D-158: two ends, or data behind the end */
	if (c->end_known && (more ? off + len >= c->end : off + len != c->end))
		return FRAG_FIT_OVERLAP;
	if (!more && n > 0 && (uint32_t)p[n - 1].off + p[n - 1].len > off + len)
		return FRAG_FIT_OVERLAP;

	while (n > 0 && p[n - 1].off > off)
		n--;
	*at = n;
	if (n < c->npieces && off + len > p[n].off)
		return FRAG_FIT_OVERLAP;
	if (n == 0 || (uint32_t)p[n - 1].off + p[n - 1].len <= off)
		return FRAG_FIT_NEW;
	*at = n - 1;
	if (p[n - 1].off != off || p[n - 1].len != len)
		return FRAG_FIT_OVERLAP;
	/* the same place, but one says that more follows: two ends, when the end was not known so far */
	if (!more && !c->end_known)
		return FRAG_FIT_OVERLAP;
	if (p[n - 1].block != FRAG_NONE && !same_octets(t, p[n - 1].block, payload, len))
		return FRAG_FIT_OVERLAP;
	return FRAG_FIT_SAME;
}

void frag_note(struct frag_table *t, uint32_t i, uint32_t at, uint32_t off, uint32_t len, bool more,
               uint32_t block)
{
	struct frag_ctx *c = &t->ctx[i];
	struct frag_piece *p = frag_pieces(t, i);

	memmove(p + at + 1, p + at, (c->npieces - at) * sizeof(*p));
	p[at] = (struct frag_piece){ (uint16_t)off, (uint16_t)len, block };
	c->npieces++;
	c->nheld += block != FRAG_NONE;
	c->have += len;
	if (!more) {
		c->end_known = true;
		c->end = off + len;
	}
}

/* @p n blocks more, or fewer when it is negative. */
static void count_blocks(struct frag_table *t, uint32_t i, int64_t n)
{
	uint32_t g = t->ctx[i].group[FRAG_FROM];

	t->used_blocks = (uint32_t)(t->used_blocks + n);
	t->ctx[i].blocks = (uint32_t)(t->ctx[i].blocks + n);
	t->group[g].blocks = (uint32_t)(t->group[g].blocks + n);
	frag_heap_update(t, g);
	frag_watch(t);
}

/* The oldest context that holds anything, of the source that holds most octets. */
static uint32_t victim(const struct frag_table *t)
{
	uint32_t i = t->group[t->heap[FRAG_HEAP_BLOCKS][0]].list.oldest;

	while (t->ctx[i].blocks == 0)
		i = t->ctx[i].link[FRAG_FROM].newer;
	return i;
}

uint32_t frag_hold(struct frag_table *t, uint32_t i, const uint8_t *pkt, size_t skip, size_t len, size_t counted)
{
	uint32_t need = (uint32_t)((len + FRAG_BLOCK_DATA - 1) / FRAG_BLOCK_DATA);

	if (need > t->blocks)
		return FRAG_NONE;
	while (t->blocks - t->used_blocks < need) {
		uint32_t v = victim(t);

		frag_drop(t, v, t->quota_global);
		if (v == i)
			return FRAG_NONE;
	}

	uint32_t first = t->free_block, b = first, last = first;

	for (size_t done = 0; done < len; b = t->block[b].next) {
		size_t n = len - done < FRAG_BLOCK_DATA ? len - done : FRAG_BLOCK_DATA;

		memcpy(t->block[b].data, pkt + done, n);
		done += n;
		last = b;
	}
	t->free_block = t->block[last].next;
	t->block[last].next = FRAG_NONE;
	t->block[first].stored = (uint32_t)len;
	t->block[first].counted = (uint32_t)counted;
	t->block[first].skip = (uint16_t)skip;
	count_blocks(t, i, need);
	return first;
}

void frag_copy(const struct frag_table *t, uint32_t block, size_t from, size_t len, uint8_t *dst)
{
	while (from >= FRAG_BLOCK_DATA) {
		from -= FRAG_BLOCK_DATA;
		block = t->block[block].next;
	}
	while (len > 0) {
		size_t n = FRAG_BLOCK_DATA - from < len ? FRAG_BLOCK_DATA - from : len;

		memcpy(dst, t->block[block].data + from, n);
		dst += n;
		len -= n;
		from = 0;
		block = t->block[block].next;
	}
}

void frag_release(struct frag_table *t, uint32_t i, struct frag_piece *p)
{
	uint32_t n = 1, b = p->block;

	for (; t->block[b].next != FRAG_NONE; n++)
		b = t->block[b].next;
	t->block[b].next = t->free_block;
	t->free_block = p->block;
	p->block = FRAG_NONE;
	t->ctx[i].nheld--;
	count_blocks(t, i, -(int64_t)n);
}

size_t frag_join_payloads(const struct frag_table *t, uint32_t i, size_t headers)
{
	const struct frag_piece *p = frag_pieces(t, i);
	uint8_t *out = t->out + LW4O6_FRAG_HEADROOM;

	frag_copy(t, p[0].block, 0, headers, out);
	for (uint32_t n = 0; n < t->ctx[i].npieces; n++)
		frag_copy(t, p[n].block, t->block[p[n].block].skip, p[n].len, out + headers + p[n].off);
	return headers + t->ctx[i].end;
}

int frag_ecn(unsigned seen)
{
	if (seen & 1u << CE)
		return seen & 1u << NOT_ECT ? -1 : CE;
	if (seen & 1u << NOT_ECT)
		return NOT_ECT;
	return seen & 1u << ECT0 ? ECT0 : 1;
}
