/* A DHCPv4 message: decode, encode, decode is a fixed point, and each option agrees with the walk. */
#include "fuzz.h"

#include <lw4o6/dhcp4.h>

static void value_agrees(const uint8_t *data, size_t size, uint8_t code, struct lw4o6_span want)
{
	static uint8_t joined[UINT16_MAX];
	struct lw4o6_span v;

	FUZZ_ASSERT(lw4o6_dhcp4_option(data, size, code, joined, sizeof(joined), &v) == LW4O6_OK);
	FUZZ_ASSERT(v.len == want.len && memcmp(v.p, want.p, v.len) == 0);
}

static ssize_t put(struct lw4o6_wr w, const struct lw4o6_dhcp4_msg *m, const uint8_t *data, size_t size)
{
	lw4o6_dhcp4_begin(&w, &m->hdr, m->type);
	lw4o6_dhcp4_put_options(&w, m);
	lw4o6_dhcp4_put_others(&w, data, size);
	lw4o6_dhcp4_end(&w);
	return lw4o6_wr_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lw4o6_dhcp4_msg m, again;

	if (size > UINT16_MAX || lw4o6_dhcp4_decode(&m, data, size) != LW4O6_OK)
		return 0;
	FUZZ_ASSERT(m.has & LW4O6_DHCP4_HAS_TYPE && !(m.has & m.bad));
	if (m.client_id.p)
		value_agrees(data, size, LW4O6_OPT4_CLIENT_ID, m.client_id);
	if (m.vendor_class.p)
		value_agrees(data, size, LW4O6_OPT4_VENDOR_CLASS, m.vendor_class);

	ssize_t n = put(lw4o6_wr_init(NULL, 0), &m, data, size);

	FUZZ_ASSERT(n >= LW4O6_DHCP4_HLEN + 4);
	uint8_t *one = malloc((size_t)n), *two = malloc((size_t)n);
	FUZZ_ASSERT(one && two);
	FUZZ_ASSERT(put(lw4o6_wr_init(one, (size_t)n - 1), &m, data, size) == LW4O6_ESPACE);
	FUZZ_ASSERT(put(lw4o6_wr_init(one, (size_t)n), &m, data, size) == n);
	/* A message text of NULs only is written empty, and an empty one counts as absent. */
	uint32_t lost = m.message.p && m.message.len == 0 ? LW4O6_DHCP4_HAS_MESSAGE : 0;
	FUZZ_ASSERT(lw4o6_dhcp4_decode(&again, one, (size_t)n) == LW4O6_OK);
	FUZZ_ASSERT(again.has == (m.has & ~lost) && again.bad == lost && !again.no_end && again.type == m.type);
	if (!lost) {
		FUZZ_ASSERT(put(lw4o6_wr_init(two, (size_t)n), &again, one, (size_t)n) == n);
		FUZZ_ASSERT(memcmp(one, two, (size_t)n) == 0);
	}
	free(one);
	free(two);
	return 0;
}
