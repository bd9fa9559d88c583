#include "config.h"

#include "cursor.h"

#include <lw4o6/cksum.h>

static uint64_t fold64(uint64_t sum)
{
	return (sum & 0xffffffff) + (sum >> 32);
}

/* Eight octets a step; the one's complement sum does not care about the host's byte order
 * as long as the result is swapped back at the end (RFC 1071 section 2). */
uint32_t lw4o6_cksum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t acc = 0;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		acc += w;
		acc += acc < w;
	}
	acc = fold64(fold64(acc));
	for (; len >= 2; p += 2, len -= 2) {
		uint16_t w;

		memcpy(&w, p, 2);
		acc += w;
	}
	if (len > 0) {
		uint8_t pad[2] = { p[0], 0 };
		uint16_t w;

		memcpy(&w, pad, 2);
		acc += w;
	}
	acc = (acc & 0xffff) + (acc >> 16);
	acc = (acc & 0xffff) + (acc >> 16);
	acc = (acc & 0xffff) + (acc >> 16);

	uint64_t total = (uint64_t)sum + ntohs((uint16_t)acc);
	return (uint32_t)fold64(total);
}

uint16_t lw4o6_cksum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint32_t lw4o6_cksum_pseudo6(const struct in6_addr *src, const struct in6_addr *dst, uint32_t upper_len,
                             uint8_t next_header)
{
	uint32_t sum = (upper_len >> 16) + (upper_len & 0xffff) + next_header;

	sum = lw4o6_cksum_add(sum, src, 16);
	return lw4o6_cksum_add(sum, dst, 16);
}

uint32_t lw4o6_cksum_pseudo4(struct in_addr src, struct in_addr dst, uint16_t upper_len, uint8_t protocol)
{
	uint32_t sum = (uint32_t)upper_len + protocol;

	sum = lw4o6_cksum_add(sum, &src, 4);
	return lw4o6_cksum_add(sum, &dst, 4);
}
