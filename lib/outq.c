#include "config.h"

#include "mem.h"
#include "outq.h"

#include <lw4o6/base.h>

/* Each packet is preceded by a record; side < 0 says: skip to the start of the ring. */
struct record {
	uint32_t len;
	int32_t side;
};

static size_t record_size(size_t len)
{
	return sizeof(struct record) + ((len + 7) & ~(size_t)7);
}

static struct record *record_at(const struct outq *q, size_t off)
{
	return (struct record *)(void *)(q->ring + off);
}

int outq_init(struct outq *q, TALLOC_CTX *mem, size_t size)
{
	*q = (struct outq){ .size = size & ~(size_t)7 };
	q->ring = mem_new_array(mem, uint8_t, q->size);
	return q->ring ? LW4O6_OK : LW4O6_ENOMEM;
}

uint8_t *outq_reserve(struct outq *q, size_t len)
{
	size_t need = record_size(len), to_end = q->size - q->head;

	if (q->used == 0)
		q->head = q->tail = 0, to_end = q->size;
	if (q->head >= q->tail && need > to_end) {
		if (q->used + to_end + need > q->size)
			return NULL;
		if (to_end > 0)
			record_at(q, q->head)->side = -1;
		q->used += to_end;
		q->head = 0;
	}
	if (q->used + need > q->size)
		return NULL;
	return q->ring + q->head + sizeof(struct record);
}

void outq_commit(struct outq *q, enum lw4o6_side side, size_t len)
{
	*record_at(q, q->head) = (struct record){ (uint32_t)len, (int32_t)side };
	q->head += record_size(len);
	q->used += record_size(len);
}

bool outq_next(struct outq *q, struct lw4o6_out *out)
{
	if (q->used == 0)
		return false;
	if (q->tail == q->size || record_at(q, q->tail)->side < 0) {
		q->used -= q->size - q->tail;
		q->tail = 0;
		if (q->used == 0)
			return false;
	}

	const struct record *r = record_at(q, q->tail);

	out->side = (enum lw4o6_side)r->side;
	out->data = (const uint8_t *)(r + 1);
	out->len = r->len;
	q->tail += record_size(r->len);
	q->used -= record_size(r->len);
	return true;
}

/* A wrap may waste up to the largest packet's size once. */
bool outq_has_room(const struct outq *q, size_t len, unsigned n)
{
	return q->used + 2 * len + (size_t)n * 2 * record_size(0) <= q->size;
}
