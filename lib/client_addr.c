#include "config.h"

#include "client_int.h"

#include <lw4o6/ip.h>
#include <string.h>

static const struct in6_addr all_servers = { .s6_addr = { 0xff, 2, [13] = 1, [15] = 2 } }; /* ff02::1:2 */

static bool is_linklocal(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xfe && (a->s6_addr[1] & 0xc0) == 0x80;
}

static bool is_multicast(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xff;
}

/* Unique local, RFC 4193. */
static bool is_ula(const struct in6_addr *a)
{
	return (a->s6_addr[0] & 0xfe) == 0xfc;
}

/* only link-scope destinations are reached from the link-local address. */
static bool link_scope(const struct in6_addr *a)
{
	return is_linklocal(a) || (is_multicast(a) && (a->s6_addr[1] & 0x0f) <= 2);
}

/* ---- what is on the link ---- */

struct own_addr *own_find(struct lw4o6_client *c, const struct in6_addr *a)
{
	for (unsigned i = 0; i < OWN_MAX; i++)
		if (c->own[i].state != OWN_FREE && lw4o6_ip6_equal(&c->own[i].addr, a))
			return &c->own[i];
	return NULL;
}

static const struct own_addr *own_look(const struct lw4o6_client *c, const struct in6_addr *a)
{
	for (unsigned i = 0; i < OWN_MAX; i++)
		if (c->own[i].state != OWN_FREE && lw4o6_ip6_equal(&c->own[i].addr, a))
			return &c->own[i];
	return NULL;
}

/* An address the link has of itself, that is, not one of those made here. */
static bool is_native(const struct lw4o6_client *c, const struct lw4o6_client_addr *e)
{
	return !e->prefix_only && !own_look(c, &e->addr);
}

bool addr_on_link(const struct lw4o6_client *c, const struct in6_addr *a)
{
	for (size_t i = 0; i < c->n_addr; i++)
		if (lw4o6_ip6_equal(&c->addr[i].addr, a) && is_native(c, &c->addr[i]))
			return true;
	return false;
}

/* Does a prefix of the link hold the address? Entries for our own /128 do not count. */
static bool covered(const struct lw4o6_client *c, const struct in6_addr *a, bool preferred)
{
	for (size_t i = 0; i < c->n_addr; i++) {
		const struct lw4o6_client_addr *e = &c->addr[i];

		if ((preferred && e->deprecated) || (!e->prefix_only && own_look(c, &e->addr)))
			continue;
		if (lw4o6_ip6_prefix_match(&e->addr, a, e->prefix_len))
			return true;
	}
	return false;
}

static bool fixed(const struct lw4o6_client *c, const struct in6_addr *a)
{
	return c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_FIXED && lw4o6_ip6_equal(&c->cfg.saddr, a);
}

/* May packets leave from it? */
bool addr_usable(const struct lw4o6_client *c, const struct in6_addr *a)
{
	const struct own_addr *own = own_look(c, a);

	if (!own)
		return addr_on_link(c, a);
	return own->state == OWN_READY && (fixed(c, a) || covered(c, a, false));
}

static bool any_preferred(const struct lw4o6_client *c)
{
	for (size_t i = 0; i < c->n_addr; i++)
		if (!c->addr[i].deprecated && (c->addr[i].prefix_only || is_native(c, &c->addr[i])))
			return true;
	return false;
}

/* Should the address in option 109 stay what it is? A deprecated prefix is left when there is another (B-076). */
bool addr_wanted_ok(const struct lw4o6_client *c)
{
	const struct own_addr *own = own_look(c, &c->wanted);

	if (!c->has_wanted)
		return false;
	if (fixed(c, &c->wanted))
		return own ? own->state == OWN_READY : addr_on_link(c, &c->wanted);
	if (!own && !addr_on_link(c, &c->wanted))
		return false;
	if (own && own->state != OWN_READY)
		return false;
	return covered(c, &c->wanted, any_preferred(c));
}

/* ---- where queries go and come from ---- */

static bool target_usable(const struct in6_addr *a)
{
	if (is_multicast(a))
		return (a->s6_addr[1] & 0x0f) >= 2 && (a->s6_addr[1] & 0x0f) < 15;
	return is_linklocal(a) || lw4o6_ip6_is_usable(a);
}

/* B-032, A-04: a list in which nothing is usable is not the empty list. */
bool addr_targets(struct lw4o6_client *c)
{
	const struct lw4o6_s46_servers *s = &c->conf.servers;

	c->targets = (struct lw4o6_s46_servers){ .present = s->present };
	if (s->present && s->n == 0)
		c->targets.addr[c->targets.n++] = all_servers;
	for (unsigned i = 0; i < s->n; i++)
		if (target_usable(&s->addr[i]))
			c->targets.addr[c->targets.n++] = s->addr[i];
	return c->targets.n > 0;
}

/* Order of two entries as a source: preferred first, then the longer lifetime, then the lower address. */
static bool better(const struct lw4o6_client_addr *x, const struct lw4o6_client_addr *y, bool ula)
{
	if (x->deprecated != y->deprecated)
		return y->deprecated;
	if (is_ula(&x->addr) != is_ula(&y->addr))
		return is_ula(&x->addr) == ula;
	if (x->preferred_until != y->preferred_until)
		return x->preferred_until > y->preferred_until;
	return memcmp(&x->addr, &y->addr, 16) < 0;
}

/* The global source stays while it can: another one costs a DISCOVER (B-076). */
static bool global_source(const struct lw4o6_client *c, bool ula, struct in6_addr *source)
{
	const struct lw4o6_client_addr *best = NULL, *kept = NULL;

	for (size_t i = 0; i < c->n_addr; i++) {
		const struct lw4o6_client_addr *e = &c->addr[i];

		if (!is_native(c, e))
			continue;
		if (c->has_packet_source && lw4o6_ip6_equal(&e->addr, &c->packet_source))
			kept = e;
		if (!best || better(e, best, ula))
			best = e;
	}
	if (!best)
		return false;
	*source = kept && (!kept->deprecated || best->deprecated) ? kept->addr : best->addr;
	return true;
}

static bool source_for(const struct lw4o6_client *c, bool link, struct in6_addr *source)
{
	if (link) {
		*source = c->linklocal;
		return c->has_linklocal;
	}
	for (unsigned i = 0; i < c->targets.n; i++)
		if (!link_scope(&c->targets.addr[i]))
			return global_source(c, is_ula(&c->targets.addr[i]), source);
	return false;
}

bool addr_target_source(const struct lw4o6_client *c, const struct in6_addr *target, struct in6_addr *source)
{
	return source_for(c, link_scope(target), source);
}

/* The address the server sees: the global one when any target needs one. */
bool addr_packet_source(const struct lw4o6_client *c, struct in6_addr *source)
{
	return source_for(c, false, source) || (c->targets.n > 0 && link_scope(&c->targets.addr[0]) &&
	                                        source_for(c, true, source));
}

/* ---- the softwire source ---- */

struct prefixes {
	size_t n;
	struct lw4o6_s46_prefix p[LW4O6_CLIENT_ADDRS_MAX];
};

static struct lw4o6_s46_prefix prefix_of(const struct in6_addr *a, uint8_t len)
{
	struct lw4o6_s46_prefix p = { *a, len };

	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = len > 8 * i ? len - 8 * i : 0;

		p.prefix.s6_addr[i] &= (uint8_t)(bits >= 8 ? 0xff : 0xff00 >> bits);
	}
	return p;
}

static bool prefix_listed(const struct prefixes *ps, const struct lw4o6_s46_prefix *p)
{
	for (size_t i = 0; i < ps->n; i++)
		if (ps->p[i].len == p->len && lw4o6_ip6_equal(&ps->p[i].prefix, &p->prefix))
			return true;
	return false;
}

/* An identifier can be made in a /64; an address with an unknown prefix (/128) can only be used as it is. */
static bool better_prefix(const struct lw4o6_client_addr *x, const struct lw4o6_client_addr *y, bool ula)
{
	if ((x->prefix_len > 64) != (y->prefix_len > 64))
		return y->prefix_len > 64;
	return better(x, y, ula);
}

/* B-071: the active prefixes, best first; deprecated ones only when there is nothing else. */
static void list_prefixes(const struct lw4o6_client *c, const struct in6_addr *br, struct prefixes *dst)
{
	const struct lw4o6_client_addr *order[LW4O6_CLIENT_ADDRS_MAX];
	bool preferred = any_preferred(c);
	size_t n = 0;

	for (size_t i = 0; i < c->n_addr; i++) {
		const struct lw4o6_client_addr *e = &c->addr[i];
		size_t at = n;

		if ((!e->prefix_only && !is_native(c, e)) || (preferred && e->deprecated))
			continue;
		for (; at > 0 && better_prefix(e, order[at - 1], is_ula(br)); at--)
			order[at] = order[at - 1];
		order[at] = e;
		n++;
	}
	dst->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct lw4o6_s46_prefix p = prefix_of(&order[i]->addr, order[i]->prefix_len);

		if (!prefix_listed(dst, &p))
			dst->p[dst->n++] = p;
	}
}

/* The hinted prefix to the front; a hint longer than it also says which part of it (RFC 8539 section 7.4). */
static bool apply_hint(struct prefixes *ps, const struct lw4o6_s46_prefix *hint)
{
	int i = lw4o6_s46_match_hint(hint, ps->p, ps->n);

	if (i < 0)
		return false;

	struct lw4o6_s46_prefix first = hint->len > ps->p[i].len ? *hint : ps->p[i];

	memmove(ps->p + 1, ps->p, (size_t)i * sizeof(ps->p[0]));
	ps->p[0] = first;
	return true;
}

struct list {
	const struct lw4o6_client *c;
	unsigned n;
	struct in6_addr *dst;
};

static void list_add(struct list *l, const struct in6_addr *a)
{
	if (!lw4o6_ip6_is_usable(a) || l->n == CANDIDATES_MAX)
		return;
	for (unsigned i = 0; i < l->c->n_failed; i++)
		if (lw4o6_ip6_equal(&l->c->failed[i], a))
			return;
	for (unsigned i = 0; i < l->n; i++)
		if (lw4o6_ip6_equal(&l->dst[i], a))
			return;
	l->dst[l->n++] = *a;
}

static void list_existing(struct list *l, const struct lw4o6_s46_prefix *p)
{
	for (size_t i = 0; i < l->c->n_addr; i++) {
		const struct lw4o6_client_addr *e = &l->c->addr[i];

		if (is_native(l->c, e) && lw4o6_ip6_prefix_match(&e->addr, &p->prefix, p->len))
			list_add(l, &e->addr);
	}
}

/* B-073: when the RFC 7597 identifier is a duplicate everywhere, a random one. */
static void list_random(struct list *l, const struct lw4o6_s46_prefix *p)
{
	struct in6_addr a = p->prefix;

	if (p->len > 64)
		return;
	memcpy(a.s6_addr + 8, &l->c->random_iid, 8);
	a.s6_addr[8] &= 0xfd; /* not derived from a link-layer address */
	list_add(l, &a);
}

static const struct in6_addr *br_in_play(const struct lw4o6_client *c)
{
	if (c->mech == MECH_LW)
		return &c->conf.lw.br.addr[0];
	if (c->offer.valid)
		return &c->offer.br.addr[0];
	return c->lease.valid ? &c->lease.br.addr[0] : &in6addr_any;
}

static bool same_tuple(const struct tuple *x, const struct tuple *y)
{
	return x->ipv4.s_addr == y->ipv4.s_addr && lw4o6_psid_equal(&x->ps, &y->ps);
}

unsigned addr_candidates(const struct lw4o6_client *c, const struct tuple *t, const struct lw4o6_s46_prefix *hint,
                         bool must_match, bool sticky, struct in6_addr dst[CANDIDATES_MAX])
{
	struct list l = { c, 0, dst };
	struct prefixes ps;
	struct in6_addr a;

	if (c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_FIXED) {
		list_add(&l, &c->cfg.saddr);
		return l.n;
	}
	if (sticky && c->lease.valid && c->lease.has_source && same_tuple(&c->lease.t, t) &&
	    covered(c, &c->lease.source, any_preferred(c)) &&
	    (c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_NEW || addr_on_link(c, &c->lease.source)))
		list_add(&l, &c->lease.source);
	list_prefixes(c, br_in_play(c), &ps);
	if (hint && !apply_hint(&ps, hint) && must_match)
		return l.n;
	if (must_match)
		ps.n = 1;
	for (size_t i = 0; i < ps.n; i++) {
		if (c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_EXISTING)
			list_existing(&l, &ps.p[i]);
		else if (lw4o6_psid_b4_addr(&a, &ps.p[i].prefix, ps.p[i].len, t->ipv4, &t->ps) == LW4O6_OK)
			list_add(&l, &a);
	}
	for (size_t i = 0; i < ps.n && !must_match && c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_NEW; i++)
		list_random(&l, &ps.p[i]);
	return l.n;
}

bool addr_has_candidate(const struct lw4o6_client *c)
{
	if (c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_FIXED)
		return true;
	for (size_t i = 0; i < c->n_addr; i++) {
		const struct lw4o6_client_addr *e = &c->addr[i];

		if (is_native(c, e) || (e->prefix_only && c->cfg.saddr_mode == LW4O6_CLIENT_SADDR_NEW))
			return true;
	}
	return false;
}

/* ---- addresses made here ---- */

bool own_add(struct lw4o6_client *c, const struct in6_addr *a)
{
	struct own_addr *own = own_find(c, a);

	if (own && own->state == OWN_READY)
		return true;
	for (unsigned i = 0; i < OWN_MAX && !own; i++)
		if (c->own[i].state == OWN_FREE)
			own = &c->own[i];
	if (own && own->state != OWN_ADDING)
		*own = (struct own_addr){ *a, OWN_ADDING, false };
	return false;
}

static bool own_needed(const struct lw4o6_client *c, const struct in6_addr *a)
{
	if (c->state == LW4O6_CLIENT_STOPPED)
		return false;
	return (c->has_wanted && lw4o6_ip6_equal(&c->wanted, a)) ||
	       (c->lease.valid && c->lease.has_source && lw4o6_ip6_equal(&c->lease.source, a)) ||
	       (c->det_valid && lw4o6_ip6_equal(&c->det_source, a));
}

void own_sweep(struct lw4o6_client *c)
{
	for (unsigned i = 0; i < OWN_MAX; i++) {
		struct own_addr *own = &c->own[i];

		if (own->state == OWN_FREE || own->state == OWN_REMOVING || own_needed(c, &own->addr))
			continue;
		if (own->state == OWN_ADDING && !own->told) {
			*own = (struct own_addr){ .state = OWN_FREE };
		} else {
			own->state = OWN_REMOVING;
			own->told = false;
		}
	}
}

void addr_failed(struct lw4o6_client *c, const struct in6_addr *a)
{
	char text[INET6_ADDRSTRLEN];

	client_log(c, LW4O6_LOG_WARNING, "softwire-address-failed", "address %s cannot be used",
	           client_addr_str(a, text));
	c->count[LW4O6_CLIENT_CNT_DAD_FAILED]++;
	if (c->n_failed == FAILED_MAX) {
		memmove(c->failed, c->failed + 1, (FAILED_MAX - 1) * sizeof(c->failed[0]));
		c->n_failed--;
	}
	c->failed[c->n_failed++] = *a;
}

/* B-037, RFC 7596 section 5.1: the prefix must match the binding prefix. */
void det_update(struct lw4o6_client *c)
{
	struct in6_addr list[CANDIDATES_MAX];
	bool was = c->det_valid;
	struct in6_addr before = c->det_source;
	unsigned n = 0;

	if (c->mech == MECH_LW && c->state != LW4O6_CLIENT_STOPPED) {
		struct tuple t = { .ipv4 = c->conf.lw.ipv4, .ps = c->conf.lw.ports };

		n = addr_candidates(c, &t, &c->conf.lw.bind, true, false, list);
	}
	c->det_valid = n > 0;
	if (n > 0)
		c->det_source = list[0];
	if (was && (!c->det_valid || !lw4o6_ip6_equal(&before, &c->det_source)))
		own_sweep(c);
	if (c->det_valid && !addr_on_link(c, &c->det_source))
		(void)own_add(c, &c->det_source);
}
