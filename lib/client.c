#include "config.h"

#include "client_int.h"
#include "mem.h"

#include <arpa/inet.h>
#include <lw4o6/ip.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void client_log(const struct lw4o6_client *c, enum lw4o6_log_level level, const char *id, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!c->host.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->host.log(c->host.arg, level, id, text);
}

uint32_t client_random(const struct lw4o6_client *c)
{
	uint32_t v;

	c->host.random(c->host.arg, &v, sizeof(v));
	return v;
}

lw4o6_time client_random_time(const struct lw4o6_client *c, lw4o6_time span)
{
	uint64_t v;

	c->host.random(c->host.arg, &v, sizeof(v));
	return v % (span + 1);
}

const char *client_addr_str(const struct in6_addr *a, char dst[INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, a, dst, INET6_ADDRSTRLEN) ? dst : "?";
}

const char *client_ipv4_str(struct in_addr a, char dst[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, dst, INET_ADDRSTRLEN) ? dst : "?";
}

/* ---- making one ---- */

void lw4o6_client_config_init_sized(struct lw4o6_client_config *cfg, size_t size)
{
	memset(cfg, 0, size);
	cfg->size = size;
}

static bool config_ok(const struct lw4o6_client_config *cfg)
{
	return cfg->duid_len >= LW4O6_DUID_MIN && cfg->duid_len <= LW4O6_DUID_MAX && cfg->hlen <= 16 &&
	       cfg->psid_len_hint <= 16 && cfg->client_rate <= RATE_MAX && cfg->prl_len <= LW4O6_CLIENT_PRL_MAX &&
	       cfg->servers.n <= LW4O6_S46_SERVERS_MAX && (cfg->irt_max_s == 0 || cfg->irt_max_s >= 600) &&
	       (cfg->offer_collect_ms <= 10000 || cfg->offer_collect_ms == LW4O6_CLIENT_NO_DELAY) &&
	       (cfg->max_message == 0 || cfg->max_message >= 576) && (unsigned)cfg->saddr_mode <= LW4O6_CLIENT_SADDR_FIXED &&
	       (cfg->saddr_mode != LW4O6_CLIENT_SADDR_FIXED || lw4o6_ip6_is_usable(&cfg->saddr));
}

static void set_defaults(struct lw4o6_client_config *cfg)
{
	if (cfg->server_port == 0)
		cfg->server_port = LW4O6_DHCP6_SERVER_PORT;
	if (cfg->client_port == 0)
		cfg->client_port = LW4O6_DHCP6_CLIENT_PORT;
	if (cfg->saddr_retry_s == 0)
		cfg->saddr_retry_s = 60;
	if (cfg->client_rate == 0)
		cfg->client_rate = 20;
	if (cfg->max_message == 0)
		cfg->max_message = 1400;
}

struct lw4o6_client *lw4o6_client_new(TALLOC_CTX *mem, const struct lw4o6_client_config *cfg,
                                      const struct lw4o6_host *host)
{
	struct lw4o6_client *c = NULL;

	if (cfg->size <= sizeof(*cfg) && host->random)
		c = mem_new(mem, struct lw4o6_client);
	if (!c)
		return NULL;
	memcpy(&c->cfg, cfg, cfg->size);
	c->host = *host;
	if (!config_ok(&c->cfg)) {
		talloc_free(c);
		return NULL;
	}
	set_defaults(&c->cfg);
	c->sent = mem_new_array(c, lw4o6_time, c->cfg.client_rate);
	if (!c->sent) {
		talloc_free(c);
		return NULL;
	}

	ssize_t n = lw4o6_dhcp4_client_id_encode(c->client_id, sizeof(c->client_id), c->cfg.iaid, c->cfg.duid,
	                                         c->cfg.duid_len);

	c->client_id_len = n > 0 ? (size_t)n : 0;
	c->host.random(c->host.arg, &c->random_iid, sizeof(c->random_iid));
	c->info.timer = c->x.timer = c->inform.timer = c->window_end = LW4O6_TIME_NONE;
	c->info.max_rt = 3600 * LW4O6_SEC;
	c->reason = "started";
	if (c->cfg.static_servers) {
		c->conf.servers = c->cfg.servers;
		c->conf.servers.present = true;
	}
	return c;
}

int lw4o6_client_restore(struct lw4o6_client *c, const struct lw4o6_client_saved *s, lw4o6_time now)
{
	if (!s->valid || now >= s->lease_end || s->iaid != c->cfg.iaid || s->duid_len != c->cfg.duid_len ||
	    memcmp(s->duid, c->cfg.duid, c->cfg.duid_len) != 0)
		return LW4O6_ENOENT;
	if (!lw4o6_psid_valid(&s->ports) || lw4o6_ip4_is_martian(s->ipv4) || s->br.n > LW4O6_S46_BR_MAX ||
	    !lw4o6_ip6_is_usable(&s->source))
		return LW4O6_EINVAL;

	lw4o6_time left = s->lease_end == LW4O6_TIME_NONE ? LW4O6_TIME_NONE : s->lease_end - now;
	bool ever = left == LW4O6_TIME_NONE;

	c->lease = (struct lease){
		.valid = true,
		.t = { s->ipv4, s->ports, s->server_id },
		.br = s->br,
		.has_source = true,
		.source = s->source,
		.packet_source = s->packet_source,
		.t1 = ever ? left : now + left / 2,
		.t2 = ever ? left : now + left / 8 * 7,
		.end = s->lease_end,
	};
	c->last = c->lease.t;
	c->has_last = true;
	return LW4O6_OK;
}

/* ---- what happened ---- */

void client_reconsider(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->state == LW4O6_CLIENT_STOPPED)
		return;
	info_choose(c);
	if (c->conf.servers.present && !c->native_told && !c->cfg.no_4o6)
		c->native_due = c->native_told = true;
	else if (!c->conf.servers.present)
		c->native_told = false;
	v4_gate(c, now);
	if (c->mech == MECH_LW && c->lease.valid)
		v4_drop_lease(c, true, "configured by container 96 instead");
	det_update(c);
	own_sweep(c);
}

static bool in_list(const struct lw4o6_client_addr *e, const struct lw4o6_client_addr *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].prefix_len == e->prefix_len &&
		    lw4o6_ip6_prefix_match(&list[i].addr, &e->addr, e->prefix_len))
			return true;
	return false;
}

/* Is there a prefix in one list and not in the other? What this machine made itself does not count (B-015). */
static bool prefixes_differ(struct lw4o6_client *c, const struct lw4o6_client_addr *x, size_t nx,
                            const struct lw4o6_client_addr *y, size_t ny)
{
	for (size_t i = 0; i < nx; i++)
		if (!own_find(c, &x[i].addr) && !in_list(&x[i], y, ny))
			return true;
	return false;
}

void lw4o6_client_link(struct lw4o6_client *c, const struct lw4o6_client_link *link, lw4o6_time now)
{
	struct lw4o6_client_addr addr[LW4O6_CLIENT_ADDRS_MAX];
	size_t n = 0;
	bool changed;

	if (c->state == LW4O6_CLIENT_STOPPED)
		return;
	if (c->up && !link->up) {
		c->n_failed = 0;
		client_log(c, LW4O6_LOG_INFO, "link-down", "link is down");
	}
	for (size_t i = 0; i < link->n && n < LW4O6_CLIENT_ADDRS_MAX; i++)
		if (lw4o6_ip6_is_usable(&link->addr[i].addr) && link->addr[i].prefix_len <= 128)
			addr[n++] = link->addr[i];
	changed = prefixes_differ(c, addr, n, c->addr, c->n_addr) || prefixes_differ(c, c->addr, c->n_addr, addr, n);
	c->up = link->up;
	c->has_linklocal = link->has_linklocal;
	c->linklocal = link->linklocal;
	memcpy(c->addr, addr, n * sizeof(addr[0]));
	c->n_addr = n;
	info_link(c, changed, now);
	client_reconsider(c, now);
}

void lw4o6_client_addr_ready(struct lw4o6_client *c, const struct in6_addr *addr, bool ok, lw4o6_time now)
{
	struct own_addr *own = own_find(c, addr);
	bool awaited = c->state == LW4O6_CLIENT_PREPARE && lw4o6_ip6_equal(&c->wanted, addr);

	if (!own || own->state == OWN_REMOVING)
		return;
	if (ok) {
		own->state = OWN_READY;
	} else if (own->state == OWN_READY) { /* somebody removed it: ask for it again */
		own->state = OWN_ADDING;
		own->told = false;
	} else if (own->told) {
		addr_failed(c, addr);
		own->state = OWN_REMOVING;
		own->told = false;
	}
	if (awaited)
		v4_prepare_next(c, now);
	client_reconsider(c, now);
}

void lw4o6_client_icmp_1_5(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->cfg.no_reprovision || c->state != LW4O6_CLIENT_BOUND || now < c->next_reprovision) {
		c->count[LW4O6_CLIENT_CNT_REPROVISION_LIMITED]++;
		return;
	}
	c->count[LW4O6_CLIENT_CNT_REPROVISION]++;
	c->next_reprovision = lw4o6_time_add(now, REPROVISION_INTERVAL);
	client_log(c, LW4O6_LOG_WARNING, "aftr-refuses", "the AFTR does not know this softwire: asking the server");
	c->by_icmp = true;
	v4_request(c, LW4O6_CLIENT_CHANGING, now);
}

void lw4o6_client_refresh(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->state != LW4O6_CLIENT_STOPPED)
		info_refresh(c, now);
}

int lw4o6_client_renew(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->state != LW4O6_CLIENT_BOUND && c->state != LW4O6_CLIENT_MISMATCH)
		return LW4O6_ENOENT;
	v4_request(c, LW4O6_CLIENT_RENEWING, now);
	return LW4O6_OK;
}

int lw4o6_client_decline(struct lw4o6_client *c, lw4o6_time now)
{
	if (!c->lease.valid || c->state == LW4O6_CLIENT_OFF || c->state == LW4O6_CLIENT_STOPPED)
		return LW4O6_ENOENT;
	msg_oneshot(c, MSG_DECLINE);
	v4_drop_lease(c, true, "declined");
	v4_init(c, DECLINE_WAIT, now);
	return LW4O6_OK;
}

int lw4o6_client_inform(struct lw4o6_client *c, const uint8_t *codes, size_t n, lw4o6_time now)
{
	if (n == 0 || n > LW4O6_CLIENT_PRL_MAX)
		return LW4O6_EINVAL;
	if (!c->lease.valid || c->state == LW4O6_CLIENT_OFF || c->state == LW4O6_CLIENT_STOPPED)
		return LW4O6_ENOENT;
	if (!c->informed)
		c->informed = mem_new_array(c, uint8_t, LW4O6_CLIENT_MSG_MAX);
	if (!c->informed)
		return LW4O6_ENOMEM;
	memcpy(c->inform_prl, codes, n);
	c->inform_prl_len = (uint8_t)n;
	v4_start(c, &c->inform, MSG_INFORM, now);
	return LW4O6_OK;
}

void lw4o6_client_stop(struct lw4o6_client *c, bool release, lw4o6_time now)
{
	(void)now;
	if (c->state == LW4O6_CLIENT_STOPPED)
		return;
	c->reason = "stopped";
	/* B-031: while 4o6 is off nothing may be sent, and a lease that is not released is kept for the next start. */
	if (release && c->lease.valid && c->state != LW4O6_CLIENT_OFF) {
		msg_oneshot(c, MSG_RELEASE);
		v4_drop_lease(c, true, "released");
	}
	c->save_due = true;
	v4_state(c, LW4O6_CLIENT_STOPPED);
	c->x.active = c->inform.active = c->info.pending = false;
	c->has_wanted = c->det_valid = c->offer.valid = false;
	own_sweep(c);
}

void lw4o6_client_tick(struct lw4o6_client *c, lw4o6_time now)
{
	if (c->state == LW4O6_CLIENT_STOPPED)
		return;
	info_tick(c, now);
	v4_tick(c, now);
}

/* ---- looking at it ---- */

static lw4o6_time lease_expiry(const struct lw4o6_client *c)
{
	if (!c->lease.valid)
		return LW4O6_TIME_NONE;
	switch (c->state) {
	case LW4O6_CLIENT_BOUND:
	case LW4O6_CLIENT_CHANGING:
	case LW4O6_CLIENT_MISMATCH:
		return c->lease.t1;
	case LW4O6_CLIENT_RENEWING:
		return c->lease.t2;
	default:
		return c->lease.end;
	}
}

static lw4o6_time sooner(lw4o6_time x, lw4o6_time y)
{
	return x < y ? x : y;
}

lw4o6_time lw4o6_client_expiry(const struct lw4o6_client *c)
{
	lw4o6_time t = msg_token_time(c);

	if (c->state == LW4O6_CLIENT_STOPPED)
		return t;
	t = sooner(t, c->info.timer);
	t = sooner(t, lease_expiry(c));
	if (c->state != LW4O6_CLIENT_OFF)
		t = sooner(t, c->x.timer);
	if (c->state == LW4O6_CLIENT_SELECTING && c->offer.valid)
		t = sooner(t, c->window_end);
	return c->inform.active ? sooner(t, c->inform.timer) : t;
}

enum lw4o6_client_state lw4o6_client_state(const struct lw4o6_client *c)
{
	return c->state;
}

const char *lw4o6_client_state_name(enum lw4o6_client_state s)
{
	static const char *const names[] = {
		"OFF", "INIT", "SELECTING", "PREPARE", "REQUESTING", "REBOOTING",
		"BOUND", "CHANGING", "MISMATCH", "RENEWING", "REBINDING", "STOPPED",
	};

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

uint64_t lw4o6_client_count(const struct lw4o6_client *c, enum lw4o6_client_counter which)
{
	return c->count[which];
}

const char *lw4o6_client_counter_name(enum lw4o6_client_counter which)
{
	static const char *const names[] = {
#define NAME(id, name, help) name,
		LW4O6_CLIENT_COUNTER_LIST(NAME)
#undef NAME
	};

	return names[which];
}
