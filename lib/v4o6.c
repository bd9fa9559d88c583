#include "config.h"

#include <lw4o6/v4o6.h>

size_t lw4o6_v4o6_open_query(struct lw4o6_wr *w, bool u, const uint16_t *oro, size_t n)
{
	lw4o6_dhcp6_begin(w, LW4O6_DHCP6_DHCPV4_QUERY, u ? LW4O6_DHCP6_FLAG_U : 0);
	if (n > 0)
		lw4o6_dhcp6_put_oro(w, oro, n);
	return lw4o6_opt6_open(w, LW4O6_OPT6_DHCPV4_MSG);
}

size_t lw4o6_v4o6_open_response(struct lw4o6_wr *w)
{
	lw4o6_dhcp6_begin(w, LW4O6_DHCP6_DHCPV4_RESPONSE, 0);
	return lw4o6_opt6_open(w, LW4O6_OPT6_DHCPV4_MSG);
}

void lw4o6_v4o6_close(struct lw4o6_wr *w, size_t mark)
{
	lw4o6_opt6_close(w, mark);
}

static void read_extra(struct lw4o6_v4o6_extra *extra, struct lw4o6_span options)
{
	struct lw4o6_opt6 o;

	lw4o6_s46_br_collect(&extra->br, options.p, options.len);
	extra->has_hint = lw4o6_opt6_find(options.p, options.len, LW4O6_OPT6_S46_BIND_PREFIX, &o) &&
	                  lw4o6_s46_prefix_decode(&extra->hint, o.data, o.len) == LW4O6_OK;
}

int lw4o6_v4o6_decode(struct lw4o6_dhcp6_msg *outer, struct lw4o6_dhcp4_msg *inner,
                      struct lw4o6_v4o6_extra *extra, const uint8_t *buf, size_t len)
{
	int err = lw4o6_dhcp6_decode(outer, buf, len);

	if (err != LW4O6_OK)
		return err;
	if (outer->type != LW4O6_DHCP6_DHCPV4_QUERY && outer->type != LW4O6_DHCP6_DHCPV4_RESPONSE)
		return LW4O6_EUNKNOWN;
	err = lw4o6_dhcp4_decode(inner, outer->dhcpv4.p, outer->dhcpv4.len);
	if (err != LW4O6_OK)
		return err;

	bool response = outer->type == LW4O6_DHCP6_DHCPV4_RESPONSE;

	/* C-040: a query holds a request, a response a reply. */
	if ((inner->hdr.op == LW4O6_DHCP4_BOOTREPLY) != response)
		return LW4O6_EMALF;
	if (extra && response)
		read_extra(extra, outer->options);
	else if (extra)
		*extra = (struct lw4o6_v4o6_extra){ .has_hint = false };
	return LW4O6_OK;
}
