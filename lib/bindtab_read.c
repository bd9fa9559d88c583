#include "config.h"

#include "bindtab_int.h"

#include <arpa/inet.h>
#include <string.h>

static void br_load(const struct lw4o6_bindtab *t, uint64_t brmtu, uint64_t br[2])
{
	uint64_t n = brmtu >> 16 & 0xffff;

	if (n == 0 || n > t->max_br)
		return;
	br[0] = ld_acq(&t->br[2 * (n - 1)]);
	br[1] = ld_acq(&t->br[2 * (n - 1) + 1]);
}

/* The entry is being written: what will it be? @return false: ask again. */
static bool snap_intent(const struct lw4o6_bindtab *t, uint32_t idx, struct bt_snap *s)
{
	const struct bt_intent *in = &t->h->intent;
	uint64_t seq = ld_acq(&in->seq);

	if ((seq & 1) || ld_acq(&in->slot) != (uint64_t)idx + 1)
		return false;
	s->m = ld_acq(&in->brmtu);
	s->expires = ld_acq(&in->expires);
	s->b4[0] = ld_acq(&in->b4[0]);
	s->b4[1] = ld_acq(&in->b4[1]);
	s->key = ld_acq(&in->key);
	s->owner = (uint32_t)ld_acq(&in->owner);
	br_load(t, s->m, s->br);
	return ld_acq(&in->seq) == seq;
}

static bool snap_try(const struct lw4o6_bindtab *t, uint32_t idx, struct bt_snap *s)
{
	const struct bt_hot *h = &t->hot[idx];
	uint64_t m = ld_acq(&h->m);

	if (m >> 32 & 1)
		return snap_intent(t, idx, s) && ld(&h->m) == m;
	s->m = (uint32_t)m;
	s->expires = ld_acq(&h->expires);
	s->b4[0] = ld_acq(&h->b4[0]);
	s->b4[1] = ld_acq(&h->b4[1]);
	s->key = ld_acq(&t->cold[idx].key);
	s->owner = ld32(&t->cold[idx].owner);
	br_load(t, m, s->br);
	return ld(&h->m) == m;
}

bool bt_snap(const struct lw4o6_bindtab *t, uint32_t idx, struct bt_snap *s)
{
	*s = (struct bt_snap){ 0 };
	for (int i = 0; i < BT_TRIES; i++) {
		if (!snap_try(t, idx, s))
			continue;
		s->key &= ~BT_DENSE;
		if (s->m >> 16 == 0)
			s->m = 0;
		return true;
	}
	s->m = 0;
	return false;
}

void bt_binding(struct lw4o6_binding *b, const struct bt_snap *s)
{
	b->ipv4.s_addr = htonl((uint32_t)(s->key >> 32));
	b->ps.offset = (uint8_t)bt_key_a(s->key);
	b->ps.len = (uint8_t)bt_key_k(s->key);
	b->ps.id = (uint16_t)bt_key_id(s->key);
	memcpy(&b->b4, s->b4, 16);
	memcpy(&b->br, s->br, 16);
	b->expires = s->expires;
	b->owner = s->owner;
	b->mtu = (uint16_t)s->m;
}

/* Look in one bucket. A slot being written is not there (yet), or not any more. */
static bool addr_probe(const struct lw4o6_bindtab *t, uint32_t bucket, uint32_t ipv4, struct bt_ref *r)
{
	const uint64_t *line = t->addr.w + (size_t)bucket * BT_ADDR_SLOTS * 2;

	for (unsigned i = 0; i < BT_ADDR_SLOTS; i++) {
		const uint64_t *slot = line + 2 * i;
		uint64_t w0 = ld_acq(slot);

		if (w0 >> 32 != ipv4)
			continue;
		r->w1 = ld_acq(slot + 1);
		if ((r->w1 >> 32 & 1) || ld_acq(slot) != w0)
			continue;
		r->slot = slot;
		r->w0 = w0;
		return true;
	}
	return false;
}

bool bt_addr_find(const struct lw4o6_bindtab *t, uint32_t ipv4, struct bt_ref *r)
{
	uint32_t bucket = bt_addr_bucket(t, ipv4);

	if (ipv4 == 0)
		return false;
	for (int i = 0; i < BT_TRIES; i++) {
		uint64_t moves = ld_acq(&t->h->moves);

		if (addr_probe(t, bucket, ipv4, r) || addr_probe(t, bt_other(t, &t->addr, bucket, ipv4), ipv4, r))
			return true;
		if (ld(&t->h->moves) == moves)
			break;
	}
	return false;
}

/* The slots of one bucket with the hash's tag, and there the entry with the key. */
static uint32_t sparse_probe(const struct lw4o6_bindtab *t, uint32_t bucket, uint64_t hash, uint64_t key)
{
	const uint64_t *line = t->sparse.w + (size_t)bucket * BT_SPARSE_SLOTS;

	for (unsigned i = 0; i < BT_SPARSE_SLOTS; i++) {
		uint64_t w = ld_acq(line + i);
		uint32_t idx = (uint32_t)w - 1;

		if (w >> 32 == hash >> 32 && idx < t->max && (ld_acq(&t->cold[idx].key) & ~BT_DENSE) == key)
			return idx;
	}
	return BT_NONE;
}

uint32_t bt_sparse_find(const struct lw4o6_bindtab *t, uint64_t key)
{
	uint64_t hash = bt_sparse_hash(t, key);
	uint32_t bucket = bt_sparse_bucket(t, hash);

	for (int i = 0; i < BT_TRIES; i++) {
		uint64_t moves = ld_acq(&t->h->moves);
		uint32_t idx = sparse_probe(t, bucket, hash, key);

		if (idx == BT_NONE)
			idx = sparse_probe(t, bt_other(t, &t->sparse, bucket, (uint32_t)(hash >> 32)), hash, key);
		if (idx != BT_NONE || ld(&t->h->moves) == moves)
			return idx;
	}
	return BT_NONE;
}

/* The PSID of a port, BT_NONE for a port of the excluded block; see lw4o6_psid_of_port(). */
static inline uint32_t psid_of(uint64_t w0, uint16_t port)
{
	unsigned k = bt_key_k(w0), a = bt_key_a(w0);

	if (k == 0)
		return 0;
	if (a + k > 16 || (a > 0 && port >> (16 - a) == 0))
		return BT_NONE;
	return (uint32_t)(port >> (16 - a - k)) & ((1u << k) - 1);
}

static inline uint64_t key_of(uint64_t w0, uint32_t id)
{
	return (w0 & ~UINT64_C(0xffff0000)) | (uint64_t)id << 16;
}

/* Managed or not, when no entry owns the port. */
static enum lw4o6_bind_addr addr_state(const struct lw4o6_bindtab *t, const struct bt_ref *r, lw4o6_time now)
{
	if (!bt_alive(ld_acq(&t->until[bt_slot_pos(t, r)]), now))
		return LW4O6_BIND_UNMANAGED;
	return bt_key_k(r->w0) == 0 ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED;
}

/* @return the entry, BT_NONE: none owns the port; then *addr says what the address is */
static uint32_t find(const struct lw4o6_bindtab *t, uint32_t ipv4, uint16_t port, lw4o6_time now,
                     struct bt_snap *s, enum lw4o6_bind_addr *addr)
{
	*addr = LW4O6_BIND_UNMANAGED;
	for (int i = 0; i < BT_TRIES; i++) {
		struct bt_ref r;

		if (!bt_addr_find(t, ipv4, &r))
			return BT_NONE;

		uint32_t id = psid_of(r.w0, port), idx = BT_NONE;
		uint64_t key = key_of(r.w0, id);

		if (id != BT_NONE)
			idx = r.w1 & BT_SPARSE_BIT ? bt_sparse_find(t, key) : (uint32_t)r.w1 + id;

		enum lw4o6_bind_addr state = addr_state(t, &r, now);
		bool there = idx < t->max && bt_snap(t, idx, s) && s->m != 0, found = there && s->key == key;

		if (ld(r.slot + 1) != r.w1)
			continue;
		/* An entry of the sparse map that has just become another's: look again. */
		if (there && !found)
			continue;
		if (found && bt_alive(s->expires, now)) {
			*addr = bt_key_k(r.w0) == 0 ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED;
			return idx;
		}
		*addr = bt_key_k(r.w0) == 0 ? LW4O6_BIND_UNMANAGED : state;
		return BT_NONE;
	}
	return BT_NONE;
}

bool lw4o6_bindtab_find(const struct lw4o6_bindtab *t, struct in_addr ipv4, uint16_t port, lw4o6_time now,
                        struct lw4o6_binding *out)
{
	enum lw4o6_bind_addr addr;
	struct bt_snap s;

	if (find(t, ntohl(ipv4.s_addr), port, now, &s, &addr) == BT_NONE)
		return false;
	bt_binding(out, &s);
	return true;
}

enum lw4o6_bind_addr lw4o6_bindtab_addr(const struct lw4o6_bindtab *t, struct in_addr ipv4, lw4o6_time now)
{
	for (int i = 0; i < BT_TRIES; i++) {
		struct bt_ref r;

		if (!bt_addr_find(t, ntohl(ipv4.s_addr), &r))
			break;

		enum lw4o6_bind_addr state = addr_state(t, &r, now);

		if (ld(r.slot + 1) == r.w1)
			return state;
	}
	return LW4O6_BIND_UNMANAGED;
}

static bool is_of_b4(const struct lw4o6_bindtab *t, uint32_t idx, const uint64_t b4[2], const lw4o6_time *now,
                     struct bt_snap *s)
{
	return bt_snap(t, idx, s) && s->m != 0 && s->b4[0] == b4[0] && s->b4[1] == b4[1] &&
	       (!now || bt_alive(s->expires, *now));
}

uint32_t bt_rev_find(const struct lw4o6_bindtab *t, const uint64_t b4[2], const lw4o6_time *now, struct bt_snap *s)
{
	const uint32_t *head = bt_rev_head(t, b4);

	for (int i = 0; i < BT_TRIES; i++) {
		uint64_t links = ld_acq(&t->h->links);
		uint32_t steps = 0;

		for (uint32_t n = ld32(head); n != 0 && n <= t->max && steps++ < t->max; n = ld32(&t->cold[n - 1].rev_next))
			if (is_of_b4(t, n - 1, b4, now, s))
				return n - 1;

		/* One that is changing may be in no chain for a moment. */
		uint64_t n = ld_acq(&t->h->intent.slot);

		if (n != 0 && n <= t->max && is_of_b4(t, (uint32_t)(n - 1), b4, now, s))
			return (uint32_t)(n - 1);
		if (ld(&t->h->links) == links)
			break;
	}
	return BT_NONE;
}

bool lw4o6_bindtab_find_b4(const struct lw4o6_bindtab *t, const struct in6_addr *b4, lw4o6_time now,
                           struct lw4o6_binding *out)
{
	struct bt_snap s;
	uint64_t words[2];

	memcpy(words, b4, 16);
	if (bt_rev_find(t, words, &now, &s) == BT_NONE)
		return false;
	bt_binding(out, &s);
	return true;
}

bool lw4o6_bindtab_next(const struct lw4o6_bindtab *t, uint32_t *cursor, struct lw4o6_binding *out)
{
	struct bt_snap s;

	for (uint32_t idx = *cursor; idx < t->max; idx++) {
		uint64_t m = ld(&t->hot[idx].m);

		if ((!(m >> 32 & 1) && (uint32_t)m == 0) || !bt_snap(t, idx, &s) || s.m == 0)
			continue;
		bt_binding(out, &s);
		*cursor = idx + 1;
		return true;
	}
	*cursor = t->max;
	return false;
}

/* ---- bursts ---- */

enum { B_ABSENT, B_OTHER, B_PORTLESS, B_DENSE, B_SPARSE, B_SPARSE_IDX };

/* A lookup under way. */
struct look {
	struct bt_ref ref;
	uint64_t key;    /* B_SPARSE */
	uint32_t bucket; /* then the entry */
	uint8_t at;
};

static inline void look_entry(const struct lw4o6_bindtab *t, struct look *l, uint16_t port)
{
	uint32_t id = psid_of(l->ref.w0, port);

	l->at = B_PORTLESS;
	if (id == BT_NONE)
		return;
	if (l->ref.w1 & BT_SPARSE_BIT) {
		l->at = B_SPARSE;
		l->key = key_of(l->ref.w0, id);
		__builtin_prefetch(t->sparse.w + (size_t)bt_sparse_bucket(t, bt_sparse_hash(t, l->key)) * BT_SPARSE_SLOTS);
		return;
	}
	l->at = B_DENSE;
	l->bucket = (uint32_t)l->ref.w1 + id;
	if (l->bucket < t->max)
		__builtin_prefetch(&t->hot[l->bucket]);
	else
		l->at = B_ABSENT;
}

/* @return false: something is changing, take the way that can wait */
static inline bool look_read(const struct lw4o6_bindtab *t, const struct look *l, lw4o6_time now,
                             struct lw4o6_bind_hit *hit)
{
	const struct bt_hot *h = &t->hot[l->bucket];
	uint64_t m = ld_acq(&h->m), br[2] = { 0, 0 };
	uint64_t b4[2] = { ld_acq(&h->b4[0]), ld_acq(&h->b4[1]) }, expires = ld_acq(&h->expires);

	br_load(t, m, br);
	if ((m >> 32 & 1) || (l->at == B_SPARSE_IDX && (ld_acq(&t->cold[l->bucket].key) & ~BT_DENSE) != l->key))
		return false;
	hit->found = (uint32_t)m >> 16 != 0 && bt_alive(expires, now);
	hit->addr = bt_key_k(l->ref.w0) == 0 ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED;
	if (!hit->found)
		hit->addr = bt_key_k(l->ref.w0) == 0 ? LW4O6_BIND_UNMANAGED : addr_state(t, &l->ref, now);
	hit->mtu = (uint16_t)m;
	hit->slot = l->bucket;
	memcpy(&hit->b4, b4, 16);
	memcpy(&hit->br, br, 16);
	return ld_acq(&h->m) == m && ld(l->ref.slot + 1) == l->ref.w1;
}

static void look_slowly(const struct lw4o6_bindtab *t, const struct lw4o6_bind_key *key, lw4o6_time now,
                        struct lw4o6_bind_hit *hit)
{
	struct bt_snap s;
	uint32_t idx = find(t, ntohl(key->ipv4.s_addr), key->port, now, &s, &hit->addr);

	hit->found = idx != BT_NONE;
	if (!hit->found)
		return;
	hit->slot = idx;
	hit->mtu = (uint16_t)s.m;
	memcpy(&hit->b4, s.b4, 16);
	memcpy(&hit->br, s.br, 16);
}

static void find_some(const struct lw4o6_bindtab *t, const struct lw4o6_bind_key *keys, unsigned n, lw4o6_time now,
                      struct lw4o6_bind_hit *hits)
{
	struct look look[LW4O6_BIND_BURST];
	uint64_t moves = ld_acq(&t->h->moves);

	for (unsigned i = 0; i < n; i++) {
		look[i].bucket = bt_addr_bucket(t, ntohl(keys[i].ipv4.s_addr));
		__builtin_prefetch(t->addr.w + (size_t)look[i].bucket * BT_ADDR_SLOTS * 2);
	}
	for (unsigned i = 0; i < n; i++) {
		struct look *l = &look[i];
		uint32_t ipv4 = ntohl(keys[i].ipv4.s_addr);

		if (addr_probe(t, l->bucket, ipv4, &l->ref)) {
			look_entry(t, l, keys[i].port);
			continue;
		}
		l->at = B_OTHER;
		l->bucket = bt_other(t, &t->addr, l->bucket, ipv4);
		__builtin_prefetch(t->addr.w + (size_t)l->bucket * BT_ADDR_SLOTS * 2);
	}
	for (unsigned i = 0; i < n; i++) {
		struct look *l = &look[i];

		if (l->at == B_OTHER) {
			l->at = B_ABSENT;
			if (addr_probe(t, l->bucket, ntohl(keys[i].ipv4.s_addr), &l->ref))
				look_entry(t, l, keys[i].port);
		}
		if (l->at == B_SPARSE) {
			l->bucket = bt_sparse_find(t, l->key);
			l->at = B_SPARSE_IDX;
			if (l->bucket == BT_NONE)
				l->at = B_PORTLESS;
			else
				__builtin_prefetch(&t->hot[l->bucket]);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		const struct look *l = &look[i];
		bool sure;

		if (l->at >= B_DENSE) {
			sure = look_read(t, l, now, &hits[i]);
		} else if (l->at == B_PORTLESS) {
			hits[i].found = false;
			hits[i].addr = bt_key_k(l->ref.w0) == 0 ? LW4O6_BIND_UNMANAGED : addr_state(t, &l->ref, now);
			sure = ld(l->ref.slot + 1) == l->ref.w1;
		} else {
			hits[i].found = false;
			hits[i].addr = LW4O6_BIND_UNMANAGED;
			sure = ld(&t->h->moves) == moves;
		}
		if (!sure)
			look_slowly(t, &keys[i], now, &hits[i]);
	}
}

void lw4o6_bindtab_find_burst(const struct lw4o6_bindtab *t, const struct lw4o6_bind_key *keys, unsigned n,
                              lw4o6_time now, struct lw4o6_bind_hit *hits)
{
	for (; n > LW4O6_BIND_BURST; n -= LW4O6_BIND_BURST, keys += LW4O6_BIND_BURST, hits += LW4O6_BIND_BURST)
		find_some(t, keys, LW4O6_BIND_BURST, now, hits);
	find_some(t, keys, n, now, hits);
}
