/* Mappings: internal endpoint <-> external port, by hash one way and by a direct index the other. */
#include "config.h"

#include "napt_int.h"

#include <string.h>

static const struct in_addr nobody;

static uint32_t *chain_of(const struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport)
{
	return &n->map_hash[napt_hash(n, addr, nobody, iport, 0, TAG_MAPPING | space) & n->map_mask];
}

/* A quarantined mapping is found too: its own endpoint may have its port back (D-304). */
uint32_t napt_mapping_find(const struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport)
{
	uint32_t m = *chain_of(n, space, addr, iport);

	while (m != 0) {
		const struct mapping *p = &n->maps[m];

		if (p->addr.s_addr == addr.s_addr && p->iport == iport && p->space == space)
			break;
		m = p->hash_next;
	}
	return m;
}

uint32_t napt_mapping_at(const struct lw4o6_napt *n, unsigned space, uint16_t eport)
{
	uint32_t m = n->ext[space][eport];

	return m != 0 && n->maps[m].kind == MAPPING_LIVE ? m : 0;
}

static void quarantine_unlink(struct lw4o6_napt *n, uint32_t m)
{
	struct mapping *p = &n->maps[m];

	if (p->prev != 0)
		n->maps[p->prev].next = p->next;
	else
		n->quarantine_first = p->next;
	if (p->next != 0)
		n->maps[p->next].prev = p->prev;
	else
		n->quarantine_last = p->prev;
}

static void hash_unlink(struct lw4o6_napt *n, uint32_t m)
{
	const struct mapping *p = &n->maps[m];
	uint32_t *at = chain_of(n, p->space, p->addr, p->iport);

	while (*at != m)
		at = &n->maps[*at].hash_next;
	*at = p->hash_next;
}

/* Off every list; the port is the caller's to give back. */
static void forget(struct lw4o6_napt *n, uint32_t m)
{
	struct mapping *p = &n->maps[m];

	hash_unlink(n, m);
	n->ext[p->space][p->eport] = 0;
	*p = (struct mapping){ .next = n->maps_free };
	n->maps_free = m;
}

void napt_quarantine_release(struct lw4o6_napt *n, uint32_t m)
{
	const struct mapping *p = &n->maps[m];
	unsigned space = p->space;
	uint16_t eport = p->eport;

	quarantine_unlink(n, m);
	forget(n, m);
	napt_pool_set(n, &n->stale[space], eport, false);
	napt_pool_set(n, &n->fresh[space], eport, true);
}

void napt_quarantine_age(struct lw4o6_napt *n, lw4o6_time now)
{
	while (n->quarantine_first != 0 && now >= n->maps[n->quarantine_first].until)
		napt_quarantine_release(n, n->quarantine_first);
}

static uint32_t take_free(struct lw4o6_napt *n)
{
	uint32_t m = n->maps_free;

	if (m == 0 && n->maps_top < n->maps_max)
		return ++n->maps_top;
	if (m == 0 && n->quarantine_first != 0) {
		napt_quarantine_release(n, n->quarantine_first);
		m = n->maps_free;
	}
	if (m != 0)
		n->maps_free = n->maps[m].next;
	return m;
}

/*
 * The port must be free or quarantined. With port and endpoint of a quarantined mapping that one
 * comes back to life. A second mapping of an endpoint (a forward) is found before the first.
 * 0: the table is full.
 */
uint32_t napt_mapping_make(struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport, uint16_t eport)
{
	if (n->ext[space][eport] != 0)
		napt_quarantine_release(n, n->ext[space][eport]);

	uint32_t m = take_free(n), *at = chain_of(n, space, addr, iport);
	if (m == 0)
		return 0;
	n->maps[m] = (struct mapping){
		.addr = addr, .iport = iport, .eport = eport, .space = (uint8_t)space, .kind = MAPPING_LIVE,
		.hash_next = *at,
	};
	*at = m;
	n->ext[space][eport] = m;
	if (napt_pool_has(n, &n->fresh[space], eport))
		n->in_use[space]++;
	napt_pool_set(n, &n->fresh[space], eport, false);
	n->live[space]++;
	n->cnt->packets[LW4O6_CNT_NAT_MAPPING_CREATED]++;
	return m;
}

/* UDP ports rest before another endpoint may have them; TCP is tracked and identifiers carry no data. */
void napt_mapping_end(struct lw4o6_napt *n, uint32_t m, lw4o6_time now)
{
	struct mapping *p = &n->maps[m];
	unsigned space = p->space;
	uint16_t eport = p->eport;
	bool reserved = napt_port_reserved(n, space, eport);

	n->live[space]--;
	n->cnt->packets[LW4O6_CNT_NAT_MAPPING_EXPIRED]++;
	napt_host_mapping(n, space, p->addr, false);
	if (!reserved && (space == LW4O6_NAPT_UDP || space == LW4O6_NAPT_UDPLITE ||
	                  (space == LW4O6_NAPT_TCP && n->cfg.joint))) {
		p->kind = MAPPING_QUARANTINE;
		p->forward = false;
		p->until = lw4o6_time_add(now, n->cfg.udp_quarantine_s * LW4O6_SEC);
		p->prev = n->quarantine_last;
		p->next = 0;
		if (n->quarantine_last != 0)
			n->maps[n->quarantine_last].next = m;
		else
			n->quarantine_first = m;
		n->quarantine_last = m;
		napt_pool_set(n, &n->stale[space], eport, true);
	} else {
		forget(n, m);
		if (reserved)
			return;
		napt_pool_set(n, &n->fresh[space], eport, true);
	}
	n->in_use[space]--;
}

void napt_tables_clear(struct lw4o6_napt *n)
{
	for (unsigned space = 0; space < LW4O6_NAPT_NSPACES; space++) {
		memset(n->ext[space], 0, NPORTS * sizeof(*n->ext[space]));
		n->live[space] = 0;
	}
	memset(n->maps, 0, (n->maps_top + 1) * sizeof(*n->maps));
	memset(n->map_hash, 0, ((size_t)n->map_mask + 1) * sizeof(*n->map_hash));
	n->maps_free = n->maps_top = n->quarantine_first = n->quarantine_last = 0;

	memset(n->sess, 0, (n->sess_top + 1) * sizeof(*n->sess));
	memset(n->sess_hash, 0, ((size_t)n->sess_mask + 1) * sizeof(*n->sess_hash));
	memset(n->peer_hash, 0, ((size_t)n->sess_mask + 1) * sizeof(*n->peer_hash));
	n->sess_free = n->sess_top = n->sess_count = n->by_remote = 0;
	memset(n->wheel, 0, sizeof(n->wheel));
	memset(n->wheel_busy, 0, sizeof(n->wheel_busy));
	memset(n->ids, 0, ID_SLOTS * sizeof(*n->ids));
	napt_hosts_clear(n);
}
