/* Out of a softwire: RFC 7596 section 6.2, data-plane 3.4 and the way into a hairpin. */
#include "config.h"

#include "aftr_int.h"

static bool in_access(const struct lw4o6_aftr *a, const struct in6_addr *src)
{
	for (size_t i = 0; i < a->cfg.n_access; i++)
		if (lw4o6_ip6_prefix_match(src, &a->access[i].addr, a->access[i].len))
			return true;
	return a->cfg.n_access == 0;
}

/* Steps 1 to 3 of the order and, for the plain packet, 7 and 9. Changes nothing but the length of a padded packet. */
void aftr_up_parse(const struct lw4o6_aftr *a, struct work *w)
{
	struct lw4o6_pkt *pkt = w->pkt;

	w->reason = REASON_NONE;
	w->from = NULL;
	w->tunnel = true;
	w->hairpin = w->whole = w->plain = w->tos_done = false;
	w->key = 0;
	w->h.src.s_addr = w->h.dst.s_addr = 0;
	switch (lw4o6_ip6_decode(&w->o, pkt->data, pkt->len)) {
	case LW4O6_IP6_NOT_IPV6:
		w->reason = LW4O6_CNT_DROP_V6_NOT_IPV6;
		return;
	case LW4O6_IP6_TRUNCATED:
		w->reason = LW4O6_CNT_DROP_V6_TRUNCATED;
		return;
	default:
		break;
	}
	pkt->tailroom += pkt->len - w->o.end;
	pkt->len = w->o.end;
	if (!aftr_is_own6(a, &w->o.dst))
		w->reason = LW4O6_CNT_DROP_V6_NOT_LOCAL;
	else if (!lw4o6_ip6_is_usable(&w->o.src) || aftr_is_own6(a, &w->o.src))
		w->reason = LW4O6_CNT_DROP_V6_BAD_SOURCE;
	else if (a->cfg.n_access > 0 && !in_access(a, &w->o.src))
		w->reason = LW4O6_CNT_DROP_V6_SOURCE_ACL;
	else if (w->o.next == LW4O6_IPPROTO_IPIP)
		aftr_up_inner(a, w, LW4O6_IP6_HLEN);
}

/* A customer's ICMP error quotes a packet sent to the customer: its quoted destination counts (D-058, A-01). */
static bool error_key(struct work *w)
{
	struct lw4o6_quote4 q;

	if (!lw4o6_ip4_is_fragment(&w->h) && !lw4o6_icmp4_checksum_ok(w->ip, &w->h))
		return false;
	if (lw4o6_icmp4_quote(&q, w->ip, &w->h) != LW4O6_QUOTE_OK || q.ip.dst.s_addr != w->h.src.s_addr)
		return false;
	w->key = q.ports.dst;
	return true;
}

/* The port that must belong to the sender, or why there is none (D-057 to D-059, D-234 to D-237). */
static void source_key(struct work *w)
{
	bool icmp = w->h.protocol == LW4O6_IPPROTO_ICMP;

	w->key_reason = REASON_NONE;
	switch (w->kind) {
	case LW4O6_PORT_OK:
		w->key = w->ports.src;
		if (icmp && w->h.total < w->h.hlen + LW4O6_ICMP_HLEN)
			w->key_reason = LW4O6_CNT_DROP_V6_ICMP_UNCLASSIFIABLE;
		break;
	case LW4O6_PORT_ERROR:
		if (!error_key(w))
			w->key_reason = LW4O6_CNT_DROP_V6_ICMP_UNCLASSIFIABLE;
		break;
	case LW4O6_PORT_ICMP_TYPE:
		w->key_reason = LW4O6_CNT_DROP_V6_ICMP_UNCLASSIFIABLE;
		break;
	case LW4O6_PORT_SHORT:
		w->key_reason = icmp ? LW4O6_CNT_DROP_V6_ICMP_UNCLASSIFIABLE : LW4O6_CNT_DROP_V6_INNER_MALFORMED;
		break;
	case LW4O6_PORT_NONE:
		w->key_reason = LW4O6_CNT_DROP_V6_NO_PORT_PROTOCOL;
		break;
	}
}

/* The inner packet stands at @p off of the tunnel packet (D-056). */
void aftr_up_inner(const struct lw4o6_aftr *a, struct work *w, size_t off)
{
	(void)a;
	w->plain = true;
	w->ip = w->pkt->data + off;
	w->key = 0;
	switch (lw4o6_ip4_decode(&w->h, w->ip, w->pkt->len - off)) {
	case LW4O6_IP4_OK:
		break;
	case LW4O6_IP4_CHECKSUM:
		w->reason = LW4O6_CNT_DROP_V6_INNER_CHECKSUM;
		return;
	default:
		w->reason = LW4O6_CNT_DROP_V6_INNER_MALFORMED;
		return;
	}
	w->kind = lw4o6_ip4_ports(&w->ports, w->ip, &w->h, w->h.total);
	source_key(w);
}

/* Discard, and tell the true outer source (D-060 to D-062). */
static void refuse(struct lw4o6_aftr *a, struct work *w, unsigned reason)
{
	aftr_drop(a, w, reason);
	aftr_log_refused(a, w, reason);
	aftr_icmp6_about(a, w, LW4O6_ICMP6_UNREACHABLE, LW4O6_ICMP6_POLICY, 0);
}

/* Step 10, the three-way check of RFC 7596 section 6.2 (D-018, D-060). @return false: refused. */
bool aftr_up_check(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit)
{
	if (hit->addr == LW4O6_BIND_UNMANAGED) {
		refuse(a, w, LW4O6_CNT_DROP_V6_ADDRESS_UNBOUND);
		return false;
	}
	if (hit->addr == LW4O6_BIND_SHARED && w->key_reason != REASON_NONE) {
		if (w->key_reason == LW4O6_CNT_DROP_V6_NO_PORT_PROTOCOL)
			refuse(a, w, w->key_reason);
		else
			aftr_drop(a, w, w->key_reason);
		return false;
	}
	if (!hit->found) {
		refuse(a, w, LW4O6_CNT_DROP_V6_PORT_UNBOUND);
		return false;
	}
	if (!lw4o6_ip6_equal(&hit->b4, &w->o.src)) {
		refuse(a, w, LW4O6_CNT_DROP_V6_SPOOFED);
		return false;
	}
	if (!lw4o6_ip6_equal(&hit->br, &w->o.dst)) {
		refuse(a, w, LW4O6_CNT_DROP_V6_BR_MISMATCH);
		return false;
	}
	return true;
}

static bool is_martian(const struct lw4o6_aftr *a, struct in_addr x)
{
	if (lw4o6_ip4_is_martian(x))
		return true;
	for (size_t i = 0; i < a->cfg.n_martians; i++) {
		uint32_t diff = ntohl(x.s_addr ^ a->martians[i].addr.s_addr);

		if (a->martians[i].len == 0 || diff >> (32 - a->martians[i].len) == 0)
			return true;
	}
	return false;
}

/* Step 13. @return false: dropped. */
static bool combine_tos(struct lw4o6_aftr *a, struct work *w)
{
	enum lw4o6_counter anomaly;
	int tos = w->h.tos;

	if (!w->tos_done) {
		tos = lw4o6_tc_decap(&a->tc, w->h.tos, w->o.tclass, &anomaly);
		if (anomaly != LW4O6_CNT_COUNT)
			a->cnt.packets[anomaly]++;
	}
	if (tos < 0) {
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_ECN);
		return false;
	}
	w->tos = (uint8_t)tos;
	return true;
}

/* Step 15 and the way out on the IPv4 side. */
static void to_internet(struct lw4o6_aftr *a, struct work *w, bool dec)
{
	if (w->h.total > a->cfg.ipv4_mtu && w->h.df) {
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_MTU_DF);
		aftr_icmp4_about(a, w, LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_FRAG_NEEDED, (uint16_t)a->cfg.ipv4_mtu);
		return;
	}
	if (a->cfg.mss_clamp) {
		size_t mss = a->cfg.mss_clamp_value ? a->cfg.mss_clamp_value : aftr_tunnel_mtu(a, w->from, w->now) - 40;

		if (lw4o6_mss_clamp(w->ip, &w->h, (uint16_t)mss))
			a->cnt.packets[LW4O6_CNT_MSS_CLAMPED]++;
	}
	lw4o6_ip4_set_tos(w->ip, w->tos);
	if (dec)
		lw4o6_ip4_dec_ttl(w->ip);
	aftr_emit4(a, w);
}

/* Steps 11 to 15 for a packet that is its sender's to send. */
void aftr_up_forward(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *from, bool to_managed,
                     const struct frag_decision *d)
{
	bool hairpin = to_managed && a->cfg.hairpin == LW4O6_AFTR_HAIRPIN_ON;
	bool dec = hairpin || !a->cfg.no_ttl_ipv6;

	w->from = from;
	if (aftr_touch(a, from)) {
		a->hot[from->slot].rcvd6++;
		a->hot[from->slot].rcvd6_octets += w->pkt->len;
	}
	if (is_martian(a, w->h.dst) || is_martian(a, w->h.src)) {
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_INNER_MARTIAN);
		return;
	}
	if (w->h.ttl == 0 || (dec && w->h.ttl == 1)) {
		aftr_drop(a, w, LW4O6_CNT_DROP_V6_TTL);
		aftr_icmp4_about(a, w, LW4O6_ICMP4_TIME_EXCEEDED, 0, 0);
		return;
	}
	if (!combine_tos(a, w))
		return;

	bool local = aftr_is_own4(a, w->h.dst, true);

	if (w->h.hlen > LW4O6_IP4_HLEN && (local || a->cfg.drop_source_route) && aftr_source_routed(w)) {
		aftr_drop(a, w, LW4O6_CNT_DROP_V4_SOURCE_ROUTE);
		return;
	}
	if (local)
		aftr_local4(a, w);
	else if (!to_managed || a->cfg.hairpin == LW4O6_AFTR_HAIRPIN_FORWARD)
		to_internet(a, w, dec);
	else if (hairpin)
		aftr_down_hairpin(a, w, d);
	else
		aftr_drop(a, w, LW4O6_CNT_DROP_HAIRPIN_POLICY);
}

/* Refused at step 3, before its headers were walked: is it one of those that rcvd-ipv6 is about (section 5.1)? */
static bool is_for_us(const struct work *w)
{
	struct lw4o6_chain c;

	if (w->reason != LW4O6_CNT_DROP_V6_BAD_SOURCE && w->reason != LW4O6_CNT_DROP_V6_SOURCE_ACL)
		return false;

	enum lw4o6_chain_end end = lw4o6_chain_walk(&c, w->pkt->data, w->pkt->len);

	return end == LW4O6_CHAIN_FRAGMENT || (end == LW4O6_CHAIN_UPPER && c.next == LW4O6_IPPROTO_IPIP);
}

/* Steps 4 to 15. */
void aftr_up_finish(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit, bool to_managed)
{
	if (!w->plain) {
		if (!w->whole && is_for_us(w))
			aftr_count(a, LW4O6_CNT_RCVD_IPV6, w->pkt->len);
		if (w->reason != REASON_NONE)
			aftr_drop(a, w, w->reason);
		else
			aftr_up_chain(a, w);
		return;
	}
	if (!w->whole)
		aftr_count(a, LW4O6_CNT_RCVD_IPV6, w->pkt->len);
	if (w->reason != REASON_NONE)
		aftr_drop(a, w, w->reason);
	else if (lw4o6_ip4_is_fragment(&w->h) && hit->addr == LW4O6_BIND_SHARED)
		aftr_up_fragment(a, w, hit, to_managed);
	else if (aftr_up_check(a, w, hit))
		aftr_up_forward(a, w, hit, to_managed, NULL);
}

/* A burst in a->work, parsed already: what is looked up for all of them at once. */
void aftr_up_burst(struct lw4o6_aftr *a, unsigned n, lw4o6_time now)
{
	for (unsigned i = 0; i < n; i++) {
		a->keys[i] = (struct lw4o6_bind_key){ a->work[i].h.src, a->work[i].key };
		a->keys2[i] = (struct lw4o6_bind_key){ a->work[i].h.dst, 0 };
	}
	aftr_lookup(a, a->keys, n, now, a->hits);
	aftr_lookup(a, a->keys2, n, now, a->hits2);
	for (unsigned i = 0; i < n; i++)
		if (a->hits[i].found && a->hits[i].slot != SLOT_NONE)
			__builtin_prefetch(&a->hot[a->hits[i].slot], 1);
}
