/*
 * A stream of frames fed in pieces: the first octet seeds the sizes of the pieces. The messages are
 * those of a parser that gets everything at once, and none is shorter than a header.
 */
#include "fuzz.h"

#include <lw4o6/lqframe.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[LW4O6_LQFRAME_MAX];
	struct lw4o6_lqframe whole, pieces;
	struct lw4o6_span msg, want = { NULL, 0 };
	uint32_t rng = fuzz_u8(&data, &size) + 1u;
	struct lw4o6_span all = { data, size };
	int r, r_all;

	lw4o6_lqframe_init(&whole, NULL, LW4O6_LQFRAME_MAX);
	lw4o6_lqframe_init(&pieces, buf, sizeof(buf));
	/* The whole parser gets no buffer: it must not need one but for a frame that is not complete. */
	size_t end = 0;
	while (end + 2 <= size) {
		size_t n = (size_t)data[end] << 8 | data[end + 1];

		if (n < LW4O6_LQFRAME_MIN || end + 2 + n > size)
			break;
		end += 2 + n;
	}
	all.len = end;
	for (size_t at = 0; at < size;) {
		rng = rng * 1103515245u + 12345u;

		size_t n = 1 + (rng >> 16) % 300;
		struct lw4o6_span in = { data + at, n < size - at ? n : size - at };

		at += in.len;
		while ((r = lw4o6_lqframe_next(&pieces, &in, &msg)) == 1) {
			r_all = lw4o6_lqframe_next(&whole, &all, &want);
			FUZZ_ASSERT(r_all == 1 && msg.len == want.len && msg.len >= LW4O6_LQFRAME_MIN);
			FUZZ_ASSERT(memcmp(msg.p, want.p, msg.len) == 0);
		}
		if (r < 0)
			break;
		FUZZ_ASSERT(in.len == 0);
	}
	FUZZ_ASSERT(all.len == 0);
	return 0;
}
