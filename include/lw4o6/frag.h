/*
 * Fragments: cutting IPv6 and IPv4 packets, reassembly of the tunnel's IPv6 fragments, virtual
 * and full reassembly of IPv4 fragments (RFC 8200 section 4.5, RFC 791, RFC 7597 section 8.3).
 *
 * A table takes all its memory at creation: the octets for held fragments and, for each context,
 * about 200 and 8 for each fragment of a datagram (32 in virtual mode). It counts what it drops of
 * the fragments it held, in the counters given at creation (the reason, dropped-ipv4 or
 * dropped-ipv6, and the sum of IPv4 fragments); the fragment that is being added is never counted
 * as dropped here: its verdict and reason go to the caller, who counts it like any other packet.
 */
#ifndef LW4O6_FRAG_H
#define LW4O6_FRAG_H

#include <lw4o6/counter.h>
#include <lw4o6/ip.h>
#include <lw4o6/pkt.h>
#include <lw4o6/psid.h>
#include <talloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Octets free in front of every packet that a table hands out. */
#define LW4O6_FRAG_HEADROOM 64

/* ---- cutting ---- */

/** A packet being cut; private members. */
struct lw4o6_frag6_cut {
	const uint8_t *pkt;
	size_t len, off, mtu;
	uint32_t id;
};

/**
 * Prepare to cut an IPv6 packet: everything behind its 40-octet header becomes the fragmentable
 * part. The fewest pieces, in order, multiples of 8 except the last (D-161, D-164).
 * @param pkt  40 octets of header and the payload; stays the caller's, unchanged until the last piece.
 * @param mtu  of the link or path, octets.
 * @param id   a new value of lw4o6_frag6_ident_next().
 * @return how many fragments there will be, at least 2; LW4O6_EINVAL: it fits (D-163), is no IPv6
 *         packet, or mtu < 1280.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_frag6_cut_init(struct lw4o6_frag6_cut *c, const uint8_t *pkt, size_t len, size_t mtu, uint32_t id);
/** Write the next fragment. @return its length, at most mtu; 0: that was all; LW4O6_ESPACE: room is too small. */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_frag6_cut_next(struct lw4o6_frag6_cut *c, uint8_t *dst, size_t room);

/** A packet being cut; private members. */
struct lw4o6_frag4_cut {
	const uint8_t *pkt;
	size_t hlen, len, off, mtu;
	size_t later_hlen;         /* of all but the first piece */
	uint8_t later_options[40]; /* those with the copy bit, padded */
};

/**
 * Prepare to cut an IPv4 packet (D-186), which may itself be a fragment. The identification is
 * kept. DF is the caller's to check.
 * @param pkt a packet that lw4o6_ip4_decode() has accepted; @p len its total length.
 * @return how many fragments, at least 2; LW4O6_EINVAL: it fits, no header, MF with a length that
 *         is no multiple of 8, or mtu < 68.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_frag4_cut_init(struct lw4o6_frag4_cut *c, const uint8_t *pkt, size_t len, size_t mtu);
/** Write the next fragment. @return its length, at most mtu; 0: that was all; LW4O6_ESPACE: room is too small. */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_frag4_cut_next(struct lw4o6_frag4_cut *c, uint8_t *dst, size_t room);

/* ---- identifications ---- */

/** Identifications for IPv6 fragments we send: a start and increments (D-161). */
struct lw4o6_frag6_ident {
	uint32_t next;
	uint32_t top;  /**< the instance number, in place */
	uint32_t mask; /**< bits that count */
};

/**
 * @param start    random; the first value, but for the instance bits. Tests set it.
 * @param instance number of this AFTR among those that share an anycast address, < 2^bits (D-162).
 * @param bits     0..16: how many top bits carry the instance.
 * @return LW4O6_OK or LW4O6_EINVAL.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_frag6_ident_init(struct lw4o6_frag6_ident *g, uint32_t start, unsigned instance, unsigned bits);
LW4O6_API uint32_t lw4o6_frag6_ident_next(struct lw4o6_frag6_ident *g);

enum { LW4O6_FRAG4_IDENT_SLOTS = 2048 };

/**
 * Identifications for non-atomic IPv4 packets of a NAPT: a counter for each hash of (source,
 * destination, protocol), so a value returns after 65536 packets of one slot (D-306, D-309).
 */
struct lw4o6_frag4_ident {
	uint64_t key[2];
	uint32_t slot[LW4O6_FRAG4_IDENT_SLOTS];
};

LW4O6_API void lw4o6_frag4_ident_init(struct lw4o6_frag4_ident *g, const struct lw4o6_host *host);
/** @param only NULL, or the port set whose values alone may be used (D-308). @return host order. */
LW4O6_API uint16_t lw4o6_frag4_ident_next(struct lw4o6_frag4_ident *g, struct in_addr src, struct in_addr dst,
                                          uint8_t protocol, const struct lw4o6_psid *only);

/* ---- what the two tables share ---- */

enum lw4o6_frag_verdict {
	LW4O6_FRAG_HELD,      /**< copied and kept, or nothing left to do with it (an ignored duplicate) */
	LW4O6_FRAG_COMPLETE,  /**< the whole packet is in result.data */
	LW4O6_FRAG_ATOMIC,    /**< IPv6: offset 0 and M 0: go on behind the Fragment header (D-154) */
	LW4O6_FRAG_FIRST,     /**< IPv4 virtual: look at the port, then lw4o6_frag4_decide() */
	LW4O6_FRAG_FOLLOW,    /**< IPv4 virtual: forward it as result.decision says */
	LW4O6_FRAG_DROP,      /**< drop it; result.reason is the counter */
};

/** How full a table is. */
struct lw4o6_frag_usage {
	uint32_t contexts, contexts_max;
	size_t memory, memory_max; /**< octets; the memory that held fragments take, in whole blocks */
};

/** A context that timed out. */
struct lw4o6_frag_expired {
	const uint8_t *first;    /**< fragment with offset 0 as received; NULL: absent. Valid until the next call */
	size_t len;
	enum lw4o6_side side;    /**< IPv4 table: the side it came from */
	uint64_t from;           /**< IPv4 table: as in lw4o6_frag4_from */
};

/* ---- IPv6 reassembly ---- */

struct lw4o6_frag6;

struct lw4o6_frag6_config {
	size_t size;             /**< set by lw4o6_frag6_config_init() */
	uint32_t contexts;       /**< datagrams at a time; 0: 4096 */
	size_t memory;           /**< octets of held fragments; 0: 32 MiB */
	uint32_t per_source;     /**< contexts of one source address; 0: 16 */
	uint32_t per_datagram;   /**< fragments; 0: 64 */
	uint32_t max_packet;     /**< octets of the reassembled IPv6 packet, 1500..65575; 0: 9256 (D-149) */
	uint32_t alarm_percent;  /**< 1..100; 0: 80 (D-167) */
	uint64_t hash_key[2];    /**< random (D-035) */
	struct lw4o6_counters *counters; /**< borrowed; required */
};
LW4O6_API void lw4o6_frag6_config_init_sized(struct lw4o6_frag6_config *cfg, size_t size);
#define lw4o6_frag6_config_init(cfg) lw4o6_frag6_config_init_sized((cfg), sizeof(*(cfg)))

/** One IPv6 fragment as received. */
struct lw4o6_frag6_in {
	const uint8_t *pkt; /**< the IPv6 header */
	size_t len;         /**< 40 + payload length, excess already cut */
	size_t nh_off;      /**< offset of the Next Header octet that says 44; 6 when nothing precedes */
	size_t fh_off;      /**< offset of the Fragment header, whose 8 octets are there */
};

struct lw4o6_frag6_result {
	uint8_t *data;         /**< COMPLETE: the packet, no Fragment header; the table's, until the next call */
	size_t len;
	unsigned reason;       /**< DROP: enum lw4o6_counter */
	uint8_t icmp_type;     /**< DROP: ICMPv6 error that the fragment deserves; 0: none */
	uint8_t icmp_code;
	uint32_t icmp_pointer;
};

/** @return NULL: no memory, or a setting out of range. */
LW4O6_API struct lw4o6_frag6 *lw4o6_frag6_new(TALLOC_CTX *mem, const struct lw4o6_frag6_config *cfg);
/**
 * Take a fragment. The caller has checked its source (D-165) and has called
 * lw4o6_frag6_expire() for @p now. Counts frag6-in, among them frag6-atomic; frag6-duplicate and
 * ipv6-fragments-reassembled.
 * @return HELD, COMPLETE, ATOMIC or DROP.
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_frag_verdict lw4o6_frag6_add(struct lw4o6_frag6 *f, const struct lw4o6_frag6_in *in, lw4o6_time now,
                                        struct lw4o6_frag6_result *res);
/**
 * Drop one context that is due (D-151), counting its fragments. Call until false.
 * @return true with *ex filled: send ICMPv6 3/1 when ex->first is there.
 */
LW4O6_API bool lw4o6_frag6_expire(struct lw4o6_frag6 *f, lw4o6_time now, struct lw4o6_frag_expired *ex);
/** When the next context is due; LW4O6_TIME_NONE: never. */
LW4O6_API lw4o6_time lw4o6_frag6_expiry(const struct lw4o6_frag6 *f);
/** Forget all from a source whose softwire is gone (D-027); held fragments count as drop-frag6-no-binding. */
LW4O6_API void lw4o6_frag6_flush_source(struct lw4o6_frag6 *f, const struct in6_addr *src);
LW4O6_API void lw4o6_frag6_flush(struct lw4o6_frag6 *f);
LW4O6_API void lw4o6_frag6_usage(const struct lw4o6_frag6 *f, struct lw4o6_frag_usage *u);
/** Has usage risen past the alarm share since the last call (D-167)? True once per crossing. */
LW4O6_API bool lw4o6_frag6_alarm(struct lw4o6_frag6 *f);

/* ---- IPv4: virtual and full reassembly ---- */

struct lw4o6_frag4;

enum lw4o6_frag4_mode {
	LW4O6_FRAG4_VIRTUAL, /**< fragments pass unchanged behind their first one (D-172) */
	LW4O6_FRAG4_FULL,    /**< one packet comes out (D-173) */
	LW4O6_FRAG4_DROP,    /**< all fragments are refused, drop-frag4-disabled (D-171) */
};

/** Octets of the caller's own that a context keeps: what the first fragment decided. */
#define LW4O6_FRAG4_DECISION 64

struct lw4o6_frag4_config {
	size_t size;              /**< set by lw4o6_frag4_config_init() */
	enum lw4o6_frag4_mode mode;
	uint32_t contexts;        /**< 0: 4096 */
	size_t memory;            /**< octets of held fragments; 0: 32 MiB */
	uint32_t per_softwire;    /**< contexts per destination, and per originating softwire; 0: 64 */
	uint32_t per_source_net;  /**< contexts per source /24; 0: 256 */
	uint32_t per_datagram;    /**< held fragments; 0: 64. Four times as many may pass */
	uint32_t max_packet;      /**< full: octets of the whole, 576..65535; 0: 9216 */
	uint32_t timeout_s;       /**< 2..120; 0: 60 (D-175) */
	uint32_t alarm_percent;   /**< 1..100; 0: 80 */
	uint64_t hash_key[2];     /**< random (D-035) */
	struct lw4o6_counters *counters; /**< borrowed; required */
};
LW4O6_API void lw4o6_frag4_config_init_sized(struct lw4o6_frag4_config *cfg, size_t size);
#define lw4o6_frag4_config_init(cfg) lw4o6_frag4_config_init_sized((cfg), sizeof(*(cfg)))

/** Where a fragment comes from: part of the key (D-170). */
struct lw4o6_frag4_from {
	enum lw4o6_side side; /**< where its drops count: dropped-ipv4 or dropped-ipv6 */
	bool hairpin;         /**< a datagram of a softwire on its second half */
	uint64_t softwire;    /**< the one it came out of (AFTR); 0: none, and the quota is by source /24 */
};

/** Names a context; survives other calls and is known to be stale when the context is gone. */
struct lw4o6_frag4_ref {
	uint64_t serial;
	uint32_t index;
};

struct lw4o6_frag4_result {
	uint8_t *data;        /**< COMPLETE: the IPv4 packet; the table's, valid until the next call */
	size_t len;
	unsigned reason;      /**< DROP: enum lw4o6_counter */
	struct lw4o6_frag4_ref ref; /**< FIRST */
	const void *decision; /**< FOLLOW: LW4O6_FRAG4_DECISION octets, aligned to 8; valid until the next call */
};

/** @return NULL: no memory, or a setting out of range. */
LW4O6_API struct lw4o6_frag4 *lw4o6_frag4_new(TALLOC_CTX *mem, const struct lw4o6_frag4_config *cfg);
/**
 * Take a fragment (lw4o6_ip4_is_fragment()) for a shared address; D-185 is the caller's.
 * Counts frag4-in, frag4-duplicate, frag4-virtual-done, frag4-full-done.
 * @param h   header of @p pkt; h->total octets of it are used.
 * @return virtual: FIRST, FOLLOW, HELD, DROP. full: HELD, COMPLETE, DROP.
 */
LW4O6_API LW4O6_MUSTCHECK
enum lw4o6_frag_verdict lw4o6_frag4_add(struct lw4o6_frag4 *f, const struct lw4o6_frag4_from *from,
                                        const struct lw4o6_ip4 *h, const uint8_t *pkt, lw4o6_time now,
                                        struct lw4o6_frag4_result *res);
/**
 * After FIRST, at once: may the datagram pass?
 * @param allow false: the held and later fragments are dropped as drop-frag4-unbound until the timeout (D-176).
 * @param softwire where it goes (quota, flush); 0: none.
 * @param decision up to LW4O6_FRAG4_DECISION octets, copied; may be NULL with len 0.
 */
LW4O6_API void lw4o6_frag4_decide(struct lw4o6_frag4 *f, struct lw4o6_frag4_ref ref, bool allow,
                                  uint64_t softwire, const void *decision, size_t len);
/**
 * After an allowed decision and after the first fragment was forwarded: the next held fragment.
 * Call until false; the context may end with it.
 * @return true with a packet in the table's own buffer, valid until the next call.
 */
LW4O6_API bool lw4o6_frag4_next_held(struct lw4o6_frag4 *f, struct lw4o6_frag4_ref ref, uint8_t **data, size_t *len);
/** As lw4o6_frag6_expire(). In virtual mode ex->first is NULL; full: ICMPv4 11/1 may be sent. */
LW4O6_API bool lw4o6_frag4_expire(struct lw4o6_frag4 *f, lw4o6_time now, struct lw4o6_frag_expired *ex);
LW4O6_API lw4o6_time lw4o6_frag4_expiry(const struct lw4o6_frag4 *f);
/** Forget everything from and to a softwire (D-027); held fragments count as drop-frag4-unbound. */
LW4O6_API void lw4o6_frag4_flush_softwire(struct lw4o6_frag4 *f, uint64_t softwire);
LW4O6_API void lw4o6_frag4_flush(struct lw4o6_frag4 *f);
LW4O6_API void lw4o6_frag4_usage(const struct lw4o6_frag4 *f, struct lw4o6_frag_usage *u);
LW4O6_API bool lw4o6_frag4_alarm(struct lw4o6_frag4 *f);

#ifdef __cplusplus
}
#endif
#endif
