/* The translator by itself: ports, sessions, timers, TCP, forwards (3.19 to 3.22). */
#include "b4_kit.h"

#include <lw4o6/napt.h>

struct rig {
	void *mem;
	struct test_rng rng;
	struct lw4o6_napt_config cfg;
	struct lw4o6_counters cnt;
	struct lw4o6_napt *n;
	lw4o6_time now;
	struct lw4o6_napt_xlat x;
};

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->mem = talloc_new(NULL);
	r->rng.s = 99;
	r->now = 5000 * LW4O6_SEC;
	lw4o6_napt_config_init(&r->cfg);
	return r;
}

static struct rig *rig_start(struct rig *r, unsigned a, unsigned k, unsigned id)
{
	struct lw4o6_host host = { .arg = &r->rng, .random = test_random };
	struct lw4o6_psid ps;

	ck_assert_int_eq(lw4o6_napt_new(r->mem, &r->n, &r->cfg, &host, &r->cnt), LW4O6_OK);
	ck_assert_int_eq(lw4o6_psid_init(&ps, a, k, id), LW4O6_OK);
	ck_assert_uint_eq(lw4o6_napt_set_pool(r->n, ip4("192.0.2.18"), &ps, r->now), 0);
	return r;
}

static void rig_free(struct rig *r)
{
	talloc_free(r->n);
	ck_assert_uint_eq(talloc_total_blocks(r->mem), 1);
	talloc_free(r->mem);
	free(r);
}

typedef unsigned resolve(struct lw4o6_napt *, const struct lw4o6_napt_pkt *, lw4o6_time, struct lw4o6_napt_xlat *);

static unsigned resolved(struct rig *r, resolve *fn, uint8_t *p, size_t len)
{
	struct lw4o6_ip4 h;

	ck_assert_int_eq(lw4o6_ip4_decode(&h, p, len), LW4O6_IP4_OK);
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);
	return fn(r->n, &(struct lw4o6_napt_pkt){ &h, p }, r->now, &r->x);
}

/* A LAN host sends; the external port is in r->x.sport. @return 0 or the reason. */
static unsigned out(struct rig *r, uint8_t proto, const char *src, unsigned sport, const char *dst, unsigned dport)
{
	uint8_t p[64];
	size_t len;

	if (proto == 6)
		len = mk_tcp(p, src, sport, dst, dport, 2, 100, 0);
	else if (proto == 1)
		len = mk_echo(p, src, dst, 8, sport, 8);
	else
		len = mk_udp(p, src, sport, dst, dport, 8);
	if (proto == 136) {
		p[9] = 136;
		fix_ip(p);
	}
	return resolved(r, lw4o6_napt_out, p, len);
}

static unsigned in(struct rig *r, uint8_t proto, const char *src, unsigned sport, unsigned dport)
{
	uint8_t p[64];
	size_t len;

	if (proto == 6)
		len = mk_tcp(p, src, sport, "192.0.2.18", dport, 2, 100, 0);
	else if (proto == 1)
		len = mk_echo(p, src, "192.0.2.18", 0, dport, 8);
	else
		len = mk_udp(p, src, sport, "192.0.2.18", dport, 8);
	return resolved(r, lw4o6_napt_in, p, len);
}

static uint16_t port_for(struct rig *r, uint8_t proto, const char *src, unsigned sport, const char *dst, unsigned dport)
{
	ck_assert_uint_eq(out(r, proto, src, sport, dst, dport), 0);
	ck_assert_uint_eq(r->x.src.s_addr, ip4("192.0.2.18").s_addr);
	return r->x.sport;
}

static struct lw4o6_napt_gauges gauges(const struct rig *r)
{
	struct lw4o6_napt_gauges g;

	lw4o6_napt_gauges(r->n, &g);
	return g;
}

static void wait_s(struct rig *r, uint64_t s)
{
	r->now += s * LW4O6_SEC;
}

/*
 * D-267, D-269, D-273, D-274, D-277, D-296 to D-298, D-300: flows until the set is full: every port of the
 * set once for each protocol, none outside, 0 only as an identifier; then exhaustion, and the old flows go on.
 */
static const struct {
	unsigned a, k, id;
} sets[] = { { 0, 6, 0 }, { 0, 6, 52 }, { 4, 8, 3 }, { 6, 8, 52 }, { 6, 10, 1023 }, { 15, 1, 1 }, { 0, 16, 40000 }, { 12, 4, 9 } };

START_TEST(set_is_used_up)
{
	static const uint8_t protos[] = { 6, 17, 1, 136 };
	struct rig *r = rig_new();
	struct lw4o6_psid ps;
	static uint16_t got[65536];

	r->cfg.sessions_max = 200000;
	rig_start(r, sets[_i].a, sets[_i].k, sets[_i].id);
	ck_assert_int_eq(lw4o6_psid_init(&ps, sets[_i].a, sets[_i].k, sets[_i].id), LW4O6_OK);

	uint32_t size = lw4o6_psid_nports(&ps);
	for (unsigned i = 0; i < 4; i++) {
		static uint8_t seen[65536];
		bool has_zero = lw4o6_psid_has_port(&ps, 0) && protos[i] != 1;
		uint32_t want = size - has_zero;

		memset(seen, 0, sizeof(seen));
		for (uint32_t f = 0; f < want; f++) {
			got[f] = port_for(r, protos[i], f & 1 ? LAN : "192.168.1.11", f / 2 + 1, SERVER, 80);
			ck_assert(lw4o6_psid_has_port(&ps, got[f]));
			ck_assert(got[f] != 0 || protos[i] == 1);
			ck_assert_int_eq(seen[got[f]]++, 0);
		}
		ck_assert_uint_eq(out(r, protos[i], LAN, 65000, SERVER, 80), LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED);
		for (uint32_t f = 0; f < want; f++)
			ck_assert_uint_eq(port_for(r, protos[i], f & 1 ? LAN : "192.168.1.11", f / 2 + 1, SERVER, 80),
			                  got[f]);
		unsigned space = protos[i] == 6    ? LW4O6_NAPT_TCP
		                 : protos[i] == 17 ? LW4O6_NAPT_UDP
		                 : protos[i] == 1  ? LW4O6_NAPT_ICMP
		                                   : LW4O6_NAPT_UDPLITE;
		ck_assert_uint_eq(gauges(r).mappings[space], want);
		ck_assert_uint_eq(gauges(r).ports_in_use[space], size);
	}
	rig_free(r);
}
END_TEST

/* D-296: chi-square over 1e5 allocations, 252 ports: 251 degrees of freedom, 0.999 quantile 325; no bias. */
START_TEST(choice_is_uniform)
{
	struct rig *r = rig_new();
	struct lw4o6_psid ps;
	static uint32_t hits[65536];
	double chi = 0;

	r->cfg.no_parity = true;
	rig_start(r, 6, 8, 0x34);
	ck_assert_int_eq(lw4o6_psid_init(&ps, 6, 8, 0x34), LW4O6_OK);
	for (int i = 0; i < 100000; i++) {
		hits[port_for(r, 6, LAN, 1000, SERVER, 80)]++;
		wait_s(r, 241);
	}
	for (uint32_t i = 0; i < 252; i++) {
		double d = hits[lw4o6_psid_nth_port(&ps, i)] - 100000.0 / 252;

		chi += d * d / (100000.0 / 252);
	}
	ck_assert_msg(chi < 325, "chi-square %.1f", chi);
	rig_free(r);
}
END_TEST

/* D-264, D-265, D-266, D-276: one endpoint, three servers, one port; protocols are independent. */
START_TEST(endpoint_independent)
{
	struct rig *r = rig_start(rig_new(), 0, 6, 52);

	for (unsigned i = 0; i < 3; i++) {
		uint8_t proto = (uint8_t[]){ 17, 6, 1 }[i];
		uint16_t p = port_for(r, proto, LAN, 40000, SERVER, 80);

		ck_assert_uint_eq(port_for(r, proto, LAN, 40000, "198.51.100.8", 80), p);
		ck_assert_uint_eq(port_for(r, proto, LAN, 40000, "198.51.100.9", 81), p);
		ck_assert_uint_ne(port_for(r, proto, "192.168.1.11", 40000, SERVER, 80), p);
	}
	rig_free(r);
}
END_TEST

/* D-266: joint: TCP and UDP of an endpoint have one port; it goes to nobody else in either. */
START_TEST(joint_mapping)
{
	struct rig *r = rig_new();

	r->cfg.joint = true;
	rig_start(r, 0, 12, 52);
	for (unsigned i = 1; i <= 16; i++)
		ck_assert_uint_eq(port_for(r, 6, LAN, i, SERVER, 80), port_for(r, 17, LAN, i, SERVER, 80));
	ck_assert_uint_eq(out(r, 17, LAN, 100, SERVER, 80), LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED);
	rig_free(r);

	/* D-279: the port is common, the permission is not. */
	r = rig_new();
	r->cfg.joint = true;
	r->cfg.filter_udp = LW4O6_NAPT_EIF;
	rig_start(r, 0, 6, 52);
	uint16_t p = port_for(r, 6, LAN, 1, SERVER, 80);
	ck_assert_uint_eq(in(r, 17, SERVER, 80, p), LW4O6_CNT_NAT_DROP_FILTERED);
	ck_assert_uint_eq(port_for(r, 17, LAN, 1, "198.51.100.8", 80), p);
	ck_assert_uint_eq(in(r, 17, SERVER, 80, p), 0);
	rig_free(r);
}
END_TEST

/* D-270, D-271: parity is kept while it can be; a set of one parity ignores it; TCP does not care. */
START_TEST(parity)
{
	struct rig *r = rig_start(rig_new(), 0, 6, 52);

	for (unsigned i = 0; i < 512; i++)
		ck_assert_uint_eq(port_for(r, 17, LAN, 2 * i + 2, SERVER, 80) & 1, 0);
	ck_assert_uint_eq(port_for(r, 17, LAN, 4000, SERVER, 80) & 1, 1);
	rig_free(r);

	r = rig_start(rig_new(), 6, 10, 3);
	for (unsigned i = 0; i < 63; i++)
		ck_assert_uint_eq(port_for(r, 17, LAN, 2 * i + 2, SERVER, 80) & 1, 1);
	rig_free(r);

	unsigned odd = 0;
	r = rig_start(rig_new(), 0, 6, 52);
	for (unsigned i = 0; i < 64; i++)
		odd += port_for(r, 6, LAN, 2 * i + 2, SERVER, 80) & 1;
	ck_assert_uint_gt(odd, 8);
	rig_free(r);
}
END_TEST

/* D-272: preservation when asked for and possible. */
START_TEST(preservation)
{
	struct rig *r = rig_new();

	r->cfg.port_preserve = true;
	rig_start(r, 0, 6, 52);
	ck_assert_uint_eq(port_for(r, 6, LAN, 53999, SERVER, 80), 53999);
	ck_assert_uint_ne(port_for(r, 6, "192.168.1.11", 53999, SERVER, 80), 53999);
	ck_assert(port_for(r, 6, LAN, 1000, SERVER, 80) >= 53248);
	rig_free(r);
}
END_TEST

/* D-299, D-275: reserved and forwarded ports are never handed out; a forward outside the set is refused. */
START_TEST(reserved_and_forwards)
{
	struct lw4o6_napt_reserved res[] = { { 0, 53248, 53255 }, { 6, 53256, 53263 } };
	struct lw4o6_napt_forward f = { .protocol = 6, .port = 53300, .addr = ip4(LAN), .inner_port = 80 };
	struct rig *r = rig_new();

	r->cfg.reserved = res;
	r->cfg.n_reserved = 2;
	rig_start(r, 0, 6, 52);
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_OK);
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_ECONFLICT);
	f.port = 54300;
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_ENOENT);
	f.port = 0;
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_EINVAL);
	f.port = 53301;
	f.protocol = 47;
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_EINVAL);
	for (unsigned i = 0; i < 1024 - 16 - 1; i++) {
		uint16_t p = port_for(r, 6, "192.168.1.11", i + 1, SERVER, 80);

		ck_assert(p >= 53264 && p != 53300);
	}
	ck_assert_uint_eq(out(r, 6, LAN, 9, SERVER, 80), LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED);
	ck_assert_uint_eq(gauges(r).ports_in_use[LW4O6_NAPT_TCP], 1024);

	/* An inbound stranger gets to the forward; the dynamic neighbour's port is closed to him. */
	ck_assert_uint_eq(in(r, 6, "198.51.100.99", 5, 53300), 0);
	ck_assert(r->x.dst.s_addr == ip4(LAN).s_addr && r->x.dport == 80);
	ck_assert_uint_eq(in(r, 6, "198.51.100.99", 5, 53301), LW4O6_CNT_NAT_DROP_FILTERED);

	/* It outlives every timer, and goes when told to. */
	wait_s(r, 100000);
	ck_assert_uint_eq(in(r, 6, "198.51.100.99", 5, 53300), 0);
	ck_assert_int_eq(lw4o6_napt_forward_remove(r->n, 6, 53300, r->now), LW4O6_OK);
	ck_assert_int_eq(lw4o6_napt_forward_remove(r->n, 6, 53300, r->now), LW4O6_ENOENT);
	ck_assert_uint_eq(in(r, 6, "198.51.100.99", 5, 53300), LW4O6_CNT_NAT_DROP_NO_MAPPING);
	ck_assert_uint_eq(gauges(r).sessions, 0);
	ck_assert_uint_eq(gauges(r).ports_in_use[LW4O6_NAPT_TCP], 16);

	/* A forward may use a reserved port; afterwards it is reserved as before. */
	f = (struct lw4o6_napt_forward){ .protocol = 6, .port = 53248, .addr = ip4(LAN), .inner_port = 80 };
	ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_OK);
	ck_assert_int_eq(lw4o6_napt_forward_remove(r->n, 6, 53248, r->now), LW4O6_OK);
	ck_assert_uint_eq(gauges(r).ports_in_use[LW4O6_NAPT_TCP], 16);
	for (unsigned i = 0; i < 1024 - 16; i++)
		ck_assert(port_for(r, 6, "192.168.1.11", i + 1, SERVER, 80) >= 53264);
	ck_assert_uint_eq(out(r, 6, LAN, 9, SERVER, 80), LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED);
	rig_free(r);
}
END_TEST

/* Two external ports for one internal server: each answer leaves by the port its question came to. */
START_TEST(two_forwards_to_one_endpoint)
{
	struct lw4o6_napt_forward f = { .addr = ip4(LAN), .inner_port = 53 };
	struct rig *r = rig_start(rig_new(), 0, 6, 52);

	for (unsigned i = 0; i < 2; i++) {
		f.protocol = i ? 6 : 17;
		f.port = 53400;
		ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_OK);
		f.port = 53401;
		ck_assert_int_eq(lw4o6_napt_forward_add(r->n, &f, r->now), LW4O6_OK);
		ck_assert_uint_eq(in(r, f.protocol, SERVER, 1000, 53400), 0);
		ck_assert_uint_eq(in(r, f.protocol, SERVER, 1001, 53401), 0);
		ck_assert_uint_eq(port_for(r, f.protocol, LAN, 53, SERVER, 1000), 53400);
		ck_assert_uint_eq(port_for(r, f.protocol, LAN, 53, SERVER, 1001), 53401);
	}
	rig_free(r);
}
END_TEST

/* D-277, D-301, D-302 and the sessions of a host: each limit refuses what is new and leaves what is old. */
START_TEST(limits)
{
	struct rig *r = rig_new();

	r->cfg.sessions_max = 100;
	rig_start(r, 0, 6, 52);
	for (unsigned i = 0; i < 100; i++)
		port_for(r, 17, LAN, 1000, SERVER, i + 1);
	ck_assert_uint_eq(out(r, 17, LAN, 1000, SERVER, 200), LW4O6_CNT_NAT_DROP_SESSION_LIMIT);
	ck_assert_uint_eq(out(r, 17, LAN, 1000, SERVER, 50), 0);
	wait_s(r, 301);
	ck_assert_uint_eq(out(r, 17, LAN, 1000, SERVER, 200), 0);
	rig_free(r);

	r = rig_new();
	r->cfg.host_ports_max = 3;
	r->cfg.host_sessions_max = 5;
	rig_start(r, 0, 6, 52);
	for (unsigned i = 0; i < 3; i++)
		port_for(r, 17, LAN, 1000 + i, SERVER, 80);
	ck_assert_uint_eq(out(r, 17, LAN, 1003, SERVER, 80), LW4O6_CNT_NAT_DROP_HOST_LIMIT);
	port_for(r, 6, LAN, 1003, SERVER, 80);
	port_for(r, 17, LAN, 1000, SERVER, 81);
	ck_assert_uint_eq(out(r, 17, LAN, 1000, SERVER, 82), LW4O6_CNT_NAT_DROP_HOST_LIMIT);
	port_for(r, 17, "192.168.1.11", 1003, SERVER, 80);
	wait_s(r, 301);
	port_for(r, 17, LAN, 1003, SERVER, 80);
	rig_free(r);

	r = rig_new();
	r->cfg.host_rate = 10;
	rig_start(r, 0, 6, 52);
	for (unsigned i = 0; i < 10; i++)
		port_for(r, 17, LAN, 1000 + i, SERVER, 80);
	ck_assert_uint_eq(out(r, 17, LAN, 2000, SERVER, 80), LW4O6_CNT_NAT_DROP_RATE);
	ck_assert_uint_eq(out(r, 17, LAN, 1005, SERVER, 81), 0);
	port_for(r, 17, "192.168.1.11", 1000, SERVER, 80);
	r->now += LW4O6_SEC / 10;
	port_for(r, 17, LAN, 2000, SERVER, 80);
	ck_assert_uint_eq(out(r, 17, LAN, 2001, SERVER, 80), LW4O6_CNT_NAT_DROP_RATE);
	rig_free(r);
}
END_TEST

/* D-284, D-285, D-282: outbound refreshes, inbound only with the knob, filtered packets never. */
START_TEST(refresh)
{
	for (int knob = 0; knob < 2; knob++) {
		struct rig *r = rig_new();

		r->cfg.inbound_refresh = knob;
		rig_start(r, 0, 6, 52);

		uint16_t p = port_for(r, 17, LAN, 4000, SERVER, 80);
		wait_s(r, 299);
		ck_assert_uint_eq(port_for(r, 17, LAN, 4000, SERVER, 80), p);
		wait_s(r, 299);
		ck_assert_uint_eq(in(r, 17, SERVER, 80, p), 0);
		ck_assert_uint_eq(in(r, 17, "198.51.100.8", 80, p), LW4O6_CNT_NAT_DROP_FILTERED);
		wait_s(r, 2);
		ck_assert_uint_eq(in(r, 17, SERVER, 80, p), knob ? 0 : LW4O6_CNT_NAT_DROP_NO_MAPPING);
		rig_free(r);
	}
}
END_TEST

/* D-278, D-279, D-282: the probe matrix. */
START_TEST(filters)
{
	static const struct {
		const char *src;
		unsigned port;
		bool ok[3]; /* adf, eif, apdf */
	} probes[] = {
		{ "198.51.100.7", 80, { true, true, true } },
		{ "198.51.100.7", 81, { true, true, false } },
		{ "198.51.100.8", 80, { false, true, false } },
	};

	for (unsigned filter = 0; filter < 3; filter++) {
		struct rig *r = rig_new();

		r->cfg.filter_udp = r->cfg.filter_tcp = (enum lw4o6_napt_filter)filter;
		rig_start(r, 0, 6, 52);
		uint16_t u = port_for(r, 17, LAN, 4000, SERVER, 80), t = port_for(r, 6, LAN, 4000, SERVER, 80);
		for (unsigned i = 0; i < 3; i++) {
			unsigned want = probes[i].ok[filter] ? 0 : LW4O6_CNT_NAT_DROP_FILTERED;

			ck_assert_uint_eq(in(r, 17, probes[i].src, probes[i].port, u), want);
			ck_assert_uint_eq(in(r, 6, probes[i].src, probes[i].port, t), want);
		}
		rig_free(r);
	}

	/* TCP state does not open UDP: the same endpoints, another protocol. */
	struct rig *r = rig_new();
	r->cfg.port_preserve = true;
	rig_start(r, 0, 6, 52);
	port_for(r, 6, LAN, 53500, SERVER, 80);
	ck_assert_uint_eq(in(r, 17, SERVER, 80, 53500), LW4O6_CNT_NAT_DROP_NO_MAPPING);
	port_for(r, 17, LAN, 53500, "198.51.100.8", 80);
	ck_assert_uint_eq(in(r, 17, SERVER, 80, 53500), LW4O6_CNT_NAT_DROP_FILTERED);
	rig_free(r);
}
END_TEST

/* Filtering by address stays right with many remote ports, whichever of the sessions ends first. */
START_TEST(peers_come_and_go)
{
	struct rig *r = rig_start(rig_new(), 0, 6, 52);
	uint16_t p = port_for(r, 17, LAN, 4000, SERVER, 1);

	for (unsigned i = 2; i <= 200; i++) {
		wait_s(r, 1);
		port_for(r, 17, LAN, 4000, SERVER, i);
		if (i % 3 == 0)
			port_for(r, 17, LAN, 4000, "198.51.100.8", i);
	}
	wait_s(r, 250);
	ck_assert_uint_eq(in(r, 17, SERVER, 9999, p), 0);
	ck_assert_uint_eq(in(r, 17, "198.51.100.8", 9999, p), 0);
	ck_assert_uint_lt(gauges(r).sessions, 100);
	wait_s(r, 49);
	ck_assert_uint_eq(in(r, 17, SERVER, 9999, p), 0);
	ck_assert_uint_eq(in(r, 17, "198.51.100.8", 9999, p), LW4O6_CNT_NAT_DROP_FILTERED);
	wait_s(r, 2);
	ck_assert_uint_eq(in(r, 17, SERVER, 9999, p), LW4O6_CNT_NAT_DROP_NO_MAPPING);
	ck_assert_uint_eq(gauges(r).sessions, 0);
	rig_free(r);
}
END_TEST

/* The same with many remote addresses, so that they share buckets: each is known as long as one of its sessions lives. */
START_TEST(peers_share_buckets)
{
	struct rig *r = rig_new();
	char addr[16];

	r->cfg.sessions_max = 512;
	rig_start(r, 0, 6, 52);
	uint16_t p = port_for(r, 17, LAN, 4000, SERVER, 1);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 160; i++) {
			snprintf(addr, sizeof(addr), "8.8.8.%u", i);
			port_for(r, 17, LAN, 4000, addr, 100 + round);
		}
		wait_s(r, 100);
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 160; i++) {
			snprintf(addr, sizeof(addr), "8.8.8.%u", i);
			ck_assert_uint_eq(in(r, 17, addr, 7, p), 0);
		}
		if (round < 2)
			wait_s(r, round ? 99 : 1 + 60);
	}
	wait_s(r, 200);
	ck_assert_uint_eq(in(r, 17, "8.8.8.1", 7, p), LW4O6_CNT_NAT_DROP_NO_MAPPING);
	rig_free(r);
}
END_TEST

/* D-304: a freed UDP port rests 120 s while others are free; then, or in need, it is taken. */
START_TEST(quarantine)
{
	struct rig *r = rig_start(rig_new(), 0, 12, 52);
	uint16_t first = port_for(r, 17, LAN, 2, SERVER, 80), p;
	bool seen = false;

	wait_s(r, 301);
	ck_assert_uint_eq(port_for(r, 17, LAN, 2, SERVER, 80), first); /* its own endpoint may come back */
	wait_s(r, 301);
	for (unsigned i = 0; i < 15; i++)
		ck_assert_uint_ne(port_for(r, 17, "192.168.1.11", i + 1, SERVER, 80), first);
	ck_assert_uint_eq(port_for(r, 17, "192.168.1.11", 100, SERVER, 80), first);
	ck_assert_uint_eq(out(r, 17, LAN, 2, SERVER, 80), LW4O6_CNT_NAT_DROP_PORT_EXHAUSTED);
	ck_assert_uint_eq(gauges(r).ports_in_use[LW4O6_NAPT_UDP], 16);
	rig_free(r);

	r = rig_start(rig_new(), 0, 12, 52);
	first = port_for(r, 17, LAN, 2, SERVER, 80);
	wait_s(r, 301);
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);
	wait_s(r, 121);
	for (unsigned i = 0; i < 8; i++) {
		p = port_for(r, 17, "192.168.1.11", 2 * i + 2, SERVER, 80);
		seen = seen || p == first;
	}
	ck_assert(seen);
	rig_free(r);

	/* TCP: free at once (D-294) */
	r = rig_start(rig_new(), 0, 16, 40000);
	port_for(r, 6, LAN, 2, SERVER, 80);
	wait_s(r, 241);
	port_for(r, 6, "192.168.1.11", 2, SERVER, 80);
	rig_free(r);
}
END_TEST

/* Table 3.21 and D-288: each lower bound. */
START_TEST(timers_are_checked)
{
	struct lw4o6_host host = { .random = test_random };
	struct lw4o6_counters cnt;
	struct lw4o6_napt *n;
	void *mem = talloc_new(NULL);

	for (int i = 0; i < 8; i++) {
		struct lw4o6_napt_config c;

		lw4o6_napt_config_init(&c);
		uint32_t *v[] = { &c.udp_s, &c.tcp_established_s, &c.tcp_transitory_s, &c.tcp_closing_s,
			          &c.icmp_s, &c.udp_quarantine_s, &c.sessions_max, &c.forwards_max };
		*v[i] = (uint32_t[]){ 119, 7439, 239, 239, 59, 119, (1u << 20) + 1, 65537 }[i];
		ck_assert_int_eq(lw4o6_napt_new(mem, &n, &c, &host, &cnt), LW4O6_EINVAL);
	}
	talloc_free(mem);

	struct rig *r = rig_new();
	r->cfg.transitory_lower = true;
	r->cfg.tcp_transitory_s = 10;
	rig_start(r, 0, 6, 52);
	port_for(r, 6, LAN, 1, SERVER, 80);
	wait_s(r, 11);
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);
	ck_assert_uint_eq(gauges(r).sessions, 0);
	rig_free(r);
}
END_TEST

/* Defaults of table 3.21: alive one second before, gone one second after. */
START_TEST(default_timers)
{
	static const struct {
		uint8_t proto;
		unsigned s;
	} rows[] = { { 17, 300 }, { 136, 300 }, { 6, 240 }, { 1, 60 } };
	struct rig *r = rig_start(rig_new(), 0, 6, 52);

	port_for(r, rows[_i].proto, LAN, 7, SERVER, 80);
	wait_s(r, rows[_i].s - 1);
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);
	ck_assert_uint_eq(gauges(r).sessions, 1);
	ck_assert_uint_ge(lw4o6_napt_expiry(r->n), r->now + LW4O6_SEC);
	ck_assert_uint_le(lw4o6_napt_expiry(r->n), r->now + 2 * LW4O6_SEC);
	r->now = lw4o6_napt_expiry(r->n);
	lw4o6_napt_tick(r->n, r->now, UINT32_MAX);
	ck_assert_uint_eq(gauges(r).sessions, 0);
	ck_assert_uint_eq(lw4o6_napt_expiry(r->n), LW4O6_TIME_NONE);
	rig_free(r);
}
END_TEST

/* Sessions of every age end in their time with bounded work a call, also after a jump of the clock. */
START_TEST(wheel)
{
	struct rig *r = rig_new();
	static const uint8_t protos[] = { 17, 6, 1 };

	r->cfg.sessions_max = 20000;
	r->cfg.udp_s = 5000;
	rig_start(r, 0, 2, 1);
	for (unsigned i = 0; i < 6000; i++) {
		port_for(r, protos[i % 3], LAN, i + 1, SERVER, 80);
		r->now += LW4O6_SEC / 10;
	}
	uint32_t left = gauges(r).sessions;
	while (left > 0) {
		lw4o6_time t = lw4o6_napt_expiry(r->n);

		ck_assert_uint_ne(t, LW4O6_TIME_NONE);
		if (t > r->now)
			r->now = t;
		lw4o6_napt_tick(r->n, r->now, 16);
		ck_assert_uint_le(left - gauges(r).sessions, 16);
		left = gauges(r).sessions;
	}
	ck_assert_uint_eq(r->cnt.packets[LW4O6_CNT_NAT_SESSION_CREATED], 6000);
	ck_assert_uint_eq(r->cnt.packets[LW4O6_CNT_NAT_SESSION_EXPIRED], 6000);
	ck_assert_uint_eq(r->cnt.packets[LW4O6_CNT_NAT_MAPPING_EXPIRED], 6000);
	r->now += 1000000000 * LW4O6_SEC;
	port_for(r, 17, LAN, 1, SERVER, 80);
	ck_assert_uint_lt(lw4o6_napt_expiry(r->n) - r->now, 5001 * LW4O6_SEC);
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("napt");
	TCase *tc = tcase_create("napt");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, set_is_used_up, 0, (int)(sizeof(sets) / sizeof(sets[0])));
	tcase_add_test(tc, choice_is_uniform);
	tcase_add_test(tc, endpoint_independent);
	tcase_add_test(tc, joint_mapping);
	tcase_add_test(tc, parity);
	tcase_add_test(tc, preservation);
	tcase_add_test(tc, reserved_and_forwards);
	tcase_add_test(tc, two_forwards_to_one_endpoint);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, refresh);
	tcase_add_test(tc, filters);
	tcase_add_test(tc, peers_come_and_go);
	tcase_add_test(tc, peers_share_buckets);
	tcase_add_test(tc, quarantine);
	tcase_add_test(tc, timers_are_checked);
	tcase_add_loop_test(tc, default_timers, 0, 4);
	tcase_add_test(tc, wheel);
	suite_add_tcase(s, tc);
	return test_main(s);
}
