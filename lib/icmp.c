#include "config.h"

#include "cursor.h"
#include "icmp_int.h"

#include <lw4o6/cksum.h>

/* Types that are not errors (D-113): queries, their replies, router discovery. */
bool lw4o6_icmp4_is_error(uint8_t type)
{
	return !(type == LW4O6_ICMP4_ECHO_REPLY || (type >= 8 && type <= 10) || (type >= 13 && type <= 18));
}

bool lw4o6_icmp4_may_answer(const uint8_t *pkt, const struct lw4o6_ip4 *h, size_t have)
{
	if (h->frag_off != 0 || lw4o6_ip4_is_martian(h->src) || lw4o6_ip4_is_martian(h->dst))
		return false;
	if (h->protocol != LW4O6_IPPROTO_ICMP)
		return true;
	return have > h->hlen && !lw4o6_icmp4_is_error(pkt[h->hlen]);
}

bool lw4o6_icmp6_may_answer(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next,
                            const uint8_t *upper, size_t upper_len, uint8_t type, uint8_t code)
{
	bool to_many_ok = type == LW4O6_ICMP6_TOO_BIG || (type == LW4O6_ICMP6_PARAMETER && code == 2);

	if (!lw4o6_ip6_is_usable(src) || (dst->s6_addr[0] == 0xff && !to_many_ok))
		return false;
	if (next != LW4O6_IPPROTO_ICMPV6)
		return true;
	return upper_len > 0 && upper[0] >= 128 && upper[0] != LW4O6_ICMP6_REDIRECT;
}

static bool is_extension(uint8_t next)
{
	return next == LW4O6_IPPROTO_HOPOPTS || next == LW4O6_IPPROTO_ROUTING || next == LW4O6_IPPROTO_FRAGMENT ||
	       next == LW4O6_IPPROTO_DSTOPTS;
}

bool icmp6_may_answer_packet(const uint8_t *pkt, size_t end, uint8_t type, uint8_t code)
{
	enum { HEADERS_MAX = 64 }; /* a longer chain is nothing anybody wants to hear about */
	struct in6_addr src, dst;
	uint8_t next = pkt[6];
	size_t off = LW4O6_IP6_HLEN;
	unsigned n = 0;

	memcpy(&src, pkt + 8, 16);
	memcpy(&dst, pkt + 24, 16);
	for (; is_extension(next) && end - off >= 8; n++) {
		const uint8_t *p = pkt + off;
		size_t len = next == LW4O6_IPPROTO_FRAGMENT ? LW4O6_FRAG6_HLEN : (p[1] + 1u) * 8u;

		if (n == HEADERS_MAX)
			return false;
		if (next == LW4O6_IPPROTO_FRAGMENT && get_be16(p + 2) >= 8)
			len = end - off; /* a later fragment: its ICMPv6 type is elsewhere */
		next = p[0];
		off += len < end - off ? len : end - off;
	}
	return lw4o6_icmp6_may_answer(&src, &dst, next, pkt + off, end - off, type, code);
}

/* A header without options, checksum included. */
static void write_ip4(uint8_t *dst, const struct lw4o6_icmp4_msg *m, size_t total)
{
	memset(dst, 0, LW4O6_IP4_HLEN);
	dst[0] = 0x45;
	dst[1] = m->tos;
	put_be16(dst + 2, (uint16_t)total);
	dst[6] = 0x40; /* atomic: DF, identification 0 */
	dst[8] = m->ttl;
	dst[9] = LW4O6_IPPROTO_ICMP;
	memcpy(dst + 12, &m->src, 4);
	memcpy(dst + 16, &m->dst, 4);
	put_be16(dst + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, dst, LW4O6_IP4_HLEN)));
}

size_t lw4o6_icmp4_build(uint8_t *dst, const struct lw4o6_icmp4_msg *m, const uint8_t *offender, size_t len)
{
	enum { ROOM = LW4O6_ICMP4_ERROR_MAX - LW4O6_IP4_HLEN - LW4O6_ICMP_HLEN };
	uint8_t *icmp = dst + LW4O6_IP4_HLEN;
	size_t quote = len < ROOM ? len : ROOM, total = LW4O6_IP4_HLEN + LW4O6_ICMP_HLEN + quote;

	write_ip4(dst, m, total);
	memset(icmp, 0, LW4O6_ICMP_HLEN);
	icmp[0] = m->type;
	icmp[1] = m->code;
	put_be16(icmp + 6, m->mtu);
	memcpy(icmp + LW4O6_ICMP_HLEN, offender, quote);
	put_be16(icmp + 2, lw4o6_cksum_finish(lw4o6_cksum_add(0, icmp, LW4O6_ICMP_HLEN + quote)));
	return total;
}

static void icmp6_finish(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to, uint8_t hop_limit,
                         size_t msg_len)
{
	uint8_t *icmp = dst + LW4O6_IP6_HLEN;

	put_be32(dst, (uint32_t)6 << 28);
	put_be16(dst + 4, (uint16_t)msg_len);
	dst[6] = LW4O6_IPPROTO_ICMPV6;
	dst[7] = hop_limit;
	memcpy(dst + 8, src, 16);
	memcpy(dst + 24, to, 16);
	put_be16(icmp + 2, 0);

	uint32_t sum = lw4o6_cksum_pseudo6(src, to, (uint32_t)msg_len, LW4O6_IPPROTO_ICMPV6);

	put_be16(icmp + 2, lw4o6_cksum_finish(lw4o6_cksum_add(sum, icmp, msg_len)));
}

size_t lw4o6_icmp6_build(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to, uint8_t type,
                         uint8_t code, uint32_t param, uint8_t hop_limit, const uint8_t *offender, size_t len)
{
	enum { ROOM = LW4O6_ICMP6_ERROR_MAX - LW4O6_IP6_HLEN - LW4O6_ICMP_HLEN };
	uint8_t *icmp = dst + LW4O6_IP6_HLEN;
	size_t quote = len < ROOM ? len : ROOM;

	icmp[0] = type;
	icmp[1] = code;
	put_be32(icmp + 4, param);
	memcpy(icmp + LW4O6_ICMP_HLEN, offender, quote);
	icmp6_finish(dst, src, to, hop_limit, LW4O6_ICMP_HLEN + quote);
	return LW4O6_IP6_HLEN + LW4O6_ICMP_HLEN + quote;
}

void lw4o6_icmp4_echo_reply(uint8_t *pkt, const struct lw4o6_ip4 *h, uint8_t ttl)
{
	uint8_t *icmp = pkt + h->hlen;
	uint16_t from = get_be16(icmp), to = (uint16_t)(from & 0xff), old = get_be16(pkt + 8);

	memcpy(pkt + 12, &h->dst, 4); /* the sum of the two addresses stays */
	memcpy(pkt + 16, &h->src, 4);
	pkt[8] = ttl;
	put_be16(pkt + 10, lw4o6_cksum_update16(get_be16(pkt + 10), old, get_be16(pkt + 8)));
	icmp[0] = LW4O6_ICMP4_ECHO_REPLY;
	put_be16(icmp + 2, lw4o6_cksum_update16(get_be16(icmp + 2), from, to));
}

size_t lw4o6_icmp6_echo_reply(uint8_t *dst, const struct in6_addr *src, const struct in6_addr *to, uint8_t hop_limit,
                              const uint8_t *msg, size_t len)
{
	memcpy(dst + LW4O6_IP6_HLEN, msg, len);
	dst[LW4O6_IP6_HLEN] = LW4O6_ICMP6_ECHO_REPLY;
	icmp6_finish(dst, src, to, hop_limit, len);
	return LW4O6_IP6_HLEN + len;
}
