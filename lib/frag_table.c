#include "config.h"

#include "frag_int.h"
#include "mem.h"
#include "siphash.h"

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n && p < UINT32_C(1) << 31)
		p <<= 1;
	return p;
}

static uint32_t *new_indices(TALLOC_CTX *mem, uint32_t n)
{
	uint32_t *p = mem_new_array(mem, uint32_t, n);

	if (p)
		memset(p, 0xff, n * sizeof(*p));
	return p;
}

static bool allocate(struct frag_table *t, TALLOC_CTX *mem, size_t max_packet)
{
	uint32_t groups = FRAG_SLOTS * t->contexts;

	t->mask = power_of_two(t->contexts) - 1;
	t->group_mask = power_of_two(groups) - 1;
	t->ctx = mem_new_array(mem, struct frag_ctx, t->contexts);
	t->piece = mem_zalloc(mem, sizeof(struct frag_piece) * t->pieces, t->contexts, "struct frag_piece");
	t->group = mem_new_array(mem, struct frag_group, groups);
	t->block = mem_new_array(mem, struct frag_block, t->blocks);
	t->out = mem_new_array(mem, uint8_t, LW4O6_FRAG_HEADROOM + max_packet);
	t->bucket = new_indices(mem, t->mask + 1);
	t->group_bucket = new_indices(mem, t->group_mask + 1);
	t->heap[FRAG_HEAP_CONTEXTS] = new_indices(mem, t->contexts);
	t->heap[FRAG_HEAP_BLOCKS] = new_indices(mem, t->contexts);
	return t->ctx && t->piece && t->group && t->block && t->out && t->bucket && t->group_bucket &&
	       t->heap[FRAG_HEAP_CONTEXTS] && t->heap[FRAG_HEAP_BLOCKS];
}

int frag_table_init(struct frag_table *t, TALLOC_CTX *mem, const struct frag_config *cfg)
{
	size_t blocks = cfg->memory / FRAG_BLOCK;

	if (cfg->contexts > UINT32_C(1) << 28 || cfg->pieces > UINT16_MAX || blocks >= FRAG_NONE)
		return LW4O6_EINVAL;
	*t = (struct frag_table){
		.counters = cfg->counters,
		.hash_key = { cfg->hash_key[0], cfg->hash_key[1] },
		.key_len = cfg->key_len,
		.timeout = cfg->timeout,
		.quota_global = cfg->quota_global,
		.ipv4 = cfg->ipv4,
		.contexts = cfg->contexts,
		.pieces = cfg->pieces,
		.blocks = blocks > 0 ? (uint32_t)blocks : 1,
		.all = { FRAG_NONE, FRAG_NONE },
		.alarm_percent = cfg->alarm_percent,
	};
	if (!allocate(t, mem, cfg->max_packet))
		return LW4O6_ENOMEM;
	for (uint32_t i = 0; i < t->contexts; i++)
		t->ctx[i].hash_next = i + 1 < t->contexts ? i + 1 : FRAG_NONE;
	for (uint32_t i = 0; i < FRAG_SLOTS * t->contexts; i++)
		t->group[i].hash_next = i + 1 < FRAG_SLOTS * t->contexts ? i + 1 : FRAG_NONE;
	for (uint32_t i = 0; i < t->blocks; i++)
		t->block[i].next = i + 1 < t->blocks ? i + 1 : FRAG_NONE;
	return LW4O6_OK;
}

static void count(struct frag_table *t, unsigned counter, size_t octets)
{
	t->counters->packets[counter]++;
	t->counters->octets[counter] += octets;
}

void frag_count_drop(struct frag_table *t, unsigned reason, unsigned side, size_t octets)
{
	count(t, reason, octets);
	count(t, side == LW4O6_SIDE_IPV4 ? LW4O6_CNT_DROPPED_IPV4 : LW4O6_CNT_DROPPED_IPV6, octets);
	if (t->ipv4)
		count(t, LW4O6_CNT_DROPPED_IPV4_FRAGMENT, octets);
}

/* ---- lists by age ---- */

static void list_append(struct frag_table *t, struct frag_list *l, unsigned which, uint32_t i)
{
	t->ctx[i].link[which] = (struct frag_link){ l->newest, FRAG_NONE };
	if (l->newest != FRAG_NONE)
		t->ctx[l->newest].link[which].newer = i;
	else
		l->oldest = i;
	l->newest = i;
}

static void list_remove(struct frag_table *t, struct frag_list *l, unsigned which, uint32_t i)
{
	struct frag_link link = t->ctx[i].link[which];

	if (link.older != FRAG_NONE)
		t->ctx[link.older].link[which].newer = link.newer;
	else
		l->oldest = link.newer;
	if (link.newer != FRAG_NONE)
		t->ctx[link.newer].link[which].older = link.older;
	else
		l->newest = link.older;
}

/* ---- groups ---- */

static uint32_t *group_bucket(const struct frag_table *t, unsigned slot, const struct frag_group_key *key)
{
	return &t->group_bucket[(siphash(t->hash_key, key, sizeof(*key)) + slot) & t->group_mask];
}

uint32_t frag_group_find(const struct frag_table *t, unsigned slot, const struct frag_group_key *key)
{
	uint32_t g = *group_bucket(t, slot, key);

	while (g != FRAG_NONE && (t->group[g].slot != slot || memcmp(&t->group[g].key, key, sizeof(*key)) != 0))
		g = t->group[g].hash_next;
	return g;
}

/* A context is in at most one group per slot, so there is always a free one. */
static uint32_t group_new(struct frag_table *t, unsigned slot, const struct frag_group_key *key)
{
	uint32_t g = t->free_group, *bucket = group_bucket(t, slot, key);

	t->free_group = t->group[g].hash_next;
	t->group[g] = (struct frag_group){
		.key = *key, .hash_next = *bucket, .slot = slot, .list = { FRAG_NONE, FRAG_NONE },
	};
	*bucket = g;
	return g;
}

static void group_free(struct frag_table *t, uint32_t g)
{
	uint32_t *at = group_bucket(t, t->group[g].slot, &t->group[g].key);

	while (*at != g)
		at = &t->group[*at].hash_next;
	*at = t->group[g].hash_next;
	t->group[g].hash_next = t->free_group;
	t->free_group = g;
}

void frag_limit(struct frag_table *t, unsigned slot, const struct frag_group_key *key, uint32_t limit,
                unsigned reason)
{
	uint32_t g = frag_group_find(t, slot, key);

	if (g != FRAG_NONE && t->group[g].contexts >= limit)
		frag_drop(t, t->group[g].list.oldest, reason);
}

void frag_join(struct frag_table *t, uint32_t i, unsigned slot, const struct frag_group_key *key)
{
	uint32_t g = frag_group_find(t, slot, key);
	bool fresh = g == FRAG_NONE;

	if (fresh)
		g = group_new(t, slot, key);
	list_append(t, &t->group[g].list, slot, i);
	t->group[g].contexts++;
	t->ctx[i].group[slot] = g;
	if (slot == FRAG_FROM && fresh)
		frag_heap_add(t, g);
	else if (slot == FRAG_FROM)
		frag_heap_update(t, g);
}

void frag_leave(struct frag_table *t, uint32_t i, unsigned slot)
{
	uint32_t g = t->ctx[i].group[slot];

	if (g == FRAG_NONE)
		return;
	list_remove(t, &t->group[g].list, slot, i);
	t->ctx[i].group[slot] = FRAG_NONE;
	if (--t->group[g].contexts == 0) {
		if (slot == FRAG_FROM)
			frag_heap_remove(t, g);
		group_free(t, g);
	} else if (slot == FRAG_FROM) {
		frag_heap_update(t, g);
	}
}

/* ---- contexts ---- */

static uint32_t *ctx_bucket(const struct frag_table *t, const uint8_t *key)
{
	return &t->bucket[siphash(t->hash_key, key, t->key_len) & t->mask];
}

uint32_t frag_find(const struct frag_table *t, const uint8_t *key)
{
	uint32_t i = *ctx_bucket(t, key);

	while (i != FRAG_NONE && memcmp(t->ctx[i].key, key, t->key_len) != 0)
		i = t->ctx[i].hash_next;
	return i;
}

uint32_t frag_new(struct frag_table *t, const uint8_t *key, unsigned side, lw4o6_time now)
{
	if (t->used == t->contexts) /* D-166: the oldest of the source that has most */
		frag_drop(t, t->group[t->heap[FRAG_HEAP_CONTEXTS][0]].list.oldest, t->quota_global);

	uint32_t i = t->free_ctx, *bucket = ctx_bucket(t, key);

	t->free_ctx = t->ctx[i].hash_next;
	t->ctx[i] = (struct frag_ctx){
		.serial = ++t->serial,
		.due = lw4o6_time_add(now, t->timeout),
		.hash_next = *bucket,
		.group = { FRAG_NONE, FRAG_NONE },
		.doomed = FRAG_NOT_DOOMED,
		.side = (uint8_t)side,
	};
	memcpy(t->ctx[i].key, key, t->key_len);
	*bucket = i;
	list_append(t, &t->all, FRAG_LIST_ALL, i);
	t->used++;
	frag_watch(t);
	return i;
}

static void drop_held(struct frag_table *t, uint32_t i, unsigned reason)
{
	struct frag_piece *p = frag_pieces(t, i);

	for (uint32_t n = 0; n < t->ctx[i].npieces; n++) {
		if (p[n].block == FRAG_NONE)
			continue;
		frag_count_drop(t, reason, t->ctx[i].side, t->block[p[n].block].counted);
		frag_release(t, i, &p[n]);
	}
	t->ctx[i].npieces = 0;
}

void frag_forget(struct frag_table *t, uint32_t i)
{
	uint32_t *at = ctx_bucket(t, t->ctx[i].key);

	for (unsigned slot = 0; slot < FRAG_SLOTS; slot++)
		frag_leave(t, i, slot);
	list_remove(t, &t->all, FRAG_LIST_ALL, i);
	while (*at != i)
		at = &t->ctx[*at].hash_next;
	*at = t->ctx[i].hash_next;
	t->ctx[i].serial = 0;
	t->ctx[i].hash_next = t->free_ctx;
	t->free_ctx = i;
	t->used--;
	frag_watch(t);
}

void frag_drop(struct frag_table *t, uint32_t i, unsigned reason)
{
	drop_held(t, i, reason);
	frag_forget(t, i);
}

void frag_doom(struct frag_table *t, uint32_t i, unsigned reason)
{
	drop_held(t, i, reason);
	t->ctx[i].doomed = (uint16_t)reason;
}

uint32_t frag_due(const struct frag_table *t, lw4o6_time now)
{
	uint32_t i = t->all.oldest;

	return i != FRAG_NONE && t->ctx[i].due <= now ? i : FRAG_NONE;
}

lw4o6_time frag_expiry(const struct frag_table *t)
{
	return t->all.oldest != FRAG_NONE ? t->ctx[t->all.oldest].due : LW4O6_TIME_NONE;
}

void frag_flush(struct frag_table *t, unsigned reason)
{
	while (t->all.oldest != FRAG_NONE)
		frag_drop(t, t->all.oldest, reason);
}

void frag_flush_group(struct frag_table *t, unsigned slot, const struct frag_group_key *key, unsigned reason)
{
	uint32_t g;

	while ((g = frag_group_find(t, slot, key)) != FRAG_NONE)
		frag_drop(t, t->group[g].list.oldest, reason);
}

void frag_usage(const struct frag_table *t, struct lw4o6_frag_usage *u)
{
	u->contexts = t->used;
	u->contexts_max = t->contexts;
	u->memory = (size_t)t->used_blocks * FRAG_BLOCK;
	u->memory_max = (size_t)t->blocks * FRAG_BLOCK;
}

void frag_watch(struct frag_table *t)
{
	uint64_t contexts = (uint64_t)t->used * 100, contexts_at = (uint64_t)t->contexts * t->alarm_percent;
	uint64_t blocks = (uint64_t)t->used_blocks * 100, blocks_at = (uint64_t)t->blocks * t->alarm_percent;

	if (!t->above && (contexts >= contexts_at || blocks >= blocks_at))
		t->above = t->alarm = true;
	else if (t->above && contexts < contexts_at / 10 * 9 && blocks < blocks_at / 10 * 9)
		t->above = false;
}

bool frag_alarm(struct frag_table *t)
{
	bool alarm = t->alarm;

	t->alarm = false;
	return alarm;
}
