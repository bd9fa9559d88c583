/*
 * The server machine: a failing allocation, then steps of (time, what the host reports, a message). A message is
 * raw octets, or a query made from a few octets so that offers and leases are reached. After each turn no
 * two leases share a client, a tuple or a source, and what is sent can be read.
 */
#include "fuzz.h"

#include "../tests/failmem.h"

#include <arpa/inet.h>
#include <lw4o6/server.h>
#include <lw4o6/v4o6.h>

enum { ROOM = 4096, LEASES = 64 };

struct in {
	const uint8_t *p;
	size_t n;
};

static uint8_t u8(struct in *in)
{
	return fuzz_u8(&in->p, &in->n);
}

static void no_random(void *arg, void *dst, size_t len)
{
	(void)arg;
	memset(dst, 0x5a, len);
}

static struct in6_addr address(uint8_t last)
{
	return (struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, [15] = last } } };
}

static struct lw4o6_server *make(TALLOC_CTX *mem, uint8_t options)
{
	static const uint8_t duid[4] = { 0, 3, 0, 1 };
	static const unsigned link1 = 1;
	struct lw4o6_server_range r[3] = { { { htonl(0xc0000201) }, { htonl(0xc0000201) } },
		                           { { htonl(0xc0000202) }, { htonl(0xc0000203) } },
		                           { { htonl(0xc0000210) }, { htonl(0xc0000210) } } };
	struct lw4o6_server_pool pools[3] = {
		{ .name = "a", .ranges = &r[0], .n_ranges = 1, .psid_len = 4, .br = { 1, { address(1) } }, .has_hint = true, .hint = { address(0), 64 } },
		{ .name = "b", .ranges = &r[1], .n_ranges = 1, .br = { 1, { address(1) } } },
		{ .name = "c", .ranges = &r[2], .n_ranges = 1, .psid_len = 2, .offset = 6, .br = { 1, { address(1) } }, .links = &link1, .n_links = 1 },
	};
	struct lw4o6_server_link links[2] = { { .name = "x", .servers = { .present = true } }, { .name = "y" } };
	struct lw4o6_server_selector sel = { .by = LW4O6_BY_SOURCE, .link = 1, .prefix = { address(0x80), 121 } };
	struct lw4o6_host host = { .random = no_random };
	struct lw4o6_server_config c;
	struct lw4o6_server *s = NULL;
	char reason[LW4O6_SERVER_REASON];

	lw4o6_server_config_init(&c);
	c.duid = (struct lw4o6_span){ duid, sizeof(duid) };
	c.server_id.s_addr = htonl(0xc6336401);
	c.links = links;
	c.n_links = 2;
	c.pools = pools;
	c.n_pools = 3;
	c.selectors = &sel;
	c.n_selectors = 1;
	c.queue = 8;
	c.honour_with_full = options & 1;
	c.optional_saddr = options & 2;
	c.optional_client_id = options & 4;
	c.saddr_reject_drop = options & 8;
	c.no_extend = options & 16;
	c.prefix_limit = options & 32 ? 3 : 0;
	c.round_robin = options & 64;
	if (lw4o6_server_new(&s, mem, &c, &host, 5, (uint64_t)1 << 60, reason) != LW4O6_OK)
		return NULL;
	return s;
}

/* A query from six octets. */
static size_t query(uint8_t *buf, struct in *in)
{
	static const uint8_t types[] = { 1, 1, 3, 3, 3, 3, 7, 4 }, prl[] = { 1, 159 };
	static const uint16_t oro[] = { 90, 137 };
	uint8_t who = u8(in), form = u8(in), what = u8(in), addr = u8(in), psid = u8(in), saddr = u8(in);
	struct lw4o6_wr w = lw4o6_wr_init(buf, ROOM);
	size_t mark = lw4o6_v4o6_open_query(&w, form & 8, oro, 2);
	struct lw4o6_dhcp4_hdr h = { .op = 1, .htype = 1, .hlen = 6, .xid = form & 16 ? psid : 7 };
	struct in_addr a = { htonl(0xc0000200 + addr % 32) }, id = { htonl(what & 64 ? 0xc6336402 : 0xc6336401) };
	uint8_t cid[2] = { 0, who % 16 }, body[4] = { what & 32 ? 6 : 0, what & 16 ? 4 : 2, (uint8_t)(psid << 4), 0 };

	h.chaddr[0] = who;
	if (what & 1)
		h.ciaddr = a;
	lw4o6_dhcp4_begin(&w, &h, types[form % 8]);
	if (who < 240)
		lw4o6_opt4_put(&w, LW4O6_OPT4_CLIENT_ID, cid, 2);
	if (what & 2)
		lw4o6_opt4_put_addr(&w, LW4O6_OPT4_REQUESTED_ADDR, a);
	if (what & 4)
		lw4o6_opt4_put_addr(&w, LW4O6_OPT4_SERVER_ID, id);
	if (what & 8)
		lw4o6_opt4_put(&w, LW4O6_OPT4_PORTPARAMS, body, 4);
	if (form & 32)
		lw4o6_opt4_put(&w, LW4O6_OPT4_PARAM_REQUEST, prl, 2);
	if (form & 64) {
		struct in6_addr s6 = address(saddr);

		lw4o6_opt4_put(&w, LW4O6_OPT4_S46_SADDR, &s6, 16);
	}
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);
	return w.err == LW4O6_OK ? w.len : 0;
}

static void push(struct lw4o6_server *s, struct in *in, lw4o6_time now)
{
	static uint8_t buf[ROOM];
	uint8_t flags = u8(in);
	struct lw4o6_dgram d = { .ifindex = flags & 1, .data = buf };

	d.from.sin6_addr = address(flags & 2 ? 0x81 : 7);
	d.to.sin6_addr = address(9);
	if (flags & 4)
		d.to.sin6_addr.s6_addr[0] = 0xff;
	if (flags & 8) {
		d.len = fuzz_be16(&in->p, &in->n);
		if (d.len > in->n)
			d.len = in->n;
		/* Exactly so many, for the sanitizer. */
		d.data = malloc(d.len > 0 ? d.len : 1);
		FUZZ_ASSERT(d.data);
		memcpy(d.data, in->p, d.len);
		in->p += d.len;
		in->n -= d.len;
	} else {
		d.len = query(buf, in);
	}

	int r = lw4o6_server_recv(s, &d, now);

	FUZZ_ASSERT(r == LW4O6_OK || r == LW4O6_ENOMEM);
	if (d.data != buf)
		free(d.data);
}

static void check_answer(const uint8_t *buf, size_t n)
{
	static struct lw4o6_dhcp6_relays r;
	static struct lw4o6_dhcp4_msg m;
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_span inner;

	FUZZ_ASSERT(lw4o6_dhcp6_unrelay(&r, &inner, LW4O6_DHCP6_RELAY_REPL, buf, n) == LW4O6_OK);
	if (inner.p[0] == LW4O6_DHCP6_REPLY) {
		FUZZ_ASSERT(lw4o6_dhcp6_decode(&outer, inner.p, inner.len) == LW4O6_OK && outer.server_id.p);
		return;
	}
	FUZZ_ASSERT(lw4o6_v4o6_decode(&outer, &m, NULL, inner.p, inner.len) == LW4O6_OK);
	FUZZ_ASSERT(outer.xid == 0 && m.hdr.op == LW4O6_DHCP4_BOOTREPLY && m.has & LW4O6_DHCP4_HAS_SERVER_ID);
	/* S-068: 192.0.2.1 and .16 are shared, so their port set must be said. */
	uint32_t a = ntohl(m.hdr.yiaddr.s_addr);

	if (m.type != LW4O6_DHCP4_NAK && (a == 0xc0000201 || a == 0xc0000210))
		FUZZ_ASSERT(m.has & LW4O6_DHCP4_HAS_PORTS);
}

static void turn(struct lw4o6_server *s, uint8_t reports, lw4o6_time now)
{
	struct lw4o6_server_event ev;
	uint8_t buf[ROOM];
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
	ssize_t n;

	while (lw4o6_server_event(s, &ev) == 1) {
		FUZZ_ASSERT(lw4o6_psid_valid(&ev.lease.ps) && ev.lease.ipv4.s_addr == ev.binding.ipv4.s_addr);
		FUZZ_ASSERT(lw4o6_server_commit(s, ev.id, (enum lw4o6_commit)(reports % 4 % 3)) == LW4O6_OK);
		reports = (uint8_t)(reports >> 2);
	}
	while ((n = lw4o6_server_send(s, &d, now)) > 0)
		check_answer(buf, (size_t)n);
	FUZZ_ASSERT(n == 0);
}

static void check_leases(const struct lw4o6_server *s)
{
	static struct lw4o6_lease l[LEASES];
	struct lw4o6_server_usage u;
	uint32_t cursor = 0, n = 0, active = 0;

	while (n < LEASES && lw4o6_server_next(s, &cursor, &l[n]))
		n++;
	FUZZ_ASSERT(n < LEASES);
	for (uint32_t i = 0; i < n; i++) {
		active += l[i].state == LW4O6_LEASE_ACTIVE;
		for (uint32_t k = 0; k < i; k++) {
			bool both = l[i].state == LW4O6_LEASE_ACTIVE && l[k].state == LW4O6_LEASE_ACTIVE;

			FUZZ_ASSERT(l[i].ipv4.s_addr != l[k].ipv4.s_addr || !lw4o6_psid_overlap(&l[i].ps, &l[k].ps));
			FUZZ_ASSERT(!both || l[i].client_id_len != l[k].client_id_len || l[i].by_hardware != l[k].by_hardware ||
			            memcmp(l[i].client_id, l[k].client_id, l[i].client_id_len) != 0);
			FUZZ_ASSERT(!both || IN6_IS_ADDR_UNSPECIFIED(&l[i].saddr) || memcmp(&l[i].saddr, &l[k].saddr, 16) != 0);
		}
	}
	lw4o6_server_usage(s, &u);
	FUZZ_ASSERT(u.active == active && u.records >= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct in in = { data, size };
	TALLOC_CTX *mem = talloc_new(NULL);
	lw4o6_time now = 5;
	uint8_t options = u8(&in), fail = u8(&in);
	struct lw4o6_server *s = make(mem, options);

	FUZZ_ASSERT(s);
	failmem_at = fail < 200 ? 0 : fail - 199u;
	while (in.n > 0) {
		uint8_t step = u8(&in);

		push(s, &in, now);
		if (step & 1)
			continue;
		turn(s, step & 2 ? 0 : u8(&in), now);
		now += (lw4o6_time)(step >> 4) * (step & 8 ? 10 : 400) * LW4O6_SEC;
		/* Half of the queue can end in a call. */
		for (unsigned i = 0; i <= LEASES; i++) {
			FUZZ_ASSERT(lw4o6_server_tick(s, now) == LW4O6_OK);
			turn(s, 0, now);
		}
		FUZZ_ASSERT(lw4o6_server_expiry(s) > now);
		if (step & 4)
			check_leases(s);
	}
	turn(s, 0, now);
	check_leases(s);
	failmem_at = 0;
	talloc_free(mem);
	return 0;
}
