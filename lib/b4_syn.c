/* Unsolicited SYNs, when the knob wants them answered: port unreachable after six seconds, unless the LAN sends
 * a SYN of its own for that connection meanwhile (D-281; RFC 5382 REQ-4). */
#include "config.h"

#include "b4_int.h"
#include "cursor.h"

#include <string.h>

enum { SYN_FLAGS = 0x12, SYN_ALONE = 0x02 };

static struct pending_syn *at(struct lw4o6_b4 *b, uint32_t i)
{
	return &b->syns[(b->syn_first + i) % b->cfg.syn_pending_max];
}

/* The place of a pending record in the ring, syn_count when there is none. */
static uint32_t find(struct lw4o6_b4 *b, struct in_addr remote, uint16_t rport, uint16_t eport)
{
	uint32_t i = 0;

	for (; i < b->syn_count; i++) {
		const struct pending_syn *s = at(b, i);

		if (s->len != 0 && s->remote.s_addr == remote.s_addr && s->rport == rport && s->eport == eport)
			break;
	}
	return i;
}

static void pop_cancelled(struct lw4o6_b4 *b)
{
	while (b->syn_count > 0 && at(b, 0)->len == 0) {
		b->syn_first = (b->syn_first + 1) % b->cfg.syn_pending_max;
		b->syn_count--;
	}
}

/* All wait equally long, so the ring is in the order of time. Full: this one gets no answer. */
void b4_syn_refused(struct lw4o6_b4 *b, const struct work *w, lw4o6_time now)
{
	const uint8_t *tcp = w->data + w->h.hlen;

	if (w->h.protocol != LW4O6_IPPROTO_TCP || w->h.total < w->h.hlen + 20 || (tcp[13] & SYN_FLAGS) != SYN_ALONE)
		return;

	uint16_t rport = get_be16(tcp), eport = get_be16(tcp + 2);
	if (b->syn_count == b->cfg.syn_pending_max || find(b, w->h.src, rport, eport) < b->syn_count)
		return;

	struct pending_syn *s = at(b, b->syn_count++);
	*s = (struct pending_syn){
		.remote = w->h.src, .rport = rport, .eport = eport,
		.due = lw4o6_time_add(now, SYN_DELAY_S * LW4O6_SEC),
		.len = (uint16_t)(w->len < SYN_QUOTE ? w->len : SYN_QUOTE),
	};
	memcpy(s->quote, w->data, s->len);
}

void b4_syn_sent(struct lw4o6_b4 *b, const struct lw4o6_ip4 *h, const struct lw4o6_napt_xlat *x)
{
	if (h->protocol != LW4O6_IPPROTO_TCP)
		return;

	uint32_t i = find(b, x->dst, x->dport, x->sport);
	if (i < b->syn_count)
		at(b, i)->len = 0;
	pop_cancelled(b);
}

void b4_syn_tick(struct lw4o6_b4 *b, lw4o6_time now)
{
	while (b->syn_count > 0 && now >= at(b, 0)->due && outq_has_room(&b->outq, OUT_OCTETS, OUT_PIECES)) {
		struct pending_syn *s = at(b, 0);
		struct work w = { .side = LW4O6_SIDE_IPV6, .data = s->quote, .len = s->len, .outer_tc = -1 };

		if (lw4o6_ip4_decode_quoted(&w.h, w.data, w.len) == LW4O6_IP4_OK)
			b4_icmp4_to_tunnel(b, &w, (struct reply4){ LW4O6_ICMP4_UNREACHABLE, LW4O6_ICMP4_PORT, 0 }, now);
		s->len = 0;
		pop_cancelled(b);
	}
}

void b4_syn_clear(struct lw4o6_b4 *b)
{
	b->syn_first = b->syn_count = 0;
}

lw4o6_time b4_syn_expiry(const struct lw4o6_b4 *b)
{
	return b->syn_count > 0 ? b->syns[b->syn_first].due : LW4O6_TIME_NONE;
}
