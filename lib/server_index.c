#include "config.h"

#include "server_int.h"
#include "siphash.h"

/*
 * Open addressing with linear probing; an entry is a record's number and half of the hash of its key,
 * so that a record is read only when it is the one, as a rule. Removing moves later entries back, so there
 * are no tombstones. The hash is keyed, because clients choose the keys (D-035).
 */

enum { INDEX_MIN = 1024 };

uint64_t hash_client(const struct lw4o6_server *s, bool by_hardware, const uint8_t *id, size_t len)
{
	const uint64_t key[2] = { s->key[0] ^ by_hardware, s->key[1] };

	return siphash(key, id, len);
}

static uint64_t hash_tuple(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	const uint8_t k[8] = { ps->offset, ps->len, (uint8_t)(ps->id >> 8), (uint8_t)ps->id };
	uint8_t key[8];

	memcpy(key, k, 4);
	memcpy(key + 4, &ipv4, 4);
	return siphash(s->key, key, sizeof(key));
}

static uint64_t hash_record(const struct lw4o6_server *s, enum index_kind kind, uint32_t no)
{
	const struct lease *l = lease_at(s, no);

	switch (kind) {
	case IX_TUPLE: return hash_tuple(s, l->ipv4, &l->ps);
	case IX_SADDR: return siphash(s->key, &l->saddr, 16);
	default: return hash_client(s, l->by_hardware, l->blob, l->client_id_len);
	}
}

uint32_t index_client(const struct lw4o6_server *s, enum index_kind kind, bool by_hardware, const uint8_t *id, size_t len)
{
	const struct hash_index *ix = &s->index[kind];
	uint32_t mask = ix->size - 1, hash = (uint32_t)hash_client(s, by_hardware, id, len);

	for (uint32_t i = hash & mask; ix->slot[i].no; i = (i + 1) & mask) {
		if (ix->slot[i].hash != hash)
			continue;

		const struct lease *l = lease_at(s, ix->slot[i].no - 1);

		if (l->client_id_len == len && l->by_hardware == by_hardware && memcmp(l->blob, id, len) == 0)
			return ix->slot[i].no - 1;
	}
	return NONE;
}

uint32_t index_tuple(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps)
{
	const struct hash_index *ix = &s->index[IX_TUPLE];
	uint32_t mask = ix->size - 1, hash = (uint32_t)hash_tuple(s, ipv4, ps);

	for (uint32_t i = hash & mask; ix->slot[i].no; i = (i + 1) & mask) {
		if (ix->slot[i].hash != hash)
			continue;

		const struct lease *l = lease_at(s, ix->slot[i].no - 1);

		if (l->ipv4.s_addr == ipv4.s_addr && lw4o6_psid_equal(&l->ps, ps))
			return ix->slot[i].no - 1;
	}
	return NONE;
}

uint32_t index_saddr(const struct lw4o6_server *s, const struct in6_addr *saddr)
{
	const struct hash_index *ix = &s->index[IX_SADDR];
	uint32_t mask = ix->size - 1, hash = (uint32_t)siphash(s->key, saddr, 16);

	for (uint32_t i = hash & mask; ix->slot[i].no; i = (i + 1) & mask)
		if (ix->slot[i].hash == hash && memcmp(&lease_at(s, ix->slot[i].no - 1)->saddr, saddr, 16) == 0)
			return ix->slot[i].no - 1;
	return NONE;
}

static void put(struct hash_index *ix, struct index_slot x)
{
	uint32_t mask = ix->size - 1, i = x.hash & mask;

	while (ix->slot[i].no)
		i = (i + 1) & mask;
	ix->slot[i] = x;
	ix->used++;
}

void index_put(struct lw4o6_server *s, enum index_kind kind, uint32_t no)
{
	put(&s->index[kind], (struct index_slot){ no + 1, (uint32_t)hash_record(s, kind, no) });
}

void index_del(struct lw4o6_server *s, enum index_kind kind, uint32_t no)
{
	struct hash_index *ix = &s->index[kind];
	uint32_t mask = ix->size - 1, i = (uint32_t)hash_record(s, kind, no) & mask;

	while (ix->slot[i].no != no + 1) {
		if (ix->slot[i].no == 0)
			return;
		i = (i + 1) & mask;
	}
	for (uint32_t j = (i + 1) & mask; ix->slot[j].no; j = (j + 1) & mask) {
		uint32_t home = ix->slot[j].hash & mask;

		/* May the entry at j stand at i: is its home not in (i, j]? */
		if (((j - home) & mask) >= ((j - i) & mask)) {
			ix->slot[i] = ix->slot[j];
			i = j;
		}
	}
	ix->slot[i].no = 0;
	ix->used--;
}

/* At most three quarters full. */
static uint32_t size_for(uint32_t n)
{
	uint32_t size = INDEX_MIN;

	while (n > size / 4 * 3)
		size *= 2;
	return size;
}

static int grow(struct lw4o6_server *s, enum index_kind kind, uint32_t size)
{
	struct hash_index *ix = &s->index[kind], old = *ix;
	struct index_slot *slot = mem_new_array(s, struct index_slot, size);

	if (!slot)
		return LW4O6_ENOMEM;
	*ix = (struct hash_index){ slot, size, 0 };
	for (uint32_t i = 0; i < old.size; i++)
		if (old.slot[i].no)
			put(ix, old.slot[i]);
	talloc_free(old.slot);
	return LW4O6_OK;
}

int index_reserve(struct lw4o6_server *s, uint32_t n)
{
	uint32_t size = size_for(n);

	for (int k = 0; k < IX_COUNT; k++) {
		/* Offers are few against leases: their table grows with their own number. */
		uint32_t want = k == IX_HOLD ? size_for(s->index[k].used + 1) : size;

		if (s->index[k].size < want && grow(s, (enum index_kind)k, want) != LW4O6_OK)
			return LW4O6_ENOMEM;
	}
	return LW4O6_OK;
}

/* ---- active leases per prefix, S-079 ---- */

static struct in6_addr prefix_of(const struct lw4o6_server *s, const struct in6_addr *where)
{
	struct in6_addr p = { { { 0 } } };
	/* All link-local addresses are of one prefix, and not of one subscriber. */
	unsigned len = IN6_IS_ADDR_LINKLOCAL(where) ? 128 : s->cfg.prefix_len;

	memcpy(&p, where, len / 8);
	if (len % 8)
		p.s6_addr[len / 8] = (uint8_t)(where->s6_addr[len / 8] & 0xff00 >> len % 8);
	return p;
}

struct in6_addr subscriber_of(const struct lw4o6_server *s, const struct in6_addr *peer, const struct in6_addr *link,
                              struct lw4o6_span id)
{
	uint8_t buf[1 + 16 + 16 + KEY_ID_MAX] = { 0 };
	size_t n = 33;
	struct in6_addr key;

	if (!IN6_IS_ADDR_LINKLOCAL(peer) || (!link && !id.p))
		return prefix_of(s, peer);
	memcpy(buf + 1, peer, 16);
	if (link)
		memcpy(buf + 17, link, 16);
	if (id.p && id.len <= KEY_ID_MAX) {
		memcpy(buf + n, id.p, id.len);
		n += id.len;
	}
	for (unsigned i = 0; i < 2; i++) {
		buf[0] = (uint8_t)i;

		uint64_t h = siphash(s->key, buf, n);

		memcpy(key.s6_addr + 8 * i, &h, 8);
	}
	return key;
}

uint64_t prefix_hash(const struct lw4o6_server *s, const struct in6_addr *subscriber)
{
	return siphash(s->key, subscriber, sizeof(*subscriber));
}

/* The slot of a prefix, or the free one where it would go. */
static uint32_t prefix_slot(const struct lw4o6_server *s, const struct in6_addr *prefix)
{
	uint32_t mask = s->prefix_size - 1, i = (uint32_t)siphash(s->key, prefix, 16) & mask;

	while (s->prefix[i].active && memcmp(&s->prefix[i].prefix, prefix, 16) != 0)
		i = (i + 1) & mask;
	return i;
}

uint32_t prefix_active(const struct lw4o6_server *s, const struct in6_addr *subscriber)
{
	return s->cfg.prefix_limit ? s->prefix[prefix_slot(s, subscriber)].active : 0;
}

static void prefix_clear(struct lw4o6_server *s, uint32_t i)
{
	uint32_t mask = s->prefix_size - 1;

	for (uint32_t j = (i + 1) & mask; s->prefix[j].active; j = (j + 1) & mask) {
		uint32_t home = (uint32_t)siphash(s->key, &s->prefix[j].prefix, 16) & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			s->prefix[i] = s->prefix[j];
			i = j;
		}
	}
	s->prefix[i].active = 0;
	s->prefix_used--;
}

void prefix_add(struct lw4o6_server *s, const struct in6_addr *subscriber, int add)
{
	if (s->cfg.prefix_limit == 0)
		return;

	uint32_t i = prefix_slot(s, subscriber);

	if (s->prefix[i].active == 0) {
		s->prefix[i].prefix = *subscriber;
		s->prefix_used++;
	}
	s->prefix[i].active += (uint32_t)add;
	if (s->prefix[i].active == 0)
		prefix_clear(s, i);
}

int prefix_reserve(struct lw4o6_server *s, uint32_t n)
{
	uint32_t size = size_for(n), old_size = s->prefix_size;
	struct prefix_count *old = s->prefix;

	if (s->cfg.prefix_limit == 0 || size <= old_size)
		return LW4O6_OK;

	struct prefix_count *t = mem_new_array(s, struct prefix_count, size);

	if (!t)
		return LW4O6_ENOMEM;
	s->prefix = t;
	s->prefix_size = size;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].active)
			t[prefix_slot(s, &old[i].prefix)] = old[i];
	talloc_free(old);
	return LW4O6_OK;
}
