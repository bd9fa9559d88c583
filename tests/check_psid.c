#include "harness.h"

#include <arpa/inet.h>
#include <lw4o6/psid.h>

static struct lw4o6_psid set(unsigned a, unsigned k, unsigned id)
{
	struct lw4o6_psid ps;

	ck_assert_int_eq(lw4o6_psid_init(&ps, a, k, id), LW4O6_OK);
	return ps;
}

/* D-001, C-022: everything out of range is refused and the output stays. */
START_TEST(range_is_checked)
{
	for (unsigned a = 0; a <= 20; a++) {
		for (unsigned k = 0; k <= 20; k++) {
			struct lw4o6_psid ps = { 9, 9, 9 };
			bool ok = a <= 15 && k <= 16 && a + k <= 16;

			ck_assert_int_eq(lw4o6_psid_init(&ps, a, k, 0), ok ? LW4O6_OK : LW4O6_EBADPSID);
			if (!ok)
				ck_assert(ps.offset == 9 && ps.len == 9 && ps.id == 9);
			if (ok && k > 0)
				ck_assert_int_eq(lw4o6_psid_init(&ps, a, k, 1u << k), LW4O6_EBADPSID);
		}
	}
}
END_TEST

/* The definition of RFC 7597 section 5.1, straight from the bits; -1: in no set. */
static int by_definition(unsigned a, unsigned k, unsigned port)
{
	if (k == 0)
		return 0;
	for (unsigned i = 0; i < a; i++) {
		if (port & 0x8000u >> i)
			break;
		if (i + 1 == a)
			return -1;
	}

	int id = 0;
	for (unsigned i = 0; i < k; i++)
		id = id << 1 | (int)(port >> (15 - a - i) & 1);
	return id;
}

/* C-060, C-061, D-002 to D-006, D-242: every (a, k), every port. */
START_TEST(every_port_of_every_set)
{
	unsigned a = (unsigned)_i;

	for (unsigned k = 0; a + k <= 16; k++) {
		static uint32_t size[65536];
		uint32_t in_no_set = 0;

		memset(size, 0, sizeof(size));
		for (uint32_t port = 0; port < 65536; port++) {
			int want = by_definition(a, k, port);
			int id = lw4o6_psid_of_port(a, k, (uint16_t)port);

			if (want < 0) {
				ck_assert_int_eq(id, LW4O6_ENOENT);
				in_no_set++;
				continue;
			}
			ck_assert_int_eq(id, want);
			size[id]++;
			ck_assert(lw4o6_psid_has_port(&(struct lw4o6_psid){ (uint8_t)a, (uint8_t)k, (uint16_t)id },
			                              (uint16_t)port));
		}
		ck_assert_uint_eq(in_no_set, k > 0 && a > 0 ? 1u << (16 - a) : 0);
		for (uint32_t id = 0; id < 1u << k; id++) {
			struct lw4o6_psid ps = set(a, k, id);

			ck_assert_uint_eq(lw4o6_psid_nports(&ps), size[id]);
			ck_assert_uint_eq(lw4o6_psid_nports(&ps) % lw4o6_psid_nranges(&ps), 0);
		}
	}
}
END_TEST

/* D-007: index to port and back, ascending, all of the set; a sample of the PSIDs. */
START_TEST(index_is_a_bijection)
{
	unsigned a = (unsigned)_i;

	for (unsigned k = 0; a + k <= 16; k++) {
		uint32_t step = (1u << k) > 7 ? (1u << k) / 7 : 1;

		for (uint32_t id = 0; id < 1u << k; id += step) {
			struct lw4o6_psid ps = set(a, k, id);
			uint32_t n = lw4o6_psid_nports(&ps);
			int last = -1;

			for (uint32_t i = 0; i < n; i++) {
				int port = lw4o6_psid_nth_port(&ps, i);

				ck_assert_int_gt(port, last);
				ck_assert(lw4o6_psid_has_port(&ps, (uint16_t)port));
				ck_assert_int_eq(lw4o6_psid_port_index(&ps, (uint16_t)port), (int)i);
				last = port;
			}
			ck_assert_int_eq(lw4o6_psid_nth_port(&ps, n), LW4O6_ENOENT);
		}
	}
}
END_TEST

/* Vector V14 and the table of control-plane section 2.1. */
START_TEST(table_of_sets)
{
	static const struct {
		unsigned a, k, id;
		uint32_t ports, ranges;
		uint16_t first_lo, first_hi, last_lo, last_hi;
	} rows[] = {
		{ 0, 6, 0x34, 1024, 1, 53248, 54271, 53248, 54271 },
		{ 0, 8, 0x34, 256, 1, 13312, 13567, 13312, 13567 },
		{ 6, 8, 0x34, 252, 63, 1232, 1235, 64720, 64723 },
		{ 6, 8, 0, 252, 63, 1024, 1027, 64512, 64515 },
		{ 4, 4, 15, 3840, 15, 7936, 8191, 65280, 65535 },
		{ 4, 6, 1, 960, 15, 4160, 4223, 61504, 61567 },
		{ 0, 1, 1, 32768, 1, 32768, 65535, 32768, 65535 },
		{ 0, 4, 0, 4096, 1, 0, 4095, 0, 4095 },
		{ 0, 16, 40000, 1, 1, 40000, 40000, 40000, 40000 },
		{ 1, 3, 5, 4096, 1, 53248, 57343, 53248, 57343 },
		{ 15, 1, 1, 32767, 32767, 3, 3, 65535, 65535 },
		{ 12, 4, 9, 4095, 4095, 25, 25, 65529, 65529 },
		{ 6, 10, 1023, 63, 63, 2047, 2047, 65535, 65535 },
		{ 9, 0, 0, 65536, 1, 0, 65535, 0, 65535 },
		{ 6, 4, 5, 4032, 63, 1344, 1407, 64832, 64895 },
		{ 10, 2, 3, 16368, 1023, 112, 127, 65520, 65535 },
		{ 4, 12, 0xabc, 15, 15, 6844, 6844, 64188, 64188 },
	};
	struct lw4o6_psid ps = set(rows[_i].a, rows[_i].k, rows[_i].id);
	uint16_t lo, hi;

	ck_assert_uint_eq(lw4o6_psid_nports(&ps), rows[_i].ports);
	ck_assert_uint_eq(lw4o6_psid_nranges(&ps), rows[_i].ranges);
	ck_assert_int_eq(lw4o6_psid_nth_range(&ps, 0, &lo, &hi), LW4O6_OK);
	ck_assert(lo == rows[_i].first_lo && hi == rows[_i].first_hi);
	ck_assert_int_eq(lw4o6_psid_nth_range(&ps, rows[_i].ranges - 1, &lo, &hi), LW4O6_OK);
	ck_assert(lo == rows[_i].last_lo && hi == rows[_i].last_hi);
	ck_assert_int_eq(lw4o6_psid_nth_range(&ps, rows[_i].ranges, &lo, &hi), LW4O6_ENOENT);
}
END_TEST

/* D-003: the bound is 2^(16-a), not 2^a. */
START_TEST(excluded_block)
{
	for (uint32_t port = 0; port < 1024; port++)
		ck_assert_int_eq(lw4o6_psid_of_port(6, 8, (uint16_t)port), LW4O6_ENOENT);
	ck_assert_int_eq(lw4o6_psid_of_port(6, 8, 1232), 0x34);
	ck_assert_int_eq(lw4o6_psid_of_port(6, 8, 1236), 0x35);
	ck_assert_int_eq(lw4o6_psid_of_port(4, 8, 4095), LW4O6_ENOENT);
	ck_assert_int_eq(lw4o6_psid_of_port(0, 8, 13568), 0x35);
	ck_assert_int_eq(lw4o6_psid_of_port(0, 8, 0), 0);
}
END_TEST

/* C-062, D-013: system ports, the table of section 2.1. */
START_TEST(system_ports)
{
	for (unsigned a = 0; a <= 15; a++) {
		for (unsigned k = 1; a + k <= 16; k++) {
			uint32_t touching = 0, want;

			for (uint32_t id = 0; id < 1u << k; id++) {
				struct lw4o6_psid ps = set(a, k, id);

				touching += lw4o6_psid_touches(&ps, 0, 1023);
			}
			if (a == 0)
				want = ((1024u << k) + 65535) >> 16;
			else
				want = a <= 6 ? 0 : 1u << k;
			ck_assert_uint_eq(touching, want);
		}
	}
}
END_TEST

static bool overlap_by_force(const struct lw4o6_psid *x, const struct lw4o6_psid *y)
{
	for (uint32_t port = 0; port < 65536; port++)
		if (lw4o6_psid_has_port(x, (uint16_t)port) && lw4o6_psid_has_port(y, (uint16_t)port))
			return true;
	return false;
}

/* C-062, C-063, D-008: random pairs against brute force. */
START_TEST(overlap_and_touch)
{
	struct test_rng rng = { 7 };

	for (int i = 0; i < 3000; i++) {
		struct lw4o6_psid s[2];

		for (int j = 0; j < 2; j++) {
			unsigned a = (unsigned)(test_rand(&rng) % 16), k = (unsigned)(test_rand(&rng) % (17 - a));

			s[j] = set(a, k, (unsigned)(test_rand(&rng) % (1u << k)));
		}
		ck_assert_int_eq(lw4o6_psid_overlap(&s[0], &s[1]), overlap_by_force(&s[0], &s[1]));
		ck_assert_int_eq(lw4o6_psid_overlap(&s[1], &s[0]), overlap_by_force(&s[0], &s[1]));

		uint16_t lo = (uint16_t)test_rand(&rng), hi = (uint16_t)test_rand(&rng);
		bool touches = false;

		for (uint32_t port = lo; port <= hi && !touches; port++)
			touches = lw4o6_psid_has_port(&s[0], (uint16_t)port);
		if (lo <= hi)
			ck_assert_int_eq(lw4o6_psid_touches(&s[0], lo, hi), touches);
	}
}
END_TEST

/* C-064, D-011: the identifier table of section 2.1, and a /72. */
START_TEST(b4_address)
{
	static const struct {
		const char *prefix;
		unsigned plen;
		const char *ipv4;
		unsigned k, id;
		const char *want;
	} rows[] = {
		{ "2001:db8:12:3400::", 56, "192.0.2.18", 8, 0x34, "2001:db8:12:3400:0:c000:212:34" },
		{ "2001:db8:12:3400::", 56, "192.0.2.18", 0, 0, "2001:db8:12:3400:0:c000:212:0" },
		{ "2001:db8:1:2::", 64, "203.0.113.7", 4, 0xf, "2001:db8:1:2:0:cb00:7107:f" },
		{ "2001:db8:1:2::", 64, "203.0.113.7", 16, 0x1234, "2001:db8:1:2:0:cb00:7107:1234" },
		{ "2001:db8:1:2:aabb::", 80, "203.0.113.7", 4, 0xf, "2001:db8:1:2:aabb:cb00:7107:f" },
		{ "2001:db8:1:2:5a00::", 72, "203.0.113.7", 4, 0xf, "2001:db8:1:2:5a00:cb00:7107:f" },
		{ "2001:db8:1:2:ffff:ffff:ffff:ffff", 64, "203.0.113.7", 4, 0xf, "2001:db8:1:2:0:cb00:7107:f" },
	};
	struct in6_addr prefix, want, got;
	struct in_addr ipv4;
	struct lw4o6_psid ps = set(0, rows[_i].k, rows[_i].id);

	inet_pton(AF_INET6, rows[_i].prefix, &prefix);
	inet_pton(AF_INET6, rows[_i].want, &want);
	inet_pton(AF_INET, rows[_i].ipv4, &ipv4);
	ck_assert_int_eq(lw4o6_psid_b4_addr(&got, &prefix, rows[_i].plen, ipv4, &ps), LW4O6_OK);
	ck_octets(&got, 16, &want, 16);
	ck_assert_int_eq(lw4o6_psid_b4_addr(&got, &prefix, 129, ipv4, &ps), LW4O6_EINVAL);
}
END_TEST

/* D-012: no offset given is offset 0. D-014: one short line, however many ranges. */
START_TEST(text)
{
	char s[LW4O6_PSID_STRLEN];
	struct lw4o6_psid many = set(15, 1, 1), none = { 0 }, six = set(6, 8, 0x34);

	ck_assert_str_eq(lw4o6_psid_str(&six, s),
	                 "psid 52/8 offset 6: 252 ports, 1232-1235 ... 64720-64723 (63 ranges of 4, every 1024)");
	ck_assert_str_eq(lw4o6_psid_str(&many, s),
	                 "psid 1/1 offset 15: 32767 ports, 3-3 ... 65535-65535 (32767 ranges of 1, every 2)");
	ck_assert_str_eq(lw4o6_psid_str(&none, s), "whole address: 65536 ports, 0-65535");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("psid");
	TCase *tc = tcase_create("psid");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, range_is_checked);
	tcase_add_loop_test(tc, every_port_of_every_set, 0, 16);
	tcase_add_loop_test(tc, index_is_a_bijection, 0, 16);
	tcase_add_loop_test(tc, table_of_sets, 0, 17);
	tcase_add_test(tc, excluded_block);
	tcase_add_test(tc, system_ports);
	tcase_add_test(tc, overlap_and_touch);
	tcase_add_loop_test(tc, b4_address, 0, 7);
	tcase_add_test(tc, text);
	suite_add_tcase(s, tc);
	return test_main(s);
}
