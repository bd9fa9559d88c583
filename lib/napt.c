/* Creation, the port set, what an operator sees. */
#include "config.h"

#include "mem.h"
#include "napt_int.h"

#include <string.h>

enum { WHOLE_SPACE = LW4O6_NAPT_NSPACES * NPORTS };

void lw4o6_napt_config_init_sized(struct lw4o6_napt_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

static uint32_t or_default(uint32_t v, uint32_t d)
{
	return v == 0 ? d : v;
}

/* A caller compiled with a shorter struct leaves the rest at zero: the defaults. */
static int take_config(struct lw4o6_napt_config *to, const struct lw4o6_napt_config *from)
{
	memset(to, 0, sizeof(*to));
	if (from) {
		if (from->size < sizeof(from->size))
			return LW4O6_EINVAL;
		memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	}
	to->sessions_max = or_default(to->sessions_max, 16384);
	to->forwards_max = or_default(to->forwards_max, 256);
	to->hosts_max = or_default(to->hosts_max, 1024);
	to->udp_s = or_default(to->udp_s, 300);
	to->tcp_established_s = or_default(to->tcp_established_s, 7440);
	to->tcp_transitory_s = or_default(to->tcp_transitory_s, 240);
	to->tcp_closing_s = or_default(to->tcp_closing_s, 240);
	to->icmp_s = or_default(to->icmp_s, 60);
	to->udp_quarantine_s = or_default(to->udp_quarantine_s, 120);

	bool timers = to->udp_s >= 120 && to->tcp_established_s >= 7440 && to->icmp_s >= 60 &&
	              to->udp_quarantine_s >= 120 &&
	              (to->transitory_lower || (to->tcp_transitory_s >= 240 && to->tcp_closing_s >= 240));
	bool sizes = to->sessions_max <= LW4O6_NAPT_SESSIONS_LIMIT && to->forwards_max <= NPORTS &&
	             to->hosts_max <= LW4O6_NAPT_SESSIONS_LIMIT;
	bool filters = (unsigned)to->filter_udp <= LW4O6_NAPT_APDF && (unsigned)to->filter_tcp <= LW4O6_NAPT_APDF;

	return timers && sizes && filters && (to->n_reserved == 0 || to->reserved) ? LW4O6_OK : LW4O6_EINVAL;
}

enum { CACHE_LINE = 64 };

static void *table(struct lw4o6_napt *n, size_t size, size_t count, const char *name)
{
	n->memory += size * count;
	return mem_zalloc(n, size, count, name);
}

/* Sessions are one cache line each, so they start at one. */
static struct session *session_table(struct lw4o6_napt *n, size_t count)
{
	_Static_assert(sizeof(struct session) == CACHE_LINE, "a session is a cache line");

	uint8_t *block = table(n, sizeof(struct session), count + 1, "sessions");
	if (!block)
		return NULL;
	return (struct session *)(void *)(block + (CACHE_LINE - (uintptr_t)block % CACHE_LINE) % CACHE_LINE);
}

static int make_tables(struct lw4o6_napt *n)
{
	const struct lw4o6_napt_config *c = &n->cfg;
	uint32_t maps = c->sessions_max + c->forwards_max;

	n->maps_max = maps < WHOLE_SPACE ? maps : WHOLE_SPACE;
	for (n->map_mask = 1; n->map_mask < n->maps_max;)
		n->map_mask <<= 1;
	for (n->sess_mask = 1; n->sess_mask < c->sessions_max;)
		n->sess_mask <<= 1;
	n->maps = table(n, sizeof(*n->maps), (size_t)n->maps_max + 1, "mappings");
	n->map_hash = table(n, sizeof(*n->map_hash), n->map_mask--, "mapping hash");
	n->sess = session_table(n, (size_t)c->sessions_max + 1);
	n->tcp = table(n, sizeof(*n->tcp), (size_t)c->sessions_max + 1, "TCP windows");
	n->sess_hash = table(n, sizeof(*n->sess_hash), n->sess_mask, "session hash");
	n->peer_hash = table(n, sizeof(*n->peer_hash), n->sess_mask--, "peer hash");
	n->forwards = table(n, sizeof(*n->forwards), c->forwards_max, "forwards");
	n->ids = table(n, sizeof(*n->ids), ID_SLOTS, "identifications");
	for (unsigned s = 0; s < LW4O6_NAPT_NSPACES; s++) {
		n->ext[s] = table(n, sizeof(*n->ext[s]), NPORTS, "external ports");
		if (!n->ext[s])
			return LW4O6_ENOMEM;
	}
	if (!n->maps || !n->map_hash || !n->sess || !n->tcp || !n->sess_hash || !n->peer_hash || !n->forwards || !n->ids)
		return LW4O6_ENOMEM;
	return napt_hosts_new(n);
}

static int copy_reserved(struct lw4o6_napt *n)
{
	struct lw4o6_napt_reserved *r;

	if (n->cfg.n_reserved == 0) {
		n->cfg.reserved = NULL;
		return LW4O6_OK;
	}
	r = mem_new_array(n, struct lw4o6_napt_reserved, n->cfg.n_reserved);
	if (!r)
		return LW4O6_ENOMEM;
	memcpy(r, n->cfg.reserved, n->cfg.n_reserved * sizeof(*r));
	n->cfg.reserved = r;
	return LW4O6_OK;
}

int lw4o6_napt_new(TALLOC_CTX *mem, struct lw4o6_napt **out, const struct lw4o6_napt_config *cfg,
                   const struct lw4o6_host *host, struct lw4o6_counters *cnt)
{
	struct lw4o6_napt_config c;

	if (!host->random || take_config(&c, cfg) != LW4O6_OK)
		return LW4O6_EINVAL;

	struct lw4o6_napt *n = mem_new(mem, struct lw4o6_napt);
	if (!n)
		return LW4O6_ENOMEM;
	n->cfg = c;
	n->host = *host;
	n->cnt = cnt;
	n->memory = sizeof(*n);
	if (copy_reserved(n) != LW4O6_OK || make_tables(n) != LW4O6_OK) {
		talloc_free(n);
		return LW4O6_ENOMEM;
	}
	host->random(host->arg, n->key, sizeof(n->key));
	lw4o6_frag4_ident_init(&n->ident, host);
	*out = n;
	return LW4O6_OK;
}

void lw4o6_napt_flush(struct lw4o6_napt *n, lw4o6_time now)
{
	for (unsigned s = 0; s < LW4O6_NAPT_NSPACES; s++)
		n->cnt->packets[LW4O6_CNT_NAT_MAPPING_EXPIRED] += n->live[s];
	n->cnt->packets[LW4O6_CNT_NAT_SESSION_EXPIRED] += n->sess_count;
	n->cnt->packets[LW4O6_CNT_NAT_FLUSHES]++;
	napt_tables_clear(n);
	lw4o6_frag4_ident_init(&n->ident, &n->host);
	n->wheel_pos = (now >> WHEEL_SHIFT) + 1;
	if (n->have_pool) {
		napt_pools_fill(n);
		napt_forwards_apply(n);
	}
}

uint32_t lw4o6_napt_set_pool(struct lw4o6_napt *n, struct in_addr ipv4, const struct lw4o6_psid *ps, lw4o6_time now)
{
	bool same = n->have_pool && n->ipv4.s_addr == ipv4.s_addr && lw4o6_psid_equal(&n->ps, ps), had = n->have_pool;

	if (same)
		return 0;
	n->have_pool = false;
	if (had)
		lw4o6_napt_flush(n, now);
	n->have_pool = true;
	n->ipv4 = ipv4;
	n->ps = *ps;
	n->nports = lw4o6_psid_nports(ps);
	napt_pools_fill(n);
	return napt_forwards_apply(n);
}

void lw4o6_napt_gauges(const struct lw4o6_napt *n, struct lw4o6_napt_gauges *out)
{
	*out = (struct lw4o6_napt_gauges){
		.ports_total = n->have_pool ? n->nports : 0, .sessions = n->sess_count,
		.sessions_max = n->cfg.sessions_max, .chain_max = n->chain_max, .memory = n->memory,
	};
	for (unsigned s = 0; s < LW4O6_NAPT_NSPACES; s++) {
		out->mappings[s] = n->live[s];
		out->ports_in_use[s] = n->in_use[s];
	}
}

bool lw4o6_napt_idle(const struct lw4o6_napt *n)
{
	for (unsigned s = 0; s < LW4O6_NAPT_NSPACES; s++)
		if (n->live[s] != 0)
			return false;
	return true;
}

static uint8_t protocol_of(unsigned space)
{
	static const uint8_t protocol[LW4O6_NAPT_NSPACES] = {
		LW4O6_IPPROTO_TCP, LW4O6_IPPROTO_UDP, LW4O6_IPPROTO_ICMP, LW4O6_IPPROTO_UDPLITE,
	};

	return protocol[space];
}

bool lw4o6_napt_next_mapping(const struct lw4o6_napt *n, uint32_t *cursor, struct lw4o6_napt_mapping *out)
{
	while (*cursor < n->maps_top) {
		const struct mapping *m = &n->maps[++*cursor];

		if (m->kind != MAPPING_LIVE)
			continue;
		*out = (struct lw4o6_napt_mapping){
			.protocol = protocol_of(m->space), .forward = m->forward, .port = m->eport,
			.inner_port = m->iport, .addr = m->addr, .sessions = m->sessions,
		};
		return true;
	}
	return false;
}

bool lw4o6_napt_next_session(const struct lw4o6_napt *n, uint32_t *cursor, struct lw4o6_napt_session *out)
{
	while (*cursor < n->sess_top) {
		const struct session *s = &n->sess[++*cursor];

		if (!s->used)
			continue;
		*out = (struct lw4o6_napt_session){
			.protocol = s->proto, .state = s->state, .port = s->eport, .inner_port = s->iport,
			.remote_port = s->rport, .addr = s->addr, .remote = s->remote, .expires = s->deadline,
		};
		return true;
	}
	return false;
}
