/* SipHash-1-3, a keyed hash for tables whose keys an outsider chooses (D-035). */
#ifndef LW4O6_SIPHASH_H
#define LW4O6_SIPHASH_H

#include <stdint.h>
#include <string.h>

static inline uint64_t sip_rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = sip_rotl(v[1], 13); v[1] ^= v[0]; v[0] = sip_rotl(v[0], 32);
	v[2] += v[3]; v[3] = sip_rotl(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = sip_rotl(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = sip_rotl(v[1], 17); v[1] ^= v[2]; v[2] = sip_rotl(v[2], 32);
}

/** Hash @p len octets under @p key. The value is the same on hosts of either byte order only for whole words. */
static inline uint64_t siphash(const uint64_t key[2], const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		          key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u };
	uint64_t last = (uint64_t)len << 56;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		v[3] ^= w;
		sip_round(v);
		v[0] ^= w;
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
