/* DHCPv4 over DHCPv6, RFC 7341: wrap a DHCPv4 message, unwrap it. Knows nothing of who sends it. */
#ifndef LW4O6_V4O6_H
#define LW4O6_V4O6_H

#include <lw4o6/dhcp4.h>
#include <lw4o6/dhcp6.h>
#include <lw4o6/s46.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Write a DHCPV4-QUERY: header with flag U as given, option 6 with the codes of @p oro (none when n is 0).
 * The DHCPv4 message is written next, then lw4o6_v4o6_close(). @return the mark for it.
 */
LW4O6_API size_t lw4o6_v4o6_open_query(struct lw4o6_wr *w, bool u, const uint16_t *oro, size_t n);
/** Write a DHCPV4-RESPONSE up to the DHCPv4 message; options 90 and 137 follow the close. */
LW4O6_API size_t lw4o6_v4o6_open_response(struct lw4o6_wr *w);
LW4O6_API void lw4o6_v4o6_close(struct lw4o6_wr *w, size_t mark);

/** What a DHCPV4-RESPONSE carries beside option 87 (RFC 8539 section 4). */
struct lw4o6_v4o6_extra {
	struct lw4o6_s46_br_list br;
	bool has_hint;
	struct lw4o6_s46_prefix hint; /**< option 137 */
};

/**
 * Decode a DHCPV4-QUERY or -RESPONSE and the DHCPv4 message in it.
 * @param extra  for a response; NULL when not wanted
 * @return LW4O6_OK, or what lw4o6_dhcp6_decode() or lw4o6_dhcp4_decode() return; LW4O6_EUNKNOWN for another type.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_v4o6_decode(struct lw4o6_dhcp6_msg *outer, struct lw4o6_dhcp4_msg *inner,
                      struct lw4o6_v4o6_extra *extra, const uint8_t *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
