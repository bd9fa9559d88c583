#include "config.h"

#include "cursor.h"
#include "frag_int.h"
#include "mem.h"

enum {
	MAX_PACKET = 9256, /* inner packets of 9216 octets (D-149) */
	MAX_PACKET_MIN = 1500,
	MAX_PACKET_MAX = 65535 + LW4O6_IP6_HLEN,
	TIMEOUT_S = 60,    /* RFC 8200 section 4.5 */
	EXT_HEADERS_MAX = 8,
	ICMP6_PARAMETER = 4,
	POINTER_PAYLOAD_LENGTH = 4,
};

struct lw4o6_frag6 {
	struct frag_table t;
	uint32_t per_source;
	size_t max_packet;
};

/* A fragment, read. */
struct piece {
	const uint8_t *payload;
	uint32_t len, off, id;
	uint8_t next;
	bool more;
};

void lw4o6_frag6_config_init_sized(struct lw4o6_frag6_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

/* What the caller was compiled with may be shorter than what we know; the rest is zero. */
static bool take_config(struct lw4o6_frag6_config *c, const struct lw4o6_frag6_config *cfg)
{
	memset(c, 0, sizeof(*c));
	memcpy(c, cfg, cfg->size < sizeof(*c) ? cfg->size : sizeof(*c));
	c->contexts = c->contexts ? c->contexts : 4096;
	c->memory = c->memory ? c->memory : (size_t)32 << 20;
	c->per_source = c->per_source ? c->per_source : 16;
	c->per_datagram = c->per_datagram ? c->per_datagram : 64;
	c->max_packet = c->max_packet ? c->max_packet : MAX_PACKET;
	c->alarm_percent = c->alarm_percent ? c->alarm_percent : 80;
	return c->counters && c->max_packet >= MAX_PACKET_MIN && c->max_packet <= MAX_PACKET_MAX &&
	       c->alarm_percent <= 100;
}

struct lw4o6_frag6 *lw4o6_frag6_new(TALLOC_CTX *mem, const struct lw4o6_frag6_config *cfg)
{
	struct lw4o6_frag6_config c;

	if (!take_config(&c, cfg))
		return NULL;

	struct lw4o6_frag6 *f = mem_new(mem, struct lw4o6_frag6);
	struct frag_config tc = {
		.contexts = c.contexts,
		.pieces = c.per_datagram,
		.alarm_percent = c.alarm_percent,
		.memory = c.memory,
		.max_packet = c.max_packet + LW4O6_FRAG6_HLEN,
		.key_len = 40,
		.hash_key = c.hash_key,
		.counters = c.counters,
		.timeout = TIMEOUT_S * LW4O6_SEC,
		.quota_global = LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL,
	};

	if (!f || frag_table_init(&f->t, f, &tc) != LW4O6_OK) {
		talloc_free(f);
		return NULL;
	}
	f->per_source = c.per_source;
	f->max_packet = c.max_packet;
	return f;
}

static enum lw4o6_frag_verdict drop(struct lw4o6_frag6_result *res, unsigned reason)
{
	res->reason = reason;
	return LW4O6_FRAG_DROP;
}

static enum lw4o6_frag_verdict complain(struct lw4o6_frag6_result *res, unsigned reason, uint8_t code,
                                        size_t pointer)
{
	res->icmp_type = ICMP6_PARAMETER;
	res->icmp_code = code;
	res->icmp_pointer = (uint32_t)pointer;
	return drop(res, reason);
}

/* D-157: are all headers up to the end of the inner IPv4 header in the first fragment? */
static bool header_chain_is_there(const struct piece *p)
{
	struct rd r = rd_init(p->payload, p->len);
	uint8_t next = p->next;

	for (unsigned n = 0; next == LW4O6_IPPROTO_DSTOPTS && n < EXT_HEADERS_MAX; n++) {
		next = rd_u8(&r);
		(void)rd_ptr(&r, rd_u8(&r) * 8u + 6);
	}
	if (next == LW4O6_IPPROTO_IPIP && r.err == LW4O6_OK) {
		size_t hlen = rd_left(&r) > 0 ? (r.p[0] & 0xfu) * 4u : 0;

		(void)rd_ptr(&r, hlen > LW4O6_IP4_HLEN ? hlen : LW4O6_IP4_HLEN);
	} else if (next == LW4O6_IPPROTO_ICMPV6) {
		(void)rd_ptr(&r, 4);
	}
	return r.err == LW4O6_OK;
}

static void make_key(uint8_t key[FRAG_KEY], const uint8_t *pkt, uint32_t id)
{
	memcpy(key, pkt + 8, 32);
	put_be32(key + 32, id);
	put_be32(key + 36, 0);
}

static struct frag_group_key source_of(const uint8_t *src)
{
	struct frag_group_key g = { .kind = 0 };

	memcpy(g.id, src, sizeof(g.id));
	return g;
}

/* The context of a key, made when there is none; one whose time is over is not found any more. */
static uint32_t context(struct lw4o6_frag6 *f, const struct lw4o6_frag6_in *in, uint32_t id, lw4o6_time now)
{
	uint8_t key[FRAG_KEY];

	make_key(key, in->pkt, id);

	uint32_t i = frag_find(&f->t, key);

	if (i != FRAG_NONE && f->t.ctx[i].due <= now) {
		frag_drop(&f->t, i, LW4O6_CNT_DROP_FRAG6_TIMEOUT);
		i = FRAG_NONE;
	}
	if (i == FRAG_NONE) {
		struct frag_group_key src = source_of(in->pkt + 8);

		frag_limit(&f->t, FRAG_FROM, &src, f->per_source, LW4O6_CNT_DROP_FRAG6_QUOTA_SOURCE);
		i = frag_new(&f->t, key, LW4O6_SIDE_IPV6, now);
		frag_join(&f->t, i, FRAG_FROM, &src);
	}
	return i;
}

static enum lw4o6_frag_verdict doom(struct lw4o6_frag6 *f, uint32_t i, unsigned reason,
                                    struct lw4o6_frag6_result *res)
{
	frag_doom(&f->t, i, reason);
	return drop(res, reason);
}

/* All octets are there: write the whole packet and forget the context. */
static enum lw4o6_frag_verdict complete(struct lw4o6_frag6 *f, uint32_t i, struct lw4o6_frag6_result *res)
{
	struct frag_table *t = &f->t;
	struct frag_ctx *c = &t->ctx[i];
	struct frag_piece *p = frag_pieces(t, i);
	size_t fh = t->block[p[0].block].skip - (size_t)LW4O6_FRAG6_HLEN;
	uint8_t next, *pkt = t->out + LW4O6_FRAG_HEADROOM;
	uint64_t octets = 0;

	frag_copy(t, p[0].block, fh, 1, &next);
	res->data = pkt;
	res->len = frag_join_payloads(t, i, fh);
	put_be16(pkt + 4, (uint16_t)(res->len - LW4O6_IP6_HLEN));
	pkt[c->mark] = next;
	pkt[1] = (uint8_t)((pkt[1] & 0xcf) | frag_ecn(c->ecn) << 4);

	t->counters->packets[LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED] += c->npieces;
	for (uint32_t n = 0; n < c->npieces; n++) {
		octets += t->block[p[n].block].counted;
		frag_release(t, i, &p[n]);
	}
	t->counters->octets[LW4O6_CNT_IPV6_FRAGMENTS_REASSEMBLED] += octets;
	frag_forget(t, i);
	return LW4O6_FRAG_COMPLETE;
}

/* The newest fragment is at @p at; when the whole is refused, it is the caller's to count and not ours. */
static enum lw4o6_frag_verdict refuse_whole(struct lw4o6_frag6 *f, uint32_t i, uint32_t at, unsigned reason,
                                            struct lw4o6_frag6_result *res)
{
	frag_release(&f->t, i, &frag_pieces(&f->t, i)[at]);
	return doom(f, i, reason, res);
}

static enum lw4o6_frag_verdict store(struct lw4o6_frag6 *f, uint32_t i, const struct lw4o6_frag6_in *in,
                                     const struct piece *p, struct lw4o6_frag6_result *res)
{
	struct frag_table *t = &f->t;
	struct frag_ctx *c = &t->ctx[i];
	uint32_t at;

	switch (frag_fit(t, i, p->payload, p->off, p->len, p->more, &at)) {
	case FRAG_FIT_OVERLAP:
		return doom(f, i, LW4O6_CNT_DROP_FRAG6_OVERLAP, res);
	case FRAG_FIT_SAME:
		t->counters->packets[LW4O6_CNT_FRAG6_DUPLICATE]++;
		return LW4O6_FRAG_HELD;
	case FRAG_FIT_NEW:
		break;
	}
	if (c->npieces == t->pieces)
		return doom(f, i, LW4O6_CNT_DROP_FRAG6_TOO_MANY, res);

	/* only the first fragment's headers are wanted again (D-148, D-160) */
	size_t skip = p->off == 0 ? in->fh_off + LW4O6_FRAG6_HLEN : 0;
	uint32_t block = frag_hold(t, i, p->payload - skip, skip, skip + p->len, in->len);

	if (block == FRAG_NONE)
		return drop(res, LW4O6_CNT_DROP_FRAG6_QUOTA_GLOBAL);
	frag_note(t, i, at, p->off, p->len, p->more, block);
	c->ecn |= (uint8_t)(1u << (in->pkt[1] >> 4 & 3));
	if (p->off == 0)
		c->mark = in->nh_off;
	if (!frag_is_complete(c))
		return LW4O6_FRAG_HELD;
	if (frag_ecn(c->ecn) < 0)
		return refuse_whole(f, i, at, LW4O6_CNT_DROP_FRAG6_ECN, res);
	if (t->block[frag_pieces(t, i)[0].block].skip - (size_t)LW4O6_FRAG6_HLEN + c->end > f->max_packet)
		return refuse_whole(f, i, at, LW4O6_CNT_DROP_FRAG6_TOO_BIG, res);
	return complete(f, i, res);
}

enum lw4o6_frag_verdict lw4o6_frag6_add(struct lw4o6_frag6 *f, const struct lw4o6_frag6_in *in, lw4o6_time now,
                                        struct lw4o6_frag6_result *res)
{
	struct frag_table *t = &f->t;
	const uint8_t *fh = in->pkt + in->fh_off;
	uint16_t field = get_be16(fh + 2);
	struct piece p = {
		.payload = fh + LW4O6_FRAG6_HLEN,
		.len = (uint32_t)(in->len - in->fh_off - LW4O6_FRAG6_HLEN),
		.off = field & 0xfff8u,
		.id = get_be32(fh + 4),
		.next = fh[0],
		.more = field & 1,
	};

	*res = (struct lw4o6_frag6_result){ 0 };
	t->counters->packets[LW4O6_CNT_FRAG6_IN]++;
	if (p.off == 0 && !p.more) {
		t->counters->packets[LW4O6_CNT_FRAG6_ATOMIC]++;
		return LW4O6_FRAG_ATOMIC;
	}
	if (p.more && p.len % 8 != 0)
		return complain(res, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 0, POINTER_PAYLOAD_LENGTH);
	if (p.len == 0)
		return drop(res, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH);
	if (p.off + p.len > UINT16_MAX)
		return complain(res, LW4O6_CNT_DROP_FRAG6_BAD_LENGTH, 0, in->fh_off + 2);
	if (p.off == 0 && !header_chain_is_there(&p))
		return complain(res, LW4O6_CNT_DROP_FRAG6_HEADER_CHAIN, 3, 0);

	uint32_t i = context(f, in, p.id, now);

	if (t->ctx[i].doomed != FRAG_NOT_DOOMED)
		return drop(res, t->ctx[i].doomed);
	if (in->fh_off + p.off + p.len > f->max_packet)
		return doom(f, i, LW4O6_CNT_DROP_FRAG6_TOO_BIG, res);
	return store(f, i, in, &p, res);
}

bool lw4o6_frag6_expire(struct lw4o6_frag6 *f, lw4o6_time now, struct lw4o6_frag_expired *ex)
{
	struct frag_table *t = &f->t;
	uint32_t i = frag_due(t, now);

	*ex = (struct lw4o6_frag_expired){ .side = LW4O6_SIDE_IPV6 };
	if (i == FRAG_NONE)
		return false;

	const struct frag_piece *p = frag_pieces(t, i);

	if (t->ctx[i].npieces > 0 && p[0].off == 0) {
		ex->first = t->out;
		ex->len = t->block[p[0].block].stored;
		frag_copy(t, p[0].block, 0, ex->len, t->out);
	}
	frag_drop(t, i, LW4O6_CNT_DROP_FRAG6_TIMEOUT);
	return true;
}

lw4o6_time lw4o6_frag6_expiry(const struct lw4o6_frag6 *f)
{
	return frag_expiry(&f->t);
}

void lw4o6_frag6_flush_source(struct lw4o6_frag6 *f, const struct in6_addr *src)
{
	struct frag_group_key g = source_of(src->s6_addr);

	frag_flush_group(&f->t, FRAG_FROM, &g, LW4O6_CNT_DROP_FRAG6_NO_BINDING);
}

void lw4o6_frag6_flush(struct lw4o6_frag6 *f)
{
	frag_flush(&f->t, LW4O6_CNT_DROP_FRAG6_NO_BINDING);
}

void lw4o6_frag6_usage(const struct lw4o6_frag6 *f, struct lw4o6_frag_usage *u)
{
	frag_usage(&f->t, u);
}

bool lw4o6_frag6_alarm(struct lw4o6_frag6 *f)
{
	return frag_alarm(&f->t);
}
