/* TCP tracking: the state machine of RFC 7857 section 2, and windows enough to know a blind RST (D-289 to D-292). */
#include "config.h"

#include "cursor.h"
#include "napt_int.h"

enum { END_SEEN = 1, ACK_SEEN = 4, SCALE_SEEN = 16 }; /* of DIR_OUT; shifted by one for DIR_IN */

/* The window scale option of a SYN, -1 without one. The walk is bounded by the header. */
static int read_scale(const uint8_t *opt, size_t len)
{
	size_t i = 0;

	while (i < len && opt[i] != 0) {
		if (opt[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || opt[i + 1] < 2 || opt[i + 1] > len - i)
			break;
		if (opt[i] == 3 && opt[i + 1] == 3)
			return opt[i + 2] > 14 ? 14 : opt[i + 2];
		i += opt[i + 1];
	}
	return -1;
}

/* @len counts the octets of the segment that are there. false: not even a header. */
bool napt_tcp_read(struct tcp_seg *t, const uint8_t *l4, size_t len)
{
	if (len < 20)
		return false;

	size_t hlen = (size_t)(l4[12] >> 4) * 4;
	if (hlen < 20)
		hlen = 20;
	if (hlen > len)
		hlen = len;
	t->seq = get_be32(l4 + 4);
	t->ack = get_be32(l4 + 8);
	t->flags = l4[13];
	t->win = get_be16(l4 + 14);
	t->len = (uint32_t)(len - hlen) + ((t->flags & TCP_SYN) != 0) + ((t->flags & TCP_FIN) != 0);
	t->scale = (t->flags & TCP_SYN) != 0 ? read_scale(l4 + 20, hlen - 20) : -1;
	return true;
}

static bool after(uint32_t x, uint32_t y)
{
	return (int32_t)(x - y) > 0;
}

static void track(struct tcp_track *k, const struct tcp_seg *t, enum dir d)
{
	uint32_t end = t->seq + t->len;

	if ((k->seen & END_SEEN << d) == 0 || after(end, k->end[d]))
		k->end[d] = end;
	k->seen |= (uint8_t)(END_SEEN << d);
	if ((t->flags & TCP_ACK) != 0) {
		if ((k->seen & ACK_SEEN << d) == 0 || after(t->ack, k->ack[d]))
			k->ack[d] = t->ack;
		k->seen |= (uint8_t)(ACK_SEEN << d);
	}
	if (t->scale >= 0) {
		k->scale[d] = (uint8_t)t->scale;
		k->seen |= (uint8_t)(SCALE_SEEN << d);
	}
	k->win[d] = t->win;
}

/* A scale counts when both ends offered one (RFC 7323 section 2.2). */
static uint32_t window(const struct tcp_track *k, enum dir d)
{
	bool scaled = (k->seen & SCALE_SEEN) != 0 && (k->seen & SCALE_SEEN << 1) != 0;
	uint32_t w = (uint32_t)k->win[d] << (scaled ? k->scale[d] : 0);

	return w == 0 ? 1 : w;
}

/*
 * Is the RST inside what the receiver expects? As long as the receiver has acknowledged nothing, it must
 * acknowledge the receiver's own sequence number: the refusal of a SYN. D-292.
 */
static bool rst_in_window(const struct tcp_track *k, const struct tcp_seg *t, enum dir d)
{
	enum dir other = d == DIR_OUT ? DIR_IN : DIR_OUT;

	if ((k->seen & ACK_SEEN << other) != 0)
		return t->seq - k->ack[other] < window(k, other);
	if ((t->flags & TCP_ACK) != 0 && (k->seen & END_SEEN << other) != 0)
		return t->ack == k->end[other];
	return (k->seen & END_SEEN << d) != 0 && t->seq == k->end[d];
}

void napt_tcp_open(struct lw4o6_napt *n, uint32_t i, const struct tcp_seg *t, enum dir d, lw4o6_time now)
{
	struct session *s = &n->sess[i];
	bool syn = (t->flags & TCP_SYN) != 0;

	n->tcp[i] = (struct tcp_track){ .seen = 0 };
	track(&n->tcp[i], t, d);
	if (s->by_remote != (d == DIR_IN)) {
		s->by_remote = d == DIR_IN;
		n->by_remote += s->by_remote ? 1 : UINT32_MAX;
	}
	s->state = syn ? LW4O6_NAPT_TCP_INIT : LW4O6_NAPT_TCP_ESTABLISHED;
	napt_set_deadline(n, i, lw4o6_time_add(now, (syn ? n->cfg.tcp_transitory_s : n->cfg.tcp_established_s) *
	                                                    LW4O6_SEC));
}

/* State after a FIN from one end; @opener: from the end that opened the connection. */
static uint8_t after_fin(uint8_t state, bool opener)
{
	uint8_t own = opener ? LW4O6_NAPT_TCP_C_FIN : LW4O6_NAPT_TCP_S_FIN;

	if (state == LW4O6_NAPT_TCP_ESTABLISHED || state == own)
		return own;
	return LW4O6_NAPT_TCP_BOTH_FIN;
}

static void enter(struct lw4o6_napt *n, uint32_t i, uint8_t state, lw4o6_time now)
{
	uint32_t s = n->cfg.tcp_established_s;

	if (state == LW4O6_NAPT_TCP_INIT || state == LW4O6_NAPT_TCP_TRANS)
		s = n->cfg.tcp_transitory_s;
	else if (state == LW4O6_NAPT_TCP_BOTH_FIN)
		s = n->cfg.tcp_closing_s;
	n->sess[i].state = state;
	napt_set_deadline(n, i, lw4o6_time_add(now, s * LW4O6_SEC));
}

/* One segment of a known session. */
void napt_tcp_step(struct lw4o6_napt *n, uint32_t i, const struct tcp_seg *t, enum dir d, lw4o6_time now)
{
	struct session *s = &n->sess[i];
	bool opener = s->by_remote == (d == DIR_IN), syn = (t->flags & TCP_SYN) != 0, fin = (t->flags & TCP_FIN) != 0;
	uint8_t state = s->state;

	if ((t->flags & TCP_RST) != 0) {
		if (state != LW4O6_NAPT_TCP_TRANS && state != LW4O6_NAPT_TCP_BOTH_FIN &&
		    rst_in_window(&n->tcp[i], t, d))
			enter(n, i, LW4O6_NAPT_TCP_TRANS, now);
		return;
	}
	if (syn && (t->flags & TCP_ACK) == 0 && state >= LW4O6_NAPT_TCP_BOTH_FIN) {
		napt_tcp_open(n, i, t, d, now); /* the endpoints use the ports again */
		return;
	}
	track(&n->tcp[i], t, d);
	switch (state) {
	case LW4O6_NAPT_TCP_INIT:
		if (syn)
			enter(n, i, opener ? LW4O6_NAPT_TCP_INIT : LW4O6_NAPT_TCP_ESTABLISHED, now);
		break;
	case LW4O6_NAPT_TCP_TRANS:
		enter(n, i, LW4O6_NAPT_TCP_ESTABLISHED, now);
		break;
	case LW4O6_NAPT_TCP_BOTH_FIN:
		break; /* the closing timer runs from the second FIN (D-294) */
	default:
		enter(n, i, fin ? after_fin(state, opener) : state, now);
	}
}
