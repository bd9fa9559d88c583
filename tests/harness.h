/* What every check program shares: a main that runs its suite, a hex reader, a seeded generator. */
#ifndef LW4O6_TESTS_HARNESS_H
#define LW4O6_TESTS_HARNESS_H

#include <check.h>
#include <lw4o6/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * check notes the place of every assertion that holds, with a system call. The exhaustive tests
 * assert millions of times; only the place of one that fails is of use.
 */
#undef ck_assert_msg
#define ck_assert_msg(expr, ...) \
	((expr) ? (void)0 : _ck_assert_failed(__FILE__, __LINE__, "Assertion '" #expr "' failed", ##__VA_ARGS__))

/** Octets of a hex text; blanks are skipped, ";" starts a comment to the end of the line. @return how many. */
static inline size_t unhex(uint8_t *dst, size_t room, const char *text)
{
	size_t n = 0;
	int high = -1;

	for (const char *p = text; *p; p++) {
		int v;

		if (*p == ';') {
			while (p[1] && p[1] != '\n')
				p++;
			continue;
		}
		if (*p >= '0' && *p <= '9')
			v = *p - '0';
		else if (*p >= 'a' && *p <= 'f')
			v = *p - 'a' + 10;
		else
			continue;
		if (high < 0) {
			high = v;
		} else {
			ck_assert_msg(n < room, "vector too long");
			dst[n++] = (uint8_t)(high << 4 | v);
			high = -1;
		}
	}
	ck_assert_msg(high < 0, "odd number of hex digits");
	return n;
}

/** Compare octets and show where they differ. */
#define ck_octets(got, got_len, want, want_len) \
	do { \
		const uint8_t *g_ = (const uint8_t *)(got), *w_ = (const uint8_t *)(want); \
		size_t gl_ = (got_len), wl_ = (want_len), i_ = 0; \
		while (i_ < gl_ && i_ < wl_ && g_[i_] == w_[i_]) \
			i_++; \
		ck_assert_msg(gl_ == wl_ && i_ == gl_, "octets differ at %zu: got %02x want %02x, lengths %zu and %zu", \
		              i_, i_ < gl_ ? g_[i_] : 0u, i_ < wl_ ? w_[i_] : 0u, gl_, wl_); \
	} while (0)

/** xorshift64*: repeatable octets for hosts and property tests. */
struct test_rng {
	uint64_t s;
};

static inline uint64_t test_rand(struct test_rng *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * 0x2545f4914f6cdd1du;
}

static inline void test_random(void *arg, void *dst, size_t len)
{
	for (uint8_t *p = (uint8_t *)dst; len > 0; len--)
		*p++ = (uint8_t)(test_rand((struct test_rng *)arg) >> 32);
}

/** Run one suite; the program's exit status. */
static inline int test_main(Suite *s)
{
	SRunner *sr = srunner_create(s);

	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
