/* Writing a translation, with every checksum that covers it (RFC 1624 equation 3; RFC 3022 section 4). */
#include "config.h"

#include "cursor.h"
#include "napt_int.h"

#include <lw4o6/cksum.h>
#include <string.h>

/* What a change adds to a checksum: ~m + m', words of 16 bits, not folded. */
static uint32_t delta16(uint16_t from, uint16_t to)
{
	return (uint32_t)(uint16_t)~from + to;
}

static uint32_t delta_addr(const uint8_t *at, struct in_addr to)
{
	uint8_t v[4];

	memcpy(v, &to, 4);
	return delta16(get_be16(at), get_be16(v)) + delta16(get_be16(at + 2), get_be16(v + 2));
}

/* @return what the change of the checksum itself adds to a sum that covers it. */
static uint32_t patch(uint8_t *at, uint32_t delta)
{
	uint16_t old = get_be16(at);

	put_be16(at, lw4o6_cksum_finish((uint32_t)(uint16_t)~old + delta));
	return delta16(old, get_be16(at));
}

static uint32_t put16(uint8_t *at, uint16_t to)
{
	uint32_t d = delta16(get_be16(at), to);

	put_be16(at, to);
	return d;
}

/* UDP: 0 stays "none", a result of 0 is written as ffff (D-244, D-245); UDP-Lite knows no "none" (D-239). */
static uint32_t patch_udp(uint8_t *at, uint32_t delta, uint8_t protocol)
{
	uint16_t old = get_be16(at);

	if (old == 0 && protocol == LW4O6_IPPROTO_UDP)
		return 0;
	patch(at, delta);
	if (get_be16(at) == 0)
		put_be16(at, 0xffff);
	return delta16(old, get_be16(at));
}

/*
 * Addresses of a header and the ports behind it, @len octets in all. @delta_out: what this adds to a
 * checksum over all those octets, for a quote.
 */
static uint32_t rewrite(uint8_t *p, size_t len, size_t hlen, uint8_t protocol, bool first, const struct in_addr *src,
                        const struct in_addr *dst, const uint16_t *ports)
{
	uint32_t addrs = delta_addr(p + 12, *src) + delta_addr(p + 16, *dst), all = addrs;
	uint8_t *l4 = p + hlen;
	size_t have = len - hlen;

	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
	all += patch(p + 10, addrs);
	if (!first)
		return all;
	if (protocol == LW4O6_IPPROTO_ICMP) {
		if (ports && have >= 6) {
			uint32_t d = put16(l4 + 4, ports[0]);
			all += d + patch(l4 + 2, d);
		}
		return all;
	}
	if (ports && have >= 4) {
		uint32_t d = put16(l4, ports[0]) + put16(l4 + 2, ports[1]);
		all += d;
		addrs += d;
	}
	if (protocol == LW4O6_IPPROTO_TCP && have >= 18)
		all += patch(l4 + 16, addrs);
	else if ((protocol == LW4O6_IPPROTO_UDP || protocol == LW4O6_IPPROTO_UDPLITE) && have >= 8)
		all += patch_udp(l4 + 6, addrs, protocol);
	return all;
}

/* The quoted packet, then the ICMP checksum over it (D-248, D-249). What lies behind the quote stays (D-323). */
static void rewrite_quote(uint8_t *icmp, size_t len, const struct lw4o6_napt_xlat *x)
{
	struct lw4o6_ip4 q;
	uint8_t *p = icmp + LW4O6_ICMP_HLEN;
	uint16_t ports[2] = { x->q_sport, x->q_dport };
	uint32_t d = 0;

	if (len < LW4O6_ICMP_HLEN || lw4o6_ip4_decode_quoted(&q, p, len - LW4O6_ICMP_HLEN) != LW4O6_IP4_OK)
		return;
	size_t have = len - LW4O6_ICMP_HLEN < q.total ? len - LW4O6_ICMP_HLEN : q.total;
	if (x->q_id >= 0) {
		d = put16(p + 4, (uint16_t)x->q_id);
		d += patch(p + 10, d);
	}
	d += rewrite(p, have, q.hlen, q.protocol, q.frag_off == 0, &x->q_src, &x->q_dst, ports);
	patch(icmp + 2, d);
}

void lw4o6_napt_apply(uint8_t *pkt, const struct lw4o6_ip4 *h, const struct lw4o6_napt_xlat *x)
{
	uint16_t ports[2] = { x->sport, x->dport };
	bool first = h->frag_off == 0;

	if (x->quote && first)
		rewrite_quote(pkt + h->hlen, (size_t)h->total - h->hlen, x);
	rewrite(pkt, h->total, h->hlen, h->protocol, first, &x->src, &x->dst, x->ports ? ports : NULL);
}

void lw4o6_napt_set_id(uint8_t *pkt, const struct lw4o6_ip4 *h, uint16_t id)
{
	if (id != h->id)
		patch(pkt + 10, put16(pkt + 4, id));
}
