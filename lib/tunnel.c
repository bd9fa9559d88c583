#include "config.h"

#include "cursor.h"
#include "siphash.h"

#include <lw4o6/cksum.h>
#include <lw4o6/tunnel.h>

enum lw4o6_ip6_error lw4o6_ip6_decode(struct lw4o6_ip6 *h, const uint8_t *pkt, size_t len)
{
	if (len < 1)
		return LW4O6_IP6_TRUNCATED;
	if (pkt[0] >> 4 != 6)
		return LW4O6_IP6_NOT_IPV6;
	if (len < LW4O6_IP6_HLEN)
		return LW4O6_IP6_TRUNCATED;

	size_t payload = get_be16(pkt + 4);
	uint32_t word = get_be32(pkt);

	if (payload == 0 || payload > len - LW4O6_IP6_HLEN)
		return LW4O6_IP6_TRUNCATED;
	h->end = LW4O6_IP6_HLEN + payload;
	h->tclass = (uint8_t)(word >> 20);
	h->flow = word & 0xfffff;
	h->next = pkt[6];
	h->hop_limit = pkt[7];
	memcpy(&h->src, pkt + 8, 16);
	memcpy(&h->dst, pkt + 24, 16);
	return LW4O6_IP6_OK;
}

/* RFC 8200 section 4.2: the two top bits of an unknown option say what to do with the packet. */
static enum lw4o6_chain_end check_options(struct lw4o6_chain *c, const uint8_t *pkt, size_t off, size_t len)
{
	struct rd r = rd_init(pkt + off, len);

	while (rd_left(&r) > 0) {
		size_t at = (size_t)(r.p - pkt);
		uint8_t type = rd_u8(&r);

		if (type == 0)
			continue;
		rd_sub(&r, rd_u8(&r));
		if (r.err != LW4O6_OK)
			return LW4O6_CHAIN_DROP;
		switch (type >> 6) {
		case 0:
			continue;
		case 1:
			return LW4O6_CHAIN_DROP;
		default: /* 11 would be silent for a multicast destination, which is never ours */
			c->code = 2;
			c->pointer = at;
			return LW4O6_CHAIN_PARAM;
		}
	}
	return LW4O6_CHAIN_UPPER;
}

/* Where the walk stops for good, or CHAIN_UPPER with *len octets to step over. */
static enum lw4o6_chain_end one_header(struct lw4o6_chain *c, const uint8_t *pkt, size_t end, size_t *len)
{
	const uint8_t *p = pkt + c->off;

	if (end - c->off < 8)
		return LW4O6_CHAIN_DROP;
	*len = c->next == LW4O6_IPPROTO_FRAGMENT ? LW4O6_FRAG6_HLEN : (p[1] + 1u) * 8u;
	if (*len > end - c->off)
		return LW4O6_CHAIN_DROP;
	switch (c->next) {
	case LW4O6_IPPROTO_FRAGMENT:
		if ((get_be16(p + 2) & 0xfff9) != 0)
			return LW4O6_CHAIN_FRAGMENT;
		c->atomic++;
		return LW4O6_CHAIN_UPPER;
	case LW4O6_IPPROTO_ROUTING:
		if (p[3] == 0)
			return LW4O6_CHAIN_UPPER;
		c->code = 0;
		c->pointer = c->off + 2;
		return LW4O6_CHAIN_PARAM;
	default:
		return check_options(c, pkt, c->off + 2, *len - 2);
	}
}

static bool is_extension(const struct lw4o6_chain *c)
{
	switch (c->next) {
	case LW4O6_IPPROTO_HOPOPTS:
		return c->off == LW4O6_IP6_HLEN;
	case LW4O6_IPPROTO_ROUTING:
	case LW4O6_IPPROTO_FRAGMENT:
	case LW4O6_IPPROTO_DSTOPTS:
		return true;
	default:
		return false;
	}
}

enum lw4o6_chain_end lw4o6_chain_walk(struct lw4o6_chain *c, const uint8_t *pkt, size_t end)
{
	*c = (struct lw4o6_chain){ .next = pkt[6], .next_at = 6, .off = LW4O6_IP6_HLEN };
	for (unsigned headers = 1; is_extension(c); headers++) {
		size_t len = 0;
		enum lw4o6_chain_end how = one_header(c, pkt, end, &len);

		if (headers > LW4O6_EXT_HEADERS_MAX || c->off + len > LW4O6_IP6_HLEN + LW4O6_EXT_OCTETS_MAX)
			return LW4O6_CHAIN_DROP;
		if (how != LW4O6_CHAIN_UPPER)
			return how;
		c->next = pkt[c->off];
		c->next_at = c->off;
		c->off += len;
	}
	switch (c->next) {
	case LW4O6_IPPROTO_IPIP:
	case LW4O6_IPPROTO_ICMPV6:
		return LW4O6_CHAIN_UPPER;
	case LW4O6_IPPROTO_NONE:
		return LW4O6_CHAIN_NONE;
	default:
		c->code = 1;
		c->pointer = c->next_at;
		return LW4O6_CHAIN_UNKNOWN;
	}
}

void lw4o6_ip6_write(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to, size_t payload_len,
                     uint8_t next, uint8_t tclass, uint32_t flow, uint8_t hop_limit)
{
	put_be32(dst, (uint32_t)6 << 28 | (uint32_t)tclass << 20 | (flow & 0xfffff));
	put_be16(dst + 4, (uint16_t)payload_len);
	dst[6] = next;
	dst[7] = hop_limit;
	memcpy(dst + 8, src, 16);
	memcpy(dst + 24, to, 16);
}

void lw4o6_encap_write(uint8_t *dst, const struct lw4o6_encap *e, size_t inner_len)
{
	size_t extra = lw4o6_encap_hlen(e) - LW4O6_IP6_HLEN;

	lw4o6_ip6_write(dst, &e->src, &e->dst, extra + inner_len,
	                extra > 0 ? LW4O6_IPPROTO_DSTOPTS : LW4O6_IPPROTO_IPIP, e->tclass, e->flow, e->hop_limit);
	if (extra > 0) {
		/* RFC 2473 section 4.1.1: option 4, one octet of limit, then PadN to 8 octets */
		const uint8_t opt[] = { LW4O6_IPPROTO_IPIP, 0, 4, 1, (uint8_t)e->limit, 1, 1, 0 };

		memcpy(dst + LW4O6_IP6_HLEN, opt, sizeof(opt));
	}
}

bool lw4o6_encap(struct lw4o6_pkt *p, const struct lw4o6_encap *e)
{
	size_t hlen = lw4o6_encap_hlen(e);

	if (p->headroom < hlen)
		return false;
	lw4o6_encap_write(p->data - hlen, e, p->len);
	p->data -= hlen;
	p->len += hlen;
	p->headroom -= hlen;
	return true;
}

void lw4o6_ip4_dec_ttl(uint8_t *pkt)
{
	uint16_t from = get_be16(pkt + 8), to = (uint16_t)(from - 0x100);

	put_be16(pkt + 8, to);
	put_be16(pkt + 10, lw4o6_cksum_update16(get_be16(pkt + 10), from, to));
}

void lw4o6_ip4_set_tos(uint8_t *pkt, uint8_t tos)
{
	uint16_t from = get_be16(pkt), to = (uint16_t)((from & 0xff00) | tos);

	if (from == to)
		return;
	pkt[1] = tos;
	put_be16(pkt + 10, lw4o6_cksum_update16(get_be16(pkt + 10), from, to));
}

uint32_t lw4o6_flow_label(const uint64_t key[2], const uint8_t *pkt, const struct lw4o6_ip4 *h)
{
	uint8_t tuple[16] = { 0 };

	memcpy(tuple, pkt + 12, 8);
	tuple[8] = h->protocol;
	if (!lw4o6_ip4_is_fragment(h) && lw4o6_ip_has_ports(h->protocol) && h->total >= h->hlen + 4)
		memcpy(tuple + 12, pkt + h->hlen, 4);
	return 1 + (uint32_t)(siphash(key, tuple, sizeof(tuple)) % 0xfffff);
}
