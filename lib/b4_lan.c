/* From the LAN: section 2, "B4, LAN side". */
#include "config.h"

#include "b4_int.h"

static bool in_prefix(struct in_addr a, const struct lw4o6_b4_prefix *p)
{
	uint32_t mask = p->len == 0 ? 0 : UINT32_MAX << (32 - p->len);

	return ((ntohl(a.s_addr) ^ ntohl(p->addr.s_addr)) & mask) == 0;
}

/* D-226. */
static bool is_internal(const struct lw4o6_b4 *b, struct in_addr a)
{
	if (a.s_addr == b->rec.ipv4.s_addr || lw4o6_ip4_is_martian(a))
		return false;
	for (size_t i = 0; i < b->cfg.n_internal; i++)
		if (in_prefix(a, &b->cfg.internal[i]))
			return true;
	return false;
}

static bool is_private(struct in_addr a)
{
	uint32_t v = ntohl(a.s_addr);

	return v >> 24 == 10 || v >> 20 == 0xac1 || v >> 16 == 0xc0a8;
}

/* D-228, D-261: destinations that never enter the tunnel. */
static bool may_enter(const struct lw4o6_b4 *b, struct in_addr a)
{
	if (a.s_addr == b->rec.ipv4.s_addr)
		return true;
	if (lw4o6_ip4_is_martian(a) || ntohl(a.s_addr) >> 16 == 0xa9fe)
		return false;
	return b->cfg.tunnel_private_destinations || !is_private(a);
}

/* D-046: loose or strict source route among the options, which end inside the header. */
static bool is_source_routed(const uint8_t *pkt, const struct lw4o6_ip4 *h)
{
	size_t i = LW4O6_IP4_HLEN;

	while (i < h->hlen && pkt[i] != 0) {
		if (pkt[i] == 131 || pkt[i] == 137)
			return true;
		if (pkt[i] == 1)
			i++;
		else if (i + 1 >= h->hlen || pkt[i + 1] < 2)
			break;
		else
			i += pkt[i + 1];
	}
	return false;
}

static unsigned header_reason(enum lw4o6_ip4_error e)
{
	switch (e) {
	case LW4O6_IP4_NOT_IPV4:
		return LW4O6_CNT_DROP_V4_NOT_IPV4;
	case LW4O6_IP4_TRUNCATED:
		return LW4O6_CNT_DROP_V4_TRUNCATED;
	case LW4O6_IP4_MALFORMED:
		return LW4O6_CNT_DROP_V4_HEADER_MALFORMED;
	default:
		return LW4O6_CNT_DROP_V4_HEADER_CHECKSUM;
	}
}

void b4_lan_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, lw4o6_time now)
{
	struct work w = {
		.p = p, .side = LW4O6_SIDE_IPV4, .data = p->data, .len = p->len, .headroom = p->headroom,
		.in_place = true, .outer_tc = -1,
	};

	b4_count(b, LW4O6_CNT_RCVD_IPV4, p->len);
	if (!b4_service(b, now)) {
		b4_drop(b, &w, LW4O6_CNT_NAT_DROP_NO_CONFIG);
		return;
	}

	enum lw4o6_ip4_error e = lw4o6_ip4_decode(&w.h, w.data, w.len);
	if (e != LW4O6_IP4_OK) {
		b4_drop(b, &w, header_reason(e));
		return;
	}
	w.len = w.h.total; /* what lies behind is padding (D-039) */

	unsigned why = 0;
	if (!is_internal(b, w.h.src))
		why = LW4O6_CNT_B4_DROP_LAN_SOURCE;
	else if (!may_enter(b, w.h.dst))
		why = LW4O6_CNT_B4_DROP_LAN_DEST;
	else if (is_source_routed(w.data, &w.h))
		why = LW4O6_CNT_DROP_V4_SOURCE_ROUTE;
	else if (w.h.ttl == 0 || (w.h.ttl == 1 && b4_decrements_out(b, &w)))
		why = LW4O6_CNT_B4_DROP_TTL;
	if (why != 0) {
		b4_drop(b, &w, why);
		if (why == LW4O6_CNT_B4_DROP_TTL)
			b4_icmp4_to_lan(b, &w, (struct reply4){ LW4O6_ICMP4_TIME_EXCEEDED, 0, 0 }, now);
		return;
	}
	if (lw4o6_ip4_is_fragment(&w.h)) {
		b4_fragment(b, &w, now);
		return;
	}

	struct path path;
	if (b4_path_find(b, &w, &path, now))
		b4_path_take(b, &w, &path, now);
}
