#include "config.h"

#include "client_int.h"

#include <string.h>

/* Which options a DHCPv4 message carries, table 1.6 of the spec; written in this order. */
enum {
	F_CIADDR = 1 << 0,
	F_REQUESTED = 1 << 1, /* 50 */
	F_SERVER = 1 << 2,    /* 54 */
	F_PRL = 1 << 3,       /* 55 */
	F_MAX = 1 << 4,       /* 57 */
	F_PORTS = 1 << 5,     /* 159 */
	F_SADDR = 1 << 6,     /* 109 */
	F_ORO = 1 << 7,       /* outer 6 */
	F_U = 1 << 8,         /* outer flag */
	F_REQUEST = F_PRL | F_MAX | F_PORTS | F_SADDR | F_ORO,
};

static const struct form {
	uint8_t type;
	unsigned fields;
} forms[] = {
	[MSG_DISCOVER] = { LW4O6_DHCP4_DISCOVER, F_REQUESTED | F_PRL | F_MAX | F_PORTS | F_ORO },
	[MSG_SELECT] = { LW4O6_DHCP4_REQUEST, F_REQUESTED | F_SERVER | F_REQUEST },
	[MSG_REBOOT] = { LW4O6_DHCP4_REQUEST, F_REQUESTED | F_REQUEST },
	[MSG_RENEW] = { LW4O6_DHCP4_REQUEST, F_U | F_CIADDR | F_REQUEST },
	[MSG_REBIND] = { LW4O6_DHCP4_REQUEST, F_CIADDR | F_REQUEST },
	[MSG_DECLINE] = { LW4O6_DHCP4_DECLINE, F_REQUESTED | F_SERVER | F_PORTS },
	[MSG_RELEASE] = { LW4O6_DHCP4_RELEASE, F_U | F_CIADDR | F_SERVER | F_PORTS },
	[MSG_INFORM] = { LW4O6_DHCP4_INFORM, F_U | F_CIADDR },
};

/* B-040: what RFC 8539 sections 4.1 and 6.1 return beside option 87. */
static const uint16_t query_oro[] = { LW4O6_OPT6_S46_BR, LW4O6_OPT6_S46_BIND_PREFIX };

ssize_t msg_build_info(const struct lw4o6_client *c, uint8_t *dst, size_t room, lw4o6_time now)
{
	uint16_t oro[8];
	size_t n = 0;
	struct lw4o6_wr w = lw4o6_wr_init(dst, room);
	lw4o6_time elapsed = c->info.tries == 0 ? 0 : (now - c->info.first_sent) / (10 * LW4O6_MSEC);

	if (c->cfg.want_dns)
		oro[n++] = LW4O6_OPT6_DNS_SERVERS;
	oro[n++] = LW4O6_OPT6_INFORMATION_REFRESH;
	oro[n++] = LW4O6_OPT6_INF_MAX_RT;
	oro[n++] = LW4O6_OPT6_4O6_SERVER;
	if (!c->cfg.no_lw) {
		oro[n++] = LW4O6_OPT6_S46_CONT_LW;
		oro[n++] = LW4O6_OPT6_S46_PRIORITY;
	}
	lw4o6_dhcp6_begin(&w, LW4O6_DHCP6_INFORMATION_REQUEST, c->info.xid);
	lw4o6_opt6_put(&w, LW4O6_OPT6_CLIENTID, c->cfg.duid, c->cfg.duid_len);
	lw4o6_dhcp6_put_oro(&w, oro, n);
	lw4o6_opt6_put_be16(&w, LW4O6_OPT6_ELAPSED_TIME, elapsed > UINT16_MAX ? UINT16_MAX : (uint16_t)elapsed);
	return lw4o6_wr_done(&w);
}

const struct tuple *msg_tuple(const struct lw4o6_client *c, enum msg_kind kind)
{
	if (kind == MSG_SELECT)
		return &c->offer.t;
	if (kind == MSG_DISCOVER && !c->lease.valid)
		return c->has_last ? &c->last : NULL;
	return &c->lease.t;
}

bool msg_uses_u(enum msg_kind kind)
{
	return (forms[kind].fields & F_U) != 0;
}

static void put_ports(struct lw4o6_wr *w, const struct lw4o6_psid *ps)
{
	uint8_t body[4];
	ssize_t n = lw4o6_s46_portparams_encode(body, sizeof(body), ps);

	if (n > 0 && ps->len > 0)
		lw4o6_opt4_put(w, LW4O6_OPT4_PORTPARAMS, body, (size_t)n);
}

/* B-043: the same list in every message, in ascending order, which tells nothing of the program (RFC 7844 section 3.6). */
static void put_prl(const struct lw4o6_client *c, struct lw4o6_wr *w)
{
	bool wanted[256] = { [LW4O6_OPT4_SUBNET_MASK] = true };
	uint8_t list[LW4O6_CLIENT_PRL_MAX + 2];
	size_t n = 0;

	wanted[LW4O6_OPT4_PORTPARAMS] = !c->cfg.whole_address_only;
	for (unsigned i = 0; i < c->cfg.prl_len; i++)
		if (c->cfg.prl[i] != LW4O6_OPT4_PORTPARAMS)
			wanted[c->cfg.prl[i]] = true;
	for (unsigned i = 1; i < 255 && n < sizeof(list); i++)
		if (wanted[i])
			list[n++] = (uint8_t)i;
	lw4o6_opt4_put(w, LW4O6_OPT4_PARAM_REQUEST, list, n);
}

static void put_options(const struct lw4o6_client *c, struct lw4o6_wr *w, enum msg_kind kind)
{
	unsigned f = forms[kind].fields;
	const struct tuple *t = msg_tuple(c, kind);
	struct lw4o6_psid hint;

	lw4o6_opt4_put(w, LW4O6_OPT4_CLIENT_ID, c->client_id, c->client_id_len);
	if ((f & F_REQUESTED) && t)
		lw4o6_opt4_put_addr(w, LW4O6_OPT4_REQUESTED_ADDR, t->ipv4);
	if (f & F_SERVER)
		lw4o6_opt4_put_addr(w, LW4O6_OPT4_SERVER_ID, t->server_id);
	if (f & F_PRL)
		put_prl(c, w);
	if (kind == MSG_INFORM)
		lw4o6_opt4_put(w, LW4O6_OPT4_PARAM_REQUEST, c->inform_prl, c->inform_prl_len);
	if (f & F_MAX)
		lw4o6_opt4_put_be16(w, LW4O6_OPT4_MAX_SIZE, c->cfg.max_message);
	if ((f & F_PORTS) && t)
		put_ports(w, &t->ps);
	else if ((f & F_PORTS) && !c->cfg.whole_address_only &&
	         lw4o6_psid_init(&hint, 0, c->cfg.psid_len_hint, 0) == LW4O6_OK)
		put_ports(w, &hint);
	if (f & F_SADDR)
		lw4o6_opt4_put(w, LW4O6_OPT4_S46_SADDR, &c->wanted, 16);
}

ssize_t msg_build_v4(const struct lw4o6_client *c, const struct exchange *x, uint8_t *dst, size_t room)
{
	const struct form *form = &forms[x->kind];
	struct lw4o6_wr w = lw4o6_wr_init(dst, room);
	struct lw4o6_dhcp4_hdr h = { .op = LW4O6_DHCP4_BOOTREQUEST, .htype = c->cfg.htype, .hlen = c->cfg.hlen,
		                     .xid = x->xid, .secs = x->secs };
	bool u = (form->fields & F_U) != 0, oro = (form->fields & F_ORO) != 0;

	if (form->fields & F_CIADDR)
		h.ciaddr = c->lease.t.ipv4;
	memcpy(h.chaddr, c->cfg.chaddr, sizeof(h.chaddr));

	size_t mark = lw4o6_v4o6_open_query(&w, u, query_oro, oro ? 2 : 0);

	lw4o6_dhcp4_begin(&w, &h, form->type);
	put_options(c, &w, x->kind);
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);
	return lw4o6_wr_done(&w);
}

/* Built at once, because the lease it speaks of is dropped before it is sent. */
void msg_oneshot(struct lw4o6_client *c, enum msg_kind kind)
{
	struct exchange x = { .kind = kind, .xid = client_random(c) };
	ssize_t n = msg_build_v4(c, &x, c->oneshot, sizeof(c->oneshot));

	c->oneshot_len = n > 0 ? (size_t)n : 0;
	c->oneshot_next = 0;
}

/* ---- sending ---- */

/* Of the last client_rate messages the oldest tells whether another may leave: B-005 holds for any 20 s. */
static bool may_send(const struct lw4o6_client *c, lw4o6_time now)
{
	return c->n_sent < c->cfg.client_rate || now >= lw4o6_time_add(c->sent[c->oldest], RATE_WINDOW);
}

/* When something waits for the limit: the time of the next message. */
lw4o6_time msg_token_time(const struct lw4o6_client *c)
{
	bool waits = c->info.pending || (c->x.active && c->x.pending) || (c->inform.active && c->inform.pending) ||
	             c->oneshot_len > 0;

	return waits && c->n_sent == c->cfg.client_rate ? lw4o6_time_add(c->sent[c->oldest], RATE_WINDOW)
	                                                : LW4O6_TIME_NONE;
}

static void set_address(struct sockaddr_in6 *sa, const struct in6_addr *a, uint16_t port)
{
	const uint8_t be[2] = { (uint8_t)(port >> 8), (uint8_t)port };

	*sa = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *a };
	memcpy(&sa->sin6_port, be, sizeof(be));
}

static void address(const struct lw4o6_client *c, struct lw4o6_dgram *out, const struct in6_addr *from,
                    const struct in6_addr *to)
{
	set_address(&out->from, from, c->cfg.client_port);
	set_address(&out->to, to, c->cfg.server_port);
}

static ssize_t finish(struct lw4o6_client *c, struct lw4o6_dgram *out, size_t len, lw4o6_time now)
{
	out->len = len;
	if (c->n_sent < c->cfg.client_rate) {
		c->sent[c->n_sent++] = now;
	} else {
		c->sent[c->oldest] = now;
		c->oldest = (c->oldest + 1) % c->n_sent;
	}
	c->count[LW4O6_CLIENT_CNT_SENT]++;
	return (ssize_t)len;
}

static ssize_t too_small(struct lw4o6_dgram *out)
{
	out->len = LW4O6_CLIENT_MSG_MAX;
	return LW4O6_ESPACE;
}

static ssize_t send_info(struct lw4o6_client *c, struct lw4o6_dgram *out, lw4o6_time now)
{
	static const struct in6_addr group = { .s6_addr = { 0xff, 2, [13] = 1, [15] = 2 } };
	ssize_t n = msg_build_info(c, out->data, out->room, now);

	if (n < 0)
		return too_small(out);
	address(c, out, &c->linklocal, &group);
	info_sent(c, now);
	return finish(c, out, (size_t)n, now);
}

/* The next target that can be reached from here, counted from @first; advances *next. */
static bool next_target(const struct lw4o6_client *c, unsigned first, unsigned *next, struct lw4o6_dgram *out)
{
	struct in6_addr source;

	while (*next < c->targets.n) {
		const struct in6_addr *to = &c->targets.addr[(first + (*next)++) % c->targets.n];

		if (addr_target_source(c, to, &source)) {
			address(c, out, &source, to);
			return true;
		}
	}
	return false;
}

static ssize_t send_exchange(struct lw4o6_client *c, struct exchange *x, struct lw4o6_dgram *out, lw4o6_time now)
{
	unsigned next = x->next;

	if (!next_target(c, x->first, &next, out)) {
		x->pending = false;
		v4_sent(c, x, now);
		return 0;
	}

	ssize_t n = msg_build_v4(c, x, out->data, out->room);

	if (n < 0)
		return too_small(out);
	if (x->next == 0 || !x->active)
		v4_sent(c, x, now);
	x->next = next;
	x->pending = next < c->targets.n;
	return finish(c, out, (size_t)n, now);
}

static ssize_t send_oneshot(struct lw4o6_client *c, struct lw4o6_dgram *out, lw4o6_time now)
{
	if (out->room < c->oneshot_len)
		return too_small(out);
	if (!next_target(c, 0, &c->oneshot_next, out)) {
		c->oneshot_len = 0;
		return 0;
	}
	memcpy(out->data, c->oneshot, c->oneshot_len);
	return finish(c, out, c->oneshot_len, now);
}

/* B-067: what ends a lease is sent after the tunnel was taken down. */
static bool tunnel_told(const struct lw4o6_client *c)
{
	return !c->record.valid || c->lease.valid;
}

ssize_t lw4o6_client_send(struct lw4o6_client *c, struct lw4o6_dgram *out, lw4o6_time now)
{
	ssize_t n = 0;

	if (!may_send(c, now))
		return 0;
	if (c->info.pending)
		return send_info(c, out, now);
	if (c->oneshot_len > 0 && tunnel_told(c))
		n = send_oneshot(c, out, now);
	if (n == 0 && c->x.active && c->x.pending)
		n = send_exchange(c, &c->x, out, now);
	if (n == 0 && c->inform.active && c->inform.pending)
		n = send_exchange(c, &c->inform, out, now);
	return n;
}
