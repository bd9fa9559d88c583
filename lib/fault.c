#include "config.h"

#include "dhcp4_int.h"
#include "print_int.h"

#include <stdarg.h>
#include <stdio.h>

void fault_set(struct lw4o6_item *item, int err, size_t at, const char *fmt, ...)
{
	va_list ap;

	if (item->err != LW4O6_OK)
		return;
	item->err = err;
	item->err_at = item->offset + at;
	if (item->kind == LW4O6_ITEM_OPT6)
		item->err_at += item->body.p && err != LW4O6_ETRUNC ? OPT6_HLEN : 0;
	else if (item->kind == LW4O6_ITEM_OPT4)
		item->err_at += item->body.p && err != LW4O6_ETRUNC ? OPT4_HLEN : 0;
	va_start(ap, fmt);
	vsnprintf(item->reason, sizeof(item->reason), fmt, ap);
	va_end(ap);
}

static void fault_of_length(struct lw4o6_item *item, const struct opt_desc *d)
{
	size_t len = item->body.len;

	if (d->min == d->max && len != d->min)
		fault_set(item, LW4O6_EMALF, 0, "length %zu, not %u", len, d->min);
	else if (len < d->min)
		fault_set(item, LW4O6_EMALF, 0, "length %zu, at least %u", len, d->min);
	else if (len > d->max)
		fault_set(item, LW4O6_EMALF, 0, "length %zu, at most %u", len, d->max);
	else if (!opt_len_ok(d, len))
		fault_set(item, LW4O6_EMALF, 0, "length %zu is no multiple of %u", len, d->unit);
}

static void fault_of_ports(struct lw4o6_item *item)
{
	const uint8_t *p = item->body.p;

	if (p[0] > 15)
		fault_set(item, LW4O6_EBADPSID, 0, "offset %u is over 15", p[0]);
	else if (p[1] > 16)
		fault_set(item, LW4O6_EBADPSID, 1, "PSID length %u is over 16", p[1]);
	else if (p[0] + p[1] > 16)
		fault_set(item, LW4O6_EBADPSID, 1, "offset %u and PSID length %u exceed 16 bits", p[0], p[1]);
	else if (p[1] > 0 && ((uint32_t)get_be16(p + 2) << p[1] & 0xffff) != 0)
		fault_set(item, LW4O6_EBADPSID, 2, "PSID has set padding bits (right-justified by the sender?)");
}

/* A length octet at @p at and the octets of a prefix; more behind it is right only with nested options. */
static void fault_of_prefix(struct lw4o6_item *item, size_t at, bool nested)
{
	unsigned bits = item->body.p[at], need = (bits + 7) / 8;
	size_t have = item->body.len - at - 1;

	if (bits > 128)
		fault_set(item, LW4O6_EMALF, at, "prefix length %u is over 128", bits);
	else if (have < need || (!nested && have > need))
		fault_set(item, LW4O6_EMALF, at, "prefix length %u needs %u octets, there are %zu", bits, need, have);
}

static void fault_of_rule(struct lw4o6_item *item)
{
	const uint8_t *p = item->body.p;

	if (p[1] > 48)
		fault_set(item, LW4O6_EMALF, 1, "EA length %u is over 48", p[1]);
	else if (p[2] > 32)
		fault_set(item, LW4O6_EMALF, 2, "IPv4 prefix length %u is over 32", p[2]);
	else
		fault_of_prefix(item, 7, true);
}

static void fault_of_lifetimes(struct lw4o6_item *item, size_t at)
{
	uint32_t preferred = get_be32(item->body.p + at), valid = get_be32(item->body.p + at + 4);

	if (preferred > valid)
		fault_set(item, LW4O6_EMALF, at, "preferred lifetime %u is over valid lifetime %u", preferred, valid);
}

static void fault_of_ia(struct lw4o6_item *item)
{
	uint32_t t1 = get_be32(item->body.p + 4), t2 = get_be32(item->body.p + 8);

	if (t2 > 0 && t1 > t2)
		fault_set(item, LW4O6_EMALF, 4, "T1 %u is after T2 %u", t1, t2);
}

/* C-024: what container 96 must and must not hold. */
static void fault_of_lw(struct lw4o6_item *item)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(item->body.p, item->body.len);
	struct lw4o6_opt6 o;
	unsigned br = 0, bind = 0;

	while (opt6_step(&it, &o) == 1) {
		const struct opt_desc *d = opt6_desc(o.code);
		size_t at = (size_t)(o.data - OPT6_HLEN - item->body.p);

		br += o.code == LW4O6_OPT6_S46_BR && o.len == 16;
		if (o.code == LW4O6_OPT6_S46_V4V6BIND && ++bind > 1)
			fault_set(item, LW4O6_EMALF, at, "a second S46_V4V6BIND");
		if (d && (o.code == LW4O6_OPT6_S46_RULE || o.code == LW4O6_OPT6_S46_DMR || d->shape == OPT_CONTAINER))
			fault_set(item, LW4O6_EMALF, at, "%s may not be in it", d->name);
	}
	if (br == 0)
		fault_set(item, LW4O6_EMALF, 0, "no valid S46_BR");
}

/* C-026: no code twice. */
static void fault_of_priority(struct lw4o6_item *item)
{
	uint8_t seen[(UINT16_MAX + 1) / 8] = { 0 };

	for (size_t i = 0; i + 2 <= item->body.len; i += 2) {
		uint16_t code = get_be16(item->body.p + i);
		uint8_t bit = (uint8_t)(1 << code % 8);

		if (seen[code / 8] & bit)
			fault_set(item, LW4O6_EMALF, i, "code %u stands twice", code);
		seen[code / 8] |= bit;
	}
}

static void fault_of_suboptions(struct lw4o6_item *item)
{
	struct rd r = rd_init(item->body.p, item->body.len);

	while (r.err == LW4O6_OK && rd_left(&r) > 0) {
		size_t at = (size_t)(r.p - item->body.p);
		unsigned code = rd_u8(&r);

		rd_ptr(&r, rd_u8(&r));
		if (r.err != LW4O6_OK)
			fault_set(item, LW4O6_EMALF, at, "sub-option %u runs past the end", code);
	}
}

void fault_of_body(struct lw4o6_item *item, const struct opt_desc *d)
{
	struct lw4o6_span b = item->body;

	fault_of_length(item, d);
	if (item->err != LW4O6_OK)
		return;
	switch (d->shape) {
	case OPT_PORTPARAMS:
		fault_of_ports(item);
		break;
	case OPT_PREFIX:
		fault_of_prefix(item, 0, false);
		break;
	case OPT_BIND:
		fault_of_prefix(item, 4, true);
		break;
	case OPT_RULE:
		fault_of_rule(item);
		break;
	case OPT_IA:
		fault_of_ia(item);
		break;
	case OPT_IAADDR:
		fault_of_lifetimes(item, 16);
		break;
	case OPT_IAPREFIX:
		fault_of_lifetimes(item, 0);
		if (b.p[8] > 128)
			fault_set(item, LW4O6_EMALF, 8, "prefix length %u is over 128", b.p[8]);
		break;
	case OPT_CONTAINER:
		if (item->code == LW4O6_OPT6_S46_CONT_LW)
			fault_of_lw(item);
		break;
	case OPT_CODES16:
		if (item->code == LW4O6_OPT6_S46_PRIORITY)
			fault_of_priority(item);
		break;
	case OPT_STATUS4:
		if (b.len > 1 && memchr(b.p + 1, 0, b.len - 1))
			fault_set(item, LW4O6_EMALF, 1, "NUL in the text");
		break;
	case OPT_SUBOPTIONS4:
		fault_of_suboptions(item);
		break;
	case OPT_TYPE4:
		if (!lw4o6_dhcp4_type_name(b.p[0]))
			fault_set(item, LW4O6_EUNKNOWN, 0, "unknown message type %u", b.p[0]);
		break;
	}
}

void fault_of_msg4(struct lw4o6_item *item)
{
	const uint8_t *p = item->body.p;

	if (item->body.len < LW4O6_DHCP4_HLEN)
		fault_set(item, LW4O6_ETRUNC, 0, "%zu octets, a header has %d", item->body.len, LW4O6_DHCP4_HLEN);
	else if (get_be32(p + DHCP4_COOKIE_AT) != DHCP4_COOKIE)
		fault_set(item, LW4O6_EMALF, DHCP4_COOKIE_AT, "no magic cookie");
	else if (p[0] != LW4O6_DHCP4_BOOTREQUEST && p[0] != LW4O6_DHCP4_BOOTREPLY)
		fault_set(item, LW4O6_EMALF, 0, "op %u", p[0]);
	else if (p[2] > 16)
		fault_set(item, LW4O6_EMALF, 2, "hardware address of %u octets, at most 16", p[2]);
}

bool nested_at(const struct opt_desc *d, struct lw4o6_span body, size_t *at)
{
	switch (d->shape) {
	case OPT_IA:
		*at = 12;
		break;
	case OPT_IA_TA:
		*at = 4;
		break;
	case OPT_IAADDR:
		*at = 24;
		break;
	case OPT_IAPREFIX:
		*at = 25;
		break;
	case OPT_CONTAINER:
		*at = 0;
		break;
	case OPT_BIND:
		*at = body.len > 4 ? 5u + (body.p[4] + 7u) / 8 : SIZE_MAX;
		break;
	case OPT_RULE:
		*at = body.len > 7 ? 8u + (body.p[7] + 7u) / 8 : SIZE_MAX;
		break;
	default:
		return false;
	}
	return *at <= body.len;
}
