#include "config.h"

#include "b4.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RANGE_ROOM = 16,             /* "65535-65535" with quotes and comma */
	HOOK_RANGES_ROOM = 64 * 1024, /* a string of the environment may not be longer than 128 KiB */
	RECORD_ROOM = 4096,
};

size_t b4_ranges(const struct lw4o6_psid *ps, bool json, char *dst, size_t room)
{
	uint32_t n = lw4o6_psid_nranges(ps);
	uint16_t first, last;
	size_t used = 0;

	dst[0] = '\0';
	for (uint32_t i = 0; i < n && room - used > RANGE_ROOM; i++) {
		if (lw4o6_psid_nth_range(ps, i, &first, &last) != LW4O6_OK)
			break;
		used += (size_t)sprintf(dst + used, json ? "%s\"%u-%u\"" : "%s%u-%u", i == 0 ? "" : json ? "," : " ", first,
		                        last);
	}
	return used;
}

/* Text that grows, for the JSON record. */
struct text {
	char *p;
	size_t len, room;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->len, t->room - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->room - t->len ? (size_t)n : t->room - t->len - 1;
}

static const char *ip6_text(const struct in6_addr *a, char dst[INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, a, dst, INET6_ADDRSTRLEN) ? dst : "";
}

static const char *ip4_text(const struct in_addr *a, char dst[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, a, dst, INET_ADDRSTRLEN) ? dst : "";
}

static void add_list(struct text *t, const char *name, const struct in6_addr *a, unsigned n)
{
	char b[INET6_ADDRSTRLEN];

	add(t, ",\n \"%s\": [", name);
	for (unsigned i = 0; i < n; i++)
		add(t, "%s\"%s\"", i == 0 ? "" : ",", ip6_text(&a[i], b));
	add(t, "]");
}

/* A lease end as wall-clock seconds; 0 stands for "for ever". */
static double wall_end(lw4o6_time end, lw4o6_time now)
{
	if (end == LW4O6_TIME_NONE)
		return 0;
	return (double)((clock_wall() + (end > now ? end - now : 0)) / LW4O6_MSEC) / 1000;
}

static void add_service(struct text *t, const struct lw4o6_client_record *r, lw4o6_time now)
{
	char ip[INET_ADDRSTRLEN], server[INET_ADDRSTRLEN], a[INET6_ADDRSTRLEN];
	uint32_t n = lw4o6_psid_nports(&r->ports);

	add(t, ",\n \"deterministic\": %s,\n \"ipv4\": \"%s\"", r->deterministic ? "true" : "false",
	    ip4_text(&r->ipv4, ip));
	add(t, ",\n \"offset\": %u,\n \"psid_len\": %u,\n \"psid\": %u,\n \"ports\": %u", r->ports.offset, r->ports.len,
	    r->ports.id, n);
	add(t, ",\n \"port_first\": %d,\n \"port_last\": %d", lw4o6_psid_nth_port(&r->ports, 0),
	    lw4o6_psid_nth_port(&r->ports, n - 1));
	add(t, ",\n \"portsets\": [");
	t->len += b4_ranges(&r->ports, true, t->p + t->len, t->room - t->len);
	add(t, "],\n \"source\": \"%s\"", ip6_text(&r->source, a));
	add(t, ",\n \"aftr\": \"%s\"", ip6_text(&r->br.addr[0], a));
	add_list(t, "aftr_alternates", r->br.addr + 1, r->br.n - 1);
	add(t, ",\n \"lease_end\": %.3f,\n \"server_id\": \"%s\"", wall_end(r->lease_end, now),
	    ip4_text(&r->server_id, server));
}

/* B-080: the record for scripts. A set of many ranges makes a long list. */
char *b4_record_text(struct b4 *b, TALLOC_CTX *mem, lw4o6_time now, size_t *len)
{
	const struct lw4o6_client_record *r = &b->record;
	struct text t = { .room = RECORD_ROOM + (r->valid ? lw4o6_psid_nranges(&r->ports) : 0) * RANGE_ROOM };
	char duid[2 * LW4O6_DUID_MAX + 1] = "";

	t.p = talloc_size(mem, t.room);
	if (!t.p)
		return NULL;
	for (size_t i = 0; i < b->set->client.duid_len; i++)
		sprintf(duid + 2 * i, "%02x", b->set->client.duid[i]);
	add(&t, "{\"interface\": \"%s\",\n \"device\": \"%s\",\n \"duid\": \"%s\"", b->set->interface, b->tun_name, duid);
	add(&t, ",\n \"time\": %.3f,\n \"state\": \"%s\"", (double)(clock_wall() / LW4O6_MSEC) / 1000,
	    b->client ? lw4o6_client_state_name(lw4o6_client_state(b->client)) : "OFF");
	add(&t, ",\n \"valid\": %s,\n \"reason\": \"%s\"", r->valid ? "true" : "false", r->reason ? r->reason : "started");
	add_list(&t, "dns", r->dns, r->n_dns);
	if (r->valid)
		add_service(&t, r, now);
	add(&t, "}\n");
	*len = t.len;
	return t.p;
}

void b4_report(struct b4 *b, lw4o6_time now)
{
	size_t len;
	char *text = b4_record_text(b, b->loop, now, &len);
	int err = text ? b4_write_file(b->set->run_dir, "record.json", text, len, false) : -ENOMEM;

	if (err < 0)
		log_warning("record", "%s/record.json: %s", b->set->run_dir, strerror(-err));
	talloc_free(text);
}

/* ---- the hook: one call at a time, in order ---- */

static void set_number(const char *name, uint32_t v)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", v);
	setenv(name, text, 1);
}

/* In the child. Names follow odhcp6c and RFC 7618. */
static void set_environment(const struct lw4o6_client_record *r)
{
	static char ranges[HOOK_RANGES_ROOM];
	char ip[INET_ADDRSTRLEN], a[INET6_ADDRSTRLEN];

	if (!r->valid)
		return;
	b4_ranges(&r->ports, false, ranges, sizeof(ranges));
	setenv("IPV4", ip4_text(&r->ipv4, ip), 1);
	setenv("PORTSETS", ranges, 1);
	setenv("SOURCE", ip6_text(&r->source, a), 1);
	setenv("AFTR", ip6_text(&r->br.addr[0], a), 1);
	set_number("PSID", r->ports.id);
	set_number("PSIDLEN", r->ports.len);
	set_number("OFFSET", r->ports.offset);
	set_number("PORTS", lw4o6_psid_nports(&r->ports));
}

static void start_hook(struct b4 *b)
{
	struct b4_hook_call call = b->hooks[0];

	memmove(b->hooks, b->hooks + 1, --b->n_hooks * sizeof(b->hooks[0]));
	b->hook_pid = fork();
	if (b->hook_pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		set_environment(&call.record);
		setenv("DEVICE", b->tun_name, 1);
		setenv("REASON", call.record.reason ? call.record.reason : "", 1);
		execl(b->set->hook, b->set->hook, b->set->interface, call.state, (char *)NULL);
		_exit(127);
	}
	if (b->hook_pid < 0) {
		log_warning("hook", "%s: %s", b->set->hook, strerror(errno));
		b->hook_pid = 0;
	}
}

void b4_hook(struct b4 *b, const char *state)
{
	if (!b->set->hook)
		return;
	if (b->n_hooks == B4_HOOKS_MAX) { /* the newest state is what matters */
		log_warning("hook", "%s is too slow: a call is left out", b->set->hook);
		memmove(b->hooks, b->hooks + 1, --b->n_hooks * sizeof(b->hooks[0]));
	}
	b->hooks[b->n_hooks++] = (struct b4_hook_call){ state, b->record };
	if (b->hook_pid == 0)
		start_hook(b);
}

void b4_hook_reap(struct b4 *b)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != b->hook_pid)
			continue;
		b->hook_pid = 0;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			log_warning("hook", "%s failed with status %d", b->set->hook,
			            WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
	if (b->hook_pid == 0 && b->n_hooks > 0)
		start_hook(b);
}

/* ---- counters, for SIGUSR1 ---- */

void b4_counters_to_log(const struct b4 *b)
{
	const struct lw4o6_counters *c = lw4o6_b4_counters(b->path);
	struct lw4o6_b4_gauges g;

	for (unsigned i = 0; i < LW4O6_CLIENT_CNT_COUNT; i++) {
		uint64_t n = lw4o6_client_count(b->client, (enum lw4o6_client_counter)i);

		if (n != 0)
			log_info("counter", "dhcp-%s %llu", lw4o6_client_counter_name((enum lw4o6_client_counter)i),
			         (unsigned long long)n);
	}
	for (unsigned i = 0; i < LW4O6_CNT_COUNT; i++)
		if (c->packets[i] != 0)
			log_info("counter", "%s %llu", lw4o6_counter_name((enum lw4o6_counter)i),
			         (unsigned long long)c->packets[i]);
	lw4o6_b4_gauges(b->path, &g);
	log_info("gauge", "state %s, sessions %u of %u, ports tcp %u udp %u icmp %u of %u, path MTU %u, tunnel MTU %u",
	         lw4o6_client_state_name(lw4o6_client_state(b->client)), g.nat.sessions, g.nat.sessions_max,
	         g.nat.ports_in_use[LW4O6_NAPT_TCP], g.nat.ports_in_use[LW4O6_NAPT_UDP],
	         g.nat.ports_in_use[LW4O6_NAPT_ICMP], g.nat.ports_total, g.path_mtu, g.tunnel_mtu);
}
