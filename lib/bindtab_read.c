#include "config.h"

#include "bindtab_int.h"

#include <arpa/inet.h>
#include <string.h>

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
	bt_br_load(t, s->m, s->br);
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
	bt_br_load(t, m, s->br);
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

bool bt_addr_find(const struct lw4o6_bindtab *t, uint32_t ipv4, struct bt_ref *r)
{
	uint32_t bucket = bt_addr_bucket(t, ipv4);

	if (ipv4 == 0)
		return false;
	for (int i = 0; i < BT_TRIES; i++) {
		uint64_t moves = ld_acq(&t->h->moves);

		if (bt_addr_probe(t, bucket, ipv4, r) || bt_addr_probe(t, bt_other(t, &t->addr, bucket, ipv4), ipv4, r))
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

	for (unsigned m = bt_sparse_match(t, bucket, hash); m != 0; m &= m - 1) {
		uint32_t idx = (uint32_t)ld_acq(line + __builtin_ctz(m)) - 1;

		if (idx < t->max && (ld_acq(&t->cold[idx].key) & ~BT_DENSE) == key)
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

uint32_t bt_find(const struct lw4o6_bindtab *t, uint32_t ipv4, uint16_t port, lw4o6_time now, struct bt_snap *s,
                 enum lw4o6_bind_addr *addr)
{
	*addr = LW4O6_BIND_UNMANAGED;
	for (int i = 0; i < BT_TRIES; i++) {
		struct bt_ref r;

		if (!bt_addr_find(t, ipv4, &r))
			return BT_NONE;

		uint32_t id = bt_psid_of(r.w0, port), idx = BT_NONE;
		uint64_t key = bt_key_of(r.w0, id);

		if (id != BT_NONE)
			idx = r.w1 & BT_SPARSE_BIT ? bt_sparse_find(t, key) : (uint32_t)r.w1 + id;

		enum lw4o6_bind_addr state = bt_addr_state(t, &r, now);
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

	if (bt_find(t, ntohl(ipv4.s_addr), port, now, &s, &addr) == BT_NONE)
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

		enum lw4o6_bind_addr state = bt_addr_state(t, &r, now);

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

		for (uint32_t n = ld32(head); n != 0 && n <= t->max && steps++ < t->max;
		     n = ld32(&t->cold[n - 1].rev_next)) {
			const struct bt_hot *h = &t->hot[n - 1];

			__builtin_prefetch(&t->cold[n - 1]);
			if (ld(&h->b4[0]) == b4[0] && ld(&h->b4[1]) == b4[1] && is_of_b4(t, n - 1, b4, now, s))
				return n - 1;
		}

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

uint32_t lw4o6_bindtab_longest_chain(const struct lw4o6_bindtab *t)
{
	uint32_t longest = 0, all = 0;

	/* A chain that changes meanwhile may lead round: no more steps than there can be entries. */
	for (uint32_t i = 0; i < t->max; i++) {
		uint32_t steps = 0;

		for (uint32_t n = ld32(&t->rev[i]); n != 0 && n <= t->max && all < t->max;
		     n = ld32(&t->cold[n - 1].rev_next)) {
			steps++;
			all++;
		}
		if (steps > longest)
			longest = steps;
	}
	return longest;
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
