/* Settings: checked, defaults filled in, and the object made from them. */
#include "config.h"

#include "b4_int.h"
#include "mem.h"

#include <string.h>

void lw4o6_b4_config_init_sized(struct lw4o6_b4_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

static uint32_t or_default(uint32_t v, uint32_t d)
{
	return v == 0 ? d : v;
}

static void fill_defaults(struct lw4o6_b4_config *c)
{
	c->link_mtu = or_default(c->link_mtu, 1500);
	c->lan_mtu = or_default(c->lan_mtu, 1500);
	c->path_mru = or_default(c->path_mru, 9256);
	c->hop_limit = (uint8_t)or_default(c->hop_limit, LW4O6_TUNNEL_HOP_LIMIT);
	c->pmtu_age_s = or_default(c->pmtu_age_s, 600);
	c->reprovision_hold_s = or_default(c->reprovision_hold_s, 60);
	c->syn_pending_max = or_default(c->syn_pending_max, 256);
	c->exhausted_code = (uint8_t)or_default(c->exhausted_code, LW4O6_ICMP4_PROHIBITED);
	c->icmp_rate = or_default(c->icmp_rate, 10);
	c->icmp_burst = or_default(c->icmp_burst, 10);
	c->icmp6_in_rate = or_default(c->icmp6_in_rate, 100);
	c->frag_contexts = or_default(c->frag_contexts, 256);
	c->frag_memory = or_default(c->frag_memory, 2u << 20);
	c->frag4_timeout_s = or_default(c->frag4_timeout_s, 60);
	c->ports_alarm_percent = (uint8_t)or_default(c->ports_alarm_percent, 90);
	c->frag_alarm_percent = (uint8_t)or_default(c->frag_alarm_percent, 80);
	if (c->lan_addr.s_addr == 0)
		c->lan_addr.s_addr = htonl(B4_WELL_KNOWN);
}

static bool mtu_ok(uint32_t link, uint32_t lan)
{
	return link >= LW4O6_IP6_MTU_MIN && link <= 65535 && lan >= 576 && lan <= 65535;
}

static bool is_valid(const struct lw4o6_b4_config *c)
{
	bool sizes = mtu_ok(c->link_mtu, c->lan_mtu) && c->path_mru >= 1540 && c->path_mru <= 65575 &&
	             (c->payload_mtu == 0 || (c->payload_mtu >= TUNNEL_MTU_MIN && c->payload_mtu <= 65535)) &&
	             (c->mss_clamp == 0 || c->mss_clamp >= 536);
	bool times = c->pmtu_age_s >= 300 && c->reprovision_hold_s >= 60 && c->frag4_timeout_s >= 2 &&
	             c->frag4_timeout_s <= 120;
	bool rest = c->dscp_encap_value <= 63 && c->ports_alarm_percent <= 100 && c->frag_alarm_percent <= 100 &&
	            c->frag4_mode <= LW4O6_B4_FRAG4_DROP && c->syn_pending_max <= 65536 &&
	            (c->exhausted_code == LW4O6_ICMP4_PROHIBITED || c->exhausted_code == LW4O6_ICMP4_HOST ||
	             c->exhausted_code == 255) &&
	            (c->n_internal == 0 || c->internal);

	for (size_t i = 0; rest && i < c->n_internal; i++)
		rest = c->internal[i].len <= 32;
	return sizes && times && rest;
}

static int take_config(struct lw4o6_b4_config *to, const struct lw4o6_b4_config *from)
{
	memset(to, 0, sizeof(*to));
	if (from) {
		if (from->size < sizeof(from->size))
			return LW4O6_EINVAL;
		memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	}
	fill_defaults(to);
	return is_valid(to) ? LW4O6_OK : LW4O6_EINVAL;
}

static int copy_internal(struct lw4o6_b4 *b)
{
	static const struct {
		uint32_t addr;
		uint8_t len;
	} usual[] = { { 0x0a000000, 8 }, { 0xac100000, 12 }, { 0xc0a80000, 16 }, { 0x64400000, 10 }, { 0xc0000000, 29 } };
	size_t n = b->cfg.n_internal ? b->cfg.n_internal : sizeof(usual) / sizeof(usual[0]);
	struct lw4o6_b4_prefix *list = mem_new_array(b, struct lw4o6_b4_prefix, n);

	if (!list)
		return LW4O6_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (b->cfg.n_internal)
			list[i] = b->cfg.internal[i];
		else
			list[i] = (struct lw4o6_b4_prefix){ { htonl(usual[i].addr) }, usual[i].len };
	}
	b->cfg.internal = list;
	b->cfg.n_internal = n;
	return LW4O6_OK;
}

static int make_frag(struct lw4o6_b4 *b)
{
	struct lw4o6_frag4_config c4;
	struct lw4o6_frag6_config c6;

	lw4o6_frag4_config_init(&c4);
	c4.mode = (enum lw4o6_frag4_mode)b->cfg.frag4_mode;
	c4.contexts = c4.per_softwire = b->cfg.frag_contexts;
	c4.per_source_net = b->cfg.frag_contexts / 4 + 1;
	c4.memory = b->cfg.frag_memory;
	c4.timeout_s = b->cfg.frag4_timeout_s;
	c4.alarm_percent = b->cfg.frag_alarm_percent;
	c4.counters = &b->cnt;
	b->host.random(b->host.arg, c4.hash_key, sizeof(c4.hash_key));
	lw4o6_frag6_config_init(&c6);
	c6.contexts = c6.per_source = b->cfg.frag_contexts; /* there is one source, the AFTR */
	c6.memory = b->cfg.frag_memory;
	c6.max_packet = b->cfg.path_mru;
	c6.alarm_percent = b->cfg.frag_alarm_percent;
	c6.counters = &b->cnt;
	b->host.random(b->host.arg, c6.hash_key, sizeof(c6.hash_key));
	b->frag4 = lw4o6_frag4_new(b, &c4);
	b->frag6 = lw4o6_frag6_new(b, &c6);
	return b->frag4 && b->frag6 ? LW4O6_OK : LW4O6_ENOMEM;
}

static int make_parts(struct lw4o6_b4 *b)
{
	uint32_t start;

	b->host.random(b->host.arg, b->flow_key, sizeof(b->flow_key));
	b->host.random(b->host.arg, &start, sizeof(start));
	if (lw4o6_frag6_ident_init(&b->ident6, start, 0, 0) != LW4O6_OK)
		return LW4O6_EINVAL;
	b->scratch = mem_new_array(b, uint8_t, PACKET_MAX + 64);
	if (!b->scratch || outq_init(&b->outq, b, OUTQ_SIZE) != LW4O6_OK || copy_internal(b) != LW4O6_OK)
		return LW4O6_ENOMEM;
	b->memory = sizeof(*b) + PACKET_MAX + 64 + OUTQ_SIZE;
	if (b->cfg.syn_unsolicited_3_3) {
		b->syns = mem_new_array(b, struct pending_syn, b->cfg.syn_pending_max);
		b->memory += b->cfg.syn_pending_max * sizeof(*b->syns);
		if (!b->syns)
			return LW4O6_ENOMEM;
	}
	return make_frag(b);
}

int lw4o6_b4_new(TALLOC_CTX *mem, struct lw4o6_b4 **out, const struct lw4o6_b4_config *cfg,
                 const struct lw4o6_host *host)
{
	struct lw4o6_b4_config c;

	if (!host->random || take_config(&c, cfg) != LW4O6_OK)
		return LW4O6_EINVAL;

	struct lw4o6_b4 *b = mem_new(mem, struct lw4o6_b4);
	if (!b)
		return LW4O6_ENOMEM;
	b->cfg = c;
	b->host = *host;
	b->link_mtu = c.link_mtu;
	b->lan_mtu = c.lan_mtu;
	b->tc = (struct lw4o6_tc_config){
		.dscp_set = c.dscp_encap_fixed, .dscp = c.dscp_encap_value, .dscp_pipe = c.dscp_pipe,
		.ecn_compat = c.ecn_compat,
	};

	int err = make_parts(b);
	if (err == LW4O6_OK)
		err = lw4o6_napt_new(b, &b->nat, c.nat, host, &b->cnt);
	b->cfg.nat = NULL; /* the translator has its own copy */
	if (err != LW4O6_OK) {
		talloc_free(b);
		return err;
	}
	*out = b;
	return LW4O6_OK;
}

int lw4o6_b4_set_mtu(struct lw4o6_b4 *b, uint32_t link_mtu, uint32_t lan_mtu)
{
	uint32_t link = or_default(link_mtu, b->link_mtu), lan = or_default(lan_mtu, b->lan_mtu);

	if (!mtu_ok(link, lan))
		return LW4O6_EINVAL;
	b->link_mtu = link;
	b->lan_mtu = lan;
	return LW4O6_OK;
}
