#include "config.h"

#include "bindtab_int.h"

#include <string.h>

static size_t lines(size_t octets)
{
	return (octets + BT_LINE - 1) & ~(size_t)(BT_LINE - 1);
}

/* Buckets that hold n keys at @p percent; a few more, so that a tiny map does not depend on luck. */
static uint32_t buckets(uint32_t n, unsigned slots, unsigned percent)
{
	return (uint32_t)((uint64_t)n * 100 / (percent * slots)) + 4;
}

bool bt_layout(struct bt_layout *l, uint32_t max_softwires, uint32_t max_addresses, uint32_t max_br)
{
	if (max_softwires == 0 || max_softwires > BT_MAX_SOFTWIRES || max_addresses == 0 ||
	    max_addresses > max_softwires || max_br == 0 || max_br > BT_MAX_BR)
		return false;

	size_t n = max_softwires, slots;

	/* With many softwires on an address the map is small: make it faster, 40 octets instead of 19 for an address. */
	l->addr_nb = buckets(max_addresses, BT_ADDR_SLOTS, max_addresses <= max_softwires / 16 ? 40 : 85);
	l->sparse_nb = buckets(max_softwires, BT_SPARSE_SLOTS, 85);
	slots = (size_t)l->addr_nb * BT_ADDR_SLOTS;
	l->addr = lines(sizeof(struct bt_hdr));
	l->until = l->addr + lines(slots * 2 * sizeof(uint64_t));
	l->hot = l->until + lines(slots * sizeof(uint64_t));
	l->br = l->hot + lines(n * sizeof(struct bt_hot));
	l->cold = l->br + lines((size_t)max_br * 16);
	l->sparse = l->cold + lines(n * sizeof(struct bt_cold));
	l->rev = l->sparse + lines((size_t)l->sparse_nb * BT_LINE);
	l->total = l->rev + lines(n * sizeof(uint32_t));
	return true;
}

void lw4o6_bindtab_config_init_sized(struct lw4o6_bindtab_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

/* A copy with the defaults filled in; a caller's older, shorter struct has zeros at its end. */
static bool config_read(struct lw4o6_bindtab_config *c, const struct lw4o6_bindtab_config *cfg, struct bt_layout *l)
{
	memset(c, 0, sizeof(*c));
	memcpy(c, cfg, cfg->size < sizeof(*c) ? cfg->size : sizeof(*c));
	if (c->max_softwires == 0)
		c->max_softwires = 65536;
	if (c->max_addresses == 0 || c->max_addresses > c->max_softwires)
		c->max_addresses = c->max_softwires;
	if (c->max_br == 0)
		c->max_br = 16;
	return bt_layout(l, c->max_softwires, c->max_addresses, c->max_br);
}

size_t lw4o6_bindtab_size(const struct lw4o6_bindtab_config *cfg)
{
	struct lw4o6_bindtab_config c;
	struct bt_layout l;

	return config_read(&c, cfg, &l) ? l.total : 0;
}

int lw4o6_bindtab_init(void *region, size_t size, const struct lw4o6_bindtab_config *cfg)
{
	struct lw4o6_bindtab_config c;
	struct bt_layout l;
	struct bt_hdr *h = region;

	if (!config_read(&c, cfg, &l) || !region || ((uintptr_t)region & (BT_LINE - 1)))
		return LW4O6_EINVAL;
	if (size < l.total)
		return LW4O6_ESPACE;

	uint64_t epoch = siphash(c.hash_key, "epoch", 5), version = 0;

	if (ld_acq(&h->magic) == BT_MAGIC) {
		epoch = ld(&h->epoch) + 1;
		version = ld(&h->version) + 1;
	}
	st_rel(&h->magic, 0);
	st_rel(&h->epoch, epoch);
	memset((uint8_t *)region + offsetof(struct bt_hdr, hash_key), 0, l.total - offsetof(struct bt_hdr, hash_key));
	memcpy(h->hash_key, c.hash_key, sizeof(h->hash_key));
	h->max_softwires = c.max_softwires;
	h->max_addresses = c.max_addresses;
	h->max_br = c.max_br;
	h->multi_binding = c.multi_binding;
	st(&h->version, version);
	st_rel(&h->magic, BT_MAGIC);
	return LW4O6_OK;
}

static struct bt_writer *writer_new(struct lw4o6_bindtab *t)
{
	struct bt_writer *w = mem_new(t, struct bt_writer);

	if (!w)
		return NULL;
	w->pool = bt_pool_new(w, t->max);
	w->heap = bt_heap_new(w, t->hot, t->max);
	w->used = mem_new_array(w, uint32_t, (size_t)t->addr.nb * BT_ADDR_SLOTS);
	w->br_refs = mem_new_array(w, uint32_t, t->max_br);
	if (w->pool && w->heap && w->used && w->br_refs)
		return w;
	talloc_free(w);
	return NULL;
}

struct lw4o6_bindtab *lw4o6_bindtab_attach(TALLOC_CTX *mem, void *region, size_t size, bool writer)
{
	struct bt_hdr *h = region;
	uint8_t *p = region;
	struct bt_layout l;

	if (!region || size < sizeof(*h) || ((uintptr_t)region & (BT_LINE - 1)) || ld_acq(&h->magic) != BT_MAGIC)
		return NULL;

	/* Read once: what is checked here is what is used. */
	uint32_t max = ld32(&h->max_softwires), max_addr = ld32(&h->max_addresses), max_br = ld32(&h->max_br);

	if (!bt_layout(&l, max, max_addr, max_br) || size < l.total)
		return NULL;

	struct lw4o6_bindtab *t = mem_new(mem, struct lw4o6_bindtab);

	if (!t)
		return NULL;
	t->h = h;
	t->max = max;
	t->max_addr = max_addr;
	t->max_br = max_br;
	t->multi = ld32(&h->multi_binding) != 0;
	t->key[0] = h->hash_key[0];
	t->key[1] = h->hash_key[1];
	t->addr = (struct bt_map){ (uint64_t *)(void *)(p + l.addr), l.addr_nb, BT_ADDR_SLOTS, 2 };
	t->sparse = (struct bt_map){ (uint64_t *)(void *)(p + l.sparse), l.sparse_nb, BT_SPARSE_SLOTS, 1 };
	t->until = (uint64_t *)(void *)(p + l.until);
	t->hot = (struct bt_hot *)(void *)(p + l.hot);
	t->br = (uint64_t *)(void *)(p + l.br);
	t->cold = (struct bt_cold *)(void *)(p + l.cold);
	t->rev = (uint32_t *)(void *)(p + l.rev);
	if (!writer)
		return t;
	t->w = writer_new(t);
	if (t->w && (ld_acq(&h->dirty) || !bt_load(t))) {
		talloc_free(t->w);
		t->w = writer_new(t);
		if (t->w)
			bt_rebuild(t);
	}
	if (!t->w)
		return talloc_free(t), NULL;
	return t;
}

uint32_t lw4o6_bindtab_count(const struct lw4o6_bindtab *t)
{
	return (uint32_t)ld_acq(&t->h->count);
}

uint64_t lw4o6_bindtab_version(const struct lw4o6_bindtab *t)
{
	return ld_acq(&t->h->version);
}

uint64_t lw4o6_bindtab_digest(const struct lw4o6_bindtab *t)
{
	return ld_acq(&t->h->digest);
}

uint64_t lw4o6_bindtab_epoch(const struct lw4o6_bindtab *t)
{
	return ld_acq(&t->h->epoch);
}
