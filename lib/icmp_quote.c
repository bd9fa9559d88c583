#include "config.h"

#include "cursor.h"

#include <lw4o6/cksum.h>
#include <lw4o6/icmp.h>

enum { OPT_TUNNEL_LIMIT = 4, CHAIN_MAX = 8 };

static enum lw4o6_port_kind icmp_ports(struct lw4o6_ports *ports, const uint8_t *icmp, size_t have)
{
	if (have < 1)
		return LW4O6_PORT_SHORT;
	switch (icmp[0]) {
	case LW4O6_ICMP4_ECHO:
	case LW4O6_ICMP4_ECHO_REPLY:
		if (have < 6)
			return LW4O6_PORT_SHORT;
		ports->src = ports->dst = get_be16(icmp + 4);
		return LW4O6_PORT_OK;
	case LW4O6_ICMP4_UNREACHABLE:
	case LW4O6_ICMP4_TIME_EXCEEDED:
	case LW4O6_ICMP4_PARAMETER:
		return LW4O6_PORT_ERROR;
	default:
		return LW4O6_PORT_ICMP_TYPE;
	}
}

enum lw4o6_port_kind lw4o6_ip4_ports(struct lw4o6_ports *ports, const uint8_t *pkt, const struct lw4o6_ip4 *h,
                                     size_t have)
{
	const uint8_t *l4 = pkt + h->hlen;

	have -= h->hlen;
	if (h->frag_off != 0)
		return LW4O6_PORT_NONE;
	if (h->protocol == LW4O6_IPPROTO_ICMP)
		return icmp_ports(ports, l4, have);
	if (!lw4o6_ip_has_ports(h->protocol))
		return LW4O6_PORT_NONE;
	if (have < 4)
		return LW4O6_PORT_SHORT;
	ports->src = get_be16(l4);
	ports->dst = get_be16(l4 + 2);
	return LW4O6_PORT_OK;
}

bool lw4o6_icmp4_checksum_ok(const uint8_t *pkt, const struct lw4o6_ip4 *h)
{
	return lw4o6_cksum_finish(lw4o6_cksum_add(0, pkt + h->hlen, (size_t)h->total - h->hlen)) == 0;
}

enum lw4o6_quote_result lw4o6_quote4_decode(struct lw4o6_quote4 *q, const uint8_t *p, size_t len)
{
	switch (lw4o6_ip4_decode_quoted(&q->ip, p, len)) {
	case LW4O6_IP4_OK:
		break;
	case LW4O6_IP4_TRUNCATED:
		return LW4O6_QUOTE_SHORT;
	default:
		return LW4O6_QUOTE_BAD;
	}
	q->p = p;
	q->len = len < q->ip.total ? len : q->ip.total;
	switch (lw4o6_ip4_ports(&q->ports, p, &q->ip, q->len)) {
	case LW4O6_PORT_OK:
		return LW4O6_QUOTE_OK;
	case LW4O6_PORT_SHORT:
		return LW4O6_QUOTE_SHORT;
	default:
		return LW4O6_QUOTE_NO_PORT;
	}
}

enum lw4o6_quote_result lw4o6_icmp4_quote(struct lw4o6_quote4 *q, const uint8_t *pkt, const struct lw4o6_ip4 *h)
{
	size_t at = (size_t)h->hlen + LW4O6_ICMP_HLEN;

	if (h->total < at)
		return LW4O6_QUOTE_SHORT;
	return lw4o6_quote4_decode(q, pkt + at, h->total - at);
}

bool lw4o6_icmp6_checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *msg, size_t len)
{
	uint32_t sum = lw4o6_cksum_pseudo6(src, dst, (uint32_t)len, LW4O6_IPPROTO_ICMPV6);

	return lw4o6_cksum_finish(lw4o6_cksum_add(sum, msg, len)) == 0;
}

/* Does @p pointer fall into a Tunnel Encapsulation Limit option among these options? */
static bool points_into_limit(const uint8_t *pkt, size_t off, size_t len, uint32_t pointer)
{
	struct rd r = rd_init(pkt + off, len);

	while (rd_left(&r) > 0) {
		size_t at = (size_t)(r.p - pkt);
		uint8_t type = rd_u8(&r);

		if (type == 0)
			continue;
		rd_sub(&r, rd_u8(&r));
		if (r.err != LW4O6_OK)
			return false;
		if (type == OPT_TUNNEL_LIMIT && pointer >= at && pointer < (size_t)(r.p - pkt))
			return true;
	}
	return false;
}

/*
 * Step through the headers of the quoted tunnel packet to its inner packet. A quote that ends
 * on the way is merely short; one that leads elsewhere than to 4 is not ours.
 */
static enum lw4o6_icmp6_result quoted_chain(struct lw4o6_icmp6_error *e, const uint8_t *p, size_t len)
{
	uint8_t next = p[6];
	size_t off = LW4O6_IP6_HLEN;

	e->inner = LW4O6_QUOTE_SHORT;
	for (unsigned n = 0; next != LW4O6_IPPROTO_IPIP; n++) {
		bool frag = next == LW4O6_IPPROTO_FRAGMENT, opts = next == LW4O6_IPPROTO_DSTOPTS;

		if (n == CHAIN_MAX || !(frag || opts || next == LW4O6_IPPROTO_HOPOPTS || next == LW4O6_IPPROTO_ROUTING))
			return LW4O6_ICMP6_MISMATCH;
		if (len - off < 8)
			return LW4O6_ICMP6_OK;

		size_t hlen = frag ? LW4O6_FRAG6_HLEN : (p[off + 1] + 1u) * 8u;

		if (hlen > len - off)
			return LW4O6_ICMP6_OK;
		if (opts && e->type == LW4O6_ICMP6_PARAMETER && points_into_limit(p, off + 2, hlen - 2, e->param))
			e->in_limit = true;
		next = p[off];
		if (frag && (get_be16(p + off + 2) & 0xfff8) != 0)
			return next == LW4O6_IPPROTO_IPIP || next == LW4O6_IPPROTO_DSTOPTS ? LW4O6_ICMP6_OK :
			                                                                     LW4O6_ICMP6_MISMATCH;
		off += hlen;
	}
	e->inner = lw4o6_quote4_decode(&e->quote, p + off, len - off);
	return LW4O6_ICMP6_OK;
}

enum lw4o6_icmp6_result lw4o6_icmp6_error_decode(struct lw4o6_icmp6_error *e, const struct in6_addr *src,
                                                 const struct in6_addr *dst, const uint8_t *msg, size_t len)
{
	if (len < LW4O6_ICMP_HLEN)
		return LW4O6_ICMP6_SHORT;
	if (!lw4o6_icmp6_checksum_ok(src, dst, msg, len))
		return LW4O6_ICMP6_BAD_CHECKSUM;
	if (len < LW4O6_ICMP_HLEN + LW4O6_IP6_HLEN)
		return LW4O6_ICMP6_SHORT;

	const uint8_t *p = msg + LW4O6_ICMP_HLEN;
	size_t quoted = len - LW4O6_ICMP_HLEN, whole = LW4O6_IP6_HLEN + (size_t)get_be16(p + 4);

	if (p[0] >> 4 != 6)
		return LW4O6_ICMP6_MISMATCH;
	*e = (struct lw4o6_icmp6_error){ .type = msg[0], .code = msg[1], .param = get_be32(msg + 4) };
	memcpy(&e->src, p + 8, 16);
	memcpy(&e->dst, p + 24, 16);
	return quoted_chain(e, p, quoted < whole ? quoted : whole);
}
