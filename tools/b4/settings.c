#include "config.h"

#include "b4.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values that need more than a table row ---- */

static int set_lan_prefix(struct conf_line *line, void *settings)
{
	struct b4_settings *s = settings;
	unsigned len;

	if (s->n_lan == B4_PREFIXES_MAX - 1)
		return conf_fail(line, "more than %d prefixes", B4_PREFIXES_MAX - 1);
	if (conf_prefix4(line, line->argv[1], &s->lan[s->n_lan].addr, &len) < 0)
		return -1;
	s->lan[s->n_lan++].len = (uint8_t)len;
	return 0;
}

static int set_delegated_prefix(struct conf_line *line, void *settings)
{
	struct b4_settings *s = settings;
	unsigned len;

	if (s->n_delegated == B4_PREFIXES_MAX)
		return conf_fail(line, "more than %d prefixes", B4_PREFIXES_MAX);
	if (conf_prefix6(line, line->argv[1], &s->delegated[s->n_delegated].prefix, &len) < 0)
		return -1;
	s->delegated[s->n_delegated++].len = (uint8_t)len;
	return 0;
}

static int set_duid(struct conf_line *line, void *settings)
{
	struct lw4o6_client_config *c = &((struct b4_settings *)settings)->client;

	c->duid_len = sizeof(c->duid);
	if (conf_hex(line, line->argv[1], c->duid, &c->duid_len) < 0)
		return -1;
	return c->duid_len < LW4O6_DUID_MIN ? conf_fail(line, "a DUID has at least %d octets", LW4O6_DUID_MIN) : 0;
}

static int set_softwire_address(struct conf_line *line, void *settings)
{
	struct lw4o6_client_config *c = &((struct b4_settings *)settings)->client;
	const char *v = line->argv[1];

	if (strcmp(v, "auto") == 0 || strcmp(v, "new") == 0) {
		c->saddr_mode = LW4O6_CLIENT_SADDR_NEW;
	} else if (strcmp(v, "existing") == 0) {
		c->saddr_mode = LW4O6_CLIENT_SADDR_EXISTING;
	} else {
		c->saddr_mode = LW4O6_CLIENT_SADDR_FIXED;
		if (conf_ipv6(line, v, &c->saddr) < 0)
			return conf_fail(line, "'%s' is none of auto, new, existing and no IPv6 address", v);
		if (!lw4o6_ip6_is_usable(&c->saddr))
			return conf_fail(line, "'%s' cannot be a softwire address", v);
	}
	return 0;
}

static int set_static_server(struct conf_line *line, void *settings)
{
	struct lw4o6_client_config *c = &((struct b4_settings *)settings)->client;

	c->static_servers = true;
	if (strcmp(line->argv[1], "multicast") == 0)
		return 0;
	if (c->servers.n == LW4O6_S46_SERVERS_MAX)
		return conf_fail(line, "more than %d servers", LW4O6_S46_SERVERS_MAX);
	return conf_ipv6(line, line->argv[1], &c->servers.addr[c->servers.n++]);
}

static int set_request_option(struct conf_line *line, void *settings)
{
	struct lw4o6_client_config *c = &((struct b4_settings *)settings)->client;
	uint64_t v;

	if (c->prl_len == LW4O6_CLIENT_PRL_MAX)
		return conf_fail(line, "more than %d options", LW4O6_CLIENT_PRL_MAX);
	if (conf_uint(line, line->argv[1], 1, 254, &v) < 0)
		return -1;
	c->prl[c->prl_len++] = (uint8_t)v;
	return 0;
}

static int set_dscp_encap(struct conf_line *line, void *settings)
{
	struct lw4o6_b4_config *c = &((struct b4_settings *)settings)->b4;
	uint64_t v = 0;

	c->dscp_encap_fixed = strcmp(line->argv[1], "copy") != 0;
	if (c->dscp_encap_fixed && conf_uint(line, line->argv[1], 0, 63, &v) < 0)
		return -1;
	c->dscp_encap_value = (uint8_t)v;
	return 0;
}

static int set_mss_clamp(struct conf_line *line, void *settings)
{
	struct b4_settings *s = settings;
	const char *v = line->argv[1];
	uint64_t n;

	s->mss_clamp = strcmp(v, "off") != 0;
	if (strcmp(v, "on") == 0 || strcmp(v, "off") == 0)
		return 0;
	if (conf_uint(line, v, 536, 65495, &n) < 0)
		return -1;
	s->b4.mss_clamp = (uint16_t)n;
	return 0;
}

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = { { "tcp", 6 }, { "udp", 17 }, { "udplite", 136 }, { "icmp", 1 } };

static int protocol_of(struct conf_line *line, const char *text, uint8_t *number)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(text, protocols[i].name) == 0) {
			*number = protocols[i].number;
			return 0;
		}
	}
	return conf_fail(line, "'%s' is none of tcp, udp, udplite, icmp", text);
}

static int set_forward(struct conf_line *line, void *settings)
{
	struct b4_settings *s = settings;
	struct lw4o6_napt_forward *f = &s->forward[s->n_forwards];
	char *colon = strchr(line->argv[3], ':');
	uint64_t port, inner;

	if (s->n_forwards == B4_FORWARDS_MAX)
		return conf_fail(line, "more than %d forwards", B4_FORWARDS_MAX);
	if (colon)
		*colon++ = '\0';
	if (protocol_of(line, line->argv[1], &f->protocol) < 0 || conf_uint(line, line->argv[2], 1, 65535, &port) < 0 ||
	    conf_ipv4(line, line->argv[3], &f->addr) < 0 ||
	    conf_uint(line, colon ? colon : line->argv[2], 1, 65535, &inner) < 0)
		return -1;
	f->port = (uint16_t)port;
	f->inner_port = (uint16_t)inner;
	s->n_forwards++;
	return 0;
}

static int set_reserved(struct conf_line *line, void *settings)
{
	struct b4_settings *s = settings;
	struct lw4o6_napt_reserved *r = &s->reserved[s->n_reserved];
	char *dash = strchr(line->argv[1], '-');
	uint64_t first, last;

	if (s->n_reserved == B4_PREFIXES_MAX)
		return conf_fail(line, "more than %d ranges", B4_PREFIXES_MAX);
	if (dash)
		*dash = '\0';
	if (conf_uint(line, line->argv[1], 0, 65535, &first) < 0 ||
	    conf_uint(line, dash ? dash + 1 : line->argv[1], first, 65535, &last) < 0 ||
	    (line->argc == 3 && protocol_of(line, line->argv[2], &r->protocol) < 0))
		return -1;
	r->first = (uint16_t)first;
	r->last = (uint16_t)last;
	s->n_reserved++;
	return 0;
}

/* ---- the table ---- */

static const char *const filters[] = { "adf", "eif", "apdf", NULL };
static const char *const frag4_modes[] = { "virtual", "full", "drop", NULL };
static const char *const flow_labels[] = { "zero", "hash", NULL };
static const char *const ecn_modes[] = { "normal", "compat", NULL };
static const char *const df_modes[] = { "honour", "tunnel-fragment", NULL };
static const char *const pmtu_modes[] = { "dynamic", "static", NULL };
static const char *const exhausted_codes[] = { "13", "1", "none", NULL };
static const char *const syn_modes[] = { "silent", "delayed", NULL };
static const char *const id_modes[] = { "leave", "zero", NULL };
static const char *const decap_modes[] = { "uniform", "pipe", NULL };
static const char *const preferences[] = { "4o6", "container", NULL };

#define UINT(kw, m, lo, hi) CONF_UINT_ROW(kw, struct b4_settings, m, lo, hi)
#define BOOL(kw, m) CONF_BOOL_ROW(kw, struct b4_settings, m)
#define WORD(kw, m, list) CONF_WORD_ROW(kw, struct b4_settings, m, list)
#define TEXT(kw, m) CONF_TEXT_ROW(kw, struct b4_settings, m)

const struct conf_keyword b4_keywords[] = {
	/* where */
	TEXT("interface", interface),
	TEXT("tun", tun),
	TEXT("state-dir", state_dir),
	TEXT("run-dir", run_dir),
	TEXT("hook", hook),
	CONF_CALL_ROW("lan-prefix", 1, 1, set_lan_prefix),
	CONF_CALL_ROW("delegated-prefix", 1, 1, set_delegated_prefix),
	CONF_IPV4_ROW("tun-address", struct b4_settings, tun_address),
	BOOL("default-route", default_route),
	UINT("route-metric", route_metric, 0, UINT32_MAX),
	BOOL("ip-forward", manage_forwarding),

	/* provisioning: control-plane spec, section 1.8 */
	CONF_CALL_ROW("duid", 1, 1, set_duid),
	UINT("iaid", client.iaid, 0, UINT32_MAX),
	CONF_CALL_ROW("softwire-address", 1, 1, set_softwire_address),
	UINT("psid-len-hint", client.psid_len_hint, 0, 16),
	UINT("dhcpv4-start-delay", start_delay_s, 0, 3600),
	UINT("offer-collect", offer_collect_s, 0, 10),
	UINT("saddr-retry", client.saddr_retry_s, 1, 86400),
	UINT("client-rate", client.client_rate, 1, 1000),
	UINT("irt-max", client.irt_max_s, 600, UINT32_MAX),
	UINT("max-message-size", client.max_message, 576, 65535),
	BOOL("whole-address-only", client.whole_address_only),
	BOOL("prefer-shared", client.prefer_shared),
	BOOL("restrict-servers", client.restrict_servers),
	BOOL("release-on-mismatch", client.release_on_mismatch),
	BOOL("release-on-exit", release_on_exit),
	BOOL("dhcp4o6", use_4o6),
	BOOL("container-96", use_lw),
	WORD("preference", preference, preferences),
	BOOL("dns", client.want_dns),
	BOOL("reprovision-on-1-5", reprovision),
	CONF_CALL_ROW("static-server", 1, 1, set_static_server),
	CONF_CALL_ROW("request-option", 1, 1, set_request_option),
	UINT("client-port", client.client_port, 1, 65535),
	UINT("server-port", client.server_port, 1, 65535),

	/* tunnel: data-plane spec, section 4 */
	UINT("link-mtu", link_mtu, 1280, 65535),
	UINT("ipv4-mtu", b4.lan_mtu, 576, 65535),
	UINT("payload-mtu", b4.payload_mtu, 1240, 65535),
	UINT("path-mru", b4.path_mru, 1540, 65575),
	UINT("hop-limit", b4.hop_limit, 1, 255),
	BOOL("ttl-decrement-out", ttl_out),
	BOOL("ttl-decrement-in", ttl_in),
	CONF_CALL_ROW("dscp-encap", 1, 1, set_dscp_encap),
	WORD("dscp-decap", dscp_decap, decap_modes),
	WORD("ecn-encap", ecn_encap, ecn_modes),
	WORD("flow-label", flow_label, flow_labels),
	WORD("df-mode", df_mode, df_modes),
	WORD("pmtu", pmtu, pmtu_modes),
	UINT("pmtu-age", b4.pmtu_age_s, 300, UINT32_MAX),
	CONF_CALL_ROW("mss-clamp", 1, 1, set_mss_clamp),
	WORD("frag4-mode", frag4_mode, frag4_modes),
	UINT("frag-contexts", b4.frag_contexts, 1, 1 << 20),
	UINT("frag-memory", b4.frag_memory, 1 << 16, 1 << 30),
	UINT("frag4-timeout", b4.frag4_timeout_s, 2, 120),
	UINT("icmp-rate", b4.icmp_rate, 1, 100000),
	UINT("icmp-burst", b4.icmp_burst, 1, 100000),
	UINT("icmpv6-in-rate", b4.icmp6_in_rate, 1, 100000),
	BOOL("accept-icmpv6-errors", accept_icmpv6),
	BOOL("generate-icmpv4-errors", icmpv4_errors),
	BOOL("generate-icmpv6-errors", icmpv6_errors),
	BOOL("drop-private-destinations", drop_private),
	UINT("ports-alarm", b4.ports_alarm_percent, 1, 100),
	UINT("frag-alarm", b4.frag_alarm_percent, 1, 100),

	/* NAPT */
	WORD("nat-filter-udp", filter_udp, filters),
	WORD("nat-filter-tcp", filter_tcp, filters),
	UINT("nat-udp-timeout", nat.udp_s, 120, 86400),
	UINT("nat-tcp-timeout", nat.tcp_established_s, 7440, 864000),
	UINT("nat-tcp-transitory-timeout", nat.tcp_transitory_s, 1, 86400),
	UINT("nat-tcp-closing-timeout", nat.tcp_closing_s, 1, 86400),
	UINT("nat-icmp-timeout", nat.icmp_s, 60, 86400),
	UINT("nat-udp-quarantine", nat.udp_quarantine_s, 120, 86400),
	BOOL("nat-transitory-lower", nat.transitory_lower),
	BOOL("nat-parity", nat_parity),
	BOOL("nat-port-preserve", nat.port_preserve),
	BOOL("nat-joint-eim", nat.joint),
	BOOL("nat-inbound-refresh", nat.inbound_refresh),
	BOOL("nat-tcp-loose", nat.tcp_loose),
	BOOL("nat-id-partition", nat.id_partition),
	WORD("nat-atomic-id", atomic_id, id_modes),
	BOOL("nat-answer-ping", answer_ping),
	UINT("nat-sessions-max", nat.sessions_max, 1, LW4O6_NAPT_SESSIONS_LIMIT),
	UINT("nat-sessions-per-host", nat.host_sessions_max, 1, LW4O6_NAPT_SESSIONS_LIMIT),
	UINT("nat-ports-per-host", nat.host_ports_max, 1, 65536),
	UINT("nat-rate-per-host", nat.host_rate, 1, 1000000),
	WORD("nat-exhausted-code", exhausted, exhausted_codes),
	WORD("syn-unsolicited", syn_unsolicited, syn_modes),
	CONF_CALL_ROW("forward", 3, 3, set_forward),
	CONF_CALL_ROW("reserved-ports", 1, 2, set_reserved),
	{ .name = NULL },
};

void b4_settings_init(struct b4_settings *s)
{
	*s = (struct b4_settings){
		.tun = "lw4o6-%d",
		.state_dir = "/var/lib/lw4o6",
		.run_dir = "/run/lw4o6",
		.default_route = true,
		.manage_forwarding = true,
		.start_delay_s = UINT32_MAX,
		.offer_collect_s = UINT32_MAX,
		.use_4o6 = true,
		.use_lw = true,
		.reprovision = true,
		.nat_parity = true,
		.answer_ping = true,
		.drop_private = true,
		.accept_icmpv6 = true,
		.icmpv4_errors = true,
		.icmpv6_errors = true,
		.mss_clamp = true,
		.tun_address.s_addr = htonl(0xc0000002), /* 192.0.0.2, RFC 6333 section 5.7 */
	};
	lw4o6_client_config_init(&s->client);
	lw4o6_b4_config_init(&s->b4);
	lw4o6_napt_config_init(&s->nat);
}

/* ---- what no single line can tell, and the library's form of it ---- */

static void to_client(struct b4_settings *s)
{
	struct lw4o6_client_config *c = &s->client;

	if (s->start_delay_s != UINT32_MAX)
		c->start_delay_ms = s->start_delay_s == 0 ? LW4O6_CLIENT_NO_DELAY : s->start_delay_s * 1000;
	if (s->offer_collect_s != UINT32_MAX)
		c->offer_collect_ms = s->offer_collect_s == 0 ? LW4O6_CLIENT_NO_DELAY : s->offer_collect_s * 1000;
	c->no_4o6 = !s->use_4o6;
	c->no_lw = !s->use_lw;
	c->prefer_lw = s->preference == 1;
	c->no_reprovision = !s->reprovision;
}

static void to_nat(struct b4_settings *s)
{
	struct lw4o6_napt_config *n = &s->nat;

	n->filter_udp = (enum lw4o6_napt_filter)s->filter_udp;
	n->filter_tcp = (enum lw4o6_napt_filter)s->filter_tcp;
	n->no_parity = !s->nat_parity;
	n->atomic_id_zero = s->atomic_id == 1;
	n->reserved = s->reserved;
	n->n_reserved = s->n_reserved;
}

static void to_b4(struct b4_settings *s)
{
	static const uint8_t exhausted[] = { 13, 1, 255 };
	struct lw4o6_b4_config *c = &s->b4;

	c->nat = &s->nat;
	c->internal = s->lan;
	c->n_internal = s->n_lan;
	c->lan_addr = s->tun_address;
	c->no_ttl_out = !s->ttl_out;
	c->no_ttl_in = !s->ttl_in;
	c->dscp_pipe = s->dscp_decap == 1;
	c->ecn_compat = s->ecn_encap == 1;
	c->flow_label_hash = s->flow_label == 1;
	c->tunnel_fragment = s->df_mode == 1;
	c->no_mss_clamp = !s->mss_clamp;
	c->pmtu_static = s->pmtu == 1;
	c->tunnel_private_destinations = !s->drop_private;
	c->no_answer_ping = !s->answer_ping;
	c->ignore_icmpv6_errors = !s->accept_icmpv6;
	c->no_reprovision = !s->reprovision;
	c->syn_unsolicited_3_3 = s->syn_unsolicited == 1;
	c->exhausted_code = exhausted[s->exhausted];
	c->no_icmp4_errors = !s->icmpv4_errors;
	c->no_icmp6_errors = !s->icmpv6_errors;
	c->frag4_mode = (uint8_t)s->frag4_mode;
}

/* The device's own prefix is internal too: the B4 itself uses IPv4 through the tunnel. */
static void add_tun_prefix(struct b4_settings *s)
{
	uint32_t mask = htonl(0xfffffff8);

	if (s->n_lan > 0)
		s->lan[s->n_lan++] = (struct lw4o6_b4_prefix){ { s->tun_address.s_addr & mask }, 29 };
}

int b4_settings_check(void *settings, char *error, size_t room)
{
	struct b4_settings *s = settings;

	if (!s->interface || strlen(s->interface) >= IFNAMSIZ) {
		snprintf(error, room, s->interface ? "the name of 'interface' is too long" : "'interface' is missing");
		return -1;
	}
	if (strlen(s->tun) >= IFNAMSIZ) {
		snprintf(error, room, "the name of 'tun' is too long");
		return -1;
	}
	if (!s->use_4o6 && !s->use_lw) {
		snprintf(error, room, "'dhcp4o6 off' and 'container-96 off': nothing is left to provide IPv4");
		return -1;
	}
	for (unsigned i = 0; i < s->n_forwards; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (s->forward[i].protocol == s->forward[j].protocol && s->forward[i].port == s->forward[j].port) {
				snprintf(error, room, "'forward': port %u appears twice", s->forward[i].port);
				return -1;
			}
		}
	}
	add_tun_prefix(s);
	to_client(s);
	to_nat(s);
	to_b4(s);
	return 0;
}
