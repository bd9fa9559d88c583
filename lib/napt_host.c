/* Limits per LAN host (D-301, D-302): a table that exists only when one of them is set. */
#include "config.h"

#include "mem.h"
#include "napt_int.h"

#include <string.h>

static const struct in_addr nobody;

int napt_hosts_new(struct lw4o6_napt *n)
{
	const struct lw4o6_napt_config *c = &n->cfg;

	if (c->host_ports_max == 0 && c->host_sessions_max == 0 && c->host_rate == 0)
		return LW4O6_OK;
	n->host_mask = 1;
	while (n->host_mask < c->hosts_max)
		n->host_mask <<= 1;
	n->host_mask--;
	n->hosts = mem_new_array(n, struct host_entry, (size_t)c->hosts_max + 1);
	n->host_hash = mem_new_array(n, uint32_t, (size_t)n->host_mask + 1);
	if (!n->hosts || !n->host_hash)
		return LW4O6_ENOMEM;
	n->memory += (c->hosts_max + 1) * sizeof(*n->hosts) + (n->host_mask + 1) * sizeof(*n->host_hash);
	napt_hosts_clear(n);
	return LW4O6_OK;
}

void napt_hosts_clear(struct lw4o6_napt *n)
{
	if (!n->hosts)
		return;
	memset(n->host_hash, 0, ((size_t)n->host_mask + 1) * sizeof(*n->host_hash));
	for (uint32_t i = 0; i <= n->cfg.hosts_max; i++)
		n->hosts[i] = (struct host_entry){ .next = i < n->cfg.hosts_max ? i + 1 : 0 };
	n->host_free = 1;
}

static uint32_t *find(struct lw4o6_napt *n, struct in_addr addr)
{
	uint32_t *at = &n->host_hash[napt_hash(n, addr, nobody, 0, 0, TAG_HOST) & n->host_mask];

	while (*at != 0 && n->hosts[*at].addr.s_addr != addr.s_addr)
		at = &n->hosts[*at].next;
	return at;
}

static bool is_idle(const struct host_entry *e)
{
	for (unsigned s = 0; s < LW4O6_NAPT_NSPACES; s++)
		if (e->ports[s] != 0)
			return false;
	return e->sessions == 0;
}

static void drop_idle(struct lw4o6_napt *n, uint32_t *at)
{
	uint32_t i = *at;

	if (i == 0 || !is_idle(&n->hosts[i]))
		return;
	*at = n->hosts[i].next;
	n->hosts[i] = (struct host_entry){ .next = n->host_free };
	n->host_free = i;
}

/* Entries that only remember a rate give way when the table is full; a few are looked at each time. */
static void make_room(struct lw4o6_napt *n)
{
	for (int tries = 0; tries < 8 && n->host_free == 0; tries++) {
		n->host_hand = n->host_hand % n->cfg.hosts_max + 1;
		drop_idle(n, find(n, n->hosts[n->host_hand].addr));
	}
}

static struct host_entry *get(struct lw4o6_napt *n, struct in_addr addr)
{
	if (n->host_free == 0)
		make_room(n);

	uint32_t *at = find(n, addr);

	if (*at == 0 && n->host_free != 0) {
		uint32_t i = n->host_free;

		n->host_free = n->hosts[i].next;
		n->hosts[i] = (struct host_entry){ .addr = addr };
		*at = i;
	}
	return *at == 0 ? NULL : &n->hosts[*at];
}

unsigned napt_host_may_map(struct lw4o6_napt *n, unsigned space, struct in_addr addr, lw4o6_time now)
{
	if (!n->hosts)
		return 0;

	struct host_entry *e = get(n, addr);
	if (!e || (n->cfg.host_ports_max != 0 && e->ports[space] >= n->cfg.host_ports_max))
		return LW4O6_CNT_NAT_DROP_HOST_LIMIT;
	if (n->cfg.host_rate != 0 && !bucket_take(&e->rate, n->cfg.host_rate, n->cfg.host_rate, now))
		return LW4O6_CNT_NAT_DROP_RATE;
	return 0;
}

unsigned napt_host_may_session(struct lw4o6_napt *n, struct in_addr addr)
{
	if (!n->hosts || n->cfg.host_sessions_max == 0)
		return 0;

	const struct host_entry *e = get(n, addr);
	return e && e->sessions < n->cfg.host_sessions_max ? 0 : (unsigned)LW4O6_CNT_NAT_DROP_HOST_LIMIT;
}

static void count(struct lw4o6_napt *n, struct in_addr addr, unsigned space, bool session, bool more)
{
	if (!n->hosts)
		return;
	if (!more && *find(n, addr) == 0)
		return;

	struct host_entry *e = get(n, addr);
	if (!e)
		return;
	uint32_t *v = session ? &e->sessions : &e->ports[space];
	if (more)
		++*v;
	else if (*v > 0)
		--*v;
	if (!more)
		drop_idle(n, find(n, addr));
}

void napt_host_mapping(struct lw4o6_napt *n, unsigned space, struct in_addr addr, bool more)
{
	count(n, addr, space, false, more);
}

void napt_host_session(struct lw4o6_napt *n, struct in_addr addr, bool more)
{
	count(n, addr, 0, true, more);
}
