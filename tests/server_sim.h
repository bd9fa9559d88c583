/* A server with a fake clock: what comes in, what goes out, what it asks to store. */
#ifndef LW4O6_TESTS_SERVER_SIM_H
#define LW4O6_TESTS_SERVER_SIM_H

#include "vectors.h"

#include <arpa/inet.h>
#include <lw4o6/server.h>
#include <lw4o6/v4o6.h>

enum { SIM_ROOM = 16384, SIM_EVENTS = 64 };
#define SIM_WALL ((uint64_t)1700000000 * LW4O6_SEC)
#define SIM_START ((lw4o6_time)1000 * LW4O6_SEC)

struct sim {
	TALLOC_CTX *mem;
	struct lw4o6_server *s;
	struct lw4o6_server_config cfg;
	struct lw4o6_server_link links[4];
	struct lw4o6_server_pool pools[4];
	struct lw4o6_server_range ranges[4];
	struct lw4o6_server_selector selectors[8];
	uint16_t excluded[65536];
	struct test_rng rng;
	lw4o6_time now;
	char log[1024];           /* all lines */
	/* What the last turn brought. */
	struct lw4o6_server_event ev[SIM_EVENTS];
	unsigned n_ev;
	enum lw4o6_commit result; /* what the host reports */
	uint8_t out[SIM_ROOM];
	size_t out_len;           /* 0: no answer */
	struct lw4o6_dgram out_to;
	unsigned answers;
	/* The answer taken apart. */
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;
	struct lw4o6_v4o6_extra extra;
};

static const uint8_t sim_duid[14] = { 0, 2, 0, 0, 0x7e, 0xd9, 'l', 'w', '4', 'o', '6', '-', 's', '1' };

static inline struct in6_addr sim_addr(const char *text)
{
	struct in6_addr a;

	ck_assert_int_eq(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline struct in_addr sim_addr4(const char *text)
{
	struct in_addr a;

	ck_assert_int_eq(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static inline struct sockaddr_in6 sim_sock(const char *text, uint16_t port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = sim_addr(text) };
}

/** Settings of the worked examples: one address, offset 0, PSID length 8, only PSID 0x34 left. */
static inline struct sim *sim_init(void)
{
	struct sim *x = calloc(1, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	x->mem = talloc_new(NULL);
	x->rng.s = 42;
	x->now = SIM_START;
	x->links[0] = (struct lw4o6_server_link){ .name = "default", .servers = { true, 1, { sim_addr("2001:db8:4::547") } },
		                                  .has_refresh = true, .refresh_s = 86400, .inf_max_rt_s = 3600 };
	x->ranges[0] = (struct lw4o6_server_range){ sim_addr4("192.0.2.18"), sim_addr4("192.0.2.18") };
	x->pools[0] = (struct lw4o6_server_pool){ .name = "a", .ranges = x->ranges, .n_ranges = 1, .psid_len = 8,
		                                  .excluded = x->excluded, .has_hint = true,
		                                  .hint = { sim_addr("2001:db8:12:3400::"), 56 },
		                                  .br = { 1, { sim_addr("2001:db8:ffff::1") } } };
	for (unsigned i = 0; i < 256; i++)
		if (i != 0x34)
			x->excluded[x->pools[0].n_excluded++] = (uint16_t)i;
	lw4o6_server_config_init(&x->cfg);
	x->cfg.duid = (struct lw4o6_span){ sim_duid, sizeof(sim_duid) };
	x->cfg.server_id = sim_addr4("198.51.100.1");
	x->cfg.links = x->links;
	x->cfg.n_links = 1;
	x->cfg.pools = x->pools;
	x->cfg.n_pools = 1;
	x->cfg.selectors = x->selectors;
	x->cfg.rate_per_s = 0;
	return x;
}

/** The other usable PSIDs of the pool, too. */
static inline void sim_all_sets(struct sim *x)
{
	x->pools[0].n_excluded = 0;
}

static inline void sim_random(void *arg, void *dst, size_t len)
{
	struct sim *x = arg;

	test_random(&x->rng, dst, len);
}

static inline void sim_log(void *arg, enum lw4o6_log_level level, const char *id, const char *text)
{
	struct sim *x = arg;
	size_t used = strlen(x->log);

	snprintf(x->log + used, sizeof(x->log) - used, "%d %s: %s\n", (int)level, id, text);
}

static inline int sim_try(struct sim *x, char *reason)
{
	struct lw4o6_host host = { .arg = x, .random = sim_random, .log = sim_log };

	return lw4o6_server_new(&x->s, x->mem, &x->cfg, &host, x->now, SIM_WALL, reason);
}

static inline void sim_start(struct sim *x)
{
	char reason[LW4O6_SERVER_REASON];

	ck_assert_msg(sim_try(x, reason) == LW4O6_OK, "%s", reason);
}

static inline void sim_free(struct sim *x)
{
	talloc_free(x->s);
	ck_assert_uint_eq(talloc_total_blocks(x->mem), 1);
	talloc_free(x->mem);
	free(x);
}

/** Events and answers of a turn. The last answer stays in out. */
static inline void sim_turn(struct sim *x)
{
	x->n_ev = x->answers = 0;
	x->out_len = 0;
	for (;;) {
		unsigned first = x->n_ev;

		while (x->n_ev < SIM_EVENTS && lw4o6_server_event(x->s, &x->ev[x->n_ev]) == 1)
			x->n_ev++;
		for (unsigned i = first; i < x->n_ev; i++)
			ck_assert_int_eq(lw4o6_server_commit(x->s, x->ev[i].id, x->result), LW4O6_OK);
		if (x->n_ev == first)
			break;
	}
	for (;;) {
		uint8_t buf[SIM_ROOM];
		struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
		ssize_t n = lw4o6_server_send(x->s, &d, x->now);

		if (n == 0)
			break;
		ck_assert_int_gt(n, 0);
		memcpy(x->out, buf, (size_t)n);
		x->out_len = (size_t)n;
		x->out_to = d;
		x->answers++;
	}
}

static inline void sim_push_from(struct sim *x, const uint8_t *buf, size_t n, const char *from, const char *to, unsigned ifindex)
{
	uint8_t *p = exact(buf, n);
	struct lw4o6_dgram d = { .from = sim_sock(from, 546), .to = sim_sock(to, 547), .data = p, .len = n, .ifindex = ifindex };

	ck_assert_int_eq(lw4o6_server_recv(x->s, &d, x->now), LW4O6_OK);
	free(p);
}

/** A datagram of the worked examples' client to the unicast address, and its turn. */
static inline void sim_in(struct sim *x, const uint8_t *buf, size_t n)
{
	sim_push_from(x, buf, n, "2001:db8:12:3400:200:5eff:fe00:5301", "2001:db8:4::547", 2);
	sim_turn(x);
}

static inline void sim_in_vector(struct sim *x, const char *name)
{
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, name);

	sim_in(x, buf, n);
}

static inline void ck_vector(const struct sim *x, const char *name)
{
	uint8_t buf[VECTOR_MAX];
	size_t n = vector_named(buf, name);

	ck_octets(x->out, x->out_len, buf, n);
}

static inline uint64_t sim_count(const struct sim *x, enum lw4o6_server_counter c)
{
	return lw4o6_server_counter(x->s, c);
}

/* ---- queries from a description ---- */

struct ask {
	uint8_t type;
	bool u, no_oro, no_prl, no_prl159, no_id;
	uint8_t client;            /* makes client id and chaddr */
	uint32_t xid;
	const char *addr;          /* 50 */
	const char *ciaddr, *giaddr;
	const char *server;        /* 54 */
	bool ports;                /* 159 */
	uint8_t a, k;
	uint16_t psid;
	const uint8_t *raw_ports;  /* 159 of this length instead */
	size_t raw_ports_len;
	const char *saddr;         /* 109 */
	bool has_lease;
	uint32_t lease_s;          /* 51 */
	uint16_t max_size;         /* 57 */
	uint8_t op, hlen;          /* 0: 1 and 6 */
	uint16_t flags;
	const uint8_t *prl;
	size_t prl_len;
	const uint8_t *more4;      /* whole options appended */
	size_t more4_len;
};

static inline size_t sim_client_id(uint8_t dst[25], uint8_t client)
{
	static const uint8_t head[9] = { 255, 0, 0, 0, 1, 0, 4, 0x11, 0x22 };

	memset(dst, 0x33, 23);
	memcpy(dst, head, sizeof(head));
	dst[22] = client;
	return 23;
}

static inline size_t sim_ask(uint8_t *buf, const struct ask *a)
{
	static const uint16_t oro[2] = { LW4O6_OPT6_S46_BR, LW4O6_OPT6_S46_BIND_PREFIX };
	static const uint8_t with[2] = { 1, 159 }, without[1] = { 1 };
	struct lw4o6_wr w = lw4o6_wr_init(buf, SIM_ROOM);
	size_t mark = lw4o6_v4o6_open_query(&w, a->u, oro, a->no_oro ? 0 : 2);
	struct lw4o6_dhcp4_hdr h = { .op = a->op ? a->op : 1, .htype = 1, .hlen = a->hlen ? a->hlen : 6, .flags = a->flags,
		                     .xid = a->xid ? a->xid : 7 };
	uint8_t id[25], body[4];

	memset(h.chaddr, a->client, h.hlen < 16 ? h.hlen : 16);
	if (a->ciaddr)
		h.ciaddr = sim_addr4(a->ciaddr);
	if (a->giaddr)
		h.giaddr = sim_addr4(a->giaddr);
	lw4o6_dhcp4_begin(&w, &h, a->type);
	if (!a->no_id)
		lw4o6_opt4_put(&w, LW4O6_OPT4_CLIENT_ID, id, sim_client_id(id, a->client));
	if (a->addr)
		lw4o6_opt4_put_addr(&w, LW4O6_OPT4_REQUESTED_ADDR, sim_addr4(a->addr));
	if (a->server)
		lw4o6_opt4_put_addr(&w, LW4O6_OPT4_SERVER_ID, sim_addr4(a->server));
	if (a->has_lease)
		lw4o6_opt4_put_be32(&w, LW4O6_OPT4_LEASE_TIME, a->lease_s);
	if (a->prl)
		lw4o6_opt4_put(&w, LW4O6_OPT4_PARAM_REQUEST, a->prl, a->prl_len);
	else if (!a->no_prl)
		lw4o6_opt4_put(&w, LW4O6_OPT4_PARAM_REQUEST, a->no_prl159 ? without : with, a->no_prl159 ? 1 : 2);
	if (a->max_size)
		lw4o6_opt4_put_be16(&w, LW4O6_OPT4_MAX_SIZE, a->max_size);
	if (a->raw_ports) {
		lw4o6_opt4_put(&w, LW4O6_OPT4_PORTPARAMS, a->raw_ports, a->raw_ports_len);
	} else if (a->ports) {
		const struct lw4o6_psid ps = { a->a, a->k, a->psid };

		ck_assert_int_eq(lw4o6_s46_portparams_encode(body, sizeof(body), &ps), 4);
		lw4o6_opt4_put(&w, LW4O6_OPT4_PORTPARAMS, body, 4);
	}
	if (a->saddr) {
		struct in6_addr s = sim_addr(a->saddr);

		lw4o6_opt4_put(&w, LW4O6_OPT4_S46_SADDR, &s, 16);
	}
	if (a->more4)
		lw4o6_wr_put(&w, a->more4, a->more4_len);
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);

	ssize_t n = lw4o6_wr_done(&w);

	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

static inline void sim_parse(struct sim *x)
{
	if (x->out_len)
		ck_assert_int_eq(lw4o6_v4o6_decode(&x->outer, &x->m, &x->extra, x->out, x->out_len), LW4O6_OK);
}

/** Put a query in without a turn. */
static inline void sim_push(struct sim *x, struct ask a)
{
	uint8_t buf[SIM_ROOM];
	size_t n = sim_ask(buf, &a);

	sim_push_from(x, buf, n, "2001:db8:12:3400:200:5eff:fe00:5301", "2001:db8:4::547", 2);
}

/** A query, its turn, its answer taken apart. @return the DHCPv4 type of the answer, 0 for silence. */
static inline int sim_do(struct sim *x, struct ask a)
{
	sim_push(x, a);
	sim_turn(x);
	sim_parse(x);
	return x->out_len ? x->m.type : 0;
}

#define DISCOVER(c, ...) sim_do(x, (struct ask){ .type = LW4O6_DHCP4_DISCOVER, .client = (c), __VA_ARGS__ })
#define SELECT(c, ...) sim_do(x, (struct ask){ .type = LW4O6_DHCP4_REQUEST, .client = (c), .server = "198.51.100.1", __VA_ARGS__ })
#define REBOOT(c, ...) sim_do(x, (struct ask){ .type = LW4O6_DHCP4_REQUEST, .client = (c), __VA_ARGS__ })
#define RENEW(c, ...) sim_do(x, (struct ask){ .type = LW4O6_DHCP4_REQUEST, .client = (c), .u = true, __VA_ARGS__ })
#define RELEASE(c, ...) sim_do(x, (struct ask){ .type = LW4O6_DHCP4_RELEASE, .client = (c), .u = true, .server = "198.51.100.1", __VA_ARGS__ })
#define DECLINE(c, ...) sim_do(x, (struct ask){ .type = LW4O6_DHCP4_DECLINE, .client = (c), .server = "198.51.100.1", __VA_ARGS__ })

/** DISCOVER and REQUEST of what was offered. @return the type of the last answer. */
static inline int sim_dora(struct sim *x, uint8_t client, const char *saddr, char addr[INET_ADDRSTRLEN], struct lw4o6_psid *ps)
{
	if (DISCOVER(client, .ports = false) != LW4O6_DHCP4_OFFER)
		return 0;

	struct in_addr a = x->m.hdr.yiaddr;
	bool shared = (x->m.has & LW4O6_DHCP4_HAS_PORTS) != 0;

	inet_ntop(AF_INET, &a, addr, INET_ADDRSTRLEN);
	*ps = x->m.ports;
	if (!shared)
		*ps = (struct lw4o6_psid){ 0, 0, 0 };
	return SELECT(client, .addr = addr, .ports = shared, .a = ps->offset, .k = ps->len, .psid = ps->id, .saddr = saddr);
}

/* ---- shorthand of the tests: they have char addr[INET_ADDRSTRLEN] and struct lw4o6_psid ps ---- */

#define SA "2001:db8:12:3400::a"
#define SB "2001:db8:12:3400::b"
#define SC "2001:db8:12:3401::c"
#define S(n) ((n) * LW4O6_SEC)

#define BOUND(c, saddr) ck_assert_int_eq(sim_dora(x, (c), (saddr), addr, &ps), LW4O6_DHCP4_ACK)
#define MINE .ports = true, .a = ps.offset, .k = ps.len, .psid = ps.id
#define SILENT(e) ck_assert_int_eq((e), 0)
#define ACKED(e) ck_assert_int_eq((e), LW4O6_DHCP4_ACK)
#define NAKED(e) ck_assert_int_eq((e), LW4O6_DHCP4_NAK)
#define OFFERED(e) ck_assert_int_eq((e), LW4O6_DHCP4_OFFER)

/** A server with the whole pool of 252 sets on one address. */
static inline struct sim *sim_started(void)
{
	struct sim *x = sim_init();

	sim_all_sets(x);
	sim_start(x);
	return x;
}

static inline bool same_addr(const struct in6_addr *a, const char *text)
{
	struct in6_addr b = sim_addr(text);

	return memcmp(a, &b, 16) == 0;
}

static inline void pass(struct sim *x, lw4o6_time d)
{
	x->now += d;
	ck_assert_int_eq(lw4o6_server_tick(x->s, x->now), LW4O6_OK);
	sim_turn(x);
}

#endif
