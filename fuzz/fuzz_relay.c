/* Unwrap, mirror as RELAY-REPL, unwrap again: the same levels and the same message inside. */
#include "fuzz.h"

#include <lw4o6/dhcp6.h>

static bool span_equal(struct lw4o6_span x, struct lw4o6_span y)
{
	return (x.p == NULL) == (y.p == NULL) && x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0);
}

static void mirror(const struct lw4o6_dhcp6_relays *r, struct lw4o6_span inner)
{
	static struct lw4o6_dhcp6_relays again;
	struct lw4o6_span inner2;
	size_t marks[LW4O6_DHCP6_MAX_RELAYS];
	struct lw4o6_wr w = lw4o6_wr_init(NULL, 0);

	lw4o6_dhcp6_relay_open(&w, r, marks);
	lw4o6_wr_put(&w, inner.p, inner.len);
	lw4o6_dhcp6_relay_close(&w, r, marks);

	ssize_t n = lw4o6_wr_done(&w);

	FUZZ_ASSERT(n >= 0);
	uint8_t *out = malloc((size_t)n + 1);
	FUZZ_ASSERT(out);
	w = lw4o6_wr_init(out, (size_t)n);
	lw4o6_dhcp6_relay_open(&w, r, marks);
	lw4o6_wr_put(&w, inner.p, inner.len);
	lw4o6_dhcp6_relay_close(&w, r, marks);
	FUZZ_ASSERT(lw4o6_wr_done(&w) == n);
	/* The innermost message may be a relay message of the other type: that is one more level now. */
	if (inner.p[0] != LW4O6_DHCP6_RELAY_REPL) {
		FUZZ_ASSERT(lw4o6_dhcp6_unrelay(&again, &inner2, LW4O6_DHCP6_RELAY_REPL, out, (size_t)n) == LW4O6_OK);
		FUZZ_ASSERT(again.n == r->n && span_equal(inner, inner2));
		for (unsigned i = 0; i < r->n; i++) {
			const struct lw4o6_dhcp6_relay *x = &r->level[i], *y = &again.level[i];

			FUZZ_ASSERT(x->hop_count == y->hop_count);
			FUZZ_ASSERT(memcmp(&x->link_addr, &y->link_addr, 16) == 0);
			FUZZ_ASSERT(memcmp(&x->peer_addr, &y->peer_addr, 16) == 0);
			FUZZ_ASSERT(span_equal(x->interface_id, y->interface_id));
		}
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lw4o6_dhcp6_relays r;
	struct lw4o6_span inner;

	if (size > 0 && size < UINT16_MAX / 2 &&
	    lw4o6_dhcp6_unrelay(&r, &inner, data[0] == LW4O6_DHCP6_RELAY_REPL ? data[0] : LW4O6_DHCP6_RELAY_FORW,
	                        data, size) == LW4O6_OK && r.n > 0)
		mirror(&r, inner);
	return 0;
}
