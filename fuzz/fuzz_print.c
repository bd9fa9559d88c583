/*
 * The walk: it ends, stays inside the message and formats every line. What a decoder refuses has a
 * fault that can be named. First octet: 0 a DHCPv6 message, else a DHCPv4 message.
 */
#include "fuzz.h"

#include <lw4o6/print.h>

static void lines(struct lw4o6_walk *w, size_t size)
{
	struct lw4o6_item item;
	char text[LW4O6_ITEM_STRLEN], tiny[16];
	size_t last = 0;

	while (lw4o6_walk_next(w, &item)) {
		FUZZ_ASSERT(item.offset <= size && item.err_at <= size);
		FUZZ_ASSERT(item.offset >= last || item.kind == LW4O6_ITEM_OPT4);
		FUZZ_ASSERT(item.depth <= 2 * LW4O6_WALK_LEVELS);
		FUZZ_ASSERT((item.err == LW4O6_OK) == (item.reason[0] == '\0'));
		if (item.kind != LW4O6_ITEM_OPT4)
			last = item.offset;
		lw4o6_item_str(&item, text, sizeof(text));
		FUZZ_ASSERT(strlen(text) < sizeof(text) && !strchr(text, '\n'));
		lw4o6_item_str(&item, tiny, sizeof(tiny));
		FUZZ_ASSERT(strlen(tiny) < sizeof(tiny));
	}
}

static int refused6(const uint8_t *data, size_t size)
{
	static struct lw4o6_dhcp6_relays r;
	struct lw4o6_dhcp6_msg m;
	struct lw4o6_span inner;

	if (size > 0 && (data[0] == LW4O6_DHCP6_RELAY_FORW || data[0] == LW4O6_DHCP6_RELAY_REPL))
		return lw4o6_dhcp6_unrelay(&r, &inner, data[0], data, size);
	return lw4o6_dhcp6_decode(&m, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lw4o6_walk w;
	static struct lw4o6_dhcp4_msg m;
	struct lw4o6_fault f;
	char text[LW4O6_FAULT_STRLEN];
	bool v4 = fuzz_u8(&data, &size) != 0;
	int fault, refused;

	if (v4) {
		lw4o6_walk_init4(&w, data, size);
		lines(&w, size);
		fault = lw4o6_fault_find4(&f, data, size);
		/* Several split options may each fit the scratch space and not together. */
		refused = size > LW4O6_DHCP4_HLEN + LW4O6_DHCP4_SCRATCH ? LW4O6_OK : lw4o6_dhcp4_decode(&m, data, size);
	} else {
		lw4o6_walk_init6(&w, data, size);
		lines(&w, size);
		fault = lw4o6_fault_find6(&f, data, size);
		refused = refused6(data, size);
	}
	FUZZ_ASSERT(refused == LW4O6_OK || fault != LW4O6_OK);
	if (fault != LW4O6_OK) {
		FUZZ_ASSERT(f.offset <= size && f.err == fault);
		lw4o6_fault_str(&f, text, sizeof(text));
		FUZZ_ASSERT(strlen(text) < sizeof(text));
	}
	return 0;
}
