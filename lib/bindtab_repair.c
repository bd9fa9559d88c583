/* What a writer does when it attaches: nothing in the region is believed without a look. */
#include "config.h"

#include "bindtab_int.h"

#include <arpa/inet.h>

static bool live(const struct lw4o6_bindtab *t, uint32_t idx)
{
	return (uint32_t)ld(&t->hot[idx].m) >> 16 != 0;
}

static void kill_entry(struct lw4o6_bindtab *t, uint32_t idx)
{
	st_rel(&t->hot[idx].m, (uint64_t)(uint32_t)((ld(&t->hot[idx].m) >> 32 | 1) + 1) << 32);
}

static bool sound(const struct lw4o6_bindtab *t, uint32_t idx)
{
	uint64_t m = ld(&t->hot[idx].m), key = ld(&t->cold[idx].key);
	struct lw4o6_psid ps = { (uint8_t)bt_key_a(key), (uint8_t)bt_key_k(key), (uint16_t)bt_key_id(key) };
	struct in_addr ipv4 = { htonl((uint32_t)(key >> 32)) };

	return !(m >> 32 & 1) && (m >> 16 & 0xffff) <= t->max_br && lw4o6_psid_valid(&ps) &&
	       key >> 32 != 0 && bt_key(ipv4, &ps) == (key & ~BT_DENSE);
}

static const uint64_t *addr_slot(const struct lw4o6_bindtab *t, uint32_t pos)
{
	return t->addr.w + 2 * (size_t)pos;
}

static bool is_dense(uint64_t w1)
{
	return !(w1 & BT_SPARSE_BIT);
}

/* Count a live entry in the writer's memory. */
static void account(struct lw4o6_bindtab *t, uint32_t idx, const struct bt_ref *r)
{
	uint32_t br = ld(&t->hot[idx].m) >> 16 & 0xffff;

	t->w->used[bt_slot_pos(t, r)]++;
	t->w->br_refs[br - 1]++;
	if (br > t->w->br_top)
		t->w->br_top = br;
	bt_heap_update(t->w->heap, idx, true);
}

/* Is this where the maps say that the entry is? */
static bool mapped(const struct lw4o6_bindtab *t, uint32_t idx, struct bt_ref *r)
{
	uint64_t key = ld(&t->cold[idx].key);

	if (!bt_addr_find(t, (uint32_t)(key >> 32), r) || (uint16_t)r->w0 != (uint16_t)(key & ~BT_DENSE))
		return false;
	if (is_dense(r->w1))
		return (key & BT_DENSE) && (uint32_t)r->w1 + bt_key_id(key) == idx;
	return !(key & BT_DENSE) && bt_sparse_find(t, key & ~BT_DENSE) == idx;
}

bool bt_load(struct lw4o6_bindtab *t)
{
	uint32_t slots = t->addr.nb * BT_ADDR_SLOTS;
	uint64_t count = 0;

	for (uint32_t pos = 0; pos < slots; pos++) {
		uint64_t w0 = ld(addr_slot(t, pos)), w1 = ld(addr_slot(t, pos) + 1);

		if (w0 == 0)
			continue;
		if ((w1 >> 32 & 1) || bt_key_k(w0) > 16 ||
		    (is_dense(w1) && !bt_pool_take(t->w->pool, (uint32_t)w1, bt_key_k(w0))))
			return false;
		t->w->addresses++;
	}
	for (uint32_t idx = 0; idx < t->max; idx++) {
		struct bt_ref r;

		if (!live(t, idx))
			continue;
		if (!sound(t, idx) || !mapped(t, idx, &r) || (!is_dense(r.w1) && !bt_pool_take(t->w->pool, idx, 0)))
			return false;
		account(t, idx, &r);
		count++;
	}
	for (uint32_t pos = 0; pos < slots; pos++)
		if (ld(addr_slot(t, pos)) != 0 && t->w->used[pos] == 0)
			return false;
	return count == ld(&t->h->count);
}

static void forget_derived(struct lw4o6_bindtab *t)
{
	for (uint32_t pos = 0; pos < t->addr.nb * BT_ADDR_SLOTS; pos++) {
		if (ld(addr_slot(t, pos)) != 0 || (ld(addr_slot(t, pos) + 1) >> 32 & 1))
			bt_addr_clear(t, pos);
		st_rel(&t->until[pos], 0);
	}
	for (size_t i = 0; i < (size_t)t->sparse.nb * BT_SPARSE_SLOTS; i++)
		st_rel(&t->sparse.w[i], 0);
	for (uint32_t i = 0; i < t->max; i++)
		st32(&t->rev[i], 0);
}

/* The entries' own mark says whether they stand in a run; an address with one that does not is sparse. */
static void rebuild_addresses(struct lw4o6_bindtab *t)
{
	for (uint32_t idx = 0; idx < t->max; idx++) {
		if (!sound(t, idx))
			kill_entry(t, idx);
		if (!live(t, idx))
			continue;

		uint64_t key = ld(&t->cold[idx].key), mode = BT_SPARSE_BIT;
		uint32_t id = bt_key_id(key), pos;
		struct bt_ref r;

		if ((key & BT_DENSE) && idx >= id)
			mode = idx - id;
		if (!bt_addr_find(t, (uint32_t)(key >> 32), &r)) {
			if (bt_addr_insert(t, key & ~UINT64_C(0xffff0000) & ~BT_DENSE, mode, &pos) != LW4O6_OK)
				kill_entry(t, idx);
		} else if ((uint16_t)r.w0 != (uint16_t)(key & ~BT_DENSE)) {
			kill_entry(t, idx);
		} else if ((uint32_t)r.w1 != mode) {
			bt_addr_set_base(t, bt_slot_pos(t, &r), BT_SPARSE_BIT);
		}
	}
	for (uint32_t pos = 0; pos < t->addr.nb * BT_ADDR_SLOTS; pos++) {
		uint64_t w0 = ld(addr_slot(t, pos)), w1 = ld(addr_slot(t, pos) + 1);

		if (w0 != 0 && is_dense(w1) && !bt_pool_take(t->w->pool, (uint32_t)w1, bt_key_k(w0)))
			bt_addr_set_base(t, pos, BT_SPARSE_BIT);
	}
}

/* A sparse entry's place must be its own, and its key too. */
static bool rebuild_sparse(struct lw4o6_bindtab *t, uint32_t idx)
{
	uint64_t key = ld(&t->cold[idx].key) & ~BT_DENSE;

	st_rel(&t->cold[idx].key, key);
	return bt_sparse_find(t, key) == BT_NONE && bt_pool_take(t->w->pool, idx, 0) &&
	       bt_sparse_insert(t, key, idx) == LW4O6_OK;
}

static void rebuild_entries(struct lw4o6_bindtab *t)
{
	uint64_t count = 0, digest = 0;

	for (uint32_t idx = 0; idx < t->max; idx++) {
		struct bt_snap s;
		struct bt_ref r;

		if (!live(t, idx) || !bt_snap(t, idx, &s) || !bt_addr_find(t, (uint32_t)(s.key >> 32), &r))
			continue;
		if (!is_dense(r.w1) && !rebuild_sparse(t, idx)) {
			kill_entry(t, idx);
			continue;
		}

		uint64_t *until = &t->until[bt_slot_pos(t, &r)];

		if (s.expires > ld(until))
			st_rel(until, s.expires);
		bt_rev_link(t, idx);
		account(t, idx, &r);
		count++;
		digest += bt_entry_digest(&s);
	}
	st_rel(&t->h->count, count);
	st_rel(&t->h->digest, digest);
}

void bt_rebuild(struct lw4o6_bindtab *t)
{
	struct bt_intent *in = &t->h->intent;

	st_rel(&t->h->dirty, 1);
	if (!(ld(&in->seq) & 1) && ld(&in->slot) != 0 && ld(&in->slot) <= t->max)
		bt_entry_finish(t);
	forget_derived(t);
	rebuild_addresses(t);
	rebuild_entries(t);
	for (uint32_t pos = 0; pos < t->addr.nb * BT_ADDR_SLOTS; pos++) {
		uint64_t w0 = ld(addr_slot(t, pos)), w1 = ld(addr_slot(t, pos) + 1);

		if (w0 == 0)
			continue;
		if (t->w->used[pos] > 0) {
			t->w->addresses++;
			continue;
		}
		if (is_dense(w1))
			bt_pool_free(t->w->pool, (uint32_t)w1, bt_key_k(w0));
		bt_addr_clear(t, pos);
	}
	st_rel(&t->h->version, ld(&t->h->version) + 1);
	st_rel(&in->slot, 0);
	st_rel(&t->h->dirty, 0);
}
