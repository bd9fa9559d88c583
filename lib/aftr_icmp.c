/* ICMP that the AFTR itself sends: data-plane 3.8, and the answers to pings. */
#include "config.h"

#include "aftr_int.h"
#include "icmp_int.h"
#include "siphash.h"

#include <string.h>

enum { TOS_CS6 = 0xc0 };

/* ---- ICMPv4 ---- */

static unsigned class4(const struct offender4 *o, uint8_t type, uint8_t code)
{
	if (o->relay)
		return LW4O6_AFTR_ICMP4_RELAY;
	if (type == LW4O6_ICMP4_TIME_EXCEEDED)
		return code == 0 ? LW4O6_AFTR_ICMP4_11_0 : 0;
	return code == LW4O6_ICMP4_FRAG_NEEDED ? LW4O6_AFTR_ICMP4_3_4 : LW4O6_AFTR_ICMP4_3_1;
}

static enum lw4o6_counter counter4(uint8_t type, uint8_t code)
{
	if (type == LW4O6_ICMP4_TIME_EXCEEDED)
		return code == 0 ? LW4O6_CNT_ICMP4_OUT_11_0 : LW4O6_CNT_ICMP4_OUT_11_1;
	return code == LW4O6_ICMP4_FRAG_NEEDED ? LW4O6_CNT_ICMP4_OUT_3_4 : LW4O6_CNT_ICMP4_OUT_3_1;
}

/* Too-big messages have a bucket of their own, so that no flood silences path MTU discovery (D-128). */
static bool allowed4(struct lw4o6_aftr *a, const struct offender4 *o, bool too_big, lw4o6_time now)
{
	uint32_t net = o->h->src.s_addr & htonl(0xffffff00);
	struct bucket *own = o->slot != SLOT_NONE ? &a->cold[o->slot].icmp4 :
		                                    &a->net4[siphash(a->key, &net, sizeof(net)) % NET_BUCKETS];

	if (too_big)
		return aftr_take(&a->too_big, a->cfg.too_big_rate, a->cfg.too_big_burst, now);
	return aftr_take(own, a->cfg.softwire_rate, a->cfg.softwire_burst, now) &&
	       aftr_take(&a->icmp4, a->cfg.icmp4_rate, a->cfg.icmp4_burst, now);
}

/*
 * Where does an error to this source go (D-118, D-130, D-139)?
 * @return 1: through *hit; 0: natively; -1: nowhere, counted.
 */
static int route4(struct lw4o6_aftr *a, const struct offender4 *o, struct lw4o6_bind_hit *hit, lw4o6_time now)
{
	struct lw4o6_ports ports = { 0 };

	if (o->from) {
		*hit = *o->from;
		return 1;
	}
	if (aftr_managed(a, o->h->src, now)) {
		(void)!lw4o6_ip4_ports(&ports, o->p, o->h, o->len);
		aftr_find(a, o->h->src, ports.src, now, hit);
		if (hit->found)
			return 1;
		a->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_FORBIDDEN]++;
		return -1;
	}
	if (a->cfg.icmp4_source_internet.s_addr != 0)
		return 0;
	a->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_POLICY]++;
	if (!a->no_source_logged)
		aftr_log(a, LW4O6_LOG_WARNING, "aftr-no-icmp4-source",
		         "no icmp4-source-internet: no ICMPv4 errors are sent to the Internet");
	a->no_source_logged = true;
	return -1;
}

/* Write the message, inside a tunnel packet when @p hit is given. */
static void send4(struct lw4o6_aftr *a, const struct lw4o6_icmp4_msg *m, const struct lw4o6_bind_hit *hit,
                  const struct offender4 *o)
{
	uint8_t *dst = outq_reserve(&a->q, a->hlen + LW4O6_ICMP4_ERROR_MAX);

	if (!dst)
		return;

	size_t hlen = hit ? a->hlen : 0, n = lw4o6_icmp4_build(dst + hlen, m, o->p, o->len);

	if (hit) {
		struct lw4o6_encap e = {
			.src = hit->br, .dst = hit->b4, .hop_limit = a->cfg.hop_limit,
			.tclass = lw4o6_tc_encap(&a->tc, m->tos),
			.limit = a->cfg.encap_limit ? a->cfg.encap_limit_value : (int16_t)-1,
		};

		lw4o6_encap_write(dst, &e, n);
		aftr_count(a, LW4O6_CNT_SENT_IPV6, hlen + n);
		if (aftr_touch(a, hit)) {
			a->hot[hit->slot].sent6++;
			a->hot[hit->slot].sent6_octets += hlen + n;
		}
	}
	outq_commit(&a->q, hit ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4, hlen + n);
	aftr_count(a, LW4O6_CNT_OUT_ICMPV4_ERROR, n);
	a->cnt.packets[counter4(m->type, m->code)]++;
}

void aftr_icmp4(struct lw4o6_aftr *a, const struct offender4 *o, uint8_t type, uint8_t code, uint16_t mtu,
                lw4o6_time now)
{
	struct lw4o6_bind_hit hit;

	if (a->cfg.no_icmp4 & class4(o, type, code)) {
		a->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_POLICY]++;
		return;
	}
	if (!lw4o6_icmp4_may_answer(o->p, o->h, o->len)) {
		a->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_FORBIDDEN]++;
		return;
	}

	int through = route4(a, o, &hit, now);

	if (through < 0)
		return;
	if (!allowed4(a, o, code == LW4O6_ICMP4_FRAG_NEEDED && type == LW4O6_ICMP4_UNREACHABLE, now)) {
		a->cnt.packets[LW4O6_CNT_ICMP4_SUPPRESSED_RATE]++;
		return;
	}

	struct lw4o6_icmp4_msg m = {
		.src = through ? a->cfg.icmp4_source_tunnel : a->cfg.icmp4_source_internet,
		.dst = o->h->src, .type = type, .code = code, .mtu = mtu, .ttl = a->cfg.hop_limit,
		.tos = a->cfg.icmp_tos_cs6 ? (uint8_t)TOS_CS6 : (uint8_t)(o->h->tos & 0xfc),
	};

	send4(a, &m, through ? &hit : NULL, o);
	if (o->relay)
		a->cnt.packets[code == LW4O6_ICMP4_FRAG_NEEDED ? LW4O6_CNT_ICMP_RELAY_TOO_BIG :
		                                                 LW4O6_CNT_ICMP_RELAY_UNREACHABLE]++;
}

void aftr_icmp4_about(struct lw4o6_aftr *a, const struct work *w, uint8_t type, uint8_t code, uint16_t mtu)
{
	struct offender4 o = { .p = w->ip, .len = w->h.total, .h = &w->h, .from = w->from, .slot = SLOT_NONE };

	if (w->from && aftr_touch(a, w->from))
		o.slot = w->from->slot;
	aftr_icmp4(a, &o, type, code, mtu, w->now);
}

/* ---- ICMPv6 ---- */

static const struct {
	uint8_t type, code, class;
	enum lw4o6_counter counter;
} kinds6[] = {
	{ 1, 5, LW4O6_AFTR_ICMP6_1_5, LW4O6_CNT_ICMP6_OUT_1_5 }, { 3, 1, LW4O6_AFTR_ICMP6_3_1, LW4O6_CNT_ICMP6_OUT_3_1 },
	{ 4, 0, LW4O6_AFTR_ICMP6_4, LW4O6_CNT_ICMP6_OUT_4_0 },   { 4, 1, LW4O6_AFTR_ICMP6_4, LW4O6_CNT_ICMP6_OUT_4_1 },
	{ 4, 2, LW4O6_AFTR_ICMP6_4, LW4O6_CNT_ICMP6_OUT_4_2 },   { 4, 3, LW4O6_AFTR_ICMP6_4, LW4O6_CNT_ICMP6_OUT_4_3 },
};

/* A share for each softwire, and one for each hashed /64 of the others (D-128). */
static bool allowed6(struct lw4o6_aftr *a, const struct in6_addr *src, lw4o6_time now)
{
	uint32_t slot = aftr_slot_of_b4(a, src, now);
	struct bucket *own = slot != SLOT_NONE ? &a->cold[slot].icmp6 :
		                                 &a->net6[siphash(a->key, src, 8) % NET_BUCKETS];

	return aftr_take(own, a->cfg.softwire_rate, a->cfg.softwire_burst, now) &&
	       aftr_take(&a->icmp6, a->cfg.icmp6_rate, a->cfg.icmp6_burst, now);
}

void aftr_icmp6(struct lw4o6_aftr *a, const uint8_t *pkt, size_t len, uint8_t type, uint8_t code, uint32_t param,
                lw4o6_time now)
{
	struct lw4o6_ip6 o;
	size_t k = 0;

	while (k < sizeof(kinds6) / sizeof(kinds6[0]) && (kinds6[k].type != type || kinds6[k].code != code))
		k++;
	if (k == sizeof(kinds6) / sizeof(kinds6[0]) || lw4o6_ip6_decode(&o, pkt, len) != LW4O6_IP6_OK)
		return;
	if (a->cfg.no_icmp6 & kinds6[k].class) {
		a->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_POLICY]++;
		return;
	}
	if (!icmp6_may_answer_packet(pkt, o.end, type, code)) {
		a->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_FORBIDDEN]++;
		return;
	}
	if (!allowed6(a, &o.src, now)) {
		a->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_RATE]++;
		return;
	}

	uint8_t *dst = outq_reserve(&a->q, LW4O6_ICMP6_ERROR_MAX);

	if (!dst)
		return;

	size_t n = lw4o6_icmp6_build(dst, &o.dst, &o.src, type, code, param, a->cfg.hop_limit, pkt, o.end);

	outq_commit(&a->q, LW4O6_SIDE_IPV6, n);
	aftr_count(a, LW4O6_CNT_OUT_ICMPV6_ERROR, n);
	a->cnt.packets[kinds6[k].counter]++;
}

void aftr_icmp6_about(struct lw4o6_aftr *a, const struct work *w, uint8_t type, uint8_t code, uint32_t param)
{
	bool inner_error = w->plain && w->h.protocol == LW4O6_IPPROTO_ICMP && w->h.frag_off == 0 &&
	                   (w->h.total == w->h.hlen || lw4o6_icmp4_is_error(w->ip[w->h.hlen]));

	if (type == LW4O6_ICMP6_UNREACHABLE && (inner_error || w->h.frag_off != 0)) { /* D-062 */
		a->cnt.packets[LW4O6_CNT_ICMP6_SUPPRESSED_FORBIDDEN]++;
		return;
	}
	if (w->plain && w->ip == w->pkt->data) { /* reassembled IPv4: it is quoted as one tunnel packet */
		lw4o6_ip6_write(w->ip - LW4O6_IP6_HLEN, &w->o.src, &w->o.dst, w->h.total, LW4O6_IPPROTO_IPIP,
		                w->o.tclass, w->o.flow, w->o.hop_limit);
		aftr_icmp6(a, w->ip - LW4O6_IP6_HLEN, LW4O6_IP6_HLEN + w->h.total, type, code, param, w->now);
		return;
	}
	aftr_icmp6(a, w->pkt->data, w->pkt->len, type, code, param, w->now);
}

/* ---- packets to one of our IPv4 addresses ---- */

static bool is_ping(const struct work *w)
{
	return w->h.protocol == LW4O6_IPPROTO_ICMP && !lw4o6_ip4_is_fragment(&w->h) &&
	       w->h.total >= w->h.hlen + LW4O6_ICMP_HLEN && w->ip[w->h.hlen] == LW4O6_ICMP4_ECHO &&
	       lw4o6_icmp4_checksum_ok(w->ip, &w->h);
}

/* D-070: echo requests are answered, everything else is not for us. */
void aftr_local4(struct lw4o6_aftr *a, struct work *w)
{
	/* the reply is as long as the request and may not be cut where that had DF; 16 bits of payload hold it */
	bool fits = w->tunnel ? aftr_fits_tunnel(a, w->h.total) : w->h.total <= a->cfg.ipv4_mtu || !w->h.df;

	if (!is_ping(w) || !fits || !aftr_take(&a->echo, a->cfg.icmp4_rate, a->cfg.icmp4_burst, w->now)) {
		aftr_drop(a, w, w->tunnel ? LW4O6_CNT_DROP_V6_LOCAL : LW4O6_CNT_DROP_V4_LOCAL);
		return;
	}
	lw4o6_icmp4_echo_reply(w->ip, &w->h, a->cfg.hop_limit);
	if (w->tunnel)
		aftr_emit6(a, w, w->from, aftr_tunnel_mtu(a, w->from, w->now));
	else
		aftr_reply4(a, w);
}
