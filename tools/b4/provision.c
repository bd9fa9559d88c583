#include "config.h"

#include "b4.h"
#include "clock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

enum { DHCP_BURST = 16 };

/* The IAID of an interface stays what it is over restarts: FNV-1a of its name. */
static uint32_t iaid_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static void read_dhcp(void *arg, int fd, uint32_t events)
{
	struct b4 *b = arg;
	int n = sock_recv(fd, b->dhcp_rx);
	lw4o6_time now = clock_now();

	(void)events;
	for (int i = 0; i < n; i++) {
		struct sock_msg *m = sock_burst_msg(b->dhcp_rx, (unsigned)i);
		struct lw4o6_dgram d = { .from = m->peer, .data = m->data, .len = m->len, .room = m->len };

		if (lw4o6_client_recv(b->client, &d, now) != LW4O6_OK)
			log_warning("dhcp", "out of memory");
	}
}

int b4_provision_open(struct b4 *b, TALLOC_CTX *mem)
{
	struct lw4o6_client_config cfg = b->set->client;
	struct lw4o6_host host = logsink_host();
	int err;

	b->exit_code = EXIT_FILE;
	if (b4_state_duid(b, &cfg) < 0)
		return -1;
	b->set->client = cfg;
	if (cfg.iaid == 0)
		cfg.iaid = iaid_of(b->set->interface);
	b->client = lw4o6_client_new(mem, &cfg, &host);
	b->dhcp_rx = sock_burst_new(mem, DHCP_BURST, LW4O6_CLIENT_MSG_MAX * 2, 0);
	b->dhcp_tx = sock_burst_new(mem, DHCP_BURST, LW4O6_CLIENT_MSG_MAX, 0);
	if (!b->client || !b->dhcp_rx || !b->dhcp_tx) {
		log_error("memory", "out of memory");
		b->exit_code = EXIT_MEMORY;
		return -1;
	}
	b4_state_load(b, clock_now());
	b->udp = sock_udp6(b->set->interface, &in6addr_any, cfg.client_port ? cfg.client_port : LW4O6_DHCP6_CLIENT_PORT);
	err = b->udp < 0 ? b->udp : loop_add(b->loop, b->udp, EPOLLIN, read_dhcp, b);
	if (err < 0) {
		log_error("dhcp-socket", "%s: %s", b->set->interface, strerror(-err));
		b->exit_code = EXIT_NETWORK;
		return -1;
	}
	b->exit_code = EXIT_OK;
	return 0;
}

/* ---- what the machine wants ---- */

static bool same_service(const struct lw4o6_client_record *x, const struct lw4o6_client_record *y)
{
	return x->ipv4.s_addr == y->ipv4.s_addr && lw4o6_psid_equal(&x->ports, &y->ports) &&
	       memcmp(&x->source, &y->source, 16) == 0 && x->br.n > 0 && y->br.n > 0 &&
	       memcmp(&x->br.addr[0], &y->br.addr[0], 16) == 0;
}

static void apply_record(struct b4 *b, const struct lw4o6_client_record *r, lw4o6_time now)
{
	struct lw4o6_b4_record pr = { .ipv4 = r->ipv4, .ps = r->ports, .aftr = r->br.addr[0], .b4 = r->source,
		                      .expires = r->lease_end };
	const char *state = r->valid ? "bound" : "unbound";
	int err = LW4O6_OK;

	if (r->valid)
		err = lw4o6_b4_set_record(b->path, &pr, now);
	else if (r->suspended)
		lw4o6_b4_suspend(b->path, now);
	else
		err = lw4o6_b4_set_record(b->path, NULL, now);
	if (err != LW4O6_OK) { /* B-062: tunnel set-up refused */
		log_error("data-path", "the record is refused: %s", lw4o6_strerror(err));
		if (lw4o6_client_decline(b->client, now) != LW4O6_OK)
			log_warning("data-path", "nothing to decline");
		return;
	}
	if (r->valid && b->record.valid)
		state = same_service(r, &b->record) ? "renewed" : "updated";
	b4_route(b, r->valid);
	if (r->valid || b->record.valid) {
		b->record = *r;
		b4_hook(b, state);
	}
	b->record = *r;
	b4_report(b, now);
}

static void take_events(struct b4 *b, lw4o6_time now)
{
	struct lw4o6_client_event ev;

	while (lw4o6_client_event(b->client, &ev) == 1) {
		switch (ev.kind) {
		case LW4O6_CLIENT_EV_ADDR_ADD:
			b4_own_add(b, &ev.addr, now);
			break;
		case LW4O6_CLIENT_EV_ADDR_REMOVE:
			b4_own_remove(b, &ev.addr);
			break;
		case LW4O6_CLIENT_EV_RECORD:
			apply_record(b, &ev.record, now);
			break;
		case LW4O6_CLIENT_EV_SAVE:
			b4_state_save(b, &ev.saved, now);
			break;
		case LW4O6_CLIENT_EV_NATIVE_STOP:
			log_info("native-stop", "option 88 received: native DHCPv4 on %s must stop", b->set->interface);
			b4_hook(b, "native-stop");
			break;
		case LW4O6_CLIENT_EV_INFORMED:
			log_info("informed", "DHCPv4 options received, %zu octets", ev.message.len);
			break;
		}
	}
}

static void send_dhcp(struct b4 *b, lw4o6_time now)
{
	ssize_t len = 1;

	while (len > 0) {
		unsigned n = 0;

		for (; n < DHCP_BURST; n++) {
			struct sock_msg *m = sock_burst_msg(b->dhcp_tx, n);
			struct lw4o6_dgram d = { .data = m->data, .room = sock_burst_size(b->dhcp_tx) };

			len = lw4o6_client_send(b->client, &d, now);
			if (len <= 0)
				break;
			m->peer = d.to;
			m->peer.sin6_scope_id = b->wan_index;
			m->local = d.from.sin6_addr;
			m->ifindex = b->wan_index;
			m->len = (size_t)len;
		}
		if (n > 0 && sock_send(b->udp, b->dhcp_tx, n) < n)
			log_debug("dhcp-send", "some messages could not be sent");
	}
}

static void path_events(struct b4 *b, lw4o6_time now)
{
	struct lw4o6_b4_event ev;

	while (lw4o6_b4_event(b->path, &ev) == 1) {
		switch (ev.kind) {
		case LW4O6_B4_EV_REPROVISION:
			lw4o6_client_icmp_1_5(b->client, now);
			break;
		case LW4O6_B4_EV_PORTS_ALARM:
			log_warning("ports-alarm", "%u of %u ports in use", ev.used, ev.total);
			break;
		case LW4O6_B4_EV_PORTS_EXHAUSTED:
			log_warning("ports-exhausted", "a flow found no free port: %u of %u in use", ev.used, ev.total);
			break;
		case LW4O6_B4_EV_FORWARD_INACTIVE:
			log_warning("forward-inactive", "%u port forwards lie outside the port set", ev.used);
			break;
		case LW4O6_B4_EV_FRAG_ALARM:
			log_warning("frag-alarm", "reassembly is nearly full");
			break;
		case LW4O6_B4_EV_CONFIG:
			break;
		}
	}
}

void b4_provision_run(struct b4 *b, lw4o6_time now)
{
	b4_link_refresh(b, now);
	lw4o6_client_tick(b->client, now);
	path_events(b, now);
	take_events(b, now);
	b4_link_refresh(b, now);
	take_events(b, now);
	send_dhcp(b, now);
	lw4o6_b4_tick(b->path, now);
	b4_packets_drain(b);
}
