#include "config.h"

#include "run.h"

#include "clock.h"
#include "drop.h"
#include "feed.h"
#include "loop.h"
#include "sock.h"
#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BURST = 64, BURSTS = 4, DATAGRAM = 8192, ANSWER = 16384, EVENTS = BATCH_MAX, REAP_EVERY_S = 1 };

struct work {
	struct settings *set;
	struct lw4o6_server *server;
	struct state *state;
	struct feed *feed;
	struct loop *loop;
	int fd, lock;
	struct sock_burst *in, *out;
	struct lw4o6_server_event *ev; /* EVENTS of them */
	lw4o6_time reap;
	uint64_t store_failures, sent_failures;
};

/* ---- the socket ---- */

static int join(int fd, const struct settings *set)
{
	const struct in6_addr link_group = { { { 0xff, 0x02, [13] = 1, [15] = 2 } } };
	const struct in6_addr site_group = { { { 0xff, 0x05, [13] = 1, [15] = 3 } } };

	for (unsigned i = 0; i < set->n_interfaces; i++) {
		unsigned ifindex = if_nametoindex(set->interface[i]);
		int r = ifindex ? sock_join(fd, &link_group, ifindex) : -errno;

		if (r == 0 && set->site_multicast)
			r = sock_join(fd, &site_group, ifindex);
		if (r < 0) {
			log_error("interface", "%s: %s", set->interface[i], strerror(-r));
			return r;
		}
	}
	return 0;
}

static int open_socket(const struct settings *set)
{
	int fd = sock_udp6(NULL, &set->listen, set->port), size = 4 << 20;

	if (fd < 0) {
		log_error("socket", "UDP port %u: %s", set->port, strerror(-fd));
		return fd;
	}
	/* A burst of a whole access network after a power failure; the kernel caps it. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (join(fd, set) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The link-local address of an interface, for answers to what came by multicast (S-002). */
static struct in6_addr link_local(unsigned ifindex)
{
	struct in6_addr found = in6addr_any;
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return found;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		struct sockaddr_in6 sa;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET6 || if_nametoindex(a->ifa_name) != ifindex)
			continue;
		memcpy(&sa, a->ifa_addr, sizeof(sa));
		if (IN6_IS_ADDR_LINKLOCAL(&sa.sin6_addr))
			found = sa.sin6_addr;
	}
	freeifaddrs(list);
	return found;
}

static int take_burst(struct work *w, int fd)
{
	int n = sock_recv(fd, w->in);
	lw4o6_time now = clock_now();

	if (n < 0)
		log_warning("receive", "%s", strerror(-n));
	for (int i = 0; i < n; i++) {
		const struct sock_msg *m = sock_burst_msg(w->in, (unsigned)i);
		struct lw4o6_dgram d = { .from = m->peer, .data = m->data, .len = m->len, .ifindex = m->ifindex };

		d.to = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = m->local };
		if (lw4o6_server_recv(w->server, &d, now) != LW4O6_OK)
			log_warning("memory", "no memory, or as many records as allowed");
	}
	return n;
}

/* What waits, up to the room for answers: the more, the fewer flushes. */
static void on_readable(void *arg, int fd, uint32_t events)
{
	(void)events;
	for (int i = 0; i < BURSTS && take_burst(arg, fd) == BURST; i++)
		;
}

/* ---- one turn ---- */

static void log_event(const struct lw4o6_server_event *ev)
{
	static const char *const kinds[] = { "add", "modify", "delete", "record" };
	char a[INET_ADDRSTRLEN], b[INET6_ADDRSTRLEN], ps[LW4O6_PSID_STRLEN];

	log_debug("lease", "%s %s %s from %s", kinds[ev->kind], inet_ntop(AF_INET, &ev->lease.ipv4, a, sizeof(a)),
	          lw4o6_psid_str(&ev->lease.ps, ps), inet_ntop(AF_INET6, &ev->lease.saddr, b, sizeof(b)));
}

/* Store a batch of changes with one flush, then install and commit them (S-101, Y-010). @return how many there were. */
static unsigned settle(struct work *w, lw4o6_time now)
{
	struct journal *j = state_journal(w->state);
	unsigned n = 0;

	for (; n < EVENTS && lw4o6_server_event(w->server, &w->ev[n]) == 1; n++)
		journal_add(j, &w->ev[n].lease);
	if (n == 0)
		return 0;

	bool stored = journal_flush(j, now) == 0;

	for (unsigned i = 0; i < n; i++) {
		enum lw4o6_commit result = stored ? LW4O6_COMMIT_OK : LW4O6_COMMIT_NOT_STORED;

		if (!stored)
			w->store_failures++;
		else if (!feed_apply(w->feed, &w->ev[i], now))
			result = LW4O6_COMMIT_REFUSED;
		if (lw4o6_server_commit(w->server, w->ev[i].id, result) != LW4O6_OK)
			log_error("commit", "the library does not know change %llu", (unsigned long long)w->ev[i].id);
		log_event(&w->ev[i]);
	}
	return n;
}

static void send_answers(struct work *w, lw4o6_time now)
{
	for (;;) {
		unsigned n = 0;

		for (; n < BURST; n++) {
			struct sock_msg *m = sock_burst_msg(w->out, n);
			struct lw4o6_dgram d = { .data = m->data, .room = ANSWER };
			ssize_t len = lw4o6_server_send(w->server, &d, now);

			if (len <= 0)
				break;
			m->peer = d.to;
			m->local = d.from.sin6_addr;
			m->ifindex = d.ifindex;
			m->len = (size_t)len;
			if (IN6_IS_ADDR_UNSPECIFIED(&m->local) && !IN6_IS_ADDR_LINKLOCAL(&m->peer.sin6_addr))
				m->local = link_local(m->ifindex);
		}
		if (n == 0)
			return;
		w->sent_failures += n - sock_send(w->fd, w->out, n);
	}
}

static void turn(void *arg, lw4o6_time now)
{
	struct work *w = arg;

	if (lw4o6_server_tick(w->server, now) != LW4O6_OK)
		log_warning("tick", "no memory");
	send_answers(w, now); /* what waits for no change need not wait for the disk */
	while (settle(w, now) > 0)
		;
	send_answers(w, now);
	journal_compact(state_journal(w->state));
	if (now >= w->reap) {
		feed_reap(w->feed, now);
		w->reap = now + REAP_EVERY_S * LW4O6_SEC;
	}
}

static lw4o6_time expiry(void *arg)
{
	struct work *w = arg;
	lw4o6_time t = lw4o6_server_expiry(w->server);

	if (journal_busy(state_journal(w->state)))
		return 0;
	return feed_count(w->feed) > 0 && w->reap < t ? w->reap : t;
}

/* ---- signals ---- */

static void on_stop(void *arg, int signo)
{
	struct work *w = arg;

	(void)signo;
	loop_stop(w->loop);
}

static void on_hangup(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	log_info("settings", "settings are read at the start only; a restart keeps all leases and bindings");
}

static void on_counters(void *arg, int signo)
{
	struct work *w = arg;
	struct lw4o6_server_usage u;

	(void)signo;
	for (int c = 0; c < LW4O6_SRV_COUNT; c++) {
		uint64_t v = lw4o6_server_counter(w->server, (enum lw4o6_server_counter)c);

		if (v > 0)
			log_info("counter", "%s %llu", lw4o6_server_counter_name((enum lw4o6_server_counter)c), (unsigned long long)v);
	}
	lw4o6_server_usage(w->server, &u);
	log_info("counter", "leases-active %u", u.active);
	log_info("counter", "records %u", u.records);
	log_info("counter", "tuples %llu", (unsigned long long)u.tuples);
	log_info("counter", "tuples-free %llu", (unsigned long long)u.free);
	log_info("counter", "bindings %u", feed_count(w->feed));
	log_info("counter", "journal-octets %llu", (unsigned long long)journal_length(state_journal(w->state)));
	log_info("counter", "store-failures %llu", (unsigned long long)w->store_failures);
	log_info("counter", "send-failures %llu", (unsigned long long)w->sent_failures);
}

/* ---- start and end ---- */

static int prepare(struct work *w, TALLOC_CTX *mem)
{
	struct settings *set = w->set;
	struct lw4o6_host host = logsink_host();
	lw4o6_time now = clock_now();
	uint64_t wall = clock_wall();
	char reason[LW4O6_SERVER_REASON];
	int r;

	/* Directories of a memory file system are not there after a reboot. */
	if ((mkdir(set->state_dir, 0750) < 0 && errno != EEXIST) || (mkdir(set->run_dir, 0755) < 0 && errno != EEXIST))
		log_debug("mkdir", "%s or %s: %s", set->state_dir, set->run_dir, strerror(errno));
	w->lock = state_lock(set->state_dir);
	if (w->lock < 0) {
		log_error("state-dir", "%s: %s", set->state_dir,
		          w->lock == -EWOULDBLOCK ? "another server uses it" : strerror(-w->lock));
		return EXIT_FILE;
	}
	if (set->duid_len == 0) {
		r = state_duid(set->state_dir, set->duid);
		if (r < 0) {
			log_error("server-duid", "%s/server-duid: %s", set->state_dir, strerror(-r));
			return EXIT_FILE;
		}
		set->duid_len = (size_t)r;
	}
	set->server.duid = (struct lw4o6_span){ set->duid, set->duid_len };
	set->server.owner = FEED_LEASE;
	r = lw4o6_server_new(&w->server, mem, &set->server, &host, now, wall, reason);
	if (r != LW4O6_OK) {
		log_error("server", "%s", reason[0] ? reason : lw4o6_strerror(r));
		return r == LW4O6_ENOMEM ? EXIT_MEMORY : EXIT_CONFIG;
	}
	w->state = state_open(mem, set->state_dir, set->journal_max, w->server, wall);
	if (!w->state)
		return EXIT_FILE;
	w->feed = feed_open(mem, set, w->server, now);
	return w->feed ? EXIT_OK : EXIT_FILE;
}

static int serve(struct work *w)
{
	static const int stop[] = { SIGTERM, SIGINT };
	struct loop_turn t = { .arg = w, .run = turn, .expiry = expiry };
	int r = loop_add(w->loop, w->fd, EPOLLIN, on_readable, w);

	for (size_t i = 0; r == 0 && i < sizeof(stop) / sizeof(stop[0]); i++)
		r = loop_signal(w->loop, stop[i], on_stop, w);
	if (r == 0)
		r = loop_signal(w->loop, SIGUSR1, on_counters, w);
	if (r == 0)
		r = loop_signal(w->loop, SIGHUP, on_hangup, w);
	if (r == 0) {
		log_info("ready", "serving");
		r = loop_run(w->loop, &t);
	}
	if (r < 0) {
		log_error("loop", "%s", strerror(-r));
		return EXIT_OTHER;
	}
	turn(w, clock_now());
	log_info("stopped", "stopped");
	return EXIT_OK;
}

int run_server(TALLOC_CTX *mem, struct settings *set, const struct tool *t)
{
	struct work w = { .set = set, .fd = -1, .lock = -1 };
	char error[256];
	int r;

	w.loop = loop_new(mem);
	w.in = sock_burst_new(mem, BURST, DATAGRAM, 0);
	w.out = sock_burst_new(mem, BURST, ANSWER, 0);
	w.ev = talloc_array(mem, struct lw4o6_server_event, EVENTS);
	if (!w.loop || !w.in || !w.out || !w.ev)
		return EXIT_MEMORY;
	if (settings_resolve(set, error, sizeof(error)) < 0) {
		log_error("link", "%s", error);
		return EXIT_NETWORK;
	}
	w.fd = open_socket(set);
	if (w.fd < 0)
		return EXIT_NETWORK;
	r = tool_detach(t);
	if (r >= 0)
		return r;
	if (drop_privileges(set->user, 0, error, sizeof(error)) < 0) {
		log_error("privileges", "%s", error);
		return EXIT_OTHER;
	}
	r = prepare(&w, mem);
	if (r == EXIT_OK)
		r = serve(&w);
	close(w.fd);
	if (w.lock >= 0)
		close(w.lock);
	tool_end(t);
	return r;
}
