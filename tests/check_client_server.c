/*
 * Client machines and the server machine back to back, on one clock, through a network that loses,
 * repeats, delays and reorders; customers are renumbered, unplugged, killed and stopped meanwhile.
 */
#include "vectors.h"

#include <arpa/inet.h>
#include <lw4o6/client.h>
#include <lw4o6/server.h>

enum { N_CLIENTS = 12, N_FLIGHT = 256, ROOM = 640 };
#define WALL ((uint64_t)1700000000 * LW4O6_SEC)
#define LINK_SCOPE(i) ((uint32_t)(i) + 100)

struct packet {
	lw4o6_time at; /* LW4O6_TIME_NONE: free */
	bool to_server;
	struct sockaddr_in6 from, to;
	size_t len;
	uint8_t data[ROOM];
};

struct customer {
	struct lw4o6_client *c;
	struct lw4o6_client_config cfg;
	struct lw4o6_client_addr addr;
	struct lw4o6_client_link link;
	struct lw4o6_client_record rec;
	struct lw4o6_client_saved saved; /* as on disk */
	struct in6_addr dad[4];
	lw4o6_time dad_done[4];          /* 0: free */
	unsigned bound;                  /* times the record became valid */
};

struct world {
	TALLOC_CTX *mem;
	struct lw4o6_server *server;
	lw4o6_time now;
	struct test_rng rng;
	struct lw4o6_host host;
	struct customer cust[N_CLIENTS];
	struct packet flight[N_FLIGHT];
	unsigned loss; /* of 100 */
	bool repeat;
	unsigned sent, lost;
};

static unsigned dice(struct world *w, unsigned n)
{
	return (unsigned)(test_rand(&w->rng) >> 33) % n;
}

static void post(struct world *w, const struct lw4o6_dgram *d, size_t len, bool to_server)
{
	unsigned copies = w->repeat && dice(w, 10) == 0 ? 2 : 1;

	w->sent++;
	for (unsigned i = 0; i < N_FLIGHT && copies > 0; i++) {
		struct packet *p = &w->flight[i];

		if (p->at != LW4O6_TIME_NONE)
			continue;
		copies--;
		if (dice(w, 100) < w->loss) {
			w->lost++;
			continue;
		}
		*p = (struct packet){ .at = w->now + LW4O6_MSEC * (1 + dice(w, w->repeat ? 400 : 20)), .to_server = to_server,
			              .from = d->from, .to = d->to, .len = len };
		ck_assert_uint_le(len, ROOM);
		memcpy(p->data, d->data, len);
	}
}

/* ---- a customer ---- */

static void set_prefix(struct customer *u, unsigned i, unsigned net)
{
	u->addr.addr = (struct in6_addr){ .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)net, 0, (uint8_t)i,
		                                       2, 0, 0, 0xff, 0xfe, 0, 0, (uint8_t)i } };
	u->addr.prefix_len = 64;
	u->addr.preferred_until = LW4O6_TIME_NONE;
}

static void plug(struct world *w, unsigned i, bool up)
{
	struct customer *u = &w->cust[i];

	u->link = (struct lw4o6_client_link){ .up = up, .has_linklocal = up, .addr = &u->addr, .n = up,
		.linklocal = { .s6_addr = { 0xfe, 0x80, [8] = 2, [11] = 0xff, [12] = 0xfe, [15] = (uint8_t)i } } };
	lw4o6_client_link(u->c, &u->link, w->now);
}

static void start_client(struct world *w, unsigned i)
{
	struct customer *u = &w->cust[i];

	memset(u->dad_done, 0, sizeof(u->dad_done));
	u->rec = (struct lw4o6_client_record){ 0 };
	u->c = lw4o6_client_new(w->mem, &u->cfg, &w->host);
	ck_assert_ptr_nonnull(u->c);
	if (u->saved.valid) {
		int err = lw4o6_client_restore(u->c, &u->saved, w->now);

		ck_assert_int_eq(err, w->now < u->saved.lease_end ? LW4O6_OK : LW4O6_ENOENT);
	}
	plug(w, i, true);
}

static void client_event(struct world *w, struct customer *u, const struct lw4o6_client_event *ev)
{
	unsigned k = 0;

	switch (ev->kind) {
	case LW4O6_CLIENT_EV_ADDR_ADD:
		while (k < 3 && u->dad_done[k] != 0)
			k++;
		u->dad[k] = ev->addr;
		u->dad_done[k] = w->now + LW4O6_SEC + dice(w, 1000) * LW4O6_MSEC;
		break;
	case LW4O6_CLIENT_EV_RECORD:
		u->bound += ev->record.valid && !u->rec.valid;
		u->rec = ev->record;
		break;
	case LW4O6_CLIENT_EV_SAVE:
		u->saved = ev->saved;
		break;
	default:
		break;
	}
}

static void run_client(struct world *w, struct customer *u)
{
	uint8_t buf[LW4O6_CLIENT_MSG_MAX];
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
	struct lw4o6_client_event ev;

	for (unsigned k = 0; k < 4; k++) {
		if (u->dad_done[k] != 0 && w->now >= u->dad_done[k]) {
			u->dad_done[k] = 0;
			lw4o6_client_addr_ready(u->c, &u->dad[k], true, w->now);
		}
	}
	lw4o6_client_tick(u->c, w->now);
	while (lw4o6_client_event(u->c, &ev) == 1)
		client_event(w, u, &ev);
	for (ssize_t n; (n = lw4o6_client_send(u->c, &d, w->now)) > 0;) {
		d.from.sin6_scope_id = LINK_SCOPE(u - w->cust);
		post(w, &d, (size_t)n, true);
	}
}

/* ---- the server ---- */

static void run_server(struct world *w)
{
	uint8_t buf[4096];
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
	struct lw4o6_server_event ev;

	ck_assert_int_eq(lw4o6_server_tick(w->server, w->now), LW4O6_OK);
	while (lw4o6_server_event(w->server, &ev) == 1)
		ck_assert_int_eq(lw4o6_server_commit(w->server, ev.id, LW4O6_COMMIT_OK), LW4O6_OK);
	for (ssize_t n; (n = lw4o6_server_send(w->server, &d, w->now)) > 0;) {
		d.from.sin6_family = AF_INET6;
		d.from.sin6_addr = addr6("2001 0db8 0004 0000 0000 0000 0000 0547");
		post(w, &d, (size_t)n, false);
	}
}

static void deliver(struct world *w, struct packet *p)
{
	struct packet got = *p;
	struct lw4o6_dgram d = { .from = got.from, .to = got.to, .data = got.data, .len = got.len, .room = got.len };

	p->at = LW4O6_TIME_NONE;
	if (got.to_server) {
		ck_assert_int_eq(lw4o6_server_recv(w->server, &d, w->now), LW4O6_OK);
		return;
	}
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		struct customer *u = &w->cust[i];
		bool mine = memcmp(&got.to.sin6_addr, &u->link.linklocal, 16) == 0 ||
		            memcmp(&got.to.sin6_addr, &u->addr.addr, 16) == 0;

		if (u->c && u->link.up && mine)
			ck_assert_int_eq(lw4o6_client_recv(u->c, &d, w->now), LW4O6_OK);
	}
}

/* ---- what must always hold ---- */

/* No port of an address is with two customers, and what a customer uses the server has leased to it. */
static void check_world(const struct world *w)
{
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		const struct customer *u = &w->cust[i];
		struct lw4o6_lease l;
		uint32_t iaid;
		struct lw4o6_span duid;

		if (!u->rec.valid)
			continue;
		for (unsigned k = 0; k < i; k++)
			ck_assert_msg(!w->cust[k].rec.valid || w->cust[k].rec.ipv4.s_addr != u->rec.ipv4.s_addr ||
			              !lw4o6_psid_overlap(&w->cust[k].rec.ports, &u->rec.ports),
			              "customers %u and %u share ports", i, k);
		ck_assert_msg(lw4o6_server_find(w->server, u->rec.ipv4, &u->rec.ports, &l), "customer %u: no lease", i);
		ck_assert_msg(l.state == LW4O6_LEASE_ACTIVE, "customer %u: lease in state %u", i, l.state);
		ck_assert(lw4o6_dhcp4_client_id_parse(l.client_id, l.client_id_len, &iaid, &duid));
		ck_assert_uint_eq(iaid, i);
		ck_assert_uint_le(u->rec.lease_end, l.expires - WALL + 1000 * LW4O6_SEC);
	}
}

static lw4o6_time sooner(lw4o6_time x, lw4o6_time y)
{
	return x < y ? x : y;
}

static void run_until(struct world *w, lw4o6_time until)
{
	for (;;) {
		lw4o6_time t = lw4o6_server_expiry(w->server);

		run_server(w);
		for (unsigned i = 0; i < N_CLIENTS; i++) {
			struct customer *u = &w->cust[i];

			if (!u->c)
				continue;
			run_client(w, u);
			t = sooner(t, lw4o6_client_expiry(u->c));
			for (unsigned k = 0; k < 4; k++)
				if (u->dad_done[k] != 0)
					t = sooner(t, u->dad_done[k]);
		}
		check_world(w);
		for (unsigned i = 0; i < N_FLIGHT; i++)
			t = sooner(t, w->flight[i].at);
		if (t > until)
			break;
		w->now = t > w->now ? t : w->now + LW4O6_MSEC;
		for (unsigned i = 0; i < N_FLIGHT; i++)
			if (w->flight[i].at <= w->now)
				deliver(w, &w->flight[i]);
	}
	w->now = until;
}

/* ---- making the world ---- */

static struct world *world_new(bool multicast, uint64_t seed)
{
	static const uint8_t server_duid[] = { 0, 2, 0, 0, 0x7e, 0xd9, 's' };
	struct world *w = calloc(1, sizeof(*w));
	char reason[LW4O6_SERVER_REASON];
	struct lw4o6_server_config cfg;
	struct lw4o6_server_link link = { .name = "link", .servers = { .present = true, .n = !multicast },
		                          .has_refresh = true, .refresh_s = 600 };
	struct lw4o6_server_range range = { addr4(0xc0000212), addr4(0xc0000212) };
	struct lw4o6_server_pool pool = { .name = "pool", .ranges = &range, .n_ranges = 1, .psid_len = 6,
		                          .br = { 1, { addr6("20010db8ffff00000000000000000001") } } };

	ck_assert_ptr_nonnull(w);
	w->mem = talloc_new(NULL);
	w->now = 1000 * LW4O6_SEC;
	w->rng.s = seed;
	w->host = (struct lw4o6_host){ .arg = &w->rng, .random = test_random };
	for (unsigned i = 0; i < N_FLIGHT; i++)
		w->flight[i].at = LW4O6_TIME_NONE;
	link.servers.addr[0] = addr6("20010db8000400000000000000000547");
	lw4o6_server_config_init(&cfg);
	cfg.duid = (struct lw4o6_span){ server_duid, sizeof(server_duid) };
	cfg.server_id = addr4(0xc6336401);
	cfg.links = &link;
	cfg.n_links = 1;
	cfg.pools = &pool;
	cfg.n_pools = 1;
	cfg.lease_default_s = 600;
	cfg.rate_per_s = 0;
	ck_assert_msg(lw4o6_server_new(&w->server, w->mem, &cfg, &w->host, w->now, WALL + 1000 * LW4O6_SEC, reason) == LW4O6_OK,
	              "%s", reason);
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		struct customer *u = &w->cust[i];

		lw4o6_client_config_init(&u->cfg);
		u->cfg.duid_len = 18;
		u->cfg.duid[1] = 4;
		u->cfg.duid[17] = (uint8_t)i;
		u->cfg.iaid = i;
		set_prefix(u, i, 1);
		start_client(w, i);
	}
	return w;
}

static void world_free(struct world *w)
{
	talloc_free(w->mem);
	free(w);
}

static void all_served(const struct world *w)
{
	for (unsigned i = 0; i < N_CLIENTS; i++)
		ck_assert_msg(w->cust[i].rec.valid, "customer %u is in %s, %s", i,
		              lw4o6_client_state_name(lw4o6_client_state(w->cust[i].c)), w->cust[i].rec.reason);
}

static unsigned active_leases(const struct world *w)
{
	struct lw4o6_lease l;
	unsigned n = 0;

	for (uint32_t cursor = 0; lw4o6_server_next(w->server, &cursor, &l);)
		n += l.state == LW4O6_LEASE_ACTIVE;
	return n;
}

/* ---- what customers do ---- */

static void mischief(struct world *w, unsigned i)
{
	struct customer *u = &w->cust[i];

	switch (dice(w, 5)) {
	case 0: /* another prefix, which moves both sources */
		set_prefix(u, i, 1 + dice(w, 3));
		lw4o6_client_link(u->c, &u->link, w->now);
		break;
	case 1: /* unplugged and plugged in */
		plug(w, i, !u->link.up);
		break;
	case 2: /* killed: nothing is sent, and a new one starts from the disk */
		talloc_free(u->c);
		start_client(w, i);
		break;
	case 3: /* stopped in good order, and started again */
		lw4o6_client_stop(u->c, dice(w, 2), w->now);
		run_client(w, u);
		ck_assert(!u->rec.valid);
		talloc_free(u->c);
		start_client(w, i);
		break;
	default:
		if (lw4o6_client_renew(u->c, w->now) != LW4O6_OK)
			lw4o6_client_icmp_1_5(u->c, w->now);
		break;
	}
}

/* B-050 to B-067 end to end on a good network: everybody is bound once, and stays so. */
START_TEST(quiet)
{
	struct world *w = world_new(_i == 0, 7);

	run_until(w, w->now + 20 * LW4O6_SEC);
	all_served(w);
	run_until(w, w->now + 7200 * LW4O6_SEC);
	all_served(w);
	for (unsigned i = 0; i < N_CLIENTS; i++)
		ck_assert_uint_eq(w->cust[i].bound, 1);
	ck_assert_uint_eq(active_leases(w), N_CLIENTS);
	for (unsigned i = 0; i < N_CLIENTS; i++)
		lw4o6_client_stop(w->cust[i].c, true, w->now);
	run_until(w, w->now + LW4O6_SEC);
	ck_assert_uint_eq(active_leases(w), 0); /* RELEASE of each */
	world_free(w);
}
END_TEST

/* The same with 30 % loss, repeats and reordering: service is never lost, because renewal starts early. */
START_TEST(lossy)
{
	struct world *w = world_new(_i == 0, 11);

	w->loss = 30;
	w->repeat = true;
	run_until(w, w->now + 400 * LW4O6_SEC);
	all_served(w);
	run_until(w, w->now + 3600 * LW4O6_SEC);
	ck_assert_uint_gt(w->lost, w->sent / 5);
	w->loss = 0;
	run_until(w, w->now + 300 * LW4O6_SEC);
	all_served(w);
	ck_assert_uint_eq(active_leases(w), N_CLIENTS);
	world_free(w);
}
END_TEST

/* B-015, B-066, B-076: an hour of trouble; never a port with two customers, and all well ten minutes after. */
START_TEST(trouble)
{
	struct world *w = world_new(_i % 2 == 0, 100 + (uint64_t)_i);

	w->loss = 20;
	w->repeat = true;
	for (unsigned t = 0; t < 3600; t += 5) {
		run_until(w, w->now + 5 * LW4O6_SEC);
		mischief(w, dice(w, N_CLIENTS));
	}
	w->loss = 0;
	w->repeat = false;
	for (unsigned i = 0; i < N_CLIENTS; i++)
		plug(w, i, true);
	run_until(w, w->now + 600 * LW4O6_SEC);
	all_served(w);
	ck_assert_uint_eq(active_leases(w), N_CLIENTS);
	world_free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client_server");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, quiet, 0, 2);
	tcase_add_loop_test(tc, lossy, 0, 2);
	tcase_add_loop_test(tc, trouble, 0, 4);
	suite_add_tcase(s, tc);
	return test_main(s);
}
