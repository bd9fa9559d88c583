/* The writer's side of the two maps: cuckoo hashing with buckets, readers running. */
#include "config.h"

#include "bindtab_int.h"

enum { SEARCH = 512 }; /* buckets looked at for a free slot; with 15 % of the slots free a handful will do */

/* Slot @p i of the map, counted over all buckets. */
static uint64_t *slot_at(const struct bt_map *m, uint32_t i)
{
	return m->w + (size_t)i * m->words;
}

static uint32_t free_slot(const struct bt_map *m, uint32_t bucket)
{
	for (uint32_t i = bucket * m->slots; i < (bucket + 1) * m->slots; i++)
		if (ld(slot_at(m, i)) == 0)
			return i;
	return BT_NONE;
}

static void addr_write(struct lw4o6_bindtab *t, uint32_t pos, uint64_t w0, uint64_t base_and_mode)
{
	uint64_t *slot = slot_at(&t->addr, pos);
	uint32_t odd = (uint32_t)(ld(slot + 1) >> 32) | 1;

	st(slot + 1, (uint64_t)odd << 32);
	st_rel(slot, w0);
	st_rel(slot + 1, (uint64_t)(odd + 1) << 32 | base_and_mode);
}

/* Readers find the key at the one place or the other, or see that something moved. */
static void move_slot(struct lw4o6_bindtab *t, const struct bt_map *m, uint32_t from, uint32_t to)
{
	uint64_t w0 = ld(slot_at(m, from));

	if (m == &t->addr) {
		st_rel(&t->until[to], ld(&t->until[from]));
		t->w->used[to] = t->w->used[from];
		addr_write(t, to, w0, (uint32_t)ld(slot_at(m, from) + 1));
	} else {
		st_rel(slot_at(m, to), w0);
	}
	st_rel(&t->h->moves, ld(&t->h->moves) + 1);
	if (m == &t->addr)
		addr_write(t, from, 0, 0);
	else
		st_rel(slot_at(m, from), 0);
}

/*
 * A free slot in bucket b1 or b2, after moving others out of the way along the shortest
 * path found breadth first. Nothing moves when there is none.
 */
static uint32_t make_room(struct lw4o6_bindtab *t, const struct bt_map *m, uint32_t b1, uint32_t b2)
{
	struct {
		uint32_t bucket, from; /* whose slot would move here */
		int parent;
	} q[SEARCH];
	int n = 2;

	for (int i = 0; i < n; i++) {
		q[i].bucket = i == 0 ? b1 : b2;
		q[i].parent = -1;
	}

	for (int i = 0; i < n; i++) {
		uint32_t hole = free_slot(m, q[i].bucket);

		if (hole != BT_NONE) {
			for (int j = i; q[j].parent >= 0; j = q[j].parent) {
				move_slot(t, m, q[j].from, hole);
				hole = q[j].from;
			}
			return hole;
		}
		for (uint32_t k = 0; k < m->slots && n < SEARCH; k++, n++) {
			uint32_t from = q[i].bucket * m->slots + k;

			q[n].bucket = bt_other(t, m, q[i].bucket, (uint32_t)(ld(slot_at(m, from)) >> 32));
			q[n].from = from;
			q[n].parent = i;
		}
	}
	return BT_NONE;
}

int bt_addr_insert(struct lw4o6_bindtab *t, uint64_t w0, uint64_t base_and_mode, uint32_t *pos)
{
	uint32_t ipv4 = (uint32_t)(w0 >> 32), b1 = bt_addr_bucket(t, ipv4);

	*pos = make_room(t, &t->addr, b1, bt_other(t, &t->addr, b1, ipv4));
	if (*pos == BT_NONE)
		return LW4O6_ENOSPC;
	t->w->used[*pos] = 0;
	st_rel(&t->until[*pos], 0);
	addr_write(t, *pos, w0, base_and_mode);
	return LW4O6_OK;
}

void bt_addr_clear(struct lw4o6_bindtab *t, uint32_t pos)
{
	addr_write(t, pos, 0, 0);
}

/* One store: readers see the old way to the entries or the new one. */
void bt_addr_set_base(struct lw4o6_bindtab *t, uint32_t pos, uint64_t base_and_mode)
{
	uint64_t *w1 = slot_at(&t->addr, pos) + 1;

	st_rel(w1, (uint64_t)((uint32_t)(ld(w1) >> 32) + 2u) << 32 | base_and_mode);
}

int bt_sparse_insert(struct lw4o6_bindtab *t, uint64_t key, uint32_t idx)
{
	uint64_t hash = bt_sparse_hash(t, key);
	uint32_t b1 = bt_sparse_bucket(t, hash);
	uint32_t pos = make_room(t, &t->sparse, b1, bt_other(t, &t->sparse, b1, (uint32_t)(hash >> 32)));

	if (pos == BT_NONE)
		return LW4O6_ENOSPC;
	st_rel(slot_at(&t->sparse, pos), (hash >> 32) << 32 | (idx + 1u));
	return LW4O6_OK;
}

void bt_sparse_remove(struct lw4o6_bindtab *t, uint64_t key, uint32_t idx)
{
	uint64_t hash = bt_sparse_hash(t, key), want = (hash >> 32) << 32 | (idx + 1u);
	uint32_t b1 = bt_sparse_bucket(t, hash);
	uint32_t b[2] = { b1, bt_other(t, &t->sparse, b1, (uint32_t)(hash >> 32)) };

	for (int i = 0; i < 2; i++)
		for (uint32_t k = 0; k < BT_SPARSE_SLOTS; k++)
			if (ld(slot_at(&t->sparse, b[i] * BT_SPARSE_SLOTS + k)) == want)
				st_rel(slot_at(&t->sparse, b[i] * BT_SPARSE_SLOTS + k), 0);
}
