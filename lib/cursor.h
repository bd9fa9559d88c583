/*
 * Bounded reader and writer over octets in network order (C-001, C-010). After a step past
 * the end a read gives zero and the first error stays, so a codec reads all its fields and
 * asks once. A writer with p == NULL only counts.
 */
#ifndef LW4O6_CURSOR_H
#define LW4O6_CURSOR_H

#include <lw4o6/base.h>
#include <string.h>

struct rd {
	const uint8_t *p, *end;
	int err;
};

static inline struct rd rd_init(const uint8_t *buf, size_t len)
{
	return (struct rd){ buf, buf + len, LW4O6_OK };
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

/** @return n octets of the buffer, or NULL with the error set and the rest skipped. */
static inline const uint8_t *rd_ptr(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (n > rd_left(r)) {
		r->p = r->end;
		if (r->err == LW4O6_OK)
			r->err = LW4O6_ETRUNC;
		return NULL;
	}
	r->p += n;
	return p;
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_ptr(r, 1);
	return p ? p[0] : 0;
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline uint16_t rd_be16(struct rd *r)
{
	const uint8_t *p = rd_ptr(r, 2);
	return p ? get_be16(p) : 0;
}

static inline uint32_t rd_be24(struct rd *r)
{
	const uint8_t *p = rd_ptr(r, 3);
	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t rd_be32(struct rd *r)
{
	const uint8_t *p = rd_ptr(r, 4);
	return p ? get_be32(p) : 0;
}

/** Copy n octets; dst is zeroed on error. */
static inline bool rd_take(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_ptr(r, n);

	if (!p) {
		memset(dst, 0, n);
		return false;
	}
	memcpy(dst, p, n);
	return true;
}

/** A window of n octets, consumed in r; empty and in error when r holds fewer. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_ptr(r, n);

	if (!p)
		return (struct rd){ r->end, r->end, r->err };
	return (struct rd){ p, p + n, LW4O6_OK };
}

/** OK; ETRUNC: too short; EMALF: octets left over. */
static inline int rd_done(const struct rd *r)
{
	if (r->err != LW4O6_OK)
		return r->err;
	return r->p == r->end ? LW4O6_OK : LW4O6_EMALF;
}

#endif
