/*
 * A program that links tests/failmem.c instead of lib/mem.c chooses which allocation of the library fails.
 * In tests/Makefile.inc: add $(FAILMEM) to its SOURCES, make its CPPFLAGS $(FAILMEM_CPPFLAGS) and its
 * LDADD $(FAILMEM_LD). Then, for each function that allocates, fail the first, the second, ... allocation until
 * it gets through, and after each failure look that nothing is left and nothing has changed:
 *
 *	for (unsigned n = 1;; n++) {
 *		failmem_at = n;
 *		x = lw4o6_x_new(mem, ...);
 *		failmem_at = 0;
 *		if (x)
 *			break;
 *		ck_assert_uint_eq(talloc_total_blocks(mem), 1);
 *	}
 */
#ifndef LW4O6_TESTS_FAILMEM_H
#define LW4O6_TESTS_FAILMEM_H

/** The n-th allocation from now fails, and every later one; 0: none. Counts down to 1 and stays. */
extern unsigned failmem_at;

#endif
