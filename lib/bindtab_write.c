#include "config.h"

#include "bindtab_int.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- one entry ---- */

void bt_rev_link(struct lw4o6_bindtab *t, uint32_t idx)
{
	uint64_t b4[2] = { ld(&t->hot[idx].b4[0]), ld(&t->hot[idx].b4[1]) };
	uint32_t *head = bt_rev_head(t, b4);

	st_rel(&t->h->links, ld(&t->h->links) + 1);
	st32(&t->cold[idx].rev_next, ld32(head));
	st32(head, idx + 1);
}

static void rev_unlink(struct lw4o6_bindtab *t, uint32_t idx, const uint64_t b4[2])
{
	uint32_t *p = bt_rev_head(t, b4), steps = 0;

	for (uint32_t n; (n = ld32(p)) != 0 && n <= t->max && steps++ < t->max; p = &t->cold[n - 1].rev_next) {
		if (n - 1 == idx) {
			st32(p, ld32(&t->cold[idx].rev_next));
			break;
		}
	}
}

/* Independent of the table's key and of the BR's number: tables of two processes compare. */
uint64_t bt_entry_digest(const struct bt_snap *s)
{
	static const uint64_t key[2] = { 0x6c77346f36206469u, 0x6765737420763031u };
	uint64_t words[5] = { s->key & ~BT_DENSE, s->b4[0], s->b4[1], s->br[0], s->br[1] };

	return siphash(key, words, sizeof(words));
}

void bt_entry_finish(struct lw4o6_bindtab *t)
{
	const struct bt_intent *in = &t->h->intent;
	uint32_t idx = (uint32_t)ld(&in->slot) - 1;
	struct bt_hot *h = &t->hot[idx];
	uint64_t odd = ld(&h->m) >> 32 | 1;

	st(&h->m, odd << 32);
	st_rel(&h->expires, ld(&in->expires));
	st_rel(&h->b4[0], ld(&in->b4[0]));
	st_rel(&h->b4[1], ld(&in->b4[1]));
	st_rel(&t->cold[idx].key, ld(&in->key));
	st32(&t->cold[idx].owner, (uint32_t)ld(&in->owner));
	st_rel(&h->m, (uint64_t)(uint32_t)(odd + 1) << 32 | ld(&in->brmtu));
}

void bt_entry_write(struct lw4o6_bindtab *t, uint32_t idx, const struct bt_snap *s)
{
	struct bt_intent *in = &t->h->intent;
	uint64_t seq = ld(&in->seq) | 1;

	st(&in->seq, seq);
	st_rel(&in->slot, (uint64_t)idx + 1);
	st_rel(&in->brmtu, s->m);
	st_rel(&in->expires, s->expires);
	st_rel(&in->b4[0], s->b4[0]);
	st_rel(&in->b4[1], s->b4[1]);
	st_rel(&in->key, s->key);
	st_rel(&in->owner, s->owner);
	st_rel(&in->seq, seq + 1);
	bt_entry_finish(t);
}

static void change_begin(struct lw4o6_bindtab *t)
{
	st(&t->h->dirty, 1);
}

static void change_end(struct lw4o6_bindtab *t, uint64_t version, uint64_t count, uint64_t digest)
{
	st_rel(&t->h->count, count);
	st_rel(&t->h->digest, digest);
	st_rel(&t->h->version, version);
	st_rel(&t->h->intent.slot, 0);
	st_rel(&t->h->dirty, 0);
}

/* Nothing has changed after all. */
static int change_fail(struct lw4o6_bindtab *t, int err)
{
	st_rel(&t->h->dirty, 0);
	return err;
}

static bool is_live(const struct lw4o6_bindtab *t, uint32_t idx)
{
	return (uint32_t)ld(&t->hot[idx].m) >> 16 != 0;
}

/* The live entry with PSID @p id of the address at @p r, or BT_NONE. */
static uint32_t entry_at(const struct lw4o6_bindtab *t, const struct bt_ref *r, uint32_t id)
{
	uint64_t key = (r->w0 & ~UINT64_C(0xffff0000)) | (uint64_t)id << 16;
	uint32_t idx = r->w1 & BT_SPARSE_BIT ? bt_sparse_find(t, key) : (uint32_t)r->w1 + id;

	return idx < t->max && is_live(t, idx) ? idx : BT_NONE;
}

/* ---- addresses ---- */

/*
 * After an entry that ended at @p gone has left: when does the last one end now? Only the entry
 * that ended last costs a look at the others, and equal ends (static entries) are found at once.
 */
static void until_lower(struct lw4o6_bindtab *t, const struct bt_ref *r, uint64_t gone)
{
	uint64_t *until = &t->until[bt_slot_pos(t, r)], max = 0;
	uint32_t n = 1u << bt_key_k(r->w0), left = t->w->used[bt_slot_pos(t, r)];

	if (ld(until) != gone)
		return;
	for (uint32_t id = 0; id < n && left > 0 && max < gone; id++) {
		uint32_t idx = entry_at(t, r, id);

		if (idx == BT_NONE)
			continue;
		left--;
		if (ld(&t->hot[idx].expires) > max)
			max = ld(&t->hot[idx].expires);
	}
	st_rel(until, max);
}

/* Give the unused entries of an address's run back to the pool. Its entries stay where they are. */
static bool demote(struct lw4o6_bindtab *t, uint32_t pos)
{
	const uint64_t *slot = t->addr.w + 2 * (size_t)pos;
	uint32_t base = (uint32_t)ld(slot + 1), n = 1u << bt_key_k(ld(slot));

	for (uint32_t i = base; i < base + n; i++) {
		if (!is_live(t, i) || bt_sparse_insert(t, ld(&t->cold[i].key), i) == LW4O6_OK)
			continue;
		while (i-- > base)
			if (is_live(t, i))
				bt_sparse_remove(t, ld(&t->cold[i].key), i);
		return false;
	}
	for (uint32_t i = base; i < base + n; i++)
		if (is_live(t, i))
			st_rel(&t->cold[i].key, ld(&t->cold[i].key) & ~BT_DENSE);
	bt_addr_set_base(t, pos, BT_SPARSE_BIT);
	for (uint32_t i = base; i < base + n; i++)
		if (!is_live(t, i))
			bt_pool_free(t->w->pool, i, 0);
	return true;
}

/* One free entry, taken from a run that does not need it if need be. */
static uint32_t single_entry(struct lw4o6_bindtab *t)
{
	uint32_t slots = t->addr.nb * BT_ADDR_SLOTS;

	for (uint32_t i = 0; i <= slots; i++) {
		uint32_t idx = bt_pool_alloc(t->w->pool, 0);

		if (idx != BT_NONE)
			return idx;

		uint32_t pos = t->w->hand++ % slots;
		const uint64_t *slot = t->addr.w + 2 * (size_t)pos;

		if (ld(slot) != 0 && !(ld(slot + 1) & BT_SPARSE_BIT) && t->w->used[pos] < 1u << bt_key_k(ld(slot)))
			demote(t, pos);
	}
	return BT_NONE;
}

/* Make an address known. @return false: no room. */
static bool address_new(struct lw4o6_bindtab *t, uint64_t key, struct bt_ref *r)
{
	uint64_t w0 = key & ~UINT64_C(0xffff0000), mode = BT_SPARSE_BIT;
	uint32_t base, pos;
	unsigned k = bt_key_k(key);

	if (t->w->addresses >= t->max_addr)
		return false;
	base = k == 0 ? single_entry(t) : bt_pool_alloc(t->w->pool, k);
	if (base != BT_NONE)
		mode = base;
	else if (k == 0)
		return false;
	if (bt_addr_insert(t, w0, mode, &pos) != LW4O6_OK) {
		if (base != BT_NONE)
			bt_pool_free(t->w->pool, base, k);
		return false;
	}
	t->w->addresses++;
	*r = (struct bt_ref){ t->addr.w + 2 * (size_t)pos, w0, ld(t->addr.w + 2 * (size_t)pos + 1) };
	return true;
}

static void address_gone(struct lw4o6_bindtab *t, const struct bt_ref *r)
{
	bt_addr_clear(t, bt_slot_pos(t, r));
	if (!(r->w1 & BT_SPARSE_BIT))
		bt_pool_free(t->w->pool, (uint32_t)r->w1, bt_key_k(r->w0));
	t->w->addresses--;
}

/* A place for a new entry, known to the maps. On failure nothing has changed. */
static uint32_t entry_place(struct lw4o6_bindtab *t, uint64_t key, struct bt_ref *r)
{
	bool known = bt_addr_find(t, (uint32_t)(key >> 32), r);

	if (!known && !address_new(t, key, r))
		return BT_NONE;
	if (!(r->w1 & BT_SPARSE_BIT))
		return (uint32_t)r->w1 + bt_key_id(key);

	uint32_t idx = single_entry(t);

	if (idx != BT_NONE && bt_sparse_insert(t, key, idx) == LW4O6_OK)
		return idx;
	if (idx != BT_NONE)
		bt_pool_free(t->w->pool, idx, 0);
	if (!known)
		address_gone(t, r);
	return BT_NONE;
}

/* ---- AFTR addresses ---- */

/* @return 1 .. max_br, 0: all are taken */
static uint32_t br_number(const struct lw4o6_bindtab *t, const uint64_t br[2])
{
	uint32_t hole = 0;

	for (uint32_t n = 1; n <= t->w->br_top; n++) {
		if (t->w->br_refs[n - 1] == 0) {
			hole = hole ? hole : n;
			continue;
		}
		if (ld(&t->br[2 * n - 2]) == br[0] && ld(&t->br[2 * n - 1]) == br[1])
			return n;
	}
	return hole ? hole : t->w->br_top < t->max_br ? t->w->br_top + 1 : 0;
}

static bool is_br(const struct lw4o6_bindtab *t, const uint64_t a[2])
{
	uint32_t n = br_number(t, a);

	return n != 0 && t->w->br_refs[n - 1] > 0 && ld(&t->br[2 * n - 2]) == a[0] && ld(&t->br[2 * n - 1]) == a[1];
}

static void br_hold(struct lw4o6_bindtab *t, uint32_t n, const uint64_t br[2])
{
	if (t->w->br_refs[n - 1]++ > 0)
		return;
	if (n > t->w->br_top)
		t->w->br_top = n;
	st_rel(&t->br[2 * n - 2], br[0]);
	st_rel(&t->br[2 * n - 1], br[1]);
}

static void br_release(struct lw4o6_bindtab *t, uint64_t m)
{
	t->w->br_refs[(m >> 16 & 0xffff) - 1]--;
}

/* ---- changes ---- */

static void entry_remove(struct lw4o6_bindtab *t, uint32_t idx)
{
	struct bt_snap old, gone = { 0 };
	struct bt_ref r;

	if (!bt_snap(t, idx, &old) || old.m == 0 || !bt_addr_find(t, (uint32_t)(old.key >> 32), &r))
		return;

	uint32_t pos = bt_slot_pos(t, &r);

	change_begin(t);
	gone.key = old.key;
	bt_entry_write(t, idx, &gone);
	rev_unlink(t, idx, old.b4);
	if (old.expires != LW4O6_TIME_NONE)
		bt_heap_update(t->w->heap, idx, false);
	br_release(t, old.m);
	if (r.w1 & BT_SPARSE_BIT) {
		bt_sparse_remove(t, old.key, idx);
		bt_pool_free(t->w->pool, idx, 0);
	}
	if (--t->w->used[pos] == 0)
		address_gone(t, &r);
	else
		until_lower(t, &r, old.expires);
	change_end(t, ld(&t->h->version) + 1, ld(&t->h->count) - 1, ld(&t->h->digest) - bt_entry_digest(&old));
}

/* Write the entry at @p idx, which was @p old (old->m 0: new), and what follows from it. */
static void entry_store(struct lw4o6_bindtab *t, uint32_t idx, const struct bt_ref *r, const struct bt_snap *old,
                        struct bt_snap *s)
{
	uint64_t *until = &t->until[bt_slot_pos(t, r)], digest = ld(&t->h->digest), count = ld(&t->h->count);
	bool fresh = old->m == 0, moved = fresh || old->b4[0] != s->b4[0] || old->b4[1] != s->b4[1];

	br_hold(t, (uint32_t)(s->m >> 16), s->br);
	if (s->expires > ld(until))
		st_rel(until, s->expires);
	if (!(r->w1 & BT_SPARSE_BIT))
		s->key |= BT_DENSE;
	bt_entry_write(t, idx, s);
	if (!fresh && moved)
		rev_unlink(t, idx, old->b4);
	if (moved)
		bt_rev_link(t, idx);
	if (s->expires != LW4O6_TIME_NONE || (!fresh && old->expires != LW4O6_TIME_NONE))
		bt_heap_update(t->w->heap, idx, true);
	if (fresh) {
		t->w->used[bt_slot_pos(t, r)]++;
		count++;
	} else {
		br_release(t, old->m);
		until_lower(t, r, old->expires);
		digest -= bt_entry_digest(old);
	}
	change_end(t, ld(&t->h->version) + 1, count, digest + bt_entry_digest(s));
}

static int check(const struct lw4o6_binding *b)
{
	if (!lw4o6_psid_valid(&b->ps) || lw4o6_ip4_is_martian(b->ipv4) || !lw4o6_ip6_is_usable(&b->b4) ||
	    !lw4o6_ip6_is_usable(&b->br) || lw4o6_ip6_equal(&b->b4, &b->br))
		return LW4O6_EINVAL;
	return LW4O6_OK;
}

static void snap_of(struct bt_snap *s, const struct lw4o6_binding *b)
{
	*s = (struct bt_snap){ .m = b->mtu, .expires = b->expires, .key = bt_key(b->ipv4, &b->ps), .owner = b->owner };
	memcpy(s->b4, &b->b4, 16);
	memcpy(s->br, &b->br, 16);
}

/* Where the entry with a key is or will be, if that is easy to say. @return false: the address is not known */
static bool prefetch_entry(const struct lw4o6_bindtab *t, uint64_t key, struct bt_ref *r)
{
	if (!bt_addr_find(t, (uint32_t)(key >> 32), r))
		return false;

	uint32_t idx = (uint32_t)r->w1 + bt_key_id(key);

	if (!(r->w1 & BT_SPARSE_BIT) && idx < t->max) {
		__builtin_prefetch(&t->hot[idx], 1);
		__builtin_prefetch(&t->cold[idx], 1);
	}
	return true;
}

void lw4o6_bindtab_prefetch(const struct lw4o6_bindtab *t, const struct lw4o6_binding *b)
{
	struct bt_snap s;
	struct bt_ref r;

	snap_of(&s, b);
	__builtin_prefetch(bt_rev_head(t, s.b4), 1);
	prefetch_entry(t, s.key, &r);
}

/* What stands in the way of a new entry, as entries that have expired and may be removed. */
struct rivals {
	uint32_t same;  /* has the same key */
	uint32_t b4;    /* has the same B4 address */
	bool address;   /* the address has another offset or length */
	struct bt_ref r;
};

static int find_rivals(const struct lw4o6_bindtab *t, const struct bt_snap *s, lw4o6_time now, bool replace,
                       struct rivals *v)
{
	struct bt_snap other;

	*v = (struct rivals){ .same = BT_NONE, .b4 = BT_NONE };

	bool known = prefetch_entry(t, s->key, &v->r);

	if (known) {
		v->address = (uint16_t)v->r.w0 != (uint16_t)s->key;
		if (v->address && bt_alive(ld(&t->until[bt_slot_pos(t, &v->r)]), now))
			return LW4O6_ECONFLICT;
	}
	/* First what is in the other index: the entry is on its way meanwhile. */
	if (!t->multi)
		v->b4 = bt_rev_find(t, s->b4, NULL, &other);
	if (known && !v->address)
		v->same = entry_at(t, &v->r, bt_key_id(s->key));
	if (v->same != BT_NONE && !replace && bt_alive(ld(&t->hot[v->same].expires), now))
		return LW4O6_ECONFLICT;
	if (v->b4 == v->same)
		v->b4 = BT_NONE;
	return v->b4 != BT_NONE && bt_alive(other.expires, now) ? LW4O6_ECONFLICT : LW4O6_OK;
}

static void remove_rivals(struct lw4o6_bindtab *t, const struct rivals *v)
{
	if (v->b4 != BT_NONE)
		entry_remove(t, v->b4);
	if (!v->address)
		return;
	for (uint32_t id = 0; id < 1u << bt_key_k(v->r.w0); id++) {
		struct bt_ref r;
		uint32_t idx = bt_addr_find(t, (uint32_t)(v->r.w0 >> 32), &r) ? entry_at(t, &r, id) : BT_NONE;

		if (idx != BT_NONE)
			entry_remove(t, idx);
	}
}

static int put(struct lw4o6_bindtab *t, const struct lw4o6_binding *b, lw4o6_time now, bool replace)
{
	struct bt_snap s, old = { 0 };
	struct rivals v;
	struct bt_ref r;
	int err = check(b);

	if (err != LW4O6_OK)
		return err;
	snap_of(&s, b);
	__builtin_prefetch(bt_rev_head(t, s.b4), 1);
	if (ld(&t->h->count) >= t->max || t->w->addresses >= t->max_addr)
		lw4o6_bindtab_reap(t, now, LW4O6_BIND_BURST);
	err = find_rivals(t, &s, now, replace, &v);
	if (err != LW4O6_OK)
		return err;

	struct bt_snap other;
	uint32_t br = br_number(t, s.br), idx = v.same;

	if (is_br(t, s.b4) || (!is_br(t, s.br) && bt_rev_find(t, s.br, NULL, &other) != BT_NONE))
		return LW4O6_EINVAL;
	if (br == 0)
		return LW4O6_ENOSPC;
	s.m |= (uint64_t)br << 16;
	if (idx != BT_NONE) {
		if (!bt_snap(t, idx, &old))
			return LW4O6_EINVAL;
		if (old.m == s.m && old.expires == s.expires && old.owner == s.owner && memcmp(old.b4, s.b4, 16) == 0)
			return LW4O6_OK;
	}
	remove_rivals(t, &v);
	if (idx == BT_NONE && ld(&t->h->count) >= t->max)
		return LW4O6_ENOSPC;
	change_begin(t);
	if (idx == BT_NONE)
		idx = entry_place(t, s.key, &r);
	else if (!bt_addr_find(t, (uint32_t)(s.key >> 32), &r))
		idx = BT_NONE;
	if (idx == BT_NONE)
		return change_fail(t, LW4O6_ENOSPC);
	entry_store(t, idx, &r, &old, &s);
	return LW4O6_OK;
}

int lw4o6_bindtab_add(struct lw4o6_bindtab *t, const struct lw4o6_binding *b, lw4o6_time now)
{
	return put(t, b, now, false);
}

int lw4o6_bindtab_set(struct lw4o6_bindtab *t, const struct lw4o6_binding *b, lw4o6_time now)
{
	return put(t, b, now, true);
}

int lw4o6_bindtab_remove(struct lw4o6_bindtab *t, struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	uint64_t key = bt_key(ipv4, ps);
	struct bt_ref r;

	if (!lw4o6_psid_valid(ps) || !bt_addr_find(t, ntohl(ipv4.s_addr), &r) || (uint16_t)r.w0 != (uint16_t)key)
		return LW4O6_ENOENT;

	uint32_t idx = entry_at(t, &r, bt_key_id(key));

	if (idx == BT_NONE)
		return LW4O6_ENOENT;
	entry_remove(t, idx);
	return LW4O6_OK;
}

unsigned lw4o6_bindtab_reap(struct lw4o6_bindtab *t, lw4o6_time now, unsigned max)
{
	unsigned n = 0;

	for (; n < max; n++) {
		uint32_t idx = bt_heap_first(t->w->heap);

		if (idx == BT_NONE || bt_alive(ld(&t->hot[idx].expires), now))
			break;
		entry_remove(t, idx);
	}
	return n;
}
