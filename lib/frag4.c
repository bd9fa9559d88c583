#include "config.h"

#include "cursor.h"
#include "frag_int.h"
#include "mem.h"
#include "siphash.h"

#include <lw4o6/cksum.h>

enum {
	MAX_PACKET = 9216,
	MAX_PACKET_MIN = 576, /* RFC 791: what everybody must be able to reassemble */
	PASSED_PER_HELD = 4,
	TCP_MIN = 20,         /* D-178 */
	ICMP_MIN = 8,
	PORTS_MIN = 4,
	TCP_SPLIT = 8,        /* RFC 3128: a second fragment here hides the flags */
	FRONT = 128,          /* octets of a first fragment that can decide: an ICMP error and its quote */
};

/* Kinds of groups: what a context counts against. */
enum { TO_ADDRESS = 1, TO_SOFTWIRE, FROM_NET, FROM_SOFTWIRE };

struct lw4o6_frag4 {
	struct frag_table t;
	enum lw4o6_frag4_mode mode;
	uint32_t per_softwire, per_source_net, per_datagram;
	size_t max_packet;
	uint64_t (*decision)[LW4O6_FRAG4_DECISION / 8];
};

void lw4o6_frag4_config_init_sized(struct lw4o6_frag4_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

/* What the caller was compiled with may be shorter than what we know; the rest is zero. */
static bool take_config(struct lw4o6_frag4_config *c, const struct lw4o6_frag4_config *cfg)
{
	memset(c, 0, sizeof(*c));
	memcpy(c, cfg, cfg->size < sizeof(*c) ? cfg->size : sizeof(*c));
	c->contexts = c->contexts ? c->contexts : 4096;
	c->memory = c->memory ? c->memory : (size_t)32 << 20;
	c->per_softwire = c->per_softwire ? c->per_softwire : 64;
	c->per_source_net = c->per_source_net ? c->per_source_net : 256;
	c->per_datagram = c->per_datagram ? c->per_datagram : 64;
	c->max_packet = c->max_packet ? c->max_packet : MAX_PACKET;
	c->timeout_s = c->timeout_s ? c->timeout_s : 60;
	c->alarm_percent = c->alarm_percent ? c->alarm_percent : 80;
	return c->counters && c->mode <= LW4O6_FRAG4_DROP && c->per_datagram <= UINT16_MAX / PASSED_PER_HELD &&
	       c->max_packet >= MAX_PACKET_MIN && c->max_packet <= UINT16_MAX && c->timeout_s >= 2 &&
	       c->timeout_s <= 120 && c->alarm_percent <= 100;
}

struct lw4o6_frag4 *lw4o6_frag4_new(TALLOC_CTX *mem, const struct lw4o6_frag4_config *cfg)
{
	struct lw4o6_frag4_config c;

	if (!take_config(&c, cfg))
		return NULL;

	struct lw4o6_frag4 *f = mem_new(mem, struct lw4o6_frag4);
	struct frag_config tc = {
		.contexts = c.contexts,
		.pieces = c.mode == LW4O6_FRAG4_VIRTUAL ? PASSED_PER_HELD * c.per_datagram : c.per_datagram,
		.alarm_percent = c.alarm_percent,
		.memory = c.memory,
		.max_packet = UINT16_MAX, /* a held fragment may be as long, whatever the limit of the whole */
		.key_len = 24,
		.hash_key = c.hash_key,
		.counters = c.counters,
		.ipv4 = true,
		.timeout = c.timeout_s * LW4O6_SEC,
		.quota_global = LW4O6_CNT_DROP_FRAG4_QUOTA_GLOBAL,
	};

	if (!f || frag_table_init(&f->t, f, &tc) != LW4O6_OK ||
	    !(f->decision = mem_zalloc(f, sizeof(*f->decision), c.contexts, "decisions"))) {
		talloc_free(f);
		return NULL;
	}
	f->mode = c.mode;
	f->per_softwire = c.per_softwire;
	f->per_source_net = c.per_source_net;
	f->per_datagram = c.per_datagram;
	f->max_packet = c.max_packet;
	return f;
}

static enum lw4o6_frag_verdict drop(struct lw4o6_frag4_result *res, unsigned reason)
{
	res->reason = reason;
	return LW4O6_FRAG_DROP;
}

static enum lw4o6_frag_verdict doom(struct lw4o6_frag4 *f, uint32_t i, unsigned reason,
                                    struct lw4o6_frag4_result *res)
{
	frag_doom(&f->t, i, reason);
	return drop(res, reason);
}

/* D-170. Padding is part of what is compared, so it is zero. */
static void make_key(uint8_t key[FRAG_KEY], const struct lw4o6_frag4_from *from, const struct lw4o6_ip4 *h)
{
	memset(key, 0, FRAG_KEY);
	memcpy(key, &from->softwire, 8);
	memcpy(key + 8, &h->src, 4);
	memcpy(key + 12, &h->dst, 4);
	put_be16(key + 16, h->id);
	key[18] = h->protocol;
	key[19] = (uint8_t)(from->side << 1 | from->hairpin);
}

static struct frag_group_key group_of(uint64_t kind, uint64_t id)
{
	struct frag_group_key g = { .kind = kind };

	memcpy(g.id, &id, sizeof(id));
	return g;
}

/*
 * A new context counts against where it comes from and, as long as no first fragment has named
 * the softwire, against its destination address; a first fragment needs no such place.
 */
static uint32_t new_context(struct lw4o6_frag4 *f, const uint8_t *key, const struct lw4o6_frag4_from *from,
                            const struct lw4o6_ip4 *h, lw4o6_time now)
{
	struct frag_table *t = &f->t;
	bool waits = h->frag_off != 0 && (from->softwire == 0 || from->hairpin);
	struct frag_group_key to = group_of(TO_ADDRESS, h->dst.s_addr), source;

	if (from->softwire != 0) {
		source = group_of(FROM_SOFTWIRE, from->softwire);
		frag_limit(t, FRAG_FROM, &source, f->per_softwire, LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE);
	} else {
		source = group_of(FROM_NET, ntohl(h->src.s_addr) >> 8);
		frag_limit(t, FRAG_FROM, &source, f->per_source_net, LW4O6_CNT_DROP_FRAG4_QUOTA_SOURCE);
	}
	if (waits)
		frag_limit(t, FRAG_TO, &to, f->per_softwire, LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE);

	uint32_t i = frag_new(t, key, from->side, now);

	frag_join(t, i, FRAG_FROM, &source);
	if (waits)
		frag_join(t, i, FRAG_TO, &to);
	return i;
}

static uint32_t context(struct lw4o6_frag4 *f, const struct lw4o6_frag4_from *from, const struct lw4o6_ip4 *h,
                        lw4o6_time now)
{
	uint8_t key[FRAG_KEY];

	make_key(key, from, h);

	uint32_t i = frag_find(&f->t, key);

	if (i != FRAG_NONE && f->t.ctx[i].due <= now) {
		frag_drop(&f->t, i, LW4O6_CNT_DROP_FRAG4_TIMEOUT);
		i = FRAG_NONE;
	}
	return i != FRAG_NONE ? i : new_context(f, key, from, h, now);
}

/* D-178 */
static bool is_tiny(const struct lw4o6_ip4 *h, uint32_t off, uint32_t len)
{
	if (h->protocol == LW4O6_IPPROTO_TCP)
		return off == TCP_SPLIT || (off == 0 && len < TCP_MIN);
	if (off > 0)
		return false;
	if (h->protocol == LW4O6_IPPROTO_ICMP)
		return len < ICMP_MIN;
	return lw4o6_ip_has_ports(h->protocol) && len < PORTS_MIN;
}

static uint64_t hash_front(const struct frag_table *t, const uint8_t *payload, uint32_t len)
{
	return siphash(t->hash_key, payload, len < FRONT ? len : FRONT);
}

/* Virtual mode: the last octet has passed. The decision stays readable until the context is used again. */
static void end_if_passed(struct lw4o6_frag4 *f, uint32_t i)
{
	struct frag_table *t = &f->t;

	if (t->ctx[i].nheld > 0 || !frag_is_complete(&t->ctx[i]))
		return;
	t->counters->packets[LW4O6_CNT_FRAG4_VIRTUAL_DONE]++;
	frag_forget(t, i);
}

/*
 * A fragment like one that was seen. One that has passed may pass again (D-177), but not when it
 * is the first one and differs where the decision was made: another port must not slip through.
 */
static enum lw4o6_frag_verdict repeat(struct lw4o6_frag4 *f, uint32_t i, uint32_t at, const uint8_t *payload,
                                      struct lw4o6_frag4_result *res)
{
	struct frag_table *t = &f->t;
	const struct frag_piece *p = &frag_pieces(t, i)[at];

	if (p->block != FRAG_NONE) {
		t->counters->packets[LW4O6_CNT_FRAG4_DUPLICATE]++;
		return LW4O6_FRAG_HELD;
	}
	if (!t->ctx[i].allowed)
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_UNBOUND, res);
	if (p->off == 0 && hash_front(t, payload, p->len) != t->ctx[i].mark)
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_OVERLAP, res);
	res->decision = f->decision[i];
	return LW4O6_FRAG_FOLLOW;
}

/* The newest fragment is at @p at; it is the caller's to count. */
static enum lw4o6_frag_verdict refuse_whole(struct lw4o6_frag4 *f, uint32_t i, uint32_t at, unsigned reason,
                                            struct lw4o6_frag4_result *res)
{
	frag_release(&f->t, i, &frag_pieces(&f->t, i)[at]);
	return doom(f, i, reason, res);
}

/* Full mode: all octets are there (D-173). */
static enum lw4o6_frag_verdict complete(struct lw4o6_frag4 *f, uint32_t i, uint32_t at,
                                        struct lw4o6_frag4_result *res)
{
	struct frag_table *t = &f->t;
	struct frag_ctx *c = &t->ctx[i];
	struct frag_piece *p = frag_pieces(t, i);
	size_t hlen = t->block[p[0].block].skip;
	uint8_t *pkt = t->out + LW4O6_FRAG_HEADROOM;

	if (hlen + c->end > f->max_packet)
		return refuse_whole(f, i, at, LW4O6_CNT_DROP_FRAG4_TOO_BIG, res);
	if (frag_ecn(c->ecn) < 0)
		return refuse_whole(f, i, at, LW4O6_CNT_DROP_FRAG4_ECN, res);
	res->data = pkt;
	res->len = frag_join_payloads(t, i, hlen);
	pkt[1] = (uint8_t)((pkt[1] & 0xfc) | frag_ecn(c->ecn));
	put_be16(pkt + 2, (uint16_t)res->len);
	put_be16(pkt + 6, get_be16(pkt + 6) & 0xc000);
	put_be16(pkt + 10, 0);
	put_be16(pkt + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, pkt, hlen)));
	for (uint32_t n = 0; n < c->npieces; n++)
		frag_release(t, i, &p[n]);
	frag_forget(t, i);
	t->counters->packets[LW4O6_CNT_FRAG4_FULL_DONE]++;
	return LW4O6_FRAG_COMPLETE;
}

static enum lw4o6_frag_verdict hold(struct lw4o6_frag4 *f, uint32_t i, uint32_t at, const struct lw4o6_ip4 *h,
                                    const uint8_t *pkt, struct lw4o6_frag4_result *res)
{
	struct frag_table *t = &f->t;

	if (t->ctx[i].nheld == f->per_datagram)
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_TOO_MANY, res);

	uint32_t block = frag_hold(t, i, pkt, h->hlen, h->total, h->total);

	if (block == FRAG_NONE)
		return drop(res, LW4O6_CNT_DROP_FRAG4_QUOTA_GLOBAL);
	frag_note(t, i, at, h->frag_off, (uint32_t)h->total - h->hlen, h->mf, block);
	t->ctx[i].ecn |= (uint8_t)(1u << (h->tos & 3));
	if (f->mode == LW4O6_FRAG4_FULL && frag_is_complete(&t->ctx[i]))
		return complete(f, i, at, res);
	return LW4O6_FRAG_HELD;
}

static enum lw4o6_frag_verdict take(struct lw4o6_frag4 *f, uint32_t i, const struct lw4o6_ip4 *h,
                                    const uint8_t *pkt, struct lw4o6_frag4_result *res)
{
	struct frag_table *t = &f->t;
	struct frag_ctx *c = &t->ctx[i];
	uint32_t off = h->frag_off, len = (uint32_t)h->total - h->hlen, at;

	switch (frag_fit(t, i, pkt + h->hlen, off, len, h->mf, &at)) {
	case FRAG_FIT_OVERLAP:
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_OVERLAP, res);
	case FRAG_FIT_SAME:
		return repeat(f, i, at, pkt + h->hlen, res);
	case FRAG_FIT_NEW:
		break;
	}
	if (c->npieces == t->pieces)
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_TOO_MANY, res);
	if (f->mode == LW4O6_FRAG4_FULL || (off > 0 && !c->allowed))
		return hold(f, i, at, h, pkt, res);

	frag_note(t, i, at, off, len, h->mf, FRAG_NONE);
	if (off > 0) {
		res->decision = f->decision[i];
		end_if_passed(f, i);
		return LW4O6_FRAG_FOLLOW;
	}
	c->mark = hash_front(t, pkt + h->hlen, len);
	res->ref = (struct lw4o6_frag4_ref){ c->serial, i };
	return LW4O6_FRAG_FIRST;
}

enum lw4o6_frag_verdict lw4o6_frag4_add(struct lw4o6_frag4 *f, const struct lw4o6_frag4_from *from,
                                        const struct lw4o6_ip4 *h, const uint8_t *pkt, lw4o6_time now,
                                        struct lw4o6_frag4_result *res)
{
	uint32_t off = h->frag_off, len = (uint32_t)h->total - h->hlen;

	*res = (struct lw4o6_frag4_result){ 0 };
	f->t.counters->packets[LW4O6_CNT_FRAG4_IN]++;
	if (f->mode == LW4O6_FRAG4_DROP)
		return drop(res, LW4O6_CNT_DROP_FRAG4_DISABLED);
	if (len == 0 || (h->mf && len % 8 != 0) || off + h->total > UINT16_MAX)
		return drop(res, LW4O6_CNT_DROP_FRAG4_BAD_LENGTH);

	uint32_t i = context(f, from, h, now);

	if (f->t.ctx[i].doomed != FRAG_NOT_DOOMED)
		return drop(res, f->t.ctx[i].doomed);
	if (is_tiny(h, off, len))
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_TINY, res);
	if (f->mode == LW4O6_FRAG4_FULL && off + h->total > f->max_packet)
		return doom(f, i, LW4O6_CNT_DROP_FRAG4_TOO_BIG, res);
	return take(f, i, h, pkt, res);
}

static uint32_t deref(const struct lw4o6_frag4 *f, struct lw4o6_frag4_ref ref)
{
	bool good = ref.index < f->t.contexts && ref.serial != 0 && f->t.ctx[ref.index].serial == ref.serial;

	return good ? ref.index : FRAG_NONE;
}

void lw4o6_frag4_decide(struct lw4o6_frag4 *f, struct lw4o6_frag4_ref ref, bool allow, uint64_t softwire,
                        const void *decision, size_t len)
{
	struct frag_group_key to = group_of(TO_SOFTWIRE, softwire);
	uint32_t i = deref(f, ref);

	if (i == FRAG_NONE)
		return;
	frag_leave(&f->t, i, FRAG_TO);
	if (softwire != 0) {
		frag_limit(&f->t, FRAG_TO, &to, f->per_softwire, LW4O6_CNT_DROP_FRAG4_QUOTA_SOFTWIRE);
		frag_join(&f->t, i, FRAG_TO, &to);
	}
	if (!allow) {
		frag_doom(&f->t, i, LW4O6_CNT_DROP_FRAG4_UNBOUND);
		return;
	}
	f->t.ctx[i].allowed = true;
	memset(f->decision[i], 0, LW4O6_FRAG4_DECISION);
	if (len > 0)
		memcpy(f->decision[i], decision, len < LW4O6_FRAG4_DECISION ? len : LW4O6_FRAG4_DECISION);
}

bool lw4o6_frag4_next_held(struct lw4o6_frag4 *f, struct lw4o6_frag4_ref ref, uint8_t **data, size_t *len)
{
	struct frag_table *t = &f->t;
	uint32_t i = deref(f, ref);

	if (i == FRAG_NONE || !t->ctx[i].allowed)
		return false;

	struct frag_piece *p = frag_pieces(t, i), *end = p + t->ctx[i].npieces;

	while (p < end && p->block == FRAG_NONE)
		p++;
	if (p == end) {
		end_if_passed(f, i);
		return false;
	}
	*data = t->out + LW4O6_FRAG_HEADROOM;
	*len = t->block[p->block].stored;
	frag_copy(t, p->block, 0, *len, *data);
	frag_release(t, i, p);
	return true;
}

bool lw4o6_frag4_expire(struct lw4o6_frag4 *f, lw4o6_time now, struct lw4o6_frag_expired *ex)
{
	struct frag_table *t = &f->t;
	uint32_t i = frag_due(t, now);

	*ex = (struct lw4o6_frag_expired){ .side = LW4O6_SIDE_IPV4 };
	if (i == FRAG_NONE)
		return false;

	const struct frag_piece *p = frag_pieces(t, i);

	ex->side = (enum lw4o6_side)t->ctx[i].side;
	memcpy(&ex->from, t->ctx[i].key, sizeof(ex->from));
	if (f->mode == LW4O6_FRAG4_FULL && t->ctx[i].npieces > 0 && p[0].off == 0) {
		ex->first = t->out;
		ex->len = t->block[p[0].block].stored;
		frag_copy(t, p[0].block, 0, ex->len, t->out);
	}
	frag_drop(t, i, LW4O6_CNT_DROP_FRAG4_TIMEOUT);
	return true;
}

lw4o6_time lw4o6_frag4_expiry(const struct lw4o6_frag4 *f)
{
	return frag_expiry(&f->t);
}

void lw4o6_frag4_flush_softwire(struct lw4o6_frag4 *f, uint64_t softwire)
{
	struct frag_group_key to = group_of(TO_SOFTWIRE, softwire), source = group_of(FROM_SOFTWIRE, softwire);

	frag_flush_group(&f->t, FRAG_TO, &to, LW4O6_CNT_DROP_FRAG4_UNBOUND);
	frag_flush_group(&f->t, FRAG_FROM, &source, LW4O6_CNT_DROP_FRAG4_UNBOUND);
}

void lw4o6_frag4_flush(struct lw4o6_frag4 *f)
{
	frag_flush(&f->t, LW4O6_CNT_DROP_FRAG4_UNBOUND);
}

void lw4o6_frag4_usage(const struct lw4o6_frag4 *f, struct lw4o6_frag_usage *u)
{
	frag_usage(&f->t, u);
}

bool lw4o6_frag4_alarm(struct lw4o6_frag4 *f)
{
	return frag_alarm(&f->t);
}
