#include "config.h"

#include "cursor.h"

#include <lw4o6/cksum.h>
#include <lw4o6/frag.h>

enum {
	HEADERS6 = LW4O6_IP6_HLEN + LW4O6_FRAG6_HLEN,
	MTU4_MIN = 68, /* RFC 791: 60 octets of header and 8 of data */
	FLAG_MF = 0x2000,
	FLAGS_KEPT = 0xc000, /* reserved and DF: D-188, D-181 */
	OFFSET_MASK = 0x1fff,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_COPY = 0x80,
};

/* How many of @p rest octets go into the next piece when @p room fit; all but the last are multiples of 8. */
static size_t piece(size_t rest, size_t room)
{
	return rest <= room ? rest : room & ~(size_t)7;
}

int lw4o6_frag6_cut_init(struct lw4o6_frag6_cut *c, const uint8_t *pkt, size_t len, size_t mtu, uint32_t id)
{
	if (mtu < LW4O6_IP6_MTU_MIN || len <= mtu || len - LW4O6_IP6_HLEN > UINT16_MAX || pkt[0] >> 4 != 6)
		return LW4O6_EINVAL;
	*c = (struct lw4o6_frag6_cut){ .pkt = pkt, .len = len, .mtu = mtu, .id = id };

	size_t room = mtu - HEADERS6, each = room & ~(size_t)7;

	return (int)(1 + (len - LW4O6_IP6_HLEN - room + each - 1) / each);
}

ssize_t lw4o6_frag6_cut_next(struct lw4o6_frag6_cut *c, uint8_t *dst, size_t room)
{
	size_t rest = c->len - LW4O6_IP6_HLEN - c->off;

	if (rest == 0)
		return 0;

	size_t take = piece(rest, c->mtu - HEADERS6);

	if (room < HEADERS6 + take)
		return LW4O6_ESPACE;
	memcpy(dst, c->pkt, LW4O6_IP6_HLEN);
	put_be16(dst + 4, (uint16_t)(LW4O6_FRAG6_HLEN + take));
	dst[6] = LW4O6_IPPROTO_FRAGMENT;
	dst[40] = c->pkt[6];
	dst[41] = 0;
	put_be16(dst + 42, (uint16_t)(c->off | (take < rest)));
	put_be32(dst + 44, c->id);
	memcpy(dst + HEADERS6, c->pkt + LW4O6_IP6_HLEN + c->off, take);
	c->off += take;
	return (ssize_t)(HEADERS6 + take);
}

/* Collect the options that stand in every fragment (RFC 791 section 3.1). @return octets, a multiple of 4. */
static size_t copied_options(uint8_t dst[40], const uint8_t *opt, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && opt[i] != OPTION_END;) {
		if (opt[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || opt[i + 1] < 2 || opt[i + 1] > len - i)
			break;
		if (opt[i] & OPTION_COPY) {
			memcpy(dst + n, opt + i, opt[i + 1]);
			n += opt[i + 1];
		}
		i += opt[i + 1];
	}
	while (n % 4 != 0)
		dst[n++] = OPTION_END;
	return n;
}

int lw4o6_frag4_cut_init(struct lw4o6_frag4_cut *c, const uint8_t *pkt, size_t len, size_t mtu)
{
	if (mtu < MTU4_MIN || len <= mtu || pkt[0] >> 4 != 4)
		return LW4O6_EINVAL;

	size_t hlen = (pkt[0] & 0xfu) * 4u, rest = len - hlen;
	uint16_t frag = get_be16(pkt + 6);

	if (hlen < LW4O6_IP4_HLEN || (frag & FLAG_MF && rest % 8 != 0) ||
	    (frag & OFFSET_MASK) * 8u + rest > UINT16_MAX)
		return LW4O6_EINVAL;
	*c = (struct lw4o6_frag4_cut){ .pkt = pkt, .hlen = hlen, .len = len, .mtu = mtu };
	c->later_hlen = LW4O6_IP4_HLEN +
	                copied_options(c->later_options, pkt + LW4O6_IP4_HLEN, hlen - LW4O6_IP4_HLEN);

	int n = 1;

	for (rest -= piece(rest, mtu - hlen); rest > 0; n++)
		rest -= piece(rest, mtu - c->later_hlen);
	return n;
}

ssize_t lw4o6_frag4_cut_next(struct lw4o6_frag4_cut *c, uint8_t *dst, size_t room)
{
	size_t rest = c->len - c->hlen - c->off, hlen = c->off == 0 ? c->hlen : c->later_hlen;

	if (rest == 0)
		return 0;

	size_t take = piece(rest, c->mtu - hlen);
	uint16_t frag = get_be16(c->pkt + 6);

	if (room < hlen + take)
		return LW4O6_ESPACE;
	memcpy(dst, c->pkt, c->off == 0 ? hlen : LW4O6_IP4_HLEN);
	if (c->off > 0)
		memcpy(dst + LW4O6_IP4_HLEN, c->later_options, hlen - LW4O6_IP4_HLEN);
	dst[0] = (uint8_t)(0x40 | hlen / 4);
	put_be16(dst + 2, (uint16_t)(hlen + take));
	put_be16(dst + 6, (uint16_t)((frag & FLAGS_KEPT) | (take < rest ? FLAG_MF : frag & FLAG_MF) |
	                             ((frag & OFFSET_MASK) + c->off / 8)));
	put_be16(dst + 10, 0);
	put_be16(dst + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, dst, hlen)));
	memcpy(dst + hlen, c->pkt + c->hlen + c->off, take);
	c->off += take;
	return (ssize_t)(hlen + take);
}
