#include "client_sim.h"
#include "failmem.h"

/* ---- the messages of spec sections 2.3 and 2.4 ---- */

/* B-002, B-004, B-007, B-040 to B-044, B-057, B-072, B-074, B-075, B-079, B-080: the whole exchange, octet for octet. */
START_TEST(exchange)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);

	struct sim *s = sim_new(&cfg);

	sim_link(s);
	sim_wait(s, 1);
	ck_sent(s, "INFORMATION-REQUEST");
	ck_addr(s->out[0].from, SIM_LL);
	ck_addr(s->out[0].to, "ff02::1:2");
	sim_recv_named(s, "REPLY");
	sim_wait(s, 2);
	ck_sent(s, "DISCOVER");
	ck_addr(s->out[1].from, SIM_GUA);
	ck_addr(s->out[1].to, "2001:db8:4::547");
	sim_recv_named(s, "OFFER");
	ck_sent(s, "REQUEST");
	ck_assert_uint_eq(s->n_added, 1);
	ck_addr(s->added[0], SIM_SOURCE);
	ck_assert(!s->rec.valid);
	sim_recv_named(s, "ACK");
	ck_state(s, BOUND);

	ck_assert(s->rec.valid && !s->rec.deterministic);
	ck_assert_uint_eq(s->rec.ipv4.s_addr, ip4("192.0.2.18").s_addr);
	ck_assert_uint_eq(s->rec.ports.offset, 0);
	ck_assert_uint_eq(s->rec.ports.len, 8);
	ck_assert_uint_eq(s->rec.ports.id, 0x34);
	ck_addr(s->rec.source, SIM_SOURCE);
	ck_assert_uint_eq(s->rec.br.n, 1);
	ck_addr(s->rec.br.addr[0], SIM_BR);
	ck_assert_uint_eq(s->rec.lease_end, s->out[2].at + 3600 * LW4O6_SEC);
	ck_assert_uint_eq(s->rec.server_id.s_addr, ip4("198.51.100.1").s_addr);
	ck_assert_str_eq(s->order, "sNsAsrS");
	ck_assert_uint_eq(lw4o6_client_expiry(s->c), s->out[2].at + 1800 * LW4O6_SEC);
	sim_free(s);
}
END_TEST

static struct sim *bound_by_vectors(uint32_t next_xid)
{
	struct lw4o6_client_config cfg;

	sim_config(&cfg);

	struct sim *s = sim_new(&cfg);

	s->xid[2] = next_xid;
	s->n_xid = 3;
	sim_link(s);
	sim_wait(s, 1);
	sim_recv_named(s, "REPLY");
	sim_wait(s, 2);
	sim_recv_named(s, "OFFER");
	sim_recv_named(s, "ACK");
	ck_state(s, BOUND);
	return s;
}

/* B-064, B-041: at T1, and the ACK moves the end of the lease. */
START_TEST(renew)
{
	struct sim *s = bound_by_vectors(0x11223345);
	lw4o6_time first = s->out[2].at;

	sim_until(s, first + 1799 * LW4O6_SEC);
	ck_assert_uint_eq(s->n_out, 3);
	sim_until(s, first + 1800 * LW4O6_SEC);
	ck_state(s, RENEWING);
	ck_sent(s, "RENEW");
	sim_pass(s, 3 * LW4O6_SEC);
	sim_recv_named(s, "RENEW-ACK");
	ck_state(s, BOUND);
	ck_assert_uint_eq(s->rec.lease_end, first + (1800 + 3600) * LW4O6_SEC);
	ck_assert_str_eq(s->rec.reason, "renewed");
	ck_assert_uint_eq(s->n_added, 1);
	sim_free(s);
}
END_TEST

/* B-076, A-25: the softwire's prefix is replaced, the 4o6 packet source is not. */
START_TEST(source_change)
{
	struct sim *s = bound_by_vectors(0x11223346);

	s->addr[1] = s->addr[0];
	s->addr[1].addr = ip6("2001:db8:12:3401:200:5eff:fe00:5301");
	s->link.n = 2;
	sim_link(s); /* a second prefix changes nothing */
	ck_state(s, BOUND);
	s->addr[0].prefix_len = 128; /* the first is on-link no more, its address stays */
	sim_link(s);
	ck_state(s, CHANGING);
	ck_sent(s, "SADDR-CHANGE");
	ck_assert(!s->rec.valid);
	ck_assert_str_eq(s->rec.reason, "softwire source not usable");

	struct sim_answer ack = sim_ack();

	ack.saddr = "2001:db8:12:3401:0:c000:212:34";
	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert(s->rec.valid);
	ck_addr(s->rec.source, "2001:db8:12:3401:0:c000:212:34");
	ck_assert_uint_eq(s->n_removed, 1);
	ck_addr(s->removed[0], SIM_SOURCE);
	sim_free(s);
}
END_TEST

/* B-067: the tunnel is down before the RELEASE is given; sent once, and nothing after it. */
START_TEST(release)
{
	struct sim *s = bound_by_vectors(0x11223347);
	uint8_t buf[LW4O6_CLIENT_MSG_MAX];
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };

	lw4o6_client_stop(s->c, true, s->now);
	ck_assert_int_eq(lw4o6_client_send(s->c, &d, s->now), 0);
	memset(s->order, 0, sizeof(s->order));
	sim_drain(s);
	ck_sent(s, "RELEASE");
	ck_assert_str_eq(s->order, "xRSs");
	ck_state(s, STOPPED);
	ck_assert(!s->saved.valid);
	ck_addr(s->removed[0], SIM_SOURCE);

	unsigned n = s->n_out;

	sim_pass(s, 86400 * LW4O6_SEC);
	sim_link(s);
	ck_assert_uint_eq(s->n_out, n);
	ck_assert_uint_eq(lw4o6_client_expiry(s->c), LW4O6_TIME_NONE);
	sim_free(s);
}
END_TEST

/* B-062: DECLINE, then at least 10 s of silence. */
START_TEST(decline)
{
	struct sim *s = bound_by_vectors(0x11223348);
	lw4o6_time at = s->now;

	ck_assert_int_eq(lw4o6_client_decline(s->c, s->now), LW4O6_OK);
	sim_drain(s);
	ck_sent(s, "DECLINE");
	ck_assert(!s->rec.valid && !s->saved.valid);

	struct sim_out *o = sim_wait(s, 5);

	ck_assert_uint_eq(o->type4, LW4O6_DHCP4_DISCOVER);
	ck_assert_uint_ge(o->at, at + 10 * LW4O6_SEC);
	ck_assert(!(sim_query(o, NULL)->has & LW4O6_DHCP4_HAS_REQUESTED));
	ck_assert_int_eq(lw4o6_client_decline(s->c, s->now), LW4O6_ENOENT);
	sim_free(s);
}
END_TEST

/* B-068: options for INFORM; the answer is handed over. */
START_TEST(inform)
{
	struct sim *s = bound_by_vectors(0x1122334a);
	const uint8_t dns = 6;

	ck_assert_int_eq(lw4o6_client_inform(s->c, &dns, 0, s->now), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_client_inform(s->c, &dns, 1, s->now), LW4O6_OK);
	sim_drain(s);
	ck_sent(s, "INFORM");

	struct sim_answer a = { .type = LW4O6_DHCP4_ACK, .raw = (const uint8_t[]){ 6, 4, 192, 0, 2, 53 }, .raw_len = 6 };

	sim_answer(s, &a);
	ck_assert_uint_eq(s->n_informed, 1);

	struct lw4o6_span v;

	ck_assert_int_eq(lw4o6_dhcp4_option(s->informed, s->informed_len, 6, NULL, 0, &v), LW4O6_OK);
	ck_octets(v.p, v.len, ((const uint8_t[]){ 192, 0, 2, 53 }), 4);
	ck_state(s, BOUND);

	unsigned n = s->n_out;

	sim_pass(s, 100 * LW4O6_SEC); /* answered: not sent again */
	ck_assert_uint_eq(s->n_out, n);
	sim_free(s);
}
END_TEST

/* B-066, B-069: what was saved brings the lease back after a restart. */
START_TEST(init_reboot)
{
	struct sim *old = bound_by_vectors(1);
	struct lw4o6_client_config cfg;

	sim_config(&cfg);
	ck_assert(old->saved.valid);
	lw4o6_client_stop(old->c, false, old->now);
	sim_drain(old);
	ck_assert(old->saved.valid && !old->rec.valid);

	struct sim *s = sim_new(&cfg);

	s->now = old->now + 100 * LW4O6_SEC;
	s->xid[1] = 0x11223349;
	ck_assert_int_eq(lw4o6_client_restore(s->c, &old->saved, s->now), LW4O6_OK);
	sim_link(s);
	sim_wait(s, 1);
	sim_recv_named(s, "REPLY");
	sim_wait(s, 2);
	ck_state(s, REBOOTING);
	ck_sent(s, "INIT-REBOOT");
	ck_assert(!s->rec.valid); /* not before a server says so */

	struct sim_answer ack = sim_ack();

	sim_answer(s, &ack);
	ck_state(s, BOUND);
	ck_assert(s->rec.valid);
	ck_assert_str_eq(s->rec.reason, "lease confirmed");
	sim_free(old);
	sim_free(s);
}
END_TEST

/* B-032, B-033: an empty option 88 is the group, from the link-local address. */
START_TEST(multicast)
{
	struct lw4o6_client_config cfg;
	struct sim_reply r = { .n = 0 };

	sim_config(&cfg);

	struct sim *s = sim_discovering(&cfg, &r);

	ck_sent(s, "DISCOVER");
	ck_addr(s->out[1].from, SIM_LL);
	ck_addr(s->out[1].to, "ff02::1:2");
	sim_free(s);
}
END_TEST

/* No memory for the machine; none for the answer to an INFORM: said so, nothing changed. */
START_TEST(no_memory)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct test_rng rng = { 1 };
	struct lw4o6_host host = { .arg = &rng, .random = test_random };
	struct lw4o6_client_config cfg;
	const uint8_t code = 6;

	sim_config(&cfg);
	for (unsigned at = 1; at <= 2; at++) {
		failmem_at = at;
		ck_assert_ptr_null(lw4o6_client_new(mem, &cfg, &host));
	}
	failmem_at = 0;
	cfg.client_rate = 1001;
	ck_assert_ptr_null(lw4o6_client_new(mem, &cfg, &host));
	ck_assert_uint_eq(talloc_total_blocks(mem), 1);
	talloc_free(mem);

	struct sim *s = bound_by_vectors(1);

	failmem_at = 1;
	ck_assert_int_eq(lw4o6_client_inform(s->c, &code, 1, s->now), LW4O6_ENOMEM);
	sim_pass(s, 100 * LW4O6_SEC); /* nothing else allocates */
	ck_assert_uint_eq(s->n_out, 3);
	failmem_at = 0;
	ck_assert_int_eq(lw4o6_client_inform(s->c, &code, 1, s->now), LW4O6_OK);
	sim_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client");
	TCase *tc = tcase_create("messages");

	tcase_add_test(tc, exchange);
	tcase_add_test(tc, renew);
	tcase_add_test(tc, source_change);
	tcase_add_test(tc, release);
	tcase_add_test(tc, decline);
	tcase_add_test(tc, inform);
	tcase_add_test(tc, init_reboot);
	tcase_add_test(tc, multicast);
	tcase_add_test(tc, no_memory);
	suite_add_tcase(s, tc);
	return test_main(s);
}
