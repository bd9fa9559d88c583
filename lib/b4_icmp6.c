/* ICMPv6 about the tunnel: believed only when it quotes a packet of ours, relayed to the LAN host (3.9). */
#include "config.h"

#include "b4_int.h"

enum { REPROVISION_HOLD_MAX_S = 3600 };

/* D-133: does the quote belong to our softwire? */
static bool is_quote_of_ours(const struct lw4o6_b4 *b, const struct lw4o6_icmp6_error *e)
{
	if (!lw4o6_ip6_equal(&e->src, &b->rec.b4) || !lw4o6_ip6_equal(&e->dst, &b->rec.aftr))
		return false;
	switch (e->inner) {
	case LW4O6_QUOTE_OK:
		return e->quote.ip.src.s_addr == b->rec.ipv4.s_addr &&
		       lw4o6_psid_has_port(&b->rec.ps, e->quote.ports.src);
	case LW4O6_QUOTE_NO_PORT:
		return e->quote.ip.src.s_addr == b->rec.ipv4.s_addr;
	case LW4O6_QUOTE_SHORT:
		return true;
	default:
		return false;
	}
}

/*
 * The error becomes an ICMPv4 one to the public address, quoting the inner packet; the translator then undoes
 * the NAT in it and finds the LAN host (D-139, A-26).
 */
static bool relay(struct lw4o6_b4 *b, const struct lw4o6_icmp6_error *e, struct reply4 r, lw4o6_time now)
{
	const struct lw4o6_quote4 *q = &e->quote;
	struct lw4o6_icmp4_msg m = {
		.src = b->cfg.lan_addr, .dst = b->rec.ipv4, .type = r.type, .code = r.code, .mtu = r.mtu, .ttl = 64,
		.tos = (uint8_t)(b->cfg.icmp_tos_cs6 ? 0xc0 : q->ip.tos & 0xfc),
	};
	struct lw4o6_ip4 h;
	struct lw4o6_napt_xlat x;

	if (e->inner != LW4O6_QUOTE_OK || !b4_icmp4_allowed(b, q->p, &q->ip, q->len, r, now))
		return false;

	uint8_t *dst = outq_reserve(&b->outq, LW4O6_ICMP4_ERROR_MAX);
	if (!dst)
		return false;
	size_t len = lw4o6_icmp4_build(dst, &m, q->p, q->len);
	if (lw4o6_ip4_decode(&h, dst, len) != LW4O6_IP4_OK ||
	    lw4o6_napt_in(b->nat, &(struct lw4o6_napt_pkt){ &h, dst }, now, &x) != 0)
		return false;
	lw4o6_napt_apply(dst, &h, &x);
	outq_commit(&b->outq, LW4O6_SIDE_IPV4, len);
	b4_icmp4_sent(b, r, len);
	return true;
}

/* D-142: an event, at first at once, then with a growing pause. */
static void source_refused(struct lw4o6_b4 *b, lw4o6_time now)
{
	lw4o6_time hold;

	b->cnt.packets[LW4O6_CNT_ICMP6_1_5_RECEIVED]++;
	if (b->cfg.no_reprovision || now < b->reprovision_next)
		return;
	hold = b->reprovision_hold * LW4O6_SEC;
	if (b->reprovision_hold == 0 || now - b->reprovision_next >= hold)
		b->reprovision_hold = b->cfg.reprovision_hold_s;
	else
		b->reprovision_hold *= 2;
	if (b->reprovision_hold > REPROVISION_HOLD_MAX_S && b->cfg.reprovision_hold_s <= REPROVISION_HOLD_MAX_S)
		b->reprovision_hold = REPROVISION_HOLD_MAX_S;
	b->reprovision_next = lw4o6_time_add(now, b->reprovision_hold * LW4O6_SEC);
	b->cnt.packets[LW4O6_CNT_REPROVISION_REQUESTED]++;
	b4_event_put(b, &(struct lw4o6_b4_event){ .kind = LW4O6_B4_EV_REPROVISION });
}

static void relayed(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_icmp6_error *e, struct reply4 r,
                    enum lw4o6_counter c, lw4o6_time now)
{
	bool done = relay(b, e, r, now);

	b->cnt.packets[done ? c : LW4O6_CNT_ICMP_RELAY_UNUSABLE]++;
	p->verdict = done ? LW4O6_VERDICT_OUTQ : LW4O6_VERDICT_LOCAL;
}

/* D-135, D-191, D-193. @return 0, or why the message is dropped. */
static unsigned too_big(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_icmp6_error *e, lw4o6_time now)
{
	uint32_t inner = e->param - (uint32_t)b4_wrap_len(b);
	lw4o6_time age = lw4o6_time_from_s(b->cfg.pmtu_age_s);
	bool lower = b->path_mtu == 0 || now >= b->path_mtu_until || e->param < b->path_mtu;

	if (e->param < LW4O6_IP6_MTU_MIN)
		return LW4O6_CNT_DROP_ICMP6_PTB_SMALL;
	if (b->cfg.pmtu_static)
		return LW4O6_CNT_DROP_ICMP6_POLICY;
	if (lower && e->param < b->link_mtu) {
		b->path_mtu = e->param;
		b->path_mtu_until = lw4o6_time_add(now, age);
		b->cnt.packets[LW4O6_CNT_PMTU_DECREASED]++;
	}
	p->verdict = LW4O6_VERDICT_LOCAL;
	if (e->inner == LW4O6_QUOTE_OK && e->quote.ip.df)
		relayed(b, p, e,
		        (struct reply4){ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_FRAG_NEEDED,
		                         (uint16_t)(inner > 65535 ? 65535 : inner) },
		        LW4O6_CNT_ICMP_RELAY_TOO_BIG, now);
	return 0;
}

static unsigned take_error(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_icmp6_error *e,
                           const struct lw4o6_ip6 *outer, lw4o6_time now)
{
	bool policy = e->type == LW4O6_ICMP6_UNREACHABLE && e->code == LW4O6_ICMP6_POLICY;

	if (e->type == LW4O6_ICMP6_TOO_BIG)
		return too_big(b, p, e, now);
	if (policy) {
		if (!lw4o6_ip6_equal(&outer->src, &b->rec.aftr)) /* D-141 */
			return LW4O6_CNT_DROP_ICMP6_NOT_AFTR;
		source_refused(b, now);
		p->verdict = LW4O6_VERDICT_LOCAL;
		if (!b->cfg.relay_1_5)
			return 0;
	} else if (!(e->type == LW4O6_ICMP6_UNREACHABLE || (e->type == LW4O6_ICMP6_TIME_EXCEEDED && e->code == 0) ||
	             (e->type == LW4O6_ICMP6_PARAMETER && e->in_limit))) {
		return LW4O6_CNT_DROP_ICMP6_TYPE;
	}
	relayed(b, p, e, (struct reply4){ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_HOST, 0 },
	        LW4O6_CNT_ICMP_RELAY_UNREACHABLE, now);
	return 0;
}

static unsigned error_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_ip6 *outer, size_t off,
                             lw4o6_time now)
{
	struct lw4o6_icmp6_error e;

	if (b->cfg.ignore_icmpv6_errors)
		return LW4O6_CNT_DROP_ICMP6_POLICY;
	switch (lw4o6_icmp6_error_decode(&e, &outer->src, &outer->dst, p->data + off, outer->end - off)) {
	case LW4O6_ICMP6_OK:
		break;
	case LW4O6_ICMP6_BAD_CHECKSUM:
		return LW4O6_CNT_DROP_ICMP6_CHECKSUM;
	case LW4O6_ICMP6_SHORT:
		return LW4O6_CNT_DROP_ICMP6_TRUNCATED;
	default:
		return LW4O6_CNT_DROP_ICMP6_EMBEDDED_MISMATCH;
	}
	if (!is_quote_of_ours(b, &e))
		return LW4O6_CNT_DROP_ICMP6_EMBEDDED_MISMATCH;
	if (!bucket_take(&b->in6, b->cfg.icmp6_in_rate, b->cfg.icmp6_in_rate, now))
		return LW4O6_CNT_DROP_ICMP6_RATE;
	return take_error(b, p, &e, outer, now);
}

/* D-144. @return 0, or why it is dropped. */
static unsigned echo_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_ip6 *outer, size_t off,
                            lw4o6_time now)
{
	const uint8_t *msg = p->data + off;
	size_t len = outer->end - off;

	if (b->cfg.no_answer_ping6) {
		p->verdict = LW4O6_VERDICT_LOCAL;
		return 0;
	}
	if (!lw4o6_icmp6_checksum_ok(&outer->src, &outer->dst, msg, len))
		return LW4O6_CNT_DROP_ICMP6_CHECKSUM;
	if (len < LW4O6_ICMP_HLEN)
		return LW4O6_CNT_DROP_ICMP6_TRUNCATED;
	if (!lw4o6_ip6_is_usable(&outer->src))
		return LW4O6_CNT_DROP_V6_BAD_SOURCE;
	if (!bucket_take(&b->echo, b->cfg.icmp_rate, b->cfg.icmp_burst, now))
		return LW4O6_CNT_DROP_ICMP6_RATE;

	uint8_t *dst = outq_reserve(&b->outq, LW4O6_IP6_HLEN + len);
	if (!dst)
		return LW4O6_CNT_DROP_ICMP6_RATE;
	size_t n = lw4o6_icmp6_echo_reply(dst, &outer->dst, &outer->src, 64, msg, len);
	outq_commit(&b->outq, LW4O6_SIDE_IPV6, n);
	p->verdict = LW4O6_VERDICT_OUTQ;
	return 0;
}

void b4_icmp6_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_ip6 *outer, size_t off,
                     lw4o6_time now)
{
	uint8_t type = off < outer->end ? p->data[off] : 0;
	unsigned why;

	if (type >= 133 && type <= 137) { /* Neighbor Discovery is the host's (D-146) */
		p->verdict = LW4O6_VERDICT_LOCAL;
		return;
	}
	if (type < 128)
		why = error_packet(b, p, outer, off, now);
	else if (type == LW4O6_ICMP6_ECHO)
		why = echo_packet(b, p, outer, off, now);
	else
		why = LW4O6_CNT_DROP_ICMP6_TYPE;
	if (why != 0)
		b4_drop(b, &(struct work){ .p = p, .side = LW4O6_SIDE_IPV6, .in_place = true }, why);
}
