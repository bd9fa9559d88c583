/* Token bucket (RFC 4443 section 2.4(f)): `rate` tokens a second, at most `burst` saved. */
#ifndef LW4O6_BUCKET_H
#define LW4O6_BUCKET_H

#include <lw4o6/base.h>

struct bucket {
	lw4o6_time filled; /* the time up to which tokens were credited */
	uint32_t tokens;
	bool started;      /* a zeroed bucket is full at its first use */
};

/** Take one token. @return false when there is none. rate 0: never any; burst 0 counts as 1. */
static inline bool bucket_take(struct bucket *b, uint32_t rate, uint32_t burst, lw4o6_time now)
{
	if (rate == 0)
		return false;
	if (burst == 0)
		burst = 1;
	if (!b->started) {
		*b = (struct bucket){ now, burst, true };
	} else if (now > b->filled) {
		lw4o6_time per = LW4O6_SEC / rate ? LW4O6_SEC / rate : 1, n = (now - b->filled) / per;

		if (n >= burst - b->tokens) {
			b->tokens = burst;
			b->filled = now;
		} else {
			b->tokens += (uint32_t)n;
			b->filled += n * per;
		}
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

#endif
