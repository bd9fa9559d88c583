/*
 * Inside of the binding table.
 *
 * The region, in this order, every part on a cache line of its own:
 *
 *	header	 constants, counters, the intent (below)
 *	addr	 IPv4 address -> run of entries; buckets of four slots of two words
 *	until	 for each addr slot, when its last entry ends
 *	hot	 what forwarding needs of a softwire: 32 octets, its own sequence number
 *	br	 AFTR addresses, referred to by number
 *	cold	 the rest of a softwire
 *	sparse	 (IPv4 address, PSID) -> entry, for addresses that have no run; buckets of eight words
 *	rev	 B4 address -> entry: heads of chains that go through cold
 *
 * hot, cold and br are the truth, everything else can be made from them again.
 *
 * An address whose 2^k entries are contiguous ("dense") is found in two steps: addr slot, then
 * entry base + PSID. When entries run out, the unused ones of such a run are given to others: the
 * address becomes "sparse" and its entries, which stay where they are, are found through the sparse map.
 *
 * One writer. Readers take no lock and never wait, not even for a writer that was stopped half way:
 * an entry that is being written has an odd sequence number, and then the intent in the header holds
 * what it is about to contain. A new writer finishes the intent and remakes the derived parts.
 */
#ifndef LW4O6_BINDTAB_INT_H
#define LW4O6_BINDTAB_INT_H

#include "mem.h"
#include "siphash.h"

#include <lw4o6/bindtab.h>
#include <lw4o6/ip.h>

/* "lw4o6bt" and the version of the layout; another byte order does not match. */
#define BT_MAGIC 0x6c77346f36627401u

enum {
	BT_LINE = 64,
	BT_TRIES = 256,          /* a reader that is overtaken this often answers "absent" */
	BT_MAX_SOFTWIRES = 1 << 30,
	BT_MAX_BR = 65535,
	BT_ADDR_SLOTS = 4,       /* a bucket is one line */
	BT_SPARSE_SLOTS = 8,
};

#define BT_NONE UINT32_MAX

/* ---- shared words: data races are for the atomics; all orders are free on x86 ---- */

static inline uint64_t ld(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t ld_acq(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void st(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void st_rel(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline uint32_t ld32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void st32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* ---- the region ---- */

/* m: sequence number << 32 | BR number (0: no entry) << 16 | MTU. An odd number: see the intent. */
struct bt_hot {
	uint64_t m, expires, b4[2];
};

/* key: see bt_key(), plus BT_DENSE. */
struct bt_cold {
	uint64_t key;
	uint32_t owner;
	uint32_t rev_next; /* entry + 1 */
};

/* What entry slot - 1 is about to contain. Valid when seq is even; slot 0: nothing is under way. */
struct bt_intent {
	uint64_t seq, slot, brmtu, expires, b4[2], key, owner;
};

struct bt_hdr {
	uint64_t magic, epoch, hash_key[2];
	uint32_t max_softwires, max_addresses, max_br, multi_binding;
	/* Raised between the two halves of each move within a map: a miss counts only if this stood still. */
	_Alignas(BT_LINE) uint64_t moves;
	/* Raised before each change of a link that a reader of the chains may stand on. */
	_Alignas(BT_LINE) uint64_t links;
	uint64_t version, digest, count;
	uint64_t dirty; /* a change is under way */
	_Alignas(BT_LINE) struct bt_intent intent;
};

/*
 * An addr slot. w0: address << 32 | a << 8 | k, 0: free. w1: generation << 32 | sparse << 31 | base;
 * with an odd generation it is not there (yet).
 */
#define BT_SPARSE_BIT (UINT64_C(1) << 31)
#define BT_DENSE (UINT64_C(1) << 15)

struct bt_pool;
struct bt_heap;

/* A map of buckets of one line, each key in one of two. The upper half of a slot's first word decides which two. */
struct bt_map {
	uint64_t *w;
	uint32_t nb;       /* buckets */
	unsigned slots;    /* of a bucket */
	unsigned words;    /* of a slot */
};

/* What only the writer has: nothing of it outlives it. */
struct bt_writer {
	struct bt_pool *pool;
	struct bt_heap *heap;
	uint32_t *used;    /* entries of each addr slot's address */
	uint32_t *br_refs;
	uint32_t br_top; /* the highest number ever in use */
	uint32_t addresses, hand;
};

struct lw4o6_bindtab {
	struct bt_hdr *h;
	struct bt_map addr, sparse;
	uint64_t *until, *br;
	struct bt_hot *hot;
	struct bt_cold *cold;
	uint32_t *rev;
	uint32_t max, max_br, max_addr;
	bool multi;
	uint64_t key[2];
	struct bt_writer *w;
};

struct bt_layout {
	uint32_t addr_nb, sparse_nb;
	size_t addr, until, hot, br, cold, sparse, rev, total;
};
/* @return false: the settings are out of range */
bool bt_layout(struct bt_layout *l, uint32_t max_softwires, uint32_t max_addresses, uint32_t max_br);

/* ---- keys and hashes ---- */

/* address << 32 | id << 16 | a << 8 | k; host order. A valid key is never 0. */
static inline uint64_t bt_key(struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	uint64_t k = (uint64_t)ntohl(ipv4.s_addr) << 32;

	return ps->len == 0 ? k : k | (uint64_t)ps->id << 16 | (uint64_t)ps->offset << 8 | ps->len;
}

static inline unsigned bt_key_k(uint64_t key)
{
	return key & 31;
}

static inline unsigned bt_key_a(uint64_t key)
{
	return key >> 8 & 15;
}

static inline uint32_t bt_key_id(uint64_t key)
{
	return key >> 16 & 0xffff;
}

static inline uint64_t bt_mix(uint64_t x, const uint64_t key[2])
{
	x = (x + key[0]) * 0x9e3779b97f4a7c15u;
	x = ((x ^ x >> 32) + key[1]) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static inline uint32_t bt_range(uint32_t x, uint32_t n)
{
	return (uint32_t)((uint64_t)x * n >> 32);
}

/* The other bucket of a slot whose upper half is @p top; its own inverse. */
static inline uint32_t bt_other(const struct lw4o6_bindtab *t, const struct bt_map *m, uint32_t bucket, uint32_t top)
{
	uint32_t sum = bt_range((uint32_t)(bt_mix(top, t->key) >> 7), m->nb);

	return sum >= bucket ? sum - bucket : sum + m->nb - bucket;
}

static inline uint32_t bt_addr_bucket(const struct lw4o6_bindtab *t, uint32_t ipv4)
{
	return bt_range((uint32_t)(bt_mix(ipv4, t->key) >> 32), t->addr.nb);
}

/* Upper half: tag, never 0. Lower half: decides the first bucket. */
static inline uint64_t bt_sparse_hash(const struct lw4o6_bindtab *t, uint64_t key)
{
	return bt_mix(key & ~BT_DENSE, t->key) | UINT64_C(1) << 63;
}

static inline uint32_t bt_sparse_bucket(const struct lw4o6_bindtab *t, uint64_t hash)
{
	return bt_range((uint32_t)hash, t->sparse.nb);
}

static inline uint32_t *bt_rev_head(const struct lw4o6_bindtab *t, const uint64_t b4[2])
{
	return &t->rev[bt_range((uint32_t)siphash(t->key, b4, 16), t->max)];
}

/* ---- reading ---- */

/* A consistent copy of an entry. m: BR number << 16 | MTU, 0: absent. */
struct bt_snap {
	uint64_t m, expires, b4[2], br[2], key;
	uint32_t owner;
};
/* @return false: overtaken too often */
bool bt_snap(const struct lw4o6_bindtab *t, uint32_t idx, struct bt_snap *s);
void bt_binding(struct lw4o6_binding *b, const struct bt_snap *s);

static inline bool bt_alive(uint64_t expires, lw4o6_time now)
{
	return now < expires || expires == LW4O6_TIME_NONE;
}

/* An addr slot as it was found; it still is so if its w1 is still the same. */
struct bt_ref {
	const uint64_t *slot;
	uint64_t w0, w1;
};
bool bt_addr_find(const struct lw4o6_bindtab *t, uint32_t ipv4, struct bt_ref *r);
/* The entry of a key, by the sparse map alone. @return BT_NONE when it has none. */
uint32_t bt_sparse_find(const struct lw4o6_bindtab *t, uint64_t key);
/* An entry of the B4 address that is alive at *now, or any when now is NULL. */
uint32_t bt_rev_find(const struct lw4o6_bindtab *t, const uint64_t b4[2], const lw4o6_time *now, struct bt_snap *s);

/* @return the entry, BT_NONE: none owns the port. *addr says what the address is. */
uint32_t bt_find(const struct lw4o6_bindtab *t, uint32_t ipv4, uint16_t port, lw4o6_time now, struct bt_snap *s,
                 enum lw4o6_bind_addr *addr);

static inline uint32_t bt_slot_pos(const struct lw4o6_bindtab *t, const struct bt_ref *r)
{
	return (uint32_t)((size_t)(r->slot - t->addr.w) / 2);
}

static inline void bt_br_load(const struct lw4o6_bindtab *t, uint64_t brmtu, uint64_t br[2])
{
	uint64_t n = brmtu >> 16 & 0xffff;

	if (n == 0 || n > t->max_br)
		return;
	br[0] = ld_acq(&t->br[2 * (n - 1)]);
	br[1] = ld_acq(&t->br[2 * (n - 1) + 1]);
}

/*
 * Look in one bucket. A slot being written is not there (yet), or not any more. Which of the four it
 * is, and whether it is one, cannot be predicted: no branches.
 */
static inline bool bt_addr_probe(const struct lw4o6_bindtab *t, uint32_t bucket, uint32_t ipv4, struct bt_ref *r)
{
	const uint64_t *slot = t->addr.w + (size_t)bucket * BT_ADDR_SLOTS * 2;
	unsigned match = (unsigned)(ld(slot) >> 32 == ipv4) | (unsigned)(ld(slot + 2) >> 32 == ipv4) << 1 |
	                 (unsigned)(ld(slot + 4) >> 32 == ipv4) << 2 | 8;

	slot += 2 * (unsigned)__builtin_ctz(match);
	r->w1 = ld_acq(slot + 1);
	r->w0 = ld_acq(slot);
	r->slot = slot;
	return (unsigned)(~r->w1 >> 32) & (unsigned)(r->w0 >> 32 == ipv4) & (unsigned)(r->w0 != 0) & 1;
}

/* Bit i: slot i of the bucket has the hash's tag. */
static inline unsigned bt_sparse_match(const struct lw4o6_bindtab *t, uint32_t bucket, uint64_t hash)
{
	const uint64_t *line = t->sparse.w + (size_t)bucket * BT_SPARSE_SLOTS;
	unsigned match = 0;

	for (unsigned i = 0; i < BT_SPARSE_SLOTS; i++)
		match |= (unsigned)(ld(line + i) >> 32 == hash >> 32) << i;
	return match;
}

/* The PSID of a port, BT_NONE for a port of the excluded block; see lw4o6_psid_of_port(). */
static inline uint32_t bt_psid_of(uint64_t w0, uint16_t port)
{
	unsigned k = bt_key_k(w0), a = bt_key_a(w0);

	if (k == 0)
		return 0;
	if (a + k > 16 || (a > 0 && port >> (16 - a) == 0))
		return BT_NONE;
	return (uint32_t)(port >> (16 - a - k)) & ((1u << k) - 1);
}

static inline uint64_t bt_key_of(uint64_t w0, uint32_t id)
{
	return (w0 & ~UINT64_C(0xffff0000)) | (uint64_t)id << 16;
}

/* Managed or not, when no entry owns the port. */
static inline enum lw4o6_bind_addr bt_addr_state(const struct lw4o6_bindtab *t, const struct bt_ref *r, lw4o6_time now)
{
	if (!bt_alive(ld_acq(&t->until[bt_slot_pos(t, r)]), now))
		return LW4O6_BIND_UNMANAGED;
	return bt_key_k(r->w0) == 0 ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED;
}

/* ---- the writer's own memory ---- */

struct bt_pool *bt_pool_new(TALLOC_CTX *mem, uint32_t n);
/* 2^order free entries, aligned. @return the first, or BT_NONE. */
uint32_t bt_pool_alloc(struct bt_pool *p, unsigned order);
/* Just these. @return false: not all of them are free */
bool bt_pool_take(struct bt_pool *p, uint32_t idx, unsigned order);
void bt_pool_free(struct bt_pool *p, uint32_t idx, unsigned order);

struct bt_heap *bt_heap_new(TALLOC_CTX *mem, const struct bt_hot *hot, uint32_t n);
/* Put in, move or take out, as its lifetime says. */
void bt_heap_update(struct bt_heap *h, uint32_t idx, bool live);
/* The entry that ends first, BT_NONE when no entry ends. */
uint32_t bt_heap_first(const struct bt_heap *h);

/* ---- maps, writer's side ---- */

/* @return LW4O6_ENOSPC: no room and nothing changed. */
int bt_addr_insert(struct lw4o6_bindtab *t, uint64_t w0, uint64_t base_and_mode, uint32_t *pos);
void bt_addr_clear(struct lw4o6_bindtab *t, uint32_t pos);
void bt_addr_set_base(struct lw4o6_bindtab *t, uint32_t pos, uint64_t base_and_mode);
int bt_sparse_insert(struct lw4o6_bindtab *t, uint64_t key, uint32_t idx);
void bt_sparse_remove(struct lw4o6_bindtab *t, uint64_t key, uint32_t idx);

/* ---- entries, writer's side ---- */

void bt_rev_link(struct lw4o6_bindtab *t, uint32_t idx);
/* Say what an entry shall be (s->m 0: absent) and make it so. The intent stays until the change is over. */
void bt_entry_write(struct lw4o6_bindtab *t, uint32_t idx, const struct bt_snap *s);
/* The second half of it, as the intent says; may be done again. */
void bt_entry_finish(struct lw4o6_bindtab *t);
uint64_t bt_entry_digest(const struct bt_snap *s);

/* ---- attaching as the writer ---- */

/* Fill the writer's memory from the region. @return false: something in it does not fit together. */
bool bt_load(struct lw4o6_bindtab *t);
/* Finish what was under way, remake everything derived from the entries, fill the writer's memory. */
void bt_rebuild(struct lw4o6_bindtab *t);

#endif
