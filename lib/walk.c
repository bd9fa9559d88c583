#include "config.h"

#include "dhcp4_int.h"
#include "print_int.h"

enum { MSG6, MSG4, OPTIONS6, OPTIONS4 };
enum { SEEN_CLIENTID = 1, SEEN_SERVERID = 2, SEEN_RELAY_MSG = 4, SEEN_DHCPV4_MSG = 8 };

static struct lw4o6_walk_level *push(struct lw4o6_walk *w, uint8_t what, const uint8_t *p, size_t len, unsigned depth)
{
	if (w->n == LW4O6_WALK_LEVELS)
		return NULL;

	struct lw4o6_walk_level *l = &w->level[w->n++];

	*l = (struct lw4o6_walk_level){ .p = p, .end = p + len, .depth = depth, .what = what };
	return l;
}

void lw4o6_walk_init6(struct lw4o6_walk *w, const uint8_t *buf, size_t len)
{
	w->base = buf;
	w->n = w->relays = 0;
	push(w, MSG6, buf, len, 0);
}

void lw4o6_walk_init4(struct lw4o6_walk *w, const uint8_t *buf, size_t len)
{
	w->base = buf;
	w->n = w->relays = 0;
	push(w, MSG4, buf, len, 0);
}

static bool is_relay(uint8_t type)
{
	return type == LW4O6_DHCP6_RELAY_FORW || type == LW4O6_DHCP6_RELAY_REPL;
}

static void next_msg6(struct lw4o6_walk *w, struct lw4o6_item *item)
{
	struct lw4o6_walk_level l = w->level[--w->n], *options;
	size_t len = (size_t)(l.end - l.p), hlen;

	item->kind = LW4O6_ITEM_MSG6;
	item->depth = l.depth;
	item->offset = (size_t)(l.p - w->base);
	item->body = (struct lw4o6_span){ l.p, len };
	item->code = len > 0 ? l.p[0] : 0;
	hlen = is_relay((uint8_t)item->code) ? LW4O6_DHCP6_RELAY_HLEN : LW4O6_DHCP6_HLEN;
	if (len < hlen) {
		fault_set(item, LW4O6_ETRUNC, 0, "%zu octets, a header has %zu", len, hlen);
		return;
	}
	if (!lw4o6_dhcp6_type_name((uint8_t)item->code)) {
		fault_set(item, LW4O6_EUNKNOWN, 0, "unknown message type");
		return;
	}
	if (is_relay((uint8_t)item->code) && ++w->relays > LW4O6_DHCP6_MAX_RELAYS) {
		fault_set(item, LW4O6_EMALF, 0, "more than %d relays", LW4O6_DHCP6_MAX_RELAYS);
		return;
	}
	options = push(w, OPTIONS6, l.p + hlen, len - hlen, l.depth + 1);
	if (options) {
		options->code = l.code;
		options->type = (uint8_t)item->code;
		options->place = is_relay(options->type) ? IN_RELAY : IN_MSG;
	}
}

/*
 * Count the instances of each known code, so that split options can be shown joined where they begin.
 * Those of unknown codes come one by one: joining each would cost a walk per code.
 */
static void count_options4(struct lw4o6_walk *w, const uint8_t *msg, size_t len)
{
	struct lw4o6_opt4_iter it = opt4_start(msg, len);
	struct lw4o6_opt4 o;

	memset(w->count, 0, sizeof(w->count));
	memset(w->shown, 0, sizeof(w->shown));
	while (opt4_step(&it, &o) == 1) {
		if (w->count[o.code] < UINT8_MAX && opt4_desc(o.code))
			w->count[o.code]++;
	}
}

static void next_msg4(struct lw4o6_walk *w, struct lw4o6_item *item)
{
	struct lw4o6_walk_level l = w->level[--w->n], *options;
	size_t len = (size_t)(l.end - l.p);
	struct lw4o6_span type;

	item->kind = LW4O6_ITEM_MSG4;
	item->depth = l.depth;
	item->offset = (size_t)(l.p - w->base);
	item->body = (struct lw4o6_span){ l.p, len };
	fault_of_msg4(item);
	if (len < LW4O6_DHCP4_HLEN)
		return;
	if (lw4o6_dhcp4_option(l.p, len, LW4O6_OPT4_MSG_TYPE, NULL, 0, &type) == LW4O6_OK && type.len == 1)
		item->code = type.p[0];
	if (item->err != LW4O6_OK)
		return;
	options = push(w, OPTIONS4, l.p, len, l.depth + 1);
	if (options) {
		options->code = l.code;
		w->v4 = opt4_start(l.p, len);
		count_options4(w, l.p, len);
	}
}

static uint8_t fatal_bit(uint16_t code)
{
	switch (code) {
	case LW4O6_OPT6_CLIENTID:
		return SEEN_CLIENTID;
	case LW4O6_OPT6_SERVERID:
		return SEEN_SERVERID;
	case LW4O6_OPT6_RELAY_MSG:
		return SEEN_RELAY_MSG;
	case LW4O6_OPT6_DHCPV4_MSG:
		return SEEN_DHCPV4_MSG;
	default:
		return 0;
	}
}

static uint16_t place_in(uint16_t code)
{
	switch (code) {
	case LW4O6_OPT6_IA_NA:
	case LW4O6_OPT6_IA_TA:
		return IN_IA;
	case LW4O6_OPT6_IA_PD:
		return IN_IA_PD;
	case LW4O6_OPT6_S46_CONT_LW:
		return IN_LW;
	case LW4O6_OPT6_S46_CONT_MAPE:
		return IN_MAPE;
	case LW4O6_OPT6_S46_CONT_MAPT:
		return IN_MAPT;
	case LW4O6_OPT6_S46_V4V6BIND:
		return IN_BIND;
	case LW4O6_OPT6_S46_RULE:
		return IN_RULE;
	default:
		return IN_ADDR;
	}
}

/* Open what is inside an option. */
static void descend(struct lw4o6_walk *w, const struct lw4o6_item *item, const struct opt_desc *d)
{
	struct lw4o6_walk_level *l = NULL;
	size_t at;

	if (d->shape == OPT_MSG6)
		l = push(w, MSG6, item->body.p, item->body.len, item->depth + 1);
	else if (d->shape == OPT_MSG4)
		l = push(w, MSG4, item->body.p, item->body.len, item->depth + 1);
	else if (nested_at(d, item->body, &at))
		l = push(w, OPTIONS6, item->body.p + at, item->body.len - at, item->depth + 1);
	if (l) {
		l->code = item->code;
		l->place = place_in(item->code);
		l->part_addr = item->code == LW4O6_OPT6_S46_RULE && item->body.p[2] < 32;
	}
}

/* What must stand among the options of a message and does not. */
static bool missing6(struct lw4o6_walk_level *l, struct lw4o6_item *item)
{
	uint16_t code = 0;

	if (l->place == IN_RELAY && !(l->seen & SEEN_RELAY_MSG))
		code = LW4O6_OPT6_RELAY_MSG;
	else if ((l->type == LW4O6_DHCP6_DHCPV4_QUERY || l->type == LW4O6_DHCP6_DHCPV4_RESPONSE) &&
	         !(l->seen & SEEN_DHCPV4_MSG))
		code = LW4O6_OPT6_DHCPV4_MSG;
	if (code == 0)
		return false;
	item->code = code;
	fault_set(item, LW4O6_EMALF, 0, "missing");
	return true;
}

static void check_option6(struct lw4o6_walk_level *l, struct lw4o6_item *item, const struct opt_desc *d)
{
	uint8_t bit = fatal_bit(item->code);

	item->misplaced = !(d->place & l->place);
	if (bit & l->seen)
		fault_set(item, LW4O6_EMALF, 0, "stands twice");
	l->seen |= bit;
	fault_of_body(item, d);
	/* C-025 */
	if (l->part_addr && item->code == LW4O6_OPT6_S46_PORTPARAMS && item->err == LW4O6_OK && item->body.p[1] > 0)
		fault_set(item, LW4O6_EMALF, 1, "PSID without a whole IPv4 address");
}

static bool next_option6(struct lw4o6_walk *w, struct lw4o6_item *item)
{
	struct lw4o6_walk_level *l = &w->level[w->n - 1];
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(l->p, (size_t)(l->end - l->p));
	struct lw4o6_opt6 o;
	int r = opt6_step(&it, &o);

	item->kind = LW4O6_ITEM_OPT6;
	item->depth = l->depth;
	item->offset = (size_t)(l->p - w->base);
	if (r == 0) {
		w->n--;
		return missing6(l, item);
	}
	if (r < 0) {
		size_t left = (size_t)(l->end - l->p);

		w->n--;
		item->code = left >= 2 ? get_be16(l->p) : 0;
		item->body = (struct lw4o6_span){ l->p, left };
		if (left < OPT6_HLEN)
			fault_set(item, LW4O6_ETRUNC, 0, "%zu octets left, an option has 4 or more", left);
		else
			fault_set(item, LW4O6_ETRUNC, 2, "length %u runs past the end, %zu octets left",
			          get_be16(l->p + 2), left - OPT6_HLEN);
		return true;
	}
	l->p = it.p;
	item->code = o.code;
	item->body = (struct lw4o6_span){ o.data, o.len };

	const struct opt_desc *d = opt6_desc(o.code);

	if (d) {
		check_option6(l, item, d);
		if (!item->misplaced)
			descend(w, item, d);
	}
	return true;
}

static void join4(struct lw4o6_walk *w, const struct lw4o6_walk_level *l, struct lw4o6_item *item)
{
	size_t len;
	uint8_t code = (uint8_t)item->code;

	if (dhcp4_gather(l->p, (size_t)(l->end - l->p), code, w->scratch, sizeof(w->scratch), &len) == LW4O6_ESPACE)
		fault_set(item, LW4O6_EMALF, 0, "split into %u, more than %zu octets", w->count[code],
		          sizeof(w->scratch));
	else
		item->body = (struct lw4o6_span){ w->scratch, len };
}

static bool next_option4(struct lw4o6_walk *w, struct lw4o6_item *item)
{
	struct lw4o6_walk_level *l = &w->level[w->n - 1];
	struct lw4o6_opt4 o;
	int r;

	item->kind = LW4O6_ITEM_OPT4;
	item->depth = l->depth;
	do
		r = opt4_step(&w->v4, &o);
	while (r == 1 && w->shown[o.code] && w->count[o.code] > 1);
	item->offset = (size_t)((r < 0 ? w->v4.p : r == 0 ? l->end : o.data - OPT4_HLEN) - w->base);
	if (r <= 0) {
		w->n--;
		item->code = r == 0 ? LW4O6_OPT4_MSG_TYPE : w->v4.p[0];
		if (r < 0)
			fault_set(item, LW4O6_ETRUNC, 0, "runs past the end");
		else if (w->count[LW4O6_OPT4_MSG_TYPE] == 0)
			fault_set(item, LW4O6_EMALF, 0, "missing");
		if (r < 0)
			item->body = (struct lw4o6_span){ w->v4.p, (size_t)(w->v4.end - w->v4.p) };
		return item->err != LW4O6_OK;
	}
	item->code = o.code;
	item->body = (struct lw4o6_span){ o.data, o.len };
	if (w->count[o.code] > 1)
		join4(w, l, item);
	w->shown[o.code] = 1;
	if (opt4_desc(o.code))
		fault_of_body(item, opt4_desc(o.code));
	return true;
}

/* One step on the innermost level. @return false when it gave no item. */
static bool step(struct lw4o6_walk *w, struct lw4o6_item *item)
{
	memset(item, 0, sizeof(*item));
	switch (w->level[w->n - 1].what) {
	case MSG6:
		next_msg6(w, item);
		return true;
	case MSG4:
		next_msg4(w, item);
		return true;
	case OPTIONS6:
		return next_option6(w, item);
	default:
		return next_option4(w, item);
	}
}

bool lw4o6_walk_next(struct lw4o6_walk *w, struct lw4o6_item *item)
{
	while (w->n > 0) {
		if (step(w, item))
			return true;
	}
	return false;
}

/* The options that are open around the next item. */
static void note_path(const struct lw4o6_walk *w, struct lw4o6_fault *f)
{
	f->n = 0;
	for (unsigned i = 0; i < w->n && f->n < LW4O6_FAULT_PATH; i++) {
		if (w->level[i].code != 0)
			f->path[f->n++] = w->level[i].code;
	}
}

static int find(struct lw4o6_fault *f, struct lw4o6_walk *w)
{
	struct lw4o6_item item;
	struct lw4o6_fault found;

	do {
		if (w->n == 0)
			return LW4O6_OK;
		note_path(w, &found);
	} while (!step(w, &item) || item.err == LW4O6_OK || item.misplaced);
	if (item.kind != LW4O6_ITEM_MSG6 && item.kind != LW4O6_ITEM_MSG4 && found.n < LW4O6_FAULT_PATH)
		found.path[found.n++] = item.code;
	found.err = item.err;
	found.offset = item.err_at;
	memcpy(found.reason, item.reason, sizeof(found.reason));
	*f = found;
	return f->err;
}

int lw4o6_fault_find6(struct lw4o6_fault *f, const uint8_t *buf, size_t len)
{
	struct lw4o6_walk w;

	lw4o6_walk_init6(&w, buf, len);
	return find(f, &w);
}

int lw4o6_fault_find4(struct lw4o6_fault *f, const uint8_t *buf, size_t len)
{
	struct lw4o6_walk w;

	lw4o6_walk_init4(&w, buf, len);
	return find(f, &w);
}
