/* Shared by the files of the DHCPv4 codec. */
#ifndef LW4O6_DHCP4_INT_H
#define LW4O6_DHCP4_INT_H

#include <lw4o6/dhcp4.h>

/* Where things stand in the fixed part. */
enum {
	DHCP4_CHADDR_AT = 28,
	DHCP4_COOKIE_AT = 236,
};
#define DHCP4_COOKIE 0x63825363u

/* The options that lw4o6_dhcp4_decode() reads: 1 + the bit in lw4o6_dhcp4_msg.has. */
enum {
	F4_REQUESTED = 1,
	F4_LEASE,
	F4_SERVER_ID,
	F4_MAX_SIZE,
	F4_T1,
	F4_T2,
	F4_SADDR,
	F4_PORTS,
	F4_SUBNET,
	F4_TYPE,
	F4_CLIENT_ID,
	F4_PRL,
	F4_MESSAGE,
	F4_VENDOR_CLASS,
	F4_RELAY_INFO,
	F4_LAST_TRANSACTION,
	F4_ASSOCIATED,
	F4_STATUS,
	F4_BASE_TIME,
	F4_START_OF_STATE,
	F4_QUERY_START,
	F4_QUERY_END,
	F4_STATE,
	F4_SOURCE,
	F4_COUNT = F4_SOURCE,
};

/** The option code of a field. */
uint8_t dhcp4_field_code(unsigned field);
/** Copy all instances of a code one after the other. @return LW4O6_OK, LW4O6_ESPACE, LW4O6_ETRUNC. */
int dhcp4_gather(const uint8_t *buf, size_t len, uint8_t code, uint8_t *dst, size_t room, size_t *total);

#endif
