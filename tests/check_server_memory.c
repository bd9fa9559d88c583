/* Every allocation of the server machine fails once: nothing is lost, nothing half done, and it goes on afterwards. */
#include "failmem.h"
#include "server_sim.h"

static char addr[INET_ADDRSTRLEN];
static struct lw4o6_psid ps;

/* Creation: refused whole, with nothing left behind. */
START_TEST(creation)
{
	struct sim *x = sim_init();
	char reason[LW4O6_SERVER_REASON];
	unsigned n = 1;
	int r = LW4O6_ENOMEM;

	sim_all_sets(x);
	for (; r != LW4O6_OK; n++) {
		failmem_at = n;
		r = sim_try(x, reason);
		failmem_at = 0;
		ck_assert_msg(r == LW4O6_OK || r == LW4O6_ENOMEM, "allocation %u: %d %s", n, r, reason);
		if (r != LW4O6_OK)
			ck_assert_uint_eq(talloc_total_blocks(x->mem), 1);
	}
	ck_assert_uint_gt(n, 20);
	sim_free(x);
}
END_TEST

/* At work: a query is answered or dropped; once there is memory again, every client gets its lease. */
START_TEST(at_work)
{
	for (unsigned n = 1; n < 12; n++) {
		struct sim *x = sim_started();
		struct lw4o6_server_usage u;
		uint8_t buf[SIM_ROOM];

		failmem_at = n;
		for (unsigned c = 1; c < 200; c++) {
			struct ask a = { .type = 1, .client = (uint8_t)c };
			size_t len = sim_ask(buf, &a);
			struct lw4o6_dgram d = { .from = sim_sock("2001:db8::1", 546), .to = sim_sock("2001:db8::2", 547), .data = buf, .len = len };
			int r = lw4o6_server_recv(x->s, &d, x->now);

			ck_assert(r == LW4O6_OK || r == LW4O6_ENOMEM);
			sim_turn(x);
			ck_assert_uint_eq(x->answers, r == LW4O6_OK);
		}
		failmem_at = 0;
		for (unsigned c = 1; c < 200; c++) {
			char saddr[40];

			snprintf(saddr, sizeof(saddr), "2001:db8:12::%x", c);
			BOUND((uint8_t)c, saddr);
		}
		lw4o6_server_usage(x->s, &u);
		ck_assert_uint_eq(u.active, 199);
		ck_assert_uint_eq(u.records, 199);
		sim_free(x);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server_memory");
	TCase *tc = tcase_create("memory");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, creation);
	tcase_add_test(tc, at_work);
	suite_add_tcase(s, tc);
	return test_main(s);
}
