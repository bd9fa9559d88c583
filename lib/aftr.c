#include "config.h"

#include "aftr_int.h"
#include "mem.h"

#include <string.h>

enum {
	SOFTWIRES_DEFAULT = 65536,
	OUTQ_DEFAULT = 1 << 20,
	OUTQ_MIN = 512 * 1024,
	PMTU_AGE_MIN = 300, /* D-191 */
	FRAG_MEMORY_MIN = 128 * 1024, /* a table holds at least one packet of any size */
};

void lw4o6_aftr_config_init_sized(struct lw4o6_aftr_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

static void default_u32(uint32_t *v, uint32_t to)
{
	if (*v == 0)
		*v = to;
}

/* 0 is the default. */
static size_t at_least(size_t v, size_t min)
{
	return v > 0 && v < min ? min : v;
}

static void default_rate(int32_t *rate, int32_t *burst, int32_t r, int32_t b)
{
	if (*rate == 0)
		*rate = r;
	if (*burst == 0)
		*burst = *rate == r ? b : *rate;
}

static void set_defaults(struct lw4o6_aftr_config *c)
{
	default_u32(&c->softwires_max, SOFTWIRES_DEFAULT);
	default_u32(&c->ipv4_mtu, 1500);
	default_u32(&c->link_mtu, 1500);
	default_u32(&c->path_mru, 9256);
	default_u32(&c->pmtu_age_s, 600);
	c->frag4_memory = at_least(c->frag4_memory, FRAG_MEMORY_MIN);
	c->frag6_memory = at_least(c->frag6_memory, FRAG_MEMORY_MIN);
	if (c->hop_limit == 0)
		c->hop_limit = LW4O6_TUNNEL_HOP_LIMIT;
	if (c->icmp4_source_tunnel.s_addr == 0)
		c->icmp4_source_tunnel.s_addr = htonl(0xc0000001);
	default_rate(&c->icmp4_in_rate, &c->icmp4_in_burst, 1000, 1000);
	default_rate(&c->icmp4_rate, &c->icmp4_burst, 100, 200);
	default_rate(&c->icmp6_rate, &c->icmp6_burst, 100, 200);
	default_rate(&c->softwire_rate, &c->softwire_burst, 10, 10);
	default_rate(&c->too_big_rate, &c->too_big_burst, 100, 200);
	if (c->icmp6_in_rate == 0)
		c->icmp6_in_rate = 1000;
	if (c->outq_size == 0)
		c->outq_size = OUTQ_DEFAULT;
}

static bool in_range(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max;
}

static bool addresses_ok(const struct lw4o6_aftr_config *c)
{
	if (c->n_addrs == 0 || c->n_addrs > ADDRS_MAX || !c->addrs)
		return false;
	for (size_t i = 0; i < c->n_addrs; i++)
		if (!lw4o6_ip6_is_usable(&c->addrs[i].addr))
			return false;
	for (size_t i = 0; i < c->n_access; i++)
		if (c->access[i].len > 128)
			return false;
	for (size_t i = 0; i < c->n_martians; i++)
		if (c->martians[i].len > 32)
			return false;
	/* 192.0.0.0/29 never leaves on the Internet side (D-118) */
	return (ntohl(c->icmp4_source_internet.s_addr) & 0xfffffff8) != 0xc0000000 &&
	       (c->icmp4_source_internet.s_addr == 0 || !lw4o6_ip4_is_martian(c->icmp4_source_internet)) &&
	       !lw4o6_ip4_is_martian(c->icmp4_source_tunnel);
}

static bool config_ok(const struct lw4o6_aftr_config *c)
{
	return addresses_ok(c) && in_range(c->ipv4_mtu, 576, 65535) &&
	       in_range(c->link_mtu, LW4O6_IP6_MTU_MIN, 65535) && in_range(c->path_mru, 1500, 65575) && c->payload_mtu <= 65535 && c->dscp_encap_value < 64 &&
	       (unsigned)c->hairpin <= LW4O6_AFTR_HAIRPIN_DROP && c->pmtu_age_s >= PMTU_AGE_MIN &&
	       c->softwires_max <= UINT32_MAX / LW4O6_AFTR_TABLES && c->outq_size >= OUTQ_MIN;
}

static int copy_lists(struct lw4o6_aftr *a, const struct lw4o6_aftr_config *c)
{
	bool anycast = false;

	for (size_t i = 0; i < c->n_addrs; i++) {
		a->addrs[i] = c->addrs[i].addr;
		anycast |= c->addrs[i].anycast;
	}
	a->pmtu = c->pmtu == LW4O6_AFTR_DEFAULT ? !anycast : c->pmtu == LW4O6_AFTR_ON;
	a->access = mem_new_array(a, struct lw4o6_aftr_prefix6, c->n_access + 1);
	a->martians = mem_new_array(a, struct lw4o6_aftr_prefix4, c->n_martians + 1);
	if (!a->access || !a->martians)
		return LW4O6_ENOMEM;
	if (c->n_access > 0)
		memcpy(a->access, c->access, c->n_access * sizeof(*c->access));
	if (c->n_martians > 0)
		memcpy(a->martians, c->martians, c->n_martians * sizeof(*c->martians));
	if (c->dscp_remap)
		memcpy(a->remap, c->dscp_remap, sizeof(a->remap));
	a->tc = (struct lw4o6_tc_config){ .dscp_set = c->dscp_encap_fixed, .dscp = c->dscp_encap_value,
		                          .dscp_pipe = c->dscp_pipe, .ecn_compat = c->ecn_compat,
		                          .remap = c->dscp_remap ? a->remap : NULL };
	return LW4O6_OK;
}

static int make_frag(struct lw4o6_aftr *a)
{
	const struct lw4o6_aftr_config *c = &a->cfg;
	struct lw4o6_frag6_config f6;
	struct lw4o6_frag4_config f4;
	uint32_t start = c->frag6_first_id;

	if (start == 0)
		a->host.random(a->host.arg, &start, sizeof(start));
	if (lw4o6_frag6_ident_init(&a->ident, start, c->frag6_instance, c->frag6_instance_bits) != LW4O6_OK)
		return LW4O6_EINVAL;

	lw4o6_frag6_config_init(&f6);
	f6.contexts = c->frag6_contexts;
	f6.memory = c->frag6_memory;
	f6.per_source = c->frag6_per_source;
	f6.per_datagram = c->frag6_per_datagram;
	f6.max_packet = c->path_mru;
	f6.alarm_percent = c->frag_alarm_percent;
	f6.counters = &a->cnt;
	a->host.random(a->host.arg, f6.hash_key, sizeof(f6.hash_key));

	lw4o6_frag4_config_init(&f4);
	f4.mode = c->frag4_mode;
	f4.contexts = c->frag4_contexts;
	f4.memory = c->frag4_memory;
	f4.per_softwire = c->frag4_per_softwire;
	f4.per_source_net = c->frag4_per_source_net;
	f4.per_datagram = c->frag4_per_datagram;
	f4.timeout_s = c->frag4_timeout_s;
	f4.alarm_percent = c->frag_alarm_percent;
	f4.counters = &a->cnt;
	a->host.random(a->host.arg, f4.hash_key, sizeof(f4.hash_key));

	a->frag6 = lw4o6_frag6_new(a, &f6);
	a->frag4 = lw4o6_frag4_new(a, &f4);
	return a->frag6 && a->frag4 ? LW4O6_OK : LW4O6_ENOMEM;
}

static int make_tables(struct lw4o6_aftr *a)
{
	size_t slots = (size_t)a->cfg.softwires_max * LW4O6_AFTR_TABLES;

	a->hot = mem_new_array(a, struct sw_hot, slots);
	a->tag = mem_new_array(a, struct sw_tag, slots);
	a->cold = mem_new_array(a, struct sw_cold, slots);
	a->scratch = mem_new_array(a, uint8_t, 65536 + LW4O6_FRAG_HEADROOM);
	if (!a->hot || !a->tag || !a->cold || !a->scratch)
		return LW4O6_ENOMEM;
	return outq_init(&a->q, a, a->cfg.outq_size);
}

int lw4o6_aftr_new(TALLOC_CTX *mem, struct lw4o6_aftr **out, const struct lw4o6_aftr_config *cfg,
                   const struct lw4o6_host *host)
{
	struct lw4o6_aftr_config c = { 0 };

	memcpy(&c, cfg, cfg->size < sizeof(c) ? cfg->size : sizeof(c));
	set_defaults(&c);
	if (!config_ok(&c))
		return LW4O6_EINVAL;

	struct lw4o6_aftr *a = mem_new(mem, struct lw4o6_aftr);

	if (!a)
		return LW4O6_ENOMEM;
	a->cfg = c;
	a->host = *host;
	a->hlen = LW4O6_IP6_HLEN + (c.encap_limit ? (size_t)LW4O6_TUNNEL_LIMIT_HLEN : 0);
	a->antispoof = c.v4_antispoof == LW4O6_AFTR_DEFAULT ? c.hairpin == LW4O6_AFTR_HAIRPIN_ON :
	                                                      c.v4_antispoof == LW4O6_AFTR_ON;
	a->expiry = LW4O6_TIME_NONE;
	a->host.random(a->host.arg, a->key, sizeof(a->key));

	int err = copy_lists(a, &c);

	if (err == LW4O6_OK)
		err = make_tables(a);
	if (err == LW4O6_OK)
		err = make_frag(a);
	if (err != LW4O6_OK) {
		talloc_free(a);
		return err;
	}
	a->cfg.addrs = NULL; /* the caller's; ours are a->addrs */
	*out = a;
	return LW4O6_OK;
}

/* ---- the work ---- */

static size_t run_burst(struct lw4o6_aftr *a, enum lw4o6_side side, struct lw4o6_pkt *pkts, unsigned n,
                        lw4o6_time now)
{
	for (unsigned i = 0; i < n; i++) {
		a->work[i].pkt = &pkts[i];
		a->work[i].now = now;
		if (side == LW4O6_SIDE_IPV4)
			aftr_down_parse(a, &a->work[i]);
		else
			aftr_up_parse(a, &a->work[i]);
	}
	if (side == LW4O6_SIDE_IPV4)
		aftr_down_burst(a, n, now);
	else
		aftr_up_burst(a, n, now);
	for (unsigned i = 0; i < n; i++) {
		bool behind = a->q.used > 0;

		if (!outq_has_room(&a->q, OUT_ROOM, OUT_PACKETS))
			return i;
		if (side == LW4O6_SIDE_IPV4)
			aftr_down_finish(a, &a->work[i], &a->hits[i],
			                 a->antispoof && a->hits2[i].addr != LW4O6_BIND_UNMANAGED);
		else
			aftr_up_finish(a, &a->work[i], &a->hits[i], a->hits2[i].addr != LW4O6_BIND_UNMANAGED);
		if (behind) /* the caller sends the queue last: stay in order */
			aftr_requeue(a, a->work[i].pkt);
	}
	return n;
}

size_t lw4o6_aftr_run(struct lw4o6_aftr *a, enum lw4o6_side side, struct lw4o6_pkt *pkts, size_t n, lw4o6_time now)
{
	size_t done = 0;

	lw4o6_aftr_tick(a, now);
	while (done < n) {
		unsigned m = n - done < BURST ? (unsigned)(n - done) : (unsigned)BURST;
		size_t got = run_burst(a, side, pkts + done, m, now);

		done += got;
		if (got < m)
			break;
	}
	return done;
}

bool lw4o6_aftr_next_out(struct lw4o6_aftr *a, struct lw4o6_out *out)
{
	return outq_next(&a->q, out);
}

lw4o6_time lw4o6_aftr_expiry(const struct lw4o6_aftr *a)
{
	lw4o6_time t6 = lw4o6_frag6_expiry(a->frag6), t4 = lw4o6_frag4_expiry(a->frag4);

	return t6 < t4 ? t6 : t4;
}

static void expired4(struct lw4o6_aftr *a, const struct lw4o6_frag_expired *ex, lw4o6_time now)
{
	struct lw4o6_ip4 h;
	struct offender4 o = { .p = ex->first, .len = ex->len, .h = &h, .slot = SLOT_NONE };

	if (!ex->first || !a->cfg.icmp4_11_1 || lw4o6_ip4_decode(&h, ex->first, ex->len) != LW4O6_IP4_OK)
		return;
	aftr_icmp4(a, &o, LW4O6_ICMP4_TIME_EXCEEDED, 1, 0, now);
}

void lw4o6_aftr_tick(struct lw4o6_aftr *a, lw4o6_time now)
{
	struct lw4o6_frag_expired ex;

	while (outq_has_room(&a->q, OUT_ROOM, OUT_PACKETS) && lw4o6_frag6_expire(a->frag6, now, &ex))
		if (ex.first)
			aftr_icmp6(a, ex.first, ex.len, LW4O6_ICMP6_TIME_EXCEEDED, 1, 0, now);
	while (outq_has_room(&a->q, OUT_ROOM, OUT_PACKETS) && lw4o6_frag4_expire(a->frag4, now, &ex))
		expired4(a, &ex, now);
}

const struct lw4o6_counters *lw4o6_aftr_counters(const struct lw4o6_aftr *a)
{
	return &a->cnt;
}

void lw4o6_aftr_gauges(const struct lw4o6_aftr *a, struct lw4o6_aftr_gauges *out, lw4o6_time now)
{
	struct lw4o6_frag_usage u4, u6;

	(void)now;
	lw4o6_frag4_usage(a->frag4, &u4);
	lw4o6_frag6_usage(a->frag6, &u6);
	*out = (struct lw4o6_aftr_gauges){
		.frag4_contexts = u4.contexts, .frag4_memory = u4.memory,
		.frag6_contexts = u6.contexts, .frag6_memory = u6.memory,
		.pmtu_entries = a->pmtu_entries, .memory = talloc_total_size(a),
	};
	for (unsigned i = 0; i < LW4O6_AFTR_TABLES; i++) {
		if (!a->tab[i])
			continue;
		out->active_softwires += lw4o6_bindtab_count(a->tab[i]);
		out->binding_version += lw4o6_bindtab_version(a->tab[i]);
	}
}
