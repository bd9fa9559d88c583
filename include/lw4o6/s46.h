/* Softwire options: RFC 7598, RFC 8026, RFC 8539, RFC 7618, and option 88 of RFC 7341. */
#ifndef LW4O6_S46_H
#define LW4O6_S46_H

#include <lw4o6/opt.h>
#include <lw4o6/psid.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LW4O6_S46_BR_MAX = 8,       /**< BR addresses kept of one message */
	LW4O6_S46_SERVERS_MAX = 16, /**< 4o6 servers kept of one option 88 */
	LW4O6_S46_PRIORITY_MAX = 16,
};

/**
 * OPTION_S46_PORTPARAMS (93) body, RFC 7598 section 4.5; the same body serves DHCPv4 option 159, RFC 7618 section 9.
 * @return LW4O6_OK; LW4O6_ETRUNC or LW4O6_EMALF: not 4 octets (C-019); LW4O6_EBADPSID: C-021, C-022. On error *dst is untouched.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_s46_portparams_decode(struct lw4o6_psid *dst, const uint8_t *body, size_t len);
/** @return 4, or LW4O6_ESPACE or LW4O6_EBADPSID with nothing promised about dst. */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_s46_portparams_encode(uint8_t *dst, size_t room, const struct lw4o6_psid *ps);

/** Option 88. Present with n == 0 means ff02::1:2 (RFC 7341 section 7.2). */
struct lw4o6_s46_servers {
	bool present;
	unsigned n;
	struct in6_addr addr[LW4O6_S46_SERVERS_MAX]; /**< repeats removed, order kept (C-014) */
};
/** @return LW4O6_OK, or LW4O6_EMALF: length no multiple of 16; *dst untouched. Addresses beyond the maximum are left out. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_s46_servers_decode(struct lw4o6_s46_servers *dst, const uint8_t *body, size_t len);

/** Option 90 instances in order. */
struct lw4o6_s46_br_list {
	unsigned n;
	struct in6_addr addr[LW4O6_S46_BR_MAX];
};
/** All valid option 90 (length 16, C-016) among @p options, whose framing must have been checked. Never fails: none gives n = 0. */
LW4O6_API void lw4o6_s46_br_collect(struct lw4o6_s46_br_list *dst, const uint8_t *options, size_t len);

/** An IPv6 prefix with the bits behind its length zero. */
struct lw4o6_s46_prefix {
	struct in6_addr prefix;
	uint8_t len; /**< 0..128 */
};
/** Option 137 body: exact length, pad bits masked (C-017). @return LW4O6_OK, LW4O6_EMALF or LW4O6_ETRUNC; *dst untouched on error. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_s46_prefix_decode(struct lw4o6_s46_prefix *dst, const uint8_t *body, size_t len);
/** @return 1 + ceil(len/8), or LW4O6_ESPACE, LW4O6_EINVAL. */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_s46_prefix_encode(uint8_t *dst, size_t room, const struct lw4o6_s46_prefix *p);

/** Container 96 as C-024 accepts it. */
struct lw4o6_s46_lw {
	struct lw4o6_s46_br_list br;  /**< n >= 1 */
	bool has_bind;                /**< option 92 was there */
	struct in_addr ipv4;          /**< of option 92 */
	struct lw4o6_s46_prefix bind; /**< of option 92 */
	struct lw4o6_psid ports;      /**< option 93 inside 92; a whole address without it */
};
/** @return LW4O6_OK; LW4O6_ETRUNC, LW4O6_EMALF, LW4O6_EBADPSID: the container is to be ignored. *dst untouched on error. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_s46_lw_decode(struct lw4o6_s46_lw *dst, const uint8_t *body, size_t len);
/** Write option 96 whole. Sets LW4O6_EINVAL in @p w when C-024 would not accept it (S-016). */
LW4O6_API void lw4o6_s46_lw_put(struct lw4o6_wr *w, const struct lw4o6_s46_lw *lw);

/** Option 111: the codes of mechanisms known here (64, 88, 94, 95, 96) in order; others are skipped (C-026). */
struct lw4o6_s46_priority {
	unsigned n;
	uint16_t code[LW4O6_S46_PRIORITY_MAX];
};
/** @return LW4O6_OK, or LW4O6_EMALF (C-026). */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_s46_priority_decode(struct lw4o6_s46_priority *dst, const uint8_t *body, size_t len);

/**
 * Longest-prefix match of a hint against active prefixes (C-065, RFC 8539 section 7.4).
 * @return index of the best candidate, or LW4O6_ENOENT. Ties: the first.
 */
LW4O6_API int lw4o6_s46_match_hint(const struct lw4o6_s46_prefix *hint, const struct lw4o6_s46_prefix *active, size_t n);

#ifdef __cplusplus
}
#endif
#endif
