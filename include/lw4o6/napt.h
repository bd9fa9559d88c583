/*
 * NAPT44 restricted to a port set: the translator of a B4, RFC 7596 section 5.2.1 (data-plane 3.19 to 3.25).
 *
 * A packet takes two steps: resolve (find or make the mapping, ask the filter, move the TCP state) gives
 * a struct lw4o6_napt_xlat and changes no octet; apply writes it. What refuses a packet between the two
 * (TTL, size) still sees the packet as it came in. b4.h composes this with the tunnel.
 */
#ifndef LW4O6_NAPT_H
#define LW4O6_NAPT_H

#include <lw4o6/counter.h>
#include <lw4o6/ip.h>
#include <lw4o6/psid.h>
#include <talloc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lw4o6_napt;

/** Spaces of external ports; for ICMP the identifiers of queries (D-266, D-298). */
enum lw4o6_napt_space {
	LW4O6_NAPT_TCP,
	LW4O6_NAPT_UDP,
	LW4O6_NAPT_ICMP,
	LW4O6_NAPT_UDPLITE,
	LW4O6_NAPT_NSPACES,
};

/** Whom an inbound packet may come from, D-278. */
enum lw4o6_napt_filter {
	LW4O6_NAPT_ADF,  /**< addresses the internal endpoint has sent to */
	LW4O6_NAPT_EIF,  /**< anybody */
	LW4O6_NAPT_APDF, /**< addresses and ports it has sent to */
};

/** Ports first..last (host order, inclusive) that dynamic mappings never get (D-299). */
struct lw4o6_napt_reserved {
	uint8_t protocol; /**< IP protocol; 0: all */
	uint16_t first, last;
};

enum { LW4O6_NAPT_SESSIONS_LIMIT = 1u << 20 };

/** Zero is the default everywhere. Lists are copied. */
struct lw4o6_napt_config {
	size_t size;                 /**< set by lw4o6_napt_config_init() */
	uint32_t sessions_max;       /**< D-277; 0: 16384; at most LW4O6_NAPT_SESSIONS_LIMIT */
	uint32_t forwards_max;       /**< static forwards; 0: 256; at most 65536 */
	enum lw4o6_napt_filter filter_udp, filter_tcp; /**< UDP's also serves UDP-Lite; ICMP is always address-dependent */
	uint32_t udp_s;              /**< 0: 300; at least 120 */
	uint32_t tcp_established_s;  /**< 0: 7440; at least that */
	uint32_t tcp_transitory_s;   /**< 0: 240; at least 240 unless transitory_lower */
	uint32_t tcp_closing_s;      /**< 0: 240; as above */
	uint32_t icmp_s;             /**< 0: 60; at least that */
	uint32_t udp_quarantine_s;   /**< 0: 120; at least that (D-304) */
	bool transitory_lower;       /**< allow shorter TCP timers than RFC 5382 does (RFC 7857 section 2.1) */
	bool no_parity;              /**< D-270 */
	bool port_preserve;          /**< D-272 */
	bool joint;                  /**< one mapping for TCP and UDP (D-266) */
	bool inbound_refresh;        /**< UDP: inbound packets refresh too (D-285) */
	bool tcp_loose;              /**< TCP without SYN makes a session (D-293) */
	bool id_partition;           /**< new IPv4 identifications only from the port set (D-308) */
	bool atomic_id_zero;         /**< identification 0 in atomic packets (D-307) */
	uint32_t host_ports_max;     /**< ports per LAN host and protocol; 0: no limit (D-301) */
	uint32_t host_sessions_max;  /**< sessions per LAN host; 0: no limit */
	uint32_t host_rate;          /**< new mappings per second and LAN host; 0: no limit (D-302) */
	uint32_t hosts_max;          /**< LAN hosts the three limits can tell apart; 0: 1024 */
	const struct lw4o6_napt_reserved *reserved;
	size_t n_reserved;
};
LW4O6_API void lw4o6_napt_config_init_sized(struct lw4o6_napt_config *cfg, size_t size);
#define lw4o6_napt_config_init(cfg) lw4o6_napt_config_init_sized((cfg), sizeof(*(cfg)))

/**
 * An empty translator without port set; all tables have their final size. Child of @p mem.
 * @param cnt borrowed, outlives the translator: where its drops and events are counted
 * @return LW4O6_OK with *out set; LW4O6_EINVAL: a setting is out of range (D-288); LW4O6_ENOMEM.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_napt_new(TALLOC_CTX *mem, struct lw4o6_napt **out, const struct lw4o6_napt_config *cfg,
                   const struct lw4o6_host *host, struct lw4o6_counters *cnt);

/**
 * Use this address and port set. A change of either drops all state first (D-330); equal values change nothing
 * (D-333). Forwards outside the set become inactive, others (again) active (D-331).
 * @return how many forwards became inactive.
 */
LW4O6_API uint32_t lw4o6_napt_set_pool(struct lw4o6_napt *n, struct in_addr ipv4, const struct lw4o6_psid *ps,
                                       lw4o6_time now);
/** Drop all mappings, sessions and identifications; forwards stay (D-335). */
LW4O6_API void lw4o6_napt_flush(struct lw4o6_napt *n, lw4o6_time now);

/** A static port forward. */
struct lw4o6_napt_forward {
	uint8_t protocol;     /**< IP protocol: TCP, UDP, UDP-Lite, ICMP */
	uint16_t port;        /**< external, host order, not 0 (ICMP: identifier) */
	struct in_addr addr;  /**< internal endpoint */
	uint16_t inner_port;  /**< host order */
	bool active;          /**< out: inside the present set */
};
/**
 * Add a forward; it never expires and its port is taken from the dynamic ones (D-275). With joint it serves TCP and UDP.
 * @return LW4O6_OK; LW4O6_ENOENT: the port is outside the present set; LW4O6_ECONFLICT: the port is in use;
 *         LW4O6_EINVAL: protocol, port or address; LW4O6_ENOSPC: D-277. Before a set is known any port is taken.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_napt_forward_add(struct lw4o6_napt *n, const struct lw4o6_napt_forward *f, lw4o6_time now);
/** @return LW4O6_OK, or LW4O6_ENOENT. Its sessions end too. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_napt_forward_remove(struct lw4o6_napt *n, uint8_t protocol, uint16_t port, lw4o6_time now);
/** @param cursor 0 to start. @return false at the end. */
LW4O6_API bool lw4o6_napt_next_forward(const struct lw4o6_napt *n, uint32_t *cursor, struct lw4o6_napt_forward *out);

/* ---- packets ---- */

/** What apply will write: absolute values, so that what does not change is equal to what the packet holds. */
struct lw4o6_napt_xlat {
	struct in_addr src, dst;
	uint16_t sport, dport;     /**< ICMP query: both are the identifier to write */
	bool ports;                /**< sport and dport apply */
	bool quote;                /**< ICMP error: q_* apply to the quoted packet */
	struct in_addr q_src, q_dst;
	uint16_t q_sport, q_dport;
	int32_t q_id;              /**< identification to restore in the quote (D-310), or -1 */
	bool fresh;                /**< the packet made a new session */
};

/** An IPv4 packet, checked by lw4o6_ip4_decode(). Not a fragment with offset > 0. */
struct lw4o6_napt_pkt {
	const struct lw4o6_ip4 *h;
	const uint8_t *data; /**< the IPv4 header; h->total octets are there */
};

/** Steps of resolve and apply: 0 for success, else the counter that says why not (enum lw4o6_counter; not yet counted). */

/** LAN to tunnel: mapping looked up or made (D-264 to D-277). The destination is not ours. */
LW4O6_API LW4O6_MUSTCHECK
unsigned lw4o6_napt_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x);
/** Tunnel to LAN: mapping, filter, TCP state (D-278 to D-283). The destination address and port are in the set. */
LW4O6_API LW4O6_MUSTCHECK
unsigned lw4o6_napt_in(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x);
/** LAN to LAN by the public address and a port of the own set (D-324 to D-329). */
LW4O6_API LW4O6_MUSTCHECK
unsigned lw4o6_napt_hairpin(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                            struct lw4o6_napt_xlat *x);

/**
 * Which port of ours an inbound packet is for: destination port, identifier, or what the quote of an ICMP error says.
 * @return 0..65535, or -1: none (portless protocol, too short, malformed quote, ICMP type not translated);
 *         *reason says why.
 */
LW4O6_API int lw4o6_napt_port_of(const struct lw4o6_napt_pkt *p, unsigned *reason);
/** The internal endpoint behind (protocol, external port), mapped or forwarded. @return false when there is none. */
LW4O6_API bool lw4o6_napt_owner(const struct lw4o6_napt *n, uint8_t protocol, uint16_t port, struct in_addr *addr,
                                uint16_t *inner_port);

enum { LW4O6_NAPT_BURST = 32 };
/**
 * Bring the table entries of up to LW4O6_NAPT_BURST packets into the cache, all at once; nothing else happens.
 * @param pkts IPv4 packets as they came, of any content; NULL entries are skipped
 * @param lens octets present of each
 * @param inbound they will go to lw4o6_napt_in()
 */
LW4O6_API void lw4o6_napt_warm(struct lw4o6_napt *n, const uint8_t *const *pkts, const size_t *lens, unsigned count,
                               bool inbound);

/** Is there no mapping at all? Then nothing inbound can be for anybody. */
LW4O6_API bool lw4o6_napt_idle(const struct lw4o6_napt *n);

/**
 * Write a translation: addresses, ports, identifiers, quote, and every checksum that covers them
 * (RFC 1624; 3.17). Fragments with offset > 0: addresses only.
 * @param pkt an IPv4 packet whose header is @p h
 */
LW4O6_API void lw4o6_napt_apply(uint8_t *pkt, const struct lw4o6_ip4 *h, const struct lw4o6_napt_xlat *x);
/**
 * The identification for an outbound packet to @p h->dst: new for all but atomic ones (D-306 to D-309).
 * Counts. One call a datagram: fragments of it get the same value from the caller.
 */
LW4O6_API uint16_t lw4o6_napt_new_id(struct lw4o6_napt *n, const struct lw4o6_ip4 *h, lw4o6_time now);
/** Write an identification and fix the header checksum. */
LW4O6_API void lw4o6_napt_set_id(uint8_t *pkt, const struct lw4o6_ip4 *h, uint16_t id);

/* ---- time ---- */

/** When something ends next; LW4O6_TIME_NONE: nothing waits. */
LW4O6_API lw4o6_time lw4o6_napt_expiry(const struct lw4o6_napt *n);
/** End what is due, at most @p max sessions a call. Mappings end up to half a second late. @return how many ended. */
LW4O6_API uint32_t lw4o6_napt_tick(struct lw4o6_napt *n, lw4o6_time now, uint32_t max);

/* ---- operator ---- */

struct lw4o6_napt_gauges {
	uint32_t mappings[LW4O6_NAPT_NSPACES];     /**< live ones, forwards included */
	uint32_t ports_in_use[LW4O6_NAPT_NSPACES]; /**< mapped, forwarded or reserved; quarantined ones are not */
	uint32_t ports_total;                      /**< size of the set; 0 without one */
	uint32_t sessions, sessions_max;
	uint32_t chain_max;                        /**< longest hash chain met (D-035) */
	size_t memory;                             /**< octets of all tables (D-044) */
};
LW4O6_API void lw4o6_napt_gauges(const struct lw4o6_napt *n, struct lw4o6_napt_gauges *out);

struct lw4o6_napt_mapping {
	uint8_t protocol;
	bool forward;
	uint16_t port, inner_port;
	struct in_addr addr;
	uint32_t sessions;
};
struct lw4o6_napt_session {
	uint8_t protocol;
	uint8_t state; /**< enum lw4o6_napt_tcp_state; 0 for other protocols */
	uint16_t port, inner_port, remote_port;
	struct in_addr addr, remote;
	lw4o6_time expires;
};
/** RFC 7857 section 2. */
enum lw4o6_napt_tcp_state {
	LW4O6_NAPT_TCP_CLOSED,
	LW4O6_NAPT_TCP_INIT,
	LW4O6_NAPT_TCP_ESTABLISHED,
	LW4O6_NAPT_TCP_C_FIN,
	LW4O6_NAPT_TCP_S_FIN,
	LW4O6_NAPT_TCP_BOTH_FIN,
	LW4O6_NAPT_TCP_TRANS,
};
/** @param cursor 0 to start. @return false at the end. What comes and goes meanwhile may be missed. */
LW4O6_API bool lw4o6_napt_next_mapping(const struct lw4o6_napt *n, uint32_t *cursor, struct lw4o6_napt_mapping *out);
LW4O6_API bool lw4o6_napt_next_session(const struct lw4o6_napt *n, uint32_t *cursor, struct lw4o6_napt_session *out);

#ifdef __cplusplus
}
#endif
#endif
