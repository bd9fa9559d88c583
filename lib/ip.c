#include "config.h"

#include "cursor.h"

#include <lw4o6/ip.h>

/* The sum over a header is ffff in either byte order; @p hlen is a multiple of 4. */
static bool header_sum_ok(const uint8_t *p, size_t hlen)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < hlen; i += 4) {
		uint32_t w;

		memcpy(&w, p + i, 4);
		sum += w;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff || (sum & 0xffff) + (sum >> 16) == 0xffff;
}

static enum lw4o6_ip4_error decode(struct lw4o6_ip4 *h, const uint8_t *p, size_t len, bool quoted)
{
	if (len < LW4O6_IP4_HLEN)
		return LW4O6_IP4_TRUNCATED;
	if (p[0] >> 4 != 4)
		return LW4O6_IP4_NOT_IPV4;

	size_t hlen = (p[0] & 0xfu) * 4u;
	uint16_t total = get_be16(p + 2), frag = get_be16(p + 6);

	if (hlen < LW4O6_IP4_HLEN || total < hlen)
		return LW4O6_IP4_MALFORMED;
	if (len < hlen || (!quoted && len < total))
		return LW4O6_IP4_TRUNCATED;
	if (!header_sum_ok(p, hlen))
		return LW4O6_IP4_CHECKSUM;

	h->hlen = (uint8_t)hlen;
	h->total = total;
	h->tos = p[1];
	h->id = get_be16(p + 4);
	h->df = (frag & 0x4000) != 0;
	h->mf = (frag & 0x2000) != 0;
	h->frag_off = (uint16_t)((frag & 0x1fff) << 3);
	h->ttl = p[8];
	h->protocol = p[9];
	memcpy(&h->src, p + 12, 4);
	memcpy(&h->dst, p + 16, 4);
	return LW4O6_IP4_OK;
}

enum lw4o6_ip4_error lw4o6_ip4_decode(struct lw4o6_ip4 *h, const uint8_t *pkt, size_t len)
{
	return decode(h, pkt, len, false);
}

enum lw4o6_ip4_error lw4o6_ip4_decode_quoted(struct lw4o6_ip4 *h, const uint8_t *pkt, size_t len)
{
	return decode(h, pkt, len, true);
}

bool lw4o6_ip4_is_martian(struct in_addr a)
{
	uint32_t top = ntohl(a.s_addr) >> 24;

	return top == 0 || top == 127 || top >= 224;
}

bool lw4o6_ip6_is_usable(const struct in6_addr *a)
{
	static const uint8_t zero[10];
	const uint8_t *p = a->s6_addr;

	if (p[0] == 0xff || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80))
		return false;
	/* ::, ::1, IPv4-compatible and IPv4-mapped: ten zero octets, then 0 or ffff */
	return memcmp(p, zero, 10) != 0 || !((p[10] == 0 && p[11] == 0) || (p[10] == 0xff && p[11] == 0xff));
}

unsigned lw4o6_ip6_common_bits(const struct in6_addr *x, const struct in6_addr *y)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned diff = x->s6_addr[i] ^ y->s6_addr[i];

		if (diff != 0)
			return 8 * i + (unsigned)__builtin_clz(diff) - 24;
	}
	return 128;
}

bool lw4o6_ip6_prefix_match(const struct in6_addr *x, const struct in6_addr *y, unsigned bits)
{
	return lw4o6_ip6_common_bits(x, y) >= bits;
}
