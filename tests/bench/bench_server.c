/* The server machine filled with a million leases: whole exchanges, renewals in the full server, octets a lease. */
#include "bench.h"

#include <arpa/inet.h>
#include <lw4o6/server.h>
#include <lw4o6/v4o6.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 1000000, ROOM = 2048, BATCH = 64 };

static struct lw4o6_server *server;
static lw4o6_time now = LW4O6_SEC;
static struct lw4o6_server_event ev[4 * BATCH];
static struct {
	struct in_addr ipv4;
	struct lw4o6_psid ps;
} *got;

static void octets(void *arg, void *dst, size_t len)
{
	uint64_t *s = arg;

	for (uint8_t *p = dst; len > 0; len--) {
		*s = *s * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(*s >> 56);
	}
}

static void ask(uint32_t client, uint8_t type, bool renew)
{
	static const uint16_t oro[] = { LW4O6_OPT6_S46_BR };
	static const uint8_t prl[] = { 1, 159 };
	uint8_t buf[ROOM], id[25] = { 255, 0, 0, 0, 1, 0, 4 }, ports[4];
	struct lw4o6_wr w = lw4o6_wr_init(buf, sizeof(buf));
	struct lw4o6_dhcp4_hdr h = { .op = 1, .htype = 1, .hlen = 6, .xid = client };
	struct in6_addr a = { { { 0x20, 1, 0xd, 0xb8 } } };
	size_t mark = lw4o6_v4o6_open_query(&w, renew, oro, 1);

	memcpy(id + 20, &client, 4);
	memcpy(a.s6_addr + 8, &client, 4);
	if (renew)
		h.ciaddr = got[client].ipv4;
	lw4o6_dhcp4_begin(&w, &h, type);
	lw4o6_opt4_put(&w, LW4O6_OPT4_CLIENT_ID, id, sizeof(id));
	lw4o6_opt4_put(&w, LW4O6_OPT4_PARAM_REQUEST, prl, sizeof(prl));
	if (type == LW4O6_DHCP4_REQUEST) {
		if (!renew) {
			lw4o6_opt4_put_addr(&w, LW4O6_OPT4_REQUESTED_ADDR, got[client].ipv4);
			lw4o6_opt4_put_addr(&w, LW4O6_OPT4_SERVER_ID, (struct in_addr){ htonl(0xc6336401) });
		}
		if (lw4o6_s46_portparams_encode(ports, sizeof(ports), &got[client].ps) == 4)
			lw4o6_opt4_put(&w, LW4O6_OPT4_PORTPARAMS, ports, 4);
		lw4o6_opt4_put(&w, LW4O6_OPT4_S46_SADDR, &a, 16);
	}
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);

	struct lw4o6_dgram d = { .data = buf, .len = w.len };

	d.from.sin6_addr = d.to.sin6_addr = a;
	if (lw4o6_server_recv(server, &d, now) != LW4O6_OK)
		exit(1);
}

/* Commit and take the answers of a batch that began with @p first. */
static void turn(uint32_t first, bool note)
{
	static struct lw4o6_dhcp6_msg outer;
	static struct lw4o6_dhcp4_msg m;
	uint8_t buf[ROOM];
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
	unsigned n = 0, answers = 0;
	ssize_t len;

	while (lw4o6_server_event(server, &ev[n]) == 1)
		n++;
	for (unsigned i = 0; i < n; i++)
		if (lw4o6_server_commit(server, ev[i].id, LW4O6_COMMIT_OK) != LW4O6_OK)
			exit(1);
	while ((len = lw4o6_server_send(server, &d, now)) > 0) {
		if (note) {
			if (lw4o6_v4o6_decode(&outer, &m, NULL, buf, (size_t)len) != LW4O6_OK)
				exit(1);
			got[first + answers].ipv4 = m.hdr.yiaddr;
			got[first + answers].ps = m.ports;
		}
		answers++;
	}
	if (answers != BATCH) {
		fprintf(stderr, "%u answers to %u queries\n", answers, BATCH);
		exit(1);
	}
}

int main(void)
{
	static const uint8_t duid[4] = { 0, 3, 0, 1 };
	struct lw4o6_server_range r = { { htonl(0x0a000000) }, { htonl(0x0a000fff) } };
	struct lw4o6_server_pool pool = { .name = "a", .ranges = &r, .n_ranges = 1, .psid_len = 8, .br = { .n = 1 } };
	struct lw4o6_server_link link = { .name = "default" };
	uint64_t seed = 1, start, fill, renew;
	struct lw4o6_host host = { .arg = &seed, .random = octets };
	struct lw4o6_server_config c;
	char reason[LW4O6_SERVER_REASON];
	TALLOC_CTX *mem = talloc_new(NULL);

	pool.br.addr[0].s6_addr[0] = 0x20;
	lw4o6_server_config_init(&c);
	c.duid = (struct lw4o6_span){ duid, sizeof(duid) };
	c.server_id.s_addr = htonl(0xc6336401);
	c.links = &link;
	c.n_links = 1;
	c.pools = &pool;
	c.n_pools = 1;
	c.rate_per_s = 0;
	got = calloc(CLIENTS, sizeof(*got));
	if (!got || lw4o6_server_new(&server, mem, &c, &host, now, 0, reason) != LW4O6_OK)
		return 1;

	size_t empty = talloc_total_size(mem);

	start = bench_now();
	for (uint32_t i = 0; i < CLIENTS; i += BATCH) {
		for (uint32_t k = 0; k < BATCH; k++)
			ask(i + k, LW4O6_DHCP4_DISCOVER, false);
		turn(i, true);
		for (uint32_t k = 0; k < BATCH; k++)
			ask(i + k, LW4O6_DHCP4_REQUEST, false);
		turn(i, false);
		now += LW4O6_MSEC;
	}
	fill = bench_now() - start;
	now += 100 * LW4O6_SEC;
	start = bench_now();
	for (uint32_t i = 0; i < CLIENTS / 10; i += BATCH) {
		for (uint32_t k = 0; k < BATCH; k++)
			ask(i + k, LW4O6_DHCP4_REQUEST, true);
		turn(i, false);
	}
	renew = bench_now() - start;
	printf("server-exchange-1M\t%.1f\n", (double)fill / CLIENTS);
	printf("server-renew-1M\t%.1f\n", (double)renew / (CLIENTS / 10));
	printf("server-octets-per-lease\t%.1f\n", (double)(talloc_total_size(mem) - empty) / CLIENTS);
	talloc_free(mem);
	free(got);
	return 0;
}
