/*
 * The data path of an AFTR: packets between the Internet and the softwires of a binding table,
 * RFC 7596 section 6. Bursts of packets in, verdicts and packets out; no I/O, no clock, no NAT.
 */
#ifndef LW4O6_AFTR_H
#define LW4O6_AFTR_H

#include <lw4o6/bindtab.h>
#include <lw4o6/counter.h>
#include <lw4o6/frag.h>
#include <lw4o6/pkt.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lw4o6_aftr;

/** One of our softwire addresses. */
struct lw4o6_aftr_addr {
	struct in6_addr addr;
	bool anycast; /**< other AFTRs have it too: path MTU discovery is off by default (D-192) */
};
struct lw4o6_aftr_prefix6 {
	struct in6_addr addr;
	uint8_t len; /**< 0..128 */
};
struct lw4o6_aftr_prefix4 {
	struct in_addr addr;
	uint8_t len; /**< 0..32 */
};

enum lw4o6_aftr_hairpin {
	LW4O6_AFTR_HAIRPIN_ON,      /**< to the other softwire, without leaving the AFTR */
	LW4O6_AFTR_HAIRPIN_FORWARD, /**< natively to the IPv4 side */
	LW4O6_AFTR_HAIRPIN_DROP,
};
enum lw4o6_aftr_switch { LW4O6_AFTR_DEFAULT, LW4O6_AFTR_ON, LW4O6_AFTR_OFF };

/** Classes of ICMP errors, bits for no_icmp4 and no_icmp6 (D-129). */
enum {
	LW4O6_AFTR_ICMP4_3_1 = 1,   /**< no binding */
	LW4O6_AFTR_ICMP4_3_4 = 2,   /**< too big */
	LW4O6_AFTR_ICMP4_11_0 = 4,  /**< TTL */
	LW4O6_AFTR_ICMP4_RELAY = 8, /**< errors from inside the tunnel */
	LW4O6_AFTR_ICMP6_1_5 = 1,   /**< source check failed */
	LW4O6_AFTR_ICMP6_3_1 = 2,   /**< reassembly time */
	LW4O6_AFTR_ICMP6_4 = 4,     /**< parameter problems */
	LW4O6_AFTR_ICMP_ALL = 0xff,
};

enum { LW4O6_AFTR_UNLIMITED = -1 };

/** Zero is the default everywhere but for the addresses. Lists are copied. */
struct lw4o6_aftr_config {
	size_t size; /**< set by lw4o6_aftr_config_init() */

	const struct lw4o6_aftr_addr *addrs; /**< at least one; the first is the instance's own */
	size_t n_addrs;
	struct in_addr icmp4_source_internet; /**< 0: no ICMPv4 errors to the Internet (D-118) */
	struct in_addr icmp4_source_tunnel;   /**< 0: 192.0.0.1 */
	const struct lw4o6_aftr_prefix6 *access; /**< where B4s may live (D-050); none: anywhere */
	size_t n_access;
	const struct lw4o6_aftr_prefix4 *martians; /**< more inner prefixes to refuse (D-065) */
	size_t n_martians;
	uint32_t softwires_max;               /**< per-softwire state for so many slots of each table; 0: 65536 */

	uint32_t ipv4_mtu;                    /**< 0: 1500; 576..65535 */
	uint32_t link_mtu;                    /**< IPv6 side; 0: 1500; 1280..65535 */
	uint32_t payload_mtu;                 /**< at most this in a tunnel packet (D-190); 0: computed */
	uint32_t path_mru;                    /**< largest outer packet reassembled (D-149); 0: 9256 */
	enum lw4o6_aftr_hairpin hairpin;
	enum lw4o6_aftr_switch v4_antispoof;  /**< default: on with hairpinning (D-082) */
	bool drop_source_route;               /**< D-046 */
	uint8_t hop_limit;                    /**< 0: 64 */
	bool no_ttl_ipv4, no_ttl_ipv6;        /**< somebody else decrements the TTL of packets from this side (D-205) */
	bool dscp_encap_fixed;                /**< D-210 */
	uint8_t dscp_encap_value;
	bool dscp_pipe;                       /**< D-211 */
	const uint8_t *dscp_remap;            /**< 64 values (D-212), or NULL */
	bool ecn_compat;                      /**< D-214 */
	bool flow_label_hash;                 /**< D-219 */
	bool encap_limit;                     /**< add a Tunnel Encapsulation Limit option (D-079) */
	uint8_t encap_limit_value;
	bool tunnel_fragment;                 /**< IPv6-fragment packets with DF instead of refusing them (D-194) */
	bool mss_clamp;                       /**< D-199 */
	uint16_t mss_clamp_value;             /**< 0: tunnel MTU - 40 */
	enum lw4o6_aftr_switch pmtu;          /**< dynamic path MTU; default: on unless an address is anycast */
	uint32_t pmtu_age_s;                  /**< 0: 600; at least 300; UINT32_MAX: never (D-191) */

	bool no_incoming_icmp4;               /**< D-095 */
	int32_t icmp4_in_rate, icmp4_in_burst; /**< inbound errors per second; 0: 1000, 1000; < 0: unlimited */
	uint8_t no_icmp4, no_icmp6;           /**< classes that are not sent */
	bool icmp4_11_1;                      /**< send 11/1 for IPv4 reassembly in full mode; default off */
	bool icmp_tos_cs6;                    /**< CS6 instead of the offender's DSCP (D-122) */
	int32_t icmp4_rate, icmp4_burst;      /**< 0: 100/s, 200 (D-127); < 0: unlimited */
	int32_t icmp6_rate, icmp6_burst;      /**< 0: 100/s, 200 (D-126) */
	int32_t softwire_rate, softwire_burst; /**< of each family; 0: 10/s, 10 (D-128) */
	int32_t too_big_rate, too_big_burst;  /**< 0: 100/s, 200 */
	bool ignore_icmp6_errors;             /**< D-143 */
	int32_t icmp6_in_rate;                /**< tunnel ICMPv6 errors accepted per second, burst as much; 0: 1000 */

	enum lw4o6_frag4_mode frag4_mode;
	uint32_t frag4_contexts, frag4_per_softwire, frag4_per_source_net, frag4_per_datagram, frag4_timeout_s;
	size_t frag4_memory;                  /**< octets; 0 of each: as in frag.h */
	uint32_t frag6_contexts, frag6_per_source, frag6_per_datagram;
	size_t frag6_memory;
	uint8_t frag_alarm_percent;           /**< 0: 80 (D-167) */
	uint32_t frag6_first_id;              /**< first IPv6 fragment identification; 0: random */
	uint8_t frag6_instance, frag6_instance_bits; /**< our number among the AFTRs of an anycast address (D-162) */
	size_t outq_size;                     /**< octets of the output queue; 0: 1 MiB; at least 512 KiB */
};
LW4O6_API void lw4o6_aftr_config_init_sized(struct lw4o6_aftr_config *cfg, size_t size);
#define lw4o6_aftr_config_init(cfg) lw4o6_aftr_config_init_sized((cfg), sizeof(*(cfg)))

/**
 * A data path without table: every address is unbound. Child of @p mem; talloc_free() ends it.
 * @return LW4O6_OK with *out set; LW4O6_EINVAL: a setting is out of range; LW4O6_ENOMEM.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_aftr_new(TALLOC_CTX *mem, struct lw4o6_aftr **out, const struct lw4o6_aftr_config *cfg,
                   const struct lw4o6_host *host);

enum { LW4O6_AFTR_TABLES = 2 };
/**
 * Use this table, borrowed until the next call, as the @p which-th: packets ask table 0 first, and table 1 when
 * 0 has no entry. One IPv4 address should not be in both. NULL: none. State of softwires (path MTU, buckets,
 * counters) that differ behind the same slot starts anew.
 */
LW4O6_API void lw4o6_aftr_set_table(struct lw4o6_aftr *a, unsigned which, const struct lw4o6_bindtab *t);
/** A softwire was removed or changed: drop its fragments (D-027). Its other state goes by itself. */
LW4O6_API void lw4o6_aftr_softwire_gone(struct lw4o6_aftr *a, const struct in6_addr *b4);

/**
 * Process a burst. LW4O6_SIDE_IPV4: IPv4 packets from the Internet; LW4O6_SIDE_IPV6: IPv6 packets to a softwire
 * address. Each processed packet has its verdict; there may be packets for lw4o6_aftr_next_out() then, which
 * are to be sent after the burst's own: packets behind one that was queued are queued too.
 * @return how many were processed: less than @p n when the output queue must be emptied first.
 */
LW4O6_API LW4O6_MUSTCHECK
size_t lw4o6_aftr_run(struct lw4o6_aftr *a, enum lw4o6_side side, struct lw4o6_pkt *pkts, size_t n, lw4o6_time now);
/** Next packet of the output queue; borrowed until the next call into @p a. @return false when there is none. */
LW4O6_API bool lw4o6_aftr_next_out(struct lw4o6_aftr *a, struct lw4o6_out *out);

/** When lw4o6_aftr_tick() has work; LW4O6_TIME_NONE: never. */
LW4O6_API lw4o6_time lw4o6_aftr_expiry(const struct lw4o6_aftr *a);
/** Drop reassembly contexts that are due; bounded work a call. May put packets into the output queue. */
LW4O6_API void lw4o6_aftr_tick(struct lw4o6_aftr *a, lw4o6_time now);

struct lw4o6_aftr_gauges {
	uint32_t active_softwires;
	uint64_t binding_version; /**< of both tables, added up */
	uint32_t frag4_contexts, frag6_contexts;
	size_t frag4_memory, frag6_memory;
	uint32_t pmtu_entries;    /**< softwires with a path MTU below the link's (D-203) */
	size_t memory;            /**< octets of everything but the tables */
};
LW4O6_API void lw4o6_aftr_gauges(const struct lw4o6_aftr *a, struct lw4o6_aftr_gauges *out, lw4o6_time now);
/** Borrowed; changes with each call into @p a. */
LW4O6_API const struct lw4o6_counters *lw4o6_aftr_counters(const struct lw4o6_aftr *a);

/** What is known of one softwire. */
struct lw4o6_aftr_softwire {
	uint32_t tunnel_mtu;                      /**< in force (D-203) */
	uint64_t rcvd_ipv4, rcvd_ipv4_bytes;      /**< from the Internet, for this softwire */
	uint64_t sent_ipv6, sent_ipv6_bytes;      /**< into it */
	uint64_t rcvd_ipv6, rcvd_ipv6_bytes;      /**< out of it */
	uint64_t sent_ipv4, sent_ipv4_bytes;      /**< to the Internet */
	uint64_t hairpin_ipv4, hairpin_ipv4_bytes;
	uint64_t dropped_ipv4, dropped_ipv4_bytes;
	uint64_t dropped_ipv6, dropped_ipv6_bytes;
};
/** @param port any of the softwire's. @return false: no such softwire. */
LW4O6_API bool lw4o6_aftr_softwire(const struct lw4o6_aftr *a, struct in_addr ipv4, uint16_t port, lw4o6_time now,
                                   struct lw4o6_aftr_softwire *out);

#ifdef __cplusplus
}
#endif
#endif
