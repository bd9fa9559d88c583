#include "config.h"

#include "aftr_int.h"
#include "siphash.h"

#include <string.h>

/* Slots of the second table follow those of the first. */
static void place(const struct lw4o6_aftr *a, unsigned which, struct lw4o6_bind_hit *hit)
{
	if (hit->found)
		hit->slot = hit->slot < a->cfg.softwires_max ? which * a->cfg.softwires_max + hit->slot : SLOT_NONE;
}

static void second_table(const struct lw4o6_aftr *a, const struct lw4o6_bind_key *keys, unsigned n, lw4o6_time now,
                         struct lw4o6_bind_hit *hits)
{
	for (unsigned i = 0; i < n; i++) {
		struct lw4o6_bind_hit hit;

		if (hits[i].found)
			continue;
		lw4o6_bindtab_find_burst(a->tab[1], &keys[i], 1, now, &hit);
		place(a, 1, &hit);
		if (hit.found || hits[i].addr == LW4O6_BIND_UNMANAGED)
			hits[i] = hit;
	}
}

void aftr_lookup(const struct lw4o6_aftr *a, const struct lw4o6_bind_key *keys, unsigned n, lw4o6_time now,
                 struct lw4o6_bind_hit *hits)
{
	if (a->tab[0]) {
		lw4o6_bindtab_find_burst(a->tab[0], keys, n, now, hits);
		for (unsigned i = 0; i < n; i++)
			place(a, 0, &hits[i]);
	} else {
		memset(hits, 0, n * sizeof(hits[0]));
	}
	if (a->tab[1])
		second_table(a, keys, n, now, hits);
}

void aftr_find(const struct lw4o6_aftr *a, struct in_addr ipv4, uint16_t port, lw4o6_time now,
               struct lw4o6_bind_hit *hit)
{
	struct lw4o6_bind_key key = { ipv4, port };

	aftr_lookup(a, &key, 1, now, hit);
}

bool aftr_find_b4(const struct lw4o6_aftr *a, const struct in6_addr *b4, lw4o6_time now, struct lw4o6_binding *out)
{
	for (unsigned i = 0; i < LW4O6_AFTR_TABLES; i++)
		if (a->tab[i] && lw4o6_bindtab_find_b4(a->tab[i], b4, now, out))
			return true;
	return false;
}

bool aftr_managed(const struct lw4o6_aftr *a, struct in_addr ipv4, lw4o6_time now)
{
	for (unsigned i = 0; i < LW4O6_AFTR_TABLES; i++)
		if (a->tab[i] && lw4o6_bindtab_addr(a->tab[i], ipv4, now) != LW4O6_BIND_UNMANAGED)
			return true;
	return false;
}

/* A B4 address has no slot of its own; one of its entries has. */
uint32_t aftr_slot_of_b4(struct lw4o6_aftr *a, const struct in6_addr *b4, lw4o6_time now)
{
	struct lw4o6_binding b;
	struct lw4o6_bind_hit hit;

	if (!aftr_find_b4(a, b4, now, &b))
		return SLOT_NONE;

	int port = lw4o6_psid_nth_port(&b.ps, 0);

	aftr_find(a, b.ipv4, (uint16_t)(port < 0 ? 0 : port), now, &hit);
	if (!hit.found || !lw4o6_ip6_equal(&hit.b4, b4))
		return SLOT_NONE;
	aftr_touch(a, &hit);
	return hit.slot;
}

static uint32_t tag_of(const struct in6_addr *b4)
{
	uint64_t w[2];

	memcpy(w, b4, 16);
	w[0] = (w[0] ^ (w[1] << 17 | w[1] >> 47)) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(w[0] >> 32) | 1;
}

/* Another softwire stands behind the slot: what is kept about the old one ends (D-027). */
static void renew(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit, uint32_t tag)
{
	struct sw_tag *t = &a->tag[hit->slot];
	struct sw_cold *c = &a->cold[hit->slot];

	if (t->tag != 0)
		lw4o6_aftr_softwire_gone(a, &c->b4);
	if (t->pmtu != 0)
		a->pmtu_entries--;
	*t = (struct sw_tag){ .tag = tag, .own = aftr_is_own6(a, &hit->b4) };
	*c = (struct sw_cold){ .b4 = hit->b4 };
	a->hot[hit->slot] = (struct sw_hot){ 0 };
}

/* @return the state of a hit's softwire, or NULL when its slot has none. */
struct sw_tag *aftr_touch(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit)
{
	uint32_t tag = tag_of(&hit->b4);

	if (hit->slot == SLOT_NONE)
		return NULL;
	if (a->tag[hit->slot].tag != tag)
		renew(a, hit, tag);
	return &a->tag[hit->slot];
}

uint64_t aftr_softwire_id(const struct lw4o6_aftr *a, const struct in6_addr *b4)
{
	return siphash(a->key, b4, sizeof(*b4)) | 1;
}

/* D-189, D-190, D-193. @param pmtu path MTU, or 0 */
static size_t tunnel_mtu(const struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit, uint32_t pmtu)
{
	size_t mtu = a->cfg.link_mtu < a->cfg.path_mru ? a->cfg.link_mtu : a->cfg.path_mru;

	if (pmtu != 0 && pmtu < mtu)
		mtu = pmtu;
	mtu -= a->hlen;
	if (a->cfg.payload_mtu != 0 && a->cfg.payload_mtu < mtu)
		mtu = a->cfg.payload_mtu;
	if (hit->mtu != 0 && hit->mtu < mtu)
		mtu = hit->mtu;
	return mtu < LW4O6_IP6_MTU_MIN - a->hlen ? LW4O6_IP6_MTU_MIN - a->hlen : mtu;
}

static bool pmtu_aged(const struct lw4o6_aftr *a, uint32_t slot, lw4o6_time now)
{
	return now >= lw4o6_time_add(a->cold[slot].pmtu_at, lw4o6_time_from_s(a->cfg.pmtu_age_s));
}

/* The softwire's tunnel MTU; an aged path MTU ends here (D-191). */
size_t aftr_tunnel_mtu(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit, lw4o6_time now)
{
	struct sw_tag *t = aftr_touch(a, hit);

	if (t && t->pmtu != 0 && pmtu_aged(a, hit->slot, now)) {
		t->pmtu = 0;
		a->pmtu_entries--;
	}
	return tunnel_mtu(a, hit, t ? t->pmtu : 0);
}

/* D-135: never raised. @param mtu at least 1280 */
void aftr_pmtu_lower(struct lw4o6_aftr *a, uint32_t slot, uint32_t mtu, lw4o6_time now)
{
	struct sw_tag *t = &a->tag[slot];

	if (mtu >= (t->pmtu != 0 ? t->pmtu : a->cfg.link_mtu))
		return;
	if (t->pmtu == 0)
		a->pmtu_entries++;
	t->pmtu = (uint16_t)mtu;
	a->cold[slot].pmtu_at = now;
	a->cnt.packets[LW4O6_CNT_PMTU_DECREASED]++;
}

void lw4o6_aftr_set_table(struct lw4o6_aftr *a, unsigned which, const struct lw4o6_bindtab *t)
{
	a->tab[which] = t;
}

void lw4o6_aftr_softwire_gone(struct lw4o6_aftr *a, const struct in6_addr *b4)
{
	lw4o6_frag6_flush_source(a->frag6, b4);
	lw4o6_frag4_flush_softwire(a->frag4, aftr_softwire_id(a, b4));
}

bool lw4o6_aftr_softwire(const struct lw4o6_aftr *a, struct in_addr ipv4, uint16_t port, lw4o6_time now,
                         struct lw4o6_aftr_softwire *out)
{
	struct lw4o6_bind_hit hit;

	aftr_find(a, ipv4, port, now, &hit);
	if (!hit.found)
		return false;

	/* state of another softwire that had the slot counts for nothing */
	bool mine = hit.slot != SLOT_NONE && a->tag[hit.slot].tag == tag_of(&hit.b4);
	const struct sw_hot hot = mine ? a->hot[hit.slot] : (struct sw_hot){ 0 };
	const struct sw_cold cold = mine ? a->cold[hit.slot] : (struct sw_cold){ 0 };
	uint32_t pmtu = mine ? a->tag[hit.slot].pmtu : 0;

	if (pmtu != 0 && pmtu_aged(a, hit.slot, now))
		pmtu = 0;
	*out = (struct lw4o6_aftr_softwire){
		.tunnel_mtu = (uint32_t)tunnel_mtu(a, &hit, pmtu),
		.rcvd_ipv4 = hot.rcvd4, .rcvd_ipv4_bytes = hot.rcvd4_octets,
		.sent_ipv6 = hot.sent6, .sent_ipv6_bytes = hot.sent6_octets,
		.rcvd_ipv6 = hot.rcvd6, .rcvd_ipv6_bytes = hot.rcvd6_octets,
		.sent_ipv4 = hot.sent4, .sent_ipv4_bytes = hot.sent4_octets,
		.hairpin_ipv4 = cold.hairpin, .hairpin_ipv4_bytes = cold.hairpin_octets,
		.dropped_ipv4 = cold.drop4, .dropped_ipv4_bytes = cold.drop4_octets,
		.dropped_ipv6 = cold.drop6, .dropped_ipv6_bytes = cold.drop6_octets,
	};
	return true;
}
