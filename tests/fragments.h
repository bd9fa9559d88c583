/* Packets and fragments for the tests of lib/frag*.c, and the datagram of vector V4. */
#ifndef LW4O6_TESTS_FRAGMENTS_H
#define LW4O6_TESTS_FRAGMENTS_H

#include "harness.h"

#include <lw4o6/cksum.h>
#include <lw4o6/frag.h>

static inline void set16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline unsigned at16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* The UDP datagram of V4, 2008 octets. */
static inline void v4_udp(uint8_t *dst)
{
	memcpy(dst, "\x13\x88\xd0\x98\x07\xd8\xc4\x1f", 8);
	for (unsigned i = 0; i < 2000; i++)
		dst[8 + i] = (uint8_t)(7 * i);
}

/** An IPv4 header of @p hlen octets (options: zero) in front of @p len octets. @return the total length. */
static inline size_t put_ip4(uint8_t *dst, uint32_t src, uint32_t to, uint8_t protocol, unsigned id, unsigned frag,
                             uint8_t tos, uint8_t ttl, size_t hlen, const uint8_t *payload, size_t len)
{
	memset(dst, 0, hlen);
	dst[0] = (uint8_t)(0x40 | hlen / 4);
	dst[1] = tos;
	set16(dst + 2, (unsigned)(hlen + len));
	set16(dst + 4, id);
	set16(dst + 6, frag);
	dst[8] = ttl;
	dst[9] = protocol;
	set16(dst + 12, src >> 16);
	set16(dst + 14, src & 0xffff);
	set16(dst + 16, to >> 16);
	set16(dst + 18, to & 0xffff);
	set16(dst + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, dst, hlen)));
	memcpy(dst + hlen, payload, len);
	return hlen + len;
}

/* V4's datagram: the octets [off, off + len) of it, as the fragment that carries them. */
static inline size_t v4_fragment(uint8_t *dst, size_t off, size_t len, bool more, uint8_t ttl)
{
	uint8_t udp[2008];

	v4_udp(udp);
	return put_ip4(dst, 0xc6336407, 0xc0000212, 17, 0xbeef, (more ? 0x2000u : 0u) | (unsigned)off / 8, 0, ttl, 20,
	               udp + off, len);
}

/** A tunnel header as the AFTR of the vectors writes it to softwire A. */
static inline size_t put_outer(uint8_t *dst, const uint8_t *inner, size_t len)
{
	static const uint8_t header[40] = {
		0x60, 0, 0, 0, 0, 0, 4, 64, 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0x20, 0x01, 0x0d, 0xb8, 0, 0x12, 0x34, 0, 0, 0, 0xc0, 0, 2, 0x12, 0, 0x34,
	};

	memcpy(dst, header, 40);
	set16(dst + 4, (unsigned)len);
	if (len > 0)
		memcpy(dst + 40, inner, len);
	return 40 + len;
}

/** The next order of n different numbers; false after the last one. */
static inline bool next_permutation(unsigned *a, unsigned n)
{
	unsigned i = n - 1, j = n - 1;

	while (i > 0 && a[i - 1] >= a[i])
		i--;
	if (i == 0)
		return false;
	while (a[j] <= a[i - 1])
		j--;

	unsigned x = a[i - 1];

	a[i - 1] = a[j];
	a[j] = x;
	for (j = n - 1; i < j; i++, j--) {
		x = a[i];
		a[i] = a[j];
		a[j] = x;
	}
	return true;
}

#endif
