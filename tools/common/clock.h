/* The one place that reads the clocks. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <lw4o6/base.h>

/** Monotonic nanoseconds. */
lw4o6_time clock_now(void);
/** Wall clock, nanoseconds since 1970 UTC. */
uint64_t clock_wall(void);

#endif
