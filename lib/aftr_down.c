/* From the Internet, or from another softwire, into a softwire: RFC 7596 section 6.2, data-plane 3.5 to 3.7. */
#include "config.h"

#include "aftr_int.h"
#include "cursor.h"

static const enum lw4o6_counter ip4_reason[] = {
	[LW4O6_IP4_NOT_IPV4] = LW4O6_CNT_DROP_V4_NOT_IPV4,
	[LW4O6_IP4_TRUNCATED] = LW4O6_CNT_DROP_V4_TRUNCATED,
	[LW4O6_IP4_MALFORMED] = LW4O6_CNT_DROP_V4_HEADER_MALFORMED,
	[LW4O6_IP4_CHECKSUM] = LW4O6_CNT_DROP_V4_HEADER_CHECKSUM,
};

/* An ICMP error from outside: the quoted source is the subscriber's end (D-098 to D-104). */
static unsigned error_key(struct work *w)
{
	struct lw4o6_quote4 q;
	enum lw4o6_quote_result r = lw4o6_icmp4_quote(&q, w->ip, &w->h);

	if (r == LW4O6_QUOTE_SHORT)
		return LW4O6_CNT_DROP_ICMP4_TRUNCATED;
	if (r == LW4O6_QUOTE_BAD)
		return LW4O6_CNT_DROP_ICMP4_EMBEDDED_BAD;
	if (q.ip.src.s_addr != w->h.dst.s_addr)
		return LW4O6_CNT_DROP_ICMP4_EMBEDDED_MISMATCH;
	if (r == LW4O6_QUOTE_NO_PORT)
		return LW4O6_CNT_DROP_ICMP4_EMBEDDED_BAD;
	w->key = q.ports.src;
	return REASON_NONE;
}

/* A fragmented message cannot be summed up (D-096). */
static bool icmp_sum_bad(const struct work *w)
{
	return !lw4o6_ip4_is_fragment(&w->h) && !lw4o6_icmp4_checksum_ok(w->ip, &w->h);
}

/* The port that selects the destination's softwire, or why there is none. */
void aftr_down_key(struct work *w)
{
	bool icmp = w->h.protocol == LW4O6_IPPROTO_ICMP;

	w->key = 0;
	w->key_reason = REASON_NONE;
	switch (w->kind) {
	case LW4O6_PORT_OK:
		w->key = w->ports.dst;
		if (icmp && w->h.total < w->h.hlen + LW4O6_ICMP_HLEN)
			w->key_reason = LW4O6_CNT_DROP_ICMP4_TRUNCATED;
		else if (icmp && icmp_sum_bad(w))
			w->key_reason = LW4O6_CNT_DROP_ICMP4_CHECKSUM;
		break;
	case LW4O6_PORT_ERROR:
		w->key_reason = icmp_sum_bad(w) ? (unsigned)LW4O6_CNT_DROP_ICMP4_CHECKSUM : error_key(w);
		break;
	case LW4O6_PORT_ICMP_TYPE:
		w->key_reason = icmp_sum_bad(w) ? LW4O6_CNT_DROP_ICMP4_CHECKSUM : LW4O6_CNT_DROP_ICMP4_TYPE;
		break;
	case LW4O6_PORT_SHORT:
		w->key_reason = icmp ? LW4O6_CNT_DROP_ICMP4_TRUNCATED : LW4O6_CNT_DROP_V4_TRUNCATED;
		break;
	case LW4O6_PORT_NONE:
		w->key_reason = LW4O6_CNT_DROP_V4_NO_PORT_PROTOCOL;
		break;
	}
}

/* Loose or strict source route among the options? */
bool aftr_source_routed(const struct work *w)
{
	struct rd r = rd_init(w->ip + LW4O6_IP4_HLEN, w->h.hlen - (size_t)LW4O6_IP4_HLEN);

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), len;

		if (type == 0)
			break;
		if (type == 1)
			continue;
		if (type == 131 || type == 137)
			return true;
		len = rd_u8(&r);
		if (len < 2)
			break;
		rd_sub(&r, len - 2u);
	}
	return false;
}

/* Steps 1 and 2 of the order, and the port. Changes nothing but the length of a padded packet (D-039). */
void aftr_down_parse(const struct lw4o6_aftr *a, struct work *w)
{
	struct lw4o6_pkt *pkt = w->pkt;
	enum lw4o6_ip4_error e = lw4o6_ip4_decode(&w->h, pkt->data, pkt->len);

	w->ip = pkt->data;
	w->reason = REASON_NONE;
	w->from = NULL;
	w->tunnel = w->hairpin = w->whole = false;
	w->key = 0;
	w->key_reason = REASON_NONE;
	if (e != LW4O6_IP4_OK) {
		w->reason = ip4_reason[e];
		w->h.dst.s_addr = w->h.src.s_addr = 0;
		return;
	}
	pkt->tailroom += pkt->len - w->h.total;
	pkt->len = w->h.total;
	w->tos = w->h.tos;
	if (lw4o6_ip4_is_martian(w->h.src))
		w->reason = LW4O6_CNT_DROP_V4_MARTIAN_SOURCE;
	else if (lw4o6_ip4_is_martian(w->h.dst))
		w->reason = LW4O6_CNT_DROP_V4_MARTIAN_DEST;
	else if (w->h.hlen > LW4O6_IP4_HLEN && aftr_source_routed(w) &&
	         (a->cfg.drop_source_route || aftr_is_own4(a, w->h.dst, false)))
		w->reason = LW4O6_CNT_DROP_V4_SOURCE_ROUTE;
	w->kind = lw4o6_ip4_ports(&w->ports, w->ip, &w->h, w->h.total);
	if (w->kind == LW4O6_PORT_OK && w->h.protocol != LW4O6_IPPROTO_ICMP)
		w->key = w->ports.dst;
	else
		aftr_down_key(w);
}

static void count_drop_of(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit, const struct work *w)
{
	if (!hit->found || !aftr_touch(a, hit))
		return;
	a->cold[hit->slot].drop4++;
	a->cold[hit->slot].drop4_octets += w->pkt->len;
}

/* No softwire takes it: D-075, D-091, D-106, D-235. */
static void unbound(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit)
{
	bool icmp = w->h.protocol == LW4O6_IPPROTO_ICMP;
	unsigned reason;

	if (hit->addr == LW4O6_BIND_UNMANAGED)
		reason = LW4O6_CNT_DROP_V4_ADDRESS_UNBOUND;
	else if (w->hairpin)
		reason = LW4O6_CNT_DROP_HAIRPIN_UNBOUND;
	else
		reason = icmp ? LW4O6_CNT_DROP_ICMP4_UNBOUND : LW4O6_CNT_DROP_V4_PORT_UNBOUND;
	aftr_drop(a, w, reason);
	if (!icmp)
		aftr_icmp4_about(a, w, LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_HOST, 0);
}

static void refuse_key(struct lw4o6_aftr *a, struct work *w)
{
	bool no_port = w->key_reason == LW4O6_CNT_DROP_V4_NO_PORT_PROTOCOL;

	aftr_drop(a, w, no_port && w->hairpin ? (unsigned)LW4O6_CNT_DROP_V6_NO_PORT_PROTOCOL : w->key_reason);
	if (no_port)
		aftr_icmp4_about(a, w, LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_HOST, 0);
}

/* Steps 8 to 12 for a packet whose softwire is known. */
void aftr_down_forward(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit)
{
	const struct sw_tag *t = aftr_touch(a, hit);
	bool dec = w->hairpin || !a->cfg.no_ttl_ipv4;

	if (t && t->own) {
		unbound(a, w, hit);
		return;
	}
	if (w->h.ttl == 0 || (dec && w->h.ttl == 1)) {
		count_drop_of(a, hit, w);
		aftr_drop(a, w, w->hairpin ? LW4O6_CNT_DROP_V6_TTL : LW4O6_CNT_DROP_V4_TTL);
		aftr_icmp4_about(a, w, LW4O6_ICMP4_TIME_EXCEEDED, 0, 0);
		return;
	}

	size_t mtu = aftr_tunnel_mtu(a, hit, w->now);

	if (w->h.total > mtu && ((w->h.df && !a->cfg.tunnel_fragment) || !aftr_fits_tunnel(a, w->h.total))) {
		count_drop_of(a, hit, w);
		aftr_drop(a, w, w->hairpin ? LW4O6_CNT_DROP_V6_MTU_DF : LW4O6_CNT_DROP_V4_MTU_DF);
		if (w->h.df)
			aftr_icmp4_about(a, w, LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_FRAG_NEEDED, (uint16_t)mtu);
		return;
	}
	if (a->cfg.mss_clamp &&
	    lw4o6_mss_clamp(w->ip, &w->h, a->cfg.mss_clamp_value ? a->cfg.mss_clamp_value : (uint16_t)(mtu - 40)))
		a->cnt.packets[LW4O6_CNT_MSS_CLAMPED]++;
	if (w->hairpin) {
		lw4o6_ip4_set_tos(w->ip, w->tos);
		aftr_count(a, LW4O6_CNT_HAIRPIN_IPV4, w->h.total);
		if (w->from->slot != SLOT_NONE) {
			a->cold[w->from->slot].hairpin++;
			a->cold[w->from->slot].hairpin_octets += w->h.total;
		}
	} else if (t) {
		a->hot[hit->slot].rcvd4++;
		a->hot[hit->slot].rcvd4_octets += w->h.total;
	}
	if (dec)
		lw4o6_ip4_dec_ttl(w->ip);
	aftr_emit6(a, w, hit, mtu);
}

bool aftr_down_admit(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit)
{
	bool icmp = w->h.protocol == LW4O6_IPPROTO_ICMP;

	if (icmp && a->cfg.no_incoming_icmp4) {
		aftr_drop(a, w, LW4O6_CNT_DROP_ICMP4_POLICY);
		return false;
	}
	if (hit->addr == LW4O6_BIND_SHARED && w->key_reason != REASON_NONE) {
		refuse_key(a, w);
		return false;
	}
	if (!hit->found) {
		unbound(a, w, hit);
		return false;
	}
	if (w->kind == LW4O6_PORT_ERROR &&
	    !aftr_take(&a->icmp4_in, a->cfg.icmp4_in_rate, a->cfg.icmp4_in_burst, w->now)) {
		aftr_drop(a, w, LW4O6_CNT_DROP_ICMP4_RATE);
		return false;
	}
	return true;
}

/* Steps 2 (spoofed source) to 12. */
void aftr_down_finish(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit, bool from_managed)
{
	if (w->reason != LW4O6_CNT_DROP_V4_NOT_IPV4 && !w->whole)
		aftr_count(a, LW4O6_CNT_RCVD_IPV4, w->pkt->len);
	if (w->reason != REASON_NONE) {
		aftr_drop(a, w, w->reason);
		return;
	}
	if (from_managed) {
		aftr_drop(a, w, LW4O6_CNT_DROP_V4_SPOOFED_SOURCE);
		return;
	}
	if (aftr_is_own4(a, w->h.dst, false)) {
		aftr_local4(a, w);
		return;
	}
	if (hit->addr == LW4O6_BIND_UNMANAGED) {
		unbound(a, w, hit);
		return;
	}
	if (lw4o6_ip4_is_fragment(&w->h) && hit->addr == LW4O6_BIND_SHARED) {
		aftr_down_fragment(a, w, hit);
		return;
	}
	if (aftr_down_admit(a, w, hit))
		aftr_down_forward(a, w, hit);
}

/*
 * The second half of a hairpin: the packet of @p w, checked against the softwire it came from,
 * for a managed address (D-086 to D-094).
 * @param d  its datagram's decision when it is a fragment of one, else NULL
 */
void aftr_down_hairpin(struct lw4o6_aftr *a, struct work *w, const struct frag_decision *d)
{
	struct lw4o6_bind_hit hit;

	w->hairpin = true;
	aftr_down_key(w);
	if (d) {
		w->key = d->down;
		w->key_reason = d->down_ok ? (unsigned)REASON_NONE : w->key_reason;
	}
	aftr_find(a, w->h.dst, w->key, w->now, &hit);
	if (!d && lw4o6_ip4_is_fragment(&w->h) && hit.addr == LW4O6_BIND_SHARED)
		aftr_down_fragment(a, w, &hit);
	else if (aftr_down_admit(a, w, &hit))
		aftr_down_forward(a, w, &hit);
}

/* A burst in a->work, parsed already: what is looked up for all of them at once. */
void aftr_down_burst(struct lw4o6_aftr *a, unsigned n, lw4o6_time now)
{
	for (unsigned i = 0; i < n; i++) {
		a->keys[i] = (struct lw4o6_bind_key){ a->work[i].h.dst, a->work[i].key };
		a->keys2[i] = (struct lw4o6_bind_key){ a->work[i].h.src, 0 };
	}
	aftr_lookup(a, a->keys, n, now, a->hits);
	if (a->antispoof)
		aftr_lookup(a, a->keys2, n, now, a->hits2);
	for (unsigned i = 0; i < n; i++)
		if (a->hits[i].found && a->hits[i].slot != SLOT_NONE)
			__builtin_prefetch(&a->hot[a->hits[i].slot], 1);
}
