#include "config.h"

#include "server_int.h"

/* ---- blobs: client id and relay data, in blocks of a few sizes ---- */

static unsigned blob_class(size_t len)
{
	return len == 0 ? 0 : (unsigned)((len - 1) / BLOB_STEP);
}

/* One record at most needs 510 octets, so the last class holds it. */
uint8_t *blob_new(struct lw4o6_server *s, size_t len)
{
	unsigned c = blob_class(len);
	size_t size = (size_t)(c + 1) * BLOB_STEP;
	struct blob_free *b = s->blobs[c];

	if (b) {
		s->blobs[c] = b->next;
		return (uint8_t *)b;
	}
	if (s->blob_left < size) {
		enum { CHUNK = 65536 };
		uint8_t *chunk = mem_new_array(s, uint8_t, CHUNK);

		if (!chunk)
			return NULL;
		s->blob_chunk = chunk;
		s->blob_left = CHUNK;
	}
	s->blob_left -= size;
	return s->blob_chunk + s->blob_left;
}

void blob_free(struct lw4o6_server *s, uint8_t *blob, size_t len)
{
	if (!blob)
		return;

	struct blob_free *b = (struct blob_free *)(void *)blob;
	unsigned c = blob_class(len);

	b->next = s->blobs[c];
	s->blobs[c] = b;
}

/* ---- timers: a heap of the records that end by themselves ---- */

uint64_t timer_of(const struct lease *l)
{
	switch (l->state) {
	case LW4O6_LEASE_ACTIVE:
	case LW4O6_LEASE_ABANDONED:
		return l->expires;
	case STATE_HELD:
	case LW4O6_LEASE_RELEASED:
	case LW4O6_LEASE_EXPIRED:
		return l->hold ? l->hold : LW4O6_TIME_NONE;
	default:
		return LW4O6_TIME_NONE;
	}
}

static void heap_set(struct lw4o6_server *s, uint32_t pos, uint32_t no)
{
	s->heap[pos] = no;
	lease_at(s, no)->heap_pos = pos;
}

static void heap_fix(struct lw4o6_server *s, uint32_t pos, uint32_t no)
{
	uint64_t key = timer_of(lease_at(s, no));

	for (; pos > 0; pos = (pos - 1) / 2) {
		uint32_t up = s->heap[(pos - 1) / 2];

		if (timer_of(lease_at(s, up)) <= key)
			break;
		heap_set(s, pos, up);
	}
	for (;;) {
		uint32_t child = 2 * pos + 1;

		if (child >= s->heap_n)
			break;
		if (child + 1 < s->heap_n &&
		    timer_of(lease_at(s, s->heap[child + 1])) < timer_of(lease_at(s, s->heap[child])))
			child++;
		if (timer_of(lease_at(s, s->heap[child])) >= key)
			break;
		heap_set(s, pos, s->heap[child]);
		pos = child;
	}
	heap_set(s, pos, no);
}

static void timer_set(struct lw4o6_server *s, uint32_t no)
{
	if (timer_of(lease_at(s, no)) != LW4O6_TIME_NONE)
		heap_fix(s, s->heap_n++, no);
}

static void timer_clear(struct lw4o6_server *s, uint32_t no)
{
	uint32_t pos = lease_at(s, no)->heap_pos;

	if (pos == NONE)
		return;
	lease_at(s, no)->heap_pos = NONE;
	s->heap_n--;
	if (pos != s->heap_n)
		heap_fix(s, pos, s->heap[s->heap_n]);
}

uint32_t timer_first(const struct lw4o6_server *s)
{
	return s->heap_n ? s->heap[0] : NONE;
}

/* ---- records ---- */

/* So that linking a record cannot fail. */
static int reserve(struct lw4o6_server *s)
{
	uint32_t n = s->made + 1;

	if (index_reserve(s, n) != LW4O6_OK || prefix_reserve(s, n) != LW4O6_OK)
		return LW4O6_ENOMEM;
	if (n > s->heap_room) {
		uint32_t room = s->heap_room ? 2 * s->heap_room : 1024;
		uint32_t *heap = mem_resize_array(s, s->heap, uint32_t, room);

		if (!heap)
			return LW4O6_ENOMEM;
		s->heap = heap;
		s->heap_room = room;
	}
	return LW4O6_OK;
}

static uint32_t record_new(struct lw4o6_server *s)
{
	uint32_t no = s->free_record;

	if (reserve(s) != LW4O6_OK)
		return NONE;
	if (no != NONE) {
		s->free_record = lease_at(s, no)->heap_pos;
		return no;
	}
	if (s->made == s->chunks << CHUNK_SHIFT) {
		struct lease **chunk = mem_resize_array(s, s->chunk, struct lease *, s->chunks + 1);

		if (!chunk)
			return NONE;
		s->chunk = chunk;
		chunk[s->chunks] = mem_new_array(s, struct lease, (size_t)1 << CHUNK_SHIFT);
		if (!chunk[s->chunks])
			return NONE;
		s->chunks++;
	}
	return s->made++;
}

/* ---- former leases, in the order in which they became so ---- */

/* May another client be given the tuple? Not while a change of it waits to be stored. */
static bool is_stale(const struct lease *l)
{
	return (l->state == LW4O6_LEASE_RELEASED || l->state == LW4O6_LEASE_EXPIRED) && l->hold == 0 && l->pending == 0;
}

static void stale_add(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	if (l->stale || !is_stale(l))
		return;
	l->stale = true;
	l->older = s->newest;
	l->newer = 0;
	if (s->newest)
		lease_at(s, s->newest - 1)->newer = no + 1;
	else
		s->oldest = no + 1;
	s->newest = no + 1;
	if (!l->fixed)
		pick_add(&s->pools[l->pool].stale, l->tuple);
}

static void stale_remove(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	if (!l->stale)
		return;
	l->stale = false;
	*(l->older ? &lease_at(s, l->older - 1)->newer : &s->oldest) = l->newer;
	*(l->newer ? &lease_at(s, l->newer - 1)->older : &s->newest) = l->older;
	pick_remove(&s->pools[l->pool].stale, l->tuple);
}

uint32_t lease_take(struct lw4o6_server *s, unsigned pool, uint32_t tuple, bool surely)
{
	struct in_addr ipv4 = pool_addr(s, pool, tuple);
	struct lw4o6_psid ps = pool_ps(&s->pools[pool], tuple);
	uint32_t no = index_tuple(s, ipv4, &ps);

	/* Somebody's former lease makes room. */
	if (no == NONE && s->records >= s->max_records && s->oldest)
		no = s->oldest - 1;
	if (no != NONE) {
		lease_unlink(s, no);
		lease_free(s, no);
	} else if (s->records >= s->max_records && !surely) {
		return NONE;
	}
	no = record_new(s);
	if (no == NONE)
		return NONE;
	s->records++;
	*lease_at(s, no) = (struct lease){ .ipv4 = ipv4, .ps = ps, .pool = (uint16_t)pool, .tuple = tuple, .heap_pos = NONE,
		                           .state = STATE_HELD, .fixed = pool_is_fixed(s, pool, tuple) };
	pick_remove(&s->pools[pool].free, tuple);
	index_put(s, IX_TUPLE, no);
	return no;
}

uint32_t lease_take_orphan(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, bool *conflict)
{
	uint32_t no;

	*conflict = pool_overlaps(s, ipv4, ps);
	if (*conflict || (no = record_new(s)) == NONE)
		return NONE;
	*lease_at(s, no) = (struct lease){ .ipv4 = ipv4, .ps = *ps, .pool = NO_POOL, .tuple = NONE, .heap_pos = NONE };
	if (!pool_block(s, ipv4, ps)) {
		lease_at(s, no)->heap_pos = s->free_record;
		lease_at(s, no)->state = LW4O6_LEASE_FREE;
		s->free_record = no;
		return NONE;
	}
	/* It takes no room from those of the pools. */
	s->orphans++;
	s->records++;
	s->max_records++;
	index_put(s, IX_TUPLE, no);
	return no;
}

void lease_free(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	index_del(s, IX_TUPLE, no);
	blob_free(s, l->blob, blob_len(l));
	if (l->pool == NO_POOL) {
		pool_unblock(s, l->ipv4, &l->ps);
		s->orphans--;
		s->max_records--;
	} else if (!l->fixed) {
		pick_add(&s->pools[l->pool].free, l->tuple);
	}
	*l = (struct lease){ .heap_pos = s->free_record, .state = LW4O6_LEASE_FREE };
	s->free_record = no;
	s->records--;
}

static bool has_client(const struct lease *l)
{
	return l->state == LW4O6_LEASE_ACTIVE || l->state == LW4O6_LEASE_RELEASED || l->state == LW4O6_LEASE_EXPIRED;
}

static bool saddr_known(const struct lease *l)
{
	return l->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&l->saddr);
}

void lease_link(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	l->linked = true;
	if (has_client(l))
		index_put(s, IX_CLIENT, no);
	if (l->state == STATE_HELD)
		index_put(s, IX_HOLD, no);
	if (saddr_known(l))
		index_put(s, IX_SADDR, no);
	if (l->state == LW4O6_LEASE_ACTIVE) {
		s->active++;
		prefix_add(s, &l->subscriber, 1);
	}
	stale_add(s, no);
	timer_set(s, no);
}

void lease_unlink(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	if (!l->linked)
		return;
	l->linked = false;
	if (has_client(l))
		index_del(s, IX_CLIENT, no);
	if (l->state == STATE_HELD)
		index_del(s, IX_HOLD, no);
	if (saddr_known(l))
		index_del(s, IX_SADDR, no);
	if (l->state == LW4O6_LEASE_ACTIVE) {
		s->active--;
		prefix_add(s, &l->subscriber, -1);
	}
	stale_remove(s, no);
	timer_clear(s, no);
}

void lease_pause(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	stale_remove(s, no);
	if (l->state == LW4O6_LEASE_ACTIVE)
		prefix_add(s, &l->subscriber, -1);
	timer_clear(s, no);
}

void lease_resume(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	stale_add(s, no);
	if (l->state == LW4O6_LEASE_ACTIVE)
		prefix_add(s, &l->subscriber, 1);
	timer_set(s, no);
}

void lease_settle(struct lw4o6_server *s, uint32_t no)
{
	struct lease *l = lease_at(s, no);

	l->pending--;
	if (l->pending == 0 && (l->state == LW4O6_LEASE_FREE || l->state == LW4O6_LEASE_RESET)) {
		lease_unlink(s, no);
		lease_free(s, no);
	} else {
		stale_add(s, no);
	}
}

static size_t put_tag(uint8_t *dst, size_t used, uint8_t tag, const uint8_t *p, size_t len)
{
	if (!p || len > 255 || used + 2 + len > LW4O6_LEASE_RELAY_MAX)
		return used;
	dst[used] = tag;
	dst[used + 1] = (uint8_t)len;
	memcpy(dst + used + 2, p, len);
	return used + 2 + len;
}

/* What the innermost relay that said something said (S-143). */
static size_t relay_data(uint8_t dst[LW4O6_LEASE_RELAY_MAX], const struct query *q)
{
	const struct in6_addr *link = NULL;
	struct lw4o6_span part[4] = { { NULL, 0 } };
	static const uint8_t tag[4] = { LW4O6_LEASE_TAG_INTERFACE_ID, LW4O6_LEASE_TAG_REMOTE_ID,
		                        LW4O6_LEASE_TAG_SUBSCRIBER_ID, LW4O6_LEASE_TAG_LINKLAYER };
	size_t used = 0;

	for (unsigned i = 0; i < q->relays.n; i++) {
		const struct lw4o6_dhcp6_relay *r = &q->relays.level[i];
		const struct lw4o6_span said[4] = { r->interface_id, r->remote_id, r->subscriber_id, r->linklayer_addr };

		if (!IN6_IS_ADDR_UNSPECIFIED(&r->link_addr))
			link = &r->link_addr;
		for (unsigned k = 0; k < 4; k++)
			if (said[k].p)
				part[k] = said[k];
	}
	if (link)
		used = put_tag(dst, used, LW4O6_LEASE_TAG_LINK, link->s6_addr, 16);
	for (unsigned k = 0; k < 4; k++)
		used = put_tag(dst, used, tag[k], part[k].p, part[k].len);
	return put_tag(dst, used, LW4O6_LEASE_TAG_VENDOR_CLASS, q->m.vendor_class.p, q->m.vendor_class.len);
}

bool lease_set_client(struct lw4o6_server *s, struct lease *l, const struct query *q, bool keep)
{
	uint8_t relay[LW4O6_LEASE_RELAY_MAX];
	size_t n = relay_data(relay, q);

	if (!l->blob || l->client_id_len != q->id.len || l->relay_len != n || memcmp(l->blob, q->id.p, q->id.len) != 0 ||
	    memcmp(l->blob + l->client_id_len, relay, n) != 0) {
		uint8_t *blob = blob_new(s, q->id.len + n);

		if (!blob)
			return false;
		memcpy(blob, q->id.p, q->id.len);
		memcpy(blob + q->id.len, relay, n);
		if (!keep)
			blob_free(s, l->blob, blob_len(l));
		l->blob = blob;
		l->client_id_len = (uint8_t)q->id.len;
		l->relay_len = (uint8_t)n;
	}
	l->by_hardware = q->by_hardware;
	l->htype = q->m.hdr.htype;
	l->hlen = q->m.hdr.hlen;
	memcpy(l->chaddr, q->m.hdr.chaddr, sizeof(l->chaddr));
	return true;
}

void lease_export(const struct lease *l, struct lw4o6_lease *out)
{
	*out = (struct lw4o6_lease){
		.state = l->state == STATE_HELD ? LW4O6_LEASE_FREE : l->state, .by_hardware = l->by_hardware,
		.ipv4 = l->ipv4, .ps = l->ps, .saddr = l->saddr, .br = l->br, .where = l->where,
		.start = l->start, .expires = l->expires, .last = l->last, .since = l->since, .saddr_changed = l->saddr_changed,
		.htype = l->htype, .hlen = l->hlen,
		.client_id_len = l->client_id_len, .relay_len = l->relay_len,
	};
	memcpy(out->chaddr, l->chaddr, sizeof(out->chaddr));
	if (l->blob) {
		memcpy(out->client_id, l->blob, l->client_id_len);
		memcpy(out->relay, l->blob + l->client_id_len, l->relay_len);
	}
}
