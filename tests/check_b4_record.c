/* The record: what makes the service start, change and stop (3.18, 3.26), and events. */
#include "b4_kit.h"
#include "failmem.h"

/* Does a packet of an old flow come through, and by which port? 0: dropped. */
static unsigned port_now(struct kit *k)
{
	uint8_t p[64];

	lan(k, p, mk_udp(p, LAN, 4000, SERVER, 80, 4));
	return k->pkt.verdict == LW4O6_VERDICT_DROP ? 0 : get16(k->out[0].data + 60);
}

static unsigned configs(struct kit *k, struct lw4o6_b4_event *last)
{
	struct lw4o6_b4_event ev;
	unsigned n = 0;

	while (lw4o6_b4_event(k->b, &ev))
		if (ev.kind == LW4O6_B4_EV_CONFIG) {
			*last = ev;
			n++;
		}
	return n;
}

/* D-252: no record, no packet; every field of it is looked at. */
START_TEST(record_is_checked)
{
	struct kit *k = kit_new();
	struct lw4o6_b4_record r, got;
	uint8_t p[64], outer[128];

	kit_make(k);
	ck_assert_uint_eq(port_now(k), 0);
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_CONFIG);
	kit_run(k, LW4O6_SIDE_IPV6, outer, mk_tunnel(outer, p, mk_udp(p, SERVER, 80, PUBLIC, 53300, 4)));
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_CONFIG);
	for (int i = 0; i < 8; i++) {
		r = k->rec;
		switch (i) {
		case 0:
			r.ipv4.s_addr = 0;
			break;
		case 1:
			r.ipv4 = ip4("224.0.0.1");
			break;
		case 2:
			r.ps.len = 17;
			break;
		case 3:
			r.aftr = in6addr_any;
			break;
		case 4:
			r.b4 = in6addr_any;
			break;
		case 5:
			r.aftr = ip6("fe80::1");
			break;
		case 6:
			r.b4 = r.aftr;
			break;
		default:
			r.expires = k->now;
		}
		ck_assert_int_eq(lw4o6_b4_set_record(k->b, &r, k->now), LW4O6_EINVAL);
		ck_assert(!lw4o6_b4_record(k->b, &got));
	}
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &k->rec, k->now), LW4O6_OK);
	ck_assert(lw4o6_b4_record(k->b, &got));
	ck_assert_uint_ne(port_now(k), 0);
	kit_free(k);
}
END_TEST

/* D-256, D-335: at the instant; also when only a tick notices; nothing of the old flows afterwards. */
START_TEST(expiry)
{
	struct kit *k = kit_new();
	struct lw4o6_b4_event ev;

	k->rec.expires = k->now + 100 * LW4O6_SEC;
	kit_start(k);
	ck_assert_uint_eq(configs(k, &ev), 1);
	ck_assert_uint_ne(port_now(k), 0);
	ck_assert_uint_eq(lw4o6_b4_expiry(k->b), k->rec.expires);
	k->now = k->rec.expires - 1;
	ck_assert_uint_ne(port_now(k), 0);
	k->now = k->rec.expires;
	if (_i)
		lw4o6_b4_tick(k->b, k->now);
	ck_assert_uint_eq(port_now(k), 0);
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_CONFIG);
	ck_assert_uint_eq(configs(k, &ev), 1);
	ck_assert(ev.had_old && !ev.has_new && ev.reason == LW4O6_B4_BY_EXPIRY);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_FLUSHES), 1);

	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.nat.sessions, 0);
	ck_assert(!g.service);
	kit_free(k);
}
END_TEST

/*
 * D-253, D-330, D-332 to D-334, D-338: which change drops the flows. Rows: address, port set, AFTR,
 * softwire address, nothing.
 */
static const struct {
	const char *name;
	bool kept, event, addr_change;
} changes[] = {
	{ "address", false, true, false },
	{ "port set", false, true, false },
	{ "length", false, true, false },
	{ "AFTR", true, true, false },
	{ "softwire", true, true, true },
	{ "only the lifetime", true, false, false },
	{ "nothing", true, false, false },
};

START_TEST(change)
{
	struct kit *k = kit_start(kit_new());
	struct lw4o6_b4_record r = k->rec;
	struct lw4o6_b4_event ev = { .kind = LW4O6_B4_EV_CONFIG };
	unsigned before = port_now(k);
	uint8_t p[64], outer[128];

	configs(k, &ev);
	switch (_i) {
	case 0:
		r.ipv4 = ip4("192.0.2.19");
		break;
	case 1:
		r.ps.id = 0x35;
		break;
	case 2:
		r.ps.len = 5;
		r.ps.id = 0x1a;
		break;
	case 3:
		r.aftr = ip6("2001:db8:ffff::2");
		break;
	case 4:
		r.b4 = ip6("2001:db8:12:3400:0:c000:212:99");
		break;
	case 5:
		r.expires = k->now + 9999 * LW4O6_SEC;
		break;
	default:
		break;
	}
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &r, k->now), LW4O6_OK);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_FLUSHES), !changes[_i].kept);
	ck_assert_uint_eq(configs(k, &ev), changes[_i].event);
	if (changes[_i].event) {
		ck_assert(ev.had_old && ev.has_new && ev.reason == LW4O6_B4_BY_CALL);
		ck_assert_int_eq(ev.addr_change, changes[_i].addr_change);
	}

	/* The old AFTR and the old softwire address are nobody any more. */
	kit_run(k, LW4O6_SIDE_IPV6, outer, mk_tunnel(outer, p, mk_udp(p, SERVER, 80, PUBLIC, before, 4)));
	if (_i == 3)
		ck_dropped(k, LW4O6_CNT_B4_DROP_NOT_AFTR);
	else if (_i == 4)
		ck_dropped(k, LW4O6_CNT_DROP_V6_NOT_LOCAL);
	else if (changes[_i].kept)
		delivered(k);
	else
		ck_assert_int_eq(k->pkt.verdict, LW4O6_VERDICT_DROP);

	unsigned after = port_now(k);
	ck_assert_uint_ne(after, 0);
	ck_assert(lw4o6_psid_has_port(&r.ps, (uint16_t)after));
	if (changes[_i].kept)
		ck_assert_uint_eq(after, before);
	ck_assert_int_eq(memcmp(k->out[0].data + 8, &r.b4, 16), 0);
	ck_assert_int_eq(memcmp(k->out[0].data + 24, &r.aftr, 16), 0);
	ck_assert_int_eq(memcmp(k->out[0].data + 52, &r.ipv4, 4), 0);
	kit_free(k);
}
END_TEST

/* D-332: the softwire address goes; no service, then another address and the same flows. Unless the lease ends first. */
START_TEST(suspend)
{
	for (int late = 0; late < 2; late++) {
		struct kit *k = kit_new();
		struct lw4o6_b4_record r;
		struct lw4o6_b4_event ev;

		k->rec.expires = k->now + 100 * LW4O6_SEC;
		kit_start(k);
		unsigned before = port_now(k);

		lw4o6_b4_suspend(k->b, k->now);
		ck_assert_uint_eq(port_now(k), 0);
		ck_assert_uint_eq(configs(k, &ev), 2);
		ck_assert_int_eq(ev.reason, LW4O6_B4_BY_SUSPEND);
		if (late)
			k->now += 100 * LW4O6_SEC;
		lw4o6_b4_tick(k->b, k->now);
		r = k->rec;
		r.b4 = ip6("2001:db8:12:3400:0:c000:212:99");
		r.expires = LW4O6_TIME_NONE;
		ck_assert_int_eq(lw4o6_b4_set_record(k->b, &r, k->now), LW4O6_OK);
		ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_FLUSHES), late ? 1 : 0);
		if (!late)
			ck_assert_uint_eq(port_now(k), before);
		kit_free(k);
	}
}
END_TEST

/* D-331: forwards outside the new set sleep and are reported; back in their set they work again. */
START_TEST(forwards)
{
	struct kit *k = kit_new();
	struct lw4o6_b4_event ev;
	struct lw4o6_b4_record r = k->rec;
	struct lw4o6_napt_forward f;
	uint8_t p[64];
	uint32_t cursor = 0, inactive = 0;

	kit_make(k);
	kit_forward(k, 17, 53300, LAN, 53); /* before there is a set: taken */
	kit_forward(k, 17, 54300, LAN2, 53);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &k->rec, k->now), LW4O6_OK);
	while (lw4o6_napt_next_forward(lw4o6_b4_napt(k->b), &cursor, &f))
		ck_assert_int_eq(f.active, f.port == 53300);
	ck_assert_uint_eq(cursor, 2);
	tun(k, p, mk_udp(p, SERVER, 80, PUBLIC, 53300, 4));
	ck_assert_uint_eq(get16(delivered(k) + 22), 53);

	r.ps.id = 0x35;
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &r, k->now), LW4O6_OK);
	while (lw4o6_b4_event(k->b, &ev))
		if (ev.kind == LW4O6_B4_EV_FORWARD_INACTIVE)
			inactive += ev.used;
	ck_assert_uint_eq(inactive, 1);
	tun(k, p, mk_udp(p, SERVER, 80, PUBLIC, 53300, 4));
	ck_dropped(k, LW4O6_CNT_B4_DROP_DST_PORT);
	tun(k, p, mk_udp(p, SERVER, 80, PUBLIC, 54300, 4));
	delivered(k);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &k->rec, k->now), LW4O6_OK);
	tun(k, p, mk_udp(p, SERVER, 80, PUBLIC, 53300, 4));
	delivered(k);
	ck_assert_int_eq(lw4o6_b4_forward_remove(k->b, 17, 54300, k->now), LW4O6_OK);
	kit_free(k);
}
END_TEST

/* D-337: with a change between any two packets, each leaves under one record. */
START_TEST(one_record_at_a_time)
{
	struct kit *k = kit_start(kit_new());
	struct lw4o6_b4_record r[2] = { k->rec, k->rec };

	r[1].ipv4 = ip4("192.0.2.19");
	r[1].ps.id = 0x35;
	r[1].aftr = ip6("2001:db8:ffff::2");
	r[1].b4 = ip6("2001:db8:12:3500:0:c000:213:35");
	for (unsigned i = 0; i < 50; i++) {
		const struct lw4o6_b4_record *now = &r[i % 2];

		ck_assert_int_eq(lw4o6_b4_set_record(k->b, now, k->now), LW4O6_OK);
		ck_assert(lw4o6_psid_has_port(&now->ps, (uint16_t)port_now(k)));
		ck_assert_int_eq(memcmp(k->out[0].data + 8, &now->b4, 16), 0);
		ck_assert_int_eq(memcmp(k->out[0].data + 24, &now->aftr, 16), 0);
		ck_assert_int_eq(memcmp(k->out[0].data + 52, &now->ipv4, 4), 0);
	}
	kit_free(k);
}
END_TEST

/* D-335: released: nothing, and a record with the same values starts afresh. */
START_TEST(release)
{
	struct kit *k = kit_start(kit_new());

	port_now(k);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, NULL, k->now), LW4O6_OK);
	ck_assert_uint_eq(port_now(k), 0);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_FLUSHES), 1);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, NULL, k->now), LW4O6_OK);
	ck_assert_uint_eq(kit_count(k, LW4O6_CNT_NAT_FLUSHES), 1);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &k->rec, k->now), LW4O6_OK);

	struct lw4o6_b4_gauges g;
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.nat.sessions, 0);
	ck_assert_uint_eq(g.nat.ports_in_use[LW4O6_NAPT_UDP], 0);
	ck_assert_uint_ne(port_now(k), 0);
	kit_free(k);
}
END_TEST

/* D-281: six seconds of silence, then 3/3 with the knob; an own SYN for the connection cancels it. */
START_TEST(unsolicited_syn)
{
	struct kit *k = kit_new();
	uint8_t p[64], q[64];

	k->cfg.syn_unsolicited_3_3 = true;
	k->cfg.syn_pending_max = 4;
	k->nat.port_preserve = true;
	kit_start(k);
	size_t len = mk_tcp(q, SERVER, 80, PUBLIC, 53300, 2, 1, 0);
	tun(k, q, len);
	ck_dropped(k, LW4O6_CNT_NAT_DROP_NO_MAPPING);
	tun(k, q, len); /* again: still one answer */
	ck_assert_uint_eq(k->n, 0);
	ck_assert_uint_eq(lw4o6_b4_expiry(k->b), k->now + 6 * LW4O6_SEC);
	k->now += 5900 * LW4O6_MSEC;
	lw4o6_b4_tick(k->b, k->now);
	kit_drain(k);
	ck_assert_uint_eq(k->n, 0);
	k->now += 200 * LW4O6_MSEC;
	lw4o6_b4_tick(k->b, k->now);
	kit_clear(k);
	kit_drain(k);
	ck_error(sent(k), PUBLIC, SERVER, 3, 3, q, len);

	/* Simultaneous open: the own SYN goes out from the port that was asked for. */
	tun(k, q, len);
	k->now += LW4O6_SEC;
	lan(k, p, mk_tcp(p, LAN, 53300, SERVER, 80, 2, 1, 0));
	ck_assert_uint_eq(get16(sent(k) + 20), 53300);
	k->now += 10 * LW4O6_SEC;
	kit_clear(k);
	lw4o6_b4_tick(k->b, k->now);
	kit_drain(k);
	ck_assert_uint_eq(k->n, 0);

	/* A new port set forgets who waits. */
	struct lw4o6_b4_record r = k->rec;
	tun(k, q, mk_tcp(q, SERVER, 81, PUBLIC, 53301, 2, 1, 0));
	r.ps.id = 0x35;
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &r, k->now), LW4O6_OK);
	ck_assert_int_eq(lw4o6_b4_set_record(k->b, &k->rec, k->now), LW4O6_OK);
	k->now += 10 * LW4O6_SEC;
	kit_clear(k);
	lw4o6_b4_tick(k->b, k->now);
	kit_drain(k);
	ck_assert_uint_eq(k->n, 0);

	/* Bounded: of ten SYNs four are answered. */
	for (unsigned i = 0; i < 10; i++)
		tun(k, q, mk_tcp(q, SERVER, 81 + i, PUBLIC, 53301, 2, 1, 0));
	k->now += 10 * LW4O6_SEC;
	lw4o6_b4_tick(k->b, k->now);
	kit_clear(k);
	kit_drain(k);
	ck_assert_uint_eq(k->n, 4);
	kit_free(k);

	/* The default: nothing, ever. */
	k = kit_start(kit_new());
	tun(k, q, mk_tcp(q, SERVER, 80, PUBLIC, 53300, 2, 1, 0));
	ck_assert_uint_eq(lw4o6_b4_expiry(k->b), LW4O6_TIME_NONE);
	k->now += 10 * LW4O6_SEC;
	lw4o6_b4_tick(k->b, k->now);
	kit_drain(k);
	ck_assert_uint_eq(k->n, 0);
	kit_free(k);
}
END_TEST

/* Settings out of range are refused, and nothing is left behind. */
START_TEST(settings)
{
	struct test_rng rng = { 1 };
	struct lw4o6_host host = { .arg = &rng, .random = test_random };
	struct lw4o6_b4_prefix wide = { .len = 33 };
	void *mem = talloc_new(NULL);
	struct lw4o6_b4 *b;

	for (int i = 0; i < 14; i++) {
		struct lw4o6_b4_config c;
		struct lw4o6_napt_config n;

		lw4o6_b4_config_init(&c);
		lw4o6_napt_config_init(&n);
		c.nat = &n;
		uint32_t *v[] = { &c.link_mtu, &c.link_mtu, &c.lan_mtu, &c.path_mru, &c.payload_mtu, &c.pmtu_age_s,
			          &c.reprovision_hold_s, &c.frag4_timeout_s, &c.frag4_timeout_s, &n.udp_s };
		if (i < 10)
			*v[i] = (uint32_t[]){ 1279, 65536, 575, 1539, 1239, 299, 59, 1, 121, 1 }[i];
		else if (i == 10)
			c.exhausted_code = 9;
		else if (i == 11)
			c.dscp_encap_value = 64;
		else if (i == 12)
			c.frag4_mode = 3;
		else {
			c.internal = &wide;
			c.n_internal = 1;
		}
		ck_assert_int_eq(lw4o6_b4_new(mem, &b, &c, &host), LW4O6_EINVAL);
		ck_assert_uint_eq(talloc_total_blocks(mem), 1);
	}
	talloc_free(mem);
}
END_TEST

/* D-044, D-348: no allocation after the start; the gauges add up. */
START_TEST(nothing_is_allocated)
{
	struct kit *k = kit_start(kit_new());
	size_t blocks = talloc_total_blocks(k->b), octets = talloc_total_size(k->b);
	uint8_t p[128];
	struct lw4o6_b4_gauges g;

	failmem_at = 1;
	for (unsigned i = 0; i < 3000; i++) {
		lan(k, p, mk_udp(p, LAN, i + 1, SERVER, 80, 4));
		lan(k, p, mk_tcp(p, LAN, i + 1, SERVER, 80, 2, 1, 0));
		size_t len = mk_udp(p, LAN, 4000, SERVER, 80, 64);
		be16(p + 4, i);
		be16(p + 6, 0x2000);
		fix_ip(p);
		lan(k, p, len);
	}
	failmem_at = 0;
	ck_assert_uint_eq(talloc_total_blocks(k->b), blocks);
	ck_assert_uint_eq(talloc_total_size(k->b), octets);
	lw4o6_b4_gauges(k->b, &g);
	ck_assert_uint_eq(g.nat.mappings[LW4O6_NAPT_UDP], 1024);
	ck_assert_uint_eq(g.nat.mappings[LW4O6_NAPT_TCP], 1024);
	ck_assert_uint_eq(g.nat.sessions, 2048);
	ck_assert_uint_eq(g.nat.ports_total, 1024);
	ck_assert_uint_le(g.memory, octets + octets / 20);
	ck_assert_uint_ge(g.memory, octets - octets / 8);
	kit_free(k);
}
END_TEST

/* Each allocation of the creation fails once: an error, and nothing is left. */
START_TEST(no_memory)
{
	struct test_rng rng = { 1 };
	struct lw4o6_host host = { .arg = &rng, .random = test_random };
	struct lw4o6_napt_reserved reserved = { 0, 1, 2 };
	struct lw4o6_napt_config nat;
	struct lw4o6_b4_config c;
	struct lw4o6_b4 *b = NULL;
	void *mem = talloc_new(NULL);
	unsigned n = 0;
	int err;

	lw4o6_b4_config_init(&c);
	lw4o6_napt_config_init(&nat);
	nat.reserved = &reserved;
	nat.n_reserved = 1;
	nat.host_rate = 1;
	nat.sessions_max = 100;
	c.nat = &nat;
	c.syn_unsolicited_3_3 = true;
	do {
		failmem_at = ++n;
		err = lw4o6_b4_new(mem, &b, &c, &host);
		failmem_at = 0;
		if (err != LW4O6_OK) {
			ck_assert_int_eq(err, LW4O6_ENOMEM);
			ck_assert_ptr_null(b);
			ck_assert_uint_eq(talloc_total_blocks(mem), 1);
		}
	} while (err != LW4O6_OK);
	ck_assert_uint_gt(n, 20);
	talloc_free(mem);
}
END_TEST

/* At most 128 octets a session, whatever the size of the table. */
START_TEST(memory_per_session)
{
	struct kit *k = kit_new();
	struct lw4o6_b4_gauges small, big;

	kit_make(k);
	lw4o6_b4_gauges(k->b, &small);
	talloc_free(k->b);
	k->nat.sessions_max = 1u << 18;
	kit_make(k);
	lw4o6_b4_gauges(k->b, &big);
	ck_assert_uint_le((big.nat.memory - small.nat.memory) / ((1u << 18) - 16384), 128 + 64); /* a mapping each */
	kit_free(k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("b4_record");
	TCase *tc = tcase_create("record");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, record_is_checked);
	tcase_add_loop_test(tc, expiry, 0, 2);
	tcase_add_loop_test(tc, change, 0, (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(tc, suspend);
	tcase_add_test(tc, forwards);
	tcase_add_test(tc, one_record_at_a_time);
	tcase_add_test(tc, release);
	tcase_add_test(tc, unsolicited_syn);
	tcase_add_test(tc, settings);
	tcase_add_test(tc, nothing_is_allocated);
	tcase_add_test(tc, no_memory);
	tcase_add_test(tc, memory_per_session);
	suite_add_tcase(s, tc);
	return test_main(s);
}
