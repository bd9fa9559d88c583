#include "config.h"

#include "opt_int.h"

#include <lw4o6/dhcp6.h>

/* The first instance of a singleton counts (C-007). */
static void keep_first(struct lw4o6_span *dst, const struct lw4o6_opt6 *o)
{
	if (!dst->p)
		*dst = (struct lw4o6_span){ o->data, o->len };
}

static int decode_level(struct lw4o6_dhcp6_relay *l, struct lw4o6_span *inner, struct lw4o6_span msg)
{
	if (msg.len < LW4O6_DHCP6_RELAY_HLEN)
		return LW4O6_ETRUNC;
	*l = (struct lw4o6_dhcp6_relay){
		.hop_count = msg.p[1],
		.options = { msg.p + LW4O6_DHCP6_RELAY_HLEN, msg.len - LW4O6_DHCP6_RELAY_HLEN },
	};
	memcpy(&l->link_addr, msg.p + 2, 16);
	memcpy(&l->peer_addr, msg.p + 18, 16);
	*inner = (struct lw4o6_span){ NULL, 0 };

	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(l->options.p, l->options.len);
	struct lw4o6_opt6 o;
	int r;

	while ((r = opt6_step(&it, &o)) == 1) {
		switch (o.code) {
		case LW4O6_OPT6_RELAY_MSG:
			if (inner->p)
				return LW4O6_EMALF;
			keep_first(inner, &o);
			break;
		case LW4O6_OPT6_INTERFACE_ID:
			keep_first(&l->interface_id, &o);
			break;
		case LW4O6_OPT6_REMOTE_ID:
			keep_first(&l->remote_id, &o);
			break;
		case LW4O6_OPT6_SUBSCRIBER_ID:
			keep_first(&l->subscriber_id, &o);
			break;
		case LW4O6_OPT6_CLIENT_LINKLAYER_ADDR:
			keep_first(&l->linklayer_addr, &o);
			break;
		}
	}
	if (r < 0)
		return r;
	return inner->p ? LW4O6_OK : LW4O6_EMALF;
}

int lw4o6_dhcp6_unrelay(struct lw4o6_dhcp6_relays *r, struct lw4o6_span *inner, uint8_t type,
                        const uint8_t *buf, size_t len)
{
	struct lw4o6_span msg = { buf, len };

	for (r->n = 0;; r->n++) {
		if (msg.len == 0)
			return LW4O6_ETRUNC;
		if (msg.p[0] != type)
			break;
		if (r->n == LW4O6_DHCP6_MAX_RELAYS)
			return LW4O6_EMALF;

		struct lw4o6_span next;
		int err = decode_level(&r->level[r->n], &next, msg);

		if (err != LW4O6_OK)
			return err;
		msg = next;
	}
	*inner = msg;
	return LW4O6_OK;
}

void lw4o6_dhcp6_relay_open(struct lw4o6_wr *w, const struct lw4o6_dhcp6_relays *r, size_t *marks)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct lw4o6_dhcp6_relay *l = &r->level[i];

		lw4o6_wr_u8(w, LW4O6_DHCP6_RELAY_REPL);
		lw4o6_wr_u8(w, l->hop_count);
		lw4o6_wr_put(w, &l->link_addr, 16);
		lw4o6_wr_put(w, &l->peer_addr, 16);
		if (l->interface_id.p)
			lw4o6_opt6_put(w, LW4O6_OPT6_INTERFACE_ID, l->interface_id.p, l->interface_id.len);
		marks[i] = lw4o6_opt6_open(w, LW4O6_OPT6_RELAY_MSG);
	}
}

void lw4o6_dhcp6_relay_close(struct lw4o6_wr *w, const struct lw4o6_dhcp6_relays *r, const size_t *marks)
{
	for (unsigned i = r->n; i > 0; i--)
		lw4o6_opt6_close(w, marks[i - 1]);
}
