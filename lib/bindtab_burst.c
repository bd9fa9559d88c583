/* Lookups in bursts: each step is taken for all before the next, so that memory answers them together. */
#include "config.h"

#include "bindtab_int.h"

#include <arpa/inet.h>
#include <string.h>

/* A lookup under way. */
struct look {
	struct bt_ref ref;
	uint64_t key, hash; /* of one that goes through the sparse map */
	uint32_t at;        /* bucket, then entry */
};

/* Which of the burst are at some stage; they are put there without branches. */
struct list {
	unsigned n;
	uint8_t i[LW4O6_BIND_BURST];
};

struct burst {
	struct look look[LW4O6_BIND_BURST];
	struct list address; /* found */
	struct list sparse;  /* through the sparse map */
	struct list entry;   /* has an entry that may be the one */
	struct list no_port; /* address known, port not */
	struct list no_addr; /* address not known */
};

static inline void append(struct list *l, unsigned i, bool yes)
{
	l->i[l->n] = (uint8_t)i;
	l->n += yes;
}

static inline const uint64_t *addr_line(const struct lw4o6_bindtab *t, uint32_t bucket)
{
	return t->addr.w + (size_t)bucket * BT_ADDR_SLOTS * 2;
}

static inline const uint64_t *sparse_line(const struct lw4o6_bindtab *t, uint32_t bucket)
{
	return t->sparse.w + (size_t)bucket * BT_SPARSE_SLOTS;
}

/* From an address to where its entry is. */
static inline void step_entry(const struct lw4o6_bindtab *t, struct burst *b, unsigned i, uint16_t port)
{
	struct look *l = &b->look[i];
	uint32_t id = bt_psid_of(l->ref.w0, port);

	if (id == BT_NONE) {
		append(&b->no_port, i, true);
	} else if (l->ref.w1 & BT_SPARSE_BIT) {
		l->key = bt_key_of(l->ref.w0, id);
		l->hash = bt_sparse_hash(t, l->key);
		l->at = bt_sparse_bucket(t, l->hash);
		__builtin_prefetch(sparse_line(t, l->at));
		append(&b->sparse, i, true);
	} else {
		l->at = (uint32_t)l->ref.w1 + id;
		/* Out of bounds only in a damaged region. */
		if (l->at >= t->max)
			l->at = 0;
		__builtin_prefetch(&t->hot[l->at]);
		append(&b->entry, i, true);
	}
}

static inline void step_addresses(const struct lw4o6_bindtab *t, struct burst *b, const struct lw4o6_bind_key *keys,
                                  unsigned n)
{
	struct list other = { 0 };

	for (unsigned i = 0; i < n; i++) {
		b->look[i].at = bt_addr_bucket(t, ntohl(keys[i].ipv4.s_addr));
		__builtin_prefetch(addr_line(t, b->look[i].at));
	}
	for (unsigned i = 0; i < n; i++) {
		bool found = bt_addr_probe(t, b->look[i].at, ntohl(keys[i].ipv4.s_addr), &b->look[i].ref);

		append(&b->address, i, found);
		append(&other, i, !found);
	}
	for (unsigned j = 0; j < other.n; j++) {
		struct look *l = &b->look[other.i[j]];

		l->at = bt_other(t, &t->addr, l->at, ntohl(keys[other.i[j]].ipv4.s_addr));
		__builtin_prefetch(addr_line(t, l->at));
	}

	unsigned early = b->address.n;

	for (unsigned j = 0; j < early; j++)
		step_entry(t, b, b->address.i[j], keys[b->address.i[j]].port);
	for (unsigned j = 0; j < other.n; j++) {
		unsigned i = other.i[j];
		bool found = bt_addr_probe(t, b->look[i].at, ntohl(keys[i].ipv4.s_addr), &b->look[i].ref);

		append(&b->address, i, found);
		append(&b->no_addr, i, !found);
	}
	for (unsigned j = early; j < b->address.n; j++)
		step_entry(t, b, b->address.i[j], keys[b->address.i[j]].port);
}

/* The tag is taken for the key; look_read() compares. */
static inline bool sparse_take(const struct lw4o6_bindtab *t, struct look *l)
{
	unsigned match = bt_sparse_match(t, l->at, l->hash);
	uint32_t idx = (uint32_t)ld_acq(sparse_line(t, l->at) + (match ? __builtin_ctz(match) : 0)) - 1;

	if (match == 0 || idx >= t->max)
		return false;
	l->at = idx;
	__builtin_prefetch(&t->hot[idx]);
	__builtin_prefetch(&t->cold[idx]);
	return true;
}

static inline void step_sparse(const struct lw4o6_bindtab *t, struct burst *b)
{
	struct list other = { 0 };

	for (unsigned j = 0; j < b->sparse.n; j++) {
		unsigned i = b->sparse.i[j];
		struct look *l = &b->look[i];

		if (sparse_take(t, l)) {
			append(&b->entry, i, true);
			continue;
		}
		l->at = bt_other(t, &t->sparse, l->at, (uint32_t)(l->hash >> 32));
		__builtin_prefetch(sparse_line(t, l->at));
		append(&other, i, true);
	}
	for (unsigned j = 0; j < other.n; j++) {
		bool found = sparse_take(t, &b->look[other.i[j]]);

		append(&b->entry, other.i[j], found);
		append(&b->no_port, other.i[j], !found);
	}
}

/* The address is known, the entry is not (alive). */
static inline void no_entry(const struct lw4o6_bindtab *t, const struct look *l, lw4o6_time now,
                            struct lw4o6_bind_hit *hit)
{
	hit->found = false;
	hit->addr = bt_key_k(l->ref.w0) == 0 ? LW4O6_BIND_UNMANAGED : bt_addr_state(t, &l->ref, now);
}

/* @return false: something is changing, take the way that can cope */
static inline bool look_read(const struct lw4o6_bindtab *t, const struct look *l, lw4o6_time now,
                             struct lw4o6_bind_hit *hit)
{
	const struct bt_hot *h = &t->hot[l->at];
	uint64_t m = ld_acq(&h->m), br[2] = { 0, 0 };
	uint64_t b4[2] = { ld_acq(&h->b4[0]), ld_acq(&h->b4[1]) }, expires = ld_acq(&h->expires);

	if (m >> 32 & 1)
		return false;
	if ((l->ref.w1 & BT_SPARSE_BIT) && (ld_acq(&t->cold[l->at].key) & ~BT_DENSE) != l->key)
		return false;
	bt_br_load(t, m, br);
	if ((uint32_t)m >> 16 != 0 && bt_alive(expires, now)) {
		hit->found = true;
		hit->addr = bt_key_k(l->ref.w0) == 0 ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED;
		hit->mtu = (uint16_t)m;
		hit->slot = l->at;
		memcpy(&hit->b4, b4, 16);
		memcpy(&hit->br, br, 16);
	} else {
		no_entry(t, l, now, hit);
	}
	return ld_acq(&h->m) == m && ld(l->ref.slot + 1) == l->ref.w1;
}

static void look_slowly(const struct lw4o6_bindtab *t, const struct lw4o6_bind_key *key, lw4o6_time now,
                        struct lw4o6_bind_hit *hit)
{
	struct bt_snap s;
	uint32_t idx = bt_find(t, ntohl(key->ipv4.s_addr), key->port, now, &s, &hit->addr);

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
	struct burst b;
	uint64_t moves = ld_acq(&t->h->moves);

	b.address.n = b.sparse.n = b.entry.n = b.no_port.n = b.no_addr.n = 0;
	step_addresses(t, &b, keys, n);
	step_sparse(t, &b);
	for (unsigned j = 0; j < b.entry.n; j++) {
		unsigned i = b.entry.i[j];

		if (!look_read(t, &b.look[i], now, &hits[i]))
			look_slowly(t, &keys[i], now, &hits[i]);
	}
	for (unsigned j = 0; j < b.no_port.n; j++) {
		const struct look *l = &b.look[b.no_port.i[j]];

		no_entry(t, l, now, &hits[b.no_port.i[j]]);
		if (ld_acq(l->ref.slot + 1) != l->ref.w1 || ld(&t->h->moves) != moves)
			look_slowly(t, &keys[b.no_port.i[j]], now, &hits[b.no_port.i[j]]);
	}
	for (unsigned j = 0; j < b.no_addr.n; j++) {
		hits[b.no_addr.i[j]].found = false;
		hits[b.no_addr.i[j]].addr = LW4O6_BIND_UNMANAGED;
	}
	if (ld(&t->h->moves) == moves)
		return;
	for (unsigned j = 0; j < b.no_addr.n; j++)
		look_slowly(t, &keys[b.no_addr.i[j]], now, &hits[b.no_addr.i[j]]);
}

void lw4o6_bindtab_find_burst(const struct lw4o6_bindtab *t, const struct lw4o6_bind_key *keys, unsigned n,
                              lw4o6_time now, struct lw4o6_bind_hit *hits)
{
	for (; n > LW4O6_BIND_BURST; n -= LW4O6_BIND_BURST, keys += LW4O6_BIND_BURST, hits += LW4O6_BIND_BURST)
		find_some(t, keys, LW4O6_BIND_BURST, now, hits);
	find_some(t, keys, n, now, hits);
}
