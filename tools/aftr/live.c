#include "config.h"

#include "aftr.h"
#include "clock.h"
#include "drop.h"
#include "logsink.h"
#include "loop.h"
#include "rtnl.h"
#include "tool.h"
#include "tun.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BURST = 64, BURSTS_A_TURN = 16, HEADROOM = 64, ROOM = 65600 };

struct live {
	struct settings *s;
	const struct tool *tool;
	struct lw4o6_aftr *a;
	struct static_table *fixed;
	TALLOC_CTX *fixed_mem;
	struct shared_table *shared;
	struct binding_counts bindings;
	lw4o6_time poll_at; /* when to look at the shared table's file and at the rates again */
	struct watch watch;
	struct loop *loop;
	int tun;
	char ifname[IFNAMSIZ];
	uint64_t started;   /* wall clock, for discontinuity-time */
	uint64_t write_errors;
	uint8_t *buf;       /* BURST x (HEADROOM + ROOM) */
	struct lw4o6_pkt pkts[BURST];
};

/* ---- packets ---- */

static void put(struct live *l, const uint8_t *data, size_t len)
{
	if (write(l->tun, data, len) < 0)
		l->write_errors++;
}

static void drain(struct live *l)
{
	struct lw4o6_out out;

	while (lw4o6_aftr_next_out(l->a, &out))
		put(l, out.data, out.len);
}

/* Neighbour discovery and multicast listener reports of the device are the host's affair (D-146). */
static bool is_host_noise(const uint8_t *p, size_t len)
{
	return len >= 40 && p[0] >> 4 == 6 && p[24] == 0xff;
}

static unsigned fill(struct live *l)
{
	unsigned n = 0;

	while (n < BURST) {
		uint8_t *data = l->buf + (size_t)n * (HEADROOM + ROOM) + HEADROOM;
		ssize_t len = read(l->tun, data, ROOM);

		if (len <= 0)
			break;
		if (is_host_noise(data, (size_t)len))
			continue;
		l->pkts[n++] = (struct lw4o6_pkt){ .data = data, .len = (size_t)len, .headroom = HEADROOM,
			                           .tailroom = ROOM - (size_t)len };
	}
	return n;
}

static enum lw4o6_side side_of(const struct lw4o6_pkt *p)
{
	return p->data[0] >> 4 == 6 ? LW4O6_SIDE_IPV6 : LW4O6_SIDE_IPV4;
}

/* Both families come from one device: neighbours of one family make a burst. */
static void forward(struct live *l, unsigned n, lw4o6_time now)
{
	for (unsigned i = 0; i < n;) {
		enum lw4o6_side side = side_of(&l->pkts[i]);
		unsigned m = 1;

		while (i + m < n && side_of(&l->pkts[i + m]) == side)
			m++;

		size_t done = lw4o6_aftr_run(l->a, side, &l->pkts[i], m, now);

		for (size_t k = 0; k < done; k++) {
			const struct lw4o6_pkt *p = &l->pkts[i + k];

			if (p->verdict == LW4O6_VERDICT_EMIT4 || p->verdict == LW4O6_VERDICT_EMIT6)
				put(l, p->data, p->len);
			else if (p->verdict == LW4O6_VERDICT_DROP)
				watch_drop(&l->watch, p);
		}
		drain(l);
		i += (unsigned)done;
	}
}

static void on_tun(void *arg, int fd, uint32_t events)
{
	struct live *l = arg;

	(void)fd;
	(void)events;
	for (unsigned i = 0; i < BURSTS_A_TURN; i++) {
		unsigned n = fill(l);

		if (n == 0)
			break;
		forward(l, n, clock_now());
		if (n < BURST)
			break;
	}
}

/* ---- tables ---- */

static void use_tables(struct live *l)
{
	lw4o6_aftr_set_table(l->a, 0, l->shared ? shared_table_get(l->shared) : l->fixed->tab);
	lw4o6_aftr_set_table(l->a, 1, l->shared && l->s->n_softwires > 0 ? l->fixed->tab : NULL);
}

static void every_second(struct live *l, lw4o6_time now)
{
	if (now < l->poll_at)
		return;
	l->poll_at = now + LW4O6_SEC;
	watch_tick(&l->watch, l->a, l->s->softwire_num_max, now);
	if (l->shared && shared_table_poll(l->shared))
		use_tables(l);
}

/* SIGHUP: take the softwire lines anew, all or none (D-031, D-036). */
static void on_reload(void *arg, int signo)
{
	struct live *l = arg;
	struct settings *s = talloc(l, struct settings);
	char error[512] = "no memory";
	struct static_table *fixed = NULL;

	(void)signo;
	if (s) {
		settings_init(s);
		if (conf_load(l->tool->config, settings_keywords, s, s, error, sizeof(error)) == 0 &&
		    settings_check(s, error, sizeof(error)) == 0)
			fixed = static_table_new(s, s, error, sizeof(error));
	}
	if (!fixed) {
		if (s)
			binding_rejected(&l->bindings, s);
		log_error("reload", "%s; the running softwires stay", error);
		talloc_free(s);
		return;
	}

	struct static_table *old = l->fixed;
	unsigned was = lw4o6_bindtab_count(old->tab), same = 0, changed = 0;
	uint32_t cursor = 0;
	struct lw4o6_binding b, o;

	while (lw4o6_bindtab_next(old->tab, &cursor, &b)) {
		int port = lw4o6_psid_nth_port(&b.ps, 0);

		bool found = lw4o6_bindtab_find(fixed->tab, b.ipv4, (uint16_t)(port < 0 ? 0 : port), 0, &o) &&
		             lw4o6_psid_equal(&o.ps, &b.ps);

		changed += found;
		if (found && lw4o6_ip6_equal(&o.b4, &b.b4) && lw4o6_ip6_equal(&o.br, &b.br))
			same++;
		else
			lw4o6_aftr_softwire_gone(l->a, &b.b4);
	}
	changed -= same;
	l->bindings.modified += changed;
	l->bindings.deleted += was - same - changed;
	l->bindings.added += lw4o6_bindtab_count(fixed->tab) - same - changed;
	l->fixed = fixed;
	l->s->n_softwires = s->n_softwires;
	use_tables(l);
	log_info("reload", "softwires: %u kept, %u gone or changed, %u new or changed", same, was - same,
	         lw4o6_bindtab_count(fixed->tab) - same);
	talloc_free(l->fixed_mem);
	l->fixed_mem = s;
}

/* ---- signals and time ---- */

static void show(void *arg, const char *name, uint64_t v)
{
	(void)arg;
	log_info("counter", "%s %llu", name, (unsigned long long)v);
}

static void on_show(void *arg, int signo)
{
	struct live *l = arg;

	(void)signo;
	show_counters(l->a, clock_now(), show, NULL);
	show_bindings(&l->bindings, l->fixed->tab, l->shared ? shared_table_get(l->shared) : NULL, show, NULL);
	show(NULL, "discontinuity-time", l->started / LW4O6_SEC);
	show(NULL, "write-errors", l->write_errors);
}

static void on_trace(void *arg, int signo)
{
	struct live *l = arg;

	(void)signo;
	l->watch.trace = !l->watch.trace;
	log_info("trace", "drops are %s", l->watch.trace ? "logged, at debug level" : "not logged");
}

static void on_stop(void *arg, int signo)
{
	struct live *l = arg;

	(void)signo;
	loop_stop(l->loop);
}

static void run_turn(void *arg, lw4o6_time now)
{
	struct live *l = arg;

	every_second(l, now);
	lw4o6_aftr_tick(l->a, now);
	drain(l);
}

static lw4o6_time next_turn(void *arg)
{
	struct live *l = arg;
	lw4o6_time t = lw4o6_aftr_expiry(l->a);

	return l->poll_at < t ? l->poll_at : t;
}

/* ---- start ---- */

static int fail(const char *what, int err)
{
	log_error("start", "%s: %s", what, strerror(-err));
	return EXIT_NETWORK;
}

static int add_routes(struct live *l, struct rtnl *r, unsigned ifindex)
{
	for (size_t i = 0; i < l->s->cfg.n_addrs; i++) {
		struct rtnl_route rt = { .family = AF_INET6, .v6 = l->s->addrs[i].addr, .prefix_len = 128,
			                 .ifindex = ifindex };
		int err = rtnl_route_add(r, &rt);

		if (err < 0)
			return fail("route of a softwire address", err);
	}
	for (size_t i = 0; i < l->s->n_routes; i++) {
		struct rtnl_route rt = { .family = AF_INET, .v4 = l->s->routes[i].addr,
			                 .prefix_len = (uint8_t)l->s->routes[i].len, .ifindex = ifindex };
		int err = rtnl_route_add(r, &rt);

		if (err < 0)
			return fail("ipv4-route", err);
	}
	return -1;
}

/* The device, up, and the routes into it. @return -1, or an exit code. */
static int open_device(struct live *l)
{
	const struct lw4o6_aftr_config *c = &l->s->cfg;
	uint32_t link = c->link_mtu ? c->link_mtu : 1500, ipv4 = c->ipv4_mtu ? c->ipv4_mtu : 1500;
	struct rtnl r;
	int err;

	l->tun = tun_open(l->s->tun, l->ifname);
	if (l->tun < 0)
		return fail(l->s->tun, l->tun);
	err = tun_accept_local(l->ifname);
	if (err < 0)
		log_warning("start", "%s: cannot accept the host's own source addresses: %s", l->ifname, strerror(-err));
	err = rtnl_open(&r);
	if (err < 0)
		return fail("rtnetlink", err);

	unsigned ifindex = if_nametoindex(l->ifname);
	int code = -1;

	err = rtnl_link_set(&r, ifindex, true, link > ipv4 ? link : ipv4);
	if (err < 0)
		code = fail(l->ifname, err);
	else
		code = add_routes(l, &r, ifindex);
	rtnl_close(&r);
	return code;
}

static int make_data_path(struct live *l)
{
	struct lw4o6_host host = logsink_host();
	struct lw4o6_aftr_config cfg = l->s->cfg;
	char error[256];

	/* the kernel forwards between the device and the links, and decrements (D-205) */
	cfg.no_ttl_ipv4 = !l->s->ttl_ipv4;
	cfg.no_ttl_ipv6 = !l->s->ttl_ipv6;

	int err = lw4o6_aftr_new(l, &l->a, &cfg, &host);

	if (err != LW4O6_OK) {
		log_error("settings", "%s", lw4o6_strerror(err));
		return err == LW4O6_ENOMEM ? EXIT_MEMORY : EXIT_CONFIG;
	}
	l->fixed_mem = talloc_new(l);
	l->fixed = static_table_new(l->fixed_mem, l->s, error, sizeof(error));
	l->shared = l->s->table ? shared_table_new(l, l->s->table) : NULL;
	l->buf = talloc_array(l, uint8_t, (size_t)BURST * (HEADROOM + ROOM));
	l->loop = loop_new(l);
	if (!l->fixed || !l->buf || !l->loop || (l->s->table && !l->shared)) {
		log_error("start", "no memory");
		return EXIT_MEMORY;
	}
	l->bindings.added = lw4o6_bindtab_count(l->fixed->tab);
	use_tables(l);
	log_info("start", "%s: ttl-decrement ipv4 %s, ipv6 %s (the kernel does the other ones)", l->ifname,
	         l->s->ttl_ipv4 ? "on" : "off", l->s->ttl_ipv6 ? "on" : "off");
	return -1;
}

static int watch(struct live *l)
{
	int err = loop_add(l->loop, l->tun, EPOLLIN, on_tun, l);

	if (err == 0)
		err = loop_signal(l->loop, SIGTERM, on_stop, l);
	if (err == 0)
		err = loop_signal(l->loop, SIGINT, on_stop, l);
	if (err == 0)
		err = loop_signal(l->loop, SIGUSR1, on_show, l);
	if (err == 0)
		err = loop_signal(l->loop, SIGUSR2, on_trace, l);
	if (err == 0)
		err = loop_signal(l->loop, SIGHUP, on_reload, l);
	return err < 0 ? fail("loop", err) : -1;
}

int live(TALLOC_CTX *mem, struct settings *s, const struct tool *tool)
{
	struct live *l = talloc_zero(mem, struct live);
	char error[256];

	if (!l)
		return EXIT_MEMORY;
	l->s = s;
	l->tool = tool;
	l->started = clock_wall();
	memcpy(l->watch.limit, s->alarm, sizeof(l->watch.limit));

	int code = open_device(l);

	if (code < 0)
		code = make_data_path(l);
	if (code < 0)
		code = tool_detach(tool);
	if (code < 0 && drop_privileges(s->user, 0, error, sizeof(error)) < 0) {
		log_error("start", "%s", error);
		code = EXIT_OTHER;
	}
	if (code < 0)
		code = watch(l);
	if (code >= 0)
		return code;

	struct loop_turn turn = { l, run_turn, next_turn };

	every_second(l, clock_now());
	log_info("start", "forwarding through %s", l->ifname);
	code = loop_run(l->loop, &turn) < 0 ? EXIT_OTHER : EXIT_OK;
	tool_end(tool);
	return code;
}
