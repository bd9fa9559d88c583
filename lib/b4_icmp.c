/* ICMP errors of our own: may they be sent, and which way (3.8). */
#include "config.h"

#include "b4_int.h"
#include "icmp_int.h"

/* D-112, D-127 to D-129. Too big has its own bucket, so that path MTU discovery survives a storm of others. */
bool b4_icmp4_allowed(struct lw4o6_b4 *b, const uint8_t *pkt, const struct lw4o6_ip4 *h, size_t have, struct reply4 r,
                      lw4o6_time now)
{
	bool big = r.type == LW4O6_ICMP4_UNREACHABLE && r.code == LW4O6_ICMP4_FRAG_NEEDED;

	if (!lw4o6_icmp4_may_answer(pkt, h, have)) {
		b->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_FORBIDDEN]++;
		return false;
	}
	if (b->cfg.no_icmp4_errors) {
		b->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_POLICY]++;
		return false;
	}
	if (!bucket_take(big ? &b->too_big : &b->out4, b->cfg.icmp_rate, b->cfg.icmp_burst, now)) {
		b->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_RATE]++;
		return false;
	}
	return true;
}

void b4_icmp4_sent(struct lw4o6_b4 *b, struct reply4 r, size_t len)
{
	static const struct {
		uint8_t type, code;
		enum lw4o6_counter c;
	} kinds[] = {
		{ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_HOST, LW4O6_CNT_ICMP4_OUT_3_1 },
		{ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_PORT, LW4O6_CNT_ICMP4_OUT_3_3 },
		{ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_FRAG_NEEDED, LW4O6_CNT_ICMP4_OUT_3_4 },
		{ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_PROHIBITED, LW4O6_CNT_ICMP4_OUT_3_13 },
		{ LW4O6_ICMP4_TIME_EXCEEDED, 0, LW4O6_CNT_ICMP4_OUT_11_0 },
		{ LW4O6_ICMP4_TIME_EXCEEDED, 1, LW4O6_CNT_ICMP4_OUT_11_1 },
	};

	b4_count(b, LW4O6_CNT_OUT_ICMPV4_ERROR, len);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == r.type && kinds[i].code == r.code)
			b->cnt.packets[kinds[i].c]++;
}

static struct lw4o6_icmp4_msg message(const struct lw4o6_b4 *b, struct in_addr src, const struct work *offender,
                                      struct reply4 r)
{
	return (struct lw4o6_icmp4_msg){
		.src = src, .dst = offender->h.src, .type = r.type, .code = r.code, .mtu = r.mtu, .ttl = 64,
		.tos = (uint8_t)(b->cfg.icmp_tos_cs6 ? 0xc0 : offender->h.tos & 0xfc),
	};
}

/* D-119: to the LAN as the B4's LAN address. The offender is the packet as it came, so the quote is too (D-117). */
void b4_icmp4_to_lan(struct lw4o6_b4 *b, const struct work *offender, struct reply4 r, lw4o6_time now)
{
	struct lw4o6_icmp4_msg m = message(b, b->cfg.lan_addr, offender, r);

	if (!b4_icmp4_allowed(b, offender->data, &offender->h, offender->len, r, now))
		return;

	uint8_t *dst = outq_reserve(&b->outq, LW4O6_ICMP4_ERROR_MAX);
	if (!dst)
		return;
	size_t len = lw4o6_icmp4_build(dst, &m, offender->data, offender->len);
	outq_commit(&b->outq, LW4O6_SIDE_IPV4, len);
	b4_icmp4_sent(b, r, len);
}

/* To the Internet as the public address, encapsulated. */
void b4_icmp4_to_tunnel(struct lw4o6_b4 *b, const struct work *offender, struct reply4 r, lw4o6_time now)
{
	struct lw4o6_icmp4_msg m = message(b, b->rec.ipv4, offender, r);
	size_t head = b4_wrap_len(b);
	struct lw4o6_ip4 h;

	if (!b4_icmp4_allowed(b, offender->data, &offender->h, offender->len, r, now))
		return;

	uint8_t *dst = outq_reserve(&b->outq, head + LW4O6_ICMP4_ERROR_MAX);
	if (!dst)
		return;
	size_t len = lw4o6_icmp4_build(dst + head, &m, offender->data, offender->len);
	if (lw4o6_ip4_decode(&h, dst + head, len) != LW4O6_IP4_OK)
		return;
	b4_wrap(b, dst, dst + head, &h);
	outq_commit(&b->outq, LW4O6_SIDE_IPV6, head + len);
	b4_icmp4_sent(b, r, len);
}

/* About a packet of the AFTR's that we cannot take: D-114, D-116, D-120. */
void b4_icmp6(struct lw4o6_b4 *b, const struct lw4o6_ip6 *outer, const uint8_t *pkt, uint8_t type, uint8_t code,
              uint32_t param, lw4o6_time now)
{
	static const enum lw4o6_counter param_kind[] = {
		LW4O6_CNT_ICMP6_OUT_4_0, LW4O6_CNT_ICMP6_OUT_4_1, LW4O6_CNT_ICMP6_OUT_4_2, LW4O6_CNT_ICMP6_OUT_4_3,
	};

	if (!icmp6_may_answer_packet(pkt, outer->end, type, code)) {
		b->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_FORBIDDEN]++;
		return;
	}
	if (b->cfg.no_icmp6_errors) {
		b->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_POLICY]++;
		return;
	}
	if (!bucket_take(&b->out6, b->cfg.icmp_rate, b->cfg.icmp_burst, now)) {
		b->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_RATE]++;
		return;
	}

	uint8_t *dst = outq_reserve(&b->outq, LW4O6_ICMP6_ERROR_MAX);
	if (!dst)
		return;
	size_t len = lw4o6_icmp6_build(dst, &outer->dst, &outer->src, type, code, param, 64, pkt, outer->end);
	outq_commit(&b->outq, LW4O6_SIDE_IPV6, len);
	b4_count(b, LW4O6_CNT_OUT_ICMPV6_ERROR, len);
	if (type == LW4O6_ICMP6_PARAMETER && code < 4)
		b->cnt.packets[param_kind[code]]++;
	else if (type == LW4O6_ICMP6_TIME_EXCEEDED)
		b->cnt.packets[LW4O6_CNT_ICMP6_OUT_3_1]++;
}
