/* Static port forwards (D-275, D-299, D-331): each active one is a mapping that does not end. */
#include "config.h"

#include "napt_int.h"

static uint32_t find(const struct lw4o6_napt *n, uint8_t protocol, uint16_t port)
{
	uint32_t i = 0;

	while (i < n->n_forwards && (n->forwards[i].protocol != protocol || n->forwards[i].port != port))
		i++;
	return i;
}

/* LW4O6_OK, ENOENT: outside the set, ECONFLICT: somebody has the port, ENOSPC. */
static int activate(struct lw4o6_napt *n, struct lw4o6_napt_forward *f)
{
	unsigned space = (unsigned)napt_space_of(n, f->protocol);

	if (!lw4o6_psid_has_port(&n->ps, f->port))
		return LW4O6_ENOENT;

	uint32_t m = napt_mapping_at(n, space, f->port);
	if (m != 0 && (n->maps[m].addr.s_addr != f->addr.s_addr || n->maps[m].iport != f->inner_port))
		return LW4O6_ECONFLICT;
	if (m == 0) {
		m = napt_mapping_make(n, space, f->addr, f->inner_port, f->port);
		if (m == 0)
			return LW4O6_ENOSPC;
		napt_host_mapping(n, space, f->addr, true);
	}
	n->maps[m].forward = true;
	f->active = true;
	return LW4O6_OK;
}

/* After the tables were cleared for another set. @return how many were active and are not any more. */
uint32_t napt_forwards_apply(struct lw4o6_napt *n)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < n->n_forwards; i++) {
		bool was = n->forwards[i].active;

		n->forwards[i].active = false;
		if (n->have_pool && activate(n, &n->forwards[i]) != LW4O6_OK && was)
			lost++;
	}
	return lost;
}

int lw4o6_napt_forward_add(struct lw4o6_napt *n, const struct lw4o6_napt_forward *f, lw4o6_time now)
{
	bool portless = f->protocol == LW4O6_IPPROTO_ICMP;

	if (napt_space_of(n, f->protocol) < 0 || (!portless && (f->port == 0 || f->inner_port == 0)) ||
	    lw4o6_ip4_is_martian(f->addr))
		return LW4O6_EINVAL;
	if (find(n, f->protocol, f->port) < n->n_forwards)
		return LW4O6_ECONFLICT;
	if (n->n_forwards == n->cfg.forwards_max)
		return LW4O6_ENOSPC;
	lw4o6_napt_tick(n, now, n->cfg.sessions_max);

	struct lw4o6_napt_forward *slot = &n->forwards[n->n_forwards];
	*slot = *f;
	slot->active = false;
	if (n->have_pool) {
		int err = activate(n, slot);

		if (err != LW4O6_OK)
			return err;
	}
	n->n_forwards++;
	return LW4O6_OK;
}

/* Does another forward hold the same mapping? With joint, TCP and UDP may. */
static bool is_shared(const struct lw4o6_napt *n, const struct lw4o6_napt_forward *f)
{
	for (uint32_t i = 0; i < n->n_forwards; i++) {
		const struct lw4o6_napt_forward *g = &n->forwards[i];

		if (g->active && g->port == f->port && napt_space_of(n, g->protocol) == napt_space_of(n, f->protocol))
			return true;
	}
	return false;
}

int lw4o6_napt_forward_remove(struct lw4o6_napt *n, uint8_t protocol, uint16_t port, lw4o6_time now)
{
	uint32_t i = find(n, protocol, port);

	if (i == n->n_forwards)
		return LW4O6_ENOENT;

	struct lw4o6_napt_forward gone = n->forwards[i];
	n->forwards[i] = n->forwards[--n->n_forwards];
	if (!gone.active || is_shared(n, &gone))
		return LW4O6_OK;

	uint32_t m = napt_mapping_at(n, (unsigned)napt_space_of(n, protocol), port);
	if (m == 0)
		return LW4O6_OK;
	n->maps[m].forward = false;
	if (n->maps[m].sessions == 0) {
		napt_mapping_end(n, m, now);
		return LW4O6_OK;
	}
	for (uint32_t s = 1; s <= n->sess_top && n->maps[m].kind == MAPPING_LIVE; s++)
		if (n->sess[s].used && n->sess[s].mapping == m)
			napt_session_end(n, s, now);
	return LW4O6_OK;
}

bool lw4o6_napt_next_forward(const struct lw4o6_napt *n, uint32_t *cursor, struct lw4o6_napt_forward *out)
{
	if (*cursor >= n->n_forwards)
		return false;
	*out = n->forwards[(*cursor)++];
	return true;
}
