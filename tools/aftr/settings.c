#include "config.h"

#include "aftr.h"

#include <stdio.h>
#include <string.h>

static const char *const words_hairpin[] = { "on", "forward", "drop", NULL };
static const char *const words_switch[] = { "auto", "on", "off", NULL };
static const char *const words_df[] = { "honour", "tunnel-fragment", NULL };
static const char *const words_ecn[] = { "normal", "compat", NULL };
static const char *const words_label[] = { "zero", "hash", NULL };
static const char *const words_dscp[] = { "uniform", "pipe", NULL };
static const char *const words_source_route[] = { "carry", "drop", NULL };
static const char *const words_tos[] = { "copy", "cs6", NULL };
static const char *const words_frag4[] = { "virtual", "full", "drop", NULL };
static const char *const words_side[] = { "ipv4", "ipv6", NULL };
static const char *const words_pmtu[] = { "dynamic", "static", NULL };
static const char *const words_class4[] = { "no-binding", "too-big", "ttl", "relay", "reassembly", NULL };
static const char *const words_class6[] = { "source", "reassembly", "parameter", NULL };

/* The list with room for one more element behind @p n; blocks double. @return NULL after conf_fail(). */
static void *grow(struct conf_line *line, void *list, size_t n, size_t size)
{
	void *more = list;

	if (n == 0 || (n >= 16 && (n & (n - 1)) == 0))
		more = talloc_realloc_size(line->mem, list, (n < 16 ? 16 : 2 * n) * size);
	if (!more)
		conf_fail(line, "no memory");
	return more;
}

static int set_aftr_address(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct lw4o6_aftr_addr *a = &s->addrs[s->cfg.n_addrs];

	if (s->cfg.n_addrs == SOFTWIRE_ADDRS)
		return conf_fail(line, "more than %d addresses", SOFTWIRE_ADDRS);
	if (conf_ipv6(line, line->argv[1], &a->addr) < 0)
		return -1;
	if (!lw4o6_ip6_is_usable(&a->addr))
		return conf_fail(line, "%s cannot be a softwire address", line->argv[1]);
	if (line->argc > 2 && strcmp(line->argv[2], "anycast") != 0)
		return conf_fail(line, "expected 'anycast', not '%s'", line->argv[2]);
	a->anycast = line->argc > 2;
	s->cfg.n_addrs++;
	return 0;
}

static int need_uint(struct conf_line *line, unsigned from, const char *name, uint64_t max, uint64_t *v)
{
	const char *text = conf_named(line, from, name);

	if (!text)
		return conf_fail(line, "'%s' is missing", name);
	return conf_uint(line, text, 0, max, v);
}

/* softwire IPV4 [psid N psid-len K [offset A]] b4 ADDR6 [br ADDR6] [mtu N] */
static int set_softwire(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct softwire_line sw = { .file = line->file, .line = line->number, .b.expires = LW4O6_TIME_NONE };
	uint64_t id = 0, len = 0, offset = 0, mtu = 0;
	const char *b4 = conf_named(line, 2, "b4"), *br = conf_named(line, 2, "br");

	if (conf_ipv4(line, line->argv[1], &sw.b.ipv4) < 0)
		return -1;
	if (conf_named(line, 2, "psid-len") && (need_uint(line, 2, "psid-len", 16, &len) < 0 ||
	                                        need_uint(line, 2, "psid", 65535, &id) < 0))
		return -1;
	if (conf_named(line, 2, "psid") && !conf_named(line, 2, "psid-len"))
		return conf_fail(line, "'psid-len' is missing");
	if (conf_named(line, 2, "offset") && need_uint(line, 2, "offset", 15, &offset) < 0)
		return -1;
	if (conf_named(line, 2, "mtu") && need_uint(line, 2, "mtu", 65495, &mtu) < 0)
		return -1;
	if (lw4o6_psid_init(&sw.b.ps, (unsigned)offset, (unsigned)len, (unsigned)id) != LW4O6_OK)
		return conf_fail(line, "no such port set");
	if (!b4)
		return conf_fail(line, "'b4' is missing");
	if (conf_ipv6(line, b4, &sw.b.b4) < 0 || (br && conf_ipv6(line, br, &sw.b.br) < 0))
		return -1;
	sw.has_br = br != NULL;
	sw.b.mtu = (uint16_t)mtu;
	s->softwires = grow(line, s->softwires, s->n_softwires, sizeof(*s->softwires));
	if (!s->softwires)
		return -1;
	s->softwires[s->n_softwires++] = sw;
	return 0;
}

static int set_access(struct conf_line *line, void *settings)
{
	struct settings *s = settings;

	if (line->argc == 2 && strcmp(line->argv[1], "any") == 0) {
		s->cfg.n_access = 0;
		return 0;
	}
	for (unsigned i = 1; i < line->argc; i++) {
		struct lw4o6_aftr_prefix6 p;
		unsigned len;

		if (conf_prefix6(line, line->argv[i], &p.addr, &len) < 0)
			return -1;
		p.len = (uint8_t)len;
		s->access = grow(line, s->access, s->cfg.n_access, sizeof(*s->access));
		if (!s->access)
			return -1;
		s->access[s->cfg.n_access++] = p;
	}
	return 0;
}

static int set_martians(struct conf_line *line, void *settings)
{
	struct settings *s = settings;

	for (unsigned i = 1; i < line->argc; i++) {
		struct lw4o6_aftr_prefix4 p;
		unsigned len;

		if (conf_prefix4(line, line->argv[i], &p.addr, &len) < 0)
			return -1;
		p.len = (uint8_t)len;
		s->martians = grow(line, s->martians, s->cfg.n_martians, sizeof(*s->martians));
		if (!s->martians)
			return -1;
		s->martians[s->cfg.n_martians++] = p;
	}
	return 0;
}

static const char *const words_alarm[] = { "source-check", "no-binding", "fragments", "icmp-suppressed",
	                                   "table-fill", NULL };

/* alarm NAME THRESHOLD; 0: none */
static int set_alarm(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t v;
	int kind;

	if (conf_word(line, line->argv[1], words_alarm, &kind) < 0 ||
	    conf_uint(line, line->argv[2], 0, kind == WATCH_TABLE_FILL ? 100 : UINT32_MAX, &v) < 0)
		return -1;
	s->alarm[kind] = (uint32_t)v;
	return 0;
}

static int set_route(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct ipv4_route r;

	if (conf_prefix4(line, line->argv[1], &r.addr, &r.len) < 0)
		return -1;
	s->routes = grow(line, s->routes, s->n_routes, sizeof(*s->routes));
	if (!s->routes)
		return -1;
	s->routes[s->n_routes++] = r;
	return 0;
}

/* RATE [BURST], tokens a second; the library takes 0 for its default and a negative rate for none at all. */
static int read_rate(struct conf_line *line, int32_t *rate, int32_t *burst)
{
	uint64_t r, b = 0;

	if (conf_uint(line, line->argv[1], 0, INT32_MAX, &r) < 0 ||
	    (line->argc > 2 && conf_uint(line, line->argv[2], 1, INT32_MAX, &b) < 0))
		return -1;
	*rate = r == 0 ? LW4O6_AFTR_UNLIMITED : (int32_t)r;
	if (burst)
		*burst = b == 0 ? (r == 0 ? LW4O6_AFTR_UNLIMITED : (int32_t)r) : (int32_t)b;
	return 0;
}

#define RATE_SETTER(name, rate, burst) \
	static int name(struct conf_line *line, void *settings) \
	{ \
		struct settings *s = settings; \
		return read_rate(line, &s->cfg.rate, &s->cfg.burst); \
	}
RATE_SETTER(set_rate_in4, icmp4_in_rate, icmp4_in_burst)
RATE_SETTER(set_rate_out4, icmp4_rate, icmp4_burst)
RATE_SETTER(set_rate_out6, icmp6_rate, icmp6_burst)
RATE_SETTER(set_rate_softwire, softwire_rate, softwire_burst)
RATE_SETTER(set_rate_too_big, too_big_rate, too_big_burst)

static int set_rate_in6(struct conf_line *line, void *settings)
{
	return read_rate(line, &((struct settings *)settings)->cfg.icmp6_in_rate, NULL);
}

/* "on", "off", or "CLASS on", "CLASS off" */
static int read_classes(struct conf_line *line, const char *const *words, uint8_t *off)
{
	uint8_t bits = LW4O6_AFTR_ICMP_ALL;
	bool on;

	if (conf_bool(line, line->argv[line->argc - 1], &on) < 0)
		return -1;
	if (line->argc > 2) {
		int class;

		if (conf_word(line, line->argv[1], words, &class) < 0)
			return -1;
		bits = (uint8_t)(1 << class);
	}
	*off = (uint8_t)(on ? *off & ~bits : *off | bits);
	return 0;
}

static int set_errors4(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint8_t off = (uint8_t)(s->cfg.no_icmp4 | (s->cfg.icmp4_11_1 ? 0 : 16));

	if (read_classes(line, words_class4, &off) < 0)
		return -1;
	if (line->argc > 2) /* plain "on" leaves 11/1 as it is, off by default */
		s->cfg.icmp4_11_1 = (off & 16) == 0;
	s->cfg.no_icmp4 = off & 15;
	return 0;
}

static int set_errors6(struct conf_line *line, void *settings)
{
	return read_classes(line, words_class6, &((struct settings *)settings)->cfg.no_icmp6);
}

static int set_ttl(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	int side;
	bool on;

	if (conf_word(line, line->argv[1], words_side, &side) < 0 || conf_bool(line, line->argv[2], &on) < 0)
		return -1;
	*(side == 0 ? &s->ttl_ipv4 : &s->ttl_ipv6) = on;
	*(side == 0 ? &s->ttl_ipv4_set : &s->ttl_ipv6_set) = true;
	return 0;
}

static int set_dscp_encap(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t v = 0;

	s->cfg.dscp_encap_fixed = strcmp(line->argv[1], "copy") != 0;
	if (s->cfg.dscp_encap_fixed && conf_uint(line, line->argv[1], 0, 63, &v) < 0)
		return -1;
	s->cfg.dscp_encap_value = (uint8_t)v;
	return 0;
}

static int set_dscp_remap(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t from, to;

	if (conf_uint(line, line->argv[1], 0, 63, &from) < 0 || conf_uint(line, line->argv[2], 0, 63, &to) < 0)
		return -1;
	s->remap[from] = (uint8_t)to;
	s->cfg.dscp_remap = s->remap;
	return 0;
}

static int set_encap_limit(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t v = 0;

	s->cfg.encap_limit = strcmp(line->argv[1], "off") != 0;
	if (s->cfg.encap_limit && conf_uint(line, line->argv[1], 0, 255, &v) < 0)
		return -1;
	s->cfg.encap_limit_value = (uint8_t)v;
	return 0;
}

static int set_mss(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t v = 0;

	if (strcmp(line->argv[1], "on") == 0 || strcmp(line->argv[1], "off") == 0) {
		s->cfg.mss_clamp = line->argv[1][1] == 'n';
		return 0;
	}
	s->cfg.mss_clamp = true;
	if (conf_uint(line, line->argv[1], 536, 65495, &v) < 0)
		return -1;
	s->cfg.mss_clamp_value = (uint16_t)v;
	return 0;
}

/* pmtu dynamic|static [aging SECONDS|never] */
static int set_pmtu(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	const char *aging = conf_named(line, 2, "aging");
	uint64_t v = UINT32_MAX;
	int word;

	if (conf_word(line, line->argv[1], words_pmtu, &word) < 0)
		return -1;
	s->cfg.pmtu = word == 0 ? LW4O6_AFTR_ON : LW4O6_AFTR_OFF;
	if (line->argc > 2 && !aging)
		return conf_fail(line, "expected 'aging SECONDS' or 'aging never'");
	if (aging && strcmp(aging, "never") != 0 && conf_uint(line, aging, 300, UINT32_MAX - 1, &v) < 0)
		return -1;
	if (aging)
		s->cfg.pmtu_age_s = (uint32_t)v;
	return 0;
}

/* frag6-instance N BITS */
static int set_instance(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t bits, n;

	if (conf_uint(line, line->argv[2], 1, 8, &bits) < 0 ||
	    conf_uint(line, line->argv[1], 0, ((uint64_t)1 << bits) - 1, &n) < 0)
		return -1;
	s->cfg.frag6_instance = (uint8_t)n;
	s->cfg.frag6_instance_bits = (uint8_t)bits;
	return 0;
}

#define S struct settings
const struct conf_keyword settings_keywords[] = {
	CONF_CALL_ROW("access-prefixes", 1, 64, set_access),
	CONF_BOOL_ROW("accept-icmpv6-errors", S, accept_icmp6),
	CONF_CALL_ROW("aftr-address", 1, 2, set_aftr_address),
	CONF_CALL_ROW("alarm", 2, 2, set_alarm),
	CONF_BOOL_ROW("allow-incoming-icmpv4", S, allow_icmp4),
	CONF_WORD_ROW("df-mode", S, df_mode, words_df),
	CONF_WORD_ROW("dscp-decap", S, dscp_decap, words_dscp),
	CONF_CALL_ROW("dscp-encap", 1, 1, set_dscp_encap),
	CONF_CALL_ROW("dscp-remap", 2, 2, set_dscp_remap),
	CONF_WORD_ROW("ecn-encap", S, ecn_encap, words_ecn),
	CONF_CALL_ROW("encap-limit", 1, 1, set_encap_limit),
	CONF_WORD_ROW("flow-label", S, flow_label, words_label),
	CONF_UINT_ROW("frag-alarm", S, cfg.frag_alarm_percent, 1, 100),
	CONF_UINT_ROW("frag4-contexts", S, cfg.frag4_contexts, 1, 1 << 24),
	CONF_UINT_ROW("frag4-memory", S, cfg.frag4_memory, 1, (uint64_t)1 << 40),
	CONF_WORD_ROW("frag4-mode", S, cfg.frag4_mode, words_frag4),
	CONF_UINT_ROW("frag4-per-datagram", S, cfg.frag4_per_datagram, 1, 1024),
	CONF_UINT_ROW("frag4-per-softwire", S, cfg.frag4_per_softwire, 1, 1 << 24),
	CONF_UINT_ROW("frag4-per-source-net", S, cfg.frag4_per_source_net, 1, 1 << 24),
	CONF_UINT_ROW("frag4-timeout", S, cfg.frag4_timeout_s, 2, 120),
	CONF_UINT_ROW("frag6-contexts", S, cfg.frag6_contexts, 1, 1 << 24),
	CONF_UINT_ROW("frag6-first-id", S, cfg.frag6_first_id, 1, UINT32_MAX),
	CONF_CALL_ROW("frag6-instance", 2, 2, set_instance),
	CONF_UINT_ROW("frag6-memory", S, cfg.frag6_memory, 1, (uint64_t)1 << 40),
	CONF_UINT_ROW("frag6-per-datagram", S, cfg.frag6_per_datagram, 1, 4096),
	CONF_UINT_ROW("frag6-per-source", S, cfg.frag6_per_source, 1, 1 << 24),
	CONF_CALL_ROW("generate-icmpv4-errors", 1, 2, set_errors4),
	CONF_CALL_ROW("generate-icmpv6-errors", 1, 2, set_errors6),
	CONF_WORD_ROW("hairpin", S, cfg.hairpin, words_hairpin),
	CONF_UINT_ROW("hop-limit", S, cfg.hop_limit, 1, 255),
	CONF_WORD_ROW("icmp-tos", S, icmp_tos, words_tos),
	CONF_IPV4_ROW("icmp4-source-internet", S, cfg.icmp4_source_internet),
	CONF_IPV4_ROW("icmp4-source-tunnel", S, cfg.icmp4_source_tunnel),
	CONF_CALL_ROW("icmpv4-out-rate", 1, 2, set_rate_out4),
	CONF_CALL_ROW("icmpv4-rate", 1, 2, set_rate_in4),
	CONF_CALL_ROW("icmpv6-out-rate", 1, 2, set_rate_out6),
	CONF_CALL_ROW("icmpv6-rate", 1, 1, set_rate_in6),
	CONF_CALL_ROW("inner-martians", 1, 64, set_martians),
	CONF_UINT_ROW("ipv4-mtu", S, cfg.ipv4_mtu, 576, 65535),
	CONF_CALL_ROW("ipv4-route", 1, 1, set_route),
	CONF_UINT_ROW("link-mtu", S, cfg.link_mtu, 1280, 65535),
	CONF_CALL_ROW("mss-clamp", 1, 1, set_mss),
	CONF_BOOL_ROW("multi-binding", S, multi_binding),
	CONF_UINT_ROW("path-mru", S, cfg.path_mru, 1500, 65575),
	CONF_UINT_ROW("payload-mtu", S, cfg.payload_mtu, 1240, 65535),
	CONF_CALL_ROW("pmtu", 1, 3, set_pmtu),
	CONF_CALL_ROW("softwire", 3, 13, set_softwire),
	CONF_UINT_ROW("softwire-num-max", S, softwire_num_max, 1, 1 << 26),
	CONF_CALL_ROW("softwire-out-rate", 1, 2, set_rate_softwire),
	CONF_WORD_ROW("source-route", S, source_route, words_source_route),
	CONF_TEXT_ROW("table", S, table),
	CONF_CALL_ROW("too-big-out-rate", 1, 2, set_rate_too_big),
	CONF_CALL_ROW("ttl-decrement", 2, 2, set_ttl),
	CONF_TEXT_ROW("tun", S, tun),
	CONF_TEXT_ROW("user", S, user),
	CONF_WORD_ROW("v4-antispoof", S, cfg.v4_antispoof, words_switch),
	{ .name = NULL },
};
#undef S

void settings_init(struct settings *s)
{
	*s = (struct settings){ .softwire_num_max = 65536, .allow_icmp4 = true, .accept_icmp6 = true, .tun = "lw%d",
		                 .alarm = { 1000, 10000, 10000, 1000, 90 } };
	lw4o6_aftr_config_init(&s->cfg);
	for (unsigned i = 0; i < 64; i++)
		s->remap[i] = (uint8_t)i;
}

static void no_random(void *arg, void *dst, size_t len)
{
	(void)arg;
	memset(dst, 0, len);
}

/* A data path made and thrown away says whether the settings go together. */
static int try_settings(TALLOC_CTX *mem, struct settings *s, char *error, size_t room)
{
	struct lw4o6_aftr_config cfg = s->cfg;
	struct lw4o6_host host = { .random = no_random };
	struct lw4o6_aftr *a;

	cfg.softwires_max = 1;

	int err = lw4o6_aftr_new(mem, &a, &cfg, &host);

	if (err != LW4O6_OK) {
		snprintf(error, room, "%s: an address or a limit that cannot be used", lw4o6_strerror(err));
		return -1;
	}
	talloc_free(a);
	return static_table_new(mem, s, error, room) ? 0 : -1;
}

static bool is_aftr_address(const struct settings *s, const struct in6_addr *x)
{
	for (size_t i = 0; i < s->cfg.n_addrs; i++)
		if (lw4o6_ip6_equal(&s->addrs[i].addr, x))
			return true;
	return false;
}

/* What a softwire may not have in common with us (D-023, D-080). @return NULL: nothing. */
static const char *clash(const struct settings *s, const struct lw4o6_binding *b)
{
	struct in_addr tunnel = s->cfg.icmp4_source_tunnel;

	if (tunnel.s_addr == 0)
		tunnel.s_addr = htonl(0xc0000001); /* the default */
	if (b->ipv4.s_addr == tunnel.s_addr)
		return "the IPv4 address is icmp4-source-tunnel";
	if (b->ipv4.s_addr == s->cfg.icmp4_source_internet.s_addr)
		return "the IPv4 address is icmp4-source-internet";
	if (is_aftr_address(s, &b->b4))
		return "b4 is an aftr-address";
	return is_aftr_address(s, &b->br) ? NULL : "br is no aftr-address";
}

int settings_check(void *settings, char *error, size_t room)
{
	struct settings *s = settings;
	struct lw4o6_aftr_config *c = &s->cfg;

	if (c->n_addrs == 0) {
		snprintf(error, room, "no aftr-address");
		return -1;
	}
	c->addrs = s->addrs;
	c->access = s->access;
	c->martians = s->martians;
	c->softwires_max = s->softwire_num_max;
	c->no_incoming_icmp4 = !s->allow_icmp4;
	c->ignore_icmp6_errors = !s->accept_icmp6;
	c->tunnel_fragment = s->df_mode == 1;
	c->ecn_compat = s->ecn_encap == 1;
	c->flow_label_hash = s->flow_label == 1;
	c->dscp_pipe = s->dscp_decap == 1;
	c->drop_source_route = s->source_route == 1;
	c->icmp_tos_cs6 = s->icmp_tos == 1;
	for (size_t i = 0; i < s->n_softwires; i++) {
		struct softwire_line *sw = &s->softwires[i];

		if (!sw->has_br)
			sw->b.br = s->addrs[0].addr;

		const char *why = clash(s, &sw->b);

		if (why) {
			s->rejected = LW4O6_EINVAL;
			snprintf(error, room, "%s:%u: %s", sw->file, sw->line, why);
			return -1;
		}
	}

	TALLOC_CTX *mem = talloc_new(NULL);
	int ok = mem ? try_settings(mem, s, error, room) : -1;

	talloc_free(mem);
	return ok;
}
