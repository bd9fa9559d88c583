#include "config.h"

#include "dhcp4_int.h"
#include "print_int.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

/* Text being put together; what does not fit is left out and the end says so. */
struct text {
	char *p;
	size_t room, len;
	bool cut;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	size_t left = t->room - t->len;
	va_list ap;

	if (t->cut)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(t->p + t->len, left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= left)
		t->cut = true;
	t->len += t->cut ? left - 1 : (size_t)n;
}

static void add_hex(struct text *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && !t->cut; i++)
		add(t, "%02x", p[i]);
}

static void add_lladdr(struct text *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && !t->cut; i++)
		add(t, "%s%02x", i > 0 ? ":" : "", p[i]);
}

static void add_addr4(struct text *t, const uint8_t *p)
{
	add(t, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
}

static void add_addr6(struct text *t, const uint8_t *p, size_t octets)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;
	char str[INET6_ADDRSTRLEN];

	memcpy(&a, p, octets);
	add(t, "%s", inet_ntop(AF_INET6, &a, str, sizeof(str)) ? str : "?");
}

static void add_prefix6(struct text *t, unsigned bits, const uint8_t *p)
{
	add_addr6(t, p, (bits + 7) / 8);
	add(t, "/%u", bits);
}

/* Octets of somebody else as text that cannot upset a terminal or a log (C-030). */
static void add_text(struct text *t, const uint8_t *p, size_t n)
{
	add(t, "\"");
	for (size_t i = 0; i < n && !t->cut; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
			add(t, "%c", p[i]);
		else
			add(t, "\\x%02x", p[i]);
	}
	add(t, "\"");
}

static void add_seconds(struct text *t, const char *key, uint32_t v)
{
	if (v == UINT32_MAX)
		add(t, " %s=infinite", key);
	else
		add(t, " %s=%u", key, v);
}

/* Seconds since 1970 as a date, by days of the 400-year cycle that starts in March. */
static void add_time(struct text *t, uint32_t v)
{
	unsigned days = v / 86400 + 719468, sec = v % 86400;
	unsigned era = days / 146097, doe = days % 146097;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	unsigned month = mp < 10 ? mp + 3 : mp - 9;

	add(t, " time=%u utc=%04u-%02u-%02uT%02u:%02u:%02uZ", v, yoe + era * 400 + (month <= 2), month,
	    doy - (153 * mp + 2) / 5 + 1, sec / 3600, sec / 60 % 60, sec % 60);
}

static const char *status6_name(unsigned code)
{
	static const char *const names[] = { "Success",   "UnspecFail",   "NoAddrsAvail", "NoBinding",
	                                     "NotOnLink", "UseMulticast", "NoPrefixAvail" };

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "unknown";
}

static const char *status4_name(unsigned code)
{
	static const char *const names[] = { "Success",         "UnspecFail",           "QueryTerminated",
	                                     "MalformedQuery",  "NotAllowed",           "DataMissing",
	                                     "ConnectionActive", "CatchUpComplete",     "TLSConnectionRefused" };

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "unknown";
}

static const char *state4_name(unsigned state)
{
	static const char *const names[] = { "unknown",   "AVAILABLE", "ACTIVE", "EXPIRED",      "RELEASED",
	                                     "ABANDONED", "RESET",     "REMOTE", "TRANSITIONING" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static void add_ports(struct text *t, const uint8_t *p)
{
	struct lw4o6_psid ps;
	unsigned k = p[1], id = k > 0 ? (unsigned)get_be16(p + 2) >> (16 - k) : 0;

	add(t, " offset=%u psid-len=%u psid=%u", p[0], k, id);
	if (lw4o6_psid_init(&ps, p[0], k, id) == LW4O6_OK)
		add(t, " ports=%u", lw4o6_psid_nports(&ps));
}

static void add_rule(struct text *t, const uint8_t *p)
{
	add(t, " flags=0x%02x ea-len=%u ipv4=", p[0], p[1]);
	add_addr4(t, p + 3);
	add(t, "/%u prefix=", p[2]);
	add_prefix6(t, p[7], p + 8);
}

static void add_client_id(struct text *t, struct lw4o6_span b)
{
	struct lw4o6_span duid;
	uint32_t iaid;

	if (lw4o6_dhcp4_client_id_parse(b.p, b.len, &iaid, &duid)) {
		add(t, " iaid=%u duid=", iaid);
		add_hex(t, duid.p, duid.len);
	} else {
		add(t, " type=%u id=", b.p[0]);
		add_hex(t, b.p + 1, b.len - 1);
	}
}

/* A list of elements of @p size octets. */
static void add_list(struct text *t, const char *key, struct lw4o6_span b, size_t size)
{
	add(t, " %s=", key);
	for (size_t i = 0; i + size <= b.len && !t->cut; i += size) {
		if (i > 0)
			add(t, ",");
		if (size == 16)
			add_addr6(t, b.p + i, 16);
		else if (size == 4)
			add_addr4(t, b.p + i);
		else if (size == 2)
			add(t, "%u", get_be16(b.p + i));
		else
			add(t, "%u", b.p[i]);
	}
}

static void add_suboptions(struct text *t, struct lw4o6_span b)
{
	for (size_t i = 0; i + 2 <= b.len && !t->cut; i += 2u + b.p[i + 1]) {
		add(t, " %u=", b.p[i]);
		add_hex(t, b.p + i + 2, b.p[i + 1]);
	}
}

/* The fixed part of an identity association or of what is in one. */
static void add_ia(struct text *t, unsigned shape, const uint8_t *p)
{
	const uint8_t *times = p;

	if (shape == OPT_IA || shape == OPT_IA_TA) {
		add(t, " iaid=%u", get_be32(p));
		if (shape == OPT_IA)
			add(t, " t1=%u t2=%u", get_be32(p + 4), get_be32(p + 8));
		return;
	}
	if (shape == OPT_IAADDR) {
		add(t, " address=");
		add_addr6(t, p, 16);
		times = p + 16;
	} else {
		add(t, " prefix=");
		add_addr6(t, p + 9, 16);
		add(t, "/%u", p[8]);
	}
	add_seconds(t, "preferred", get_be32(times));
	add_seconds(t, "valid", get_be32(times + 4));
}

/* Bodies of numbers and names. @return false for the others. */
static bool add_scalar(struct text *t, unsigned shape, const uint8_t *p)
{
	switch (shape) {
	case OPT_U8:
		add(t, " value=%u", p[0]);
		return true;
	case OPT_BE16:
		add(t, " value=%u", get_be16(p));
		return true;
	case OPT_BE32:
		add(t, " value=%u", get_be32(p));
		return true;
	case OPT_SECONDS:
		add_seconds(t, "seconds", get_be32(p));
		return true;
	case OPT_ABSTIME:
		add_time(t, get_be32(p));
		return true;
	case OPT_ELAPSED:
		add(t, " seconds=%u.%02u", get_be16(p) / 100, get_be16(p) % 100);
		return true;
	case OPT_ADDR4:
		add(t, " address=");
		add_addr4(t, p);
		return true;
	case OPT_ADDR6:
		add(t, " address=");
		add_addr6(t, p, 16);
		return true;
	case OPT_TYPE4:
		add(t, " type=%u name=%s", p[0], lw4o6_dhcp4_type_name(p[0]));
		return true;
	case OPT_STATE4:
		add(t, " state=%u name=%s", p[0], state4_name(p[0]));
		return true;
	case OPT_PORTPARAMS:
		add_ports(t, p);
		return true;
	case OPT_RULE:
		add_rule(t, p);
		return true;
	case OPT_IA:
	case OPT_IA_TA:
	case OPT_IAADDR:
	case OPT_IAPREFIX:
		add_ia(t, shape, p);
		return true;
	default:
		return false;
	}
}

/* A body that fault_of_body() finds nothing wrong with. */
static void add_body(struct text *t, const struct opt_desc *d, struct lw4o6_span b)
{
	if (add_scalar(t, d->shape, b.p))
		return;
	switch (d->shape) {
	case OPT_EMPTY:
	case OPT_CONTAINER:
		break;
	case OPT_ADDRS4:
		add_list(t, "addresses", b, 4);
		break;
	case OPT_ADDRS6:
		add_list(t, "addresses", b, 16);
		break;
	case OPT_CODES8:
		add_list(t, "codes", b, 1);
		break;
	case OPT_CODES16:
		add_list(t, "codes", b, 2);
		break;
	case OPT_TEXT:
		add(t, " text=");
		add_text(t, b.p, b.len);
		break;
	case OPT_DUID:
		add(t, " duid=");
		add_hex(t, b.p, b.len);
		break;
	case OPT_STATUS6:
		add(t, " status=%u name=%s text=", get_be16(b.p), status6_name(get_be16(b.p)));
		add_text(t, b.p + 2, b.len - 2);
		break;
	case OPT_STATUS4:
		add(t, " status=%u name=%s text=", b.p[0], status4_name(b.p[0]));
		add_text(t, b.p + 1, b.len - 1);
		break;
	case OPT_PREFIX:
		add(t, " prefix=");
		add_prefix6(t, b.p[0], b.p + 1);
		break;
	case OPT_BIND:
		add(t, " ipv4=");
		add_addr4(t, b.p);
		add(t, " prefix=");
		add_prefix6(t, b.p[4], b.p + 5);
		break;
	case OPT_ENTERPRISE:
		add(t, " enterprise=%u data=", get_be32(b.p));
		add_hex(t, b.p + 4, b.len - 4);
		break;
	case OPT_LINKLAYER:
		add(t, " hwtype=%u address=", get_be16(b.p));
		add_lladdr(t, b.p + 2, b.len - 2);
		break;
	case OPT_CLIENT_ID4:
		add_client_id(t, b);
		break;
	case OPT_SUBOPTIONS4:
		add_suboptions(t, b);
		break;
	case OPT_MSG6:
	case OPT_MSG4:
		add(t, " length=%zu", b.len);
		break;
	default:
		add(t, " data=");
		add_hex(t, b.p, b.len);
		break;
	}
}

static void add_msg6(struct text *t, const struct lw4o6_item *item)
{
	const uint8_t *p = item->body.p;
	uint8_t type = (uint8_t)item->code;

	add(t, "msg %u %s", type, lw4o6_dhcp6_type_name(type));
	switch (type) {
	case LW4O6_DHCP6_RELAY_FORW:
	case LW4O6_DHCP6_RELAY_REPL:
		add(t, " hops=%u link=", p[1]);
		add_addr6(t, p + 2, 16);
		add(t, " peer=");
		add_addr6(t, p + 18, 16);
		break;
	case LW4O6_DHCP6_DHCPV4_QUERY:
	case LW4O6_DHCP6_DHCPV4_RESPONSE:
		add(t, " u=%u", p[1] >> 7);
		break;
	default:
		add(t, " xid=0x%02x%02x%02x", p[1], p[2], p[3]);
		break;
	}
}

static void add_msg4(struct text *t, const struct lw4o6_item *item)
{
	static const char *const names[] = { "ciaddr", "yiaddr", "siaddr", "giaddr" };
	const uint8_t *p = item->body.p;
	const char *name = lw4o6_dhcp4_type_name((uint8_t)item->code);

	add(t, "msg %u %s op=%u xid=0x%08x secs=%u flags=0x%04x", item->code, name ? name : "unknown", p[0],
	    get_be32(p + 4), get_be16(p + 8), get_be16(p + 10));
	for (size_t i = 0; i < 4; i++) {
		add(t, " %s=", names[i]);
		add_addr4(t, p + 12 + 4 * i);
	}
	add(t, " htype=%u chaddr=", p[1]);
	add_lladdr(t, p + DHCP4_CHADDR_AT, p[2]);
}

static void add_option(struct text *t, const struct lw4o6_item *item)
{
	const struct opt_desc *d = item_desc(item);

	add(t, "option %u %s", item->code, d ? d->name : "unknown");
	if (d) {
		add_body(t, d, item->body);
	} else {
		add(t, " data=");
		add_hex(t, item->body.p, item->body.len);
	}
	if (item->misplaced)
		add(t, " misplaced");
}

static const char *finish(struct text *t)
{
	if (t->cut && t->room > 3)
		memcpy(t->p + t->room - 4, "...", 4);
	return t->p;
}

const char *lw4o6_item_str(const struct lw4o6_item *item, char *dst, size_t room)
{
	struct text t = { .p = dst, .room = room };
	bool is_msg = item->kind == LW4O6_ITEM_MSG6 || item->kind == LW4O6_ITEM_MSG4;

	if (room == 0)
		return dst;
	dst[0] = '\0';
	if (item->err != LW4O6_OK)
		add(&t, "malformed %s%u: %s", is_msg ? "msg " : "", item->code, item->reason);
	else if (item->kind == LW4O6_ITEM_MSG6)
		add_msg6(&t, item);
	else if (item->kind == LW4O6_ITEM_MSG4)
		add_msg4(&t, item);
	else
		add_option(&t, item);
	return finish(&t);
}

const char *lw4o6_fault_str(const struct lw4o6_fault *f, char *dst, size_t room)
{
	struct text t = { .p = dst, .room = room };

	if (room == 0)
		return dst;
	dst[0] = '\0';
	add(&t, "%s", f->n > 0 ? "option" : "message");
	for (unsigned i = 0; i < f->n; i++)
		add(&t, "%s%u", i > 0 ? " / " : " ", f->path[i]);
	add(&t, " at octet %zu: %s", f->offset, f->reason);
	return finish(&t);
}
