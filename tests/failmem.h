/* A program that links tests/failmem.c instead of lib/mem.c chooses which allocation of the library fails. */
#ifndef LW4O6_TESTS_FAILMEM_H
#define LW4O6_TESTS_FAILMEM_H

/** The n-th allocation from now fails, and every later one; 0: none. Counts down to 1 and stays. */
extern unsigned failmem_at;

#endif
