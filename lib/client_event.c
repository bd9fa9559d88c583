#include "config.h"

#include "client_int.h"

#include <lw4o6/ip.h>
#include <string.h>

/* ---- the result (B-080) ---- */

static void record_lease(const struct lw4o6_client *c, struct lw4o6_client_record *r)
{
	r->valid = true;
	r->ipv4 = c->lease.t.ipv4;
	r->ports = c->lease.t.ps;
	r->source = c->lease.source;
	r->br = c->lease.br;
	r->lease_end = c->lease.end;
	r->server_id = c->lease.t.server_id;
}

static void record_det(const struct lw4o6_client *c, struct lw4o6_client_record *r)
{
	r->valid = r->deterministic = true;
	r->ipv4 = c->conf.lw.ipv4;
	r->ports = c->conf.lw.ports;
	r->source = c->det_source;
	r->br = c->conf.lw.br;
	r->lease_end = LW4O6_TIME_NONE;
}

void client_record_now(const struct lw4o6_client *c, struct lw4o6_client_record *r)
{
	bool lease = c->lease.valid && c->lease.confirmed && c->lease.has_source;

	*r = (struct lw4o6_client_record){ .reason = c->reason, .n_dns = c->conf.n_dns };
	memcpy(r->dns, c->conf.dns, sizeof(r->dns));
	if (c->state == LW4O6_CLIENT_STOPPED)
		return;
	if (c->det_valid && addr_usable(c, &c->det_source)) {
		record_det(c, r);
		r->reason = "configured by container 96";
	} else if (lease && addr_usable(c, &c->lease.source)) {
		record_lease(c, r);
	} else if (lease) {
		r->suspended = true;
		r->reason = "softwire source not usable";
	}
}

static bool same_list(const struct in6_addr *x, unsigned nx, const struct in6_addr *y, unsigned ny)
{
	return nx == ny && memcmp(x, y, nx * sizeof(*x)) == 0;
}

static bool same_record(const struct lw4o6_client_record *x, const struct lw4o6_client_record *y)
{
	return x->valid == y->valid && x->suspended == y->suspended && x->deterministic == y->deterministic && x->ipv4.s_addr == y->ipv4.s_addr &&
	       lw4o6_psid_equal(&x->ports, &y->ports) && lw4o6_ip6_equal(&x->source, &y->source) &&
	       same_list(x->br.addr, x->br.n, y->br.addr, y->br.n) && x->lease_end == y->lease_end &&
	       x->server_id.s_addr == y->server_id.s_addr && same_list(x->dns, x->n_dns, y->dns, y->n_dns);
}

static void log_record(const struct lw4o6_client *c, const struct lw4o6_client_record *r)
{
	char ip[INET_ADDRSTRLEN], set[LW4O6_PSID_STRLEN], source[INET6_ADDRSTRLEN], br[INET6_ADDRSTRLEN];

	if (r->valid)
		client_log(c, LW4O6_LOG_INFO, "ipv4-up", "%s: %s, %s, softwire from %s to AFTR %s", r->reason,
		           client_ipv4_str(r->ipv4, ip), lw4o6_psid_str(&r->ports, set),
		           client_addr_str(&r->source, source), client_addr_str(&r->br.addr[0], br));
	else if (c->record.valid)
		client_log(c, LW4O6_LOG_WARNING, "ipv4-down", "IPv4 is down: %s", r->reason);
}

/* ---- what to store (B-069) ---- */

static void save_now(const struct lw4o6_client *c, struct lw4o6_client_saved *s)
{
	*s = (struct lw4o6_client_saved){ .valid = c->lease.valid && c->lease.has_source, .iaid = c->cfg.iaid,
		                          .duid_len = c->cfg.duid_len };
	memcpy(s->duid, c->cfg.duid, c->cfg.duid_len);
	if (!s->valid)
		return;
	s->ipv4 = c->lease.t.ipv4;
	s->ports = c->lease.t.ps;
	s->server_id = c->lease.t.server_id;
	s->lease_end = c->lease.end;
	s->source = c->lease.source;
	s->packet_source = c->lease.packet_source;
	s->br = c->lease.br;
}

/* ---- the events, in the order in which they must be done ---- */

static bool address_event(struct lw4o6_client *c, struct lw4o6_client_event *ev, bool add)
{
	for (unsigned i = 0; i < OWN_MAX; i++) {
		struct own_addr *own = &c->own[i];

		if (own->told || own->state != (add ? OWN_ADDING : OWN_REMOVING) || (add && !c->up))
			continue;
		ev->kind = add ? LW4O6_CLIENT_EV_ADDR_ADD : LW4O6_CLIENT_EV_ADDR_REMOVE;
		ev->addr = own->addr;
		own->told = true;
		if (!add)
			*own = (struct own_addr){ .state = OWN_FREE };
		return true;
	}
	return false;
}

static bool record_event(struct lw4o6_client *c, struct lw4o6_client_event *ev)
{
	struct lw4o6_client_record now;

	client_record_now(c, &now);
	if (same_record(&now, &c->record))
		return false;
	log_record(c, &now);
	c->record = now;
	ev->kind = LW4O6_CLIENT_EV_RECORD;
	ev->record = now;
	return true;
}

static bool take(bool *due)
{
	bool was = *due;

	*due = false;
	return was;
}

/* A new address comes before the record that uses it, and goes after the record that does not. */
int lw4o6_client_event(struct lw4o6_client *c, struct lw4o6_client_event *ev)
{
	*ev = (struct lw4o6_client_event){ 0 };
	if (take(&c->native_due)) {
		ev->kind = LW4O6_CLIENT_EV_NATIVE_STOP;
	} else if (address_event(c, ev, true) || record_event(c, ev) || address_event(c, ev, false)) {
		return 1;
	} else if (take(&c->save_due)) {
		ev->kind = LW4O6_CLIENT_EV_SAVE;
		save_now(c, &ev->saved);
	} else if (take(&c->informed_due)) {
		ev->kind = LW4O6_CLIENT_EV_INFORMED;
		ev->message = (struct lw4o6_span){ c->informed, c->informed_len };
	} else {
		return 0;
	}
	return 1;
}
