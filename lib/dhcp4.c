#include "config.h"

#include "dhcp4_int.h"
#include "opt_int.h"

#include <lw4o6/dhcp6.h>

struct lw4o6_opt4_iter lw4o6_opt4_walk(const uint8_t *msg, size_t len)
{
	return opt4_start(msg, len);
}

int lw4o6_opt4_next(struct lw4o6_opt4_iter *it, struct lw4o6_opt4 *o)
{
	return it->msg ? opt4_step(it, o) : 0;
}

int dhcp4_gather(const uint8_t *buf, size_t len, uint8_t code, uint8_t *dst, size_t room, size_t *total)
{
	struct lw4o6_opt4_iter it = opt4_start(buf, len);
	struct lw4o6_opt4 o;
	int r;

	*total = 0;
	while ((r = opt4_step(&it, &o)) == 1) {
		if (o.code != code || o.len == 0)
			continue;
		if (o.len > room - *total)
			return LW4O6_ESPACE;
		memcpy(dst + *total, o.data, o.len);
		*total += o.len;
	}
	return r;
}

int lw4o6_dhcp4_option(const uint8_t *buf, size_t len, uint8_t code, uint8_t *dst, size_t room,
                       struct lw4o6_span *value)
{
	unsigned n = 0;
	struct lw4o6_opt4 o;
	struct lw4o6_span first = { NULL, 0 };
	int r;

	if (len < LW4O6_DHCP4_HLEN)
		return LW4O6_ETRUNC;

	struct lw4o6_opt4_iter it = opt4_start(buf, len);

	while ((r = opt4_step(&it, &o)) == 1) {
		if (o.code == code && n++ == 0)
			first = (struct lw4o6_span){ o.data, o.len };
	}
	if (r < 0)
		return r;
	if (n == 0)
		return LW4O6_ENOENT;
	if (n > 1) {
		r = dhcp4_gather(buf, len, code, dst, room, &first.len);
		if (first.len > 0)
			first.p = dst;
	}
	if (r == LW4O6_OK)
		*value = first;
	return r;
}

bool lw4o6_dhcp4_prl_has(const struct lw4o6_dhcp4_msg *m, uint8_t code)
{
	return m->prl.len > 0 && memchr(m->prl.p, code, m->prl.len) != NULL;
}

ssize_t lw4o6_dhcp4_client_id_encode(uint8_t *dst, size_t room, uint32_t iaid, const uint8_t *duid, size_t duid_len)
{
	if (duid_len < LW4O6_DUID_MIN || duid_len > LW4O6_DUID_MAX)
		return LW4O6_EINVAL;
	if (room < 5 + duid_len)
		return LW4O6_ESPACE;
	dst[0] = 255;
	put_be32(dst + 1, iaid);
	memcpy(dst + 5, duid, duid_len);
	return (ssize_t)(5 + duid_len);
}

bool lw4o6_dhcp4_client_id_parse(const uint8_t *id, size_t len, uint32_t *iaid, struct lw4o6_span *duid)
{
	if (len < 5 + LW4O6_DUID_MIN || len > 5 + LW4O6_DUID_MAX || id[0] != 255)
		return false;
	*iaid = get_be32(id + 1);
	*duid = (struct lw4o6_span){ id + 5, len - 5 };
	return true;
}

const char *lw4o6_dhcp4_type_name(uint8_t type)
{
	static const char *const names[] = {
		[LW4O6_DHCP4_DISCOVER] = "DISCOVER",
		[LW4O6_DHCP4_OFFER] = "OFFER",
		[LW4O6_DHCP4_REQUEST] = "REQUEST",
		[LW4O6_DHCP4_DECLINE] = "DECLINE",
		[LW4O6_DHCP4_ACK] = "ACK",
		[LW4O6_DHCP4_NAK] = "NAK",
		[LW4O6_DHCP4_RELEASE] = "RELEASE",
		[LW4O6_DHCP4_INFORM] = "INFORM",
		[LW4O6_DHCP4_FORCERENEW] = "FORCERENEW",
		[LW4O6_DHCP4_LEASEQUERY] = "LEASEQUERY",
		[LW4O6_DHCP4_LEASEUNASSIGNED] = "LEASEUNASSIGNED",
		[LW4O6_DHCP4_LEASEUNKNOWN] = "LEASEUNKNOWN",
		[LW4O6_DHCP4_LEASEACTIVE] = "LEASEACTIVE",
		[LW4O6_DHCP4_BULKLEASEQUERY] = "BULKLEASEQUERY",
		[LW4O6_DHCP4_LEASEQUERYDONE] = "LEASEQUERYDONE",
		[LW4O6_DHCP4_ACTIVELEASEQUERY] = "ACTIVELEASEQUERY",
		[LW4O6_DHCP4_LEASEQUERYSTATUS] = "LEASEQUERYSTATUS",
		[LW4O6_DHCP4_TLS] = "TLS",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}
