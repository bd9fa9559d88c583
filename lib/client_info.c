#include "config.h"

#include "client_int.h"
#include "cursor.h"

#include <lw4o6/ip.h>
#include <string.h>

/* RFC 8415 section 7.6 */
#define INF_MAX_DELAY LW4O6_SEC
#define INF_TIMEOUT LW4O6_SEC
#define IRT_DEFAULT 86400u
#define IRT_MINIMUM 600u

/* d * (1 + r), r uniform in -0.1..0.1: RFC 8415 section 15. */
static lw4o6_time jitter(const struct lw4o6_client *c, lw4o6_time d)
{
	return d - d / 10 + client_random_time(c, d / 5);
}

static void delay(struct lw4o6_client *c, lw4o6_time now)
{
	c->info.state = INFO_DELAY;
	c->info.pending = false;
	c->info.timer = lw4o6_time_add(now, client_random_time(c, INF_MAX_DELAY));
}

void info_link(struct lw4o6_client *c, bool prefixes_changed, lw4o6_time now)
{
	struct info *i = &c->info;

	if (c->cfg.static_servers)
		return;
	if (!c->up || !c->has_linklocal) {
		i->state = INFO_START;
		i->pending = i->fresh = false;
		i->timer = LW4O6_TIME_NONE;
		return;
	}
	if (i->state == INFO_START) {
		delay(c, now);
	} else if (prefixes_changed && i->state == INFO_HAVE &&
	           (i->changed == 0 || now - i->changed >= REFRESH_INTERVAL)) {
		i->changed = now;
		delay(c, now);
	}
}

void info_refresh(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->info.state == INFO_HAVE)
		delay(c, now);
}

void info_tick(struct lw4o6_client *c, lw4o6_time now)
{
	struct info *i = &c->info;

	if (now < i->timer)
		return;
	switch (i->state) {
	case INFO_HAVE:
		client_log(c, LW4O6_LOG_DEBUG, "info-refresh", "refreshing DHCPv6 information");
		delay(c, now);
		break;
	case INFO_DELAY:
		i->state = INFO_WAIT;
		i->xid = client_random(c) & 0xffffff;
		i->tries = 0;
		i->pending = true;
		i->timer = LW4O6_TIME_NONE;
		break;
	case INFO_WAIT:
		i->pending = true;
		i->timer = LW4O6_TIME_NONE;
		break;
	case INFO_START:
		break;
	}
}

/* B-006: IRT 1 s, doubled up to INF_MAX_RT, for ever. */
void info_sent(struct lw4o6_client *c, lw4o6_time now)
{
	struct info *i = &c->info;

	if (i->tries == 0) {
		i->first_sent = now;
		i->rt = jitter(c, INF_TIMEOUT);
	} else {
		i->rt += jitter(c, i->rt);
		if (i->rt > i->max_rt)
			i->rt = jitter(c, i->max_rt);
	}
	i->tries++;
	i->pending = false;
	i->timer = lw4o6_time_add(now, i->rt);
}

/* ---- the answer ---- */

static void take_dns(struct conf6 *conf, const struct lw4o6_opt6 *o)
{
	struct rd r = rd_init(o->data, o->len);

	if (o->len % 16 != 0)
		return;
	for (conf->n_dns = 0; conf->n_dns < LW4O6_CLIENT_DNS_MAX && rd_left(&r) > 0; conf->n_dns++)
		rd_take(&r, &conf->dns[conf->n_dns], 16);
}

static uint32_t take_u32(const struct lw4o6_opt6 *o, uint32_t otherwise)
{
	return o->len == 4 ? get_be32(o->data) : otherwise;
}

/* B-013, C-031: even from a message with a failure status. */
static void take_max_rt(struct lw4o6_client *c, const struct lw4o6_dhcp6_msg *m)
{
	struct lw4o6_opt6 o;

	if (!lw4o6_opt6_find(m->options.p, m->options.len, LW4O6_OPT6_INF_MAX_RT, &o))
		return;

	uint32_t s = take_u32(&o, 0);

	if (s >= 60 && s <= 86400)
		c->info.max_rt = s * LW4O6_SEC;
}

static bool status_ok(const struct lw4o6_dhcp6_msg *m)
{
	struct lw4o6_opt6 o;
	struct lw4o6_span text;
	uint16_t status;

	if (!lw4o6_opt6_find(m->options.p, m->options.len, LW4O6_OPT6_STATUS_CODE, &o))
		return true;
	return lw4o6_dhcp6_status_decode(&status, &text, o.data, o.len) == LW4O6_OK && status == LW4O6_DHCP6_SUCCESS;
}

/* The first instance of a singleton counts (C-007); what is absent now is withdrawn (B-018). */
static uint32_t read_conf(struct lw4o6_client *c, struct conf6 *conf, const struct lw4o6_dhcp6_msg *m)
{
	const uint8_t *p = m->options.p;
	size_t len = m->options.len;
	struct lw4o6_opt6 o;
	uint32_t irt = IRT_DEFAULT;

	*conf = (struct conf6){ 0 };
	if (lw4o6_opt6_find(p, len, LW4O6_OPT6_4O6_SERVER, &o) &&
	    lw4o6_s46_servers_decode(&conf->servers, o.data, o.len) != LW4O6_OK)
		client_log(c, LW4O6_LOG_WARNING, "option-88-bad", "option 88 of %zu octets ignored", o.len);
	if (lw4o6_opt6_find(p, len, LW4O6_OPT6_S46_CONT_LW, &o)) {
		conf->has_lw = lw4o6_s46_lw_decode(&conf->lw, o.data, o.len) == LW4O6_OK;
		if (!conf->has_lw)
			client_log(c, LW4O6_LOG_WARNING, "option-96-bad", "S46 container for lw4o6 ignored");
	}
	if (lw4o6_opt6_find(p, len, LW4O6_OPT6_S46_PRIORITY, &o) &&
	    lw4o6_s46_priority_decode(&conf->prio, o.data, o.len) != LW4O6_OK)
		conf->prio.n = 0;
	if (lw4o6_opt6_find(p, len, LW4O6_OPT6_DNS_SERVERS, &o))
		take_dns(conf, &o);
	if (lw4o6_opt6_find(p, len, LW4O6_OPT6_INFORMATION_REFRESH, &o))
		irt = take_u32(&o, IRT_DEFAULT);
	return irt < IRT_MINIMUM ? IRT_MINIMUM : irt;
}

/* B-012, RFC 8415 section 16.10. */
static bool reply_ok(struct lw4o6_client *c, const struct lw4o6_dhcp6_msg *m)
{
	enum lw4o6_client_counter why;

	if (c->info.state != INFO_WAIT || c->info.tries == 0 || m->xid != c->info.xid)
		why = LW4O6_CLIENT_CNT_DROP_XID;
	else if (!m->server_id.p)
		why = LW4O6_CLIENT_CNT_DROP_SERVER_ID;
	else if (!m->client_id.p || m->client_id.len != c->cfg.duid_len ||
	         memcmp(m->client_id.p, c->cfg.duid, c->cfg.duid_len) != 0)
		why = LW4O6_CLIENT_CNT_DROP_CLIENT_ID;
	else
		return true;
	c->count[why]++;
	return false;
}

void info_recv(struct lw4o6_client *c, const struct lw4o6_dhcp6_msg *m, lw4o6_time now)
{
	struct info *i = &c->info;

	if (!reply_ok(c, m))
		return;
	take_max_rt(c, m);
	if (!status_ok(m)) {
		c->count[LW4O6_CLIENT_CNT_DROP_STATUS]++;
		return;
	}

	uint32_t irt = read_conf(c, &c->conf, m);

	if (c->cfg.irt_max_s != 0 && irt > c->cfg.irt_max_s)
		irt = c->cfg.irt_max_s;
	i->state = INFO_HAVE;
	i->pending = false;
	i->fresh = true;
	i->timer = lw4o6_time_add(now, lw4o6_time_from_s(irt));
	if (c->conf.servers.present)
		client_log(c, LW4O6_LOG_INFO, "option-88", "DHCP 4o6 servers received: %u%s", c->conf.servers.n,
		           c->conf.servers.n == 0 ? " (multicast)" : "");
	if (c->conf.servers.present && !addr_targets(c))
		client_log(c, LW4O6_LOG_WARNING, "option-88-unusable", "no usable address in option 88: 4o6 stays off");
	client_reconsider(c, now);
}

/* ---- the mechanism (B-036, RFC 8026 section 1.4) ---- */

/* RFC 7598 section 5.3: a container without option 92 leaves the address to other means. */
static bool lw_usable(struct lw4o6_client *c)
{
	struct lw4o6_s46_br_list *br = &c->conf.lw.br;
	unsigned n = 0;

	if (c->cfg.no_lw || !c->conf.has_lw || !c->conf.lw.has_bind)
		return false;
	for (unsigned i = 0; i < br->n; i++)
		if (lw4o6_ip6_is_usable(&br->addr[i]))
			br->addr[n++] = br->addr[i];
	br->n = n;
	return n > 0 && !lw4o6_ip4_is_martian(c->conf.lw.ipv4);
}

void info_choose(struct lw4o6_client *c)
{
	static const char *const names[] = { "none", "DHCP 4o6 (option 88)", "container 96" };
	bool has_4o6 = addr_targets(c) && !c->cfg.no_4o6, has_lw = lw_usable(c);
	enum mech mech = MECH_NONE;

	for (unsigned i = 0; i < c->conf.prio.n && mech == MECH_NONE; i++) {
		if (c->conf.prio.code[i] == LW4O6_OPT6_4O6_SERVER && has_4o6)
			mech = MECH_4O6;
		else if (c->conf.prio.code[i] == LW4O6_OPT6_S46_CONT_LW && has_lw)
			mech = MECH_LW;
	}
	if (mech == MECH_NONE && has_4o6)
		mech = c->cfg.prefer_lw && has_lw ? MECH_LW : MECH_4O6;
	else if (mech == MECH_NONE && has_lw)
		mech = MECH_LW;
	if (mech != c->mech)
		client_log(c, LW4O6_LOG_INFO, "mechanism", "IPv4 mechanism: %s", names[mech]);
	c->mech = mech;
}
