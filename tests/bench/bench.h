/* Timing for the benchmarks: "name<TAB>ns per operation", the best of several runs. */
#ifndef LW4O6_TESTS_BENCH_H
#define LW4O6_TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** Keep the compiler from dropping a result or moving what was stored through @p p. */
static inline void bench_keep(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

/** Run fn(arg) @p n times in each of 7 rounds and print the fastest. */
static inline void bench_run(const char *name, void (*fn)(void *arg), void *arg, unsigned n)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 7; round++) {
		uint64_t start = bench_now();

		for (unsigned i = 0; i < n; i++)
			fn(arg);

		uint64_t took = bench_now() - start;

		if (took < best)
			best = took;
	}
	printf("%s\t%.1f\n", name, (double)best / n);
	fflush(stdout);
}

#endif
