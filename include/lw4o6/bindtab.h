/*
 * The binding table of an AFTR: (IPv4 address, port set) <-> softwire, RFC 7596 section 6.1.
 *
 * The table lives in one region that the caller provides, position independent: one process
 * writes it, others read it without locks, and nobody trusts an index in it without a bound.
 */
#ifndef LW4O6_BINDTAB_H
#define LW4O6_BINDTAB_H

#include <lw4o6/psid.h>
#include <talloc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lw4o6_bindtab;

/** A softwire. */
struct lw4o6_binding {
	struct in_addr ipv4;
	struct lw4o6_psid ps;
	struct in6_addr b4, br; /**< tunnel ends: subscriber, concentrator */
	lw4o6_time expires;     /**< absolute; LW4O6_TIME_NONE: static */
	uint32_t owner;         /**< opaque: who put it here (server, settings); lets one owner's entries be swept */
	uint16_t mtu;           /**< tunnel MTU of this softwire, octets; 0: computed (D-190) */
};

struct lw4o6_bindtab_config {
	size_t size;            /**< set by lw4o6_bindtab_config_init() */
	uint32_t max_softwires; /**< D-029; 0: 65536 */
	uint32_t max_addresses; /**< shared and whole IPv4 addresses; 0: max_softwires */
	uint32_t max_br;        /**< distinct AFTR addresses; 0: 16 */
	bool multi_binding;     /**< several entries per B4 address (D-022) */
	uint64_t hash_key[2];   /**< random; keys the table's hashes (D-035) */
};
LW4O6_API void lw4o6_bindtab_config_init_sized(struct lw4o6_bindtab_config *cfg, size_t size);
#define lw4o6_bindtab_config_init(cfg) lw4o6_bindtab_config_init_sized((cfg), sizeof(*(cfg)))

/** @return octets a table for @p cfg needs. */
LW4O6_API size_t lw4o6_bindtab_size(const struct lw4o6_bindtab_config *cfg);
/**
 * Make an empty table in a region, which must be aligned to 64 octets and hold zeros or an older table:
 * epoch and version go on from that one's.
 * @return LW4O6_OK; LW4O6_ESPACE: size is less than lw4o6_bindtab_size(); LW4O6_EINVAL.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_bindtab_init(void *region, size_t size, const struct lw4o6_bindtab_config *cfg);
/**
 * Handle on an existing region, for reading or for writing (at most one writer at a time).
 * A writer that attaches repairs what a writer that died left half done.
 * @return NULL: no memory, or not a table of this version.
 */
LW4O6_API struct lw4o6_bindtab *lw4o6_bindtab_attach(TALLOC_CTX *mem, void *region, size_t size, bool writer);

/* ---- the writer ---- */

/**
 * Add a copy of @p b.
 * @return LW4O6_OK; LW4O6_ECONFLICT: overlaps a live entry, the address already has another offset/len
 *         (D-019, D-020), or the B4 has an entry (D-022); LW4O6_EINVAL: D-023; LW4O6_ENOSPC: D-029.
 *         On error the table is as before.
 * @param now  an expired entry in the way is removed first
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_bindtab_add(struct lw4o6_bindtab *t, const struct lw4o6_binding *b, lw4o6_time now);
/**
 * Add, or replace the entry with the same (ipv4, ps): readers see the old or the new one, never a mix
 * (D-024, D-028, Y-005). @return as lw4o6_bindtab_add().
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_bindtab_set(struct lw4o6_bindtab *t, const struct lw4o6_binding *b, lw4o6_time now);
/** Says that an add or set of @p b will come soon. Called some entries ahead, it makes loading a large table faster. */
LW4O6_API void lw4o6_bindtab_prefetch(const struct lw4o6_bindtab *t, const struct lw4o6_binding *b);
/** @return LW4O6_OK, or LW4O6_ENOENT: no entry with exactly this (ipv4, ps). */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_bindtab_remove(struct lw4o6_bindtab *t, struct in_addr ipv4, const struct lw4o6_psid *ps);
/** Remove up to @p max entries whose time has come. @return how many. Bounded work a call. */
LW4O6_API unsigned lw4o6_bindtab_reap(struct lw4o6_bindtab *t, lw4o6_time now, unsigned max);

/* ---- readers ---- */

/**
 * Downstream lookup, RFC 7596 section 6.2. Constant expected time, no allocation, no logging.
 * @param port host order
 * @param now  an entry past its lifetime is not found, reaped or not (D-025).
 * @return true with *out filled; false: no such softwire.
 */
LW4O6_API bool lw4o6_bindtab_find(const struct lw4o6_bindtab *t, struct in_addr ipv4, uint16_t port,
                                  lw4o6_time now, struct lw4o6_binding *out);
/** One entry of a B4 address (D-021). @return false when there is none. */
LW4O6_API bool lw4o6_bindtab_find_b4(const struct lw4o6_bindtab *t, const struct in6_addr *b4, lw4o6_time now,
                                     struct lw4o6_binding *out);

enum lw4o6_bind_addr {
	LW4O6_BIND_UNMANAGED, /**< no live entry for the address */
	LW4O6_BIND_SHARED,    /**< entries with port sets */
	LW4O6_BIND_WHOLE,     /**< one entry owns all ports and protocols */
};
/** Is this address managed (D-030)? Constant time. */
LW4O6_API enum lw4o6_bind_addr lw4o6_bindtab_addr(const struct lw4o6_bindtab *t, struct in_addr ipv4, lw4o6_time now);

enum { LW4O6_BIND_BURST = 64 };
struct lw4o6_bind_key {
	struct in_addr ipv4;
	uint16_t port; /**< host order; any value for a whole address */
};
/** What the data path needs of an entry. */
struct lw4o6_bind_hit {
	enum lw4o6_bind_addr addr; /**< of the key's address */
	bool found;                /**< an entry owns the port; else the rest is undefined */
	uint16_t mtu;              /**< as in the binding */
	uint32_t slot;             /**< 0 .. max_softwires-1: index for the reader's own per-softwire state */
	struct in6_addr b4, br;
};
/**
 * Up to LW4O6_BIND_BURST lookups at once: prefetch all, then read all. Each sees the table as it is at some
 * time during the call, not in the order of the keys.
 */
LW4O6_API void lw4o6_bindtab_find_burst(const struct lw4o6_bindtab *t, const struct lw4o6_bind_key *keys, unsigned n,
                                        lw4o6_time now, struct lw4o6_bind_hit *hits);

/** How many entries there are; entries past their lifetime that nobody reaped count. */
LW4O6_API uint32_t lw4o6_bindtab_count(const struct lw4o6_bindtab *t);
/** Raised by each change, never reset (D-032). */
LW4O6_API uint64_t lw4o6_bindtab_version(const struct lw4o6_bindtab *t);
/** Order-independent digest of all entries (ipv4, ps, b4, br); equal tables, equal digests. Kept up to date: constant time. */
LW4O6_API uint64_t lw4o6_bindtab_digest(const struct lw4o6_bindtab *t);
/** The longest chain of the B4 index (D-035). Looks at all of it: for an operator's query. */
LW4O6_API uint32_t lw4o6_bindtab_longest_chain(const struct lw4o6_bindtab *t);
/** Changes of the epoch mean that the region was made anew: attach again. */
LW4O6_API uint64_t lw4o6_bindtab_epoch(const struct lw4o6_bindtab *t);

/**
 * Step through the entries; entries that change meanwhile may be seen before or after the change.
 * @param cursor 0 to start. @return true with *out filled and *cursor moved; false at the end.
 */
LW4O6_API bool lw4o6_bindtab_next(const struct lw4o6_bindtab *t, uint32_t *cursor, struct lw4o6_binding *out);

#ifdef __cplusplus
}
#endif
#endif
