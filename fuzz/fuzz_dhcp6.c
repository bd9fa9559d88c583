/* A client/server message: what is accepted is written again octet for octet, and every body decoder survives it. */
#include "fuzz.h"

#include <lw4o6/v4o6.h>

static void bodies(struct lw4o6_span options, unsigned depth)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(options.p, options.len);
	struct lw4o6_opt6 o;

	while (depth < 4 && lw4o6_opt6_next(&it, &o) == 1) {
		struct lw4o6_dhcp6_ia ia;
		struct lw4o6_dhcp6_iaprefix x;
		struct lw4o6_s46_lw lw;
		struct lw4o6_span text;
		uint16_t status;

		switch (o.code) {
		case LW4O6_OPT6_IA_NA:
		case LW4O6_OPT6_IA_PD:
			if (lw4o6_dhcp6_ia_decode(&ia, o.data, o.len) == LW4O6_OK)
				bodies(ia.options, depth + 1);
			break;
		case LW4O6_OPT6_IAADDR:
		case LW4O6_OPT6_IAPREFIX:
			if (lw4o6_dhcp6_iaprefix_decode(&x, o.code, o.data, o.len) == LW4O6_OK) {
				FUZZ_ASSERT(x.prefix_len <= 128 && x.preferred_s <= x.valid_s);
				bodies(x.options, depth + 1);
			}
			break;
		case LW4O6_OPT6_STATUS_CODE:
			if (lw4o6_dhcp6_status_decode(&status, &text, o.data, o.len) == LW4O6_OK)
				FUZZ_ASSERT(text.p + text.len == o.data + o.len);
			break;
		case LW4O6_OPT6_S46_CONT_LW:
			if (lw4o6_s46_lw_decode(&lw, o.data, o.len) == LW4O6_OK)
				FUZZ_ASSERT(lw.br.n > 0);
			break;
		}
	}
}

static void over_dhcp6(const uint8_t *data, size_t size)
{
	static struct lw4o6_dhcp4_msg inner;
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_v4o6_extra extra;
	int r = lw4o6_v4o6_decode(&outer, &inner, &extra, data, size);
	bool response = outer.type == LW4O6_DHCP6_DHCPV4_RESPONSE;

	if (r != LW4O6_OK)
		return;
	FUZZ_ASSERT(response || outer.type == LW4O6_DHCP6_DHCPV4_QUERY);
	FUZZ_ASSERT(inner.hdr.op == (response ? LW4O6_DHCP4_BOOTREPLY : LW4O6_DHCP4_BOOTREQUEST));
	FUZZ_ASSERT(extra.br.n <= (response ? LW4O6_S46_BR_MAX : 0) && (!extra.has_hint || extra.hint.len <= 128));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lw4o6_dhcp6_msg m;

	if (lw4o6_dhcp6_decode(&m, data, size) != LW4O6_OK)
		return 0;
	bodies(m.options, 0);
	over_dhcp6(data, size);

	uint8_t *out = malloc(size);
	struct lw4o6_wr w = lw4o6_wr_init(out, size);
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(m.options.p, m.options.len);
	struct lw4o6_opt6 o;
	uint32_t xid = m.xid;

	if (m.type == LW4O6_DHCP6_DHCPV4_QUERY)
		xid &= LW4O6_DHCP6_FLAG_U;
	else if (m.type == LW4O6_DHCP6_DHCPV4_RESPONSE)
		xid = 0;
	FUZZ_ASSERT(out);
	lw4o6_dhcp6_begin(&w, m.type, m.xid);
	while (lw4o6_opt6_next(&it, &o) == 1)
		lw4o6_opt6_put(&w, o.code, o.data, o.len);
	FUZZ_ASSERT(lw4o6_wr_done(&w) == (ssize_t)size);
	FUZZ_ASSERT(memcmp(out + 4, data + 4, size - 4) == 0);
	FUZZ_ASSERT(((uint32_t)out[1] << 16 | (uint32_t)out[2] << 8 | out[3]) == xid);
	free(out);
	return 0;
}
