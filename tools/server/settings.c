#include "config.h"

#include "settings.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define STATE_DIR "/var/lib/lw4o6"
#define RUN_DIR "/run/lw4o6"
enum { QUEUE = 512 }; /* answers and changes of one turn */

void *settings_append(struct conf_line *line, void *array, size_t size)
{
	uint8_t *p;
	size_t n;

	memcpy(&p, array, sizeof(p));
	n = p ? talloc_get_size(p) / size : 0;
	p = talloc_realloc_size(line->mem, p, (n + 1) * size);
	if (!p) {
		conf_fail(line, "out of memory");
		return NULL;
	}
	memcpy(array, &p, sizeof(p));
	return memset(p + n * size, 0, size);
}

#define COUNT(array) ((array) ? talloc_get_size(array) / sizeof(*(array)) : 0)

int settings_link(struct conf_line *line, struct settings *s, const char *name)
{
	for (size_t i = 0; i < COUNT(s->links); i++)
		if (strcmp(s->links[i].link.name, name) == 0)
			return (int)i;

	struct link_setting *l = settings_append(line, &s->links, sizeof(*l));

	if (!l)
		return -1;
	l->link.name = name;
	return (int)(COUNT(s->links) - 1);
}

/* ---- what a link's clients are told; args from argv[at] ---- */

static int link_servers(struct conf_line *line, struct link_setting *l, unsigned at)
{
	l->has_servers = true;
	l->link.servers = (struct lw4o6_s46_servers){ 0 };
	if (line->argc - at == 1 && strcmp(line->argv[at], "none") == 0)
		return 0;
	l->link.servers.present = true;
	if (line->argc - at == 1 && strcmp(line->argv[at], "multicast") == 0)
		return 0;
	for (unsigned i = at; i < line->argc; i++) {
		if (l->link.servers.n == LW4O6_S46_SERVERS_MAX)
			return conf_fail(line, "more than %d servers", LW4O6_S46_SERVERS_MAX);
		if (conf_ipv6(line, line->argv[i], &l->link.servers.addr[l->link.servers.n++]) < 0)
			return -1;
	}
	return 0;
}

static int link_br(struct conf_line *line, struct link_setting *l, unsigned at)
{
	l->has_br = true;
	for (unsigned i = at; i < line->argc; i++) {
		if (l->link.br.n == LW4O6_S46_BR_MAX)
			return conf_fail(line, "more than %d br", LW4O6_S46_BR_MAX);
		if (conf_ipv6(line, line->argv[i], &l->link.br.addr[l->link.br.n++]) < 0)
			return -1;
	}
	return 0;
}

static int link_priority(struct conf_line *line, struct link_setting *l, unsigned at)
{
	uint64_t v;

	l->has_priority = true;
	l->link.priority.n = 0;
	for (unsigned i = at; i < line->argc; i++) {
		if (l->link.priority.n == LW4O6_S46_PRIORITY_MAX)
			return conf_fail(line, "more than %d codes", LW4O6_S46_PRIORITY_MAX);
		if (conf_uint(line, line->argv[i], 0, UINT16_MAX, &v) < 0)
			return -1;
		l->link.priority.code[l->link.priority.n++] = (uint16_t)v;
	}
	return 0;
}

static int link_refresh(struct conf_line *line, struct link_setting *l, unsigned at)
{
	uint64_t v;

	if (conf_uint(line, line->argv[at], 600, UINT32_MAX, &v) < 0)
		return -1;
	l->has_refresh = l->link.has_refresh = true;
	l->link.refresh_s = (uint32_t)v;
	return 0;
}

static int link_sol_max_rt(struct conf_line *line, struct link_setting *l, unsigned at)
{
	uint64_t v;

	if (conf_uint(line, line->argv[at], 60, 86400, &v) < 0)
		return -1;
	l->has_sol = true;
	l->link.sol_max_rt_s = (uint32_t)v;
	return 0;
}

static int link_inf_max_rt(struct conf_line *line, struct link_setting *l, unsigned at)
{
	uint64_t v;

	if (conf_uint(line, line->argv[at], 60, 86400, &v) < 0)
		return -1;
	l->has_inf = true;
	l->link.inf_max_rt_s = (uint32_t)v;
	return 0;
}

static int link_saddr_prefix(struct conf_line *line, struct link_setting *l, unsigned at)
{
	struct lw4o6_s46_prefix *p = settings_append(line, &l->saddr, sizeof(*p));
	unsigned len;

	if (!p || conf_prefix6(line, line->argv[at], &p->prefix, &len) < 0)
		return -1;
	p->len = (uint8_t)len;
	return 0;
}

static const struct {
	const char *name;
	unsigned min, max;
	int (*set)(struct conf_line *line, struct link_setting *l, unsigned at);
} link_words[] = {
	{ "4o6-servers", 1, LW4O6_S46_SERVERS_MAX, link_servers },
	{ "br", 1, LW4O6_S46_BR_MAX, link_br },
	{ "s46-priority", 1, LW4O6_S46_PRIORITY_MAX, link_priority },
	{ "information-refresh", 1, 1, link_refresh },
	{ "sol-max-rt", 1, 1, link_sol_max_rt },
	{ "inf-max-rt", 1, 1, link_inf_max_rt },
	{ "saddr-prefix", 1, 1, link_saddr_prefix },
};

static int link_word(struct conf_line *line, struct link_setting *l, unsigned at)
{
	unsigned values = line->argc - at - 1;

	for (size_t i = 0; i < sizeof(link_words) / sizeof(link_words[0]); i++) {
		if (strcmp(line->argv[at], link_words[i].name) != 0)
			continue;
		if (values < link_words[i].min || values > link_words[i].max)
			return conf_fail(line, "'%s' does not take %u values", link_words[i].name, values);
		return link_words[i].set(line, l, at + 1);
	}
	return 1;
}

/* One of the words above without a link before it: the default link. */
static int set_default_link(struct conf_line *line, void *settings)
{
	struct settings *s = settings;

	return link_word(line, &s->links[0], 0);
}

/* link NAME relay PREFIX | interface-id HEX | prefix PREFIX | interface IF: how to tell it. */
static int link_selector(struct conf_line *line, struct settings *s, unsigned link)
{
	static const char *const by[] = { "relay", "interface-id", "prefix", "interface", NULL };
	int kind;
	unsigned len = 0;
	uint8_t octets[1024];
	size_t n = sizeof(octets);

	if (line->argc != 4 || conf_word(line, line->argv[2], by, &kind) < 0)
		return line->argc != 4 ? conf_fail(line, "'link' takes a name, a word and its value") : -1;

	struct lw4o6_server_selector *x = settings_append(line, &s->selectors, sizeof(*x));
	const char **name = settings_append(line, &s->selector_interface, sizeof(*name));

	if (!x || !name)
		return -1;
	x->by = (enum lw4o6_server_by)kind;
	x->link = link;
	switch (x->by) {
	case LW4O6_BY_RELAY:
	case LW4O6_BY_SOURCE:
		if (conf_prefix6(line, line->argv[3], &x->prefix.prefix, &len) < 0)
			return -1;
		x->prefix.len = (uint8_t)len;
		return 0;
	case LW4O6_BY_INTERFACE_ID:
		if (conf_hex(line, line->argv[3], octets, &n) < 0)
			return -1;
		x->id = (struct lw4o6_span){ talloc_memdup(line->mem, octets, n), n };
		return x->id.p ? 0 : conf_fail(line, "out of memory");
	case LW4O6_BY_INTERFACE:
		*name = line->argv[3];
		return 0;
	}
	return -1;
}

static int set_link(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	int i = settings_link(line, s, line->argv[1]), r;

	if (i < 0)
		return -1;
	r = link_word(line, &s->links[i], 2);
	return r == 1 ? link_selector(line, s, (unsigned)i) : r;
}

/* ---- single values ---- */

static int set_interface(struct conf_line *line, void *settings)
{
	struct settings *s = settings;

	if (s->n_interfaces == MAX_INTERFACES)
		return conf_fail(line, "more than %d interfaces", MAX_INTERFACES);
	s->interface[s->n_interfaces++] = line->argv[1];
	return 0;
}

static int set_alias(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct in_addr *a = settings_append(line, &s->aliases, sizeof(*a));

	return a ? conf_ipv4(line, line->argv[1], a) : -1;
}

static int set_duid(struct conf_line *line, void *settings)
{
	struct settings *s = settings;

	s->duid_len = sizeof(s->duid);
	if (conf_hex(line, line->argv[1], s->duid, &s->duid_len) < 0)
		return -1;
	return s->duid_len < LW4O6_DUID_MIN ? conf_fail(line, "a DUID has 3 to 130 octets") : 0;
}

static int set_hint(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	unsigned len;

	if (conf_prefix6(line, line->argv[1], &s->hint.prefix, &len) < 0)
		return -1;
	s->hint.len = (uint8_t)len;
	s->has_hint = true;
	return 0;
}

static int set_option(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct lw4o6_server_option *o = settings_append(line, &s->options, sizeof(*o));
	uint64_t code;
	uint8_t value[1024];
	size_t n = sizeof(value);

	if (!o || conf_uint(line, line->argv[1], 1, 254, &code) < 0 || conf_hex(line, line->argv[2], value, &n) < 0)
		return -1;
	o->code = (uint8_t)code;
	o->value = (struct lw4o6_span){ talloc_memdup(line->mem, value, n), n };
	return o->value.p ? 0 : conf_fail(line, "out of memory");
}

/* A number of seconds, or "infinite". */
static int set_lease_max(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	uint64_t v = UINT32_MAX;

	if (strcmp(line->argv[1], "infinite") != 0 && conf_uint(line, line->argv[1], 60, UINT32_MAX - 1, &v) < 0)
		return -1;
	s->server.lease_max_s = (uint32_t)v;
	return 0;
}

static const char *const saddr_reject_words[] = { "ack-existing", "drop", NULL };
static const char *const allocation_words[] = { "random", "round-robin", NULL };

#define U(kw, field, lo, hi) CONF_UINT_ROW(kw, struct settings, field, lo, hi)
#define B(kw, field) CONF_BOOL_ROW(kw, struct settings, field)

const struct conf_keyword settings_keywords[] = {
	/* where */
	CONF_CALL_ROW("interface", 1, 1, set_interface),
	CONF_IPV6_ROW("listen", struct settings, listen),
	U("port", port, 1, 65535),
	U("client-port", server.client_port, 0, 65535),
	U("relay-port", server.relay_port, 0, 65535),
	B("site-multicast", site_multicast),
	CONF_TEXT_ROW("user", struct settings, user),
	CONF_TEXT_ROW("state-dir", struct settings, state_dir),
	CONF_TEXT_ROW("run-dir", struct settings, run_dir),
	CONF_TEXT_ROW("table", struct settings, table),
	U("table-size", table_size, 1, 1 << 28),
	U("journal-max", journal_max, 65536, (uint64_t)1 << 40),
	/* who */
	CONF_IPV4_ROW("server-id", struct settings, server.server_id),
	CONF_CALL_ROW("server-id-alias", 1, 1, set_alias),
	CONF_CALL_ROW("duid", 1, 1, set_duid),
	/* what links are told */
	CONF_CALL_ROW("4o6-servers", 1, LW4O6_S46_SERVERS_MAX, set_default_link),
	CONF_CALL_ROW("br", 1, LW4O6_S46_BR_MAX, set_default_link),
	CONF_CALL_ROW("s46-priority", 1, LW4O6_S46_PRIORITY_MAX, set_default_link),
	CONF_CALL_ROW("information-refresh", 1, 1, set_default_link),
	CONF_CALL_ROW("sol-max-rt", 1, 1, set_default_link),
	CONF_CALL_ROW("inf-max-rt", 1, 1, set_default_link),
	CONF_CALL_ROW("saddr-prefix", 1, 1, set_default_link),
	CONF_CALL_ROW("link", 3, 2 + LW4O6_S46_SERVERS_MAX, set_link),
	/* addresses */
	CONF_CALL_ROW("pool", 3, 60, set_pool),
	CONF_CALL_ROW("prefix-hint", 1, 1, set_hint),
	CONF_CALL_ROW("fixed", 2, 8, set_fixed),
	CONF_CALL_ROW("prebind", 2, 24, set_prebind),
	CONF_CALL_ROW("reserved-ports", 1, 60, set_reserved),
	CONF_CALL_ROW("option", 2, 2, set_option),
	/* policy */
	U("offer-hold", server.offer_hold_s, 5, 600),
	U("lease-min", server.lease_min_s, 60, UINT32_MAX - 1),
	U("lease-default", server.lease_default_s, 60, UINT32_MAX - 1),
	CONF_CALL_ROW("lease-max", 1, 1, set_lease_max),
	U("t1", server.t1_s, 1, UINT32_MAX - 1),
	U("t2", server.t2_s, 1, UINT32_MAX - 1),
	U("decline-quarantine", server.quarantine_s, 0, UINT32_MAX - 1),
	U("saddr-min-interval", server.saddr_interval_s, 0, UINT32_MAX - 1),
	CONF_WORD_ROW("saddr-reject", struct settings, saddr_reject, saddr_reject_words),
	B("require-saddr", require_saddr),
	B("require-client-id", require_client_id),
	B("honour-with-full", server.honour_with_full),
	B("always-send-br", server.always_send_br),
	B("extend", extend),
	B("log-bindings", log_bindings),
	CONF_WORD_ROW("allocation", struct settings, allocation, allocation_words),
	U("max-leases-per-prefix", server.prefix_limit, 0, 65535),
	U("prefix-len", server.prefix_len, 1, 128),
	U("query-rate", server.rate_per_s, 0, UINT32_MAX),
	U("query-burst", server.rate_burst, 1, UINT32_MAX),
	U("max-leases", server.max_leases, 0, UINT32_MAX - 1),
	{ .name = NULL },
};

int settings_init(struct settings *s, TALLOC_CTX *mem)
{
	*s = (struct settings){ .port = LW4O6_DHCP6_SERVER_PORT, .state_dir = STATE_DIR, .run_dir = RUN_DIR, .table_size = 65536,
		                .journal_max = 64 << 20, .require_saddr = true, .require_client_id = true, .extend = true, .log_bindings = true,
		                .mem = mem };
	lw4o6_server_config_init(&s->server);
	s->server.queue = QUEUE;
	s->links = talloc_zero_array(mem, struct link_setting, 1);
	if (!s->links)
		return -1;
	s->links[0].link.name = "default";
	return 0;
}

/* ---- after the last line ---- */

static int finish_links(struct settings *s)
{
	const struct link_setting *d = &s->links[0];
	size_t n = COUNT(s->links);

	s->plain_links = talloc_zero_array(s->mem, struct lw4o6_server_link, (unsigned)n);
	if (!s->plain_links)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct link_setting *x = &s->links[i];
		struct lw4o6_server_link *l = &s->plain_links[i];

		*l = x->link;
		if (!x->has_servers)
			l->servers = d->link.servers;
		if (!x->has_br)
			l->br = d->link.br;
		if (!x->has_priority)
			l->priority = d->link.priority;
		if (!x->has_refresh)
			l->has_refresh = d->link.has_refresh, l->refresh_s = d->link.refresh_s;
		if (!x->has_sol)
			l->sol_max_rt_s = d->link.sol_max_rt_s;
		if (!x->has_inf)
			l->inf_max_rt_s = d->link.inf_max_rt_s;
		l->saddr_prefixes = x->saddr ? x->saddr : d->saddr;
		l->n_saddr_prefixes = COUNT(x->saddr ? x->saddr : d->saddr);
	}
	return 0;
}

int settings_resolve(struct settings *s, char *error, size_t room)
{
	for (size_t i = 0; i < COUNT(s->selectors); i++) {
		if (!s->selector_interface[i])
			continue;
		s->selectors[i].ifindex = if_nametoindex(s->selector_interface[i]);
		if (s->selectors[i].ifindex == 0) {
			snprintf(error, room, "link %s: no interface %s", s->links[s->selectors[i].link].link.name,
			         s->selector_interface[i]);
			return -1;
		}
	}
	return 0;
}

/* A pool without br or hint of its own: those of its first link, or the default ones. */
static void finish_pools(struct settings *s)
{
	for (size_t i = 0; i < COUNT(s->pools); i++) {
		struct lw4o6_server_pool *p = &s->pools[i];

		if (p->br.n == 0)
			p->br = s->plain_links[p->n_links ? p->links[0] : 0].br;
		if (!p->has_hint && s->has_hint) {
			p->has_hint = true;
			p->hint = s->hint;
		}
	}
}

static int try_server(struct settings *s, char *error, size_t room)
{
	static const uint8_t stand_in[LW4O6_DUID_MIN] = { 0, 4, 0 };
	struct lw4o6_server_config c = s->server;
	struct lw4o6_host host = logsink_host();
	struct lw4o6_server *server;
	char reason[LW4O6_SERVER_REASON];

	if (c.duid.len == 0)
		c.duid = (struct lw4o6_span){ stand_in, sizeof(stand_in) };

	int r = lw4o6_server_new(&server, s->mem, &c, &host, 0, 0, reason);

	if (r == LW4O6_OK) {
		talloc_free(server);
		return 0;
	}
	snprintf(error, room, "%s", reason[0] ? reason : lw4o6_strerror(r));
	return -1;
}

int settings_check(void *settings, char *error, size_t room)
{
	struct settings *s = settings;
	struct lw4o6_server_config *c = &s->server;

	snprintf(error, room, "out of memory");
	if (finish_links(s) < 0)
		return -1;
	finish_pools(s);
	if (!s->table) {
		s->table = talloc_asprintf(s->mem, "%s/bindings", s->run_dir);
		if (!s->table)
			return -1;
	}
	c->links = s->plain_links;
	c->n_links = COUNT(s->plain_links);
	c->selectors = s->selectors;
	c->n_selectors = COUNT(s->selectors);
	c->pools = s->pools;
	c->n_pools = COUNT(s->pools);
	c->fixed = s->fixed;
	c->n_fixed = COUNT(s->fixed);
	c->prebinds = s->prebinds;
	c->n_prebinds = COUNT(s->prebinds);
	c->options = s->options;
	c->n_options = COUNT(s->options);
	c->aliases = s->aliases;
	c->n_aliases = COUNT(s->aliases);
	if (s->reserved_set) {
		c->reserved = s->reserved;
		c->n_reserved = COUNT(s->reserved);
	}
	c->duid = (struct lw4o6_span){ s->duid_len ? s->duid : NULL, s->duid_len };
	c->optional_saddr = !s->require_saddr;
	c->optional_client_id = !s->require_client_id;
	c->no_extend = !s->extend;
	c->saddr_reject_drop = s->saddr_reject == 1;
	c->round_robin = s->allocation == 1;
	if (s->n_interfaces == 0 && IN6_IS_ADDR_UNSPECIFIED(&s->listen)) {
		snprintf(error, room, "neither 'interface' nor 'listen' is set");
		return -1;
	}
	return try_server(s, error, room);
}
