#include "harness.h"

#include <lw4o6/base.h>
#include <lw4o6/counter.h>

/* Every code has a text of its own, and no number is without one. */
START_TEST(errors)
{
	const char *unknown = lw4o6_strerror(1);

	ck_assert_str_eq(lw4o6_strerror(-1000), unknown);
	ck_assert_str_eq(lw4o6_strerror(LW4O6_EUNKNOWN - 1), unknown);
	for (int a = LW4O6_EUNKNOWN; a <= LW4O6_OK; a++) {
		ck_assert_str_ne(lw4o6_strerror(a), unknown);
		for (int b = LW4O6_EUNKNOWN; b < a; b++)
			ck_assert_str_ne(lw4o6_strerror(a), lw4o6_strerror(b));
	}
}
END_TEST

/* Sums of times stay at "for ever"; a lifetime of 0xffffffff is it. */
START_TEST(times)
{
	ck_assert_uint_eq(lw4o6_time_add(5, 7), 12);
	ck_assert_uint_eq(lw4o6_time_add(LW4O6_TIME_NONE, 0), LW4O6_TIME_NONE);
	ck_assert_uint_eq(lw4o6_time_add(LW4O6_TIME_NONE - 1, 1), LW4O6_TIME_NONE);
	ck_assert_uint_eq(lw4o6_time_add(LW4O6_TIME_NONE - 1, 2), LW4O6_TIME_NONE);
	ck_assert_uint_eq(lw4o6_time_add(1, LW4O6_TIME_NONE), LW4O6_TIME_NONE);
	ck_assert_uint_eq(lw4o6_time_from_s(3), 3 * LW4O6_SEC);
	ck_assert_uint_eq(lw4o6_time_from_s(UINT32_MAX - 1), (UINT32_MAX - 1) * LW4O6_SEC);
	ck_assert_uint_eq(lw4o6_time_from_s(UINT32_MAX), LW4O6_TIME_NONE);
}
END_TEST

/* Section 5 of the data-plane specification: a name for each, none twice, -packets and -bytes in pairs. */
START_TEST(counters)
{
	for (int c = 0; c < LW4O6_CNT_COUNT; c++) {
		const char *name = lw4o6_counter_name((enum lw4o6_counter)c);
		const char *octets = lw4o6_counter_octets_name((enum lw4o6_counter)c);

		ck_assert(name[0] != '\0' && lw4o6_counter_help((enum lw4o6_counter)c)[0] != '\0');
		for (int d = 0; d < c; d++)
			ck_assert_str_ne(name, lw4o6_counter_name((enum lw4o6_counter)d));
		if (strncmp(name, "drop-", 5) == 0)
			ck_assert(octets && strstr(name, "-packets") && strstr(octets, "-bytes"));
	}
	ck_assert_str_eq(lw4o6_counter_name(LW4O6_CNT_DROP_V6_SPOOFED), "drop-v6-spoofed-packets");
	ck_assert_str_eq(lw4o6_counter_octets_name(LW4O6_CNT_DROPPED_IPV4_FRAGMENT), "dropped-ipv4-fragment-bytes");
}
END_TEST

START_TEST(version)
{
	unsigned a, b, c;

	ck_assert_int_eq(sscanf(lw4o6_version(), "%u.%u.%u", &a, &b, &c), 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_test(tc, errors);
	tcase_add_test(tc, times);
	tcase_add_test(tc, counters);
	tcase_add_test(tc, version);
	suite_add_tcase(s, tc);
	return test_main(s);
}
