/* ICMPv6 to a softwire address: errors about the tunnel are relayed (RFC 2473 section 8), pings answered. */
#include "config.h"

#include "aftr_int.h"

#include <string.h>

/*
 * D-133: do the quoted packet's inner addresses and port belong to the softwire it was sent into?
 * @param hit  the entry, found where the quote tells it
 */
static bool inner_fits(const struct lw4o6_aftr *a, const struct lw4o6_icmp6_error *e, const struct lw4o6_binding *b,
                       lw4o6_time now, struct lw4o6_bind_hit *hit)
{
	uint16_t port = e->inner == LW4O6_QUOTE_OK ? e->quote.ports.dst : 0;

	*hit = (struct lw4o6_bind_hit){ .slot = SLOT_NONE };
	if (e->inner == LW4O6_QUOTE_SHORT)
		return true;
	if (e->inner == LW4O6_QUOTE_BAD)
		return false;
	aftr_find(a, e->quote.ip.dst, port, now, hit);
	if (e->inner == LW4O6_QUOTE_NO_PORT && hit->addr == LW4O6_BIND_SHARED) {
		hit->found = false; /* port 0 was only to see the address */
		return b->ipv4.s_addr == e->quote.ip.dst.s_addr;
	}
	return hit->found && lw4o6_ip6_equal(&hit->b4, &e->dst) && lw4o6_ip6_equal(&hit->br, &e->src);
}

/* An ICMPv4 error to whoever sent the quoted inner packet; D-138 says when there is nothing to relay. */
static void relay(struct lw4o6_aftr *a, const struct lw4o6_icmp6_error *e, uint32_t slot, uint8_t code, uint16_t mtu,
                  lw4o6_time now)
{
	struct offender4 o = { .p = e->quote.p, .len = e->quote.len, .h = &e->quote.ip, .slot = slot, .relay = true };

	if (e->inner == LW4O6_QUOTE_SHORT || e->quote.len < e->quote.ip.hlen + 8u) {
		a->cnt.packets[LW4O6_CNT_ICMP_RELAY_UNUSABLE]++;
		return;
	}
	aftr_icmp4(a, &o, LW4O6_ICMP4_UNREACHABLE, code, mtu, now);
}

/* Types that say something about a tunnel packet (D-134, A-31). */
static bool is_used(const struct lw4o6_aftr *a, uint8_t type, uint8_t code)
{
	switch (type) {
	case LW4O6_ICMP6_UNREACHABLE:
	case LW4O6_ICMP6_TOO_BIG:
		return true;
	case LW4O6_ICMP6_TIME_EXCEEDED:
		return code == 0;
	case LW4O6_ICMP6_PARAMETER:
		return a->cfg.encap_limit;
	default:
		return false;
	}
}

/* @return REASON_NONE: dealt with; else why it is dropped. */
static unsigned tunnel_error(struct lw4o6_aftr *a, const struct work *w, const uint8_t *msg, size_t len)
{
	struct lw4o6_icmp6_error e;
	struct lw4o6_bind_hit hit;
	struct lw4o6_binding b;

	switch (lw4o6_icmp6_error_decode(&e, &w->o.src, &w->o.dst, msg, len)) {
	case LW4O6_ICMP6_SHORT:
		return LW4O6_CNT_DROP_ICMP6_TRUNCATED;
	case LW4O6_ICMP6_BAD_CHECKSUM:
		return LW4O6_CNT_DROP_ICMP6_CHECKSUM;
	case LW4O6_ICMP6_MISMATCH:
		return LW4O6_CNT_DROP_ICMP6_EMBEDDED_MISMATCH;
	default:
		break;
	}
	if (e.type == LW4O6_ICMP6_PARAMETER && !e.in_limit)
		return LW4O6_CNT_DROP_ICMP6_TYPE;
	if (!aftr_is_own6(a, &e.src) || !aftr_find_b4(a, &e.dst, w->now, &b) || !inner_fits(a, &e, &b, w->now, &hit))
		return LW4O6_CNT_DROP_ICMP6_EMBEDDED_MISMATCH;
	if (e.type == LW4O6_ICMP6_TOO_BIG && e.param < LW4O6_IP6_MTU_MIN)
		return LW4O6_CNT_DROP_ICMP6_PTB_SMALL;
	if (e.type == LW4O6_ICMP6_TOO_BIG && !a->pmtu)
		return LW4O6_CNT_DROP_ICMP6_POLICY;
	if (!aftr_take(&a->icmp6_in, a->cfg.icmp6_in_rate, a->cfg.icmp6_in_rate, w->now))
		return LW4O6_CNT_DROP_ICMP6_RATE;

	/* a B4 with several entries: the one the packet was for (D-135) */
	uint32_t slot = hit.found && aftr_touch(a, &hit) ? hit.slot : aftr_slot_of_b4(a, &e.dst, w->now);

	if (e.type != LW4O6_ICMP6_TOO_BIG) {
		relay(a, &e, slot, LW4O6_ICMP4_HOST, 0, w->now);
		return REASON_NONE;
	}
	if (slot != SLOT_NONE)
		aftr_pmtu_lower(a, slot, e.param, w->now);
	if (e.inner == LW4O6_QUOTE_SHORT || e.quote.ip.df) {
		size_t mtu = e.param - a->hlen;

		relay(a, &e, slot, LW4O6_ICMP4_FRAG_NEEDED, (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu), w->now);
	}
	return REASON_NONE;
}

/* D-144. @return false: over the rate. */
static bool echo(struct lw4o6_aftr *a, struct work *w, const uint8_t *msg, size_t len)
{
	if (!lw4o6_ip6_is_usable(&w->o.src) || !aftr_take(&a->echo, a->cfg.icmp6_rate, a->cfg.icmp6_burst, w->now))
		return false;

	uint32_t slot = aftr_slot_of_b4(a, &w->o.src, w->now);
	size_t mtu = a->cfg.link_mtu, total = LW4O6_IP6_HLEN + len;

	if (slot != SLOT_NONE && a->tag[slot].pmtu != 0)
		mtu = a->tag[slot].pmtu;

	uint8_t *dst = total <= mtu ? outq_reserve(&a->q, total) : a->scratch;

	if (!dst)
		return false;
	(void)lw4o6_icmp6_echo_reply(dst, &w->o.dst, &w->o.src, a->cfg.hop_limit, msg, len);
	if (total <= mtu)
		outq_commit(&a->q, LW4O6_SIDE_IPV6, total);
	else
		aftr_cut6(a, dst, total, mtu, NULL);
	return true;
}

/* The ICMPv6 message stands at @p off (data-plane 3.9). */
void aftr_icmp6_in(struct lw4o6_aftr *a, struct work *w, size_t off)
{
	const uint8_t *msg = w->pkt->data + off;
	size_t len = w->pkt->len - off;
	unsigned reason = REASON_NONE;

	if (len < LW4O6_ICMP_HLEN)
		reason = LW4O6_CNT_DROP_ICMP6_TRUNCATED;
	else if (!lw4o6_icmp6_checksum_ok(&w->o.src, &w->o.dst, msg, len))
		reason = LW4O6_CNT_DROP_ICMP6_CHECKSUM;
	else if (msg[0] == LW4O6_ICMP6_ECHO)
		reason = echo(a, w, msg, len) ? (unsigned)REASON_NONE : LW4O6_CNT_DROP_ICMP6_RATE;
	else if (msg[0] < 128 && a->cfg.ignore_icmp6_errors)
		reason = LW4O6_CNT_DROP_ICMP6_POLICY;
	else if (!is_used(a, msg[0], msg[1]))
		reason = LW4O6_CNT_DROP_ICMP6_TYPE;
	else
		reason = tunnel_error(a, w, msg, len);
	if (reason != REASON_NONE)
		aftr_drop(a, w, reason);
	else
		w->pkt->verdict = LW4O6_VERDICT_OUTQ; /* used up; what it caused is in the queue */
}
