/* Reading the vectors of tests/vectors/codec.h. */
#ifndef LW4O6_TESTS_VECTORS_H
#define LW4O6_TESTS_VECTORS_H

#include "harness.h"
#include "vectors/codec.h"

enum { VECTOR_MAX = 1024 };
#define N_MESSAGES (sizeof(codec_messages) / sizeof(codec_messages[0]))
#define N_LEASEQUERY (sizeof(codec_leasequery) / sizeof(codec_leasequery[0]))

/** Octets of a vector, its length checked. */
static inline size_t vector_octets(uint8_t *dst, const struct codec_vector *v)
{
	size_t n = unhex(dst, VECTOR_MAX, v->hex);

	ck_assert_msg(n == v->len, "%s: %zu octets, not %zu", v->name, n, v->len);
	return n;
}

/** The same by name. */
static inline size_t vector_named(uint8_t *dst, const char *name)
{
	for (size_t i = 0; i < N_MESSAGES; i++) {
		if (strcmp(codec_messages[i].name, name) == 0)
			return vector_octets(dst, &codec_messages[i]);
	}
	ck_abort_msg("no vector %s", name);
	return 0;
}

/** A copy of exactly n octets, so that a sanitizer sees one octet too many; the caller frees it. */
static inline uint8_t *exact(const uint8_t *src, size_t n)
{
	uint8_t *p = malloc(n > 0 ? n : 1);

	ck_assert_ptr_nonnull(p);
	if (n > 0)
		memcpy(p, src, n);
	return p;
}

static inline struct in6_addr addr6(const char *hex)
{
	struct in6_addr a;

	ck_assert_uint_eq(unhex(a.s6_addr, 16, hex), 16);
	return a;
}

static inline struct in_addr addr4(uint32_t host_order)
{
	return (struct in_addr){ htonl(host_order) };
}

#endif
