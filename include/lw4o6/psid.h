/* Port sets of an IPv4 address: RFC 7597 section 5.1, as used by lw4o6 (RFC 7596 section 5.1). */
#ifndef LW4O6_PSID_H
#define LW4O6_PSID_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A port set: the ports whose bits are [ A | PSID | M ], RFC 7597 section 5.1. */
struct lw4o6_psid {
	uint8_t offset; /**< a: bits of A, 0..15; when > 0 the ports with A = 0 are in no set */
	uint8_t len;    /**< k: bits of the PSID, 0..16-a; 0: a whole address, a and id then do not matter (D-006) */
	uint16_t id;    /**< right-justified, < 2^k; left-justified only on the wire */
};

/** Room for lw4o6_psid_str(), terminating zero included. */
#define LW4O6_PSID_STRLEN 128

/**
 * Check the three numbers (D-001: refuse, never clamp) and fill @p ps. For len 0 the
 * stored offset and id are 0, so that whole addresses compare equal.
 * @return LW4O6_OK, or LW4O6_EBADPSID with *ps untouched.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_psid_init(struct lw4o6_psid *ps, unsigned offset, unsigned len, unsigned id);

/** Are offset, length and id in range? */
LW4O6_API bool lw4o6_psid_valid(const struct lw4o6_psid *ps);
/** Same set? Whole addresses are equal whatever offset and id say. */
LW4O6_API bool lw4o6_psid_equal(const struct lw4o6_psid *x, const struct lw4o6_psid *y);
/** @param port host order. Total: any port, any valid @p ps. */
LW4O6_API bool lw4o6_psid_has_port(const struct lw4o6_psid *ps, uint16_t port);
/**
 * The PSID a port belongs to under (offset, len), which must be valid (D-003, D-004).
 * @return 0..65535 (0 for len 0), or LW4O6_ENOENT for a port of the excluded block.
 */
LW4O6_API int lw4o6_psid_of_port(unsigned offset, unsigned len, uint16_t port);
/** @return how many ports are in the set, 1..65536 (D-005). */
LW4O6_API uint32_t lw4o6_psid_nports(const struct lw4o6_psid *ps);
/** @return how many contiguous ranges the set consists of. */
LW4O6_API uint32_t lw4o6_psid_nranges(const struct lw4o6_psid *ps);
/**
 * The i-th range in ascending order; first and last port, host order, inclusive.
 * @return LW4O6_OK, or LW4O6_ENOENT when i >= nranges, outputs untouched.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_psid_nth_range(const struct lw4o6_psid *ps, uint32_t i, uint16_t *first, uint16_t *last);
/** The i-th port in ascending order (D-007). @return 0..65535, or LW4O6_ENOENT when i >= nports. */
LW4O6_API int lw4o6_psid_nth_port(const struct lw4o6_psid *ps, uint32_t i);
/** Inverse of nth_port. @return 0..65535, or LW4O6_ENOENT when the port is not in the set. */
LW4O6_API int lw4o6_psid_port_index(const struct lw4o6_psid *ps, uint16_t port);
/** Does some port of the set lie in first..last (inclusive, host order)? C-062, D-013. */
LW4O6_API bool lw4o6_psid_touches(const struct lw4o6_psid *ps, uint16_t first, uint16_t last);
/** Do two sets share a port, whatever their parameters? C-063, D-008. */
LW4O6_API bool lw4o6_psid_overlap(const struct lw4o6_psid *x, const struct lw4o6_psid *y);

/**
 * The softwire address of RFC 7596 section 5.1: prefix, 16 zero bits, IPv4 address, PSID
 * right-justified (C-064, D-011). A prefix longer than 64 bits overrides the identifier's top.
 * @param prefix_len 0..128; bits of @p prefix behind it are ignored
 * @return LW4O6_OK, or LW4O6_EINVAL with *dst untouched.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_psid_b4_addr(struct in6_addr *dst, const struct in6_addr *prefix, unsigned prefix_len,
                       struct in_addr ipv4, const struct lw4o6_psid *ps);

/**
 * One line for people: "psid 52/8 offset 6: 252 ports, 1232-1235 ... 64720-64723 (63 ranges of 4, every 1024)".
 * Writes at most LW4O6_PSID_STRLEN octets, always terminated. @return @p dst.
 */
LW4O6_API const char *lw4o6_psid_str(const struct lw4o6_psid *ps, char dst[LW4O6_PSID_STRLEN]);

#ifdef __cplusplus
}
#endif
#endif
