/* IPv4 identifications of what leaves: the B4 is the source that RFC 6864 section 5.3.1 speaks of (D-306 to D-310). */
#include "config.h"

#include "napt_int.h"

enum { REMEMBER_S = 120 };

static struct id_entry *slot_of(const struct lw4o6_napt *n, struct in_addr dst, uint8_t proto, uint16_t new_id)
{
	return &n->ids[napt_hash(n, dst, n->ipv4, new_id, 0, proto) % ID_SLOTS];
}

uint16_t lw4o6_napt_new_id(struct lw4o6_napt *n, const struct lw4o6_ip4 *h, lw4o6_time now)
{
	if (h->df && !lw4o6_ip4_is_fragment(h)) /* atomic: the value means nothing */
		return n->cfg.atomic_id_zero ? 0 : h->id;

	uint16_t id = lw4o6_frag4_ident_next(&n->ident, n->ipv4, h->dst, h->protocol,
	                                     n->cfg.id_partition ? &n->ps : NULL);
	*slot_of(n, h->dst, h->protocol, id) = (struct id_entry){
		.dst = h->dst, .old_id = h->id, .new_id = id, .proto = h->protocol,
		.until = lw4o6_time_add(now, REMEMBER_S * LW4O6_SEC),
	};
	n->cnt->packets[LW4O6_CNT_NAT_ID_REWRITTEN]++;
	return id;
}

/* What the host wrote, as long as we remember; else -1. */
int32_t napt_id_restore(const struct lw4o6_napt *n, const struct lw4o6_ip4 *quoted, lw4o6_time now)
{
	const struct id_entry *e = slot_of(n, quoted->dst, quoted->protocol, quoted->id);

	if (now >= e->until || e->new_id != quoted->id || e->dst.s_addr != quoted->dst.s_addr ||
	    e->proto != quoted->protocol)
		return -1;
	return e->old_id;
}
